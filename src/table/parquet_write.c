/* parquet_write.c - a table as a flat Parquet file: row groups of a million rows, in them for each column an optional dictionary page and
 * data pages (v1, zstd, CRC), statistics, and in the footer what a plain file cannot say: roles, units, reasons, the positive value. */
#include "parquet_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { PAGE_ROWS = 1 << 17, PAGE_BYTES = 1 << 20, LEVEL = 1, STATISTICS_BYTES = 64 };

/* Columns of the file: those of the table, then three of the origin where any row is generated. */
typedef struct origin_columns {
    an_column column[3];
    size_t count;
} origin_columns;

bool an__parquet_put(an__parquet_writer *w, const void *bytes, size_t n, an_error *err)
{
    if (n && fwrite(bytes, 1, n, w->f) != n) return an_fail_errno(err, "writing %s", w->path);
    w->at += n;
    return true;
}

/* ---- pages ---- */

static bool put_page(an__parquet_writer *w, int kind, size_t values, int encoding, an__parquet_written *c, an_error *err)
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
    return an__parquet_put(w, w->header.data, w->header.size, err) && an__parquet_put(w, w->packed.data, n, err);
}

static void put_u32(an_buf *b, uint32_t v)
{
    an_buf_add(b, &v, 4);
}

/* Definition levels of rows from..to-1 with their length in front. */
static void put_levels(an__parquet_writer *w, const an_column *c, size_t from, size_t to)
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

static void put_cells(an__parquet_writer *w, const an_column *c, size_t from, size_t to)
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

static bool put_dictionary(an__parquet_writer *w, const an_column *c, an__parquet_written *out, an_error *err)
{
    an_buf_clear(&w->page);
    for (int32_t k = 0; k < c->dictionary.count; k++) {
        size_t n = strlen(c->dictionary.names[k]);
        put_u32(&w->page, (uint32_t)n);
        an_buf_add(&w->page, c->dictionary.names[k], n);
    }
    return put_page(w, PARQUET_DICTIONARY_PAGE, (size_t)c->dictionary.count, PARQUET_PLAIN, out, err);
}

/* ---- statistics ---- */

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

static void measure(const an_column *c, size_t from, size_t to, an__parquet_written *out)
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

static bool put_chunk(an__parquet_writer *w, const an_column *c, size_t from, size_t to, an__parquet_written *out, an_error *err)
{
    *out = (an__parquet_written){ 0 };
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

/* ---- the file ---- */

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

static bool write_table(an__parquet_writer *w, const an_table *t, an_error *err)
{
    origin_columns o = { 0 };
    size_t columns = t->columns, groups = (t->rows + AN__PARQUET_GROUP_ROWS - 1) / AN__PARQUET_GROUP_ROWS;
    bool ok = origin_make(t, &o, err);
    columns += o.count;
    const an_column **column = an_alloc_n(columns + 1, sizeof *column);
    an__parquet_written *chunks = an_alloc_n(groups * columns + 1, sizeof *chunks);
    for (size_t j = 0; j < columns; j++) column[j] = j < t->columns ? &t->column[j] : &o.column[j - t->columns];
    w->zstd = ZSTD_createCCtx();
    w->levels = an_alloc_n(PAGE_ROWS, sizeof *w->levels);
    w->codes = an_alloc_n(PAGE_ROWS, sizeof *w->codes);
    if (!w->zstd) ok = an_fail(err, AN_MEMORY, "no memory for zstd");
    ok = ok && an__parquet_put(w, "PAR1", 4, err);
    for (size_t g = 0; ok && g < groups; g++) {
        size_t from = g * AN__PARQUET_GROUP_ROWS, to = t->rows - from < AN__PARQUET_GROUP_ROWS ? t->rows : from + AN__PARQUET_GROUP_ROWS;
        for (size_t j = 0; ok && j < columns; j++) {
            ok = put_chunk(w, column[j], from, to, &chunks[g * columns + j], err) || an_context(err, "column %s", column[j]->name);
        }
    }
    ok = ok && an__parquet_put_footer(w, t, column, columns, chunks, err);
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

static bool write_whole(void *context, FILE *f, const char *path, an_error *err)
{
    return write_table(&(an__parquet_writer){ .f = f, .path = path }, context, err);
}

bool an_parquet_write(const an_table *t, const char *path, an_error *err)
{
    return check_table(t, err) && an__file_stream(path, write_whole, (void *)t, err);
}
