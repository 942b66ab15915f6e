/* test_threshold.c - moving a threshold: the rule sees models made as the trained one was, prices stay with the version, numbers beyond the
 * scores are refused. */
#include "report_help.h"

typedef struct place {
    char folder[40];
    an_store *store;
} place;

static int make(void **state)
{
    an_error err = { 0 };
    place *w = an_alloc(sizeof *w);
    snprintf(w->folder, sizeof w->folder, "/tmp/andon-threshold-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    an_buf b = { 0 };
    an_rng r = an_rng_at(5, 0);
    an_buf_puts(&b, "force,angle,broken\n");
    for (int i = 0; i < 400; i++) {
        bool bad = i % 8 == 0;
        an_buf_printf(&b, "%.4f,%.4f,%d\n", an_rng_normal(&r) + 1.2 * bad, an_rng_normal(&r), bad);
    }
    char *csv = an_path_join(w->folder, "gears.csv");
    assert_true(an_file_write(csv, b.data, b.size, &err));
    an_buf_free(&b);
    assert_true(an_workspace_init(w->folder, &err));
    w->store = an_store_open(w->folder, &err);
    assert_non_null(w->store);
    json_decref(act(w->store, "data import", (const char *const[]){ "name", "gears", "file", csv, "target", "broken", NULL }, &err));
    free(csv);
    *state = w;
    return 0;
}

static int drop(void **state)
{
    place *w = *state;
    an_store_close(w->store);
    assert_true(an_folder_remove(w->folder, NULL));
    free(w);
    return 0;
}

/* The rule a model was trained with gives the threshold it was trained with: a model of the very same content. That holds only when the
 * folds are made with its ratio, its parameters and those of its balancing. */
static void the_rule_sees_the_same_recipe(void **state)
{
    place *w = *state;
    an_error err = { 0 };
    static const char *const recipes[][6] = {
        { "a", "none", "1", "c=0.01", "c=0.01", NULL },
        { "b", "random", "0.3", "c=1", "c=1", NULL },
        { "d", "smote", "0.5", "smote.neighbours=2", "c=0.05", NULL },
    };
    for (size_t i = 0; i < AN_COUNT(recipes); i++) {
        const char *const *r = recipes[i];
        json_t *trained = act(
            w->store, "model train",
            (const char *const[]){ "name", r[0], "data", "gears", "balance", r[1], "ratio", r[2], "threshold", "f2", "set", r[3], NULL },
            &err);
        json_t *other = act(w->store, "model threshold", (const char *const[]){ "name", r[0], "rule", "0.9", NULL }, &err);
        assert_true(json_integer_value(json_object_get(other, "version")) == 2);
        /* of the second version, too: it keeps what the first was made with */
        for (int version = 1; version <= 2; version++) {
            char *name = an_format("%s/%d", r[0], version);
            json_t *again = act(w->store, "model threshold", (const char *const[]){ "name", name, "rule", "f2", NULL }, &err);
            double had = an_json_number(an__at(trained, "threshold.value"), NAN),
                   has_now = an_json_number(an__at(again, "threshold.value"), NAN);
            if (had != has_now) fail_msg("%s: %.17g, not %.17g", name, has_now, had);
            free(name);
            json_decref(again);
        }
        json_decref(trained);
        json_decref(other);
    }
}

static void prices_stay_with_the_version(void **state)
{
    place *w = *state;
    an_error err = { 0 };
    json_decref(act(w->store, "model train", (const char *const[]){ "name", "m", "data", "gears", NULL }, &err));
    json_decref(act(w->store, "model threshold",
                    (const char *const[]){ "name", "m", "rule", "cost", "cost-escape", "400", "cost-reject", "12", NULL }, &err));
    an_version_row row = { 0 };
    assert_true(an_version_get(w->store, AN_NAME_MODEL, "m/2", &row, &err));
    assert_true(an__number(row.meta, "costs.escape") == 400 && an__number(row.meta, "costs.reject") == 12);
    assert_int_equal(strlen(an__string(row.meta, "evaluation")), 64); /* kept as training keeps it */
    an_version_row_free(&row);
    /* another rule by the version with prices: they are still known */
    json_t *moved = act(w->store, "model threshold", (const char *const[]){ "name", "m/2", "rule", "0.4", NULL }, &err);
    assert_true(an__number(moved, "costs.escape") == 400 && isfinite(an__number(moved, "cost_per_part")));
    json_decref(moved);
}

static void numbers_beyond_the_scores_are_refused(void **state)
{
    place *w = *state;
    an_error err = { 0 };
    json_decref(act(w->store, "model train", (const char *const[]){ "name", "m", "data", "gears", NULL }, &err));
    static const char *const bad[] = { "2", "-0.1", "1.0001" };
    for (size_t i = 0; i < AN_COUNT(bad); i++) {
        const char *const calls[][6] = { { "model train", "name", "n", "data", "gears", "threshold" },
                                         { "model threshold", "name", "m", NULL, NULL, "rule" },
                                         { "compare", "data", "gears", NULL, NULL, "threshold" } };
        for (size_t k = 0; k < AN_COUNT(calls); k++) {
            const char *pairs[8] = { calls[k][1], calls[k][2] };
            size_t n = 2;
            if (calls[k][3]) {
                pairs[n++] = calls[k][3];
                pairs[n++] = calls[k][4];
            }
            pairs[n++] = calls[k][5];
            pairs[n] = bad[i];
            err = (an_error){ 0 };
            assert_null(act_call(w->store, calls[k][0], pairs, &err));
            assert_int_equal(err.code, AN_USAGE);
            has(err.message, bad[i]);
            has(err.message, "between 0 and 1");
        }
    }
    err = (an_error){ 0 };
    assert_null(act_call(w->store, "model train", (const char *const[]){ "name", "n", "data", "gears", "threshold", "often", NULL }, &err));
    assert_int_equal(err.code, AN_USAGE);
    json_decref(
        act(w->store, "model threshold", (const char *const[]){ "name", "m", "rule", "1", NULL }, &err)); /* the border belongs to it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_rule_sees_the_same_recipe, make, drop),
        cmocka_unit_test_setup_teardown(prices_stay_with_the_version, make, drop),
        cmocka_unit_test_setup_teardown(numbers_beyond_the_scores_are_refused, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
