/* JSON: refusals of foreign files, canonical writing, reading back. */
#include "testing.h"

#include <math.h>

static an_error err;

static void check_refused(const char *text, const char *part, const char *where)
{
    err = (an_error){ 0 };
    json_t *value = an_json_parse(text, strlen(text), "x.json", &err);
    if (value) fail_msg("%s was read", text);
    assert_int_equal(err.code, AN_INPUT);
    if (!strstr(err.message, part)) fail_msg("\"%s\" does not hold \"%s\"", err.message, part);
    assert_string_equal(err.where, where);
}

static void refuses_bad_input(void **state)
{
    (void)state;
    check_refused("", "x.json is not valid JSON", "x.json:1:0");
    check_refused("{\"a\": 1,\n \"a\": 2}", "duplicate", "x.json:2:4");
    check_refused("{\"a\": }", "line 1, column 7", "x.json:1:7");
    check_refused("[1, 2", "line 1", "x.json:1:5");
    check_refused("[1] x", "line 1", "x.json:1:5");
    check_refused("\"\\u0000\"", "line 1", "x.json:1:8");
    check_refused("[1e999]", "line 1", "x.json:1:6");
    check_refused("[99999999999999999999]", "line 1", "x.json:1:21");
    check_refused("\"\xff\"", "decode byte 0xff", "x.json:1:1");
}

static void refuses_deep_nesting(void **state)
{
    (void)state;
    an_buf b = { 0 };
    for (int depth = 199; depth <= 201; depth++) {
        an_buf_clear(&b);
        for (int i = 0; i < depth; i++) an_buf_puts(&b, i % 2 ? "{\"k\":" : "\n[");
        an_buf_puts(&b, "0");
        for (int i = depth; i-- > 0;) an_buf_putc(&b, i % 2 ? '}' : ']');
        json_t *value = an_json_parse(b.data, b.size, "x", &err);
        assert_int_equal(value != NULL, depth <= 200);
        json_decref(value);
    }
    assert_non_null(strstr(err.message, "line 102: brackets are nested deeper"));
    an_buf_clear(&b);
    for (int i = 0; i < 1000000; i++) an_buf_putc(&b, '[');
    assert_null(an_json_parse(b.data, b.size, "x", &err));
    /* brackets inside strings do not count, nor do those after an escaped quote */
    an_buf_clear(&b);
    an_buf_puts(&b, "\"\\\"");
    for (int i = 0; i < 1000; i++) an_buf_putc(&b, '[');
    an_buf_putc(&b, '"');
    json_t *value = an_json_parse(b.data, b.size, "x", &err);
    assert_non_null(value);
    json_decref(value);
    an_buf_free(&b);
}

static void check_text(const char *text, const char *expected)
{
    json_t *value = an_json_parse(text, strlen(text), "x", &err);
    if (!value) fail_msg("%s", err.message);
    char *out = an_json_text(value, false);
    assert_string_equal(out, expected);
    json_t *again = an_json_parse(out, strlen(out), "x", &err);
    assert_true(json_equal(value, again));
    json_decref(again);
    free(out);
    json_decref(value);
}

static void canonical_text(void **state)
{
    (void)state;
    check_text(" { \"b\" : 1 , \"a\" : [ true , false , null , \"x\" ] } ", "{\"a\":[true,false,null,\"x\"],\"b\":1}");
    check_text("[]", "[]");
    check_text("{}", "{}");
    check_text("0.1", "0.1");
    check_text("[1.0, -0.0, 1e300, 1e-7, 3, 123456789.5]", "[1.0,-0.0,1e+300,1e-07,3,123456789.5]");
    check_text("[-9223372036854775808, 9223372036854775807]", "[-9223372036854775808,9223372036854775807]");
    check_text("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\\u007f\\u00e4\\ud83d\\ude00\"",
               "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u007f\xc3\xa4\xf0\x9f\x98\x80\"");
    check_text("{\"\": {\"z\": 1, \"Z\": 2, \"\xc3\xa4\": 3}}", "{\"\":{\"Z\":2,\"z\":1,\"\xc3\xa4\":3}}");
}

