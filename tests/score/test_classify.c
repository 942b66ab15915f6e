/* Metrics of two classes and their bootstrap intervals, against scikit-learn's values and closed forms. */
#include "reference.h"

static void metrics_match_scikit_learn(void **state)
{
    (void)state;
    json_t *cases = reference("classification");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i);
        size_t n, m;
        double *given = numbers(c, "label", &n), *score = numbers(c, "score", &m);
        uint8_t *label = calloc(n + 1, 1);
        for (size_t j = 0; j < n; j++) {
            label[j] = given[j] > 0;
        }
        double threshold = number(c, "threshold");
        an_confusion at = an_confusion_at(label, score, n, threshold);
        const json_t *counts = json_object_get(c, "confusion");
        assert_int_equal(at.tn, json_integer_value(json_array_get(counts, 0)));
        assert_int_equal(at.fp, json_integer_value(json_array_get(counts, 1)));
        assert_int_equal(at.fn, json_integer_value(json_array_get(counts, 2)));
        assert_int_equal(at.tp, json_integer_value(json_array_get(counts, 3)));
        an_metrics all;
        an_metrics_all(label, score, n, threshold, &all);
        for (int k = 0; k < AN_METRIC_COUNT; k++) {
            char what[160];
            snprintf(what, sizeof what, "%s, %s", json_string_value(json_object_get(c, "name")), an_metric_names[k]);
            near_to(an_metrics_get(&all, k), number(json_object_get(c, "metrics"), an_metric_names[k]), 1e-13, what);
        }
        near_to(an_roc_auc(label, score, n), all.roc_auc, 0, "roc_auc alone");
        near_to(an_pr_auc(label, score, n), all.pr_auc, 0, "pr_auc alone");
        near_to(an_brier(label, score, n), all.brier, 0, "brier alone");
        free(given);
        free(score);
        free(label);
    }
    json_decref(cases);
}

static void order_of_metrics_is_public(void **state)
{
    (void)state;
    an_metrics m = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    for (int k = 0; k < AN_METRIC_COUNT; k++) {
        assert_true(an_metrics_get(&m, k) == k + 1);
    }
    assert_string_equal(an_metric_names[0], "accuracy");
    assert_string_equal(an_metric_names[4], "f2");
    assert_string_equal(an_metric_names[8], "brier");
    assert_true(isnan(an_metrics_get(&m, 9)) && isnan(an_metrics_get(&m, -1)));
}

static void nothing_is_undefined(void **state)
{
    (void)state;
    an_metrics m;
    an_metrics_all(NULL, NULL, 0, 0.5, &m);
    assert_true(isnan(m.accuracy) && isnan(m.roc_auc) && isnan(m.pr_auc) && isnan(m.brier));
    assert_true(m.precision == 0 && m.recall == 0 && m.f1 == 0 && m.f2 == 0 && m.gmean == 0);
}

static void a_score_that_is_not_a_number(void **state)
{
    (void)state;
    const uint8_t label[] = { 1, 0, 1 };
    const double score[] = { 0.9, 0.1, NAN };
    an_confusion c = an_confusion_at(label, score, 3, 0.5);
    assert_true(c.tp == 1 && c.fn == 1 && c.tn == 1 && c.fp == 0);
    assert_true(isnan(an_roc_auc(label, score, 3)) && isnan(an_pr_auc(label, score, 3)) && isnan(an_brier(label, score, 3)));
    an_metrics low, high;
    an_error err = { 0 };
    assert_false(an_metrics_bootstrap(label, score, 3, 0.5, 200, 1, NULL, &low, &high, &err));
    assert_int_equal(err.code, AN_INPUT);
    assert_non_null(strstr(err.message, "row 3"));
    assert_false(an_metrics_bootstrap(label, score, 2, 0.5, 199, 1, NULL, &low, &high, &err));
    assert_int_equal(err.code, AN_USAGE);
    assert_false(an_metrics_bootstrap(label, score, 0, 0.5, 200, 1, NULL, &low, &high, &err));
    assert_int_equal(err.code, AN_INPUT);
}

