/* parts.c - POST /api/parts/{serial}: features of a part come from its stations, minutes apart; the verdict when all are there. `ok` needs
 * everything: all features, within the ranges of training, in time, by a loaded and approved model. Whatever else happens, the verdict is
 * `test`. The first verdict on (serial, attempt) is the only one; it survives a restart (parts_store.c).
 *
 * Answers of a turn leave after its one transaction.
 */
#include "serve/content.h"
#include "serve/outbox.h"
#include "serve/parts_message.h"
#include "serve/parts_store.h"
#include "serve/server.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    OVERDUE_AT_ONCE = 200,
    MESSAGE_BYTES = 1 << 20 /* one part's features; read into memory as a whole, at up to 50 times its length */
};
static const double overdue_every_s = 2;
static const int64_t clock_slack_us = 2000000; /* a clock that is corrected by less is nobody's fault */

typedef struct reply { /* an answer that waits for the transaction */
    struct reply *next;
    an_exchange *exchange; /* NULL: nobody asks (a part that ran out of time) */
    int status;
    bool unapproved;
    json_t *body;
} reply;

typedef struct deciding { /* a complete part whose score is being found */
    an__job job;          /* first */
    struct deciding *next;
    struct an__parts *parts;
    char *serial, id[AN__ID_ROOM];
    int64_t attempt;
    an__part part;
    an__infer row;
    double score;
    json_t *why;         /* reasons for `test` */
    an_exchange **waits; /* who asked; more than one where a gateway repeats itself */
    size_t wait_count;
    double arrived;
} deciding;

struct an__parts {
    an__parts_options o;
    an__parts_store *store;
    reply *first, **last;
    deciding *deciding;
    an_timer *timer;
    an__outbox *outbox; /* NULL: verdicts only stand in answers */
    uint64_t unkept;    /* messages that could not be kept: answered 503 with `test` */
    char why[300];      /* of the store's last failure; "": it works again */
};

static const an__route *route_of(const char *method)
{
    for (const an__route *r = an__routes; r->method; r++)
        if (!strcmp(r->path, "/api/parts/{serial}") && !strcmp(r->method, method)) return r;
    return NULL;
}

/* ---- answers ---- */

static void say(an__parts *p, an_exchange *x, int status, bool unapproved, json_t *body)
{
    reply *r = an_alloc(sizeof *r);
    *r = (reply){ .exchange = x, .status = status, .unapproved = unapproved, .body = body };
    *p->last = r;
    p->last = &r->next;
}

static void send(an__server *s, an_exchange *x, int status, bool unapproved, const json_t *body)
{
    char *text = an_json_text(body, false);
    an__answer(s, x, route_of("POST"), status, "application/json",
               unapproved      ? "Andon-Unapproved: true\r\n"
               : status == 503 ? "Retry-After: 1\r\n"
               : status == 415 ? AN__CONTENT_TAKES
                               : NULL,
               text, strlen(text));
    free(text);
}

/* An error is a verdict, too: whoever reads only that word must not go on. */
static void refuse(an__server *s, an_exchange *x, int status, const an_error *err)
{
    char *text = an_format("%s%s%s", err->message, err->hint[0] ? "; " : "", err->hint);
    json_t *message = json_string(text),
           *all = json_pack("{s:o, s:s}", "error", message ? message : json_string("bad request"), "verdict", "test");
    free(text);
    send(s, x, status, false, all);
    json_decref(all);
}

/* The store takes no more: nothing is decided that would be forgotten. */
static void unkept(an__parts *p, an_exchange *x, const an_error *err)
{
    p->unkept++;
    snprintf(p->why, sizeof p->why, "%.290s", err->message);
    if (x) refuse(p->o.server, x, 503, err);
}

void an__parts_turn(an__parts *p)
{
    an_error err = { 0 };
    size_t queued;
    bool ok = an__parts_store_commit(p->store, &queued, &err);
    if (queued) an__outbox_wake(p->outbox, queued);
    if (ok && p->first) p->why[0] = 0;
    if (p->first && p->o.server->o.journal) an__journal_flush(p->o.server->o.journal);
    reply *r = p->first;
    p->first = NULL;
    p->last = &p->first;
    while (r) {
        reply *next = r->next;
        if (r->exchange && ok) send(p->o.server, r->exchange, r->status, r->unapproved, r->body);
        if (!ok) unkept(p, r->exchange, &err);
        json_decref(r->body);
        free(r);
        r = next;
    }
}

/* ---- verdicts ---- */

