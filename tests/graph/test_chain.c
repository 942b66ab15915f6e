/* test_chain.c - elementwise chains on every CPU path: functions against libm in more precision, random chains against a scalar
 * interpreter, and bits that must not depend on where an element lies. */
#include "graph/kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

static const char *const PATHS[] = { "avx512", "avx2", "neon", "plain" };

#define EACH_PATH(k)                                         \
    for (size_t path_ = 0; path_ < AN_COUNT(PATHS); path_++) \
        for (const an_kernels *k = an__kernels(PATHS[path_]); k; k = NULL)

static an_chain one_op(int code, int inputs, double attr, double attr2)
{
    an_chain c = { .inputs = inputs, .count = 1, .outputs = 1, .output = { (uint8_t)inputs } };
    c.op[0] = (an_chain_op){ .code = (uint8_t)code, .a = 0, .b = 1, .c = 2, .attr = attr, .attr2 = attr2 };
    return c;
}

/* ---- functions -------------------------------------------------------------------------------------------------------------- */

static long double exact_sigmoid(long double x)
{
    return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x));
}
static long double exact_softplus(long double x)
{
    return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x));
}

typedef struct function {
    const char *name;
    int code;
    long double (*exact)(long double);
    double low, high; /* swept evenly, and at both signs of powers of two within */
    double limit[2];  /* f32, f64: units in the last place */
} function;

static const function FUNCTIONS[] = {
    { "exp", AN_CHAIN_exp, expl, -87, 88.7, { 1.1, 1.1 } },
    { "exp", AN_CHAIN_exp, expl, -104, 0, { 1.1, 1.1 } },
    { "exp", AN_CHAIN_exp, expl, -708, 709.7, { INFINITY, 1.1 } },
    { "log", AN_CHAIN_log, logl, 1e-37, 4, { .95, .95 } },
    { "log", AN_CHAIN_log, logl, 1e-37, 1e30, { .95, .95 } },
    { "tanh", AN_CHAIN_tanh, tanhl, -12, 12, { 2.5, 2.7 } },
    { "tanh", AN_CHAIN_tanh, tanhl, -.5, .5, { 2.5, 2.7 } },
    { "sigmoid", AN_CHAIN_sigmoid, exact_sigmoid, -80, 80, { 2.5, 2.2 } },
    { "softplus", AN_CHAIN_softplus, exact_softplus, -80, 80, { 2, 2 } },
    { "erf", AN_CHAIN_erf, erfl, -5, 5, { 2.6, 2.1 } },
    { "erf", AN_CHAIN_erf, erfl, -6.5, 6.5, { 2.6, 2.1 } },
    { "sqrt", AN_CHAIN_sqrt, sqrtl, 0, 1e6, { 0.5001, 0.5001 } },
};

static double units(an_dtype t, double got, long double want)
{
    int e;
    if ((double)want == got) return 0;
    frexpl(want, &e);
    int lowest = t == AN_F32 ? -149 : -1074, place = e - (t == AN_F32 ? 24 : 53);
    return (double)(fabsl(got - want) / ldexpl(1, place > lowest ? place : lowest));
}

#ifdef ANDON_SANITIZED
enum { POINTS = 20000 };
#else
enum { POINTS = 300000 };
#endif

