/* parquet_write.c - a table as a flat Parquet file: row groups of a million rows, in them for each column an optional dictionary page and
 * data pages (v1, zstd, CRC), statistics, and in the footer what a plain file cannot say: roles, units, reasons, the positive value. */
#include "parquet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { GROUP_ROWS = 1 << 20, PAGE_ROWS = 1 << 17, PAGE_BYTES = 1 << 20, LEVEL = 1, STATISTICS_BYTES = 64 };

typedef struct chunk { /* one column in one row group, for the footer */
    uint64_t dictionary_at, data_at, packed, unpacked, missing;
    bool has_range;
    an_buf low, high;
} chunk;

typedef struct writer {
    FILE *f;
    const char *path;
    uint64_t at;
    ZSTD_CCtx *zstd;
    an_buf page, packed, header;
    uint32_t *levels, *codes;
} writer;

/* Columns of the file: those of the table, then three of the origin where any row is generated. */
typedef struct origin_columns {
    an_column column[3];
    size_t count;
} origin_columns;

static bool put(writer *w, const void *bytes, size_t n, an_error *err)
{
    if (n && fwrite(bytes, 1, n, w->f) != n) return an_fail_errno(err, "writing %s", w->path);
    w->at += n;
    return true;
}

/* ---- pages
 * --------------------------------------------------------------------------------------------------------------------------------- */

static bool put_page(writer *w, int kind, size_t values, int encoding, chunk *c, an_error *err)
{
    size_t bound = ZSTD_compressBound(w->page.size);
    an_buf_clear(&w->packed);
    if (w->packed.capacity <= bound) {
        char *more = realloc(w->packed.data, bound + 1);
        if (!more) return an_fail(err, AN_MEMORY, "no memory for a page of %zu bytes", w->page.size);
        w->packed.data = more;
        w->packed.capacity = bound + 1;
    }
    size_t n = ZSTD_compressCCtx(w->zstd, w->packed.data, bound, w->page.data ? w->page.data : "", w->page.size, LEVEL);
    if (ZSTD_isError(n)) return an_fail(err, AN_FAILED, "zstd: %s", ZSTD_getErrorName(n));
    if (w->page.size > INT32_MAX || n > INT32_MAX) return an_fail(err, AN_INPUT, "a page would be larger than 2 GB");
    an_buf_clear(&w->header);
    an__thrift_writer t = { .out = &w->header };
    an__put_struct(&t, 0);
    an__put_integer(&t, 1, THRIFT_I32, kind);
    an__put_integer(&t, 2, THRIFT_I32, (int64_t)w->page.size);
    an__put_integer(&t, 3, THRIFT_I32, (int64_t)n);
    an__put_integer(&t, 4, THRIFT_I32, (int32_t)crc32(0, (const Bytef *)w->packed.data, (uInt)n));
    an__put_struct(&t, kind == PARQUET_DICTIONARY_PAGE ? 7 : 5);
    an__put_integer(&t, 1, THRIFT_I32, (int64_t)values);
    an__put_integer(&t, 2, THRIFT_I32, encoding);
    if (kind == PARQUET_DATA_PAGE) {
        an__put_integer(&t, 3, THRIFT_I32, PARQUET_RLE);
        an__put_integer(&t, 4, THRIFT_I32, PARQUET_RLE);
    }
    an__put_end(&t);
    an__put_end(&t);
    if (kind == PARQUET_DICTIONARY_PAGE) {
        c->dictionary_at = w->at;
    } else if (!c->data_at) {
        c->data_at = w->at;
    }
    c->packed += w->header.size + n;
    c->unpacked += w->header.size + w->page.size;
    return put(w, w->header.data, w->header.size, err) && put(w, w->packed.data, n, err);
}

static void put_u32(an_buf *b, uint32_t v)
{
    an_buf_add(b, &v, 4);
}

/* Definition levels of rows from..to-1 with their length in front. */
static void put_levels(writer *w, const an_column *c, size_t from, size_t to)
{
    size_t start = w->page.size;
    put_u32(&w->page, 0);
    for (size_t i = from; i < to; i++) w->levels[i - from] = an_valid(c, i);
    an__hybrid_encode(w->levels, to - from, 1, &w->page);
    uint32_t n = (uint32_t)(w->page.size - start - 4);
    memcpy(w->page.data + start, &n, 4);
}

