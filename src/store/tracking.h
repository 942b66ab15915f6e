/* tracking.h - what the files of tracking share: fields of requests, rows as JSON, conditions as SQL. The tables are tracking_schema.c's.
 *
 *   tracking.c              the table of calls; several calls in one transaction
 *   tracking_json.c         fields of requests, rows of answers, tags and parameters of anything
 *   tracking_filter.c       the filter language and order_by: text -> conditions
 *   tracking_search.c       conditions -> one statement with bound values; pages
 *   tracking_experiments.c  tracking_runs.c  tracking_log.c  tracking_models.c  tracking_registry.c  tracking_versions.c
 *
 * Requests and answers are JSON objects with the field names of MLflow's REST API (mlflow/protos/service.proto, model_registry.proto).
 * Codes of failures: AN_INPUT (a value is wrong), AN_NOT_FOUND, AN_REFUSED (it exists already).
 */
#ifndef AN_STORE_TRACKING_H
#define AN_STORE_TRACKING_H

#include "store/store.h"

extern const char an__tracking_schema[]; /* tracking_schema.c: one text of an__migrations */

/* ---- tracking_json.c: fields of requests ---- */
const char *an__want_text(const json_t *q, const char *key, an_error *err); /* borrowed; NULL: absent or empty, or no text */
const char *an__have_text(const json_t *q, const char *key);                /* borrowed; NULL: absent */
bool an__want_int(const json_t *q, const char *key, int64_t *out, an_error *err);
bool an__have_int(const json_t *q, const char *key, int64_t otherwise, int64_t *out, an_error *err); /* digits in a string are fine */
bool an__want_real(const json_t *q, const char *key, double *out, an_error *err); /* also "NaN", "Infinity", "-Infinity" */
bool an__check_key(const char *what, const char *key, an_error *err);             /* a name of a metric, parameter or tag */
bool an__have_list(const json_t *q, const char *key, size_t limit, const json_t **out, an_error *err); /* NULL: absent */

/* ---- tracking_json.c: answers ---- */
void an__put_text(json_t *object, const char *key, sqlite3_stmt *row, int column); /* NULL: no field */
void an__put_int(json_t *object, const char *key, sqlite3_stmt *row, int column);
void an__put_real(json_t *object, const char *key, double value);
json_t *an__wrap(const char *key, json_t *value); /* {key: value}; NULL gives NULL */
int64_t an__now_ms(void);
char *an__random_hex(size_t bytes); /* new text */
/* One text, or NULL where there is no row (*found) */
bool an__sql_one_text(an_store *s, char **out, bool *found, an_error *err, const char *sql, const char *types, ...);

/* ---- tracking_json.c: tags and parameters: (kind, owner, key) -> value. Kinds: e experiment, r run, m logged model, g registered model,
 * v version ---- */
bool an__tag_put(an_store *s, const char *kind, const char *owner, const char *key, const char *value, an_error *err);
bool an__tags_put(an_store *s, const char *kind, const char *owner, const json_t *tags, an_error *err);
bool an__tag_delete(an_store *s, const char *kind, const char *owner, const char *key, an_error *err); /* AN_NOT_FOUND */
json_t *an__tags(an_store *s, const char *kind, const char *owner, an_error *err);                     /* [{key,value}] */
json_t *an__params(an_store *s, const char *owner, an_error *err);
bool an__param_put(an_store *s, const char *owner, const char *key, const char *value, an_error *err); /* once, or the same again */

/* ---- tracking_filter.c ---- */
enum { AN__FILTER_TERMS = 64, AN__FILTER_BYTES = 16384 };
typedef enum an__field_kind { AN__FIELD_ATTRIBUTE, AN__FIELD_METRIC, AN__FIELD_PARAM, AN__FIELD_TAG, AN__FIELD_DATASET } an__field_kind;
typedef enum an__compare {
    AN__EQ,
    AN__NE,
    AN__LT,
    AN__LE,
    AN__GT,
    AN__GE,
    AN__LIKE,
    AN__ILIKE,
    AN__IN,
    AN__NOT_IN,
    AN__IS_NULL,
    AN__IS_NOT_NULL,
} an__compare;
typedef struct an__term {
    an__field_kind kind;
    char *key;
    an__compare compare;
    bool number; /* value: a number, else texts */
    double value;
    an_list texts; /* one, or those of IN */
} an__term;
typedef struct an__filter {
    an__term *term;
    size_t count;
} an__filter;
/* comparison {AND comparison}; NULL and "" have no terms. AN_INPUT says where. */
bool an__filter_parse(const char *text, an__filter *out, an_error *err);
void an__filter_free(an__filter *f);
/* "metrics.loss DESC" */
bool an__order_parse(const char *text, an__field_kind *kind, char **key, bool *descending, an_error *err);

