/* The server over real sockets: order, keep-alive, refusals. Clients and servers that leave: test_http_leaving.c; time limits and
 * crowds: test_http_patience.c; long answers: test_http_source.c. */
#include "wire/served.h"

/* Sends bytes and reads until the server closes. */
static char *talk(int port, const char *bytes)
{
    int fd = dial(port);
    put(fd, bytes);
    char *text = get_all(fd);
    close(fd);
    return text;
}

static void lacks(const char *text, const char *part)
{
    if (strstr(text, part)) fail_msg("\"%s\" is in:\n%s", part, text);
}

static void test_answers(void **state)
{
    (void)state;
    served s = { 0 };
    served_start(&s, (an_http_server_options){ 0 }, echo);
    char *t = talk(s.port, "POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi");
    has(t, "HTTP/1.1 200 OK\r\nDate: ");
    has(t, " GMT\r\nContent-Type: text/plain\r\nX-Test: yes\r\nConnection: close\r\nContent-Length: 10\r\n\r\nPOST /a hi");
    free(t);
    t = talk(s.port, "HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    has(t, "Content-Length: 8\r\n\r\n");
    lacks(t, "HEAD /a");
    free(t);
    t = talk(s.port, "GET /a HTTP/1.0\r\n\r\n");
    has(t, "HTTP/1.1 200 OK");
    has(t, "Connection: close\r\n");
    free(t);
    /* HTTP/1.0 that wants to go on is told that it may; the second one ends it */
    t = talk(s.port, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n");
    has(t, "Connection: keep-alive\r\n");
    has(t, "GET /b ");
    free(t);
    t = talk(s.port, "GET http://x/abs?q HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    has(t, "GET /abs ");
    free(t);
    served_stop(&s);
}

static void test_refusals(void **state)
{
    (void)state;
    served s = { 0 };
    served_start(&s, (an_http_server_options){ .limits = { .body_bytes = 1000 } }, echo);
    static const struct {
        const char *bytes, *status, *why;
    } table[] = {
        { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", "400 Bad Request",
          "Content-Length stands twice." },
        { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: "
          "x\r\n\r\n",
          "400 Bad Request", "stand together" },
        { "GET /../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "400 Bad Request", "\\\"..\\\"" },
        { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n", "413 Content Too Large", "longer than 1000 bytes" },
        { "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n", "413 Content Too Large", "longer" },
        { "POST / HTTP/1.1\r\nHost: x\r\nExpect: x\r\n\r\n", "417 Expectation Failed", "100-continue" },
        { "GET / HTTP/2.0\r\n\r\n", "505 HTTP Version Not Supported", "HTTP/2.0" },
        { "\x16\x03\x01\x02\x03", "400 Bad Request", "TLS" },
    };
    for (size_t i = 0; i < AN_COUNT(table); i++) {
        char *t = talk(s.port, table[i].bytes);
        has(t, table[i].status);
        has(t, table[i].why);
        has(t, "Content-Type: application/json\r\n");
        has(t, "Connection: close\r\n");
        has(t, "{\"error\":\"");
        if (occurrences(t, "\r\nDate: ") != 1) fail_msg("answered more than once: %s", t);
        free(t);
    }
    an_http_counts c = counts_of(&s);
    assert_int_equal(c.refused, AN_COUNT(table));
    assert_int_equal(c.requests, 0);
    served_stop(&s);
}

/* A large upload that is refused at its head: the client still reads why, although it has written on. */
static void test_refusal_is_read(void **state)
{
    (void)state;
    served s = { 0 };
    served_start(&s, (an_http_server_options){ .limits = { .body_bytes = 1000 } }, echo);
    for (int i = 0; i < 10; i++) {
        int fd = dial(s.port);
        put(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n");
        char *some = an_alloc(2000000);
        put_bytes(fd, some, 2000000);
        free(some);
        shutdown(fd, SHUT_WR);
        char *t = get_all(fd);
        has(t, "413 Content Too Large");
        free(t);
        close(fd);
    }
    served_stop(&s);
}

static void test_continue(void **state)
{
    (void)state;
    served s = { 0 };
    served_start(&s, (an_http_server_options){ 0 }, echo);
    int fd = dial(s.port);
    an_buf b = { 0 }, body = { 0 };
    put(fd, "GET /first HTTP/1.1\r\nHost: x\r\n\r\nPUT /c HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_int_equal(get_reply(fd, &b, &body), 200);
    assert_string_equal(body.data, "GET /first ");
    assert_int_equal(get_reply(fd, &b, NULL), 100);
    put(fd, "abc");
    assert_int_equal(get_reply(fd, &b, &body), 200);
    assert_string_equal(body.data, "PUT /c abc");
    /* chunked as well; and a client that does not wait is not told */
    put(fd, "PUT /d HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_int_equal(get_reply(fd, &b, NULL), 100);
    put(fd, "3\r\ndef\r\n0\r\n\r\n");
    assert_int_equal(get_reply(fd, &b, &body), 200);
    assert_string_equal(body.data, "PUT /d def");
    put(fd, "PUT /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nghi");
    assert_int_equal(get_reply(fd, &b, &body), 200);
    assert_string_equal(body.data, "PUT /e ghi");
    close(fd);
    an_buf_free(&b);
    an_buf_free(&body);
    served_stop(&s);
}

/* 1,000 requests in one go; answers in order, with bodies of all sizes. */
static void test_pipelining(void **state)
{
    (void)state;
    served s = { 0 };
    served_start(&s, (an_http_server_options){ 0 }, echo);
    enum { N = 1000 };
    an_buf all = { 0 }, b = { 0 }, body = { 0 }, expected = { 0 };
    for (int i = 0; i < N; i++) {
        int n = i * 37 % 500;
        if (i % 3)
            an_buf_printf(&all, "POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%.*s", i, n, 0, "");
        else
            an_buf_printf(&all, "POST /%d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", i);
        if (!(i % 3) && n) an_buf_printf(&all, "%x\r\n", (unsigned)n);
        for (int j = 0; j < n; j++) an_buf_putc(&all, (char)('a' + (i + j) % 26));
        if (!(i % 3)) an_buf_puts(&all, n ? "\r\n0\r\n\r\n" : "0\r\n\r\n");
    }
    int fd = dial(s.port);
    put_bytes(fd, all.data, all.size);
    for (int i = 0; i < N; i++) {
        int n = i * 37 % 500;
        an_buf_clear(&expected);
        an_buf_printf(&expected, "POST /%d ", i);
        for (int j = 0; j < n; j++) an_buf_putc(&expected, (char)('a' + (i + j) % 26));
        assert_int_equal(get_reply(fd, &b, &body), 200);
        assert_string_equal(body.data, expected.data);
    }
    assert_int_equal(b.size, 0);
    assert_int_equal(counts_of(&s).requests, N);
    close(fd);
    an_buf_free(&all);
    an_buf_free(&b);
    an_buf_free(&body);
    an_buf_free(&expected);
    served_stop(&s);
}

/* ---- answers in another order than the requests ---- */

enum { HELD = 64 };
typedef struct holder {
    an_exchange *held[HELD];
    size_t count, release_at;
} holder;

/* Keeps exchanges until `release_at` have come and answers the last first. */
static void hold(void *context, an_exchange *x)
{
    served *s = context;
    holder *h = s->user;
    h->held[h->count++] = x;
    if (h->count < h->release_at) return;
    while (h->count) echo(s, h->held[--h->count]);
}

static void test_out_of_order(void **state)
{
    (void)state;
    holder h = { .release_at = 40 };
    served s = { .user = &h };
    served_start(&s, (an_http_server_options){ 0 }, hold);
    an_buf b = { 0 }, body = { 0 };
    int fd = dial(s.port);
    for (int i = 0; i < 40; i++) {
        char text[64];
        snprintf(text, sizeof text, "GET /%d HTTP/1.1\r\nHost: x\r\n\r\n", i);
        put(fd, text);
    }
    for (int i = 0; i < 40; i++) {
        char text[32];
        snprintf(text, sizeof text, "GET /%d ", i);
        assert_int_equal(get_reply(fd, &b, &body), 200);
        assert_string_equal(body.data, text);
    }
    close(fd);
    an_buf_free(&b);
    an_buf_free(&body);
    served_stop(&s);
}

/* No more than `pipelined` requests of a connection are with the handlers at once. */
static void test_pipelined_limit(void **state)
{
    (void)state;
    holder h = { .release_at = 8 };
    served s = { .user = &h };
    served_start(&s, (an_http_server_options){ .limits = { .pipelined = 8 } }, hold);
    an_buf b = { 0 };
    int fd = dial(s.port);
    for (int i = 0; i < 80; i++) put(fd, "GET /p HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 80; i++) assert_int_equal(get_reply(fd, &b, NULL), 200);
    close(fd);
    an_buf_free(&b);
    served_stop(&s);
    assert_int_equal(h.count, 0);
}

/* ---- answers from another thread ---- */

typedef struct parcel {
    served *s;
    an_exchange *x;
} parcel;

static void deliver(void *context)
{
    parcel *p = context;
    echo(p->s, p->x);
    free(p);
}

static void *work(void *context)
{
    parcel *p = context;
    usleep(2000);
    an_loop_post(p->s->loop, deliver, p);
    return NULL;
}

static void hand_to_thread(void *context, an_exchange *x)
{
    parcel *p = an_alloc(sizeof *p);
    *p = (parcel){ context, x };
    pthread_t t;
    if (pthread_create(&t, NULL, work, p) != 0) abort();
    pthread_detach(t);
}

static void test_other_thread(void **state)
{
    (void)state;
    served s = { 0 };
    served_start(&s, (an_http_server_options){ 0 }, hand_to_thread);
    an_buf b = { 0 }, body = { 0 };
    int fds[10];
    for (int i = 0; i < 10; i++) {
        fds[i] = dial(s.port);
        put(fds[i], "GET /t HTTP/1.1\r\nHost: x\r\n\r\nGET /u HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    for (int i = 0; i < 10; i++) {
        an_buf_clear(&b);
        assert_int_equal(get_reply(fds[i], &b, &body), 200);
        assert_string_equal(body.data, "GET /t ");
        assert_int_equal(get_reply(fds[i], &b, &body), 200);
        assert_string_equal(body.data, "GET /u ");
        close(fds[i]);
    }
    an_buf_free(&b);
    an_buf_free(&body);
    served_stop(&s);
}

static void test_bad_options(void **state)
{
    (void)state;
    an_error err = { 0 };
    an_loop *l = an_loop_new(&err);
    assert_null(an_http_server_new(l, &(an_http_server_options){ .address = "not an address", .handle = echo }, &err));
    assert_int_equal(err.code, AN_USAGE);
    assert_null(an_http_server_new(l, &(an_http_server_options){ .port = 70000, .handle = echo }, &err));
    assert_int_equal(err.code, AN_USAGE);
    an_http_server *s = an_http_server_new(l, &(an_http_server_options){ .handle = echo }, &err);
    assert_non_null(s);
    assert_null(an_http_server_new(l, &(an_http_server_options){ .port = an_http_server_port(s), .handle = echo }, &err));
    assert_int_equal(err.code, AN_IO);
    has(err.hint, "Another program uses this port");
    assert_null(
        an_http_server_new(l, &(an_http_server_options){ .certificate = "/nowhere.pem", .key = "/nowhere.key", .handle = echo }, &err));
    assert_int_equal(err.code, AN_INPUT);
    assert_null(an_http_server_new(l, &(an_http_server_options){ .certificate = "/nowhere.pem", .handle = echo }, &err));
    assert_int_equal(err.code, AN_USAGE);
    an_http_server_free(s);
    an_http_server_free(NULL);
    an_loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),         cmocka_unit_test(test_refusals),     cmocka_unit_test(test_refusal_is_read),
        cmocka_unit_test(test_continue),        cmocka_unit_test(test_pipelining),   cmocka_unit_test(test_out_of_order),
        cmocka_unit_test(test_pipelined_limit), cmocka_unit_test(test_other_thread), cmocka_unit_test(test_bad_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
