/* Tests of drift.c against recorded values of SciPy (tests/reference/record_drift.py) and closed forms. */
#include "reference.h"

static json_t *section(const char *name)
{
    json_error_t e;
    json_t *all = json_load_file(AN_SOURCE_DIR "/tests/reference/drift.json", 0, &e);
    if (!all) fail_msg("drift.json: %s", e.text);
    json_t *part = json_incref(json_object_get(all, name));
    json_decref(all);
    assert_true(json_array_size(part) > 0);
    return part;
}

static double at(const json_t *row, size_t k)
{
    return json_number_value(json_array_get(row, k));
}

/* Relative, so that a small tail is right to its digits. */
static void close_to(double got, double expected, double tolerance, const char *what)
{
    if (!(fabs(got - expected) <= tolerance * fabs(expected) + 1e-300)) fail_msg("%s: %.17g, expected %.17g", what, got, expected);
}

static void upper_gamma(void **state)
{
    (void)state;
    json_t *rows = section("gamma"), *row;
    size_t i;
    json_array_foreach(rows, i, row) close_to(an_gamma_q(at(row, 0), at(row, 1)), at(row, 2), 1e-10, "Q(a, x)");
    json_decref(rows);
    close_to(an_gamma_q(1, 3), exp(-3), 1e-14, "Q(1, x) = exp(-x)");
    assert_true(isnan(an_gamma_q(0, 1)) && isnan(an_gamma_q(1, -1)) && isnan(an_gamma_q(1, NAN)));
}

static void chi_squared(void **state)
{
    (void)state;
    json_t *rows = section("chi2"), *row;
    size_t i;
    json_array_foreach(rows, i, row) close_to(an_chi2_p(at(row, 0), at(row, 1)), at(row, 2), 1e-10, "chi-squared");
    json_decref(rows);
    assert_true(isnan(an_chi2_p(1, 0)));
}

static void kolmogorov_smirnov(void **state)
{
    (void)state;
    json_t *rows = section("ks"), *row;
    size_t i;
    json_array_foreach(rows, i, row) close_to(an_ks_p(at(row, 0), at(row, 1), at(row, 2)), at(row, 3), 1e-9, "Kolmogorov");
    json_decref(rows);
    rows = section("ks_2samp");
    json_array_foreach(rows, i, row) close_to(an_ks_p(at(row, 0), at(row, 1), at(row, 2)), at(row, 3), 0.03, "ks_2samp");
    json_decref(rows);
    double before = 1; /* falls everywhere, across the change of series at 1.18 too */
    for (double d = 0.01; d < 0.5; d += 0.001) {
        double p = an_ks_p(d, 100, 100);
        assert_true(p <= before && p >= 0);
        before = p;
    }
}

static void counts(void **state)
{
    (void)state;
    json_t *rows = section("counts"), *row;
    size_t i;
    json_array_foreach(rows, i, row) {
        size_t n, m;
        double *a = numbers(row, "a", &n), *b = numbers(row, "b", &m), p, v;
        close_to(an_chi2_counts(a, b, n, &p, &v), number(row, "statistic"), 1e-12, "statistic");
        close_to(p, number(row, "p"), 1e-10, "p");
        close_to(v, number(row, "v"), 1e-12, "Cramer's V");
        close_to(an_psi_counts(a, b, n), number(row, "psi"), 1e-12, "PSI of counts");
        free(a);
        free(b);
    }
    json_decref(rows);
    double one[2] = { 5, 0 }, none[2] = { 0, 0 }, p;
    assert_true(isnan(an_chi2_counts(one, one, 2, &p, NULL)) && isnan(p)); /* one category only */
    assert_true(isnan(an_chi2_counts(one, none, 2, NULL, NULL)) && isnan(an_psi_counts(one, none, 2)));
}

static void stability(void **state)
{
    (void)state;
    json_t *rows = section("psi"), *row;
    size_t i;
    json_array_foreach(rows, i, row) {
        size_t n, m;
        double *a = numbers(row, "a", &n), *b = numbers(row, "b", &m);
        close_to(an_psi(a, n, b, m, 10), number(row, "psi"), 1e-10, "PSI");
        assert_true(fabs(an_psi(a, n, a, n, 10)) < 1e-15);
        free(a);
        free(b);
    }
    json_decref(rows);
    assert_true(isnan(an_psi((double[]){ NAN }, 1, (double[]){ 1 }, 1, 10)));
}

static void false_discoveries(void **state)
{
    (void)state;
    json_t *rows = section("bh"), *row;
    size_t i;
    json_array_foreach(rows, i, row) {
        size_t n, m;
        double *p = numbers(row, "p", &n), *expected = numbers(row, "adjusted", &m), *got = calloc(n, sizeof *got);
        an_benjamini_hochberg(p, n, got);
        for (size_t k = 0; k < n; k++) close_to(got[k], expected[k], 1e-12, "adjusted p");
        free(p);
        free(expected);
        free(got);
    }
    json_decref(rows);
    double with_gap[3] = { 0.01, NAN, 0.04 }, adjusted[3];
    an_benjamini_hochberg(with_gap, 3, adjusted);
    close_to(adjusted[0], 0.02, 1e-14, "of two");
    assert_true(isnan(adjusted[1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(upper_gamma), cmocka_unit_test(chi_squared), cmocka_unit_test(kolmogorov_smirnov),
        cmocka_unit_test(counts),      cmocka_unit_test(stability),   cmocka_unit_test(false_discoveries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
