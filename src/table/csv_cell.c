/* csv_cell.c - one field: where it ends, quotes, the fields of a row one by one, and what its text can be read as. Numbers on the fast path
 * never come here. */
#include "csv_impl.h"

#include <strings.h>

static bool blank(const an__csv_format *f, char c)
{
    return (c == ' ' || c == '\t') && c != f->delimiter;
}

static bool has_high(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)text[i] >= 0x80) return true;
    }
    return false;
}

static an__csv_fault take_quoted(const an__csv_format *f, const char *p, const char *end, an_buf *scratch, an__csv_field *out,
                                 const char **next)
{
    const char *start = ++p, *from = start;
    bool copied = false;
    an_buf_clear(scratch);
    for (;;) {
        const char *q = memchr(p, '"', (size_t)(end - p));
        if (!q) return FIELD_UNCLOSED;
        if (q - start > AN__CSV_FIELD_LIMIT) return FIELD_LONG;
        if (q[1] != '"') { /* q + 1 is readable: sources are padded */
            p = q;
            break;
        }
        an_buf_add(scratch, from, (size_t)(q + 1 - from)); /* one of the two quotes */
        copied = true;
        from = p = q + 2;
    }
    if (copied) {
        an_buf_add(scratch, from, (size_t)(p - from));
        out->text = scratch->data;
        out->n = scratch->size;
    } else {
        out->text = start;
        out->n = (size_t)(p - start);
    }
    for (const char *q = out->text, *last = q + out->n; (q = memchr(q, '\n', (size_t)(last - q))); q++) out->newlines++;
    p++;
    while (blank(f, *p)) p++;
    *next = p;
    return an__csv_line_end(p, end) || *p == f->delimiter ? FIELD_GOOD : FIELD_AFTER_QUOTE;
}

an__csv_fault an__csv_take(const an__csv_format *f, const char *p, const char *end, an_buf *scratch, an__csv_field *out, const char **next)
{
    out->newlines = 0;
    out->quoted = false;
    while (blank(f, *p)) p++;
    if (*p == '"') {
        out->quoted = true;
        an__csv_fault fault = take_quoted(f, p, end, scratch, out, next);
        if (fault) return fault;
    } else {
        const char *start = p, *limit = end - p > AN__CSV_FIELD_LIMIT ? p + AN__CSV_FIELD_LIMIT + 1 : end;
        char delimiter = f->delimiter;
        while (p < limit && *p != delimiter && *p != '\n' && *p != '\r') p++;
        *next = p;
        while (p > start && blank(f, p[-1])) p--;
        out->text = start;
        out->n = (size_t)(p - start);
        if (out->n > AN__CSV_FIELD_LIMIT) return FIELD_LONG;
    }
    if (f->encoding && has_high(out->text, out->n)) {
        an_buf converted = { 0 };
        an__csv_to_utf8(f->encoding, out->text, out->n, &converted);
        an_buf_clear(scratch);
        an_buf_add(scratch, converted.data, converted.size);
        an_buf_free(&converted);
        out->text = scratch->data;
        out->n = scratch->size;
    }
    return FIELD_GOOD;
}

bool an__csv_is_missing(const an__csv_format *f, const char *text, size_t n)
{
    if (!n) return true;
    for (size_t i = 0; i < f->missing->count; i++) {
        const char *token = f->missing->items[i];
        if (token[0] == text[0] && strlen(token) == n && !memcmp(token, text, n)) return true;
    }
    return false;
}

bool an__csv_boolean(const char *text, size_t n, uint8_t *value, bool *yes_no)
{
    *yes_no = n < 4 && n != 0 && (text[0] | 32) != 't' && (text[0] | 32) != 'f';
    *value = n == 4 || n == 3;
    switch (n) {
    case 4:
        return !strncasecmp(text, "true", 4);
    case 5:
        return !strncasecmp(text, "false", 5);
    case 3:
        return !strncasecmp(text, "yes", 3);
    case 2:
        return !strncasecmp(text, "no", 2);
    default:
        return false;
    }
}

bool an__csv_datetime(const an__csv_format *f, char order, const char *text, size_t n, int64_t *us)
{
    if (f->date_format) return an__time_format(text, n, f->date_format, us);
    if (an__time_iso(text, n, us) || an__time_dotted(text, n, us)) return true;
    an__slashed s;
    return order && an__time_slashed(text, n, &s) && an__time_ordered(&s, order == 'd', us);
}

bool an__csv_any_number(const char *text, size_t n)
{
    an__number number;
    double real;
    static const char ways[][2] = { { '.', 0 },   { ',', 0 },   { ',', '.' },  { '.', ',' },
                                    { ',', ' ' }, { '.', ' ' }, { '.', '\'' }, { ',', '\'' } };
    for (size_t k = 0; n && n < 64 && k < AN_COUNT(ways); k++) {
        if (an__number_parse(text, n, ways[k][0], ways[k][1], &number, &real)) return true;
    }
    return false;
}

const char *an__csv_blank(const an__csv_format *f, const char *p, const char *end)
{
    while ((*p == ' ' || *p == '\t') && (*p != f->delimiter || f->collapse)) p++;
    return an__csv_line_end(p, end) ? p : NULL;
}

an__csv_walk an__csv_walk_row(const an__csv_format *f, const char *p, const char *end, an_buf *scratch)
{
    while (f->collapse && *p == f->delimiter) p++;
    return (an__csv_walk){ .f = f, .p = p, .end = end, .scratch = scratch, .more = true };
}

bool an__csv_walk_next(an__csv_walk *w, an__csv_field *field)
{
    if (!w->more) return false;
    w->fault = an__csv_take(w->f, w->p, w->end, w->scratch, field, &w->p);
    w->more = !w->fault && !an__csv_line_end(w->p, w->end);
    if (w->more) {
        w->p++;
        while (w->f->collapse && *w->p == w->f->delimiter) w->p++;
        if (w->f->collapse) w->more = !an__csv_line_end(w->p, w->end);
    }
    return !w->fault;
}

an__csv_class an__csv_classify(const an__csv_format *f, const char *text, size_t n)
{
    an__number number;
    double real;
    if (an__number_parse(text, n, f->decimal, f->thousands, &number, &real)) {
        int64_t integer;
        if (number.padded) return CLASS_PADDED;
        return an__number_integer(&number, &integer) ? CLASS_INTEGER : CLASS_REAL;
    }
    uint8_t value;
    bool yes_no;
    if (an__csv_boolean(text, n, &value, &yes_no)) return yes_no ? CLASS_YES_NO : CLASS_TRUE_FALSE;
    int64_t us;
    if (an__csv_datetime(f, 0, text, n, &us)) return CLASS_DATETIME;
    an__slashed s;
    return !f->date_format && an__time_slashed(text, n, &s) ? CLASS_SLASHED : CLASS_OTHER;
}
