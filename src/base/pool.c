/* pool.c - one set of threads for the whole process. Work is claimed index by index; results must be kept by index, never by order
 * of arrival.
 *
 * A call publishes its work under the lock and raises `round`; sleeping or spinning workers join under the lock, claim indices
 * from an atomic, and leave under the lock. The caller works too, then closes the round and waits for those who joined. A worker
 * that wakes too late finds the round closed: no call ever waits for a thread that has not begun. */
#include "andon/base.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* Looks at an atomic before going to sleep: some 5-20 microseconds, about what a wake-up costs. */
enum { SPINS = 1000 };

struct an_pool {
    int threads;    /* with the caller */
    pthread_t *ids; /* threads - 1 */
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    atomic_uint_fast64_t round; /* raised when work is published or the pool ends */
    bool open, end;             /* under the lock: a round can be joined; the pool ends */
    int sleeping;               /* under the lock: workers in wake */
    atomic_int joined;          /* workers inside the round; changed under the lock, read by the caller's spin */
    atomic_bool busy;           /* a caller holds the pool */
    void (*body)(void *context, size_t index, int worker);
    void *context;
    size_t count;
    atomic_size_t next; /* first index not claimed */
};

/* Where this thread is: a nested call must not wait for the pool that is running it. */
static _Thread_local struct {
    const an_pool *pool;
    int worker;
} inside;

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void work(an_pool *p, void (*body)(void *, size_t, int), void *context, size_t count, int worker)
{
    size_t index;
    while ((index = atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed)) < count) body(context, index, worker);
}

typedef struct start {
    an_pool *pool;
    int worker;
} start;

static void *worker_main(void *argument)
{
    start s = *(start *)argument;
    free(argument);
    an_pool *p = s.pool;
    inside.pool = p;
    inside.worker = s.worker;
    uint64_t seen = 0;
    for (;;) {
        for (int i = 0; i < SPINS && atomic_load_explicit(&p->round, memory_order_acquire) == seen; i++) pause_briefly();
        pthread_mutex_lock(&p->lock);
        while (!p->end && atomic_load_explicit(&p->round, memory_order_relaxed) == seen) {
            p->sleeping++;
            pthread_cond_wait(&p->wake, &p->lock);
            p->sleeping--;
        }
        seen = atomic_load_explicit(&p->round, memory_order_relaxed);
        if (p->end) break;
        if (!p->open) {
            pthread_mutex_unlock(&p->lock);
            continue;
        }
        atomic_fetch_add_explicit(&p->joined, 1, memory_order_relaxed);
        void (*body)(void *, size_t, int) = p->body;
        void *context = p->context;
        size_t count = p->count;
        pthread_mutex_unlock(&p->lock);
        work(p, body, context, count, s.worker);
        pthread_mutex_lock(&p->lock);
        if (atomic_fetch_sub_explicit(&p->joined, 1, memory_order_release) == 1) pthread_cond_signal(&p->done);
        pthread_mutex_unlock(&p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static int processors(void)
{
    for (int size = 1024; size <= 1 << 20; size *= 4) {
        cpu_set_t *set = CPU_ALLOC((size_t)size);
        if (!set) break;
        size_t bytes = CPU_ALLOC_SIZE((size_t)size);
        int count = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
        CPU_FREE(set);
        if (count > 0) return count;
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 && online < 1 << 20 ? (int)online : 1;
}

an_pool *an_pool_new(int threads)
{
    if (threads <= 0) threads = processors();
    if (threads > 1024) threads = 1024;
    an_pool *p = an_alloc(sizeof *p);
    p->ids = an_alloc_n((size_t)threads, sizeof *p->ids);
    p->threads = 1;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->done, NULL);
    /* signals go to the threads of the program, never to workers */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; p->threads < threads; p->threads++) {
        start *s = an_alloc(sizeof *s);
        *s = (start){ p, p->threads };
        if (pthread_create(&p->ids[p->threads - 1], NULL, worker_main, s) != 0) {
            free(s); /* a limit on threads: fewer will do */
            break;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return p;
}

void an_pool_free(an_pool *p)
{
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->end = true;
    atomic_fetch_add_explicit(&p->round, 1, memory_order_release);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->threads - 1; i++) pthread_join(p->ids[i], NULL);
    pthread_cond_destroy(&p->wake);
    pthread_cond_destroy(&p->done);
    pthread_mutex_destroy(&p->lock);
    free(p->ids);
    free(p);
}

int an_pool_threads(const an_pool *p)
{
    return p ? p->threads : 1;
}

/* The calling thread as worker 0, and all that come in time. */
static void shared(an_pool *p, size_t count, void (*body)(void *, size_t, int), void *context)
{
    pthread_mutex_lock(&p->lock);
    p->body = body;
    p->context = context;
    p->count = count;
    atomic_store_explicit(&p->next, 0, memory_order_relaxed);
    p->open = true;
    atomic_fetch_add_explicit(&p->round, 1, memory_order_release);
    if (p->sleeping) pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);

    work(p, body, context, count, 0);

    for (int i = 0; i < SPINS && atomic_load_explicit(&p->joined, memory_order_acquire) > 0; i++) pause_briefly();
    pthread_mutex_lock(&p->lock);
    p->open = false;
    while (atomic_load_explicit(&p->joined, memory_order_relaxed) > 0) pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

void an_pool_each(an_pool *p, size_t count, void (*body)(void *context, size_t index, int worker), void *context)
{
    bool nested = p && inside.pool == p;
    bool alone = !p || p->threads == 1 || count <= 1 || nested;
    if (alone) {
        int worker = nested ? inside.worker : 0;
        for (size_t i = 0; i < count; i++) body(context, i, worker);
        return;
    }
    const an_pool *outer = inside.pool;
    int outer_worker = inside.worker;
    inside.pool = p;
    inside.worker = 0;
    /* A second caller from another thread does not queue behind the first: it works by itself, as worker 0 of its own call. */
    if (atomic_exchange_explicit(&p->busy, true, memory_order_acquire)) {
        for (size_t i = 0; i < count; i++) body(context, i, 0);
    } else {
        shared(p, count, body, context);
        atomic_store_explicit(&p->busy, false, memory_order_release);
    }
    inside.pool = outer;
    inside.worker = outer_worker;
}
