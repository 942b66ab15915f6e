/* Principal components and k-means, against scikit-learn's values and cases known by hand. */
#include "reference.h"

static void components_match_scikit_learn(void **state)
{
    (void)state;
    json_t *cases = reference("pca");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        const char *name = json_string_value(json_object_get(c, "name"));
        size_t n = whole(c, "n"), d = whole(c, "d"), k = whole(c, "k"), count;
        double *x = numbers(c, "x", &count), *mean = numbers(c, "mean", &count), *axes = numbers(c, "axes", &count);
        double *explained = numbers(c, "explained", &count), *projected = numbers(c, "projected", &count),
               *out = calloc(n * k, sizeof *out);
        an_error err = { 0 };
        an_pca *p = an_pca_fit(x, n, d, k, &err);
        assert_non_null(p);
        an_pca_apply(p, x, n, out);
        for (size_t j = 0; j < d; j++) {
            near_to(p->mean[j], mean[j], 1e-13, name);
        }
        for (size_t j = 0; j < k * d; j++) {
            near_to(p->axes[j], axes[j], 1e-9, name);
        }
        for (size_t j = 0; j < k; j++) {
            near_to(p->explained[j], explained[j], 1e-12, name);
        }
        for (size_t j = 0; j < n * k; j++) {
            near_to(out[j], projected[j], 1e-8, name);
        }
        double single[8];
        an_pca_apply(p, x + (n - 1) * d, 1, single);
        assert_memory_equal(single, out + (n - 1) * k, k * sizeof *single); /* a row does not know its batch */
        an_pca_free(p);
        free(x);
        free(mean);
        free(axes);
        free(explained);
        free(projected);
        free(out);
    }
    json_decref(cases);
}

static void components_of_thin_data(void **state)
{
    (void)state;
    const double line[] = { 0, 0, 0, 1, 1, 0, 2, 2, 0, 5, 5, 0 }, root = sqrt(0.5);
    an_pca *p = an_pca_fit(line, 4, 3, 3, NULL);
    assert_non_null(p);
    near_to(p->axes[0], root, 1e-12, "the line");
    near_to(p->axes[1], root, 1e-12, "the line");
    near_to(p->explained[0], 1, 1e-12, "all of it");
    for (int j = 3; j < 9; j++) {
        assert_true(p->axes[j] == 0);
    }
    assert_true(p->explained[1] == 0 && p->explained[2] == 0);
    an_pca_free(p);
    const double same[] = { 4, 5, 4, 5 };
    p = an_pca_fit(same, 2, 2, 1, NULL);
    assert_true(p && p->explained[0] == 0 && p->axes[0] == 0);
    an_pca_free(p);
    p = an_pca_fit(same, 1, 4, 2, NULL); /* one row */
    assert_true(p && p->explained[0] == 0 && p->mean[3] == 5);
    an_pca_free(p);
    an_pca_free(NULL);
    an_error err = { 0 };
    const double gap[] = { 1, 2, 3, NAN };
    assert_null(an_pca_fit(gap, 2, 2, 1, &err));
    assert_int_equal(err.code, AN_INPUT);
    assert_non_null(strstr(err.message, "row 2, column 2"));
    assert_null(an_pca_fit(same, 2, 2, 3, &err));
    assert_null(an_pca_fit(same, 0, 2, 1, &err));
    const double huge[] = { 1e300, -1e300 };
    assert_null(an_pca_fit(huge, 2, 1, 1, &err));
    assert_int_equal(err.code, AN_INPUT);
}

static void clusters_match_scikit_learn(void **state)
{
    (void)state;
    json_t *cases = reference("kmeans");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        size_t n = whole(c, "n"), d = whole(c, "d"), k = whole(c, "k"), count;
        double *x = numbers(c, "x", &count), *one = calloc(k * d, sizeof *one), *two = calloc(k * d, sizeof *two), sum = 0;
        uint32_t *assignment = calloc(n, sizeof *assignment), *again = calloc(n, sizeof *again);
        double inertia = an_kmeans(x, n, d, k, 20, 7, NULL, assignment, one);
        near_to(inertia, number(c, "inertia"), 1e-9, "inertia");
        for (size_t r = 0; r < n; r++) { /* inertia and assignment belong to the centroids returned */
            double nearest = INFINITY, own = 0;
            for (size_t q = 0; q < k; q++) {
                double s = 0;
                for (size_t j = 0; j < d; j++) {
                    s += (x[r * d + j] - one[q * d + j]) * (x[r * d + j] - one[q * d + j]);
                }
                nearest = fmin(nearest, s);
                own = assignment[r] == q ? s : own;
            }
            assert_true(own <= nearest * (1 + 1e-14));
            sum += own;
        }
        near_to(sum, inertia, 1e-12, "inertia");
        an_pool *pool;
        an_job *job = job_of(3, &pool);
        assert_true(an_kmeans(x, n, d, k, 20, 7, job, again, two) == inertia);
        assert_memory_equal(one, two, k * d * sizeof *one);
        assert_memory_equal(assignment, again, n * sizeof *again);
        an_job_free(job);
        an_pool_free(pool);
        free(x);
        free(one);
        free(two);
        free(assignment);
        free(again);
    }
    json_decref(cases);
}

static void clusters_of_few_rows(void **state)
{
    (void)state;
    const double x[] = { 1, 1, 1, 5 }, gap[] = { 1, NAN };
    uint32_t assignment[4];
    double centroids[4];
    assert_true(an_kmeans(x, 4, 1, 2, 3, 1, NULL, assignment, centroids) == 0);
    assert_true(assignment[0] == assignment[1] && assignment[0] == assignment[2] && assignment[0] != assignment[3]);
    assert_true(an_kmeans(x, 4, 1, 4, 3, 1, NULL, assignment, centroids) == 0); /* more clusters than distinct rows */
    assert_true(isnan(an_kmeans(x, 3, 1, 4, 3, 1, NULL, assignment, centroids)));
    assert_true(isnan(an_kmeans(x, 0, 1, 1, 3, 1, NULL, assignment, centroids)));
    assert_true(isnan(an_kmeans(gap, 2, 1, 1, 3, 1, NULL, assignment, centroids)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(components_match_scikit_learn),
        cmocka_unit_test(components_of_thin_data),
        cmocka_unit_test(clusters_match_scikit_learn),
        cmocka_unit_test(clusters_of_few_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
