/* wgan.h - what wgan.c (data, sampling, files), wgan_net.c (networks) and wgan_train.c (training, checkpoints) share. */
#ifndef ANDON_SYNTH_WGAN_H
#define ANDON_SYNTH_WGAN_H

#include "synth/rows.h"

typedef struct an__wgan_options {
    int64_t layers, width, noise, critic_layers, critic_width, critic_steps, batch, steps, check_every, patience;
    char *regularity;
    double rate, critic_rate, clip, penalty, slope, average, jitter;
} an__wgan_options;

/* Fitted state: preparation, the generator's weights, the compiled sampling program. */
typedef struct an__wgan_state {
    an_prep *prep;
    size_t width;        /* columns of the network: prep->width, less the target's where all rows are of one class */
    float *tail;         /* values of the columns of prep beyond `width` (the constant target) */
    an_params *weights;  /* generator/... */
    an_program *program; /* noise -> rows; immutable, shared by threads */
} an__wgan_state;

enum { AN__WGAN_ROWS = 256 }; /* the most rows of one run of the sampling program */

/* ---- wgan_net.c ---- */

/* Adds weights "<prefix>/<layer>/w" [in, out] and "<prefix>/<layer>/b" [out] of an MLP in -> width x layers -> out, U(+-1/sqrt(in)). The
 * prefix is "generator" or "critic": each has its own layers and width. */
bool an__wgan_init(an_params *p, const char *prefix, const an__wgan_options *o, size_t in, size_t out, uint64_t seed, an_error *err);
enum { AN__WGAN_NODES = 18 }; /* w and b of at most 8 hidden layers and the output */
/* The parameter nodes of the MLP, w and b by turns; returns how many. */
int an__wgan_nodes(an_graph *g, const char *prefix, const an__wgan_options *o, size_t in, size_t out, an_node node[AN__WGAN_NODES]);
/* x through the MLP of `count` parameter nodes: leaky ReLU after all layers but the last. */
an_node an__wgan_mlp(const an__wgan_options *o, const an_node *node, int count, an_node x);
/* Program of the sampler: output "rows" [batch, width] in [-1, 1]. */
an_program *an__wgan_sampler(const an__wgan_options *o, size_t width, an_error *err);
/* Rows first_row .. + n - 1 of stream `seed`: n x width. Parallel over chunks of rows. */
bool an__wgan_draw(const an_program *program, an_params *weights, size_t width, uint64_t seed, uint64_t first_row, size_t n, float *out,
                   an_job *job, an_error *err);

/* ---- wgan_train.c ---- */

/* Trains on x (n x width, in [-1, 1], row-major); `half_step`: per column half the resolution of its values in prepared units (0:
 * continuous). Fills w->weights and g->history, scores, steps. w->program must be compiled. */
bool an__wgan_train(an_generator *g, an__wgan_state *w, const float *x, size_t n, const float *half_step, an_job *job, an_error *err);

/* ---- fidelity.c ---- */

/* Scores of generated rows against the training rows in prepared space: mean KS complement, correlation similarity, and a guard against
 * copies and against rows beside the data. score = (ks + correlation) / 2 - max(0, 1/2 - nearest) - max(0, 1 - 1 / nearest) / 4, where
 * nearest = median distance of a generated row to its nearest real row over the median distance of a real row to its nearest other real
 * row. */
typedef struct an__fidelity {
    double score, ks, correlation, nearest;
} an__fidelity;
typedef struct an__fidelity_base an__fidelity_base; /* the real side, sorted once */
an__fidelity_base *an__fidelity_new(const float *real, size_t n, size_t d, an_job *job, an_error *err);
void an__fidelity_free(an__fidelity_base *b);
bool an__fidelity_score(const an__fidelity_base *b, const float *rows, size_t m, an__fidelity *out, an_job *job, an_error *err);

#endif
