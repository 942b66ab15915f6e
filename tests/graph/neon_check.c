/* neon_check.c - the NEON kernels against the plain ones, on aarch64 or under qemu-aarch64. Linked by tools/test-neon from the kernel
 * sources alone, so it stands without cmocka, OpenBLAS and src/base; where andon itself is built for aarch64 the other tests of this folder
 * cover NEON too. */
#include "graph/kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int checks, failures;

static void check(bool ok, const char *what, double got, double want)
{
    checks++;
    if (ok) return;
    if (failures++ < 20) printf("FAILED %s: %.17g, not %.17g\n", what, got, want);
}

static uint64_t state = 88172645463325252u; /* xorshift64 (Marsaglia 2003): values need to be varied, no more */

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static double draw(double low, double high)
{
    return low + (high - low) * (double)(next() >> 11) * 0x1p-53;
}

static double at(an_dtype t, const void *p, int64_t i)
{
    return t == AN_F32 ? (double)((const float *)p)[i] : ((const double *)p)[i];
}

static void *values(an_dtype t, int64_t n, double low, double high)
{
    void *p = malloc((size_t)(n + 1) * 8);
    for (int64_t i = 0; i < n; i++) {
        double v = draw(low, high);
        if (t == AN_F32) ((float *)p)[i] = (float)v;
        if (t == AN_F64) ((double *)p)[i] = v;
    }
    return p;
}

static void *aligned(size_t bytes)
{
    return aligned_alloc(64, bytes / 64 * 64 + 64);
}

