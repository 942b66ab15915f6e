/* Files as plants write them, and what comes after: numbers of two readings, blanks between thousands, a minus behind, totals below
 * serials, marks of generated rows half gone, keys under other names, labels that come later. */
#include "help.h"

static bool told(const an_list *notes, const char *part)
{
    for (size_t i = 0; i < notes->count; i++)
        if (strstr(notes->items[i], part)) return true;
    return false;
}

/* ---- numbers ---- */

static void test_two_marks(void **state)
{
    (void)state;
    refuse("f;ok\n1.234;0\n1,234;1\n", NULL, AN_INPUT, "line 3, column f: \"1,234\" may be 1234 or 1.234",
           "and \"1.234\" in line 2 1.234 or 1234");
    refuse("\xef\xbb\xbf"
           "a|f\r1|1.234\r2|-1,234\r",
           NULL, AN_INPUT, "column f", "decimal mark");
    refuse("f,ok\n1.234,0\n\"1,234\",1\n", NULL, AN_INPUT, "column f", "may be 1234 or 1.234");
    char point[] = ".", comma[] = ",";
    an_table *t = parse("f;ok\n1.234;0\n1,234;1\n", &(an_csv_options){ .decimal = point, .thousands = comma });
    assert_true(column(t, "f")->real[0] == 1.234 && column(t, "f")->real[1] == 1234);
    an_table_free(t);
    an_csv_options text = { 0 }; /* a column that is to be text is no question */
    an_list_add(&text.type, "f=text");
    t = parse("f;ok\n1.234;0\n1,234;1\n", &text);
    assert_string_equal(cell(t, "f", 1), "1,234");
    an_table_free(t);
    an_list_free(&text.type);
}

static void expect_number(const char *text, double first)
{
    an_table *t = parse(text, NULL);
    const an_column *c = column(t, "x");
    if (c->type == AN_TEXT || c->type == AN_CATEGORY) fail_msg("%s: a text", text);
    double got = an_cell_number(c, 0);
    if (got != first) fail_msg("%s: %.17g where %.17g was expected", text, got, first);
    an_table_free(t);
}

static void test_blank_thousands(void **state)
{
    (void)state;
    expect_number("x;y\n1 200,5;0\n12 345 678,25;1\n", 1200.5);
    expect_number("x;y\n1\xc2\xa0"
                  "200;0\n2\xc2\xa0"
                  "300;1\n",
                  1200); /* no-break blank */
    expect_number("x;y\n1\xe2\x80\xaf"
                  "200;0\n2\xe2\x80\xaf"
                  "300;1\n",
                  1200); /* narrow no-break blank */
    expect_number("x;y\n-1\xe2\x80\x89"
                  "200,5;0\n2\xe2\x80\x89"
                  "300;1\n",
                  -1200.5); /* thin blank */
    expect_number("x;y\n1\xa0"
                  "200,5;\xe4\n2\xa0"
                  "300,5;b\n",
                  1200.5); /* Latin-1 */
    expect_number("x,y\n1'200.5,0\n2'300.5,1\n", 1200.5);
    expect_number("x;y\n1\xe2\x80\x99"
                  "200.5;0\n2\xe2\x80\x99"
                  "300.5;1\n",
                  1200.5);
    expect_number("x;y\n1 200;0\n312;1\n", 1200);                        /* numbers below 1000 beside it */
    an_table *t = parse("x;y\n100 200;0\n101 201;1\n102 202;1\n", NULL); /* codes may look so */
    assert_int_equal(column(t, "x")->type, AN_TEXT);
    an_table_free(t);
    t = parse("x;y\n12 34;1 200,5\n3 456;2,5\n", NULL); /* no groups of three */
    assert_int_equal(column(t, "x")->type, AN_TEXT);
    assert_true(column(t, "y")->real[0] == 1200.5);
    an_table_free(t);
    char space[] = "space";
    t = parse("x;y\n100 200;0\n101 201;1\n", &(an_csv_options){ .thousands = space });
    assert_true(column(t, "x")->integer[1] == 101201);
    an_table_free(t);
}

