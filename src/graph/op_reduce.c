/* op_reduce.c - rows that sum, average or take the greatest along one axis; norms and softmax built from them. */
#include "graph/op.h"

static bool reduce_shape(an_graph *g, an__item *it)
{
    const an__item *x = g->item[it->input[0]];
    char a[96];
    it->dtype = x->dtype;
    it->shape = x->shape;
    if (!an__axis(&it->attr.axis, x->shape.rank))
        return an__bad(g, "%s: no axis %lld in %s", it->op->name, (long long)it->attr.axis, an_shape_text(&x->shape, a));
    int axis = (int)it->attr.axis;
    it->shape.dim[axis] = 1;
    if (!it->attr.keep) {
        for (int i = axis; i < it->shape.rank - 1; i++) it->shape.dim[i] = it->shape.dim[i + 1];
        it->shape.dim[--it->shape.rank] = 0;
    }
    return true;
}

static an_node reduce(const an_op *op, an_node a, int axis, bool keep)
{
    an_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.axis = axis;
    attr.keep = keep;
    return an__make(a.graph, op, &a, 1, &attr, AN_F32, NULL);
}

an_node an_sum_axis(an_node a, int axis, bool keep)
{
    return reduce(&an__op_sum_axis, a, axis, keep);
}

an_node an_max_axis(an_node a, int axis, bool keep)
{
    return reduce(&an__op_max_axis, a, axis, keep);
}

an_node an_mean_axis(an_node a, int axis, bool keep)
{
    return reduce(&an__op_mean_axis, a, axis, keep);
}

/* The elements as one axis; false where the number is no integer or multiple of the batch. */
static an_node flat(an_node a)
{
    an_shape s = an_node_shape(a), to = { 1, { 1 } };
    int64_t c, d;
    int power;
    if (a.id < 0 || !an__shape_count(&s, &c, &d, &power) || power > 1 || d > 0xffff) return an__broken(a.graph);
    to.dim[0] = power == 0 ? c : AN_BATCH_TIMES(c, d);
    return an_reshape(a, to);
}

static an_node over_all(const an_op *op, an_node a)
{
    if (a.id < 0) return a;
    an_shape s = an_node_shape(a);
    int64_t c, d;
    int power;
    if (an__shape_count(&s, &c, &d, &power) && power <= 1) return reduce(op, flat(a), 0, false);
    for (int i = an_node_shape(a).rank; i > 0; i--) a = reduce(op, a, -1, false);
    return a;
}

an_node an_sum(an_node a)
{
    return over_all(&an__op_sum_axis, a);
}

an_node an_mean(an_node a)
{
    return over_all(&an__op_mean_axis, a);
}

an_node an_row_norm(an_node a)
{
    return an_sqrt(an_add_scalar(an_sum_axis(an_square(a), -1, true), 1e-12));
}

an_node an_softmax(an_node a)
{
    an_node e = an_exp(an_sub(a, an_stop(an_max_axis(a, -1, true)))); /* shifting changes nothing, so neither does its gradient */
    return an_div(e, an_sum_axis(e, -1, true));
}

/* ---- gradients ----------------------------------------------------------------------------------------------------------------- */

static an_node kept(const an__item *it, an_node reduced, an_node x)
{
    an_shape s = an_node_shape(x);
    s.dim[it->attr.axis] = 1;
    return an_reshape(reduced, s);
}

static void sum_gradient(const an__grad *r)
{
    r->dx[0] = an_broadcast(kept(r->it, r->dy, r->x[0]), an_node_shape(r->x[0]));
}

static void mean_gradient(const an__grad *r)
{
    an_shape s = an_node_shape(r->x[0]);
    an_node n = an__extent(r->dy.graph, r->it->dtype, s.dim[r->it->attr.axis]);
    r->dx[0] = an_broadcast(kept(r->it, an_div(r->dy, n), r->x[0]), s);
}

