/* Gram matrices, Cholesky's factorisation and nearest distances, for every instruction set of this machine, against plain loops. */
#include "reference.h"
#include "score/dense.h"

static const char *const sets[] = { "plain", "avx2", "avx512" };

static double *normal_matrix(size_t n, size_t d, uint64_t seed)
{
    double *x = calloc(n * d + 1, sizeof *x);
    an_rng rng = an_rng_at(seed, 0);
    for (size_t i = 0; i < n * d; i++) {
        x[i] = an_rng_normal(&rng);
    }
    return x;
}

static void gram_matches_loops(void **state)
{
    (void)state;
    const size_t shapes[][2] = { { 1, 1 }, { 3, 2 }, { 5, 24 }, { 300, 25 }, { 257, 47 }, { 512, 8 }, { 513, 49 }, { 70, 100 }, { 0, 5 } };
    for (size_t s = 0; s < AN_COUNT(shapes); s++) {
        size_t n = shapes[s][0], d = shapes[s][1];
        double *z = normal_matrix(n, d, s);
        for (size_t k = 0; k < AN_COUNT(sets); k++) {
            const an__dense *set = an__dense_named(sets[k]);
            if (!set) {
                continue;
            }
            double *gram = calloc(d * d, sizeof *gram);
            for (size_t i = 0; i < d * d; i++) {
                gram[i] = (double)i;
            }
            an__gram_add(set, z, n, d, gram);
            for (size_t i = 0; i < d; i++) {
                for (size_t j = 0; j < d; j++) {
                    double sum = (double)(i * d + j);
                    for (size_t r = 0; r < n && j <= i; r++) { /* above the diagonal nothing is touched */
                        sum += z[r * d + i] * z[r * d + j];
                    }
                    near_to(gram[i * d + j], sum, 1e-12, sets[k]);
                }
            }
            free(gram);
        }
        free(z);
    }
}

static void cholesky_matches_its_definition(void **state)
{
    (void)state;
    const size_t sizes[] = { 1, 2, 7, 24, 47, 48, 49, 96, 97, 131, 200 };
    for (size_t s = 0; s < AN_COUNT(sizes); s++) {
        size_t d = sizes[s];
        double *z = normal_matrix(d + 5, d, s);
        for (size_t k = 0; k < AN_COUNT(sets); k++) {
            const an__dense *set = an__dense_named(sets[k]);
            if (!set) {
                continue;
            }
            double *a = calloc(d * d, sizeof *a), *l = calloc(d * d, sizeof *l), *x = normal_matrix(d, 1, 77), *b = calloc(d, sizeof *b);
            for (size_t i = 0; i < d; i++) {
                a[i * d + i] = 1;
            }
            an__gram_add(set, z, d + 5, d, a);
            memcpy(l, a, d * d * sizeof *a);
            assert_true(an__cholesky(set, l, d));
            for (size_t i = 0; i < d; i++) {
                for (size_t j = 0; j < d; j++) {
                    double sum = 0;
                    for (size_t t = 0; t <= j && j <= i; t++) {
                        sum += l[i * d + t] * l[j * d + t];
                    }
                    if (j <= i) {
                        near_to(sum, a[i * d + j], 1e-11, sets[k]);
                    }
                    b[i] += (j <= i ? a[i * d + j] : a[j * d + i]) * x[j];
                }
            }
            an_cholesky_solve(l, d, b);
            for (size_t i = 0; i < d; i++) {
                near_to(b[i], x[i], 1e-9, "solution");
            }
            a[(d - 1) * d + d - 1] = -1; /* no longer positive definite, seen only at the last step */
            assert_false(an__cholesky(set, a, d));
            free(a);
            free(l);
            free(x);
            free(b);
        }
        free(z);
    }
    double bad[] = { NAN };
    assert_false(an_cholesky(bad, 1));
}

static void distances_match_scipy(void **state)
{
    (void)state;
    json_t *c = reference("nearest");
    size_t n, m, count, d = whole(c, "d");
    double *a = numbers(c, "a", &n), *b = numbers(c, "b", &m), *other = numbers(c, "to_other", &count), *own = numbers(c, "own", &count),
           got[64];
    an_nearest_distances(a, n / d, b, m / d, d, false, got, NULL);
    for (size_t i = 0; i < n / d; i++) {
        near_to(got[i], other[i], 1e-14, "to another");
    }
    assert_true(got[3] == 0); /* an exact copy */
    an_nearest_distances(b, m / d, b, m / d, d, true, got, NULL);
    for (size_t i = 0; i < m / d; i++) {
        near_to(got[i], own[i], 1e-14, "own");
    }
    free(a);
    free(b);
    free(other);
    free(own);
    json_decref(c);
}

