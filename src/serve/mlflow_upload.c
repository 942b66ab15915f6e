/* mlflow_upload.c - an artifact on its way in. The loop's thread collects what the client sends, the disk's thread writes what was
 * collected; where the disk is slower than the client, the client waits. Memory of an upload: what is being written and what has come
 * meanwhile, at most about MOST each.
 */
#include "serve/mlflow.h"

#include <stdlib.h>
#include <string.h>

enum {
    MOST = 1 << 20,    /* collected of one upload while the disk is busy with it */
    ALL = 64 << 20,    /* of all together; above it each still gets one piece at a time */
    KEEP = 256 * 1024, /* an empty buffer above this is given back */
    TOGETHER = 256     /* uploads: each has a connection and a file open */
};

typedef struct upload {
    an__disk_step step; /* first */
    an__uploads *all;
    struct upload *previous, *next;
    an_exchange *exchange; /* NULL: the client is gone, or was answered */
    const an__route *route;
    char *path;
    uint64_t announced; /* 0: not told */
    an_buf in;          /* what came and is not yet with the disk */
    bool whole;         /* all has come */
    bool stopped;       /* the server reads no more until it is woken */
    bool first;         /* the first step goes without a byte: the client wants to know before it sends any */
    bool busy;          /* a step is on its way; what follows is the disk's until it comes back */
    an_buf out;
    bool open, ends, drops; /* ends: `out` is the last of it; drops: nobody wants it any more */
    an__draft draft;
    an_error err;
} upload;

struct an__uploads {
    an__server *server;
    an__disk *disk;
    const char *folder;
    size_t waiting; /* bytes in memory */
    size_t count;   /* of them */
    upload *first;
};

/* ---- in the disk's thread ---- */

static void work(an__disk_step *s)
{
    upload *u = (upload *)s;
    if (!u->open && !u->drops) u->open = an__draft_open(&u->draft, u->all->folder, u->path, u->announced, &u->err);
    if (!u->open) return;
    bool good = !u->drops && (!u->out.size || an__draft_add(&u->draft, u->path, u->out.data, u->out.size, &u->err));
    if (good && !u->ends) return;
    if (good)
        an__draft_end(&u->draft, u->all->folder, u->path, &u->err);
    else
        an__draft_drop(&u->draft);
    u->open = false;
}

/* ---- in the loop's thread ---- */

static void forget(upload *u)
{
    *(u->previous ? &u->previous->next : &u->all->first) = u->next;
    if (u->next) u->next->previous = u->previous;
    u->all->waiting -= u->in.size;
    u->all->count--;
    an_buf_free(&u->in);
    an_buf_free(&u->out);
    free(u->path);
    free(u);
}

static void say(an__server *server, an_exchange *x, const an__route *route, const an_error *err, bool full)
{
    int status = 200;
    char *text = err->code == AN_OK ? an_strdup("{}") : an__mlflow_error(err, full ? "RESOURCE_EXHAUSTED" : NULL, &status);
    if (full) status = 507;
    an__answer(server, x, route, status, "application/json", status == 503 ? "Retry-After: 1\r\n" : NULL, text, strlen(text));
    free(text);
}

static void answer(upload *u, const an_error *err)
{
    an_exchange *x = u->exchange;
    u->exchange = NULL;
    if (x) say(u->all->server, x, u->route, err, u->draft.full);
}

/* The next step, if there is one to do. */
static void push(upload *u)
{
    if (u->busy) return;
    bool over = !u->exchange;
    if (over && !u->open) {
        forget(u);
        return;
    }
    if (!over && !u->in.size && !u->whole && !u->first) return;
    u->first = false;
    an_buf in = u->in;
    u->in = u->out;
    u->out = in;
    u->ends = u->whole;
    u->drops = over;
    u->busy = true;
    an__disk_do(u->all->disk, &u->step);
}

static void done(an__disk_step *s)
{
    upload *u = (upload *)s;
    u->busy = false;
    u->all->waiting -= u->out.size;
    if (u->out.capacity > KEEP)
        an_buf_free(&u->out);
    else
        an_buf_clear(&u->out);
    if (u->err.code != AN_OK || u->ends || u->drops) {
        if (!u->drops) answer(u, &u->err);
        if (!u->open) {
            forget(u);
            return;
        }
    } else if (u->stopped && u->in.size < MOST / 2) {
        u->stopped = false;
        an_exchange_wake(u->exchange);
    }
    push(u);
}

static bool take(void *context, const char *bytes, size_t n)
{
    upload *u = context;
    an_buf_add(&u->in, bytes, n);
    u->all->waiting += n;
    push(u);
    u->stopped = u->in.size >= MOST || (u->in.size && u->all->waiting >= ALL);
    return !u->stopped;
}

static void end(void *context, bool whole)
{
    upload *u = context;
    if (whole)
        u->whole = true;
    else
        u->exchange = NULL;
    u->stopped = false;
    push(u);
}

void an__uploads_take(an__uploads *all, an_exchange *x, const an__route *route, const char *path)
{
    if (all->count >= TOGETHER) {
        an_error busy = { 0 };
        an_fail(&busy, AN_BUSY, "%d artifacts are on their way in already: try again", TOGETHER);
        say(all->server, x, route, &busy, false);
        return;
    }
    all->count++;
    upload *u = an_alloc(sizeof *u);
    u->step = (an__disk_step){ .work = work, .done = done };
    u->all = all;
    u->exchange = x;
    u->route = route;
    u->path = an_strdup(path);
    an_span length = an_http_get(an_exchange_request(x), "content-length");
    for (size_t i = 0; i < length.size && u->announced < UINT64_MAX / 16; i++) /* digits: the parser has seen to that */
        u->announced = u->announced * 10 + (uint64_t)(length.data[i] - '0');
    u->next = all->first;
    if (u->next) u->next->previous = u;
    all->first = u;
    u->first = u->stopped = an_exchange_request(x)->expect_continue;
    an_exchange_take(x, &(an_http_sink){ .context = u, .most = AN__ARTIFACT_MOST, .waits = u->stopped, .take = take, .end = end });
    if (u->first) push(u);
}

an__uploads *an__uploads_new(an__server *s, an__disk *disk, const char *folder)
{
    an__uploads *all = an_alloc(sizeof *all);
    all->server = s;
    all->disk = disk;
    all->folder = folder;
    return all;
}

void an__uploads_free(an__uploads *all)
{
    if (!all) return;
    an_error stopping = { 0 };
    an_fail(&stopping, AN_BUSY, "the server is stopping");
    for (upload *u = all->first, *next; u; u = next) {
        next = u->next;
        answer(u, &stopping);
        push(u); /* the disk is stopped: it is done with at once */
    }
    free(all);
}
