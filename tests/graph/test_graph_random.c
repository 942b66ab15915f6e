/* Random graphs: whatever the compiler does (simplifying, merging, fusing, writing in place, joining) must give what the plain program
 * gives. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "andon/graph.h"

enum { ROWS = 6, PARAMS = 4, NODES = 60, OUTPUTS = 4 };
#ifdef ANDON_SANITIZED
enum { GRAPHS = 200 };
#else
enum { GRAPHS = 1500 };
#endif

static const an_shape shapes[] = {
    { 2, { AN_BATCH, 4 } },    { 2, { AN_BATCH, 1 } }, { 1, { 4 } }, { 0, { 0 } }, { 2, { 4, 4 } }, { 2, { AN_BATCH_TIMES(2, 1), 4 } },
    { 3, { 2, AN_BATCH, 4 } }, { 2, { 1, 4 } }
};

static bool same(an_shape a, an_shape b)
{
    return a.rank == b.rank && memcmp(a.dim, b.dim, sizeof a.dim[0] * (size_t)a.rank) == 0;
}

/* a node of one of `count`, of the wanted shape where wanted; id -1 when none turns up */
static an_node pick(an_rng *r, const an_node *n, int count, const an_shape *wanted)
{
    for (int i = 0; i < 40; i++) {
        an_node x = n[an_rng_below(r, (uint64_t)count)];
        if (wanted == NULL || same(an_node_shape(x), *wanted)) return x;
    }
    return (an_node){ n[0].graph, -1 };
}

static bool broadcasts(an_shape a, an_shape b)
{
    for (int i = 1; i <= a.rank && i <= b.rank; i++) {
        int64_t x = a.dim[a.rank - i], y = b.dim[b.rank - i];
        if (x != y && x != 1 && y != 1) return false;
    }
    return true;
}

static an_node two(an_rng *r, an_node a, an_node b)
{
    switch (an_rng_below(r, 8)) {
    case 0:
        return an_sub(a, b);
    case 1:
        return an_mul(a, b);
    case 2:
        return an_maximum(a, b);
    case 3:
        return an_greater(a, b);
    case 4:
        return an_div(a, an_add_scalar(an_square(b), 1));
    case 5:
        return an_select(an_greater(a, b), a, an_mul_scalar(b, 0.5));
    default:
        return an_add(a, b);
    }
}

static an_node one(an_rng *r, an_node a)
{
    an_shape s = an_node_shape(a);
    switch (an_rng_below(r, 14)) {
    case 0:
        return an_tanh(a);
    case 1:
        return an_leaky_relu(a, 0.25);
    case 2:
        return an_sigmoid(a);
    case 3:
        return an_mul_scalar(a, an_rng_below(r, 3) == 0 ? 1 : -0.5);
    case 4:
        return an_add_scalar(a, an_rng_below(r, 3) == 0 ? 0 : 0.25);
    case 5:
        return s.rank > 0 ? an_sum_axis(a, (int)an_rng_below(r, (uint64_t)s.rank), true) : an_neg(a);
    case 6:
        return an_mean(a);
    case 7:
        return s.rank == 2 ? an_transpose(an_tanh(an_transpose(a, (int[]){ 1, 0 })), (int[]){ 1, 0 }) : an_abs(a);
    case 8:
        return s.rank == 2 ? an_concat((an_node[]){ a, an_neg(a) }, 2, 0) : an_exp(an_neg(an_abs(a)));
    case 9:
        return same(s, shapes[5]) ? an_slice(a, 0, an_rng_below(r, 2) ? AN_BATCH : 0, AN_BATCH) : an_square(an_tanh(a));
    case 10:
        return s.rank == 2 && s.dim[1] == 4 ? an_concat((an_node[]){ an_slice(a, 1, 2, 2), an_slice(a, 1, 0, 2) }, 2, 1) : an_stop(a);
    case 11:
        return s.rank == 2 ? an_reshape(an_reshape(a, (an_shape){ 3, { 1, s.dim[0], s.dim[1] } }), s) : an_neg(an_neg(a));
    case 12:
        return an_add(a, an_broadcast(an_scalar(a.graph, AN_F64, 0.5), s));
    default:
        return s.rank > 0 ? an_max_axis(a, s.rank - 1, true) : a;
    }
}

