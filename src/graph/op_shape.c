/* op_shape.c - rows that move elements without computing: reshape, transpose, broadcast, concat, slice, gather, scatter. */
#include "graph/op.h"

/* ---- copying n-dimensional views ------------------------------------------------------------------------------------------- */

/* out (contiguous, shape s) := the elements of `in` at strides `stride` (in elements; 0 repeats) */
static void copy_view(void *out, const void *in, const an_shape *s, const int64_t *stride, size_t bytes)
{
    int64_t dim[AN_MAX_RANK + 1], step[AN_MAX_RANK + 1], at[AN_MAX_RANK + 1] = { 0 };
    int rank = 0;
    for (int i = 0; i < s->rank; i++) { /* join dimensions that lie one in the other */
        if (s->dim[i] == 0) return;
        if (s->dim[i] == 1) continue;
        if (rank > 0 && step[rank - 1] == stride[i] * s->dim[i]) {
            dim[rank - 1] *= s->dim[i];
            step[rank - 1] = stride[i];
        } else {
            dim[rank] = s->dim[i];
            step[rank++] = stride[i];
        }
    }
    if (rank == 0) {
        memcpy(out, in, bytes);
        return;
    }
    int64_t n = dim[rank - 1], by = step[rank - 1];
    char *to = out;
    for (;;) {
        int64_t from = 0;
        for (int i = 0; i < rank - 1; i++) from += at[i] * step[i];
        const char *src = (const char *)in + from * (int64_t)bytes;
        if (by == 1) {
            memcpy(to, src, (size_t)n * bytes);
        } else if (bytes == 4) {
            for (int64_t i = 0; i < n; i++) memcpy(to + i * 4, src + i * by * 4, 4);
        } else {
            for (int64_t i = 0; i < n; i++) memcpy(to + i * 8, src + i * by * 8, 8);
        }
        to += n * (int64_t)bytes;
        int i = rank - 2;
        while (i >= 0 && ++at[i] == dim[i]) at[i--] = 0;
        if (i < 0) return;
    }
}

static void strides_of(const an_shape *s, int64_t *stride)
{
    int64_t n = 1;
    for (int i = s->rank - 1; i >= 0; i--) {
        stride[i] = n;
        n *= s->dim[i];
    }
}

/* ---- reshape ------------------------------------------------------------------------------------------------------------------ */

static bool reshape_shape(an_graph *g, an__item *it)
{
    const an__item *x = g->item[it->input[0]];
    int64_t c[2], d[2];
    int p[2];
    char a[96], b[96];
    it->dtype = x->dtype;
    if (!an__shape_check(g, "reshape", &it->shape, true)) return false;
    an__shape_count(&x->shape, &c[0], &d[0], &p[0]);
    an__shape_count(&it->shape, &c[1], &d[1], &p[1]);
    if (c[0] != c[1] || d[0] != d[1] || p[0] != p[1])
        return an__bad(g, "reshape: %s has not as many elements as %s", an_shape_text(&x->shape, a), an_shape_text(&it->shape, b));
    return true;
}

static void reshape_gradient(const an__grad *r)
{
    r->dx[0] = an_reshape(r->dy, an_node_shape(r->x[0]));
}

static an_node reshape_simplify(an_graph *g, const an__item *it, const an_node *x)
{
    const an__item *a = an__item_of(x[0]);
    double v;
    if (an__shape_same(&it->shape, &a->shape)) return x[0];
    if (a->op == &an__op_reshape) return an_reshape((an_node){ g, a->input[0] }, it->shape);
    if (a->op == &an__op_broadcast && an__uniform_value(x[0], &v)) return an__filled(g, it->dtype, &it->shape, v);
    return an__broken(g);
}

static void copy_cpu(const an__call *c)
{
    memcpy(c->out.data, c->in[0].data, (size_t)c->out.count * an_dtype_bytes(c->out.dtype));
}

static bool reshape_view(const an__item *it, const an__item *x)
{
    (void)it;
    (void)x;
    return true;
}

