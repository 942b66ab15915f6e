/* act_serve.c - `andon serve`: its parameters, the order in which a server is put together and taken apart, signals. */
#include "serve/acts.h"
#include "serve/outbox.h"
#include "serve/server.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

typedef struct serve_options {
    an_list model;
    int64_t port, batch_rows, queue_rows, request_rows;
    char *address, *replicas, *config, *cert, *key;
    bool unapproved, durable, no_journal, json;
    double batch_ms, deadline_ms, part_minutes, replica_timeout_s, replica_cpus, replica_memory_mb, drain_s;
} serve_options;

static const an_param params[] = {
    AN_LIST(serve_options, model, NULL,
            "NAME (its champion), NAME/3, NAME@alias; repeats; all models of the workspace where none is given"),
    AN_INT(serve_options, port, 8080, 0, 65535, "port to listen on; 0 picks a free one"),
    AN_TEXT(serve_options, address, "127.0.0.1", "address to listen on; 0.0.0.0 for all of this machine's"),
    AN_BOOL(serve_options, unapproved, false, "serve models that nobody approved; every answer says so"),
    AN_TEXT(serve_options, replicas, NULL, "MIN:MAX worker processes, following the load; without it rows are scored in this process"),
    AN_TEXT(serve_options, config, NULL, "YAML file with these parameters; the command line goes before it"),
    AN_TEXT(serve_options, cert, NULL, "PEM file with the certificate: serves HTTPS"),
    AN_TEXT(serve_options, key, NULL, "PEM file with the certificate's key"),
    AN_BOOL(serve_options, durable, false, "answers wait until their record is on the disk, not only with the kernel"),
    AN_BOOL(serve_options, no_journal, false, "keep no record of verdicts"),
    AN_INT(serve_options, batch_rows, 256, 1, 65536, "most rows that are scored together"),
    AN_REAL(serve_options, batch_ms, 0, 0, 1000, "how long a batch waits to become full; 0: what came together goes together"),
    AN_INT(serve_options, queue_rows, 16384, 1, 16777216, "rows that may wait; more are answered 429"),
    AN_INT(serve_options, request_rows, 65536, 1, 1048576, "most rows of one request"),
    AN_REAL(serve_options, deadline_ms, 10000, 1, 3600000, "how long a client waits that does not say so; what is late is answered 504"),
    AN_REAL(serve_options, part_minutes, 60, 0.001, 525600, "a part whose features are not complete after so long gets the verdict test"),
    AN_REAL(serve_options, replica_timeout_s, 10, 0.1, 3600, "a worker process that takes longer for a batch is replaced"),
    AN_REAL(serve_options, replica_cpus, NAN, 0.01, 1024, "processors each worker may use (needs cgroups)"),
    AN_REAL(serve_options, replica_memory_mb, NAN, 32, 1048576, "memory each worker may use, in MB"),
    AN_REAL(serve_options, drain_s, 10, 0, 3600, "at the end: how long requests in flight may take"),
    AN_BOOL(serve_options, json, false, "say the URL as one JSON document, {\"url\": ...}, and nothing else on stdout"),
    AN_PARAM_END,
};

/* *outbox: that section of the file, or NULL; its grammar is the outbox's. What the file says, where the command line says nothing else
 * than the default. */
static bool merge_config(const serve_options *given, serve_options *out, json_t **outbox, an_error *err)
{
    an_params_defaults(params, out);
    json_t *usual = an_params_json(params, out), *typed = an_params_json(params, given), *value;
    const char *name;
    json_object_foreach(usual, name, value)
        if (json_equal(value, json_object_get(typed, name))) json_object_del(typed, name);
    bool ok = true;
    if (given->config) {
        an_yaml *y = an_yaml_read(given->config, err);
        ok = y != NULL;
        if (ok && !json_is_object(an_yaml_root(y))) ok = an_fail(err, AN_INPUT, "%s is no list of names and values", given->config);
        json_t *root = ok ? json_copy((json_t *)(uintptr_t)an_yaml_root(y)) : NULL;
        *outbox = json_incref(json_object_get(root, "outbox"));
        json_object_del(root, "outbox");
        ok = ok && an_params_set_all(params, out, root, err);
        json_decref(root);
        if (!ok) an_context(err, "--config %s", given->config);
        an_yaml_free(y);
    }
    ok = ok && an_params_set_all(params, out, typed, err);
    json_decref(usual);
    json_decref(typed);
    if (!ok) an_params_free(params, out);
    return ok;
}

