/* csv_detect.c - the dialect of a CSV file: what options force, and what the first rows show. */
#include "csv_impl.h"

#include <stdlib.h>
#include <strings.h>

const an_param an_csv_params[] = {
    AN_CSV_PARAMS(0),
    AN_PARAM_END,
};

static const char *const default_missing[] = { "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?", "-", "#N/A" };
static const an_list default_tokens = { (char **)(uintptr_t)default_missing, AN_COUNT(default_missing) };

enum { SAMPLE_ROWS = 200, SAMPLE_BYTES = 1 << 20 };

/* Fields of the row at p under format f, and how many of them read as a number or are missing. No fields at a fault. */
typedef struct row_count {
    size_t fields, numbers;
} row_count;

static bool is_number(const an__csv_field *field, char decimal, char thousands)
{
    an__number number;
    double real;
    return an__number_parse(field->text, field->n, decimal, thousands, &number, &real);
}

static row_count count_row(const an__csv_format *f, const char *p, const char *end, an_buf *scratch, const char **next)
{
    row_count count = { 0 };
    an__csv_field field;
    for (;;) {
        const char *behind = p;
        if (an__csv_take(f, p, end, scratch, &field, &behind) != FIELD_GOOD) {
            *next = end;
            return (row_count){ 0 };
        }
        count.fields++;
        count.numbers += is_number(&field, ',', 0) || is_number(&field, '.', 0) || an__csv_is_missing(f, field.text, field.n);
        p = behind;
        if (an__csv_line_end(p, end)) break;
        p++;
        if (f->collapse) {
            while (*p == f->delimiter) p++;
            if (an__csv_line_end(p, end)) break;
        }
    }
    *next = an__csv_next_line(p, end);
    return count;
}

typedef struct sample_count {
    double share;   /* of rows with as many fields as the first, 0 when that has one */
    double numbers; /* share of fields after the first row that are numbers */
} sample_count;

static sample_count count_sample(const an__csv_format *f, const char *p, const char *end, an_buf *scratch)
{
    const char *stop = end - p > SAMPLE_BYTES ? p + SAMPLE_BYTES : end;
    size_t rows = 0, same = 0, first = 0, fields = 0, numbers = 0;
    sample_count out = { 0 };
    for (; p < stop && rows < SAMPLE_ROWS;) {
        if (f->collapse) {
            while (*p == f->delimiter) p++;
        }
        if (an__csv_line_end(p, end)) {
            p = an__csv_next_line(p, end);
            continue;
        }
        row_count row = count_row(f, p, end, scratch, &p);
        if (!rows) first = row.fields;
        if (rows == 1) fields = numbers = 0; /* the first row may be names */
        same += row.fields == first;
        fields += row.fields;
        numbers += row.numbers;
        rows++;
    }
    if (first > 1) out.share = (double)same / (double)rows;
    if (fields) out.numbers = (double)numbers / (double)fields;
    return out;
}

static char find_delimiter(const an__csv_format *f, const char *p, const char *end, an_buf *scratch)
{
    /* At equal consistency the rarer character wins: a comma is often a decimal comma, seldom the other way round. */
    static const char candidates[] = { '\t', ';', '|', ',' };
    an__csv_format trial = *f;
    double best = 0;
    char found = 0;
    for (size_t i = 0; i < AN_COUNT(candidates); i++) {
        trial.delimiter = candidates[i];
        double share = count_sample(&trial, p, end, scratch).share;
        if (share > best) {
            best = share;
            found = candidates[i];
        }
    }
    if (best > 0.5) return found;
    trial.delimiter = ' ';
    trial.collapse = true;
    sample_count blanks = count_sample(&trial, p, end, scratch);
    if (blanks.share >= 0.9 && blanks.numbers >= 0.5) return ' ';
    return found ? found : ',';
}

/* ---- decimal mark and thousands separator ---- */

/* Ways to write numbers, the likelier first: where two read the same columns the first of them is taken. After a semicolon or a tab 2,5 is
 * a decimal comma; between commas 2,500 in quotes is a thousands separator. */
typedef struct notation {
    char decimal, thousands;
} notation;
static const notation notations[] = { { '.', 0 }, { ',', 0 }, { ',', '.' }, { '.', ',' }, { '.', '\'' }, { ',', '\'' } };
static const notation between_commas[] = { { '.', 0 }, { '.', ',' }, { ',', 0 }, { ',', '.' }, { '.', '\'' }, { ',', '\'' } };
enum { NOTATIONS = AN_COUNT(notations) };

typedef struct column_count {
    size_t values, numbers[NOTATIONS];
} column_count;

/* Cells of the sampled rows by column, for each notation. */
static void count_columns(const an__csv_format *f, const notation *way, const char *p, const char *end, an_buf *scratch,
                          column_count *column, size_t columns)
{
    const char *stop = end - p > SAMPLE_BYTES ? p + SAMPLE_BYTES : end;
    for (size_t row = 0; p < stop && row < SAMPLE_ROWS;) {
        while (f->collapse && *p == f->delimiter) p++;
        if (!an__csv_line_end(p, end) && row++ == 1) memset(column, 0, columns * sizeof *column); /* the first row may be names */
        for (size_t j = 0; !an__csv_line_end(p, end); j++) {
            an__csv_field field;
            const char *next = p;
            if (an__csv_take(f, p, end, scratch, &field, &next) != FIELD_GOOD) return;
            if (j < columns && !an__csv_is_missing(f, field.text, field.n)) {
                column[j].values++;
                for (size_t k = 0; k < NOTATIONS; k++) column[j].numbers[k] += is_number(&field, way[k].decimal, way[k].thousands);
            }
            p = next;
            if (*p != f->delimiter || p == end) break;
            p++;
            while (f->collapse && *p == f->delimiter) p++;
        }
        p = an__csv_next_line(p, end);
    }
}

