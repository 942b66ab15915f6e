/* Splits and folds: shares, classes, groups, time, what stays where. */
#include "help.h"

static an_table *made(size_t rows, int every, const char *extra_role)
{
    an_buf text = { 0 };
    an_rng rng = an_rng_at(11, 0);
    an_buf_puts(&text, "id,group,time,x,y\n");
    for (size_t i = 0; i < rows; i++) {
        an_buf_printf(&text, "part%zu,g%zu,%zu,%.6f,%d\n", i, i / 8, (i * 37) % rows, an_rng_normal(&rng), i % (size_t)every == 0);
    }
    an_table *t = parse(text.data, NULL);
    an_buf_free(&text);
    for (size_t j = 0; j < t->columns; j++) t->column[j].role = AN_IGNORED;
    column(t, "x")->role = AN_FEATURE;
    column(t, "y")->role = AN_TARGET;
    if (extra_role) column(t, extra_role)->role = !strcmp(extra_role, "group") ? AN_GROUP : !strcmp(extra_role, "time") ? AN_TIME : AN_ID;
    return t;
}

static size_t count_positive(const an_table *t, const size_t *rows, size_t n)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++) k += column(t, "y")->integer[rows[i]] == 1;
    return k;
}

static void test_stratified(void **state)
{
    (void)state;
    an_table *t = made(1000, 20, NULL);
    an_split s, again, other;
    an_error err = { 0 };
    assert_true(an_split_make(t, NULL, &s, &err));
    assert_int_equal(s.train_count + s.test_count, 1000);
    assert_int_equal(s.test_count, 251); /* 13 of 50 (12.5 rounded up) and 238 of 950 */
    assert_int_equal(count_positive(t, s.test, s.test_count), 13);
    uint8_t seen[1000] = { 0 };
    for (size_t i = 0; i < s.train_count; i++) seen[s.train[i]]++;
    for (size_t i = 0; i < s.test_count; i++) seen[s.test[i]]++;
    for (size_t i = 0; i < 1000; i++) assert_int_equal(seen[i], 1);
    for (size_t i = 1; i < s.test_count; i++) assert_true(s.test[i - 1] < s.test[i]);
    assert_true(an_split_make(t, NULL, &again, &err));
    assert_memory_equal(s.test, again.test, s.test_count * sizeof *s.test);
    assert_true(an_split_make(t, &(an_split_options){ .seed = 9, .share = 0.25 }, &other, &err));
    assert_int_equal(other.test_count, s.test_count);
    size_t common = 0;
    for (size_t i = 0, k = 0; i < s.test_count && k < other.test_count;) {
        common += s.test[i] == other.test[k];
        if (s.test[i] <= other.test[k]) {
            i++;
        } else {
            k++;
        }
    }
    assert_true(common > 30 && common < 100); /* 63 of 251 expected of independent splits */
    an_split_free(&other);
    an_split_free(&again);

    /* rows in another order: the same rows are tested */
    size_t order[1000];
    for (size_t i = 0; i < 1000; i++) order[i] = i;
    an_rng rng = an_rng_at(1, 1);
    an_rng_shuffle(&rng, order, 1000);
    an_table *u = an_table_select(t, order, 1000, &err);
    assert_true(an_split_make(u, NULL, &again, &err));
    uint8_t test[1000] = { 0 };
    for (size_t i = 0; i < s.test_count; i++) test[s.test[i]] = 1;
    for (size_t i = 0; i < again.test_count; i++) assert_int_equal(test[order[again.test[i]]], 1);
    an_split_free(&again);
    an_table_free(u);
    an_split_free(&s);
    an_table_free(t);
}

static void test_equal_rows_stay_together(void **state)
{
    (void)state;
    an_buf text = { 0 };
    an_buf_puts(&text, "x,y\n");
    for (int i = 0; i < 300; i++) an_buf_printf(&text, "%d.5,%d\n", i % 60, i % 60 < 12);
    an_table *t = parse(text.data, NULL);
    column(t, "y")->role = AN_TARGET;
    an_split s;
    assert_true(an_split_make(t, NULL, &s, NULL));
    uint8_t side[300] = { 0 };
    for (size_t i = 0; i < s.test_count; i++) side[s.test[i]] = 1;
    for (int i = 60; i < 300; i++) assert_int_equal(side[i], side[i - 60]);
    assert_true(s.test_count >= 65 && s.test_count <= 85);
    an_split_free(&s);
    an_table_free(t);
    an_buf_free(&text);
}

