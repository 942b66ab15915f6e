/* http_client.c - one connection to one server: requests go out one after the other, replies come back in the same order.
 *
 * The connection stays open between requests; when the server has closed it meanwhile, the next request opens another. A request whose
 * connection breaks before a byte of the reply came is sent once more on a new connection if nothing of it was sent, or if its method may
 * be repeated (RFC 9110, section 9.2.2); a POST is not: its sender decides.
 */
#include "wire/http.h"
#include "wire/http_resolve.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { INPUT_BYTES = 16384, KEEP_BYTES = 65536 };

typedef struct request {
    struct request *next;
    an_buf bytes;               /* head and body */
    bool head, repeatable, bad; /* bad: never sent */
    an_reply_function reply;
    void *context;
} request;

struct an_http_client {
    an_loop *loop;
    char *host, *authority; /* "::1" and "[::1]:8080" */
    int port;
    double timeout_s;
    an__tls *tls;
    an__ssl *ssl;
    int fd; /* -1: not connected */
    an__resolver *resolver;
    struct addrinfo *addresses, *next_address;
    char last_why[160];                            /* why the last address failed */
    request *first, *last, *spare;                 /* first: in flight, if any is */
    bool flying, connecting, used, retried, heard; /* used: the connection has carried a reply; heard: bytes of the reply came */
    bool deaf;                                     /* the server takes no more of the request; its reply may still come */
    size_t sent;
    an_http_limits limits;
    an_http_parser parser;
    an__message message;
    an_http_reply reply;
    an_timer *timer;
    an_timer *start; /* the next request takes off when it rings: at once, but not within a callback */
    bool inside, freed;
    char *input;
};

static void on_event(void *context, int fd, unsigned events);
static void next_request(an_http_client *c);

/* ---- making one ---- */

/* "http://host:port[/]" */
static bool read_url(an_http_client *c, const char *url, bool *tls, an_error *err)
{
    *tls = strncasecmp(url, "https://", 8) == 0;
    const char *host = *tls ? url + 8 : strncasecmp(url, "http://", 7) == 0 ? url + 7 : NULL;
    const char *end = host ? host + strcspn(host, "/?#") : NULL;
    if (!host || end == host || (*end && strcmp(end, "/") != 0)) {
        an_fail(err, AN_USAGE, "\"%s\" is not an address of a server", url);
        return an_hint(err, "Write http://host:port or https://host:port, without a path.");
    }
    const char *close = *host == '[' ? memchr(host, ']', (size_t)(end - host)) : NULL;
    const char *colon = memchr(close ? close : host, ':', (size_t)(end - (close ? close : host)));
    const char *stop = colon ? colon : end;
    char *rest = NULL;
    long port = colon ? strtol(colon + 1, &rest, 10) : *tls ? 443 : 80;
    bool bad = (colon && (rest != end || colon[1] < '0' || colon[1] > '9')) || port < 1 || port > 65535 ||
               (*host == '[' && (!close || close + 1 != stop));
    for (const char *s = host; s < end; s++) bad |= *s <= ' ' || *s == '@' || *s >= 0x7f;
    if (bad || stop == host) {
        an_fail(err, AN_USAGE, "\"%s\" is not an address of a server", url);
        return an_hint(err, "Write http://host:port or https://host:port; the port is 1 to 65535.");
    }
    c->port = (int)port;
    c->host = close ? an_strndup(host + 1, (size_t)(close - host - 1)) : an_strndup(host, (size_t)(stop - host));
    c->authority = an_strndup(host, (size_t)(end - host));
    return true;
}

an_http_client *an_http_client_new(an_loop *l, const char *url, const char *ca, double timeout_s, an_error *err)
{
    an_http_client *c = an_alloc(sizeof *c);
    bool tls;
    c->loop = l;
    c->fd = -1;
    c->timeout_s = timeout_s > 0 ? timeout_s : 30;
    c->limits = an__limits(NULL);
    an__parser_init(&c->parser, &c->limits, true);
    c->parser.m = &c->message;
    if (!read_url(c, url, &tls, err) || (tls && !(c->tls = an__tls_client(ca, err)))) {
        an_http_client_free(c);
        return NULL;
    }
    c->input = an_alloc(INPUT_BYTES);
    return c;
}

