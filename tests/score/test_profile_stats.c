/* Statistics of a profile: capability, association, steps and drift, clusters, against tests/reference/profile.json (record_profile.py),
 * and closed forms where there are some. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "andon/score.h"

static json_t *all;

static int load(void **state)
{
    (void)state;
    json_error_t e;
    all = json_load_file(AN_SOURCE_DIR "/tests/reference/profile.json", 0, &e);
    return all ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    json_decref(all);
    return 0;
}

static json_t *section(const char *name)
{
    json_t *list = json_object_get(all, name);
    assert_true(json_array_size(list) > 0);
    return list;
}

static double num(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static double item(const json_t *a, size_t i)
{
    const json_t *v = json_array_get(a, i);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static void near(double got, double want, double tolerance, const char *what)
{
    if (isnan(want) && isnan(got)) return;
    if (!(fabs(got - want) <= tolerance * fmax(1, fabs(want)))) fail_msg("%s: %.15g instead of %.15g", what, got, want);
}

static double *values(const json_t *a, size_t *n)
{
    *n = json_array_size(a);
    double *x = calloc(*n + 1, sizeof *x);
    for (size_t i = 0; i < *n; i++) x[i] = item(a, i);
    return x;
}

static void test_chi2(void **state)
{
    (void)state;
    json_t *o;
    size_t i;
    json_array_foreach(section("chi2_quantile"), i, o) near(an_chi2_quantile(item(o, 0), item(o, 1)), item(o, 2), 2e-9, "quantile");
    json_array_foreach(section("chi2_noncentral"), i, o)
        near(an_chi2_noncentral(item(o, 0), item(o, 1), item(o, 2)), item(o, 3), 1e-9, "noncentral");
    near(an_chi2_quantile(0.5, 2), 2 * log(2), 1e-11, "exponential");
    assert_true(isnan(an_chi2_quantile(0.5, 0)) && an_chi2_quantile(0, 3) == 0);
    near(an_chi2_noncentral(3, 2, 0), 1 - exp(-1.5), 1e-12, "central");
    near(an_chi2_noncentral(30000, 1, 30000), 0.5, 5e-3, "large noncentrality");
}

static void test_capability(void **state)
{
    (void)state;
    json_t *o;
    size_t i;
    json_array_foreach(section("capability"), i, o) {
        size_t n, k, groups = (size_t)num(o, "groups");
        double *x = values(json_object_get(o, "x"), &n);
        const json_t *codes = json_object_get(o, "group");
        int32_t *group = calloc(n, sizeof *group);
        for (k = 0; k < n && groups; k++) group[k] = (int32_t)item(codes, k);
        an_capability c;
        assert_true(an_capability_of(x, n, groups ? group : NULL, groups, num(o, "low"), num(o, "high"), &c));
        near(c.within, num(o, "within"), 1e-12, "within");
        near(c.overall, num(o, "overall"), 1e-12, "overall");
        const double mine[2][6] = { { c.cp, c.cp_low, c.cp_high, c.cpk, c.cpk_low, c.cpk_high },
                                    { c.pp, c.pp_low, c.pp_high, c.ppk, c.ppk_low, c.ppk_high } };
        static const char *const keys[] = { "c", "p" };
        for (k = 0; k < 12; k++) near(mine[k / 6][k % 6], item(json_object_get(o, keys[k / 6]), k % 6), 1e-9, "index");
        free(x);
        free(group);
    }
    near(num(all, "moving_range_variance"), 0.8264, 0.02, "variance of the moving range, simulated"); /* of 30 values */
    near((2 * (1 - 2 / M_PI) + 8 / M_PI * (sqrt(3) / 2 + M_PI / 12 - 1)) / (4 / M_PI), 0.8264, 1e-4, "and in closed form");
    /* six values of mean 0: cp = 6 / (6 sigma) */
    const double x[] = { 1, -1, 1, -1, NAN, 1, -1 };
    an_capability c;
    assert_true(an_capability_of(x, 7, NULL, 0, -3, 3, &c));
    near(c.within, 2 / (2 / sqrt(M_PI)), 1e-14, "moving range");
    near(c.pp, 6 / (6 * sqrt(6.0 / 5)), 1e-14, "Pp");
    assert_true(c.n == 6 && c.below == 0 && c.above == 0 && c.subgroups == 0);
    assert_true(an_capability_of(x, 7, NULL, 0, 0, NAN, &c) && isnan(c.pp) && c.below == 3);
    near(c.ppk, 0, 1e-14, "Ppk at the limit");
    const double constant[] = { 2, 2, 2 };
    assert_false(an_capability_of(constant, 3, NULL, 0, 0, 1, &c));
    assert_true(isnan(c.cpk) && c.above == 3);
    assert_false(an_capability_of(x, 1, NULL, 0, 0, 1, &c));
    assert_false(an_capability_of(x, 7, NULL, 0, NAN, NAN, &c));
}

static int by_value(const void *a, const void *b)
{
    double x = ((const an_placed *)a)->value, y = ((const an_placed *)b)->value;
    return (x > y) - (x < y);
}