static void test_functions(void **state)
{
    (void)state;
    float *x32 = malloc(POINTS * sizeof *x32), *y32 = malloc(POINTS * sizeof *y32);
    double *x64 = malloc(POINTS * sizeof *x64), *y64 = malloc(POINTS * sizeof *y64);
    EACH_PATH(k) {
        for (size_t f = 0; f < AN_COUNT(FUNCTIONS); f++) {
            const function *fn = &FUNCTIONS[f];
            an_chain c = one_op(fn->code, 1, 0, 0);
            double worst[2] = { 0 }, place[2] = { 0 };
            an_rng r = an_rng_at(1, f);
            for (int i = 0; i < POINTS; i++) {
                double x = fn->low + (fn->high - fn->low) * an_rng_uniform(&r);
                if (i % 4 == 0) x = (fn->high * an_rng_uniform(&r)) * ldexp(1, -(int)an_rng_below(&r, 30)); /* near zero */
                if (i % 8 == 0 && fn->low < 0) x = -x;
                if (x < fn->low || x > fn->high) x = fn->low;
                x64[i] = x;
                x32[i] = (float)x;
            }
            k->chain(AN_F32, &c, (an_operand[]){ { x32, POINTS, 1 }, { y32, POINTS, 1 } }, 1, POINTS);
            k->chain(AN_F64, &c, (an_operand[]){ { x64, POINTS, 1 }, { y64, POINTS, 1 } }, 1, POINTS);
            for (int i = 0; i < POINTS; i++) {
                double e32 = units(AN_F32, y32[i], fn->exact(x32[i])), e64 = units(AN_F64, y64[i], fn->exact(x64[i]));
                if (!(e32 <= worst[0])) worst[0] = e32, place[0] = x32[i];
                if (!(e64 <= worst[1])) worst[1] = e64, place[1] = x64[i];
            }
            print_message("  %-6s %-8s [%g, %g]: %.2f units at %.9g (f32), %.2f at %.17g (f64)\n", k->name, fn->name, fn->low, fn->high,
                          worst[0], place[0], worst[1], place[1]);
            assert_true(worst[0] <= fn->limit[0]);
            assert_true(worst[1] <= fn->limit[1]);
        }
    }
    free(x32);
    free(y32);
    free(x64);
    free(y64);
}

/* x, want: NAN as want means NaN */
static void expect(const an_kernels *k, int code, const double (*cases)[2], size_t count, double attr, double attr2)
{
    an_chain c = one_op(code, 1, attr, attr2);
    for (size_t i = 0; i < count; i++) {
        float x = (float)cases[i][0], y = 7;
        double xd = cases[i][0], yd = 7, want = cases[i][1];
        k->chain(AN_F32, &c, (an_operand[]){ { &x, 1, 1 }, { &y, 1, 1 } }, 1, 1);
        k->chain(AN_F64, &c, (an_operand[]){ { &xd, 1, 1 }, { &yd, 1, 1 } }, 1, 1);
        bool same32 = isnan(want) ? isnan(y) : (float)want == y && !signbit(want) == !signbit(y),
             same64 = isnan(want) ? isnan(yd) : want == yd && !signbit(want) == !signbit(yd);
        if (!same32 || !same64) fail_msg("%s: operation %d of %g gives %g and %g, not %g", k->name, code, cases[i][0], (double)y, yd, want);
    }
}

