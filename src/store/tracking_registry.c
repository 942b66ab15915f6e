/* tracking_registry.c - registered models and their aliases. Their versions: tracking_versions.c. */
#include "store/tracking.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS "SELECT g.id, g.name, g.description, g.created_ms, g.updated_ms FROM mlflow_registered g"

static json_t *registered_json(an_store *s, sqlite3_stmt *row, an_error *err)
{
    int64_t id = sqlite3_column_int64(row, 0);
    char owner[24];
    snprintf(owner, sizeof owner, "%lld", (long long)id);
    json_t *one = json_object(), *part, *aliases = json_array();
    an__put_text(one, "name", row, 1);
    an__put_text(one, "description", row, 2);
    an__put_int(one, "creation_timestamp", row, 3);
    an__put_int(one, "last_updated_timestamp", row, 4);
    json_object_set_new(one, "aliases", aliases);
    bool good = (part = an__tags(s, "g", owner, err)) && !json_object_set_new(one, "tags", part), more = true;
    good = good && (part = an__versions_latest(s, id, NULL, err)) && !json_object_set_new(one, "latest_versions", part);
    sqlite3_stmt *alias = good ? an__sql(s, err,
                                         "SELECT a.alias, CAST(v.version AS TEXT) FROM mlflow_aliases a JOIN mlflow_versions v ON v.id = "
                                         "a.version WHERE a.model = ? ORDER BY a.alias",
                                         "i", id)
                               : NULL;
    good = alias != NULL;
    while (good && (good = an__sql_step(s, alias, &more, err)) && more) {
        json_t *a = json_object();
        an__put_text(a, "alias", alias, 0);
        an__put_text(a, "version", alias, 1);
        json_array_append_new(aliases, a);
    }
    if (good) return one;
    json_decref(one);
    return NULL;
}

bool an__registered_id(an_store *s, const char *name, int64_t *id, an_error *err)
{
    bool found;
    if (!name || !an__sql_int(s, id, &found, err, "SELECT id FROM mlflow_registered WHERE name = ?", "t", name)) return false;
    return found || an_fail(err, AN_NOT_FOUND, "registered model with name=%.200s not found", name);
}

static json_t *get(an_store *s, int64_t id, an_error *err)
{
    sqlite3_stmt *row = an__sql(s, err, COLUMNS " WHERE g.id = ?", "i", id);
    bool found;
    if (!row || !an__sql_step(s, row, &found, err) || !found) return NULL;
    json_t *one = registered_json(s, row, err);
    sqlite3_finalize(row);
    return an__wrap("registered_model", one);
}

static bool name_is_free(an_store *s, const char *name, an_error *err)
{
    int64_t id;
    bool found;
    if (strlen(name) > 500 || strpbrk(name, "/:"))
        return an_fail(err, AN_INPUT, "\"%.100s\" cannot name a registered model: no / or :, and at most 500 bytes", name);
    if (!an__sql_int(s, &id, &found, err, "SELECT id FROM mlflow_registered WHERE name = ?", "t", name)) return false;
    return !found || an_fail(err, AN_REFUSED, "a registered model named \"%.200s\" exists already", name);
}

json_t *an__track_registered_create(an_store *s, const json_t *q, an_error *err)
{
    const char *name = an__want_text(q, "name", err);
    const json_t *tags;
    int64_t now = an__now_ms();
    if (!name || !an__have_list(q, "tags", 1000, &tags, err) || !name_is_free(s, name, err) ||
        !an__sql_do(s, err, "INSERT INTO mlflow_registered (name, description, last, created_ms, updated_ms) VALUES (?, ?, 0, ?, ?)",
                    "ttii", name, an__have_text(q, "description"), now, now))
        return NULL;
    int64_t id = sqlite3_last_insert_rowid(s->db);
    char owner[24];
    snprintf(owner, sizeof owner, "%lld", (long long)id);
    return an__tags_put(s, "g", owner, tags, err) ? get(s, id, err) : NULL;
}

/* The model that the request names; it was changed now. */
static bool touch(an_store *s, const json_t *q, int64_t *id, char owner[24], an_error *err)
{
    const char *name = an__want_text(q, "name", err);
    if (!an__registered_id(s, name, id, err)) return false;
    snprintf(owner, 24, "%lld", (long long)*id);
    return an__sql_do(s, err, "UPDATE mlflow_registered SET updated_ms = ? WHERE id = ?", "ii", an__now_ms(), *id);
}