static void test_auc(void **state)
{
    (void)state;
    json_t *o;
    size_t i;
    json_array_foreach(section("auc"), i, o) {
        size_t m, n;
        double *pos = values(json_object_get(o, "pos"), &m), *neg = values(json_object_get(o, "neg"), &n);
        an_placed *items = calloc(2 * (m + n), sizeof *items);
        for (size_t k = 0; k < m + n; k++) items[k] = (an_placed){ k < m ? pos[k] : neg[k - m], k < m };
        an_sort_placed(items, items + m + n, m + n);
        uint32_t *p = calloc(2 * (m + n), sizeof *p), *q = p + m + n;
        size_t groups = 0;
        for (size_t k = 0; k < m + n; k++) {
            if (k && items[k].value != items[k - 1].value) groups++;
            (items[k].place ? p : q)[groups]++;
        }
        double auc, low, high, pv;
        an_auc_interval(p, q, groups + 1, &auc, &low, &high, &pv);
        near(auc, num(o, "auc"), 1e-12, "auc");
        near(low, num(o, "low"), 1e-11, "low");
        near(high, num(o, "high"), 1e-11, "high");
        near(pv, num(o, "p"), 1e-10, "p");
        free(items);
        free(p);
        free(pos);
        free(neg);
    }
    /* ten positives above ten negatives: the limit is that of 10 of 10 */
    const uint32_t up[] = { 0, 10 }, down[] = { 10, 0 };
    double auc, low, high, p;
    an_auc_interval(up, down, 2, &auc, &low, &high, &p);
    near(low, pow(0.025, 0.1), 1e-9, "exact");
    assert_true(auc == 1 && high == 1 && p < 1e-4);
    an_auc_interval(up, up, 2, &auc, &low, &high, &p);
    assert_true(auc == 0.5 && p == 1);
    const uint32_t none[] = { 0, 0 };
    an_auc_interval(up, none, 2, &auc, &low, &high, &p);
    assert_true(isnan(auc) && isnan(p));
}

static void test_ranks(void **state)
{
    (void)state;
    json_t *o;
    size_t i;
    json_array_foreach(section("kruskal"), i, o) {
        const json_t *samples = json_object_get(o, "samples");
        size_t k = json_array_size(samples), n = 0;
        an_placed items[400] = { 0 }, spare[400];
        double sum[8] = { 0 }, count[8] = { 0 }, ties = 0, p, e;
        for (size_t g = 0; g < k; g++)
            for (size_t j = 0; j < json_array_size(json_array_get(samples, g)); j++)
                items[n++] = (an_placed){ item(json_array_get(samples, g), j), (uint32_t)g };
        an_sort_placed(items, spare, n);
        for (size_t a = 0, b; a < n; a = b) {
            for (b = a; b < n && items[b].value == items[a].value; b++) {
            }
            double t = (double)(b - a);
            ties += t * t * t - t;
            for (size_t j = a; j < b; j++) {
                sum[items[j].place] += (double)(a + b - 1) / 2 + 1;
                count[items[j].place]++;
            }
        }
        near(an_kruskal(sum, count, k, ties, &p, &e), num(o, "h"), 1e-11, "H");
        near(p, num(o, "p"), 1e-11, "p");
        near(e, num(o, "epsilon2"), 1e-12, "epsilon squared");
    }
    json_array_foreach(section("spearman"), i, o) {
        double low, high, p;
        an_spearman_interval(item(o, 0), item(o, 1), &low, &high, &p);
        near(low, item(o, 2), 1e-12, "low");
        near(high, item(o, 3), 1e-12, "high");
        near(p, item(o, 4), 1e-11, "p");
    }
    double low, high, p;
    an_spearman_interval(1, 20, &low, &high, &p);
    assert_true(p == 0 && low > 0.99);
    an_spearman_interval(0.5, 3, &low, &high, &p);
    assert_true(isnan(p));
}

static void test_table(void **state)
{
    (void)state;
    json_t *o;
    size_t i;
    json_array_foreach(section("table"), i, o) {
        const json_t *t = json_object_get(o, "table");
        size_t r = json_array_size(t), c = json_array_size(json_array_get(t, 0));
        double count[32], p, v, low, high;
        for (size_t k = 0; k < r * c; k++) count[k] = item(json_array_get(t, k / c), k % c);
        near(an_chi2_table(count, r, c, &p, &v, &low, &high), num(o, "statistic"), 1e-11, "statistic");
        near(p, num(o, "p"), 1e-10, "p");
        near(v, num(o, "v"), 1e-12, "V");
        near(low, num(o, "low"), 1e-6, "low");
        near(high, num(o, "high"), 1e-6, "high");
    }
    const double one[] = { 3, 0, 5, 0 };
    double p, v, low, high;
    assert_true(isnan(an_chi2_table(one, 2, 2, &p, &v, &low, &high)) && isnan(v));
}