static void test_special_values(void **state)
{
    (void)state;
    EACH_PATH(k) {
        expect(k, AN_CHAIN_exp,
               (const double[][2]){
                   { 0, 1 }, { -0.0, 1 }, { INFINITY, INFINITY }, { -INFINITY, 0 }, { NAN, NAN }, { 1000, INFINITY }, { -1000, 0 } },
               7, 0, 0);
        expect(k, AN_CHAIN_log,
               (const double[][2]){
                   { 1, 0 }, { 0, -INFINITY }, { -0.0, -INFINITY }, { -1, NAN }, { INFINITY, INFINITY }, { -INFINITY, NAN }, { NAN, NAN } },
               7, 0, 0);
        expect(k, AN_CHAIN_tanh,
               (const double[][2]){ { 0, 0 },
                                    { -0.0, -0.0 },
                                    { 100, 1 },
                                    { -100, -1 },
                                    { INFINITY, 1 },
                                    { -INFINITY, -1 },
                                    { NAN, NAN },
                                    { 0x1p-100, 0x1p-100 } },
               8, 0, 0);
        expect(k, AN_CHAIN_sigmoid, (const double[][2]){ { 0, .5 }, { INFINITY, 1 }, { -INFINITY, 0 }, { NAN, NAN } }, 4, 0, 0);
        expect(k, AN_CHAIN_softplus,
               (const double[][2]){ { INFINITY, INFINITY }, { -INFINITY, 0 }, { NAN, NAN }, { 1000, 1000 }, { -2000, 0 } }, 5, 0, 0);
        expect(k, AN_CHAIN_erf,
               (const double[][2]){ { 0, 0 }, { -0.0, -0.0 }, { INFINITY, 1 }, { -INFINITY, -1 }, { NAN, NAN }, { 20, 1 } }, 6, 0, 0);
        expect(k, AN_CHAIN_sqrt, (const double[][2]){ { 4, 2 }, { 0, 0 }, { -1, NAN }, { NAN, NAN } }, 4, 0, 0);
        expect(k, AN_CHAIN_sign, (const double[][2]){ { 3, 1 }, { -2, -1 }, { 0, 0 }, { NAN, NAN } }, 4, 0, 0);
        expect(k, AN_CHAIN_abs, (const double[][2]){ { -3, 3 }, { -0.0, 0 }, { -INFINITY, INFINITY }, { NAN, NAN } }, 4, 0, 0);
        expect(k, AN_CHAIN_neg, (const double[][2]){ { 3, -3 }, { 0, -0.0 }, { INFINITY, -INFINITY } }, 3, 0, 0);
        expect(k, AN_CHAIN_reciprocal, (const double[][2]){ { 4, .25 }, { 0, INFINITY }, { -INFINITY, -0.0 } }, 3, 0, 0);
        expect(k, AN_CHAIN_is_nan, (const double[][2]){ { NAN, 1 }, { 1, 0 }, { INFINITY, 0 } }, 3, 0, 0);
        expect(k, AN_CHAIN_leaky_relu, (const double[][2]){ { 4, 4 }, { -4, -1 }, { 0, 0 }, { NAN, NAN } }, 4, .25, 0);
        expect(k, AN_CHAIN_leaky_step, (const double[][2]){ { 4, 1 }, { -4, .25 }, { 0, .25 } }, 3, .25, 0);
        expect(k, AN_CHAIN_clip, (const double[][2]){ { 4, 2 }, { -4, -1 }, { .5, .5 }, { NAN, NAN }, { INFINITY, 2 } }, 5, -1, 2);
        expect(k, AN_CHAIN_clip_step, (const double[][2]){ { 4, 0 }, { -4, 0 }, { .5, 1 }, { 2, 1 }, { -1, 1 }, { NAN, 0 } }, 6, -1, 2);
        expect(k, AN_CHAIN_add_scalar, (const double[][2]){ { 4, 4.25 } }, 1, .25, 0);
        expect(k, AN_CHAIN_mul_scalar, (const double[][2]){ { 4, 1 } }, 1, .25, 0);
        for (int i = 0; i < 2; i++) { /* NaN wins from either side */
            float x[3] = { i ? NAN : 1, i ? 1 : NAN, 0 };
            for (int code = AN_CHAIN_minimum; code <= AN_CHAIN_maximum; code++) {
                an_chain c = one_op(code, 2, 0, 0);
                k->chain(AN_F32, &c, (an_operand[]){ { &x[0], 1, 1 }, { &x[1], 1, 1 }, { &x[2], 1, 1 } }, 1, 1);
                assert_true(isnan(x[2]));
            }
        }
    }
}

/* ---- random chains ------------------------------------------------------------------------------------------------------------- */

