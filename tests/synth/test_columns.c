/* test_columns.c - the WGAN kinds on awkward columns: dates, constants, many categories, flags, extremes, hundreds of columns, hardly any
 * rows. */
#include "synth/made.h"

static const int64_t day = (int64_t)86400 * 1000000;

/* A column of `type` whose cell i is `value`; every `gap`-th cell is missing (0: none). */
static void add_values(an_table *t, const char *name, an_type type, double (*value)(size_t, an_rng *), size_t gap, uint64_t seed)
{
    an_column *c = an_table_add(t, name, type, NULL);
    assert_non_null(c);
    an_rng r = an_rng_at(seed, 7);
    for (size_t i = 0; i < t->rows; i++) {
        double v = value(i, &r);
        if (gap && i % gap == gap - 1) continue;
        if (type == AN_REAL)
            c->real[i] = v;
        else if (type == AN_BOOLEAN)
            c->boolean[i] = v > 0.5;
        else
            c->integer[i] = (int64_t)v;
        an_set_valid(c, i);
    }
}

static double a_day(size_t i, an_rng *r)
{
    (void)i;
    return (double)(20500 * day + (int64_t)an_rng_below(r, 90) * day);
}
static double a_second(size_t i, an_rng *r)
{
    (void)r;
    return (double)(20500 * day + (int64_t)i * 61000000);
}
static double seven(size_t i, an_rng *r)
{
    (void)i;
    (void)r;
    return 7;
}
static double a_flag(size_t i, an_rng *r)
{
    (void)r;
    return i % 3 == 0;
}
static double a_count(size_t i, an_rng *r)
{
    (void)i;
    return (double)an_rng_below(r, 12) - 3;
}
static double huge(size_t i, an_rng *r)
{
    (void)r;
    return i % 2 ? 8e307 : -8e307;
}
static double too_wide(size_t i, an_rng *r)
{ /* the range itself is not a number */
    (void)r;
    return i % 2 ? 1.7e308 : -1.7e308;
}
static double far_off(size_t i, an_rng *r)
{
    (void)i;
    return 1e15 + 0.25 * (double)an_rng_below(r, 40);
}
static double tiny(size_t i, an_rng *r)
{
    (void)i;
    return 1e-300 * an_rng_uniform(r);
}
static double spike(size_t i, an_rng *r)
{
    return i % 10 ? 0 : an_rng_uniform(r);
}

enum { VALUES = 50 };

/* Rows of all kinds of columns; the first `broken` are broken. */
static an_table *awkward(size_t n, size_t broken, uint64_t seed)
{
    an_table *t = an_table_new(n);
    add_values(t, "made_on", AN_DATETIME, a_day, 0, seed);
    add_values(t, "tested_at", AN_DATETIME, a_second, 9, seed);
    add_values(t, "one_real", AN_REAL, seven, 0, seed);
    add_values(t, "one_integer", AN_INTEGER, seven, 0, seed);
    add_values(t, "one_flag", AN_BOOLEAN, seven, 0, seed);
    add_values(t, "flag", AN_BOOLEAN, a_flag, 4, seed);
    add_values(t, "count", AN_INTEGER, a_count, 5, seed);
    add_values(t, "huge", AN_REAL, huge, 0, seed);
    add_values(t, "far_off", AN_REAL, far_off, 0, seed);
    add_values(t, "tiny", AN_REAL, tiny, 0, seed);
    add_values(t, "spike", AN_REAL, spike, 0, seed);
    static const char *const one[] = { "only" }, *const states[] = { "broken", "good" };
    char *names[VALUES];
    for (int i = 0; i < VALUES; i++) names[i] = an_format("supplier %02d", i);
    an_column *c = made_category(t, "supplier", (const char *const *)names, VALUES);
    an_rng r = an_rng_at(seed, 8);
    for (size_t i = 0; i < n; i++) {
        int32_t value = (int32_t)an_rng_below(&r, VALUES);
        if (i % 6 == 5) continue;
        c->code[i] = value;
        an_set_valid(c, i);
    }
    for (int i = 0; i < VALUES; i++) free(names[i]);
    c = made_category(t, "plant", one, 1);
    for (size_t i = 0; i < n; i++) {
        c->code[i] = 0;
        an_set_valid(c, i);
    }
    made_category(t, "nothing", one, 1); /* missing throughout */
    c = made_category(t, "state", states, 2);
    c->role = AN_TARGET;
    for (size_t i = 0; i < n; i++) {
        c->code[i] = i < broken ? 0 : 1;
        an_set_valid(c, i);
    }
    t->positive = an_strdup("broken");
    return t;
}