static void test_course(void **state)
{
    (void)state;
    json_t *o;
    size_t i, n;
    json_array_foreach(section("trend"), i, o) {
        double *x = values(json_object_get(o, "x"), &n), slope, p;
        near(an_trend(x, n, &slope, &p), num(o, "tau"), 1e-12, "tau");
        near(slope, num(o, "slope"), 1e-9, "slope");
        near(p, num(o, "p"), 1e-9, "p");
        free(x);
    }
    size_t changes = 0;
    json_array_foreach(section("steps"), i, o) {
        double *x = values(json_object_get(o, "x"), &n);
        const json_t *at = json_object_get(o, "at");
        size_t mine[16], found = an_mean_steps(x, n, num(o, "noise"), 3 * log((double)n), (size_t)num(o, "shortest"), 16, mine);
        assert_int_equal(found, json_array_size(at));
        for (size_t k = 0; k < found; k++) assert_int_equal(mine[k], (size_t)item(at, k));
        changes += found;
        near(an_noise_sd(x, n), 0.7, 0.25, "noise");
        free(x);
    }
    assert_true(changes >= 4);
    assert_int_equal(an_mean_steps((const double[]){ 1, 2, 3 }, 3, 1, 3, 4, 1, (size_t[1]){ 0 }), 0);
    double slope, p;
    assert_true(isnan(an_trend((const double[]){ 1, 1, 1, 1, 1, 1, 1, 1, 1 }, 9, &slope, &p)));
}

static void test_stuck(void **state)
{
    (void)state;
    enum { N = 3000 };
    double *x = calloc(N, sizeof *x);
    an_rng r = an_rng_at(5, 0);
    for (int i = 0; i < N; i++) x[i] = round(an_rng_normal(&r) * 20) / 10; /* two digits: neighbours are equal by chance now and then */
    an_stuck run[4];
    assert_int_equal(an_stuck_runs(x, N, 8, 1e-6, 4, run), 0);
    for (int i = 1000; i < 1068; i++) x[i] = 1.3;
    for (int i = 2000; i < 2030; i++) x[i] = -0.4;
    x[999] = x[1068] = x[1999] = x[2030] = 9;
    assert_int_equal(an_stuck_runs(x, N, 8, 1e-6, 4, run), 2);
    assert_true(run[0].first == 1000 && run[0].length == 68 && run[0].value == 1.3 && run[0].expected < 1e-30);
    assert_true(run[1].first == 2000 && run[1].length == 30 && run[1].value == -0.4);
    assert_int_equal(an_stuck_runs(x, N, 8, 1e-6, 1, run), 1);
    /* recipes that hold for fifty rows at a time are no stuck gauge */
    for (int i = 0; i < N; i++) x[i] = (double)((i / 50) * 7 % 23);
    assert_int_equal(an_stuck_runs(x, N, 8, 1e-6, 4, run), 0);
    for (int i = 0; i < N; i++) x[i] = 5;
    assert_int_equal(an_stuck_runs(x, N, 8, 1e-6, 4, run), 0);
    assert_int_equal(an_stuck_runs(x, 0, 8, 1e-6, 4, run), 0);
    free(x);
}

static void test_order(void **state)
{
    (void)state;
    enum { N = 5000 };
    an_placed *a = calloc(3 * N, sizeof *a), *b = a + 2 * N;
    an_rng r = an_rng_at(3, 0);
    for (int i = 0; i < N; i++) {
        double v = i % 7 == 0 ? -0.0 : i % 11 == 0 ? INFINITY : i % 13 == 0 ? -1e300 : round(100 * an_rng_normal(&r)) * 1e-3;
        a[i] = b[i] = (an_placed){ v, (uint32_t)i };
    }
    an_sort_placed(a, a + N, N);
    qsort(b, N, sizeof *b, by_value);
    for (int i = 0; i < N; i++) {
        assert_true(a[i].value == b[i].value && !(a[i].value == 0 && signbit(a[i].value)));
        if (i && a[i].value == a[i - 1].value) assert_true(a[i].place > a[i - 1].place); /* stable */
    }
    free(a);
    json_t *o;
    size_t i, n;
    json_array_foreach(section("clusters"), i, o) {
        double *distance = values(json_object_get(o, "distance"), &n);
        const json_t *theirs = json_object_get(o, "cluster");
        size_t d = (size_t)num(o, "d"), order[64], cluster[64], seen = 0;
        assert_true(an_cluster_order(distance, d, num(o, "cut"), order, cluster));
        for (size_t k = 0; k < d; k++) {
            seen |= (size_t)1 << order[k];
            for (size_t j = 0; j < k; j++) assert_int_equal(cluster[k] == cluster[j], item(theirs, k) == item(theirs, j));
        }
        assert_int_equal(seen, d == 64 ? SIZE_MAX : ((size_t)1 << d) - 1);
        for (size_t k = 1; k < d; k++) /* a cluster lies in one piece */
            for (size_t j = k + 1; j < d; j++)
                if (cluster[order[j]] == cluster[order[k - 1]]) assert_int_equal(cluster[order[k]], cluster[order[k - 1]]);
        free(distance);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chi2),  cmocka_unit_test(test_capability), cmocka_unit_test(test_auc),   cmocka_unit_test(test_ranks),
        cmocka_unit_test(test_table), cmocka_unit_test(test_course),     cmocka_unit_test(test_stuck), cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
