/* ONNX export: models are written beside the outputs our own executor gives, and check_onnx.py runs onnxruntime on them (skipped where
 * Python or onnxruntime is missing; writing, refusals and determinism are tested anyway). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "andon/graph.h"

enum { ROWS = 9 };
static const char folder[] = "graph_onnx";

static void must(bool ok, const an_error *err)
{
    if (!ok) fail_msg("%s", err->message);
}

/* ---- a case ------------------------------------------------------------------------------------------------------------- */

typedef struct model {
    an_graph *g;
    an_params *params;
    an_node output[64];
    const char *name[64];
    int outputs;
    an_binding input[16];
    an_dtype type[16];
    an_shape shape[16];
    const char *const *text[16]; /* of AN_STR inputs, by code; unknown codes are written as "?" */
    int64_t texts[16];
    int inputs;
} model;

static an_node input(model *m, const char *name, an_dtype t, an_shape s, const void *data)
{
    m->input[m->inputs] = (an_binding){ name, data };
    m->type[m->inputs] = t;
    m->shape[m->inputs++] = s;
    return an_input(m->g, name, t, s);
}

static void output(model *m, const char *name, an_node n)
{
    m->name[m->outputs] = name;
    m->output[m->outputs++] = n;
}

static json_t *values_of(an_dtype t, const an_shape *s, const void *data, const char *const *text, int64_t texts)
{
    static const char *const types[] = { "f32", "f64", "i64", "str" };
    json_t *shape = json_array(), *values = json_array();
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++) {
        int64_t d = an_dim_at(s->dim[i], ROWS);
        n *= d;
        json_array_append_new(shape, json_integer(d));
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t code = t == AN_STR ? ((const int64_t *)data)[i] : 0;
        if (t == AN_STR)
            json_array_append_new(values, json_string(code >= 0 && code < texts ? text[code] : "?"));
        else if (t == AN_I64)
            json_array_append_new(values, json_integer(((const int64_t *)data)[i]));
        else
            json_array_append_new(values, an_json_real(t == AN_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i]));
    }
    return json_pack("{s:s, s:o, s:o}", "type", types[t], "shape", shape, "values", values);
}

/* Runs the model here, writes <name>.onnx and <name>.json. */
static void record(model *m, const char *name, double tolerance)
{
    an_error err = { 0 };
    an_onnx_output outs[64];
    json_t *metadata = json_pack("{s:s, s:s}", "model", name, "note", "ÄÖ \"quoted\"");
    an_buf bytes = { 0 }, again = { 0 };
    for (int i = 0; i < m->outputs; i++) outs[i] = (an_onnx_output){ m->output[i], m->name[i] };
    must(an_onnx_export(m->g, m->params, outs, m->outputs, metadata, &bytes, &err), &err);
    must(an_onnx_export(m->g, m->params, outs, m->outputs, metadata, &again, &err), &err);
    assert_int_equal(bytes.size, again.size);
    assert_memory_equal(bytes.data, again.data, bytes.size);

    an_program *p =
        an_compile(m->g, &(an_target){ .rows = ROWS, .outputs = m->output, .names = m->name, .output_count = m->outputs }, &err);
    must(p != NULL, &err);
    an_session *s = an_session_new(p, m->params, 1, &err);
    must(s != NULL, &err);
    must(an_session_run(s, &(an_run){ .inputs = m->input, .input_count = m->inputs, .rows = ROWS }, NULL, &err), &err);
    json_t *in = json_object(), *out = json_object();
    for (int i = 0; i < m->inputs; i++)
        json_object_set_new(in, m->input[i].name, values_of(m->type[i], &m->shape[i], m->input[i].data, m->text[i], m->texts[i]));
    for (int i = 0; i < m->outputs; i++) {
        an_shape shape = an_node_shape(m->output[i]);
        json_object_set_new(out, m->name[i], values_of(an_node_dtype(m->output[i]), &shape, an_session_output(s, m->name[i]), NULL, 0));
    }
    json_t *all = json_pack("{s:o, s:o, s:f, s:o}", "inputs", in, "outputs", out, "tolerance", tolerance, "metadata", metadata);
    char *path = an_format("%s/%s.onnx", folder, name), *beside = an_format("%s/%s.json", folder, name);
    must(an_folder_make(folder, &err) && an_file_write(path, bytes.data, bytes.size, &err) && an_json_write(beside, all, &err), &err);
    json_decref(all);
    free(path);
    free(beside);
    an_session_free(s);
    an_program_free(p);
    an_buf_free(&bytes);
    an_buf_free(&again);
}

