/* schema_apply.c - a schema applied to a table: read whole and checked against the table first, then the changed columns are made, and only
 * when all are made does the table change. Its text is schema_text.c, relations between columns relation.c, types convert.c, units units.c.
 *
 * What a column's entry does not say: type, role, unit and kept stay as they are; limits, direction, station, resolution, sentinels and
 * description are then none, and so are constraints where there is no such section. Units: the cells are in the unit the table names, or in
 * `from`. `from` decides where both speak, except that a column in `unit` already is left alone, sentinels too (they are values of the
 * file): applying a schema twice is applying it once.
 */
#include "schema.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROWS = 20 };

static const char *const column_keys[] = { "type", "format", "role",      "after_decision", "reason",     "kept",      "unit",       "from",
                                           "low",  "high",   "direction", "station",        "resolution", "sentinels", "description" };
static const char *const root_keys[] = { "positive", "columns", "constraints" };

typedef struct plan { /* of one column that the schema names */
    size_t column;
    const char *name;
    char *path; /* in the YAML document */
    an_type type;
    an_role role;
    const char *reason, *unit, *from, *format; /* borrowed from the document or the table */
    bool kept, convert;
    char *source; /* unit converted from */
    double factor, offset;
    const json_t *sentinels; /* to be looked for; NULL: none, or done before */
    json_t *spec;
    an_column made; /* new cells; used where `changed` */
    bool changed;
    size_t blanked; /* cells a sentinel made missing */
} plan;

typedef struct schema {
    const an_yaml *yaml;
    plan *plan;
    size_t count;
    json_t *constraints; /* as they will be kept */
} schema;

static bool bad(const schema *s, const plan *p, const char *key, an_error *err, const char *format, ...) AN_PRINTF(5, 6);

static bool bad(const schema *s, const plan *p, const char *key, an_error *err, const char *format, ...)
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

static bool context(const schema *s, const plan *p, const char *key, an_error *err)
{
    char *path = an_format("%s.%s", p->path, key);
    an__context_place(s->yaml, path, err);
    free(path);
    return false;
}

/* ---- reading one column's entry ---- */

static bool get_text(const schema *s, const plan *p, const json_t *entry, const char *key, const char **out, an_error *err)
{
    const json_t *value = json_object_get(entry, key);
    if (!value || json_is_null(value)) return true;
    if (!json_is_string(value)) return bad(s, p, key, err, "%s must be a text; write it in double quotes", key);
    *out = json_string_value(value);
    return true;
}

static bool get_bool(const schema *s, const plan *p, const json_t *entry, const char *key, bool *out, an_error *err)
{
    const json_t *value = json_object_get(entry, key);
    if (!value) return true;
    if (!json_is_boolean(value)) return bad(s, p, key, err, "%s must be true or false", key);
    *out = json_is_true(value);
    return true;
}

static bool read_role(const schema *s, plan *p, const json_t *entry, const an_column *c, an_error *err)
{
    const char *role = NULL;
    bool after = false;
    p->role = c->role;
    p->reason = c->reason;
    if (!get_text(s, p, entry, "role", &role, err) || !get_bool(s, p, entry, "after_decision", &after, err)) return false;
    if (role && !an_role_parse(role, &p->role)) {
        bad(s, p, "role", err, "\"%.40s\" is not a role", role);
        return an_hint(err, "roles are feature, target, group, time, id, ignored");
    }
    if (after && role && p->role != AN_IGNORED && p->role != AN_FEATURE)
        return bad(s, p, "after_decision", err, "a column known only after the decision cannot be the %s", role);
    bool said_not = json_is_false(json_object_get(entry, "after_decision"));
    if (said_not && !role && c->role == AN_IGNORED && c->reason && !strcmp(c->reason, "after-decision")) p->role = AN_FEATURE;
    if (after) p->role = AN_IGNORED;
    const char *reason = NULL;
    if (!get_text(s, p, entry, "reason", &reason, err)) return false;
    if (p->role != AN_IGNORED) {
        if (reason) return bad(s, p, "reason", err, "a reason belongs to an ignored column; this one is %s", an_role_name(p->role));
        p->reason = NULL;
    } else if (after) {
        p->reason = "after-decision";
    } else if (reason) {
        p->reason = reason;
    } else if (c->role != AN_IGNORED) {
        p->reason = "requested";
    }
    p->kept = c->kept;
    if (p->role == AN_TARGET && p->type == AN_TENSOR) return bad(s, p, "role", err, "arrays cannot be the target");
    if (p->role == AN_TIME && p->type != AN_DATETIME && p->type != AN_INTEGER && p->type != AN_REAL)
        return bad(s, p, "role", err, "a column of type %s does not order rows in time", an_type_name(p->type));
    return get_bool(s, p, entry, "kept", &p->kept, err);
}

