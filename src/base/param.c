/* param.c - parameters declared once in a table: defaults, setting by text or JSON with messages that name range and nearest
 * spelling, writing back. Flags, pipeline files and help are made from the same table elsewhere. */
#include "andon/base.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void *field(const an_param *p, void *options)
{
    return (char *)options + p->offset;
}
static const void *field_const(const an_param *p, const void *options)
{
    return (const char *)options + p->offset;
}

/* ---- names ---- */

static bool same_name(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b)) return false;
    return *a == *b;
}

const an_param *an_params_find(const an_param *table, const char *name)
{
    for (const an_param *p = table; p->name; p++)
        if (same_name(p->name, name)) return p;
    return NULL;
}

static const an_param *found(const an_param *table, const char *name, an_error *err)
{
    const an_param *p = an_params_find(table, name);
    if (p) return p;
    size_t count = 0;
    while (table[count].name) count++;
    const char **names = an_alloc_n(count, sizeof *names);
    for (size_t i = 0; i < count; i++) names[i] = table[i].name;
    const char *near = an_nearest(name, names, count);
    an_fail(err, AN_USAGE, "there is no parameter \"%s\"", name);
    if (near) {
        an_hint(err, "Did you mean \"%s\"?", near);
    } else if (count == 0) {
        an_hint(err, "There are no parameters here.");
    } else {
        an_buf all = { 0 };
        for (size_t i = 0; i < count; i++) an_buf_printf(&all, "%s%s", i ? ", " : "", names[i]);
        an_hint(err, "Parameters: %s.", all.data);
        an_buf_free(&all);
    }
    free(names);
    return NULL;
}

/* ---- help ---- */

static void number_text(const an_param *p, double value, char buf[32])
{
    if (p->type == AN_PARAM_INT && fabs(value) < 0x1p63)
        snprintf(buf, 32, "%lld", (long long)value);
    else
        an_real_text(value, buf);
}

char *an_param_range_text(const an_param *p, char buf[160])
{
    char low[32], high[32], otherwise[32];
    an_buf b = { 0 };
    if (p->type == AN_PARAM_INT || p->type == AN_PARAM_REAL) {
        number_text(p, p->low, low);
        number_text(p, p->high, high);
        an_buf_puts(&b, p->type == AN_PARAM_INT ? "integer" : "real");
        bool below = isfinite(p->low), above = isfinite(p->high);
        if (below && above)
            an_buf_printf(&b, " in %s .. %s", low, high);
        else if (below)
            an_buf_printf(&b, " of at least %s", low);
        else if (above)
            an_buf_printf(&b, " of at most %s", high);
        if (p->log) an_buf_puts(&b, ", log scale");
        number_text(p, p->otherwise, otherwise);
        if (!isnan(p->otherwise)) an_buf_printf(&b, ", default %s", otherwise);
    } else if (p->type == AN_PARAM_BOOL) {
        an_buf_printf(&b, "true or false, default %s", p->otherwise != 0 ? "true" : "false");
    } else {
        if (p->type == AN_PARAM_CHOICE)
            an_buf_printf(&b, "one of %s", p->choices);
        else
            an_buf_puts(&b, p->type == AN_PARAM_LIST ? "list of texts" : "text");
        if (p->text) an_buf_printf(&b, ", default %s", p->text);
    }
    if (b.size >= 160)
        snprintf(buf, 160, "%.156s...", b.data);
    else
        memcpy(buf, b.data, b.size + 1);
    an_buf_free(&b);
    return buf;
}

static bool refused(const an_param *p, const char *what, const char *why, an_error *err)
{
    char range[160];
    an_fail(err, AN_USAGE, "parameter \"%s\": %s %s", p->name, what, why);
    return an_hint(err, "Give %s.", an_param_range_text(p, range));
}

static bool refused_text(const an_param *p, const char *text, const char *why, an_error *err)
{
    char *quoted = an_format("\"%.200s\"", text);
    refused(p, quoted, why, err);
    free(quoted);
    return false;
}

/* ---- values ---- */

