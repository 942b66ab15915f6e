/* test_infer_rows.c - rows as people write them, and all answers: what is taken, what is refused, numbers that come back bit for bit, a
 * table replayed through decoder and encoder against an_model_predict. */
#include "infer_testing.h"

static const an__infer_about about = { .name = "press", .version = 3, .request = "r-1" };

static void test_forms(void **state)
{
    (void)state;
    an__infer r = { 0 };
    rows_ok(mixed,
            "{\"force\": 20.5, \"turns\": 3, \"hot\": true, \"variant\": \"B\", \"stamp\": \"2026-03-01T07:05:09Z\", \"torque\": 1.5, "
            "\"id\": \"0012\", \"x\": {\"y\": [null]}}",
            &r);
    assert_int_equal(r.form, AN__FORM_ROWS);
    assert_false(r.list);
    assert_int_equal(r.rows, 1);
    assert_true(value_of(mixed, &r, 0, "force") == 20.5);
    assert_true(value_of(mixed, &r, 0, "hot") == 1);
    assert_true(value_of(mixed, &r, 0, "variant") == 1);
    assert_true(value_of(mixed, &r, 0, "stamp") == 1772348709);
    static const char *const lists[] = {
        "[{\"force\":1,\"torque\":2},{\"torque\":4,\"force\":3},{\"torque\":null,\"note\":\"x\"}]",
        "{\"rows\":[{\"force\":1,\"torque\":2},{\"torque\":4,\"force\":3},{\"torque\":null}],\"note\":1}",
        "{\"note\":1,\"rows\":[{\"force\":1,\"torque\":2},{\"torque\":4,\"force\":3},{\"torque\":null}]}"
    };
    for (size_t i = 0; i < AN_COUNT(lists); i++) {
        rows_ok(numbers, lists[i], &r);
        assert_true(r.list);
        assert_int_equal(r.rows, 3);
        double expected[] = { 1, 2, 3, 4 };
        assert_memory_equal(r.values, expected, sizeof expected);
        assert_true(isnan(r.values[4]) && isnan(r.values[5]));
    }
    rows_ok(mixed, "{\"variant\":\"\\u0042\"}", &r);
    assert_true(value_of(mixed, &r, 0, "variant") == 1);
    assert_true(isnan(value_of(mixed, &r, 0, "force")));
    an__infer_free(&r);
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *body, *name;
        double value;
    } good[] = { { "{\"force\":-0}", "force", -0.0 },
                 { "{\"force\":1.7976931348623157e308}", "force", 1.7976931348623157e308 },
                 { "{\"\\u0066orce\":2}", "force", 2 },
                 { "{\"variant\":\"Q\"}", "variant", 4 },
                 { "{\"variant\":7}", "variant", 4 },
                 { "{\"variant\":true}", "variant", 4 },
                 { "{\"variant\":\"\"}", "variant", NAN },
                 { "{\"variant\":null}", "variant", NAN },
                 { "{\"hot\":false}", "hot", 0 },
                 { "{\"hot\":1}", "hot", 1 },
                 { "{\"stamp\":1772348709.25}", "stamp", 1772348709.25 },
                 { "{\"stamp\":\"2026-03-01 07:05:09.25\"}", "stamp", 1772348709.25 },
                 { "{\"turns\":3.5}", "turns", 3.5 } };
    an__infer r = { 0 };
    for (size_t i = 0; i < AN_COUNT(good); i++) {
        rows_ok(mixed, good[i].body, &r);
        double value = value_of(mixed, &r, 0, good[i].name);
        if (isnan(good[i].value) ? !isnan(value) : memcmp(&value, &good[i].value, sizeof value) != 0)
            fail_msg("%s: %.17g", good[i].body, value);
    }
    static const char *const bad[][2] = {
        { "", "the body ends where an object or a list of objects is expected" },
        { "7", "expected an object or a list of objects, found a number" },
        { "null", "found null" },
        { "{}", "row 1 has none of the model's 6 features" },
        { "{\"forse\":1}", "row 1 has none of the model's 6 features" },
        { "[]", "the list holds no row" },
        { "{\"rows\":[]}", "the list holds no row" },
        { "{\"rows\":{}}", "none of the model's" },
        { "[{\"force\":1},{}]", "row 2 has none" },
        { "[{\"force\":1},[]]", "expected an object with the features of a row, found a list" },
        { "[{\"rows\":[{\"force\":1}]}]", "row 1 has none" },
        { "{\"rows\":[{\"force\":1}],\"force\":1}", "beside \"rows\"" },
        { "{\"force\":1,\"rows\":[{\"force\":1}]}", "\"rows\" beside features" },
        { "{\"rows\":[{\"force\":1}],\"rows\":[{\"force\":1}]}", "\"rows\" twice" },
        { "{\"force\":1,\"force\":1}", "feature \"force\" twice in row 1" },
        { "[{\"force\":1},{\"torque\":1,\"force\":1,\"torque\":1}]", "feature \"torque\" twice in row 2" },
        { "{\"force\":\"12,3\"}", "row 1, \"force\": feature \"force\" takes a number, not the text \"12,3\"" },
        { "{\"force\":true}", "expected a number, found a truth value" },
        { "{\"force\":[1]}", "expected a number, found a list" },
        { "{\"force\":NaN}", "NaN is no JSON" },
        { "{\"force\":1e999}", "larger than a double" },
        { "{\"hot\":2}", "is true or false (1 or 0), not 2" },
        { "{\"hot\":\"yes\"}", "takes true or false, not the text \"yes\"" },
        { "{\"variant\":{}}", "expected a text (a category), found an object" },
        { "{\"stamp\":true}", "expected a time (ISO 8601 text, or seconds since 1970 UTC), found a truth value" },
        { "{\"stamp\":\"7:05\"}", "no ISO 8601 time" },
        { "{\"force\":1}{", "follows the end" },
        { "{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}", "deeper than 32" },
        { "{\"fo\377rce\":1}", "not UTF-8" },
    };
    for (size_t i = 0; i < AN_COUNT(bad); i++) rows_fail(mixed, bad[i][0], bad[i][1]);
    an_error err;
    int status;
    const char *near = "{\"forse\":1}", *place = "[{\"force\":1},\n {\"force\":\"a\"}]";
    assert_false(read_rows(mixed, near, strlen(near), &r, &status, &err));
    assert_non_null(strstr(err.hint, "\"force\""));
    assert_false(read_rows(mixed, place, strlen(place), &r, &status, &err));
    assert_non_null(strstr(err.message, "row 2"));
    assert_string_equal(err.where, "line 2, column 11");
    an__infer_free(&r);
}