/* Pairs counted one by one. */
static void areas_by_definition(void **state)
{
    (void)state;
    an_rng rng = an_rng_at(5, 0);
    for (int round = 0; round < 60; round++) {
        enum { MOST = 200 };
        uint8_t label[MOST];
        double score[MOST], wins = 0, sum = 0;
        size_t n = 2 + an_rng_below(&rng, MOST - 2), positives = 0;
        for (size_t i = 0; i < n; i++) {
            label[i] = i == 0 || (i > 1 && an_rng_uniform(&rng) < 0.2);
            score[i] = (double)an_rng_below(&rng, 1 + (uint64_t)round) - 7;
            positives += label[i];
        }
        for (size_t i = 0; i < n; i++) {
            double tp = 0, all = 0;
            for (size_t j = 0; j < n; j++) {
                wins += label[i] && !label[j] ? (score[i] > score[j]) + 0.5 * (score[i] == score[j]) : 0;
                tp += label[j] && score[j] >= score[i];
                all += score[j] >= score[i];
            }
            sum += label[i] ? tp / all : 0;
        }
        near_to(an_roc_auc(label, score, n), wins / ((double)positives * (double)(n - positives)), 1e-14, "roc_auc");
        near_to(an_pr_auc(label, score, n), sum / (double)positives, 1e-13, "pr_auc");
    }
}

static void bootstrap_does_not_depend_on_threads(void **state)
{
    (void)state;
    enum { N = 500 };
    uint8_t label[N];
    double score[N];
    an_rng rng = an_rng_at(3, 0);
    for (int i = 0; i < N; i++) {
        label[i] = an_rng_uniform(&rng) < 0.2;
        score[i] = 1 / (1 + exp(-an_rng_normal(&rng) - (label[i] ? 1 : -1)));
    }
    an_metrics low[4], high[4], point;
    for (int t = 0; t < 3; t++) {
        an_pool *pool;
        an_job *job = job_of(t + 1, &pool);
        assert_true(an_metrics_bootstrap(label, score, N, 0.5, 300, 11, job, &low[t], &high[t], NULL));
        an_job_free(job);
        an_pool_free(pool);
        assert_memory_equal(&low[t], &low[0], sizeof low[0]);
        assert_memory_equal(&high[t], &high[0], sizeof high[0]);
    }
    assert_true(an_metrics_bootstrap(label, score, N, 0.5, 300, 12, NULL, &low[3], &high[3], NULL));
    assert_true(low[3].roc_auc != low[0].roc_auc);
    an_metrics_all(label, score, N, 0.5, &point);
    for (int k = 0; k < AN_METRIC_COUNT; k++) {
        assert_true(an_metrics_get(&low[0], k) < an_metrics_get(&point, k));
        assert_true(an_metrics_get(&high[0], k) > an_metrics_get(&point, k));
    }
}

/* Drawing the positives with replacement makes the recall binomial: its quantiles are known. */
static void bootstrap_of_recall_is_binomial(void **state)
{
    (void)state;
    enum { N = 150, P = 50 };
    uint8_t label[N];
    double score[N];
    for (int i = 0; i < N; i++) {
        label[i] = i < P;
        score[i] = i < 40 ? 0.8 + i * 1e-4 : i < P ? 0.2 : 0.1 + (i % 7) * 0.01; /* 40 of 50 caught, all negatives right */
    }
    an_metrics low, high;
    assert_true(an_metrics_bootstrap(label, score, N, 0.5, 4000, 1, NULL, &low, &high, NULL));
    assert_true(low.precision == 1 && high.precision == 1); /* and never undefined */
    double cumulative = 0, term = pow(0.2, P), at_low = NAN, at_high = NAN;
    for (int k = 0; k <= P; k++) {
        cumulative += term;
        at_low = isnan(at_low) && cumulative >= 0.025 ? k / (double)P : at_low;
        at_high = isnan(at_high) && cumulative >= 0.975 ? k / (double)P : at_high;
        term *= (double)(P - k) / (k + 1) * 0.8 / 0.2;
    }
    assert_true(fabs(low.recall - at_low) <= 0.0201 && fabs(high.recall - at_high) <= 0.0201);
}

