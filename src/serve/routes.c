/* routes.c - the table of paths, and the handlers of those that answer questions about the server itself. Verdicts: request.c, parts.c. */
#include "serve/server.h"

#include <stdlib.h>
#include <string.h>

static void root(an__server *s, an_exchange *x, const an__route_match *m)
{
    static const char text[] = "andon serves verdicts here.\n\n"
                               "GET  /v2/models                    the models\n"
                               "POST /api/models/{name}/predict    a verdict on a row, or a list of rows\n"
                               "POST /v2/models/{name}/infer       the same in the Open Inference Protocol v2\n"
                               "POST /api/parts/{serial}           a verdict on a part, station by station\n"
                               "GET  /v2/health/ready  /metrics  /openapi.json\n";
    an__answer(s, x, m->route, 200, "text/plain; charset=utf-8", NULL, text, sizeof text - 1);
}

static void health(an__server *s, an_exchange *x, const an__route_match *m)
{
    an__answer_take(s, x, m->route, 200, json_pack("{s:s, s:s}", "status", "ok", "version", an_version()));
}

static void live(an__server *s, an_exchange *x, const an__route_match *m)
{
    an__answer_take(s, x, m->route, 200, json_pack("{s:b}", "live", true));
}

static void ready(an__server *s, an_exchange *x, const an__route_match *m)
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

static void server_metadata(an__server *s, an_exchange *x, const an__route_match *m)
{
    an__answer_take(s, x, m->route, 200,
                    json_pack("{s:s, s:s, s:[s]}", "name", "andon", "version", an_version(), "extensions", "binary_tensor_data"));
}

static void models(an__server *s, an_exchange *x, const an__route_match *m)
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

static void api_models(an__server *s, an_exchange *x, const an__route_match *m)
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

static an__served *of_path(an__server *s, an_exchange *x, const an__route_match *m)
{
    an_error err = { 0 };
    int status;
    an__served *v = an__models_get(s->o.models, an__match_value(m, "name"), an__match_value(m, "version"), &status, &err);
    if (!v) an__answer_error(s, x, m->route, status, &err);
    return v;
}

