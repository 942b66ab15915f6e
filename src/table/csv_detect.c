/* csv_detect.c - the dialect of a CSV file: what options force, and the delimiter by what the first rows show. Where the table begins is
 * found by csv_layout.c, how numbers are written by csv_notation.c. */
#include "csv_impl.h"

#include <stdlib.h>
#include <strings.h>

const an_param an_csv_params[] = {
    AN_CSV_PARAMS(0),
    AN_PARAM_END,
};

/* AN_CSV_MISSING as a list; * is Minitab's, #NV and the other words with # are Excel's error cells in English and German */
static const char *const default_missing[] = { "NA",     "N/A",   "NaN",     "nan",    "null",  "NULL",    "None",
                                               "?",      "-",     "*",       "#N/A",   "#NV",   "#DIV/0!", "#VALUE!",
                                               "#WERT!", "#REF!", "#BEZUG!", "#NAME?", "#NUM!", "#ZAHL!",  "#NULL!" };
static const an_list default_tokens = { (char **)(uintptr_t)default_missing, AN_COUNT(default_missing) };

enum { SAMPLE_ROWS = 200, SAMPLE_BYTES = 1 << 20, LINE_LIMIT = 64 << 20 };

typedef struct sample_count {
    double share;   /* of rows with as many fields as the first, 0 when that has one */
    double usual;   /* of rows with the most frequent number of fields above one: titles may stand above the table */
    double numbers; /* share of fields after the first row that are numbers */
} sample_count;