/* equal maxima share */
static void max_gradient(const an__grad *r)
{
    an_node mask = an_equal(r->x[0], kept(r->it, r->y, r->x[0]));
    an_node share = an_div(mask, an_sum_axis(mask, (int)r->it->attr.axis, true));
    r->dx[0] = an_mul(share, kept(r->it, r->dy, r->x[0]));
}

static an_node reduce_simplify(an_graph *g, const an__item *it, const an_node *x)
{
    return an_node_shape(x[0]).dim[it->attr.axis] == 1 ? an_reshape(x[0], it->shape) : an__broken(g);
}

/* A sum divided by an extent that is computed once a run, so that the division fuses with what follows. */
static an_node mean_simplify(an_graph *g, const an__item *it, const an_node *x)
{
    int64_t n = an_node_shape(x[0]).dim[it->attr.axis];
    if (n == 1) return an_reshape(x[0], it->shape);
    return an_div(an_sum_axis(x[0], (int)it->attr.axis, it->attr.keep), an__extent(g, it->dtype, n));
}

/* ---- kernels --------------------------------------------------------------------------------------------------------------------- */

static void sizes(const an__call *c, int64_t *outer, int64_t *n, int64_t *inner)
{
    int axis = (int)c->item->attr.axis;
    *outer = *inner = 1;
    for (int i = 0; i < axis; i++) *outer *= c->in[0].shape.dim[i];
    *n = c->in[0].shape.dim[axis];
    for (int i = axis + 1; i < c->in[0].shape.rank; i++) *inner *= c->in[0].shape.dim[i];
}

static void sum_cpu(const an__call *c)
{
    int64_t outer, n, inner;
    sizes(c, &outer, &n, &inner);
    c->kernels->sum(c->out.dtype, c->in[0].data, outer, n, inner, c->out.data);
}

static void max_cpu(const an__call *c)
{
    int64_t outer, n, inner;
    sizes(c, &outer, &n, &inner);
    c->kernels->max(c->out.dtype, c->in[0].data, outer, n, inner, c->out.data);
}

static void mean_cpu(const an__call *c)
{
    int64_t outer, n, inner;
    sum_cpu(c);
    sizes(c, &outer, &n, &inner);
    for (int64_t i = 0; i < outer * inner; i++)
        if (c->out.dtype == AN_F32)
            ((float *)c->out.data)[i] /= (float)n;
        else
            ((double *)c->out.data)[i] /= (double)n;
}

/* ---- rows --------------------------------------------------------------------------------------------------------------------------- */

static const an_param attributes[] = {
    { "axis", AN_PARAM_INT, offsetof(an_attr, axis), 0, 0, AN_MAX_RANK - 1, false, NULL, NULL, "the axis reduced" },
    { "keep", AN_PARAM_BOOL, offsetof(an_attr, keep), 0, 0, 1, false, NULL, NULL, "leave a dimension of 1" },
    AN_PARAM_END,
};
#define ROW(row_name, ...)                                                  \
    const an_op an__op_##row_name = { .name = #row_name,                    \
                                      .flags = AN_OP_GRADIENT | AN_OP_ONNX, \
                                      .dtypes = AN__F,                      \
                                      .inputs = 1,                          \
                                      .attributes = attributes,             \
                                      .shape = reduce_shape,                \
                                      __VA_ARGS__ }

ROW(sum_axis, .gradient = sum_gradient, .simplify = reduce_simplify, .cpu = sum_cpu, .onnx = an__onnx_reduce_sum);
ROW(max_axis, .gradient = max_gradient, .simplify = reduce_simplify, .cpu = max_cpu, .onnx = an__onnx_reduce, .onnx_type = "ReduceMax");
ROW(mean_axis, .gradient = mean_gradient, .simplify = mean_simplify, .cpu = mean_cpu, .onnx = an__onnx_reduce, .onnx_type = "ReduceMean");