static void test_limits(void **state)
{
    (void)state;
    an__infer r = { 0 };
    an_error err = { 0 };
    int status;
    an__infer_limits l = { .rows = 2 };
    const char *two = "[{\"force\":1},{\"force\":2}]", *three = "[{\"force\":1},{\"force\":2},{\"force\":3}]";
    assert_true(an__infer_read_rows(numbers, (an_span){ two, strlen(two) }, &l, &r, &status, &err));
    assert_false(an__infer_read_rows(numbers, (an_span){ three, strlen(three) }, &l, &r, &status, &err));
    assert_int_equal(status, 413);
    assert_non_null(strstr(err.message, "more than 2 rows"));
    assert_non_null(strstr(err.hint, "several requests"));
    an_buf body = { 0 };
    an_buf_puts(&body, "[{\"force\":0}");
    for (int i = 1; i < 65537; i++) an_buf_printf(&body, ",{\"force\":%d}", i);
    an_buf_puts(&body, "]");
    assert_false(read_rows(numbers, body.data, body.size, &r, &status, &err));
    assert_int_equal(status, 413);
    body.size -= strlen(",{\"force\":65536}]");
    an_buf_puts(&body, "]"); /* without the last */
    assert_true(read_rows(numbers, body.data, body.size, &r, &status, &err));
    assert_int_equal(r.rows, 65536);
    for (size_t i = 0; i < r.rows; i++) assert_true(value_of(numbers, &r, i, "force") == (double)i);
    an_buf_free(&body);
    an__infer_free(&r);
}

/* ---- answers ---- */

static json_t *parsed(const char *text, size_t n)
{
    json_error_t e;
    json_t *j = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);
    if (!j) fail_msg("%s: %.*s", e.text, (int)n, text);
    return j;
}

