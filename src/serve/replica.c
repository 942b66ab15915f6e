/* replica.c - the parent's side of the worker processes: starts them, hands them batches, takes back scores, replaces those that die or
 * hang, and keeps as many as the load needs. A batch whose worker died is given to another once.
 *
 * Workers are the program itself, started anew (a process with threads must not fork and go on); they end when their socket does.
 */
#include "serve/replica.h"
#include "serve/replica_limits.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEPTH = 2 }; /* batches a worker has: one it works on, one that waits in its socket */
static const double tick_s = 0.1, start_s = 30, smooth = 0.2;

/* Jobs of a worker that is gone: once more, or not at all. */
static void hand_back(an__replicas *r, an__given *b)
{
    an__job *again = NULL, *broken = NULL;
    while (b->jobs) {
        an__job *j = b->jobs;
        b->jobs = j->next;
        bool once_more = j->tries++ == 0 && !r->freeing;
        r->facts.retried += once_more;
        j->next = once_more ? again : broken; /* reversed here, and again by going to the front one by one */
        if (once_more)
            again = j;
        else
            broken = j;
    }
    if (again) an__batcher_again(r->batcher, again);
    while (broken) {
        an__job *j = broken;
        broken = j->next;
        j->next = NULL;
        j->done(j, AN__BROKEN, r->freeing ? "the server is stopping" : "two worker processes failed on it");
    }
}

static void bury(an__worker *w)
{
    an__replicas *r = w->owner;
    an_loop_watch(r->loop, w->fd, 0, NULL, NULL, NULL);
    close(w->fd);
    kill(w->pid, SIGKILL);
    waitpid(w->pid, NULL, 0);
    an__limits_remove(r->limits, w->pid);
    an_buf_free(&w->in);
    an_buf_free(&w->out);
    an__given *all = NULL; /* last first: an__batcher_again puts each before what is there */
    while (w->first) {
        an__given *b = w->first;
        w->first = b->next;
        b->next = all;
        all = b;
    }
    w->last = &w->first;
    w->pid = 0;
    w->depth = 0;
    w->ready = false;
    while (all) {
        an__given *b = all;
        all = b->next;
        hand_back(r, b);
        free(b);
    }
}

static void follow_load(an__replicas *r, double now);

static void died(an__worker *w)
{
    an__replicas *r = w->owner;
    double lived = an_clock_s() - w->started;
    bool asked = w->ending;
    bury(w);
    r->changed = an_clock_s();
    if (asked) return;
    r->facts.died++;
    r->backoff = lived > 1 ? 0 : r->backoff * 2 + 0.05; /* a worker that cannot start must not be started a thousand times a second */
    if (r->backoff > 5) r->backoff = 5;
    r->not_before = an_clock_s() + r->backoff;
    if (!r->freeing) follow_load(r, an_clock_s()); /* where it was the last one, requests wait for the next */
}

/* ---- batches ---- */

static bool give(an__replicas *r, an__worker *w)
{
    size_t rows;
    an__job *jobs = an__batcher_take(r->batcher, &rows);
    if (!jobs) return false;
    an__given *b = an_alloc(sizeof *b);
    *b = (an__given){ .id = ++r->next_id, .jobs = jobs, .rows = rows, .given = an_clock_s() };
    *w->last = b;
    w->last = &b->next;
    if (!w->depth++) w->since = b->given;
    size_t d = jobs->served->features;
    an__worker_frame(w, AN__FRAME_SCORE, b->id, &jobs->served->address, rows, d);
    for (const an__job *j = jobs; j; j = j->next) an_buf_add(&w->out, j->values, j->rows * d * sizeof *j->values);
    if (!an__worker_flush(w)) died(w); /* the batch is back in the queue */
    return true;
}

void an__replicas_turn(an__replicas *r)
{
    for (int depth = 0; depth < DEPTH; depth++) {
        int from = r->next_slot; /* in turn, so that equally idle workers share the work */
        for (int i = 0; i < r->o.high; i++) {
            int slot = (from + i) % r->o.high;
            an__worker *w = &r->slot[slot];
            if (!w->pid || !w->ready || w->ending || w->depth != depth) continue;
            if (!give(r, w)) return;
            r->next_slot = (slot + 1) % r->o.high;
        }
    }
}

