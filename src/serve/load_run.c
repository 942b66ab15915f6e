/* load_run.c - sends requests when they are due, whatever became of those before, and counts what comes back.
 *
 * A request that finds all connections taken waits for one, and its time runs on from the moment it was due: a server that stalls for a
 * second delays the hundreds of requests of that second, and all of them are counted as late ("coordinated omission" is what leaves them
 * out: Tene, How not to measure latency). One thread, one loop. The wake-up of the next request is a timerfd, because the loop's own timers
 * count in milliseconds.
 */
#include "serve/load.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

static const double beat_s = 0.1; /* progress, Ctrl-C, the ends of seconds */

struct run;
typedef struct slot { /* one connection */
    struct run *run;
    an_http_client *client;
    double due; /* of the request in flight */
} slot;

typedef struct run {
    const an__load_options *o;
    an__load_result *r;
    an_job *job;
    an_loop *loop;
    int clock;
    slot *slots;
    slot **idle; /* a ring: the one that has rested for longest goes next */
    size_t idle_at, idle_count;
    double *waiting; /* a ring of the times they were due */
    size_t waiting_at, waiting_count, waiting_room;
    size_t flying, body;
    an__schedule schedule;
    double start, next, end, give_up; /* next: INFINITY: no more */
    uint64_t beats;
    an__histogram *second_measured, *second_all;
    uint64_t second_ok, second_errors;
    an__load_watch *watch;
    bool over;
} run;

static double lead(const an__load_options *o)
{
    return o->plan.ramp_s + o->warmup_s;
}

/* ---- counting ---- */

static void count_error(run *v, double due, const char *kind, const char *why)
{
    an__load_errors *e = &v->r->kinds;
    size_t i = 0;
    while (i < e->count && strcmp(e->kind[i].kind, kind)) i++;
    if (i == e->count && i < AN__LOAD_KINDS - 1) {
        snprintf(e->kind[i].kind, sizeof e->kind[i].kind, "%s", kind);
        snprintf(e->kind[i].first, sizeof e->kind[i].first, "%s", why);
        e->count++;
    } else if (i >= AN__LOAD_KINDS - 1 && e->count < AN__LOAD_KINDS) {
        snprintf(e->kind[i].kind, sizeof e->kind[i].kind, "others");
        snprintf(e->kind[i].first, sizeof e->kind[i].first, "%s", why);
        e->count++;
    }
    e->kind[i].times++;
    v->second_errors++;
    if (due - v->start >= lead(v->o))
        v->r->errors++;
    else
        v->r->warm_errors++;
}

static void count_right(run *v, double due, const an_http_reply *reply)
{
    double took = reply->finished - due;
    v->second_ok++;
    if (due - v->start < lead(v->o)) {
        v->r->warm_ok++;
        an__histogram_add(v->second_all, took);
        return;
    }
    v->r->ok++;
    an__histogram_add(v->second_measured, took);
    an__histogram_add(v->r->service, reply->finished - reply->sent);
    double since = reply->finished - v->start - lead(v->o);
    if (since > v->r->last) v->r->last = since;
}

static void end_second(run *v, double now)
{
    an__load_result *r = v->r;
    an__histogram_merge(r->latency, v->second_measured);
    an__histogram_merge(v->second_all, v->second_measured);
    if (!(r->seconds_count & (r->seconds_count - 1)))
        r->second = an_resize_n(r->second, r->seconds_count ? 2 * r->seconds_count : 1, sizeof *r->second);
    an__load_second *s = &r->second[r->seconds_count++];
    *s = (an__load_second){ .t = now - v->start,
                            .ok = v->second_ok,
                            .errors = v->second_errors,
                            .p50 = 1e3 * an__histogram_quantile(v->second_all, 0.5, 0),
                            .p99 = 1e3 * an__histogram_quantile(v->second_all, 0.99, 0),
                            .users = now < v->end ? an__load_users(&v->o->plan, now - v->start) : v->o->plan.users,
                            .waiting = v->waiting_count };
    an__load_watch_look(v->watch, &s->use);
    an__histogram_clear(v->second_measured);
    an__histogram_clear(v->second_all);
    v->second_ok = v->second_errors = 0;
}

/* What came after the last whole second. Less than half a second makes no point of its own in the course over time. */
static void end_rest(run *v, double now)
{
    an__load_result *r = v->r;
    if (!r->seconds_count || now - v->start >= (double)r->seconds_count + 0.5) {
        end_second(v, now);
        return;
    }
    an__histogram_merge(r->latency, v->second_measured);
    r->second[r->seconds_count - 1].ok += v->second_ok;
    r->second[r->seconds_count - 1].errors += v->second_errors;
}

/* ---- sending ---- */

static void dispatch(run *v);

static void maybe_end(run *v)
{
    if (isinf(v->next) && !v->waiting_count && !v->flying) an_loop_stop(v->loop);
}

