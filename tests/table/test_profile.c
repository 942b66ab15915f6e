/* The profile on tables with planted faults: each must be found where it is, and nothing where there is nothing. Bad input: unknown column,
 * columns without values, one row, none, thousands of columns. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "andon/table.h"

enum { ROWS = 2400 };

static double num(const json_t *o, const char *key)
{
    return an_json_number(json_object_get(o, key), NAN);
}

static json_t *column(const json_t *profile, const char *name)
{
    json_t *c;
    size_t i;
    json_array_foreach(json_object_get(profile, "columns"), i, c)
        if (!strcmp(an_json_string(c, "name", ""), name)) return c;
    fail_msg("no column %s", name);
    return NULL;
}

/* The first finding of a kind on a column (NULL: any); NULL: none. */
static const json_t *finding(const json_t *profile, const char *kind, const char *name)
{
    const json_t *f;
    size_t i;
    json_array_foreach(json_object_get(profile, "findings"), i, f)
        if (!strcmp(an_json_string(f, "kind", ""), kind) && (!name || !strcmp(an_json_string(f, "column", ""), name))) return f;
    return NULL;
}

static void says(const json_t *f, const char *part)
{
    assert_non_null(f);
    const char *text = an_json_string(f, "text", "");
    if (!strstr(text, part)) fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static an_column *add(an_table *t, const char *name, an_type type)
{
    an_error err = { 0 };
    an_column *c = an_table_add(t, name, type, &err);
    if (!c) fail_msg("%s", err.message);
    for (size_t i = 0; i < t->rows; i++) an_set_valid(c, i);
    return c;
}

static json_t *profile(const an_table *t, const char *by, an_job *job)
{
    an_error err = { 0 };
    json_t *p = an_table_profile_full(t, by, job, &err);
    if (!p) fail_msg("%s", err.message);
    return p;
}

/* Readings every minute from 2026-04-03 06:00; rows stored out of order. */
static an_table *line(bool faults)
{
    an_table *t = an_table_new(ROWS);
    an_rng r = an_rng_at(11, 0);
    static const char *const names[] = { "time", "torque", "force", "temp", "twin", "angle", "late", "code", "gone", "answer", "broken" };
    for (size_t j = 0; j < AN_COUNT(names); j++) add(t, names[j], j == 0 ? AN_DATETIME : j == 10 ? AN_INTEGER : AN_REAL);
    an_column *variant = add(t, "variant", AN_CATEGORY), *c = t->column;
    variant->dictionary.count = 3;
    variant->dictionary.names = an_alloc_n(3, sizeof(char *));
    for (int k = 0; k < 3; k++) variant->dictionary.names[k] = an_format("%c", 'A' + k);
    c[0].role = AN_TIME;
    c[10].role = AN_TARGET;
    c[1].spec = json_pack("{s:f, s:f, s:s}", "low", 5.0, "high", 15.0, "station", "4");
    for (size_t i = 0; i < ROWS; i++) {
        size_t at = i * 7 % ROWS; /* place in time of row i */
        int64_t us = (INT64_C(1775196000) + 60 * (int64_t)at) * 1000000;
        double broken = an_rng_uniform(&r) < 0.1;
        int v = (int)an_rng_below(&r, 3);
        c[0].integer[i] = us;
        c[1].real[i] = round(100 * (10 + an_rng_normal(&r))) / 100;
        c[2].real[i] = 50 + an_rng_normal(&r) + (faults && at >= 1600 ? 1.5 : 0);
        c[3].real[i] = 20 + an_rng_normal(&r) + (faults ? 2.0 * (double)at / ROWS : 0);
        c[4].real[i] = 3 * c[2].real[i] + 0.05 * an_rng_normal(&r);
        c[5].real[i] = 90 + an_rng_normal(&r) + (faults && v == 2 ? 1.5 : 0);
        c[6].real[i] = an_rng_normal(&r);
        c[7].real[i] = 7 + 0.1 * an_rng_normal(&r);
        c[8].real[i] = an_rng_normal(&r);
        c[9].real[i] = an_rng_normal(&r) + (faults ? 6 * broken : 0);
        c[10].integer[i] = broken > 0;
        variant->code[i] = v;
        if (!faults) continue;
        if (at >= 482 && at < 550) c[1].real[i] = 12.4; /* 14:02 to 15:09 */
        if (at == 1000) c[1].real[i] = 40;
        if (at % 400 == 17) c[7].real[i] = -999;
        if (broken ? an_rng_uniform(&r) < 0.5 : an_rng_uniform(&r) < 0.05) an_set_missing(t, &c[8], i);
    }
    return t;
}

static void test_faults(void **state)
{
    (void)state;
    an_table *t = line(true);
    json_t *p = profile(t, "variant", NULL);
    const json_t *f = finding(p, "stuck", "torque");
    says(f, "torque stuck at 12.4 from 2026-04-03 14:02 to 15:09 on station 4 (68 rows)");
    assert_string_equal(an_json_string(json_object_get(f, "from"), "time", ""), "2026-04-03T14:02:00Z");
    /* the rows are those of the file, counted from 1: row i has place 7 i mod 2400 */
    assert_int_equal((json_integer_value(json_object_get(json_object_get(f, "from"), "row")) - 1) * 7 % ROWS, 482);
    f = finding(p, "step", NULL); /* force, and twin with it */
    assert_non_null(f);
    says(f, "2 columns step together at 2026-04-04 08:");
    const json_t *step = json_array_get(json_object_get(column(p, "force"), "steps"), 0);
    assert_int_equal(json_array_size(json_object_get(column(p, "force"), "steps")), 1);
    assert_true(fabs(num(step, "shift_sd") - 1.5) < 0.2 && fabs(num(json_object_get(step, "at"), "place") * ROWS - 1600) < 8);
    says(finding(p, "drift", "temp"), "temp drifts up over the time");
    assert_true(fabs(num(json_object_get(column(p, "temp"), "drift"), "change_sd") - 2) < 0.3);
    says(finding(p, "limits", "torque"), "1 of 2400 readings are outside the limits (0 below, 1 above)");
    says(finding(p, "outliers", "torque"), "40 at 2026-04-03 22:40");
    says(finding(p, "sentinel", "code"), "has the value -999 6 times");
    says(finding(p, "missing-target", "gone"), "whether gone is missing goes with broken");
    says(finding(p, "leak", "answer"), "answer alone nearly tells broken");
    says(finding(p, "group", "angle"), "angle differs between the values of variant: median 9");
    says(finding(p, "correlated", NULL), "2 columns say nearly the same");
    assert_null(finding(p, "stuck", "force"));
    assert_null(finding(p, "group", "late"));
    assert_string_equal(an_json_string(json_array_get(json_object_get(p, "findings"), 0), "kind", ""), "leak");
    /* capability: closed form with what the profile says of the column */
    const json_t *k = json_object_get(column(p, "torque"), "capability");
    double mean = num(column(p, "torque"), "mean"), sd = num(column(p, "torque"), "sd");
    assert_true(fabs(num(json_object_get(k, "pp"), "value") - 10 / (6 * sd)) < 1e-12);
    assert_true(fabs(num(json_object_get(k, "ppk"), "value") - fmin(15 - mean, mean - 5) / (3 * sd)) < 1e-12);
    /* by variant: three values, all rows */
    const json_t *g = json_array_get(json_object_get(column(p, "angle"), "groups"), 0), *v;
    assert_string_equal(an_json_string(g, "kind", ""), "by");
    double count = 0;
    size_t i;
    json_array_foreach(json_object_get(g, "values"), i, v) count += num(v, "count");
    assert_true(i == 3 && count == ROWS && num(g, "p_adjusted") < 1e-20 && num(g, "effect") > 0.2);
    /* 40 hours: every shift has rows, and every row is in one */
    count = 0;
    json_array_foreach(json_object_get(json_array_get(json_object_get(p, "groupings"), 1), "values"), i, v) count += num(v, "rows");
    assert_true(i == 3 && count == ROWS);
    json_decref(p);
    an_table_free(t);
}

static void test_nothing(void **state)
{
    (void)state;
    an_table *t = line(false);
    json_t *p = profile(t, NULL, NULL);
    static const char *const kinds[] = { "stuck", "step",  "drift",      "limits", "sentinel",    "missing-target",
                                         "leak",  "group", "duplicates", "twins",  "association", "balance" };
    for (size_t k = 0; k < AN_COUNT(kinds); k++) {
        const json_t *f = finding(p, kinds[k], NULL);
        if (f) fail_msg("found where nothing is: %s", an_json_string(f, "text", ""));
    }
    json_decref(p);
    an_table_free(t);
}

/* Rows without a time follow nothing: neither a step nor a stuck value is seen where they are put behind the others. */
static void test_rows_without_a_time(void **state)
{
    (void)state;
    enum { TIMED = 600, MORE = 150 };
    an_table *t = an_table_new(TIMED + MORE);
    an_column *time = add(t, "time", AN_DATETIME);
    time->role = AN_TIME;
    double *level = add(t, "level", AN_REAL)->real, *held = add(t, "held", AN_REAL)->real;
    an_rng rng = an_rng_at(5, 0);
    for (size_t i = 0; i < t->rows; i++) {
        bool timed = i % 5 != 2;
        t->column[0].integer[i] = (int64_t)i * 60000000;
        if (!timed) an_set_missing(t, &t->column[0], i);
        level[i] = an_rng_normal(&rng) + (timed ? 0 : 4);
        held[i] = timed ? an_rng_normal(&rng) : 7;
    }
    json_t *p = profile(t, NULL, NULL);
    static const char *const kinds[] = { "step", "stuck", "drift" };
    for (size_t k = 0; k < AN_COUNT(kinds); k++) {
        const json_t *f = finding(p, kinds[k], NULL);
        if (f) fail_msg("found where nothing is: %s", an_json_string(f, "text", ""));
    }
    assert_int_equal(num(column(p, "level"), "distinct"), t->rows); /* all else counts them */
    json_decref(p);
    for (size_t i = 300; i < 360; i++) held[i] = 7; /* among the others it is seen still */
    p = profile(t, NULL, NULL);
    says(finding(p, "stuck", "held"), "held stuck at 7");
    says(finding(p, "stuck", "held"), "(48 rows)");
    json_decref(p);
    an_table_free(t);
}

/* Rows without a label count for no class: what tells the others apart is told as without them. */
static void test_rows_without_a_label(void **state)
{
    (void)state;
    enum { LABELLED = 300, MORE = 60 };
    double auc[2];
    for (int more = 0; more < 2; more++) {
        an_table *t = an_table_new(more ? LABELLED + MORE : LABELLED);
        an_column *broken = add(t, "broken", AN_INTEGER);
        broken->role = AN_TARGET;
        double *x = add(t, "x", AN_REAL)->real;
        an_rng rng = an_rng_at(6, 0);
        for (size_t i = 0; i < t->rows; i++) {
            t->column[0].integer[i] = i % 4 == 0;
            x[i] = an_rng_normal(&rng) + (i % 4 == 0) + (i < LABELLED ? 0 : 50);
            if (i >= LABELLED) an_set_missing(t, &t->column[0], i);
        }
        json_t *p = profile(t, NULL, NULL);
        auc[more] = num(column(p, "x"), "auc");
        json_decref(p);
        an_table_free(t);
    }
    assert_true(auc[0] > 0.65);
    assert_float_equal(auc[0], auc[1], 1e-12);
}

/* The same bits for one thread and for several. */
static void test_threads(void **state)
{
    (void)state;
    an_table *t = line(true);
    an_pool *pool = an_pool_new(3);
    an_job *job = an_job_new(&(an_job_options){ .pool = pool, .seed = 1 });
    json_t *a = profile(t, "variant", NULL), *b = profile(t, "variant", job);
    char *x = an_json_text(a, false), *y = an_json_text(b, false);
    assert_string_equal(x, y);
    free(x);
    free(y);
    json_decref(a);
    json_decref(b);
    an_job_free(job);
    an_pool_free(pool);
    an_table_free(t);
}

static void test_repeats(void **state)
{
    (void)state;
    an_table *t = an_table_new(400);
    an_column *id = NULL;
    for (int j = 0; j < 6; j++) add(t, (const char *[]){ "id", "a", "b", "c", "d", "y" }[j], j == 0 || j == 5 ? AN_INTEGER : AN_REAL);
    id = &t->column[0];
    id->role = AN_ID;
    t->column[5].role = AN_TARGET;
    an_rng r = an_rng_at(2, 0);
    for (size_t i = 0; i < 400; i++) { /* the second half repeats the first: exactly up to row 300, nearly from there on */
        id->integer[i] = (int64_t)i;
        for (int j = 1; j < 5; j++)
            t->column[j].real[i] = i < 200 ? an_rng_normal(&r) : t->column[j].real[i - 200] + (i < 300 ? 0 : 0.001 * an_rng_normal(&r));
        t->column[5].integer[i] = i < 200 ? an_rng_below(&r, 3) == 0 : t->column[5].integer[i - 200];
    }
    json_t *p = profile(t, NULL, NULL);
    assert_int_equal(json_integer_value(json_object_get(p, "duplicate_rows")), 100);
    const json_t *first = json_array_get(json_object_get(p, "duplicates"), 0), *twins = json_object_get(p, "twins");
    assert_int_equal(json_integer_value(json_object_get(first, "row")) - json_integer_value(json_object_get(first, "equals")), 200);
    assert_true(num(twins, "equal") > 20 && num(twins, "close") > 20);
    assert_non_null(finding(p, "twins", NULL));
    assert_non_null(finding(p, "duplicates", NULL));
    json_decref(p);
    an_table_free(t);
}

/* Two stations; the second did not deliver for a while, and the rows lie in the order of the target. */
static void test_missing(void **state)
{
    (void)state;
    an_table *t = an_table_new(300);
    for (int j = 0; j < 7; j++) {
        char *name = j < 6 ? an_format("%s_%d", j < 3 ? "press" : "screw", j) : an_strdup("y");
        an_column *c = add(t, name, AN_REAL);
        for (size_t i = 0; i < 300; i++) c->real[i] = j == 6 ? i >= 240 : (double)(i * 37 % (101 + (size_t)j));
        for (size_t i = 100; i < 140 && j >= 3 && j < 6; i++) an_set_missing(t, c, i);
        free(name);
    }
    t->column[6].role = AN_TARGET;
    json_t *p = profile(t, NULL, NULL);
    const json_t *m = json_object_get(p, "missing"), *s = json_object_get(m, "stations"),
                 *together = json_array_get(json_object_get(m, "together"), 0);
    assert_int_equal(json_array_size(s), 2); /* by name: three columns begin with press_, three with screw_ */
    assert_true(num(json_array_get(s, 0), "share") == 0 && fabs(num(json_array_get(s, 1), "share") - 40.0 / 300) < 1e-12);
    assert_true(num(m, "complete_rows") == 260 && num(together, "count") == 3 && num(together, "rows") == 40);
    says(finding(p, "missing-together", NULL), "in rows 101 to 140");
    assert_non_null(finding(p, "sorted", NULL));
    assert_null(finding(p, "step", NULL));
    json_decref(p);
    t->column[4].spec = json_pack("{s:s}", "station", "west"); /* once the schema says stations, names are not asked */
    p = profile(t, NULL, NULL);
    s = json_object_get(json_object_get(p, "missing"), "stations");
    assert_int_equal(json_array_size(s), 1);
    assert_string_equal(an_json_string(json_array_get(s, 0), "station", ""), "west");
    assert_true(num(json_array_get(s, 0), "missing") == 40);
    json_decref(p);
    an_table_free(t);
}

/* Rows without a value of the grouping do not count: the same as if they were not there. */
static void test_group_gaps(void **state)
{
    (void)state;
    an_error err = { 0 };
    an_table *t = line(true);
    size_t rows[ROWS], n = 0;
    for (size_t i = 0; i < ROWS; i++) {
        if (i % 3 == 0)
            an_set_missing(t, an_table_find(t, "variant"), i);
        else
            rows[n++] = i;
    }
    an_table *part = an_table_select(t, rows, n, &err);
    assert_non_null(part);
    json_t *p = profile(t, "variant", NULL), *q = profile(part, "variant", NULL);
    static const char *const names[] = { "angle", "torque", "late", "gone" };
    for (size_t k = 0; k < AN_COUNT(names); k++) {
        const json_t *a = json_array_get(json_object_get(column(p, names[k]), "groups"), 0),
                     *b = json_array_get(json_object_get(column(q, names[k]), "groups"), 0);
        assert_true(num(a, "p") == num(b, "p") && num(a, "effect") == num(b, "effect"));
    }
    json_decref(p);
    json_decref(q);
    an_table_free(part);
    an_table_free(t);
}

static void test_bad_input(void **state)
{
    (void)state;
    an_error err = { 0 };
    an_table *t = line(true);
    assert_null(an_table_profile_full(t, "variamt", NULL, &err));
    assert_int_equal(err.code, AN_NOT_FOUND);
    assert_non_null(strstr(err.hint, "variant"));
    assert_null(an_table_profile_full(t, "temp", NULL, &err));
    assert_int_equal(err.code, AN_INPUT);
    assert_non_null(strstr(err.message, "more than 1000 values"));
    assert_null(an_table_profile_full(t, "torque", NULL, &err));
    assert_int_equal(err.code, AN_INPUT);
    assert_non_null(strstr(err.message, "a measurement with"));
    an_job *job = an_job_new(&(an_job_options){ .seed = 1 });
    an_job_stop(job);
    assert_null(an_table_profile_full(t, NULL, job, &err));
    assert_int_equal(err.code, AN_STOPPED);
    an_job_free(job);
    an_table_free(t);
    for (size_t rows = 0; rows < 4; rows++) { /* hardly any row; a column without a value; a constant; a name */
        t = an_table_new(rows);
        an_table_add(t, "empty", AN_REAL, NULL);
        an_table_add(t, "nothing", AN_CATEGORY, NULL);
        add(t, "one", AN_INTEGER);
        add(t, "y", AN_INTEGER)->role = AN_TARGET;
        an_column *time = add(t, "when", AN_DATETIME);
        time->role = AN_TIME;
        for (size_t i = 0; i < rows; i++) time->integer[i] = (int64_t)(rows - i), t->column[3].integer[i] = (int64_t)i % 2;
        json_t *p = profile(t, "one", NULL);
        assert_int_equal(json_integer_value(json_object_get(p, "rows")), rows);
        assert_int_equal(json_integer_value(json_object_get(column(p, "empty"), "distinct")), 0);
        if (rows) assert_non_null(finding(p, "empty", "empty"));
        json_decref(p);
        an_table_free(t);
    }
}

static void test_wide(void **state)
{
    (void)state;
#ifdef ANDON_SANITIZED
    enum { COLUMNS = 2000 };
#else
    enum { COLUMNS = 20000 };
#endif
    an_table *t = an_table_new(60);
    an_rng r = an_rng_at(9, 0);
    for (int j = 0; j < COLUMNS; j++) {
        char name[16];
        snprintf(name, sizeof name, "c%d", j);
        an_column *c = add(t, name, j ? AN_REAL : AN_INTEGER);
        if (!j) c->role = AN_TARGET;
        for (size_t i = 0; i < 60; i++) {
            if (j)
                c->real[i] = an_rng_normal(&r);
            else
                c->integer[i] = i % 3 == 0;
        }
    }
    json_t *p = profile(t, NULL, NULL);
    assert_int_equal(json_array_size(json_object_get(p, "columns")), COLUMNS);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(p, "correlation"), "columns_there")), COLUMNS - 1);
    assert_null(finding(p, "association", NULL)); /* 20,000 columns of noise: none is called significant */
    assert_null(finding(p, "drift", NULL));
    double steps = 0;
    for (size_t j = 0; j < COLUMNS; j++)
        steps += (double)json_array_size(json_object_get(json_array_get(json_object_get(p, "columns"), j), "steps"));
    assert_true(steps < 10);
    json_decref(p);
    an_table_free(t);
}

