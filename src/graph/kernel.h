/* kernel.h - what a CPU path offers the executor: matrix products, elementwise chains, reductions, draws.
 *
 * One source (kernel.inc) is compiled once a path (kernel_avx512.c, kernel_avx2.c, kernel_neon.c, kernel_plain.c) with compiler vectors;
 * the best path the processor has is chosen at run time. Every kernel's result for an element depends on that element's inputs alone, in an
 * order fixed by the inner dimension.
 */
#ifndef AN_GRAPH_KERNEL_H
#define AN_GRAPH_KERNEL_H

#include "andon/graph.h"

/* ---- matrix product -------------------------------------------------------------------------------------------------------- */

/* C = epilogue(A op B [+ C]). Row-major with leading dimensions. The k-sum of an element runs k = 0..K-1 in one fused multiply-add chain
 * per fixed block of k (block size depends on the path only), whatever m, n and the position in the matrix. One exception: a single column
 * (n == 1, A not transposed) is summed by lanes and then by a fixed tree; that order too depends on k alone, so a row never depends on its
 * batch. */
typedef struct an_gemm {
    bool ta, tb, accumulate;
    int64_t m, n, k, lda, ldb, ldc;
    const void *a, *b;
    const void *packed; /* B packed by pack_b of this path, or NULL: b is read (and packed into scratch if that pays) */
    void *c;
    const void *bias; /* n values added to every row, or NULL */
    bool leaky;       /* then c = max-like leaky ReLU with slope */
    double slope;
    const void *times; /* m x n (ld ldc), multiplied elementwise last, or NULL */
    void *scratch;     /* gemm_scratch bytes, 64-byte aligned */
} an_gemm;

/* ---- elementwise chains ------------------------------------------------------------------------------------------------------- */

/* codes: unary read a; binary a, b; where a, b, c. attr: slope, bounds, scalar. */
/* clang-format off */
#define AN_CHAIN_CODES(X)                                                                                                         \
    X(add) X(sub) X(mul) X(div) X(minimum) X(maximum) X(greater) X(greater_equal) X(equal) X(where) X(is_nan) X(neg) X(exp) X(log) \
    X(sqrt) X(square) X(reciprocal) X(abs) X(sign) X(tanh) X(sigmoid) X(softplus) X(erf) X(leaky_relu) X(leaky_step) X(clip)       \
    X(clip_step) X(add_scalar) X(mul_scalar) X(copy)
/* clang-format on */
typedef enum an_chain_code {
#define AN_CHAIN_ENUM(name) AN_CHAIN_##name,
    AN_CHAIN_CODES(AN_CHAIN_ENUM)
#undef AN_CHAIN_ENUM
        AN_CHAIN_CODE_COUNT
} an_chain_code; /* leaky_step(x, slope): x > 0 ? 1 : slope; clip_step(x, lo, hi): lo <= x <= hi ? 1 : 0 */

enum { AN_CHAIN_OPS = 32, AN_CHAIN_OPERANDS = 16 };
typedef struct an_chain_op {
    /* values 0..inputs-1 are the inputs, inputs+i is the result of operation i (so `to` is implied: inputs + index) */
    uint8_t code, to, a, b, c;
    double attr, attr2;
} an_chain_op;
typedef struct an_chain {
    int inputs, count, outputs;
    an_chain_op op[AN_CHAIN_OPS];
    uint8_t output[AN_CHAIN_OPERANDS]; /* which value each output stores */
} an_chain;
/* A rows x cols view: element (r, c) is data[r * row + c * col]; col is 0 or 1, row any (0: broadcast). Outputs have col 1. */
typedef struct an_operand {
    void *data;
    int64_t row, col;
} an_operand;

typedef struct an_kernels {
    const char *name;
    int lanes_f32;
    size_t (*pack_bytes)(an_dtype t, int64_t k, int64_t n);
    void (*pack_b)(an_dtype t, bool tb, int64_t k, int64_t n, const void *b, int64_t ldb, void *packed);
    size_t (*gemm_scratch)(an_dtype t, int64_t m, int64_t n, int64_t k, bool ta, bool tb);
    void (*gemm)(an_dtype t, const an_gemm *g);
    /* operands: inputs then outputs; an output may be the same memory as an input with the same view. Runs in cache-sized blocks. */
    void (*chain)(an_dtype t, const an_chain *c, const an_operand *operands, int64_t rows, int64_t cols);
    /* out[o, i] = sum (or max) over r of in[o, r, i], in order of r for inner > 1; for inner == 1 in a fixed lane order that depends on
     * `reduce` alone */
    void (*sum)(an_dtype t, const void *in, int64_t outer, int64_t reduce, int64_t inner, void *out);
    void (*max)(an_dtype t, const void *in, int64_t outer, int64_t reduce, int64_t inner, void *out);
    void (*transpose)(an_dtype t, const void *in, int64_t rows, int64_t cols, int64_t ld_in, void *out, int64_t ld_out);
    /* rows x cols draws: element (r, c) depends on (key, high, first_row + r, c) alone. f32 uniforms are multiples of 2^-24 in [0,1), f64
     * ones of 2^-53 (two words each: draws.inc). Normals by Box-Muller. */
    void (*uniform)(an_dtype t, uint64_t key, uint64_t high, uint64_t first_row, int64_t rows, int64_t cols, void *out);
    void (*normal)(an_dtype t, uint64_t key, uint64_t high, uint64_t first_row, int64_t rows, int64_t cols, void *out);
} an_kernels;

/* Threads that run kernels treat subnormal numbers as zero (they would cost a hundred cycles each), so that results do not depend on the
 * thread. enter returns the mode to give back to leave. */
uint64_t an__float_mode_enter(void);
void an__float_mode_leave(uint64_t mode);

const an_kernels *an__kernels(const char *path); /* NULL: the best available; NULL result: not on this processor */

#endif
