/* op.h - one row an operation (an_op) and the graph that rows are used in.
 *
 * Whatever anybody asks of an operation is in its row: attributes, shape rule, gradient rule, simplification, elementwise code or CPU
 * kernel, ONNX rule. The rows live in op_elementwise.c, op_shape.c, op_reduce.c, op_linear.c, op_random.c and op_category.c; AN_OPS lists
 * them. Nothing else in the room asks which operation a node is; a new operation is one row and one line in AN_OPS.
 */
#ifndef AN_GRAPH_OP_H
#define AN_GRAPH_OP_H

#include <math.h>
#include <string.h>

#include "graph/kernel.h"

/* clang-format off */
#define AN_OPS(X) \
    X(input) X(param) X(constant) X(extent) X(add) X(sub) X(mul) X(div) X(minimum) X(maximum) X(greater) X(greater_equal) X(equal) \
    X(where) X(is_nan) X(neg) X(exp) X(log) X(sqrt) X(square) X(reciprocal) X(abs) X(sign) X(tanh) X(sigmoid) X(softplus) X(erf) \
    X(leaky_relu) X(leaky_step) X(clip) X(clip_step) X(add_scalar) X(mul_scalar) X(cast) X(stop) X(copy) X(reshape) X(transpose) \
    X(broadcast) X(concat) X(slice) X(gather) X(scatter_add) X(sum_axis) X(max_axis) X(mean_axis) X(matmul) X(lookup) X(one_hot) \
    X(random_uniform) X(random_normal)
/* clang-format on */

/* What makes two nodes of one operation differ, besides inputs, type and shape. Rows name the fields they use in their an_param table. */
typedef struct an_attr {
    double a, b;                 /* slope, scalar, bounds: handed to elementwise codes as they are */
    int64_t axis, start, length; /* start and length may be batch multiples */
    int64_t extent;              /* a dimension */
    int64_t order;               /* of a transpose: decimal digits, axes counted from 1; 21 swaps two axes */
    int64_t otherwise, draw, nonce;
    bool keep, transpose_a, transpose_b;
} an_attr;

typedef struct an__item { /* a node */
    const an_op *op;
    an_dtype dtype;
    int32_t inputs;
    int32_t *input; /* ids, all smaller than this node's */
    an_shape shape;
    an_attr attr;
    char *name; /* input, param */
    void *data; /* constant: values */
    size_t bytes;
    an_list names; /* lookup */
} an__item;

struct an_graph {
    an__item **item;
    int32_t count, capacity;
    int64_t draws;
    bool merge;      /* equal nodes become one (used by the compiler's copies) */
    int32_t *bucket; /* hash table of ids + 1 when merge */
    uint32_t buckets;
    an_error error;
};

/* ---- what a CPU kernel is called with ------------------------------------------------------------------------------------------------ */

typedef struct an__arg {
    void *data;
    an_dtype dtype;
    an_shape shape; /* concrete */
    int64_t count;  /* elements */
} an__arg;

typedef struct an__epilogue { /* what the compiler fused onto a matrix product; argument numbers, 0: none */
    int bias, times, accumulate;
    bool leaky;
    double slope;
} an__epilogue;

typedef struct an__call {
    void (*run)(const struct an__call *c);
    const an_kernels *kernels;
    const an__item *item;
    const an__epilogue *epilogue;
    int inputs;
    an__arg *in;
    an__arg out;
    const an_chain *chain; /* of fused elementwise operations: operands instead of in and out */
    an_operand *operand;
    int64_t chain_rows, chain_cols;
    int64_t rows; /* bound in this run */
    uint64_t key, step, first_row;
    void *scratch;
    size_t scratch_bytes;
    an_pool *pool;
    uint64_t skip; /* bit i: input i is already in place (parts of a concat) */
} an__call;

/* ---- rows
 * ----------------------------------------------------------------------------------------------------------------------------------------
 */

typedef struct an__grad { /* of one node y = op(x...), given dy */
    const an__item *it;
    an_node y, dy;
    const an_node *x;
    const bool *wants;
    an_node *dx; /* broken (id < 0) on entry: left so, the gradient is zero */
} an__grad;

typedef struct an__onnx an__onnx;

struct an_op {
    const char *name;
    unsigned flags;                           /* AN_OP_* of the public header, AN__OP_* below */
    unsigned dtypes;                          /* bit (1 << an_dtype) of the first input, or of the result when there is none */
    int inputs;                               /* -1: one or more */
    const an_param *attributes;               /* offsets into an_attr; NULL: none */
    bool (*shape)(an_graph *g, an__item *it); /* fills or checks dtype and shape; false after an__bad */
    void (*gradient)(const an__grad *r);
    an_node (*simplify)(an_graph *g, const an__item *it, const an_node *x); /* an equal, cheaper node or a broken one */
    int chain;                                                              /* 1 + an_chain_code; 0: not elementwise */
    void (*cpu)(const an__call *c);
    size_t (*scratch)(const an__call *c);                /* bytes wanted; NULL: none */
    bool (*view)(const an__item *it, const an__item *x); /* true: the result is the input's memory from attr.start along attr.axis on */
    const char *onnx_type;                               /* the ONNX operator with the same inputs; or */
    bool (*onnx)(an__onnx *w, int32_t id);               /* a rule of its own */
};

