/* wgan.c - the Wasserstein GAN as two generator kinds: options, preparation, sampling, files. Networks: wgan_net.c; training: wgan_train.c.
 *
 * Data is prepared to [-1, 1] by the ranges of the rows fitted on; categories as one-hot columns of -1 and 1, read back by the largest.
 * `wgan` is fitted on rows of one class: the target is constant and stays outside the network. `wgan-filter` is fitted on all rows and
 * generates the target as one more column. */
#include "synth/wgan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const an_param params[] = {
    AN_INT(an__wgan_options, layers, 2, 1, 8, "hidden layers of the generator"),
    AN_INT_LOG(an__wgan_options, width, 64, 8, 1024, "units of a hidden layer of the generator"),
    AN_INT(an__wgan_options, noise, 32, 1, 500, "normal draws that one row is made from"),
    AN_INT(an__wgan_options, critic_layers, 0, 0, 8, "hidden layers of the critic; 0: as many as the generator's"),
    AN_INT(an__wgan_options, critic_width, 0, 0, 1024, "units of a hidden layer of the critic; 0: as many as the generator's"),
    AN_INT(an__wgan_options, critic_steps, 5, 1, 100, "critic steps per generator step"),
    AN_INT_LOG(an__wgan_options, batch, 64, 2, 4096, "rows of a step"),
    AN_INT_LOG(an__wgan_options, steps, 10000, 1, 10000000, "critic steps in total"),
    AN_CHOICE(an__wgan_options, regularity, "gradient", "clip|gradient",
              "how the critic is kept Lipschitz: weight clipping with RMSProp, or gradient penalty with Adam"),
    AN_REAL_LOG(an__wgan_options, rate, NAN, 1e-6, 1e-1, "step size of the generator; not given: 1e-03 with clip, 2e-03 with gradient"),
    AN_REAL_LOG(an__wgan_options, critic_rate, NAN, 1e-6, 1e-1, "step size of the critic; not given: the generator's"),
    AN_REAL_LOG(an__wgan_options, clip, 0.01, 1e-4, 1, "bound of the critic's weights (clip)"),
    AN_REAL_LOG(an__wgan_options, penalty, 10, 0.1, 1000, "weight of the gradient penalty (gradient)"),
    AN_REAL(an__wgan_options, slope, 0.2, 0, 0.9, "slope of the leaky ReLU below zero"),
    AN_REAL(an__wgan_options, average, 0.99, 0, 0.9999,
            "decay of the running average of the generator's weights that is judged and kept; 0: none"),
    AN_REAL(an__wgan_options, jitter, 1, 0, 1, "share of a number's resolution that real values are spread over in training"),
    AN_INT(an__wgan_options, check_every, 250, 1, 1000000, "critic steps between fidelity checks"),
    AN_INT(an__wgan_options, patience, 12, 0, 1000000, "checks without a better fidelity before training stops; 0: never"),
    AN_PARAM_END,
};

static void release(an_generator *g)
{
    an__wgan_state *w = g->state;
    if (!w) return;
    an_program_free(w->program);
    an_params_release(w->weights);
    an_prep_free(w->prep);
    free(w->tail);
    free(w);
    g->state = NULL;
}

/* Rows as the network sees them: numbers in [-1, 1], one-hot columns -1 or 1. */
static float *prepare(const an_prep *prep, const an_table *t, an_error *err)
{
    size_t n = t->rows, d = prep->width;
    double *x = an_alloc_data(n * d, sizeof *x, "prepared rows", err);
    float *out = x ? an_alloc_data(n * d, sizeof *out, "prepared rows", err) : NULL;
    if (!out || !an_prep_apply(prep, t, NULL, n, x, NULL, err)) {
        free(x);
        free(out);
        return NULL;
    }
    for (size_t i = 0; i < n * d; i++)
        out[i] = (float)(x[i] >= -1 ? x[i] <= 1 ? x[i] : 1 : -1); /* also where a range is too large to scale by */
    for (size_t c = 0; c < prep->columns; c++) {
        const an_prep_column *p = &prep->column[c];
        if (!p->onehot) continue;
        for (size_t i = 0; i < n; i++) {
            for (size_t j = p->first; j < p->first + p->width; j++) out[i * d + j] = x[i * d + j] > 0.5 ? 1 : -1;
        }
    }
    free(x);
    return out;
}

