/* http_connection.c - the life of a connection: bytes in, requests handed on, time limits, the end of a turn, closing. */
#include "wire/http_server.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_event(void *context, int fd, unsigned events);
static void on_time(void *context);

/* ---- lists ---- */

static void idle_leave(an__conn *c)
{
    if (!c->idle) return;
    an_http_server *s = c->server;
    *(c->idle_previous ? &c->idle_previous->idle_next : &s->idle_first) = c->idle_next;
    *(c->idle_next ? &c->idle_next->idle_previous : &s->idle_last) = c->idle_previous;
    c->idle = false;
}

static void idle_enter(an__conn *c)
{
    if (c->idle) return;
    an_http_server *s = c->server;
    c->idle_previous = s->idle_last;
    c->idle_next = NULL;
    *(s->idle_last ? &s->idle_last->idle_next : &s->idle_first) = c;
    s->idle_last = c;
    c->idle = true;
    c->since = an_loop_now(s->loop);
}

void an__conn_mark(an__conn *c)
{
    if (c->marked) return;
    an_http_server *s = c->server;
    c->marked = true;
    c->next_marked = NULL;
    *(s->marked ? &s->marked_last->next_marked : &s->marked) = c;
    s->marked_last = c;
}

void an__conn_queue(an__conn *c, an_exchange *x)
{
    x->conn = c;
    x->next = NULL;
    *(c->last ? &c->last->next : &c->first) = x;
    c->last = x;
    c->pending++;
}

void an__conn_new(an_http_server *s, int fd, const char *peer)
{
    an__conn *c = an_alloc(sizeof *c);
    c->server = s;
    c->fd = fd;
    snprintf(c->peer, sizeof c->peer, "%s", peer);
    an__parser_init(&c->parser, &s->limits, false);
    an_http_parser_heads(&c->parser, s->head != NULL);
    c->fresh = true;
    if (s->tls) c->ssl = an__ssl_server(s->tls, fd);
    if ((s->tls && !c->ssl) || !an_loop_watch(s->loop, fd, AN_READABLE, on_event, c, NULL)) {
        an__ssl_free(c->ssl);
        close(fd);
        free(c);
        return;
    }
    c->next = s->conns;
    if (s->conns) s->conns->previous = c;
    s->conns = c;
    s->counts.connections++;
    s->counts.open++;
    s->standing++;
    idle_enter(c);
    an__conn_mark(c); /* settling sets its timer */
}

static void forget(an__conn *c)
{
    an_http_server *s = c->server;
    an_buf_free(&c->rest);
    free(c);
    s->standing--;
}

void an__conn_close(an__conn *c)
{
    an_http_server *s = c->server;
    an_exchange *taken = an__conn_untake(c);
    if (taken) taken->state = AN__READY; /* nobody owes its answer: it goes with the others */
    if (c->fd >= 0) {
        if (c->resets) setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 }, sizeof(struct linger));
        an_loop_watch(s->loop, c->fd, 0, NULL, NULL, NULL);
        if (c->ssl && !c->broken && !c->lingering) an__ssl_close(c->ssl);
        an__ssl_free(c->ssl);
        c->ssl = NULL;
        close(c->fd);
        c->fd = -1;
        s->counts.open--;
        idle_leave(c);
        an_loop_cancel(s->loop, c->timer);
        c->timer = NULL;
        *(c->previous ? &c->previous->next : &s->conns) = c->next;
        if (c->next) c->next->previous = c->previous;
        an_buf_free(&c->rest);
        if (c->reading) an__exchange_release(s, c->reading);
        c->reading = NULL;
    }
    c->gone = c->no_more = true;
    an__conn_drop_answers(c);
    if (!c->first && !c->marked && !c->resumed) forget(c);
}

/* ---- in ---- */

