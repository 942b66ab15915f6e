/* tracking_json.c - fields of requests, rows of answers, and the tags and parameters that experiments, runs and models all have. */
#include "store/tracking.h"

#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES = 250, PARAM_BYTES = 8000, TAG_BYTES = 100000 };

/* ---- fields of requests ------------------------------------------------------------------------------------------------------ */

const char *an__have_text(const json_t *q, const char *key)
{
    return json_string_value(json_object_get(q, key));
}

const char *an__want_text(const json_t *q, const char *key, an_error *err)
{
    const json_t *v = json_object_get(q, key);
    const char *text = json_string_value(v);
    if (text && *text) return text;
    if (v && !json_is_null(v) && !text)
        an_fail(err, AN_INPUT, "parameter '%s' must be a string", key);
    else
        an_fail(err, AN_INPUT, "missing value for required parameter '%s'", key);
    return NULL;
}

bool an__have_int(const json_t *q, const char *key, int64_t otherwise, int64_t *out, an_error *err)
{
    const json_t *v = json_object_get(q, key);
    *out = otherwise;
    if (!v || json_is_null(v)) return true;
    double d = NAN;
    if (json_is_integer(v)) {
        *out = json_integer_value(v);
        return true;
    }
    if (json_is_real(v)) d = json_real_value(v);
    const char *text = json_string_value(v);
    if (text && *text) {
        char *end;
        long long all = strtoll(text, &end, 10);
        if (!*end && strlen(text) <= 18) {
            *out = all;
            return true;
        }
    }
    if (fabs(d) < 9e15 && d == floor(d)) {
        *out = (int64_t)d;
        return true;
    }
    return an_fail(err, AN_INPUT, "parameter '%s' must be a whole number", key);
}

bool an__want_int(const json_t *q, const char *key, int64_t *out, an_error *err)
{
    const json_t *v = json_object_get(q, key);
    if (v && !json_is_null(v)) return an__have_int(q, key, 0, out, err);
    return an_fail(err, AN_INPUT, "missing value for required parameter '%s'", key);
}

bool an__want_real(const json_t *q, const char *key, double *out, an_error *err)
{
    const json_t *v = json_object_get(q, key);
    const char *text = json_string_value(v);
    if (json_is_number(v)) {
        *out = json_number_value(v);
        return true;
    }
    if (text && !strcmp(text, "NaN")) {
        *out = NAN;
        return true;
    }
    if (text && (!strcmp(text, "Infinity") || !strcmp(text, "-Infinity"))) {
        *out = *text == '-' ? -INFINITY : INFINITY;
        return true;
    }
    if (text && an_real_parse(text, strlen(text), out)) return true;
    if (v && !json_is_null(v)) return an_fail(err, AN_INPUT, "parameter '%s' must be a number", key);
    return an_fail(err, AN_INPUT, "missing value for required parameter '%s'", key);
}

bool an__check_key(const char *what, const char *key, an_error *err)
{
    size_t n = key ? strlen(key) : 0;
    if (!n) return an_fail(err, AN_INPUT, "missing value for required parameter 'key' of a %s", what);
    if (n > KEY_BYTES) return an_fail(err, AN_INPUT, "the name of a %s has %zu bytes; at most %d are allowed", what, n, KEY_BYTES);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)key[i] < 0x20 || key[i] == 0x7f)
            return an_fail(err, AN_INPUT, "the name of a %s has a control character at byte %zu", what, i + 1);
    /* clients write metrics to files of these names */
    if (key[0] == '/' || strstr(key, "//") || strstr(key, "..") || !strcmp(key, "."))
        return an_fail(err, AN_INPUT, "\"%s\" cannot name a %s: it is not a plain relative path", key, what);
    return true;
}

bool an__have_list(const json_t *q, const char *key, size_t limit, const json_t **out, an_error *err)
{
    *out = json_object_get(q, key);
    if (json_is_null(*out)) *out = NULL;
    if (!*out) return true;
    if (!json_is_array(*out)) return an_fail(err, AN_INPUT, "parameter '%s' must be a list", key);
    if (limit && json_array_size(*out) > limit)
        return an_fail(err, AN_INPUT, "parameter '%s' has %zu entries; at most %zu are allowed in one request", key, json_array_size(*out),
                       limit);
    return true;
}

/* ---- answers --------------------------------------------------------------------------------------------------------------------- */

void an__put_text(json_t *object, const char *key, sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    if (text) json_object_set_new(object, key, json_stringn(text, (size_t)sqlite3_column_bytes(row, column)));
}

void an__put_int(json_t *object, const char *key, sqlite3_stmt *row, int column)
{
    if (sqlite3_column_type(row, column) != SQLITE_NULL) json_object_set_new(object, key, json_integer(sqlite3_column_int64(row, column)));
}

