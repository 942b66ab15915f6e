/* op_category.c - rows over categories: text to codes, codes to one-hot columns. */
#include "graph/op.h"

static bool lookup_shape(an_graph *g, an__item *it)
{
    it->dtype = AN_I64;
    it->shape = g->item[it->input[0]]->shape;
    return true;
}

/* Texts travel as codes of this very dictionary; what is no code of it is unknown. */
static void lookup_cpu(const an__call *c)
{
    const int64_t *in = c->in[0].data;
    int64_t *out = c->out.data, n = (int64_t)c->item->names.count;
    for (int64_t i = 0; i < c->out.count; i++) out[i] = in[i] >= 0 && in[i] < n ? in[i] : c->item->attr.otherwise;
}

an_node an_lookup(an_node text, const char *const *names, int count, int64_t otherwise)
{
    an_graph *g = text.graph;
    if (text.id < 0) return text;
    an_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.otherwise = otherwise;
    attr.nonce = g->count + 1; /* dictionaries are not compared before they are filled in */
    an_node n = an__make(g, &an__op_lookup, &text, 1, &attr, AN_I64, NULL);
    for (int i = 0; n.id >= 0 && i < count; i++) an_list_add(&an__item_of(n)->names, names[i]);
    return n;
}

static bool one_hot_shape(an_graph *g, an__item *it)
{
    const an__item *x = g->item[it->input[0]];
    char a[96];
    if (x->shape.rank != 2 || x->shape.dim[1] != 1) return an__bad(g, "one_hot: codes must be [n, 1], not %s", an_shape_text(&x->shape, a));
    if ((AN__F >> it->dtype & 1) == 0 || it->attr.extent < 0)
        return an__bad(g, "one_hot: %lld columns of %s", (long long)it->attr.extent, an_dtype_name(it->dtype));
    it->shape = (an_shape){ 2, { x->shape.dim[0], it->attr.extent } };
    return true;
}

static void one_hot_cpu(const an__call *c)
{
    const int64_t *code = c->in[0].data;
    int64_t rows = c->out.shape.dim[0], depth = c->out.shape.dim[1];
    memset(c->out.data, 0, (size_t)c->out.count * an_dtype_bytes(c->out.dtype));
    for (int64_t i = 0; i < rows; i++) {
        if (code[i] < 0 || code[i] >= depth) continue;
        if (c->out.dtype == AN_F32)
            ((float *)c->out.data)[i * depth + code[i]] = 1;
        else
            ((double *)c->out.data)[i * depth + code[i]] = 1;
    }
}

an_node an_one_hot(an_node codes, int64_t depth, an_dtype t)
{
    an_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.extent = depth;
    return an__make(codes.graph, &an__op_one_hot, &codes, 1, &attr, t, NULL);
}

static const an_param lookup_attributes[] = {
    { "otherwise", AN_PARAM_INT, offsetof(an_attr, otherwise), 0, -9e18, 9e18, false, NULL, NULL, "the code of unknown texts" },
    AN_PARAM_END,
};
static const an_param one_hot_attributes[] = {
    { "depth", AN_PARAM_INT, offsetof(an_attr, extent), 0, 0, 9e18, false, NULL, NULL, "how many columns" },
    AN_PARAM_END,
};
const an_op an__op_lookup = { .name = "lookup",
                              .flags = AN_OP_ONNX,
                              .dtypes = AN__S,
                              .inputs = 1,
                              .attributes = lookup_attributes,
                              .shape = lookup_shape,
                              .cpu = lookup_cpu,
                              .onnx = an__onnx_lookup };
const an_op an__op_one_hot = { .name = "one_hot",
                               .flags = AN_OP_ONNX,
                               .dtypes = AN__I,
                               .inputs = 1,
                               .attributes = one_hot_attributes,
                               .shape = one_hot_shape,
                               .cpu = one_hot_cpu,
                               .onnx = an__onnx_one_hot };
