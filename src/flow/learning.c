/* learning.c - a recipe made into a model: balancing inside the training part, thresholds from out-of-fold scores, evaluation on untouched
 * rows. */
#include "flow/work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool an__labels(const an_table *t, const size_t *rows, size_t n, uint8_t *label, an_error *err)
{
    uint8_t *all = an_alloc_data(t->rows + 1, 1, "labels", err);
    const an_column *target = an_table_target(t, err);
    bool ok = all && target && an_table_labels_known(t, all, err);
    for (size_t i = 0; ok && i < n; i++) {
        size_t row = rows ? rows[i] : i;
        if (an_table_unlabelled(target, row)) ok = an_fail(err, AN_INPUT, "the target %s is missing in row %zu", target->name, row + 1);
        label[i] = all[row];
    }
    free(all);
    return ok;
}

bool an__scores(an_model *m, const an_table *t, const size_t *rows, size_t n, double *score, an_job *job, an_error *err)
{
    an_table *part = an_table_select(t, rows, n, err);
    bool ok = part && an_model_score(m, part, score, job, err);
    an_table_free(part);
    return ok;
}

/* Generated rows are appended to the real ones; the model is told what it was fed. */
an_model *an__recipe_fit(const an_table *t, const size_t *rows, size_t n, const an_recipe *r, uint64_t seed, an_job *job, an_error *err)
{
    an_job *part = an_job_part(job, &(an_job_options){ .seed = seed, .folder = an_job_folder(job) });
    an_table *train = an_table_select(t, rows, n, err), *whole = NULL;
    double *weights = NULL;
    an_model *m = NULL;
    bool ok = train && an_balance_apply(r->balance, r->balance_options, r->ratio, train, part, &whole, &weights, NULL, err);
    if (ok) m = an_model_fit(whole ? whole : train, r->model, r->model_options, weights, part, err);
    if (m) {
        free(m->balance);
        m->balance = an_strdup(r->balance->name);
        m->calibrated = m->calibrated && r->balance->calibrated; /* a training part may hold generated rows of its own */
        m->seed = seed;
        m->threshold = (an_threshold){ .value = 0.5, .rule = "0.5", .achieved = NAN };
    }
    an_table_free(whole);
    an_table_free(train);
    free(weights);
    an_job_free(part);
    return m;
}

typedef struct fold_work {
    const an_table *t;
    const size_t *rows;
    size_t n;
    const an_recipe *r;
    uint64_t seed;
    an_job *job;
    const uint8_t *fold;
    double *score;
    an_error error[16];
} fold_work;

static void one_fold(void *context, size_t index, int worker)
{
    (void)worker;
    fold_work *w = context;
    size_t *in = an_alloc_n(w->n + 1, sizeof *in), *out = an_alloc_n(w->n + 1, sizeof *out), *at = an_alloc_n(w->n + 1, sizeof *at), a = 0,
           b = 0;
    for (size_t i = 0; i < w->n; i++)
        if (w->fold[i] == index)
            at[b] = i, out[b++] = w->rows[i];
        else
            in[a++] = w->rows[i];
    double *score = an_alloc_n(b + 1, sizeof *score);
    an_error *err = &w->error[index];
    an_job *quiet = an_job_part(w->job, &(an_job_options){ .seed = w->seed });
    an_model *m = an_job_check(w->job, err) ? an__recipe_fit(w->t, in, a, w->r, an_seed_derive(w->seed, "fold", index), quiet, err) : NULL;
    if (m && an__scores(m, w->t, out, b, score, quiet, err))
        for (size_t i = 0; i < b; i++) w->score[at[i]] = score[i];
    an_model_free(m);
    an_job_free(quiet);
    free(score);
    free(in);
    free(out);
    free(at);
}

