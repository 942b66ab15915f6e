/* select_groups.c - columns that say the same, found without a look at the target: average linkage on rank correlation, and what stands for
 * a group (Buehlmann, Ruetimann, van de Geer and Zhang 2013, "Correlated variables in regression: clustering and sparse estimation"). */
#include "learn/select.h"

#include "andon/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_ROWS = 256 };

void an__groups_free(an__groups *g)
{
    free(g->of);
    free(g->mean);
    free(g->square);
    free(g->category);
    *g = (an__groups){ 0 };
}

/* Correlations of all pairs of numbers: lower triangle of r, d x d, which comes zeroed. */
static bool correlate(const an__scores *s, double *r, an_job *job, an_error *err)
{
    size_t d = s->numbers;
    double *z = an_alloc_data(BLOCK_ROWS * d + 1, sizeof *z, "a block of rows", err);
    bool ok = z != NULL;
    for (size_t row = 0; ok && row < s->n; row += BLOCK_ROWS) {
        size_t rows = s->n - row < BLOCK_ROWS ? s->n - row : BLOCK_ROWS;
        for (size_t j = 0; j < d; j++)
            for (size_t i = 0; i < rows; i++) z[i * d + j] = s->score[j * s->n + row + i];
        an_gram_add(z, rows, d, r);
        an_job_progress(job, (double)(row + rows), (double)s->n, "rows");
        ok = an_job_check(job, err);
    }
    free(z);
    for (size_t i = 0; ok && i < d; i++)
        for (size_t j = 0; j <= i; j++) r[i * d + j] /= (double)s->n;
    return ok;
}

/* Distances overall, the context taken out, and the larger of both: columns are redundant only where they are so within the context. What
 * follows from the context is alike only to what does so, too. */
static bool measure(an__scores *s, const an_select_options *o, double *distance, an_job *job, an_error *err)
{
    size_t d = s->numbers;
    an_job_stage(job, "grouping columns");
    if (!correlate(s, distance, job, err)) return false;
    for (size_t i = 0; i < d * d; i++) distance[i] = 1 - fmin(1, fabs(distance[i]));
    if (!an__scores_within(s, &o->context, job, err)) return false;
    bool any = false;
    for (size_t k = 0; k < s->categories; k++) any |= s->context[k];
    double *within = any ? an_alloc_data(d * d + 1, sizeof *within, "the correlations of the columns", err) : NULL;
    bool ok = !any || (within && correlate(s, within, job, err));
    for (size_t i = 0; ok && i < d; i++) {
        for (size_t j = 0; j < i; j++) {
            double *x = &distance[i * d + j];
            if (any && s->settled[i] != s->settled[j]) *x = 1;
            if (any && !s->settled[i] && !s->settled[j]) *x = fmax(*x, 1 - fmin(1, fabs(within[i * d + j])));
            distance[j * d + i] = *x;
        }
        distance[i * d + i] = 0;
    }
    free(within);
    return ok;
}

typedef struct making {
    const an__scores *s;
    an__groups *g;
    const size_t *member, *start; /* members of group k: member[start[k]] .. member[start[k + 1] - 1] */
} making;

static void scale(double *x, size_t n)
{
    double mean = 0;
    for (size_t i = 0; i < n; i++) mean += x[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++) x[i] -= mean;
    double sd = sqrt(an__dot(x, x, n) / (double)n);
    for (size_t i = 0; i < n; i++) x[i] = sd > 1e-6 ? x[i] / sd : 0;
}

static void make_variable(void *context, size_t k, int worker)
{
    (void)worker;
    making *m = context;
    size_t n = m->s->n;
    double *mean = m->g->mean + k * n, *square = m->g->square + k * n;
    const double *first = m->s->score + m->member[m->start[k]] * n;
    for (size_t at = m->start[k]; at < m->start[k + 1]; at++) {
        const double *x = m->s->score + m->member[at] * n;
        double sign = an__dot(first, x, n) < 0 ? -1 : 1;
        for (size_t i = 0; i < n; i++) mean[i] += sign * x[i];
    }
    scale(mean, n);
    for (size_t i = 0; i < n; i++) square[i] = mean[i] * mean[i];
    scale(square, n);
    double slope = an__dot(square, mean, n) / (double)n;
    for (size_t i = 0; i < n; i++) square[i] -= slope * mean[i];
    scale(square, n);
}

