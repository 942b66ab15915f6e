/* test_filter.c - the minority filter: what it keeps, and its two traps (clusters that follow a part variant; too few rows that pass). */
#include "synth/made.h"

/* n parts in two variants. Variant B is heavier by `variant` in all of four columns; a broken part (every eighth) by `defect` in the first
 * `shifted` columns. */
static an_table *parts(size_t n, double variant, double defect, int shifted, bool with_variant, uint64_t seed)
{
    static const char *const variants[] = { "A", "B" };
    an_table *t = an_table_new(n);
    an_rng r = an_rng_at(seed, 0);
    for (int j = 0; j < 4; j++) {
        char name[8];
        snprintf(name, sizeof name, "x%d", j);
        an_column *c = an_table_add(t, name, AN_REAL, NULL);
        for (size_t i = 0; i < n; i++) {
            c->real[i] = an_rng_normal(&r) + (i % 2 ? variant : 0) + (i % 8 < 2 && i % 16 < 8 && j < shifted ? defect : 0);
            an_set_valid(c, i);
        }
    }
    if (with_variant) {
        an_column *c = made_category(t, "variant", variants, 2);
        for (size_t i = 0; i < n; i++) {
            c->code[i] = i % 2;
            an_set_valid(c, i);
        }
    }
    an_column *y = an_table_add(t, "broken", AN_INTEGER, NULL);
    y->role = AN_TARGET;
    for (size_t i = 0; i < n; i++) {
        y->integer[i] = i % 8 < 2 && i % 16 < 8;
        an_set_valid(y, i);
    }
    t->positive = an_strdup("1");
    return t;
}

static an_filter_options defaults(void)
{
    an_filter_options o;
    memset(&o, 0, sizeof o);
    an_params_defaults(an_filter_params, &o);
    return o;
}

static double share_broken(const an_table *passed, const an_table *of, size_t *count)
{
    /* rows keep their first column: found again by its value */
    size_t broken = 0;
    for (size_t i = 0; i < passed->rows; i++) {
        for (size_t k = 0; k < of->rows; k++) {
            if (of->column[0].real[k] == passed->column[0].real[i]) broken += an_table_find(of, "broken")->integer[k] == 1;
        }
    }
    *count = broken;
    return passed->rows ? (double)broken / (double)passed->rows : 0;
}

/* The same rows without a class, so that only distances decide. */
static an_table *unlabelled(const an_table *t)
{
    size_t *rows = an_alloc_n(t->rows, sizeof *rows);
    for (size_t i = 0; i < t->rows; i++) rows[i] = i;
    an_table *copy = an_table_select(t, rows, t->rows, NULL);
    an_column *c = an_table_find(copy, "broken");
    for (size_t i = 0; i < t->rows; i++) an_set_missing(copy, c, i);
    free(rows);
    return copy;
}

static int64_t part_of(const json_t *report, const char *object, const char *name)
{
    const json_t *v = json_object_get(json_object_get(report, object), name);
    assert_non_null(v);
    return json_integer_value(v);
}

