/* order.h - shared by the files of this room: sorting reals, and scores gathered into groups of equal value. */
#ifndef ANDON_SCORE_ORDER_H
#define ANDON_SCORE_ORDER_H

#include "andon/score.h"

/* Ascending, in place; -0 equals +0 and is stored as +0. scratch: n values, overwritten. NaNs must have been taken out before. */
void an__sort_reals(double *values, size_t n, double *scratch);

/* Copies the values that are not NaN to a new sorted array (free()); NULL when memory is short. *count may be 0. */
double *an__sorted_copy(const double *values, size_t n, size_t *count);

/* Distinct scores, ascending, with the number of positives and negatives that hold each. NaN scores are counted apart. */
typedef struct an__ranked {
    size_t groups, positives, negatives; /* without those whose score is NaN */
    size_t nan_positives, nan_negatives;
    double *score;
    uint32_t *pos, *neg;
} an__ranked;

bool an__ranked_build(const uint8_t *label, const double *score, size_t n, an__ranked *out, an_error *err);
void an__ranked_free(an__ranked *r);
double an__ranked_roc_auc(const uint32_t *pos, const uint32_t *neg, size_t groups);
double an__ranked_pr_auc(const uint32_t *pos, const uint32_t *neg, size_t groups);

#endif
