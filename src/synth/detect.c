/* detect.c - can a classifier tell generated rows from real ones? The two-sample test of Lopez-Paz and Oquab 2017 with a logistic model.
 *
 * A logistic model on the columns alone sees means only. So each row is also given log(1 + z^2) of every column, which shows the spreads,
 * and log(1 + c^2) of every principal component, which shows the correlations: where a correlation is lost, the leading components shrink
 * and the trailing ones grow. Components come from the rows of both sides together, labels unseen, so that two samples of one law stay at
 * 0.5. Gaps are not looked at: a missing value stands at the column's mean. */
#include "synth/frame.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* rows of a side; fewest of them; columns beyond which their own squares are left out */
enum { ROWS = 2000, FEWEST = 10, FOLDS = 5, WIDE = 200 };

typedef struct sample {
    size_t n, d;
    double *x;      /* n x d, every column of mean 0 and deviation 1, or 0 */
    uint8_t *label; /* 1: generated */
    uint8_t *fold;
} sample;

static void sample_free(sample *s)
{
    free(s->x);
    free(s->label);
    free(s->fold);
    *s = (sample){ 0 };
}

/* Columns to mean 0 and deviation 1; those that hardly vary to 0. */
static void standardise(double *x, size_t n, size_t d)
{
    for (size_t j = 0; j < d; j++) {
        double mean = 0, squares = 0, largest = 0;
        for (size_t i = 0; i < n; i++) mean += x[i * d + j] / (double)n;
        for (size_t i = 0; i < n; i++) {
            double e = x[i * d + j] - mean;
            squares += e * e;
            largest = fabs(x[i * d + j]) > largest ? fabs(x[i * d + j]) : largest;
        }
        double sd = sqrt(squares / (double)n), scale = sd > 1e-9 * largest ? 1 / sd : 0;
        for (size_t i = 0; i < n; i++) x[i * d + j] = scale > 0 ? (x[i * d + j] - mean) * scale : 0;
    }
}

/* Both sides below each other, the columns of an__frame_matrix; a generated value far out counts as 1e6 deviations. */
static double *both(const an__frame *real, const an__frame *made, const an__frame_plan *p, size_t *d, an_error *err)
{
    double *a = an__frame_matrix(real, p, false, d, err), *b = a ? an__frame_matrix(made, p, false, d, err) : NULL;
    double *x = b ? an_alloc_data((real->n + made->n) * *d + 1, sizeof *x, "rows to tell apart", err) : NULL;
    if (x) {
        memcpy(x, a, real->n * *d * sizeof *x);
        memcpy(x + real->n * *d, b, made->n * *d * sizeof *x);
        for (size_t i = 0; i < (real->n + made->n) * *d; i++) x[i] = x[i] > 1e6 ? 1e6 : x[i] < -1e6 ? -1e6 : x[i];
    }
    free(a);
    free(b);
    return x;
}

/* Columns, log(1 + z^2) of columns, log(1 + c^2) of components: takes x (n x d), returns n x *width. */
static double *features(double *x, size_t n, size_t d, size_t *width, an_error *err)
{
    standardise(x, n, d);
    an_pca *pca = an_pca_fit(x, n, d, n < d ? n : d, err);
    size_t k = pca ? pca->k : 0, squares = d <= WIDE ? d : 0, w = d + squares + k;
    double *c = pca ? an_alloc_data(n * k + 1, sizeof *c, "components", err) : NULL;
    double *out = c ? an_alloc_data(n * w + 1, sizeof *out, "rows to tell apart", err) : NULL;
    if (out) {
        an_pca_apply(pca, x, n, c);
        standardise(c, n, k);
        for (size_t i = 0; i < n; i++) {
            double *to = out + i * w;
            memcpy(to, x + i * d, d * sizeof *to);
            for (size_t j = 0; j < squares; j++) to[d + j] = log1p(x[i * d + j] * x[i * d + j]);
            for (size_t j = 0; j < k; j++) to[d + squares + j] = log1p(c[i * k + j] * c[i * k + j]);
        }
        standardise(out, n, w);
        *width = w;
    }
    an_pca_free(pca);
    free(c);
    free(x);
    return out;
}

