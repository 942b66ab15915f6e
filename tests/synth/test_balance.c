/* test_balance.c - balancing: counts at a ratio for every choice, weights, and where the rows came from. */
#include "synth/made.h"

static size_t count_broken(const an_table *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->rows; i++) n += an_table_find(t, "state")->code[i] == 0;
    return n;
}

static void every_choice_meets_the_ratio(void **state)
{
    (void)state;
    size_t count;
    const an_balance_kind *kinds = an_balance_kinds(&count);
    an_table *t = made_parts(200, 40, 0.02, 1);
    an_error err;
    for (size_t i = 0; i < count; i++) {
        json_t *options = kinds[i].generator ? made_options(an_generator_kind_find(kinds[i].generator, NULL)) : NULL, *report = NULL;
        an_table *rows = NULL;
        double *weights = NULL;
        assert_ok(an_balance_apply(&kinds[i], options, 1, t, NULL, &rows, &weights, &report, &err));
        json_decref(options);
        assert_string_equal(an_json_string(report, "balance", ""), kinds[i].name);
        assert_int_equal(rows != NULL, kinds[i].generator != NULL);
        assert_int_equal(weights != NULL, kinds[i].weights);
        if (rows) {
            bool filtered = !strcmp(kinds[i].name, "wgan-filter"); /* may pass fewer after so short a training */
            if (!filtered) assert_int_equal(rows->rows, 320);
            assert_int_equal(count_broken(rows), rows->rows - 160);
            assert_int_equal(json_integer_value(json_object_get(report, "added")), rows->rows - 200);
            assert_true(same_cells(rows, 0, t, 0, 200));
            for (size_t r = 0; r < rows->rows; r++) assert_int_equal(an_table_generated(rows, r), r >= 200);
            if (rows->rows > 200) assert_string_equal(rows->origins[rows->origin[200] - 1].generator, kinds[i].generator);
            assert_int_equal(json_is_object(json_object_get(report, "filter")), filtered);

            /* what is whole already stays as it is; generated rows never teach a generator */
            if (rows->rows == 320) {
                an_table *again = NULL;
                assert_ok(an_balance_apply(&kinds[i], NULL, 1, rows, NULL, &again, &weights, NULL, &err));
                assert_null(again);
                assert_null(weights);
            }
        }
        json_decref(report);
        an_table_free(rows);
        free(weights);
    }
    an_table_free(t);
}

static void ratios_and_weights(void **state)
{
    (void)state;
    an_table *t = made_parts(100, 20, 0, 2), *rows = NULL;
    double *weights = NULL;
    an_error err;
    assert_ok(an_balance_apply(an_balance_kind_find("random", NULL), NULL, 0.5, t, NULL, &rows, &weights, NULL, &err));
    assert_int_equal(count_broken(rows), 40);
    an_table_free(rows);
    assert_fails(an_balance_apply(an_balance_kind_find("random", NULL), NULL, 0, t, NULL, &rows, &weights, NULL, &err), AN_USAGE, "ratio");
    assert_ok(an_balance_apply(an_balance_kind_find("weights", NULL), NULL, 1, t, NULL, &rows, &weights, NULL, &err));
    assert_null(rows);
    for (size_t i = 0; i < 100; i++) assert_float_equal(weights[i], i < 20 ? 2.5 : 0.625, 1e-12);
    free(weights);
    assert_fails(an_balance_kind_find("smot", &err), AN_USAGE, "smot");
    assert_non_null(strstr(err.hint, "smote"));
    an_table_free(t);
}

/* The rarer class is made more frequent even where a person calls the other one positive. */
static void rarer_class_is_not_positive(void **state)
{
    (void)state;
    an_table *t = made_parts(60, 20, 0, 3), *rows = NULL;
    double *weights = NULL;
    free(t->positive);
    t->positive = an_strdup("good");
    an_error err;
    assert_ok(an_balance_apply(an_balance_kind_find("smote", NULL), NULL, 1, t, NULL, &rows, &weights, NULL, &err));
    assert_int_equal(count_broken(rows), 40);
    assert_string_equal(rows->positive, "good");
    an_table_free(rows);
    an_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_choice_meets_the_ratio),
        cmocka_unit_test(ratios_and_weights),
        cmocka_unit_test(rarer_class_is_not_positive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
