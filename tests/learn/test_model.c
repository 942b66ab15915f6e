/* test_model.c - models of tables: fitting, scoring row by row and from many threads, missing and unseen values, bad input, what predict
 * adds. */
#include "learn/testing.h"

#include <pthread.h>

static void test_fit(void **state)
{
    (void)state;
    an_table *t = simulate(3000, 1, true);
    an_model *m = fitted(t, NULL);
    assert_string_equal(m->target, "broken");
    assert_string_equal(m->positive, "1");
    assert_string_equal(m->negative, "0");
    assert_int_equal(m->prep->columns, FEATURES);
    assert_true(m->calibrated);
    assert_int_equal(m->train_count, 3000);
    for (size_t i = 1; i < m->train_count; i++) assert_true(m->train_keys[i - 1] < m->train_keys[i]);
    double *score = scored(m, t);
    uint8_t *label = an_alloc_n(t->rows, 1);
    assert_true(an_table_labels(t, label, NULL));
    assert_true(an_roc_auc(label, score, t->rows) > 0.7);
    double mean = 0, positives = 0;
    for (size_t i = 0; i < t->rows; i++) {
        mean += score[i];
        positives += label[i];
    }
    assert_true(fabs(mean - positives) < 1e-3 * positives); /* the unpenalised intercept makes the mean score the share of positives */
    free(score);
    free(label);
    an_model_free(m);
    an_table_free(t);
}

/* One row alone is that row in a batch, bit for bit, wherever it stands; any number of threads. */
static void test_rows_alone(void **state)
{
    (void)state;
    an_table *t = simulate(2500, 2, true);
    an_model *m = fitted(t, NULL);
    double *score = scored(m, t);
    for (size_t i = 0; i < t->rows; i += 41) {
        an_table *one = an_table_select(t, &i, 1, NULL);
        double alone;
        assert_true(an_model_score(m, one, &alone, NULL, NULL));
        assert_same_bits(&alone, &score[i], 1);
        an_table_free(one);
    }
    size_t *back = an_alloc_n(t->rows, sizeof *back);
    for (size_t i = 0; i < t->rows; i++) back[i] = t->rows - 1 - i;
    an_table *reversed = an_table_select(t, back, t->rows, NULL);
    double *other = an_alloc_n(t->rows, sizeof *other);
    an_pool *pool = an_pool_new(3);
    an_job *job = an_job_new(&(an_job_options){ .pool = pool, .seed = 9 });
    assert_true(an_model_score(m, reversed, other, job, NULL));
    for (size_t i = 0; i < t->rows; i++) assert_same_bits(&other[i], &score[t->rows - 1 - i], 1);
    an_job_free(job);
    an_pool_free(pool);
    free(back);
    free(other);
    free(score);
    an_table_free(reversed);
    an_model_free(m);
    an_table_free(t);
}

typedef struct many {
    an_model *model;
    const an_table *table;
    const double *expected;
    bool same;
} many;

static void *score_often(void *context)
{
    many *w = context;
    double *score = an_alloc_n(w->table->rows, sizeof *score);
    w->same = true;
    for (int k = 0; k < 5; k++)
        w->same =
            w->same && an_model_score(w->model, w->table, score, NULL, NULL) && !memcmp(score, w->expected, w->table->rows * sizeof *score);
    free(score);
    return NULL;
}

/* The first scores of a fresh model from several threads at once. */
static void test_threads(void **state)
{
    (void)state;
    an_table *t = simulate(1500, 3, true);
    an_model *m = fitted(t, NULL), *reference = fitted(t, NULL);
    double *score = scored(reference, t);
    pthread_t id[4];
    many w[4];
    for (int i = 0; i < 4; i++) {
        w[i] = (many){ .model = m, .table = t, .expected = score };
        assert_int_equal(pthread_create(&id[i], NULL, score_often, &w[i]), 0);
    }
    for (int i = 0; i < 4; i++) pthread_join(id[i], NULL);
    for (int i = 0; i < 4; i++) assert_true(w[i].same);
    free(score);
    an_model_free(m);
    an_model_free(reference);
    an_table_free(t);
}

static void test_threads_fit(void **state)
{
    (void)state;
    an_table *t = simulate(1500, 4, true);
    an_pool *pool = an_pool_new(3);
    an_job *job = an_job_new(&(an_job_options){ .pool = pool, .seed = 1 });
    an_model *a = fitted(t, NULL), *b = fitted(t, job);
    double *x = scored(a, t), *y = scored(b, t);
    assert_same_bits(x, y, t->rows);
    free(x);
    free(y);
    an_model_free(a);
    an_model_free(b);
    an_job_free(job);
    an_pool_free(pool);
    an_table_free(t);
}

