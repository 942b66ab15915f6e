/* runs_read.c - reading runs: one, lists, metrics, inputs and outputs, and finished equal ones for the cache. */
#include "store/store.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void an_run_row_free(an_run_row *row)
{
    if (!row) return;
    free(row->id);
    free(row->kind);
    free(row->name);
    free(row->state);
    free(row->parent);
    free(row->key);
    free(row->code);
    free(row->machine);
    json_decref(row->params);
    json_decref(row->result);
    json_decref(row->error);
    *row = (an_run_row){ 0 };
}

void an_run_rows_free(an_run_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) an_run_row_free(&rows[i]);
    free(rows);
}

#define COLUMNS \
    "SELECT id, kind, name, state, parent, key, params, result, error, seed, code, machine, started_us, ended_us, owner FROM runs "

static bool read_row(an_store *s, sqlite3_stmt *q, an_run_row *out, an_error *err)
{
    *out = (an_run_row){ .id = an__sql_text(q, 0),
                         .kind = an__sql_text(q, 1),
                         .name = an__sql_text(q, 2),
                         .state = an__sql_text(q, 3),
                         .parent = an__sql_text(q, 4),
                         .key = an__sql_text(q, 5),
                         .seed = (uint64_t)sqlite3_column_int64(q, 9),
                         .code = an__sql_text(q, 10),
                         .machine = an__sql_text(q, 11),
                         .started_us = sqlite3_column_int64(q, 12),
                         .ended_us = sqlite3_column_int64(q, 13) };
    bool good = an__sql_json(q, 6, "the parameters of a run", &out->params, err) &&
                an__sql_json(q, 7, "the result of a run", &out->result, err) && an__sql_json(q, 8, "the error of a run", &out->error, err);
    const char *owner = (const char *)sqlite3_column_text(q, 14);
    if (good && strcmp(out->state, "running") == 0 && owner && an__process_life(s->self, owner) == AN__DEAD) {
        /* it could not say so itself: killed, or the machine went down */
        free(out->state);
        out->state = an_strdup("failed");
        an_error why = { 0 };
        an_fail(&why, AN_FAILED, "process ended");
        an_hint(&why, "Process %ld was killed or the machine went down. Type the same command again: finished work is not repeated.",
                an__process_pid(owner));
        json_t *error = an_error_json(&why);
        json_decref(out->error);
        out->error = json_incref(json_object_get(error, "error"));
        json_decref(error);
    }
    if (!good) an_run_row_free(out);
    return good;
}

/* Takes the statement. */
static bool read_rows(an_store *s, sqlite3_stmt *q, an_run_row **rows, size_t *count, an_error *err)
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
        if (read_row(s, q, &(*rows)[*count], err)) {
            ++*count;
        } else {
            good = false;
            sqlite3_finalize(q);
        }
    }
    if (good) return true;
    an_run_rows_free(*rows, *count);
    *rows = NULL;
    *count = 0;
    return false;
}

bool an_run_get(an_store *s, const char *id_or_prefix, an_run_row *out, an_error *err)
{
    char prefix[AN__ID_SIZE];
    size_t n = strlen(id_or_prefix);
    for (size_t i = 0; i < n && i < 26; i++) prefix[i] = (char)toupper((unsigned char)id_or_prefix[i]);
    prefix[n < 26 ? n : 26] = '\0';
    if (n == 0 || n > 26 || prefix[strspn(prefix, "0123456789ABCDEFGHJKMNPQRSTVWXYZ")]) {
        an_fail(err, AN_USAGE, "\"%s\" is not the id of a run, nor its beginning", id_or_prefix);
        return an_hint(err, "Ids are 26 digits and letters; \"andon runs list\" shows them.");
    }
    char *beyond = an_format("%s~", prefix); /* '~' sorts after every digit of an id */
    an_run_row *rows = NULL;
    size_t count = 0;
    an__lock(s);
    bool good =
        read_rows(s, an__sql(s, err, COLUMNS "WHERE id >= ? AND id < ? ORDER BY id LIMIT 2", "tt", prefix, beyond), &rows, &count, err);
    an__unlock(s, true);
    free(beyond);
    if (good && count == 1) {
        *out = rows[0];
        rows[0] = (an_run_row){ 0 };
    } else if (good && count == 0) {
        an_fail(err, AN_NOT_FOUND, "there is no run \"%s\"", id_or_prefix);
        good = an_hint(err, "\"andon runs list\" shows the runs there are.");
    } else if (good) {
        an_fail(err, AN_USAGE, "\"%s\" is the beginning of several runs, %s and %s among them", id_or_prefix, rows[0].id, rows[1].id);
        good = an_hint(err, "Give more characters of the id.");
    }
    an_run_rows_free(rows, count);
    return good;
}