/* Half the distance between neighbouring values in prepared units; 0 where values are as good as continuous. */
static void resolutions(const an_prep *prep, float *half_step)
{
    for (size_t c = 0; c < prep->columns; c++) {
        const an_prep_column *p = &prep->column[c];
        double step = p->step > 0 ? p->step : p->whole ? 1 : 0;
        if (p->onehot || !(step > 0)) continue;
        double half = step / p->scale / 2;
        half_step[p->first] = half > 1e-4 && half <= 1 ? (float)half : 0;
    }
}

static bool fit(an_generator *g, const an_table *train, an_job *job, an_error *err)
{
    if (train->rows < 2) {
        an_fail(err, AN_INPUT, "%s needs at least 2 rows%s, there is %zu", g->kind->name, g->kind->minority ? " of the rarer class" : "",
                train->rows);
        return an_hint(err, "use --balance random, weights or threshold, or collect more rows");
    }
    an__wgan_state *w = an_alloc(sizeof *w);
    g->state = w;
    an_prep_options options;
    memset(&options, 0, sizeof options);
    an_params_defaults(an_prep_params, &options);
    bool good = an_params_set(an_prep_params, &options, "scale", "range", err) &&
                an_params_set(an_prep_params, &options, "category", "onehot", err);
    options.with_target = g->target != NULL;
    w->prep = good ? an_prep_fit(train, NULL, 0, &options, err) : NULL;
    an_params_free(an_prep_params, &options);
    if (!w->prep) return false;
    float *x = prepare(w->prep, train, err);
    if (!x) return false;

    /* a constant target stays outside: its columns are cut off, and put back when sampling */
    size_t d = w->prep->width, n = train->rows;
    w->width = g->kind->minority && w->prep->target_last ? w->prep->column[w->prep->columns - 1].first : d;
    if (w->width < d) {
        w->tail = an_alloc_n(d - w->width, sizeof *w->tail);
        memcpy(w->tail, x + w->width, (d - w->width) * sizeof *w->tail);
        for (size_t i = 0; i < n; i++) memmove(x + i * w->width, x + i * d, w->width * sizeof *x);
    }
    float *half_step = an_alloc_n(d, sizeof *half_step);
    resolutions(w->prep, half_step);
    good = (w->program = an__wgan_sampler(g->options, w->width, err)) && an__wgan_train(g, w, x, n, half_step, job, err);
    free(half_step);
    free(x);
    return good;
}

static an_table *sample(const an_generator *g, uint64_t seed, uint64_t first_row, size_t n, an_job *job, an_error *err)
{
    const an__wgan_state *w = g->state;
    size_t d = w->prep->width, tail = d - w->width;
    float *rows = an_alloc_data(n ? n * d : 1, sizeof *rows, "generated rows", err);
    if (!rows) return NULL;
    an_table *t = NULL;
    if (an__wgan_draw(w->program, w->weights, w->width, an_seed_derive(seed, g->kind->name, 0), first_row, n, rows, job, err)) {
        for (size_t i = n; i-- > 0 && tail;) { /* from the last row on, in place */
            memmove(rows + i * d, rows + i * w->width, w->width * sizeof *rows);
            memcpy(rows + i * d + w->width, w->tail, tail * sizeof *rows);
        }
        t = an_prep_invert(w->prep, rows, n, err);
    }
    free(rows);
    return t;
}

