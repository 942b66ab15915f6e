/* parquet_page.c - the pages of one column of a Parquet file into cells: checksums, unpacking, levels, dictionaries, encodings. */
#include "parquet_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static bool room(void **p, size_t *have, size_t need, size_t size, an_error *err)
{
    if (need <= *have && *p) return true;
    free(*p);
    *have = 0;
    *p = an_alloc_data(need + need / 4 + 1, size, "a page of a Parquet file", err);
    if (*p) *have = need + need / 4 + 1;
    return *p != NULL;
}

/* ---- cells into the column ---- */

/* cells: those that are there; levels NULL: all of the page's values. */
static void scatter(an__parquet_reader *r, const uint64_t *cells, const uint32_t *levels, size_t values)
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

static bool put_text(an__parquet_reader *r, size_t row, const an__slice *s, an_error *err)
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

static bool sound_text(const an__parquet_reader *r, const an__slice *s, size_t row, an_error *err)
{
    if (r->about->type == PARQUET_FIXED || !s->n) return true;
    if (an__utf8_valid((const char *)s->bytes, s->n) && !memchr(s->bytes, 0, s->n)) return true;
    an_fail(err, AN_INPUT, "row %zu: the value is no UTF-8 text", row + 1);
    return an_hint(err, "a column of bytes is no table column; leave it out where the file is written");
}

/* ---- pages ---- */

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

static bool slices_to_cells(const an__parquet_reader *r, const an__slice *s, size_t count, uint64_t *cells, an_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!an__parquet_convert_one(r->about, s[i].bytes, s[i].n, &cells[i])) return an__parquet_out_of_range(r, i, err);
    }
    return true;
}

static bool sound_slices(const an__parquet_reader *r, const an__slice *s, size_t count, an_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!sound_text(r, &s[i], r->row, err)) return false;
    }
    return true;
}

void an__parquet_drop_dictionary(an__parquet_reader *r)
{
    free(r->dictionary);
    free(r->dictionary_text);
    free(r->dictionary_bytes);
    r->dictionary = NULL;
    r->dictionary_text = NULL;
    r->dictionary_bytes = NULL;
    r->dictionary_count = 0;
}

static bool read_dictionary(an__parquet_reader *r, const uint8_t *bytes, size_t size, const an__parquet_page *page, an_error *err)
{
    const an__parquet_column *c = r->about;
    bool plain = page->encoding == PARQUET_PLAIN || page->encoding == PARQUET_PLAIN_DICTIONARY;
    if (!plain || page->values < 0 || (uint64_t)page->values > size || r->sink == SINK_BOOLEAN)
        return an__parquet_damaged(err, "dictionary");
    size_t n = (size_t)page->values, width = an__parquet_value_bytes(c);
    an__parquet_drop_dictionary(r);
    r->dictionary_bytes = an_alloc_data(size + 1, 1, "a dictionary", err);
    if (!r->dictionary_bytes) return false;
    if (size) memcpy(r->dictionary_bytes, bytes, size);
    const uint8_t *p = r->dictionary_bytes, *end = p + size;
    if (by_slices(c)) {
        r->dictionary_text = an_alloc_data(n + 1, sizeof *r->dictionary_text, "a dictionary", err);
        if (!r->dictionary_text) return false;
        bool ok = c->type == PARQUET_BYTES ? an__plain_bytes_decode(p, end, n, r->dictionary_text)
                                           : fixed_slices(p, end, n, c->width, r->dictionary_text);
        if (!ok) return an__parquet_damaged(err, "dictionary");
        if (r->sink == SINK_STRING && !sound_slices(r, r->dictionary_text, n, err)) return false;
    } else if (!width || n > size / width) {
        return an__parquet_damaged(err, "dictionary");
    }
    if (r->sink != SINK_STRING) {
        r->dictionary = an_alloc_data(n + 1, 8, "a dictionary", err);
        if (!r->dictionary) return false;
        if (!(by_slices(c) ? slices_to_cells(r, r->dictionary_text, n, r->dictionary, err)
                           : an__parquet_convert(r, p, n, r->dictionary, err)))
            return false;
    }
    r->dictionary_count = n;
    return true;
}

