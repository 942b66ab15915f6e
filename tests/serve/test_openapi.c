/* test_openapi.c - matching of paths with the route table, and the OpenAPI document made from it. That foreign programs take the document
 * is tested against a running server. */
#include "infer_testing.h"
#include "serve/routes.h"

static void none(struct an__server *s, an_exchange *x, const an__route_match *m)
{
    (void)s;
    (void)x;
    (void)m;
}

static const an__response ok_models[] = { { .status = 200, .schema = "ModelMetadata" },
                                          { .status = 404, .schema = "Error", .doc = "No such model." },
                                          { 0 } };
static const an__response ok_infer[] = { { .status = 200, .schema = "InferResponse" }, { .status = 400, .schema = "Error" }, { 0 } };
static const an__response ok_text[] = { { .status = 200, .type = "text/plain" }, { 0 } };
static const an__parameter search[] = { { "limit", AN__IN_QUERY, false, "{'type':'integer','minimum':1}", "how many" },
                                        { "Inference-Header-Content-Length", AN__IN_HEADER, false, "{'type':'integer','minimum':0}", NULL },
                                        { "version", AN__IN_PATH, true, "{'type':'string','pattern':'^[0-9]+$'}", "its number" },
                                        { 0 } };

static const an__route first[] = {
    { .method = "GET", .path = "/", .handle = none, .responses = ok_text },
    { .method = "GET", .path = "/v2/models/{name}", .tag = "models", .summary = "a model", .handle = none, .responses = ok_models },
    { .method = "DELETE", .path = "/v2/models/{id}", .handle = none, .responses = ok_models },
    { .method = "GET", .path = "/v2/models/index", .handle = none, .responses = ok_models },
    { .method = "POST",
      .path = "/v2/models/{name}/infer",
      .handle = none,
      .parameters = search,
      .request = "InferRequest",
      .request_types = "application/json, application/octet-stream",
      .responses = ok_infer,
      .model_request = an__openapi_infer },
    { .method = "POST",
      .path = "/v2/models/{name}/versions/{version}/infer",
      .handle = none,
      .parameters = search,
      .request = "InferRequest",
      .responses = ok_infer,
      .model_request = an__openapi_infer },
    { .method = "POST",
      .path = "/api/models/{name}/predict",
      .handle = none,
      .request = "PredictRequest",
      .responses = ok_infer,
      .model_request = an__openapi_predict },
    { 0 },
};
static const an__route second[] = {
    { .method = "POST",
      .path = "/v1/models/{name}:predict",
      .handle = none,
      .request = "Instances",
      .responses = ok_text,
      .model_request = an__openapi_instances },
    { .method = "GET", .path = "/v1/models/{name}", .handle = none, .responses = ok_text },
    { .method = "GET", .path = "/files/{path...}", .handle = none, .responses = ok_text },
    { .method = "PUT", .path = "/files/{path...}", .handle = none, .responses = ok_text },
    { .method = "GET", .path = "/files/top", .handle = none, .responses = ok_text },
    { .method = "GET", .path = "/a/{x}/b/{y}", .tag = "unseen", .handle = none, .hidden = true },
    { .method = "GET", .path = "/a/c/{z}", .handle = none, .hidden = true },
    { 0 },
};
static const an__route *const tables[] = { first, second };

static an_span span(const char *text)
{
    return (an_span){ text, strlen(text) };
}

