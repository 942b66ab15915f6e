/* csv_read.c - reads a CSV file into a table: dialect, names, a sample for first guesses of types, one pass that stores numbers as it
 * meets them, and another pass over those columns only whose guess turned out wrong. */
#include "csv_impl.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

typedef struct reader {
    an__csv_source source;
    an__csv_format format;
    an_list names, made; /* made: those of columns without a name in the header, in order */
    an__csv_column *column;
    size_t columns;
    size_t capacity;  /* rows that columns have room for */
    const char *what; /* file, for messages */
    an_job *job;
    an_buf scratch;
    size_t forgotten; /* bytes given back */
} reader;

enum { SAMPLE_ROWS = 1000 };

static const char *column_name(const reader *r, size_t j)
{
    return j < r->columns ? r->column[j].name : "beyond the last";
}

static bool fault_error(const reader *r, an__csv_fault fault, size_t line, size_t j, an_error *err)
{
    switch (fault) {
    case FIELD_UNCLOSED:
        an_fail(err, AN_INPUT, "line %zu, column %s: a quote opens here and is never closed", line, column_name(r, j));
        return an_hint(err, "close it, or write a quote inside a quoted text twice");
    case FIELD_LONG:
        an_fail(err, AN_INPUT, "line %zu, column %s: the field is longer than 16 MB", line, column_name(r, j));
        return an_hint(err, "is a quote missing?");
    default:
        an_fail(err, AN_INPUT, "line %zu, column %s: text stands behind the closing quote", line, column_name(r, j));
        return an_hint(err, "write a quote inside a quoted text twice");
    }
}

/* A row with too few or too many fields: p is the start of the row. */
static bool ragged_error(reader *r, const char *p, size_t line, an_error *err)
{
    const char *end = r->source.data + r->source.size;
    size_t fields = 0;
    an__csv_field field;
    for (;;) {
        const char *next = p;
        if (an__csv_take(&r->format, p, end, &r->scratch, &field, &next) != FIELD_GOOD) break;
        fields++;
        p = next;
        if (an__csv_line_end(p, end)) break;
        p++;
        if (r->format.collapse) {
            while (*p == r->format.delimiter) p++;
            if (an__csv_line_end(p, end)) break;
        }
    }
    if (fields < r->columns) {
        an_fail(err, AN_INPUT, "line %zu has %zu fields where there are %zu columns; the first without a field is column %s", line, fields,
                r->columns, column_name(r, fields));
    } else {
        an_fail(err, AN_INPUT, "line %zu has %zu fields where there are %zu columns; the last is column %s", line, fields, r->columns,
                column_name(r, r->columns - 1));
    }
    return an_hint(err, "a text that holds the delimiter %s must stand in quotes",
                   r->format.delimiter == '\t' ? "(tab)" : (char[]){ r->format.delimiter, 0 });
}

/* One field the slow way; true and *p behind it. */
static inline bool slow_field(reader *r, an__csv_column *c, size_t j, size_t row, size_t *line, const char **p, const char *end,
                              an_error *err)
{
    an__csv_field field;
    an__csv_fault fault = an__csv_take(&r->format, *p, end, &r->scratch, &field, p);
    if (fault) return fault_error(r, fault, *line, j, err);
    if (c && c->active && !an__csv_column_store(c, &r->format, row, *line, field.text, field.n, err)) return false;
    *line += field.newlines;
    return true;
}

static bool step(reader *r, const char *p, const char **next, an_error *err)
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

static bool grow(reader *r, size_t rows, an_error *err)
{
    size_t capacity = rows + rows / 2 + 1024;
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

/* All rows from p on into the active columns. */
static bool read_rows(reader *r, const char *p, size_t line, size_t *rows, an_error *err)
{
    const char *end = r->source.data + r->source.size, *next_step = p;
    const char delimiter = r->format.delimiter, decimal = r->format.decimal;
    const bool collapse = r->format.collapse, direct = !r->format.thousands, tokens = number_tokens(&r->format);
    const size_t columns = r->columns;
    size_t row = 0;
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
                continue;
            }
        }
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
    an_job_progress(r->job, (double)r->source.size, (double)r->source.size, "bytes");
    return true;
}

