/* column.c - tables and columns: making, finding, reading single cells. Copies of rows are in rows.c, target classes in classes.c. */
#include "impl.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = { "real", "integer", "boolean", "category", "datetime", "text", "tensor" };
static const char *const role_names[] = { "feature", "target", "group", "time", "id", "ignored" };

const char *an_type_name(an_type type)
{
    return (size_t)type < AN_COUNT(type_names) ? type_names[type] : "unknown";
}

const char *an_role_name(an_role role)
{
    return (size_t)role < AN_COUNT(role_names) ? role_names[role] : "unknown";
}

bool an_type_parse(const char *name, an_type *out)
{
    for (size_t i = 0; name && i < AN_COUNT(type_names); i++) {
        if (!strcmp(name, type_names[i])) {
            *out = (an_type)i;
            return true;
        }
    }
    return false;
}

bool an_role_parse(const char *name, an_role *out)
{
    for (size_t i = 0; name && i < AN_COUNT(role_names); i++) {
        if (!strcmp(name, role_names[i])) {
            *out = (an_role)i;
            return true;
        }
    }
    return false;
}

bool an__is_number(an_type type)
{
    return type == AN_REAL || type == AN_INTEGER || type == AN_BOOLEAN || type == AN_DATETIME;
}

size_t an__cell_bytes(const an_column *c)
{
    switch (c->type) {
    case AN_REAL:
    case AN_INTEGER:
    case AN_DATETIME:
        return 8;
    case AN_BOOLEAN:
        return 1;
    case AN_CATEGORY:
        return 4;
    case AN_TEXT:
        return 0;
    case AN_TENSOR: {
        size_t n = c->tensor.dtype == 1 ? 4 : 1;
        for (int i = 0; i < c->tensor.rank && i < 4; i++) n *= c->tensor.shape[i];
        return n;
    }
    }
    return 0;
}

bool an__column_cells(an_column *c, size_t rows, an_error *err)
{
    if (c->type == AN_TEXT) {
        c->text.offset = an_alloc_data(rows + 1, sizeof *c->text.offset, "the offsets of a text column", err);
        c->text.bytes = NULL;
        return c->text.offset != NULL;
    }
    size_t size = an__cell_bytes(c);
    c->real = an_alloc_data(rows ? rows : 1, size ? size : 1, "the cells of a column", err);
    if (!c->real) return false;
    if (c->type == AN_CATEGORY) memset(c->code, 0xff, rows * sizeof *c->code);
    return true;
}

void an__dictionary_free(an_dictionary *d)
{
    for (int32_t i = 0; i < d->count; i++) free(d->names[i]);
    free(d->names);
    *d = (an_dictionary){ 0 };
}

void an__dictionary_copy(an_dictionary *to, const an_dictionary *from)
{
    *to = (an_dictionary){ .count = from->count };
    if (!from->count) return;
    to->names = an_alloc_n((size_t)from->count, sizeof *to->names);
    for (int32_t i = 0; i < from->count; i++) to->names[i] = an_strdup(from->names[i]);
}

int32_t an__dictionary_find(const an_dictionary *d, const char *name, size_t n)
{
    int32_t low = 0, high = d->count - 1;
    while (low <= high) {
        int32_t middle = low + (high - low) / 2;
        int order = strncmp(d->names[middle], name, n);
        if (!order && d->names[middle][n]) order = 1;
        if (!order) return middle;
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle - 1;
        }
    }
    return -1;
}

void an__column_free(an_column *c)
{
    free(c->name);
    free(c->unit);
    free(c->reason);
    free(c->valid);
    if (c->type == AN_TEXT) {
        free(c->text.offset);
        free(c->text.bytes);
    } else {
        free(c->real);
    }
    an__dictionary_free(&c->dictionary);
    json_decref(c->spec);
    *c = (an_column){ 0 };
}

void an__column_describe(an_column *to, const an_column *from)
{
    to->name = an_strdup(from->name);
    to->unit = an_strdup(from->unit);
    to->reason = an_strdup(from->reason);
    to->type = from->type;
    to->role = from->role;
    to->kept = from->kept;
    to->tensor = from->tensor;
    to->spec = json_incref(from->spec);
    an__dictionary_copy(&to->dictionary, &from->dictionary);
}

an_table *an_table_new(size_t rows)
{
    an_table *t = an_alloc(sizeof *t);
    t->rows = rows;
    return t;
}

