/* Building: dimensions and shapes, the first error, forward values of every operation in closed form, optimisers against their formulas. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/op.h"

static void must(bool ok, const an_error *err)
{
    if (!ok) fail_msg("%s", err->message);
}

/* ---- shapes ------------------------------------------------------------------------------------------------------------ */

static void test_dimensions(void **unused)
{
    (void)unused;
    char text[96];
    int64_t d;
    assert_int_equal(an_dim_at(7, 100), 7);
    assert_int_equal(an_dim_at(AN_BATCH, 100), 100);
    assert_int_equal(an_dim_at(AN_BATCH_TIMES(3, 2), 100), 150);
    assert_int_equal(an_dim_at(AN_BATCH_TIMES(3, 2), 5), -1);
    assert_string_equal(an_shape_text(&(an_shape){ 4, { AN_BATCH, AN_BATCH_TIMES(2, 1), AN_BATCH_TIMES(1, 10), 66 } }, text),
                        "[batch, 2*batch, batch/10, 66]");
    assert_string_equal(an_shape_text(&(an_shape){ 0, { 0 } }, text), "[]");
    assert_true(an__dim_add(AN_BATCH_TIMES(1, 2), AN_BATCH_TIMES(1, 3), &d) && d == AN_BATCH_TIMES(5, 6));
    assert_true(an__dim_add(AN_BATCH_TIMES(1, 2), AN_BATCH_TIMES(1, 2), &d) && d == AN_BATCH);
    assert_true(an__dim_add(0, AN_BATCH, &d) && d == AN_BATCH);
    assert_false(an__dim_add(3, AN_BATCH, &d));
    assert_true(an__dim_sub(AN_BATCH_TIMES(2, 1), AN_BATCH, &d) && d == AN_BATCH);
    assert_true(an__dim_sub(AN_BATCH, AN_BATCH, &d) && d == 0);
    assert_false(an__dim_sub(AN_BATCH, AN_BATCH_TIMES(2, 1), &d));
    assert_false(an__dim_sub(3, 4, &d));
}

typedef struct wrong {
    const char *says;
    an_node (*build)(an_graph *g, an_node x); /* x: f32 [batch, 3] */
} wrong;

#define WRONG(name, expression)                 \
    static an_node name(an_graph *g, an_node x) \
    {                                           \
        (void)g;                                \
        (void)x;                                \
        return expression;                      \
    }
WRONG(shapes, an_add(x, an_constant(g, AN_F32, (an_shape){ 1, { 2 } }, (float[]){ 1, 2 })))
WRONG(types, an_mul(x, an_scalar(g, AN_F64, 1)))
WRONG(whole, an_exp(an_cast(x, AN_I64)))
WRONG(elements, an_reshape(x, (an_shape){ 1, { AN_BATCH } }))
WRONG(orders, an_transpose(x, (int[]){ 0, 0 }))
WRONG(no_axis, an_sum_axis(x, 2, false))
WRONG(no_axis2, an_sum_axis(x, -3, false))
WRONG(outside, an_slice(x, 1, 2, 2))
WRONG(mixed, an_slice(x, 0, 1, AN_BATCH))
WRONG(parts, an_concat((an_node[]){ x, an_transpose(x, (int[]){ 1, 0 }) }, 2, 0))
WRONG(integer_and_batch, an_concat((an_node[]){ x, an_constant(g, AN_F32, (an_shape){ 2, { 1, 3 } }, (float[]){ 1, 2, 3 }) }, 2, 0))
WRONG(inner, an_matmul(x, x))
WRONG(spread, an_broadcast(x, (an_shape){ 2, { AN_BATCH, 4 } }))
WRONG(bad_index, an_gather(x, x))
WRONG(codes, an_one_hot(an_cast(x, AN_I64), 3, AN_F32))
WRONG(bounds, an_clip(x, 1, -1))
WRONG(param_batch, an_param_node(g, "w", AN_F32, (an_shape){ 1, { AN_BATCH } }))
WRONG(again, an_input(g, "x", AN_F64, (an_shape){ 2, { AN_BATCH, 3 } }))
WRONG(nameless, an_input(g, "", AN_F64, (an_shape){ 1, { 3 } }))
WRONG(text_param, an_param_node(g, "t", AN_STR, (an_shape){ 1, { 3 } }))
WRONG(rank, an_reshape(x, (an_shape){ 7, { 1 } }))
WRONG(slope_of_code, an_gradient(an_cast(x, AN_I64), x))

