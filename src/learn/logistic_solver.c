/* logistic_solver.c - Newton's method for L2-regularised logistic regression with an unpenalised intercept.
 *
 * Up to NEWTON_MOST columns the Newton system is formed and solved by Cholesky's factorisation; above, by conjugate gradients with a
 * diagonal preconditioner (Nocedal and Wright, Numerical Optimization, 2nd ed., algorithm 7.1). Steps are shortened until the objective
 * falls (Armijo); the objective is convex and bounded below, so this converges from anywhere, separable classes included.
 *
 * All sums over rows are formed by chunk of rows and added up in the order of chunks. The chunks depend on n and d alone: the same bits for
 * any number of threads.
 */
#include "learn/logistic_solver.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "andon/score.h"

enum {
    NEWTON_MOST = 1500, /* columns; a Hessian of 18 MB */
    CHUNKS_MOST = 16,
    CHUNK_LEAST = 1024, /* rows */
    BLOCK = 256,        /* rows scaled at a time for the Hessian */
    HALVINGS = 60,
};
static const size_t partial_most = 4000000;   /* doubles in all chunks' Hessians */
static const size_t parallel_least = 1 << 18; /* values; below, threads cost more than they save */

typedef struct problem {
    const double *x, *weight;
    const uint8_t *label;
    size_t n, d, chunks;
    double c;
    an_pool *pool;
    const double *at;        /* d + 1: coefficients, then intercept */
    const double *direction; /* d + 1: what the Hessian is multiplied with */
    double *curvature;       /* n: c * weight * p (1 - p) at the last point evaluated */
    double *partial;         /* of the chunks: values or matrices */
    size_t stride;           /* of partial */
    double *scaled;          /* a worker's block of rows */
    double loss[CHUNKS_MOST];
} problem;

static double dot(const double *a, const double *b, size_t n)
{
    double s[8] = { 0 };
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        for (size_t k = 0; k < 8; k++) {
            s[k] += a[i + k] * b[i + k];
        }
    }
    double tail = 0;
    for (; i < n; i++) {
        tail += a[i] * b[i];
    }
    return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7])) + tail;
}

static void add_scaled(double *to, const double *from, double factor, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        to[i] += factor * from[i];
    }
}

static size_t chunk_first(const problem *p, size_t chunk)
{
    return p->n / p->chunks * chunk + (chunk < p->n % p->chunks ? chunk : p->n % p->chunks);
}

/* Runs `body` over the chunks and adds the partial sums of `count` values to `out`. */
static void over_chunks(problem *p, size_t count, void (*body)(void *, size_t, int), double *out)
{
    p->stride = count;
    memset(p->partial, 0, p->chunks * count * sizeof *p->partial);
    an_pool_each(p->pool, p->chunks, body, p);
    for (size_t k = 0; k < p->chunks; k++) {
        add_scaled(out, p->partial + k * count, 1, count);
    }
}

/* Loss, gradient of the loss, curvature. With t = y * margin: loss log(1 + e^-t), without overflow for either sign. */
static void evaluate_chunk(void *context, size_t chunk, int worker)
{
    (void)worker;
    problem *p = context;
    double *gradient = p->partial + chunk * p->stride, loss = 0;
    for (size_t i = chunk_first(p, chunk); i < chunk_first(p, chunk + 1); i++) {
        const double *row = p->x + i * p->d;
        double weight = p->c * (p->weight ? p->weight[i] : 1), margin = dot(row, p->at, p->d) + p->at[p->d];
        double t = p->label[i] ? margin : -margin, e = exp(-fabs(t)), wrong = t >= 0 ? e / (1 + e) : 1 / (1 + e);
        loss += weight > 0 ? weight * (log1p(e) + (t < 0 ? -t : 0)) : 0;
        p->curvature[i] = weight * (e / ((1 + e) * (1 + e)));
        double slope = p->label[i] ? -weight * wrong : weight * wrong;
        add_scaled(gradient, row, slope, p->d);
        gradient[p->d] += slope;
    }
    p->loss[chunk] = loss;
}

