/* csv_layout.c - what people and programs write around a table: titles above the header, units below it, totals and remarks at the end. A
 * file that begins with its header and ends with its last row is told nothing by all this. */
#include "csv_impl.h"

#include <stdlib.h>
#include <strings.h>

enum { SAMPLE_ROWS = 200, SAMPLE_BYTES = 1 << 20, TITLES_MAX = 50, TAIL_BYTES = 1 << 16, TOTALS_MAX = 20 };

typedef struct look {
    const char *start, *end; /* of the row, without its line end */
    const char *next;
    size_t line, lines; /* where it begins, and how many it takes */
    size_t fields, filled, numeric;
    bool fault, distinct; /* no two filled fields are equal */
} look;

static bool is_date(const an__csv_format *f, const char *text, size_t n)
{
    int64_t us;
    an__slashed s;
    return an__csv_datetime(f, 0, text, n, &us) || an__time_slashed(text, n, &s);
}

/* Past blank lines; NULL at the end. */
static const char *skip_blank(const an__csv_format *f, const char *p, const char *end, size_t *line)
{
    for (const char *blank; p < end && (blank = an__csv_blank(f, p, end)); ++*line) p = an__csv_next_line(blank, end);
    return p < end ? p : NULL;
}

static look look_at(const an__csv_format *f, const char *p, const char *end, size_t line, an_buf *scratch)
{
    look row = { .start = p, .line = line, .lines = 1, .distinct = true };
    an__csv_walk w = an__csv_walk_row(f, p, end, scratch);
    an__csv_field field;
    an_list seen = { 0 };
    while (an__csv_walk_next(&w, &field)) {
        row.fields++;
        row.lines += field.newlines;
        if (!field.n) continue;
        row.filled++;
        row.numeric += an__csv_any_number(field.text, field.n) || is_date(f, field.text, field.n);
        if (row.distinct && row.filled <= 64) { /* enough to tell a header from a row of values */
            char *text = an_strndup(field.text, field.n < 200 ? field.n : 200);
            row.distinct = !an_list_has(&seen, text);
            an_list_add_take(&seen, text);
        }
    }
    an_list_free(&seen);
    row.fault = w.fault != FIELD_GOOD;
    row.end = w.p;
    row.next = row.fault ? end : an__csv_next_line(w.p, end);
    return row;
}

/* The most frequent number of fields above one, 0 when there is none. */
static size_t usual_width(const an__csv_format *f, const char *p, const char *end, an_buf *scratch)
{
    struct {
        size_t width, rows;
    } seen[32] = { 0 };
    const char *stop = end - p > SAMPLE_BYTES ? p + SAMPLE_BYTES : end;
    size_t kinds = 0, best = 0, line = 0;
    for (size_t rows = 0; rows < SAMPLE_ROWS && p < stop && (p = skip_blank(f, p, end, &line)); rows++) {
        an__csv_walk w = an__csv_walk_row(f, p, end, scratch);
        an__csv_field field;
        size_t n = 0, k = 0;
        while (an__csv_walk_next(&w, &field)) n++;
        if (w.fault) break;
        p = an__csv_next_line(w.p, end);
        while (k < kinds && seen[k].width != n) k++;
        if (k == AN_COUNT(seen) || n < 2) continue;
        kinds += k == kinds;
        seen[k].width = n;
        seen[k].rows++;
    }
    for (size_t k = 1; k < kinds; k++) {
        if (seen[k].rows > seen[best].rows) best = k;
    }
    return seen[best].width;
}

static bool go_to_line(const an__csv_format *f, const char **p, size_t *line, const char *end, size_t wanted, size_t *titles, an_error *err)
{
    while (*line < wanted && *p < end) {
        *titles += !an__csv_blank(f, *p, end);
        while (!an__csv_line_end(*p, end)) ++*p;
        *p = an__csv_next_line(*p, end);
        ++*line;
    }
    if (*line == wanted && *p < end && !an__csv_blank(f, *p, end)) return true;
    an_fail(err, AN_USAGE, "--header-row %zu: %s", wanted, *p < end ? "this line is blank" : "the file has fewer lines");
    return an_hint(err, "lines are counted from 1, blank ones too");
}