static void test_first_error(void **unused)
{
    (void)unused;
    static const wrong cases[] = { { "do not broadcast", shapes },
                                   { "cast one", types },
                                   { "does not take i64", whole },
                                   { "as many elements", elements },
                                   { "no permutation", orders },
                                   { "no axis", no_axis },
                                   { "no axis", no_axis2 },
                                   { "not within", outside },
                                   { "not within", mixed },
                                   { "does not join", parts },
                                   { "does not join", integer_and_batch },
                                   { "matmul", inner },
                                   { "does not broadcast", spread },
                                   { "gather", bad_index },
                                   { "one_hot", codes },
                                   { "clip", bounds },
                                   { "multiple of the batch", param_batch },
                                   { "before", again },
                                   { "no name", nameless },
                                   { "cannot be str", text_param },
                                   { "rank 7", rank },
                                   { "gradient", slope_of_code } };
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        an_error err = { 0 };
        an_graph *g = an_graph_new(), *other = an_graph_new();
        an_node x = an_input(g, "x", AN_F32, (an_shape){ 2, { AN_BATCH, 3 } });
        assert_false(an_graph_error(g, NULL));
        an_node y = cases[i].build(g, x);
        if (!an_graph_error(g, &err)) fail_msg("case %d says nothing", (int)i);
        if (strstr(err.message, cases[i].says) == NULL) fail_msg("case %d says \"%s\", not \"%s\"", (int)i, err.message, cases[i].says);
        y = an_sum(an_square(
            an_add(an_softmax(an_matmul(y, x)), an_row_norm(y)))); /* everything passes a broken node on, and the first error stays */
        an_gradient(y, x);
        an_concat(&y, 1, 0);
        an_slice(y, 0, 0, 1);
        an_lookup(y, NULL, 0, 0);
        an_error still = { 0 };
        assert_true(an_graph_error(g, &still));
        assert_string_equal(err.message, still.message);
        const char *name = "y";
        assert_null(an_compile(g, &(an_target){ .rows = 2, .outputs = &x, .names = &name, .output_count = 1 }, &still));
        an_node z = an_input(other, "z", AN_F32, (an_shape){ 2, { AN_BATCH, 3 } });
        an_add(z, x);
        assert_true(an_graph_error(other, &err));
        assert_non_null(strstr(err.message, "another graph"));
        an_graph_free(g);
        an_graph_free(other);
    }
}

/* ---- values ------------------------------------------------------------------------------------------------------------------ */

enum { N = 6 };
static const double xs[N] = { -2.5, -1, -0.125, 0, 0.75, 3 }, ys[N] = { 0.5, -1, 2, 0, 0.75, 1.5 };

static double leaky(double v)
{
    return v > 0 ? v : 0.25 * v;
}
static double sigmoid(double v)
{
    return 1 / (1 + exp(-v));
}
static double softplus(double v)
{
    return log1p(exp(-fabs(v))) + (v > 0 ? v : 0);
}

/* The operation's values at xs (and ys), in both precisions, fused and plain. */
#define CHECK(name, node, expected)      \
    do {                                 \
        an_node made = node;             \
        for (int k = 0; k < N; k++) {    \
            double u = xs[k], v = ys[k]; \
            (void)u;                     \
            (void)v;                     \
            want[count][k] = expected;   \
        }                                \
        names[count] = name;             \
        out[count++] = made;             \
    } while (0)

