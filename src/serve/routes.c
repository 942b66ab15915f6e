/* routes.c - the table of paths. Handlers: route_server.c, route_triton.c, request.c (verdicts on rows), parts.c. */
#include "serve/server.h"

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
static const an__response ok_ping[] = { { .status = 200, .type = "text/plain" },
                                        { .status = 503, .type = "text/plain", .doc = "Not ready; /v2/health/ready says why." },
                                        END };
static const an__response ok_config[] = { { .status = 200, .schema = "ModelConfig" }, NO_MODEL, END };
static const an__response ok_stats[] = { { .status = 200, .schema = "ModelStatistics" }, END };
static const an__response ok_model_stats[] = { { .status = 200, .schema = "ModelStatistics" }, NO_MODEL, END };
static const an__response ok_index[] = { { .status = 200, .schema = "RepositoryIndex" }, ERROR(400, "The body is no object."), END };
static const an__response no_change[] = { ERROR(403, "Approvals and aliases say what is served, not a request."), END };
static const an__response ok_metadata[] = { { .status = 200, .schema = "ModelMetadata" }, NO_MODEL, END };

#define NO_CODING ERROR(415, "Content-Encoding is neither gzip nor deflate; Accept-Encoding names both.")
#define VERDICT_ERRORS                                                                                                             \
    ERROR(400, "The question cannot be read, or does not fit the model; the message says where."), NO_MODEL,                       \
        ERROR(413, "More rows than one question may have, or more bytes."),                                                        \
        { .status = 429, .schema = "Error", .doc = "Too many rows wait already; Retry-After says when to ask again." }, NO_CODING, \
        ERROR(500, "Scoring failed."), ERROR(504, "The deadline passed before the rows were scored.")
static const an__response infer_responses[] = { { .status = 200, .schema = "InferResponse" }, VERDICT_ERRORS, END };
static const an__response predictions_responses[] = { { .status = 200, .schema = "Predictions" }, VERDICT_ERRORS, END };
static const an__response invocation_responses[] = {
    { .status = 200, .schema = "Predictions" }, ERROR(409, "Several models are served: ask one of them by its name."), VERDICT_ERRORS, END
};
static const an__response predict_responses[] = { { .status = 200, .schema = "PredictAnswer" }, VERDICT_ERRORS, END };

#define VERDICT_PARAMETERS                                                                                         \
    { "X-Request-Id", AN__IN_HEADER, false, "{'type':'string'}",                                                   \
      "Comes back in the answer and stands in the journal; made where it is no plain word." },                     \
    {                                                                                                              \
        "X-Request-Timeout-Ms", AN__IN_HEADER, false, "{'type':'number','minimum':1000}",                          \
            "How long the client waits: later answers are not worked on. Less than 1000 is taken, but may be too " \
            "little on a busy machine (504)."                                                                      \
    }
static const an__parameter verdict_parameters[] = { VERDICT_PARAMETERS, { 0 } };
static const an__parameter infer_parameters[] = { VERDICT_PARAMETERS,
                                                  { "Inference-Header-Content-Length", AN__IN_HEADER, false,
                                                    "{'type':'integer','minimum':0}",
                                                    "Bytes of JSON before the raw tensors of the binary extension." },
                                                  { 0 } };

static const an__response part_responses[] = { { .status = 200, .schema = "PartAnswer", .doc = "The verdict." },
                                               { .status = 202, .schema = "PartAnswer", .doc = "Kept; features are still missing." },
                                               ERROR(400,
                                                     "The message cannot be read, and nothing of it is kept: treat the part as `test`."),
                                               NO_CODING,
                                               ERROR(503, "The state of parts cannot be kept (disk full?): treat the part as `test`."),
                                               END };
static const an__parameter part_parameters[] = {
    { "serial", AN__IN_PATH, true, "{'type':'string','minLength':1,'maxLength':128,'pattern':'^[^\\\\u0000-\\\\u001f\\\\u007f]+$'}",
      "Of the part: at most 128 bytes of UTF-8; percent-encode what a path cannot hold ('/' is %2F)." },
    { 0 },
};
static const an__response part_get[] = { { .status = 200, .schema = "{'type':'object'}" },
                                         ERROR(404, "Nothing is known of this part."),
                                         ERROR(503, "The state of parts cannot be read."),
                                         END };

