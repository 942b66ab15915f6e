/* test_params.c - named parameters, their initial values, safetensors files, and the bytes of ONNX messages. */
#include "andon/graph.h"
#include "graph/onnx_proto.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

static an_params *sample(void)
{
    an_params *p = an_params_new();
    const float w[6] = { 1, -2.5f, 3, 0, 1e-30f, 6 }, one = 7;
    const double d[3] = { M_PI, -0.0, 1e300 };
    const int64_t codes[2] = { INT64_MIN, 12 };
    an_error err = { 0 };
    assert_non_null(an_params_add(p, "g/0/weight", AN_F32, (an_shape){ 2, { 2, 3 } }, w, &err));
    assert_non_null(an_params_add(p, "scale \"\xc3\xa9\"\\", AN_F32, (an_shape){ 0, { 0 } }, &one, &err));
    assert_non_null(an_params_add(p, "mean", AN_F64, (an_shape){ 1, { 3 } }, d, &err));
    assert_non_null(an_params_add(p, "none", AN_F32, (an_shape){ 2, { 0, 4 } }, NULL, &err));
    assert_non_null(an_params_add(p, "codes", AN_I64, (an_shape){ 2, { 2, 1 } }, codes, &err));
    return p;
}

static void same(const an_params *a, const an_params *b)
{
    assert_int_equal(an_params_count(a), an_params_count(b));
    for (size_t i = 0; i < an_params_count(a); i++) {
        const an_tensor *x = an_params_at(a, i), *y = an_params_at(b, i);
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->dtype, y->dtype);
        assert_int_equal(x->count, y->count);
        assert_int_equal(x->shape.rank, y->shape.rank);
        assert_memory_equal(x->shape.dim, y->shape.dim, sizeof x->shape.dim);
        if (x->count) assert_memory_equal(x->data, y->data, x->count * an_dtype_bytes(x->dtype));
    }
}

static void test_container(void **state)
{
    (void)state;
    an_params *p = sample(), *q = an_params_clone(p), *r = an_params_new();
    an_error err = { 0 };
    same(p, q);
    assert_ptr_equal(an_params_get(p, "mean"), an_params_at(p, 2));
    assert_int_equal((uintptr_t)an_params_get(p, "mean")->data % 64, 0);
    assert_null(an_params_get(p, "absent"));
    assert_null(an_params_at(p, 5));
    assert_null(an_params_add(p, "mean", AN_F64, (an_shape){ 0, { 0 } }, NULL, &err));
    assert_int_equal(err.code, AN_INPUT);
    assert_null(an_params_add(p, "batch", AN_F32, (an_shape){ 1, { AN_BATCH } }, NULL, &err));
    assert_null(an_params_add(p, "text", AN_STR, (an_shape){ 1, { 1 } }, NULL, &err));
    assert_null(an_params_add(p, "huge", AN_F64, (an_shape){ 3, { 1LL << 40, 1LL << 40, 1LL << 40 } }, NULL, &err));
    assert_int_equal(err.code, AN_MEMORY);
    for (int i = 0; i < 100; i++) { /* tensors stay where they are */
        const an_tensor *mean = an_params_get(q, "mean");
        char name[16];
        snprintf(name, sizeof name, "more/%d", i);
        assert_non_null(an_params_add(q, name, AN_F32, (an_shape){ 1, { 3 } }, NULL, &err));
        assert_true(((float *)an_params_get(q, name)->data)[2] == 0);
        assert_ptr_equal(mean, an_params_get(q, "mean"));
    }
    ((double *)an_params_get(q, "mean")->data)[0] = 5;
    assert_true(an_params_assign(p, q, &err)); /* the other may hold more */
    assert_true(((double *)an_params_get(p, "mean")->data)[0] == 5);
    assert_non_null(an_params_add(r, "mean", AN_F64, (an_shape){ 1, { 2 } }, NULL, &err));
    assert_false(an_params_assign(r, p, &err));
    assert_non_null(strstr(err.message, "mean"));
    assert_false(an_params_assign(q, p, &err));
    assert_non_null(strstr(err.message, "more/0"));
    an_params_release(p);
    an_params_release(q);
    an_params_release(r);
    an_params_release(NULL);
}