an_node an_reshape(an_node a, an_shape shape)
{
    return an__make(a.graph, &an__op_reshape, &a, 1, NULL, AN_F32, &shape);
}

/* ---- transpose --------------------------------------------------------------------------------------------------------------------- */

static int order_of(const an__item *it, int *order)
{
    int64_t code = it->attr.order;
    for (int i = it->shape.rank - 1; i >= 0; i--, code /= 10) order[i] = (int)(code % 10) - 1;
    return it->shape.rank;
}

static bool transpose_shape(an_graph *g, an__item *it)
{
    const an__item *x = g->item[it->input[0]];
    int order[AN_MAX_RANK];
    unsigned seen = 0;
    it->dtype = x->dtype;
    it->shape = x->shape;
    order_of(it, order);
    for (int i = 0; i < x->shape.rank; i++) {
        if (order[i] < 0 || order[i] >= x->shape.rank || seen >> order[i] & 1)
            return an__bad(g, "transpose: the order is no permutation of %d axes", x->shape.rank);
        seen |= 1u << order[i];
        it->shape.dim[i] = x->shape.dim[order[i]];
    }
    return true;
}

static void transpose_gradient(const an__grad *r)
{
    int order[AN_MAX_RANK], inverse[AN_MAX_RANK] = { 0 };
    int rank = order_of(r->it, order);
    for (int i = 0; i < rank; i++) inverse[order[i]] = i;
    r->dx[0] = an_transpose(r->dy, inverse);
}

static an_node transpose_simplify(an_graph *g, const an__item *it, const an_node *x)
{
    const an__item *a = an__item_of(x[0]);
    int order[AN_MAX_RANK], inner[AN_MAX_RANK];
    int rank = order_of(it, order);
    double v;
    bool same = true;
    for (int i = 0; i < rank; i++) same = same && order[i] == i;
    if (same) return x[0];
    if (a->op == &an__op_transpose) {
        order_of(a, inner);
        for (int i = 0; i < rank; i++) order[i] = inner[order[i]];
        an_node source = { g, a->input[0] };
        for (int i = 0; i < rank; i++)
            if (order[i] != i) return an_transpose(source, order);
        return source;
    }
    if (a->op == &an__op_broadcast && an__uniform_value(x[0], &v)) return an__filled(g, it->dtype, &it->shape, v);
    return an__broken(g);
}

/* only dimensions of 1 change places */
static bool transpose_view(const an__item *it, const an__item *x)
{
    int order[AN_MAX_RANK], last = -1;
    int rank = order_of(it, order);
    for (int i = 0; i < rank; i++) {
        if (x->shape.dim[order[i]] == 1) continue;
        if (order[i] < last) return false;
        last = order[i];
    }
    return true;
}

static void transpose_cpu(const an__call *c)
{
    int order[AN_MAX_RANK];
    int64_t stride[AN_MAX_RANK] = { 0 }, to[AN_MAX_RANK] = { 0 };
    int rank = order_of(c->item, order);
    if (rank == 2 && order[0] == 1 && c->out.dtype != AN_I64) {
        const int64_t *d = c->in[0].shape.dim;
        c->kernels->transpose(c->out.dtype, c->in[0].data, d[0], d[1], d[1], c->out.data, d[0]);
        return;
    }
    strides_of(&c->in[0].shape, stride);
    for (int i = 0; i < rank; i++) to[i] = stride[order[i]];
    copy_view(c->out.data, c->in[0].data, &c->out.shape, to, an_dtype_bytes(c->out.dtype));
}

an_node an_transpose(an_node a, const int *order)
{
    an_attr attr;
    memset(&attr, 0, sizeof attr);
    for (int i = 0; i < an_node_shape(a).rank; i++)
        attr.order = attr.order * 10 + (order[i] >= 0 && order[i] < AN_MAX_RANK ? order[i] + 1 : 0);
    return an__make(a.graph, &an__op_transpose, &a, 1, &attr, AN_F32, NULL);
}

/* ---- broadcast ----------------------------------------------------------------------------------------------------------------------- */

