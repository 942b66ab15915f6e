/* The real steps and acts on a workspace of their own: what may never happen (test rows in training, generated rows in a test part), what
 * happens once, what is cached. */
#include "flow/acts.h"
#include "flow/lines.h"

/* ---- helpers ---- */

static json_t *step(const line *l, const char *use, json_t *set, an_flow_values *v, an_job *job, an_error *err)
{
    an_flow_values in = *v; /* outputs join the values, as in a pipeline */
    return an__step_do(l->store, use, set ? set : json_object(), &in, v, NULL, job, err);
}

#define STEP(l, use, set, v)                                      \
    do {                                                          \
        json_t *made_;                                            \
        MUST((made_ = step(l, use, set, v, NULL, &err)) != NULL); \
        json_decref(made_);                                       \
    } while (0)

static json_t *act(const line *l, const an_act *a, const char *const *pairs, an_job *job, an_error *err)
{
    void *options = an_alloc(a->options_size);
    an_params_defaults(a->params, options);
    bool ok = true;
    for (size_t i = 0; ok && pairs[i]; i += 2) {
        an_params_clear_list(a->params, options, pairs[i]);
        ok = an_params_set(a->params, options, pairs[i], pairs[i + 1], err);
    }
    json_t *result = ok ? a->run(l->store, options, job, err) : NULL;
    an_params_free(a->params, options);
    free(options);
    return result;
}
#define ACT(a, ...) act(l, &(a), (const char *const[]){ __VA_ARGS__, NULL }, NULL, &err)

/* The table as a file, imported under a name; marker is the id. */
static void import(const line *l, const char *name, const an_table *t, an_flow_values *v)
{
    an_error err;
    char *path = an_format("%s/%s.csv", l->folder, name ? name : "unnamed");
    MUST(an_csv_write(t, path, &err));
    json_t *set = json_pack("{s:[s], s:s, s:s, s:s*}", "file", path, "target", "broken", "id", "marker", "name", name);
    STEP(l, "import", set, v);
    free(path);
}

static an_keys keys_of(const line *l, const an_flow_values *v, const char *file)
{
    an_error err;
    an_keys k;
    an_artifact *a;
    MUST((a = an_artifact_get(l->store, an_flow_value(v, "split"), &err)) != NULL);
    MUST(an__keys_read(a, file, &k, &err));
    an_artifact_free(a);
    return k;
}

static bool within(const an_keys *small, const an_keys *large)
{
    for (size_t i = 0; i < small->count; i++)
        if (!an__keys_has(large, small->key[i])) return false;
    return true;
}

static json_t *other_split(void)
{
    return json_pack("{s:i}", "split_seed", 77);
}

/* ---- import and split ---- */

static void the_same_file_is_the_same_version(void **state)
{
    line *l = *state;
    an_error err;
    an_table *t = parts_make(200, 40, 2, 1), *more = parts_make(220, 44, 2, 1);
    an_flow_values v = { 0 }, again = { 0 };
    import(l, "press", t, &v);
    import(l, "press", t, &again);
    assert_memory_equal(an_flow_value(&v, "data"), an_flow_value(&again, "data"), sizeof(an_hash));
    import(l, "press", more, &again);
    json_t *list;
    MUST((list = ACT(an__act_data_list, "name", "press")) != NULL);
    assert_int_equal(json_array_size(json_object_get(list, "rows")), 2);
    json_decref(list);
    json_t *split;
    MUST((split = step(l, "split", NULL, &v, NULL, &err)) != NULL);
    assert_true(number_at(split, "test", NULL) == 50 && number_at(split, "train", NULL) == 150);
    assert_true(number_at(split, "test_positives", NULL) == 10 && number_at(split, "train_positives", NULL) == 30);
    json_decref(split);
    an_table_free(t);
    an_table_free(more);
}

