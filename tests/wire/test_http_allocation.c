/* A warm server allocates nothing: neither for a request that comes whole, in pieces or pipelined, nor for its answer. */
#include "wire/served.h"

#include <stdatomic.h>

#ifdef ANDON_SANITIZED

int main(void)
{
    printf("skipped: a sanitizer has its own malloc\n");
    return 77;
}

#else

/* glibc's own, below the functions that this program defines in their place */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t count, size_t n);
void *__libc_realloc(void *p, size_t n);

static atomic_size_t calls;
static _Thread_local bool counted; /* in the loop's thread, once it is warm */

void *malloc(size_t n)
{
    if (counted) calls++;
    return __libc_malloc(n);
}

void *calloc(size_t count, size_t n)
{
    if (counted) calls++;
    return __libc_calloc(count, n);
}

void *realloc(void *p, size_t n)
{
    if (counted) calls++;
    return __libc_realloc(p, n);
}

static void hello(void *context, an_exchange *x)
{
    (void)context;
    const an_http_request *r = an_exchange_request(x);
    an_exchange_answer(x, &(an_http_answer){ .status = 200, .type = "text/plain", .body = r->body.data, .body_size = r->body.size });
}

static void count_on(void *context)
{
    (void)context;
    counted = true;
}

static void rounds(int fd, an_buf *b, int n)
{
    for (int i = 0; i < n; i++) {
        put(fd, "POST /v2/models/a/infer?x=%41 HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: 11\r\nX-Some: thing\r\n\r\nhello world");
        assert_int_equal(get_reply(fd, b, NULL), 200);
        put(fd, "POST /a HTTP/1.1\r\nHost: localhost:8080\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
        put(fd, "lo\r\n0\r\n\r\n");
        assert_int_equal(get_reply(fd, b, NULL), 200);
        put(fd, "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        for (int k = 0; k < 3; k++) assert_int_equal(get_reply(fd, b, NULL), 200);
    }
}

static void test_warm(void **state)
{
    (void)state;
    served s = { 0 };
    served_start(&s, (an_http_server_options){ 0 }, hello);
    an_buf b = { 0 };
    int fd = dial(s.port);
    rounds(fd, &b, 50);
    an_loop_post(s.loop, count_on, NULL);
    counts_of(&s);
    rounds(fd, &b, 500);
    assert_int_equal(atomic_load(&calls), 0);
    int other = dial(s.port); /* the counter counts: a new connection is an allocation */
    rounds(other, &b, 1);
    assert_true(atomic_load(&calls) > 0);
    close(other);
    close(fd);
    an_buf_free(&b);
    served_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_warm) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
