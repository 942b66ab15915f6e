/* Programs: the fused one against the plain one, updates, fewer rows than planned, draws by chunks, threads and row independence, memory,
 * errors. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wgan_graph.h"

#ifdef ANDON_SANITIZED
enum { STEPS = 10 };
#else
enum { STEPS = 60 };
#endif

static void must(bool ok, const an_error *err)
{
    if (!ok) fail_msg("%s", err->message);
}

/* ---- counting allocations: the program's own malloc hands on to the C library's ------------------------------------------------- */

#if !defined(ANDON_SANITIZED) && defined(__GLIBC__)
#define COUNTS 1
static size_t allocations;
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);
void *malloc(size_t n)
{
    __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
    return __libc_malloc(n);
}
void *calloc(size_t n, size_t size)
{
    __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
    return __libc_calloc(n, size);
}
void *realloc(void *p, size_t n)
{
    __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
    return __libc_realloc(p, n);
}
void *aligned_alloc(size_t align, size_t n)
{
    __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
    return __libc_memalign(align, n);
}
int posix_memalign(void **p, size_t align, size_t n)
{
    __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
    *p = __libc_memalign(align, n);
    return *p == NULL;
}
#endif

/* ---- a WGAN-GP ---------------------------------------------------------------------------------------------------------------------- */

static const an_optimiser adam = { .kind = "adam", .rate = 1e-3, .beta1 = 0.5, .beta2 = 0.9, .epsilon = 1e-8 };
static const an_optimiser rmsprop = { .kind = "rmsprop", .rate = 1e-3, .rho = 0.9, .epsilon = 1e-8, .clip = 0.25, .momentum = 0.5 };

/* Trains the critic; returns its parameters and state. */
static an_params *train(an_dtype t, int64_t batch, int64_t hidden, const an_optimiser *o, bool plain, int steps, int threads, double *loss)
{
    an_error err = { 0 };
    an_params *params = an_params_new();
    an_program *p = wgan_critic(params, t, batch, hidden, o, plain, &err);
    must(p != NULL, &err);
    an_session *s = an_session_new(p, params, 5, &err);
    must(s != NULL, &err);
    an_pool *pool = threads > 1 ? an_pool_new(threads) : NULL;
    size_t n = (size_t)batch * WGAN_FEATURES;
    double *d = malloc(n * sizeof *d);
    float *f = malloc(n * sizeof *f);
    assert_true(d != NULL && f != NULL);
    for (size_t i = 0; i < n; i++) f[i] = (float)(d[i] = (float)sin((double)i * 0.37));
    an_binding in = { "real", t == AN_F32 ? (void *)f : (void *)d };
    for (int i = 0; i < steps; i++)
        must(an_session_run(s, &(an_run){ .inputs = &in, .input_count = 1, .rows = batch, .step = (uint64_t)i }, pool, &err), &err);
    const void *last = an_session_output(s, "loss");
    *loss = t == AN_F32 ? (double)*(const float *)last : *(const double *)last;
    an_pool_free(pool);
    an_session_free(s);
    an_program_free(p);
    free(d);
    free(f);
    return params;
}

static void compare_params(const an_params *a, const an_params *b, double tolerance)
{
    assert_int_equal(an_params_count(a), an_params_count(b));
    for (size_t i = 0; i < an_params_count(a); i++) {
        const an_tensor *x = an_params_at(a, i), *y = an_params_at(b, i);
        assert_string_equal(x->name, y->name);
        for (size_t k = 0; k < x->count; k++) {
            double u = x->dtype == AN_F32 ? (double)((float *)x->data)[k] : ((double *)x->data)[k],
                   v = y->dtype == AN_F32 ? (double)((float *)y->data)[k] : ((double *)y->data)[k];
            if (!(fabs(u - v) <= tolerance * (1 + fabs(u)))) fail_msg("%s[%d]: %.17g and %.17g", x->name, (int)k, u, v);
        }
    }
}

static void test_fused_is_plain(void **unused)
{
    (void)unused;
    const an_optimiser *o[] = { &adam, &rmsprop };
    for (int i = 0; i < 2; i++) {
        double a, b;
        an_params *fused = train(AN_F64, 20, 24, o[i], false, STEPS, 1, &a), *plain = train(AN_F64, 20, 24, o[i], true, STEPS, 1, &b);
        compare_params(fused, plain, 1e-9);
        assert_true(fabs(a - b) < 1e-9);
        assert_true(isfinite(a));
        an_params_release(fused);
        an_params_release(plain);
    }
}

