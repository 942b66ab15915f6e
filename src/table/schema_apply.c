/* schema_apply.c - a schema applied to a table: read whole and checked against the table first (schema_read.c), then the changed
 * columns are made, and only when all are made does the table change. Its text is schema_text.c, relations between columns relation.c,
 * types convert.c, units units.c.
 *
 * What a column's entry does not say: type, role, unit and kept stay as they are; limits, direction, station, resolution, sentinels and
 * description are then none, and so are constraints where there is no such section. Units: the cells are in the unit the table names, or in
 * `from`. `from` decides where both speak, except that a column in `unit` already is left alone, sentinels too (they are values of the
 * file): applying a schema twice is applying it once.
 */
#include "schema_plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROWS = 20 };

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

static bool make_cells(const an__schema *s, an__plan *p, an_table *t, an_error *err)
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
        if (!ok) return an__schema_context(s, p, "type", err);
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
                return an__schema_bad(s, p, "unit", err,
                                      "%" PRId64 " in row %zu does not fit whole numbers once converted; type must be real",
                                      p->made.integer[i], i + 1);
            p->made.integer[i] = (int64_t)value;
        }
    }
    return ok;
}

/* ---- the target's positive value ---- */

static bool set_positive(const an__schema *s, an_table *t, const char *before, an_error *err)
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
    if (t->rows && target->missing == t->rows) { /* some may be: those rows have no label yet */
        an_buf_free(&text);
        char *path = an_format("columns.%s.role", target->name);
        an__fail_place(s->yaml, path, err, "column %s: the target is missing in every row", target->name);
        free(path);
        return false;
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

static void note_row(json_t *first, size_t *broken, size_t row)
{
    if ((*broken)++ < FIRST_ROWS) json_array_append_new(first, json_integer((json_int_t)row + 1));
}

/* What the broken rows of a constraint are told with; tolerance: NaN where it is no equality. */
static char *broken_note(const char *text, size_t broken, double tolerance)
{
    char *off =
        isnan(tolerance) ? an_strdup("")
        : tolerance > 0
            ? an_format("; off by more than %.6g: half the resolution of each column, or else half its last decimal place", tolerance)
            : an_strdup("; it is taken as exact: give the columns their resolution: in the schema if they are rounded");
    char *note = an_format("%s: broken in %zu row%s, which stay%s", text, broken, broken == 1 ? "" : "s", off);
    free(off);
    return note;
}

static json_t *judge_constraints(const an_table *t)
{
    json_t *out = json_array(), *item;
    size_t i;
    json_array_foreach(t->constraints, i, item) {
        json_t *first = json_array();
        size_t broken = 0;
        double tolerance = NAN; /* of an equality */
        an_buf text = { 0 };
        if (json_is_string(item)) {
            an__relation r;
            an_buf_puts(&text, json_string_value(item));
            if (an__relation_parse(text.data, t, &r, NULL)) {
                an__relation_measure(&r, t);
                if (r.order == ORDER_EQUAL || r.order == ORDER_NOT_EQUAL) tolerance = r.slack;
                for (size_t row = 0; row < t->rows; row++)
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
        char *note = broken ? broken_note(text.data, broken, tolerance) : NULL;
        json_array_append_new(out, json_pack("{s:s, s:I, s:o, s:o, s:s?}", "text", text.data, "rows_broken", (json_int_t)broken, "first",
                                             first, "tolerance", an_json_real(tolerance), "note", note));
        free(note);
        an_buf_free(&text);
    }
    return out;
}

/* ---- all of it ---- */

static json_t *make_report(const an__schema *s, const an_table *t, const an_type *before)
{
    json_t *converted = json_array(), *types = json_array(), *sentinels = json_array(), *unlisted = json_array(), *outside = json_array();
    bool *listed = an_alloc_n(t->columns + 1, sizeof *listed);
    for (size_t k = 0; k < s->count; k++) {
        const an__plan *p = &s->plan[k];
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
    an__schema s = { .yaml = yaml };
    if (report) *report = NULL;
    bool ok = an__schema_read(&s, t, err);
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
            const an__plan *p = &s.plan[k];
            if (p->changed) {
                next.column[p->column] = p->made;
                next.column[p->column].name = t->column[p->column].name;
            }
            next.column[p->column].role = p->role;
            next.column[p->column].spec = p->spec;
        }
        ok = set_positive(&s, &next, target_before, err) && an__schema_read_constraints(&s, &next, err);
        free(next.column);
        if (ok) {
            for (size_t k = 0; k < s.count; k++) {
                an__plan *p = &s.plan[k];
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
