/* tracking_runs.c - runs: making, changing, reading, searching. What is logged in them: tracking_log.c. */
#include "store/tracking.h"

#include <stdlib.h>
#include <string.h>

#define INFO "SELECT r.id, r.experiment, r.name, r.user, r.status, r.stage, r.started_ms, r.ended_ms, r.artifact_uri FROM mlflow_runs r"

static json_t *info_json(sqlite3_stmt *row)
{
    char text[24];
    json_t *one = json_object();
    an__put_text(one, "run_id", row, 0);
    an__put_text(one, "run_uuid", row, 0);
    snprintf(text, sizeof text, "%lld", (long long)sqlite3_column_int64(row, 1));
    json_object_set_new(one, "experiment_id", json_string(text));
    an__put_text(one, "run_name", row, 2);
    an__put_text(one, "user_id", row, 3);
    an__put_text(one, "status", row, 4);
    an__put_text(one, "lifecycle_stage", row, 5);
    an__put_int(one, "start_time", row, 6);
    an__put_int(one, "end_time", row, 7);
    an__put_text(one, "artifact_uri", row, 8);
    return one;
}

json_t *an__run_info(an_store *s, const char *run, an_error *err)
{
    sqlite3_stmt *row = an__sql(s, err, INFO " WHERE r.id = ?", "t", run);
    bool found;
    if (!row || !an__sql_step(s, row, &found, err)) return NULL;
    if (!found) {
        an_fail(err, AN_NOT_FOUND, "run with id=%.100s not found", run);
        return NULL;
    }
    json_t *one = info_json(row);
    sqlite3_finalize(row);
    return one;
}

bool an__run_active(an_store *s, const char *run, an_error *err)
{
    char *stage;
    bool found;
    if (!an__sql_one_text(s, &stage, &found, err, "SELECT stage FROM mlflow_runs WHERE id = ?", "t", run)) return false;
    bool active = found && !strcmp(stage, "active");
    free(stage);
    if (!found) return an_fail(err, AN_NOT_FOUND, "run with id=%.100s not found", run);
    return active || an_fail(err, AN_INPUT, "the run %s must be in the 'active' state; it is deleted", run);
}

/* The whole run; takes info, which may be NULL after a failure. */
static json_t *run_json(an_store *s, json_t *info, an_error *err)
{
    const char *id = an__have_text(info, "run_id");
    if (!info) return NULL;
    json_t *run = json_pack("{s:o, s:{}}", "info", info, "data"), *data = json_object_get(run, "data");
    json_t *part;
    bool good = (part = an__metrics_latest(s, id, err)) && !json_object_set_new(data, "metrics", part);
    good = good && (part = an__params(s, id, err)) && !json_object_set_new(data, "params", part);
    good = good && (part = an__tags(s, "r", id, err)) && !json_object_set_new(data, "tags", part);
    good = good && (part = an__run_inputs(s, id, err)) && !json_object_set_new(run, "inputs", part);
    good = good && (part = an__run_outputs(s, id, err)) && !json_object_set_new(run, "outputs", part);
    if (good) return run;
    json_decref(run);
    return NULL;
}

static const char *tag_value(const json_t *tags, const char *key)
{
    size_t i;
    const json_t *tag;
    json_array_foreach(tags, i, tag)
        if (!strcmp(an_json_string(tag, "key", ""), key)) return an__have_text(tag, "value");
    return NULL;
}

