/* The pool: every index once, nesting, several callers, thread counts, many small rounds. Meant to be run under ThreadSanitizer too. */
#include "testing.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#ifdef ANDON_SANITIZED
enum { ROUNDS = 500 };
#else
enum { ROUNDS = 5000 };
#endif

typedef struct tally {
    an_pool *pool;
    int threads;
    size_t count;
    atomic_int *seen; /* count: how often an index was done */
    atomic_int wrong; /* worker numbers out of range */
    int *workers;     /* threads: plain, each written by its worker only */
    size_t depth;
} tally;

static void note(void *context, size_t index, int worker)
{
    tally *t = context;
    if (worker < 0 || worker >= t->threads) {
        atomic_fetch_add(&t->wrong, 1);
        return;
    }
    atomic_fetch_add(&t->seen[index], 1);
    t->workers[worker]++; /* a race if two threads shared a number */
}

static tally tally_new(an_pool *pool, size_t count)
{
    tally t = { .pool = pool, .threads = an_pool_threads(pool), .count = count };
    t.seen = an_alloc_n(count, sizeof *t.seen);
    t.workers = an_alloc_n((size_t)t.threads, sizeof *t.workers);
    return t;
}

static void tally_check(tally *t, int times)
{
    assert_int_equal(atomic_load(&t->wrong), 0);
    int sum = 0;
    for (int i = 0; i < t->threads; i++) sum += t->workers[i];
    assert_int_equal(sum, (int)t->count * times);
    for (size_t i = 0; i < t->count; i++) assert_int_equal(atomic_load(&t->seen[i]), times);
    free(t->seen);
    free(t->workers);
}

static void every_index_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 5; threads++) {
        an_pool *pool = an_pool_new(threads);
        assert_int_equal(an_pool_threads(pool), threads);
        static const size_t counts[] = { 0, 1, 2, 3, 7, 64, 1000 };
        for (size_t i = 0; i < AN_COUNT(counts); i++) {
            tally t = tally_new(pool, counts[i]);
            an_pool_each(pool, counts[i], note, &t);
            tally_check(&t, 1);
        }
        an_pool_free(pool);
    }
}

static void many_small_rounds(void **state)
{
    (void)state;
    an_pool *pool = an_pool_new(4);
    tally t = tally_new(pool, 6);
    for (int i = 0; i < ROUNDS; i++) an_pool_each(pool, 6, note, &t);
    tally_check(&t, ROUNDS);
    an_pool_free(pool);
}

/* All threads take part: each index waits until as many are there. */
static atomic_int present;

static void wait_for_all(void *context, size_t index, int worker)
{
    (void)index;
    (void)worker;
    int threads = *(int *)context;
    atomic_fetch_add(&present, 1);
    double end = an_clock_s() + 30;
    while (atomic_load(&present) < threads && an_clock_s() < end) sched_yield();
}

static void all_threads_take_part(void **state)
{
    (void)state;
    int threads = 3;
    an_pool *pool = an_pool_new(threads);
    atomic_store(&present, 0);
    double start = an_clock_s();
    an_pool_each(pool, (size_t)threads, wait_for_all, &threads);
    assert_int_equal(atomic_load(&present), 3);
    assert_true(an_clock_s() - start < 29); /* they met, nobody gave up waiting */
    an_pool_free(pool);
}

static void no_pool_is_one_thread(void **state)
{
    (void)state;
    tally t = tally_new(NULL, 10);
    assert_int_equal(t.threads, 1);
    an_pool_each(NULL, 10, note, &t);
    tally_check(&t, 1);
    an_pool_free(NULL);
}

static void as_many_threads_as_processors(void **state)
{
    (void)state;
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) skip();
    an_pool *pool = an_pool_new(0);
    assert_int_equal(an_pool_threads(pool), CPU_COUNT(&set));
    an_pool_free(pool);
}

typedef struct nest {
    an_pool *pool;
    int threads, outer_worker;
    atomic_int sum, strangers;
    pthread_t thread;
} nest;

static void inner(void *context, size_t index, int worker)
{
    nest *n = context;
    if (worker != n->outer_worker || !pthread_equal(n->thread, pthread_self())) atomic_fetch_add(&n->strangers, 1);
    atomic_fetch_add(&n->sum, (int)index);
}

static void outer(void *context, size_t index, int worker)
{
    (void)index;
    nest *all = context, mine = { .pool = all->pool, .outer_worker = worker, .thread = pthread_self() };
    an_pool_each(mine.pool, 10, inner, &mine);
    atomic_fetch_add(&all->sum, atomic_load(&mine.sum));
    atomic_fetch_add(&all->strangers, atomic_load(&mine.strangers));
}

static void nested_calls_stay_in_their_worker(void **state)
{
    (void)state;
    an_pool *pool = an_pool_new(3);
    nest n = { .pool = pool };
    for (int i = 0; i < 50; i++) an_pool_each(pool, 8, outer, &n);
    assert_int_equal(atomic_load(&n.sum), 50 * 8 * 45);
    assert_int_equal(atomic_load(&n.strangers), 0);
    an_pool_free(pool);
}

static void *caller_main(void *argument)
{
    tally *t = argument;
    for (int i = 0; i < ROUNDS / 10; i++) an_pool_each(t->pool, t->count, note, t);
    return NULL;
}

static void several_callers_at_once(void **state)
{
    (void)state;
    enum { CALLERS = 3 };
    an_pool *pool = an_pool_new(3);
    tally t[CALLERS];
    pthread_t ids[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        t[i] = tally_new(pool, 20);
        assert_int_equal(pthread_create(&ids[i], NULL, caller_main, &t[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) pthread_join(ids[i], NULL);
    for (int i = 0; i < CALLERS; i++) tally_check(&t[i], ROUNDS / 10);
    an_pool_free(pool);
}

/* What one call wrote, plainly, the next one and the caller read. */
static void square(void *context, size_t index, int worker)
{
    (void)worker;
    double *x = context;
    x[index] = x[index] * 1.5 + (double)index;
}

static void results_are_visible(void **state)
{
    (void)state;
    enum { N = 257 };
    an_pool *pool = an_pool_new(4);
    double a[N] = { 0 }, b[N] = { 0 };
    for (int i = 0; i < 20; i++) {
        an_pool_each(pool, N, square, a);
        for (size_t k = 0; k < N; k++) square(b, k, 0);
    }
    assert_memory_equal(a, b, sizeof a);
    an_pool_free(pool);
}

static void pools_come_and_go(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        an_pool *pool = an_pool_new(1 + i % 4);
        if (i % 3) {
            tally t = tally_new(pool, 5);
            an_pool_each(pool, 5, note, &t);
            tally_check(&t, 1);
        }
        an_pool_free(pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_index_once),
        cmocka_unit_test(many_small_rounds),
        cmocka_unit_test(all_threads_take_part),
        cmocka_unit_test(no_pool_is_one_thread),
        cmocka_unit_test(as_many_threads_as_processors),
        cmocka_unit_test(nested_calls_stay_in_their_worker),
        cmocka_unit_test(several_callers_at_once),
        cmocka_unit_test(results_are_visible),
        cmocka_unit_test(pools_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