void an_table_free(an_table *t)
{
    if (!t) return;
    for (size_t j = 0; j < t->columns; j++) an__column_free(&t->column[j]);
    free(t->column);
    free(t->positive);
    free(t->origin);
    free(t->origin_row);
    for (size_t i = 0; i < t->origin_count; i++) free(t->origins[i].generator);
    free(t->origins);
    json_decref(t->constraints);
    free(t);
}

an_column *an__table_push(an_table *t, const an_column *c)
{
    if (!(t->columns & (t->columns - 1))) { /* at 0, 1, 2, 4, 8 ... */
        t->column = an_resize_n(t->column, t->columns ? 2 * t->columns : 1, sizeof *t->column);
    }
    t->column[t->columns] = *c;
    return &t->column[t->columns++];
}

static bool all_missing(an_column *c, size_t rows, an_error *err)
{
    c->valid = an_alloc_data(an__valid_words(rows) ? an__valid_words(rows) : 1, sizeof *c->valid, "the validity of a column", err);
    c->missing = rows;
    return c->valid != NULL;
}

an_column *an_table_add(an_table *t, const char *name, an_type type, an_error *err)
{
    if (an_table_find(t, name)) {
        an_fail(err, AN_INPUT, "the table has a column %s already", name);
        return NULL;
    }
    an_column c = { .type = type };
    if (!an__column_cells(&c, t->rows, err) || !all_missing(&c, t->rows, err)) {
        an__column_free(&c);
        return NULL;
    }
    c.name = an_strdup(name);
    return an__table_push(t, &c);
}

an_column *an__table_add_like(an_table *t, const an_column *like, bool cells, an_error *err)
{
    an_column c = { 0 };
    an__column_describe(&c, like);
    if (cells && (!an__column_cells(&c, t->rows, err) || !all_missing(&c, t->rows, err))) {
        an__column_free(&c);
        return NULL;
    }
    return an__table_push(t, &c);
}

an_column *an_table_find(const an_table *t, const char *name)
{
    for (size_t j = 0; name && j < t->columns; j++) {
        if (!strcmp(t->column[j].name, name)) return &t->column[j];
    }
    return NULL;
}

an_column *an_table_need(const an_table *t, const char *name, an_error *err)
{
    an_column *found = an_table_find(t, name);
    if (found) return found;
    an_fail(err, AN_NOT_FOUND, "there is no column %s", name ? name : "without a name");
    const char **names = an_alloc_n(t->columns ? t->columns : 1, sizeof *names);
    for (size_t j = 0; j < t->columns; j++) names[j] = t->column[j].name;
    const char *near = name ? an_nearest(name, names, t->columns) : NULL;
    if (near) an_hint(err, "did you mean %s?", near);
    free(names);
    return NULL;
}

an_column *an_table_target(const an_table *t, an_error *err)
{
    for (size_t j = 0; j < t->columns; j++) {
        if (t->column[j].role == AN_TARGET) return &t->column[j];
    }
    an_fail(err, AN_INPUT, "the table has no target column");
    an_hint(err, "name one with --target COLUMN");
    return NULL;
}

size_t an_table_bytes(const an_table *t)
{
    size_t n = sizeof *t + t->columns * sizeof *t->column;
    for (size_t j = 0; j < t->columns; j++) {
        const an_column *c = &t->column[j];
        n += strlen(c->name) + 1 + (c->valid ? an__valid_words(t->rows) * 8 : 0);
        if (c->type == AN_TEXT) {
            n += (t->rows + 1) * sizeof *c->text.offset + (c->text.offset ? c->text.offset[t->rows] : 0);
        } else {
            n += t->rows * an__cell_bytes(c);
        }
        for (int32_t i = 0; i < c->dictionary.count; i++) n += sizeof(char *) + strlen(c->dictionary.names[i]) + 1;
    }
    if (t->origin) n += t->rows * (sizeof *t->origin + sizeof *t->origin_row);
    return n;
}

