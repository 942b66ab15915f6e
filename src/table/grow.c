/* grow.c - a table and what came since: rows that are not there yet are put below, whatever types the reader found in the newer file. */
#include "match.h"
#include "schema.h"
#include "slip.h"

#include <stdlib.h>
#include <string.h>

enum { LISTED = 20 };

/* ---- one set of columns ---- */

static bool same_columns(const an_table *t, const an_table *more, an_error *err)
{
    an_buf absent = { 0 }, extra = { 0 };
    for (size_t j = 0; j < t->columns; j++) {
        if (!an_table_find(more, t->column[j].name)) an_buf_printf(&absent, "%s%s", absent.size ? ", " : "", t->column[j].name);
    }
    for (size_t j = 0; j < more->columns; j++) {
        if (!an_table_find(t, more->column[j].name)) an_buf_printf(&extra, "%s%s", extra.size ? ", " : "", more->column[j].name);
    }
    bool ok = !absent.size && !extra.size;
    if (!ok) {
        an_fail(err, AN_INPUT, "the new rows have other columns than the table:%s%.300s%s%s%.300s%s", absent.size ? " they lack " : "",
                absent.size ? absent.data : "", absent.size && extra.size ? " and" : "", extra.size ? " they have " : "",
                extra.size ? extra.data : "", extra.size ? " besides" : "");
        an_hint(err, "rows are put below each other only where they have the same columns; a renamed column must be renamed in the file");
    }
    an_buf_free(&absent);
    an_buf_free(&extra);
    return ok;
}

/* The type both columns can have without losing anything; a is the table's. */
static an_type common_type(const an_table *t, const an_column *a, const an_table *more, const an_column *b)
{
    if (a->type == b->type || b->missing == more->rows) return a->type;
    if (a->missing == t->rows) return b->type;
    if ((a->type == AN_REAL && b->type == AN_INTEGER) || (a->type == AN_INTEGER && b->type == AN_REAL)) return AN_REAL;
    return a->type; /* the newer cells must fit, or the first one that does not is named */
}

static bool same_unit(const an_column *a, an_column *b, size_t rows, an_error *err)
{
    if (!a->unit || !b->unit || !strcmp(a->unit, b->unit)) return true;
    double factor, offset;
    if (!an_unit_convert(b->unit, a->unit, &factor, &offset, err)) return an_context(err, "column %s of the new rows", a->name);
    if (factor == 1 && offset == 0) return true;
    if (b->type != AN_REAL)
        return an_fail(err, AN_INPUT, "column %s is in %s in the table and in %s in the new rows, and its type %s cannot be converted",
                       a->name, a->unit, b->unit, an_type_name(b->type));
    for (size_t i = 0; i < rows; i++) {
        if (an_valid(b, i)) b->real[i] = b->real[i] * factor + offset;
    }
    return true;
}

/* Brings both tables to the same types and units, in copies. */
static bool align(const an_table *t, const an_table *more, an_table *base, an_table *added, an_error *err)
{
    for (size_t j = 0; j < t->columns; j++) {
        const an_column *a = &base->column[j];
        an_column *b = an_table_find(added, a->name);
        an_type type = common_type(t, a, more, b);
        an_column made;
        if (b->type != type) {
            if (b->missing == more->rows) { /* nothing in it: no cell has to fit */
                made = (an_column){ .type = type };
                an_column like = *a;
                like.type = type;
                like.dictionary = (an_dictionary){ 0 };
                an__column_describe(&made, &like);
                made.valid = an_alloc_data(an__valid_words(more->rows) + 1, sizeof *made.valid, "the validity of a column", err);
                made.missing = more->rows;
                if (!made.valid || !an__column_cells(&made, more->rows, err)) {
                    an__column_free(&made);
                    return false;
                }
            } else if (!an__column_convert(added, b, type, NULL, &made, err)) {
                return an_context(err, "the new rows do not fit the table, where the column is %s", an_type_name(type));
            }
            an__column_free(b);
            *b = made;
        }
        if (!same_unit(a, b, added->rows, err)) return false;
        if (a->type == type) continue;
        an_column *mine = &base->column[j];
        if (mine->missing == t->rows) {
            an_column like = *mine;
            like.type = type;
            like.dictionary = (an_dictionary){ 0 };
            made = (an_column){ 0 };
            an__column_describe(&made, &like);
            made.valid = an_alloc_data(an__valid_words(t->rows) + 1, sizeof *made.valid, "the validity of a column", err);
            made.missing = t->rows;
            if (!made.valid || !an__column_cells(&made, t->rows, err)) {
                an__column_free(&made);
                return false;
            }
        } else if (!an__column_convert(base, mine, type, NULL, &made, err)) {
            return false;
        }
        an__column_free(mine);
        *mine = made;
    }
    return true;
}

