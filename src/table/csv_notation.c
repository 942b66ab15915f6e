/* csv_notation.c - how numbers are written: which mark is the decimal mark, which separates thousands, and whether the file says so. */
#include "csv_impl.h"

#include <stdlib.h>

enum { SAMPLE_ROWS = 200, SAMPLE_BYTES = 1 << 20 };

/* Ways to write numbers, the likelier first: where two read the same columns the first of them is taken. After a semicolon or a tab 2,5 is
 * a decimal comma; between commas 2,500 in quotes is a thousands separator. */
static const an__csv_notation notations[] = { { '.', 0 },    { ',', 0 },    { ',', '.' }, { '.', ',' },
                                              { '.', '\'' }, { ',', '\'' }, { ',', ' ' }, { '.', ' ' } };
static const an__csv_notation between_commas[] = { { '.', 0 },    { '.', ',' },  { ',', 0 },   { ',', '.' },
                                                   { '.', '\'' }, { ',', '\'' }, { '.', ' ' }, { ',', ' ' } };
enum { NOTATIONS = AN_COUNT(notations) };

enum { POINT, COMMA, MARKS };

typedef struct column_count {
    size_t values, numbers[NOTATIONS];
    size_t open[MARKS]; /* cells such as 1.234: thousands or decimals */
    size_t plain;       /* whole numbers of four digits or more without a mark */
    size_t blank;       /* cells such as 1 200 */
    size_t blank_sure;  /* of these 1 200,5 and those with a no-break blank, which nobody writes into a code */
    size_t small;       /* numbers below 1000 */
    size_t line[MARKS]; /* of the first open cell, by its mark */
    char text[MARKS][24];
} column_count;

typedef struct evidence { /* of cells that only one reading fits: 12.5, 0.125, 1.234.567, 1.234,5 */
    bool decimal[MARKS], thousands[MARKS];
    bool blank; /* of thousands */
} evidence;

static bool decided(const evidence *e)
{
    return e->decimal[POINT] || e->decimal[COMMA] || e->thousands[POINT] || e->thousands[COMMA];
}

/* The number without blanks and apostrophes between its digits; true: there were blanks. *sure: no-break ones. */
static bool without_groups(const char *text, size_t n, char out[64], size_t *size, bool *sure)
{
    bool blank = false;
    *size = 0;
    *sure = false;
    for (size_t i = 0, bytes; i < n && *size < 63; i += bytes) {
        bytes = an__group_mark(text + i, n - i, ' ');
        if (bytes) {
            blank = true;
            *sure |= bytes > 1;
        } else if (!(bytes = an__group_mark(text + i, n - i, '\''))) {
            out[(*size)++] = text[i];
            bytes = 1;
        }
    }
    return blank;
}

/* What one number says about the marks; true: it could be read both ways, under *mark. */
static bool judge(const char *text, size_t n, evidence *e, int *mark, bool *plain)
{
    size_t count[MARKS] = { 0 }, start = n && (text[0] == '-' || text[0] == '+'), last = 0, first = 0, i = start;
    *plain = false;
    for (; i < n && (an__digit(text[i]) || text[i] == '.' || text[i] == ','); i++) {
        if (an__digit(text[i])) continue;
        if (!count[POINT] && !count[COMMA]) first = i;
        count[text[i] == ','] += 1;
        last = i;
    }
    bool exponent = i < n;
    if (!count[POINT] && !count[COMMA]) {
        *plain = !exponent && n - start >= 4;
        return false;
    }
    if (count[POINT] && count[COMMA]) {
        int decimal = text[last] == ',';
        e->decimal[decimal] = e->thousands[!decimal] = true;
        return false;
    }
    *mark = count[COMMA] > 0;
    if (count[*mark] > 1) {
        e->thousands[*mark] = true;
        return false;
    }
    bool open = !exponent && n - last == 4 && first > start && first - start <= 3 && text[start] != '0';
    if (!open) e->decimal[*mark] = true;
    return open;
}

/* How many digits stand in front of the mark. */
static size_t whole_digits(const char *text, size_t n)
{
    size_t start = n && (text[0] == '-' || text[0] == '+'), i = start;
    while (i < n && an__digit(text[i])) i++;
    return i - start;
}

