/* loop.c - one thread that waits for file descriptors (epoll), timers and calls from other threads, and runs what is due.
 *
 * A turn: wait; events; timers that are due; posted calls in their order; the functions of the end of the turn. Timers are a binary heap,
 * so that one more costs log(n) and none has to be looked for. Nothing is allocated in a turn once the tables have grown.
 */
#include "wire/http.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS = 512 };

typedef struct watch {
    an_watch_function function;
    void *context;
    uint32_t events;     /* of epoll; 0: not watched */
    uint32_t generation; /* of this descriptor number, so that an event of its former owner is not handed to the next */
} watch;

struct an_timer {
    double at;
    uint64_t order; /* of equal times: the earlier made goes first */
    size_t place;   /* in the heap */
    void (*function)(void *context);
    void *context;
    an_timer *next_free;
};

typedef struct call {
    void (*function)(void *context);
    void *context;
} call;

typedef struct calls {
    call *items;
    size_t count, capacity;
} calls;

struct an_loop {
    int epoll, wake; /* wake: an eventfd that ends the wait */
    double now;
    watch *watches; /* by descriptor */
    size_t watch_room;
    an_timer **heap, *free_timers;
    size_t timers, heap_room;
    uint64_t timer_order;
    calls each, last;      /* of the end of a turn */
    calls posted, running; /* posted: under the lock */
    pthread_mutex_t lock;
    atomic_bool stop;
};

static void calls_add(calls *c, void (*function)(void *), void *context)
{
    if (c->count == c->capacity) {
        c->capacity = c->capacity ? c->capacity * 2 : 16;
        c->items = an_resize_n(c->items, c->capacity, sizeof *c->items);
    }
    c->items[c->count++] = (call){ function, context };
}

static void calls_remove(calls *c, void (*function)(void *), void *context)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->items[i].function != function || c->items[i].context != context) continue;
        /* only emptied: this may be called from one of them */
        c->items[i].function = NULL;
        return;
    }
}

static void calls_run(calls *c)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (c->items[i].function) c->items[i].function(c->items[i].context);
    }
    for (size_t i = 0; i < c->count; i++) {
        if (c->items[i].function) c->items[kept++] = c->items[i];
    }
    c->count = kept;
}

static void on_wake(void *context, int fd, unsigned events)
{
    (void)context, (void)events;
    uint64_t count;
    ssize_t ignored = read(fd, &count, sizeof count);
    (void)ignored;
}

an_loop *an_loop_new(an_error *err)
{
    an_loop *l = an_alloc(sizeof *l);
    pthread_mutex_init(&l->lock, NULL);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->now = an_clock_s();
    if (l->epoll < 0 || l->wake < 0) {
        an_fail_errno(err, "cannot make an event loop");
        an_loop_free(l);
        return NULL;
    }
    if (!an_loop_watch(l, l->wake, AN_READABLE, on_wake, l, err)) {
        an_loop_free(l);
        return NULL;
    }
    return l;
}

