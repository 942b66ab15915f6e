/* grow.c - a table and what came since: rows that are not there yet are put below, whatever types the reader found in the newer file. */
#include "andon/score.h"
#include "match.h"
#include "schema.h"
#include "slip.h"

#include <math.h>
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

static void note_conflict(const an_table *base, const an_table *added, const an_column *id, size_t i, size_t row, const char *where,
                          size_t other, json_t *conflicts, size_t *count)
{
    an_buf x = { 0 }, y = { 0 };
    json_t *columns = json_array();
    const an_table *against = strcmp(where, "table") ? added : base;
    for (size_t j = 0; j < base->columns; j++) {
        const an_column *a = an_table_find(against, base->column[j].name), *b = an_table_find(added, base->column[j].name);
        if (!same_cells(a, other, b, i, &x, &y)) json_array_append_new(columns, json_string(a->name));
    }
    if (json_array_size(columns) && (*count)++ < LISTED) {
        an_buf_clear(&x);
        an_cell_text(id, i, &x);
        json_array_append_new(conflicts, json_pack("{s:s, s:I, s:s, s:I, s:O}", "id", x.data ? x.data : "", "row", (json_int_t)row,
                                                   "against", where, "against_row", (json_int_t)other + 1, "columns", columns));
    }
    json_decref(columns);
    an_buf_free(&x);
    an_buf_free(&y);
}

/* By id: the first row that brings an id counts; the same id with other values is a conflict. */
static bool new_by_id(const an_table *base, const an_table *added, const an_column *id, size_t *rows, size_t *count, json_t *conflicts,
                      size_t *conflict_count, an_error *err)
{
    const an_column *theirs = an_table_find(added, id->name);
    an__match m;
    if (!an__match_build((const an_table *const[]){ base, added }, (const an_column *const[]){ id, theirs }, 2, NULL, &m, err))
        return false;
    for (size_t i = 0; i < added->rows; i++) {
        uint32_t key = m.key[1][i];
        if (key == AN__NO_ROW || (!m.count[0][key] && m.rows[1][m.start[1][key]] == i)) {
            rows[(*count)++] = i; /* a row without id cannot be known */
        } else if (m.count[0][key]) {
            note_conflict(base, added, theirs, i, i + 1, "table", m.rows[0][m.start[0][key]], conflicts, conflict_count);
        } else {
            note_conflict(base, added, theirs, i, i + 1, "new rows", m.rows[1][m.start[1][key]], conflicts, conflict_count);
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

/* Columns whose new rows look like the rows before in another unit; one whose unit both declare has been converted already. */
static json_t *other_units(const an_table *base, const an_table *fresh)
{
    json_t *list = json_array();
    for (size_t j = 0; j < base->columns; j++) {
        const an_column *a = &base->column[j], *b = an_table_find(fresh, a->name);
        if ((a->type != AN_REAL && a->type != AN_INTEGER) || a->role == AN_ID || a->role == AN_TIME) continue;
        size_t n, m;
        double *x = an__numbers(base, a, 0, &n), *y = an__numbers(fresh, b, 0, &m);
        an__slip slip;
        if (x && y && n >= AN__SLIP_LEAST && m >= AN__SLIP_LEAST && an__slip_find(x, n, y, m, 1 - an_ks_complement(x, n, y, m), &slip))
            json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:s, s:f, s:f, s:s?}", "column", a->name, "factor", slip.factor,
                                                  "offset", slip.offset, "words", slip.words, "median_before", an_quantile(x, n, 0.5),
                                                  "median_added", an_quantile(y, m, 0.5), "unit", a->unit));
        free(x);
        free(y);
    }
    return list;
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
    return an_table_grow_rows(t, more, NULL, NULL, report, err);
}

an_table *an_table_grow_rows(const an_table *t, const an_table *more, size_t **rows, size_t *rows_count, json_t **report, an_error *err)
{
    if (report) *report = NULL;
    if (rows) *rows = NULL;
    an_table *base, *added, *out = NULL;
    if (!same_kind(t, more, &base, &added, err)) return NULL;
    size_t *fresh_rows = an_alloc_data(more->rows + 1, sizeof *fresh_rows, "the rows of a table", err), count = 0, conflict_count = 0;
    json_t *conflicts = json_array();
    const an_column *id = NULL;
    for (size_t j = 0; j < base->columns; j++) {
        if (base->column[j].role == AN_ID) id = &base->column[j];
    }
    bool ok = fresh_rows && (id ? new_by_id(base, added, id, fresh_rows, &count, conflicts, &conflict_count, err)
                                : new_by_content(base, added, fresh_rows, &count, err));
    an_table *fresh = ok ? an_table_select(added, fresh_rows, count, err) : NULL;
    if (fresh) out = an_table_append(base, fresh, err);
    if (out && report) {
        *report = json_pack("{s:I, s:I, s:I, s:I, s:O, s:I, s:s, s:o}", "rows_before", (json_int_t)t->rows, "rows_read",
                            (json_int_t)more->rows, "rows_added", (json_int_t)count, "rows_known", (json_int_t)(more->rows - count),
                            "conflicts", conflicts, "conflict_count", (json_int_t)conflict_count, "by", id ? id->name : "content",
                            "other_units", other_units(base, fresh));
    }
    if (out && rows) {
        *rows = fresh_rows;
        *rows_count = count;
        fresh_rows = NULL;
    }
    json_decref(conflicts);
    an_table_free(fresh);
    an_table_free(base);
    an_table_free(added);
    free(fresh_rows);
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