json_t *an__track_registered_rename(an_store *s, const json_t *q, an_error *err)
{
    int64_t id;
    char owner[24];
    const char *name = an__want_text(q, "new_name", err);
    if (!name || !touch(s, q, &id, owner, err)) return NULL;
    if (strcmp(name, an_json_string(q, "name", "")) != 0 && !name_is_free(s, name, err)) return NULL;
    return an__sql_do(s, err, "UPDATE mlflow_registered SET name = ? WHERE id = ?", "ti", name, id) ? get(s, id, err) : NULL;
}

json_t *an__track_registered_update(an_store *s, const json_t *q, an_error *err)
{
    int64_t id;
    char owner[24];
    if (!touch(s, q, &id, owner, err)) return NULL;
    const char *text = an__have_text(q, "description");
    return an__sql_do(s, err, "UPDATE mlflow_registered SET description = ? WHERE id = ?", "ti", text, id) ? get(s, id, err) : NULL;
}

json_t *an__track_registered_delete(an_store *s, const json_t *q, an_error *err)
{
    int64_t id;
    char owner[24];
    if (!touch(s, q, &id, owner, err)) return NULL;
    return an__sql_do(
               s, err,
               "DELETE FROM mlflow_tags WHERE kind = 'v' AND owner IN (SELECT CAST(id AS TEXT) FROM mlflow_versions WHERE model = ?)", "i",
               id) &&
                   an__sql_do(s, err, "DELETE FROM mlflow_tags WHERE kind = 'g' AND owner = ?", "t", owner) &&
                   an__sql_do(s, err, "DELETE FROM mlflow_registered WHERE id = ?", "i", id)
               ? json_object()
               : NULL;
}

json_t *an__track_registered_get(an_store *s, const json_t *q, an_error *err)
{
    int64_t id;
    return an__registered_id(s, an__want_text(q, "name", err), &id, err) ? get(s, id, err) : NULL;
}

json_t *an__track_registered_latest(an_store *s, const json_t *q, an_error *err)
{
    int64_t id;
    if (!an__registered_id(s, an__want_text(q, "name", err), &id, err)) return NULL;
    const json_t *stages = json_object_get(q, "stages"), *stage;
    if (json_is_string(stages)) return an__wrap("model_versions", an__versions_latest(s, id, json_string_value(stages), err));
    if (!json_array_size(stages)) return an__wrap("model_versions", an__versions_latest(s, id, NULL, err));
    json_t *all = json_array();
    size_t i;
    json_array_foreach(stages, i, stage) {
        json_t *part = an__versions_latest(s, id, json_is_string(stage) ? json_string_value(stage) : "", err);
        if (!part) {
            json_decref(all);
            return NULL;
        }
        json_array_extend(all, part);
        json_decref(part);
    }
    return an__wrap("model_versions", all);
}

json_t *an__track_registered_tag(an_store *s, const json_t *q, an_error *err)
{
    int64_t id;
    char owner[24];
    const char *key = an__want_text(q, "key", err);
    return key && touch(s, q, &id, owner, err) && an__tag_put(s, "g", owner, key, an__have_text(q, "value"), err) ? json_object() : NULL;
}

/* Deleting a tag that is not there is no mistake here. */
json_t *an__track_registered_untag(an_store *s, const json_t *q, an_error *err)
{
    int64_t id;
    char owner[24];
    an_error absent = { 0 };
    const char *key = an__want_text(q, "key", err);
    if (!key || !touch(s, q, &id, owner, err)) return NULL;
    if (an__tag_delete(s, "g", owner, key, &absent) || absent.code == AN_NOT_FOUND) return json_object();
    if (err) *err = absent;
    return NULL;
}

/* ---- aliases ---- */

