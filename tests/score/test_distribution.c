/* Distances of distributions, correlations and quantiles, against SDMetrics', SciPy's and NumPy's values. */
#include "reference.h"
#include "score/order.h"

static void columns_match(void **state)
{
    (void)state;
    json_t *cases = reference("distributions");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        const char *name = json_string_value(json_object_get(c, "name"));
        size_t n, m;
        double *a = numbers(c, "a", &n), *b = numbers(c, "b", &m), low = number(c, "low"), high = number(c, "high");
        near_to(an_ks_complement(a, n, b, m), number(c, "ks_complement"), 1e-14, name);
        near_to(an_ks_complement(b, m, a, n), number(c, "ks_complement"), 1e-14, name);
        near_to(an_wasserstein(a, n, b, m, low, high), number(c, "wasserstein"), 1e-12, name);
        near_to(an_wasserstein(b, m, a, n, low, high), number(c, "wasserstein"), 1e-12, name);
        near_to(an_js_distance(a, n, b, m, low, high, (int)whole(c, "bins")), number(c, "js"), 1e-7,
                name); /* a root: 1e-15 inside is 3e-8 outside */
        free(a);
        free(b);
    }
    json_decref(cases);
}

static void categories_match(void **state)
{
    (void)state;
    json_t *cases = reference("categories");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        size_t n, m;
        double *a = numbers(c, "a", &n), *b = numbers(c, "b", &m);
        int32_t *p = calloc(n, sizeof *p), *q = calloc(m, sizeof *q);
        for (size_t j = 0; j < n; j++) {
            p[j] = (int32_t)a[j];
        }
        for (size_t j = 0; j < m; j++) {
            q[j] = (int32_t)b[j];
        }
        double got = an_tv_complement(p, n, q, m, (int)whole(c, "categories"));
        near_to(got, number(c, "tv_complement"), 1e-14, json_string_value(json_object_get(c, "name")));
        near_to(got, number(c, "sdmetrics"), 1e-5, "SDMetrics, which counts unseen categories as 1e-6 rows");
        free(a);
        free(b);
        free(p);
        free(q);
    }
    json_decref(cases);
    const int32_t code[] = { 0, 7 };
    assert_true(isnan(an_tv_complement(code, 0, code, 2, 3)) && isnan(an_tv_complement(code, 2, code, 0, 3)));
    near_to(an_tv_complement(code, 2, code, 2, 3), 1, 0, "codes beyond the last are one category");
    near_to(an_tv_complement(code, 2, code, 1, 3), 0.5, 0, "codes beyond the last are one category");
}

static void counts_by_hand(void **state)
{
    (void)state;
    const double p[] = { 1, 0 }, q[] = { 0, 5 }, half[] = { 2, 2 }, none[] = { 0, 0 };
    near_to(an_js_distance_counts(p, q, 2), 1, 0, "apart");
    near_to(an_js_distance_counts(half, half, 2), 0, 0, "same");
    near_to(an_js_distance_counts(p, half, 2), sqrt(0.5 * log2(1 / 0.75) + 0.25 * log2(0.5 / 0.75) + 0.25), 1e-15, "one half");
    assert_true(isnan(an_js_distance_counts(p, none, 2)));
    const double far[] = { -100, 0.5, 100 }, inside[] = { 0, 0.5, 1 };
    near_to(an_js_distance(far, 3, inside, 3, 0, 1, 3), 0, 0, "outside falls into the end bins");
    assert_true(isnan(an_js_distance(far, 3, inside, 3, 1, 1, 3)) && isnan(an_js_distance(far, 3, inside, 3, 0, 1, 0)));
}

static void correlation_similarity_matches(void **state)
{
    (void)state;
    json_t *cases = reference("correlations");
    an_pool *pool;
    an_job *job = job_of(2, &pool);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        size_t n, m, d = whole(c, "d");
        double *a = numbers(c, "a", &n), *b = numbers(c, "b", &m);
        double alone = an_correlation_similarity(a, n / d, b, m / d, d, NULL),
               pooled = an_correlation_similarity(a, n / d, b, m / d, d, job);
        near_to(alone, number(c, "similarity"), 1e-9, json_string_value(json_object_get(c, "name")));
        near_to(pooled, alone, 0, "threads");
        free(a);
        free(b);
    }
    an_job_free(job);
    an_pool_free(pool);
    json_decref(cases);
    const double one[] = { 1, 2, 3 };
    assert_true(isnan(an_correlation_similarity(one, 3, one, 3, 1, NULL)) && isnan(an_correlation_similarity(one, 0, one, 1, 3, NULL)));
}

