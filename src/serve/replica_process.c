/* replica_process.c - starts a worker process, and writes to it. Workers end when their socket does. */
#include "serve/own_process.h"
#include "serve/replica.h"
#include "serve/replica_limits.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

void an__worker_frame(an__worker *w, uint32_t kind, uint64_t id, const an_hash *address, size_t rows, size_t features)
{
    an__frame f = { .magic = AN__FRAME_MAGIC, .kind = kind, .id = id, .rows = (uint32_t)rows, .features = (uint32_t)features };
    if (address) f.address = *address;
    an_buf_add(&w->out, &f, sizeof f);
}

bool an__worker_flush(an__worker *w)
{
    while (w->sent < w->out.size) {
        ssize_t n = send(w->fd, w->out.data + w->sent, w->out.size - w->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
        if (n <= 0) return false;
        w->sent += (size_t)n;
    }
    bool more = w->sent < w->out.size;
    if (!more) {
        an_buf_clear(&w->out);
        w->sent = 0;
    }
    if (more != w->writing) {
        w->writing = more;
        an_loop_watch(w->owner->loop, w->fd, AN_READABLE | (more ? AN_WRITABLE : 0), an__worker_event, w, NULL);
    }
    return true;
}

bool an__worker_start(an__replicas *r, an__worker *w, an_error *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) return an_fail_errno(err, "making a socket for a worker process");
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    int size = 1 << 20; /* a batch of 256 rows of 66 features is 135 KB */
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    uint64_t batches = w->batches, rows = w->rows;
    *w = (an__worker){ .owner = r, .fd = pair[0], .started = an_clock_s(), .batches = batches, .rows = rows };
    w->last = &w->first;
    bool ok = an__own_process_start(AN__REPLICA_ENV, r->o.workspace, pair[1], &w->pid, err);
    close(pair[1]);
    ok = ok && an_loop_watch(r->loop, w->fd, AN_READABLE, an__worker_event, w, err);
    if (!ok) {
        close(w->fd);
        if (w->pid) {
            kill(w->pid, SIGKILL);
            waitpid(w->pid, NULL, 0);
        }
        w->pid = 0;
        return false;
    }
    an__limits_apply(r->limits, w->pid, (int)(w - r->slot));
    for (size_t i = 0; i < r->model_count; i++) an__worker_frame(w, AN__FRAME_LOAD, 0, &r->models[i]->address, 0, 0);
    an__worker_frame(w, AN__FRAME_HELLO, 0, NULL, 0, 0);
    an__worker_flush(w);
    r->facts.started++;
    r->changed = an_clock_s();
    return true;
}
