/* work.h - what the steps and acts of this room share: data with its split, keys, registering, calling a step. */
#ifndef AN_FLOW_WORK_H
#define AN_FLOW_WORK_H

#include "andon/flow.h"

/* ---- data and split --------------------------------------------------------------------------------------------------------- */

an_table *an__table_get(an_store *s, const an_hash *address, an_error *err);
/* Data by reference ("gearbox", "gearbox/3"); row may be NULL, its contents are the caller's to free. */
an_table *an__data_get(an_store *s, const char *reference, an_version_row *row, an_error *err);
/* Any file that holds a table (CSV, Excel, Parquet); what the reader noticed is said through the job. */
an_table *an__table_file(const char *path, const an_csv_options *options, an_job *job, an_error *err);
bool an__table_put(an_store *s, const an_table *t, const char *kind, an_hash *address, an_error *err);

/* Sorted row keys of an artifact of kind "split". */
typedef struct an_keys {
    uint64_t *key;
    size_t count;
} an_keys;
void an__keys_free(an_keys *k);
bool an__keys_read(const an_artifact *a, const char *file, an_keys *out, an_error *err);
bool an__keys_write(an_artifact *a, const char *file, const an_keys *keys, an_error *err);
bool an__keys_has(const an_keys *k, uint64_t key);
bool an__keys_of_rows(const an_table *t, const size_t *rows, size_t n, an_keys *out, an_error *err); /* sorted, distinct */
void an__keys_unite(an_keys *into, const an_keys *more);

/* A split as an artifact: split.json, test.keys, held.keys (every key that ever was in a test part of this data set). */
bool an__split_put(an_store *s, const an_table *t, const an_split *split, const an_keys *held_before, const an_split_options *o,
                   an_hash *address, an_error *err);
/* The rows of t on either side of the split artifact. */
bool an__split_get(an_store *s, const an_hash *address, const an_table *t, an_split *out, an_keys *test, an_error *err);

/* Table and split of one data set: what training, judging and evaluating start from. */
typedef struct an_parts {
    an_table *table;
    an_hash data, split_address;
    an_split split;
    an_keys test;
} an_parts;
bool an__parts_open(an_store *s, const an_hash *data, const an_hash *split, an_parts *out, an_error *err);
void an__parts_free(an_parts *p);

/* Row keys of t that were in a test part of an earlier version of the data set `name` (held.c). *note (new, or NULL): what to tell people
 * when rows could not be recognised. */
bool an__held_keys(an_store *s, const char *name, const an_table *t, an_keys *held, char **note, an_error *err);

/* Registers a data table under a name, with its default split (test rows of earlier versions stay test rows). */
json_t *an__data_register(an_store *s, const char *name, const an_table *t, const an_hash *address, const char *run, const an_list *notes,
                          an_error *err);
/* The shape of `data import` and `data show`. */
json_t *an__data_json(const char *name, int64_t version, const an_hash *address, const an_table *t, const an_list *notes);

/* ---- steps from acts ------------------------------------------------------------------------------------------------------------- */

/* Runs the step kind `use` with parameters `set` (object, taken) through the cache. */
json_t *an__step_do(an_store *s, const char *use, json_t *set, const an_flow_values *inputs, an_flow_values *outputs, const char *parent,
                    an_job *job, an_error *err);
/* The same with options already filled. *cached may be NULL. */
json_t *an__step_with(an_store *s, const an_step_kind *kind, const void *options, const an_flow_values *inputs, an_flow_values *outputs,
                      const char *parent, an_job *job, bool *cached, an_error *err);
/* The step `register`, never from the cache: whether the newest version of a name is this one depends on what came in between. */
json_t *an__give_name(an_store *s, const char *what, const char *name, const an_flow_values *v, an_job *job, an_error *err);
/* A name for content that was made elsewhere and is in the store now: a run of kind "import" with these parameters, and a version; where
 * the same content was here before, no run, and meta gets what is known of it. */
bool an__import_register(an_store *s, an_name_kind kind, const char *name, const an_hash *address, const json_t *params, uint64_t seed,
                         json_t *meta, int64_t *version, bool *existed, an_error *err);
void an__value_set(an_flow_values *v, const char *port, const an_hash *address);
const an_hash *an__need(const an_step_context *c, const char *port); /* a required input: always there */
json_t *an__hash_json(const an_hash *h);

/* --set lists: {"wgan": {"width": "256"}, "": {...}} flattened for one kind: entries without prefix and entries prefixed "KIND." */
json_t *an__set_for(const an_list *set, const char *kind, an_error *err);
/* Every prefix used must be one of `kinds`. */
bool an__set_check(const an_list *set, const char *const *kinds, size_t count, an_error *err);

/* ---- learning --------------------------------------------------------------------------------------------------------------------- */

/* How a model is made: everything that decides its numbers but the rows. */
typedef struct an_recipe {
    const an_predictor_kind *model;
    json_t *model_options; /* or NULL; borrowed */
    const an_balance_kind *balance;
    json_t *balance_options; /* or NULL; borrowed */
    double ratio;
    const char *threshold; /* rule; NULL: 0.5 */
    an_costs costs;
    int folds; /* inner folds: 3 */
} an_recipe;

/* Fits on `rows` of t with the recipe's balancing inside. */
an_model *an__recipe_fit(const an_table *t, const size_t *rows, size_t n, const an_recipe *r, uint64_t seed, an_job *job, an_error *err);
/* Out-of-fold scores of the rows: balancing refitted inside every fold. score[i] belongs to rows[i]; NaN for generated rows, which train in
 * every fold and are held out in none. */
bool an__recipe_out_of_fold(const an_table *t, const size_t *rows, size_t n, const an_recipe *r, uint64_t seed, an_job *job, double *score,
                            an_error *err);
/* an_threshold_check, and a number must lie between 0 and 1 as the scores do (AN_USAGE). */
bool an__threshold_rule(const char *rule, an_error *err);
/* Chooses on the real rows alone: a generated row is no evidence of how a real part will score. label[i], score[i] belong to rows[i]. */
bool an__threshold_on_real(const char *rule, const an_table *t, const size_t *rows, size_t n, const uint8_t *label, const double *score,
                           const an_costs *costs, an_threshold *out, an_error *err);
/* The threshold by the recipe's rule (not NULL): a number stands for itself, other rules choose on out-of-fold scores of the real rows. */
bool an__recipe_threshold(const an_table *t, const size_t *rows, size_t n, const an_recipe *r, uint64_t seed, an_job *job,
                          an_threshold *out, an_error *err);
bool an__scores(an_model *m, const an_table *t, const size_t *rows, size_t n, double *score, an_job *job, an_error *err);
bool an__labels(const an_table *t, const size_t *rows, size_t n, uint8_t *label, an_error *err);

/* costs from options (--cost-escape ...) over andon.yaml's section `costs` */
bool an__costs(an_store *s, double escape, double reject, double test, an_costs *out, an_error *err);

/* {"f2":{"value","low","high"}}; low NULL: values alone */
json_t *an__metrics_json(const an_metrics *value, const an_metrics *low, const an_metrics *high);
json_t *an__confusion_json(const an_confusion *c);
/* metrics, confusion, threshold, curve, escape limits, costs. Where the table has a group column, whole groups are drawn for the intervals,
 * and "interval_units" {"column", "count", "with_positives", "effective"} says so; null otherwise. */
json_t *an__evaluation(an_model *m, const an_table *t, const size_t *rows, size_t n, const an_costs *costs, uint64_t seed, an_job *job,
                       an_error *err);

#endif
