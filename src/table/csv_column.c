/* csv_column.c - the columns of a CSV file while they are read: cells, missing values, distinct texts, and the move into the table. */
#include "csv_impl.h"

#include <stdlib.h>

/* Multiply and fold 8 bytes at a time; only has to spread the at most 1,000 distinct values of a category. */
static uint64_t text_hash(const char *text, size_t n)
{
    uint64_t h = UINT64_C(0x9e3779b97f4a7c15) ^ n;
    for (; n >= 8; text += 8, n -= 8) {
        uint64_t w;
        memcpy(&w, text, 8);
        h = (h ^ w) * UINT64_C(0xbf58476d1ce4e5b9);
        h ^= h >> 32;
    }
    uint64_t w = 0;
    memcpy(&w, text, n);
    h = (h ^ w) * UINT64_C(0x94d049bb133111eb);
    return h ^ h >> 29;
}

static size_t cell_bytes(an__csv_kind kind)
{
    return kind == KIND_BOOLEAN ? 1 : kind == KIND_STRING ? 4 : 8;
}

bool an__csv_column_start(an__csv_column *c, an__csv_kind kind, size_t capacity, an_error *err)
{
    an__csv_column_clear(c);
    c->kind = kind;
    c->capacity = capacity;
    c->cells = an_alloc_data(capacity, cell_bytes(kind), c->name, err);
    if (kind == KIND_STRING) {
        c->slots = 256;
        c->slot = an_alloc_n(c->slots, sizeof *c->slot);
    }
    return c->cells != NULL;
}

void an__csv_column_clear(an__csv_column *c)
{
    free(c->cells);
    free(c->valid);
    free(c->bytes);
    free(c->entry);
    free(c->slot);
    *c = (an__csv_column){ .name = c->name,
                           .forced = c->forced,
                           .kind = c->kind,
                           .active = c->active,
                           .day_first = c->day_first,
                           .month_first = c->month_first,
                           .order = c->order,
                           .serials = c->serials };
}

static void *resized(const void *old, size_t used, size_t bytes, const char *what, an_error *err)
{
    void *p = an_alloc_data(bytes ? bytes : 1, 1, what, err);
    if (p && used) memcpy(p, old, used);
    return p;
}

bool an__csv_column_grow(an__csv_column *c, size_t rows, size_t capacity, an_error *err)
{
    size_t size = c->as_text ? 8 : cell_bytes(c->kind);
    void *cells = resized(c->cells, (rows + c->as_text) * size, (capacity + c->as_text) * size, c->name, err);
    if (!cells) return false;
    free(c->cells);
    c->cells = cells;
    if (c->valid) {
        uint64_t *valid = resized(c->valid, an__valid_words(rows) * 8, an__valid_words(capacity) * 8, c->name, err);
        if (!valid) return false;
        for (size_t i = rows; i < capacity; i++) valid[i / 64] |= UINT64_C(1) << (i % 64);
        free(c->valid);
        c->valid = valid;
    }
    c->capacity = capacity;
    return true;
}

bool an__csv_column_missing(an__csv_column *c, size_t row, an_error *err)
{
    if (!c->valid) {
        size_t words = an__valid_words(c->capacity);
        c->valid = an_alloc_data(words, 8, c->name, err);
        if (!c->valid) return false;
        memset(c->valid, 0xff, words * 8);
    }
    c->valid[row / 64] &= ~(UINT64_C(1) << (row % 64));
    c->missing++;
    if (c->kind == KIND_STRING) {
        if (c->as_text) {
            c->offset[row + 1] = c->bytes_size;
        } else {
            c->code[row] = -1;
        }
    }
    return true;
}

void an__csv_column_to_real(an__csv_column *c, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        double value = (double)c->integer[i];
        memcpy(&c->real[i], &value, 8); /* in place; the cell changes its type */
    }
    c->kind = KIND_REAL;
}

static bool add_bytes(an__csv_column *c, const char *text, size_t n, an_error *err)
{
    if (c->bytes_room - c->bytes_size < n) {
        size_t room = c->bytes_size + n + (c->bytes_size + n) / 2 + 64;
        char *bytes = realloc(c->bytes, room); /* large blocks are remapped by the C library, not copied */
        if (!bytes) return an_fail(err, AN_MEMORY, "column %s: no memory for %zu bytes of text", c->name, room);
        c->bytes = bytes;
        c->bytes_room = room;
    }
    if (n) memcpy(c->bytes + c->bytes_size, text, n);
    c->bytes_size += n;
    return true;
}

