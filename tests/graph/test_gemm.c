/* test_gemm.c - matrix products of every CPU path against OpenBLAS in double precision, over several hundred odd shapes; bits that must not
 * depend on the batch, the packing or the threads. */
#include "graph/kernel.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

static const char *const PATHS[] = { "avx512", "avx2", "neon", "plain" };

/* One case with everything it needs; values of type t beside doubles for the oracle. */
typedef struct problem {
    an_dtype t;
    bool ta, tb, accumulate, leaky, with_bias, with_times, packed;
    int64_t m, n, k, lda, ldb, ldc;
    void *a, *b, *c, *bias, *times;
    double *da, *db, *dc, *dbias, *dtimes;
    size_t na, nb, nc;
} problem;

static void *fill(an_dtype t, size_t n, double **copy, an_rng *r)
{
    void *values = malloc((n ? n : 1) * an_dtype_bytes(t)); /* exact size: the address sanitizer sees reads past the end */
    *copy = malloc((n ? n : 1) * sizeof(double));
    assert_non_null(values);
    for (size_t i = 0; i < n; i++) {
        double v = 2 * an_rng_uniform(r) - 1;
        if (t == AN_F32) v = (float)v, ((float *)values)[i] = (float)v;
        if (t == AN_F64) ((double *)values)[i] = v;
        (*copy)[i] = v;
    }
    return values;
}

static void make(problem *p, an_rng *r)
{
    int64_t a_rows = p->ta ? p->k : p->m, a_cols = p->ta ? p->m : p->k, b_rows = p->tb ? p->n : p->k, b_cols = p->tb ? p->k : p->n;
    p->lda = a_cols + (int64_t)an_rng_below(r, 4);
    p->ldb = b_cols + (int64_t)an_rng_below(r, 4);
    p->ldc = p->n + (int64_t)an_rng_below(r, 4);
    p->na = a_rows && a_cols ? (size_t)((a_rows - 1) * p->lda + a_cols) : 0;
    p->nb = b_rows && b_cols ? (size_t)((b_rows - 1) * p->ldb + b_cols) : 0;
    p->nc = p->m && p->n ? (size_t)((p->m - 1) * p->ldc + p->n) : 0;
    p->a = fill(p->t, p->na, &p->da, r);
    p->b = fill(p->t, p->nb, &p->db, r);
    p->c = fill(p->t, p->nc, &p->dc, r);
    p->bias = fill(p->t, (size_t)p->n, &p->dbias, r);
    p->times = fill(p->t, p->nc, &p->dtimes, r);
}

static void drop(problem *p)
{
    void *all[] = { p->a, p->b, p->c, p->bias, p->times, p->da, p->db, p->dc, p->dbias, p->dtimes };
    for (size_t i = 0; i < AN_COUNT(all); i++) free(all[i]);
}

enum { SLOPE_IN_TENTHS = 2, CANARY = 0x5a };

/* Runs the kernels over p into c (ldc of p), checking that scratch and packed memory are as large as they said. */
static void run(const an_kernels *k, const problem *p, void *c)
{
    size_t bytes = k->gemm_scratch(p->t, p->m, p->n, p->k, p->ta, p->tb), packed_bytes = k->pack_bytes(p->t, p->k, p->n);
    unsigned char *scratch = aligned_alloc(64, (bytes + 128) / 64 * 64 + 64),
                  *packed = aligned_alloc(64, (packed_bytes + 128) / 64 * 64 + 64);
    memset(scratch, CANARY, (bytes + 128) / 64 * 64 + 64);
    memset(packed, CANARY, (packed_bytes + 128) / 64 * 64 + 64);
    an_gemm g = { .ta = p->ta,
                  .tb = p->tb,
                  .accumulate = p->accumulate,
                  .m = p->m,
                  .n = p->n,
                  .k = p->k,
                  .lda = p->lda,
                  .ldb = p->ldb,
                  .ldc = p->ldc,
                  .a = p->a,
                  .b = p->b,
                  .c = c,
                  .leaky = p->leaky,
                  .slope = SLOPE_IN_TENTHS / 10.0,
                  .scratch = scratch };
    if (p->with_bias) g.bias = p->bias;
    if (p->with_times) g.times = p->times;
    if (p->packed) {
        k->pack_b(p->t, p->tb, p->k, p->n, p->b, p->ldb, packed);
        g.packed = packed;
        g.b = NULL;
    }
    k->gemm(p->t, &g);
    for (int i = 0; i < 64; i++) {
        assert_int_equal(scratch[bytes + (size_t)i], CANARY);
        assert_int_equal(packed[packed_bytes + (size_t)i], CANARY);
    }
    free(scratch);
    free(packed);
}

