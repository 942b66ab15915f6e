/* infer_v2.c - requests of the Open Inference Protocol v2: the JSON part (specification/protocol/inference_rest.md of
 * open-inference-protocol, and Triton's extensions of binary data and parameters). Inputs are infer_v2_input.c's, raw tensors behind the
 * JSON infer_binary.c's. */
#include "serve/infer_v2.h"

#include <math.h>
#include <string.h>

static const char *const output_names[AN__OUT_COUNT] = { "label", "probability" };

bool an__v2_twice(an__v2 *r, unsigned *seen, unsigned bit, const char *key)
{
    if (*seen & 1u << bit) return an__json_fail(r->json, "\"%s\" twice in one object", key);
    *seen |= 1u << bit;
    return true;
}

bool an__v2_null(an__json *j)
{
    return an__json_peek(j) == 'n' && an__json_null(j);
}

/* ---- parts of the request ---------------------------------------------------------------------------------------------- */

static bool output_parameters(an__v2 *r, int *binary)
{
    an_span key;
    int next;
    unsigned seen = 0;
    if (!an__json_enter(r->json, '{', "an object of parameters")) return false;
    for (bool first = true; (next = an__json_member(r->json, first, &key)) > 0; first = false) {
        if (an__is(key, "binary_data")) {
            bool truth;
            if (!an__v2_twice(r, &seen, 0, "binary_data") || !an__json_bool(r->json, &truth, "true or false for binary_data")) return false;
            *binary = truth;
        } else if (an__is(key, "classification") || an__is(key, "shared_memory_region")) {
            return an__json_fail(r->json, "%s of outputs is not offered",
                                 an__is(key, "classification") ? "classification" : "shared memory");
        } else if (!an__json_skip(r->json)) {
            return false;
        }
    }
    return next == 0;
}

static bool one_output(an__v2 *r)
{
    an__json *j = r->json;
    an_span key, name;
    int next, which = -1, binary = -1;
    unsigned seen = 0;
    if (!an__json_enter(j, '{', "an output: {\"name\"}")) return false;
    for (bool first = true; (next = an__json_member(j, first, &key)) > 0; first = false) {
        if (an__is(key, "name")) {
            if (!an__v2_twice(r, &seen, 0, "name") || !an__json_string(j, &name)) return false;
            for (int k = 0; k < AN__OUT_COUNT; k++)
                if (an__is(name, output_names[k])) which = k;
            if (which < 0)
                return an__json_fail(j, "the model has no output \"%.*s\"; its outputs are label and probability",
                                     name.size > 60 ? 60 : (int)name.size, name.data);
        } else if (an__is(key, "parameters")) {
            if (!an__v2_twice(r, &seen, 1, "parameters") || !(an__v2_null(j) || output_parameters(r, &binary))) return false;
        } else if (!an__json_skip(j)) {
            return false;
        }
    }
    if (next < 0) return false;
    if (which < 0) return an__json_fail(j, "an output without \"name\"");
    an__infer *out = r->out;
    int k = 0;
    while (k < out->outputs && out->output[k].which != which) k++; /* named twice: given once */
    r->binary[k] = binary;
    out->output[k].which = which;
    if (k == out->outputs) out->outputs++;
    return true;
}

static bool outputs(an__v2 *r)
{
    int next;
    if (!an__json_enter(r->json, '[', "a list of outputs")) return false;
    for (bool first = true; (next = an__json_element(r->json, first)) > 0; first = false)
        if (!one_output(r)) return false;
    return next == 0;
}

static bool parameters(an__v2 *r)
{
    an__json *j = r->json;
    an_span key;
    int next;
    unsigned seen = 0;
    if (!an__json_enter(j, '{', "an object of parameters")) return false;
    for (bool first = true; (next = an__json_member(j, first, &key)) > 0; first = false) {
        if (an__is(key, "binary_data_output")) {
            if (!an__v2_twice(r, &seen, 0, "binary_data_output") ||
                !an__json_bool(j, &r->all_binary, "true or false for binary_data_output"))
                return false;
        } else if (an__is(key, "timeout")) {
            int64_t us;
            if (!an__v2_twice(r, &seen, 1, "timeout") || !an__json_integer(j, &us, "a timeout in whole microseconds")) return false;
            if (us < 0) return an__json_fail(j, "a timeout of %lld microseconds", (long long)us);
            r->out->deadline_ms = us ? (double)us / 1000 : NAN; /* 0: none, as in Triton */
        } else if (!an__json_skip(j)) {
            return false;
        }
    }
    return next == 0;
}

static bool request_id(an__v2 *r)
{
    an_span s;
    if (!an__json_string(r->json, &s)) return an_context(r->err, "\"id\"");
    size_t characters = 0;
    for (size_t i = 0; i < s.size; i++) characters += (s.data[i] & 0xc0) != 0x80;
    if (characters > 1024) return an__json_fail(r->json, "an id of more than 1,024 characters");
    if (s.size && memchr(s.data, 0, s.size)) return an__json_fail(r->json, "an id with the character NUL");
    an_buf_clear(&r->out->id_text);
    an_buf_add(&r->out->id_text, s.data, s.size);
    r->out->id = r->out->id_text.data;
    return true;
}

