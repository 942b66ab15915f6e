/* server.h - what the files of the server share. One thread, the loop's, owns everything here except where a comment says otherwise.
 *
 *   models.c    which versions are served; loads them, follows their aliases (a thread of its own)
 *   batch.c     queues of rows by version; batches; what is late or too much
 *   replica.c   worker processes that score batches (replica_frame.h: what they are told; replica_worker.c: the other side)
 *   journal.c   every verdict that leaves, on disk before it leaves
 *   request.c   one inference request from its bytes to its answer
 *   parts.c     verdicts on parts whose features come minutes apart
 *   metrics.c   counters, and their text for Prometheus
 *   server.c    owns all of these; routes.c: the table of paths
 */
#ifndef AN_SERVE_SERVER_H
#define AN_SERVE_SERVER_H

#include "andon/serve.h"
#include "serve/infer.h"
#include "serve/routes.h"

typedef struct an__server an__server;
typedef struct an__batcher an__batcher;
typedef struct an__replicas an__replicas;
typedef struct an__journal an__journal;
typedef struct an__metrics an__metrics;
typedef struct an__models an__models;
typedef struct an__parts an__parts;

/* ---- versions of models in memory (models.c) --------------------------------------------------------------------------------- */

/* One loaded version. Never changes; requests hold the one they were given until they are answered. */
typedef struct an__served {
    char *name;
    int64_t version;
    an_hash address;
    bool unapproved;
    char *id_text; /* "press/3" */
    an_model *model;
    size_t features;
    int refs; /* atomic */
    struct {  /* of the batcher */
        struct an__job *first, **last;
        size_t rows;
        struct an__served *next; /* among those with a queue */
    } queue;
    struct an__class_counts *counts;         /* of the metrics, which outlive it */
    uint32_t journal_segment, journal_index; /* where the journal has described it last */
} an__served;
an__served *an__served_hold(an__served *v);
void an__served_release(an__served *v); /* any thread */
/* Where a reference points now. AN_REFUSED: a bare name without a champion, unless unapproved models may be served (then the newest). */
bool an__served_resolve(an_store *s, const char *reference, bool unapproved, an_version_row *row, an_error *err);
an__served *an__served_load(const char *workspace, const an_version_row *row, bool unapproved, an_error *err); /* new, held once */

typedef struct an__models_options {
    const an_list *references; /* NAME, NAME/V, NAME@alias: all must be served; empty: every model of the workspace that can be */
    bool unapproved;           /* serve what nobody approved */
    double poll_s;
    void (*changed)(void *context); /* in the loop's thread: another version is served now, or is not */
    void *context;
} an__models_options;
/* Loads them. AN_REFUSED: one is not approved, or has no champion; without references, none of those that are there. AN_CORRUPT: they are
 * all damaged; where only some are, the others are served, and the server is not ready. */
an__models *an__models_new(an_store *s, const an__models_options *o, an_error *err);
bool an__models_follow(an__models *m, an_loop *l, an_error *err); /* starts to follow the aliases */
void an__models_free(an__models *m);
/* What a request for this name (or NAME@alias as it was given) gets now; version NULL: the one its alias names. Held: release it.
 * NULL: 404 or, where it is known but nothing is loaded, 503 (*status), and a sentence. */
an__served *an__models_get(an__models *m, const char *name, const char *version, int *status, an_error *err);
size_t an__models_count(const an__models *m);
/* borrowed until the loop's next turn; served NULL: nothing is loaded; why: what went wrong with the newest that was asked for, or "" */
typedef struct an__models_entry {
    const char *reference, *name, *why;
    an__served *served;
    bool unasked; /* nobody approved it, and nobody asked for it by name: the server is ready without it */
} an__models_entry;
an__models_entry an__models_at(const an__models *m, size_t i);
/* The reference that is meant where a request names none: the only one that is served or should be. NULL: there is none, or several. */
const char *an__models_only(const an__models *m, an_error *err);
typedef enum an__decision { AN__UNDECIDED, AN__APPROVED, AN__REJECTED } an__decision;
bool an__models_decision(an_store *s, const char *name, int64_t version, an__decision *out, an_error *err);

/* ---- work: rows to score (batch.c) ------------------------------------------------------------------------------------------------ */