/* Numbers clusters as their first members come, so that the order of the file decides. */
static void number_groups(size_t *of, size_t d, size_t first, size_t *count)
{
    size_t *name = an_alloc_n(d + 1, sizeof *name);
    for (size_t i = 0; i < d; i++) name[i] = SIZE_MAX;
    for (size_t i = 0; i < d; i++) {
        size_t c = of[i];
        if (name[c] == SIZE_MAX) name[c] = (*count)++;
        of[i] = first + name[c];
    }
    free(name);
}

/* Categories whose levels go together (Cramer's V) are one group with the first of them. */
static void group_categories(an__groups *g, const an__scores *s, double redundant)
{
    size_t *leader = an_alloc_n(s->categories + 1, sizeof *leader), count = 0;
    for (size_t k = 0; k < s->categories; k++) {
        leader[k] = k;
        for (size_t b = 0; b < k && leader[k] == k; b++) {
            double phi2 = 0;
            for (size_t l = s->first[k]; l < s->first[k] + s->levels[k]; l++) {
                for (size_t m = s->first[b]; m < s->first[b] + s->levels[b]; m++) {
                    double r = an__dot(s->level + l * s->n, s->level + m * s->n, s->n) / (double)s->n;
                    phi2 += r * r * (1 - s->share[l]) * (1 - s->share[m]);
                }
            }
            size_t least = s->levels[k] < s->levels[b] ? s->levels[k] : s->levels[b];
            if (leader[b] == b && sqrt(phi2 / (double)(least - 1)) >= redundant) leader[k] = b;
        }
    }
    g->category = an_alloc_n(s->categories + 1, sizeof *g->category);
    for (size_t k = 0; k < s->categories; k++) {
        if (leader[k] == k) {
            g->category[count] = k;
            g->of[s->numbers + k] = g->numbers + count++;
        } else {
            g->of[s->numbers + k] = g->of[s->numbers + leader[k]];
        }
    }
    g->count = g->numbers + count;
    free(leader);
}

bool an__groups_make(an__groups *g, an__scores *s, const an_select_options *o, an_job *job, an_error *err)
{
    *g = (an__groups){ 0 };
    size_t d = s->numbers;
    g->of = an_alloc_n(d + s->categories + 1, sizeof *g->of);
    double *distance = an_alloc_data(d * d + 1, sizeof *distance, "the correlations of the columns", err);
    bool ok = distance && measure(s, o, distance, job, err);
    if (ok && d) {
        size_t *order = an_alloc_n(d, sizeof *order);
        ok = an_cluster_order(distance, d, 1 - o->redundant, order, g->of) || an_fail(err, AN_MEMORY, "not enough memory for clusters");
        free(order);
        number_groups(g->of, d, 0, &g->numbers);
    }
    free(distance);
    if (!ok) return false;
    g->mean = an_alloc_data(g->numbers * s->n + 1, sizeof *g->mean, "the groups of columns", err);
    g->square = g->mean ? an_alloc_data(g->numbers * s->n + 1, sizeof *g->square, "the groups of columns", err) : NULL;
    if (!g->square) return false;
    size_t *member = an_alloc_n(d + 1, sizeof *member), *start = an_alloc_n(g->numbers + 2, sizeof *start);
    for (size_t j = 0; j < d; j++) start[g->of[j] + 2]++;
    for (size_t k = 2; k < g->numbers + 2; k++) start[k] += start[k - 1];
    for (size_t j = 0; j < d; j++) member[start[g->of[j] + 1]++] = j;
    making m = { s, g, member, start };
    an_pool_each(an_job_pool(job), g->numbers, make_variable, &m);
    free(member);
    free(start);
    group_categories(g, s, o->redundant);
    return an_job_check(job, err);
}