void an_loop_free(an_loop *l)
{
    if (!l) return;
    if (l->epoll >= 0) close(l->epoll);
    if (l->wake >= 0) close(l->wake);
    for (size_t i = 0; i < l->timers; i++) free(l->heap[i]);
    while (l->free_timers) {
        an_timer *next = l->free_timers->next_free;
        free(l->free_timers);
        l->free_timers = next;
    }
    free(l->heap);
    free(l->watches);
    free(l->each.items);
    free(l->last.items);
    free(l->posted.items);
    free(l->running.items);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

double an_loop_now(const an_loop *l)
{
    return l->now;
}

static void wake(an_loop *l)
{
    uint64_t one = 1;
    ssize_t ignored = write(l->wake, &one, sizeof one); /* async-signal-safe; a full counter wakes as well */
    (void)ignored;
}

void an_loop_stop(an_loop *l)
{
    int kept = errno; /* may run in a signal handler */
    atomic_store(&l->stop, true);
    wake(l);
    errno = kept;
}

/* ---- descriptors ---- */

bool an_loop_watch(an_loop *l, int fd, unsigned events, an_watch_function function, void *context, an_error *err)
{
    if (fd < 0) return an_fail(err, AN_IO, "cannot watch a file descriptor that is not open");
    if ((size_t)fd >= l->watch_room) {
        size_t room = l->watch_room ? l->watch_room : 64;
        while (room <= (size_t)fd) room *= 2;
        l->watches = an_resize_n(l->watches, room, sizeof *l->watches);
        memset(l->watches + l->watch_room, 0, (room - l->watch_room) * sizeof *l->watches);
        l->watch_room = room;
    }
    watch *w = &l->watches[fd];
    uint32_t want = 0;
    if (events & AN_READABLE) want |= EPOLLIN;
    if (events & AN_WRITABLE) want |= EPOLLOUT;
    if (events & AN_HANGUP) want |= EPOLLRDHUP;
    /* AN_HANGUP alone must still be a watch: epoll reports EPOLLHUP and EPOLLERR whatever is asked for */
    if (!events) {
        if (!w->function) return true;
        w->function = NULL;
        w->events = 0;
        w->generation++;
        epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
        return true;
    }
    bool known = w->function != NULL;
    if (known && w->events == want) {
        w->function = function;
        w->context = context;
        return true;
    }
    struct epoll_event e = { .events = want, .data.u64 = (uint64_t)w->generation << 32 | (uint32_t)fd };
    if (epoll_ctl(l->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e) != 0)
        return an_fail_errno(err, "cannot watch file descriptor %d", fd);
    w->function = function;
    w->context = context;
    w->events = want;
    return true;
}

static void dispatch(an_loop *l, const struct epoll_event *e)
{
    int fd = (int)(uint32_t)e->data.u64;
    watch *w = &l->watches[fd];
    if (!w->function || w->generation != e->data.u64 >> 32) return; /* unwatched earlier in this turn */
    unsigned events = 0;
    if (e->events & EPOLLIN) events |= AN_READABLE;
    if (e->events & EPOLLOUT) events |= AN_WRITABLE;
    if (e->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) events |= AN_HANGUP;
    w->function(w->context, fd, events);
}

/* ---- timers ---- */

static bool before(const an_timer *a, const an_timer *b)
{
    return a->at < b->at || (a->at <= b->at && a->order < b->order);
}

static void put(an_loop *l, size_t i, an_timer *t)
{
    l->heap[i] = t;
    t->place = i;
}

static void sift(an_loop *l, size_t i)
{
    an_timer *t = l->heap[i];
    while (i && before(t, l->heap[(i - 1) / 2])) {
        put(l, i, l->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    for (size_t child; (child = 2 * i + 1) < l->timers; i = child) {
        if (child + 1 < l->timers && before(l->heap[child + 1], l->heap[child])) child++;
        if (!before(l->heap[child], t)) break;
        put(l, i, l->heap[child]);
    }
    put(l, i, t);
}

an_timer *an_loop_after(an_loop *l, double seconds, void (*function)(void *context), void *context)
{
    if (l->timers == l->heap_room) {
        l->heap_room = l->heap_room ? l->heap_room * 2 : 64;
        l->heap = an_resize_n(l->heap, l->heap_room, sizeof(an_timer *));
    }
    an_timer *t = l->free_timers;
    if (t)
        l->free_timers = t->next_free;
    else
        t = an_alloc(sizeof *t);
    *t = (an_timer){ .at = l->now + (seconds > 0 ? seconds : 0), .order = l->timer_order++, .function = function, .context = context };
    put(l, l->timers++, t);
    sift(l, t->place);
    return t;
}

static void timer_remove(an_loop *l, an_timer *t)
{
    size_t i = t->place;
    an_timer *moved = l->heap[--l->timers];
    if (moved != t) {
        put(l, i, moved);
        sift(l, i);
    }
    t->next_free = l->free_timers;
    l->free_timers = t;
}

void an_loop_cancel(an_loop *l, an_timer *t)
{
    if (t) timer_remove(l, t);
}

/* Those that are made while these run wait for the next turn, even at 0 seconds: a timer that makes itself anew cannot hold the loop. */
static bool run_timers(an_loop *l)
{
    uint64_t end = l->timer_order;
    bool any = false;
    while (l->timers && l->heap[0]->at <= l->now && l->heap[0]->order < end) {
        an_timer *t = l->heap[0];
        void (*function)(void *) = t->function;
        void *context = t->context;
        timer_remove(l, t);
        function(context);
        any = true;
    }
    return any;
}

static int wait_ms(an_loop *l)
{
    if (!l->timers) return -1;
    double ms = (l->heap[0]->at - an_clock_s()) * 1e3;
    return ms <= 0 ? 0 : ms > 1e6 ? 1000000 : (int)ceil(ms);
}

/* ---- calls ---- */

void an_loop_post(an_loop *l, void (*function)(void *context), void *context)
{
    pthread_mutex_lock(&l->lock);
    bool first = l->posted.count == 0;
    calls_add(&l->posted, function, context);
    pthread_mutex_unlock(&l->lock);
    if (first) wake(l);
}

static bool run_posted(an_loop *l)
{
    pthread_mutex_lock(&l->lock);
    calls mine = l->posted;
    l->posted = l->running;
    pthread_mutex_unlock(&l->lock);
    for (size_t i = 0; i < mine.count; i++) mine.items[i].function(mine.items[i].context);
    bool any = mine.count > 0;
    mine.count = 0;
    l->running = mine;
    return any;
}

void an_loop_each_turn(an_loop *l, void (*function)(void *context), void *context)
{
    calls_add(&l->each, function, context);
}

void an_loop_each_turn_remove(an_loop *l, void (*function)(void *context), void *context)
{
    calls_remove(&l->each, function, context);
}

void an__loop_last(an_loop *l, void (*function)(void *context), void *context)
{
    calls_add(&l->last, function, context);
}

void an__loop_last_remove(an_loop *l, void (*function)(void *context), void *context)
{
    calls_remove(&l->last, function, context);
}

/* ---- turns ---- */

bool an_loop_run(an_loop *l, an_error *err)
{
    struct epoll_event *events = an_alloc_n(EVENTS, sizeof *events);
    bool ok = true;
    while (!atomic_load_explicit(&l->stop, memory_order_relaxed)) {
        int n = epoll_wait(l->epoll, events, EVENTS, wait_ms(l));
        if (n < 0 && errno != EINTR) {
            ok = an_fail_errno(err, "cannot wait for events");
            break;
        }
        l->now = an_clock_s();
        for (int i = 0; i < n; i++) dispatch(l, &events[i]);
        bool any = n > 0;
        any |= run_timers(l);
        any |= run_posted(l);
        if (!any) continue;
        calls_run(&l->each);
        calls_run(&l->last);
    }
    atomic_store(&l->stop, false);
    free(events);
    return ok;
}
