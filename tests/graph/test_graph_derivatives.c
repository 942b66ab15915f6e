/* First and second derivatives of every operation with a gradient, against central differences in double precision. The samples are walked
 * by the table of operations: a row without a sample fails. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/op.h" /* copy has no public builder */

#define SHAPE(...) ((an_shape){ (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), { __VA_ARGS__ } })
enum { MOST = 64, ROWS = 4 };

/* ---- samples ------------------------------------------------------------------------------------------------------------ */

typedef struct sample {
    const char *op;
    int inputs;
    an_shape shape[3];
    double low, high;                          /* of the inputs' values */
    an_node (*build)(an_graph *g, an_node *x); /* uses the operation; any shape */
} sample;

#define UNARY(name)                                   \
    static an_node do_##name(an_graph *g, an_node *x) \
    {                                                 \
        (void)g;                                      \
        return an_##name(x[0]);                       \
    }
#define BINARY(name)                                  \
    static an_node do_##name(an_graph *g, an_node *x) \
    {                                                 \
        (void)g;                                      \
        return an_##name(x[0], x[1]);                 \
    }
UNARY(neg)
UNARY(exp)
UNARY(log)
UNARY(sqrt)
UNARY(square)
UNARY(reciprocal)
UNARY(abs)
UNARY(tanh)
UNARY(sigmoid)
UNARY(softplus)
UNARY(erf)
UNARY(row_norm)
UNARY(softmax)
UNARY(sum)
UNARY(mean)
BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(div)
BINARY(minimum)
BINARY(maximum)
BINARY(matmul)

#define EXPRESSION(name, expression)                  \
    static an_node do_##name(an_graph *g, an_node *x) \
    {                                                 \
        (void)g;                                      \
        return expression;                            \
    }
EXPRESSION(select, an_select(an_greater(x[0], an_scalar(g, AN_F64, 0)), an_square(x[1]), an_exp(x[2])))
EXPRESSION(leaky_relu, an_leaky_relu(x[0], 0.2))
EXPRESSION(relu, an_leaky_relu(x[0], 0))
EXPRESSION(mirror, an_leaky_relu(x[0], -0.5))
EXPRESSION(clip, an_clip(x[0], -0.4, 0.7))
EXPRESSION(add_scalar, an_add_scalar(x[0], 1.5))
EXPRESSION(mul_scalar, an_mul_scalar(x[0], -2.5))
EXPRESSION(cast, an_cast(an_cast(an_square(x[0]), AN_F64), AN_F64))
EXPRESSION(reshape, an_reshape(an_square(x[0]), SHAPE(3, AN_BATCH, 2)))
EXPRESSION(transpose, an_transpose(an_square(x[0]), (int[]){ 1, 0 }))
EXPRESSION(transpose3, an_transpose(an_square(x[0]), (int[]){ 2, 0, 1 }))
EXPRESSION(broadcast, an_broadcast(an_square(x[0]), SHAPE(5, AN_BATCH, 3)))
EXPRESSION(concat, an_concat((an_node[]){ an_square(x[0]), x[1], an_exp(x[0]) }, 3, 1))
EXPRESSION(concat_rows, an_concat((an_node[]){ an_square(x[0]), an_exp(x[1]) }, 2, 0))
EXPRESSION(slice, an_slice(an_square(x[0]), 1, 1, 2))
EXPRESSION(slice_rows, an_slice(an_square(x[0]), 0, AN_BATCH, AN_BATCH))
EXPRESSION(sum_axis, an_sum_axis(an_square(x[0]), 1, false))
EXPRESSION(sum_axis0, an_sum_axis(an_square(x[0]), 0, true))
EXPRESSION(max_axis, an_max_axis(an_square(x[0]), 1, false))
EXPRESSION(mean_axis, an_mean_axis(an_square(x[0]), 0, false))
EXPRESSION(gather, an_gather(an_square(x[0]), an_constant(g, AN_I64, SHAPE(6), (int64_t[]){ 2, 0, 2, 1, 4, 2 })))
EXPRESSION(scatter_add, an_scatter_add(an_square(x[0]), an_constant(g, AN_I64, SHAPE(5), (int64_t[]){ 2, 0, 2, 1, 2 }), 4))
EXPRESSION(matmul_ta, an_matmul_t(x[0], true, x[1], false))
EXPRESSION(matmul_tb, an_matmul_t(x[0], false, x[1], true))
EXPRESSION(matmul_tt, an_matmul_t(x[0], true, x[1], true))
EXPRESSION(copy, an__copy(an_square(x[0])))
/* a network: products with bias, leaky ReLU and masks fuse */
EXPRESSION(network,
           an_matmul(an_leaky_relu(an_add(an_matmul(an_leaky_relu(an_matmul(x[0], x[1]), 0.2), x[2]), an_scalar(g, AN_F64, 0.1)), 0.3),
                     an_tanh(an_transpose(x[1], (int[]){ 1, 0 }))))

