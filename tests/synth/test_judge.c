/* test_judge.c - the judge against recorded values of SDMetrics and SciPy, and against cases whose answer is known. */
#include "reference/judge.h"
#include "synth/made.h"

static an_table *recorded(bool real)
{
    static const char *const kinds[] = { "A", "B", "C" };
    const double *numbers[] = { real ? judge_real_force : judge_made_force, real ? judge_real_work : judge_made_work,
                                real ? judge_real_torque : judge_made_torque };
    static const char *const names[] = { "force", "work", "torque" };
    size_t n = real ? JUDGE_REAL : JUDGE_MADE;
    an_table *t = an_table_new(n);
    for (int j = 0; j < 3; j++) {
        an_column *c = an_table_add(t, names[j], AN_REAL, NULL);
        for (size_t i = 0; i < n; i++) {
            if (isnan(numbers[j][i])) continue;
            c->real[i] = numbers[j][i];
            an_set_valid(c, i);
        }
    }
    an_column *c = made_category(t, "kind", kinds, 3);
    for (size_t i = 0; i < n; i++) {
        c->code[i] = (real ? judge_real_kind : judge_made_kind)[i] - 'A';
        an_set_valid(c, i);
    }
    c = an_table_add(t, "flag", AN_BOOLEAN, NULL);
    for (size_t i = 0; i < n; i++) {
        c->boolean[i] = (real ? judge_real_flag : judge_made_flag)[i];
        an_set_valid(c, i);
    }
    c = an_table_add(t, "_note", AN_REAL, NULL); /* begins with '_': ignored */
    for (size_t i = 0; i < n; i++) {
        c->real[i] = real ? 1 : 2;
        an_set_valid(c, i);
    }
    return t;
}

static double score(const json_t *j, const char *part, const char *name)
{
    const json_t *v = json_object_get(json_object_get(j, part), name);
    assert_non_null(v);
    return an_json_number(v, NAN);
}

static void as_recorded(void **state)
{
    (void)state;
    an_table *real = recorded(true), *made = recorded(false);
    an_error err;
    json_t *j;
    assert_ok(j = an_judge(real, made, NULL, NULL, NULL, NULL, &err));
    const json_t *columns = json_object_get(j, "columns");
    assert_int_equal(json_array_size(columns), 5);
    double shape = 0, earth = 0, divergence = 0;
    for (size_t i = 0; i < 5; i++) {
        const json_t *c = json_array_get(columns, i);
        const json_t *v = json_object_get(c, i < 3 ? "ks_complement" : "tv_complement");
        assert_float_equal(an_json_number(v, NAN), judge_shape[i], 1e-9);
        assert_float_equal(an_json_number(json_object_get(c, "js_distance"), NAN), judge_js[i], 1e-9);
        if (i < 3)
            assert_float_equal(an_json_number(json_object_get(c, "wasserstein"), NAN), judge_wasserstein[i], 1e-9);
        else
            assert_true(json_is_null(json_object_get(c, "wasserstein")));
        shape += judge_shape[i] / 5;
        divergence += judge_js[i] / 5;
        if (i < 3) earth += judge_wasserstein[i] / 3;
    }
    assert_float_equal(score(j, "scores", "ks_complement"), shape, 1e-9);
    assert_float_equal(score(j, "scores", "wasserstein"), earth, 1e-9);
    assert_float_equal(score(j, "scores", "js_distance"), divergence, 1e-9);
    assert_float_equal(score(j, "scores", "correlation_similarity"), judge_correlation, 1e-9);
    assert_int_equal(json_integer_value(json_object_get(j, "rows_real")), JUDGE_REAL);
    assert_int_equal(json_integer_value(json_object_get(j, "rows_synthetic")), JUDGE_MADE);
    assert_true(json_is_null(json_object_get(json_object_get(j, "scores"), "tstr_f1")));
    assert_true(json_is_null(json_object_get(json_object_get(j, "scores"), "sample_1k_s")));
    json_decref(j);
    an_table_free(real);
    an_table_free(made);
}