/* ---- the connection ---- */

static void disconnect(an_http_client *c)
{
    if (c->fd < 0) return;
    an_loop_watch(c->loop, c->fd, 0, NULL, NULL, NULL);
    an__ssl_free(c->ssl);
    c->ssl = NULL;
    close(c->fd);
    c->fd = -1;
    c->connecting = c->used = c->deaf = false;
}

static void watch(an_http_client *c, unsigned events)
{
    an_loop_watch(c->loop, c->fd, events, on_event, c, NULL);
}

/* The request in flight is over: the callback, and what may happen in it. The queue goes on by a timer, so that callbacks never nest.
 */
static void finish(an_http_client *c, const an_error *err)
{
    request *r = c->first;
    c->first = r->next;
    if (!c->first) c->last = NULL;
    c->flying = false;
    an_loop_cancel(c->loop, c->timer);
    c->timer = NULL;
    c->reply.finished = an_clock_s();
    c->inside = true;
    if (r->reply) r->reply(r->context, &c->reply, err);
    c->inside = false;
    if (r->bytes.capacity > KEEP_BYTES) an_buf_free(&r->bytes);
    r->next = c->spare;
    c->spare = r;
    an__message_clear(&c->message, KEEP_BYTES);
    if (c->freed)
        an_http_client_free(c);
    else
        next_request(c);
}

static void fail(an_http_client *c, an_code code, const char *why)
{
    an_error err = { 0 };
    an_fail(&err, code, "no answer from %s: %s", c->authority, why);
    an__message_clear(&c->message, KEEP_BYTES);
    c->reply.status = 0;
    c->reply.headers = 0;
    c->reply.body = (an_span){ 0 };
    disconnect(c);
    finish(c, &err);
}

