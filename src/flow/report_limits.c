/* report_limits.c - confidence limits of counted shares, as the report states them. Intervals by bootstrap come with the evaluation. */
#include "flow/report.h"

#include "andon/score.h"

#include <math.h>
#include <string.h>

/* Resampling has no width where all or none were right: proportions get exact limits, 2.5 % on either side. */
void an__exact_limits(const json_t *confusion, const char *metric, double *low, double *high)
{
    enum { MOST = 1000000000 };
    double tn = an__number(confusion, "tn"), fp = an__number(confusion, "fp"), fn = an__number(confusion, "fn"),
           tp = an__number(confusion, "tp"), hits = NAN, of = NAN;
    if (!strcmp(metric, "recall")) {
        hits = tp;
        of = tp + fn;
    } else if (!strcmp(metric, "precision")) {
        hits = tp;
        of = tp + fp;
    } else if (!strcmp(metric, "accuracy")) {
        hits = tp + tn;
        of = tp + tn + fp + fn;
    }
    *low = *high = NAN;
    if (!(hits >= 0 && of > 0 && hits <= of && of <= 4.0 * MOST)) return;
    *low = an_binomial_lower((uint64_t)hits, (uint64_t)of, 0.975);
    *high = an_binomial_upper((uint64_t)hits, (uint64_t)of, 0.975);
}

void an__share_limits(const json_t *evaluation, const char *metric, double *low, double *high)
{
    const json_t *c = json_object_get(evaluation, "confusion");
    double effective = an__number(evaluation, "interval_units.effective");
    an__exact_limits(c, metric, low, high);
    if (!json_is_object(json_object_get(evaluation, "interval_units"))) return;
    *low = *high = NAN;
    double caught = an__number(c, "tp"), of = caught + an__number(c, "fn"), n = floor(effective + 1e-9);
    if (strcmp(metric, "recall") != 0 || !(caught >= 0 && of > 0 && caught <= of && n >= 1 && n <= of)) return;
    double hits = n * caught / of;
    *low = an_binomial_lower((uint64_t)floor(hits + 1e-9), (uint64_t)n, 0.975);
    *high = an_binomial_upper((uint64_t)ceil(hits - 1e-9), (uint64_t)n, 0.975);
}