static void finish(an__worker *w, an__given *b, const double *score, const char *why)
{
    w->batches++;
    w->rows += b->rows;
    if (score) an__batcher_scored(w->owner->batcher, b->rows, an_clock_s() - b->given);
    for (size_t at = 0; b->jobs;) {
        an__job *j = b->jobs;
        b->jobs = j->next;
        j->next = NULL;
        if (score) memcpy(j->score, score + at, j->rows * sizeof *score);
        at += j->rows;
        j->done(j, score ? AN__SCORED : AN__ERROR, why);
    }
    free(b);
}

/* One frame from the worker; *size: what it takes of the buffer, 0: not all of it is there. False: it makes no sense. */
static bool frame_take(an__worker *w, const char *bytes, size_t n, size_t *size)
{
    an__frame f;
    *size = 0;
    if (n < sizeof f) return true;
    memcpy(&f, bytes, sizeof f);
    if (f.magic != AN__FRAME_MAGIC) return false;
    size_t payload = f.kind == AN__FRAME_DONE ? f.rows * sizeof(double) : f.kind == AN__FRAME_ERROR ? f.rows : 0;
    if (n < sizeof f + payload) return true;
    *size = sizeof f + payload;
    if (f.kind == AN__FRAME_READY) {
        w->ready = true;
        w->owner->backoff = 0;
        w->owner->changed = an_clock_s();
        return true;
    }
    an__given *b = w->first;
    if (!b || b->id != f.id || (f.kind != AN__FRAME_DONE && f.kind != AN__FRAME_ERROR) || (f.kind == AN__FRAME_DONE && f.rows != b->rows))
        return false;
    double now = an_clock_s();
    w->first = b->next;
    if (!w->first) w->last = &w->first;
    if (!--w->depth) w->busy += now - w->since;
    if (w->first) w->first->given = now;
    an_error why = { 0 };
    double *score = NULL;
    if (f.kind == AN__FRAME_DONE)
        score = an_alloc_data(f.rows + 1, sizeof *score, "scores", &why); /* aligned */
    else
        an_fail(&why, AN_FAILED, "%.*s", (int)payload, bytes + sizeof f);
    if (score) memcpy(score, bytes + sizeof f, payload);
    finish(w, b, score, why.message);
    free(score);
    return true;
}

