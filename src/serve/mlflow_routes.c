/* mlflow_routes.c - the paths of MLflow's REST API (client 3.17) and how their requests become calls. Rows are hidden from the OpenAPI
 * document: the protocol describes itself, and its clients are written already.
 */
#include "serve/mlflow.h"

#include <stdlib.h>
#include <string.h>

#define API_VERSION "3.17.0" /* whose clients' protocol this is: /version */

/* ---- requests ------------------------------------------------------------------------------------------------------------------ */

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

static bool decode(an_span s, an_buf *out)
{
    an_buf_clear(out);
    an_buf_puts(out, "");
    for (size_t i = 0; i < s.size; i++) {
        char c = s.data[i];
        if (c == '+') c = ' ';
        if (c == '%') {
            int high = i + 2 < s.size ? hex(s.data[i + 1]) : -1, low = i + 2 < s.size ? hex(s.data[i + 2]) : -1;
            if (high < 0 || low < 0 || (!high && !low)) return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (!c) return false;
        an_buf_putc(out, c);
    }
    return true;
}

json_t *an__mlflow_query(an_span query, an_error *err)
{
    json_t *all = json_object();
    an_buf name = { 0 }, value = { 0 };
    bool good = true;
    while (good && query.size) {
        const char *end = memchr(query.data, '&', query.size);
        an_span pair = { query.data, end ? (size_t)(end - query.data) : query.size };
        query.data += pair.size + (end ? 1 : 0);
        query.size -= pair.size + (end ? 1 : 0);
        if (!pair.size) continue;
        const char *is = memchr(pair.data, '=', pair.size);
        size_t n = is ? (size_t)(is - pair.data) : pair.size;
        good = decode((an_span){ pair.data, n }, &name) && decode(is ? (an_span){ is + 1, pair.size - n - 1 } : (an_span){ "", 0 }, &value);
        json_t *text = good ? json_stringn(value.data, value.size) : NULL, *old = good ? json_object_get(all, name.data) : NULL;
        good = text != NULL;
        if (good && json_is_array(old))
            json_array_append_new(old, text);
        else if (good) /* json_object_set_new fails where the name is no UTF-8 */
            good = json_object_set_new(all, name.data, old ? json_pack("[O, o]", old, text) : text) == 0;
    }
    an_buf_free(&name);
    an_buf_free(&value);
    if (good) return all;
    an_fail(err, AN_INPUT, "the query string has a broken escape, or is not UTF-8");
    json_decref(all);
    return NULL;
}

static void refuse(an__server *s, an_exchange *x, const an__route *route, const an_error *err, const char *code)
{
    int status;
    char *text = an__mlflow_error(err, code, &status);
    an__answer(s, x, route, status, "application/json", NULL, text, strlen(text));
    free(text);
}

/* A job with what query and path say; NULL: answered already. */
static an__mlflow_job *job_of(an__server *s, an_exchange *x, const an__route_match *m)
{
    const an_http_request *r = an_exchange_request(x);
    an_error err = { 0 };
    json_t *request = an__mlflow_query(r->query, &err);
    for (size_t i = 0; request && i < m->count; i++) {
        char *name = an_strndup(m->value[i].name.data, m->value[i].name.size);
        json_t *value = json_string(m->value[i].value);
        if (!value || json_object_set_new(request, name, value) != 0) {
            an_fail(&err, AN_INPUT, "the path is not UTF-8");
            json_decref(request);
            request = NULL;
        }
        free(name);
    }
    if (!request) {
        refuse(s, x, m->route, &err, "BAD_REQUEST");
        return NULL;
    }
    an__mlflow_job *j = an_alloc(sizeof *j);
    j->exchange = x;
    j->route = m->route;
    j->request = request;
    j->body = r->body;
    return j;
}

/* ---- handlers ---------------------------------------------------------------------------------------------------------------------- */

/* The call is named by what stands behind ".../mlflow/" in the row. */
static void call(an__server *s, an_exchange *x, const an__route_match *m)
{
    an__mlflow_job *j = job_of(s, x, m);
    if (!j) return;
    char name[128];
    snprintf(name, sizeof name, "%s %s", m->route->method, strstr(m->route->path, "/mlflow/") + 8);
    j->call = an_tracking_find(name);
    j->has_body = strcmp(m->route->method, "GET") != 0;
    if (!strncmp(name, "GET artifacts/list", 18) || strstr(name, "/directories")) j->files = an__mlflow_files_of;
    an__mlflow_add(s->mlflow, j);
}

static void unknown(an__server *s, an_exchange *x, const an__route_match *m)
{
    an_error err = { 0 };
    an_fail(&err, AN_NOT_FOUND, "andon does not know the endpoint %s \"%s\" of MLflow", m->route->method, an__match_value(m, "path"));
    an_hint(&err, "docs/mlflow.md lists what is there.");
    refuse(s, x, m->route, &err, "ENDPOINT_NOT_FOUND");
}

static void file_put(an__server *s, an_exchange *x, const an__route_match *m)
{
    an__mlflow_job *j = job_of(s, x, m);
    if (!j) return;
    j->files = an__mlflow_files_put;
    an__mlflow_add(s->mlflow, j);
}

/* The head of an upload: its body goes to the disk as it comes. */
static void file_take(an__server *s, an_exchange *x, const an__route_match *m)
{
    an_error err = { 0 };
    char *full = an__mlflow_path(an__mlflow_folder(s->mlflow), an__match_value(m, "path"), &err);
    if (full)
        an__uploads_take(an__mlflow_uploads(s->mlflow), x, m->route, an__match_value(m, "path"));
    else
        refuse(s, x, m->route, &err, NULL); /* before it is sent */
    free(full);
}

/* Older clients ask for uploads and downloads in parts when told to; with this answer they take the plain way, which has no limit here. */
static void no_parts(an__server *s, an_exchange *x, const an__route_match *m)
{
    static const char up[] = "{\"error_code\":\"NOT_IMPLEMENTED\",\"message\":\"Multipart upload is not supported for the current artifact "
                             "repository: plain uploads are streamed, of any size\"}";
    static const char down[] = "{\"error_code\":\"NOT_IMPLEMENTED\",\"message\":\"Multipart download is not supported for the current "
                               "artifact repository: plain downloads are streamed, and take ranges\"}";
    bool upload = strstr(m->route->path, "/mpu/") != NULL;
    an__answer(s, x, m->route, 501, "application/json", NULL, upload ? up : down, upload ? sizeof up - 1 : sizeof down - 1);
}

static void file_delete(an__server *s, an_exchange *x, const an__route_match *m)
{
    an__mlflow_job *j = job_of(s, x, m);
    if (!j) return;
    j->files = an__mlflow_files_delete;
    an__mlflow_add(s->mlflow, j);
}

static void file_list(an__server *s, an_exchange *x, const an__route_match *m)
{
    an__mlflow_job *j = job_of(s, x, m);
    if (!j) return;
    j->files = an__mlflow_files_list;
    an__mlflow_add(s->mlflow, j);
}

static void file_get(an__server *s, an_exchange *x, const an__route_match *m)
{
    an__downloads_send(an__mlflow_downloads(s->mlflow), x, m->route, an__match_value(m, "path"));
}

/* Traces are not kept. With this sentence the client stops to send single spans; without it, it tries with each. */
static void no_spans(an__server *s, an_exchange *x, const an__route_match *m)
{
    static const char text[] = "{\"error_code\":\"NOT_IMPLEMENTED\",\"message\":\"REST OTLP span logging is not supported here\"}";
    an__answer(s, x, m->route, 501, "application/json", NULL, text, sizeof text - 1);
}

static void server_info(an__server *s, an_exchange *x, const an__route_match *m)
{
    an__answer_take(s, x, m->route, 200,
                    json_pack("{s:s, s:b, s:b, s:b, s:b}", "store_type", "SqlStore", "workspaces_enabled", false, "trace_archival_enabled",
                              false, "multipart_uploads_enabled", false, "multipart_downloads_enabled", false));
}

static void version(an__server *s, an_exchange *x, const an__route_match *m)
{
    an__answer(s, x, m->route, 200, "text/plain; charset=utf-8", NULL, API_VERSION, sizeof API_VERSION - 1);
}

/* ---- the table ---------------------------------------------------------------------------------------------------------- */

#define ROW(m, p, h) { .method = m, .path = p, .tag = "mlflow", .summary = "MLflow", .handle = h, .hidden = true },
#define ROW_TAKES(m, p, h, t) { .method = m, .path = p, .tag = "mlflow", .summary = "MLflow", .handle = h, .head = t, .hidden = true },

#define UNKNOWN(prefix)                        \
    ROW("GET", prefix "/{path...}", unknown)   \
    ROW("POST", prefix "/{path...}", unknown)  \
    ROW("PATCH", prefix "/{path...}", unknown) \
    ROW("DELETE", prefix "/{path...}", unknown)

#define API(prefix)                                                                       \
    ROW("POST", prefix "/mlflow/experiments/create", call)                                \
    ROW("GET", prefix "/mlflow/experiments/get", call)                                    \
    ROW("GET", prefix "/mlflow/experiments/get-by-name", call)                            \
    ROW("POST", prefix "/mlflow/experiments/search", call)                                \
    ROW("GET", prefix "/mlflow/experiments/search", call)                                 \
    ROW("POST", prefix "/mlflow/experiments/delete", call)                                \
    ROW("POST", prefix "/mlflow/experiments/restore", call)                               \
    ROW("POST", prefix "/mlflow/experiments/update", call)                                \
    ROW("POST", prefix "/mlflow/experiments/set-experiment-tag", call)                    \
    ROW("POST", prefix "/mlflow/experiments/delete-experiment-tag", call)                 \
    ROW("POST", prefix "/mlflow/experiments/search-datasets", call)                       \
    ROW("POST", prefix "/mlflow/runs/create", call)                                       \
    ROW("POST", prefix "/mlflow/runs/update", call)                                       \
    ROW("GET", prefix "/mlflow/runs/get", call)                                           \
    ROW("POST", prefix "/mlflow/runs/delete", call)                                       \
    ROW("POST", prefix "/mlflow/runs/restore", call)                                      \
    ROW("POST", prefix "/mlflow/runs/search", call)                                       \
    ROW("POST", prefix "/mlflow/runs/set-tag", call)                                      \
    ROW("POST", prefix "/mlflow/runs/delete-tag", call)                                   \
    ROW("POST", prefix "/mlflow/runs/log-metric", call)                                   \
    ROW("POST", prefix "/mlflow/runs/log-parameter", call)                                \
    ROW("POST", prefix "/mlflow/runs/log-batch", call)                                    \
    ROW("POST", prefix "/mlflow/runs/log-inputs", call)                                   \
    ROW("POST", prefix "/mlflow/runs/outputs", call)                                      \
    ROW("POST", prefix "/mlflow/runs/log-model", call)                                    \
    ROW("GET", prefix "/mlflow/metrics/get-history", call)                                \
    ROW("GET", prefix "/mlflow/metrics/get-history-bulk-interval", call)                  \
    ROW("GET", prefix "/mlflow/artifacts/list", call)                                     \
    ROW("POST", prefix "/mlflow/logged-models", call)                                     \
    ROW("POST", prefix "/mlflow/logged-models/search", call)                              \
    ROW("GET", prefix "/mlflow/logged-models/{model_id}", call)                           \
    ROW("PATCH", prefix "/mlflow/logged-models/{model_id}", call)                         \
    ROW("DELETE", prefix "/mlflow/logged-models/{model_id}", call)                        \
    ROW("PATCH", prefix "/mlflow/logged-models/{model_id}/tags", call)                    \
    ROW("DELETE", prefix "/mlflow/logged-models/{model_id}/tags/{tag_key...}", call)      \
    ROW("POST", prefix "/mlflow/logged-models/{model_id}/params", call)                   \
    ROW("GET", prefix "/mlflow/logged-models/{model_id}/artifacts/directories", call)     \
    ROW("POST", prefix "/mlflow/registered-models/create", call)                          \
    ROW("POST", prefix "/mlflow/registered-models/rename", call)                          \
    ROW("PATCH", prefix "/mlflow/registered-models/update", call)                         \
    ROW("DELETE", prefix "/mlflow/registered-models/delete", call)                        \
    ROW("GET", prefix "/mlflow/registered-models/get", call)                              \
    ROW("GET", prefix "/mlflow/registered-models/search", call)                           \
    ROW("POST", prefix "/mlflow/registered-models/get-latest-versions", call)             \
    ROW("GET", prefix "/mlflow/registered-models/get-latest-versions", call)              \
    ROW("POST", prefix "/mlflow/registered-models/set-tag", call)                         \
    ROW("DELETE", prefix "/mlflow/registered-models/delete-tag", call)                    \
    ROW("POST", prefix "/mlflow/registered-models/alias", call)                           \
    ROW("GET", prefix "/mlflow/registered-models/alias", call)                            \
    ROW("DELETE", prefix "/mlflow/registered-models/alias", call)                         \
    ROW("POST", prefix "/mlflow/model-versions/create", call)                             \
    ROW("PATCH", prefix "/mlflow/model-versions/update", call)                            \
    ROW("DELETE", prefix "/mlflow/model-versions/delete", call)                           \
    ROW("GET", prefix "/mlflow/model-versions/get", call)                                 \
    ROW("GET", prefix "/mlflow/model-versions/search", call)                              \
    ROW("GET", prefix "/mlflow/model-versions/get-download-uri", call)                    \
    ROW("POST", prefix "/mlflow/model-versions/transition-stage", call)                   \
    ROW("POST", prefix "/mlflow/model-versions/set-tag", call)                            \
    ROW("DELETE", prefix "/mlflow/model-versions/delete-tag", call)                       \
    UNKNOWN(prefix "/mlflow")                                                             \
    ROW("GET", prefix "/mlflow-artifacts/artifacts", file_list)                           \
    ROW("GET", prefix "/mlflow-artifacts/artifacts/{path...}", file_get)                  \
    ROW_TAKES("PUT", prefix "/mlflow-artifacts/artifacts/{path...}", file_put, file_take) \
    ROW("DELETE", prefix "/mlflow-artifacts/artifacts/{path...}", file_delete)            \
    ROW("POST", prefix "/mlflow-artifacts/mpu/{path...}", no_parts)                       \
    ROW("GET", prefix "/mlflow-artifacts/presigned/{path...}", no_parts)                  \
    ROW("GET", prefix "/mlflow-artifacts/{path...}", unknown)                             \
    ROW("POST", prefix "/mlflow-artifacts/{path...}", unknown)

/* clang-format off */
const an__route an__mlflow_routes[] = {
    API("/api/2.0")
    API("/ajax-api/2.0")
    ROW("GET", "/api/3.0/mlflow/server-info", server_info)
    ROW("GET", "/ajax-api/3.0/mlflow/server-info", server_info)
    UNKNOWN("/api/3.0/mlflow")
    UNKNOWN("/ajax-api/3.0/mlflow")
    ROW("POST", "/v1/traces", no_spans)
    ROW("GET", "/version", version)
    { 0 },
};
/* clang-format on */