static void test_threads_give_the_same_bits(void **unused)
{
    (void)unused;
    double loss[3];
    const int threads[] = { 1, 2, 8 };
    an_params *p[3];
    for (int i = 0; i < 3; i++) p[i] = train(AN_F32, 300, 200, &adam, false, 4, threads[i], &loss[i]);
    for (int i = 1; i < 3; i++) {
        assert_true(loss[0] == loss[i]);
        for (size_t k = 0; k < an_params_count(p[0]); k++) {
            const an_tensor *x = an_params_at(p[0], k), *y = an_params_at(p[i], k);
            assert_memory_equal(x->data, y->data, x->count * an_dtype_bytes(x->dtype));
        }
    }
    for (int i = 0; i < 3; i++) an_params_release(p[i]);
}

static void test_a_step_allocates_nothing(void **unused)
{
    (void)unused;
#ifdef COUNTS
    an_error err = { 0 };
    an_params *params = an_params_new();
    an_program *p = wgan_critic(params, AN_F32, 64, 64, &adam, false, &err);
    must(p != NULL, &err);
    an_session *s = an_session_new(p, params, 5, &err);
    must(s != NULL, &err);
    static float real[2][64 * WGAN_FEATURES];
    an_binding in = { "real", real[0] };
    size_t before = __atomic_load_n(&allocations, __ATOMIC_RELAXED);
    assert_true(before > 0);
    for (int i = 0; i < 10; i++) { /* the first run, fewer rows and moved inputs included */
        in.data = real[i % 2];
        bool ok =
            an_session_run(s, &(an_run){ .inputs = &in, .input_count = 1, .rows = i < 5 ? 64 : 60 - i, .step = (uint64_t)i }, NULL, &err);
        const void *out = an_session_output(s, "loss");
        if (!ok || out == NULL) fail();
    }
    assert_int_equal(__atomic_load_n(&allocations, __ATOMIC_RELAXED), before);
    an_session_free(s);
    an_program_free(p);
    an_params_release(params);
#else
    skip();
#endif
}

/* ---- rows ---------------------------------------------------------------------------------------------------------------------------- */

/* A network with every kind of row-wise operation. */
static an_node row_wise(an_graph *g, an_params *params, an_dtype t)
{
    an_node param[6];
    wgan_net(g, params, "net", t, WGAN_FEATURES, 33, 5, param);
    an_node x = an_input(g, "x", t, (an_shape){ 2, { AN_BATCH, WGAN_FEATURES } });
    an_node y = an_softmax(wgan_apply(param, x, 0.2));
    an_node parts[] = { y, an_row_norm(x), an_max_axis(x, 1, true), an_exp(an_slice(x, 1, 2, 3)),
                        an_mul(an_tanh(x), an_random_normal(g, t, (an_shape){ 2, { AN_BATCH, WGAN_FEATURES } })) };
    return an_concat(parts, 5, 1);
}

static void one_row_in_a_batch(an_dtype t)
{
    enum { ROWS = 37, COLS = 5 + 1 + 1 + 3 + WGAN_FEATURES };
    an_error err = { 0 };
    an_graph *g = an_graph_new();
    an_params *params = an_params_new();
    an_node y = row_wise(g, params, t);
    const char *name = "y";
    an_program *p = an_compile(g, &(an_target){ .rows = ROWS, .outputs = &y, .names = &name, .output_count = 1 }, &err);
    must(p != NULL, &err);
    assert_int_equal(an_node_shape(y).dim[1], COLS);
    an_graph_free(g);
    an_session *s = an_session_new(p, params, 5, &err);
    must(s != NULL, &err);
    double xd[ROWS * WGAN_FEATURES];
    float xf[ROWS * WGAN_FEATURES];
    for (int i = 0; i < ROWS * WGAN_FEATURES; i++) xf[i] = (float)(xd[i] = sin(i * 0.71) * 2);
    size_t es = an_dtype_bytes(t);
    const char *x = t == AN_F32 ? (const char *)xf : (const char *)xd;
    an_binding in = { "x", x };
    must(an_session_run(s, &(an_run){ .inputs = &in, .input_count = 1, .rows = ROWS, .step = 3, .first_row = 100 }, NULL, &err), &err);
    char *all = malloc(ROWS * COLS * es);
    assert_non_null(all);
    memcpy(all, an_session_output(s, "y"), ROWS * COLS * es);
    const int64_t chunks[] = { 1, 5, 16 };
    for (int c = 0; c < 3; c++)
        for (int64_t r = 0; r < ROWS; r += chunks[c]) {
            int64_t rows = ROWS - r < chunks[c] ? ROWS - r : chunks[c];
            in.data = x + (size_t)r * WGAN_FEATURES * es;
            must(an_session_run(s, &(an_run){ .inputs = &in, .input_count = 1, .rows = rows, .step = 3, .first_row = 100 + (uint64_t)r },
                                NULL, &err),
                 &err);
            if (memcmp(all + (size_t)r * COLS * es, an_session_output(s, "y"), (size_t)rows * COLS * es) != 0)
                fail_msg("%s on %s: rows %d.. of chunks of %d differ from the batch", an_dtype_name(t), an_cpu_path(), (int)r,
                         (int)chunks[c]);
        }
    free(all);
    an_session_free(s);
    an_program_free(p);
    an_params_release(params);
}