#define B AN_BATCH
static const sample samples[] = {
    { "add", 2, { { 2, { B, 3 } }, { 2, { B, 3 } } }, -1, 1, do_add },
    { "add", 2, { { 2, { B, 3 } }, { 1, { 3 } } }, -1, 1, do_add },
    { "sub", 2, { { 2, { B, 1 } }, { 2, { B, 3 } } }, -1, 1, do_sub },
    { "sub", 2, { { 3, { 2, 1, 3 } }, { 3, { 1, B, 1 } } }, -1, 1, do_sub },
    { "mul", 2, { { 2, { B, 3 } }, { 2, { 1, 3 } } }, -1, 1, do_mul },
    { "mul", 2, { { 3, { 2, B, 1 } }, { 3, { 2, 1, 3 } } }, -1, 1, do_mul },
    { "div", 2, { { 2, { B, 3 } }, { 2, { B, 1 } } }, 0.5, 1.5, do_div },
    { "minimum", 2, { { 2, { B, 3 } }, { 1, { 3 } } }, -1, 1, do_minimum },
    { "maximum", 2, { { 2, { B, 3 } }, { 2, { B, 3 } } }, -1, 1, do_maximum },
    { "where", 3, { { 2, { B, 3 } }, { 2, { B, 3 } }, { 1, { 3 } } }, -1, 1, do_select },
    { "neg", 1, { { 2, { B, 3 } } }, -1, 1, do_neg },
    { "exp", 1, { { 2, { B, 3 } } }, -1, 1, do_exp },
    { "log", 1, { { 2, { B, 3 } } }, 0.5, 2, do_log },
    { "sqrt", 1, { { 2, { B, 3 } } }, 0.5, 2, do_sqrt },
    { "square", 1, { { 2, { B, 3 } } }, -1, 1, do_square },
    { "reciprocal", 1, { { 2, { B, 3 } } }, 0.5, 2, do_reciprocal },
    { "abs", 1, { { 2, { B, 3 } } }, -1, 1, do_abs },
    { "tanh", 1, { { 2, { B, 3 } } }, -2, 2, do_tanh },
    { "sigmoid", 1, { { 2, { B, 3 } } }, -3, 3, do_sigmoid },
    { "softplus", 1, { { 2, { B, 3 } } }, -3, 3, do_softplus },
    { "erf", 1, { { 2, { B, 3 } } }, -2, 2, do_erf },
    { "leaky_relu", 1, { { 2, { B, 3 } } }, -1, 1, do_leaky_relu },
    { "leaky_relu", 1, { { 2, { B, 3 } } }, -1, 1, do_relu },
    { "leaky_relu", 1, { { 2, { B, 3 } } }, -1, 1, do_mirror },
    { "clip", 1, { { 2, { B, 3 } } }, -1, 1, do_clip },
    { "add_scalar", 1, { { 2, { B, 3 } } }, -1, 1, do_add_scalar },
    { "mul_scalar", 1, { { 2, { B, 3 } } }, -1, 1, do_mul_scalar },
    { "cast", 1, { { 2, { B, 3 } } }, -1, 1, do_cast },
    { "copy", 1, { { 2, { B, 3 } } }, -1, 1, do_copy },
    { "reshape", 1, { { 2, { AN_BATCH_TIMES(2, 1), 3 } } }, -1, 1, do_reshape },
    { "transpose", 1, { { 2, { B, 3 } } }, -1, 1, do_transpose },
    { "transpose", 1, { { 3, { 2, B, 3 } } }, -1, 1, do_transpose3 },
    { "broadcast", 1, { { 2, { B, 1 } } }, -1, 1, do_broadcast },
    { "concat", 2, { { 2, { B, 3 } }, { 2, { B, 1 } } }, -1, 1, do_concat },
    { "concat", 2, { { 2, { B, 3 } }, { 2, { AN_BATCH_TIMES(1, 2), 3 } } }, -1, 1, do_concat_rows },
    { "slice", 1, { { 2, { B, 4 } } }, -1, 1, do_slice },
    { "slice", 1, { { 2, { AN_BATCH_TIMES(3, 1), 2 } } }, -1, 1, do_slice_rows },
    { "gather", 1, { { 2, { 5, 3 } } }, -1, 1, do_gather },
    { "scatter_add", 1, { { 2, { 5, 3 } } }, -1, 1, do_scatter_add },
    { "sum_axis", 1, { { 3, { 2, B, 3 } } }, -1, 1, do_sum_axis },
    { "sum_axis", 1, { { 2, { B, 3 } } }, -1, 1, do_sum_axis0 },
    { "sum_axis", 1, { { 2, { B, 3 } } }, -1, 1, do_sum },
    { "sum_axis", 1, { { 2, { B, 3 } } }, -1, 1, do_row_norm },
    { "max_axis", 1, { { 2, { B, 3 } } }, -1, 1, do_max_axis },
    { "max_axis", 1, { { 2, { B, 3 } } }, -1, 1, do_softmax },
    { "mean_axis", 1, { { 2, { B, 3 } } }, -1, 1, do_mean_axis },
    { "mean_axis", 1, { { 2, { B, 3 } } }, -1, 1, do_mean },
    { "matmul", 2, { { 2, { B, 3 } }, { 2, { 3, 5 } } }, -1, 1, do_matmul },
    { "matmul", 2, { { 2, { B, 1 } }, { 2, { 1, 5 } } }, -1, 1, do_matmul },
    { "matmul", 2, { { 2, { B, 3 } }, { 2, { 3, 1 } } }, -1, 1, do_matmul },
    { "matmul", 2, { { 3, { 2, B, 3 } }, { 2, { 3, 5 } } }, -1, 1, do_matmul },
    { "matmul", 2, { { 3, { 2, B, 3 } }, { 3, { 1, 3, 2 } } }, -1, 1, do_matmul },
    { "matmul", 2, { { 2, { 3, B } }, { 2, { 3, 5 } } }, -1, 1, do_matmul_ta },
    { "matmul", 2, { { 2, { B, 3 } }, { 2, { 5, 3 } } }, -1, 1, do_matmul_tb },
    { "matmul", 2, { { 2, { 3, B } }, { 2, { 5, 3 } } }, -1, 1, do_matmul_tt },
    { "matmul", 3, { { 2, { B, 3 } }, { 2, { 3, 5 } }, { 2, { 5, 5 } } }, -1, 1, do_network },
};