static double at(an_dtype t, const void *values, size_t i)
{
    return t == AN_F32 ? (double)((const float *)values)[i] : ((const double *)values)[i];
}

/* The worst error as a share of the bound (k + 4) u (|A| |B| + ...), which holds for any order of summation. */
static void compare(const char *path, const problem *p, const void *c)
{
    size_t cells = (size_t)(p->m * p->n);
    double *exact = calloc(cells + 1, sizeof *exact), *bound = calloc(cells + 1, sizeof *bound), *abs_a = malloc((p->na + 1) * 8),
           *abs_b = malloc((p->nb + 1) * 8);
    for (size_t i = 0; i < p->na; i++) abs_a[i] = fabs(p->da[i]);
    for (size_t i = 0; i < p->nb; i++) abs_b[i] = fabs(p->db[i]);
    if (cells && p->k) {
        CBLAS_TRANSPOSE ta = p->ta ? CblasTrans : CblasNoTrans, tb = p->tb ? CblasTrans : CblasNoTrans;
        cblas_dgemm(CblasRowMajor, ta, tb, (int)p->m, (int)p->n, (int)p->k, 1, p->da, (int)p->lda, p->db, (int)p->ldb, 0, exact, (int)p->n);
        cblas_dgemm(CblasRowMajor, ta, tb, (int)p->m, (int)p->n, (int)p->k, 1, abs_a, (int)p->lda, abs_b, (int)p->ldb, 0, bound, (int)p->n);
    }
    double unit = p->t == AN_F32 ? 0x1p-24 : 0x1p-53;
    for (int64_t i = 0; i < p->m; i++) {
        for (int64_t j = 0; j < p->n; j++) {
            size_t cell = (size_t)(i * p->n + j), place = (size_t)(i * p->ldc + j);
            double want = exact[cell], limit = bound[cell];
            if (p->accumulate) want += p->dc[place], limit += fabs(p->dc[place]);
            if (p->with_bias) want += p->dbias[j], limit += fabs(p->dbias[j]);
            limit = (double)(p->k + 6) * unit * limit * (p->t == AN_F64 ? 2 : 1); /* the oracle rounds too */
            if (p->leaky && want <= 0) want *= SLOPE_IN_TENTHS / 10.0;
            if (p->with_times) want *= p->dtimes[place];
            double got = at(p->t, c, place);
            if (!(fabs(got - want) <= limit)) {
                fail_msg("%s %s %lldx%lldx%lld ta %d tb %d packed %d: element %lld,%lld is %.9g, not %.9g (limit %g)", path,
                         an_dtype_name(p->t), (long long)p->m, (long long)p->n, (long long)p->k, p->ta, p->tb, p->packed, (long long)i,
                         (long long)j, got, want, limit);
            }
        }
    }
    free(exact);
    free(bound);
    free(abs_a);
    free(abs_b);
}

static void *copy_of(const problem *p)
{
    size_t bytes = p->nc * an_dtype_bytes(p->t);
    void *c = malloc(bytes ? bytes : 1);
    memcpy(c, p->c, bytes);
    return c;
}

/* between the rows of C nothing may change */
static void check_gaps(const problem *p, const void *c)
{
    for (int64_t i = 0; i + 1 < p->m; i++) {
        for (int64_t j = p->n; j < p->ldc; j++)
            assert_true(at(p->t, c, (size_t)(i * p->ldc + j)) == at(p->t, p->c, (size_t)(i * p->ldc + j)));
    }
}

