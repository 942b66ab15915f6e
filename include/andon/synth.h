/* synth.h - generators of rows, the minority filter, balancing, and the judges of generated data.
 *
 * A generator kind is one row of a registry. A sampled row is a function of (generator, seed, row index): any chunking, any number of
 * threads, the same rows. A generator is immutable while used. Generated rows are marked so for ever (table.h, an_origin).
 */
#ifndef ANDON_SYNTH_H
#define ANDON_SYNTH_H

#include "andon/learn.h"

/* ---- generators --------------------------------------------------------------------------------------------------------------- */

typedef struct an_generator an_generator;
typedef struct an_generator_kind {
    const char *name, *doc, *source;
    const an_param *params;
    size_t options_size;
    unsigned can;
    bool minority; /* trains on the rows of the rarer class only; otherwise on all rows, target included */
    bool filtered; /* its samples go through the minority filter when used for balancing (wgan-filter) */
    bool context;  /* looks at all real rows of the training part while fitting (g->context), though it generates minority rows */
    /* Rows in `train` are real rows of the training part (minority rows only where `minority`). Checkpoints under an_job_folder(job);
     * metrics through the job. */
    bool (*fit)(an_generator *g, const an_table *train, an_job *job, an_error *err);
    /* rows first_row .. first_row + n - 1 of stream `seed`; a new table with the columns of the training table (features and target) */
    an_table *(*sample)(const an_generator *g, uint64_t seed, uint64_t first_row, size_t n, an_job *job, an_error *err);
    bool (*save)(const an_generator *g, an_artifact *a, json_t *meta, an_error *err);
    bool (*load)(an_generator *g, const an_artifact *a, const json_t *meta, an_error *err);
    void (*free)(an_generator *g);
} an_generator_kind;
struct an_generator {
    const an_generator_kind *kind;
    void *options;                  /* owned */
    void *state;                    /* of the kind */
    char *target, *positive, *rows; /* target column and positive value (text; may be NULL); "minority" or "all" */
    uint64_t seed;
    uint64_t *train_keys; /* sorted keys of the rows it was fitted on */
    size_t train_count;
    json_t *history; /* {"metric name": [[step, value], ...]} curves kept for the report */
    json_t *scores;  /* of the best state, may be NULL */
    int64_t steps;
    an_hash data;            /* content address of the data set; zero until the caller knows it */
    const an_table *context; /* while fitting: all real rows of the training part (features and target); NULL otherwise */
};

const an_generator_kind *const *an_generator_kinds(size_t *count);
const an_generator_kind *an_generator_kind_find(const char *name, an_error *err);

/* Fits on rows of `train` (a training part: real rows only are used; AN_REFUSED when it holds none). Selects the minority rows where the
 * kind wants them. */
an_generator *an_generator_fit(const an_generator_kind *kind, const json_t *options, const an_table *train, an_job *job, an_error *err);
void an_generator_free(an_generator *g);
/* n rows marked generated with origin {name, seed, row}; `name` is what provenance will say. */
an_table *an_generator_sample(const an_generator *g, const char *name, uint64_t seed, uint64_t first_row, size_t n, an_job *job,
                              an_error *err);
/* generator.json, tensors (safetensors), train_keys.bin; deterministic bytes */
bool an_generator_save(const an_generator *g, an_artifact *a, an_error *err);
an_generator *an_generator_load(const an_artifact *a, an_error *err);
/* AN_REFUSED, naming how many, when a row key of the sorted list was used to fit g. */
bool an_generator_check_unseen(const an_generator *g, const uint64_t *keys, size_t n, an_error *err);

/* ---- the minority filter (gearbox paper, III-A steps 3-6) ------------------------------------------------------------------------------
 */

typedef struct an_filter_options {
    int64_t clusters;    /* 2 */
    double distance_max; /* d_max in standardised units; NAN: the 0.95 quantile of the distances of the real minority rows that lie nearer
                            to the minority's centroid than to any other */
    char *centroid;      /* "auto" | "cluster" | "class": auto uses clusters unless they do not separate the classes */
    int64_t draw_limit;  /* at most this many times the rows wanted are drawn: 50 */
} an_filter_options;
extern const an_param an_filter_params[];

/* Learnt from the real rows of `train` (standardised clusters or classes); an_filter_pass counts what it sees, so one thread at a time. */
typedef struct an_filter an_filter;
an_filter *an_filter_new(const an_table *train, const an_filter_options *options, an_job *job, an_error *err);
void an_filter_free(an_filter *f);
/* The first rows of t that pass, at most `limit`, as a new table. *looked (may be NULL): rows looked at, all of them unless enough passed.
 */
an_table *an_filter_pass(an_filter *f, const an_table *t, size_t limit, size_t *looked, an_error *err);
/* Of all passes so far; shape as below. */
json_t *an_filter_report(const an_filter *f, size_t wanted);

