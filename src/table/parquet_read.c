/* parquet_read.c - a flat Parquet file into a table: which column becomes which type, pages into cells, what an_parquet_write left beside
 * them. Footer, codecs and encodings are in files of their own. */
#include "csv_impl.h"
#include "parquet.h"
#include "schema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

typedef enum sink { SINK_INTEGER, SINK_REAL, SINK_BOOLEAN, SINK_TIME, SINK_STRING, SINK_NONE } sink;

typedef struct column_reader {
    const an__parquet_column *about;
    an_table *table;
    sink sink;
    an_column out;         /* of numbers, times and booleans */
    an__csv_column string; /* of texts: the CSV reader's way of finding categories */
    const an__csv_format *format;
    size_t row;           /* the next */
    uint64_t *dictionary; /* converted cells */
    an__slice *dictionary_text;
    uint8_t *dictionary_bytes; /* which the slices point into */
    size_t dictionary_count;
    uint8_t *page_bytes; /* scratch memory, with its size */
    uint32_t *codes, *levels;
    uint64_t *cells;
    an__slice *slices;
    size_t page_room, codes_room, levels_room, cells_room, slices_room;
    uint64_t bomb;
    size_t file_bytes;
} column_reader;

static bool damaged(an_error *err, const char *why)
{
    an_fail(err, AN_INPUT, "a page is damaged (%s)", why);
    return an_hint(err, "the file was cut short or changed on the way; copy it again");
}

static bool room(void **p, size_t *have, size_t need, size_t size, an_error *err)
{
    if (need <= *have && *p) return true;
    free(*p);
    *have = 0;
    *p = an_alloc_data(need + need / 4 + 1, size, "a page of a Parquet file", err);
    if (*p) *have = need + need / 4 + 1;
    return *p != NULL;
}

/* ---- types
 * ---------------------------------------------------------------------------------------------------------------------------------------
 */

static sink sink_of(const an__parquet_column *c)
{
    an__parquet_means m = c->means;
    bool whole = m == MEANS_PLAIN || m == MEANS_UNSIGNED, time = m >= MEANS_MILLIS && m <= MEANS_NANOS;
    bool decimal = m == MEANS_DECIMAL && c->scale >= 0 && c->scale <= 38;
    if (m == MEANS_NOTHING && (c->type == PARQUET_INT32 || c->type == PARQUET_INT64)) return SINK_REAL;
    switch (c->type) {
    case PARQUET_BOOLEAN:
        return SINK_BOOLEAN;
    case PARQUET_INT32:
        return whole ? SINK_INTEGER : m == MEANS_DATE ? SINK_TIME : decimal || m == MEANS_TIME_MILLIS ? SINK_REAL : SINK_NONE;
    case PARQUET_INT64:
        return whole ? SINK_INTEGER : time ? SINK_TIME : decimal || m == MEANS_TIME_MICROS || m == MEANS_TIME_NANOS ? SINK_REAL : SINK_NONE;
    case PARQUET_INT96:
        return SINK_TIME;
    case PARQUET_FLOAT:
    case PARQUET_DOUBLE:
        return SINK_REAL;
    case PARQUET_BYTES:
        return m == MEANS_TEXT || m == MEANS_PLAIN ? SINK_STRING : decimal ? SINK_REAL : SINK_NONE;
    case PARQUET_FIXED:
        if (m == MEANS_UUID && c->width == 16) return SINK_STRING;
        return (decimal && c->width && c->width <= 16) || (m == MEANS_FLOAT16 && c->width == 2) ? SINK_REAL : SINK_NONE;
    default:
        return SINK_NONE;
    }
}

static size_t value_bytes(const an__parquet_column *c) /* 0: no fixed size, or bits */
{
    static const size_t bytes[] = { 0, 4, 8, 12, 4, 8, 0 };
    return c->type == PARQUET_FIXED ? c->width : bytes[c->type];
}

static double decimal_value(const uint8_t *p, size_t n, int scale) /* big-endian two's complement */
{
    unsigned __int128 bits = n && p[0] & 0x80 ? ~(unsigned __int128)0 : 0;
    for (size_t i = 0; i < n; i++) bits = bits << 8 | p[i];
    return (double)(__int128)bits / pow(10, scale);
}