/* Codes of a dictionary page, all of them good. */
static bool read_codes(an__parquet_reader *r, const uint8_t *p, const uint8_t *end, size_t count, an_error *err)
{
    if (!room((void **)&r->codes, &r->codes_room, count, sizeof *r->codes, err)) return false;
    if (!count) return true;
    if (p == end || !an__hybrid_decode(p + 1, end, p[0], count, r->codes)) return an__parquet_damaged(err, "dictionary codes");
    for (size_t i = 0; i < count; i++) {
        if (r->codes[i] >= r->dictionary_count) return an__parquet_damaged(err, "dictionary codes");
    }
    return true;
}

static bool read_booleans(an__parquet_reader *r, const uint8_t *p, const uint8_t *end, int encoding, size_t count, const uint32_t *levels,
                          size_t values, an_error *err)
{
    uint32_t size;
    if (!room((void **)&r->codes, &r->codes_room, count, sizeof *r->codes, err)) return false;
    if (encoding == PARQUET_RLE) {
        if (end - p < 4) return an__parquet_damaged(err, "booleans");
        memcpy(&size, p, 4);
        if (size > end - p - 4 || !an__hybrid_decode(p + 4, p + 4 + size, 1, count, r->codes)) return an__parquet_damaged(err, "booleans");
    } else if (encoding == PARQUET_PLAIN) {
        if ((count + 7) / 8 > (size_t)(end - p)) return an__parquet_damaged(err, "booleans");
        for (size_t i = 0; i < count; i++) r->codes[i] = p[i / 8] >> (i % 8) & 1;
    } else {
        return an__parquet_damaged(err, "encoding of booleans");
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
static bool read_slices(an__parquet_reader *r, const uint8_t *p, const uint8_t *end, int encoding, size_t count, uint8_t **arena,
                        an_error *err)
{
    const an__parquet_column *c = r->about;
    if (count > (size_t)(end - p) * 64 + 64 && encoding == PARQUET_PLAIN) return an__parquet_damaged(err, "texts");
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
    if (!ok) return an__parquet_damaged(err, "values");
    return r->sink != SINK_STRING || sound_slices(r, r->slices, count, err);
}

/* Values of one fixed size into cells. */
static bool read_cells(an__parquet_reader *r, const uint8_t *p, const uint8_t *end, int encoding, size_t count, uint64_t *cells,
                       an_error *err)
{
    const an__parquet_column *c = r->about;
    size_t width = an__parquet_value_bytes(c);
    uint8_t *raw = NULL;
    switch (encoding) {
    case PARQUET_PLAIN:
        if (count > (size_t)(end - p) / width) return an__parquet_damaged(err, "values");
        return an__parquet_convert(r, p, count, cells, err);
    case PARQUET_DICTIONARY:
    case PARQUET_PLAIN_DICTIONARY:
        if (!read_codes(r, p, end, count, err)) return false;
        for (size_t i = 0; i < count; i++) cells[i] = r->dictionary[r->codes[i]];
        return true;
    case PARQUET_DELTA:
        if (c->type != PARQUET_INT32 && c->type != PARQUET_INT64) break;
        if (!an__delta_decode(&p, end, count, (int64_t *)cells)) return an__parquet_damaged(err, "deltas");
        for (size_t i = 0; i < count; i++) {
            int32_t narrow = (int32_t)(uint32_t)cells[i];
            uint8_t one[8];
            memcpy(one, c->type == PARQUET_INT32 ? (const void *)&narrow : &cells[i], width);
            if (!an__parquet_convert_one(c, one, width, &cells[i])) return an__parquet_out_of_range(r, i, err);
        }
        return true;
    case PARQUET_SPLIT: {
        raw = an_alloc_data((size_t)(end - p) + 1, 1, "a page", err);
        if (!raw) return false;
        bool ok = an__split_decode(p, end, count, width, raw) ? an__parquet_convert(r, raw, count, cells, err)
                                                              : an__parquet_damaged(err, "values");
        free(raw);
        return ok;
    }
    default:
        break;
    }
    an_fail(err, AN_INPUT, "encoding %d of Parquet is not read for this type", encoding);
    return an_hint(err, "write the file with plain or dictionary encoding");
}

static bool read_values(an__parquet_reader *r, const uint8_t *p, const uint8_t *end, int encoding, size_t count, const uint32_t *levels,
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

static bool refuse_bomb(const an__parquet_reader *r, int64_t size, an_error *err)
{
    an_fail(err, AN_INPUT, "a page says that it unpacks to %.3g GB, in a file of %zu bytes", (double)size / 1073741824.0, r->file_bytes);
    return an_hint(err, "the file is damaged, or made to exhaust memory");
}

static bool read_page(an__parquet_reader *r, int codec, const an__parquet_page *page, const uint8_t *data, an_error *err)
{
    size_t packed = (size_t)page->packed, size = (size_t)page->unpacked, levels_size = 0;
    bool v2 = page->kind == PARQUET_DATA_PAGE_V2;
    if (page->has_crc && crc32(0, data, (uInt)packed) != page->crc) return an__parquet_damaged(err, "checksum");
    if (size > r->bomb && size / AN__PARQUET_RATIO > r->file_bytes) return refuse_bomb(r, page->unpacked, err);
    const uint8_t *levels_at = data, *p = data;
    if (v2) { /* levels are never packed */
        if (page->definition_bytes < 0 || page->repetition_bytes < 0 || page->definition_bytes > page->packed ||
            page->repetition_bytes > page->packed - page->definition_bytes)
            return an__parquet_damaged(err, "levels");
        levels_at += page->repetition_bytes;
        levels_size = (size_t)(page->repetition_bytes + page->definition_bytes);
        if (levels_size > size) return an__parquet_damaged(err, "levels");
        p += levels_size;
        packed -= levels_size;
        size -= levels_size;
        if (!page->compressed) codec = PARQUET_UNCOMPRESSED;
    }
    if (codec == PARQUET_UNCOMPRESSED) {
        if (packed != size) return an__parquet_damaged(err, "size");
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
            if (page->level_encoding != PARQUET_RLE || size < 4) return an__parquet_damaged(err, "levels");
            memcpy(&bytes, p, 4);
            if (bytes > size - 4) return an__parquet_damaged(err, "levels");
            levels_at = p + 4;
            p = levels_end = levels_at + bytes;
        }
        if (!room((void **)&r->levels, &r->levels_room, values, sizeof *r->levels, err)) return false;
        if (!an__hybrid_decode(levels_at, levels_end, 1, values, r->levels)) return an__parquet_damaged(err, "levels");
        count = 0;
        for (size_t i = 0; i < values; i++) count += r->levels[i];
        if (count < values) levels = r->levels;
    }
    if (!read_values(r, p, end, page->encoding, count, levels, values, err)) return false;
    r->row += values;
    return true;
}

bool an__parquet_read_chunk(an__parquet_reader *r, const uint8_t *bytes, size_t n, const an__parquet_group *g,
                            const an__parquet_chunk *chunk, an_job *job, an_error *err)
{
    if (chunk->encrypted) return an_fail(err, AN_INPUT, "the column is encrypted");
    if (chunk->elsewhere) return an_fail(err, AN_INPUT, "the column is kept in another file");
    if (chunk->type != r->about->type || chunk->values != g->rows) return an__parquet_damaged(err, "chunk");
    int64_t at = chunk->dictionary_at >= 4 && chunk->dictionary_at < chunk->data_at ? chunk->dictionary_at : chunk->data_at;
    if (at < 4 || (uint64_t)at > n) return an__parquet_damaged(err, "place of a chunk");
    const uint8_t *p = bytes + at, *end = bytes + n;
    an__parquet_drop_dictionary(r);
    for (int64_t left = chunk->values; left > 0;) {
        an__parquet_page page;
        if (!an__parquet_read_page(&p, end, &page)) return an__parquet_damaged(err, "header");
        const uint8_t *data = p;
        p += page.packed;
        if (page.kind == PARQUET_INDEX_PAGE) continue;
        bool values = page.kind == PARQUET_DATA_PAGE || page.kind == PARQUET_DATA_PAGE_V2;
        if (!values && page.kind != PARQUET_DICTIONARY_PAGE) return an__parquet_damaged(err, "kind");
        if (values && (page.values < 0 || page.values > left)) return an__parquet_damaged(err, "number of values");
        if (!read_page(r, chunk->codec, &page, data, err)) return false;
        if (values) left -= page.values;
        if (!an_job_check(job, err)) return false;
    }
    return true;
}
