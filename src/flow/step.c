/* step.c - running one step through the cache. What a step does is in its kind; in which order steps run is pipeline_run.c. */
#include "andon/flow.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const double LEASE_S = 60; /* renewed every third of it */

const an_hash *an_flow_value(const an_flow_values *v, const char *port)
{
    for (int i = 0; v && i < v->count; i++)
        if (strcmp(v->value[i].port, port) == 0) return &v->value[i].address;
    return NULL;
}

/* ---- the key ---- */

/* SHA-256 over canonical JSON of everything the result depends on. */
static bool make_key(const an_step_kind *kind, const void *options, const an_step_context *c, char key[65], an_error *err)
{
    an_buf print = { 0 };
    if (kind->fingerprint && !kind->fingerprint(c, options, &print, err)) {
        an_buf_free(&print);
        return false;
    }
    json_t *all = json_object(), *inputs = json_object();
    json_object_set_new(all, "step", json_string(kind->name));
    json_object_set_new(all, "params", an_params_json(kind->params, options));
    char text[65];
    snprintf(text, sizeof text, "%llu", (unsigned long long)an_job_seed(c->job)); /* as text: JSON integers have a sign */
    json_object_set_new(all, "seed", json_string(text));
    json_object_set_new(all, "inputs", inputs);
    for (int i = 0; c->inputs && i < c->inputs->count; i++) {
        an_hash_hex(&c->inputs->value[i].address, text);
        json_object_set_new(inputs, c->inputs->value[i].port, json_string(text));
    }
    an_hash hash;
    an_hash_bytes(print.data ? print.data : "", print.size, &hash);
    an_hash_hex(&hash, text);
    json_object_set_new(all, "fingerprint", json_string(text));
    json_object_set_new(all, "code", json_string(an_code_version()));
    json_object_set_new(all, "cpu", json_string(an_cpu_path())); /* another path, other bits */
    char *whole = an_json_text(all, false);
    an_hash_bytes(whole, strlen(whole), &hash);
    an_hash_hex(&hash, key);
    free(whole);
    json_decref(all);
    an_buf_free(&print);
    return true;
}

/* ---- the cache ---- */

static const an_port *find_output(const an_step_kind *kind, const char *name)
{
    for (int i = 0; i < AN_PORTS_MAX && kind->outputs[i].name; i++)
        if (strcmp(kind->outputs[i].name, name) == 0) return &kind->outputs[i];
    return NULL;
}

/* Every required output is there. */
static const char *missing_output(const an_step_kind *kind, const an_flow_values *outputs)
{
    for (int i = 0; i < AN_PORTS_MAX && kind->outputs[i].name; i++)
        if (!kind->outputs[i].optional && !an_flow_value(outputs, kind->outputs[i].name)) return kind->outputs[i].name;
    return NULL;
}

static bool read_outputs(const an_step_kind *kind, an_store *s, const char *run, an_flow_values *outputs, an_error *err)
{
    json_t *all = an_run_artifacts(s, run, err);
    if (!all) return false;
    size_t i;
    json_t *item;
    outputs->count = 0;
    json_array_foreach(all, i, item) {
        const an_port *port = find_output(kind, an_json_string(item, "port", ""));
        an_hash address;
        if (!port || strcmp(an_json_string(item, "edge", ""), "out") != 0 || outputs->count == AN_PORTS_MAX) continue;
        if (!an_hash_parse(an_json_string(item, "address", ""), &address)) continue;
        outputs->value[outputs->count].port = port->name;
        outputs->value[outputs->count++].address = address;
    }
    json_decref(all);
    return true;
}

/* *result stays NULL when there is no equal finished run. */
static bool from_cache(const an_step_kind *kind, const an_step_context *c, const char *key, json_t **result, an_error *err)
{
    an_run_row row;
    bool found = false;
    *result = NULL;
    if (!an_run_cached(c->store, "step", key, &found, &row, err)) return false;
    if (!found) return true;
    an_flow_values outputs = { 0 };
    bool good = read_outputs(kind, c->store, row.id, &outputs, err);
    if (good && !missing_output(kind, &outputs)) {
        *result = row.result ? json_incref(row.result) : json_object();
        if (c->outputs) *c->outputs = outputs;
    }
    an_run_row_free(&row);
    return good;
}

/* ---- the claim: one process does the work, others wait for its result ---- */

typedef struct claim {
    an_store *store;
    char *what;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool running, over;
} claim;

static void *keep_claim(void *argument)
{
    claim *l = argument;
    pthread_mutex_lock(&l->lock);
    while (!l->over) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += (time_t)(LEASE_S / 3);
        pthread_cond_timedwait(&l->wake, &l->lock, &until);
        if (l->over) break;
        pthread_mutex_unlock(&l->lock);
        an_error ignored = { 0 }; /* at worst another process does the same work and gets the same result */
        (void)!an_lease_renew(l->store, l->what, LEASE_S, &ignored);
        pthread_mutex_lock(&l->lock);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* Waits until the claim is ours; with `result` a result that another process brings meanwhile ends the waiting. */
static bool claim_take(claim *l, const an_step_kind *kind, const an_step_context *c, const char *key, json_t **result, an_error *err)
{
    bool taken = false, told = false;
    for (useconds_t pause_us = 20000;; pause_us = pause_us < 500000 ? pause_us * 2 : pause_us) {
        if (!an_job_check(c->job, err) || !an_lease_take(c->store, l->what, LEASE_S, &taken, err)) return false;
        if (taken) break;
        if (!told) an_job_say(c->job, "%s: the same work is being done already; waiting for its result", kind->name);
        told = true;
        usleep(pause_us);
        if (result && (!from_cache(kind, c, key, result, err) || *result)) return *result != NULL;
    }
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->wake, NULL);
    l->running = pthread_create(&l->thread, NULL, keep_claim, l) == 0;
    return true;
}