/* Classes of the fields in the first rows; problems are left to the real pass, which names them. */
static void look_at_sample(reader *r, const char *p, size_t (*seen)[CLASS_COUNT])
{
    const char *end = r->source.data + r->source.size, *stop = end - p > AN__CSV_STEP ? p + AN__CSV_STEP : end;
    for (size_t row = 0; p < stop && row < SAMPLE_ROWS; row++) {
        if (r->format.collapse) {
            while (*p == r->format.delimiter) p++;
        }
        for (size_t j = 0; !an__csv_line_end(p, end); j++) {
            an__csv_field field;
            const char *next = p;
            if (an__csv_take(&r->format, p, end, &r->scratch, &field, &next) != FIELD_GOOD) return;
            if (j < r->columns && !an__csv_is_missing(&r->format, field.text, field.n))
                seen[j][an__csv_classify(&r->format, field.text, field.n)]++;
            p = next;
            if (*p != r->format.delimiter || p == end) break;
            p++;
            while (r->format.collapse && *p == r->format.delimiter) p++;
        }
        p = an__csv_next_line(p, end);
    }
}

static bool force_types(reader *r, const an_csv_options *o, an_error *err)
{
    for (size_t i = 0; i < o->type.count; i++) {
        const char *text = o->type.items[i], *sign = strrchr(text, '=');
        an_type type;
        if (!sign || !an_type_parse(sign + 1, &type) || type == AN_TENSOR) {
            an_fail(err, AN_USAGE, "--type \"%s\" is not COLUMN=TYPE", text);
            return an_hint(err, "types: integer real boolean category datetime text");
        }
        char *name = an_strndup(text, (size_t)(sign - text));
        size_t j = 0;
        while (j < r->columns && strcmp(r->column[j].name, name)) j++;
        if (j < r->columns) {
            r->column[j].forced = (int)type;
        } else {
            an_fail(err, AN_NOT_FOUND, "--type %s: there is no column %s", text, name);
            const char *near = an_nearest(name, (const char *const *)r->names.items, r->names.count);
            if (near) an_hint(err, "did you mean %s?", near);
        }
        free(name);
        if (j == r->columns) return false;
    }
    return true;
}

static const char *const origin_names[3] = { "_generator", "_seed", "_row" };

/* Positions of _generator, _seed, _row where all are there. */
static bool find_origin(const reader *r, size_t at[3])
{
    for (int k = 0; k < 3; k++) {
        size_t j = 0;
        while (j < r->columns && strcmp(r->column[j].name, origin_names[k])) j++;
        if (j == r->columns) return false;
        at[k] = j;
    }
    return true;
}

static an__csv_kind kind_of(an_type type)
{
    switch (type) {
    case AN_REAL:
        return KIND_REAL;
    case AN_INTEGER:
        return KIND_INTEGER;
    case AN_BOOLEAN:
        return KIND_BOOLEAN;
    case AN_DATETIME:
        return KIND_DATETIME;
    default:
        return KIND_STRING;
    }
}

/* A zero byte is told with the column it stands in, as far as delimiters in front of it tell. */
static bool nul_error(const reader *r, size_t first, size_t line, an_error *err)
{
    const char *start = r->source.data + first, *nul = memchr(start, 0, r->source.size - first);
    size_t field = 0;
    for (const char *p = start; nul && p < nul; p++) {
        if (*p == '\n') line++;
        field = *p == '\n' ? 0 : field + (*p == r->format.delimiter);
    }
    an_fail(err, AN_INPUT, "line %zu, column %s: a zero byte (NUL)", line, column_name(r, field));
    return an_hint(err, "this is no text file, or it was damaged on the way");
}

static bool parse_u64(const char *text, size_t n, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t digit = (uint64_t)(unsigned char)text[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, UINT64_C(10), &value) || __builtin_add_overflow(value, digit, &value)) return false;
    }
    *out = value;
    return n > 0;
}

