/* Tests of expectations: each kind broken and kept, the rows that broke, messages with lines, drafts that pass on their own table. */
#include "help.h"

#include <math.h>

static an_yaml *yaml(const char *text)
{
    an_error err = { 0 };
    an_yaml *y = an_yaml_parse(text, strlen(text), "e.yaml", &err);
    if (!y) fail_msg("%s\n%s", err.message, text);
    return y;
}

static json_t *check(const an_table *t, const char *text, const an_table *reference, an_table **broken)
{
    an_error err = { 0 };
    an_yaml *y = yaml(text);
    json_t *r = an_expect_check(t, y, reference, broken, &err);
    if (!r) fail_msg("%s\n%s", err.message, text);
    an_yaml_free(y);
    return r;
}

static json_int_t whole(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static const char csv[] = "serial,time,variant,torque,angle,a,b,c\n"
                          "s1,2026-01-01,A,3.0,10,1,2,3\n"
                          "s2,2026-01-02,B,4.0,20,1,2,4\n"
                          "s2,2026-01-03,A,9.0,15,1,2,3\n"
                          "s4,2026-01-04,C,,30,5,2,7\n"
                          "s5,2026-01-04,A,2.0,40,1,,3\n";

/* One entry; the rows expected to break it, 1-based, 0 ends. */
static void breaks(const char *entry, const int *rows)
{
    an_table *t = parse(csv, NULL);
    column(t, "time")->role = AN_TIME;
    char *text = an_format("expect:\n  - {%s}\n", entry);
    an_table *broken;
    json_t *r = check(t, text, NULL, &broken);
    assert_int_equal(whole(r, "checked"), 1);
    json_t *e = json_array_get(json_object_get(r, "expectations"), 0);
    size_t n = 0;
    while (rows[n]) n++;
    if (json_is_true(json_object_get(e, "ok")) != !n || whole(e, "rows_broken") != (json_int_t)n)
        fail_msg("%s: %lld rows broken, expected %zu", entry, (long long)whole(e, "rows_broken"), n);
    assert_int_equal(broken->rows, n);
    for (size_t i = 0; i < n; i++) {
        if (json_integer_value(json_array_get(json_object_get(e, "first"), i)) != rows[i]) fail_msg("%s: row %zu", entry, i);
        assert_int_equal(column(broken, "_row_number")->integer[i], rows[i]);
        assert_string_equal(cell(broken, "_broken", i), an_json_string(e, "text", ""));
    }
    assert_int_equal(whole(e, "line"), 2);
    json_decref(r);
    free(text);
    an_table_free(broken);
    an_table_free(t);
}

#define ROWS(...) ((const int[]){ __VA_ARGS__, 0 })
#define NONE ((const int[]){ 0 })

static void kinds(void **state)
{
    (void)state;
    breaks("column: torque, min: 3", ROWS(5));
    breaks("column: torque, max: 4", ROWS(3));
    breaks("column: torque, min: 2", NONE);
    breaks("column: torque, max: 4, where: variant!=A", NONE);
    breaks("column: torque, max: 4, where: \"variant=A,angle=0..20\"", ROWS(3));
    breaks("column: torque, missing_at_most: 0", ROWS(4));
    breaks("column: torque, missing_at_most: 0.2", NONE);
    breaks("column: torque, missing_at_most: 0.19", ROWS(4));
    breaks("column: torque, missing_at_most: 0, where: variant=A", NONE);
    breaks("column: serial, unique: true", ROWS(2, 3));
    breaks("column: angle, unique: true", NONE);
    breaks("column: variant, values: [A, B]", ROWS(4));
    breaks("column: variant, values: [A, B, C]", NONE);
    breaks("column: a, values: [1, 5.0]", NONE);
    breaks("column: a, values: [1]", ROWS(4));
    breaks("column: angle, increasing: true", ROWS(3));
    breaks("column: angle, increasing: true, where: variant=A", NONE);
    breaks("column: time, increasing: true", NONE);
    breaks("column: time, increasing: strictly", ROWS(5));
    breaks("column: time, min: \"2026-01-02\"", ROWS(1));
    breaks("column: time, max: \"2026-01-03T12:00:00\"", ROWS(4, 5));
    breaks("row: a + b = c", ROWS(2));
    breaks("row: a + b = c, where: c=3", NONE);
    breaks("row: torque < angle", NONE);
    breaks("rows_at_least: 5", NONE);
    breaks("rows_at_most: 5", NONE);
    breaks("column: angle, min: 11, where: \"time<2026-01-02\"", ROWS(1));
    breaks("column: angle, min: 11, where: torque=", NONE);
    breaks("column: angle, max: 11, where: torque=", ROWS(4));
}

static void several(void **state)
{
    (void)state;
    an_table *t = parse(csv, NULL), *broken;
    json_t *r = check(
        t, "expect:\n  - {column: torque, min: 3, max: 4, missing_at_most: 0.5}\n  - {rows_at_least: 6}\n  - {column: angle, max: 35}\n",
        NULL, &broken);
    assert_int_equal(whole(r, "checked"), 5);
    assert_int_equal(whole(r, "broken"), 4);
    assert_int_equal(whole(r, "rows_broken"), 2);
    assert_string_equal(cell(broken, "_broken", 0), "torque <= 4");
    assert_string_equal(cell(broken, "_broken", 1), "torque >= 3; angle <= 35");
    assert_string_equal(cell(broken, "serial", 1), "s5");
    json_decref(r);
    an_table_free(broken);
    r = check(t, "expect: []\n", NULL, NULL);
    assert_int_equal(whole(r, "broken"), 0);
    json_decref(r);
    an_table_free(t);
}

/* Increasing goes by the time column, not by the order of rows. */
static void by_time(void **state)
{
    (void)state;
    an_table *t = parse("time,x\n2026-01-03,3\n2026-01-01,1\n2026-01-02,2\n", NULL);
    json_t *r = check(t, "expect:\n  - {column: x, increasing: true}\n", NULL, NULL);
    assert_int_equal(whole(r, "broken"), 1);
    json_decref(r);
    column(t, "time")->role = AN_TIME;
    r = check(t, "expect:\n  - {column: x, increasing: strictly}\n", NULL, NULL);
    assert_int_equal(whole(r, "broken"), 0);
    json_decref(r);
    an_table_free(t);
}

static an_table *sample(size_t n, uint64_t seed, double mean, double share)
{
    an_table *t = an_table_new(n);
    an_rng r = an_rng_at(seed, 0);
    an_error err = { 0 };
    an_table_add(t, "x", AN_REAL, &err);
    an_table_add(t, "on", AN_BOOLEAN, &err);
    for (size_t i = 0; i < n; i++) {
        t->column[0].real[i] = mean + an_rng_normal(&r);
        t->column[1].boolean[i] = an_rng_uniform(&r) < share;
        an_set_valid(&t->column[0], i);
        an_set_valid(&t->column[1], i);
    }
    return t;
}

static void distributions(void **state)
{
    (void)state;
    an_table *reference = sample(4000, 1, 0, 0.5), *same = sample(3000, 2, 0, 0.5), *slightly = sample(3000, 3, 0.12, 0.5),
             *other = sample(3000, 4, 1, 0.8);
    static const char *const strict =
        "expect:\n  - {column: x, matches: reference, error_rate: 0.001}\n  - {column: \"on\", matches: reference}\n";
    static const char *const lenient = "expect:\n  - {column: x, matches: reference, ks_at_most: 0.1, error_rate: 0.001}\n";
    json_t *r = check(same, strict, reference, NULL);
    assert_int_equal(whole(r, "broken"), 0);
    assert_int_equal(whole(r, "statistical"), 2);
    assert_true(fabs(json_number_value(json_object_get(r, "error_rate")) - 0.002) < 1e-15);
    const char *text = an_json_string(json_array_get(json_object_get(r, "expectations"), 0), "text", "");
    assert_non_null(strstr(text, "error rate 0.001: on unchanged data it breaks by chance in 1 of 1,000 checks"));
    json_decref(r);
    r = check(slightly, strict, reference, NULL); /* more than chance */
    assert_int_equal(whole(r, "broken"), 1);
    json_decref(r);
    r = check(slightly, lenient, reference, NULL); /* but too small to matter */
    assert_int_equal(whole(r, "broken"), 0);
    json_decref(r);
    r = check(other, strict, reference, NULL);
    assert_int_equal(whole(r, "broken"), 2);
    json_decref(r);
    r = check(other, lenient, reference, NULL);
    assert_int_equal(whole(r, "broken"), 1);
    json_decref(r);
    an_table_free(reference);
    an_table_free(same);
    an_table_free(slightly);
    an_table_free(other);
}

/* What the statistical expectation promises: on unchanged data it breaks about as often as it says. */
static void error_rate(void **state)
{
    (void)state;
    int broken = 0, rounds = 400;
    an_yaml *y = yaml("expect:\n  - {column: x, matches: reference, error_rate: 0.1}\n");
    for (int i = 0; i < rounds; i++) { /* a fresh reference, too: the promise is over both */
        an_table *a = sample(300, (uint64_t)i, 0, 0.5), *b = sample(200, (uint64_t)i + 100000, 0, 0.5);
        json_t *r = an_expect_check(b, y, a, NULL, NULL);
        broken += whole(r, "broken") > 0;
        json_decref(r);
        an_table_free(a);
        an_table_free(b);
    }
    assert_true(broken >= 20 && broken <= 56); /* 400 draws at a little under 0.1: the asymptotic test is conservative */
    an_yaml_free(y);
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part1, *part2;
    } all[] = {
        { "expect:\n  - {column: torque, min: 3}\n  - {column: torq, min: 3}\n", "line 3", "no column torq" },
        { "expect:\n  - {column: torque, minimum: 3}\n", "line 2", "\"minimum\" is not known" },
        { "expect:\n  - column: torque\n    min: low\n", "line 3", "a number is expected" },
        { "expect:\n  - {column: variant, min: 3}\n", "line 2", "holds no numbers" },
        { "expect:\n  - {column: time, min: 3}\n", "line 2", "a date such as" },
        { "expect:\n  - {column: torque, missing_at_most: 3}\n", "line 2", "between 0 and 1" },
        { "expect:\n  - {min: 3}\n", "line 2", "needs a column" },
        { "expect:\n  - {column: torque}\n", "line 2", "expects nothing" },
        { "expect:\n  - {column: torque, unique: maybe}\n", "line 2", "true or false" },
        { "expect:\n  - {column: torque, values: 3}\n", "line 2", "a list of values" },
        { "expect:\n  - {column: variant, increasing: true}\n", "line 2", "holds no numbers" },
        { "expect:\n  - {row: torque}\n", "line 2", "compares nothing" },
        { "expect:\n  - {column: torque, min: 1, where: variant}\n", "line 2", "not a list of terms" },
        { "expect:\n  - {column: torque, min: 1, where: varient=A}\n", "line 2", "no column varient" },
        { "expect:\n  - {column: torque, min: 1, where: torque=high}\n", "line 2", "is real and \"high\" is not" },
        { "expect:\n  - {column: torque, matches: reference}\n", "line 2", "no reference" },
        { "expect:\n  - {column: torque, matches: yesterday}\n", "line 2", "the word reference" },
        { "expect:\n  - {column: torque, ks_at_most: 0.1}\n", "line 2", "belongs to matches" },
        { "expect: {column: torque}\n", "line 1", "has a list" },
        { "expects: []\n", "line 1", "begins with expect" },
        { "expect: []\nmore: 1\n", "line 2", "\"more\" is not known" },
        { "expect:\n  - 3\n", "line 2", "has keys" },
    };
    an_table *t = parse(csv, NULL);
    for (size_t i = 0; i < AN_COUNT(all); i++) {
        an_yaml *y = yaml(all[i].text);
        an_error err = { 0 };
        an_table *broken = NULL;
        if (an_expect_check(t, y, NULL, &broken, &err)) fail_msg("accepted: %s", all[i].text);
        if (err.code != AN_INPUT || !strstr(err.message, all[i].part1) || !strstr(err.message, all[i].part2))
            fail_msg("\"%s\" where \"%s\" and \"%s\" were expected", err.message, all[i].part1, all[i].part2);
        assert_null(broken);
        an_yaml_free(y);
    }
    an_table_free(t);
}

