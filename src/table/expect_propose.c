/* expect_propose.c - a draft of expectations from what a table holds: it passes on this table and leaves some room, and a person takes out
 * what is chance. */
#include "match.h"
#include "schema.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES_MAX = 30 };

/* To two significant digits, away from zero in the direction asked for, so that people can read the limit. */
static double rounded(double x, bool up)
{
    if (x == 0 || !isfinite(x)) return x;
    double unit = pow(10, floor(log10(fabs(x))) - 1), y = (up ? ceil(x / unit) : floor(x / unit)) * unit;
    char text[40];
    snprintf(text, sizeof text, "%.2g", y);
    an_real_parse(text, strlen(text), &y);
    return y;
}

static void entry(an_buf *out, const an_column *c, const char *key)
{
    an_buf_puts(out, "  - {column: ");
    an__yaml_scalar(out, c->name);
    an_buf_printf(out, ", %s: ", key);
}

static void limits(const an_table *t, const an_column *c, an_buf *out)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < t->rows; i++) {
        double x = an_cell_number(c, i);
        if (isnan(x)) continue;
        low = fmin(low, x);
        high = fmax(high, x);
    }
    if (low > high) return;
    double room = 0.1 * (high - low), from = rounded(low - room, false), to = rounded(high + room, true);
    if (low >= 0 && from < 0) from = 0; /* what was never negative is likely to be a count, a length, a force */
    char text[32];
    entry(out, c, "min");
    an_buf_puts(out, an_real_text(fmin(from, low), text));
    an_buf_printf(out, ", max: %s}\n", an_real_text(fmax(to, high), text));
}

static bool rises(const an_table *t, const an_column *c)
{
    double before = -INFINITY;
    for (size_t i = 0; i < t->rows; i++) {
        double x = an_cell_number(c, i);
        if (isnan(x)) continue;
        if (x < before) return false;
        before = x;
    }
    return t->rows > c->missing + 1;
}

static bool distinct(const an_table *t, const an_column *c)
{
    an__match m;
    if (!an__match_build(&t, &c, 1, NULL, &m, NULL)) return false;
    bool all = t->rows > c->missing;
    for (size_t k = 0; all && k < m.keys; k++) all = m.count[0][k] < 2;
    an__match_free(&m);
    return all;
}

static void values(const an_column *c, an_buf *out)
{
    entry(out, c, "values");
    an_buf_putc(out, '[');
    for (int32_t k = 0; k < c->dictionary.count; k++) {
        if (k) an_buf_puts(out, ", ");
        an__yaml_scalar(out, c->dictionary.names[k]);
    }
    an_buf_puts(out, "]}\n");
}

static void missing(const an_table *t, const an_column *c, an_buf *out)
{
    double share = t->rows ? (double)c->missing / (double)t->rows : 0;
    char text[32];
    entry(out, c, "missing_at_most");
    an_buf_printf(out, "%s}\n", an_real_text(c->missing ? fmin(1, ceil(1.5 * share * 100 + 1e-9) / 100) : 0, text));
}

void an_expect_propose(const an_table *t, an_buf *out)
{
    an_buf_printf(out, "# Drafted from a table of %zu rows: it holds there. Take out what is chance, tighten what you know.\n", t->rows);
    an_buf_puts(out, "# More: increasing: true | strictly, where: \"variant=A\", matches: reference with ks_at_most and error_rate.\n");
    an_buf_puts(out, "expect:\n");
    an_buf_printf(out, "  - {rows_at_least: %zu}\n", t->rows ? (t->rows + 1) / 2 : 0);
    for (size_t j = 0; j < t->columns; j++) {
        const an_column *c = &t->column[j];
        if (c->role == AN_IGNORED || c->type == AN_TENSOR) continue;
        missing(t, c, out);
        if (c->missing == t->rows) continue;
        if (c->role == AN_ID && distinct(t, c)) {
            entry(out, c, "unique");
            an_buf_puts(out, "true}\n");
        }
        bool time = c->role == AN_TIME || c->type == AN_DATETIME;
        if (time && rises(t, c)) {
            bool other = false; /* increasing goes by the time column where it is another one */
            for (size_t k = 0; k < t->columns; k++) other = other || (t->column[k].role == AN_TIME && &t->column[k] != c);
            if (!other) {
                entry(out, c, "increasing");
                an_buf_puts(out, "true}\n");
            }
        }
        if (c->role != AN_ID && !time && (c->type == AN_REAL || c->type == AN_INTEGER)) limits(t, c, out);
        if (c->role != AN_ID && c->type == AN_CATEGORY && c->dictionary.count <= VALUES_MAX) values(c, out);
    }
    size_t i;
    json_t *item;
    json_array_foreach(t->constraints, i, item) {
        an__relation r;
        bool holds = json_is_string(item) && an__relation_parse(json_string_value(item), t, &r, NULL);
        if (holds) an__relation_measure(&r, t);
        for (size_t row = 0; holds && row < t->rows; row++) holds = an__relation_holds(&r, t, row) != 0;
        if (!holds) continue;
        an_buf_puts(out, "  - {row: ");
        an__yaml_value(out, item);
        an_buf_puts(out, "}\n");
    }
    an_buf_puts(out, "# against a reference (--reference NAME/1), for columns whose distribution must stay; each breaks by chance in 1 of "
                     "1,000 checks:\n");
    for (size_t j = 0; j < t->columns; j++) {
        const an_column *c = &t->column[j];
        if (c->role != AN_FEATURE || c->type == AN_TENSOR || c->missing == t->rows) continue;
        an_buf_puts(out, "#");
        entry(out, c, "matches");
        an_buf_puts(out, "reference, ks_at_most: 0.1, error_rate: 0.001}\n");
    }
}
