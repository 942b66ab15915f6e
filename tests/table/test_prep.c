/* Preparation: against closed forms; there and back; JSON. */
#include "help.h"

#include <math.h>

static const char *const text = "n,r,m,b,c,d,k,y\n"
                                "1,0.1,,true,red,2026-01-01T00:00:00Z,5,0\n"
                                "2,0.25,2,false,blue,2026-01-01T00:01:00Z,5,0\n"
                                "3,0.4,4,true,red,2026-01-01T00:02:00Z,5,1\n"
                                "6,0.9,9,true,green,2026-01-01T00:03:00Z,5,1\n";

static an_table *made(void)
{
    an_csv_options o = { 0 };
    an_list_add(&o.type, "c=category");
    an_table *t = parse(text, &o);
    an_list_free(&o.type);
    column(t, "y")->role = AN_TARGET;
    return t;
}

static const an_prep_column *prepared(const an_prep *p, const char *name)
{
    for (size_t j = 0; j < p->columns; j++) {
        if (!strcmp(p->column[j].name, name)) return &p->column[j];
    }
    fail_msg("no prepared column %s", name);
    return NULL;
}

static void test_standard(void **state)
{
    (void)state;
    an_table *t = made();
    an_error err = { 0 };
    an_prep *p = an_prep_fit(t, NULL, 0, NULL, &err);
    if (!p) fail_msg("%s", err.message);
    assert_int_equal(p->columns, 7);
    assert_int_equal(p->width, 9);
    const an_prep_column *n = prepared(p, "n");
    assert_true(n->center == 3 && fabs(n->scale - sqrt(3.5)) < 1e-15 && n->whole && n->step == 1 && n->low == 1 && n->high == 6);
    const an_prep_column *r = prepared(p, "r");
    assert_true(!r->whole && r->step == 0.05);
    const an_prep_column *m = prepared(p, "m"); /* median of 2 4 9 fills the gap, then mean and deviation of 4 2 4 9 */
    assert_true(m->fill == 4 && m->center == 4.75 && fabs(m->missing_share - 0.25) < 1e-15);
    assert_true(fabs(m->scale - sqrt((0.5625 * 2 + 2.75 * 2.75 + 4.25 * 4.25) / 4)) < 1e-15);
    assert_true(prepared(p, "k")->scale == 1);
    const an_prep_column *c = prepared(p, "c");
    assert_true(c->onehot && c->width == 3);
    assert_string_equal(c->dictionary.names[(int)c->fill], "red");
    char *name = an_prep_output_name(p, c->first + 1);
    assert_string_equal(name, "c=green");
    free(name);
    double x[4 * 9];
    assert_true(an_prep_apply(p, t, NULL, 4, x, NULL, &err));
    for (int i = 0; i < 4; i++) {
        double raw = column(t, "n")->integer[i];
        assert_true(x[i * 9] == (raw - n->center) / n->scale);
        assert_true(x[i * 9 + (int)prepared(p, "k")->first] == 0);
    }
    assert_true(x[c->first] == 0 && x[c->first + 1] == 0 && x[c->first + 2] == 1);
    double sum = 0, squares = 0;
    for (int i = 0; i < 4; i++) {
        double v = x[i * 9 + (int)prepared(p, "d")->first];
        sum += v;
        squares += v * v;
    }
    assert_true(fabs(sum) < 1e-9 && fabs(squares - 4) < 1e-9);
    an_prep_free(p);
    an_table_free(t);
}