static void clusters_that_separate(void **state)
{
    (void)state;
    an_table *t = parts(800, 0, 6, 4, false, 1), *labelled = parts(400, 0, 6, 4, false, 2), *candidates = unlabelled(labelled), *out;
    an_filter_options o = defaults();
    json_t *report = NULL;
    an_error err;
    assert_ok(out = an_filter_rows(candidates, t, &o, 1000, &report, NULL, &err));
    assert_string_equal(an_json_string(report, "centroid", ""), "cluster");
    size_t broken;
    assert_true(share_broken(out, labelled, &broken) > 0.99);
    assert_true(broken >= 40 && broken <= 50); /* about 95 % of the 50 broken candidates */
    assert_int_equal(json_integer_value(json_object_get(report, "drawn")), 400);
    assert_int_equal(part_of(report, "dropped", "other_class"), 0);
    assert_int_equal(part_of(report, "dropped", "nearer_to_others") + part_of(report, "dropped", "too_far") + (int64_t)out->rows, 400);
    assert_true(part_of(report, "dropped", "nearer_to_others") >= 349 && part_of(report, "dropped", "too_far") <= 10);
    const json_t *real = json_object_get(report, "real");
    assert_true(an_json_number(json_object_get(real, "positive_share"), 0) > 0.99);
    assert_float_equal(an_json_number(json_object_get(real, "recall"), 0), 0.95, 0.03);
    for (size_t i = 0; i < out->rows; i++) assert_int_equal(an_table_find(out, "broken")->integer[i], 1);
    const json_t *clusters = json_object_get(report, "clusters");
    assert_int_equal(json_array_size(clusters), 2);
    double a = an_json_number(json_object_get(json_array_get(clusters, 0), "positive_share"), -1);
    double b = an_json_number(json_object_get(json_array_get(clusters, 1), "positive_share"), -1);
    assert_true(fabs(a - b) > 0.95);
    assert_non_null(strstr(an_json_string(report, "note", ""), "only")); /* fewer than the 1,000 wanted */
    json_decref(report);
    an_table_free(out);
    assert_ok(out = an_filter_rows(candidates, t, &o, 7, NULL, NULL, &err)); /* no more than wanted */
    assert_int_equal(out->rows, 7);
    an_table_free(out);

    /* a row generated as good never passes, wherever it lies */
    an_column *class = an_table_find(candidates, "broken");
    for (size_t i = 0; i < 400; i += 2) an_set_valid(class, i); /* 0: good */
    assert_ok(out = an_filter_rows(candidates, t, &o, 1000, &report, NULL, &err));
    assert_int_equal(part_of(report, "dropped", "other_class"), 200);
    assert_true(out->rows >= 18 && out->rows <= 25);
    json_decref(report);
    an_table_free(out);
    an_params_free(an_filter_params, &o);
    an_table_free(candidates);
    an_table_free(labelled);
    an_table_free(t);
}

/* Trap three: broken parts are scattered and good ones close together, so that good ones lie nearer to the centroid of the broken than most
 * broken do. */
static void a_scattered_minority(void **state)
{
    (void)state;
    an_table *t = parts(800, 0, 3, 3, false, 8), *labelled = parts(400, 0, 3, 3, false, 9), *candidates, *out;
    an_table *both[] = { t, labelled };
    an_rng r = an_rng_at(10, 0);
    for (int k = 0; k < 2; k++) {
        const an_column *y = an_table_find(both[k], "broken");
        for (size_t i = 0; i < both[k]->rows; i++) {
            for (int j = 0; j < 3 && y->integer[i]; j++) both[k]->column[j].real[i] += 3 * an_rng_normal(&r);
        }
    }
    candidates = unlabelled(labelled);
    an_filter_options o = defaults();
    free(o.centroid);
    o.centroid = an_strdup("class");
    json_t *report = NULL;
    an_error err;
    assert_ok(out = an_filter_rows(candidates, t, &o, 1000, &report, NULL, &err));
    size_t broken;
    double share = share_broken(out, labelled, &broken);
    if (!(share > 0.6 && broken > 25)) fail_msg("%zu passed, %.2f of them broken", out->rows, share);
    /* distance alone: the same limit lets far more good ones through, and the report counts those that it kept out */
    double limit = an_json_number(json_object_get(report, "distance_max"), 0);
    assert_true(part_of(report, "dropped", "nearer_to_others") > 300);
    assert_true(limit > 3);
    json_decref(report);
    an_table_free(out);
    an_params_free(an_filter_params, &o);
    an_table_free(candidates);
    an_table_free(labelled);
    an_table_free(t);
}

