/* CSV that must be refused, with the line and the column named, and the limits of what is accepted. */
#include "help.h"

#include <unistd.h>

static void test_shape(void **state)
{
    (void)state;
    refuse("", NULL, AN_INPUT, "empty", "");
    refuse("\n\n  \n", NULL, AN_INPUT, "empty", "");
    refuse("\xef\xbb\xbf", NULL, AN_INPUT, "empty", "");
    refuse("a,b\n", NULL, AN_INPUT, "header but no row", "");
    refuse("a,b\n1,2\n3\n", NULL, AN_INPUT, "line 3 has 1 fields", "column b");
    refuse("a,b\r\n1,2\r\n\r\n3,4,5\r\n", NULL, AN_INPUT, "line 4 has 3 fields", "2 columns");
    refuse("a,\"b\"\n\"x\ny\",2\n3\n", NULL, AN_INPUT, "line 4 has 1 fields", "column b"); /* lines of the file, not rows */
    refuse("a b\n1 2\n3 4 5\n", &(an_csv_options){ .delimiter = (char[]){ "space" } }, AN_INPUT, "line 3 has 3 fields", "");
    refuse("a,b,a\n1,2,3\n", NULL, AN_INPUT, "the name a stands twice", "columns 1 and 3");
    refuse("a,,c,a\n1,2,3,4\n", NULL, AN_INPUT, "the name a stands twice", "columns 1 and 4"); /* empty ones are named, double ones not */
    refuse("Export;;\na;;\n1;2;3\n", NULL, AN_INPUT, "column 2 has an empty name", "");        /* a title, and no header below it */
    refuse("a,b,,c,d\n1,2,,3,4\n5,6,,7,8\n", NULL, AN_INPUT, "column 3 has an empty name", "no row has a value"); /* two tables */
    refuse("a;b;\n1;2;\n3;4\n", NULL, AN_INPUT, "line 3 has 2 fields", "column c3");
    refuse("sep=;\na;b\n1;2\n3\n", NULL, AN_INPUT, "line 4 has 1 fields", "column b");
    refuse("\xff\xfe"
           "a\0",
           NULL, AN_INPUT, "UTF-16", "");
}

static void test_quotes(void **state)
{
    (void)state;
    refuse("a,b\n1,2\n3,\"open\n4,5\n", NULL, AN_INPUT, "line 3, column b: a quote opens here and is never closed", "");
    refuse("a,\"b\n1,2\n", NULL, AN_INPUT, "line 1, field 2: a quote opens", "");
    refuse("a,b\n\"x\"y,2\n", NULL, AN_INPUT, "line 2, column a: text stands behind the closing quote", "");
}

static void test_nul(void **state)
{
    (void)state;
    refuse_bytes("a,b\n1,2\n3,4\0\n5,6\n", 18, NULL, AN_INPUT, "line 3, column b: a zero byte", "");
    refuse_bytes("a,b\0c\n1,2\n", 11, NULL, AN_INPUT, "line 1, field 2: a zero byte", "");
}

static void test_text_among_numbers(void **state)
{
    (void)state;
    an_buf text = { 0 };
    an_buf_puts(&text, "torque,n\n");
    for (int i = 0; i < 2000; i++) an_buf_printf(&text, i == 1700 ? "1O.4,%d\n" : "10.4,%d\n", i);
    refuse(text.data, NULL, AN_INPUT, "line 1702, column torque: \"1O.4\" is not a number", "1999 of 2000");
    an_buf_clear(&text);
    an_buf_puts(&text, "torque,n\n"); /* in the sample, too */
    for (int i = 0; i < 100; i++) an_buf_printf(&text, i == 3 ? "n.a.,%d\n" : "7,%d\n", i);
    refuse(text.data, NULL, AN_INPUT, "line 5, column torque: \"n.a.\"", "");
    an_csv_options o = { 0 };
    an_list_add(&o.missing, "n.a.");
    an_table *t = parse(text.data, &o);
    assert_int_equal(column(t, "torque")->type, AN_INTEGER);
    assert_int_equal(column(t, "torque")->missing, 1);
    an_table_free(t);
    an_list_free(&o.missing);
    an_list_add(&o.type, "torque=category");
    t = parse(text.data, &o);
    assert_int_equal(column(t, "torque")->type, AN_CATEGORY);
    an_table_free(t);
    an_list_free(&o.type);
    an_buf_free(&text);
    an_list_add(&o.type, "a=integer");
    refuse("a,b\n1,2\n1.5,3\n", &o, AN_INPUT, "line 3, column a: \"1.5\" is not an integer", "");
    an_list_free(&o.type);
    an_list_add(&o.type, "a=datetime");
    refuse("a,b\n2026-01-01,2\n31/31/2026,3\n", &o, AN_INPUT, "line 3, column a: \"31/31/2026\"", "");
    an_list_free(&o.type);
    an_list_add(&o.type, "torqe=real");
    an_error err = { 0 };
    assert_null(an_csv_parse("torque\n1\n", 9, "x", &o, NULL, NULL, &err));
    assert_int_equal(err.code, AN_NOT_FOUND);
    assert_non_null(strstr(err.hint, "torque"));
    an_list_free(&o.type);
    an_list_add(&o.type, "torque=number");
    assert_null(an_csv_parse("torque\n1\n", 9, "x", &o, NULL, NULL, &err));
    assert_int_equal(err.code, AN_USAGE);
    an_list_free(&o.type);
}