static bool read_type(const schema *s, plan *p, const json_t *entry, const an_column *c, an_error *err)
{
    const char *type = NULL;
    p->type = c->type;
    if (!get_text(s, p, entry, "type", &type, err) || !get_text(s, p, entry, "format", &p->format, err)) return false;
    if (type && !an_type_parse(type, &p->type)) {
        bad(s, p, "type", err, "\"%.40s\" is not a type", type);
        return an_hint(err, "types are real, integer, boolean, category, datetime, text");
    }
    if (p->format && p->type != AN_DATETIME)
        return bad(s, p, "format", err, "format says how dates are written, but the type is %s", an_type_name(p->type));
    return true;
}

static bool read_unit(const schema *s, plan *p, const json_t *entry, const an_column *c, an_error *err)
{
    p->unit = json_object_get(entry, "unit") ? NULL : c->unit;
    p->factor = 1;
    if (!get_text(s, p, entry, "unit", &p->unit, err) || !get_text(s, p, entry, "from", &p->from, err)) return false;
    if (p->from && !p->unit) return bad(s, p, "from", err, "from names the unit of the file, but there is no unit to convert to");
    if (!p->unit) return true;
    bool number = p->type == AN_REAL || p->type == AN_INTEGER;
    bool same_as_now = c->unit && !strcmp(c->unit, p->unit);
    if (p->from && !strcmp(p->from, p->unit)) return true; /* the label is corrected, the cells stay */
    double factor, offset;
    if (p->from && !an_unit_convert(p->from, p->unit, &factor, &offset, err)) {
        an_context(err, "column %s", p->name);
        return context(s, p, "from", err);
    }
    if (same_as_now) return true;
    if (p->from && c->unit && strcmp(c->unit, p->from))
        return bad(s, p, "from", err, "the schema says that the file is in %s, but the table says %s", p->from, c->unit);
    const char *source = p->from ? p->from : c->unit;
    if (!source) return true; /* nobody said otherwise: the cells are in the unit */
    if (!an_unit_convert(source, p->unit, &p->factor, &p->offset, err)) {
        an_context(err, "column %s", p->name);
        context(s, p, "unit", err);
        return an_hint(err, "to correct a wrong label without converting, write from: %s as well", p->unit);
    }
    p->convert = p->factor != 1 || p->offset != 0;
    if (p->convert && !number)
        return bad(s, p, "unit", err, "cells of type %s cannot be converted from %s to %s", an_type_name(p->type), source, p->unit);
    /* whole inches are no whole millimetres */
    if (p->convert && (p->factor != rint(p->factor) || p->offset != rint(p->offset))) p->type = AN_REAL;
    if (p->convert) p->source = an_strdup(source);
    return true;
}

static bool spec_number(const schema *s, const plan *p, const json_t *entry, const char *key, double *out, an_error *err)
{
    json_t *value = json_object_get(entry, key);
    *out = NAN;
    if (!value || json_is_null(value)) return true;
    if (!json_is_number(value) || !isfinite(json_number_value(value))) return bad(s, p, key, err, "%s must be a number", key);
    if (p->type != AN_REAL && p->type != AN_INTEGER)
        return bad(s, p, key, err, "a column of type %s has no %s", an_type_name(p->type), key);
    *out = json_number_value(value);
    json_object_set(p->spec, key, value);
    return true;
}

static bool read_spec(const schema *s, plan *p, const json_t *entry, an_error *err)
{
    double low, high, resolution;
    p->spec = json_object();
    if (!spec_number(s, p, entry, "low", &low, err) || !spec_number(s, p, entry, "high", &high, err) ||
        !spec_number(s, p, entry, "resolution", &resolution, err))
        return false;
    if (low >= high) return bad(s, p, "high", err, "low %g is not below high %g", low, high);
    if (resolution <= 0) return bad(s, p, "resolution", err, "the resolution of a gauge must be above 0");
    static const char *const texts[] = { "direction", "station", "from", "description" };
    for (size_t k = 0; k < AN_COUNT(texts); k++) {
        const char *text = NULL;
        if (!get_text(s, p, entry, texts[k], &text, err)) return false;
        if (text) json_object_set_new(p->spec, texts[k], json_string(text));
    }
    const char *direction = an_json_string(p->spec, "direction", NULL);
    if (direction && strcmp(direction, "more is worse") && strcmp(direction, "less is worse"))
        return bad(s, p, "direction", err, "direction is \"more is worse\" or \"less is worse\", not \"%.40s\"", direction);
    json_t *sentinels = json_object_get(entry, "sentinels"), *item;
    size_t i;
    if (sentinels && !json_is_null(sentinels)) {
        if (!json_is_array(sentinels)) return bad(s, p, "sentinels", err, "sentinels must be a list, such as [-999, \"n.d.\"]");
        json_array_foreach(sentinels, i, item) {
            if (!json_is_number(item) && !json_is_string(item)) return bad(s, p, "sentinels", err, "sentinels are numbers or texts");
        }
        if (json_array_size(sentinels)) json_object_set(p->spec, "sentinels", sentinels);
    }
    return true;
}

