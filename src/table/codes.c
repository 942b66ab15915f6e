/* codes.c - numbers that look like codes for "missing": -999, 9999 far from every other cell of their column. Told, never decided: only a
 * person knows, and says so by --missing or by the sentinels of a schema. */
#include "impl.h"

#include <math.h>

static const double codes[] = { -9, -99, -999, -9999, -99999, -999999, -999.25, 999, 9999, 99999, 999999, 9999999 };

enum { LOOKED_AT = 1 << 16 };

/* Least and largest cell, and those next to them, of every stride-th row. */
typedef struct ends {
    double low, low2, high, high2;
} ends;

static ends find_ends(const an_column *c, size_t rows, size_t stride)
{
    ends e = { INFINITY, INFINITY, -INFINITY, -INFINITY };
    for (size_t i = 0; i < rows; i += stride) {
        double x = an_cell_number(c, i);
        if (isnan(x)) continue;
        if (x < e.low) {
            e.low2 = e.low;
            e.low = x;
        } else if (x > e.low && x < e.low2) {
            e.low2 = x;
        }
        if (x > e.high) {
            e.high2 = e.high;
            e.high = x;
        } else if (x < e.high && x > e.high2) {
            e.high2 = x;
        }
    }
    return e;
}

static bool is_code(double x)
{
    for (size_t k = 0; k < AN_COUNT(codes); k++) {
        if (x == codes[k]) return true;
    }
    return false;
}

void an_table_codes(const an_table *t, an_list *notes)
{
    size_t stride = t->rows / LOOKED_AT + 1;
    for (size_t j = 0; j < t->columns; j++) {
        const an_column *c = &t->column[j];
        if (c->type != AN_REAL && c->type != AN_INTEGER) continue;
        ends e = find_ends(c, t->rows, stride);
        double code = NAN;
        if (is_code(e.low) && isfinite(e.low2) && e.high > e.low2 && e.low2 - e.low > 3 * (e.high - e.low2) && (e.low < -9 || e.low2 >= 0))
            code = e.low;
        else if (is_code(e.high) && isfinite(e.high2) && e.high2 > e.low && e.high - e.high2 > 3 * (e.high2 - e.low))
            code = e.high;
        if (isnan(code)) continue;
        size_t cells = 0;
        for (size_t i = 0; i < t->rows; i++) cells += an_cell_number(c, i) == code;
        if (cells < 2 && t->rows > 20) continue; /* one such cell is an outlier */
        char text[32];
        an_real_text(code, text);
        an_list_add_take(notes, an_format("%s: %s in %zu row%s, far from all other values, may mean missing: --missing \"%s\", or "
                                          "sentinels: [%s] in a schema",
                                          c->name, text, cells, cells > 1 ? "s" : "", text, text));
    }
}
