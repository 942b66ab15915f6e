/* graph.c - building: nodes, the first error, leaves (inputs, parameters, constants), merging of equal nodes. Rows of leaves. */
#include "graph/op.h"

#include <stdlib.h>

an_graph *an_graph_new(void)
{
    return an_alloc(sizeof(an_graph));
}

static void item_free(an__item *it)
{
    free(it->input);
    free(it->name);
    free(it->data);
    an_list_free(&it->names);
    free(it);
}

void an_graph_free(an_graph *g)
{
    if (g == NULL) return;
    for (int32_t i = 0; i < g->count; i++) item_free(g->item[i]);
    free(g->item);
    free(g->bucket);
    free(g);
}

bool an__bad(an_graph *g, const char *format, ...)
{
    if (g == NULL || g->error.code != AN_OK) return false;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return an_fail(&g->error, AN_FAILED, "%s", text);
}

bool an_graph_error(const an_graph *g, an_error *err)
{
    if (g->error.code == AN_OK) return false;
    if (err != NULL) *err = g->error;
    return true;
}

an_shape an_node_shape(an_node n)
{
    return n.id < 0 ? (an_shape){ 0, { 0 } } : an__item_of(n)->shape;
}

an_dtype an_node_dtype(an_node n)
{
    return n.id < 0 ? AN_F32 : an__item_of(n)->dtype;
}

an_graph *an__graph_of(const an_node *x, int count)
{
    for (int i = 0; i < count; i++)
        if (x[i].graph != NULL) return x[i].graph;
    return NULL;
}

/* ---- merging ------------------------------------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

static uint64_t mix_bytes(uint64_t h, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        h = mix(h, v);
    }
    for (; n > 0; n--) h = mix(h, *p++);
    return h;
}

static uint64_t item_hash(const an__item *it)
{
    uint64_t h = mix((uint64_t)(uintptr_t)it->op, (uint64_t)it->dtype);
    h = mix_bytes(h, &it->shape.dim, sizeof it->shape.dim);
    h = mix_bytes(h, it->input, sizeof it->input[0] * (size_t)it->inputs);
    h = mix_bytes(h, &it->attr, sizeof it->attr);
    if (it->name != NULL) h = mix_bytes(h, it->name, strlen(it->name));
    return it->bytes == 0 ? h : mix_bytes(h, it->data, it->bytes);
}

static bool item_same(const an__item *a, const an__item *b)
{
    if (a->op != b->op || a->dtype != b->dtype || a->inputs != b->inputs || a->bytes != b->bytes || !an__shape_same(&a->shape, &b->shape) ||
        memcmp(&a->attr, &b->attr, sizeof a->attr) != 0 || (a->name == NULL) != (b->name == NULL) || a->names.count != b->names.count)
        return false;
    if (a->inputs > 0 && memcmp(a->input, b->input, sizeof a->input[0] * (size_t)a->inputs) != 0) return false;
    for (size_t i = 0; i < a->names.count; i++)
        if (strcmp(a->names.items[i], b->names.items[i]) != 0) return false;
    return (a->name == NULL || strcmp(a->name, b->name) == 0) && (a->bytes == 0 || memcmp(a->data, b->data, a->bytes) == 0);
}

static void bucket_put(an_graph *g, uint64_t hash, int32_t id)
{
    uint32_t at = (uint32_t)hash & (g->buckets - 1);
    while (g->bucket[at] != 0) at = (at + 1) & (g->buckets - 1);
    g->bucket[at] = id + 1;
}

static int32_t find_same(const an_graph *g, const an__item *it)
{
    if (g->buckets == 0) return -1;
    for (uint32_t at = (uint32_t)item_hash(it) & (g->buckets - 1); g->bucket[at] != 0; at = (at + 1) & (g->buckets - 1))
        if (item_same(g->item[g->bucket[at] - 1], it)) return g->bucket[at] - 1;
    return -1;
}

static an_node item_add(an_graph *g, an__item *it)
{
    if (g->merge) {
        int32_t same = find_same(g, it);
        if (same >= 0) {
            item_free(it);
            return (an_node){ g, same };
        }
    }
    if (g->count == g->capacity) {
        g->capacity = g->capacity == 0 ? 64 : g->capacity * 2;
        g->item = an_resize_n(g->item, (size_t)g->capacity, sizeof *g->item);
    }
    g->item[g->count++] = it;
    if (g->merge) {
        if ((uint32_t)g->count * 2 > g->buckets) {
            free(g->bucket);
            g->buckets = g->buckets == 0 ? 256 : g->buckets * 2;
            g->bucket = an_alloc_n(g->buckets, sizeof *g->bucket);
            for (int32_t i = 0; i < g->count; i++) bucket_put(g, item_hash(g->item[i]), i);
        } else {
            bucket_put(g, item_hash(it), g->count - 1);
        }
    }
    return (an_node){ g, g->count - 1 };
}

/* ---- nodes ----------------------------------------------------------------------------------------------------------------- */

