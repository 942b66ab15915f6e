/* test_kernels.c - sums, maxima, transposition and random draws of every CPU path. */
#include "graph/kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

static const char *const PATHS[] = { "avx512", "avx2", "neon", "plain" };

#define EACH_PATH(k)                                         \
    for (size_t path_ = 0; path_ < AN_COUNT(PATHS); path_++) \
        for (const an_kernels *k = an__kernels(PATHS[path_]); k; k = NULL)

static double at(an_dtype t, const void *p, int64_t i)
{
    return t == AN_F32 ? (double)((const float *)p)[i] : ((const double *)p)[i];
}

static void put(an_dtype t, void *p, int64_t i, double v)
{
    if (t == AN_F32) ((float *)p)[i] = (float)v;
    if (t == AN_F64) ((double *)p)[i] = v;
}

static void test_sum_and_max(void **state)
{
    (void)state;
    static const int64_t sizes[] = { 1, 2, 3, 7, 8, 9, 16, 17, 31, 33, 64, 65, 66, 100, 257 };
    EACH_PATH(k) {
        an_rng r = an_rng_at(1, path_);
        for (int i = 0; i < 300; i++) {
            const an_dtype t = i % 2 ? AN_F64 : AN_F32;
            const size_t size = an_dtype_bytes(t);
            int64_t outer = sizes[an_rng_below(&r, 6)], reduce = i % 50 == 0 ? 0 : sizes[an_rng_below(&r, AN_COUNT(sizes))],
                    inner = i % 3 ? sizes[an_rng_below(&r, AN_COUNT(sizes))] : 1;
            void *in = malloc((size_t)(outer * reduce * inner + 1) * size), *sums = malloc((size_t)(outer * inner) * size),
                 *tops = malloc((size_t)(outer * inner) * size);
            for (int64_t j = 0; j < outer * reduce * inner; j++) put(t, in, j, 2 * an_rng_uniform(&r) - 1);
            k->sum(t, in, outer, reduce, inner, sums);
            k->max(t, in, outer, reduce, inner, tops);
            for (int64_t o = 0; o < outer; o++) {
                for (int64_t j = 0; j < inner; j++) {
                    double sum = 0, all = 0, top = -INFINITY;
                    float ordered = 0;
                    double ordered_wide = 0;
                    for (int64_t q = 0; q < reduce; q++) {
                        double x = at(t, in, (o * reduce + q) * inner + j);
                        sum += x;
                        all += fabs(x);
                        top = x > top ? x : top;
                        ordered += (float)x;
                        ordered_wide += x;
                    }
                    double got = at(t, sums, o * inner + j), unit = t == AN_F32 ? 0x1p-24 : 0x1p-52;
                    assert_true(fabs(got - sum) <= (double)reduce * unit * all);
                    if (inner > 1) assert_true(got == (t == AN_F32 ? (double)ordered : ordered_wide));
                    assert_true(at(t, tops, o * inner + j) == top);
                }
                if (inner == 1 && reduce) { /* a row's bits do not depend on the others */
                    double alone[1];
                    k->sum(t, (char *)in + (size_t)(o * reduce) * size, 1, reduce, 1, alone);
                    assert_memory_equal(alone, (char *)sums + (size_t)o * size, size);
                }
            }
            free(in);
            free(sums);
            free(tops);
        }
        float odd[40] = { 0 }, got;
        odd[17] = NAN;
        k->max(AN_F32, odd, 1, 40, 1, &got);
        assert_true(isnan(got));
        k->max(AN_F32, odd, 1, 17, 1, &got);
        assert_true(got == 0);
    }
}

static void test_transpose(void **state)
{
    (void)state;
    EACH_PATH(k) {
        an_rng r = an_rng_at(2, path_);
        for (int i = 0; i < 120; i++) {
            const an_dtype t = i % 2 ? AN_F64 : AN_F32;
            const size_t size = an_dtype_bytes(t);
            int64_t rows = 1 + (int64_t)an_rng_below(&r, 70), cols = 1 + (int64_t)an_rng_below(&r, 70),
                    ld_in = cols + (int64_t)an_rng_below(&r, 3), ld_out = rows + (int64_t)an_rng_below(&r, 3);
            void *in = malloc((size_t)(rows * ld_in) * size), *out = malloc((size_t)(cols * ld_out) * size);
            for (int64_t j = 0; j < rows * ld_in; j++) put(t, in, j, (double)j);
            for (int64_t j = 0; j < cols * ld_out; j++) put(t, out, j, -1);
            k->transpose(t, in, rows, cols, ld_in, out, ld_out);
            for (int64_t c = 0; c < cols; c++) {
                for (int64_t q = 0; q < ld_out; q++) assert_true(at(t, out, c * ld_out + q) == (q < rows ? (double)(q * ld_in + c) : -1));
            }
            free(in);
            free(out);
        }
    }
}

/* the draws as kernel.h and draws.inc define them, from an_philox */
static double exact_uniform(an_dtype t, uint64_t key, uint64_t high, uint64_t row, int64_t cols, int64_t c)
{
    uint32_t w[4];
    if (t == AN_F32) {
        an_philox(key, high, row * (uint64_t)((cols + 3) / 4) + (uint64_t)(c / 4), w);
        return (double)(w[c % 4] >> 8) * 0x1p-24;
    }
    an_philox(key, high, row * (uint64_t)((cols + 1) / 2) + (uint64_t)(c / 2), w);
    return (double)((w[2 * (c % 2)] | (uint64_t)w[2 * (c % 2) + 1] << 32) >> 11) * 0x1p-53;
}

