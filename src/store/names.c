/* names.c - versions of names, and aliases that move between them. */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

static const char *const kinds[AN_NAME_KINDS] = {
    [AN_NAME_DATA] = "data", [AN_NAME_GENERATOR] = "generator", [AN_NAME_MODEL] = "model", [AN_NAME_REPORT] = "report"
};

const char *an_name_kind_text(an_name_kind kind)
{
    return (size_t)kind < AN_NAME_KINDS ? kinds[kind] : "?";
}

bool an__kind_parse(const char *text, an_name_kind *kind)
{
    for (int i = 0; i < AN_NAME_KINDS; i++) {
        if (strcmp(text, kinds[i]) != 0) continue;
        *kind = (an_name_kind)i;
        return true;
    }
    return false;
}

void an_version_row_free(an_version_row *row)
{
    if (!row) return;
    free(row->name);
    free(row->run);
    free(row->aliases);
    json_decref(row->meta);
    *row = (an_version_row){ 0 };
}

void an_version_rows_free(an_version_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) an_version_row_free(&rows[i]);
    free(rows);
}

/* ---- adding ---- */

static bool version_exists(an_store *s, an_name_kind kind, const char *name, const an_hash *address, int64_t *newest, int64_t *version,
                           bool *existed, an_error *err)
{
    bool found;
    /* data: any version with this content; others: the newest only, so that going back to an older state is a new version */
    return an__sql_int(s, newest, &found, err, "SELECT coalesce(max(version), 0) FROM versions WHERE kind = ? AND name = ?", "tt",
                       an_name_kind_text(kind), name) &&
           an__sql_int(s, version, existed, err,
                       "SELECT version FROM versions WHERE kind = ? AND name = ? AND address = ? AND (kind = 'data' OR version = ?) ORDER "
                       "BY version DESC LIMIT 1",
                       "tthi", an_name_kind_text(kind), name, address, *newest);
}

bool an_version_add(an_store *s, an_name_kind kind, const char *name, const an_hash *address, const char *run, const json_t *meta,
                    int64_t *version, bool *existed, an_error *err)
{
    if (!an_name_check("name", name, err)) return false;
    int64_t newest = 0, found = 0;
    bool old = false, known = false, run_known = true;
    char *text = meta ? an_json_text(meta, false) : NULL;
    an__lock(s);
    bool good = an__begin(s, true, err);
    if (good) {
        good = an__artifact_known(s, address, &known, err);
        if (good && run) {
            int64_t one;
            good = an__sql_int(s, &one, &run_known, err, "SELECT 1 FROM runs WHERE id = ?", "t", run);
        }
        if (good && !known) {
            char hex[65];
            an_hash_hex(address, hex);
            good = an_fail(err, AN_NOT_FOUND, "%s %s: there is no artifact %s in the workspace", an_name_kind_text(kind), name, hex);
        }
        if (good && !run_known) good = an_fail(err, AN_NOT_FOUND, "%s %s: there is no run \"%s\"", an_name_kind_text(kind), name, run);
        good = good && version_exists(s, kind, name, address, &newest, &found, &old, err);
        if (good && !old) {
            found = newest + 1;
            good = an__sql_do(s, err,
                              "INSERT INTO versions (kind, name, version, address, run, created_us, meta) VALUES (?, ?, ?, ?, ?, ?, ?)",
                              "ttihtit", an_name_kind_text(kind), name, found, address, run, an_now_us(), text);
        }
        good = an__end(s, good, err);
    }
    an__unlock(s, true);
    free(text);
    if (good && version) *version = found;
    if (good && existed) *existed = old;
    return good;
}

/* ---- reading ---- */

#define COLUMNS                                                                                                                  \
    "SELECT kind, name, version, address, run, created_us, meta, (SELECT group_concat(alias) FROM (SELECT alias FROM aliases a " \
    "WHERE a.kind = v.kind AND a.name = v.name AND a.version = v.version ORDER BY alias)) FROM versions v "

static bool read_row(sqlite3_stmt *q, an_version_row *out, an_error *err)
{
    *out = (an_version_row){ 0 };
    out->name = an__sql_text(q, 1);
    out->version = sqlite3_column_int64(q, 2);
    out->run = an__sql_text(q, 4);
    out->created_us = sqlite3_column_int64(q, 5);
    out->aliases = an__sql_text(q, 7);
    if (!out->aliases) out->aliases = an_strdup("");
    const char *kind = (const char *)sqlite3_column_text(q, 0);
    bool good =
        (kind && an__kind_parse(kind, &out->kind) && an__sql_hash(q, 3, &out->address)) ||
        an_fail(err, AN_CORRUPT, "the database is damaged: version %lld of \"%s\" cannot be read", (long long)out->version, out->name);
    good = good && an__sql_json(q, 6, "the facts of a version", &out->meta, err);
    if (!good) an_version_row_free(out);
    return good;
}

