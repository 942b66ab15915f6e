/* Reading CSV: dialects, types, missing values, origins, writing. Refusals are in test_csv_bad.c. */
#include "help.h"

#include <math.h>
#include <unistd.h>
#include <zlib.h>

static an_table *parse_dialect(const char *text, an_csv_dialect *d)
{
    an_error err = { 0 };
    an_table *t = an_csv_parse(text, strlen(text), "test.csv", NULL, d, NULL, &err);
    if (!t) fail_msg("%s", err.message);
    return t;
}

static void test_types(void **state)
{
    (void)state;
    an_table *t = parse("i,r,b,y,d,c,x,m\n"
                        "1,1.5,true,yes,2026-01-01,A,p1,\n"
                        "-2,2,false,no,2026-01-02T10:00:00Z,B,p2,NA\n"
                        "3,,TRUE,NO,2026-01-03,A,p3,?\n"
                        "+4,-1e3,False,Yes,2026-01-04,B,p4,\n"
                        "5,0,true,yes,2026-01-05,A,\"p \"\"5\"\"\",nan\n",
                        NULL);
    assert_int_equal(t->rows, 5);
    assert_int_equal(t->columns, 8);
    assert_int_equal(column(t, "i")->type, AN_INTEGER);
    assert_int_equal(column(t, "r")->type, AN_REAL);
    assert_int_equal(column(t, "b")->type, AN_BOOLEAN);
    assert_int_equal(column(t, "y")->type, AN_BOOLEAN);
    assert_int_equal(column(t, "d")->type, AN_DATETIME);
    assert_int_equal(column(t, "c")->type, AN_CATEGORY);
    assert_int_equal(column(t, "x")->type, AN_TEXT);
    assert_int_equal(column(t, "m")->type, AN_REAL);
    assert_int_equal(column(t, "m")->missing, 5);
    assert_int_equal(column(t, "r")->missing, 1);
    assert_true(isnan(an_cell_number(column(t, "r"), 2)));
    assert_true(column(t, "i")->integer[3] == 4);
    assert_true(column(t, "r")->real[3] == -1000);
    assert_string_equal(cell(t, "x", 4), "p \"5\"");
    assert_string_equal(cell(t, "y", 2), "false");
    assert_string_equal(cell(t, "d", 1), "2026-01-02T10:00:00Z");
    assert_null(column(t, "i")->valid);
    for (size_t j = 0; j < t->columns; j++) assert_int_equal(t->column[j].role, AN_FEATURE);
    an_table_free(t);
}

static void test_integers_become_real(void **state)
{
    (void)state;
    an_buf text = { 0 };
    an_buf_puts(&text, "a,b,c\n");
    for (int i = 0; i < 5000; i++) an_buf_printf(&text, "%d,%d,%d\n", i, i, i);
    an_buf_puts(&text, "0.5,99999999999999999999,7\n");
    an_table *t = parse(text.data, NULL);
    assert_int_equal(column(t, "a")->type, AN_REAL);
    assert_int_equal(column(t, "b")->type, AN_REAL);
    assert_int_equal(column(t, "c")->type, AN_INTEGER);
    for (int i = 0; i < 5000; i++) assert_true(column(t, "a")->real[i] == i && column(t, "c")->integer[i] == i);
    assert_true(column(t, "a")->real[5000] == 0.5);
    assert_true(column(t, "b")->real[5000] == 1e20);
    an_table_free(t);
    an_buf_free(&text);
}

/* The sample promises numbers; the rest of the file says otherwise, so the column is read again. */
static void test_guess_corrected(void **state)
{
    (void)state;
    an_buf text = { 0 };
    an_buf_puts(&text, "a,late,flag,when,n\n");
    for (int i = 0; i < 3000; i++) {
        if (i < 1500) {
            an_buf_printf(&text, "%d,,true,2026-01-01,%d\n", i % 7, i);
        } else {
            an_buf_printf(&text, "K%d,%d,maybe,soon,%d\n", i % 7, i, i);
        }
    }
    an_table *t = parse(text.data, NULL);
    assert_int_equal(column(t, "a")->type, AN_CATEGORY);
    assert_int_equal(column(t, "a")->dictionary.count, 14);
    assert_string_equal(cell(t, "a", 8), "1");
    assert_string_equal(cell(t, "a", 1500), "K2");
    assert_int_equal(column(t, "late")->type, AN_INTEGER);
    assert_int_equal(column(t, "late")->missing, 1500);
    assert_int_equal(column(t, "flag")->type, AN_CATEGORY);
    assert_string_equal(cell(t, "flag", 0), "true");
    assert_int_equal(column(t, "when")->type, AN_CATEGORY);
    assert_int_equal(column(t, "n")->type, AN_INTEGER);
    assert_true(column(t, "n")->integer[2999] == 2999);
    an_table_free(t);
    an_buf_free(&text);
}