/* Rows are added, taken away, and brought back: what was once a test row is one in every version that holds it. */
static void a_test_row_stays_a_test_row(void **state)
{
    line *l = *state;
    an_table *all = parts_make(400, 80, 2, 1);
    size_t rows[400], n = 0;
    for (size_t i = 0; i < 400; i++) rows[i] = i;
    an_table *first = an_table_select(all, rows, 200, NULL);
    for (size_t i = 100; i < 400; i++) rows[n++] = i;
    an_table *second = an_table_select(all, rows, n, NULL); /* the first hundred are gone */
    an_flow_values v[3] = { 0 };
    an_error err;
    const an_table *versions[] = { first, second, all };
    an_keys test[3], held[3];
    for (size_t k = 0; k < 3; k++) {
        import(l, "press", versions[k], &v[k]);
        STEP(l, "split", NULL, &v[k]);
        test[k] = keys_of(l, &v[k], "test.keys");
        held[k] = keys_of(l, &v[k], "held.keys");
        assert_true(within(&test[k], &held[k]));
        if (k) assert_true(within(&held[k - 1], &held[k]));
    }
    assert_true(within(&test[0], &test[2]));
    assert_true(within(&test[1], &test[2]));
    assert_false(within(&test[0], &test[1])); /* they are not in that version at all */
    an_parts p;
    MUST(an__parts_open(l->store, an_flow_value(&v[2], "data"), an_flow_value(&v[2], "split"), &p, &err));
    assert_int_equal(p.split.test_count, test[2].count);
    assert_int_equal(p.split.train_count + p.split.test_count, 400);
    an__parts_free(&p);
    for (size_t k = 0; k < 3; k++) {
        an__keys_free(&test[k]);
        an__keys_free(&held[k]);
    }
    an_table_free(all);
    an_table_free(first);
    an_table_free(second);
}

static void imported_generated_rows_are_never_test_rows(void **state)
{
    line *l = *state;
    an_error err;
    an_table *t = parts_with_generated(200, 40, 120, 2, 1);
    an_flow_values v = { 0 };
    import(l, "press", t, &v);
    for (int seed = 0; seed < 4; seed++) {
        STEP(l, "split", json_pack("{s:i}", "split_seed", seed), &v);
        an_parts p;
        MUST(an__parts_open(l->store, an_flow_value(&v, "data"), an_flow_value(&v, "split"), &p, &err));
        assert_int_equal(p.table->rows, 320);
        size_t generated = 0;
        for (size_t i = 0; i < p.split.test_count; i++) assert_false(an_table_generated(p.table, p.split.test[i]));
        for (size_t i = 0; i < p.split.train_count; i++) generated += an_table_generated(p.table, p.split.train[i]);
        assert_int_equal(generated, 120);
        assert_int_equal(p.split.test_count, 50); /* a quarter of the real ones */
        an__parts_free(&p);
    }
    /* a list of keys that names generated rows, however it came about, does not put them into a test part either */
    an_parts p;
    size_t rows[320];
    an_hash address;
    for (size_t i = 0; i < 320; i++) rows[i] = i;
    an_split forged = { .train = rows, .train_count = 150, .test = rows + 150, .test_count = 170 };
    MUST(an__parts_open(l->store, an_flow_value(&v, "data"), an_flow_value(&v, "split"), &p, &err));
    MUST(an__split_put(l->store, p.table, &forged, NULL, &(an_split_options){ 0 }, &address, &err));
    an_split got;
    MUST(an__split_get(l->store, &address, p.table, &got, NULL, &err));
    assert_int_equal(got.test_count, 50);
    an_split_free(&got);
    an__parts_free(&p);
    an_table_free(t);
}

static void a_split_of_other_data_is_refused(void **state)
{
    line *l = *state;
    an_error err;
    an_table *t = parts_make(200, 40, 2, 1), *other = parts_make(200, 40, 2, 2);
    for (size_t i = 0; i < 200; i++) other->column[0].real[i] += 1000; /* other parts */
    an_flow_values v = { 0 }, w = { 0 };
    import(l, "press", t, &v);
    import(l, "other", other, &w);
    STEP(l, "split", NULL, &w);
    an__value_set(&v, "split", an_flow_value(&w, "split"));
    MUST_FAIL(step(l, "train", NULL, &v, NULL, &err), AN_INPUT, "the split does not fit this data set");
    an_table_free(t);
    an_table_free(other);
}

/* ---- rows of the test part are never learnt from ---- */

