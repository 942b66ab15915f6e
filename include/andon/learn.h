/* learn.h - predictors, and the model that wraps one: schema, preparation, predictor, threshold, golden rows.
 *
 * A predictor kind is one row of a registry: parameters, fit, lower. `lower` always returns graph, so serving, ONNX and C export need
 * nothing else. A model never knows where it is stored: it writes into an artifact.
 */
#ifndef ANDON_LEARN_H
#define ANDON_LEARN_H

#include "andon/graph.h"
#include "andon/score.h"
#include "andon/table.h"

/* ---- predictors -------------------------------------------------------------------------------------------------------------- */

enum {
    AN_CAN_CLASSES = 1 << 0,
    AN_CAN_REGRESS = 1 << 1,
    AN_CAN_WEIGHTS = 1 << 2, /* respects row weights */
    AN_CAN_EXPLAIN = 1 << 3, /* coefficients in units of the data */
    AN_CAN_UPDATE = 1 << 4,
    AN_CAN_RESUME = 1 << 5,
    AN_CAN_CONDITION = 1 << 6,
    AN_CAN_MISSING = 1 << 7,
    AN_CAN_CATEGORY = 1 << 8,
    AN_CAN_LIKELIHOOD = 1 << 9,
};

typedef struct an_samples { /* prepared: what a predictor of tables is fitted on */
    size_t n, d;
    const double *x;      /* n x d, row-major */
    const uint8_t *label; /* n */
    const double *weight; /* n, or NULL */
} an_samples;

typedef struct an_predictor an_predictor;
typedef struct an_predictor_kind {
    const char *name, *doc, *source; /* "logistic"; one line; paper and section */
    const an_param *params;
    size_t options_size;
    unsigned can;
    const char *scale; /* preparation it wants: "standard" ... (an_prep_options) */
    bool (*fit)(an_predictor *p, const an_samples *train, an_job *job, an_error *err);
    an_node (*lower)(const an_predictor *p, an_node x); /* x: f64 [batch, d] prepared -> f64 [batch, 1] score in [0,1] */
    bool (*save)(const an_predictor *p, an_params *tensors, json_t *meta, an_error *err);
    bool (*load)(an_predictor *p, const an_params *tensors, const json_t *meta, an_error *err);
    void (*free)(an_predictor *p);
    /* AN_CAN_EXPLAIN: log-odds = intercept + sum weight[j] * x[j] over prepared columns; deviation[j]: sd of column j in training.
     * Borrowed; *d of each; false before a fit. */
    bool (*coefficients)(const an_predictor *p, const double **weight, const double **deviation, size_t *d, double *intercept);
} an_predictor_kind;
struct an_predictor {
    const an_predictor_kind *kind;
    void *options; /* of kind->params, owned */
    void *state;   /* of the kind, owned through kind->free */
};

const an_predictor_kind *const *an_predictor_kinds(size_t *count);
const an_predictor_kind *an_predictor_kind_find(const char *name, an_error *err);                    /* AN_USAGE with the nearest name */
an_predictor *an_predictor_new(const an_predictor_kind *kind, const json_t *options, an_error *err); /* options: object or NULL */
void an_predictor_free(an_predictor *p);

/* ---- models ---------------------------------------------------------------------------------------------------------------------- */

typedef struct an_feature { /* an input of the model, in the order of the schema */
    char *name, *unit;
    an_type type;
    double low, high; /* training range */
    an_dictionary dictionary;
} an_feature;

typedef struct an_model {
    char *target, *positive, *negative; /* label texts */
    an_prep *prep;
    an_predictor *predictor;
    an_threshold threshold;
    bool calibrated; /* probabilities are at the true class share: false after resampling or weighting */
    char *balance;   /* method of balancing it was trained with */
    an_hash data;    /* content address of the training data set */
    uint64_t seed;
    uint64_t *train_keys; /* sorted row keys it was fitted on */
    size_t train_count;
    json_t *extra; /* metrics, parameters, versions: written into model.json under these keys */
    void *runtime; /* compiled program; owned, made on first use */
} an_model;

void an_model_free(an_model *m);

