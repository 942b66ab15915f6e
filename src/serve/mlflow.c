/* mlflow.c - the thread that does what MLflow's clients ask for, its queue, and the text of failures. */
#include "serve/mlflow.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { TOGETHER = 64 /* calls in one transaction */ };

struct an__mlflow {
    an__server *server;
    an_loop *loop;
    an_store *store;
    char *folder;
    an__disk *disk;
    an__uploads *uploads;
    an__downloads *downloads;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t more;
    an__mlflow_job *first, **last;
    an__mlflow_job *done, **done_last;
    bool stop;
};

/* ---- failures ---------------------------------------------------------------------------------------------------------------- */

const char *an__mlflow_code(const an_error *err, int *status)
{
    switch (err->code) {
    case AN_INPUT:
    case AN_USAGE:
        *status = 400;
        return "INVALID_PARAMETER_VALUE";
    case AN_NOT_FOUND:
        *status = 404;
        return "RESOURCE_DOES_NOT_EXIST";
    case AN_REFUSED:
        *status = 400;
        return "RESOURCE_ALREADY_EXISTS";
    case AN_BUSY:
    case AN_MEMORY:
        *status = 503;
        return "TEMPORARILY_UNAVAILABLE";
    default:
        *status = 500;
        return "INTERNAL_ERROR";
    }
}

char *an__mlflow_error(const an_error *err, const char *code, int *status)
{
    const char *usual = an__mlflow_code(err, status);
    char *text = an_format("%s%s%s", err->message, err->hint[0] ? "; " : "", err->hint);
    json_t *message = json_string(text); /* NULL where a name that was cut is not UTF-8 */
    json_t *all = json_pack("{s:s, s:o}", "error_code", code ? code : usual, "message", message ? message : json_string("bad request"));
    char *body = an_json_text(all, false);
    json_decref(all);
    free(text);
    return body;
}

/* ---- jobs: in the thread ------------------------------------------------------------------------------------------------------- */

static void job_free(an__mlflow_job *j)
{
    json_decref(j->request);
    json_decref(j->answer);
    free(j->text);
    free(j);
}

/* The body joins what query and path said already, which goes before it. */
static bool read_body(an__mlflow_job *j)
{
    if (!j->has_body || !j->body.size) return true;
    json_t *body = an_json_parse(j->body.data, j->body.size, "the body", &j->err);
    if (!body || !json_is_object(body)) {
        if (body) an_fail(&j->err, AN_INPUT, "the body is no JSON object");
        j->code = "BAD_REQUEST";
        json_decref(body);
        return false;
    }
    json_object_update_missing(j->request, body);
    json_decref(body);
    return true;
}

static void finish(an__mlflow_job *j, const char *folder)
{
    if (j->files && j->err.code == AN_OK) j->files(j, folder);
    if (j->err.code != AN_OK) {
        j->text = an__mlflow_error(&j->err, j->code, &j->status);
        return;
    }
    j->status = 200;
    j->text = j->answer ? an_json_text(j->answer, false) : an_strdup("{}");
}

/* The first jobs of the list that may share a transaction: calls that write; or one alone. */
static size_t run_some(an__mlflow *m, an__mlflow_job *j)
{
    an_tracking_work work[TOGETHER];
    an__mlflow_job *of[TOGETHER];
    size_t taken = 0, calls = 0;
    for (; j && taken < TOGETHER; j = j->next) {
        bool together = j->call && an_tracking_writes(j->call);
        if (!together && taken) break;
        taken++;
        if (!read_body(j)) continue;
        if (!j->call) {
            finish(j, m->folder);
            return taken;
        }
        of[calls] = j;
        work[calls++] = (an_tracking_work){ .call = j->call, .request = j->request };
        if (!together) break;
    }
    if (calls) an_tracking_do(m->store, work, calls);
    for (size_t i = 0; i < calls; i++) {
        of[i]->answer = work[i].answer;
        of[i]->err = work[i].err;
        finish(of[i], m->folder);
    }
    return taken;
}

static void answer_done(void *context); /* below */