static void each_case(const char *path, int cases, uint64_t stream)
{
    const an_kernels *k = an__kernels(path);
    if (!k) return;
    an_rng r = an_rng_at(7, stream);
    for (int i = 0; i < cases; i++) {
        static const int64_t sizes[] = { 1,  1,  2,  3,  4,  5,  7,  8,  11, 13, 14, 15, 16,  17, 23,
                                         28, 29, 31, 32, 33, 48, 63, 64, 65, 66, 81, 97, 127, 130 };
        static const int64_t depths[] = { 0, 1, 2, 3, 5, 8, 15, 16, 17, 31, 64, 66, 100, 127, 129, 255, 256, 257, 300, 513 };
        problem p = { .t = i % 2 ? AN_F64 : AN_F32, .ta = i / 2 % 2, .tb = i / 4 % 2, .packed = i / 8 % 2 };
        p.m = sizes[an_rng_below(&r, AN_COUNT(sizes))];
        p.n = sizes[an_rng_below(&r, AN_COUNT(sizes))];
        p.k = depths[an_rng_below(&r, AN_COUNT(depths))];
        if (i % 41 == 40) p.n = 300 + (int64_t)an_rng_below(&r, 500); /* several blocks of columns */
        if (i % 37 == 36) p.m = 200 + (int64_t)an_rng_below(&r, 150);
        uint64_t options = an_rng_below(&r, 16);
        p.accumulate = options & 1;
        p.with_bias = options & 2;
        p.leaky = options & 4;
        p.with_times = options & 8;
        make(&p, &r);
        void *c = copy_of(&p);
        run(k, &p, c);
        compare(path, &p, c);
        check_gaps(&p, c);
        /* packing must not change a bit */
        void *other = copy_of(&p);
        p.packed = !p.packed;
        run(k, &p, other);
        assert_memory_equal(c, other, p.nc * an_dtype_bytes(p.t));
        free(other);
        free(c);
        drop(&p);
    }
}

#ifdef ANDON_SANITIZED
enum { CASES = 120 };
#else
enum { CASES = 420 };
#endif

static void test_against_openblas(void **state)
{
    (void)state;
    int tried = 0;
    for (size_t i = 0; i < AN_COUNT(PATHS); i++) {
        tried += an_cpu_available(PATHS[i]);
        each_case(PATHS[i], CASES, i);
    }
    assert_true(tried >= 1);
}

/* A row multiplied alone, in a batch of any size and at any place in it, has the same bits. */
static void test_rows_are_independent(void **state)
{
    (void)state;
    static const int64_t shapes[][2] = { { 64, 64 }, { 66, 100 }, { 1, 300 }, { 5, 33 }, { 256, 300 }, { 33, 257 }, { 2, 7 } };
    for (size_t i = 0; i < AN_COUNT(PATHS); i++) {
        const an_kernels *k = an__kernels(PATHS[i]);
        if (!k) continue;
        for (size_t s = 0; s < 2 * AN_COUNT(shapes); s++) {
            an_rng r = an_rng_at(3, s);
            problem p = { .t = s % 2 ? AN_F64 : AN_F32,
                          .m = 67,
                          .n = shapes[s / 2][0],
                          .k = shapes[s / 2][1],
                          .tb = s / 2 % 2,
                          .with_bias = true,
                          .leaky = true };
            make(&p, &r);
            void *c = copy_of(&p);
            size_t size = an_dtype_bytes(p.t);
            run(k, &p, c);
            for (int64_t first = 0; first < p.m; first += 9) {
                for (int64_t rows = 1; rows <= 17 && first + rows <= p.m; rows += 4) {
                    problem part = p;
                    part.m = rows;
                    part.a = (char *)p.a + (size_t)(first * p.lda) * size;
                    void *d = copy_of(&p);
                    run(k, &part, d);
                    for (int64_t row = 0; row < rows; row++) {
                        assert_memory_equal((char *)d + (size_t)(row * p.ldc) * size, (char *)c + (size_t)((first + row) * p.ldc) * size,
                                            (size_t)p.n * size);
                    }
                    free(d);
                }
            }
            free(c);
            drop(&p);
        }
    }
}

