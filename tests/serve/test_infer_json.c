/* test_infer_json.c - the JSON reader of requests: what is refused and why, numbers to the last bit, text, agreement with the library. */
#include "infer_testing.h"

static bool skips(const char *bytes, size_t n, int limit, an_error *err)
{
    an__json j = { 0 };
    an_span s = tight(bytes, n);
    *err = (an_error){ 0 };
    an__json_open(&j, s, limit, err);
    bool ok = an__json_skip(&j) && an__json_end(&j);
    an_buf_free(&j.text);
    free((char *)(uintptr_t)s.data);
    return ok;
}

static void good(const char *text)
{
    an_error err;
    if (!skips(text, strlen(text), 32, &err)) fail_msg("%s: %s (%s)", text, err.message, err.where);
}

static void bad(const char *text, const char *part)
{
    an_error err;
    if (skips(text, strlen(text), 32, &err)) fail_msg("%s is taken", text);
    if (!strstr(err.message, part)) fail_msg("%s: \"%s\" does not hold \"%s\"", text, err.message, part);
    if (err.code != AN_INPUT || !strstr(err.where, "line ")) fail_msg("%s: code %d, where \"%s\"", text, err.code, err.where);
}

static void test_structure(void **state)
{
    (void)state;
    good("{}");
    good(" [ ] ");
    good("{\"a\":1,\"b\":[true,false,null,{\"c\":\"d\"}]}\r\n\t ");
    good("\"\"");
    bad("", "the body ends");
    bad("   ", "the body ends");
    bad("{", "the body ends");
    bad("{\"a\"", "':'");
    bad("{\"a\":", "the body ends");
    bad("{\"a\":1", "the body ends");
    bad("{\"a\":1,}", "nothing behind");
    bad("[1,]", "nothing behind");
    bad("[1 2]", "','");
    bad("[,1]", "found ','");
    bad("{a:1}", "double quotes");
    bad("{'a':1}", "double quotes");
    bad("{1:1}", "found a number");
    bad("[1]]", "follows the end");
    bad("[1}", "','");
    bad("{\"a\":1]", "','");
    bad("tru", "found 't'");
    bad("truex", "follows the end");
    bad("True", "found 'T'");
    bad("\xef\xbb\xbf{}", "byte order mark");
    bad("// x\n1", "found '/'");
    bad("\x01", "0x01");
}

static void test_depth(void **state)
{
    (void)state;
    an_error err;
    char *deep = malloc(2000002);
    for (int n = 31; n <= 33; n++) {
        memset(deep, '[', (size_t)n);
        memset(deep + n, ']', (size_t)n);
        assert_int_equal(skips(deep, 2 * (size_t)n, 32, &err), n <= 32);
    }
    assert_non_null(strstr(err.message, "deeper than 32"));
    memset(deep, '[', 2000000); /* no stack is used up */
    assert_false(skips(deep, 2000000, 32, &err));
    for (size_t i = 0; i + 5 <= 2000000; i += 5) memcpy(deep + i, "{\"a\":", 5);
    assert_false(skips(deep, 2000000, 32, &err));
    free(deep);
}

static bool reads(const char *text, double *value, an_error *err)
{
    an__json j = { 0 };
    an_span s = tight(text, strlen(text));
    *err = (an_error){ 0 };
    an__json_open(&j, s, 32, err);
    bool ok = an__json_number(&j, value, NULL) && an__json_end(&j);
    free((char *)(uintptr_t)s.data);
    return ok;
}