bool an__recipe_out_of_fold(const an_table *t, const size_t *rows, size_t n, const an_recipe *r, uint64_t seed, an_job *job, double *score,
                            an_error *err)
{
    uint8_t *fold = an_alloc_n(n + 1, 1);
    int folds = 0;
    fold_work w = { .t = t, .rows = rows, .n = n, .r = r, .seed = seed, .job = job, .fold = fold, .score = score };
    bool ok = an_folds_make(t, rows, n, r->folds > 1 && r->folds <= 16 ? r->folds : 3, an_seed_derive(seed, "folds", 0), fold, &folds, err);
    for (size_t i = 0; i < n; i++) score[i] = NAN; /* generated rows train in every fold and are held out in none */
    if (ok) {
        an_pool_each(an_job_pool(job), (size_t)folds, one_fold, &w);
        for (int i = 0; ok && i < folds; i++)
            if (w.error[i].code) {
                if (err) *err = w.error[i];
                ok = an_context(err, "inner fold %d of %d", i + 1, folds);
            }
    }
    free(fold);
    return ok;
}

bool an__threshold_on_real(const char *rule, const an_table *t, const size_t *rows, size_t n, const uint8_t *label, const double *score,
                           const an_costs *costs, an_threshold *out, an_error *err)
{
    uint8_t *real_label = an_alloc_n(n + 1, 1);
    double *real_score = an_alloc_n(n + 1, sizeof *real_score);
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (!an_table_generated(t, rows[i])) real_label[count] = label[i], real_score[count++] = score[i];
    bool ok = an_threshold_choose(rule, real_label, real_score, count, costs, out, err);
    free(real_label);
    free(real_score);
    return ok;
}

bool an__threshold_rule(const char *rule, an_error *err)
{
    double number;
    if (!an_threshold_check(rule, err)) return false;
    if (!an_real_parse(rule, strlen(rule), &number) || (number >= 0 && number <= 1)) return true;
    an_fail(err, AN_USAGE, "threshold %s: scores lie between 0 and 1, so %s part would be rejected", rule, number > 1 ? "no" : "every");
    return an_hint(err, "give a number from 0 to 1, or let a rule choose one: f2, recall=0.9, 'recall>=0.9@95%%', rejects<=0.05, cost");
}

bool an__recipe_threshold(const an_table *t, const size_t *rows, size_t n, const an_recipe *r, uint64_t seed, an_job *job,
                          an_threshold *out, an_error *err)
{
    double fixed;
    if (an_real_parse(r->threshold, strlen(r->threshold), &fixed))
        return an_threshold_choose(r->threshold, NULL, NULL, 0, &r->costs, out, err);
    double *score = an_alloc_n(n + 1, sizeof *score);
    uint8_t *label = an_alloc_n(n + 1, 1);
    bool ok = an__recipe_out_of_fold(t, rows, n, r, seed, job, score, err) && an__labels(t, rows, n, label, err) &&
              an__threshold_on_real(r->threshold, t, rows, n, label, score, &r->costs, out, err);
    free(score);
    free(label);
    return ok || an_context(err, "threshold rule %s", r->threshold);
}

bool an__costs(an_store *s, double escape, double reject, double test, an_costs *out, an_error *err)
{
    json_t *config = an_store_config(s, err);
    if (!config) return false;
    const json_t *c = json_object_get(config, "costs");
    *out = (an_costs){
        .escape = isnan(escape) ? an_json_number(json_object_get(c, "escape"), NAN) : escape,
        .reject = isnan(reject) ? an_json_number(json_object_get(c, "reject"), NAN) : reject,
        .test = isnan(test) ? an_json_number(json_object_get(c, "test"), NAN) : test,
        .rework = an_json_number(json_object_get(c, "rework"), NAN),
    };
    snprintf(out->currency, sizeof out->currency, "%s", an_json_string(c, "currency", "EUR"));
    json_decref(config);
    return true;
}

json_t *an__metrics_json(const an_metrics *value, const an_metrics *low, const an_metrics *high)
{
    json_t *j = json_object();
    for (int i = 0; i < AN_METRIC_COUNT; i++) {
        json_t *m = json_pack("{s:o}", "value", an_json_real(an_metrics_get(value, i)));
        if (low) {
            json_object_set_new(m, "low", an_json_real(an_metrics_get(low, i)));
            json_object_set_new(m, "high", an_json_real(an_metrics_get(high, i)));
        }
        json_object_set_new(j, an_metric_names[i], m);
    }
    return j;
}

