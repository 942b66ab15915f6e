/* test_infer_v2.c - JSON requests of the Open Inference Protocol v2: every datatype, shape and order of keys; what is refused and how it is
 * said. */
#include "infer_testing.h"

#define T(name, shape, type, data) "{\"name\":\"" name "\",\"shape\":" shape ",\"datatype\":\"" type "\",\"data\":" data "}"
#define REST                                                                                                               \
    T("turns", "[1,1]", "INT64", "[3]")                                                                                    \
    "," T("hot", "[1,1]", "BOOL", "[true]") "," T("variant", "[1,1]", "BYTES", "[\"B\"]") "," T("stamp", "[1,1]", "BYTES", \
                                                                                                "[\"2026-03-01T07:05:09Z\"]")
#define FORCE T("force", "[1,1]", "FP64", "[20.5]")
#define TORQUE T("torque", "[1,1]", "FP64", "[1.5]")
#define ALL FORCE "," REST "," TORQUE
#define IN(inputs) "{\"inputs\":[" inputs "]}"
#define NUMBERS(force) IN(T("force", "[1,1]", "FP64", force) "," TORQUE)

static void test_plain(void **state)
{
    (void)state;
    an__infer r = { 0 };
    v2_ok(mixed, IN(ALL), &r);
    assert_int_equal(r.form, AN__FORM_V2);
    assert_int_equal(r.rows, 1);
    assert_null(r.id);
    assert_true(isnan(r.deadline_ms));
    assert_true(value_of(mixed, &r, 0, "force") == 20.5);
    assert_true(value_of(mixed, &r, 0, "turns") == 3);
    assert_true(value_of(mixed, &r, 0, "hot") == 1);
    assert_true(value_of(mixed, &r, 0, "variant") == 1);
    assert_true(value_of(mixed, &r, 0, "stamp") == 1772348709);
    assert_true(value_of(mixed, &r, 0, "torque") == 1.5);
    assert_int_equal(r.outputs, 2);
    assert_int_equal(r.output[0].which, AN__OUT_LABEL);
    assert_int_equal(r.output[1].which, AN__OUT_PROBABILITY);
    assert_false(r.output[0].binary || r.output[1].binary);
    /* reused: nothing of the last one stays */
    v2_ok(mixed, "{\"id\":\"a\",\"parameters\":{\"timeout\":1500,\"x\":[{}]},\"inputs\":[" ALL "]}", &r);
    assert_string_equal(r.id, "a");
    assert_true(r.deadline_ms == 1.5);
    v2_ok(mixed, IN(TORQUE "," REST "," FORCE), &r);
    assert_null(r.id);
    assert_true(isnan(r.deadline_ms));
    assert_true(value_of(mixed, &r, 0, "force") == 20.5);
    an__infer_free(&r);
}