static double float16_value(uint16_t h)
{
    int exponent = h >> 10 & 31;
    double fraction = h & 1023, value = !exponent        ? ldexp(fraction, -24)
                                        : exponent == 31 ? (fraction > 0 ? NAN : (double)INFINITY)
                                                         : ldexp(1024 + fraction, exponent - 25);
    return h & 0x8000 ? -value : value;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* One value as a cell of 8 bytes, SINK_TIME: microseconds since 1970; false: out of range. */
static bool convert_one(const an__parquet_column *c, const uint8_t *p, size_t n, uint64_t *cell)
{
    int32_t i32 = 0;
    int64_t i64 = 0, days, out = 0;
    uint32_t day;
    float f32;
    double real = 0;
    switch (c->type) {
    case PARQUET_INT32:
        memcpy(&i32, p, 4);
        i64 = i32;
        break;
    case PARQUET_INT64:
        memcpy(&i64, p, 8);
        break;
    case PARQUET_INT96: /* nanoseconds of the day, Julian day */
        memcpy(&i64, p, 8);
        memcpy(&day, p + 8, 4);
        days = (int64_t)day - 2440588;
        if (__builtin_mul_overflow(days, INT64_C(86400000000), &out) || __builtin_add_overflow(out, floor_div(i64, 1000), &out))
            return false;
        memcpy(cell, &out, 8);
        return true;
    case PARQUET_FLOAT:
        memcpy(&f32, p, 4);
        real = (double)f32;
        memcpy(cell, &real, 8);
        return true;
    case PARQUET_DOUBLE:
        memcpy(cell, p, 8);
        return true;
    default:
        if (c->means == MEANS_FLOAT16) {
            uint16_t half;
            memcpy(&half, p, 2);
            real = float16_value(half);
        } else {
            if (n > 16) return false;
            real = decimal_value(p, n, c->scale);
        }
        memcpy(cell, &real, 8);
        return true;
    }
    switch (c->means) {
    case MEANS_UNSIGNED:
        out = c->type == PARQUET_INT32 ? (int64_t)(uint32_t)i32 : i64; /* of 64 bits: judged at the end */
        break;
    case MEANS_DATE:
        if (__builtin_mul_overflow(i64, INT64_C(86400000000), &out)) return false;
        break;
    case MEANS_MILLIS:
        if (__builtin_mul_overflow(i64, INT64_C(1000), &out)) return false;
        break;
    case MEANS_NANOS:
        out = floor_div(i64, 1000);
        break;
    case MEANS_TIME_MILLIS:
    case MEANS_TIME_MICROS:
    case MEANS_TIME_NANOS:
        real = (double)i64 / (c->means == MEANS_TIME_MILLIS ? 1e3 : c->means == MEANS_TIME_MICROS ? 1e6 : 1e9);
        memcpy(cell, &real, 8);
        return true;
    case MEANS_DECIMAL:
        real = (double)i64 / pow(10, c->scale);
        memcpy(cell, &real, 8);
        return true;
    default:
        out = i64;
    }
    memcpy(cell, &out, 8);
    return true;
}

static bool out_of_range(const column_reader *r, size_t value, an_error *err)
{
    return an_fail(err, AN_INPUT, "value %zu from row %zu on is out of range", value + 1, r->row + 1);
}

/* `count` values of one size to cells. */
static bool convert(const column_reader *r, const uint8_t *raw, size_t count, uint64_t *cells, an_error *err)
{
    const an__parquet_column *c = r->about;
    size_t width = value_bytes(c);
    if (width == 8 && (c->type == PARQUET_DOUBLE || (c->type == PARQUET_INT64 && (c->means == MEANS_PLAIN || c->means == MEANS_MICROS)))) {
        if (count) memcpy(cells, raw, count * 8);
        return true;
    }
    if (c->type == PARQUET_FLOAT) {
        for (size_t i = 0; i < count; i++) {
            float f;
            memcpy(&f, raw + 4 * i, 4);
            double real = (double)f;
            memcpy(&cells[i], &real, 8);
        }
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (!convert_one(c, raw + i * width, width, &cells[i])) return out_of_range(r, i, err);
    }
    return true;
}

/* ---- cells into the column
 * ------------------------------------------------------------------------------------------------------------------- */

/* cells: those that are there; levels NULL: all of the page's values. */
static void scatter(column_reader *r, const uint64_t *cells, const uint32_t *levels, size_t values)
{
    an_column *c = &r->out;
    size_t k = 0;
    if (!levels) {
        if (cells != (uint64_t *)c->integer + r->row && values) memcpy(c->integer + r->row, cells, values * 8);
    } else {
        for (size_t i = 0; i < values; i++) {
            if (levels[i]) {
                memcpy(c->integer + r->row + i, &cells[k++], 8);
            } else {
                an_set_missing(r->table, c, r->row + i);
            }
        }
    }
    for (size_t i = 0; r->sink == SINK_REAL && i < values; i++) {
        if (isnan(c->real[r->row + i])) an_set_missing(r->table, c, r->row + i);
    }
}

static bool put_text(column_reader *r, size_t row, const an__slice *s, an_error *err)
{
    const char *text = (const char *)s->bytes;
    size_t n = s->n;
    char uuid[37];
    if (r->about->means == MEANS_UUID && r->about->type == PARQUET_FIXED) {
        static const char digits[] = "0123456789abcdef";
        char *to = uuid;
        for (int i = 0; i < 16; i++) {
            if (i == 4 || i == 6 || i == 8 || i == 10) *to++ = '-';
            *to++ = digits[s->bytes[i] >> 4];
            *to++ = digits[s->bytes[i] & 15];
        }
        text = uuid;
        n = 36;
    } else if (n > AN__CSV_FIELD_LIMIT) {
        return an_fail(err, AN_INPUT, "row %zu: the text is longer than 16 MB", row + 1);
    }
    return an__csv_column_store(&r->string, r->format, row, row + 1, text, n, err);
}

static bool sound_text(const column_reader *r, const an__slice *s, size_t row, an_error *err)
{
    if (r->about->type == PARQUET_FIXED || !s->n) return true;
    if (an__utf8_valid((const char *)s->bytes, s->n) && !memchr(s->bytes, 0, s->n)) return true;
    an_fail(err, AN_INPUT, "row %zu: the value is no UTF-8 text", row + 1);
    return an_hint(err, "a column of bytes is no table column; leave it out where the file is written");
}

/* ---- pages
 * ---------------------------------------------------------------------------------------------------------------------------------------
 */

/* Bytes or values of a size without a plain one: slices of texts, decimals of any size. */
static bool by_slices(const an__parquet_column *c)
{
    return c->type == PARQUET_BYTES || (c->type == PARQUET_FIXED && c->means == MEANS_UUID);
}

static bool fixed_slices(const uint8_t *p, const uint8_t *end, size_t count, size_t width, an__slice *out)
{
    if (!width || count > (size_t)(end - p) / width) return false;
    for (size_t i = 0; i < count; i++) out[i] = (an__slice){ p + i * width, width };
    return true;
}

static bool slices_to_cells(const column_reader *r, const an__slice *s, size_t count, uint64_t *cells, an_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!convert_one(r->about, s[i].bytes, s[i].n, &cells[i])) return out_of_range(r, i, err);
    }
    return true;
}

