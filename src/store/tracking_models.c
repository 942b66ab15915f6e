/* tracking_models.c - logged models: what a run made, with its files, parameters, tags and the metrics measured on it. */
#include "store/tracking.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS                                                                                                                      \
    "SELECT m.id, m.experiment, m.name, m.type, m.run, m.status, m.status_message, m.artifact_uri, m.created_ms, m.updated_ms FROM " \
    "mlflow_models m"

static json_t *metrics_of(an_store *s, const char *id, an_error *err)
{
    sqlite3_stmt *row =
        an__sql(s, err,
                "SELECT key, value, nan, timestamp, step, dataset_name, dataset_digest, model, run FROM mlflow_model_metrics "
                "WHERE model = ? ORDER BY key, step, timestamp",
                "t", id);
    json_t *all = json_array();
    bool more = true, good = row != NULL;
    while (good && (good = an__sql_step(s, row, &more, err)) && more) {
        json_t *one = json_object();
        an__put_text(one, "key", row, 0);
        an__put_real(one, "value", sqlite3_column_int(row, 2) ? NAN : sqlite3_column_double(row, 1));
        an__put_int(one, "timestamp", row, 3);
        an__put_int(one, "step", row, 4);
        if (*(const char *)sqlite3_column_text(row, 5)) an__put_text(one, "dataset_name", row, 5);
        if (*(const char *)sqlite3_column_text(row, 6)) an__put_text(one, "dataset_digest", row, 6);
        an__put_text(one, "model_id", row, 7);
        an__put_text(one, "run_id", row, 8);
        json_array_append_new(all, one);
    }
    if (good) return all;
    json_decref(all);
    return NULL;
}

static json_t *registrations_of(an_store *s, const char *id, an_error *err)
{
    sqlite3_stmt *row = an__sql(s, err,
                                "SELECT g.name, CAST(v.version AS TEXT) FROM mlflow_versions v JOIN mlflow_registered g ON g.id = v.model "
                                "WHERE v.logged = ? ORDER BY g.name, v.version",
                                "t", id);
    json_t *all = json_array();
    bool more = true, good = row != NULL;
    while (good && (good = an__sql_step(s, row, &more, err)) && more) {
        json_t *one = json_object();
        an__put_text(one, "name", row, 0);
        an__put_text(one, "version", row, 1);
        json_array_append_new(all, one);
    }
    if (good) return all;
    json_decref(all);
    return NULL;
}

static json_t *model_json(an_store *s, sqlite3_stmt *row, an_error *err)
{
    char text[24];
    json_t *info = json_object(), *data = json_object(), *model = json_pack("{s:o, s:o}", "info", info, "data", data), *part;
    an__put_text(info, "model_id", row, 0);
    snprintf(text, sizeof text, "%lld", (long long)sqlite3_column_int64(row, 1));
    json_object_set_new(info, "experiment_id", json_string(text));
    an__put_text(info, "name", row, 2);
    an__put_text(info, "model_type", row, 3);
    an__put_text(info, "source_run_id", row, 4);
    an__put_text(info, "status", row, 5);
    an__put_text(info, "status_message", row, 6);
    an__put_text(info, "artifact_uri", row, 7);
    an__put_int(info, "creation_timestamp_ms", row, 8);
    an__put_int(info, "last_updated_timestamp_ms", row, 9);
    const char *id = an__have_text(info, "model_id");
    bool good = (part = an__tags(s, "m", id, err)) && !json_object_set_new(info, "tags", part);
    good = good && (part = registrations_of(s, id, err)) && !json_object_set_new(info, "registrations", part);
    good = good && (part = an__params(s, id, err)) && !json_object_set_new(data, "params", part);
    good = good && (part = metrics_of(s, id, err)) && !json_object_set_new(data, "metrics", part);
    if (good) return model;
    json_decref(model);
    return NULL;
}