static void claim_give(claim *l)
{
    if (l->running) {
        pthread_mutex_lock(&l->lock);
        l->over = true;
        pthread_cond_signal(&l->wake);
        pthread_mutex_unlock(&l->lock);
        pthread_join(l->thread, NULL);
    }
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->wake);
    an_error ignored = { 0 };
    (void)!an_lease_give(l->store, l->what, &ignored); /* runs out by itself */
}

/* ---- running ---- */

typedef struct relay { /* from the step's own job to the run's metrics and to the job above */
    an_store *store;
    const char *run;
    an_job *above;
    char *stage;
} relay;

static void relay_progress(void *context, const char *stage, double done, double total, const char *unit)
{
    relay *r = context;
    if (!r->stage || strcmp(r->stage, stage) != 0) {
        free(r->stage);
        r->stage = an_strdup(stage);
        an_job_stage(r->above, stage);
    }
    if (done != 0 || total != 0) an_job_progress(r->above, done, total, unit);
}

static void relay_metric(void *context, const char *name, int64_t step, double value)
{
    relay *r = context;
    an_error ignored = { 0 }; /* kept in memory until the database can be written; the end of the run tells */
    (void)!an_run_metric(r->store, r->run, name, step, value, &ignored);
    an_job_metric(r->above, name, step, value);
}

static void relay_message(void *context, const char *text)
{
    relay *r = context;
    an_job_say(r->above, "%s", text);
}

static bool record_values(an_store *s, const char *run, an_edge edge, const an_flow_values *v, an_error *err)
{
    for (int i = 0; v && i < v->count; i++)
        if (!an_run_artifact(s, run, edge, v->value[i].port, &v->value[i].address, err)) return false;
    return true;
}

static json_t *do_step(const an_step_kind *kind, const void *options, const an_step_context *context, const char *run, const char *work,
                       an_flow_values *outputs, an_error *err)
{
    relay r = { context->store, run, context->job, NULL };
    an_job_options part = { .pool = an_job_pool(context->job),
                            .seed = an_job_seed(context->job),
                            .sink = { &r, relay_progress, relay_metric, relay_message },
                            .folder = work };
    an_job *job = an_job_part(context->job, &part);
    an_step_context inner = *context;
    inner.run = run;
    inner.job = job;
    inner.outputs = outputs;
    json_t *result = kind->run(&inner, options, err);
    an_job_free(job);
    free(r.stage);
    if (!result) {
        if (err->code == AN_OK) an_fail(err, AN_FAILED, "%s ended without a result and without a reason", kind->name);
        return NULL;
    }
    const char *missing = missing_output(kind, outputs);
    if (missing) an_fail(err, AN_FAILED, "%s did not make its output \"%s\"", kind->name, missing);
    /* cppcheck-suppress returnDanglingLifetime ; a result never points into the context */
    if (!missing && record_values(context->store, run, AN_EDGE_OUT, outputs, err)) return result;
    json_decref(result);
    return NULL;
}

/* With the claim in hand. */
static json_t *run_claimed(const an_step_kind *kind, const void *options, const an_step_context *context, const char *parent_run,
                           const char *key, an_error *err)
{
    json_t *params = an_params_json(kind->params, options), *result = NULL;
    char *run = an_run_begin(context->store, "step", kind->name, parent_run, key, params, an_job_seed(context->job), err);
    json_decref(params);
    if (!run) return NULL;
    char *work_key = an_format("step-%s", key), *work = NULL;
    an_flow_values outputs = { 0 };
    if (record_values(context->store, run, AN_EDGE_IN, context->inputs, err) &&
        (work = an_store_work_folder(context->store, work_key, err)))
        result = do_step(kind, options, context, run, work, &outputs, err);
    an_error ignored = { 0 };
    if (!result) {
        /* the work folder stays: what was half done goes on from there */
        (void)!an_run_end(context->store, run, err->code == AN_STOPPED ? "stopped" : "failed", NULL, err, &ignored);
    } else if (an_run_end(context->store, run, "done", result, NULL, err)) {
        (void)!an_store_work_done(context->store, work_key, &ignored);
        if (context->outputs) *context->outputs = outputs;
    } else {
        json_decref(result);
        result = NULL;
    }
    free(work);
    free(work_key);
    free(run);
    return result;
}

/* Starting anew, checkpoints of an unfinished equal run are not gone on with. */
static bool forget_half_done(an_store *s, const char *key, an_error *err)
{
    char *work_key = an_format("step-%s", key);
    bool good = an_store_work_done(s, work_key, err);
    free(work_key);
    return good;
}

json_t *an_step_run(const an_step_kind *kind, const void *options, const an_step_context *context, const char *parent_run, bool fresh,
                    bool *cached, an_error *err)
{
    char key[65];
    json_t *result = NULL;
    an_error why = { 0 };
    bool good = an_job_check(context->job, &why) && make_key(kind, options, context, key, &why);
    bool from = false;
    if (good && !fresh) {
        good = from_cache(kind, context, key, &result, &why);
        from = result != NULL;
    }
    if (good && !result) {
        claim l = { .store = context->store, .what = an_format("step %s", key) };
        good = claim_take(&l, kind, context, key, fresh ? NULL : &result, &why);
        from = result != NULL;
        if (good && !result) {
            /* somebody may have finished it between the question and the claim */
            good = fresh ? forget_half_done(context->store, key, &why) : from_cache(kind, context, key, &result, &why);
            from = result != NULL;
            if (good && !result) result = run_claimed(kind, options, context, parent_run, key, &why);
            claim_give(&l);
        }
        free(l.what);
    }
    if (cached) *cached = from;
    if (!result && err) *err = why;
    return result;
}