static void test_write_rows(void **state)
{
    (void)state;
    an__infer r = { 0 };
    an_buf out = { 0 };
    rows_ok(mixed, "{\"force\":1e6,\"turns\":3,\"variant\":\"Q\",\"stamp\":1700040000,\"torque\":1.5}", &r);
    double score = 0.1 + 0.2;
    an__infer_write_rows(mixed, &r, &score, &about, &out);
    json_t *j = parsed(out.data, out.size);
    assert_string_equal(json_string_value(json_object_get(j, "label")), "0");
    double back = json_real_value(json_object_get(j, "probability"));
    assert_memory_equal(&back, &score, sizeof score);
    assert_true(json_is_true(json_object_get(j, "calibrated")));
    assert_true(json_real_value(json_object_get(j, "threshold")) == 0.5);
    char *text = an_json_text(json_object_get(j, "out_of_range"), false);
    assert_string_equal(text, "[\"force\",\"variant\"]");
    free(text);
    text = an_json_text(json_object_get(j, "missing"), false);
    assert_string_equal(text, "[\"hot\"]");
    free(text);
    assert_string_equal(json_string_value(json_object_get(j, "model")), "press");
    assert_int_equal(json_integer_value(json_object_get(j, "version")), 3);
    assert_string_equal(json_string_value(json_object_get(j, "request")), "r-1");
    assert_null(json_object_get(j, "unapproved"));
    json_decref(j);
    /* no verdict from a score that is no number, in neither form; the list form; unapproved */
    rows_ok(mixed, "[{\"force\":1},{\"force\":2}]", &r);
    double scores[] = { NAN, 0.5 };
    an__infer_about unapproved = { .name = "a\"b", .version = 1, .request = "x\n", .unapproved = true };
    an_buf_clear(&out);
    an__infer_write_rows(mixed, &r, scores, &unapproved, &out);
    j = parsed(out.data, out.size);
    assert_int_equal(json_array_size(j), 2);
    assert_true(json_is_null(json_object_get(json_array_get(j, 0), "label")));
    assert_true(json_is_null(json_object_get(json_array_get(j, 0), "probability")));
    assert_string_equal(json_string_value(json_object_get(json_array_get(j, 1), "label")), "1");
    assert_string_equal(json_string_value(json_object_get(json_array_get(j, 1), "model")), "a\"b");
    assert_string_equal(json_string_value(json_object_get(json_array_get(j, 1), "request")), "x\n");
    assert_true(json_is_true(json_object_get(json_array_get(j, 1), "unapproved")));
    json_decref(j);
    an_buf_free(&out);
    an__infer_free(&r);
}

static void test_write_v2(void **state)
{
    (void)state;
    static const char text[] =
        "{\"id\":\"a\\\"\\u0001\",\"inputs\":[{\"name\":\"input\",\"shape\":[3,2],\"datatype\":\"FP64\",\"data\":[1,2,3,4,5,6]}]";
    an__infer r = { 0 };
    an_buf out = { 0 };
    double score[] = { 0.1, 0.9, NAN };
    char *plain = an_format("%s}", text), *binary = an_format("%s,\"parameters\":{\"binary_data_output\":true}}", text),
         *mix = an_format("%s,\"outputs\":[{\"name\":\"probability\"},{\"name\":\"label\",\"parameters\":{\"binary_data\":true}}]}", text);
    v2_ok(numbers, plain, &r);
    assert_int_equal(an__infer_write_v2(numbers, &r, score, &about, &out), 0);
    json_t *j = parsed(out.data, out.size), *o = json_object_get(j, "outputs");
    assert_string_equal(json_string_value(json_object_get(j, "model_name")), "press");
    assert_string_equal(json_string_value(json_object_get(j, "model_version")), "3");
    assert_string_equal(json_string_value(json_object_get(j, "id")), "a\"\001");
    char *data = an_json_text(json_object_get(json_array_get(o, 0), "data"), false);
    assert_string_equal(data, "[\"0\",\"1\",\"\"]");
    free(data);
    data = an_json_text(json_object_get(json_array_get(o, 1), "data"), false);
    assert_string_equal(data, "[0.1,0.9,null]");
    free(data);
    data = an_json_text(json_object_get(json_array_get(o, 1), "shape"), false);
    assert_string_equal(data, "[3,1]");
    free(data);
    json_decref(j);
    /* raw: JSON, then the tensors in its order */
    v2_ok(numbers, binary, &r);
    an_buf_clear(&out);
    an_buf_puts(&out, "before");
    size_t json = an__infer_write_v2(numbers, &r, score, &about, &out);
    assert_true(json > 0);
    j = parsed(out.data + 6, json);
    o = json_object_get(j, "outputs");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json_array_get(o, 0), "parameters"), "binary_data_size")), 14);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json_array_get(o, 1), "parameters"), "binary_data_size")), 24);
    assert_null(json_object_get(json_array_get(o, 0), "data"));
    assert_int_equal(out.size, 6 + json + 14 + 24);
    assert_memory_equal(out.data + 6 + json,
                        "\1\0\0\0"
                        "0\1\0\0\0"
                        "1\0\0\0\0",
                        14);
    assert_memory_equal(out.data + 6 + json + 14, score, 24);
    json_decref(j);
    v2_ok(numbers, mix, &r);
    an_buf_clear(&out);
    json = an__infer_write_v2(numbers, &r, score, &about, &out);
    assert_int_equal(out.size, json + 14);
    j = parsed(out.data, json);
    o = json_object_get(j, "outputs");
    assert_string_equal(json_string_value(json_object_get(json_array_get(o, 0), "name")), "probability");
    assert_non_null(json_object_get(json_array_get(o, 0), "data"));
    json_decref(j);
    free(plain);
    free(binary);
    free(mix);
    an_buf_free(&out);
    an__infer_free(&r);
}

