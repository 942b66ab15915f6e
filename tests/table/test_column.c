/* Tables in memory: columns, cells, selection, appending, classes and labels, row keys. */
#include "help.h"

#include <math.h>

static void test_add_and_find(void **state)
{
    (void)state;
    an_error err = { 0 };
    an_table *t = an_table_new(100);
    static const an_type types[] = { AN_REAL, AN_INTEGER, AN_BOOLEAN, AN_CATEGORY, AN_DATETIME, AN_TEXT };
    for (size_t k = 0; k < AN_COUNT(types); k++) {
        an_column *c = an_table_add(t, an_type_name(types[k]), types[k], &err);
        assert_non_null(c);
        assert_int_equal(c->missing, 100);
        for (size_t i = 0; i < 100; i++) assert_true(!an_valid(c, i) && isnan(an_cell_number(c, i)));
        assert_string_equal(cell(t, an_type_name(types[k]), 99), "");
    }
    assert_null(an_table_add(t, "real", AN_TEXT, &err));
    assert_int_equal(err.code, AN_INPUT);
    assert_null(an_table_need(t, "intger", &err));
    assert_int_equal(err.code, AN_NOT_FOUND);
    assert_non_null(strstr(err.hint, "integer"));
    an_column *c = an_table_need(t, "integer", &err);
    c->integer[7] = -5;
    an_set_valid(c, 7);
    an_set_valid(c, 7);
    assert_int_equal(c->missing, 99);
    assert_string_equal(cell(t, "integer", 7), "-5");
    an_set_missing(t, c, 7);
    assert_int_equal(c->missing, 100);
    assert_true(c->integer[7] == 0);
    c = column(t, "boolean");
    free(c->valid);
    c->valid = NULL; /* all valid */
    c->missing = 0;
    an_set_missing(t, c, 64);
    assert_true(!an_valid(c, 64) && an_valid(c, 63) && an_valid(c, 65) && an_valid(c, 99));
    assert_true(an_table_bytes(t) > 100 * (8 + 8 + 1 + 4 + 8 + 8));
    assert_null(an_table_target(t, &err));
    an_table_free(t);
    for (int k = AN_REAL; k <= AN_TENSOR; k++) {
        an_type type;
        assert_true(an_type_parse(an_type_name((an_type)k), &type) && type == (an_type)k);
    }
    for (int k = AN_FEATURE; k <= AN_IGNORED; k++) {
        an_role role;
        assert_true(an_role_parse(an_role_name((an_role)k), &role) && role == (an_role)k);
    }
}

static const char *const sample = "n,x,c,t,_generator,_seed,_row\n"
                                  "1,0.5,a,one,,,\n"
                                  "2,,b,,,,\n"
                                  ",1.5,a,three,g/1,5,0\n"
                                  "4,2.5,,four,g/1,5,1\n"
                                  "5,3.5,b,five five,h/1,6,0\n";

static void test_select(void **state)
{
    (void)state;
    an_csv_options o = { 0 };
    an_list_add(&o.type, "c=category");
    an_table *t = parse(sample, &o);
    static const size_t rows[] = { 4, 2, 2, 0 };
    an_table *s = an_table_select(t, rows, 4, NULL);
    assert_int_equal(s->rows, 4);
    assert_string_equal(cell(s, "t", 0), "five five");
    assert_string_equal(cell(s, "t", 1), "three");
    assert_string_equal(cell(s, "c", 0), "b");
    assert_int_equal(column(s, "n")->missing, 2);
    assert_int_equal(s->origin[1], 1);
    assert_int_equal(s->origin[3], 0);
    an_table_free(s);
    static const char *const names[] = { "t", "n" };
    s = an_table_select_columns(t, names, 2, NULL);
    assert_int_equal(s->columns, 2);
    assert_string_equal(s->column[0].name, "t");
    assert_true(an_table_generated(s, 2));
    an_table_free(s);
    static const char *const wrong[] = { "t", "u" };
    assert_null(an_table_select_columns(t, wrong, 2, NULL));
    static const size_t beyond[] = { 5 };
    assert_null(an_table_select(t, beyond, 1, NULL));
    s = an_table_select(t, NULL, 0, NULL);
    assert_int_equal(s->rows, 0);
    an_table_free(s);
    an_table_free(t);
    an_list_free(&o.type);
}

