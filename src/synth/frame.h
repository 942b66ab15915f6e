/* frame.h - rows as the judge looks at them: numbers with NaN, categories as codes of one shared dictionary, a label. */
#ifndef ANDON_SYNTH_FRAME_H
#define ANDON_SYNTH_FRAME_H

#include "synth/rows.h"

typedef struct an__frame_column {
    char *name;
    bool number;
    size_t index;                       /* among the numbers, or among the categories */
    an_dictionary values;               /* categories: values of all tables, sorted by bytes */
    double low, high, median, mean, sd; /* numbers: of the real rows; NaN when all are missing */
} an__frame_column;

typedef struct an__frame_plan {
    size_t columns, numbers, categories;
    an__frame_column *column;
    char *target, *positive; /* NULL: none */
} an__frame_plan;

typedef struct an__frame {
    size_t n;
    double *number; /* numbers x n; NaN: missing */
    int32_t *code;  /* categories x n; -1: missing */
    int8_t *label;  /* n; 1 positive, 0 other, -1 unknown */
} an__frame;

/* Feature columns of `real` that are numbers or categories and do not begin with '_'. The others must have them too. */
bool an__frame_plan_make(an__frame_plan *p, const an_table *real, const an_table *const *others, size_t count, an_error *err);
void an__frame_plan_free(an__frame_plan *p);
bool an__frame_make(an__frame *f, const an__frame_plan *p, const an_table *t, const char *what, an_error *err);
bool an__frame_select(an__frame *f, const an__frame_plan *p, const an__frame *from, const size_t *rows, size_t n, an_error *err);
/* At most `limit` rows, evenly spread. */
bool an__frame_thin(an__frame *out, const an__frame_plan *p, const an__frame *from, size_t limit, an_error *err);
/* Every column, and the label, permuted by itself: marginals kept, everything between columns lost. */
void an__frame_shuffle(an__frame *f, const an__frame_plan *p, uint64_t seed);
void an__frame_free(an__frame *f);
/* Columns of numbers: standardised by the real mean and sd, missing values at the mean, and one-hot columns of categories of at most 100
 * values; by_range: numbers by the real range and one-hot columns of 1/sqrt(2), so that two rows that differ in everything are
 * sqrt(columns) apart. New n x *width matrix. */
double *an__frame_matrix(const an__frame *f, const an__frame_plan *p, bool by_range, size_t *width, an_error *err);
/* A table of the frame's columns, numbers standardised by the real mean and sd, and a target of "0" and "1" (positive: "1"). */
an_table *an__frame_table(const an__frame *f, const an__frame_plan *p, const int8_t *label, an_error *err);

/* ---- detect.c ---- */

/* Cross-validated ROC-AUC, 0.5 to 1, of a model that tells the two apart; NaN where a side has fewer than ten rows. */
bool an__detect(const an__frame *real, const an__frame *made, const an__frame_plan *p, uint64_t seed, double *auc, an_job *job,
                an_error *err);

#endif
