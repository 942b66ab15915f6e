/* tracking_experiments.c - experiments: named groups of runs. */
#include "store/tracking.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 500 };

#define COLUMNS "SELECT id, name, location, stage, created_ms, updated_ms FROM mlflow_experiments x"

static json_t *experiment_json(an_store *s, sqlite3_stmt *row, an_error *err)
{
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)sqlite3_column_int64(row, 0));
    json_t *tags = an__tags(s, "e", id, err);
    if (!tags) return NULL;
    json_t *one = json_pack("{s:s, s:o}", "experiment_id", id, "tags", tags);
    an__put_text(one, "name", row, 1);
    an__put_text(one, "artifact_location", row, 2);
    an__put_text(one, "lifecycle_stage", row, 3);
    an__put_int(one, "creation_time", row, 4);
    an__put_int(one, "last_update_time", row, 5);
    return one;
}

static bool id_of(const json_t *q, int64_t *id, an_error *err)
{
    return an__want_int(q, "experiment_id", id, err);
}

bool an__experiment_active(an_store *s, int64_t id, char **location, an_error *err)
{
    sqlite3_stmt *row = an__sql(s, err, "SELECT stage, location FROM mlflow_experiments WHERE id = ?", "i", id);
    bool found;
    *location = NULL;
    if (!row || !an__sql_step(s, row, &found, err)) return false;
    if (!found) return an_fail(err, AN_NOT_FOUND, "no experiment with id=%lld exists", (long long)id);
    bool active = !strcmp((const char *)sqlite3_column_text(row, 0), "active");
    if (active) *location = an__sql_text(row, 1);
    sqlite3_finalize(row);
    return active || an_fail(err, AN_INPUT, "the experiment %lld must be in the 'active' state; it is deleted", (long long)id);
}

static bool check_name(const char *name, an_error *err)
{
    size_t n = strlen(name);
    return n <= NAME_BYTES || an_fail(err, AN_INPUT, "the name of an experiment has %zu bytes; at most %d are allowed", n, NAME_BYTES);
}

static bool name_is_free(an_store *s, const char *name, an_error *err)
{
    int64_t id;
    bool found;
    if (!an__sql_int(s, &id, &found, err, "SELECT id FROM mlflow_experiments WHERE name = ?", "t", name)) return false;
    return !found || an_fail(err, AN_REFUSED, "an experiment named \"%s\" exists already (id %lld), perhaps deleted", name, (long long)id);
}

json_t *an__track_experiment_create(an_store *s, const json_t *q, an_error *err)
{
    const char *name = an__want_text(q, "name", err), *location = an__have_text(q, "artifact_location");
    const json_t *tags;
    int64_t now = an__now_ms();
    if (!name || !check_name(name, err) || !an__have_list(q, "tags", 1000, &tags, err) || !name_is_free(s, name, err)) return NULL;
    if (!an__sql_do(s, err, "INSERT INTO mlflow_experiments (name, location, stage, created_ms, updated_ms) VALUES (?, ?, 'active', ?, ?)",
                    "ttii", name, location && *location ? location : "", now, now))
        return NULL;
    int64_t id = sqlite3_last_insert_rowid(s->db);
    if ((!location || !*location) &&
        !an__sql_do(s, err, "UPDATE mlflow_experiments SET location = 'mlflow-artifacts:/' || id WHERE id = ?", "i", id))
        return NULL;
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)id);
    return an__tags_put(s, "e", text, tags, err) ? json_pack("{s:s}", "experiment_id", text) : NULL;
}

static json_t *get(an_store *s, sqlite3_stmt *row, const char *asked, an_error *err)
{
    bool found;
    if (!row || !an__sql_step(s, row, &found, err)) return NULL;
    if (!found) {
        an_fail(err, AN_NOT_FOUND, "could not find experiment with %s", asked);
        return NULL;
    }
    json_t *one = experiment_json(s, row, err);
    sqlite3_finalize(row);
    return an__wrap("experiment", one);
}

json_t *an__track_experiment_get(an_store *s, const json_t *q, an_error *err)
{
    int64_t id;
    char asked[40];
    if (!id_of(q, &id, err)) return NULL;
    snprintf(asked, sizeof asked, "id %lld", (long long)id);
    return get(s, an__sql(s, err, COLUMNS " WHERE id = ?", "i", id), asked, err);
}

json_t *an__track_experiment_get_by_name(an_store *s, const json_t *q, an_error *err)
{
    const char *name = an__want_text(q, "experiment_name", err);
    if (!name) return NULL;
    char *asked = an_format("name '%.200s'", name);
    json_t *one = get(s, an__sql(s, err, COLUMNS " WHERE name = ?", "t", name), asked, err);
    free(asked);
    return one;
}