static void clear(const an_param *p, void *options)
{
    if (p->type == AN_PARAM_CHOICE || p->type == AN_PARAM_TEXT) {
        char **text = field(p, options);
        free(*text);
        *text = NULL;
    } else if (p->type == AN_PARAM_LIST) {
        an_list_free(field(p, options));
    }
}

/* The range as text without the default, for messages: "1e-06 .. 0.1". */
static bool in_range(const an_param *p, double value, an_error *err)
{
    if (value >= p->low && value <= p->high) return true;
    char text[32], low[32], high[32], why[96];
    number_text(p, value, text);
    number_text(p, p->low, low);
    number_text(p, p->high, high);
    snprintf(why, sizeof why, "is outside %s .. %s", low, high);
    return refused(p, text, why, err);
}

static bool set_int(const an_param *p, void *options, int64_t value, an_error *err)
{
    if (!in_range(p, (double)value, err)) return false;
    *(int64_t *)field(p, options) = value;
    return true;
}

static bool set_real(const an_param *p, void *options, double value, an_error *err)
{
    if (!in_range(p, value, err)) return false;
    *(double *)field(p, options) = value;
    return true;
}

/* 1000, 1e4, 2.0: whole numbers in any spelling, exact */
static bool whole(const char *text, int64_t *value)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end != text && !*end && errno == 0 && (*text == '-' || *text == '+' || (*text >= '0' && *text <= '9'))) {
        *value = number;
        return true;
    }
    double real;
    if (!an_real_parse(text, strlen(text), &real) || !(fabs(real) <= 0x1p53) || real != floor(real)) return false;
    *value = (int64_t)real;
    return true;
}

static bool truth(const char *text, bool *value)
{
    static const char *const yes[] = { "true", "yes", "on", "1" }, *const no[] = { "false", "no", "off", "0" };
    for (size_t i = 0; i < AN_COUNT(yes); i++) {
        bool is = strcmp(text, yes[i]) == 0;
        if (!is && strcmp(text, no[i]) != 0) continue;
        *value = is;
        return true;
    }
    return false;
}

static bool set_choice(const an_param *p, void *options, const char *text, an_error *err)
{
    an_list choices = { 0 };
    an_list_split(&choices, p->choices, '|');
    bool good = an_list_has(&choices, text);
    if (!good) {
        char range[160];
        const char *near = an_nearest(text, (const char *const *)choices.items, choices.count);
        refused_text(p, text, "is not a choice", err);
        if (near) an_hint(err, "Did you mean \"%s\"? Give %s.", near, an_param_range_text(p, range));
    }
    an_list_free(&choices);
    if (!good) return false;
    char *copy = an_strdup(text); /* text may be the present value */
    clear(p, options);
    *(char **)field(p, options) = copy;
    return true;
}

bool an_params_set(const an_param *table, void *options, const char *name, const char *text, an_error *err)
{
    const an_param *p = found(table, name, err);
    if (!p) return false;
    switch (p->type) {
    case AN_PARAM_INT: {
        int64_t value;
        if (!whole(text, &value)) return refused_text(p, text, "is not a whole number", err);
        return set_int(p, options, value, err);
    }
    case AN_PARAM_REAL: {
        double value;
        if (!an_real_parse(text, strlen(text), &value) || isnan(value)) return refused_text(p, text, "is not a number", err);
        return set_real(p, options, value, err);
    }
    case AN_PARAM_BOOL:
        if (!truth(text, field(p, options))) return refused_text(p, text, "is neither true nor false", err);
        return true;
    case AN_PARAM_CHOICE:
        return set_choice(p, options, text, err);
    case AN_PARAM_TEXT: {
        char *copy = an_strdup(text);
        clear(p, options);
        *(char **)field(p, options) = copy;
        return true;
    }
    case AN_PARAM_LIST:
        an_list_split(field(p, options), text, ',');
        return true;
    }
    return false;
}

void an_params_clear_list(const an_param *table, void *options, const char *name)
{
    const an_param *p = an_params_find(table, name);
    if (p && p->type == AN_PARAM_LIST) an_list_free(field(p, options));
}

