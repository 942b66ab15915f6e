/* mqtt.c - publishes messages to an MQTT 3.1.1 broker (OASIS standard of 29 October 2014) with quality of service 1: a message counts when
 * the broker has acknowledged it. Blocking, for a thread of its own. No subscriptions, no TLS, sessions are always clean. */
#include "andon/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT = 0x10, CONNACK = 0x20, PUBLISH_ONCE = 0x32, PUBACK = 0x40, TEXT_MAX = 65535, ANSWER_MAX = 1 << 20 };

struct an_mqtt {
    char *host, *port, *client, *user, *password;
    double timeout_s;
    int fd; /* -1: not connected */
    uint16_t id;
};

static bool broken(const an_mqtt *m, const char *what, int code, an_error *err)
{
    return an_fail(err, AN_IO, "MQTT broker %s port %s: %s%s%s", m->host, m->port, what, code ? ": " : "", code ? strerror(code) : "");
}

static void hang_up(an_mqtt *m)
{
    if (m->fd >= 0) close(m->fd);
    m->fd = -1;
}

/* ---- bytes ---- */

static bool ready(const an_mqtt *m, short events, double until, an_error *err)
{
    for (;;) {
        double left = until - an_clock_s();
        if (left <= 0) return broken(m, "no answer in time", 0, err);
        struct pollfd p = { .fd = m->fd, .events = events };
        int n = poll(&p, 1, (int)(left * 1e3) + 1);
        if (n > 0) return true;
        if (n < 0 && errno != EINTR) return broken(m, "waiting", errno, err);
    }
}

static bool put(an_mqtt *m, const an_buf *b, double until, an_error *err)
{
    for (size_t done = 0; done < b->size;) {
        ssize_t n = send(m->fd, b->data + done, b->size - done, MSG_NOSIGNAL);
        if (n > 0) done += (size_t)n;
        if (n < 0 && errno != EAGAIN && errno != EINTR) return broken(m, "sending", errno, err);
        if (n < 0 && !ready(m, POLLOUT, until, err)) return false;
    }
    return true;
}

static bool take(an_mqtt *m, uint8_t *out, size_t size, double until, an_error *err)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = recv(m->fd, out + done, size - done, 0);
        if (!n) return broken(m, "it closed the connection", 0, err);
        if (n > 0) done += (size_t)n;
        if (n < 0 && errno != EAGAIN && errno != EINTR) return broken(m, "receiving", errno, err);
        if (n < 0 && !ready(m, POLLIN, until, err)) return false;
    }
    return true;
}

/* The next packet of this kind, at least two bytes long, of which the first two are kept; others are passed over. */
static bool await(an_mqtt *m, uint8_t kind, uint8_t body[2], double until, an_error *err)
{
    for (;;) {
        uint8_t type, byte, rest[512];
        size_t size = 0;
        if (!take(m, &type, 1, until, err)) return false;
        for (int shift = 0;; shift += 7) {
            if (shift > 21) return broken(m, "it does not speak MQTT", 0, err);
            if (!take(m, &byte, 1, until, err)) return false;
            size |= (size_t)(byte & 127) << shift;
            if (byte < 128) break;
        }
        bool it = (type & 0xf0) == kind;
        if (size > ANSWER_MAX || (it && size < 2)) return broken(m, "it does not speak MQTT", 0, err);
        if (it && !take(m, body, 2, until, err)) return false;
        for (size_t left = it ? size - 2 : size; left;) {
            size_t n = left < sizeof rest ? left : sizeof rest;
            if (!take(m, rest, n, until, err)) return false;
            left -= n;
        }
        if (it) return true;
    }
}

static void text(an_buf *b, const char *s)
{
    size_t n = strlen(s);
    an_buf_putc(b, (char)(n >> 8));
    an_buf_putc(b, (char)(n & 255));
    an_buf_add(b, s, n);
}

/* Puts type and length before the body. */
static void packet(an_buf *out, uint8_t type, const an_buf *body)
{
    an_buf_clear(out);
    an_buf_putc(out, (char)type);
    size_t n = body->size;
    do {
        an_buf_putc(out, (char)((n & 127) | (n > 127 ? 128 : 0)));
        n >>= 7;
    } while (n);
    an_buf_add(out, body->data, body->size);
}

/* ---- connecting ---- */

static bool dial(an_mqtt *m, double until, an_error *err)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    int code = getaddrinfo(m->host, m->port, &hints, &found);
    if (code) return broken(m, gai_strerror(code), 0, err);
    bool ok = false;
    for (const struct addrinfo *a = found; a && !ok; a = a->ai_next) {
        m->fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (m->fd < 0) continue;
        int why = connect(m->fd, a->ai_addr, a->ai_addrlen) ? errno : 0;
        socklen_t size = sizeof why;
        if (why == EINPROGRESS && ready(m, POLLOUT, until, err) && getsockopt(m->fd, SOL_SOCKET, SO_ERROR, &why, &size)) why = errno;
        ok = !why;
        if (why && why != EINPROGRESS) broken(m, "connecting", why, err);
        if (!ok) hang_up(m);
    }
    freeaddrinfo(found);
    if (ok) setsockopt(m->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    return ok || (err->code ? false : broken(m, "cannot be reached", 0, err));
}