json_t *an__track_run_create(an_store *s, const json_t *q, an_error *err)
{
    int64_t experiment, started;
    char *location = NULL, *name = NULL;
    const json_t *tags;
    if (!an__have_int(q, "experiment_id", 0, &experiment, err) || !an__have_int(q, "start_time", an__now_ms(), &started, err) ||
        !an__have_list(q, "tags", 1000, &tags, err) || !an__experiment_active(s, experiment, &location, err))
        return NULL;
    char *id = an__random_hex(16), *uri = an_format("%s/%s/artifacts", location, id);
    const char *asked = an__have_text(q, "run_name"), *tagged = tag_value(tags, "mlflow.runName");
    if (!asked || !*asked) asked = tagged;
    name = asked && *asked ? an_strdup(asked) : an_format("run-%.8s", id);
    bool good = an__sql_do(s, err,
                           "INSERT INTO mlflow_runs (id, experiment, name, user, status, stage, started_ms, ended_ms, artifact_uri) "
                           "VALUES (?, ?, ?, ?, 'RUNNING', 'active', ?, NULL, ?)",
                           "tittit", id, experiment, name, an__have_text(q, "user_id"), started, uri);
    good = good && an__tags_put(s, "r", id, tags, err) && an__tag_put(s, "r", id, "mlflow.runName", name, err);
    json_t *run = good ? run_json(s, an__run_info(s, id, err), err) : NULL;
    free(location);
    free(name);
    free(id);
    free(uri);
    return an__wrap("run", run);
}

static const char *run_of(const json_t *q, an_error *err)
{
    const char *id = an__have_text(q, "run_id"), *old = an__have_text(q, "run_uuid");
    if (id && *id) return id;
    return old && *old ? old : an__want_text(q, "run_id", err);
}

json_t *an__track_run_update(an_store *s, const json_t *q, an_error *err)
{
    static const char *const states[] = { "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED" };
    const char *id = run_of(q, err), *status = an__have_text(q, "status"), *name = an__have_text(q, "run_name");
    int64_t ended;
    if (!id || !an__have_int(q, "end_time", -1, &ended, err) || !an__run_active(s, id, err)) return NULL;
    bool known = !status;
    for (size_t i = 0; i < AN_COUNT(states) && !known; i++) known = !strcmp(states[i], status);
    if (!known) {
        an_fail(err, AN_INPUT, "\"%.40s\" is no status of a run; there are RUNNING, SCHEDULED, FINISHED, FAILED, KILLED", status);
        return NULL;
    }
    bool good = !status || an__sql_do(s, err, "UPDATE mlflow_runs SET status = ? WHERE id = ?", "tt", status, id);
    if (ended >= 0) good = good && an__sql_do(s, err, "UPDATE mlflow_runs SET ended_ms = ? WHERE id = ?", "it", ended, id);
    if (name && *name)
        good = good && an__sql_do(s, err, "UPDATE mlflow_runs SET name = ? WHERE id = ?", "tt", name, id) &&
               an__tag_put(s, "r", id, "mlflow.runName", name, err);
    return good ? an__wrap("run_info", an__run_info(s, id, err)) : NULL;
}

json_t *an__track_run_get(an_store *s, const json_t *q, an_error *err)
{
    const char *id = run_of(q, err);
    return id ? an__wrap("run", run_json(s, an__run_info(s, id, err), err)) : NULL;
}

static json_t *set_stage(an_store *s, const json_t *q, const char *from, const char *to, an_error *err)
{
    const char *id = run_of(q, err);
    if (!id || !an__sql_do(s, err, "UPDATE mlflow_runs SET stage = ? WHERE id = ? AND stage = ?", "ttt", to, id, from)) return NULL;
    if (sqlite3_changes(s->db)) return json_object();
    json_t *info = an__run_info(s, id, err);
    json_decref(info);
    return info ? json_object() : NULL; /* it is so already: a client may ask twice */
}

json_t *an__track_run_delete(an_store *s, const json_t *q, an_error *err)
{
    return set_stage(s, q, "active", "deleted", err);
}

json_t *an__track_run_restore(an_store *s, const json_t *q, an_error *err)
{
    return set_stage(s, q, "deleted", "active", err);
}