static int by_size(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* The share of the most frequent number above one. */
static double most_frequent(size_t *width, size_t n)
{
    size_t best = 0;
    qsort(width, n, sizeof *width, by_size);
    for (size_t i = 0, k; i < n; i = k) {
        for (k = i; k < n && width[k] == width[i];) k++;
        if (width[i] > 1 && k - i > best) best = k - i;
    }
    return n ? (double)best / (double)n : 0;
}

static sample_count count_sample(const an__csv_format *f, const char *p, const char *end, an_buf *scratch)
{
    const char *stop = end - p > SAMPLE_BYTES ? p + SAMPLE_BYTES : end;
    size_t rows = 0, same = 0, fields = 0, numbers = 0, width[SAMPLE_ROWS] = { 0 };
    sample_count out = { 0 };
    while (p < stop && rows < SAMPLE_ROWS) {
        const char *blank = an__csv_blank(f, p, end);
        if (blank) {
            p = an__csv_next_line(blank, end);
            continue;
        }
        an__csv_walk w = an__csv_walk_row(f, p, end, scratch);
        an__csv_field field;
        size_t n = 0, numeric = 0;
        while (an__csv_walk_next(&w, &field)) {
            an__number number;
            double real;
            n++;
            numeric += an__number_parse(field.text, field.n, ',', 0, &number, &real) ||
                       an__number_parse(field.text, field.n, '.', 0, &number, &real) || an__csv_is_missing(f, field.text, field.n);
        }
        if (w.fault) n = numeric = 0;
        if (rows == 1) fields = numbers = 0; /* the first row may be names */
        width[rows++] = n;
        same += n == width[0];
        fields += n;
        numbers += numeric;
        p = w.fault ? end : an__csv_next_line(w.p, end);
    }
    if (rows && width[0] > 1) out.share = (double)same / (double)rows;
    if (fields) out.numbers = (double)numbers / (double)fields;
    out.usual = most_frequent(width, rows);
    return out;
}

static char find_delimiter(const an__csv_format *f, const char *p, const char *end, an_buf *scratch)
{
    /* At equal consistency the rarer character wins: a comma is often a decimal comma, seldom the other way round. */
    static const char candidates[] = { '\t', ';', '|', ',' };
    an__csv_format trial = *f;
    double best = 0, best_usual = 0;
    char found = 0, usual = 0;
    for (size_t i = 0; i < AN_COUNT(candidates); i++) {
        trial.delimiter = candidates[i];
        sample_count count = count_sample(&trial, p, end, scratch);
        if (count.share > best) {
            best = count.share;
            found = candidates[i];
        }
        if (count.usual > best_usual) {
            best_usual = count.usual;
            usual = candidates[i];
        }
    }
    if (best > 0.9 || (best > 0.5 && best >= best_usual)) return found;
    trial.delimiter = ' ';
    trial.collapse = true;
    sample_count blanks = count_sample(&trial, p, end, scratch);
    if (blanks.share >= 0.9 && blanks.numbers >= 0.5) return ' ';
    if (best_usual > 0.5) return usual; /* under titles, which are of another width */
    return found ? found : ',';
}

static bool named_character(const char *option, const char *text, char *out, an_error *err)
{
    static const struct {
        const char *name;
        char c;
    } names[] = {
        { "comma", ',' }, { "semicolon", ';' }, { "tab", '\t' }, { "\\t", '\t' }, { "pipe", '|' }, { "space", ' ' }, { "none", 0 }
    };
    for (size_t i = 0; i < AN_COUNT(names); i++) {
        if (!strcmp(text, names[i].name)) {
            *out = names[i].c;
            return true;
        }
    }
    if (strlen(text) == 1 && (unsigned char)*text < 0x80) {
        *out = *text;
        return true;
    }
    return an_fail(err, AN_USAGE, "--%s \"%s\" is not one character", option, text);
}

static bool forced(const an_csv_options *o, an__csv_format *f, an_error *err)
{
    if (o->delimiter && !named_character("delimiter", o->delimiter, &f->delimiter, err)) return false;
    if (o->delimiter && (!f->delimiter || strchr("\"\n\r.+-0123456789", f->delimiter))) {
        return an_fail(err, AN_USAGE, "--delimiter \"%s\" cannot stand between fields", o->delimiter);
    }
    if (o->decimal && strcmp(o->decimal, ".") && strcmp(o->decimal, ","))
        return an_fail(err, AN_USAGE, "--decimal is . or , and not \"%s\"", o->decimal);
    if (o->decimal) f->decimal = *o->decimal;
    if (o->thousands && !named_character("thousands", o->thousands, &f->thousands, err)) return false;
    if (f->thousands && !strchr(".,' ", f->thousands))
        return an_fail(err, AN_USAGE, "--thousands is . , ' space or none, and not \"%s\"", o->thousands);
    if (f->thousands && f->thousands == f->decimal) return an_fail(err, AN_USAGE, "--thousands and --decimal are the same character");
    if (f->thousands == '.' && !f->decimal) f->decimal = ',';
    if (f->thousands == ',' && !f->decimal) f->decimal = '.';
    static const char *const encodings[] = { "utf-8", "latin-1", "cp1252", "utf-16", "utf-16le", "utf-16be" };
    size_t k = 0;
    while (o->encoding && k < AN_COUNT(encodings) && strcasecmp(o->encoding, encodings[k])) k++;
    if (k == AN_COUNT(encodings)) {
        return an_fail(err, AN_USAGE, "--encoding is utf-8, latin-1, cp1252, utf-16le or utf-16be, and not \"%s\"", o->encoding);
    }
    if (o->header_row && o->no_header) return an_fail(err, AN_USAGE, "--header-row and --no-header contradict each other");
    if (o->units_row && o->no_units_row) return an_fail(err, AN_USAGE, "--units-row and --no-units-row contradict each other");
    if (o->date_format && !strcasecmp(o->date_format, "excel")) {
        f->excel_dates = true;
        f->date_format = NULL;
    }
    return !f->date_format || an__time_format_check(f->date_format, err);
}

/* Excel's own line: sep=; or "sep=;" */
static const char *separator_line(const char *p, const char *end, char *delimiter)
{
    const char *sign = p + (end - p > 6 && *p == '"');
    if (end - p < 6 || strncasecmp(sign, "sep=", 4) || strchr("\"\n\r.+-0123456789", sign[4])) return p;
    const char *behind = sign + 5;
    behind += sign > p && behind < end && *behind == '"';
    if (!an__csv_line_end(behind, end) || (sign != p && behind[-1] != '"')) return p;
    if (!*delimiter) *delimiter = sign[4];
    return an__csv_next_line(behind, end);
}

/* The words given; where they are all numbers (-999), the usual words as well. */
static const an_list *missing_words(const an_list *given, an_list *own)
{
    bool numbers = given->count > 0;
    for (size_t i = 0; i < given->count; i++) numbers = numbers && an__csv_any_number(given->items[i], strlen(given->items[i]));
    if (!given->count) return &default_tokens;
    if (!numbers) return given;
    for (size_t i = 0; i < default_tokens.count; i++) an_list_add(own, default_tokens.items[i]);
    for (size_t i = 0; i < given->count; i++) an_list_add(own, given->items[i]);
    return own;
}

bool an__csv_detect(const an__csv_source *s, const an_csv_options *o, an_csv_dialect *d, an__csv_format *f, an__csv_counts *counts,
                    an__csv_layout *layout, an_list *missing, an_error *err)
{
    *d = (an_csv_dialect){ .quote = '"', .header = !o->no_header, .gzip = s->gzip };
    *f = (an__csv_format){ .missing = missing_words(&o->missing, missing), .date_format = o->date_format };
    *counts = (an__csv_counts){ 0 };
    if (!forced(o, f, err)) return false;
    const char *p = s->data, *end = s->data + s->size;
    if (s->size >= 3 && !memcmp(p, "\xef\xbb\xbf", 3)) {
        d->bom = true;
        p += 3;
    }
    if (s->size > LINE_LIMIT && !memchr(p, '\n', LINE_LIMIT) && !memchr(p, '\r', LINE_LIMIT)) {
        an_fail(err, AN_INPUT, "line 1 is longer than 64 MB");
        return an_hint(err, "this is no table of lines; was it written without line ends?");
    }
    const char *first = separator_line(p, end, &f->delimiter);
    size_t line = first > p ? 2 : 1;
    for (size_t at = (size_t)(first - s->data); at < s->size;) { /* in steps, so that a file larger than memory does not stay resident */
        size_t n = s->size - at < 8 * (size_t)AN__CSV_STEP ? s->size - at : 8 * (size_t)AN__CSV_STEP;
        an__csv_count(s->data + at, n, counts);
        an__csv_forget(s, at, at + n);
        at += n;
    }
    static const char *const names[] = { "utf-8", "latin-1", "cp1252" };
    if (!an__csv_find_encoding(s, (size_t)(first - s->data), o, counts, &f->encoding, err)) return false;
    snprintf(d->encoding, sizeof d->encoding, "%s", names[f->encoding]);
    d->crlf = counts->returns && 2 * counts->returns >= counts->lines;
    an_buf scratch = { 0 };
    if (!f->delimiter) f->delimiter = find_delimiter(f, first, end, &scratch);
    an_buf_free(&scratch);
    f->collapse = f->delimiter == ' ';
    if (!an__csv_find_start(f, o, first, line, end, layout, err)) return false;
    an__csv_find_rest(f, o, end, layout);
    if (!f->decimal || !o->thousands) {
        an__csv_notation way;
        if (!an__csv_find_notation(f, o, layout, &way, err)) return false;
        f->decimal = way.decimal;
        f->thousands = way.thousands;
    }
    if (f->decimal == f->delimiter && o->decimal && o->delimiter)
        return an_fail(err, AN_USAGE, "--decimal and --delimiter are the same character");
    d->delimiter = f->delimiter;
    d->decimal = f->decimal;
    d->thousands = f->thousands;
    d->titles = layout->titles;
    return true;
}