json_t *an__confusion_json(const an_confusion *c)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "tn", (json_int_t)c->tn, "fp", (json_int_t)c->fp, "fn", (json_int_t)c->fn, "tp",
                     (json_int_t)c->tp);
}

static json_t *curve_json(const uint8_t *label, const double *score, size_t n, const an_costs *costs)
{
    enum { POINTS = 200 };
    an_curve_point point[POINTS];
    size_t count = an_threshold_curve(label, score, n, POINTS, point);
    json_t *curve = json_array();
    for (size_t i = 0; i < count; i++) {
        an_metrics m;
        an_confusion_metrics(&point[i].confusion, &m);
        json_array_append_new(curve, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "threshold", an_json_real(point[i].threshold),
                                               "confusion", an__confusion_json(&point[i].confusion), "recall", an_json_real(m.recall),
                                               "precision", an_json_real(m.precision), "f1", an_json_real(m.f1), "f2", an_json_real(m.f2),
                                               "cost", an_json_real(an_expected_cost(&point[i].confusion, costs))));
    }
    return curve;
}

/* ---- evaluation: rows of one group (batch, tool, part) are alike ------------------------------------------------------------------- */

/* What is drawn when intervals are made, and what an escape limit may count as one observation. */
typedef struct units {
    const char *column; /* of the groups; NULL: every row stands for itself */
    uint32_t *unit;     /* of every row; missing groups are units of their own */
    size_t count;
    size_t with_positives;
    /* Kish's effective number (Survey Sampling, 1965, 11.7): (sum of n)^2 / sum of n^2 over the positive rows n of each unit. As if rows of
     * one unit were wholly alike: the worst case, which no sample of few units can rule out. */
    double effective;
} units;

typedef struct unit_key {
    uint64_t key;
    size_t row;
} unit_key;

static int by_key(const void *a, const void *b)
{
    const unit_key *x = a, *y = b;
    if (x->key != y->key) return x->key > y->key ? 1 : -1;
    return (x->row > y->row) - (x->row < y->row);
}

static bool units_make(const an_table *t, const uint8_t *label, units *u, an_error *err)
{
    const an_column *group = NULL;
    for (size_t i = 0; i < t->columns && !group; i++)
        if (t->column[i].role == AN_GROUP) group = &t->column[i];
    *u = (units){ .column = group ? group->name : NULL };
    if (!group) return true;
    unit_key *order = an_alloc_data(t->rows + 1, sizeof *order, "groups of the rows", err);
    u->unit = order ? an_alloc_data(t->rows + 1, sizeof *u->unit, "groups of the rows", err) : NULL;
    double *positives = u->unit ? an_alloc_data(t->rows + 1, sizeof *positives, "groups of the rows", err) : NULL;
    size_t named = 0;
    an_buf text = { 0 };
    for (size_t i = 0; positives && i < t->rows; i++) {
        if (!an_valid(group, i)) continue;
        an_hash h;
        an_buf_clear(&text);
        an_buf_puts(&text, ""); /* an empty text is a value too */
        an_cell_text(group, i, &text);
        an_hash_bytes(text.data, text.size, &h);
        order[named].row = i;
        memcpy(&order[named++].key, h.bytes, sizeof order->key);
    }
    an_buf_free(&text);
    if (positives) {
        qsort(order, named, sizeof *order, by_key);
        for (size_t i = 0; i < named; i++) {
            u->count += i == 0 || order[i].key != order[i - 1].key;
            u->unit[order[i].row] = (uint32_t)(u->count - 1);
        }
        for (size_t i = 0; i < t->rows; i++)
            if (!an_valid(group, i)) u->unit[i] = (uint32_t)u->count++;
        for (size_t i = 0; i < t->rows; i++) positives[u->unit[i]] += label[i];
        double sum = 0, squares = 0;
        for (size_t i = 0; i < u->count; i++) {
            u->with_positives += positives[i] > 0;
            sum += positives[i];
            squares += positives[i] * positives[i];
        }
        u->effective = squares > 0 ? sum * sum / squares : 0;
    }
    bool ok = positives != NULL;
    free(positives);
    free(order);
    return ok;
}

