/* csv_unicode.c - encodings of text files: UTF-16 becomes UTF-8 before anything else looks at the file; Latin-1 and Windows-1252 are told
 * apart and converted field by field; a file in two encodings is refused. */
#include "csv_impl.h"

#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

/* Windows-1252, 0x80 to 0x9f (the Unicode consortium's CP1252.TXT); 0: not in use. */
static const uint16_t cp1252[32] = { 0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
                                     0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
                                     0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178 };

static size_t put_utf8(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

void an__csv_to_utf8(an__csv_encoding encoding, const char *text, size_t n, an_buf *out)
{
    char bytes[4];
    for (size_t i = 0; i < n; i++) {
        uint32_t code = (unsigned char)text[i]; /* ISO 8859-1 is the first 256 code points */
        if (encoding == ENCODING_CP1252 && code >= 0x80 && code < 0xa0 && cp1252[code - 0x80]) code = cp1252[code - 0x80];
        an_buf_add(out, bytes, put_utf8(code, bytes));
    }
}

/* ---- UTF-16 ---------------------------------------------------------------------------------------------------------------------- */

/* By a byte order mark, or because most characters are ASCII: every other byte of the beginning is zero, and none of the others. */
static const char *looks_utf16(const char *p, size_t n)
{
    if (n >= 2 && p[0] == '\xff' && p[1] == '\xfe') return "utf-16le";
    if (n >= 2 && p[0] == '\xfe' && p[1] == '\xff') return "utf-16be";
    size_t pairs = n / 2 < 2048 ? n / 2 : 2048, zero[2] = { 0 };
    for (size_t i = 0; i < pairs; i++) {
        zero[0] += !p[2 * i];
        zero[1] += !p[2 * i + 1];
    }
    if (pairs < 4) return NULL;
    if (!zero[0] && 10 * zero[1] >= 7 * pairs) return "utf-16le";
    if (!zero[1] && 10 * zero[0] >= 7 * pairs) return "utf-16be";
    return NULL;
}

static bool convert_utf16(const char *p, size_t n, bool big, FILE *out, const char *what, an_job *job, an_error *err)
{
    size_t line = 1;
    an_job_stage(job, "converting from UTF-16");
    if (n % 2) {
        an_fail(err, AN_INPUT, "%s: the file is in UTF-16 and ends in the middle of a character", what);
        return an_hint(err, "it was cut short; copy it again");
    }
    for (size_t i = 0; i < n; i += 2) {
        const unsigned char *b = (const unsigned char *)p + i;
        uint32_t code = big ? (uint32_t)b[0] << 8 | b[1] : (uint32_t)b[1] << 8 | b[0];
        if (code >= 0xd800 && code < 0xe000) { /* two units make one character beyond the first 65,536 */
            uint32_t low = i + 3 < n ? (big ? (uint32_t)b[2] << 8 | b[3] : (uint32_t)b[3] << 8 | b[2]) : 0;
            if (code >= 0xdc00 || low < 0xdc00 || low >= 0xe000) {
                an_fail(err, AN_INPUT, "%s: line %zu: half a character of UTF-16 (byte %zu)", what, line, i);
                return an_hint(err, "the file was damaged on the way, or is in another encoding: --encoding");
            }
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            i += 2;
        }
        line += code == '\n';
        char bytes[4];
        size_t k = put_utf8(code, bytes);
        fwrite_unlocked(bytes, 1, k, out);
        if (i % AN__CSV_STEP < 2) {
            an_job_progress(job, (double)i, (double)n, "bytes");
            if (!an_job_check(job, err)) return false;
        }
    }
    if (fflush(out) || ferror(out)) {
        an_fail_errno(err, "%s: writing the converted file", what);
        return an_hint(err, "set TMPDIR to a folder with room for it");
    }
    return true;
}

bool an__csv_from_utf16(an__csv_source *s, const char *what, const an_csv_options *o, const char **was, an_job *job, an_error *err)
{
    const char *found = looks_utf16(s->data, s->size);
    *was = NULL;
    if (o->encoding) {
        bool asked = !strncasecmp(o->encoding, "utf-16", 6);
        if (!asked) return true;
        if (!strcasecmp(o->encoding, "utf-16le")) found = "utf-16le";
        if (!strcasecmp(o->encoding, "utf-16be")) found = "utf-16be";
        if (!found) found = "utf-16le";
    }
    if (!found) return true;
    size_t skip =
        s->size >= 2 && ((s->data[0] == '\xff' && s->data[1] == '\xfe') || (s->data[0] == '\xfe' && s->data[1] == '\xff')) ? 2 : 0;
    int fd = an__spill_open(err);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!f) {
        if (fd >= 0) close(fd);
        return false;
    }
    an__csv_source converted = { 0 };
    bool ok = convert_utf16(s->data + skip, s->size - skip, !strcmp(found, "utf-16be"), f, what, job, err) &&
              an__csv_open_fd(&converted, fd, what, err);
    fclose(f);
    if (!ok) return false;
    converted.gzip = s->gzip;
    an__csv_close(s);
    *s = converted;
    *was = found;
    return true;
}