static bool read_column(schema *s, plan *p, const an_table *t, const json_t *entry, an_error *err)
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

static bool one_of_each(const schema *s, const an_table *t, an_error *err)
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
            const plan *p = &s->plan[k];
            if (p->role != single[r]) continue;
            if (first) return bad(s, p, "role", err, "a table has one %s, and %s is it already", an_role_name(single[r]), first);
            first = p->name;
        }
    }
    return true;
}

static bool read_schema(schema *s, const an_table *t, an_error *err)
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
        plan *p = &s->plan[s->count++];
        p->name = name;
        p->path = an_format("columns.%s", name);
        p->column = SIZE_MAX;
        if (!read_column(s, p, t, entry, err)) return false;
    }
    return one_of_each(s, t, err);
}

/* ---- making the changed columns ---- */

static bool is_sentinel(const an_column *c, size_t row, const json_t *list, an_buf *text)
{
    size_t i;
    json_t *item;
    double value = an_cell_number(c, row);
    an_buf_clear(text);
    if (isnan(value) || c->type == AN_DATETIME || c->type == AN_BOOLEAN) an_cell_text(c, row, text);
    json_array_foreach(list, i, item) {
        if (json_is_string(item)) {
            if (text->size && !strcmp(text->data, json_string_value(item))) return true;
        } else if (text->size) {
            double number;
            if (an_real_parse(text->data, text->size, &number) && number == json_number_value(item)) return true;
        } else if (value == json_number_value(item)) {
            return true;
        }
    }
    return false;
}

static bool copy_column(const an_table *t, const an_column *c, an_column *out, an_error *err)
{
    *out = (an_column){ 0 };
    an__column_describe(out, c);
    if (!an__column_cells(out, t->rows, err)) return false;
    if (c->type == AN_TEXT) {
        memcpy(out->text.offset, c->text.offset, (t->rows + 1) * sizeof *out->text.offset);
        size_t n = c->text.offset[t->rows];
        if (n) {
            out->text.bytes = an_alloc_data(n, 1, "the bytes of a text column", err);
            if (!out->text.bytes) return false;
            memcpy(out->text.bytes, c->text.bytes, n);
        }
    } else if (t->rows) {
        memcpy(out->tensor_data, c->tensor_data, t->rows * an__cell_bytes(c));
    }
    if (c->missing) {
        size_t words = an__valid_words(t->rows);
        out->valid = an_alloc_data(words, sizeof *out->valid, "the validity of a column", err);
        if (!out->valid) return false;
        memcpy(out->valid, c->valid, words * sizeof *out->valid);
        out->missing = c->missing;
    }
    return true;
}

static bool make_cells(const schema *s, plan *p, an_table *t, an_error *err)
{
    const an_column *c = &t->column[p->column];
    an_buf text = { 0 };
    bool ok = true;
    for (size_t i = 0; ok && p->sentinels && i < t->rows; i++) {
        if (!an_valid(c, i) || !is_sentinel(c, i, p->sentinels, &text)) continue;
        if (!p->blanked) {
            ok = copy_column(t, c, &p->made, err);
            p->changed = true;
        }
        if (!ok) break;
        an_set_missing(t, &p->made, i);
        p->blanked++;
    }
    an_buf_free(&text);
    an_type type = p->type;
    if (ok && type != c->type) {
        an_column made;
        ok = an__column_convert(t, p->changed ? &p->made : c, type, p->format, &made, err);
        if (!ok) return context(s, p, "type", err);
        an__column_free(&p->made);
        p->made = made;
        p->changed = true;
    }
    if (!ok || !p->convert) return ok;
    if (!p->changed) {
        ok = copy_column(t, c, &p->made, err);
        p->changed = true;
    }
    for (size_t i = 0; ok && i < t->rows; i++) {
        if (!an_valid(&p->made, i)) continue;
        if (p->made.type == AN_REAL) {
            p->made.real[i] = p->made.real[i] * p->factor + p->offset;
        } else {
            double value = (double)p->made.integer[i] * p->factor + p->offset;
            if (fabs(value) > 9007199254740992.0)
                return bad(s, p, "unit", err, "%" PRId64 " in row %zu does not fit whole numbers once converted; type must be real",
                           p->made.integer[i], i + 1);
            p->made.integer[i] = (int64_t)value;
        }
    }
    return ok;
}

