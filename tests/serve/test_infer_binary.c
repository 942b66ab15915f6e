/* test_infer_binary.c - raw tensors: bytes of the real tritonclient (tests/reference/record_triton.py), every datatype against a plain
 * decoder, sizes that are wrong by a byte, bodies cut anywhere. */
#include "infer_testing.h"
#include "reference/triton.h"

static const triton_case *recorded(const char *name)
{
    for (size_t i = 0; i < AN_COUNT(triton_cases); i++)
        if (!strcmp(triton_cases[i].name, name)) return &triton_cases[i];
    fail_msg("no case %s", name);
    return NULL;
}

/* The values that record_triton.py sends; a row of the mixed model. */
static void check_row(const an__infer *r, size_t row, double force, double turns, double hot, double variant, double stamp, double torque)
{
    static const char *const names[] = { "force", "turns", "hot", "variant", "stamp", "torque" };
    double expected[] = { force, turns, hot, variant, stamp, torque };
    for (size_t i = 0; i < AN_COUNT(names); i++) {
        double value = value_of(mixed, r, row, names[i]);
        if (isnan(expected[i]) ? !isnan(value) : value != expected[i]) fail_msg("row %zu, %s: %.17g", row, names[i], value);
    }
}

static void test_triton(void **state)
{
    (void)state;
    an__infer r = { 0 };
    an_error err;
    int status;
    const double stamp = 1772348709;
    for (size_t i = 0; i < AN_COUNT(triton_cases); i++) {
        const triton_case *c = &triton_cases[i];
        const an_model *m = strcmp(c->name, "matrix") ? mixed : numbers;
        bool ok = read_v2(m, c->body, c->size, c->json_bytes, &r, &status, &err);
        if (!strcmp(c->name, "json_nan")) { /* Python's NaN */
            assert_false(ok);
            assert_non_null(strstr(err.message, "NaN is no JSON"));
            assert_non_null(strstr(err.hint, "null"));
            continue;
        }
        if (!ok) fail_msg("%s: %s", c->name, err.message);
        assert_int_equal(r.rows, 3);
        bool binary = strcmp(c->name, "json") && strcmp(c->name, "some");
        if (binary) assert_true(r.output[0].binary && r.output[1].binary);
        if (!strcmp(c->name, "binary")) {
            assert_string_equal(r.id, "part 17");
            check_row(&r, 0, 20.5, 3, 1, 0, stamp + .25, 1.5);
            check_row(&r, 1, NAN, 8, 0, 4, stamp, 2.25);
            check_row(&r, 2, 0.1, 0, 1, NAN, NAN, 1e-300);
        } else if (!strcmp(c->name, "binary32")) {
            check_row(&r, 1, NAN, 8, 0, 4, stamp, 2.25);
            check_row(&r, 2, 0.1f, 0, 1, NAN, NAN, 0);
        } else if (!strcmp(c->name, "binary16")) {
            check_row(&r, 0, 20.5, 3, 1, 0, stamp + .25, 1.5);
            check_row(&r, 1, NAN, 8, 0, 4, stamp, 2.25);
            check_row(&r, 2, -0x1p-24, 0, 1, NAN, NAN, 0);
        } else if (!strcmp(c->name, "unsigned8")) {
            check_row(&r, 0, 20.5, 3, 1, 0, stamp + .25, 1.5);
        } else if (!strcmp(c->name, "json")) {
            assert_int_equal(r.outputs, 1);
            assert_false(r.output[0].binary);
            check_row(&r, 1, 7, 8, 0, 4, stamp, 2.25);
            check_row(&r, 2, 0.1, 0, 1, NAN, NAN, 1e-300);
        } else if (!strcmp(c->name, "some")) {
            assert_true(r.deadline_ms == 250);
            assert_int_equal(r.output[0].which, AN__OUT_PROBABILITY);
            assert_true(!r.output[0].binary && r.output[1].binary);
            check_row(&r, 1, 7, 8, 0, 4, stamp, 2.25);
            check_row(&r, 2, 0.1, 0, 1, NAN, NAN, 1e-300);
        } else {
            assert_string_equal(c->name, "matrix");
            double expected[] = { 20.5, 1.5, NAN, 2.25, 0.1, 1e-300 };
            for (int k = 0; k < 6; k++) assert_true(isnan(expected[k]) ? isnan(r.values[k]) : r.values[k] == expected[k]);
        }
    }
    an__infer_free(&r);
}