static int bits_of(uint32_t most)
{
    return most ? 32 - __builtin_clz(most) : 0;
}

static void put_cells(writer *w, const an_column *c, size_t from, size_t to)
{
    switch (c->type) {
    case AN_BOOLEAN: {
        uint8_t byte = 0;
        int have = 0;
        for (size_t i = from; i < to; i++) {
            if (!an_valid(c, i)) continue;
            byte |= (uint8_t)((c->boolean[i] != 0) << have);
            if (++have < 8) continue;
            an_buf_putc(&w->page, (char)byte);
            byte = 0;
            have = 0;
        }
        if (have) an_buf_putc(&w->page, (char)byte);
        return;
    }
    case AN_CATEGORY: {
        int width = bits_of(c->dictionary.count > 0 ? (uint32_t)c->dictionary.count - 1 : 0);
        size_t n = 0;
        for (size_t i = from; i < to; i++) {
            if (an_valid(c, i)) w->codes[n++] = (uint32_t)c->code[i];
        }
        if (n && !width) width = 1; /* some readers want a run of zeroes, not nothing */
        an_buf_putc(&w->page, (char)width);
        an__hybrid_encode(w->codes, n, width, &w->page);
        return;
    }
    case AN_TEXT:
        for (size_t i = from; i < to; i++) {
            if (!an_valid(c, i)) continue;
            size_t n = c->text.offset[i + 1] - c->text.offset[i];
            put_u32(&w->page, (uint32_t)n);
            if (n) an_buf_add(&w->page, c->text.bytes + c->text.offset[i], n);
        }
        return;
    default:
        if (!c->missing) {
            an_buf_add(&w->page, c->integer + from, (to - from) * 8);
            return;
        }
        for (size_t i = from; i < to; i++) {
            if (an_valid(c, i)) an_buf_add(&w->page, &c->integer[i], 8);
        }
    }
}

static size_t page_end(const an_column *c, size_t from, size_t to)
{
    size_t end = to - from > PAGE_ROWS ? from + PAGE_ROWS : to;
    if (c->type != AN_TEXT) return end;
    size_t i = from + 1;
    while (i < end && c->text.offset[i + 1] - c->text.offset[from] <= PAGE_BYTES) i++;
    return i;
}

static bool put_dictionary(writer *w, const an_column *c, chunk *out, an_error *err)
{
    an_buf_clear(&w->page);
    for (int32_t k = 0; k < c->dictionary.count; k++) {
        size_t n = strlen(c->dictionary.names[k]);
        put_u32(&w->page, (uint32_t)n);
        an_buf_add(&w->page, c->dictionary.names[k], n);
    }
    return put_page(w, PARQUET_DICTIONARY_PAGE, (size_t)c->dictionary.count, PARQUET_PLAIN, out, err);
}

/* ---- statistics
 * ---------------------------------------------------------------------------------------------------------------------------- */

static void cell_bytes(const an_column *c, size_t row, const void **bytes, size_t *n)
{
    static const uint8_t truth[2] = { 0, 1 };
    switch (c->type) {
    case AN_BOOLEAN:
        *bytes = &truth[c->boolean[row] != 0];
        *n = 1;
        return;
    case AN_CATEGORY:
        *bytes = c->dictionary.names[c->code[row]];
        *n = strlen(*bytes);
        return;
    case AN_TEXT:
        *bytes = c->text.bytes ? c->text.bytes + c->text.offset[row] : "";
        *n = c->text.offset[row + 1] - c->text.offset[row];
        return;
    default:
        *bytes = &c->integer[row];
        *n = 8;
    }
}

static bool less(const an_column *c, size_t a, size_t b)
{
    switch (c->type) {
    case AN_REAL:
        return c->real[a] < c->real[b];
    case AN_BOOLEAN:
        return c->boolean[a] < c->boolean[b];
    case AN_CATEGORY:
        return c->code[a] < c->code[b]; /* sorted by bytes */
    case AN_TEXT: {
        const void *x, *y;
        size_t n, m;
        cell_bytes(c, a, &x, &n);
        cell_bytes(c, b, &y, &m);
        int order = memcmp(x, y, n < m ? n : m);
        return order ? order < 0 : n < m;
    }
    default:
        return c->integer[a] < c->integer[b];
    }
}

