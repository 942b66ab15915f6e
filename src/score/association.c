/* association.c - how far two columns go together, with an interval and a p-value: ranks of a number against two classes (DeLong), against
 * several groups (Kruskal and Wallis), against another number (Spearman), and two categories (Cramer's V). Corrections for many columns are
 * in drift.c.
 */
#include "andon/score.h"
#include "score/beta.h"

#include <math.h>
#include <stdlib.h>

static const double normal_975 = 1.959963984540054;

static double two_sided(double z)
{
    return erfc(fabs(z) / sqrt(2));
}

/* Variance by placements (DeLong, DeLong and Clarke-Pearson 1988), interval on the logit scale (Pepe 2003, 5.2), p of the rank sum with
 * correction for ties (Mann and Whitney 1947). Where all pairs agree the variance is zero: the limit is then the exact binomial one of the
 * rarer class. */
void an_auc_interval(const uint32_t *pos, const uint32_t *neg, size_t groups, double *auc, double *low, double *high, double *p)
{
    double m = 0, n = 0, below = 0, above, ties = 0, sum = 0, pp = 0, nn = 0;
    for (size_t g = 0; g < groups; g++) {
        m += pos[g];
        n += neg[g];
    }
    *auc = *low = *high = *p = NAN;
    if (!(m > 0 && n > 0)) return;
    above = m;
    for (size_t g = 0; g < groups; g++) {
        double a = pos[g], b = neg[g], t = a + b, x = (below + b / 2) / n, y = (above - a / 2) / m;
        sum += a * x;
        pp += a * x * x;
        nn += b * y * y;
        below += b;
        above -= a;
        ties += t * t * t - t;
    }
    double mean = sum / m, total = m + n;
    *auc = mean;
    double variance = (m > 1 ? fmax(0, pp / m - mean * mean) / (m - 1) : 0) + (n > 1 ? fmax(0, nn / n - mean * mean) / (n - 1) : 0);
    double spread = m * n / 12 * (total + 1 - ties / (total * (total - 1)));
    *p = spread > 0 ? two_sided((mean - 0.5) * m * n / sqrt(spread)) : 1;
    if (m < 2 || n < 2) return;
    if (variance > 0 && mean > 0 && mean < 1) {
        double logit = log(mean / (1 - mean)), half = normal_975 * sqrt(variance) / (mean * (1 - mean));
        *low = 1 / (1 + exp(-(logit - half)));
        *high = 1 / (1 + exp(-(logit + half)));
    } else {
        uint64_t few = (uint64_t)fmin(m, n);
        *low = mean >= 1 ? an_binomial_lower(few, few, 0.975) : mean;
        *high = mean <= 0 ? an_binomial_upper(0, few, 0.975) : mean;
    }
}

/* H with correction for ties, chi-squared with k - 1 degrees of freedom; epsilon squared = H / (n - 1) (Kelley 1935; Tomczak and Tomczak
 * 2014). */
double an_kruskal(const double *rank_sum, const double *count, size_t k, double ties, double *p, double *epsilon2)
{
    double n = 0, sum = 0, used = 0;
    for (size_t g = 0; g < k; g++) {
        if (!(count[g] > 0)) continue;
        n += count[g];
        sum += rank_sum[g] * rank_sum[g] / count[g];
        used++;
    }
    double tied = 1 - ties / (n * n * n - n);
    bool defined = used > 1 && n > used && tied > 0;
    double h = defined ? fmax(0, (12 / (n * (n + 1)) * sum - 3 * (n + 1)) / tied) : NAN;
    *p = defined ? an_chi2_p(h, used - 1) : NAN;
    *epsilon2 = defined ? h / (n - 1) : NAN;
    return h;
}