/* The text of a JSON scalar, new; NULL for null, objects and arrays. */
static char *scalar_text(const json_t *value)
{
    char real[32];
    if (json_is_string(value)) return an_strdup(json_string_value(value));
    if (json_is_integer(value)) return an_format("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_real(value)) return an_strdup(an_real_text(json_real_value(value), real));
    if (json_is_boolean(value)) return an_strdup(json_is_true(value) ? "true" : "false");
    return NULL;
}

static const char *kind(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a text";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        break;
    }
    return "null";
}

static bool set_list(const an_param *p, void *options, const json_t *value, an_error *err)
{
    an_list list = { 0 };
    bool good = true;
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value) && good; i++) {
            char *text = scalar_text(json_array_get(value, i));
            if (text)
                an_list_add_take(&list, text);
            else
                good = refused(p, kind(json_array_get(value, i)), "cannot be an item of the list", err);
        }
    } else if (!json_is_null(value)) {
        char *text = scalar_text(value);
        if (text)
            an_list_split(&list, text, ',');
        else
            good = refused(p, kind(value), "is not a list", err);
        free(text);
    }
    if (!good) {
        an_list_free(&list);
        return false;
    }
    clear(p, options);
    *(an_list *)field(p, options) = list;
    return true;
}

/* "5" in quotes looks like a number and is none: the word `text` says why. */
static bool refused_json_text(const an_param *p, const json_t *value, const char *why, an_error *err)
{
    char *what = an_format("the text \"%.80s\"", json_string_value(value));
    refused(p, what, why, err);
    free(what);
    return false;
}

bool an_params_set_json(const an_param *table, void *options, const char *name, const json_t *value, an_error *err)
{
    const an_param *p = found(table, name, err);
    if (!p) return false;
    if (!value) return refused(p, "nothing", "was given", err);
    switch (p->type) {
    case AN_PARAM_INT:
        if (json_is_integer(value)) return set_int(p, options, json_integer_value(value), err);
        if (json_is_real(value)) {
            char text[32];
            return an_params_set(table, options, name, an_real_text(json_real_value(value), text), err);
        }
        if (json_is_string(value)) return refused_json_text(p, value, "is not a whole number", err);
        return refused(p, kind(value), "is not a whole number", err);
    case AN_PARAM_REAL:
        if (json_is_number(value)) return set_real(p, options, json_number_value(value), err);
        if (json_is_null(value) && isnan(p->otherwise)) {
            *(double *)field(p, options) = NAN;
            return true;
        }
        if (json_is_string(value)) return refused_json_text(p, value, "is not a number", err);
        return refused(p, kind(value), "is not a number", err);
    case AN_PARAM_BOOL:
        if (!json_is_boolean(value)) return refused(p, kind(value), "is neither true nor false", err);
        *(bool *)field(p, options) = json_is_true(value);
        return true;
    case AN_PARAM_CHOICE:
    case AN_PARAM_TEXT: {
        if (json_is_null(value) && !p->text) {
            clear(p, options);
            return true;
        }
        char *text = scalar_text(value);
        if (!text) return refused(p, kind(value), "is not a text", err);
        bool good = an_params_set(table, options, name, text, err);
        free(text);
        return good;
    }
    case AN_PARAM_LIST:
        return set_list(p, options, value, err);
    }
    return false;
}

bool an_params_set_all(const an_param *table, void *options, const json_t *object, an_error *err)
{
    if (!object || json_is_null(object)) return true;
    if (!json_is_object(object)) return an_fail(err, AN_USAGE, "parameters are written as \"name: value\", not as %s", kind(object));
    const char *name;
    json_t *value, *walked = (json_t *)object; /* jansson iterates over non-const values only; nothing is changed */
    json_object_foreach(walked, name, value)
        if (!an_params_set_json(table, options, name, value, err)) return false;
    return true;
}

/* ---- whole tables ---- */

void an_params_defaults(const an_param *table, void *options)
{
    for (const an_param *p = table; p->name; p++) {
        switch (p->type) {
        case AN_PARAM_INT:
            *(int64_t *)field(p, options) = (int64_t)p->otherwise;
            break;
        case AN_PARAM_REAL:
            *(double *)field(p, options) = p->otherwise;
            break;
        case AN_PARAM_BOOL:
            *(bool *)field(p, options) = p->otherwise != 0;
            break;
        case AN_PARAM_CHOICE:
        case AN_PARAM_TEXT:
            *(char **)field(p, options) = an_strdup(p->text);
            break;
        case AN_PARAM_LIST: {
            an_list list = { 0 };
            an_list_split(&list, p->text, ',');
            *(an_list *)field(p, options) = list;
            break;
        }
        }
    }
}

