/* http_renew.c - certificates are renewed while a server runs: looks at most once a second whether the files of its certificate and key are
 * others than those in use, and takes the new pair for new connections. A pair that cannot be used (one file was replaced and the other is
 * still to come, or is wrong) leaves the old one in use, and is tried again. */
#include "wire/http.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { NOTICE_DAYS = 7 };

/* A file that was written in place has another time, one that was replaced another number; links are followed. */
typedef struct identity {
    dev_t device;
    ino_t number;
    off_t size;
    struct timespec written, changed;
} identity;

struct an__renewal {
    char *file[2]; /* certificate, key */
    identity used[2];
    double looked;
    char why[400], notice[400];
};

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same(const identity *a, const identity *b)
{
    return a->device == b->device && a->number == b->number && a->size == b->size && same_time(a->written, b->written) &&
           same_time(a->changed, b->changed);
}

static identity look(const char *path)
{
    struct stat s;
    if (stat(path, &s)) return (identity){ .size = -1 };
    return (identity){ .device = s.st_dev, .number = s.st_ino, .size = s.st_size, .written = s.st_mtim, .changed = s.st_ctim };
}

an__renewal *an__renewal_new(const char *certificate, const char *key)
{
    an__renewal *r = an_alloc(sizeof *r);
    *r = (an__renewal){ .file = { an_strdup(certificate), an_strdup(key) }, .looked = -INFINITY };
    for (size_t i = 0; i < 2; i++) r->used[i] = look(certificate && key ? r->file[i] : "");
    return r;
}

void an__renewal_look(an__renewal *r, an__tls **tls, double now)
{
    if (!r || now < r->looked + 1) return;
    r->looked = now;
    identity found[2] = { look(r->file[0]), look(r->file[1]) };
    if (same(&found[0], &r->used[0]) && same(&found[1], &r->used[1])) {
        r->why[0] = 0;
        return;
    }
    an_error err = { 0 };
    an__tls *fresh = an__tls_server(r->file[0], r->file[1], &err);
    r->why[0] = 0;
    if (!fresh) {
        snprintf(r->why, sizeof r->why, "the certificate was changed and cannot be used; the old one goes on: %.300s", err.message);
        return;
    }
    an__tls_free(*tls); /* connections that have it go on with it */
    *tls = fresh;
    memcpy(r->used, found, sizeof found);
}

const char *an__renewal_why(an__renewal *r, const an__tls *tls)
{
    if (!r) return "";
    double days = an__tls_days(tls);
    r->notice[0] = 0;
    if (days < 0)
        snprintf(r->notice, sizeof r->notice, "the certificate %.300s has expired: clients refuse it", r->file[0]);
    else if (days < NOTICE_DAYS)
        snprintf(r->notice, sizeof r->notice, "the certificate %.300s expires in %.0f hours", r->file[0], floor(days * 24));
    return r->why[0] ? r->why : r->notice;
}

void an__renewal_free(an__renewal *r)
{
    if (!r) return;
    free(r->file[0]);
    free(r->file[1]);
    free(r);
}
