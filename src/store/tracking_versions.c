/* tracking_versions.c - versions of registered models: where their files are, stages, tags. */
#include "store/tracking.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS                                                                                                                   \
    "SELECT v.id, g.name, CAST(v.version AS TEXT), v.created_ms, v.updated_ms, v.user, v.stage, v.description, v.source, v.run, " \
    "v.run_link, v.logged FROM mlflow_versions v JOIN mlflow_registered g ON g.id = v.model"

static const char *const stages[] = { "None", "Staging", "Production", "Archived" };

static const char *stage_of(const char *text, an_error *err)
{
    for (size_t i = 0; i < AN_COUNT(stages) && text; i++)
        if (!strcasecmp(stages[i], text)) return stages[i];
    an_fail(err, AN_INPUT, "\"%.40s\" is no stage; there are None, Staging, Production, Archived", text ? text : "");
    return NULL;
}

static json_t *version_json(an_store *s, sqlite3_stmt *row, an_error *err)
{
    int64_t id = sqlite3_column_int64(row, 0);
    char owner[24];
    snprintf(owner, sizeof owner, "%lld", (long long)id);
    json_t *one = json_pack("{s:s}", "status", "READY"), *part, *aliases = json_array();
    static const char *const names[] = { "name",        "version", NULL,     NULL,       "user_id", "current_stage",
                                         "description", "source",  "run_id", "run_link", "model_id" };
    for (int i = 0; i < (int)AN_COUNT(names); i++)
        if (names[i]) an__put_text(one, names[i], row, i + 1);
    an__put_int(one, "creation_timestamp", row, 3);
    an__put_int(one, "last_updated_timestamp", row, 4);
    json_object_set_new(one, "aliases", aliases);
    bool good = (part = an__tags(s, "v", owner, err)) && !json_object_set_new(one, "tags", part), more = true;
    sqlite3_stmt *alias = good ? an__sql(s, err, "SELECT alias FROM mlflow_aliases WHERE version = ? ORDER BY alias", "i", id) : NULL;
    good = alias != NULL;
    while (good && (good = an__sql_step(s, alias, &more, err)) && more)
        json_array_append_new(aliases, json_string((const char *)sqlite3_column_text(alias, 0)));
    if (good) return one;
    json_decref(one);
    return NULL;
}

json_t *an__version_json(an_store *s, int64_t id, an_error *err)
{
    sqlite3_stmt *row = an__sql(s, err, COLUMNS " WHERE v.id = ?", "i", id);
    bool found;
    if (!row || !an__sql_step(s, row, &found, err) || !found) return NULL;
    json_t *one = version_json(s, row, err);
    sqlite3_finalize(row);
    return one;
}

json_t *an__versions_latest(an_store *s, int64_t model, const char *stage, an_error *err)
{
    if (stage && !(stage = stage_of(stage, err))) return NULL;
    sqlite3_stmt *row = an__sql(s, err,
                                COLUMNS " WHERE v.model = ? AND (? IS NULL OR v.stage = ?) AND v.version = (SELECT max(w.version) FROM "
                                        "mlflow_versions w WHERE w.model = v.model AND w.stage = v.stage) ORDER BY v.version",
                                "itt", model, stage, stage);
    json_t *all = json_array();
    bool more = true, good = row != NULL;
    while (good && (good = an__sql_step(s, row, &more, err)) && more) {
        json_t *one = version_json(s, row, err);
        good = one != NULL;
        if (good)
            json_array_append_new(all, one);
        else
            sqlite3_finalize(row);
    }
    if (good) return all;
    json_decref(all);
    return NULL;
}

/* The version that the request names. */
static bool find(an_store *s, const json_t *q, int64_t *model, int64_t *id, char owner[24], an_error *err)
{
    int64_t version;
    bool found;
    const char *name = an__want_text(q, "name", err);
    if (!name || !an__want_int(q, "version", &version, err) || !an__registered_id(s, name, model, err) ||
        !an__sql_int(s, id, &found, err, "SELECT id FROM mlflow_versions WHERE model = ? AND version = ?", "ii", *model, version))
        return false;
    snprintf(owner, 24, "%lld", (long long)*id);
    return found || an_fail(err, AN_NOT_FOUND, "model version (name=%.200s, version=%lld) not found", name, (long long)version);
}

static bool touch(an_store *s, const json_t *q, int64_t *model, int64_t *id, char owner[24], an_error *err)
{
    int64_t now = an__now_ms();
    return find(s, q, model, id, owner, err) &&
           an__sql_do(s, err, "UPDATE mlflow_versions SET updated_ms = ? WHERE id = ?", "ii", now, *id) &&
           an__sql_do(s, err, "UPDATE mlflow_registered SET updated_ms = ? WHERE id = ?", "ii", now, *model);
}

