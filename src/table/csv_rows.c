/* csv_rows.c - one pass over the rows of a CSV file, the hot loop of the reader, and what it says of rows that do not fit. */
#include "csv_impl.h"

#include <math.h>
#include <stdlib.h>

const char *an__csv_column_name(const an__csv_reader *r, size_t j)
{
    return j < r->columns ? r->column[j].name : "beyond the last";
}

static bool fault_error(const an__csv_reader *r, an__csv_fault fault, size_t line, size_t j, an_error *err)
{
    switch (fault) {
    case FIELD_UNCLOSED:
        an_fail(err, AN_INPUT, "line %zu, column %s: a quote opens here and is never closed", line, an__csv_column_name(r, j));
        return an_hint(err, "close it, or write a quote inside a quoted text twice");
    case FIELD_LONG:
        an_fail(err, AN_INPUT, "line %zu, column %s: the field is longer than 16 MB", line, an__csv_column_name(r, j));
        return an_hint(err, "is a quote missing?");
    default:
        an_fail(err, AN_INPUT, "line %zu, column %s: text stands behind the closing quote", line, an__csv_column_name(r, j));
        return an_hint(err, "write a quote inside a quoted text twice");
    }
}

/* A row with too few or too many fields: p is the start of the row. */
static bool ragged_error(an__csv_reader *r, const char *p, size_t line, an_error *err)
{
    size_t fields = 0;
    an__csv_field field;
    for (an__csv_walk w = an__csv_walk_row(&r->format, p, r->layout.end, &r->scratch); an__csv_walk_next(&w, &field);) fields++;
    if (fields < r->columns) {
        an_fail(err, AN_INPUT, "line %zu has %zu fields where there are %zu columns; the first without a field is column %s", line, fields,
                r->columns, an__csv_column_name(r, fields));
    } else {
        an_fail(err, AN_INPUT, "line %zu has %zu fields where there are %zu columns; the last is column %s", line, fields, r->columns,
                an__csv_column_name(r, r->columns - 1));
    }
    return an_hint(err, "a text that holds the delimiter %s must stand in quotes",
                   r->format.delimiter == '\t' ? "(tab)" : (char[]){ r->format.delimiter, 0 });
}

/* One field the slow way; true and *p behind it. */
static inline bool slow_field(an__csv_reader *r, an__csv_column *c, size_t j, size_t row, size_t *line, const char **p, const char *end,
                              an_error *err)
{
    an__csv_field field;
    an__csv_fault fault = an__csv_take(&r->format, *p, end, &r->scratch, &field, p);
    if (fault) return fault_error(r, fault, *line, j, err);
    if (c && c->active && !an__csv_column_store(c, &r->format, row, *line, field.text, field.n, err)) return false;
    *line += field.newlines;
    return true;
}

static bool step(an__csv_reader *r, const char *p, const char **next, an_error *err)
{
    size_t done = (size_t)(p - r->source.data);
    an_job_progress(r->job, (double)done, (double)r->source.size, "bytes");
    if (done - r->forgotten >= 8 * (size_t)AN__CSV_STEP) {
        an__csv_forget(&r->source, r->forgotten, done);
        r->forgotten = done;
    }
    *next = r->source.size - done > AN__CSV_STEP ? p + AN__CSV_STEP : r->source.data + r->source.size;
    return an_job_check(r->job, err);
}

static bool grow(an__csv_reader *r, size_t rows, an_error *err)
{
    size_t capacity = rows + rows / 2 + 1024;
    if (!an__csv_enough_memory(r, capacity, err)) return false;
    for (size_t j = 0; j < r->columns; j++) {
        if (r->column[j].active && !an__csv_column_grow(&r->column[j], rows, capacity, err)) return false;
    }
    r->capacity = capacity;
    return true;
}

/* Whether a text that means 'missing' reads as a number, such as -999. */
static bool number_tokens(const an__csv_format *f)
{
    an__number number;
    double real;
    for (size_t i = 0; i < f->missing->count; i++) {
        const char *token = f->missing->items[i];
        if (an__number_parse(token, strlen(token), f->decimal, f->thousands, &number, &real)) return true;
    }
    return false;
}

bool an__csv_passed(const an__csv_reader *r, const char **p, size_t *line, size_t *bad, const char *end)
{
    const an__csv_layout *l = &r->layout;
    size_t n = (size_t)(l->header_end - l->header);
    if (n && **p == *l->header && (size_t)(end - *p) >= n && !memcmp(*p, l->header, n) && an__csv_line_end(*p + n, end)) {
        for (const char *q = *p; q < *p + n; q++) *line += *q == '\n';
        *p = an__csv_next_line(*p + n, end);
        ++*line;
        return true;
    }
    if (*bad < r->bad_count && *p == r->bad[*bad].start) {
        ++*bad;
        return true;
    }
    return false;
}

static bool numbers_so_far(const an__csv_column *c)
{
    if (c->kind != KIND_STRING) return c->kind <= KIND_REAL && c->active;
    for (size_t k = 0; k < c->entries; k++) {
        if (c->entry[k].class > CLASS_REAL) return false;
    }
    return c->entries > 0;
}