static bool sound_slices(const column_reader *r, const an__slice *s, size_t count, an_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!sound_text(r, &s[i], r->row, err)) return false;
    }
    return true;
}

static void drop_dictionary(column_reader *r)
{
    free(r->dictionary);
    free(r->dictionary_text);
    free(r->dictionary_bytes);
    r->dictionary = NULL;
    r->dictionary_text = NULL;
    r->dictionary_bytes = NULL;
    r->dictionary_count = 0;
}

static bool read_dictionary(column_reader *r, const uint8_t *bytes, size_t size, const an__parquet_page *page, an_error *err)
{
    const an__parquet_column *c = r->about;
    bool plain = page->encoding == PARQUET_PLAIN || page->encoding == PARQUET_PLAIN_DICTIONARY;
    if (!plain || page->values < 0 || (uint64_t)page->values > size || r->sink == SINK_BOOLEAN) return damaged(err, "dictionary");
    size_t n = (size_t)page->values, width = value_bytes(c);
    drop_dictionary(r);
    r->dictionary_bytes = an_alloc_data(size + 1, 1, "a dictionary", err);
    if (!r->dictionary_bytes) return false;
    if (size) memcpy(r->dictionary_bytes, bytes, size);
    const uint8_t *p = r->dictionary_bytes, *end = p + size;
    if (by_slices(c)) {
        r->dictionary_text = an_alloc_data(n + 1, sizeof *r->dictionary_text, "a dictionary", err);
        if (!r->dictionary_text) return false;
        bool ok = c->type == PARQUET_BYTES ? an__plain_bytes_decode(p, end, n, r->dictionary_text)
                                           : fixed_slices(p, end, n, c->width, r->dictionary_text);
        if (!ok) return damaged(err, "dictionary");
        if (r->sink == SINK_STRING && !sound_slices(r, r->dictionary_text, n, err)) return false;
    } else if (!width || n > size / width) {
        return damaged(err, "dictionary");
    }
    if (r->sink != SINK_STRING) {
        r->dictionary = an_alloc_data(n + 1, 8, "a dictionary", err);
        if (!r->dictionary) return false;
        if (!(by_slices(c) ? slices_to_cells(r, r->dictionary_text, n, r->dictionary, err) : convert(r, p, n, r->dictionary, err)))
            return false;
    }
    r->dictionary_count = n;
    return true;
}

