/* Bodies in pieces: uploads that are taken, held up, answered early, cut short, too slow, too long, framed wrongly, left alone. */
#include "wire/client.h"

#include "wire/certificate.h"

typedef struct basin {
    pthread_mutex_t lock;
    served *s;
    an_exchange *x;   /* whose body comes */
    uint64_t got;     /* bytes of this body */
    uint64_t most;    /* of the sink */
    uint64_t hold_at; /* says that it has enough at each multiple; 0: never */
    double hold_s;    /* and is woken after so long; 0: by the test */
    uint64_t answer_at;
    bool waits; /* until the test wakes it */
    bool wrong; /* a byte was not what was sent */
    int whole, cut, held;
} basin;

static char byte_at(uint64_t i)
{
    return (char)('a' + i % 26);
}

static void wake(void *context)
{
    basin *b = context;
    pthread_mutex_lock(&b->lock);
    an_exchange *x = b->x;
    pthread_mutex_unlock(&b->lock);
    if (x) an_exchange_wake(x);
}

static bool take(void *context, const char *bytes, size_t n)
{
    basin *b = context;
    pthread_mutex_lock(&b->lock);
    for (size_t i = 0; i < n; i++) b->wrong |= bytes[i] != byte_at(b->got + i);
    bool hold = b->hold_at && (b->got + n) / b->hold_at > b->got / b->hold_at;
    bool early = b->answer_at && b->got + n >= b->answer_at;
    b->got += n;
    b->held += hold;
    double hold_s = b->hold_s;
    pthread_mutex_unlock(&b->lock);
    if (early) {
        an_exchange_answer(b->x, &(an_http_answer){ .status = 507, .type = "text/plain", .body = "no room", .body_size = 7 });
        b->x = NULL;
        return true;
    }
    if (hold && hold_s > 0) an_loop_after(b->s->loop, hold_s, wake, b);
    return !hold;
}

static void end(void *context, bool whole)
{
    basin *b = context;
    pthread_mutex_lock(&b->lock);
    an_exchange *x = b->x;
    b->x = NULL;
    b->whole += whole;
    b->cut += !whole;
    char text[40];
    snprintf(text, sizeof text, "%llu bytes", (unsigned long long)b->got);
    b->got = 0;
    pthread_mutex_unlock(&b->lock);
    if (whole) an_exchange_answer(x, &(an_http_answer){ .status = 200, .type = "text/plain", .body = text, .body_size = strlen(text) });
}

static void head(void *context, an_exchange *x)
{
    served *s = context;
    basin *b = s->user;
    const an_http_request *r = an_exchange_request(x);
    if (strcmp(r->path, "/refuse") == 0) {
        an_exchange_answer(x, &(an_http_answer){ .status = 400, .type = "text/plain", .body = "not so", .body_size = 6 });
        return;
    }
    if (strcmp(r->path, "/take") != 0) return;
    pthread_mutex_lock(&b->lock);
    b->x = x;
    pthread_mutex_unlock(&b->lock);
    an_exchange_take(x, &(an_http_sink){ .context = b, .most = b->most, .waits = b->waits, .take = take, .end = end });
}

static void basin_start(basin *b, served *s, an_http_server_options o)
{
    *s = (served){ .user = b };
    b->s = s;
    pthread_mutex_init(&b->lock, NULL);
    o.head = head;
    served_start(s, o, echo);
}

typedef struct seen {
    int whole, cut, held;
    uint64_t got;
    bool wrong;
} seen;

static seen look(basin *b)
{
    pthread_mutex_lock(&b->lock);
    seen s = { b->whole, b->cut, b->held, b->got, b->wrong };
    pthread_mutex_unlock(&b->lock);
    return s;
}

static void wait_cut(basin *b, int n)
{
    for (int i = 0; i < 10000 && look(b).cut < n; i++) usleep(1000);
    assert_int_equal(look(b).cut, n);
}

