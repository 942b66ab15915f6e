/* Comparisons: every combination on the same splits, no row scored by a model that knew it, intervals corrected, verdicts as told, and
 * going on after a stop. */
#include "flow/compare.h"
#include "flow/lines.h"

static const an_costs no_costs = { NAN, NAN, NAN, NAN, "EUR" };

static an_comparison comparison(const an_table *t, const an_predictor_kind *model, const char *balances, int repeats)
{
    static const an_hash data = { { 1 } };
    an_comparison c = { .table = t,
                        .data = &data,
                        .model = { model },
                        .models = 1,
                        .repeats = repeats,
                        .folds = 3,
                        .share = 0.25,
                        .ratio = 1,
                        .rule = "f2",
                        .costs = no_costs,
                        .seed = 1 };
    an_list names = { 0 };
    an_list_split(&names, balances, ',');
    for (size_t i = 0; i < names.count; i++) {
        c.balance[c.balances] = balance(names.items[i]);
        assert_non_null(c.balance[c.balances++]);
    }
    an_list_free(&names);
    return c;
}

static json_t *compared(const an_comparison *c, an_job *job)
{
    an_error err;
    json_t *j;
    MUST((j = an__compare(c, job, &err)) != NULL);
    return j;
}

static const json_t *row_of(const json_t *j, const char *how)
{
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(j, "rows"), i, row)
        if (!strcmp(an_json_string(row, "balance", ""), how)) return row;
    fail_msg("no row %s", how);
    return NULL;
}

static const char *verdict(const json_t *j, const char *key)
{
    return an_json_string(json_object_get(j, "recommendation"), key, "");
}

static size_t values_of(const json_t *row, const char *which, const char *metric, double *out)
{
    const json_t *values = json_object_get(json_object_get(json_object_get(row, which), metric), "values");
    size_t n = json_array_size(values);
    for (size_t i = 0; i < n; i++) out[i] = an_json_number(json_array_get(values, i), NAN);
    return n;
}

/* ---- what the rows say ---- */

static void threshold_is_none_at_its_moved_threshold(void **state)
{
    (void)state;
    an_table *t = parts_make(400, 40, 1.5, 1);
    an_comparison c = comparison(t, logistic(), "none,threshold,weights", 4);
    json_t *j = compared(&c, NULL);
    const json_t *none = row_of(j, "none"), *moved = row_of(j, "threshold");
    assert_true(json_equal(json_object_get(none, "metrics_moved"), json_object_get(moved, "metrics_moved")));
    assert_true(json_equal(json_object_get(none, "metrics_moved"), json_object_get(moved, "metrics")));
    assert_true(json_equal(json_object_get(none, "confusion_moved"), json_object_get(moved, "confusion")));
    assert_true(json_equal(json_object_get(none, "threshold"), json_object_get(moved, "threshold")));
    assert_false(json_equal(json_object_get(none, "metrics"), json_object_get(none, "metrics_moved")));
    /* the same scores at another threshold: what looks at scores alone is the same */
    static const char *const ranked[] = { "pr_auc", "roc_auc", "brier" };
    for (size_t k = 0; k < AN_COUNT(ranked); k++)
        assert_true(number_at(json_object_get(none, "metrics"), ranked[k], "mean") ==
                    number_at(json_object_get(none, "metrics_moved"), ranked[k], "mean"));
    json_decref(j);
    an_table_free(t);
}

