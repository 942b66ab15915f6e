/* infer.h - the border between decoding and encoding of inference messages (infer_*.c) and the server (server.c and friends).
 *
 * A decoder turns bytes into rows of doubles in the order of the model's features (an_model_score_rows in learn.h); an encoder turns scores
 * into bytes. Neither knows about connections, queues or stores, so both are tested and fuzzed alone.
 */
#ifndef AN_SERVE_INFER_H
#define AN_SERVE_INFER_H

#include "andon/learn.h"
#include "andon/wire.h"
#include "serve/infer_json.h"

typedef enum an__infer_form {
    AN__FORM_V2,          /* Open Inference Protocol v2, JSON or with the binary tensor extension */
    AN__FORM_ROWS,        /* {"press_force_1": 12.3, ...}, a list of such objects, or {"rows": [...]} */
    AN__FORM_PREDICTIONS, /* of KServe V1 and of MLflow: answered {"predictions": [...]} */
} an__infer_form;

enum { AN__OUT_LABEL, AN__OUT_PROBABILITY, AN__OUT_COUNT }; /* names "label" (BYTES) and "probability" (FP64), shape [n,1] */

/* A request, decoded. Zero-initialise. Everything is owned by it; reused for the next by an__infer_clear (keeps memory), which the readers
 * call themselves. Holds nothing of the body. */
typedef struct an__infer {
    an__infer_form form;
    bool list;          /* rows form: the body was a list, so is the answer */
    char *id;           /* v2 "id"; NULL: none */
    double deadline_ms; /* "parameters": {"timeout": microseconds} of v2; NaN: none given */
    size_t rows;
    double *values; /* rows x features */
    size_t capacity;
    /* v2: which outputs, in the order asked for (all when none were named), and whether as raw bytes */
    int outputs;
    struct {
        int which; /* AN__OUT_... */
        bool binary;
    } output[AN__OUT_COUNT];
    /* the readers' own */
    an_buf id_text, pending;
    uint32_t *seen; /* one a feature: the row (counted over the model's requests) or tensor that gave it */
    size_t seen_count;
    uint32_t mark;
    an__json json;
} an__infer;

typedef struct an__infer_limits { /* 0: the default */
    size_t rows;                  /* a request: 65,536 */
    size_t cells;                 /* rows x features: 8,388,608, 64 MiB */
    int depth;                    /* of JSON: 32 */
} an__infer_limits;

/* Body of POST .../infer. json_bytes: value of Inference-Header-Content-Length; SIZE_MAX when the header is absent (all of it is JSON); 0:
 * one raw tensor (FP64, rows x features, where all features are numbers). Inputs: one [n,1] (or [n]) tensor per feature by column name, any
 * numeric datatype, BOOL or BYTES that loses nothing (categories and times BYTES; FP64 for numbers is what metadata says); or one numeric
 * tensor "input" [n,features] where all features are numbers. Missing cells: null in JSON, NaN in floats, empty BYTES. Infinities, integers
 * that lose digits as a double, wrong shapes, unknown names (with the nearest), doubled or absent inputs are AN_INPUT with a sentence;
 * *status gets 400, or 413 beyond the limits. No allocation once buffers have grown. */
bool an__infer_read_v2(const an_model *m, an_span body, size_t json_bytes, const an__infer_limits *l, an__infer *out, int *status,
                       an_error *err);
/* Body of POST /api/models/{name}/predict. A feature that is absent or null is missing (the answer names it), a row without any feature of
 * the model is refused, as is a feature twice in one row; other keys are ignored. Categories as text, booleans true/false or 0/1, times ISO
 * 8601 text or seconds since 1970. */
bool an__infer_read_rows(const an_model *m, an_span body, const an__infer_limits *l, an__infer *out, int *status, an_error *err);
/* Body of POST /v1/models/{name}:predict, {"instances": [...]}, or (mlflow) of POST /invocations: also {"dataframe_split": {"columns",
 * "data"}}, {"dataframe_records": [...]}, {"inputs": [...] or {feature: [values]}}, exactly one of them. Rows are objects as above, or
 * lists of all features in their order. */
bool an__infer_read_scoring(const an_model *m, an_span body, bool mlflow, const an__infer_limits *l, an__infer *out, int *status,
                            an_error *err);
/* One JSON value for one feature, as in the rows form (null: NaN): for routes that take features one by one. */
bool an__infer_read_value(const an_model *m, size_t feature, an__json *j, double *value);
void an__infer_clear(an__infer *r);
void an__infer_free(an__infer *r);

/* What an answer says besides the numbers. */
typedef struct an__infer_about {
    const char *name; /* of the model */
    int64_t version;
    const char *request; /* request id, always there */
    bool unapproved;     /* nobody approved this model: said in every answer */
} an__infer_about;

/* v2 answer appended to out; returns the JSON part's size (for Inference-Header-Content-Length) when raw tensors follow, 0 when all is
 * JSON. A score that is no number (values so large that the model overflows) gives null and an empty label, never a verdict. */
size_t an__infer_write_v2(const an_model *m, const an__infer *r, const double *score, const an__infer_about *a, an_buf *out);
/* [{"label","probability","calibrated","threshold","out_of_range":[names],"missing":[names],"model","version","request","unapproved"?}] or
 * one object; {"predictions": [...]} of these in that form. */
void an__infer_write_rows(const an_model *m, const an__infer *r, const double *score, const an__infer_about *a, an_buf *out);
/* {"name","versions":["3"],"platform":"andon","inputs":[{"name","datatype","shape",
 * "parameters":{"type","unit","low","high","categories"}}],"outputs":[...],
 * "parameters":{"target","positive","negative","threshold","calibrated","matrix_input"?}} */
json_t *an__infer_metadata(const an_model *m, const char *name, const int64_t *versions, size_t count);

#endif
