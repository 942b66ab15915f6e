/* fidelity.c - the score that stops GAN training: how near generated rows are to the training rows in prepared space. The full judge is
 * judge.c. */
#include "synth/wgan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIDELITY_ROWS = 1000 }; /* real rows looked at: the first ones of an even thinning */

struct an__fidelity_base {
    size_t n, d;
    double *row;     /* n x d */
    double *sorted;  /* d x n, each column ascending */
    double *centred; /* d x n, mean 0, norm 1; all zero where constant */
    double *r;       /* d x d correlations of the real rows; NaN where undefined */
    double spacing;  /* median distance to the nearest other real row */
};

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void columns_of(const double *row, size_t n, size_t d, double *column)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < d; j++) column[j * n + i] = row[i * d + j];
    }
}

/* Each column to mean 0 and norm 1; zeros where it is constant. */
static void standardise(double *column, size_t n, size_t d)
{
    for (size_t j = 0; j < d; j++) {
        double *c = column + j * n, mean = 0, squares = 0;
        for (size_t i = 0; i < n; i++) mean += c[i];
        mean /= (double)n;
        for (size_t i = 0; i < n; i++) {
            c[i] -= mean;
            squares += c[i] * c[i];
        }
        double scale = squares > 1e-12 * (double)n ? 1 / sqrt(squares) : 0;
        for (size_t i = 0; i < n; i++) c[i] *= scale;
    }
}

static double dot(const double *a, const double *b, size_t n)
{
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        s0 += a[i] * b[i];
        s1 += a[i + 1] * b[i + 1];
        s2 += a[i + 2] * b[i + 2];
        s3 += a[i + 3] * b[i + 3];
    }
    for (; i < n; i++) s0 += a[i] * b[i];
    return (s0 + s1) + (s2 + s3);
}

static bool varies(const double *column, size_t n)
{
    return dot(column, column, n) > 0.5;
}

an__fidelity_base *an__fidelity_new(const float *real, size_t n, size_t d, an_job *job, an_error *err)
{
    an__fidelity_base *b = an_alloc(sizeof *b);
    b->n = n < FIDELITY_ROWS ? n : FIDELITY_ROWS;
    b->d = d;
    b->row = an_alloc_data(b->n * d, sizeof(double), "rows for the fidelity score", err);
    b->sorted = an_alloc_data(b->n * d, sizeof(double), "rows for the fidelity score", err);
    b->centred = an_alloc_data(b->n * d, sizeof(double), "rows for the fidelity score", err);
    b->r = an_alloc_data(d * d, sizeof(double), "correlations", err);
    if (!b->row || !b->sorted || !b->centred || !b->r) {
        an__fidelity_free(b);
        return NULL;
    }
    for (size_t i = 0; i < b->n; i++) {
        const float *from = real + (i * n / b->n) * d;
        for (size_t j = 0; j < d; j++) b->row[i * d + j] = (double)from[j];
    }
    columns_of(b->row, b->n, d, b->sorted);
    memcpy(b->centred, b->sorted, b->n * d * sizeof(double));
    standardise(b->centred, b->n, d);
    for (size_t j = 0; j < d; j++) qsort(b->sorted + j * b->n, b->n, sizeof(double), ascending);
    for (size_t i = 0; i < d; i++) {
        for (size_t j = 0; j < i; j++) b->r[i * d + j] = dot(b->centred + i * b->n, b->centred + j * b->n, b->n);
    }
    b->spacing = NAN;
    if (b->n > 2) {
        double *distance = an_alloc_n(b->n, sizeof *distance);
        an_nearest_distances(b->row, b->n, b->row, b->n, d, true, distance, job);
        b->spacing = an_quantile(distance, b->n, 0.5);
        free(distance);
    }
    return b;
}

void an__fidelity_free(an__fidelity_base *b)
{
    if (!b) return;
    free(b->row);
    free(b->sorted);
    free(b->centred);
    free(b->r);
    free(b);
}

