/* What stands around a table and how its cells are written: titles, units, totals, encodings, dates and numbers that could be read in two
 * ways, rows left out, samples, lines. */
#include "help.h"

#include <math.h>
#include <sys/resource.h>
#include <unistd.h>

/* Through a file, with all that is known about the reading. */
static an_table *read_bytes(const char *bytes, size_t n, const an_csv_options *o, an_read_report *report, an_error *err)
{
    char path[] = "/tmp/andon-dialect-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    close(fd);
    an_table *t = an_table_read_report(path, o, report, NULL, err);
    unlink(path);
    return t;
}

static an_table *read_text(const char *text, const an_csv_options *o, an_read_report *report)
{
    an_error err = { 0 };
    an_table *t = read_bytes(text, strlen(text), o, report, &err);
    if (!t) fail_msg("%s", err.message);
    return t;
}

static bool noted(const an_read_report *r, const char *part)
{
    for (size_t i = 0; i < r->notes.count; i++) {
        if (strstr(r->notes.items[i], part)) return true;
    }
    return false;
}

static void test_titles(void **state)
{
    (void)state;
    an_read_report r = { 0 };
    an_table *t =
        read_text("Report of station 3\nWerk;Nord\n\nserial;torque;angle;result\nA1;12,5;30;ok\nA2;13,5;31;ok\nA3;14;32;bad\n", NULL, &r);
    assert_int_equal(t->rows, 3);
    assert_int_equal(t->columns, 4);
    assert_int_equal(r.dialect.header_line, 4);
    assert_int_equal(r.dialect.titles, 2);
    assert_true(r.dialect.delimiter == ';' && r.dialect.decimal == ',');
    assert_true(noted(&r, "--header-row 4"));
    assert_true(column(t, "torque")->real[1] == 13.5);
    an_table_free(t);
    an_read_report_free(&r);
    /* forced: the line is the header, whatever stands above */
    t = read_text("a,b\nc,d\n1,2\n3,4\n", &(an_csv_options){ .header_row = 2 }, &r);
    assert_int_equal(t->rows, 2);
    assert_non_null(an_table_find(t, "c"));
    assert_int_equal(r.dialect.header_line, 2);
    an_table_free(t);
    an_read_report_free(&r);
    /* a header that is too short stays a header: this is a ragged file, not a title */
    refuse("a,b,c\n1,2,3,4\n5,6,7,8\n", NULL, AN_INPUT, "line 2 has 4 fields", "3 columns");
    refuse("a,b\n1,2\n", &(an_csv_options){ .header_row = 9 }, AN_USAGE, "--header-row 9", "fewer lines");
    refuse("a,b\n1,2\n", &(an_csv_options){ .header_row = 1, .no_header = true }, AN_USAGE, "--header-row", "contradict");
}

static void test_units(void **state)
{
    (void)state;
    an_read_report r = { 0 };
    an_table *t = read_text("serial,torque,travel,note\n,[Nm],mm,\nP1,1.5,20,x\nP2,1.75,21,y\n", NULL, &r);
    assert_int_equal(t->rows, 2);
    assert_string_equal(column(t, "torque")->unit, "Nm");
    assert_string_equal(column(t, "travel")->unit, "mm");
    assert_null(column(t, "serial")->unit);
    assert_int_equal(r.dialect.units_line, 2);
    assert_int_equal(r.lines.run[0].line, 3);
    an_table_free(t);
    an_read_report_free(&r);
    /* forced: what is no unit that anybody knows */
    t = read_text("a,b\nfoos,bars\n1,2\n3,4\n", &(an_csv_options){ .units_row = true }, &r);
    assert_string_equal(column(t, "a")->unit, "foos");
    assert_int_equal(column(t, "b")->type, AN_INTEGER);
    an_table_free(t);
    an_read_report_free(&r);
    /* letters that are units as well, over texts: values */
    t = read_text("kind,shift\nm,s\nm,s\nK,s\ns,m\n", NULL, &r);
    assert_int_equal(t->rows, 4);
    assert_int_equal(r.dialect.units_line, 0);
    an_table_free(t);
    an_read_report_free(&r);
    t = read_text("a,b\nmm,s\n1,2\n3,4\n", &(an_csv_options){ .no_units_row = true }, &r);
    assert_int_equal(t->rows, 3);
    an_table_free(t);
    an_read_report_free(&r);
}

