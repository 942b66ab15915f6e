/* split.h - what split.c and folds.c share: rows gathered into units that stay together, in the order of their keyed hash. */
#ifndef ANDON_TABLE_SPLIT_H
#define ANDON_TABLE_SPLIT_H

#include "impl.h"

typedef struct an__unit {
    size_t first, rows; /* in an__units.row */
} an__unit;

typedef struct an__units { /* a group, or rows with one key */
    an__keyed *row;        /* index: position in the `rows` given (or row of the table), sorted by unit */
    an__unit *unit;
    size_t count;
} an__units;

bool an__units_make(const an_table *t, const size_t *rows, size_t n, uint64_t seed, an__units *out, an_error *err); /* rows NULL: all */
void an__units_free(an__units *u);
/* Class of every row, the positive one last where there are two; one stratum without a target or for a number to predict. */
bool an__strata(const an_table *t, int32_t *stratum, size_t *count, an_error *err);

#endif
