/* compare.h - every combination of model and balancing on the same repeated splits. */
#ifndef AN_FLOW_COMPARE_H
#define AN_FLOW_COMPARE_H

#include "flow/work.h"

enum { AN_COMPARE_MAX = 32 };

typedef struct an_comparison {
    const an_table *table;
    const an_hash *data;
    const an_predictor_kind *model[AN_COMPARE_MAX];
    json_t *model_options[AN_COMPARE_MAX];
    int models;
    const an_balance_kind *balance[AN_COMPARE_MAX]; /* in the order of the table of balancings */
    json_t *balance_options[AN_COMPARE_MAX];
    int balances;
    int repeats, folds;
    double share, ratio;
    const char *rule; /* of the moved threshold */
    an_costs costs;
    const char *cache; /* folder for scores of finished fits, or NULL */
    uint64_t seed;
} an_comparison;

/* The document of `andon compare` (docs/commands.md), without "data". Deterministic in seed for any number of threads. */
json_t *an__compare(const an_comparison *c, an_job *job, an_error *err);

/* Scores of one repeat of one (model, fitted balancing), and what is computed from them (compare_fit.c). */
typedef struct an_repeat {
    an_split split;
    uint8_t *train_label, *test_label; /* of split.train, split.test */
    uint8_t *fold;                     /* of split.train */
    int folds;
} an_repeat;
typedef struct an_scores {
    double *test, *out_of_fold; /* NAN-free when done */
} an_scores;
/* scores[(r * models + m) * fits + f]; fit[b] tells which f balance b uses. */
bool an__compare_fits(const an_comparison *c, const an_repeat *repeat, const int *fit_balance, int fits, an_scores *scores, an_job *job,
                      an_error *err);

bool an__compare_repeat(const an_comparison *c, const an_split_options *o, an_repeat *x, an_error *err);
void an__compare_repeat_free(an_repeat *x);
/* What needs no model, in the measure of the decision: F2 of rejecting every part, or minus the expected cost of testing (letting none
 * escape), rejecting or passing every part, whichever is least. */
double an__without_model(const an_confusion *c, const an_costs *costs);
bool an__bounded_rule(const char *rule); /* it limits the share rejected or caught: rejecting every part is no rival */

/* The combination on the newest part (compare_newest.c), where the table has a time column and the repeats did not follow it: {"column",
 * "from", "rows", "positives", "threshold", "confusion", "f2", "recall", "cost", "trivial", "better_than_trivial", "why"}; null without a
 * time column; better_than_trivial is null where it could not be tried. NULL: stopped, or out of memory. */
json_t *an__compare_newest(const an_comparison *c, int model, int balance, bool moved, an_job *job, an_error *err);
const an_column *an__time_of(const an_table *t);

#endif