static void test_totals(void **state)
{
    (void)state;
    an_read_report r = { 0 };
    an_table *t = read_text("no;part;count\n1;A;10\n2;B;20\n3;C;30\nSumme;;60\n", NULL, &r);
    assert_int_equal(t->rows, 3);
    assert_int_equal(column(t, "no")->type, AN_INTEGER);
    assert_int_equal(r.dialect.totals, 1);
    assert_true(noted(&r, "\"Summe\"") && noted(&r, "--keep-totals"));
    an_table_free(t);
    an_read_report_free(&r);
    t = read_text("no;part;count\n1;A;10\n2;B;20\n3;C;30\nSumme;;60\n", &(an_csv_options){ .keep_totals = true }, &r);
    assert_int_equal(t->rows, 4);
    an_table_free(t);
    an_read_report_free(&r);
    /* as Minitab ends a worksheet: several statistics below a blank line, and a remark */
    t = read_text("x,y,z\n1,2.5,3\n2,3.5,4\n3,*,5\n4,5.5,6\n\nMean,3.83,4.5\nStDev,1.5,1.3\nN*,1,0\n\nend of worksheet\n", NULL, &r);
    assert_int_equal(t->rows, 4);
    assert_int_equal(r.dialect.totals, 4);
    assert_int_equal(column(t, "x")->type, AN_INTEGER);
    assert_int_equal(column(t, "y")->missing, 1);
    an_table_free(t);
    an_read_report_free(&r);
    /* a table of statistics, whose words are values like the others, and a text over several lines */
    t = read_text("stat,value\nmean,1\nmin,2\nmax,3\ntotal,4\n", NULL, &r);
    assert_int_equal(t->rows, 4);
    an_table_free(t);
    an_read_report_free(&r);
    t = read_text("x,note\n1,a\n2,b\n3,\"first\nTotal,\n\"\n", NULL, &r);
    assert_int_equal(t->rows, 3);
    assert_int_equal(r.dialect.totals, 0);
    an_table_free(t);
    an_read_report_free(&r);
}

static void test_header_again(void **state)
{
    (void)state;
    an_read_report r = { 0 };
    an_table *t = read_text("a;b\n1;2\n3;4\na;b\n5;6\n\na;b\n7;8\n", NULL, &r);
    assert_int_equal(t->rows, 4);
    assert_int_equal(r.dialect.headers_again, 2);
    assert_int_equal(column(t, "a")->type, AN_INTEGER);
    char **texts = an_lines_texts(&r.lines, t->rows, NULL);
    assert_non_null(strstr(texts[2], ":5"));
    assert_non_null(strstr(texts[3], ":8"));
    for (size_t i = 0; i < t->rows; i++) free(texts[i]);
    free(texts);
    an_table_free(t);
    an_read_report_free(&r);
    refuse("a;b\n1;2\n3;4\n\nname;kind\nx;5\ny;6\n", NULL, AN_INPUT, "line 5: a second table", "name");
}

static void test_utf16(void **state)
{
    (void)state;
    static const char text[] = "name,gr\u00f6\u00dfe,\U0001f527\nM\u00fcller,1.5,2\nx,2.5,3\n";
    for (int k = 0; k < 4; k++) { /* little, big endian; with and without byte order mark */
        an_buf b = { 0 };
        bool big = k & 1;
        if (k < 2) an_buf_add(&b, big ? "\xfe\xff" : "\xff\xfe", 2);
        for (const unsigned char *p = (const unsigned char *)text; *p;) {
            uint32_t c = *p++;
            if (c >= 0xf0) {
                c = (c & 7) << 18 | (uint32_t)(p[0] & 63) << 12 | (uint32_t)(p[1] & 63) << 6 | (p[2] & 63);
                p += 3;
            } else if (c >= 0xc0) {
                c = (c & 31) << 6 | (*p++ & 63);
            }
            uint32_t unit[2] = { c, 0 };
            if (c > 0xffff) {
                unit[0] = 0xd800 + ((c - 0x10000) >> 10);
                unit[1] = 0xdc00 + ((c - 0x10000) & 0x3ff);
            }
            for (int i = 0; i < 2 && (i == 0 || unit[1]); i++) {
                char two[2] = { (char)(big ? unit[i] >> 8 : unit[i]), (char)(big ? unit[i] : unit[i] >> 8) };
                an_buf_add(&b, two, 2);
            }
        }
        an_read_report r = { 0 };
        an_error err = { 0 };
        an_table *t = read_bytes(b.data, b.size, NULL, &r, &err);
        if (!t) fail_msg("%d: %s", k, err.message);
        assert_string_equal(r.dialect.encoding, big ? "utf-16be" : "utf-16le");
        assert_string_equal(cell(t, "name", 0), "M\u00fcller");
        assert_true(column(t, "gr\u00f6\u00dfe")->real[1] == 2.5);
        assert_non_null(an_table_find(t, "\U0001f527"));
        an_table_free(t);
        an_read_report_free(&r);
        if (k == 0) {
            refuse_bytes(b.data, b.size - 1, NULL, AN_INPUT, "UTF-16", "middle of a character");
            b.data[b.size - 2] = 0;
            b.data[b.size - 1] = (char)0xdc;
            refuse_bytes(b.data, b.size, NULL, AN_INPUT, "half a character of UTF-16", "line 3");
        }
        an_buf_free(&b);
    }
}

