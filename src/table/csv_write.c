/* csv_write.c - a table as RFC 4180 text: header, shortest numbers that read back the same; comma, decimal point and LF unless another
 * dialect is asked for. */
#include "impl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct style {
    char delimiter, decimal;
    const char *end; /* of a line */
    char special[5]; /* what has to be quoted */
} style;

static style style_of(const an_csv_dialect *d)
{
    style s = { ',', '.', "\n", "" };
    if (d && d->delimiter) s.delimiter = d->delimiter;
    if (d && d->decimal == ',' && s.delimiter != ',') s.decimal = ',';
    if (d && d->crlf) s.end = "\r\n";
    snprintf(s.special, sizeof s.special, "%c\"\r\n", s.delimiter);
    return s;
}

static void quote(an_buf *out, const char *text, const char *special)
{
    size_t n = strlen(text);
    bool edge = n && (text[0] == ' ' || text[0] == '\t' || text[n - 1] == ' ' || text[n - 1] == '\t'); /* the reader trims bare fields */
    if (!edge && !strpbrk(text, special)) {
        an_buf_add(out, text, n);
        return;
    }
    an_buf_putc(out, '"');
    for (const char *mark; (mark = strchr(text, '"')); text = mark + 1) {
        an_buf_add(out, text, (size_t)(mark - text) + 1);
        an_buf_putc(out, '"');
    }
    an_buf_puts(out, text);
    an_buf_putc(out, '"');
}

void an_csv_quote(an_buf *out, const char *text)
{
    quote(out, text, ",\"\r\n");
}

static void add_cell(an_buf *out, const an_column *c, size_t row, const style *s, an_buf *scratch)
{
    if (c->type == AN_CATEGORY || c->type == AN_TEXT) {
        an_buf_clear(scratch);
        an_cell_text(c, row, scratch);
        if (scratch->size) quote(out, scratch->data, s->special);
        return;
    }
    size_t start = out->size;
    an_cell_text(c, row, out);
    char *point = c->type == AN_REAL && s->decimal != '.' ? memchr(out->data + start, '.', out->size - start) : NULL;
    if (point) *point = s->decimal;
}

static void add_row(an_buf *out, const an_table *t, size_t row, const style *s, an_buf *scratch)
{
    const char *nothing = s->delimiter == ' ' ? "\"\"" : ""; /* several blanks are one delimiter: an empty field would be none */
    size_t start = out->size;
    for (size_t j = 0; j < t->columns; j++) {
        if (j) an_buf_putc(out, s->delimiter);
        size_t cell = out->size;
        add_cell(out, &t->column[j], row, s, scratch);
        if (out->size == cell) an_buf_puts(out, nothing);
    }
    if (t->origin && t->origin_count) {
        if (an_table_generated(t, row)) {
            const an_origin *o = &t->origins[t->origin[row] - 1];
            an_buf_putc(out, s->delimiter);
            quote(out, o->generator, s->special);
            an_buf_printf(out, "%c%" PRIu64 "%c%" PRIu64, s->delimiter, o->seed, s->delimiter, t->origin_row[row]);
        } else {
            for (int k = 0; k < 3; k++) an_buf_printf(out, "%c%s", s->delimiter, nothing);
        }
    }
    if (out->size == start) an_buf_puts(out, "\"\""); /* one column, missing: a blank line would be no row */
    an_buf_puts(out, s->end);
}

static bool flush(FILE *f, an_buf *out, const char *path, an_error *err)
{
    bool ok = !out->size || fwrite(out->data, 1, out->size, f) == out->size;
    an_buf_clear(out);
    return ok ? true : an_fail_errno(err, "writing %s", path);
}

static void add_header(an_buf *out, const an_table *t, const style *s)
{
    for (size_t j = 0; j < t->columns; j++) {
        if (j) an_buf_putc(out, s->delimiter);
        quote(out, t->column[j].name, s->special);
    }
    static const char *const origin[] = { "_generator", "_seed", "_row" };
    for (size_t k = 0; t->origin && t->origin_count && k < AN_COUNT(origin); k++) {
        if (t->columns || k) an_buf_putc(out, s->delimiter);
        an_buf_puts(out, origin[k]);
    }
    an_buf_puts(out, s->end);
}

void an_csv_text(const an_table *t, bool header, an_buf *out)
{
    an_buf scratch = { 0 };
    style s = style_of(NULL);
    if (header) add_header(out, t, &s);
    for (size_t i = 0; i < t->rows; i++) add_row(out, t, i, &s, &scratch);
    an_buf_free(&scratch);
}

/* A byte order mark tells Excel that the text is UTF-8: where the file had one, or was no UTF-8 to begin with. */
static bool marked(const an_csv_dialect *d)
{
    return d && (d->bom || (d->encoding[0] && strcmp(d->encoding, "utf-8")));
}

typedef struct job {
    const an_table *t;
    const an_csv_dialect *dialect;
} job;

static bool write_rows(void *context, FILE *f, const char *path, an_error *err)
{
    const job *j = context;
    const an_table *t = j->t;
    an_buf out = { 0 }, scratch = { 0 };
    style s = style_of(j->dialect);
    if (marked(j->dialect)) an_buf_puts(&out, "\xef\xbb\xbf");
    add_header(&out, t, &s);
    bool ok = true;
    for (size_t i = 0; ok && i < t->rows; i++) {
        add_row(&out, t, i, &s, &scratch);
        if (out.size >= 1 << 18) ok = flush(f, &out, path, err);
    }
    ok = ok && flush(f, &out, path, err);
    if (ok && fflush(f)) ok = an_fail_errno(err, "writing %s", path);
    an_buf_free(&out);
    an_buf_free(&scratch);
    return ok;
}

bool an_csv_write(const an_table *t, const char *path, an_error *err)
{
    return an_csv_write_as(t, path, NULL, err);
}

bool an_csv_write_as(const an_table *t, const char *path, const an_csv_dialect *dialect, an_error *err)
{
    return an__file_stream(path, write_rows, &(job){ t, dialect }, err);
}