/* ---- which rows are new ---- */

static bool same_cells(const an_column *a, size_t i, const an_column *b, size_t k, an_buf *x, an_buf *y)
{
    x->size = y->size = 0;
    an__cell_content(a, i, x);
    an__cell_content(b, k, y);
    return x->size == y->size && !memcmp(x->data, y->data, x->size);
}

typedef struct growth {                  /* what becomes of the rows of `added`, by number */
    size_t *fresh, fresh_count;          /* below the table */
    size_t *fill, *filled, filled_count; /* row fill[k] brings cells that row filled[k] of the table has not */
    json_t *conflicts, *fills;           /* the first of them */
    size_t conflict_count, cells;
} growth;

static void list_row(json_t *list, const an_column *id, size_t i, const char *where, size_t other, json_t *columns)
{
    an_buf x = { 0 };
    an_cell_text(id, i, &x);
    json_array_append_new(list, json_pack("{s:s, s:I, s:s, s:I, s:O}", "id", x.data ? x.data : "", "row", (json_int_t)i + 1, "against",
                                          where, "against_row", (json_int_t)other + 1, "columns", columns));
    an_buf_free(&x);
}

/* Row i of the new ones has the id of row `other`. Two values that differ are a conflict, and then nothing of the row is taken: it may be
 * another attempt of the part. Otherwise it may fill cells that are missing (a label that came later); what it lacks itself says nothing.
 */
static void compare_known(const an_table *base, const an_table *added, const an_column *id, size_t i, bool in_table, size_t other,
                          bool fill, growth *g)
{
    an_buf x = { 0 }, y = { 0 };
    json_t *differ = json_array(), *missing = json_array();
    const an_table *against = in_table ? base : added;
    for (size_t j = 0; j < base->columns; j++) {
        const an_column *a = an_table_find(against, base->column[j].name), *b = an_table_find(added, base->column[j].name);
        bool here = an_valid(b, i), there = an_valid(a, other);
        if (here == there && (!here || same_cells(a, other, b, i, &x, &y))) continue;
        if (fill && here && !there)
            json_array_append_new(missing, json_string(a->name));
        else if (!fill || there == here)
            json_array_append_new(differ, json_string(a->name));
    }
    if (json_array_size(differ)) {
        if (g->conflict_count++ < LISTED) list_row(g->conflicts, id, i, in_table ? "table" : "new rows", other, differ);
    } else if (json_array_size(missing)) {
        if (g->filled_count < LISTED) list_row(g->fills, id, i, "table", other, missing);
        g->fill[g->filled_count] = i;
        g->filled[g->filled_count++] = other;
        g->cells += json_array_size(missing);
    }
    json_decref(differ);
    json_decref(missing);
    an_buf_free(&x);
    an_buf_free(&y);
}

/* By id: the first row that brings an id counts. Only where both sides have one row of an id does the newer fill the older. */
static bool new_by_id(const an_table *base, const an_table *added, const an_column *id, growth *g, an_error *err)
{
    const an_column *theirs = an_table_find(added, id->name);
    an__match m;
    if (!an__match_build((const an_table *const[]){ base, added }, (const an_column *const[]){ id, theirs }, 2, NULL, &m, err))
        return false;
    for (size_t i = 0; i < added->rows; i++) {
        uint32_t key = m.key[1][i];
        if (key == AN__NO_ROW || (!m.count[0][key] && m.rows[1][m.start[1][key]] == i)) {
            g->fresh[g->fresh_count++] = i; /* a row without id cannot be known */
        } else if (m.count[0][key]) {
            compare_known(base, added, theirs, i, true, m.rows[0][m.start[0][key]], m.count[0][key] == 1 && m.count[1][key] == 1, g);
        } else {
            compare_known(base, added, theirs, i, false, m.rows[1][m.start[1][key]], false, g);
        }
    }
    an__match_free(&m);
    return true;
}

typedef struct content {
    uint64_t a, b; /* two hashes: 128 bits tell any two rows apart */
    size_t row;
} content;