/* Floor and ceiling stand where they should; a copy is a copy; a shifted table is detected; the map is there. */
static void anchors(void **state)
{
    (void)state;
    an_table *real = made_parts(400, 100, 0.02, 1), *same = made_parts(400, 100, 0.02, 2), *shifted = made_parts(400, 400, 0.02, 3),
             *holdout = made_parts(300, 60, 0, 4);
    an_error err;
    json_t *j, *again;
    an_pool *two = an_pool_new(2);
    an_job *job = an_job_new(&(an_job_options){ .pool = two, .seed = 1 });
    assert_ok(j = an_judge(real, same, NULL, holdout, NULL, NULL, &err));
    assert_ok(again = an_judge(real, same, NULL, holdout, NULL, job, &err)); /* any number of threads */
    assert_true(json_equal(j, again));
    json_decref(again);
    assert_true(score(j, "floor", "correlation_similarity") < score(j, "ceiling", "correlation_similarity"));
    assert_true(score(j, "floor", "ks_complement") == 1); /* shuffling keeps every column */
    assert_true(score(j, "floor", "dcr_median") > score(j, "ceiling", "dcr_median") * 0.9);
    assert_true(score(j, "scores", "ks_complement") > 0.9);
    assert_true(fabs(score(j, "scores", "c2st_auc") - 0.5) < 0.1);
    assert_true(fabs(score(j, "ceiling", "c2st_auc") - 0.5) < 0.15);
    assert_true(score(j, "scores", "tstr_f1") > 0.75 && score(j, "ceiling", "tstr_f1") > 0.75);
    assert_true(score(j, "floor", "tstr_f1") < 0.5);
    const json_t *map = json_object_get(j, "pca");
    assert_int_equal(json_array_size(json_object_get(map, "real")), 400);
    assert_int_equal(json_array_size(json_array_get(json_object_get(map, "real"), 0)), 3);
    /* both sides are coloured by class: 100 broken each */
    static const char *const sides[] = { "real", "synthetic" };
    for (int k = 0; k < 2; k++) {
        const json_t *points = json_object_get(map, sides[k]);
        size_t broken = 0;
        for (size_t i = 0; i < json_array_size(points); i++)
            broken += json_integer_value(json_array_get(json_array_get(points, i), 2)) == 1;
        assert_int_equal(json_array_size(points), 400);
        assert_int_equal(broken, 100);
    }
    assert_int_equal(json_array_size(json_object_get(map, "explained")), 2);
    assert_int_equal(json_array_size(json_object_get(map, "axes")), 2);
    json_decref(j);

    assert_ok(j = an_judge(real, real, NULL, NULL, NULL, NULL, &err));
    assert_int_equal((int)score(j, "scores", "copies"), 400);
    assert_float_equal(score(j, "scores", "ks_complement"), 1, 1e-12);
    assert_float_equal(score(j, "scores", "dcr_median"), 0, 1e-12);
    assert_float_equal(score(j, "scores", "wasserstein"), 0, 1e-12);
    assert_true(score(j, "ceiling", "copies") < 5);
    json_decref(j);

    assert_ok(j = an_judge(real, shifted, NULL, holdout, NULL, NULL, &err)); /* broken parts only */
    assert_true(score(j, "scores", "c2st_auc") > 0.8);
    json_t *among;
    an_table *many = made_parts(5000, 200, 0, 5); /* the map among all classes: rare rows are not thinned away, scores are as before */
    assert_ok(among = an_judge(real, shifted, NULL, holdout, &(an_judge_options){ .bins = 20, .around = many }, NULL, &err));
    assert_true(json_equal(json_object_get(j, "scores"), json_object_get(among, "scores")));
    const json_t *points = json_object_get(json_object_get(among, "pca"), "real");
    size_t broken = 0;
    for (size_t i = 0; i < json_array_size(points); i++) broken += json_integer_value(json_array_get(json_array_get(points, i), 2)) == 1;
    assert_int_equal(json_array_size(points), 1000);
    assert_int_equal(broken, 200);
    assert_int_equal(json_array_size(json_object_get(json_object_get(among, "pca"), "synthetic")), 400);
    json_decref(among);
    an_table_free(many);
    assert_true(json_is_null(json_object_get(json_object_get(j, "scores"), "tstr_f1"))); /* one class teaches nothing */
    json_decref(j);
    an_job_free(job);
    an_pool_free(two);
    an_table_free(real);
    an_table_free(same);
    an_table_free(shifted);
    an_table_free(holdout);
}

