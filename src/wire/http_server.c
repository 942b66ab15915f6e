/* http_server.c - the server as a whole: listening, accepting, running out of descriptors, draining, the end. */
#include "wire/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPT_AT_ONCE = 64, CLOSE_AT_ONCE = 32 };
#define ACCEPT_PAUSE_S 0.1

/* ---- listening ---- */

static int open_listener(const an_http_server_options *o, int *port, an_error *err)
{
    const char *address = o->address ? o->address : "127.0.0.1";
    char service[16];
    snprintf(service, sizeof service, "%d", o->port);
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *found = NULL;
    int failed = o->port < 0 || o->port > 65535 ? EAI_SERVICE : getaddrinfo(address, service, &hints, &found);
    if (failed) {
        an_fail(err, AN_USAGE, "cannot listen on %s port %d: %s", address, o->port, gai_strerror(failed));
        an_hint(err,
                "Give an address of this machine, 127.0.0.1 (this machine only) or 0.0.0.0 (all its networks), and a port of 0 to 65535.");
        return -1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
              bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 4096) == 0;
    freeaddrinfo(found);
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    ok = ok && getsockname(fd, (struct sockaddr *)&bound, &size) == 0;
    if (!ok) {
        int why = errno;
        an_fail_errno(err, "cannot listen on %s port %d", address, o->port);
        if (why == EADDRINUSE) an_hint(err, "Another program uses this port: stop it, or choose another port (0 picks a free one).");
        if (why == EACCES) an_hint(err, "Ports below 1024 are for the administrator: choose a higher one.");
        if (why == EADDRNOTAVAIL) an_hint(err, "This machine has no such address: use 127.0.0.1 or 0.0.0.0.");
        if (fd >= 0) close(fd);
        return -1;
    }
    *port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port : ((struct sockaddr_in *)&bound)->sin_port);
    return fd;
}

static void peer_text(const struct sockaddr_storage *a, char *out, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (a->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        snprintf(out, size, "%s:%d", host, ntohs(v4->sin_port));
    } else {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;
        bool mapped = a->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
        if (mapped)
            inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, host, sizeof host);
        else if (a->ss_family == AF_INET6)
            inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        snprintf(out, size, mapped ? "%s:%d" : "[%s]:%d", host, ntohs(v6->sin6_port));
    }
}

/* ---- accepting ---- */

static void on_accept(void *context, int fd, unsigned events);

static void accept_later(void *context)
{
    an_http_server *s = context;
    s->accept_again = NULL;
    an__server_accept(s, true);
}

void an__server_accept(an_http_server *s, bool on)
{
    if (s->listener < 0 || s->accepting == on) return;
    s->accepting = an_loop_watch(s->loop, s->listener, on ? AN_READABLE : 0, on_accept, s, NULL) && on;
    if (!s->accepting && !s->accept_again) s->accept_again = an_loop_after(s->loop, ACCEPT_PAUSE_S, accept_later, s);
}

/* Closes those that have done nothing for longest; how many. */
static size_t make_room(an_http_server *s, size_t most)
{
    size_t closed = 0;
    while (s->idle_first && closed < most) {
        an__conn_close(s->idle_first);
        closed++;
    }
    return closed;
}

static void on_accept(void *context, int fd, unsigned events)
{
    (void)events;
    an_http_server *s = context;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        if (s->counts.open >= s->limits.connections) {
            if (i) return; /* whether one more waits is known at the next event */
            if (!make_room(s, 1)) {
                an__server_accept(s, false); /* all are busy: newcomers wait in the kernel's queue */
                return;
            }
        }
        struct sockaddr_storage from;
        socklen_t size = sizeof from;
        int client = accept4(fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client >= 0) {
            char peer[56];
            an__renewal_look(s->renewal, &s->tls, an_loop_now(s->loop));
            peer_text(&from, peer, sizeof peer);
            an__io_prepare(client);
            an__conn_new(s, client, peer);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO) continue;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            /* the listener stays readable: without a pause the loop would spin */
            make_room(s, CLOSE_AT_ONCE);
            an__server_accept(s, false);
        }
        return;
    }
}

/* ---- life and death ---- */