static double evaluate(problem *p, const double *at, double *gradient)
{
    p->at = at;
    memcpy(gradient, at, p->d * sizeof *gradient); /* of the penalty */
    gradient[p->d] = 0;
    over_chunks(p, p->d + 1, evaluate_chunk, gradient);
    double value = 0.5 * dot(at, at, p->d);
    for (size_t k = 0; k < p->chunks; k++) {
        value += p->loss[k];
    }
    return value;
}

static void hessian_chunk(void *context, size_t chunk, int worker)
{
    problem *p = context;
    size_t width = p->d + 1, end = chunk_first(p, chunk + 1);
    double *scaled = p->scaled + (size_t)worker * BLOCK * width;
    for (size_t row = chunk_first(p, chunk); row < end; row += BLOCK) {
        size_t rows = end - row < BLOCK ? end - row : BLOCK;
        for (size_t i = 0; i < rows; i++) {
            double root = sqrt(p->curvature[row + i]);
            for (size_t j = 0; j < p->d; j++) {
                scaled[i * width + j] = root * p->x[(row + i) * p->d + j];
            }
            scaled[i * width + p->d] = root;
        }
        an_gram_add(scaled, rows, width, p->partial + chunk * p->stride);
    }
}

static void product_chunk(void *context, size_t chunk, int worker)
{
    (void)worker;
    problem *p = context;
    double *out = p->partial + chunk * p->stride;
    for (size_t i = chunk_first(p, chunk); i < chunk_first(p, chunk + 1); i++) {
        const double *row = p->x + i * p->d;
        double factor = p->curvature[i] * (dot(row, p->direction, p->d) + p->direction[p->d]);
        add_scaled(out, row, factor, p->d);
        out[p->d] += factor;
    }
}

static void diagonal_chunk(void *context, size_t chunk, int worker)
{
    (void)worker;
    problem *p = context;
    double *out = p->partial + chunk * p->stride;
    for (size_t i = chunk_first(p, chunk); i < chunk_first(p, chunk + 1); i++) {
        for (size_t j = 0; j < p->d; j++) {
            out[j] += p->curvature[i] * (p->x[i * p->d + j] * p->x[i * p->d + j]);
        }
        out[p->d] += p->curvature[i];
    }
}

/* step = -H^-1 gradient. Where rounding made H indefinite, its diagonal is raised until it is not. */
static bool step_cholesky(problem *p, const double *gradient, double *hessian, double *factor, double *step)
{
    size_t width = p->d + 1;
    memset(hessian, 0, width * width * sizeof *hessian);
    for (size_t j = 0; j < p->d; j++) {
        hessian[j * width + j] = 1;
    }
    over_chunks(p, width * width, hessian_chunk, hessian);
    double raise = 0;
    for (int turn = 0; turn < 12; turn++) {
        memcpy(factor, hessian, width * width * sizeof *factor);
        for (size_t j = 0; j < width; j++) {
            factor[j * width + j] += raise * fmax(hessian[j * width + j], 1);
        }
        if (an_cholesky(factor, width)) {
            for (size_t j = 0; j < width; j++) {
                step[j] = -gradient[j];
            }
            an_cholesky_solve(factor, width, step);
            return true;
        }
        raise = raise > 0 ? raise * 100 : 1e-14;
    }
    return false;
}

