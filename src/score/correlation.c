/* correlation.c - Pearson's correlation and the similarity of two samples' correlation matrices. Single columns are in distribution.c.
 *
 * Columns without NaN are standardised once, and all their pairs follow from one product of matrices. Pairs with a NaN are computed one
 * by one, rows with a NaN in either column dropped, as SDMetrics does.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "score/order.h"

enum { BLOCK_ROWS = 256 };

/* Of n values `step` apart; x and y of equal length. */
static double pearson(const double *x, const double *y, size_t n, size_t step)
{
    double sum_x = 0, sum_y = 0, first_x = NAN, first_y = NAN;
    size_t count = 0;
    bool varies_x = false, varies_y = false;
    for (size_t i = 0; i < n; i++) {
        double u = x[i * step], v = y[i * step];
        if (isnan(u) || isnan(v)) {
            continue;
        }
        if (count++ == 0) {
            first_x = u;
            first_y = v;
        }
        varies_x |= u != first_x;
        varies_y |= v != first_y;
        sum_x += u;
        sum_y += v;
    }
    if (!varies_x || !varies_y) {
        return NAN;
    }
    double mean_x = sum_x / (double)count, mean_y = sum_y / (double)count, xx = 0, yy = 0, xy = 0;
    for (size_t i = 0; i < n; i++) {
        double u = x[i * step], v = y[i * step];
        if (isnan(u) || isnan(v)) {
            continue;
        }
        u -= mean_x;
        v -= mean_y;
        xx += u * u;
        yy += v * v;
        xy += u * v;
    }
    double r = xy / (sqrt(xx) * sqrt(yy));
    return isnan(r) ? NAN : fmin(1, fmax(-1, r));
}

double an_correlation(const double *x, const double *y, size_t n)
{
    return pearson(x, y, n, 1);
}

typedef struct side {
    const double *x;
    size_t n;
    bool *gaps; /* columns with a NaN */
    double *r;  /* d x d, lower triangle */
    bool failed;
} side;

typedef struct similarity {
    side side[2];
    size_t d;
} similarity;

/* mean, and 1 / root of the sum of squares about it (NaN: constant), of every column; marks columns with NaNs */
static void moments(side *s, size_t d, double *mean, double *scale)
{
    memset(mean, 0, d * sizeof *mean);
    memset(scale, 0, d * sizeof *scale);
    for (size_t i = 0; i < s->n; i++) {
        for (size_t j = 0; j < d; j++) {
            mean[j] += s->x[i * d + j];
        }
    }
    for (size_t j = 0; j < d; j++) {
        mean[j] /= (double)s->n;
    }
    for (size_t i = 0; i < s->n; i++) {
        for (size_t j = 0; j < d; j++) {
            double x = s->x[i * d + j], off = x - mean[j];
            scale[j] += off * off;
            s->gaps[j] |= isnan(x);
        }
    }
    for (size_t j = 0; j < d; j++) {
        bool varies = false;
        for (size_t i = 1; i < s->n && !varies; i++) {
            varies = s->x[i * d + j] != s->x[j];
        }
        scale[j] = varies ? 1 / sqrt(scale[j]) : NAN;
    }
}

static void correlate(void *context, size_t index, int worker)
{
    (void)worker;
    similarity *all = context;
    side *s = &all->side[index];
    size_t d = all->d;
    double *mean = an_alloc_data(2 * d + BLOCK_ROWS * d, sizeof *mean, "standardised columns", NULL);
    if (!mean) {
        s->failed = true;
        return;
    }
    double *scale = mean + d, *z = mean + 2 * d;
    moments(s, d, mean, scale);
    for (size_t row = 0; row < s->n; row += BLOCK_ROWS) {
        size_t rows = s->n - row < BLOCK_ROWS ? s->n - row : BLOCK_ROWS;
        for (size_t i = 0; i < rows; i++) {
            for (size_t j = 0; j < d; j++) {
                double value = (s->x[(row + i) * d + j] - mean[j]) * scale[j];
                z[i * d + j] = s->gaps[j] ? 0 : value;
            }
        }
        an_gram_add(z, rows, d, s->r);
    }
    for (size_t i = 0; i < d; i++) {
        for (size_t j = 0; j < i; j++) {
            double *r = &s->r[i * d + j];
            if (s->gaps[i] || s->gaps[j]) {
                *r = pearson(s->x + i, s->x + j, s->n, d);
            }
            *r = isnan(*r) ? NAN : fmin(1, fmax(-1, *r));
        }
    }
    free(mean);
}

double an_correlation_similarity(const double *a, size_t n, const double *b, size_t m, size_t d, an_job *job)
{
    if (n == 0 || m == 0 || d < 2) {
        return NAN;
    }
    similarity all = { .side = { { .x = a, .n = n }, { .x = b, .n = m } }, .d = d };
    bool *gaps = an_alloc_data(2 * d, sizeof *gaps, "columns", NULL);
    double *r = an_alloc_data(2 * d * d, sizeof *r, "correlation matrices", NULL), sum = 0;
    size_t pairs = 0;
    if (gaps && r) {
        for (int i = 0; i < 2; i++) {
            all.side[i].gaps = gaps + (size_t)i * d;
            all.side[i].r = r + (size_t)i * d * d;
        }
        an_pool_each(an_job_pool(job), 2, correlate, &all);
        for (size_t i = 0; i < d * d && !all.side[0].failed && !all.side[1].failed; i++) {
            double off = all.side[0].r[i] - all.side[1].r[i];
            if (i % d < i / d && !isnan(off)) {
                sum += 1 - fabs(off) / 2;
                pairs++;
            }
        }
    }
    free(gaps);
    free(r);
    return pairs ? sum / (double)pairs : NAN;
}