static void test_threads_change_no_bits(void **state)
{
    (void)state;
    static const int64_t shapes[][3] = { { 700, 130, 90 }, { 40, 700, 333 }, { 1500, 1, 3001 }, { 30, 513, 400 }, { 3, 5, 2 } };
    for (size_t i = 0; i < AN_COUNT(PATHS); i++) {
        if (!an_cpu_available(PATHS[i])) {
            float x = 0;
            assert_false(an_gemm_f32(PATHS[i], false, false, 1, 1, 1, &x, 1, &x, 1, &x, 1, false, NULL));
            continue;
        }
        for (size_t s = 0; s < AN_COUNT(shapes); s++) {
            problem p = {
                .t = AN_F32, .m = shapes[s][0], .n = shapes[s][1], .k = shapes[s][2], .ta = s % 2, .tb = s == 3, .accumulate = s == 1
            };
            problem q = p;
            an_rng r = an_rng_at(11, s);
            q.t = AN_F64;
            make(&p, &r);
            make(&q, &r);
            void *one = copy_of(&p), *one_d = copy_of(&q);
            assert_true(an_gemm_f32(PATHS[i], p.ta, p.tb, p.m, p.n, p.k, p.a, p.lda, p.b, p.ldb, one, p.ldc, p.accumulate, NULL));
            assert_true(an_gemm_f64(PATHS[i], q.ta, q.tb, q.m, q.n, q.k, q.a, q.lda, q.b, q.ldb, one_d, q.ldc, q.accumulate, NULL));
            compare(PATHS[i], &p, one);
            compare(PATHS[i], &q, one_d);
            for (int threads = 2; threads <= 5; threads += 3) {
                an_pool *pool = an_pool_new(threads);
                void *many = copy_of(&p), *many_d = copy_of(&q);
                assert_true(an_gemm_f32(PATHS[i], p.ta, p.tb, p.m, p.n, p.k, p.a, p.lda, p.b, p.ldb, many, p.ldc, p.accumulate, pool));
                assert_true(an_gemm_f64(PATHS[i], q.ta, q.tb, q.m, q.n, q.k, q.a, q.lda, q.b, q.ldb, many_d, q.ldc, q.accumulate, pool));
                assert_memory_equal(one, many, p.nc * 4);
                assert_memory_equal(one_d, many_d, q.nc * 8);
                free(many);
                free(many_d);
                an_pool_free(pool);
            }
            free(one);
            free(one_d);
            drop(&p);
            drop(&q);
        }
    }
}

/* NaN and infinity of one row stay in that row; padding does not turn them up elsewhere. */
static void test_not_a_number_stays_in_its_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(PATHS); i++) {
        const an_kernels *k = an__kernels(PATHS[i]);
        if (!k) continue;
        an_rng r = an_rng_at(5, 1);
        problem p = { .t = AN_F32, .m = 31, .n = 19, .k = 40 };
        make(&p, &r);
        ((float *)p.a)[7 * p.lda + 3] = NAN;
        ((float *)p.a)[9 * p.lda + 3] = INFINITY;
        float *c = copy_of(&p);
        run(k, &p, c);
        for (int64_t row = 0; row < p.m; row++) {
            for (int64_t j = 0; j < p.n; j++) {
                float v = c[row * p.ldc + j];
                assert_true(row == 7 ? isnan(v) : row == 9 ? isinf(v) : isfinite(v));
            }
        }
        free(c);
        drop(&p);
    }
}

static void test_paths(void **state)
{
    (void)state;
    assert_non_null(an_cpu_path());
    assert_true(an_cpu_available(an_cpu_path()));
    assert_true(an_cpu_available("plain"));
    assert_false(an_cpu_available("vax"));
    assert_false(an_cpu_available(NULL));
    setenv("ANDON_CPU", "plain", 1);
    assert_string_equal(an_cpu_path(), "plain");
    if (an_cpu_available("avx2")) {
        setenv("ANDON_CPU", "avx2", 1);
        assert_string_equal(an_cpu_path(), "avx2");
    }
    unsetenv("ANDON_CPU");
    const char *best = an_cpu_path();
    setenv("ANDON_CPU", "vax", 1); /* unknown: as if unset */
    assert_string_equal(an_cpu_path(), best);
    unsetenv("ANDON_CPU");
}

static void test_float_mode(void **state)
{
    (void)state;
    volatile float tiny = 1e-30f, zero;
    uint64_t mode = an__float_mode_enter();
    zero = tiny * 1e-12f;
    an__float_mode_leave(mode);
    assert_true(zero == 0);
    zero = tiny * 1e-12f;
    assert_true(zero > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_openblas),
        cmocka_unit_test(test_rows_are_independent),
        cmocka_unit_test(test_threads_change_no_bits),
        cmocka_unit_test(test_not_a_number_stays_in_its_row),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_float_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