static void test_rows_do_not_depend_on_the_batch(void **unused)
{
    (void)unused;
    static const char *const paths[] = { "avx512", "avx2", "neon", "plain" };
    for (size_t i = 0; i < AN_COUNT(paths); i++) {
        if (!an_cpu_available(paths[i])) continue;
        setenv("ANDON_CPU", paths[i], 1);
        assert_string_equal(an_cpu_path(), paths[i]);
        one_row_in_a_batch(AN_F32);
        one_row_in_a_batch(AN_F64);
    }
    unsetenv("ANDON_CPU");
}

/* ---- updates ------------------------------------------------------------------------------------------------------------------------- */

static double *param(an_params *params, const char *name, int64_t n, double first)
{
    an_tensor *t = an_params_add(params, name, AN_F64, (an_shape){ 1, { n } }, NULL, NULL);
    assert_non_null(t);
    for (int64_t i = 0; i < n; i++) ((double *)t->data)[i] = first + (double)i;
    return t->data;
}

/* Values are computed from what parameters were before the run, also when they trade places, and outputs of a parameter show the old value.
 */
static void test_updates_come_last(void **unused)
{
    (void)unused;
    for (int plain = 0; plain < 2; plain++) {
        an_error err = { 0 };
        an_graph *g = an_graph_new();
        an_params *params = an_params_new();
        double *a = param(params, "a", 3, 1), *b = param(params, "b", 3, 10), *c = param(params, "c", 3, 100),
               *d = param(params, "d", 3, 1000);
        an_shape s = { 1, { 3 } };
        an_node na = an_param_node(g, "a", AN_F64, s), nb = an_param_node(g, "b", AN_F64, s), nc = an_param_node(g, "c", AN_F64, s),
                nd = an_param_node(g, "d", AN_F64, s);
        an_node next = an_add(an_mul_scalar(nc, 2), nd); /* c := 2c + d, d := c + that */
        an_update updates[] = { { na, nb }, { nb, na }, { nc, next }, { nd, an_add(nc, next) } };
        an_node out[] = { na, an_sum(nc), next };
        const char *const names[] = { "a", "sum", "next" };
        an_program *p = an_compile(
            g, &(an_target){ .outputs = out, .names = names, .output_count = 3, .updates = updates, .update_count = 4, .plain = plain },
            &err);
        must(p != NULL, &err);
        an_graph_free(g);
        an_session *session = an_session_new(p, params, 0, &err);
        must(session != NULL, &err);
        double xa = 1, xb = 10, xc[3] = { 100, 101, 102 }, xd[3] = { 1000, 1001, 1002 };
        for (int run = 0; run < 4; run++) {
            must(an_session_run(session, &(an_run){ 0 }, NULL, &err), &err);
            assert_true(*(const double *)an_session_output(session, "a") == xa);
            assert_true(*(const double *)an_session_output(session, "sum") == xc[0] + xc[1] + xc[2]);
            double was = xa;
            xa = xb;
            xb = was;
            assert_true(a[0] == xa && b[0] == xb);
            for (int i = 0; i < 3; i++) {
                double nextc = 2 * xc[i] + xd[i];
                xd[i] = xc[i] + nextc;
                xc[i] = nextc;
                assert_true(c[i] == xc[i] && d[i] == xd[i] && ((const double *)an_session_output(session, "next"))[i] == xc[i]);
            }
        }
        an_session_free(session);
        an_program_free(p);
        an_params_release(params);
    }
}