static bool broadcast_shape(an_graph *g, an__item *it)
{
    const an__item *x = g->item[it->input[0]];
    char a[96], b[96];
    it->dtype = x->dtype;
    if (!an__shape_check(g, "broadcast", &it->shape, true)) return false;
    if (!an__shape_fits(&x->shape, &it->shape))
        return an__bad(g, "broadcast: %s does not broadcast to %s", an_shape_text(&x->shape, a), an_shape_text(&it->shape, b));
    return true;
}

static void broadcast_gradient(const an__grad *r)
{
    an_shape s = an_node_shape(r->x[0]);
    r->dx[0] = an__unbroadcast(r->dy, &s);
}

static an_node broadcast_simplify(an_graph *g, const an__item *it, const an_node *x)
{
    const an__item *a = an__item_of(x[0]);
    if (an__shape_same(&it->shape, &a->shape)) return x[0];
    if (a->op == &an__op_broadcast) return an_broadcast((an_node){ g, a->input[0] }, it->shape);
    return an__broken(g);
}

static bool broadcast_view(const an__item *it, const an__item *x)
{
    for (int i = 1; i <= it->shape.rank; i++)
        if (it->shape.dim[it->shape.rank - i] != (i <= x->shape.rank ? x->shape.dim[x->shape.rank - i] : 1)) return false;
    return true;
}

static void broadcast_cpu(const an__call *c)
{
    int64_t stride[AN_MAX_RANK] = { 0 }, from[AN_MAX_RANK] = { 0 };
    int lead = c->out.shape.rank - c->in[0].shape.rank;
    strides_of(&c->in[0].shape, from);
    for (int i = lead; i < c->out.shape.rank; i++) stride[i] = c->in[0].shape.dim[i - lead] == c->out.shape.dim[i] ? from[i - lead] : 0;
    copy_view(c->out.data, c->in[0].data, &c->out.shape, stride, an_dtype_bytes(c->out.dtype));
}

an_node an_broadcast(an_node a, an_shape shape)
{
    return an__make(a.graph, &an__op_broadcast, &a, 1, NULL, AN_F32, &shape);
}

/* ---- concat and slice ---------------------------------------------------------------------------------------------------------------- */

static bool concat_shape(an_graph *g, an__item *it)
{
    const an__item *first = g->item[it->input[0]];
    char a[96], b[96];
    it->dtype = first->dtype;
    it->shape = first->shape;
    if (!an__axis(&it->attr.axis, it->shape.rank))
        return an__bad(g, "concat: no axis %lld in %s", (long long)it->attr.axis, an_shape_text(&it->shape, a));
    for (int i = 1; i < it->inputs; i++) {
        const an__item *x = g->item[it->input[i]];
        bool ok = x->dtype == it->dtype && x->shape.rank == it->shape.rank;
        for (int d = 0; ok && d < it->shape.rank; d++)
            ok = d == it->attr.axis ? an__dim_add(it->shape.dim[d], x->shape.dim[d], &it->shape.dim[d])
                                    : it->shape.dim[d] == x->shape.dim[d];
        if (!ok)
            return an__bad(g, "concat: %s %s does not join %s %s along axis %lld", an_dtype_name(x->dtype), an_shape_text(&x->shape, a),
                           an_dtype_name(first->dtype), an_shape_text(&first->shape, b), (long long)it->attr.axis);
    }
    return true;
}

static void concat_gradient(const an__grad *r)
{
    int64_t start = 0;
    for (int i = 0; i < r->it->inputs; i++) {
        int64_t length = an_node_shape(r->x[i]).dim[r->it->attr.axis];
        if (r->wants[i]) r->dx[i] = an_slice(r->dy, (int)r->it->attr.axis, start, length);
        an__dim_add(start, length, &start);
    }
}

static an_node concat_simplify(an_graph *g, const an__item *it, const an_node *x)
{
    if (it->inputs == 1) return x[0];
    double v, w;
    if (!an__uniform_value(x[0], &v)) return an__broken(g);
    for (int i = 1; i < it->inputs; i++)
        if (!an__uniform_value(x[i], &w) || w != v) return an__broken(g);
    return an__filled(g, it->dtype, &it->shape, v);
}