static void pretty_text(void **state)
{
    (void)state;
    json_t *value = json_pack("{s:[i,i],s:{},s:{s:f}}", "list", 1, 2, "empty", "deep", "x", 0.5);
    char *text = an_json_text(value, true);
    assert_string_equal(text, "{\n  \"deep\": {\n    \"x\": 0.5\n  },\n  \"empty\": {},\n  \"list\": [\n    1,\n    2\n  ]\n}");
    free(text);
    json_decref(value);
    text = an_json_text(NULL, true);
    assert_string_equal(text, "");
    free(text);
}

static void reals_survive(void **state)
{
    (void)state;
    an_rng r = an_rng_at(4, 0);
    json_t *array = json_array();
    for (int i = 0; i < 2000; i++)
        json_array_append_new(array, an_json_real(an_rng_normal(&r) * pow(10, (double)an_rng_below(&r, 40) - 20)));
    char *text = an_json_text(array, false);
    json_t *again = an_json_parse(text, strlen(text), "x", &err);
    assert_non_null(again);
    for (size_t i = 0; i < 2000; i++) assert_true(json_real_value(json_array_get(array, i)) == json_real_value(json_array_get(again, i)));
    json_decref(again);
    json_decref(array);
    free(text);
}

static void files(void **state)
{
    (void)state;
    char *folder = scratch_new(), *path = an_path_join(folder, "v.json"), *none = an_path_join(folder, "none/v.json");
    json_t *value = json_pack("{s:i,s:i}", "b", 1, "a", 2);
    assert_ok(an_json_write(path, value, &err));
    an_buf b = { 0 };
    assert_ok(an_file_read(path, 0, &b, &err));
    assert_string_equal(b.data, "{\n  \"a\": 2,\n  \"b\": 1\n}\n");
    json_t *again = an_json_read(path, &err);
    assert_true(json_equal(value, again));
    json_decref(again);
    assert_fails(an_json_write(none, value, &err), AN_IO, "none");
    assert_fails(an_json_write(path, NULL, &err), AN_FAILED, "no value");
    assert_null(an_json_read(none, &err));
    assert_int_equal(err.code, AN_NOT_FOUND);
    assert_ok(an_file_write(path, "{", 1, &err));
    assert_null(an_json_read(path, &err));
    assert_int_equal(err.code, AN_INPUT);
    assert_non_null(strstr(err.message, "v.json"));
    an_buf_free(&b);
    json_decref(value);
    free(path);
    free(none);
    scratch_end(folder);
}

static void helpers(void **state)
{
    (void)state;
    json_t *value = json_pack("{s:i,s:f,s:s,s:n}", "i", 3, "f", 0.5, "s", "text", "n");
    assert_true(an_json_number(json_object_get(value, "i"), -1) == 3);
    assert_true(an_json_number(json_object_get(value, "f"), -1) == 0.5);
    assert_true(an_json_number(json_object_get(value, "s"), -1) == -1);
    assert_true(an_json_number(json_object_get(value, "n"), -1) == -1);
    assert_true(an_json_number(NULL, -1) == -1);
    assert_string_equal(an_json_string(value, "s", "x"), "text");
    assert_string_equal(an_json_string(value, "i", "x"), "x");
    assert_string_equal(an_json_string(value, "none", "x"), "x");
    assert_null(an_json_string(NULL, "s", NULL));
    json_t *nothing = an_json_real(NAN), *endless = an_json_real(-INFINITY), *number = an_json_real(2);
    assert_true(json_is_null(nothing) && json_is_null(endless) && json_is_real(number));
    json_decref(number);
    json_decref(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_bad_input), cmocka_unit_test(refuses_deep_nesting), cmocka_unit_test(canonical_text),
        cmocka_unit_test(pretty_text),       cmocka_unit_test(reals_survive),        cmocka_unit_test(files),
        cmocka_unit_test(helpers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
