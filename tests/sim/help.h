/* help.h - what the tests of this room share. */
#ifndef TEST_SIM_HELP_H
#define TEST_SIM_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "andon/score.h"
#include "andon/sim.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const meaningless[] = { "serial", "line", "bearing_input_force_max", "remark", "export_ms" };
enum { FEATURES = 66 };

static inline bool is_meaningless(const char *name)
{
    for (size_t i = 0; i < AN_COUNT(meaningless); i++) {
        if (!strcmp(name, meaningless[i])) return true;
    }
    return false;
}

/* settings: "rows=300 missing=0.1" */
static inline an_gearbox simulate(const char *settings, uint64_t seed, an_job *job)
{
    an_gearbox_options o = { 0 };
    an_params_defaults(an_gearbox_params, &o);
    an_list words = { 0 };
    an_error err = { 0 };
    an_list_split(&words, settings, ' ');
    for (size_t i = 0; i < words.count; i++) {
        char *sign = strchr(words.items[i], '=');
        *sign = 0;
        if (!an_params_set(an_gearbox_params, &o, words.items[i], sign + 1, &err)) fail_msg("%s", err.message);
    }
    an_list_free(&words);
    an_gearbox g;
    if (!an_gearbox_simulate(&o, seed, &g, job, &err)) fail_msg("%s: %s", settings, err.message);
    return g;
}

static inline const an_column *column(const an_table *t, const char *name)
{
    const an_column *c = an_table_find(t, name);
    if (!c) fail_msg("no column %s", name);
    return c;
}

static inline char *csv(const an_table *t)
{
    an_buf b = { 0 };
    an_csv_text(t, true, &b);
    return an_buf_take(&b);
}

static inline uint8_t *labels(const an_table *parts)
{
    uint8_t *y = an_alloc_n(parts->rows, 1);
    const an_column *c = column(parts, "broken");
    for (size_t i = 0; i < parts->rows; i++) y[i] = (uint8_t)c->integer[i];
    return y;
}

static inline const char *mode_of(const an_gearbox *g, size_t row)
{
    const an_column *c = column(g->truth, "mode");
    return c->dictionary.names[c->code[row]];
}

/* Text of a cell; the caller frees. */
static inline char *cell(const an_column *c, size_t row)
{
    an_buf b = { 0 };
    an_cell_text(c, row, &b);
    return an_buf_take(&b);
}

#endif