/* ---- the check -------------------------------------------------------------------------------------------------------------- */

static uint64_t state = 1;
static double draw(double low, double high)
{
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return low + (high - low) * (double)(state >> 11) * 0x1p-53;
}

typedef struct bench {
    an_session *session;
    an_program *program;
    an_graph *graph;
    double value[3][MOST];
    int64_t count[3];
    int inputs;
} bench;

static int64_t count_at(const an_shape *s)
{
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++) n *= an_dim_at(s->dim[i], ROWS);
    return n;
}

static void must(bool ok, const an_error *err)
{
    if (!ok) fail_msg("%s", err->message);
}

/* The outputs' values at the bench's inputs. */
static void run(bench *b)
{
    static const char *const names[] = { "x0", "x1", "x2" };
    an_binding in[3];
    an_error err = { 0 };
    for (int i = 0; i < b->inputs; i++) in[i] = (an_binding){ names[i], b->value[i] };
    must(an_session_run(b->session, &(an_run){ .inputs = in, .input_count = b->inputs, .rows = ROWS }, NULL, &err), &err);
}

/* y: scalar; a0..: d y / d x; h0..: d (sum of fixed weights * gradient) / d x */
static void build(bench *b, const sample *s, bool plain)
{
    static const char *const inputs[] = { "x0", "x1", "x2" }, *const names[] = { "y", "s", "a0", "a1", "a2", "h0", "h1", "h2" };
    an_error err = { 0 };
    b->graph = an_graph_new();
    b->inputs = s->inputs;
    an_node x[3], copy[3], out[8], a[3], h[3];
    double weight[MOST];
    for (int i = 0; i < s->inputs; i++) x[i] = copy[i] = an_input(b->graph, inputs[i], AN_F64, s->shape[i]);
    an_node y = s->build(b->graph, copy);
    an_shape shape = an_node_shape(y);
    if (an_graph_error(b->graph, &err)) fail_msg("%s: %s", s->op, err.message);
    state = 99;
    for (int i = 0; i < MOST; i++) weight[i] = draw(-1, 1);
    /* weights that differ from element to element, whatever the batch: a smooth function of the result itself */
    y = an_sum(an_mul(an_add_scalar(an_mul_scalar(y, 0.7), 0.3), an_add_scalar(an_square(y), 0.5)));
    (void)shape;
    an_gradients(y, x, s->inputs, a);
    an_node total = an_scalar(b->graph, AN_F64, 0);
    for (int i = 0; i < s->inputs; i++) {
        an_shape sx = an_node_shape(x[i]);
        an_node w = an_constant(b->graph, AN_F64, (an_shape){ 1, { sx.dim[sx.rank - 1] > 0 ? sx.dim[sx.rank - 1] : 1 } }, weight + i * 7);
        total = an_add(total, an_sum(an_mul(a[i], w)));
    }
    an_gradients(total, x, s->inputs, h);
    out[0] = y;
    out[1] = total;
    for (int i = 0; i < 3; i++) {
        out[2 + i] = i < s->inputs ? a[i] : y;
        out[5 + i] = i < s->inputs ? h[i] : y;
    }
    b->program = an_compile(
        b->graph, &(an_target){ .device = AN_CPU, .rows = ROWS, .outputs = out, .names = names, .output_count = 8, .plain = plain }, &err);
    if (b->program == NULL) fail_msg("%s: %s", s->op, err.message);
    an_params *none = an_params_new();
    b->session = an_session_new(b->program, none, 7, &err);
    if (b->session == NULL) fail_msg("%s: %s", s->op, err.message);
    an_params_release(none);
    for (int i = 0; i < s->inputs; i++) {
        b->count[i] = count_at(&s->shape[i]);
        assert_true(b->count[i] <= MOST);
        for (int64_t k = 0; k < b->count[i]; k++) b->value[i][k] = draw(s->low, s->high);
    }
}

