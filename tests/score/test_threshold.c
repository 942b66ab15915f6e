/* Threshold rules against a search over all candidates one by one, their errors, and the curve. */
#include "reference.h"

static const an_costs no_costs = { NAN, NAN, NAN, NAN, "" };

static double measure(const char *rule, const an_confusion *c, const an_costs *costs)
{
    an_metrics m;
    an_confusion_metrics(c, &m);
    if (strncmp(rule, "recall>=", 8) == 0) {
        return an_binomial_lower(c->tp, c->tp + c->fn, 0.95);
    }
    if (strncmp(rule, "rejects", 7) == 0) {
        return (double)(c->tp + c->fp) / (double)(c->tp + c->fp + c->tn + c->fn);
    }
    return rule[0] == 'c' ? an_expected_cost(c, costs) : rule[0] == 'r' ? m.recall : rule[1] == '1' ? m.f1 : m.f2;
}

/* What the header promises, tried on a fine set of thresholds that holds a point between any two scores. */
static void check_choice(const char *rule, const uint8_t *label, const double *score, size_t n, const an_costs *costs)
{
    an_threshold t;
    an_error err = { 0 };
    if (!an_threshold_choose(rule, label, score, n, costs, &t, &err)) {
        fail_msg("%s: %s", rule, err.message);
    }
    assert_string_equal(t.rule, rule);
    an_confusion at = an_confusion_at(label, score, n, t.value);
    near_to(t.achieved, measure(rule, &at, costs), 1e-12, rule);
    const char *limit = strrchr(rule, '=');
    double wanted = limit ? strtod(limit + 1, NULL) : NAN;
    for (size_t i = 0; i <= n; i++) {
        double other = i < n ? score[i] : 1e9;
        an_confusion c = an_confusion_at(label, score, n, other);
        double value = measure(rule, &c, costs);
        assert_false(other < t.value && other >= score[0] && c.tp + c.fp < at.tp + at.fp);
        if (rule[0] == 'f') {
            assert_true(value <= t.achieved);
        } else if (rule[0] == 'c') {
            assert_true(value >= t.achieved - 1e-12);
        } else if (strncmp(rule, "rejects", 7) == 0) {
            assert_true(t.achieved <= wanted && (value > wanted || c.tp + c.fp <= at.tp + at.fp)); /* rejects as much as it may */
        } else {
            assert_true(t.achieved >= wanted && (value < wanted || c.tp + c.fp >= at.tp + at.fp)); /* rejects no more than it must */
        }
    }
}

static void rules_against_search(void **state)
{
    (void)state;
    const char *const rules[] = { "f1",           "f2",         "recall=0.9", "recall=1", "recall=0.001", "recall>=0.5@95%",
                                  "rejects<=0.2", "rejects<=0", "rejects<=1", "cost" };
    const an_costs costs = { .escape = 50, .reject = 3, .test = 0.7, .rework = NAN };
    an_rng rng = an_rng_at(8, 0);
    for (int round = 0; round < 40; round++) {
        enum { MOST = 120 };
        uint8_t label[MOST];
        double score[MOST];
        size_t n = 20 + an_rng_below(&rng, MOST - 20);
        for (size_t i = 0; i < n; i++) {
            label[i] = i < 8 || an_rng_uniform(&rng) < 0.1;
            score[i] = (label[i] ? 0.3 : 0) + 0.7 * an_rng_uniform(&rng);
            score[i] = round % 3 == 0 ? floor(score[i] * 10) / 10 : round % 3 == 1 ? score[i] * 40 - 20 : score[i];
        }
        for (size_t r = 0; r < AN_COUNT(rules); r++) {
            check_choice(rules[r], label, score, n, &costs);
        }
    }
}