json_t *an__track_run_tag(an_store *s, const json_t *q, an_error *err)
{
    const char *id = run_of(q, err), *key = id ? an__want_text(q, "key", err) : NULL, *value = an__have_text(q, "value");
    if (!key || !an__run_active(s, id, err) || !an__tag_put(s, "r", id, key, value, err)) return NULL;
    if (!strcmp(key, "mlflow.runName") && value && *value &&
        !an__sql_do(s, err, "UPDATE mlflow_runs SET name = ? WHERE id = ?", "tt", value, id))
        return NULL;
    return json_object();
}

json_t *an__track_run_untag(an_store *s, const json_t *q, an_error *err)
{
    const char *id = run_of(q, err), *key = id ? an__want_text(q, "key", err) : NULL;
    return key && an__run_active(s, id, err) && an__tag_delete(s, "r", id, key, err) ? json_object() : NULL;
}

/* ---- searching ---- */

static json_t *run_of_row(an_store *s, sqlite3_stmt *row, an_error *err)
{
    return run_json(s, info_json(row), err);
}

static const an__column columns[] = {
    { "run_id", "r.id", false },
    { "run id", "r.id", false },
    { "run_name", "r.name", false },
    { "run name", "r.name", false },
    { "name", "r.name", false },
    { "status", "r.status", false },
    { "artifact_uri", "r.artifact_uri", false },
    { "user_id", "r.user", false },
    { "user", "r.user", false },
    { "experiment_id", "CAST(r.experiment AS TEXT)", false },
    { "lifecycle_stage", "r.stage", false },
    { "start_time", "r.started_ms", true },
    { "created", "r.started_ms", true },
    { "end_time", "r.ended_ms", true },
    { 0 },
};
static const an__space space = {
    .what = "run",
    .columns = columns,
    .tag_kind = "r",
    .owner = "r.id",
    .metric = "SELECT CASE WHEN nan THEN NULL ELSE value END FROM mlflow_latest WHERE run = r.id AND key = ?",
    .metric_there = "SELECT 1 FROM mlflow_latest WHERE run = r.id AND key = ?",
    .params = "SELECT value FROM mlflow_params WHERE owner = r.id AND key = ?",
    .dataset = "SELECT 1 FROM mlflow_inputs d WHERE d.run = r.id",
    .default_order = "r.started_ms DESC, r.id",
};

json_t *an__track_run_search(an_store *s, const json_t *q, an_error *err)
{
    const char *view = an__have_text(q, "run_view_type");
    an__filter filter;
    char *ids = an__experiment_ids(q, err);
    if (!ids || !an__filter_parse(an__have_text(q, "filter"), &filter, err)) {
        free(ids);
        return NULL;
    }
    an__search x;
    an__search_begin(&x, &space);
    /* json_each takes any number of experiments as one bound value */
    an_buf_puts(&x.where, " AND r.experiment IN (SELECT CAST(value AS INTEGER) FROM json_each(?))");
    an__search_text(&x, ids);
    free(ids);
    if (!view || strcmp(view, "ALL"))
        an_buf_puts(&x.where, view && !strcmp(view, "DELETED_ONLY") ? " AND r.stage = 'deleted'" : " AND r.stage = 'active'");
    return an__search_answer(s, &x, q, &(an__pages){ "runs", 1000, 50000 }, &filter, INFO, run_of_row, err);
}

/* Where the files of a run or of a logged model are: for listing them. */
json_t *an__track_artifact_root(an_store *s, const json_t *q, an_error *err)
{
    const char *model = an__have_text(q, "model_id"), *id = model ? model : run_of(q, err);
    char *uri;
    bool found;
    if (!id || !an__sql_one_text(s, &uri, &found, err,
                                 model ? "SELECT artifact_uri FROM mlflow_models WHERE id = ?"
                                       : "SELECT artifact_uri FROM mlflow_runs WHERE id = ?",
                                 "t", id))
        return NULL;
    if (!found) {
        an_fail(err, AN_NOT_FOUND, "%s with id=%.100s not found", model ? "logged model" : "run", id);
        return NULL;
    }
    json_t *answer = json_pack("{s:s}", "root_uri", uri);
    free(uri);
    return answer;
}