static void measure(const an_column *c, size_t from, size_t to, chunk *out)
{
    size_t low = SIZE_MAX, high = SIZE_MAX, n, m;
    for (size_t i = from; i < to; i++) {
        if (!an_valid(c, i)) {
            out->missing++;
            continue;
        }
        if (low == SIZE_MAX) low = high = i;
        if (less(c, i, low)) low = i;
        if (less(c, high, i)) high = i;
    }
    if (low == SIZE_MAX) return;
    const void *least, *most;
    cell_bytes(c, low, &least, &n);
    cell_bytes(c, high, &most, &m);
    if (n > STATISTICS_BYTES || m > STATISTICS_BYTES) return; /* long texts: none rather than a cut one */
    double minus = -0.0, plus = 0.0;
    if (c->type == AN_REAL && c->real[low] == 0) least = &minus; /* zeroes have a sign; a range covers both (parquet.thrift, ColumnOrder) */
    if (c->type == AN_REAL && c->real[high] == 0) most = &plus;
    an_buf_add(&out->low, least, n);
    an_buf_add(&out->high, most, m);
    out->has_range = true;
}

static bool put_chunk(writer *w, const an_column *c, size_t from, size_t to, chunk *out, an_error *err)
{
    *out = (chunk){ 0 };
    measure(c, from, to, out);
    if (c->type == AN_CATEGORY && !put_dictionary(w, c, out, err)) return false;
    for (size_t i = from; i < to;) {
        size_t end = page_end(c, i, to);
        an_buf_clear(&w->page);
        put_levels(w, c, i, end);
        put_cells(w, c, i, end);
        if (!put_page(w, PARQUET_DATA_PAGE, end - i, c->type == AN_CATEGORY ? PARQUET_DICTIONARY : PARQUET_PLAIN, out, err)) return false;
        i = end;
    }
    return true;
}

/* ---- footer
 * --------------------------------------------------------------------------------------------------------------------------------- */

static int physical_type(an_type type)
{
    return type == AN_REAL                          ? PARQUET_DOUBLE
           : type == AN_BOOLEAN                     ? PARQUET_BOOLEAN
           : type == AN_CATEGORY || type == AN_TEXT ? PARQUET_BYTES
                                                    : PARQUET_INT64;
}

static void put_element(an__thrift_writer *t, const an_column *c, bool is_unsigned)
{
    an__put_struct(t, 0);
    an__put_integer(t, 1, THRIFT_I32, physical_type(c->type));
    an__put_integer(t, 3, THRIFT_I32, PARQUET_OPTIONAL);
    an__put_bytes(t, 4, c->name, strlen(c->name));
    if (c->type == AN_CATEGORY || c->type == AN_TEXT) {
        an__put_integer(t, 6, THRIFT_I32, 0); /* UTF8 */
        an__put_struct(t, 10);
        an__put_struct(t, 1); /* STRING */
        an__put_end(t);
        an__put_end(t);
    } else if (c->type == AN_DATETIME) {
        an__put_integer(t, 6, THRIFT_I32, 10); /* TIMESTAMP_MICROS */
        an__put_struct(t, 10);
        an__put_struct(t, 8);
        an__put_boolean(t, 1, true); /* UTC */
        an__put_struct(t, 2);
        an__put_struct(t, 2); /* micros */
        an__put_end(t);
        an__put_end(t);
        an__put_end(t);
        an__put_end(t);
    } else if (is_unsigned) {
        an__put_integer(t, 6, THRIFT_I32, 14); /* UINT_64 */
        an__put_struct(t, 10);
        an__put_struct(t, 10);
        an__put_integer(t, 1, THRIFT_BYTE, 64);
        an__put_boolean(t, 2, false);
        an__put_end(t);
        an__put_end(t);
    }
    an__put_end(t);
}