static void intervals_are_those_of_the_values(void **state)
{
    (void)state;
    an_table *t = parts_make(300, 60, 1, 2);
    an_comparison c = comparison(t, logistic(), "none,weights", 6);
    c.share = 0.2;
    c.costs = (an_costs){ 100, 10, NAN, NAN, "EUR" };
    json_t *j = compared(&c, NULL);
    static const char *const which[] = { "metrics", "metrics_moved" };
    double v[6], base[6], d[6];
    for (size_t w = 0; w < 2; w++)
        for (int k = 0; k < AN_METRIC_COUNT; k++) {
            an_interval i;
            const json_t *m = json_object_get(json_object_get(row_of(j, "weights"), which[w]), an_metric_names[k]);
            assert_int_equal(values_of(row_of(j, "weights"), which[w], an_metric_names[k], v), 6);
            an_resampled_interval(v, 6, 0.2 / 0.8, &i);
            i.low = fmax(i.low, 0); /* the measure has borders, the t interval has none */
            i.high = fmin(i.high, 1);
            assert_true(number_at(m, "mean", NULL) == i.mean && number_at(m, "sd", NULL) == i.sd);
            assert_true(number_at(m, "low", NULL) == i.low && number_at(m, "high", NULL) == i.high);
        }
    json_decref(j);
    c.costs = no_costs; /* paired differences of what decides: here F2 at the moved thresholds */
    j = compared(&c, NULL);
    values_of(row_of(j, "none"), "metrics_moved", "f2", base);
    values_of(row_of(j, "weights"), "metrics_moved", "f2", v);
    for (int r = 0; r < 6; r++) d[r] = v[r] - base[r];
    an_interval i;
    an_resampled_interval(d, 6, 0.2 / 0.8, &i);
    assert_true(number_at(row_of(j, "weights"), "difference", "mean") == i.mean &&
                number_at(row_of(j, "weights"), "difference", "low") == i.low);
    assert_true(number_at(row_of(j, "none"), "difference", "mean") == 0);
    assert_null(json_object_get(row_of(j, "none"), "cost"));
    json_decref(j);
    an_table_free(t);
}

static void same_document_for_any_number_of_threads(void **state)
{
    (void)state;
    an_table *t = parts_make(200, 40, 1, 3);
    an_comparison c = comparison(t, logistic(), "none,threshold,weights,random,smote", 3);
    an_pool *pool = an_pool_new(2);
    an_job *job = an_job_new(&(an_job_options){ .pool = pool, .seed = 99 }); /* the comparison's own seed decides */
    json_t *one = compared(&c, NULL), *two = compared(&c, job);
    assert_true(json_equal(one, two));
    c.seed = 2;
    json_t *other = compared(&c, job);
    assert_false(json_equal(json_object_get(one, "rows"), json_object_get(other, "rows")));
    json_decref(one);
    json_decref(two);
    json_decref(other);
    an_job_free(job);
    an_pool_free(pool);
    an_table_free(t);
}

/* ---- splits and leakage ---- */

static bool same_rows(const memory *a, const memory *b, double below)
{
    size_t n = 0, m = 0;
    while (n < a->count && a->marker[n] < below) n++;
    while (m < b->count && b->marker[m] < below) m++;
    return n == m && !memcmp(a->marker, b->marker, n * sizeof *a->marker);
}

/* Every set of training rows occurs once for each balancing: in each repeat the whole training part and its three inner folds. */
static void splits_are_the_same_for_every_balancing(void **state)
{
    (void)state;
    an_table *t = parts_make(120, 30, 1, 4);
    an_comparison c = comparison(t, &memory_kind, "none,threshold,weights,random", 3);
    memories_clear();
    json_decref(compared(&c, NULL));
    assert_int_equal(memories.count, 3 * 3 * 4); /* 'threshold' shares the fits of 'none' */
    size_t sets = 0;
    for (size_t i = 0; i < memories.count; i++) {
        int equal = 0;
        bool first = true;
        for (size_t k = 0; k < memories.count; k++)
            if (same_rows(&memories.fit[i], &memories.fit[k], INFINITY)) {
                equal++;
                first = first && k >= i;
            }
        assert_int_equal(equal, 3);
        sets += first;
    }
    assert_int_equal(sets, 3 * 4);
    memories_clear();
    an_table_free(t);
}

typedef struct plan {
    an_comparison c;
    an_repeat *repeat;
    an_scores *scores;
    int fit_balance[8];
    size_t slots;
} plan;

enum { UNTOUCHED = -7 };

