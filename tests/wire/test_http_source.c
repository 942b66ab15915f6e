/* Long answers in pieces: event streams that rest and are woken, downloads, sources that fail, clients that leave. */
#include "wire/served.h"

typedef struct tape {
    pthread_mutex_t lock;
    size_t made, total, piece, fail_at;
    int done;
    bool rests; /* gives nothing until it is woken */
    an_exchange *x;
    size_t announced; /* body_size of the head */
    served *s;
} tape;

static bool more(void *context, an_buf *out, bool *failed)
{
    tape *t = context;
    pthread_mutex_lock(&t->lock);
    bool goes_on = true;
    if (t->fail_at && t->made >= t->fail_at) {
        *failed = true;
        goes_on = false;
    } else if (!t->rests) {
        size_t n = t->total - t->made < t->piece ? t->total - t->made : t->piece;
        for (size_t i = 0; i < n; i++) an_buf_putc(out, (char)('a' + (t->made + i) % 26));
        t->made += n;
        goes_on = t->made < t->total;
    }
    pthread_mutex_unlock(&t->lock);
    return goes_on;
}

static void done(void *context)
{
    tape *t = context;
    pthread_mutex_lock(&t->lock);
    t->done++;
    pthread_mutex_unlock(&t->lock);
}

static void play(void *context, an_exchange *x)
{
    served *s = context;
    tape *t = s->user;
    const an_http_request *r = an_exchange_request(x);
    if (strcmp(r->path, "/plain") == 0) {
        an_exchange_answer(x, &(an_http_answer){ .status = 200, .body = "plain", .body_size = 5 });
        return;
    }
    pthread_mutex_lock(&t->lock);
    t->x = x;
    size_t announced = t->announced;
    pthread_mutex_unlock(&t->lock);
    an_exchange_begin(x, &(an_http_answer){ .status = 200, .type = "text/event-stream", .body_size = announced },
                      &(an_http_source){ .context = t, .more = more, .done = done });
}

static int done_count(tape *t)
{
    pthread_mutex_lock(&t->lock);
    int n = t->done;
    pthread_mutex_unlock(&t->lock);
    return n;
}

static void wait_done(tape *t)
{
    for (int i = 0; i < 5000 && !done_count(t); i++) usleep(1000);
    assert_int_equal(done_count(t), 1);
}

/* The body of a chunked answer in `text`; complete tells whether its last chunk is there. */
static size_t dechunk(char *text, bool *complete)
{
    char *at = strstr(text, "\r\n\r\n");
    assert_non_null(at);
    at += 4;
    size_t total = 0;
    *complete = false;
    for (;;) {
        char *end;
        size_t n = strtoul(at, &end, 16);
        if (end == at || strncmp(end, "\r\n", 2) != 0) return total;
        if (!n) {
            *complete = strcmp(end, "\r\n\r\n") == 0;
            return total;
        }
        end += 2;
        if (strlen(end) < n + 2) return total;
        for (size_t i = 0; i < n; i++) {
            if (end[i] != (char)('a' + (total + i) % 26)) fail_msg("byte %zu of the body is wrong", total + i);
        }
        total += n;
        at = end + n;
        assert_memory_equal(at, "\r\n", 2);
        at += 2;
    }
}

static char *ask(int port, const char *request)
{
    int fd = dial(port);
    put(fd, request);
    char *t = get_all(fd);
    close(fd);
    return t;
}

#define GET "GET /tape HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static void test_chunked(void **state)
{
    (void)state;
    static const struct {
        size_t total, piece;
    } sizes[] = { { 0, 10 }, { 1, 1 }, { 1000, 7 }, { 3000000, 65536 }, { 200000, 200000 } };
    for (size_t i = 0; i < AN_COUNT(sizes); i++) {
        tape t = { .lock = PTHREAD_MUTEX_INITIALIZER, .total = sizes[i].total, .piece = sizes[i].piece };
        served s = { .user = &t };
        served_start(&s, (an_http_server_options){ 0 }, play);
        char *text = ask(s.port, GET);
        bool complete;
        assert_non_null(strstr(text, "Transfer-Encoding: chunked\r\n"));
        assert_int_equal(dechunk(text, &complete), t.total);
        assert_true(complete);
        free(text);
        wait_done(&t);
        served_stop(&s);
    }
}

/* After a stream the connection goes on; requests behind it wait. */
static void test_in_order(void **state)
{
    (void)state;
    tape t = { .lock = PTHREAD_MUTEX_INITIALIZER, .total = 1000, .piece = 100 };
    served s = { .user = &t };
    served_start(&s, (an_http_server_options){ 0 }, play);
    char *text = ask(s.port, "GET /plain HTTP/1.1\r\nHost: x\r\n\r\nGET /tape HTTP/1.1\r\nHost: x\r\n\r\nGET /plain HTTP/1.1\r\nHost: "
                             "x\r\nConnection: close\r\n\r\n");
    char *first = strstr(text, "plain"), *chunks = strstr(text, "Transfer-Encoding: chunked"), *end = strstr(text, "\r\n0\r\n\r\n");
    assert_true(first && chunks && end && first < chunks && chunks < end);
    assert_non_null(strstr(end, "\r\n\r\nplain"));
    free(text);
    served_stop(&s);
}

