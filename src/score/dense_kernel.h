/* dense_kernel.h - the loops of dense.h written once over a vector type; each dense_<set>.c defines the type and includes this.
 *
 * Needs: VECTOR, LANES, VECTORS (per tile line), HEIGHT, LOAD, STORE, SPREAD (one value to all lanes), FMA(a, b, c) = a * b + c, NAME,
 * TABLE.
 */
#include "score/dense.h"

enum { WIDTH = VECTORS * LANES };

static void product(const double *a, const double *b, size_t depth, double *tile)
{
    VECTOR sum[HEIGHT][VECTORS];
    for (int i = 0; i < HEIGHT; i++) {
        for (int v = 0; v < VECTORS; v++) {
            sum[i][v] = SPREAD(0.0);
        }
    }
    for (size_t t = 0; t < depth; t++, a += WIDTH, b += WIDTH) {
        VECTOR line[VECTORS];
        for (int v = 0; v < VECTORS; v++) {
            line[v] = LOAD(b + v * LANES);
        }
        for (int i = 0; i < HEIGHT; i++) {
            VECTOR x = SPREAD(a[i]);
            for (int v = 0; v < VECTORS; v++) {
                sum[i][v] = FMA(x, line[v], sum[i][v]);
            }
        }
    }
    for (int i = 0; i < HEIGHT; i++) {
        for (int v = 0; v < VECTORS; v++) {
            STORE(tile + i * WIDTH + v * LANES, sum[i][v]);
        }
    }
}

static void near(const double *tile, const double *offset, const double *limit, uint32_t *hit)
{
    for (int i = 0; i < HEIGHT; i++) {
        uint32_t any = 0;
        for (int j = 0; j < WIDTH; j++) {
            any |= !(offset[j] - 2 * tile[i * WIDTH + j] > limit[i]);
        }
        if (any) { /* rare */
            any = 0;
            for (int j = 0; j < WIDTH; j++) {
                any |= (uint32_t) !(offset[j] - 2 * tile[i * WIDTH + j] > limit[i]) << j;
            }
        }
        hit[i] = any;
    }
}

static void solve(const double *l, size_t stride, const double *inverse, size_t depth, double *panel)
{
    for (size_t j = 0; j < depth; j++) {
        VECTOR x[VECTORS];
        for (int v = 0; v < VECTORS; v++) {
            x[v] = LOAD(panel + j * WIDTH + v * LANES);
        }
        for (size_t t = 0; t < j; t++) {
            VECTOR factor = SPREAD(-l[j * stride + t]);
            for (int v = 0; v < VECTORS; v++) {
                x[v] = FMA(factor, LOAD(panel + t * WIDTH + v * LANES), x[v]);
            }
        }
        for (int v = 0; v < VECTORS; v++) {
            STORE(panel + j * WIDTH + v * LANES, x[v] * SPREAD(inverse[j]));
        }
    }
}

const an__dense TABLE = { NAME, HEIGHT, WIDTH, product, near, solve };