/* Repeats as compare.c makes them, with places for the scores that tell whether they were filled. */
static void plan_make(plan *p, const an_table *t, const char *balances, int repeats)
{
    an_error err;
    *p = (plan){ .c = comparison(t, &memory_kind, balances, repeats) };
    p->repeat = an_alloc_n((size_t)repeats, sizeof *p->repeat);
    p->slots = (size_t)(repeats * p->c.balances);
    p->scores = an_alloc_n(p->slots, sizeof *p->scores);
    for (int b = 0; b < p->c.balances; b++) p->fit_balance[b] = b;
    for (int r = 0; r < repeats; r++) {
        an_repeat *x = &p->repeat[r];
        MUST(an_split_make(t, &(an_split_options){ .share = 0.25, .seed = (uint64_t)r + 1, .ignore_time = true }, &x->split, &err));
        x->fold = an_alloc_n(x->split.train_count + 1, 1);
        MUST(an_folds_make(t, x->split.train, x->split.train_count, 3, 5, x->fold, &x->folds, &err));
    }
    for (size_t i = 0; i < p->slots; i++) {
        const an_split *s = &p->repeat[i / (size_t)p->c.balances].split;
        p->scores[i].test = an_alloc_n(s->test_count + 1, sizeof(double));
        p->scores[i].out_of_fold = an_alloc_n(s->train_count + 1, sizeof(double));
        for (size_t k = 0; k < s->test_count; k++) p->scores[i].test[k] = UNTOUCHED;
        for (size_t k = 0; k < s->train_count; k++) p->scores[i].out_of_fold[k] = UNTOUCHED;
    }
    memories_clear();
}

static bool plan_run(plan *p, an_error *err)
{
    return an__compare_fits(&p->c, p->repeat, p->fit_balance, p->c.balances, p->scores, NULL, err);
}

static void plan_free(plan *p)
{
    for (size_t i = 0; i < p->slots; i++) {
        free(p->scores[i].test);
        free(p->scores[i].out_of_fold);
    }
    for (int r = 0; r < p->c.repeats; r++) {
        an_split_free(&p->repeat[r].split);
        free(p->repeat[r].fold);
    }
    free(p->repeat);
    free(p->scores);
    memories_clear();
}

/* A row that its model knew would score 1, a row that nobody scored is untouched. */
static void check_scores(const plan *p)
{
    for (size_t i = 0; i < p->slots; i++) {
        const an_split *s = &p->repeat[i / (size_t)p->c.balances].split;
        for (size_t k = 0; k < s->test_count; k++) {
            assert_false(an_table_generated(p->c.table, s->test[k]));
            assert_true(p->scores[i].test[k] == 0);
        }
        for (size_t k = 0; k < s->train_count; k++)
            assert_true(p->scores[i].out_of_fold[k] == (an_table_generated(p->c.table, s->train[k]) ? UNTOUCHED : 0));
    }
}

static void no_row_is_scored_by_a_model_that_knew_it(void **state)
{
    (void)state;
    an_error err;
    plan p;
    an_table *once = parts_make(120, 36, 1, 5), *twice = an_table_append(once, once, &err),
             *mixed = parts_with_generated(120, 36, 40, 1, 5);
    assert_non_null(twice);
    const an_table *tables[] = { once, twice, mixed };
    for (size_t k = 0; k < AN_COUNT(tables); k++) {
        plan_make(&p, tables[k], tables[k] == mixed ? "none,weights" : "none,weights,random", 3);
        MUST(plan_run(&p, &err));
        check_scores(&p);
        assert_int_equal(memories.count, 3 * p.c.balances * 4);
        for (size_t f = 0; tables[k] == mixed && f < memories.count; f++) /* generated rows train everywhere */
            for (size_t i = 120; i < 160; i++) assert_true(memory_has(&memories.fit[f], (double)i));
        plan_free(&p);
    }
    an_table_free(once);
    an_table_free(twice);
    an_table_free(mixed);
}

/* Should a split or a fold ever hold a generated row out, the fit refuses instead of scoring it. */
static void a_generated_row_in_a_scored_part_is_refused(void **state)
{
    (void)state;
    an_error err;
    plan p;
    an_table *mixed = parts_with_generated(120, 36, 40, 1, 5);
    plan_make(&p, mixed, "none", 1);
    p.repeat[0].fold[p.repeat[0].split.train_count - 1] = 0; /* generated rows are the last */
    MUST_FAIL(plan_run(&p, &err), AN_REFUSED, "maker/1");
    plan_free(&p);
    plan_make(&p, mixed, "none", 1);
    p.repeat[0].split.test[0] = 150;
    MUST_FAIL(plan_run(&p, &err), AN_REFUSED, "maker/1");
    plan_free(&p);
    an_table_free(mixed);
}