/* Where the files of a source are: models:/m-..., models:/NAME/VERSION and runs:/RUN/PATH are followed, anything else stands for itself. */
static bool resolve(an_store *s, const char *source, char **uri, char **logged, an_error *err)
{
    bool found = false;
    *uri = NULL;
    if (!strncmp(source, "models:/m-", 10)) {
        const char *id = source + 8;
        if (!an__sql_one_text(s, uri, &found, err, "SELECT artifact_uri FROM mlflow_models WHERE id = ? AND stage = 'active'", "t", id))
            return false;
        if (!found) return an_fail(err, AN_INPUT, "the source \"%.200s\" names a logged model that does not exist", source);
        if (!*logged) *logged = an_strdup(id);
        return true;
    }
    if (!strncmp(source, "models:/", 8)) {
        const char *name = source + 8, *slash = strrchr(name, '/');
        char *of = slash ? an_strndup(name, (size_t)(slash - name)) : NULL;
        bool good = !slash || an__sql_one_text(s, uri, &found, err,
                                               "SELECT v.storage FROM mlflow_versions v JOIN mlflow_registered g ON g.id = v.model WHERE "
                                               "g.name = ? AND CAST(v.version AS TEXT) = ?",
                                               "tt", of, slash + 1);
        free(of);
        return good && (found || an_fail(err, AN_INPUT, "the source \"%.200s\" names a version that does not exist", source));
    }
    if (!strncmp(source, "runs:/", 6)) {
        const char *run = source + 6, *slash = strchr(run, '/');
        char *id = slash ? an_strndup(run, (size_t)(slash - run)) : an_strdup(run), *root;
        bool good = an__sql_one_text(s, &root, &found, err, "SELECT artifact_uri FROM mlflow_runs WHERE id = ?", "t", id);
        if (good && found) *uri = slash ? an_format("%s%s", root, slash) : an_strdup(root);
        free(root);
        free(id);
        return good && (found || an_fail(err, AN_INPUT, "the source \"%.200s\" names a run that does not exist", source));
    }
    if (strstr(source, "..") || (*source == '/' || !strncmp(source, "file:", 5)))
        return an_fail(err, AN_INPUT, "the source \"%.200s\" is a path of a machine; register files of a run or of a logged model", source);
    *uri = an_strdup(source);
    return true;
}

json_t *an__track_version_create(an_store *s, const json_t *q, an_error *err)
{
    int64_t model, version, now = an__now_ms();
    bool found;
    const char *name = an__want_text(q, "name", err), *source = name ? an__want_text(q, "source", err) : NULL,
               *given = an__have_text(q, "model_id");
    const json_t *tags;
    if (!source || !an__have_list(q, "tags", 1000, &tags, err) || !an__registered_id(s, name, &model, err)) return NULL;
    char *storage = NULL, *logged = given && *given ? an_strdup(given) : NULL, *made = NULL;
    const char *run = an__have_text(q, "run_id");
    json_t *answer = NULL;
    bool good = resolve(s, source, &storage, &logged, err);
    if (good && logged && (!run || !*run)) { /* the run that made the logged model */
        good = an__sql_one_text(s, &made, &found, err, "SELECT run FROM mlflow_models WHERE id = ?", "t", logged);
        run = made;
    }
    good = good && an__sql_do(s, err, "UPDATE mlflow_registered SET last = last + 1, updated_ms = ? WHERE id = ?", "ii", now, model) &&
           an__sql_int(s, &version, &found, err, "SELECT last FROM mlflow_registered WHERE id = ?", "i", model) &&
           an__sql_do(s, err,
                      "INSERT INTO mlflow_versions (model, version, description, user, stage, source, storage, run, run_link, logged, "
                      "created_ms, updated_ms) VALUES (?, ?, ?, ?, 'None', ?, ?, ?, ?, ?, ?, ?)",
                      "iitttttttii", model, version, an__have_text(q, "description"), an__have_text(q, "user_id"), source, storage, run,
                      an__have_text(q, "run_link"), logged, now, now);
    if (good) {
        int64_t id = sqlite3_last_insert_rowid(s->db);
        char owner[24];
        snprintf(owner, sizeof owner, "%lld", (long long)id);
        if (an__tags_put(s, "v", owner, tags, err)) answer = an__wrap("model_version", an__version_json(s, id, err));
    }
    free(storage);
    free(logged);
    free(made);
    return answer;
}

json_t *an__track_version_update(an_store *s, const json_t *q, an_error *err)
{
    int64_t model, id;
    char owner[24];
    if (!touch(s, q, &model, &id, owner, err) ||
        !an__sql_do(s, err, "UPDATE mlflow_versions SET description = ? WHERE id = ?", "ti", an__have_text(q, "description"), id))
        return NULL;
    return an__wrap("model_version", an__version_json(s, id, err));
}

