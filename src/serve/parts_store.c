/* parts_store.c - what is known of parts, in SQLite (WAL). Statements are prepared once. */
#include "serve/parts_store.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum { GET, PUT, LIST, OVERDUE, QUEUE, STATEMENTS };

static const char *const sql[STATEMENTS] = {
    [GET] = "SELECT model, features, answer, opened_us FROM parts WHERE serial = ? AND attempt = ?",
    [PUT] =
        ("INSERT INTO parts (serial, attempt, model, features, answer, opened_us) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (serial, attempt) "
         "DO UPDATE SET features = excluded.features, answer = excluded.answer WHERE answer IS NULL"),
    [LIST] = "SELECT attempt, features, answer, opened_us, model FROM parts WHERE serial = ? ORDER BY attempt",
    [OVERDUE] = "SELECT serial, attempt, model, features, opened_us FROM parts WHERE answer IS NULL AND (opened_us < ? OR opened_us > ?) "
                "ORDER BY opened_us LIMIT ?",
    [QUEUE] = "INSERT INTO outbox (serial, attempt, verdict) VALUES (?, ?, ?)",
};

struct an__parts_store {
    sqlite3 *db;
    sqlite3_stmt *statement[STATEMENTS];
    bool begun, queues;
    size_t queued; /* in this transaction */
};

static bool broken(an__parts_store *s, const char *what, an_error *err)
{
    int code = sqlite3_errcode(s->db);
    return an_fail(err, code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? AN_CORRUPT : AN_IO, "%s: %s", what, sqlite3_errmsg(s->db));
}

static bool run(an__parts_store *s, const char *text, an_error *err)
{
    return sqlite3_exec(s->db, text, NULL, NULL, NULL) == SQLITE_OK || broken(s, "the table of parts", err);
}

an__parts_store *an__parts_store_open(const char *path, bool durable, an_error *err)
{
    an__parts_store *s = an_alloc(sizeof *s);
    bool ok = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) == SQLITE_OK;
    if (!ok) broken(s, path, err);
    if (ok) sqlite3_busy_timeout(s->db, 2000);
    ok = ok && run(s, "PRAGMA journal_mode = WAL", err) &&
         run(s, durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", err) &&
         run(s,
             "CREATE TABLE IF NOT EXISTS parts (serial TEXT NOT NULL, attempt INTEGER NOT NULL, model TEXT, features TEXT NOT NULL, "
             "answer TEXT, opened_us INTEGER NOT NULL, PRIMARY KEY (serial, attempt)) WITHOUT ROWID;"
             "CREATE INDEX IF NOT EXISTS waiting ON parts (opened_us) WHERE answer IS NULL;"
             "CREATE TABLE IF NOT EXISTS outbox (number INTEGER PRIMARY KEY AUTOINCREMENT, serial TEXT NOT NULL, attempt INTEGER NOT NULL, "
             "verdict TEXT NOT NULL);"
             "CREATE TABLE IF NOT EXISTS outbox_channels (name TEXT PRIMARY KEY, sent INTEGER NOT NULL) WITHOUT ROWID",
             err);
    for (int i = 0; ok && i < STATEMENTS; i++)
        ok = sqlite3_prepare_v3(s->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->statement[i], NULL) == SQLITE_OK ||
             broken(s, "the table of parts", err);
    if (ok) return s;
    an_context(err, "%s", path);
    an__parts_store_close(s);
    return NULL;
}

void an__parts_store_close(an__parts_store *s)
{
    if (!s) return;
    for (int i = 0; i < STATEMENTS; i++) sqlite3_finalize(s->statement[i]);
    sqlite3_close(s->db);
    free(s);
}

void an__part_free(an__part *p)
{
    free(p->model);
    json_decref(p->features);
    json_decref(p->answer);
    *p = (an__part){ 0 };
}

static char *text_of(sqlite3_stmt *q, int column)
{
    const char *t = (const char *)sqlite3_column_text(q, column);
    return t ? an_strdup(t) : NULL;
}

static json_t *json_of(sqlite3_stmt *q, int column)
{
    const char *t = (const char *)sqlite3_column_text(q, column);
    return t ? an_json_parse(t, (size_t)sqlite3_column_bytes(q, column), "a part", NULL) : NULL;
}

bool an__parts_store_get(an__parts_store *s, const char *serial, int64_t attempt, bool *found, an__part *out, an_error *err)
{
    sqlite3_stmt *q = s->statement[GET];
    sqlite3_bind_text(q, 1, serial, -1, SQLITE_STATIC);
    sqlite3_bind_int64(q, 2, attempt);
    int code = sqlite3_step(q);
    *found = code == SQLITE_ROW;
    bool ok = code == SQLITE_ROW || code == SQLITE_DONE || broken(s, "reading a part", err);
    if (*found) {
        *out = (an__part){ text_of(q, 0), json_of(q, 1), json_of(q, 2), sqlite3_column_int64(q, 3) };
        if (!json_is_object(out->features) || (sqlite3_column_type(q, 2) != SQLITE_NULL && !json_is_object(out->answer))) {
            ok = an_fail(err, AN_CORRUPT, "what is known of part \"%s\" is damaged", serial);
            an__part_free(out);
        }
    }
    sqlite3_reset(q);
    return ok;
}