static void test_range_robust_none(void **state)
{
    (void)state;
    an_table *t = made();
    char range[] = "range", robust[] = "robust", none[] = "none", mean[] = "mean", zero[] = "zero", ordinal[] = "ordinal";
    an_prep *p =
        an_prep_fit(t, NULL, 0, &(an_prep_options){ .scale = range, .impute = mean, .category = ordinal, .with_target = true }, NULL);
    assert_true(p->target_last);
    assert_int_equal(p->width, 8);
    assert_true(prepared(p, "m")->fill == 5);
    double x[32];
    assert_true(an_prep_apply(p, t, NULL, 4, x, NULL, NULL));
    assert_true(x[0] == -1 && x[24] == 1);                      /* n */
    assert_true(x[3] == 1 && x[8 + 3] == -1);                   /* b */
    assert_true(x[4] == 1 && x[8 + 4] == -1 && x[24 + 4] == 0); /* c: blue green red */
    assert_true(x[7] == -1 && x[16 + 7] == 1);                  /* y */
    an_prep_free(p);
    p = an_prep_fit(t, NULL, 0, &(an_prep_options){ .scale = robust, .impute = zero }, NULL);
    const an_prep_column *n = prepared(p, "n");
    assert_true(n->center == 2.5 && n->scale == 3.75 - 1.75);
    assert_true(prepared(p, "m")->fill == 0);
    an_prep_free(p);
    static const size_t rows[] = { 1, 2 }; /* a training part: its numbers only */
    p = an_prep_fit(t, rows, 2, &(an_prep_options){ .scale = none }, NULL);
    assert_true(prepared(p, "n")->low == 2 && prepared(p, "n")->high == 3);
    assert_int_equal(prepared(p, "c")->width, 2);
    size_t unseen;
    double out[4 * 16];
    assert_true(an_prep_apply(p, t, NULL, 4, out, &unseen, NULL));
    assert_int_equal(unseen, 1); /* green */
    const an_prep_column *c = prepared(p, "c");
    assert_true(out[3 * p->width + c->first] == 0 && out[3 * p->width + c->first + 1] == 0);
    an_buf outside = { 0 };
    an_prep_out_of_range(p, t, 3, &outside);
    assert_string_equal(outside.data, "n;r;m;c;d");
    an_buf_clear(&outside);
    an_prep_out_of_range(p, t, 1, &outside);
    assert_int_equal(outside.size, 0);
    an_buf_free(&outside);
    an_prep_free(p);
    an_table_free(t);
}

static void test_apply_to_other_tables(void **state)
{
    (void)state;
    an_table *t = made();
    an_prep *p = an_prep_fit(t, NULL, 0, NULL, NULL);
    double x[16];
    an_error err = { 0 };
    size_t unseen;
    /* two rows: the category is a text here, the boolean an integer, an all-missing column, other order, one column more */
    an_table *u = parse("c,b,extra,d,m,k,r,n\nred,1,x,2026-01-01,,5,0.5,1\n,0,y,,,5,0.5,2\n", NULL);
    assert_true(an_prep_apply(p, u, (const size_t[]){ 1 }, 1, x, &unseen, &err));
    const an_prep_column *c = prepared(p, "c");
    assert_true(x[c->first + 2] == 1); /* missing: the most frequent */
    assert_int_equal(unseen, 0);
    an_table_free(u);
    u = parse("c,b,d,m,k,r\nred,1,2026-01-01,,5,0.5\n", NULL);
    assert_false(an_prep_apply(p, u, NULL, 1, x, NULL, &err));
    assert_int_equal(err.code, AN_INPUT);
    assert_non_null(strstr(err.message, "needs column n"));
    an_table_free(u);
    u = parse("c,b,d,m,k,r,n\nred,1,2026-01-01,,5,0.5,seven\n", NULL);
    assert_false(an_prep_apply(p, u, NULL, 1, x, NULL, &err));
    assert_non_null(strstr(err.message, "row 1 is \"seven\""));
    an_table_free(u);
    an_prep_free(p);
    u = parse("t,x\nabc,1\ndef,2\n", NULL);
    assert_null(an_prep_fit(u, NULL, 0, NULL, &err)); /* text */
    assert_int_equal(err.code, AN_INPUT);
    an_table_free(u);
    an_table_free(t);
}