static bool full(const an__conn *c)
{
    const an_http_limits *l = &c->server->limits;
    size_t others = c->pending - (c->taking != NULL); /* what comes belongs to that one, which cannot be answered without it */
    return others >= l->pipelined || (others && c->queued > AN__QUEUED_BYTES);
}

/* Why nothing may be read although the client may send. */
static bool holds(const an__conn *c)
{
    return c->rest.size || c->stopped || full(c);
}

static void go_on(an__conn *c)
{
    if (!c->held) return;
    double now = an_loop_now(c->server->loop);
    c->held = false;
    if (c->in_body) c->since += now - c->held_at;
    c->last_in = now;
}

/* An answer of the server's own, in its turn; the last one. */
static void refuse(an__conn *c, int status, const char *why)
{
    an_http_server *s = c->server;
    char text[160]; /* why may lie in the message */
    snprintf(text, sizeof text, "%s", why);
    an_exchange *x = an__conn_untake(c);
    if (!x) {
        x = c->reading ? c->reading : an__exchange_get(s);
        c->reading = NULL;
        x->head = an_span_is(x->message.request.method, "HEAD");
        an__conn_queue(c, x);
    }
    x->own = true;
    s->counts.refused++;
    an__exchange_refuse(x, status, text);
}

static void hand_on(an__conn *c)
{
    an_http_server *s = c->server;
    an_exchange *x = c->reading;
    const an_http_request *r = &x->message.request;
    c->reading = NULL;
    c->in_body = false;
    x->head = an_span_is(r->method, "HEAD");
    x->old = !r->minor;
    x->keep = r->keep_alive;
    x->counted = x->message.size;
    c->queued += x->counted;
    if (!x->keep) c->no_more = true;
    an__conn_queue(c, x);
    s->counts.requests++;
    an_http_parser_next(&c->parser);
    s->handle(s->context, x);
}

static void send_continue(an__conn *c)
{
    an_exchange *x = an__exchange_get(c->server);
    x->interim = x->own = true;
    x->state = AN__READY;
    an_buf_puts(&x->out, "HTTP/1.1 100 Continue\r\n\r\n");
    an__conn_queue(c, x);
    c->continuing = true;
    if (!c->taking) return;
    /* its own answer stands in the queue already, as the last: this goes before it */
    an_exchange **at = &c->first;
    while (*at != c->taking) at = &(*at)->next;
    *at = x;
    x->next = c->taking;
    c->last = c->taking;
    c->last->next = NULL;
}

static void body_begins(an__conn *c)
{
    if (c->in_body) return;
    c->in_body = true;
    c->since = an_loop_now(c->server->loop);
    c->body_in = 0;
}

/* 100 Continue, where the client waits for it: only while it has sent nothing of the body. */
static void say_continue(an__conn *c)
{
    const an_http_parser *p = &c->parser;
    if (!p->continues || c->no_more || c->stopped) return;
    bool waits = !c->rest.size && !p->got && (p->place == AN__BODY || (p->place == AN__SIZE && !p->digits));
    c->parser.continues = false;
    if (waits) send_continue(c);
}

static void consume(an__conn *c, const char *bytes, size_t n)
{
    an_http_server *s = c->server;
    while (n && !c->no_more && c->fd >= 0) {
        if (c->stopped || full(c)) {
            an_buf_add(&c->rest, bytes, n);
            return;
        }
        if (!c->reading && !c->taking) {
            c->reading = an__exchange_get(s);
            c->reading->conn = c;
            c->reading->arrived = c->since = an_loop_now(s->loop);
            c->parser.m = &c->reading->message;
        }
        size_t used;
        int status;
        an_http_state state = an_http_parser_feed(&c->parser, bytes, n, &used, &status);
        bytes += used;
        n -= used;
        if (state == AN_HTTP_HEAD) state = an__conn_head(c, &status);
        an_span piece = an_http_parser_piece(&c->parser);
        if (piece.size) an__conn_piece(c, piece);
        if (c->no_more) break; /* answered before its end */
        if (state == AN_HTTP_DONE && c->taking) {
            c->in_body = false;
            an__conn_whole(c);
        } else if (state == AN_HTTP_DONE) {
            hand_on(c);
        } else if (state == AN_HTTP_BAD) {
            refuse(c, status, an_http_parser_why(&c->parser));
        } else if (an__parser_in_body(&c->parser)) {
            body_begins(c);
            c->body_in += used;
        }
    }
    say_continue(c);
}

