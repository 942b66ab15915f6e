/* infer_write.c - answers: v2 (JSON, raw tensors), rows, metadata, errors. Numbers are the shortest text that reads back as the same
 * double. */
#include "serve/infer_tensor.h"

#include <math.h>
#include <string.h>

/* ---- JSON text -------------------------------------------------------------------------------------------------------------------- */

static void put_text(an_buf *out, const char *text)
{
    static const char hex[] = "0123456789abcdef";
    const char *from = text, *p = text;
    an_buf_putc(out, '"');
    for (; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) continue;
        an_buf_add(out, from, (size_t)(p - from));
        from = p + 1;
        char code[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
        if (c == '"' || c == '\\') {
            code[1] = (char)c;
            an_buf_add(out, code, 2);
        } else {
            an_buf_add(out, code, sizeof code);
        }
    }
    an_buf_add(out, from, (size_t)(p - from));
    an_buf_putc(out, '"');
}

static void put_number(an_buf *out, double value)
{
    char text[32];
    an_buf_puts(out, isfinite(value) ? an_real_text(value, text) : "null");
}

static void put_count(an_buf *out, int64_t value)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)value);
    an_buf_add(out, digits, (size_t)n);
}

/* NULL where the score is no number: no verdict. */
static const char *label_of(const an_model *m, double score)
{
    return isnan(score) ? NULL : score >= m->threshold.value ? m->positive : m->negative;
}

/* ---- v2 ------------------------------------------------------------------------------------------------------------------------------ */

static size_t raw_bytes(const an_model *m, const an__infer *r, const double *score, int which)
{
    if (which == AN__OUT_PROBABILITY) return r->rows * sizeof *score;
    size_t bytes = 0, positive = strlen(m->positive), negative = strlen(m->negative);
    for (size_t i = 0; i < r->rows; i++) bytes += 4 + (isnan(score[i]) ? 0 : score[i] >= m->threshold.value ? positive : negative);
    return bytes;
}

static void put_little(an_buf *out, uint64_t v, int n)
{
    char bytes[8];
    for (int i = 0; i < n; i++) bytes[i] = (char)(v >> 8 * i);
    an_buf_add(out, bytes, (size_t)n);
}

static void put_raw(const an_model *m, const an__infer *r, const double *score, int which, an_buf *out)
{
    for (size_t i = 0; i < r->rows; i++) {
        if (which == AN__OUT_PROBABILITY) {
            uint64_t bits;
            memcpy(&bits, &score[i], sizeof bits);
            put_little(out, bits, 8);
        } else {
            const char *label = label_of(m, score[i]);
            size_t n = label ? strlen(label) : 0;
            put_little(out, n, 4);
            an_buf_add(out, label ? label : "", n);
        }
    }
}

static void put_output(const an_model *m, const an__infer *r, const double *score, int k, an_buf *out)
{
    bool label = r->output[k].which == AN__OUT_LABEL;
    an_buf_puts(out, label ? "{\"name\":\"label\",\"shape\":[" : "{\"name\":\"probability\",\"shape\":[");
    put_count(out, (int64_t)r->rows);
    an_buf_puts(out, label ? ",1],\"datatype\":\"BYTES\"" : ",1],\"datatype\":\"FP64\"");
    if (r->output[k].binary) {
        an_buf_puts(out, ",\"parameters\":{\"binary_data_size\":");
        put_count(out, (int64_t)raw_bytes(m, r, score, r->output[k].which));
        an_buf_puts(out, "}}");
        return;
    }
    an_buf_puts(out, ",\"data\":[");
    for (size_t i = 0; i < r->rows; i++) {
        if (i) an_buf_putc(out, ',');
        if (label) {
            const char *text = label_of(m, score[i]);
            put_text(out, text ? text : "");
        } else {
            put_number(out, score[i]);
        }
    }
    an_buf_puts(out, "]}");
}

size_t an__infer_write_v2(const an_model *m, const an__infer *r, const double *score, const an__infer_about *a, an_buf *out)
{
    size_t start = out->size;
    bool raw = false;
    an_buf_puts(out, "{\"model_name\":");
    put_text(out, a->name);
    an_buf_puts(out, ",\"model_version\":\"");
    put_count(out, a->version);
    an_buf_putc(out, '"');
    if (r->id) {
        an_buf_puts(out, ",\"id\":");
        put_text(out, r->id);
    }
    an_buf_puts(out, ",\"parameters\":{\"request\":");
    put_text(out, a->request);
    an_buf_puts(out, ",\"threshold\":");
    put_number(out, m->threshold.value);
    an_buf_puts(out, m->calibrated ? ",\"calibrated\":true" : ",\"calibrated\":false");
    an_buf_puts(out, a->unapproved ? ",\"unapproved\":true}" : "}");
    an_buf_puts(out, ",\"outputs\":[");
    for (int k = 0; k < r->outputs; k++) {
        if (k) an_buf_putc(out, ',');
        put_output(m, r, score, k, out);
        raw = raw || r->output[k].binary;
    }
    an_buf_puts(out, "]}");
    size_t json = out->size - start;
    for (int k = 0; k < r->outputs; k++)
        if (r->output[k].binary) put_raw(m, r, score, r->output[k].which, out);
    return raw ? json : 0;
}

