/* rows.h - what the files of this room share: the rarer class, plain copies of real rows, neighbours, the bank of SMOTE kinds. */
#ifndef ANDON_SYNTH_ROWS_H
#define ANDON_SYNTH_ROWS_H

#include "andon/synth.h"

/* The two classes of a table's target, by count (generated rows included). On a tie the positive value counts as the rarer one. */
typedef struct an__classes {
    uint8_t *label; /* per row: 1 holds the rarer class */
    char *rare;     /* its value as text */
    size_t rare_count, rest_count;
} an__classes;

bool an__classes_of(const an_table *t, an__classes *out, an_error *err);
void an__classes_free(an__classes *c);

/* Column of role target, or NULL. */
an_column *an__target(const an_table *t);
/* Rows of t that are not generated: new table (all columns). AN_REFUSED when there is none, naming `what` they are for. */
an_table *an__real_rows(const an_table *t, const char *what, an_error *err);
/* Writes the target cell of every row to the class written `text` (a value that the column can hold). */
bool an__set_target(an_table *t, const char *name, const char *text, an_error *err);

/* Can distances be computed in x (n x prep->width), or do squares overflow? AN_INPUT then, naming the column and `what` needs distances. */
bool an__measurable(const an_prep *prep, const double *x, size_t n, const char *what, an_error *err);

/* For each of `count` rows listed in `from`, its k nearest rows among those listed in `pool` (itself left out), by Euclidean distance in
 * x (n x d), nearest first, ties to the lower position in `pool`. near: count x k; -1 where there are fewer than k. */
bool an__neighbours(const double *x, size_t d, const size_t *from, size_t count, const size_t *pool, size_t pool_count, size_t k,
                    int64_t *near, an_job *job, an_error *err);

/* Rows to start from, and rows to go towards: the state of `random` (no neighbours) and of the SMOTE kinds. */
typedef struct an__bank {
    an_table *rows; /* real rows: features and target */
    size_t base_count;
    int64_t *base;  /* rows started from */
    double *chance; /* cumulative share of each base, last 1; NULL: all alike */
    size_t k;       /* neighbours of each base */
    int64_t *near;  /* base_count x k, rows of `rows` */
    double *reach;  /* base_count x k: the largest share of the way towards it */
    bool vote;      /* categories: the most frequent among the neighbours (SMOTE-NC) instead of the nearer end */
} an__bank;

void an__bank_free(an_generator *g);
bool an__bank_save(const an_generator *g, an_artifact *a, json_t *meta, an_error *err);
bool an__bank_load(an_generator *g, const an_artifact *a, const json_t *meta, an_error *err);
an_table *an__bank_sample(const an_generator *g, uint64_t seed, uint64_t first_row, size_t n, an_job *job, an_error *err);

extern const an_generator_kind an__random, an__smote, an__smote_nc, an__borderline1, an__borderline2, an__adasyn, an__wgan, an__wgan_filter;

#endif