/* Where the first row is no header by its width or by its empty fields, one of the next rows is: as wide as the table, more than half of it
 * filled, no numbers, no name twice; and what stands above it is sparse. (A ragged row of names above rows of values stays where it is.) */
bool an__csv_find_start(const an__csv_format *f, const an_csv_options *o, const char *p, size_t line, const char *end, an__csv_layout *out,
                        an_error *err)
{
    *out = (an__csv_layout){ .start = p, .line = line, .end = end };
    if (o->header_row) {
        if (!go_to_line(f, &out->start, &out->line, end, (size_t)o->header_row, &out->titles, err)) return false;
        return true;
    }
    an_buf scratch = { 0 };
    const char *first = skip_blank(f, p, end, &line);
    size_t width = first ? usual_width(f, first, end, &scratch) : 0;
    if (first) {
        out->start = first;
        out->line = line;
    }
    bool above = true;
    for (size_t k = 0; above && width && k < TITLES_MAX && first; k++) {
        look row = look_at(f, first, end, line, &scratch);
        bool full = !row.fault && row.fields == width && 2 * row.filled > width;
        bool header = full && (o->no_header || (row.distinct && !row.numeric));
        if (k == 0 && full) break; /* the usual case */
        if (header) {
            out->start = row.start;
            out->line = row.line;
            out->titles = k;
            break;
        }
        above = !row.fault && 2 * row.filled <= width && row.filled <= 4;
        line += row.lines;
        first = skip_blank(f, row.next, end, &line);
    }
    an_buf_free(&scratch);
    return true;
}

/* ---- columns, as the first rows show them ---- */

typedef struct column_look {
    size_t values, numeric, empty;
} column_look;

static size_t look_at_columns(const an__csv_format *f, const char *p, const char *end, size_t columns, column_look *column, size_t most,
                              an_buf *scratch)
{
    const char *stop = end - p > SAMPLE_BYTES ? p + SAMPLE_BYTES : end;
    size_t rows = 0, line = 0;
    for (; rows < most && p < stop && (p = skip_blank(f, p, end, &line)); rows++) {
        an__csv_walk w = an__csv_walk_row(f, p, end, scratch);
        an__csv_field field;
        for (size_t j = 0; an__csv_walk_next(&w, &field); j++) {
            if (j >= columns) continue;
            if (an__csv_is_missing(f, field.text, field.n)) {
                column[j].empty++;
            } else {
                column[j].values++;
                column[j].numeric += an__csv_any_number(field.text, field.n) || is_date(f, field.text, field.n);
            }
        }
        if (w.fault) break;
        p = an__csv_next_line(w.p, end);
    }
    return rows;
}

/* The same of a column that may hold the words of some totals as well. */
static bool mostly_numbers(const column_look *c)
{
    return c->numeric >= 2 && (double)c->numeric + 5 >= 0.95 * (double)c->values && 2 * c->numeric > c->values;
}

static bool numbers(const column_look *c)
{
    return c->values && (double)c->numeric >= 0.95 * (double)c->values;
}

/* ---- units ---- */

/* "mm" of "[mm]", "(mm)" or "in mm"; *marked: it stands in brackets. */
static char *bare_unit(const char *text, size_t n, bool *marked)
{
    *marked = n > 2 && ((text[0] == '[' && text[n - 1] == ']') || (text[0] == '(' && text[n - 1] == ')'));
    if (*marked) return an_strndup(text + 1, n - 2);
    if (n > 3 && !strncmp(text, "in ", 3)) return an_strndup(text + 3, n - 3);
    return an_strndup(text, n);
}

static bool known_unit(const char *text)
{
    double factor, offset;
    return an_unit_convert(text, text, &factor, &offset, NULL);
}