/* Turns three text columns into the origin of rows. */
static bool take_origin(an_table *t, const an_column from[3], an_error *err)
{
    t->origin = an_alloc_data(t->rows, sizeof *t->origin, "the origin of rows", err);
    t->origin_row = t->origin ? an_alloc_data(t->rows, sizeof *t->origin_row, "the origin of rows", err) : NULL;
    if (!t->origin_row) return false;
    uint32_t last = 0;
    for (size_t i = 0; i < t->rows; i++) {
        const char *text[3];
        size_t n[3];
        for (int k = 0; k < 3; k++) {
            text[k] = from[k].text.bytes ? from[k].text.bytes + from[k].text.offset[i] : "";
            n[k] = from[k].text.offset[i + 1] - from[k].text.offset[i];
        }
        if (!n[0] && !n[1] && !n[2]) continue;
        uint64_t seed, number;
        if (!n[0] || !parse_u64(text[1], n[1], &seed) || !parse_u64(text[2], n[2], &number)) {
            an_fail(err, AN_INPUT, "row %zu: _generator, _seed and _row do not say where the row came from", i + 1);
            return an_hint(err, "all three are empty for a measured row; else a name and two whole numbers");
        }
        if (!last || t->origins[last - 1].seed != seed || strlen(t->origins[last - 1].generator) != n[0] ||
            memcmp(t->origins[last - 1].generator, text[0], n[0])) {
            last = 0;
            for (size_t k = 0; k < t->origin_count && !last; k++) {
                const an_origin *o = &t->origins[k];
                if (o->seed == seed && strlen(o->generator) == n[0] && !memcmp(o->generator, text[0], n[0])) last = (uint32_t)k + 1;
            }
        }
        if (!last) {
            if (t->origin_count >= 1000000) return an_fail(err, AN_INPUT, "row %zu: more than a million generators and seeds", i + 1);
            if (!(t->origin_count & (t->origin_count - 1))) {
                t->origins = an_resize_n(t->origins, t->origin_count ? 2 * t->origin_count : 1, sizeof *t->origins);
            }
            t->origins[t->origin_count++] = (an_origin){ an_strndup(text[0], n[0]), seed };
            last = (uint32_t)t->origin_count;
        }
        t->origin[i] = last;
        t->origin_row[i] = number;
    }
    if (t->origin_count) return true;
    free(t->origin); /* all rows are measured */
    free(t->origin_row);
    t->origin = NULL;
    t->origin_row = NULL;
    return true;
}

/* Columns at the end without a name or any value are only a delimiter at the end of every line. The others without a name are told;
 * such a column without any value stands between two tables side by side. */
static bool settle_made_names(reader *r, size_t rows, an_error *err)
{
    size_t left = r->made.count;
    while (left && r->columns > 1) {
        an__csv_column *c = &r->column[r->columns - 1];
        if (strcmp(c->name, r->made.items[left - 1]) || c->missing != rows) break;
        an__csv_column_clear(c);
        r->columns--;
        left--;
    }
    for (size_t j = 0, k = 0; k < left; j++) {
        if (strcmp(r->column[j].name, r->made.items[k])) continue;
        if (j && r->column[j].missing == rows) {
            an_fail(err, AN_INPUT, "header: column %zu has an empty name, and no row has a value there", j + 1);
            return an_hint(err, "are these two tables side by side? give one table, or name the column");
        }
        an_job_say(r->job, "%s: the header has no name for column %s", r->what, r->made.items[k++]);
    }
    return true;
}

static an_table *build(reader *r, size_t rows, an_error *err)
{
    if (!settle_made_names(r, rows, err)) return NULL;
    an_table *t = an_table_new(rows);
    an_column origin[3] = { 0 };
    size_t at[3] = { SIZE_MAX, SIZE_MAX, SIZE_MAX };
    bool ok = true, generated = find_origin(r, at);
    for (size_t j = 0; ok && j < r->columns; j++) {
        an_column c = { 0 };
        ok = an__csv_column_finish(&r->column[j], rows, &c, err);
        if (!ok) break;
        int which = !generated ? -1 : j == at[0] ? 0 : j == at[1] ? 1 : j == at[2] ? 2 : -1;
        if (which >= 0) {
            origin[which] = c;
            continue;
        }
        c.name = an_strdup(r->column[j].name);
        an__table_push(t, &c);
    }
    if (ok && generated) ok = take_origin(t, origin, err);
    for (int k = 0; k < 3; k++) an__column_free(&origin[k]);
    if (ok) return t;
    an_table_free(t);
    return NULL;
}