static void elementwise(an_dtype t, bool plain)
{
    an_error err = { 0 };
    an_graph *g = an_graph_new();
    an_shape s = { 2, { AN_BATCH, 1 } };
    an_node x = an_input(g, "x", t, s), y = an_input(g, "y", t, s), out[40];
    const char *names[40];
    double want[40][N];
    int count = 0;
    CHECK("add", an_add(x, y), u + v);
    CHECK("sub", an_sub(x, y), u - v);
    CHECK("mul", an_mul(x, y), u * v);
    CHECK("div", an_div(y, an_add_scalar(x, 0.5)), v / (u + 0.5));
    CHECK("minimum", an_minimum(x, y), fmin(u, v));
    CHECK("maximum", an_maximum(x, y), fmax(u, v));
    CHECK("greater", an_greater(x, y), u > v);
    CHECK("greater_equal", an_greater_equal(x, y), u >= v);
    CHECK("equal", an_equal(x, y), u == v);
    CHECK("where", an_select(x, y, an_neg(y)), u != 0 ? v : -v);
    CHECK("is_nan", an_is_nan(an_log(x)), u < 0);
    CHECK("neg", an_neg(x), -u);
    CHECK("exp", an_exp(x), exp(u));
    CHECK("log", an_log(an_abs(an_add_scalar(x, 0.3))), log(fabs(u + 0.3)));
    CHECK("sqrt", an_sqrt(an_abs(x)), sqrt(fabs(u)));
    CHECK("square", an_square(x), u * u);
    CHECK("reciprocal", an_reciprocal(an_add_scalar(x, 0.5)), 1 / (u + 0.5));
    CHECK("abs", an_abs(x), fabs(u));
    CHECK("sign", an_sign(x), (u > 0) - (u < 0));
    CHECK("tanh", an_tanh(x), tanh(u));
    CHECK("sigmoid", an_sigmoid(an_mul_scalar(x, 100)), sigmoid(100 * u));
    CHECK("softplus", an_softplus(an_mul_scalar(x, 100)), softplus(100 * u));
    CHECK("erf", an_erf(x), erf(u));
    CHECK("leaky_relu", an_leaky_relu(x, 0.25), leaky(u));
    CHECK("leaky_step", an__leaky_step(x, 0.25), u > 0 ? 1 : 0.25);
    CHECK("clip", an_clip(x, -1.5, 0.5), u < -1.5 ? -1.5 : u > 0.5 ? 0.5 : u);
    CHECK("clip_step", an__clip_step(x, -1, 0.5), u >= -1 && u <= 0.5);
    CHECK("add_scalar", an_add_scalar(x, 2), u + 2);
    CHECK("mul_scalar", an_mul_scalar(x, -3), -3 * u);
    CHECK("stop", an_stop(x), u);
    CHECK("copy", an__copy(x), u);
    CHECK("cast", an_cast(an_cast(an_cast(an_mul_scalar(x, 2), AN_I64), AN_F64), t), trunc(2 * u));
    CHECK("slice", an_slice(an_concat((an_node[]){ y, x }, 2, 1), 1, 1, 1), u);
    CHECK("softmax", an_slice(an_softmax(an_concat((an_node[]){ x, y }, 2, 1)), 1, 0, 1), sigmoid(u - v));
    CHECK("row_norm", an_row_norm(an_concat((an_node[]){ x, y }, 2, 1)), sqrt(u * u + v * v + 1e-12));
    an_program *p = an_compile(g, &(an_target){ .rows = N, .outputs = out, .names = names, .output_count = count, .plain = plain }, &err);
    must(p != NULL, &err);
    an_params *none = an_params_new();
    an_session *session = an_session_new(p, none, 0, &err);
    must(session != NULL, &err);
    float xf[N], yf[N];
    for (int k = 0; k < N; k++) {
        xf[k] = (float)xs[k];
        yf[k] = (float)ys[k];
    }
    an_binding in[] = { { "x", t == AN_F32 ? (const void *)xf : xs }, { "y", t == AN_F32 ? (const void *)yf : ys } };
    must(an_session_run(session, &(an_run){ .inputs = in, .input_count = 2, .rows = N }, NULL, &err), &err);
    for (int i = 0; i < count; i++) {
        const void *got = an_session_output(session, names[i]);
        for (int k = 0; k < N; k++) {
            double value = t == AN_F32 ? (double)((const float *)got)[k] : ((const double *)got)[k], tolerance = t == AN_F32 ? 1e-6 : 1e-14;
            if (!(fabs(value - want[i][k]) <= tolerance * (1 + fabs(want[i][k]))))
                fail_msg("%s of %s at %g, %g: %.17g, should be %.17g", an_dtype_name(t), names[i], xs[k], ys[k], value, want[i][k]);
        }
    }
    an_session_free(session);
    an_params_release(none);
    an_program_free(p);
    an_graph_free(g);
}

