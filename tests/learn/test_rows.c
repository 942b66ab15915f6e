/* test_rows.c - rows as a server has them: the same bits as a table with these cells, over all kinds of predictors; codes, names, ranges.
 */
#include "learn/testing.h"

#include <pthread.h>

static an_model *fitted_as(const an_predictor_kind *kind, const an_table *t)
{
    an_error err = { 0 };
    an_model *m = an_model_fit(t, kind, NULL, NULL, NULL, &err);
    if (!m) fail_msg("%s: %s", kind->name, err.message);
    return m;
}

/* The cells of a table by the rules that a server follows. */
static double *rows_of(const an_model *m, const an_table *t)
{
    size_t d = m->prep->columns;
    double *values = an_alloc_n(t->rows * d + 1, sizeof *values);
    for (size_t f = 0; f < d; f++) {
        const an_column *c = an_table_find(t, m->prep->column[f].name);
        assert_non_null(c);
        for (size_t i = 0; i < t->rows; i++) {
            double *to = &values[i * d + f];
            if (!an_valid(c, i)) {
                *to = NAN;
            } else if (m->prep->column[f].type == AN_CATEGORY) {
                an_buf text = { 0 };
                an_cell_text(c, i, &text);
                *to = an_model_code(m, f, text.data, text.size);
                an_buf_free(&text);
            } else {
                *to = c->type == AN_DATETIME ? an_cell_number(c, i) / 1e6 : an_cell_number(c, i);
            }
        }
    }
    return values;
}

/* Tables to score: as in training; with gaps everywhere; with a category and numbers never seen. */
static an_table *strange(void)
{
    an_table *t = simulate(1500, 5, true);
    an_column *variant = an_table_find(t, "variant");
    free(variant->dictionary.names[1]);
    variant->dictionary.names[1] = an_strdup("Q");
    for (size_t i = 0; i < t->rows; i++) {
        if (i % 7 == 0) an_table_find(t, "torque")->real[i] = i % 2 ? 1e300 : -1e-300;
        if (i % 11 == 0) an_table_find(t, "force")->real[i] = -0.0;
        if (i % 13 == 0) an_set_missing(t, an_table_find(t, "torque"), i);
    }
    return t;
}

static void same_bits(const an_predictor_kind *kind, const an_table *train, const an_table *t)
{
    an_error err = { 0 };
    an_model *m = fitted_as(kind, train);
    double *expected = scored(m, t), *values = rows_of(m, t), *score = an_alloc_n(t->rows + 1, sizeof *score);
    assert_ok(an_model_score_rows(m, values, t->rows, score, &err));
    assert_same_bits(score, expected, t->rows);
    size_t d = m->prep->columns;
    for (size_t at = 0, n = 1; at < t->rows; at += n, n = n % 5 + 1) { /* groups of 1 to 5 rows */
        size_t rows = t->rows - at < n ? t->rows - at : n;
        memset(score, 0xff, rows * sizeof *score);
        assert_ok(an_model_score_rows(m, values + at * d, rows, score, &err));
        assert_same_bits(score, expected + at, rows);
    }
    assert_ok(an_model_score_rows(m, values, 0, score, &err));
    free(expected);
    free(values);
    free(score);
    an_model_free(m);
}

static void test_same_bits(void **state)
{
    (void)state;
    size_t count;
    const an_predictor_kind *const *kinds = an_predictor_kinds(&count);
    an_table *plain = simulate(1200, 1, false), *gaps = simulate(1200, 2, true), *other = strange();
    for (size_t k = 0; k < count; k++) {
        same_bits(kinds[k], plain, plain);
        same_bits(kinds[k], gaps, gaps);
        same_bits(kinds[k], gaps, other);
        same_bits(kinds[k], plain, other);
    }
    /* numbers only: the shape that bypasses the mapping of columns */
    const char *names[] = { "force", "torque", "broken" };
    an_table *numbers = an_table_select_columns(gaps, names, 3, NULL);
    for (size_t k = 0; k < count; k++) same_bits(kinds[k], numbers, numbers);
    an_table_free(numbers);
    an_table_free(plain);
    an_table_free(gaps);
    an_table_free(other);
}

