/* infer_v2_input.c - one input of a v2 request: name, shape, datatype, and its data where they are JSON. Keys may come in any order. */
#include "serve/infer_v2.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RANK = 4 };

/* ---- one input -------------------------------------------------------------------------------------------------------------------- */

typedef struct input {
    an__tensor tensor;
    bool named, typed, matrix; /* matrix: its name is "input" */
    int rank;                  /* -1: no shape yet */
    int64_t shape[RANK];
    bool begun, has_data, raw;
} input;

static bool unknown_input(an__v2 *r, an_span name)
{
    const an_prep *p = r->model->prep;
    const char **names = an_alloc_n(p->columns + 1, sizeof *names);
    char *text = an_strndup(name.data, name.size < 200 ? name.size : 200);
    for (size_t i = 0; i < p->columns; i++) names[i] = p->column[i].name;
    const char *near = an_nearest(text, names, p->columns);
    an__json_fail(r->json, "the model has no input \"%.100s\"", text);
    if (near)
        an_hint(r->err, "the nearest is \"%.100s\"", near);
    else
        an_hint(r->err, "its %zu inputs are listed by GET /v2/models/{name}", p->columns);
    free(text);
    free(names);
    return false;
}

static bool input_name(an__v2 *r, input *in)
{
    an_span s;
    const an_prep *p = r->model->prep;
    if (!an__json_string(r->json, &s)) return an_context(r->err, "\"name\" of an input");
    in->named = true;
    in->tensor.feature = SIZE_MAX;
    if (r->guess < p->columns && strlen(p->column[r->guess].name) == s.size && !memcmp(p->column[r->guess].name, s.data, s.size))
        in->tensor.feature = r->guess;
    else
        in->tensor.feature = an_model_feature_find(r->model, s.data, s.size);
    in->matrix = an__is(s, "input");
    return in->tensor.feature != SIZE_MAX || in->matrix || unknown_input(r, s);
}

static bool input_shape(an__v2 *r, input *in)
{
    int next;
    in->rank = 0;
    if (!an__json_enter(r->json, '[', "a shape such as [1,1]")) return false;
    for (bool first = true; (next = an__json_element(r->json, first)) > 0; first = false) {
        if (in->rank == RANK) return an__json_fail(r->json, "a shape of more than %d dimensions", RANK);
        if (!an__json_integer(r->json, &in->shape[in->rank++], "a whole number as a dimension")) return false;
    }
    return next == 0;
}

static bool input_type(an__v2 *r, input *in)
{
    an_span s;
    if (!an__json_string(r->json, &s)) return an_context(r->err, "\"datatype\" of an input");
    in->typed = true;
    in->tensor.type = an__datatype_find(s);
    if (in->tensor.type) return true;
    an_buf names = { 0 };
    an__datatype_names(&names);
    an__json_fail(r->json, "\"%.*s\" is no datatype", s.size > 40 ? 40 : (int)s.size, s.data);
    an_hint(r->err, "datatypes are %s", names.data);
    an_buf_free(&names);
    return false;
}

static bool input_parameters(an__v2 *r, input *in)
{
    an_span key;
    int next;
    unsigned seen = 0;
    if (!an__json_enter(r->json, '{', "an object of parameters")) return false;
    for (bool first = true; (next = an__json_member(r->json, first, &key)) > 0; first = false) {
        if (an__is(key, "binary_data_size")) {
            int64_t size;
            if (!an__v2_twice(r, &seen, 0, "binary_data_size") || !an__json_integer(r->json, &size, "a number of bytes")) return false;
            if (size < 0) return an__json_fail(r->json, "binary_data_size is %lld", (long long)size);
            in->raw = true;
            in->tensor.bytes = (size_t)size;
            continue;
        }
        if (an__is(key, "shared_memory_region")) {
            an__json_fail(r->json, "shared memory regions are not offered");
            return an_hint(r->err, "send the data in the request");
        }
        if (!an__json_skip(r->json)) return false;
    }
    return next == 0;
}

static char *shape_text(const input *in, char text[128])
{
    size_t used = 0;
    text[used++] = '[';
    for (int i = 0; i < in->rank; i++)
        used += (size_t)snprintf(text + used, 128 - used - 2, "%s%lld", i ? "," : "", (long long)in->shape[i]);
    strcpy(text + used, "]");
    return text;
}

/* Every cell takes a byte or more, so that a short request cannot ask for much memory. */
static size_t most_rows(const an__v2 *r)
{
    size_t needed = 0;
    for (size_t i = 0; i < r->model->prep->columns; i++) needed += an__infer_needed(r->model, i);
    return needed ? r->body / needed : r->body;
}