static an_table *read_source(reader *r, const an_csv_options *o, an_csv_dialect *d, an_error *err)
{
    an__csv_counts counts;
    size_t first = 0, line = 1, rows = 0;
    an_job_stage(r->job, "reading");
    if (!an__csv_detect(&r->source, o, d, &r->format, &counts, &first, err)) return NULL;
    const char *p = r->source.data + first;
    if (first > 3) line = 2; /* behind the line sep=; */
    size_t first_line = line;
    if (!an__csv_names(&r->source, o, d, &r->format, &p, &line, &r->names, &r->made, err)) return NULL;
    r->columns = r->names.count;
    r->column = an_alloc_n(r->columns, sizeof *r->column);
    for (size_t j = 0; j < r->columns; j++) r->column[j] = (an__csv_column){ .name = r->names.items[j], .forced = -1 };
    if (counts.nul && !nul_error(r, first, first_line, err)) return NULL;
    size_t at[3];
    if (!force_types(r, o, err)) return NULL;
    if (find_origin(r, at)) {
        for (int k = 0; k < 3; k++) r->column[at[k]].forced = AN_TEXT;
    }

    size_t(*seen)[CLASS_COUNT] = an_alloc_n(r->columns, sizeof *seen);
    look_at_sample(r, p, seen);
    for (size_t j = 0; j < r->columns; j++) {
        r->column[j].kind = r->column[j].forced >= 0 ? kind_of((an_type)r->column[j].forced) : an__csv_guess(seen[j]);
        r->column[j].active = true;
    }
    free(seen);
    /* Lines bound the rows. With quotes in the file lines may be inside of texts: then start small and grow. */
    size_t lines = counts.lines ? counts.lines + 1 : counts.returns + 1;
    r->capacity = counts.quotes && lines > 65536 ? 65536 : lines;

    bool again = true;
    for (int pass = 0; again && pass < 4; pass++) {
        for (size_t j = 0; j < r->columns; j++) {
            if (r->column[j].active && !an__csv_column_start(&r->column[j], r->column[j].kind, r->capacity, err)) return NULL;
        }
        if (!read_rows(r, p, line, &rows, err)) return NULL;
        if (!rows) {
            an_fail(err, AN_INPUT, "there is a header but no row of values");
            an_hint(err, "where the only row holds values, --no-header");
            return NULL;
        }
        again = false;
        for (size_t j = 0; j < r->columns; j++) {
            an__csv_column *c = &r->column[j];
            if (!c->active) continue;
            if (!an__csv_settle(c, rows, &c->active, err)) return NULL;
            again |= c->active;
        }
    }
    return build(r, rows, err);
}

static an_table *read_and_close(reader *r, const an_csv_options *options, an_csv_dialect *dialect, an_error *err)
{
    an_csv_dialect found;
    static const an_csv_options none;
    an_table *t = read_source(r, options ? options : &none, dialect ? dialect : &found, err);
    if (!t) {
        an_error cause = { 0 };
        if (err) cause = *err;
        an_context(err, "%s", r->what);
        if (err && !cause.where[0]) an_where(err, "%s", r->what);
    }
    for (size_t j = 0; j < r->columns; j++) an__csv_column_clear(&r->column[j]);
    free(r->column);
    an_list_free(&r->names);
    an_list_free(&r->made);
    an_buf_free(&r->scratch);
    an__csv_close(&r->source);
    return t;
}

an_table *an__csv_read_source(an__csv_source *s, const char *what, const an_csv_options *options, an_csv_dialect *dialect, an_job *job,
                              an_error *err)
{
    reader r = { .what = what, .job = job, .source = *s };
    *s = (an__csv_source){ 0 };
    return read_and_close(&r, options, dialect, err);
}

an_table *an_csv_read(const char *path, const an_csv_options *options, an_csv_dialect *dialect, an_job *job, an_error *err)
{
    reader r = { .what = path, .job = job };
    if (!an__csv_open(&r.source, path, job, err)) return NULL;
    return read_and_close(&r, options, dialect, err);
}

an_table *an_csv_parse(const char *bytes, size_t n, const char *what, const an_csv_options *options, an_csv_dialect *dialect, an_job *job,
                       an_error *err)
{
    reader r = { .what = what, .job = job };
    if (!an__csv_wrap(&r.source, bytes, n, what, job, err)) return NULL;
    return read_and_close(&r, options, dialect, err);
}
