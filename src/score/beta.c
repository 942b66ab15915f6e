/* beta.c - the regularised incomplete beta function I_x(a, b), its inverse, and what follows from them: binomial limits, Student's
 * quantile. Also the normal distribution function and the corrected resampled interval.
 *
 * I_x: the contracted continued fraction of Didonato and Morris 1992 (TOMS 708, equation 9), by Lentz's method. The factor in front,
 * x^a (1-x)^b / B(a, b), is written with Stirling's error terms (Loader 2000, "Fast and accurate computation of binomial
 * probabilities"). So nothing cancels for large a and b. The inverse: Newton's steps inside a shrinking bracket.
 */
#include "score/beta.h"

#include <float.h>
#include <math.h>

#include "andon/score.h"

static const double pi = 3.14159265358979323846;

/* ln Gamma(z) - [(z - 1/2) ln z - z + ln(2 pi)/2] */
static double stirling_error(double z)
{
    if (z < 12) {
        int sign;
        return lgamma_r(z, &sign) - ((z - 0.5) * log(z) - z + 0.5 * log(2 * pi));
    }
    double s = 1 / (z * z); /* DLMF 5.11.1 */
    return (1.0 / 12 - s * (1.0 / 360 - s * (1.0 / 1260 - s * (1.0 / 1680 - s * (1.0 / 1188 - s * (691.0 / 360360 - s / 156)))))) / z;
}

/* x^a y^b / B(a, b) */
static double beta_power(double x, double y, double a, double b)
{
    if (x <= 0 || y <= 0) {
        return 0;
    }
    double n = a + b, off = x < y ? x - a / n : b / n - y; /* distance from the mean, from the side that is known better */
    double u = off * n / a, v = -off * n / b;
    double bend = a * (fabs(u) < 0.5 ? log1p(u) : log(x * n / a)) + b * (fabs(v) < 0.5 ? log1p(v) : log(y * n / b));
    return sqrt(a * b / (2 * pi * n)) * exp(bend - stirling_error(a) - stirling_error(b) + stirling_error(n));
}

/* The continued fraction for x up to the mean a / (a + b), where its terms do not cancel; `off` is (a + b) times the distance below the
 * mean. */
static double beta_fraction(double x, double y, double a, double b, double off)
{
    const double tiny = 1e-280;
    double c = tiny, d = 0, h = tiny;
    for (double m = 0; m < 1e6; m++) { /* about sqrt(max(a, b)) turns are needed */
        double numerator = 1, s = a + 2 * m;
        if (m > 0) {
            double e = x / (s - 1);
            numerator = (a + m - 1) * e * ((a + b + m - 1) * e) * (m * (b - m));
        }
        double term = m + m * (b - m) * x / (s - (m > 0)) + (a + m) / (s + 1) * (off + 1 + m * (1 + y));
        d = term + numerator * d;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = term + numerator / c;
        c = fabs(c) < tiny ? tiny : c;
        h *= c * d;
        if (fabs(c * d - 1) < 2 * DBL_EPSILON) {
            break;
        }
    }
    return h;
}

void an__beta_tails(double x, double y, double a, double b, double *lower, double *upper)
{
    if (x <= 0 || y <= 0) {
        *lower = x <= 0 ? 0 : 1;
        *upper = 1 - *lower;
        return;
    }
    double off = x <= y ? a - (a + b) * x : (a + b) * y - b;
    if (off >= 0) {
        *lower = fmin(1, beta_power(x, y, a, b) * beta_fraction(x, y, a, b, off));
        *upper = 1 - *lower;
    } else {
        *upper = fmin(1, beta_power(x, y, a, b) * beta_fraction(y, x, b, a, -off));
        *lower = 1 - *upper;
    }
}

