/* test_conformance.c - what every generator kind promises, over the registry: shapes, seeds, chunks, threads, files, missing values, few
 * rows, cancellation, marks, flags. */
#include "synth/made.h"

static an_generator *fitted(const an_generator_kind *kind, const an_table *t, an_job *job)
{
    an_error err = { 0 };
    json_t *options = made_options(kind);
    an_generator *g = an_generator_fit(kind, options, t, job, &err);
    json_decref(options);
    if (!g) fail_msg("%s: %s", kind->name, err.message);
    return g;
}

static an_job *job_of(an_pool *pool, uint64_t seed)
{
    return an_job_new(&(an_job_options){ .pool = pool, .seed = seed });
}

static void tables_sound(void **state)
{
    (void)state;
    size_t count;
    const an_generator_kind *const *kinds = an_generator_kinds(&count);
    for (size_t i = 0; i < count; i++) {
        char *wrong = an_params_audit(kinds[i]->params);
        assert_string_equal(wrong, "");
        free(wrong);
        assert_true(strlen(kinds[i]->doc) > 10 && strlen(kinds[i]->source) > 10);
        assert_ptr_equal(an_generator_kind_find(kinds[i]->name, NULL), kinds[i]);
        for (size_t j = 0; j < i; j++) assert_string_not_equal(kinds[i]->name, kinds[j]->name);
    }
    an_error err;
    assert_fails(an_generator_kind_find("wgam", &err), AN_USAGE, "wgam");
    assert_non_null(strstr(err.hint, "wgan"));
    size_t choices;
    const an_balance_kind *balance = an_balance_kinds(&choices);
    for (size_t i = 0; i < choices; i++) {
        if (balance[i].generator) assert_non_null(an_generator_kind_find(balance[i].generator, NULL));
        assert_int_equal(balance[i].calibrated, !balance[i].generator && !balance[i].weights);
    }
    char *wrong = an_params_audit(an_filter_params);
    assert_string_equal(wrong, "");
    free(wrong);
    wrong = an_params_audit(an_judge_params);
    assert_string_equal(wrong, "");
    free(wrong);
}

static void shapes_and_marks(const an_generator_kind *kind)
{
    an_table *t = made_parts(120, 30, 0, 1);
    an_generator *g = fitted(kind, t, NULL);
    an_error err;
    an_table *s;
    assert_ok(s = an_generator_sample(g, "gen/3", 9, 5, 40, NULL, &err));
    assert_int_equal(s->rows, 40);
    assert_int_equal(s->columns, t->columns);
    assert_string_equal(s->positive, "broken");
    assert_string_equal(g->rows, kind->minority ? "minority" : "all");
    for (size_t c = 0; c < t->columns; c++) {
        const an_column *made = an_table_find(s, t->column[c].name);
        assert_non_null(made);
        assert_int_equal(made->type, t->column[c].type);
        assert_int_equal(made->role, t->column[c].role);
        assert_int_equal(made->missing, 0);
        for (size_t i = 0; i < 40; i++) { /* within the range of what was seen */
            double low = INFINITY, high = -INFINITY, v = an_cell_number(made, i);
            for (size_t k = 0; k < t->rows && !isnan(v); k++) {
                double x = an_cell_number(&t->column[c], k);
                low = x < low ? x : low;
                high = x > high ? x : high;
            }
            if (!isnan(v) && !(v >= low && v <= high)) fail_msg("%s: %s is %g, outside %g .. %g", kind->name, made->name, v, low, high);
        }
    }
    for (size_t i = 0; i < 40; i++) {
        assert_true(an_table_generated(s, i));
        assert_string_equal(s->origins[s->origin[i] - 1].generator, "gen/3");
        assert_int_equal(s->origins[s->origin[i] - 1].seed, 9);
        assert_int_equal(s->origin_row[i], 5 + i);
        if (kind->minority) {
            char *state = made_text(s, "state", i);
            assert_string_equal(state, "broken");
            free(state);
        }
    }
    assert_fails(an_table_require_real(s, "test part", &err), AN_REFUSED, "gen/3");
    assert_fails(an_generator_fit(kind, NULL, s, NULL, &err), AN_REFUSED, "real");
    an_table_free(s);
    assert_ok(s = an_generator_sample(g, "gen/3", 9, 0, 0, NULL, &err));
    assert_int_equal(s->rows, 0);
    an_table_free(s);

    /* unseen: the keys it was fitted on are refused, others pass */
    assert_fails(an_generator_check_unseen(g, g->train_keys, g->train_count, &err), AN_REFUSED, "used to fit");
    assert_int_equal(g->train_count, kind->minority && !kind->context ? 30 : 120);
    an_table *fresh = made_parts(50, 10, 0, 99);
    uint64_t keys[50];
    assert_ok(an_table_row_keys(fresh, keys, &err));
    for (size_t i = 0; i < 50; i++) { /* sorted ascending by insertion */
        for (size_t j = i; j > 0 && keys[j] < keys[j - 1]; j--) {
            uint64_t keep = keys[j];
            keys[j] = keys[j - 1];
            keys[j - 1] = keep;
        }
    }
    assert_ok(an_generator_check_unseen(g, keys, 50, &err));
    an_table_free(fresh);
    an_generator_free(g);
    an_table_free(t);
}

