/* Tables as plants have them (tests/table/messy, written by tests/reference/record_messy.py), and what each must read as. */
#include "help.h"

#define FOLDER AN_SOURCE_DIR "/tests/table/messy/"

typedef struct want_cell {
    const char *column;
    size_t row; /* from 0 */
    const char *text;
} want_cell;

typedef struct want {
    const char *file;
    const char *fault; /* part of the message; NULL: it is read */
    const char *hint;
    size_t rows, columns, header_line, units_line, totals;
    const char *encoding;
    char delimiter, decimal, thousands;
    const char *types;  /* "name=type[unit]", in order */
    const char *places; /* of the first and the last row */
    want_cell cell[6];
} want;

static const want files[] = {
    { .file = "mes.csv",
      .rows = 5,
      .columns = 6,
      .header_line = 4,
      .units_line = 5,
      .totals = 1,
      .encoding = "cp1252",
      .delimiter = ';',
      .decimal = ',',
      .thousands = '.',
      .types = "Serial=text Zeit=datetime Kraft=real[N] Weg=real[mm] Prüfer=category Ergebnis=category",
      .places = "6 10",
      .cell = { { "Serial", 0, "000123" },
                { "Zeit", 1, "2026-04-03T06:03:00Z" },
                { "Kraft", 0, "1204.5" },
                { "Kraft", 2, "" },
                { "Prüfer", 2, "Zoë" },
                { "Weg", 4, "" } } },
    { .file = "minitab.txt",
      .rows = 6,
      .columns = 4,
      .header_line = 1,
      .totals = 3,
      .encoding = "utf-8",
      .delimiter = '\t',
      .decimal = '.',
      .types = "C1=integer C2-T=category Thickness=real Yield=real",
      .places = "2 7",
      .cell = { { "Yield", 1, "" }, { "Thickness", 2, "" }, { "Yield", 5, "98" } } },
    { .file = "unicode_text.txt",
      .rows = 3,
      .columns = 3,
      .header_line = 1,
      .encoding = "utf-16le",
      .delimiter = '\t',
      .decimal = ',',
      .types = "Teil=text Größe [mm]=real Preis €=real",
      .places = "2 4",
      .cell = { { "Teil", 0, "Welle Ø 12" }, { "Preis €", 1, "4.25" } } },
    { .file = "sep.csv",
      .rows = 4,
      .columns = 4,
      .header_line = 2,
      .encoding = "utf-8",
      .delimiter = ';',
      .decimal = ',',
      .types = "id=integer temp=real pressure=real passed=boolean",
      .places = "3 6",
      .cell = { { "temp", 2, "-999" }, { "temp", 3, "82.75" } } },
    { .file = "us.csv",
      .rows = 3,
      .columns = 4,
      .header_line = 1,
      .encoding = "utf-8",
      .delimiter = ',',
      .decimal = '.',
      .thousands = ',',
      .types = "Lot=text Tested=datetime Cycles=integer Leak (sccm)=real",
      .places = "2 4",
      .cell = { { "Tested", 0, "2026-04-03T13:05:00Z" }, { "Tested", 2, "2026-05-01T00:00:00Z" }, { "Cycles", 1, "12500" } } },
    { .file = "restarts.csv",
      .rows = 4,
      .columns = 3,
      .header_line = 1,
      .encoding = "utf-8",
      .delimiter = ',',
      .decimal = '.',
      .types = "time=datetime channel=integer value=real",
      .places = "2 9",
      .cell = { { "value", 3, "1.5" } } },
    { .file = "pipes.csv",
      .rows = 3,
      .columns = 4,
      .header_line = 1,
      .encoding = "utf-8",
      .delimiter = '|',
      .decimal = '.',
      .types = "c1=integer name=text torque=real angle=integer",
      .places = "2 4",
      .cell = { { "angle", 2, "30" } } },
    { .file = "remarks.csv",
      .rows = 3,
      .columns = 3,
      .header_line = 1,
      .encoding = "utf-8",
      .delimiter = ',',
      .decimal = '.',
      .types = "id=integer remark=text x=real",
      .places = "2 5",
      .cell = { { "remark", 0, "torn \"O\" ring,\nreplaced" }, { "remark", 2, "see\n\nmanual, page 4" } } },
    { .file = "aligned.txt",
      .rows = 3,
      .columns = 3,
      .header_line = 1,
      .encoding = "utf-8",
      .delimiter = ' ',
      .decimal = '.',
      .types = "step=integer load[kN]=real stroke=real",
      .places = "2 5",
      .cell = { { "stroke", 2, "0.35" } } },
    { .file = "mac.csv",
      .rows = 3,
      .columns = 2,
      .header_line = 1,
      .encoding = "utf-8",
      .delimiter = ';',
      .decimal = ',',
      .types = "a=integer b=real",
      .places = "2 4",
      .cell = { { "b", 2, "4.75" } } },
    { .file = "protocol.xlsx",
      .rows = 8,
      .columns = 5,
      .header_line = 4,
      .units_line = 5,
      .totals = 1,
      .encoding = "utf-8",
      .delimiter = ',',
      .decimal = '.',
      .types = "Serial=text Datum=datetime Drehmoment=real[Nm] Weg=integer[mm] OK=boolean",
      .places = "6 13",
      .cell = { { "Serial", 0, "00007" }, { "Datum", 7, "2026-04-10T06:12:07Z" }, { "Weg", 3, "" }, { "OK", 1, "true" } } },
    { .file = "ambiguous_date.csv", .fault = "line 2, column checked: \"03/04/2026\" may be 2026-04-03", .hint = "--date-format" },
    { .file = "ambiguous_number.csv", .fault = "line 2, column force: \"1.204\" may be 1204 or 1.204", .hint = "--decimal ." },
    { .file = "two_encodings.csv", .fault = "line 2 is UTF-8 and line 3 is not", .hint = "--encoding" },
    { .file = "stacked.csv", .fault = "line 5: a second table", .hint = "one table a file" },
    { .file = "two_tables.xlsx", .fault = "line 5: a second table", .hint = "separate tables" },
};

