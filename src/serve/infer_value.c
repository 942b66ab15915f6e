/* infer_value.c - values for features: what numbers and texts of a request mean to a model, datatypes, room for rows. */
#include "serve/infer_tensor.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT = 262144 }; /* cells that a request leaves to the next: 2 MiB */

/* ---- datatypes ------------------------------------------------------------------------------------------------------------------- */

static const an__datatype datatypes[] = {
    { "FP64", AN__KIND_FLOAT, 8, -DBL_MAX, DBL_MAX },
    { "FP32", AN__KIND_FLOAT, 4, -FLT_MAX, FLT_MAX },
    { "FP16", AN__KIND_FLOAT, 2, -65504, 65504 },
    { "BF16", AN__KIND_FLOAT, 2, -0x1.fep127, 0x1.fep127 },
    { "INT64", AN__KIND_INTEGER, 8, -0x1p63, 0x1.fffffffffffffp62 },
    { "INT32", AN__KIND_INTEGER, 4, INT32_MIN, INT32_MAX },
    { "INT16", AN__KIND_INTEGER, 2, INT16_MIN, INT16_MAX },
    { "INT8", AN__KIND_INTEGER, 1, INT8_MIN, INT8_MAX },
    { "UINT64", AN__KIND_INTEGER, 8, 0, 0x1.fffffffffffffp63 },
    { "UINT32", AN__KIND_INTEGER, 4, 0, UINT32_MAX },
    { "UINT16", AN__KIND_INTEGER, 2, 0, UINT16_MAX },
    { "UINT8", AN__KIND_INTEGER, 1, 0, UINT8_MAX },
    { "BOOL", AN__KIND_BOOL, 1, 0, 1 },
    { "BYTES", AN__KIND_BYTES, 0, 0, 0 },
};

const an__datatype *an__datatype_find(an_span name)
{
    for (size_t i = 0; i < AN_COUNT(datatypes); i++)
        if (strlen(datatypes[i].name) == name.size && !memcmp(datatypes[i].name, name.data, name.size)) return &datatypes[i];
    return NULL;
}

void an__datatype_names(an_buf *out)
{
    for (size_t i = 0; i < AN_COUNT(datatypes); i++) {
        an_buf_puts(out, i ? ", " : "");
        an_buf_puts(out, datatypes[i].name);
    }
}

const char *an__tensor_name(const an_model *m, const an__tensor *t)
{
    return t->feature == SIZE_MAX ? "input" : m->prep->column[t->feature].name;
}

bool an__tensor_context(const an_model *m, const an__tensor *t, size_t k, an_error *err)
{
    return an_context(err, "input \"%.100s\", element %zu", an__tensor_name(m, t), k);
}

/* ---- values ----------------------------------------------------------------------------------------------------------------------- */

const char *an__infer_takes(const an_model *m, size_t feature)
{
    switch (m->prep->column[feature].type) {
    case AN_CATEGORY:
        return "a text (a category)";
    case AN_DATETIME:
        return "a time (ISO 8601 text, or seconds since 1970 UTC)";
    case AN_BOOLEAN:
        return "true or false";
    default:
        return "a number";
    }
}

bool an__infer_number(const an_model *m, size_t feature, double number, double *value, an_error *err)
{
    *value = number;
    if (isnan(number)) return true;
    if (isinf(number)) {
        an_fail(err, AN_INPUT, "an infinite value");
        return an_hint(err, "send NaN (null in JSON) for a missing value");
    }
    an_type type = m->prep->column[feature].type;
    if (type == AN_CATEGORY) {
        char text[32];
        an_real_text(number, text);
        *value = an_model_code(m, feature, text, strlen(text));
    } else if (type == AN_BOOLEAN && number != 0 && number != 1) {
        char text[32];
        return an_fail(err, AN_INPUT, "feature \"%.100s\" is true or false (1 or 0), not %s", m->prep->column[feature].name,
                       an_real_text(number, text));
    }
    return true;
}

bool an__infer_text(const an_model *m, size_t feature, const char *text, size_t n, double *value, an_error *err)
{
    const an_prep_column *c = &m->prep->column[feature];
    *value = NAN;
    if (c->type == AN_CATEGORY) {
        *value = an_model_code(m, feature, text, n);
        return true;
    }
    if (c->type == AN_DATETIME) {
        if (!n || an__infer_time(text, n, value)) return true;
        return an_fail(err, AN_INPUT, "\"%.*s\" is no ISO 8601 time such as 2026-03-01T07:05:09Z, which feature \"%.100s\" takes",
                       n > 60 ? 60 : (int)n, text, c->name);
    }
    an_fail(err, AN_INPUT, "feature \"%.100s\" takes %s, not the text \"%.*s\"", c->name, an__infer_takes(m, feature), n > 60 ? 60 : (int)n,
            text);
    return an_hint(err, c->type == AN_BOOLEAN ? "send true or false without quotes; BOOL or a number as a tensor"
                                              : "send the number without quotes; FP64 as a tensor");
}

bool an__infer_read_value(const an_model *m, size_t feature, an__json *j, double *value)
{
    an_span text;
    bool truth;
    double number;
    switch (an__json_peek(j)) {
    case '0':
        return an__json_number(j, &number, NULL) && an__infer_number(m, feature, number, value, j->err);
    case '"':
        return an__json_string(j, &text) && an__infer_text(m, feature, text.data, text.size, value, j->err);
    case 'n':
        *value = NAN;
        return an__json_null(j);
    case 't':
    case 'f':
        if (m->prep->column[feature].type != AN_BOOLEAN && m->prep->column[feature].type != AN_CATEGORY) break;
        an__json_bool(j, &truth, "a truth value");
        *value = m->prep->column[feature].type == AN_BOOLEAN ? truth : an_model_code(m, feature, truth ? "true" : "false", truth ? 4 : 5);
        return true;
    default:
        *value = NAN;
        if (an__json_nan(j)) return true;
    }
    return an__json_unexpected(j, an__infer_takes(m, feature));
}