static void test_one_byte_encodings(void **state)
{
    (void)state;
    an_csv_dialect d;
    an_error err = { 0 };
    static const char western[] = "name,price\nM\xfcller,5\nx,6\n", windows[] = "name,price\nM\xfcller \x80\x96,5\nx,6\n";
    an_table *t = an_csv_parse(western, sizeof western - 1, "t", NULL, &d, NULL, &err);
    assert_string_equal(d.encoding, "latin-1");
    assert_string_equal(cell(t, "name", 0), "M\u00fcller");
    an_table_free(t);
    t = an_csv_parse(windows, sizeof windows - 1, "t", NULL, &d, NULL, &err);
    assert_string_equal(d.encoding, "cp1252");
    assert_string_equal(cell(t, "name", 0), "M\u00fcller \u20ac\u2013");
    an_table_free(t);
    char latin[] = "latin-1", cp1252[] = "cp1252"; /* forced */
    t = an_csv_parse(windows, sizeof windows - 1, "t", &(an_csv_options){ .encoding = latin }, &d, NULL, &err);
    assert_string_equal(d.encoding, "latin-1");
    assert_string_equal(cell(t, "name", 0), "M\u00fcller \xc2\x80\xc2\x96");
    an_table_free(t);
    static const char both[] = "name,x\nM\xfcller,1\nM\xc3\xbcller,2\n";
    refuse_bytes(both, sizeof both - 1, NULL, AN_INPUT, "two encodings", "line 3 is UTF-8 and line 2 is not");
    t = an_csv_parse(both, sizeof both - 1, "t", &(an_csv_options){ .encoding = cp1252 }, &d, NULL, &err);
    assert_string_equal(cell(t, "name", 0), "M\u00fcller");
    an_table_free(t);
}

static void test_dates(void **state)
{
    (void)state;
    an_table *t = parse("a,b,c\n03.04.26,3.4.2026 7:05,1.2.10\n04.04.26,12.4.2026 17:05:09,1.3.2\n", NULL);
    assert_string_equal(cell(t, "a", 0), "2026-04-03T00:00:00Z");
    assert_string_equal(cell(t, "b", 1), "2026-04-12T17:05:09Z");
    assert_int_equal(column(t, "c")->type, AN_TEXT); /* versions */
    an_table_free(t);
    /* one cell decides for its column, and a column for the others */
    t = parse("a,b\n03/04/2026,1/2/2026 1:05 PM\n25/04/2026,2/3/2026 2:05:07 AM\n", NULL);
    assert_string_equal(cell(t, "a", 0), "2026-04-03T00:00:00Z");
    assert_string_equal(cell(t, "b", 0), "2026-02-01T13:05:00Z");
    an_table_free(t);
    t = parse("a\n03-04-2026\n04-25-2026\n", NULL);
    assert_string_equal(cell(t, "a", 0), "2026-03-04T00:00:00Z");
    an_table_free(t);
    refuse("a,b\n1,03/04/2026\n2,05/06/2026\n", NULL, AN_INPUT, "2026-04-03 (day first) or 2026-03-04 (month first)", "column b");
    char day[] = "%d/%m/%Y";
    t = parse("a,b\n1,03/04/2026\n2,05/06/2026\n", &(an_csv_options){ .date_format = day });
    assert_string_equal(cell(t, "b", 0), "2026-04-03T00:00:00Z");
    an_table_free(t);
    t = parse("a,b\n1,25/04/2026\n2,04/25/2026\n3,25/04/2026\n4,25/04/2026\n5,25/04/2026\n", NULL); /* both: no dates */
    assert_int_equal(column(t, "b")->type, AN_CATEGORY);
    an_table_free(t);
    /* days of Excel: only when a person says so */
    an_read_report r = { 0 };
    static const char serials[] = "date,x\n46115,1\n46115.25,2\n46116.5,3\n";
    t = read_text(serials, NULL, &r);
    assert_int_equal(column(t, "date")->type, AN_REAL);
    assert_true(noted(&r, "--date-format excel"));
    an_table_free(t);
    an_read_report_free(&r);
    char excel[] = "excel";
    t = read_text(serials, &(an_csv_options){ .date_format = excel }, &r);
    assert_string_equal(cell(t, "date", 1), "2026-04-03T06:00:00Z");
    assert_int_equal(column(t, "x")->type, AN_INTEGER);
    an_table_free(t);
    an_read_report_free(&r);
    char *forced[] = { (char *)(uintptr_t) "date=datetime" };
    t = read_text(serials, &(an_csv_options){ .type = { forced, 1 } }, &r);
    assert_string_equal(cell(t, "date", 2), "2026-04-04T12:00:00Z");
    an_table_free(t);
    an_read_report_free(&r);
}