static bool receive(an__worker *w)
{
    char bytes[65536];
    for (;;) {
        ssize_t n = recv(w->fd, bytes, sizeof bytes, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
        if (n <= 0) return false;
        an_buf_add(&w->in, bytes, (size_t)n);
        if ((size_t)n < sizeof bytes) break;
    }
    size_t at = 0, size;
    do {
        if (!frame_take(w, w->in.data + at, w->in.size - at, &size)) return false;
        at += size;
    } while (size && at < w->in.size);
    memmove(w->in.data, w->in.data + at, w->in.size - at);
    w->in.size -= at;
    return true;
}

void an__worker_event(void *context, int fd, unsigned events)
{
    (void)fd;
    an__worker *w = context;
    if (!w->pid) return;
    bool ok = !(events & (AN_READABLE | AN_HANGUP)) || receive(w);
    if (ok && (events & AN_WRITABLE)) ok = an__worker_flush(w);
    if (!ok) {
        died(w);
    } else if (w->ending && !w->depth) {
        bury(w);
    }
}

/* ---- load ---- */

static int alive(const an__replicas *r)
{
    int n = 0;
    for (int i = 0; i < r->o.high; i++) n += r->slot[i].pid && !r->slot[i].ending;
    return n;
}

static void end_one(an__replicas *r)
{
    an__worker *idle = NULL;
    for (int i = r->o.high; i-- > 0;) {
        an__worker *w = &r->slot[i];
        if (w->pid && !w->ending && (!idle || w->depth < idle->depth)) idle = w;
    }
    if (!idle) return;
    idle->ending = true;
    r->changed = an_clock_s();
    if (!idle->depth) bury(idle);
}

static void measure(an__replicas *r, double now)
{
    double passed = now - r->ticked, busy = 0;
    int ready = 0;
    for (int i = 0; i < r->o.high; i++) {
        an__worker *w = &r->slot[i];
        if (!w->pid || !w->ready) continue;
        if (w->depth) {
            w->busy += now - w->since;
            w->since = now;
        }
        ready++;
        busy += w->busy;
        w->busy = 0;
    }
    r->ticked = now;
    if (ready && passed > 0) r->load += smooth * (fmin(busy / passed / ready, 1) - r->load);
}

static void follow_load(an__replicas *r, double now)
{
    int n = alive(r);
    bool queued = an__batcher_waiting(r->batcher) > 0, settled = now - r->changed > 0.5;
    if (n < r->o.low || (n < r->o.high && settled && (r->load > r->o.busy || (queued && r->load > r->o.calm)))) {
        for (int i = 0; i < r->o.high && now >= r->not_before; i++) {
            if (r->slot[i].pid) continue;
            an_error err = { 0 };
            if (!an__worker_start(r, &r->slot[i], &err)) r->not_before = now + 1;
            if (++n >= r->o.low) break;
        }
        r->calm_since = now;
    } else if (n <= r->o.low || r->load * n / (n - 1) >= r->o.calm) {
        r->calm_since = now;
    } else if (now - r->calm_since > r->o.calm_s && settled) {
        end_one(r);
        r->calm_since = now - r->o.calm_s / 2; /* further ones go sooner */
    }
}

static void on_tick(void *context)
{
    an__replicas *r = context;
    double now = an_clock_s();
    r->timer = NULL;
    for (int i = 0; i < r->o.high; i++) {
        an__worker *w = &r->slot[i];
        if (!w->pid) continue;
        bool hangs = w->ready ? w->first && now - w->first->given > r->o.hang_s : now - w->started > start_s;
        if (!hangs) continue;
        r->facts.hung++;
        died(w);
    }
    measure(r, now);
    follow_load(r, now);
    r->timer = an_loop_after(r->loop, tick_s, on_tick, r);
}

/* ---- making ---- */

an__replicas *an__replicas_new(an_loop *l, const an__replica_options *o)
{
    an__replicas *r = an_alloc(sizeof *r);
    r->loop = l;
    r->o = *o;
    r->slot = an_alloc_n((size_t)o->high, sizeof *r->slot);
    r->ticked = r->calm_since = an_clock_s();
    r->limits = an__limits_open("", o->cpus, o->memory_mb);
    return r;
}

void an__replicas_use(an__replicas *r, an__batcher *b)
{
    r->batcher = b;
    on_tick(r);
}

void an__replicas_load(an__replicas *r, an__served *v)
{
    for (size_t i = 0; i < r->model_count; i++)
        if (r->models[i] == v) return;
    r->models = an_resize_n(r->models, r->model_count + 1, sizeof *r->models);
    r->models[r->model_count++] = an__served_hold(v);
    for (int i = 0; i < r->o.high; i++) {
        an__worker *w = &r->slot[i];
        if (!w->pid) continue;
        an__worker_frame(w, AN__FRAME_LOAD, 0, &v->address, 0, 0);
        an__worker_flush(w); /* a failure shows as the end of its socket */
    }
}

void an__replicas_forget(an__replicas *r, an__models *m)
{
    for (size_t i = 0; i < r->model_count; i++) {
        bool served = false;
        for (size_t k = 0; k < an__models_count(m); k++) served |= an__models_at(m, k).served == r->models[i];
        if (served) continue;
        an__served_release(r->models[i]);
        r->models[i--] = r->models[--r->model_count];
    }
}

bool an__replicas_ready(const an__replicas *r)
{
    for (int i = 0; i < r->o.high; i++)
        if (r->slot[i].pid && r->slot[i].ready) return true;
    return false;
}

void an__replicas_facts(const an__replicas *r, an__replica_facts *out)
{
    *out = r->facts;
    out->low = r->o.low;
    out->high = r->o.high;
    out->busy = r->load;
    out->limits = an__limits_how(r->limits);
    for (int i = 0; i < r->o.high; i++) out->alive += r->slot[i].pid && r->slot[i].ready && !r->slot[i].ending;
}

bool an__replicas_at(const an__replicas *r, size_t i, long *pid, uint64_t *batches, uint64_t *rows)
{
    if (i >= (size_t)r->o.high || (!r->slot[i].pid && !r->slot[i].batches)) return false;
    *pid = r->slot[i].pid;
    *batches = r->slot[i].batches;
    *rows = r->slot[i].rows;
    return true;
}

void an__replicas_stop(an__replicas *r)
{
    r->freeing = true;
    an_loop_cancel(r->loop, r->timer);
    r->timer = NULL;
    for (int i = 0; i < r->o.high; i++)
        if (r->slot[i].pid) bury(&r->slot[i]);
}

void an__replicas_free(an__replicas *r)
{
    if (!r) return;
    an__replicas_stop(r);
    an__limits_close(r->limits);
    for (size_t i = 0; i < r->model_count; i++) an__served_release(r->models[i]);
    free(r->models);
    free(r->slot);
    free(r);
}