/* Every generated cell lies in the range of the real ones, whole where they are, and is one of their values where there are few. */
static void check_cells(const an_table *real, const an_table *made)
{
    for (size_t k = 0; k < real->columns; k++) {
        const an_column *a = &real->column[k], *b = an_table_find(made, a->name);
        assert_non_null(b);
        assert_int_equal(a->type, b->type);
        double low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < real->rows; i++) {
            double v = an_cell_number(a, i);
            low = v < low ? v : low;
            high = v > high ? v : high;
        }
        for (size_t i = 0; i < made->rows; i++) {
            double v = an_cell_number(b, i);
            if (a->type == AN_CATEGORY) {
                if (!strcmp(a->name, "nothing"))
                    assert_false(an_valid(b, i));
                else
                    assert_true(an_valid(b, i) && b->code[i] >= 0 && b->code[i] < b->dictionary.count);
                continue;
            }
            if (!(v >= low && v <= high)) fail_msg("%s is %.17g, outside %.17g .. %.17g", a->name, v, low, high);
            if (!strcmp(a->name, "made_on")) assert_int_equal(b->integer[i] % 1000000, 0); /* whole seconds, as the real ones */
            if (!strcmp(a->name, "far_off")) assert_float_equal(v * 4, nearbyint(v * 4), 0);
        }
    }
}

static void all_kinds_of_columns(void **state)
{
    (void)state;
    an_table *t = awkward(240, 90, 1), *s;
    an_error err;
    static const char *const kinds[] = { "wgan", "wgan-filter" };
    for (int k = 0; k < 2; k++) {
        const an_generator_kind *kind = an_generator_kind_find(kinds[k], NULL);
        json_t *o = made_options(kind), *judged;
        an_generator *g, *again;
        assert_ok(g = an_generator_fit(kind, o, t, NULL, &err));
        assert_true(isfinite(an_json_number(json_object_get(g->scores, "fidelity"), NAN)));
        assert_ok(s = an_generator_sample(g, "g", 1, 0, 300, NULL, &err));
        check_cells(t, s);
        /* through a file and back: the same rows */
        char *folder = scratch_new();
        an_artifact *a;
        an_table *back;
        assert_ok(a = an_artifact_new(folder, &err));
        assert_ok(an_generator_save(g, a, &err));
        assert_ok(again = an_generator_load(a, &err));
        assert_ok(back = an_generator_sample(again, "g", 1, 0, 300, NULL, &err));
        assert_true(same_cells(s, 0, back, 0, 300));
        an_artifact_free(a);
        scratch_end(folder);
        /* and all of it can be judged */
        assert_ok(judged = an_judge(t, s, NULL, NULL, NULL, NULL, &err));
        assert_true(isfinite(an_json_number(json_object_get(json_object_get(judged, "scores"), "ks_complement"), NAN)));
        assert_true(isfinite(an_json_number(json_object_get(json_object_get(judged, "scores"), "c2st_auc"), NAN)));
        json_decref(judged);
        an_table_free(back);
        an_table_free(s);
        an_generator_free(again);
        an_generator_free(g);
        json_decref(o);
    }
    an_table_free(t);
}

/* Texts have no numbers: refused by name, with what to do; ignored ones do no harm and do not come back. */
static void texts_are_refused_or_left_out(void **state)
{
    (void)state;
    an_table *t = made_parts(60, 20, 0, 2), *s;
    an_column *c = an_table_add(t, "remark", AN_TEXT, NULL);
    assert_non_null(c);
    free(c->text.bytes);
    c->text.bytes = an_strdup("scratch");
    for (size_t i = 0; i <= 60; i++) c->text.offset[i] = i ? 7 : 0;
    an_set_valid(c, 0);
    an_error err;
    static const char *const kinds[] = { "wgan", "wgan-filter", "smote" };
    for (int k = 0; k < 3; k++) {
        const an_generator_kind *kind = an_generator_kind_find(kinds[k], NULL);
        json_t *o = made_options(kind);
        an_generator *g;
        an_table_find(t, "remark")->role = AN_FEATURE;
        assert_fails(an_generator_fit(kind, o, t, NULL, &err), AN_INPUT, "remark");
        assert_non_null(strstr(err.hint, "--drop"));
        an_table_find(t, "remark")->role = AN_IGNORED;
        assert_ok(g = an_generator_fit(kind, o, t, NULL, &err));
        assert_ok(s = an_generator_sample(g, "g", 1, 0, 30, NULL, &err));
        assert_null(an_table_find(s, "remark"));
        an_table_free(s);
        an_generator_free(g);
        json_decref(o);
    }
    an_table_free(t);
}

