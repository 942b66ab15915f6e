/* file_load.c - a table out of an artifact. Everything read is checked before it is used: lengths, offsets, hashes, codes, texts. */
#include "file.h"
#include "schema.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const section_names[] = { "",       "cells",      "validity", "text", "category names", "category name offsets",
                                             "origin", "origin rows" };

typedef struct file {
    const uint8_t *bytes;
    size_t size;
    an__table_header head;
    an__table_section *section;
    const char *what;
    bool verify;
} file;

static bool corrupt(const file *f, const char *part, an_error *err)
{
    an_fail(err, AN_CORRUPT, "%s: the %s is damaged", f->what, part);
    return an_hint(err, "restore the file from a backup, or import the data again");
}

static bool read_directory(file *f, an_error *err)
{
    if (f->size < sizeof f->head) return corrupt(f, "header (file too short)", err);
    memcpy(&f->head, f->bytes, sizeof f->head);
    if (memcmp(f->head.magic, "ANDONTBL", 8)) return corrupt(f, "header (no table)", err);
    if (f->head.version > AN__TABLE_VERSION) {
        an_fail(err, AN_NEWER, "%s: written by a newer andon (table version %u)", f->what, f->head.version);
        return an_hint(err, "update andon");
    }
    if (f->head.version != AN__TABLE_VERSION || f->head.bytes != f->size) return corrupt(f, "header (length)", err);
    if (f->head.sections > (f->size - sizeof f->head) / sizeof *f->section) return corrupt(f, "directory (length)", err);
    size_t bytes = f->head.sections * sizeof *f->section;
    f->section = an_alloc_n(f->head.sections + (size_t)1, sizeof *f->section);
    memcpy(f->section, f->bytes + sizeof f->head, bytes);
    if (f->verify && an__hash(f->section, bytes) != f->head.directory_hash) return corrupt(f, "directory (hash)", err);
    for (size_t i = 0; i < f->head.sections; i++) {
        const an__table_section *s = &f->section[i];
        bool ok = s->kind >= SECTION_CELLS && s->kind <= SECTION_ORIGIN_ROW && s->offset % AN__TABLE_ALIGN == 0 && s->offset <= f->size &&
                  s->bytes <= f->size - s->offset && s->offset >= sizeof f->head + bytes;
        if (!ok) return corrupt(f, "directory (offset)", err);
        if (f->verify && an__hash(f->bytes + s->offset, s->bytes) != s->hash) {
            an_fail(err, AN_CORRUPT, "%s: section %s of column %u is damaged (hash)", f->what, section_names[s->kind], s->column);
            return an_hint(err, "restore the file from a backup, or import the data again");
        }
    }
    return true;
}

static const an__table_section *find(const file *f, an__section_kind kind, size_t column)
{
    for (size_t i = 0; i < f->head.sections; i++) {
        if (f->section[i].kind == (uint32_t)kind && f->section[i].column == column) return &f->section[i];
    }
    return NULL;
}

/* A copy of a section that must have exactly `bytes` bytes. */
static bool copy_section(const file *f, an__section_kind kind, size_t column, size_t bytes, void **out, an_error *err)
{
    const an__table_section *s = find(f, kind, column);
    if (!s || s->bytes != bytes) return corrupt(f, section_names[kind], err);
    *out = an_alloc_data(bytes ? bytes : 1, 1, "a table", err);
    if (*out && bytes) memcpy(*out, f->bytes + s->offset, bytes);
    return *out != NULL;
}

static bool offsets_rise(const uint64_t *offset, size_t count, uint64_t end)
{
    if (offset[0] || offset[count] != end) return false;
    for (size_t i = 0; i < count; i++) {
        if (offset[i + 1] < offset[i]) return false;
    }
    return true;
}

static bool load_dictionary(const file *f, size_t j, an_dictionary *d, an_error *err)
{
    const an__table_section *offsets = find(f, SECTION_NAME_OFFSET, j), *names = find(f, SECTION_NAMES, j);
    if (!offsets || !names || offsets->bytes < 8 || offsets->bytes % 8 || offsets->bytes / 8 - 1 > INT32_MAX)
        return corrupt(f, "category names", err);
    size_t count = offsets->bytes / 8 - 1;
    uint64_t *offset = an_alloc_n(count + 1, sizeof *offset);
    memcpy(offset, f->bytes + offsets->offset, offsets->bytes);
    const char *bytes = (const char *)f->bytes + names->offset;
    bool ok = offsets_rise(offset, count, names->bytes) && (!names->bytes || !memchr(bytes, 0, names->bytes));
    if (ok) d->names = an_alloc_n(count + 1, sizeof *d->names);
    for (size_t k = 0; ok && k < count; k++) {
        size_t n = offset[k + 1] - offset[k];
        d->names[d->count++] = an_strndup(bytes + offset[k], n);
        ok = an__utf8_valid(d->names[k], n) && (!k || strcmp(d->names[k - 1], d->names[k]) < 0);
    }
    free(offset);
    return ok ? true : corrupt(f, "category names", err);
}

