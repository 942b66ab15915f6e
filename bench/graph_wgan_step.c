/* graph_wgan_step.c - time of a WGAN critic step on the tensor program, one thread: 66 features, noise 100, generator and critic with two
 * hidden layers, a generator step after every five critic steps shared out among them. Prints one JSON line a case, {"case", "us"};
 * wgan_step.py compares them with PyTorch.
 *
 *   bench_graph_wgan_step [seconds a case] [print: also the plan of the critic step]
 */
#include <stdlib.h>
#include <string.h>

#include "andon/graph.h"

enum { FEATURES = 66, NOISE = 100, CRITIC_STEPS = 5, ROUNDS = 12 };

static void die(const an_error *err)
{
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

typedef struct net {
    an_node param[6];
} net;

static net net_params(an_graph *g, an_params *params, const char *prefix, int64_t in, int64_t hidden, int64_t out)
{
    const int64_t size[] = { in, hidden, hidden, out };
    an_error err = { 0 };
    net n;
    for (int i = 0; i < 3; i++) {
        char name[64];
        an_shape w = { 2, { size[i], size[i + 1] } }, b = { 1, { size[i + 1] } };
        snprintf(name, sizeof name, "%s/w%d", prefix, i);
        if (an_params_get(params, name) == NULL) {
            an_tensor *t = an_params_add(params, name, AN_F32, w, NULL, &err);
            if (t == NULL) die(&err);
            an_init_uniform(t, 0.1, (uint64_t)i + 17);
        }
        n.param[2 * i] = an_param_node(g, name, AN_F32, w);
        snprintf(name, sizeof name, "%s/b%d", prefix, i);
        if (an_params_get(params, name) == NULL && an_params_add(params, name, AN_F32, b, NULL, &err) == NULL) die(&err);
        n.param[2 * i + 1] = an_param_node(g, name, AN_F32, b);
    }
    return n;
}

static an_node net_apply(const net *n, an_node x, double slope)
{
    for (int i = 0; i < 3; i++) {
        x = an_add(an_matmul(x, n->param[2 * i]), n->param[2 * i + 1]);
        if (i < 2) x = an_leaky_relu(x, slope);
    }
    return x;
}

static an_node generate(an_graph *g, const net *generator)
{
    return an_tanh(net_apply(generator, an_random_normal(g, AN_F32, (an_shape){ 2, { AN_BATCH, NOISE } }), 0));
}

typedef struct job {
    an_program *program;
    an_session *session;
} job;

static job compile(an_graph *g, an_params *params, int64_t batch, an_node loss, const net *trained, const char *prefix,
                   const an_optimiser *o, bool print)
{
    an_error err = { 0 };
    an_node gradient[6];
    an_update updates[32];
    const char *name = "loss";
    an_gradients(loss, trained->param, 6, gradient);
    int count = an_optimiser_build(g, params, prefix, o, trained->param, gradient, 6, updates, &err);
    if (count < 0) die(&err);
    job j;
    j.program = an_compile(g,
                           &(an_target){ .device = AN_CPU,
                                         .rows = batch,
                                         .outputs = &loss,
                                         .names = &name,
                                         .output_count = 1,
                                         .updates = updates,
                                         .update_count = count },
                           &err);
    if (j.program == NULL) die(&err);
    if (print) {
        char *text = an_program_print(j.program);
        fputs(text, stderr);
        free(text);
    }
    j.session = an_session_new(j.program, params, 5, &err);
    if (j.session == NULL) die(&err);
    an_graph_free(g);
    return j;
}

static job critic_job(an_params *params, int64_t batch, int64_t hidden, bool penalty, bool print)
{
    an_graph *g = an_graph_new();
    net generator = net_params(g, params, "generator", NOISE, hidden, FEATURES),
        critic = net_params(g, params, "critic", FEATURES, hidden, 1);
    an_node real = an_input(g, "real", AN_F32, (an_shape){ 2, { AN_BATCH, FEATURES } }), fake = generate(g, &generator);
    an_node both = net_apply(&critic, an_concat((an_node[]){ fake, real }, 2, 0), 0.2); /* one pass for the two */
    an_node loss = an_sub(an_mean(an_slice(both, 0, 0, AN_BATCH)), an_mean(an_slice(both, 0, AN_BATCH, AN_BATCH)));
    if (penalty) {
        an_node e = an_random_uniform(g, AN_F32, (an_shape){ 2, { AN_BATCH, 1 } });
        an_node between = an_add(an_mul(e, real), an_mul(an_sub(an_scalar(g, AN_F32, 1), e), fake));
        an_node slope = an_gradient(an_sum(net_apply(&critic, between, 0.2)), between);
        loss = an_add(loss, an_mul_scalar(an_mean(an_square(an_add_scalar(an_row_norm(slope), -1))), 10));
    }
    an_optimiser adam = { .kind = "adam", .rate = 1e-4, .beta1 = 0.5, .beta2 = 0.9, .epsilon = 1e-8 },
                 rms = { .kind = "rmsprop", .rate = 5e-5, .rho = 0.9, .epsilon = 1e-8, .clip = 0.01 };
    return compile(g, params, batch, loss, &critic, "critic-state", penalty ? &adam : &rms, print);
}

static job generator_job(an_params *params, int64_t batch, int64_t hidden, bool penalty, bool print)
{
    an_graph *g = an_graph_new();
    net generator = net_params(g, params, "generator", NOISE, hidden, FEATURES),
        critic = net_params(g, params, "critic", FEATURES, hidden, 1);
    an_node loss = an_neg(an_mean(net_apply(&critic, generate(g, &generator), 0.2)));
    an_optimiser adam = { .kind = "adam", .rate = 1e-4, .beta1 = 0.5, .beta2 = 0.9, .epsilon = 1e-8 },
                 rms = { .kind = "rmsprop", .rate = 5e-5, .rho = 0.9, .epsilon = 1e-8 };
    return compile(g, params, batch, loss, &generator, "generator-state", penalty ? &adam : &rms, print);
}

static void measure(int64_t batch, int64_t hidden, bool penalty, double seconds, bool print)
{
    an_error err = { 0 };
    an_params *params = an_params_new();
    job critic = critic_job(params, batch, hidden, penalty, print), generator = generator_job(params, batch, hidden, penalty, print);
    enum { POOL = 1100 };
    float *data = malloc(sizeof *data * (POOL + 500) * FEATURES);
    if (data == NULL) exit(1);
    an_rng rng = an_rng_at(3, 0);
    for (size_t i = 0; i < (size_t)(POOL + 500) * FEATURES; i++) data[i] = (float)(0.3 * an_rng_normal(&rng));
    an_binding in = { "real", data };
    uint64_t step = 0;
    double best = 1e30;
    for (int round = 0; round < ROUNDS; round++) {
        double start = an_clock_s(), spent;
        int64_t steps = 0;
        do {
            for (int i = 0; i < CRITIC_STEPS; i++, steps++, step++) {
                in.data = data + step * 37 % POOL * FEATURES;
                if (!an_session_run(critic.session, &(an_run){ .inputs = &in, .input_count = 1, .rows = batch, .step = step }, NULL, &err))
                    die(&err);
            }
            if (!an_session_run(generator.session, &(an_run){ .rows = batch, .step = step }, NULL, &err)) die(&err);
            spent = an_clock_s() - start;
        } while (spent < seconds / ROUNDS);
        best = spent / (double)steps < best ? spent / (double)steps : best;
    }
    printf("{\"case\": \"%s %lld/%lld\", \"us\": %.1f, \"loss\": %.4f, \"kernels\": \"%s\"}\n", penalty ? "penalty" : "clip",
           (long long)batch, (long long)hidden, best * 1e6, (double)*(const float *)an_session_output(critic.session, "loss"),
           an_cpu_path());
    fflush(stdout);
    free(data);
    an_session_free(critic.session);
    an_session_free(generator.session);
    an_program_free(critic.program);
    an_program_free(generator.program);
    an_params_release(params);
}

int main(int argc, char **argv)
{
    const int64_t sizes[][2] = { { 64, 64 }, { 64, 256 }, { 500, 256 } };
    double seconds = argc > 1 ? atof(argv[1]) : 1.5;
    for (size_t i = 0; i < AN_COUNT(sizes); i++)
        for (int penalty = 0; penalty < 2; penalty++) measure(sizes[i][0], sizes[i][1], penalty, seconds, argc > 2 && i == 0);
    return 0;
}