static void test_held_rows(void **state)
{
    (void)state;
    an_table *t = made(400, 10, "id");
    an_split first, second;
    assert_true(an_split_make(t, &(an_split_options){ .seed = 5, .share = 0.1 }, &first, NULL));
    uint64_t *key = malloc(400 * sizeof *key), held[400];
    assert_true(an_table_row_keys(t, key, NULL));
    for (size_t i = 0; i < first.test_count; i++) held[i] = key[first.test[i]];
    for (size_t i = 0; i < first.test_count; i++) { /* sorted */
        for (size_t k = i + 1; k < first.test_count; k++) {
            uint64_t a = held[i], b = held[k];
            held[i] = a < b ? a : b;
            held[k] = a < b ? b : a;
        }
    }
    assert_true(an_split_make(t, &(an_split_options){ .held = held, .held_count = first.test_count }, &second, NULL));
    assert_int_equal(second.test_count, 100);
    for (size_t i = 0; i < first.test_count; i++) {
        bool there = false;
        for (size_t k = 0; k < second.test_count; k++) there |= second.test[k] == first.test[i];
        assert_true(there);
    }
    free(key);
    an_split_free(&first);
    an_split_free(&second);
    an_table_free(t);
}

static void test_groups(void **state)
{
    (void)state;
    an_table *t = made(800, 13, "group");
    an_split s;
    assert_true(an_split_make(t, NULL, &s, NULL));
    uint8_t side[800] = { 0 };
    for (size_t i = 0; i < s.test_count; i++) side[s.test[i]] = 1;
    for (size_t i = 0; i < 800; i++) assert_int_equal(side[i], side[i / 8 * 8]);
    assert_true(s.test_count >= 184 && s.test_count <= 216);
    size_t positive = count_positive(t, s.test, s.test_count);
    assert_true(positive >= 12 && positive <= 19); /* 62 in all */
    an_split_free(&s);
    uint8_t fold[800];
    int k;
    assert_true(an_folds_make(t, NULL, 800, 5, 1, fold, &k, NULL));
    assert_int_equal(k, 5);
    size_t rows[5] = { 0 }, positives[5] = { 0 };
    for (size_t i = 0; i < 800; i++) {
        assert_int_equal(fold[i], fold[i / 8 * 8]);
        rows[fold[i]]++;
        positives[fold[i]] += column(t, "y")->integer[i] == 1;
    }
    for (int f = 0; f < 5; f++) assert_true(rows[f] >= 144 && rows[f] <= 176 && positives[f] >= 8);
    an_table_free(t);
    /* all positives in one group: nobody can split that */
    t = parse("g,x,y\na,1,1\na,2,1\nb,3,0\nb,4,0\nc,5,0\nc,6,0\n", &(an_csv_options){ 0 });
    column(t, "g")->role = AN_GROUP;
    column(t, "y")->role = AN_TARGET;
    an_error err = { 0 };
    assert_false(an_split_make(t, NULL, &s, &err));
    assert_int_equal(err.code, AN_INPUT);
    assert_non_null(strstr(err.message, "positive"));
    an_table_free(t);
}

static void test_time(void **state)
{
    (void)state;
    an_table *t = made(400, 10, "time");
    an_split s;
    assert_true(an_split_make(t, NULL, &s, NULL));
    assert_int_equal(s.test_count, 100);
    for (size_t i = 0; i < s.test_count; i++) assert_true(column(t, "time")->integer[s.test[i]] >= 300);
    an_split_free(&s);
    assert_true(an_split_make(t, &(an_split_options){ .ignore_time = true }, &s, NULL));
    size_t early = 0;
    for (size_t i = 0; i < s.test_count; i++) early += column(t, "time")->integer[s.test[i]] < 300;
    assert_true(early > 50);
    an_split_free(&s);
    column(t, "group")->role = AN_GROUP;
    assert_true(an_split_make(t, NULL, &s, NULL));
    uint8_t side[400] = { 0 };
    for (size_t i = 0; i < s.test_count; i++) side[s.test[i]] = 1;
    for (size_t i = 0; i < 400; i++) assert_int_equal(side[i], side[i / 8 * 8]);
    an_split_free(&s);
    an_table_free(t);
}

