/* tracking.c - the table of calls, and how several of them share one transaction: each keeps its own failure to itself by a savepoint, and
 * one flush to the disk serves them all (group commit). */
#include "store/tracking.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LOG_BYTES = 4608 * 1024 };

struct an_tracking_call {
    const char *name;
    bool writes;
    json_t *(*run)(an_store *s, const json_t *q, an_error *err);
};

#define READ(name, function)              \
    {                                     \
        name, false, an__track_##function \
    }
#define WRITE(name, function)            \
    {                                    \
        name, true, an__track_##function \
    }

static const an_tracking_call calls[] = {
    WRITE("POST experiments/create", experiment_create),
    READ("GET experiments/get", experiment_get),
    READ("GET experiments/get-by-name", experiment_get_by_name),
    READ("POST experiments/search", experiment_search),
    READ("GET experiments/search", experiment_search),
    WRITE("POST experiments/delete", experiment_delete),
    WRITE("POST experiments/restore", experiment_restore),
    WRITE("POST experiments/update", experiment_update),
    WRITE("POST experiments/set-experiment-tag", experiment_tag),
    WRITE("POST experiments/delete-experiment-tag", experiment_untag),
    READ("POST experiments/search-datasets", experiment_datasets),
    WRITE("POST runs/create", run_create),
    WRITE("POST runs/update", run_update),
    READ("GET runs/get", run_get),
    WRITE("POST runs/delete", run_delete),
    WRITE("POST runs/restore", run_restore),
    READ("POST runs/search", run_search),
    WRITE("POST runs/set-tag", run_tag),
    WRITE("POST runs/delete-tag", run_untag),
    WRITE("POST runs/log-metric", log_metric),
    WRITE("POST runs/log-parameter", log_param),
    WRITE("POST runs/log-batch", log_batch),
    WRITE("POST runs/log-inputs", log_inputs),
    WRITE("POST runs/outputs", log_outputs),
    WRITE("POST runs/log-model", log_model),
    READ("GET metrics/get-history", metric_history),
    READ("GET metrics/get-history-bulk-interval", metric_history_bulk),
    WRITE("POST logged-models", model_create),
    READ("GET logged-models/{model_id}", model_get),
    WRITE("PATCH logged-models/{model_id}", model_finish),
    WRITE("DELETE logged-models/{model_id}", model_delete),
    READ("POST logged-models/search", model_search),
    WRITE("PATCH logged-models/{model_id}/tags", model_tags),
    WRITE("DELETE logged-models/{model_id}/tags/{tag_key...}", model_untag),
    WRITE("POST logged-models/{model_id}/params", model_params),
    WRITE("POST registered-models/create", registered_create),
    WRITE("POST registered-models/rename", registered_rename),
    WRITE("PATCH registered-models/update", registered_update),
    WRITE("DELETE registered-models/delete", registered_delete),
    READ("GET registered-models/get", registered_get),
    READ("GET registered-models/search", registered_search),
    READ("POST registered-models/get-latest-versions", registered_latest),
    READ("GET registered-models/get-latest-versions", registered_latest),
    WRITE("POST registered-models/set-tag", registered_tag),
    WRITE("DELETE registered-models/delete-tag", registered_untag),
    WRITE("POST registered-models/alias", alias_set),
    READ("GET registered-models/alias", alias_get),
    WRITE("DELETE registered-models/alias", alias_delete),
    WRITE("POST model-versions/create", version_create),
    WRITE("PATCH model-versions/update", version_update),
    WRITE("DELETE model-versions/delete", version_delete),
    READ("GET model-versions/get", version_get),
    READ("GET model-versions/search", version_search),
    READ("GET model-versions/get-download-uri", version_uri),
    WRITE("POST model-versions/transition-stage", version_stage),
    WRITE("POST model-versions/set-tag", version_tag),
    WRITE("DELETE model-versions/delete-tag", version_untag),
    READ("GET artifacts/list", artifact_root),
    READ("GET logged-models/{model_id}/artifacts/directories", artifact_root),
};

const an_tracking_call *an_tracking_find(const char *name)
{
    for (size_t i = 0; i < AN_COUNT(calls); i++)
        if (!strcmp(calls[i].name, name)) return &calls[i];
    return NULL;
}

bool an_tracking_writes(const an_tracking_call *c)
{
    return c->writes;
}

/* The log (WAL) is overwritten from its beginning after each checkpoint, every 1,000 pages; until it has that size each commit makes it
 * longer, and flushing a file that grew takes several times as long (0.2 and 4 ms on the disk where this was measured). So it is made long
 * now: a transaction larger than the page cache writes to the log, and is undone. */
void an_tracking_ready(an_store *s)
{
    an_error ignored = { 0 };
    char *path = an_format("%s/andon.db-wal", s->hidden);
    struct stat info;
    bool grown = stat(path, &info) == 0 && info.st_size >= LOG_BYTES;
    free(path);
    if (grown) return;
    an__lock(s);
    if (an__sql_do(s, &ignored, "PRAGMA cache_size=64", "") && an__begin(s, true, &ignored)) {
        (void)(an__sql_do(s, &ignored, "CREATE TABLE mlflow_room (x BLOB)", "") &&
               an__sql_do(s, &ignored, "INSERT INTO mlflow_room VALUES (zeroblob(?))", "i", (int64_t)LOG_BYTES));
        (void)an__end(s, false, &ignored);
    }
    (void)an__sql_do(s, &ignored, "PRAGMA cache_size=-2000", "");
    an__unlock(s, true);
}

static void fail_work(an_tracking_work *w, const an_error *why)
{
    json_decref(w->answer);
    w->answer = NULL;
    w->err = *why;
}

static void answer(an_store *s, an_tracking_work *w)
{
    w->answer = w->call->run(s, w->request, &w->err);
    if (!w->answer && w->err.code == AN_OK) an_fail(&w->err, AN_FAILED, "%s failed and did not say why", w->call->name);
}

/* Within a transaction; false: it cannot go on. */
static bool answer_apart(an_store *s, an_tracking_work *w, an_error *err)
{
    if (!an__sql_do(s, err, "SAVEPOINT call", "")) return false;
    answer(s, w);
    if (sqlite3_get_autocommit(s->db)) { /* the disk is full or broken: SQLite has rolled back everything */
        *err = w->err;
        return false;
    }
    return (w->answer || an__sql_do(s, err, "ROLLBACK TO call", "")) && an__sql_do(s, err, "RELEASE call", "");
}

void an_tracking_do(an_store *s, an_tracking_work *work, size_t count)
{
    size_t writing = 0;
    an_error err = { 0 };
    for (size_t i = 0; i < count; i++) {
        work[i].answer = NULL;
        work[i].err = (an_error){ 0 };
        writing += work[i].call->writes;
    }
    an__lock(s);
    if (!writing) {
        for (size_t i = 0; i < count; i++) answer(s, &work[i]);
        an__unlock(s, true);
        return;
    }
    bool good = an__begin(s, true, &err);
    if (good) {
        for (size_t i = 0; i < count && good; i++) good = answer_apart(s, &work[i], &err);
        good = an__end(s, good, &err);
    }
    for (size_t i = 0; i < count && !good; i++)
        if (work[i].answer || work[i].err.code == AN_OK) fail_work(&work[i], &err);
    an__unlock(s, good);
}
