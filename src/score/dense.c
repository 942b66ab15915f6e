/* dense.c - Gram matrices and Cholesky's factorisation in double precision, on the loops of dense_kernel.h.
 *
 * Why not the BLAS: the serial OpenBLAS of the distribution keeps its work buffers without a lock, and gives wrong numbers when two
 * threads call it at once. These run in any thread, and have the same bits for the same instruction set.
 */
#include "score/dense.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "andon/score.h"

enum { DEPTH = 256, STRIP = 48 }; /* rows of a Gram block; columns of a Cholesky strip */

const an__dense *an__dense_named(const char *name)
{
#if defined(__x86_64__)
    if (strcmp(name, "avx512") == 0) {
        bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma");
        return has ? &an__dense_avx512 : NULL;
    }
    if (strcmp(name, "avx2") == 0) {
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &an__dense_avx2 : NULL;
    }
#endif
    return strcmp(name, "plain") == 0 ? &an__dense_plain : NULL;
}

const an__dense *an__dense_best(void)
{
    const an__dense *k = an__dense_named("avx512");
    k = k ? k : an__dense_named("avx2");
    return k ? k : &an__dense_plain;
}

void an__pack_lines(const an__dense *k, const double *x, size_t n, size_t depth, size_t stride, double *panels)
{
    size_t w = k->width;
    for (size_t p = 0; p * w < n; p++) {
        double *panel = panels + p * w * depth;
        for (size_t i = 0; i < w; i++) {
            const double *line = x + (p * w + i) * stride;
            bool inside = p * w + i < n;
            for (size_t t = 0; t < depth; t++) {
                panel[t * w + i] = inside ? line[t] : 0;
            }
        }
    }
}

/* Columns of `rows` rows as panels. */
static void pack_columns(const an__dense *k, const double *z, size_t rows, size_t d, double *panels)
{
    size_t w = k->width;
    for (size_t p = 0; p * w < d; p++) {
        size_t columns = d - p * w < w ? d - p * w : w;
        for (size_t t = 0; t < rows; t++) {
            double *to = panels + (p * rows + t) * w;
            memcpy(to, z + t * d + p * w, columns * sizeof *to);
            memset(to + columns, 0, (w - columns) * sizeof *to);
        }
    }
}

/* The lower triangle of c (d x d, lines `stride` apart) += sign * the products of the panels' lines with each other. */
static void add_products(const an__dense *k, const double *panels, size_t depth, size_t d, double sign, double *c, size_t stride)
{
    double tile[AN__TILE_MOST];
    size_t w = k->width, h = k->height;
    for (size_t q = 0; q < d; q += w) {
        for (size_t i = q; i < d; i += h) {
            k->product(panels + i / w * w * depth + i % w, panels + q * depth, depth, tile);
            for (size_t r = i; r < i + h && r < d; r++) {
                size_t count = r + 1 - q < w ? r + 1 - q : w;
                for (size_t j = 0; j < count; j++) {
                    c[r * stride + q + j] += sign * tile[(r - i) * w + j];
                }
            }
        }
    }
}

void an__gram_add(const an__dense *k, const double *z, size_t n, size_t d, double *gram)
{
    size_t panels = (d + k->width - 1) / k->width;
    double *packed = an_resize_n(NULL, panels * k->width * DEPTH, sizeof *packed);
    for (size_t row = 0; row < n; row += DEPTH) {
        size_t rows = n - row < DEPTH ? n - row : DEPTH;
        pack_columns(k, z + row * d, rows, d, packed);
        add_products(k, packed, rows, d, 1, gram, d);
    }
    free(packed);
}

void an_gram_add(const double *z, size_t n, size_t d, double *gram)
{
    an__gram_add(an__dense_best(), z, n, d, gram);
}

/* The strip's own triangle, by rows; 1 / diagonal in inverse. */
static bool factor_corner(double *a, size_t stride, size_t n, double *inverse)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = a[i * stride + j];
            for (size_t t = 0; t < j; t++) {
                sum -= a[i * stride + t] * a[j * stride + t];
            }
            if (j < i) {
                a[i * stride + j] = sum * inverse[j];
            } else if (sum > 0 && isfinite(sum)) {
                a[i * stride + i] = sqrt(sum);
                inverse[i] = 1 / a[i * stride + i];
            } else {
                return false;
            }
        }
    }
    return true;
}

int an__cholesky(const an__dense *k, double *a, size_t d)
{
    size_t w = k->width;
    double inverse[STRIP];
    double *packed = an_resize_n(NULL, (d + w) * STRIP, sizeof *packed);
    bool ok = true;
    for (size_t j = 0; j < d && ok; j += STRIP) {
        size_t columns = d - j < STRIP ? d - j : STRIP, below = d - j - columns;
        ok = factor_corner(a + j * d + j, d, columns, inverse);
        if (!ok || below == 0) {
            continue;
        }
        double *under = a + (j + columns) * d + j;
        an__pack_lines(k, under, below, columns, d, packed);
        for (size_t p = 0; p * w < below; p++) {
            double *panel = packed + p * w * columns;
            k->solve(a + j * d + j, d, inverse, columns, panel);
            for (size_t i = 0; i < w && p * w + i < below; i++) {
                for (size_t t = 0; t < columns; t++) {
                    under[(p * w + i) * d + t] = panel[t * w + i];
                }
            }
        }
        add_products(k, packed, columns, below, -1, under + columns, d);
    }
    free(packed);
    return ok;
}

bool an_cholesky(double *a, size_t d)
{
    return an__cholesky(an__dense_best(), a, d);
}

void an_cholesky_solve(const double *l, size_t d, double *b)
{
    for (size_t i = 0; i < d; i++) {
        double sum = b[i];
        for (size_t t = 0; t < i; t++) {
            sum -= l[i * d + t] * b[t];
        }
        b[i] = sum / l[i * d + i];
    }
    for (size_t i = d; i-- > 0;) {
        b[i] /= l[i * d + i];
        for (size_t t = 0; t < i; t++) {
            b[t] -= l[i * d + t] * b[i];
        }
    }
}
