/* replica_worker.c - the worker's side: reads rows, scores them, writes scores, until its parent is gone. Models are loaded from the store
 * by their content address, which checks their files and replays their golden rows once more.
 */
#include "serve/replica_frame.h"
#include "serve/server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MODELS = 32 }; /* kept; more push out the one that was used longest ago */

typedef struct worker {
    int fd;
    an_store *store;
    struct {
        an_hash address;
        an_model *model;
        uint64_t used;
    } model[MODELS];
    uint64_t clock;
    double *values, *score;
    size_t values_room, score_room;
    char input[1 << 16]; /* read ahead: a batch with its head is one read(2) */
    size_t have, taken;
} worker;

/* All of n bytes; false: the parent is gone. */
static bool get(worker *w, void *to, size_t n)
{
    for (char *at = to; n;) {
        bool direct = w->taken == w->have && n >= sizeof w->input;
        if (w->taken == w->have) {
            ssize_t k = read(w->fd, direct ? at : w->input, direct ? n : sizeof w->input);
            if (k < 0 && errno == EINTR) continue;
            if (k <= 0) return false;
            if (direct) {
                at += k;
                n -= (size_t)k;
                continue;
            }
            w->have = (size_t)k;
            w->taken = 0;
        }
        size_t k = w->have - w->taken < n ? w->have - w->taken : n;
        memcpy(at, w->input + w->taken, k);
        w->taken += k;
        at += k;
        n -= k;
    }
    return true;
}

/* A frame and what belongs to it, in one write where the socket takes it. */
static bool answer(const worker *w, uint32_t kind, uint64_t id, const void *bytes, uint32_t rows, size_t size)
{
    an__frame f = { .magic = AN__FRAME_MAGIC, .kind = kind, .id = id, .rows = rows };
    struct iovec part[] = { { &f, sizeof f }, { (void *)(uintptr_t)bytes, size } };
    for (size_t first = 0; first < AN_COUNT(part);) {
        ssize_t k = writev(w->fd, part + first, (int)(AN_COUNT(part) - first));
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return false;
        for (; first < AN_COUNT(part) && (size_t)k >= part[first].iov_len; first++) k -= (ssize_t)part[first].iov_len;
        if (first == AN_COUNT(part)) break;
        part[first].iov_base = (char *)part[first].iov_base + k;
        part[first].iov_len -= (size_t)k;
    }
    return true;
}

static an_model *model_of(worker *w, const an_hash *address, an_error *err)
{
    size_t oldest = 0;
    for (size_t i = 0; i < MODELS; i++) {
        if (w->model[i].model && !memcmp(&w->model[i].address, address, sizeof *address)) {
            w->model[i].used = ++w->clock;
            return w->model[i].model;
        }
        if (w->model[i].used < w->model[oldest].used) oldest = i;
    }
    an_artifact *a = an_artifact_get(w->store, address, err);
    an_model *m = a ? an_model_load(a, err) : NULL;
    an_artifact_free(a);
    if (!m) return NULL;
    an_model_free(w->model[oldest].model);
    w->model[oldest].model = m;
    w->model[oldest].address = *address;
    w->model[oldest].used = ++w->clock;
    return m;
}

static bool room(double **p, size_t *have, size_t want, an_error *err)
{
    if (*have >= want) return true;
    free(*p);
    *p = an_alloc_data(want, sizeof **p, "rows of a batch", err);
    *have = *p ? want : 0;
    return *p != NULL;
}

/* False: the parent is gone or out of step. */
static bool score(worker *w, const an__frame *f)
{
    an_error err = { 0 };
    size_t n = (size_t)f->rows * f->features;
    if (!room(&w->values, &w->values_room, n, &err) || !get(w, w->values, n * sizeof *w->values)) return false;
    an_model *m = model_of(w, &f->address, &err);
    bool ok = m && room(&w->score, &w->score_room, f->rows, &err);
    if (ok && m->prep->columns != f->features)
        ok = an_fail(&err, AN_INPUT, "rows with %u features for a model with %zu", f->features, m->prep->columns);
    ok = ok && an_model_score_rows(m, w->values, f->rows, w->score, &err);
    if (ok) return answer(w, AN__FRAME_DONE, f->id, w->score, f->rows, f->rows * sizeof *w->score);
    return answer(w, AN__FRAME_ERROR, f->id, err.message, (uint32_t)strlen(err.message), strlen(err.message));
}

bool an__replica_main(an_store *s, int fd, an_error *err)
{
    worker w = { .fd = fd, .store = s };
    an__frame f;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a parent that is killed closes the socket, too; this is for a worker that scores right then */
    bool ok = true;
    while (ok && get(&w, &f, sizeof f)) {
        an_error why = { 0 };
        if (f.magic != AN__FRAME_MAGIC) {
            ok = an_fail(err, AN_CORRUPT, "a worker of 'andon serve' was told nonsense on descriptor %d: it is started by its parent only",
                         fd);
        } else if (f.kind == AN__FRAME_LOAD) {
            model_of(&w, &f.address, &why); /* a model that does not load is an error of the rows that need it */
        } else if (f.kind == AN__FRAME_HELLO) {
            ok = answer(&w, AN__FRAME_READY, 0, NULL, 0, 0);
        } else if (f.kind == AN__FRAME_SCORE) {
            if (!score(&w, &f)) break;
        }
    }
    for (size_t i = 0; i < MODELS; i++) an_model_free(w.model[i].model);
    free(w.values);
    free(w.score);
    return ok;
}