/* ---- the target's positive value ---- */

static bool set_positive(const schema *s, an_table *t, const char *before, an_error *err)
{
    const json_t *said = json_object_get(an_yaml_root(s->yaml), "positive");
    const an_column *target = an_table_target(t, NULL);
    an_buf text = { 0 };
    if (said && !json_is_null(said)) {
        if (json_is_string(said))
            an_buf_puts(&text, json_string_value(said));
        else
            an__yaml_value(&text, said);
        if (!target) {
            an_buf_free(&text);
            return an__fail_place(s->yaml, "positive", err, "positive names a value of the target, but no column has the role target");
        }
    }
    if (!target) {
        free(t->positive);
        t->positive = NULL;
        return true;
    }
    an_class_count *classes = NULL;
    size_t n = 0;
    if (target->missing) {
        size_t row = 0;
        while (an_valid(target, row)) row++;
        an_buf_free(&text);
        char *path = an_format("columns.%s.role", target->name);
        an__fail_place(s->yaml, path, err, "column %s: the target is missing in row %zu (and %zu more)", target->name, row + 1,
                       target->missing - 1);
        free(path);
        return an_hint(err, "leave such rows out, or give them a label");
    }
    if (!text.size && before && !strcmp(before, target->name) && t->positive) return true;
    if (!an_table_classes(t, &classes, &n, err)) {
        an_buf_free(&text);
        return false;
    }
    char *positive = NULL;
    if (text.size) {
        char *value = an__canonical_value(target, text.data);
        for (size_t k = 0; k < n; k++) {
            if (!strcmp(classes[k].name, value)) positive = an_strdup(value);
        }
        if (!positive) an__fail_place(s->yaml, "positive", err, "the target %s has no value %.100s", target->name, value);
        free(value);
    } else if (n == 2) {
        positive = an_strdup(classes[classes[1].count <= classes[0].count].name);
    }
    bool ok = positive || !text.size;
    if (ok) {
        free(t->positive);
        t->positive = positive;
    }
    an_class_counts_free(classes, n);
    an_buf_free(&text);
    return ok;
}

/* ---- constraints ---- */

static bool read_constraints(schema *s, const an_table *t, an_error *err)
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

static void note_row(json_t *first, size_t *broken, size_t row)
{
    if ((*broken)++ < FIRST_ROWS) json_array_append_new(first, json_integer((json_int_t)row + 1));
}

static json_t *judge_constraints(const an_table *t)
{
    json_t *out = json_array(), *item;
    size_t i;
    json_array_foreach(t->constraints, i, item) {
        json_t *first = json_array();
        size_t broken = 0;
        an_buf text = { 0 };
        if (json_is_string(item)) {
            an__relation r;
            an_buf_puts(&text, json_string_value(item));
            for (size_t row = 0; an__relation_parse(text.data, t, &r, NULL) && row < t->rows; row++) {
                if (an__relation_holds(&r, t, row) == 0) note_row(first, &broken, row);
            }
        } else {
            an__fixed f;
            an_buf_puts(&text, "fixed ");
            an__yaml_value(&text, json_object_get(item, "fixed"));
            if (an__fixed_open(item, t, &f, NULL)) {
                for (size_t row = 0; row < t->rows; row++) {
                    if (!an__fixed_holds(&f, t, row)) note_row(first, &broken, row);
                }
                an__fixed_free(&f);
            }
        }
        json_array_append_new(out, json_pack("{s:s, s:I, s:o}", "text", text.data, "rows_broken", (json_int_t)broken, "first", first));
        an_buf_free(&text);
    }
    return out;
}

/* ---- all of it ---- */

