/* infer_scoring.c - rows in the forms of other servers: {"instances": [...]} of KServe V1 and TensorFlow Serving, and those of MLflow's
 * scoring server (dataframe_split, dataframe_records, instances, inputs). A row is an object, or a list of all features in their order. */
#include "serve/infer_rows.h"

#include <math.h>
#include <string.h>

static const char forms[] = "\"dataframe_split\", \"dataframe_records\", \"instances\" or \"inputs\"";

static bool no_rows(an__rows *r)
{
    return r->out->rows || an__json_fail(r->json, "there is no row to score");
}

/* [5.5, 41, "A"]; feature: of each place, SIZE_MAX where it is none of the model's; NULL: all of them in their order. */
static bool listed_row(an__rows *r, const size_t *feature, size_t n)
{
    an__json *j = r->json;
    size_t k = 0;
    int next;
    if (!an__json_enter(j, '[', "a row: a list of values") || !an__rows_new(r)) return false;
    for (bool first = true; (next = an__json_element(j, first)) > 0; first = false, k++) {
        if (k == n) return an__json_fail(j, "row %zu has more than %zu values", r->out->rows, n);
        size_t f = feature ? feature[k] : k;
        if (f == SIZE_MAX ? !an__json_skip(j) : !an__rows_value(r, r->out->rows - 1, f)) return false;
    }
    if (next == 0 && k < n) {
        an__json_fail(j, "row %zu has %zu values, expected %zu", r->out->rows, k, n);
        return an_hint(j->err, feature ? "one for each of \"columns\"" : "one for each feature in their order, or an object with names");
    }
    return next == 0;
}

static bool listed_rows(an__rows *r)
{
    an__json *j = r->json;
    int next;
    if (!an__json_enter(j, '[', "a list of rows")) return false;
    for (bool first = true; (next = an__json_element(j, first)) > 0; first = false) {
        char kind = an__json_peek(j);
        if (kind != '{' && kind != '[') return an__json_unexpected(j, "a row: an object, or a list of all its values");
        if (kind == '{' ? !an__rows_object(r, false) : !listed_row(r, NULL, r->model->prep->columns)) return false;
    }
    return next == 0 && no_rows(r);
}

/* ---- MLflow -------------------------------------------------------------------------------------------------------------------------- */

/* The feature of that name, noted in `seen`; SIZE_MAX: none. */
static bool column_of(an__rows *r, an_span name, size_t *feature)
{
    an__infer *out = r->out;
    *feature = an_model_feature_find(r->model, name.data, name.size);
    if (*feature == SIZE_MAX) return true;
    if (out->seen[*feature] == out->mark) return an__json_fail(r->json, "column \"%.100s\" twice", r->model->prep->column[*feature].name);
    out->seen[*feature] = out->mark;
    return true;
}

static bool none_known(an__rows *r)
{
    an__json_fail(r->json, "no column is one of the model's %zu features", r->model->prep->columns);
    return an_hint(r->json->err, "such as \"%.100s\"; GET /v2/models/{name} lists all", r->model->prep->column[0].name);
}

/* One of {"torque": [5.5, 6.1], "angle": [41, 40]}; the first makes the rows. */
static bool column(an__rows *r, size_t f, bool makes_rows)
{
    an__json *j = r->json;
    an__infer *out = r->out;
    size_t k = 0, d = r->model->prep->columns;
    int next;
    if (!an__json_enter(j, '[', "a list of values")) return an_context(j->err, "column \"%.100s\"", r->model->prep->column[f].name);
    for (bool first = true; (next = an__json_element(j, first)) > 0; first = false, k++) {
        if (makes_rows) {
            if (!an__infer_rows(r->model, out, k + 1, r->limits, r->status, j->err)) return false;
            for (size_t i = 0; i < d; i++) out->values[k * d + i] = NAN;
            out->rows = k + 1;
        } else if (k == out->rows) {
            return an__json_fail(j, "column \"%.100s\" is longer than those before it (%zu)", r->model->prep->column[f].name, k);
        }
        if (!an__rows_value(r, k, f)) return false;
    }
    if (next == 0 && k < out->rows)
        return an__json_fail(j, "column \"%.100s\" has %zu values, those before it %zu", r->model->prep->column[f].name, k, out->rows);
    return next == 0;
}

static bool columns(an__rows *r)
{
    an__json *j = r->json;
    an_span key;
    size_t feature, known = 0;
    int next;
    an__infer_seen(r->model, r->out);
    if (!an__json_enter(j, '{', "an object of columns")) return false;
    for (bool first = true; (next = an__json_member(j, first, &key)) > 0; first = false) {
        if (!column_of(r, key, &feature)) return false;
        if (feature == SIZE_MAX ? !an__json_skip(j) : !column(r, feature, !known++)) return false;
    }
    return next == 0 && (known || none_known(r)) && no_rows(r);
}