/* One element through the chain in scalar arithmetic; only operations that IEEE 754 rounds exactly, so that bits must agree. */
#define SCALAR(T, NAME, ROOT)                                                                                        \
    static void NAME(const an_chain *c, T *v)                                                                        \
    {                                                                                                                \
        for (int i = 0; i < c->count; i++) {                                                                         \
            const an_chain_op *op = &c->op[i];                                                                       \
            T x = v[op->a], y = v[op->b], z = v[op->c], s = (T)op->attr, s2 = (T)op->attr2, *to = &v[c->inputs + i]; \
            switch ((an_chain_code)op->code) {                                                                       \
            case AN_CHAIN_add:                                                                                       \
                *to = x + y;                                                                                         \
                break;                                                                                               \
            case AN_CHAIN_sub:                                                                                       \
                *to = x - y;                                                                                         \
                break;                                                                                               \
            case AN_CHAIN_mul:                                                                                       \
                *to = x * y;                                                                                         \
                break;                                                                                               \
            case AN_CHAIN_div:                                                                                       \
                *to = x / y;                                                                                         \
                break;                                                                                               \
            case AN_CHAIN_minimum:                                                                                   \
                *to = x < y || x != x ? x : y;                                                                       \
                break;                                                                                               \
            case AN_CHAIN_maximum:                                                                                   \
                *to = x > y || x != x ? x : y;                                                                       \
                break;                                                                                               \
            case AN_CHAIN_greater:                                                                                   \
                *to = x > y;                                                                                         \
                break;                                                                                               \
            case AN_CHAIN_greater_equal:                                                                             \
                *to = x >= y;                                                                                        \
                break;                                                                                               \
            case AN_CHAIN_equal:                                                                                     \
                *to = x == y;                                                                                        \
                break;                                                                                               \
            case AN_CHAIN_where:                                                                                     \
                *to = x != 0 ? y : z;                                                                                \
                break;                                                                                               \
            case AN_CHAIN_is_nan:                                                                                    \
                *to = x != x;                                                                                        \
                break;                                                                                               \
            case AN_CHAIN_neg:                                                                                       \
                *to = -x;                                                                                            \
                break;                                                                                               \
            case AN_CHAIN_sqrt:                                                                                      \
                *to = ROOT(x);                                                                                       \
                break;                                                                                               \
            case AN_CHAIN_square:                                                                                    \
                *to = x * x;                                                                                         \
                break;                                                                                               \
            case AN_CHAIN_reciprocal:                                                                                \
                *to = 1 / x;                                                                                         \
                break;                                                                                               \
            case AN_CHAIN_abs:                                                                                       \
                *to = (T)fabs((double)x);                                                                            \
                break;                                                                                               \
            case AN_CHAIN_sign:                                                                                      \
                *to = x > 0 ? 1 : x < 0 ? -1 : x == 0 ? 0 : x;                                                       \
                break;                                                                                               \
            case AN_CHAIN_leaky_relu:                                                                                \
                *to = x > 0 ? x : x * s;                                                                             \
                break;                                                                                               \
            case AN_CHAIN_leaky_step:                                                                                \
                *to = x > 0 ? 1 : s;                                                                                 \
                break;                                                                                               \
            case AN_CHAIN_clip:                                                                                      \
                *to = x < s ? s : x > s2 ? s2 : x;                                                                   \
                break;                                                                                               \
            case AN_CHAIN_clip_step:                                                                                 \
                *to = x >= s && x <= s2;                                                                             \
                break;                                                                                               \
            case AN_CHAIN_add_scalar:                                                                                \
                *to = x + s;                                                                                         \
                break;                                                                                               \
            case AN_CHAIN_mul_scalar:                                                                                \
                *to = x * s;                                                                                         \
                break;                                                                                               \
            case AN_CHAIN_copy:                                                                                      \
                *to = x;                                                                                             \
                break;                                                                                               \
            default:                                                                                                 \
                fail_msg("operation %d is not exact", op->code);                                                     \
            }                                                                                                        \
        }                                                                                                            \
    }
SCALAR(float, scalar_f32, sqrtf)
SCALAR(double, scalar_f64, sqrt)

static bool rounds_exactly(int code)
{
    return code != AN_CHAIN_exp && code != AN_CHAIN_log && code != AN_CHAIN_tanh && code != AN_CHAIN_sigmoid && code != AN_CHAIN_softplus &&
           code != AN_CHAIN_erf;
}

