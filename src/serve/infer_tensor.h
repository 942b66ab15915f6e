/* infer_tensor.h - what the decoders share: datatypes of the Open Inference Protocol, values for features, room for rows. */
#ifndef AN_SERVE_INFER_TENSOR_H
#define AN_SERVE_INFER_TENSOR_H

#include "serve/infer.h"

#include <string.h>

/* s is that word: of a literal, so that its size is known when this is compiled */
static inline bool an__is(an_span s, const char *word)
{
    size_t n = strlen(word);
    return s.size == n && !memcmp(s.data, word, n);
}

typedef enum an__kind { AN__KIND_BOOL, AN__KIND_INTEGER, AN__KIND_FLOAT, AN__KIND_BYTES } an__kind;
typedef struct an__datatype {
    const char *name;
    an__kind kind;
    size_t bytes;     /* of an element; 0: each its own */
    double low, high; /* of integers and floats */
} an__datatype;
const an__datatype *an__datatype_find(an_span name); /* NULL: none */
void an__datatype_names(an_buf *out);                /* "BOOL, INT8, ..." */

/* One input: a feature's column, or all of them as a matrix. */
typedef struct an__tensor {
    size_t feature; /* SIZE_MAX: the matrix "input" */
    const an__datatype *type;
    size_t rows, columns;
    size_t bytes; /* binary_data_size */
} an__tensor;

/* Where element k of a tensor goes; the feature it belongs to. */
static inline double *an__tensor_cell(const an__tensor *t, an__infer *r, size_t features, size_t k, size_t *feature)
{
    *feature = t->feature != SIZE_MAX ? t->feature : k % t->columns;
    return r->values + (t->feature != SIZE_MAX ? k * features + *feature : k);
}
const char *an__tensor_name(const an_model *m, const an__tensor *t); /* "input", or the feature's */
/* "input "force", element 3: "; always false. Elements count from 0. */
bool an__tensor_context(const an_model *m, const an__tensor *t, size_t k, an_error *err);

/* What a number or a text means to a feature; NaN and the empty text are missing. AN_INPUT says what the feature takes. */
bool an__infer_number(const an_model *m, size_t feature, double number, double *value, an_error *err);
bool an__infer_text(const an_model *m, size_t feature, const char *text, size_t n, double *value, an_error *err);
/* ISO 8601: a date, optionally with a time of day, Z or +hh:mm (no zone: UTC), as tables read it; seconds since 1970. */
bool an__infer_time(const char *text, size_t n, double *seconds);
const char *an__infer_takes(const an_model *m, size_t feature); /* "a number", "a text", "true or false", ... */

/* Room for that many rows, features given: values are kept. false: AN_INPUT and *status 413 beyond the limits, AN_MEMORY and 503. */
bool an__infer_rows(const an_model *m, an__infer *r, size_t rows, const an__infer_limits *l, int *status, an_error *err);
size_t an__infer_limit_rows(const an__infer_limits *l, size_t features);
int an__infer_limit_depth(const an__infer_limits *l);
/* Room to note which features came. */
void an__infer_seen(const an_model *m, an__infer *r);
/* A column that was empty in training has no influence: it need not be sent. */
static inline bool an__infer_needed(const an_model *m, size_t feature)
{
    return m->prep->column[feature].width > 0;
}

/* Raw tensors of `pending`, in order: exactly all of `bytes`. */
bool an__infer_binary(const an_model *m, an__infer *r, an_span bytes, an_error *err);
/* FP16 (IEEE 754 binary16) to double: exact. */
double an__infer_half(uint16_t bits);

#endif