/* Codes of a dictionary page, all of them good. */
static bool read_codes(column_reader *r, const uint8_t *p, const uint8_t *end, size_t count, an_error *err)
{
    if (!room((void **)&r->codes, &r->codes_room, count, sizeof *r->codes, err)) return false;
    if (!count) return true;
    if (p == end || !an__hybrid_decode(p + 1, end, p[0], count, r->codes)) return damaged(err, "dictionary codes");
    for (size_t i = 0; i < count; i++) {
        if (r->codes[i] >= r->dictionary_count) return damaged(err, "dictionary codes");
    }
    return true;
}

static bool read_booleans(column_reader *r, const uint8_t *p, const uint8_t *end, int encoding, size_t count, const uint32_t *levels,
                          size_t values, an_error *err)
{
    uint32_t size;
    if (!room((void **)&r->codes, &r->codes_room, count, sizeof *r->codes, err)) return false;
    if (encoding == PARQUET_RLE) {
        if (end - p < 4) return damaged(err, "booleans");
        memcpy(&size, p, 4);
        if (size > end - p - 4 || !an__hybrid_decode(p + 4, p + 4 + size, 1, count, r->codes)) return damaged(err, "booleans");
    } else if (encoding == PARQUET_PLAIN) {
        if ((count + 7) / 8 > (size_t)(end - p)) return damaged(err, "booleans");
        for (size_t i = 0; i < count; i++) r->codes[i] = p[i / 8] >> (i % 8) & 1;
    } else {
        return damaged(err, "encoding of booleans");
    }
    for (size_t i = 0, k = 0; i < values; i++) {
        if (!levels || levels[i]) {
            r->out.boolean[r->row + i] = (uint8_t)r->codes[k++];
        } else {
            an_set_missing(r->table, &r->out, r->row + i);
        }
    }
    return true;
}

/* Texts, or decimals of a size of their own; *arena: memory to release after use. */
static bool read_slices(column_reader *r, const uint8_t *p, const uint8_t *end, int encoding, size_t count, uint8_t **arena, an_error *err)
{
    const an__parquet_column *c = r->about;
    if (count > (size_t)(end - p) * 64 + 64 && encoding == PARQUET_PLAIN) return damaged(err, "texts");
    if (!room((void **)&r->slices, &r->slices_room, count, sizeof *r->slices, err)) return false;
    bool ok = false;
    switch (encoding) {
    case PARQUET_PLAIN:
        ok = c->type == PARQUET_BYTES ? an__plain_bytes_decode(p, end, count, r->slices) : fixed_slices(p, end, count, c->width, r->slices);
        break;
    case PARQUET_DICTIONARY:
    case PARQUET_PLAIN_DICTIONARY:
        if (!read_codes(r, p, end, count, err)) return false;
        for (size_t i = 0; i < count; i++) r->slices[i] = r->dictionary_text[r->codes[i]];
        return true; /* looked at already */
    case PARQUET_DELTA_LENGTH:
        if (!room((void **)&r->cells, &r->cells_room, count, 8, err)) return false;
        ok = c->type == PARQUET_BYTES && an__delta_length_decode(p, end, count, (int64_t *)r->cells, r->slices);
        break;
    case PARQUET_DELTA_BYTES:
        if (!room((void **)&r->cells, &r->cells_room, 2 * count, 8, err)) return false;
        if (!an__delta_bytes_decode(p, end, count, (int64_t *)r->cells, r->bomb, arena, r->slices, err)) return false;
        ok = true;
        for (size_t i = 0; c->type == PARQUET_FIXED && i < count; i++) ok = ok && r->slices[i].n == c->width;
        break;
    case PARQUET_SPLIT:
        *arena = c->type == PARQUET_FIXED ? an_alloc_data((size_t)(end - p) + 1, 1, "a page", err) : NULL;
        if (c->type == PARQUET_FIXED && !*arena) return false;
        ok = *arena && an__split_decode(p, end, count, c->width, *arena) &&
             fixed_slices(*arena, *arena + count * c->width, count, c->width, r->slices);
        break;
    default:
        break;
    }
    if (!ok) return damaged(err, "values");
    return r->sink != SINK_STRING || sound_slices(r, r->slices, count, err);
}

