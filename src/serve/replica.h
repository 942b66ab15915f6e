/* replica.h - what the two files of the parent's side share: replica.c decides who works on what and how many there are, replica_process.c
 * starts a process and writes to it.
 */
#ifndef AN_SERVE_REPLICA_H
#define AN_SERVE_REPLICA_H

#include "serve/replica_frame.h"
#include "serve/replica_limits.h"
#include "serve/server.h"

#include <sys/types.h>

typedef struct an__given {
    struct an__given *next;
    uint64_t id;
    an__job *jobs;
    size_t rows;
    double given; /* when it became the worker's first */
} an__given;

typedef struct an__worker {
    struct an__replicas *owner;
    pid_t pid; /* 0: the slot is empty */
    int fd;
    bool ready, ending;
    double started;
    an__given *first, **last;
    int depth;
    an_buf in, out;
    size_t sent;        /* of out */
    bool writing;       /* waits until the socket takes more */
    double busy, since; /* seconds with work since the last tick; when the present work began */
    uint64_t batches, rows;
} an__worker;

struct an__replicas {
    an_loop *loop;
    an__replica_options o;
    an__batcher *batcher;
    an__worker *slot; /* o.high of them */
    an_timer *timer;
    uint64_t next_id;
    int next_slot; /* who is asked first next time */
    double load;   /* smoothed share of time that workers are busy */
    double calm_since, changed, ticked, backoff, not_before;
    an__limits *limits;
    an__served **models; /* what new workers are told to load; held */
    size_t model_count;
    an__replica_facts facts;
    bool freeing;
};

void an__worker_frame(an__worker *w, uint32_t kind, uint64_t id, const an_hash *address, size_t rows, size_t features);
bool an__worker_flush(an__worker *w); /* false: it is gone */
bool an__worker_start(an__replicas *r, an__worker *w, an_error *err);
void an__worker_event(void *context, int fd, unsigned events); /* replica.c */

#endif
