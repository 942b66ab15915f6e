/* tracking_log.c - what runs log: metrics with their histories, parameters, batches, datasets, models that went in or came out. */
#include "store/tracking.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_METRICS = 1000, BATCH_PARAMS = 100, BATCH_TAGS = 100, BATCH_ALL = 1000, HISTORY = 25000 };

static const char *run_of(const json_t *q, an_error *err)
{
    const char *id = an__have_text(q, "run_id"), *old = an__have_text(q, "run_uuid");
    if (id && *id) return id;
    return old && *old ? old : an__want_text(q, "run_id", err);
}

/* ---- metrics ---- */

typedef struct point {
    const char *key;
    double value;
    bool nan;
    int64_t step, timestamp;
} point;

static bool put_model_metric(an_store *s, const char *run, const json_t *q, const point *p, an_error *err)
{
    const char *model = an__have_text(q, "model_id"), *name = an__have_text(q, "dataset_name"),
               *digest = an__have_text(q, "dataset_digest");
    if (!model || !*model) return true;
    return an__sql_do(
        s, err,
        "INSERT OR REPLACE INTO mlflow_model_metrics (model, key, step, timestamp, value, nan, run, dataset_name, dataset_digest) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "ttiirittt", model, p->key, p->step, p->timestamp, p->value, (int64_t)p->nan, run, name ? name : "", digest ? digest : "");
}

static bool put_metric(an_store *s, const char *run, const json_t *q, an_error *err)
{
    point p = { .key = an__have_text(q, "key") };
    if (!an__check_key("metric", p.key, err) || !an__want_real(q, "value", &p.value, err) ||
        !an__have_int(q, "timestamp", an__now_ms(), &p.timestamp, err) || !an__have_int(q, "step", 0, &p.step, err))
        return false;
    p.nan = isnan(p.value);
    if (p.nan) p.value = 0;
    if (!an__sql_do(s, err, "INSERT OR IGNORE INTO mlflow_metrics (run, key, step, timestamp, value, nan) VALUES (?, ?, ?, ?, ?, ?)",
                    "ttiiri", run, p.key, p.step, p.timestamp, p.value, (int64_t)p.nan))
        return false;
    /* the same again changes nothing */
    if (sqlite3_changes(s->db) &&
        !an__sql_do(s, err,
                    "INSERT INTO mlflow_latest (run, key, step, timestamp, value, nan) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (run, key) DO "
                    "UPDATE SET step = excluded.step, timestamp = excluded.timestamp, value = excluded.value, nan = excluded.nan "
                    "WHERE (excluded.step, excluded.timestamp, excluded.value) > (step, timestamp, value)",
                    "ttiiri", run, p.key, p.step, p.timestamp, p.value, (int64_t)p.nan))
        return false;
    return put_model_metric(s, run, q, &p, err);
}

json_t *an__track_log_metric(an_store *s, const json_t *q, an_error *err)
{
    const char *run = run_of(q, err);
    return run && an__run_active(s, run, err) && put_metric(s, run, q, err) ? json_object() : NULL;
}

static void metric_json(json_t *one, sqlite3_stmt *row)
{
    an__put_text(one, "key", row, 0);
    an__put_real(one, "value", sqlite3_column_int(row, 2) ? NAN : sqlite3_column_double(row, 1));
    an__put_int(one, "timestamp", row, 3);
    an__put_int(one, "step", row, 4);
}

static json_t *metrics_of(an_store *s, sqlite3_stmt *row, const char *run, an_error *err)
{
    json_t *all = json_array();
    bool more = true, good = row != NULL;
    while (good && (good = an__sql_step(s, row, &more, err)) && more) {
        json_t *one = json_object();
        metric_json(one, row);
        if (run) json_object_set_new(one, "run_id", json_string(run));
        json_array_append_new(all, one);
    }
    if (good) return all;
    json_decref(all);
    return NULL;
}

json_t *an__metrics_latest(an_store *s, const char *run, an_error *err)
{
    return metrics_of(s, an__sql(s, err, "SELECT key, value, nan, timestamp, step FROM mlflow_latest WHERE run = ? ORDER BY key", "t", run),
                      NULL, err);
}

json_t *an__track_metric_history(an_store *s, const json_t *q, an_error *err)
{
    const char *run = run_of(q, err), *key = run ? an__want_text(q, "metric_key", err) : NULL, *token = an__have_text(q, "page_token");
    int64_t limit, offset = 0;
    uint64_t from = 0;
    if (!key || !an__have_int(q, "max_results", HISTORY, &limit, err)) return NULL;
    if (limit < 1 || limit > HISTORY) limit = HISTORY;
    if (token && *token && (sscanf(token, "%" SCNx64, &from) != 1 || from > INT64_MAX)) {
        an_fail(err, AN_INPUT, "the page_token is not one that this history was given");
        return NULL;
    }
    offset = (int64_t)from;
    json_t *info = an__run_info(s, run, err);
    json_decref(info);
    if (!info) return NULL;
    json_t *all = metrics_of(s,
                             an__sql(s, err,
                                     "SELECT key, value, nan, timestamp, step FROM mlflow_metrics WHERE run = ? AND key = ? "
                                     "ORDER BY timestamp, step, value LIMIT ? OFFSET ?",
                                     "ttii", run, key, limit + 1, offset),
                             NULL, err);
    if (!all) return NULL;
    json_t *answer = json_pack("{s:o}", "metrics", all);
    if ((int64_t)json_array_size(all) > limit) {
        char next[24];
        json_array_remove(all, (size_t)limit);
        snprintf(next, sizeof next, "%016llx", (unsigned long long)(offset + limit));
        json_object_set_new(answer, "next_page_token", json_string(next));
    }
    return answer;
}

/* Of several runs, for curves: at most max_results points of each, at equal distances, the last one always among them. */
json_t *an__track_metric_history_bulk(an_store *s, const json_t *q, an_error *err)
{
    const json_t *runs = json_object_get(q, "run_ids"), *run;
    const char *key = an__want_text(q, "metric_key", err);
    int64_t most, from, to;
    if (!key || !an__have_int(q, "max_results", 320, &most, err) || !an__have_int(q, "start_step", INT64_MIN, &from, err) ||
        !an__have_int(q, "end_step", INT64_MAX, &to, err))
        return NULL;
    if (most < 1 || most > 2500) most = 2500;
    json_t *one = json_is_string(runs) ? json_pack("[O]", runs) : NULL, *all = json_array();
    if (one) runs = one;
    size_t i;
    bool good = json_array_size(runs) <= 100 || an_fail(err, AN_INPUT, "run_ids has more than 100 entries");
    json_array_foreach(runs, i, run) {
        if (!good) break;
        json_t *part =
            metrics_of(s,
                       an__sql(s, err,
                               "SELECT key, value, nan, timestamp, step FROM (SELECT *, row_number() OVER w AS n, count(*) OVER () AS "
                               "total FROM mlflow_metrics WHERE run = ? AND key = ? AND step BETWEEN ? AND ? WINDOW w AS (ORDER BY "
                               "step, timestamp, value)) WHERE total <= ? OR n = total OR (n - 1) % ((total + ? - 1) / ?) = 0 "
                               "ORDER BY step, timestamp, value",
                               "ttiiiii", json_string_value(run), key, from, to, most, most, most),
                       json_string_value(run), err);
        good = part != NULL;
        if (part) json_array_extend(all, part);
        json_decref(part);
    }
    json_decref(one);
    if (good) return an__wrap("metrics", all);
    json_decref(all);
    return NULL;
}

/* ---- parameters and batches ---- */

json_t *an__track_log_param(an_store *s, const json_t *q, an_error *err)
{
    const char *run = run_of(q, err), *key = run ? an__want_text(q, "key", err) : NULL;
    return key && an__run_active(s, run, err) && an__param_put(s, run, key, an__have_text(q, "value"), err) ? json_object() : NULL;
}

json_t *an__track_log_batch(an_store *s, const json_t *q, an_error *err)
{
    const char *run = run_of(q, err);
    const json_t *metrics, *params, *tags, *one;
    size_t i;
    if (!run || !an__have_list(q, "metrics", BATCH_METRICS, &metrics, err) || !an__have_list(q, "params", BATCH_PARAMS, &params, err) ||
        !an__have_list(q, "tags", BATCH_TAGS, &tags, err))
        return NULL;
    size_t n = json_array_size(metrics) + json_array_size(params) + json_array_size(tags);
    if (n > BATCH_ALL) {
        an_fail(err, AN_INPUT, "a batch has %zu entries; at most %d are allowed in one request", n, BATCH_ALL);
        return NULL;
    }
    if (!an__run_active(s, run, err)) return NULL;
    json_array_foreach(params, i, one)
        if (!an__param_put(s, run, an__have_text(one, "key"), an__have_text(one, "value"), err)) return NULL;
    json_array_foreach(metrics, i, one)
        if (!put_metric(s, run, one, err)) return NULL;
    json_array_foreach(tags, i, one) {
        const char *key = an__have_text(one, "key"), *value = an__have_text(one, "value");
        if (!an__tag_put(s, "r", run, key, value, err)) return NULL;
        if (!strcmp(key, "mlflow.runName") && value && *value &&
            !an__sql_do(s, err, "UPDATE mlflow_runs SET name = ? WHERE id = ?", "tt", value, run))
            return NULL;
    }
    return json_object();
}

/* ---- datasets and models of a run ---- */

static bool put_dataset(an_store *s, const char *run, const json_t *input, an_error *err)
{
    const json_t *d = json_object_get(input, "dataset"), *tags = json_object_get(input, "tags"), *tag;
    const char *name = an__want_text(d, "name", err), *digest = name ? an__want_text(d, "digest", err) : NULL, *context = NULL;
    if (!digest) return an_context(err, "dataset");
    size_t i;
    json_array_foreach(tags, i, tag)
        if (!strcmp(an_json_string(tag, "key", ""), "mlflow.data.context")) context = an__have_text(tag, "value");
    char *text = json_is_array(tags) ? an_json_text(tags, false) : an_strdup("[]");
    bool good = an__sql_do(s, err,
                           "INSERT INTO mlflow_inputs (run, name, digest, source_type, source, schema, profile, tags, context) VALUES "
                           "(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                           "ttttttttt", run, name, digest, an_json_string(d, "source_type", ""), an_json_string(d, "source", ""),
                           an__have_text(d, "schema"), an__have_text(d, "profile"), text, context);
    free(text);
    return good;
}

static bool put_models(an_store *s, const char *run, const char *edge, const json_t *models, an_error *err)
{
    size_t i;
    const json_t *m;
    json_array_foreach(models, i, m) {
        const char *id = an__want_text(m, "model_id", err);
        int64_t step;
        if (!id || !an__have_int(m, "step", 0, &step, err) ||
            !an__sql_do(s, err, "INSERT INTO mlflow_run_models (run, edge, model, step) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", "ttti",
                        run, edge, id, step))
            return false;
    }
    return true;
}

json_t *an__track_log_inputs(an_store *s, const json_t *q, an_error *err)
{
    const char *run = run_of(q, err);
    const json_t *datasets, *models, *one;
    size_t i;
    if (!run || !an__have_list(q, "datasets", 1000, &datasets, err) || !an__have_list(q, "models", 1000, &models, err) ||
        !an__run_active(s, run, err))
        return NULL;
    json_array_foreach(datasets, i, one)
        if (!put_dataset(s, run, one, err)) return NULL;
    return put_models(s, run, "in", models, err) ? json_object() : NULL;
}

json_t *an__track_log_outputs(an_store *s, const json_t *q, an_error *err)
{
    const char *run = run_of(q, err);
    const json_t *models;
    return run && an__have_list(q, "models", 1000, &models, err) && an__run_active(s, run, err) && put_models(s, run, "out", models, err)
               ? json_object()
               : NULL;
}

/* What clients before 3.0 send for each model: kept, one after the other, in the tag where readers look for it. */
json_t *an__track_log_model(an_store *s, const json_t *q, an_error *err)
{
    const char *run = run_of(q, err), *text = run ? an__want_text(q, "model_json", err) : NULL;
    if (!text || !an__run_active(s, run, err)) return NULL;
    json_t *model = an_json_parse(text, strlen(text), "model_json", err), *all = NULL;
    if (!model) return NULL;
    char *old;
    bool found, good = an__sql_one_text(s, &old, &found, err,
                                        "SELECT value FROM mlflow_tags WHERE kind = 'r' AND key = 'mlflow.log-model.history' AND owner = ?",
                                        "t", run);
    if (good && found) all = an_json_parse(old, strlen(old), "mlflow.log-model.history", NULL);
    if (!json_is_array(all)) {
        json_decref(all);
        all = json_array();
    }
    json_array_append_new(all, model);
    char *now = an_json_text(all, false);
    good = good && an__tag_put(s, "r", run, "mlflow.log-model.history", now, err);
    free(now);
    free(old);
    json_decref(all);
    return good ? json_object() : NULL;
}

static json_t *models_of(an_store *s, const char *run, const char *edge, an_error *err)
{
    sqlite3_stmt *row =
        an__sql(s, err, "SELECT model, step FROM mlflow_run_models WHERE run = ? AND edge = ? ORDER BY step, model", "tt", run, edge);
    json_t *all = json_array();
    bool more = true, good = row != NULL;
    while (good && (good = an__sql_step(s, row, &more, err)) && more) {
        json_t *one = json_object();
        an__put_text(one, "model_id", row, 0);
        if (!strcmp(edge, "out")) an__put_int(one, "step", row, 1);
        json_array_append_new(all, one);
    }
    if (good) return all;
    json_decref(all);
    return NULL;
}

json_t *an__run_inputs(an_store *s, const char *run, an_error *err)
{
    static const char *const names[] = { "name", "digest", "source_type", "source", "schema", "profile" };
    sqlite3_stmt *row = an__sql(
        s, err, "SELECT name, digest, source_type, source, schema, profile, tags FROM mlflow_inputs WHERE run = ? ORDER BY name, digest",
        "t", run);
    json_t *all = json_array(), *models = NULL;
    bool more = true, good = row != NULL;
    while (good && (good = an__sql_step(s, row, &more, err)) && more) {
        json_t *d = json_object(), *tags = NULL;
        for (int i = 0; i < (int)AN_COUNT(names); i++) an__put_text(d, names[i], row, i);
        good = an__sql_json(row, 6, "tags of a dataset", &tags, err);
        json_array_append_new(all, json_pack("{s:o, s:o}", "dataset", d, "tags", tags ? tags : json_array()));
        if (!good) sqlite3_finalize(row);
    }
    if (good) models = models_of(s, run, "in", err);
    if (models) return json_pack("{s:o, s:o}", "dataset_inputs", all, "model_inputs", models);
    json_decref(all);
    return NULL;
}

json_t *an__run_outputs(an_store *s, const char *run, an_error *err)
{
    return an__wrap("model_outputs", models_of(s, run, "out", err));
}