static void rehash(an__csv_column *c)
{
    c->slots *= 4;
    free(c->slot);
    c->slot = an_alloc_n(c->slots, sizeof *c->slot);
    for (size_t k = 0; k < c->entries; k++) {
        size_t at = c->entry[k].hash & (c->slots - 1);
        while (c->slot[at]) at = (at + 1) & (c->slots - 1);
        c->slot[at] = (uint32_t)k + 1;
    }
}

/* Codes become bytes: rows 0 .. rows-1 of a column with too many distinct values. */
static bool to_text(an__csv_column *c, size_t rows, an_error *err)
{
    uint64_t *offset = an_alloc_data(c->capacity + 1, 8, c->name, err);
    if (!offset) return false;
    for (size_t i = 0; i < rows; i++) offset[i + 1] = offset[i] + (c->code[i] < 0 ? 0 : c->entry[c->code[i]].n);
    char *bytes = malloc(offset[rows] + 64);
    if (!bytes) {
        an_fail(err, AN_MEMORY, "column %s: no memory for %zu bytes of text", c->name, (size_t)offset[rows]);
        free(offset);
        return false;
    }
    for (size_t i = 0; i < rows; i++) {
        if (c->code[i] >= 0) memcpy(bytes + offset[i], c->bytes + c->entry[c->code[i]].start, c->entry[c->code[i]].n);
    }
    for (size_t k = 0; k < c->entries; k++) c->seen[c->entry[k].class] += c->entry[k].count;
    free(c->code);
    free(c->bytes);
    free(c->entry);
    free(c->slot);
    c->entry = NULL;
    c->slot = NULL;
    c->entries = c->slots = 0;
    c->offset = offset;
    c->bytes = bytes;
    c->bytes_size = offset[rows];
    c->bytes_room = offset[rows] + 64;
    c->as_text = true;
    return true;
}

static void note_odd(an__csv_column *c, size_t line, const char *text, size_t n)
{
    if (c->odd_line) return;
    c->odd_line = line;
    size_t k = n < sizeof c->odd_text - 1 ? n : sizeof c->odd_text - 1;
    while (k && k < n && ((unsigned char)text[k] & 0xc0) == 0x80) k--; /* cut between characters */
    memcpy(c->odd_text, text, k);
    c->odd_text[k] = 0;
    for (size_t i = 0; i < k; i++) {
        if ((unsigned char)c->odd_text[i] < ' ') c->odd_text[i] = ' ';
    }
}

/* Whether only one order of day and month makes a date of the text. */
static void note_order(an__csv_column *c, const char *text, size_t n)
{
    an__slashed s;
    int64_t us;
    if (!an__time_slashed(text, n, &s)) return;
    bool day = an__time_ordered(&s, true, &us), month = an__time_ordered(&s, false, &us);
    c->day_first += day && !month;
    c->month_first += month && !day;
}

static an__csv_class classify(an__csv_column *c, const an__csv_format *f, size_t line, const char *text, size_t n)
{
    if (c->forced >= 0) return CLASS_OTHER;
    an__csv_class class = an__csv_classify(f, text, n);
    if (class > CLASS_REAL) note_odd(c, line, text, n);
    if (class == CLASS_SLASHED) note_order(c, text, n);
    return class;
}

static bool store_string(an__csv_column *c, const an__csv_format *f, size_t row, size_t line, const char *text, size_t n, an_error *err)
{
    if (!c->as_text) {
        uint64_t hash = text_hash(text, n);
        size_t at = hash & (c->slots - 1);
        for (; c->slot[at]; at = (at + 1) & (c->slots - 1)) {
            an__csv_entry *e = &c->entry[c->slot[at] - 1];
            if (e->hash == hash && e->n == n && !memcmp(c->bytes + e->start, text, n)) {
                c->code[row] = (int32_t)c->slot[at] - 1;
                e->count++;
                return true;
            }
        }
        if (c->entries < AN__CSV_DISTINCT || c->forced == AN_CATEGORY) {
            if (c->entries >= INT32_MAX / 2)
                return an_fail(err, AN_INPUT, "column %s has too many distinct values for a category", c->name);
            if (!(c->entries & (c->entries - 1))) c->entry = an_resize_n(c->entry, c->entries ? 2 * c->entries : 1, sizeof *c->entry);
            c->entry[c->entries] = (an__csv_entry){ hash, c->bytes_size, n, 1, classify(c, f, line, text, n) };
            if (!add_bytes(c, text, n, err)) return false;
            c->code[row] = (int32_t)c->entries++;
            c->slot[at] = (uint32_t)c->entries;
            if (2 * c->entries > c->slots) rehash(c);
            return true;
        }
        if (!to_text(c, row, err)) return false;
    }
    c->seen[classify(c, f, line, text, n)]++;
    if (!add_bytes(c, text, n, err)) return false;
    c->offset[row + 1] = c->bytes_size;
    return true;
}

