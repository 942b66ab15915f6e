/* runs.c - writing runs: beginning, metrics, inputs and outputs, end. Reading them is runs_read.c. */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

char *an_run_begin(an_store *s, const char *kind, const char *name, const char *parent, const char *key, const json_t *params,
                   uint64_t seed, an_error *err)
{
    char id[AN__ID_SIZE], *text = params ? an_json_text(params, false) : NULL;
    an__lock(s);
    if (!s->machine) s->machine = an__machine_text();
    an__id_next(s, id);
    bool known = true;
    bool good = an__begin(s, false, err);
    if (good) {
        if (parent) {
            int64_t one;
            good = an__sql_int(s, &one, &known, err, "SELECT 1 FROM runs WHERE id = ?", "t", parent);
            if (good && !known) good = an_fail(err, AN_NOT_FOUND, "there is no run \"%s\" to belong to", parent);
        }
        good =
            good && an__sql_do(s, err,
                               "INSERT INTO runs (id, kind, name, state, parent, key, params, seed, code, machine, owner, started_us) "
                               "VALUES (?, ?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?)",
                               "ttttttuttti", id, kind, name, parent, key, text, seed, an_code_version(), s->machine, s->self, an_now_us());
        good = an__end(s, good, err);
    }
    an__unlock(s, true);
    free(text);
    return good ? an_strdup(id) : NULL;
}

/* ---- metrics ---- */

enum { BUFFER_MOST = 1 << 20 }; /* metrics kept while the database cannot be written */

static bool insert_metrics(an_store *s, an_error *err)
{
    sqlite3_stmt *q =
        an__sql(s, err,
                "INSERT INTO metrics (run, name, step, value) SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM runs WHERE id = ?1) "
                "ON CONFLICT DO UPDATE SET value = excluded.value",
                "");
    if (!q) return false;
    int code = SQLITE_OK;
    for (size_t i = 0; i < s->metric_count && code == SQLITE_OK; i++) {
        const an__metric *m = &s->metrics[i];
        sqlite3_bind_text(q, 1, m->run, -1, SQLITE_STATIC);
        sqlite3_bind_text(q, 2, m->name, -1, SQLITE_STATIC);
        sqlite3_bind_int64(q, 3, m->step);
        sqlite3_bind_double(q, 4, m->value); /* NaN becomes NULL */
        sqlite3_step(q);
        code = sqlite3_reset(q);
    }
    if (code != SQLITE_OK) an__sql_fail(s, "cannot write to the store", code, err);
    sqlite3_finalize(q);
    return code == SQLITE_OK;
}

bool an__metrics_flush(an_store *s, an_error *err)
{
    s->flushed_at = an_clock_s();
    if (!s->metric_count) return true;
    if (!an__begin(s, false, err) || !an__end(s, insert_metrics(s, err), err)) return an_context(err, "cannot keep the metrics");
    for (size_t i = 0; i < s->metric_count; i++) {
        free(s->metrics[i].run);
        free(s->metrics[i].name);
    }
    s->metric_count = 0;
    return true;
}

bool an_run_metric(an_store *s, const char *run, const char *metric, int64_t step, double value, an_error *err)
{
    bool good = true;
    an__lock(s);
    if (s->metric_count == BUFFER_MOST) {
        good = an_fail(err, AN_IO, "%d metrics wait to be written and none more are kept", BUFFER_MOST);
    } else {
        if (s->metric_count == s->metric_room) {
            s->metric_room = s->metric_room ? s->metric_room * 2 : 256;
            s->metrics = an_resize_n(s->metrics, s->metric_room, sizeof *s->metrics);
        }
        s->metrics[s->metric_count++] = (an__metric){ an_strdup(run), an_strdup(metric), step, value };
    }
    if (an_clock_s() - s->flushed_at >= 1) good = an__metrics_flush(s, err) && good;
    return an__unlock(s, good);
}

/* ---- inputs, outputs, end ---- */

bool an_run_artifact(an_store *s, const char *run, an_edge edge, const char *port, const an_hash *address, an_error *err)
{
    bool known = false, run_known = false;
    int64_t one;
    an__lock(s);
    bool good = an__begin(s, false, err);
    if (good) {
        good = an__artifact_known(s, address, &known, err) &&
               an__sql_int(s, &one, &run_known, err, "SELECT 1 FROM runs WHERE id = ?", "t", run);
        if (good && !run_known) good = an_fail(err, AN_NOT_FOUND, "there is no run \"%s\"", run);
        if (good && !known) {
            char hex[65];
            an_hash_hex(address, hex);
            good = an_fail(err, AN_NOT_FOUND, "run %s, port %s: there is no artifact %s in the workspace", run, port, hex);
        }
        good = good && an__sql_do(s, err, "INSERT INTO run_artifacts (run, edge, port, address) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                                  "ttth", run, edge == AN_EDGE_IN ? "in" : "out", port, address);
        good = an__end(s, good, err);
    }
    return an__unlock(s, good);
}

bool an_run_end(an_store *s, const char *run, const char *state, const json_t *result, const an_error *why, an_error *err)
{
    if (strcmp(state, "done") != 0 && strcmp(state, "failed") != 0 && strcmp(state, "stopped") != 0)
        return an_fail(err, AN_USAGE, "a run ends as done, failed or stopped, not as \"%s\"", state);
    char *text = result ? an_json_text(result, false) : NULL, *reason = NULL;
    if (why) {
        json_t *error = an_error_json(why);
        reason = an_json_text(json_object_get(error, "error"), false);
        json_decref(error);
    }
    an__lock(s);
    an_error lost = { 0 };
    bool kept = an__metrics_flush(s, &lost);
    bool good = an__begin(s, true, err);
    if (good) {
        good = an__sql_do(s, err, "UPDATE runs SET state = ?, result = ?, error = ?, ended_us = ? WHERE id = ? AND state = 'running'",
                          "tttit", state, text, reason, an_now_us(), run);
        if (good && sqlite3_changes(s->db) == 0) {
            int64_t one;
            bool found;
            good = an__sql_int(s, &one, &found, err, "SELECT 1 FROM runs WHERE id = ?", "t", run);
            if (good)
                good = an_fail(err, found ? AN_FAILED : AN_NOT_FOUND, found ? "run %s has already ended" : "there is no run \"%s\"", run);
        }
        good = an__end(s, good, err);
    }
    an__unlock(s, true);
    if (good && !kept) {
        good = false;
        if (err) *err = lost;
    }
    free(reason);
    free(text);
    return good;
}