static json_t *get(an_store *s, const char *id, bool deleted, an_error *err)
{
    sqlite3_stmt *row = an__sql(s, err, COLUMNS " WHERE m.id = ? AND (m.stage = 'active' OR ?)", "ti", id, (int64_t)deleted);
    bool found;
    if (!row || !an__sql_step(s, row, &found, err)) return NULL;
    if (!found) {
        an_fail(err, AN_NOT_FOUND, "logged model with id=%.100s not found", id);
        return NULL;
    }
    json_t *one = model_json(s, row, err);
    sqlite3_finalize(row);
    return an__wrap("model", one);
}

json_t *an__track_model_create(an_store *s, const json_t *q, an_error *err)
{
    int64_t experiment, now = an__now_ms();
    char *location;
    const json_t *params, *tags, *p;
    const char *asked = an__have_text(q, "name");
    size_t i;
    if (asked && (strlen(asked) > 250 || strpbrk(asked, "/:.%\"'"))) {
        an_fail(err, AN_INPUT, "\"%.100s\" cannot name a model: no / : . %% or quotes, and at most 250 bytes", asked);
        return NULL;
    }
    if (!an__want_int(q, "experiment_id", &experiment, err) || !an__have_list(q, "params", 1000, &params, err) ||
        !an__have_list(q, "tags", 1000, &tags, err) || !an__experiment_active(s, experiment, &location, err))
        return NULL;
    char *hex = an__random_hex(16), *id = an_format("m-%s", hex), *uri = an_format("%s/models/%s/artifacts", location, id);
    char *name = asked && *asked ? an_strdup(asked) : an_format("model-%.8s", hex);
    bool good =
        an__sql_do(s, err,
                   "INSERT INTO mlflow_models (id, experiment, name, type, run, status, artifact_uri, stage, created_ms, updated_ms) "
                   "VALUES (?, ?, ?, ?, ?, 'LOGGED_MODEL_PENDING', ?, 'active', ?, ?)",
                   "titttt"
                   "ii",
                   id, experiment, name, an__have_text(q, "model_type"), an__have_text(q, "source_run_id"), uri, now, now);
    good = good && an__tags_put(s, "m", id, tags, err);
    json_array_foreach(params, i, p) good = good && an__param_put(s, id, an__have_text(p, "key"), an__have_text(p, "value"), err);
    json_t *answer = good ? get(s, id, false, err) : NULL;
    free(location);
    free(hex);
    free(id);
    free(uri);
    free(name);
    return answer;
}

json_t *an__track_model_get(an_store *s, const json_t *q, an_error *err)
{
    const char *id = an__want_text(q, "model_id", err);
    return id ? get(s, id, !strcmp(an_json_string(q, "allow_deleted", ""), "true"), err) : NULL;
}

/* There is one, not deleted; it was changed now. */
static const char *touch(an_store *s, const json_t *q, an_error *err)
{
    const char *id = an__want_text(q, "model_id", err);
    if (!id || !an__sql_do(s, err, "UPDATE mlflow_models SET updated_ms = ? WHERE id = ? AND stage = 'active'", "it", an__now_ms(), id))
        return NULL;
    if (sqlite3_changes(s->db)) return id;
    an_fail(err, AN_NOT_FOUND, "logged model with id=%.100s not found", id);
    return NULL;
}

json_t *an__track_model_finish(an_store *s, const json_t *q, an_error *err)
{
    const char *id = touch(s, q, err), *status = id ? an__want_text(q, "status", err) : NULL;
    if (!status) return NULL;
    if (strcmp(status, "LOGGED_MODEL_READY") && strcmp(status, "LOGGED_MODEL_UPLOAD_FAILED") && strcmp(status, "LOGGED_MODEL_PENDING")) {
        an_fail(err, AN_INPUT, "\"%.40s\" is no status of a logged model; there are LOGGED_MODEL_READY and LOGGED_MODEL_UPLOAD_FAILED",
                status);
        return NULL;
    }
    return an__sql_do(s, err, "UPDATE mlflow_models SET status = ? WHERE id = ?", "tt", status, id) ? get(s, id, false, err) : NULL;
}

