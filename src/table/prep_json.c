/* prep_json.c - a fitted preparation as JSON, and back; what comes back is checked, for it may come from a stranger. */
#include "prep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

json_t *an_prep_json(const an_prep *p)
{
    json_t *columns = json_array();
    for (size_t j = 0; j < p->columns; j++) {
        const an_prep_column *c = &p->column[j];
        json_t *o = json_pack("{s:s, s:s?, s:s, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:I, s:I, s:b, s:o}", "name", c->name, "unit", c->unit,
                              "type", an_type_name(c->type), "fill", an_json_real(c->fill), "center", an_json_real(c->center), "scale",
                              an_json_real(c->scale), "low", an_json_real(c->low), "high", an_json_real(c->high), "whole", (int)c->whole,
                              "step", an_json_real(c->step), "first", (json_int_t)c->first, "width", (json_int_t)c->width, "onehot",
                              (int)c->onehot, "missing_share", an_json_real(c->missing_share));
        if (c->type == AN_CATEGORY || c->dictionary.count) {
            json_t *names = json_array();
            for (int32_t k = 0; k < c->dictionary.count; k++) json_array_append_new(names, json_string(c->dictionary.names[k]));
            json_object_set_new(o, "categories", names);
        }
        json_array_append_new(columns, o);
    }
    return json_pack("{s:I, s:b, s:o}", "width", (json_int_t)p->width, "target_last", (int)p->target_last, "columns", columns);
}

static bool read_column(const json_t *o, an_prep_column *c, size_t first, an_error *err)
{
    const char *name = an_json_string(o, "name", NULL), *type = an_json_string(o, "type", NULL);
    if (!name || !type || !an_type_parse(type, &c->type) || c->type == AN_TEXT || c->type == AN_TENSOR) {
        return an_fail(err, AN_CORRUPT, "preparation: a column lacks its name or has no known type");
    }
    c->name = an_strdup(name);
    c->unit = an_strdup(an_json_string(o, "unit", NULL));
    c->fill = an_json_number(json_object_get(o, "fill"), NAN);
    c->center = an_json_number(json_object_get(o, "center"), NAN);
    c->scale = an_json_number(json_object_get(o, "scale"), NAN);
    c->low = an_json_number(json_object_get(o, "low"), NAN);
    c->high = an_json_number(json_object_get(o, "high"), NAN);
    c->whole = json_is_true(json_object_get(o, "whole"));
    c->step = an_json_number(json_object_get(o, "step"), 0);
    c->onehot = json_is_true(json_object_get(o, "onehot"));
    c->missing_share = an_json_number(json_object_get(o, "missing_share"), 0);
    c->first = first;
    const json_t *names = json_object_get(o, "categories");
    bool spelled = c->type == AN_BOOLEAN && json_array_size(names) == 2;
    if ((c->type == AN_CATEGORY || spelled) != json_is_array(names))
        return an_fail(err, AN_CORRUPT, "preparation: column %s and its categories do not fit", name);
    size_t count = json_array_size(names);
    if (count > INT32_MAX) return an_fail(err, AN_CORRUPT, "preparation: column %s has too many categories", name);
    if (count || c->type == AN_CATEGORY) c->dictionary.names = an_alloc_n(count + 1, sizeof *c->dictionary.names);
    for (size_t k = 0; k < count; k++) {
        const char *text = json_string_value(json_array_get(names, k));
        if (!text || (k && strcmp(c->dictionary.names[k - 1], text) >= 0)) {
            return an_fail(err, AN_CORRUPT, "preparation: the categories of column %s are not sorted texts", name);
        }
        c->dictionary.names[c->dictionary.count++] = an_strdup(text);
    }
    c->width = c->onehot ? count : 1;
    bool bad_fill =
        c->type == AN_CATEGORY && !(c->fill >= 0 && (c->fill < (double)count || (c->fill == 0 && !count)) && c->fill == floor(c->fill));
    if (!isfinite(c->fill) || !isfinite(c->center) || !(c->scale > 0) || !isfinite(c->scale) || bad_fill ||
        (c->onehot && c->type != AN_CATEGORY)) {
        return an_fail(err, AN_CORRUPT, "preparation: column %s has impossible numbers", name);
    }
    if (json_integer_value(json_object_get(o, "first")) != (json_int_t)first ||
        json_integer_value(json_object_get(o, "width")) != (json_int_t)c->width) {
        return an_fail(err, AN_CORRUPT, "preparation: the place of column %s does not fit", name);
    }
    return true;
}

an_prep *an_prep_from_json(const json_t *j, an_error *err)
{
    const json_t *columns = json_object_get(j, "columns");
    if (!json_is_array(columns)) {
        an_fail(err, AN_CORRUPT, "preparation: there are no columns");
        return NULL;
    }
    an_prep *p = an_alloc(sizeof *p);
    size_t n = json_array_size(columns);
    p->column = an_alloc_n(n + 1, sizeof *p->column);
    p->target_last = json_is_true(json_object_get(j, "target_last"));
    for (size_t k = 0; k < n; k++) {
        p->columns++;
        if (!read_column(json_array_get(columns, k), &p->column[k], p->width, err)) goto failed;
        p->width += p->column[k].width;
    }
    if (json_integer_value(json_object_get(j, "width")) != (json_int_t)p->width || (p->target_last && !n)) {
        an_fail(err, AN_CORRUPT, "preparation: the width does not fit the columns");
        goto failed;
    }
    return p;
failed:
    an_prep_free(p);
    return NULL;
}
