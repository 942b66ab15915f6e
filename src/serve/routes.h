/* routes.h - the table of routes: one row a method and path. Requests are matched by it (route_match.c) and the OpenAPI document is made
 * from it (openapi.c), so what is documented is what is served. Handlers and the rows themselves are the server's.
 */
#ifndef AN_SERVE_ROUTES_H
#define AN_SERVE_ROUTES_H

#include "andon/learn.h"
#include "andon/wire.h"

struct an__server;
typedef struct an__route an__route;

/* ---- matching ------------------------------------------------------------------------------------------------------------- */

enum { AN__ROUTE_VALUES = 6, AN__ROUTE_TEXT = 8192 /* the longest request line */ };

/* What a path matched: lives on the stack of whoever asks; 8 KiB, so that nothing is allocated. */
typedef struct an__route_match {
    const an__route *route;
    size_t count;
    struct {
        an_span name;      /* "name" of "{name}", in the template */
        const char *value; /* percent-decoded, NUL-terminated, in `text`; never empty */
    } value[AN__ROUTE_VALUES];
    char allow[64]; /* after AN__ROUTE_METHOD: "GET, HEAD, POST", for the Allow header */
    char text[AN__ROUTE_TEXT];
} an__route_match;

typedef void (*an__route_function)(struct an__server *s, an_exchange *x, const an__route_match *m);

typedef enum an__route_result {
    AN__ROUTE_FOUND,
    AN__ROUTE_NOWHERE, /* no such path: 404 */
    AN__ROUTE_METHOD,  /* the path is there, the method is not: 405 with `allow` (for OPTIONS: 204 with the same header) */
} an__route_result;

typedef struct an__router an__router;
/* Tables are borrowed and end with a row whose method is NULL. A path that two rows share by name of parameters or method is a mistake of
 * the programmer: AN_FAILED naming both. */
an__router *an__router_new(const an__route *const *tables, size_t count, an_error *err);
void an__router_free(an__router *r);
/* path: as sent, before '?' (an__route_path). Segments are compared after percent-decoding, so "%2F" never divides segments; empty segments
 * and "." are skipped; literal segments go before parameters. HEAD matches rows of GET. Any thread; constant time in the number of rows
 * for practical tables; allocates nothing. */
an__route_result an__router_find(const an__router *r, an_span method, an_span path, an__route_match *out);
an_span an__route_path(an_span target);                                  /* of origin-form and absolute-form targets, without the query */
const char *an__match_value(const an__route_match *m, const char *name); /* NULL: the template has no such parameter */
/* The nearest path of the table, for the hint of a 404; NULL: none near. */
const char *an__router_nearest(const an__router *r, an_span path);

/* ---- rows ------------------------------------------------------------------------------------------------------------------- */

typedef enum an__place { AN__IN_QUERY, AN__IN_HEADER, AN__IN_PATH } an__place;

/* Schemas are JSON texts in which ' stands for ": "{'type':'integer','minimum':1}", or the name of a component (an__schema): "Error". */
typedef struct an__parameter {
    const char *name; /* NULL ends the list */
    an__place place;
    bool required;
    const char *schema, *doc;
} an__parameter;

typedef struct an__response {
    int status;         /* 0 ends the list */
    const char *schema; /* of the body; NULL: no body, or one without a shape (see type) */
    const char *type;   /* media type; NULL: application/json where there is a schema, else none */
    const char *doc;    /* one sentence; NULL: what the status means */
} an__response;

/* A model as the document knows it: its schemas get real names and ranges. */
typedef struct an__openapi_model {
    const char *name;
    const an_model *model;
} an__openapi_model;

struct an__route {
    const char *method; /* "GET"; NULL ends the table */
    /* "/v2/models/{name}/versions/{version}/infer"; "{name}:predict" is a parameter with a literal behind it; "{path...}" at the end takes
     * the rest with its slashes, and is never empty */
    const char *path;
    const char *tag, *summary; /* "inference"; one line */
    const char *doc;           /* more, or NULL */
    an__route_function handle;
    an__route_function
        head; /* before a body comes: takes it in pieces (an_exchange_take), or answers; NULL: it is collected, within limits */
    const an__parameter *parameters; /* query, header; path parameters that are not listed are strings; NULL: none */
    const char *request;             /* schema of the body; NULL: none is read */
    const char *request_types;       /* "application/json" when NULL; further ones behind commas get no schema but bytes */
    bool request_optional;
    const an__response *responses; /* success and its own failures; what the core of HTTP may answer to anything is added (openapi.c) */
    /* Schema of the body for one model, new; where set, the document also has this path once for each model with {name} replaced by its
     * name. NULL: none. */
    json_t *(*model_request)(const an__openapi_model *m);
    json_t *(*model_response)(const an__openapi_model *m); /* of 200 likewise; NULL: as in responses */
    bool hidden;                                           /* not in the document: foreign protocols that describe themselves */
};

/* ---- OpenAPI 3.1 -------------------------------------------------------------------------------------------------------------- */

typedef struct an__schema { /* components/schemas */
    const char *name;       /* NULL ends the list */
    const char *text;       /* as above */
} an__schema;

typedef struct an__openapi {
    const char *title, *version, *description;
    const char *url; /* of this server; NULL: "/" */
    const an__route *const *tables;
    size_t table_count;
    const an__schema *const *schemas; /* besides the room's own (an__openapi_schemas) */
    size_t schema_count;
    const an__openapi_model *models;
    size_t model_count;
} an__openapi;

/* New document; AN_FAILED names the row or schema that is no JSON, or a component that is not there. Paths in the order of the tables, so
 * the same input is the same bytes. */
json_t *an__openapi_json(const an__openapi *o, an_error *err);

/* Components that routes of inference use: Error {"error"}, InferRequest, InferResponse, ModelMetadata, ServerMetadata, Ready, Live,
 * PredictRequest, PredictAnswer, Prediction, and those of other servers. */
extern const an__schema an__openapi_schemas[];
/* For rows of the table: bodies of v2 infer, of predict, of V1 with the features of a model by name. */
json_t *an__openapi_infer(const an__openapi_model *m);
json_t *an__openapi_predict(const an__openapi_model *m);
json_t *an__openapi_instances(const an__openapi_model *m); /* of KServe V1 */

#endif
