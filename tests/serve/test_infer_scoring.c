/* test_infer_scoring.c - bodies of KServe V1 and of MLflow's scoring server: every form gives the rows that the rows form gives, and what
 * is wrong is refused with its place. */
#include "infer_testing.h"

static bool read(const an_model *m, bool mlflow, const char *text, an__infer *r, int *status, an_error *err)
{
    an_span s = tight(text, strlen(text));
    *err = (an_error){ 0 };
    bool ok = an__infer_read_scoring(m, s, mlflow, NULL, r, status, err);
    free((char *)(uintptr_t)s.data);
    return ok;
}

static void same_rows(const an_model *m, bool mlflow, const char *text, const char *rows)
{
    an__infer expected = { 0 }, r = { 0 };
    an_error err;
    int status;
    rows_ok(m, rows, &expected);
    if (!read(m, mlflow, text, &r, &status, &err)) fail_msg("refused: %s (%s; %s)\n%s", err.message, err.where, err.hint, text);
    assert_int_equal(status, 200);
    assert_int_equal(r.form, AN__FORM_PREDICTIONS);
    assert_true(r.list);
    assert_int_equal(r.rows, expected.rows);
    if (memcmp(r.values, expected.values, r.rows * m->prep->columns * sizeof *r.values)) fail_msg("other values: %s", text);
    an__infer_free(&r);
    an__infer_free(&expected);
}

#define TWO "[{\"force\":1,\"torque\":2},{\"force\":3,\"torque\":null}]"

static void test_forms(void **state)
{
    (void)state;
    static const char *const both[] = {
        "{\"instances\":[{\"force\":1,\"torque\":2},{\"torque\":null,\"force\":3}]}",
        "{\"instances\":[[1,2],[3,null]],\"parameters\":{\"x\":[1]}}",
        "{\"signature_name\":\"s\",\"instances\":[[1,2],{\"force\":3}]}",
    };
    static const char *const mlflow[] = {
        "{\"dataframe_records\":[{\"force\":1,\"torque\":2,\"other\":7},{\"force\":3}]}",
        "{\"dataframe_split\":{\"columns\":[\"torque\",\"x\",\"force\"],\"index\":[0,1],\"data\":[[2,\"?\",1],[null,{\"a\":[]},3]]}}",
        "{\"dataframe_split\":{\"data\":[[2,1],[null,3]],\"columns\":[\"torque\",\"force\"]},\"params\":{}}",
        "{\"dataframe_split\":{\"columns\":[\"force\",\"torque\"],\"data\":[[1,2],[3,null]]}}",
        "{\"inputs\":{\"torque\":[2,null],\"other\":7,\"force\":[1,3]}}",
        "{\"inputs\":[[1,2],[3,null]]}",
        "{\"inputs\":[{\"force\":1,\"torque\":2},{\"force\":3}]}",
    };
    /* what MLflow's client makes of a missing value */
    same_rows(numbers, true, "{\"dataframe_split\":{\"columns\":[\"x\",\"force\",\"torque\"],\"data\":[[NaN,1,2],[1,3,NaN]]}}", TWO);
    for (size_t i = 0; i < AN_COUNT(both); i++)
        for (int k = 0; k < 2; k++) same_rows(numbers, k, both[i], TWO);
    for (size_t i = 0; i < AN_COUNT(mlflow); i++) same_rows(numbers, true, mlflow[i], TWO);
    same_rows(mixed, false, "{\"instances\":[[20.5,3,true,\"B\",\"2026-03-01T07:05:09Z\",1.5]]}",
              "[{\"force\":20.5,\"turns\":3,\"hot\":true,\"variant\":\"B\",\"stamp\":1772348709,\"torque\":1.5}]");
    same_rows(mixed, true, "{\"inputs\":{\"variant\":[\"B\",\"A\"]}}", "[{\"variant\":\"B\"},{\"variant\":\"A\"}]");
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        int mlflow; /* 2: either */
        const char *body, *says;
    } bad[] = {
        { 2, "", "the body ends where an object" },
        { 2, "[]", "found a list" },
        { 2, "{}", "the body has no rows" },
        { 0, "{\"inputs\":[[1,2]]}", "the body has no rows" },
        { 2, "{\"instances\":[]}", "there is no row to score" },
        { 2, "{\"instances\":{}}", "expected a list of rows, found an object" },
        { 2, "{\"instances\":[5]}", "expected a row: an object, or a list of all its values, found a number" },
        { 2, "{\"instances\":[[1]]}", "row 1 has 1 values, expected 2" },
        { 2, "{\"instances\":[[1,2],[1,2,3]]}", "row 2 has more than 2 values" },
        { 2, "{\"instances\":[[1,\"x\"]]}", "row 1, \"torque\"" },
        { 0, "{\"instances\":[[1,NaN]]}", "NaN is no JSON" },
        { 1, "{\"instances\":[[1,Infinity]]}", "Infinity is no JSON" },
        { 1, "{\"instances\":[[1,NaNs]]}", "expected ',' or ']', found 's'" },
        { 1, "{\"instances\":NaN}", "expected a list of rows" },
        { 2, "{\"instances\":[[1,[2]]]}", "row 1, \"torque\": expected a number, found a list" },
        { 2, "{\"instances\":[{\"forse\":1}]}", "row 1 has none of the model's 2 features" },
        { 2, "{\"instances\":[[1,2]]} x", "something follows" },
        { 0, "{\"instances\":[[1,2]],\"instances\":[[1,2]]}", "\"instances\" twice" },
        { 1, "{\"instances\":[[1,2]],\"inputs\":[[1,2]]}", "rows twice" },
        { 1, "{\"dataframe_split\":[]}", "expected an object with \"columns\" and \"data\"" },
        { 1, "{\"dataframe_split\":{\"columns\":[\"force\"]}}", "\"dataframe_split\" without \"data\"" },
        { 1, "{\"dataframe_split\":{\"data\":[[1,2]]}}", "\"dataframe_split\" without \"columns\"" },
        { 1, "{\"dataframe_split\":{\"columns\":[\"force\"],\"columns\":[\"force\"],\"data\":[]}}", "\"columns\" twice" },
        { 1, "{\"dataframe_split\":{\"data\":[],\"data\":[],\"columns\":[\"force\"]}}", "\"data\" twice" },
        { 1, "{\"dataframe_split\":{\"columns\":[\"force\",\"force\"],\"data\":[[1,2]]}}", "column \"force\" twice" },
        { 1, "{\"dataframe_split\":{\"columns\":[\"a\",\"b\"],\"data\":[[1,2]]}}", "no column is one of the model's 2 features" },
        { 1, "{\"dataframe_split\":{\"columns\":[1],\"data\":[[1]]}}", "expected a text, found a number" },
        { 1, "{\"dataframe_split\":{\"columns\":[\"force\"],\"data\":[]}}", "there is no row to score" },
        { 1, "{\"dataframe_split\":{\"columns\":[\"force\"],\"data\":[[1],[2,3]]}}", "row 2 has more than 1 values" },
        { 1, "{\"dataframe_split\":{\"data\":[[1],[\"x\"]],\"columns\":[\"force\"]}}", "row 2, \"force\"" },
        { 1, "{\"dataframe_split\":{\"columns\":[\"force\"],\"data\":[{\"force\":1}]}}", "expected a row: a list of values" },
        { 1, "{\"inputs\":{}}", "no column is one" },
        { 1, "{\"inputs\":{\"x\":[1]}}", "no column is one" },
        { 1, "{\"inputs\":{\"force\":[]}}", "there is no row" },
        { 1, "{\"inputs\":{\"force\":1}}", "column \"force\": expected a list of values, found a number" },
        { 1, "{\"inputs\":{\"force\":[1],\"force\":[1]}}", "column \"force\" twice" },
        { 1, "{\"inputs\":{\"force\":[1,2],\"torque\":[1]}}", "column \"torque\" has 1 values, those before it 2" },
        { 1, "{\"inputs\":{\"force\":[1],\"torque\":[1,2]}}", "column \"torque\" is longer than those before it (1)" },
        { 1, "{\"inputs\":{\"force\":[1,1e999]}}", "row 2, \"force\"" },
    };
    for (size_t i = 0; i < AN_COUNT(bad); i++)
        for (int k = 0; k < 2; k++) {
            an__infer r = { 0 };
            an_error err;
            int status;
            if (bad[i].mlflow != 2 && bad[i].mlflow != k) continue;
            if (read(numbers, k, bad[i].body, &r, &status, &err)) fail_msg("accepted: %s", bad[i].body);
            if (!strstr(err.message, bad[i].says)) fail_msg("\"%s\" does not hold \"%s\"\n%s", err.message, bad[i].says, bad[i].body);
            assert_int_equal(status, 400);
            assert_int_equal(err.code, AN_INPUT);
            an__infer_free(&r);
        }
}

