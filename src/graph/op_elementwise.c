/* op_elementwise.c - rows that work element by element. In f32 and f64 the kernels' chain interpreter runs them (fused where the compiler
 * can). */
#include "graph/op.h"

/* ---- shape ------------------------------------------------------------------------------------------------------------------ */

bool an__shape_elementwise(an_graph *g, an__item *it)
{
    const an__item *first = g->item[it->input[0]];
    it->dtype = first->dtype;
    it->shape = first->shape;
    for (int i = 1; i < it->inputs; i++) {
        const an__item *x = g->item[it->input[i]];
        an_shape both;
        char a[96], b[96];
        if (x->dtype != it->dtype)
            return an__bad(g, "%s: %s and %s; cast one of them", it->op->name, an_dtype_name(it->dtype), an_dtype_name(x->dtype));
        if (!an__shape_broadcast(&it->shape, &x->shape, &both))
            return an__bad(g, "%s: shapes %s and %s do not broadcast", it->op->name, an_shape_text(&it->shape, a),
                           an_shape_text(&x->shape, b));
        it->shape = both;
    }
    return true;
}

an_node an__unbroadcast(an_node a, const an_shape *shape)
{
    if (a.id < 0) return a;
    an_shape s = an_node_shape(a);
    if (an__shape_same(&s, shape)) return a;
    int lead = s.rank - shape->rank;
    bool all = true; /* everything is summed: one pass over the elements */
    for (int i = 0; i < shape->rank; i++) all = all && shape->dim[i] == 1;
    if (all) return an_reshape(an_sum(a), *shape);
    for (int i = 0; i < lead; i++) a = an_sum_axis(a, 0, false);
    for (int i = 0; i < shape->rank; i++)
        if (shape->dim[i] == 1 && s.dim[i + lead] != 1) a = an_sum_axis(a, i, true);
    return a;
}

/* ---- building ------------------------------------------------------------------------------------------------------------------ */

static an_node unary(const an_op *op, an_node a, double p, double q)
{
    an_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.a = p;
    attr.b = q;
    return an__make(a.graph, op, &a, 1, &attr, AN_F32, NULL);
}

static an_node binary(const an_op *op, an_node a, an_node b)
{
    an_node x[] = { a, b };
    return an__make(an__graph_of(x, 2), op, x, 2, NULL, AN_F32, NULL);
}

