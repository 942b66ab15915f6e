/* model.c - a model from a training table: preparation fitted on its real rows, then the predictor on all of it. Scoring is runtime.c's,
 * the files package.c's. */
#include "learn/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void an_model_free(an_model *m)
{
    if (!m) return;
    an__runtime_free(m->runtime);
    an_prep_free(m->prep);
    an_predictor_free(m->predictor);
    free(m->target);
    free(m->positive);
    free(m->negative);
    free(m->balance);
    free(m->train_keys);
    json_decref(m->extra);
    free(m);
}

/* Names of target, positive and the other class. */
static bool name_classes(an_model *m, const an_table *train, an_error *err)
{
    const an_column *target = an_table_target(train, err);
    if (!target) return false;
    if (!train->positive) return an_fail(err, AN_INPUT, "no value of the target \"%s\" is marked as the positive one", target->name);
    an_class_count *classes;
    size_t count;
    if (!an_table_classes(train, &classes, &count, err)) return false;
    bool ok = true, found = false;
    for (size_t k = 0; k < count; k++) found |= !strcmp(classes[k].name, train->positive);
    if (count < 2) {
        ok = an_fail(err, AN_INPUT, "the target \"%s\" has %zu class%s in the training rows; two are needed", target->name, count,
                     count == 1 ? "" : "es");
    } else if (!found) {
        ok = an_fail(err, AN_INPUT, "the target \"%s\" has the classes \"%s\" and \"%s\"%s, none is the positive value \"%s\"",
                     target->name, classes[0].name, classes[1].name, count > 2 ? " and others" : "", train->positive);
    } else {
        m->target = an_strdup(target->name);
        m->positive = an_strdup(train->positive);
        m->negative =
            count > 2 ? an_format("not %s", train->positive) : an_strdup(classes[strcmp(classes[0].name, train->positive) ? 0 : 1].name);
    }
    an_class_counts_free(classes, count);
    return ok;
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Sorted keys of the rows listed, each once. */
static bool take_keys(an_model *m, const an_table *t, const size_t *rows, size_t n, an_error *err)
{
    uint64_t *keys = an_alloc_data(t->rows, sizeof *keys, "row keys", err);
    if (!keys || !an_table_row_keys(t, keys, err)) {
        free(keys);
        return false;
    }
    for (size_t i = 0; i < n; i++) keys[i] = keys[rows[i]]; /* rows ascend, so rows[i] >= i */
    qsort(keys, n, sizeof *keys, by_key);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!kept || keys[i] != keys[kept - 1]) keys[kept++] = keys[i];
    m->train_keys = keys;
    m->train_count = kept;
    return true;
}

bool an_model_seen(const an_model *m, const an_table *t, uint8_t *seen, an_error *err)
{
    const char *id = an_json_string(m->extra, "id_column", NULL);
    an_list names = { 0 };
    for (size_t i = 0; i < m->prep->columns; i++) an_list_add(&names, m->prep->column[i].name);
    an_list_add(&names, m->target);
    uint64_t *keys = an_alloc_data(t->rows + 1, sizeof *keys, "row keys", err);
    bool ok = keys && an_table_row_keys_over(t, &names, id, keys, err);
    for (size_t i = 0; ok && i < t->rows; i++)
        seen[i] = !an_table_generated(t, i) && bsearch(&keys[i], m->train_keys, m->train_count, sizeof *keys, by_key) != NULL;
    if (!ok && keys) an_context(err, "telling the rows apart that the model was trained on");
    free(keys);
    an_list_free(&names);
    return ok;
}

static bool fit_prep(an_model *m, const an_table *train, const an_predictor_kind *kind, const size_t *rows, size_t n, an_error *err)
{
    an_prep_options options = { 0 };
    an_params_defaults(an_prep_params, &options);
    bool ok = an_params_set(an_prep_params, &options, "scale", kind->scale, err);
    if (ok) {
        m->prep = an_prep_fit(train, rows, n, &options, err);
        ok = m->prep != NULL;
    }
    an_params_free(an_prep_params, &options);
    if (ok && !m->prep->width) ok = an_fail(err, AN_INPUT, "there are no feature columns to train on");
    return ok;
}

static bool fit_predictor(an_model *m, const an_table *train, const double *weights, an_job *job, an_error *err)
{
    double *x = an_alloc_data(train->rows * m->prep->width, sizeof *x, "prepared training rows", err);
    uint8_t *label = x ? an_alloc_data(train->rows, 1, "labels", err) : NULL;
    bool ok = label && an_table_labels(train, label, err) && an_prep_apply(m->prep, train, NULL, train->rows, x, NULL, err);
    if (ok) {
        an_samples samples = { .n = train->rows, .d = m->prep->width, .x = x, .label = label, .weight = weights };
        ok = m->predictor->kind->fit(m->predictor, &samples, job, err);
    }
    free(x);
    free(label);
    return ok;
}

/* Squares of larger values leave the range of numbers: no column can be scaled by them. One such cell, a sensor's code for "no value" most
 * of the time, would make the whole fit fail far from here and without a name. */
static bool check_sizes(const an_table *t, an_error *err)
{
    static const double most = 1e150;
    for (size_t k = 0; k < t->columns; k++) {
        const an_column *c = &t->column[k];
        if (c->role != AN_FEATURE || c->type != AN_REAL) continue;
        for (size_t i = 0; i < t->rows; i++) {
            if (!an_valid(c, i) || fabs(c->real[i]) <= most) continue;
            size_t count = 0;
            for (size_t r = i; r < t->rows; r++) count += an_valid(c, r) && !(fabs(c->real[r]) <= most);
            char text[32];
            an_fail(err, AN_INPUT, "column %s holds %s (%zu such value%s in the training part): too large to be calculated with", c->name,
                    an_real_text(c->real[i], text), count, count == 1 ? "" : "s");
            return an_hint(err,
                           "if it stands for 'no value', import with --missing %s (as the file writes it); otherwise leave the column out "
                           "with --drop %s",
                           text, c->name);
        }
    }
    return true;
}

an_model *an_model_fit(const an_table *train, const an_predictor_kind *kind, const json_t *options, const double *weights, an_job *job,
                       an_error *err)
{
    if (!an_job_check(job, err)) return NULL;
    an_model *m = an_alloc(sizeof *m);
    size_t *real = an_alloc_data(train->rows + 1, sizeof *real, "row numbers", err), n = 0;
    for (size_t i = 0; real && i < train->rows; i++)
        if (!an_table_generated(train, i)) real[n++] = i;
    bool ok = real != NULL;
    if (ok && !n) ok = an_fail(err, AN_INPUT, "there are no real rows to train on");
    ok = ok && (m->predictor = an_predictor_new(kind, options, err)) != NULL;
    ok = ok && check_sizes(train, err) && name_classes(m, train, err) && take_keys(m, train, real, n, err) &&
         fit_prep(m, train, kind, real, n, err) && fit_predictor(m, train, weights, job, err) && an_job_check(job, err);
    free(real);
    if (!ok) {
        an_model_free(m);
        return NULL;
    }
    m->threshold = (an_threshold){ .value = 0.5, .rule = "0.5", .achieved = NAN };
    m->balance = an_strdup("none");
    m->calibrated = !weights && n == train->rows;
    m->seed = an_job_seed(job);
    m->extra = json_pack("{s:{s:s,s:s}}", "versions", "andon", an_version(), "code", an_code_version());
    for (size_t i = 0; i < train->columns; i++) /* what the keys of its training rows are made of, if not of their content */
        if (train->column[i].role == AN_ID) json_object_set_new(m->extra, "id_column", json_string(train->column[i].name));
    return m;
}