static void a_model_is_not_judged_on_rows_it_knows(void **state)
{
    line *l = *state;
    an_error err;
    an_table *t = parts_make(200, 40, 2, 1);
    an_flow_values v = { 0 };
    import(l, "press", t, &v);
    STEP(l, "split", NULL, &v);
    STEP(l, "train", NULL, &v);
    an_flow_values good = v;
    STEP(l, "evaluate", NULL, &good);
    STEP(l, "split", other_split(), &v);
    MUST_FAIL(step(l, "evaluate", NULL, &v, NULL, &err), AN_REFUSED, "rows of the test part were used to train this model");
    assert_int_equal(an_code_exit(err.code), 3);
    an_table_free(t);
}

static void a_generator_that_saw_test_rows_stops_the_line(void **state)
{
    line *l = *state;
    an_error err;
    an_table *t = parts_make(200, 40, 2, 1);
    an_flow_values v = { 0 };
    import(l, "press", t, &v);
    STEP(l, "split", NULL, &v);
    STEP(l, "synth-fit", json_pack("{s:s}", "method", "smote"), &v);
    STEP(l, "register", json_pack("{s:s, s:s}", "what", "generator", "name", "maker"), &v);
    STEP(l, "newest-generator", json_pack("{s:s}", "name", "maker"), &v);
    STEP(l, "synth-sample", NULL, &v);
    STEP(l, "judge", NULL, &v);
    STEP(l, "balance", NULL, &v);
    STEP(l, "split", other_split(), &v);
    MUST_FAIL(step(l, "newest-generator", json_pack("{s:s}", "name", "maker"), &v, NULL, &err), AN_REFUSED, "generator maker/1");
    MUST_FAIL(step(l, "synth-sample", NULL, &v, NULL, &err), AN_REFUSED, "");
    MUST_FAIL(step(l, "judge", NULL, &v, NULL, &err), AN_REFUSED, "");
    /* nor may a training part that was put together on another split be trained on */
    MUST_FAIL(step(l, "train", NULL, &v, NULL, &err), AN_REFUSED, "rows of the test part were used to train this model");
    an_table_free(t);
}

/* ---- the second pipeline of the paper ---- */

static void balanced_training(void **state)
{
    line *l = *state;
    an_error err;
    an_table *t = parts_make(400, 60, 1.5, 3);
    an_flow_values v = { 0 };
    json_t *j;
    import(l, "press", t, &v);
    STEP(l, "split", NULL, &v);
    STEP(l, "synth-fit", json_pack("{s:s, s:[s]}", "method", "smote", "set", "neighbours=3"), &v);
    MUST((j = step(l, "synth-sample", json_pack("{s:f}", "times", 2.0), &v, NULL, &err)) != NULL);
    assert_true(number_at(j, "rows", NULL) == 2 * (255 - 45)); /* 300 rows train, 45 of them broken */
    json_decref(j);
    MUST((j = step(l, "filter", NULL, &v, NULL, &err)) != NULL);
    double passed = number_at(j, "rows", NULL);
    assert_true(passed > 0 && passed <= 255 - 45);
    json_decref(j);
    MUST((j = step(l, "balance", NULL, &v, NULL, &err)) != NULL);
    assert_true(number_at(j, "real", NULL) == 300 && number_at(j, "generated", NULL) == passed &&
                number_at(j, "positives", NULL) == 45 + passed);
    json_decref(j);
    MUST_FAIL(step(l, "train", json_pack("{s:s}", "balance", "smote"), &v, NULL, &err), AN_USAGE, "would balance twice");
    MUST((j = step(l, "train", json_pack("{s:s}", "threshold", "f2"), &v, NULL, &err)) != NULL);
    assert_string_equal(an_json_string(j, "balance", ""), "generated rows");
    assert_true(json_is_false(json_object_get(j, "calibrated")));
    assert_true(number_at(j, "train_rows", NULL) == 300); /* what the model is said to know are real rows */
    double balanced = number_at(j, "threshold", "value");
    json_decref(j);
    STEP(l, "evaluate", NULL, &v);
    MUST((j = step(l, "register", json_pack("{s:s}", "name", "press"), &v, NULL, &err)) != NULL);
    assert_true(number_at(j, "version", NULL) == 1);
    json_decref(j);
    /* scores of a model of balanced rows are higher, and its threshold is chosen on its own scores */
    an_flow_values plain = { .count = 2, .value = { { "data", *an_flow_value(&v, "data") }, { "split", *an_flow_value(&v, "split") } } };
    MUST((j = step(l, "train", json_pack("{s:s}", "threshold", "f2"), &plain, NULL, &err)) != NULL);
    assert_true(number_at(j, "threshold", "value") < balanced);
    assert_true(json_is_true(json_object_get(j, "calibrated")));
    json_decref(j);
    an_table_free(t);
}