/* A missing number scores as its median, a missing category as the most frequent one, an unseen category as no category at all. */
static void test_missing_and_unseen(void **state)
{
    (void)state;
    an_table *t = simulate(2000, 5, false), *u = simulate(4, 6, false);
    an_model *m = fitted(t, NULL);
    for (size_t i = 0; i < 4; i++) { /* four equal rows */
        for (size_t c = 0; c < FEATURES; c++) {
            an_column *x = an_table_find(u, feature_names[c]);
            if (x->type == AN_BOOLEAN)
                x->boolean[i] = x->boolean[0];
            else if (x->type == AN_CATEGORY)
                x->code[i] = x->code[0];
            else
                x->integer[i] = x->integer[0]; /* eight bytes, whatever they mean */
        }
    }
    an_column *force = an_table_find(u, "force"), *turns = an_table_find(u, "turns"), *variant = an_table_find(u, "variant");
    const an_prep_column *prepared = NULL;
    int32_t frequent = 0;
    for (size_t c = 0; c < m->prep->columns; c++) {
        if (!strcmp(m->prep->column[c].name, "force")) prepared = &m->prep->column[c];
        if (!strcmp(m->prep->column[c].name, "variant")) frequent = (int32_t)m->prep->column[c].fill;
    }
    assert_non_null(prepared);
    force->real[0] = prepared->fill;
    an_set_missing(u, force, 1);
    an_set_missing(u, turns, 2); /* never missing in training: imputed all the same */
    double *score = scored(m, u);
    assert_same_bits(&score[0], &score[1], 1);
    assert_true(isfinite(score[2]));
    free(score);
    variant->code[0] = frequent;
    force->real[3] = force->real[0];
    an_set_missing(u, variant, 3);
    score = scored(m, u);
    assert_same_bits(&score[0], &score[3], 1);
    free(score);
    an_table_free(u);

    const char *letters[] = { "A", "B", "Z" };
    an_table *v = simulate(3, 6, false);
    variant = an_table_find(v, "variant");
    for (int k = 0; k < 3; k++) free(variant->dictionary.names[k]);
    free(variant->dictionary.names);
    add_names(variant, letters, 3);
    for (int k = 0; k < 3; k++) variant->code[k] = 2;
    double *prep = an_alloc_n(3 * m->prep->width, sizeof *prep);
    size_t unseen = 0;
    assert_true(an_prep_apply(m->prep, v, NULL, 3, prep, &unseen, NULL));
    assert_int_equal(unseen, 3);
    score = scored(m, v);
    const double *w, *deviation;
    double intercept;
    size_t d;
    assert_true(m->predictor->kind->coefficients(m->predictor, &w, &deviation, &d, &intercept));
    for (size_t i = 0; i < 3; i++) {
        double z = intercept;
        for (size_t j = 0; j < d; j++) z += w[j] * prep[i * d + j];
        assert_true(fabs(score[i] - 1 / (1 + exp(-z))) < 1e-12);
    }
    free(score);
    free(prep);
    an_table_free(v);
    an_model_free(m);
    an_table_free(t);
}

