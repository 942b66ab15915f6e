/* onnx_rules.c - the rules by which rows become ONNX operators (opset 17, ai.onnx.ml 3). A rule writes the nodes that compute item `id`
 * under its name; false: it cannot. */
#include "graph/onnx.h"

#include <stdlib.h>

#define IN(i) an__onnx_input(w, id, i)
#define OUT w->name[id]
#define ITEM an__onnx_item(w, id)
#define NODE(type, output, ...) an__onnx_node(w, type, (const char *[]){ __VA_ARGS__, NULL }, output, NULL)

static an_dtype input_type(const an__onnx *w, int32_t id)
{
    return w->g->item[ITEM->input[0]]->dtype;
}

static const an_shape *input_shape(const an__onnx *w, int32_t id)
{
    return &w->g->item[ITEM->input[0]]->shape;
}

bool an__onnx_simple(an__onnx *w, int32_t id)
{
    const an__item *it = ITEM;
    const char *in[4] = { NULL };
    for (int i = 0; i < it->inputs && i < 3; i++) in[i] = IN(i);
    an__onnx_node(w, it->op->onnx_type, in, OUT, NULL);
    return true;
}

/* Operators that runtimes have in single precision only. */
bool an__onnx_f32_only(an__onnx *w, int32_t id)
{
    if (ITEM->dtype != AN_F64) return an__onnx_simple(w, id);
    const char *x = an__onnx_cast_to(w, IN(0), AN__PROTO_FLOAT, NULL);
    an__onnx_cast_to(w, NODE(ITEM->op->onnx_type, NULL, x), AN__PROTO_DOUBLE, OUT);
    return true;
}

/* Runtimes lack it in double precision: max(x, 0) + log(1 + exp(-|x|)). */
bool an__onnx_softplus(an__onnx *w, int32_t id)
{
    if (ITEM->dtype != AN_F64) return an__onnx_simple(w, id);
    const char *tail = NODE("Exp", NULL, NODE("Neg", NULL, NODE("Abs", NULL, IN(0))));
    tail = NODE("Log", NULL, NODE("Add", NULL, tail, an__onnx_number(w, AN_F64, 1)));
    NODE("Add", OUT, NODE("Max", NULL, IN(0), an__onnx_number(w, AN_F64, 0)), tail);
    return true;
}

bool an__onnx_extent(an__onnx *w, int32_t id)
{
    const char *n = an__onnx_dims(w, &ITEM->attr.extent, 1);
    if (n == NULL) return false;
    n = NODE("Squeeze", NULL, n);
    an__onnx_cast_to(w, n, an__proto_type_of(ITEM->dtype), OUT);
    return true;
}

/* comparisons give booleans there and numbers here */
bool an__onnx_compare(an__onnx *w, int32_t id)
{
    const char *in[] = { IN(0), ITEM->inputs > 1 ? IN(1) : NULL, NULL };
    an__onnx_cast_to(w, an__onnx_node(w, ITEM->op->onnx_type, in, NULL, NULL), an__proto_type_of(ITEM->dtype), OUT);
    return true;
}

bool an__onnx_where(an__onnx *w, int32_t id)
{
    NODE("Where", OUT, an__onnx_cast_to(w, IN(0), AN__PROTO_BOOL, NULL), IN(1), IN(2));
    return true;
}

bool an__onnx_square(an__onnx *w, int32_t id)
{
    NODE("Mul", OUT, IN(0), IN(0));
    return true;
}

static void positive_or(an__onnx *w, int32_t id, const char *positive, const char *other)
{
    NODE("Where", OUT, NODE("Greater", NULL, IN(0), an__onnx_number(w, ITEM->dtype, 0)), positive, other);
}

bool an__onnx_leaky_relu(an__onnx *w, int32_t id)
{
    if (ITEM->dtype == AN_F32) {
        an_buf attributes = { 0 };
        an__proto_attr_real(&attributes, "alpha", ITEM->attr.a);
        an__onnx_node(w, "LeakyRelu", (const char *[]){ IN(0), NULL }, OUT, &attributes);
        return true;
    }
    positive_or(w, id, IN(0), NODE("Mul", NULL, IN(0), an__onnx_number(w, ITEM->dtype, ITEM->attr.a)));
    return true;
}