/* Cut or lengthened anywhere: refused with a sentence, never read beyond. */
static void test_cut(void **state)
{
    (void)state;
    an__infer r = { 0 };
    an_error err;
    int status;
    for (size_t i = 0; i < AN_COUNT(triton_cases); i++) {
        const triton_case *c = &triton_cases[i];
        const an_model *m = strcmp(c->name, "matrix") ? mixed : numbers;
        if (c->json_bytes == SIZE_MAX) continue;
        for (size_t n = 0; n < c->size; n++) {
            if (read_v2(m, c->body, n, c->json_bytes, &r, &status, &err)) fail_msg("%s: %zu of %zu bytes are taken", c->name, n, c->size);
            assert_true(status == 400 && err.message[0]);
        }
        for (size_t n = 1; n < c->size; n++)
            if (n != c->json_bytes && read_v2(m, c->body, c->size, n, &r, &status, &err)) fail_msg("%s: JSON of %zu bytes", c->name, n);
        an_buf longer = { 0 };
        an_buf_add(&longer, c->body, c->size);
        an_buf_putc(&longer, '\0');
        assert_false(read_v2(m, longer.data, longer.size, c->json_bytes, &r, &status, &err));
        assert_non_null(strstr(err.message, "1 bytes follow"));
        an_buf_free(&longer);
    }
    const triton_case *c = recorded("binary");
    assert_false(read_v2(mixed, c->body, c->size, c->size + 1, &r, &status, &err));
    assert_non_null(strstr(err.message, "Inference-Header-Content-Length says"));
    assert_false(read_v2(mixed, c->body, c->size, SIZE_MAX, &r, &status, &err)); /* raw bytes are no JSON */
    an__infer_free(&r);
}

/* One value of `force` as raw bytes of a datatype. */
static bool one(const char *type, const void *bytes, size_t n, size_t announced, double *value, an_error *err)
{
    an__infer r = { 0 };
    an_buf body = { 0 };
    int status;
    an_buf_printf(&body, "{\"inputs\":[{\"name\":\"torque\",\"shape\":[1],\"datatype\":\"FP64\",\"data\":[1]},");
    an_buf_printf(&body, "{\"name\":\"force\",\"shape\":[1],\"datatype\":\"%s\",\"parameters\":{\"binary_data_size\":%zu}}]}", type,
                  announced);
    size_t json = body.size;
    an_buf_add(&body, bytes, n);
    bool ok = read_v2(numbers, body.data, body.size, json, &r, &status, err);
    if (ok) *value = value_of(numbers, &r, 0, "force");
    an_buf_free(&body);
    an__infer_free(&r);
    return ok;
}

static void check_one(const char *type, const void *bytes, size_t n, double expected)
{
    an_error err;
    double value;
    if (!one(type, bytes, n, n, &value, &err)) fail_msg("%s: %s", type, err.message);
    if (isnan(expected) ? !isnan(value) : value != expected || signbit(value) != signbit(expected))
        fail_msg("%s: %.17g, expected %.17g", type, value, expected);
    assert_false(one(type, bytes, n, n - 1, &value, &err));
    assert_false(one(type, bytes, n - 1, n - 1, &value, &err));
    assert_non_null(strstr(err.message, "binary_data_size is"));
}