/* Of a rank correlation: Student's t for p, Fisher's z with variance (1 + r^2 / 2) / (n - 3) for the interval (Bonett and Wright 2000). */
void an_spearman_interval(double r, double n, double *low, double *high, double *p)
{
    *low = *high = *p = NAN;
    if (isnan(r) || n < 4) return;
    double rest = 1 - r * r;
    double df = n - 2, t2 = rest > 0 ? r * r * df / rest : INFINITY, rest_p;
    *p = 0;
    if (isfinite(t2)) an__beta_tails(df / (df + t2), t2 / (df + t2), df / 2, 0.5, p, &rest_p);
    double z = atanh(fmin(fmax(r, -1 + 1e-15), 1 - 1e-15)), half = normal_975 * sqrt((1 + r * r / 2) / (n - 3));
    *low = tanh(z - half);
    *high = tanh(z + half);
}

/* P(X <= x), X noncentral chi-squared: Poisson mixture, the central parts from the last one downwards: P(a, x) = P(a + 1, x) +
 * x^a e^-x / Gamma(a + 1). Normal for a large noncentrality. */
double an_chi2_noncentral(double x, double df, double lambda)
{
    if (!(x > 0)) return 0;
    if (lambda > 2e4) return an_normal_cdf((x - df - lambda) / sqrt(2 * (df + 2 * lambda)));
    double half = lambda / 2, y = x / 2, spread = 9 * sqrt(half) + 30, sum = 0;
    long last = (long)(half + spread), first = half > spread ? (long)(half - spread) : 0;
    int sign;
    double a = df / 2 + (double)last, central = 1 - an_gamma_q(a, y),
           poisson = exp((double)last * (half > 0 ? log(half) : 0) - half - lgamma_r((double)last + 1, &sign));
    if (half == 0) return 1 - an_gamma_q(df / 2, y);
    double term = exp(a * log(y) - y - lgamma_r(a + 1, &sign)); /* between a and a + 1 */
    for (long j = last; j >= first; j--) {
        sum += poisson * central;
        term *= a / y;
        a -= 1;
        central = fmin(1, central + term);
        poisson *= (double)j / half;
    }
    return fmin(1, sum);
}

/* r x c counts, row by row. Interval: V at the noncentralities under which the statistic is at its 97.5 and 2.5 % points (Steiger and
 * Fouladi 1997; Smithson 2003, chapter 5). */
double an_chi2_table(const double *count, size_t r, size_t c, double *p, double *v, double *v_low, double *v_high)
{
    double *row = an_alloc_n(r + c + 1, sizeof *row), *column = row + r, n = 0, statistic = 0;
    size_t rows = 0, columns = 0;
    for (size_t i = 0; i < r; i++)
        for (size_t j = 0; j < c; j++) {
            row[i] += count[i * c + j];
            column[j] += count[i * c + j];
            n += count[i * c + j];
        }
    for (size_t i = 0; i < r; i++) rows += row[i] > 0;
    for (size_t j = 0; j < c; j++) columns += column[j] > 0;
    *p = *v = *v_low = *v_high = NAN;
    if (rows > 1 && columns > 1) {
        for (size_t i = 0; i < r; i++)
            for (size_t j = 0; j < c; j++) {
                double expected = row[i] * (column[j] / n), off = count[i * c + j] - expected;
                if (expected > 0) statistic += off * off / expected;
            }
        double df = (double)(rows - 1) * (double)(columns - 1), smaller = (double)((rows < columns ? rows : columns) - 1);
        *p = an_chi2_p(statistic, df);
        *v = sqrt(statistic / (n * smaller));
        double limit[2];
        for (int side = 0; side < 2; side++) {
            double wanted = side ? 0.025 : 0.975, low = 0, high = statistic + 10 * sqrt(2 * (df + 2 * statistic)) + 30;
            for (int k = 0; k < 60 && high - low > 1e-9 * high; k++) {
                double middle = (low + high) / 2;
                *(an_chi2_noncentral(statistic, df, middle) > wanted ? &low : &high) = middle;
            }
            limit[side] = low < 1e-7 * (1 + high) || high < 1e-7 ? 0 : (low + high) / 2;
        }
        *v_low = limit[0] > 0 ? fmin(1, sqrt((limit[0] + df) / (n * smaller))) : 0;
        *v_high = limit[1] > 0 ? fmin(1, sqrt((limit[1] + df) / (n * smaller))) : 0;
        if (*v_low > *v) *v_low = 0;
    }
    free(row);
    return rows > 1 && columns > 1 ? statistic : NAN;
}