static void values_are_midpoints(void **state)
{
    (void)state;
    const uint8_t label[] = { 0, 0, 1, 1 };
    const double score[] = { 0.1, 0.2, 0.6, 0.8 };
    an_threshold t;
    assert_true(an_threshold_choose("f2", label, score, 4, &no_costs, &t, NULL));
    near_to(t.value, 0.4, 1e-15, "midpoint");
    near_to(t.achieved, 1, 0, "f2");
    assert_true(an_threshold_choose("recall=0.5", label, score, 4, &no_costs, &t, NULL));
    near_to(t.value, 0.7, 1e-15, "midpoint");
    assert_true(an_threshold_choose("rejects<=1", label, score, 4, &no_costs, &t, NULL));
    near_to(t.value, 0.05, 1e-15, "below the lowest, inside [0, 1]");
    assert_true(an_threshold_choose("rejects<=0", label, score, 4, &no_costs, &t, NULL));
    near_to(t.value, 0.9, 1e-15, "above the highest, inside [0, 1]");
    assert_true(an_threshold_choose(" 0.35", label, score, 4, &no_costs, &t, NULL) && t.value == 0.35 && isnan(t.achieved));
    assert_true(an_threshold_choose("-2", NULL, NULL, 0, NULL, &t, NULL) && t.value == -2);
    const double margin[] = { -3, -2, 2, 5 };
    assert_true(an_threshold_choose("f1", label, margin, 4, &no_costs, &t, NULL) && t.value == 0);
    assert_true(an_threshold_choose("rejects<=0", label, margin, 4, &no_costs, &t, NULL) && t.value > 5);
    assert_true(an_threshold_choose("recall=1", (const uint8_t[]){ 1, 0 }, (const double[]){ 1.0, 1.0 }, 2, &no_costs, &t, NULL) &&
                t.value <= 1);
    assert_true(an_threshold_choose("rejects<=0.3", (const uint8_t[]){ 1, 0 }, (const double[]){ 1.0, 1.0 }, 2, &no_costs, &t, NULL) &&
                t.value > 1 && t.achieved == 0);
    const double tight[] = { 0.3, nextafter(0.3, 1) }; /* no double lies between */
    assert_true(an_threshold_choose("f1", (const uint8_t[]){ 0, 1 }, tight, 2, &no_costs, &t, NULL) && t.value == tight[1]);
}

static void ties_go_to_the_middle(void **state)
{
    (void)state;
    /* F1 is 2/3 both between .05 and .2 (everything caught, two false) and between .4 and .7 (one caught, none false) */
    const uint8_t label[] = { 0, 1, 0, 0, 1 };
    const double score[] = { 0.05, 0.2, 0.3, 0.4, 0.7 };
    an_threshold t;
    assert_true(an_threshold_choose("f1", label, score, 5, &no_costs, &t, NULL));
    near_to(t.achieved, 2.0 / 3, 1e-15, "f1");
    near_to(t.value, 0.55, 1e-15, "nearest to 0.5");
    an_costs even = {
        .escape = 0.3, .reject = 0.1, .test = NAN, .rework = NAN
    }; /* one escape costs as much as three false rejects, up to rounding */
    const uint8_t mixed[] = { 0, 1, 0, 0, 0, 1 };
    const double mixed_score[] = { 0.01, 0.02, 0.1, 0.2, 0.3, 0.7 };
    assert_true(an_threshold_choose("cost", mixed, mixed_score, 6, &even, &t, NULL));
    near_to(t.value, 0.5, 1e-15, "nearest to 0.5");
    near_to(t.achieved, 0.05, 1e-15, "cost");
}

static void refused(const char *rule, const uint8_t *label, const double *score, size_t n, const an_costs *costs, an_code code,
                    const char *message, const char *hint)
{
    an_threshold t;
    an_error err = { 0 };
    assert_false(an_threshold_choose(rule, label, score, n, costs, &t, &err));
    assert_int_equal(err.code, code);
    if (!strstr(err.message, message) || !strstr(err.hint, hint)) {
        fail_msg("%s: \"%s\" (%s), expected \"%s\" (%s)", rule, err.message, err.hint, message, hint);
    }
}

static void rules_that_cannot_be_met(void **state)
{
    (void)state;
    uint8_t label[40] = { 0 };
    double score[40];
    for (int i = 0; i < 40; i++) {
        label[i] = i < 10;
        score[i] = 1 - i / 40.0;
    }
    /* ten of ten: .05^(1/10) = .741 */
    refused("recall>=0.9@95%", label, score, 40, &no_costs, AN_INPUT, "is 0.741",
            "recall>=0.741@95% or less, or collect at least 29 positive rows");
    an_threshold t;
    assert_true(an_threshold_choose("recall>=0.741@95%", label, score, 40, &no_costs, &t, NULL));
    near_to(t.achieved, pow(0.05, 0.1), 1e-12, "limit");
    assert_true(an_threshold_choose("recall>=0.9@50%", label, score, 40, &no_costs, &t, NULL));
    refused("f2", label + 10, score + 10, 30, &no_costs, AN_INPUT, "needs positive rows", "rejects<=S");
    refused("f2", label, score, 0, &no_costs, AN_INPUT, "there are none", "");
    refused("cost", label, score, 40, &no_costs, AN_INPUT, "escaped defect is not given", "--cost-escape");
    refused("cost", label, score, 40, NULL, AN_INPUT, "not given", "--cost-escape");
    an_costs half = { .escape = 10, .reject = NAN, .test = NAN, .rework = NAN };
    refused("cost", label, score, 40, &half, AN_INPUT, "false reject", "--cost-reject");
    half.reject = -1;
    refused("cost", label, score, 40, &half, AN_INPUT, "-1", "");
    score[7] = NAN;
    refused("f1", label, score, 40, &no_costs, AN_INPUT, "row 8", "");
}

