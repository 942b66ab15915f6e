/* content.c - see content.h. gzip (RFC 1952, one or several members) and deflate (RFC 1950; also RFC 1951 alone, which some clients send
 * under that name). Unpacking is bounded, so that a small request cannot ask for much memory. */
#include "serve/content.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { FAST = 1 /* zlib's level: the loop has other answers to write */ };

/* ---- what comes ---- */

/* zlib's own wrapping begins with CM 8 and a check over two bytes. */
static bool wrapped(an_span s)
{
    const unsigned char *p = (const unsigned char *)s.data;
    return s.size >= 2 && (p[0] & 15) == Z_DEFLATED && ((unsigned)p[0] << 8 | p[1]) % 31 == 0;
}

static bool damaged(const char *coding, const z_stream *z, int code, an_error *err)
{
    if (code == Z_MEM_ERROR) return an_fail(err, AN_MEMORY, "no memory to unpack the body");
    an_fail(err, AN_INPUT, "the body is no %s: %s", coding,
            z->msg                                ? z->msg
            : code == Z_STREAM_END                ? "something follows its end"
            : code == Z_OK || code == Z_BUF_ERROR ? "it ends too soon"
                                                  : "it is damaged");
    return an_hint(err, "Content-Encoding must name how the body is packed; leave it out where it is not");
}

static bool too_long(size_t most, const char *when, int *status, an_error *err)
{
    *status = 413;
    an_fail(err, AN_INPUT, "the body is longer than %zu bytes%s", most, when);
    return an_hint(err, "send it in several requests");
}

static bool grow(char **room, size_t have, size_t most, size_t *size, an_error *err)
{
    size_t more = *size * 2 < most + 1 ? *size * 2 : most + 1;
    char *larger = an_alloc_data(more, 1, "the body of a request", err);
    if (!larger) return false;
    memcpy(larger, *room, have);
    free(*room);
    *room = larger;
    *size = more;
    return true;
}

static bool unpack(const char *coding, an_span in, size_t most, int window, char **room, an_span *out, int *status, an_error *err)
{
    z_stream z = { .next_in = (unsigned char *)(uintptr_t)in.data, .avail_in = (uInt)in.size };
    size_t size = in.size * 4 < 4096 ? 4096 : in.size * 4, have = 0;
    if (most > AN__CONTENT_FREE + in.size * AN__CONTENT_RATIO) most = AN__CONTENT_FREE + in.size * AN__CONTENT_RATIO;
    if (size > most + 1) size = most + 1;
    *status = 503;
    *room = an_alloc_data(size, 1, "the body of a request", err);
    if (!*room) return false;
    if (inflateInit2(&z, window) != Z_OK) return an_fail(err, AN_MEMORY, "no memory to unpack the body");
    int code = Z_OK;
    bool ok = true;
    while (ok) {
        z.next_out = (unsigned char *)*room + have;
        z.avail_out = (uInt)(size - have);
        code = inflate(&z, Z_NO_FLUSH);
        have = size - z.avail_out;
        if (have > most) {
            ok = too_long(most, " when it is unpacked", status, err);
        } else if (code == Z_STREAM_END && z.avail_in && window > 15 && inflateReset(&z) == Z_OK) {
            code = Z_OK; /* another member */
        } else if (code == Z_STREAM_END && !z.avail_in) {
            break;
        } else if (code != Z_OK || (z.avail_out && !z.avail_in)) {
            *status = code == Z_MEM_ERROR ? 503 : 400;
            ok = damaged(coding, &z, code, err);
        } else if (have == size) {
            ok = grow(room, have, most, &size, err);
        }
    }
    inflateEnd(&z);
    if (!ok) return false;
    *out = (an_span){ *room, have };
    *status = 200;
    return true;
}

