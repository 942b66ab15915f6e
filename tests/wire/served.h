/* served.h - a server in a thread of its own, and blocking sockets that talk to it: what the tests of the server share. */
#ifndef TEST_WIRE_SERVED_H
#define TEST_WIRE_SERVED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "andon/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct served {
    an_loop *loop;
    an_http_server *server;
    pthread_t thread;
    int port;
    bool drained;
    void *user; /* of the test's handler, which gets the served as its context */
} served;

static inline void *served_run(void *context)
{
    served *s = context;
    an_error err = { 0 };
    if (!an_loop_run(s->loop, &err)) fprintf(stderr, "%s\n", err.message);
    return NULL;
}

static inline void served_start(served *s, an_http_server_options options, void (*handle)(void *, an_exchange *))
{
    an_error err = { 0 };
    s->loop = an_loop_new(&err);
    if (!s->loop) fail_msg("%s", err.message);
    options.handle = handle;
    options.context = s;
    s->server = an_http_server_new(s->loop, &options, &err);
    if (!s->server) fail_msg("%s", err.message);
    s->port = an_http_server_port(s->server);
    assert_int_equal(pthread_create(&s->thread, NULL, served_run, s), 0);
}

static inline void served_stop(served *s)
{
    an_loop_stop(s->loop);
    pthread_join(s->thread, NULL);
    an_http_server_free(s->server);
    an_loop_free(s->loop);
}

static inline int dial(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) fail_msg("connect: %s", strerror(errno));
    struct timeval patience = { .tv_sec = 20 };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static inline void put_bytes(int fd, const void *bytes, size_t n)
{
    const char *at = bytes;
    while (n) {
        ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);
        if (sent <= 0) fail_msg("send: %s", strerror(errno));
        at += sent;
        n -= (size_t)sent;
    }
}

static inline void put(int fd, const char *text)
{
    put_bytes(fd, text, strlen(text));
}

/* Adds what has come to b; false at the end. */
static inline bool get_some(int fd, an_buf *b)
{
    char some[65536];
    ssize_t n = recv(fd, some, sizeof some, 0);
    if (n < 0) fail_msg("recv: %s, after %zu bytes: %.300s", strerror(errno), b->size, b->data ? b->data : "");
    an_buf_add(b, some, (size_t)n);
    return n > 0;
}

/* Everything until the server closes; new text. */
static inline char *get_all(int fd)
{
    an_buf b = { 0 };
    while (get_some(fd, &b)) {
    }
    return an_buf_take(&b);
}

/* One reply with Content-Length (or none: no body) from what stands in b and comes after it, taken off b; body: its text, may be NULL. */
static inline int get_reply(int fd, an_buf *b, an_buf *body)
{
    char *end;
    while (!b->size || !(end = strstr(b->data, "\r\n\r\n"))) {
        if (!get_some(fd, b)) fail_msg("closed after: %s", b->data);
    }
    size_t head = (size_t)(end - b->data) + 4;
    char *length = strstr(b->data, "Content-Length: ");
    size_t n = length && length < end ? strtoul(length + 16, NULL, 10) : 0;
    int status = atoi(b->data + 9);
    while (b->size < head + n) {
        if (!get_some(fd, b)) fail_msg("closed in the body after: %s", b->data);
    }
    if (body) {
        an_buf_clear(body);
        an_buf_add(body, b->data + head, n);
    }
    size_t rest = b->size - head - n;
    memmove(b->data, b->data + head + n, rest + 1);
    b->size = rest;
    return status;
}

static inline size_t occurrences(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part)) n++;
    return n;
}

/* A handler: "METHOD path body" */
static inline void echo(void *context, an_exchange *x)
{
    (void)context;
    const an_http_request *r = an_exchange_request(x);
    an_buf b = { 0 };
    an_buf_add(&b, r->method.data, r->method.size);
    an_buf_printf(&b, " %s ", r->path);
    an_buf_add(&b, r->body.data, r->body.size);
    size_t n = b.size;
    an_exchange_answer(
        x, &(an_http_answer){
               .status = 200, .type = "text/plain", .headers = "X-Test: yes\r\n", .body_take = an_buf_take(&b), .body_size = n });
}

static inline void has(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("\"%s\" is not in:\n%s", part, text);
}

/* What the server has counted; asked for in its own thread. */
typedef struct asked_counts {
    served *s;
    an_http_counts counts;
    pthread_mutex_t lock;
    pthread_cond_t ready;
    bool done;
} asked_counts;

static inline void counts_in_loop(void *context)
{
    asked_counts *a = context;
    pthread_mutex_lock(&a->lock);
    an_http_server_counts(a->s->server, &a->counts);
    a->done = true;
    pthread_cond_signal(&a->ready);
    pthread_mutex_unlock(&a->lock);
}

static inline an_http_counts counts_of(served *s)
{
    asked_counts a = { .s = s, .lock = PTHREAD_MUTEX_INITIALIZER, .ready = PTHREAD_COND_INITIALIZER };
    an_loop_post(s->loop, counts_in_loop, &a);
    pthread_mutex_lock(&a.lock);
    while (!a.done) pthread_cond_wait(&a.ready, &a.lock);
    pthread_mutex_unlock(&a.lock);
    return a.counts;
}

#endif