static bool save(const an_generator *g, an_artifact *a, json_t *meta, an_error *err)
{
    const an__wgan_state *w = g->state;
    an_buf bytes = { 0 };
    json_object_set_new(meta, "width", json_integer((json_int_t)w->width));
    json_t *tail = json_array();
    for (size_t i = 0; i < w->prep->width - w->width; i++) json_array_append_new(tail, json_real((double)w->tail[i]));
    json_object_set_new(meta, "tail", tail);
    json_object_set_new(meta, "preparation", an_prep_json(w->prep));
    bool good =
        an_safetensors_save(w->weights, NULL, &bytes, err) && an_artifact_write(a, "generator.safetensors", bytes.data, bytes.size, err);
    an_buf_free(&bytes);
    return good;
}

static bool load(an_generator *g, const an_artifact *a, const json_t *meta, an_error *err)
{
    an__wgan_state *w = an_alloc(sizeof *w);
    g->state = w;
    const an__wgan_options *o = g->options;
    w->prep = an_prep_from_json(json_object_get(meta, "preparation"), err);
    if (!w->prep) return false;
    for (size_t c = 0; c < w->prep->columns; c++) { /* generated values are rounded to these */
        double step = w->prep->column[c].step;
        if (step != 0 && !(step >= 1e-6 && step <= 1)) {
            return an_fail(err, AN_CORRUPT, "generator.json: column %s has a resolution of %g", w->prep->column[c].name, step);
        }
    }
    const json_t *tail = json_object_get(meta, "tail");
    json_int_t width = json_integer_value(json_object_get(meta, "width"));
    if (width < 1 || (size_t)width > w->prep->width || json_array_size(tail) != w->prep->width - (size_t)width) {
        return an_fail(err, AN_CORRUPT, "generator.json: width %lld does not agree with the preparation", (long long)width);
    }
    w->width = (size_t)width;
    w->tail = an_alloc_n(json_array_size(tail) + 1, sizeof *w->tail);
    for (size_t i = 0; i < json_array_size(tail); i++) w->tail[i] = (float)an_json_number(json_array_get(tail, i), 0);

    an_buf bytes = { 0 };
    an_params *read =
        an_artifact_read(a, "generator.safetensors", &bytes, err) ? an_safetensors_load(bytes.data, bytes.size, NULL, err) : NULL;
    an_buf_free(&bytes);
    if (!read) return false;
    /* the file's tensors into the shapes that the options call for: whatever is missing or odd is named */
    w->weights = an_params_new();
    bool good = an__wgan_init(w->weights, "generator", o, (size_t)o->noise, w->width, 0, err);
    for (size_t i = 0; good && i < an_params_count(w->weights); i++) {
        an_tensor *to = an_params_at(w->weights, i);
        const an_tensor *from = an_params_get(read, to->name);
        good = from && from->dtype == AN_F32 && from->count == to->count;
        if (good)
            memcpy(to->data, from->data, to->count * sizeof(float));
        else
            an_fail(err, AN_CORRUPT, "generator.safetensors: tensor %s is absent or has the wrong shape", to->name);
    }
    an_params_release(read);
    return good && (w->program = an__wgan_sampler(o, w->width, err));
}

const an_generator_kind an__wgan = {
    .name = "wgan",
    .doc = "Wasserstein GAN on the rows of the rarer class",
    .source = "Arjovsky et al. 2017, algorithm 1; Gulrajani et al. 2017, algorithm 1",
    .params = params,
    .options_size = sizeof(an__wgan_options),
    .can = AN_CAN_RESUME | AN_CAN_MISSING | AN_CAN_CATEGORY,
    .minority = true,
    .fit = fit,
    .sample = sample,
    .save = save,
    .load = load,
    .free = release,
};

const an_generator_kind an__wgan_filter = {
    .name = "wgan-filter",
    .doc = "Wasserstein GAN on all rows, target included; balancing keeps the rows that pass the minority filter",
    .source = "Dahdal et al. 2024, section III-A",
    .params = params,
    .options_size = sizeof(an__wgan_options),
    .can = AN_CAN_RESUME | AN_CAN_MISSING | AN_CAN_CATEGORY,
    .filtered = true,
    .fit = fit,
    .sample = sample,
    .save = save,
    .load = load,
    .free = release,
};
