/* import_notes.c - what an import tells of rows that share an id, and of rows put below a data set. */
#include "flow/import_notes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- an id on several rows ---- */

bool an__repeated_notes(const an_table *t, const char *id, const an_lines *lines, an_list *notes, an_error *err)
{
    if (!id) return true;
    json_t *repeated = an_table_repeated(t, id, err), *first, *item;
    if (!repeated) return false;
    size_t i, shown = 0;
    long long count = (long long)json_integer_value(json_object_get(repeated, "repeated"));
    long long differing = (long long)json_integer_value(json_object_get(repeated, "differing"));
    bool ok = true;
    if (count) {
        char **texts = an_lines_texts(lines, t->rows, err);
        ok = texts != NULL;
        an_buf text = { 0 };
        an_buf_printf(&text, "%s: %lld value%s more than one row, %lld of them with different values: ", id, count,
                      count > 1 ? "s have" : " has", differing);
        first = json_object_get(repeated, "first");
        json_array_foreach(first, i, item) {
            const json_t *rows = json_object_get(item, "rows");
            if (!ok || (differing && !json_array_size(json_object_get(item, "columns"))) || shown++ == 3) continue;
            if (shown > 3) break;
            size_t a = (size_t)json_integer_value(json_array_get(rows, 0)), b = (size_t)json_integer_value(json_array_get(rows, 1));
            an_buf_printf(&text, "%s%s (%s and %s)", shown > 1 ? ", " : "", an_json_string(item, "id", ""), texts[a], texts[b]);
        }
        an_buf_puts(&text,
                    count > 3 ? " ...; a join says with --attempts which row counts" : "; a join says with --attempts which row counts");
        an_list_add_take(notes, an_buf_take(&text));
        for (size_t k = 0; texts && k < t->rows; k++) free(texts[k]);
        free(texts);
    }
    json_decref(repeated);
    return ok;
}

/* ---- below what is there ---- */

typedef struct places { /* of the new rows, and of those of the data set */
    char **fresh, **before;
    size_t rows, rows_before;
} places;

static long long whole(const json_t *o, const char *key)
{
    return (long long)json_integer_value(json_object_get(o, key));
}

static void free_texts(char **texts, size_t n)
{
    for (size_t k = 0; texts && k < n; k++) free(texts[k]);
    free(texts);
}

/* Rows of known ids in the report get the lines they came from; the first three conflicts are told. */
static void tell_known(const json_t *report, const char *what, const places *p, an_list *notes)
{
    bool conflict = !strcmp(what, "conflicts");
    size_t i, k;
    json_t *item, *column;
    json_array_foreach(json_object_get(report, what), i, item) {
        size_t row = (size_t)whole(item, "row") - 1, other = (size_t)whole(item, "against_row") - 1;
        bool inside = !strcmp(an_json_string(item, "against", ""), "table");
        char **where = inside ? p->before : p->fresh;
        if (row >= p->rows || other >= (inside ? p->rows_before : p->rows)) continue;
        json_object_set_new(item, "from", json_string(p->fresh[row]));
        json_object_set_new(item, "against_from", json_string(where[other]));
        if (i >= 3 || !conflict) continue;
        an_buf columns = { 0 };
        json_array_foreach(json_object_get(item, "columns"), k, column)
            if (k < 5) an_buf_printf(&columns, "%s%s", k ? ", " : "", json_string_value(column));
        an_list_add_take(notes, an_format("conflict: %s %s in %s differs from %s in %s; the earlier row stays",
                                          an_json_string(report, "by", "id"), an_json_string(item, "id", ""), p->fresh[row],
                                          *where[other] ? where[other] : "the data set", columns.data ? columns.data : ""));
        an_buf_free(&columns);
    }
}

static void tell_filled(const json_t *report, an_list *notes)
{
    long long rows = whole(report, "filled"), cells = whole(report, "cells_filled");
    const json_t *first = json_array_get(json_object_get(report, "fills"), 0);
    if (!rows) return;
    an_list_add_take(notes, an_format("%lld row%s had cells missing that are filled now (%lld cell%s; the first is %s of %s %s)", rows,
                                      rows == 1 ? "" : "s", cells, cells == 1 ? "" : "s",
                                      json_string_value(json_array_get(json_object_get(first, "columns"), 0)),
                                      an_json_string(report, "by", "id"), an_json_string(first, "id", "")));
}

static void tell_units(const json_t *report, const an_version_row *base, an_list *notes)
{
    size_t i;
    json_t *unit;
    json_array_foreach(json_object_get(report, "other_units"), i, unit)
        an_list_add_take(notes,
                         an_format("%s: the added rows look like another unit: %s; their median is %.4g, that of the rows before %.4g. "
                                   "If so, convert the column in the file; %s/%lld is as it was",
                                   an_json_string(unit, "column", ""), an_json_string(unit, "words", ""),
                                   an_json_number(json_object_get(unit, "median_added"), NAN),
                                   an_json_number(json_object_get(unit, "median_before"), NAN), base->name, (long long)base->version));
}

bool an__append_notes(json_t *report, const an_version_row *base, const an_lines *lines, size_t rows, const an_lines *before,
                      size_t rows_before, an_list *notes, an_error *err)
{
    long long conflicts = whole(report, "conflict_count");
    an_list_add_take(notes, an_format("%lld rows added below the %zu there were; %lld of those read were known",
                                      whole(report, "rows_added"), rows_before, whole(report, "rows_known")));
    tell_units(report, base, notes);
    tell_filled(report, notes);
    if (!conflicts && !whole(report, "filled")) return true;
    places p = { an_lines_texts(lines, rows, err), NULL, rows, rows_before };
    if (p.fresh) p.before = an_lines_texts(before, rows_before, err);
    bool ok = p.before != NULL;
    if (ok) {
        tell_known(report, "fills", &p, notes);
        tell_known(report, "conflicts", &p, notes);
        if (conflicts > 3) an_list_add_take(notes, an_format("%lld conflicts in all (--json lists the first 20)", conflicts));
    }
    free_texts(p.fresh, rows);
    free_texts(p.before, rows_before);
    return ok;
}
