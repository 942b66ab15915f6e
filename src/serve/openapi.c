/* openapi.c - the OpenAPI 3.1 document of the table of routes. Schemas of inference, general and for a model, are openapi_schemas.c's. */
#include "serve/routes.h"

#include <stdlib.h>
#include <string.h>

/* What the core of HTTP may answer to any request, besides what a row says itself. */
static const struct {
    int status;
    const char *doc;
} core[] = {
    { 400, "The message is not well-formed HTTP, or frames its body ambiguously; the connection is closed." },
    { 405, "The path has no such method; Allow names those it has." },
    { 408, "The request came too slowly." },
    { 411, "The length of the body is not said." },
    { 413, "The body is larger than the server takes." },
    { 414, "The target is longer than the server takes." },
    { 417, "Expect asks for something else than 100-continue." },
    { 431, "The headers are larger than the server takes." },
    { 501, "The method or the transfer coding is not known." },
    { 503, "The server is overloaded or about to stop; try again." },
    { 505, "Another version of HTTP than 1.0 or 1.1." },
};

static const struct {
    int status;
    const char *text;
} meanings[] = {
    { 200, "Done." },
    { 201, "Made." },
    { 202, "Taken; not done yet." },
    { 204, "Done; there is nothing to say." },
    { 304, "As you have it." },
    { 400, "The request is wrong; the message says where." },
    { 401, "Who asks is not known." },
    { 403, "Who asks may not." },
    { 404, "There is no such thing." },
    { 409, "It is in the way of something else." },
    { 413, "Too much at once." },
    { 415, "Another media type is needed." },
    { 422, "The request cannot be followed." },
    { 429, "Too much is waiting; Retry-After says when to try again." },
    { 500, "A defect of the server." },
    { 503, "Not now." },
    { 504, "The deadline passed." },
};

typedef struct writer {
    const an__openapi *o;
    json_t *paths;
    an_error *err;
} writer;

/* ---- schemas ------------------------------------------------------------------------------------------------------------------------ */

/* New value of a schema text, or a reference to the component of that name. */
static json_t *schema(const char *text, an_error *err)
{
    if (*text != '{') {
        char *path = an_format("#/components/schemas/%s", text);
        json_t *j = json_pack("{s:s}", "$ref", path);
        free(path);
        return j;
    }
    char *copy = an_strdup(text);
    for (char *p = copy; *p; p++)
        if (*p == '\'') *p = '"';
    an_error why = { 0 };
    json_t *j = an_json_parse(copy, strlen(copy), "schema", &why);
    free(copy);
    if (!j) an_fail(err, AN_FAILED, "schema %.80s: %s", text, why.message);
    return j;
}

static json_t *components(const an__openapi *o, an_error *err)
{
    json_t *all = json_object();
    for (size_t t = 0; t <= o->schema_count; t++)
        for (const an__schema *s = t ? o->schemas[t - 1] : an__openapi_schemas; s->name; s++) {
            json_t *j = schema(s->text, err);
            if (!j || json_object_set_new(all, s->name, j)) {
                json_decref(all);
                return NULL;
            }
        }
    json_t *responses = json_object();
    for (size_t i = 0; i < AN_COUNT(core); i++) {
        char name[16];
        snprintf(name, sizeof name, "Core%d", core[i].status);
        json_object_set_new(responses, name,
                            json_pack("{s:s,s:{s:{s:{s:s}}}}", "description", core[i].doc, "content", "application/json", "schema", "$ref",
                                      "#/components/schemas/Error"));
    }
    return json_pack("{s:o,s:o}", "schemas", all, "responses", responses);
}

/* The tags of all rows, once each. */
static json_t *tags(const an__openapi *o)
{
    static const struct {
        const char *name, *doc;
    } known[] = { { "server", "How the server is, and what it says of itself." },
                  { "models", "What is served: inputs, outputs, readiness, statistics." },
                  { "inference", "Verdicts on rows." },
                  { "parts", "Verdicts on parts whose features come station by station." } };
    json_t *list = json_array();
    an_list seen = { 0 };
    for (size_t t = 0; t < o->table_count; t++)
        for (const an__route *r = o->tables[t]; r->method; r++) {
            bool there = !r->tag || r->hidden;
            for (size_t i = 0; i < seen.count; i++) there = there || !strcmp(seen.items[i], r->tag);
            if (there) continue;
            an_list_add(&seen, r->tag);
            json_t *tag = json_pack("{s:s}", "name", r->tag);
            for (size_t i = 0; i < AN_COUNT(known); i++)
                if (!strcmp(known[i].name, r->tag)) json_object_set_new(tag, "description", json_string(known[i].doc));
            json_array_append_new(list, tag);
        }
    an_list_free(&seen);
    return list;
}

