/* batch.c - rows that wait to be scored: one queue a version of a model, batches by rows (not by requests), a bound on all that waits, and
 * deadlines: what is late is given up before work is spent on it. Batches go to the replicas, or are scored here where there are none.
 */
#include "serve/server.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct an__batcher {
    an_loop *loop;
    an__batch_options o;
    an__replicas *replicas;
    an__metrics *metrics;
    an__served *first, **last; /* versions with a queue, each in turn */
    size_t rows;               /* that wait, over all of them */
    an_timer *timer;
    double swept;           /* when late ones were looked for last */
    bool deadlines;         /* some job in a queue has one */
    double *values, *score; /* of a batch of several jobs */
    size_t values_room, score_room;
    double rate; /* rows a second that were scored lately; 0: unknown */
};

an__batcher *an__batcher_new(an_loop *l, const an__batch_options *o, an__replicas *replicas, an__metrics *metrics)
{
    an__batcher *b = an_alloc(sizeof *b);
    *b = (an__batcher){ .loop = l, .o = *o, .replicas = replicas, .metrics = metrics };
    b->last = &b->first;
    return b;
}

/* ---- queues ---- */

static void enlist(an__batcher *b, an__served *v)
{
    v->queue.next = NULL;
    *b->last = v;
    b->last = &v->queue.next;
}

static void delist(an__batcher *b, an__served *v)
{
    for (an__served **at = &b->first; *at; at = &(*at)->queue.next) {
        if (*at != v) continue;
        *at = v->queue.next;
        if (b->last == &v->queue.next) b->last = at;
        return;
    }
}

/* Not worth any work: too late, or nobody is there any more. */
static bool late(const an__job *j, double now)
{
    return now > j->deadline || (j->gone && j->gone(j));
}

bool an__batcher_add(an__batcher *b, an__job *j)
{
    if (b->rows && b->rows + j->rows > b->o.queue) return false;
    an__served *v = j->served;
    if (!v->queue.first) enlist(b, v);
    j->next = NULL;
    *v->queue.last = j;
    v->queue.last = &j->next;
    v->queue.rows += j->rows;
    b->rows += j->rows;
    b->deadlines |= isfinite(j->deadline);
    return true;
}

void an__batcher_again(an__batcher *b, an__job *jobs)
{
    while (jobs) {
        an__job *j = jobs;
        jobs = j->next;
        an__served *v = j->served;
        if (!v->queue.first) enlist(b, v);
        j->next = v->queue.first;
        if (!v->queue.first) v->queue.last = &j->next;
        v->queue.first = j;
        v->queue.rows += j->rows;
        b->rows += j->rows;
        b->deadlines |= isfinite(j->deadline);
    }
}

static void give_up(an__job *j)
{
    j->next = NULL;
    if (j->gone && j->gone(j))
        j->done(j, AN__GONE, "the client hung up");
    else
        j->done(j, AN__LATE, "its deadline passed while it waited");
}

/* Requests whose client no longer waits are answered in time, also where no replica is free. */
static void sweep(an__batcher *b, double now)
{
    if (!b->deadlines || now - b->swept < 0.01) return;
    b->swept = now;
    b->deadlines = false;
    for (an__served *v = b->first, *next; v; v = next) {
        next = v->queue.next;
        an__job **at = &v->queue.first, *given_up = NULL;
        while (*at) {
            an__job *j = *at;
            if (late(j, now)) {
                *at = j->next;
                v->queue.rows -= j->rows;
                b->rows -= j->rows;
                j->next = given_up;
                given_up = j;
            } else {
                b->deadlines |= isfinite(j->deadline);
                at = &j->next;
            }
        }
        v->queue.last = at;
        if (!v->queue.first) delist(b, v);
        while (given_up) { /* the last may be what held v */
            an__job *j = given_up;
            given_up = j->next;
            give_up(j);
        }
    }
}

static bool due(const an__batcher *b, const an__served *v, double now)
{
    return v->queue.rows >= b->o.rows || now - v->queue.first->since >= b->o.wait_s || b->rows >= b->o.queue;
}

