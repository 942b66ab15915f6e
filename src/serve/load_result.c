/* load_result.c - the numbers of a load test as one document, and in words. */
#include "serve/load.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *ms(double seconds)
{
    return an_json_real(seconds * 1e3);
}

static json_t *quantiles(const an__histogram *h)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "p50", ms(an__histogram_quantile(h, 0.5, 0)), "p95",
                     ms(an__histogram_quantile(h, 0.95, 0)), "p99", ms(an__histogram_quantile(h, 0.99, 0)), "p999",
                     ms(an__histogram_quantile(h, 0.999, 0)), "max", ms(an__histogram_max(h)), "mean", ms(an__histogram_mean(h)));
}

/* What a page draws: time by share of requests, finer towards the slow end. */
static json_t *distribution(const an__histogram *h)
{
    static const double at[] = { 0,     0.05,  0.1,   0.2,    0.3,    0.4,     0.5,     0.6,      0.7,  0.75,   0.8,
                                 0.85,  0.9,   0.925, 0.95,   0.96,   0.97,    0.98,    0.985,    0.99, 0.9925, 0.995,
                                 0.997, 0.998, 0.999, 0.9995, 0.9999, 0.99995, 0.99999, 0.999999, 1 };
    json_t *list = json_array();
    for (size_t i = 0; i < AN_COUNT(at); i++)
        json_array_append_new(list, json_pack("[f, o]", at[i], ms(an__histogram_quantile(h, at[i], 0))));
    return list;
}

static json_t *errors_by_kind(const an__load_errors *e)
{
    json_t *list = json_array();
    for (size_t i = 0; i < e->count; i++) {
        json_t *first = json_string(e->kind[i].first);
        json_array_append_new(list, json_pack("{s:s, s:I, s:o}", "kind", e->kind[i].kind, "count", (json_int_t)e->kind[i].times, "first",
                                              first ? first : json_string("(not UTF-8)")));
    }
    return list;
}

static json_t *count_or_null(int n)
{
    return n < 0 ? json_null() : json_integer(n);
}

/* Rows that each slot scored since the look before; null: nothing is known of slots. */
static json_t *scored(const an__load_use *before, const an__load_use *now)
{
    if (now->replicas < 0 || !before || before->replicas < 0) return json_null();
    json_t *list = json_array();
    int last = AN__LOAD_REPLICAS - 1;
    while (last >= 0 && now->rows[last] < 0) last--;
    for (int k = 0; k <= last; k++) {
        double since = before->rows[k] > 0 && before->rows[k] <= now->rows[k] ? before->rows[k] : 0; /* else it was started anew */
        json_array_append_new(list, an_json_real(now->rows[k] < 0 ? NAN : now->rows[k] - since));
    }
    return list;
}

static json_t *series(const an__load_result *r)
{
    json_t *list = json_array();
    double before = 0;
    for (size_t i = 0; i < r->seconds_count; i++) {
        const an__load_second *s = &r->second[i];
        double took = s->t - before;
        json_t *one = json_pack("{s:f, s:f, s:I, s:o, s:o, s:I, s:I}", "t_s", s->t, "rate", took > 0 ? (double)s->ok / took : 0.0, "errors",
                                (json_int_t)s->errors, "p50_ms", an_json_real(s->p50), "p99_ms", an_json_real(s->p99), "users",
                                (json_int_t)s->users, "waiting", (json_int_t)s->waiting);
        json_object_set_new(one, "cpu", an_json_real(s->use.cpu));
        json_object_set_new(one, "memory_mb", an_json_real(s->use.memory_mb));
        json_object_set_new(one, "replicas", count_or_null(s->use.replicas));
        json_object_set_new(one, "replica_rows", scored(i ? &r->second[i - 1].use : NULL, &s->use));
        json_array_append_new(list, one);
        before = s->t;
    }
    return list;
}

/* Mean and largest over the seconds in which it was known. */
typedef struct summary {
    double sum, low, high;
    size_t n;
} summary;

static void take(summary *s, double x)
{
    if (isnan(x)) return;
    s->low = s->n ? fmin(s->low, x) : x;
    s->high = s->n ? fmax(s->high, x) : x;
    s->sum += x;
    s->n++;
}

static json_t *summed(const summary *s)
{
    return json_pack("{s:o, s:o}", "mean", an_json_real(s->n ? s->sum / (double)s->n : NAN), "max", an_json_real(s->n ? s->high : NAN));
}