/* Cells by column under each notation; rows: how many at most. */
static void count_columns(const an__csv_format *f, const an__csv_notation *way, const an_csv_options *o, const an__csv_layout *layout,
                          size_t rows, bool until_decided, an_buf *scratch, column_count *column, size_t columns, evidence *e)
{
    const char *p = layout->start, *end = layout->end, *stop = !until_decided && end - p > SAMPLE_BYTES ? p + SAMPLE_BYTES : end;
    size_t line = layout->line;
    for (size_t row = 0; p < stop && row < rows; line++) {
        const char *blank = an__csv_blank(f, p, end);
        if (blank) {
            p = an__csv_next_line(blank, end);
            continue;
        }
        an__csv_walk w = an__csv_walk_row(f, p, end, scratch);
        an__csv_field field;
        bool names = !o->no_header && row < 1u + layout->units; /* and units below them */
        row++;
        for (size_t j = 0, newlines = 0; an__csv_walk_next(&w, &field); j++, line += newlines) {
            newlines = field.newlines;
            if (names || j >= columns || an__csv_is_missing(f, field.text, field.n) || !an__csv_any_number(field.text, field.n)) {
                if (!names && j < columns) column[j].values += !an__csv_is_missing(f, field.text, field.n);
                continue;
            }
            column_count *c = &column[j];
            int mark = 0;
            bool plain;
            c->values++;
            for (size_t k = 0; k < NOTATIONS && !until_decided; k++) {
                an__number number;
                double real;
                c->numbers[k] += an__number_parse(field.text, field.n, way[k].decimal, way[k].thousands, &number, &real);
            }
            char bare[64];
            size_t size;
            bool sure, gaps = without_groups(field.text, field.n, bare, &size, &sure), grouped = size < field.n;
            bool open = judge(bare, size, e, &mark, &plain);
            c->blank += gaps;
            c->blank_sure += gaps && (sure || memchr(bare, '.', size) || memchr(bare, ',', size));
            c->small += whole_digits(bare, size) <= 3;
            if (open) {
                if (!c->open[mark]++) {
                    c->line[mark] = line;
                    snprintf(c->text[mark], sizeof c->text[mark], "%.*s", (int)field.n, field.text);
                }
            }
            c->plain += plain && !grouped;
        }
        if (w.fault || (until_decided && decided(e))) return;
        p = an__csv_next_line(w.p, end);
    }
}

static char *name_of(const an__csv_format *f, const an_csv_options *o, const an__csv_layout *layout, size_t column, an_buf *scratch)
{
    an__csv_walk w = an__csv_walk_row(f, layout->start, layout->end, scratch);
    an__csv_field field;
    for (size_t j = 0; !o->no_header && !o->names && an__csv_walk_next(&w, &field); j++) {
        if (j == column && field.n) return an_strndup(field.text, field.n < 100 ? field.n : 100);
    }
    return an_format("%zu", column + 1);
}

/* Whether --type says that the column holds no numbers. */
static bool forced_text(const an__csv_format *f, const an_csv_options *o, const an__csv_layout *layout, size_t column, an_buf *scratch)
{
    if (!o->type.count && !o->expected.count) return false;
    char *name = name_of(f, o, layout, column, scratch);
    bool text = false;
    for (size_t i = 0; i < o->expected.count + o->type.count; i++) { /* what --type says goes before what is expected */
        const char *item = i < o->expected.count ? o->expected.items[i] : o->type.items[i - o->expected.count], *sign = strrchr(item, '=');
        if (!sign || (size_t)(sign - item) != strlen(name) || memcmp(item, name, strlen(name))) continue;
        text = strcmp(sign + 1, "integer") && strcmp(sign + 1, "real");
    }
    free(name);
    return text;
}

/* "1.234" as 1234, or as 1.234 whatever its mark */
static char *without(const char *text, char mark, bool decimal)
{
    char *out = an_strdup(text);
    size_t n = 0;
    for (const char *p = text; *p; p++) {
        if (*p != mark)
            out[n++] = *p;
        else if (decimal)
            out[n++] = '.';
    }
    out[n] = 0;
    return out;
}

/* A column of cells such as 1.234, 1,234 or both, and no cell of the file says what the mark means. Between commas a point is a decimal
 * point, as it is between blanks. */