static void test_old_and_head(void **state)
{
    (void)state;
    tape t = { .lock = PTHREAD_MUTEX_INITIALIZER, .total = 1000, .piece = 100 };
    served s = { .user = &t };
    served_start(&s, (an_http_server_options){ 0 }, play);
    char *text = ask(s.port, "GET /tape HTTP/1.0\r\n\r\n");
    assert_null(strstr(text, "chunked"));
    assert_non_null(strstr(text, "Connection: close\r\n"));
    assert_int_equal(strlen(strstr(text, "\r\n\r\n") + 4), 1000);
    free(text);
    wait_done(&t);
    t.done = 0;
    text = ask(s.port, "HEAD /tape HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
    free(text);
    wait_done(&t);
    served_stop(&s);
}

static void test_known_length(void **state)
{
    (void)state;
    tape t = { .lock = PTHREAD_MUTEX_INITIALIZER, .total = 5000, .piece = 999, .announced = 5000 };
    served s = { .user = &t };
    served_start(&s, (an_http_server_options){ 0 }, play);
    char *text = ask(s.port, GET);
    assert_non_null(strstr(text, "Content-Length: 5000\r\n"));
    assert_int_equal(strlen(strstr(text, "\r\n\r\n") + 4), 5000);
    free(text);
    /* less than announced: the client sees the cut */
    t.made = 0;
    t.total = 4000;
    text = ask(s.port, GET);
    assert_true(strlen(strstr(text, "\r\n\r\n") + 4) <= 4000);
    free(text);
    served_stop(&s);
}

static void test_failing_source(void **state)
{
    (void)state;
    tape t = { .lock = PTHREAD_MUTEX_INITIALIZER, .total = 100000, .piece = 1000, .fail_at = 50000 };
    served s = { .user = &t };
    served_start(&s, (an_http_server_options){ 0 }, play);
    char *text = ask(s.port, "GET /tape HTTP/1.1\r\nHost: x\r\n\r\n"); /* closed although keep-alive */
    bool complete;
    assert_true(dechunk(text, &complete) <= 50000);
    assert_false(complete);
    free(text);
    wait_done(&t);
    /* without chunks only a reset says so */
    t.made = 0;
    t.done = 0;
    int fd = dial(s.port);
    put(fd, "GET /tape HTTP/1.0\r\n\r\n");
    char some[4096];
    ssize_t n;
    while ((n = recv(fd, some, sizeof some, 0)) > 0) {
    }
    assert_int_equal(n, -1);
    assert_int_equal(errno, ECONNRESET);
    close(fd);
    served_stop(&s);
}

/* A reader that stops: the source is not run ahead of it by more than the sockets hold. */
static void test_backpressure(void **state)
{
    (void)state;
    tape t = { .lock = PTHREAD_MUTEX_INITIALIZER, .total = (size_t)200 << 20, .piece = 65536 };
    served s = { .user = &t };
    served_start(&s, (an_http_server_options){ 0 }, play);
    int fd = dial(s.port), small = 65536;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    put(fd, GET);
    size_t made = 0, last = 1;
    for (int i = 0; i < 100 && made != last; i++) {
        last = made;
        usleep(50000);
        pthread_mutex_lock(&t.lock);
        made = t.made;
        pthread_mutex_unlock(&t.lock);
    }
    assert_true(made > 0 && made < (size_t)32 << 20);
    close(fd); /* leaves in the middle */
    wait_done(&t);
    served_stop(&s);
}

static void wake(void *context)
{
    tape *t = context;
    pthread_mutex_lock(&t->lock);
    t->rests = false;
    pthread_mutex_unlock(&t->lock);
    an_exchange_wake(t->x);
}

static void test_rest_and_wake(void **state)
{
    (void)state;
    tape t = { .lock = PTHREAD_MUTEX_INITIALIZER, .total = 26, .piece = 26, .rests = true };
    served s = { .user = &t };
    served_start(&s, (an_http_server_options){ 0 }, play);
    int fd = dial(s.port);
    put(fd, GET);
    an_buf b = { 0 };
    while (!b.size || !strstr(b.data, "\r\n\r\n")) get_some(fd, &b); /* the head comes at once */
    struct pollfd p = { .fd = fd, .events = POLLIN };
    assert_int_equal(poll(&p, 1, 50), 0);
    an_loop_post(s.loop, wake, &t);
    while (get_some(fd, &b)) {
    }
    assert_non_null(strstr(b.data, "\r\n\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n"));
    close(fd);
    wait_done(&t);
    /* a client that has closed only its sending side gets all of an answer whose length is known, although its source rests */
    t.made = 0;
    t.done = 0;
    t.rests = true;
    t.announced = 26;
    fd = dial(s.port);
    put(fd, GET);
    shutdown(fd, SHUT_WR);
    an_buf_clear(&b);
    while (!b.size || !strstr(b.data, "\r\n\r\n")) get_some(fd, &b);
    usleep(20000);
    an_loop_post(s.loop, wake, &t);
    while (get_some(fd, &b)) {
    }
    assert_non_null(strstr(b.data, "\r\n\r\nabcdefghijklmnopqrstuvwxyz"));
    close(fd);
    wait_done(&t);
    t.announced = 0;
    /* a client that leaves while the source rests */
    t.made = 0;
    t.done = 0;
    t.rests = true;
    fd = dial(s.port);
    put(fd, GET);
    an_buf_clear(&b);
    while (!b.size || !strstr(b.data, "\r\n\r\n")) get_some(fd, &b);
    close(fd);
    wait_done(&t);
    an_buf_free(&b);
    served_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunked),       cmocka_unit_test(test_in_order),       cmocka_unit_test(test_old_and_head),
        cmocka_unit_test(test_known_length),  cmocka_unit_test(test_failing_source), cmocka_unit_test(test_backpressure),
        cmocka_unit_test(test_rest_and_wake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