static int by_content(const void *p, const void *q)
{
    const content *x = p, *y = q;
    if (x->a != y->a) return x->a < y->a ? -1 : 1;
    if (x->b != y->b) return x->b < y->b ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static content *contents(const an_table *order, const an_table *t, an_error *err)
{
    content *list = an_alloc_data(t->rows + 1, sizeof *list, "the contents of rows", err);
    if (!list) return NULL;
    const an_column **columns = an_alloc_n(order->columns + 1, sizeof *columns);
    for (size_t j = 0; j < order->columns; j++) columns[j] = an_table_find(t, order->column[j].name);
    an_buf text = { 0 };
    for (size_t i = 0; i < t->rows; i++) {
        text.size = 0;
        for (size_t j = 0; j < order->columns; j++) an__cell_content(columns[j], i, &text);
        list[i] = (content){ an__hash_seeded(1, text.data, text.size), an__hash_seeded(2, text.data, text.size), i };
    }
    an_buf_free(&text);
    free(columns);
    qsort(list, t->rows, sizeof *list, by_content);
    return list;
}

static int by_number(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* By content: of k equal rows as many are added as the table has fewer than k. */
static bool new_by_content(const an_table *base, const an_table *added, size_t *rows, size_t *count, an_error *err)
{
    content *x = contents(base, base, err), *y = x ? contents(base, added, err) : NULL;
    for (size_t i = 0, k = 0; y && k < added->rows; k++) {
        while (i < base->rows && (x[i].a < y[k].a || (x[i].a == y[k].a && x[i].b < y[k].b))) i++;
        if (i < base->rows && x[i].a == y[k].a && x[i].b == y[k].b)
            i++; /* this one is there */
        else
            rows[(*count)++] = y[k].row;
    }
    bool ok = y != NULL;
    free(x);
    free(y);
    qsort(rows, *count, sizeof *rows, by_number);
    return ok;
}

/* Copies of both tables with the same types and units. */
static bool same_kind(const an_table *t, const an_table *more, an_table **base, an_table **added, an_error *err)
{
    *base = *added = NULL;
    if (!same_columns(t, more, err)) return false;
    size_t most = t->rows > more->rows ? t->rows : more->rows, *all = an_alloc_data(most + 1, sizeof *all, "the rows of a table", err);
    if (!all) return false;
    for (size_t i = 0; i < most; i++) all[i] = i;
    *base = an_table_select(t, all, t->rows, err);
    *added = *base ? an_table_select(more, all, more->rows, err) : NULL;
    free(all);
    if (*added && align(t, more, *base, *added, err)) return true;
    an_table_free(*base);
    an_table_free(*added);
    *base = *added = NULL;
    return false;
}

an_table *an_table_stack(const an_table *t, const an_table *more, an_error *err)
{
    an_table *base, *added;
    if (!same_kind(t, more, &base, &added, err)) return NULL;
    an_table *out = an_table_append(base, added, err);
    an_table_free(base);
    an_table_free(added);
    return out;
}

an_table *an_table_grow(const an_table *t, const an_table *more, json_t **report, an_error *err)
{
    return an_table_grow_rows(t, more, NULL, report, err);
}

void an_grown_free(an_grown *g)
{
    free(g->row);
    free(g->fill);
    free(g->filled);
    *g = (an_grown){ 0 };
}

/* base, the fresh rows of added below it, and the cells that were missing and are there now. */
static an_table *put_together(const an_table *base, const an_table *added, const growth *g, an_error *err)
{
    size_t rows = base->rows + g->fresh_count, n = g->fresh_count + g->filled_count, most = n > rows ? n : rows;
    if (base->rows + n >= UINT32_MAX) {
        an_fail(err, AN_INPUT, "%zu rows and %zu more are too many: %u is the limit", base->rows, n, UINT32_MAX - 1);
        return NULL;
    }
    size_t *chosen = an_alloc_data(most + 1, sizeof *chosen, "the rows of a table", err);
    if (!chosen) return NULL;
    for (size_t k = 0; k < n; k++) chosen[k] = k < g->fresh_count ? g->fresh[k] : g->fill[k - g->fresh_count];
    an_table *below = an_table_select(added, chosen, n, err), *both = below ? an_table_append(base, below, err) : NULL, *out = both;
    an_table_free(below);
    if (both && g->filled_count) { /* one table has one dictionary a column: now cells can move */
        for (size_t i = 0; i < rows; i++) chosen[i] = i;
        out = an_table_select(both, chosen, rows, err);
        uint32_t *source = out ? an_alloc_data(rows + 1, sizeof *source, "the rows of a table", err) : NULL;
        bool ok = source != NULL;
        for (size_t j = 0; ok && j < both->columns; j++) {
            const an_column *c = &both->column[j];
            bool any = false;
            for (size_t i = 0; i < rows; i++) source[i] = (uint32_t)i;
            for (size_t k = 0; k < g->filled_count; k++) {
                size_t from = rows + k;
                if (an_valid(c, g->filled[k]) || !an_valid(c, from)) continue;
                source[g->filled[k]] = (uint32_t)from;
                any = true;
            }
            if (!any) continue;
            an_column made = { 0 };
            an__column_describe(&made, c);
            ok = an__gather(&made, c, source, rows, err);
            an__column_free(ok ? &out->column[j] : &made);
            if (ok) out->column[j] = made;
        }
        free(source);
        if (!ok) {
            an_table_free(out);
            out = NULL;
        }
        an_table_free(both);
    }
    free(chosen);
    return out;
}

an_table *an_table_grow_rows(const an_table *t, const an_table *more, an_grown *grown, json_t **report, an_error *err)
{
    if (report) *report = NULL;
    if (grown) *grown = (an_grown){ 0 };
    an_table *base, *added, *out = NULL;
    if (!same_kind(t, more, &base, &added, err)) return NULL;
    growth g = { .conflicts = json_array(), .fills = json_array() };
    g.fresh = an_alloc_data(more->rows + 1, sizeof *g.fresh, "the rows of a table", err);
    g.fill = g.fresh ? an_alloc_data(more->rows + 1, sizeof *g.fill, "the rows of a table", err) : NULL;
    g.filled = g.fill ? an_alloc_data(more->rows + 1, sizeof *g.filled, "the rows of a table", err) : NULL;
    const an_column *id = NULL;
    for (size_t j = 0; j < base->columns; j++) {
        if (base->column[j].role == AN_ID) id = &base->column[j];
    }
    if (g.filled && (id ? new_by_id(base, added, id, &g, err) : new_by_content(base, added, g.fresh, &g.fresh_count, err)))
        out = put_together(base, added, &g, err);
    if (out && report) {
        *report = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:O, s:O, s:I, s:s}", "rows_before", (json_int_t)t->rows, "rows_read",
                            (json_int_t)more->rows, "rows_added", (json_int_t)g.fresh_count, "rows_known",
                            (json_int_t)(more->rows - g.fresh_count), "filled", (json_int_t)g.filled_count, "cells_filled",
                            (json_int_t)g.cells, "fills", g.fills, "conflicts", g.conflicts, "conflict_count", (json_int_t)g.conflict_count,
                            "by", id ? id->name : "content");
        json_object_set_new(*report, "other_units", an__other_units(base, out));
    }
    json_decref(g.conflicts);
    json_decref(g.fills);
    an_table_free(base);
    an_table_free(added);
    an_grown rows = { g.fresh, g.fresh_count, g.fill, g.filled, g.filled_count };
    if (out && grown)
        *grown = rows;
    else
        an_grown_free(&rows);
    return out;
}