static void test_shapes(void **state)
{
    (void)state;
    an__infer r = { 0 };
    static const char *const same[] = {
        IN(T("force", "[3,1]", "FP64", "[1,2,3]") "," T("torque", "[3,1]", "FP64", "[4,5,6]")),
        IN(T("force", "[3,1]", "FP64", "[[1],[2],[3]]") "," T("torque", "[3]", "FP64", "[4,5,6]")),
        IN(T("torque", "[3]", "FP64", "[4,5,6]") "," T("force", "[3]", "FP64", "[1,2,3]")),
        IN(T("input", "[3,2]", "FP64", "[1,4,2,5,3,6]")),
        IN(T("input", "[3,2]", "FP64", "[[1,4],[2,5],[3,6]]")),
        IN("{\"data\":[[1,4],[2,5],[3,6]],\"datatype\":\"FP64\",\"shape\":[3,2],\"name\":\"input\"}"),
        "{\"outputs\":[],\"inputs\":[{\"data\":[1,4,2,5,3,6],\"x\":{\"y\":[]},\"shape\":[3,2],\"name\":\"input\",\"datatype\":\"FP64\"}]}",
        IN(T("input", "[3,2]", "INT8", "[1,4,2,5,3,6]")),
    };
    static const double expected[] = { 1, 4, 2, 5, 3, 6 };
    for (size_t i = 0; i < AN_COUNT(same); i++) {
        v2_ok(numbers, same[i], &r);
        assert_int_equal(r.rows, 3);
        assert_memory_equal(r.values, expected, sizeof expected);
    }
    an__infer_free(&r);
    v2_fails(numbers, IN(T("input", "[3,2]", "FP64", "[1,4,2,5,3]")), "5 values where the shape says 6");
    v2_fails(numbers, IN(T("input", "[3,2]", "FP64", "[1,4,2,5,3,6,7]")), "more values than the shape says (6)");
    v2_fails(numbers, IN(T("input", "[3,2]", "FP64", "[[1,4],[2,5]]")), "2 values where the shape says 3");
    v2_fails(numbers, IN(T("input", "[3,2]", "FP64", "[[1,4],[2,5],[3]]")), "1 values where the shape says 2");
    v2_fails(numbers, IN(T("input", "[3,2]", "FP64", "[[1,4],[2,5],[3,6,7]]")), "more values than the shape says (2)");
    v2_fails(numbers, IN(T("input", "[3,2]", "FP64", "[[1,4],[2,5],3,6]")), "expected a list of values, found a number");
    v2_fails(numbers, IN(T("input", "[3,2]", "FP64", "[1,4,[2,5],3,6]")), "expected a number, found a list");
    v2_fails(numbers, IN(T("input", "[3,2]", "FP64", "[[[1,4],[2,5],[3,6]]]")), "expected a number, found a list");
    v2_fails(numbers, IN(T("input", "[3,2]", "FP64", "1")), "expected a list of values, found a number");
    v2_fails(numbers, IN(T("input", "[6]", "FP64", "[1,4,2,5,3,6]")), "shape [6], expected [n,2]");
    v2_fails(numbers, IN(T("input", "[2,3]", "FP64", "[1,4,2,5,3,6]")), "shape [2,3], expected [n,2]");
    v2_fails(numbers, IN(T("input", "[3,2,1]", "FP64", "[1,4,2,5,3,6]")), "shape [3,2,1], expected [n,2]");
    v2_fails(numbers, IN(T("force", "[1,2]", "FP64", "[1,2]")), "shape [1,2], expected [n,1]");
    v2_fails(numbers, IN(T("force", "[]", "FP64", "[1]")), "shape [], expected [n,1]");
    v2_fails(numbers, IN(T("force", "[-1,1]", "FP64", "[1]")), "shape [-1,1], expected [n,1] with n of at least 1");
    v2_fails(numbers, IN(T("force", "[1,-1]", "FP64", "[1]")), "shape [1,-1]");
    v2_fails(numbers, IN(T("force", "[0,1]", "FP64", "[]")), "shape [0,1], expected [n,1] with n of at least 1");
    v2_fails(numbers, IN(T("force", "[1,0]", "FP64", "[]")), "shape [1,0]");
    v2_fails(numbers, IN(T("force", "[1,1,1,1,1]", "FP64", "[1]")), "more than 4 dimensions");
    v2_fails(numbers, IN(T("force", "[9223372036854775807,1]", "FP64", "[1]")), "more than 65536 rows");
    v2_fails(numbers, IN(T("force", "[9223372036854775808,1]", "FP64", "[1]")), "expected a whole number as a dimension");
    v2_fails(numbers, IN(T("force", "[18446744073709551616,1]", "FP64", "[1]")), "expected a whole number as a dimension");
    v2_fails(numbers, IN(T("input", "[4611686018427387904,2]", "FP64", "[1]")), "more than 65536 rows");
    v2_fails(numbers, IN(T("force", "[1.5,1]", "FP64", "[1]")), "expected a whole number as a dimension");
    v2_fails(numbers, IN(T("force", "[\"1\",1]", "FP64", "[1]")), "expected a whole number as a dimension, found a text");
    v2_fails(numbers, IN(T("force", "1", "FP64", "[1]")), "expected a shape");
    v2_fails(numbers, IN(T("force", "[60000,1]", "FP64", "[1]")), "bytes hold all of the request");
    v2_fails(numbers, IN(FORCE "," T("torque", "[2,1]", "FP64", "[1,2]")), "has 2 rows where the inputs before it have 1");
}