bool an__onnx_leaky_step(an__onnx *w, int32_t id)
{
    positive_or(w, id, an__onnx_number(w, ITEM->dtype, 1), an__onnx_number(w, ITEM->dtype, ITEM->attr.a));
    return true;
}

bool an__onnx_clip(an__onnx *w, int32_t id)
{
    NODE("Clip", OUT, IN(0), an__onnx_number(w, ITEM->dtype, ITEM->attr.a), an__onnx_number(w, ITEM->dtype, ITEM->attr.b));
    return true;
}

bool an__onnx_clip_step(an__onnx *w, int32_t id)
{
    const char *low = NODE("GreaterOrEqual", NULL, IN(0), an__onnx_number(w, ITEM->dtype, ITEM->attr.a));
    const char *high = NODE("LessOrEqual", NULL, IN(0), an__onnx_number(w, ITEM->dtype, ITEM->attr.b));
    an__onnx_cast_to(w, NODE("And", NULL, low, high), an__proto_type_of(ITEM->dtype), OUT);
    return true;
}

bool an__onnx_scalar(an__onnx *w, int32_t id)
{
    NODE(ITEM->op->onnx_type, OUT, IN(0), an__onnx_number(w, ITEM->dtype, ITEM->attr.a));
    return true;
}

bool an__onnx_cast(an__onnx *w, int32_t id)
{
    an__onnx_cast_to(w, IN(0), an__proto_type_of(ITEM->dtype), OUT);
    return true;
}

/* ---- shape -------------------------------------------------------------------------------------------------------------------- */

bool an__onnx_reshape(an__onnx *w, int32_t id)
{
    int64_t dim[AN_MAX_RANK] = { 0 };
    int open = 0;
    for (int i = 0; i < ITEM->shape.rank; i++) {
        open += ITEM->shape.dim[i] < 0;
        dim[i] = ITEM->shape.dim[i] < 0 ? -1 : ITEM->shape.dim[i];
    }
    const char *shape = open > 1 ? an__onnx_dims(w, ITEM->shape.dim, ITEM->shape.rank) : an__onnx_whole(w, dim, ITEM->shape.rank);
    if (shape == NULL) return false;
    NODE("Reshape", OUT, IN(0), shape);
    return true;
}

bool an__onnx_transpose(an__onnx *w, int32_t id)
{
    int64_t perm[AN_MAX_RANK] = { 0 }, code = ITEM->attr.order;
    an_buf attributes = { 0 };
    for (int i = ITEM->shape.rank - 1; i >= 0; i--, code /= 10) perm[i] = code % 10 - 1;
    an__proto_attr_ints(&attributes, "perm", perm, (size_t)ITEM->shape.rank);
    an__onnx_node(w, "Transpose", (const char *[]){ IN(0), NULL }, OUT, &attributes);
    return true;
}

bool an__onnx_broadcast(an__onnx *w, int32_t id)
{
    const an_shape *in = input_shape(w, id);
    int64_t dim[AN_MAX_RANK] = { 0 }; /* 1 keeps what the input has */
    for (int i = 0; i < ITEM->shape.rank; i++) {
        int k = i - (ITEM->shape.rank - in->rank);
        dim[i] = k >= 0 && in->dim[k] == ITEM->shape.dim[i] ? 1 : ITEM->shape.dim[i];
    }
    const char *shape = an__onnx_dims(w, dim, ITEM->shape.rank);
    if (shape == NULL) return false;
    NODE("Expand", OUT, IN(0), shape);
    return true;
}

bool an__onnx_concat(an__onnx *w, int32_t id)
{
    an_buf attributes = { 0 };
    const char **in = an_alloc_n((size_t)ITEM->inputs + 1, sizeof *in);
    for (int i = 0; i < ITEM->inputs; i++) in[i] = IN(i);
    an__proto_attr_int(&attributes, "axis", ITEM->attr.axis);
    an__onnx_node(w, "Concat", in, OUT, &attributes);
    free(in);
    return true;
}

