/* TLS between client and server: certificates that are right, and those that must not be trusted; handshakes that never end; clients that
 * vanish. */
#include "wire/client.h"

#include "wire/certificate.h"

typedef struct files {
    char folder[64], certificate[100], key[100];
} files;

static void make_files(files *f, const char *names, long from_s, long to_s)
{
    snprintf(f->folder, sizeof f->folder, "/tmp/andon-tls-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->certificate, sizeof f->certificate, "%s/certificate.pem", f->folder);
    snprintf(f->key, sizeof f->key, "%s/key.pem", f->folder);
    assert_true(make_certificate(f->certificate, f->key, names, from_s, to_s));
}

static void remove_files(files *f)
{
    an_folder_remove(f->folder, NULL);
}

static void test_tls(void **state)
{
    (void)state;
    files f;
    make_files(&f, "IP:127.0.0.1,DNS:localhost", -60, 3600);
    int pieces;
    served s = { .user = &pieces };
    served_start(&s, (an_http_server_options){ .certificate = f.certificate, .key = f.key }, handle);
    client *c = an_alloc(sizeof *c);
    client_start(c, "https://127.0.0.1", s.port, f.certificate, 10);
    ask(c, "GET", "/a", NULL);
    ask(c, "POST", "/b", "hello");
    ask(c, "GET", "/pieces", NULL);
    ask(c, "GET", "/close", NULL);
    size_t n = (size_t)3 << 20;
    char *body = an_alloc(n + 1);
    memset(body, 'x', n);
    ask(c, "PUT", "/large", body);
    free(body);
    await(c, 5);
    for (int i = 0; i < 5; i++) {
        if (c->got[i].status != 200) fail_msg("%d: %s", i, c->got[i].why);
    }
    assert_string_equal(c->got[1].body, "POST /b 5 hello");
    assert_int_equal(c->got[4].size, n + strlen("PUT /large 3145728 "));
    assert_int_equal(counts_of(&s).connections, 2);
    client_stop(c);
    client_start(c, "https://localhost", s.port, f.certificate, 10);
    ask(c, "GET", "/name", NULL);
    await(c, 6);
    if (c->got[5].status != 200) fail_msg("%s", c->got[5].why);
    client_stop(c);
    /* a client that speaks plain HTTP to it gets nothing, and the server lives on */
    int fd = dial(s.port);
    put(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    char some[100];
    ssize_t got = recv(fd, some, sizeof some, 0);
    assert_true(got <= 7); /* an alert, a reset or nothing */
    close(fd);
    client_start(c, "https://127.0.0.1", s.port, f.certificate, 10);
    ask(c, "GET", "/still", NULL);
    await(c, 7);
    assert_int_equal(c->got[6].status, 200);
    client_stop(c);
    free(c);
    served_stop(&s);
    remove_files(&f);
}

/* Certificates that must not be trusted. */
static void test_tls_refused(void **state)
{
    (void)state;
    files good, other, wrong_name, old, early;
    make_files(&good, "IP:127.0.0.1", -60, 3600);
    make_files(&other, "IP:127.0.0.1", -60, 3600);
    make_files(&wrong_name, "IP:127.0.0.2,DNS:elsewhere", -60, 3600);
    make_files(&old, "IP:127.0.0.1", -3600, -60);
    make_files(&early, "IP:127.0.0.1", 3600, 7200);
    const struct {
        const files *server, *trusted;
        const char *why;
    } table[] = {
        { &other, &good, "certificate is not trusted" },
        { &good, NULL, "certificate is not trusted" },
        { &wrong_name, &wrong_name, "IP address mismatch" },
        { &old, &old, "expired" },
        { &early, &early, "not yet valid" },
    };
    for (size_t i = 0; i < AN_COUNT(table); i++) {
        served s = { 0 };
        served_start(&s, (an_http_server_options){ .certificate = table[i].server->certificate, .key = table[i].server->key }, handle);
        client *c = an_alloc(sizeof *c);
        client_start(c, "https://127.0.0.1", s.port, table[i].trusted ? table[i].trusted->certificate : NULL, 10);
        ask(c, "GET", "/a", NULL);
        await(c, 1);
        why_has(&c->got[0], table[i].why);
        assert_int_equal(counts_of(&s).requests, 0);
        client_stop(c);
        free(c);
        served_stop(&s);
    }
    an_error err = { 0 };
    an_loop *l = an_loop_new(&err);
    assert_null(
        an_http_server_new(l, &(an_http_server_options){ .certificate = good.certificate, .key = other.key, .handle = handle }, &err));
    assert_int_equal(err.code, AN_INPUT);
    assert_null(an_http_client_new(l, "https://127.0.0.1:1", "/nowhere.pem", 1, &err));
    assert_int_equal(err.code, AN_INPUT);
    an_loop_free(l);
    remove_files(&good);
    remove_files(&other);
    remove_files(&wrong_name);
    remove_files(&old);
    remove_files(&early);
}

/* A handshake that never ends. */
static void test_tls_silence(void **state)
{
    (void)state;
    files f;
    make_files(&f, "IP:127.0.0.1", -60, 3600);
    served s = { 0 };
    served_start(&s, (an_http_server_options){ .certificate = f.certificate, .key = f.key, .limits = { .head_s = 0.2 } }, handle);
    int silent = dial(s.port), half = dial(s.port);
    put_bytes(half, "\x16\x03\x01\x02\x00\x01", 6);
    char *t = get_all(silent);
    free(t);
    t = get_all(half);
    free(t);
    close(silent);
    close(half);
    assert_int_equal(counts_of(&s).timeouts, 2);
    served_stop(&s);
    remove_files(&f);
}

/* Clients that are gone when the answer comes: the write fails, and no signal ends the program. */
static void test_tls_gone(void **state)
{
    (void)state;
    files f;
    make_files(&f, "IP:127.0.0.1", -60, 3600);
    served s = { 0 };
    served_start(&s, (an_http_server_options){ .certificate = f.certificate, .key = f.key }, handle);
    client *c = an_alloc(sizeof *c), *other = an_alloc(sizeof *other);
    client_start(other, "https://127.0.0.1", s.port, f.certificate, 10);
    for (size_t i = 0; i < 5; i++) {
        *c = (client){ 0 };
        client_start(c, "https://127.0.0.1", s.port, f.certificate, 0.1);
        ask(c, "GET", "/never", NULL);
        await(c, 1);
        why_has(&c->got[0], "nothing came within");
        client_stop(c);
        ask(other, "GET", "/release", NULL);
        await(other, i + 1);
        assert_int_equal(other->got[i].status, 200);
    }
    client_stop(other);
    free(other);
    free(c);
    served_stop(&s);
    remove_files(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_tls_refused),
        cmocka_unit_test(test_tls_silence),
        cmocka_unit_test(test_tls_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