static void registering_twice_makes_one_version(void **state)
{
    line *l = *state;
    an_error err;
    an_table *t = parts_make(200, 40, 2, 1);
    an_flow_values v = { 0 };
    import(l, "press", t, &v);
    STEP(l, "split", NULL, &v);
    STEP(l, "train", NULL, &v);
    json_t *judged;
    MUST((judged = step(l, "evaluate", NULL, &v, NULL, &err)) != NULL);
    an_job *fresh = an_job_new(&(an_job_options){ .seed = 1, .fresh = true });
    for (int i = 0; i < 3; i++) { /* done, taken from the cache, done again */
        json_t *j;
        MUST((j = step(l, "register", json_pack("{s:s}", "name", "press"), &v, i == 2 ? fresh : NULL, &err)) != NULL);
        assert_true(number_at(j, "version", NULL) == 1);
        assert_int_equal(json_is_true(json_object_get(j, "existed")), i == 2);
        json_decref(j);
    }
    an_version_row row;
    MUST(an_version_get(l->store, AN_NAME_MODEL, "press", &row, &err));
    assert_true(row.version == 1);
    assert_string_equal(an_json_string(row.meta, "method", ""), "logistic");
    assert_true(json_equal(json_object_get(row.meta, "metrics"), json_object_get(judged, "metrics")));
    json_decref(judged);
    an_version_row_free(&row);
    MUST_FAIL(step(l, "register", NULL, &v, NULL, &err), AN_USAGE, "needs a name");
    MUST_FAIL(step(l, "register", json_pack("{s:s, s:s}", "what", "generator", "name", "g"), &v, NULL, &err), AN_USAGE,
              "no generator to register");
    an_job_free(fresh);
    an_table_free(t);
}

/* ---- what a cached result depends on ---- */

static void write_costs(const line *l, const char *text)
{
    an_error err;
    char *path = an_path_join(l->folder, "andon.yaml");
    MUST(an_file_write(path, text, strlen(text), &err));
    free(path);
}

static double threshold_of(const line *l, const char *rule, const an_flow_values *from)
{
    an_error err;
    an_flow_values v = *from;
    json_t *j;
    MUST((j = step(l, "train", json_pack("{s:s}", "threshold", rule), &v, NULL, &err)) != NULL);
    double value = number_at(j, "threshold", "value");
    json_decref(j);
    return value;
}

static void costs_of_the_workspace_are_part_of_the_key(void **state)
{
    line *l = *state;
    an_error err;
    an_table *t = parts_make(400, 60, 1.5, 3);
    an_flow_values v = { 0 };
    import(l, "press", t, &v);
    STEP(l, "split", NULL, &v);
    write_costs(l, "costs: { escape: 1000, reject: 1 }\n");
    double dear = threshold_of(l, "cost", &v), f2 = threshold_of(l, "f2", &v);
    an_flow_values w = v; /* what goes into a step is part of its key: v stays as it is */
    STEP(l, "train", NULL, &w);
    json_t *first, *second;
    an_flow_values once = w;
    MUST((first = step(l, "evaluate", NULL, &once, NULL, &err)) != NULL);
    write_costs(l, "costs: { escape: 1, reject: 50 }\n");
    double cheap = threshold_of(l, "cost", &v);
    assert_true(cheap > dear);
    assert_true(threshold_of(l, "f2", &v) == f2);
    MUST((second = step(l, "evaluate", NULL, &w, NULL, &err)) != NULL);
    assert_true(number_at(first, "cost_per_part", NULL) != number_at(second, "cost_per_part", NULL));
    json_decref(first);
    json_decref(second);
    an_table_free(t);
}

static void a_changed_file_is_read_again(void **state)
{
    line *l = *state;
    an_table *t = parts_make(200, 40, 2, 1), *changed = parts_make(200, 40, 2, 1);
    changed->column[1].real[7] += 1;
    an_flow_values v = { 0 }, w = { 0 };
    import(l, NULL, t, &v);
    import(l, NULL, changed, &w); /* the same name of the file */
    assert_memory_not_equal(an_flow_value(&v, "data"), an_flow_value(&w, "data"), sizeof(an_hash));
    an_table_free(t);
    an_table_free(changed);
}