static void test_category_or_text(void **state)
{
    (void)state;
    an_buf text = { 0 };
    an_buf_puts(&text, "few,limit,many,half\n");
    for (int i = 0; i < 4000; i++) an_buf_printf(&text, "v%d,v%d,v%d,v%d\n", i % 3, i % 1000, i % 1001, i / 2);
    an_table *t = parse(text.data, NULL);
    assert_int_equal(column(t, "few")->type, AN_CATEGORY);
    assert_int_equal(column(t, "limit")->type, AN_CATEGORY);
    assert_int_equal(column(t, "limit")->dictionary.count, 1000);
    assert_int_equal(column(t, "many")->type, AN_TEXT);
    assert_int_equal(column(t, "half")->type, AN_TEXT);
    for (size_t i = 0; i < 4000; i += 37) {
        char want[16];
        snprintf(want, sizeof want, "v%zu", i % 1001);
        assert_string_equal(cell(t, "many", i), want);
        snprintf(want, sizeof want, "v%zu", i % 1000);
        assert_string_equal(cell(t, "limit", i), want);
    }
    const an_dictionary *d = &column(t, "limit")->dictionary;
    for (int32_t k = 1; k < d->count; k++) assert_true(strcmp(d->names[k - 1], d->names[k]) < 0);
    an_table_free(t);
    an_buf_free(&text);
}

static void test_leading_zeroes_are_kept(void **state)
{
    (void)state;
    an_table *t = parse("serial,x\n0012,00.5\n0013,01.5\n0014,02\n", NULL);
    assert_string_equal(cell(t, "serial", 0), "0012");
    assert_int_equal(column(t, "x")->type, AN_REAL);
    an_table_free(t);
    an_csv_options o = { 0 };
    an_list_add(&o.type, "serial=integer");
    t = parse("serial,x\n0012,00.5\n0013,01.5\n0014,02\n", &o);
    assert_int_equal(column(t, "serial")->type, AN_INTEGER);
    assert_true(column(t, "serial")->integer[0] == 12);
    an_table_free(t);
    an_list_free(&o.type);
}

static void test_delimiters(void **state)
{
    (void)state;
    an_csv_dialect d;
    an_table *t = parse_dialect("a;b\n1,5;2,25\n-3,5;4\n", &d);
    assert_int_equal(d.delimiter, ';');
    assert_int_equal(d.decimal, ',');
    assert_true(column(t, "a")->real[1] == -3.5);
    an_table_free(t);
    t = parse_dialect("a\tb c\tc\n1\t2\t3\n4\t\t6\n", &d);
    assert_int_equal(d.delimiter, '\t');
    assert_int_equal(column(t, "b c")->missing, 1);
    an_table_free(t);
    t = parse_dialect("a|b\nx, y|1\nz|2\n", &d);
    assert_int_equal(d.delimiter, '|');
    assert_string_equal(cell(t, "a", 0), "x, y");
    an_table_free(t);
    t = parse_dialect("a  b   c\n1 2   3.5\n  4   5 NaN  \n", &d);
    assert_int_equal(d.delimiter, ' ');
    assert_int_equal(t->rows, 2);
    assert_true(column(t, "b")->integer[1] == 5);
    assert_int_equal(column(t, "c")->missing, 1);
    an_table_free(t);
    t = parse_dialect("a,b\n\"x;y;z\",1\n\"p;q;r\",2\n", &d);
    assert_int_equal(d.delimiter, ',');
    an_table_free(t);
    t = parse_dialect("one\n2026-01-01 10:00:00\n2026-01-02 10:00:00\n", &d);
    assert_int_equal(t->columns, 1);
    assert_int_equal(t->column[0].type, AN_DATETIME);
    an_table_free(t);
    char semicolon[] = "semicolon", point[] = ".";
    an_csv_options o = { .delimiter = semicolon, .decimal = point };
    t = parse("a;b\n1,5;2\n", &o);
    assert_string_equal(cell(t, "a", 0), "1,5");
    an_table_free(t);
}