static void test_bad_input(void **state)
{
    (void)state;
    an_error err;
    an_table *t = simulate(400, 7, true);
    const an_predictor_kind *kind = an_predictor_kind_find("logistic", NULL);
    an_model *m = fitted(t, NULL);
    double score[400];

    const char *some[] = { "force", "turns", "hot", "variant", "stamp", "broken" };
    an_table *u = an_table_select_columns(t, some, AN_COUNT(some), NULL);
    assert_fails(an_model_score(m, u, score, NULL, &err), AN_INPUT, "torque");
    add_column(u, "torqe", AN_REAL);
    assert_fails(an_model_score(m, u, score, NULL, &err), AN_INPUT, "torque");
    assert_non_null(strstr(err.hint, "torqe"));
    an_column *text = add_column(u, "torque", AN_CATEGORY);
    const char *words[] = { "high", "low" };
    add_names(text, words, 2);
    assert_ok(an_model_score(m, u, score, NULL, &err)); /* no value at all: as missing as it can be */
    text->code[2] = 1;
    an_set_valid(text, 2);
    assert_fails(an_model_score(m, u, score, NULL, &err), AN_INPUT, "\"low\" in row 3");
    an_table_free(u);

    an_column *torque = an_table_find(t, "torque"); /* a size that no square survives: the column is named, and what to do */
    double was = torque->real[9];
    torque->real[9] = -1e300;
    assert_fails(an_model_fit(t, kind, NULL, NULL, NULL, &err), AN_INPUT, "column torque holds -1e+300 (1 such value");
    assert_non_null(strstr(err.hint, "--missing -1e+300"));
    assert_non_null(strstr(err.hint, "--drop torque"));
    torque->real[9] = was;

    json_t *negative = json_pack("{s:f}", "c", -1.0);
    assert_fails(an_model_fit(t, kind, negative, NULL, NULL, &err), AN_USAGE, "c");
    json_decref(negative);
    an_job *job = an_job_new(&(an_job_options){ .seed = 1 });
    an_job_stop(job);
    assert_fails(an_model_fit(t, kind, NULL, NULL, job, &err), AN_STOPPED, "");
    assert_fails(an_model_score(m, t, score, job, &err), AN_STOPPED, "");
    an_job_free(job);

    an_column *target = an_table_find(t, "broken");
    for (size_t i = 0; i < t->rows; i++) target->integer[i] = 0;
    assert_fails(an_model_fit(t, kind, NULL, NULL, NULL, &err), AN_INPUT, "1 class");
    for (size_t i = 0; i < t->rows; i++) target->integer[i] = (int64_t)i % 3;
    an_model *one;
    assert_ok(one = an_model_fit(t, kind, NULL, NULL, NULL, &err)); /* 1 is told from 0 and 2 */
    assert_string_equal(one->negative, "not 1");
    an_model_free(one);
    for (size_t i = 0; i < t->rows; i++) target->integer[i] = (int64_t)i % 2 + 4;
    assert_fails(an_model_fit(t, kind, NULL, NULL, NULL, &err), AN_INPUT, "positive value \"1\"");
    target->role = AN_FEATURE;
    assert_fails(an_model_fit(t, kind, NULL, NULL, NULL, &err), AN_INPUT, "target");
    an_model_free(m);
    an_table_free(t);
}

/* Preparation is fitted on real rows only; generated ones train the predictor and cost the calibration. */
static void test_generated_rows(void **state)
{
    (void)state;
    an_table *t = simulate(1000, 8, true), *more = simulate(1000, 9, true);
    an_column *force = an_table_find(more, "force");
    for (size_t i = 0; i < more->rows; i++) force->real[i] += 1000;
    more->origin = an_alloc_n(more->rows, sizeof *more->origin);
    more->origin_row = an_alloc_n(more->rows, sizeof *more->origin_row);
    more->origins = an_alloc_n(1, sizeof *more->origins);
    more->origins[0] = (an_origin){ an_strdup("made/1"), 3 };
    more->origin_count = 1;
    for (size_t i = 0; i < more->rows; i++) {
        more->origin[i] = 1;
        more->origin_row[i] = i;
    }
    an_error err;
    an_table *both = an_table_append(t, more, &err);
    assert_non_null(both);
    an_model *a = fitted(t, NULL), *b = fitted(both, NULL);
    json_t *x = an_prep_json(a->prep), *y = an_prep_json(b->prep);
    assert_true(json_equal(x, y));
    json_decref(x);
    json_decref(y);
    assert_true(a->calibrated);
    assert_false(b->calibrated);
    assert_int_equal(a->train_count, b->train_count);
    assert_memory_equal(a->train_keys, b->train_keys, a->train_count * sizeof *a->train_keys);
    double *p = scored(a, t), *q = scored(b, t);
    assert_memory_not_equal(p, q, t->rows * sizeof *p);
    free(p);
    free(q);
    assert_fails(an_model_fit(more, an_predictor_kind_find("logistic", NULL), NULL, NULL, NULL, &err), AN_INPUT, "no real rows");
    an_model_free(a);
    an_model_free(b);
    an_table_free(t);
    an_table_free(more);
    an_table_free(both);
}

static void cell(const an_table *t, const char *column, size_t row, const char *expected)
{
    an_column *c = an_table_find(t, column);
    assert_non_null(c);
    an_buf text = { 0 };
    an_buf_puts(&text, "");
    an_cell_text(c, row, &text);
    assert_string_equal(text.data ? text.data : "", expected);
    an_buf_free(&text);
}

