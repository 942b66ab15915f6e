/* mlflow.h - MLflow's REST API for its clients: what its files share.
 *
 *   mlflow.c            the thread that does the work, its queue, group commit; status and text of failures
 *   mlflow_routes.c     the table of paths; requests from query, path and body
 *   mlflow_artifacts.c  files of runs and models in the workspace
 *
 * A thread of its own with its own connection to the workspace: a flush to the disk or a large file never holds up a verdict. Requests that
 * change something and come while one is being flushed share the next flush.
 */
#ifndef AN_SERVE_MLFLOW_H
#define AN_SERVE_MLFLOW_H

#include "andon/store.h"
#include "serve/server.h"

typedef struct an__mlflow an__mlflow;
an__mlflow *an__mlflow_new(an__server *s, const an_store *store, an_loop *l, an_error *err);
void an__mlflow_free(an__mlflow *m); /* after the loop's last turn; what still waits is answered 503 */

typedef struct an__mlflow_job {
    struct an__mlflow_job *next;
    const an_tracking_call *call; /* NULL: files only */
    /* files alone, or after the call (with its answer): sets answer, or err */
    void (*files)(struct an__mlflow_job *j, const char *folder);
    an_exchange *exchange;
    const an__route *route;
    json_t *request; /* an object: of query and path; the body is added to it in the thread */
    an_span body;    /* in the exchange, which waits */
    bool has_body;   /* of JSON */
    json_t *answer;
    an_error err;
    const char *code; /* error_code where the one of err does not fit */
    int status;
    char *text; /* of the answer */
} an__mlflow_job;
void an__mlflow_add(an__mlflow *m, an__mlflow_job *j); /* takes j; it answers */
const char *an__mlflow_folder(const an__mlflow *m);    /* of artifacts */

/* "INVALID_PARAMETER_VALUE"; *status */
const char *an__mlflow_code(const an_error *err, int *status);
char *an__mlflow_error(const an_error *err, const char *code, int *status); /* new text; code NULL: by err */
/* A query string as an object: several values of a name are a list. AN_INPUT: no UTF-8, or a broken escape. */
json_t *an__mlflow_query(an_span query, an_error *err);

/* mlflow_artifacts.c */
/* New text: where a path of a client lies; AN_INPUT: it is absolute, climbs, or has parts that are no names. */
char *an__mlflow_path(const char *folder, const char *path, an_error *err);
bool an__mlflow_put(const char *folder, const char *path, an_span bytes, an_error *err);
bool an__mlflow_delete(const char *folder, const char *path, an_error *err);
json_t *an__mlflow_list(const char *folder, const char *path, const char *prefix, an_error *err); /* [{path, is_dir, file_size}] */
void an__mlflow_files_put(an__mlflow_job *j, const char *folder);
void an__mlflow_files_delete(an__mlflow_job *j, const char *folder);
void an__mlflow_files_list(an__mlflow_job *j, const char *folder);
void an__mlflow_files_of(an__mlflow_job *j, const char *folder); /* after the call that says root_uri */
/* In the loop's thread: streams a file. false: nothing was answered, err says why. */
bool an__mlflow_send(an__server *s, an_exchange *x, const an__route *route, const char *folder, const char *path, an_error *err);

extern const an__route an__mlflow_routes[];

#endif
