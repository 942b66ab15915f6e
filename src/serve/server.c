/* server.c - puts the parts together: a request is matched with its route here, and what a turn of the loop collected is handed on at its
 * end. */
#include "serve/server.h"
#include "serve/mlflow.h"
#include "serve/outbox.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const an__route *const tables[] = { an__routes, an__mlflow_routes };

static void not_found(an__server *s, an_exchange *x, an_span path)
{
    an_error err = { 0 };
    an_fail(&err, AN_NOT_FOUND, "there is nothing at \"%.*s\"", (int)(path.size > 200 ? 200 : path.size), path.data ? path.data : "");
    const char *near = an__router_nearest(s->router, path);
    if (near)
        an_hint(&err, "the nearest path is %s; /openapi.json lists all", near);
    else
        an_hint(&err, "/openapi.json lists all paths");
    an__answer_error(s, x, NULL, 404, &err);
}

static void wrong_method(an__server *s, an_exchange *x, an_span method, const char *allow)
{
    char headers[128];
    snprintf(headers, sizeof headers, "Allow: %s\r\n", allow);
    if (an_span_is(method, "OPTIONS")) {
        an__answer(s, x, NULL, 204, NULL, headers, NULL, 0);
        return;
    }
    char *text = an_format("{\"error\":\"this path takes %s\"}", allow);
    an__answer(s, x, NULL, 405, "application/json", headers, text, strlen(text));
    free(text);
}

static void handle(void *context, an_exchange *x)
{
    an__server *s = context;
    const an_http_request *r = an_exchange_request(x);
    an_span path = an__route_path(r->target);
    an__route_match m;
    if (an_span_is(r->target, "*")) { /* OPTIONS alone may ask for the server as a whole */
        an__answer(s, x, NULL, 204, NULL, "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n", NULL, 0);
        return;
    }
    switch (an__router_find(s->router, r->method, path, &m)) {
    case AN__ROUTE_FOUND:
        m.route->handle(s, x, &m);
        break;
    case AN__ROUTE_NOWHERE:
        not_found(s, x, path);
        break;
    case AN__ROUTE_METHOD:
        wrong_method(s, x, r->method, m.allow);
        break;
    }
}

/* Does a route of this method take bodies in pieces? */
static bool takes_pieces(const char *method)
{
    for (size_t t = 0; t < AN_COUNT(tables); t++)
        for (const an__route *r = tables[t]; r->method; r++)
            if (r->head && !strcmp(method, r->method)) return true;
    return false;
}

/* The head of a request is there, its body is not. Where nobody wants it in pieces it is collected, and judged by `handle`. */
static void head(void *context, an_exchange *x)
{
    an__server *s = context;
    const an_http_request *r = an_exchange_request(x);
    an__route_match m;
    if (!s->post_pieces && an_span_is(r->method, "POST")) return; /* requests for verdicts need not be matched twice */
    if (an__router_find(s->router, r->method, an__route_path(r->target), &m) == AN__ROUTE_FOUND && m.route->head) m.route->head(s, x, &m);
}

static void turn(void *context)
{
    an__server *s = context;
    an__batcher_turn(s->batcher);
    an__parts_turn(s->parts);
    an__requests_flush(s);
}

an__server *an__server_new(const an__server_options *o, an_error *err)
{
    an__server *s = an_alloc(sizeof *s);
    s->o = *o;
    s->last = &s->first;
    s->unsynced_last = &s->unsynced;
    s->started = (double)an_now_us() / 1e6;
    s->epoch = (uint64_t)an_now_us();
    s->metrics = an__metrics_new(tables, AN_COUNT(tables));
    s->batcher = an__batcher_new(o->loop, &o->batch, o->replicas, s->metrics);
    if (o->replicas) an__replicas_use(o->replicas, s->batcher);
    s->post_pieces = takes_pieces("POST");
    s->router = an__router_new(tables, AN_COUNT(tables), err);
    if (s->router)
        s->parts = an__parts_new(&(an__parts_options){ .store = o->store, .server = s, .part_s = o->part_s, .outbox = o->outbox }, err);
    if (s->parts) s->mlflow = an__mlflow_new(s, o->store, o->loop, err);
    if (s->mlflow) {
        an_http_server_options http = o->http;
        http.context = s;
        http.handle = handle;
        http.head = head;
        s->http = an_http_server_new(o->loop, &http, err);
    }
    if (s->http) {
        an_loop_each_turn(o->loop, turn, s);
        return s;
    }
    an__server_free(s);
    return NULL;
}

