/* job.c - what long work is given: threads, a seed, a place for progress and metrics, and a way to be stopped. How often a bar is
 * redrawn is the sink's affair. */
#include "andon/base.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct an_job {
    an_job *parent; /* borrowed, outlives this; NULL for the first */
    an_pool *pool;
    uint64_t seed;
    an_sink sink;
    char *folder, *stage;
    bool fresh;
    atomic_bool stop; /* lock-free, so that a signal handler may set it */
    /* One lock for a whole family (the first job's), because parts often share a sink; recursive, because the sink of a part may
     * pass on to its parent. */
    pthread_mutex_t lock;
};

static pthread_mutex_t *family_lock(an_job *job)
{
    while (job->parent) job = job->parent;
    return &job->lock;
}

an_job *an_job_part(an_job *parent, const an_job_options *options)
{
    an_job *job = an_alloc(sizeof *job);
    job->parent = parent;
    job->seed = options ? options->seed : 1;
    job->pool = options && options->pool ? options->pool : parent ? parent->pool : NULL;
    if (options) {
        job->sink = options->sink;
        job->folder = an_strdup(options->folder);
        job->fresh = options->fresh;
    }
    if (parent) job->fresh |= parent->fresh;
    job->stage = an_strdup("");
    atomic_init(&job->stop, false);
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&job->lock, &kind);
    pthread_mutexattr_destroy(&kind);
    return job;
}

an_job *an_job_new(const an_job_options *options)
{
    return an_job_part(NULL, options);
}

void an_job_free(an_job *job)
{
    if (!job) return;
    pthread_mutex_destroy(&job->lock);
    free(job->folder);
    free(job->stage);
    free(job);
}

void an_job_stage(an_job *job, const char *stage)
{
    if (!job) return;
    pthread_mutex_t *lock = family_lock(job);
    char *copy = an_strdup(stage ? stage : "");
    pthread_mutex_lock(lock);
    free(job->stage);
    job->stage = copy;
    if (job->sink.progress) job->sink.progress(job->sink.context, job->stage, 0, 0, "");
    pthread_mutex_unlock(lock);
}

void an_job_progress(an_job *job, double done, double total, const char *unit)
{
    if (!job || !job->sink.progress) return;
    pthread_mutex_t *lock = family_lock(job);
    pthread_mutex_lock(lock);
    job->sink.progress(job->sink.context, job->stage, done, total, unit ? unit : "");
    pthread_mutex_unlock(lock);
}

void an_job_metric(an_job *job, const char *name, int64_t step, double value)
{
    if (!job || !job->sink.metric) return;
    pthread_mutex_t *lock = family_lock(job);
    pthread_mutex_lock(lock);
    job->sink.metric(job->sink.context, name, step, value);
    pthread_mutex_unlock(lock);
}

void an_job_say(an_job *job, const char *format, ...)
{
    if (!job || !job->sink.message) return;
    an_buf text = { 0 };
    char small[512];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, format, args);
    if (n >= (int)sizeof small) {
        text.data = an_alloc((size_t)n + 1);
        vsnprintf(text.data, (size_t)n + 1, format, again);
    }
    va_end(again);
    va_end(args);
    pthread_mutex_t *lock = family_lock(job);
    pthread_mutex_lock(lock);
    job->sink.message(job->sink.context, text.data ? text.data : small);
    pthread_mutex_unlock(lock);
    an_buf_free(&text);
}

void an_job_stop(an_job *job)
{
    if (job) atomic_store(&job->stop, true);
}

bool an_job_stopped(const an_job *job)
{
    for (; job; job = job->parent)
        if (atomic_load_explicit(&job->stop, memory_order_relaxed)) return true;
    return false;
}

bool an_job_check(const an_job *job, an_error *err)
{
    if (!an_job_stopped(job)) return true;
    return an_fail(err, AN_STOPPED, "stopped on request");
}

an_pool *an_job_pool(const an_job *job)
{
    return job ? job->pool : NULL;
}

uint64_t an_job_seed(const an_job *job)
{
    return job ? job->seed : 1;
}

const char *an_job_folder(const an_job *job)
{
    return job ? job->folder : NULL;
}

bool an_job_fresh(const an_job *job)
{
    return job && job->fresh;
}
