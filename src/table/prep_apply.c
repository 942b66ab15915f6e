/* prep_apply.c - preparation of rows for a model, and the way back from prepared space for generators. */
#include "prep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Code in the fitted dictionary of each code of a category column: -1 unseen in training. */
static int32_t *map_codes(const an_prep_column *c, const an_column *from)
{
    int32_t *map = an_alloc_n((size_t)from->dictionary.count + 1, sizeof *map);
    for (int32_t k = 0; k < from->dictionary.count; k++) {
        map[k] = an__dictionary_find(&c->dictionary, from->dictionary.names[k], strlen(from->dictionary.names[k]));
    }
    return map;
}

/* -2: missing, -1: unseen in training. A category may come as a text or a number in a small file: its text decides. */
static int32_t code_of(const an_prep_column *c, const an_column *from, size_t row, const int32_t *map, an_buf *scratch)
{
    if (!an_valid(from, row)) return -2;
    if (map) return from->code[row] < 0 ? -2 : map[from->code[row]];
    an_buf_clear(scratch);
    an_cell_text(from, row, scratch);
    return an__dictionary_find(&c->dictionary, scratch->data ? scratch->data : "", scratch->size);
}

static bool apply_category(const an_prep *p, const an_prep_column *c, const an_column *from, const size_t *rows, size_t n, double *out,
                           size_t *unseen, an_error *err)
{
    if (from->type == AN_TENSOR) return an_fail(err, AN_INPUT, "column %s holds arrays where a category is needed", c->name);
    int32_t *map = from->type == AN_CATEGORY ? map_codes(c, from) : NULL;
    an_buf scratch = { 0 };
    for (size_t i = 0; i < n; i++) {
        double *row = out + i * p->width + c->first;
        int32_t code = code_of(c, from, rows ? rows[i] : i, map, &scratch);
        if (code == -1 && unseen) ++*unseen;
        if (code == -2) code = (int32_t)c->fill;
        if (c->onehot) {
            for (size_t k = 0; k < c->width; k++) row[k] = 0;
            if (code >= 0 && (size_t)code < c->width) row[code] = 1;
        } else {
            row[0] = ((code >= 0 ? (double)code : c->fill) - c->center) / c->scale;
        }
    }
    free(map);
    an_buf_free(&scratch);
    return true;
}

bool an_prep_apply(const an_prep *p, const an_table *t, const size_t *rows, size_t n, double *out, size_t *unseen, an_error *err)
{
    if (!rows) n = t->rows;
    if (unseen) *unseen = 0;
    for (size_t j = 0; j < p->columns; j++) {
        const an_prep_column *c = &p->column[j];
        const an_column *from = an_table_need(t, c->name, err);
        if (!from) {
            if (err) err->code = AN_INPUT; /* the table lacks what was fitted: the input is wrong, not a name that was typed */
            return an_context(err, "the model needs column %s", c->name);
        }
        if (c->type == AN_CATEGORY) {
            if (!apply_category(p, c, from, rows, n, out, unseen, err)) return false;
            continue;
        }
        if (!an__is_number(from->type) && from->missing < t->rows) {
            size_t row = 0;
            while (!an_valid(from, row)) row++;
            an_buf text = { 0 };
            an_cell_text(from, row, &text);
            an_fail(err, AN_INPUT, "column %s holds %s where numbers are needed: row %zu is \"%.60s\"", c->name, an_type_name(from->type),
                    row + 1, text.data ? text.data : "");
            an_buf_free(&text);
            return an_hint(err, "the model was trained on numbers in this column");
        }
        if ((c->type == AN_DATETIME) != (from->type == AN_DATETIME) && from->missing < t->rows) {
            return an_fail(err, AN_INPUT, "column %s is %s where %s is needed", c->name, an_type_name(from->type), an_type_name(c->type));
        }
        for (size_t i = 0; i < n; i++) {
            double x = an__prep_number(from, rows ? rows[i] : i);
            if (isnan(x)) x = c->fill;
            out[i * p->width + c->first] = (x - c->center) / c->scale;
        }
    }
    return true;
}

void an_prep_out_of_range(const an_prep *p, const an_table *t, size_t row, an_buf *out)
{
    size_t mark = out->size;
    an_buf scratch = { 0 };
    for (size_t j = 0; j < p->columns; j++) {
        const an_prep_column *c = &p->column[j];
        const an_column *from = an_table_find(t, c->name);
        if (!from || !an_valid(from, row) || (p->target_last && j + 1 == p->columns)) continue;
        bool outside;
        if (c->type == AN_CATEGORY) {
            outside = code_of(c, from, row, NULL, &scratch) == -1;
        } else {
            double x = an__prep_number(from, row);
            outside = x < c->low || x > c->high; /* false where there is no range */
        }
        if (!outside) continue;
        if (out->size > mark) an_buf_putc(out, ';');
        an_buf_puts(out, c->name);
    }
    an_buf_free(&scratch);
}

/* ---- the way back ------------------------------------------------------------------------------------------------------------- */

static double invert_number(const an_prep_column *c, float value)
{
    double x = (double)value * c->scale + c->center;
    if (isnan(x)) x = c->fill;
    if (x < c->low) x = c->low;
    if (x > c->high) x = c->high;
    if (c->step > 0) {
        double per_unit = nearbyint(1 / c->step);
        x = nearbyint(x * per_unit) / per_unit;
    } else if (c->whole) {
        x = nearbyint(x);
    }
    if (x < c->low) x = c->low; /* a limit need not be a multiple within the last bit */
    if (x > c->high) x = c->high;
    return x;
}

static int32_t invert_category(const an_prep_column *c, const float *values)
{
    if (!c->dictionary.count) return -1;
    if (!c->onehot) return (int32_t)invert_number(c, values[0]);
    int32_t best = 0;
    for (int32_t k = 1; k < c->dictionary.count; k++) {
        if (values[k] > values[best]) best = k;
    }
    return best;
}

an_table *an_prep_invert(const an_prep *p, const float *values, size_t n, an_error *err)
{
    an_table *t = an_table_new(n);
    for (size_t j = 0; j < p->columns; j++) {
        const an_prep_column *c = &p->column[j];
        an_column like = { .name = c->name, .unit = c->unit, .type = c->type };
        if (c->type == AN_CATEGORY || c->type == AN_BOOLEAN) like.dictionary = c->dictionary;
        an_column *to = an__table_add_like(t, &like, false, err);
        if (!an__column_cells(to, n, err)) {
            an_table_free(t);
            return NULL;
        }
        to->role = p->target_last && j + 1 == p->columns ? AN_TARGET : AN_FEATURE;
        for (size_t i = 0; i < n; i++) {
            const float *v = values + i * p->width + c->first;
            switch (c->type) {
            case AN_CATEGORY:
                to->code[i] = invert_category(c, v);
                if (to->code[i] < 0) an_set_missing(t, to, i);
                break;
            case AN_INTEGER: {
                double x = invert_number(c, *v);
                to->integer[i] = x >= 9.2e18 ? INT64_MAX : x <= -9.2e18 ? INT64_MIN : (int64_t)nearbyint(x);
                break;
            }
            case AN_DATETIME: {
                double us = invert_number(c, *v) * 1e6;
                to->integer[i] = us >= 9.2e18 ? INT64_MAX : us <= -9.2e18 ? INT64_MIN : (int64_t)nearbyint(us);
                break;
            }
            case AN_BOOLEAN:
                to->boolean[i] = invert_number(c, *v) >= 0.5;
                break;
            default:
                to->real[i] = invert_number(c, *v);
            }
        }
    }
    return t;
}