typedef enum an__outcome {
    AN__SCORED,
    AN__LATE,   /* its deadline passed before work was spent on it */
    AN__GONE,   /* its client hung up before work was spent on it */
    AN__BROKEN, /* the replica that had it died, and so did the next */
    AN__ERROR,  /* scoring failed: a defect */
} an__outcome;

typedef struct an__job {
    struct an__job *next;
    an__served *served;
    size_t rows;
    const double *values;   /* rows x served->features */
    double *score;          /* rows, to be filled */
    double since, deadline; /* an_loop_now; INFINITY: none */
    int tries;
    void (*done)(struct an__job *j, an__outcome outcome, const char *why);
    bool (*gone)(const struct an__job *j); /* nobody waits for it any more; NULL: it is done in any case */
} an__job;

typedef struct an__batch_options {
    size_t rows, queue; /* a batch; all that wait */
    double wait_s;      /* how long a batch that is not full waits for more rows */
} an__batch_options;
an__batcher *an__batcher_new(an_loop *l, const an__batch_options *o, an__replicas *replicas, an__metrics *metrics);
void an__batcher_free(an__batcher *b);            /* what still waits is answered AN__BROKEN */
bool an__batcher_add(an__batcher *b, an__job *j); /* false: full */
void an__batcher_turn(an__batcher *b);            /* at the end of each turn */
size_t an__batcher_waiting(const an__batcher *b); /* rows */
double an__batcher_retry_s(const an__batcher *b); /* when it is worth trying again */
/* One version's next batch: jobs of at most `rows` rows together (a larger job alone), linked; late ones are done with on the way. NULL:
 * none. */
an__job *an__batcher_take(an__batcher *b, size_t *rows);
void an__batcher_again(an__batcher *b, an__job *jobs);                /* back to the front: their replica died */
void an__batcher_scored(an__batcher *b, size_t rows, double seconds); /* a batch has its scores: before the `done` of its jobs */

/* ---- replicas (replica.c) ----------------------------------------------------------------------------------------------------------- */

typedef struct an__replica_options {
    int low, high;
    double hang_s; /* a batch that takes longer: the replica is killed */
    double busy, calm,
        calm_s; /* one more above this share of time spent scoring; one less where the others would stay below `calm` for calm_s */
    double cpus, memory_mb; /* limits of each; NaN: none */
    const char *workspace;
    an_store *store;
} an__replica_options;
an__replicas *an__replicas_new(an_loop *l, const an__replica_options *o);
void an__replicas_use(an__replicas *r, an__batcher *b);
void an__replicas_load(an__replicas *r, an__served *v);   /* all workers, now and later, have it ready */
void an__replicas_forget(an__replicas *r, an__models *m); /* what m no longer serves */
bool an__replicas_ready(const an__replicas *r);
void an__replicas_turn(an__replicas *r); /* hands out batches; called by the batcher */
void an__replicas_stop(an__replicas *r); /* ends all; what they had is answered AN__BROKEN */
void an__replicas_free(an__replicas *r);
typedef struct an__replica_facts {
    int alive, low, high;
    uint64_t started, died, hung, retried;
    double busy;
    const char *limits; /* how they are enforced */
} an__replica_facts;
void an__replicas_facts(const an__replicas *r, an__replica_facts *out);
bool an__replicas_at(const an__replicas *r, size_t i, long *pid, uint64_t *batches, uint64_t *rows); /* false: no such slot in use */
/* The other side: what `andon serve` does where AN__REPLICA_ENV names its socket. Returns when the parent is gone. */
#define AN__REPLICA_ENV "ANDON_REPLICA_FD"
bool an__replica_main(an_store *s, int fd, an_error *err);

/* ---- journal (journal.c; reading: journal_read.c) --------------------------------------------------------------------------------------
 */