static void steps_say_what_is_missing(void **state)
{
    line *l = *state;
    an_error err;
    an_flow_values v = { 0 };
    MUST_FAIL(step(l, "import", NULL, &v, NULL, &err), AN_USAGE, "needs a file");
    MUST_FAIL(step(l, "import", json_pack("{s:[s]}", "file", "nowhere.csv"), &v, NULL, &err), AN_NOT_FOUND, "nowhere.csv");
    MUST_FAIL(step(l, "get", NULL, &v, NULL, &err), AN_USAGE, "needs the name of a data set");
    MUST_FAIL(step(l, "get", json_pack("{s:s}", "data", "press"), &v, NULL, &err), AN_NOT_FOUND, "press");
    MUST_FAIL(step(l, "newest-generator", json_pack("{s:s}", "name", "maker"), &v, NULL, &err), AN_NOT_FOUND, "maker");
    an_table *t = parts_make(200, 40, 2, 1);
    import(l, "press", t, &v);
    STEP(l, "split", NULL, &v);
    MUST_FAIL(step(l, "train", json_pack("{s:s}", "model", "logistik"), &v, NULL, &err), AN_USAGE, "logistik");
    MUST_FAIL(step(l, "train", json_pack("{s:s}", "threshold", "f3"), &v, NULL, &err), AN_USAGE, "f3");
    MUST_FAIL(step(l, "train", json_pack("{s:[s]}", "set", "smot.neighbours=3"), &v, NULL, &err), AN_USAGE, "smot");
    MUST_FAIL(step(l, "synth-fit", json_pack("{s:s, s:[s]}", "method", "smote", "set", "neighbors=3"), &v, NULL, &err), AN_USAGE,
              "neighbors");
    an_table_free(t);
}

/* ---- acts ---- */

static void train_evaluate_and_move_the_threshold(void **state)
{
    line *l = *state;
    an_error err;
    an_table *t = parts_make(400, 60, 1.5, 3);
    an_flow_values v = { 0 };
    import(l, "press", t, &v);
    json_t *trained, *judged, *moved, *again;
    MUST((trained = ACT(an__act_model_train, "name", "line", "data", "press")) != NULL);
    static const char *const keys[] = { "name", "version", "metrics", "confusion", "threshold", "train_s", "calibrated", "id" };
    for (size_t k = 0; k < AN_COUNT(keys); k++)
        if (!json_object_get(trained, keys[k])) fail_msg("no key %s", keys[k]);
    assert_true(number_at(trained, "threshold", "value") == 0.5 && number_at(trained, "version", NULL) == 1);
    MUST((judged = ACT(an__act_model_evaluate, "name", "line")) != NULL);
    assert_true(json_equal(json_object_get(trained, "metrics"), json_object_get(judged, "metrics")));
    assert_true(number_at(judged, "rows", NULL) == 100);

    MUST((moved = ACT(an__act_model_threshold, "name", "line", "rule", "f2")) != NULL);
    assert_true(number_at(moved, "version", NULL) == 2 && number_at(moved, "threshold", "value") < 0.5);
    assert_true(number_at(json_object_get(moved, "metrics"), "recall", "value") >
                number_at(json_object_get(trained, "metrics"), "recall", "value"));
    assert_true(number_at(json_object_get(moved, "metrics"), "roc_auc", "value") ==
                number_at(json_object_get(trained, "metrics"), "roc_auc", "value"));
    MUST((again = ACT(an__act_model_threshold, "name", "line", "rule", "f2")) != NULL);
    assert_true(number_at(again, "version", NULL) == 2 && json_is_true(json_object_get(again, "existed")));
    /* the very threshold that training with the rule would have chosen */
    json_t *direct;
    MUST((direct = ACT(an__act_model_train, "name", "direct", "data", "press", "threshold", "f2")) != NULL);
    assert_true(number_at(direct, "threshold", "value") == number_at(moved, "threshold", "value"));
    json_decref(direct);
    json_decref(trained);
    json_decref(judged);
    json_decref(moved);
    json_decref(again);
    an_table_free(t);
}