void an_set_missing(an_table *t, an_column *c, size_t row)
{
    if (!c->valid) {
        size_t words = an__valid_words(t->rows);
        c->valid = an_alloc_n(words ? words : 1, sizeof *c->valid);
        for (size_t i = 0; i < t->rows; i++) c->valid[i / 64] |= UINT64_C(1) << (i % 64);
    }
    uint64_t bit = UINT64_C(1) << (row % 64);
    if (!(c->valid[row / 64] & bit)) return;
    c->valid[row / 64] &= ~bit;
    c->missing++;
    size_t size = an__cell_bytes(c);
    if (size) memset((char *)c->tensor_data + row * size, c->type == AN_CATEGORY ? 0xff : 0, size);
}

void an_set_valid(an_column *c, size_t row)
{
    if (!c->valid) return;
    uint64_t bit = UINT64_C(1) << (row % 64);
    if (c->valid[row / 64] & bit) return;
    c->valid[row / 64] |= bit;
    c->missing--;
}

double an_cell_number(const an_column *c, size_t row)
{
    if (!an_valid(c, row)) return NAN;
    switch (c->type) {
    case AN_REAL:
        return c->real[row];
    case AN_INTEGER:
    case AN_DATETIME:
        return (double)c->integer[row];
    case AN_BOOLEAN:
        return c->boolean[row];
    default:
        return NAN;
    }
}

const char *an__boolean_text(const an_column *c, bool value)
{
    return c->dictionary.count == 2 ? c->dictionary.names[value] : value ? "true" : "false";
}

void an_cell_text(const an_column *c, size_t row, an_buf *out)
{
    char text[32];
    if (!an_valid(c, row)) return;
    switch (c->type) {
    case AN_REAL:
        an_buf_puts(out, an_real_text(c->real[row], text));
        return;
    case AN_INTEGER:
        an_buf_printf(out, "%" PRId64, c->integer[row]);
        return;
    case AN_BOOLEAN:
        an_buf_puts(out, an__boolean_text(c, c->boolean[row]));
        return;
    case AN_CATEGORY:
        if (c->code[row] >= 0 && c->code[row] < c->dictionary.count) an_buf_puts(out, c->dictionary.names[c->code[row]]);
        return;
    case AN_DATETIME:
        an_buf_puts(out, an_time_text(c->integer[row], text));
        return;
    case AN_TEXT:
        if (c->text.bytes) an_buf_add(out, c->text.bytes + c->text.offset[row], c->text.offset[row + 1] - c->text.offset[row]);
        return;
    case AN_TENSOR:
        return;
    }
}

bool an_table_require_real(const an_table *t, const char *what, an_error *err)
{
    for (size_t i = 0; t->origin && i < t->rows; i++) {
        if (!t->origin[i]) continue;
        const an_origin *o = t->origin[i] <= t->origin_count ? &t->origins[t->origin[i] - 1] : NULL;
        an_fail(err, AN_REFUSED, "%s must hold measured rows only, but row %zu was generated by %s", what, i + 1,
                o ? o->generator : "somebody unknown");
        return an_hint(err, "generated rows may be trained on, never tested on; leave them out of this part");
    }
    return true;
}

json_t *an_table_columns_json(const an_table *t)
{
    json_t *list = json_array();
    for (size_t j = 0; j < t->columns; j++) {
        const an_column *c = &t->column[j];
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:I, s:s?, s:s?}", "name", c->name, "type", an_type_name(c->type), "role",
                                        an_role_name(c->role), "missing", (json_int_t)c->missing, "unit", c->unit, "reason", c->reason));
    }
    return list;
}

bool an__utf8_valid(const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s, *end = p + n;
    while (p < end) {
        while (end - p >= 8) {
            uint64_t word;
            memcpy(&word, p, 8);
            if (word & UINT64_C(0x8080808080808080)) break;
            p += 8;
        }
        if (p == end) break;
        unsigned char b = *p;
        if (b < 0x80) {
            p++;
            continue;
        }
        size_t more = b >= 0xc2 && b < 0xe0 ? 1 : b >= 0xe0 && b < 0xf0 ? 2 : b >= 0xf0 && b < 0xf5 ? 3 : 0;
        if (!more || (size_t)(end - p) <= more) return false;
        /* RFC 3629, section 4: no overlong forms, no surrogates, nothing above U+10FFFF */
        unsigned char low = b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : 0x80, high = b == 0xed ? 0x9f : b == 0xf4 ? 0x8f : 0xbf;
        if (p[1] < low || p[1] > high) return false;
        for (size_t i = 2; i <= more; i++) {
            if ((p[i] & 0xc0) != 0x80) return false;
        }
        p += more + 1;
    }
    return true;
}