static void test_find(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path;
        an__route_result result;
        const char *route, *name, *value;
    } cases[] = {
        { "GET", "/", AN__ROUTE_FOUND, "/", NULL, NULL },
        { "GET", "", AN__ROUTE_FOUND, "/", NULL, NULL },
        { "HEAD", "/", AN__ROUTE_FOUND, "/", NULL, NULL },
        { "get", "/", AN__ROUTE_METHOD, NULL, NULL, NULL },
        { "GET", "/v2/models/press", AN__ROUTE_FOUND, "/v2/models/{name}", "name", "press" },
        { "GET", "//v2/./models//press/", AN__ROUTE_FOUND, "/v2/models/{name}", "name", "press" },
        { "DELETE", "/v2/models/press", AN__ROUTE_FOUND, "/v2/models/{id}", "id", "press" },
        { "GET", "/v2/models/index", AN__ROUTE_FOUND, "/v2/models/index", NULL, NULL },
        { "GET", "/v2/models/indexes", AN__ROUTE_FOUND, "/v2/models/{name}", "name", "indexes" },
        { "GET", "/v2/models", AN__ROUTE_NOWHERE, NULL, NULL, NULL },
        { "GET", "/v2/models/press/x", AN__ROUTE_NOWHERE, NULL, NULL, NULL },
        { "GET", "/v2/models/a%2Fb%20%C3%A9", AN__ROUTE_FOUND, "/v2/models/{name}", "name", "a/b \xc3\xa9" },
        { "GET", "/%762/models/a", AN__ROUTE_FOUND, "/v2/models/{name}", "name", "a" },
        { "GET", "/v2%2Fmodels/a", AN__ROUTE_NOWHERE, NULL, NULL, NULL },
        { "GET", "/v2/models/%", AN__ROUTE_NOWHERE, NULL, NULL, NULL },
        { "GET", "/v2/models/%2", AN__ROUTE_NOWHERE, NULL, NULL, NULL },
        { "GET", "/v2/models/%zz", AN__ROUTE_NOWHERE, NULL, NULL, NULL },
        { "GET", "/v2/models/a%00", AN__ROUTE_NOWHERE, NULL, NULL, NULL },
        { "GET", "/v2/models/..", AN__ROUTE_NOWHERE, NULL, NULL, NULL },
        { "GET", "/v2/models/%2e%2e", AN__ROUTE_NOWHERE, NULL, NULL, NULL },
        { "PATCH", "/v2/models/press", AN__ROUTE_METHOD, NULL, NULL, NULL },
        { "POST", "/v2/models/p/versions/3/infer", AN__ROUTE_FOUND, "/v2/models/{name}/versions/{version}/infer", "version", "3" },
        { "POST", "/v1/models/press:predict", AN__ROUTE_FOUND, "/v1/models/{name}:predict", "name", "press" },
        { "POST", "/v1/models/a:b:predict", AN__ROUTE_FOUND, "/v1/models/{name}:predict", "name", "a:b" },
        { "POST", "/v1/models/:predict", AN__ROUTE_METHOD, NULL, NULL, NULL },
        { "GET", "/v1/models/press", AN__ROUTE_FOUND, "/v1/models/{name}", "name", "press" },
        { "GET", "/files/a/b%20c/d", AN__ROUTE_FOUND, "/files/{path...}", "path", "a/b c/d" },
        { "PUT", "/files/a", AN__ROUTE_FOUND, "/files/{path...}", "path", "a" },
        { "GET", "/files/top", AN__ROUTE_FOUND, "/files/top", NULL, NULL },
        { "GET", "/files/top/x", AN__ROUTE_FOUND, "/files/{path...}", "path", "top/x" },
        { "GET", "/files", AN__ROUTE_NOWHERE, NULL, NULL, NULL },
        { "GET", "/files/", AN__ROUTE_NOWHERE, NULL, NULL, NULL },
        { "GET", "/files/a/../../etc/passwd", AN__ROUTE_NOWHERE, NULL, NULL, NULL },
        { "GET", "/files/a/%2e%2e/b", AN__ROUTE_NOWHERE, NULL, NULL, NULL },
        { "GET", "/files/a%2f..", AN__ROUTE_NOWHERE, NULL, NULL, NULL },
        { "GET", "/files/a..b/..c/d..", AN__ROUTE_FOUND, "/files/{path...}", "path", "a..b/..c/d.." },
        { "GET", "/a/c/b", AN__ROUTE_FOUND, "/a/c/{z}", "z", "b" },
        { "GET", "/a/c/b/d", AN__ROUTE_FOUND, "/a/{x}/b/{y}", "x", "c" }, /* back from the literal */
    };
    an_error err = { 0 };
    an__router *r = an__router_new(tables, AN_COUNT(tables), &err);
    if (!r) fail_msg("%s", err.message);
    an__route_match *m = an_alloc(sizeof *m);
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        an_span path = tight(cases[i].path, strlen(cases[i].path));
        an__route_result result = an__router_find(r, span(cases[i].method), path, m);
        if (result != cases[i].result) fail_msg("%s %s: %d", cases[i].method, cases[i].path, result);
        if (cases[i].route) assert_string_equal(m->route->path, cases[i].route);
        if (cases[i].name) assert_string_equal(an__match_value(m, cases[i].name), cases[i].value);
        assert_null(an__match_value(m, "nothing"));
        free((char *)(uintptr_t)path.data);
    }
    assert_int_equal(an__router_find(r, span("PATCH"), span("/v2/models/a"), m), AN__ROUTE_METHOD);
    assert_string_equal(m->allow, "GET, HEAD, DELETE");
    char *longest = an_alloc(20000); /* longer than any request line */
    memset(longest, 'a', 19999);
    memcpy(longest, "/v2/models/", 11);
    assert_int_equal(an__router_find(r, span("GET"), span(longest), m), AN__ROUTE_NOWHERE);
    memset(longest, '/', 19999);
    assert_int_equal(an__router_find(r, span("GET"), span(longest), m), AN__ROUTE_FOUND);
    free(longest);
    assert_string_equal(an__router_nearest(r, span("/v2/models/{name}/infr")), "/v2/models/{name}/infer");
    free(m);
    an__router_free(r);
}

