/* describe.c - model.json: a model's facts as JSON and back. Everything read is checked: what is read must describe itself in exactly the
 * same words. Tensors and files are package.c's. */
#include "learn/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Keys that are the model's own; all others are `extra` ("files" and "checksum" belong to the package). */
static const char *const own[] = { "format",  "target", "features", "prep",       "predictor", "threshold", "calibrated",
                                   "balance", "data",   "seed",     "train_rows", "files",     "checksum" };

static const char *input_type(an_dtype t)
{
    return t == AN_STR ? "BYTES" : t == AN_I64 ? "INT64" : "FP64";
}

static json_t *text_or_null(const char *s)
{
    return s ? json_string(s) : json_null();
}

static json_t *feature_json(const an_model *m, size_t i)
{
    const an_prep_column *c = &m->prep->column[i];
    json_t *f = json_object();
    json_object_set_new(f, "name", json_string(c->name));
    json_object_set_new(f, "type", json_string(an_type_name(c->type)));
    json_object_set_new(f, "unit", c->type == AN_DATETIME ? json_string("seconds since 1970-01-01 UTC") : text_or_null(c->unit));
    json_object_set_new(f, "input", json_string(input_type(an__feature_dtype(c))));
    json_object_set_new(f, "missing_share", an_json_real(c->missing_share));
    if (an__feature_is_number(c)) {
        json_object_set_new(f, "low", an_json_real(c->low));
        json_object_set_new(f, "high", an_json_real(c->high));
    } else {
        json_t *names = json_array();
        for (int32_t k = 0; k < c->dictionary.count; k++) json_array_append_new(names, json_string(c->dictionary.names[k]));
        json_object_set_new(f, "categories", names);
    }
    return f;
}

/* Seeds above 2^63 - 1 do not fit a JSON integer of ours: text. */
static json_t *seed_json(uint64_t seed)
{
    if (seed <= INT64_MAX) return json_integer((json_int_t)seed);
    char *text = an_format("%llu", (unsigned long long)seed);
    json_t *j = json_string(text);
    free(text);
    return j;
}

/* Without the predictor's tensors; `meta`, what the predictor's save says beside them, is taken. */
static json_t *model_json(const an_model *m, json_t *meta)
{
    json_t *j = m->extra ? json_deep_copy(m->extra) : json_object();
    json_object_set_new(j, "format", json_integer(AN__MODEL_FORMAT));
    json_object_set_new(j, "target", json_pack("{s:s,s:s,s:s}", "name", m->target, "positive", m->positive, "negative", m->negative));
    json_t *features = json_array();
    for (size_t i = 0; i < m->prep->columns; i++) json_array_append_new(features, feature_json(m, i));
    json_object_set_new(j, "features", features);
    json_object_set_new(j, "prep", an_prep_json(m->prep));
    json_t *predictor = json_object();
    json_object_set_new(predictor, "kind", json_string(m->predictor->kind->name));
    json_object_set_new(predictor, "parameters", an_params_json(m->predictor->kind->params, m->predictor->options));
    json_object_set_new(predictor, "state", meta);
    json_object_set_new(j, "predictor", predictor);
    json_t *threshold = json_object();
    json_object_set_new(threshold, "value", an_json_real(m->threshold.value));
    json_object_set_new(threshold, "rule", json_string(m->threshold.rule));
    json_object_set_new(threshold, "achieved", an_json_real(m->threshold.achieved));
    json_object_set_new(j, "threshold", threshold);
    json_object_set_new(j, "calibrated", json_boolean(m->calibrated));
    json_object_set_new(j, "balance", text_or_null(m->balance));
    char hex[65];
    an_hash_hex(&m->data, hex);
    json_object_set_new(j, "data", json_string(hex));
    json_object_set_new(j, "seed", seed_json(m->seed));
    json_object_set_new(j, "train_rows", json_integer((json_int_t)m->train_count));
    return j;
}

bool an__model_tensors(const an_model *m, an_params *tensors, json_t *meta, an_error *err)
{
    if (!m->predictor->kind->save(m->predictor, tensors, meta, err)) return false;
    if (!m->train_count) return true;
    an_shape shape = { 1, { (int64_t)m->train_count } };
    return an_params_add(tensors, "train_keys", AN_I64, shape, m->train_keys, err) != NULL;
}

