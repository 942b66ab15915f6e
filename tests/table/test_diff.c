/* Tests of an_table_diff: what changed in columns, drift that matters and drift that does not, slips of unit, new categories, missing
 * cells. */
#include "help.h"

#include <math.h>

typedef struct maker {
    an_table *t;
    an_rng r;
} maker;

static maker make(size_t rows, uint64_t seed)
{
    return (maker){ an_table_new(rows), an_rng_at(seed, 0) };
}

static void normal(maker *m, const char *name, double mean, double sd)
{
    an_column *c = an_table_add(m->t, name, AN_REAL, NULL);
    for (size_t i = 0; i < m->t->rows; i++) {
        c->real[i] = mean + sd * an_rng_normal(&m->r);
        an_set_valid(c, i);
    }
}

/* Categories A, B, C with these shares (the rest is C). */
static void category(maker *m, const char *name, double a, double b, const char *third)
{
    an_column *c = an_table_add(m->t, name, AN_CATEGORY, NULL);
    c->dictionary = (an_dictionary){ 3, an_alloc_n(3, sizeof(char *)) };
    c->dictionary.names[0] = an_strdup("A");
    c->dictionary.names[1] = an_strdup("B");
    c->dictionary.names[2] = an_strdup(third);
    for (size_t i = 0; i < m->t->rows; i++) {
        double u = an_rng_uniform(&m->r);
        c->code[i] = u < a ? 0 : u < a + b ? 1 : 2;
        an_set_valid(c, i);
    }
}

static json_t *diff(const an_table *a, const an_table *b)
{
    an_error err = { 0 };
    json_t *d = an_table_diff(a, b, NULL, &err);
    if (!d) fail_msg("%s", err.message);
    return d;
}

static json_t *of(const json_t *d, const char *name)
{
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(d, "columns"), i, c) {
        if (!strcmp(an_json_string(c, "name", ""), name)) return c;
    }
    fail_msg("no column %s in the diff", name);
    return NULL;
}

static void verdict(const json_t *d, const char *name, const char *part)
{
    const char *text = an_json_string(of(d, name), "verdict", "");
    if (!strstr(text, part)) fail_msg("%s: \"%s\" where \"%s\" was expected", name, text, part);
}

static double num(const json_t *d, const char *name, const char *key)
{
    return an_json_number(json_object_get(of(d, name), key), NAN);
}

static void drift(void **state)
{
    (void)state;
    size_t n = 40000;
    maker a = make(n, 1), b = make(n, 2);
    normal(&a, "same", 10, 2), normal(&b, "same", 10, 2);
    normal(&a, "tiny", 10, 2), normal(&b, "tiny", 10.1, 2);
    normal(&a, "moved", 10, 2), normal(&b, "moved", 12, 2);
    normal(&a, "wider", 0, 1), normal(&b, "wider", 0, 2);
    category(&a, "kind", .6, .3, "C"), category(&b, "kind", .6, .3, "C");
    category(&a, "shift", .6, .3, "C"), category(&b, "shift", .3, .3, "C");
    category(&a, "fresh", .6, .3, "C"), category(&b, "fresh", .6, .3999, "Z");
    normal(&a, "gone", 0, 1), normal(&b, "new", 0, 1);
    json_t *d = diff(a.t, b.t);
    verdict(d, "same", "no change");
    verdict(d, "tiny", "significant but too small to matter");
    verdict(d, "moved", "drifted: the median went from ");
    verdict(d, "wider", "drifted");
    verdict(d, "kind", "no change");
    verdict(d, "shift", "drifted");
    verdict(d, "fresh", "1 new category: Z");
    assert_true(fabs(num(d, "moved", "ks") - 0.3829) < 0.02); /* 2 Phi(1/2) - 1 */
    assert_true(num(d, "moved", "p_adjusted") < 1e-100);
    assert_true(fabs(num(d, "moved", "psi") - 1) < 0.1); /* of two normals one sd apart: 1, a little less in ten bins */
    assert_true(num(d, "tiny", "psi") < 0.1 && num(d, "tiny", "p_adjusted") < 0.05);
    assert_true(num(d, "same", "p_adjusted") >= num(d, "same", "p"));
    assert_string_equal(json_string_value(json_array_get(json_object_get(of(d, "fresh"), "new_categories"), 0)), "Z");
    assert_string_equal(json_string_value(json_array_get(json_object_get(d, "added"), 0)), "new");
    assert_string_equal(json_string_value(json_array_get(json_object_get(d, "removed"), 0)), "gone");
    assert_non_null(strstr(an_json_string(d, "summary", ""), "4 drifted"));
    json_decref(d);
    an_pool *pool = an_pool_new(3); /* the same whatever the threads */
    an_job_options o = { .pool = pool };
    an_job *job = an_job_new(&o);
    json_t *x = diff(a.t, b.t), *y = an_table_diff(a.t, b.t, job, NULL);
    assert_true(json_equal(x, y));
    json_decref(x);
    json_decref(y);
    an_job_free(job);
    an_pool_free(pool);
    an_table_free(a.t);
    an_table_free(b.t);
}

