/* csv_skip.c - rows that are left out on purpose: those that cannot be read (--skip-bad), and those that a sample does not draw (--sample).
 */
#include "csv_impl.h"

#include <math.h>
#include <stdlib.h>

bool an__csv_pass_row(an__csv_reader *r, const char **p, size_t *line, const char *end)
{
    const char *q = *p;
    an__csv_field field;
    an__csv_walk w = an__csv_walk_row(&r->format, q, end, &r->scratch);
    size_t newlines = 0;
    while (an__csv_walk_next(&w, &field)) newlines += field.newlines;
    if (w.fault) { /* what the quotes would swallow is looked at line by line */
        while (!an__csv_line_end(q, end)) q++;
        newlines = 0;
    } else {
        q = w.p;
    }
    *p = an__csv_next_line(q, end);
    *line += newlines + 1;
    return *p < end;
}

bool an__csv_next_row(an__csv_reader *r, const char **p, size_t *line, size_t *bad, const char *end)
{
    while (*p < end) {
        const char *blank = an__csv_blank(&r->format, *p, end);
        size_t before = *bad;
        if (blank) {
            *p = an__csv_next_line(blank, end);
            ++*line;
        } else if (!an__csv_passed(r, p, line, bad, end)) {
            return true;
        } else if (*bad != before) {
            an__csv_pass_row(r, p, line, end);
        }
    }
    return false;
}

/* ---- rows that cannot be read -------------------------------------------------------------------------------------------------------- */

static bool fits(const an__csv_reader *r, const an__csv_column *c, const an__csv_field *field)
{
    an__number number;
    double real;
    int64_t integer;
    uint8_t value;
    bool yes_no;
    if (an__csv_is_missing(&r->format, field->text, field->n)) return true;
    bool is_number = an__number_parse(field->text, field->n, r->format.decimal, r->format.thousands, &number, &real);
    if (c->collect) return is_number;
    switch (c->forced) {
    case AN_REAL:
        return is_number;
    case AN_INTEGER:
        return is_number && an__number_integer(&number, &integer);
    case AN_BOOLEAN:
        return (field->n == 1 && (*field->text == '0' || *field->text == '1')) || an__csv_boolean(field->text, field->n, &value, &yes_no);
    case AN_DATETIME:
        return (is_number && an__time_serial(real, &integer)) ||
               an__csv_datetime(&r->format, c->order ? c->order : 'd', field->text, field->n, &integer) ||
               (!c->order && an__csv_datetime(&r->format, 'm', field->text, field->n, &integer));
    default:
        return true;
    }
}

/* Why the row at p cannot be read; NULL: it can. New text. */
static char *fault_of(an__csv_reader *r, const char *p, const char *end)
{
    an__csv_field field;
    an__csv_walk w = an__csv_walk_row(&r->format, p, end, &r->scratch);
    size_t fields = 0;
    char *reason = NULL;
    while (an__csv_walk_next(&w, &field)) {
        const an__csv_column *c = fields < r->columns ? &r->column[fields] : NULL;
        fields++;
        if (!c || reason || (c->forced < 0 && !c->collect) || fits(r, c, &field)) continue;
        reason = an_format("column %s: \"%.*s\" is not %s", c->name, field.n < 60 ? (int)field.n : 60, field.text,
                           c->collect ? "a number" : an_type_name((an_type)c->forced));
    }
    if (!w.fault && fields == r->columns) return reason;
    free(reason);
    if (w.fault == FIELD_UNCLOSED) return an_format("a quote opens and is never closed");
    if (w.fault == FIELD_LONG) return an_format("a field is longer than 16 MB");
    if (w.fault) return an_format("text stands behind a closing quote");
    return an_format("%zu fields where there are %zu columns", fields, r->columns);
}

