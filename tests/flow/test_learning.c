/* Recipes made into models: out-of-fold scores come from models that never saw the row, thresholds from real rows alone, evaluation from
 * untouched real rows. */
#include "flow/lines.h"

static an_recipe recipe(const an_predictor_kind *model, const char *how)
{
    return (an_recipe){ .model = model, .balance = balance(how), .ratio = 1, .folds = 3, .costs = { NAN, NAN, NAN, NAN, "EUR" } };
}

static size_t *all_rows(const an_table *t)
{
    size_t *rows = an_alloc_n(t->rows + 1, sizeof *rows);
    for (size_t i = 0; i < t->rows; i++) rows[i] = i;
    return rows;
}

/* ---- out-of-fold scores ---- */

static void no_model_scores_a_row_it_knew(void **state)
{
    (void)state;
    an_error err;
    static const char *const how[] = { "none", "weights", "random" };
    an_table *t = parts_make(120, 30, 1, 1);
    size_t *rows = all_rows(t);
    double score[120];
    for (size_t k = 0; k < AN_COUNT(how); k++) {
        memories_clear();
        an_recipe r = recipe(&memory_kind, how[k]);
        MUST(an__recipe_out_of_fold(t, rows, t->rows, &r, 7, NULL, score, &err));
        for (size_t i = 0; i < t->rows; i++) assert_true(score[i] == 0);
        assert_int_equal(memories.count, 3);
        for (size_t i = 0; i < t->rows; i++) { /* every row was held out exactly once */
            int held = 0;
            for (size_t f = 0; f < 3; f++) held += !memory_has(&memories.fit[f], (double)i);
            assert_int_equal(held, 1);
        }
    }
    /* the memory does tell: rows it was fitted on score 1 */
    an_recipe r = recipe(&memory_kind, "none");
    an_model *m;
    MUST((m = an__recipe_fit(t, rows, 60, &r, 1, NULL, &err)) != NULL);
    MUST(an__scores(m, t, rows, t->rows, score, NULL, &err));
    for (size_t i = 0; i < t->rows; i++) assert_true(score[i] == (i < 60));
    an_model_free(m);
    free(rows);
    an_table_free(t);
    memories_clear();
}

static void equal_rows_stay_in_one_fold(void **state)
{
    (void)state;
    an_error err;
    an_table *once = parts_make(60, 20, 1, 1), *t = an_table_append(once, once, &err); /* every row twice */
    assert_non_null(t);
    size_t *rows = all_rows(t);
    double score[120];
    an_recipe r = recipe(&memory_kind, "none");
    MUST(an__recipe_out_of_fold(t, rows, t->rows, &r, 7, NULL, score, &err));
    for (size_t i = 0; i < t->rows; i++) assert_true(score[i] == 0);
    free(rows);
    an_table_free(once);
    an_table_free(t);
    memories_clear();
}

static void generated_rows_train_in_every_fold_and_are_never_scored(void **state)
{
    (void)state;
    an_error err;
    an_table *t = parts_with_generated(90, 30, 25, 1, 1);
    size_t *rows = all_rows(t);
    double score[115];
    an_recipe r = recipe(&memory_kind, "none");
    MUST(an__recipe_out_of_fold(t, rows, t->rows, &r, 7, NULL, score, &err));
    for (size_t i = 0; i < t->rows; i++) assert_true(i < 90 ? score[i] == 0 : isnan(score[i]));
    assert_int_equal(memories.count, 3);
    for (size_t f = 0; f < 3; f++) {
        for (size_t i = 90; i < 115; i++) assert_true(memory_has(&memories.fit[f], (double)i));
        assert_true(memories.fit[f].rows < 115); /* and some real rows are left out */
    }
    free(rows);
    an_table_free(t);
    memories_clear();
}

static void same_bits_for_any_number_of_threads(void **state)
{
    (void)state;
    an_error err;
    an_table *t = parts_make(300, 60, 1, 1);
    size_t *rows = all_rows(t);
    an_recipe r = recipe(logistic(), "smote");
    double one[300], two[300], other[300];
    an_pool *pool = an_pool_new(2);
    an_job *job = an_job_new(&(an_job_options){ .pool = pool, .seed = 9 });
    MUST(an__recipe_out_of_fold(t, rows, t->rows, &r, 7, NULL, one, &err));
    MUST(an__recipe_out_of_fold(t, rows, t->rows, &r, 7, job, two, &err));
    MUST(an__recipe_out_of_fold(t, rows, t->rows, &r, 8, job, other, &err));
    assert_memory_equal(one, two, sizeof one);
    assert_memory_not_equal(one, other, sizeof one);
    an_job_free(job);
    an_pool_free(pool);
    free(rows);
    an_table_free(t);
}

