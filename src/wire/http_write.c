/* http_write.c - the queue of a connection's exchanges and its way out: answers that are ready, in the order of their requests, as one
 * write a turn; pieces of long answers from their sources as the socket takes them.
 */
#include "wire/http_server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

enum { PARTS = 64 };

/* ---- exchanges and their memory ---- */

an_exchange *an__exchange_get(an_http_server *s)
{
    an_exchange *x = s->spare;
    if (!x) return an_alloc(sizeof *x);
    s->spare = x->next;
    s->spares--;
    x->next = NULL;
    return x;
}

static void give_back(an_buf *b)
{
    if (b->capacity > AN__KEEP_BYTES)
        an_buf_free(b);
    else
        an_buf_clear(b);
}

static void source_done(an_exchange *x)
{
    if (x->source.done) x->source.done(x->source.context);
    x->source = (an_http_source){ 0 };
}

void an__exchange_release(an_http_server *s, an_exchange *x)
{
    source_done(x);
    an__message_clear(&x->message, AN__KEEP_BYTES);
    give_back(&x->out);
    give_back(&x->piece);
    free(x->body);
    if (s->spares >= AN__SPARE_EXCHANGES || s->freed) {
        an__message_free(&x->message);
        an_buf_free(&x->out);
        an_buf_free(&x->piece);
        free(x);
        return;
    }
    x->conn = NULL;
    x->body = NULL;
    x->body_size = x->sent = x->counted = 0;
    x->left = 0;
    x->state = AN__WAITING;
    x->head = x->old = x->keep = x->closes = x->interim = x->own = false;
    x->chunked = x->sized = x->ended = x->cut = x->rests = x->takes = false;
    x->next = s->spare;
    s->spare = x;
    s->spares++;
}

static void pop(an__conn *c)
{
    an_exchange *x = c->first;
    c->first = x->next;
    if (!c->first) c->last = NULL;
    c->pending--;
    c->queued -= x->counted;
    an__exchange_release(c->server, x);
}

void an__conn_drop_answers(an__conn *c)
{
    an_exchange *kept = NULL, **end = &kept, *x = c->first;
    c->first = c->last = NULL;
    while (x) {
        an_exchange *next = x->next;
        x->next = NULL;
        if (x->state == AN__WAITING) { /* its handler still has it */
            *end = x;
            end = &x->next;
            c->last = x;
        } else {
            c->pending--;
            c->queued -= x->counted;
            an__exchange_release(c->server, x);
        }
        x = next;
    }
    c->first = kept;
}

/* ---- sources ---- */

/* Asks the source for the next piece and frames it: out = [head] size CR LF, piece = bytes CR LF [the last chunk]. */
static void refill(an_exchange *x)
{
    bool failed = false;
    if (x->sent) { /* all of what was is gone; else the head goes out with the first piece */
        x->sent = 0;
        an_buf_clear(&x->out);
    }
    an_buf_clear(&x->piece);
    bool goes_on = x->source.more(x->source.context, &x->piece, &failed);
    size_t n = x->piece.size;
    if (failed || (x->sized && n > x->left)) {
        x->cut = x->ended = true;
        an_buf_clear(&x->piece);
        return;
    }
    if (x->sized) {
        x->left -= n;
        if (!goes_on && x->left) x->cut = true; /* less than was announced: only the cut tells the client */
    }
    if (x->chunked) {
        if (n) an_buf_printf(&x->out, "%zx\r\n", n);
        if (n) an_buf_puts(&x->piece, "\r\n");
        if (!goes_on) an_buf_puts(&x->piece, "0\r\n\r\n");
    }
    x->ended = !goes_on || (x->sized && !x->left);
    x->rests = goes_on && n == 0;
}

static size_t stream_size(const an_exchange *x)
{
    return x->out.size + x->piece.size;
}

static bool wants_piece(const an_exchange *x)
{
    if (x->state != AN__STREAM || x->ended || x->rests) return false;
    return x->sent == stream_size(x) || (!x->sent && !x->piece.size);
}

static size_t total(const an_exchange *x)
{
    return x->state == AN__STREAM ? stream_size(x) : x->out.size + x->body_size;
}

/* ---- writing ---- */

bool an__conn_has_output(const an__conn *c)
{
    const an_exchange *x = c->first;
    if (!x || x->state == AN__WAITING) return false;
    return x->state == AN__READY || x->sent < stream_size(x) || x->ended || !x->rests;
}

static size_t add_part(struct iovec *parts, size_t n, const char *data, size_t size, size_t skip)
{
    if (skip >= size) return n;
    parts[n] = (struct iovec){ (char *)(uintptr_t)data + skip, size - skip };
    return n + 1;
}

/* Takes `sent` bytes off the queue; true: the connection ends here. */
static bool advance(an__conn *c, size_t sent)
{
    while (c->first && c->first->state != AN__WAITING) {
        an_exchange *x = c->first;
        size_t left = total(x) - x->sent, take = sent < left ? sent : left;
        x->sent += take;
        sent -= take;
        if (x->sent < total(x) || (x->state == AN__STREAM && !x->ended)) return false;
        bool closes = x->closes || x->cut;
        if (x->cut) {
            c->broken = true;
            c->resets = !x->chunked && !x->sized; /* only a reset tells the client that the end is not the end */
        }
        if (x->interim) {
            /* the body may come now; its time begins */
            c->since = c->last_in = an_loop_now(c->server->loop);
            c->continuing = false;
        }
        pop(c);
        if (closes) return true;
    }
    return false;
}

void an__conn_write(an__conn *c)
{
    an_http_server *s = c->server;
    struct iovec parts[PARTS];
    size_t n = 0;
    bool waited = c->blocked;
    c->blocked = false;
    for (an_exchange *x = c->first; x && x->state != AN__WAITING && n + 2 <= PARTS; x = x->next) {
        if (wants_piece(x)) refill(x);
        n = add_part(parts, n, x->out.data, x->out.size, x->sent);
        size_t skip = x->sent > x->out.size ? x->sent - x->out.size : 0;
        if (x->state == AN__STREAM)
            n = add_part(parts, n, x->piece.data, x->piece.size, skip);
        else
            n = add_part(parts, n, x->body, x->body_size, skip);
        if (x->closes || x->cut || (x->state == AN__STREAM && !x->ended)) break;
    }
    ssize_t sent = n ? an__io_send(c->fd, c->ssl, parts, n) : 0;
    if (sent == AN__BROKEN) {
        c->broken = true;
        return;
    }
    size_t asked = 0;
    for (size_t i = 0; i < n; i++) asked += parts[i].iov_len;
    if (sent < 0) sent = 0;
    s->counts.bytes_out += (uint64_t)sent;
    c->blocked = (size_t)sent < asked;
    if (sent > 0 || (c->blocked && !waited)) c->last_out = an_loop_now(s->loop);
    if (advance(c, (size_t)sent)) c->no_more = c->lingers = true;
}