static const an__column columns[] = {
    { "name", "x.name", false },
    { "experiment_id", "CAST(x.id AS TEXT)", false },
    { "creation_time", "x.created_ms", true },
    { "last_update_time", "x.updated_ms", true },
    { 0 },
};
static const an__space space = { .what = "experiment",
                                 .columns = columns,
                                 .tag_kind = "e",
                                 .owner = "CAST(x.id AS TEXT)",
                                 .default_order = "x.updated_ms DESC, x.id DESC" };

json_t *an__track_experiment_search(an_store *s, const json_t *q, an_error *err)
{
    const char *view = an__have_text(q, "view_type");
    an__filter filter;
    if (!an__filter_parse(an__have_text(q, "filter"), &filter, err)) return NULL;
    an__search x;
    an__search_begin(&x, &space);
    if (!view || strcmp(view, "ALL"))
        an_buf_puts(&x.where, view && !strcmp(view, "DELETED_ONLY") ? " AND x.stage = 'deleted'" : " AND x.stage = 'active'");
    return an__search_answer(s, &x, q, &(an__pages){ "experiments", 1000, 50000 }, &filter, COLUMNS, experiment_json, err);
}

/* Runs follow their experiment, in both directions. */
static json_t *set_stage(an_store *s, const json_t *q, const char *from, const char *to, an_error *err)
{
    int64_t id;
    if (!id_of(q, &id, err) || !an__sql_do(s, err, "UPDATE mlflow_experiments SET stage = ?, updated_ms = ? WHERE id = ? AND stage = ?",
                                           "tiit", to, an__now_ms(), id, from))
        return NULL;
    if (!sqlite3_changes(s->db)) {
        an_fail(err, AN_NOT_FOUND, "no %s experiment with id=%lld exists", from, (long long)id);
        return NULL;
    }
    return an__sql_do(s, err, "UPDATE mlflow_runs SET stage = ? WHERE experiment = ?", "ti", to, id) ? json_object() : NULL;
}

json_t *an__track_experiment_delete(an_store *s, const json_t *q, an_error *err)
{
    return set_stage(s, q, "active", "deleted", err);
}

json_t *an__track_experiment_restore(an_store *s, const json_t *q, an_error *err)
{
    return set_stage(s, q, "deleted", "active", err);
}

static bool active(an_store *s, const json_t *q, int64_t *id, char text[24], an_error *err)
{
    char *location;
    if (!id_of(q, id, err) || !an__experiment_active(s, *id, &location, err)) return false;
    free(location);
    snprintf(text, 24, "%lld", (long long)*id);
    return an__sql_do(s, err, "UPDATE mlflow_experiments SET updated_ms = ? WHERE id = ?", "ii", an__now_ms(), *id);
}

json_t *an__track_experiment_update(an_store *s, const json_t *q, an_error *err)
{
    int64_t id;
    char text[24];
    const char *name = an__have_text(q, "new_name");
    if (!active(s, q, &id, text, err)) return NULL;
    if (!name || !*name) return json_object();
    if (!check_name(name, err) || !name_is_free(s, name, err)) return NULL;
    return an__sql_do(s, err, "UPDATE mlflow_experiments SET name = ? WHERE id = ?", "ti", name, id) ? json_object() : NULL;
}

json_t *an__track_experiment_tag(an_store *s, const json_t *q, an_error *err)
{
    int64_t id;
    char text[24];
    const char *key = an__want_text(q, "key", err);
    return key && active(s, q, &id, text, err) && an__tag_put(s, "e", text, key, an__have_text(q, "value"), err) ? json_object() : NULL;
}

json_t *an__track_experiment_untag(an_store *s, const json_t *q, an_error *err)
{
    int64_t id;
    char text[24];
    const char *key = an__want_text(q, "key", err);
    return key && active(s, q, &id, text, err) && an__tag_delete(s, "e", text, key, err) ? json_object() : NULL;
}

json_t *an__track_experiment_datasets(an_store *s, const json_t *q, an_error *err)
{
    const json_t *ids, *id;
    size_t i;
    if (!an__have_list(q, "experiment_ids", 100, &ids, err)) return NULL;
    json_t *all = json_array();
    json_array_foreach(ids, i, id) {
        sqlite3_stmt *row = an__sql(s, err,
                                    "SELECT DISTINCT i.name, i.digest, i.context FROM mlflow_inputs i JOIN mlflow_runs r ON r.id = i.run "
                                    "WHERE r.stage = 'active' AND CAST(r.experiment AS TEXT) = ? ORDER BY 1, 2 LIMIT 1000",
                                    "t", json_string_value(id));
        bool more = row != NULL, good = more;
        while (good && (good = an__sql_step(s, row, &more, err)) && more) {
            json_t *one = json_pack("{s:O}", "experiment_id", id);
            an__put_text(one, "name", row, 0);
            an__put_text(one, "digest", row, 1);
            an__put_text(one, "context", row, 2);
            json_array_append_new(all, one);
        }
        if (!good) {
            json_decref(all);
            return NULL;
        }
    }
    return an__wrap("dataset_summaries", all);
}
