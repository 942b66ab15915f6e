/* graph.h - the one tensor program: operations, differentiation, planning, execution, export.
 *
 * A graph is built from nodes; gradients are more nodes; a program is a plan for some of its outputs (shapes fixed, chains of
 * elementwise operations fused, memory assigned once); parameters live apart from the program; a session is the scratch one thread of
 * use needs. Training and prediction are two programs over the same parameters.
 *
 * Numbers: same seed, parameters, inputs and CPU path give the same bits for any number of threads; a row's result never depends on the
 * batch it sits in (every sum runs in an order fixed by the inner dimension alone). Across CPU paths results agree to rounding.
 *
 * Errors made while building (shape or type mismatch) are kept in the graph and surface in an_compile; every builder accepts and passes on
 * a broken node, so that building code needs no checks.
 */
#ifndef ANDON_GRAPH_H
#define ANDON_GRAPH_H

#include "andon/base.h"

/* ---- types and shapes --------------------------------------------------------------------------------------------------- */

/* AN_STR: inputs of categories, only consumed by `lookup` (exported as ONNX strings; executed as codes, see an_lookup) */
typedef enum an_dtype { AN_F32, AN_F64, AN_I64, AN_STR } an_dtype;
size_t an_dtype_bytes(an_dtype t);
const char *an_dtype_name(an_dtype t);

enum { AN_MAX_RANK = 6 };
/* A dimension is an integer >= 0 or a rational multiple of the number of rows bound at run time. */
#define AN_BATCH_TIMES(numerator, denominator) (-(((int64_t)(numerator) << 16) | (denominator)))
#define AN_BATCH AN_BATCH_TIMES(1, 1)
typedef struct an_shape {
    int rank;
    int64_t dim[AN_MAX_RANK];
} an_shape;
int64_t an_dim_at(int64_t dim, int64_t rows);         /* concrete; -1 when rows is no multiple */
char *an_shape_text(const an_shape *s, char buf[96]); /* "[batch, 66]", "[2*batch, 64]" */

/* ---- building -------------------------------------------------------------------------------------------------------------- */

typedef struct an_graph an_graph;
typedef struct an_node {
    an_graph *graph;
    int32_t id; /* < 0: broken */
} an_node;

an_graph *an_graph_new(void);
void an_graph_free(an_graph *g);
bool an_graph_error(const an_graph *g, an_error *err); /* true and filled when building went wrong */
an_shape an_node_shape(an_node n);
an_dtype an_node_dtype(an_node n);

an_node an_input(an_graph *g, const char *name, an_dtype t, an_shape shape);
/* learned or state; bound to an_params by name; no batch dimension */
an_node an_param_node(an_graph *g, const char *name, an_dtype t, an_shape shape);
an_node an_constant(an_graph *g, an_dtype t, an_shape shape, const void *values); /* copies; no batch dimension */
an_node an_scalar(an_graph *g, an_dtype t, double value);                         /* rank 0 */

/* elementwise, with NumPy broadcasting; same dtype on both sides */
an_node an_add(an_node a, an_node b);
an_node an_sub(an_node a, an_node b);
an_node an_mul(an_node a, an_node b);
an_node an_div(an_node a, an_node b);
an_node an_minimum(an_node a, an_node b);
an_node an_maximum(an_node a, an_node b);
an_node an_greater(an_node a, an_node b); /* 1 or 0 of the same dtype; no gradient */
an_node an_greater_equal(an_node a, an_node b);
an_node an_equal(an_node a, an_node b);                     /* also i64 -> i64 */
an_node an_select(an_node condition, an_node a, an_node b); /* condition != 0 ? a : b; condition of the dtype of a */
an_node an_is_nan(an_node a);                               /* 1 or 0 */
an_node an_neg(an_node a);
an_node an_exp(an_node a);
an_node an_log(an_node a);
an_node an_sqrt(an_node a);
an_node an_square(an_node a);
an_node an_reciprocal(an_node a);
an_node an_abs(an_node a);
an_node an_sign(an_node a); /* no gradient */
an_node an_tanh(an_node a);
an_node an_sigmoid(an_node a);  /* stable on both sides */
an_node an_softplus(an_node a); /* log(1 + exp a), stable */
an_node an_erf(an_node a);
an_node an_leaky_relu(an_node a, double slope); /* slope 0: ReLU. Gradient at 0: slope */
an_node an_clip(an_node a, double low, double high);
an_node an_add_scalar(an_node a, double s);
an_node an_mul_scalar(an_node a, double s);
an_node an_cast(an_node a, an_dtype t);
an_node an_stop(an_node a); /* passes the value, stops the gradient */