/* The same value for two parameters; a value that is a constant; a value read back through a product. */
static void test_awkward_updates(void **unused)
{
    (void)unused;
    for (int plain = 0; plain < 2; plain++) {
        an_error err = { 0 };
        an_graph *g = an_graph_new();
        an_params *params = an_params_new();
        double *a = param(params, "a", 2, 1), *b = param(params, "b", 2, 5), *k = param(params, "k", 2, 0), *w = param(params, "w", 4, 1);
        an_shape s = { 1, { 2 } };
        an_node na = an_param_node(g, "a", AN_F64, s), nb = an_param_node(g, "b", AN_F64, s), nk = an_param_node(g, "k", AN_F64, s),
                nw = an_param_node(g, "w", AN_F64, (an_shape){ 1, { 4 } });
        an_node sum = an_add(na, nb), m = an_reshape(nw, (an_shape){ 2, { 2, 2 } });
        an_update updates[] = { { na, sum },
                                { nb, sum },
                                { nk, an_constant(g, AN_F64, s, (double[]){ 7, 8 }) },
                                { nw, an_reshape(an_matmul(m, m), (an_shape){ 1, { 4 } }) } };
        an_program *p = an_compile(g, &(an_target){ .updates = updates, .update_count = 4, .plain = plain }, &err);
        must(p != NULL, &err);
        an_session *session = an_session_new(p, params, 0, &err);
        must(session != NULL, &err);
        must(an_session_run(session, &(an_run){ 0 }, NULL, &err), &err);
        assert_true(a[0] == 6 && a[1] == 8 && b[0] == 6 && b[1] == 8 && k[0] == 7 && k[1] == 8);
        assert_true(w[0] == 7 && w[1] == 10 && w[2] == 15 && w[3] == 22);
        an_session_free(session);
        an_program_free(p);
        an_params_release(params);
        an_graph_free(g);
    }
}

/* ---- draws
 * ---------------------------------------------------------------------------------------------------------------------------------------
 */

static void test_draws(void **unused)
{
    (void)unused;
    enum { ROWS = 4096 };
    an_error err = { 0 };
    an_graph *g = an_graph_new();
    an_shape s = { 2, { AN_BATCH, 3 } }, two = { 2, { AN_BATCH_TIMES(2, 1), 1 } };
    an_node out[] = { an_random_uniform(g, AN_F64, s), an_random_normal(g, AN_F64, s), an_random_normal(g, AN_F64, s),
                      an_random_uniform(g, AN_F32, two) };
    const char *const names[] = { "u", "n", "m", "t" };
    an_program *p = an_compile(g, &(an_target){ .rows = ROWS, .outputs = out, .names = names, .output_count = 4 }, &err);
    must(p != NULL, &err);
    an_params *none = an_params_new();
    an_session *one = an_session_new(p, none, 1, &err), *other = an_session_new(p, none, 2, &err);
    must(one != NULL && other != NULL, &err);
    must(an_session_run(one, &(an_run){ .rows = ROWS }, NULL, &err) && an_session_run(other, &(an_run){ .rows = ROWS }, NULL, &err), &err);
    const double *u = an_session_output(one, "u"), *n = an_session_output(one, "n"), *m = an_session_output(one, "m");
    double mean = 0, square = 0, cross = 0, uniform = 0;
    for (int i = 0; i < ROWS * 3; i++) {
        assert_true(u[i] >= 0 && u[i] < 1);
        uniform += u[i];
        mean += n[i];
        square += n[i] * n[i];
        cross += n[i] * m[i];
    }
    const double count = ROWS * 3; /* four standard errors each */
    assert_true(fabs(uniform / count - 0.5) < 4 * 0.2887 / sqrt(count));
    assert_true(fabs(mean / count) < 4 / sqrt(count));
    assert_true(fabs(square / count - 1) < 4 * sqrt(2 / count));
    assert_true(fabs(cross / count) < 4 / sqrt(count));
    assert_true(memcmp(u, an_session_output(other, "u"), sizeof(double) * 3 * ROWS) != 0);
    float whole[20];
    memcpy(whole, an_session_output(one, "t"), sizeof whole);
    must(an_session_run(other, &(an_run){ .rows = 5, .first_row = 5 }, NULL, &err), &err);
    must(an_session_run(one, &(an_run){ .rows = 5, .first_row = 5 }, NULL, &err), &err);
    assert_memory_equal(an_session_output(one, "t"), whole + 10, sizeof(float) * 10); /* two draws a row: the chunk begins at draw 10 */
    must(an_session_run(one, &(an_run){ .rows = 5, .first_row = 5, .step = 1 }, NULL, &err), &err);
    assert_true(memcmp(an_session_output(one, "t"), whole + 10, sizeof(float) * 10) != 0);
    an_session_free(one);
    an_session_free(other);
    an_params_release(none);
    an_program_free(p);
    an_graph_free(g);
}

