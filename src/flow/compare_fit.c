/* compare_fit.c - the fits of a comparison, in parallel: balancing refitted inside every training part and every inner fold. Finished fits
 * are kept by what decides them (method, parameters, rows, seed), so that an interrupted or enlarged comparison does not repeat them. */
#include "flow/compare.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { INNER_STEPS = 5000 }; /* a generator fitted inside a fold trains at most this long */

typedef struct fit_work {
    const an_comparison *c;
    const an_repeat *repeat;
    const int *fit_balance;
    int fits, parts_max;
    an_scores *scores;
    an_job *job;
    const uint64_t *key; /* of every row of the table */
    atomic_size_t done;
    size_t total;
    an_error *error; /* one a task */
} fit_work;

/* A generator with a parameter `steps` gets at most INNER_STEPS of them inside a fold. */
static json_t *inner_options(const an_balance_kind *b, json_t *options)
{
    const an_generator_kind *g = b->generator ? an_generator_kind_find(b->generator, NULL) : NULL;
    const an_param *steps = g ? an_params_find(g->params, "steps") : NULL;
    if (!steps) return json_incref(options);
    json_t *copy = options ? json_copy(options) : json_object();
    const json_t *given = json_object_get(options, "steps");
    double n = an_json_number(given, steps->otherwise);
    if (n > INNER_STEPS) n = INNER_STEPS;
    json_object_set_new(copy, "steps", json_integer((json_int_t)n));
    return copy;
}

static void hash_rows(an_hasher *h, const uint64_t *key, const size_t *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) an_hasher_add(h, &key[rows[i]], sizeof *key);
}

static char *cache_path(const fit_work *w, const an_predictor_kind *model, json_t *model_options, const an_balance_kind *b, json_t *options,
                        uint64_t seed, const size_t *in, size_t n_in, const size_t *out, size_t n_out)
{
    if (!w->c->cache) return NULL;
    char hex[65];
    an_hash_hex(w->c->data, hex);
    json_t *what = json_pack("{s:s, s:s, s:s, s:O?, s:s, s:O?, s:f, s:I, s:s}", "code", an_code_version(), "data", hex, "model",
                             model->name, "model_options", model_options, "balance", b->name, "options", options, "ratio", w->c->ratio,
                             "seed", (json_int_t)(seed >> 1), "cpu", an_cpu_path());
    char *text = an_json_text(what, false);
    an_hasher *h = an_hasher_new();
    an_hasher_add(h, text, strlen(text));
    hash_rows(h, w->key, in, n_in);
    an_hasher_add(h, "|", 1);
    hash_rows(h, w->key, out, n_out);
    an_hash hash;
    an_hasher_end(h, &hash);
    an_hash_hex(&hash, hex);
    free(text);
    json_decref(what);
    return an_format("%s/%s.scores", w->c->cache, hex);
}

static bool cache_read(const char *path, double *score, size_t n)
{
    an_buf b = { 0 };
    bool ok = path && an_file_exists(path) && an_file_read(path, n * sizeof *score + 1, &b, NULL) && b.size == n * sizeof *score;
    if (ok) memcpy(score, b.data, b.size);
    an_buf_free(&b);
    return ok;
}

/* Fits every model on the rows `in` balanced by b, scores the rows `out`. scores: models x n_out. */
static bool fit_part(fit_work *w, const an_balance_kind *b, json_t *options, uint64_t seed, const size_t *in, size_t n_in,
                     const size_t *out, size_t n_out, double *scores, an_error *err)
{
    const an_comparison *c = w->c;
    an_table *train = NULL, *whole = NULL, *test = NULL;
    double *weights = NULL;
    an_job *part = an_job_part(w->job, &(an_job_options){ .seed = seed });
    bool ok = true, ready = false;
    for (int m = 0; ok && m < c->models; m++) {
        double *score = scores + (size_t)m * n_out;
        char *path = cache_path(w, c->model[m], c->model_options[m], b, options, seed, in, n_in, out, n_out);
        if (!cache_read(path, score, n_out)) {
            if (!ready) { /* balance once for all models */
                train = an_table_select(c->table, in, n_in, err);
                test = train ? an_table_select(c->table, out, n_out, err) : NULL;
                ok = test && an_table_require_real(test, "the part that is scored", err) &&
                     an_balance_apply(b, options, c->ratio, train, part, &whole, &weights, NULL, err);
                ready = true;
            }
            an_model *fitted = ok ? an_model_fit(whole ? whole : train, c->model[m], c->model_options[m], weights, part, err) : NULL;
            ok = fitted && an_model_score(fitted, test, score, part, err);
            an_model_free(fitted);
            if (ok && path) ok = an_file_write(path, score, n_out * sizeof *score, err);
        }
        free(path);
    }
    an_table_free(whole);
    an_table_free(train);
    an_table_free(test);
    free(weights);
    an_job_free(part);
    return ok;
}