static void test_long_fields(void **state)
{
    (void)state;
    an_buf text = { 0 };
    char *block = an_alloc(10 << 20);
    memset(block, 'x', 10 << 20);
    an_buf_puts(&text, "id,note\n1,");
    an_buf_add(&text, block, 10 << 20);
    an_buf_puts(&text, "\n2,\"");
    an_buf_add(&text, block, 10 << 20);
    an_buf_puts(&text, "\"\n3,short\n");
    an_table *t = parse(text.data, NULL);
    const an_column *c = column(t, "note");
    assert_int_equal(c->type, AN_TEXT);
    assert_int_equal(c->text.offset[1], 10 << 20);
    assert_int_equal(c->text.offset[2], 20 << 20);
    assert_int_equal(c->text.bytes[0], 'x');
    an_table_free(t);
    an_buf_clear(&text);
    an_buf_puts(&text, "id,note\n1,a\n2,");
    an_buf_add(&text, block, 10 << 20);
    an_buf_add(&text, block, 10 << 20);
    refuse(text.data, NULL, AN_INPUT, "line 3, column note: the field is longer than 16 MB", "");
    an_buf_clear(&text);
    an_buf_puts(&text, "id,note\n1,a\n2,\"");
    an_buf_add(&text, block, 10 << 20);
    an_buf_add(&text, block, 10 << 20);
    an_buf_puts(&text, "\"\n");
    refuse(text.data, NULL, AN_INPUT, "line 3, column note: the field is longer than 16 MB", "");
    free(block);
    an_buf_free(&text);
}

static void test_options(void **state)
{
    (void)state;
    char bad[] = "semi", x[] = "x", same[] = ",", latin[] = "koi8", percent[] = "%Q";
    refuse("a\n1\n", &(an_csv_options){ .delimiter = bad }, AN_USAGE, "--delimiter", "semi");
    refuse("a\n1\n", &(an_csv_options){ .decimal = x }, AN_USAGE, "--decimal", "x");
    refuse("a\n1\n", &(an_csv_options){ .decimal = same, .thousands = same }, AN_USAGE, "same character", "");
    refuse("a\n1\n", &(an_csv_options){ .decimal = same, .delimiter = same }, AN_USAGE, "same character", "");
    refuse("a\n1\n", &(an_csv_options){ .encoding = latin }, AN_USAGE, "--encoding", "");
    refuse("a\n1\n", &(an_csv_options){ .date_format = percent }, AN_USAGE, "date format", "");
    char utf8[] = "utf-8";
    refuse("a,b\n1,x\n2,M\xfcller\n", &(an_csv_options){ .encoding = utf8 }, AN_INPUT, "line 3 is not UTF-8", "");
    an_error err = { 0 };
    assert_null(an_csv_read("/nonexistent/file.csv", NULL, NULL, NULL, &err));
    assert_int_equal(err.code, AN_NOT_FOUND);
    assert_null(an_csv_read("/tmp", NULL, NULL, NULL, &err));
    assert_int_equal(err.code, AN_INPUT);
}

/* Between blanks an empty field cannot be told from none: it is written in quotes, and comes back as missing. */
static void test_written_between_blanks(void **state)
{
    (void)state;
    an_error err = { 0 };
    an_csv_dialect d = { 0 };
    static const char text[] = "1.5 NaN a\n2.5 3 NaN\nNaN 4 b\n4.5 5 a\n5.5 6 b\n";
    an_table *t = an_csv_parse(text, strlen(text), "f.txt", &(an_csv_options){ .no_header = true }, &d, NULL, &err);
    if (!t) fail_msg("%s", err.message);
    assert_int_equal(d.delimiter, ' ');
    char path[] = "/tmp/andon_csv_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    an_buf bytes = { 0 };
    assert_true(an_csv_write_as(t, path, &d, &err) && an_file_read(path, 1 << 20, &bytes, &err));
    assert_string_equal(bytes.data, "c1 c2 c3\n1.5 \"\" a\n2.5 3 \"\"\n\"\" 4 b\n4.5 5 a\n5.5 6 b\n");
    an_table *back = an_csv_read(path, NULL, &d, NULL, &err);
    if (!back) fail_msg("%s", err.message);
    assert_int_equal(d.delimiter, ' ');
    assert_int_equal(back->rows, 5);
    for (size_t j = 0; j < 3; j++) assert_int_equal(back->column[j].missing, 1);
    assert_true(back->column[1].integer[2] == 4 && !an_valid(&back->column[0], 2));
    unlink(path);
    an_buf_free(&bytes);
    an_table_free(t);
    an_table_free(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shape),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_text_among_numbers),
        cmocka_unit_test(test_long_fields),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_written_between_blanks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
