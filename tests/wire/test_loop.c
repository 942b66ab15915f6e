/* The event loop: order of calls, timers, descriptors that are closed and used anew, calls from other threads and signals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "andon/wire.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

typedef struct note {
    an_loop *loop;
    char text[256];
    size_t size;
    int fd[2], other[2];
    an_timer *timer;
    size_t count, turns;
} note;

static void say(note *n, char c)
{
    if (n->size + 1 < sizeof n->text) n->text[n->size++] = c;
    n->text[n->size] = '\0';
}

static void say_a(void *n)
{
    say(n, 'a');
}

static void say_b(void *n)
{
    say(n, 'b');
}

static void say_c(void *n)
{
    say(n, 'c');
}

static void say_end(void *n)
{
    say(n, '.');
}

static void stop(void *context)
{
    note *n = context;
    an_loop_stop(n->loop);
}

static void begin(note *n)
{
    an_error err = { 0 };
    *n = (note){ .fd = { -1, -1 }, .other = { -1, -1 } };
    n->loop = an_loop_new(&err);
    if (!n->loop) fail_msg("%s", err.message);
}

static void run(note *n)
{
    an_error err = { 0 };
    if (!an_loop_run(n->loop, &err)) fail_msg("%s", err.message);
}

static void test_timers(void **state)
{
    (void)state;
    note n;
    begin(&n);
    an_loop_after(n.loop, 0.02, say_b, &n);
    an_timer *gone = an_loop_after(n.loop, 0.005, say_c, &n);
    an_loop_after(n.loop, 0.01, say_a, &n);
    an_loop_after(n.loop, 0.02, say_c, &n); /* equal times: in the order of making */
    an_loop_after(n.loop, 0.03, stop, &n);
    an_loop_cancel(n.loop, gone);
    an_loop_cancel(n.loop, NULL);
    double start = an_clock_s();
    run(&n);
    double seconds = an_clock_s() - start;
    assert_string_equal(n.text, "abc");
    assert_true(seconds >= 0.03 && seconds < 2);
    an_loop_free(n.loop);
}

typedef struct alarm {
    note *n;
    double at;
    an_timer *timer;
} alarm_at;

static void check_alarm(void *context)
{
    alarm_at *a = context;
    if (an_loop_now(a->n->loop) < a->at) fail_msg("a timer rang too early");
    a->timer = NULL;
    a->n->count++;
}

/* Many timers, made and cancelled in a random order, ring in theirs. */
static void test_many_timers(void **state)
{
    (void)state;
    note n;
    begin(&n);
    enum { N = 3000 };
    alarm_at *a = an_alloc_n(N, sizeof *a);
    an_rng rng = an_rng_at(3, 0);
    size_t left = 0;
    for (size_t i = 0; i < N; i++) {
        double seconds = 0.05 * an_rng_uniform(&rng);
        a[i] = (alarm_at){ .n = &n, .at = an_loop_now(n.loop) + seconds };
        a[i].timer = an_loop_after(n.loop, seconds, check_alarm, &a[i]);
        size_t other = (size_t)an_rng_below(&rng, i + 1);
        if (i % 3 == 0 && a[other].timer) {
            an_loop_cancel(n.loop, a[other].timer);
            a[other].timer = NULL;
        }
    }
    for (size_t i = 0; i < N; i++) left += a[i].timer != NULL;
    an_loop_after(n.loop, 0.06, stop, &n);
    run(&n);
    assert_int_equal(n.count, left);
    an_loop_free(n.loop);
    free(a);
}

static void anew(void *context)
{
    note *n = context;
    if (++n->count < 100) an_loop_after(n->loop, 0, anew, n);
}

static void count_turn(void *context)
{
    ((note *)context)->turns++;
}

/* A timer of no time that makes itself anew rings once a turn: others get theirs. */
static void test_restless_timer(void **state)
{
    (void)state;
    note n;
    begin(&n);
    an_loop_each_turn(n.loop, count_turn, &n);
    an_loop_after(n.loop, 0, anew, &n);
    an_loop_after(n.loop, 0.05, stop, &n);
    run(&n);
    assert_int_equal(n.count, 100);
    assert_true(n.turns >= 100);
    an_loop_free(n.loop);
}