typedef struct an__journal_options {
    const char *folder;
    bool durable;                                 /* records are on the disk, not only in the file, before answers leave */
    size_t segment_bytes;                         /* a new file after this many: 64 MiB */
    an_loop *loop;                                /* for `synced` */
    void (*synced)(void *context, uint64_t upto); /* durable: in the loop's thread; records with numbers below are on the disk */
    void *context;
} an__journal_options;
an__journal *an__journal_new(const an__journal_options *o, an_error *err);
/* One answered request; `values` rows x features. Collected until an__journal_flush. Returns its number. */
typedef struct an__verdict {
    an__served *served;
    const char *request, *part; /* part: serial and attempt where it was one, or NULL */
    int64_t time_us;
    double latency_ms;
    size_t rows;
    const double *values, *score;
} an__verdict;
uint64_t an__journal_add(an__journal *j, const an__verdict *v);
bool an__journal_flush(an__journal *j); /* write(2) of what was collected; false: lost, and counted */
void an__journal_free(an__journal *j);  /* flushes, syncs, closes */
typedef struct an__journal_facts {
    uint64_t records, lost, bytes, syncs;
    char why[256]; /* of the last loss */
} an__journal_facts;
void an__journal_facts_get(const an__journal *j, an__journal_facts *out);

/* ---- metrics (metrics.c)
 * ----------------------------------------------------------------------------------------------------------------- */

typedef struct an__class_counts { /* what one version did */
    char *name;
    int64_t version;
    uint64_t positives, negatives;                  /* rows answered */
    uint64_t requests, failed, batches, last_batch; /* last_batch: of an__metrics, that it had a part in */
    double seconds, failed_seconds;                 /* from the first byte of a request to its answer */
    double decoding, waiting, scoring, encoding;    /* parts of `seconds`; scoring: of the whole batch, for each of its requests */
    double last;                                    /* an_clock_s when one was answered last; 0: never */
} an__class_counts;
an__metrics *an__metrics_new(const an__route *const *tables, size_t count);
void an__metrics_free(an__metrics *m);
void an__metrics_answer(an__metrics *m, const an__route *route /* NULL: none matched */, int status, double seconds);
void an__metrics_batch(an__metrics *m, size_t rows, double seconds); /* seconds: of scoring */
void an__metrics_refused(an__metrics *m, int status);                /* 429, 503, 504 of inference; 499: the client hung up */
void an__metrics_verdicts(an__metrics *m, an__served *v, const double *score, size_t rows);
/* One request to a version, by an_clock_s: its first byte, decoding, the queue, when it was scored, when its answer was ready. Right after
 * its batch where that was scored here. */
typedef struct an__request_times {
    double arrived, decoding, queued, scored, ready;
} an__request_times;
void an__metrics_request(an__metrics *m, an__served *v, const an__request_times *t);
uint64_t an__metrics_batches(const an__metrics *m);
void an__metrics_request_failed(an__metrics *m, an__served *v, double seconds);
/* The counts of a version, or NULL where it was never asked. Borrowed. */
const an__class_counts *an__metrics_of(const an__metrics *m, const char *name, int64_t version);
void an__metrics_text(const an__metrics *m, const an__server *s, an_buf *out);

/* ---- the server
 * -------------------------------------------------------------------------------------------------------------------------- */

typedef struct an__server_options {
    an_store *store;
    an_loop *loop;
    an__models *models;
    an__replicas *replicas; /* NULL: rows are scored here */
    an__journal *journal;   /* NULL: none */
    an__batch_options batch;
    double deadline_s;    /* of requests that name none; INFINITY: none */
    size_t rows;          /* of a request */
    double part_s;        /* an incomplete part gets `test` after so long */
    const json_t *outbox; /* of parts; NULL: none */
    bool durable;
    an_http_server_options http; /* context and handle are the server's */
} an__server_options;

struct an__request;
struct an__server {
    an__server_options o;
    an_http_server *http;
    an__router *router;
    an__batcher *batcher;
    an__metrics *metrics;
    an__parts *parts;
    struct an__mlflow *mlflow;                     /* mlflow.h */
    struct an__request *idle;                      /* requests that ended, for reuse */
    struct an__request *first, **last;             /* answers that leave when the journal has them */
    struct an__request *unsynced, **unsynced_last; /* durable: in the file, not yet on the disk */
    uint64_t serial, epoch;                        /* for request ids: nobody else's */
    double clock;                                  /* an_clock_s as a request has read it last; what one does begins where the last ended */
    uint64_t batch;                                /* whose first request has read it */
    bool draining, post_pieces;                    /* post_pieces: some route takes the bodies of POST in pieces */
    double started;
};
an__server *an__server_new(const an__server_options *o, an_error *err);
int an__server_port(const an__server *s);
void an__server_drain(an__server *s, double seconds, void (*done)(void *context), void *context);
void an__server_synced(an__server *s, uint64_t upto);
void an__server_free(an__server *s);
json_t *an__server_facts(const an__server *s); /* what it did, for the end */
/* Why it is not ready; "" when it is. Warnings, of which the line is ready nonetheless, go to `warnings` (an array or NULL). */
void an__server_not_ready(const an__server *s, json_t *warnings, char why[512]);

