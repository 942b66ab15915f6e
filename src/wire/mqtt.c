/* mqtt.c - publishes messages to an MQTT 3.1.1 broker (OASIS standard of 29 October 2014) with quality of service 1: a message counts when
 * the broker has acknowledged it. Blocking, for a thread of its own; plain or over TLS. No subscriptions. Sessions are always clean: the
 * broker remembers no packet of an earlier connection, so that a message sent again is a new packet without DUP (section 4.4). */
#include "wire/http.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    CONNECT = 0x10,
    CONNACK = 0x20,
    PUBLISH_ONCE = 0x32,
    RETAIN = 1,
    PUBACK = 0x40,
    PINGREQ = 0xc0,
    PINGRESP = 0xd0,
    TLS_ALERT = 0x15, /* the first byte of what a TLS server says to those who speak no TLS */
    TEXT_MAX = 65535,
    ANSWER_MAX = 1 << 20
};

static const double glance_s = 0.2; /* so often a wait looks whether it is to end */

struct an_mqtt {
    char *host, *port, *client, *user, *password;
    char *ca, *certificate, *key;
    double timeout_s;
    int keep_alive_s;
    bool retain, secure, greeted; /* greeted: the broker has sent something over this connection */
    int fd;                       /* -1: not connected */
    an__tls *tls;                 /* of this connection, with its session */
    an__ssl *ssl;
    uint16_t id;
    _Atomic double end; /* nothing takes longer; 0: it may */
};

static bool broken(const an_mqtt *m, const char *what, int code, an_error *err)
{
    return an_fail(err, AN_IO, "MQTT broker %s port %s: %s%s%s", m->host, m->port, what, code ? ": " : "", code ? strerror(code) : "");
}

static void hang_up(an_mqtt *m)
{
    an__ssl_free(m->ssl);
    an__tls_free(m->tls);
    m->ssl = NULL;
    m->tls = NULL;
    if (m->fd >= 0) close(m->fd);
    m->fd = -1;
    m->greeted = false;
}

/* ---- bytes ---- */

static bool late(const an_mqtt *m, double until, an_error *err)
{
    double end = atomic_load(&m->end), now = an_clock_s();
    if (now <= until && (end <= 0 || now <= end)) return false;
    broken(m, "no answer in time", 0, err);
    if (m->ssl && !m->greeted) an_hint(err, "does the broker speak TLS on this port?");
    return true;
}

static bool ready(const an_mqtt *m, short events, double until, an_error *err)
{
    for (;;) {
        if (late(m, until, err)) return false;
        struct pollfd p = { .fd = m->fd, .events = events };
        double left = until - an_clock_s();
        int n = poll(&p, 1, left < glance_s ? (int)(left * 1e3) + 1 : (int)(glance_s * 1e3));
        if (n > 0) return true;
        if (n < 0 && errno != EINTR) return broken(m, "waiting", errno, err);
    }
}

/* The connection failed; why, for people. Over TLS the handshake fails in the midst of the first bytes. */
static bool cut(an_mqtt *m, ssize_t result, const char *doing, int code, an_error *err)
{
    char why[300];
    if (!m->ssl) {
        broken(m, result ? doing : "it closed the connection", result ? code : 0, err);
        return m->greeted ? false : an_hint(err, "does the broker speak TLS on this port, or refuse this client?");
    }
    if (result)
        an__ssl_why(m->ssl, why, sizeof why);
    else
        snprintf(why, sizeof why, "it closed the connection");
    if (m->greeted) return broken(m, why, 0, err);
    char *text = an_format("no TLS connection: %s", why);
    broken(m, text, 0, err);
    free(text);
    if (strstr(why, "not trusted"))
        return an_hint(err, "the certificate must be issued by one of the roots in 'ca', be for this host, and be valid now");
    /* a broker that misses a certificate closes, and its alert may be lost with the connection */
    if (strstr(why, "alert") || an__ssl_greeted(m->ssl))
        return an_hint(err, "does the broker ask for a certificate (cert and key), or for another one?");
    return an_hint(err, "does the broker speak TLS on this port? 8883 is usual");
}

/* One turn of sending or receiving ended with `result` <= 0: waits if that helps. */
static bool again(an_mqtt *m, ssize_t result, const char *doing, double until, an_error *err)
{
    int code = errno;
    if (result == AN__AGAIN_READ) return ready(m, POLLIN, until, err);
    if (result == AN__AGAIN_WRITE) return ready(m, POLLOUT, until, err);
    return cut(m, result, doing, code, err);
}

static bool put(an_mqtt *m, const an_buf *b, double until, an_error *err)
{
    for (size_t done = 0; done < b->size;) {
        ssize_t n = an__io_send(m->fd, m->ssl, &(struct iovec){ .iov_base = b->data + done, .iov_len = b->size - done }, 1);
        if (n > 0)
            done += (size_t)n;
        else if (!again(m, n, "sending", until, err))
            return false;
    }
    return true;
}

static bool take(an_mqtt *m, uint8_t *out, size_t size, double until, an_error *err)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = an__io_receive(m->fd, m->ssl, out + done, size - done);
        if (n > 0)
            done += (size_t)n;
        else if (!again(m, n, "receiving", until, err))
            return false;
    }
    return true;
}