/* Values of one fixed size into cells. */
static bool read_cells(column_reader *r, const uint8_t *p, const uint8_t *end, int encoding, size_t count, uint64_t *cells, an_error *err)
{
    const an__parquet_column *c = r->about;
    size_t width = value_bytes(c);
    uint8_t *raw = NULL;
    switch (encoding) {
    case PARQUET_PLAIN:
        if (count > (size_t)(end - p) / width) return damaged(err, "values");
        return convert(r, p, count, cells, err);
    case PARQUET_DICTIONARY:
    case PARQUET_PLAIN_DICTIONARY:
        if (!read_codes(r, p, end, count, err)) return false;
        for (size_t i = 0; i < count; i++) cells[i] = r->dictionary[r->codes[i]];
        return true;
    case PARQUET_DELTA:
        if (c->type != PARQUET_INT32 && c->type != PARQUET_INT64) break;
        if (!an__delta_decode(&p, end, count, (int64_t *)cells)) return damaged(err, "deltas");
        for (size_t i = 0; i < count; i++) {
            int32_t narrow = (int32_t)(uint32_t)cells[i];
            uint8_t one[8];
            memcpy(one, c->type == PARQUET_INT32 ? (const void *)&narrow : &cells[i], width);
            if (!convert_one(c, one, width, &cells[i])) return out_of_range(r, i, err);
        }
        return true;
    case PARQUET_SPLIT: {
        raw = an_alloc_data((size_t)(end - p) + 1, 1, "a page", err);
        if (!raw) return false;
        bool ok = an__split_decode(p, end, count, width, raw) ? convert(r, raw, count, cells, err) : damaged(err, "values");
        free(raw);
        return ok;
    }
    default:
        break;
    }
    an_fail(err, AN_INPUT, "encoding %d of Parquet is not read for this type", encoding);
    return an_hint(err, "write the file with plain or dictionary encoding");
}

static bool read_values(column_reader *r, const uint8_t *p, const uint8_t *end, int encoding, size_t count, const uint32_t *levels,
                        size_t values, an_error *err)
{
    if (!count) encoding = PARQUET_PLAIN; /* nothing is written where all are missing */
    if (r->sink == SINK_BOOLEAN) return read_booleans(r, p, end, encoding, count, levels, values, err);
    bool ok = true;
    uint8_t *arena = NULL;
    if (by_slices(r->about)) {
        ok = read_slices(r, p, end, encoding, count, &arena, err);
        if (ok && r->sink == SINK_STRING) {
            for (size_t i = 0, k = 0; ok && i < values; i++) {
                ok = !levels || levels[i] ? put_text(r, r->row + i, &r->slices[k++], err)
                                          : an__csv_column_missing(&r->string, r->row + i, err);
            }
            free(arena);
            return ok;
        }
    }
    uint64_t *cells = r->sink == SINK_STRING ? NULL : (uint64_t *)r->out.integer + r->row;
    if (levels) {
        ok = ok && room((void **)&r->cells, &r->cells_room, count, 8, err);
        cells = r->cells;
    }
    ok =
        ok && (by_slices(r->about) ? slices_to_cells(r, r->slices, count, cells, err) : read_cells(r, p, end, encoding, count, cells, err));
    if (ok) scatter(r, cells, levels, values);
    free(arena);
    return ok;
}

static bool refuse_bomb(const column_reader *r, int64_t size, an_error *err)
{
    an_fail(err, AN_INPUT, "a page says that it unpacks to %.3g GB, in a file of %zu bytes", (double)size / 1073741824.0, r->file_bytes);
    return an_hint(err, "the file is damaged, or made to exhaust memory");
}

static bool read_page(column_reader *r, int codec, const an__parquet_page *page, const uint8_t *data, an_error *err)
{
    size_t packed = (size_t)page->packed, size = (size_t)page->unpacked, levels_size = 0;
    bool v2 = page->kind == PARQUET_DATA_PAGE_V2;
    if (page->has_crc && crc32(0, data, (uInt)packed) != page->crc) return damaged(err, "checksum");
    if (size > r->bomb && size / AN__PARQUET_RATIO > r->file_bytes) return refuse_bomb(r, page->unpacked, err);
    const uint8_t *levels_at = data, *p = data;
    if (v2) { /* levels are never packed */
        if (page->definition_bytes < 0 || page->repetition_bytes < 0 || page->definition_bytes > page->packed ||
            page->repetition_bytes > page->packed - page->definition_bytes)
            return damaged(err, "levels");
        levels_at += page->repetition_bytes;
        levels_size = (size_t)(page->repetition_bytes + page->definition_bytes);
        if (levels_size > size) return damaged(err, "levels");
        p += levels_size;
        packed -= levels_size;
        size -= levels_size;
        if (!page->compressed) codec = PARQUET_UNCOMPRESSED;
    }
    if (codec == PARQUET_UNCOMPRESSED) {
        if (packed != size) return damaged(err, "size");
    } else if (size) {
        if (!room((void **)&r->page_bytes, &r->page_room, size, 1, err)) return false;
        if (!an__parquet_unpack(codec, p, packed, r->page_bytes, size, err)) return false;
        p = r->page_bytes;
    }
    const uint8_t *end = p + size;
    if (page->kind == PARQUET_DICTIONARY_PAGE) return read_dictionary(r, p, size, page, err);

    size_t values = (size_t)page->values, count = values;
    const uint32_t *levels = NULL;
    if (!values) return true;
    if (r->about->repetition == PARQUET_OPTIONAL && !(v2 && !page->definition_bytes)) {
        const uint8_t *levels_end = levels_at + page->definition_bytes;
        if (!v2) {
            uint32_t bytes;
            if (page->level_encoding != PARQUET_RLE || size < 4) return damaged(err, "levels");
            memcpy(&bytes, p, 4);
            if (bytes > size - 4) return damaged(err, "levels");
            levels_at = p + 4;
            p = levels_end = levels_at + bytes;
        }
        if (!room((void **)&r->levels, &r->levels_room, values, sizeof *r->levels, err)) return false;
        if (!an__hybrid_decode(levels_at, levels_end, 1, values, r->levels)) return damaged(err, "levels");
        count = 0;
        for (size_t i = 0; i < values; i++) count += r->levels[i];
        if (count < values) levels = r->levels;
    }
    if (!read_values(r, p, end, page->encoding, count, levels, values, err)) return false;
    r->row += values;
    return true;
}

