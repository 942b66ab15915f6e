/* lower.c - a model as graph: preparation (impute, scale, encode), predictor, threshold. Every number is computed in the order of
 * an_prep_apply, so both give the same bits. Running the graph is runtime.c's, writing it as ONNX package.c's.
 *
 * Datetimes enter as seconds since 1970, as preparation counts them. Categories: lookup maps text to 0..count-1, the empty text to `count`
 * (missing), any other to `count + 1` (unseen). */
#include "learn/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const outputs[] = { "probability", "label" };

bool an__feature_is_number(const an_prep_column *c)
{
    return c->type != AN_CATEGORY;
}

an_dtype an__feature_dtype(const an_prep_column *c)
{
    if (!an__feature_is_number(c)) return AN_STR;
    return c->type == AN_REAL || c->type == AN_DATETIME || c->missing_share > 0 ? AN_F64 : AN_I64;
}

static bool taken(const an_model *m, size_t column, const char *name, char *const *before)
{
    for (size_t i = 0; i < AN_COUNT(outputs); i++)
        if (!strcmp(outputs[i], name)) return true;
    for (size_t i = 0; i < m->prep->columns; i++) {
        if (i != column && !strcmp(m->prep->column[i].name, name)) return true;
        if (i < column && before[i] && !strcmp(before[i], name)) return true;
    }
    return false;
}

/* Only a feature called like an output is renamed, so that a scan of the names before it is short in practice. */
char *an__feature_input(const an_model *m, size_t column)
{
    const char *own = m->prep->column[column].name;
    bool output = false;
    for (size_t i = 0; i < AN_COUNT(outputs); i++) output = output || !strcmp(outputs[i], own);
    if (!output) return an_strdup(own);
    char **before = an_alloc_n(column + 1, sizeof *before);
    for (size_t i = 0; i < column; i++) before[i] = an__feature_input(m, i);
    char *name = an_format("%s_", own);
    while (taken(m, column, name, before)) {
        char *longer = an_format("%s_", name);
        free(name);
        name = longer;
    }
    for (size_t i = 0; i < column; i++) free(before[i]);
    free(before);
    return name;
}

static an_node number(an_graph *g, double value)
{
    return an_scalar(g, AN_F64, value);
}

/* x where it is there, else the fill */
static an_node impute(an_node x, an_node fill)
{
    return an_select(an_is_nan(x), fill, x);
}

static an_node scaled(an_node x, an_node center, an_node scale)
{
    return an_div(an_sub(x, center), scale);
}

static an_node input(const an_model *m, an_graph *g, size_t i)
{
    char *name = an__feature_input(m, i);
    an_node x = an_input(g, name, an__feature_dtype(&m->prep->column[i]), (an_shape){ 2, { AN_BATCH, 1 } });
    free(name);
    return x;
}

static an_node category(const an_prep_column *c, an_node text)
{
    an_graph *g = text.graph;
    int32_t count = c->dictionary.count;
    const char **names = an_alloc_n((size_t)count + 1, sizeof *names);
    for (int32_t k = 0; k < count; k++) names[k] = c->dictionary.names[k];
    names[count] = "";
    an_node code = an_cast(an_lookup(text, names, count + 1, an__code_unseen(c)), AN_F64);
    free(names);
    code = an_select(an_equal(code, number(g, (double)an__code_missing(c))), number(g, c->fill), code);
    if (c->onehot) return an_one_hot(an_cast(code, AN_I64), count, AN_F64);
    code = an_select(an_equal(code, number(g, (double)an__code_unseen(c))), number(g, c->fill), code);
    return scaled(code, number(g, c->center), number(g, c->scale));
}

static an_node one_column(const an_model *m, an_graph *g, size_t i)
{
    const an_prep_column *c = &m->prep->column[i];
    an_node x = input(m, g, i);
    if (!an__feature_is_number(c)) return category(c, x);
    x = an__feature_dtype(c) == AN_I64 ? an_cast(x, AN_F64) : impute(x, number(g, c->fill));
    return scaled(x, number(g, c->center), number(g, c->scale));
}