static void slips(void **state)
{
    (void)state;
    static const struct {
        double factor, offset;
        const char *words;
    } all[] = {
        { 25.4, 0, "millimetres for inches" },
        { 1 / 25.4, 0, "inches for millimetres" },
        { 1000, 0, "mm for m" },
        { 0.001, 0, "m for mm" },
        { 60, 0, "seconds for minutes" },
        { 10, 0, "decimal place" },
        { 1.8, 32, "Fahrenheit" },
        { 1 / 14.503773773, 0, "bar for psi" },
        { 1, 273.15, "kelvin" },
    };
    for (size_t i = 0; i < AN_COUNT(all); i++) {
        maker a = make(2000, 3), b = make(1500, 4);
        normal(&a, "x", 22, 1.5);
        normal(&b, "x", 22.1, 1.5);
        for (size_t k = 0; k < b.t->rows; k++) b.t->column[0].real[k] = b.t->column[0].real[k] * all[i].factor + all[i].offset;
        json_t *d = diff(a.t, b.t);
        verdict(d, "x", "looks like another unit");
        verdict(d, "x", all[i].words);
        assert_true(fabs(num(d, "x", "factor") / all[i].factor - 1) < 1e-6);
        json_decref(d);
        an_table_free(a.t);
        an_table_free(b.t);
    }
    maker a = make(2000, 3), b = make(1500, 4); /* half as much again is no unit */
    normal(&a, "x", 22, 1.5);
    normal(&b, "x", 33, 2);
    json_t *d = diff(a.t, b.t);
    verdict(d, "x", "drifted");
    assert_true(isnan(num(d, "x", "factor")));
    json_decref(d);
    an_table_free(a.t);
    an_table_free(b.t);
}

/* A version that grew by rows in another unit: all of it hides them, the rows that came do not. */
static void grown(void **state)
{
    (void)state;
    for (int which = 0; which < 3; which++) {
        maker a = make(300, 5), b = make(60, 6);
        normal(&a, "force", 100, 5), normal(&b, "force", which == 0 ? 1e5 : 100, which == 0 ? 5e3 : 5);
        normal(&a, "bar", 6, .2), normal(&b, "bar", which == 1 ? 6 * 14.503773773 : 6, which == 1 ? .2 * 14.503773773 : .2);
        normal(&a, "torque", 10, .5), normal(&b, "torque", 15, .5); /* another setting, no unit */
        json_t *report;
        an_error err = { 0 };
        an_table *all = an_table_grow(a.t, b.t, &report, &err);
        if (!all) fail_msg("%s", err.message);
        const json_t *units = json_object_get(report, "other_units"), *first = json_array_get(units, 0);
        assert_int_equal(json_array_size(units), which < 2);
        json_t *d = diff(a.t, all);
        verdict(d, "torque", "drifted");
        if (which < 2) {
            const char *name = which ? "bar" : "force";
            assert_string_equal(an_json_string(first, "column", ""), name);
            assert_true(fabs(an_json_number(json_object_get(first, "factor"), NAN) / (which ? 14.503773773 : 1000) - 1) < 1e-9);
            double before = an_json_number(json_object_get(first, "median_before"), NAN),
                   added = an_json_number(json_object_get(first, "median_added"), NAN);
            assert_true(fabs(added / before / (which ? 14.5 : 1000) - 1) < 0.05);
            verdict(d, name, "the rows that were added look like another unit: ");
            verdict(d, name, which ? "psi for bar" : "a thousand times");
        } else {
            verdict(d, "force", "no change");
            assert_true(isnan(num(d, "force", "factor")));
        }
        json_decref(d);
        json_decref(report);
        an_table_free(all);
        an_table_free(a.t);
        an_table_free(b.t);
    }
}