/* shape */
an_node an_reshape(an_node a, an_shape shape);
an_node an_transpose(an_node a, const int *order); /* order[rank] */
an_node an_broadcast(an_node a, an_shape shape);
an_node an_concat(const an_node *parts, int count, int axis); /* axis 0 of two batches joined gives 2*batch */
/* axis 0 of a batch: start and length may be AN_BATCH_TIMES multiples */
an_node an_slice(an_node a, int axis, int64_t start, int64_t length);
an_node an_gather(an_node table, an_node index); /* rows of a rank-2 table [n, d] by i64 [m] -> [m, d]; gradient scatters in index order */
an_node an_scatter_add(an_node values, an_node index, int64_t rows); /* [m, d], i64 [m] -> [rows, d]; sums in index order */

/* reductions over `axis` (negative counts from the end), or over all (an_sum, an_mean) to rank 0 */
an_node an_sum_axis(an_node a, int axis, bool keep);
an_node an_max_axis(an_node a, int axis, bool keep);
an_node an_mean_axis(an_node a, int axis, bool keep);
an_node an_sum(an_node a);
an_node an_mean(an_node a);
an_node an_row_norm(an_node a); /* [n, d] -> [n, 1]: sqrt(sum of squares + 1e-12) */
an_node an_softmax(an_node a);  /* over the last axis; built from the operations above */

/* linear algebra: [m, k] x [k, n]; either side transposed; leading batch dimensions as in NumPy when ranks exceed 2 */
an_node an_matmul(an_node a, an_node b);
an_node an_matmul_t(an_node a, bool transpose_a, an_node b, bool transpose_b);

/* categories: a string input [batch,1] becomes i64 codes 0..count-1, `otherwise` when unknown. Executed on i64 codes of this very
 * dictionary (the caller maps text to codes); exported as a LabelEncoder. */
an_node an_lookup(an_node text, const char *const *names, int count, int64_t otherwise);
an_node an_one_hot(an_node codes, int64_t depth, an_dtype t); /* i64 [batch,1] -> [batch, depth]; codes outside give zeros */

/* random draws: a function of (session seed, draw id, step, first_row + row, column) alone */
an_node an_random_uniform(an_graph *g, an_dtype t, an_shape shape);
an_node an_random_normal(an_graph *g, an_dtype t, an_shape shape);

/* d sum(y) / d x as a node of the same graph, from the same operations (so it can be differentiated again). Zero where y does not depend on
 * x. */
an_node an_gradient(an_node y, an_node x);
void an_gradients(an_node y, const an_node *x, int count, an_node *out); /* one backward pass for several */

/* ---- the table of operations -------------------------------------------------------------------------------------------------- */

/* one row: name, dtypes, shape rule, gradient rule, kernel or elementwise code, ONNX rule; src/graph/op.h */
typedef struct an_op an_op;
int an_op_count(void);
const char *an_op_name(int index);
unsigned an_op_flags(int index); /* AN_OP_* */
enum { AN_OP_ELEMENTWISE = 1, AN_OP_GRADIENT = 2, AN_OP_ONNX = 4 };

/* ---- parameters ------------------------------------------------------------------------------------------------------------------ */

/* Named tensors in canonical row-major layout, in a fixed order. */
typedef struct an_params an_params;
typedef struct an_tensor {
    char *name;
    an_dtype dtype;
    an_shape shape;
    void *data; /* 64-byte aligned */
    size_t count;
} an_tensor;
an_params *an_params_new(void);
an_params *an_params_clone(const an_params *p);
void an_params_release(an_params *p);
/* values NULL: zeros */
an_tensor *an_params_add(an_params *p, const char *name, an_dtype t, an_shape shape, const void *values, an_error *err);
an_tensor *an_params_get(const an_params *p, const char *name);
size_t an_params_count(const an_params *p);
an_tensor *an_params_at(const an_params *p, size_t i);
bool an_params_assign(an_params *to, const an_params *from, an_error *err); /* values, by name; shapes must agree */
void an_init_uniform(an_tensor *t, double bound, uint64_t seed);            /* U(-bound, bound), by element index */
void an_init_normal(an_tensor *t, double sd, uint64_t seed);
/* metadata: object of strings or NULL; deterministic bytes */
bool an_safetensors_save(const an_params *p, const json_t *metadata, an_buf *out, an_error *err);
/* F32, F64, I64; validates every offset */
an_params *an_safetensors_load(const void *bytes, size_t n, json_t **metadata, an_error *err);

