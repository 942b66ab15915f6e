/* changepoint.c - what happens to a series of readings in time: values that stick, steps of the mean, and slow drift. Series are values in
 * order without gaps; what the places mean (times, rows) is known elsewhere.
 */
#include "andon/score.h"
#include "score/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double mad_to_sd = 1.482602218505602;

/* ---- stuck values ------------------------------------------------------------------------------------------------------------------- */

static int longest_first(const void *a, const void *b)
{
    const an_stuck *x = a, *y = b;
    if (x->length != y->length) return x->length > y->length ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

size_t an_stuck_runs(const double *x, size_t n, size_t shortest, double chance, size_t limit, an_stuck *out)
{
    enum { KEPT = 64, LONGEST = 64 };
    size_t histogram[LONGEST + 1] = { 0 }, runs = 0, kept = 0;
    an_stuck longest[KEPT + 1];
    for (size_t i = 0, first = 0; i <= n; i++) {
        if (i < n && i && x[i] == x[first]) continue;
        if (i) {
            size_t length = i - first;
            runs++;
            histogram[length < LONGEST ? length : LONGEST]++;
            if (length >= shortest && (kept < KEPT || length > longest[KEPT - 1].length)) {
                size_t at = kept < KEPT ? kept++ : KEPT - 1;
                for (; at > 0 && longest[at - 1].length < length; at--) longest[at] = longest[at - 1];
                longest[at] = (an_stuck){ .first = first, .length = length, .value = x[first] };
            }
        }
        first = i;
    }
    /* what lengths are usual: the 95 % quantile of the runs */
    size_t usual = 1, seen = 0;
    while (usual < LONGEST && (seen += histogram[usual]) < (size_t)(0.95 * (double)runs)) usual++;
    /* Geometric lengths with the share of equal neighbours outside the runs under test: of r runs, r q^(length - 1) are expected that long.
     */
    double rest_n = (double)n, rest_runs = (double)runs;
    size_t tested = 0, found = 0;
    for (; tested < kept && longest[tested].length >= 3 * usual; tested++) {
        rest_n -= (double)longest[tested].length;
        rest_runs--;
    }
    double q = rest_n > 0 ? fmax(1 - rest_runs / rest_n, 0.5 / rest_n) : 0;
    for (size_t k = 0; k < tested && found < limit; k++) {
        if (rest_n < 10) break; /* hardly anything else: a constant column with exceptions, not one that stuck */
        double expected = (double)runs * pow(q, (double)longest[k].length - 1);
        if (expected > chance) continue;
        longest[k].expected = expected;
        out[found++] = longest[k];
    }
    qsort(out, found, sizeof *out, longest_first);
    return found;
}

/* ---- steps -------------------------------------------------------------------------------------------------------------------------- */

double an_noise_sd(const double *x, size_t n)
{
    if (n < 3) return NAN;
    double *d = an_alloc_n(2 * n, sizeof *d), mean = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        d[i] = fabs(x[i + 1] - x[i]);
        mean += d[i] / (double)(n - 1);
    }
    an__sort_reals(d, n - 1, d + n);
    double median = n % 2 ? (d[(n - 1) / 2 - 1] + d[(n - 1) / 2]) / 2 : d[(n - 1) / 2];
    free(d);
    return median > 0 ? mad_to_sd * median / sqrt(2) : mean * sqrt(M_PI) / 2;
}

/* Least squares of a piecewise constant mean, each change paid for: optimal partitioning pruned as in PELT (Killick, Fearnhead and Eckley
 * 2012). The cost of a segment is its sum of squares over the variance of the noise; a change costs the penalty. */