static void another_data_set_is_evaluated_without_the_rows_it_knows(void **state)
{
    line *l = *state;
    an_error err;
    an_table *t = parts_make(400, 60, 1.5, 3);
    an_flow_values v = { 0 };
    import(l, "press", t, &v);
    json_t *j;
    MUST((j = ACT(an__act_model_train, "name", "line", "data", "press")) != NULL);
    json_decref(j);
    MUST((j = ACT(an__act_model_evaluate, "name", "line", "data", "press")) !=
         NULL); /* as if it were another: the training rows fall out */
    assert_true(number_at(j, "rows", NULL) == 100 && number_at(j, "left_out", NULL) == 300);
    json_decref(j);
    an_parts p;
    STEP(l, "split", NULL, &v);
    MUST(an__parts_open(l->store, an_flow_value(&v, "data"), an_flow_value(&v, "split"), &p, &err));
    an_table *train = an_table_select(t, p.split.train, p.split.train_count, &err);
    import(l, "known", train, &v);
    MUST_FAIL(ACT(an__act_model_evaluate, "name", "line", "data", "known"), AN_REFUSED, "every row of known was used to train this model");
    an_table_free(train);
    an__parts_free(&p);
    an_table_free(t);
}

static void compare_is_kept_and_follows_the_costs(void **state)
{
    line *l = *state;
    an_error err;
    an_table *t = parts_make(200, 60, 1.5, 3);
    an_flow_values v = { 0 };
    import(l, "press", t, &v);
    json_t *first, *second, *third;
    MUST((first = ACT(an__act_compare, "data", "press", "balance", "smote,none", "repeats", "2")) != NULL);
    MUST((second = ACT(an__act_compare, "data", "press", "balance", "smote,none", "repeats", "2")) != NULL);
    assert_true(json_equal(first, second)); /* "seconds" too: it is the same run */
    assert_string_equal(an_json_string(json_array_get(json_object_get(first, "rows"), 0), "balance", ""),
                        "none"); /* simplest first, however typed */
    assert_string_equal(an_json_string(json_object_get(first, "recommendation"), "decided_by", ""), "f2");
    write_costs(l, "costs: { escape: 400, reject: 12 }\n");
    MUST((third = ACT(an__act_compare, "data", "press", "balance", "smote,none", "repeats", "2")) != NULL);
    assert_string_equal(an_json_string(json_object_get(third, "recommendation"), "decided_by", ""), "cost");
    assert_true(json_equal(json_object_get(json_array_get(json_object_get(first, "rows"), 1), "metrics"),
                           json_object_get(json_array_get(json_object_get(third, "rows"), 1), "metrics")));
    json_decref(first);
    json_decref(second);
    json_decref(third);
    MUST_FAIL(ACT(an__act_compare, "data", "press", "balance", "smot"), AN_USAGE, "smot");
    MUST_FAIL(ACT(an__act_compare, "data", "press", "set", "width=3"), AN_USAGE, "of which model or balancing");
    MUST_FAIL(ACT(an__act_compare, "repeats", "2"), AN_USAGE, "which data set");
    an_table_free(t);
}

static void predictions_tell_what_they_rest_on(void **state)
{
    line *l = *state;
    an_error err;
    an_table *t = parts_make(200, 60, 1.5, 3);
    an_flow_values v = { 0 };
    import(l, "press", t, &v);
    json_t *j;
    MUST((j = ACT(an__act_model_train, "name", "line", "data", "press")) != NULL);
    json_decref(j);
    char *in = an_path_join(l->folder, "today.csv"), *out = an_path_join(l->folder, "verdicts.csv");
    static const char text[] = "part,x,y\np1,0,0\np2,99,0\np3,3,0.5\n";
    MUST(an_file_write(in, text, sizeof text - 1, &err));
    MUST((j = ACT(an__act_model_predict, "name", "line", "in", in, "out", out)) != NULL);
    assert_true(number_at(j, "rows", NULL) == 3 && number_at(j, "out_of_range", NULL) == 1 && number_at(j, "positives", NULL) >= 1);
    json_decref(j);
    an_buf made = { 0 };
    MUST(an_file_read(out, 0, &made, &err));
    assert_int_equal(strncmp(made.data, "part,x,y,label,probability,threshold,out_of_range\n", 50), 0);
    assert_non_null(strstr(made.data, "p2,99,0,1,"));
    assert_non_null(strstr(made.data, ",x\n"));
    an_buf_free(&made);
    MUST_FAIL(ACT(an__act_model_predict, "name", "line", "in", in), AN_USAGE, "--out");
    free(in);
    free(out);
    an_table_free(t);
}