static void post_more(void *context)
{
    note *n = context;
    say(n, 'x');
    an_loop_post(n->loop, say_c, n);
    an_loop_post(n->loop, stop, n);
}

static void test_posts(void **state)
{
    (void)state;
    note n;
    begin(&n);
    an_loop_each_turn(n.loop, say_end, &n);
    an_loop_post(n.loop, say_a, &n);
    an_loop_post(n.loop, say_b, &n);
    an_loop_post(n.loop, post_more, &n);
    run(&n);
    assert_string_equal(n.text, "abx.c."); /* what is posted meanwhile belongs to the next turn */
    an_loop_free(n.loop);
}

static void remove_hook(void *context)
{
    note *n = context;
    say(n, 'r');
    an_loop_each_turn_remove(n->loop, remove_hook, n);
    an_loop_each_turn_remove(n->loop, say_b, n);
    an_loop_post(n->loop, stop, n);
}

static void test_hooks(void **state)
{
    (void)state;
    note n;
    begin(&n);
    an_loop_each_turn(n.loop, say_a, &n);
    an_loop_each_turn(n.loop, remove_hook, &n);
    an_loop_each_turn(n.loop, say_b, &n);
    an_loop_each_turn(n.loop, say_c, &n);
    an_loop_post(n.loop, say_end, &n);
    run(&n);
    assert_string_equal(n.text, ".arcac");
    an_loop_free(n.loop);
}

/* ---- threads and signals ---- */

enum { POSTS = 2000 };

static void count_one(void *context)
{
    note *n = context;
    if (++n->count == 4 * POSTS) an_loop_stop(n->loop);
}

static void *post_many(void *context)
{
    note *n = context;
    for (int i = 0; i < POSTS; i++) an_loop_post(n->loop, count_one, n);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    note n;
    begin(&n);
    pthread_t t[4];
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&t[i], NULL, post_many, &n), 0);
    run(&n);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    assert_int_equal(n.count, 4 * POSTS);
    an_loop_free(n.loop);
}

static an_loop *volatile signalled; /* a handler has no other way to know it */

static void on_signal(int number)
{
    (void)number;
    an_loop_stop(signalled);
}

static void test_signal(void **state)
{
    (void)state;
    note n;
    begin(&n);
    signalled = n.loop;
    struct sigaction action = { .sa_handler = on_signal }, old;
    sigaction(SIGUSR1, &action, &old);
    pthread_t me = pthread_self();
    an_loop_post(n.loop, say_a, &n);
    pthread_kill(me, SIGUSR1); /* before it runs: it does not start */
    run(&n);
    assert_string_equal(n.text, "");
    an_loop_after(n.loop, 0.01, stop, &n);
    run(&n); /* the second run does */
    assert_string_equal(n.text, "a");
    sigaction(SIGUSR1, &old, NULL);
    an_loop_free(n.loop);
}

/* ---- descriptors ---- */

static void on_second(void *context, int fd, unsigned events)
{
    (void)fd, (void)events;
    say(context, '2');
}

/* Both pipes have an event in this turn. The first to run closes the other and opens a new one, which gets the number of the old. */
static void on_first(void *context, int fd, unsigned events)
{
    note *n = context;
    char byte;
    assert_int_equal(events & AN_READABLE, AN_READABLE);
    assert_int_equal(read(fd, &byte, 1), 1);
    say(n, '1');
    int *mine = fd == n->fd[0] ? n->fd : n->other, *theirs = mine == n->fd ? n->other : n->fd;
    (void)mine;
    int number = theirs[0];
    an_loop_watch(n->loop, number, 0, NULL, NULL, NULL);
    close(theirs[0]);
    close(theirs[1]);
    assert_int_equal(pipe2(theirs, O_NONBLOCK | O_CLOEXEC), 0);
    assert_true(theirs[0] == number || theirs[1] == number);
    assert_true(an_loop_watch(n->loop, theirs[0], AN_READABLE, on_second, n, NULL));
    an_loop_after(n->loop, 0.02, stop, n);
}