static void columns(void **state)
{
    (void)state;
    an_table *a = parse("id,x,y,t,m\n1,1.5,1,a,1\n2,2.5,2,b,2\n3,3.5,3,a,3\n", NULL),
             *b = parse("id,x,y,t,m\n4,0.15,1.5,a,1\n5,0.25,2,b,2\n6,0.35,3,a,\n", NULL);
    column(a, "x")->unit = an_strdup("mm");
    column(b, "x")->unit = an_strdup("cm");
    column(a, "id")->role = column(b, "id")->role = AN_ID;
    column(b, "t")->role = AN_GROUP;
    column(a, "x")->spec = json_pack("{s:f}", "high", 4.5);
    column(b, "x")->spec = json_pack("{s:f}", "high", 0.5);
    json_t *d = diff(a, b), *list = json_object_get(d, "changed");
    assert_int_equal(json_array_size(list), 4);
    static const char *const expected[][4] = {
        { "x", "unit", "mm", "cm" }, { "x", "high", "4.5", "0.5" }, { "y", "type", "integer", "real" }, { "t", "role", "feature", "group" }
    };
    for (size_t i = 0; i < 4; i++) {
        json_t *c = json_array_get(list, i);
        assert_string_equal(an_json_string(c, "column", ""), expected[i][0]);
        assert_string_equal(an_json_string(c, "what", ""), expected[i][1]);
        assert_string_equal(an_json_string(c, "from", ""), expected[i][2]);
        assert_string_equal(an_json_string(c, "to", ""), expected[i][3]);
    }
    assert_true(num(d, "x", "ks") < 1e-9); /* another unit that says so is no drift */
    verdict(d, "id", "not compared");
    verdict(d, "t", "no change");
    assert_true(num(d, "m", "missing_a") == 0 && fabs(num(d, "m", "missing_b") - 1.0 / 3) < 1e-15);
    json_decref(d);
    an_table_free(a);
    an_table_free(b);
}

static void few_rows(void **state)
{
    (void)state;
    maker a = make(12, 1), b = make(12, 5);
    normal(&a, "x", 0, 1), normal(&b, "x", 0.3, 1);
    json_t *d = diff(a.t, b.t);
    verdict(d, "x", "can be chance with so few rows");
    json_decref(d);
    an_table_free(a.t);
    an_table_free(b.t);
    an_table *some = parse("x\n1\n2\n", NULL);
    an_table *empty = an_table_select(some, NULL, 0, NULL);
    d = diff(some, empty);
    verdict(d, "x", "not compared");
    json_decref(d);
    an_table_free(some);
    an_table_free(empty);
}

static void missing(void **state)
{
    (void)state;
    maker a = make(1000, 1), b = make(1000, 2);
    normal(&a, "x", 0, 1), normal(&b, "x", 0, 1);
    for (size_t i = 0; i < 120; i++) an_set_missing(b.t, &b.t->column[0], 7 * i);
    json_t *d = diff(a.t, b.t);
    verdict(d, "x", "12.0 % of the cells are missing, where it was 0.0 %");
    json_decref(d);
    an_table_free(a.t);
    an_table_free(b.t);
}

/* 200 columns without any change: hardly one is called significant, thanks to the correction. */
static void many_columns(void **state)
{
    (void)state;
    maker a = make(400, 11), b = make(400, 12);
    for (int k = 0; k < 200; k++) {
        char name[16];
        snprintf(name, sizeof name, "x%d", k);
        normal(&a, name, 0, 1);
        normal(&b, name, 0, 1);
    }
    json_t *d = diff(a.t, b.t);
    int raw = 0, corrected = 0;
    for (int k = 0; k < 200; k++) {
        char name[16];
        snprintf(name, sizeof name, "x%d", k);
        raw += num(d, name, "p") < 0.05;
        corrected += num(d, name, "p_adjusted") < 0.05;
    }
    assert_true(raw >= 2 && raw <= 22);
    assert_int_equal(corrected, 0);
    json_decref(d);
    an_table_free(a.t);
    an_table_free(b.t);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(drift),    cmocka_unit_test(slips),   cmocka_unit_test(columns),
                                        cmocka_unit_test(few_rows), cmocka_unit_test(missing), cmocka_unit_test(many_columns),
                                        cmocka_unit_test(grown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