/* ---- rows ---------------------------------------------------------------------------------------------------------------------------- */

static void put_names(const an_model *m, const double *row, bool missing, an_buf *out)
{
    bool any = false;
    an_buf_putc(out, '[');
    for (size_t f = 0; f < m->prep->columns; f++) {
        if (missing ? !isnan(row[f]) : !an_model_value_outside(m, f, row[f])) continue;
        if (any) an_buf_putc(out, ',');
        any = true;
        put_text(out, m->prep->column[f].name);
    }
    an_buf_putc(out, ']');
}

static void put_row(const an_model *m, const double *row, double score, const an__infer_about *a, an_buf *out)
{
    const char *label = label_of(m, score);
    an_buf_puts(out, "{\"label\":");
    if (label)
        put_text(out, label);
    else
        an_buf_puts(out, "null");
    an_buf_puts(out, ",\"probability\":");
    put_number(out, score);
    an_buf_puts(out, m->calibrated ? ",\"calibrated\":true,\"threshold\":" : ",\"calibrated\":false,\"threshold\":");
    put_number(out, m->threshold.value);
    an_buf_puts(out, ",\"out_of_range\":");
    put_names(m, row, false, out);
    an_buf_puts(out, ",\"missing\":");
    put_names(m, row, true, out);
    an_buf_puts(out, ",\"model\":");
    put_text(out, a->name);
    an_buf_puts(out, ",\"version\":");
    put_count(out, a->version);
    an_buf_puts(out, ",\"request\":");
    put_text(out, a->request);
    an_buf_puts(out, a->unapproved ? ",\"unapproved\":true}" : "}");
}

void an__infer_write_rows(const an_model *m, const an__infer *r, const double *score, const an__infer_about *a, an_buf *out)
{
    bool wrapped = r->form == AN__FORM_PREDICTIONS;
    if (wrapped) an_buf_puts(out, "{\"predictions\":");
    if (r->list) an_buf_putc(out, '[');
    for (size_t i = 0; i < r->rows; i++) {
        if (i) an_buf_putc(out, ',');
        put_row(m, r->values + i * m->prep->columns, score[i], a, out);
    }
    if (r->list) an_buf_putc(out, ']');
    if (wrapped) an_buf_putc(out, '}');
}

/* ---- metadata, errors -------------------------------------------------------------------------------------------------- */

static json_t *feature_json(const an_prep_column *c)
{
    json_t *about = json_pack("{s:s}", "type", an_type_name(c->type));
    if (c->unit && c->type != AN_DATETIME) json_object_set_new(about, "unit", json_string(c->unit));
    if (c->type == AN_CATEGORY) {
        json_t *names = json_array();
        for (int32_t k = 0; k < c->dictionary.count; k++) json_array_append_new(names, json_string(c->dictionary.names[k]));
        json_object_set_new(about, "categories", names);
    } else {
        json_object_set_new(about, "low", an_json_real(c->low));
        json_object_set_new(about, "high", an_json_real(c->high));
    }
    bool text = c->type == AN_CATEGORY || c->type == AN_DATETIME;
    return json_pack("{s:s,s:s,s:[i,i],s:o}", "name", c->name, "datatype",
                     text                    ? "BYTES"
                     : c->type == AN_BOOLEAN ? "BOOL"
                                             : "FP64",
                     "shape", -1, 1, "parameters", about);
}

json_t *an__infer_metadata(const an_model *m, const char *name, const int64_t *versions, size_t count)
{
    json_t *j = json_object(), *list = json_array(), *inputs = json_array();
    bool numbers = true;
    json_object_set_new(j, "name", json_string(name));
    for (size_t i = 0; i < count; i++) {
        char text[24];
        snprintf(text, sizeof text, "%lld", (long long)versions[i]);
        json_array_append_new(list, json_string(text));
    }
    json_object_set_new(j, "versions", list);
    json_object_set_new(j, "platform", json_string("andon"));
    for (size_t i = 0; i < m->prep->columns; i++) {
        numbers = numbers && m->prep->column[i].type != AN_CATEGORY;
        if (an__infer_needed(m, i)) json_array_append_new(inputs, feature_json(&m->prep->column[i]));
    }
    json_object_set_new(j, "inputs", inputs);
    json_object_set_new(j, "outputs",
                        json_pack("[{s:s,s:s,s:[i,i]},{s:s,s:s,s:[i,i]}]", "name", "label", "datatype", "BYTES", "shape", -1, 1, "name",
                                  "probability", "datatype", "FP64", "shape", -1, 1));
    json_t *about = json_pack("{s:s,s:s,s:s,s:o,s:b}", "target", m->target, "positive", m->positive, "negative", m->negative, "threshold",
                              an_json_real(m->threshold.value), "calibrated", (int)m->calibrated);
    if (numbers)
        json_object_set_new(about, "matrix_input",
                            json_pack("{s:s,s:s,s:[i,I]}", "name", "input", "datatype", "FP64", "shape", -1, (json_int_t)m->prep->columns));
    json_object_set_new(j, "parameters", about);
    return j;
}
