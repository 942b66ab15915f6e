/* store.h - facts and names: workspaces, artifacts kept by content, versions, runs, the record, leases.
 *
 * Facts are immutable, names move. The store knows nothing of tables or models. Back ends are a small set of statements over
 * SQLite (WAL); every function is one transaction; a crash at any point leaves either all of it or none of it.
 * An an_store may be used from several threads (calls are serialised) and several processes may open the same workspace.
 */
#ifndef ANDON_STORE_H
#define ANDON_STORE_H

#include "andon/base.h"

typedef struct an_store an_store;

/* A workspace is a folder with andon.yaml and .andon/ (andon.db, artifacts/, spool/, work/). */
bool an_workspace_init(const char *folder, an_error *err); /* makes what is missing; an existing workspace is fine */
/* nearest folder upwards with .andon/ (new text); AN_NOT_FOUND with what to type */
char *an_workspace_find(const char *start, an_error *err);
/* Opens: AN_NEWER for a database of a later version, AN_BUSY when another process holds it locked beyond 10 s, AN_CORRUPT. Older databases
 * are migrated in one transaction. */
an_store *an_store_open(const char *workspace, an_error *err);
void an_store_close(an_store *s);
const char *an_store_folder(const an_store *s); /* the workspace folder */
/* andon.yaml as JSON, with ANDON_<SECTION>_<KEY> environment overrides applied; {} when empty */
json_t *an_store_config(const an_store *s, an_error *err);
/* .andon/work/<key>: checkpoints and half-done things that survive a crash; made; new text */
char *an_store_work_folder(an_store *s, const char *key, an_error *err);
bool an_store_work_done(an_store *s, const char *key, an_error *err); /* removes it */

/* ---- artifacts ------------------------------------------------------------------------------------------------------------------ */

/* A staging folder inside the store (same file system); commit seals it and moves it to artifacts/ab/cdef... under its content address:
 * fsynced before it is named, idempotent (the same content is kept once). kind: "data" "split" "generator" "rows" "model" "report" "file"
 * "result". */
an_artifact *an_artifact_stage(an_store *s, an_error *err);
/* takes staged, also on failure (its folder is removed then) */
bool an_artifact_put(an_store *s, an_artifact *staged, const char *kind, an_hash *address, an_error *err);
void an_artifact_discard(an_artifact *staged); /* removes the folder */
/* Opens by address; every file's hash is checked against the manifest (AN_CORRUPT names the file: "altered on disk"). Checked once a
 * process per artifact. */
an_artifact *an_artifact_get(an_store *s, const an_hash *address, an_error *err);
/* keeps a copy of a file as an artifact of kind "file" with its base name */
bool an_store_put_file(an_store *s, const char *path, an_hash *address, an_error *err);

/* ---- names: versions and aliases --------------------------------------------------------------------------------------------------- */

typedef enum an_name_kind { AN_NAME_DATA, AN_NAME_GENERATOR, AN_NAME_MODEL, AN_NAME_REPORT, AN_NAME_KINDS } an_name_kind;
const char *an_name_kind_text(an_name_kind kind); /* "data" "generator" "model" "report" */
typedef struct an_version_row {
    an_name_kind kind;
    char *name;
    int64_t version;
    an_hash address;
    char *run; /* id of the run that made it, or NULL */
    int64_t created_us;
    json_t *meta;  /* small facts for listings: rows, method, metrics */
    char *aliases; /* "champion,candidate" */
} an_version_row;
void an_version_row_free(an_version_row *row); /* the contents */

/* Registers address as the next version of name; when the newest version (or any, for data) already has this address, returns that one with
 * *existed = true and makes nothing. */
bool an_version_add(an_store *s, an_name_kind kind, const char *name, const an_hash *address, const char *run, const json_t *meta,
                    int64_t *version, bool *existed, an_error *err);
/* Reference: NAME, NAME/3, NAME@alias, each with optional "data:" etc. in front. AN_NOT_FOUND proposes the nearest name, or lists the
 * versions there are. */
bool an_version_get(an_store *s, an_name_kind kind, const char *reference, an_version_row *out, an_error *err);
bool an_version_list(an_store *s, an_name_kind kind, const char *name /* NULL: all */, an_version_row **rows, size_t *count,
                     an_error *err);                                                                 /* oldest first */
bool an_version_by_address(an_store *s, const an_hash *address, an_version_row *out, an_error *err); /* AN_NOT_FOUND */
void an_version_rows_free(an_version_row *rows, size_t count);
/* expected: version the alias must have now (0: none, -1: any); version 0 removes */
typedef struct an_move {
    an_name_kind kind;
    const char *name, *alias;
    int64_t expected, version;
} an_move;
/* all or nothing, with the record */
bool an_names_move(an_store *s, const an_move *moves, int count, const json_t *why, an_error *err);