static void seeds_chunks_threads(const an_generator_kind *kind)
{
    an_table *t = made_parts(90, 25, 0.05, 2), *a, *b, *c;
    an_pool *two = an_pool_new(2);
    an_job *one_job = job_of(NULL, 7), *two_job = job_of(two, 7), *other_job = job_of(NULL, 8);
    an_generator *g = fitted(kind, t, one_job), *h = fitted(kind, t, two_job), *o = fitted(kind, t, other_job);
    an_error err;
    assert_ok(a = an_generator_sample(g, "g", 1, 0, 600, one_job, &err));
    assert_ok(b = an_generator_sample(h, "g", 1, 0, 600, two_job, &err)); /* fitted and sampled on two threads: the same bits */
    assert_true(same_cells(a, 0, b, 0, 600));
    an_table_free(b);
    assert_ok(b = an_generator_sample(g, "g", 1, 0, 50, NULL, &err));
    assert_ok(c = an_generator_sample(g, "g", 1, 50, 550, two_job, &err));
    assert_true(same_cells(a, 0, b, 0, 50));
    assert_true(same_cells(a, 50, c, 0, 550));
    an_table_free(b);
    assert_ok(b = an_generator_sample(g, "g", 2, 0, 600, NULL, &err));
    assert_false(same_cells(a, 0, b, 0, 600));
    an_table_free(b);
    if (kind->can & AN_CAN_RESUME) { /* those that learn draw on the seed of the fit */
        assert_ok(b = an_generator_sample(o, "g", 1, 0, 600, NULL, &err));
        assert_false(same_cells(a, 0, b, 0, 600));
        an_table_free(b);
    }
    an_table_free(a);
    an_table_free(c);
    an_generator_free(g);
    an_generator_free(h);
    an_generator_free(o);
    an_job_free(one_job);
    an_job_free(two_job);
    an_job_free(other_job);
    an_pool_free(two);
    an_table_free(t);
}

static void files(const an_generator_kind *kind)
{
    an_table *t = made_parts(80, 20, 0.05, 3), *a, *b;
    an_generator *g = fitted(kind, t, NULL);
    an_error err;
    char *folder = scratch_new(), *first = an_path_join(folder, "a"), *second = an_path_join(folder, "b");
    an_artifact *x, *y;
    an_hash one, two;
    assert_ok(x = an_artifact_new(first, &err));
    assert_ok(an_generator_save(g, x, &err));
    assert_ok(an_artifact_seal(x, &one, NULL, &err));
    an_generator *h;
    assert_ok(h = an_generator_load(x, &err));
    assert_ok(y = an_artifact_new(second, &err));
    assert_ok(an_generator_save(h, y, &err));
    assert_ok(an_artifact_seal(y, &two, NULL, &err));
    assert_memory_equal(&one, &two, sizeof one); /* what was loaded saves to the same bytes */
    assert_ok(a = an_generator_sample(g, "g", 4, 10, 300, NULL, &err));
    assert_ok(b = an_generator_sample(h, "g", 4, 10, 300, NULL, &err));
    assert_true(same_cells(a, 0, b, 0, 300));
    assert_int_equal(g->train_count, h->train_count);
    assert_memory_equal(g->train_keys, h->train_keys, 8 * g->train_count);
    assert_int_equal(g->steps, h->steps);
    an_generator_free(h);

    /* a damaged file is an error, not a crash */
    an_list names = { 0 };
    assert_ok(an_folder_list(first, &names, &err));
    for (size_t i = 0; i < names.count; i++) {
        an_buf bytes = { 0 };
        char *path = an_path_join(first, names.items[i]);
        assert_ok(an_file_read(path, 1 << 24, &bytes, &err));
        assert_ok(an_file_write(path, bytes.data, bytes.size / 2, &err));
        h = an_generator_load(x, &err);
        if (h) fail_msg("%s: loaded with half of %s", kind->name, names.items[i]);
        assert_true(err.message[0]);
        assert_ok(an_file_write(path, bytes.data, bytes.size, &err));
        an_buf_free(&bytes);
        free(path);
    }
    an_list_free(&names);
    an_table_free(a);
    an_table_free(b);
    an_artifact_free(x);
    an_artifact_free(y);
    free(first);
    free(second);
    scratch_end(folder);
    an_generator_free(g);
    an_table_free(t);
}