/* Every column of numbers has a text or nothing in this row, and most of these texts are units. */
static bool is_units(const an__csv_format *f, const char *p, const char *end, size_t columns, an_buf *scratch)
{
    look row = look_at(f, p, end, 0, scratch);
    if (row.fault || row.fields != columns || !row.filled || row.numeric) return false;
    column_look *column = an_alloc_n(columns + 1, sizeof *column);
    look_at_columns(f, row.next, end, columns, column, 50, scratch);
    size_t texts = 0, units = 0, over_numbers = 0, j = 0;
    an__csv_field field;
    for (an__csv_walk w = an__csv_walk_row(f, p, end, scratch); an__csv_walk_next(&w, &field); j++) {
        if (an__csv_is_missing(f, field.text, field.n) || field.n > 40) {
            texts += field.n > 40;
            continue;
        }
        bool marked;
        char *unit = bare_unit(field.text, field.n, &marked);
        bool good = marked || known_unit(unit);
        free(unit);
        texts++;
        units += good;
        over_numbers += good && j < columns && numbers(&column[j]);
    }
    free(column);
    return over_numbers && 2 * units >= texts;
}

/* ---- totals and remarks at the end ---- */

static const char *const total_words[] = { "total",       "totals",
                                           "grand total", "sum",
                                           "summe",       "gesamt",
                                           "gesamtsumme", "insgesamt",
                                           "subtotal",    "zwischensumme",
                                           "average",     "avg",
                                           "mean",        "mittelwert",
                                           "mw",          "median",
                                           "min",         "max",
                                           "minimum",     "maximum",
                                           "stdev",       "std",
                                           "stddev",      "std dev",
                                           "se mean",     "standardabweichung",
                                           "stabw",       "variance",
                                           "varianz",     "coefvar",
                                           "count",       "anzahl",
                                           "n",           "n*",
                                           "q1",          "q3",
                                           "range",       "spannweite" };

static bool total_word(const char *text, size_t n)
{
    while (n && (text[n - 1] == ':' || text[n - 1] == ' ' || text[n - 1] == '=')) n--;
    for (size_t k = 0; k < AN_COUNT(total_words); k++) {
        if (strlen(total_words[k]) == n && !strncasecmp(text, total_words[k], n)) return true;
    }
    return false;
}

/* A column of names that never repeat, none of them such a word but for the last rows: serials. */
static bool names_parts(const an__csv_format *f, const char *p, const char *end, size_t column, an_buf *scratch)
{
    an_list seen = { 0 };
    size_t line = 0;
    bool distinct = true, below = false;
    while (distinct && seen.count < 50 && p < end && (p = skip_blank(f, p, end, &line))) {
        an__csv_walk w = an__csv_walk_row(f, p, end, scratch);
        an__csv_field field;
        for (size_t j = 0; an__csv_walk_next(&w, &field); j++) {
            if (j != column) continue;
            char *text = an_strndup(field.text, field.n < 200 ? field.n : 200);
            bool total = total_word(field.text, field.n);
            distinct = field.n && (total || !below) && !an_list_has(&seen, text);
            below |= total;
            if (total)
                free(text);
            else
                an_list_add_take(&seen, text);
        }
        if (w.fault) break;
        p = an__csv_next_line(w.p, end);
    }
    distinct = distinct && seen.count >= 3;
    an_list_free(&seen);
    return distinct;
}

/* A row that begins with such a word where the column holds numbers or names that never repeat, or leaves a column empty that never is. A
 * remark: one text alone below a blank line. */
static bool is_total(const an__csv_format *f, const look *row, const char *table, bool below_blank, const column_look *column,
                     size_t columns, size_t rows, an_buf *scratch, char *word, size_t room)
{
    an__csv_field field;
    size_t j = 0, label = SIZE_MAX;
    bool empty_where_never = row->fields < columns, letters = false;
    if (row->fault || row->fields > columns) return false;
    for (an__csv_walk w = an__csv_walk_row(f, row->start, row->end, scratch); an__csv_walk_next(&w, &field); j++) {
        if (!field.n) {
            empty_where_never |= rows >= 3 && !column[j].empty;
            continue;
        }
        if (label != SIZE_MAX) continue;
        for (size_t i = 0; i < field.n; i++) letters |= (field.text[i] | 32) >= 'a' && (field.text[i] | 32) <= 'z';
        snprintf(word, room, "%.*s", (int)(field.n < room ? field.n : room - 1), field.text);
        label = j;
        if (!total_word(field.text, field.n)) label = columns;
    }
    if (label < columns && (mostly_numbers(&column[label]) || empty_where_never)) return true;
    if (label == 0 && row->numeric && row->numeric + 1 == row->filled && names_parts(f, table, row->start, 0, scratch)) return true;
    return below_blank && columns >= 3 && row->filled == 1 && row->fields != columns && letters && !row->numeric;
}