static void advice(const char *format, int modulus, const char *expected)
{
    an_buf text = { 0 };
    an_buf_puts(&text, "x;y\n");
    for (int i = 0; i < 40; i++) {
        char cell_text[64];
        an_buf line = { 0 };
        for (const char *p = format; *p; p++) {
            if (*p == '#')
                an_buf_printf(&line, "%d", 10 + i % modulus);
            else
                an_buf_putc(&line, *p);
        }
        snprintf(cell_text, sizeof cell_text, "%s", line.data);
        an_buf_free(&line);
        an_buf_printf(&text, "%s;%d\n", cell_text, i % 3);
    }
    an_table *t = parse(text.data, NULL);
    an_list notes = { 0 };
    an_error err = { 0 };
    if (!an_table_assign(t, &(an_roles){ 0 }, &notes, &err)) fail_msg("%s", err.message);
    bool any = told(&notes, "they look like numbers") || told(&notes, "begin with digits");
    if (expected ? !told(&notes, expected) : any) fail_msg("%s: %s", format, notes.count ? notes.items[0] : "nothing told");
    an_list_free(&notes);
    an_table_free(t);
    an_buf_free(&text);
}

static void test_advice(void **state)
{
    (void)state;
    advice("0,#-", 40, "though they look like numbers: a minus behind");
    advice("0,# %", 40, "take the % out");
    advice("0,# %", 5, "x: a category of 5 texts, though they look like numbers: take the % out");
    advice("2.# kN", 40, "--unit COLUMN=UNIT");
    advice("1# 20#", 40, "though they look like numbers: is it --decimal, --thousands");
    advice("# of #", 40, "though most begin with digits");
    advice("P#", 40, NULL);
    advice("A#-3", 5, NULL);
    refuse("x\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n18\n19\n20\n0.2-\n", NULL, AN_INPUT, "\"0.2-\" is not a number",
           "x");
}

static void test_times_in_any_order(void **state)
{
    (void)state;
    an_buf text = { 0 };
    an_buf_puts(&text, "at;again;x\n");
    for (int i = 0; i < 30; i++) {
        int k = i * 7 % 30;
        an_buf_printf(&text, "2026-01-%02d 10:00:00;2026-01-%02d;%d.5\n", 1 + k, 1 + k / 2, i);
    }
    an_table *t = parse(text.data, NULL);
    an_list notes = { 0 };
    an_error err = { 0 };
    if (!an_table_assign(t, &(an_roles){ 0 }, &notes, &err)) fail_msg("%s", err.message);
    assert_int_equal(column(t, "at")->role, AN_IGNORED);
    assert_string_equal(column(t, "at")->reason, "identifier");
    assert_true(told(&notes, "at: identifier: times that never repeat (with --time"));
    assert_int_equal(column(t, "again")->role, AN_FEATURE); /* each day twice */
    an_list_free(&notes);
    an_table_free(t);
    an_buf_free(&text);
}

/* ---- totals below serials ---- */

static void test_totals_below_names(void **state)
{
    (void)state;
    static const char *const words[] = { "Mittelwert", "Mean", "Average", "Max", "Min", "StdDev", "Stabw", "Summe" };
    for (size_t k = 0; k < AN_COUNT(words); k++) {
        for (int names = 0; names < 2; names++) {
            char text[200];
            const char *p = names ? "P" : "";
            snprintf(text, sizeof text, "s;v\n%s1;2,5\n%s2;3,5\n%s3;4,5\n%s4;5,5\n%s;4,0\nMax;5,5\n", p, p, p, p, words[k]);
            an_table *t = parse(text, NULL);
            if (t->rows != 4 || column(t, "v")->type != AN_REAL) fail_msg("%s: %zu rows", text, t->rows);
            an_table_free(t);
            t = parse(text, &(an_csv_options){ .keep_totals = true, .no_units_row = true });
            assert_int_equal(t->rows, 6);
            an_table_free(t);
        }
    }
    an_table *t = parse("level;v\nmin;1\nmax;2\nmin;3\nmax;4\n", NULL); /* a column of such words */
    assert_int_equal(t->rows, 4);
    an_table_free(t);
    t = parse("s;kind\nP1;a\nP2;b\nP3;a\nMax;b\n", NULL); /* no number stands beside it */
    assert_int_equal(t->rows, 4);
    an_table_free(t);
}