static void test_initial_values(void **state)
{
    (void)state;
    enum { N = 100001 };
    an_params *p = an_params_new();
    an_tensor *a = an_params_add(p, "a", AN_F32, (an_shape){ 1, { N } }, NULL, NULL),
              *b = an_params_add(p, "b", AN_F64, (an_shape){ 2, { 3, N } }, NULL, NULL);
    const float *x = a->data;
    const double *y = b->data;
    double sum = 0, square = 0;
    an_init_uniform(a, .5, 9);
    an_init_uniform(b, .5, 9);
    for (int i = 0; i < N; i++) {
        assert_true(fabsf(x[i]) <= .5f);
        assert_true(x[i] == (float)y[i]); /* by element index, whatever the size and type */
        sum += y[i];
        square += y[i] * y[i];
    }
    assert_true(fabs(sum / N) < 5 * .2887 / sqrt(N));
    assert_true(fabs(square / N - 1 / 12.0) < .002);
    double first = y[0];
    an_init_uniform(b, .5, 10);
    assert_true(first != y[0]);
    sum = square = 0;
    an_init_normal(b, 2, 9);
    for (int i = 0; i < N; i++) {
        sum += y[i];
        square += y[i] * y[i];
    }
    assert_true(fabs(sum / N) < 5 * 2 / sqrt(N));
    assert_true(fabs(square / N - 4) < 5 * 4 * sqrt(2.0 / N));
    an_params_release(p);
}

static void test_safetensors(void **state)
{
    (void)state;
    an_params *p = sample();
    json_t *metadata = json_pack("{s:s,s:s}", "format", "pt", "a \"key\"", "\xc3\xa4"), *got = NULL;
    an_buf file = { 0 }, again = { 0 };
    an_error err = { 0 };
    assert_true(an_safetensors_save(p, metadata, &file, &err));
    /* the wire format by hand: little-endian length, header, values with the 8-byte types first */
    static const char header[] =
        "{\"__metadata__\":{\"a "
        "\\\"key\\\"\":\"\xc3\xa4\",\"format\":\"pt\"},\"g/0/weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[40,64]},"
        "\"scale "
        "\\\"\xc3\xa9\\\"\\\\\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[64,68]},\"mean\":{\"dtype\":\"F64\",\"shape\":[3],\"data_"
        "offsets\":[0,24]},"
        "\"none\":{\"dtype\":\"F32\",\"shape\":[0,4],\"data_offsets\":[68,68]},\"codes\":{\"dtype\":\"I64\",\"shape\":[2,1],\"data_"
        "offsets\":[24,40]}}";
    size_t length = (sizeof header - 1 + 7) / 8 * 8;
    assert_int_equal(file.size, 8 + length + 68);
    assert_int_equal((unsigned char)file.data[0], length & 255);
    assert_int_equal((unsigned char)file.data[1], length >> 8);
    assert_memory_equal(file.data + 8, header, sizeof header - 1);
    assert_memory_equal(file.data + 8 + length, "\x18\x2d\x44\x54\xfb\x21\x09\x40", 8);
    an_params *q = an_safetensors_load(file.data, file.size, &got, &err);
    assert_non_null(q);
    same(p, q);
    assert_true(json_equal(metadata, got));
    assert_true(an_safetensors_save(q, got, &again, &err));
    assert_int_equal(file.size, again.size);
    assert_memory_equal(file.data, again.data, file.size);
    for (size_t n = 0; n < file.size; n++) { /* cut anywhere: refused */
        void *cut = malloc(n ? n : 1);
        memcpy(cut, file.data, n);
        assert_null(an_safetensors_load(cut, n, NULL, &err));
        assert_true(err.message[0] != 0);
        free(cut);
    }
    an_params_release(p);
    an_params_release(q);
    json_decref(metadata);
    json_decref(got);
    an_buf_free(&file);
    an_buf_free(&again);
}

