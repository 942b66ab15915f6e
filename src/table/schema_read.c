/* schema_read.c - a schema as a person wrote it, into a plan for each column: every key is known, every value has its type, and nothing
 * contradicts the table. schema_apply.c carries the plan out. */
#include "schema_plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const column_keys[] = { "type", "format", "role",      "after_decision", "reason",     "kept",      "unit",       "from",
                                           "low",  "high",   "direction", "station",        "resolution", "sentinels", "description" };
static const char *const root_keys[] = { "positive", "columns", "constraints" };

bool an__schema_bad(const an__schema *s, const an__plan *p, const char *key, an_error *err, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char *path = an_format("%s.%s", p->path, key);
    an__fail_place(s->yaml, path, err, "column %s: %s", p->name, text);
    free(path);
    return false;
}

bool an__schema_context(const an__schema *s, const an__plan *p, const char *key, an_error *err)
{
    char *path = an_format("%s.%s", p->path, key);
    an__context_place(s->yaml, path, err);
    free(path);
    return false;
}

/* ---- reading one column's entry ---- */

static bool get_text(const an__schema *s, const an__plan *p, const json_t *entry, const char *key, const char **out, an_error *err)
{
    const json_t *value = json_object_get(entry, key);
    if (!value || json_is_null(value)) return true;
    if (!json_is_string(value)) return an__schema_bad(s, p, key, err, "%s must be a text; write it in double quotes", key);
    *out = json_string_value(value);
    return true;
}

static bool get_bool(const an__schema *s, const an__plan *p, const json_t *entry, const char *key, bool *out, an_error *err)
{
    const json_t *value = json_object_get(entry, key);
    if (!value) return true;
    if (!json_is_boolean(value)) return an__schema_bad(s, p, key, err, "%s must be true or false", key);
    *out = json_is_true(value);
    return true;
}

static bool read_role(const an__schema *s, an__plan *p, const json_t *entry, const an_column *c, an_error *err)
{
    const char *role = NULL;
    bool after = false;
    p->role = c->role;
    p->reason = c->reason;
    if (!get_text(s, p, entry, "role", &role, err) || !get_bool(s, p, entry, "after_decision", &after, err)) return false;
    if (role && !an_role_parse(role, &p->role)) {
        an__schema_bad(s, p, "role", err, "\"%.40s\" is not a role", role);
        return an_hint(err, "roles are feature, target, group, time, id, ignored");
    }
    if (after && role && p->role != AN_IGNORED && p->role != AN_FEATURE)
        return an__schema_bad(s, p, "after_decision", err, "a column known only after the decision cannot be the %s", role);
    bool said_not = json_is_false(json_object_get(entry, "after_decision"));
    if (said_not && !role && c->role == AN_IGNORED && c->reason && !strcmp(c->reason, "after-decision")) p->role = AN_FEATURE;
    if (after) p->role = AN_IGNORED;
    const char *reason = NULL;
    if (!get_text(s, p, entry, "reason", &reason, err)) return false;
    if (p->role != AN_IGNORED) {
        if (reason)
            return an__schema_bad(s, p, "reason", err, "a reason belongs to an ignored column; this one is %s", an_role_name(p->role));
        p->reason = NULL;
    } else if (after) {
        p->reason = "after-decision";
    } else if (reason) {
        p->reason = reason;
    } else if (c->role != AN_IGNORED) {
        p->reason = "requested";
    }
    p->kept = c->kept;
    if (p->role == AN_TARGET && p->type == AN_TENSOR) return an__schema_bad(s, p, "role", err, "arrays cannot be the target");
    if (p->role == AN_TIME && p->type != AN_DATETIME && p->type != AN_INTEGER && p->type != AN_REAL)
        return an__schema_bad(s, p, "role", err, "a column of type %s does not order rows in time", an_type_name(p->type));
    return get_bool(s, p, entry, "kept", &p->kept, err);
}

static bool read_type(const an__schema *s, an__plan *p, const json_t *entry, const an_column *c, an_error *err)
{
    const char *type = NULL;
    p->type = c->type;
    if (!get_text(s, p, entry, "type", &type, err) || !get_text(s, p, entry, "format", &p->format, err)) return false;
    if (type && !an_type_parse(type, &p->type)) {
        an__schema_bad(s, p, "type", err, "\"%.40s\" is not a type", type);
        return an_hint(err, "types are real, integer, boolean, category, datetime, text");
    }
    if (p->format && p->type != AN_DATETIME)
        return an__schema_bad(s, p, "format", err, "format says how dates are written, but the type is %s", an_type_name(p->type));
    return true;
}

