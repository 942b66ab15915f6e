/* pipeline_run.c - running a pipeline: independent steps side by side, each in a thread of its own; retries; the account of what was
 * done. One step with its cache is step.c. */
#include "flow/pipeline.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef enum task_state { WAITING, RUNNING, DONE, FAILED, SKIPPED } task_state;
static const char *const state_names[] = { "waiting", "running", "done", "failed", "skipped" };

typedef struct runner runner;

typedef struct task { /* one node */
    runner *r;
    const an__node *node;
    task_state state;
    bool cached, started;
    double seconds;
    an_flow_values inputs, outputs;
    json_t *result;
    an_error err;
    char *stage; /* last shown, with the step's name in front */
    pthread_t thread;
} task;

struct runner {
    an_store *store;
    const an_pipeline *p;
    bool fresh;
    an_job *job;
    const char *run;
    task *tasks;          /* as p->nodes */
    const char *shown;    /* the task stage that is on display; under the job's lock, as all sinks are */
    pthread_mutex_t lock; /* of states, and of the two below */
    pthread_cond_t changed;
    size_t running, finished;
};

/* ---- what a step tells, with its name in front ---- */

static void task_progress(void *context, const char *stage, double done, double total, const char *unit)
{
    task *t = context;
    if (!stage[0]) return;
    char *text = an_format("%s: %s", t->node->id, stage);
    bool same = t->stage && strcmp(t->stage, text) == 0 && t->r->shown == t->stage;
    if (same) {
        free(text);
    } else {
        free(t->stage);
        t->stage = text;
        t->r->shown = text;
        an_job_stage(t->r->job, text);
    }
    if (done != 0 || total != 0) an_job_progress(t->r->job, done, total, unit);
}

static void task_metric(void *context, const char *name, int64_t step, double value)
{
    task *t = context;
    char *text = an_format("%s.%s", t->node->id, name);
    an_job_metric(t->r->job, text, step, value);
    free(text);
}

static void task_message(void *context, const char *text)
{
    task *t = context;
    an_job_say(t->r->job, "%s: %s", t->node->id, text);
}

/* ---- one step ---- */

static bool worth_repeating(an_code code)
{
    return code == AN_IO || code == AN_BUSY || code == AN_FAILED;
}

/* Waits, but not when asked to stop. */
static bool pause_s(const an_job *job, double seconds)
{
    double until = an_clock_s() + seconds;
    while (!an_job_stopped(job)) {
        double left = until - an_clock_s();
        if (left <= 0) return true;
        usleep((useconds_t)((left < 0.05 ? left : 0.05) * 1e6) + 1);
    }
    return false;
}

static void do_task(task *t)
{
    runner *r = t->r;
    an_job_options part = { .pool = an_job_pool(r->job), .seed = an_job_seed(r->job) };
    if (r->job) part.sink = (an_sink){ t, task_progress, task_metric, task_message };
    double begun = an_clock_s();
    for (int attempt = 0;; attempt++) {
        an_job *job = an_job_part(r->job, &part);
        an_step_context c = { .store = r->store, .base_folder = t->node->folder, .inputs = &t->inputs, .outputs = &t->outputs, .job = job };
        t->err = (an_error){ 0 };
        t->outputs.count = 0;
        t->result = an_step_run(t->node->kind, t->node->options, &c, r->run, r->fresh, &t->cached, &t->err);
        an_job_free(job);
        if (t->result || attempt >= t->node->retries || !worth_repeating(t->err.code)) break;
        double wait = 0.5 * (double)(1 << attempt);
        an_job_say(r->job, "%s: failed (%s); trying again in %g s, %d of %d", t->node->id, t->err.message, wait, attempt + 1,
                   t->node->retries);
        if (!pause_s(r->job, wait)) break;
    }
    t->seconds = an_clock_s() - begun;
    if (t->result && t->cached)
        an_job_say(r->job, "%s: unchanged, taken from the cache", t->node->id);
    else if (t->result)
        an_job_say(r->job, "%s: done in %.1f s", t->node->id, t->seconds);
    else
        an_job_say(r->job, "%s: failed: %s", t->node->id, t->err.message);
}