size_t an_mean_steps(const double *x, size_t n, double noise, double penalty, size_t shortest, size_t limit, size_t *at)
{
    if (n < 2 * shortest || !(noise > 0)) return 0;
    double *sum = an_alloc_n(3 * n + 3, sizeof *sum), *squares = sum + n + 1, *best = squares + n + 1, middle = x[n / 2];
    size_t *from = an_alloc_n(2 * n + 2, sizeof *from), *open = from + n + 1, candidates = 0, found = 0;
    for (size_t i = 0; i < n; i++) { /* about a value of the series: less is lost to cancellation */
        double v = (x[i] - middle) / noise;
        sum[i + 1] = sum[i] + v;
        squares[i + 1] = squares[i] + v * v;
    }
    best[0] = -penalty;
    for (size_t end = shortest; end <= n; end++) {
        size_t start = end - shortest;
        if (start == 0 || start >= shortest) open[candidates++] = start;
        double least = INFINITY;
        size_t kept = 0;
        for (size_t k = 0; k < candidates; k++) {
            double s = sum[end] - sum[open[k]], cost = best[open[k]] + squares[end] - squares[open[k]] - s * s / (double)(end - open[k]);
            if (cost + penalty < least) {
                least = cost + penalty;
                from[end] = open[k];
            }
        }
        for (size_t k = 0; k < candidates; k++) {
            double s = sum[end] - sum[open[k]], cost = best[open[k]] + squares[end] - squares[open[k]] - s * s / (double)(end - open[k]);
            if (cost <= least) open[kept++] = open[k];
        }
        candidates = kept;
        best[end] = least;
    }
    for (size_t end = n; from[end] > 0; end = from[end]) found++;
    size_t k = found;
    for (size_t end = n; from[end] > 0; end = from[end]) {
        k--;
        if (k < limit) at[k] = from[end];
    }
    free(sum);
    free(from);
    return found;
}

/* ---- drift -------------------------------------------------------------------------------------------------------------------------- */

double an_trend(const double *x, size_t n, double *slope, double *p)
{
    *slope = *p = NAN;
    if (n < 8) return NAN;
    double *sorted = an_alloc_n(2 * n, sizeof *sorted), s = 0, ties = 0, dn = (double)n;
    memcpy(sorted, x, n * sizeof *x);
    an__sort_reals(sorted, n, sorted + n);
    for (size_t i = 0, first = 0; i <= n; i++) {
        if (i < n && sorted[i] == sorted[first]) continue;
        double t = (double)(i - first);
        ties += t * (t - 1) * (2 * t + 5);
        first = i;
    }
    free(sorted);
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++) s += (x[k] > x[i]) - (x[k] < x[i]);
    double variance = (dn * (dn - 1) * (2 * dn + 5) - ties) / 18, tau = s / (dn * (dn - 1) / 2);
    if (!(variance > 0)) return NAN;
    size_t pairs = 0;
    double *slopes = an_alloc_n(n * (n - 1), sizeof *slopes);
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++) slopes[pairs++] = (x[k] - x[i]) / (double)(k - i);
    an__sort_reals(slopes, pairs, slopes + pairs);
    *slope = pairs % 2 ? slopes[pairs / 2] : (slopes[pairs / 2 - 1] + slopes[pairs / 2]) / 2;
    free(slopes);
    /* neighbours that resemble each other carry less: variance times 1 + 2 sum (1 - k / n) r^k with the first autocorrelation r of what the
     * line leaves (Yue and Wang 2004) */
    double mean = 0, zero = 0, one = 0, factor = 1;
    for (size_t i = 0; i < n; i++) mean += (x[i] - *slope * (double)i) / dn;
    for (size_t i = 0; i < n; i++) {
        double e = x[i] - *slope * (double)i - mean;
        zero += e * e;
        if (i + 1 < n) one += e * (x[i + 1] - *slope * (double)(i + 1) - mean);
    }
    double r = zero > 0 ? one / zero : 0, power = 1;
    for (size_t k = 1; r > 0 && k < n; k++) {
        power *= r;
        factor += 2 * (1 - (double)k / dn) * power;
    }
    double z = (s - (s > 0) + (s < 0)) / sqrt(variance * factor);
    *p = erfc(fabs(z) / sqrt(2));
    return tau;
}