static bool refuse(an__csv_column *c, size_t line, const char *text, size_t n, const char *wanted, an_error *err)
{
    if (c->forced < 0) { /* settled after the pass */
        c->seen[CLASS_OTHER]++;
        note_odd(c, line, text, n);
        return true;
    }
    note_odd(c, line, text, n);
    an_fail(err, AN_INPUT, "line %zu, column %s: \"%s\" is not %s", line, c->name, c->odd_text, wanted);
    return an_hint(err, "correct the cell, or another --type, or --missing \"%s\"", c->odd_text);
}

static bool store_number(an__csv_column *c, const an__csv_format *f, size_t row, size_t line, const char *text, size_t n, an_error *err)
{
    an__number number;
    double real;
    int64_t integer;
    if (!an__number_parse(text, n, f->decimal, f->thousands, &number, &real)) {
        return refuse(c, line, text, n, c->forced == AN_INTEGER ? "an integer" : "a number", err);
    }
    if (c->kind == KIND_INTEGER) {
        if (an__number_integer(&number, &integer)) {
            c->integer[row] = integer;
            c->seen[CLASS_PADDED] += number.padded;
            return true;
        }
        if (c->forced == AN_INTEGER) return refuse(c, line, text, n, "an integer", err);
        an__csv_column_to_real(c, row);
    }
    c->real[row] = real;
    return true;
}

static void note_spelling(an__csv_column *c, uint8_t value, const char *text, size_t n)
{
    char *have = c->spelled[value];
    if (!have[0])
        memcpy(have, text, n);
    else if (strncmp(have, text, n) || have[n])
        c->spelled_apart = true;
}

/* The file's own words for false and true. */
static void keep_spelling(const an__csv_column *c, an_dictionary *d)
{
    static const char *const pairs[][2] = { { "False", "True" }, { "FALSE", "TRUE" }, { "no", "yes" },
                                            { "No", "Yes" },     { "NO", "YES" },     { "0", "1" } };
    for (size_t k = 0; !c->spelled_apart && k < AN_COUNT(pairs); k++) {
        if (c->spelled[0][0] && strcmp(c->spelled[0], pairs[k][0])) continue;
        if (c->spelled[1][0] && strcmp(c->spelled[1], pairs[k][1])) continue;
        if (!c->spelled[0][0] && !c->spelled[1][0]) return;
        d->names = an_alloc_n(2, sizeof *d->names);
        d->names[0] = an_strdup(pairs[k][0]);
        d->names[1] = an_strdup(pairs[k][1]);
        d->count = 2;
        return;
    }
}

/* A date; a day of Excel where a person said so by --type or --date-format; 03/04/2026 where its order is known. */
static bool store_time(an__csv_column *c, const an__csv_format *f, size_t row, size_t line, const char *text, size_t n, an_error *err)
{
    an__number number;
    double days;
    if (an__csv_datetime(f, c->order, text, n, &c->integer[row])) return true;
    if ((c->serials || c->forced >= 0) && !f->date_format && an__number_parse(text, n, f->decimal, f->thousands, &number, &days) &&
        an__time_serial(days, &c->integer[row])) {
        return true;
    }
    an__slashed s;
    if (c->forced >= 0 && !f->date_format && !c->order && an__time_slashed(text, n, &s)) { /* a type is no order of day and month */
        int64_t us;
        bool day = an__time_ordered(&s, true, &us), month = an__time_ordered(&s, false, &us);
        if (day != month) { /* from here on; a cell before this one that could be either was refused */
            c->order = day ? 'd' : 'm';
            return an__csv_datetime(f, c->order, text, n, &c->integer[row]);
        }
        note_odd(c, line, text, n);
        an_fail(err, AN_INPUT, "line %zu, column %s: \"%s\" may have the day or the month first", line, c->name, c->odd_text);
        return an_hint(err, "--date-format %%d/%%m/%%Y or %%m/%%d/%%Y, with the time of day behind it where there is one");
    }
    return refuse(c, line, text, n, "a date as expected", err);
}

