/* act_load.c - `andon load`: its parameters, and the order of the work: what the model takes, what is sent, the test, what came out. */
#include "serve/acts.h"
#include "serve/load.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

typedef struct load_options {
    char *url, *model, *data, *arrivals, *form, *ca, *out;
    double rate, seconds, ramp, warmup_s, timeout_s, p95_ms;
    int64_t users, connections, bodies;
} load_options;

static const an_param params[] = {
    AN_TEXT(load_options, url, NULL, "http://HOST:PORT of the server"),
    AN_TEXT(load_options, model, NULL, "model to ask: NAME, NAME/3 or NAME@alias, as the server knows it"),
    AN_REAL_LOG(load_options, rate, 200, 0.01, 1e6, "requests a second, of all users together"),
    AN_REAL_LOG(load_options, seconds, 60, 0.1, 86400, "how long is measured"),
    AN_INT(load_options, users, 20, 1, 100000, "users who share the rate; they join one after the other while --ramp lasts"),
    AN_REAL(load_options, ramp, 0, 0, 3600, "seconds until all users have joined; left out of the numbers"),
    AN_REAL(load_options, warmup_s, 2, 0, 3600, "seconds at the full rate before measuring starts; left out of the numbers"),
    AN_INT(load_options, connections, 0, 0, 10000, "connections, kept open; 0: as many as users"),
    AN_CHOICE(load_options, arrivals, "constant", "constant|poisson", "evenly spaced, or at random times drawn by --seed"),
    AN_TEXT(load_options, data, NULL, "file or data set whose rows are sent; without it values are drawn between the limits of training"),
    AN_INT(load_options, bodies, 1000, 1, 100000, "different requests that are made before the start and sent in turn"),
    AN_CHOICE(load_options, form, "rows", "rows|v2",
              "rows by name, or tensors of the Open Inference Protocol v2 (any server that speaks it)"),
    AN_REAL(load_options, timeout_s, 10, 0.01, 600, "a request without an answer after so long is an error"),
    AN_REAL(load_options, p95_ms, NAN, 0.001, 600000,
            "exit 3 where the 95th percentile is above; a request without a right answer is above"),
    AN_TEXT(load_options, ca, NULL, "PEM file with the certificates to trust for https; the system's where none is given"),
    AN_TEXT(load_options, out, NULL, "HTML page to write; the numbers go beside it as .json"),
    AN_PARAM_END,
};

/* ---- what is sent ---- */

static json_t *metadata(const load_options *o, an_error *err)
{
    an_buf body = { 0 };
    int status = 0;
    char *target = an__load_path(o->model, true, "");
    json_t *j = NULL;
    if (an__load_get(o->url, o->ca, target, fmin(o->timeout_s, 10), &status, &body, err)) {
        an_error inner = { 0 };
        j = an_json_parse(body.data ? body.data : "", body.size, "the answer", &inner);
        const char *says = j ? an_json_string(j, "error", "") : "";
        if (status != 200) {
            an_fail(err, status == 404 ? AN_NOT_FOUND : AN_FAILED, "%s answers GET %s with status %d%s%s", o->url, target, status,
                    *says ? ": " : "", says);
            if (status == 404) an_hint(err, "GET /v2/models lists the models of an andon server");
        } else if (!j) {
            an_fail(err, AN_CORRUPT, "%s answers GET %s with something that is not JSON: %s", o->url, target, inner.message);
        }
        if (status != 200) {
            json_decref(j);
            j = NULL;
        }
    }
    if (!status && err && !o->ca && strstr(err->message, "certificate")) an_hint(err, "--ca FILE.pem names a certificate to trust");
    an_buf_free(&body);
    free(target);
    return j;
}

static an_table *from_file(const load_options *o, const json_t *about, an_job *job, an_error *err)
{
    an_csv_options csv = { 0 };
    an_params_defaults(an_csv_params, &csv);
    an_params_clear_list(an_csv_params, &csv, "type");
    an__load_types(about, &csv.type);
    an_error inner = { 0 };
    an_table *t = an_table_read(o->data, &csv, NULL, NULL, job, &inner);
    an_params_free(an_csv_params, &csv);
    const char *typed = !t && inner.code == AN_NOT_FOUND ? strstr(inner.message, "--type ") : NULL; /* nobody typed that */
    const char *equals = typed ? strrchr(typed, '=') : NULL;
    if (equals)
        an_fail(err, AN_INPUT, "%s has no column %.*s, which the model needs", o->data, (int)(equals - typed - 7), typed + 7);
    else if (!t && err)
        *err = inner;
    if (equals && inner.hint[0]) an_hint(err, "%s", inner.hint);
    return t;
}

/* Where there is no such file: NAME, NAME/3 or NAME@alias may be a data set, a path may not. */
static bool is_file(const char *data)
{
    size_t n = strcspn(data, "/@");
    char *name = an_strndup(data, n);
    bool named = an_name_check("data", name, NULL) && !strchr(name, '.') && strspn(data + n, "/0123456789") + n == strlen(data);
    named |= data[n] == '@' && n > 0;
    free(name);
    return an_file_exists(data) || !named;
}

static an_table *from_store(const load_options *o, an_error *err)
{
    const char *named = getenv("ANDON_WORKSPACE");
    char *folder = named ? an_strdup(named) : an_workspace_find(".", err);
    an_store *s = folder ? an_store_open(folder, err) : NULL;
    an_version_row row = { 0 };
    an_table *t = NULL;
    if (!s) {
        an_fail(err, AN_NOT_FOUND, "--data %s: there is no such file, and no workspace here that could hold a data set of that name",
                o->data);
    } else if (an_version_get(s, AN_NAME_DATA, o->data, &row, err)) {
        an_artifact *a = an_artifact_get(s, &row.address, err);
        t = a ? an_table_load(a, err) : NULL;
        an_artifact_free(a);
        an_version_row_free(&row);
    }
    an_store_close(s);
    free(folder);
    return t;
}