/* The client has closed its side. What it asked for is still answered: it may have closed only that side. */
static void ended(an__conn *c)
{
    c->eof = c->gone = c->no_more = true;
    if (c->reading) an__exchange_release(c->server, c->reading);
    c->reading = NULL;
    an_exchange *x = an__conn_untake(c);
    if (!x) return;
    x->state = AN__READY; /* with nothing to say: in its turn it ends the connection */
    x->closes = true;
}

static void receive(an__conn *c)
{
    an_http_server *s = c->server;
    ssize_t n = an__io_receive(c->fd, c->lingering ? NULL : c->ssl, s->input, AN__INPUT_BYTES);
    c->read_needs_write = n == AN__AGAIN_WRITE;
    if (n == 0) {
        ended(c);
    } else if (n == AN__BROKEN) {
        c->broken = true;
    } else if (n > 0) {
        s->counts.bytes_in += (uint64_t)n;
        c->last_in = an_loop_now(s->loop);
        c->fresh = false;
        if (c->lingering) return;
        idle_leave(c);
        if (c->rest.size)
            an_buf_add(&c->rest, s->input, (size_t)n);
        else
            consume(c, s->input, (size_t)n);
    }
}

/* Input that had to wait for room in the queue; by a timer, so that a turn belongs to all connections. */
static void resume_all(void *context)
{
    an_http_server *s = context;
    s->resume = NULL;
    an__conn *c = s->resumed;
    s->resumed = NULL;
    while (c) {
        an__conn *next = c->next_resumed;
        c->resumed = false;
        if (c->fd < 0) {
            an__conn_mark(c); /* to be forgotten */
        } else {
            an_buf rest = c->rest;
            c->rest = (an_buf){ 0 };
            go_on(c);
            consume(c, rest.data, rest.size);
            an_buf_free(&rest);
            an__conn_mark(c);
        }
        c = next;
    }
}

static void on_event(void *context, int fd, unsigned events)
{
    (void)fd;
    an__conn *c = context;
    if ((events & AN_READABLE) || ((events & AN_WRITABLE) && c->read_needs_write)) {
        receive(c);
    } else if (events & AN_HANGUP) {
        if (c->gone) c->broken = true; /* a second time: both sides */
        c->gone = true;
    }
    an__conn_mark(c);
}

/* ---- time ---- */

/* When the connection's patience ends; INFINITY: it waits for a handler. */
static double deadline(const an__conn *c)
{
    const an_http_limits *l = &c->server->limits;
    if (c->lingering)
        return fmin(fmax(c->since, c->last_in) + AN__LINGER_S, c->since + (c->server->draining ? AN__LINGER_S : AN__LINGER_MOST_S));
    double at = INFINITY;
    if (c->blocked) at = c->last_out + l->write_s;
    if (c->fresh && c->ssl) {
        at = fmin(at, c->since + l->head_s);
    } else if (c->idle) {
        at = fmin(at, c->since + l->idle_s);
    } else if ((c->reading || c->taking) && !holds(c)) {
        if (!c->in_body) at = fmin(at, c->since + l->head_s);
        /* no arrival for body_s, or less than 1 KiB/s in all since then; while 100 Continue is on its way there is no hurry */
        else if (!c->continuing)
            at = fmin(at, fmin(c->last_in + l->body_s, c->since + l->body_s + (double)c->body_in / 1024));
    }
    return at;
}