#define UNARY(name)                            \
    an_node an_##name(an_node a)               \
    {                                          \
        return unary(&an__op_##name, a, 0, 0); \
    }
#define BINARY(name)                         \
    an_node an_##name(an_node a, an_node b)  \
    {                                        \
        return binary(&an__op_##name, a, b); \
    }
BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(div)
BINARY(minimum)
BINARY(maximum)
BINARY(greater)
BINARY(greater_equal)
BINARY(equal)
UNARY(is_nan)
UNARY(neg)
UNARY(exp)
UNARY(log)
UNARY(sqrt)
UNARY(square)
UNARY(reciprocal)
UNARY(abs)
UNARY(sign)
UNARY(tanh)
UNARY(sigmoid)
UNARY(softplus)
UNARY(erf)
UNARY(stop)

an_node an_select(an_node condition, an_node a, an_node b)
{
    an_node x[] = { condition, a, b };
    return an__make(an__graph_of(x, 3), &an__op_where, x, 3, NULL, AN_F32, NULL);
}

an_node an_leaky_relu(an_node a, double slope)
{
    return unary(&an__op_leaky_relu, a, slope, 0);
}

an_node an__leaky_step(an_node a, double slope)
{
    return unary(&an__op_leaky_step, a, slope, 0);
}

an_node an_clip(an_node a, double low, double high)
{
    if (!(low <= high)) an__bad(a.graph, "clip: low %g above high %g", low, high);
    return unary(&an__op_clip, a, low, high);
}

an_node an__clip_step(an_node a, double low, double high)
{
    return unary(&an__op_clip_step, a, low, high);
}

an_node an_add_scalar(an_node a, double s)
{
    return unary(&an__op_add_scalar, a, s, 0);
}

an_node an_mul_scalar(an_node a, double s)
{
    return unary(&an__op_mul_scalar, a, s, 0);
}

an_node an__copy(an_node a)
{
    return unary(&an__op_copy, a, 0, 0);
}

an_node an_cast(an_node a, an_dtype t)
{
    return an__make(a.graph, &an__op_cast, &a, 1, NULL, t, NULL);
}

/* ---- gradients -------------------------------------------------------------------------------------------------------------------- */

static void give(const an__grad *r, int i, an_node d)
{
    an_shape s = an_node_shape(r->x[i]);
    r->dx[i] = an__unbroadcast(d, &s);
}

#define RULE(name) static void name##_gradient(const an__grad *r)

RULE(add)
{
    for (int i = 0; i < 2; i++)
        if (r->wants[i]) give(r, i, r->dy);
}

RULE(sub)
{
    if (r->wants[0]) give(r, 0, r->dy);
    if (r->wants[1]) give(r, 1, an_neg(r->dy));
}

RULE(mul)
{
    for (int i = 0; i < 2; i++)
        if (r->wants[i]) give(r, i, an_mul(r->dy, r->x[1 - i]));
}

RULE(div)
{
    if (r->wants[0]) give(r, 0, an_div(r->dy, r->x[1]));
    if (r->wants[1]) give(r, 1, an_neg(an_div(an_mul(r->dy, r->y), r->x[1])));
}

/* ties go to the first */
RULE(maximum)
{
    if (r->wants[0]) give(r, 0, an_mul(r->dy, an_greater_equal(r->x[0], r->x[1])));
    if (r->wants[1]) give(r, 1, an_mul(r->dy, an_greater(r->x[1], r->x[0])));
}

RULE(minimum)
{
    if (r->wants[0]) give(r, 0, an_mul(r->dy, an_greater_equal(r->x[1], r->x[0])));
    if (r->wants[1]) give(r, 1, an_mul(r->dy, an_greater(r->x[0], r->x[1])));
}

RULE(where)
{
    an_node zero = an_scalar(r->dy.graph, an_node_dtype(r->dy), 0);
    if (r->wants[1]) give(r, 1, an_select(r->x[0], r->dy, zero));
    if (r->wants[2]) give(r, 2, an_select(r->x[0], zero, r->dy));
}

RULE(neg)
{
    r->dx[0] = an_neg(r->dy);
}
RULE(exp)
{
    r->dx[0] = an_mul(r->dy, r->y);
}
RULE(log)
{
    r->dx[0] = an_div(r->dy, r->x[0]);
}
RULE(sqrt)
{
    r->dx[0] = an_mul_scalar(an_div(r->dy, r->y), 0.5);
}
RULE(square)
{
    r->dx[0] = an_mul(r->dy, an_mul_scalar(r->x[0], 2));
}
RULE(reciprocal)
{
    r->dx[0] = an_neg(an_mul(r->dy, an_square(r->y)));
}
RULE(abs)
{
    r->dx[0] = an_mul(r->dy, an_sign(r->x[0]));
}
RULE(tanh)
{
    r->dx[0] = an_mul(r->dy, an_add_scalar(an_neg(an_square(r->y)), 1));
}
RULE(sigmoid)
{
    r->dx[0] = an_mul(r->dy, an_mul(r->y, an_add_scalar(an_neg(r->y), 1)));
}
RULE(softplus)
{
    r->dx[0] = an_mul(r->dy, an_sigmoid(r->x[0]));
}
RULE(erf)
{
    r->dx[0] = an_mul(r->dy, an_mul_scalar(an_exp(an_neg(an_square(r->x[0]))), 1.1283791670955126)); /* 2/sqrt(pi) */
}
RULE(clip)
{
    r->dx[0] = an_mul(r->dy, an__clip_step(r->x[0], r->it->attr.a, r->it->attr.b));
}
RULE(add_scalar)
{
    r->dx[0] = r->dy;
}
RULE(mul_scalar)
{
    r->dx[0] = an_mul_scalar(r->dy, r->it->attr.a);
}
RULE(copy)
{
    r->dx[0] = r->dy;
}

/* From the output where its sign is the input's, so that the input need not be kept. */
RULE(leaky_relu)
{
    double slope = r->it->attr.a;
    r->dx[0] = an_mul(r->dy, an__leaky_step(slope >= 0 ? r->y : r->x[0], slope));
}

RULE(cast)
{
    an_dtype t = an_node_dtype(r->x[0]);
    if (t != AN_I64 && r->it->dtype != AN_I64) r->dx[0] = an_cast(r->dy, t);
}

/* ---- simplifications -------------------------------------------------------------------------------------------------------------- */

/* x broadcast to the node's shape, when the other operand is the uniform `value` */
static an_node unless(const an__item *it, const an_node *x, int other, double value)
{
    double v;
    if (!an__uniform_value(x[other], &v) || v != value) return an__broken(x[0].graph);
    return an_broadcast(x[1 - other], it->shape);
}

static an_node add_simplify(an_graph *g, const an__item *it, const an_node *x)
{
    for (int i = 0; i < 2; i++) {
        an_node r = unless(it, x, i, 0);
        double v;
        if (r.id >= 0) return r;
        if (an__uniform_value(x[i], &v) && an__shape_same(&it->shape, &an__item_of(x[1 - i])->shape)) return an_add_scalar(x[1 - i], v);
    }
    /* two concats cut at the same places (gradients of slices): add piece by piece */
    const an__item *a = an__item_of(x[0]), *b = an__item_of(x[1]);
    if (a->op != &an__op_concat || b->op != &an__op_concat || a->inputs != b->inputs || a->attr.axis != b->attr.axis || a->inputs > 64)
        return an__broken(g);
    an_node part[64];
    for (int i = 0; i < a->inputs; i++) {
        an_node p = { g, a->input[i] }, q = { g, b->input[i] };
        if (!an__shape_same(&an__item_of(p)->shape, &an__item_of(q)->shape)) return an__broken(g);
        part[i] = an_add(p, q);
        an_node r = add_simplify(g, an__item_of(part[i]), (an_node[]){ p, q });
        if (r.id >= 0) part[i] = r;
    }
    return an_concat(part, a->inputs, (int)a->attr.axis);
}

static an_node sub_simplify(an_graph *g, const an__item *it, const an_node *x)
{
    (void)g;
    return unless(it, x, 1, 0);
}

static an_node mul_simplify(an_graph *g, const an__item *it, const an_node *x)
{
    for (int i = 0; i < 2; i++) {
        an_node r = unless(it, x, i, 1);
        double v;
        if (r.id >= 0) return r;
        if (an__uniform_value(x[i], &v) && an__shape_same(&it->shape, &an__item_of(x[1 - i])->shape)) return an_mul_scalar(x[1 - i], v);
    }
    return x[0].id == x[1].id ? an_square(x[0]) : an__broken(g);
}

static an_node div_simplify(an_graph *g, const an__item *it, const an_node *x)
{
    (void)g;
    return unless(it, x, 1, 1);
}

static an_node neg_simplify(an_graph *g, const an__item *it, const an_node *x)
{
    (void)it;
    const an__item *a = an__item_of(x[0]);
    return a->op == &an__op_neg ? (an_node){ g, a->input[0] } : an__broken(g);
}

static an_node add_scalar_simplify(an_graph *g, const an__item *it, const an_node *x)
{
    return it->attr.a == 0 ? x[0] : an__broken(g);
}

static an_node mul_scalar_simplify(an_graph *g, const an__item *it, const an_node *x)
{
    return it->attr.a == 1 ? x[0] : it->attr.a == -1 ? an_neg(x[0]) : an__broken(g);
}

static an_node same_simplify(an_graph *g, const an__item *it, const an_node *x)
{
    (void)g;
    (void)it;
    return x[0];
}

static an_node cast_simplify(an_graph *g, const an__item *it, const an_node *x)
{
    return it->dtype == an_node_dtype(x[0]) ? x[0] : an__broken(g);
}

/* ---- kernels of what is no chain -------------------------------------------------------------------------------------------------- */

static bool cast_shape(an_graph *g, an__item *it)
{
    const an__item *x = g->item[it->input[0]];
    it->shape = x->shape;
    return (AN__F | AN__I) >> it->dtype & 1 ? true : an__bad(g, "cast: to %s", an_dtype_name(it->dtype));
}

#define CAST(FROM, TO)                                      \
    do {                                                    \
        const FROM *in = c->in[0].data;                     \
        TO *out = c->out.data;                              \
        for (int64_t i = 0; i < n; i++) out[i] = (TO)in[i]; \
    } while (0)

/* to i64: towards zero; what no i64 holds (NaN too) becomes the least i64 */
#define CAST_I64(FROM)                                                                                                        \
    do {                                                                                                                      \
        const FROM *in = c->in[0].data;                                                                                       \
        int64_t *out = c->out.data;                                                                                           \
        for (int64_t i = 0; i < n; i++) out[i] = in[i] >= (FROM)-0x1p63 && in[i] < (FROM)0x1p63 ? (int64_t)in[i] : INT64_MIN; \
    } while (0)

static void cast_cpu(const an__call *c)
{
    int64_t n = c->out.count;
    int from = (int)c->in[0].dtype, to = (int)c->out.dtype;
    if (from == to)
        memcpy(c->out.data, c->in[0].data, (size_t)n * an_dtype_bytes(c->out.dtype));
    else if (from == AN_F32 && to == AN_F64)
        CAST(float, double);
    else if (from == AN_F64 && to == AN_F32)
        CAST(double, float);
    else if (from == AN_I64 && to == AN_F32)
        CAST(int64_t, float);
    else if (from == AN_I64 && to == AN_F64)
        CAST(int64_t, double);
    else if (from == AN_F32)
        CAST_I64(float);
    else
        CAST_I64(double);
}

static void copy_cpu(const an__call *c)
{
    memcpy(c->out.data, c->in[0].data, (size_t)c->out.count * an_dtype_bytes(c->out.dtype));
}

/* i64 only; floating-point is a chain. The second operand repeats along the leading dimensions or is one value. */
static void equal_cpu(const an__call *c)
{
    int64_t *out = c->out.data;
    const int64_t *x[2] = { c->in[0].data, c->in[1].data };
    for (int64_t i = 0; i < c->out.count; i++) {
        int64_t at[2] = { 0, 0 }, left = i, step[2] = { 1, 1 };
        for (int d = c->out.shape.rank - 1; d >= 0; d--) {
            int64_t k = left % c->out.shape.dim[d];
            left /= c->out.shape.dim[d];
            for (int s = 0; s < 2; s++) {
                int e = d - (c->out.shape.rank - c->in[s].shape.rank);
                if (e < 0 || c->in[s].shape.dim[e] == 1) continue;
                at[s] += k * step[s];
                step[s] *= c->in[s].shape.dim[e];
            }
        }
        out[i] = x[0][at[0]] == x[1][at[1]];
    }
}

static bool view_always(const an__item *it, const an__item *x)
{
    (void)it;
    (void)x;
    return true;
}

/* ---- rows ---------------------------------------------------------------------------------------------------------------------------- */

#define REAL(field, name, doc)                                                                        \
    {                                                                                                 \
        name, AN_PARAM_REAL, offsetof(an_attr, field), 0, -INFINITY, INFINITY, false, NULL, NULL, doc \
    }
static const an_param slope[] = { REAL(a, "slope", "factor of negative values"), AN_PARAM_END };
static const an_param bounds[] = { REAL(a, "low", "least value"), REAL(b, "high", "greatest value"), AN_PARAM_END };
static const an_param scalar[] = { REAL(a, "scalar", "the constant operand"), AN_PARAM_END };

enum { ELEMENTWISE = AN_OP_ELEMENTWISE | AN_OP_ONNX, SMOOTH = AN_OP_ELEMENTWISE | AN_OP_ONNX | AN_OP_GRADIENT };

#define ROW(row_name, row_inputs, row_flags, ...)                       \
    const an_op an__op_##row_name = { .name = #row_name,                \
                                      .flags = (row_flags),             \
                                      .dtypes = AN__F,                  \
                                      .inputs = row_inputs,             \
                                      .shape = an__shape_elementwise,   \
                                      .chain = 1 + AN_CHAIN_##row_name, \
                                      __VA_ARGS__ }

ROW(add, 2, SMOOTH | AN__OP_COMMUTES, .gradient = add_gradient, .simplify = add_simplify, .onnx_type = "Add");
ROW(sub, 2, SMOOTH, .gradient = sub_gradient, .simplify = sub_simplify, .onnx_type = "Sub");
ROW(mul, 2, SMOOTH | AN__OP_COMMUTES, .gradient = mul_gradient, .simplify = mul_simplify, .onnx_type = "Mul");
ROW(div, 2, SMOOTH, .gradient = div_gradient, .simplify = div_simplify, .onnx_type = "Div");
ROW(minimum, 2, SMOOTH, .gradient = minimum_gradient, .onnx_type = "Min");
ROW(maximum, 2, SMOOTH, .gradient = maximum_gradient, .onnx_type = "Max");
ROW(greater, 2, ELEMENTWISE, .onnx = an__onnx_compare, .onnx_type = "Greater");
ROW(greater_equal, 2, ELEMENTWISE, .onnx = an__onnx_compare, .onnx_type = "GreaterOrEqual");
const an_op an__op_equal = { .name = "equal",
                             .flags = ELEMENTWISE | AN__OP_COMMUTES,
                             .dtypes = AN__F | AN__I,
                             .inputs = 2,
                             .shape = an__shape_elementwise,
                             .chain = 1 + AN_CHAIN_equal,
                             .cpu = equal_cpu,
                             .onnx = an__onnx_compare,
                             .onnx_type = "Equal" };
ROW(where, 3, SMOOTH, .gradient = where_gradient, .onnx = an__onnx_where);
ROW(is_nan, 1, ELEMENTWISE, .onnx = an__onnx_compare, .onnx_type = "IsNaN");
ROW(neg, 1, SMOOTH, .gradient = neg_gradient, .simplify = neg_simplify, .onnx_type = "Neg");
ROW(exp, 1, SMOOTH, .gradient = exp_gradient, .onnx_type = "Exp");
ROW(log, 1, SMOOTH, .gradient = log_gradient, .onnx_type = "Log");
ROW(sqrt, 1, SMOOTH, .gradient = sqrt_gradient, .onnx_type = "Sqrt");
ROW(square, 1, SMOOTH, .gradient = square_gradient, .onnx = an__onnx_square);
ROW(reciprocal, 1, SMOOTH, .gradient = reciprocal_gradient, .onnx_type = "Reciprocal");
ROW(abs, 1, SMOOTH, .gradient = abs_gradient, .onnx_type = "Abs");
ROW(sign, 1, ELEMENTWISE, .onnx_type = "Sign");
ROW(tanh, 1, SMOOTH, .gradient = tanh_gradient, .onnx_type = "Tanh");
ROW(sigmoid, 1, SMOOTH, .gradient = sigmoid_gradient, .onnx_type = "Sigmoid");
ROW(softplus, 1, SMOOTH, .gradient = softplus_gradient, .onnx = an__onnx_softplus, .onnx_type = "Softplus");
ROW(erf, 1, SMOOTH, .gradient = erf_gradient, .onnx = an__onnx_f32_only, .onnx_type = "Erf");
ROW(leaky_relu, 1, SMOOTH, .gradient = leaky_relu_gradient, .attributes = slope, .onnx = an__onnx_leaky_relu);
ROW(leaky_step, 1, ELEMENTWISE, .attributes = slope, .onnx = an__onnx_leaky_step);
ROW(clip, 1, SMOOTH, .gradient = clip_gradient, .attributes = bounds, .onnx = an__onnx_clip);
ROW(clip_step, 1, ELEMENTWISE, .attributes = bounds, .onnx = an__onnx_clip_step);
ROW(add_scalar, 1, SMOOTH, .gradient = add_scalar_gradient, .simplify = add_scalar_simplify, .attributes = scalar, .onnx = an__onnx_scalar,
    .onnx_type = "Add");
ROW(mul_scalar, 1, SMOOTH, .gradient = mul_scalar_gradient, .simplify = mul_scalar_simplify, .attributes = scalar, .onnx = an__onnx_scalar,
    .onnx_type = "Mul");
const an_op an__op_cast = { .name = "cast",
                            .flags = SMOOTH,
                            .dtypes = AN__F | AN__I,
                            .inputs = 1,
                            .shape = cast_shape,
                            .gradient = cast_gradient,
                            .simplify = cast_simplify,
                            .cpu = cast_cpu,
                            .onnx = an__onnx_cast };
const an_op an__op_stop = { .name = "stop",
                            .flags = ELEMENTWISE,
                            .dtypes = AN__F | AN__I,
                            .inputs = 1,
                            .shape = an__shape_elementwise,
                            .simplify = same_simplify,
                            .view = view_always,
                            .cpu = copy_cpu,
                            .onnx_type = "Identity" };
const an_op an__op_copy = { .name = "copy",
                            .flags = SMOOTH,
                            .dtypes = AN__F | AN__I,
                            .inputs = 1,
                            .shape = an__shape_elementwise,
                            .gradient = copy_gradient,
                            .chain = 1 + AN_CHAIN_copy,
                            .cpu = copy_cpu,
                            .onnx_type = "Identity" };