static an_chain random_chain(an_rng *r)
{
    an_chain c = { .inputs = 1 + (int)an_rng_below(r, 5),
                   .count = 1 + (int)an_rng_below(r, an_rng_below(r, 2) ? 6 : AN_CHAIN_OPS),
                   .outputs = 0 };
    for (int i = 0; i < c.count; i++) {
        an_chain_op *op = &c.op[i];
        do op->code = (uint8_t)an_rng_below(r, AN_CHAIN_CODE_COUNT);
        while (!rounds_exactly(op->code));
        uint64_t known = (uint64_t)(c.inputs + i);
        op->a = (uint8_t)(an_rng_below(r, 3) ? known - 1 : an_rng_below(r, known));
        op->b = (uint8_t)an_rng_below(r, known);
        op->c = (uint8_t)an_rng_below(r, known);
        op->attr = an_rng_uniform(r) - .7;
        op->attr2 = op->attr + an_rng_uniform(r);
    }
    c.outputs = 1 + (int)an_rng_below(r, 4);
    for (int i = 0; i < c.outputs; i++) c.output[i] = (uint8_t)an_rng_below(r, (uint64_t)(c.inputs + c.count));
    c.output[0] = (uint8_t)(c.inputs + c.count - 1);
    return c;
}

typedef enum view { WHOLE, GAPS, ROW, COLUMN, ONE, COLUMN_GAPS, VIEWS } view;

static double value_at(an_dtype t, const void *p, int64_t i)
{
    return t == AN_F32 ? (double)((const float *)p)[i] : ((const double *)p)[i];
}

static void random_case(const an_kernels *k, an_rng *r, an_dtype t)
{
    static const int64_t heights[] = { 1, 2, 3, 7, 16, 33, 70 },
                         widths[] = { 1, 2, 3, 5, 8, 15, 16, 17, 31, 64, 66, 100, 255, 256, 257, 512, 700 };
    an_chain c = random_chain(r);
    int64_t rows = heights[an_rng_below(r, AN_COUNT(heights))], cols = widths[an_rng_below(r, AN_COUNT(widths))];
    an_operand operands[2 * AN_CHAIN_OPERANDS];
    void *memory[2 * AN_CHAIN_OPERANDS], *before[AN_CHAIN_OPERANDS];
    const size_t size = an_dtype_bytes(t);
    const bool in_place = an_rng_below(r, 3) == 0;
    for (int i = 0; i < c.inputs + c.outputs; i++) {
        view kind = i < c.inputs ? (view)an_rng_below(r, VIEWS) : an_rng_below(r, 4) ? WHOLE : GAPS;
        operands[i] = kind == WHOLE    ? (an_operand){ NULL, cols, 1 }
                      : kind == GAPS   ? (an_operand){ NULL, cols + 3, 1 }
                      : kind == ROW    ? (an_operand){ NULL, 0, 1 }
                      : kind == COLUMN ? (an_operand){ NULL, 1, 0 }
                      : kind == ONE    ? (an_operand){ NULL, 0, 0 }
                                       : (an_operand){ NULL, 2, 0 };
        size_t n = (size_t)((rows - 1) * operands[i].row + (cols - 1) * operands[i].col + 1);
        operands[i].data = memory[i] = malloc(n * size);
        for (size_t j = 0; j < n; j++) {
            double x = an_rng_below(r, 12) ? 4 * an_rng_uniform(r) - 2 : 0;
            if (t == AN_F32) ((float *)memory[i])[j] = (float)x;
            if (t == AN_F64) ((double *)memory[i])[j] = x;
        }
        if (i < c.inputs) {
            before[i] = malloc(n * size);
            memcpy(before[i], memory[i], n * size);
        }
    }
    /* outputs over inputs of the same view, each once; an output that copies another input would be a second reader of its memory */
    if (in_place) {
        for (int o = 0, taken = 0; o < c.outputs && taken < c.inputs; o++) {
            while (taken < c.inputs && (operands[taken].col != 1 || operands[taken].row < cols)) taken++;
            if (taken == c.inputs) break;
            if (c.output[o] < c.inputs) continue;
            bool copied = false;
            for (int q = 0; q < c.outputs; q++) copied |= c.output[q] == taken;
            if (copied) {
                taken++;
                continue;
            }
            operands[c.inputs + o] = operands[taken++];
        }
    }
    k->chain(t, &c, operands, rows, cols);
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t col = 0; col < cols; col++) {
            float v32[AN_CHAIN_OPS + AN_CHAIN_OPERANDS] = { 0 };
            double v64[AN_CHAIN_OPS + AN_CHAIN_OPERANDS] = { 0 };
            for (int i = 0; i < c.inputs; i++) {
                double x = value_at(t, before[i], row * operands[i].row + col * operands[i].col);
                v32[i] = (float)x;
                v64[i] = x;
            }
            if (t == AN_F32) scalar_f32(&c, v32);
            if (t == AN_F64) scalar_f64(&c, v64);
            for (int o = 0; o < c.outputs; o++) {
                const an_operand *to = &operands[c.inputs + o];
                double got = value_at(t, to->data, row * to->row + col), want = t == AN_F32 ? (double)v32[c.output[o]] : v64[c.output[o]];
                if (!(got == want || (isnan(got) && isnan(want)))) {
                    fail_msg("%s %s %lldx%lld, element %lld,%lld, output %d: %.17g, not %.17g", k->name, an_dtype_name(t), (long long)rows,
                             (long long)cols, (long long)row, (long long)col, o, got, want);
                }
            }
        }
    }
    for (int i = 0; i < c.inputs + c.outputs; i++) free(memory[i]);
    for (int i = 0; i < c.inputs; i++) free(before[i]);
}