static void test_numbers_two_ways(void **state)
{
    (void)state;
    refuse("a;b\n1;1.234\n2;5.678\n", NULL, AN_INPUT, "column b: \"1.234\" may be 1234 or 1.234", "line 2");
    refuse("a;b\n1;1,234\n2;5,678\n", NULL, AN_INPUT, "column b: \"1,234\" may be 1234 or 1.234", "line 2");
    refuse("a,b\n1,\"1,234\"\n2,\"5,678\"\n", NULL, AN_INPUT, "may be 1234 or 1.234", "column b");
    char point[] = ".", comma[] = ",";
    an_table *t = parse("a;b\n1;1.234\n2;5.678\n", &(an_csv_options){ .decimal = point });
    assert_true(column(t, "b")->real[0] == 1.234);
    an_table_free(t);
    t = parse("a;b\n1;1.234\n2;5.678\n", &(an_csv_options){ .thousands = point });
    assert_true(column(t, "b")->integer[0] == 1234);
    an_table_free(t);
    t = parse("a;b\n1;1,234\n2;5,678\n", &(an_csv_options){ .decimal = comma });
    assert_true(column(t, "b")->real[0] == 1.234);
    an_table_free(t);
    /* another cell decides: of the column, of another column, far behind the sample */
    t = parse("a;b\n1;1.234\n2;5.5\n", NULL);
    assert_true(column(t, "b")->real[0] == 1.234);
    an_table_free(t);
    t = parse("a;b\n1;1.234\n2;0.678\n", NULL);
    assert_true(column(t, "b")->real[0] == 1.234);
    an_table_free(t);
    t = parse("a;b\n12,5;1.234\n2;5.678\n", NULL);
    assert_true(column(t, "b")->integer[0] == 1234 && column(t, "a")->real[0] == 12.5);
    an_table_free(t);
    t = parse("a;b\n1;1.234\n2;5678\n", NULL); /* no mark between thousands here */
    assert_true(column(t, "b")->real[0] == 1.234);
    an_table_free(t);
    t = parse("a;b\n1;1.234.567\n2;5.678\n", NULL);
    assert_true(column(t, "b")->integer[1] == 5678);
    an_table_free(t);
    t = parse("a,b\n1,1.234\n2,5.678\n", NULL); /* between commas a point is a decimal point */
    assert_true(column(t, "b")->real[0] == 1.234);
    an_table_free(t);
    an_buf text = { 0 };
    an_buf_puts(&text, "a;b\n");
    for (int i = 0; i < 1000; i++) an_buf_printf(&text, "%d;%d.%03d\n", i % 7, 1 + i % 9, i);
    an_buf_puts(&text, "1;12,75\n");
    t = parse(text.data, NULL);
    assert_true(column(t, "b")->real[0] == 1000 && column(t, "b")->real[1000] == 12.75);
    an_table_free(t);
    an_buf_free(&text);
}