static void test_targets(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "/a/b?x=1", "/a/b" }, { "/a", "/a" }, { "http://h:1/a?b", "/a" }, { "http://h", "" },        { "?x", "" },
        { "*", "*" },           { "", "" },     { "/a?b?c", "/a" },         { "/x://y/z", "/x://y/z" }
    };
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        an_span p = an__route_path(span(cases[i][0]));
        if (p.size != strlen(cases[i][1]) || memcmp(p.data, cases[i][1], p.size)) fail_msg("%s: %.*s", cases[i][0], (int)p.size, p.data);
    }
}

static void test_mistakes(void **state)
{
    (void)state;
    an_error err = { 0 };
    static const an__route twice[] = { { .method = "GET", .path = "/a/{x}" }, { .method = "GET", .path = "/a/{y}" }, { 0 } };
    static const an__route bad_schema[] = { { .method = "POST", .path = "/a", .handle = none, .request = "{'type':", .responses = ok_text },
                                            { 0 } };
    static const an__route no_component[] = {
        { .method = "POST", .path = "/a", .handle = none, .request = "Nothing", .responses = ok_text }, { 0 }
    };
    assert_null(an__router_new((const an__route *const[]){ twice }, 1, &err));
    assert_non_null(strstr(err.message, "/a/{y}"));
    an__openapi o = { .title = "t", .version = "1", .tables = (const an__route *const[]){ bad_schema }, .table_count = 1 };
    assert_null(an__openapi_json(&o, &err));
    assert_non_null(strstr(err.message, "route POST /a"));
    o.tables = (const an__route *const[]){ no_component };
    assert_null(an__openapi_json(&o, &err));
    assert_non_null(strstr(err.message, "#/components/schemas/Nothing"));
}

static json_t *at(json_t *j, const char *path)
{
    an_list parts = { 0 };
    an_list_split(&parts, path, ' ');
    for (size_t i = 0; i < parts.count; i++) {
        j = json_is_array(j) ? json_array_get(j, (size_t)atoi(parts.items[i])) : json_object_get(j, parts.items[i]);
        if (!j) fail_msg("no %s in %s", parts.items[i], path);
    }
    an_list_free(&parts);
    return j;
}

static void text_at(json_t *j, const char *path, const char *expected)
{
    char *text = an_json_text(at(j, path), false);
    assert_string_equal(text, expected);
    free(text);
}