json_t *an__model_json(const an_model *m, an_error *err)
{
    an_params *tensors = an_params_new();
    json_t *meta = json_object();
    bool ok = m->predictor->kind->save(m->predictor, tensors, meta, err);
    an_params_release(tensors);
    if (ok) return model_json(m, meta);
    json_decref(meta);
    return NULL;
}

json_t *an_model_describe(const an_model *m)
{
    return an__model_json(m, NULL);
}

/* ---- reading ---- */

static bool bad(an_error *err, const char *key, const char *what)
{
    return an_fail(err, AN_CORRUPT, "model.json: \"%s\" %s", key, what);
}

static const json_t *object(const json_t *j, const char *key, an_error *err)
{
    const json_t *value = json_object_get(j, key);
    if (json_is_object(value)) return value;
    bad(err, key, value ? "is not an object" : "is missing");
    return NULL;
}

/* a copy of the text under `key`; NULL with AN_CORRUPT; texts with a NUL inside are no texts */
static char *text(const json_t *j, const char *key, an_error *err)
{
    const json_t *value = json_object_get(j, key);
    if (json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value)) return an_strdup(json_string_value(value));
    bad(err, key, value ? "is not a text" : "is missing");
    return NULL;
}

static bool read_target(an_model *m, const json_t *j, an_error *err)
{
    const json_t *target = object(j, "target", err);
    if (!target) return false;
    m->target = text(target, "name", err);
    m->positive = m->target ? text(target, "positive", err) : NULL;
    m->negative = m->positive ? text(target, "negative", err) : NULL;
    if (!m->negative) return false;
    return strcmp(m->positive, m->negative) != 0 || bad(err, "target", "has two classes of one name");
}

/* Numbers, places, sorted categories are checked by an_prep_from_json; here what this room adds. */
static bool check_prep(const an_prep *p, an_error *err)
{
    if (!p->width || p->target_last) return bad(err, "prep", p->width ? "encodes a target" : "has no columns");
    for (size_t i = 0; i < p->columns; i++) {
        const an_prep_column *c = &p->column[i];
        if (c->dictionary.count && !c->dictionary.names[0][0])
            return an_fail(err, AN_CORRUPT, "model.json: \"%.100s\" has a category without a name", c->name);
        for (size_t k = 0; k < i; k++)
            if (!strcmp(p->column[k].name, c->name))
                return an_fail(err, AN_CORRUPT, "model.json: there are two features named \"%.100s\"", c->name);
    }
    return true;
}

static bool read_predictor(an_model *m, const json_t *j, const an_params *tensors, an_error *err)
{
    const json_t *predictor = object(j, "predictor", err);
    const json_t *parameters = predictor ? object(predictor, "parameters", err) : NULL;
    const json_t *state = parameters ? object(predictor, "state", err) : NULL;
    char *name = state ? text(predictor, "kind", err) : NULL;
    if (!name) return false;
    an_error why = { 0 };
    const an_predictor_kind *kind = an_predictor_kind_find(name, &why);
    bool ok = kind != NULL;
    if (!ok) an_fail(err, AN_NEWER, "model.json: this andon knows no model kind \"%.60s\"", name);
    free(name);
    if (ok && !(m->predictor = an_predictor_new(kind, parameters, &why))) ok = an_fail(err, AN_CORRUPT, "model.json: %.900s", why.message);
    return ok && kind->load(m->predictor, tensors, state, err);
}

static bool read_threshold(an_model *m, const json_t *j, an_error *err)
{
    const json_t *t = object(j, "threshold", err);
    char *rule = t ? text(t, "rule", err) : NULL;
    if (!rule) return false;
    bool fits = strlen(rule) < sizeof m->threshold.rule;
    if (fits) memcpy(m->threshold.rule, rule, strlen(rule) + 1);
    free(rule);
    m->threshold.value = an_json_number(json_object_get(t, "value"), NAN);
    m->threshold.achieved = an_json_number(json_object_get(t, "achieved"), NAN);
    return (fits && isfinite(m->threshold.value)) || bad(err, "threshold", "has no value or too long a rule");
}

