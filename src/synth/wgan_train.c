/* wgan_train.c - training of the WGAN: critic and generator programs, fidelity checks with the best weights kept, checkpoints that resume
 * to the same bits.
 *
 * Arjovsky, Chintala and Bottou 2017, algorithm 1 (weight clipping, RMSProp); Gulrajani et al. 2017, algorithm 1 (gradient penalty, Adam).
 * Everything drawn in critic step s depends on (seed, s) alone, so a checkpoint needs no random state. */
#include "synth/wgan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct trainer {
    const an__wgan_options *o;
    const an_generator *g;
    an__wgan_state *w;
    const float *x, *half_step;
    size_t n, width;
    uint64_t seed;
    an_params *live, *mean, *best; /* all weights and optimiser state; averaged generator; best generator */
    an_program *critic, *generator;
    an_session *critic_run, *generator_run;
    float *batch;
    an__fidelity_base *base;
    float *drawn; /* rows of the fidelity sample */
    size_t drawn_rows;
    /* progress, all of it in the checkpoint */
    int64_t step, best_step;
    an__fidelity best_fidelity;
    double loss_sum, generator_sum;
    int64_t loss_count, generator_count;
    json_t *history; /* borrowed: g->history */
    char fingerprint[65];
    char *path; /* of the checkpoint, or NULL */
} trainer;

/* ---- programs ---- */

/* Step sizes when none is given. The papers' 5e-5 (clip) and 1e-4 (gradient) have not converged after 10,000 critic steps on 120 rows of 69
 * columns; 1e-3 and 2e-3 have, and were the best or near it on four data sets (docs/results/wgan.md). Widths to 512 and four layers stay
 * stable with them. */
static an_optimiser optimiser_of(const an__wgan_options *o, bool critic)
{
    bool clip = !strcmp(o->regularity, "clip");
    double rate = isnan(o->rate) ? (clip ? 1e-3 : 2e-3) : o->rate;
    if (critic && !isnan(o->critic_rate)) rate = o->critic_rate;
    if (clip) return (an_optimiser){ .kind = "rmsprop", .rate = rate, .rho = 0.9, .epsilon = 1e-8, .clip = critic ? o->clip : 0 };
    return (an_optimiser){ .kind = "adam", .rate = rate, .beta1 = 0, .beta2 = 0.9, .epsilon = 1e-8 };
}

static bool compile_step(an_graph *g, trainer *t, const char *prefix, const an_node *param, int count, an_node loss, const an_node *outputs,
                         const char *const *names, int output_count, an_program **out, an_error *err)
{
    an_node gradient[AN__WGAN_NODES];
    an_update updates[3 * AN__WGAN_NODES + 2];
    an_gradients(loss, param, count, gradient);
    an_optimiser how = optimiser_of(t->o, !strcmp(prefix, "critic"));
    char state[32];
    snprintf(state, sizeof state, "%s-optimiser", prefix);
    int update_count = an_optimiser_build(g, t->live, state, &how, param, gradient, count, updates, err);
    if (update_count < 0) return false;
    *out = an_compile(g,
                      &(an_target){ .device = AN_CPU,
                                    .rows = t->o->batch,
                                    .outputs = outputs,
                                    .names = names,
                                    .output_count = output_count,
                                    .updates = updates,
                                    .update_count = update_count },
                      err);
    return *out != NULL;
}

enum { SPREAD_FEWEST = 5 }; /* values of a column that is spread */

/* Real values spread over the width of their resolution, so that the critic cannot tell real rows by their steps; reflected at -1 and 1, so
 * that the ends are as likely as before. Flags and other numbers of few values are left as they are: spread, neighbours would meet, and a
 * generated 0/1 target would say little about the rest of its row. */