/* The next packet of this kind, of which the first two bytes are kept (body NULL: none); others are passed over. */
static bool await(an_mqtt *m, uint8_t kind, uint8_t body[2], double until, an_error *err)
{
    for (;;) {
        uint8_t type, byte, rest[512];
        size_t size = 0;
        if (late(m, until, err) || !take(m, &type, 1, until, err)) return false; /* also where others come without a pause */
        if (!m->greeted && type == TLS_ALERT) {
            broken(m, "it speaks TLS on this port", 0, err);
            return an_hint(err, "set 'tls', or give the port of the broker that is without it");
        }
        m->greeted = true;
        for (int shift = 0;; shift += 7) {
            if (shift > 21) return broken(m, "it does not speak MQTT", 0, err);
            if (!take(m, &byte, 1, until, err)) return false;
            size |= (size_t)(byte & 127) << shift;
            if (byte < 128) break;
        }
        bool it = (type & 0xf0) == kind;
        if (size > ANSWER_MAX || (it && body && size < 2)) return broken(m, "it does not speak MQTT", 0, err);
        if (it && body && !take(m, body, 2, until, err)) return false;
        for (size_t left = it && body ? size - 2 : size; left;) {
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
    if (ok) an__io_prepare(m->fd);
    return ok || (err->code ? false : broken(m, "cannot be reached", 0, err));
}

/* Files are read for each connection: certificates are renewed while the program runs. */
static an__tls *credentials(const an_mqtt *m, an_error *err)
{
    an__tls *t = an__tls_client(m->ca, err);
    if (!t || !m->certificate || an__tls_present(t, m->certificate, m->key, err)) return t;
    an__tls_free(t);
    return NULL;
}

static bool secure(an_mqtt *m, an_error *err)
{
    if (!m->secure) return true;
    m->tls = credentials(m, err);
    if (m->tls) m->ssl = an__ssl_client(m->tls, m->fd, m->host);
    return m->ssl || (m->tls ? broken(m, "TLS cannot be set up for this host", 0, err) : false);
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
    if (!secure(m, err)) {
        hang_up(m);
        return false;
    }
    an_buf body = { 0 }, out = { 0 };
    text(&body, "MQTT");
    an_buf_putc(&body, 4);                                                           /* 3.1.1 */
    an_buf_putc(&body, (char)(2 | (m->user ? 0x80 : 0) | (m->password ? 0x40 : 0))); /* a clean session */
    an_buf_putc(&body, (char)(m->keep_alive_s >> 8));
    an_buf_putc(&body, (char)(m->keep_alive_s & 255));
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
    packet(&out, PUBLISH_ONCE | (m->retain ? RETAIN : 0), &body);
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

bool an_mqtt_ping(an_mqtt *m, an_error *err)
{
    an_error why = { 0 };
    if (m->fd >= 0) {
        double until = an_clock_s() + m->timeout_s;
        an_buf body = { 0 }, out = { 0 };
        packet(&out, PINGREQ, &body);
        bool ok = put(m, &out, until, &why) && await(m, PINGRESP, NULL, until, &why);
        an_buf_free(&out);
        if (ok) return true;
        hang_up(m);
    }
    why = (an_error){ 0 };
    if (open_session(m, &why)) return true;
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
    if (!o->certificate != !o->key) {
        an_fail(err, AN_INPUT, "MQTT: a client's certificate needs its key, and a key its certificate");
        return NULL;
    }
    an_mqtt *m = an_alloc(sizeof *m);
    *m = (an_mqtt){ .host = an_strdup(o->host),
                    .port = an_format("%d", o->port  ? o->port
                                            : o->tls ? 8883
                                                     : 1883),
                    .client = an_strdup(o->client ? o->client : ""),
                    .user = an_strdup(o->user),
                    .password = o->user ? an_strdup(o->password) : NULL, /* no password without a user: section 3.1.2.9 */
                    .ca = an_strdup(o->ca),
                    .certificate = an_strdup(o->certificate),
                    .key = an_strdup(o->key),
                    .secure = o->tls,
                    .retain = o->retain,
                    .keep_alive_s = o->keep_alive_s < 0            ? 0
                                    : o->keep_alive_s > UINT16_MAX ? UINT16_MAX
                                                                   : o->keep_alive_s,
                    .timeout_s = o->timeout_s > 0 ? o->timeout_s : 5,
                    .fd = -1 };
    an__tls *t = m->secure ? credentials(m, err) : NULL; /* wrong files are told now */
    bool ok = t || !m->secure;
    an__tls_free(t);
    if (ok) return m;
    an_mqtt_free(m);
    return NULL;
}

void an_mqtt_hurry(an_mqtt *m, double seconds)
{
    atomic_store(&m->end, an_clock_s() + seconds);
}

void an_mqtt_free(an_mqtt *m)
{
    if (!m) return;
    if (m->fd >= 0) (void)!an__io_send(m->fd, m->ssl, &(struct iovec){ .iov_base = (char[]){ (char)0xe0, 0 }, .iov_len = 2 }, 1);
    an__ssl_close(m->ssl); /* DISCONNECT, and TLS's own goodbye: no will, no wait */
    hang_up(m);
    free(m->host);
    free(m->port);
    free(m->client);
    free(m->user);
    free(m->password);
    free(m->ca);
    free(m->certificate);
    free(m->key);
    free(m);
}