static an_node next(an_rng *r, an_node *n, int count)
{
    an_node a = pick(r, n, count, NULL), b = pick(r, n, count, NULL);
    switch (an_rng_below(r, 6)) {
    case 0:
        return one(r, a);
    case 1: { /* a layer, often with all that fuses */
        an_node x = pick(r, n, count, &shapes[an_rng_below(r, 2) ? 0 : 5]), w = pick(r, n, count, &shapes[4]),
                bias = pick(r, n, count, &shapes[2]);
        if (x.id < 0 || w.id < 0 || bias.id < 0) return one(r, a);
        an_node y = an_matmul_t(x, false, w, an_rng_below(r, 2) == 0);
        if (an_rng_below(r, 2)) y = an_add(y, bias);
        if (an_rng_below(r, 2)) y = an_leaky_relu(y, 0.1);
        an_node mask = pick(r, n, count, &(an_shape){ 2, { an_node_shape(x).dim[0], 4 } });
        return mask.id >= 0 && an_rng_below(r, 2) ? an_mul(y, mask) : an_mul_scalar(y, 0.25);
    }
    case 2: { /* a weight gradient on top of something */
        an_node x = pick(r, n, count, &shapes[0]), y = pick(r, n, count, &shapes[0]), w = pick(r, n, count, &shapes[4]);
        return x.id < 0 || y.id < 0 || w.id < 0
                   ? one(r, a)
                   : an_tanh(an_add(an_matmul_t(x, true, y, false), an_rng_below(r, 2) ? an_matmul(w, w) : an_mul_scalar(w, 0.5)));
    }
    default:
        return broadcasts(an_node_shape(a), an_node_shape(b)) ? two(r, a, b) : one(r, b);
    }
}

typedef struct built {
    an_graph *g;
    an_node output[OUTPUTS + 1];
    an_update update[PARAMS];
    int updates;
} built;

static const char *const param_names[PARAMS] = { "p0", "p1", "p2", "p3" };
static const int param_shape[PARAMS] = { 4, 4, 2, 7 };

static built build(uint64_t seed)
{
    an_rng r = an_rng_at(seed, 1);
    built b = { .g = an_graph_new() };
    an_node n[NODES], param[PARAMS];
    int count = 0;
    n[count++] = an_input(b.g, "x", AN_F64, shapes[0]);
    n[count++] = an_input(b.g, "y", AN_F64, shapes[5]);
    n[count++] = an_input(b.g, "z", AN_F64, shapes[6]);
    n[count++] = an_random_uniform(b.g, AN_F64, shapes[1]);
    for (int i = 0; i < PARAMS; i++) n[count++] = param[i] = an_param_node(b.g, param_names[i], AN_F64, shapes[param_shape[i]]);
    int most = 10 + (int)an_rng_below(&r, NODES - 12);
    while (count < most) {
        an_node x = next(&r, n, count);
        int64_t size = an_node_shape(x).rank > 0 ? an_node_shape(x).dim[0] : 1; /* joined batches are not joined for ever */
        if (an_node_shape(x).rank <= 3 && size > AN_BATCH_TIMES(5, 1) && size < 9) n[count++] = x;
    }
    for (int i = 0; i < OUTPUTS; i++) b.output[i] = n[an_rng_below(&r, (uint64_t)count)];
    an_node total = an_scalar(b.g, AN_F64, 0);
    for (int i = 0; i < OUTPUTS; i++) total = an_add(total, an_mean(an_tanh(b.output[i])));
    b.output[OUTPUTS] = total;
    an_node d[PARAMS];
    an_gradients(total, param, PARAMS, d);
    for (int i = 0; i < PARAMS; i++) {
        an_node other = pick(&r, n, count, &shapes[param_shape[i]]);
        if (an_rng_below(&r, 4) != 0)
            b.update[b.updates++] =
                (an_update){ param[i], an_rng_below(&r, 4) == 0 && other.id >= 0 ? other : an_sub(param[i], an_mul_scalar(d[i], 0.1)) };
    }
    return b;
}

