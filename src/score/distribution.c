/* distribution.c - how far apart two samples of one column are, and quantiles. Pairs of columns are in correlation.c.
 *
 * Definitions are those of SDMetrics (KS and TV complement) and SciPy (Wasserstein distance, Jensen-Shannon distance); NaNs are dropped.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "score/order.h"

/* To 14 decimals, as SDMetrics does before it compares; beyond 2^53 units of the last decimal a double has no such decimals. */
static double round_decimals(double value)
{
    double scaled = value * 1e14;
    return fabs(scaled) < 9007199254740992.0 ? rint(scaled) / 1e14 : value;
}

static double *rounded_copy(const double *values, size_t n, size_t *count)
{
    double *copy = an__sorted_copy(values, n, count);
    for (size_t i = 0; copy && i < *count; i++) {
        copy[i] = round_decimals(copy[i]); /* keeps the order */
    }
    return copy;
}

double an_ks_complement(const double *a, size_t n, const double *b, size_t m)
{
    size_t p, q;
    double *u = rounded_copy(a, n, &p), *v = rounded_copy(b, m, &q), most = NAN;
    if (u && v && p && q) {
        most = 0;
        for (size_t i = 0, j = 0; i < p && j < q;) {
            double x = u[i] < v[j] ? u[i] : v[j];
            while (i < p && u[i] == x) {
                i++;
            }
            while (j < q && v[j] == x) {
                j++;
            }
            most = fmax(most, fabs((double)i / (double)p - (double)j / (double)q));
        }
    }
    free(u);
    free(v);
    return 1 - most;
}

double an_tv_complement(const int32_t *a, size_t n, const int32_t *b, size_t m, int categories)
{
    if (n == 0 || m == 0 || categories < 0) {
        return NAN;
    }
    size_t k = (size_t)categories + 2; /* the categories, one for missing, one for codes beyond the last */
    double *share = an_alloc_data(2 * k, sizeof *share, "category counts", NULL);
    if (!share) {
        return NAN;
    }
    for (size_t i = 0; i < n; i++) {
        share[a[i] < 0 ? k - 2 : a[i] >= categories ? k - 1 : (size_t)a[i]]++;
    }
    for (size_t i = 0; i < m; i++) {
        share[k + (b[i] < 0 ? k - 2 : b[i] >= categories ? k - 1 : (size_t)b[i])]++;
    }
    double sum = 0;
    for (size_t c = 0; c < k; c++) {
        sum += fabs(share[c] / (double)n - share[k + c] / (double)m);
    }
    free(share);
    return 1 - sum / 2;
}

/* The integral of |F_a - F_b| over the pooled values. */
double an_wasserstein(const double *a, size_t n, const double *b, size_t m, double low, double high)
{
    if (!(high > low)) {
        return NAN;
    }
    size_t p, q;
    double *u = an__sorted_copy(a, n, &p), *v = an__sorted_copy(b, m, &q), sum = NAN;
    if (u && v && p && q) {
        sum = 0;
        double before = u[0] < v[0] ? u[0] : v[0];
        for (size_t i = 0, j = 0; i < p || j < q;) {
            double x = j >= q || (i < p && u[i] < v[j]) ? u[i] : v[j];
            if (x > before) {
                sum += fabs((double)i / (double)p - (double)j / (double)q) * ((x - before) / (high - low));
            }
            while (i < p && u[i] == x) {
                i++;
            }
            while (j < q && v[j] == x) {
                j++;
            }
            before = x;
        }
    }
    free(u);
    free(v);
    return sum;
}

double an_js_distance_counts(const double *p, const double *q, int k)
{
    double sum_p = 0, sum_q = 0, divergence = 0;
    for (int i = 0; i < k; i++) {
        sum_p += p[i];
        sum_q += q[i];
    }
    if (!(sum_p > 0 && sum_q > 0)) {
        return NAN;
    }
    for (int i = 0; i < k; i++) {
        double x = p[i] / sum_p, y = q[i] / sum_q, middle = (x + y) / 2;
        divergence += x > 0 ? x * log2(x / middle) : 0;
        divergence += y > 0 ? y * log2(y / middle) : 0;
    }
    return sqrt(fmin(1, fmax(0, divergence / 2)));
}

/* Bin i is [edge i, edge i+1), the last one closed; edges are low + i * width, so that a value on an edge belongs above it whatever
 * the division rounded to. */
static void histogram(const double *values, size_t n, double low, double high, int bins, double *count)
{
    double width = (high - low) / bins;
    for (size_t i = 0; i < n; i++) {
        double x = values[i];
        if (isnan(x)) {
            continue;
        }
        int bin = x <= low ? 0 : x >= high ? bins - 1 : (int)((x - low) / width);
        bin = bin >= bins ? bins - 1 : bin;
        if (bin > 0 && x < low + bin * width) {
            bin--;
        } else if (bin < bins - 1 && x >= low + (bin + 1) * width) {
            bin++;
        }
        count[bin]++;
    }
}

double an_js_distance(const double *a, size_t n, const double *b, size_t m, double low, double high, int bins)
{
    if (!(high > low) || !isfinite(high - low) || bins < 1) {
        return NAN;
    }
    double *count = an_alloc_data(2 * (size_t)bins, sizeof *count, "histograms", NULL);
    if (!count) {
        return NAN;
    }
    histogram(a, n, low, high, bins, count);
    histogram(b, m, low, high, bins, count + bins);
    double distance = an_js_distance_counts(count, count + bins, bins);
    free(count);
    return distance;
}

double an_quantile(double *values, size_t n, double q)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) { /* NaNs behind the others */
        double x = values[i];
        if (!isnan(x)) {
            values[i] = values[kept];
            values[kept++] = x;
        }
    }
    double *scratch = kept ? an_alloc_data(kept, sizeof *scratch, "quantile", NULL) : NULL;
    if (!scratch || !(q >= 0 && q <= 1)) {
        free(scratch);
        return NAN;
    }
    an__sort_reals(values, kept, scratch);
    free(scratch);
    double at = q * (double)(kept - 1), whole = floor(at);
    size_t i = (size_t)whole;
    return i + 1 >= kept || values[i] == values[i + 1] ? values[i] : values[i] + (at - whole) * (values[i + 1] - values[i]);
}
