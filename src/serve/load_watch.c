/* load_watch.c - looks at the server once a second while it is under load: GET /metrics, and /proc where it runs here. */
#include "serve/load.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct an__load_watch {
    an_http_client *client;
    an__load_proc proc;
    bool local, asking, deaf; /* deaf: it has no metrics */
    double cpu_s, cpu_at;     /* process_cpu_seconds_total, and when it was told */
    an__load_use use;         /* as last told */
};

double an__load_metric(an_span page, const char *series)
{
    size_t n = strlen(series);
    const char *at = page.data, *end = page.data ? page.data + page.size : NULL;
    while (at < end) {
        const char *eol = memchr(at, '\n', (size_t)(end - at));
        if (!eol) eol = end;
        if ((size_t)(eol - at) > n && !memcmp(at, series, n) && at[n] == ' ') {
            const char *from = at + n + 1, *to = memchr(from, ' ', (size_t)(eol - from)); /* a time may follow */
            double value;
            return an_real_parse(from, (size_t)((to ? to : eol) - from), &value) ? value : NAN;
        }
        at = eol + 1;
    }
    return NAN;
}

/* Of what /metrics tells; an old number must not pass for a new one. */
static void nothing_known(an__load_watch *w)
{
    w->use.replicas = -1;
    for (int i = 0; i < AN__LOAD_REPLICAS; i++) w->use.rows[i] = -1;
    if (w->local) return;
    w->use.cpu = w->use.memory_mb = NAN;
    w->use.processes = -1;
}

static void told(void *context, const an_http_reply *reply, const an_error *err)
{
    (void)err;
    an__load_watch *w = context;
    w->asking = false;
    nothing_known(w);
    if (reply->status != 200) {
        w->deaf = reply->status >= 400 && reply->status < 500; /* 404: another server; no answer: it may be too busy */
        return;
    }
    double replicas = an__load_metric(reply->body, "andon_replicas");
    w->use.replicas = isnan(replicas) ? -1 : (int)replicas;
    for (int i = 0; i < AN__LOAD_REPLICAS; i++) {
        char series[64];
        snprintf(series, sizeof series, "andon_replica_rows_total{replica=\"%d\"}", i);
        double rows = replicas >= 0 ? an__load_metric(reply->body, series) : NAN;
        w->use.rows[i] = isnan(rows) ? -1 : rows;
    }
    if (w->local) return;
    double cpu = an__load_metric(reply->body, "process_cpu_seconds_total");
    w->use.cpu = w->cpu_at > 0 ? (cpu - w->cpu_s) / (reply->finished - w->cpu_at) : NAN;
    w->cpu_s = cpu;
    w->cpu_at = reply->finished;
    w->use.memory_mb = an__load_metric(reply->body, "process_resident_memory_bytes") / 1e6;
    w->use.processes = isnan(cpu) ? -1 : 1;
}

an__load_watch *an__load_watch_new(an_loop *l, const char *url, const char *ca, an_error *err)
{
    an__load_watch *w = an_alloc(sizeof *w);
    nothing_known(w);
    w->client = an_http_client_new(l, url, ca, 5, err);
    if (!w->client) {
        free(w);
        return NULL;
    }
    w->local = an__load_proc_find(&w->proc, url);
    return w;
}

void an__load_watch_free(an__load_watch *w)
{
    if (!w) return;
    an_http_client_free(w->client);
    free(w);
}

void an__load_watch_look(an__load_watch *w, an__load_use *use)
{
    if (w->local) an__load_proc_look(&w->proc, &w->use);
    *use = w->use;
    if (w->asking || w->deaf) return;
    w->asking = true;
    an_http_client_send(w->client, "GET", "/metrics", NULL, NULL, 0, told, w);
}

bool an__load_watch_local(const an__load_watch *w)
{
    return w->local;
}
