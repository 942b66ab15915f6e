/* wgan_net.c - the networks of the WGAN as graph: multilayer perceptrons with leaky ReLU, and the sampler. Training is wgan_train.c's. */
#include "synth/wgan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct network {
    int64_t layers, width, in, out;
} network;

/* The critic is like the generator where nothing else is said. */
static network network_of(const char *prefix, const an__wgan_options *o, size_t in, size_t out)
{
    network n = { o->layers, o->width, (int64_t)in, (int64_t)out };
    if (!strcmp(prefix, "critic")) {
        if (o->critic_layers) n.layers = o->critic_layers;
        if (o->critic_width) n.width = o->critic_width;
    }
    return n;
}
static int64_t layer_in(const network *n, int64_t layer)
{
    return layer == 0 ? n->in : n->width;
}
static int64_t layer_out(const network *n, int64_t layer)
{
    return layer == n->layers ? n->out : n->width;
}

bool an__wgan_init(an_params *p, const char *prefix, const an__wgan_options *o, size_t in, size_t out, uint64_t seed, an_error *err)
{
    network net = network_of(prefix, o, in, out);
    for (int64_t l = 0; l <= net.layers; l++) {
        int64_t a = layer_in(&net, l), b = layer_out(&net, l);
        char name[64];
        snprintf(name, sizeof name, "%s/%lld/w", prefix, (long long)l);
        an_tensor *w = an_params_add(p, name, AN_F32, (an_shape){ 2, { a, b } }, NULL, err);
        if (!w) return false;
        an_init_uniform(w, 1 / sqrt((double)a), an_seed_derive(seed, name, 0));
        snprintf(name, sizeof name, "%s/%lld/b", prefix, (long long)l);
        if (!an_params_add(p, name, AN_F32, (an_shape){ 1, { b } }, NULL, err)) return false;
    }
    return true;
}

int an__wgan_nodes(an_graph *g, const char *prefix, const an__wgan_options *o, size_t in, size_t out, an_node node[AN__WGAN_NODES])
{
    network net = network_of(prefix, o, in, out);
    for (int64_t l = 0; l <= net.layers; l++) {
        int64_t a = layer_in(&net, l), b = layer_out(&net, l);
        char name[64];
        snprintf(name, sizeof name, "%s/%lld/w", prefix, (long long)l);
        node[2 * l] = an_param_node(g, name, AN_F32, (an_shape){ 2, { a, b } });
        snprintf(name, sizeof name, "%s/%lld/b", prefix, (long long)l);
        node[2 * l + 1] = an_param_node(g, name, AN_F32, (an_shape){ 1, { b } });
    }
    return 2 * ((int)net.layers + 1);
}

an_node an__wgan_mlp(const an__wgan_options *o, const an_node *node, int count, an_node x)
{
    for (int i = 0; i < count; i += 2) {
        x = an_add(an_matmul(x, node[i]), node[i + 1]);
        if (i + 2 < count) x = an_leaky_relu(x, o->slope);
    }
    return x;
}

an_program *an__wgan_sampler(const an__wgan_options *o, size_t width, an_error *err)
{
    an_graph *g = an_graph_new();
    an_node z = an_random_normal(g, AN_F32, (an_shape){ 2, { AN_BATCH, o->noise } });
    an_node node[AN__WGAN_NODES];
    int count = an__wgan_nodes(g, "generator", o, (size_t)o->noise, width, node);
    an_node rows = an_tanh(an__wgan_mlp(o, node, count, z));
    const char *name = "rows";
    an_program *p =
        an_compile(g, &(an_target){ .device = AN_CPU, .rows = AN__WGAN_ROWS, .outputs = &rows, .names = &name, .output_count = 1 }, err);
    an_graph_free(g);
    return p;
}

typedef struct drawing {
    an_session **session; /* one a worker */
    size_t width, n;
    uint64_t first_row;
    float *out;
    const an_job *job;
    bool *failed;
} drawing;

static void draw_chunk(void *context, size_t index, int worker)
{
    drawing *d = context;
    size_t from = index * AN__WGAN_ROWS, n = d->n - from < AN__WGAN_ROWS ? d->n - from : AN__WGAN_ROWS;
    an_session *s = d->session[worker];
    d->failed[index] =
        an_job_stopped(d->job) || !an_session_run(s, &(an_run){ .rows = (int64_t)n, .first_row = d->first_row + from }, NULL, NULL);
    if (!d->failed[index]) memcpy(d->out + from * d->width, an_session_output(s, "rows"), n * d->width * sizeof(float));
}

bool an__wgan_draw(const an_program *program, an_params *weights, size_t width, uint64_t seed, uint64_t first_row, size_t n, float *out,
                   an_job *job, an_error *err)
{
    if (!an_job_check(job, err)) return false;
    if (n == 0) return true;
    an_pool *pool = an_job_pool(job);
    size_t chunks = (n + AN__WGAN_ROWS - 1) / AN__WGAN_ROWS, threads = (size_t)an_pool_threads(pool);
    if (chunks == 1) pool = NULL;
    drawing d = { .width = width, .n = n, .first_row = first_row, .out = out, .job = job };
    d.session = an_alloc_n(threads, sizeof *d.session);
    d.failed = an_alloc_n(chunks, sizeof *d.failed);
    bool good = true;
    /* when called from inside a body of the pool, the worker's number is that of the body, so each needs a session */
    for (size_t i = 0; i < (chunks == 1 ? 1 : threads) && good; i++)
        good = (d.session[i] = an_session_new(program, weights, seed, err)) != NULL;
    if (good) an_pool_each(pool, chunks, draw_chunk, &d);
    for (size_t i = 0; i < chunks && good; i++) {
        if (!d.failed[i]) continue;
        good = an_job_check(job, err);
        if (good)
            good = an_session_run(d.session[0], &(an_run){ .rows = 1, .first_row = first_row }, NULL, err) &&
                   an_fail(err, AN_FAILED, "drawing row %llu failed", (unsigned long long)(first_row + i * AN__WGAN_ROWS));
    }
    for (size_t i = 0; i < threads; i++) an_session_free(d.session[i]);
    free(d.session);
    free(d.failed);
    return good;
}