static json_t *repeated(const json_t *answer)
{
    json_t *copy = json_copy((json_t *)(uintptr_t)answer);
    json_object_set_new(copy, "repeated", json_true());
    return copy;
}

/* Decides: keeps the answer, and tells whoever waits. v and score: NULL and NaN where nothing was scored. */
static void decide(an__parts *p, const char *serial, int64_t attempt, an__part *part, const an__served *v, double score, json_t *why,
                   const char *request, an_exchange **waits, size_t count)
{
    an_error err = { 0 };
    char when[32];
    bool positive = v && score >= v->model->threshold.value, unapproved = v && v->unapproved;
    const char *would = json_array_size(why) || !v || isnan(score) ? "test" : positive ? "nok" : "ok";
    if (unapproved) /* even where the operator serves it: a line acts on verdicts, and nobody has answered for this one's */
        an__part_doubt(why, "nobody approved model %s", v->id_text);
    const char *verdict = unapproved ? "test" : would;
    json_t *a = json_pack("{s:s, s:I, s:s, s:s, s:O, s:s}", "serial", serial, "attempt", (json_int_t)attempt, "state", "decided", "verdict",
                          verdict, "why", why, "decided", an_time_text(an_now_us(), when));
    if (part->model) json_object_set_new(a, "model", json_string(part->model));
    if (v) {
        json_object_set_new(a, "version", json_integer(v->version));
        json_object_set_new(a, "threshold", an_json_real(v->model->threshold.value));
        json_object_set_new(a, "calibrated", json_boolean(v->model->calibrated));
        json_object_set_new(a, "probability", an_json_real(score));
        if (!isnan(score)) json_object_set_new(a, "label", json_string(positive ? v->model->positive : v->model->negative));
        if (unapproved) json_object_set_new(a, "unapproved", json_true());
        if (unapproved) json_object_set_new(a, "would_be", json_string(would));
    }
    if (request) json_object_set_new(a, "request", json_string(request));
    json_decref(part->answer);
    part->answer = a;
    if (an__parts_store_put(p->store, serial, attempt, part, &err)) {
        for (size_t i = 0; i < count; i++) say(p, waits[i], 200, unapproved, i ? repeated(a) : json_incref(a));
    } else {
        for (size_t i = 0; i < count; i++) unkept(p, waits[i], &err);
    }
}

static void deciding_free(deciding *d)
{
    for (deciding **at = &d->parts->deciding; *at; at = &(*at)->next)
        if (*at == d) {
            *at = d->next;
            break;
        }
    an__served_release(d->job.served);
    an__infer_free(&d->row);
    an__part_free(&d->part);
    json_decref(d->why);
    free(d->serial);
    free(d->waits);
    free(d);
}

static void scored(an__job *j, an__outcome outcome, const char *why)
{
    deciding *d = (deciding *)j;
    an__server *s = d->parts->o.server;
    if (outcome != AN__SCORED) {
        an__part_doubt(d->why, "not scored: %s", why ? why : "");
        an__metrics_request_failed(s->metrics, j->served, an_clock_s() - d->arrived);
    }
    if (outcome == AN__SCORED) {
        double now = an_clock_s();
        an__metrics_verdicts(s->metrics, j->served, &d->score, 1);
        an__metrics_request(s->metrics, j->served, &(an__request_times){ d->arrived, j->since, j->since, now, now });
        char *part = an_format("%.128s#%lld", d->serial, (long long)d->attempt);
        if (s->o.journal)
            an__journal_add(s->o.journal, &(an__verdict){ .served = j->served,
                                                          .request = d->id,
                                                          .part = part,
                                                          .time_us = an_now_us(),
                                                          .latency_ms = (an_clock_s() - d->arrived) * 1e3,
                                                          .rows = 1,
                                                          .values = d->row.values,
                                                          .score = &d->score });
        free(part);
    }
    decide(d->parts, d->serial, d->attempt, &d->part, j->served, outcome == AN__SCORED ? d->score : NAN, d->why, d->id, d->waits,
           d->wait_count);
    deciding_free(d);
}

static void doubts(const deciding *d)
{
    const an_model *m = d->job.served->model;
    for (size_t i = 0; i < d->job.served->features; i++)
        if (isnan(d->row.values[i])) an__part_doubt(d->why, "%s is missing", m->prep->column[i].name);
    an_buf outside = { 0 };
    an_list names = { 0 };
    an_model_out_of_range_values(m, d->row.values, &outside);
    if (outside.size) an_list_split(&names, outside.data, ';');
    for (size_t i = 0; i < names.count; i++) an__part_doubt(d->why, "%s is outside the range of training", names.items[i]);
    an_list_free(&names);
    an_buf_free(&outside);
}

