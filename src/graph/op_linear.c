/* op_linear.c - matrix products: [m, k] x [k, n], either side transposed, leading dimensions broadcast as in NumPy. */
#include "graph/op.h"

static bool matmul_shape(an_graph *g, an__item *it)
{
    const an__item *a = g->item[it->input[0]], *b = g->item[it->input[1]];
    char x[96], y[96];
    int ra = a->shape.rank, rb = b->shape.rank;
    it->dtype = a->dtype;
    if (ra >= 2 && rb >= 2 && a->dtype == b->dtype) {
        bool ta = it->attr.transpose_a, tb = it->attr.transpose_b;
        an_shape lead_a = { ra - 2, { 0 } }, lead_b = { rb - 2, { 0 } };
        memcpy(lead_a.dim, a->shape.dim, sizeof a->shape.dim[0] * (size_t)(ra - 2));
        memcpy(lead_b.dim, b->shape.dim, sizeof b->shape.dim[0] * (size_t)(rb - 2));
        if (a->shape.dim[ta ? ra - 2 : ra - 1] == b->shape.dim[tb ? rb - 1 : rb - 2] && an__shape_broadcast(&lead_a, &lead_b, &it->shape)) {
            it->shape.dim[it->shape.rank++] = a->shape.dim[ta ? ra - 1 : ra - 2];
            it->shape.dim[it->shape.rank++] = b->shape.dim[tb ? rb - 2 : rb - 1];
            return true;
        }
    }
    return an__bad(g, "matmul: %s %s%s times %s %s%s", an_dtype_name(a->dtype), an_shape_text(&a->shape, x),
                   it->attr.transpose_a ? " transposed" : "", an_dtype_name(b->dtype), an_shape_text(&b->shape, y),
                   it->attr.transpose_b ? " transposed" : "");
}

/* Sums over leading dimensions that the product repeated. */
static an_node to_shape(an_node d, an_node x)
{
    an_shape s = an_node_shape(x);
    return an__unbroadcast(d, &s);
}

static void matmul_gradient(const an__grad *r)
{
    bool ta = r->it->attr.transpose_a, tb = r->it->attr.transpose_b;
    an_node a = r->x[0], b = r->x[1];
    if (r->wants[0]) r->dx[0] = to_shape(ta ? an_matmul_t(b, tb, r->dy, true) : an_matmul_t(r->dy, false, b, !tb), a);
    if (r->wants[1]) r->dx[1] = to_shape(tb ? an_matmul_t(r->dy, true, a, ta) : an_matmul_t(a, !ta, r->dy, false), b);
}

/* the input of a transpose of the last two axes; broken when it is none */
static an_node untransposed(an_graph *g, an_node x)
{
    const an__item *it = an__item_of(x);
    if (it->op != &an__op_transpose) return an__broken(g);
    int64_t code = 0;
    for (int i = 0; i < it->shape.rank - 2; i++) code = code * 10 + i + 1;
    code = (code * 10 + it->shape.rank) * 10 + it->shape.rank - 1;
    return it->attr.order == code ? (an_node){ g, it->input[0] } : an__broken(g);
}

static an_node matmul_simplify(an_graph *g, const an__item *it, const an_node *x)
{
    bool ta = it->attr.transpose_a, tb = it->attr.transpose_b;
    an_node a = untransposed(g, x[0]), b = untransposed(g, x[1]);
    if (a.id >= 0 || b.id >= 0) return an_matmul_t(a.id >= 0 ? a : x[0], a.id >= 0 ? !ta : ta, b.id >= 0 ? b : x[1], b.id >= 0 ? !tb : tb);
    an_shape sa = an_node_shape(x[0]), sb = an_node_shape(x[1]);
    if (sa.rank == 2 && sb.rank == 2 && sa.dim[ta ? 0 : 1] == 1) /* an outer product fuses with its neighbours */
        return an_mul(an_reshape(x[0], (an_shape){ 2, { it->shape.dim[0], 1 } }),
                      an_reshape(x[1], (an_shape){ 2, { 1, it->shape.dim[1] } }));
    return an__broken(g);
}

an_node an_matmul_t(an_node a, bool transpose_a, an_node b, bool transpose_b)
{
    an_node x[] = { a, b };
    an_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.transpose_a = transpose_a;
    attr.transpose_b = transpose_b;
    return an__make(an__graph_of(x, 2), &an__op_matmul, x, 2, &attr, AN_F32, NULL);
}

an_node an_matmul(an_node a, an_node b)
{
    return an_matmul_t(a, false, b, false);
}

/* ---- kernel --------------------------------------------------------------------------------------------------------------------- */

enum { PIECES = 8 };             /* of a large product, for threads */
#define LARGE (INT64_C(1) << 21) /* multiply-adds from which a product is worth handing to other threads */

static an_gemm gemm_of(const an__call *c)
{
    const an_attr *t = &c->item->attr;
    const an_shape *a = &c->in[0].shape, *b = &c->in[1].shape;
    const an__epilogue *e = c->epilogue;
    an_gemm g = {
        .ta = t->transpose_a,
        .tb = t->transpose_b,
        .m = c->out.shape.dim[c->out.shape.rank - 2],
        .n = c->out.shape.dim[c->out.shape.rank - 1],
        .k = a->dim[t->transpose_a ? a->rank - 2 : a->rank - 1],
        .lda = a->dim[a->rank - 1],
        .ldb = b->dim[b->rank - 1],
        .a = c->in[0].data,
        .b = c->in[1].data,
        .c = c->out.data,
        .scratch = c->scratch,
    };
    g.ldc = g.n;
    if (e != NULL) {
        g.accumulate = e->accumulate != 0;
        g.bias = e->bias ? c->in[e->bias].data : NULL;
        g.leaky = e->leaky;
        g.slope = e->slope;
        g.times = e->times ? c->in[e->times].data : NULL;
    }
    return g;
}