/* Ninety generated rows that no real part looks like: they are no evidence for the threshold and not counted as broken parts that were
 * seen. */
static void generated_rows_do_not_move_the_threshold(void **state)
{
    (void)state;
    an_table *mixed = parts_with_generated(300, 40, 90, 2, 6);
    an_comparison c = comparison(mixed, logistic(), "none", 3);
    json_t *j = compared(&c, NULL);
    const json_t *row = row_of(j, "none");
    assert_true(number_at(j, "positives", NULL) == 40);
    assert_true(number_at(json_object_get(row, "confusion_moved"), "tp", NULL) +
                    number_at(json_object_get(row, "confusion_moved"), "fn", NULL) ==
                30); /* real test rows: 10 a repeat */
    assert_true(number_at(json_object_get(row, "metrics_moved"), "accuracy", "mean") > 0.7);
    json_decref(j);
    an_table_free(mixed);
}

/* ---- the cap on generators inside folds ---- */

static size_t scores_kept(const char *cache)
{
    an_list names = { 0 };
    size_t n = 0;
    if (an_file_exists(cache) && an_folder_list(cache, &names, NULL)) n = names.count;
    an_list_free(&names);
    return n;
}

/* Fits are kept by what decides them, so which fits are shared tells what each was told: with 5,000 steps asked for, or more, the fits
 * inside folds are the same. */
static void a_generator_inside_a_fold_trains_at_most_5000_steps(void **state)
{
    line *l = *state;
    static const struct {
        int steps;
        size_t new_fits;
    } cases[] = { { 5000, 4 }, { 5001, 1 }, { 4999, 4 } }; /* one repeat: the training part and three folds */
    an_table *t = parts_make(60, 18, 2, 7);
    an_comparison c = comparison(t, logistic(), "wgan", 1);
    char *cache = an_path_join(l->folder, "scores");
    c.cache = cache;
    size_t kept = 0;
    for (size_t k = 0; k < AN_COUNT(cases); k++) {
        c.balance_options[0] = json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "steps", cases[k].steps, "width", 8, "layers", 1, "batch",
                                         2, "noise", 2, "check_every", 1000000, "patience", 0);
        json_decref(compared(&c, NULL));
        json_decref(c.balance_options[0]);
        size_t now = scores_kept(cache);
        assert_int_equal(now - kept, cases[k].new_fits);
        kept = now;
    }
    free(cache);
    an_table_free(t);
}

/* ---- stopping and going on ---- */

static void a_stopped_comparison_goes_on(void **state)
{
    line *l = *state;
    an_error err;
    an_table *t = parts_make(120, 30, 1, 8);
    an_comparison c = comparison(t, &memory_kind, "none,weights,random", 3);
    char *cache = an_path_join(l->folder, "scores");
    memories_clear();
    json_t *whole = compared(&c, NULL);
    assert_int_equal(memories.count, 36);

    c.cache = cache;
    memories_clear();
    an_job *job = an_job_new(&(an_job_options){ .seed = 1 });
    memories.stop = job;
    memories.after = 15;
    MUST_FAIL(an__compare(&c, job, &err), AN_STOPPED, "stopped");
    an_job_free(job);
    size_t done = scores_kept(cache);
    assert_true(done >= 14 && done < 36); /* the fit during which it was stopped is lost */

    memories_clear();
    json_t *again = compared(&c, NULL);
    assert_true(json_equal(whole, again));
    assert_int_equal(memories.count, 36 - done); /* only what was missing */
    memories_clear();
    json_t *third = compared(&c, NULL);
    assert_true(json_equal(whole, third));
    assert_int_equal(memories.count, 0);
    json_decref(third);

    c.repeats = 4; /* enlarged: one repeat more */
    json_decref(compared(&c, NULL));
    assert_int_equal(memories.count, 12);
    json_decref(whole);
    json_decref(again);
    free(cache);
    an_table_free(t);
}

