/* nearest.c - distance of every row to its nearest row of another matrix (distance to closest record).
 *
 * |a - b|^2 = |a|^2 + |b|^2 - 2ab, in tiles, tells which rows can be the nearest; only those are measured again by the differences
 * themselves. The bound on the rounding error of the first form is added to the limit, so the result is the same as that of the plain
 * double loop, bit for bit, and exact copies have distance 0.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "andon/score.h"
#include "score/dense.h"

typedef struct nearest {
    const an__dense *k;
    const double *a, *b;
    size_t n, m, d;
    bool skip_same;
    double *panels, *square; /* of b, packed; square padded with +infinity, NaN squares replaced by -infinity: always measured */
    double largest;          /* finite square of b */
    double *distance, *scratch;
} nearest;

static double square_of(const double *x, size_t d)
{
    double sum = 0;
    for (size_t j = 0; j < d; j++) {
        sum += x[j] * x[j];
    }
    return sum;
}

static double square_between(const double *x, const double *y, size_t d)
{
    double sum = 0;
    for (size_t j = 0; j < d; j++) {
        sum += (x[j] - y[j]) * (x[j] - y[j]);
    }
    return sum;
}

/* One panel of rows of a against all of b. */
static void find(void *context, size_t index, int worker)
{
    nearest *s = context;
    size_t w = s->k->width, h = s->k->height, d = s->d, first = index * w;
    size_t rows = s->n - first < w ? s->n - first : w;
    double *panel = s->scratch + (size_t)worker * w * d;
    double best[32], own[32], slack[32], limit[32], tile[AN__TILE_MOST];
    uint32_t hit[32];
    an__pack_lines(s->k, s->a + first * d, rows, d, d, panel);
    for (size_t i = 0; i < w; i++) {
        own[i] = i < rows ? square_of(s->a + (first + i) * d, d) : 0;
        best[i] = INFINITY;
        slack[i] = 4 * ((double)d + 8) * DBL_EPSILON * (own[i] + s->largest);
        limit[i] = i < rows ? INFINITY : -INFINITY;
    }
    for (size_t p = 0; p * w < s->m; p++) {
        for (size_t i = 0; i < rows; i += h) {
            s->k->product(panel + i, s->panels + p * w * d, d, tile);
            s->k->near(tile, s->square + p * w, limit + i, hit);
            for (size_t r = i; r < i + h && r < rows; r++) {
                for (uint32_t bits = hit[r - i]; bits; bits &= bits - 1) {
                    size_t j = p * w + (size_t)__builtin_ctz(bits);
                    if (j >= s->m || (s->skip_same && j == first + r)) {
                        continue;
                    }
                    double square = square_between(s->a + (first + r) * d, s->b + j * d, d);
                    if (square < best[r]) {
                        best[r] = square;
                        limit[r] = square - own[r] + slack[r];
                    }
                }
            }
        }
    }
    for (size_t i = 0; i < rows; i++) {
        s->distance[first + i] = isinf(best[i]) ? NAN : sqrt(best[i]);
    }
}

void an_nearest_distances(const double *a, size_t n, const double *b, size_t m, size_t d, bool skip_same, double *distance, an_job *job)
{
    an_pool *pool = an_job_pool(job);
    nearest s = { .k = an__dense_best(), .a = a, .b = b, .n = n, .m = m, .d = d, .skip_same = skip_same, .distance = distance };
    size_t w = s.k->width, lines = (m + w - 1) / w * w;
    s.panels = an_alloc_data(lines * d + 1, sizeof *s.panels, "rows to compare with", NULL);
    s.square = an_alloc_data(lines + 1, sizeof *s.square, "squares", NULL);
    s.scratch = an_alloc_data((size_t)an_pool_threads(pool) * w * d + 1, sizeof *s.scratch, "rows to compare", NULL);
    if (!s.panels || !s.square || !s.scratch) {
        for (size_t i = 0; i < n; i++) {
            distance[i] = NAN;
        }
    } else {
        an__pack_lines(s.k, b, m, d, d, s.panels);
        for (size_t j = 0; j < lines; j++) {
            double square = j < m ? square_of(b + j * d, d) : INFINITY;
            if (j < m && isfinite(square)) {
                s.largest = fmax(s.largest, square);
            } else if (j < m) {
                square = -INFINITY;
            }
            s.square[j] = square;
        }
        an_pool_each(pool, (n + w - 1) / w, find, &s);
    }
    free(s.panels);
    free(s.square);
    free(s.scratch);
}