static void test_numbers(void **state)
{
    (void)state;
    an_error err;
    double x;
    static const char *const texts[] = { "0",
                                         "-0",
                                         "1",
                                         "-1.5",
                                         "0.1",
                                         "12.3",
                                         "1e2",
                                         "1E+2",
                                         "1e-2",
                                         "9007199254740992",
                                         "9007199254740993",
                                         "123456789012345678",
                                         "0.30000000000000004",
                                         "1.7976931348623157e308",
                                         "5e-324",
                                         "2.5e-324",
                                         "1e-400",
                                         "0.000000000000000000000000000001",
                                         "100000000000000000000000000000000000000000",
                                         "3.141592653589793238462643383279502884197",
                                         "2.2250738585072011e-308",
                                         "0e999999999",
                                         "1.00000000000000000000000000000000000000000000000000000000000000001" };
    for (size_t i = 0; i < AN_COUNT(texts); i++) {
        double expected = strtod(texts[i], NULL);
        if (!reads(texts[i], &x, &err)) fail_msg("%s: %s", texts[i], err.message);
        if (memcmp(&x, &expected, sizeof x)) fail_msg("%s: %.17g, expected %.17g", texts[i], x, expected);
    }
    static const char *const large[] = { "1e999", "-1e999", "1.7976931348623159e308", "1.7976931348623157e309", "1e99999999999999999999" };
    for (size_t i = 0; i < AN_COUNT(large); i++) {
        assert_false(reads(large[i], &x, &err));
        assert_non_null(strstr(err.message, "larger than a double"));
        assert_non_null(strstr(err.hint, "null"));
    }
    static const char *const words[] = { "NaN", "Infinity", "-Infinity", "nan", "inf", "-inf" };
    for (size_t i = 0; i < AN_COUNT(words); i++) {
        assert_false(reads(words[i], &x, &err));
        assert_non_null(strstr(err.message, "is no JSON"));
        assert_non_null(strstr(err.hint, "null"));
    }
    static const char *const wrong[] = { "01", "-01", "+1", ".5", "1.", "1.e5", "1e", "1e+", "-", "--1", "0x10", "1_000", "1,5", "1e5.5" };
    for (size_t i = 0; i < AN_COUNT(wrong); i++)
        if (reads(wrong[i], &x, &err)) fail_msg("%s is taken", wrong[i]);
    an_rng rng = an_rng_at(4, 4); /* all doubles come back bit for bit, however they are written */
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = an_rng_u64(&rng);
        double expected;
        char text[64];
        memcpy(&expected, &bits, sizeof bits);
        if (!isfinite(expected)) continue;
        if (i % 2) expected = ldexp((double)(int64_t)bits, -(int)(bits % 80));
        an_real_text(expected, text);
        assert_true(reads(text, &x, &err));
        assert_memory_equal(&x, &expected, sizeof x);
        snprintf(text, sizeof text, "%.*e", (int)(bits % 25), expected);
        double also = strtod(text, NULL);
        if (isinf(also)) continue;
        assert_true(reads(text, &x, &err));
        assert_memory_equal(&x, &also, sizeof x);
    }
}

static void test_integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } cases[] = { { "0", true, 0 },
                  { "-1", true, -1 },
                  { "9223372036854775807", true, INT64_MAX },
                  { "-9223372036854775807", true, -INT64_MAX },
                  { "9223372036854775808", false, 0 },
                  { "18446744073709551616", false, 0 },
                  { "99999999999999999999999999", false, 0 },
                  { "1.0", true, 1 },
                  { "-2.50e1", true, -25 },
                  { "1.5", false, 0 },
                  { "1e17", false, 0 },
                  { "1e999", false, 0 },
                  { "1e3", true, 1000 },
                  { "00", false, 0 },
                  { "\"1\"", false, 0 },
                  { "true", false, 0 } };
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        an_error err = { 0 };
        an__json j = { 0 };
        int64_t value = 0;
        an_span s = tight(cases[i].text, strlen(cases[i].text));
        an__json_open(&j, s, 32, &err);
        if (an__json_integer(&j, &value, "a size") != cases[i].ok) fail_msg("%s: %s", cases[i].text, err.message);
        if (cases[i].ok) assert_true(value == cases[i].value);
        free((char *)(uintptr_t)s.data);
    }
}

