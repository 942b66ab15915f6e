/* http_sink.c - bodies that are not collected but given in pieces to whoever takes them, from the decision at the head to the last byte. */
#include "wire/http_server.h"

void an_exchange_take(an_exchange *x, const an_http_sink *sink)
{
    x->sink = *sink;
    x->takes = true;
}

/* The exchange joins the queue with its head alone: it owes an answer from now on, whatever becomes of its body. */
static void join(an__conn *c, an_exchange *x)
{
    c->reading = NULL;
    if (x->state == AN__WAITING) {
        x->counted = x->message.size;
        c->queued += x->counted;
    }
    an__conn_queue(c, x);
    c->server->counts.requests++;
}

an_http_state an__conn_head(an__conn *c, int *status)
{
    an_http_server *s = c->server;
    an_exchange *x = c->reading;
    const an_http_request *r = &x->message.request;
    x->head = an_span_is(r->method, "HEAD");
    x->old = !r->minor;
    x->keep = r->keep_alive;
    s->head(s->context, x);
    if (x->state != AN__WAITING) {
        join(c, x); /* answered: putting its head together has said that the connection ends */
        return AN_HTTP_MORE;
    }
    an_http_state state = an_http_parser_body(&c->parser, x->takes, x->sink.most ? x->sink.most : UINT64_MAX, status);
    if (!x->takes) return state;
    join(c, x);
    c->taking = x;
    c->stopped = x->sink.waits;
    return state;
}

void an__conn_piece(an__conn *c, an_span piece)
{
    an_exchange *x = c->taking;
    if (!x->sink.take(x->sink.context, piece.data, piece.size) && c->taking == x) c->stopped = true;
}

void an__conn_whole(an__conn *c)
{
    an_exchange *x = c->taking;
    c->taking = NULL;
    c->stopped = false;
    if (!x->keep) c->no_more = true;
    an_http_parser_next(&c->parser);
    x->sink.end(x->sink.context, true);
}

an_exchange *an__conn_untake(an__conn *c)
{
    an_exchange *x = c->taking;
    if (!x) return NULL;
    c->taking = NULL;
    c->stopped = false;
    x->sink.end(x->sink.context, false);
    return x;
}