static void test_reused_descriptor(void **state)
{
    (void)state;
    note n;
    begin(&n);
    assert_int_equal(pipe2(n.fd, O_NONBLOCK | O_CLOEXEC), 0);
    assert_int_equal(pipe2(n.other, O_NONBLOCK | O_CLOEXEC), 0);
    assert_true(an_loop_watch(n.loop, n.fd[0], AN_READABLE, on_first, &n, NULL));
    assert_true(an_loop_watch(n.loop, n.other[0], AN_READABLE, on_first, &n, NULL));
    assert_int_equal(write(n.fd[1], "x", 1), 1);
    assert_int_equal(write(n.other[1], "x", 1), 1);
    run(&n);
    assert_string_equal(n.text, "1"); /* the new pipe is empty: the event of the old one is not its own */
    for (int i = 0; i < 2; i++) {
        close(n.fd[i]);
        close(n.other[i]);
    }
    an_loop_free(n.loop);
}

static void on_pipe(void *context, int fd, unsigned events)
{
    note *n = context;
    char byte;
    if (events & AN_READABLE && read(fd, &byte, 1) == 1) say(n, byte);
    if (events & AN_WRITABLE) say(n, 'w');
    if (events & AN_HANGUP) {
        say(n, 'h');
        an_loop_watch(n->loop, fd, 0, NULL, NULL, NULL);
        an_loop_stop(n->loop);
    }
}

static void test_watch(void **state)
{
    (void)state;
    note n;
    an_error err = { 0 };
    begin(&n);
    assert_int_equal(pipe2(n.fd, O_NONBLOCK | O_CLOEXEC), 0);
    assert_true(an_loop_watch(n.loop, n.fd[0], AN_READABLE, on_pipe, &n, &err));
    assert_true(an_loop_watch(n.loop, n.fd[0], AN_READABLE, on_pipe, &n, &err)); /* the same again */
    assert_int_equal(write(n.fd[1], "pq", 2), 2);
    close(n.fd[1]);
    run(&n);
    assert_int_equal(n.text[0], 'p');
    assert_non_null(strchr(n.text, 'h'));
    assert_true(an_loop_watch(n.loop, n.fd[0], 0, NULL, NULL, &err)); /* not watched: nothing to do */
    assert_false(an_loop_watch(n.loop, -1, AN_READABLE, on_pipe, &n, &err));
    int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    assert_false(an_loop_watch(n.loop, file, AN_READABLE, on_pipe, &n, &err)); /* a file is always ready: epoll refuses it */
    assert_int_equal(err.code, AN_IO);
    close(file);
    close(n.fd[0]);
    an_loop_free(n.loop);
    an_loop_free(NULL);
}

/* Waiting costs nothing. */
static void test_sleeps(void **state)
{
    (void)state;
    note n;
    begin(&n);
    an_loop_each_turn(n.loop, count_turn, &n);
    an_loop_after(n.loop, 0.2, stop, &n);
    struct rusage start, end;
    getrusage(RUSAGE_THREAD, &start);
    run(&n);
    getrusage(RUSAGE_THREAD, &end);
    assert_true(n.turns <= 2);
    assert_true(end.ru_utime.tv_usec + end.ru_stime.tv_usec - start.ru_utime.tv_usec - start.ru_stime.tv_usec < 50000);
    an_loop_free(n.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers),         cmocka_unit_test(test_many_timers),
        cmocka_unit_test(test_restless_timer), cmocka_unit_test(test_posts),
        cmocka_unit_test(test_hooks),          cmocka_unit_test(test_threads),
        cmocka_unit_test(test_signal),         cmocka_unit_test(test_reused_descriptor),
        cmocka_unit_test(test_watch),          cmocka_unit_test(test_sleeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