static void model_metadata(an__server *s, an_exchange *x, const an__route_match *m)
{
    an__served *v = of_path(s, x, m);
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

static void model_ready(an__server *s, an_exchange *x, const an__route_match *m)
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

static void metrics(an__server *s, an_exchange *x, const an__route_match *m)
{
    an_buf text = { 0 };
    an__metrics_text(s->metrics, s, &text);
    an__answer(s, x, m->route, 200, "text/plain; version=0.0.4; charset=utf-8", NULL, text.data, text.size);
    an_buf_free(&text);
}

static void openapi(an__server *s, an_exchange *x, const an__route_match *m)
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

/* ---- the table ---- */

#define ERROR(code, why)                              \
    {                                                 \
        .status = code, .schema = "Error", .doc = why \
    }
#define NO_MODEL \
    ERROR(404, "No model or version of that name is served."), ERROR(503, "The model is known but not loaded, or replicas fail.")
#define END         \
    {               \
        .status = 0 \
    }

static const an__response ok_text[] = { { .status = 200, .type = "text/plain" }, END };
static const an__response ok_object[] = { { .status = 200, .schema = "{'type':'object'}" }, END };
static const an__response ok_live[] = { { .status = 200, .schema = "Live" }, END };
static const an__response ok_ready[] = { { .status = 200, .schema = "Ready" },
                                         { .status = 503, .schema = "Ready", .doc = "Not ready; `why` says what is missing." },
                                         END };
static const an__response ok_model_ready[] = { { .status = 200, .schema = "Ready" },
                                               ERROR(404, "No model or version of that name is served."),
                                               { .status = 503, .schema = "Ready", .doc = "Not ready; `why` says what is missing." },
                                               END };
static const an__response ok_server[] = { { .status = 200, .schema = "ServerMetadata" }, END };
static const an__response ok_models[] = {
    { .status = 200,
      .schema = "{'type':'object','required':['models'],'properties':{'models':{'type':'array','items':{'type':'string'}}}}" },
    END
};
static const an__response ok_api_models[] = {
    { .status = 200,
      .schema = "{'type':'object','required':['models'],'properties':{'models':{'type':'array','items':{'type':'object'}}}}" },
    END
};
static const an__response ok_metadata[] = { { .status = 200, .schema = "ModelMetadata" }, NO_MODEL, END };

#define VERDICT_ERRORS                                                                                                  \
    ERROR(400, "The question cannot be read, or does not fit the model; the message says where."), NO_MODEL,            \
        ERROR(413, "More rows than one question may have."),                                                            \
        { .status = 429, .schema = "Error", .doc = "Too many rows wait already; Retry-After says when to ask again." }, \
        ERROR(500, "Scoring failed."), ERROR(504, "The deadline passed before the rows were scored.")
static const an__response infer_responses[] = { { .status = 200, .schema = "InferResponse" }, VERDICT_ERRORS, END };
static const an__response predict_responses[] = { { .status = 200, .schema = "PredictAnswer" }, VERDICT_ERRORS, END };

static const an__parameter verdict_parameters[] = {
    { "X-Request-Id", AN__IN_HEADER, false, "{'type':'string'}",
      "Comes back in the answer and stands in the journal; made where it is no plain word." },
    { "X-Request-Timeout-Ms", AN__IN_HEADER, false, "{'type':'number','minimum':1000}",
      "How long the client waits: later answers are not worked on. Less than 1000 is taken, but may be too little on a busy machine "
      "(504)." },
    { 0 },
};
static const an__parameter infer_parameters[] = {
    { "X-Request-Id", AN__IN_HEADER, false, "{'type':'string'}",
      "Comes back in the answer and stands in the journal; made where it is no plain word." },
    { "X-Request-Timeout-Ms", AN__IN_HEADER, false, "{'type':'number','minimum':1000}",
      "How long the client waits: later answers are not worked on. Less than 1000 is taken, but may be too little on a busy machine "
      "(504)." },
    { "Inference-Header-Content-Length", AN__IN_HEADER, false, "{'type':'integer','minimum':0}",
      "Bytes of JSON before the raw tensors of the binary extension." },
    { 0 },
};

#define PART_BODY                                                                                                                  \
    "{'type':'object','properties':{'model':{'type':'string','description':'Which model; may be left out where one is served.'},"  \
    "'attempt':{'type':'integer','minimum':1,'default':1},'features':{'type':'object','description':'What a station measured, by " \
    "feature.'},"                                                                                                                  \
    "'complete':{'type':'boolean','default':false,'description':'No more will come: decide now.'}}}"
#define PART_ANSWER                                                                                                                   \
    "{'type':'object','required':['serial','attempt','state'],'properties':{'serial':{'type':'string'},'attempt':{'type':'integer'}," \
    "'state':{'enum':['waiting','decided']},'verdict':{'enum':['ok','nok','test']},'why':{'type':'array','items':{'type':'string'}}," \
    "'unapproved':{'const':true,'description':'Nobody approved this model: the verdict is test.'},'would_be':{'enum':['ok','nok',"    \
    "'test'],'description':'What the verdict would be if the model were approved.'},"                                                 \
    "'missing':{'type':'array','items':{'type':'string'}}}}"
static const an__response part_responses[] = { { .status = 200, .schema = PART_ANSWER, .doc = "The verdict." },
                                               { .status = 202, .schema = PART_ANSWER, .doc = "Kept; features are still missing." },
                                               ERROR(400, "The message cannot be read; the part's verdict will be `test`."),
                                               ERROR(503, "The state of parts cannot be kept (disk full?): treat the part as `test`."),
                                               END };
static const an__response part_get[] = { { .status = 200, .schema = "{'type':'object'}" },
                                         ERROR(404, "Nothing is known of this part."),
                                         ERROR(503, "The state of parts cannot be read."),
                                         END };

#define INFER                                                                                                   \
    .tag = "inference", .handle = an__request_infer, .parameters = infer_parameters, .request = "InferRequest", \
    .request_types = "application/json, application/octet-stream", .responses = infer_responses, .model_request = an__openapi_infer

const an__route an__routes[] = {
    { .method = "GET", .path = "/", .tag = "server", .summary = "What is here, for people", .handle = root, .responses = ok_text },
    { .method = "GET", .path = "/health", .tag = "server", .summary = "The process answers", .handle = health, .responses = ok_object },
    { .method = "GET", .path = "/metrics", .tag = "server", .summary = "Counters for Prometheus", .handle = metrics, .responses = ok_text },
    { .method = "GET", .path = "/openapi.json", .tag = "server", .summary = "This document", .handle = openapi, .responses = ok_object },
    { .method = "GET",
      .path = "/v2",
      .tag = "server",
      .summary = "Name, version, extensions",
      .handle = server_metadata,
      .responses = ok_server },
    { .method = "GET", .path = "/v2/health/live", .tag = "server", .summary = "The process answers", .handle = live, .responses = ok_live },
    { .method = "GET",
      .path = "/v2/health/ready",
      .tag = "server",
      .summary = "All models are loaded; else why not",
      .handle = ready,
      .responses = ok_ready },
    { .method = "GET", .path = "/v2/models", .tag = "models", .summary = "Names of the models", .handle = models, .responses = ok_models },
    { .method = "GET",
      .path = "/v2/models/{name}",
      .tag = "models",
      .summary = "Inputs and outputs of a model",
      .handle = model_metadata,
      .responses = ok_metadata },
    { .method = "GET",
      .path = "/v2/models/{name}/versions/{version}",
      .tag = "models",
      .summary = "Inputs and outputs of a version",
      .handle = model_metadata,
      .responses = ok_metadata },
    { .method = "GET",
      .path = "/v2/models/{name}/ready",
      .tag = "models",
      .summary = "Whether a model can be asked",
      .handle = model_ready,
      .responses = ok_model_ready },
    { .method = "GET",
      .path = "/v2/models/{name}/versions/{version}/ready",
      .tag = "models",
      .summary = "Whether a version can be asked",
      .handle = model_ready,
      .responses = ok_model_ready },
    { .method = "POST", .path = "/v2/models/{name}/infer", .summary = "Verdicts on rows, Open Inference Protocol v2", INFER },
    { .method = "POST",
      .path = "/v2/models/{name}/versions/{version}/infer",
      .summary = "Verdicts on rows by one version, Open Inference Protocol v2",
      INFER },
    { .method = "GET",
      .path = "/api/models",
      .tag = "models",
      .summary = "The models with version, threshold, approval",
      .handle = api_models,
      .responses = ok_api_models },
    { .method = "POST",
      .path = "/api/models/{name}/predict",
      .tag = "inference",
      .summary = "Verdicts on rows written as objects",
      .handle = an__request_predict,
      .parameters = verdict_parameters,
      .request = "PredictRequest",
      .responses = predict_responses,
      .model_request = an__openapi_predict },
    { .method = "POST",
      .path = "/api/parts/{serial}",
      .tag = "parts",
      .summary = "Features of a part as the stations produce them; the verdict when it is complete",
      .doc = "`ok`, `nok` or `test`. Whatever is missing, out of range or unknown gives `test`, never `ok`. A repeated (serial, attempt) "
             "gets the "
             "first verdict again.",
      .handle = an__parts_post,
      .request = PART_BODY,
      .responses = part_responses },
    { .method = "GET",
      .path = "/api/parts/{serial}",
      .tag = "parts",
      .summary = "All attempts of a part",
      .handle = an__parts_get,
      .responses = part_get },
    { 0 },
};