static void test_datatypes(void **state)
{
    (void)state;
    static const struct {
        const char *type, *data;
        double value;
        const char *refused; /* NULL: taken */
    } cases[] = {
        { "FP64", "[0.1]", 0.1, NULL },
        { "FP64", "[-0]", -0.0, NULL },
        { "FP64", "[null]", NAN, NULL },
        { "FP64", "[1.7976931348623157e308]", 1.7976931348623157e308, NULL },
        { "FP64", "[1.7976931348623157e309]", 0, "larger than a double" },
        { "FP64", "[1e999]", 0, "larger than a double" },
        { "FP64", "[NaN]", 0, "NaN is no JSON" },
        { "FP64", "[-Infinity]", 0, "-Infinity is no JSON" },
        { "FP64", "[\"1\"]", 0, "expected a number, found a text" },
        { "FP64", "[true]", 0, "expected a number, found a truth value" },
        { "FP64", "[{}]", 0, "expected a number, found an object" },
        { "FP32", "[12.3]", 12.3, NULL },
        { "FP32", "[3.4028234663852886e38]", 3.4028234663852886e38, NULL },
        { "FP32", "[3.5e38]", 0, "beyond FP32" },
        { "FP16", "[65504]", 65504, NULL },
        { "FP16", "[-65505]", 0, "beyond FP16" },
        { "BF16", "[1e38]", 1e38, NULL },
        { "BF16", "[3.4e38]", 0, "beyond BF16" },
        { "INT8", "[-128]", -128, NULL },
        { "INT8", "[128]", 0, "beyond INT8" },
        { "INT16", "[32767]", 32767, NULL },
        { "INT16", "[-32769]", 0, "beyond INT16" },
        { "INT32", "[-2147483648]", -2147483648.0, NULL },
        { "INT32", "[2147483648]", 0, "beyond INT32" },
        { "INT64", "[9007199254740992]", 9007199254740992.0, NULL },
        { "INT64", "[-9007199254740994]", -9007199254740994.0, NULL },
        { "INT64", "[9007199254740993]", 0, "more digits than a double" },
        { "INT64", "[4611686018427387904]", 4611686018427387904.0, NULL },
        { "INT64", "[9223372036854775807]", 0, "INT64" },
        { "INT64", "[-9223372036854775808]", -9223372036854775808.0, NULL },
        { "INT64", "[-9223372036854777856]", 0, "beyond INT64" },
        { "INT64", "[1.0]", 1, NULL },
        { "INT64", "[1.5]", 0, "no whole number" },
        { "UINT8", "[255]", 255, NULL },
        { "UINT8", "[-1]", 0, "beyond UINT8" },
        { "UINT16", "[65536]", 0, "beyond UINT16" },
        { "UINT32", "[4294967295]", 4294967295.0, NULL },
        { "UINT64", "[9223372036854775808]", 9223372036854775808.0, NULL },
        { "UINT64", "[18446744073709551616]", 0, "beyond UINT64" },
        { "UINT64", "[null]", NAN, NULL },
        { "BOOL", "[true]", 1, NULL },
        { "BOOL", "[false]", 0, NULL },
        { "BOOL", "[1]", 1, NULL },
        { "BOOL", "[2]", 0, "no BOOL" },
        { "BOOL", "[\"true\"]", 0, "expected true or false (BOOL), found a text" },
        { "BYTES", "[\"1\"]", 0, "takes a number, not the text \"1\"" },
        { "BYTES", "[\"\"]", 0, "takes a number" },
        { "BYTES", "[1]", 0, "expected a text (BYTES), found a number" },
        { "FP128", "[1]", 0, "\"FP128\" is no datatype" },
        { "fp64", "[1]", 0, "\"fp64\" is no datatype" },
        { "", "[1]", 0, "is no datatype" },
    };
    an__infer r = { 0 };
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        char *body =
            an_format(IN(TORQUE ",{\"name\":\"force\",\"shape\":[1,1],\"datatype\":\"%s\",\"data\":%s}"), cases[i].type, cases[i].data);
        if (cases[i].refused) {
            v2_fails(numbers, body, cases[i].refused);
        } else {
            v2_ok(numbers, body, &r);
            double value = value_of(numbers, &r, 0, "force");
            if (isnan(cases[i].value) ? !isnan(value) : memcmp(&value, &cases[i].value, sizeof value) != 0)
                fail_msg("%s: %.17g", body, value);
        }
        free(body);
    }
    an__infer_free(&r);
}

