/* model.h - what the files of this room share: the lowered forms of a model, its runtime, its JSON. Nothing here is for other rooms. */
#ifndef AN_LEARN_MODEL_H
#define AN_LEARN_MODEL_H

#include "andon/learn.h"

enum { AN__MODEL_FORMAT = 1 }; /* of model.json; a higher one is refused as newer */

/* ---- predictors: one file each, one row each in registry.c ---- */

extern const an_predictor_kind an__logistic;

/* What every fit asks first: rows and columns there, finite values, weights finite and not negative with a positive one in each class, both
 * classes there. */
bool an__samples_check(const an_samples *s, an_error *err);

/* ---- lowering ---- */

typedef enum an__layout {
    AN__COLUMNS, /* one input [batch,1] a feature, by column name (an__feature_input) */
    AN__MATRIX,  /* numbers as one f64 input "input" [batch, numeric features], NaN where missing; categories as in AN__COLUMNS */
} an__layout;

typedef struct an__lowered {
    an_node prepared;    /* f64 [batch, prep width] */
    an_node probability; /* f64 [batch, 1] */
    an_node label;       /* i64 [batch, 1] */
} an__lowered;

bool an__lower(const an_model *m, an_graph *g, an__layout layout, an__lowered *out, an_error *err);
bool an__feature_is_number(const an_prep_column *c); /* enters as a number (everything but categories) */
an_dtype an__feature_dtype(const an_prep_column *c); /* of its input in AN__COLUMNS: AN_F64 (datetimes: seconds since 1970), AN_I64 (whole
                                                        numbers that were never missing in training) or AN_STR */
/* A category without any value in training has no prepared columns and is no input. */
static inline bool an__feature_used(const an_prep_column *c)
{
    return c->width > 0;
}
char *an__feature_input(const an_model *m,
                        size_t column); /* new text: the column's name, '_' appended while it equals an output's or an earlier input's */

/* Codes that a category input binds: 0..count-1 of the dictionary; missing and unseen as follows. */
static inline int64_t an__code_missing(const an_prep_column *c)
{
    return c->dictionary.count;
}
static inline int64_t an__code_unseen(const an_prep_column *c)
{
    return c->dictionary.count + 1;
}

/* ---- runtime: the compiled program and idle sessions ---- */

void an__runtime_free(void *runtime);

/* Features and categories by text; made with the runtime. */
typedef struct an__index an__index;
an__index *an__index_new(const an_model *m);
void an__index_free(an__index *x);
const an__index *an__runtime_index(const an_model *m); /* any thread */
/* The code that a value of a row stands for: NaN is missing, what is no code is unseen. */
int64_t an__code_of(const an_prep_column *c, double value);

/* Names of the features of each row that lie outside the training range or hold an unseen category, joined by ';', as an_prep_out_of_range
 * but with the columns looked up once: appended to text, row i ends at end[i]. */
bool an__out_of_range(const an_model *m, const an_table *t, an_buf *text, uint64_t *end, an_error *err);

/* ---- JSON ---- */

json_t *an__model_json(const an_model *m, an_error *err); /* new: everything but file hashes */
/* tensors may hold "train_keys". Everything is checked; AN_CORRUPT or AN_NEWER. */
an_model *an__model_from_json(const json_t *j, const an_params *tensors, an_error *err);
bool an__model_tensors(const an_model *m, an_params *tensors, json_t *meta, an_error *err); /* the predictor's, then train_keys */

#endif
