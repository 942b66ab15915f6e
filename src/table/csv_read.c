/* csv_read.c - reads a CSV file into a table: dialect, names, a sample for first guesses of types, one pass that stores numbers as it
 * meets them, and another pass over those columns only whose guess turned out wrong. */
#include "csv_impl.h"

#include <stdlib.h>

enum { SAMPLE_ROWS = 1000 };

/* Classes of the fields in the first rows; problems are left to the real pass, which names them. */
static void look_at_sample(an__csv_reader *r, const char *p, size_t (*seen)[CLASS_COUNT])
{
    const char *end = r->layout.end, *stop = end - p > AN__CSV_STEP ? p + AN__CSV_STEP : end;
    for (size_t row = 0; p < stop && row < SAMPLE_ROWS; row++) {
        const char *blank = an__csv_blank(&r->format, p, end);
        if (blank) {
            p = an__csv_next_line(blank, end);
            continue;
        }
        an__csv_walk w = an__csv_walk_row(&r->format, p, end, &r->scratch);
        an__csv_field field;
        for (size_t j = 0; an__csv_walk_next(&w, &field); j++) {
            if (j < r->columns && !an__csv_is_missing(&r->format, field.text, field.n))
                seen[j][an__csv_classify(&r->format, field.text, field.n)]++;
        }
        if (w.fault) return;
        p = an__csv_next_line(w.p, end);
    }
}

static bool force_types(an__csv_reader *r, const an_list *types, bool there, an_error *err)
{
    for (size_t i = 0; i < types->count; i++) {
        const char *text = types->items[i], *sign = strrchr(text, '=');
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
        } else if (there) {
            an_fail(err, AN_NOT_FOUND, "--type %s: there is no column %s", text, name);
            const char *near = an_nearest(name, (const char *const *)r->names.items, r->names.count);
            if (near) an_hint(err, "did you mean %s?", near);
        }
        free(name);
        if (j == r->columns && there) return false;
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
static bool nul_error(const an__csv_reader *r, size_t first, size_t line, an_error *err)
{
    const char *start = r->source.data + first, *nul = memchr(start, 0, r->source.size - first);
    size_t field = 0;
    for (const char *p = start; nul && p < nul; p++) {
        if (*p == '\n') line++;
        field = *p == '\n' ? 0 : field + (*p == r->format.delimiter);
    }
    an_fail(err, AN_INPUT, "line %zu, column %s: a zero byte (NUL)", line, an__csv_column_name(r, field));
    return an_hint(err, "this is no text file, or it was damaged on the way");
}

/* Columns at the end without a name or any value are only a delimiter at the end of every line. The others without a name are told;
 * such a column without any value stands between two tables side by side. */
static bool settle_made_names(an__csv_reader *r, size_t rows, an_error *err)
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
        an__csv_note(r, "the header has no name for column %s", r->made.items[k++]);
    }
    return true;
}

static an_table *build(an__csv_reader *r, size_t rows, an_error *err)
{
    if (!settle_made_names(r, rows, err)) return NULL;
    an_table *t = an_table_new(rows);
    an_column origin[3] = { 0 };
    size_t at[3] = { SIZE_MAX, SIZE_MAX, SIZE_MAX };
    bool ok = true, generated = an__csv_find_origin(r, at);
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
        if (j < r->units.count && *r->units.items[j]) c.unit = an_strdup(r->units.items[j]);
        an__table_push(t, &c);
    }
    if (ok && generated) ok = an__csv_take_origin(t, origin, err);
    for (int k = 0; k < 3; k++) an__column_free(&origin[k]);
    if (ok) return t;
    an_table_free(t);
    return NULL;
}

void an__csv_note(an__csv_reader *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char text[1024];
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    an_list_add(&r->report->notes, text);
}

/* The row of units below the header. */
static bool take_units(an__csv_reader *r, const char **p, size_t *line, an_error *err)
{
    const char *end = r->layout.end;
    for (const char *blank; *p < end && (blank = an__csv_blank(&r->format, *p, end)); ++*line) *p = an__csv_next_line(blank, end);
    r->report->dialect.units_line = *line;
    an__csv_walk w = an__csv_walk_row(&r->format, *p, end, &r->scratch);
    an__csv_field field;
    while (an__csv_walk_next(&w, &field)) {
        bool none = an__csv_is_missing(&r->format, field.text, field.n);
        an_list_add_take(&r->units, none ? an_strdup("") : an__csv_unit(field.text, field.n));
    }
    if (w.fault || r->units.count != r->columns) {
        an_fail(err, AN_INPUT, "line %zu, the row of units, has %zu fields where there are %zu columns", *line, r->units.count, r->columns);
        return an_hint(err, "without a row of units: --no-units-row");
    }
    *p = an__csv_next_line(w.p, end);
    ++*line;
    return true;
}