static void *work(void *context)
{
    an__mlflow *m = context;
    an_tracking_ready(m->store);
    pthread_mutex_lock(&m->lock);
    for (;;) {
        while (!m->first && !m->stop) pthread_cond_wait(&m->more, &m->lock);
        if (m->stop) break;
        an__mlflow_job *jobs = m->first;
        m->first = NULL;
        m->last = &m->first;
        pthread_mutex_unlock(&m->lock);
        while (jobs) {
            an__mlflow_job *end = jobs, *rest;
            for (size_t n = run_some(m, jobs); n > 1; n--) end = end->next;
            rest = end->next;
            end->next = NULL;
            for (an__mlflow_job *j = jobs; j; j = j->next)
                if (!j->text) finish(j, m->folder); /* its body could not be read */
            pthread_mutex_lock(&m->lock);
            bool wake = !m->done;
            *m->done_last = jobs;
            m->done_last = &end->next;
            pthread_mutex_unlock(&m->lock);
            if (wake) an_loop_post(m->loop, answer_done, m);
            jobs = rest;
        }
        pthread_mutex_lock(&m->lock);
    }
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

/* ---- in the loop's thread ------------------------------------------------------------------------------------------------------- */

static void answer_done(void *context)
{
    an__mlflow *m = context;
    pthread_mutex_lock(&m->lock);
    an__mlflow_job *j = m->done;
    m->done = NULL;
    m->done_last = &m->done;
    pthread_mutex_unlock(&m->lock);
    while (j) {
        an__mlflow_job *next = j->next;
        an__answer(m->server, j->exchange, j->route, j->status, "application/json", j->status == 503 ? "Retry-After: 1\r\n" : NULL, j->text,
                   strlen(j->text));
        job_free(j);
        j = next;
    }
}

void an__mlflow_add(an__mlflow *m, an__mlflow_job *j)
{
    j->next = NULL;
    pthread_mutex_lock(&m->lock);
    *m->last = j;
    m->last = &j->next;
    pthread_cond_signal(&m->more);
    pthread_mutex_unlock(&m->lock);
}

const char *an__mlflow_folder(const an__mlflow *m)
{
    return m->folder;
}

an__uploads *an__mlflow_uploads(const an__mlflow *m)
{
    return m->uploads;
}

an__downloads *an__mlflow_downloads(const an__mlflow *m)
{
    return m->downloads;
}

an__mlflow *an__mlflow_new(an__server *s, const an_store *store, an_loop *l, an_error *err)
{
    an_store *own = an_store_open(an_store_folder(store), err);
    if (!own) return NULL;
    an__mlflow *m = an_alloc(sizeof *m);
    m->server = s;
    m->loop = l;
    m->store = own;
    m->folder = an_format("%s/.andon/mlflow-artifacts", an_store_folder(store));
    m->last = &m->first;
    m->done_last = &m->done;
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->more, NULL);
    an__drafts_clean(m->folder);
    m->disk = an__disk_new(l, err);
    m->uploads = an__uploads_new(s, m->disk, m->folder);
    m->downloads = an__downloads_new(s, m->disk, m->folder);
    m->running = m->disk && pthread_create(&m->thread, NULL, work, m) == 0;
    if (m->running) return m;
    if (m->disk) an_fail(err, AN_FAILED, "no thread could be started for tracking");
    an__mlflow_free(m);
    return NULL;
}

void an__mlflow_free(an__mlflow *m)
{
    if (!m) return;
    if (m->running) {
        pthread_mutex_lock(&m->lock);
        m->stop = true;
        pthread_cond_signal(&m->more);
        pthread_mutex_unlock(&m->lock);
        pthread_join(m->thread, NULL);
    }
    if (m->disk) an__disk_stop(m->disk);
    an__uploads_free(m->uploads);
    an__downloads_free(m->downloads);
    an__disk_free(m->disk);
    for (an__mlflow_job *j = m->first; j; j = j->next) {
        an_fail(&j->err, AN_BUSY, "the server is stopping");
        j->text = an__mlflow_error(&j->err, NULL, &j->status);
    }
    *m->done_last = m->first;
    answer_done(m);
    an_store_close(m->store);
    pthread_mutex_destroy(&m->lock);
    pthread_cond_destroy(&m->more);
    free(m->folder);
    free(m);
}
