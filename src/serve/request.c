/* request.c - one inference request from its bytes to its answer: finds the version, decodes, queues, encodes, journals, answers. Records
 * and answers of one turn of the loop leave together: one write for all records, then the answers.
 */
#include "serve/content.h"
#include "serve/server.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct an__request {
    an__job job; /* first: the batcher knows only this */
    struct an__request *next;
    an__server *server;
    an_exchange *exchange;
    const an__route *route;
    bool v1; /* asked by a path of KServe V1 */
    an__infer infer;
    char id[AN__ID_ROOM];
    double arrived;
    an__request_times times;
    bool gone; /* its client hung up before it was scored */
    double *score;
    size_t score_room;
    int status; /* of the answer: set when it is done with */
    an_buf body;
    size_t json_bytes; /* of a body with raw tensors; 0: all of it is JSON */
    uint64_t number;   /* of its record */
} an__request;

enum { IDLE_BYTES = 1 << 16 }; /* requests with larger buffers are not kept */

static an__request *request_new(an__server *s)
{
    an__request *r = s->idle;
    if (r) {
        s->idle = r->next;
        r->next = NULL;
    } else {
        r = an_alloc(sizeof *r);
    }
    an__infer_clear(&r->infer);
    r->server = s;
    r->status = 0;
    r->json_bytes = 0;
    return r;
}

static void request_destroy(an__request *r)
{
    an__infer_free(&r->infer);
    an_buf_free(&r->body);
    free(r->score);
    free(r);
}

static void request_end(an__request *r)
{
    an__served_release(r->job.served);
    r->job.served = NULL;
    if (r->infer.capacity * sizeof(double) > IDLE_BYTES || r->body.capacity > IDLE_BYTES || r->score_room * sizeof(double) > IDLE_BYTES) {
        request_destroy(r);
        return;
    }
    an_buf_clear(&r->body);
    r->next = r->server->idle;
    r->server->idle = r;
}

/* ---- answers ---- */

static void error_body(an__request *r, const char *text)
{
    json_t *message = json_string(text),
           *all = json_pack("{s:o, s:s}", "error", message ? message : json_string("bad request"), "request", r->id);
    char *json = an_json_text(all, false);
    an_buf_clear(&r->body);
    an_buf_puts(&r->body, json);
    free(json);
    json_decref(all);
}

static void fail(an__request *r, int status, const an_error *err)
{
    an_buf text = { 0 };
    an_buf_puts(&text, err->message);
    if (err->where[0]) an_buf_printf(&text, " (%s)", err->where);
    if (err->hint[0]) an_buf_printf(&text, "; %s", err->hint);
    error_body(r, text.data);
    an_buf_free(&text);
    r->status = status;
}

static void encode(an__request *r)
{
    const an__served *v = r->job.served;
    an__infer_about about = { .name = v->name, .version = v->version, .request = r->id, .unapproved = v->unapproved };
    an_buf_clear(&r->body);
    r->json_bytes = 0;
    if (r->infer.form == AN__FORM_V2)
        r->json_bytes = an__infer_write_v2(v->model, &r->infer, r->score, &about, &r->body);
    else
        an__infer_write_rows(v->model, &r->infer, r->score, &about, &r->body);
    r->status = 200;
}

static void send(an__request *r)
{
    an__server *s = r->server;
    char headers[512];
    int n = snprintf(headers, sizeof headers, "X-Request-Id: %s\r\n", r->id);
    if (r->job.served && r->job.served->unapproved) n += snprintf(headers + n, sizeof headers - (size_t)n, "Andon-Unapproved: true\r\n");
    if (r->json_bytes) n += snprintf(headers + n, sizeof headers - (size_t)n, "Inference-Header-Content-Length: %zu\r\n", r->json_bytes);
    if (r->status == 429 || r->status == 503)
        snprintf(headers + n, sizeof headers - (size_t)n, "Retry-After: %.0f\r\n", an__batcher_retry_s(s->batcher));
    if (r->status == 415) snprintf(headers + n, sizeof headers - (size_t)n, AN__CONTENT_TAKES);
    if (r->gone || r->status == 429 || r->status == 503 || r->status == 504) an__metrics_refused(s->metrics, r->gone ? 499 : r->status);
    an__answer(s, r->exchange, r->route, r->status, r->json_bytes ? "application/octet-stream" : "application/json", headers, r->body.data,
               r->body.size);
    request_end(r);
}

/* What has no record leaves at once; the rest when the journal has it. */
static void leave(an__request *r)
{
    an__server *s = r->server;
    double now = s->clock = r->times.ready = an_clock_s();
    if (r->status == 200)
        an__metrics_request(s->metrics, r->job.served, &r->times);
    else if (r->job.served)
        an__metrics_request_failed(s->metrics, r->job.served, now - r->arrived);
    if (r->status != 200 || !s->o.journal) {
        send(r);
        return;
    }
    r->number = an__journal_add(s->o.journal, &(an__verdict){ .served = r->job.served,
                                                              .request = r->id,
                                                              .time_us = an_now_us(),
                                                              .latency_ms = (now - r->arrived) * 1e3,
                                                              .rows = r->infer.rows,
                                                              .values = r->infer.values,
                                                              .score = r->score });
    r->next = NULL;
    *s->last = r;
    s->last = &r->next;
}