static bool refuse_open(const an__csv_format *f, const an_csv_options *o, const an__csv_layout *layout, const column_count *c,
                        size_t column, an_buf *scratch, an_error *err)
{
    char *name = name_of(f, o, layout, column, scratch);
    int k = c->open[COMMA] ? COMMA : POINT;
    char mark = k == COMMA ? ',' : '.', other = k == COMMA ? '.' : ',';
    char *whole = without(c->text[k], mark, false), *real = without(c->text[k], mark, true);
    if (c->open[!k]) { /* one of the two marks is the decimal mark */
        const char *second = c->text[!k];
        char *second_whole = without(second, other, false), *second_real = without(second, other, true);
        an_fail(err, AN_INPUT,
                "line %zu, column %s: \"%s\" may be %s or %s, and \"%s\" in line %zu %s or %s: no cell of the file tells which mark is the "
                "decimal mark",
                c->line[k], name, c->text[k], whole, real, second, c->line[!k], second_real, second_whole);
        an_hint(err, "--decimal %c --thousands %c reads %s and %s; --decimal %c --thousands %c reads %s and %s", other, mark, whole,
                second_real, mark, other, real, second_whole);
        free(second_whole);
        free(second_real);
    } else {
        an_fail(err, AN_INPUT, "line %zu, column %s: \"%s\" may be %s or %s: no cell of the file tells whether \"%c\" is the decimal mark",
                c->line[k], name, c->text[k], whole, real, mark);
        an_hint(err, "--decimal %c reads %s; --thousands %c reads %s", mark, real, mark, whole);
    }
    free(whole);
    free(real);
    free(name);
    return false;
}

bool an__csv_find_notation(const an__csv_format *f, const an_csv_options *o, const an__csv_layout *layout, an__csv_notation *out,
                           an_error *err)
{
    const an__csv_notation *way = f->delimiter == ',' ? between_commas : notations;
    an_buf scratch = { 0 };
    an__csv_field field;
    size_t columns = 0;
    for (an__csv_walk w = an__csv_walk_row(f, layout->start, layout->end, &scratch); an__csv_walk_next(&w, &field);) columns++;
    column_count *column = an_alloc_n(columns + 1, sizeof *column);
    evidence e = { 0 };
    count_columns(f, way, o, layout, SAMPLE_ROWS, false, &scratch, column, columns, &e);
    size_t open = columns;
    for (size_t j = 0; j < columns; j++) {
        const column_count *c = &column[j];
        /* 123 456 in every cell may be a code; between numbers below 1000, or with a decimal mark behind, the blank separates thousands */
        e.blank |= f->delimiter != ' ' && (c->blank_sure || (c->blank && c->small));
        for (int m = 0; m < MARKS; m++) {
            if (!c->open[m] || forced_text(f, o, layout, j, &scratch)) continue;
            if (c->plain) e.decimal[m] = true; /* 1234 beside 1.234: thousands have no mark here */
            bool usual = m == POINT && (f->delimiter == ',' || f->delimiter == ' ');
            size_t cells = 0;
            for (int k = 0; k < NOTATIONS; k++) cells = c->numbers[k] > cells ? c->numbers[k] : cells;
            if (open == columns && !usual && (double)cells >= 0.95 * (double)c->values) open = j;
        }
    }
    bool given = f->decimal || o->thousands, ok = true;
    if (open < columns && !given && !decided(&e)) { /* the rest of the file may tell */
        column_count *more = an_alloc_n(columns + 1, sizeof *more);
        count_columns(f, way, o, layout, SIZE_MAX, true, &scratch, more, columns, &e);
        for (size_t j = 0; j < columns; j++) {
            for (int m = 0; m < MARKS; m++) e.decimal[m] |= more[j].open[m] && more[j].plain;
        }
        free(more);
        if (!decided(&e)) ok = refuse_open(f, o, layout, &column[open], open, &scratch, err);
    }
    bool contradiction =
        (e.decimal[POINT] && e.decimal[COMMA]) || (e.decimal[POINT] && e.thousands[POINT]) || (e.decimal[COMMA] && e.thousands[COMMA]);
    *out = (an__csv_notation){ f->decimal ? f->decimal : f->thousands == '.' ? ',' : '.', f->thousands };
    size_t most = 0;
    for (size_t k = 0; ok && k < NOTATIONS; k++) {
        if (way[k].thousands == ' ' && !o->thousands && !e.blank) continue;
        if ((f->decimal && way[k].decimal != f->decimal) || (o->thousands && way[k].thousands != f->thousands)) continue;
        if (open < columns && !contradiction) { /* the cells that are open follow those that are not */
            if ((e.decimal[POINT] || e.thousands[COMMA]) && way[k].decimal == ',') continue;
            if ((e.decimal[COMMA] || e.thousands[POINT]) && way[k].decimal == '.') continue;
        }
        size_t good = 0;
        for (size_t j = 0; j < columns; j++) good += column[j].values && column[j].numbers[k] >= 0.95 * (double)column[j].values;
        if (good <= most) continue;
        most = good;
        *out = way[k];
    }
    free(column);
    an_buf_free(&scratch);
    return ok;
}