static bool read_chunk(column_reader *r, const uint8_t *bytes, size_t n, const an__parquet_group *g, const an__parquet_chunk *chunk,
                       an_job *job, an_error *err)
{
    if (chunk->encrypted) return an_fail(err, AN_INPUT, "the column is encrypted");
    if (chunk->elsewhere) return an_fail(err, AN_INPUT, "the column is kept in another file");
    if (chunk->type != r->about->type || chunk->values != g->rows) return damaged(err, "chunk");
    int64_t at = chunk->dictionary_at >= 4 && chunk->dictionary_at < chunk->data_at ? chunk->dictionary_at : chunk->data_at;
    if (at < 4 || (uint64_t)at > n) return damaged(err, "place of a chunk");
    const uint8_t *p = bytes + at, *end = bytes + n;
    drop_dictionary(r);
    for (int64_t left = chunk->values; left > 0;) {
        an__parquet_page page;
        if (!an__parquet_read_page(&p, end, &page)) return damaged(err, "header");
        const uint8_t *data = p;
        p += page.packed;
        if (page.kind == PARQUET_INDEX_PAGE) continue;
        bool values = page.kind == PARQUET_DATA_PAGE || page.kind == PARQUET_DATA_PAGE_V2;
        if (!values && page.kind != PARQUET_DICTIONARY_PAGE) return damaged(err, "kind");
        if (values && (page.values < 0 || page.values > left)) return damaged(err, "number of values");
        if (!read_page(r, chunk->codec, &page, data, err)) return false;
        if (values) left -= page.values;
        if (!an_job_check(job, err)) return false;
    }
    return true;
}

/* ---- columns
 * -------------------------------------------------------------------------------------------------------------------------------------- */

static const json_t *left_by_andon(const an__parquet_meta *m, const char *name)
{
    const json_t *o;
    size_t i;
    json_array_foreach(json_object_get(m->andon, "columns"), i, o) {
        if (!strcmp(an_json_string(o, "name", ""), name)) return o;
    }
    return NULL;
}

static bool begin_column(column_reader *r, const an__parquet_meta *m, an_error *err)
{
    static const an_type types[] = { AN_INTEGER, AN_REAL, AN_BOOLEAN, AN_DATETIME };
    r->sink = sink_of(r->about);
    if (r->sink == SINK_NONE) {
        an_fail(err, AN_INPUT, "its values are of a type that has no place in a table (bytes, intervals or others)");
        return an_hint(err, "leave the column out where the file is written");
    }
    if (r->sink == SINK_STRING) {
        const json_t *known = left_by_andon(m, r->about->name);
        an_type type = AN_REAL;
        if (known) an_type_parse(an_json_string(known, "type", ""), &type);
        r->string = (an__csv_column){ .name = r->about->name, .forced = type == AN_CATEGORY || type == AN_TEXT ? (int)type : -1 };
        return an__csv_column_start(&r->string, KIND_STRING, r->table->rows, err);
    }
    r->out.type = types[r->sink];
    if (!an__column_cells(&r->out, r->table->rows, err)) return false;
    if (r->about->means >= MEANS_TIME_MILLIS && r->about->means <= MEANS_TIME_NANOS) r->out.unit = an_strdup("s");
    return true;
}