static an_node spread(an_graph *g, const trainer *t, an_node real)
{
    int64_t d = (int64_t)t->width;
    float *half = an_alloc_n(t->width, sizeof *half);
    bool any = false;
    for (size_t j = 0; j < t->width; j++) {
        if (t->half_step[j] * (SPREAD_FEWEST - 1) <= 1) half[j] = t->half_step[j] * (float)t->o->jitter;
        any = any || half[j] > 0;
    }
    if (any) {
        an_node u = an_random_uniform(g, AN_F32, (an_shape){ 2, { AN_BATCH, d } });
        an_node moved =
            an_add(real, an_mul(an_add_scalar(an_mul_scalar(u, 2), -1), an_constant(g, AN_F32, (an_shape){ 2, { 1, d } }, half)));
        real = an_sub(an_mul_scalar(an_clip(moved, -1, 1), 2), moved);
    }
    free(half);
    return real;
}

static bool compile_critic(trainer *t, an_error *err)
{
    const an__wgan_options *o = t->o;
    int64_t d = (int64_t)t->width;
    an_graph *g = an_graph_new();
    an_node weights[AN__WGAN_NODES], param[AN__WGAN_NODES];
    int generator_count = an__wgan_nodes(g, "generator", o, (size_t)o->noise, t->width, weights);
    int count = an__wgan_nodes(g, "critic", o, t->width, 1, param);
    an_node real = spread(g, t, an_input(g, "real", AN_F32, (an_shape){ 2, { AN_BATCH, d } }));
    an_node z = an_random_normal(g, AN_F32, (an_shape){ 2, { AN_BATCH, o->noise } });
    an_node fake = an_stop(an_tanh(an__wgan_mlp(o, weights, generator_count, z)));
    an_node both = an__wgan_mlp(o, param, count, an_concat((an_node[]){ real, fake }, 2, 0));
    an_node on_real = an_mean(an_slice(both, 0, 0, AN_BATCH)), on_fake = an_mean(an_slice(both, 0, AN_BATCH, AN_BATCH));
    an_node estimate = an_sub(on_real, on_fake), loss = an_neg(estimate);
    if (!strcmp(o->regularity, "gradient")) {
        an_node e = an_random_uniform(g, AN_F32, (an_shape){ 2, { AN_BATCH, 1 } });
        an_node between = an_add(fake, an_mul(e, an_sub(real, fake)));
        an_node slope = an_gradient(an_sum(an__wgan_mlp(o, param, count, between)), between);
        an_node penalty = an_mean(an_square(an_add_scalar(an_row_norm(slope), -1)));
        loss = an_add(loss, an_mul_scalar(penalty, o->penalty));
    }
    bool good = compile_step(g, t, "critic", param, count, loss, &estimate, (const char *[]){ "estimate" }, 1, &t->critic, err);
    an_graph_free(g);
    return good;
}

static bool compile_generator(trainer *t, an_error *err)
{
    const an__wgan_options *o = t->o;
    an_graph *g = an_graph_new();
    an_node param[AN__WGAN_NODES], judge[AN__WGAN_NODES];
    int count = an__wgan_nodes(g, "generator", o, (size_t)o->noise, t->width, param);
    int judge_count = an__wgan_nodes(g, "critic", o, t->width, 1, judge);
    an_node z = an_random_normal(g, AN_F32, (an_shape){ 2, { AN_BATCH, o->noise } });
    an_node loss = an_neg(an_mean(an__wgan_mlp(o, judge, judge_count, an_tanh(an__wgan_mlp(o, param, count, z)))));
    bool good = compile_step(g, t, "generator", param, count, loss, &loss, (const char *[]){ "loss" }, 1, &t->generator, err);
    an_graph_free(g);
    return good;
}

/* The generator starts at the mean of the data: output bias = atanh of the column means (data-dependent initialisation, Salimans and Kingma
 * 2016). */
static void start_at_mean(trainer *t)
{
    char name[64];
    snprintf(name, sizeof name, "generator/%lld/b", (long long)t->o->layers);
    float *bias = an_params_get(t->live, name)->data;
    for (size_t j = 0; j < t->width; j++) {
        double sum = 0;
        for (size_t i = 0; i < t->n; i++) sum += (double)t->x[i * t->width + j];
        double mean = sum / (double)t->n;
        mean = mean < -0.95 ? -0.95 : mean > 0.95 ? 0.95 : mean;
        bias[j] = (float)atanh(mean);
    }
}

