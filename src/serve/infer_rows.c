/* infer_rows.c - rows as people write them: {"press_force_1": 12.3, ...}, a list of such objects, or {"rows": [...]}. */
#include "serve/infer_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Clients send features in the same order each time: the one behind the last is tried before the hash. */
static size_t feature_of(const an_model *m, an_span key, size_t guess)
{
    if (guess < m->prep->columns) {
        const char *name = m->prep->column[guess].name;
        if (strlen(name) == key.size && !memcmp(name, key.data, key.size)) return guess;
    }
    return an_model_feature_find(m, key.data, key.size);
}

bool an__rows_new(an__rows *r)
{
    an__infer *out = r->out;
    size_t d = r->model->prep->columns;
    if (!an__infer_rows(r->model, out, out->rows + 1, r->limits, r->status, r->json->err)) return false;
    double *row = out->values + out->rows++ * d;
    for (size_t i = 0; i < d; i++) row[i] = NAN;
    an__infer_seen(r->model, out);
    return true;
}

static bool none_known(an__rows *r, const char *unknown)
{
    const an_prep *p = r->model->prep;
    const char **names = an_alloc_n(p->columns + 1, sizeof *names);
    for (size_t i = 0; i < p->columns; i++) names[i] = p->column[i].name;
    const char *near = *unknown ? an_nearest(unknown, names, p->columns) : NULL;
    an__json_fail(r->json, "row %zu has none of the model's %zu features", r->out->rows, p->columns);
    if (near)
        an_hint(r->json->err, "for \"%s\", the nearest feature is \"%.100s\"", unknown, near);
    else
        an_hint(r->json->err, "send an object such as {\"%.100s\": ...}; GET /v2/models/{name} lists all features", p->column[0].name);
    free(names);
    return false;
}

static bool list(an__rows *r);

bool an__rows_value(an__rows *r, size_t row, size_t feature)
{
    an__json *j = r->json;
    const an_prep *p = r->model->prep;
    const char *at = j->at;
    if (an__infer_read_value(r->model, feature, j, &r->out->values[row * p->columns + feature])) return true;
    if (j->err && !j->err->where[0]) { /* the value's own failure: say where it stands */
        an_error own = *j->err;
        j->at = at;
        an__json_fail(j, "%s", own.message);
        an_hint(j->err, "%s", own.hint);
    }
    return an_context(j->err, "row %zu, \"%.100s\"", row + 1, p->column[feature].name);
}

bool an__rows_object(an__rows *r, bool top)
{
    an__json *j = r->json;
    const an_prep *p = r->model->prep;
    an_span key;
    size_t known = 0, guess = 0;
    char unknown[64] = "";
    bool listed = false; /* "rows" was met */
    int next;
    if (!an__json_enter(j, '{', top ? "an object or a list of objects" : "an object with the features of a row"))
        return !top || j->err->hint[0] ? false : an_hint(j->err, "send JSON such as {\"%.100s\": ...}", p->column[0].name);
    if (!an__rows_new(r)) return false;
    for (bool first = true; (next = an__json_member(j, first, &key)) > 0; first = false) {
        size_t f = feature_of(r->model, key, guess);
        if (f == SIZE_MAX) {
            if (top && an__is(key, "rows") && an__json_peek(j) == '[') {
                if (listed) return an__json_fail(j, "\"rows\" twice");
                if (known) return an__json_fail(j, "\"rows\" beside features: send either one row or a list of them");
                listed = true;
                r->out->rows = 0;
                if (!list(r)) return false;
                continue;
            }
            if (!*unknown) snprintf(unknown, sizeof unknown, "%.*s", key.size > 60 ? 60 : (int)key.size, key.data);
            if (!an__json_skip(j)) return false;
            continue;
        }
        const char *name = p->column[f].name;
        if (listed) return an__json_fail(j, "feature \"%.100s\" beside \"rows\": send either one row or a list of them", name);
        if (r->out->seen[f] == r->out->mark) return an__json_fail(j, "feature \"%.100s\" twice in row %zu", name, r->out->rows);
        r->out->seen[f] = r->out->mark;
        if (!an__rows_value(r, r->out->rows - 1, f)) return false;
        known++;
        guess = f + 1;
    }
    if (next < 0) return false;
    return known || listed || none_known(r, unknown);
}

static bool list(an__rows *r)
{
    an__json *j = r->json;
    int next;
    r->out->list = true;
    if (!an__json_enter(j, '[', "a list of rows")) return false;
    for (bool first = true; (next = an__json_element(j, first)) > 0; first = false)
        if (!an__rows_object(r, false)) return false;
    if (next == 0 && !r->out->rows) return an__json_fail(j, "the list holds no row");
    return next == 0;
}

bool an__infer_read_rows(const an_model *m, an_span body, const an__infer_limits *l, an__infer *out, int *status, an_error *err)
{
    an_error own = { 0 };
    an__json *j = &out->json;
    an__rows r = { .model = m, .out = out, .limits = l, .status = status, .json = j };
    *status = 400;
    an__infer_clear(out);
    out->form = AN__FORM_ROWS;
    an__json_open(j, body, an__infer_limit_depth(l), err ? err : &own);
    bool ok = (an__json_peek(j) == '[' ? list(&r) : an__rows_object(&r, true)) && an__json_end(j);
    j->err = NULL;
    if (ok) *status = 200;
    return ok;
}