/* What each type of feature takes. */
static void test_features(void **state)
{
    (void)state;
    static const struct {
        const char *input, *name;
        double value;
        const char *refused;
    } cases[] = {
        { T("variant", "[1]", "BYTES", "[\"A\"]"), "variant", 0, NULL },
        { T("variant", "[1]", "BYTES", "[\"Q\"]"), "variant", 4, NULL }, /* unseen */
        { T("variant", "[1]", "BYTES", "[\"\"]"), "variant", NAN, NULL },
        { T("variant", "[1]", "BYTES", "[null]"), "variant", NAN, NULL },
        { T("variant", "[1]", "INT64", "[3]"), "variant", 4, NULL },
        { T("variant", "[1]", "BOOL", "[true]"), "variant", 4, NULL },
        { T("hot", "[1]", "FP64", "[1.0]"), "hot", 1, NULL },
        { T("hot", "[1]", "FP32", "[null]"), "hot", NAN, NULL },
        { T("hot", "[1]", "FP64", "[0.5]"), "hot", 0, "is true or false (1 or 0), not 0.5" },
        { T("hot", "[1]", "BYTES", "[\"true\"]"), "hot", 0, "takes true or false, not the text" },
        { T("stamp", "[1]", "BYTES", "[\"2026-03-01\"]"), "stamp", 1772323200, NULL },
        { T("stamp", "[1]", "BYTES", "[\"1969-12-31 23:59:59.5\"]"), "stamp", -0.5, NULL },
        { T("stamp", "[1]", "BYTES", "[\"2026-03-01T07:05:09.123456+01:30\"]"), "stamp", 1772343309.123456, NULL },
        { T("stamp", "[1]", "BYTES", "[\"\"]"), "stamp", NAN, NULL },
        { T("stamp", "[1]", "FP64", "[1772323200.5]"), "stamp", 1772323200.5, NULL },
        { T("stamp", "[1]", "BYTES", "[\"yesterday\"]"), "stamp", 0, "\"yesterday\" is no ISO 8601 time" },
        { T("stamp", "[1]", "BYTES", "[\"2026-02-29\"]"), "stamp", 0, "no ISO 8601 time" },
        { T("turns", "[1]", "FP64", "[3.5]"), "turns", 3.5, NULL },
    };
    an__infer r = { 0 };
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        static const char *const all[] = { FORCE,
                                           TORQUE,
                                           T("turns", "[1]", "INT64", "[3]"),
                                           T("hot", "[1]", "BOOL", "[true]"),
                                           T("variant", "[1]", "BYTES", "[\"B\"]"),
                                           T("stamp", "[1]", "BYTES", "[\"2026-03-01T07:05:09Z\"]") };
        an_buf body = { 0 };
        an_buf_printf(&body, "{\"inputs\":[%s", cases[i].input);
        for (size_t k = 0; k < AN_COUNT(all); k++) {
            char *name = an_format("{\"name\":\"%s\"", cases[i].name);
            if (strncmp(all[k], name, strlen(name))) an_buf_printf(&body, ",%s", all[k]);
            free(name);
        }
        an_buf_puts(&body, "]}");
        if (cases[i].refused) {
            v2_fails(mixed, body.data, cases[i].refused);
        } else {
            v2_ok(mixed, body.data, &r);
            double value = value_of(mixed, &r, 0, cases[i].name);
            if (isnan(cases[i].value) ? !isnan(value) : value != cases[i].value) fail_msg("%s: %.17g", cases[i].input, value);
        }
        an_buf_free(&body);
    }
    an__infer_free(&r);
}