/* The same by conjugate gradients, up to a residual of `share` of the gradient. work: 5 (d + 1) */
static void step_conjugate(problem *p, const double *gradient, double share, double *work, double *step)
{
    size_t width = p->d + 1;
    double *residual = work, *scaled = work + width, *direction = work + 2 * width, *product = work + 3 * width,
           *diagonal = work + 4 * width;
    for (size_t j = 0; j < width; j++) {
        diagonal[j] = j < p->d;
        step[j] = 0;
        residual[j] = -gradient[j];
    }
    over_chunks(p, width, diagonal_chunk, diagonal);
    for (size_t j = 0; j < width; j++) {
        diagonal[j] = fmax(diagonal[j], DBL_MIN / DBL_EPSILON);
        direction[j] = scaled[j] = residual[j] / diagonal[j];
    }
    double target = share * sqrt(dot(gradient, gradient, width)), rho = dot(residual, scaled, width);
    for (size_t turn = 0; turn < 2 * width + 100 && rho > 0; turn++) {
        memcpy(product, direction, p->d * sizeof *product); /* the penalty's part of H */
        product[p->d] = 0;
        p->direction = direction;
        over_chunks(p, width, product_chunk, product);
        double bend = dot(direction, product, width);
        if (!(bend > 0)) {
            break; /* only by rounding: H is positive definite */
        }
        add_scaled(step, direction, rho / bend, width);
        add_scaled(residual, product, -rho / bend, width);
        if (sqrt(dot(residual, residual, width)) <= target) {
            break;
        }
        for (size_t j = 0; j < width; j++) {
            scaled[j] = residual[j] / diagonal[j];
        }
        double next = dot(residual, scaled, width);
        for (size_t j = 0; j < width; j++) {
            direction[j] = scaled[j] + next / rho * direction[j];
        }
        rho = next;
    }
}

static bool check(const double *x, size_t n, size_t d, const uint8_t *label, const double *weight, const an__logistic_options *options,
                  double *log_odds, an_error *err)
{
    if (!(options->c > 0 && isfinite(options->c)) || !(options->tolerance >= 0) || options->iterations < 1) {
        return an_fail(err, AN_USAGE, "logistic regression: c (%g) must be above 0, tolerance (%g) at least 0, iterations (%d) at least 1",
                       options->c, options->tolerance, options->iterations);
    }
    for (size_t i = 0; i < n * d; i++) {
        if (!isfinite(x[i])) {
            return an_fail(err, AN_INPUT, "logistic regression: row %zu, column %zu is not a finite number", i / d + 1, i % d + 1);
        }
    }
    double sum[2] = { 0 };
    for (size_t i = 0; i < n; i++) {
        if (weight && !(weight[i] >= 0 && isfinite(weight[i]))) {
            return an_fail(err, AN_INPUT, "logistic regression: the weight of row %zu is %g, not a finite number of at least 0", i + 1,
                           weight[i]);
        }
        sum[label[i] != 0] += weight ? weight[i] : 1;
    }
    if (!(sum[0] > 0 && sum[1] > 0)) {
        an_fail(err, AN_INPUT, "logistic regression needs rows of both classes, and all %zu are %s", n,
                sum[1] > 0 ? "positive" : "negative");
        return an_hint(err, "train on rows that hold both classes");
    }
    *log_odds = log(sum[1]) - log(sum[0]);
    return true;
}

typedef struct workspace {
    double *at, *trial, *gradient, *trial_gradient, *step; /* d + 1 each, one allocation */
    double *hessian, *factor;                              /* (d + 1)^2, one allocation; Newton by Cholesky */
    double *conjugate;                                     /* 5 (d + 1); Newton by conjugate gradients */
} workspace;

/* Shortens the step until the objective falls enough, or, where its change drowns in rounding, the gradient falls. trial, trial_gradient
 * and *value are the new point; false: no such point. */
static bool search(problem *p, workspace *w, double *value, double slope)
{
    size_t width = p->d + 1;
    double norm = dot(w->gradient, w->gradient, width), noise = 1e-13 * fmax(1, fabs(*value)), length = 1;
    for (int turn = 0; turn < HALVINGS; turn++, length /= 2) {
        for (size_t j = 0; j < width; j++) {
            w->trial[j] = w->at[j] + length * w->step[j];
        }
        double next = evaluate(p, w->trial, w->trial_gradient);
        bool falls = next <= *value + 1e-4 * length * slope;
        if (falls || (fabs(next - *value) <= noise && dot(w->trial_gradient, w->trial_gradient, width) < norm)) {
            *value = next;
            return true;
        }
        if (-slope * length < 1e-3 * noise) {
            break;
        }
    }
    return false;
}