static bool copy_generator(an_params *to, const an_params *from, an_error *err)
{
    for (size_t i = 0; i < an_params_count(from); i++) {
        const an_tensor *tensor = an_params_at(from, i);
        if (strncmp(tensor->name, "generator/", 10) != 0) continue;
        an_tensor *copy = an_params_get(to, tensor->name);
        if (!copy && !(copy = an_params_add(to, tensor->name, tensor->dtype, tensor->shape, NULL, err))) return false;
        memcpy(copy->data, tensor->data, tensor->count * sizeof(float));
    }
    return true;
}

static void average(an_params *mean, const an_params *live, double decay)
{
    float keep = (float)decay, take = (float)(1 - decay);
    for (size_t i = 0; i < an_params_count(mean); i++) {
        an_tensor *m = an_params_at(mean, i);
        const float *from = an_params_get(live, m->name)->data;
        float *to = m->data;
        for (size_t j = 0; j < m->count; j++) to[j] = keep * to[j] + take * from[j];
    }
}

/* ---- checkpoints ---- */

static void fingerprint(trainer *t)
{
    an_hasher *h = an_hasher_new();
    json_t *params = an_params_json(t->g->kind->params, t->o);
    char *text = an_json_text(params, false);
    an_hasher_add(h, t->g->kind->name, strlen(t->g->kind->name));
    an_hasher_add(h, text, strlen(text));
    an_hasher_add(h, &t->seed, sizeof t->seed);
    an_hasher_add(h, &t->width, sizeof t->width);
    an_hasher_add(h, t->x, t->n * t->width * sizeof *t->x);
    an_hash hash;
    an_hasher_end(h, &hash);
    an_hash_hex(&hash, t->fingerprint);
    free(text);
    json_decref(params);
}

static bool add_all(an_params *to, const char *prefix, const an_params *from, an_error *err)
{
    for (size_t i = 0; i < an_params_count(from); i++) {
        const an_tensor *tensor = an_params_at(from, i);
        char *name = an_format("%s/%s", prefix, tensor->name);
        bool good = an_params_add(to, name, tensor->dtype, tensor->shape, tensor->data, err) != NULL;
        free(name);
        if (!good) return false;
    }
    return true;
}

static bool take_all(an_params *to, const char *prefix, const an_params *from)
{
    for (size_t i = 0; i < an_params_count(to); i++) {
        an_tensor *tensor = an_params_at(to, i);
        char *name = an_format("%s/%s", prefix, tensor->name);
        const an_tensor *saved = an_params_get(from, name);
        free(name);
        if (!saved || saved->dtype != tensor->dtype || saved->count != tensor->count) return false;
        memcpy(tensor->data, saved->data, tensor->count * an_dtype_bytes(tensor->dtype));
    }
    return true;
}

static bool checkpoint(trainer *t, an_error *err)
{
    if (!t->path) return true;
    an_params *all = an_params_new();
    bool good = add_all(all, "live", t->live, err) && add_all(all, "mean", t->mean, err) && add_all(all, "best", t->best, err);
    const an__fidelity *f = &t->best_fidelity;
    json_t *state = json_pack("{s:I, s:I, s:[o, o, o, o], s:[f, f], s:[I, I], s:O}", "step", (json_int_t)t->step, "best_step",
                              (json_int_t)t->best_step, "best", an_json_real(f->score), an_json_real(f->ks), an_json_real(f->correlation),
                              an_json_real(f->nearest), "sums", t->loss_sum, t->generator_sum, "counts", (json_int_t)t->loss_count,
                              (json_int_t)t->generator_count, "history", t->history);
    char *text = state ? an_json_text(state, false) : NULL;
    if (good && !text) good = an_fail(err, AN_FAILED, "the training state at step %lld is not finite", (long long)t->step);
    json_t *meta = json_pack("{s:s, s:s?}", "fingerprint", t->fingerprint, "state", text);
    an_buf bytes = { 0 };
    good = good && an_safetensors_save(all, meta, &bytes, err) && an_file_write(t->path, bytes.data, bytes.size, err);
    an_buf_free(&bytes);
    json_decref(meta);
    json_decref(state);
    free(text);
    an_params_release(all);
    return good;
}

