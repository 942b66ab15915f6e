/* infer_v2.h - what the two files that read v2 requests share: infer_v2.c the request, infer_v2_input.c its inputs. */
#ifndef AN_SERVE_INFER_V2_H
#define AN_SERVE_INFER_V2_H

#include "serve/infer_tensor.h"

typedef struct an__v2 {
    const an_model *model;
    an__infer *out;
    const an__infer_limits *limits;
    int *status;
    an__json *json;
    size_t body;               /* bytes of the whole request */
    bool has_raw;              /* a header said where raw tensors begin */
    bool all_binary;           /* "binary_data_output" */
    bool matrix;               /* "input" was given */
    size_t known;              /* features given */
    size_t guess;              /* feature that probably comes next */
    int binary[AN__OUT_COUNT]; /* of output[i]: -1 as the request says */
    an_error *err;
} an__v2;

/* A key of an object, noted in `seen`; refused when it came before. */
bool an__v2_twice(an__v2 *r, unsigned *seen, unsigned bit, const char *key);
/* null is taken, where something is optional: some clients write what they leave out */
bool an__v2_null(an__json *j);
bool an__v2_inputs(an__v2 *r); /* the list of inputs */

#endif