json_t *an__track_version_delete(an_store *s, const json_t *q, an_error *err)
{
    int64_t model, id;
    char owner[24];
    return touch(s, q, &model, &id, owner, err) &&
                   an__sql_do(s, err, "DELETE FROM mlflow_tags WHERE kind = 'v' AND owner = ?", "t", owner) &&
                   an__sql_do(s, err, "DELETE FROM mlflow_versions WHERE id = ?", "i", id)
               ? json_object()
               : NULL;
}

json_t *an__track_version_get(an_store *s, const json_t *q, an_error *err)
{
    int64_t model, id;
    char owner[24];
    return find(s, q, &model, &id, owner, err) ? an__wrap("model_version", an__version_json(s, id, err)) : NULL;
}

json_t *an__track_version_uri(an_store *s, const json_t *q, an_error *err)
{
    int64_t model, id;
    char owner[24], *uri;
    bool found;
    if (!find(s, q, &model, &id, owner, err) ||
        !an__sql_one_text(s, &uri, &found, err, "SELECT storage FROM mlflow_versions WHERE CAST(id AS TEXT) = ?", "t", owner))
        return NULL;
    json_t *answer = json_pack("{s:s}", "artifact_uri", uri);
    free(uri);
    return answer;
}

static bool truth(const json_t *v)
{
    return json_is_true(v) || (json_is_string(v) && !strcasecmp(json_string_value(v), "true"));
}

json_t *an__track_version_stage(an_store *s, const json_t *q, an_error *err)
{
    int64_t model, id;
    char owner[24];
    const char *text = an__want_text(q, "stage", err), *stage = text ? stage_of(text, err) : NULL;
    bool archive = truth(json_object_get(q, "archive_existing_versions"));
    if (!stage || !touch(s, q, &model, &id, owner, err)) return NULL;
    if (archive && strcmp(stage, "Staging") && strcmp(stage, "Production")) {
        an_fail(err, AN_INPUT, "archive_existing_versions fits only the stages Staging and Production");
        return NULL;
    }
    if (archive &&
        !an__sql_do(s, err, "UPDATE mlflow_versions SET stage = 'Archived', updated_ms = ? WHERE model = ? AND stage = ? AND id <> ?",
                    "iiti", an__now_ms(), model, stage, id))
        return NULL;
    if (!an__sql_do(s, err, "UPDATE mlflow_versions SET stage = ? WHERE id = ?", "ti", stage, id)) return NULL;
    return an__wrap("model_version", an__version_json(s, id, err));
}

json_t *an__track_version_tag(an_store *s, const json_t *q, an_error *err)
{
    int64_t model, id;
    char owner[24];
    const char *key = an__want_text(q, "key", err);
    return key && touch(s, q, &model, &id, owner, err) && an__tag_put(s, "v", owner, key, an__have_text(q, "value"), err) ? json_object()
                                                                                                                          : NULL;
}

json_t *an__track_version_untag(an_store *s, const json_t *q, an_error *err)
{
    int64_t model, id;
    char owner[24];
    an_error absent = { 0 };
    const char *key = an__want_text(q, "key", err);
    if (!key || !touch(s, q, &model, &id, owner, err)) return NULL;
    if (an__tag_delete(s, "v", owner, key, &absent) || absent.code == AN_NOT_FOUND) return json_object();
    if (err) *err = absent;
    return NULL;
}

/* ---- searching ---- */

static const an__column columns[] = {
    { "name", "g.name", false },
    { "version_number", "v.version", true },
    { "version", "v.version", true },
    { "run_id", "v.run", false },
    { "source_path", "v.source", false },
    { "source", "v.source", false },
    { "model_id", "v.logged", false },
    { "current_stage", "v.stage", false },
    { "creation_timestamp", "v.created_ms", true },
    { "last_updated_timestamp", "v.updated_ms", true },
    { 0 },
};
static const an__space space = { .what = "model version",
                                 .columns = columns,
                                 .tag_kind = "v",
                                 .owner = "CAST(v.id AS TEXT)",
                                 .default_order = "v.updated_ms DESC, g.name, v.version DESC" };

json_t *an__track_version_search(an_store *s, const json_t *q, an_error *err)
{
    an__filter filter;
    if (!an__filter_parse(an__have_text(q, "filter"), &filter, err)) return NULL;
    an__search x;
    an__search_begin(&x, &space);
    bool prompts = false;
    for (size_t i = 0; i < filter.count; i++)
        prompts |= filter.term[i].kind == AN__FIELD_TAG && !strcmp(filter.term[i].key, "mlflow.prompt.is_prompt");
    if (!prompts)
        an_buf_puts(&x.where, " AND NOT EXISTS (SELECT 1 FROM mlflow_tags WHERE kind = 'v' AND owner = CAST(v.id AS TEXT) AND key = "
                              "'mlflow.prompt.is_prompt' AND value = 'true')");
    return an__search_answer(s, &x, q, &(an__pages){ "model_versions", 10000, 200000 }, &filter, COLUMNS, version_json, err);
}