static bool inputs_fit(an_graph *g, const an_op *op, const an_node *x, int count)
{
    if (op->inputs >= 0 ? count != op->inputs : count < 1) return an__bad(g, "%s: takes %d inputs, got %d", op->name, op->inputs, count);
    for (int i = 0; i < count; i++) {
        if (x[i].id < 0) return an__bad(g, "%s: input %d is broken", op->name, i);
        if (x[i].graph != g) return an__bad(g, "%s: input %d belongs to another graph", op->name, i);
    }
    if (count > 0 && (op->dtypes >> an_node_dtype(x[0]) & 1) == 0)
        return an__bad(g, "%s: does not take %s", op->name, an_dtype_name(an_node_dtype(x[0])));
    return true;
}

static an__item *item_new(const an_op *op, const an_node *x, int count, const an_attr *attr, an_dtype t, const an_shape *shape)
{
    an__item *it = an_alloc(sizeof *it);
    it->op = op;
    it->dtype = t;
    it->inputs = count;
    if (count > 0) {
        it->input = an_alloc_n((size_t)count, sizeof *it->input);
        for (int i = 0; i < count; i++) it->input[i] = x[i].id;
        if (op->flags & AN__OP_COMMUTES && it->input[0] > it->input[1]) {
            int32_t swap = it->input[0];
            it->input[0] = it->input[1];
            it->input[1] = swap;
        }
    }
    if (attr != NULL) memcpy(&it->attr, attr, sizeof *attr); /* padding too: attributes are compared as bytes */
    if (shape != NULL) it->shape = *shape;
    return it;
}

static an_node item_finish(an_graph *g, an__item *it)
{
    bool ok = it->op->shape == NULL || it->op->shape(g, it);
    if (!ok || !an__shape_check(g, it->op->name, &it->shape, true)) {
        item_free(it);
        return an__broken(g);
    }
    return item_add(g, it);
}

an_node an__make(an_graph *g, const an_op *op, const an_node *x, int count, const an_attr *attr, an_dtype t, const an_shape *shape)
{
    if (g == NULL || !inputs_fit(g, op, x, count)) return an__broken(g);
    return item_finish(g, item_new(op, x, count, attr, t, shape));
}

an_node an__make_copy(an_graph *g, const an__item *it, const an_node *x)
{
    an__item *c = item_new(it->op, x, it->inputs, &it->attr, it->dtype, &it->shape);
    c->name = an_strdup(it->name);
    for (size_t i = 0; i < it->names.count; i++) an_list_add(&c->names, it->names.items[i]);
    if (it->bytes > 0) {
        c->data = an_alloc_data(it->bytes, 1, "a constant", &g->error);
        if (c->data == NULL) {
            item_free(c);
            return an__broken(g);
        }
        memcpy(c->data, it->data, it->bytes);
        c->bytes = it->bytes;
    }
    if (it->attr.draw >= g->draws) g->draws = it->attr.draw + 1;
    return item_add(g, c);
}

static an_node leaf(an_graph *g, const an_op *op, const char *name, an_dtype t, an_shape shape)
{
    if (name == NULL || name[0] == '\0') {
        an__bad(g, "%s: has no name", op->name);
        return an__broken(g);
    }
    char what[160];
    snprintf(what, sizeof what, "%s \"%.100s\"", op->name, name);
    if (!an__shape_check(g, what, &shape, op == &an__op_input)) return an__broken(g);
    if ((op->dtypes >> t & 1) == 0) {
        an__bad(g, "%s: cannot be %s", what, an_dtype_name(t));
        return an__broken(g);
    }
    for (int32_t i = 0; i < g->count; i++) { /* asking twice gives the same node */
        const an__item *it = g->item[i];
        if (it->op != op || strcmp(it->name, name) != 0) continue;
        if (it->dtype == t && an__shape_same(&it->shape, &shape)) return (an_node){ g, i };
        char a[96], b[96];
        an__bad(g, "%s: %s %s here, %s %s before", what, an_dtype_name(t), an_shape_text(&shape, a), an_dtype_name(it->dtype),
                an_shape_text(&it->shape, b));
        return an__broken(g);
    }
    an__item *it = item_new(op, NULL, 0, NULL, t, &shape);
    it->name = an_strdup(name);
    return item_add(g, it);
}