static void missing_values(const an_generator_kind *kind)
{
    an_table *t = made_parts(100, 30, 0.3, 4), *s;
    assert_true(kind->can & AN_CAN_MISSING);
    /* and a column that is missing throughout */
    an_column *gone = an_table_add(t, "gone", AN_REAL, NULL);
    assert_int_equal(gone->missing, 100);
    an_generator *g = fitted(kind, t, NULL);
    an_error err;
    assert_ok(s = an_generator_sample(g, "g", 1, 0, 200, NULL, &err));
    assert_int_equal(s->rows, 200);
    for (size_t i = 0; i < 200; i++) {
        double v = an_cell_number(an_table_find(s, "force"), i);
        if (!isnan(v)) assert_true(v > 20 && v < 80);
        const an_column *state = an_table_find(s, "state");
        assert_true(an_valid(state, i));
    }
    an_table_free(s);
    an_generator_free(g);
    an_table_free(t);
}

static void few_rows(const an_generator_kind *kind)
{
    an_error err;
    for (size_t broken = 1; broken <= 3; broken++) {
        an_table *t = made_parts(12, broken, 0, 5), *s;
        json_t *options = made_options(kind);
        err = (an_error){ 0 };
        an_generator *g = an_generator_fit(kind, options, t, NULL, &err);
        json_decref(options);
        if (g) {
            assert_ok(s = an_generator_sample(g, "g", 1, 0, 9, NULL, &err));
            assert_int_equal(s->rows, 9);
            an_table_free(s);
        } else { /* one row is too few for some: the message says what to do instead */
            if (broken > 1) fail_msg("%s with %zu rows: %s", kind->name, broken, err.message);
            assert_int_equal(err.code, AN_INPUT);
            assert_non_null(strstr(err.hint, "random"));
        }
        an_generator_free(g);
        an_table_free(t);
    }
    an_table *t = made_parts(10, 0, 0, 6);
    assert_fails(an_generator_fit(kind, NULL, t, NULL, &err), AN_INPUT, "class");
    an_table_free(t);
    t = made_parts(30, 10, 0, 6);
    json_t *options = json_pack("{s:i}", "no_such", 1);
    assert_fails(an_generator_fit(kind, options, t, NULL, &err), AN_USAGE, "no_such");
    json_decref(options);
    an_table_free(t);
}

static void cancellation(const an_generator_kind *kind)
{
    an_table *t = made_parts(60, 20, 0, 7);
    an_job *job = job_of(NULL, 1);
    an_generator *g = fitted(kind, t, NULL);
    an_job_stop(job);
    an_error err;
    assert_fails(an_generator_sample(g, "g", 1, 0, 10, job, &err), AN_STOPPED, "");
    if (kind->can & AN_CAN_RESUME) assert_fails(an_generator_fit(kind, NULL, t, job, &err), AN_STOPPED, "");
    an_generator_free(g);
    an_job_free(job);
    an_table_free(t);
}

/* Categories and booleans come back as values that were seen, in all their variety. */
static void categories(const an_generator_kind *kind)
{
    if (!(kind->can & AN_CAN_CATEGORY)) return;
    an_table *t = made_parts(300, 100, 0, 8), *s;
    an_generator *g = fitted(kind, t, NULL);
    an_error err;
    assert_ok(s = an_generator_sample(g, "g", 1, 0, 500, NULL, &err));
    size_t count[3] = { 0 };
    for (size_t i = 0; i < 500; i++) {
        char *value = made_text(s, "variant", i);
        assert_true(strlen(value) == 1 && value[0] >= 'A' && value[0] <= 'C');
        count[value[0] - 'A']++;
        free(value);
    }
    assert_true(count[0] + count[1] + count[2] == 500);
    if (!(kind->can & AN_CAN_RESUME)) assert_true(count[0] && count[1] && count[2]); /* a GAN of a few steps may not know all yet */
    an_table_free(s);
    an_generator_free(g);
    an_table_free(t);
}

#define OVER_KINDS(check)                                                   \
    static void every_##check(void **state)                                 \
    {                                                                       \
        (void)state;                                                        \
        size_t count;                                                       \
        const an_generator_kind *const *kinds = an_generator_kinds(&count); \
        for (size_t i = 0; i < count; i++) check(kinds[i]);                 \
    }
OVER_KINDS(shapes_and_marks)
OVER_KINDS(seeds_chunks_threads)
OVER_KINDS(files)
OVER_KINDS(missing_values)
OVER_KINDS(few_rows)
OVER_KINDS(cancellation)
OVER_KINDS(categories)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_sound),       cmocka_unit_test(every_shapes_and_marks), cmocka_unit_test(every_seeds_chunks_threads),
        cmocka_unit_test(every_files),        cmocka_unit_test(every_missing_values),   cmocka_unit_test(every_few_rows),
        cmocka_unit_test(every_cancellation), cmocka_unit_test(every_categories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