static void text_is(const char *body, const char *expected, size_t n)
{
    an_error err = { 0 };
    an__json j = { 0 };
    an_span s = tight(body, strlen(body)), got;
    an__json_open(&j, s, 32, &err);
    if (!an__json_string(&j, &got)) fail_msg("%s: %s", body, err.message);
    assert_int_equal(got.size, n);
    assert_memory_equal(got.data, expected, n);
    an_buf_free(&j.text);
    free((char *)(uintptr_t)s.data);
}

static void test_text(void **state)
{
    (void)state;
    text_is("\"\"", "", 0);
    text_is("\"abc\"", "abc", 3);
    text_is("\"abcdefgh\"", "abcdefgh", 8);
    text_is("\"abcdefg\\\"hijklmnop\\\\q\\/\\b\\f\\n\\r\\t\"", "abcdefg\"hijklmnop\\q/\b\f\n\r\t", 25);
    text_is("\"\\u0041\\u00e9\\u20ac\\ud83d\\uDE00\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10);
    text_is("\"a\\u0000b\"", "a\0b", 3);
    text_is("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\x7f\"", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\x7f", 14);
    bad("\"abc", "closing quote");
    bad("\"abc\\", "backslash");
    bad("\"\\x41\"", "backslash");
    bad("\"\\u12", "hexadecimal");
    bad("\"\\u12g4\"", "hexadecimal");
    bad("\"\\ud800\"", "lone surrogate");
    bad("\"\\ud800\\u0041\"", "lone surrogate");
    bad("\"\\ud800\\ud800\"", "lone surrogate");
    bad("\"\\udc00\"", "lone surrogate");
    bad("\"\\ud83d", "lone surrogate");
    bad("\"a\nb\"", "control character");
    bad("\"abcdefg\x1fz\"", "control character");
    static const char *const wrong[] = { "\x80",
                                         "\xc3",
                                         "\xc0\x80",
                                         "\xc1\xbf",
                                         "\xe0\x80\x80",
                                         "\xed\xa0\x80",
                                         "\xf0\x80\x80\x80",
                                         "\xf4\x90\x80\x80",
                                         "\xf5\x80\x80\x80",
                                         "\xff",
                                         "\xe2\x82",
                                         "\xf0\x9f\x98" };
    for (size_t i = 0; i < AN_COUNT(wrong); i++) {
        char text[64];
        snprintf(text, sizeof text, "\"abcdefghij%sxyz\"", wrong[i]);
        bad(text, "not UTF-8");
        snprintf(text, sizeof text, "\"%s", wrong[i]);
        bad(text, "not UTF-8");
    }
}

/* Random bytes from the alphabet of JSON: taken by this reader exactly when the library takes them (which also counts doubled keys and
 * NUL in keys as wrong, and reals beyond doubles). */
static void test_agrees_with_library(void **state)
{
    (void)state;
    static const char *const pieces[] = { "{",    "}",     "[",    "]", ",",           ":", "\"a\"", "\"b\"", "1",  "-2.5e3",
                                          "true", "false", "null", " ", "\"\\u00e9\"", "0", "1.",    "\"",    "\\", "e" };
    an_rng rng = an_rng_at(8, 8);
    size_t taken = 0;
    for (int i = 0; i < 200000; i++) {
        char text[256] = "";
        size_t n = 1 + an_rng_below(&rng, 9);
        for (size_t k = 0; k < n; k++) strcat(text, pieces[an_rng_below(&rng, AN_COUNT(pieces))]);
        an_error err;
        bool ours = skips(text, strlen(text), 32, &err);
        json_error_t e;
        json_t *j = json_loads(text, JSON_DECODE_ANY, &e);
        if (ours != (j != NULL)) fail_msg("%s: ours %d, the library's %d (%s, %s)", text, ours, j != NULL, err.message, e.text);
        json_decref(j);
        taken += ours;
    }
    assert_true(taken > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_structure), cmocka_unit_test(test_depth),
                                        cmocka_unit_test(test_numbers),   cmocka_unit_test(test_integers),
                                        cmocka_unit_test(test_text),      cmocka_unit_test(test_agrees_with_library) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