static void must(bool ok, const an_error *err, uint64_t seed)
{
    if (!ok) fail_msg("graph %d: %s", (int)seed, err->message);
}

static void one_graph(uint64_t seed)
{
    static const char *const names[OUTPUTS + 1] = { "a", "b", "c", "d", "total" };
    an_error err = { 0 };
    built b = build(seed);
    an_program *p[2];
    an_params *params[2];
    an_session *s[2];
    for (int i = 0; i < 2; i++) {
        params[i] = an_params_new();
        for (int k = 0; k < PARAMS; k++)
            an_init_uniform(an_params_add(params[i], param_names[k], AN_F64, shapes[param_shape[k]], NULL, NULL), 1, seed + (uint64_t)k);
        p[i] = an_compile(b.g,
                          &(an_target){ .rows = ROWS,
                                        .outputs = b.output,
                                        .names = names,
                                        .output_count = OUTPUTS + 1,
                                        .updates = b.update,
                                        .update_count = b.updates,
                                        .plain = i == 1 },
                          &err);
        must(p[i] != NULL, &err, seed);
        s[i] = an_session_new(p[i], params[i], seed, &err);
        must(s[i] != NULL, &err, seed);
    }
    double data[3][2 * ROWS * 4];
    an_rng r = an_rng_at(seed, 2);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 2 * ROWS * 4; k++) data[i][k] = an_rng_normal(&r);
    an_binding in[] = { { "x", data[0] }, { "y", data[1] }, { "z", data[2] } };
    const int64_t rows[] = { ROWS, 3, 1 };
    for (int run = 0; run < 3; run++) {
        for (int i = 0; i < 2; i++)
            must(an_session_run(s[i], &(an_run){ .inputs = in, .input_count = 3, .rows = rows[run], .step = (uint64_t)run }, NULL, &err),
                 &err, seed);
        for (int o = 0; o <= OUTPUTS + b.updates; o++) {
            an_shape shape = o <= OUTPUTS ? an_node_shape(b.output[o]) : an_node_shape(b.update[o - OUTPUTS - 1].param);
            const double *x[2];
            const char *name = o <= OUTPUTS ? names[o] : "";
            for (int k = 0; k < PARAMS && o > OUTPUTS; k++)
                if (an_param_node(b.g, param_names[k], AN_F64, shapes[param_shape[k]]).id == b.update[o - OUTPUTS - 1].param.id)
                    name = param_names[k];
            for (int i = 0; i < 2; i++) x[i] = o <= OUTPUTS ? an_session_output(s[i], name) : an_params_get(params[i], name)->data;
            int64_t n = 1;
            for (int d = 0; d < shape.rank; d++) n *= an_dim_at(shape.dim[d], rows[run]);
            for (int64_t i = 0; i < n; i++)
                if (!(fabs(x[0][i] - x[1][i]) <= 1e-8 * (1 + fabs(x[1][i]))) && !(isnan(x[0][i]) && isnan(x[1][i]))) {
                    char *text = an_program_print(p[0]);
                    fprintf(stderr, "%s", text);
                    free(text);
                    fail_msg("graph %d, run %d: %s[%d] is %.17g, plainly %.17g", (int)seed, run, name, (int)i, x[0][i], x[1][i]);
                }
        }
    }
    for (int i = 0; i < 2; i++) {
        an_session_free(s[i]);
        an_program_free(p[i]);
        an_params_release(params[i]);
    }
    an_graph_free(b.g);
}

static void test_random_graphs(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed <= GRAPHS; seed++) one_graph(seed);
    one_graph(29309); /* a view of a fused result read by a neighbour */
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_random_graphs) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