void an__requests_flush(an__server *s)
{
    if (!s->first) return;
    an__journal_flush(s->o.journal);
    an__request *r = s->first;
    if (s->o.durable) {
        *s->unsynced_last = s->first;
        s->unsynced_last = s->last;
        r = NULL;
    }
    s->first = NULL;
    s->last = &s->first;
    while (r) {
        an__request *next = r->next;
        send(r);
        r = next;
    }
}

void an__server_synced(an__server *s, uint64_t upto)
{
    while (s->unsynced && s->unsynced->number <= upto) {
        an__request *r = s->unsynced;
        s->unsynced = r->next;
        if (!s->unsynced) s->unsynced_last = &s->unsynced;
        send(r);
    }
}

void an__requests_free(an__server *s)
{
    an__server_synced(s, UINT64_MAX);
    while (s->idle) {
        an__request *r = s->idle;
        s->idle = r->next;
        request_destroy(r);
    }
}

/* ---- questions ---- */

static void scored(an__job *j, an__outcome outcome, const char *why)
{
    an__request *r = (an__request *)j;
    an_error err = { 0 };
    an__server *s = r->server;
    uint64_t batch = an__metrics_batches(s->metrics);
    r->times.scored = batch && batch == s->batch ? s->clock : an_clock_s(); /* those of a batch are encoded one after the other */
    s->batch = batch;
    switch (outcome) {
    case AN__SCORED:
        encode(r);
        an__metrics_verdicts(r->server->metrics, j->served, r->score, j->rows);
        break;
    case AN__LATE:
        an_fail(&err, AN_BUSY, "not scored: %s", why);
        fail(r, 504, &err);
        break;
    case AN__GONE: /* read by nobody, or by one that closed its sending side only */
        r->gone = true;
        an_fail(&err, AN_BUSY, "not scored: %s", why);
        fail(r, 503, &err);
        break;
    case AN__BROKEN:
        an_fail(&err, AN_BUSY, "not scored: %s", why);
        fail(r, 503, &err);
        break;
    case AN__ERROR:
        an_fail(&err, AN_FAILED, "scoring failed: %s", why);
        fail(r, 500, &err);
        break;
    }
    leave(r);
}

/* Milliseconds from now until which the client waits; the request's own word, then the header, then the server's default. */
static bool deadline_of(an__request *r, const an_http_request *h, double *seconds, an_error *err)
{
    double ms = r->infer.deadline_ms;
    an_span value = an_http_get(h, "X-Request-Timeout-Ms");
    *seconds = r->server->o.deadline_s;
    if (value.data && isnan(ms) && !(an_real_parse(value.data, value.size, &ms) && ms >= 1))
        return an_fail(err, AN_INPUT, "header X-Request-Timeout-Ms: not a number of milliseconds from 1");
    if (ms > 0) *seconds = ms < 1 ? 1e-3 : ms / 1e3; /* 0 microseconds: none given, as other servers of the protocol understand it */
    return true;
}

/* Inference-Header-Content-Length: bytes of JSON before raw tensors. */
static bool json_bytes_of(const an_http_request *h, size_t body, size_t *bytes, an_error *err)
{
    *bytes = SIZE_MAX;
    const char *value = an_http_get(h, "Inference-Header-Content-Length").data;
    if (!value) return true;
    size_t n = an_http_get(h, "Inference-Header-Content-Length").size, sum = 0;
    bool ok = n > 0 && n <= 15;
    for (size_t i = 0; ok && i < n; i++) {
        ok = value[i] >= '0' && value[i] <= '9';
        sum = sum * 10 + (size_t)(value[i] - '0');
    }
    if (!ok) return an_fail(err, AN_INPUT, "header Inference-Header-Content-Length: not a whole number of bytes");
    if (sum > body) return an_fail(err, AN_INPUT, "header Inference-Header-Content-Length says %zu bytes, the body has %zu", sum, body);
    *bytes = sum;
    return true;
}

/* A body that cannot be read although it is what its sender says: tables, forms. */
static void other_type(const an_http_request *h, an_error *err)
{
    static const char *const json[] = { "application/json", "application/octet-stream", "application/x-www-form-urlencoded", "text/plain" };
    an_span type = an_http_get(h, "Content-Type"); /* of those in the list the last two are what tools say when nobody said anything */
    const char *end = type.data ? memchr(type.data, ';', type.size) : NULL;
    if (end) type.size = (size_t)(end - type.data);
    bool usual = !type.data || !type.size;
    for (size_t i = 0; !usual && i < AN_COUNT(json); i++) usual = an_span_is_nocase(type, json[i]);
    if (!usual && !err->hint[0]) an_hint(err, "the body is said to be %.*s; send JSON", type.size > 60 ? 60 : (int)type.size, type.data);
}