bool an_run_list(an_store *s, const char *kind, const char *parent, size_t limit, an_run_row **rows, size_t *count, an_error *err)
{
    an__lock(s);
    sqlite3_stmt *q = an__sql(
        s, err,
        COLUMNS "WHERE (?1 IS NULL OR kind = ?1) AND CASE WHEN ?2 IS NOT NULL THEN parent = ?2 ELSE ?1 IS NOT NULL OR parent IS NULL END "
                "ORDER BY id DESC LIMIT ?3",
        "tti", kind, parent, limit && limit < INT64_MAX ? (int64_t)limit : (int64_t)-1);
    return an__unlock(s, read_rows(s, q, rows, count, err));
}

json_t *an_run_metrics(an_store *s, const char *run, an_error *err)
{
    json_t *all = json_object();
    an__lock(s);
    bool good = an__metrics_flush(s, err), row = true;
    sqlite3_stmt *q = good ? an__sql(s, err, "SELECT name, step, value FROM metrics WHERE run = ? ORDER BY name, step", "t", run) : NULL;
    good = q != NULL;
    while (good && (good = an__sql_step(s, q, &row, err)) && row) {
        const char *name = (const char *)sqlite3_column_text(q, 0);
        json_t *series = json_object_get(all, name);
        if (!series) {
            series = json_array();
            json_object_set_new(all, name, series);
        }
        json_t *point = json_array();
        json_array_append_new(point, json_integer(sqlite3_column_int64(q, 1)));
        json_array_append_new(point, sqlite3_column_type(q, 2) == SQLITE_NULL ? json_null() : an_json_real(sqlite3_column_double(q, 2)));
        json_array_append_new(series, point);
    }
    an__unlock(s, true);
    if (good) return all;
    json_decref(all);
    return NULL;
}

json_t *an_run_artifacts(an_store *s, const char *run, an_error *err)
{
    json_t *all = json_array();
    an__lock(s);
    bool row = true;
    sqlite3_stmt *q =
        an__sql(s, err, "SELECT edge, port, lower(hex(address)) FROM run_artifacts WHERE run = ? ORDER BY edge, port, address", "t", run);
    bool good = q != NULL;
    while (good && (good = an__sql_step(s, q, &row, err)) && row) {
        json_t *item = json_object();
        json_object_set_new(item, "edge", json_string((const char *)sqlite3_column_text(q, 0)));
        json_object_set_new(item, "port", json_string((const char *)sqlite3_column_text(q, 1)));
        json_object_set_new(item, "address", json_string((const char *)sqlite3_column_text(q, 2)));
        json_array_append_new(all, item);
    }
    an__unlock(s, true);
    if (good) return all;
    json_decref(all);
    return NULL;
}

/* All outputs of the run are still on disk (their hashes are checked when they are opened). */
static bool outputs_exist(an_store *s, const char *run, bool *exist, an_error *err)
{
    bool row = true;
    sqlite3_stmt *q = an__sql(s, err, "SELECT address FROM run_artifacts WHERE run = ? AND edge = 'out'", "t", run);
    if (!q) return false;
    *exist = true;
    for (;;) {
        if (!an__sql_step(s, q, &row, err)) return false;
        if (!row) return true;
        an_hash address;
        if (!an__sql_hash(q, 0, &address)) {
            *exist = false;
            continue;
        }
        char *folder = an__artifact_folder(s, &address);
        if (!an_file_exists(folder)) *exist = false;
        free(folder);
    }
}

bool an_run_cached(an_store *s, const char *kind, const char *key, bool *found, an_run_row *out, an_error *err)
{
    *found = false;
    an_run_row *rows = NULL;
    size_t count = 0;
    an__lock(s);
    bool good =
        read_rows(s, an__sql(s, err, COLUMNS "WHERE key = ? AND kind = ? AND state = 'done' ORDER BY id DESC LIMIT 8", "tt", key, kind),
                  &rows, &count, err);
    for (size_t i = 0; good && i < count && !*found; i++) {
        good = outputs_exist(s, rows[i].id, found, err);
        if (!good || !*found) continue;
        *out = rows[i];
        rows[i] = (an_run_row){ 0 };
    }
    an__unlock(s, true);
    an_run_rows_free(rows, count);
    return good;
}
