/* capability.c - process capability: Cp, Cpk from the spread within subgroups, Pp, Ppk from the spread of all values, with intervals. What
 * a limit or a subgroup is, is decided elsewhere.
 *
 * Sigma within: pooled over subgroups, or of single values the mean moving range over d2 = 2 / sqrt(pi) (Montgomery, Introduction to
 * Statistical Quality Control, 7th ed., 6.4 and 8.2). Intervals of Cp and Pp are those of a standard deviation (chi-squared; Kane 1986),
 * those of Cpk and Ppk are Bissell's (1990, equation 13). The moving range has 0.605 (n - 1) degrees of freedom: its variance is
 * 0.8264 sigma^2 / (n - 1) (Cryer and Ryan 1990).
 */
#include "andon/score.h"

#include <math.h>
#include <stdlib.h>

static const double moving_variance = 0.8264, normal_975 = 1.959963984540054;

double an_chi2_quantile(double p, double df)
{
    if (!(df > 0) || !(p >= 0 && p <= 1)) return NAN;
    if (p == 0 || p == 1) return p == 0 ? 0 : INFINITY;
    double low = 0, high = df + 10;
    while (1 - an_chi2_p(high, df) < p) high *= 2;
    for (int k = 0; k < 200 && high - low > 1e-12 * high; k++) {
        double middle = (low + high) / 2;
        *(1 - an_chi2_p(middle, df) < p ? &low : &high) = middle;
    }
    return (low + high) / 2;
}

/* sqrt(sum of squares within groups / degrees of freedom); groups: sizes, sums and sums of squares about `shift` */
static double pooled(const double *x, const int32_t *group, size_t n, size_t groups, double *df, size_t *used)
{
    double *count = an_alloc_n(2 * groups + 1, sizeof *count), *mean = count + groups, squares = 0;
    for (size_t i = 0; i < n; i++) {
        if (group[i] < 0 || isnan(x[i])) continue;
        count[group[i]]++;
        mean[group[i]] += (x[i] - mean[group[i]]) / count[group[i]];
    }
    for (size_t i = 0; i < n; i++)
        if (group[i] >= 0 && !isnan(x[i])) squares += (x[i] - mean[group[i]]) * (x[i] - mean[group[i]]);
    *df = 0;
    *used = 0;
    for (size_t g = 0; g < groups; g++) {
        if (count[g] < 2) continue;
        *df += count[g] - 1;
        ++*used;
    }
    free(count);
    return *df > 0 ? sqrt(squares / *df) : NAN;
}

static void index_of(double spread, double df, double n, double mean, double low, double high, double *two, double *two_low,
                     double *two_high, double *one, double *one_low, double *one_high)
{
    *two = *two_low = *two_high = *one = *one_low = *one_high = NAN;
    if (!(spread > 0) || !(df > 0)) return;
    double upper = (high - mean) / (3 * spread), lower = (mean - low) / (3 * spread);
    *one = isnan(low) ? upper : isnan(high) ? lower : fmin(lower, upper);
    double half = normal_975 * sqrt(1 / (9 * n) + *one * *one / (2 * df));
    *one_low = *one - half;
    *one_high = *one + half;
    if (isnan(low) || isnan(high)) return;
    *two = (high - low) / (6 * spread);
    *two_low = *two * sqrt(an_chi2_quantile(0.025, df) / df);
    *two_high = *two * sqrt(an_chi2_quantile(0.975, df) / df);
}

bool an_capability_of(const double *x, size_t n, const int32_t *group, size_t groups, double low, double high, an_capability *out)
{
    *out = (an_capability){ .within = NAN, .overall = NAN, .mean = NAN };
    double sum = 0, squares = 0, range = 0, last = NAN;
    size_t ranges = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i])) continue;
        sum += x[i];
        out->n++;
        out->below += !isnan(low) && x[i] < low;
        out->above += !isnan(high) && x[i] > high;
        if (!isnan(last)) {
            range += fabs(x[i] - last);
            ranges++;
        }
        last = x[i];
    }
    if (out->n < 2 || (isnan(low) && isnan(high))) return false;
    double count = (double)out->n, df = count - 1;
    out->mean = sum / count;
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i])) squares += (x[i] - out->mean) * (x[i] - out->mean);
    out->overall = sqrt(squares / df);
    if (group && groups) out->within = pooled(x, group, n, groups, &out->within_df, &out->subgroups);
    if (!(out->subgroups > 1)) { /* single values */
        out->subgroups = 0;
        out->within = range / (double)ranges * sqrt(M_PI) / 2;
        out->within_df = (double)ranges / (2 * moving_variance);
    }
    index_of(out->within, out->within_df, count, out->mean, low, high, &out->cp, &out->cp_low, &out->cp_high, &out->cpk, &out->cpk_low,
             &out->cpk_high);
    index_of(out->overall, df, count, out->mean, low, high, &out->pp, &out->pp_low, &out->pp_high, &out->ppk, &out->ppk_low,
             &out->ppk_high);
    return out->overall > 0;
}