static bool read_unit(const an__schema *s, an__plan *p, const json_t *entry, const an_column *c, an_error *err)
{
    p->unit = json_object_get(entry, "unit") ? NULL : c->unit;
    p->factor = 1;
    if (!get_text(s, p, entry, "unit", &p->unit, err) || !get_text(s, p, entry, "from", &p->from, err)) return false;
    if (p->from && !p->unit)
        return an__schema_bad(s, p, "from", err, "from names the unit of the file, but there is no unit to convert to");
    if (!p->unit) return true;
    bool number = p->type == AN_REAL || p->type == AN_INTEGER;
    bool same_as_now = c->unit && !strcmp(c->unit, p->unit);
    if (p->from && !strcmp(p->from, p->unit)) return true; /* the label is corrected, the cells stay */
    double factor, offset;
    if (p->from && !an_unit_convert(p->from, p->unit, &factor, &offset, err)) {
        an_context(err, "column %s", p->name);
        return an__schema_context(s, p, "from", err);
    }
    if (same_as_now) return true;
    if (p->from && c->unit && strcmp(c->unit, p->from))
        return an__schema_bad(s, p, "from", err, "the schema says that the file is in %s, but the table says %s", p->from, c->unit);
    const char *source = p->from ? p->from : c->unit;
    if (!source) return true; /* nobody said otherwise: the cells are in the unit */
    if (!an_unit_convert(source, p->unit, &p->factor, &p->offset, err)) {
        an_context(err, "column %s", p->name);
        an__schema_context(s, p, "unit", err);
        return an_hint(err, "to correct a wrong label without converting, write from: %s as well", p->unit);
    }
    p->convert = p->factor != 1 || p->offset != 0;
    if (p->convert && !number)
        return an__schema_bad(s, p, "unit", err, "cells of type %s cannot be converted from %s to %s", an_type_name(p->type), source,
                              p->unit);
    /* whole inches are no whole millimetres */
    if (p->convert && (p->factor != rint(p->factor) || p->offset != rint(p->offset))) p->type = AN_REAL;
    if (p->convert) p->source = an_strdup(source);
    return true;
}

static bool spec_number(const an__schema *s, const an__plan *p, const json_t *entry, const char *key, double *out, an_error *err)
{
    json_t *value = json_object_get(entry, key);
    *out = NAN;
    if (!value || json_is_null(value)) return true;
    if (!json_is_number(value) || !isfinite(json_number_value(value))) return an__schema_bad(s, p, key, err, "%s must be a number", key);
    if (p->type != AN_REAL && p->type != AN_INTEGER)
        return an__schema_bad(s, p, key, err, "a column of type %s has no %s", an_type_name(p->type), key);
    *out = json_number_value(value);
    json_object_set(p->spec, key, value);
    return true;
}

static bool read_spec(const an__schema *s, an__plan *p, const json_t *entry, an_error *err)
{
    double low, high, resolution;
    p->spec = json_object();
    if (!spec_number(s, p, entry, "low", &low, err) || !spec_number(s, p, entry, "high", &high, err) ||
        !spec_number(s, p, entry, "resolution", &resolution, err))
        return false;
    if (low >= high) return an__schema_bad(s, p, "high", err, "low %g is not below high %g", low, high);
    if (resolution <= 0) return an__schema_bad(s, p, "resolution", err, "the resolution of a gauge must be above 0");
    static const char *const texts[] = { "direction", "station", "from", "description" };
    for (size_t k = 0; k < AN_COUNT(texts); k++) {
        const char *text = NULL;
        if (!get_text(s, p, entry, texts[k], &text, err)) return false;
        if (text) json_object_set_new(p->spec, texts[k], json_string(text));
    }
    const char *direction = an_json_string(p->spec, "direction", NULL);
    if (direction && strcmp(direction, "more is worse") && strcmp(direction, "less is worse"))
        return an__schema_bad(s, p, "direction", err, "direction is \"more is worse\" or \"less is worse\", not \"%.40s\"", direction);
    json_t *sentinels = json_object_get(entry, "sentinels"), *item;
    size_t i;
    if (sentinels && !json_is_null(sentinels)) {
        if (!json_is_array(sentinels)) return an__schema_bad(s, p, "sentinels", err, "sentinels must be a list, such as [-999, \"n.d.\"]");
        json_array_foreach(sentinels, i, item) {
            if (!json_is_number(item) && !json_is_string(item))
                return an__schema_bad(s, p, "sentinels", err, "sentinels are numbers or texts");
        }
        if (json_array_size(sentinels)) json_object_set(p->spec, "sentinels", sentinels);
    }
    return true;
}

static bool read_column(an__schema *s, an__plan *p, const an_table *t, const json_t *entry, an_error *err)
{
    an_column *c = an_table_find(t, p->name);
    if (!c) {
        an_error why = { 0 };
        an_table_need(t, p->name, &why);
        an__fail_place(s->yaml, p->path, err, "the table has no column %.200s", p->name);
        return why.hint[0] ? an_hint(err, "%s", why.hint)
                           : an_hint(err, "the schema contradicts the table; take the entry out, or give the file the column");
    }
    p->column = (size_t)(c - t->column);
    if (!json_is_object(entry) && !json_is_null(entry))
        return an__fail_place(s->yaml, p->path, err, "column %s: an entry has keys such as type: and role:", p->name);
    if (!an__known_keys(s->yaml, p->path, entry, column_keys, AN_COUNT(column_keys), err)) return an_context(err, "column %s", p->name);
    if (!read_type(s, p, entry, c, err) || !read_unit(s, p, entry, c, err) || !read_role(s, p, entry, c, err) ||
        !read_spec(s, p, entry, err))
        return false;
    bool done_before = p->from && strcmp(p->from, p->unit) && c->unit && !strcmp(c->unit, p->unit);
    p->sentinels = done_before ? NULL : json_object_get(p->spec, "sentinels");
    return true;
}