/* ---- runs ---------------------------------------------------------------------------------------------------------------------------- */

/* Every piece of work: kind ("import", "compare", "run", "step"), parameters, seed, code version, machine, state, metrics, inputs and
 * outputs. */
typedef struct an_run_row {
    char *id;                  /* 26 characters, sorts by time */
    char *kind, *name, *state; /* running done failed stopped */
    char *parent, *key;        /* parent run; cache key */
    json_t *params, *result, *error;
    uint64_t seed;
    char *code, *machine;
    int64_t started_us, ended_us;
} an_run_row;
void an_run_row_free(an_run_row *row);
void an_run_rows_free(an_run_row *rows, size_t count);
/* new id */
char *an_run_begin(an_store *s, const char *kind, const char *name, const char *parent, const char *key, const json_t *params,
                   uint64_t seed, an_error *err);
/* buffered; flushed by an_run_end and every second */
bool an_run_metric(an_store *s, const char *run, const char *metric, int64_t step, double value, an_error *err);
typedef enum an_edge { AN_EDGE_IN, AN_EDGE_OUT } an_edge;
bool an_run_artifact(an_store *s, const char *run, an_edge edge, const char *port, const an_hash *address, an_error *err);
bool an_run_end(an_store *s, const char *run, const char *state, const json_t *result, const an_error *why, an_error *err);
bool an_run_get(an_store *s, const char *id_or_prefix, an_run_row *out, an_error *err);
bool an_run_list(an_store *s, const char *kind /* NULL: top-level runs of all kinds */, const char *parent, size_t limit, an_run_row **rows,
                 size_t *count, an_error *err);                        /* newest first */
json_t *an_run_metrics(an_store *s, const char *run, an_error *err);   /* {"name": [[step, value]...]} */
json_t *an_run_artifacts(an_store *s, const char *run, an_error *err); /* [{"edge","port","address"}] */
/* A finished ("done") run of this kind with this cache key whose output artifacts all still exist; AN_OK with *found = false when there is
 * none. */
bool an_run_cached(an_store *s, const char *kind, const char *key, bool *found, an_run_row *out, an_error *err);
/* From an address back to what made it, recursively:
 * {"address","kind","names":["model:press/1"],"run":{"id","kind","params","code","seed"},"inputs":[...same...]}; cycles cannot occur; depth
 * limit 64. */
json_t *an_lineage(an_store *s, const an_hash *address, an_error *err);

/* ---- the record: decisions, appended, hash-chained per origin, signed ---------------------------------------------------------------- */

/* Ed25519 key of this workspace in .andon/key (0600), made at first use */
bool an_record(an_store *s, const char *kind, const char *subject, const json_t *body, an_error *err);
json_t *an_record_list(an_store *s, const char *subject /* NULL: all */, an_error *err);
/* AN_CORRUPT names the first entry that does not fit the chain or its signature */
bool an_record_verify(an_store *s, size_t *count, an_error *err);

/* ---- leases: claims on work, with a deadline ----------------------------------------------------------------------------------------- */

/* by this process; free when absent, expired, or its process on this machine is gone */
bool an_lease_take(an_store *s, const char *what, double seconds, bool *taken, an_error *err);
bool an_lease_renew(an_store *s, const char *what, double seconds, an_error *err);
bool an_lease_give(an_store *s, const char *what, an_error *err);

/* Staged folders of dead processes, older than a day, are removed; called at open. */

/* ---- tracking: experiments, runs with metrics, parameters and tags, logged and registered models, as MLflow's clients speak of them
 * ------
 */

typedef struct an_tracking_call an_tracking_call;
/* By the name of the path in MLflow's REST API with its method: "POST runs/log-metric", "GET logged-models/{model_id}". NULL: unknown. */
const an_tracking_call *an_tracking_find(const char *name);
bool an_tracking_writes(const an_tracking_call *c);
/* One question with its answer: objects with the fields of that API; int64 as numbers, NaN and infinities as "NaN", "Infinity". */
typedef struct an_tracking_work {
    const an_tracking_call *call;
    const json_t *request;
    json_t *answer; /* new; NULL: failed. AN_INPUT: a value is wrong; AN_NOT_FOUND; AN_REFUSED: it exists already */
    an_error err;
} an_tracking_work;
/* Does all of it in one transaction that is on the disk when this returns; what fails changes nothing and does not hinder the rest. Reading
 * alone needs no transaction. */
void an_tracking_do(an_store *s, an_tracking_work *work, size_t count);
void an_tracking_ready(
    an_store *s); /* before many small pieces of work: makes room on the disk, so that each takes less time; may do nothing */
#endif
