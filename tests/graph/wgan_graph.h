/* wgan_graph.h - a WGAN-GP as test material: everything the compiler fuses, differentiates twice and writes in place. */
#ifndef TESTS_WGAN_GRAPH_H
#define TESTS_WGAN_GRAPH_H

#include <stdlib.h>
#include <string.h>

#include "andon/graph.h"

enum { WGAN_FEATURES = 11, WGAN_NOISE = 7 };

static inline void wgan_net(an_graph *g, an_params *params, const char *prefix, an_dtype t, int64_t in, int64_t hidden, int64_t out,
                            an_node param[6])
{
    const int64_t size[] = { in, hidden, hidden, out };
    for (int i = 0; i < 6; i++) {
        char name[64];
        an_shape s = i % 2 ? (an_shape){ 1, { size[i / 2 + 1] } } : (an_shape){ 2, { size[i / 2], size[i / 2 + 1] } };
        snprintf(name, sizeof name, "%s/%d", prefix, i);
        if (an_params_get(params, name) == NULL) an_init_uniform(an_params_add(params, name, t, s, NULL, NULL), 0.3, (uint64_t)i + 17);
        param[i] = an_param_node(g, name, t, s);
    }
}

static inline an_node wgan_apply(const an_node *param, an_node x, double slope)
{
    for (int i = 0; i < 3; i++) {
        x = an_add(an_matmul(x, param[2 * i]), param[2 * i + 1]);
        if (i < 2) x = an_leaky_relu(x, slope);
    }
    return x;
}

/* A critic step over params (made where absent): outputs "loss" and "fake", updates of the critic by the optimiser. */
static inline an_program *wgan_critic(an_params *params, an_dtype t, int64_t batch, int64_t hidden, const an_optimiser *o, bool plain,
                                      an_error *err)
{
    an_graph *g = an_graph_new();
    an_node gp[6], cp[6], gradient[6];
    wgan_net(g, params, "generator", t, WGAN_NOISE, hidden, WGAN_FEATURES, gp);
    wgan_net(g, params, "critic", t, WGAN_FEATURES, hidden, 1, cp);
    an_node real = an_input(g, "real", t, (an_shape){ 2, { AN_BATCH, WGAN_FEATURES } });
    an_node fake = an_tanh(wgan_apply(gp, an_random_normal(g, t, (an_shape){ 2, { AN_BATCH, WGAN_NOISE } }), 0));
    an_node both = wgan_apply(cp, an_concat((an_node[]){ fake, real }, 2, 0), 0.2);
    an_node loss = an_sub(an_mean(an_slice(both, 0, 0, AN_BATCH)), an_mean(an_slice(both, 0, AN_BATCH, AN_BATCH)));
    an_node e = an_random_uniform(g, t, (an_shape){ 2, { AN_BATCH, 1 } });
    an_node between = an_add(an_mul(e, real), an_mul(an_sub(an_scalar(g, t, 1), e), fake));
    an_node slope = an_gradient(an_sum(wgan_apply(cp, between, 0.2)), between);
    loss = an_add(loss, an_mul_scalar(an_mean(an_square(an_add_scalar(an_row_norm(slope), -1))), 10));
    an_gradients(loss, cp, 6, gradient);
    an_update updates[32];
    int count = an_optimiser_build(g, params, "state", o, cp, gradient, 6, updates, err);
    an_node out[] = { loss, fake };
    static const char *const names[] = { "loss", "fake" };
    an_program *p = count < 0 ? NULL
                              : an_compile(g,
                                           &(an_target){ .rows = batch,
                                                         .outputs = out,
                                                         .names = names,
                                                         .output_count = 2,
                                                         .updates = updates,
                                                         .update_count = count,
                                                         .plain = plain },
                                           err);
    an_graph_free(g);
    return p;
}

#endif