json_t *an__track_model_delete(an_store *s, const json_t *q, an_error *err)
{
    const char *id = an__want_text(q, "model_id", err);
    if (!id || !an__sql_do(s, err, "UPDATE mlflow_models SET stage = 'deleted', updated_ms = ? WHERE id = ?", "it", an__now_ms(), id))
        return NULL;
    if (sqlite3_changes(s->db)) return json_object(); /* also of one that was deleted before: a client may ask twice */
    an_fail(err, AN_NOT_FOUND, "logged model with id=%.100s not found", id);
    return NULL;
}

json_t *an__track_model_tags(an_store *s, const json_t *q, an_error *err)
{
    const char *id = touch(s, q, err);
    const json_t *tags;
    return id && an__have_list(q, "tags", 1000, &tags, err) && an__tags_put(s, "m", id, tags, err) ? get(s, id, false, err) : NULL;
}

json_t *an__track_model_untag(an_store *s, const json_t *q, an_error *err)
{
    const char *id = touch(s, q, err), *key = id ? an__want_text(q, "tag_key", err) : NULL;
    return key && an__tag_delete(s, "m", id, key, err) ? json_object() : NULL;
}

json_t *an__track_model_params(an_store *s, const json_t *q, an_error *err)
{
    const char *id = touch(s, q, err);
    const json_t *params, *p;
    size_t i;
    if (!id || !an__have_list(q, "params", 1000, &params, err)) return NULL;
    json_array_foreach(params, i, p)
        if (!an__param_put(s, id, an__have_text(p, "key"), an__have_text(p, "value"), err)) return NULL;
    return json_object();
}

/* ---- searching ---- */

static const an__column columns[] = {
    { "name", "m.name", false },
    { "model_id", "m.id", false },
    { "model_type", "COALESCE(m.type, '')", false },
    { "status", "m.status", false },
    { "source_run_id", "m.run", false },
    { "experiment_id", "CAST(m.experiment AS TEXT)", false },
    { "artifact_uri", "m.artifact_uri", false },
    { "creation_timestamp", "m.created_ms", true },
    { "creation_time", "m.created_ms", true },
    { "last_updated_timestamp", "m.updated_ms", true },
    { "last_updated_time", "m.updated_ms", true },
    { 0 },
};
static const an__space space = {
    .what = "logged model",
    .columns = columns,
    .tag_kind = "m",
    .owner = "m.id",
    .metric = "SELECT CASE WHEN nan THEN NULL ELSE value END FROM mlflow_model_metrics WHERE model = m.id AND key = ? ORDER BY step DESC, "
              "timestamp DESC LIMIT 1",
    .params = "SELECT value FROM mlflow_params WHERE owner = m.id AND key = ?",
    .default_order = "m.created_ms DESC, m.id",
};

/* datasets: models that were measured on one of them */
static void of_datasets(an__search *x, const json_t *datasets)
{
    size_t i;
    const json_t *d;
    if (!json_array_size(datasets)) return;
    an_buf_puts(&x->where, " AND (0");
    json_array_foreach(datasets, i, d) {
        const char *digest = an__have_text(d, "dataset_digest");
        an_buf_printf(&x->where, " OR EXISTS (SELECT 1 FROM mlflow_model_metrics k WHERE k.model = m.id AND k.dataset_name = ?%s)",
                      digest ? " AND k.dataset_digest = ?" : "");
        an__search_text(x, an_json_string(d, "dataset_name", ""));
        if (digest) an__search_text(x, digest);
    }
    an_buf_putc(&x->where, ')');
}

json_t *an__track_model_search(an_store *s, const json_t *q, an_error *err)
{
    const json_t *datasets;
    an__filter filter;
    char *ids = an__experiment_ids(q, err);
    if (!ids || !an__have_list(q, "datasets", 100, &datasets, err) || !an__filter_parse(an__have_text(q, "filter"), &filter, err)) {
        free(ids);
        return NULL;
    }
    an__search x;
    an__search_begin(&x, &space);
    an_buf_puts(&x.where, " AND m.stage = 'active' AND m.experiment IN (SELECT CAST(value AS INTEGER) FROM json_each(?))");
    an__search_text(&x, ids);
    free(ids);
    of_datasets(&x, datasets);
    return an__search_answer(s, &x, q, &(an__pages){ "models", 50, 1000 }, &filter, COLUMNS, model_json, err);
}