/* Upper limit of the escape rate, 95 %, one-sided (Clopper and Pearson): of the positive rows, or, where rows have groups, of as many
 * observations as the groups are worth, escapes rounded up. */
static double escape_upper(const units *u, uint64_t escaped, uint64_t positives)
{
    if (!positives) return NAN;
    if (!u->column) return an_binomial_upper(escaped, positives, 0.95);
    double n = floor(u->effective + 1e-9);
    return an_binomial_upper((uint64_t)ceil(n * (double)escaped / (double)positives - 1e-9), (uint64_t)n, 0.95);
}

static json_t *units_json(const units *u)
{
    if (!u->column) return json_null();
    return json_pack("{s:s, s:I, s:I, s:o}", "column", u->column, "count", (json_int_t)u->count, "with_positives",
                     (json_int_t)u->with_positives, "effective", an_json_real(u->effective));
}

/* Target and positive value are the model's: another data set may call another column its target, or take the other class for the rarer. */
static bool labels_for(const an_model *m, an_table *t, uint8_t *label, an_error *err)
{
    an_column *target = an_table_need(t, m->target, err);
    if (!target) return an_context(err, "the target of the model");
    for (size_t i = 0; i < t->columns; i++)
        if (t->column[i].role == AN_TARGET) t->column[i].role = AN_IGNORED;
    target->role = AN_TARGET;
    free(t->positive);
    t->positive = an_strdup(m->positive);
    return an_table_labels(t, label, err);
}

json_t *an__evaluation(an_model *m, const an_table *t, const size_t *rows, size_t n, const an_costs *costs, uint64_t seed, an_job *job,
                       an_error *err)
{
    an_table *part = an_table_select(t, rows, n, err);
    if (!part) return NULL;
    json_t *j = NULL;
    uint8_t *label = an_alloc_n(n + 1, 1);
    double *score = an_alloc_n(n + 1, sizeof *score);
    an_metrics value, low, high;
    units u = { 0 };
    bool ok = an_table_require_real(part, "the test part", err) && labels_for(m, part, label, err) &&
              an_model_score(m, part, score, job, err) && units_make(part, label, &u, err);
    if (ok) {
        uint64_t draw = an_seed_derive(seed, "bootstrap", 0);
        an_metrics_all(label, score, n, m->threshold.value, &value);
        ok = u.column ? an_metrics_bootstrap_units(label, score, u.unit, u.count, n, m->threshold.value, 1000, draw, job, &low, &high, err)
                      : an_metrics_bootstrap(label, score, n, m->threshold.value, 1000, draw, job, &low, &high, err);
    }
    if (ok) {
        an_confusion c = an_confusion_at(label, score, n, m->threshold.value);
        uint64_t positives = c.tp + c.fn;
        if (!(c.tp + c.fp)) value.precision = low.precision = high.precision = NAN; /* nothing was rejected: no share of it was right */
        j = json_pack("{s:o, s:o, s:{s:o, s:s}, s:b, s:s, s:I, s:I, s:o, s:o, s:o, s:o}", "metrics", an__metrics_json(&value, &low, &high),
                      "confusion", an__confusion_json(&c), "threshold", "value", an_json_real(m->threshold.value), "rule",
                      m->threshold.rule, "calibrated", m->calibrated, "balance", m->balance ? m->balance : "none", "rows", (json_int_t)n,
                      "positives", (json_int_t)positives, "escape_upper", an_json_real(escape_upper(&u, c.fn, positives)), "interval_units",
                      units_json(&u), "cost_per_part", an_json_real(an_expected_cost(&c, costs)), "curve",
                      curve_json(label, score, n, costs));
        if (costs)
            json_object_set_new(j, "costs",
                                json_pack("{s:o, s:o, s:o, s:s}", "escape", an_json_real(costs->escape), "reject",
                                          an_json_real(costs->reject), "test", an_json_real(costs->test), "currency", costs->currency));
    }
    an_table_free(part);
    free(u.unit);
    free(label);
    free(score);
    return j;
}
