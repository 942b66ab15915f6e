/* test_explain.c - coefficients in the units of the data: against a simulated logit that is known, and against the scores themselves. */
#include "learn/testing.h"

static double coefficient(const json_t *e, const char *name, const char *key)
{
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(e, "coefficients"), i, one)
        if (!strcmp(an_json_string(one, "name", ""), name)) return an_json_number(json_object_get(one, key), NAN);
    fail_msg("no coefficient %s", name);
    return NAN;
}

/* 40,000 rows: standard errors are 1/sqrt(40000 * 0.2) = 0.011 per standard deviation; bounds are four of them. */
static void test_known_logit(void **state)
{
    (void)state;
    an_error err = { 0 };
    an_table *t = simulate(40000, 41, false);
    an_model *m = fitted(t, NULL);
    json_t *e = an_model_explain(m, &err);
    assert_non_null(e);
    assert_true(fabs(coefficient(e, "force", "coefficient") - 0.1) < 0.045 / 5);
    assert_true(fabs(coefficient(e, "turns", "coefficient") + 0.3) < 0.045 / 2.58);
    assert_true(fabs(coefficient(e, "torque", "coefficient") - 2) < 0.045 / 0.25);
    assert_true(fabs(coefficient(e, "force", "per_sd") - 0.5) < 0.06);
    assert_true(fabs(coefficient(e, "turns", "per_sd") + 0.775) < 0.06);
    double b = coefficient(e, "variant=B", "coefficient");
    assert_true(fabs(b - coefficient(e, "variant=A", "coefficient") - 1.2) < 0.13);
    assert_true(fabs(b - coefficient(e, "variant=C", "coefficient") - 1.2) < 0.13);
    size_t i;
    json_t *one;
    double before = INFINITY;
    json_array_foreach(json_object_get(e, "coefficients"), i, one) {
        double size = fabs(an_json_number(json_object_get(one, "per_sd"), NAN)),
               w = an_json_number(json_object_get(one, "coefficient"), NAN);
        assert_true(size <= before);
        before = size;
        assert_true(an_json_number(json_object_get(one, "odds_ratio"), NAN) == exp(w));
        bool force = !strcmp(an_json_string(one, "name", ""), "force");
        if (force) assert_string_equal(an_json_string(one, "unit", ""), "kN");
    }
    json_decref(e);
    an_model_free(m);
    an_table_free(t);
}

/* intercept + sum of coefficient x value is the log-odds of the score, in the data's own units. */
static void test_adds_up(void **state)
{
    (void)state;
    an_error err = { 0 };
    an_table *t = simulate(800, 42, false);
    an_table_find(t, "stamp")->role = AN_IGNORED; /* 1.7e9 seconds would eat the digits of this sum */
    an_model *m = fitted(t, NULL);
    json_t *e = an_model_explain(m, &err);
    assert_non_null(e);
    double *score = scored(m, t);
    const char *numbers[] = { "force", "turns", "torque" }, *variants[] = { "variant=A", "variant=B", "variant=C" };
    for (size_t i = 0; i < t->rows; i++) {
        double z = an_json_number(json_object_get(e, "intercept"), NAN);
        for (size_t k = 0; k < 3; k++) z += coefficient(e, numbers[k], "coefficient") * an_cell_number(an_table_find(t, numbers[k]), i);
        z += coefficient(e, variants[an_table_find(t, "variant")->code[i]], "coefficient");
        bool hot = an_table_find(t, "hot")->boolean[i];
        z += coefficient(e, "hot", "coefficient") * hot;
        assert_true(fabs(z - log(score[i] / (1 - score[i]))) < 1e-9);
    }
    free(score);
    json_decref(e);
    an_model_free(m);
    an_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_known_logit), cmocka_unit_test(test_adds_up) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