static void concat_cpu(const an__call *c)
{
    int axis = (int)c->item->attr.axis;
    int64_t outer = 1, inner = (int64_t)an_dtype_bytes(c->out.dtype), at = 0;
    for (int i = 0; i < axis; i++) outer *= c->out.shape.dim[i];
    for (int i = axis + 1; i < c->out.shape.rank; i++) inner *= c->out.shape.dim[i];
    int64_t stride = c->out.shape.dim[axis] * inner;
    for (int p = 0; p < c->inputs; p++) {
        int64_t bytes = c->in[p].shape.dim[axis] * inner;
        if (p >= 64 || (c->skip >> p & 1) == 0)
            for (int64_t o = 0; o < outer; o++)
                memcpy((char *)c->out.data + o * stride + at, (const char *)c->in[p].data + o * bytes, (size_t)bytes);
        at += bytes;
    }
}

an_node an_concat(const an_node *parts, int count, int axis)
{
    an_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.axis = axis;
    return an__make(an__graph_of(parts, count), &an__op_concat, parts, count, &attr, AN_F32, NULL);
}

static bool slice_shape(an_graph *g, an__item *it)
{
    const an__item *x = g->item[it->input[0]];
    char a[96], s[32], l[32];
    int64_t end, rest;
    it->dtype = x->dtype;
    it->shape = x->shape;
    if (!an__axis(&it->attr.axis, it->shape.rank))
        return an__bad(g, "slice: no axis %lld in %s", (long long)it->attr.axis, an_shape_text(&x->shape, a));
    it->attr.start = an__dim_reduced(it->attr.start);
    it->attr.length = an__dim_reduced(it->attr.length);
    if (!an__dim_add(it->attr.start, it->attr.length, &end) || !an__dim_sub(x->shape.dim[it->attr.axis], end, &rest))
        return an__bad(g, "slice: %s from %s on is not within axis %lld of %s", an__dim_text(it->attr.length, l),
                       an__dim_text(it->attr.start, s), (long long)it->attr.axis, an_shape_text(&x->shape, a));
    it->shape.dim[it->attr.axis] = it->attr.length;
    return true;
}

static void slice_gradient(const an__grad *r)
{
    an_graph *g = r->dy.graph;
    int axis = (int)r->it->attr.axis, n = 0;
    an_shape s = an_node_shape(r->x[0]);
    int64_t end, rest;
    an_node part[3];
    an__dim_add(r->it->attr.start, r->it->attr.length, &end);
    an__dim_sub(s.dim[axis], end, &rest);
    if (r->it->attr.start != 0) {
        s.dim[axis] = r->it->attr.start;
        part[n++] = an__filled(g, r->it->dtype, &s, 0);
    }
    part[n++] = r->dy;
    if (rest != 0) {
        s.dim[axis] = rest;
        part[n++] = an__filled(g, r->it->dtype, &s, 0);
    }
    r->dx[0] = n == 1 ? part[0] : an_concat(part, n, axis);
}

static an_node slice_simplify(an_graph *g, const an__item *it, const an_node *x)
{
    const an__item *a = an__item_of(x[0]);
    int64_t axis = it->attr.axis, start = 0;
    double v;
    if (an__shape_same(&it->shape, &a->shape)) return x[0];
    if (a->op == &an__op_broadcast && an__uniform_value(x[0], &v)) return an__filled(g, it->dtype, &it->shape, v);
    if (a->op == &an__op_slice && a->attr.axis == axis && an__dim_add(a->attr.start, it->attr.start, &start))
        return an_slice((an_node){ g, a->input[0] }, (int)axis, start, it->attr.length);
    start = 0;
    for (int i = 0; a->op == &an__op_concat && a->attr.axis == axis && i < a->inputs; i++) { /* exactly one of the parts */
        int64_t length = g->item[a->input[i]]->shape.dim[axis];
        if (start == it->attr.start && length == it->attr.length) return (an_node){ g, a->input[i] };
        an__dim_add(start, length, &start);
    }
    return an__broken(g);
}