static void a_cut_file_of_scores_is_made_again(void **state)
{
    line *l = *state;
    an_error err;
    an_table *t = parts_make(120, 30, 1, 8);
    an_comparison c = comparison(t, logistic(), "none", 2);
    char *cache = an_path_join(l->folder, "scores");
    c.cache = cache;
    json_t *whole = compared(&c, NULL);
    an_list names = { 0 };
    MUST(an_folder_list(cache, &names, &err));
    assert_int_equal(names.count, 8);
    char *path = an_path_join(cache, names.items[0]);
    MUST(an_file_write(path, "short", 5, &err));
    json_t *again = compared(&c, NULL);
    assert_true(json_equal(whole, again));
    json_decref(whole);
    json_decref(again);
    an_list_free(&names);
    free(path);
    free(cache);
    an_table_free(t);
}

/* ---- verdicts ---- */

static void nothing_matters_takes_nothing(void **state)
{
    (void)state;
    an_table *t = parts_make(400, 120, 12, 9); /* a line between the classes: every way is right */
    an_comparison c = comparison(t, logistic(), "none,threshold,weights,random,smote", 5);
    json_t *j = compared(&c, NULL);
    assert_string_equal(verdict(j, "balance"), "none");
    assert_string_equal(verdict(j, "decided_by"), "f2");
    assert_non_null(strstr(verdict(j, "why"), "nothing did better"));
    assert_true(json_is_false(json_object_get(json_object_get(j, "recommendation"), "thin_evidence")));
    json_decref(j);
    an_table_free(t);
}

static void a_threshold_that_matters_is_moved(void **state)
{
    (void)state;
    an_table *t = parts_make(1000, 60, 1.5, 10); /* rare and overlapping: at 0.5 hardly anything is caught */
    an_comparison c = comparison(t, logistic(), "none,threshold,weights,random", 8);
    json_t *j = compared(&c, NULL);
    assert_string_equal(verdict(j, "balance"), "threshold");
    const json_t *none = row_of(j, "none");
    assert_true(number_at(json_object_get(none, "metrics_moved"), "f2", "mean") >
                number_at(json_object_get(none, "metrics"), "f2", "mean") + 0.1);
    json_decref(j);
    c.balance[1] = balance("weights"); /* without a row of its own it is said in words */
    c.balances = 2;
    j = compared(&c, NULL);
    assert_string_equal(verdict(j, "balance"), "none");
    assert_non_null(strstr(verdict(j, "why"), "its threshold has to be moved (rule f2)"));
    json_decref(j);
    an_table_free(t);
}

/* Two classes that differ in spread, not in place: a straight line cannot tell them apart, and a kind of model that can has to be preferred
 * beyond noise. */
static bool far_fit(an_predictor *p, const an_samples *train, an_job *job, an_error *err)
{
    (void)p, (void)train, (void)job, (void)err;
    return true;
}

static an_node far_lower(const an_predictor *p, an_node x)
{
    (void)p;
    return an_sigmoid(an_add_scalar(an_square(an_slice(x, 1, 1, 1)), -4));
}

static void far_free(an_predictor *p)
{
    (void)p;
}

static const an_predictor_kind far_kind = { .name = "far",
                                            .doc = "positive far from zero",
                                            .source = "",
                                            .params = memory_params,
                                            .options_size = 1,
                                            .can = AN_CAN_CLASSES,
                                            .scale = "none",
                                            .fit = far_fit,
                                            .lower = far_lower,
                                            .free = far_free };

static void the_better_model_wins_beyond_noise(void **state)
{
    (void)state;
    an_table *t = parts_make(400, 100, 0, 11);
    for (size_t i = 0; i < t->rows; i++)
        if (t->column[3].integer[i]) t->column[1].real[i] += t->column[1].real[i] < 0 ? -4 : 4;
    an_comparison c = comparison(t, logistic(), "none,weights", 5);
    c.model[c.models++] = &far_kind;
    json_t *j = compared(&c, NULL);
    assert_string_equal(verdict(j, "model"), "far");
    assert_string_equal(verdict(j, "balance"), "none"); /* the simplest of those as good */
    assert_int_equal(json_array_size(json_object_get(j, "rows")), 4);
    json_decref(j);
    an_table_free(t);
}

