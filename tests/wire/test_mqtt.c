/* test_mqtt.c - MQTT 3.1.1 as a broker sees it, byte by byte; brokers that hang up, refuse, or speak something else; TLS with certificates
 * that are right and those that must not be trusted, and the client's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "andon/wire.h"
#include "wire/certificate.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- a broker in a thread: one connection after the other ---- */

typedef struct broker {
    SSL_CTX *tls;         /* NULL: plain */
    const char *greeting; /* what it says at once, instead of anything else */
    int refuses;          /* CONNACK's code */
    int most;             /* packets of a connection, after which it hangs up without an answer; 0: no limit */
    bool silent;          /* never answers PUBLISH */
    int listener, port;
    pthread_t thread;
    pthread_mutex_t lock;
    an_buf log; /* what came, in hexadecimal, a packet a word; "|" where a connection began */
    int connections;
} broker;

typedef struct line {
    int fd;
    SSL *ssl;
} line;

static bool get(line *l, void *to, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = l->ssl ? SSL_read(l->ssl, (char *)to + done, (int)(n - done)) : recv(l->fd, (char *)to + done, n - done, 0);
        if (got <= 0) return false;
        done += (size_t)got;
    }
    return true;
}

static void say(line *l, const void *bytes, size_t n)
{
    if (l->ssl)
        SSL_write(l->ssl, bytes, (int)n);
    else
        (void)!send(l->fd, bytes, n, MSG_NOSIGNAL);
}

static void serve(broker *b, line *l)
{
    for (int packets = 1;; packets++) {
        unsigned char head[2], body[128];
        if (!get(l, head, 2) || head[1] > 127 || !get(l, body, head[1])) return; /* no test sends more */
        pthread_mutex_lock(&b->lock);
        an_buf_printf(&b->log, " %02x", head[0]);
        for (size_t i = 0; i < head[1]; i++) an_buf_printf(&b->log, "%02x", body[i]);
        pthread_mutex_unlock(&b->lock);
        if (b->most && packets >= b->most) return;
        if (head[0] == 0x10) say(l, (unsigned char[]){ 0x20, 2, 0, (unsigned char)b->refuses }, 4);
        if (head[0] == 0xc0) say(l, "\xd0\0", 2);
        if (head[0] >> 4 == 3 && !b->silent) {
            size_t topic = (size_t)body[0] << 8 | body[1];
            if (topic + 4 > head[1]) return; /* no MQTT: TLS where none was agreed */
            say(l, (unsigned char[]){ 0x40, 2, 9, 9, 0x40, 2, body[2 + topic], body[3 + topic] }, 8); /* first one for something else */
        }
    }
}

static void *run(void *context)
{
    broker *b = context;
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL); /* of this thread alone: the client must raise none */
    for (;;) {
        line l = { .fd = accept(b->listener, NULL, NULL) };
        if (l.fd < 0) return NULL;
        pthread_mutex_lock(&b->lock);
        b->connections++;
        an_buf_puts(&b->log, " |");
        pthread_mutex_unlock(&b->lock);
        if (b->greeting) say(&l, b->greeting, strlen(b->greeting));
        if (b->tls) {
            l.ssl = SSL_new(b->tls);
            SSL_set_fd(l.ssl, l.fd);
        }
        if (!b->greeting && (!l.ssl || SSL_accept(l.ssl) == 1)) serve(b, &l);
        if (l.ssl) SSL_shutdown(l.ssl);
        SSL_free(l.ssl);
        shutdown(l.fd, SHUT_WR);
        char rest[256];
        while (recv(l.fd, rest, sizeof rest, 0) > 0) continue; /* closing with unread bytes would be a reset, which may overtake an alert */
        close(l.fd);
    }
}

static void broker_start(broker *b)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof a;
    b->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(b->listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(b->listener, 16), 0);
    assert_int_equal(getsockname(b->listener, (struct sockaddr *)&a, &size), 0);
    b->port = ntohs(a.sin_port);
    pthread_mutex_init(&b->lock, NULL);
    assert_int_equal(pthread_create(&b->thread, NULL, run, b), 0);
}

/* After its clients have gone: what it was told is in the log. */
static void broker_end(broker *b)
{
    shutdown(b->listener, SHUT_RDWR);
    pthread_join(b->thread, NULL);
    close(b->listener);
}

