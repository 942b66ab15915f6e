/* score.h - numbers in, numbers out: metrics, intervals, thresholds, distances of distributions, projections.
 *
 * Knows neither tables nor models. Labels are 0/1 (1: positive), scores are larger for the positive class. Undefined is NaN. Matrices are
 * row-major.
 */
#ifndef ANDON_SCORE_H
#define ANDON_SCORE_H

#include "andon/base.h"

/* ---- classification --------------------------------------------------------------------------------------------------------- */

typedef struct an_confusion {
    uint64_t tn, fp, fn, tp;
} an_confusion;

/* in the order of docs/commands.md: */
#define AN_METRICS(X) X(accuracy) X(precision) X(recall) X(f1) X(f2) X(gmean) X(pr_auc) X(roc_auc) X(brier)
typedef struct an_metrics {
#define AN_METRIC_FIELD(name) double name;
    AN_METRICS(AN_METRIC_FIELD)
#undef AN_METRIC_FIELD
} an_metrics;
enum { AN_METRIC_COUNT = 9 };
extern const char *const an_metric_names[AN_METRIC_COUNT];
double an_metrics_get(const an_metrics *m, int index);

/* predicted positive where score >= threshold */
an_confusion an_confusion_at(const uint8_t *label, const double *score, size_t n, double threshold);
/* the six that need no scores; the other three are NaN. 0/0 is 0 as in scikit-learn */
void an_confusion_metrics(const an_confusion *c, an_metrics *m);
double an_roc_auc(const uint8_t *label, const double *score, size_t n); /* ties count half; NaN with one class */
/* average precision: sum over distinct scores of (R_k - R_k-1) P_k */
double an_pr_auc(const uint8_t *label, const double *score, size_t n);
double an_brier(const uint8_t *label, const double *probability, size_t n);
void an_metrics_all(const uint8_t *label, const double *score, size_t n, double threshold, an_metrics *m);

/* Stratified bootstrap, percentile intervals (2.5 %, 97.5 %) of every metric; reps >= 200; deterministic in seed for any number of threads.
 */
bool an_metrics_bootstrap(const uint8_t *label, const double *score, size_t n, double threshold, int reps, uint64_t seed, an_job *job,
                          an_metrics *low, an_metrics *high, an_error *err);

/* The same over whole units (batches, tools) drawn with replacement: for rows that share a group, which are no independent evidence. unit:
 * 0 .. units - 1 a row. With one unit the intervals are NaN. */
bool an_metrics_bootstrap_units(const uint8_t *label, const double *score, const uint32_t *unit, size_t units, size_t n, double threshold,
                                int reps, uint64_t seed, an_job *job, an_metrics *low, an_metrics *high, an_error *err);

double an_binomial_upper(uint64_t k, uint64_t n, double confidence); /* one-sided Clopper-Pearson: k = 0 of 43 at 0.95 gives 0.0673 */
double an_binomial_lower(uint64_t k, uint64_t n, double confidence);

/* ---- thresholds --------------------------------------------------------------------------------------------------------------- */

/* Rules: 0.5 (any number), f1, f2, recall=R, recall>=R@95% (lower confidence limit of the recall at least R), rejects<=S (share predicted
 * positive), cost. */
typedef struct an_costs {
    double escape, reject, test, rework; /* per part; NaN: not given */
    char currency[8];
} an_costs;
typedef struct an_threshold {
    double value;
    char rule[64];
    double achieved; /* value of the rule's own measure at the threshold on the scores it was chosen from */
} an_threshold;
bool an_threshold_check(const char *rule, an_error *err); /* AN_USAGE that lists the rules */
/* Chooses among midpoints between distinct scores (and beyond both ends); ties go to the threshold nearest to 0.5. AN_INPUT when the rule
 * cannot be met or costs are missing. */
bool an_threshold_choose(const char *rule, const uint8_t *label, const double *score, size_t n, const an_costs *costs, an_threshold *out,
                         an_error *err);
/* n points of the curve for reports: threshold, confusion. Distinct scores, thinned to at most `limit`. Returns the count. */
typedef struct an_curve_point {
    double threshold;
    an_confusion confusion;
} an_curve_point;
size_t an_threshold_curve(const uint8_t *label, const double *score, size_t n, size_t limit, an_curve_point *out);
/* per part, at the confusion's own prevalence: escape*fn + (reject or 0)*fp + test*(tp+fp), over n */
double an_expected_cost(const an_confusion *c, const an_costs *costs);