static void *task_main(void *argument)
{
    task *t = argument;
    runner *r = t->r;
    do_task(t);
    pthread_mutex_lock(&r->lock);
    t->state = t->result ? DONE : FAILED;
    r->running--;
    r->finished++;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* ---- the schedule ---- */

static bool ready(const runner *r, const task *t)
{
    if (t->state != WAITING) return false;
    for (size_t i = 0; i < t->node->need_count; i++)
        if (r->tasks[t->node->needs[i]].state != DONE) return false;
    return true;
}

/* Under the lock; the inputs are there because the steps that make them are done. */
static void start(runner *r, task *t)
{
    for (int i = 0; i < t->node->input_count; i++) {
        const an_hash *address = an_flow_value(&r->tasks[t->node->input[i].from].outputs, t->node->input[i].port);
        if (!address) continue; /* an output that was optional */
        t->inputs.value[t->inputs.count].port = t->node->input[i].port;
        t->inputs.value[t->inputs.count++].address = *address;
    }
    t->state = RUNNING;
    r->running++;
    /* signals go to the thread that called an_pipeline_run */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    t->started = pthread_create(&t->thread, NULL, task_main, t) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (t->started) return;
    pthread_mutex_unlock(&r->lock); /* no thread to be had: here, then */
    task_main(t);
    pthread_mutex_lock(&r->lock);
}

static void run_all(runner *r)
{
    size_t limit = (size_t)an_pool_threads(an_job_pool(r->job));
    bool failed = false;
    pthread_mutex_lock(&r->lock);
    for (;;) {
        size_t handled = r->finished;
        bool moved = false;
        for (size_t i = 0; i < r->p->count; i++) {
            task *t = &r->tasks[r->p->order[i]];
            if (t->state == FAILED) failed = true; /* what runs beside it goes on to its end, and into the cache */
            if (failed || !ready(r, t)) continue;
            if (t->node->gate) {
                t->state = DONE;
                moved = true;
            } else if (r->running < limit && !an_job_stopped(r->job)) {
                start(r, t);
                moved = true;
            }
        }
        if (moved) continue;
        if (r->running == 0) break;
        while (r->finished == handled) pthread_cond_wait(&r->changed, &r->lock);
    }
    pthread_mutex_unlock(&r->lock);
    for (size_t i = 0; i < r->p->count; i++) {
        task *t = &r->tasks[i];
        if (t->started) pthread_join(t->thread, NULL);
        if (t->state == WAITING) t->state = SKIPPED;
    }
}

/* ---- the account ---- */

static json_t *values_json(const an_flow_values *v)
{
    json_t *all = json_object();
    for (int i = 0; i < v->count; i++) {
        char hex[65];
        an_hash_hex(&v->value[i].address, hex);
        json_object_set_new(all, v->value[i].port, json_string(hex));
    }
    return all;
}

static json_t *account(const runner *r, const char *state, double seconds)
{
    json_t *all = json_object(), *steps = json_array();
    json_object_set_new(all, "run", json_string(r->run));
    json_object_set_new(all, "name", json_string(r->p->name));
    json_object_set_new(all, "state", json_string(state));
    json_object_set_new(all, "seconds", an_json_real(seconds));
    json_object_set_new(all, "steps", steps);
    for (size_t i = 0; i < r->p->count; i++) {
        const task *t = &r->tasks[r->p->order[i]];
        if (t->node->gate) continue;
        json_t *step = json_object();
        bool stopped = t->state == FAILED && t->err.code == AN_STOPPED;
        json_object_set_new(step, "name", json_string(t->node->id));
        json_object_set_new(step, "use", json_string(t->node->kind->name));
        json_object_set_new(step, "state", json_string(stopped ? "stopped" : state_names[t->state]));
        json_object_set_new(step, "cached", json_boolean(t->cached));
        json_object_set_new(step, "seconds", an_json_real(t->seconds));
        json_object_set_new(step, "inputs", values_json(&t->inputs));
        json_object_set_new(step, "outputs", values_json(&t->outputs));
        json_object_set_new(step, "result", t->result ? json_incref(t->result) : json_null());
        if (t->state == FAILED) {
            json_t *error = an_error_json(&t->err);
            json_object_set(step, "error", json_object_get(error, "error"));
            json_decref(error);
        }
        json_array_append_new(steps, step);
    }
    return all;
}

/* The failure that is told: the first in the order of the steps, and one that is more than "was asked to stop" if there is one. */
static const task *first_failure(const runner *r)
{
    const task *found = NULL;
    for (size_t i = 0; i < r->p->count; i++) {
        const task *t = &r->tasks[r->p->order[i]];
        if (t->state == FAILED && (!found || (found->err.code == AN_STOPPED && t->err.code != AN_STOPPED))) found = t;
    }
    return found;
}

static void runner_free(runner *r)
{
    for (size_t i = 0; i < r->p->count; i++) {
        json_decref(r->tasks[i].result);
        free(r->tasks[i].stage);
    }
    free(r->tasks);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
}

json_t *an_pipeline_run(an_store *s, an_pipeline *p, bool fresh, an_job *job, an_error *err)
{
    json_t *params = an_pipeline_describe(p);
    double begun = an_clock_s();
    char *run = an_run_begin(s, "run", p->name, NULL, NULL, params, an_job_seed(job), err);
    json_decref(params);
    if (!run) return NULL;
    runner r = { .store = s, .p = p, .fresh = fresh, .job = job, .run = run, .tasks = an_alloc_n(p->count, sizeof(task)) };
    pthread_mutex_init(&r.lock, NULL);
    pthread_cond_init(&r.changed, NULL);
    for (size_t i = 0; i < p->count; i++) {
        r.tasks[i].r = &r;
        r.tasks[i].node = &p->nodes[i];
    }
    run_all(&r);

    an_error why = { 0 };
    const task *failure = first_failure(&r);
    bool good = !failure && an_job_check(job, &why);
    if (!failure && !good) { /* stopped after the last step that ran: all done, or some never begun */
        good = true;
        for (size_t i = 0; i < p->count; i++) good = good && r.tasks[i].state == DONE;
    }
    if (failure) {
        why = failure->err;
        an_context(&why, "step %s", failure->node->id);
        if (!why.where[0]) an_where(&why, "%s", failure->node->where);
    }
    const char *state = good ? "done" : why.code == AN_STOPPED ? "stopped" : "failed";
    json_t *result = account(&r, state, an_clock_s() - begun);
    an_error ending = { 0 };
    if (!an_run_end(s, run, state, result, good ? NULL : &why, &ending) && good) {
        good = false;
        why = ending;
    }
    runner_free(&r);
    free(run);
    if (good) return result;
    if (err) *err = why;
    json_decref(result);
    return NULL;
}