bool an__csv_column_store(an__csv_column *c, const an__csv_format *f, size_t row, size_t line, const char *text, size_t n, an_error *err)
{
    if (an__csv_is_missing(f, text, n)) return an__csv_column_missing(c, row, err);
    switch (c->kind) {
    case KIND_INTEGER:
    case KIND_REAL:
        return store_number(c, f, row, line, text, n, err);
    case KIND_BOOLEAN: {
        bool yes_no;
        if (c->forced >= 0 && n == 1 && (*text == '0' || *text == '1')) {
            c->boolean[row] = *text == '1';
            note_spelling(c, c->boolean[row], text, n);
            return true;
        }
        if (!an__csv_boolean(text, n, &c->boolean[row], &yes_no)) return refuse(c, line, text, n, "true or false", err);
        note_spelling(c, c->boolean[row], text, n);
        c->yes_no |= yes_no;
        c->true_false |= !yes_no;
        if (c->forced < 0 && c->yes_no && c->true_false) return refuse(c, line, text, n, "true or false", err);
        return true;
    }
    case KIND_DATETIME:
        return store_time(c, f, row, line, text, n, err);
    case KIND_STRING:
        return store_string(c, f, row, line, text, n, err);
    }
    return true;
}

/* ---- into the table ------------------------------------------------------------------------------------------------------- */

typedef struct ranked {
    const char *text;
    size_t n;
    int32_t code;
} ranked;

static int by_bytes(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    size_t n = x->n < y->n ? x->n : y->n;
    int order = memcmp(x->text, y->text, n);
    return order ? order : (x->n > y->n) - (x->n < y->n);
}

static void make_dictionary(an__csv_column *c, size_t rows, an_dictionary *d)
{
    ranked *sorted = an_alloc_n(c->entries + 1, sizeof *sorted);
    int32_t *map = an_alloc_n(c->entries + 1, sizeof *map);
    for (size_t k = 0; k < c->entries; k++) sorted[k] = (ranked){ c->bytes + c->entry[k].start, c->entry[k].n, (int32_t)k };
    qsort(sorted, c->entries, sizeof *sorted, by_bytes);
    d->count = (int32_t)c->entries;
    d->names = an_alloc_n(c->entries + 1, sizeof *d->names);
    for (size_t k = 0; k < c->entries; k++) {
        d->names[k] = an_strndup(sorted[k].text, sorted[k].n);
        map[sorted[k].code] = (int32_t)k;
    }
    for (size_t i = 0; i < rows; i++) c->code[i] = c->code[i] < 0 ? -1 : map[c->code[i]];
    free(sorted);
    free(map);
}

static an_type final_type(const an__csv_column *c, size_t rows)
{
    size_t values = rows - c->missing;
    if (c->forced >= 0) return (an_type)c->forced;
    switch (c->kind) {
    case KIND_INTEGER:
        return values ? AN_INTEGER : AN_REAL;
    case KIND_REAL:
        return AN_REAL;
    case KIND_BOOLEAN:
        return AN_BOOLEAN;
    case KIND_DATETIME:
        return AN_DATETIME;
    case KIND_STRING:
        return !c->as_text && c->entries * 2 < values ? AN_CATEGORY : AN_TEXT;
    }
    return AN_TEXT;
}

bool an__csv_column_finish(an__csv_column *c, size_t rows, an_column *out, an_error *err)
{
    out->type = final_type(c, rows);
    if (out->type == AN_TEXT && !c->as_text && !to_text(c, rows, err)) return false;
    if (out->type == AN_REAL && c->kind == KIND_INTEGER) an__csv_column_to_real(c, rows);
    if (out->type == AN_CATEGORY) make_dictionary(c, rows, &out->dictionary);
    if (out->type == AN_BOOLEAN) keep_spelling(c, &out->dictionary);
    if (c->capacity > rows + rows / 8 + 4096 && !an__csv_column_grow(c, rows, rows, err))
        return false; /* give back what blank lines had promised */
    if (c->as_text) {
        if (c->bytes_room > c->bytes_size + c->bytes_size / 8) {
            char *bytes = realloc(c->bytes, c->bytes_size + 1);
            if (bytes) c->bytes = bytes;
        }
        out->text.offset = c->offset;
        out->text.bytes = c->bytes;
        c->bytes = NULL;
    } else {
        out->tensor_data = c->cells;
    }
    c->cells = NULL;
    if (c->missing) {
        out->valid = c->valid;
        c->valid = NULL;
        if (rows % 64) out->valid[rows / 64] &= (UINT64_C(1) << (rows % 64)) - 1;
        out->missing = c->missing;
    }
    an__csv_column_clear(c);
    return true;
}
