/* infer.h - the border between decoding and encoding of inference messages (infer_*.c) and the server (server.c and friends).
 *
 * A decoder turns bytes into rows of doubles in the order of the model's features (an_model_score_rows in learn.h); an encoder turns scores into
 * bytes. Neither knows about connections, queues or stores, so both are tested and fuzzed alone.
 */
#ifndef AN_SERVE_INFER_H
#define AN_SERVE_INFER_H

#include "andon/learn.h"
#include "andon/wire.h"

typedef enum an__infer_form {
    AN__FORM_V2,   /* Open Inference Protocol v2, JSON or with the binary tensor extension */
    AN__FORM_ROWS, /* {"press_force_1": 12.3, ...}, a list of such objects, or {"rows": [...]} */
} an__infer_form;

/* A request, decoded. Everything is owned by it except where said; reused for the next by an__infer_clear (keeps memory). */
typedef struct an__infer {
    an__infer_form form;
    bool list;      /* rows form: the body was a list, so is the answer */
    char *id;       /* v2 "id"; NULL: none */
    double deadline_ms; /* "parameters": {"timeout": microseconds} of v2, or header; NaN: none given */
    size_t rows;
    double *values; /* rows x features */
    size_t capacity;
    /* v2: which outputs, in the order asked for (all when none were named), and whether as raw bytes */
    int outputs;
    struct {
        int which; /* AN__OUT_... */
        bool binary;
    } output[8];
} an__infer;

enum { AN__OUT_LABEL, AN__OUT_PROBABILITY, AN__OUT_COUNT }; /* names "label" (BYTES) and "probability" (FP64), shape [n,1] */

typedef struct an__infer_limits {
    size_t rows;  /* a request: 65,536 */
    int depth;    /* of JSON: 32 */
} an__infer_limits;

/* Body of POST .../infer. json_bytes: value of Inference-Header-Content-Length; SIZE_MAX when the header is absent (all of it is JSON); 0: one raw
 * tensor. Inputs: one [n,1] (or [n]) tensor per feature by column name, any numeric datatype or BOOL or BYTES that loses nothing (categories and times
 * BYTES; FP64 for numbers is what metadata says); or one numeric tensor "input" [n,features] where all features are numbers. Missing cells: null in
 * JSON, NaN in floats, empty BYTES. Infinities, integers beyond 2^53 that lose digits, wrong shapes, unknown names (with the nearest), doubled or
 * absent inputs are AN_INPUT with a sentence; *status gets 400, 404 or 413. No allocation once buffers have grown. */
bool an__infer_read_v2(const an_model *m, an_slice body, size_t json_bytes, const an__infer_limits *l, an__infer *out, int *status, an_error *err);
/* Body of POST /api/models/{name}/predict. A feature that is absent or null is missing; unknown keys are ignored but id columns ("id") come back:
 * an__infer_read_rows collects nothing of them. Categories as text, booleans true/false, times ISO 8601 text or seconds. */
bool an__infer_read_rows(const an_model *m, an_slice body, const an__infer_limits *l, an__infer *out, int *status, an_error *err);
void an__infer_clear(an__infer *r);
void an__infer_free(an__infer *r);

/* What an answer says besides the numbers. */
typedef struct an__infer_about {
    const char *name;    /* of the model */
    int64_t version;
    const char *request; /* request id, always there */
    bool unapproved;     /* nobody approved this model: said in every answer */
} an__infer_about;

/* v2 answer appended to out; returns the JSON part's size (for Inference-Header-Content-Length) when raw tensors follow, 0 when all is JSON. */
size_t an__infer_write_v2(const an_model *m, const an__infer *r, const double *score, const an__infer_about *a, an_buf *out);
/* [{"label","probability","calibrated","threshold","out_of_range":[names],"missing":[names],"model","version","request","unapproved"?}] or one object. */
void an__infer_write_rows(const an_model *m, const an__infer *r, const double *score, const an__infer_about *a, an_buf *out);
/* {"name","versions":["3"],"platform":"andon","inputs":[{"name","datatype","shape"}],"outputs":[...],"parameters":{...}} */
json_t *an__infer_metadata(const an_model *m, const char *name, const int64_t *versions, size_t count);

#endif