static void failures_name_the_fold(void **state)
{
    (void)state;
    an_error err;
    an_table *t = parts_make(60, 20, 1, 1), *lonely = parts_make(30, 1, 1, 1);
    size_t *rows = all_rows(t);
    double score[60];
    an_job *job = an_job_new(&(an_job_options){ .seed = 1 });
    an_job_stop(job);
    an_recipe r = recipe(logistic(), "none");
    MUST_FAIL(an__recipe_out_of_fold(t, rows, t->rows, &r, 7, job, score, &err), AN_STOPPED, "inner fold");
    MUST_FAIL(an__recipe_out_of_fold(lonely, rows, lonely->rows, &r, 7, NULL, score, &err), AN_INPUT, "1 positive rows");
    an_job_free(job);
    free(rows);
    an_table_free(t);
    an_table_free(lonely);
}

/* ---- thresholds ---- */

static void thresholds_look_at_real_rows_alone(void **state)
{
    (void)state;
    an_error err;
    an_table *t = parts_with_generated(200, 30, 90, 1.5, 3);
    size_t *rows = all_rows(t);
    uint8_t label[290];
    double score[290];
    an_costs costs = { 100, 3, NAN, NAN, "EUR" };
    MUST(an__labels(t, NULL, t->rows, label, &err));
    for (size_t i = 0; i < t->rows; i++) score[i] = i < 200 ? 1 / (1 + exp(-t->column[1].real[i])) : NAN;
    static const char *const rules[] = { "f1", "f2", "recall=0.9", "recall>=0.5@90%", "rejects<=0.2", "cost" };
    for (size_t k = 0; k < AN_COUNT(rules); k++) {
        an_threshold all, alone;
        MUST(an__threshold_on_real(rules[k], t, rows, t->rows, label, score, &costs, &all, &err));
        MUST(an_threshold_choose(rules[k], label, score, 200, &costs, &alone, &err));
        assert_true(all.value == alone.value && all.achieved == alone.achieved);
    }
    an_table_free(t);
    free(rows);
}

/* The rule's own measure, taken by hand on the out-of-fold scores. */
static void recipe_threshold_is_the_rule_on_out_of_fold_scores(void **state)
{
    (void)state;
    an_error err;
    an_table *t = parts_make(400, 40, 1.5, 4);
    size_t *rows = all_rows(t);
    double score[400];
    uint8_t label[400];
    an_recipe r = recipe(logistic(), "none");
    r.threshold = "f2";
    an_threshold chosen;
    MUST(an__recipe_threshold(t, rows, t->rows, &r, 7, NULL, &chosen, &err));
    MUST(an__recipe_out_of_fold(t, rows, t->rows, &r, 7, NULL, score, &err));
    MUST(an__labels(t, rows, t->rows, label, &err));
    double best = -1;
    for (size_t i = 0; i < t->rows; i++) {
        an_metrics m;
        an_confusion c = an_confusion_at(label, score, t->rows, score[i]);
        an_confusion_metrics(&c, &m);
        best = fmax(best, m.f2);
    }
    an_confusion c = an_confusion_at(label, score, t->rows, chosen.value);
    an_metrics at;
    an_confusion_metrics(&c, &at);
    assert_true(at.f2 == best && chosen.achieved == best);
    assert_true(chosen.value < 0.5); /* 10 % broken parts and an escape that counts more than a reject */
    r.threshold = "0.25";
    MUST(an__recipe_threshold(t, rows, t->rows, &r, 7, NULL, &chosen, &err));
    assert_true(chosen.value == 0.25);
    r.threshold = "cost"; /* no costs given */
    MUST_FAIL(an__recipe_threshold(t, rows, t->rows, &r, 7, NULL, &chosen, &err), AN_INPUT, "threshold rule cost");
    free(rows);
    an_table_free(t);
}

/* ---- fitting ---- */