/* A row of texts only where columns hold numbers, below a blank line: another table begins. */
static bool second_table(an__csv_reader *r, const char *p, const char *end, size_t line, an_error *err)
{
    an__csv_field field;
    size_t texts = 0, over = 0, filled = 0, j = 0;
    char first[48] = "", cell[48] = "";
    for (an__csv_walk w = an__csv_walk_row(&r->format, p, end, &r->scratch); an__csv_walk_next(&w, &field); j++) {
        if (an__csv_is_missing(&r->format, field.text, field.n)) continue;
        filled++;
        if (an__csv_classify(&r->format, field.text, field.n) != CLASS_OTHER) continue;
        snprintf(cell, sizeof cell, "%.*s", (int)(field.n < sizeof cell ? field.n : sizeof cell - 1), field.text);
        if (!texts++) memcpy(first, cell, sizeof first);
        over += j < r->columns && numbers_so_far(&r->column[j]);
    }
    if (filled < 2 || texts < filled || !over) return true;
    an_fail(err, AN_INPUT, "line %zu: a second table seems to begin here, below a blank line: %s, ...", line, first);
    return an_hint(err, "give one table a file; of an Excel sheet, take the cells of one with --sheet Sheet1!A1:F200");
}

/* All rows from p on into the active columns. */
bool an__csv_read_rows(an__csv_reader *r, const char *p, size_t line, size_t *rows, an_error *err)
{
    const char *end = r->layout.end, *next_step = p;
    const char delimiter = r->format.delimiter, decimal = r->format.decimal;
    const bool collapse = r->format.collapse, direct = !r->format.thousands, tokens = number_tokens(&r->format);
    const size_t columns = r->columns;
    const bool special = r->bad_count || r->keep, lines = !r->lines_known;
    const char header = r->layout.header_end > r->layout.header ? *r->layout.header : '\n';
    const uint32_t file = lines ? an_lines_file(&r->report->lines, r->what) : 0;
    size_t row = 0, count = 0, bad = 0, again = 0;
    bool below_blank = false;
    r->forgotten = 0;
    while (p < end) {
        if (p >= next_step && !step(r, p, &next_step, err)) return false;
        if (collapse) {
            while (*p == delimiter) p++;
        }
        if (*p <= ' ') { /* blank lines */
            const char *q = p;
            while ((*q == ' ' || *q == '\t') && *q != delimiter) q++;
            if (an__csv_line_end(q, end)) {
                p = an__csv_next_line(q, end);
                line++;
                below_blank = row > 0;
                continue;
            }
        }
        if (*p == header || special) {
            const char *before = p;
            size_t bad_before = bad;
            if (an__csv_passed(r, &p, &line, &bad, end)) {
                if (bad == bad_before) {
                    again++;
                    below_blank = false;
                } else if (!an__csv_pass_row(r, &p, &line, end)) {
                    break;
                }
                continue;
            }
            if (r->keep && (row == r->keep_count || r->keep[row] != count++)) {
                p = before;
                if (!an__csv_pass_row(r, &p, &line, end)) break;
                if (row == r->keep_count) break;
                continue;
            }
        }
        if (below_blank) {
            if (!second_table(r, p, end, line, err)) return false;
            below_blank = false;
        }
        if (lines) an_lines_add(&r->report->lines, row, file, line);
        if (row == r->capacity && !grow(r, row, err)) return false;
        const char *row_start = p;
        size_t row_line = line;
        for (size_t j = 0;;) {
            an__csv_column *c = &r->column[j];
            bool stored = false;
            if (direct && c->active && c->kind <= KIND_REAL) {
                an__number number;
                const char *q = an__number_scan(p, decimal, &number);
                if (q && (*q == delimiter || *q == '\n' || *q == '\r' || q == end) &&
                    !(tokens && an__csv_is_missing(&r->format, p, (size_t)(q - p)))) {
                    if (c->kind == KIND_REAL) {
                        double value = an__number_real(&number, p, q, decimal);
                        c->real[row] = value;
                        stored = isfinite(value);
                    } else {
                        stored = !number.padded && an__number_integer(&number, &c->integer[row]);
                    }
                    if (stored) p = q;
                }
            }
            if (!stored && !slow_field(r, c, j, row, &line, &p, end, err)) return false;
            if (*p == delimiter && p < end) {
                p++;
                if (collapse) {
                    while (*p == delimiter) p++;
                    if (an__csv_line_end(p, end)) {
                        if (j + 1 != columns) return ragged_error(r, row_start, row_line, err);
                        break;
                    }
                }
                if (++j == columns) return ragged_error(r, row_start, row_line, err);
                continue;
            }
            if (j + 1 != columns) return ragged_error(r, row_start, row_line, err);
            break;
        }
        p = an__csv_next_line(p, end);
        line++;
        row++;
    }
    *rows = row;
    r->lines_known = true;
    r->report->dialect.headers_again = again;
    an_job_progress(r->job, (double)r->source.size, (double)r->source.size, "bytes");
    return true;
}