/* Wide enough for several tiles: the product of matrices against pairs one by one. */
static void correlation_similarity_of_many_columns(void **state)
{
    (void)state;
    enum { N = 600, M = 77, D = 61 };
    double *a = calloc(N * D, sizeof *a), *b = calloc(M * D, sizeof *b), x[N], y[N], u[M], v[M], sum = 0;
    an_rng rng = an_rng_at(2, 0);
    for (int i = 0; i < N * D; i++) {
        a[i] = an_rng_normal(&rng) + 50 + (i % D ? 0.4 * a[i - 1] : 0);
    }
    for (int i = 0; i < M * D; i++) {
        b[i] = an_rng_normal(&rng) - 9;
    }
    for (int i = 0; i < D; i++) {
        for (int j = 0; j < i; j++) {
            for (int r = 0; r < N; r++) {
                x[r] = a[r * D + i];
                y[r] = a[r * D + j];
            }
            for (int r = 0; r < M; r++) {
                u[r] = b[r * D + i];
                v[r] = b[r * D + j];
            }
            sum += 1 - fabs(an_correlation(x, y, N) - an_correlation(u, v, M)) / 2;
        }
    }
    near_to(an_correlation_similarity(a, N, b, M, D, NULL), sum / (D * (D - 1) / 2), 1e-12, "many columns");
    free(a);
    free(b);
}

static void correlation_edges(void **state)
{
    (void)state;
    const double x[] = { 1, 2, 3, NAN }, y[] = { 2, 4, 6, 1 }, flat[] = { 0.1, 0.1, 0.1, 0.1 }, down[] = { 5, 4, 3, 9 };
    near_to(an_correlation(x, y, 4), 1, 1e-15, "straight");
    near_to(an_correlation(x, down, 4), -1, 1e-15, "falling");
    assert_true(isnan(an_correlation(flat, y, 4)) && isnan(an_correlation(y, flat, 4)) && isnan(an_correlation(x, y, 0)) &&
                isnan(an_correlation(x, y, 1)));
}

static void quantiles_match_numpy(void **state)
{
    (void)state;
    json_t *cases = reference("quantiles");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        size_t n;
        double *values = numbers(c, "values", &n);
        near_to(an_quantile(values, n, number(c, "q")), number(c, "value"), 1e-15, "quantile");
        for (size_t j = 1; j < n; j++) {
            assert_false(values[j] < values[j - 1]);
        }
        free(values);
    }
    json_decref(cases);
    double one[] = { 1 };
    assert_true(isnan(an_quantile(one, 1, 1.5)) && isnan(an_quantile(one, 1, NAN)));
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sorting_matches_qsort(void **state)
{
    (void)state;
    an_rng rng = an_rng_at(4, 0);
    for (size_t n = 0; n < 3000; n = n * 2 + 1) {
        for (int kind = 0; kind < 4; kind++) {
            double *v = calloc(n + 1, sizeof *v), *w = calloc(n + 1, sizeof *w), *scratch = calloc(n + 1, sizeof *scratch);
            for (size_t i = 0; i < n; i++) {
                uint64_t bits = an_rng_u64(&rng);
                memcpy(&v[i], &bits, sizeof bits);
                v[i] = kind == 0   ? (isnan(v[i]) ? -INFINITY : v[i])
                       : kind == 1 ? an_rng_uniform(&rng)
                       : kind == 2 ? (double)(bits % 5) - 2
                                   : 1;
                v[i] = kind == 2 && v[i] == 0 && bits & 64 ? -0.0 : v[i];
                w[i] = v[i];
            }
            an__sort_reals(v, n, scratch);
            qsort(w, n, sizeof *w, compare);
            for (size_t i = 0; i < n; i++) {
                assert_true(v[i] == w[i]);
            }
            free(v);
            free(w);
            free(scratch);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_match),
        cmocka_unit_test(categories_match),
        cmocka_unit_test(counts_by_hand),
        cmocka_unit_test(correlation_similarity_matches),
        cmocka_unit_test(correlation_similarity_of_many_columns),
        cmocka_unit_test(correlation_edges),
        cmocka_unit_test(quantiles_match_numpy),
        cmocka_unit_test(sorting_matches_qsort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
