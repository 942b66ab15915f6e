/* sql.c - statements and transactions over SQLite, and what its failures mean to a person. */
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool fail_busy(an_store *s, an_error *err)
{
    long pid = 0;
    char name[64] = "", *path = an_path_join(s->hidden, "andon.db");
    bool known = an__lock_holder(path, &pid, name);
    free(path);
    double seconds = s->busy_ms / 1000.0;
    if (known) {
        an_fail(err, AN_BUSY, "the workspace \"%s\" has been locked by process %ld (%s) for more than %g s", s->folder, pid, name, seconds);
        return an_hint(err, "Wait until process %ld has finished (or stop it), then try again.", pid);
    }
    an_fail(err, AN_BUSY, "the workspace \"%s\" has been locked by another process for more than %g s", s->folder, seconds);
    return an_hint(err, "Wait until the other andon has finished (or stop it), then try again.");
}

bool an__sql_fail(an_store *s, const char *what, int code, an_error *err)
{
    int primary = code & 0xff, number = s->db ? sqlite3_system_errno(s->db) : 0;
    const char *text = s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(code);
    switch (primary) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return fail_busy(s, err);
    case SQLITE_FULL:
        an_fail(err, AN_IO, "%s: the disk that holds \"%s\" is full", what, s->folder);
        return an_hint(err, "Free some disk space and try again; nothing was changed.");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        an_fail(err, AN_CORRUPT, "%s: the database \"%s/andon.db\" is damaged: %s", what, s->hidden, text);
        return an_hint(err, "Restore the workspace from a backup.");
    case SQLITE_NOMEM:
        return an_fail(err, AN_MEMORY, "%s: not enough memory for the database", what);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
        if (primary == SQLITE_IOERR && (number == ENOSPC || number == EDQUOT || number == EFBIG)) {
            an_fail(err, AN_IO, "%s: \"%s\" cannot grow any more: %s", what, s->folder, strerrordesc_np(number));
            return an_hint(err, "Free some disk space (or raise the quota or file size limit) and try again; nothing was changed.");
        }
        an_fail(err, AN_IO, "%s: the database \"%s/andon.db\" cannot be %s: %s%s%s", what, s->hidden,
                primary == SQLITE_READONLY ? "written" : "used", text, number ? ": " : "", number ? strerrordesc_np(number) : "");
        return an_hint(err, "Check that the disk works and that \"%s\" and the files in it may be written.", s->hidden);
    default:
        return an_fail(err, AN_FAILED, "%s: database: %s", what, text);
    }
}

static int bind(sqlite3_stmt *statement, const char *types, va_list args)
{
    int code = SQLITE_OK;
    for (int i = 0; types[i] && code == SQLITE_OK; i++) {
        switch (types[i]) {
        case 'i':
            code = sqlite3_bind_int64(statement, i + 1, va_arg(args, int64_t));
            break;
        case 'u':
            code = sqlite3_bind_int64(statement, i + 1, (int64_t)va_arg(args, uint64_t));
            break;
        case 'r':
            code = sqlite3_bind_double(statement, i + 1, va_arg(args, double));
            break;
        case 't':
            code = sqlite3_bind_text(statement, i + 1, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
            break;
        case 'h':
            code = sqlite3_bind_blob(statement, i + 1, va_arg(args, const an_hash *)->bytes, 32, SQLITE_TRANSIENT);
            break;
        case 'b': {
            const void *bytes = va_arg(args, const void *);
            code = sqlite3_bind_blob64(statement, i + 1, bytes, va_arg(args, size_t), SQLITE_TRANSIENT);
            break;
        }
        default:
            code = SQLITE_MISUSE;
        }
    }
    return code;
}

static sqlite3_stmt *prepare(an_store *s, an_error *err, const char *sql, const char *types, va_list args)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) code = bind(statement, types, args);
    if (code == SQLITE_OK) return statement;
    an__sql_fail(s, "cannot ask the store", code, err);
    sqlite3_finalize(statement);
    return NULL;
}

sqlite3_stmt *an__sql(an_store *s, an_error *err, const char *sql, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    sqlite3_stmt *statement = prepare(s, err, sql, types, args);
    va_end(args);
    return statement;
}

bool an__sql_step(an_store *s, sqlite3_stmt *statement, bool *row, an_error *err)
{
    int code = sqlite3_step(statement);
    *row = code == SQLITE_ROW;
    if (*row) return true;
    bool good = code == SQLITE_DONE ||
                an__sql_fail(s, sqlite3_stmt_readonly(statement) ? "cannot read from the store" : "cannot write to the store", code, err);
    sqlite3_finalize(statement);
    return good;
}

bool an__sql_do(an_store *s, an_error *err, const char *sql, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    sqlite3_stmt *statement = prepare(s, err, sql, types, args);
    va_end(args);
    if (!statement) return false;
    bool row = true;
    while (row)
        if (!an__sql_step(s, statement, &row, err)) return false;
    return true;
}

bool an__sql_int(an_store *s, int64_t *value, bool *found, an_error *err, const char *sql, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    sqlite3_stmt *statement = prepare(s, err, sql, types, args);
    va_end(args);
    *value = 0;
    *found = false;
    if (!statement || !an__sql_step(s, statement, found, err)) return false;
    if (!*found) return true;
    *value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return true;
}

char *an__sql_text(sqlite3_stmt *statement, int column)
{
    return an_strdup((const char *)sqlite3_column_text(statement, column));
}

bool an__sql_hash(sqlite3_stmt *statement, int column, an_hash *out)
{
    const void *bytes = sqlite3_column_blob(statement, column);
    if (!bytes || sqlite3_column_bytes(statement, column) != 32) return false;
    memcpy(out->bytes, bytes, 32);
    return true;
}

bool an__sql_json(sqlite3_stmt *statement, int column, const char *what, json_t **out, an_error *err)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    *out = text ? an_json_parse(text, (size_t)sqlite3_column_bytes(statement, column), what, err) : NULL;
    if (!text || *out) return true;
    if (err && err->code == AN_INPUT) err->code = AN_CORRUPT;
    return an_context(err, "the database is damaged");
}

bool an__begin(an_store *s, bool durable, an_error *err)
{
    /* FULL brings the log to disk at every commit. NORMAL leaves that to the next checkpoint: a power cut may then lose the newest
     * commits (never break the file), which is right for metrics and leases. */
    if (durable != s->durable) {
        if (!an__sql_do(s, err, durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", "")) return false;
        s->durable = durable;
    }
    return an__sql_do(s, err, "BEGIN IMMEDIATE", "");
}

bool an__end(an_store *s, bool good, an_error *err)
{
    if (good && an__sql_do(s, err, "COMMIT", "")) return true;
    if (!sqlite3_get_autocommit(s->db)) {
        an_error ignored = { 0 };
        (void)an__sql_do(s, &ignored, "ROLLBACK", "");
    }
    return false;
}