void an_params_free(const an_param *table, void *options)
{
    if (!options) return;
    for (const an_param *p = table; p->name; p++) clear(p, options);
}

json_t *an_params_json(const an_param *table, const void *options)
{
    json_t *object = json_object();
    for (const an_param *p = table; p->name; p++) {
        const void *at = field_const(p, options);
        json_t *value = NULL;
        switch (p->type) {
        case AN_PARAM_INT:
            value = json_integer(*(const int64_t *)at);
            break;
        case AN_PARAM_REAL:
            value = an_json_real(*(const double *)at);
            break;
        case AN_PARAM_BOOL:
            value = json_boolean(*(const bool *)at);
            break;
        case AN_PARAM_CHOICE:
        case AN_PARAM_TEXT: {
            const char *text = *(char *const *)at;
            value = text ? json_string(text) : json_null();
            break;
        }
        case AN_PARAM_LIST: {
            const an_list *list = at;
            value = json_array();
            for (size_t i = 0; i < list->count; i++) json_array_append_new(value, json_string(list->items[i]));
            break;
        }
        }
        json_object_set_new(object, p->name, value);
    }
    return object;
}

void an_params_copy(const an_param *table, void *to, const void *from)
{
    for (const an_param *p = table; p->name; p++) {
        const void *source = field_const(p, from);
        switch (p->type) {
        case AN_PARAM_INT:
            *(int64_t *)field(p, to) = *(const int64_t *)source;
            break;
        case AN_PARAM_REAL:
            *(double *)field(p, to) = *(const double *)source;
            break;
        case AN_PARAM_BOOL:
            *(bool *)field(p, to) = *(const bool *)source;
            break;
        case AN_PARAM_CHOICE:
        case AN_PARAM_TEXT:
            *(char **)field(p, to) = an_strdup(*(char *const *)source);
            break;
        case AN_PARAM_LIST: {
            const an_list *list = source;
            an_list copy = { 0 };
            for (size_t i = 0; i < list->count; i++) an_list_add(&copy, list->items[i]);
            *(an_list *)field(p, to) = copy;
            break;
        }
        }
    }
}

static const char *wrong(const an_param *table, const an_param *p)
{
    if (!p->doc || !p->doc[0]) return "has no line of documentation";
    if (strchr(p->doc, '\n')) return "has more than one line of documentation";
    if (!p->name[0] || p->name[strspn(p->name, "abcdefghijklmnopqrstuvwxyz0123456789_")]) return "has a name that is not of a-z 0-9 _";
    if (an_params_find(table, p->name) != p) return "is declared twice";
    if (p->type == AN_PARAM_INT || p->type == AN_PARAM_REAL) {
        if (!(p->low <= p->high)) return "has an empty range";
        if (isnan(p->otherwise) && p->type == AN_PARAM_INT) return "has no default";
        if (!isnan(p->otherwise) && !(p->otherwise >= p->low && p->otherwise <= p->high)) return "has a default outside its range";
        if (p->type == AN_PARAM_INT && p->otherwise != floor(p->otherwise)) return "has a default that is not whole";
        if (p->log && !(p->low > 0)) return "is on a logarithmic scale down to zero or below";
    }
    if (p->type == AN_PARAM_BOOL && p->otherwise != 0 && p->otherwise != 1) return "has a default that is neither true nor false";
    if (p->type == AN_PARAM_CHOICE) {
        an_list choices = { 0 };
        an_list_split(&choices, p->choices, '|');
        bool good = choices.count > 0 && (!p->text || an_list_has(&choices, p->text));
        an_list_free(&choices);
        if (!good) return "has a default that is not a choice";
    }
    return NULL;
}

char *an_params_audit(const an_param *table)
{
    for (const an_param *p = table; p->name; p++) {
        const char *why = wrong(table, p);
        if (why) return an_format("parameter \"%s\" %s", p->name, why);
    }
    return an_strdup("");
}