static void test_thousands_forced(void **state)
{
    (void)state;
    char dot[] = ".";
    an_csv_options o = { .thousands = dot };
    an_table *t = parse("a;b\n1.234,5;2\n12.345.678;3\n", &o);
    assert_true(column(t, "a")->real[0] == 1234.5);
    assert_true(column(t, "a")->real[1] == 12345678);
    an_table_free(t);
}

static void test_thousands_found(void **state)
{
    (void)state;
    an_csv_dialect d;
    an_table *t = parse_dialect("kraft;druck;n\n13.209,63;2,5;1\n9.876,5;-0,25;2\n", &d);
    assert_int_equal(d.decimal, ',');
    assert_int_equal(d.thousands, '.');
    assert_true(column(t, "kraft")->real[0] == 13209.63 && column(t, "druck")->real[1] == -0.25);
    an_table_free(t);
    t = parse_dialect("kraft;drehzahl\n45,12;2.817\n50,25;1.204\n", &d); /* the point cannot be decimal beside the comma */
    assert_true(column(t, "kraft")->real[0] == 45.12 && column(t, "drehzahl")->integer[1] == 1204);
    an_table_free(t);
    t = parse_dialect("force,pressure\n1.5,\"2,817.5\"\n2.5,\"11,204.25\"\n", &d);
    assert_int_equal(d.decimal, '.');
    assert_int_equal(d.thousands, ',');
    assert_true(column(t, "pressure")->real[1] == 11204.25);
    an_table_free(t);
    t = parse_dialect("a;b\n0.123;1.500\n12.250;2.750\n", &d); /* nothing speaks for thousands */
    assert_int_equal(d.decimal, '.');
    assert_int_equal(d.thousands, 0);
    assert_true(column(t, "a")->real[0] == 0.123 && column(t, "b")->real[1] == 2.75);
    an_table_free(t);
    t = parse_dialect("a;b;c\n1,5;x 1,5;1.5\n2,5;y 2,5;2,5\n3,5;z;3,5\n", &d); /* most columns decide */
    assert_int_equal(d.decimal, ',');
    assert_true(column(t, "a")->real[2] == 3.5);
    an_table_free(t);
    char none[] = "none";
    an_csv_options o = { .thousands = none };
    t = parse("a;b\n1.234,5;2,5\n2.345,5;3,5\n", &o);
    assert_string_equal(cell(t, "a", 0), "1.234,5");
    assert_true(column(t, "b")->real[0] == 2.5);
    an_table_free(t);
    char dot[] = ".";
    o.thousands = dot;
    t = parse("a;b\n0.123;2\n0.456;3\n", &o); /* 0.123 is no number in groups of three */
    assert_string_equal(cell(t, "a", 0), "0.123");
    an_table_free(t);
}

static void on_message(void *context, const char *text)
{
    if (strstr(text, "no name for column")) ++*(int *)context;
}