/* ---- programs and sessions ----------------------------------------------------------------------------------------------------------- */

typedef enum an_device { AN_CPU } an_device;
typedef struct an_update {
    an_node param, value;
} an_update; /* param := value, after all values were computed */
typedef struct an_target {
    an_device device;
    int64_t rows; /* the most rows a run will bind; 0 for programs without a batch */
    const an_node *outputs;
    const char *const *names; /* of the outputs */
    int output_count;
    const an_update *updates;
    int update_count;
    bool plain; /* no fusion, no in-place: the oracle in tests */
} an_target;
typedef struct an_program an_program;
an_program *an_compile(an_graph *g, const an_target *target, an_error *err); /* the graph may be freed afterwards */
void an_program_free(an_program *p);
char *an_program_print(const an_program *p); /* the plan: operation, shape, bytes, buffer; new text */
size_t an_program_scratch_bytes(const an_program *p);

typedef struct an_session an_session;
/* both borrowed; updates write into params */
an_session *an_session_new(const an_program *program, an_params *params, uint64_t seed, an_error *err);
void an_session_free(an_session *s);
/* rows x ... in the input's dtype, row-major; AN_STR inputs bind i64 codes */
typedef struct an_binding {
    const char *name;
    const void *data;
} an_binding;
typedef struct an_run {
    const an_binding *inputs;
    int input_count;
    int64_t rows;
    uint64_t step, first_row; /* of the random draws */
} an_run;
/* Allocates nothing. The pool is used for large matrices only. */
bool an_session_run(an_session *s, const an_run *run, an_pool *pool, an_error *err);
const void *an_session_output(const an_session *s, const char *name); /* valid until the next run; NULL: no such output */

/* ---- optimisers: graph too ----------------------------------------------------------------------------------------------------------- */

typedef struct an_optimiser {
    const char *kind;                                        /* "rmsprop" (TF/Hinton: rho .9), "adam" (Kingma and Ba 2015), "sgd" */
    double rate, rho, beta1, beta2, epsilon, momentum, clip; /* clip > 0: parameters clipped to [-clip, clip] after the step */
} an_optimiser;
/* Adds state parameters "<prefix>/<param>/m" ... to params (zeros) when absent, fills updates[] (room for 3 a parameter + 2). Returns how
 * many; -1 with err. */
int an_optimiser_build(an_graph *g, an_params *params, const char *prefix, const an_optimiser *o, const an_node *param,
                       const an_node *gradient, int count, an_update *updates, an_error *err);

/* ---- export -------------------------------------------------------------------------------------------------------------------------- */

/* ONNX ModelProto (IR 8, opset 17, ai.onnx.ml 3) of the outputs named; parameters become initialisers. AN_INPUT names an operation that has
 * no ONNX rule. */
typedef struct an_onnx_output {
    an_node node;
    const char *name;
} an_onnx_output;
bool an_onnx_export(an_graph *g, const an_params *params, const an_onnx_output *outputs, int count, const json_t *metadata, an_buf *out,
                    an_error *err);

/* ---- the processor ------------------------------------------------------------------------------------------------------------------- */

const char *an_cpu_path(void); /* "avx512" "avx2" "neon" "plain": what kernels run; ANDON_CPU forces a lower one */
bool an_cpu_available(const char *path);
/* C[m,n] = A op B (+ C when accumulate); plain front door to the packed GEMM for other rooms and tests; path NULL: the best. */
bool an_gemm_f32(const char *path, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b,
                 int64_t ldb, float *c, int64_t ldc, bool accumulate, an_pool *pool);
bool an_gemm_f64(const char *path, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const double *a, int64_t lda, const double *b,
                 int64_t ldb, double *c, int64_t ldc, bool accumulate, an_pool *pool);

#endif