static void broker_free(broker *b)
{
    SSL_CTX_free(b->tls);
    an_buf_free(&b->log);
    pthread_mutex_destroy(&b->lock);
}

static an_mqtt *client(const broker *b, an_mqtt_options o)
{
    an_error err = { 0 };
    if (!o.host) o.host = "127.0.0.1";
    o.port = b->port;
    if (!o.timeout_s) o.timeout_s = 20;
    an_mqtt *m = an_mqtt_new(&o, &err);
    if (!m) fail_msg("%s", err.message);
    return m;
}

static void publishes(an_mqtt *m, const char *topic, const char *text)
{
    an_error err = { 0 };
    if (!an_mqtt_publish(m, topic, text, strlen(text), &err)) fail_msg("%s. %s", err.message, err.hint);
}

/* ---- packets ---- */

static void test_packets(void **state)
{
    (void)state;
    broker b = { 0 };
    broker_start(&b);
    an_mqtt *m = client(&b, (an_mqtt_options){ .client = "c", .user = "u", .password = "pw", .keep_alive_s = 300, .retain = true });
    publishes(m, "t", "hi");
    publishes(m, "t", "ho");
    assert_true(an_mqtt_ping(m, NULL));
    an_mqtt_free(m);
    m = client(&b, (an_mqtt_options){ .client = "c", .password = "no user, no password" });
    assert_true(an_mqtt_ping(m, NULL)); /* connects */
    publishes(m, "t", "");
    an_mqtt_free(m);
    an_error err = { 0 };
    m = client(&b, (an_mqtt_options){ .client = "c" });
    assert_false(an_mqtt_publish(m, "a/#", "", 0, &err));
    assert_int_equal(err.code, AN_INPUT);
    an_mqtt_free(m);
    broker_end(&b);
    assert_string_equal(b.log.data, " | 1000044d51545404c2012c00016300017500027077" /* MQTT, 4, clean with user and password, 300 s */
                                    " 3300017400016869 330001740002686f c0 e0"      /* at least once, kept */
                                    " | 1000044d51545404020000000163 320001740001 e0");
    broker_free(&b);
    an_error wrong = { 0 };
    assert_null(an_mqtt_new(&(an_mqtt_options){ .host = "x", .tls = true, .certificate = "c.pem" }, &wrong));
    assert_non_null(strstr(wrong.message, "key"));
    assert_null(an_mqtt_new(&(an_mqtt_options){ .host = "x", .tls = true, .ca = "/nowhere/ca.pem" }, &wrong));
    assert_non_null(strstr(wrong.message, "/nowhere/ca.pem: No such file"));
}

/* A connection that the broker gives up: the message goes over a new one, as a new packet. */
static void test_hang_up(void **state)
{
    (void)state;
    broker b = { .most = 3 };
    broker_start(&b);
    an_mqtt *m = client(&b, (an_mqtt_options){ .client = "c" });
    publishes(m, "t", "1");
    publishes(m, "t", "2"); /* the third packet: no answer; the fourth and fifth */
    assert_true(an_mqtt_ping(m, NULL));
    an_mqtt_free(m);
    broker_end(&b);
    assert_string_equal(b.log.data, " | 1000044d51545404020000000163 32000174000131 32000174000232"
                                    " | 1000044d51545404020000000163 32000174000332 c0"
                                    " | 1000044d51545404020000000163 e0");
    broker_free(&b);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        broker b;
        const char *why;
    } table[] = {
        { { .refuses = 2 }, "this client's name" },
        { { .refuses = 4 }, "user or password is wrong" },
        { { .refuses = 5 }, "may not connect" },
        { { .refuses = 77 }, "refuses the connection" },
        { { .silent = true }, "no answer in time" },
        { { .most = 1 }, "it closed the connection" },
        { { .greeting = "HTTP/1.1 400 Bad Request\r\n\r\n" }, "it closed the connection" },
        { { .greeting = "\x20\xff\xff\xff\xff" }, "does not speak MQTT" },
        { { .greeting = "\x20\x01\x01" }, "does not speak MQTT" },
        { { .greeting = "\x15\x03\x03" }, "it speaks TLS on this port" },
    };
    for (size_t i = 0; i < AN_COUNT(table); i++) {
        broker b = table[i].b;
        an_error err = { 0 };
        broker_start(&b);
        an_mqtt *m = client(&b, (an_mqtt_options){ .client = "c", .timeout_s = b.silent ? 0.3 : 20 });
        assert_false(an_mqtt_publish(m, "t", "1", 1, &err));
        assert_int_equal(err.code, AN_IO);
        if (!strstr(err.message, table[i].why)) fail_msg("%zu: \"%s\" does not say %s", i, err.message, table[i].why);
        an_mqtt_free(m);
        broker_end(&b);
        broker_free(&b);
    }
    an_error err = { 0 };
    an_mqtt *m = an_mqtt_new(&(an_mqtt_options){ .host = "127.0.0.1", .port = 1 }, NULL);
    assert_false(an_mqtt_ping(m, &err));
    assert_non_null(strstr(err.message, "port 1: connecting: Connection refused"));
    an_mqtt_free(m);
}