static void put_chunk_meta(an__thrift_writer *t, const an_column *c, const chunk *k, size_t values, bool is_unsigned)
{
    an__put_struct(t, 0);
    an__put_integer(t, 2, THRIFT_I64, (int64_t)(k->dictionary_at ? k->dictionary_at : k->data_at)); /* file_offset */
    an__put_struct(t, 3);
    an__put_integer(t, 1, THRIFT_I32, physical_type(c->type));
    an__put_list(t, 2, THRIFT_I32, c->type == AN_CATEGORY ? 3 : 2);
    an__put_list_integer(t, PARQUET_PLAIN);
    an__put_list_integer(t, PARQUET_RLE);
    if (c->type == AN_CATEGORY) an__put_list_integer(t, PARQUET_DICTIONARY);
    an__put_list(t, 3, THRIFT_BINARY, 1);
    an__put_list_bytes(t, c->name, strlen(c->name));
    an__put_integer(t, 4, THRIFT_I32, PARQUET_ZSTD);
    an__put_integer(t, 5, THRIFT_I64, (int64_t)values);
    an__put_integer(t, 6, THRIFT_I64, (int64_t)k->unpacked);
    an__put_integer(t, 7, THRIFT_I64, (int64_t)k->packed);
    an__put_integer(t, 9, THRIFT_I64, (int64_t)k->data_at);
    if (k->dictionary_at) an__put_integer(t, 11, THRIFT_I64, (int64_t)k->dictionary_at);
    an__put_struct(t, 12); /* statistics */
    an__put_integer(t, 3, THRIFT_I64, (int64_t)k->missing);
    if (k->has_range && !is_unsigned) {
        an__put_bytes(t, 5, k->high.data, k->high.size);
        an__put_bytes(t, 6, k->low.data, k->low.size);
    }
    an__put_end(t);
    an__put_end(t);
    an__put_end(t);
}

static json_t *beside(const an_table *t)
{
    json_t *columns = json_array();
    for (size_t j = 0; j < t->columns; j++) {
        const an_column *c = &t->column[j];
        json_array_append_new(columns, json_pack("{s:s, s:s, s:s, s:s*, s:s*, s:b, s:O*}", "name", c->name, "type", an_type_name(c->type),
                                                 "role", an_role_name(c->role), "unit", c->unit, "reason",
                                                 c->role == AN_IGNORED ? c->reason : NULL, "kept", (int)c->kept, "spec", c->spec));
    }
    return json_pack("{s:i, s:s*, s:o, s:O*}", "version", 1, "positive", t->positive, "columns", columns, "constraints", t->constraints);
}