static void find_totals(const an__csv_format *f, const char *p, const char *end, size_t columns, an__csv_layout *out, an_buf *scratch)
{
    const char *from = end - p > TAIL_BYTES ? end - TAIL_BYTES : p, *start[TOTALS_MAX], *stop = end;
    column_look *column = an_alloc_n(columns + 1, sizeof *column);
    size_t rows = 0, count = 0;
    bool more = true;
    while (more && count < TOTALS_MAX) { /* from the last line upwards */
        const char *q = stop;
        bool blank = true;
        while (blank && q > from) {
            const char *line_end = q;
            if (line_end[-1] == '\n') line_end--;
            if (line_end > from && line_end[-1] == '\r') line_end--;
            q = line_end;
            while (q > from && q[-1] != '\n' && q[-1] != '\r') q--;
            blank = an__csv_blank(f, q, end) != NULL;
        }
        if (blank || q <= from) break;            /* the first row stays; and the tail may begin in the middle of a long one */
        if (memchr(q, '"', (size_t)(stop - q))) { /* an odd number of quotes: a text of several lines ends here */
            size_t quotes = 0;
            for (const char *c = q; c < stop; c++) quotes += *c == '"';
            if (quotes % 2) break;
        }
        memset(column, 0, columns * sizeof *column); /* as the rows above show them */
        rows = look_at_columns(f, p, q, columns, column, SAMPLE_ROWS, scratch);
        const char *before = q - 1; /* the end of the line above */
        if (before > from && *before == '\n' && before[-1] == '\r') before--;
        const char *above = before;
        while (above > from && above[-1] != '\n' && above[-1] != '\r') above--;
        look row = look_at(f, q, end, 0, scratch);
        more = is_total(f, &row, p, an__csv_blank(f, above, end) != NULL, column, columns, rows, scratch, out->total, sizeof out->total);
        if (more) start[count++] = stop = q;
    }
    free(column);
    if (!count || count == TOTALS_MAX) return; /* so many are a table */
    const char *first = start[count - 1];
    an__csv_counts lines = { 0 };
    an__csv_count(p, (size_t)(first - p), &lines);
    if (!lines.lines && !lines.returns) return;
    out->end = first;
    out->totals = count;
    look row = look_at(f, first, end, 0, scratch);
    an__csv_walk w = an__csv_walk_row(f, row.start, row.end, scratch);
    an__csv_field field;
    while (an__csv_walk_next(&w, &field) && !field.n) continue;
    snprintf(out->total, sizeof out->total, "%.*s", (int)(field.n < sizeof out->total ? field.n : sizeof out->total - 1), field.text);
}

void an__csv_find_rest(const an__csv_format *f, const an_csv_options *o, const char *end, an__csv_layout *out)
{
    an_buf scratch = { 0 };
    size_t line = 0;
    const char *first = skip_blank(f, out->start, end, &line);
    if (first) {
        look header = look_at(f, first, end, 0, &scratch);
        const char *below = o->no_header ? first : skip_blank(f, header.next, end, &line);
        if (below && !o->no_header) out->units = o->units_row || (!o->no_units_row && is_units(f, below, end, header.fields, &scratch));
        if (out->units) below = look_at(f, below, end, 0, &scratch).next;
        if (below && below < end && !o->keep_totals && header.fields > 1) find_totals(f, below, end, header.fields, out, &scratch);
    }
    an_buf_free(&scratch);
}

char *an__csv_unit(const char *text, size_t n)
{
    bool marked;
    return bare_unit(text, n, &marked);
}