/* Takes the statement; *count rows are added. */
static bool read_rows(an_store *s, sqlite3_stmt *q, an_version_row **rows, size_t *count, an_error *err)
{
    *rows = NULL;
    *count = 0;
    size_t room = 0;
    bool row = true, good = q != NULL;
    while (good && row) {
        if (!(good = an__sql_step(s, q, &row, err)) || !row) break;
        if (*count == room) {
            room = room ? room * 2 : 16;
            *rows = an_resize_n(*rows, room, sizeof **rows);
        }
        if (read_row(q, &(*rows)[*count], err)) {
            ++*count;
        } else {
            good = false;
            sqlite3_finalize(q);
        }
    }
    if (good) return true;
    an_version_rows_free(*rows, *count);
    *rows = NULL;
    *count = 0;
    return false;
}

bool an_version_list(an_store *s, an_name_kind kind, const char *name, an_version_row **rows, size_t *count, an_error *err)
{
    an__lock(s);
    sqlite3_stmt *q = an__sql(s, err, COLUMNS "WHERE kind = ?1 AND (?2 IS NULL OR name = ?2) ORDER BY created_us, name, version", "tt",
                              an_name_kind_text(kind), name);
    return an__unlock(s, read_rows(s, q, rows, count, err));
}

static bool single(an_store *s, sqlite3_stmt *q, an_version_row *out, bool *found, an_error *err)
{
    an_version_row *rows = NULL;
    size_t count = 0;
    *found = false;
    if (!read_rows(s, q, &rows, &count, err)) return false;
    if (count) {
        *out = rows[0];
        rows[0] = (an_version_row){ 0 };
        *found = true;
    }
    an_version_rows_free(rows, count);
    return true;
}

bool an_version_by_address(an_store *s, const an_hash *address, an_version_row *out, an_error *err)
{
    bool found = false;
    an__lock(s);
    bool good =
        an__unlock(s, single(s, an__sql(s, err, COLUMNS "WHERE address = ? ORDER BY created_us LIMIT 1", "h", address), out, &found, err));
    if (!good || found) return good;
    char hex[65];
    an_hash_hex(address, hex);
    return an_fail(err, AN_NOT_FOUND, "no name has a version with the content %s", hex);
}

/* The first column of every row, as texts. */
static bool column(an_store *s, sqlite3_stmt *q, an_list *out, an_error *err)
{
    bool row = true;
    if (!q) return false;
    for (;;) {
        if (!an__sql_step(s, q, &row, err)) return false;
        if (!row) return true;
        const char *text = (const char *)sqlite3_column_text(q, 0);
        an_list_add(out, text ? text : "");
    }
}

static bool fail_name(an_store *s, const char *kind, const char *name, an_error *err)
{
    an_list names = { 0 };
    if (!column(s, an__sql(s, err, "SELECT DISTINCT name FROM versions WHERE kind = ? ORDER BY name", "t", kind), &names, err))
        return false;
    an_fail(err, AN_NOT_FOUND, "there is no %s named \"%s\"", kind, name);
    const char *near = an_nearest(name, (const char *const *)names.items, names.count);
    if (near) {
        an_hint(err, "Did you mean \"%s\"?", near);
    } else if (names.count) {
        an_buf all = { 0 };
        for (size_t i = 0; i < names.count && i < 10; i++) an_buf_printf(&all, "%s%s", i ? ", " : "", names.items[i]);
        an_hint(err, "There are: %s%s.", all.data, names.count > 10 ? ", ..." : "");
        an_buf_free(&all);
    } else {
        an_hint(err, "There is no %s in this workspace yet.", kind);
    }
    an_list_free(&names);
    return false;
}

static bool fail_version(an_store *s, const char *kind, const char *name, const char *what, const char *sql, const char *none,
                         an_error *err)
{
    an_list there = { 0 };
    if (!column(s, an__sql(s, err, sql, "tt", kind, name), &there, err)) return false;
    an_fail(err, AN_NOT_FOUND, "%s \"%s\" has no %s", kind, name, what);
    an_buf all = { 0 };
    for (size_t i = 0; i < there.count; i++)
        if (i < 8 || i + 4 >= there.count)
            an_buf_printf(&all, "%s%s", i ? ", " : "", there.items[i]);
        else if (i == 8)
            an_buf_puts(&all, ", ...");
    if (there.count)
        an_hint(err, "There are: %s.", all.data);
    else
        an_hint(err, "%s", none);
    an_buf_free(&all);
    an_list_free(&there);
    return false;
}

static bool get(an_store *s, const char *kind, const char *name, const char *version, const char *alias, an_version_row *out, an_error *err)
{
    int64_t newest;
    bool found;
    if (!an__sql_int(s, &newest, &found, err, "SELECT max(version) FROM versions WHERE kind = ? AND name = ?", "tt", kind, name))
        return false;
    if (newest == 0) return fail_name(s, kind, name, err);
    int64_t wanted = newest;
    if (version) {
        wanted = strtoll(version, NULL, 10);
    } else if (alias) {
        if (!an__sql_int(s, &wanted, &found, err, "SELECT version FROM aliases WHERE kind = ? AND name = ? AND alias = ?", "ttt", kind,
                         name, alias))
            return false;
        char *what = an_format("alias \"%s\"", alias);
        if (!found)
            fail_version(s, kind, name, what, "SELECT alias FROM aliases WHERE kind = ? AND name = ? ORDER BY alias",
                         "It has no aliases yet.", err);
        free(what);
        if (!found) return false;
    }
    if (!single(s, an__sql(s, err, COLUMNS "WHERE kind = ? AND name = ? AND version = ?", "tti", kind, name, wanted), out, &found, err))
        return false;
    if (found) return true;
    char *what = an_format("version %s", version);
    fail_version(s, kind, name, what, "SELECT version FROM versions WHERE kind = ? AND name = ? ORDER BY version", "", err);
    free(what);
    return false;
}