static bool open_session(an_mqtt *m, an_error *err)
{
    static const char *const refusals[] = { "",
                                            "it speaks another version",
                                            "it does not take this client's name",
                                            "it is not available",
                                            "user or password is wrong",
                                            "this user may not connect" };
    double until = an_clock_s() + m->timeout_s;
    if (!dial(m, until, err)) return false;
    an_buf body = { 0 }, out = { 0 };
    text(&body, "MQTT");
    an_buf_putc(&body, 4);                                                           /* 3.1.1 */
    an_buf_putc(&body, (char)(2 | (m->user ? 0x80 : 0) | (m->password ? 0x40 : 0))); /* a clean session */
    an_buf_putc(&body, 0);
    an_buf_putc(&body, 0); /* keep alive: off; a connection that has died is seen by the next message */
    text(&body, m->client);
    if (m->user) text(&body, m->user);
    if (m->password) text(&body, m->password);
    packet(&out, CONNECT, &body);
    uint8_t answer[2];
    bool ok = put(m, &out, until, err) && await(m, CONNACK, answer, until, err);
    if (ok && answer[1]) ok = broken(m, answer[1] < AN_COUNT(refusals) ? refusals[answer[1]] : "it refuses the connection", 0, err);
    an_buf_free(&body);
    an_buf_free(&out);
    if (!ok) hang_up(m);
    return ok;
}

/* ---- publishing ---- */

static bool publish(an_mqtt *m, const char *topic, const void *bytes, size_t n, an_error *err)
{
    double until = an_clock_s() + m->timeout_s;
    an_buf body = { 0 }, out = { 0 };
    m->id = m->id == UINT16_MAX ? 1 : (uint16_t)(m->id + 1);
    text(&body, topic);
    an_buf_putc(&body, (char)(m->id >> 8));
    an_buf_putc(&body, (char)(m->id & 255));
    an_buf_add(&body, bytes, n);
    packet(&out, PUBLISH_ONCE, &body);
    uint8_t id[2];
    bool ok = put(m, &out, until, err);
    do ok = ok && await(m, PUBACK, id, until, err);
    while (ok && (id[0] << 8 | id[1]) != m->id);
    an_buf_free(&body);
    an_buf_free(&out);
    if (!ok) hang_up(m);
    return ok;
}

bool an_mqtt_publish(an_mqtt *m, const char *topic, const void *bytes, size_t n, an_error *err)
{
    an_error why = { 0 };
    if (!*topic || strlen(topic) > TEXT_MAX || topic[strcspn(topic, "+#")])
        return an_fail(err, AN_INPUT, "MQTT: \"%.100s\" is no topic to publish to", topic);
    if (n > (128u << 20)) return an_fail(err, AN_INPUT, "MQTT: a message of %zu bytes is too large", n);
    if (m->fd >= 0 && publish(m, topic, bytes, n, &why))
        return true; /* else it may have closed an idle connection: once more on a new one */
    why = (an_error){ 0 };
    if (open_session(m, &why) && publish(m, topic, bytes, n, &why)) return true;
    if (err) *err = why;
    return false;
}

an_mqtt *an_mqtt_new(const an_mqtt_options *o, an_error *err)
{
    const char *texts[] = { o->client, o->user, o->password };
    for (size_t i = 0; i < AN_COUNT(texts); i++)
        if (texts[i] && strlen(texts[i]) > TEXT_MAX) {
            an_fail(err, AN_INPUT, "MQTT: name or password is too long");
            return NULL;
        }
    an_mqtt *m = an_alloc(sizeof *m);
    *m = (an_mqtt){ .host = an_strdup(o->host),
                    .port = an_format("%d", o->port ? o->port : 1883),
                    .client = an_strdup(o->client ? o->client : ""),
                    .user = o->user ? an_strdup(o->user) : NULL,
                    .password = o->user && o->password ? an_strdup(o->password) : NULL, /* no password without a user: section 3.1.2.9 */
                    .timeout_s = o->timeout_s > 0 ? o->timeout_s : 5,
                    .fd = -1 };
    return m;
}

void an_mqtt_free(an_mqtt *m)
{
    if (!m) return;
    if (m->fd >= 0) (void)!send(m->fd, "\xe0\0", 2, MSG_NOSIGNAL); /* DISCONNECT: no will, no wait */
    hang_up(m);
    free(m->host);
    free(m->port);
    free(m->client);
    free(m->user);
    free(m->password);
    free(m);
}