static json_t *steps_of(const json_t *p, const char *name)
{
    return json_object_get(column(p, name), "steps");
}

/* A change of unit is one step, on its row, wherever blocks of rows lie; also where the readings after it are few. */
static void test_unit_steps(void **state)
{
    (void)state;
    static const size_t rows[] = { 120, 241, 700, 2500 };
    static const double factors[] = { 1000, 0.001, 25.4 };
    for (size_t k = 0; k < AN_COUNT(rows); k++)
        for (size_t m = 0; m < AN_COUNT(factors); m++)
            for (int tenth = 1; tenth < 10; tenth++) {
                size_t at = rows[k] * (size_t)tenth / 10 + (m + (size_t)tenth) % 7; /* 500 of 700 is one of them */
                an_table *t = an_table_new(rows[k]);
                an_rng r = an_rng_at(100 * k + (size_t)tenth, m);
                an_column *c = add(t, "force", AN_REAL);
                for (size_t i = 0; i < t->rows; i++) c->real[i] = (100 + 5 * an_rng_normal(&r)) * (i >= at ? factors[m] : 1);
                json_t *p = profile(t, NULL, NULL), *list = steps_of(p, "force"), *step = json_array_get(list, 0);
                if (json_array_size(list) != 1 ||
                    json_integer_value(json_object_get(json_object_get(step, "at"), "row")) != (json_int_t)at + 1)
                    fail_msg("%zu rows, factor %g from row %zu on: %s", rows[k], factors[m], at + 1, list ? json_dumps(list, 0) : "none");
                assert_true(fabs(num(step, "before") - 100) < 3 && fabs(num(step, "after") / factors[m] - 100) < 3);
                assert_non_null(strstr(an_json_string(step, "unit", ""), m == 0   ? "a thousand times as large"
                                                                         : m == 1 ? "a thousandth"
                                                                                  : "25.4 times as large"));
                says(finding(p, "step", "force"), "another unit?");
                json_decref(p);
                an_table_free(t);
            }
}