/* A request whose body has n bytes, in chunks of random sizes or with its length. */
static void request(an_buf *out, const char *path, uint64_t n, bool chunks, const char *headers, an_rng *rng)
{
    an_buf_printf(out, "PUT %s HTTP/1.1\r\nHost: x\r\n%s", path, headers);
    if (!chunks) an_buf_printf(out, "Content-Length: %llu\r\n\r\n", (unsigned long long)n);
    if (chunks) an_buf_puts(out, "Transfer-Encoding: chunked\r\n\r\n");
    for (uint64_t at = 0; at < n;) {
        uint64_t take = n - at;
        if (chunks && take > 1)
            take = 1 + (uint64_t)an_rng_below(rng, (an_rng_below(rng, 4) || take > 100000) && take > 5000 ? 100000 : take - 1);
        if (take > n - at) take = n - at;
        if (chunks) an_buf_printf(out, "%llx%s\r\n", (unsigned long long)take, an_rng_below(rng, 3) ? "" : ";a=b");
        for (uint64_t i = 0; i < take; i++) an_buf_putc(out, byte_at(at + i));
        if (chunks) an_buf_puts(out, "\r\n");
        at += take;
    }
    if (chunks) an_buf_puts(out, an_rng_below(rng, 2) ? "0\r\n\r\n" : "0\r\nTrailer: x\r\n\r\n");
}