/* ---- marks of generated rows ---- */

static void test_half_marked(void **state)
{
    (void)state;
    static const char *const names[3] = { "_generator", "_seed", "_row" };
    for (unsigned set = 1; set < 8; set++) {
        for (int upper = 0; upper < 2; upper++) {
            an_buf head = { 0 }, row = { 0 };
            an_buf_puts(&head, "x");
            an_buf_puts(&row, "1.5");
            for (unsigned k = 0; k < 3; k++) {
                if (!(set >> k & 1)) continue;
                char name[16];
                snprintf(name, sizeof name, "%s", names[k]);
                if (upper) name[1] = (char)(name[1] - 32);
                an_buf_printf(&head, ",%s", name);
                an_buf_puts(&row, k ? ",7" : ",g/1");
            }
            char *text = an_format("%s\n%s\n", head.data, row.data);
            if (set == 7) {
                an_table *t = parse(text, NULL);
                assert_true(an_table_generated(t, 0) && t->columns == 1);
                an_table_free(t);
            } else {
                refuse(text, NULL, AN_REFUSED, "mark generated rows", " but not _");
            }
            free(text);
            an_buf_free(&head);
            an_buf_free(&row);
        }
    }
    refuse("x,_generator,_seed,_row,_ROW\n1,g,1,1,1\n", NULL, AN_REFUSED, "several times", "_row");
    an_table *t = parse("x,row,seed\n1,2,3\n", NULL); /* these are no marks */
    assert_int_equal(t->columns, 3);
    an_table_free(t);
}

static void test_half_marked_parquet(void **state)
{
    (void)state;
    an_table *t = parse("x,keep_row,keep_seed\n1.5,1,2\n2.5,2,3\n", NULL);
    an_error err = { 0 };
    an_column *c = column(t, "keep_row");
    free(c->name);
    c->name = an_strdup("_row");
    char path[] = "test_half_marked.parquet";
    if (!an_parquet_write(t, path, &err)) fail_msg("%s", err.message);
    assert_null(an_parquet_read(path, NULL, &err));
    assert_int_equal(err.code, AN_REFUSED);
    assert_non_null(strstr(err.message, "_row but not _generator, _seed"));
    an_table_free(t);
    remove(path);
}

/* ---- keys of other names ---- */

static void test_keys_by_table(void **state)
{
    (void)state;
    an_table *a = parse("Seriennummer,x\nA1,1\nA2,2\nA3,3\n", NULL), *b = parse("n,SerialNo,y\n0,A3,6\n1,A1,4\n0,A2,5\n", NULL),
             *c = parse("Serial=No,Seriennummer,z\nA2,u,8\nA1,v,7\n", NULL);
    const an_table *const two[] = { a, b }, *const three[] = { a, b, c };
    const char *const names[] = { "press", "screw", "eol" };
    an_join_options o = { 0 };
    an_error err = { 0 };
    an_params_defaults(an_join_params, &o);
    free(o.on);
    o.on = an_strdup("Seriennummer=SerialNo");
    an_table *t = an_table_join(two, names, 2, &o, NULL, NULL, &err);
    if (!t) fail_msg("%s", err.message);
    an_buf text = { 0 };
    an_csv_text(t, true, &text);
    assert_string_equal(text.data, "Seriennummer,x,n,y\nA1,1,1,4\nA2,2,0,5\nA3,3,0,6\n");
    an_table_free(t);
    assert_null(an_table_join(three, names, 3, &o, NULL, NULL, &err));
    assert_int_equal(err.code, AN_USAGE);
    assert_non_null(strstr(err.message, "names 2 columns, and there are 3 tables"));
    free(o.on);
    o.on = an_strdup("Seriennummer");
    err = (an_error){ 0 };
    assert_null(an_table_join(two, names, 2, &o, NULL, NULL, &err));
    assert_int_equal(err.code, AN_NOT_FOUND);
    assert_non_null(strstr(err.message, "screw: there is no column Seriennummer"));
    assert_non_null(strstr(err.hint, "--on Seriennummer=SerialNo "));
    an_table *d = parse("Serial=No,w\nA1,1\nA2,2\n", NULL); /* a name with = in it */
    free(o.on);
    o.on = an_strdup("Serial=No");
    t = an_table_join((const an_table *const[]){ c, d }, names, 2, &o, NULL, NULL, &err);
    if (!t) fail_msg("%s", err.message);
    assert_int_equal(t->rows, 2);
    an_table_free(t);
    an_buf_free(&text);
    an_params_free(an_join_params, &o);
    an_table_free(a);
    an_table_free(b);
    an_table_free(c);
    an_table_free(d);
}

