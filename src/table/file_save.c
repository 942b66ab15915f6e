/* file_save.c - a table into an artifact: table.bin and schema.json. The same content gives the same bytes: cells that are missing are
 * written as zeroes, a bitmap only where something is missing, nothing of time, place or who. */
#include "file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *role_reason(const an_column *c)
{
    return c->role == AN_IGNORED ? c->reason : NULL;
}

static json_t *schema_json(const an_table *t)
{
    json_t *columns = json_array(), *origins = json_array();
    for (size_t j = 0; j < t->columns; j++) {
        const an_column *c = &t->column[j];
        json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:s?, s:s?, s:b}", "name", c->name, "type", an_type_name(c->type), "role",
                              an_role_name(c->role), "missing", (json_int_t)c->missing, "unit", c->unit, "reason", role_reason(c), "kept",
                              (int)c->kept);
        if (c->type == AN_TENSOR) {
            json_t *shape = json_array();
            for (int k = 0; k < c->tensor.rank; k++) json_array_append_new(shape, json_integer((json_int_t)c->tensor.shape[k]));
            json_object_set_new(o, "dtype", json_string(c->tensor.dtype ? "f32" : "u8"));
            json_object_set_new(o, "shape", shape);
        }
        if (json_object_size(c->spec)) json_object_set(o, "spec", c->spec);
        json_array_append_new(columns, o);
    }
    for (size_t i = 0; i < t->origin_count; i++) {
        char *seed = an_format("%" PRIu64, t->origins[i].seed); /* text: JSON integers end at 2^63 */
        json_array_append_new(origins, json_pack("{s:s, s:s}", "generator", t->origins[i].generator, "seed", seed));
        free(seed);
    }
    json_t *all = json_pack("{s:s, s:i, s:I, s:s?, s:o, s:o}", "format", "andon table", "version", AN__TABLE_VERSION, "rows",
                            (json_int_t)t->rows, "positive", t->positive, "columns", columns, "origins", origins);
    /* absent where there are none, as in tables written before there were any */
    if (all && json_array_size(t->constraints)) json_object_set(all, "constraints", t->constraints);
    return all;
}

typedef struct writer {
    FILE *f;
    an__table_section *section;
    size_t sections, room;
    uint64_t at;
    bool failed;
} writer;

static void put(writer *w, const void *bytes, size_t n)
{
    if (n && fwrite(bytes, 1, n, w->f) != n) w->failed = true;
    w->at += n;
}

static void add_section(writer *w, an__section_kind kind, size_t column, const void *bytes, size_t n)
{
    static const char zeroes[AN__TABLE_ALIGN];
    put(w, zeroes, (size_t)(-w->at % AN__TABLE_ALIGN));
    w->section[w->sections++] = (an__table_section){ (uint32_t)kind, (uint32_t)column, w->at, n, an__hash(bytes, n) };
    put(w, bytes, n);
}

/* Text of valid cells only; NULL with *err set when memory is short. */
static bool save_text(writer *w, const an_table *t, const an_column *c, size_t j, an_error *err)
{
    bool clean = true;
    for (size_t i = 0; i < t->rows && clean; i++) clean = an_valid(c, i) || c->text.offset[i + 1] == c->text.offset[i];
    if (clean) {
        add_section(w, SECTION_CELLS, j, c->text.offset, (t->rows + 1) * sizeof *c->text.offset);
        add_section(w, SECTION_TEXT, j, c->text.bytes, c->text.offset[t->rows]);
        return true;
    }
    uint64_t *offset = an_alloc_data(t->rows + 1, sizeof *offset, c->name, err);
    char *bytes = offset ? an_alloc_data(c->text.offset[t->rows] + 1, 1, c->name, err) : NULL;
    for (size_t i = 0; bytes && i < t->rows; i++) {
        size_t n = an_valid(c, i) ? c->text.offset[i + 1] - c->text.offset[i] : 0;
        if (n) memcpy(bytes + offset[i], c->text.bytes + c->text.offset[i], n);
        offset[i + 1] = offset[i] + n;
    }
    if (bytes) {
        add_section(w, SECTION_CELLS, j, offset, (t->rows + 1) * sizeof *offset);
        add_section(w, SECTION_TEXT, j, bytes, offset[t->rows]);
    }
    free(offset);
    free(bytes);
    return bytes != NULL;
}