/* Every reference leads somewhere. */
static bool references(const json_t *root, const json_t *at, an_error *err)
{
    const char *key;
    json_t *value;
    size_t i;
    if (json_is_array(at)) {
        json_array_foreach(at, i, value)
            if (!references(root, value, err)) return false;
        return true;
    }
    if (!json_is_object(at)) return true;
    json_object_foreach((json_t *)(uintptr_t)at, key, value) {
        if (!references(root, value, err)) return false;
        if (strcmp(key, "$ref") || !json_is_string(value)) continue;
        const json_t *to = root;
        an_list parts = { 0 };
        an_list_split(&parts, json_string_value(value), '/');
        for (size_t k = 1; k < parts.count; k++) to = json_object_get(to, parts.items[k]);
        an_list_free(&parts);
        if (!to) return an_fail(err, AN_FAILED, "there is no %s", json_string_value(value));
    }
    return true;
}

/* ---- one operation ----------------------------------------------------------------------------------------------------- */

static const char *place_name(an__place p)
{
    return p == AN__IN_QUERY ? "query" : p == AN__IN_HEADER ? "header" : "path";
}

static const an__parameter *listed(const an__route *r, const char *name, an__place place)
{
    for (const an__parameter *p = r->parameters; p && p->name; p++)
        if (p->place == place && !strcmp(p->name, name)) return p;
    return NULL;
}

static bool add_parameter(json_t *list, const char *name, an__place place, bool required, const char *text, const char *doc, an_error *err)
{
    json_t *s = schema(text, err);
    if (!s) return false;
    json_t *j = json_pack("{s:s,s:s,s:b,s:o}", "name", name, "in", place_name(place), "required", (int)required, "schema", s);
    if (doc) json_object_set_new(j, "description", json_string(doc));
    json_array_append_new(list, j);
    return true;
}

/* The path as OpenAPI writes it ("{path...}" is "{path}"), {name} replaced when a model is given; *values counts its parameters. */
static char *path_text(const an__route *r, const char *model, an_list *values)
{
    an_buf out = { 0 };
    for (const char *p = r->path; *p;) {
        const char *close = *p == '{' ? strchr(p, '}') : NULL;
        if (!close) {
            an_buf_putc(&out, *p++);
            continue;
        }
        size_t n = (size_t)(close - p - 1);
        if (n > 3 && !memcmp(close - 3, "...", 3)) n -= 3;
        char *name = an_strndup(p + 1, n);
        if (model && !strcmp(name, "name")) {
            an_buf_puts(&out, model); /* of A-Z a-z 0-9 . _ - : nothing to escape */
        } else {
            an_buf_printf(&out, "{%s}", name);
            an_list_add(values, name);
        }
        free(name);
        p = close + 1;
    }
    return an_buf_take(&out);
}

static json_t *parameters(const an__route *r, const an_list *values, bool of_model, an_error *err)
{
    json_t *list = json_array();
    bool ok = true;
    for (size_t i = 0; ok && i < values->count; i++) {
        const an__parameter *p = listed(r, values->items[i], AN__IN_PATH);
        ok = add_parameter(list, values->items[i], AN__IN_PATH, true, p ? p->schema : "{'type':'string','minLength':1}", p ? p->doc : NULL,
                           err);
    }
    for (const an__parameter *p = r->parameters; ok && p && p->name; p++) {
        if (p->place == AN__IN_PATH || (of_model && p->place == AN__IN_HEADER)) continue; /* headers are those of the path with {name} */
        ok = add_parameter(list, p->name, p->place, p->required, p->schema, p->doc, err);
    }
    if (ok) return list;
    json_decref(list);
    return NULL;
}

/* "application/json, application/octet-stream": the first has the schema (taken), others are bytes. */
static json_t *content(const char *types, json_t *first)
{
    an_list list = { 0 };
    an_list_split(&list, types, ',');
    json_t *all = json_object();
    for (size_t i = 0; i < list.count; i++) {
        json_t *media = json_object();
        if (!i && first) json_object_set(media, "schema", first);
        json_object_set_new(all, list.items[i], media);
    }
    json_decref(first);
    an_list_free(&list);
    return all;
}

static const char *meaning(int status)
{
    for (size_t i = 0; i < AN_COUNT(meanings); i++)
        if (meanings[i].status == status) return meanings[i].text;
    return "See the message.";
}