/* Rows repeated within their unit are no new evidence: the intervals are those of the units, bit by bit but for the sum of squares. */
static void bootstrap_of_units(void **state)
{
    (void)state;
    enum { UNITS = 60, COPIES = 7, N = UNITS * COPIES };
    uint8_t label[N], one_label[UNITS];
    double score[N], one_score[UNITS];
    uint32_t unit[N], one[UNITS];
    an_rng rng = an_rng_at(5, 0);
    for (uint32_t u = 0; u < UNITS; u++) {
        one[u] = u;
        one_label[u] = u % 4 == 1;
        one_score[u] = an_rng_uniform(&rng) * 0.7 + 0.3 * one_label[u];
        for (uint32_t k = 0; k < COPIES; k++) {
            size_t at = k * UNITS + (u * 7 + k) % UNITS; /* units mixed */
            unit[at] = u;
            label[at] = one_label[u];
            score[at] = one_score[u];
        }
    }
    an_metrics low, high, one_low, one_high, row_low, row_high;
    assert_true(an_metrics_bootstrap_units(one_label, one_score, one, UNITS, UNITS, 0.5, 500, 3, NULL, &one_low, &one_high, NULL));
    assert_true(an_metrics_bootstrap_units(label, score, unit, UNITS, N, 0.5, 500, 3, NULL, &low, &high, NULL));
    assert_true(an_metrics_bootstrap(label, score, N, 0.5, 500, 3, NULL, &row_low, &row_high, NULL));
    for (int k = 0; k < AN_METRIC_COUNT; k++) {
        assert_true(fabs(an_metrics_get(&low, k) - an_metrics_get(&one_low, k)) < 1e-12);
        assert_true(fabs(an_metrics_get(&high, k) - an_metrics_get(&one_high, k)) < 1e-12);
        assert_true(an_metrics_get(&high, k) - an_metrics_get(&low, k) >
                    1.5 * (an_metrics_get(&row_high, k) - an_metrics_get(&row_low, k)));
    }
    memset(unit, 0, sizeof unit);
    assert_true(an_metrics_bootstrap_units(label, score, unit, 1, N, 0.5, 500, 3, NULL, &low, &high, NULL));
    assert_true(isnan(low.recall) && isnan(high.roc_auc));
    unit[5] = 9;
    an_error err = { 0 };
    assert_false(an_metrics_bootstrap_units(label, score, unit, 9, N, 0.5, 500, 3, NULL, &low, &high, &err));
    assert_int_equal(err.code, AN_USAGE);
    uint8_t bad_only[] = { 1, 1, 0, 0, 0 }; /* all positives in one unit: a draw without it is drawn again */
    double scores[] = { 0.9, 0.8, 0.1, 0.2, 0.3 };
    uint32_t where[] = { 0, 0, 1, 1, 2 };
    assert_true(an_metrics_bootstrap_units(bad_only, scores, where, 3, 5, 0.5, 500, 3, NULL, &low, &high, NULL));
    assert_true(low.recall == 1 && high.recall == 1 && low.roc_auc == 1);
}

static void bootstrap_with_one_class(void **state)
{
    (void)state;
    const uint8_t label[] = { 1, 1, 1, 1 };
    const double score[] = { 0.9, 0.2, 0.7, 0.7 };
    an_metrics low, high;
    assert_true(an_metrics_bootstrap(label, score, 4, 0.5, 200, 1, NULL, &low, &high, NULL));
    assert_true(isnan(low.roc_auc) && isnan(high.roc_auc) && low.pr_auc == 1 && high.recall <= 1 && low.recall >= 0);
}

static void bootstrap_stops(void **state)
{
    (void)state;
    const uint8_t label[] = { 1, 0 };
    const double score[] = { 0.9, 0.2 };
    an_pool *pool;
    an_job *job = job_of(1, &pool);
    an_job_stop(job);
    an_metrics low, high;
    an_error err = { 0 };
    assert_false(an_metrics_bootstrap(label, score, 2, 0.5, 200, 1, job, &low, &high, &err));
    assert_int_equal(err.code, AN_STOPPED);
    an_job_free(job);
    an_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_match_scikit_learn),
        cmocka_unit_test(order_of_metrics_is_public),
        cmocka_unit_test(nothing_is_undefined),
        cmocka_unit_test(a_score_that_is_not_a_number),
        cmocka_unit_test(areas_by_definition),
        cmocka_unit_test(bootstrap_does_not_depend_on_threads),
        cmocka_unit_test(bootstrap_of_recall_is_binomial),
        cmocka_unit_test(bootstrap_of_units),
        cmocka_unit_test(bootstrap_with_one_class),
        cmocka_unit_test(bootstrap_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
