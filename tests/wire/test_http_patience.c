/* The server among bad company: slow clients, crowds that say nothing, readers that do not read, no descriptors left. */
#include "wire/served.h"

#include <sys/resource.h>
#include <sys/wait.h>

static void hello(void *context, an_exchange *x)
{
    (void)context;
    an_exchange_answer(x, &(an_http_answer){ .status = 200, .type = "text/plain", .body = "hello\n", .body_size = 6 });
}

/* Sends one byte every `pause_us` until the server answers or closes; what it said. */
static char *drip(int port, const char *start, const char *bytes, unsigned pause_us, double *seconds)
{
    int fd = dial(port);
    double begin = an_clock_s();
    put(fd, start);
    size_t n = strlen(bytes);
    for (size_t i = 0; n && i < 4000; i++) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        if (poll(&p, 1, (int)(pause_us / 1000)) > 0) break;
        if (send(fd, &bytes[i % n], 1, MSG_NOSIGNAL) != 1) break;
    }
    char *t = get_all(fd);
    *seconds = an_clock_s() - begin;
    close(fd);
    return t;
}

static void test_slow(void **state)
{
    (void)state;
    served s = { 0 };
    served_start(&s, (an_http_server_options){ .limits = { .head_s = 0.3, .body_s = 0.3, .idle_s = 0.3, .write_s = 0.3 } }, hello);
    double seconds;
    /* bytes keep coming, the head never ends */
    char *t = drip(s.port, "GET / HTTP/1.1\r\nHost: x\r\nX: ", "a", 20000, &seconds);
    has(t, "408 Request Timeout");
    has(t, "The head of the request came too slowly");
    assert_true(seconds > 0.25 && seconds < 5);
    free(t);
    /* a body that stops */
    t = drip(s.port, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\nabc", "", 5000000, &seconds);
    has(t, "408 Request Timeout");
    has(t, "The body of the request came too slowly");
    free(t);
    /* a body that trickles: every byte in time, but less than 1 KiB/s */
    t = drip(s.port, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n", "a", 20000, &seconds);
    has(t, "408 Request Timeout");
    assert_true(seconds < 5);
    free(t);
    t = drip(s.port, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n", 20000, &seconds);
    has(t, "408 Request Timeout");
    free(t);
    /* nothing at all, or nothing more: closed without a word */
    t = drip(s.port, "", "", 5000000, &seconds);
    assert_string_equal(t, "");
    assert_true(seconds > 0.25 && seconds < 5);
    free(t);
    t = drip(s.port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "", 5000000, &seconds);
    has(t, "200 OK");
    free(t);
    assert_true(counts_of(&s).timeouts >= 4);
    assert_int_equal(counts_of(&s).open, 0);
    served_stop(&s);
}

/* A client that sends in time is not cut off, although it needs longer than each limit for all of it. */
static void test_patient(void **state)
{
    (void)state;
    served s = { 0 };
    served_start(&s, (an_http_server_options){ .limits = { .head_s = 1, .body_s = 0.4, .idle_s = 1 } }, hello);
    int fd = dial(s.port);
    an_buf b = { 0 };
    char some[500];
    memset(some, 'a', sizeof some);
    put(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        usleep(100000);
        put_bytes(fd, some, sizeof some);
    }
    assert_int_equal(get_reply(fd, &b, NULL), 200);
    for (int i = 0; i < 4; i++) {
        usleep(400000);
        put(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_int_equal(get_reply(fd, &b, NULL), 200);
    }
    close(fd);
    an_buf_free(&b);
    served_stop(&s);
}

/* A queue that is full stops the clock: it is not the client who is slow. */
typedef struct slow_handler {
    an_exchange *first;
    int later; /* requests after the first */
} slow_handler;

static void answer_first(void *context)
{
    slow_handler *h = context;
    hello(NULL, h->first);
}

static void first_is_slow(void *context, an_exchange *x)
{
    served *s = context;
    slow_handler *h = s->user;
    if (h->first) {
        h->later++;
        hello(NULL, x);
        return;
    }
    h->first = x;
    an_loop_after(s->loop, 1.0, answer_first, h);
}

static void test_paused(void **state)
{
    (void)state;
    slow_handler h = { 0 };
    served s = { .user = &h };
    served_start(&s, (an_http_server_options){ .limits = { .pipelined = 2, .head_s = 0.2, .body_s = 0.2, .idle_s = 5 } }, first_is_slow);
    an_buf b = { 0 };
    int fd = dial(s.port);
    put(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\nPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(get_reply(fd, &b, NULL), 200);
    assert_int_equal(get_reply(fd, &b, NULL), 100); /* it waited behind the first answer */
    usleep(50000);
    put(fd, "abcd");
    assert_int_equal(get_reply(fd, &b, NULL), 200);
    assert_int_equal(h.later, 1);
    close(fd);
    an_buf_free(&b);
    served_stop(&s);
}

/* ---- answers that are not read ---- */

enum { LARGE = 20 << 20 };

static void large(void *context, an_exchange *x)
{
    (void)context;
    char *body = malloc(LARGE);
    if (!body) abort();
    for (size_t i = 0; i < LARGE; i++) body[i] = (char)('a' + i % 23);
    an_exchange_answer(x, &(an_http_answer){ .status = 200, .body_take = body, .body_size = LARGE });
}

static void test_unread_answer(void **state)
{
    (void)state;
    served s = { 0 };
    served_start(&s, (an_http_server_options){ .limits = { .write_s = 0.3 } }, large);
    int fd = dial(s.port);
    put(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 1000 && !counts_of(&s).timeouts; i++) usleep(5000);
    assert_int_equal(counts_of(&s).timeouts, 1);
    assert_int_equal(counts_of(&s).open, 0);
    close(fd);
    served_stop(&s);
}

static void test_large_answer(void **state)
{
    (void)state;
    served s = { 0 };
    served_start(&s, (an_http_server_options){ 0 }, large);
    int fd = dial(s.port);
    an_buf b = { 0 }, body = { 0 };
    put(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int k = 0; k < 2; k++) {
        assert_int_equal(get_reply(fd, &b, &body), 200);
        assert_int_equal(body.size, LARGE);
        for (size_t i = 0; i < LARGE; i++) {
            if (body.data[i] != (char)('a' + i % 23)) fail_msg("byte %zu is wrong", i);
        }
    }
    close(fd);
    an_buf_free(&b);
    an_buf_free(&body);
    served_stop(&s);
}

/* A client that asks and asks and reads nothing: answers are not piled up for it. */
static void test_unread_answers(void **state)
{
    (void)state;
    served s = { 0 };
    served_start(&s, (an_http_server_options){ 0 }, large);
    int fd = dial(s.port);
    for (int i = 0; i < 20; i++) put(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    usleep(300000);
    assert_int_equal(counts_of(&s).requests, 1);
    an_buf b = { 0 };
    for (int i = 0; i < 2; i++) assert_int_equal(get_reply(fd, &b, NULL), 200);
    close(fd);
    an_buf_free(&b);
    served_stop(&s);
}

/* ---- crowds ---- */

/* As many descriptors as may be had; how many of `wanted` connections one side can hold then. */
static size_t allowed(size_t wanted)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    size_t room = limit.rlim_cur > 100 ? (size_t)limit.rlim_cur - 100 : 10;
    return room < wanted ? room : wanted;
}

static size_t resident_kb(void)
{
    an_buf b = { 0 };
    an_error err = { 0 };
    if (!an_file_read("/proc/self/status", 0, &b, &err)) return 0;
    const char *at = strstr(b.data, "VmRSS:");
    size_t kb = at ? strtoul(at + 6, NULL, 10) : 0;
    an_buf_free(&b);
    return kb;
}

static bool one_round(int fd)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    char some[4096];
    return send(fd, request, sizeof request - 1, MSG_NOSIGNAL) == sizeof request - 1 && recv(fd, some, sizeof some, 0) > 0;
}

/* The clients, in a process of their own: n connections, half of which say something once. Then, at a word, some of them speak again. */
static int crowd(size_t n, int words)
{
    int port;
    char word = 'r';
    if (read(words, &port, sizeof port) != sizeof port) return 1;
    int *fds = an_alloc_n(n, sizeof *fds);
    for (size_t i = 0; i < n; i++) {
        fds[i] = dial(port);
        if (i % 2 == 0 && !one_round(fds[i])) return 2;
    }
    if (write(words, &word, 1) != 1 || read(words, &word, 1) != 1) return 3;
    for (size_t i = 0; i < n; i += 97) {
        if (!one_round(fds[i])) return 4;
    }
    return 0; /* the system closes them all */
}

static void test_idle_crowd(void **state)
{
    (void)state;
#ifdef ANDON_SANITIZED
    size_t n = allowed(2000);
#else
    size_t n = allowed(10000);
#endif
    int words[2], status;
    char word;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, words), 0);
    pid_t child = fork();
    if (child == 0) _exit(crowd(n, words[1]));
    assert_true(child > 0);
    close(words[1]);
    served s = { 0 };
    served_start(&s, (an_http_server_options){ 0 }, hello);
    an_buf b = { 0 };
    int fd = dial(s.port);
    for (int i = 0; i < 3; i++) {
        put(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        get_reply(fd, &b, NULL);
    }
    size_t before = resident_kb();
    assert_int_equal(write(words[0], &s.port, sizeof s.port), sizeof s.port);
    assert_int_equal(read(words[0], &word, 1), 1);
    size_t after = resident_kb();
    for (int i = 0; i < 1000 && counts_of(&s).open < n + 1; i++) usleep(1000);
    assert_int_equal(counts_of(&s).open, n + 1);
    print_message("%zu idle connections: %.0f bytes each\n", n, (double)(after - before) * 1024 / (double)n);
#ifndef ANDON_SANITIZED
    if (n > 2000) assert_true((after - before) * 1024 / n < 2048);
#endif
    put(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(get_reply(fd, &b, NULL), 200);
    assert_int_equal(write(words[0], "g", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    for (int i = 0; i < 5000 && counts_of(&s).open > 1; i++) usleep(1000);
    assert_int_equal(counts_of(&s).open, 1);
    close(fd);
    close(words[0]);
    an_buf_free(&b);
    served_stop(&s);
}

/* Full: the one that has been idle for longest gives way. */
static void test_connection_limit(void **state)
{
    (void)state;
    served s = { 0 };
    served_start(&s, (an_http_server_options){ .limits = { .connections = 20 } }, hello);
    int fds[60];
    an_buf b = { 0 };
    for (int i = 0; i < 60; i++) {
        fds[i] = dial(s.port);
        put(fds[i], "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_int_equal(get_reply(fds[i], &b, NULL), 200);
    }
    assert_int_equal(counts_of(&s).open, 20);
    for (int i = 0; i < 60; i++) {
        struct pollfd p = { .fd = fds[i], .events = POLLIN };
        assert_int_equal(poll(&p, 1, 0), i < 40); /* closed or open */
        close(fds[i]);
    }
    an_buf_free(&b);
    served_stop(&s);
}

/* No descriptor left: no spinning; newcomers are served once the idle ones have given way. */
static void test_no_descriptors(void **state)
{
    (void)state;
    served s = { 0 };
    served_start(&s, (an_http_server_options){ 0 }, hello);
    struct rlimit limit, small;
    getrlimit(RLIMIT_NOFILE, &limit);
    enum { N = 60 };
    int fds[N];
    size_t open_now = 0;
    for (int i = 0; i < N; i++) fds[i] = dial(s.port);
    for (int i = 0; i < 2000 && (open_now = counts_of(&s).open) < N; i++) usleep(1000);
    assert_int_equal(open_now, N);
    /* one more descriptor for this test's side, none for the server's */
    int last = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    small = limit;
    small.rlim_cur = (rlim_t)last + 1;
    setrlimit(RLIMIT_NOFILE, &small);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)s.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval patience = { .tv_sec = 20 };
    setsockopt(last, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    struct rusage start, end;
    getrusage(RUSAGE_SELF, &start);
    assert_int_equal(connect(last, (struct sockaddr *)&to, sizeof to), 0);
    an_buf b = { 0 };
    put(last, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(get_reply(last, &b, NULL), 200);
    getrusage(RUSAGE_SELF, &end);
    setrlimit(RLIMIT_NOFILE, &limit);
    double used = (double)(end.ru_utime.tv_sec - start.ru_utime.tv_sec + end.ru_stime.tv_sec - start.ru_stime.tv_sec) +
                  1e-6 * (double)(end.ru_utime.tv_usec - start.ru_utime.tv_usec + end.ru_stime.tv_usec - start.ru_stime.tv_usec);
    assert_true(used < 0.08); /* it slept through the pause of 0.1 s */
    assert_true(counts_of(&s).open < N);
    close(last);
    for (int i = 0; i < N; i++) close(fds[i]);
    an_buf_free(&b);
    served_stop(&s);
}

/* Thousands that connect and vanish in all ways, while one client goes on being served. */
static void test_comings_and_goings(void **state)
{
    (void)state;
    served s = { 0 };
    served_start(&s, (an_http_server_options){ 0 }, hello);
    int steady = dial(s.port);
    an_buf b = { 0 };
    an_rng rng = an_rng_at(5, 0);
    static const char *const says[] = { "",
                                        "G",
                                        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab",
                                        "\x01\x02",
                                        "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\nGE" };
    for (int i = 0; i < 1500; i++) {
        int fd = dial(s.port);
        put(fd, says[an_rng_below(&rng, AN_COUNT(says))]);
        uint64_t how = an_rng_below(&rng, 3);
        if (how == 0) setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 }, sizeof(struct linger));
        if (how == 1) shutdown(fd, SHUT_WR);
        close(fd);
        if (i % 50) continue;
        put(steady, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_int_equal(get_reply(steady, &b, NULL), 200);
    }
    for (int i = 0; i < 5000 && counts_of(&s).open > 1; i++) usleep(1000);
    assert_int_equal(counts_of(&s).open, 1);
    close(steady);
    an_buf_free(&b);
    served_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_crowd),     cmocka_unit_test(test_slow),
        cmocka_unit_test(test_patient),        cmocka_unit_test(test_paused),
        cmocka_unit_test(test_unread_answer),  cmocka_unit_test(test_large_answer),
        cmocka_unit_test(test_unread_answers), cmocka_unit_test(test_connection_limit),
        cmocka_unit_test(test_no_descriptors), cmocka_unit_test(test_comings_and_goings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