static bool put_footer(writer *w, const an_table *t, const an_column *const *column, size_t columns, const chunk *chunks, an_error *err)
{
    an_buf out = { 0 };
    an__thrift_writer m = { .out = &out };
    size_t groups = (t->rows + GROUP_ROWS - 1) / GROUP_ROWS;
    json_t *roles = beside(t);
    if (!roles) return an_fail(err, AN_INPUT, "a name in the table is not UTF-8");
    char *text = an_json_text(roles, false);
    json_decref(roles);
    an__put_struct(&m, 0);
    an__put_integer(&m, 1, THRIFT_I32, 2);
    an__put_list(&m, 2, THRIFT_STRUCT, columns + 1);
    an__put_struct(&m, 0);
    an__put_bytes(&m, 4, "table", 5);
    an__put_integer(&m, 5, THRIFT_I32, (int64_t)columns);
    an__put_end(&m);
    for (size_t j = 0; j < columns; j++) put_element(&m, column[j], j > t->columns);
    an__put_integer(&m, 3, THRIFT_I64, (int64_t)t->rows);
    an__put_list(&m, 4, THRIFT_STRUCT, groups);
    for (size_t g = 0; g < groups; g++) {
        size_t rows = t->rows - g * GROUP_ROWS < GROUP_ROWS ? t->rows - g * GROUP_ROWS : GROUP_ROWS;
        const chunk *k = chunks + g * columns;
        uint64_t unpacked = 0, packed = 0;
        an__put_struct(&m, 0);
        an__put_list(&m, 1, THRIFT_STRUCT, columns);
        for (size_t j = 0; j < columns; j++) {
            put_chunk_meta(&m, column[j], &k[j], rows, j > t->columns);
            unpacked += k[j].unpacked;
            packed += k[j].packed;
        }
        an__put_integer(&m, 2, THRIFT_I64, (int64_t)unpacked);
        an__put_integer(&m, 3, THRIFT_I64, (int64_t)rows);
        an__put_integer(&m, 5, THRIFT_I64, (int64_t)(k[0].dictionary_at ? k[0].dictionary_at : k[0].data_at));
        an__put_integer(&m, 6, THRIFT_I64, (int64_t)packed);
        an__put_integer(&m, 7, THRIFT_I16, (int64_t)(g & 0x7fff));
        an__put_end(&m);
    }
    an__put_list(&m, 5, THRIFT_STRUCT, 1);
    an__put_struct(&m, 0);
    an__put_bytes(&m, 1, "andon", 5);
    an__put_bytes(&m, 2, text, strlen(text));
    an__put_end(&m);
    char *creator = an_format("andon version %s", an_version());
    an__put_bytes(&m, 6, creator, strlen(creator));
    an__put_list(&m, 7, THRIFT_STRUCT, columns); /* column orders: as the type says, without which nobody trusts the statistics */
    for (size_t j = 0; j < columns; j++) {
        an__put_struct(&m, 0);
        an__put_struct(&m, 1);
        an__put_end(&m);
        an__put_end(&m);
    }
    an__put_end(&m);
    bool ok = out.size <= INT32_MAX || an_fail(err, AN_INPUT, "the table has too many columns for a Parquet file");
    uint32_t size = (uint32_t)out.size;
    ok = ok && put(w, out.data, out.size, err) && put(w, &size, 4, err) && put(w, "PAR1", 4, err);
    an_buf_free(&out);
    free(creator);
    free(text);
    return ok;
}

/* ---- the file
 * ------------------------------------------------------------------------------------------------------------------------------- */

static bool origin_make(const an_table *t, origin_columns *o, an_error *err)
{
    static const char *const names[3] = { "_generator", "_seed", "_row" };
    if (!t->origin || !t->origin_count) return true;
    for (int k = 0; k < 3; k++) {
        an_column *c = &o->column[k];
        if (an_table_find(t, names[k])) return an_fail(err, AN_INPUT, "the column name %s is taken by the origin of rows", names[k]);
        *c = (an_column){ .name = an_strdup(names[k]), .type = k ? AN_INTEGER : AN_CATEGORY };
        o->count++;
        if (!an__column_cells(c, t->rows, err)) return false;
        c->valid = an_alloc_data(an__valid_words(t->rows), 8, c->name, err);
        if (!c->valid) return false;
    }
    an_dictionary *d = &o->column[0].dictionary; /* sorted, without doubles */
    d->names = an_alloc_n(t->origin_count, sizeof *d->names);
    int32_t *code = an_alloc_n(t->origin_count, sizeof *code);
    for (size_t k = 0; k < t->origin_count; k++) {
        const char *name = t->origins[k].generator;
        int32_t at = 0;
        while (at < d->count && strcmp(d->names[at], name) < 0) at++;
        if (at < d->count && !strcmp(d->names[at], name)) continue;
        memmove(d->names + at + 1, d->names + at, (size_t)(d->count - at) * sizeof *d->names);
        d->names[at] = an_strdup(name);
        d->count++;
    }
    for (size_t k = 0; k < t->origin_count; k++) code[k] = an__dictionary_find(d, t->origins[k].generator, strlen(t->origins[k].generator));
    for (int k = 0; k < 3; k++) o->column[k].missing = t->rows;
    for (size_t i = 0; i < t->rows; i++) {
        if (!t->origin[i]) continue;
        o->column[0].code[i] = code[t->origin[i] - 1];
        o->column[1].integer[i] = (int64_t)t->origins[t->origin[i] - 1].seed;
        o->column[2].integer[i] = (int64_t)t->origin_row[i];
        for (int k = 0; k < 3; k++) an_set_valid(&o->column[k], i);
    }
    free(code);
    return true;
}