static void test_elementwise_values(void **unused)
{
    (void)unused;
    for (int plain = 0; plain < 2; plain++) {
        elementwise(AN_F32, plain);
        elementwise(AN_F64, plain);
    }
}

/* One f64 output of constants, worked out when the program is compiled (folded) or run (plain). */
static void expect(an_node y, const double *want, int64_t n, const char *what)
{
    for (int plain = 0; plain < 2; plain++) {
        an_error err = { 0 };
        const char *name = "y";
        an_program *p =
            an_compile(y.graph, &(an_target){ .rows = 4, .outputs = &y, .names = &name, .output_count = 1, .plain = plain }, &err);
        must(p != NULL, &err);
        an_params *none = an_params_new();
        an_session *s = an_session_new(p, none, 0, &err);
        must(s != NULL, &err);
        int64_t code[4] = { 0, 2, -1, 9 };
        an_binding in = { "code", code };
        must(an_session_run(s, &(an_run){ .inputs = &in, .input_count = 1, .rows = 4 }, NULL, &err), &err);
        const void *got = an_session_output(s, "y");
        an_shape shape = an_node_shape(y);
        assert_int_equal(an__shape_count_at(&shape, 4), n);
        for (int64_t i = 0; i < n; i++) {
            double v = an_node_dtype(y) == AN_I64 ? (double)((const int64_t *)got)[i] : ((const double *)got)[i];
            if (v != want[i]) fail_msg("%s%s: element %d is %g, should be %g", what, plain ? " (plain)" : "", (int)i, v, want[i]);
        }
        an_session_free(s);
        an_params_release(none);
        an_program_free(p);
    }
}
#define EXPECT(what, node, ...) expect(node, (double[]){ __VA_ARGS__ }, (int64_t)(sizeof((double[]){ __VA_ARGS__ }) / sizeof(double)), what)

