/* route_server.c - answers about the server and its models: health, metadata, metrics, the OpenAPI document. Those that only Triton has are
 * route_triton.c's. */
#include "serve/server.h"

#include <stdlib.h>
#include <string.h>

void an__root_get(an__server *s, an_exchange *x, const an__route_match *m)
{
    static const char text[] = "andon serves verdicts here.\n\n"
                               "GET  /v2/models                    the models\n"
                               "POST /api/models/{name}/predict    a verdict on a row, or a list of rows\n"
                               "POST /v2/models/{name}/infer       the same in the Open Inference Protocol v2\n"
                               "POST /v1/models/{name}:predict     the same in the protocol of KServe V1\n"
                               "POST /invocations                  the same as MLflow's scoring server is asked\n"
                               "POST /api/parts/{serial}           a verdict on a part, station by station\n"
                               "GET  /v2/health/ready  /metrics  /openapi.json\n";
    an__answer(s, x, m->route, 200, "text/plain; charset=utf-8", NULL, text, sizeof text - 1);
}

void an__health_get(an__server *s, an_exchange *x, const an__route_match *m)
{
    an__answer_take(s, x, m->route, 200, json_pack("{s:s, s:s}", "status", "ok", "version", an_version()));
}

void an__live_get(an__server *s, an_exchange *x, const an__route_match *m)
{
    an__answer_take(s, x, m->route, 200, json_pack("{s:b}", "live", true));
}

void an__ready_get(an__server *s, an_exchange *x, const an__route_match *m)
{
    char why[512];
    json_t *warnings = json_array();
    an__server_not_ready(s, warnings, why);
    json_t *all = json_pack("{s:b}", "ready", !why[0]);
    if (why[0]) json_object_set_new(all, "why", json_string(why));
    if (json_array_size(warnings)) json_object_set(all, "warnings", warnings);
    json_decref(warnings);
    an__answer_take(s, x, m->route, why[0] ? 503 : 200, all);
}

/* MLflow's word for ready: the status says it. */
void an__ping_get(an__server *s, an_exchange *x, const an__route_match *m)
{
    char why[512];
    an__server_not_ready(s, NULL, why);
    an__answer(s, x, m->route, why[0] ? 503 : 200, "text/plain; charset=utf-8", NULL, "\n", 1);
}

void an__metadata_get(an__server *s, an_exchange *x, const an__route_match *m)
{
    an__answer_take(s, x, m->route, 200,
                    json_pack("{s:s, s:s, s:[s,s,s,s]}", "name", "andon", "version", an_version(), "extensions", "binary_tensor_data",
                              "parameters", "model_configuration", "statistics"));
}

void an__models_list(an__server *s, an_exchange *x, const an__route_match *m)
{
    json_t *names = json_array();
    for (size_t i = 0; i < an__models_count(s->o.models); i++) {
        an__models_entry e = an__models_at(s->o.models, i);
        size_t k = 0;
        while (k < i && strcmp(an__models_at(s->o.models, k).name, e.name)) k++;
        if (k == i) json_array_append_new(names, json_string(e.name));
    }
    an__answer_take(s, x, m->route, 200, json_pack("{s:o}", "models", names));
}

void an__api_models_get(an__server *s, an_exchange *x, const an__route_match *m)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < an__models_count(s->o.models); i++) {
        an__models_entry e = an__models_at(s->o.models, i);
        json_t *row = json_pack("{s:s, s:s, s:b}", "name", e.name, "reference", e.reference, "ready", e.served != NULL);
        if (e.served) {
            json_object_set_new(row, "version", json_integer(e.served->version));
            json_object_set_new(row, "features", json_integer((json_int_t)e.served->features));
            json_object_set_new(row, "threshold", an_json_real(e.served->model->threshold.value));
            json_object_set_new(row, "target", json_string(e.served->model->target));
            json_object_set_new(row, "positive", json_string(e.served->model->positive));
            json_object_set_new(row, "calibrated", json_boolean(e.served->model->calibrated));
            if (e.served->unapproved) json_object_set_new(row, "unapproved", json_true());
        }
        if (e.why[0]) json_object_set_new(row, "why", json_string(e.why));
        json_array_append_new(rows, row);
    }
    an__answer_take(s, x, m->route, 200, json_pack("{s:o}", "models", rows));
}