/* sup |F_a - F_b| of two ascending samples. */
static double ks(const double *a, size_t n, const double *b, size_t m)
{
    double worst = 0;
    size_t i = 0, j = 0;
    while (i < n && j < m) {
        double x = a[i] < b[j] ? a[i] : b[j];
        while (i < n && a[i] <= x) i++;
        while (j < m && b[j] <= x) j++;
        double gap = fabs((double)i / (double)n - (double)j / (double)m);
        if (gap > worst) worst = gap;
    }
    return worst;
}

typedef struct comparison {
    const an__fidelity_base *b;
    size_t m;
    double *centred, *sorted, *ks, *similar, *pairs; /* per column */
} comparison;

static void compare_column(void *context, size_t i, int worker)
{
    (void)worker;
    comparison *c = context;
    const an__fidelity_base *b = c->b;
    qsort(c->sorted + i * c->m, c->m, sizeof(double), ascending);
    c->ks[i] = 1 - ks(b->sorted + i * b->n, b->n, c->sorted + i * c->m, c->m);
    if (!varies(b->centred + i * b->n, b->n)) return;
    bool alive = varies(c->centred + i * c->m, c->m);
    for (size_t j = 0; j < i; j++) {
        if (!varies(b->centred + j * b->n, b->n)) continue;
        /* a generated column that does not vary has no correlation: it counts as 0 here, since skipping it would reward a collapse */
        double r = alive ? dot(c->centred + i * c->m, c->centred + j * c->m, c->m) : 0;
        c->similar[i] += 1 - fabs(b->r[i * b->d + j] - r) / 2;
        c->pairs[i] += 1;
    }
}

bool an__fidelity_score(const an__fidelity_base *b, const float *rows, size_t m, an__fidelity *out, an_job *job, an_error *err)
{
    *out = (an__fidelity){ NAN, NAN, NAN, NAN };
    size_t d = b->d;
    double *row = an_alloc_data(m * d, sizeof *row, "generated rows", err);
    comparison c = { .b = b, .m = m };
    c.sorted = an_alloc_data(m * d, sizeof(double), "generated rows", err);
    c.centred = an_alloc_data(m * d, sizeof(double), "generated rows", err);
    bool good = row && c.sorted && c.centred;
    if (good) {
        c.ks = an_alloc_n(3 * d, sizeof(double));
        c.similar = c.ks + d;
        c.pairs = c.ks + 2 * d;
        for (size_t i = 0; i < m * d; i++) row[i] = (double)rows[i];
        columns_of(row, m, d, c.sorted);
        memcpy(c.centred, c.sorted, m * d * sizeof(double));
        standardise(c.centred, m, d);
        an_pool_each(an_job_pool(job), d, compare_column, &c);
        double sum = 0, similar = 0, pairs = 0;
        for (size_t j = 0; j < d; j++) {
            sum += c.ks[j];
            similar += c.similar[j];
            pairs += c.pairs[j];
        }
        out->ks = sum / (double)d;
        if (pairs > 0) out->correlation = similar / pairs;
        double penalty = 0;
        if (b->spacing > 0) {
            double *distance = an_alloc_n(m, sizeof *distance);
            size_t asked = m < 200 ? m : 200; /* the median needs no more */
            an_nearest_distances(row, asked, b->row, b->n, d, false, distance, job);
            out->nearest = an_quantile(distance, asked, 0.5) / b->spacing;
            if (out->nearest < 0.5)
                penalty = 0.5 - out->nearest;
            else if (out->nearest > 1)
                penalty = (1 - 1 / out->nearest) / 4;
            free(distance);
        }
        out->score = (pairs > 0 ? (out->ks + out->correlation) / 2 : out->ks) - penalty;
        free(c.ks);
    }
    free(row);
    free(c.sorted);
    free(c.centred);
    return good;
}