#define INFER                                                                                                   \
    .tag = "inference", .handle = an__request_infer, .parameters = infer_parameters, .request = "InferRequest", \
    .request_types = "application/json, application/octet-stream", .responses = infer_responses, .model_request = an__openapi_infer

/* Not in the document: what Triton's clients ask of every server, and nothing comes of here. */
#define NONE(m, p, h, text)                                                                                         \
    {                                                                                                               \
        .method = m, .path = p, .tag = "server", .summary = "Not offered", .doc = text, .handle = h, .hidden = true \
    }
#define SHARED_MEMORY "shared memory regions are not offered: send the data in the request"
#define SHARED_MEMORY_ROWS(kind)                                                               \
    NONE("GET", "/v2/" kind "/status", an__shared_memory_none, NULL),                          \
        NONE("GET", "/v2/" kind "/region/{region}/status", an__not_offered, SHARED_MEMORY),    \
        NONE("POST", "/v2/" kind "/region/{region}/register", an__not_offered, SHARED_MEMORY), \
        NONE("POST", "/v2/" kind "/region/{region}/unregister", an__shared_memory_none, NULL), \
        NONE("POST", "/v2/" kind "/unregister", an__shared_memory_none, NULL)
#define TRACE "tracing is not offered: /metrics counts, and 'andon journal export' has every verdict with its time"
#define LOGGING "the log has no settings"