static void a_model_knows_what_it_was_fed(void **state)
{
    (void)state;
    an_error err;
    static const struct {
        const char *how;
        bool calibrated;
    } cases[] = { { "none", true }, { "threshold", true }, { "weights", false }, { "random", false }, { "smote", false } };
    an_table *t = parts_make(200, 20, 2, 5), *mixed = parts_with_generated(200, 20, 30, 2, 5);
    size_t *rows = all_rows(mixed);
    uint64_t key[200];
    MUST(an_table_row_keys(t, key, &err));
    for (size_t k = 0; k < AN_COUNT(cases); k++) {
        an_recipe r = recipe(logistic(), cases[k].how);
        an_model *m;
        MUST((m = an__recipe_fit(t, rows, 150, &r, 11, NULL, &err)) != NULL);
        assert_string_equal(m->balance, cases[k].how);
        assert_int_equal(m->calibrated, cases[k].calibrated);
        assert_true(m->threshold.value == 0.5);
        assert_int_equal(m->seed, 11);
        assert_int_equal(m->train_count, 150); /* real rows only, whatever was added */
        an_keys known = { m->train_keys, m->train_count };
        for (size_t i = 0; i < 200; i++) assert_int_equal(an__keys_has(&known, key[i]), i < 150);
        an_model_free(m);
    }
    an_recipe r = recipe(logistic(), "none"); /* generated rows in the training part: a score, no probability */
    an_model *m;
    MUST((m = an__recipe_fit(mixed, rows, mixed->rows, &r, 11, NULL, &err)) != NULL);
    assert_false(m->calibrated);
    assert_int_equal(m->train_count, 200);
    an_model_free(m);
    free(rows);
    an_table_free(t);
    an_table_free(mixed);
}

static void balancing_reaches_the_model(void **state)
{
    (void)state;
    an_error err;
    an_table *t = parts_make(200, 20, 2, 5);
    size_t *rows = all_rows(t);
    static const struct {
        const char *how;
        double ratio;
        size_t rows;
    } cases[] = { { "none", 1, 200 }, { "weights", 1, 200 }, { "random", 1, 360 }, { "random", 0.5, 270 }, { "smote", 1, 360 } };
    for (size_t k = 0; k < AN_COUNT(cases); k++) {
        memories_clear();
        an_recipe r = recipe(&memory_kind, cases[k].how);
        r.ratio = cases[k].ratio;
        an_model *m;
        MUST((m = an__recipe_fit(t, rows, t->rows, &r, 1, NULL, &err)) != NULL);
        assert_int_equal(memories.count, 1);
        assert_int_equal(memories.fit[0].rows, cases[k].rows);
        an_model_free(m);
    }
    free(rows);
    an_table_free(t);
    memories_clear();
}

/* ---- evaluation ---- */

static void evaluation_agrees_with_the_metrics(void **state)
{
    (void)state;
    an_error err;
    an_table *t = parts_make(400, 80, 1.5, 6);
    size_t *rows = all_rows(t);
    an_recipe r = recipe(logistic(), "none");
    an_model *m;
    MUST((m = an__recipe_fit(t, rows, 250, &r, 1, NULL, &err)) != NULL);
    m->threshold = (an_threshold){ .value = 0.3, .rule = "0.3", .achieved = NAN };
    an_costs costs = { 400, 12, 2, NAN, "CHF" };
    json_t *e;
    MUST((e = an__evaluation(m, t, rows + 250, 150, &costs, 1, NULL, &err)) != NULL);
    double score[150];
    uint8_t label[150];
    MUST(an__scores(m, t, rows + 250, 150, score, NULL, &err));
    MUST(an__labels(t, rows + 250, 150, label, &err));
    an_metrics want;
    an_metrics_all(label, score, 150, 0.3, &want);
    const json_t *metrics = json_object_get(e, "metrics");
    for (int k = 0; k < AN_METRIC_COUNT; k++) {
        double v = an_metrics_get(&want, k), got = number_at(metrics, an_metric_names[k], "value");
        assert_true(v == got);
        assert_true(number_at(metrics, an_metric_names[k], "low") <= got && got <= number_at(metrics, an_metric_names[k], "high"));
    }
    an_confusion c = an_confusion_at(label, score, 150, 0.3);
    assert_true(number_at(e, "confusion", "tp") == (double)c.tp && number_at(e, "confusion", "fn") == (double)c.fn);
    assert_true(number_at(e, "confusion", "tn") == (double)c.tn && number_at(e, "confusion", "fp") == (double)c.fp);
    assert_true(number_at(e, "rows", NULL) == 150 && number_at(e, "positives", NULL) == 30);
    assert_true(number_at(e, "escape_upper", NULL) == an_binomial_upper(c.fn, c.tp + c.fn, 0.95));
    double cost = (400. * (double)c.fn + 12. * (double)c.fp + 2. * (double)(c.tp + c.fp)) / 150;
    assert_float_equal(number_at(e, "cost_per_part", NULL), cost, 1e-12);
    assert_string_equal(an_json_string(json_object_get(e, "costs"), "currency", ""), "CHF");
    size_t i, points = json_array_size(json_object_get(e, "curve"));
    json_t *point;
    assert_true(points > 10 && points <= 200);
    json_array_foreach(json_object_get(e, "curve"), i, point) { /* each point is what the threshold does */
        an_confusion p = an_confusion_at(label, score, 150, number_at(point, "threshold", NULL));
        assert_true(number_at(point, "confusion", "tp") == (double)p.tp && number_at(point, "confusion", "fp") == (double)p.fp);
        assert_float_equal(number_at(point, "cost", NULL), an_expected_cost(&p, &costs), 1e-12);
    }
    json_decref(e);
    an_model_free(m);
    free(rows);
    an_table_free(t);
}