void an__put_real(json_t *object, const char *key, double value)
{
    json_t *v = isfinite(value) ? json_real(value) : json_string(isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity");
    json_object_set_new(object, key, v);
}

json_t *an__wrap(const char *key, json_t *value)
{
    return value ? json_pack("{s:o}", key, value) : NULL;
}

int64_t an__now_ms(void)
{
    return an_now_us() / 1000;
}

char *an__random_hex(size_t bytes)
{
    uint8_t raw[32];
    char *text = an_alloc(2 * bytes + 1);
    randombytes_buf(raw, bytes);
    sodium_bin2hex(text, 2 * bytes + 1, raw, bytes);
    return text;
}

bool an__sql_one_text(an_store *s, char **out, bool *found, an_error *err, const char *sql, const char *types, ...)
{
    const char *args[4] = { NULL }; /* texts only */
    va_list list;
    va_start(list, types);
    for (size_t i = 0; i < AN_COUNT(args) && types[i]; i++) args[i] = va_arg(list, const char *);
    va_end(list);
    sqlite3_stmt *row = an__sql(s, err, sql, types, args[0], args[1], args[2], args[3]);
    *out = NULL;
    *found = false;
    if (!row || !an__sql_step(s, row, found, err)) return false;
    if (!*found) return true;
    *out = an__sql_text(row, 0);
    sqlite3_finalize(row);
    return true;
}

/* ---- tags and parameters ------------------------------------------------------------------------------------------------------------ */

bool an__tag_put(an_store *s, const char *kind, const char *owner, const char *key, const char *value, an_error *err)
{
    if (!an__check_key("tag", key, err)) return false;
    size_t n = value ? strlen(value) : 0;
    if (n > TAG_BYTES) return an_fail(err, AN_INPUT, "the value of tag \"%s\" has %zu bytes; at most %d are allowed", key, n, TAG_BYTES);
    return an__sql_do(s, err,
                      "INSERT INTO mlflow_tags (kind, owner, key, value) VALUES (?, ?, ?, ?) "
                      "ON CONFLICT (kind, owner, key) DO UPDATE SET value = excluded.value",
                      "tttt", kind, owner, key, value ? value : "");
}

bool an__tags_put(an_store *s, const char *kind, const char *owner, const json_t *tags, an_error *err)
{
    size_t i;
    const json_t *tag;
    json_array_foreach(tags, i, tag)
        if (!an__tag_put(s, kind, owner, an__have_text(tag, "key"), an__have_text(tag, "value"), err)) return false;
    return true;
}

bool an__tag_delete(an_store *s, const char *kind, const char *owner, const char *key, an_error *err)
{
    if (!an__sql_do(s, err, "DELETE FROM mlflow_tags WHERE kind = ? AND owner = ? AND key = ?", "ttt", kind, owner, key)) return false;
    return sqlite3_changes(s->db) || an_fail(err, AN_NOT_FOUND, "there is no tag \"%s\"", key);
}

static json_t *pairs(an_store *s, sqlite3_stmt *row, an_error *err)
{
    json_t *all = json_array();
    bool more = row != NULL;
    if (!row) goto failed;
    for (;;) {
        if (!an__sql_step(s, row, &more, err)) goto failed;
        if (!more) return all;
        json_t *one = json_object();
        an__put_text(one, "key", row, 0);
        an__put_text(one, "value", row, 1);
        json_array_append_new(all, one);
    }
failed:
    json_decref(all);
    return NULL;
}

json_t *an__tags(an_store *s, const char *kind, const char *owner, an_error *err)
{
    return pairs(s, an__sql(s, err, "SELECT key, value FROM mlflow_tags WHERE kind = ? AND owner = ? ORDER BY key", "tt", kind, owner),
                 err);
}

json_t *an__params(an_store *s, const char *owner, an_error *err)
{
    return pairs(s, an__sql(s, err, "SELECT key, value FROM mlflow_params WHERE owner = ? ORDER BY key", "t", owner), err);
}

bool an__param_put(an_store *s, const char *owner, const char *key, const char *value, an_error *err)
{
    if (!an__check_key("parameter", key, err)) return false;
    if (!value) value = "";
    size_t n = strlen(value);
    if (n > PARAM_BYTES)
        return an_fail(err, AN_INPUT, "the value of parameter \"%s\" has %zu bytes; at most %d are allowed", key, n, PARAM_BYTES);
    if (!an__sql_do(s, err, "INSERT INTO mlflow_params (owner, key, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", "ttt", owner, key,
                    value))
        return false;
    if (sqlite3_changes(s->db)) return true;
    char *old;
    bool found,
        good = an__sql_one_text(s, &old, &found, err, "SELECT value FROM mlflow_params WHERE owner = ? AND key = ?", "tt", owner, key);
    if (good && found && strcmp(old, value)) {
        an_fail(err, AN_INPUT, "parameter \"%s\" of %s is \"%.100s\" already and cannot become \"%.100s\"", key, owner, old, value);
        good = an_hint(err, "Parameters are written once; log a metric or set a tag for what changes.");
    }
    free(old);
    return good;
}
