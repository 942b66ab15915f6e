/* metrics.c - counters and histograms of the server, as text for Prometheus (exposition format 0.0.4). */
#include "serve/outbox.h"
#include "serve/server.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const double latency_bounds[] = { 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10 };
static const double rows_bounds[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096, 16384, 65536 };
enum { LATENCIES = AN_COUNT(latency_bounds), ROWS = AN_COUNT(rows_bounds), STATUSES = 16 };

typedef struct route_counts {
    const an__route *route; /* NULL: what no route matched */
    struct {
        int status;
        uint64_t count;
    } status[STATUSES];
    uint64_t bucket[LATENCIES + 1];
    double sum;
} route_counts;

struct an__metrics {
    const an__route *const *tables;
    size_t table_count, *first; /* of each table in `routes` */
    route_counts *routes;
    size_t count;
    uint64_t batches, batch_bucket[ROWS + 1], rows;
    double scoring, last_scoring; /* last_scoring: of the batch that ended last */
    uint64_t refused_full, refused_late, refused_broken, refused_gone;
    an__class_counts **classes; /* one a version that was ever served */
    size_t class_count;
};

an__metrics *an__metrics_new(const an__route *const *tables, size_t count)
{
    an__metrics *m = an_alloc(sizeof *m);
    m->tables = tables;
    m->table_count = count;
    m->first = an_alloc_n(count + 1, sizeof *m->first);
    for (size_t t = 0; t < count; t++) {
        m->first[t] = m->count;
        for (const an__route *r = tables[t]; r->method; r++) m->count++;
    }
    m->routes = an_alloc_n(m->count + 1, sizeof *m->routes);
    for (size_t t = 0; t < count; t++)
        for (size_t i = 0; tables[t][i].method; i++) m->routes[m->first[t] + i].route = &tables[t][i];
    return m;
}

void an__metrics_free(an__metrics *m)
{
    if (!m) return;
    for (size_t i = 0; i < m->class_count; i++) {
        free(m->classes[i]->name);
        free(m->classes[i]);
    }
    free(m->classes);
    free(m->routes);
    free(m->first);
    free(m);
}

/* ---- counting ---- */

static size_t bucket_of(const double *bounds, size_t n, double value)
{
    size_t i = 0;
    while (i < n && value > bounds[i]) i++;
    return i;
}

static route_counts *counts_of(an__metrics *m, const an__route *route)
{
    for (size_t t = 0; route && t < m->table_count; t++) {
        size_t n = (t + 1 < m->table_count ? m->first[t + 1] : m->count) - m->first[t];
        if (route >= m->tables[t] && route < m->tables[t] + n) return &m->routes[m->first[t] + (size_t)(route - m->tables[t])];
    }
    return &m->routes[m->count];
}

void an__metrics_answer(an__metrics *m, const an__route *route, int status, double seconds)
{
    route_counts *r = counts_of(m, route);
    size_t i = 0;
    while (i + 1 < STATUSES && r->status[i].status && r->status[i].status != status) i++;
    r->status[i].status = status;
    r->status[i].count++;
    r->bucket[bucket_of(latency_bounds, LATENCIES, seconds)]++;
    r->sum += seconds > 0 ? seconds : 0;
}

void an__metrics_batch(an__metrics *m, size_t rows, double seconds)
{
    m->batches++;
    m->rows += rows;
    m->batch_bucket[bucket_of(rows_bounds, ROWS, (double)rows)]++;
    m->scoring += seconds;
    m->last_scoring = seconds;
}

uint64_t an__metrics_batches(const an__metrics *m)
{
    return m->batches;
}

void an__metrics_refused(an__metrics *m, int status)
{
    if (status == 429) m->refused_full++;
    if (status == 504) m->refused_late++;
    if (status == 503) m->refused_broken++;
    if (status == 499) m->refused_gone++;
}

static an__class_counts *find(const an__metrics *m, const char *name, int64_t version)
{
    for (size_t i = 0; i < m->class_count; i++)
        if (m->classes[i]->version == version && !strcmp(m->classes[i]->name, name)) return m->classes[i];
    return NULL;
}

const an__class_counts *an__metrics_of(const an__metrics *m, const char *name, int64_t version)
{
    return find(m, name, version);
}

static an__class_counts *classes_held(an__metrics *m, an__served *v)
{
    if (v->counts || (v->counts = find(m, v->name, v->version))) return v->counts;
    m->classes = an_resize_n(m->classes, m->class_count + 1, sizeof *m->classes);
    an__class_counts *c = v->counts = an_alloc(sizeof *c);
    *c = (an__class_counts){ .name = an_strdup(v->name), .version = v->version };
    return m->classes[m->class_count++] = c;
}