static void test_missing_words(void **state)
{
    (void)state;
    an_table *t = parse("a,b\n1,*\n#NV,2\n#DIV/0!,3\n4,5\n", NULL);
    assert_int_equal(column(t, "a")->missing, 2);
    assert_int_equal(column(t, "b")->missing, 1);
    assert_int_equal(column(t, "b")->type, AN_INTEGER);
    an_table_free(t);
    char *code[] = { (char *)(uintptr_t) "-999" }; /* a number is added to the usual words */
    t = parse("a,b\n1,*\n-999,2\n3,-999\n", &(an_csv_options){ .missing = { code, 1 } });
    assert_int_equal(column(t, "a")->missing, 1);
    assert_int_equal(column(t, "b")->missing, 2);
    an_table_free(t);
    an_list notes = { 0 };
    t = parse("a,b,c,d\n1,1,5,1\n-999,2,9999,-1\n3,3,6,0\n-999,4,9999,1\n5,90,7,-1\n", NULL);
    an_table_codes(t, &notes);
    assert_int_equal(notes.count, 2);
    assert_non_null(strstr(notes.items[0], "a: -999 in 2 rows"));
    assert_non_null(strstr(notes.items[1], "c: 9999 in 2 rows"));
    an_list_free(&notes);
    an_table_free(t);
}

static void test_skip_bad(void **state)
{
    (void)state;
    char path[] = "/tmp/andon-bad-XXXXXX";
    close(mkstemp(path));
    an_read_report r = { 0 };
    an_buf text = { 0 }, bad = { 0 };
    an_buf_puts(&text, "id,x,y\n");
    for (int i = 0; i < 100; i++) an_buf_printf(&text, "%d,%d.5,a\n", i, i);
    an_buf_puts(&text, "100,1\n101,oops,b\n102,2.5,\"open\n103,3.5,b,c\n104,4.5,b\n");
    an_table *t = read_text(text.data, &(an_csv_options){ .skip_bad = path }, &r);
    assert_int_equal(t->rows, 101);
    assert_int_equal(r.dialect.skipped, 4);
    assert_int_equal(column(t, "x")->type, AN_REAL);
    assert_true(column(t, "id")->integer[100] == 104);
    assert_true(an_file_read(path, 0, &bad, NULL));
    assert_string_equal(bad.data, "line,reason,text\n102,2 fields where there are 3 columns,\"100,1\"\n"
                                  "103,\"column x: \"\"oops\"\" is not a number\",\"101,oops,b\"\n"
                                  "104,a quote opens and is never closed,\"102,2.5,\"\"open\"\n"
                                  "105,4 fields where there are 3 columns,\"103,3.5,b,c\"\n");
    char **texts = an_lines_texts(&r.lines, t->rows, NULL);
    assert_non_null(strstr(texts[100], ":106"));
    for (size_t i = 0; i < t->rows; i++) free(texts[i]);
    free(texts);
    an_table_free(t);
    an_read_report_free(&r);
    char *forced[] = { (char *)(uintptr_t) "x=integer" };
    t = read_text("x,y\n1,a\n1.5,b\n3,c\n", &(an_csv_options){ .skip_bad = path, .type = { forced, 1 } }, &r);
    assert_int_equal(t->rows, 2);
    assert_int_equal(column(t, "x")->type, AN_INTEGER);
    an_table_free(t);
    an_read_report_free(&r);
    unlink(path);
    an_buf_free(&text);
    an_buf_free(&bad);
}

static an_table *draw(const char *path, int64_t n, uint64_t seed)
{
    an_job *job = an_job_new(&(an_job_options){ .seed = seed });
    an_error err = { 0 };
    an_table *t = an_csv_read(path, &(an_csv_options){ .sample = n }, NULL, job, &err);
    if (!t) fail_msg("%s", err.message);
    an_job_free(job);
    return t;
}