/* Fits preparation on the real rows of `train` (rows marked generated are prepared, never fitted on), then the predictor on all of it.
 * weights: one a row or NULL. */
an_model *an_model_fit(const an_table *train, const an_predictor_kind *kind, const json_t *options, const double *weights, an_job *job,
                       an_error *err);

/* Which rows of t the model was fitted on: by the id column of its training table where it had one, else by the content of its features and
 * target, whatever other columns t has. seen[i]: 1 where fitted on. AN_INPUT when a column that tells is absent. */
bool an_model_seen(const an_model *m, const an_table *t, uint8_t *seen, an_error *err);

/* Score of each row (probability of the positive class), by the lowered program: the very same for one row as for many.
 * Feature columns are found by name; others are ignored; AN_INPUT names an absent column with the nearest present one. Several threads may
 * score one model. */
bool an_model_score(an_model *m, const an_table *t, double *score, an_job *job, an_error *err);
/* Rows as a server has them: rows x features doubles, features in the order of m->prep->column: numbers as they are, booleans 0 and 1,
 * datetimes in seconds since 1970, categories as the code that an_model_code gives, NaN where missing. The same bits as an_model_score of a
 * table with these cells. Allocates nothing once warm; several threads may score one model. */
bool an_model_score_rows(an_model *m, const double *values, size_t rows, double *score, an_error *err);
/* Code of a category's text (n bytes); a text unseen in training gives the code for that, an empty one NaN. Constant time, any thread. */
double an_model_code(const an_model *m, size_t feature, const char *text, size_t n);
size_t an_model_feature_find(const an_model *m, const char *name, size_t n); /* its index, by a hash; SIZE_MAX: none. Any thread */
/* The value lies outside the feature's training range, or is a category unseen in training; false where missing. */
bool an_model_value_outside(const an_model *m, size_t feature, double value);
/* Appends the names of features of one such row that lie outside the training range or are unseen, joined by ';'. */
void an_model_out_of_range_values(const an_model *m, const double *row, an_buf *out);
/* What `model predict` adds: label (text), probability, threshold, out_of_range. New table with the columns of `as` followed by these (id
 * columns first); one that bears one of these names becomes NAME_input. as: the rows of t as they are to be copied, say with every cell as
 * the file wrote it; NULL: t itself. */
an_table *an_model_predict(an_model *m, const an_table *t, const an_table *as, an_job *job, an_error *err);

/* Coefficients for people (AN_CAN_EXPLAIN): {"intercept","coefficients":[{"name","unit","coefficient" (change of log-odds per
 * unit),"odds_ratio","per_sd" (standardised)}]} sorted by |per_sd|; NULL otherwise. */
json_t *an_model_explain(const an_model *m, an_error *err);

/* The whole of preparation and predictor as graph: inputs [batch,1] per feature by column name (f64, i64, or text; datetimes as f64 seconds
 * since 1970), outputs `probability` f64 [batch,1] and `label` i64 [batch,1]. */
bool an_model_lower(const an_model *m, an_graph *g, an_node *probability, an_node *label, an_error *err);
/* all numeric: one input "input" [batch, features] */
bool an_model_lower_matrix(const an_model *m, an_graph *g, an_node *probability, an_node *label, an_error *err);

/* Directory: MLmodel, model.safetensors, model.json, golden.csv (inputs and outputs, drawn within the training ranges, never copied),
 * model.onnx, conda-free. Deterministic bytes: the same model is the same address. Loading replays the golden rows: AN_CORRUPT when they
 * disagree by more than 1e-5 or in label. */
bool an_model_save(an_model *m, an_artifact *a, an_error *err);
an_model *an_model_load(const an_artifact *a, an_error *err);
bool an_model_onnx(const an_model *m, an_buf *out, an_error *err);
json_t *an_model_describe(const an_model *m); /* model.json */

/* Appends "column=type" for every feature: what a CSV reader is told (an_csv_options.type) so that new rows are read as the training
 * rows were. */
void an_model_csv_types(const an_model *m, an_list *types);