static json_t *make_report(const schema *s, const an_table *t, const an_type *before)
{
    json_t *converted = json_array(), *types = json_array(), *sentinels = json_array(), *unlisted = json_array(), *outside = json_array();
    bool *listed = an_alloc_n(t->columns + 1, sizeof *listed);
    for (size_t k = 0; k < s->count; k++) {
        const plan *p = &s->plan[k];
        const an_column *c = &t->column[p->column];
        listed[p->column] = true;
        if (p->convert)
            json_array_append_new(converted, json_pack("{s:s, s:s, s:s, s:f, s:f}", "column", p->name, "from", p->source, "to", c->unit,
                                                       "factor", p->factor, "offset", p->offset));
        if (before[p->column] != c->type)
            json_array_append_new(types, json_pack("{s:s, s:s, s:s}", "column", p->name, "from", an_type_name(before[p->column]), "to",
                                                   an_type_name(c->type)));
        if (p->blanked) json_array_append_new(sentinels, json_pack("{s:s, s:I}", "column", p->name, "cells", (json_int_t)p->blanked));
        double low = an__spec_number(c, "low"), high = an__spec_number(c, "high");
        if (isnan(low) && isnan(high)) continue;
        json_int_t below = 0, above = 0;
        for (size_t i = 0; i < t->rows; i++) {
            double value = an_cell_number(c, i);
            below += value < low;
            above += value > high;
        }
        json_array_append_new(outside, json_pack("{s:s, s:I, s:I}", "column", p->name, "below", below, "above", above));
    }
    for (size_t j = 0; j < t->columns; j++) {
        if (!listed[j]) json_array_append_new(unlisted, json_string(t->column[j].name));
    }
    free(listed);
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "converted", converted, "types", types, "sentinels", sentinels, "unlisted", unlisted,
                     "outside_limits", outside, "constraints", judge_constraints(t));
}

static void replace_text(char **text, const char *value)
{
    char *copy = an_strdup(value); /* value may be the old text itself */
    free(*text);
    *text = copy;
}

bool an_schema_apply(an_table *t, const an_yaml *yaml, json_t **report, an_error *err)
{
    schema s = { .yaml = yaml };
    if (report) *report = NULL;
    bool ok = read_schema(&s, t, err);
    for (size_t k = 0; ok && k < s.count; k++) ok = make_cells(&s, &s.plan[k], t, err);
    if (ok) {
        /* a view of the table as it will be, for what has to be judged on the new cells; nothing of t has changed yet */
        an_table next = { .rows = t->rows, .columns = t->columns, .positive = an_strdup(t->positive) };
        next.column = an_alloc_n(t->columns + 1, sizeof *next.column);
        an_type *before = an_alloc_n(t->columns + 1, sizeof *before);
        const an_column *target = an_table_target(t, NULL);
        char *target_before = target ? an_strdup(target->name) : NULL;
        for (size_t j = 0; j < t->columns; j++) {
            next.column[j] = t->column[j];
            before[j] = t->column[j].type;
        }
        for (size_t k = 0; k < s.count; k++) {
            const plan *p = &s.plan[k];
            if (p->changed) {
                next.column[p->column] = p->made;
                next.column[p->column].name = t->column[p->column].name;
            }
            next.column[p->column].role = p->role;
            next.column[p->column].spec = p->spec;
        }
        ok = set_positive(&s, &next, target_before, err) && read_constraints(&s, &next, err);
        free(next.column);
        if (ok) {
            for (size_t k = 0; k < s.count; k++) {
                plan *p = &s.plan[k];
                an_column *c = &t->column[p->column];
                char *unit = an_strdup(p->unit), *reason = an_strdup(p->role == AN_IGNORED ? p->reason : NULL);
                if (p->changed) {
                    free(p->made.name);
                    p->made.name = an_strdup(c->name);
                    an_column old = *c;
                    *c = p->made;
                    c->kept = old.kept;
                    p->made = old; /* released below; texts of the old column that the plan borrows live until then */
                }
                replace_text(&c->unit, unit);
                replace_text(&c->reason, reason);
                free(unit);
                free(reason);
                c->role = p->role;
                c->kept = p->kept;
                json_decref(c->spec);
                c->spec = json_object_size(p->spec) ? json_incref(p->spec) : NULL;
            }
            free(t->positive);
            t->positive = next.positive;
            next.positive = NULL;
            json_decref(t->constraints);
            t->constraints = json_array_size(s.constraints) ? json_incref(s.constraints) : NULL;
            if (report) *report = make_report(&s, t, before);
        }
        free(next.positive);
        free(before);
        free(target_before);
    }
    for (size_t k = 0; k < s.count; k++) {
        free(s.plan[k].path);
        free(s.plan[k].source);
        json_decref(s.plan[k].spec);
        an__column_free(&s.plan[k].made);
    }
    free(s.plan);
    json_decref(s.constraints);
    return ok;
}