static int by_place(const void *a, const void *b)
{
    const an__csv_bad *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

bool an__csv_find_bad(an__csv_reader *r, const char *p, size_t line, size_t *found, an_error *err)
{
    const char *end = r->layout.end, *next_step = p;
    size_t known = r->bad_count, bad = 0, room = known;
    an__csv_bad *fresh = NULL;
    size_t count = 0;
    room = 0;
    while (an__csv_next_row(r, &p, &line, &bad, end)) {
        if (p >= next_step) {
            size_t done = (size_t)(p - r->source.data);
            an_job_progress(r->job, (double)done, (double)r->source.size, "bytes");
            if (!an_job_check(r->job, err)) goto stopped;
            next_step = (size_t)(end - p) > AN__CSV_STEP ? p + AN__CSV_STEP : end;
        }
        char *reason = fault_of(r, p, end);
        if (reason) {
            if (count == room) {
                room = room ? 2 * room : 64;
                fresh = an_resize_n(fresh, room, sizeof *fresh);
            }
            fresh[count++] = (an__csv_bad){ p, line, reason };
        }
        an__csv_pass_row(r, &p, &line, end);
    }
    r->bad = an_resize_n(r->bad, known + count + 1, sizeof *r->bad);
    if (count) memcpy(r->bad + known, fresh, count * sizeof *fresh);
    r->bad_count = known + count;
    qsort(r->bad, r->bad_count, sizeof *r->bad, by_place);
    free(fresh);
    *found = count;
    return true;
stopped:
    for (size_t i = 0; i < count; i++) free(fresh[i].reason);
    free(fresh);
    return false;
}

bool an__csv_write_bad(const an__csv_reader *r, const char *path, an_error *err)
{
    an_buf out = { 0 }, text = { 0 };
    an_buf_puts(&out, "line,reason,text\n");
    const char *end = r->layout.end;
    for (size_t i = 0; i < r->bad_count; i++) {
        const char *stop = r->bad[i].start;
        size_t limit = 1 << 16;
        while (!an__csv_line_end(stop, end) && limit--) stop++;
        text.size = 0;
        an__csv_to_utf8(r->format.encoding ? r->format.encoding : ENCODING_UTF8, "", 0, &text);
        if (r->format.encoding)
            an__csv_to_utf8(r->format.encoding, r->bad[i].start, (size_t)(stop - r->bad[i].start), &text);
        else
            an_buf_add(&text, r->bad[i].start, (size_t)(stop - r->bad[i].start));
        an_buf_printf(&out, "%zu,", r->bad[i].line);
        an_csv_quote(&out, r->bad[i].reason);
        an_buf_putc(&out, ',');
        an_csv_quote(&out, text.data ? text.data : "");
        an_buf_putc(&out, '\n');
    }
    bool ok = an_file_write(path, out.data, out.size, err);
    an_buf_free(&out);
    an_buf_free(&text);
    return ok || an_context(err, "--skip-bad");
}

/* ---- a sample
 * ---------------------------------------------------------------------------------------------------------------------------- */

static void sink(an__keyed *heap, size_t n, size_t i) /* largest key on top */
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n) return;
        if (child + 1 < n && an__keyed_compare(&heap[child], &heap[child + 1]) < 0) child++;
        if (an__keyed_compare(&heap[i], &heap[child]) >= 0) return;
        an__keyed t = heap[i];
        heap[i] = heap[child];
        heap[child] = t;
        i = child;
    }
}

static int by_index(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* Every row has a random key that depends on seed and number alone; those with the n smallest keys are drawn. Every set of n rows is
 * equally likely, and a larger sample of the same seed holds the smaller one. */
bool an__csv_draw(an__csv_reader *r, const char *p, size_t line, size_t n, an_error *err)
{
    const char *end = r->layout.end, *next_step = p;
    const uint64_t seed = an_seed_derive(an_job_seed(r->job), "sample", 0);
    an__keyed *heap = an_alloc_data(n, sizeof *heap, "the rows of a sample", err);
    if (!heap) return an_hint(err, "a smaller --sample");
    size_t rows = 0, bad = 0, held = 0;
    an_job_stage(r->job, "drawing rows");
    for (; an__csv_next_row(r, &p, &line, &bad, end); rows++) {
        if (p >= next_step) {
            size_t done = (size_t)(p - r->source.data);
            an_job_progress(r->job, (double)done, (double)r->source.size, "bytes");
            if (!an_job_check(r->job, err)) {
                free(heap);
                return false;
            }
            next_step = (size_t)(end - p) > AN__CSV_STEP ? p + AN__CSV_STEP : end;
        }
        uint32_t word[4];
        an_philox(seed, 0, rows, word);
        an__keyed row = { (uint64_t)word[0] << 32 | word[1], rows };
        if (held < n) {
            heap[held++] = row;
            if (held == n) {
                for (size_t i = n / 2 + 1; i-- > 0;) sink(heap, n, i);
            }
        } else if (an__keyed_compare(&row, &heap[0]) < 0) {
            heap[0] = row;
            sink(heap, n, 0);
        }
        an__csv_pass_row(r, &p, &line, end);
    }
    r->keep = an_alloc_data(held + 1, sizeof *r->keep, "the rows of a sample", err);
    for (size_t i = 0; r->keep && i < held; i++) r->keep[i] = heap[i].index;
    free(heap);
    if (!r->keep) return false;
    qsort(r->keep, held, sizeof *r->keep, by_index);
    r->keep_count = held;
    r->report->dialect.sampled_from = rows;
    an_job_stage(r->job, "reading");
    return true;
}