/* ---- TLS ---- */

typedef struct files {
    char folder[64], certificate[100], key[100];
} files;

static void make_files(files *f, const char *names, long from_s, long to_s)
{
    snprintf(f->folder, sizeof f->folder, "/tmp/andon-mqtt-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->certificate, sizeof f->certificate, "%s/certificate.pem", f->folder);
    snprintf(f->key, sizeof f->key, "%s/key.pem", f->folder);
    assert_true(make_certificate(f->certificate, f->key, names, from_s, to_s));
}

/* asks: for a certificate that `asks` has signed (itself); NULL: for none */
static SSL_CTX *server_tls(const files *own, const files *asks, int version)
{
    SSL_CTX *t = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate_chain_file(t, own->certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(t, own->key, SSL_FILETYPE_PEM), 1);
    SSL_CTX_set_max_proto_version(t, version);
    if (version < TLS1_2_VERSION) SSL_CTX_set_security_level(t, 0);
    if (asks) {
        assert_int_equal(SSL_CTX_load_verify_locations(t, asks->certificate, NULL), 1);
        SSL_CTX_set_verify(t, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    return t;
}

static void test_tls(void **state)
{
    (void)state;
    files good, other, wrong_name, old, mine, mine_old;
    make_files(&good, "IP:127.0.0.1,DNS:localhost", -60, 3600);
    make_files(&other, "IP:127.0.0.1", -60, 3600);
    make_files(&wrong_name, "IP:127.0.0.2,DNS:elsewhere", -60, 3600);
    make_files(&old, "IP:127.0.0.1", -3600, -60);
    make_files(&mine, "DNS:andon", -60, 3600);
    make_files(&mine_old, "DNS:andon", -3600, -60);
    const struct {
        const files *server, *asks, *trusted, *own;
        const char *host;
        int version;
        const char *why; /* NULL: it works */
    } table[] = {
        { &good, NULL, &good, NULL, "127.0.0.1", TLS1_3_VERSION, NULL },
        { &good, NULL, &good, NULL, "localhost", TLS1_2_VERSION, NULL },
        { &good, NULL, &good, &mine, "localhost", TLS1_3_VERSION, NULL }, /* it may be there where nobody asks */
        { &good, &mine, &good, &mine, "127.0.0.1", TLS1_3_VERSION, NULL },
        { &good, &mine, &good, &mine, "127.0.0.1", TLS1_2_VERSION, NULL },
        { &good, &mine, &good, NULL, "127.0.0.1", TLS1_3_VERSION, "certificate required" },
        { &good, &mine, &good, NULL, "127.0.0.1", TLS1_2_VERSION, "handshake failure" },
        { &good, &mine, &good, &other, "127.0.0.1", TLS1_3_VERSION, "unknown ca" },
        { &good, &mine_old, &good, &mine_old, "127.0.0.1", TLS1_3_VERSION, "certificate expired" },
        { &good, NULL, &other, NULL, "127.0.0.1", TLS1_3_VERSION, "not trusted: self-signed certificate" },
        { &good, NULL, NULL, NULL, "127.0.0.1", TLS1_3_VERSION, "not trusted: self-signed certificate" },
        { &wrong_name, NULL, &wrong_name, NULL, "127.0.0.1", TLS1_3_VERSION, "not trusted: IP address mismatch" },
        { &wrong_name, NULL, &wrong_name, NULL, "localhost", TLS1_2_VERSION, "not trusted: hostname mismatch" },
        { &old, NULL, &old, NULL, "127.0.0.1", TLS1_3_VERSION, "not trusted: certificate has expired" },
        { &good, NULL, &good, NULL, "127.0.0.1", TLS1_1_VERSION, "no TLS connection: " },
    };
    for (size_t i = 0; i < AN_COUNT(table); i++) {
        broker b = { .tls = server_tls(table[i].server, table[i].asks, table[i].version) };
        an_error err = { 0 };
        broker_start(&b);
        an_mqtt *m = client(&b, (an_mqtt_options){ .host = table[i].host,
                                                   .client = "c",
                                                   .tls = true,
                                                   .ca = table[i].trusted ? table[i].trusted->certificate : NULL,
                                                   .certificate = table[i].own ? table[i].own->certificate : NULL,
                                                   .key = table[i].own ? table[i].own->key : NULL });
        bool ok = an_mqtt_publish(m, "t", "1", 1, &err) && an_mqtt_publish(m, "t", "2", 1, &err) && an_mqtt_ping(m, &err);
        if (ok != !table[i].why) fail_msg("%zu: %s. %s", i, ok ? "published" : err.message, err.hint);
        if (!ok && (!strstr(err.message, table[i].why) || !err.hint[0])) fail_msg("%zu: %s. %s", i, err.message, err.hint);
        an_mqtt_free(m);
        broker_end(&b);
        assert_string_equal(ok ? b.log.data : "", ok ? " | 1000044d51545404020000000163 32000174000131 32000174000232 c0 e0" : "");
        if (!ok) assert_null(strstr(b.log.data ? b.log.data : "", "3200"));
        broker_free(&b);
    }
    /* one speaks TLS, the other does not */
    broker plain = { 0 }, secret = { .tls = server_tls(&good, NULL, TLS1_3_VERSION) };
    broker_start(&plain);
    broker_start(&secret);
    an_error err = { 0 };
    an_mqtt *m = client(&plain, (an_mqtt_options){ .tls = true, .ca = good.certificate, .timeout_s = 0.5 });
    assert_false(an_mqtt_ping(m, &err));
    if (!strstr(err.hint, "speak TLS on this port")) fail_msg("%s. %s", err.message, err.hint);
    an_mqtt_free(m);
    m = client(&secret, (an_mqtt_options){ .client = "c" });
    assert_false(an_mqtt_ping(m, &err));
    if (!strstr(err.hint, "TLS on this port") && !strstr(err.message, "it speaks TLS")) fail_msg("%s", err.message);
    an_mqtt_free(m);
    /* files that are gone, and back: they are read for each connection */
    m = client(&secret,
               (an_mqtt_options){ .client = "c", .tls = true, .ca = good.certificate, .certificate = mine.certificate, .key = mine.key });
    char *away = an_path_join(mine.folder, "away");
    assert_int_equal(rename(mine.key, away), 0);
    assert_false(an_mqtt_ping(m, &err));
    assert_non_null(strstr(err.message, mine.key));
    assert_int_equal(rename(away, mine.key), 0);
    free(away);
    assert_true(an_mqtt_ping(m, &err));
    an_mqtt_free(m);
    broker_end(&plain);
    broker_end(&secret);
    broker_free(&plain);
    broker_free(&secret);
    files *all[] = { &good, &other, &wrong_name, &old, &mine, &mine_old };
    for (size_t i = 0; i < AN_COUNT(all); i++) an_folder_remove(all[i]->folder, NULL);
}

/* A key with a passphrase is refused, and nobody is asked for it. */
static void test_passphrase(void **state)
{
    (void)state;
    files f;
    make_files(&f, "DNS:andon", -60, 3600);
    FILE *from = fopen(f.key, "r");
    EVP_PKEY *pair = PEM_read_PrivateKey(from, NULL, NULL, NULL);
    fclose(from);
    FILE *to = fopen(f.key, "w");
    assert_int_equal(PEM_write_PrivateKey(to, pair, EVP_aes_256_cbc(), (const unsigned char *)"secret", 6, NULL, NULL), 1);
    fclose(to);
    EVP_PKEY_free(pair);
    an_error err = { 0 };
    assert_null(an_mqtt_new(&(an_mqtt_options){ .host = "x", .tls = true, .certificate = f.certificate, .key = f.key }, &err));
    assert_int_equal(err.code, AN_INPUT);
    assert_non_null(strstr(err.hint, "without a passphrase"));
    an_folder_remove(f.folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets), cmocka_unit_test(test_hang_up),    cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_tls),     cmocka_unit_test(test_passphrase),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