extern const an__route an__routes[]; /* routes.c */

/* answer.c: answers that need no scoring. All count in the metrics. */
enum { AN__ID_ROOM = 132 };
void an__request_id(an__server *s, const an_http_request *r,
                    char id[AN__ID_ROOM]); /* X-Request-Id where it is a plain word, else a new one */
void an__answer(an__server *s, an_exchange *x, const an__route *route, int status, const char *type, const char *headers, const void *body,
                size_t size);
void an__answer_take(an__server *s, an_exchange *x, const an__route *route, int status, json_t *value); /* takes value */
void an__answer_error(an__server *s, an_exchange *x, const an__route *route, int status, const an_error *err);
int an__status_of(const an_error *err); /* of an error: 400, 404, 503 ... */

/* route_server.c, route_triton.c: answers about the server and its models */
void an__root_get(an__server *s, an_exchange *x, const an__route_match *m);
void an__health_get(an__server *s, an_exchange *x, const an__route_match *m);
void an__live_get(an__server *s, an_exchange *x, const an__route_match *m);
void an__ready_get(an__server *s, an_exchange *x, const an__route_match *m);
void an__ping_get(an__server *s, an_exchange *x, const an__route_match *m);
void an__metadata_get(an__server *s, an_exchange *x, const an__route_match *m);
void an__models_list(an__server *s, an_exchange *x, const an__route_match *m);
void an__api_models_get(an__server *s, an_exchange *x, const an__route_match *m);
void an__model_get(an__server *s, an_exchange *x, const an__route_match *m);
void an__model_ready_get(an__server *s, an_exchange *x, const an__route_match *m);
void an__metrics_get(an__server *s, an_exchange *x, const an__route_match *m);
void an__openapi_get(an__server *s, an_exchange *x, const an__route_match *m);
void an__model_config_get(an__server *s, an_exchange *x, const an__route_match *m);
void an__model_stats_get(an__server *s, an_exchange *x, const an__route_match *m);
void an__repository_index(an__server *s, an_exchange *x, const an__route_match *m);
void an__repository_change(an__server *s, an_exchange *x, const an__route_match *m);
void an__shared_memory_none(an__server *s, an_exchange *x, const an__route_match *m);
void an__not_offered(an__server *s, an_exchange *x, const an__route_match *m);
an__served *an__served_of_path(an__server *s, an_exchange *x, const an__route_match *m); /* held; NULL: answered */

/* request.c: POST .../infer, .../predict, and the paths of KServe V1 and MLflow */
void an__request_infer(an__server *s, an_exchange *x, const an__route_match *m);
void an__request_predict(an__server *s, an_exchange *x, const an__route_match *m);
void an__request_v1(an__server *s, an_exchange *x, const an__route_match *m);
void an__request_invocations(an__server *s, an_exchange *x, const an__route_match *m);
void an__requests_flush(an__server *s); /* at the end of each turn: journal, then answers */
void an__requests_free(an__server *s);

/* parts.c */
typedef struct an__parts_options {
    an_store *store;
    an__server *server;
    double part_s;
    const json_t *outbox; /* channels that verdicts leave by (outbox.h); NULL: none */
} an__parts_options;
an__parts *an__parts_new(const an__parts_options *o, an_error *err);
struct an__outbox *an__parts_outbox(const an__parts *p); /* NULL: none */
/* Messages about parts that could not be kept since the start; *why: the store's last failure, "" where it works again. */
uint64_t an__parts_unkept(const an__parts *p, const char **why);
void an__parts_turn(an__parts *p); /* commits what this turn brought, then answers */
void an__parts_end(an__parts *p);
void an__parts_post(an__server *s, an_exchange *x, const an__route_match *m);
void an__parts_get(an__server *s, an_exchange *x, const an__route_match *m);

#endif