bool an__content_body(const an_http_request *r, size_t most, char **room, an_span *body, int *status, an_error *err)
{
    an_span coding = an_http_get(r, "Content-Encoding");
    *room = NULL;
    *body = r->body;
    *status = 200;
    if (!coding.data || !coding.size || an_span_is_nocase(coding, "identity"))
        return r->body.size <= most || too_long(most, "", status, err);
    bool gzip = an_span_is_nocase(coding, "gzip") || an_span_is_nocase(coding, "x-gzip");
    if (!gzip && !an_span_is_nocase(coding, "deflate")) {
        *status = 415;
        an_fail(err, AN_INPUT, "Content-Encoding \"%.*s\" is not known", coding.size > 60 ? 60 : (int)coding.size, coding.data);
        return an_hint(err, "gzip and deflate are, one of them; or send the body as it is");
    }
    bool ok = unpack(gzip ? "gzip" : "deflate", r->body, most,
                     gzip               ? MAX_WBITS + 16
                     : wrapped(r->body) ? MAX_WBITS
                                        : -MAX_WBITS,
                     room, body, status, err);
    if (!ok) {
        free(*room);
        *room = NULL;
    }
    return ok;
}

/* ---- what leaves ---- */

static an_span trimmed(const char *from, const char *to)
{
    while (from < to && (*from == ' ' || *from == '\t')) from++;
    while (to > from && (to[-1] == ' ' || to[-1] == '\t')) to--;
    return (an_span){ from, (size_t)(to - from) };
}

/* ";q=0.5" behind a coding, in thousandths; 1000 where there is none, 0 where it is none of RFC 9110's. */
static int quality(an_span s)
{
    const char *p = s.data, *end = s.data + s.size;
    for (; p < end && *p != '='; p++) {
    }
    an_span name = trimmed(s.data, p);
    if (!an_span_is_nocase(name, "q")) return 1000;
    an_span value = p < end ? trimmed(p + 1, end) : (an_span){ p, 0 };
    if (!value.size || value.size > 5 || (value.data[0] != '0' && value.data[0] != '1') || (value.size > 1 && value.data[1] != '.'))
        return 0;
    int q = (value.data[0] - '0') * 1000;
    for (size_t i = 2, unit = 100; i < value.size; i++, unit /= 10) {
        if (value.data[i] < '0' || value.data[i] > '9') return 0;
        q += (int)unit * (value.data[i] - '0');
    }
    return q > 1000 ? 0 : q;
}

an__coding an__content_wanted(const an_http_request *r)
{
    an_span all = an_http_get(r, "Accept-Encoding");
    int gzip = -1, deflate = -1, any = 0; /* -1: not named */
    for (const char *p = all.data, *end = all.data + all.size; p && p < end;) {
        const char *comma = memchr(p, ',', (size_t)(end - p)), *to = comma ? comma : end, *semicolon = memchr(p, ';', (size_t)(to - p));
        an_span name = trimmed(p, semicolon ? semicolon : to);
        int q = semicolon ? quality(trimmed(semicolon + 1, to)) : 1000;
        if (an_span_is_nocase(name, "gzip") || an_span_is_nocase(name, "x-gzip")) gzip = q;
        if (an_span_is_nocase(name, "deflate")) deflate = q;
        if (an_span_is(name, "*")) any = q;
        p = to + 1;
    }
    if (gzip < 0) gzip = any;
    if (deflate < 0) deflate = any;
    return !gzip && !deflate ? AN__IDENTITY : deflate > gzip ? AN__DEFLATE : AN__GZIP;
}

char *an__content_pack(an__coding c, const void *bytes, size_t n, size_t *packed)
{
    z_stream z = { 0 };
    if (c == AN__IDENTITY || n > UINT_MAX / 2 ||
        deflateInit2(&z, FAST, Z_DEFLATED, MAX_WBITS + (c == AN__GZIP ? 16 : 0), 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return NULL;
    char *out = an_alloc_data(n, 1, "an answer", NULL); /* no more room than without packing: where that is not enough, it does not pay */
    z.next_in = (unsigned char *)(uintptr_t)bytes;
    z.avail_in = (uInt)n;
    z.next_out = (unsigned char *)out;
    z.avail_out = (uInt)n;
    int code = out ? deflate(&z, Z_FINISH) : Z_MEM_ERROR;
    *packed = n - z.avail_out;
    deflateEnd(&z);
    if (code == Z_STREAM_END) return out;
    free(out);
    return NULL;
}