/* What counts as positive, and in which column, is the model's to say, not the data set's that it is tried on. */
static void evaluation_goes_by_the_classes_of_the_model(void **state)
{
    (void)state;
    an_error err;
    an_table *t = parts_make(400, 80, 1.5, 6);
    size_t *rows = all_rows(t);
    an_recipe r = recipe(logistic(), "none");
    an_model *m;
    MUST((m = an__recipe_fit(t, rows, 250, &r, 1, NULL, &err)) != NULL);
    an_costs costs = { NAN, NAN, NAN, NAN, "EUR" };
    json_t *own, *other;
    MUST((own = an__evaluation(m, t, rows + 250, 150, &costs, 1, NULL, &err)) != NULL);
    free(t->positive); /* there the sound parts are the rarer ones, and another column is the target */
    t->positive = an_strdup("0");
    t->column[3].role = AN_FEATURE;
    t->column[2].role = AN_TARGET;
    MUST((other = an__evaluation(m, t, rows + 250, 150, &costs, 1, NULL, &err)) != NULL);
    assert_true(json_equal(own, other));
    json_decref(own);
    json_decref(other);
    free(m->target);
    m->target = an_strdup("brokn");
    MUST_FAIL(an__evaluation(m, t, rows + 250, 150, &costs, 1, NULL, &err), AN_NOT_FOUND, "brokn");
    an_model_free(m);
    free(rows);
    an_table_free(t);
}

/* Rows of one batch are alike: whole batches are drawn, and the escape limit counts batches by what they are worth. */
static void batches_are_what_is_counted(void **state)
{
    (void)state;
    an_error err;
    an_table *t = parts_make(400, 80, 1.5, 6);
    size_t *rows = all_rows(t);
    an_recipe r = recipe(logistic(), "none");
    an_model *m;
    MUST((m = an__recipe_fit(t, rows, 250, &r, 1, NULL, &err)) != NULL);
    m->threshold = (an_threshold){ .value = 0.3, .rule = "0.3", .achieved = NAN };
    an_costs costs = { NAN, NAN, NAN, NAN, "EUR" };
    json_t *alone, *e;
    MUST((alone = an__evaluation(m, t, rows + 250, 150, &costs, 1, NULL, &err)) != NULL);
    assert_true(json_is_null(json_object_get(alone, "interval_units")));
    an_column *batch = an_table_add(t, "batch", AN_INTEGER, &err);
    assert_non_null(batch);
    batch->role = AN_GROUP;
    for (size_t i = 0; i < t->rows; i++) {
        if (i == 399) continue; /* one part of no batch: a unit of its own */
        an_set_valid(batch, i);
        batch->integer[i] = (int64_t)(i / 25);
    }
    MUST((e = an__evaluation(m, t, rows + 250, 150, &costs, 1, NULL, &err)) != NULL);
    const json_t *u = json_object_get(e, "interval_units");
    assert_string_equal(an_json_string(u, "column", ""), "batch");
    /* rows 250 to 399 are 6 batches and the one; every fifth part is broken: five a batch, the last one of them in no batch */
    assert_true(number_at(u, "count", NULL) == 7 && number_at(u, "with_positives", NULL) == 7);
    double worth = 30. * 30. / (5 * 25 + 16 + 1); /* five batches of five, one of four, one part alone */
    assert_float_equal(number_at(u, "effective", NULL), worth, 1e-12);
    uint64_t fn = (uint64_t)number_at(e, "confusion", "fn"), n = (uint64_t)worth;
    assert_true(number_at(e, "escape_upper", NULL) == an_binomial_upper((uint64_t)ceil((double)(n * fn) / 30 - 1e-9), n, 0.95));
    assert_true(number_at(e, "escape_upper", NULL) > number_at(alone, "escape_upper", NULL));
    assert_true(number_at(json_object_get(e, "metrics"), "recall", "value") ==
                number_at(json_object_get(alone, "metrics"), "recall", "value"));
    assert_false(json_equal(json_object_get(e, "metrics"), json_object_get(alone, "metrics"))); /* other draws, other intervals */
    /* one batch alone tells nothing of others */
    json_decref(e);
    MUST((e = an__evaluation(m, t, rows + 250, 25, &costs, 1, NULL, &err)) != NULL);
    assert_true(json_is_null(json_object_get(json_object_get(json_object_get(e, "metrics"), "recall"), "low")));
    json_decref(e);
    json_decref(alone);
    an_model_free(m);
    free(rows);
    an_table_free(t);
}