static void test_random_chains(void **state)
{
    (void)state;
    EACH_PATH(k) {
        an_rng r = an_rng_at(2, path_);
        for (int i = 0; i < POINTS / 500; i++) random_case(k, &r, i % 2 ? AN_F64 : AN_F32);
    }
}

/* Every function: an element has the same bits alone, inside a long row, in short rows and in a gap-filled view. */
static void test_place_changes_no_bits(void **state)
{
    (void)state;
    enum { N = 1331 };
    EACH_PATH(k) {
        for (int wide = 0; wide < 2; wide++) {
            const an_dtype t = wide ? AN_F64 : AN_F32;
            const size_t size = an_dtype_bytes(t);
            char x[N * 8], whole[N * 8], rows[N * 8], alone[8], gaps[2 * N * 8], spread[2 * N * 8];
            an_rng r = an_rng_at(8, (uint64_t)wide);
            for (int i = 0; i < N; i++) {
                double v = 8 * an_rng_uniform(&r) - 4;
                float f = (float)v;
                memcpy(x + (size_t)i * size, wide ? (void *)&v : (void *)&f, size);
            }
            for (int i = 0; i < 121; i++) memcpy(spread + (size_t)i * 13 * size, x + (size_t)i * 11 * size, 11 * size);
            for (int code = 0; code < AN_CHAIN_CODE_COUNT; code++) {
                an_chain c = one_op(code, 3, .3, .9);
                c.op[0].b = c.op[0].c = 0;
                an_operand in = { x, N, 1 }, short_in = { x, 11, 1 }, gap_in = { spread, 13, 1 };
                k->chain(t, &c, (an_operand[]){ in, in, in, { whole, N, 1 } }, 1, N);
                k->chain(t, &c, (an_operand[]){ short_in, gap_in, short_in, { rows, 11, 1 } }, 121, 11);
                assert_memory_equal(whole, rows, N * size);
                k->chain(t, &c, (an_operand[]){ gap_in, gap_in, gap_in, { gaps, 12, 1 } }, 121, 11);
                for (int i = 0; i < 121; i++) assert_memory_equal(whole + (size_t)i * 11 * size, gaps + (size_t)i * 12 * size, 11 * size);
                for (int i = 0; i < N; i += 7) {
                    an_operand lone = { x + (size_t)i * size, 0, 0 };
                    k->chain(t, &c, (an_operand[]){ lone, lone, lone, { alone, 1, 1 } }, 1, 1);
                    assert_memory_equal(whole + (size_t)i * size, alone, size);
                }
            }
        }
    }
}