static void test_document(void **state)
{
    (void)state;
    an_error err = { 0 };
    an__openapi_model model = { "press", mixed };
    an__openapi o = { .title = "t", .version = "1", .tables = tables, .table_count = 2, .models = &model, .model_count = 1 };
    json_t *j = an__openapi_json(&o, &err);
    if (!j) fail_msg("%s", err.message);
    text_at(j, "openapi", "\"3.1.0\"");
    json_t *paths = json_object_get(j, "paths");
    assert_null(json_object_get(paths, "/a/c/{z}")); /* hidden */
    text_at(paths, "/files/{path} get parameters 0 name", "\"path\"");
    text_at(paths, "/v1/models/{name}:predict post parameters 0 required", "true");
    assert_non_null(at(paths, "/v2/models/{name} get"));
    assert_non_null(at(paths, "/v2/models/{id} delete"));
    json_t *infer = at(paths, "/v2/models/{name}/infer post");
    text_at(infer, "requestBody content application/json schema $ref", "\"#/components/schemas/InferRequest\"");
    text_at(infer, "requestBody content application/octet-stream", "{}");
    text_at(infer, "responses 200 content application/octet-stream", "{}");
    text_at(infer, "responses 200 content application/json schema $ref", "\"#/components/schemas/InferResponse\"");
    text_at(infer, "parameters 1 name", "\"limit\"");
    text_at(infer, "responses 431 $ref", "\"#/components/responses/Core431\"");
    text_at(infer, "responses 400 content application/json schema $ref", "\"#/components/schemas/Error\"");
    json_t *version = at(paths, "/v2/models/{name}/versions/{version}/infer post");
    text_at(version, "parameters 1 schema pattern", "\"^[0-9]+$\"");
    assert_null(json_object_get(paths, "/v2/models/press/versions/{version}/infer"));
    /* with the features of a model */
    json_t *own = at(paths, "/v2/models/press/infer post");
    assert_int_equal(json_array_size(at(own, "parameters")), 1);
    assert_null(json_object_get(at(own, "requestBody content"), "application/octet-stream"));
    json_t *inputs = at(own, "requestBody content application/json schema properties inputs");
    assert_int_equal(json_array_size(at(inputs, "prefixItems")), FEATURES);
    text_at(inputs, "prefixItems 0 properties name const", "\"force\"");
    text_at(inputs, "prefixItems 3 properties datatype const", "\"BYTES\"");
    json_t *predict = at(paths, "/api/models/press/predict post requestBody content application/json schema anyOf 0");
    text_at(predict, "properties hot anyOf",
            "[{\"type\":\"boolean\"},{\"maximum\":1,\"minimum\":0,\"type\":\"integer\"},{\"type\":\"null\"}]");
    text_at(predict, "properties rows", "{\"not\":{\"items\":{},\"type\":\"array\"}}");
    assert_int_equal(json_array_size(at(predict, "anyOf")), FEATURES);
    /* a row of KServe V1: an object, or all features in their order */
    json_t *rows = at(paths, "/v1/models/press:predict post requestBody content application/json schema properties instances items anyOf");
    assert_int_equal(json_array_size(at(rows, "0 anyOf")), FEATURES);
    assert_int_equal(json_array_size(at(rows, "1 prefixItems")), FEATURES);
    text_at(rows, "1 maxItems", "6");
    /* tags: once each, of rows that are shown */
    text_at(j, "tags", "[{\"description\":\"What is served: inputs, outputs, readiness, statistics.\",\"name\":\"models\"}]");
    text_at(j, "security", "[]");
    /* operation ids are unique, every operation has a success and an error */
    json_t *ids = json_object(), *item, *op;
    const char *path, *method;
    json_object_foreach(paths, path, item)
        json_object_foreach(item, method, op) {
            const char *id = json_string_value(json_object_get(op, "operationId"));
            if (json_object_get(ids, id)) fail_msg("operation id %s twice", id);
            json_object_set_new(ids, id, json_true());
            assert_non_null(json_object_get(json_object_get(op, "responses"), "200"));
            assert_non_null(json_object_get(json_object_get(op, "responses"), "413"));
        }
    char *text = an_json_text(j, true), *again;
    json_t *second_time = an__openapi_json(&o, &err);
    again = an_json_text(second_time, true);
    assert_string_equal(text, again);
    free(text);
    free(again);
    json_decref(second_time);
    json_decref(ids);
    json_decref(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_find), cmocka_unit_test(test_targets), cmocka_unit_test(test_mistakes),
                                        cmocka_unit_test(test_document) };
    return cmocka_run_group_tests(tests, two_models, two_models_end);
}