an__served *an__served_of_path(an__server *s, an_exchange *x, const an__route_match *m)
{
    an_error err = { 0 };
    int status;
    an__served *v = an__models_get(s->o.models, an__match_value(m, "name"), an__match_value(m, "version"), &status, &err);
    if (!v) an__answer_error(s, x, m->route, status, &err);
    return v;
}

void an__model_get(an__server *s, an_exchange *x, const an__route_match *m)
{
    an__served *v = an__served_of_path(s, x, m);
    if (!v) return;
    size_t n = an__models_count(s->o.models), count = 0;
    int64_t *versions = an_alloc_n(n + 1, sizeof *versions);
    for (size_t i = 0; i < n; i++) {
        an__models_entry e = an__models_at(s->o.models, i);
        if (!e.served || strcmp(e.name, v->name)) continue;
        size_t k = 0;
        while (k < count && versions[k] != e.served->version) k++;
        if (k == count) versions[count++] = e.served->version;
    }
    bool one = an__match_value(m, "version") != NULL;
    json_t *all = an__infer_metadata(v->model, v->name, one ? &v->version : versions, one ? 1 : count);
    if (v->unapproved) json_object_set_new(all, "unapproved", json_true());
    free(versions);
    an__served_release(v);
    an__answer_take(s, x, m->route, 200, all);
}

void an__model_ready_get(an__server *s, an_exchange *x, const an__route_match *m)
{
    an_error err = { 0 };
    int status;
    const char *name = an__match_value(m, "name");
    an__served *v = an__models_get(s->o.models, name, an__match_value(m, "version"), &status, &err);
    if (!v && status == 404) {
        an__answer_error(s, x, m->route, status, &err);
        return;
    }
    json_t *all = json_pack("{s:s, s:b}", "name", name, "ready", v != NULL);
    if (!v) json_object_set_new(all, "why", json_string(err.message));
    an__served_release(v);
    an__answer_take(s, x, m->route, v ? 200 : 503, all);
}

void an__metrics_get(an__server *s, an_exchange *x, const an__route_match *m)
{
    an_buf text = { 0 };
    an__metrics_text(s->metrics, s, &text);
    an__answer(s, x, m->route, 200, "text/plain; version=0.0.4; charset=utf-8", NULL, text.data, text.size);
    an_buf_free(&text);
}

void an__openapi_get(an__server *s, an_exchange *x, const an__route_match *m)
{
    static const an__route *const tables[] = { an__routes };
    size_t n = an__models_count(s->o.models), count = 0;
    an__openapi_model *known = an_alloc_n(n + 1, sizeof *known);
    for (size_t i = 0; i < n; i++) {
        an__models_entry e = an__models_at(s->o.models, i);
        bool there = !e.served;
        for (size_t k = 0; k < count; k++) there |= !strcmp(known[k].name, e.name);
        if (!there) known[count++] = (an__openapi_model){ e.name, e.served->model };
    }
    an__openapi o = { .title = "andon",
                      .version = an_version(),
                      .description = "Verdicts on parts by models, as JSON rows and by the Open Inference Protocol v2.",
                      .tables = tables,
                      .table_count = AN_COUNT(tables),
                      .models = known,
                      .model_count = count };
    an_error err = { 0 };
    json_t *all = an__openapi_json(&o, &err);
    free(known);
    if (all)
        an__answer_take(s, x, m->route, 200, all);
    else
        an__answer_error(s, x, m->route, 500, &err);
}
