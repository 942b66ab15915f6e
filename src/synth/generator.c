/* generator.c - what all generator kinds share: choosing the rows to fit on, marking what is sampled, files, and the proof that a row was
 * not seen. */
#include "synth/rows.h"

#include <stdlib.h>
#include <string.h>

static an_generator *make(const an_generator_kind *kind, const json_t *options, an_error *err)
{
    an_generator *g = an_alloc(sizeof *g);
    g->kind = kind;
    g->options = an_alloc(kind->options_size ? kind->options_size : 1);
    an_params_defaults(kind->params, g->options);
    if (options && !an_params_set_all(kind->params, g->options, options, err)) {
        an_context(err, "parameters of %s", kind->name);
        an_generator_free(g);
        return NULL;
    }
    return g;
}

void an_generator_free(an_generator *g)
{
    if (!g) return;
    if (g->state) g->kind->free(g);
    an_params_free(g->kind->params, g->options);
    free(g->options);
    free(g->target);
    free(g->positive);
    free(g->rows);
    free(g->train_keys);
    json_decref(g->history);
    json_decref(g->scores);
    free(g);
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* All rows are real here: what is sampled gets an origin of its own. */
static void forget_origins(an_table *t)
{
    for (size_t i = 0; i < t->origin_count; i++) free(t->origins[i].generator);
    free(t->origins);
    free(t->origin);
    free(t->origin_row);
    t->origins = NULL;
    t->origin = NULL;
    t->origin_row = NULL;
    t->origin_count = 0;
}

/* Features and target of `rows`, without origins; the other roles are nobody's to generate. */
static an_table *generated_columns(const an_table *rows, an_error *err)
{
    const char **names = an_alloc_n(rows->columns + 1, sizeof *names);
    size_t n = 0, features = 0;
    for (size_t i = 0; i < rows->columns; i++) {
        an_role role = rows->column[i].role;
        if (role != AN_FEATURE && role != AN_TARGET) continue;
        names[n++] = rows->column[i].name;
        features += role == AN_FEATURE;
    }
    an_table *out = NULL;
    if (features == 0)
        an_fail(err, AN_INPUT, "there is no feature column to generate");
    else
        out = an_table_select_columns(rows, names, n, err);
    free(names);
    if (out && !out->positive && rows->positive) out->positive = an_strdup(rows->positive);
    if (out) forget_origins(out);
    return out;
}

/* Keys of the rows of `real` that were used: all, or those of the rarer class. */
static bool remember_keys(an_generator *g, const an_table *real, const uint8_t *used, an_error *err)
{
    uint64_t *keys = an_alloc_data(real->rows, sizeof *keys, "row keys", err);
    if (!keys || !an_table_row_keys(real, keys, err)) {
        free(keys);
        return false;
    }
    size_t n = 0;
    for (size_t i = 0; i < real->rows; i++) {
        if (!used || used[i]) keys[n++] = keys[i];
    }
    qsort(keys, n, sizeof *keys, by_key);
    size_t distinct = 0;
    for (size_t i = 0; i < n; i++) {
        if (distinct == 0 || keys[i] != keys[distinct - 1]) keys[distinct++] = keys[i];
    }
    g->train_keys = keys;
    g->train_count = distinct;
    return true;
}

static an_table *minority_rows(const an_table *all, const an__classes *classes, an_error *err)
{
    size_t *rows = an_alloc_data(classes->rare_count, sizeof *rows, "row numbers", err), n = 0;
    if (!rows) return NULL;
    for (size_t i = 0; i < all->rows; i++) {
        if (classes->label[i]) rows[n++] = i;
    }
    an_table *out = an_table_select(all, rows, n, err);
    free(rows);
    return out;
}

an_generator *an_generator_fit(const an_generator_kind *kind, const json_t *options, const an_table *train, an_job *job, an_error *err)
{
    an_generator *g = make(kind, options, err);
    if (!g) return NULL;
    an__classes classes = { 0 };
    an_table *all = NULL, *rare = NULL, *real = an__real_rows(train, kind->name, err);
    bool good = real != NULL;
    if (good && (an__target(real) || kind->minority)) {
        good = an__classes_of(real, &classes, err);
        if (good) {
            g->target = an_strdup(an__target(real)->name);
            g->positive = an_strdup(classes.rare);
        }
    }
    good = good && (all = generated_columns(real, err)) != NULL;
    good = good && remember_keys(g, real, kind->minority && !kind->context ? classes.label : NULL, err);
    an_table_free(real);
    if (good && kind->minority) good = (rare = minority_rows(all, &classes, err)) != NULL;
    an__classes_free(&classes);
    if (good) {
        g->rows = an_strdup(kind->minority ? "minority" : "all");
        g->seed = an_job_seed(job);
        g->history = json_object();
        g->context = all;
        good = kind->fit(g, kind->minority ? rare : all, job, err);
        g->context = NULL;
    }
    an_table_free(all);
    an_table_free(rare);
    if (good) return g;
    an_context(err, "fitting %s", kind->name);
    an_generator_free(g);
    return NULL;
}

an_table *an_generator_sample(const an_generator *g, const char *name, uint64_t seed, uint64_t first_row, size_t n, an_job *job,
                              an_error *err)
{
    an_table *t = g->kind->sample(g, seed, first_row, n, job, err);
    if (!t) {
        an_context(err, "sampling %s", g->kind->name);
        return NULL;
    }
    for (size_t i = 0; i < t->columns; i++) {
        t->column[i].role = g->target && !strcmp(t->column[i].name, g->target) ? AN_TARGET : AN_FEATURE;
    }
    if (!t->positive && g->positive) t->positive = an_strdup(g->positive);
    t->origin = an_alloc_data(n ? n : 1, sizeof *t->origin, "origins", err);
    t->origin_row = an_alloc_data(n ? n : 1, sizeof *t->origin_row, "origins", err);
    if (!t->origin || !t->origin_row) {
        an_table_free(t);
        return NULL;
    }
    t->origins = an_alloc(sizeof *t->origins);
    t->origins[0] = (an_origin){ .generator = an_strdup(name), .seed = seed };
    t->origin_count = 1;
    for (size_t i = 0; i < n; i++) {
        t->origin[i] = 1;
        t->origin_row[i] = first_row + i;
    }
    return t;
}

/* ---- files ---- */

bool an_generator_save(const an_generator *g, an_artifact *a, an_error *err)
{
    char hex[65];
    an_hash_hex(&g->data, hex);
    char seed[32];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)g->seed); /* as text: JSON integers are signed */
    json_t *meta = json_object(), *root;
    bool good = g->kind->save(g, a, meta, err);
    root = json_pack("{s:s, s:i, s:s, s:o, s:s?, s:s?, s:s, s:s, s:I, s:I, s:s, s:O?, s:O?, s:o}", "format", "andon generator", "version",
                     1, "kind", g->kind->name, "params", an_params_json(g->kind->params, g->options), "target", g->target, "positive",
                     g->positive, "rows", g->rows, "seed", seed, "steps", (json_int_t)g->steps, "train_rows", (json_int_t)g->train_count,
                     "data", hex, "history", g->history, "scores", g->scores, "state", meta);
    an_buf keys = { 0 };
    for (size_t i = 0; i < g->train_count; i++) {
        uint8_t bytes[8];
        for (int b = 0; b < 8; b++) bytes[b] = (uint8_t)(g->train_keys[i] >> (8 * b));
        an_buf_add(&keys, bytes, sizeof bytes);
    }
    good = good && an_artifact_write_json(a, "generator.json", root, err) &&
           an_artifact_write(a, "train_keys.bin", keys.data ? keys.data : "", keys.size, err);
    an_buf_free(&keys);
    json_decref(root);
    return good ? good : an_context(err, "saving generator %s", g->kind->name);
}