bool an_version_get(an_store *s, an_name_kind kind, const char *reference, an_version_row *out, an_error *err)
{
    const char *wanted = an_name_kind_text(kind), *colon = strchr(reference, ':');
    if (colon) {
        size_t n = (size_t)(colon - reference);
        if (strlen(wanted) != n || strncmp(reference, wanted, n) != 0) {
            an_fail(err, AN_USAGE, "\"%s\" is a %.*s, but a %s is wanted here", reference, (int)(n > 40 ? 40 : n), reference, wanted);
            return an_hint(err, "Write %s:%s, or the name alone.", wanted, colon + 1);
        }
        reference = colon + 1;
    }
    size_t n = strcspn(reference, "/@");
    char *name = an_strndup(reference, n);
    const char *version = reference[n] == '/' ? reference + n + 1 : NULL, *alias = reference[n] == '@' ? reference + n + 1 : NULL;
    bool good = an_name_check("name", name, err) && (!alias || an_name_check("alias", alias, err));
    if (good && version && (!version[0] || version[strspn(version, "0123456789")] || strlen(version) > 18)) {
        an_fail(err, AN_USAGE, "\"%s\" has no version number after '/'", reference);
        good =
            an_hint(err, "Write %s for the newest version, %s/1 for the first, %s@champion for the one with an alias.", name, name, name);
    }
    if (good) {
        an__lock(s);
        good = an__unlock(s, get(s, wanted, name, version, alias, out, err));
    }
    free(name);
    return good;
}

/* ---- aliases ---- */

static bool move_one(an_store *s, const an_move *m, const json_t *why, an_error *err)
{
    const char *kind = an_name_kind_text(m->kind);
    int64_t now = 0, one = 0;
    bool found = false;
    if (!an_name_check("name", m->name, err) || !an_name_check("alias", m->alias, err)) return false;
    if (!an__sql_int(s, &now, &found, err, "SELECT version FROM aliases WHERE kind = ? AND name = ? AND alias = ?", "ttt", kind, m->name,
                     m->alias))
        return false;
    if (m->expected >= 0 && now != m->expected) {
        char is[40] = "not set", was[40] = "not set";
        if (now) snprintf(is, sizeof is, "at version %lld", (long long)now);
        if (m->expected) snprintf(was, sizeof was, "at version %lld", (long long)m->expected);
        an_fail(err, AN_FAILED, "the alias \"%s\" of %s \"%s\" is %s, but it was expected to be %s: somebody moved it meanwhile", m->alias,
                kind, m->name, is, was);
        return an_hint(err, "Look at the history of \"%s\" and decide again.", m->name);
    }
    if (m->version > 0) {
        if (!an__sql_int(s, &one, &found, err, "SELECT 1 FROM versions WHERE kind = ? AND name = ? AND version = ?", "tti", kind, m->name,
                         m->version))
            return false;
        if (!found) {
            an_version_row row;
            char *text = an_format("%lld", (long long)m->version);
            if (get(s, kind, m->name, text, NULL, &row, err)) an_version_row_free(&row); /* fills err with what there is */
            free(text);
            return false;
        }
        if (!an__sql_do(
                s, err,
                "INSERT INTO aliases (kind, name, alias, version) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version",
                "ttti", kind, m->name, m->alias, m->version))
            return false;
    } else if (!an__sql_do(s, err, "DELETE FROM aliases WHERE kind = ? AND name = ? AND alias = ?", "ttt", kind, m->name, m->alias)) {
        return false;
    }
    json_t *body = json_object();
    json_object_set_new(body, "alias", json_string(m->alias));
    json_object_set_new(body, "from", now ? json_integer(now) : json_null());
    json_object_set_new(body, "to", m->version > 0 ? json_integer(m->version) : json_null());
    json_object_set_new(body, "why", why ? json_deep_copy(why) : json_null());
    char *subject = an_format("%s:%s", kind, m->name);
    bool good = an__record_append(s, "alias", subject, body, err);
    free(subject);
    json_decref(body);
    return good;
}

bool an_names_move(an_store *s, const an_move *moves, int count, const json_t *why, an_error *err)
{
    an__lock(s);
    bool good = an__key_ready(s, err) && an__begin(s, true, err);
    if (good) {
        for (int i = 0; good && i < count; i++) good = move_one(s, &moves[i], why, err);
        good = an__end(s, good, err);
    }
    return an__unlock(s, good);
}