const an__route an__routes[] = {
    { .method = "GET", .path = "/", .tag = "server", .summary = "What is here, for people", .handle = an__root_get, .responses = ok_text },
    { .method = "GET",
      .path = "/health",
      .tag = "server",
      .summary = "The process answers",
      .handle = an__health_get,
      .responses = ok_object },
    { .method = "GET",
      .path = "/metrics",
      .tag = "server",
      .summary = "Counters for Prometheus",
      .handle = an__metrics_get,
      .responses = ok_text },
    { .method = "GET",
      .path = "/openapi.json",
      .tag = "server",
      .summary = "This document",
      .handle = an__openapi_get,
      .responses = ok_object },
    { .method = "GET",
      .path = "/v2",
      .tag = "server",
      .summary = "Name, version, extensions",
      .handle = an__metadata_get,
      .responses = ok_server },
    { .method = "GET",
      .path = "/v2/health/live",
      .tag = "server",
      .summary = "The process answers",
      .handle = an__live_get,
      .responses = ok_live },
    { .method = "GET",
      .path = "/v2/health/ready",
      .tag = "server",
      .summary = "All models are loaded; else why not",
      .handle = an__ready_get,
      .responses = ok_ready },
    { .method = "GET",
      .path = "/v2/models",
      .tag = "models",
      .summary = "Names of the models",
      .handle = an__models_list,
      .responses = ok_models },
    { .method = "GET",
      .path = "/v2/models/{name}",
      .tag = "models",
      .summary = "Inputs and outputs of a model",
      .handle = an__model_get,
      .responses = ok_metadata },
    { .method = "GET",
      .path = "/v2/models/{name}/versions/{version}",
      .tag = "models",
      .summary = "Inputs and outputs of a version",
      .handle = an__model_get,
      .responses = ok_metadata },
    { .method = "GET",
      .path = "/v2/models/{name}/ready",
      .tag = "models",
      .summary = "Whether a model can be asked",
      .handle = an__model_ready_get,
      .responses = ok_model_ready },
    { .method = "GET",
      .path = "/v2/models/{name}/versions/{version}/ready",
      .tag = "models",
      .summary = "Whether a version can be asked",
      .handle = an__model_ready_get,
      .responses = ok_model_ready },
    { .method = "GET",
      .path = "/v2/models/{name}/config",
      .tag = "models",
      .summary = "Inputs, outputs and batching as Triton configures a model",
      .handle = an__model_config_get,
      .responses = ok_config },
    { .method = "GET",
      .path = "/v2/models/{name}/versions/{version}/config",
      .tag = "models",
      .summary = "The same of a version",
      .handle = an__model_config_get,
      .responses = ok_config },
    { .method = "GET",
      .path = "/v2/models/stats",
      .tag = "models",
      .summary = "What every version did: requests, rows, time by part",
      .handle = an__model_stats_get,
      .responses = ok_stats },
    { .method = "GET",
      .path = "/v2/models/{name}/stats",
      .tag = "models",
      .summary = "What a model's versions did",
      .handle = an__model_stats_get,
      .responses = ok_model_stats },
    { .method = "GET",
      .path = "/v2/models/{name}/versions/{version}/stats",
      .tag = "models",
      .summary = "What a version did",
      .handle = an__model_stats_get,
      .responses = ok_model_stats },
    { .method = "POST",
      .path = "/v2/repository/index",
      .tag = "models",
      .summary = "Models and versions with their state",
      .handle = an__repository_index,
      .request = "{'type':'object','additionalProperties':false,'properties':{'ready':{'type':'boolean','description':'Only those that can "
                 "be asked.'}}}",
      .request_optional = true,
      .responses = ok_index },
    { .method = "POST",
      .path = "/v2/repository/models/{name}/load",
      .tag = "models",
      .summary = "Refused: approvals and aliases say what is served",
      .handle = an__repository_change,
      .responses = no_change,
      .hidden = true },
    { .method = "POST",
      .path = "/v2/repository/models/{name}/unload",
      .tag = "models",
      .summary = "Refused likewise",
      .handle = an__repository_change,
      .responses = no_change,
      .hidden = true },
    { .method = "POST", .path = "/v2/models/{name}/infer", .summary = "Verdicts on rows, Open Inference Protocol v2", INFER },
    { .method = "POST",
      .path = "/v2/models/{name}/versions/{version}/infer",
      .summary = "Verdicts on rows by one version, Open Inference Protocol v2",
      INFER },
    { .method = "GET",
      .path = "/api/models",
      .tag = "models",
      .summary = "The models with version, threshold, approval",
      .handle = an__api_models_get,
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
      .parameters = part_parameters,
      .request = "PartMessage",
      .responses = part_responses },
    { .method = "GET",
      .path = "/api/parts/{serial}",
      .tag = "parts",
      .summary = "All attempts of a part",
      .handle = an__parts_get,
      .parameters = part_parameters,
      .responses = part_get },
    { .method = "GET",
      .path = "/v1/models",
      .tag = "models",
      .summary = "Names of the models, KServe V1",
      .handle = an__models_list,
      .responses = ok_models },
    { .method = "GET",
      .path = "/v1/models/{name}",
      .tag = "models",
      .summary = "Whether a model can be asked, KServe V1",
      .handle = an__model_ready_get,
      .responses = ok_model_ready },
    { .method = "POST",
      .path = "/v1/models/{name}:predict",
      .tag = "inference",
      .summary = "Verdicts on rows, KServe V1",
      .handle = an__request_v1,
      .parameters = verdict_parameters,
      .request = "Instances",
      .responses = predictions_responses,
      .model_request = an__openapi_instances },
    { .method = "POST",
      .path = "/invocations",
      .tag = "inference",
      .summary = "Verdicts on rows, as MLflow's scoring server is asked",
      .doc = "Where one model is served. Rows stand under `dataframe_split`, `dataframe_records`, `instances` or `inputs`.",
      .handle = an__request_invocations,
      .parameters = verdict_parameters,
      .request = "Invocation",
      .responses = invocation_responses },
    { .method = "GET",
      .path = "/ping",
      .tag = "server",
      .summary = "Ready, as MLflow's scoring server says it",
      .handle = an__ping_get,
      .responses = ok_ping },
    SHARED_MEMORY_ROWS("systemsharedmemory"),
    SHARED_MEMORY_ROWS("cudasharedmemory"),
    NONE("GET", "/v2/trace/setting", an__not_offered, TRACE),
    NONE("POST", "/v2/trace/setting", an__not_offered, TRACE),
    NONE("GET", "/v2/models/{name}/trace/setting", an__not_offered, TRACE),
    NONE("POST", "/v2/models/{name}/trace/setting", an__not_offered, TRACE),
    NONE("GET", "/v2/logging", an__not_offered, LOGGING),
    NONE("POST", "/v2/logging", an__not_offered, LOGGING),
    { 0 },
};