static bool read_seed(an_model *m, const json_t *j, an_error *err)
{
    const json_t *seed = json_object_get(j, "seed");
    if (json_is_integer(seed) && json_integer_value(seed) >= 0) {
        m->seed = (uint64_t)json_integer_value(seed);
        return true;
    }
    char *end = NULL, *digits = json_is_string(seed) ? an_strdup(json_string_value(seed)) : NULL;
    if (digits) m->seed = strtoull(digits, &end, 10);
    bool ok = digits && *digits && !*end;
    free(digits);
    return ok || bad(err, "seed", "is not a seed");
}

static bool read_keys(an_model *m, const json_t *j, const an_params *tensors, an_error *err)
{
    const an_tensor *t = an_params_get(tensors, "train_keys");
    size_t count = t ? t->count : 0;
    const json_t *rows = json_object_get(j, "train_rows");
    if ((t && t->dtype != AN_I64) || !json_is_integer(rows) || json_integer_value(rows) != (json_int_t)count)
        return bad(err, "train_rows", "is not the number of training keys in model.safetensors");
    m->train_keys = an_alloc_data(count + 1, sizeof *m->train_keys, "training keys", err);
    if (!m->train_keys) return false;
    if (count) memcpy(m->train_keys, t->data, count * sizeof *m->train_keys);
    m->train_count = count;
    for (size_t i = 1; i < count; i++)
        if (m->train_keys[i - 1] >= m->train_keys[i]) return an_fail(err, AN_CORRUPT, "model.safetensors: training keys are not sorted");
    return true;
}

static bool read_rest(an_model *m, const json_t *j, an_error *err)
{
    const json_t *calibrated = json_object_get(j, "calibrated"), *balance = json_object_get(j, "balance");
    if (!json_is_boolean(calibrated)) return bad(err, "calibrated", "is not true or false");
    m->calibrated = json_is_true(calibrated);
    if (!json_is_null(balance) && !(m->balance = text(j, "balance", err))) return false;
    char *hex = text(j, "data", err);
    if (!hex) return false;
    bool ok = an_hash_parse(hex, &m->data);
    free(hex);
    if (!ok) return bad(err, "data", "is not a SHA-256");
    m->extra = json_copy((json_t *)j); /* members are shared, read only */
    for (size_t i = 0; i < AN_COUNT(own); i++) json_object_del(m->extra, own[i]);
    return true;
}

/* What was read, told again, must be what was read: an unknown, misspelt or altered part shows. */
static bool same_again(const an_model *m, const json_t *j, an_error *err)
{
    json_t *again = an__model_json(m, err);
    if (!again) return false;
    bool ok = true;
    for (size_t i = 0; i < AN_COUNT(own) && ok; i++) {
        if (!strcmp(own[i], "files") || !strcmp(own[i], "checksum")) continue;
        char *a = an_json_text(json_object_get(again, own[i]), false), *b = an_json_text(json_object_get(j, own[i]), false);
        if (strcmp(a, b) != 0) ok = bad(err, own[i], "disagrees with the rest of the model");
        free(a);
        free(b);
    }
    json_decref(again);
    return ok;
}

an_model *an__model_from_json(const json_t *j, const an_params *tensors, an_error *err)
{
    const json_t *format = json_object_get(j, "format");
    if (!json_is_integer(format) || json_integer_value(format) < 1) {
        bad(err, "format", "is not a format number");
        return NULL;
    }
    if (json_integer_value(format) > AN__MODEL_FORMAT) {
        an_fail(err, AN_NEWER, "model.json has format %lld; this andon reads up to %d", (long long)json_integer_value(format),
                AN__MODEL_FORMAT);
        return NULL;
    }
    an_model *m = an_alloc(sizeof *m);
    const json_t *prep = object(j, "prep", err);
    bool ok = prep && read_target(m, j, err);
    if (ok) {
        an_error why = { 0 };
        m->prep = an_prep_from_json(prep, &why);
        ok = m->prep ? check_prep(m->prep, err) : an_fail(err, AN_CORRUPT, "model.json: %.900s", why.message);
    }
    ok = ok && read_predictor(m, j, tensors, err) && read_threshold(m, j, err) && read_seed(m, j, err) && read_keys(m, j, tensors, err) &&
         read_rest(m, j, err) && same_again(m, j, err);
    if (ok) return m;
    an_model_free(m);
    return NULL;
}