/* Takes up a checkpoint of the same training; anything else is left alone and overwritten in time. */
static bool resume(trainer *t)
{
    if (!t->path || !an_file_exists(t->path)) return false;
    an_buf bytes = { 0 };
    json_t *meta = NULL, *state = NULL;
    an_params *all = an_file_read(t->path, (size_t)1 << 30, &bytes, NULL) ? an_safetensors_load(bytes.data, bytes.size, &meta, NULL) : NULL;
    bool good = all && !strcmp(an_json_string(meta, "fingerprint", ""), t->fingerprint);
    const char *text = good ? an_json_string(meta, "state", "") : "";
    good = good && (state = an_json_parse(text, strlen(text), "checkpoint", NULL)) != NULL;
    /* into copies first: all or nothing */
    an_params *live = an_params_clone(t->live), *mean = an_params_clone(t->mean), *best = an_params_clone(t->best);
    good = good && take_all(live, "live", all) && take_all(mean, "mean", all) && take_all(best, "best", all);
    json_t *history = json_object_get(state, "history");
    if (good && json_is_object(history)) {
        an_params_assign(t->live, live, NULL);
        an_params_assign(t->mean, mean, NULL);
        an_params_assign(t->best, best, NULL);
        const json_t *b = json_object_get(state, "best"), *sums = json_object_get(state, "sums"),
                     *counts = json_object_get(state, "counts");
        t->step = json_integer_value(json_object_get(state, "step"));
        t->best_step = json_integer_value(json_object_get(state, "best_step"));
        t->best_fidelity = (an__fidelity){ an_json_number(json_array_get(b, 0), NAN), an_json_number(json_array_get(b, 1), NAN),
                                           an_json_number(json_array_get(b, 2), NAN), an_json_number(json_array_get(b, 3), NAN) };
        t->loss_sum = an_json_number(json_array_get(sums, 0), 0);
        t->generator_sum = an_json_number(json_array_get(sums, 1), 0);
        t->loss_count = json_integer_value(json_array_get(counts, 0));
        t->generator_count = json_integer_value(json_array_get(counts, 1));
        json_object_clear(t->history);
        json_object_update(t->history, history);
    } else
        good = false;
    an_params_release(live);
    an_params_release(mean);
    an_params_release(best);
    an_params_release(all);
    json_decref(state);
    json_decref(meta);
    an_buf_free(&bytes);
    return good;
}

/* ---- checks ---- */

/* Rounds prepared rows as an_prep_invert will: the largest of a category's columns, numbers to their resolution. */
static void quantise(const trainer *t, float *rows, size_t n)
{
    const an_prep *prep = t->w->prep;
    for (size_t c = 0; c < prep->columns; c++) {
        const an_prep_column *p = &prep->column[c];
        if (p->first + p->width > t->width) continue;
        float grid = 2 * t->half_step[p->first];
        for (size_t i = 0; i < n; i++) {
            float *v = rows + i * t->width + p->first;
            if (p->onehot) {
                size_t largest = 0;
                for (size_t j = 1; j < p->width; j++) largest = v[j] > v[largest] ? j : largest;
                for (size_t j = 0; j < p->width; j++) v[j] = j == largest ? 1 : -1;
            } else if (grid > 0)
                v[0] = -1 + roundf((v[0] + 1) / grid) * grid;
        }
    }
}

static void record(trainer *t, an_job *job, const char *name, double value)
{
    an_job_metric(job, name, t->step, value);
    json_t *curve = json_object_get(t->history, name);
    if (!curve) {
        curve = json_array();
        json_object_set_new(t->history, name, curve);
    }
    json_array_append_new(curve, json_pack("[I, o]", (json_int_t)t->step, an_json_real(value)));
}