static json_t *server(const an__load_result *r)
{
    summary cpu = { 0 }, memory = { 0 };
    bool known = false;
    for (size_t i = 0; i < r->seconds_count; i++) {
        const an__load_second *s = &r->second[i];
        take(&memory, s->use.memory_mb);
        if (s->t > r->lead_s) take(&cpu, s->use.cpu);
        known |= s->use.processes > 0;
    }
    return json_pack("{s:o, s:o, s:o}", "source", known ? json_string(r->local ? "proc" : "metrics") : json_null(), "cpu", summed(&cpu),
                     "memory_mb", summed(&memory));
}

/* Rows that each slot scored while the test ran, and how many there were. null: the server has no worker processes. */
static json_t *replicas(const an__load_result *r)
{
    summary n = { 0 };
    double rows[AN__LOAD_REPLICAS] = { 0 }, before[AN__LOAD_REPLICAS], all = 0;
    bool seen[AN__LOAD_REPLICAS] = { 0 };
    for (int k = 0; k < AN__LOAD_REPLICAS; k++) before[k] = NAN;
    for (size_t i = 0; i < r->seconds_count; i++) {
        const an__load_use *u = &r->second[i].use;
        if (u->replicas < 0) continue;
        take(&n, u->replicas);
        for (int k = 0; k < AN__LOAD_REPLICAS; k++) {
            if (u->rows[k] < 0) continue;
            seen[k] = true;
            /* a slot that is new, or was started anew, counts from nothing; what was before the test does not count */
            double since = isnan(before[k]) ? (n.n == 1 ? u->rows[k] : 0) : u->rows[k] < before[k] ? 0 : before[k];
            rows[k] += u->rows[k] - since;
            all += u->rows[k] - since;
            before[k] = u->rows[k];
        }
    }
    if (!n.n) return json_null();
    json_t *share = json_array();
    for (int k = 0; k < AN__LOAD_REPLICAS; k++)
        if (seen[k])
            json_array_append_new(
                share, json_pack("{s:i, s:f, s:o}", "replica", k, "rows", rows[k], "share", an_json_real(all > 0 ? rows[k] / all : NAN)));
    return json_pack("{s:f, s:f, s:f, s:o}", "min", n.low, "max", n.high, "mean", n.sum / (double)n.n, "share", share);
}

json_t *an__load_json(const an__load_options *o, const an__load_result *r, const char *model, double limit_ms)
{
    uint64_t all = r->ok + r->errors;
    double over = fmax(r->seconds, r->last), with_errors = an__histogram_quantile(r->latency, 0.95, all) * 1e3;
    json_t *verdict = isnan(limit_ms) ? json_null() : json_string(with_errors <= limit_ms ? "pass" : "fail"), *warnings = json_array();
    double lag = an__histogram_quantile(r->lag, 0.99, 0);
    if (lag > 0.001 && lag > 0.1 * an__histogram_quantile(r->latency, 0.99, 0)) {
        char *text = an_format("this program itself was late by %.2f ms for one request in a hundred (too little processor time here); "
                               "that is part of the latencies",
                               lag * 1e3);
        json_array_append_new(warnings, json_string(text));
        free(text);
    }
    if (r->last > 1.05 * r->seconds && !r->interrupted)
        json_array_append_new(warnings,
                              json_string("the server did not keep up with the rate: its latencies grow with the length of the test"));
    if (r->warm_errors) json_array_append_new(warnings, json_string("there were errors before the measured time, too"));
    json_t *j =
        json_pack("{s:s, s:s, s:f, s:o, s:f, s:I, s:I, s:o, s:o, s:o}", "url", o->url, "model", model, "rate", o->plan.rate, "achieved",
                  an_json_real(over > 0 ? (double)r->ok / over : NAN), "seconds", r->seconds, "ok", (json_int_t)r->ok, "errors",
                  (json_int_t)r->errors, "latency_ms", quantiles(r->latency), "service_ms", quantiles(r->service), "verdict", verdict);
    json_object_set_new(j, "limit",
                        json_pack("{s:o, s:o}", "p95_ms", an_json_real(limit_ms), "p95_with_errors_ms",
                                  an_json_real(isinf(with_errors) ? NAN : with_errors)));
    json_object_set_new(j, "arrivals", json_string(o->plan.poisson ? "poisson" : "constant"));
    json_object_set_new(j, "users", json_integer(o->plan.users));
    json_object_set_new(j, "connections", json_integer(o->connections));
    json_object_set_new(j, "left_out",
                        json_pack("{s:f, s:f, s:I, s:I}", "ramp_s", o->plan.ramp_s, "warmup_s", o->warmup_s, "ok", (json_int_t)r->warm_ok,
                                  "errors", (json_int_t)r->warm_errors));
    json_object_set_new(j, "errors_by_kind", errors_by_kind(&r->kinds));
    json_object_set_new(j, "lag_ms", json_pack("{s:o, s:o}", "p99", ms(lag), "max", ms(an__histogram_max(r->lag))));
    json_object_set_new(j, "server", server(r));
    json_object_set_new(j, "replicas", replicas(r));
    json_object_set_new(j, "series", series(r));
    json_object_set_new(j, "distribution", distribution(r->latency));
    json_object_set_new(j, "interrupted", json_boolean(r->interrupted));
    json_object_set_new(j, "warnings", warnings);
    return j;
}