/* Name, shape and datatype are known: does the tensor fit the model and what came before? */
static bool begin(an__v2 *r, input *in)
{
    const an_prep *p = r->model->prep;
    an__tensor *t = &in->tensor;
    char text[128];
    if (in->matrix && (t->feature == SIZE_MAX || (in->rank == 2 && in->shape[1] > 1 && (size_t)in->shape[1] == p->columns)))
        t->feature = SIZE_MAX;
    const char *name = an__tensor_name(r->model, t);
    t->columns = t->feature == SIZE_MAX ? p->columns : 1;
    bool fits = t->feature == SIZE_MAX ? in->rank == 2 : in->rank == 1 || in->rank == 2;
    fits = fits && in->shape[0] >= 1 && (in->rank == 1 || (in->shape[1] > 0 && (size_t)in->shape[1] == t->columns));
    if (!fits) {
        bool empty = in->rank > 0 && in->shape[0] < 1;
        an_fail(r->err, AN_INPUT, "input \"%.100s\" has shape %s, expected [n,%zu]%s", name, shape_text(in, text), t->columns,
                empty ? " with n of at least 1" : "");
        return an_hint(r->err, "n is the number of rows, the same in every input");
    }
    if (t->feature == SIZE_MAX) {
        if (t->type->kind == AN__KIND_BYTES) return an_fail(r->err, AN_INPUT, "input \"input\" takes numbers, not BYTES");
        for (size_t i = 0; i < p->columns; i++)
            if (p->column[i].type == AN_CATEGORY) {
                an_fail(r->err, AN_INPUT, "input \"input\" is for models whose features are all numbers; \"%.100s\" is a category",
                        p->column[i].name);
                return an_hint(r->err, "send one input [n,1] a feature, by its name");
            }
    }
    t->rows = (size_t)in->shape[0];
    if (!r->out->rows) {
        if (t->rows <= an__infer_limit_rows(r->limits, p->columns) && t->rows > most_rows(r))
            return an_fail(r->err, AN_INPUT, "input \"%.100s\" has shape %s, and %zu bytes hold all of the request", name,
                           shape_text(in, text), r->body);
        if (!an__infer_rows(r->model, r->out, t->rows, r->limits, r->status, r->err)) return false;
        r->out->rows = t->rows;
    } else if (t->rows != r->out->rows) {
        return an_fail(r->err, AN_INPUT, "input \"%.100s\" has %zu rows where the inputs before it have %zu", name, t->rows, r->out->rows);
    }
    if (r->matrix || (t->feature == SIZE_MAX && r->known)) {
        an_fail(r->err, AN_INPUT,
                r->matrix && t->feature == SIZE_MAX ? "input \"input\" twice" : "inputs of single features beside \"input\"");
        return an_hint(r->err, "send either \"input\" alone or one input a feature");
    }
    if (t->feature == SIZE_MAX) {
        r->matrix = true;
    } else {
        if (r->out->seen[t->feature] == r->out->mark) return an_fail(r->err, AN_INPUT, "input \"%.100s\" twice", name);
        r->out->seen[t->feature] = r->out->mark;
        r->guess = t->feature + 1;
    }
    r->known++;
    in->begun = true;
    return true;
}

/* ---- data in JSON ------------------------------------------------------------------------------------------------------------------- */

static bool element(an__v2 *r, const an__tensor *t, size_t k)
{
    size_t feature;
    double number, *cell = an__tensor_cell(t, r->out, r->model->prep->columns, k, &feature);
    an__json *j = r->json;
    an_span text;
    bool truth;
    char kind = an__json_peek(j);
    if (kind == 'n') {
        *cell = NAN;
        return an__json_null(j);
    }
    switch (t->type->kind) {
    case AN__KIND_BYTES:
        if (kind != '"') break;
        return an__json_string(j, &text) && an__infer_text(r->model, feature, text.data, text.size, cell, r->err);
    case AN__KIND_BOOL:
        if (kind == 't' || kind == 'f') {
            an__json_bool(j, &truth, "a truth value");
            if (r->model->prep->column[feature].type == AN_CATEGORY)
                return an__infer_text(r->model, feature, truth ? "true" : "false", truth ? 4 : 5, cell, r->err);
            return an__infer_number(r->model, feature, truth, cell, r->err);
        }
        if (kind != '0') break;
        if (!an__json_number(j, &number, NULL)) return false;
        if (number != 0 && number != 1) return an__json_fail(j, "%g is no BOOL: true, false, 1 or 0", number);
        return an__infer_number(r->model, feature, number, cell, r->err);
    case AN__KIND_INTEGER:
    case AN__KIND_FLOAT:
        if (kind != '0') break;
        if (!an__json_number(j, &number, &text)) return false;
        if (t->type->kind == AN__KIND_INTEGER) {
            bool exact = fabs(number) < 0x1p53; /* 2^53 may be 2^53 + 1 rounded */
            if (number != floor(number))
                return an__json_fail(j, "%.*s is no whole number, which %s needs", text.size > 40 ? 40 : (int)text.size, text.data,
                                     t->type->name);
            if (!exact && number >= t->type->low && number <= t->type->high) { /* all digits have to be there */
                char digits[64];
                snprintf(digits, sizeof digits, "%.0f", number);
                if (strlen(digits) != text.size || memcmp(digits, text.data, text.size)) {
                    an__json_fail(j, "%.*s has more digits than a double holds", text.size > 40 ? 40 : (int)text.size, text.data);
                    return an_hint(r->err, "whole numbers are exact up to 9007199254740992 (2^53)");
                }
            }
        }
        if (number < t->type->low || number > t->type->high)
            return an__json_fail(j, "%.*s is beyond %s", text.size > 40 ? 40 : (int)text.size, text.data, t->type->name);
        return an__infer_number(r->model, feature, number, cell, r->err);
    }
    return an__json_unexpected(j, t->type->kind == AN__KIND_BYTES  ? "a text (BYTES)"
                                  : t->type->kind == AN__KIND_BOOL ? "true or false (BOOL)"
                                                                   : "a number");
}