/* What spreadsheets and data frames write around a table. */
static void test_edges_of_exports(void **state)
{
    (void)state;
    an_csv_dialect d;
    an_table *t = parse_dialect("\xef\xbb\xbfsep=;\r\na;b\r\n1,5;2\r\n2,5;3\r\n", &d);
    assert_int_equal(d.delimiter, ';');
    assert_int_equal(t->rows, 2);
    assert_true(column(t, "a")->real[0] == 1.5);
    an_table_free(t);
    t = parse_dialect("\"sep=|\"\na|b\n1;5|2\n", &d);
    assert_int_equal(d.delimiter, '|');
    assert_string_equal(cell(t, "a", 0), "1;5");
    an_table_free(t);
    t = parse("sep=ab\n1\n", NULL); /* a header like any other */
    assert_int_equal(t->rows, 1);
    an_table_free(t);
    t = parse(",a,b\nrow_0,1,2\nrow_1,3,4\n", NULL);
    assert_string_equal(cell(t, "c1", 1), "row_1");
    an_table_free(t);
    t = parse("a,,c\n1,2,3\n", NULL);
    assert_true(column(t, "c2")->integer[0] == 2);
    an_table_free(t);
    t = parse("a;b;;\n1;2;;\n3;4;;\n", NULL); /* nothing behind the last delimiters anywhere: no columns */
    assert_int_equal(t->columns, 2);
    an_table_free(t);
    t = parse("a;b;\n1;2;\n3;4;5\n", NULL);
    assert_int_equal(column(t, "c3")->missing, 1);
    an_table_free(t);
    int said = 0;
    an_job *job = an_job_new(&(an_job_options){ .sink = { .context = &said, .message = on_message } });
    an_error err = { 0 };
    t = an_csv_parse("c3,x,,\n1,2,3,\n", 14, "test.csv", NULL, &d, job, &err);
    assert_non_null(t);
    assert_int_equal(t->columns, 3);
    assert_true(column(t, "c3_")->integer[0] == 3);
    assert_int_equal(said, 1); /* of c3_, not of the column that went */
    an_table_free(t);
    an_job_free(job);
    t = parse("day;x\n31.12.2026;1\n1.2.2027 06:30;2\n01.03.2027 06:30:15,5;3\n", NULL);
    assert_int_equal(column(t, "day")->type, AN_DATETIME);
    assert_string_equal(cell(t, "day", 1), "2027-02-01T06:30:00Z");
    an_table_free(t);
    t = parse("day;x\n31.12.2026;1\n32.12.2026;2\n", NULL);
    assert_int_not_equal(column(t, "day")->type, AN_DATETIME);
    an_table_free(t);
}

static void test_encodings_and_line_ends(void **state)
{
    (void)state;
    an_csv_dialect d;
    an_table *t = parse_dialect("\xef\xbb\xbf"
                                "a,b\r\n1,x\r\n\r\n2,y\n3,z",
                                &d);
    assert_true(d.bom && d.crlf);
    assert_non_null(an_table_find(t, "a"));
    assert_int_equal(t->rows, 3);
    assert_string_equal(cell(t, "b", 2), "z");
    an_table_free(t);
    t = parse_dialect("Pr\xfc"
                      "fer,n\nM\xfcller,1\n\"Gro\xdf\",2\n",
                      &d);
    assert_string_equal(d.encoding, "latin-1");
    assert_string_equal(t->column[0].name, "Pr\xc3\xbc"
                                           "fer");
    assert_string_equal(cell(t,
                             "Pr\xc3\xbc"
                             "fer",
                             0),
                        "M\xc3\xbcller");
    assert_string_equal(cell(t,
                             "Pr\xc3\xbc"
                             "fer",
                             1),
                        "Gro\xc3\x9f");
    an_table_free(t);
    t = parse_dialect("a\rb\rc\r", &d); /* old line ends */
    assert_int_equal(t->rows, 2);
    an_table_free(t);
    t = parse_dialect("a,b\n\"two\nlines\",1\n\"x,\"\"y\"\"\", 2 \n", &d);
    assert_string_equal(cell(t, "a", 0), "two\nlines");
    assert_string_equal(cell(t, "a", 1), "x,\"y\"");
    assert_int_equal(column(t, "b")->type, AN_INTEGER);
    an_table_free(t);
}

static void test_names(void **state)
{
    (void)state;
    an_csv_options o = { .no_header = true };
    an_table *t = parse("1,2\n3,4\n", &o);
    assert_int_equal(t->rows, 2);
    assert_non_null(an_table_find(t, "c2"));
    an_table_free(t);

    char path[] = "/tmp/andon-names-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_true(an_file_write(path, "first\r\nsecond name\n\n", 20, NULL));
    o = (an_csv_options){ .names = path };
    t = parse("1,2\n3,4\n", &o);
    assert_int_equal(t->rows, 2);
    assert_true(column(t, "second name")->integer[1] == 4);
    an_table_free(t);
    t = parse("first,second name\n3,4\n", &o); /* the header is there after all */
    assert_int_equal(t->rows, 1);
    an_table_free(t);
    refuse("1,2,3\n", &o, AN_INPUT, "2 names", "3 fields");
    unlink(path);
    refuse("1,2\n", &o, AN_NOT_FOUND, "", "");
}