static void test_shape_values(void **unused)
{
    (void)unused;
    an_error err = { 0 };
    an_graph *g = an_graph_new();
    double v[12];
    for (int i = 0; i < 12; i++) v[i] = i;
    an_node m = an_constant(g, AN_F64, (an_shape){ 2, { 2, 3 } }, v), c = an_constant(g, AN_F64, (an_shape){ 3, { 2, 2, 3 } }, v),
            a = an_constant(g, AN_F64, (an_shape){ 2, { 3, 2 } }, v);
    EXPECT("reshape", an_reshape(m, (an_shape){ 1, { 6 } }), 0, 1, 2, 3, 4, 5);
    EXPECT("transpose", an_transpose(m, (int[]){ 1, 0 }), 0, 3, 1, 4, 2, 5);
    EXPECT("transpose 3", an_transpose(c, (int[]){ 2, 0, 1 }), 0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11);
    EXPECT("broadcast", an_broadcast(an_slice(m, 1, 1, 1), (an_shape){ 3, { 2, 2, 2 } }), 1, 1, 4, 4, 1, 1, 4, 4);
    EXPECT("concat 0", an_concat((an_node[]){ m, an_slice(m, 0, 1, 1) }, 2, 0), 0, 1, 2, 3, 4, 5, 3, 4, 5);
    EXPECT("concat -1", an_concat((an_node[]){ m, m }, 2, -1), 0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5);
    EXPECT("slice", an_slice(c, 1, 1, 1), 3, 4, 5, 9, 10, 11);
    EXPECT("gather", an_gather(m, an_constant(g, AN_I64, (an_shape){ 1, { 4 } }, (int64_t[]){ 1, 0, 5, -1 })), 3, 4, 5, 0, 1, 2, 0, 0, 0, 0,
           0, 0);
    EXPECT("scatter_add", an_scatter_add(a, an_constant(g, AN_I64, (an_shape){ 1, { 3 } }, (int64_t[]){ 1, 0, 1 }), 3), 2, 3, 4, 6, 0, 0);
    EXPECT("sum 0", an_sum_axis(m, 0, false), 3, 5, 7);
    EXPECT("sum middle", an_sum_axis(c, 1, true), 3, 5, 7, 15, 17, 19);
    EXPECT("max -1", an_max_axis(m, -1, true), 2, 5);
    EXPECT("mean", an_mean_axis(m, 0, false), 1.5, 2.5, 3.5);
    EXPECT("mean of all", an_mean(c), 5.5);
    EXPECT("sum of all", an_sum(c), 66);
    EXPECT("matmul", an_matmul(m, a), 10, 13, 28, 40);
    EXPECT("matmul tt", an_matmul_t(m, true, a, true), 3, 9, 15, 4, 14, 24, 5, 19, 33);
    EXPECT("matmul of a batch", an_matmul(c, a), 10, 13, 28, 40, 46, 67, 64, 94);
    EXPECT("matmul broadcasting", an_matmul(an_slice(m, 0, 0, 1), an_reshape(c, (an_shape){ 3, { 2, 3, 2 } })), 10, 13, 28, 31);
    EXPECT("spread operands",
           an_add(an_reshape(an_slice(m, 0, 0, 1), (an_shape){ 3, { 1, 3, 1 } }),
                  an_reshape(an_slice(m, 0, 1, 1), (an_shape){ 3, { 3, 1, 1 } })),
           3, 4, 5, 4, 5, 6, 5, 6, 7);
    EXPECT("extent", an__extent(g, AN_F64, AN_BATCH_TIMES(3, 2)), 6);
    an_node code = an_input(g, "code", AN_STR, (an_shape){ 2, { AN_BATCH, 1 } });
    EXPECT("lookup", an_lookup(code, (const char *[]){ "a", "b", "c" }, 3, 7), 0, 2, 7, 7);
    EXPECT("one_hot", an_one_hot(an_lookup(code, (const char *[]){ "a", "b", "c" }, 3, 3), 3, AN_F64), 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0);
    EXPECT("equal i64", an_equal(an_lookup(code, (const char *[]){ "a", "b", "c" }, 3, 7), an_scalar(g, AN_I64, 7)), 0, 0, 1, 1);
    assert_false(an_graph_error(g, &err));
    an_graph_free(g);
}

/* ---- optimisers ------------------------------------------------------------------------------------------------------------------ */

/* Minimises sum(c w^2 / 2) for a few steps; the state after them against the published update rules. */
static void optimise(const an_optimiser *o, double *w, int steps)
{
    an_error err = { 0 };
    an_graph *g = an_graph_new();
    an_params *params = an_params_new();
    an_shape s = { 1, { 3 } };
    const double curve[3] = { 1, 0.5, -2 };
    memcpy(an_params_add(params, "w", AN_F64, s, NULL, &err)->data, w, 3 * sizeof *w);
    an_node p = an_param_node(g, "w", AN_F64, s);
    an_node d = an_gradient(an_mul_scalar(an_sum(an_mul(an_constant(g, AN_F64, s, curve), an_square(p))), 0.5), p);
    an_update updates[8];
    int count = an_optimiser_build(g, params, "opt", o, &p, &d, 1, updates, &err);
    assert_true(count > 0 && count <= 5);
    an_program *program = an_compile(g, &(an_target){ .updates = updates, .update_count = count }, &err);
    must(program != NULL, &err);
    an_session *session = an_session_new(program, params, 0, &err);
    must(session != NULL, &err);
    for (int i = 0; i < steps; i++) must(an_session_run(session, &(an_run){ .step = (uint64_t)i }, NULL, &err), &err);
    memcpy(w, an_params_get(params, "w")->data, 3 * sizeof *w);
    an_session_free(session);
    an_program_free(program);
    an_params_release(params);
    an_graph_free(g);
}