static bool one_of_each(const an__schema *s, const an_table *t, an_error *err)
{
    static const an_role single[] = { AN_TARGET, AN_GROUP, AN_TIME, AN_ID };
    for (size_t r = 0; r < AN_COUNT(single); r++) {
        const char *first = NULL;
        for (size_t j = 0; j < t->columns; j++) { /* columns that the schema does not name keep their role */
            bool named = false;
            for (size_t k = 0; k < s->count; k++) named = named || s->plan[k].column == j;
            if (!named && t->column[j].role == single[r]) first = t->column[j].name;
        }
        for (size_t k = 0; k < s->count; k++) {
            const an__plan *p = &s->plan[k];
            if (p->role != single[r]) continue;
            if (first) return an__schema_bad(s, p, "role", err, "a table has one %s, and %s is it already", an_role_name(single[r]), first);
            first = p->name;
        }
    }
    return true;
}

bool an__schema_read(an__schema *s, const an_table *t, an_error *err)
{
    const json_t *root = an_yaml_root(s->yaml), *columns = json_object_get(root, "columns");
    if (!json_is_object(root)) return an__fail_place(s->yaml, "", err, "a schema begins with columns:");
    if (!an__known_keys(s->yaml, "", root, root_keys, AN_COUNT(root_keys), err)) return false;
    if (columns && !json_is_object(columns) && !json_is_null(columns))
        return an__fail_place(s->yaml, "columns", err, "columns: holds the names of columns, each with its entry");
    s->plan = an_alloc_n(json_object_size(columns) + 1, sizeof *s->plan);
    const char *name;
    json_t *entry;
    json_object_foreach((json_t *)columns, name, entry) {
        an__plan *p = &s->plan[s->count++];
        p->name = name;
        p->path = an_format("columns.%s", name);
        p->column = SIZE_MAX;
        if (!read_column(s, p, t, entry, err)) return false;
    }
    return one_of_each(s, t, err);
}

/* ---- constraints ---- */

bool an__schema_read_constraints(an__schema *s, const an_table *t, an_error *err)
{
    const json_t *list = json_object_get(an_yaml_root(s->yaml), "constraints");
    if (!list || json_is_null(list)) return true;
    if (!json_is_array(list)) return an__fail_place(s->yaml, "constraints", err, "constraints: is a list, such as - a < b");
    s->constraints = json_array();
    an__relation *relations = an_alloc_n(json_array_size(list) + 1, sizeof *relations);
    size_t *place = an_alloc_n(json_array_size(list) + 1, sizeof *place), count = 0, i, which = 0;
    json_t *item;
    bool ok = true;
    json_array_foreach(list, i, item) {
        static const char *const keys[] = { "fixed", "allowed" };
        char *path = an_format("constraints.%zu", i);
        if (json_is_string(item)) {
            ok = an__relation_parse(json_string_value(item), t, &relations[count], err) || an__context_place(s->yaml, path, err);
            place[count++] = i;
            json_array_append(s->constraints, item);
        } else if (json_object_get(item, "fixed")) {
            ok = an__known_keys(s->yaml, path, item, keys, AN_COUNT(keys), err);
            json_t *whole = NULL;
            if (ok && json_object_get(item, "allowed")) {
                an__fixed f;
                ok = an__fixed_open(item, t, &f, err);
                if (ok) an__fixed_free(&f);
                whole = ok ? json_object() : NULL;
                if (ok) { /* values as texts */
                    json_t *rows = json_array(), *row, *cell;
                    size_t k, m;
                    json_array_foreach(json_object_get(item, "allowed"), k, row) {
                        json_t *texts = json_array();
                        json_array_foreach(row, m, cell) {
                            an_buf text = { 0 };
                            an__yaml_value(&text, cell);
                            json_array_append_new(texts, json_is_string(cell) ? json_incref(cell) : json_string(text.data));
                            an_buf_free(&text);
                        }
                        json_array_append_new(rows, texts);
                    }
                    json_object_set(whole, "fixed", json_object_get(item, "fixed"));
                    json_object_set_new(whole, "allowed", rows);
                }
            } else if (ok) {
                whole = an__fixed_with_allowed(item, t, err);
                ok = whole != NULL;
            }
            if (!ok) an__context_place(s->yaml, path, err);
            if (whole) json_array_append_new(s->constraints, whole);
        } else {
            ok = an__fail_place(s->yaml, path, err, "a constraint is a condition such as a < b, or fixed: [line, variant]");
        }
        free(path);
        if (!ok) break;
    }
    if (ok && !an__relations_circle(relations, count, t, &which, err)) {
        char *path = an_format("constraints.%zu", place[which]);
        ok = an__context_place(s->yaml, path, err);
        free(path);
    }
    free(relations);
    free(place);
    return ok;
}