static void costs_decide_where_they_are_given(void **state)
{
    (void)state;
    an_table *t = parts_make(1000, 60, 1.5, 10);
    an_comparison c = comparison(t, logistic(), "none,threshold", 8);
    /* an escape costs next to nothing, a false reject a lot: F2 would move the threshold, cost leaves it where it is */
    c.costs = (an_costs){ 1, 100, NAN, NAN, "EUR" };
    json_t *j = compared(&c, NULL);
    assert_string_equal(verdict(j, "decided_by"), "cost");
    assert_string_equal(verdict(j, "balance"), "none");
    assert_non_null(strstr(verdict(j, "why"), "expected cost per part"));
    const json_t *confusion = json_object_get(row_of(j, "none"), "confusion_moved");
    double total = number_at(confusion, "fn", NULL) * 1 + number_at(confusion, "fp", NULL) * 100;
    assert_float_equal(number_at(row_of(j, "none"), "cost", "mean"), total / (8 * 250), 1e-9);
    json_decref(j);
    c.costs = (an_costs){ 400, 12, NAN, NAN, "EUR" }; /* the other way round */
    c.rule = "cost";
    j = compared(&c, NULL);
    assert_string_equal(verdict(j, "decided_by"), "cost");
    assert_string_equal(verdict(j, "balance"), "threshold");
    json_decref(j);
    an_table_free(t);
}

static void thin_evidence_is_said(void **state)
{
    (void)state;
    static const size_t positives[] = { 29, 30 };
    for (size_t k = 0; k < 2; k++) {
        an_table *t = parts_make(200, positives[k], 2, 12);
        an_comparison c = comparison(t, logistic(), "none", 2);
        json_t *j = compared(&c, NULL);
        assert_int_equal(json_is_true(json_object_get(json_object_get(j, "recommendation"), "thin_evidence")), positives[k] < 30);
        assert_int_equal(strstr(verdict(j, "why"), "thin: only 29 positive rows") != NULL, positives[k] < 30);
        json_decref(j);
        an_table_free(t);
    }
    an_table *t = parts_with_generated(200, 29, 50, 2, 12); /* generated rows are no evidence */
    an_comparison c = comparison(t, logistic(), "none", 2);
    json_t *j = compared(&c, NULL);
    assert_true(json_is_true(json_object_get(json_object_get(j, "recommendation"), "thin_evidence")));
    json_decref(j);
    an_table_free(t);
}

static void a_failing_fit_says_where(void **state)
{
    (void)state;
    an_error err;
    an_table *t = parts_make(100, 2, 1, 13); /* one positive row in the training part: no folds */
    an_comparison c = comparison(t, logistic(), "none", 2);
    MUST_FAIL(an__compare(&c, NULL, &err), AN_INPUT, "cannot be spread over folds");
    an_table_free(t);
    t = parts_make(100, 20, 1, 13);
    c = comparison(t, logistic(), "none", 2);
    c.rule = "cost";
    MUST_FAIL(an__compare(&c, NULL, &err), AN_INPUT, "repeat 1, logistic, balance none");
    c = comparison(t, logistic(), "smote", 2);
    c.balance_options[0] = json_pack("{s:i}", "neighbours", -1);
    MUST_FAIL(an__compare(&c, NULL, &err), AN_USAGE, "repeat 1, balance smote");
    json_decref(c.balance_options[0]);
    an_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threshold_is_none_at_its_moved_threshold),
        cmocka_unit_test(intervals_are_those_of_the_values),
        cmocka_unit_test(same_document_for_any_number_of_threads),
        cmocka_unit_test(splits_are_the_same_for_every_balancing),
        cmocka_unit_test(no_row_is_scored_by_a_model_that_knew_it),
        cmocka_unit_test(a_generated_row_in_a_scored_part_is_refused),
        cmocka_unit_test(generated_rows_do_not_move_the_threshold),
        cmocka_unit_test_setup_teardown(a_generator_inside_a_fold_trains_at_most_5000_steps, line_make, line_remove),
        cmocka_unit_test_setup_teardown(a_stopped_comparison_goes_on, line_make, line_remove),
        cmocka_unit_test_setup_teardown(a_cut_file_of_scores_is_made_again, line_make, line_remove),
        cmocka_unit_test(nothing_matters_takes_nothing),
        cmocka_unit_test(a_threshold_that_matters_is_moved),
        cmocka_unit_test(the_better_model_wins_beyond_noise),
        cmocka_unit_test(costs_decide_where_they_are_given),
        cmocka_unit_test(thin_evidence_is_said),
        cmocka_unit_test(a_failing_fit_says_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