/* A batch of which some rows were tested on before stays on that side with what it has grown by, however old that is. */
static void test_held_groups_grow_in_time(void **state)
{
    (void)state;
    an_table *t = made(400, 10, "time");
    column(t, "group")->role = AN_GROUP;
    column(t, "id")->role = AN_ID;
    uint64_t key[400], held[2];
    assert_true(an_table_row_keys(t, key, NULL));
    column(t, "time")->integer[17] = 400; /* the newest row of group 2, tested on before; the other rows of it are the oldest */
    for (size_t i = 16; i < 24; i++)
        if (i != 17) column(t, "time")->integer[i] = 0;
    held[0] = key[17];
    an_split s;
    assert_true(an_split_make(t, &(an_split_options){ .held = held, .held_count = 1 }, &s, NULL));
    uint8_t side[400] = { 0 };
    for (size_t i = 0; i < s.test_count; i++) side[s.test[i]] = 1;
    assert_int_equal(side[17], 1);
    for (size_t i = 0; i < 400; i++) assert_int_equal(side[i], side[i / 8 * 8]);
    an_split_free(&s);
    an_table_free(t);
}

static void test_generated_rows_train(void **state)
{
    (void)state;
    an_buf text = { 0 };
    an_buf_puts(&text, "x,y,_generator,_seed,_row\n");
    for (int i = 0; i < 200; i++) an_buf_printf(&text, "%d.25,%d,%s\n", i, i % 4 == 0, i % 2 ? "g,1,3" : ",,");
    an_table *t = parse(text.data, NULL);
    column(t, "y")->role = AN_TARGET;
    for (size_t i = 1; i < 200; i += 2) t->origin_row[i] = i;
    an_split s;
    assert_true(an_split_make(t, NULL, &s, NULL));
    assert_int_equal(s.test_count, 26); /* 13 of 50 measured rows of each class */
    for (size_t i = 0; i < s.test_count; i++) assert_false(an_table_generated(t, s.test[i]));
    uint8_t fold[200];
    int k;
    assert_true(an_folds_make(t, NULL, 200, 3, 1, fold, &k, NULL));
    for (size_t i = 0; i < 200; i++) assert_true(i % 2 ? fold[i] == UINT8_MAX : fold[i] < 3);
    an_split_free(&s);
    an_table_free(t);
    an_buf_free(&text);
}

static void test_folds(void **state)
{
    (void)state;
    an_table *t = made(200, 50, NULL); /* 4 positives */
    uint8_t fold[200], again[200];
    int k;
    an_error err = { 0 };
    assert_true(an_folds_make(t, NULL, 200, 10, 3, fold, &k, &err));
    assert_int_equal(k, 4);
    size_t rows[4] = { 0 }, positives[4] = { 0 };
    for (size_t i = 0; i < 200; i++) {
        rows[fold[i]]++;
        positives[fold[i]] += column(t, "y")->integer[i] == 1;
    }
    for (int f = 0; f < 4; f++) {
        assert_int_equal(positives[f], 1);
        assert_int_equal(rows[f], 50);
    }
    assert_true(an_folds_make(t, NULL, 200, 10, 3, again, &k, &err));
    assert_memory_equal(fold, again, 200);
    size_t some[100];
    for (size_t i = 0; i < 100; i++) some[i] = 199 - i;
    assert_true(an_folds_make(t, some, 100, 2, 3, fold, &k, &err));
    assert_int_equal(k, 2);
    for (size_t i = 0; i < 49; i++) some[i] = i + 1; /* no positive among them */
    assert_false(an_folds_make(t, some, 49, 2, 3, fold, &k, &err));
    assert_int_equal(err.code, AN_INPUT);
    an_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stratified), cmocka_unit_test(test_equal_rows_stay_together),
        cmocka_unit_test(test_held_rows),  cmocka_unit_test(test_groups),
        cmocka_unit_test(test_time),       cmocka_unit_test(test_generated_rows_train),
        cmocka_unit_test(test_folds),      cmocka_unit_test(test_held_groups_grow_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
