/* random.c - random oversampling as a generator: rows of the rarer class drawn with replacement, unchanged. */
#include "synth/rows.h"

#include <stdlib.h>

typedef struct random_options {
    char unused;
} random_options;

static const an_param params[] = { AN_PARAM_END };

static bool fit(an_generator *g, const an_table *train, an_job *job, an_error *err)
{
    (void)job;
    an__bank *bank = an_alloc(sizeof *bank);
    g->state = bank;
    size_t *rows = an_alloc_data(train->rows, sizeof *rows, "row numbers", err);
    bank->base = an_alloc_data(train->rows, sizeof *bank->base, "row numbers", err);
    if (!rows || !bank->base) {
        free(rows);
        return false;
    }
    for (size_t i = 0; i < train->rows; i++) {
        rows[i] = i;
        bank->base[i] = (int64_t)i;
    }
    bank->base_count = train->rows;
    bank->rows = an_table_select(train, rows, train->rows, err);
    free(rows);
    return bank->rows != NULL;
}

const an_generator_kind an__random = {
    .name = "random",
    .doc = "rows of the rarer class, drawn with replacement",
    .source = "random oversampling; He and Garcia 2009, section 3.1.1",
    .params = params,
    .options_size = sizeof(random_options),
    .can = AN_CAN_MISSING | AN_CAN_CATEGORY,
    .minority = true,
    .fit = fit,
    .sample = an__bank_sample,
    .save = an__bank_save,
    .load = an__bank_load,
    .free = an__bank_free,
};