static void compare(const want *w, const an_table *t, const an_read_report *r)
{
    const an_csv_dialect *d = &r->dialect;
    an_buf types = { 0 };
    for (size_t j = 0; j < t->columns; j++) {
        const an_column *c = &t->column[j];
        an_buf_printf(&types, "%s%s=%s", j ? " " : "", c->name, an_type_name(c->type));
        if (c->unit) an_buf_printf(&types, "[%s]", c->unit);
    }
    assert_string_equal(types.data, w->types);
    an_buf_free(&types);
    assert_int_equal(t->rows, w->rows);
    assert_int_equal(t->columns, w->columns);
    assert_int_equal(d->header_line, w->header_line);
    assert_int_equal(d->units_line, w->units_line);
    assert_int_equal(d->totals, w->totals);
    assert_string_equal(d->encoding, w->encoding);
    assert_int_equal(d->delimiter, w->delimiter);
    assert_int_equal(d->decimal, w->decimal);
    assert_int_equal(d->thousands, w->thousands);
    for (size_t k = 0; k < AN_COUNT(w->cell) && w->cell[k].column; k++)
        assert_string_equal(cell(t, w->cell[k].column, w->cell[k].row), w->cell[k].text);
    char **texts = an_lines_texts(&r->lines, t->rows, NULL), places[64];
    snprintf(places, sizeof places, "%s %s", strrchr(texts[0], ':') + 1, strrchr(texts[t->rows - 1], ':') + 1);
    assert_string_equal(places, w->places);
    for (size_t i = 0; i < t->rows; i++) free(texts[i]);
    free(texts);
}

static void test_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(files); i++) {
        const want *w = &files[i];
        an_read_report r = { 0 };
        an_error err = { 0 };
        char *path = an_path_join(FOLDER, w->file);
        an_table *t = an_table_read_report(path, NULL, &r, NULL, &err);
        print_message("%s\n", w->file);
        if (w->fault) {
            if (t) fail_msg("%s was read", w->file);
            if (!strstr(err.message, w->fault) || !strstr(err.hint, w->hint)) fail_msg("%s\n%s", err.message, err.hint);
            assert_int_equal(err.code, AN_INPUT);
        } else {
            if (!t) fail_msg("%s", err.message);
            compare(w, t, &r);
        }
        an_table_free(t);
        an_read_report_free(&r);
        free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