static void products(const an_kernels *neon, const an_kernels *plain)
{
    static const int64_t sizes[] = { 1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 13, 16, 17, 24, 31, 33, 66 },
                         depths[] = { 1, 3, 4, 8, 17, 64, 130, 257, 300 };
    for (int i = 0; i < 500; i++) {
        an_dtype t = i % 2 ? AN_F64 : AN_F32;
        int64_t m = sizes[next() % AN_COUNT(sizes)], n = sizes[next() % AN_COUNT(sizes)], k = depths[next() % AN_COUNT(depths)];
        bool ta = i & 2, tb = i & 4;
        size_t size = t == AN_F32 ? 4 : 8;
        void *a = values(t, m * k, -1, 1), *b = values(t, n * k, -1, 1), *bias = values(t, n, -1, 1), *times = values(t, m * n, -1, 1),
             *c = values(t, m * n, -1, 1);
        void *d = malloc((size_t)(m * n) * size), *e = malloc((size_t)(m * n) * size), *packed = aligned(neon->pack_bytes(t, k, n)),
             *one = malloc((size_t)(m * n) * size);
        void *scratch = aligned(neon->gemm_scratch(t, m, n, k, ta, tb) + plain->gemm_scratch(t, m, n, k, ta, tb));
        memcpy(d, c, (size_t)(m * n) * size);
        memcpy(e, c, (size_t)(m * n) * size);
        memcpy(one, c, (size_t)(m * n) * size);
        an_gemm g = { .ta = ta,
                      .tb = tb,
                      .accumulate = i & 8,
                      .m = m,
                      .n = n,
                      .k = k,
                      .lda = ta ? m : k,
                      .ldb = tb ? k : n,
                      .ldc = n,
                      .a = a,
                      .b = b,
                      .c = d,
                      .scratch = scratch };
        if (i & 16) g.bias = bias;
        if (i & 32) g.leaky = true, g.slope = .25;
        if (i & 64) g.times = times;
        neon->gemm(t, &g);
        g.c = e;
        plain->gemm(t, &g);
        for (int64_t j = 0; j < m * n; j++) {
            double x = at(t, d, j), y = at(t, e, j);
            check(fabs(x - y) <= (double)(k + 4) * (t == AN_F32 ? 0x1p-23 : 0x1p-52) * sqrt((double)k + 4), "product", x, y);
        }
        neon->pack_b(t, tb, k, n, b, g.ldb, packed);
        g.packed = packed;
        memcpy(e, c, (size_t)(m * n) * size);
        neon->gemm(t, &g);
        check(!memcmp(d, e, (size_t)(m * n) * size), "packed product: bits", 0, 1);
        int64_t row = (int64_t)(next() % (uint64_t)m); /* alone */
        g.m = 1;
        g.a = (char *)a + (size_t)(row * (ta ? 1 : g.lda)) * size;
        g.c = (char *)one + (size_t)(row * n) * size;
        if (g.times) g.times = (char *)times + (size_t)(row * n) * size;
        neon->gemm(t, &g);
        check(!memcmp((char *)one + (size_t)(row * n) * size, (char *)d + (size_t)(row * n) * size, (size_t)n * size), "row alone: bits", 0,
              1);
        void *all[] = { a, b, bias, times, c, d, e, packed, one, scratch };
        for (size_t j = 0; j < AN_COUNT(all); j++) free(all[j]);
    }
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}
static double softplus(double x)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static void chains(const an_kernels *neon, const an_kernels *plain)
{
    static const struct {
        const char *name;
        int code;
        double (*exact)(double);
        double low, high;
    } functions[] = {
        { "exp", AN_CHAIN_exp, exp, -80, 80 },
        { "log", AN_CHAIN_log, log, 1e-20, 10 },
        { "tanh", AN_CHAIN_tanh, tanh, -10, 10 },
        { "sigmoid", AN_CHAIN_sigmoid, sigmoid, -30, 30 },
        { "softplus", AN_CHAIN_softplus, softplus, -30, 30 },
        { "erf", AN_CHAIN_erf, erf, -6, 6 },
    };
    enum { N = 5003 };
    for (int wide = 0; wide < 2; wide++) {
        an_dtype t = wide ? AN_F64 : AN_F32;
        size_t size = wide ? 8 : 4;
        for (size_t f = 0; f < AN_COUNT(functions); f++) {
            an_chain c = { .inputs = 1, .count = 1, .outputs = 1, .op = { { .code = (uint8_t)functions[f].code } }, .output = { 1 } };
            void *x = values(t, N, functions[f].low, functions[f].high), *y = malloc(N * size);
            neon->chain(t, &c, (an_operand[]){ { x, N, 1 }, { y, N, 1 } }, 1, N);
            for (int64_t i = 0; i < N; i++) {
                double want = functions[f].exact(at(t, x, i)), got = at(t, y, i);
                check(fabs(got - want) <= fabs(want) * (wide ? 8e-16 : 4e-7), functions[f].name, got, want);
            }
            free(x);
            free(y);
        }
        /* every operation, in short rows with broadcasts, against the plain path; exact ones bit by bit */
        for (int code = 0; code < AN_CHAIN_CODE_COUNT; code++) {
            enum { ROWS = 37, COLS = 11 };
            an_chain c = { .inputs = 3, .count = 2, .outputs = 1, .output = { 4 } };
            c.op[0] = (an_chain_op){ .code = (uint8_t)code, .a = 0, .b = 1, .c = 2, .attr = -.4, .attr2 = .6 };
            c.op[1] = (an_chain_op){ .code = AN_CHAIN_mul, .a = 3, .b = 1 };
            void *x = values(t, ROWS * COLS, .01, 2), *bias = values(t, COLS, -1, 1), *rows = values(t, ROWS, -1, 1),
                 *y = malloc(ROWS * COLS * size), *z = malloc(ROWS * COLS * size);
            neon->chain(t, &c, (an_operand[]){ { x, COLS, 1 }, { bias, 0, 1 }, { rows, 1, 0 }, { y, COLS, 1 } }, ROWS, COLS);
            plain->chain(t, &c, (an_operand[]){ { x, COLS, 1 }, { bias, 0, 1 }, { rows, 1, 0 }, { z, COLS, 1 } }, ROWS, COLS);
            bool fused = code == AN_CHAIN_exp || code == AN_CHAIN_log || code == AN_CHAIN_tanh || code == AN_CHAIN_sigmoid ||
                         code == AN_CHAIN_softplus || code == AN_CHAIN_erf;
            for (int64_t i = 0; i < ROWS * COLS; i++) {
                double got = at(t, y, i), want = at(t, z, i);
                check(fused ? fabs(got - want) <= fabs(want) * (wide ? 2e-15 : 1e-6) : got == want, "operation", got, want);
            }
            void *all[] = { x, bias, rows, y, z };
            for (size_t j = 0; j < AN_COUNT(all); j++) free(all[j]);
        }
    }
}