/* ---- labels that come later ---- */

static void test_filled(void **state)
{
    (void)state;
    an_table *t = parse("serial,x,note,kind,ok\nP1,1,,A,OK\nP2,2,seen,,\nP3,3,,B,\nP4,4,,C,\nP5,5,,A,\nP5,6,,A,\n", NULL),
             *more = parse("serial,x,note,kind,ok\nP2,2,,D,NOK\nP3,3.5,new,B,OK\nP4,,late,C,NOK\nP5,5,,A,OK\nP6,7,,B,OK\nP1,1,,A,\n", NULL);
    column(t, "serial")->role = AN_ID;
    json_t *report;
    an_grown grown;
    an_error err = { 0 };
    an_table *out = an_table_grow_rows(t, more, &grown, &report, &err);
    if (!out) fail_msg("%s", err.message);
    an_buf text = { 0 };
    an_csv_text(out, true, &text);
    /* P2 and P4 are filled (a missing x says nothing); P3 conflicts and stays as it is; P5 is two rows: nobody knows which */
    assert_string_equal(text.data,
                        "serial,x,note,kind,ok\nP1,1,,A,OK\nP2,2,seen,D,NOK\nP3,3,,B,\nP4,4,late,C,NOK\nP5,5,,A,\nP5,6,,A,\nP6,7,,B,OK\n");
    assert_int_equal(json_integer_value(json_object_get(report, "filled")), 2);
    assert_int_equal(json_integer_value(json_object_get(report, "cells_filled")), 4);
    assert_int_equal(json_integer_value(json_object_get(report, "conflict_count")), 2);
    assert_int_equal(json_integer_value(json_object_get(report, "rows_added")), 1);
    assert_int_equal(grown.count, 1);
    assert_int_equal(grown.row[0], 4);
    assert_int_equal(grown.filled_count, 2);
    assert_true(grown.fill[0] == 0 && grown.filled[0] == 1 && grown.fill[1] == 2 && grown.filled[1] == 3);
    const an_column *c = column(out, "ok");
    size_t missing = 0;
    for (size_t i = 0; i < out->rows; i++) missing += !an_valid(c, i);
    assert_int_equal(missing, c->missing);
    json_decref(report);
    an_grown_free(&grown);
    an_table *again = an_table_grow(out, more, &report, &err);
    assert_int_equal(json_integer_value(json_object_get(report, "filled")), 0); /* once filled, nothing is left to fill */
    json_decref(report);
    an_table_free(again);
    an_buf_free(&text);
    an_table_free(out);
    an_table_free(t);
    an_table_free(more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_marks),           cmocka_unit_test(test_blank_thousands),    cmocka_unit_test(test_advice),
        cmocka_unit_test(test_times_in_any_order),  cmocka_unit_test(test_totals_below_names), cmocka_unit_test(test_half_marked),
        cmocka_unit_test(test_half_marked_parquet), cmocka_unit_test(test_keys_by_table),      cmocka_unit_test(test_filled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