/* Lists of `level` and below; *k counts elements. */
static bool data(an__v2 *r, const an__tensor *t, int rank, int level, size_t *k)
{
    an__json *j = r->json;
    size_t all = t->rows * t->columns, own = level == 0 ? t->rows : t->columns, here = 0;
    bool nested = false;
    int next;
    if (!an__json_enter(j, '[', "a list of values")) return false;
    for (bool first = true; (next = an__json_element(j, first)) > 0; first = false) {
        if (first) nested = level + 1 < rank && an__json_peek(j) == '[';
        if (first && level == 0 && !nested) own = all;
        if (here == own) return an__json_fail(j, "more values than the shape says (%zu)", own);
        here++;
        if (nested ? !data(r, t, rank, level + 1, k) : !element(r, t, *k)) return false;
        *k += !nested;
    }
    if (next == 0 && here < own) return an__json_fail(j, "%zu values where the shape says %zu", here, own);
    return next == 0;
}

static bool input_data(an__v2 *r, input *in)
{
    size_t k = 0;
    if (data(r, &in->tensor, in->rank, 0, &k)) return true;
    return an__tensor_context(r->model, &in->tensor, k, r->err);
}

static bool one_input(an__v2 *r)
{
    an__json *j = r->json;
    input in = { .rank = -1 };
    an_span key;
    const char *later = NULL;
    unsigned seen = 0;
    int next, depth = 0;
    if (!an__json_enter(j, '{', "an input: {\"name\", \"shape\", \"datatype\", \"data\"}")) return false;
    for (bool first = true; (next = an__json_member(j, first, &key)) > 0; first = false) {
        bool ok = true;
        if (an__is(key, "name")) {
            ok = an__v2_twice(r, &seen, 0, "name") && input_name(r, &in);
        } else if (an__is(key, "shape")) {
            ok = an__v2_twice(r, &seen, 1, "shape") && input_shape(r, &in);
        } else if (an__is(key, "datatype")) {
            ok = an__v2_twice(r, &seen, 2, "datatype") && input_type(r, &in);
        } else if (an__is(key, "parameters")) {
            ok = an__v2_twice(r, &seen, 3, "parameters") && (an__v2_null(j) || input_parameters(r, &in));
        } else if (an__is(key, "data")) {
            ok = an__v2_twice(r, &seen, 4, "data");
            in.has_data = true;
            if (ok && in.named && in.rank >= 0 && in.typed) {
                ok = begin(r, &in) && input_data(r, &in);
            } else if (ok) { /* before what it needs: looked at again below */
                an__json_peek(j);
                later = j->at;
                depth = j->depth;
                ok = an__json_skip(j);
            }
        } else {
            ok = an__json_skip(j);
        }
        if (!ok) return false;
    }
    if (next < 0) return false;
    if (!in.named || in.rank < 0 || !in.typed) {
        const char *missing = !in.named ? "name" : in.rank < 0 ? "shape" : "datatype";
        if (in.named) return an__json_fail(j, "input \"%.100s\" without \"%s\"", an__tensor_name(r->model, &in.tensor), missing);
        return an__json_fail(j, "an input without \"%s\"", missing);
    }
    if (!in.begun && !begin(r, &in)) return false;
    const char *name = an__tensor_name(r->model, &in.tensor);
    if (in.has_data == in.raw) {
        an__json_fail(j, in.raw ? "input \"%.100s\" with \"data\" and binary_data_size" : "input \"%.100s\" without \"data\"", name);
        return in.raw ? false : an_hint(r->err, "or with \"parameters\": {\"binary_data_size\": ...} and its bytes behind the JSON");
    }
    if (in.raw) {
        if (!r->has_raw) {
            an_fail(r->err, AN_INPUT, "input \"%.100s\" announces raw bytes, but the header Inference-Header-Content-Length is absent",
                    name);
            return an_hint(r->err, "it says how many bytes of the body are JSON");
        }
        an_buf_add(&r->out->pending, &in.tensor, sizeof in.tensor);
    }
    if (later) {
        const char *after = j->at;
        int level = j->depth;
        j->at = later;
        j->depth = depth;
        if (!input_data(r, &in)) return false;
        j->at = after;
        j->depth = level;
    }
    return true;
}

bool an__v2_inputs(an__v2 *r)
{
    int next;
    if (!an__json_enter(r->json, '[', "a list of inputs")) return false;
    for (bool first = true; (next = an__json_element(r->json, first)) > 0; first = false)
        if (!one_input(r)) return false;
    return next == 0;
}
