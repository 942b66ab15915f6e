/* select.h - what the files of feature selection share: candidates as standardised scores, groups of redundant ones, and how often each is
 * chosen from halves of the rows. Nothing here is for other rooms. */
#ifndef AN_LEARN_SELECT_H
#define AN_LEARN_SELECT_H

#include "andon/learn.h"

/* ---- scores (select_scores.c) ---- */

/* Candidate columns over n rows, every number as its ranks (midranks of ties), mean 0, variance 1, missing cells 0; every category as one
 * indicator a level, standardised the same way. Column by column: score[j * n + i]. */
typedef struct an__scores {
    const an_table *t;
    size_t n, numbers, categories;
    size_t *rows;   /* [n], ascending */
    size_t *column; /* [numbers + categories]: which column of t */
    double *score;  /* numbers x n */
    bool *settled;  /* [numbers]: follows from the context alone */
    size_t *levels; /* [categories] */
    size_t *first;  /* [categories]: first indicator */
    double *level;  /* indicators x n */
    double *share;  /* [indicators]: share of the rows */
    size_t indicators;
    bool *context;    /* [categories]: number scores are taken within its levels */
    double *target;   /* [n]: standardised; labels, or ranks of a number */
    uint8_t *label;   /* [n]; NULL: the target is a number */
    size_t positives; /* 0 with a number */
} an__scores;

/* rows: ascending; looked at: at most o->rows of them. */
bool an__scores_make(an__scores *s, const an_table *t, const size_t *rows, size_t n, const an_select_options *o, an_job *job,
                     an_error *err);
/* Takes number scores within the levels of the context, by least squares; what nothing is left of is `settled` and keeps its ranks. */
bool an__scores_within(an__scores *s, const an_list *wanted, an_job *job, an_error *err);
void an__scores_free(an__scores *s);
double an__dot(const double *x, const double *y, size_t n);

/* ---- groups (select_groups.c) ---- */

/* Groups of columns that say the same. A group of numbers has one variable, the mean of its members with signs made equal, and its square
 * made orthogonal to it; a group of categories has the indicators of its first member. */
typedef struct an__groups {
    size_t count, numbers; /* the first `numbers` groups are of numbers */
    size_t *of;            /* [candidate] */
    double *mean, *square; /* numbers x n; a square of zeroes where nothing is left */
    size_t *category;      /* [count - numbers]: index of the category whose indicators stand for the group */
} an__groups;

/* Average linkage on 1 - |rank correlation|, the smaller of those overall and within the context; s comes back within the context. */
bool an__groups_make(an__groups *g, an__scores *s, const an_select_options *o, an_job *job, an_error *err);
void an__groups_free(an__groups *g);

/* ---- halves (select_halves.c) ---- */

typedef struct an__stability {
    size_t pairs, shuffled;      /* complementary pairs; shuffled copies of groups that competed */
    size_t alone, jointly;       /* groups that a half chooses */
    double *association, *joint; /* [count + shuffled]: share of the halves that chose the group, alone and jointly */
} an__stability;

bool an__stability_run(an__stability *r, const an__scores *s, const an__groups *g, size_t pairs, size_t shuffled, size_t alone,
                       size_t jointly, an_job *job, an_error *err);
void an__stability_free(an__stability *r);

/* Evidence of group g on rows `at` (m of them; NULL: all n): minus log p of linear and square association with y, which is standardised
 * over these rows. shuffle: positions that take the place of 0..n-1, NULL: none. work: 2 m. */
double an__evidence(const an__scores *s, const an__groups *g, size_t group, const uint32_t *at, size_t m, const uint32_t *shuffle,
                    const double *y, double *work);
double an__minus_log_p(double chi2, double df);

/* ---- path (select_path.c) ---- */

/* L1-penalised least squares from the largest penalty down until `most` groups had a coefficient (all: until the penalty is a thousandth).
 * x: variables x m, column by column, each mean 0 and variance 1 (or zeroes); y alike; group[v]: of variable v. entered: the groups in the
 * order they came in. */
size_t an__path_enter(const double *x, const double *y, size_t m, size_t variables, const size_t *group, size_t most, size_t *entered);

#endif
