/* parquet_encoding.c - the encodings of values in pages (Encodings.md of the Parquet format). Decoders check every length; what the values
 * mean is left to parquet_read.c. */
#include "parquet.h"

#include <stdlib.h>
#include <string.h>

/* ---- runs and bit-packed groups ---- */

bool an__hybrid_decode(const uint8_t *p, const uint8_t *end, int width, size_t count, uint32_t *out)
{
    if (width < 0 || width > 32) return false;
    if (!width) {
        memset(out, 0, count * sizeof *out);
        return true;
    }
    const uint64_t mask = (UINT64_C(1) << width) - 1;
    for (size_t at = 0; at < count;) {
        bool bad = false;
        uint64_t head = an__varint(&p, end, &bad);
        if (bad || head > UINT32_MAX) return false;
        if (head & 1) {
            size_t groups = head >> 1, bytes = groups * (size_t)width, n = groups * 8 < count - at ? groups * 8 : count - at;
            if (bytes > (size_t)(end - p)) { /* the last group may be cut after its last value */
                bytes = (size_t)(end - p);
                if (!groups || (n * (size_t)width + 7) / 8 > bytes) return false;
            }
            if (!groups) return false;
            uint64_t bits = 0;
            int have = 0;
            const uint8_t *q = p;
            for (size_t i = 0; i < n; i++) {
                while (have < width) {
                    bits |= (uint64_t)*q++ << have;
                    have += 8;
                }
                out[at + i] = (uint32_t)(bits & mask);
                bits >>= width;
                have -= width;
            }
            p += bytes;
            at += n;
        } else {
            size_t n = head >> 1, bytes = ((size_t)width + 7) / 8;
            if (!n || bytes > (size_t)(end - p)) return false;
            uint32_t value = 0;
            for (size_t i = 0; i < bytes; i++) value |= (uint32_t)p[i] << (8 * i);
            p += bytes;
            if (value > mask) return false;
            if (n > count - at) n = count - at;
            for (size_t i = 0; i < n; i++) out[at + i] = value;
            at += n;
        }
    }
    return true;
}

static void put_groups(const uint32_t *values, size_t n, int width, an_buf *out)
{
    if (!n) return;
    size_t groups = (n + 7) / 8;
    uint64_t bits = 0;
    int have = 0;
    an__put_varint(out, groups << 1 | 1);
    for (size_t i = 0; i < groups * 8; i++) {
        bits |= (uint64_t)(i < n ? values[i] : 0) << have;
        for (have += width; have >= 8; have -= 8, bits >>= 8) an_buf_putc(out, (char)bits);
    }
}

void an__hybrid_encode(const uint32_t *values, size_t count, int width, an_buf *out)
{
    size_t start = 0; /* of values that go into groups */
    for (size_t at = 0; at < count && width;) {
        size_t run = 1;
        while (at + run < count && values[at + run] == values[at]) run++;
        size_t fill = (8 - (at - start) % 8) % 8; /* groups are whole, so they may have to take the first of the run */
        if (run < fill + 8) {
            at += run;
            continue;
        }
        put_groups(values + start, at + fill - start, width, out);
        uint32_t value = values[at];
        an__put_varint(out, (uint64_t)(run - fill) << 1);
        for (int i = 0; i < (width + 7) / 8; i++) an_buf_putc(out, (char)(value >> (8 * i)));
        at += run;
        start = at;
    }
    if (width) put_groups(values + start, count - start, width, out);
}

/* ---- deltas ---- */

/* Value i of a run of values of `width` bits; the run's bytes have been checked. */
static uint64_t bits_at(const uint8_t *p, size_t i, int width)
{
    size_t bit = i * (size_t)width;
    uint64_t value = 0;
    int have = 0;
    p += bit / 8;
    for (int skip = (int)(bit % 8); have < width; p++) {
        value |= (uint64_t)(*p >> skip) << have;
        have += 8 - skip;
        skip = 0;
    }
    return width == 64 ? value : value & ((UINT64_C(1) << width) - 1);
}