/* The root in (0, 1/2]. */
static double inverse_below_half(double lower, double upper, double a, double b)
{
    double low = 0, high = 0.5, at = fmin(a / (a + b), 0.25);
    for (int turn = 0; turn < 2000; turn++) {
        double p, q;
        an__beta_tails(at, 1 - at, a, b, &p, &q);
        double over = lower <= upper ? p - lower : upper - q;
        if (over > 0) {
            high = at;
        } else {
            low = at;
        }
        double density = beta_power(at, 1 - at, a, b) / (at * (1 - at));
        double step = over / density, next = at - step;
        if (over == 0 || fabs(step) <= DBL_EPSILON * at || high - low <= DBL_EPSILON * high) {
            break;
        }
        if (!(next > low && next < high)) { /* also where the density vanished; far from the root halve the exponent, not the value */
            if (low > 0) {
                next = high < 4 * low ? low + (high - low) / 2 : sqrt(low) * sqrt(high);
            } else {
                next = high / 16;
            }
        }
        at = next;
        if (at < DBL_MIN) {
            break;
        }
    }
    return at;
}

void an__beta_inverse(double lower, double upper, double a, double b, double *x, double *y)
{
    if (lower <= 0 || upper <= 0) {
        *x = lower <= 0 ? 0 : 1;
        *y = 1 - *x;
        return;
    }
    double half_lower, half_upper;
    an__beta_tails(0.5, 0.5, a, b, &half_lower, &half_upper);
    if (lower <= upper ? half_lower < lower : half_upper > upper) { /* x is beyond one half: solve for y, the small one */
        *y = inverse_below_half(upper, lower, b, a);
        *x = 1 - *y;
    } else {
        *x = inverse_below_half(lower, upper, a, b);
        *y = 1 - *x;
    }
}

/* Clopper and Pearson 1934: the share at which k or fewer of n have probability 1 - confidence. */
double an_binomial_upper(uint64_t k, uint64_t n, double confidence)
{
    if (k > n || !(confidence > 0 && confidence < 1)) {
        return NAN;
    }
    if (k == n) {
        return 1;
    }
    double x, y;
    an__beta_inverse(confidence, 1 - confidence, (double)k + 1, (double)(n - k), &x, &y);
    return x;
}

double an_binomial_lower(uint64_t k, uint64_t n, double confidence)
{
    if (k > n || !(confidence > 0 && confidence < 1)) {
        return NAN;
    }
    if (k == 0) {
        return 0;
    }
    double x, y;
    an__beta_inverse(1 - confidence, confidence, (double)k, (double)(n - k) + 1, &x, &y);
    return x;
}

/* P(|T| > t) = I_x(df/2, 1/2) with x = df / (df + t^2). */
double an_student_quantile(double p, double df)
{
    if (!(p >= 0 && p <= 1) || !(df > 0)) {
        return NAN;
    }
    double outside = 2 * fmin(p, 1 - p), x, y;
    an__beta_inverse(outside, fabs(2 * p - 1), df / 2, 0.5, &x, &y);
    double t = sqrt(df * y / x);
    return p < 0.5 ? -t : t;
}

double an_normal_cdf(double x)
{
    return 0.5 * erfc(-x * 0.70710678118654752440);
}

void an_resampled_interval(const double *values, size_t repeats, double test_to_train, an_interval *out)
{
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < repeats; i++) {
        if (!isnan(values[i])) {
            sum += values[i];
            n++;
        }
    }
    *out = (an_interval){ NAN, NAN, NAN, NAN };
    if (n == 0) {
        return;
    }
    out->mean = sum / (double)n;
    if (n < 2) {
        return;
    }
    double squares = 0;
    for (size_t i = 0; i < repeats; i++) {
        if (!isnan(values[i])) {
            squares += (values[i] - out->mean) * (values[i] - out->mean);
        }
    }
    out->sd = sqrt(squares / (double)(n - 1));
    double half = an_student_quantile(0.975, (double)(n - 1)) * sqrt(1 / (double)n + test_to_train) * out->sd;
    out->low = out->mean - half;
    out->high = out->mean + half;
}