/* ---- words ---- */

static double at(const json_t *j, const char *a, const char *b)
{
    return an_json_number(b ? json_object_get(json_object_get(j, a), b) : json_object_get(j, a), NAN);
}

static void put(an_buf *b, const char *name, double value, const char *unit)
{
    an_buf_printf(b, "%s%s", name, *name ? " " : "");
    if (isnan(value))
        an_buf_putc(b, '-');
    else
        an_buf_printf(b, "%.*f", value < 10 ? 3 : value < 100 ? 2 : 1, value);
    an_buf_puts(b, unit);
}

char *an__load_text(const json_t *r)
{
    an_buf b = { 0 };
    size_t i;
    const json_t *e;
    if (json_is_true(json_object_get(r, "interrupted"))) an_buf_puts(&b, "stopped early; measured until then:\n");
    an_buf_printf(&b, "asked for   %g requests/s for %.4g s, %s\n", at(r, "rate", NULL), at(r, "seconds", NULL),
                  strcmp(an_json_string(r, "arrivals", ""), "poisson") ? "evenly spaced" : "at random times (Poisson)");
    an_buf_printf(&b,
                  at(r, "achieved", NULL) < 1000 ? "got         %.4g right answers/s: %.0f, and %.0f errors\n"
                                                 : "got         %.0f right answers/s: %.0f, and %.0f errors\n",
                  at(r, "achieved", NULL), at(r, "ok", NULL), at(r, "errors", NULL));
    json_array_foreach(json_object_get(r, "errors_by_kind"), i, e)
        an_buf_printf(&b, "            %.0f x %s: %s\n", at(e, "count", NULL), an_json_string(e, "kind", ""),
                      an_json_string(e, "first", ""));
    static const struct {
        const char *key, *head;
    } rows[] = { { "latency_ms", "latency     " }, { "service_ms", "of these    " } };
    for (size_t k = 0; k < AN_COUNT(rows); k++) {
        static const char *const names[] = { "p50", "p95", "p99", "p999", "max" };
        an_buf_puts(&b, rows[k].head);
        for (size_t n = 0; n < AN_COUNT(names); n++) {
            put(&b, names[n], at(r, rows[k].key, names[n]), "");
            an_buf_puts(&b, n + 1 < AN_COUNT(names) ? ", " : k ? " ms after it was sent\n" : " ms after a request was due\n");
        }
    }
    if (an_json_string(json_object_get(r, "server"), "source", NULL)) {
        const json_t *s = json_object_get(r, "server");
        put(&b, "server     ", at(s, "cpu", "mean"), " processors (most ");
        put(&b, "", at(s, "cpu", "max"), "), ");
        put(&b, "", at(s, "memory_mb", "max"), " MB\n");
    }
    if (json_is_object(json_object_get(r, "replicas"))) {
        an_buf_printf(&b, "replicas    %.0f to %.0f;", at(r, "replicas", "min"), at(r, "replicas", "max"));
        json_array_foreach(json_object_get(json_object_get(r, "replicas"), "share"), i, e)
            an_buf_printf(&b, " %.0f: %.1f %%", at(e, "replica", NULL), 100 * an_json_number(json_object_get(e, "share"), 0));
        an_buf_puts(&b, " of the rows\n");
    }
    json_array_foreach(json_object_get(r, "warnings"), i, e) an_buf_printf(&b, "note        %s\n", json_string_value(e));
    if (json_is_string(json_object_get(r, "verdict"))) {
        bool pass = !strcmp(an_json_string(r, "verdict", ""), "pass");
        double p95 = at(r, "limit", "p95_with_errors_ms");
        an_buf_printf(&b, "verdict     %s: p95 ", pass ? "pass" : "fail");
        if (isnan(p95))
            an_buf_puts(&b, "does not exist, more than one request in twenty got no right answer");
        else
            put(&b, "is", p95, " ms");
        an_buf_printf(&b, ", the limit is %g ms (what got no right answer counts as late)\n", at(r, "limit", "p95_ms"));
    }
    if (b.size && b.data[b.size - 1] == '\n') b.data[--b.size] = 0;
    return an_buf_take(&b);
}