/* Adam in place, the chain an optimiser makes: three outputs over three of four inputs. */
static void test_adam_in_place(void **state)
{
    (void)state;
    enum { N = 1003 };
    EACH_PATH(k) {
        float w[N], m[N], v[N], g[N], w2[N], m2[N], v2[N], rate = .01f;
        an_rng r = an_rng_at(4, 4);
        for (int i = 0; i < N; i++) {
            w[i] = w2[i] = (float)an_rng_normal(&r);
            m[i] = m2[i] = (float)an_rng_normal(&r);
            v[i] = v2[i] = (float)an_rng_uniform(&r);
            g[i] = (float)an_rng_normal(&r);
        }
        enum { W, M, V, G, RATE, FIRST };
        an_chain c = { .inputs = FIRST, .count = 12, .outputs = 3 };
        const an_chain_op ops[] = {
            { .code = AN_CHAIN_mul_scalar, .a = M, .attr = .9 },           /* 0 */
            { .code = AN_CHAIN_mul_scalar, .a = G, .attr = .1 },           /* 1 */
            { .code = AN_CHAIN_add, .a = FIRST + 0, .b = FIRST + 1 },      /* 2: m' */
            { .code = AN_CHAIN_mul_scalar, .a = V, .attr = .999 },         /* 3 */
            { .code = AN_CHAIN_square, .a = G },                           /* 4 */
            { .code = AN_CHAIN_mul_scalar, .a = FIRST + 4, .attr = .001 }, /* 5 */
            { .code = AN_CHAIN_add, .a = FIRST + 3, .b = FIRST + 5 },      /* 6: v' */
            { .code = AN_CHAIN_sqrt, .a = FIRST + 6 },                     /* 7 */
            { .code = AN_CHAIN_add_scalar, .a = FIRST + 7, .attr = 1e-8 }, /* 8 */
            { .code = AN_CHAIN_div, .a = FIRST + 2, .b = FIRST + 8 },      /* 9 */
            { .code = AN_CHAIN_mul, .a = FIRST + 9, .b = RATE },           /* 10 */
            { .code = AN_CHAIN_sub, .a = W, .b = FIRST + 10 },             /* 11: w' */
        };
        memcpy(c.op, ops, sizeof ops);
        c.output[0] = FIRST + 11;
        c.output[1] = FIRST + 2;
        c.output[2] = FIRST + 6;
        for (int step = 0; step < 3; step++) {
            k->chain(AN_F32, &c,
                     (an_operand[]){
                         { w, N, 1 }, { m, N, 1 }, { v, N, 1 }, { g, N, 1 }, { &rate, 0, 0 }, { w, N, 1 }, { m, N, 1 }, { v, N, 1 } },
                     1, N);
            for (int i = 0; i < N; i++) {
                m2[i] = .9f * m2[i] + .1f * g[i];
                v2[i] = .999f * v2[i] + .001f * (g[i] * g[i]);
                w2[i] = w2[i] - m2[i] / (sqrtf(v2[i]) + 1e-8f) * rate;
            }
        }
        assert_memory_equal(w, w2, sizeof w);
        assert_memory_equal(m, m2, sizeof m);
        assert_memory_equal(v, v2, sizeof v);
    }
}

/* The value written first is still read, from the input's memory, by a later operation: it must be the old one. */
static void test_overwritten_input_is_read_later(void **state)
{
    (void)state;
    EACH_PATH(k) {
        double x[700], y[700];
        an_chain c = { .inputs = 1, .count = 2, .outputs = 2, .output = { 1, 2 } };
        c.op[0] = (an_chain_op){ .code = AN_CHAIN_add_scalar, .a = 0, .attr = 1 };
        c.op[1] = (an_chain_op){ .code = AN_CHAIN_mul, .a = 0, .b = 1 };
        for (int i = 0; i < 700; i++) x[i] = i;
        k->chain(AN_F64, &c, (an_operand[]){ { x, 700, 1 }, { x, 700, 1 }, { y, 700, 1 } }, 1, 700);
        for (int i = 0; i < 700; i++) {
            assert_true(x[i] == i + 1);
            assert_true(y[i] == (double)i * (i + 1));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions),     cmocka_unit_test(test_special_values),
        cmocka_unit_test(test_random_chains), cmocka_unit_test(test_place_changes_no_bits),
        cmocka_unit_test(test_adam_in_place), cmocka_unit_test(test_overwritten_input_is_read_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
