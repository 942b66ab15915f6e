/* classify.c - metrics of two-class predictions at a threshold and over all thresholds. Intervals of them are in bootstrap.c. */
#include <math.h>

#include "score/order.h"

#define NAME_OF(name) #name,
const char *const an_metric_names[AN_METRIC_COUNT] = { AN_METRICS(NAME_OF) };

double an_metrics_get(const an_metrics *m, int index)
{
    const double values[AN_METRIC_COUNT] = {
#define VALUE_OF(name) m->name,
        AN_METRICS(VALUE_OF)
    };
    return index >= 0 && index < AN_METRIC_COUNT ? values[index] : NAN;
}

an_confusion an_confusion_at(const uint8_t *label, const double *score, size_t n, double threshold)
{
    an_confusion c = { 0 };
    for (size_t i = 0; i < n; i++) {
        bool predicted = score[i] >= threshold; /* a NaN score is never predicted positive */
        if (label[i]) {
            *(predicted ? &c.tp : &c.fn) += 1;
        } else {
            *(predicted ? &c.fp : &c.tn) += 1;
        }
    }
    return c;
}

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

void an_confusion_metrics(const an_confusion *c, an_metrics *m)
{
    double tn = (double)c->tn, fp = (double)c->fp, fn = (double)c->fn, tp = (double)c->tp, n = tn + fp + fn + tp;
    m->accuracy = n > 0 ? (tp + tn) / n : NAN; /* as in scikit-learn, of nothing it is undefined */
    m->precision = share(tp, tp + fp);
    m->recall = share(tp, tp + fn);
    m->f1 = share(2 * tp, 2 * tp + fn + fp);
    m->f2 = share(5 * tp, 5 * tp + 4 * fn + fp);
    m->gmean = sqrt(m->recall * share(tn, tn + fp));
    m->pr_auc = m->roc_auc = m->brier = NAN;
}

static double ranked_area(const uint8_t *label, const double *score, size_t n, double (*area)(const uint32_t *, const uint32_t *, size_t))
{
    an__ranked r;
    if (!an__ranked_build(label, score, n, &r, NULL)) {
        return NAN;
    }
    double value = r.nan_positives + r.nan_negatives ? NAN : area(r.pos, r.neg, r.groups);
    an__ranked_free(&r);
    return value;
}

double an_roc_auc(const uint8_t *label, const double *score, size_t n)
{
    return ranked_area(label, score, n, an__ranked_roc_auc);
}

double an_pr_auc(const uint8_t *label, const double *score, size_t n)
{
    return ranked_area(label, score, n, an__ranked_pr_auc);
}

double an_brier(const uint8_t *label, const double *probability, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double off = probability[i] - (label[i] ? 1 : 0);
        sum += off * off;
    }
    return n ? sum / (double)n : NAN;
}

void an_metrics_all(const uint8_t *label, const double *score, size_t n, double threshold, an_metrics *m)
{
    an_confusion c = an_confusion_at(label, score, n, threshold);
    an_confusion_metrics(&c, m);
    m->brier = an_brier(label, score, n);
    an__ranked r;
    if (an__ranked_build(label, score, n, &r, NULL)) {
        bool known = r.nan_positives + r.nan_negatives == 0;
        m->pr_auc = known ? an__ranked_pr_auc(r.pos, r.neg, r.groups) : NAN;
        m->roc_auc = known ? an__ranked_roc_auc(r.pos, r.neg, r.groups) : NAN;
        an__ranked_free(&r);
    }
}