static void connect_next(an_http_client *c)
{
    while (c->next_address) {
        const struct addrinfo *a = c->next_address;
        c->next_address = a->ai_next;
        c->fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (c->fd >= 0) {
            an__io_prepare(c->fd);
            if (connect(c->fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS) {
                c->connecting = true;
                watch(c, AN_WRITABLE);
                return;
            }
        }
        snprintf(c->last_why, sizeof c->last_why, "%s", strerror(errno));
        disconnect(c);
    }
    if (c->addresses) freeaddrinfo(c->addresses); /* looked up anew the next time: it may have moved */
    c->addresses = NULL;
    fail(c, AN_IO, c->last_why);
}

static void on_resolved(void *context, struct addrinfo *found, const char *why)
{
    an_http_client *c = context;
    c->resolver = NULL;
    c->addresses = c->next_address = found; /* none was known, or nobody would have asked */
    snprintf(c->last_why, sizeof c->last_why, "%s", why ? why : "no address");
    if (c->flying) connect_next(c);
}

static void open_connection(an_http_client *c)
{
    if (!c->addresses) c->addresses = an__resolve_digits(c->host, c->port);
    if (c->addresses) {
        c->next_address = c->addresses;
        connect_next(c);
    } else if (!c->resolver) {
        c->resolver = an__resolve(c->loop, c->host, c->port, on_resolved, c);
        if (!c->resolver) fail(c, AN_FAILED, "no thread could be started to look up the name");
    }
}

/* ---- requests ---- */

static void transmit(an_http_client *c)
{
    const request *r = c->first;
    if (c->deaf) return;
    if (!c->sent) c->reply.sent = an_clock_s();
    struct iovec part = { r->bytes.data + c->sent, r->bytes.size - c->sent };
    ssize_t n = part.iov_len ? an__io_send(c->fd, c->ssl, &part, 1) : 0;
    if (n == AN__BROKEN) {
        c->deaf = true; /* it may have answered before it closed; reading shows */
        watch(c, AN_READABLE);
        return;
    }
    if (n > 0) c->sent += (size_t)n;
    bool more = c->sent < r->bytes.size && n != AN__AGAIN_READ;
    watch(c, more ? AN_READABLE | AN_WRITABLE : AN_READABLE);
}

static void on_timeout(void *context)
{
    an_http_client *c = context;
    c->timer = NULL;
    char why[64];
    snprintf(why, sizeof why, "%s within %g s", c->connecting || c->fd < 0 ? "no connection" : "nothing came", c->timeout_s);
    fail(c, AN_IO, why);
}

static void start(an_http_client *c)
{
    c->sent = 0;
    c->heard = false;
    an__message_clear(&c->message, KEEP_BYTES);
    an_http_parser_next(&c->parser);
    c->parser.headless = c->first->head;
    if (c->fd < 0)
        open_connection(c);
    else if (!c->connecting)
        transmit(c);
}

/* The first of the queue takes off. */
static void go(void *context)
{
    an_http_client *c = context;
    c->start = NULL;
    c->flying = true;
    c->retried = false;
    c->reply.sent = c->reply.first_byte = 0;
    if (c->first->bad) {
        an_error err = { 0 };
        an_fail(&err, AN_USAGE, "a request's method or target holds a blank or a control character");
        c->reply.status = 0;
        c->reply.headers = 0;
        c->reply.body = (an_span){ 0 };
        finish(c, &err);
        return;
    }
    c->timer = an_loop_after(c->loop, c->timeout_s, on_timeout, c);
    start(c);
}

static void next_request(an_http_client *c)
{
    if (!c->start && !c->flying && c->first && !c->inside) c->start = an_loop_after(c->loop, 0, go, c);
}

static bool plain(const char *s)
{
    for (; *s; s++) {
        if (*s <= ' ' || *s >= 0x7f) return false;
    }
    return true;
}

void an_http_client_send(an_http_client *c, const char *method, const char *target, const char *headers, const void *body, size_t n,
                         an_reply_function reply, void *context)
{
    if (c->freed) return;
    request *r = c->spare;
    if (r)
        c->spare = r->next;
    else
        r = an_alloc(sizeof *r);
    r->next = NULL;
    r->reply = reply;
    r->context = context;
    r->head = strcmp(method, "HEAD") == 0;
    r->repeatable = r->head || strcmp(method, "GET") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "DELETE") == 0 ||
                    strcmp(method, "OPTIONS") == 0;
    r->bad = !plain(method) || !plain(target) || !*method || !*target;
    an_buf *b = &r->bytes;
    an_buf_clear(b);
    an_buf_puts(b, method);
    an_buf_putc(b, ' ');
    an_buf_puts(b, target);
    an_buf_puts(b, " HTTP/1.1\r\nHost: ");
    an_buf_puts(b, c->authority);
    an_buf_puts(b, "\r\nConnection: keep-alive\r\n");
    if (headers) an_buf_puts(b, headers);
    if (n || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0) {
        char length[48];
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", n);
        an_buf_puts(b, length);
    }
    an_buf_puts(b, "\r\n");
    an_buf_add(b, body, n);
    if (c->last)
        c->last->next = r;
    else
        c->first = r;
    c->last = r;
    next_request(c);
}

/* ---- replies ---- */

static void broke(an_http_client *c, const char *why)
{
    if (!c->flying) {
        disconnect(c);
        return;
    }
    bool again = c->used && !c->retried && !c->heard && (c->first->repeatable || !c->sent);
    if (again) {
        c->retried = true;
        disconnect(c);
        start(c);
        return;
    }
    fail(c, AN_IO, why);
}