static void generated_rows_are_never_evaluated(void **state)
{
    (void)state;
    an_error err;
    an_table *t = parts_with_generated(200, 60, 20, 1.5, 6);
    size_t *rows = all_rows(t);
    an_recipe r = recipe(logistic(), "none");
    an_model *m;
    an_costs costs = { NAN, NAN, NAN, NAN, "EUR" };
    MUST((m = an__recipe_fit(t, rows, 120, &r, 1, NULL, &err)) != NULL);
    MUST_FAIL(an__evaluation(m, t, rows + 120, 81, &costs, 1, NULL, &err), AN_REFUSED, "maker/1");
    json_t *e;
    MUST((e = an__evaluation(m, t, rows + 120, 80, &costs, 1, NULL, &err)) != NULL);
    assert_true(json_is_null(json_object_get(e, "cost_per_part"))); /* no costs: no cost */
    json_decref(e);
    an_model_free(m);
    free(rows);
    an_table_free(t);
}

/* ---- costs ---- */

static void costs_come_from_the_workspace_unless_given(void **state)
{
    line *l = *state;
    an_error err;
    an_costs c;
    MUST(an__costs(l->store, NAN, NAN, NAN, &c, &err));
    assert_true(isnan(c.escape) && isnan(c.reject) && isnan(c.test) && isnan(c.rework));
    assert_string_equal(c.currency, "EUR");
    char *path = an_path_join(l->folder, "andon.yaml");
    static const char text[] = "costs: { escape: 400, reject: 12.5, rework: 30, currency: CHF }\n";
    MUST(an_file_write(path, text, sizeof text - 1, &err));
    MUST(an__costs(l->store, NAN, NAN, NAN, &c, &err));
    assert_true(c.escape == 400 && c.reject == 12.5 && isnan(c.test) && c.rework == 30);
    assert_string_equal(c.currency, "CHF");
    MUST(an__costs(l->store, 0, NAN, 7, &c, &err));
    assert_true(c.escape == 0 && c.reject == 12.5 && c.test == 7);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_model_scores_a_row_it_knew),
        cmocka_unit_test(equal_rows_stay_in_one_fold),
        cmocka_unit_test(generated_rows_train_in_every_fold_and_are_never_scored),
        cmocka_unit_test(same_bits_for_any_number_of_threads),
        cmocka_unit_test(failures_name_the_fold),
        cmocka_unit_test(thresholds_look_at_real_rows_alone),
        cmocka_unit_test(recipe_threshold_is_the_rule_on_out_of_fold_scores),
        cmocka_unit_test(a_model_knows_what_it_was_fed),
        cmocka_unit_test(balancing_reaches_the_model),
        cmocka_unit_test(evaluation_agrees_with_the_metrics),
        cmocka_unit_test(evaluation_goes_by_the_classes_of_the_model),
        cmocka_unit_test(batches_are_what_is_counted),
        cmocka_unit_test(generated_rows_are_never_evaluated),
        cmocka_unit_test_setup_teardown(costs_come_from_the_workspace_unless_given, line_make, line_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