/* Trap one: the variant moves everything, the defect one column. K-means finds the variants. */
static void clusters_that_follow_a_variant(void **state)
{
    (void)state;
    an_table *t = parts(1600, 8, 5, 2, true, 3), *labelled = parts(800, 8, 5, 2, true, 4), *candidates = unlabelled(labelled), *out;
    an_filter_options o = defaults();
    json_t *report = NULL;
    an_error err;
    assert_ok(out = an_filter_rows(candidates, t, &o, 1000, &report, NULL, &err));
    assert_string_equal(an_json_string(report, "centroid", ""), "variant");
    assert_non_null(strstr(an_json_string(report, "note", ""), "variant"));
    size_t broken;
    double share = share_broken(out, labelled, &broken);
    if (!(share > 0.8 && broken > 80)) fail_msg("%zu passed, %.2f of them broken", out->rows, share);
    /* both variants are among those that passed */
    size_t b = 0;
    for (size_t i = 0; i < out->rows; i++) b += an_table_find(out, "variant")->code[i] == 1;
    assert_true(b > out->rows / 4 && b < 3 * out->rows / 4);
    assert_true(json_array_size(json_object_get(report, "clusters")) == 6); /* two of all, two in each variant */
    json_decref(report);
    an_table_free(out);

    /* told to use the cluster all the same, it keeps one variant, good parts most of them: the trap is real */
    free(o.centroid);
    o.centroid = an_strdup("cluster");
    assert_ok(out = an_filter_rows(candidates, t, &o, 1000, NULL, NULL, &err));
    assert_true(share_broken(out, labelled, &broken) < 0.4);
    an_table_free(out);
    an_params_free(an_filter_params, &o);
    an_table_free(candidates);
    an_table_free(labelled);
    an_table_free(t);
}

/* No variant column to blame: the minority's own centroid. */
static void clusters_that_separate_nothing(void **state)
{
    (void)state;
    an_table *t = parts(800, 8, 1.5, 1, false, 5), *out;
    an_filter_options o = defaults();
    json_t *report = NULL;
    an_error err;
    assert_ok(out = an_filter_rows(t, t, &o, 1000, &report, NULL, &err));
    assert_string_equal(an_json_string(report, "centroid", ""), "class");
    assert_non_null(strstr(an_json_string(report, "note", ""), "no cluster of the real rows stands out"));
    json_decref(report);
    an_table_free(out);
    an_params_free(an_filter_params, &o);
    an_table_free(t);
}

/* Trap two: hardly anything lies within d_max. */
static void too_few_pass(void **state)
{
    (void)state;
    an_table *t = parts(400, 0, 6, 4, false, 6), *out;
    an_error err;
    an_generator *g;
    assert_ok(g = an_generator_fit(an_generator_kind_find("smote", NULL), NULL, t, NULL, &err));
    an_filter_options o = defaults();
    o.distance_max = 0.02;
    json_t *report = NULL;
    assert_ok(out = an_filter_sample(g, "g", t, &o, 20, 1, &report, NULL, &err));
    assert_true(out->rows < 20);
    assert_int_equal(json_integer_value(json_object_get(report, "drawn")), 1000); /* 50 x 20 */
    assert_int_equal(json_integer_value(json_object_get(report, "passed")), out->rows);
    assert_non_null(strstr(an_json_string(report, "note", ""), "of the 20 rows wanted passed, of 1000"));
    json_decref(report);
    an_table_free(out);

    /* and the usual case: as many as wanted, in the order drawn, each still knowing its row */
    o.distance_max = NAN;
    assert_ok(out = an_filter_sample(g, "g", t, &o, 700, 1, &report, NULL, &err));
    assert_int_equal(out->rows, 700);
    for (size_t i = 1; i < out->rows; i++) {
        assert_true(an_table_generated(out, i));
        assert_true(out->origin_row[i] > out->origin_row[i - 1]);
    }
    assert_true(json_is_null(json_object_get(report, "note")));
    json_decref(report);
    an_table_free(out);
    an_generator_free(g);
    an_params_free(an_filter_params, &o);
    an_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clusters_that_separate),
        cmocka_unit_test(a_scattered_minority),
        cmocka_unit_test(clusters_that_follow_a_variant),
        cmocka_unit_test(clusters_that_separate_nothing),
        cmocka_unit_test(too_few_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