/* From the model back to the bytes of the file. */
static void lineage_leads_to_the_file(void **state)
{
    line *l = *state;
    an_error err;
    an_table *t = parts_make(200, 60, 1.5, 3);
    an_flow_values v = { 0 };
    import(l, "press", t, &v);
    json_t *j;
    MUST((j = ACT(an__act_model_train, "name", "line", "data", "press")) != NULL);
    json_decref(j);
    MUST((j = ACT(an__act_model_threshold, "name", "line", "rule", "0.3")) != NULL);
    json_decref(j);
    static const char *const models[] = { "line/1", "line/2" }; /* the second by way of the first */
    for (size_t k = 0; k < AN_COUNT(models); k++) {
        MUST((j = ACT(an__act_lineage, "name", models[k])) != NULL);
        char *text = an_json_text(j, false), *name = an_format("model:%s", models[k]);
        assert_non_null(strstr(text, "\"kind\":\"file\""));
        assert_non_null(strstr(text, "\"data:press/1\""));
        assert_non_null(strstr(text, "\"model:line/1\""));
        assert_string_equal(an_json_string(j, "name", ""), name);
        free(name);
        free(text);
        json_decref(j);
    }
    MUST_FAIL(ACT(an__act_lineage, "name", "nothing"), AN_NOT_FOUND, "nothing");
    MUST_FAIL(ACT(an__act_lineage, "name", "mole:line"), AN_USAGE, "mole:line");
    an_table_free(t);
}

/* Every table of parameters is sound, every act and step says what it is. */
static void tables_are_sound(void **state)
{
    (void)state;
    size_t count;
    const an_act *const *acts = an_acts(&count);
    assert_true(count > 25);
    for (size_t i = 0; i < count; i++) {
        char *wrong = acts[i]->params ? an_params_audit(acts[i]->params) : an_strdup("");
        if (*wrong) fail_msg("%s: %s", acts[i]->name, wrong);
        free(wrong);
        assert_true(acts[i]->doc && *acts[i]->doc && acts[i]->examples[0]);
    }
    const an_step_kind *const *kinds = an_step_kinds(&count);
    for (size_t i = 0; i < count; i++) {
        char *wrong = an_params_audit(kinds[i]->params);
        if (*wrong) fail_msg("%s: %s", kinds[i]->name, wrong);
        free(wrong);
        assert_true(kinds[i]->doc && *kinds[i]->doc);
        assert_ptr_equal(an_step_kind_find(kinds[i]->name, NULL), kinds[i]);
    }
    an_error err = { 0 };
    assert_null(an_step_kind_find("trian", &err));
    assert_non_null(strstr(err.hint, "train"));
}

int main(void)
{
#define ON_A_LINE(test) cmocka_unit_test_setup_teardown(test, line_make, line_remove)
    const struct CMUnitTest tests[] = {
        ON_A_LINE(the_same_file_is_the_same_version),
        ON_A_LINE(a_test_row_stays_a_test_row),
        ON_A_LINE(imported_generated_rows_are_never_test_rows),
        ON_A_LINE(a_split_of_other_data_is_refused),
        ON_A_LINE(a_model_is_not_judged_on_rows_it_knows),
        ON_A_LINE(a_generator_that_saw_test_rows_stops_the_line),
        ON_A_LINE(balanced_training),
        ON_A_LINE(registering_twice_makes_one_version),
        ON_A_LINE(costs_of_the_workspace_are_part_of_the_key),
        ON_A_LINE(a_changed_file_is_read_again),
        ON_A_LINE(steps_say_what_is_missing),
        ON_A_LINE(train_evaluate_and_move_the_threshold),
        ON_A_LINE(another_data_set_is_evaluated_without_the_rows_it_knows),
        ON_A_LINE(compare_is_kept_and_follows_the_costs),
        ON_A_LINE(predictions_tell_what_they_rest_on),
        ON_A_LINE(lineage_leads_to_the_file),
        cmocka_unit_test(tables_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