static void test_safetensors_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *header, *says;
        size_t bytes;
    } cases[] = {
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", NULL, 8 },
        { "{}", NULL, 0 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "belong to none", 12 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,12]}}", "do not fill", 12 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", "lie at", 8 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,16]}}", "lie at", 8 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", "not a length", 8 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2.5],\"data_offsets\":[0,8]}}", "not a length", 8 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", "do not fill", 0 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", "at most 6", 4 },
        { "{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}", "F16", 4 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
          "overlap", 4 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", "hole", 8 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
          "", 8 },
        { "{\"a\":[]}", "", 0 },
        { "{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0]}}", "pair", 0 },
        { "{\"__metadata__\":{\"a\":1}}", "not text", 0 },
        { "{\"__metadata__\":[]}", "not an object", 0 },
        { "{\"a\":", "", 0 },
        { "[1]", "no safetensors file", 0 },
    };
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        size_t n = strlen(cases[i].header);
        char *file = calloc(1, 8 + n + cases[i].bytes);
        an_error err = { 0 };
        file[0] = (char)n;
        memcpy(file + 8, cases[i].header, n);
        an_params *p = an_safetensors_load(file, 8 + n + cases[i].bytes, NULL, &err);
        if (cases[i].says) {
            if (p || !strstr(err.message, cases[i].says)) fail_msg("%s: read as \"%s\"", cases[i].header, err.message);
        } else {
            if (!p) fail_msg("%s: %s", cases[i].header, err.message);
        }
        an_params_release(p);
        free(file);
    }
    an_params *p = an_params_new();
    an_buf out = { 0 };
    an_error err = { 0 };
    json_t *number = json_pack("{s:i}", "steps", 3);
    assert_false(an_safetensors_save(p, number, &out, &err));
    assert_non_null(strstr(err.message, "steps"));
    assert_non_null(an_params_add(p, "__metadata__", AN_F32, (an_shape){ 0, { 0 } }, NULL, &err));
    assert_false(an_safetensors_save(p, NULL, &out, &err));
    assert_int_equal(out.size, 0);
    json_decref(number);
    an_params_release(p);
    an_buf_free(&out);
}

/* Bytes worked out by hand from the protocol buffer encoding and onnx.proto's field numbers. */
static void test_onnx_bytes(void **state)
{
    (void)state;
    an_buf attributes = { 0 }, graph = { 0 }, out = { 0 };
    an__proto_attr_real(&attributes, "alpha", .5);
    assert_int_equal(attributes.size, 17);
    assert_memory_equal(attributes.data,
                        "\x2a\x0f\x0a\x05"
                        "alpha\x15\x00\x00\x00\x3f\xa0\x01\x01",
                        17);
    an__proto_node(&graph, "LeakyRelu", "", "n", (const char *[]){ "x" }, 1, (const char *[]){ "y" }, 1, &attributes);
    assert_int_equal(attributes.size, 0);
    assert_memory_equal(graph.data,
                        "\x0a\x25\x0a\x01x\x12\x01y\x1a\x01n\x22\x09LeakyRelu\x2a\x0f\x0a\x05"
                        "alpha",
                        31);
    an_buf_free(&graph);
    an__proto_initialiser(&graph, "w", AN_F32, 2, (const int64_t[]){ 1, 2 }, (const float[]){ 1, -2 });
    assert_int_equal(graph.size, 21);
    assert_memory_equal(graph.data, "\x2a\x13\x08\x01\x08\x02\x10\x01\x42\x01w\x4a\x08\x00\x00\x80\x3f\x00\x00\x00\xc0", 21);
    an_buf_free(&graph);
    an__proto_input(&graph, "x", AN__PROTO_DOUBLE, 2, (const int64_t[]){ -1, 300 }, (const char *[]){ "batch", NULL });
    assert_int_equal(graph.size, 27);
    assert_memory_equal(graph.data,
                        "\x5a\x19\x0a\x01x\x12\x14\x0a\x12\x08\x0b\x12\x0e\x0a\x07\x12\x05"
                        "batch\x0a\x03\x08\xac\x02",
                        27);
    json_t *metadata = json_pack("{s:s,s:s}", "b", "2", "a", "1");
    an__proto_model(&out, &graph,
                    &(an__proto_head){ .ir = 8, .opset = 17, .ml_opset = 3, .producer = "p", .version = "v", .metadata = metadata });
    assert_memory_equal(out.data, "\x08\x08\x12\x01p\x1a\x01v\x3a\x1b\x5a\x19", 12);
    assert_memory_equal(out.data + out.size - 38,
                        "\x42\x04\x0a\x00\x10\x11\x42\x0e\x0a\x0a"
                        "ai.onnx.ml\x10\x03\x72\x06\x0a\x01"
                        "a\x12\x01"
                        "1\x72\x06\x0a\x01"
                        "b\x12\x01"
                        "2",
                        38);
    json_decref(metadata);
    an_buf_free(&out);
    an_buf negative = { 0 };
    an__proto_int(&negative, 3, -1); /* ten bytes of a 64-bit two's complement */
    assert_int_equal(negative.size, 11);
    assert_memory_equal(negative.data, "\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
    an_buf_free(&negative);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_container),           cmocka_unit_test(test_initial_values), cmocka_unit_test(test_safetensors),
        cmocka_unit_test(test_safetensors_refuses), cmocka_unit_test(test_onnx_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