an_node an_input(an_graph *g, const char *name, an_dtype t, an_shape shape)
{
    return leaf(g, &an__op_input, name, t, shape);
}

an_node an_param_node(an_graph *g, const char *name, an_dtype t, an_shape shape)
{
    return leaf(g, &an__op_param, name, t, shape);
}

an_node an_constant(an_graph *g, an_dtype t, an_shape shape, const void *values)
{
    if ((an__op_constant.dtypes >> t & 1) == 0) {
        an__bad(g, "constant: cannot be %s", an_dtype_name(t));
        return an__broken(g);
    }
    if (!an__shape_check(g, "constant", &shape, false)) return an__broken(g);
    an__item *it = item_new(&an__op_constant, NULL, 0, NULL, t, &shape);
    it->bytes = (size_t)an__shape_count_at(&shape, 0) * an_dtype_bytes(t);
    it->data = an_alloc_data(it->bytes > 0 ? it->bytes : 1, 1, "a constant", &g->error);
    if (it->data == NULL) {
        item_free(it);
        return an__broken(g);
    }
    if (it->bytes > 0) memcpy(it->data, values, it->bytes);
    return item_add(g, it);
}

an_node an_scalar(an_graph *g, an_dtype t, double value)
{
    float f = (float)value;
    int64_t i = t == AN_I64 ? (int64_t)value : 0;
    return an_constant(g, t, (an_shape){ 0, { 0 } }, t == AN_F32 ? (const void *)&f : t == AN_I64 ? (const void *)&i : &value);
}

bool an__uniform_value(an_node n, double *value)
{
    const an__item *it = an__item_of(n);
    while (it->op == &an__op_broadcast || it->op == &an__op_reshape) it = n.graph->item[it->input[0]];
    if (it->op != &an__op_constant || it->bytes == 0 || it->dtype == AN_I64) return false;
    size_t es = an_dtype_bytes(it->dtype);
    for (size_t i = es; i < it->bytes; i += es)
        if (memcmp(it->data, (const char *)it->data + i, es) != 0) return false;
    float f;
    memcpy(&f, it->data, sizeof f);
    if (it->dtype == AN_F64)
        memcpy(value, it->data, sizeof *value);
    else
        *value = (double)f;
    return true;
}

an_node an__filled(an_graph *g, an_dtype t, const an_shape *s, double value)
{
    return an_broadcast(an_scalar(g, t, value), *s);
}

/* ---- rows --------------------------------------------------------------------------------------------------------------------- */

static void extent_cpu(const an__call *c)
{
    double v = (double)an_dim_at(c->item->attr.extent, c->rows);
    if (c->out.dtype == AN_F32)
        *(float *)c->out.data = (float)v;
    else if (c->out.dtype == AN_F64)
        *(double *)c->out.data = v;
    else
        *(int64_t *)c->out.data = (int64_t)v;
}

an_node an__extent(an_graph *g, an_dtype t, int64_t dim)
{
    if (dim >= 0) return an_scalar(g, t, (double)dim);
    an_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.extent = dim;
    an_shape s = { 0, { 0 } };
    return an__make(g, &an__op_extent, NULL, 0, &attr, t, &s);
}

const an_op an__op_input = { .name = "input", .flags = AN__OP_LEAF | AN_OP_ONNX, .dtypes = AN__F | AN__I | AN__S };
const an_op an__op_param = { .name = "param", .flags = AN__OP_LEAF | AN_OP_ONNX, .dtypes = AN__F | AN__I };
const an_op an__op_constant = { .name = "constant", .flags = AN__OP_LEAF | AN_OP_ONNX, .dtypes = AN__F | AN__I };
const an_op an__op_extent = { .name = "extent",
                              .flags = AN__OP_FIXED | AN_OP_ONNX,
                              .dtypes = AN__F | AN__I,
                              .cpu = extent_cpu,
                              .onnx = an__onnx_extent,
                              .attributes = (const an_param[]){
                                  { "extent", AN_PARAM_INT, offsetof(an_attr, extent), 0, -9e18, 9e18, false, NULL, NULL, "the dimension" },
                                  AN_PARAM_END } };
