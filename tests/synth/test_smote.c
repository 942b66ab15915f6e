/* test_smote.c - the SMOTE kinds against their definition (every row lies between a row and one of its nearest neighbours) and against
 * recorded moments of imbalanced-learn. */
#include "reference/judge.h"
#include "synth/made.h"

/* The recorded case: three numbers, the first SMOTE_BROKEN rows are broken. */
static an_table *recorded(void)
{
    static const char *const names[] = { "a", "b", "c" };
    an_table *t = an_table_new(SMOTE_ROWS);
    for (size_t j = 0; j < 3; j++) {
        an_column *c = an_table_add(t, names[j], AN_REAL, NULL);
        for (size_t i = 0; i < SMOTE_ROWS; i++) {
            c->real[i] = smote_rows[i * 3 + j];
            an_set_valid(c, i);
        }
    }
    an_column *c = an_table_add(t, "broken", AN_INTEGER, NULL);
    c->role = AN_TARGET;
    for (size_t i = 0; i < SMOTE_ROWS; i++) {
        c->integer[i] = i < SMOTE_BROKEN;
        an_set_valid(c, i);
    }
    t->positive = an_strdup("1");
    return t;
}

static an_table *drawn(const char *kind, const an_table *t, size_t n)
{
    an_error err = { 0 };
    an_generator *g = an_generator_fit(an_generator_kind_find(kind, NULL), NULL, t, NULL, &err);
    if (!g) fail_msg("%s", err.message);
    an_table *s = an_generator_sample(g, kind, 3, 0, n, NULL, &err);
    if (!s) fail_msg("%s", err.message);
    an_generator_free(g);
    return s;
}

static void moments_as_recorded(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        const double *expected;
    } cases[] = { { "smote", smote_smote }, { "borderline1", smote_borderline1 }, { "adasyn", smote_adasyn } };
    an_table *t = recorded();
    enum { N = 100000 };
    for (size_t k = 0; k < AN_COUNT(cases); k++) {
        an_table *s = drawn(cases[k].kind, t, N);
        for (size_t j = 0; j < 3; j++) {
            double sum = 0, squares = 0;
            for (size_t i = 0; i < N; i++) sum += s->column[j].real[i];
            for (size_t i = 0; i < N; i++) squares += pow(s->column[j].real[i] - sum / N, 2);
            double mean = sum / N, sd = sqrt(squares / N), wanted = cases[k].expected[j], wanted_sd = cases[k].expected[3 + j];
            /* both sides are Monte Carlo: five standard errors of the difference */
            assert_float_equal(mean, wanted, 5 * wanted_sd * sqrt(1.0 / N + 1.0 / 200000));
            assert_float_equal(sd, wanted_sd, 0.015 * wanted_sd);
        }
        assert_float_equal(an_correlation(s->column[0].real, s->column[1].real, N), cases[k].expected[6], 0.012);
        an_table_free(s);
    }
    an_table_free(t);
}

/* p lies on the segment from a to b. */
static bool between(const double *p, const double *a, const double *b)
{
    double share = NAN;
    for (size_t j = 0; j < 3; j++) {
        double whole = b[j] - a[j];
        if (fabs(whole) > 1e-9) share = (p[j] - a[j]) / whole;
    }
    if (isnan(share)) share = 0;
    if (share < -1e-9 || share > 1 + 1e-9) return false;
    for (size_t j = 0; j < 3; j++) {
        if (fabs(a[j] + share * (b[j] - a[j]) - p[j]) > 1e-7 * (1 + fabs(p[j]))) return false;
    }
    return true;
}

