/* test_compare_newest.c - the winner of a comparison on the newest rows, few repeats, borders of intervals, a stop that can go on. */
#include "flow/compare.h"
#include "flow/lines.h"

static an_comparison comparison(const an_table *t, const char *balances, int repeats)
{
    static const an_hash data = { { 2 } };
    an_comparison c = { .table = t,
                        .data = &data,
                        .model = { logistic() },
                        .models = 1,
                        .repeats = repeats,
                        .folds = 3,
                        .share = 0.25,
                        .ratio = 1,
                        .rule = "f2",
                        .costs = { NAN, NAN, NAN, NAN, "EUR" },
                        .seed = 1 };
    an_list names = { 0 };
    an_list_split(&names, balances, ',');
    for (size_t i = 0; i < names.count; i++) assert_non_null(c.balance[c.balances++] = balance(names.items[i]));
    an_list_free(&names);
    return c;
}

/* Parts in the order of their making; from `turn` on the effect of x is the other way round. */
static an_table *timed(size_t n, size_t positives, size_t turn)
{
    an_error err = { 0 };
    an_table *t = parts_make(n, positives, 4, 21);
    an_column *made = an_table_add(t, "made", AN_INTEGER, &err);
    assert_non_null(made);
    made->role = AN_TIME;
    t->column[0].role = AN_IGNORED; /* the marker counts up as time does */
    for (size_t i = 0; i < n; i++) {
        an_set_valid(made, i);
        made->integer[i] = (int64_t)(1000 + i);
        if (i >= turn && t->column[3].integer[i]) t->column[1].real[i] -= 8;
    }
    return t;
}

static void the_newest_rows_decide(void **state)
{
    (void)state;
    an_error err;
    for (int turns = 0; turns < 2; turns++) {
        an_table *t = timed(800, 160, turns ? 600 : 800);
        an_comparison c = comparison(t, "none,threshold", 6);
        json_t *j, *again;
        MUST((j = an__compare(&c, NULL, &err)) != NULL);
        const json_t *r = json_object_get(j, "recommendation"), *n = json_object_get(r, "newest");
        assert_true(json_is_true(json_object_get(j, "time_ignored")));
        assert_true(json_is_true(json_object_get(r, "better_than_trivial"))); /* on random splits */
        assert_string_equal(an_json_string(n, "column", ""), "made");
        assert_string_equal(an_json_string(n, "from", ""), "1600"); /* the newest 200 of 800 */
        assert_true(number_at(n, "rows", NULL) == 200 && number_at(n, "positives", NULL) == 40);
        assert_int_equal(json_is_true(json_object_get(n, "better_than_trivial")), !turns);
        assert_int_equal(json_is_true(json_object_get(r, "recommended")), !turns);
        assert_float_equal(number_at(n, "trivial", NULL), 5 * 0.2 / (4 * 0.2 + 1), 1e-12); /* F2 of rejecting every part */
        assert_non_null(strstr(an_json_string(r, "why", ""), "On the newest 200 rows (made from 1600 on)"));
        assert_int_equal(strstr(an_json_string(r, "why", ""), "so nothing is recommended") != NULL, turns);
        MUST((again = an__compare(&c, NULL, &err)) != NULL);
        assert_true(json_equal(j, again));
        json_decref(again);
        json_decref(j);

        c.costs = (an_costs){ 400, 12, NAN, NAN, "EUR" };
        c.rule = "cost";
        MUST((j = an__compare(&c, NULL, &err)) != NULL);
        n = json_object_get(json_object_get(j, "recommendation"), "newest");
        const json_t *k = json_object_get(n, "confusion");
        assert_float_equal(number_at(n, "cost", NULL), (400 * number_at(k, "fn", NULL) + 12 * number_at(k, "fp", NULL)) / 200, 1e-12);
        assert_float_equal(number_at(n, "trivial", NULL), 12 * 160 / 200., 1e-12); /* rejecting every part is cheaper than passing it */
        assert_int_equal(json_is_true(json_object_get(n, "better_than_trivial")), number_at(n, "cost", NULL) < 12 * 160 / 200.);
        json_decref(j);
        an_table_free(t);
    }
}

static void without_a_time_there_is_no_newest(void **state)
{
    (void)state;
    an_error err;
    an_table *t = parts_make(300, 90, 12, 22);
    an_comparison c = comparison(t, "none", 5);
    json_t *j;
    MUST((j = an__compare(&c, NULL, &err)) != NULL);
    const json_t *r = json_object_get(j, "recommendation");
    assert_true(json_is_null(json_object_get(r, "newest")));
    assert_true(json_is_true(json_object_get(r, "recommended")));
    assert_true(json_is_false(json_object_get(r, "few_repeats")));
    assert_string_equal(an_json_string(r, "threshold", ""), "0.5");
    assert_non_null(strstr(an_json_string(r, "why", ""), "nothing else was tried"));
    json_decref(j);
    c.repeats = 4;
    MUST((j = an__compare(&c, NULL, &err)) != NULL);
    r = json_object_get(j, "recommendation");
    assert_true(json_is_true(json_object_get(r, "few_repeats")));
    assert_non_null(
        strstr(an_json_string(r, "why", ""), "4 repeats cannot tell much, nearly everything is within noise then: --repeats 10"));
    json_decref(j);
    an_table_free(t);
}

/* The newest quarter has no broken part: said, and no reason to fail. */
static void newest_rows_of_one_class_are_told(void **state)
{
    (void)state;
    an_error err;
    an_table *t = timed(400, 80, 400);
    for (size_t i = 280; i < 400; i++) t->column[3].integer[i] = 0;
    an_comparison c = comparison(t, "none,threshold", 5);
    json_t *j;
    MUST((j = an__compare(&c, NULL, &err)) != NULL);
    const json_t *r = json_object_get(j, "recommendation");
    assert_true(json_is_null(json_object_get(json_object_get(r, "newest"), "better_than_trivial")));
    assert_true(json_is_true(json_object_get(r, "recommended")));
    assert_non_null(strstr(an_json_string(r, "why", ""), "It could not be tried on the newest rows"));
    json_decref(j);
    an_table_free(t);
}

/* Two repeats have intervals far beyond 0 and 1: what is told stays within what can be. */
static void intervals_stay_within_the_measure(void **state)
{
    (void)state;
    an_error err;
    an_table *t = parts_make(60, 20, 1.5, 23);
    an_comparison c = comparison(t, "none", 2);
    json_t *j;
    MUST((j = an__compare(&c, NULL, &err)) != NULL);
    const json_t *m = json_object_get(json_array_get(json_object_get(j, "rows"), 0), "metrics_moved");
    bool beyond = false;
    for (int k = 0; k < AN_METRIC_COUNT; k++) {
        const json_t *one = json_object_get(m, an_metric_names[k]), *each = json_object_get(one, "values");
        double v[2] = { an_json_number(json_array_get(each, 0), NAN), an_json_number(json_array_get(each, 1), NAN) };
        an_interval i;
        an_resampled_interval(v, 2, 0.25 / 0.75, &i);
        beyond |= i.low < 0 || i.high > 1;
        assert_true(number_at(one, "low", NULL) >= 0 && number_at(one, "high", NULL) <= 1);
    }
    assert_true(beyond); /* else this shows nothing */
    json_decref(j);
    an_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_rows_decide),
        cmocka_unit_test(without_a_time_there_is_no_newest),
        cmocka_unit_test(newest_rows_of_one_class_are_told),
        cmocka_unit_test(intervals_stay_within_the_measure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
