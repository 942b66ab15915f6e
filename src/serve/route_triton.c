/* route_triton.c - what Triton's clients ask beyond the Open Inference Protocol: configuration and statistics of models, the index of the
 * repository; and a plain no where something is not offered (loading models over HTTP, shared memory, tracing, logging). */
#include "serve/server.h"

#include <stdlib.h>
#include <string.h>

/* ---- configuration ----------------------------------------------------------------------------------------------------------------------
 */

/* One input or output of ModelConfig: the rows of a batch are not in `dims`. */
static json_t *tensor(const json_t *metadata, bool input)
{
    const char *type = an_json_string(metadata, "datatype", "");
    char *text = an_format("TYPE_%s", strcmp(type, "BYTES") ? type : "STRING");
    json_t *t = json_pack("{s:s, s:s, s:[i], s:b}", "name", an_json_string(metadata, "name", ""), "data_type", text, "dims", 1,
                          "is_shape_tensor", 0);
    free(text);
    if (input)
        json_object_set_new(t, "optional", json_false());
    else
        json_object_set_new(t, "label_filename", json_string(""));
    return t;
}

void an__model_config_get(an__server *s, an_exchange *x, const an__route_match *m)
{
    an__served *v = an__served_of_path(s, x, m);
    if (!v) return;
    json_t *about = an__infer_metadata(v->model, v->name, &v->version, 1), *inputs = json_array(), *outputs = json_array(), *value;
    size_t i;
    json_array_foreach(json_object_get(about, "inputs"), i, value) json_array_append_new(inputs, tensor(value, true));
    json_array_foreach(json_object_get(about, "outputs"), i, value) json_array_append_new(outputs, tensor(value, false));
    json_decref(about);
    an__replica_facts f = { .alive = 1 };
    if (s->o.replicas) an__replicas_facts(s->o.replicas, &f);
    json_t *group = json_pack("{s:s, s:s, s:i}", "name", v->name, "kind", "KIND_CPU", "count", f.alive);
    json_t *batching = json_pack("{s:[I], s:I}", "preferred_batch_size", (json_int_t)s->o.batch.rows, "max_queue_delay_microseconds",
                                 (json_int_t)(s->o.batch.wait_s * 1e6));
    json_t *all =
        json_pack("{s:s, s:s, s:s, s:{s:{s:[I]}}, s:I, s:o, s:o, s:[o], s:o, s:{}}", "name", v->name, "platform", "andon", "backend",
                  "andon", "version_policy", "specific", "versions", (json_int_t)v->version, "max_batch_size", (json_int_t)s->o.rows,
                  "input", inputs, "output", outputs, "instance_group", group, "dynamic_batching", batching, "parameters");
    an__served_release(v);
    an__answer_take(s, x, m->route, 200, all);
}

/* ---- statistics -------------------------------------------------------------------------------------------------------------------------
 */

static json_t *duration(uint64_t count, double seconds)
{
    return json_pack("{s:I, s:I}", "count", (json_int_t)count, "ns", (json_int_t)(seconds * 1e9));
}

static json_t *statistics_of(const an__server *s, const an__served *v)
{
    static const an__class_counts none;
    const an__class_counts *c = an__metrics_of(s->metrics, v->name, v->version);
    if (!c) c = &none;
    char version[24];
    snprintf(version, sizeof version, "%lld", (long long)v->version);
    int64_t last_us = c->last > 0 ? an_now_us() - (int64_t)((an_clock_s() - c->last) * 1e6) : 0;
    json_t *parts = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "success", duration(c->requests, c->seconds), "fail",
                              duration(c->failed, c->failed_seconds), "queue", duration(c->requests, c->waiting), "compute_input",
                              duration(c->requests, c->decoding), "compute_infer", duration(c->requests, c->scoring), "compute_output",
                              duration(c->requests, c->encoding), "cache_hit", duration(0, 0), "cache_miss", duration(0, 0));
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:o, s:{}, s:[], s:[]}", "name", v->name, "version", version, "last_inference",
                     (json_int_t)(last_us / 1000), "inference_count", (json_int_t)(c->positives + c->negatives), "execution_count",
                     (json_int_t)c->batches, "inference_stats", parts, "response_stats", "batch_stats", "memory_usage");
}