/* A whole reply. Interim ones (100 to 199) are passed over. */
static bool whole(an_http_client *c, bool rest)
{
    const an_http_request *m = &c->message.request;
    if (c->message.status < 200) {
        an_http_parser_next(&c->parser);
        an__message_clear(&c->message, KEEP_BYTES);
        c->parser.headless = c->first->head;
        return false;
    }
    c->reply.status = c->message.status;
    c->reply.headers = m->headers;
    memcpy(c->reply.header, m->header, m->headers * sizeof *m->header);
    c->reply.body = m->body;
    c->used = true;
    if (!m->keep_alive || rest || c->deaf || c->sent < c->first->bytes.size)
        disconnect(c);
    else
        watch(c, AN_READABLE);
    finish(c, NULL);
    return true;
}

static void receive(an_http_client *c)
{
    ssize_t n = an__io_receive(c->fd, c->ssl, c->input, INPUT_BYTES);
    if (n == AN__AGAIN_WRITE) watch(c, AN_READABLE | AN_WRITABLE);
    if (n == AN__AGAIN_READ || n == AN__AGAIN_WRITE) return;
    char why[200] = "the connection closed before the answer was complete";
    int status;
    if (n == AN__BROKEN && c->ssl) an__ssl_why(c->ssl, why, sizeof why);
    if (n <= 0) {
        if (n == 0 && c->flying && c->heard && an__parser_end(&c->parser, &status) == AN_HTTP_DONE)
            whole(c, true);
        else
            broke(c, why);
        return;
    }
    if (!c->flying) {
        disconnect(c); /* nobody asked */
        return;
    }
    if (!c->heard) c->reply.first_byte = an_clock_s();
    c->heard = true;
    size_t at = 0, used;
    while (at < (size_t)n) {
        an_http_state state = an_http_parser_feed(&c->parser, c->input + at, (size_t)n - at, &used, &status);
        at += used;
        if (state == AN_HTTP_BAD) {
            snprintf(why, sizeof why, "its answer cannot be read: %s", an_http_parser_why(&c->parser));
            fail(c, AN_CORRUPT, why);
            return;
        }
        if (state == AN_HTTP_DONE && whole(c, at < (size_t)n)) return;
    }
}

static void connected(an_http_client *c)
{
    int failed = 0;
    socklen_t size = sizeof failed;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &failed, &size);
    c->connecting = false;
    if (failed) {
        snprintf(c->last_why, sizeof c->last_why, "%s", strerror(failed));
        disconnect(c);
        connect_next(c);
        return;
    }
    if (c->tls && !(c->ssl = an__ssl_client(c->tls, c->fd, c->host)))
        fail(c, AN_FAILED, "cannot set up TLS");
    else
        transmit(c);
}

static void on_event(void *context, int fd, unsigned events)
{
    an_http_client *c = context;
    (void)fd;
    if (c->connecting) {
        connected(c);
        return;
    }
    bool before = c->fd == fd;
    if (c->flying && before && c->sent < c->first->bytes.size) transmit(c);
    if (c->fd == fd && (events & (AN_READABLE | AN_HANGUP))) receive(c);
}

/* ---- the end ---- */

void an_http_client_free(an_http_client *c)
{
    if (!c) return;
    if (c->inside) { /* from its own callback */
        c->freed = true;
        return;
    }
    disconnect(c);
    an_loop_cancel(c->loop, c->timer);
    an_loop_cancel(c->loop, c->start);
    an__resolve_forget(c->resolver);
    if (c->addresses) freeaddrinfo(c->addresses);
    c->freed = true;
    c->flying = false;
    while (c->first) {
        request *r = c->first;
        c->first = r->next;
        an_error err = { 0 };
        an_fail(&err, AN_STOPPED, "the request to %s was given up: closed", c->authority);
        c->reply = (an_http_reply){ 0 };
        c->inside = true;
        if (r->reply) r->reply(r->context, &c->reply, &err);
        c->inside = false;
        r->next = c->spare;
        c->spare = r;
    }
    c->last = NULL;
    while (c->spare) {
        request *r = c->spare;
        c->spare = r->next;
        an_buf_free(&r->bytes);
        free(r);
    }
    an__message_free(&c->message);
    an__tls_free(c->tls);
    free(c->input);
    free(c->host);
    free(c->authority);
    free(c);
}