static bool slice_view(const an__item *it, const an__item *x)
{
    for (int i = 0; i < it->attr.axis; i++)
        if (x->shape.dim[i] != 1) return false;
    return true;
}

static void slice_cpu(const an__call *c)
{
    int64_t stride[AN_MAX_RANK] = { 0 };
    size_t es = an_dtype_bytes(c->out.dtype);
    strides_of(&c->in[0].shape, stride);
    int64_t from = an_dim_at(c->item->attr.start, c->rows) * stride[c->item->attr.axis];
    copy_view(c->out.data, (const char *)c->in[0].data + from * (int64_t)es, &c->out.shape, stride, es);
}

an_node an_slice(an_node a, int axis, int64_t start, int64_t length)
{
    an_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.axis = axis;
    attr.start = start;
    attr.length = length;
    return an__make(a.graph, &an__op_slice, &a, 1, &attr, AN_F32, NULL);
}

/* ---- gather and scatter -------------------------------------------------------------------------------------------------------------- */

static bool gather_shape(an_graph *g, an__item *it)
{
    const an__item *x = g->item[it->input[0]], *index = g->item[it->input[1]];
    char a[96], b[96];
    if (x->shape.rank != 2 || index->shape.rank != 1 || index->dtype != AN_I64)
        return an__bad(g, "gather: rows of a rank-2 table by a rank-1 i64 index, not of %s by %s %s", an_shape_text(&x->shape, a),
                       an_dtype_name(index->dtype), an_shape_text(&index->shape, b));
    it->dtype = x->dtype;
    it->shape = (an_shape){ 2, { index->shape.dim[0], x->shape.dim[1] } };
    return true;
}

static void gather_gradient(const an__grad *r)
{
    int64_t rows = an_node_shape(r->x[0]).dim[0];
    if (r->wants[0]) r->dx[0] = an_scatter_add(r->dy, r->x[1], rows);
}

/* an index outside the table gives a row of zeros */
static void gather_cpu(const an__call *c)
{
    const int64_t *index = c->in[1].data;
    int64_t n = c->in[0].shape.dim[0], m = c->out.shape.dim[0];
    size_t bytes = (size_t)c->in[0].shape.dim[1] * an_dtype_bytes(c->out.dtype);
    for (int64_t i = 0; i < m; i++) {
        char *to = (char *)c->out.data + (size_t)i * bytes;
        if (index[i] >= 0 && index[i] < n)
            memcpy(to, (const char *)c->in[0].data + (size_t)index[i] * bytes, bytes);
        else
            memset(to, 0, bytes);
    }
}

an_node an_gather(an_node table, an_node index)
{
    an_node x[] = { table, index };
    return an__make(an__graph_of(x, 2), &an__op_gather, x, 2, NULL, AN_F32, NULL);
}

static bool scatter_shape(an_graph *g, an__item *it)
{
    const an__item *x = g->item[it->input[0]], *index = g->item[it->input[1]];
    char a[96], b[96];
    if (x->shape.rank != 2 || index->shape.rank != 1 || index->dtype != AN_I64 || x->shape.dim[0] != index->shape.dim[0])
        return an__bad(g, "scatter_add: rows %s and index %s %s do not belong together", an_shape_text(&x->shape, a),
                       an_dtype_name(index->dtype), an_shape_text(&index->shape, b));
    it->dtype = x->dtype;
    it->shape = (an_shape){ 2, { it->attr.extent, x->shape.dim[1] } };
    return true;
}

static void scatter_gradient(const an__grad *r)
{
    if (r->wants[0]) r->dx[0] = an_gather(r->dy, r->x[1]);
}

