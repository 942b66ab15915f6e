/* bootstrap.c - bootstrap of all classification metrics, percentile intervals (Efron and Tibshirani 1993, chapter 13): stratified over
 * rows, or over whole units where rows of a unit are alike (Davison and Hinkley 1997, section 3.8).
 *
 * Scores are sorted once. A replicate draws positives and negatives apart, with replacement, and only counts how often each distinct
 * score was drawn; every metric then follows from one pass over the counts. So a replicate costs O(n).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "score/order.h"

enum { LEAST_REPS = 200 };

typedef struct bootstrap {
    an__ranked ranked;
    uint32_t *group; /* of the i-th lowest positive, then of the i-th lowest negative; with units: of the rows, unit by unit */
    uint8_t *label;  /* with units: of the same rows */
    size_t *start;   /* with units: where each begins, and behind the last; else NULL */
    size_t units;
    size_t first; /* first group predicted positive */
    uint64_t seed;
    an_job *job;
    int reps;
    uint32_t *counts; /* a worker's: positives by group, negatives by group */
    double *values;   /* metric x replicate */
} bootstrap;

static void draw(an_rng *rng, const uint32_t *group, size_t n, uint32_t *count)
{
    for (size_t i = 0; i < n; i++) {
        count[group[an_rng_below(rng, n)]]++;
    }
}

/* As many units as there are, drawn with replacement, until both classes are among them. */
static void draw_units(const bootstrap *b, an_rng *rng, uint32_t *pos, uint32_t *neg)
{
    enum { TRIES = 1000 };
    size_t groups = b->ranked.groups;
    for (int i = 0; i < TRIES; i++) {
        bool both[2] = { false };
        memset(pos, 0, groups * sizeof *pos);
        memset(neg, 0, groups * sizeof *neg);
        for (size_t u = 0; u < b->units; u++) {
            size_t drawn = an_rng_below(rng, b->units);
            for (size_t k = b->start[drawn]; k < b->start[drawn + 1]; k++) {
                (b->label[k] ? pos : neg)[b->group[k]]++;
                both[b->label[k]] = true;
            }
        }
        if ((both[0] || !b->ranked.negatives) && (both[1] || !b->ranked.positives)) {
            return;
        }
    }
}

static void replicate(void *context, size_t index, int worker)
{
    bootstrap *b = context;
    if (an_job_stopped(b->job)) {
        return;
    }
    const an__ranked *r = &b->ranked;
    uint32_t *pos = b->counts + (size_t)worker * 2 * r->groups, *neg = pos + r->groups;
    memset(pos, 0, 2 * r->groups * sizeof *pos);
    an_rng rng = an_rng_at(an_seed_derive(b->seed, "bootstrap", index), 0);
    if (b->start) {
        draw_units(b, &rng, pos, neg);
    } else {
        draw(&rng, b->group, r->positives, pos);
        draw(&rng, b->group + r->positives, r->negatives, neg);
    }

    an_confusion c = { 0 };
    double squares = 0;
    for (size_t g = 0; g < r->groups; g++) {
        double s = r->score[g];
        *(g < b->first ? &c.fn : &c.tp) += pos[g];
        *(g < b->first ? &c.tn : &c.fp) += neg[g];
        squares += pos[g] ? pos[g] * ((s - 1) * (s - 1)) : 0;
        squares += neg[g] ? neg[g] * (s * s) : 0;
    }
    an_metrics m;
    an_confusion_metrics(&c, &m);
    m.pr_auc = an__ranked_pr_auc(pos, neg, r->groups);
    m.roc_auc = an__ranked_roc_auc(pos, neg, r->groups);
    m.brier = squares / (double)(c.tp + c.fn + c.fp + c.tn);
    for (int k = 0; k < AN_METRIC_COUNT; k++) {
        b->values[(size_t)k * (size_t)b->reps + index] = an_metrics_get(&m, k);
    }
}

static void metrics_set(an_metrics *m, int index, double value)
{
    double *const fields[AN_METRIC_COUNT] = {
#define FIELD_OF(name) &m->name,
        AN_METRICS(FIELD_OF)
    };
    *fields[index] = value;
}