/* Of 64 bits unsigned, above 2^63: fine as seed or row of an origin, where `any`. */
static bool end_column(column_reader *r, bool any, an_error *err)
{
    size_t rows = r->table->rows;
    if (r->sink == SINK_STRING) {
        if (!an__csv_column_finish(&r->string, rows, &r->out, err)) return false;
        if (r->out.missing == rows && r->string.forced < 0) { /* as in the CSV reader a column without any value is real */
            uint64_t *valid = r->out.valid;
            r->out.valid = NULL;
            an__column_free(&r->out);
            r->out = (an_column){ .type = AN_REAL, .valid = valid, .missing = rows };
            if (!an__column_cells(&r->out, rows, err)) return false;
        }
    } else if (r->about->type == PARQUET_INT64 && r->about->means == MEANS_UNSIGNED && !any) {
        for (size_t i = 0; i < rows; i++) {
            if (r->out.integer[i] >= 0) continue;
            an_fail(err, AN_INPUT, "row %zu: %llu is above the largest whole number here, 2^63 - 1", i + 1,
                    (unsigned long long)r->out.integer[i]);
            return an_hint(err, "write the column as text or as floating point");
        }
    }
    r->out.name = an_strdup(r->about->name);
    an__table_push(r->table, &r->out);
    r->out = (an_column){ 0 };
    return true;
}

static void free_reader(column_reader *r)
{
    an__column_free(&r->out);
    an__csv_column_clear(&r->string);
    drop_dictionary(r);
    free(r->page_bytes);
    free(r->codes);
    free(r->levels);
    free(r->cells);
    free(r->slices);
}

static bool read_column(an_table *t, const uint8_t *bytes, size_t n, const an__parquet_meta *m, size_t j, uint64_t bomb, an_job *job,
                        an_error *err)
{
    static const an_list none;
    static const an__csv_format format = { .decimal = '.', .missing = &none };
    const char *name = m->column[j + 1].name;
    column_reader r = { .about = &m->column[j + 1], .table = t, .format = &format, .bomb = bomb, .file_bytes = n };
    bool ok = begin_column(&r, m, err);
    for (size_t g = 0; ok && g < m->groups; g++) ok = read_chunk(&r, bytes, n, &m->group[g], &m->group[g].chunk[j], job, err);
    ok = ok && end_column(&r, !strcmp(name, "_seed") || !strcmp(name, "_row"), err);
    free_reader(&r);
    return ok || an_context(err, "column %s", name);
}

/* Flat, named, of a believable size. */
static bool check_shape(const an__parquet_meta *m, size_t n, uint64_t bomb, an_error *err)
{
    size_t columns = m->columns - 1;
    if (!columns || (size_t)m->column[0].children > columns) return an_fail(err, AN_INPUT, "the Parquet file has no columns");
    for (size_t j = 1; j <= columns; j++) {
        const an__parquet_column *c = &m->column[j];
        if (!c->children && c->repetition != PARQUET_REPEATED) continue;
        an_fail(err, AN_INPUT, "the column %s is nested (a list, map or structure)", c->name);
        return an_hint(err, "leave it out or flatten it where the file is written: a table here has one value a cell");
    }
    for (size_t j = 1; j <= columns; j++) {
        if (!*m->column[j].name) return an_fail(err, AN_INPUT, "column %zu has an empty name", j);
        for (size_t k = 1; k < j; k++) {
            if (!strcmp(m->column[k].name, m->column[j].name))
                return an_fail(err, AN_INPUT, "the name %s stands twice, for columns %zu and %zu", m->column[j].name, k, j);
        }
    }
    uint64_t rows = 0;
    for (size_t g = 0; g < m->groups; g++) {
        if (m->group[g].rows < 0 || m->group[g].chunks != columns) return damaged(err, "row groups");
        rows += (uint64_t)m->group[g].rows;
        if (rows > INT64_MAX / 64) return damaged(err, "number of rows");
    }
    if (m->rows < 0 || rows != (uint64_t)m->rows || (size_t)m->column[0].children != columns) return damaged(err, "number of rows");
    if (!rows) return an_fail(err, AN_INPUT, "the Parquet file has columns but no row");
    uint64_t bytes;
    if (__builtin_mul_overflow(rows, 8 * (uint64_t)columns, &bytes) || (bytes > bomb && bytes / AN__PARQUET_RATIO > n)) {
        an_fail(err, AN_INPUT, "the file of %zu bytes says that it holds %zu rows of %zu columns", n, (size_t)rows, columns);
        return an_hint(err, "it is damaged, or made to exhaust memory");
    }
    return true;
}

/* ---- roles and origins
 * ------------------------------------------------------------------------------------------------------------------------ */