/* Dates such as 03/04/2026 in other columns of the file tell the order where all of them agree. */
static char common_order(const an__csv_reader *r)
{
    bool day = false, month = false;
    for (size_t j = 0; j < r->columns; j++) {
        const an__csv_column *c = &r->column[j];
        day |= c->order == 'd' || (c->day_first && !c->month_first);
        month |= c->order == 'm' || (c->month_first && !c->day_first);
    }
    return day && !month ? 'd' : month && !day ? 'm' : 0;
}

/* Passes until every column has the type that all its cells have; rows: of the table. */
static bool read_columns(an__csv_reader *r, const an_csv_options *o, const char *p, size_t line, size_t *rows, an_error *err)
{
    bool again = true, skip = o->skip_bad != NULL;
    for (int pass = 0; again && pass < 6; pass++) {
        for (size_t j = 0; j < r->columns; j++) {
            if (r->column[j].active && !an__csv_column_start(&r->column[j], r->column[j].kind, r->capacity, err)) return false;
        }
        if (!an__csv_read_rows(r, p, line, rows, err)) return false;
        if (!*rows) {
            an_fail(err, AN_INPUT, "there is a header but no row of values");
            return an_hint(err, "where the only row holds values, --no-header");
        }
        again = false;
        char order = common_order(r);
        bool collect = false;
        for (size_t j = 0; j < r->columns; j++) {
            an__csv_column *c = &r->column[j];
            if (!c->active) continue;
            if (!an__csv_settle(c, &r->format, *rows, order, skip, &c->active, err)) return false;
            again |= c->active;
            collect |= c->collect;
        }
        if (!collect) continue;
        size_t found = 0;
        if (!an__csv_find_bad(r, p, line, &found, err)) return false;
        for (size_t j = 0; j < r->columns; j++) {
            r->column[j].collect = false;
            r->column[j].active = true;
        }
        r->lines_known = false;
        an_lines_free(&r->report->lines);
        again = true;
    }
    return true;
}

/* What was found and left out, for people: each with the flag that decides otherwise. */
static void tell(an__csv_reader *r, const an_csv_options *o, size_t rows)
{
    an_csv_dialect *d = &r->report->dialect;
    if (d->titles && !o->header_row)
        an__csv_note(r, "%zu line%s of text above the header in line %zu left out (--header-row %zu)", d->titles, d->titles > 1 ? "s" : "",
                     d->header_line ? d->header_line : r->layout.line, d->header_line ? d->header_line : r->layout.line);
    if (d->units_line && !o->units_row) an__csv_note(r, "line %zu holds units (--no-units-row: it holds values)", d->units_line);
    if (r->layout.totals) {
        an__csv_note(r, "%zu row%s at the end (\"%s\") left out as a total or a remark (--keep-totals keeps %s)", r->layout.totals,
                     r->layout.totals > 1 ? "s" : "", r->layout.total, r->layout.totals > 1 ? "them" : "it");
        d->totals = r->layout.totals;
    }
    if (d->headers_again)
        an__csv_note(r, "the header stands %zu more time%s further down; left out", d->headers_again, d->headers_again > 1 ? "s" : "");
    if (r->bad_count) {
        an__csv_note(r, "%zu row%s could not be read and %s left out; line and reason in %s", r->bad_count, r->bad_count > 1 ? "s" : "",
                     r->bad_count > 1 ? "were" : "was", o->skip_bad);
        d->skipped = r->bad_count;
    }
    if (r->keep) an__csv_note(r, "%zu of %zu rows drawn (--sample)", rows, d->sampled_from);
    for (size_t j = 0; j < r->columns; j++) {
        const an__csv_column *c = &r->column[j];
        if (c->kind == KIND_DATETIME && c->order) {
            d->date_order = c->order;
            an__csv_note(r, "%s: dates are read %s first (--date-format)", c->name, c->order == 'd' ? "day" : "month");
        }
        if (c->forced < 0 && !r->format.excel_dates && an__csv_serial_dates(c, rows))
            an__csv_note(r, "%s: these may be dates as Excel counts days; --date-format excel, or --type \"%s=datetime\"", c->name,
                         c->name);
        if (c->day_first && c->month_first && c->kind == KIND_STRING)
            an__csv_note(r, "%s: some cells are dates with the day first and some with the month first; left as text", c->name);
    }
}