static int pieces(const an_gemm *g)
{
    return g->m >= 64 && g->m * g->n * g->k >= LARGE ? PIECES : 1;
}

static an_gemm piece_of(const an_gemm *g, int64_t from, int64_t to, size_t es)
{
    an_gemm p = *g;
    p.m = to - from;
    p.a = (const char *)g->a + (size_t)(g->ta ? from : from * g->lda) * es;
    p.c = (char *)g->c + (size_t)(from * g->ldc) * es;
    if (g->times != NULL) p.times = (const char *)g->times + (size_t)(from * g->ldc) * es;
    return p;
}

static size_t matmul_scratch(const an__call *c)
{
    an_gemm g = gemm_of(c);
    size_t one = c->kernels->gemm_scratch(c->out.dtype, g.m, g.n, g.k, g.ta, g.tb);
    int n = pieces(&g);
    if (n == 1) return one;
    int64_t most = (g.m + n - 1) / n;
    size_t part = 0;
    for (int64_t m = most; m > 0 && m >= most - 1; m--) {
        size_t s = c->kernels->gemm_scratch(c->out.dtype, m, g.n, g.k, g.ta, g.tb);
        part = s > part ? s : part;
    }
    part = (part + 63) / 64 * 64 * (size_t)n;
    return part > one ? part : one;
}

typedef struct split {
    const an__call *call;
    an_gemm gemm;
    int64_t count;
    size_t part; /* scratch bytes of one piece */
} split;

static void one_piece(void *context, size_t i, int worker)
{
    (void)worker;
    const split *s = context;
    int64_t m = s->gemm.m;
    an_gemm p = piece_of(&s->gemm, m * (int64_t)i / s->count, m * ((int64_t)i + 1) / s->count, an_dtype_bytes(s->call->out.dtype));
    p.scratch = (char *)s->gemm.scratch + s->part * i;
    uint64_t mode = an__float_mode_enter();
    s->call->kernels->gemm(s->call->out.dtype, &p);
    an__float_mode_leave(mode);
}

static void matmul_cpu(const an__call *c)
{
    an_gemm g = gemm_of(c);
    size_t es = an_dtype_bytes(c->out.dtype);
    int lead = c->out.shape.rank - 2;
    if (lead == 0) {
        if (c->pool != NULL && an_pool_threads(c->pool) > 1 && pieces(&g) > 1) {
            split s = { c, g, PIECES, c->scratch_bytes / PIECES / 64 * 64 };
            an_pool_each(c->pool, PIECES, one_piece, &s);
        } else {
            c->kernels->gemm(c->out.dtype, &g);
        }
        return;
    }
    int64_t count = 1;
    for (int i = 0; i < lead; i++) count *= c->out.shape.dim[i];
    int64_t each[2] = { c->in[0].shape.dim[c->in[0].shape.rank - 2] * g.lda, c->in[1].shape.dim[c->in[1].shape.rank - 2] * g.ldb };
    for (int64_t i = 0; i < count; i++) {
        int64_t at[2] = { 0, 0 }, step[2] = { 1, 1 }, left = i;
        for (int d = lead - 1; d >= 0; d--) {
            int64_t k = left % c->out.shape.dim[d];
            left /= c->out.shape.dim[d];
            for (int s = 0; s < 2; s++) {
                int e = d - (c->out.shape.rank - c->in[s].shape.rank);
                if (e < 0 || c->in[s].shape.dim[e] == 1) continue;
                at[s] += k * step[s];
                step[s] *= c->in[s].shape.dim[e];
            }
        }
        an_gemm p = g;
        p.a = (const char *)g.a + (size_t)(at[0] * each[0]) * es;
        p.b = (const char *)g.b + (size_t)(at[1] * each[1]) * es;
        p.c = (char *)g.c + (size_t)(i * g.m * g.n) * es;
        if (g.times != NULL) p.times = (const char *)g.times + (size_t)(i * g.m * g.n) * es;
        c->kernels->gemm(c->out.dtype, &p);
    }
}

static const an_param attributes[] = {
    { "transpose_a", AN_PARAM_BOOL, offsetof(an_attr, transpose_a), 0, 0, 1, false, NULL, NULL, "the left side is stored transposed" },
    { "transpose_b", AN_PARAM_BOOL, offsetof(an_attr, transpose_b), 0, 0, 1, false, NULL, NULL, "the right side is stored transposed" },
    AN_PARAM_END,
};
const an_op an__op_matmul = { .name = "matmul",
                              .flags = AN_OP_GRADIENT | AN_OP_ONNX | AN__OP_PRODUCT,
                              .dtypes = AN__F,
                              .inputs = 2,
                              .attributes = attributes,
                              .shape = matmul_shape,
                              .gradient = matmul_gradient,
                              .simplify = matmul_simplify,
                              .cpu = matmul_cpu,
                              .scratch = matmul_scratch,
                              .onnx = an__onnx_matmul };