static bool load_keys(an_generator *g, const an_artifact *a, json_int_t expected, an_error *err)
{
    an_buf bytes = { 0 };
    if (!an_artifact_read(a, "train_keys.bin", &bytes, err)) return false;
    bool good = expected >= 0 && bytes.size == (size_t)expected * 8;
    if (!good) an_fail(err, AN_CORRUPT, "train_keys.bin holds %zu bytes, expected %lld keys", bytes.size, (long long)expected);
    good = good && (g->train_keys = an_alloc_data(expected ? (size_t)expected : 1, 8, "row keys", err));
    for (size_t i = 0; good && i < (size_t)expected; i++) {
        uint64_t key = 0;
        for (int b = 7; b >= 0; b--) key = key << 8 | (uint8_t)bytes.data[i * 8 + (size_t)b];
        g->train_keys[i] = key;
        if (i && key <= g->train_keys[i - 1]) good = an_fail(err, AN_CORRUPT, "train_keys.bin is not sorted at key %zu", i);
    }
    g->train_count = good ? (size_t)expected : 0;
    an_buf_free(&bytes);
    return good;
}

an_generator *an_generator_load(const an_artifact *a, an_error *err)
{
    json_t *root = an_artifact_read_json(a, "generator.json", err);
    if (!root) return NULL;
    an_generator *g = NULL;
    const char *name = an_json_string(root, "kind", NULL);
    json_int_t version = json_integer_value(json_object_get(root, "version"));
    const an_generator_kind *kind = NULL;
    if (strcmp(an_json_string(root, "format", ""), "andon generator") != 0 || !name) {
        an_fail(err, AN_CORRUPT, "generator.json does not describe a generator");
    } else if (version != 1) {
        an_fail(err, AN_NEWER, "the generator has format version %lld, this program reads 1", (long long)version);
        an_hint(err, "use a newer andon");
    } else
        kind = an_generator_kind_find(name, err);
    if (kind) {
        /* null means 'not given', which is the default */
        json_t *params = json_object(), *value;
        const char *key;
        json_object_foreach(json_object_get(root, "params"), key, value) {
            if (!json_is_null(value)) json_object_set(params, key, value);
        }
        g = make(kind, params, err);
        json_decref(params);
    }
    bool good = g != NULL;
    if (good) {
        g->target = an_strdup(an_json_string(root, "target", NULL));
        g->positive = an_strdup(an_json_string(root, "positive", NULL));
        g->rows = an_strdup(an_json_string(root, "rows", "all"));
        g->seed = strtoull(an_json_string(root, "seed", "0"), NULL, 10);
        g->steps = json_integer_value(json_object_get(root, "steps"));
        json_t *history = json_object_get(root, "history"), *scores = json_object_get(root, "scores");
        g->history = json_is_object(history) ? json_incref(history) : json_object();
        g->scores = json_is_object(scores) ? json_incref(scores) : NULL;
        an_hash_parse(an_json_string(root, "data", ""), &g->data);
        good = load_keys(g, a, json_integer_value(json_object_get(root, "train_rows")), err) &&
               kind->load(g, a, json_object_get(root, "state"), err);
    }
    json_decref(root);
    if (good) return g;
    an_context(err, "loading the generator in %s", an_artifact_folder(a));
    an_generator_free(g);
    return NULL;
}

bool an_generator_check_unseen(const an_generator *g, const uint64_t *keys, size_t n, an_error *err)
{
    size_t seen = 0;
    for (size_t i = 0, j = 0; i < n && j < g->train_count;) {
        if (keys[i] < g->train_keys[j])
            i++;
        else if (keys[i] > g->train_keys[j])
            j++;
        else {
            seen++;
            i++;
        }
    }
    if (seen == 0) return true;
    an_fail(err, AN_REFUSED, "%zu of the %zu rows to be tested on %s used to fit the generator (%s, %zu rows)", seen, n,
            seen == 1 ? "was" : "were", g->kind->name, g->train_count);
    return an_hint(err, "fit the generator on the training part of the same split, or test on rows it never saw");
}