static bool parse_replicas(const char *text, int *low, int *high, an_error *err)
{
    char extra;
    int n = sscanf(text, "%d:%d%c", low, high, &extra);
    if (n == 1 && !strchr(text, ':')) *high = *low;
    if ((n == 2 || (n == 1 && !strchr(text, ':'))) && *low >= 1 && *high >= *low && *high <= 64) return true;
    an_fail(err, AN_USAGE, "--replicas \"%s\" is not MIN:MAX with 1 <= MIN <= MAX <= 64", text);
    return an_hint(err, "for example --replicas 1:10");
}

/* ---- running ---- */

typedef struct serving {
    const serve_options *o;
    const json_t *outbox;
    an_job *job;
    an_loop *loop;
    an__models *models;
    an__replicas *replicas;
    an__journal *journal;
    an__server *server;
    bool draining;
} serving;

static void drained(void *context)
{
    serving *v = context;
    an_loop_stop(v->loop);
}

/* A signal sets the job's flag wherever it arrives; this looks at it. */
static void tick(void *context)
{
    serving *v = context;
    if (an_job_stopped(v->job) && !v->draining) {
        v->draining = true;
        an__server_drain(v->server, v->o->drain_s, drained, v);
        return;
    }
    an_loop_after(v->loop, 0.1, tick, v);
}

/* Another version is served: the workers get it ready. */
static void changed(void *context)
{
    serving *v = context;
    if (!v->replicas) return;
    for (size_t i = 0; i < an__models_count(v->models); i++) {
        an__served *served = an__models_at(v->models, i).served;
        if (served) an__replicas_load(v->replicas, served);
    }
    an__replicas_forget(v->replicas, v->models);
}

static void synced(void *context, uint64_t upto)
{
    serving *v = context;
    an__server_synced(v->server, upto);
}

static bool set_up(serving *v, an_store *s, an_error *err)
{
    const serve_options *o = v->o;
    int low = 0, high = 0;
    if (o->replicas && !parse_replicas(o->replicas, &low, &high, err)) return false;
    if (!o->cert != !o->key) return an_fail(err, AN_USAGE, "HTTPS needs both --cert and --key");
    an__models_options models = { .references = &o->model, .unapproved = o->unapproved, .poll_s = 0.5, .changed = changed, .context = v };
    if (!(v->models = an__models_new(s, &models, err)) || !(v->loop = an_loop_new(err))) return false;
    if (high) {
        an__replica_options replicas = { .low = low,
                                         .high = high,
                                         .hang_s = o->replica_timeout_s,
                                         .busy = 0.7,
                                         .calm = 0.5,
                                         .calm_s = 10,
                                         .cpus = o->replica_cpus,
                                         .memory_mb = o->replica_memory_mb,
                                         .store = s,
                                         .workspace = an_store_folder(s) };
        v->replicas = an__replicas_new(v->loop, &replicas);
        changed(v);
    }
    if (!o->no_journal) {
        char *folder = an_format("%s/.andon/journal", an_store_folder(s));
        an__journal_options journal = {
            .folder = folder, .durable = o->durable, .loop = v->loop, .synced = o->durable ? synced : NULL, .context = v
        };
        v->journal = an__journal_new(&journal, err);
        free(folder);
        if (!v->journal) return false;
    }
    an__server_options server = { .store = s,
                                  .loop = v->loop,
                                  .models = v->models,
                                  .replicas = v->replicas,
                                  .journal = v->journal,
                                  .batch = { .rows = (size_t)o->batch_rows, .queue = (size_t)o->queue_rows, .wait_s = o->batch_ms / 1e3 },
                                  .deadline_s = o->deadline_ms / 1e3,
                                  .rows = (size_t)o->request_rows,
                                  .part_s = o->part_minutes * 60,
                                  .outbox = v->outbox,
                                  .durable = o->durable && v->journal,
                                  .http = { .address = o->address, .port = (int)o->port, .certificate = o->cert, .key = o->key } };
    v->server = an__server_new(&server, err);
    return v->server && an__models_follow(v->models, v->loop, err);
}