/* A draft passes on the table it was made from, whatever is in it. */
static void drafts(void **state)
{
    (void)state;
    static const char *const tables[] = {
        csv,
        "x\n1\n1\n",
        "\"no\",\"a: b\",t\n-5,yes please,2026-01-01\n1e300,\"a, b\",2026-01-02\n-1e-300,null,2026-01-03\n0,~,\n7,\"a, "
        "b\",2026-01-03\n8,\"a, b\",2026-01-03\n9,\"#\",2026-01-03\n3,null,2026-01-03\n4,~,2026-01-03\n",
        "n\n0.001\n123456.789\n-0.5\n",
    };
    for (size_t i = 0; i < AN_COUNT(tables); i++) {
        an_csv_options options = { .type = { (char *[]){ (char *)(uintptr_t) "variant=category" }, 1 } };
        an_table *t = parse(tables[i], i ? NULL : &options);
        if (!i) {
            column(t, "serial")->role = AN_ID;
            column(t, "time")->role = AN_TIME;
            t->constraints = json_pack("[s, s]", "a < c", "a > c");
        }
        an_buf draft = { 0 };
        an_expect_propose(t, &draft);
        json_t *r = check(t, draft.data, NULL, NULL);
        if (whole(r, "broken")) {
            char *text = an_json_text(r, true);
            fail_msg("%s\n%s", draft.data, text);
        }
        assert_true(whole(r, "checked") >= 2);
        if (!i) {
            assert_non_null(strstr(draft.data, "row: \"a < c\""));
            assert_null(strstr(draft.data, "a > c"));
            assert_null(strstr(draft.data, "column: serial, unique")); /* s2 is there twice */
            assert_non_null(strstr(draft.data, "column: time, increasing: true"));
            assert_non_null(strstr(draft.data, "column: variant, values: [A, B, C]"));
        }
        json_decref(r);
        an_buf_free(&draft);
        an_table_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),      cmocka_unit_test(several), cmocka_unit_test(by_time), cmocka_unit_test(distributions),
        cmocka_unit_test(error_rate), cmocka_unit_test(refused), cmocka_unit_test(drafts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
