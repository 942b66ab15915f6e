/* csv_names.c - column names of a CSV file: the header row, a file of names, or c1 c2 ... */
#include "csv_impl.h"

#include <stdlib.h>

static bool read_row(const an__csv_format *f, const char **p, const char *end, size_t *line, an_list *fields, an_error *err)
{
    an_buf scratch = { 0 };
    an__csv_field field;
    bool ok = true;
    size_t start = *line;
    for (;;) {
        const char *next = *p;
        an__csv_fault fault = an__csv_take(f, *p, end, &scratch, &field, &next);
        if (fault) {
            ok = fault == FIELD_UNCLOSED
                     ? an_fail(err, AN_INPUT, "line %zu, field %zu: a quote opens here and is never closed", *line, fields->count + 1)
                 : fault == FIELD_LONG
                     ? an_fail(err, AN_INPUT, "line %zu, field %zu: longer than 16 MB", *line, fields->count + 1)
                     : an_fail(err, AN_INPUT, "line %zu, field %zu: text stands behind the closing quote", *line, fields->count + 1);
            break;
        }
        if (memchr(field.text, 0, field.n)) {
            ok = an_fail(err, AN_INPUT, "line %zu, field %zu: a zero byte (NUL)", start, fields->count + 1);
            an_hint(err, "this is no text file, or it was damaged on the way");
            break;
        }
        an_list_add_take(fields, an_strndup(field.text, field.n));
        *line += field.newlines;
        *p = next;
        if (an__csv_line_end(*p, end)) break;
        (*p)++;
        if (f->collapse) {
            while (**p == f->delimiter) (*p)++;
            if (an__csv_line_end(*p, end)) break;
        }
    }
    if (ok && *p < end) {
        *p = an__csv_next_line(*p, end);
        ++*line;
    }
    an_buf_free(&scratch);
    return ok;
}

static bool names_file(const char *path, an_list *names, an_error *err)
{
    an_buf text = { 0 };
    bool ok = an_file_read(path, 16 << 20, &text, err);
    if (ok && (!an__utf8_valid(text.data ? text.data : "", text.size) || (text.size && memchr(text.data, 0, text.size)))) {
        ok = an_fail(err, AN_INPUT, "%s is not UTF-8 text", path);
    }
    for (char *p = text.data, *end = p ? p + text.size : p; ok && p < end;) {
        char *stop = memchr(p, '\n', (size_t)(end - p)), *next = stop ? stop + 1 : end;
        stop = stop ? stop : end;
        if (p == text.data && end - p >= 3 && !memcmp(p, "\xef\xbb\xbf", 3)) p += 3;
        while (p < stop && (*p == ' ' || *p == '\t')) p++;
        while (stop > p && (stop[-1] == ' ' || stop[-1] == '\t' || stop[-1] == '\r')) stop--;
        if (stop > p) an_list_add_take(names, an_strndup(p, (size_t)(stop - p)));
        p = next;
    }
    if (ok && !names->count) ok = an_fail(err, AN_INPUT, "%s holds no names", path);
    an_buf_free(&text);
    return ok;
}

typedef struct numbered {
    const char *name;
    size_t number;
} numbered;

static int by_name(const void *a, const void *b)
{
    const numbered *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

static bool has_name(const an_list *names, const char *name)
{
    for (size_t j = 0; j < names->count; j++) {
        if (!strcmp(names->items[j], name)) return true;
    }
    return false;
}

/* An empty cell of the header (an index column of pandas, a delimiter at the end of every line) is called after its place. A row
 * with more empty cells than names is a title, and refused later. */
static void name_empty(an_list *names, an_list *made)
{
    size_t empty = 0;
    for (size_t j = 0; j < names->count; j++) empty += !*names->items[j];
    if (2 * empty > names->count) return;
    for (size_t j = 0; j < names->count; j++) {
        if (*names->items[j]) continue;
        an_buf name = { 0 };
        an_buf_printf(&name, "c%zu", j + 1);
        while (has_name(names, name.data)) an_buf_putc(&name, '_');
        an_list_add(made, name.data);
        free(names->items[j]);
        names->items[j] = an_strdup(name.data);
        an_buf_free(&name);
    }
}

static bool check_names(const an_list *names, const char *whence, an_error *err)
{
    static const char hint[] = "name every column once; where the first row holds values, --no-header";
    for (size_t j = 0; j < names->count; j++) {
        if (*names->items[j]) continue;
        an_fail(err, AN_INPUT, "%s: column %zu has an empty name", whence, j + 1);
        return an_hint(err, "%s", hint);
    }
    numbered *sorted = an_alloc_n(names->count ? names->count : 1, sizeof *sorted);
    for (size_t j = 0; j < names->count; j++) sorted[j] = (numbered){ names->items[j], j };
    qsort(sorted, names->count, sizeof *sorted, by_name);
    bool ok = true;
    for (size_t j = 1; ok && j < names->count; j++) {
        if (strcmp(sorted[j - 1].name, sorted[j].name)) continue;
        an_fail(err, AN_INPUT, "%s: the name %s stands twice, for columns %zu and %zu", whence, sorted[j].name, sorted[j - 1].number + 1,
                sorted[j].number + 1);
        ok = an_hint(err, "%s", hint);
    }
    free(sorted);
    return ok;
}

bool an__csv_names(const an__csv_source *s, const an_csv_options *o, an_csv_dialect *d, const an__csv_format *f, const char **p,
                   size_t *line, an_list *names, an_list *made, an_error *err)
{
    const char *end = s->data + s->size;
    for (;;) { /* blank lines in front */
        const char *q = *p;
        while (*q == ' ' || (*q == '\t' && f->delimiter != '\t')) q++;
        if (q >= end) break;
        if (!an__csv_line_end(q, end)) {
            if (f->collapse) *p = q;
            break;
        }
        *p = an__csv_next_line(q, end);
        ++*line;
    }
    if (*p >= end || (f->collapse && an__csv_line_end(*p, end))) {
        an_fail(err, AN_INPUT, "the file is empty");
        return an_hint(err, "a header row with names and at least one row of values are needed");
    }
    const char *start = *p;
    size_t start_line = *line;
    an_list first = { 0 };
    bool ok = read_row(f, p, end, line, &first, err);
    if (ok && o->names) {
        ok = names_file(o->names, names, err);
        bool same = ok && names->count == first.count;
        if (ok && !same) {
            an_fail(err, AN_INPUT, "%s holds %zu names, but line %zu has %zu fields", o->names, names->count, start_line, first.count);
            ok = an_hint(err, "one name per line, in the order of the columns");
        }
        for (size_t j = 0; same && j < first.count; j++) same = !strcmp(first.items[j], names->items[j]);
        d->header = same;
        ok = ok && check_names(names, o->names, err);
    } else if (ok && o->no_header) {
        for (size_t j = 0; j < first.count; j++) an_list_add_take(names, an_format("c%zu", j + 1));
        d->header = false;
    } else if (ok) {
        for (size_t j = 0; j < first.count; j++) an_list_add(names, first.items[j]);
        d->header = true;
        name_empty(names, made);
        ok = check_names(names, "header", err);
    }
    if (ok && !d->header) {
        *p = start;
        *line = start_line;
    }
    an_list_free(&first);
    return ok;
}