/* Judges the weights of this step. Changes nothing when it fails, so that a stop here leaves the check to be done after resuming. */
static bool check(trainer *t, an_job *job, an_error *err)
{
    an__fidelity f;
    an_params *weights = t->o->average > 0 ? t->mean : t->live;
    if (!an__wgan_draw(t->w->program, weights, t->width, an_seed_derive(t->seed, "fidelity", 0), 0, t->drawn_rows, t->drawn, job, err))
        return false;
    quantise(t, t->drawn, t->drawn_rows);
    if (!an__fidelity_score(t->base, t->drawn, t->drawn_rows, &f, job, err)) return false;
    if (isfinite(f.score) && !(t->best_fidelity.score >= f.score)) {
        if (!copy_generator(t->best, weights, err)) return false;
        t->best_fidelity = f;
        t->best_step = t->step;
    }
    record(t, job, "critic_loss", t->loss_sum / (double)t->loss_count);
    if (t->generator_count) record(t, job, "generator_loss", t->generator_sum / (double)t->generator_count);
    record(t, job, "fidelity", f.score);
    t->loss_sum = t->generator_sum = 0;
    t->loss_count = t->generator_count = 0;
    return true;
}

/* ---- steps ---- */

/* Rows drawn with replacement. */
static void fill_batch(trainer *t)
{
    an_rng r = an_rng_at(an_seed_derive(t->seed, "batch", 0), (uint64_t)t->step);
    for (size_t i = 0; i < (size_t)t->o->batch; i++) {
        memcpy(t->batch + i * t->width, t->x + an_rng_below(&r, t->n) * t->width, t->width * sizeof(float));
    }
}

static bool one_step(trainer *t, an_error *err)
{
    t->step++;
    fill_batch(t);
    const an_binding real = { "real", t->batch };
    if (!an_session_run(t->critic_run, &(an_run){ .inputs = &real, .input_count = 1, .rows = t->o->batch, .step = (uint64_t)t->step }, NULL,
                        err))
        return false;
    t->loss_sum += (double)*(const float *)an_session_output(t->critic_run, "estimate");
    t->loss_count++;
    if (t->step % t->o->critic_steps) return true;
    if (!an_session_run(t->generator_run, &(an_run){ .rows = t->o->batch, .step = (uint64_t)t->step }, NULL, err)) return false;
    t->generator_sum += (double)*(const float *)an_session_output(t->generator_run, "loss");
    t->generator_count++;
    if (t->o->average > 0) average(t->mean, t->live, t->o->average);
    return true;
}

static bool prepare(trainer *t, an_job *job, an_error *err)
{
    const an__wgan_options *o = t->o;
    t->live = an_params_new();
    t->mean = an_params_new();
    t->best = an_params_new();
    size_t noise = (size_t)o->noise;
    if (!an__wgan_init(t->live, "generator", o, noise, t->width, an_seed_derive(t->seed, "generator", 0), err) ||
        !an__wgan_init(t->live, "critic", o, t->width, 1, an_seed_derive(t->seed, "critic", 0), err))
        return false;
    start_at_mean(t);
    if (!copy_generator(t->mean, t->live, err) || !copy_generator(t->best, t->live, err)) return false;
    if (!compile_critic(t, err) || !compile_generator(t, err)) return false;
    t->critic_run = an_session_new(t->critic, t->live, an_seed_derive(t->seed, "critic noise", 0), err);
    t->generator_run = t->critic_run ? an_session_new(t->generator, t->live, an_seed_derive(t->seed, "generator noise", 0), err) : NULL;
    if (!t->generator_run) return false;
    t->drawn_rows = t->n < 100 ? 200 : t->n > 250 ? 500 : 2 * t->n;
    t->batch = an_alloc_data((size_t)o->batch * t->width, sizeof(float), "a batch", err);
    t->drawn = an_alloc_data(t->drawn_rows * t->width, sizeof(float), "generated rows", err);
    float *rounded = an_alloc_data(t->n * t->width, sizeof(float), "prepared rows", err);
    if (t->batch && t->drawn && rounded) {
        memcpy(rounded, t->x, t->n * t->width * sizeof(float));
        quantise(t, rounded, t->n);
        t->base = an__fidelity_new(rounded, t->n, t->width, job, err);
    }
    free(rounded);
    return t->base != NULL;
}