static void test_append(void **state)
{
    (void)state;
    an_csv_options o = { 0 };
    an_list_add(&o.type, "c=category");
    an_table *a = parse(sample, &o),
             *b = parse("t,extra,x,c,_generator,_seed,_row\nsix,1,7,Z,h/1,6,9\n\"\",2,,a,,,\nu,3,1,b,new,1,1\n", &o);
    an_error err = { 0 };
    an_table *t = an_table_append(a, b, &err);
    if (!t) fail_msg("%s", err.message);
    assert_int_equal(t->rows, 8);
    assert_int_equal(t->columns, 4);
    assert_int_equal(column(t, "n")->missing, 4);
    assert_true(column(t, "x")->real[5] == 7); /* integer there, real here */
    assert_int_equal(column(t, "x")->missing, 2);
    assert_string_equal(cell(t, "c", 4), "b");
    assert_string_equal(cell(t, "c", 5), "Z");
    assert_string_equal(cell(t, "c", 6), "a");
    assert_string_equal(column(t, "c")->dictionary.names[0], "Z");
    assert_string_equal(cell(t, "t", 4), "five five");
    assert_string_equal(cell(t, "t", 5), "six");
    assert_string_equal(cell(t, "t", 7), "u");
    assert_int_equal(t->origin_count, 3);
    assert_int_equal(t->origin[5], 2);
    assert_int_equal(t->origin[6], 0);
    assert_int_equal(t->origin[7], 3);
    an_table_free(t);
    an_table_free(b);
    b = parse("x\nword\nother\n", NULL);
    assert_null(an_table_append(a, b, &err));
    assert_int_equal(err.code, AN_INPUT);
    an_table_free(b);
    an_table_free(a);
    an_list_free(&o.type);
}

static void test_labels(void **state)
{
    (void)state;
    an_error err = { 0 };
    uint8_t label[8];
    an_table *t = parse("y,z,w,s\n1,-1,true,ok\n0,-1,false,nok\n0,1.5,false,ok\n0,-1,true,ok\n", NULL);
    column(t, "y")->role = AN_TARGET;
    assert_true(an_table_labels(t, label, &err));
    assert_memory_equal(label, "\1\0\0\0", 4);
    t->positive = an_strdup("0.0"); /* numbers compare by value */
    assert_true(an_table_labels(t, label, &err));
    assert_memory_equal(label, "\0\1\1\1", 4);
    free(t->positive);
    t->positive = an_strdup("7");
    assert_false(an_table_labels(t, label, &err));
    free(t->positive);
    t->positive = NULL;
    column(t, "y")->role = AN_FEATURE;
    column(t, "w")->role = AN_TARGET;
    assert_true(an_table_labels(t, label, &err)); /* a tie: the later by bytes */
    assert_memory_equal(label, "\1\0\0\1", 4);
    column(t, "w")->role = AN_FEATURE;
    column(t, "s")->role = AN_TARGET;
    assert_true(an_table_labels(t, label, &err));
    assert_memory_equal(label, "\0\1\0\0", 4);
    an_class_count *classes;
    size_t n;
    assert_true(an_table_classes(t, &classes, &n, &err));
    assert_int_equal(n, 2);
    assert_string_equal(classes[0].name, "nok");
    assert_int_equal(classes[1].count, 3);
    an_class_counts_free(classes, n);
    an_set_missing(t, column(t, "s"), 2);
    assert_false(an_table_labels(t, label, &err));
    assert_non_null(strstr(err.message, "row 3"));
    an_table_free(t);
    t = parse("y,z\n1,a\n1,b\n1,c\n", NULL);
    column(t, "y")->role = AN_TARGET;
    assert_false(an_table_labels(t, label, &err));
    assert_non_null(strstr(err.message, "one class"));
    column(t, "y")->role = AN_FEATURE;
    column(t, "z")->role = AN_TARGET;
    assert_false(an_table_labels(t, label, &err));
    assert_non_null(strstr(err.message, "3 classes"));
    an_table_free(t);
}

static void test_row_keys(void **state)
{
    (void)state;
    uint64_t a[4], b[4];
    an_table *t = parse("x,n,c\n1.5,1,p\n2.5,2,q\n1.5,1,p\n0,,p\n", NULL);
    /* other column order, integers written as reals, a column more that is ignored */
    an_table *u = parse("c,junk,n,x\np,1,1.0,1.5\nq,2,2.0,2.5\np,3,1,1.50\np,4,,-0.0\n", NULL);
    column(u, "junk")->role = AN_IGNORED;
    assert_true(an_table_row_keys(t, a, NULL));
    assert_true(an_table_row_keys(u, b, NULL));
    for (int i = 0; i < 4; i++) assert_true(a[i] == b[i]);
    assert_true(a[0] == a[2] && a[0] != a[1] && a[0] != a[3]);
    column(u, "junk")->role = AN_ID;
    assert_true(an_table_row_keys(u, b, NULL));
    assert_true(b[0] != b[2]);
    an_table_free(t);
    an_table_free(u);
    t = parse("x,_generator,_seed,_row\n1,g,1,0\n1,g,1,1\n1,g,2,0\n1,,,\n", NULL);
    assert_true(an_table_row_keys(t, a, NULL));
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < i; k++) assert_true(a[i] != a[k]);
    }
    an_table_free(t);
    /* recorded once: keys must never change, or rows would wander between training and test part */
    t = parse("a,b\n1,x\n", NULL);
    assert_true(an_table_row_keys(t, a, NULL));
    if (a[0] != UINT64_C(0x3db3eb89b1ffc214)) fail_msg("key is now 0x%016llx", (unsigned long long)a[0]);
    an_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_and_find), cmocka_unit_test(test_select),   cmocka_unit_test(test_append),
        cmocka_unit_test(test_labels),       cmocka_unit_test(test_row_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
