/* bootstrap.c - stratified bootstrap of all classification metrics, percentile intervals (Efron and Tibshirani 1993, chapter 13).
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
    uint32_t *group; /* of the i-th lowest positive, then of the i-th lowest negative */
    size_t first;    /* first group predicted positive */
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
    draw(&rng, b->group, r->positives, pos);
    draw(&rng, b->group + r->positives, r->negatives, neg);

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
    m.brier = squares / (double)(r->positives + r->negatives);
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

bool an_metrics_bootstrap(const uint8_t *label, const double *score, size_t n, double threshold, int reps, uint64_t seed, an_job *job,
                          an_metrics *low, an_metrics *high, an_error *err)
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
    bootstrap b = { .seed = seed, .job = job, .reps = reps };
    if (!an__ranked_build(label, score, n, &b.ranked, err)) {
        return false;
    }
    an_pool *pool = an_job_pool(job);
    size_t workers = (size_t)an_pool_threads(pool);
    b.group = an_alloc_data(n, sizeof *b.group, "bootstrap groups", err);
    b.counts = an_alloc_data(workers * 2 * b.ranked.groups, sizeof *b.counts, "bootstrap counts", err);
    b.values = an_alloc_data((size_t)reps * AN_METRIC_COUNT, sizeof *b.values, "bootstrap replicates", err);
    bool ok = b.group && b.counts && b.values;
    if (ok) {
        groups_of(&b.ranked, b.group);
        while (b.first < b.ranked.groups && !(b.ranked.score[b.first] >= threshold)) {
            b.first++;
        }
        an_pool_each(pool, (size_t)reps, replicate, &b);
        ok = an_job_check(job, err);
    }
    for (int k = 0; ok && k < AN_METRIC_COUNT; k++) {
        double *values = b.values + (size_t)k * (size_t)reps;
        metrics_set(low, k, an_quantile(values, (size_t)reps, 0.025));
        metrics_set(high, k, an_quantile(values, (size_t)reps, 0.975));
    }
    an__ranked_free(&b.ranked);
    free(b.group);
    free(b.counts);
    free(b.values);
    return ok;
}