static void replied(void *context, const an_http_reply *reply, const an_error *err)
{
    slot *s = context;
    run *v = s->run;
    char kind[40], why[256];
    v->flying--;
    if (v->over) { /* cut at the end */
        if (!v->r->interrupted) count_error(v, s->due, "no answer until the end", err ? err->message : "");
        return;
    }
    if (!reply->status && err) {
        bool late = strstr(err->message, "within") != NULL;
        count_error(v, s->due, err->code == AN_CORRUPT ? "not HTTP" : late ? "timeout" : "connection", err->message);
    } else if (an__load_answer(reply, v->o->bodies->v2, kind, why)) {
        count_right(v, s->due, reply);
    } else {
        count_error(v, s->due, kind, why);
    }
    v->idle[(v->idle_at + v->idle_count++) % (size_t)v->o->connections] = s;
    dispatch(v);
    maybe_end(v);
}

static void dispatch(run *v)
{
    const an__load_bodies *b = v->o->bodies;
    while (v->waiting_count && v->idle_count) {
        double due = v->waiting[v->waiting_at];
        v->waiting_at = (v->waiting_at + 1) % v->waiting_room;
        v->waiting_count--;
        if (an_clock_s() - due > v->o->timeout_s) {
            count_error(v, due, "not sent in time", "all connections were taken for longer than --timeout-s");
            continue;
        }
        slot *s = v->idle[v->idle_at];
        v->idle_at = (v->idle_at + 1) % (size_t)v->o->connections;
        v->idle_count--;
        s->due = due;
        v->flying++;
        an_http_client_send(s->client, "POST", b->target, "Content-Type: application/json\r\n", b->items[v->body], b->sizes[v->body],
                            replied, s);
        v->body = (v->body + 1) % b->count;
    }
}

static void wait_for(run *v, double due)
{
    if (v->waiting_count == v->waiting_room) {
        size_t room = v->waiting_room ? 2 * v->waiting_room : 256;
        double *more = an_alloc_n(room, sizeof *more);
        for (size_t i = 0; i < v->waiting_count; i++) more[i] = v->waiting[(v->waiting_at + i) % v->waiting_room];
        free(v->waiting);
        v->waiting = more;
        v->waiting_at = 0;
        v->waiting_room = room;
    }
    v->waiting[(v->waiting_at + v->waiting_count++) % v->waiting_room] = due;
}

static void set_clock(run *v)
{
    struct itimerspec at = { 0 };
    if (isfinite(v->next)) {
        at.it_value.tv_sec = (time_t)v->next;
        at.it_value.tv_nsec = (long)((v->next - floor(v->next)) * 1e9);
        if (!at.it_value.tv_sec && !at.it_value.tv_nsec) at.it_value.tv_nsec = 1; /* zero would mean never */
    }
    timerfd_settime(v->clock, TFD_TIMER_ABSTIME, &at, NULL);
}

static void due(void *context, int fd, unsigned events)
{
    run *v = context;
    uint64_t ignored;
    (void)events;
    if (read(fd, &ignored, sizeof ignored) < 0) return; /* set anew since */
    double now = an_clock_s();
    while (v->next <= now) {
        if (v->next - v->start >= lead(v->o)) an__histogram_add(v->r->lag, now - v->next);
        wait_for(v, v->next);
        v->next = v->start + an__schedule_next(&v->schedule);
        if (v->next >= v->end) v->next = INFINITY;
    }
    set_clock(v);
    dispatch(v);
    maybe_end(v);
}

/* ---- the beat ---- */

static void stop_early(run *v, double now)
{
    v->r->interrupted = true;
    v->r->seconds = fmax(0, fmin(now, v->end) - v->start - lead(v->o));
    v->next = INFINITY;
    v->waiting_count = 0;
    v->give_up = fmin(v->give_up, now + 1); /* what is in flight may come in */
    set_clock(v);
    maybe_end(v);
}

static void beat(void *context)
{
    run *v = context;
    double now = an_clock_s();
    if (an_job_stopped(v->job) && !v->r->interrupted) stop_early(v, now);
    if (now - v->start >= (double)v->r->seconds_count + 1) {
        end_second(v, now);
        if (v->r->seconds_count % 10 == 0) {
            const an__load_second *s = &v->r->second[v->r->seconds_count - 1];
            an_job_say(v->job, "%.0f s: %llu answers/s, p50 %.2f ms, p99 %.2f ms, %llu errors so far", s->t, (unsigned long long)s->ok,
                       s->p50, s->p99, (unsigned long long)(v->r->errors + v->r->warm_errors));
        }
    }
    an_job_progress(v->job, fmin(now, v->end) - v->start, v->end - v->start, "s");
    if (now >= v->give_up) {
        an_loop_stop(v->loop);
        return;
    }
    v->beats++;
    an_loop_after(v->loop, v->start + (double)(v->beats + 1) * beat_s - an_loop_now(v->loop), beat, v);
}