static void test_inputs(void **state)
{
    (void)state;
    v2_fails(numbers, "{}", "no inputs");
    v2_fails(numbers, IN(""), "no inputs");
    v2_fails(numbers, "[]", "expected an object with \"inputs\", found a list");
    v2_fails(numbers, "{\"inputs\":{}}", "expected a list of inputs, found an object");
    v2_fails(numbers, "{\"inputs\":[1]}", "expected an input");
    v2_fails(numbers, IN(FORCE), "1 of the model's 2 inputs is absent: \"torque\"");
    v2_fails(mixed, IN(FORCE), "5 of the model's 6 inputs are absent: \"turns\", \"hot\", \"variant\", ...");
    v2_fails(numbers, IN(FORCE "," FORCE), "\"force\" twice");
    v2_fails(numbers, IN(T("input", "[1,2]", "FP64", "[1,2]") "," FORCE), "beside \"input\"");
    v2_fails(numbers, IN(FORCE "," T("input", "[1,2]", "FP64", "[1,2]")), "beside \"input\"");
    v2_fails(numbers, IN(T("input", "[1,2]", "FP64", "[1,2]") "," T("input", "[1,2]", "FP64", "[1,2]")), "\"input\" twice");
    v2_fails(numbers, IN(T("input", "[1,2]", "BYTES", "[\"1\",\"2\"]")), "takes numbers, not BYTES");
    v2_fails(mixed, IN(T("input", "[1,6]", "FP64", "[1,2,3,4,5,6]")), "\"variant\" is a category");
    v2_fails(numbers, IN(T("forse", "[1,1]", "FP64", "[1]")), "no input \"forse\"");
    an_error err;
    an__infer r = { 0 };
    int status;
    const char *near = IN(T("forse", "[1,1]", "FP64", "[1]"));
    assert_false(read_v2(numbers, near, strlen(near), SIZE_MAX, &r, &status, &err));
    assert_non_null(strstr(err.hint, "\"force\""));
    const char *element = NUMBERS("[\n \"x\"]");
    assert_false(read_v2(numbers, element, strlen(element), SIZE_MAX, &r, &status, &err));
    assert_non_null(strstr(err.message, "input \"force\", element 0"));
    assert_string_equal(err.where, "line 2, column 2");
    an__infer_free(&r);
    v2_fails(numbers, IN("{\"shape\":[1,1],\"datatype\":\"FP64\",\"data\":[1]}"), "an input without \"name\"");
    v2_fails(numbers, IN("{\"name\":\"force\",\"datatype\":\"FP64\",\"data\":[1]}"), "input \"force\" without \"shape\"");
    v2_fails(numbers, IN("{\"name\":\"force\",\"shape\":[1,1],\"data\":[1]}"), "input \"force\" without \"datatype\"");
    v2_fails(numbers, IN("{\"name\":\"force\",\"shape\":[1,1],\"datatype\":\"FP64\"}"), "input \"force\" without \"data\"");
    v2_fails(numbers, IN("{\"name\":\"force\",\"name\":\"torque\"}"), "\"name\" twice");
    v2_fails(numbers, "{\"inputs\":[" FORCE "],\"inputs\":[]}", "\"inputs\" twice");
    v2_fails(numbers, IN("{\"name\":1}"), "expected a text, found a number");
    v2_fails(numbers, IN("{\"name\":\"force\",\"shape\":[1,1],\"datatype\":\"FP64\",\"parameters\":{\"binary_data_size\":8}}," TORQUE),
             "Inference-Header-Content-Length is absent");
    v2_fails(numbers,
             IN("{\"name\":\"force\",\"shape\":[1,1],\"datatype\":\"FP64\",\"data\":[1],\"parameters\":{\"binary_data_size\":8}}," TORQUE),
             "with \"data\" and binary_data_size");
    v2_fails(numbers, IN("{\"name\":\"force\",\"parameters\":{\"shared_memory_region\":\"x\"}}"), "shared memory");
    v2_fails(numbers, IN("{\"name\":\"force\",\"parameters\":{\"binary_data_size\":-8}}"), "binary_data_size is -8");
    v2_fails(numbers, IN("{\"name\":\"force\",\"parameters\":[]}"), "expected an object of parameters");
    v2_fails(numbers, NUMBERS("[1]") "x", "follows the end");
    v2_fails(numbers, "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}", "deeper than 32");
    v2_fails(numbers, IN("{\"name\":\"for\377ce\"}"), "not UTF-8");
    v2_fails(numbers, IN("{\"name\":\"\\ud800\"}"), "lone surrogate");
    v2_fails(numbers, IN("{\"name\":\"force\\u0000\"}"), "no input");
}