static double plain_nearest(const double *a, size_t i, const double *b, size_t m, size_t d, bool skip)
{
    double best = INFINITY;
    for (size_t j = 0; j < m; j++) {
        double sum = 0;
        for (size_t c = 0; c < d; c++) {
            sum += (a[i * d + c] - b[j * d + c]) * (a[i * d + c] - b[j * d + c]);
        }
        best = sum < best && !(skip && i == j) ? sum : best;
    }
    return isinf(best) ? NAN : sqrt(best);
}

/* Bit for bit the plain loop, also where squares cancel (an offset of 1e6), with copies, gaps and huge values, for any number of threads.
 */
static void distances_are_exact(void **state)
{
    (void)state;
    const size_t shapes[][3] = { { 1, 1, 1 }, { 50, 70, 3 }, { 25, 24, 66 }, { 101, 149, 17 }, { 7, 1000, 2 }, { 200, 200, 5 } };
    an_pool *pool;
    an_job *job = job_of(3, &pool);
    for (size_t s = 0; s < AN_COUNT(shapes); s++) {
        size_t n = shapes[s][0], m = shapes[s][1], d = shapes[s][2];
        for (int kind = 0; kind < 4; kind++) {
            double *a = normal_matrix(n, d, 1), *b = normal_matrix(m, d, 2), *one = calloc(n, sizeof *one),
                   *three = calloc(n, sizeof *three);
            for (size_t i = 0; i < n * d; i++) {
                a[i] = kind == 1 ? 1e6 + a[i] : kind == 2 ? rint(a[i]) : a[i];
            }
            for (size_t i = 0; i < m * d; i++) {
                b[i] = kind == 1 ? 1e6 + b[i] : kind == 2 ? rint(b[i]) : b[i];
            }
            memcpy(b, a + (n - 1) * d, d * sizeof *b);
            if (kind == 3) {
                b[(m - 1) * d] = 1e200;
                b[m / 2 * d] = NAN;
                a[n / 2 * d] = NAN;
            }
            an_nearest_distances(a, n, b, m, d, false, one, NULL);
            an_nearest_distances(a, n, b, m, d, false, three, job);
            assert_memory_equal(one, three, n * sizeof *one);
            for (size_t i = 0; i < n; i++) {
                near_to(one[i], plain_nearest(a, i, b, m, d, false), 0, "nearest");
            }
            an_nearest_distances(a, n, a, n, d, true, one, job);
            for (size_t i = 0; i < n; i++) {
                near_to(one[i], plain_nearest(a, i, a, n, d, true), 0, "nearest other");
            }
            free(a);
            free(b);
            free(one);
            free(three);
        }
    }
    an_job_free(job);
    an_pool_free(pool);
    double none = 0, value = 3;
    an_nearest_distances(&value, 1, NULL, 0, 1, false, &none, NULL);
    assert_true(isnan(none)); /* nobody to be near to */
    an_nearest_distances(&value, 1, &value, 1, 1, true, &none, NULL);
    assert_true(isnan(none));
}

typedef struct shared_gram {
    const double *z;
    double *gram;
} shared_gram;

static void gram_body(void *context, size_t index, int worker)
{
    (void)worker;
    shared_gram *s = context;
    an_gram_add(s->z, 300, 40, s->gram + index * 1600);
}

static void callable_from_any_thread(void **state)
{
    (void)state;
    enum { CALLS = 64 };
    double *z = normal_matrix(300, 40, 6), *gram = calloc(CALLS * 1600, sizeof *gram);
    an_pool *pool = an_pool_new(4);
    shared_gram s = { z, gram };
    an_pool_each(pool, CALLS, gram_body, &s);
    for (int i = 1; i < CALLS; i++) {
        assert_memory_equal(gram, gram + i * 1600, 1600 * sizeof *gram);
    }
    an_pool_free(pool);
    free(z);
    free(gram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gram_matches_loops),  cmocka_unit_test(cholesky_matches_its_definition), cmocka_unit_test(distances_match_scipy),
        cmocka_unit_test(distances_are_exact), cmocka_unit_test(callable_from_any_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