/* ---- one byte a character ------------------------------------------------------------------------------------------------------------ */

/* A file that is neither all UTF-8 nor all something else: two exports were glued together. *utf8 and *other are lines that say so. */
static bool mixed(const char *p, const char *end, size_t *utf8, size_t *other)
{
    *utf8 = *other = 0;
    for (size_t line = 1; p < end && (!*utf8 || !*other); line++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        stop = stop ? stop + 1 : end;
        bool high = false;
        for (const char *q = p; q < stop && !high; q++) high = (unsigned char)*q >= 0x80;
        if (high && an__utf8_valid(p, (size_t)(stop - p))) {
            if (!*utf8) *utf8 = line;
        } else if (high && !*other) {
            *other = line;
        }
        p = stop;
    }
    return *utf8 && *other;
}

bool an__csv_find_encoding(const an__csv_source *s, size_t first, const an_csv_options *o, const an__csv_counts *counts,
                           an__csv_encoding *encoding, an_error *err)
{
    const char *p = s->data + first, *end = s->data + s->size;
    size_t lines_before = 0, utf8, other;
    for (const char *q = s->data; q < p; q++) lines_before += *q == '\n';
    *encoding = ENCODING_UTF8;
    if (o->encoding && !strcasecmp(o->encoding, "latin-1")) *encoding = ENCODING_LATIN1;
    if (o->encoding && !strcasecmp(o->encoding, "cp1252")) *encoding = ENCODING_CP1252;
    if (*encoding != ENCODING_UTF8 || !counts->high || an__utf8_valid(p, s->size - first)) return true;
    if (mixed(p, end, &utf8, &other) && !o->encoding) {
        an_fail(err, AN_INPUT, "line %zu is UTF-8 and line %zu is not: two encodings in one file", utf8 + lines_before,
                other + lines_before);
        return an_hint(err, "save both parts in one encoding, or --encoding cp1252, which garbles the letters of the lines in UTF-8");
    }
    if (o->encoding && strncasecmp(o->encoding, "utf-16", 6)) {
        an_fail(err, AN_INPUT, "line %zu is not UTF-8", other + lines_before);
        return an_hint(err, "try --encoding latin-1");
    }
    *encoding = ENCODING_LATIN1;
    for (const char *q = p; q < end; q++) {
        unsigned char b = (unsigned char)*q;
        if (b < 0x80 || b >= 0xa0) continue;
        if (!cp1252[b - 0x80]) { /* a character that Windows-1252 does not have */
            *encoding = ENCODING_LATIN1;
            break;
        }
        *encoding = ENCODING_CP1252;
    }
    return true;
}