static void test_outputs(void **state)
{
    (void)state;
    an__infer r = { 0 };
    v2_ok(numbers, "{\"outputs\":[{\"name\":\"probability\"}],\"inputs\":[" FORCE "," TORQUE "]}", &r);
    assert_int_equal(r.outputs, 1);
    assert_int_equal(r.output[0].which, AN__OUT_PROBABILITY);
    v2_ok(numbers,
          "{\"outputs\":[{\"parameters\":{\"binary_data\":false,\"x\":1},\"name\":\"probability\"},{\"name\":\"label\"},{\"name\":"
          "\"label\"}],"
          "\"parameters\":{\"binary_data_output\":true},\"inputs\":[" FORCE "," TORQUE "]}",
          &r);
    assert_int_equal(r.outputs, 2);
    assert_int_equal(r.output[0].which, AN__OUT_PROBABILITY);
    assert_false(r.output[0].binary);
    assert_int_equal(r.output[1].which, AN__OUT_LABEL);
    assert_true(r.output[1].binary);
    an__infer_free(&r);
#define OUT(outputs) "{\"outputs\":" outputs ",\"inputs\":[" FORCE "," TORQUE "]}"
    v2_fails(numbers, OUT("[{\"name\":\"score\"}]"), "no output \"score\"; its outputs are label and probability");
    v2_fails(numbers, OUT("[{}]"), "an output without \"name\"");
    v2_fails(numbers, OUT("{}"), "expected a list of outputs");
    v2_fails(numbers, OUT("[{\"name\":\"label\",\"parameters\":{\"binary_data\":1}}]"), "expected true or false for binary_data");
    v2_fails(numbers, OUT("[{\"name\":\"label\",\"parameters\":{\"classification\":3}}]"), "classification of outputs is not offered");
    v2_fails(numbers, "{\"parameters\":{\"binary_data_output\":\"yes\"}}", "expected true or false");
    v2_fails(numbers, "{\"parameters\":{\"timeout\":-1}}", "a timeout of -1");
    v2_fails(numbers, "{\"parameters\":{\"timeout\":0.5}}", "whole microseconds");
}

static void test_ids(void **state)
{
    (void)state;
    an__infer r = { 0 };
#define ID(id) "{\"inputs\":[" FORCE "," TORQUE "],\"id\":" id "}"
    v2_ok(numbers, ID("\"a\\\"b\\\\\\u0001\\n\xc3\xa9\\ud83d\\ude00\""), &r);
    assert_string_equal(r.id, "a\"b\\\001\n\xc3\xa9\xf0\x9f\x98\x80");
    v2_ok(numbers, ID("\"\""), &r);
    assert_string_equal(r.id, "");
    /* null where something is optional: what clients write for what they leave out */
    v2_ok(numbers,
          "{\"id\":null,\"parameters\":null,\"outputs\":null,\"inputs\":[{\"name\":\"input\",\"shape\":[1,2],\"datatype\":\"FP64\","
          "\"parameters\":"
          "null,\"data\":[1,2]}]}",
          &r);
    assert_null(r.id);
    assert_int_equal(r.outputs, 2);
    v2_ok(numbers, "{\"outputs\":[{\"name\":\"label\",\"parameters\":null}],\"inputs\":[" FORCE "," TORQUE "]}", &r);
    assert_int_equal(r.outputs, 1);
    an__infer_free(&r);
    v2_fails(numbers, "{\"inputs\":null}", "expected a list of inputs, found null");
    v2_fails(numbers, ID("nul"), "expected a text");
    v2_fails(numbers, ID("7"), "expected a text, found a number");
    v2_fails(numbers, ID("\"a\\u0000b\""), "NUL");
    char *many = an_alloc(1200), *body;
    memset(many, 'x', 1025);
    body = an_format(ID("\"%s\""), many);
    v2_fails(numbers, body, "more than 1,024 characters");
    free(many);
    free(body);
}

