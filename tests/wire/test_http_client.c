/* The client against the server, and against a server made of a script, which misbehaves. TLS: test_http_tls.c. */
#include "wire/client.h"

static void test_requests(void **state)
{
    (void)state;
    int pieces;
    served s = { .user = &pieces };
    served_start(&s, (an_http_server_options){ 0 }, handle);
    client *c = an_alloc(sizeof *c);
    client_start(c, "http://127.0.0.1", s.port, NULL, 10);
    ask(c, "GET", "/a?b", NULL);
    ask(c, "POST", "/b", "hello");
    ask(c, "HEAD", "/c", NULL);
    ask(c, "GET", "/missing", NULL);
    ask(c, "GET", "/empty", NULL);
    ask(c, "GET", "/pieces", NULL);
    ask(c, "GET", "/close", NULL);
    ask(c, "GET", "/after", NULL);
    ask(c, "GET", "/bad target", NULL);
    ask(c, "POST", "/last", NULL);
    await(c, 10);
    static const struct {
        int status;
        const char *body;
    } expected[] = { { 200, "GET /a 0 " },
                     { 200, "POST /b 5 hello" },
                     { 200, "" },
                     { 404, "GET /missing 0 " },
                     { 204, "" },
                     { 200, "piece 10\npiece 9\n" },
                     { 200, "GET /close 0 " },
                     { 200, "GET /after 0 " },
                     { 0, "" },
                     { 200, "POST /last 0 " } };
    for (size_t i = 0; i < AN_COUNT(expected); i++) {
        const answer *a = &c->got[i];
        if (a->status != expected[i].status || strncmp(a->body, expected[i].body, strlen(expected[i].body)) != 0) {
            fail_msg("%zu: %d %s %s", i, a->status, a->body, a->why);
        }
        if (a->status && !(a->sent <= a->first && a->first <= a->finished)) fail_msg("%zu: times are out of order", i);
    }
    assert_int_equal(c->got[8].code, AN_USAGE);
    assert_int_equal(counts_of(&s).connections, 2); /* one before /close, one after */
    client_stop(c);
    free(c);
    served_stop(&s);
}

static void test_large(void **state)
{
    (void)state;
    served s = { 0 };
    served_start(&s, (an_http_server_options){ 0 }, handle);
    client *c = an_alloc(sizeof *c);
    client_start(c, "http://127.0.0.1", s.port, NULL, 20);
    size_t n = (size_t)10 << 20;
    char *body = an_alloc(n + 1);
    memset(body, 'x', n);
    ask(c, "PUT", "/large", body);
    await(c, 1);
    assert_int_equal(c->got[0].status, 200);
    assert_int_equal(c->got[0].size, n + strlen("PUT /large 10485760 "));
    free(body);
    client_stop(c);
    free(c);
    served_stop(&s);
}

/* The server closes idle connections; the client notices or tries anew. */
static void test_reconnects(void **state)
{
    (void)state;
    served s = { 0 };
    served_start(&s, (an_http_server_options){ .limits = { .idle_s = 0.05 } }, handle);
    client *c = an_alloc(sizeof *c);
    client_start(c, "http://127.0.0.1", s.port, NULL, 10);
    for (size_t i = 0; i < 5; i++) {
        ask(c, i % 2 ? "POST" : "GET", "/x", i % 2 ? "b" : NULL);
        await(c, i + 1);
        assert_int_equal(c->got[i].status, 200);
        c->wanted = 0;
        an_timer *t = an_loop_after(c->loop, 0.15, too_late, c->loop); /* the end of the connection is seen */
        (void)t;
        an_loop_run(c->loop, NULL);
    }
    assert_int_equal(counts_of(&s).connections, 5);
    client_stop(c);
    free(c);
    served_stop(&s);
}

static void test_times_out(void **state)
{
    (void)state;
    served s = { 0 };
    served_start(&s, (an_http_server_options){ 0 }, handle);
    client *c = an_alloc(sizeof *c);
    client_start(c, "http://127.0.0.1", s.port, NULL, 0.2);
    ask(c, "GET", "/never", NULL);
    ask(c, "GET", "/release", NULL);
    await(c, 2);
    why_has(&c->got[0], "nothing came within 0.2 s");
    assert_int_equal(c->got[1].status, 200);
    client_stop(c);
    free(c);
    served_stop(&s);
}