static bool save_cells(writer *w, const an_table *t, const an_column *c, size_t j, an_error *err)
{
    size_t size = an__cell_bytes(c);
    if (!c->missing) {
        add_section(w, SECTION_CELLS, j, c->tensor_data, t->rows * size);
        return true;
    }
    char *cells = an_alloc_data(t->rows * size, 1, c->name, err);
    if (!cells) return false;
    for (size_t i = 0; i < t->rows; i++) {
        if (an_valid(c, i)) {
            memcpy(cells + i * size, (const char *)c->tensor_data + i * size, size);
        } else if (c->type == AN_CATEGORY) {
            memset(cells + i * size, 0xff, size);
        }
    }
    add_section(w, SECTION_CELLS, j, cells, t->rows * size);
    free(cells);
    return true;
}

static bool named(const an_column *c)
{
    return c->type == AN_CATEGORY || (c->type == AN_BOOLEAN && c->dictionary.count == 2);
}

static void save_dictionary(writer *w, const an_column *c, size_t j)
{
    an_buf names = { 0 };
    uint64_t *offset = an_alloc_n((size_t)c->dictionary.count + 1, sizeof *offset);
    for (int32_t k = 0; k < c->dictionary.count; k++) {
        an_buf_puts(&names, c->dictionary.names[k]);
        offset[k + 1] = names.size;
    }
    add_section(w, SECTION_NAME_OFFSET, j, offset, ((size_t)c->dictionary.count + 1) * sizeof *offset);
    add_section(w, SECTION_NAMES, j, names.data, names.size);
    free(offset);
    an_buf_free(&names);
}

static bool save_column(writer *w, const an_table *t, size_t j, an_error *err)
{
    const an_column *c = &t->column[j];
    bool ok = c->type == AN_TEXT ? save_text(w, t, c, j, err) : save_cells(w, t, c, j, err);
    if (!ok) return false;
    if (c->missing) {
        size_t words = an__valid_words(t->rows);
        uint64_t *valid = an_alloc_data(words, 8, c->name, err);
        if (!valid) return false;
        memcpy(valid, c->valid, words * 8);
        if (t->rows % 64) valid[words - 1] &= (UINT64_C(1) << (t->rows % 64)) - 1;
        add_section(w, SECTION_VALID, j, valid, words * 8);
        free(valid);
    }
    if (named(c)) save_dictionary(w, c, j);
    return true;
}

static bool write_bin(const an_table *t, const char *path, an_error *err)
{
    writer w = { .f = fopen(path, "wbe") };
    if (!w.f) return an_fail_errno(err, "%s: cannot be written", path);
    size_t most = 4 * t->columns + 2; /* cells, validity, and two more of a text or category */
    bool ok = true;
    w.section = an_alloc_n(most, sizeof *w.section);
    size_t count = t->origin ? 2 : 0; /* the directory stands in front, so its size is needed first */
    for (size_t j = 0; j < t->columns; j++) {
        const an_column *c = &t->column[j];
        count += 1 + (c->missing > 0) + (c->type == AN_TEXT) + 2 * named(c);
    }
    an__table_header h = { .version = AN__TABLE_VERSION, .sections = (uint32_t)count, .rows = t->rows, .columns = t->columns };
    memcpy(h.magic, "ANDONTBL", 8);
    put(&w, &h, sizeof h);
    put(&w, w.section, count * sizeof *w.section);
    for (size_t j = 0; ok && j < t->columns; j++) ok = save_column(&w, t, j, err);
    if (ok && t->origin) {
        add_section(&w, SECTION_ORIGIN, 0, t->origin, t->rows * sizeof *t->origin);
        add_section(&w, SECTION_ORIGIN_ROW, 0, t->origin_row, t->rows * sizeof *t->origin_row);
    }
    h.bytes = w.at;
    h.directory_hash = an__hash(w.section, count * sizeof *w.section);
    if (ok && !w.failed) {
        w.failed = fseek(w.f, 0, SEEK_SET) != 0;
        put(&w, &h, sizeof h);
        put(&w, w.section, count * sizeof *w.section);
    }
    free(w.section);
    if (ok && (w.failed || fflush(w.f) || fsync(fileno(w.f)))) ok = an_fail_errno(err, "writing %s", path);
    if (fclose(w.f) && ok) ok = an_fail_errno(err, "writing %s", path);
    if (!ok) unlink(path);
    return ok;
}

bool an_table_save(const an_table *t, an_artifact *a, an_error *err)
{
    char *path = an_artifact_path(a, "table.bin");
    bool ok = write_bin(t, path, err);
    free(path);
    if (!ok) return false;
    json_t *schema = schema_json(t);
    ok = schema ? an_artifact_write_json(a, "schema.json", schema, err) : an_fail(err, AN_INPUT, "a name in the table is not UTF-8");
    json_decref(schema);
    return ok;
}