/* 413 and a bound on memory, whatever a request asks for. */
static void test_limits(void **state)
{
    (void)state;
    an__infer r = { 0 };
    an_error err = { 0 };
    int status;
    an__infer_limits l = { .rows = 3 };
    const char *three = IN(T("input", "[3,2]", "FP64", "[1,4,2,5,3,6]")), *four = IN(T("input", "[4,2]", "FP64", "[1,4,2,5,3,6,7,8]"));
    assert_true(an__infer_read_v2(numbers, (an_span){ three, strlen(three) }, SIZE_MAX, &l, &r, &status, &err));
    assert_false(an__infer_read_v2(numbers, (an_span){ four, strlen(four) }, SIZE_MAX, &l, &r, &status, &err));
    assert_int_equal(status, 413);
    l = (an__infer_limits){ .cells = 6 };
    assert_true(an__infer_read_v2(numbers, (an_span){ three, strlen(three) }, SIZE_MAX, &l, &r, &status, &err));
    assert_false(an__infer_read_v2(numbers, (an_span){ four, strlen(four) }, SIZE_MAX, &l, &r, &status, &err));
    assert_int_equal(status, 413);
    assert_true(r.capacity <= 8);
    an_buf big = { 0 }; /* as many rows as are allowed */
    an_buf_puts(&big, "{\"inputs\":[{\"name\":\"input\",\"shape\":[65536,2],\"datatype\":\"FP64\",\"data\":[0");
    for (int i = 1; i < 2 * 65536; i++) an_buf_printf(&big, ",%d", i);
    an_buf_puts(&big, "]}]}");
    v2_ok(numbers, big.data, &r);
    assert_int_equal(r.rows, 65536);
    for (int i = 0; i < 2 * 65536; i++) assert_true(r.values[i] == i);
    an_buf_free(&big);
    an__infer_free(&r);
}

/* Times as tables read them. */
static void test_times(void **state)
{
    (void)state;
    an__infer r = { 0 };
    an_rng rng = an_rng_at(3, 3);
    for (int i = 0; i < 3000; i++) {
        int64_t us = (int64_t)(an_rng_u64(&rng) % 253370764800000000u) - (i % 2 ? 0 : 62000000000000000);
        if (i % 3 == 0) us = us / 1000000 * 1000000;
        char text[32];
        an_time_text(us, text);
        char *body = an_format("{\"stamp\":\"%s\"}", text), *csv = an_format("stamp,x\n%s,1\n", text);
        an_error err = { 0 };
        an_list types = { 0 };
        an_list_add(&types, "stamp=datetime");
        an_table *t = an_csv_parse(csv, strlen(csv), "times", &(an_csv_options){ .type = types }, NULL, NULL, &err);
        if (!t) fail_msg("%s: %s", csv, err.message);
        rows_ok(mixed, body, &r);
        assert_true(an_cell_number(an_table_find(t, "stamp"), 0) == (double)us);
        assert_true(value_of(mixed, &r, 0, "stamp") == (double)us / 1e6);
        an_table_free(t);
        an_list_free(&types);
        free(body);
        free(csv);
    }
    an__infer_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_plain),    cmocka_unit_test(test_shapes), cmocka_unit_test(test_datatypes),
                                        cmocka_unit_test(test_features), cmocka_unit_test(test_inputs), cmocka_unit_test(test_outputs),
                                        cmocka_unit_test(test_ids),      cmocka_unit_test(test_limits), cmocka_unit_test(test_times) };
    return cmocka_run_group_tests(tests, two_models, two_models_end);
}
