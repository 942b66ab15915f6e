/* client.h - a client on a loop of its own and what it was answered; a handler for the server at the other end: what the tests of the
 * client share. */
#ifndef TEST_WIRE_CLIENT_H
#define TEST_WIRE_CLIENT_H

#include "wire/served.h"

/* ---- what came back ---- */

typedef struct answer {
    int status;
    char body[200];
    char why[1024];
    size_t size, headers;
    an_code code;
    double sent, first, finished;
} answer;

enum { ANSWERS = 600 };
typedef struct client {
    an_loop *loop;
    an_http_client *http;
    answer got[ANSWERS];
    size_t count, wanted;
} client;

static inline void on_reply(void *context, const an_http_reply *r, const an_error *err)
{
    client *c = context;
    answer *a = &c->got[c->count++ % ANSWERS];
    *a = (answer){
        .status = r->status, .size = r->body.size, .headers = r->headers, .sent = r->sent, .first = r->first_byte, .finished = r->finished
    };
    if (r->body.size) snprintf(a->body, sizeof a->body, "%.*s", (int)(r->body.size < 199 ? r->body.size : 199), r->body.data);
    if (err) snprintf(a->why, sizeof a->why, "%s", err->message);
    if (err) a->code = err->code;
    if (c->count == c->wanted) an_loop_stop(c->loop);
}

static inline void too_late(void *context)
{
    an_loop_stop(context);
}

/* Runs until `n` answers in all have come. */
static inline void await(client *c, size_t n)
{
    an_error err = { 0 };
    c->wanted = n;
    if (c->count >= n) return;
    an_timer *t = an_loop_after(c->loop, 20, too_late, c->loop);
    assert_true(an_loop_run(c->loop, &err));
    if (c->count != n) fail_msg("%zu answers instead of %zu", c->count, n);
    an_loop_cancel(c->loop, t);
}

static inline void client_start(client *c, const char *scheme, int port, const char *ca, double timeout_s)
{
    an_error err = { 0 };
    char url[64];
    snprintf(url, sizeof url, "%s:%d", scheme, port);
    c->loop = an_loop_new(&err);
    c->http = an_http_client_new(c->loop, url, ca, timeout_s, &err);
    if (!c->http) fail_msg("%s", err.message);
}

static inline void client_stop(client *c)
{
    an_http_client_free(c->http);
    an_loop_free(c->loop);
}

static inline void ask(client *c, const char *method, const char *target, const char *body)
{
    an_http_client_send(c->http, method, target, NULL, body, body ? strlen(body) : 0, on_reply, c);
}

static inline void why_has(const answer *a, const char *part)
{
    if (a->status != 0 || !strstr(a->why, part)) fail_msg("status %d, \"%s\" is not in: %s", a->status, part, a->why);
}

/* ---- the server ---- */

static inline bool trickle(void *context, an_buf *out, bool *failed)
{
    (void)failed;
    int *left = context;
    an_buf_printf(out, "piece %d\n", *left);
    return --*left > 0;
}

static inline void handle(void *context, an_exchange *x)
{
    const an_http_request *r = an_exchange_request(x);
    served *s = context;
    if (strcmp(r->path, "/pieces") == 0 || strcmp(r->path, "/old") == 0) {
        int *left = s->user;
        *left = 10;
        an_exchange_begin(x, &(an_http_answer){ .status = 200, .close = strcmp(r->path, "/old") == 0 },
                          &(an_http_source){ .context = left, .more = trickle });
        return;
    }
    if (strcmp(r->path, "/empty") == 0) {
        an_exchange_answer(x, &(an_http_answer){ .status = 204 });
        return;
    }
    if (strcmp(r->path, "/never") == 0) { /* answered with the next request */
        s->user = x;
        return;
    }
    if (strcmp(r->path, "/release") == 0 && s->user) an_exchange_answer(s->user, &(an_http_answer){ .status = 200 });
    an_buf b = { 0 };
    an_buf_add(&b, r->method.data, r->method.size);
    an_buf_printf(&b, " %s %zu ", r->path, r->body.size);
    an_buf_add(&b, r->body.data, r->body.size);
    size_t n = b.size;
    an_exchange_answer(x, &(an_http_answer){ .status = strcmp(r->path, "/missing") == 0 ? 404 : 200,
                                             .body_take = an_buf_take(&b),
                                             .body_size = n,
                                             .close = strcmp(r->path, "/close") == 0 });
}

#endif