static model model_new(void)
{
    return (model){ .g = an_graph_new(), .params = an_params_new() };
}

static void model_free(model *m)
{
    an_graph_free(m->g);
    an_params_release(m->params);
}

/* ---- the models ------------------------------------------------------------------------------------------------------------- */

static an_node layer(model *m, an_node x, const char *name, an_dtype t, int64_t in, int64_t out)
{
    an_error err = { 0 };
    char w[32], b[32];
    an_shape sw = { 2, { in, out } }, sb = { 1, { out } };
    snprintf(w, sizeof w, "%s/w", name);
    snprintf(b, sizeof b, "%s/b", name);
    an_tensor *tw = an_params_add(m->params, w, t, sw, NULL, &err), *tb = an_params_add(m->params, b, t, sb, NULL, &err);
    assert_non_null(tw);
    assert_non_null(tb);
    an_init_normal(tw, 0.5, 3);
    an_init_uniform(tb, 0.5, 4);
    return an_add(an_matmul(x, an_param_node(m->g, w, t, sw)), an_param_node(m->g, b, t, sb));
}

static void test_network(void **unused)
{
    (void)unused;
    float x[ROWS * 5];
    for (int i = 0; i < ROWS * 5; i++) x[i] = (float)sin(i * 1.7);
    model m = model_new();
    an_node h = an_leaky_relu(layer(&m, input(&m, "x", AN_F32, (an_shape){ 2, { AN_BATCH, 5 } }, x), "one", AN_F32, 5, 16), 0.2);
    an_node logits = layer(&m, h, "two", AN_F32, 16, 3);
    output(&m, "probability", an_softmax(logits));
    output(&m, "logits", logits);
    output(&m, "score", an_sigmoid(an_slice(logits, 1, 1, 1)));
    record(&m, "network", 1e-5);
    model_free(&m);
}

/* What serving needs: missing values filled, scaled, a category one-hot, all joined, one linear score; in double precision. */
static void test_preparation(void **unused)
{
    (void)unused;
    static const char *const grades[] = { "low", "medium", "häufig" };
    double force[ROWS] = { 1, NAN, 3, -4, 5.5, NAN, 1e6, 0, -0.25 }, torque[ROWS] = { 9, 8, 7, 6, NAN, 4, 3, 2, 1 };
    int64_t grade[ROWS] = { 0, 1, 2, 0, -1, 7, 2, 1, 0 };
    model m = model_new();
    an_node column[4];
    an_node f = input(&m, "force", AN_F64, (an_shape){ 2, { AN_BATCH, 1 } }, force),
            q = input(&m, "torque", AN_F64, (an_shape){ 2, { AN_BATCH, 1 } }, torque);
    m.text[2] = grades;
    m.texts[2] = 3;
    an_node c = input(&m, "grade", AN_STR, (an_shape){ 2, { AN_BATCH, 1 } }, grade);
    column[0] =
        an_div(an_sub(an_select(an_is_nan(f), an_scalar(m.g, AN_F64, 2.5), f), an_scalar(m.g, AN_F64, 1.25)), an_scalar(m.g, AN_F64, 3));
    column[1] = an_clip(an_select(an_is_nan(q), an_scalar(m.g, AN_F64, 5), q), 2, 8);
    column[2] = an_is_nan(f);
    column[3] = an_one_hot(an_lookup(c, grades, 3, 3), 3, AN_F64);
    an_node x = an_concat(column, 4, 1);
    output(&m, "prepared", x);
    output(&m, "code", an_lookup(c, grades, 3, -1));
    output(&m, "is_two", an_equal(an_lookup(c, grades, 3, -1), an_constant(m.g, AN_I64, (an_shape){ 1, { 1 } }, (int64_t[]){ 2 })));
    output(&m, "probability", an_sigmoid(layer(&m, x, "linear", AN_F64, 6, 1)));
    record(&m, "preparation", 1e-12);
    model_free(&m);
}