static void unknown_rules(void **state)
{
    (void)state;
    const char *const bad[] = { "",
                                "f3",
                                "F2",
                                "recall",
                                "recall=",
                                "recall=0",
                                "recall=1.2",
                                "recall=x",
                                "recall>=0.9",
                                "recall>=0.9@",
                                "recall>=0.9@95",
                                "recall>=1@95%",
                                "recall>=0.9@100%",
                                "recall>=@95%",
                                "rejects<=-0.1",
                                "rejects<=2",
                                "rejects=0.1",
                                "nan",
                                "inf",
                                "0.5x",
                                "cost=3",
                                "0.50000000000000000000000000000000000000000000000000000000000000001" };
    for (size_t i = 0; i < AN_COUNT(bad); i++) {
        an_error err = { 0 };
        if (an_threshold_check(bad[i], &err)) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
        assert_int_equal(err.code, AN_USAGE);
        assert_non_null(strstr(err.hint, "recall>=0.95@95%"));
    }
    const char *const good[] = {
        "0.5", "1e-3", "f1", "f2", "recall=0.95", "recall>=0.95@95%", "recall >= .95 @ 95%", "rejects<=0.1", "cost"
    };
    for (size_t i = 0; i < AN_COUNT(good); i++) {
        assert_true(an_threshold_check(good[i], NULL));
    }
    assert_false(an_threshold_check(NULL, NULL));
}

static void curve_has_both_ends(void **state)
{
    (void)state;
    enum { N = 101 };
    uint8_t label[N];
    double score[N];
    for (int i = 0; i < N; i++) {
        label[i] = i % 5 == 0;
        score[i] = (i * 37 % 50) / 50.0; /* 50 distinct */
    }
    an_curve_point p[N];
    assert_int_equal(an_threshold_curve(label, score, N, N, p), 50);
    for (int i = 0; i < 50; i++) {
        an_confusion c = an_confusion_at(label, score, N, p[i].threshold);
        assert_memory_equal(&c, &p[i].confusion, sizeof c);
        assert_true(i == 0 || p[i].threshold > p[i - 1].threshold);
    }
    for (size_t limit = 1; limit < 50; limit++) {
        an_curve_point q[N];
        assert_int_equal(an_threshold_curve(label, score, N, limit, q), limit);
        assert_true(q[0].threshold == p[0].threshold && (limit == 1 || q[limit - 1].threshold == p[49].threshold));
        for (size_t i = 1; i < limit; i++) {
            assert_true(q[i].threshold > q[i - 1].threshold);
        }
    }
    score[3] = NAN;
    size_t n = an_threshold_curve(label, score, N, N, p);
    an_confusion c = an_confusion_at(label, score, N, p[n / 2].threshold);
    assert_memory_equal(&c, &p[n / 2].confusion, sizeof c);
    assert_int_equal(an_threshold_curve(label, score, 0, 10, p), 0);
    assert_int_equal(an_threshold_curve(label, score, N, 0, p), 0);
}

static void cost_by_hand(void **state)
{
    (void)state;
    an_confusion c = { .tn = 80, .fp = 10, .fn = 2, .tp = 8 };
    an_costs costs = { .escape = 100, .reject = 5, .test = 2, .rework = NAN };
    near_to(an_expected_cost(&c, &costs), (200 + 50 + 36) / 100.0, 1e-15, "cost");
    costs.reject = NAN;
    near_to(an_expected_cost(&c, &costs), (200 + 36) / 100.0, 1e-15, "without the cost of a reject");
    costs.escape = NAN;
    assert_true(isnan(an_expected_cost(&c, &costs)));
    assert_true(isnan(an_expected_cost(&(an_confusion){ 0 }, &costs)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_against_search),  cmocka_unit_test(values_are_midpoints),
        cmocka_unit_test(ties_go_to_the_middle), cmocka_unit_test(rules_that_cannot_be_met),
        cmocka_unit_test(unknown_rules),         cmocka_unit_test(curve_has_both_ends),
        cmocka_unit_test(cost_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
