/* tolerance.c - by how much rounded values may be off from a sum that holds: the steps of the columns of a relation. */
#include "schema.h"

#include <math.h>

/* 10^-k of the last decimal place that any cell has; 0: whole numbers, more than nine places, or too few cells to say. */
static double decimal_step(const an_table *t, const an_column *c)
{
    enum { PLACES = 9, LEAST = 10 };
    if (c->type != AN_REAL) return 0;
    double scale = 1;
    int places = 0;
    size_t cells = 0;
    for (size_t i = 0; i < t->rows; i++) {
        double x = an_cell_number(c, i);
        if (!isfinite(x)) continue;
        cells++;
        /* a decimal in binary is off by up to 2^-53 of itself; its product, and that of a conversion of units, once more each */
        while (fabs(x * scale - nearbyint(x * scale)) > 1e-15 * fabs(x * scale)) {
            if (++places > PLACES) return 0;
            scale *= 10;
        }
        if (fabs(x * scale) > 1e13) return 0; /* beyond what a double tells apart */
    }
    return places && cells >= LEAST ? 1 / scale : 0;
}

void an__relation_measure(an__relation *r, const an_table *t)
{
    r->slack = 0;
    if (r->order != ORDER_EQUAL && r->order != ORDER_NOT_EQUAL) return;
    for (int k = 0; k < r->count; k++) {
        const an_column *c = &t->column[r->term[k].column];
        double resolution = an__spec_number(c, "resolution");
        r->slack += fabs(r->term[k].factor) * (resolution > 0 ? resolution : decimal_step(t, c)) / 2;
    }
}