/* Any size, both framings, in pieces of any size, several on a connection with other requests between them. */
static void test_taken(void **state)
{
    (void)state;
    basin b = { 0 };
    served s;
    basin_start(&b, &s, (an_http_server_options){ 0 });
    static const uint64_t sizes[] = { 0, 1, 2, 26, 1000, 65536, 65537, 300000, 2000000 };
    an_rng rng = an_rng_at(3, 1);
    for (int division = 0; division < 3; division++) {
        an_buf out = { 0 }, in = { 0 }, body = { 0 };
        for (size_t i = 0; i < AN_COUNT(sizes); i++) {
            for (int chunks = 0; chunks < 2; chunks++) {
                request(&out, "/take", division ? sizes[i] % 70000 : sizes[i], chunks, "", &rng);
                an_buf_puts(&out, "POST /plain HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
            }
        }
        int fd = dial(s.port);
        size_t answers = 0;
        for (size_t at = 0; at < out.size;) {
            size_t n = division == 0   ? out.size - at
                       : division == 1 ? 1 + (size_t)an_rng_below(&rng, 40000)
                                       : 1 + (size_t)an_rng_below(&rng, 300);
            if (n > out.size - at) n = out.size - at;
            if (n > 65536) n = 65536;
            put_bytes(fd, out.data + at, n);
            at += n;
        }
        for (size_t i = 0; i < AN_COUNT(sizes); i++) {
            for (int chunks = 0; chunks < 2; chunks++, answers++) {
                char wanted[60];
                uint64_t n = division ? sizes[i] % 70000 : sizes[i];
                snprintf(wanted, sizeof wanted, "%llu bytes", (unsigned long long)n);
                assert_int_equal(get_reply(fd, &in, &body), 200);
                assert_string_equal(body.data, !n && !chunks ? "PUT /take " : wanted); /* without a body there is nothing to take */
                assert_int_equal(get_reply(fd, &in, &body), 200);
                assert_string_equal(body.data, "POST /plain hi");
            }
        }
        close(fd);
        an_buf_free(&out);
        an_buf_free(&in);
        an_buf_free(&body);
    }
    assert_false(look(&b).wrong);
    assert_int_equal(look(&b).cut, 0);
    assert_int_equal(counts_of(&s).refused, 0);
    served_stop(&s);
}

static void test_continue(void **state)
{
    (void)state;
    basin b = { 0 };
    served s;
    basin_start(&b, &s, (an_http_server_options){ .limits = { .pipelined = 1, .body_s = 1 } });
    an_buf in = { 0 }, body = { 0 };
    an_rng rng = an_rng_at(3, 2);
    int fd = dial(s.port);
    put(fd, "GET /first HTTP/1.1\r\nHost: x\r\n\r\nPUT /take HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_int_equal(get_reply(fd, &in, NULL), 200);
    assert_int_equal(get_reply(fd, &in, NULL), 100);
    put(fd, "abc");
    assert_int_equal(get_reply(fd, &in, &body), 200);
    assert_string_equal(body.data, "3 bytes");
    /* who does not wait is not told to go on */
    an_buf out = { 0 };
    request(&out, "/take", 1000, true, "Expect: 100-continue\r\n", &rng);
    put_bytes(fd, out.data, out.size);
    assert_int_equal(get_reply(fd, &in, &body), 200);
    assert_string_equal(body.data, "1000 bytes");
    /* a sink that must find out first: neither go on nor clock before it is woken; a client that does not wait is not told either */
    for (int sends = 0; sends < 2; sends++) {
        pthread_mutex_lock(&b.lock);
        b.waits = true;
        pthread_mutex_unlock(&b.lock);
        static const char head[] = "PUT /take HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\na";
        put_bytes(fd, head, sizeof head - 2 + (size_t)sends); /* at once: a body that begins later may be asked for */
        struct pollfd p = { .fd = fd, .events = POLLIN };
        assert_int_equal(poll(&p, 1, 1500), 0);
        an_loop_post(s.loop, wake, &b);
        if (!sends) assert_int_equal(get_reply(fd, &in, NULL), 100);
        put(fd, sends ? "bc" : "abc");
        assert_int_equal(get_reply(fd, &in, &body), 200);
        assert_string_equal(body.data, "3 bytes");
    }
    b.waits = false;
    /* nor who is refused: the connection ends instead */
    put(fd, "PUT /refuse HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    while (get_some(fd, &in)) {
    }
    assert_int_equal(strncmp(in.data, "HTTP/1.1 400 ", 13), 0);
    has(in.data, "Connection: close\r\n");
    has(in.data, "\r\n\r\nnot so");
    close(fd);
    an_buf_free(&out);
    an_buf_free(&in);
    an_buf_free(&body);
    served_stop(&s);
}

/* An answer before the end reaches a client that goes on sending, and the sink hears nothing more. */
static void test_early(void **state)
{
    (void)state;
    static const char *const paths[] = { "/refuse", "/take" };
    for (size_t i = 0; i < AN_COUNT(paths); i++) {
        for (int chunks = 0; chunks < 2; chunks++) {
            basin b = { .answer_at = 500000 };
            served s;
            basin_start(&b, &s, (an_http_server_options){ 0 });
            an_rng rng = an_rng_at(3, 3);
            an_buf out = { 0 };
            request(&out, paths[i], 8000000, chunks, "", &rng);
            int fd = dial(s.port);
            put_bytes(fd, out.data, out.size);
            char *text = get_all(fd);
            assert_int_equal(strncmp(text, i ? "HTTP/1.1 507 " : "HTTP/1.1 400 ", 13), 0);
            has(text, "Connection: close\r\n");
            assert_int_equal(occurrences(text, "HTTP/1.1"), 1);
            free(text);
            close(fd);
            an_buf_free(&out);
            served_stop(&s);
            assert_int_equal(b.whole + b.cut, 0);
            assert_true(b.got < 600000);
        }
    }
}

/* A sink that is slow holds the client up, not the other way round: little is taken ahead of it, and the client's clock stands still. */
static void test_held(void **state)
{
    (void)state;
    basin b = { .hold_at = 1000000 };
    served s;
    basin_start(&b, &s, (an_http_server_options){ .limits = { .body_s = 1, .head_s = 1 } });
    enum { SIZE = 60000000 };
    an_rng rng = an_rng_at(3, 4);
    an_buf out = { 0 }, in = { 0 }, body = { 0 };
    request(&out, "/take", SIZE, true, "", &rng);
    int fd = dial(s.port), small = 65536;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    size_t sent = 0;
    double since = an_clock_s();
    while (sent < out.size &&
           an_clock_s() - since < 1.6) { /* until nothing goes for longer than the client would be allowed to be silent */
        ssize_t n = send(fd, out.data + sent, out.size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) since = an_clock_s();
        if (n > 0) sent += (size_t)n;
        if (n < 0) usleep(1000);
    }
    assert_true(sent < out.size);
    seen now = look(&b);
    assert_int_equal(now.held, 1);
    assert_in_range(now.got, 1000000, 1000000 + 65536);
    pthread_mutex_lock(&b.lock);
    b.hold_s = 0.005; /* from now on by itself */
    pthread_mutex_unlock(&b.lock);
    an_loop_post(s.loop, wake, &b);
    put_bytes(fd, out.data + sent, out.size - sent);
    assert_int_equal(get_reply(fd, &in, &body), 200);
    assert_string_equal(body.data, "60000000 bytes");
    now = look(&b);
    assert_false(now.wrong);
    assert_int_equal(now.held, 60);
    close(fd);
    an_buf_free(&out);
    an_buf_free(&in);
    an_buf_free(&body);
    served_stop(&s);
}

static void test_client_leaves(void **state)
{
    (void)state;
    for (int how = 0; how < 6; how++) { /* closes, resets, closes only its side; while it is read, while it is held up */
        basin b = { .hold_at = how >= 3 ? 100 : 0 };
        served s;
        basin_start(&b, &s, (an_http_server_options){ 0 });
        int fd = dial(s.port);
        put(fd, "PUT /take HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
        if (how >= 3) put(fd, "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
        for (int i = 0; i < 5000 && look(&b).got < (how >= 3 ? 104 : 52); i++) usleep(1000);
        if (how % 3 == 1) setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 }, sizeof(struct linger));
        if (how % 3 == 2) {
            shutdown(fd, SHUT_WR);
        } else {
            close(fd);
        }
        if (how >= 3) {
            usleep(20000);
            an_loop_post(s.loop, wake, &b);
        }
        wait_cut(&b, 1);
        if (how % 3 == 2) {
            char *text = get_all(fd); /* nothing can be said about half a request */
            assert_string_equal(text, "");
            free(text);
            close(fd);
        }
        for (int i = 0; i < 5000 && counts_of(&s).open; i++) usleep(1000);
        assert_int_equal(counts_of(&s).open, 0);
        served_stop(&s);
        assert_int_equal(b.whole, 0);
        assert_int_equal(b.cut, 1);
    }
}

/* What the server answers by itself: the sink is told that nothing more comes. */
static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *status;
        int cut;
    } cases[] = {
        { "Content-Length: 1001\r\n\r\n", "413 ", 1 },
        { "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n3e8\r\n", "413 ", 1 },
        { "Transfer-Encoding: chunked\r\n\r\n1\r\nab", "400 ", 1 },
        { "Transfer-Encoding: chunked\r\n\r\nx", "400 ", 1 },
        { "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nHost: y\r\n\r\n", "400 ", 1 },
        { "Content-Length: 1000\r\n\r\nabc", "408 ", 1 },                         /* and then silence */
        { "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "408 ", 1 },          /* likewise */
        { "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "400 ", 0 }, /* nobody was asked to take that */
    };
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        basin b = { .most = 1000 };
        served s;
        basin_start(&b, &s, (an_http_server_options){ .limits = { .body_s = 0.3, .head_s = 5 } });
        int fd = dial(s.port);
        put(fd, "GET /before HTTP/1.1\r\nHost: x\r\n\r\nPUT /take HTTP/1.1\r\nHost: x\r\n");
        put(fd, cases[i].bytes);
        char *text = get_all(fd);
        assert_int_equal(occurrences(text, "HTTP/1.1 "), 2);
        has(text, "GET /before ");
        char *second = strstr(text, "GET /before ") + 12;
        if (strncmp(second + 9, cases[i].status, 4) != 0) fail_msg("%zu: %s", i, second);
        has(second, "Connection: close\r\n");
        free(text);
        close(fd);
        served_stop(&s);
        assert_int_equal(b.whole, 0);
        assert_int_equal(b.cut, cases[i].cut);
    }
}

/* Slow, but not too slow: 1 KiB/s and more; and too slow although every byte is in time. */
static void test_trickle(void **state)
{
    (void)state;
    basin b = { 0 };
    served s;
    basin_start(&b, &s, (an_http_server_options){ .limits = { .body_s = 0.4 } });
    int fd = dial(s.port);
    an_buf in = { 0 };
    put(fd, "PUT /take HTTP/1.1\r\nHost: x\r\nContent-Length: 5200\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        usleep(100000);
        char some[520];
        for (size_t k = 0; k < sizeof some; k++) some[k] = byte_at(k);
        put_bytes(fd, some, sizeof some);
    }
    assert_int_equal(get_reply(fd, &in, NULL), 200);
    put(fd, "PUT /take HTTP/1.1\r\nHost: x\r\nContent-Length: 5200\r\n\r\n");
    for (int i = 0; i < 400; i++) {
        char one = byte_at((uint64_t)i);
        struct pollfd p = { .fd = fd, .events = POLLIN };
        if (poll(&p, 1, 20) > 0 || send(fd, &one, 1, MSG_NOSIGNAL) != 1) break;
    }
    while (get_some(fd, &in)) {
    }
    has(in.data, "408 Request Timeout");
    wait_cut(&b, 1);
    assert_false(look(&b).wrong);
    close(fd);
    an_buf_free(&in);
    served_stop(&s);
}

/* The server ends while a body comes: it is told; a drain waits for it. */
static void stop_loop(void *context)
{
    an_loop_stop(((served *)context)->loop);
}

static void drain(void *context)
{
    served *s = context;
    an_http_server_drain(s->server, 20, stop_loop, s);
}

static void test_server_ends(void **state)
{
    (void)state;
    basin b = { 0 };
    served s;
    basin_start(&b, &s, (an_http_server_options){ 0 });
    int fd = dial(s.port);
    put(fd, "PUT /take HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
    for (int i = 0; i < 5000 && look(&b).got < 3; i++) usleep(1000);
    served_stop(&s);
    assert_int_equal(b.cut, 1);
    close(fd);

    b = (basin){ 0 };
    basin_start(&b, &s, (an_http_server_options){ 0 });
    fd = dial(s.port);
    put(fd, "PUT /take HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
    for (int i = 0; i < 5000 && look(&b).got < 3; i++) usleep(1000);
    an_loop_post(s.loop, drain, &s);
    usleep(50000);
    put(fd, "def");
    char *text = get_all(fd);
    has(text, "\r\n\r\n6 bytes");
    has(text, "Connection: close\r\n");
    free(text);
    close(fd);
    pthread_join(s.thread, NULL);
    an_http_server_free(s.server);
    an_loop_free(s.loop);
}

static void test_tls(void **state)
{
    (void)state;
    char folder[] = "/tmp/andon-sink-XXXXXX", certificate[100], key[100];
    assert_non_null(mkdtemp(folder));
    snprintf(certificate, sizeof certificate, "%s/certificate.pem", folder);
    snprintf(key, sizeof key, "%s/key.pem", folder);
    assert_true(make_certificate(certificate, key, "IP:127.0.0.1", -60, 3600));
    basin b = { .hold_at = 100000, .hold_s = 0.002 };
    served s;
    basin_start(&b, &s, (an_http_server_options){ .certificate = certificate, .key = key });
    client *c = an_alloc(sizeof *c);
    client_start(c, "https://127.0.0.1", s.port, certificate, 20);
    enum { SIZE = 5000000 };
    char *body = an_alloc(SIZE + 1);
    for (size_t i = 0; i < SIZE; i++) body[i] = byte_at(i);
    body[SIZE] = '\0';
    ask(c, "PUT", "/take", body);
    ask(c, "PUT", "/plain", "hello");
    ask(c, "PUT", "/take", body);
    await(c, 3);
    assert_string_equal(c->got[0].body, "5000000 bytes");
    assert_string_equal(c->got[1].body, "PUT /plain hello");
    assert_string_equal(c->got[2].body, "5000000 bytes");
    assert_int_equal(counts_of(&s).connections, 1);
    assert_false(look(&b).wrong);
    assert_int_equal(look(&b).held, 100);
    free(body);
    client_stop(c);
    free(c);
    served_stop(&s);
    an_folder_remove(folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken),   cmocka_unit_test(test_continue), cmocka_unit_test(test_early),
        cmocka_unit_test(test_held),    cmocka_unit_test(test_refused),  cmocka_unit_test(test_client_leaves),
        cmocka_unit_test(test_trickle), cmocka_unit_test(test_tls),      cmocka_unit_test(test_server_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