static void one_task(void *context, size_t index, int worker)
{
    (void)worker;
    fit_work *w = context;
    const an_comparison *c = w->c;
    /* slow fits (late in the list of balancings) first, so that threads end together */
    int part = (int)(index % (size_t)w->parts_max), r = (int)(index / (size_t)w->parts_max % (size_t)c->repeats);
    int f = w->fits - 1 - (int)(index / (size_t)w->parts_max / (size_t)c->repeats);
    const an_repeat *rep = &w->repeat[r];
    const an_balance_kind *b = c->balance[w->fit_balance[f]];
    json_t *options = c->balance_options[w->fit_balance[f]];
    an_error *err = &w->error[index];
    if (part > rep->folds || !an_job_check(w->job, err)) return;

    const an_split *s = &rep->split;
    bool ok;
    uint64_t seed = an_seed_derive(c->seed, "fit", (uint64_t)r * 32 + (uint64_t)part);
    if (part == 0) {
        double *score = an_alloc_n((size_t)c->models * s->test_count + 1, sizeof *score);
        ok = fit_part(w, b, options, seed, s->train, s->train_count, s->test, s->test_count, score, err);
        for (int m = 0; ok && m < c->models; m++)
            memcpy(w->scores[(r * c->models + m) * w->fits + f].test, score + (size_t)m * s->test_count, s->test_count * sizeof *score);
        free(score);
    } else {
        size_t n = s->train_count, a = 0, o = 0;
        size_t *in = an_alloc_n(n + 1, sizeof *in), *out = an_alloc_n(n + 1, sizeof *out), *at = an_alloc_n(n + 1, sizeof *at);
        for (size_t i = 0; i < n; i++)
            if (rep->fold[i] == part - 1)
                at[o] = i, out[o++] = s->train[i];
            else
                in[a++] = s->train[i];
        double *score = an_alloc_n((size_t)c->models * o + 1, sizeof *score);
        json_t *inner = inner_options(b, options);
        ok = fit_part(w, b, inner, seed, in, a, out, o, score, err);
        for (int m = 0; ok && m < c->models; m++)
            for (size_t i = 0; i < o; i++) w->scores[(r * c->models + m) * w->fits + f].out_of_fold[at[i]] = score[(size_t)m * o + i];
        json_decref(inner);
        free(score);
        free(in);
        free(out);
        free(at);
    }
    if (!ok)
        an_context(err, "repeat %d, balance %s%s", r + 1, b->name, part ? ", inner fold" : "");
    else
        an_job_progress(w->job, (double)(atomic_fetch_add(&w->done, 1) + 1), (double)w->total, "fits");
}

bool an__compare_fits(const an_comparison *c, const an_repeat *repeat, const int *fit_balance, int fits, an_scores *scores, an_job *job,
                      an_error *err)
{
    uint64_t *key = an_alloc_data(c->table->rows + 1, sizeof *key, "row keys", err);
    bool ok = key && an_table_row_keys(c->table, key, err);
    fit_work w = { .c = c,
                   .repeat = repeat,
                   .fit_balance = fit_balance,
                   .fits = fits,
                   .parts_max = 1 + c->folds,
                   .scores = scores,
                   .job = job,
                   .key = key };
    size_t tasks = (size_t)c->repeats * (size_t)fits * (size_t)w.parts_max;
    w.total = tasks;
    w.error = an_alloc_n(tasks + 1, sizeof *w.error);
    if (ok && c->cache) ok = an_folder_make(c->cache, err);
    if (ok) an_pool_each(an_job_pool(job), tasks, one_task, &w);
    for (size_t i = 0; ok && i < tasks; i++)
        if (w.error[i].code) {
            if (err) *err = w.error[i];
            ok = false;
        }
    free(w.error);
    free(key);
    return ok;
}
