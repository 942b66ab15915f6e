/* fuzz_model.h - two small models for fuzzing what is said to models: every type of feature, and numbers alone. Made once. */
#ifndef ANDON_TESTS_FUZZ_MODEL_H
#define ANDON_TESTS_FUZZ_MODEL_H

#include "andon/learn.h"

#include <stdlib.h>

typedef struct fuzz_models {
    an_model *mixed, *numbers; /* a real, b integer, c boolean, d category, e datetime; a, b */
} fuzz_models;

static an_model *fuzz_fit(int columns)
{
    static const char *const names[] = { "a", "b", "c", "d", "e" };
    static const an_type types[] = { AN_REAL, AN_INTEGER, AN_BOOLEAN, AN_CATEGORY, AN_DATETIME };
    enum { ROWS = 64 };
    an_table *t = an_table_new(ROWS);
    an_rng rng = an_rng_at(1, 1);
    for (int k = 0; k <= columns; k++) {
        an_column *c = an_table_add(t, k < columns ? names[k] : "broken", k < columns ? types[k] : AN_INTEGER, NULL);
        if (!c) abort();
        if (c->type == AN_CATEGORY) {
            c->dictionary.count = 2;
            c->dictionary.names = an_alloc_n(2, sizeof *c->dictionary.names);
            c->dictionary.names[0] = an_strdup("x");
            c->dictionary.names[1] = an_strdup("y");
        }
        for (size_t i = 0; i < ROWS; i++) {
            uint64_t draw = an_rng_below(&rng, 2);
            an_set_valid(c, i);
            if (c->type == AN_REAL)
                c->real[i] = an_rng_normal(&rng);
            else if (c->type == AN_BOOLEAN)
                c->boolean[i] = (uint8_t)draw;
            else if (c->type == AN_CATEGORY)
                c->code[i] = (int32_t)draw;
            else
                c->integer[i] = (int64_t)draw;
        }
        if (k == columns) c->role = AN_TARGET;
    }
    t->positive = an_strdup("1");
    an_error err = { 0 };
    an_model *m = an_model_fit(t, an_predictor_kind_find("logistic", &err), NULL, NULL, NULL, &err);
    if (!m) abort();
    an_table_free(t);
    return m;
}

static void fuzz_models_ready(fuzz_models *m)
{
    if (m->mixed) return;
    m->mixed = fuzz_fit(5);
    m->numbers = fuzz_fit(2);
}

#endif