static bool write_table(writer *w, const an_table *t, an_error *err)
{
    origin_columns o = { 0 };
    size_t columns = t->columns, groups = (t->rows + GROUP_ROWS - 1) / GROUP_ROWS;
    bool ok = origin_make(t, &o, err);
    columns += o.count;
    const an_column **column = an_alloc_n(columns + 1, sizeof *column);
    chunk *chunks = an_alloc_n(groups * columns + 1, sizeof *chunks);
    for (size_t j = 0; j < columns; j++) column[j] = j < t->columns ? &t->column[j] : &o.column[j - t->columns];
    w->zstd = ZSTD_createCCtx();
    w->levels = an_alloc_n(PAGE_ROWS, sizeof *w->levels);
    w->codes = an_alloc_n(PAGE_ROWS, sizeof *w->codes);
    if (!w->zstd) ok = an_fail(err, AN_MEMORY, "no memory for zstd");
    ok = ok && put(w, "PAR1", 4, err);
    for (size_t g = 0; ok && g < groups; g++) {
        size_t from = g * GROUP_ROWS, to = t->rows - from < GROUP_ROWS ? t->rows : from + GROUP_ROWS;
        for (size_t j = 0; ok && j < columns; j++) {
            ok = put_chunk(w, column[j], from, to, &chunks[g * columns + j], err) || an_context(err, "column %s", column[j]->name);
        }
    }
    ok = ok && put_footer(w, t, column, columns, chunks, err);
    if (ok && fflush(w->f)) ok = an_fail_errno(err, "writing %s", w->path);
    for (size_t k = 0; k < groups * columns; k++) {
        an_buf_free(&chunks[k].low);
        an_buf_free(&chunks[k].high);
    }
    for (int k = 0; k < 3; k++) an__column_free(&o.column[k]);
    ZSTD_freeCCtx(w->zstd);
    free(w->levels);
    free(w->codes);
    free(chunks);
    free(column);
    an_buf_free(&w->page);
    an_buf_free(&w->packed);
    an_buf_free(&w->header);
    return ok;
}

static bool check_table(const an_table *t, an_error *err)
{
    if (!t->columns || !t->rows) return an_fail(err, AN_INPUT, "a table without rows or columns makes no Parquet file");
    for (size_t j = 0; j < t->columns; j++) {
        const an_column *c = &t->column[j];
        if (c->type != AN_TENSOR) continue;
        an_fail(err, AN_INPUT, "the column %s holds arrays, and a flat Parquet file one value a cell", c->name);
        return an_hint(err, "drop the column");
    }
    return true;
}

static bool sync_folder(const char *path, an_error *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = !slash ? an_strdup(".") : slash == path ? an_strdup("/") : an_strndup(path, (size_t)(slash - path));
    bool ok = an_folder_sync(folder, err);
    free(folder);
    return ok;
}

bool an_parquet_write(const an_table *t, const char *path, an_error *err)
{
    if (!check_table(t, err)) return false;
    if (!strcmp(path, "-")) return write_table(&(writer){ .f = stdout, .path = "standard output" }, t, err);
    struct stat st;
    bool plain = stat(path, &st) || S_ISREG(st.st_mode); /* /dev/stdout, a pipe: written directly */
    char *temporary = plain ? an_format("%s.XXXXXX", path) : an_strdup(path);
    int fd = plain ? mkostemp(temporary, O_CLOEXEC) : open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && plain) fchmod(fd, 0644);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!f) {
        an_fail_errno(err, "%s: cannot be written", path);
        if (fd >= 0) close(fd);
        free(temporary);
        return false;
    }
    bool ok = write_table(&(writer){ .f = f, .path = path }, t, err);
    if (ok && plain && fsync(fd)) ok = an_fail_errno(err, "writing %s", path);
    if (fclose(f) && ok) ok = an_fail_errno(err, "writing %s", path);
    if (ok && plain && rename(temporary, path)) ok = an_fail_errno(err, "%s: cannot be replaced", path);
    if (!ok && plain) unlink(temporary);
    if (ok && plain) ok = sync_folder(path, err);
    free(temporary);
    return ok;
}