/* Ten thousand idle connections are ten thousand descriptors: as many as this process may have. */
static void allow_connections(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* The one act that speaks before its end: whoever started it waits for this line. */
static void say_url(const char *url, bool as_json)
{
    json_t *document = json_pack("{s:s}", "url", url);
    char *text = as_json ? an_json_text(document, false) : an_strdup(url);
    puts(text);
    fflush(stdout);
    free(text);
    json_decref(document);
}

static json_t *serve_merged(an_store *s, const serve_options *o, const json_t *outbox, an_job *job, an_error *err)
{
    serving v = { .o = o, .outbox = outbox, .job = job };
    json_t *result = NULL;
    allow_connections();
    if (set_up(&v, s, err)) {
        bool any = !strcmp(o->address, "0.0.0.0") || !strcmp(o->address, "::"), v6 = strchr(o->address, ':') && !any;
        char *url = an_format("%s://%s%s%s:%d", o->cert ? "https" : "http", v6 ? "[" : "", any ? "127.0.0.1" : o->address, v6 ? "]" : "",
                              an__server_port(v.server));
        say_url(url, o->json);
        an_loop_after(v.loop, 0.1, tick, &v);
        if (an_loop_run(v.loop, err)) {
            result = an__server_facts(v.server);
            json_object_set_new(result, "url", json_string(url));
            json_int_t lost = json_integer_value(json_object_get(json_object_get(result, "journal"), "lost"));
            char *text = lost ? an_format("stopped; %lld verdicts were answered but could not be written to the journal: %s",
                                          (long long)lost, an_json_string(json_object_get(result, "journal"), "why", ""))
                              : an_strdup("stopped");
            json_object_set_new(result, "text", json_string(text));
            free(text);
        }
        free(url);
    }
    an__models_free(v.models); /* its thread first: it posts to the loop */
    an__server_free(v.server);
    an__replicas_free(v.replicas);
    an__journal_free(v.journal);
    an_loop_free(v.loop);
    return result;
}

static json_t *serve_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    const char *socket = getenv(AN__REPLICA_ENV), *table = getenv(AN__OUTBOX_ENV); /* helping processes of another serve */
    if (socket) return an__replica_main(s, atoi(socket), err) ? json_object() : NULL;
    if (table) return an__outbox_process(atoi(table), err) ? json_object() : NULL;
    serve_options merged = { 0 };
    json_t *outbox = NULL, *result = NULL;
    if (merge_config(options, &merged, &outbox, err)) result = serve_merged(s, &merged, outbox, job, err);
    json_decref(outbox);
    if (result && merged.json) json_object_clear(result); /* its one document was the URL */
    an_params_free(params, &merged);
    return result;
}

const an_act an__act_serve = {
    .name = "serve",
    .doc = "answer requests for verdicts over HTTP",
    .more = "The first line on stdout is the URL. A bare NAME is its champion; a moved alias is followed within a second, without losing a "
            "request. Without --model every model is served that may be. SIGTERM or Ctrl-C lets requests in flight end, then exits 0. "
            "Every verdict is in the journal before it leaves "
            "('andon journal export'). See docs/serving.md.",
    .examples = { "andon serve --model press --unapproved", "andon serve --model press@champion --port 0 --replicas 1:10" },
    .params = params,
    .options_size = sizeof(serve_options),
    .run = serve_run,
};