static void test_datatypes(void **state)
{
    (void)state;
    an_error err;
    double x;
    double f64[] = { 0.1, -0.0, 5e-324, NAN };
    float f32[] = { 0.1f, -1e-40f, NAN };
    for (int i = 0; i < 4; i++) check_one("FP64", &f64[i], 8, f64[i]);
    for (int i = 0; i < 3; i++) check_one("FP32", &f32[i], 4, f32[i]);
    int8_t i8 = -128;
    int16_t i16 = -32768;
    int32_t i32 = INT32_MIN;
    int64_t i64[] = { INT64_MIN, -1, 1, (int64_t)1 << 53, INT64_MAX - 1023, -((int64_t)1 << 53) - 2 };
    check_one("INT8", &i8, 1, -128);
    check_one("INT16", &i16, 2, -32768);
    check_one("INT32", &i32, 4, INT32_MIN);
    for (size_t i = 0; i < AN_COUNT(i64); i++) check_one("INT64", &i64[i], 8, (double)i64[i]);
    uint8_t u8 = 255, t = 1, f = 0;
    uint16_t u16 = 65535;
    uint32_t u32 = UINT32_MAX;
    uint64_t u64[] = { (uint64_t)1 << 63, UINT64_MAX - 2047 };
    check_one("UINT8", &u8, 1, 255);
    check_one("UINT16", &u16, 2, 65535);
    check_one("UINT32", &u32, 4, UINT32_MAX);
    for (size_t i = 0; i < AN_COUNT(u64); i++) check_one("UINT64", &u64[i], 8, (double)u64[i]);
    check_one("BOOL", &t, 1, 1);
    check_one("BOOL", &f, 1, 0);
    assert_false(one("BOOL", &u8, 1, 1, &x, &err));
    assert_non_null(strstr(err.message, "byte 255 is no BOOL"));
    int64_t lost[] = { ((int64_t)1 << 53) + 1, -((int64_t)1 << 53) - 1, INT64_MAX };
    uint64_t lost_u = UINT64_MAX;
    for (size_t i = 0; i < AN_COUNT(lost); i++) {
        assert_false(one("INT64", &lost[i], 8, 8, &x, &err));
        assert_non_null(strstr(err.message, "more digits than a double"));
    }
    assert_false(one("UINT64", &lost_u, 8, 8, &x, &err));
    double infinite[] = { INFINITY, -INFINITY };
    for (int i = 0; i < 2; i++) {
        float small = (float)infinite[i];
        assert_false(one("FP64", &infinite[i], 8, 8, &x, &err));
        assert_non_null(strstr(err.message, "infinite"));
        assert_non_null(strstr(err.hint, "NaN"));
        assert_false(one("FP32", &small, 4, 4, &x, &err));
    }
    uint16_t half_infinite = 0x7c00, brain_infinite = 0xff80;
    assert_false(one("FP16", &half_infinite, 2, 2, &x, &err));
    assert_false(one("BF16", &brain_infinite, 2, 2, &x, &err));
    assert_false(one("BYTES",
                     "\1\0\0\0"
                     "1",
                     5, 5, &x, &err));
    assert_non_null(strstr(err.message, "takes a number"));
}

/* Every half: the value of its parts by definition (IEEE 754-2008, 3.4). */
static void test_halves(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 65536; bits++) {
        int e = (int)(bits >> 10 & 31), fraction = (int)(bits & 1023);
        double expected = e == 31 ? (fraction ? NAN : INFINITY)
                          : e     ? (1 + fraction / 1024.0) * pow(2, e - 15)
                                  : fraction / 1024.0 * pow(2, -14);
        if (bits >> 15) expected = -expected;
        if (e == 31 && !fraction) continue;
        if (bits % 16 == 0 || e == 0 || e == 31) {
            uint16_t raw = (uint16_t)bits;
            an_error err;
            double value;
            assert_true(one("FP16", &raw, 2, 2, &value, &err));
            if (isnan(expected) ? !isnan(value) : value != expected) fail_msg("half %04x: %.17g, expected %.17g", bits, value, expected);
        }
        uint32_t single = bits << 16; /* the same bits as BF16 */
        float brain;
        memcpy(&brain, &single, 4);
        if (bits % 64 == 1 && isfinite(brain)) {
            uint16_t raw = (uint16_t)bits;
            check_one("BF16", &raw, 2, brain);
        }
    }
}