static void rest(const an_kernels *neon, const an_kernels *plain)
{
    for (int wide = 0; wide < 2; wide++) {
        an_dtype t = wide ? AN_F64 : AN_F32;
        size_t size = wide ? 8 : 4;
        for (int64_t cols = 1; cols < 40; cols += 3) {
            enum { ROWS = 21 };
            void *x = values(t, ROWS * cols, -1, 1), *y = calloc((size_t)(ROWS * cols), 8), *z = calloc((size_t)(ROWS * cols), 8);
            neon->transpose(t, x, ROWS, cols, cols, y, ROWS);
            plain->transpose(t, x, ROWS, cols, cols, z, ROWS);
            check(!memcmp(y, z, (size_t)(ROWS * cols) * size), "transposed: bits", 0, 1);
            neon->sum(t, x, 1, ROWS, cols, y);
            plain->sum(t, x, 1, ROWS, cols, z);
            if (cols > 1) check(!memcmp(y, z, (size_t)cols * size), "sums of columns: bits", 0, 1);
            neon->max(t, x, ROWS, cols, 1, y);
            plain->max(t, x, ROWS, cols, 1, z);
            check(!memcmp(y, z, ROWS * size), "maxima of rows: bits", 0, 1);
            neon->sum(t, x, ROWS, cols, 1, y);
            plain->sum(t, x, ROWS, cols, 1, z);
            for (int64_t i = 0; i < ROWS; i++)
                check(fabs(at(t, y, i) - at(t, z, i)) <= (double)cols * (wide ? 0x1p-52 : 0x1p-23), "sum of a row", at(t, y, i),
                      at(t, z, i));
            neon->uniform(t, 77, 5, ((uint64_t)1 << 32) - 3, ROWS, cols, y);
            plain->uniform(t, 77, 5, ((uint64_t)1 << 32) - 3, ROWS, cols, z);
            check(!memcmp(y, z, (size_t)(ROWS * cols) * size), "uniforms: bits", 0, 1);
            neon->normal(t, 77, 5, 9, ROWS, cols, y);
            plain->normal(t, 77, 5, 9, ROWS, cols, z);
            for (int64_t i = 0; i < ROWS * cols; i++)
                check(fabs(at(t, y, i) - at(t, z, i)) <= (wide ? 4e-15 : 2e-6), "normal", at(t, y, i), at(t, z, i));
            free(x);
            free(y);
            free(z);
        }
    }
    volatile float tiny = 1e-30f, flushed, kept;
    uint64_t mode = an__float_mode_enter();
    flushed = tiny * 1e-12f;
    an__float_mode_leave(mode);
    kept = tiny * 1e-12f;
    check(flushed == 0, "subnormals counted as zero", (double)flushed, 0);
    check(kept > 0, "mode given back", (double)kept, 1e-42);
}

int main(void)
{
    const an_kernels *neon = an__kernels("neon"), *plain = an__kernels("plain");
    if (!neon || !plain) {
        printf("no NEON path in this build\n");
        return 1;
    }
    check(an__kernels(NULL) == neon, "NEON is the path chosen", 0, 1);
    products(neon, plain);
    chains(neon, plain);
    rest(neon, plain);
    printf("%d checks, %d failed\n", checks, failures);
    return failures > 0;
}