static double output(const bench *b, const char *name)
{
    return *(const double *)an_session_output(b->session, name);
}

static void check(const sample *s, bool plain)
{
    static const char *const first[] = { "a0", "a1", "a2" }, *const second[] = { "h0", "h1", "h2" };
    bench b = { 0 };
    build(&b, s, plain);
    run(&b);
    double a[3][MOST], h[3][MOST];
    for (int i = 0; i < s->inputs; i++) {
        memcpy(a[i], an_session_output(b.session, first[i]), sizeof(double) * (size_t)b.count[i]);
        memcpy(h[i], an_session_output(b.session, second[i]), sizeof(double) * (size_t)b.count[i]);
    }
    const double e = 1e-5;
    for (int i = 0; i < s->inputs; i++)
        for (int64_t k = 0; k < b.count[i]; k++) {
            double was = b.value[i][k], y[2], t[2];
            for (int side = 0; side < 2; side++) {
                b.value[i][k] = was + (side ? e : -e);
                run(&b);
                y[side] = output(&b, "y");
                t[side] = output(&b, "s");
            }
            b.value[i][k] = was;
            double da = (y[1] - y[0]) / (2 * e), dh = (t[1] - t[0]) / (2 * e);
            if (fabs(da - a[i][k]) > 2e-6 * (1 + fabs(da)))
                fail_msg("%s%s: dy/dx%d[%d] is %.12g, differences say %.12g", s->op, plain ? " (plain)" : "", i, (int)k, a[i][k], da);
            if (fabs(dh - h[i][k]) > 2e-5 * (1 + fabs(dh)))
                fail_msg("%s%s: second derivative at x%d[%d] is %.12g, differences say %.12g", s->op, plain ? " (plain)" : "", i, (int)k,
                         h[i][k], dh);
        }
    an_session_free(b.session);
    an_program_free(b.program);
    an_graph_free(b.graph);
}