static json_t *responses(const an__route *r, const an__openapi_model *m, an_error *err)
{
    json_t *all = json_object();
    char key[16];
    for (const an__response *a = r->responses; a && a->status; a++) {
        json_t *j = json_pack("{s:s}", "description", a->doc ? a->doc : meaning(a->status));
        json_t *s = NULL;
        if (m && r->model_response && a->status == 200)
            s = r->model_response(m);
        else if (a->schema && !(s = schema(a->schema, err))) {
            json_decref(j);
            json_decref(all);
            return NULL;
        }
        const char *types = a->type ? a->type : !s ? NULL : a->status == 200 && r->request_types ? r->request_types : "application/json";
        if (types) json_object_set_new(j, "content", content(types, s));
        snprintf(key, sizeof key, "%d", a->status);
        json_object_set_new(all, key, j);
    }
    for (size_t i = 0; i < AN_COUNT(core); i++) {
        snprintf(key, sizeof key, "%d", core[i].status);
        if (json_object_get(all, key)) continue;
        char to[48];
        snprintf(to, sizeof to, "#/components/responses/Core%d", core[i].status);
        json_object_set_new(all, key, json_pack("{s:s}", "$ref", to));
    }
    return all;
}

/* "postV2ModelsNameInfer": unique because paths and methods are. */
static char *operation_id(const char *method, const char *path)
{
    an_buf out = { 0 };
    for (const char *p = method; *p; p++) an_buf_putc(&out, (char)(*p | 0x20));
    bool upper = true;
    for (const char *p = path; *p; p++) {
        bool word = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
        if (word) an_buf_putc(&out, upper && *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p);
        if (*p == '_' || *p == '-' || *p == '.') an_buf_putc(&out, '_'); /* "a-b" and "aB" stay apart */
        upper = !word;
    }
    return an_buf_take(&out);
}

static bool add_operation(writer *w, const an__route *r, const an__openapi_model *m)
{
    an_list values = { 0 };
    char *path = path_text(r, m ? m->name : NULL, &values), method[16] = "";
    bool wanted = !m || (values.count == 0 && (r->model_request || r->model_response)), ok = true;
    if (wanted) {
        char *id = operation_id(r->method, path);
        json_t *op = json_pack("{s:s,s:s}", "operationId", id, "summary", r->summary ? r->summary : r->path);
        free(id);
        if (r->tag) json_object_set_new(op, "tags", json_pack("[s]", r->tag));
        if (r->doc) json_object_set_new(op, "description", json_string(r->doc));
        json_t *list = parameters(r, &values, m != NULL, w->err);
        if (list && json_array_size(list)) json_object_set(op, "parameters", list);
        json_decref(list);
        json_t *body = m && r->model_request ? r->model_request(m) : r->request ? schema(r->request, w->err) : NULL;
        const char *types = r->request_types && !m ? r->request_types : "application/json";
        if (body)
            json_object_set_new(op, "requestBody",
                                json_pack("{s:b,s:o}", "required", (int)!r->request_optional, "content", content(types, body)));
        json_t *answers = responses(r, m, w->err);
        ok = list && answers && (body || !r->request);
        if (answers) json_object_set_new(op, "responses", answers);
        for (size_t i = 0; r->method[i] && i + 1 < sizeof method; i++) method[i] = (char)(r->method[i] | 0x20);
        json_t *item = json_object_get(w->paths, path);
        if (!item) {
            item = json_object();
            json_object_set_new(w->paths, path, item);
        }
        json_object_set_new(item, method, op);
    }
    an_list_free(&values);
    free(path);
    return ok || an_context(w->err, "route %s %s", r->method, r->path);
}

json_t *an__openapi_json(const an__openapi *o, an_error *err)
{
    writer w = { .o = o, .paths = json_object(), .err = err };
    bool ok = true;
    for (size_t t = 0; ok && t < o->table_count; t++)
        for (const an__route *r = o->tables[t]; ok && r->method; r++) {
            if (r->hidden) continue;
            for (size_t k = 0; ok && k < o->model_count; k++) ok = add_operation(&w, r, &o->models[k]);
            ok = ok && add_operation(&w, r, NULL);
        }
    json_t *parts = ok ? components(o, err) : NULL;
    if (!parts) {
        json_decref(w.paths);
        return NULL;
    }
    json_t *info = json_pack("{s:s,s:s}", "title", o->title, "version", o->version);
    if (o->description) json_object_set_new(info, "description", json_string(o->description));
    /* security: nobody is asked who he is */
    json_t *all = json_pack("{s:s,s:o,s:[{s:s}],s:[],s:o,s:o,s:o}", "openapi", "3.1.0", "info", info, "servers", "url",
                            o->url ? o->url : "/", "security", "tags", tags(o), "paths", w.paths, "components", parts);
    if (references(all, all, err)) return all;
    json_decref(all);
    return NULL;
}
