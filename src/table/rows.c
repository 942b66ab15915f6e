/* rows.c - tables made from tables: some rows, some columns, one table after another. Single cells are column.c's. */
#include "schema.h"

#include <stdlib.h>
#include <string.h>

static void copy_origins(an_table *to, const an_table *from)
{
    if (!from->origin_count) return;
    to->origins = an_alloc_n(from->origin_count, sizeof *to->origins);
    to->origin_count = from->origin_count;
    for (size_t i = 0; i < from->origin_count; i++) {
        to->origins[i] = (an_origin){ an_strdup(from->origins[i].generator), from->origins[i].seed };
    }
}

static bool alloc_origin(an_table *t, an_error *err)
{
    size_t n = t->rows ? t->rows : 1;
    t->origin = an_alloc_data(n, sizeof *t->origin, "the origin of rows", err);
    t->origin_row = t->origin ? an_alloc_data(n, sizeof *t->origin_row, "the origin of rows", err) : NULL;
    return t->origin_row != NULL;
}

/* Copies cell from[source] to to[row]; both of one type, one dictionary; text is handled by copy_text. */
static void copy_cell(an_column *to, size_t row, const an_column *from, size_t source, size_t size)
{
    memcpy((char *)to->tensor_data + row * size, (const char *)from->tensor_data + source * size, size);
}

static bool select_cells(an_column *to, const an_column *from, const size_t *rows, size_t n, an_error *err)
{
    if (!an__column_cells(to, n, err)) return false;
    if (from->missing) {
        to->valid = an_alloc_data(an__valid_words(n) ? an__valid_words(n) : 1, sizeof *to->valid, "the validity of a column", err);
        if (!to->valid) return false;
        for (size_t i = 0; i < n; i++) {
            bool valid = an_valid(from, rows ? rows[i] : i);
            to->valid[i / 64] |= (uint64_t)valid << (i % 64);
            to->missing += !valid;
        }
    }
    if (from->type == AN_TEXT) {
        uint64_t total = 0;
        for (size_t i = 0; i < n; i++) {
            size_t r = rows ? rows[i] : i;
            if (an_valid(from, r)) total += from->text.offset[r + 1] - from->text.offset[r];
            to->text.offset[i + 1] = total;
        }
        if (!total) return true;
        to->text.bytes = an_alloc_data(total, 1, "the bytes of a text column", err);
        if (!to->text.bytes) return false;
        for (size_t i = 0; i < n; i++) {
            size_t r = rows ? rows[i] : i, length = to->text.offset[i + 1] - to->text.offset[i];
            if (length) memcpy(to->text.bytes + to->text.offset[i], from->text.bytes + from->text.offset[r], length);
        }
        return true;
    }
    size_t size = an__cell_bytes(from);
    if (!rows) {
        if (n && size) memcpy(to->tensor_data, from->tensor_data, n * size);
    } else if (size == 8) {
        for (size_t i = 0; i < n; i++) to->integer[i] = from->integer[rows[i]];
    } else {
        for (size_t i = 0; i < n && size; i++) copy_cell(to, i, from, rows[i], size);
    }
    return true;
}

/* rows NULL: all rows; columns NULL: all columns. */
static an_table *copy_table(const an_table *t, const size_t *rows, size_t n, const an_column *const *columns, size_t count, an_error *err)
{
    an_table *out = an_table_new(n);
    out->positive = an_strdup(t->positive);
    for (size_t j = 0; j < count; j++) {
        const an_column *from = columns ? columns[j] : &t->column[j];
        if (from->type == AN_TENSOR && !from->tensor_data) continue;
        an_column *to = an__table_add_like(out, from, false, err);
        if (!select_cells(to, from, rows, n, err)) goto failed;
    }
    an__constraints_keep(out, t->constraints);
    if (t->origin) {
        copy_origins(out, t);
        if (!alloc_origin(out, err)) goto failed;
        for (size_t i = 0; i < n; i++) {
            size_t r = rows ? rows[i] : i;
            out->origin[i] = t->origin[r];
            out->origin_row[i] = t->origin_row[r];
        }
    }
    return out;
failed:
    an_table_free(out);
    return NULL;
}

an_table *an_table_select(const an_table *t, const size_t *rows, size_t n, an_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i] >= t->rows) {
            an_fail(err, AN_USAGE, "row %zu of a table of %zu rows", rows[i], t->rows);
            return NULL;
        }
    }
    size_t none = 0;
    return copy_table(t, rows ? rows : &none, n, NULL, t->columns, err);
}

an_table *an_table_select_columns(const an_table *t, const char *const *names, size_t n, an_error *err)
{
    const an_column **columns = an_alloc_n(n ? n : 1, sizeof *columns);
    an_table *out = NULL;
    for (size_t j = 0; j < n; j++) {
        columns[j] = an_table_need(t, names[j], err);
        if (!columns[j]) goto done;
        for (size_t k = 0; k < j; k++) {
            if (columns[k] == columns[j]) {
                an_fail(err, AN_INPUT, "column %s is named twice", names[j]);
                goto done;
            }
        }
    }
    out = copy_table(t, NULL, t->rows, columns, n, err);
done:
    free(columns);
    return out;
}

/* ---- appending ----------------------------------------------------------------------------------------------------------- */

/* Union of two sorted dictionaries; map_a and map_b give the new code of each old one. */
static void merge_dictionaries(an_dictionary *out, const an_dictionary *a, const an_dictionary *b, int32_t *map_a, int32_t *map_b)
{
    out->names = an_alloc_n((size_t)a->count + (size_t)b->count + 1, sizeof *out->names);
    out->count = 0;
    for (int32_t i = 0, k = 0; i < a->count || k < b->count;) {
        int order = i == a->count ? 1 : k == b->count ? -1 : strcmp(a->names[i], b->names[k]);
        out->names[out->count] = an_strdup(order <= 0 ? a->names[i] : b->names[k]);
        if (order <= 0) map_a[i++] = out->count;
        if (order >= 0) map_b[k++] = out->count;
        out->count++;
    }
}