static void test_predict(void **state)
{
    (void)state;
    an_error err;
    an_table *t = simulate(800, 10, true), *u = simulate(20, 11, false);
    an_model *m = fitted(t, NULL);
    m->threshold = (an_threshold){ .value = 0.3, .rule = "f2", .achieved = 0.7 };
    for (size_t i = 0; i < u->rows; i++) { /* inside the ranges, but for row 4 */
        an_table_find(u, "force")->real[i] = 20;
        an_table_find(u, "torque")->real[i] = 1.5;
        an_table_find(u, "stamp")->integer[i] = 1700040000000000;
    }
    an_table_find(u, "torque")->real[4] = 99;
    an_table_find(u, "turns")->integer[4] = -7;
    an_table_find(u, "broken")->role = AN_IGNORED;
    an_column *p = add_column(u, "probability", AN_REAL); /* a column of an earlier prediction keeps its values under another name */
    for (size_t i = 0; i < u->rows; i++) {
        p->real[i] = 5;
        an_set_valid(p, i);
    }
    an_table *out = an_model_predict(m, u, NULL, NULL, &err);
    if (!out) fail_msg("%s", err.message);
    assert_int_equal(out->rows, 20);
    assert_int_equal(out->columns, u->columns + 4);
    assert_string_equal(out->column[0].name, "part");
    const char *last[] = { "label", "probability", "threshold", "out_of_range" };
    for (size_t i = 0; i < 4; i++) assert_string_equal(out->column[u->columns + i].name, last[i]);
    double *score = scored(m, u);
    for (size_t i = 0; i < 20; i++) {
        cell(out, "label", i, score[i] >= 0.3 ? "1" : "0");
        assert_same_bits(&an_table_find(out, "probability")->real[i], &score[i], 1);
        cell(out, "threshold", i, "0.3");
        if (i != 4) cell(out, "out_of_range", i, "");
        cell(out, "probability_input", i, "5");
    }
    cell(out, "out_of_range", 4, "turns;torque");
    free(score);
    an_table_free(out);
    an_table_free(t);
    an_table_free(u);
    an_model_free(m);
}

/* out_of_range says the same as preparation does, for missing, extreme and unseen values. */
static void test_out_of_range(void **state)
{
    (void)state;
    an_error err;
    an_table *t = simulate(60, 13, true), *u = simulate(500, 14, true);
    an_model *m = fitted(t, NULL);
    an_column *variant = an_table_find(u, "variant");
    free(variant->dictionary.names[2]);
    variant->dictionary.names[2] = an_strdup("Z");
    an_table *out = an_model_predict(m, u, NULL, NULL, &err);
    if (!out) fail_msg("%s", err.message);
    size_t outside = 0, unseen = 0;
    for (size_t i = 0; i < u->rows; i++) {
        an_buf expected = { 0 };
        an_buf_puts(&expected, "");
        an_prep_out_of_range(m->prep, u, i, &expected);
        cell(out, "out_of_range", i, expected.data ? expected.data : "");
        outside += expected.size > 0;
        unseen += expected.size && strstr(expected.data, "variant");
        an_buf_free(&expected);
    }
    assert_true(outside > unseen && unseen > 100 && outside < 400);
    an_table_free(out);
    an_table_free(t);
    an_table_free(u);
    an_model_free(m);
}

static void test_csv_types(void **state)
{
    (void)state;
    an_table *t = simulate(300, 12, true);
    an_model *m = fitted(t, NULL);
    an_list types = { 0 };
    an_model_csv_types(m, &types);
    assert_int_equal(types.count, FEATURES);
    assert_true(an_list_has(&types, "variant=category") && an_list_has(&types, "hot=boolean") && an_list_has(&types, "force=real"));
    assert_true(an_list_has(&types, "turns=real")); /* whole numbers in training, perhaps not today */
    const char *text =
        "force,turns,hot,variant,stamp,torque\n20,3.0,true,A,2023-11-15T00:00:00Z,1.5\n20,2.5,no,B,2023-11-15T00:00:00Z,1.5\n";
    an_error err = { 0 };
    an_csv_options how = { .type = types };
    an_table *today = an_csv_parse(text, strlen(text), "today.csv", &how, NULL, NULL, &err);
    if (!today) fail_msg("%s", err.message);
    double *score = scored(m, today);
    assert_true(score[0] > 0 && score[0] < 1 && score[1] > score[0]);
    free(score);
    an_table_free(today);
    an_list_free(&types);
    an_model_free(m);
    an_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fit),
        cmocka_unit_test(test_rows_alone),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_threads_fit),
        cmocka_unit_test(test_missing_and_unseen),
        cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_generated_rows),
        cmocka_unit_test(test_predict),
        cmocka_unit_test(test_out_of_range),
        cmocka_unit_test(test_csv_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
