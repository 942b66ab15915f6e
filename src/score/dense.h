/* dense.h - the inner loops of dense double-precision algebra, one set per instruction set, chosen at run time.
 *
 * Everything works on panels: `width` columns (or rows of a transposed matrix) side by side, stored step by step, so that
 * panel[t * width + i] is element t of line i; lines beyond the matrix are zero. A tile is `height` lines of one panel against the `width`
 * lines of another; height divides width.
 */
#ifndef ANDON_SCORE_DENSE_H
#define ANDON_SCORE_DENSE_H

#include <stddef.h>
#include <stdint.h>

enum { AN__TILE_MOST = 8 * 24 }; /* height x width of the largest set */

typedef struct an__dense {
    const char *name;
    size_t height, width; /* width <= 32 */
    /* tile[i * width + j] = sum over t < depth of a[t * width + i] * b[t * width + j], i < height */
    void (*product)(const double *a, const double *b, size_t depth, double *tile);
    /* bit j of hit[i]: not (offset[j] - 2 tile[i][j] > limit[i]), so that a NaN is a hit */
    void (*near)(const double *tile, const double *offset, const double *limit, uint32_t *hit);
    /* solves L X = panel in place, L lower triangular of `depth` lines, line t at l + t * stride, 1/L[t][t] in inverse[t] */
    void (*solve)(const double *l, size_t stride, const double *inverse, size_t depth, double *panel);
} an__dense;

extern const an__dense an__dense_plain;
#if defined(__x86_64__)
extern const an__dense an__dense_avx2, an__dense_avx512;
#endif

const an__dense *an__dense_best(void);
const an__dense *an__dense_named(const char *name); /* NULL: not on this machine; for tests */

/* As an_gram_add and an_cholesky, with a given set. */
void an__gram_add(const an__dense *k, const double *z, size_t n, size_t d, double *gram);
int an__cholesky(const an__dense *k, double *a, size_t d);

/* n lines of `depth` elements into panels: ceil(n / width) x depth x width */
void an__pack_lines(const an__dense *k, const double *x, size_t n, size_t depth, size_t stride, double *panels);

#endif
