/* parquet_codec.c - unpacking of pages: snappy (own, from the format description), gzip by zlib, zstd by libzstd. */
#include "parquet.h"

#include <string.h>
#include <zlib.h>
#include <zstd.h>

const char *an__parquet_codec_name(int codec)
{
    static const char *const names[] = { "none", "snappy", "gzip", "lzo", "brotli", "lz4", "zstd", "lz4_raw" };
    return codec >= 0 && codec < (int)AN_COUNT(names) ? names[codec] : "unknown";
}

/* Format description of snappy, sections 1 and 2: the length, then literals and copies of what came before. */
bool an__snappy_unpack(const uint8_t *p, size_t n, uint8_t *out, size_t size)
{
    const uint8_t *end = p + n;
    bool bad = false;
    uint8_t *to = out, *limit = out + size;
    if (an__varint(&p, end, &bad) != size || bad) return false;
    while (p < end) {
        uint8_t tag = *p++;
        size_t length, back = 0, more;
        switch (tag & 3) {
        case 0: /* literal: length - 1 in the tag, or in one to four bytes behind it */
            length = tag >> 2;
            more = length >= 60 ? length - 59 : 0;
            if ((size_t)(end - p) < more) return false;
            if (more) length = 0;
            for (size_t i = 0; i < more; i++) length |= (size_t)p[i] << (8 * i);
            p += more;
            length++;
            if ((size_t)(end - p) < length || (size_t)(limit - to) < length) return false;
            memcpy(to, p, length);
            to += length;
            p += length;
            continue;
        case 1:
            if (end - p < 1) return false;
            length = 4 + (tag >> 2 & 7);
            back = (size_t)(tag >> 5) << 8 | p[0];
            p += 1;
            break;
        case 2:
            if (end - p < 2) return false;
            length = (size_t)(tag >> 2) + 1;
            back = p[0] | (size_t)p[1] << 8;
            p += 2;
            break;
        default:
            if (end - p < 4) return false;
            length = (size_t)(tag >> 2) + 1;
            back = p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
            p += 4;
        }
        if (!back || back > (size_t)(to - out) || length > (size_t)(limit - to)) return false;
        if (back >= length) {
            memcpy(to, to - back, length);
        } else { /* it overlaps itself: a pattern repeated */
            const uint8_t *from = to - back;
            for (size_t i = 0; i < length; i++) to[i] = from[i];
        }
        to += length;
    }
    return to == limit;
}

/* One or several gzip members, or zlib's own wrapping, which some writers use. */
static bool gzip_unpack(const uint8_t *bytes, size_t n, uint8_t *out, size_t size)
{
    z_stream z = { .next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)n, .next_out = out, .avail_out = (uInt)size };
    if (inflateInit2(&z, 15 + 32) != Z_OK) return false;
    int code = inflate(&z, Z_FINISH);
    while (code == Z_STREAM_END && z.avail_in && z.avail_out && inflateReset(&z) == Z_OK) code = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    return code == Z_STREAM_END && !z.avail_out;
}

bool an__parquet_unpack(int codec, const uint8_t *bytes, size_t n, uint8_t *out, size_t size, an_error *err)
{
    bool ok = false;
    switch (codec) {
    case PARQUET_UNCOMPRESSED:
        ok = n == size;
        if (ok && n) memcpy(out, bytes, n);
        break;
    case PARQUET_SNAPPY:
        ok = an__snappy_unpack(bytes, n, out, size);
        break;
    case PARQUET_GZIP:
        ok = gzip_unpack(bytes, n, out, size);
        break;
    case PARQUET_ZSTD:
        ok = ZSTD_decompress(out, size, bytes, n) == size;
        break;
    default:
        an_fail(err, AN_INPUT, "packed with %s, which is not read here", an__parquet_codec_name(codec));
        return an_hint(err, "write the file with zstd, snappy, gzip or no compression");
    }
    return ok || an_fail(err, AN_INPUT, "the %s data of a page is damaged", an__parquet_codec_name(codec));
}