/* Takes part, v and why. */
static void score_part(an__parts *p, an_exchange *x, const char *serial, int64_t attempt, an__part *part, an__served *v, json_t *why)
{
    an__server *s = p->o.server;
    deciding *d = an_alloc(sizeof *d);
    *d = (deciding){ .parts = p, .serial = an_strdup(serial), .attempt = attempt, .part = *part, .why = why, .next = p->deciding };
    *part = (an__part){ 0 };
    p->deciding = d;
    d->waits = an_alloc(sizeof *d->waits);
    d->waits[d->wait_count++] = x;
    d->arrived = an_exchange_arrived(x);
    an__request_id(s, an_exchange_request(x), d->id);
    d->job = (an__job){ .served = v, .rows = 1, .score = &d->score, .since = an_loop_now(s->o.loop), .done = scored };
    d->job.deadline = d->arrived + s->o.deadline_s;
    an_error err = { 0 };
    int status;
    char *text = an_json_text(d->part.features, false);
    an__infer_limits limits = { .rows = 1, .depth = 8 };
    bool ok = an__infer_read_rows(v->model, (an_span){ text, strlen(text) }, &limits, &d->row, &status, &err);
    free(text);
    if (ok) {
        d->job.values = d->row.values;
        doubts(d);
        if (an__batcher_add(s->batcher, &d->job)) return;
        an_fail(&err, AN_BUSY, "too much waits to be scored");
    }
    scored(&d->job, AN__ERROR, err.message);
}

/* ---- questions ---- */

/* Also a part from the future: the clock was set back, and how long it has waited cannot be told. */
static bool out_of_time(const an__parts *p, int64_t opened_us)
{
    int64_t now = an_now_us();
    return now - opened_us > (int64_t)(p->o.part_s * 1e6) || opened_us - now > clock_slack_us;
}

static json_t *still_missing(const json_t *features, const an__served *v)
{
    json_t *names = json_array();
    for (size_t i = 0; i < v->features; i++) {
        const char *name = v->model->prep->column[i].name;
        if (!json_object_get(features, name)) json_array_append_new(names, json_string(name));
    }
    return names;
}

static void take(an__parts *p, an_exchange *x, const char *serial, int64_t attempt, an__part *part, const json_t *message, json_t *why)
{
    an__server *s = p->o.server;
    an_error err = { 0 };
    int status;
    an_exchange *waits[] = { x };
    const char *named = an_json_string(message, "model", NULL);
    if (named && part->model && strcmp(named, part->model))
        an__part_doubt(why, "model \"%.128s\" was named before, \"%.128s\" now", part->model, named);
    if (!part->model) part->model = an_strdup(named ? named : an__models_only(s->o.models, &err));
    an__part_merge(part->features, json_object_get(message, "features"), why);
    an__served *v = part->model ? an__models_get(s->o.models, part->model, NULL, &status, &err) : NULL;
    bool complete = json_is_true(json_object_get(message, "complete")), over = out_of_time(p, part->opened_us);
    if (!v) an__part_doubt(why, "%s", err.message);
    if (over) an__part_doubt(why, "its time ran out: features were not complete in time");
    if (!v) {
        decide(p, serial, attempt, part, NULL, NAN, why, NULL, waits, 1);
        json_decref(why);
        return;
    }
    json_t *missing = still_missing(part->features, v);
    if (complete || over || json_array_size(why) || !json_array_size(missing)) {
        score_part(p, x, serial, attempt, part, v, why);
    } else {
        json_t *a = json_pack("{s:s, s:I, s:s, s:O, s:s, s:I}", "serial", serial, "attempt", (json_int_t)attempt, "state", "waiting",
                              "missing", missing, "model", part->model, "version", (json_int_t)v->version);
        if (v->unapproved) json_object_set_new(a, "unapproved", json_true());
        if (an__parts_store_put(p->store, serial, attempt, part, &err)) {
            say(p, x, 202, v->unapproved, a);
        } else {
            unkept(p, x, &err);
            json_decref(a);
        }
        an__served_release(v);
        json_decref(why);
    }
    json_decref(missing);
}