/* ---- errors and the print ------------------------------------------------------------------------------------------------------------ */

static void test_errors(void **unused)
{
    (void)unused;
    an_error err = { 0 };
    an_graph *g = an_graph_new();
    an_params *params = an_params_new();
    an_shape s = { 2, { AN_BATCH, 4 } };
    an_node x = an_input(g, "x", AN_F32, s), w = an_param_node(g, "w", AN_F32, (an_shape){ 1, { 4 } });
    an_node half = an_slice(an_add(x, w), 0, 0, AN_BATCH_TIMES(1, 2));
    const char *name = "y";
    assert_null(an_compile(g, &(an_target){ .outputs = &half, .names = &name, .output_count = 1 }, &err)); /* no rows */
    an_program *p = an_compile(g, &(an_target){ .rows = 9, .outputs = &half, .names = &name, .output_count = 1 }, &err);
    must(p != NULL, &err);
    assert_null(an_session_new(p, params, 0, &err));
    assert_int_equal(err.code, AN_NOT_FOUND);
    an_params_add(params, "w", AN_F64, (an_shape){ 1, { 4 } }, NULL, NULL);
    assert_null(an_session_new(p, params, 0, &err));
    assert_int_equal(err.code, AN_INPUT);
    an_params *right = an_params_new();
    an_params_add(right, "w", AN_F32, (an_shape){ 1, { 4 } }, NULL, NULL);
    an_session *session = an_session_new(p, right, 0, &err);
    must(session != NULL, &err);
    float data[40] = { 0 };
    an_binding in = { "x", data }, wrong = { "z", data };
    assert_null(an_session_output(session, "y"));
    assert_false(an_session_run(session, &(an_run){ .inputs = &wrong, .input_count = 1, .rows = 4 }, NULL, &err));
    assert_non_null(strstr(err.message, "\"x\""));
    assert_false(an_session_run(session, &(an_run){ .inputs = &in, .input_count = 1, .rows = 10 }, NULL, &err));
    assert_false(an_session_run(session, &(an_run){ .inputs = &in, .input_count = 1, .rows = 0 }, NULL, &err));
    assert_false(an_session_run(session, &(an_run){ .inputs = &in, .input_count = 1, .rows = 5 }, NULL, &err)); /* odd */
    assert_int_equal(err.code, AN_INPUT);
    must(an_session_run(session, &(an_run){ .inputs = &in, .input_count = 1, .rows = 8 }, NULL, &err), &err);
    assert_non_null(an_session_output(session, "y"));
    assert_null(an_session_output(session, "no"));
    an_session_free(session);
    an_program_free(p);
    an_params_release(right);
    an_params_release(params);
    an_graph_free(g);
}

static void test_print(void **unused)
{
    (void)unused;
    an_error err = { 0 };
    an_params *params = an_params_new();
    an_program *p = wgan_critic(params, AN_F32, 64, 64, &adam, false, &err),
               *plain = wgan_critic(params, AN_F32, 64, 64, &adam, true, &err);
    must(p != NULL && plain != NULL, &err);
    char *text = an_program_print(p), *oracle = an_program_print(plain);
    assert_non_null(strstr(text, "matmul + bias | leaky_relu"));
    assert_non_null(strstr(text, "onto"));
    assert_non_null(strstr(text, "written by its step"));
    assert_null(strstr(text, "(copied)"));
    assert_null(strstr(oracle, "| leaky_relu"));
    assert_true(an_program_scratch_bytes(p) < an_program_scratch_bytes(plain));
    free(text);
    free(oracle);
    an_program_free(p);
    an_program_free(plain);
    an_params_release(params);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fused_is_plain),
        cmocka_unit_test(test_threads_give_the_same_bits),
        cmocka_unit_test(test_a_step_allocates_nothing),
        cmocka_unit_test(test_rows_do_not_depend_on_the_batch),
        cmocka_unit_test(test_updates_come_last),
        cmocka_unit_test(test_awkward_updates),
        cmocka_unit_test(test_draws),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