static void test_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        double value;
        const char *refused;
    } cases[] = { { "\1\0\0\0B", 5, 1, NULL },
                  { "\0\0\0\0", 4, NAN, NULL },
                  { "\2\0\0\0B\0", 6, 4, NULL }, /* "B\0" is another text */
                  { "\2\0\0\0\xff\xfe", 6, 4, NULL },
                  { "\2\0\0\0B", 5, 0, "its length is 2, and 1 bytes are left" },
                  { "\xff\xff\xff\xff", 4, 0, "its length is 4294967295, and 0 bytes are left" },
                  { "\1\0\0", 3, 0, "element 0: the bytes end before it" },
                  { "", 0, 0, "element 0: the bytes end before it" },
                  { "\1\0\0\0BC", 6, 0, "1 bytes follow its last element" },
                  { "\1\0\0\0B\0\0\0\0", 9, 0, "4 bytes follow its last element" } };
    const char *names[] = { "variant", "torque", "broken" };
    an_table *all = simulate(400, 1, true), *t = an_table_select_columns(all, names, 3, NULL);
    an_model *m = fitted(t, NULL);
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        an__infer r = { 0 };
        an_error err;
        int status;
        an_buf body = { 0 };
        an_buf_puts(&body, "{\"inputs\":[{\"name\":\"torque\",\"shape\":[1,1],\"datatype\":\"FP64\",\"data\":[1]},");
        an_buf_printf(&body, "{\"name\":\"variant\",\"shape\":[1,1],\"datatype\":\"BYTES\",\"parameters\":{\"binary_data_size\":%zu}}]}",
                      cases[i].n);
        size_t json = body.size;
        an_buf_add(&body, cases[i].bytes, cases[i].n);
        bool ok = read_v2(m, body.data, body.size, json, &r, &status, &err);
        if (ok != !cases[i].refused || (!ok && !strstr(err.message, cases[i].refused))) fail_msg("case %zu: %d %s", i, ok, err.message);
        if (ok) assert_true(isnan(cases[i].value) ? isnan(value_of(m, &r, 0, "variant")) : value_of(m, &r, 0, "variant") == cases[i].value);
        an_buf_free(&body);
        an__infer_free(&r);
    }
    an_model_free(m);
    an_table_free(t);
    an_table_free(all);
}

/* Header value 0: the body is one tensor. */
static void test_one_raw(void **state)
{
    (void)state;
    an__infer r = { 0 };
    an_error err;
    int status;
    double values[] = { 1, 2, NAN, 4 };
    assert_true(read_v2(numbers, values, sizeof values, 0, &r, &status, &err));
    assert_int_equal(r.rows, 2);
    assert_memory_equal(r.values, values, sizeof values);
    assert_true(r.outputs == 2 && r.output[0].binary && r.output[1].binary);
    assert_false(read_v2(numbers, values, sizeof values - 1, 0, &r, &status, &err));
    assert_non_null(strstr(err.message, "a row is 16 bytes"));
    assert_false(read_v2(numbers, values, 0, 0, &r, &status, &err));
    assert_false(read_v2(mixed, values, sizeof values, 0, &r, &status, &err));
    assert_non_null(strstr(err.message, "\"variant\" is a category"));
    values[2] = INFINITY;
    assert_false(read_v2(numbers, values, sizeof values, 0, &r, &status, &err));
    assert_non_null(strstr(err.message, "input \"input\", element 2: an infinite value"));
    an__infer_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_triton), cmocka_unit_test(test_cut),   cmocka_unit_test(test_datatypes),
                                        cmocka_unit_test(test_halves), cmocka_unit_test(test_bytes), cmocka_unit_test(test_one_raw) };
    return cmocka_run_group_tests(tests, two_models, two_models_end);
}