static void groups_of(const an__ranked *r, uint32_t *group)
{
    size_t p = 0, q = r->positives;
    for (size_t g = 0; g < r->groups; g++) {
        for (uint32_t i = 0; i < r->pos[g]; i++) {
            group[p++] = (uint32_t)g;
        }
        for (uint32_t i = 0; i < r->neg[g]; i++) {
            group[q++] = (uint32_t)g;
        }
    }
}

/* Rows unit by unit: their group among the sorted scores, and their label. */
static bool units_of(bootstrap *b, const uint8_t *label, const double *score, const uint32_t *unit, size_t n, an_error *err)
{
    b->label = an_alloc_data(n, sizeof *b->label, "bootstrap units", err);
    b->start = an_alloc_data(b->units + 2, sizeof *b->start, "bootstrap units", err);
    if (!b->label || !b->start) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (unit[i] >= b->units) {
            return an_fail(err, AN_USAGE, "row %zu is of unit %u, but there are %zu", i + 1, (unsigned)unit[i], b->units);
        }
        b->start[unit[i] + 2]++;
    }
    for (size_t u = 0; u < b->units; u++) {
        b->start[u + 2] += b->start[u + 1];
    }
    for (size_t i = 0; i < n; i++) {
        size_t at = b->start[unit[i] + 1]++, low = 0, high = b->ranked.groups - 1;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (b->ranked.score[middle] < score[i]) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        b->group[at] = (uint32_t)low;
        b->label[at] = label[i] != 0;
    }
    return true;
}

bool an_metrics_bootstrap(const uint8_t *label, const double *score, size_t n, double threshold, int reps, uint64_t seed, an_job *job,
                          an_metrics *low, an_metrics *high, an_error *err)
{
    return an_metrics_bootstrap_units(label, score, NULL, 0, n, threshold, reps, seed, job, low, high, err);
}

bool an_metrics_bootstrap_units(const uint8_t *label, const double *score, const uint32_t *unit, size_t units, size_t n, double threshold,
                                int reps, uint64_t seed, an_job *job, an_metrics *low, an_metrics *high, an_error *err)
{
    if (reps < LEAST_REPS) {
        return an_fail(err, AN_USAGE, "%d bootstrap replicates are too few for 95 %% intervals; use %d or more", reps, LEAST_REPS);
    }
    if (n == 0) {
        return an_fail(err, AN_INPUT, "there are no rows to judge");
    }
    for (size_t i = 0; i < n; i++) {
        if (isnan(score[i])) {
            return an_fail(err, AN_INPUT, "the score of row %zu is not a number", i + 1);
        }
    }
    bootstrap b = { .seed = seed, .job = job, .reps = reps, .units = units };
    if (!an__ranked_build(label, score, n, &b.ranked, err)) {
        return false;
    }
    an_pool *pool = an_job_pool(job);
    size_t workers = (size_t)an_pool_threads(pool);
    b.group = an_alloc_data(n, sizeof *b.group, "bootstrap groups", err);
    b.counts = an_alloc_data(workers * 2 * b.ranked.groups, sizeof *b.counts, "bootstrap counts", err);
    b.values = an_alloc_data((size_t)reps * AN_METRIC_COUNT, sizeof *b.values, "bootstrap replicates", err);
    bool ok = b.group && b.counts && b.values && (!unit || units_of(&b, label, score, unit, n, err));
    if (ok) {
        if (!unit) {
            groups_of(&b.ranked, b.group);
        }
        while (b.first < b.ranked.groups && !(b.ranked.score[b.first] >= threshold)) {
            b.first++;
        }
        an_pool_each(pool, (size_t)reps, replicate, &b);
        ok = an_job_check(job, err);
    }
    for (int k = 0; ok && k < AN_METRIC_COUNT; k++) {
        double *values = b.values + (size_t)k * (size_t)reps;
        bool one = unit && units < 2; /* one unit tells nothing of others */
        metrics_set(low, k, one ? NAN : an_quantile(values, (size_t)reps, 0.025));
        metrics_set(high, k, one ? NAN : an_quantile(values, (size_t)reps, 0.975));
    }
    an__ranked_free(&b.ranked);
    free(b.group);
    free(b.label);
    free(b.start);
    free(b.counts);
    free(b.values);
    return ok;
}
