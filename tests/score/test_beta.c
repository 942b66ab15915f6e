/* Binomial limits, Student's quantile, the normal distribution and resampled intervals, against SciPy's values and closed forms. */
#include "reference.h"
#include "score/beta.h"

static void limits_match_scipy(void **state)
{
    (void)state;
    json_t *cases = reference("limits");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        uint64_t k = whole(c, "k"), n = whole(c, "n");
        double confidence = number(c, "confidence"), upper = number(c, "upper"), lower = number(c, "lower");
        char what[96];
        snprintf(what, sizeof what, "%llu of %llu at %g", (unsigned long long)k, (unsigned long long)n, confidence);
        near_to(an_binomial_upper(k, n, confidence) / upper, 1, 1e-9, what);
        near_to(lower > 0 ? an_binomial_lower(k, n, confidence) / lower : an_binomial_lower(k, n, confidence) + 1, 1, 1e-9, what);
    }
    json_decref(cases);
}

static void limits_by_closed_form(void **state)
{
    (void)state;
    near_to(an_binomial_upper(0, 43, 0.95), 0.0673, 5e-5, "0 of 43");
    for (uint64_t n = 1; n < 3000; n += 37) {
        near_to(an_binomial_upper(0, n, 0.95) / -expm1(log(0.05) / (double)n), 1, 1e-12, "0 of n");
        near_to(an_binomial_lower(n, n, 0.95), exp(log(0.05) / (double)n), 1e-13, "n of n");
        near_to(an_binomial_lower(n / 3, n, 0.9), 1 - an_binomial_upper(n - n / 3, n, 0.9), 1e-12, "mirror");
    }
    assert_true(an_binomial_upper(0, 0, 0.95) == 1 && an_binomial_lower(0, 0, 0.95) == 0);
    assert_true(an_binomial_upper(5, 5, 0.95) == 1 && an_binomial_lower(0, 5, 0.95) == 0);
    assert_true(isnan(an_binomial_upper(6, 5, 0.95)) && isnan(an_binomial_lower(1, 5, 1)) && isnan(an_binomial_lower(1, 5, NAN)));
}

/* The definition itself: at the limit, the tail of the binomial distribution has probability 1 - confidence. */
static void limits_by_definition(void **state)
{
    (void)state;
    for (int n = 1; n <= 60; n += 7) {
        for (int k = 0; k < n; k++) {
            double p = an_binomial_upper((uint64_t)k, (uint64_t)n, 0.95), tail = 0;
            for (int i = 0; i <= k; i++) {
                tail += exp(lgamma(n + 1) - lgamma(i + 1) - lgamma(n - i + 1) + i * log(p) + (n - i) * log1p(-p));
            }
            near_to(tail, 0.05, 1e-12, "tail");
        }
    }
}

static void inverse_undoes_beta(void **state)
{
    (void)state;
    const double shapes[] = { 0.5, 1, 1.5, 7, 40, 1234.5, 1e6 };
    for (size_t i = 0; i < AN_COUNT(shapes); i++) {
        for (size_t j = 0; j < AN_COUNT(shapes); j++) {
            for (double p = 0.001; p < 1; p += 0.0713) {
                double x, y, lower, upper;
                an__beta_inverse(p, 1 - p, shapes[i], shapes[j], &x, &y);
                an__beta_tails(x, y, shapes[i], shapes[j], &lower, &upper);
                near_to(lower, p, 1e-9, "I(I^-1(p))");
                near_to(lower + upper, 1, 1e-15, "tails");
            }
        }
    }
    double x, y; /* symmetric shapes at one half, where both sides of the search meet */
    for (double a = 0.5; a < 1e5; a *= 1.7) {
        an__beta_inverse(0.5, 0.5, a, a, &x, &y);
        near_to(x, 0.5, 1e-12, "median of a symmetric beta");
    }
}

static void student_matches_scipy(void **state)
{
    (void)state;
    json_t *cases = reference("student");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        char what[64];
        snprintf(what, sizeof what, "t quantile %g, df %g", number(c, "p"), number(c, "df"));
        near_to(an_student_quantile(number(c, "p"), number(c, "df")), number(c, "t"), 1e-9, what);
    }
    json_decref(cases);
    assert_true(an_student_quantile(0, 3) == -INFINITY && an_student_quantile(1, 3) == INFINITY && an_student_quantile(0.5, 3) == 0);
    assert_true(isnan(an_student_quantile(1.5, 3)) && isnan(an_student_quantile(0.5, 0)));
    near_to(an_student_quantile(0.9, 1), tan(3.14159265358979323846 * 0.4), 1e-13, "Cauchy");
}

static void normal_matches_scipy(void **state)
{
    (void)state;
    json_t *cases = reference("normal");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        near_to(an_normal_cdf(number(c, "x")) / number(c, "cdf"), 1, 1e-12, "normal cdf");
    }
    json_decref(cases);
}

static void resampled_interval_matches(void **state)
{
    (void)state;
    json_t *cases = reference("resampled");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        size_t n;
        double *values = numbers(c, "values", &n);
        an_interval got;
        an_resampled_interval(values, n, number(c, "ratio"), &got);
        near_to(got.mean, number(c, "mean"), 1e-13, "mean");
        near_to(got.sd, number(c, "sd"), 1e-13, "sd");
        near_to(got.low, number(c, "low"), 1e-11, "low");
        near_to(got.high, number(c, "high"), 1e-11, "high");
        free(values);
    }
    json_decref(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_match_scipy),         cmocka_unit_test(limits_by_closed_form), cmocka_unit_test(limits_by_definition),
        cmocka_unit_test(inverse_undoes_beta),        cmocka_unit_test(student_matches_scipy), cmocka_unit_test(normal_matches_scipy),
        cmocka_unit_test(resampled_interval_matches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