static void rows_lie_between_neighbours(void **state)
{
    (void)state;
    an_table *t = recorded(), *s = drawn("smote", t, 500);
    /* standardised by hand, the five nearest by a full sort */
    double mean[3] = { 0 }, sd[3] = { 0 }, distance[SMOTE_BROKEN];
    for (size_t j = 0; j < 3; j++) {
        for (size_t i = 0; i < SMOTE_ROWS; i++) mean[j] += smote_rows[i * 3 + j] / SMOTE_ROWS;
        for (size_t i = 0; i < SMOTE_ROWS; i++) sd[j] += pow(smote_rows[i * 3 + j] - mean[j], 2) / SMOTE_ROWS;
        sd[j] = sqrt(sd[j]);
    }
    bool near[SMOTE_BROKEN][SMOTE_BROKEN] = { { false } };
    for (size_t a = 0; a < SMOTE_BROKEN; a++) {
        for (size_t b = 0; b < SMOTE_BROKEN; b++) {
            distance[b] = 0;
            for (size_t j = 0; j < 3; j++) distance[b] += pow((smote_rows[a * 3 + j] - smote_rows[b * 3 + j]) / sd[j], 2);
            if (a == b) distance[b] = INFINITY;
        }
        for (int k = 0; k < 5; k++) {
            size_t best = 0;
            for (size_t b = 1; b < SMOTE_BROKEN; b++) best = distance[b] < distance[best] ? b : best;
            near[a][best] = true;
            distance[best] = INFINITY;
        }
    }
    size_t used[SMOTE_BROKEN] = { 0 };
    for (size_t i = 0; i < s->rows; i++) {
        double p[3] = { s->column[0].real[i], s->column[1].real[i], s->column[2].real[i] };
        bool found = false;
        for (size_t a = 0; a < SMOTE_BROKEN && !found; a++) {
            for (size_t b = 0; b < SMOTE_BROKEN && !found; b++) {
                found = near[a][b] && between(p, smote_rows + a * 3, smote_rows + b * 3);
                if (found) used[a]++, used[b]++; /* which end it started from cannot be told */
            }
        }
        if (!found) fail_msg("row %zu (%g %g %g) lies between no row and one of its neighbours", i, p[0], p[1], p[2]);
    }
    for (size_t a = 0; a < SMOTE_BROKEN; a++) assert_true(used[a] > 5); /* all rows are started from */
    an_table_free(s);
    an_table_free(t);
}

/* Borderline-2 goes at most half-way towards the other class; rows always carry the rarer class. */
static void borderline2_half_way(void **state)
{
    (void)state;
    an_table *t = recorded(), *s = drawn("borderline2", t, 1000);
    size_t towards_other = 0;
    for (size_t i = 0; i < s->rows; i++) {
        double p[3] = { s->column[0].real[i], s->column[1].real[i], s->column[2].real[i] };
        bool found = false, other = false;
        for (size_t a = 0; a < SMOTE_BROKEN && !found; a++) {
            for (size_t b = 0; b < SMOTE_ROWS && !found; b++) {
                double end[3];
                for (size_t j = 0; j < 3; j++)
                    end[j] = smote_rows[a * 3 + j] + (b < SMOTE_BROKEN ? 1 : 0.5) * (smote_rows[b * 3 + j] - smote_rows[a * 3 + j]);
                found = a != b && between(p, smote_rows + a * 3, end);
                other = b >= SMOTE_BROKEN;
            }
        }
        assert_true(found);
        towards_other += other;
        assert_int_equal(an_table_find(s, "broken")->integer[i], 1);
    }
    assert_true(towards_other > 400 && towards_other < 600);
    an_table_free(s);
    an_table_free(t);
}

/* SMOTE-NC: the category of a row is the most frequent one among the neighbours. All neighbours but one hold B. */
static void nominal_votes(void **state)
{
    (void)state;
    static const char *const values[] = { "A", "B" };
    an_table *t = an_table_new(40);
    an_column *x = an_table_add(t, "x", AN_REAL, NULL);
    for (size_t i = 0; i < 40; i++) {
        x->real[i] = i < 6 ? (double)i : 100 + (double)i;
        an_set_valid(x, i);
    }
    an_column *c = made_category(t, "kind", values, 2);
    for (size_t i = 0; i < 40; i++) {
        c->code[i] = i == 0 ? 0 : 1;
        an_set_valid(c, i);
    }
    an_column *y = an_table_add(t, "broken", AN_BOOLEAN, NULL);
    y->role = AN_TARGET;
    for (size_t i = 0; i < 40; i++) {
        y->boolean[i] = i < 6;
        an_set_valid(y, i);
    }
    an_buf text = { 0 };
    an_cell_text(y, 0, &text);
    t->positive = an_buf_take(&text);
    an_table *s = drawn("smote-nc", t, 300), *plain = drawn("smote", t, 300);
    size_t a = 0;
    for (size_t i = 0; i < 300; i++) {
        assert_int_equal(an_table_find(s, "kind")->code[i], 1);
        a += an_table_find(plain, "kind")->code[i] == 0;
    }
    assert_true(a > 10); /* plain SMOTE takes the value of the nearer end, A among them */
    an_table_free(plain);
    an_table_free(s);
    an_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_as_recorded),
        cmocka_unit_test(rows_lie_between_neighbours),
        cmocka_unit_test(borderline2_half_way),
        cmocka_unit_test(nominal_votes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