void an__parts_post(an__server *s, an_exchange *x, const an__route_match *m)
{
    an__parts *p = s->parts;
    an_error err = { 0 };
    const an_http_request *r = an_exchange_request(x);
    const char *serial = an__match_value(m, "serial");
    int64_t attempt = 1;
    int status = 400;
    char *room = NULL;
    an_span body;
    json_t *message = NULL;
    if (an__part_serial(serial, &err) && an__content_body(r, MESSAGE_BYTES, &room, &body, &status, &err)) {
        status = 400;
        message = an_json_parse(body.size ? body.data : "", body.size, "the message", &err);
    }
    free(room);
    if (!message || !an__part_message(message, &attempt, &err)) {
        refuse(s, x, status, &err);
        json_decref(message);
        return;
    }
    for (deciding *d = p->deciding; d; d = d->next) { /* being decided right now: the same answer for both */
        if (d->attempt != attempt || strcmp(d->serial, serial)) continue;
        d->waits = an_resize_n(d->waits, d->wait_count + 1, sizeof *d->waits);
        d->waits[d->wait_count++] = x;
        json_decref(message);
        return;
    }
    bool found;
    an__part part = { 0 };
    if (!an__parts_store_get(p->store, serial, attempt, &found, &part, &err)) {
        unkept(p, x, &err);
    } else if (found && part.answer) {
        say(p, x, 200, json_is_true(json_object_get(part.answer, "unapproved")), repeated(part.answer));
    } else {
        if (!found) part = (an__part){ .features = json_object(), .opened_us = an_now_us() };
        take(p, x, serial, attempt, &part, message, json_array());
    }
    an__part_free(&part);
    json_decref(message);
}

void an__parts_get(an__server *s, an_exchange *x, const an__route_match *m)
{
    an_error err = { 0 };
    const char *serial = an__match_value(m, "serial");
    json_t *all = an__part_serial(serial, &err) ? an__parts_store_list(s->parts->store, serial, &err) : NULL;
    if (!all) {
        an__answer_error(s, x, m->route, err.code == AN_INPUT ? 404 : 503, &err);
    } else if (!json_array_size(all)) {
        json_decref(all);
        an_fail(&err, AN_NOT_FOUND, "nothing is known of part \"%.128s\"", serial);
        an__answer_error(s, x, m->route, 404, &err);
    } else {
        an__answer_take(s, x, m->route, 200, json_pack("{s:s, s:o}", "serial", serial, "attempts", all));
    }
}

/* ---- time ---- */

static void overdue(void *context, const char *serial, int64_t attempt, an__part *part)
{
    an__parts *p = context;
    for (deciding *d = p->deciding; d; d = d->next)
        if (d->attempt == attempt && !strcmp(d->serial, serial)) return;
    json_t *why = json_array();
    an__part_doubt(why, "its time ran out: features were not complete in time");
    decide(p, serial, attempt, part, NULL, NAN, why, NULL, NULL, 0);
    json_decref(why);
}

static void on_time(void *context)
{
    an__parts *p = context;
    an_error err = { 0 };
    int64_t now = an_now_us();
    if (!an__parts_store_overdue(p->store, now - (int64_t)(p->o.part_s * 1e6), now + clock_slack_us, OVERDUE_AT_ONCE, overdue, p, &err))
        snprintf(p->why, sizeof p->why, "%.290s", err.message);
    p->timer = an_loop_after(p->o.server->o.loop, overdue_every_s, on_time, p);
}

uint64_t an__parts_unkept(const an__parts *p, const char **why)
{
    *why = p->why;
    return p->unkept;
}

an__outbox *an__parts_outbox(const an__parts *p)
{
    return p->outbox;
}

an__parts *an__parts_new(const an__parts_options *o, an_error *err)
{
    char *path = an_format("%s/.andon/parts.db", an_store_folder(o->store));
    an__parts_store *store = an__parts_store_open(path, o->server->o.durable, err);
    an__outbox *outbox = NULL;
    bool ok = store && (!o->outbox || (outbox = an__outbox_new(o->outbox, path, an_store_folder(o->store), err)) != NULL);
    free(path);
    if (!ok) {
        an__parts_store_close(store);
        return NULL;
    }
    if (outbox) an__parts_store_queue(store);
    an__parts *p = an_alloc(sizeof *p);
    p->o = *o;
    p->store = store;
    p->outbox = outbox;
    p->last = &p->first;
    p->timer = an_loop_after(o->server->o.loop, overdue_every_s, on_time, p);
    return p;
}

void an__parts_end(an__parts *p)
{
    if (!p) return;
    an_loop_cancel(p->o.server->o.loop, p->timer);
    an__parts_turn(p);
    an__outbox_free(p->outbox);
    an__parts_store_close(p->store);
    free(p);
}
