/* logistic.c - logistic regression as a predictor: parameters, state, graph. The optimiser is logistic_solver.c.
 *
 * minimise 1/2 |w|^2 + C sum_i weight_i log(1 + exp(-y_i (w x_i + b))), y in {-1, 1}; the intercept b is not penalised.
 * (Hastie, Tibshirani, Friedman: The Elements of Statistical Learning, 2nd ed., 4.4.) */
#include "learn/logistic_solver.h"
#include "learn/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
    double c, tolerance;
    int64_t iterations;
} options;

static const an_param params[] = {
    AN_REAL_LOG(options, c, 1, 1e-4, 1e4, "inverse strength of the L2 penalty: smaller keeps the coefficients smaller"),
    AN_REAL_LOG(options, tolerance, 1e-8, 1e-14, 1e-2, "stop when the gradient, relative to its start, is below this"),
    AN_INT(options, iterations, 100, 1, 10000, "most iterations of the second-order solver"),
    AN_PARAM_END,
};

typedef struct state {
    size_t d;
    double *w;         /* d, on prepared columns */
    double *deviation; /* d, sd (with n) of the prepared columns in training */
    double intercept;
    int64_t iterations; /* taken */
    bool converged;
    double objective;
} state;

static void release(an_predictor *p)
{
    state *s = p->state;
    if (!s) return;
    free(s->w);
    free(s->deviation);
    free(s);
    p->state = NULL;
}

static void deviations(const an_samples *t, double *out)
{
    size_t d = t->d;
    double *mean = an_alloc_n(d, sizeof *mean);
    for (size_t i = 0; i < t->n; i++)
        for (size_t j = 0; j < d; j++) mean[j] += t->x[i * d + j];
    for (size_t j = 0; j < d; j++) mean[j] /= (double)t->n;
    for (size_t i = 0; i < t->n; i++)
        for (size_t j = 0; j < d; j++) out[j] += (t->x[i * d + j] - mean[j]) * (t->x[i * d + j] - mean[j]);
    for (size_t j = 0; j < d; j++) out[j] = sqrt(out[j] / (double)t->n);
    free(mean);
}

static bool fit(an_predictor *p, const an_samples *train, an_job *job, an_error *err)
{
    const options *o = p->options;
    if (!an__samples_check(train, err) || !an_job_check(job, err)) return false;
    release(p);
    an__logistic_options how = { .c = o->c, .tolerance = o->tolerance, .iterations = (int)o->iterations };
    an__logistic_fit found = { 0 };
    if (!an__logistic_solve(train->x, train->n, train->d, train->label, train->weight, &how, &found, job, err)) {
        free(found.w);
        return an_context(err, "logistic");
    }
    state *s = p->state = an_alloc(sizeof *s);
    s->d = train->d;
    s->w = found.w;
    s->intercept = found.intercept;
    s->iterations = found.iterations;
    s->converged = found.converged;
    s->objective = found.objective;
    s->deviation = an_alloc_n(train->d, sizeof *s->deviation);
    deviations(train, s->deviation);
    if (!s->converged) an_job_say(job, "logistic: not converged after %d iterations; raise iterations or lower c", found.iterations);
    return true;
}

static an_node lower(const an_predictor *p, an_node x)
{
    const state *s = p->state;
    an_node w = an_constant(x.graph, AN_F64, (an_shape){ 2, { (int64_t)s->d, 1 } }, s->w);
    return an_sigmoid(an_add(an_matmul(x, w), an_scalar(x.graph, AN_F64, s->intercept)));
}

static bool save(const an_predictor *p, an_params *tensors, json_t *meta, an_error *err)
{
    const state *s = p->state;
    an_shape row = { 1, { (int64_t)s->d } }, one = { 1, { 1 } };
    if (!an_params_add(tensors, "weight", AN_F64, row, s->w, err) || !an_params_add(tensors, "deviation", AN_F64, row, s->deviation, err) ||
        !an_params_add(tensors, "intercept", AN_F64, one, &s->intercept, err))
        return false;
    json_object_set_new(meta, "iterations", json_integer(s->iterations));
    json_object_set_new(meta, "converged", json_boolean(s->converged));
    json_object_set_new(meta, "objective", an_json_real(s->objective));
    return true;
}

/* values of a tensor of the wanted shape, all finite; NULL with AN_CORRUPT */
static const double *values(const an_params *tensors, const char *name, size_t d, an_error *err)
{
    const an_tensor *t = an_params_get(tensors, name);
    if (!t || t->dtype != AN_F64 || t->shape.rank != 1 || t->count != d) {
        an_fail(err, AN_CORRUPT, "logistic: tensor \"%s\" is %s", name, t ? "not f64 or has the wrong shape" : "missing");
        return NULL;
    }
    for (size_t i = 0; i < d; i++)
        if (!isfinite(((const double *)t->data)[i])) {
            an_fail(err, AN_CORRUPT, "logistic: tensor \"%s\" holds a value that is not finite", name);
            return NULL;
        }
    return t->data;
}

static double *copy(const double *from, size_t n)
{
    double *to = an_alloc_n(n, sizeof *to);
    memcpy(to, from, n * sizeof *to);
    return to;
}

static bool load(an_predictor *p, const an_params *tensors, const json_t *meta, an_error *err)
{
    const an_tensor *weight = an_params_get(tensors, "weight");
    size_t d = weight ? weight->count : 0;
    const double *w = values(tensors, "weight", d, err);
    const double *deviation = w ? values(tensors, "deviation", d, err) : NULL;
    const double *intercept = deviation ? values(tensors, "intercept", 1, err) : NULL;
    if (!intercept) return false;
    if (!d) return an_fail(err, AN_CORRUPT, "logistic: tensor \"weight\" is empty");
    release(p);
    state *s = p->state = an_alloc(sizeof *s);
    s->d = d;
    s->w = copy(w, d);
    s->deviation = copy(deviation, d);
    s->intercept = *intercept;
    s->iterations = json_integer_value(json_object_get(meta, "iterations"));
    s->converged = json_is_true(json_object_get(meta, "converged"));
    s->objective = an_json_number(json_object_get(meta, "objective"), NAN);
    return true;
}

static bool coefficients(const an_predictor *p, const double **weight, const double **deviation, size_t *d, double *intercept)
{
    const state *s = p->state;
    if (!s) return false;
    *weight = s->w;
    *deviation = s->deviation;
    *d = s->d;
    *intercept = s->intercept;
    return true;
}

const an_predictor_kind an__logistic = {
    .name = "logistic",
    .doc = "logistic regression with an L2 penalty; coefficients in the units of the data",
    .source = "Hastie, Tibshirani, Friedman 2009, section 4.4",
    .params = params,
    .options_size = sizeof(options),
    .can = AN_CAN_CLASSES | AN_CAN_WEIGHTS | AN_CAN_EXPLAIN,
    .scale = "standard",
    .fit = fit,
    .lower = lower,
    .save = save,
    .load = load,
    .free = release,
    .coefficients = coefficients,
};