bool an__delta_decode(const uint8_t **pp, const uint8_t *end, size_t count, int64_t *out)
{
    const uint8_t *p = *pp;
    bool bad = false;
    uint64_t block = an__varint(&p, end, &bad), minis = an__varint(&p, end, &bad), total = an__varint(&p, end, &bad);
    uint64_t value = (uint64_t)an__zigzag(an__varint(&p, end, &bad));
    if (bad || total != count || !minis || !block || block > 1 << 24 || minis > block || block % minis || block / minis % 8) return false;
    size_t of_mini = (size_t)(block / minis), at = 0;
    if (count) out[at++] = (int64_t)value;
    while (at < count) {
        uint64_t least = (uint64_t)an__zigzag(an__varint(&p, end, &bad));
        if (bad || minis > (uint64_t)(end - p)) return false;
        const uint8_t *widths = p;
        p += minis;
        for (uint64_t m = 0; m < minis && at < count; m++) {
            int width = widths[m];
            if (width > 64) return false;
            size_t bytes = of_mini / 8 * (size_t)width, n = of_mini < count - at ? of_mini : count - at;
            if (bytes > (size_t)(end - p)) {
                bytes = (size_t)(end - p);
                if ((n * (size_t)width + 7) / 8 > bytes) return false;
            }
            for (size_t i = 0; i < n; i++) { /* sums wrap as the format says */
                value += least + bits_at(p, i, width);
                out[at++] = (int64_t)value;
            }
            p += bytes;
        }
    }
    *pp = p;
    return true;
}

bool an__delta_length_decode(const uint8_t *p, const uint8_t *end, size_t count, int64_t *scratch, an__slice *out)
{
    if (!an__delta_decode(&p, end, count, scratch)) return false;
    for (size_t i = 0; i < count; i++) {
        if (scratch[i] < 0 || scratch[i] > end - p) return false;
        out[i] = (an__slice){ p, (size_t)scratch[i] };
        p += scratch[i];
    }
    return true;
}

bool an__delta_bytes_decode(const uint8_t *p, const uint8_t *end, size_t count, int64_t *scratch, uint64_t limit, uint8_t **arena,
                            an__slice *out, an_error *err)
{
    int64_t *prefix = scratch, *length = scratch + count;
    uint64_t total = 0, last = 0;
    if (!an__delta_decode(&p, end, count, prefix) || !an__delta_length_decode(p, end, count, length, out))
        return an_fail(err, AN_INPUT, "a page is damaged (delta byte arrays)");
    for (size_t i = 0; i < count; i++) {
        if (prefix[i] < 0 || (uint64_t)prefix[i] > last) return an_fail(err, AN_INPUT, "a page is damaged (delta byte arrays)");
        last = (uint64_t)prefix[i] + out[i].n;
        total += last;
        if (total > limit) return an_fail(err, AN_INPUT, "a page unfolds to more than %.3g GB", (double)limit / 1073741824.0);
    }
    uint8_t *to = *arena = an_alloc_data(total + 1, 1, "texts of a page", err);
    if (!to) return false;
    const uint8_t *before = to;
    for (size_t i = 0; i < count; i++) {
        uint8_t *start = to;
        memcpy(to, before, (size_t)prefix[i]);
        to += prefix[i];
        if (out[i].n) memcpy(to, out[i].bytes, out[i].n);
        to += out[i].n;
        out[i] = (an__slice){ start, (size_t)(to - start) };
        before = start;
    }
    return true;
}

/* ---- plain and split ---- */

bool an__plain_bytes_decode(const uint8_t *p, const uint8_t *end, size_t count, an__slice *out)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t n;
        if (end - p < 4) return false;
        memcpy(&n, p, 4);
        p += 4;
        if (n > (size_t)(end - p)) return false;
        out[i] = (an__slice){ p, n };
        p += n;
    }
    return true;
}

/* Byte k of all values stands together. */
bool an__split_decode(const uint8_t *p, const uint8_t *end, size_t count, size_t width, uint8_t *out)
{
    if (!width || count > (size_t)(end - p) / width) return false;
    for (size_t k = 0; k < width; k++) {
        for (size_t i = 0; i < count; i++) out[i * width + k] = p[k * count + i];
    }
    return true;
}