an__job *an__batcher_take(an__batcher *b, size_t *rows)
{
    double now = an_loop_now(b->loop);
    for (an__served *v = b->first, *next; v; v = next) {
        next = v->queue.next;
        if (!due(b, v, now)) continue;
        an__job *batch = NULL, **end = &batch, *given_up = NULL;
        *rows = 0;
        while (v->queue.first && (!*rows || *rows + v->queue.first->rows <= b->o.rows)) {
            an__job *j = v->queue.first;
            v->queue.first = j->next;
            v->queue.rows -= j->rows;
            b->rows -= j->rows;
            if (late(j, now)) {
                j->next = given_up;
                given_up = j;
                continue;
            }
            j->next = NULL;
            *end = j;
            end = &j->next;
            *rows += j->rows;
        }
        if (!v->queue.first) v->queue.last = &v->queue.first;
        delist(b, v);
        if (v->queue.first) enlist(b, v); /* behind the others */
        while (given_up) {
            an__job *j = given_up;
            given_up = j->next;
            give_up(j);
        }
        if (batch) return batch;
    }
    return NULL;
}

size_t an__batcher_waiting(const an__batcher *b)
{
    return b->rows;
}

double an__batcher_retry_s(const an__batcher *b)
{
    double s = b && b->rate > 0 ? ceil((double)b->rows / b->rate) : 1;
    return s < 1 ? 1 : s > 60 ? 60 : s;
}

void an__batcher_scored(an__batcher *b, size_t rows, double seconds)
{
    an__metrics_batch(b->metrics, rows, seconds);
    b->rate = 0.9 * b->rate + 0.1 * (double)rows / (seconds + 1e-6);
}

/* ---- scoring in this process ---- */

static bool gather(an__batcher *b, const an__job *batch, size_t rows, an_error *err)
{
    size_t d = batch->served->features, at = 0;
    if (b->values_room < rows * d) {
        free(b->values);
        b->values = an_alloc_data(rows * d, sizeof *b->values, "rows of a batch", err);
        b->values_room = b->values ? rows * d : 0;
    }
    if (b->score_room < rows) {
        free(b->score);
        b->score = an_alloc_data(rows, sizeof *b->score, "scores of a batch", err);
        b->score_room = b->score ? rows : 0;
    }
    if (!b->values || !b->score) return false;
    for (const an__job *j = batch; j; j = j->next) {
        memcpy(b->values + at * d, j->values, j->rows * d * sizeof *b->values);
        at += j->rows;
    }
    return true;
}

static void finish(an__job *batch, const double *score, const an_error *err)
{
    for (size_t at = 0; batch;) {
        an__job *j = batch;
        batch = j->next;
        j->next = NULL;
        if (!err && score) memcpy(j->score, score + at, j->rows * sizeof *score);
        at += j->rows;
        j->done(j, err ? AN__ERROR : AN__SCORED, err ? err->message : NULL);
    }
}

static void score_here(an__batcher *b)
{
    size_t rows;
    for (an__job *batch; (batch = an__batcher_take(b, &rows)) != NULL;) {
        an_error err = { 0 };
        double began = an_clock_s();
        bool alone = !batch->next, ok;
        if (alone)
            ok = an_model_score_rows(batch->served->model, batch->values, rows, batch->score, &err);
        else
            ok = gather(b, batch, rows, &err) && an_model_score_rows(batch->served->model, b->values, rows, b->score, &err);
        double seconds = an_clock_s() - began;
        an__batcher_scored(b, rows, seconds);
        finish(batch, alone ? NULL : b->score, ok ? NULL : &err);
    }
}

/* ---- turns ---- */

static void on_time(void *context)
{
    an__batcher *b = context;
    b->timer = NULL; /* the end of this turn does the rest */
}

void an__batcher_turn(an__batcher *b)
{
    double now = an_loop_now(b->loop);
    sweep(b, now);
    if (b->replicas)
        an__replicas_turn(b->replicas);
    else
        score_here(b);
    if (b->first && !b->timer) b->timer = an_loop_after(b->loop, b->replicas ? 0.01 : b->o.wait_s > 1e-4 ? b->o.wait_s : 1e-4, on_time, b);
}

void an__batcher_free(an__batcher *b)
{
    if (!b) return;
    an_loop_cancel(b->loop, b->timer);
    while (b->first) {
        an__served *v = b->first;
        an__job *j = v->queue.first;
        v->queue.first = j->next;
        v->queue.rows -= j->rows;
        if (!v->queue.first) {
            v->queue.last = &v->queue.first;
            delist(b, v);
        }
        j->next = NULL;
        j->done(j, AN__BROKEN, "the server is stopping");
    }
    free(b->values);
    free(b->score);
    free(b);
}