/* ---- comparing --------------------------------------------------------------------------------------------------------------------- */

typedef struct an_interval {
    double mean, sd, low, high;
} an_interval;
/* Corrected resampled t interval (Nadeau and Bengio 2003): variance (1/R + test/train) s^2, R-1 degrees of freedom, 95 %. NaN values are
 * left out. */
void an_resampled_interval(const double *values, size_t repeats, double test_to_train, an_interval *out);
double an_student_quantile(double p, double df);
double an_normal_cdf(double x);

/* ---- distances of distributions (definitions: reference numerics in tests/reference) ------------------------------------------------- */

/* NaNs are dropped; empty gives NaN; values rounded to 14 decimals as SDMetrics does. */
double an_ks_complement(const double *a, size_t n, const double *b, size_t m); /* 1 - sup |F_a - F_b| */
/* codes < 0 are their own category (missing) */
double an_tv_complement(const int32_t *a, size_t n, const int32_t *b, size_t m, int categories);
/* of values mapped by (x-low)/(high-low); high <= low gives NaN */
double an_wasserstein(const double *a, size_t n, const double *b, size_t m, double low, double high);
/* square root of the Jensen-Shannon divergence of histograms over `bins` equal-width bins of [low, high] (values outside fall into the end
 * bins); base 2 (max 1) */
double an_js_distance(const double *a, size_t n, const double *b, size_t m, double low, double high, int bins);
double an_js_distance_counts(const double *p, const double *q, int k); /* counts or shares; normalised */
double an_correlation(const double *x, const double *y, size_t n);     /* Pearson, pairs with NaN dropped; NaN when constant */
/* mean over column pairs of 1 - |r_a - r_b| / 2; pairs where either is undefined are skipped; columns as n x d and m x d matrices. */
double an_correlation_similarity(const double *a, size_t n, const double *b, size_t m, size_t d, an_job *job);

/* For each row of a (n x d): Euclidean distance to its nearest row of b (m x d); `skip_same`: a and b are one matrix, row i is not its own
 * neighbour. d columns already on one scale. */
void an_nearest_distances(const double *a, size_t n, const double *b, size_t m, size_t d, bool skip_same, double *distance, an_job *job);
double an_quantile(double *values, size_t n, double q); /* linear interpolation (type 7); sorts values in place; NaN when n == 0 */

/* ---- projections and clusters -------------------------------------------------------------------------------------------------------- */

/* axes k x d; sign: largest component positive; explained: share of variance */
typedef struct an_pca {
    size_t d, k;
    double *mean, *axes, *explained;
} an_pca;
an_pca *an_pca_fit(const double *x, size_t n, size_t d, size_t k, an_error *err);
void an_pca_apply(const an_pca *p, const double *x, size_t n, double *out /* n x k */);
void an_pca_free(an_pca *p);

/* Lloyd with k-means++ and `starts` restarts; deterministic in seed. assignment: n; centroids: k x d. Returns inertia. */
double an_kmeans(const double *x, size_t n, size_t d, size_t k, int starts, uint64_t seed, an_job *job, uint32_t *assignment,
                 double *centroids);

/* ---- dense algebra in double precision: callable from any thread (the distribution's serial OpenBLAS is not), same bits on one CPU path
 * ---- */

void an_gram_add(const double *z, size_t n, size_t d, double *gram); /* lower triangle of gram (d x d) += transposed z times z; z: n x d */
/* lower triangle of a becomes L with L L' = a; false: not positive definite, a is spoilt */
bool an_cholesky(double *a, size_t d);
void an_cholesky_solve(const double *l, size_t d, double *b); /* b becomes the solution of L L' x = b */

/* ---- drift between two samples: tests, and how large a change is --------------------------------------------------------------------- */

double an_gamma_q(double a, double x);               /* regularised upper incomplete gamma function Q(a, x); a > 0, x >= 0 */
double an_chi2_p(double statistic, double df);       /* P(X >= statistic); NaN for df <= 0 */
double an_ks_p(double distance, double n, double m); /* two samples, asymptotic: Kolmogorov's Q(sqrt(nm / (n + m)) D) */
/* Two rows of k counts: statistic of homogeneity without continuity correction, categories empty in both left out. *p and *cramers_v may be
 * NULL. NaN with one category or an empty row. */