/* ---- tracking_search.c ---- */
typedef struct an__column {
    const char *name, *sql; /* name NULL ends the list */
    bool number;
} an__column;
typedef struct an__space { /* what is searched */
    const char *what;      /* "run" */
    const an__column *columns;
    const char *tag_kind, *owner; /* SQL of the owner of tags and parameters; tag_kind NULL: no tags */
    const char *metric, *params;  /* SELECT of a value, with ? for the key; NULL: none */
    const char *metric_there;     /* of a row where the metric was logged, a number or not; NULL: as `metric` */
    const char *dataset;          /* EXISTS (... AND ( with columns name, digest, context; NULL: none */
    const char *default_order;    /* ends every ORDER BY: total */
} an__space;
typedef struct an__search {
    const an__space *space;
    an_buf where, order;
    struct an__argument *argument; /* of where, then of order */
    size_t count, room;
    int64_t offset, limit;
    uint64_t mark; /* of the question: a page token fits only its own */
} an__search;
void an__search_begin(an__search *x, const an__space *space);
void an__search_text(an__search *x, const char *value); /* binds the next ? that the caller wrote into `where` */
typedef struct an__pages {
    const char *key;     /* of the rows in the answer */
    int64_t usual, most; /* rows of a page */
} an__pages;
/* {key: [rows], "next_page_token"} by the request's order_by, max_results, page_token and these terms; ends x and filter. select: up to
 * WHERE. */
json_t *an__search_answer(an_store *s, an__search *x, const json_t *q, const an__pages *p, an__filter *filter, const char *select,
                          json_t *(*row_json)(an_store *s, sqlite3_stmt *row, an_error *err), an_error *err);
/* ids of experiments in a request as one value for json_each: new text */
char *an__experiment_ids(const json_t *q, an_error *err);

/* ---- the calls, by file ---- */
#define AN__CALL(name) json_t *an__track_##name(an_store *s, const json_t *q, an_error *err)
AN__CALL(experiment_create);
AN__CALL(experiment_get);
AN__CALL(experiment_get_by_name);
AN__CALL(experiment_search);
AN__CALL(experiment_delete);
AN__CALL(experiment_restore);
AN__CALL(experiment_update);
AN__CALL(experiment_tag);
AN__CALL(experiment_untag);
AN__CALL(experiment_datasets);
AN__CALL(run_create);
AN__CALL(run_update);
AN__CALL(run_get);
AN__CALL(run_delete);
AN__CALL(run_restore);
AN__CALL(run_search);
AN__CALL(run_tag);
AN__CALL(run_untag);
AN__CALL(log_metric);
AN__CALL(log_param);
AN__CALL(log_batch);
AN__CALL(log_inputs);
AN__CALL(log_outputs);
AN__CALL(log_model);
AN__CALL(metric_history);
AN__CALL(metric_history_bulk);
AN__CALL(model_create);
AN__CALL(model_get);
AN__CALL(model_finish);
AN__CALL(model_delete);
AN__CALL(model_search);
AN__CALL(model_tags);
AN__CALL(model_untag);
AN__CALL(model_params);
AN__CALL(registered_create);
AN__CALL(registered_rename);
AN__CALL(registered_update);
AN__CALL(registered_delete);
AN__CALL(registered_get);
AN__CALL(registered_search);
AN__CALL(registered_latest);
AN__CALL(registered_tag);
AN__CALL(registered_untag);
AN__CALL(alias_set);
AN__CALL(alias_get);
AN__CALL(alias_delete);
AN__CALL(version_create);
AN__CALL(version_update);
AN__CALL(version_delete);
AN__CALL(version_get);
AN__CALL(version_search);
AN__CALL(version_uri);
AN__CALL(version_stage);
AN__CALL(version_tag);
AN__CALL(version_untag);
AN__CALL(artifact_root);

/* tracking_runs.c */
bool an__run_active(an_store *s, const char *run, an_error *err); /* AN_NOT_FOUND, AN_INPUT: deleted */
json_t *an__run_info(an_store *s, const char *run, an_error *err);
bool an__experiment_active(an_store *s, int64_t id, char **location, an_error *err); /* location: new text */
/* tracking_log.c */
json_t *an__metrics_latest(an_store *s, const char *run, an_error *err);
json_t *an__run_inputs(an_store *s, const char *run, an_error *err);  /* {dataset_inputs, model_inputs} */
json_t *an__run_outputs(an_store *s, const char *run, an_error *err); /* {model_outputs} */
/* tracking_versions.c */
json_t *an__version_json(an_store *s, int64_t id, an_error *err);
json_t *an__versions_latest(an_store *s, int64_t model, const char *stage, an_error *err); /* of each stage, or of one */
/* tracking_registry.c */
bool an__registered_id(an_store *s, const char *name, int64_t *id, an_error *err); /* AN_NOT_FOUND */

#endif