static void restore_roles(an_table *t, const an__parquet_meta *m)
{
    t->positive = an_strdup(an_json_string(m->andon, "positive", NULL));
    for (size_t j = 0; j < t->columns; j++) {
        an_column *c = &t->column[j];
        const json_t *o = left_by_andon(m, c->name);
        const char *unit = an_json_string(o, "unit", NULL), *reason = an_json_string(o, "reason", NULL);
        if (!o || !an_role_parse(an_json_string(o, "role", ""), &c->role)) continue;
        if (unit) {
            free(c->unit);
            c->unit = an_strdup(unit);
        }
        c->reason = an_strdup(reason);
        c->kept = json_is_true(json_object_get(o, "kept"));
        json_t *spec = json_object_get(o, "spec");
        if (spec && an__spec_sound(spec)) c->spec = json_incref(spec);
    }
    json_t *constraints = json_object_get(m->andon, "constraints");
    if (constraints && an__constraints_sound(constraints)) t->constraints = json_incref(constraints);
}

static uint32_t find_origin(an_table *t, const char *generator, size_t n, uint64_t seed)
{
    for (size_t k = t->origin_count; k--;) {
        if (t->origins[k].seed == seed && strlen(t->origins[k].generator) == n && !memcmp(t->origins[k].generator, generator, n))
            return (uint32_t)k + 1;
    }
    if (t->origin_count >= 1000000) return 0;
    if (!(t->origin_count & (t->origin_count - 1)))
        t->origins = an_resize_n(t->origins, t->origin_count ? 2 * t->origin_count : 1, sizeof *t->origins);
    t->origins[t->origin_count++] = (an_origin){ an_strndup(generator, n), seed };
    return (uint32_t)t->origin_count;
}

/* Columns _generator, _seed and _row, where all three are there, become the origin of rows. */
static bool restore_origin(an_table *t, an_error *err)
{
    static const char *const names[3] = { "_generator", "_seed", "_row" };
    an_column *c[3];
    for (int k = 0; k < 3; k++) {
        c[k] = an_table_find(t, names[k]);
        bool text = c[k] && (c[k]->type == AN_CATEGORY || c[k]->type == AN_TEXT);
        if (!c[k] || (k ? c[k]->type != AN_INTEGER : !text && c[k]->missing < t->rows)) return true;
    }
    an_buf generator = { 0 };
    bool ok = true;
    if (c[0]->missing < t->rows) {
        t->origin = an_alloc_data(t->rows, sizeof *t->origin, "the origin of rows", err);
        t->origin_row = an_alloc_data(t->rows, sizeof *t->origin_row, "the origin of rows", err);
        ok = t->origin && t->origin_row;
    }
    for (size_t i = 0; ok && t->origin && i < t->rows; i++) {
        if (!an_valid(c[0], i)) continue;
        an_buf_clear(&generator);
        an_cell_text(c[0], i, &generator);
        bool full = an_valid(c[1], i) && an_valid(c[2], i);
        t->origin[i] = full ? find_origin(t, generator.data, generator.size, (uint64_t)c[1]->integer[i]) : 0;
        t->origin_row[i] = (uint64_t)c[2]->integer[i];
        if (!t->origin[i]) ok = an_fail(err, AN_INPUT, "row %zu: _generator, _seed and _row do not say where the row came from", i + 1);
    }
    an_buf_free(&generator);
    size_t kept = 0;
    for (size_t j = 0; ok && j < t->columns; j++) {
        bool origin = &t->column[j] == c[0] || &t->column[j] == c[1] || &t->column[j] == c[2];
        if (origin) {
            an__column_free(&t->column[j]);
        } else if (j != kept++) {
            t->column[kept - 1] = t->column[j];
        }
    }
    if (ok) t->columns = kept;
    return ok;
}

an_table *an__parquet_decode(const uint8_t *bytes, size_t n, const char *what, uint64_t bomb, an_job *job, an_error *err)
{
    an__parquet_meta m;
    if (!an__parquet_read_meta(bytes, n, what, &m, err)) return NULL;
    an_table *t = NULL;
    bool ok = check_shape(&m, n, bomb, err);
    if (ok) {
        an_job_stage(job, "reading");
        t = an_table_new((size_t)m.rows);
    }
    for (size_t j = 0; ok && j + 1 < m.columns; j++) {
        ok = read_column(t, bytes, n, &m, j, bomb, job, err);
        an_job_progress(job, (double)(j + 1), (double)(m.columns - 1), "columns");
    }
    if (ok) restore_roles(t, &m);
    ok = ok && restore_origin(t, err);
    an__parquet_free_meta(&m);
    if (ok) return t;
    an_context(err, "%s", what);
    an_table_free(t);
    return NULL;
}