/* Every row that says it can be exported, in the type. */
static void every_row(an_dtype t, const char *name, double tolerance)
{
    double xd[ROWS * 4], yd[ROWS * 4];
    float xf[ROWS * 4], yf[ROWS * 4];
    int64_t which[ROWS] = { 3, 1, 2, 0, 1, 1, 3, 2, 0 };
    for (int i = 0; i < ROWS * 4; i++) {
        xd[i] = xf[i] = (float)(2.5 * sin(i * 0.9));
        yd[i] = yf[i] = (float)(0.2 + i % 5);
    }
    xd[5] = xf[5] = 0;
    model m = model_new();
    an_shape s = { 2, { AN_BATCH, 4 } };
    an_node x = input(&m, "x", t, s, t == AN_F32 ? (void *)xf : (void *)xd),
            y = input(&m, "y", t, s, t == AN_F32 ? (void *)yf : (void *)yd);
    an_node i = input(&m, "i", AN_I64, (an_shape){ 1, { AN_BATCH } }, which);
    an_node two[] = { x, y };
    output(&m, "add", an_add(x, y));
    output(&m, "sub", an_sub(x, y));
    output(&m, "mul", an_mul(x, y));
    output(&m, "div", an_div(x, y));
    output(&m, "minimum", an_minimum(x, y));
    output(&m, "maximum", an_maximum(x, y));
    output(&m, "greater", an_greater(x, y));
    output(&m, "greater_equal", an_greater_equal(x, y));
    output(&m, "equal", an_equal(x, an_scalar(m.g, t, 0)));
    output(&m, "where", an_select(an_greater(x, y), x, y));
    output(&m, "is_nan", an_is_nan(an_log(x)));
    output(&m, "neg", an_neg(x));
    output(&m, "exp", an_exp(x));
    output(&m, "log", an_log(y));
    output(&m, "sqrt", an_sqrt(y));
    output(&m, "square", an_square(x));
    output(&m, "reciprocal", an_reciprocal(y));
    output(&m, "abs", an_abs(x));
    output(&m, "sign", an_sign(x));
    output(&m, "tanh", an_tanh(x));
    output(&m, "sigmoid", an_sigmoid(x));
    output(&m, "softplus", an_softplus(an_mul_scalar(x, 20)));
    output(&m, "leaky_relu", an_leaky_relu(x, 0.2));
    output(&m, "leaky_step", an_gradient(an_leaky_relu(x, 0.2), x));
    output(&m, "clip", an_clip(x, -1, 1.5));
    output(&m, "clip_step", an_gradient(an_clip(x, -1, 1.5), x));
    output(&m, "add_scalar", an_add_scalar(x, 0.1));
    output(&m, "mul_scalar", an_mul_scalar(x, 0.3));
    output(&m, "cast", an_cast(x, t == AN_F32 ? AN_F64 : AN_F32));
    output(&m, "truncated", an_cast(x, AN_I64));
    output(&m, "stop", an_stop(x));
    output(&m, "reshape", an_reshape(x, (an_shape){ 3, { 2, AN_BATCH, 2 } }));
    output(&m, "transpose", an_transpose(x, (int[]){ 1, 0 }));
    output(&m, "broadcast", an_broadcast(an_sum_axis(x, 0, true), s));
    output(&m, "concat", an_concat(two, 2, 0));
    output(&m, "slice", an_slice(an_concat(two, 2, 0), 0, AN_BATCH, AN_BATCH));
    output(&m, "gather", an_gather(an_constant(m.g, AN_F64, (an_shape){ 2, { 4, 2 } }, (double[]){ 1, 2, 3, 4, 5, 6, 7, 8 }), i));
    output(&m, "sum_axis", an_sum_axis(x, 1, false));
    output(&m, "max_axis", an_max_axis(x, 0, true));
    output(&m, "mean_axis", an_mean_axis(x, 1, true));
    output(&m, "mean", an_mean(x));
    output(&m, "extent", an_gradient(an_mean(x), x));
    output(&m, "matmul", an_matmul_t(x, true, y, false));
    output(
        &m, "matmul_batched",
        an_matmul_t(an_reshape(x, (an_shape){ 3, { AN_BATCH, 2, 2 } }), false, an_reshape(y, (an_shape){ 3, { AN_BATCH, 2, 2 } }), true));
    output(&m, "row_norm", an_row_norm(x));
    record(&m, name, tolerance);
    model_free(&m);
}