/* A checkpoint for whoever stopped the job, and the reason; always false. */
static bool leave(trainer *t, an_job *job, an_error *err)
{
    if (!checkpoint(t, err)) return false;
    an_job_check(job, err);
    if (t->path) an_hint(err, "the same command goes on from step %lld", (long long)t->step);
    return false;
}

static bool train(trainer *t, an_job *job, an_error *err)
{
    const an__wgan_options *o = t->o;
    double saved = an_clock_s();
    for (;;) {
        bool last = t->step >= o->steps;
        if (t->loss_count > 0 && (t->step % o->check_every == 0 || last)) { /* loss_count is 0 once the check of this step is done */
            if (!isfinite(t->loss_sum) || !isfinite(t->generator_sum)) {
                if (t->best_step == 0) {
                    an_fail(err, AN_FAILED, "training diverged before step %lld", (long long)t->step);
                    return an_hint(err, "lower rate, or set regularity=gradient");
                }
                an_job_say(job, "%s: training diverged before step %lld; the best weights (step %lld) are kept", t->g->kind->name,
                           (long long)t->step, (long long)t->best_step);
                break;
            }
            if (!check(t, job, err)) return an_job_stopped(job) ? leave(t, job, err) : false;
        }
        if (last) break;
        if (o->patience > 0 && t->loss_count == 0 && t->step - t->best_step >= o->patience * o->check_every) {
            an_job_say(job, "%s: stopped at step %lld, fidelity has not risen since step %lld", t->g->kind->name, (long long)t->step,
                       (long long)t->best_step);
            break;
        }
        if (an_job_stopped(job)) return leave(t, job, err);
        if (!one_step(t, err)) return false;
        if (t->step % 16 == 0) {
            an_job_progress(job, (double)t->step, (double)o->steps, "steps");
            if (t->path && an_clock_s() - saved > 3) {
                if (!checkpoint(t, err)) return false;
                saved = an_clock_s();
            }
        }
    }
    an_job_progress(job, (double)t->step, (double)t->step, "steps");
    return true;
}

bool an__wgan_train(an_generator *g, an__wgan_state *w, const float *x, size_t n, const float *half_step, an_job *job, an_error *err)
{
    trainer t = {
        .o = g->options, .g = g, .w = w, .x = x, .half_step = half_step, .n = n, .width = w->width, .seed = g->seed, .history = g->history
    };
    t.best_fidelity = (an__fidelity){ NAN, NAN, NAN, NAN };
    char *stage = an_format("training %s", g->kind->name), *file = an_format("%s.checkpoint", g->kind->name);
    an_job_stage(job, stage);
    if (an_job_folder(job)) t.path = an_path_join(an_job_folder(job), file);
    bool good = prepare(&t, job, err);
    if (good) {
        fingerprint(&t);
        if (t.path) good = an_folder_make(an_job_folder(job), err);
        if (good && resume(&t)) an_job_say(job, "%s: going on from step %lld", g->kind->name, (long long)t.step);
        good = good && train(&t, job, err);
    }
    if (good) {
        w->weights = t.best;
        t.best = NULL;
        g->steps = t.step;
        g->scores = json_pack("{s:o, s:o, s:o, s:o, s:I}", "fidelity", an_json_real(t.best_fidelity.score), "ks_complement",
                              an_json_real(t.best_fidelity.ks), "correlation_similarity", an_json_real(t.best_fidelity.correlation),
                              "nearest", an_json_real(t.best_fidelity.nearest), "step", (json_int_t)t.best_step);
        if (t.path) remove(t.path);
    }
    an_session_free(t.critic_run);
    an_session_free(t.generator_run);
    an_program_free(t.critic);
    an_program_free(t.generator);
    an_params_release(t.live);
    an_params_release(t.mean);
    an_params_release(t.best);
    an__fidelity_free(t.base);
    free(t.batch);
    free(t.drawn);
    free(t.path);
    free(stage);
    free(file);
    return good;
}