/* What a type promises of its valid cells, and that missing ones are zero. */
static bool check_cells(const an_column *c, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        bool valid = an_valid(c, i);
        switch (c->type) {
        case AN_REAL:
            if (isnan(c->real[i])) return false;
            break;
        case AN_BOOLEAN:
            if (c->boolean[i] > 1) return false;
            break;
        case AN_CATEGORY:
            if (valid ? c->code[i] < 0 || c->code[i] >= c->dictionary.count : c->code[i] != -1) return false;
            break;
        case AN_TEXT:
            if (!an__utf8_valid(c->text.bytes + c->text.offset[i], c->text.offset[i + 1] - c->text.offset[i])) return false;
            break;
        default:
            break;
        }
    }
    return true;
}

static bool load_cells(const file *f, size_t j, an_column *c, an_error *err)
{
    size_t rows = f->head.rows, size = an__cell_bytes(c), bytes;
    if (rows > SIZE_MAX / 16 || __builtin_mul_overflow(rows, size, &bytes)) return corrupt(f, "header (rows)", err);
    if (c->type == AN_TEXT) {
        const an__table_section *text = find(f, SECTION_TEXT, j);
        if (!text) return corrupt(f, "text", err);
        void *copy = NULL;
        if (!copy_section(f, SECTION_CELLS, j, (rows + 1) * 8, &copy, err)) return false;
        c->text.offset = copy;
        if (!offsets_rise(c->text.offset, rows, text->bytes)) return corrupt(f, "text offsets", err);
        if (!copy_section(f, SECTION_TEXT, j, text->bytes, &copy, err)) return false;
        c->text.bytes = copy;
    } else if (!copy_section(f, SECTION_CELLS, j, bytes, &c->tensor_data, err)) {
        return false;
    }
    const an__table_section *valid = find(f, SECTION_VALID, j);
    if (valid) {
        void *copy = NULL;
        if (!copy_section(f, SECTION_VALID, j, an__valid_words(rows) * 8, &copy, err)) return false;
        c->valid = copy;
        size_t there = 0;
        for (size_t w = 0; w < an__valid_words(rows); w++) there += (size_t)__builtin_popcountll(c->valid[w]);
        if (there > rows || (rows % 64 && c->valid[rows / 64] >> (rows % 64))) return corrupt(f, "validity", err);
        c->missing = rows - there;
    }
    bool named = c->type == AN_CATEGORY || (c->type == AN_BOOLEAN && find(f, SECTION_NAMES, j));
    if (named && !load_dictionary(f, j, &c->dictionary, err)) return false;
    if (named && c->type == AN_BOOLEAN && c->dictionary.count != 2) return corrupt(f, "category names", err);
    return check_cells(c, rows) ? true : corrupt(f, section_names[SECTION_CELLS], err);
}

static bool read_layout(const json_t *o, an_tensor_layout *layout)
{
    const json_t *shape = json_object_get(o, "shape");
    const char *dtype = an_json_string(o, "dtype", "");
    layout->dtype = !strcmp(dtype, "f32");
    layout->rank = (int)json_array_size(shape);
    size_t total = 4;
    if ((!layout->dtype && strcmp(dtype, "u8")) || json_array_size(shape) < 1 || json_array_size(shape) > 4) return false;
    for (int k = 0; k < layout->rank; k++) {
        json_int_t n = json_integer_value(json_array_get(shape, (size_t)k));
        if (n < 1 || __builtin_mul_overflow(total, (size_t)n, &total) || total > (size_t)1 << 40) return false;
        layout->shape[k] = (size_t)n;
    }
    return true;
}

static bool load_column(const file *f, const json_t *o, size_t j, an_table *t, an_error *err)
{
    an_column c = { 0 };
    const char *name = an_json_string(o, "name", NULL);
    if (!name || !*name || an_table_find(t, name)) return corrupt(f, "schema (column name)", err);
    if (!an_type_parse(an_json_string(o, "type", ""), &c.type) || !an_role_parse(an_json_string(o, "role", ""), &c.role)) {
        return corrupt(f, "schema (type or role)", err);
    }
    if (c.type == AN_TENSOR && !read_layout(o, &c.tensor)) return corrupt(f, "schema (shape)", err);
    c.name = an_strdup(name);
    c.unit = an_strdup(an_json_string(o, "unit", NULL));
    c.reason = an_strdup(an_json_string(o, "reason", NULL));
    c.kept = json_is_true(json_object_get(o, "kept"));
    json_t *spec = json_object_get(o, "spec");
    if (spec && !an__spec_sound(spec)) {
        an__column_free(&c);
        return corrupt(f, "schema (spec)", err);
    }
    c.spec = json_incref(spec);
    if (!load_cells(f, j, &c, err)) {
        an__column_free(&c);
        return an_where(err, "%s, column %s", f->what, name);
    }
    if ((json_int_t)c.missing != json_integer_value(json_object_get(o, "missing"))) {
        an__column_free(&c);
        return corrupt(f, "schema (missing cells)", err);
    }
    an__table_push(t, &c);
    return true;
}

