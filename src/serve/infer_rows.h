/* infer_rows.h - what the readers of rows share: infer_rows.c (rows as objects), infer_scoring.c (the forms of KServe V1 and MLflow). */
#ifndef AN_SERVE_INFER_ROWS_H
#define AN_SERVE_INFER_ROWS_H

#include "serve/infer_tensor.h"

typedef struct an__rows {
    const an_model *model;
    an__infer *out;
    const an__infer_limits *limits;
    int *status;
    an__json *json;
} an__rows;

/* A row without values at the end, with `seen` ready for its features. */
bool an__rows_new(an__rows *r);
/* An object: a row, or (at the top) one that holds rows. */
bool an__rows_object(an__rows *r, bool top);
/* The next value, for a feature of a row (counted from 0); failures say which and where. */
bool an__rows_value(an__rows *r, size_t row, size_t feature);

#endif