static an_node by_columns(const an_model *m, an_graph *g)
{
    size_t n = 0;
    an_node *parts = an_alloc_n(m->prep->columns, sizeof *parts);
    for (size_t i = 0; i < m->prep->columns; i++)
        if (an__feature_used(&m->prep->column[i])) parts[n++] = one_column(m, g, i);
    an_node x = n == 1 ? parts[0] : an_concat(parts, (int)n, 1);
    free(parts);
    return x;
}

/* Numbers are imputed and scaled as one matrix; runs of neighbouring ones stay together when categories stand between them. */
static an_node by_matrix(const an_model *m, an_graph *g)
{
    const an_prep *p = m->prep;
    size_t n = p->columns, numbers = 0, count = 0;
    double *rows = an_alloc_n(3 * n, sizeof *rows), *fill = rows, *center = rows + n, *scale = rows + 2 * n;
    for (size_t i = 0; i < n; i++) {
        const an_prep_column *c = &p->column[i];
        if (!an__feature_is_number(c)) continue;
        fill[numbers] = c->fill;
        center[numbers] = c->center;
        scale[numbers++] = c->scale;
    }
    an_node ready = { g, -1 };
    if (numbers) {
        an_shape row = { 2, { 1, (int64_t)numbers } };
        an_node raw =
            impute(an_input(g, "input", AN_F64, (an_shape){ 2, { AN_BATCH, (int64_t)numbers } }), an_constant(g, AN_F64, row, fill));
        ready = scaled(raw, an_constant(g, AN_F64, row, center), an_constant(g, AN_F64, row, scale));
    }
    an_node *parts = an_alloc_n(n, sizeof *parts);
    for (size_t i = 0, at = 0; i < n;) {
        const an_prep_column *c = &p->column[i];
        if (!an__feature_is_number(c)) {
            if (an__feature_used(c)) parts[count++] = category(c, input(m, g, i));
            i++;
            continue;
        }
        size_t start = at;
        for (; i < n && an__feature_is_number(&p->column[i]); i++) at++;
        parts[count++] = at - start == numbers ? ready : an_slice(ready, 1, (int64_t)start, (int64_t)(at - start));
    }
    an_node x = count == 1 ? parts[0] : an_concat(parts, (int)count, 1);
    free(parts);
    free(rows);
    return x;
}

bool an__lower(const an_model *m, an_graph *g, an__layout layout, an__lowered *out, an_error *err)
{
    if (!m->prep->width) return an_fail(err, AN_INPUT, "the model has no feature columns");
    out->prepared = layout == AN__COLUMNS ? by_columns(m, g) : by_matrix(m, g);
    out->probability = m->predictor->kind->lower(m->predictor, out->prepared);
    out->label = an_cast(an_greater_equal(out->probability, number(g, m->threshold.value)), AN_I64);
    return !an_graph_error(g, err) || an_context(err, "model of \"%s\" as graph", m->target);
}

bool an_model_lower(const an_model *m, an_graph *g, an_node *probability, an_node *label, an_error *err)
{
    an__lowered l;
    if (!an__lower(m, g, AN__COLUMNS, &l, err)) return false;
    *probability = l.probability;
    *label = l.label;
    return true;
}

bool an_model_lower_matrix(const an_model *m, an_graph *g, an_node *probability, an_node *label, an_error *err)
{
    for (size_t i = 0; i < m->prep->columns; i++)
        if (!an__feature_is_number(&m->prep->column[i]))
            return an_fail(err, AN_INPUT, "feature \"%s\" is a category; one input matrix needs numbers only", m->prep->column[i].name);
    an__lowered l;
    if (!an__lower(m, g, AN__MATRIX, &l, err)) return false;
    *probability = l.probability;
    *label = l.label;
    return true;
}