static void test_missing_tokens_and_forced_types(void **state)
{
    (void)state;
    an_csv_options o = { 0 };
    an_list_add(&o.missing, "-999");
    an_list_add(&o.type, "c=category");
    an_list_add(&o.type, "t=text");
    an_list_add(&o.type, "b=boolean");
    an_list_add(&o.type, "r=real");
    an_table *t = parse("a,c,t,b,r\n1,10,20,0,1\n-999,11,21,1,2\n", &o);
    assert_int_equal(column(t, "a")->missing, 1);
    assert_int_equal(column(t, "a")->type, AN_INTEGER);
    assert_int_equal(column(t, "c")->type, AN_CATEGORY);
    assert_int_equal(column(t, "t")->type, AN_TEXT);
    assert_int_equal(column(t, "b")->type, AN_BOOLEAN);
    assert_int_equal(column(t, "r")->type, AN_REAL);
    assert_string_equal(cell(t, "c", 1), "11");
    an_table_free(t);
    an_list_free(&o.missing);
    an_list_free(&o.type);
    char format[] = "%d.%m.%Y";
    o = (an_csv_options){ .date_format = format };
    t = parse("d\n01.02.2026\n03.02.2026\n", &o);
    assert_int_equal(t->column[0].type, AN_DATETIME);
    assert_string_equal(cell(t, "d", 1), "2026-02-03T00:00:00Z");
    an_table_free(t);
}

static void test_gzip(void **state)
{
    (void)state;
    char path[] = "/tmp/andon-gzip-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    gzFile z = gzdopen(fd, "wb");
    assert_non_null(z);
    gzputs(z, "a,b\n");
    for (int i = 0; i < 20000; i++) gzprintf(z, "%d,%d.5\n", i, i);
    assert_int_equal(gzclose(z), Z_OK);
    an_csv_dialect d;
    an_error err = { 0 };
    an_table *t = an_csv_read(path, NULL, &d, NULL, &err);
    if (!t) fail_msg("%s", err.message);
    assert_true(d.gzip);
    assert_int_equal(t->rows, 20000);
    assert_true(column(t, "b")->real[19999] == 19999.5);
    an_table_free(t);
    an_buf bytes = { 0 };
    assert_true(an_file_read(path, 1 << 20, &bytes, NULL));
    assert_null(an_csv_parse(bytes.data, bytes.size / 2, "half.gz", NULL, NULL, NULL, &err)); /* cut short */
    assert_int_equal(err.code, AN_INPUT);
    assert_non_null(strstr(err.message, "ends too early"));
    bytes.data[bytes.size / 2] ^= 0x55;
    assert_null(an_csv_parse(bytes.data, bytes.size, "bad.gz", NULL, NULL, NULL, &err));
    assert_int_equal(err.code, AN_INPUT);
    an_buf_free(&bytes);
    unlink(path);
}

static void test_origin_and_round_trip(void **state)
{
    (void)state;
    const char *text = "x,name,when,flag,_generator,_seed,_row\n"
                       "0.1,\" a\",2026-01-01T00:00:00Z,true,,,\n"
                       "1e-07,\"b,\"\"c\"\"\",,false,wgan/1,18446744073709551615,7\n"
                       ",z,2026-01-02T00:00:00.500000Z,,wgan/1,18446744073709551615,8\n"
                       "3,q,2026-01-02T00:00:00Z,true,smote,1,0\n";
    an_table *t = parse(text, NULL);
    assert_int_equal(t->columns, 4);
    assert_false(an_table_generated(t, 0));
    assert_true(an_table_generated(t, 2));
    assert_int_equal(t->origin_count, 2);
    assert_true(t->origins[0].seed == UINT64_MAX);
    assert_true(t->origin_row[2] == 8);
    an_error err = { 0 };
    assert_false(an_table_require_real(t, "the test part", &err));
    assert_int_equal(err.code, AN_REFUSED);
    assert_non_null(strstr(err.message, "row 2 was generated by wgan/1"));
    char path[] = "/tmp/andon-write-XXXXXX";
    int fd = mkstemp(path);
    close(fd);
    assert_true(an_csv_write(t, path, &err));
    an_buf out = { 0 };
    assert_true(an_file_read(path, 1 << 20, &out, NULL));
    assert_string_equal(out.data, text);
    an_buf_free(&out);
    unlink(path);
    an_table_free(t);
    refuse("x,_generator,_seed,_row\n1,wgan,x,1\n", NULL, AN_INPUT, "row 1", "_seed");
    t = parse("only\n1\n\"\"\n3\n", NULL);
    assert_int_equal(t->rows, 3);
    assert_int_equal(t->column[0].missing, 1);
    an_table_free(t);
}