/* The first entry of that version: aliases may share one. */
static bool first_of(const an__server *s, size_t i)
{
    an__models_entry e = an__models_at(s->o.models, i);
    for (size_t k = 0; k < i; k++)
        if (an__models_at(s->o.models, k).served == e.served) return false;
    return true;
}

void an__model_stats_get(an__server *s, an_exchange *x, const an__route_match *m)
{
    const char *name = an__match_value(m, "name"), *version = an__match_value(m, "version");
    json_t *list = json_array();
    an__served *only = NULL;
    if (name) { /* that it is served, and for NAME@alias, which */
        only = an__served_of_path(s, x, m);
        if (!only) {
            json_decref(list);
            return;
        }
    }
    for (size_t i = 0; i < an__models_count(s->o.models); i++) {
        an__models_entry e = an__models_at(s->o.models, i);
        if (!e.served || !first_of(s, i)) continue;
        if (only && (strcmp(e.served->name, only->name) || ((version || strchr(name, '@')) && e.served != only))) continue;
        json_array_append_new(list, statistics_of(s, e.served));
    }
    an__served_release(only);
    an__answer_take(s, x, m->route, 200, json_pack("{s:o}", "model_stats", list));
}

/* ---- the repository
 * ------------------------------------------------------------------------------------------------------------------------ */

void an__repository_index(an__server *s, an_exchange *x, const an__route_match *m)
{
    const an_http_request *r = an_exchange_request(x);
    an_error err = { 0 };
    json_t *body = r->body.size ? an_json_parse(r->body.data, r->body.size, "the body", &err) : json_object();
    json_t *only = json_object_get(body, "ready");
    if (body && (!json_is_object(body) || (only && !json_is_boolean(only)) || json_object_size(body) > (only != NULL)))
        an_fail(&err, AN_INPUT, "the body is an object, {} or {\"ready\": true}");
    if (err.message[0]) {
        json_decref(body);
        an__answer_error(s, x, m->route, 400, &err);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < an__models_count(s->o.models); i++) {
        an__models_entry e = an__models_at(s->o.models, i);
        if (e.served ? !first_of(s, i) : json_is_true(only)) continue;
        char version[24] = "";
        if (e.served) snprintf(version, sizeof version, "%lld", (long long)e.served->version);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "name", e.name, "version", version, "state",
                                              e.served ? "READY" : "UNAVAILABLE", "reason", e.why));
    }
    json_decref(body);
    an__answer_take(s, x, m->route, 200, list);
}

void an__repository_change(an__server *s, an_exchange *x, const an__route_match *m)
{
    an_error err = { 0 };
    an_fail(&err, AN_REFUSED, "models are neither loaded nor unloaded over HTTP: what is served follows from approvals and aliases");
    an_hint(&err, "'andon model alias NAME/VERSION champion' moves an approved version there, and it is served within a second");
    an__answer_error(s, x, m->route, 403, &err);
}

/* ---- what is not here
 * ---------------------------------------------------------------------------------------------------------------------- */

/* No region is registered: an empty list is the truth, and to unregister all of none is done. */
void an__shared_memory_none(an__server *s, an_exchange *x, const an__route_match *m)
{
    an__answer_take(s, x, m->route, 200, json_array());
}

void an__not_offered(an__server *s, an_exchange *x, const an__route_match *m)
{
    an_error err = { 0 };
    an_fail(&err, AN_NOT_FOUND, "%s", m->route->doc);
    an__answer_error(s, x, m->route, 404, &err);
}