an_http_server *an_http_server_new(an_loop *l, const an_http_server_options *o, an_error *err)
{
    an__tls *tls = NULL;
    an__renewal *renewal = NULL;
    if (o->certificate || o->key) {
        renewal = an__renewal_new(o->certificate, o->key);
        tls = an__tls_server(o->certificate, o->key, err);
    }
    int port, fd = renewal && !tls ? -1 : open_listener(o, &port, err);
    if (fd < 0) {
        an__tls_free(tls);
        an__renewal_free(renewal);
        return NULL;
    }
    an_http_server *s = an_alloc(sizeof *s);
    s->loop = l;
    s->limits = an__limits(&o->limits);
    s->context = o->context;
    s->handle = o->handle;
    s->head = o->head;
    s->tls = tls;
    s->renewal = renewal;
    s->listener = fd;
    s->port = port;
    s->input = an_alloc(AN__INPUT_BYTES);
    if (!an_loop_watch(l, fd, AN_READABLE, on_accept, s, err)) {
        close(fd);
        an__tls_free(tls);
        an__renewal_free(renewal);
        free(s->input);
        free(s);
        return NULL;
    }
    s->accepting = true;
    an__loop_last(l, an__server_settle, s);
    return s;
}

int an_http_server_port(const an_http_server *s)
{
    return s->port;
}

const char *an_http_server_certificate_why(an_http_server *s)
{
    an__renewal_look(s->renewal, &s->tls, an_loop_now(s->loop)); /* whoever asks may use an old connection */
    return an__renewal_why(s->renewal, s->tls);
}

void an_http_server_counts(const an_http_server *s, an_http_counts *out)
{
    *out = s->counts;
}

static void stop_listening(an_http_server *s)
{
    an_loop_cancel(s->loop, s->accept_again);
    s->accept_again = NULL;
    if (s->listener < 0) return;
    an_loop_watch(s->loop, s->listener, 0, NULL, NULL, NULL);
    close(s->listener);
    s->listener = -1;
    s->accepting = false;
}

static void nothing(void *context)
{
    (void)context; /* a posted call makes a turn, and a turn settles */
}

static void drain_over(void *context)
{
    an_http_server *s = context;
    s->drain_timer = NULL;
    while (s->conns) {
        s->conns->broken = true;
        an__conn_close(s->conns);
    }
}

void an_http_server_drain(an_http_server *s, double seconds, void (*done)(void *context), void *context)
{
    stop_listening(s);
    s->draining = true;
    s->drained = done;
    s->drained_context = context;
    for (an__conn *c = s->conns, *next; c; c = next) {
        next = c->next;
        if (c->idle)
            an__conn_close(c);
        else
            an__conn_mark(c);
    }
    an_loop_cancel(s->loop, s->drain_timer);
    s->drain_timer = an_loop_after(s->loop, seconds, drain_over, s);
    an_loop_post(s->loop, nothing, NULL);
}

void an__server_done(an_http_server *s)
{
    if (s->draining && s->drained && !s->conns) {
        void (*done)(void *) = s->drained;
        s->drained = NULL;
        an_loop_cancel(s->loop, s->drain_timer);
        s->drain_timer = NULL;
        done(s->drained_context); /* may free the server: nothing of it is used afterwards */
        return;
    }
    if (!s->freed || s->standing || s->settling) return;
    an__loop_last_remove(s->loop, an__server_settle, s);
    an__tls_free(s->tls);
    an__renewal_free(s->renewal);
    while (s->spare) {
        an_exchange *x = s->spare;
        s->spare = x->next;
        an__message_free(&x->message);
        an_buf_free(&x->out);
        an_buf_free(&x->piece);
        free(x);
    }
    free(s->input);
    free(s);
}

void an_http_server_free(an_http_server *s)
{
    if (!s) return;
    stop_listening(s);
    an_loop_cancel(s->loop, s->drain_timer);
    s->drain_timer = NULL;
    s->drained = NULL;
    s->freed = true;
    an_loop_cancel(s->loop, s->resume);
    s->resume = NULL;
    for (an__conn *c = s->resumed, *next; c; c = next) {
        next = c->next_resumed;
        c->resumed = false;
        an__conn_mark(c);
    }
    s->resumed = NULL;
    while (s->conns) an__conn_close(s->conns);
    if (!s->settling) an__server_settle(s); /* the loop may not turn again */
}