double an_chi2_counts(const double *a, const double *b, size_t k, double *p, double *cramers_v);
/* Population stability index of two rows of counts: sum (q - p) ln(q / p) with shares (count + 1/2) / (n + k/2), so that an empty cell is
 * no infinity. NaN when a row is empty. */
double an_psi_counts(const double *a, const double *b, size_t k);
/* The same over bins at the `bins` quantiles of a (equal edges become one); NaNs dropped. */
double an_psi(const double *a, size_t n, const double *b, size_t m, int bins);
/* Benjamini and Hochberg (1995): p-values adjusted for the false discovery rate of all of them; NaN stays NaN and does not count. */
void an_benjamini_hochberg(const double *p, size_t n, double *adjusted);

/* ---- what a profile asks of numbers -------------------------------------------------------------------------------------------------- */

/* Values with the place they stood at, sorted ascending (stable radix sort; -0 becomes +0; no NaN). n < 2^32. */
typedef struct an_placed {
    double value;
    uint32_t place;
} an_placed;
void an_sort_placed(an_placed *items, an_placed *scratch, size_t n);

double an_chi2_quantile(double p, double df);
double an_chi2_noncentral(double x, double df, double lambda); /* P(X <= x) */

/* Process capability of values in order (NaN: left out) against limits (NaN: none on that side). group: subgroup of each value (negative:
 * none), NULL: single values, whose sigma comes from moving ranges. 95 % intervals. false: fewer than two values, no limit, or no spread.
 * Cp and Pp are NaN with one limit. */
typedef struct an_capability {
    size_t n, below, above, subgroups; /* subgroups 0: moving ranges */
    double mean, within, within_df, overall;
    double cp, cp_low, cp_high, cpk, cpk_low, cpk_high, pp, pp_low, pp_high, ppk, ppk_low, ppk_high;
} an_capability;
bool an_capability_of(const double *x, size_t n, const int32_t *group, size_t groups, double low, double high, an_capability *out);

/* Runs of one value, `shortest` or longer, at least three times as long as 95 % of the runs, of which less than `chance` are expected in
 * the whole series by the share of equal neighbours elsewhere. Longest first; returns how many (at most limit). */
typedef struct an_stuck {
    size_t first, length;
    double value, expected;
} an_stuck;
size_t an_stuck_runs(const double *x, size_t n, size_t shortest, double chance, size_t limit, an_stuck *out);
/* Standard deviation of what is left when steps and drift are taken out: from differences of neighbours (median, else mean). */
double an_noise_sd(const double *x, size_t n);
/* Places where the mean steps (PELT; penalty: 3 ln n, and 2 ln of the number of series looked at; segments of `shortest` or more),
 * ascending; returns how many there are, stores up to limit. */
size_t an_mean_steps(const double *x, size_t n, double noise, double penalty, size_t shortest, size_t limit, size_t *at);
/* Kendall's tau against the order (Mann 1945), *slope of Theil and Sen per place, *p corrected for autocorrelation (Yue and Wang 2004).
 * O(n^2). */
double an_trend(const double *x, size_t n, double *slope, double *p);

/* ROC-AUC of tie groups in ascending order: interval by DeLong's variance on the logit scale, p of the rank sum. */
void an_auc_interval(const uint32_t *pos, const uint32_t *neg, size_t groups, double *auc, double *low, double *high, double *p);
/* Kruskal and Wallis' H of k groups; ties: sum of t^3 - t over tied values; epsilon2: effect size 0 to 1. */
double an_kruskal(const double *rank_sum, const double *count, size_t k, double ties, double *p, double *epsilon2);
void an_spearman_interval(double r, double n, double *low, double *high, double *p);
/* Cramer's V of an r x c table of counts with its interval (noncentral chi-squared); returns the statistic, NaN where undefined. */
double an_chi2_table(const double *count, size_t r, size_t c, double *p, double *v, double *v_low, double *v_high);

/* Average linkage of d things by their distances (d x d, used up): order[] puts what is alike side by side, cluster[i] numbers the clusters
 * that come of cutting at height `cut`. */
bool an_cluster_order(double *distance, size_t d, double cut, size_t *order, size_t *cluster);

#endif