static void scatter_cpu(const an__call *c)
{
    const int64_t *index = c->in[1].data;
    int64_t n = c->out.shape.dim[0], d = c->out.shape.dim[1];
    memset(c->out.data, 0, (size_t)c->out.count * an_dtype_bytes(c->out.dtype));
    for (int64_t i = 0; i < c->in[1].count; i++) {
        if (index[i] < 0 || index[i] >= n) continue;
        if (c->out.dtype == AN_F32) {
            float *to = (float *)c->out.data + index[i] * d;
            const float *from = (const float *)c->in[0].data + i * d;
            for (int64_t j = 0; j < d; j++) to[j] += from[j];
        } else {
            double *to = (double *)c->out.data + index[i] * d;
            const double *from = (const double *)c->in[0].data + i * d;
            for (int64_t j = 0; j < d; j++) to[j] += from[j];
        }
    }
}

an_node an_scatter_add(an_node values, an_node index, int64_t rows)
{
    an_node x[] = { values, index };
    an_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.extent = rows;
    return an__make(an__graph_of(x, 2), &an__op_scatter_add, x, 2, &attr, AN_F32, NULL);
}

/* ---- rows ---------------------------------------------------------------------------------------------------------------------------- */

#define WHOLE(field, name, doc)                                                              \
    {                                                                                        \
        name, AN_PARAM_INT, offsetof(an_attr, field), 0, -9e18, 9e18, false, NULL, NULL, doc \
    }
static const an_param order[] = { WHOLE(order, "order", "the axes, counted from 1, one digit each"), AN_PARAM_END };
static const an_param axis[] = { WHOLE(axis, "axis", "the axis joined along"), AN_PARAM_END };
static const an_param part[] = { WHOLE(axis, "axis", "the axis cut"), WHOLE(start, "start", "first element"),
                                 WHOLE(length, "length", "elements kept"), AN_PARAM_END };
static const an_param extent[] = { WHOLE(extent, "rows", "rows of the result"), AN_PARAM_END };

#define ROW(row_name, row_inputs, row_flags, row_dtypes, ...) \
    const an_op an__op_##row_name = { .name = #row_name, .flags = (row_flags), .dtypes = row_dtypes, .inputs = row_inputs, __VA_ARGS__ }

ROW(reshape, 1, AN_OP_GRADIENT | AN_OP_ONNX, AN__F | AN__I, .shape = reshape_shape, .gradient = reshape_gradient,
    .simplify = reshape_simplify, .cpu = copy_cpu, .view = reshape_view, .onnx = an__onnx_reshape);
ROW(transpose, 1, AN_OP_GRADIENT | AN_OP_ONNX, AN__F | AN__I, .attributes = order, .shape = transpose_shape, .gradient = transpose_gradient,
    .simplify = transpose_simplify, .cpu = transpose_cpu, .view = transpose_view, .onnx = an__onnx_transpose);
ROW(broadcast, 1, AN_OP_GRADIENT | AN_OP_ONNX, AN__F | AN__I, .shape = broadcast_shape, .gradient = broadcast_gradient,
    .simplify = broadcast_simplify, .chain = 1 + AN_CHAIN_copy, .cpu = broadcast_cpu, .view = broadcast_view, .onnx = an__onnx_broadcast);
ROW(concat, -1, AN_OP_GRADIENT | AN_OP_ONNX | AN__OP_JOINS, AN__F | AN__I, .attributes = axis, .shape = concat_shape,
    .gradient = concat_gradient, .simplify = concat_simplify, .cpu = concat_cpu, .onnx = an__onnx_concat);
ROW(slice, 1, AN_OP_GRADIENT | AN_OP_ONNX, AN__F | AN__I, .attributes = part, .shape = slice_shape, .gradient = slice_gradient,
    .simplify = slice_simplify, .cpu = slice_cpu, .view = slice_view, .onnx = an__onnx_slice);
ROW(gather, 2, AN_OP_GRADIENT | AN_OP_ONNX, AN__F | AN__I, .shape = gather_shape, .gradient = gather_gradient, .cpu = gather_cpu,
    .onnx = an__onnx_gather);
ROW(scatter_add, 2, AN_OP_GRADIENT, AN__F, .attributes = extent, .shape = scatter_shape, .gradient = scatter_gradient, .cpu = scatter_cpu);