static void test_nobody_there(void **state)
{
    (void)state;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* bound, not listening: connections are refused */
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof to;
    bind(fd, (struct sockaddr *)&to, sizeof to);
    getsockname(fd, (struct sockaddr *)&to, &size);
    client *c = an_alloc(sizeof *c);
    client_start(c, "http://127.0.0.1", ntohs(to.sin_port), NULL, 5);
    ask(c, "GET", "/", NULL);
    ask(c, "GET", "/", NULL);
    await(c, 2);
    why_has(&c->got[0], "Connection refused");
    why_has(&c->got[1], "Connection refused");
    client_stop(c);
    client_start(c, "http://localhost", ntohs(to.sin_port), NULL, 5); /* a name */
    ask(c, "GET", "/", NULL);
    await(c, 3);
    why_has(&c->got[2], "localhost");
    client_stop(c);
    client_start(c, "http://no-such-host.invalid", 80, NULL, 15);
    ask(c, "GET", "/", NULL);
    await(c, 4);
    why_has(&c->got[3], "no-such-host.invalid");
    client_stop(c);
    free(c);
    close(fd);
}

static void test_freed_while_waiting(void **state)
{
    (void)state;
    served s = { 0 };
    served_start(&s, (an_http_server_options){ 0 }, handle);
    client *c = an_alloc(sizeof *c);
    client_start(c, "http://127.0.0.1", s.port, NULL, 5);
    ask(c, "GET", "/a", NULL);
    ask(c, "GET", "/b", NULL);
    an_http_client_free(c->http);
    assert_int_equal(c->count, 2);
    why_has(&c->got[0], "closed");
    why_has(&c->got[1], "closed");
    an_loop_free(c->loop);
    client_start(c, "http://localhost", s.port, NULL, 5); /* freed while its name is looked up */
    ask(c, "GET", "/a", NULL);
    an_loop_after(c->loop, 0, too_late, c->loop);
    an_loop_run(c->loop, NULL);
    an_http_client_free(c->http);
    an_loop_after(c->loop, 0.05, too_late, c->loop);
    an_loop_run(c->loop, NULL);
    assert_int_equal(c->count, 3);
    an_loop_free(c->loop);
    free(c);
    served_stop(&s);
}

static void free_client(void *context, const an_http_reply *r, const an_error *err)
{
    client *c = context;
    on_reply(context, r, err);
    if (c->http) an_http_client_free(c->http);
    c->http = NULL;
}

static void test_freed_in_callback(void **state)
{
    (void)state;
    served s = { 0 };
    served_start(&s, (an_http_server_options){ 0 }, handle);
    client *c = an_alloc(sizeof *c);
    client_start(c, "http://127.0.0.1", s.port, NULL, 5);
    an_http_client_send(c->http, "GET", "/a", "X-One: 1\r\n", NULL, 0, free_client, c);
    ask(c, "GET", "/b", NULL);
    await(c, 2);
    assert_int_equal(c->got[0].status, 200);
    why_has(&c->got[1], "closed");
    an_loop_free(c->loop);
    free(c);
    served_stop(&s);
}

static void again(void *context, const an_http_reply *r, const an_error *err)
{
    client *c = context;
    if (c->count + 1 < c->wanted) an_http_client_send(c->http, "GET", "/a", NULL, NULL, 0, again, c);
    on_reply(context, r, err);
}

static void test_one_after_the_other(void **state)
{
    (void)state;
    served s = { 0 };
    served_start(&s, (an_http_server_options){ 0 }, handle);
    client *c = an_alloc(sizeof *c);
    client_start(c, "http://127.0.0.1", s.port, NULL, 5);
    an_http_client_send(c->http, "GET", "/a", NULL, NULL, 0, again, c);
    await(c, 500);
    for (int i = 0; i < 500; i++) assert_int_equal(c->got[i].status, 200);
    assert_int_equal(counts_of(&s).connections, 1);
    client_stop(c);
    free(c);
    served_stop(&s);
}

