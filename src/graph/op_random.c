/* op_random.c - rows that draw: a draw is a function of (session seed, draw id, step, first_row + row, column) alone. */
#include "graph/op.h"

/* Row numbers count along axis 0; where that axis is a multiple of the batch, first_row is multiplied alike, so that chunks meet. */
static void dims(const an__call *c, uint64_t *first, int64_t *rows, int64_t *cols)
{
    const an_shape *s = &c->out.shape;
    int64_t lead = c->item->shape.rank > 0 ? c->item->shape.dim[0] : 1;
    int64_t at = lead < 0 ? an_dim_at(lead, (int64_t)c->first_row) : 0;
    *first = at > 0 ? (uint64_t)at : 0;
    *rows = s->rank > 0 ? s->dim[0] : 1;
    *cols = *rows > 0 ? c->out.count / *rows : 0;
}

static void uniform_cpu(const an__call *c)
{
    uint64_t first;
    int64_t rows, cols;
    dims(c, &first, &rows, &cols);
    c->kernels->uniform(c->out.dtype, c->key, c->step, first, rows, cols, c->out.data);
}

static void normal_cpu(const an__call *c)
{
    uint64_t first;
    int64_t rows, cols;
    dims(c, &first, &rows, &cols);
    c->kernels->normal(c->out.dtype, c->key, c->step, first, rows, cols, c->out.data);
}

static an_node draw(an_graph *g, const an_op *op, an_dtype t, an_shape shape)
{
    an_attr attr;
    memset(&attr, 0, sizeof attr);
    if ((op->dtypes >> t & 1) == 0) {
        an__bad(g, "%s: cannot be %s", op->name, an_dtype_name(t));
        return an__broken(g);
    }
    if (!an__shape_check(g, op->name, &shape, true)) return an__broken(g);
    attr.draw = g->draws++;
    return an__make(g, op, NULL, 0, &attr, t, &shape);
}

an_node an_random_uniform(an_graph *g, an_dtype t, an_shape shape)
{
    return draw(g, &an__op_random_uniform, t, shape);
}

an_node an_random_normal(an_graph *g, an_dtype t, an_shape shape)
{
    return draw(g, &an__op_random_normal, t, shape);
}

static const an_param attributes[] = {
    { "draw", AN_PARAM_INT, offsetof(an_attr, draw), 0, 0, 9e18, false, NULL, NULL, "which draw of the graph this is" },
    AN_PARAM_END,
};
const an_op an__op_random_uniform = {
    .name = "random_uniform", .flags = AN__OP_FIXED, .dtypes = AN__F, .attributes = attributes, .cpu = uniform_cpu
};
const an_op an__op_random_normal = {
    .name = "random_normal", .flags = AN__OP_FIXED, .dtypes = AN__F, .attributes = attributes, .cpu = normal_cpu
};
