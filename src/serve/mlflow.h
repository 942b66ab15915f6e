/* mlflow.h - MLflow's REST API for its clients: what its files share.
 *
 *   mlflow.c            the thread that does the work, its queue, group commit; status and text of failures
 *   mlflow_routes.c     the table of paths; requests from query, path and body
 *   mlflow_artifacts.c  files of runs and models in the workspace
 *   mlflow_disk.c       the thread that waits for the disk while files come and go
 *   mlflow_upload.c, mlflow_download.c    files of any size through little memory
 *
 * A thread of its own with its own connection to the workspace: a flush to the disk never holds up a verdict. Requests that change
 * something and come while one is being flushed share the next flush. Files have another thread: a large one does not hold up metrics
 * either.
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
struct an__uploads *an__mlflow_uploads(const an__mlflow *m);
struct an__downloads *an__mlflow_downloads(const an__mlflow *m);

/* "INVALID_PARAMETER_VALUE"; *status */
const char *an__mlflow_code(const an_error *err, int *status);
char *an__mlflow_error(const an_error *err, const char *code, int *status); /* new text; code NULL: by err */
/* A query string as an object: several values of a name are a list. AN_INPUT: no UTF-8, or a broken escape. */
json_t *an__mlflow_query(an_span query, an_error *err);

/* mlflow_artifacts.c */
/* New text: where a path of a client lies; AN_INPUT: it is absolute, climbs, or has parts that are no names. */
char *an__mlflow_path(const char *folder, const char *path, an_error *err);
char *an__mlflow_full(const char *folder, const char *path, an_error *err); /* the same, and no part of it is a symbolic link */
bool an__mlflow_put(const char *folder, const char *path, an_span bytes, an_error *err);
bool an__mlflow_delete(const char *folder, const char *path, an_error *err);
json_t *an__mlflow_list(const char *folder, const char *path, const char *prefix, an_error *err); /* [{path, is_dir, file_size}] */
void an__mlflow_files_put(an__mlflow_job *j, const char *folder);
void an__mlflow_files_delete(an__mlflow_job *j, const char *folder);
void an__mlflow_files_list(an__mlflow_job *j, const char *folder);
void an__mlflow_files_of(an__mlflow_job *j, const char *folder); /* after the call that says root_uri */
/* A file on its way in: under a name of its own, locked, until it is whole. `path` names it in messages, and says where it will be. */
typedef struct an__draft {
    int fd;
    char *path;
    uint64_t size, behind; /* written; and known to be on the disk */
    bool full;             /* it failed because there is no room */
} an__draft;
#define AN__ARTIFACT_MOST ((uint64_t)64 << 30) /* bytes of one artifact */
/* announced: bytes that will come, 0 where that is not known; what cannot fit is refused at once. A draft that failed to open is dropped.
 */
bool an__draft_open(an__draft *d, const char *folder, const char *path, uint64_t announced, an_error *err);
bool an__draft_add(an__draft *d, const char *path, const void *bytes, size_t n, an_error *err);
void an__draft_drop(an__draft *d);
bool an__draft_end(an__draft *d, const char *folder, const char *path, an_error *err); /* flushed, renamed; or dropped */
void an__drafts_clean(const char *folder);                                             /* those of servers that were killed */

/* mlflow_disk.c: one step at a time of each transfer; `work` in the disk's thread, then `done` in the loop's. */
typedef struct an__disk an__disk;
typedef struct an__disk_step {
    struct an__disk_step *next;
    void (*work)(struct an__disk_step *s);
    void (*done)(struct an__disk_step *s); /* may hand over the next step, or free this one */
} an__disk_step;
an__disk *an__disk_new(an_loop *l, an_error *err);
void an__disk_do(an__disk *d, an__disk_step *s);
void an__disk_stop(an__disk *d); /* after the loop's last turn: all steps are done; further ones are done at once */
void an__disk_free(an__disk *d);

/* mlflow_upload.c, mlflow_download.c: in the loop's thread */
typedef struct an__uploads an__uploads;
an__uploads *an__uploads_new(an__server *s, an__disk *disk, const char *folder);
void an__uploads_take(an__uploads *all, an_exchange *x, const an__route *route, const char *path); /* at the head of the request */
void an__uploads_free(an__uploads *all); /* after an__disk_stop; what is not whole is answered 503 */
typedef struct an__downloads an__downloads;
an__downloads *an__downloads_new(an__server *s, an__disk *disk, const char *folder);
void an__downloads_send(an__downloads *all, an_exchange *x, const an__route *route, const char *path);
void an__downloads_free(an__downloads *all); /* after an__disk_stop; what is not whole is cut */
/* A range of bytes (RFC 9110, section 14.1.2) of a file of `size`: 0: none, or none that is understood; 1: from *first to *last; -1: it
 * lies beyond the end. */
int an__range(an_span value, uint64_t size, uint64_t *first, uint64_t *last);

extern const an__route an__mlflow_routes[];

#endif
