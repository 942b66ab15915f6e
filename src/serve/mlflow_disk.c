/* mlflow_disk.c - a thread for what waits for the disk while files come and go: the loop's thread hands it one step after the other, and is
 * told when each is done. It knows nothing about files.
 */
#include "serve/mlflow.h"

#include <pthread.h>
#include <stdlib.h>

struct an__disk {
    an_loop *loop;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t more;
    an__disk_step *first, **last;
    an__disk_step *done, **done_last;
    bool stop;
};

static void deliver(void *context)
{
    an__disk *d = context;
    pthread_mutex_lock(&d->lock);
    an__disk_step *s = d->done;
    d->done = NULL;
    d->done_last = &d->done;
    pthread_mutex_unlock(&d->lock);
    while (s) {
        an__disk_step *next = s->next;
        s->done(s);
        s = next;
    }
}

static void *work(void *context)
{
    an__disk *d = context;
    pthread_mutex_lock(&d->lock);
    for (;;) {
        while (!d->first && !d->stop) pthread_cond_wait(&d->more, &d->lock);
        an__disk_step *s = d->first;
        if (!s) break; /* what was handed over is done before the end */
        d->first = s->next;
        if (!d->first) d->last = &d->first;
        pthread_mutex_unlock(&d->lock);
        s->work(s);
        s->next = NULL;
        pthread_mutex_lock(&d->lock);
        bool wake = !d->done;
        *d->done_last = s;
        d->done_last = &s->next;
        if (wake) an_loop_post(d->loop, deliver, d);
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

void an__disk_do(an__disk *d, an__disk_step *s)
{
    if (!d->running) { /* stopping: there is nobody to hold up any more */
        s->work(s);
        s->done(s);
        return;
    }
    s->next = NULL;
    pthread_mutex_lock(&d->lock);
    *d->last = s;
    d->last = &s->next;
    pthread_cond_signal(&d->more);
    pthread_mutex_unlock(&d->lock);
}

an__disk *an__disk_new(an_loop *l, an_error *err)
{
    an__disk *d = an_alloc(sizeof *d);
    d->loop = l;
    d->last = &d->first;
    d->done_last = &d->done;
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->more, NULL);
    d->running = pthread_create(&d->thread, NULL, work, d) == 0;
    if (d->running) return d;
    an_fail(err, AN_FAILED, "no thread could be started for files");
    an__disk_free(d);
    return NULL;
}

void an__disk_stop(an__disk *d)
{
    if (!d->running) return;
    pthread_mutex_lock(&d->lock);
    d->stop = true;
    pthread_cond_signal(&d->more);
    pthread_mutex_unlock(&d->lock);
    pthread_join(d->thread, NULL);
    d->running = false;
    deliver(d);
}

void an__disk_free(an__disk *d)
{
    if (!d) return;
    an__disk_stop(d);
    pthread_mutex_destroy(&d->lock);
    pthread_cond_destroy(&d->more);
    free(d);
}