enum {
    AN__OP_LEAF = 1 << 8, /* computed by nobody: input, parameter, constant */
    AN__OP_COMMUTES = 1 << 9,
    AN__OP_FIXED = 1 << 10,   /* depends on the run besides its inputs (draws, extents): never folded */
    AN__OP_PRODUCT = 1 << 12, /* its kernel takes an epilogue: bias, leaky ReLU, a factor, accumulation */
    AN__OP_JOINS = 1 << 11    /* the inputs, one after another along attr.axis, are the result: they may be computed in place */
};
enum { AN__F = 1 << AN_F32 | 1 << AN_F64, AN__I = 1 << AN_I64, AN__S = 1 << AN_STR };

#define AN__OP_DECLARE(name) extern const an_op an__op_##name;
AN_OPS(AN__OP_DECLARE)
#undef AN__OP_DECLARE

const an_op *an__op_at(int index);
const char *an__chain_name(int code);

/* ---- the graph ----------------------------------------------------------------------------------------------------------------------- */

bool an__bad(an_graph *g, const char *format, ...) AN_PRINTF(2, 3); /* keeps the first error; always false */
static inline an_node an__broken(an_graph *g)
{
    return (an_node){ g, -1 };
}
static inline an__item *an__item_of(an_node n)
{
    return n.graph->item[n.id];
}
/* A node of row op over x; shape and dtype are taken by rows that do not infer them (may be NULL, 0). */
an_node an__make(an_graph *g, const an_op *op, const an_node *x, int count, const an_attr *attr, an_dtype t, const an_shape *shape);
an_node an__make_copy(an_graph *g, const an__item *it, const an_node *x); /* the same operation over other inputs, with name and data */
an_graph *an__graph_of(const an_node *x, int count);

/* ---- dimensions and shapes ----------------------------------------------------------------------------------------------------------- */

static inline bool an__dim_is_batch(int64_t d)
{
    return d < 0;
}
int64_t an__dim_reduced(int64_t d);                   /* 2/4 of the batch -> 1/2 */
bool an__dim_add(int64_t a, int64_t b, int64_t *out); /* false: an integer and a batch multiple do not add up to either */
bool an__dim_sub(int64_t a, int64_t b, int64_t *out); /* also false when negative */
char *an__dim_text(int64_t d, char buf[32]);
bool an__shape_same(const an_shape *a, const an_shape *b);
bool an__shape_batch(const an_shape *s);                                              /* has a batch dimension */
bool an__shape_check(an_graph *g, const char *what, an_shape *s, bool batch_allowed); /* ranges; reduces multiples */
bool an__shape_count(const an_shape *s, int64_t *coefficient, int64_t *divisor,
                     int *power);                            /* elements = coefficient / divisor * batch^power */
int64_t an__shape_count_at(const an_shape *s, int64_t rows); /* -1: not at this number of rows */
bool an__shape_at(const an_shape *s, int64_t rows, an_shape *out);
bool an__shape_broadcast(const an_shape *a, const an_shape *b, an_shape *out);
bool an__shape_fits(const an_shape *small, const an_shape *to); /* small broadcasts to exactly `to` */
bool an__axis(int64_t *axis, int rank);                         /* negative counts from the end */
/* Where the dimensions may be cut into rows x columns so that `s` is constant or full along each: bit p for a cut before dimension p of
 * `to`. */
unsigned an__shape_cuts(const an_shape *s, const an_shape *to);

/* ---- helpers of rules ---------------------------------------------------------------------------------------------------------------- */

an_node an__unbroadcast(an_node a, const an_shape *shape); /* sums over what broadcasting repeated */
an_node an__leaky_step(an_node a, double slope);
an_node an__clip_step(an_node a, double low, double high);
an_node an__copy(an_node a);
an_node an__extent(an_graph *g, an_dtype t, int64_t dim); /* rank 0: the dimension at run time as a number */
an_node an__filled(an_graph *g, an_dtype t, const an_shape *s, double value);
bool an__uniform_value(an_node n, double *value);      /* every element is this known constant */
bool an__shape_elementwise(an_graph *g, an__item *it); /* the shape rule of elementwise rows */

/* rules of onnx_rules.c that rows name */
/* clang-format off */
#define AN__ONNX_RULES(X) \
    X(extent) X(simple) X(f32_only) X(softplus) X(compare) X(where) X(square) X(leaky_relu) X(leaky_step) X(clip) X(clip_step) X(scalar) \
    X(cast) X(reshape) X(transpose) X(broadcast) X(concat) X(slice) X(gather) X(reduce_sum) X(reduce) X(matmul) X(lookup) X(one_hot)
/* clang-format on */
#define AN__ONNX_DECLARE(name) bool an__onnx_##name(an__onnx *w, int32_t id);
AN__ONNX_RULES(AN__ONNX_DECLARE)
#undef AN__ONNX_DECLARE

#endif
