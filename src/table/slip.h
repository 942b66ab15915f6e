/* slip.h - whether values look like others in another unit. */
#ifndef ANDON_TABLE_SLIP_H
#define ANDON_TABLE_SLIP_H

#include "impl.h"

enum { AN__SLIP_LEAST = 8 }; /* values on either side under which nothing is said */

typedef struct an__slip { /* the later values are like factor x the earlier + offset; NaN: they are not */
    double factor, offset;
    const char *words; /* "a thousand times as large (mm for m, g for kg, mV for V)"; NULL: none */
} an__slip;

/* Are y what x would be in another unit: the distributions lie apart by `ks` (Kolmogorov and Smirnov's distance) as they are, and together
 * once x is mapped. Both are sorted. */
bool an__slip_find(double *x, size_t n, double *y, size_t m, double ks, an__slip *out);
/* The finite values of a column from a row on, new array; NULL: not enough memory. */
double *an__numbers(const an_table *t, const an_column *c, size_t from, size_t *n);
void an__quartiles(double *x, size_t n, double q[3]); /* of values that are sorted in place */
/* Columns whose rows below the first base->rows of `grown` look like those of `base` in another unit, with both medians:
 * [{"column","factor","offset","words", "median_before","median_added","unit"}]. Both have the same columns in the same units, as far as
 * these are declared. */
json_t *an__other_units(const an_table *base, const an_table *grown);

#endif