bool an__parts_store_put(an__parts_store *s, const char *serial, int64_t attempt, const an__part *p, an_error *err)
{
    if (!s->begun) {
        if (!run(s, "BEGIN IMMEDIATE", err)) return false;
        s->begun = true;
    }
    sqlite3_stmt *q = s->statement[PUT];
    char *features = an_json_text(p->features, false), *answer = p->answer ? an_json_text(p->answer, false) : NULL;
    sqlite3_bind_text(q, 1, serial, -1, SQLITE_STATIC);
    sqlite3_bind_int64(q, 2, attempt);
    sqlite3_bind_text(q, 3, p->model, -1, SQLITE_STATIC);
    sqlite3_bind_text(q, 4, features, -1, SQLITE_STATIC);
    sqlite3_bind_text(q, 5, answer, -1, SQLITE_STATIC);
    sqlite3_bind_int64(q, 6, p->opened_us);
    bool ok = sqlite3_step(q) == SQLITE_DONE || broken(s, "keeping a part", err);
    bool first = ok && answer && sqlite3_changes(s->db);
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
    if (first && s->queues) {
        q = s->statement[QUEUE];
        sqlite3_bind_text(q, 1, serial, -1, SQLITE_STATIC);
        sqlite3_bind_int64(q, 2, attempt);
        sqlite3_bind_text(q, 3, answer, -1, SQLITE_STATIC);
        ok = sqlite3_step(q) == SQLITE_DONE || broken(s, "queueing a verdict", err);
        sqlite3_reset(q);
        sqlite3_clear_bindings(q);
        s->queued += ok;
    }
    free(features);
    free(answer);
    return ok;
}

json_t *an__parts_store_list(an__parts_store *s, const char *serial, an_error *err)
{
    sqlite3_stmt *q = s->statement[LIST];
    json_t *all = json_array();
    char when[32];
    sqlite3_bind_text(q, 1, serial, -1, SQLITE_STATIC);
    int code;
    while ((code = sqlite3_step(q)) == SQLITE_ROW) {
        json_t *one = json_of(q, 2), *features = json_of(q, 1);
        if (!one) {
            one = json_pack("{s:I, s:s}", "attempt", (json_int_t)sqlite3_column_int64(q, 0), "state", "waiting");
            const char *model = (const char *)sqlite3_column_text(q, 4);
            if (model) json_object_set_new(one, "model", json_string(model));
        }
        json_object_set_new(one, "opened", json_string(an_time_text(sqlite3_column_int64(q, 3), when)));
        json_object_set_new(one, "features", features ? features : json_null());
        json_array_append_new(all, one);
    }
    sqlite3_reset(q);
    if (code == SQLITE_DONE) return all;
    broken(s, "reading a part", err);
    json_decref(all);
    return NULL;
}

bool an__parts_store_overdue(an__parts_store *s, int64_t before_us, int64_t after_us, int limit,
                             void (*each)(void *context, const char *serial, int64_t attempt, an__part *p), void *context, an_error *err)
{
    sqlite3_stmt *q = s->statement[OVERDUE];
    sqlite3_bind_int64(q, 1, before_us);
    sqlite3_bind_int64(q, 2, after_us);
    sqlite3_bind_int(q, 3, limit);
    struct {
        char *serial;
        int64_t attempt;
        an__part part;
    } *rows = an_alloc_n((size_t)limit, sizeof *rows);
    size_t n = 0;
    int code;
    while ((code = sqlite3_step(q)) == SQLITE_ROW) { /* all are read before any is written */
        rows[n].serial = text_of(q, 0);
        rows[n].attempt = sqlite3_column_int64(q, 1);
        rows[n++].part = (an__part){ text_of(q, 2), json_of(q, 3), NULL, sqlite3_column_int64(q, 4) };
    }
    sqlite3_reset(q);
    bool ok = code == SQLITE_DONE || broken(s, "reading parts that wait", err);
    for (size_t i = 0; i < n; i++) {
        if (!rows[i].part.features) rows[i].part.features = json_object();
        each(context, rows[i].serial, rows[i].attempt, &rows[i].part);
        free(rows[i].serial);
        an__part_free(&rows[i].part);
    }
    free(rows);
    return ok;
}

bool an__parts_store_begun(const an__parts_store *s)
{
    return s->begun;
}

void an__parts_store_queue(an__parts_store *s)
{
    s->queues = true;
}

bool an__parts_store_commit(an__parts_store *s, size_t *queued, an_error *err)
{
    *queued = s->queued;
    s->queued = 0;
    if (!s->begun) return true;
    s->begun = false;
    if (run(s, "COMMIT", err)) return true;
    sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    *queued = 0;
    return false;
}