static bool bodies(const load_options *o, bool v2, uint64_t seed, an__load_bodies *b, an_job *job, an_error *err)
{
    json_t *about = metadata(o, err);
    if (!about) return false;
    bool ok;
    if (o->data) {
        an_table *t = is_file(o->data) ? from_file(o, about, job, err) : from_store(o, err);
        ok = (t && an__load_bodies_table(b, o->model, v2, about, t, (size_t)o->bodies, err)) || an_context(err, "rows to send");
        an_table_free(t);
    } else {
        ok = an__load_bodies_draw(b, o->model, v2, about, (size_t)o->bodies, seed, err);
    }
    json_decref(about);
    return ok;
}

/* ---- what came out ---- */

/* F.html: the page; F.json beside it */
static bool write_out(const char *path, const json_t *result, an_error *err)
{
    size_t n = strlen(path), stem = n > 5 && !strcmp(path + n - 5, ".html") ? n - 5 : n;
    char *beside = an_format("%.*s.json", (int)stem, path);
    bool ok = an__load_page(result, path, err) && an_json_write(beside, result, err);
    free(beside);
    return ok;
}

static json_t *judge(const load_options *o, json_t *result, an_error *err)
{
    char *text = an__load_text(result);
    json_object_set_new(result, "text", json_string(text));
    bool refused = !strcmp(an_json_string(result, "verdict", ""), "fail"), stopped = json_is_true(json_object_get(result, "interrupted"));
    bool ok = !o->out || write_out(o->out, result, err);
    if (ok && (refused || stopped)) {
        double p95 = an_json_number(json_object_get(json_object_get(result, "limit"), "p95_with_errors_ms"), NAN);
        if (stopped)
            an_fail(err, AN_STOPPED, "the load test was stopped after %.3g of %.3g measured seconds",
                    an_json_number(json_object_get(result, "seconds"), 0), o->seconds);
        else if (isnan(p95))
            an_fail(err, AN_REFUSED, "more than 5 %% of the requests got no right answer: %lld of %lld",
                    (long long)json_integer_value(json_object_get(result, "errors")),
                    (long long)(json_integer_value(json_object_get(result, "errors")) + json_integer_value(json_object_get(result, "ok"))));
        else
            an_fail(err, AN_REFUSED, "the 95th percentile of the latency is %.3g ms, above the limit of %g ms", p95, o->p95_ms);
        result = an_act_no(result, err);
    }
    free(text);
    if (ok) return result;
    json_decref(result);
    return NULL;
}

/* Each connection is a descriptor. */
static bool room_for(int64_t connections, an_error *err)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= (rlim_t)connections + 64) return true;
    limit.rlim_cur = limit.rlim_max < (rlim_t)connections + 64 ? limit.rlim_max : (rlim_t)connections + 64;
    if (limit.rlim_cur >= (rlim_t)connections + 64 && setrlimit(RLIMIT_NOFILE, &limit) == 0) return true;
    an_fail(err, AN_USAGE, "%lld connections are more than this process may open", (long long)connections);
    return an_hint(err, "raise the limit ('ulimit -n'), or use fewer --connections");
}

static json_t *load_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)s;
    const load_options *o = options;
    uint64_t seed = an_job_seed(job);
    if (!o->url || !o->model) {
        an_fail(err, AN_USAGE, o->url ? "which model? --model NAME" : "which server? andon load http://127.0.0.1:8080 --model NAME");
        return NULL;
    }
    bool v2 = !strcmp(o->form, "v2");
    if (!v2 && strchr(o->model, '/')) {
        an_fail(err, AN_USAGE, "--model %s names a version, which only paths of the v2 protocol can", o->model);
        an_hint(err, "add --form v2, or name the model alone");
        return NULL;
    }
    int64_t connections = o->connections ? o->connections : o->users < 10000 ? o->users : 10000;
    an__load_bodies b = { 0 };
    if (!room_for(connections, err) || !bodies(o, v2, seed, &b, job, err)) return NULL;
    an__load_options load = {
        .url = o->url,
        .ca = o->ca,
        .plan = { .rate = o->rate, .ramp_s = o->ramp, .users = o->users, .poisson = !strcmp(o->arrivals, "poisson"), .seed = seed },
        .seconds = o->seconds,
        .warmup_s = o->warmup_s,
        .timeout_s = o->timeout_s,
        .connections = connections,
        .bodies = &b
    };
    an__load_result r;
    json_t *result = NULL;
    if (an__load_run(&load, &r, job, err)) {
        result = judge(o, an__load_json(&load, &r, o->model, o->p95_ms), err);
        an__load_result_free(&r);
    }
    an__load_bodies_free(&b);
    return result;
}

const an_act an__act_load = {
    .name = "load",
    .args = "URL",
    .doc = "put a server under load and measure how long its answers take",
    .more = "Requests leave when they are due, whatever became of those before, and a latency counts from that moment: a server that "
            "stalls cannot "
            "hide it. Answers are checked. 20 users who send 10 requests a second each are --rate 200 --users 20. With --p95-ms the exit "
            "status "
            "is 3 where the limit is not kept. Ctrl-C shows what was measured so far. See docs/load-testing.md.",
    .examples = { "andon load http://127.0.0.1:8080 --model press --rate 200 --seconds 60 --users 20 --ramp 20",
                  "andon load http://127.0.0.1:8080 --model press --rate 2000 --seconds 10 --arrivals poisson --out load.html" },
    .params = params,
    .options_size = sizeof(load_options),
    .run = load_run,
    .no_store = true,
};