static bool load_origin(const file *f, const json_t *schema, an_table *t, an_error *err)
{
    const json_t *origins = json_object_get(schema, "origins");
    size_t n = json_array_size(origins);
    if (n >= UINT32_MAX) return corrupt(f, "schema (origins)", err);
    t->origins = n ? an_alloc_n(n, sizeof *t->origins) : NULL;
    for (size_t k = 0; k < n; k++) {
        const json_t *o = json_array_get(origins, k);
        const char *generator = an_json_string(o, "generator", NULL), *seed = an_json_string(o, "seed", "");
        uint64_t value = 0;
        size_t digits = strlen(seed);
        bool ok = generator && digits && digits <= 20;
        for (size_t i = 0; ok && i < digits; i++) {
            ok = seed[i] >= '0' && seed[i] <= '9' && !__builtin_mul_overflow(value, UINT64_C(10), &value) &&
                 !__builtin_add_overflow(value, (uint64_t)(seed[i] - '0'), &value);
        }
        if (!ok) return corrupt(f, "schema (origins)", err);
        t->origins[t->origin_count++] = (an_origin){ an_strdup(generator), value };
    }
    if (!find(f, SECTION_ORIGIN, 0)) return true;
    void *copy = NULL;
    if (!copy_section(f, SECTION_ORIGIN, 0, t->rows * sizeof *t->origin, &copy, err)) return false;
    t->origin = copy;
    if (!copy_section(f, SECTION_ORIGIN_ROW, 0, t->rows * sizeof *t->origin_row, &copy, err)) return false;
    t->origin_row = copy;
    for (size_t i = 0; i < t->rows; i++) {
        if (t->origin[i] > t->origin_count) return corrupt(f, section_names[SECTION_ORIGIN], err);
    }
    return true;
}

an_table *an__table_decode(const uint8_t *bytes, size_t n, const json_t *schema, bool verify, const char *what, an_error *err)
{
    file f = { .bytes = bytes, .size = n, .what = what, .verify = verify };
    an_table *t = NULL;
    const json_t *columns = json_object_get(schema, "columns");
    bool ok = read_directory(&f, err);
    if (ok &&
        (json_array_size(columns) != f.head.columns || json_integer_value(json_object_get(schema, "rows")) != (json_int_t)f.head.rows ||
         f.head.rows > SIZE_MAX / 16 || strcmp(an_json_string(schema, "format", ""), "andon table"))) {
        ok = corrupt(&f, "schema (it belongs to another table)", err);
    }
    if (ok) {
        t = an_table_new(f.head.rows);
        t->positive = an_strdup(an_json_string(schema, "positive", NULL));
    }
    for (size_t j = 0; ok && j < f.head.columns; j++) ok = load_column(&f, json_array_get(columns, j), j, t, err);
    ok = ok && load_origin(&f, schema, t, err);
    json_t *constraints = json_object_get(schema, "constraints");
    if (ok && constraints && !an__constraints_sound(constraints)) ok = corrupt(&f, "schema (constraints)", err);
    if (ok && constraints) t->constraints = json_incref(constraints);
    free(f.section);
    if (ok) return t;
    an_table_free(t);
    return NULL;
}

an_table *an_table_load(const an_artifact *a, an_error *err)
{
    json_t *schema = an_artifact_read_json(a, "schema.json", err);
    if (!schema) return NULL;
    char *path = an_artifact_path(a, "table.bin");
    an_table *t = NULL;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        an_fail_errno(err, "%s: cannot be opened", path);
    } else if (!st.st_size) {
        an_fail(err, AN_CORRUPT, "%s: the header is damaged (the file is empty)", path);
    } else {
        size_t n = (size_t)st.st_size;
        void *map = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED) {
            an_fail_errno(err, "%s: cannot be mapped", path);
        } else {
            t = an__table_decode(map, n, schema, true, path, err);
            munmap(map, n);
        }
    }
    if (fd >= 0) close(fd);
    free(path);
    json_decref(schema);
    return t;
}