/* ---- putting it together ---- */

static bool set_up(run *v, an_error *err)
{
    const an__load_options *o = v->o;
    if (!(v->loop = an_loop_new(err))) return false;
    v->clock = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (v->clock < 0) return an_fail_errno(err, "cannot make a timer");
    size_t n = (size_t)o->connections;
    v->slots = an_alloc_n(n, sizeof *v->slots);
    v->idle = an_alloc_n(n, sizeof *v->idle);
    for (size_t i = 0; i < n; i++) {
        slot *s = v->idle[v->idle_count++] = &v->slots[i];
        s->run = v;
        if (!(s->client = an_http_client_new(v->loop, o->url, o->ca, o->timeout_s, err))) return false;
    }
    if (!(v->watch = an__load_watch_new(v->loop, o->url, o->ca, err))) return false;
    v->r->local = an__load_watch_local(v->watch);
    v->second_measured = an__histogram_new();
    v->second_all = an__histogram_new();
    return an_loop_watch(v->loop, v->clock, AN_READABLE, due, v, err);
}

static void take_down(run *v)
{
    v->over = true;
    for (size_t i = 0; v->slots && i < (size_t)v->o->connections; i++) an_http_client_free(v->slots[i].client);
    an__load_watch_free(v->watch);
    if (v->clock >= 0) close(v->clock);
    an_loop_free(v->loop);
    an__histogram_free(v->second_measured);
    an__histogram_free(v->second_all);
    free(v->slots);
    free(v->idle);
    free(v->waiting);
}

bool an__load_run(const an__load_options *o, an__load_result *out, an_job *job, an_error *err)
{
    run v = { .o = o, .r = out, .job = job, .clock = -1 };
    *out = (an__load_result){
        .latency = an__histogram_new(), .service = an__histogram_new(), .lag = an__histogram_new(), .seconds = o->seconds, .lead_s = lead(o)
    };
    bool ok = set_up(&v, err);
    if (ok) {
        an_job_stage(job, "load");
        an__schedule_init(&v.schedule, &o->plan);
        an__load_use first;
        an__load_watch_look(v.watch, &first); /* processor time counts from here */
        v.start = an_clock_s() + 0.01;
        v.end = v.start + lead(o) + o->seconds;
        v.give_up = v.end + 2 * o->timeout_s + 1;
        v.next = v.start + an__schedule_next(&v.schedule);
        if (v.next >= v.end) v.next = INFINITY;
        set_clock(&v);
        an_loop_after(v.loop, beat_s, beat, &v);
        ok = !isinf(v.next) || an_fail(err, AN_USAGE, "no request would be due in %g s at %g requests a second", o->seconds, o->plan.rate);
        ok = ok && an_loop_run(v.loop, err);
    }
    if (ok) {
        for (; v.waiting_count && !out->interrupted; v.waiting_count--) {
            count_error(&v, v.waiting[v.waiting_at], "no answer until the end", "never sent: all connections were taken");
            v.waiting_at = (v.waiting_at + 1) % v.waiting_room;
        }
        double now = an_clock_s();
        if (v.second_ok || v.second_errors) end_rest(&v, now);
    }
    take_down(&v);
    if (!ok) an__load_result_free(out);
    return ok;
}

void an__load_result_free(an__load_result *r)
{
    an__histogram_free(r->latency);
    an__histogram_free(r->service);
    an__histogram_free(r->lag);
    free(r->second);
    *r = (an__load_result){ 0 };
}

/* ---- one question ---- */

typedef struct question {
    an_loop *loop;
    int *status;
    an_buf *body;
    an_error *err;
    bool ok;
} question;

static void answered(void *context, const an_http_reply *reply, const an_error *err)
{
    question *q = context;
    *q->status = reply->status;
    q->ok = reply->status != 0;
    if (q->ok)
        an_buf_add(q->body, reply->body.data ? reply->body.data : "", reply->body.size);
    else if (err && q->err)
        *q->err = *err;
    an_loop_stop(q->loop);
}

bool an__load_get(const char *url, const char *ca, const char *target, double timeout_s, int *status, an_buf *body, an_error *err)
{
    question q = { .loop = an_loop_new(err), .status = status, .body = body, .err = err };
    an_http_client *c = q.loop ? an_http_client_new(q.loop, url, ca, timeout_s, err) : NULL;
    bool ok = c != NULL;
    if (ok) {
        an_http_client_send(c, "GET", target, NULL, NULL, 0, answered, &q);
        ok = an_loop_run(q.loop, err) && q.ok;
    }
    an_http_client_free(c);
    an_loop_free(q.loop);
    return ok;
}