/* There and back, up and down: each where it is. A step of the process is no unit. */
static void test_several_steps(void **state)
{
    (void)state;
    an_table *t = an_table_new(700);
    an_rng r = an_rng_at(9, 9);
    an_column *c = add(t, "there", AN_REAL), *stairs = add(t, "stairs", AN_REAL), *odd = add(t, "odd", AN_REAL);
    c = an_table_find(t, "there");
    stairs = an_table_find(t, "stairs");
    static const size_t at[] = { 101, 333, 514 };
    for (size_t i = 0; i < 700; i++) {
        size_t level = (i >= at[0]) + (i >= at[1]) + (i >= at[2]);
        c->real[i] = (100 + 5 * an_rng_normal(&r)) * (i >= 301 && i < 405 ? 1000 : 1);
        stairs->real[i] = 50 + 6 * (double)(level == 2 ? 0 : level) + an_rng_normal(&r);
        odd->real[i] = an_rng_normal(&r) + (i == 200 || i == 201 ? 60 : 0); /* two outliers are no level */
    }
    json_t *p = profile(t, NULL, NULL), *list = steps_of(p, "there"), *step;
    assert_int_equal(json_array_size(list), 2);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json_array_get(list, 0), "at"), "row")), 302);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json_array_get(list, 1), "at"), "row")), 406);
    list = steps_of(p, "stairs");
    assert_int_equal(json_array_size(list), 3);
    size_t i;
    json_array_foreach(list, i, step) {
        assert_int_equal(json_integer_value(json_object_get(json_object_get(step, "at"), "row")), at[i] + 1);
        assert_true(json_is_null(json_object_get(step, "unit")));
    }
    assert_null(steps_of(p, "odd"));
    json_decref(p);
    an_table_free(t);
}