/* A table through text and back: labels, probabilities and features out of range as an_model_predict has them, bit for bit. */
static void test_replay(void **state)
{
    (void)state;
    an_table *t = simulate(500, 9, true);
    for (size_t i = 0; i < t->rows; i += 3) an_table_find(t, "torque")->real[i] *= 7; /* out of range */
    an_error err = { 0 };
    an_table *p = an_model_predict(mixed, t, NULL, NULL, &err);
    assert_non_null(p);
    an_buf body = { 0 }, out = { 0 };
    an_buf_puts(&body, "[");
    for (size_t i = 0; i < t->rows; i++) {
        bool first = true;
        an_buf_puts(&body, i ? ",{" : "{");
        for (size_t c = 0; c < t->columns; c++) {
            const an_column *column = &t->column[c];
            if (!an_valid(column, i) || column->role == AN_TARGET) continue;
            bool quoted = column->type == AN_CATEGORY || column->type == AN_DATETIME;
            an_buf_printf(&body, "%s\"%s\":%s", first ? "" : ",", column->name, quoted ? "\"" : "");
            an_cell_text(column, i, &body);
            an_buf_puts(&body, quoted ? "\"" : "");
            first = false;
        }
        an_buf_puts(&body, "}");
    }
    an_buf_puts(&body, "]");
    an__infer r = { 0 };
    rows_ok(mixed, body.data, &r);
    assert_int_equal(r.rows, t->rows);
    double *score = an_alloc_n(r.rows, sizeof *score);
    assert_true(an_model_score_rows(mixed, r.values, r.rows, score, &err));
    an__infer_write_rows(mixed, &r, score, &about, &out);
    json_t *j = parsed(out.data, out.size);
    for (size_t i = 0; i < t->rows; i++) {
        json_t *row = json_array_get(j, i);
        an_buf label = { 0 }, outside = { 0 }, ours = { 0 };
        an_cell_text(an_table_find(p, "label"), i, &label);
        an_cell_text(an_table_find(p, "out_of_range"), i, &outside);
        assert_string_equal(json_string_value(json_object_get(row, "label")), label.data);
        double probability = json_number_value(json_object_get(row, "probability"));
        assert_memory_equal(&probability, &an_table_find(p, "probability")->real[i], sizeof probability);
        size_t k;
        json_t *name;
        json_array_foreach(json_object_get(row, "out_of_range"), k, name)
            an_buf_printf(&ours, "%s%s", k ? ";" : "", json_string_value(name));
        assert_string_equal(ours.data ? ours.data : "", outside.data ? outside.data : "");
        an_buf_free(&label);
        an_buf_free(&outside);
        an_buf_free(&ours);
    }
    json_decref(j);
    free(score);
    an_buf_free(&body);
    an_buf_free(&out);
    an__infer_free(&r);
    an_table_free(p);
    an_table_free(t);
}

static void test_metadata(void **state)
{
    (void)state;
    int64_t versions[] = { 3, 12 };
    json_t *j = an__infer_metadata(mixed, "press", versions, 2), *inputs = json_object_get(j, "inputs");
    char *text = an_json_text(json_object_get(j, "versions"), false);
    assert_string_equal(text, "[\"3\",\"12\"]");
    free(text);
    assert_int_equal(json_array_size(inputs), FEATURES);
    static const char *const types[] = { "FP64", "FP64", "BOOL", "BYTES", "BYTES", "FP64" };
    for (size_t i = 0; i < FEATURES; i++) {
        json_t *in = json_array_get(inputs, i);
        assert_string_equal(json_string_value(json_object_get(in, "name")), feature_names[i]);
        assert_string_equal(json_string_value(json_object_get(in, "datatype")), types[i]);
        text = an_json_text(json_object_get(in, "shape"), false);
        assert_string_equal(text, "[-1,1]");
        free(text);
    }
    text = an_json_text(json_object_get(json_array_get(inputs, 3), "parameters"), false);
    assert_string_equal(text, "{\"categories\":[\"A\",\"B\",\"C\"],\"type\":\"category\"}");
    free(text);
    assert_string_equal(json_string_value(json_object_get(json_object_get(json_array_get(inputs, 0), "parameters"), "unit")), "kN");
    assert_null(json_object_get(json_object_get(j, "parameters"), "matrix_input"));
    json_decref(j);
    j = an__infer_metadata(numbers, "press", versions, 1);
    assert_non_null(json_object_get(json_object_get(j, "parameters"), "matrix_input"));
    json_decref(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_forms),      cmocka_unit_test(test_values),   cmocka_unit_test(test_limits),
                                        cmocka_unit_test(test_write_rows), cmocka_unit_test(test_write_v2), cmocka_unit_test(test_replay),
                                        cmocka_unit_test(test_metadata) };
    return cmocka_run_group_tests(tests, two_models, two_models_end);
}