static void test_every_row(void **unused)
{
    (void)unused;
    every_row(AN_F32, "rows_f32", 3e-6);
    every_row(AN_F64, "rows_f64", 1e-12);
    float x[ROWS] = { -3, -2, -1, -.5f, 0, .5f, 1, 2, 3 }; /* runtimes have erf in single precision only */
    model m = model_new();
    an_node n = input(&m, "x", AN_F32, (an_shape){ 2, { AN_BATCH, 1 } }, x);
    output(&m, "erf", an_erf(n));
    output(&m, "erf_f64", an_erf(an_cast(n, AN_F64)));
    record(&m, "erf", 1e-6);
    model_free(&m);
}

/* ---- refusals ------------------------------------------------------------------------------------------------------------------ */

static void test_refusals(void **unused)
{
    (void)unused;
    an_error err = { 0 };
    an_buf out = { 0 };
    model m = model_new();
    an_shape s = { 2, { AN_BATCH, 2 } };
    an_node x = an_input(m.g, "x", AN_F32, s);
    an_node noisy = an_add(x, an_random_normal(m.g, AN_F32, s));
    assert_false(an_onnx_export(m.g, m.params, &(an_onnx_output){ noisy, "y" }, 1, NULL, &out, &err));
    assert_int_equal(err.code, AN_INPUT);
    assert_non_null(strstr(err.message, "random_normal"));
    assert_false(an_onnx_export(m.g, m.params, &(an_onnx_output){ an_neg(x), "x" }, 1, NULL, &out, &err));
    assert_non_null(strstr(err.message, "taken"));
    an_node w = an_param_node(m.g, "w", AN_F32, (an_shape){ 2, { 2, 1 } });
    assert_false(an_onnx_export(m.g, m.params, &(an_onnx_output){ an_matmul(x, w), "y" }, 1, NULL, &out, &err));
    assert_int_equal(err.code, AN_NOT_FOUND);
    assert_false(an_onnx_export(m.g, m.params, &(an_onnx_output){ an_matmul(x, x), "y" }, 1, NULL, &out, &err));
    assert_int_equal(err.code, AN_FAILED);
    assert_int_equal(out.size, 0);
    an_buf_free(&out);
    model_free(&m);
}

static void test_onnxruntime_agrees(void **unused)
{
    (void)unused;
    char *command = an_format("\"${PYTHON:-python3}\" '%s/tests/graph/check_onnx.py' %s", AN_SOURCE_DIR, folder);
    int status = system(command);
    free(command);
    if (WIFEXITED(status) && (WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 127)) skip();
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_network),  cmocka_unit_test(test_preparation),        cmocka_unit_test(test_every_row),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_onnxruntime_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
