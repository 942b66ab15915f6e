/* mlflow_download.c - an artifact on its way out: opened and read by the disk's thread, one piece ahead of what the client takes. */
#include "serve/mlflow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 256 * 1024 };

typedef struct download {
    an__disk_step step; /* first */
    an__downloads *all; /* NULL: the server is stopping */
    struct download *previous, *next;
    an_exchange *exchange;
    const an__route *route;
    char *path;
    char range[64], tag[64], headers[400];
    bool wants_range, head;
    bool begun, rests, gone, busy;
    /* the disk's while a step is on its way */
    int fd;
    int status;
    uint64_t size, at, left; /* left: still to be read */
    an_buf piece;
    bool failed;
    an_error err;
} download;

struct an__downloads {
    an__server *server;
    an__disk *disk;
    const char *folder;
    download *first;
};

/* ---- ranges ---- */

static bool number(const char **at, const char *end, uint64_t *out)
{
    const char *from = *at;
    for (*out = 0; *at < end && **at >= '0' && **at <= '9'; ++*at) {
        if (*at - from > 17) return false;
        *out = *out * 10 + (uint64_t)(**at - '0');
    }
    return *at > from;
}

int an__range(an_span value, uint64_t size, uint64_t *first, uint64_t *last)
{
    const char *at = value.data, *end = at ? at + value.size : NULL;
    if (!at || value.size < 8 || memcmp(at, "bytes=", 6) != 0) return 0;
    at += 6;
    uint64_t a = 0, b = 0;
    bool has_a = number(&at, end, &a);
    if (at == end || *at++ != '-') return 0;
    bool has_b = number(&at, end, &b);
    if (at != end || (!has_a && !has_b) || (has_a && has_b && b < a)) return 0;
    if (!has_a) { /* the last b bytes */
        if (!b || !size) return -1;
        a = b < size ? size - b : 0;
        b = size - 1;
    } else if (a >= size) {
        return -1;
    } else if (!has_b || b >= size) {
        b = size - 1;
    }
    *first = a;
    *last = b;
    return 1;
}

/* ---- in the disk's thread ---- */

static void open_file(download *d)
{
    char *full = an__mlflow_full(d->all->folder, d->path, &d->err);
    if (!full) return;
    int fd = open(full, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), why = errno;
    free(full);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        if (fd >= 0) close(fd);
        errno = why;
        if (fd < 0 && why != ENOENT && why != ENOTDIR && why != ELOOP)
            an_fail_errno(&d->err, "the artifact \"%.200s\" cannot be read", d->path);
        else
            an_fail(&d->err, AN_NOT_FOUND, "there is no artifact \"%.200s\"", d->path);
        return;
    }
    d->fd = fd;
    d->size = d->left = (uint64_t)info.st_size;
    char tag[64];
    snprintf(tag, sizeof tag, "\"%llx-%llx-%llx\"", (unsigned long long)info.st_ino, (unsigned long long)info.st_size,
             (unsigned long long)info.st_mtim.tv_sec * 1000000000ULL + (unsigned long long)info.st_mtim.tv_nsec);
    if (d->tag[0] && strcmp(d->tag, tag) != 0) d->wants_range = false; /* If-Range: it is another file by now */
    uint64_t first, last;
    int range = d->wants_range ? an__range((an_span){ d->range, strlen(d->range) }, d->size, &first, &last) : 0;
    d->status = range > 0 ? 206 : range < 0 ? 416 : 200;
    char content[100] = "";
    if (range > 0) {
        d->at = first;
        d->left = last - first + 1;
        snprintf(content, sizeof content, "Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)first, (unsigned long long)last,
                 (unsigned long long)d->size);
    } else if (range < 0) {
        d->left = 0;
        snprintf(content, sizeof content, "Content-Range: bytes */%llu\r\n", (unsigned long long)d->size);
    }
    snprintf(d->headers, sizeof d->headers,
             "Content-Disposition: attachment\r\nX-Content-Type-Options: nosniff\r\nAccept-Ranges: bytes\r\nETag: %s\r\n%s", tag, content);
}