/* Folds dealt out to each side by itself. */
static bool deal(sample *s, size_t real, uint64_t seed, an_error *err)
{
    s->label = an_alloc_data(s->n, 1, "labels", err);
    s->fold = an_alloc_data(s->n, 1, "folds", err);
    size_t *order = an_alloc_data(s->n, sizeof *order, "row numbers", err);
    bool good = s->label && s->fold && order;
    for (size_t i = 0; good && i < s->n; i++) {
        s->label[i] = i >= real;
        order[i] = i;
    }
    if (good) {
        an_rng r = an_rng_at(seed, 1);
        an_rng_shuffle(&r, order, real);
        an_rng_shuffle(&r, order + real, s->n - real);
        for (size_t i = 0; i < s->n; i++) s->fold[order[i]] = (uint8_t)((i < real ? i : i - real) % FOLDS);
    }
    free(order);
    return good;
}

/* ROC-AUC on the rows of one fold of a model fitted on the others. */
static bool one_fold(const sample *s, int fold, double *auc, an_job *job, an_error *err)
{
    const an_predictor_kind *kind = an_predictor_kind_find("logistic", err);
    json_t *options = json_pack("{s:f}", "tolerance", 1e-4); /* the order of the scores needs no more */
    an_predictor *p = kind ? an_predictor_new(kind, options, err) : NULL;
    double *x = p ? an_alloc_data(s->n * s->d, sizeof *x, "rows to tell apart", err) : NULL,
           *score = x ? an_alloc_data(s->n, sizeof *score, "scores", err) : NULL;
    uint8_t *label = score ? an_alloc_data(2 * s->n, 1, "labels", err) : NULL, *truth = label ? label + s->n : NULL;
    size_t n = 0, m = 0;
    for (size_t i = 0; label && i < s->n; i++) {
        if (s->fold[i] == fold) continue;
        memcpy(x + n * s->d, s->x + i * s->d, s->d * sizeof *x);
        label[n++] = s->label[i];
    }
    const double *weight = NULL, *deviation = NULL;
    double intercept = 0;
    size_t d = 0;
    an_samples train = { .n = n, .d = s->d, .x = x, .label = label };
    bool good = label && kind->fit(p, &train, job, err) && kind->coefficients(p, &weight, &deviation, &d, &intercept);
    for (size_t i = 0; good && i < s->n; i++) {
        if (s->fold[i] != fold) continue;
        truth[m] = s->label[i];
        for (size_t j = 0; j < d; j++) score[m] += weight[j] * s->x[i * s->d + j];
        m++;
    }
    if (good) *auc = an_roc_auc(truth, score, m);
    json_decref(options);
    an_predictor_free(p);
    free(x);
    free(score);
    free(label);
    return good;
}

bool an__detect(const an__frame *real, const an__frame *made, const an__frame_plan *p, uint64_t seed, double *auc, an_job *job,
                an_error *err)
{
    *auc = NAN;
    if (real->n < FEWEST || made->n < FEWEST) return true;
    an__frame a = { 0 }, b = { 0 };
    sample s = { 0 };
    size_t d = 0;
    double *x = an__frame_thin(&a, p, real, ROWS, err) && an__frame_thin(&b, p, made, ROWS, err) ? both(&a, &b, p, &d, err) : NULL;
    bool good = x != NULL;
    s.n = a.n + b.n;
    if (good && d > 0)
        good = (s.x = features(x, s.n, d, &s.d, err)) && deal(&s, a.n, seed, err);
    else
        free(x);
    double sum = 0;
    for (int k = 0; k < FOLDS && good && d > 0; k++) {
        double value = NAN;
        good = one_fold(&s, k, &value, job, err);
        sum += value;
    }
    /* below 0.5: equal values on both sides of a fold mislead the model; nothing is detected */
    if (good && d > 0) *auc = sum / FOLDS < 0.5 ? 0.5 : sum / FOLDS;
    sample_free(&s);
    an__frame_free(&a);
    an__frame_free(&b);
    return good;
}
