/* gemm.c - matrix products cut into parts for the pool: the front door for other rooms and tests. The executor calls the kernels itself. */
#include "graph/kernel.h"

#include <stdlib.h>

/* A part must be worth handing to a thread (tens of microseconds). */
enum { PART_FLOPS = 4 << 20, PART_ROWS = 168, PART_COLS = 64 };

typedef struct parts {
    const an_kernels *kernels;
    an_dtype dtype;
    an_gemm whole;
    int64_t row_parts, rows, cols;
    char *scratch;
    size_t scratch_bytes; /* a worker */
} parts;

static int64_t at_most(int64_t n, int64_t limit)
{
    return n < limit ? n : limit;
}

/* Every element of C is computed by one part, in an order that k alone decides: the cut changes no bits. */
static void run_part(void *context, size_t index, int worker)
{
    const parts *p = context;
    const int64_t size = (int64_t)an_dtype_bytes(p->dtype);
    const int64_t row = (int64_t)index % p->row_parts * p->rows, col = (int64_t)index / p->row_parts * p->cols;
    an_gemm g = p->whole;
    g.m = at_most(g.m - row, p->rows);
    g.n = at_most(g.n - col, p->cols);
    g.a = (const char *)g.a + row * (g.ta ? 1 : g.lda) * size;
    g.b = (const char *)g.b + col * (g.tb ? g.ldb : 1) * size;
    g.c = (char *)g.c + (row * g.ldc + col) * size;
    g.scratch = p->scratch + p->scratch_bytes * (size_t)worker;
    uint64_t mode = an__float_mode_enter();
    p->kernels->gemm(p->dtype, &g);
    an__float_mode_leave(mode);
}

static bool run(const char *path, an_dtype t, const an_gemm *g, an_pool *pool)
{
    parts p = { .kernels = an__kernels(path), .dtype = t, .whole = *g, .row_parts = 1, .rows = g->m, .cols = g->n };
    if (!p.kernels) return false;
    if (g->m <= 0 || g->n <= 0) return true;
    int threads = pool ? an_pool_threads(pool) : 1;
    int64_t col_parts = 1;
    if (threads > 1 && (double)g->m * (double)g->n * (double)g->k >= PART_FLOPS) {
        if (g->m >= 2 * PART_ROWS || g->n < 2 * PART_COLS) {
            p.rows = at_most(g->m, PART_ROWS * ((g->m + PART_ROWS * 4 * threads - 1) / (PART_ROWS * 4 * threads)));
            p.row_parts = (g->m + p.rows - 1) / p.rows;
        } else { /* whole column tiles on every path, and never a single column, whose sum has an order of its own */
            p.cols = PART_COLS * ((g->n + PART_COLS * 2 * threads - 1) / (PART_COLS * 2 * threads));
            col_parts = (g->n + p.cols - 1) / p.cols;
            if (g->n - (col_parts - 1) * p.cols == 1) p.cols += PART_COLS, col_parts = (g->n + p.cols - 1) / p.cols;
            if (g->n - (col_parts - 1) * p.cols == 1) p.cols = g->n, col_parts = 1;
        }
    }
    p.scratch_bytes = (p.kernels->gemm_scratch(t, p.rows, p.cols, g->k, g->ta, g->tb) + 63) / 64 * 64;
    size_t most = p.scratch_bytes; /* smaller last parts may pack where the others do not */
    for (int last_row = 0; last_row < 2; last_row++) {
        for (int last_col = 0; last_col < 2; last_col++) {
            int64_t m = last_row ? g->m - (p.row_parts - 1) * p.rows : p.rows, n = last_col ? g->n - (col_parts - 1) * p.cols : p.cols;
            size_t bytes = (p.kernels->gemm_scratch(t, m, n, g->k, g->ta, g->tb) + 63) / 64 * 64;
            if (bytes > most) most = bytes;
        }
    }
    p.scratch_bytes = most;
    p.scratch = an_alloc_data((size_t)threads, p.scratch_bytes, "matrix product", NULL);
    if (!p.scratch) return false;
    an_pool_each(pool, (size_t)(p.row_parts * col_parts), run_part, &p);
    free(p.scratch);
    return true;
}

bool an_gemm_f32(const char *path, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b,
                 int64_t ldb, float *c, int64_t ldc, bool accumulate, an_pool *pool)
{
    an_gemm g = {
        .ta = ta, .tb = tb, .accumulate = accumulate, .m = m, .n = n, .k = k, .lda = lda, .ldb = ldb, .ldc = ldc, .a = a, .b = b, .c = c
    };
    return run(path, AN_F32, &g, pool);
}

bool an_gemm_f64(const char *path, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const double *a, int64_t lda, const double *b,
                 int64_t ldb, double *c, int64_t ldc, bool accumulate, an_pool *pool)
{
    an_gemm g = {
        .ta = ta, .tb = tb, .accumulate = accumulate, .m = m, .n = n, .k = k, .lda = lda, .ldb = ldb, .ldc = ldc, .a = a, .b = b, .c = c
    };
    return run(path, AN_F64, &g, pool);
}