static void test_urls(void **state)
{
    (void)state;
    static const char *const bad[] = { "",           "x",           "ftp://a",        "http://",     "http:///",   "http://:80",
                                       "http://a:",  "http://a:0",  "http://a:65536", "http://a:1x", "http://a/b", "http://a?b",
                                       "http://u@a", "http://[::1", "http://[::1]x",  "http://a b",  "https://" };
    static const char *const good[] = { "http://a", "http://a/", "HTTP://a.b-c:80", "http://[::1]:80/", "http://[::1]" };
    an_loop *l = an_loop_new(NULL);
    for (size_t i = 0; i < AN_COUNT(bad); i++) {
        an_error err = { 0 };
        if (an_http_client_new(l, bad[i], NULL, 1, &err)) fail_msg("%s is accepted", bad[i]);
        assert_int_equal(err.code, AN_USAGE);
    }
    for (size_t i = 0; i < AN_COUNT(good); i++) {
        an_error err = { 0 };
        an_http_client *c = an_http_client_new(l, good[i], NULL, 1, &err);
        if (!c) fail_msg("%s: %s", good[i], err.message);
        an_http_client_free(c);
    }
    an_loop_free(l);
}

/* ---- against a script ---- */

typedef struct script {
    int listener, port;
    const char *const *says; /* one text a connection; NULL ends; "" closes at once */
    pthread_t thread;
} script;

static void *script_run(void *context)
{
    script *s = context;
    for (size_t i = 0; s->says[i]; i++) {
        int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) return NULL;
        char some[4096];
        ssize_t n = *s->says[i] ? recv(fd, some, sizeof some, 0) : 0;
        if (n >= 0) n = send(fd, s->says[i], strlen(s->says[i]), MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        while (recv(fd, some, sizeof some, 0) > 0) {
        }
        close(fd);
    }
    return NULL;
}

static void script_start(script *s, const char *const *says)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof to;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    s->says = says;
    assert_int_equal(bind(s->listener, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(listen(s->listener, 10), 0);
    getsockname(s->listener, (struct sockaddr *)&to, &size);
    s->port = ntohs(to.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, script_run, s), 0);
}

static void test_replies(void **state)
{
    (void)state;
    static const struct {
        const char *reply;
        int status;
        const char *body; /* of status 0: a part of why */
    } table[] = {
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok" },
        { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok" },
        { "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\nT: x\r\n\r\n", 200, "ok" },
        { "HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "until the end" },
        { "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", 304, "" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more", 200, "ok" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok", 0, "closed before the answer was complete" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok", 0, "closed before the answer was complete" },
        { "HTTP/1.1 200 OK\r\nContent-Le", 0, "closed before the answer was complete" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", 0, "Content-Length stands twice" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok", 0, "stand together" },
        { "HTTP/1.1 OK\r\n\r\n", 0, "status" },
        { "HTTP/1.1 20 OK\r\n\r\n", 0, "status" },
        { "SSH-2.0-OpenSSH\r\n", 0, "does not begin with HTTP/1.1" },
        { "\x16\x03", 0, "not HTTP/1.1" },
        { "", 0, "closed before" },
    };
    for (size_t i = 0; i < AN_COUNT(table); i++) {
        script s = { 0 };
        const char *const says[] = { table[i].reply, NULL };
        script_start(&s, says);
        client *c = an_alloc(sizeof *c);
        client_start(c, "http://127.0.0.1", s.port, NULL, 5);
        ask(c, "GET", "/", NULL);
        await(c, 1);
        if (c->got[0].status != table[i].status) fail_msg("%s gives %d %s", table[i].reply, c->got[0].status, c->got[0].why);
        if (table[i].status)
            assert_string_equal(c->got[0].body, table[i].body);
        else
            why_has(&c->got[0], table[i].body);
        client_stop(c);
        free(c);
        pthread_join(s.thread, NULL);
        close(s.listener);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_reconnects),
        cmocka_unit_test(test_times_out),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_freed_while_waiting),
        cmocka_unit_test(test_freed_in_callback),
        cmocka_unit_test(test_one_after_the_other),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_replies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