static void test_invert(void **state)
{
    (void)state;
    an_table *t = made();
    static char range[] = "range", standard[] = "standard", ordinal[] = "ordinal", onehot[] = "onehot";
    for (int way = 0; way < 4; way++) {
        an_prep_options o = { .scale = way & 1 ? range : standard, .category = way & 2 ? ordinal : onehot, .with_target = true };
        an_prep *p = an_prep_fit(t, NULL, 0, &o, NULL);
        double x[64];
        float f[64];
        assert_true(an_prep_apply(p, t, NULL, 4, x, NULL, NULL));
        for (size_t i = 0; i < 4 * p->width; i++) f[i] = (float)x[i];
        an_table *back = an_prep_invert(p, f, 4, NULL);
        assert_int_equal(back->columns, 8);
        for (size_t j = 0; j < t->columns; j++) {
            const an_column *c = column(back, t->column[j].name);
            assert_int_equal(c->type, t->column[j].type);
            assert_int_equal(c->role, t->column[j].role);
            for (size_t i = 0; i < 4; i++) {
                if (an_valid(&t->column[j], i)) assert_string_equal(cell(back, c->name, i), cell(t, c->name, i));
            }
        }
        assert_string_equal(cell(back, "m", 0), "4"); /* the fill */
        an_table_free(back);
        for (size_t i = 0; i < 4 * p->width; i++) f[i] = i % 2 ? 1e30f : -1e30f; /* far out: clamped to what was seen */
        back = an_prep_invert(p, f, 4, NULL);
        an_buf outside = { 0 };
        for (size_t i = 0; i < 4; i++) an_prep_out_of_range(p, back, i, &outside);
        assert_int_equal(outside.size, 0);
        an_buf_free(&outside);
        an_table_free(back);
        an_prep_free(p);
    }
    an_table_free(t);
}

static void test_steps(void **state)
{
    (void)state;
    an_table *t = parse("a,b,c,d,e,f\n0.5,0.01,1.25,0.123457,0.3333333,1000000.1\n-1,12.37,3,7.5,0.1,-2.3\n2.5,3,0.15,1,1,5\n", NULL);
    an_prep *p = an_prep_fit(t, NULL, 0, NULL, NULL);
    static const double steps[] = { 0.5, 0.01, 0.05, 1e-6, 0, 0.1 };
    for (size_t j = 0; j < 6; j++) assert_true(p->column[j].step == steps[j]);
    an_prep_free(p);
    an_table_free(t);
}

static void test_json(void **state)
{
    (void)state;
    an_table *t = made();
    an_set_missing(t, column(t, "n"), 0);
    for (size_t i = 1; i < 4; i++) an_set_missing(t, column(t, "n"), i); /* nothing to learn from: ranges are null */
    an_prep *p = an_prep_fit(t, NULL, 0, NULL, NULL);
    json_t *j = an_prep_json(p);
    char *first = an_json_text(j, false);
    an_error err = { 0 };
    json_t *parsed = an_json_parse(first, strlen(first), "prep", &err);
    an_prep *q = an_prep_from_json(parsed, &err);
    if (!q) fail_msg("%s", err.message);
    json_t *k = an_prep_json(q);
    char *second = an_json_text(k, false);
    assert_string_equal(first, second);
    double x[64], y[64];
    assert_true(an_prep_apply(p, t, NULL, 4, x, NULL, NULL));
    assert_true(an_prep_apply(q, t, NULL, 4, y, NULL, NULL));
    assert_memory_equal(x, y, 4 * p->width * sizeof *x);
    json_t *column0 = json_array_get(json_object_get(parsed, "columns"), 1);
    json_object_set_new(column0, "scale", json_real(0));
    assert_null(an_prep_from_json(parsed, &err));
    assert_int_equal(err.code, AN_CORRUPT);
    json_object_set_new(column0, "scale", json_real(1));
    json_object_set_new(column0, "first", json_integer(5));
    assert_null(an_prep_from_json(parsed, &err));
    json_object_clear(column0);
    assert_null(an_prep_from_json(parsed, &err));
    assert_null(an_prep_from_json(json_object_get(parsed, "absent"), &err));
    free(first);
    free(second);
    json_decref(j);
    json_decref(k);
    json_decref(parsed);
    an_prep_free(p);
    an_prep_free(q);
    an_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_standard),
        cmocka_unit_test(test_range_robust_none),
        cmocka_unit_test(test_apply_to_other_tables),
        cmocka_unit_test(test_invert),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