static void test_sample(void **state)
{
    (void)state;
    enum { ROWS = 20000, DRAWN = 2000 };
    char path[] = "/tmp/andon-sample-XXXXXX";
    FILE *f = fdopen(mkstemp(path), "w");
    fputs("i,s\n", f);
    for (int i = 0; i < ROWS; i++) fprintf(f, i % 10 ? "%d,plain\n" : "%d,\"two\nlines\"\n", i);
    fclose(f);
    an_table *a = draw(path, DRAWN, 7), *b = draw(path, DRAWN, 7), *c = draw(path, DRAWN, 8), *small = draw(path, 100, 7),
             *all = draw(path, 99999, 7);
    assert_int_equal(a->rows, DRAWN);
    assert_int_equal(all->rows, ROWS);
    const int64_t *x = column(a, "i")->integer, *y = column(b, "i")->integer, *z = column(c, "i")->integer;
    assert_memory_equal(x, y, DRAWN * sizeof *x);
    assert_true(memcmp(x, z, DRAWN * sizeof *x) != 0);
    double mean = 0;
    for (size_t i = 0; i < DRAWN; i++) {
        assert_true(i == 0 || x[i] > x[i - 1]); /* in the order of the file */
        mean += (double)x[i] / DRAWN;
    }
    assert_true(fabs(mean - ROWS / 2.0) < 5 * ROWS / sqrt(12.0 * DRAWN)); /* evenly */
    for (size_t i = 0, k = 0; i < 100; i++) {                             /* a larger sample holds the smaller one */
        while (k < DRAWN && x[k] < column(small, "i")->integer[i]) k++;
        assert_true(k < DRAWN && x[k] == column(small, "i")->integer[i]);
    }
    an_table_free(a);
    an_table_free(b);
    an_table_free(c);
    an_table_free(small);
    an_table_free(all);
    unlink(path);
}

static void test_lines(void **state)
{
    (void)state;
    an_lines a = { 0 }, b = { 0 }, out = { 0 }, merged = { 0 }, back;
    uint32_t one = an_lines_file(&a, "one.csv"), two = an_lines_file(&b, "two.csv");
    for (size_t i = 0; i < 1000; i++) an_lines_add(&a, i, one, i + 2);
    assert_int_equal(a.count, 1); /* a whole file is one run */
    for (size_t i = 0; i < 3; i++) an_lines_add(&b, i, two, 10 * i);
    assert_true(an_lines_gather(&out, 0, &a, (size_t[]){ 5, 6, SIZE_MAX, 0 }, 4, NULL));
    assert_true(an_lines_gather(&out, 0, &b, (size_t[]){ 2, SIZE_MAX, 1, 1 }, 4, NULL));
    char **texts = an_lines_texts(&out, 4, NULL);
    assert_string_equal(texts[0], "one.csv:7; two.csv:20");
    assert_string_equal(texts[1], "one.csv:8");
    assert_string_equal(texts[2], "two.csv:10");
    assert_string_equal(texts[3], "one.csv:2; two.csv:10");
    for (size_t i = 0; i < 4; i++) free(texts[i]);
    free(texts);
    assert_true(an_lines_merge(&merged, 2, &a, (size_t[]){ 0, 0, 1, 0, SIZE_MAX, 1 }, 6, NULL));
    an_table *t = an_lines_table(&merged, NULL);
    assert_true(an_lines_from_table(t, &back, NULL));
    texts = an_lines_texts(&back, 2, NULL);
    assert_string_equal(texts[0], "one.csv:2-3,5");
    assert_string_equal(texts[1], "one.csv:4,7");
    for (size_t i = 0; i < 2; i++) free(texts[i]);
    free(texts);
    an_lines_free(&back);
    t->column[1].integer[0] = -1;
    an_error err = { 0 };
    assert_false(an_lines_from_table(t, &back, &err));
    assert_int_equal(err.code, AN_CORRUPT);
    an_table_free(t);
    an_lines_free(&a);
    an_lines_free(&b);
    an_lines_free(&out);
    an_lines_free(&merged);
}

/* 5,000 columns: found and read in time that grows with the cells. */
static void test_wide(void **state)
{
    (void)state;
    an_buf text = { 0 };
    for (int j = 0; j < 5000; j++) an_buf_printf(&text, "%sc%d", j ? ";" : "", j);
    for (int i = 0; i < 60; i++) {
        an_buf_putc(&text, '\n');
        for (int j = 0; j < 5000; j++) an_buf_printf(&text, "%s%d,5", j ? ";" : "", i + j);
    }
    double start = an_clock_s();
    an_table *t = parse(text.data, NULL);
    assert_int_equal(t->columns, 5000);
    assert_true(column(t, "c4999")->real[59] == 59 + 4999.5);
    assert_true(an_clock_s() - start < 20);
    an_table_free(t);
    an_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_titles),        cmocka_unit_test(test_units),
        cmocka_unit_test(test_totals),        cmocka_unit_test(test_header_again),
        cmocka_unit_test(test_utf16),         cmocka_unit_test(test_one_byte_encodings),
        cmocka_unit_test(test_dates),         cmocka_unit_test(test_numbers_two_ways),
        cmocka_unit_test(test_missing_words), cmocka_unit_test(test_skip_bad),
        cmocka_unit_test(test_sample),        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_wide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