static void test_limits(void **state)
{
    (void)state;
    static const char *const bodies[] = { "{\"instances\":[[1,2],[1,2],[1,2]]}", "{\"inputs\":{\"force\":[1,2,3]}}",
                                          "{\"dataframe_split\":{\"columns\":[\"force\"],\"data\":[[1],[2],[3]]}}" };
    an__infer_limits limits = { .rows = 2 };
    for (size_t i = 0; i < AN_COUNT(bodies); i++) {
        an__infer r = { 0 };
        an_error err = { 0 };
        int status;
        assert_false(an__infer_read_scoring(numbers, (an_span){ bodies[i], strlen(bodies[i]) }, true, &limits, &r, &status, &err));
        assert_int_equal(status, 413);
        an__infer_free(&r);
    }
}

static void test_answer(void **state)
{
    (void)state;
    an__infer r = { 0 };
    an_error err;
    int status;
    assert_true(read(numbers, false, "{\"instances\":[[1,2],[3,4]]}", &r, &status, &err));
    double score[] = { 0.25, 0.75 };
    an_buf out = { 0 };
    an__infer_write_rows(numbers, &r, score, &(an__infer_about){ .name = "press", .version = 3, .request = "r" }, &out);
    json_t *all = json_loadb(out.data, out.size, 0, NULL), *list = json_object_get(all, "predictions");
    assert_int_equal(json_object_size(all), 1);
    assert_int_equal(json_array_size(list), 2);
    assert_true(json_real_value(json_object_get(json_array_get(list, 1), "probability")) == 0.75);
    json_decref(all);
    an_buf_free(&out);
    an__infer_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_forms), cmocka_unit_test(test_refusals), cmocka_unit_test(test_limits),
                                        cmocka_unit_test(test_answer) };
    return cmocka_run_group_tests(tests, two_models, two_models_end);
}