/* n rows of six numbers that share one cause, and a category that follows it. */
static an_table *correlated(size_t n, uint64_t seed)
{
    static const char *const kinds[] = { "low", "high" };
    an_table *t = an_table_new(n);
    an_rng r = an_rng_at(seed, 0);
    double *cause = an_alloc_n(n, sizeof *cause);
    for (size_t i = 0; i < n; i++) cause[i] = an_rng_normal(&r);
    for (int j = 0; j < 6; j++) {
        char name[8];
        snprintf(name, sizeof name, "x%d", j);
        an_column *c = an_table_add(t, name, AN_REAL, NULL);
        for (size_t i = 0; i < n; i++) {
            c->real[i] = cause[i] + an_rng_normal(&r);
            an_set_valid(c, i);
        }
    }
    an_column *c = made_category(t, "kind", kinds, 2);
    for (size_t i = 0; i < n; i++) {
        c->code[i] = cause[i] > 0;
        an_set_valid(c, i);
    }
    free(cause);
    return t;
}

/* Columns that are right one by one and do not go together are found out; rows of the same law are not; a wider spread is. */
static void what_detection_sees(void **state)
{
    (void)state;
    an_table *real = correlated(600, 1), *same = correlated(600, 2), *wide = correlated(600, 3), *few = correlated(60, 4),
             *other = correlated(60, 5);
    an_error err;
    json_t *j;
    assert_ok(j = an_judge(real, same, NULL, NULL, NULL, NULL, &err));
    double made = score(j, "scores", "c2st_auc"), low = score(j, "floor", "c2st_auc"), high = score(j, "ceiling", "c2st_auc");
    if (!(made < 0.57 && high < 0.57 && low > 0.75)) fail_msg("same law %.3f, halves %.3f, shuffled %.3f", made, high, low);
    json_decref(j);
    an_column *c = an_table_find(wide, "x3");
    for (size_t i = 0; i < 600; i++) c->real[i] *= 2;
    assert_ok(j = an_judge(real, wide, NULL, NULL, NULL, NULL, &err));
    assert_true(score(j, "scores", "c2st_auc") > 0.65);
    json_decref(j);
    assert_ok(j = an_judge(few, other, NULL, NULL, NULL, NULL, &err)); /* hardly more rows than features: no false alarm */
    assert_true(score(j, "scores", "c2st_auc") < 0.68);
    json_decref(j);
    an_table_free(real);
    an_table_free(same);
    an_table_free(wide);
    an_table_free(few);
    an_table_free(other);
}

static void with_a_generator(void **state)
{
    (void)state;
    an_table *real = made_parts(100, 30, 0, 1), *drawn;
    an_error err;
    an_generator *g;
    json_t *j;
    assert_ok(g = an_generator_fit(an_generator_kind_find("smote", NULL), NULL, real, NULL, &err));
    assert_ok(j = an_judge(real, NULL, g, NULL, NULL, NULL, &err));
    assert_int_equal(json_integer_value(json_object_get(j, "rows_synthetic")), 100);
    assert_true(score(j, "scores", "sample_1k_s") > 0 && score(j, "scores", "sample_10k_s") > 0);
    json_decref(j);
    /* generated rows never stand on the real side */
    assert_ok(drawn = an_generator_sample(g, "g/1", 1, 0, 20, NULL, &err));
    assert_fails(an_judge(drawn, drawn, NULL, NULL, NULL, NULL, &err), AN_REFUSED, "g/1");
    assert_fails(an_judge(real, NULL, NULL, NULL, NULL, NULL, &err), AN_USAGE, "nothing to judge");
    an_table *other = an_table_new(5);
    an_table_add(other, "else", AN_REAL, NULL);
    assert_fails(an_judge(real, other, NULL, NULL, NULL, NULL, &err), AN_NOT_FOUND, "synthetic rows");
    an_table_free(other);
    an_table_free(drawn);
    an_generator_free(g);
    an_table_free(real);
}

/* Two rows, one row, missing columns: scores that cannot be computed are null, nothing crashes. */
static void hardly_any_rows(void **state)
{
    (void)state;
    an_table *all = made_parts(10, 5, 0.4, 6);
    an_error err;
    for (size_t n = 1; n <= 3; n++) {
        size_t rows[3] = { 0, 1, 2 };
        an_table *few = an_table_select(all, rows, n, &err);
        json_t *j;
        assert_ok(j = an_judge(few, all, NULL, NULL, NULL, NULL, &err));
        assert_true(json_is_null(json_object_get(json_object_get(j, "scores"), "c2st_auc")));
        json_decref(j);
        an_table_free(few);
    }
    an_table_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_recorded),      cmocka_unit_test(anchors),         cmocka_unit_test(what_detection_sees),
        cmocka_unit_test(with_a_generator), cmocka_unit_test(hardly_any_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
