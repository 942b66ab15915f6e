/* http_answer.c - answers as bytes: heads, bodies, refusals. Who writes them, and when, is http_write.c's affair. */
#include "wire/http_server.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PUT(b, literal) an_buf_add(b, literal, sizeof(literal) - 1)

const an_http_request *an_exchange_request(const an_exchange *x)
{
    return &x->message.request;
}

const char *an_exchange_peer(const an_exchange *x)
{
    return x->conn->peer;
}

double an_exchange_arrived(const an_exchange *x)
{
    return x->arrived;
}

bool an_exchange_gone(const an_exchange *x)
{
    return x->conn->gone || x->conn->fd < 0;
}

/* "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", made once a second. */
static void put_date(an_http_server *s, an_buf *out)
{
    double now = an_loop_now(s->loop);
    if (!s->date[0] || now - s->date_at >= 1 || now < s->date_at) {
        static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
        time_t seconds = time(NULL);
        struct tm t;
        gmtime_r(&seconds, &t); /* not strftime: its names follow the locale */
        int n = snprintf(s->date, sizeof s->date, "Date: %.3s, %02u %.3s %04u %02u:%02u:%02u GMT\r\n", days + 3 * t.tm_wday,
                         (unsigned)t.tm_mday % 100, months + 3 * t.tm_mon, (unsigned)(t.tm_year + 1900) % 10000, (unsigned)t.tm_hour % 100,
                         (unsigned)t.tm_min % 100, (unsigned)t.tm_sec % 100);
        s->date_size = (size_t)n;
        s->date_at = now;
    }
    an_buf_add(out, s->date, s->date_size);
}

static void put_number(an_buf *out, uint64_t n)
{
    char digits[24];
    size_t i = sizeof digits;
    do digits[--i] = (char)('0' + n % 10);
    while (n /= 10);
    an_buf_add(out, digits + i, sizeof digits - i);
}

/* RFC 9110, section 6.4.1: these never have one. */
static bool bodiless(int status)
{
    return status < 200 || status == 204 || status == 304;
}

enum { BY_LENGTH, BY_CHUNKS, BY_CLOSE };

static void put_head(an_exchange *x, const an_http_answer *a, int framing, uint64_t length)
{
    an_http_server *s = x->conn->server;
    an_buf *out = &x->out;
    int status = a->status >= 200 && a->status <= 599 ? a->status : 500;
    bool early = x == x->conn->reading || x == x->conn->taking; /* its body will not be read */
    if (a->close || early || !x->keep || s->draining || framing == BY_CLOSE) x->closes = true;
    if (status == 200) {
        PUT(out, "HTTP/1.1 200 OK\r\n");
    } else {
        an_buf_printf(out, "HTTP/1.1 %d %s\r\n", status, an__status_text(status));
    }
    put_date(s, out);
    if (a->type) {
        PUT(out, "Content-Type: ");
        an_buf_puts(out, a->type);
        PUT(out, "\r\n");
    }
    if (a->headers) an_buf_puts(out, a->headers);
    if (x->closes)
        PUT(out, "Connection: close\r\n");
    else if (x->old)
        PUT(out, "Connection: keep-alive\r\n");
    if (bodiless(status)) {
        PUT(out, "\r\n");
    } else if (framing == BY_LENGTH) {
        PUT(out, "Content-Length: ");
        put_number(out, length);
        PUT(out, "\r\n\r\n");
    } else if (framing == BY_CHUNKS) {
        PUT(out, "Transfer-Encoding: chunked\r\n\r\n");
    } else {
        PUT(out, "\r\n");
    }
}

/* The request has done its duty: its memory must not wait for a slow reader of the answer. */
static void answered(an_exchange *x)
{
    an__conn *c = x->conn;
    if (x == c->taking) {
        c->taking = NULL;
        c->stopped = false;
    }
    c->queued -= x->counted;
    x->counted = x->out.size + x->body_size; /* now it is the answer that takes memory until it is written */
    c->queued += x->counted;
    an__message_clear(&x->message, AN__KEEP_BYTES);
    if (x->closes) c->no_more = true;
    an__conn_mark(c);
    if (c->server->freed && !c->server->settling)
        an__server_settle(c->server); /* it waited for this answer alone; the loop may have stopped */
}

void an_exchange_answer(an_exchange *x, const an_http_answer *a)
{
    put_head(x, a, BY_LENGTH, a->body_size);
    bool empty = x->head || bodiless(a->status) || !a->body_size;
    if (a->body_take) {
        if (!empty && a->body_size > AN__KEEP_BYTES / 2) {
            x->body = a->body_take;
            x->body_size = a->body_size;
        } else {
            if (!empty) an_buf_add(&x->out, a->body_take, a->body_size);
            free(a->body_take);
        }
    } else if (!empty) {
        an_buf_add(&x->out, a->body, a->body_size);
    }
    x->state = AN__READY;
    answered(x);
}

void an_exchange_begin(an_exchange *x, const an_http_answer *head, const an_http_source *source)
{
    x->sized = head->body_size > 0;
    x->left = head->body_size;
    x->chunked = !x->sized && !x->old;
    put_head(x, head, x->sized ? BY_LENGTH : x->chunked ? BY_CHUNKS : BY_CLOSE, head->body_size);
    x->source = *source;
    x->ended = x->head || bodiless(head->status); /* nothing to ask for */
    if (x->ended) x->chunked = x->sized = false;
    x->state = AN__STREAM;
    answered(x);
}

void an_exchange_wake(an_exchange *x)
{
    x->rests = false;
    if (x == x->conn->taking) x->conn->stopped = false;
    an__conn_mark(x->conn);
}

void an__exchange_refuse(an_exchange *x, int status, const char *why)
{
    an_buf text = { 0 };
    an_buf_puts(&text, "{\"error\":\"");
    for (; *why; why++) { /* may quote what a client sent */
        unsigned char ch = (unsigned char)*why;
        if (ch == '"' || ch == '\\') an_buf_putc(&text, '\\');
        if (ch < 0x20 || ch >= 0x7f)
            an_buf_printf(&text, "\\u%04x", ch);
        else
            an_buf_putc(&text, (char)ch);
    }
    an_buf_puts(&text, "\"}\n");
    an_exchange_answer(
        x, &(an_http_answer){ .status = status, .type = "application/json", .body = text.data, .body_size = text.size, .close = true });
    an_buf_free(&text);
}
