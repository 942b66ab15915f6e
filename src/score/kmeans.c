/* kmeans.c - clusters by Lloyd's method, seeded by k-means++ (Arthur and Vassilvitskii 2007), best of several starts.
 *
 * Starts run in parallel, each with its own derived seed; of equal results the earliest start wins.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "andon/score.h"

enum { MOST_TURNS = 300 };

typedef struct start {
    double inertia;
    uint32_t *assignment;
    double *centroids;
} start;

typedef struct kmeans {
    const double *x;
    size_t n, d, k;
    uint64_t seed;
    an_job *job;
    start *starts;
} kmeans;

/* Eight sums side by side: a single one would wait for every addition. */
static double square_between(const double *x, const double *y, size_t d)
{
    double s[8] = { 0 }, tail = 0;
    size_t j = 0;
    for (; j + 8 <= d; j += 8) {
        for (size_t k = 0; k < 8; k++) {
            s[k] += (x[j + k] - y[j + k]) * (x[j + k] - y[j + k]);
        }
    }
    for (; j < d; j++) {
        tail += (x[j] - y[j]) * (x[j] - y[j]);
    }
    return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7])) + tail;
}

/* Every next centre is a row drawn with probability proportional to its squared distance from the centres so far. */
static void seed_centroids(const kmeans *p, an_rng *rng, double *square, double *centroids)
{
    size_t chosen = an_rng_below(rng, p->n);
    for (size_t i = 0; i < p->n; i++) {
        square[i] = INFINITY;
    }
    for (size_t c = 0;; c++) {
        memcpy(centroids + c * p->d, p->x + chosen * p->d, p->d * sizeof *centroids);
        if (c + 1 == p->k) {
            return;
        }
        double total = 0;
        for (size_t i = 0; i < p->n; i++) {
            square[i] = fmin(square[i], square_between(p->x + i * p->d, centroids + c * p->d, p->d));
            total += square[i];
        }
        double left = an_rng_uniform(rng) * total;
        chosen = p->n;
        for (size_t i = 0; i < p->n && total > 0; i++) {
            if (square[i] > 0) {
                chosen = i; /* the last one with weight, should rounding leave something over */
                left -= square[i];
                if (left < 0) {
                    break;
                }
            }
        }
        chosen = chosen < p->n ? chosen : an_rng_below(rng, p->n); /* all rows coincide with centres */
    }
}

/* Assigns every row to its nearest centroid (the first of equals); square gets the squared distances. Returns whether anything moved. */
static bool assign(const kmeans *p, const double *centroids, uint32_t *assignment, double *square)
{
    bool moved = false;
    for (size_t i = 0; i < p->n; i++) {
        uint32_t best = 0;
        square[i] = INFINITY;
        for (size_t c = 0; c < p->k; c++) {
            double s = square_between(p->x + i * p->d, centroids + c * p->d, p->d);
            if (s < square[i]) {
                square[i] = s;
                best = (uint32_t)c;
            }
        }
        moved |= assignment[i] != best;
        assignment[i] = best;
    }
    return moved;
}

/* Means of the clusters; an empty cluster takes the row farthest from its centroid. */
static void update(const kmeans *p, const uint32_t *assignment, double *square, double *centroids, size_t *count)
{
    memset(count, 0, p->k * sizeof *count);
    for (size_t i = 0; i < p->n; i++) {
        count[assignment[i]]++;
    }
    for (size_t c = 0; c < p->k; c++) {
        if (count[c]) {
            memset(centroids + c * p->d, 0, p->d * sizeof *centroids);
        }
    }
    for (size_t i = 0; i < p->n; i++) {
        for (size_t j = 0; j < p->d; j++) {
            centroids[assignment[i] * p->d + j] += p->x[i * p->d + j];
        }
    }
    for (size_t c = 0; c < p->k; c++) {
        size_t far = 0;
        for (size_t i = 1; i < p->n && !count[c]; i++) {
            far = square[i] > square[far] ? i : far;
        }
        if (!count[c]) {
            memcpy(centroids + c * p->d, p->x + far * p->d, p->d * sizeof *centroids);
            square[far] = 0;
        }
        for (size_t j = 0; j < p->d && count[c]; j++) {
            centroids[c * p->d + j] /= (double)count[c];
        }
    }
}

static void run_start(void *context, size_t index, int worker)
{
    (void)worker;
    kmeans *p = context;
    start *s = &p->starts[index];
    s->inertia = NAN;
    s->assignment = an_alloc_data(p->n, sizeof *s->assignment, "clusters", NULL);
    s->centroids = an_alloc_data(p->k * p->d + 1, sizeof *s->centroids, "centroids", NULL);
    double *square = an_alloc_data(p->n, sizeof *square, "squared distances", NULL);
    if (s->assignment && s->centroids && square) {
        size_t *count = an_alloc_n(p->k, sizeof *count);
        an_rng rng = an_rng_at(an_seed_derive(p->seed, "kmeans", index), 0);
        seed_centroids(p, &rng, square, s->centroids);
        for (int turn = 0; turn < MOST_TURNS && !an_job_stopped(p->job); turn++) {
            if (!assign(p, s->centroids, s->assignment, square) && turn > 0) {
                break;
            }
            update(p, s->assignment, square, s->centroids, count);
        }
        assign(p, s->centroids, s->assignment, square);
        s->inertia = 0;
        for (size_t i = 0; i < p->n; i++) {
            s->inertia += square[i];
        }
        free(count);
    }
    free(square);
}

double an_kmeans(const double *x, size_t n, size_t d, size_t k, int starts, uint64_t seed, an_job *job, uint32_t *assignment,
                 double *centroids)
{
    bool usable = n > 0 && k > 0 && k <= n && starts > 0;
    for (size_t i = 0; usable && i < n * d; i++) {
        usable = isfinite(x[i]);
    }
    memset(assignment, 0, n * sizeof *assignment);
    memset(centroids, 0, k * d * sizeof *centroids);
    if (!usable) {
        return NAN;
    }
    kmeans p = { .x = x, .n = n, .d = d, .k = k, .seed = seed, .job = job };
    p.starts = an_alloc_n((size_t)starts, sizeof *p.starts);
    an_pool_each(an_job_pool(job), (size_t)starts, run_start, &p);
    const start *best = NULL;
    for (int i = 0; i < starts; i++) {
        const start *s = &p.starts[i];
        if (!isnan(s->inertia) && (!best || s->inertia < best->inertia)) {
            best = s;
        }
    }
    double inertia = best ? best->inertia : NAN;
    if (best) {
        memcpy(assignment, best->assignment, n * sizeof *assignment);
        memcpy(centroids, best->centroids, k * d * sizeof *centroids);
    }
    for (int i = 0; i < starts; i++) {
        free(p.starts[i].assignment);
        free(p.starts[i].centroids);
    }
    free(p.starts);
    return inertia;
}