static an_table *read_source(an__csv_reader *r, const an_csv_options *o, an_error *err)
{
    an__csv_counts counts;
    an_csv_dialect *d = &r->report->dialect;
    const char *utf16 = NULL;
    an_job_stage(r->job, "reading");
    if (!an__csv_from_utf16(&r->source, r->what, o, &utf16, r->job, err)) return NULL;
    if (!an__csv_detect(&r->source, o, d, &r->format, &counts, &r->layout, &r->missing, err)) return NULL;
    if (utf16) snprintf(d->encoding, sizeof d->encoding, "%s", utf16);
    const char *p = r->layout.start;
    size_t line = r->layout.line, first = (size_t)(p - r->source.data), first_line = line, rows = 0;
    if (!an__csv_names(&r->source, o, d, &r->format, &p, &line, &r->names, &r->made, err)) return NULL;
    r->columns = r->names.count;
    r->column = an_alloc_n(r->columns, sizeof *r->column);
    for (size_t j = 0; j < r->columns; j++) r->column[j] = (an__csv_column){ .name = r->names.items[j], .forced = -1 };
    if (counts.nul && memchr(p, 0, (size_t)(r->layout.end - p)) && !nul_error(r, first, first_line, err)) return NULL;
    size_t at[3];
    if (!force_types(r, &o->expected, false, err) || !force_types(r, &o->type, true, err) || !an__csv_check_origin(r, err)) return NULL;
    if (an__csv_find_origin(r, at)) {
        for (int k = 0; k < 3; k++) r->column[at[k]].forced = AN_TEXT;
    }
    if (d->header) {
        r->layout.header = r->layout.start;
        r->layout.header_end = p;
        while (r->layout.header_end > r->layout.header && (r->layout.header_end[-1] == '\n' || r->layout.header_end[-1] == '\r'))
            r->layout.header_end--;
        d->header_line = first_line;
    }
    r->layout.units = r->layout.units && d->header;
    if (r->layout.units && !take_units(r, &p, &line, err)) return NULL;
    size_t found;
    if (o->skip_bad && !an__csv_find_bad(r, p, line, &found, err)) return NULL;
    if (o->sample && !an__csv_draw(r, p, line, (size_t)o->sample, err)) return NULL;

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
    if (r->keep) r->capacity = r->keep_count + 1;
    if (!counts.quotes && !an__csv_enough_memory(r, r->keep ? r->keep_count : lines, err)) return NULL;
    if (!read_columns(r, o, p, line, &rows, err)) return NULL;
    if (r->bad_count && !an__csv_write_bad(r, o->skip_bad, err)) return NULL;
    tell(r, o, rows);
    return build(r, rows, err);
}

static an_table *read_and_close(an__csv_reader *r, const an_csv_options *options, an_read_report *report, an_error *err)
{
    static const an_csv_options none;
    an_read_report own = { 0 };
    r->report = report ? report : &own;
    an_table *t = read_source(r, options ? options : &none, err);
    if (!t) {
        an_error cause = { 0 };
        if (err) cause = *err;
        an_context(err, "%s", r->what);
        if (err && !cause.where[0]) an_where(err, "%s", r->what);
    }
    for (size_t i = 0; !report && i < own.notes.count; i++) an_job_say(r->job, "%s: %s", r->what, own.notes.items[i]);
    an_read_report_free(&own);
    for (size_t j = 0; j < r->columns; j++) an__csv_column_clear(&r->column[j]);
    free(r->column);
    for (size_t i = 0; i < r->bad_count; i++) free(r->bad[i].reason);
    free(r->bad);
    free(r->keep);
    an_list_free(&r->missing);
    an_list_free(&r->names);
    an_list_free(&r->made);
    an_list_free(&r->units);
    an_buf_free(&r->scratch);
    an__csv_close(&r->source);
    return t;
}

an_table *an__csv_read_source(an__csv_source *s, const char *what, const an_csv_options *options, an_read_report *report, an_job *job,
                              an_error *err)
{
    an__csv_reader r = { .what = what, .job = job, .source = *s };
    *s = (an__csv_source){ 0 };
    return read_and_close(&r, options, report, err);
}

/* For callers that want the dialect alone: the notes go to the job. */
static an_table *with_dialect(an__csv_reader *r, const an_csv_options *options, an_csv_dialect *dialect, an_error *err)
{
    an_read_report report = { 0 };
    an_job *job = r->job;
    const char *what = r->what;
    an_table *t = read_and_close(r, options, &report, err);
    for (size_t i = 0; i < report.notes.count; i++) an_job_say(job, "%s: %s", what, report.notes.items[i]);
    if (dialect) *dialect = report.dialect;
    an_read_report_free(&report);
    return t;
}

an_table *an_csv_read(const char *path, const an_csv_options *options, an_csv_dialect *dialect, an_job *job, an_error *err)
{
    an__csv_reader r = { .what = path, .job = job };
    if (!an__csv_open(&r.source, path, job, err)) return NULL;
    return with_dialect(&r, options, dialect, err);
}

an_table *an_csv_parse(const char *bytes, size_t n, const char *what, const an_csv_options *options, an_csv_dialect *dialect, an_job *job,
                       an_error *err)
{
    an__csv_reader r = { .what = what, .job = job };
    if (!an__csv_wrap(&r.source, bytes, n, what, job, err)) return NULL;
    return with_dialect(&r, options, dialect, err);
}