/* ---- one id, several rows
 * ----------------------------------------------------------------------------------------------------------------- */

json_t *an_table_repeated(const an_table *t, const char *name, an_error *err)
{
    const an_column *id = an_table_need(t, name, err);
    an__match m;
    if (!id || !an__match_build((const an_table *const[]){ t }, (const an_column *const[]){ id }, 1, NULL, &m, err)) return NULL;
    json_t *list = json_array();
    size_t repeated = 0, differing = 0;
    an_buf x = { 0 }, y = { 0 };
    for (size_t i = 0; i < t->rows; i++) {
        uint32_t key = m.key[0][i];
        if (key == AN__NO_ROW || m.count[0][key] < 2 || m.rows[0][m.start[0][key]] != i) continue;
        repeated++;
        json_t *columns = json_array(), *rows = json_array();
        for (size_t j = 0; j < t->columns; j++) {
            bool same = true;
            for (uint32_t k = 1; same && k < m.count[0][key]; k++)
                same = same_cells(&t->column[j], i, &t->column[j], m.rows[0][m.start[0][key] + k], &x, &y);
            if (!same) json_array_append_new(columns, json_string(t->column[j].name));
        }
        differing += json_array_size(columns) > 0;
        for (uint32_t k = 0; k < m.count[0][key] && k < LISTED; k++)
            json_array_append_new(rows, json_integer((json_int_t)m.rows[0][m.start[0][key] + k]));
        if (json_array_size(list) < LISTED) {
            x.size = 0;
            an_cell_text(id, i, &x);
            json_array_append_new(list, json_pack("{s:s, s:O, s:O}", "id", x.data ? x.data : "", "rows", rows, "columns", columns));
        }
        json_decref(columns);
        json_decref(rows);
    }
    an_buf_free(&x);
    an_buf_free(&y);
    an__match_free(&m);
    return json_pack("{s:I, s:I, s:o}", "repeated", (json_int_t)repeated, "differing", (json_int_t)differing, "first", list);
}