/* The notation under which most columns are numbers throughout, of those that the options leave open. */
static notation find_notation(const an__csv_format *f, bool thousands_given, const char *p, const char *end, an_buf *scratch)
{
    const notation *way = f->delimiter == ',' ? between_commas : notations;
    const char *next;
    size_t columns = count_row(f, p, end, scratch, &next).fields;
    column_count *column = an_alloc_n(columns + 1, sizeof *column);
    count_columns(f, way, p, end, scratch, column, columns);
    notation best = { f->decimal ? f->decimal : f->thousands == '.' ? ',' : '.', f->thousands };
    size_t most = 0;
    for (size_t k = 0; k < NOTATIONS; k++) {
        if ((f->decimal && way[k].decimal != f->decimal) || (thousands_given && way[k].thousands != f->thousands)) continue;
        size_t good = 0;
        for (size_t j = 0; j < columns; j++) good += column[j].values && column[j].numbers[k] >= 0.95 * (double)column[j].values;
        if (good <= most) continue;
        most = good;
        best = way[k];
    }
    free(column);
    return best;
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
        return an_fail(err, AN_USAGE, "--thousands is . , ' a blank or none, and not \"%s\"", o->thousands);
    if (f->thousands && f->thousands == f->decimal) return an_fail(err, AN_USAGE, "--thousands and --decimal are the same character");
    if (f->thousands == '.' && !f->decimal) f->decimal = ',';
    if (f->thousands == ',' && !f->decimal) f->decimal = '.';
    if (o->encoding && strcasecmp(o->encoding, "utf-8") && strcasecmp(o->encoding, "latin-1")) {
        return an_fail(err, AN_USAGE, "--encoding is utf-8 or latin-1, and not \"%s\"", o->encoding);
    }
    return !o->date_format || an__time_format_check(o->date_format, err);
}

static bool find_encoding(const an__csv_source *s, size_t first, const an_csv_options *o, const an__csv_counts *counts, an_csv_dialect *d,
                          bool *latin1, an_error *err)
{
    bool valid = !counts->high || an__utf8_valid(s->data + first, s->size - first);
    *latin1 = o->encoding ? !strcasecmp(o->encoding, "latin-1") : !valid;
    snprintf(d->encoding, sizeof d->encoding, "%s", *latin1 ? "latin-1" : "utf-8");
    if (*latin1 || valid) return true;
    size_t line = 1;
    for (const char *p = s->data + first, *end = s->data + s->size; p < end; line++) { /* find the line for the message */
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        stop = stop ? stop + 1 : end;
        if (!an__utf8_valid(p, (size_t)(stop - p))) break;
        p = stop;
    }
    an_fail(err, AN_INPUT, "line %zu is not UTF-8", line);
    return an_hint(err, "try --encoding latin-1");
}

bool an__csv_detect(const an__csv_source *s, const an_csv_options *o, an_csv_dialect *d, an__csv_format *f, an__csv_counts *counts,
                    size_t *first, an_error *err)
{
    *d = (an_csv_dialect){ .quote = '"', .header = !o->no_header, .gzip = s->gzip };
    *f = (an__csv_format){ .missing = o->missing.count ? &o->missing : &default_tokens, .date_format = o->date_format };
    *counts = (an__csv_counts){ 0 };
    *first = 0;
    if (!forced(o, f, err)) return false;
    const char *p = s->data, *end = s->data + s->size;
    if (s->size >= 2 && ((p[0] == '\xff' && p[1] == '\xfe') || (p[0] == '\xfe' && p[1] == '\xff'))) {
        an_fail(err, AN_INPUT, "the file is in UTF-16");
        return an_hint(err, "save it as UTF-8");
    }
    if (s->size >= 3 && !memcmp(p, "\xef\xbb\xbf", 3)) {
        d->bom = true;
        *first = 3;
        p += 3;
    }
    const char *sign = p + (end - p > 6 && *p == '"'); /* Excel's own line: sep=; or "sep=;" */
    if (end - p >= 6 && !strncasecmp(sign, "sep=", 4) && !strchr("\"\n\r.+-0123456789", sign[4])) {
        const char *behind = sign + 5;
        behind += sign > p && behind < end && *behind == '"';
        if (an__csv_line_end(behind, end) && (sign == p || behind[-1] == '"')) {
            if (!f->delimiter) f->delimiter = sign[4];
            p = an__csv_next_line(behind, end);
            *first = (size_t)(p - s->data);
        }
    }
    for (size_t at = *first; at < s->size;) { /* in steps, so that a file larger than memory does not stay resident */
        size_t n = s->size - at < 8 * (size_t)AN__CSV_STEP ? s->size - at : 8 * (size_t)AN__CSV_STEP;
        an__csv_count(s->data + at, n, counts);
        an__csv_forget(s, at, at + n);
        at += n;
    }
    if (!find_encoding(s, *first, o, counts, d, &f->latin1, err)) return false;
    d->crlf = counts->returns && 2 * counts->returns >= counts->lines;
    an_buf scratch = { 0 };
    if (!f->delimiter) f->delimiter = find_delimiter(f, p, end, &scratch);
    f->collapse = f->delimiter == ' ';
    if (!f->decimal || !o->thousands) {
        notation way = find_notation(f, o->thousands != NULL, p, end, &scratch);
        f->decimal = way.decimal;
        f->thousands = way.thousands;
    }
    an_buf_free(&scratch);
    if (f->decimal == f->delimiter && o->decimal && o->delimiter)
        return an_fail(err, AN_USAGE, "--decimal and --delimiter are the same character");
    d->delimiter = f->delimiter;
    d->decimal = f->decimal;
    d->thousands = f->thousands;
    return true;
}