/* One limit: no word of the other, no Cp; nowhere "nan". Names of parts go with nothing. */
static void test_one_limit(void **state)
{
    (void)state;
    enum { N = 900 };
    an_table *t = an_table_new(N);
    an_rng r = an_rng_at(4, 4);
    static const char *const names[] = { "ok", "upper", "lower", "serial" };
    for (size_t j = 0; j < 4; j++) add(t, names[j], j == 0 || j == 3 ? AN_INTEGER : AN_REAL);
    add(t, "nearly", AN_CATEGORY);
    an_column *ok = t->column, *upper = ok + 1, *lower = ok + 2, *serial = ok + 3, *nearly = ok + 4;
    ok->role = AN_TARGET;
    serial->role = AN_ID;
    upper->spec = json_pack("{s:f}", "high", 2.0);
    lower->spec = json_pack("{s:f}", "low", 1.0);
    upper->unit = an_strdup("mL/min");
    nearly->dictionary = (an_dictionary){ N - 5, an_alloc_n(N - 5, sizeof(char *)) };
    for (int k = 0; k < N - 5; k++) nearly->dictionary.names[k] = an_format("S%05d", k);
    for (size_t i = 0; i < N; i++) {
        ok->integer[i] = an_rng_uniform(&r) < 0.1;
        upper->real[i] = lower->real[i] = 1.4 + 0.3 * an_rng_normal(&r);
        serial->integer[i] = (int64_t)i;
        nearly->code[i] = (int32_t)(i % (N - 5));
    }
    json_t *p = profile(t, NULL, NULL);
    says(finding(p, "limits", "upper"), "readings are above the limit");
    says(finding(p, "limits", "lower"), "readings are below the limit");
    assert_string_equal(an_json_string(finding(p, "limits", "upper"), "evidence", ""), "limit 2 mL/min (upper)");
    assert_string_equal(an_json_string(finding(p, "limits", "lower"), "evidence", ""), "limit 1 (lower)");
    const char *evidence = an_json_string(finding(p, "capability", "upper"), "evidence", "");
    assert_int_equal(strncmp(evidence, "Cpk 0.", 6), 0);
    assert_null(strstr(evidence, "Cp "));
    assert_null(strstr(evidence, "Pp "));
    char *all = json_dumps(p, 0);
    for (const char *at = all; (at = strstr(at, "nan")); at++)
        if (at == all || !((at[-1] | 32) >= 'a' && (at[-1] | 32) <= 'z')) fail_msg("nan in %.200s", at - 40);
    free(all);
    assert_null(json_object_get(column(p, "serial"), "association"));
    assert_null(json_object_get(column(p, "nearly"), "association"));
    assert_non_null(json_object_get(column(p, "upper"), "association"));
    json_decref(p);
    an_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_group_gaps),
        cmocka_unit_test(test_wide),
        cmocka_unit_test(test_rows_without_a_time),
        cmocka_unit_test(test_rows_without_a_label),
        cmocka_unit_test(test_unit_steps),
        cmocka_unit_test(test_several_steps),
        cmocka_unit_test(test_one_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