static void work(an__disk_step *s)
{
    download *d = (download *)s;
    if (d->fd < 0) open_file(d);
    if (d->fd < 0 || d->head || !d->left) return;
    size_t n = d->left < PIECE ? (size_t)d->left : PIECE;
    if (d->piece.capacity < n + 1) {
        an_buf_free(&d->piece);
        d->piece.data = an_alloc(n + 1);
        d->piece.capacity = n + 1;
    }
    ssize_t got = pread(d->fd, d->piece.data, n, (off_t)d->at);
    d->failed = got <= 0; /* 0: it became shorter */
    d->piece.size = got > 0 ? (size_t)got : 0;
    d->at += d->piece.size;
    d->left -= d->piece.size;
}

/* ---- in the loop's thread ---- */

static void forget(download *d)
{
    if (d->all) {
        *(d->previous ? &d->previous->next : &d->all->first) = d->next;
        if (d->next) d->next->previous = d->previous;
    }
    if (d->fd >= 0) close(d->fd);
    an_buf_free(&d->piece);
    free(d->path);
    free(d);
}

static void push(download *d)
{
    d->busy = true;
    an__disk_do(d->all->disk, &d->step);
}

static bool more(void *context, an_buf *out, bool *failed)
{
    download *d = context;
    *failed = !d->all || (!d->busy && d->failed);
    if (*failed) return false;
    d->rests = d->busy;
    if (d->busy) return true; /* woken when the piece is there */
    an_buf piece = d->piece;
    d->piece = *out;
    *out = piece;
    an_buf_clear(&d->piece);
    if (!d->left) return false;
    push(d);
    return true;
}

static void over(void *context)
{
    download *d = context;
    d->gone = true;
    if (!d->busy) forget(d);
}

static void begin(download *d)
{
    an__server *s = d->all->server;
    an_exchange *x = d->exchange;
    if (d->err.code != AN_OK) {
        int status;
        char *text = an__mlflow_error(&d->err, NULL, &status);
        an__answer(s, x, d->route, status, "application/json", NULL, text, strlen(text));
        free(text);
        forget(d);
        return;
    }
    an__metrics_answer(s->metrics, d->route, d->status, an_loop_now(s->o.loop) - an_exchange_arrived(x));
    an_http_answer a = { .status = d->status, .type = "application/octet-stream", .headers = d->headers };
    uint64_t size = d->left + d->piece.size;
    if (!size || (!d->left && !d->failed && !d->head)) { /* all of it is here */
        a.body = d->piece.data;
        a.body_size = d->piece.size;
        an_exchange_answer(x, &a);
        forget(d);
        return;
    }
    if (d->failed) { /* nothing was said yet */
        an_exchange_answer(x, &(an_http_answer){ .status = 500, .close = true });
        forget(d);
        return;
    }
    d->begun = true;
    a.body_size = (size_t)size;
    an_exchange_begin(x, &a, &(an_http_source){ .context = d, .more = more, .done = over });
}

static void done(an__disk_step *s)
{
    download *d = (download *)s;
    d->busy = false;
    if (d->gone) {
        forget(d);
    } else if (!d->begun) {
        begin(d);
    } else if (d->rests) {
        d->rests = false;
        an_exchange_wake(d->exchange);
    }
}

static void copy(char *to, size_t room, an_span from)
{
    snprintf(to, room, "%.*s", from.data && from.size < room ? (int)from.size : 0, from.data ? from.data : "");
}

void an__downloads_send(an__downloads *all, an_exchange *x, const an__route *route, const char *path)
{
    const an_http_request *r = an_exchange_request(x);
    download *d = an_alloc(sizeof *d);
    d->step = (an__disk_step){ .work = work, .done = done };
    d->all = all;
    d->exchange = x;
    d->route = route;
    d->path = an_strdup(path);
    d->fd = -1;
    d->head = an_span_is(r->method, "HEAD");
    copy(d->range, sizeof d->range, an_http_get(r, "range"));
    an_span same = an_http_get(r, "if-range");
    copy(d->tag, sizeof d->tag, same);
    d->wants_range = d->range[0] && !d->head && (!same.data || d->tag[0]);
    d->next = all->first;
    if (d->next) d->next->previous = d;
    all->first = d;
    push(d);
}

an__downloads *an__downloads_new(an__server *s, an__disk *disk, const char *folder)
{
    an__downloads *all = an_alloc(sizeof *all);
    all->server = s;
    all->disk = disk;
    all->folder = folder;
    return all;
}

void an__downloads_free(an__downloads *all)
{
    if (!all) return;
    for (download *d = all->first; d; d = d->next) d->all = NULL; /* the connections, which end later, still hold them */
    free(all);
}