static double exact_normal(an_dtype t, uint64_t key, uint64_t high, uint64_t row, int64_t cols, int64_t c)
{
    const int64_t even = c / 2 * 2;
    double u, v;
    uint32_t w[4];
    if (t == AN_F32) {
        an_philox(key, high, row * (uint64_t)((cols + 3) / 4) + (uint64_t)(even / 4), w);
        u = ((double)w[even % 4] + 1) * 0x1p-32;
        v = (double)(w[even % 4 + 1] >> 8) * 0x1p-24;
    } else {
        an_philox(key, high, row * (uint64_t)((cols + 1) / 2) + (uint64_t)(even / 2), w);
        u = 1 - (double)((w[0] | (uint64_t)w[1] << 32) >> 11) * 0x1p-53;
        v = (double)((w[2] | (uint64_t)w[3] << 32) >> 11) * 0x1p-53;
    }
    double radius = sqrt(-2 * log(u));
    return c % 2 ? radius * sin(2 * M_PI * v) : radius * cos(2 * M_PI * v);
}

static void test_draws_are_philox(void **state)
{
    (void)state;
    static const int64_t widths[] = { 1, 2, 3, 4, 5, 7, 8, 16, 66, 100, 255, 300 };
    const uint64_t key = 0x0123456789abcdef, high = 0xfedcba9876543210;
    EACH_PATH(k) {
        for (size_t i = 0; i < 2 * AN_COUNT(widths); i++) {
            const an_dtype t = i % 2 ? AN_F64 : AN_F32;
            const int64_t cols = widths[i / 2], rows = 23;
            const uint64_t first = i % 3 ? 5 : ((uint64_t)1 << 33) - 7; /* the counter passes 32 bits */
            double *uniforms = malloc((size_t)(rows * cols) * 8), *normals = malloc((size_t)(rows * cols) * 8),
                   *part = malloc((size_t)(rows * cols) * 8);
            k->uniform(t, key, high, first, rows, cols, uniforms);
            k->normal(t, key, high, first, rows, cols, normals);
            for (int64_t r = 0; r < rows; r++) {
                for (int64_t c = 0; c < cols; c++) {
                    double u = at(t, uniforms, r * cols + c), z = at(t, normals, r * cols + c),
                           want = exact_normal(t, key, high, first + (uint64_t)r, cols, c);
                    assert_true(u == exact_uniform(t, key, high, first + (uint64_t)r, cols, c));
                    if (!(fabs(z - want) <= (t == AN_F32 ? 2e-6 : 4e-15))) fail_msg("%s: normal %.17g, not %.17g", k->name, z, want);
                }
            }
            k->normal(t, key, high, first + 9, 3, cols, part); /* rows drawn elsewhere in a batch: the same bits */
            assert_memory_equal(part, (char *)normals + (size_t)(9 * cols) * an_dtype_bytes(t), (size_t)(3 * cols) * an_dtype_bytes(t));
            free(uniforms);
            free(normals);
            free(part);
        }
    }
}

/* Moments of 400,000 draws within five standard errors, and the share beyond two standard deviations. */
static void test_moments(void **state)
{
    (void)state;
    enum { ROWS = 4000, COLS = 100, N = ROWS * COLS };
    double *z = malloc(N * sizeof *z);
    EACH_PATH(k) {
        for (int wide = 0; wide < 2; wide++) {
            const an_dtype t = wide ? AN_F64 : AN_F32;
            double sum[5] = { 0 }, beyond = 0, lag = 0, mean = 0, square = 0, low = 1, top = 0;
            k->normal(t, 42, 1, 0, ROWS, COLS, z);
            for (int i = 0; i < N; i++) {
                double x = at(t, z, i), power = 1;
                for (int p = 1; p < 5; p++) sum[p] += power *= x;
                beyond += fabs(x) > 1.959963984540054;
                if (i % 2) lag += x * at(t, z, i - 1);
            }
            const double se = 1 / sqrt(N);
            assert_true(fabs(sum[1] / N) < 5 * se);
            assert_true(fabs(sum[2] / N - 1) < 5 * sqrt(2) * se);
            assert_true(fabs(sum[3] / N) < 5 * sqrt(15) * se);
            assert_true(fabs(sum[4] / N - 3) < 5 * sqrt(96) * se);
            assert_true(fabs(beyond / N - .05) < 5 * sqrt(.05 * .95) * se);
            assert_true(fabs(lag / (N / 2)) < 5 * sqrt(2) * se);
            k->uniform(t, 42, 2, 0, ROWS, COLS, z);
            for (int i = 0; i < N; i++) {
                double x = at(t, z, i);
                mean += x;
                square += x * x;
                low = x < low ? x : low;
                top = x > top ? x : top;
            }
            assert_true(fabs(mean / N - .5) < 5 * sqrt(1 / 12.0) * se);
            assert_true(fabs(square / N - 1 / 3.0) < 5 * sqrt(4 / 45.0) * se);
            assert_true(low >= 0 && low < 1e-4 && top < 1 && top > 1 - 1e-4);
        }
    }
    free(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sum_and_max),
        cmocka_unit_test(test_transpose),
        cmocka_unit_test(test_draws_are_philox),
        cmocka_unit_test(test_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
