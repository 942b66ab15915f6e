/* Clients that leave before their answer, servers that drain or are freed while handlers still owe answers. */
#include "wire/served.h"

#include <sys/resource.h>

typedef struct leaver {
    pthread_mutex_t lock;
    an_exchange *x;
    bool seen_gone;
} leaver;

static void keep_one(void *context, an_exchange *x)
{
    leaver *l = ((served *)context)->user;
    pthread_mutex_lock(&l->lock);
    l->x = x;
    pthread_mutex_unlock(&l->lock);
}

static void answer_kept(void *context)
{
    served *s = context;
    leaver *l = s->user;
    pthread_mutex_lock(&l->lock);
    l->seen_gone = an_exchange_gone(l->x);
    echo(s, l->x);
    l->x = NULL;
    pthread_mutex_unlock(&l->lock);
}

static void wait_for_one(leaver *l)
{
    for (int i = 0; i < 5000; i++) {
        pthread_mutex_lock(&l->lock);
        bool there = l->x != NULL;
        pthread_mutex_unlock(&l->lock);
        if (there) return;
        usleep(1000);
    }
    fail_msg("the request never arrived");
}

static void test_client_gone(void **state)
{
    (void)state;
    leaver l = { .lock = PTHREAD_MUTEX_INITIALIZER };
    served s = { .user = &l };
    served_start(&s, (an_http_server_options){ 0 }, keep_one);
    for (int kind = 0; kind < 3; kind++) {
        int fd = dial(s.port);
        put(fd, "GET /gone HTTP/1.1\r\nHost: x\r\n\r\n");
        wait_for_one(&l);
        if (kind == 0) close(fd); /* goes */
        if (kind == 1) {          /* is cut off */
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 }, sizeof(struct linger));
            close(fd);
        }
        if (kind == 2) shutdown(fd, SHUT_WR); /* half-closes: the answer is still wanted */
        struct rusage start, end;
        getrusage(RUSAGE_SELF, &start);
        usleep(200000);
        getrusage(RUSAGE_SELF, &end);
        double used = (double)(end.ru_utime.tv_sec - start.ru_utime.tv_sec + end.ru_stime.tv_sec - start.ru_stime.tv_sec) +
                      1e-6 * (double)(end.ru_utime.tv_usec - start.ru_utime.tv_usec + end.ru_stime.tv_usec - start.ru_stime.tv_usec);
        assert_true(used < 0.1); /* a half-closed connection is always ready: the loop must not turn around it */
        an_loop_post(s.loop, answer_kept, &s);
        if (kind == 2) {
            char *t = get_all(fd);
            has(t, "GET /gone ");
            free(t);
            close(fd);
        }
        for (int i = 0; i < 5000 && counts_of(&s).open; i++) usleep(1000);
        assert_int_equal(counts_of(&s).open, 0);
        assert_true(l.seen_gone);
    }
    served_stop(&s);
}

/* The server is freed while a handler still has an exchange: the answer goes nowhere, and nothing is lost or touched twice. */
static void test_freed_with_exchange(void **state)
{
    (void)state;
    leaver l = { .lock = PTHREAD_MUTEX_INITIALIZER };
    served s = { .user = &l };
    served_start(&s, (an_http_server_options){ 0 }, keep_one);
    int fd = dial(s.port);
    put(fd, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for_one(&l);
    an_loop_stop(s.loop);
    pthread_join(s.thread, NULL);
    an_http_server_free(s.server);
    an_loop_post(s.loop, answer_kept, &s);
    assert_int_equal(pthread_create(&s.thread, NULL, served_run, &s), 0);
    for (int i = 0; i < 5000; i++) {
        pthread_mutex_lock(&l.lock);
        bool there = l.x != NULL;
        pthread_mutex_unlock(&l.lock);
        if (!there) break;
        usleep(1000);
    }
    an_loop_stop(s.loop);
    pthread_join(s.thread, NULL);
    an_loop_free(s.loop);
    assert_true(l.seen_gone);
    char *t = get_all(fd);
    assert_string_equal(t, "");
    free(t);
    close(fd);
}

/* ---- draining ---- */

static void stop_loop(void *context)
{
    served *s = context;
    s->drained = true;
    an_loop_stop(s->loop);
}

static void drain_5s(void *context)
{
    served *s = context;
    an_http_server_drain(s->server, 5, stop_loop, s);
}

static void drain_100ms(void *context)
{
    served *s = context;
    an_http_server_drain(s->server, 0.1, stop_loop, s);
}

static void test_drain(void **state)
{
    (void)state;
    leaver l = { .lock = PTHREAD_MUTEX_INITIALIZER };
    served s = { .user = &l };
    served_start(&s, (an_http_server_options){ 0 }, keep_one);
    int idle = dial(s.port), busy = dial(s.port);
    put(busy, "GET /busy HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for_one(&l);
    an_loop_post(s.loop, drain_5s, &s);
    char *t = get_all(idle); /* closed at once */
    assert_string_equal(t, "");
    free(t);
    int refused = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)s.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    assert_int_not_equal(connect(refused, (struct sockaddr *)&to, sizeof to), 0);
    close(refused);
    an_loop_post(s.loop, answer_kept, &s);
    t = get_all(busy);
    has(t, "Connection: close\r\n");
    has(t, "GET /busy ");
    free(t);
    close(idle);
    close(busy);
    pthread_join(s.thread, NULL);
    assert_true(s.drained);
    an_http_server_free(s.server);
    an_loop_free(s.loop);
}

/* Whoever does not finish in time is cut off. */
static void test_drain_in_vain(void **state)
{
    (void)state;
    leaver l = { .lock = PTHREAD_MUTEX_INITIALIZER };
    served s = { .user = &l };
    served_start(&s, (an_http_server_options){ 0 }, keep_one);
    int busy = dial(s.port);
    put(busy, "GET /busy HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for_one(&l);
    double start = an_clock_s();
    an_loop_post(s.loop, drain_100ms, &s);
    pthread_join(s.thread, NULL);
    assert_true(s.drained);
    assert_true(an_clock_s() - start < 4);
    an_http_server_free(s.server);
    answer_kept(&s); /* the server's memory has waited for this */
    an_loop_free(s.loop);
    close(busy);
}

static void free_and_stop(void *context)
{
    served *s = context;
    an_http_server_free(s->server);
    s->server = NULL;
    an_loop_stop(s->loop);
}

static void drain_and_free(void *context)
{
    served *s = context;
    an_http_server_drain(s->server, 5, free_and_stop, s);
}

static void test_freed_when_drained(void **state)
{
    (void)state;
    served s = { 0 };
    served_start(&s, (an_http_server_options){ 0 }, echo);
    int fds[5];
    an_buf b = { 0 };
    for (int i = 0; i < 5; i++) {
        fds[i] = dial(s.port);
        put(fds[i], "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_int_equal(get_reply(fds[i], &b, NULL), 200);
    }
    an_loop_post(s.loop, drain_and_free, &s);
    pthread_join(s.thread, NULL);
    assert_null(s.server);
    for (int i = 0; i < 5; i++) {
        assert_false(get_some(fds[i], &b));
        close(fds[i]);
    }
    an_buf_free(&b);
    an_loop_free(s.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_gone),   cmocka_unit_test(test_freed_with_exchange), cmocka_unit_test(test_drain),
        cmocka_unit_test(test_drain_in_vain), cmocka_unit_test(test_freed_when_drained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