/* All features have come; those without influence that have not are missing. */
static bool complete(an__v2 *r)
{
    const an_prep *p = r->model->prep;
    if (r->matrix) return true;
    if (!r->known) {
        an_fail(r->err, AN_INPUT, "the request has no inputs");
        return an_hint(r->err, "it needs one input [n,1] a feature; GET /v2/models/{name} lists them");
    }
    char names[400] = "";
    size_t absent = 0, used = 0;
    for (size_t i = 0; i < p->columns; i++) {
        if (r->out->seen[i] == r->out->mark) continue;
        for (size_t k = 0; k < r->out->rows; k++) r->out->values[k * p->columns + i] = NAN;
        if (!an__infer_needed(r->model, i)) continue;
        if (absent++ < 3)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s\"%.100s\"", absent > 1 ? ", " : "", p->column[i].name);
    }
    if (!absent) return true;
    an_fail(r->err, AN_INPUT, "%zu of the model's %zu inputs %s absent: %s%s", absent, p->columns, absent == 1 ? "is" : "are", names,
            absent > 3 ? ", ..." : "");
    return an_hint(r->err, "a missing value is sent as null (JSON), NaN (floats) or an empty text (BYTES)");
}

static bool request(an__v2 *r)
{
    an__json *j = r->json;
    an_span key;
    int next;
    unsigned seen = 0;
    if (!an__json_enter(j, '{', "an object with \"inputs\"")) return false;
    for (bool first = true; (next = an__json_member(j, first, &key)) > 0; first = false) {
        bool ok;
        if (an__is(key, "inputs"))
            ok = an__v2_twice(r, &seen, 0, "inputs") && an__v2_inputs(r);
        else if (an__is(key, "outputs"))
            ok = an__v2_twice(r, &seen, 1, "outputs") && (an__v2_null(j) || outputs(r));
        else if (an__is(key, "id"))
            ok = an__v2_twice(r, &seen, 2, "id") && (an__v2_null(j) || request_id(r));
        else if (an__is(key, "parameters"))
            ok = an__v2_twice(r, &seen, 3, "parameters") && (an__v2_null(j) || parameters(r));
        else
            ok = an__json_skip(j);
        if (!ok) return false;
    }
    return next == 0 && an__json_end(j) && complete(r);
}

/* Header value 0: the body is one tensor, as the model says. */
static bool one_raw(an__v2 *r, an_span body)
{
    const an_prep *p = r->model->prep;
    for (size_t i = 0; i < p->columns; i++)
        if (p->column[i].type == AN_CATEGORY) {
            an_fail(r->err, AN_INPUT, "a body that is one raw tensor needs a model of numbers; \"%.100s\" is a category",
                    p->column[i].name);
            return an_hint(r->err, "send the inputs by name: JSON, and its size in Inference-Header-Content-Length");
        }
    size_t row = p->columns * sizeof(double);
    if (!body.size || body.size % row)
        return an_fail(r->err, AN_INPUT, "a body of %zu bytes is no raw FP64 tensor [n,%zu]: a row is %zu bytes", body.size, p->columns,
                       row);
    an__tensor t = { .feature = SIZE_MAX,
                     .type = an__datatype_find((an_span){ "FP64", 4 }),
                     .rows = body.size / row,
                     .columns = p->columns,
                     .bytes = body.size };
    r->out->rows = t.rows;
    if (!an__infer_rows(r->model, r->out, t.rows, r->limits, r->status, r->err)) return false;
    an_buf_add(&r->out->pending, &t, sizeof t);
    return an__infer_binary(r->model, r->out, body, r->err);
}

static bool read_all(an__v2 *r, an_span body, size_t json_bytes)
{
    if (json_bytes == 0) {
        r->all_binary = true;
        return one_raw(r, body);
    }
    an_span json = body, raw = { body.data, 0 };
    if (json_bytes != SIZE_MAX) {
        if (json_bytes > body.size)
            return an_fail(r->err, AN_INPUT, "Inference-Header-Content-Length says %zu bytes of JSON, the body has %zu", json_bytes,
                           body.size);
        json.size = json_bytes;
        raw = (an_span){ body.data + json_bytes, body.size - json_bytes };
    }
    an__json_open(r->json, json, an__infer_limit_depth(r->limits), r->err);
    return request(r) && an__infer_binary(r->model, r->out, raw, r->err);
}

bool an__infer_read_v2(const an_model *m, an_span body, size_t json_bytes, const an__infer_limits *l, an__infer *out, int *status,
                       an_error *err)
{
    an_error own = { 0 };
    an__v2 r = { .model = m,
                 .out = out,
                 .limits = l,
                 .status = status,
                 .json = &out->json,
                 .body = body.size,
                 .has_raw = json_bytes != SIZE_MAX,
                 .err = err ? err : &own };
    *status = 400;
    an__infer_clear(out);
    an__infer_seen(m, out);
    out->form = AN__FORM_V2;
    bool ok = read_all(&r, body, json_bytes);
    out->json.err = NULL;
    if (!ok) return false;
    if (!out->outputs)
        for (int k = 0; k < AN__OUT_COUNT; k++) {
            r.binary[k] = -1;
            out->output[out->outputs++].which = k;
        }
    for (int k = 0; k < out->outputs; k++) out->output[k].binary = r.binary[k] < 0 ? r.all_binary : r.binary[k];
    *status = 200;
    return true;
}