static void test_codes(void **state)
{
    (void)state;
    an_table *t = simulate(500, 3, true);
    an_model *m = fitted(t, NULL);
    size_t variant = an_model_feature_find(m, "variant", 7), force = an_model_feature_find(m, "force", 5);
    for (size_t f = 0; f < m->prep->columns; f++)
        assert_int_equal(an_model_feature_find(m, m->prep->column[f].name, strlen(m->prep->column[f].name)), f);
    assert_true(an_model_feature_find(m, "", 0) == SIZE_MAX);
    assert_true(an_model_feature_find(m, "variants", 8) == SIZE_MAX);
    assert_true(an_model_feature_find(m, "varian", 6) == SIZE_MAX);
    assert_true(an_model_feature_find(m, "force\0", 6) == SIZE_MAX);
    assert_true(an_model_feature_find(m, "broken", 6) == SIZE_MAX);
    const an_dictionary *d = &m->prep->column[variant].dictionary;
    for (int32_t k = 0; k < d->count; k++) assert_true(an_model_code(m, variant, d->names[k], strlen(d->names[k])) == k);
    double unseen = an_model_code(m, variant, "Z", 1);
    assert_true(unseen == d->count + 1);
    assert_true(isnan(an_model_code(m, variant, "", 0)));
    assert_true(an_model_code(m, variant, "A\0", 2) == unseen);
    assert_true(isnan(an_model_code(m, force, "A", 1)));
    /* what is no code is unseen, not memory out of bounds */
    double *row = rows_of(m, t), score[7], odd[] = { unseen, -1, 0.5, 1e300, INFINITY, -INFINITY, d->count + 2.0 };
    for (size_t i = 0; i < AN_COUNT(odd); i++) {
        row[variant] = odd[i];
        assert_true(an_model_score_rows(m, row, 1, &score[i], NULL));
        assert_same_bits(&score[i], &score[0], 1);
        assert_true(an_model_value_outside(m, variant, odd[i]));
    }
    free(row);
    an_model_free(m);
    an_table_free(t);
}

static void test_out_of_range(void **state)
{
    (void)state;
    an_table *t = simulate(800, 4, true), *other = strange();
    an_model *m = fitted(t, NULL);
    double *values = rows_of(m, other);
    an_buf ours = { 0 }, theirs = { 0 };
    size_t named = 0;
    for (size_t i = 0; i < other->rows; i++) {
        an_buf_clear(&ours);
        an_buf_clear(&theirs);
        an_model_out_of_range_values(m, values + i * m->prep->columns, &ours);
        an_prep_out_of_range(m->prep, other, i, &theirs);
        assert_string_equal(ours.data ? ours.data : "", theirs.data ? theirs.data : "");
        named += ours.size > 0;
    }
    assert_true(named > 100 && named < other->rows);
    an_buf_free(&ours);
    an_buf_free(&theirs);
    free(values);
    an_model_free(m);
    an_table_free(t);
    an_table_free(other);
}

typedef struct many {
    an_model *model;
    const double *values, *expected;
    size_t rows;
    bool same;
} many;

static void *score_often(void *context)
{
    many *w = context;
    size_t d = w->model->prep->columns;
    w->same = true;
    for (size_t i = 0; i < w->rows; i++) {
        double score[3];
        size_t n = i % 3 + 1 <= w->rows - i ? i % 3 + 1 : 1;
        w->same = w->same && an_model_score_rows(w->model, w->values + i * d, n, score, NULL) &&
                  !memcmp(score, w->expected + i, n * sizeof *score);
    }
    return NULL;
}

/* Threads that all find the model cold. */
static void test_threads(void **state)
{
    (void)state;
    an_table *t = simulate(400, 6, true);
    an_model *m = fitted(t, NULL), *cold = fitted(t, NULL);
    double *values = rows_of(m, t), *expected = scored(m, t);
    many work[4];
    pthread_t thread[4];
    for (int k = 0; k < 4; k++) {
        work[k] = (many){ .model = cold, .values = values, .expected = expected, .rows = t->rows };
        assert_int_equal(pthread_create(&thread[k], NULL, score_often, &work[k]), 0);
    }
    for (int k = 0; k < 4; k++) {
        pthread_join(thread[k], NULL);
        assert_true(work[k].same);
    }
    free(values);
    free(expected);
    an_model_free(m);
    an_model_free(cold);
    an_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_same_bits), cmocka_unit_test(test_codes), cmocka_unit_test(test_out_of_range),
                                        cmocka_unit_test(test_threads) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