static bool iterate(problem *p, workspace *w, const an__logistic_options *options, double log_odds, an__logistic_fit *out, an_job *job,
                    an_error *err)
{
    size_t width = p->d + 1;
    evaluate(p, w->at, w->gradient); /* at zero: what the tolerance is relative to */
    double scale = sqrt(dot(w->gradient, w->gradient, width));
    scale = scale > 0 ? scale : 1;
    w->at[p->d] = log_odds;
    double value = evaluate(p, w->at, w->gradient);
    for (;;) {
        out->gradient = sqrt(dot(w->gradient, w->gradient, width)) / scale;
        out->converged = out->gradient <= options->tolerance;
        if (out->converged || out->iterations >= options->iterations) {
            break;
        }
        if (!an_job_check(job, err)) {
            return false;
        }
        if (w->conjugate) {
            step_conjugate(p, w->gradient, fmin(0.1, sqrt(out->gradient)), w->conjugate, w->step);
        } else if (!step_cholesky(p, w->gradient, w->hessian, w->factor, w->step)) {
            return an_fail(err, AN_FAILED, "logistic regression: the Newton system cannot be solved; are the columns scaled?");
        }
        double slope = dot(w->gradient, w->step, width), before = value;
        if (!search(p, w, &value, slope)) {
            out->converged = -slope <= 1e-9 * fmax(1, fabs(before)); /* as near as rounding lets it come */
            break;
        }
        memcpy(w->at, w->trial, width * sizeof *w->at);
        memcpy(w->gradient, w->trial_gradient, width * sizeof *w->gradient);
        out->iterations++;
    }
    memcpy(out->w, w->at, p->d * sizeof *out->w);
    out->intercept = w->at[p->d];
    out->objective = value;
    return true;
}

bool an__logistic_solve(const double *x, size_t n, size_t d, const uint8_t *label, const double *weight,
                        const an__logistic_options *options, an__logistic_fit *out, an_job *job, an_error *err)
{
    *out = (an__logistic_fit){ 0 };
    double log_odds = 0;
    if (!check(x, n, d, label, weight, options, &log_odds, err)) {
        return false;
    }
    bool direct = d <= NEWTON_MOST;
    size_t width = d + 1, matrix = direct ? width * width : width, chunks = n / CHUNK_LEAST + 1;
    chunks = chunks < CHUNKS_MOST ? chunks : CHUNKS_MOST;
    chunks = chunks * matrix <= partial_most ? chunks : partial_most / matrix > 1 ? partial_most / matrix : 1;
    problem p = { .x = x, .weight = weight, .label = label, .n = n, .d = d, .chunks = chunks, .c = options->c };
    p.pool = n * d >= parallel_least ? an_job_pool(job) : NULL;
    size_t workers = (size_t)an_pool_threads(p.pool);

    workspace w = { 0 };
    p.curvature = an_alloc_data(n, sizeof(double), "row weights of the Newton system", err);
    p.partial = an_alloc_data(chunks * matrix, sizeof(double), "partial sums of the Newton system", err);
    w.at = an_alloc_data(5 * width, sizeof(double), "coefficients", err);
    out->w = an_alloc_data(width, sizeof(double), "coefficients", err);
    if (direct) {
        p.scaled = an_alloc_data(workers * BLOCK * width, sizeof(double), "scaled rows", err);
        w.hessian = an_alloc_data(2 * matrix, sizeof(double), "the Newton system", err);
        w.factor = w.hessian ? w.hessian + matrix : NULL;
    } else {
        w.conjugate = an_alloc_data(5 * width, sizeof(double), "conjugate gradients", err);
    }
    bool ok = p.curvature && p.partial && w.at && out->w && (direct ? p.scaled && w.hessian : w.conjugate != NULL);
    if (ok) {
        w.trial = w.at + width;
        w.gradient = w.at + 2 * width;
        w.trial_gradient = w.at + 3 * width;
        w.step = w.at + 4 * width;
        ok = iterate(&p, &w, options, log_odds, out, job, err);
    }
    free(p.curvature);
    free(p.partial);
    free(p.scaled);
    free(w.at);
    free(w.hessian);
    free(w.conjugate);
    if (!ok) {
        free(out->w);
        *out = (an__logistic_fit){ 0 };
    }
    return ok;
}
