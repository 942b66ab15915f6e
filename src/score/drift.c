/* drift.c - is a change between two samples more than chance, and is it large enough to matter: p-values, stability index, correction for
 * many columns. Distances themselves (Kolmogorov-Smirnov, Wasserstein) are in distribution.c.
 */
#include "score/order.h"

#include <math.h>
#include <stdlib.h>

/* Series for P where x < a + 1, continued fraction (Lentz's method) for Q above: Abramowitz and Stegun 6.5.29 and 6.5.31. */
double an_gamma_q(double a, double x)
{
    if (!(a > 0) || !(x >= 0)) return NAN;
    if (x == 0) return 1;
    if (isinf(x)) return 0;
    int sign; /* lgamma would write a global */
    double front = exp(a * log(x) - x - lgamma_r(a, &sign));
    if (x < a + 1) {
        double term = 1 / a, sum = term;
        for (int k = 1; k < 100000 && term > sum * 1e-17; k++) {
            term *= x / (a + k);
            sum += term;
        }
        return fmax(0, 1 - front * sum);
    }
    const double tiny = 1e-300;
    double b = x + 1 - a, c = 1 / tiny, d = 1 / b, h = d;
    for (int k = 1; k < 100000; k++) {
        double numerator = -k * (k - a);
        b += 2;
        d = numerator * d + b;
        c = b + numerator / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        double step = d * c;
        h *= step;
        if (fabs(step - 1) < 1e-16) break;
    }
    return front * h;
}

double an_chi2_p(double statistic, double df)
{
    return df > 0 ? an_gamma_q(df / 2, statistic / 2) : NAN;
}

double an_ks_p(double distance, double n, double m)
{
    if (!(distance >= 0) || !(n > 0) || !(m > 0)) return NAN;
    double lambda = sqrt(n / (n + m) * m) * distance;
    if (lambda <= 0) return 1;
    double sum = 0;
    /* the other form of the theta function converges where the alternating series does not (Marsaglia, Tsang and Wang 2003, section 1) */
    if (lambda < 1.18) {
        double t = exp(-M_PI * M_PI / (8 * lambda * lambda));
        for (int k = 1; k < 20; k += 2) sum += pow(t, (double)k * k);
        return fmin(1, fmax(0, 1 - sqrt(2 * M_PI) / lambda * sum));
    }
    for (int k = 1; k < 100; k++) {
        double term = exp(-2.0 * k * k * lambda * lambda);
        sum += k % 2 ? term : -term;
        if (term < 1e-320) break;
    }
    return fmin(1, 2 * sum);
}

double an_chi2_counts(const double *a, const double *b, size_t k, double *p, double *cramers_v)
{
    double n = 0, m = 0, statistic = 0;
    size_t used = 0;
    for (size_t i = 0; i < k; i++) {
        n += a[i];
        m += b[i];
        used += a[i] + b[i] > 0;
    }
    bool defined = n > 0 && m > 0 && used > 1;
    for (size_t i = 0; defined && i < k; i++) {
        double both = a[i] + b[i], x = both * (n / (n + m)), y = both * (m / (n + m));
        if (both > 0) statistic += (a[i] - x) * (a[i] - x) / x + (b[i] - y) * (b[i] - y) / y;
    }
    if (p) *p = defined ? an_chi2_p(statistic, (double)used - 1) : NAN;
    if (cramers_v) *cramers_v = defined ? sqrt(statistic / (n + m)) : NAN; /* two rows: the smaller side less one is 1 */
    return defined ? statistic : NAN;
}

double an_psi_counts(const double *a, const double *b, size_t k)
{
    double n = 0, m = 0, sum = 0;
    for (size_t i = 0; i < k; i++) {
        n += a[i];
        m += b[i];
    }
    if (!(n > 0 && m > 0)) return NAN;
    for (size_t i = 0; i < k; i++) {
        double x = (a[i] + 0.5) / (n + 0.5 * (double)k), y = (b[i] + 0.5) / (m + 0.5 * (double)k);
        sum += (y - x) * log(y / x);
    }
    return sum;
}

/* Counts of the bins (-inf, edge 0], (edge 0, edge 1], ... (edge k-1, inf) of sorted values. */
static void count_bins(const double *sorted, size_t n, const double *edge, size_t edges, double *count)
{
    size_t i = 0;
    for (size_t k = 0; k <= edges; k++) {
        size_t start = i;
        while (i < n && (k == edges || sorted[i] <= edge[k])) i++;
        count[k] = (double)(i - start);
    }
}

double an_psi(const double *a, size_t n, const double *b, size_t m, int bins)
{
    size_t p, q, edges = 0;
    if (bins < 2) return NAN;
    double *u = an__sorted_copy(a, n, &p), *v = an__sorted_copy(b, m, &q), psi = NAN;
    double *edge = an_alloc_n((size_t)bins, sizeof *edge), *count = an_alloc_n(2 * (size_t)bins, sizeof *count);
    if (u && v && p && q) {
        for (int k = 1; k < bins; k++) {
            double at = (double)k / bins * (double)(p - 1), whole = floor(at);
            size_t i = (size_t)whole;
            double x = i + 1 < p ? u[i] + (at - whole) * (u[i + 1] - u[i]) : u[i];
            if ((!edges || x > edge[edges - 1]) && x < u[p - 1]) edge[edges++] = x; /* no empty bin above the maximum */
        }
        /* a constant: at most it, and above; below falls into the first, so that it is told apart by the next */
        if (!edges) edge[edges++] = u[0];
        count_bins(u, p, edge, edges, count);
        count_bins(v, q, edge, edges, count + edges + 1);
        psi = an_psi_counts(count, count + edges + 1, edges + 1);
    }
    free(u);
    free(v);
    free(edge);
    free(count);
    return psi;
}

typedef struct ranked {
    double p;
    size_t index;
} ranked;

static int by_p(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->p != y->p) return x->p < y->p ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

void an_benjamini_hochberg(const double *p, size_t n, double *adjusted)
{
    ranked *list = an_alloc_n(n + 1, sizeof *list);
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        adjusted[i] = NAN;
        if (!isnan(p[i])) list[count++] = (ranked){ p[i], i };
    }
    qsort(list, count, sizeof *list, by_p);
    double least = 1;
    for (size_t k = count; k-- > 0;) {
        least = fmin(least, list[k].p * (double)count / (double)(k + 1));
        adjusted[list[k].index] = least;
    }
    free(list);
}