int an__server_port(const an__server *s)
{
    return an_http_server_port(s->http);
}

void an__server_drain(an__server *s, double seconds, void (*done)(void *context), void *context)
{
    s->draining = true;
    an_http_server_drain(s->http, seconds, done, context);
}

void an__server_free(an__server *s)
{
    if (!s) return;
    an_loop_each_turn_remove(s->o.loop, turn, s);
    if (s->o.replicas) an__replicas_stop(s->o.replicas);
    an__batcher_free(s->batcher); /* answers what waits */
    s->batcher = NULL;
    an__requests_flush(s);
    an__requests_free(s);
    an__parts_end(s->parts);
    an__mlflow_free(s->mlflow);
    an_http_server_free(s->http);
    an__router_free(s->router);
    an__metrics_free(s->metrics);
    free(s);
}

void an__server_not_ready(const an__server *s, json_t *warnings, char why[512])
{
    why[0] = 0;
    if (s->draining) snprintf(why, 512, "the server is stopping");
    size_t served = 0;
    for (size_t i = 0; i < an__models_count(s->o.models); i++) {
        an__models_entry e = an__models_at(s->o.models, i);
        served += e.served != NULL;
        if (!e.served && !e.unasked && !why[0])
            snprintf(why, 512, "model \"%s\" is not loaded: %.300s", e.reference, e.why[0] ? e.why : "it is being loaded");
        if ((e.served || e.unasked) && e.why[0] && warnings) {
            char *text = e.served ? an_format("%s: version %lld goes on: %s", e.reference, (long long)e.served->version, e.why)
                                  : an_format("%s is not served: %s", e.reference, e.why);
            json_array_append_new(warnings, json_string(text));
            free(text);
        }
    }
    if (!served && !why[0]) snprintf(why, 512, "no model is served");
    if (s->o.replicas && !an__replicas_ready(s->o.replicas) && !why[0]) snprintf(why, 512, "no replica is ready");
    if (s->o.journal && warnings) {
        an__journal_facts f;
        an__journal_facts_get(s->o.journal, &f);
        if (f.lost || f.why[0]) {
            char *text = an_format("the journal lost %llu verdicts: %s", (unsigned long long)f.lost, f.why);
            json_array_append_new(warnings, json_string(text));
            free(text);
        }
    }
    const char *unkept;
    an__parts_unkept(s->parts, &unkept);
    if (unkept[0] && warnings) {
        char *text = an_format("parts get test, since nothing about them can be kept: %s", unkept);
        json_array_append_new(warnings, json_string(text));
        free(text);
    }
    const char *certificate = warnings && s->http ? an_http_server_certificate_why(s->http) : "";
    if (certificate[0]) json_array_append_new(warnings, json_string(certificate));
    an__outbox *outbox = an__parts_outbox(s->parts);
    for (size_t i = 0; warnings && i < an__outbox_channels(outbox); i++) {
        an__outbox_facts f;
        an__outbox_facts_get(outbox, i, &f);
        if (!f.why[0]) continue;
        char *text = an_format("%lld verdicts wait to leave by %s: %s", (long long)f.waiting, f.name, f.why);
        json_array_append_new(warnings, json_string(text));
        free(text);
    }
}

json_t *an__server_facts(const an__server *s)
{
    an_http_counts c;
    an_http_server_counts(s->http, &c);
    json_t *all = json_pack("{s:I, s:I}", "connections", (json_int_t)c.connections, "requests", (json_int_t)c.requests);
    if (s->o.journal) {
        an__journal_facts f;
        an__journal_facts_get(s->o.journal, &f);
        json_object_set_new(all, "journal",
                            json_pack("{s:I, s:I, s:s}", "records", (json_int_t)f.records, "lost", (json_int_t)f.lost, "why", f.why));
    }
    if (s->o.replicas) {
        an__replica_facts f;
        an__replicas_facts(s->o.replicas, &f);
        json_object_set_new(all, "replicas",
                            json_pack("{s:I, s:I, s:I, s:I}", "started", (json_int_t)f.started, "died", (json_int_t)f.died, "hung",
                                      (json_int_t)f.hung, "retried", (json_int_t)f.retried));
    }
    return all;
}