/* One timer a connection, moved forward only when it has to ring earlier; a later deadline is found when it rings. */
static void set_timer(an__conn *c)
{
    double at = deadline(c);
    if (at >= INFINITY || (c->timer && c->timer_at <= at)) return;
    an_loop *l = c->server->loop;
    an_loop_cancel(l, c->timer);
    c->timer_at = at;
    c->timer = an_loop_after(l, at - an_loop_now(l), on_time, c);
}

static void on_time(void *context)
{
    an__conn *c = context;
    an_http_server *s = c->server;
    c->timer = NULL;
    an__conn_mark(c);
    if (deadline(c) > an_loop_now(s->loop) + 1e-4) return; /* settling sets it anew */
    if (c->lingering || c->blocked || c->idle || (c->fresh && c->ssl)) {
        if (c->blocked || (c->fresh && c->ssl)) s->counts.timeouts++;
        c->broken = !c->idle;
        c->eof = c->no_more = c->gone = true;
        return;
    }
    s->counts.timeouts++;
    refuse(c, 408, c->in_body ? "The body of the request came too slowly." : "The head of the request came too slowly.");
}

/* ---- the end of a turn ---- */

static void watch(an__conn *c)
{
    unsigned events = 0;
    bool held = holds(c);
    if (!held) {
        go_on(c);
    } else if (!c->held) {
        c->held = true;
        c->held_at = an_loop_now(c->server->loop);
    }
    if (c->lingering)
        events = AN_READABLE;
    else if (c->eof)
        events = 0;
    else if (c->no_more || held)
        events = c->gone ? 0 : AN_HANGUP;
    else
        events = AN_READABLE;
    if (!c->lingering && (c->blocked || c->read_needs_write || an__conn_has_output(c))) events |= AN_WRITABLE;
    if (!an_loop_watch(c->server->loop, c->fd, events, on_event, c, NULL)) c->broken = true;
}

/* All answers are out and the connection ends. Closing while input lies unread would reset it, and the client would lose the answer. */
static void linger(an__conn *c)
{
    if (c->eof || c->lingering) return;
    an__ssl_close(c->ssl);
    if (shutdown(c->fd, SHUT_WR) != 0) c->broken = true;
    c->lingering = true;
    c->blocked = c->read_needs_write = false;
    c->since = an_loop_now(c->server->loop);
}

static void settle(an__conn *c)
{
    an_http_server *s = c->server;
    if (c->fd < 0) {
        an__conn_close(c);
        return;
    }
    say_continue(c); /* a sink that waited has been woken */
    if (!c->broken && !c->lingering && an__conn_has_output(c)) an__conn_write(c);
    /* a client that has closed its side will not see what a resting source without an end may say one day */
    if (c->gone && c->first && c->first->state == AN__STREAM && c->first->rests && !c->first->sized) c->broken = true;
    bool over = c->lingers || (c->no_more && !c->first) || (s->draining && !c->first && !c->reading && !c->rest.size);
    if (c->broken || (over && c->eof)) {
        an__conn_close(c);
        return;
    }
    if (over) {
        linger(c);
        if (c->broken) {
            an__conn_close(c);
            return;
        }
    } else if (c->rest.size && !c->stopped && !full(c) && !c->resumed && !c->no_more) {
        c->resumed = true;
        c->next_resumed = s->resumed;
        s->resumed = c;
        if (!s->resume) s->resume = an_loop_after(s->loop, 0, resume_all, s);
    } else if (!c->first && !c->reading && !c->rest.size) {
        idle_enter(c);
    }
    watch(c);
    if (c->broken) {
        an__conn_close(c);
        return;
    }
    set_timer(c);
}

void an__server_settle(void *server)
{
    an_http_server *s = server;
    s->settling = true;
    while (s->marked) {
        an__conn *c = s->marked;
        s->marked = c->next_marked;
        c->marked = false;
        settle(c);
    }
    s->settling = false;
    an__server_done(s);
}