/* ---- times ------------------------------------------------------------------------------------------------------------------------ */

/* `digits` of them at *p. */
static bool number(const char **p, const char *end, int digits, int *out)
{
    *out = 0;
    for (int i = 0; i < digits; i++, (*p)++) {
        if (*p == end || (unsigned char)(**p - '0') > 9) return false;
        *out = *out * 10 + (**p - '0');
    }
    return true;
}

static bool literal(const char **p, const char *end, char c)
{
    return *p < end && *(*p)++ == c;
}

/* Days since 1970-01-01, counted in years that begin in March. */
static int64_t days(int year, int month, int day)
{
    int64_t y = year - (month <= 2), of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    int64_t past = y >= 0 ? y / 4 - y / 100 + y / 400 : -1; /* leap days; year -1 only for January and February of 0 */
    return y * 365 + past + of_year - 719468;
}

static bool day_exists(int year, int month, int day)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month >= 1 && month <= 12 && day >= 1 && day <= lengths[month - 1] + (month == 2 && leap);
}

bool an__infer_time(const char *text, size_t n, double *seconds)
{
    const char *p = text, *end = text + n;
    int year, month, day, hour = 0, minute = 0, second = 0, zone_hours = 0, zone_minutes = 0;
    int64_t us = 0;
    if (n < 10 || n > 40 || !number(&p, end, 4, &year) || !literal(&p, end, '-') || !number(&p, end, 2, &month) || !literal(&p, end, '-') ||
        !number(&p, end, 2, &day) || !day_exists(year, month, day))
        return false;
    if (p < end) {
        char divider = *p++;
        if ((divider != 'T' && divider != ' ') || !number(&p, end, 2, &hour) || !literal(&p, end, ':') || !number(&p, end, 2, &minute))
            return false;
        if (p < end && *p == ':') {
            p++;
            if (!number(&p, end, 2, &second)) return false;
            if (p < end && (*p == '.' || *p == ',')) {
                const char *point = p++;
                for (int64_t unit = 100000; p < end && (unsigned char)(*p - '0') < 10; p++, unit /= 10) us += unit * (*p - '0');
                if (p == point + 1) return false;
            }
        }
        if (p < end && *p == 'Z') {
            p++;
        } else if (p < end) {
            char sign = *p++;
            if ((sign != '+' && sign != '-') || !number(&p, end, 2, &zone_hours)) return false;
            if (p < end && *p == ':') p++;
            if (p < end && !number(&p, end, 2, &zone_minutes)) return false;
            if (zone_hours > 23 || zone_minutes > 59) return false;
            if (sign == '-') zone_hours = -zone_hours, zone_minutes = -zone_minutes;
        }
    }
    if (p != end || hour > 23 || minute > 59 || second > 60) return false;
    us += (days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - zone_hours * 3600 - zone_minutes * 60) * 1000000;
    *seconds = (double)us / 1e6;
    return true;
}

/* ---- room --------------------------------------------------------------------------------------------------------------------------- */

size_t an__infer_limit_rows(const an__infer_limits *l, size_t features)
{
    size_t rows = l && l->rows ? l->rows : 65536, cells = l && l->cells ? l->cells : 8388608;
    size_t by_cells = cells / (features ? features : 1);
    return rows < by_cells ? rows : by_cells ? by_cells : 1;
}

int an__infer_limit_depth(const an__infer_limits *l)
{
    return l && l->depth ? l->depth : 32;
}

bool an__infer_rows(const an_model *m, an__infer *r, size_t rows, const an__infer_limits *l, int *status, an_error *err)
{
    size_t features = m->prep->columns, most = an__infer_limit_rows(l, features);
    if (rows > most) {
        *status = 413;
        an_fail(err, AN_INPUT, "more than %zu rows of %zu features in one request", most, features);
        return an_hint(err, "send them in several requests");
    }
    size_t need = rows * features;
    if (need <= r->capacity) return true;
    size_t room = r->capacity * 2 > need ? r->capacity * 2 : need;
    if (room > most * features) room = most * features;
    double *values = an_alloc_data(room, sizeof *values, "the rows of a request", err);
    if (!values) {
        *status = 503;
        return false;
    }
    if (r->capacity) memcpy(values, r->values, r->capacity * sizeof *values);
    free(r->values);
    r->values = values;
    r->capacity = room;
    return true;
}

void an__infer_seen(const an_model *m, an__infer *r)
{
    size_t n = m->prep->columns;
    if (n > r->seen_count) {
        r->seen = an_resize_n(r->seen, n, sizeof *r->seen);
        r->seen_count = n;
        r->mark = UINT32_MAX;
    }
    if (r->mark == UINT32_MAX) {
        memset(r->seen, 0, r->seen_count * sizeof *r->seen);
        r->mark = 0;
    }
    r->mark++;
}

void an__infer_clear(an__infer *r)
{
    if (r->capacity > KEPT) {
        free(r->values);
        r->values = NULL;
        r->capacity = 0;
    }
    r->list = false;
    r->id = NULL;
    r->deadline_ms = NAN;
    r->rows = 0;
    r->outputs = 0;
    an_buf_clear(&r->id_text);
    an_buf_clear(&r->pending);
}

void an__infer_free(an__infer *r)
{
    free(r->values);
    free(r->seen);
    an_buf_free(&r->id_text);
    an_buf_free(&r->pending);
    an_buf_free(&r->json.text);
    *r = (an__infer){ 0 };
}