/* 2 to 10 broken parts: trains, stays in range, balances. */
static void hardly_any_broken_parts(void **state)
{
    (void)state;
    an_error err;
    static const char *const kinds[] = { "wgan", "wgan-filter" };
#ifdef ANDON_SANITIZED
    enum { BY = 4 };
#else
    enum { BY = 1 };
#endif
    for (size_t broken = 2; broken <= 10; broken += BY) {
        an_table *t = awkward(80, broken, 10 + broken);
        an_table_find(t, "huge")->role = AN_IGNORED; /* no distances in it: see values_too_large_for_distances */
        for (int k = 0; k < 2; k++) {
            const an_generator_kind *kind = an_generator_kind_find(kinds[k], NULL);
            json_t *o = made_options(kind), *report = NULL;
            json_object_set_new(o, "steps", json_integer(40));
            an_table *rows = NULL;
            double *weights = NULL;
            assert_ok(an_balance_apply(an_balance_kind_find(kinds[k], NULL), o, 1, t, NULL, &rows, &weights, &report, &err));
            assert_null(weights);
            if (k == 0)
                assert_int_equal(rows->rows, 80 + 80 - 2 * broken);
            else
                assert_true(rows->rows >= 80 && rows->rows <= 80 + 80 - 2 * broken); /* the filter may let fewer through, and says so */
            assert_int_equal(json_integer_value(json_object_get(report, "added")), rows->rows - 80);
            an_table_free(rows);
            json_decref(report);
            json_decref(o);
        }
        an_table_free(t);
    }
}

/* Squares of 8e307 overflow: what needs distances says which column it is; what does not goes on, and the judge judges it. */
static void values_too_large_for_distances(void **state)
{
    (void)state;
    an_table *t = awkward(120, 40, 3), *made;
    an_error err;
    static const char *const refused[] = { "smote", "borderline1", "borderline2", "adasyn", "smote-nc" };
    for (size_t k = 0; k < AN_COUNT(refused); k++) {
        assert_fails(an_generator_fit(an_generator_kind_find(refused[k], NULL), NULL, t, NULL, &err), AN_INPUT, "column huge");
        assert_non_null(strstr(err.hint, "unit"));
    }
    an_filter_options o;
    memset(&o, 0, sizeof o);
    an_params_defaults(an_filter_params, &o);
    assert_fails(an_filter_new(t, &o, NULL, &err), AN_INPUT, "column huge");
    an_table_find(t, "huge")->role = AN_IGNORED;
    an_filter *f;
    assert_ok(f = an_filter_new(t, &o, NULL, &err));
    an_filter_free(f);
    an_table_find(t, "huge")->role = AN_FEATURE;
    add_values(t, "too_wide", AN_REAL, too_wide, 0, 3);
    an_generator *g;
    json_t *j;
    assert_ok(g = an_generator_fit(an_generator_kind_find("random", NULL), NULL, t, NULL, &err));
    assert_ok(made = an_generator_sample(g, "g", 1, 0, 60, NULL, &err));
    assert_ok(j = an_judge(t, made, g, NULL, NULL, NULL, &err));
    const json_t *scores = json_object_get(j, "scores");
    assert_true(isfinite(an_json_number(json_object_get(scores, "ks_complement"), NAN)));
    assert_true(isfinite(an_json_number(json_object_get(scores, "c2st_auc"), NAN)));
    assert_true(isfinite(an_json_number(json_object_get(scores, "dcr_median"), NAN)));
    const json_t *points = json_object_get(json_object_get(j, "pca"), "real");
    for (size_t i = 0; i < json_array_size(points); i++)
        for (size_t k = 0; k < 2; k++) assert_true(fabs(an_json_number(json_array_get(json_array_get(points, i), k), NAN)) < 100);
    json_decref(j);
    an_table_free(made);
    an_generator_free(g);
    an_params_free(an_filter_params, &o);
    an_table_free(t);
}

/* As wide as SECOM, fewer rows than columns. */
static void hundreds_of_columns(void **state)
{
    (void)state;
    an_table *t = an_table_new(60), *s;
    for (int j = 0; j < 590; j++) {
        char name[16];
        snprintf(name, sizeof name, "c%d", j);
        add_values(t, name, AN_REAL, j % 5 == 0 ? seven : tiny, j % 7 == 0 ? 2 : 0, (uint64_t)j);
    }
    add_values(t, "too_wide", AN_REAL, too_wide, 0, 1);
    static const char *const states[] = { "broken", "good" };
    an_column *c = made_category(t, "state", states, 2);
    c->role = AN_TARGET;
    for (size_t i = 0; i < 60; i++) {
        c->code[i] = i < 12 ? 0 : 1;
        an_set_valid(c, i);
    }
    an_error err;
    const an_generator_kind *kind = an_generator_kind_find("wgan-filter", NULL);
    json_t *o = made_options(kind), *judged;
    json_object_set_new(o, "steps", json_integer(40));
    an_generator *g;
    assert_ok(g = an_generator_fit(kind, o, t, NULL, &err));
    assert_ok(s = an_generator_sample(g, "g", 1, 0, 100, NULL, &err));
    assert_int_equal(s->columns, 592);
    check_cells(t, s);
    assert_ok(judged = an_judge(t, s, NULL, NULL, NULL, NULL, &err));
    assert_int_equal(json_array_size(json_object_get(judged, "columns")), 591);
    json_decref(judged);
    an_table_free(s);
    an_generator_free(g);
    json_decref(o);
    an_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_kinds_of_columns),    cmocka_unit_test(texts_are_refused_or_left_out),
        cmocka_unit_test(hardly_any_broken_parts), cmocka_unit_test(values_too_large_for_distances),
        cmocka_unit_test(hundreds_of_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