static bool append_codes(an_column *to, const an_column *a, size_t n, const an_column *b, size_t m)
{
    int32_t *map_a = an_alloc_n((size_t)a->dictionary.count + 1, sizeof *map_a);
    int32_t *map_b = an_alloc_n((size_t)b->dictionary.count + 1, sizeof *map_b);
    an__dictionary_free(&to->dictionary);
    merge_dictionaries(&to->dictionary, &a->dictionary, &b->dictionary, map_a, map_b);
    for (size_t i = 0; i < n; i++) to->code[i] = a->code[i] < 0 ? -1 : map_a[a->code[i]];
    for (size_t i = 0; i < m; i++) to->code[n + i] = b->code[i] < 0 ? -1 : map_b[b->code[i]];
    free(map_a);
    free(map_b);
    return true;
}

static bool append_text(an_column *to, const an_column *a, size_t n, const an_column *b, size_t m, an_error *err)
{
    uint64_t first = a->text.offset[n], second = b ? b->text.offset[m] : 0;
    if (first + second) {
        to->text.bytes = an_alloc_data(first + second, 1, "the bytes of a text column", err);
        if (!to->text.bytes) return false;
    }
    if (first) memcpy(to->text.bytes, a->text.bytes, first);
    if (second) memcpy(to->text.bytes + first, b->text.bytes, second);
    memcpy(to->text.offset, a->text.offset, (n + 1) * sizeof *to->text.offset);
    for (size_t i = 0; i < m; i++) to->text.offset[n + i + 1] = first + (b ? b->text.offset[i + 1] : 0);
    return true;
}

static bool append_cells(an_column *to, const an_column *a, size_t n, const an_column *b, size_t m, an_error *err)
{
    bool widen = b && a->type == AN_REAL && (b->type == AN_INTEGER || b->type == AN_BOOLEAN);
    if (b && b->type != a->type && !widen) {
        return an_fail(err, AN_INPUT, "column %s is %s in the first table and %s in the second", a->name, an_type_name(a->type),
                       an_type_name(b->type));
    }
    if (a->type == AN_TENSOR && b && memcmp(&a->tensor, &b->tensor, sizeof a->tensor)) {
        return an_fail(err, AN_INPUT, "column %s has arrays of another shape in the second table", a->name);
    }
    if (!an__column_cells(to, n + m, err)) return false;
    if (a->missing || !b || b->missing) {
        size_t words = an__valid_words(n + m);
        to->valid = an_alloc_data(words ? words : 1, sizeof *to->valid, "the validity of a column", err);
        if (!to->valid) return false;
        for (size_t i = 0; i < n + m; i++) {
            bool valid = i < n ? an_valid(a, i) : b && an_valid(b, i - n);
            to->valid[i / 64] |= (uint64_t)valid << (i % 64);
            to->missing += !valid;
        }
    }
    if (a->type == AN_TEXT) return append_text(to, a, n, b, m, err);
    if (a->type == AN_CATEGORY && b) return append_codes(to, a, n, b, m);
    size_t size = an__cell_bytes(a);
    if (n) memcpy(to->tensor_data, a->tensor_data, n * size);
    if (widen) {
        for (size_t i = 0; i < m; i++) to->real[n + i] = an_valid(b, i) ? an_cell_number(b, i) : 0;
    } else if (b && m) {
        memcpy((char *)to->tensor_data + n * size, b->tensor_data, m * size);
    }
    return true;
}

static bool append_origins(an_table *out, const an_table *a, const an_table *b, an_error *err)
{
    if (!a->origin && !b->origin) return true;
    if (!alloc_origin(out, err)) return false;
    copy_origins(out, a);
    uint32_t *map = an_alloc_n(b->origin_count + 1, sizeof *map);
    for (size_t i = 0; i < b->origin_count; i++) {
        size_t k = 0;
        while (k < out->origin_count &&
               (strcmp(out->origins[k].generator, b->origins[i].generator) || out->origins[k].seed != b->origins[i].seed))
            k++;
        if (k == out->origin_count) {
            out->origins = an_resize_n(out->origins, k + 1, sizeof *out->origins);
            out->origins[out->origin_count++] = (an_origin){ an_strdup(b->origins[i].generator), b->origins[i].seed };
        }
        map[i + 1] = (uint32_t)k + 1;
    }
    for (size_t i = 0; a->origin && i < a->rows; i++) {
        out->origin[i] = a->origin[i];
        out->origin_row[i] = a->origin_row[i];
    }
    for (size_t i = 0; b->origin && i < b->rows; i++) {
        out->origin[a->rows + i] = b->origin[i] <= b->origin_count ? map[b->origin[i]] : 0;
        out->origin_row[a->rows + i] = b->origin_row[i];
    }
    free(map);
    return true;
}

an_table *an_table_append(const an_table *a, const an_table *b, an_error *err)
{
    an_table *out = an_table_new(a->rows + b->rows);
    out->positive = an_strdup(a->positive);
    for (size_t j = 0; j < a->columns; j++) {
        an_column *to = an__table_add_like(out, &a->column[j], false, err);
        if (!append_cells(to, &a->column[j], a->rows, an_table_find(b, a->column[j].name), b->rows, err)) goto failed;
    }
    an__constraints_keep(out, a->constraints);
    if (!append_origins(out, a, b, err)) goto failed;
    return out;
failed:
    an_table_free(out);
    return NULL;
}