static void test_quoted_newlines_and_growth(void **state)
{
    (void)state;
    an_buf text = { 0 };
    an_buf_puts(&text, "t,n\n");
    for (int i = 0; i < 70000; i++)
        an_buf_printf(&text, i % 10 ? "a,%d\n" : "\"x\ny\",%d\n", i); /* more rows than the first promise holds */
    an_table *t = parse(text.data, NULL);
    assert_int_equal(t->rows, 70000);
    for (int i = 0; i < 70000; i++) assert_true(column(t, "n")->integer[i] == i);
    assert_string_equal(cell(t, "t", 69990), "x\ny");
    assert_string_equal(cell(t, "t", 69991), "a");
    an_table_free(t);
    an_buf_free(&text);
}

typedef struct counter {
    double last;
    int calls;
    an_job *job;
} counter;

static void on_progress(void *context, const char *stage, double done, double total, const char *unit)
{
    counter *c = context;
    (void)stage;
    if (!*unit) return; /* a new stage */
    assert_string_equal(unit, "bytes");
    assert_true(done <= total);
    c->last = done / total;
    if (++c->calls == 3 && c->job) an_job_stop(c->job);
}

static void test_progress_and_stop(void **state)
{
    (void)state;
    an_buf text = { 0 };
    an_buf_puts(&text, "a,b\n");
    for (int i = 0; i < 500000; i++) an_buf_printf(&text, "%d,%d\n", i, i);
    counter c = { 0 };
    an_job_options o = { .sink = { .context = &c, .progress = on_progress } };
    an_job *job = an_job_new(&o);
    an_error err = { 0 };
    an_table *t = an_csv_parse(text.data, text.size, "test.csv", NULL, NULL, job, &err);
    assert_non_null(t);
    assert_true(c.calls >= 3 && c.last == 1);
    an_table_free(t);
    an_job_free(job);
    c = (counter){ 0 };
    job = an_job_new(&o);
    c.job = job;
    assert_null(an_csv_parse(text.data, text.size, "test.csv", NULL, NULL, job, &err));
    assert_int_equal(err.code, AN_STOPPED);
    an_job_free(job);
    an_buf_free(&text);
}

static void test_params(void **state)
{
    (void)state;
    const an_param *const tables[] = { an_csv_params, an_roles_params, an_prep_params };
    for (size_t i = 0; i < AN_COUNT(tables); i++) {
        char *wrong = an_params_audit(tables[i]);
        assert_string_equal(wrong, "");
        free(wrong);
    }
    an_csv_options o = { 0 };
    an_params_defaults(an_csv_params, &o);
    an_table *t = parse("a,b\n1,#N/A\n?,2\n", &o);
    assert_int_equal(column(t, "a")->missing, 1);
    assert_int_equal(column(t, "b")->missing, 1);
    an_table_free(t);
    an_params_free(an_csv_params, &o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_integers_become_real),
        cmocka_unit_test(test_guess_corrected),
        cmocka_unit_test(test_category_or_text),
        cmocka_unit_test(test_leading_zeroes_are_kept),
        cmocka_unit_test(test_delimiters),
        cmocka_unit_test(test_thousands_forced),
        cmocka_unit_test(test_thousands_found),
        cmocka_unit_test(test_edges_of_exports),
        cmocka_unit_test(test_encodings_and_line_ends),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_missing_tokens_and_forced_types),
        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_origin_and_round_trip),
        cmocka_unit_test(test_quoted_newlines_and_growth),
        cmocka_unit_test(test_progress_and_stop),
        cmocka_unit_test(test_params),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