/* "columns" of dataframe_split: their features, to `pending`. */
static bool split_columns(an__rows *r, size_t *n)
{
    an__json *j = r->json;
    an_span name;
    size_t feature, known = 0;
    int next;
    an__infer_seen(r->model, r->out);
    if (!an__json_enter(j, '[', "a list of names")) return false;
    for (bool first = true; (next = an__json_element(j, first)) > 0; first = false, ++*n) {
        if (!an__json_string(j, &name)) return an_context(j->err, "\"columns\"");
        if (!column_of(r, name, &feature)) return false;
        known += feature != SIZE_MAX;
        an_buf_add(&r->out->pending, &feature, sizeof feature);
    }
    return next == 0 && (known || none_known(r));
}

static bool split_data(an__rows *r, size_t n)
{
    int next;
    if (!an__json_enter(r->json, '[', "a list of rows")) return false;
    for (bool first = true; (next = an__json_element(r->json, first)) > 0; first = false)
        if (!listed_row(r, (const size_t *)(const void *)r->out->pending.data, n)) return false;
    return next == 0 && no_rows(r);
}

/* {"columns": [names], "index": [...], "data": [[values], ...]}, in any order */
static bool split(an__rows *r)
{
    an__json *j = r->json;
    an_span key;
    size_t n = 0;
    bool named = false, read = false;
    const char *later = NULL;
    int next, depth = 0;
    if (!an__json_enter(j, '{', "an object with \"columns\" and \"data\"")) return false;
    for (bool first = true; (next = an__json_member(j, first, &key)) > 0; first = false) {
        bool ok, is_columns = an__is(key, "columns"), is_data = an__is(key, "data");
        if ((is_columns && named) || (is_data && (read || later)))
            return an__json_fail(j, "\"%s\" twice in \"dataframe_split\"", is_columns ? "columns" : "data");
        if (is_columns) {
            named = true;
            ok = split_columns(r, &n);
        } else if (is_data && named) {
            read = true;
            ok = split_data(r, n);
        } else { /* data before their names are looked at again below */
            an__json_peek(j);
            if (is_data) {
                later = j->at;
                depth = j->depth;
            }
            ok = an__json_skip(j);
        }
        if (!ok) return false;
    }
    if (next < 0) return false;
    if (!named || (!read && !later)) return an__json_fail(j, "\"dataframe_split\" without \"%s\"", named ? "data" : "columns");
    if (read) return true;
    const char *after = j->at;
    int level = j->depth;
    j->at = later;
    j->depth = depth;
    if (!split_data(r, n)) return false;
    j->at = after;
    j->depth = level;
    return true;
}

/* ---- bodies -------------------------------------------------------------------------------------------------------------------------- */

static bool body_of(an__rows *r, bool mlflow)
{
    an__json *j = r->json;
    an_span key;
    bool given = false;
    int next;
    if (!an__json_enter(j, '{', mlflow ? "an object with the rows" : "an object: {\"instances\": [...]}")) return false;
    for (bool first = true; (next = an__json_member(j, first, &key)) > 0; first = false) {
        bool ok, is_split = mlflow && an__is(key, "dataframe_split"), is_inputs = mlflow && an__is(key, "inputs");
        bool is_list = an__is(key, "instances") || (mlflow && an__is(key, "dataframe_records"));
        if (is_split || is_inputs || is_list) {
            if (given) return mlflow ? an__json_fail(j, "rows twice: send one of %s", forms) : an__json_fail(j, "\"instances\" twice");
            given = true;
            ok = is_split ? split(r) : is_inputs && an__json_peek(j) == '{' ? columns(r) : listed_rows(r);
        } else {
            ok = an__json_skip(j);
        }
        if (!ok) return false;
    }
    if (next < 0) return false;
    if (!given) {
        an__json_fail(j, "the body has no rows");
        return an_hint(j->err, "they stand under %s", mlflow ? forms : "\"instances\"");
    }
    return an__json_end(j);
}

bool an__infer_read_scoring(const an_model *m, an_span body, bool mlflow, const an__infer_limits *l, an__infer *out, int *status,
                            an_error *err)
{
    an_error own = { 0 };
    an__rows r = { .model = m, .out = out, .limits = l, .status = status, .json = &out->json };
    *status = 400;
    an__infer_clear(out);
    out->form = AN__FORM_PREDICTIONS;
    out->list = true;
    an__json_open(r.json, body, an__infer_limit_depth(l), err ? err : &own);
    r.json->takes_nan = mlflow; /* its client writes what pandas has for a missing value */
    bool ok = body_of(&r, mlflow);
    r.json->err = NULL;
    if (ok) *status = 200;
    return ok;
}