static void test_optimisers(void **unused)
{
    (void)unused;
    const an_optimiser kinds[] = {
        { .kind = "sgd", .rate = 0.1 },
        { .kind = "sgd", .rate = 0.1, .momentum = 0.9 },
        { .kind = "rmsprop", .rate = 0.01, .rho = 0.9, .epsilon = 1e-7 },
        { .kind = "rmsprop", .rate = 0.01, .rho = 0.9, .epsilon = 1e-7, .momentum = 0.5, .clip = 0.9 },
        { .kind = "adam", .rate = 0.01, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8 },
    };
    const double curve[3] = { 1, 0.5, -2 };
    for (size_t i = 0; i < AN_COUNT(kinds); i++) {
        const an_optimiser *o = &kinds[i];
        double got[3] = { 1, -2, 0.5 }, w[3] = { 1, -2, 0.5 }, m[3] = { 0 }, v[3] = { 0 };
        for (int t = 1; t <= 7; t++)
            for (int k = 0; k < 3; k++) {
                double d = curve[k] * w[k], step = d;
                if (o->kind[0] == 's') {
                    m[k] = o->momentum * m[k] + d;
                    step = m[k];
                } else if (o->kind[0] == 'r') {
                    v[k] = o->rho * v[k] + (1 - o->rho) * d * d;
                    m[k] = o->momentum * m[k] + d / (sqrt(v[k]) + o->epsilon);
                    step = m[k];
                } else {
                    m[k] = o->beta1 * m[k] + (1 - o->beta1) * d;
                    v[k] = o->beta2 * v[k] + (1 - o->beta2) * d * d;
                    step = m[k] / (1 - pow(o->beta1, t)) / (sqrt(v[k] / (1 - pow(o->beta2, t))) + o->epsilon);
                }
                w[k] -= o->rate * step;
                if (o->clip > 0) w[k] = fmax(-o->clip, fmin(o->clip, w[k]));
            }
        optimise(o, got, 7);
        for (int k = 0; k < 3; k++)
            if (!(fabs(got[k] - w[k]) <= 1e-12))
                fail_msg("%s (case %d): w[%d] is %.15g, should be %.15g", o->kind, (int)i, k, got[k], w[k]);
    }
    an_error err = { 0 };
    an_graph *g = an_graph_new();
    an_params *params = an_params_new();
    assert_int_equal(an_optimiser_build(g, params, "o", &(an_optimiser){ .kind = "adamw" }, NULL, NULL, 0, NULL, &err), -1);
    assert_non_null(strstr(err.message, "adamw"));
    assert_int_equal(an_optimiser_build(g, params, "o", &(an_optimiser){ .kind = "sgd", .rate = NAN }, NULL, NULL, 0, NULL, &err), -1);
    assert_non_null(strstr(err.message, "rate"));
    an_params_release(params);
    an_graph_free(g);
}

/* ---- the table ---------------------------------------------------------------------------------------------------------------------- */

static void test_rows_are_complete(void **unused)
{
    (void)unused;
    for (int i = 0; i < an_op_count(); i++) {
        const an_op *op = an__op_at(i);
        bool leaf = op->flags & AN__OP_LEAF;
        assert_non_null(op->name);
        for (int k = 0; k < i; k++) assert_string_not_equal(op->name, an_op_name(k));
        if ((op->flags & AN_OP_GRADIENT ? 1 : 0) != (op->gradient != NULL)) fail_msg("%s: gradient flag and rule disagree", op->name);
        if (!leaf && (op->flags & AN_OP_ONNX ? 1 : 0) != (op->onnx != NULL || op->onnx_type != NULL))
            fail_msg("%s: ONNX flag and rule disagree", op->name);
        if (leaf != (op->cpu == NULL && op->chain == 0)) fail_msg("%s: no kernel", op->name);
        if (op->attributes != NULL) {
            char *audit = an_params_audit(op->attributes);
            assert_string_equal(audit, "");
            free(audit);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dimensions),   cmocka_unit_test(test_first_error), cmocka_unit_test(test_elementwise_values),
        cmocka_unit_test(test_shape_values), cmocka_unit_test(test_optimisers),  cmocka_unit_test(test_rows_are_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