bool an__onnx_slice(an__onnx *w, int32_t id)
{
    int64_t end = 0;
    an__dim_add(ITEM->attr.start, ITEM->attr.length, &end);
    const char *from = an__onnx_dims(w, &ITEM->attr.start, 1), *to = an__onnx_dims(w, &end, 1);
    if (from == NULL || to == NULL) return false;
    NODE("Slice", OUT, IN(0), from, to, an__onnx_whole(w, &ITEM->attr.axis, 1));
    return true;
}

bool an__onnx_gather(an__onnx *w, int32_t id)
{
    an_buf attributes = { 0 };
    an__proto_attr_int(&attributes, "axis", 0);
    an__onnx_node(w, "Gather", (const char *[]){ IN(0), IN(1), NULL }, OUT, &attributes);
    return true;
}

/* ---- reductions and products ---------------------------------------------------------------------------------------------------- */

bool an__onnx_reduce_sum(an__onnx *w, int32_t id)
{
    an_buf attributes = { 0 };
    an__proto_attr_int(&attributes, "keepdims", ITEM->attr.keep);
    an__onnx_node(w, "ReduceSum", (const char *[]){ IN(0), an__onnx_whole(w, &ITEM->attr.axis, 1), NULL }, OUT, &attributes);
    return true;
}

bool an__onnx_reduce(an__onnx *w, int32_t id)
{
    an_buf attributes = { 0 };
    an__proto_attr_int(&attributes, "keepdims", ITEM->attr.keep);
    an__proto_attr_ints(&attributes, "axes", &ITEM->attr.axis, 1);
    an__onnx_node(w, ITEM->op->onnx_type, (const char *[]){ IN(0), NULL }, OUT, &attributes);
    return true;
}

static const char *turned(an__onnx *w, int32_t id, int side, bool transpose)
{
    int rank = w->g->item[ITEM->input[side]]->shape.rank;
    int64_t perm[AN_MAX_RANK];
    if (!transpose) return IN(side);
    for (int i = 0; i < rank; i++) perm[i] = i < rank - 2 ? i : i == rank - 2 ? rank - 1 : rank - 2;
    an_buf attributes = { 0 };
    an__proto_attr_ints(&attributes, "perm", perm, (size_t)rank);
    return an__onnx_node(w, "Transpose", (const char *[]){ IN(side), NULL }, NULL, &attributes);
}

bool an__onnx_matmul(an__onnx *w, int32_t id)
{
    const char *a = turned(w, id, 0, ITEM->attr.transpose_a), *b = turned(w, id, 1, ITEM->attr.transpose_b);
    NODE("MatMul", OUT, a, b);
    return true;
}

/* ---- categories ------------------------------------------------------------------------------------------------------------------- */

bool an__onnx_lookup(an__onnx *w, int32_t id)
{
    const an_list *names = &ITEM->names;
    if (names->count == 0) return false;
    int64_t *code = an_alloc_n(names->count, sizeof *code);
    an_buf attributes = { 0 };
    for (size_t i = 0; i < names->count; i++) code[i] = (int64_t)i;
    an__proto_attr_texts(&attributes, "keys_strings", (const char *const *)names->items, names->count);
    an__proto_attr_ints(&attributes, "values_int64s", code, names->count);
    an__proto_attr_int(&attributes, "default_int64", ITEM->attr.otherwise);
    an__onnx_node(w, "LabelEncoder", (const char *[]){ IN(0), NULL }, OUT, &attributes);
    free(code);
    return true;
}

/* compared with 0 .. depth-1, so that a code outside gives zeros */
bool an__onnx_one_hot(an__onnx *w, int32_t id)
{
    int64_t depth = ITEM->attr.extent;
    int64_t *range = an_alloc_n((size_t)depth + 1, sizeof *range);
    for (int64_t i = 0; i < depth; i++) range[i] = i;
    an__onnx_cast_to(w, NODE("Equal", NULL, IN(0), an__onnx_whole(w, range, (int)depth)), an__proto_type_of(ITEM->dtype), OUT);
    free(range);
    return input_type(w, id) == AN_I64;
}