json_t *an__track_alias_set(an_store *s, const json_t *q, an_error *err)
{
    int64_t model, version, id;
    char owner[24];
    bool found;
    const char *alias = an__want_text(q, "alias", err);
    if (!alias || !an__want_int(q, "version", &version, err)) return NULL;
    if (strlen(alias) > 255 || strspn(alias, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != strlen(alias) ||
        !strcasecmp(alias, "latest") || (strchr("vV", *alias) && alias[1] && strspn(alias + 1, "0123456789") == strlen(alias + 1))) {
        an_fail(err, AN_INPUT, "\"%.100s\" cannot be an alias: letters, digits, _ and -, and neither \"latest\" nor like v2", alias);
        return NULL;
    }
    if (!touch(s, q, &model, owner, err) ||
        !an__sql_int(s, &id, &found, err, "SELECT id FROM mlflow_versions WHERE model = ? AND version = ?", "ii", model, version))
        return NULL;
    if (!found) {
        an_fail(err, AN_NOT_FOUND, "model version (name=%.200s, version=%lld) not found", an_json_string(q, "name", ""),
                (long long)version);
        return NULL;
    }
    return an__sql_do(
               s, err,
               "INSERT INTO mlflow_aliases (model, alias, version) VALUES (?, ?, ?) ON CONFLICT (model, alias) DO UPDATE SET version = "
               "excluded.version",
               "iti", model, alias, id)
               ? json_object()
               : NULL;
}

json_t *an__track_alias_get(an_store *s, const json_t *q, an_error *err)
{
    int64_t model, id;
    bool found;
    const char *alias = an__want_text(q, "alias", err);
    if (!alias || !an__registered_id(s, an__want_text(q, "name", err), &model, err) ||
        !an__sql_int(s, &id, &found, err, "SELECT version FROM mlflow_aliases WHERE model = ? AND alias = ?", "it", model, alias))
        return NULL;
    if (!found) {
        an_fail(err, AN_INPUT, "registered model alias %.100s not found", alias); /* the clients expect INVALID_PARAMETER_VALUE here */
        return NULL;
    }
    return an__wrap("model_version", an__version_json(s, id, err));
}

json_t *an__track_alias_delete(an_store *s, const json_t *q, an_error *err)
{
    int64_t model;
    char owner[24];
    const char *alias = an__want_text(q, "alias", err);
    return alias && touch(s, q, &model, owner, err) &&
                   an__sql_do(s, err, "DELETE FROM mlflow_aliases WHERE model = ? AND alias = ?", "it", model, alias)
               ? json_object()
               : NULL;
}

/* ---- searching ---- */

static const an__column columns[] = {
    { "name", "g.name", false },
    { "creation_timestamp", "g.created_ms", true },
    { "last_updated_timestamp", "g.updated_ms", true },
    { "timestamp", "g.updated_ms", true },
    { 0 },
};
static const an__space space = {
    .what = "registered model", .columns = columns, .tag_kind = "g", .owner = "CAST(g.id AS TEXT)", .default_order = "g.name"
};

/* Prompts are registered models with a tag; searches hide them unless they ask by that tag. A condition that prompts do not have it
 * ("!= 'true'") is what is done anyhow, and also true of models without the tag, so it is taken out. */
static bool about_prompts(an__filter *f)
{
    bool asked = false;
    for (size_t i = 0; i < f->count;) {
        an__term *t = &f->term[i];
        bool is = t->kind == AN__FIELD_TAG && !strcmp(t->key, "mlflow.prompt.is_prompt");
        bool wanted = is && ((t->compare == AN__EQ && !strcmp(t->texts.items[0], "true")) || t->compare == AN__IS_NOT_NULL);
        asked |= wanted;
        if (!is || wanted) {
            i++;
            continue;
        }
        free(t->key);
        an_list_free(&t->texts);
        memmove(t, t + 1, (f->count - i - 1) * sizeof *t);
        f->count--;
    }
    return asked;
}

json_t *an__track_registered_search(an_store *s, const json_t *q, an_error *err)
{
    an__filter filter;
    if (!an__filter_parse(an__have_text(q, "filter"), &filter, err)) return NULL;
    an__search x;
    an__search_begin(&x, &space);
    if (!about_prompts(&filter))
        an_buf_puts(&x.where, " AND NOT EXISTS (SELECT 1 FROM mlflow_tags WHERE kind = 'g' AND owner = CAST(g.id AS TEXT) AND key = "
                              "'mlflow.prompt.is_prompt' AND value = 'true')");
    return an__search_answer(s, &x, q, &(an__pages){ "registered_models", 100, 1000 }, &filter, COLUMNS, registered_json, err);
}
