/* convert.c - the cells of a column as another type, cell by cell, with the first one that does not fit named. */
#include "audit.h"
#include "csv_time.h"
#include "match.h"
#include "schema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool integer_text(const char *s, size_t n, int64_t *out)
{
    double real;
    size_t i = n && (*s == '-' || *s == '+');
    uint64_t value = 0;
    if (i == n) return false;
    for (; i < n && s[i] >= '0' && s[i] <= '9'; i++) {
        if (__builtin_mul_overflow(value, UINT64_C(10), &value) || __builtin_add_overflow(value, (uint64_t)(s[i] - '0'), &value))
            return false;
    }
    if (i == n) {
        if (value > (uint64_t)INT64_MAX) return false;
        *out = *s == '-' ? -(int64_t)value : (int64_t)value;
        return true;
    }
    if (!an_real_parse(s, n, &real) || real != floor(real) || fabs(real) > 9007199254740992.0) return false; /* 12.0 */
    *out = (int64_t)real;
    return true;
}

static bool boolean_text(const char *s, uint8_t *out)
{
    static const char *const yes[] = { "true", "yes", "1" }, *const no[] = { "false", "no", "0" };
    for (size_t i = 0; i < 3; i++) {
        if (!strcasecmp(s, yes[i]) || !strcasecmp(s, no[i])) {
            *out = !strcasecmp(s, yes[i]);
            return true;
        }
    }
    return false;
}

/* text: the cell as it is written. */
static bool convert_cell(const an_column *c, size_t row, const an_buf *text, const char *format, an_column *out)
{
    bool number = c->type == AN_REAL || c->type == AN_INTEGER || c->type == AN_BOOLEAN;
    double value = number ? an_cell_number(c, row) : NAN;
    switch (out->type) {
    case AN_REAL:
        if (number) {
            out->real[row] = value;
            return true;
        }
        return c->type != AN_DATETIME && an_real_parse(text->data, text->size, &out->real[row]) && isfinite(out->real[row]);
    case AN_INTEGER:
        if (c->type == AN_BOOLEAN) {
            out->integer[row] = c->boolean[row];
            return true;
        }
        return c->type != AN_DATETIME && integer_text(text->data, text->size, &out->integer[row]);
    case AN_BOOLEAN:
        return c->type != AN_DATETIME && boolean_text(text->data, &out->boolean[row]);
    case AN_DATETIME:
        if (number) return false;
        return format ? an__time_format(text->data, text->size, format, &out->integer[row])
                      : an__time_iso(text->data, text->size, &out->integer[row]);
    default:
        return false;
    }
}

bool an__column_convert(const an_table *t, const an_column *c, an_type type, const char *format, an_column *out, an_error *err)
{
    *out = (an_column){ 0 };
    if (c->type == AN_TENSOR || type == AN_TENSOR)
        return an_fail(err, AN_INPUT, "column %s is %s and cannot become %s", c->name, an_type_name(c->type), an_type_name(type));
    if (format && !an__time_format_check(format, err)) return false;
    bool ok;
    if (type == AN_TEXT || type == AN_CATEGORY) {
        ok = an__column_as_text(t, c, out, err);
        if (ok && type == AN_CATEGORY) {
            out->name = an_strdup(c->name);
            ok = an__text_to_category(t, out, err);
            free(out->name);
            out->name = NULL;
        }
    } else {
        out->type = type;
        ok = an__column_cells(out, t->rows, err);
        if (ok && c->missing) {
            size_t words = an__valid_words(t->rows);
            out->valid = an_alloc_data(words, sizeof *out->valid, "the validity of a column", err);
            ok = out->valid != NULL;
            if (ok) memcpy(out->valid, c->valid, words * sizeof *out->valid);
            out->missing = c->missing;
        }
        an_buf text = { 0 };
        for (size_t i = 0; ok && i < t->rows; i++) {
            if (!an_valid(c, i)) continue;
            an_buf_clear(&text);
            an_cell_text(c, i, &text);
            if (!text.data) an_buf_puts(&text, "");
            if (convert_cell(c, i, &text, format, out)) continue;
            ok = an_fail(err, AN_INPUT, "column %s: \"%.60s\" in row %zu is not %s", c->name, text.data, i + 1,
                         type == AN_REAL      ? "a number"
                         : type == AN_INTEGER ? "a whole number"
                         : type == AN_BOOLEAN ? "true or false"
                                              : "a date");
            if (type == AN_DATETIME) {
                an_hint(err, "dates are ISO 8601, or say how they are written with format: such as \"%%d.%%m.%%Y\"");
            } else {
                an_hint(err, "name texts that mean a missing value under sentinels, or give the column another type");
            }
        }
        an_buf_free(&text);
    }
    if (!ok) {
        an__column_free(out);
        return false;
    }
    an_dictionary own = out->dictionary;
    an_column like = *c;
    like.dictionary = (an_dictionary){ 0 };
    an__column_describe(out, &like);
    out->dictionary = own;
    out->type = type;
    return true;
}