/* A row passes that was generated as one of the rarer class (or without a class), lies nearer to that class's centroid than to any other
 * centroid, and within d_max of it. Draws from g until `wanted` rows pass or draw_limit * wanted are drawn. `train` gives the clusters
 * (real rows, standardised). *report gets
 * {"wanted","passed","drawn","dropped":{"other_class","nearer_to_others","too_far"},"real":{"rows","positive_share","recall"} (the real
 * rows that would pass by their distances),"distance_max",
 * "centroid":"cluster|variant|class","clusters":[{"rows","positive_share"}],"note"}: in words when clusters follow a part variant instead
 * of the defect, when most real rows that would pass are of the other class, and when too few passed. */
an_table *an_filter_sample(const an_generator *g, const char *name, const an_table *train, const an_filter_options *options, size_t wanted,
                           uint64_t seed, json_t **report, an_job *job, an_error *err);
/* Filters rows already drawn (a step of a pipeline, or --synthetic F.csv): at most `wanted` rows that pass. */
an_table *an_filter_rows(const an_table *candidates, const an_table *train, const an_filter_options *options, size_t wanted,
                         json_t **report, an_job *job, an_error *err);

/* ---- rows that meet conditions ------------------------------------------------------------------------------------------------------- */

/* Rejection sampling: rows first_row, first_row + 1, ... of stream `seed` are drawn, and those kept that meet the terms and pass the
 * filter. Which rows are kept does not depend on how many are asked for at a time. */
typedef struct an_draw {
    const an_generator *generator;
    const char *name; /* what provenance says */
    uint64_t seed, first_row;
    uint64_t limit;    /* at most so many rows are drawn */
    uint64_t wanted;   /* in all, for the progress bar; 0: those of one call */
    const char *where; /* "col=v,col!=v,col<v,col>v,col=low..high"; NULL: all rows */
    an_filter *filter; /* NULL: none */
    uint64_t drawn;    /* so far: rows first_row .. first_row + drawn - 1 are done with */
    uint64_t met;      /* of these, rows that meet the terms */
    uint64_t passed;   /* and pass the filter: those returned */
} an_draw;
/* The next n rows that are kept, as a new table; fewer, or none, when the limit is reached. */
an_table *an_draw_next(an_draw *d, size_t n, an_job *job, an_error *err);

/* ---- balancing ----------------------------------------------------------------------------------------------------------------------- */

/* The table of --balance choices in their order (simplest first): none threshold weights random smote ... wgan wgan-filter. */
typedef struct an_balance_kind {
    const char *name, *doc;
    const char *generator; /* NULL for none, threshold, weights */
    bool weights;
    bool calibrated; /* scores stay probabilities */
} an_balance_kind;
const an_balance_kind *an_balance_kinds(size_t *count);
const an_balance_kind *an_balance_kind_find(const char *name, an_error *err);

/* The training part made whole: appends generated minority rows until minority/majority = ratio (1: equal), or gives weights n / (2
 * n_class). `generator` options as JSON or NULL. Exactly one of *rows (new table; NULL when nothing is added) and *weights (new array;
 * NULL) may be set; *rows is the whole of `train` with the generated rows below it. *report as JSON (may be NULL). */
bool an_balance_apply(const an_balance_kind *kind, const json_t *options, double ratio, const an_table *train, an_job *job, an_table **rows,
                      double **weights, json_t **report, an_error *err);

/* ---- judging ------------------------------------------------------------------------------------------------------------------------- */

typedef struct an_judge_options {
    int64_t bins;           /* of the Jensen-Shannon histograms, on the real rows' range: 20 */
    int64_t rows;           /* generated rows judged when a generator is given: as many as the real ones when 0 */
    bool timing;            /* time 1,000 and 10,000 rows of the generator */
    const an_table *around; /* real rows of the map, of all classes; NULL: those judged by */
} an_judge_options;
extern const an_param an_judge_params[];

/* `real`: rows the generated ones should look like; `synthetic` may be NULL when a `generator` is given (its rows are drawn then);
 * `generator` may be NULL (no sampling times then); `holdout` (may be NULL): real rows the generator never saw, for
 * train-on-synthetic-test-on-real; columns beginning with '_' are ignored. Result as docs/commands.md "synth judge": rows_real,
 * rows_synthetic, scores, floor, ceiling, columns [{"name","ks_complement" | "tv_complement","wasserstein","js_distance"}], plus "pca":
 * {"axes":..,"explained":[..],"real":[[x,y,class]..],"synthetic":[[x,y,class]..]} thinned to 1,000 points each (class: 1 positive, 0, or
 * null where a row has none). Categories: ks_complement uses the TV complement (as SDMetrics' column shapes do). c2st_auc: cross-validated
 * ROC-AUC of a logistic model with squares, real against synthetic; at least 0.5. dcr_median: per column, in shares of the real range (0: a
 * copy). js_distance_nats stands beside js_distance (base 2). */
json_t *an_judge(const an_table *real, const an_table *synthetic, const an_generator *generator, const an_table *holdout,
                 const an_judge_options *options, an_job *job, an_error *err);

#endif