/* Text of the golden rows' worth: n rows drawn uniformly in the training ranges, categories uniformly; deterministic in seed. */
an_table *an_model_probe(const an_model *m, size_t n, uint64_t seed, an_error *err);

/* ---- selecting columns ----------------------------------------------------------------------------------------------------------- */

/* Which features are worth keeping, found by stability selection on training rows: groups of redundant columns, and how often each group is
 * chosen from complementary halves of the rows, by its association alone and jointly with the others (src/learn/select*.c name the
 * sources). */
typedef struct an_select_options {
    an_list keep, drop;    /* a person's word: stays whatever is found; goes, and is no candidate */
    an_list context;       /* categories within whose levels numbers are looked at; empty: found; "none" */
    double redundant;      /* rank correlation from which columns say the same */
    double stable;         /* share of the halves that must choose a group */
    double expected_false; /* groups chosen by mistake, at most on average; NaN: a fiftieth of the groups, at most 5 */
    int64_t pairs, rows;
} an_select_options;
/* the rows of the table below, for structs that hold one at offset `base` */
#define AN_SELECT_PARAMS(base)                                                                                                            \
    AN_LIST_AT(base, an_select_options, keep, NULL, "columns to keep whatever is found"),                                                 \
        AN_LIST_AT(base, an_select_options, drop, NULL, "columns to leave out whatever is found"),                                        \
        AN_LIST_AT(base, an_select_options, context, NULL,                                                                                \
                   "categories (part variant, press) within which numbers are looked at; none; found when not given"),                    \
        AN_REAL_AT(base, an_select_options, redundant, 0.95, 0.5, 1, "rank correlation from which columns are one group"),                \
        AN_REAL_AT(base, an_select_options, stable, 0.9, 0.6, 0.99, "share of the halves of the training rows that must choose a group"), \
        AN_REAL_AT(base, an_select_options, expected_false, NAN, 0.01, 1000,                                                              \
                   "groups chosen by mistake, at most on average; a fiftieth of the groups, at most 5, when not given"),                  \
        AN_INT_AT(base, an_select_options, pairs, 50, 10, 500, "pairs of halves"),                                                        \
        AN_INT_AT(base, an_select_options, rows, 20000, 100, 1e7,                                                                         \
                  "most training rows to look at: all of the rarer class up to half of them")
extern const an_param an_select_params[];

typedef struct an_select_group {
    size_t *member, members;   /* columns of the table, in its order */
    size_t representative;     /* the first of those that are as good as the best; one that is kept where there is one */
    double association, joint; /* share of the halves that chose the group: alone, jointly */
    double evidence;           /* minus log10 p of the association on all rows looked at */
    const char *measure;       /* what `effect` is: "auc" "spearman" "cramers_v", of the representative */
    double effect;
    bool selected, kept; /* kept: holds a column that a person keeps, or that is context */
} an_select_group;
typedef struct an_selection {
    an_select_group *group; /* selected ones first, the most often chosen first */
    size_t groups, selected;
    size_t rows, positives, candidates;       /* looked at; positives 0 with a number as target */
    size_t pairs, chosen, chosen_jointly;     /* groups that each half names: by association alone, and jointly */
    size_t shuffled, shuffled_selected;       /* shuffled copies that competed, and how many passed */
    double stable, redundant, expected_false; /* expected_false: the bound that holds (Shah and Samworth 2013, theorem 2) */
    an_list context, constant;                /* constant: features without two values in these rows */
} an_selection;

/* rows: the training part, ascending; no other row is read. Generated rows must not be among them. Columns that are no features are left
 * alone. Deterministic in the job's seed. AN_INPUT: no target, three classes or more without a positive one, fewer than 6 rows of a class.
 */
an_selection *an_select_columns(const an_table *t, const size_t *rows, size_t n, const an_select_options *o, an_job *job, an_error *err);
/* Sets what was not selected aside: AN_IGNORED with reason "redundant", "unselected", "constant" or "requested". */
bool an_selection_apply(const an_selection *s, an_table *t, const an_select_options *o, an_error *err);
json_t *an_selection_json(const an_selection *s, const an_table *t);
void an_selection_free(an_selection *s);

#endif