static bool decode(an__request *r, an_span body, an__infer_form form, int *status, an_error *err)
{
    const an_http_request *h = an_exchange_request(r->exchange);
    const an_model *m = r->job.served->model;
    an__infer_limits limits = { .rows = r->server->o.rows, .depth = 32 };
    size_t json_bytes;
    *status = 400;
    if (form == AN__FORM_ROWS) return an__infer_read_rows(m, body, &limits, &r->infer, status, err);
    if (form == AN__FORM_PREDICTIONS) return an__infer_read_scoring(m, body, !r->v1, &limits, &r->infer, status, err);
    return json_bytes_of(h, body.size, &json_bytes, err) && an__infer_read_v2(m, body, json_bytes, &limits, &r->infer, status, err);
}

static bool read_body(an__request *r, an__infer_form form, int *status, an_error *err)
{
    const an_http_request *h = an_exchange_request(r->exchange);
    char *room;
    an_span body;
    if (!an__content_body(h, AN__CONTENT_MOST, &room, &body, status, err)) return false;
    bool ok = decode(r, body, form, status, err);
    free(room); /* nothing of the body is held */
    if (!ok && *status == 400) other_type(h, err);
    return ok;
}

static bool hung_up(const an__job *j)
{
    return an_exchange_gone(((const an__request *)j)->exchange);
}

static bool queue(an__request *r, const an__route_match *m, an__infer_form form, int *status, an_error *err)
{
    an__server *s = r->server;
    const an_http_request *h = an_exchange_request(r->exchange);
    const char *name = an__match_value(m, "name");
    if (!name && !(name = an__models_only(s->o.models, err))) {
        *status = err->code == AN_INPUT ? 409 : an__status_of(err);
        return *status == 409 ? an_hint(err, "name one: POST /v1/models/{name}:predict or /api/models/{name}/predict") : false;
    }
    r->job.served = an__models_get(s->o.models, name, an__match_value(m, "version"), status, err);
    if (!r->job.served) return false;
    r->times.decoding = s->clock > r->arrived ? s->clock : r->arrived;
    if (!read_body(r, form, status, err)) return false;
    double seconds;
    *status = 400;
    if (!deadline_of(r, h, &seconds, err)) return false;
    if (r->score_room < r->infer.rows) {
        free(r->score);
        r->score_room = 0;
        *status = 503;
        r->score = an_alloc_data(r->infer.rows, sizeof *r->score, "scores", err);
        if (!r->score) return false;
        r->score_room = r->infer.rows;
    }
    r->job.rows = r->infer.rows;
    r->job.values = r->infer.values;
    r->job.score = r->score;
    r->job.since = an_loop_now(s->o.loop);
    r->job.deadline = r->arrived + seconds;
    r->job.tries = 0;
    r->job.done = scored;
    r->job.gone = hung_up;
    r->gone = false;
    r->times.queued = s->clock = an_clock_s();
    if (!r->infer.rows) { /* nothing to score: an empty list is a question, too */
        scored(&r->job, AN__SCORED, NULL);
        return true;
    }
    *status = 429;
    return an__batcher_add(s->batcher, &r->job) || an_fail(err, AN_BUSY, "%zu rows wait already: try again in %.0f s",
                                                           an__batcher_waiting(s->batcher), an__batcher_retry_s(s->batcher));
}

static void ask(an__server *s, an_exchange *x, const an__route_match *m, an__infer_form form, bool v1)
{
    an__request *r = request_new(s);
    r->exchange = x;
    r->route = m->route;
    r->v1 = v1;
    r->arrived = r->times.arrived = an_exchange_arrived(x);
    an__request_id(s, an_exchange_request(x), r->id);
    an_error err = { 0 };
    int status = 400;
    if (queue(r, m, form, &status, &err)) return;
    fail(r, status, &err);
    if (r->job.served) an__metrics_request_failed(s->metrics, r->job.served, an_clock_s() - r->arrived);
    send(r);
}

void an__request_infer(an__server *s, an_exchange *x, const an__route_match *m)
{
    ask(s, x, m, AN__FORM_V2, false);
}

void an__request_predict(an__server *s, an_exchange *x, const an__route_match *m)
{
    ask(s, x, m, AN__FORM_ROWS, false);
}

void an__request_v1(an__server *s, an_exchange *x, const an__route_match *m)
{
    ask(s, x, m, AN__FORM_PREDICTIONS, true);
}

void an__request_invocations(an__server *s, an_exchange *x, const an__route_match *m)
{
    ask(s, x, m, AN__FORM_PREDICTIONS, false);
}