static void test_every_operation(void **unused)
{
    (void)unused;
    for (int op = 0; op < an_op_count(); op++) {
        int found = 0;
        for (size_t i = 0; i < AN_COUNT(samples); i++) {
            if (strcmp(samples[i].op, an_op_name(op)) != 0) continue;
            found++;
            check(&samples[i], true);
            check(&samples[i], false);
        }
        if (found == 0 && an_op_flags(op) & AN_OP_GRADIENT) fail_msg("operation %s has a gradient but no sample", an_op_name(op));
    }
}

/* Every sample names an operation, and really uses it where that can be seen: it must differ from zero somewhere. */
static void test_samples_name_operations(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < AN_COUNT(samples); i++) {
        bool known = false;
        for (int op = 0; op < an_op_count(); op++)
            known = known || (strcmp(samples[i].op, an_op_name(op)) == 0 && an_op_flags(op) & AN_OP_GRADIENT);
        assert_true(known);
    }
}

/* A stopped value, a comparison, and what y does not depend on give zeros. */
static void test_zero_gradients(void **unused)
{
    (void)unused;
    an_error err = { 0 };
    an_graph *g = an_graph_new();
    an_node x = an_input(g, "x0", AN_F64, (an_shape){ 2, { AN_BATCH, 2 } }), other = an_input(g, "x1", AN_F64, (an_shape){ 1, { 3 } });
    an_node y = an_add(an_mul(an_stop(x), an_scalar(g, AN_F64, 3)), an_greater(x, an_scalar(g, AN_F64, 0)));
    an_node out[] = { an_gradient(y, x), an_gradient(y, other), an_gradient(an_mul(x, an_stop(x)), x) };
    const char *const names[] = { "a", "b", "c" };
    an_program *p = an_compile(g, &(an_target){ .rows = ROWS, .outputs = out, .names = names, .output_count = 3 }, &err);
    must(p != NULL, &err);
    an_params *none = an_params_new();
    an_session *s = an_session_new(p, none, 1, &err);
    double x0[8] = { 1, -2, 3, -4, 5, -6, 7, -8 }, x1[3] = { 0 };
    an_binding in[] = { { "x0", x0 }, { "x1", x1 } };
    must(an_session_run(s, &(an_run){ .inputs = in, .input_count = 2, .rows = 4 }, NULL, &err), &err);
    for (int i = 0; i < 8; i++) {
        assert_true(((const double *)an_session_output(s, "a"))[i] == 0);
        assert_true(((const double *)an_session_output(s, "c"))[i] == x0[i]);
    }
    for (int i = 0; i < 3; i++) assert_true(((const double *)an_session_output(s, "b"))[i] == 0);
    an_session_free(s);
    an_program_free(p);
    an_params_release(none);
    an_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_operation),
        cmocka_unit_test(test_samples_name_operations),
        cmocka_unit_test(test_zero_gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