void an__metrics_request(an__metrics *m, an__served *v, const an__request_times *t)
{
    an__class_counts *c = classes_held(m, v);
    double since = t->scored - t->queued, scoring = since;
    if (scoring > m->last_scoring) scoring = m->last_scoring;
    c->batches += c->last_batch != m->batches;
    c->last_batch = m->batches;
    c->requests++;
    c->seconds += t->ready - t->arrived;
    c->decoding += t->queued - t->decoding;
    c->waiting += since - scoring;
    c->scoring += scoring;
    c->encoding += t->ready - t->scored;
    c->last = t->ready;
}

void an__metrics_request_failed(an__metrics *m, an__served *v, double seconds)
{
    an__class_counts *c = classes_held(m, v);
    c->failed++;
    c->failed_seconds += seconds > 0 ? seconds : 0;
}

void an__metrics_verdicts(an__metrics *m, an__served *v, const double *score, size_t rows)
{
    classes_held(m, v);
    for (size_t i = 0; i < rows; i++)
        if (score[i] >= v->model->threshold.value)
            v->counts->positives++;
        else
            v->counts->negatives++;
}

/* ---- text ---- */

static void family(an_buf *out, const char *name, const char *type, const char *help)
{
    an_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Label values: backslash, quote and line end are escaped. */
static void label(an_buf *out, const char *text)
{
    for (; *text; text++)
        if (*text == '\n')
            an_buf_puts(out, "\\n");
        else {
            if (*text == '"' || *text == '\\') an_buf_putc(out, '\\');
            an_buf_putc(out, *text);
        }
}

static void number(an_buf *out, double value)
{
    char text[32];
    an_buf_puts(out, isnan(value) ? "NaN" : isinf(value) ? (value > 0 ? "+Inf" : "-Inf") : an_real_text(value, text));
    an_buf_putc(out, '\n');
}

static void single(an_buf *out, const char *name, const char *type, const char *help, double value)
{
    family(out, name, type, help);
    an_buf_printf(out, "%s ", name);
    number(out, value);
}

static void histogram(an_buf *out, const char *name, const char *labels, const double *bounds, const uint64_t *bucket, size_t n, double sum)
{
    uint64_t total = 0;
    char text[32];
    for (size_t i = 0; i <= n; i++) {
        total += bucket[i];
        an_buf_printf(out, "%s_bucket{%s%sle=\"%s\"} %llu\n", name, labels, labels[0] ? "," : "",
                      i < n ? an_real_text(bounds[i], text) : "+Inf", (unsigned long long)total);
    }
    const char *open = labels[0] ? "{" : "", *close = labels[0] ? "}" : "";
    an_buf_printf(out, "%s_sum%s%s%s ", name, open, labels, close);
    number(out, sum);
    an_buf_printf(out, "%s_count%s%s%s %llu\n", name, open, labels, close, (unsigned long long)total);
}

static bool used(const route_counts *r)
{
    return r->status[0].count > 0;
}

static void requests(const an__metrics *m, an_buf *out)
{
    family(out, "andon_http_requests_total", "counter", "Answers, by route, method and status code.");
    for (size_t i = 0; i <= m->count; i++) {
        const route_counts *r = &m->routes[i];
        for (size_t k = 0; k < STATUSES && r->status[k].count; k++)
            an_buf_printf(out, "andon_http_requests_total{route=\"%s\",method=\"%s\",code=\"%d\"} %llu\n",
                          r->route ? r->route->path : "none", r->route ? r->route->method : "any", r->status[k].status,
                          (unsigned long long)r->status[k].count);
    }
    family(out, "andon_http_request_duration_seconds", "histogram", "From the first byte of a request to its answer.");
    for (size_t i = 0; i <= m->count; i++) {
        const route_counts *r = &m->routes[i];
        if (!used(r)) continue;
        char *labels = an_format("route=\"%s\",method=\"%s\"", r->route ? r->route->path : "none", r->route ? r->route->method : "any");
        histogram(out, "andon_http_request_duration_seconds", labels, latency_bounds, r->bucket, LATENCIES, r->sum);
        free(labels);
    }
}

static void models(const an__metrics *m, const an__server *s, an_buf *out)
{
    family(out, "andon_model_info", "gauge", "The versions that are served now.");
    for (size_t i = 0; i < an__models_count(s->o.models); i++) {
        an__models_entry e = an__models_at(s->o.models, i);
        if (!e.served) continue;
        an_buf_puts(out, "andon_model_info{reference=\"");
        label(out, e.reference);
        an_buf_puts(out, "\",model=\"");
        label(out, e.name);
        an_buf_printf(out, "\",version=\"%lld\",unapproved=\"%s\"} 1\n", (long long)e.served->version,
                      e.served->unapproved ? "true" : "false");
    }
    family(out, "andon_model_stale", "gauge",
           "1: the version that is asked for could not be loaded or was not approved; an older one, or none, is served.");
    for (size_t i = 0; i < an__models_count(s->o.models); i++) {
        an__models_entry e = an__models_at(s->o.models, i);
        an_buf_puts(out, "andon_model_stale{reference=\"");
        label(out, e.reference);
        an_buf_printf(out, "\"} %d\n", e.why[0] != 0);
    }
    family(out, "andon_predictions_total", "counter", "Rows answered, by model, version and predicted class.");
    for (size_t i = 0; i < m->class_count; i++) {
        const an__class_counts *c = m->classes[i];
        for (int positive = 0; positive < 2; positive++) {
            an_buf_puts(out, "andon_predictions_total{model=\"");
            label(out, c->name);
            an_buf_printf(out, "\",version=\"%lld\",class=\"%s\"} %llu\n", (long long)c->version, positive ? "positive" : "negative",
                          (unsigned long long)(positive ? c->positives : c->negatives));
        }
    }
}

/* name{model="...",version="3" */
static void of_version(an_buf *out, const char *name, const an__class_counts *c)
{
    an_buf_printf(out, "%s{model=\"", name);
    label(out, c->name);
    an_buf_printf(out, "\",version=\"%lld\"", (long long)c->version);
}

static void versions(const an__metrics *m, an_buf *out)
{
    family(out, "andon_model_requests_total", "counter", "Requests to a version, by outcome.");
    for (size_t i = 0; i < m->class_count; i++)
        for (int failed = 0; failed < 2; failed++) {
            of_version(out, "andon_model_requests_total", m->classes[i]);
            an_buf_printf(out, ",outcome=\"%s\"} %llu\n", failed ? "failed" : "answered",
                          (unsigned long long)(failed ? m->classes[i]->failed : m->classes[i]->requests));
        }
    family(out, "andon_model_batches_total", "counter", "Batches that a version scored.");
    for (size_t i = 0; i < m->class_count; i++) {
        of_version(out, "andon_model_batches_total", m->classes[i]);
        an_buf_printf(out, "} %llu\n", (unsigned long long)m->classes[i]->batches);
    }
    family(out, "andon_model_request_seconds_total", "counter", "From the first byte of answered requests to their answers.");
    for (size_t i = 0; i < m->class_count; i++) {
        of_version(out, "andon_model_request_seconds_total", m->classes[i]);
        an_buf_puts(out, "} ");
        number(out, m->classes[i]->seconds);
    }
    family(out, "andon_model_part_seconds_total", "counter", "Where that time went.");
    static const char *const parts[] = { "decoding", "waiting", "scoring", "encoding" };
    for (size_t i = 0; i < m->class_count; i++) {
        const an__class_counts *c = m->classes[i];
        double seconds[] = { c->decoding, c->waiting, c->scoring, c->encoding };
        for (size_t k = 0; k < AN_COUNT(parts); k++) {
            of_version(out, "andon_model_part_seconds_total", c);
            an_buf_printf(out, ",part=\"%s\"} ", parts[k]);
            number(out, seconds[k]);
        }
    }
}

static void replicas(const an__server *s, an_buf *out)
{
    an__replica_facts f;
    an__replicas_facts(s->o.replicas, &f);
    single(out, "andon_replicas", "gauge", "Worker processes that are ready.", f.alive);
    single(out, "andon_replicas_min", "gauge", "The fewest there may be.", f.low);
    single(out, "andon_replicas_max", "gauge", "The most there may be.", f.high);
    single(out, "andon_replica_busy_ratio", "gauge", "Share of time that a worker spent scoring, lately.", f.busy);
    single(out, "andon_replica_starts_total", "counter", "Worker processes started.", (double)f.started);
    single(out, "andon_replica_deaths_total", "counter", "Worker processes that died unasked.", (double)f.died);
    single(out, "andon_replica_hangs_total", "counter", "Worker processes killed because they took too long.", (double)f.hung);
    single(out, "andon_replica_retries_total", "counter", "Requests that were given to a second replica.", (double)f.retried);
    family(out, "andon_replica_limits_info", "gauge", "How processor and memory of the workers are bounded.");
    an_buf_printf(out, "andon_replica_limits_info{how=\"%s\"} 1\n", f.limits);
    family(out, "andon_replica_rows_total", "counter", "Rows scored, by slot.");
    uint64_t batches, rows;
    long pid;
    for (size_t i = 0; i < (size_t)f.high; i++)
        if (an__replicas_at(s->o.replicas, i, &pid, &batches, &rows))
            an_buf_printf(out, "andon_replica_rows_total{replica=\"%zu\"} %llu\n", i, (unsigned long long)rows);
}

static void journal(const an__server *s, an_buf *out)
{
    an__journal_facts f;
    an__journal_facts_get(s->o.journal, &f);
    single(out, "andon_journal_records_total", "counter", "Answered requests in the journal.", (double)f.records);
    single(out, "andon_journal_lost_total", "counter", "Answered requests that the journal could not take (disk full?).", (double)f.lost);
    single(out, "andon_journal_bytes_total", "counter", "Bytes written to the journal.", (double)f.bytes);
    single(out, "andon_journal_syncs_total", "counter", "Times the journal was forced to the disk.", (double)f.syncs);
}

static void outbox(const an__server *s, an_buf *out)
{
    const char *why;
    single(out, "andon_parts_unkept_total", "counter", "Messages about parts that could not be kept (disk full?) and were answered 503.",
           (double)an__parts_unkept(s->parts, &why));
    an__outbox *o = an__parts_outbox(s->parts);
    size_t n = an__outbox_channels(o);
    static const struct {
        const char *name, *type, *help;
    } families[] = {
        { "andon_outbox_waiting", "gauge", "Verdicts on parts that have not left by this channel yet." },
        { "andon_outbox_delivered_total", "counter", "Verdicts on parts that left by this channel." },
        { "andon_outbox_failures_total", "counter", "Times that a batch did not get through and will be tried again." },
    };
    for (size_t k = 0; n && k < AN_COUNT(families); k++) {
        family(out, families[k].name, families[k].type, families[k].help);
        for (size_t i = 0; i < n; i++) {
            an__outbox_facts f;
            an__outbox_facts_get(o, i, &f);
            long long value = k == 0 ? (long long)f.waiting : k == 1 ? (long long)f.delivered : (long long)f.failures;
            an_buf_printf(out, "%s{channel=\"%s\"} %lld\n", families[k].name, f.name, value);
        }
    }
}

static double resident_bytes(void)
{
    unsigned long long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%*u %llu", &pages) != 1) pages = 0;
    if (f) fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

void an__metrics_text(const an__metrics *m, const an__server *s, an_buf *out)
{
    family(out, "andon_build_info", "gauge", "The program.");
    an_buf_printf(out, "andon_build_info{version=\"%s\",code=\"%s\"} 1\n", an_version(), an_code_version());
    requests(m, out);
    family(out, "andon_batch_rows", "histogram", "Rows that were scored together.");
    histogram(out, "andon_batch_rows", "", rows_bounds, m->batch_bucket, ROWS, (double)m->rows);
    single(out, "andon_scoring_seconds_total", "counter", "Time spent scoring.", m->scoring);
    single(out, "andon_queue_rows", "gauge", "Rows that wait to be scored.", (double)an__batcher_waiting(s->batcher));
    single(out, "andon_queue_limit_rows", "gauge", "More than these are answered 429.", (double)s->o.batch.queue);
    family(out, "andon_refused_total", "counter", "Requests for a verdict that got none, by reason.");
    an_buf_printf(out, "andon_refused_total{reason=\"queue full\"} %llu\nandon_refused_total{reason=\"late\"} %llu\n",
                  (unsigned long long)m->refused_full, (unsigned long long)m->refused_late);
    an_buf_printf(out, "andon_refused_total{reason=\"unavailable\"} %llu\nandon_refused_total{reason=\"client gone\"} %llu\n",
                  (unsigned long long)m->refused_broken, (unsigned long long)m->refused_gone);
    models(m, s, out);
    versions(m, out);
    if (s->o.journal) journal(s, out);
    if (s->o.replicas) replicas(s, out);
    outbox(s, out);
    an_http_counts c;
    an_http_server_counts(s->http, &c);
    single(out, "andon_http_connections", "gauge", "Connections that are open.", (double)c.open);
    single(out, "andon_http_connections_total", "counter", "Connections accepted.", (double)c.connections);
    single(out, "andon_http_malformed_total", "counter", "Requests that were refused before a route saw them.", (double)c.refused);
    single(out, "andon_http_timeouts_total", "counter", "Connections closed because their client was too slow.", (double)c.timeouts);
    single(out, "andon_http_received_bytes_total", "counter", "Bytes received.", (double)c.bytes_in);
    single(out, "andon_http_sent_bytes_total", "counter", "Bytes sent.", (double)c.bytes_out);
    char why[512];
    an__server_not_ready(s, NULL, why);
    single(out, "andon_ready", "gauge", "1: ready for requests.", why[0] == 0);
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    single(out, "process_cpu_seconds_total", "counter", "Processor time of this process.",
           (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6 + (double)u.ru_stime.tv_sec + (double)u.ru_stime.tv_usec / 1e6);
    single(out, "process_resident_memory_bytes", "gauge", "Memory of this process.", resident_bytes());
    single(out, "process_start_time_seconds", "gauge", "When this process started, in seconds since 1970.", s->started);
}
