/* test_content.c - content codings: bodies that come packed in every way that is taken, what is damaged or too much, and what is chosen for
 * answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve/content.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const char text[] = "{\"torque\":5.5,\"angle\":41,\"force\":2}";

/* As zlib packs it; window: 15 zlib's wrapping, 31 gzip, -15 none. */
static size_t packed(const void *bytes, size_t n, int window, char *out, size_t room)
{
    z_stream z = {
        .next_in = (unsigned char *)(uintptr_t)bytes, .avail_in = (uInt)n, .next_out = (unsigned char *)out, .avail_out = (uInt)room
    };
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return room - z.avail_out;
}

static void header(an_http_request *r, const char *name, const char *value)
{
    r->header[r->headers++] = (an_http_header){ { name, strlen(name) }, { value, strlen(value) } };
}

/* The status, and the body where it is 200. */
static size_t most = AN__CONTENT_MOST; /* of the next bodies */

static int unpacked(const char *coding, const void *bytes, size_t n, char **room, an_span *body, an_error *err)
{
    static an_http_request r;
    int status = 0;
    r = (an_http_request){ .body = { bytes, n } };
    if (coding) header(&r, "content-encoding", coding);
    *err = (an_error){ 0 };
    bool ok = an__content_body(&r, most, room, body, &status, err);
    assert_true(ok == (status == 200));
    if (!ok) assert_null(*room);
    if (!ok) assert_true(err->message[0] && err->hint[0]);
    return status;
}

static void test_taken(void **state)
{
    (void)state;
    static const struct {
        const char *coding;
        int window;
    } ways[] = { { "gzip", 31 }, { "GZip", 31 }, { "x-gzip", 31 }, { "deflate", 15 }, { "deflate", -15 } };
    char bytes[256], *room;
    an_span body;
    an_error err;
    for (size_t i = 0; i < AN_COUNT(ways); i++) {
        size_t n = packed(text, strlen(text), ways[i].window, bytes, sizeof bytes);
        assert_int_equal(unpacked(ways[i].coding, bytes, n, &room, &body, &err), 200);
        assert_true(an_span_is(body, text));
        free(room);
        for (size_t cut = 0; cut < n; cut++) /* every end that is too soon */
            if (unpacked(ways[i].coding, bytes, cut, &room, &body, &err) != 400) fail_msg("%s cut at %zu", ways[i].coding, cut);
        bytes[n] = 'x';
        assert_int_equal(unpacked(ways[i].coding, bytes, n + 1, &room, &body, &err), 400);
    }
    /* two members are one body */
    size_t n = packed(text, 10, 31, bytes, sizeof bytes);
    n += packed(text + 10, strlen(text) - 10, 31, bytes + n, sizeof bytes - n);
    assert_int_equal(unpacked("gzip", bytes, n, &room, &body, &err), 200);
    assert_true(an_span_is(body, text));
    free(room);
    /* none */
    const char *const none[] = { NULL, "identity", "" };
    for (size_t i = 0; i < AN_COUNT(none); i++) {
        assert_int_equal(unpacked(none[i], text, strlen(text), &room, &body, &err), 200);
        assert_null(room);
        assert_ptr_equal(body.data, text);
    }
    /* as much as is asked for: the room grows */
    size_t much = 5 << 20, space = 3 << 20;
    char *long_text = an_alloc_n(much, 1), *small = an_alloc_n(space, 1);
    uint32_t draw = 1; /* digits, as rows have */
    for (size_t i = 0; i < much; i++) long_text[i] = (char)('0' + ((draw = draw * 1664525 + 1013904223) >> 24) % 10);
    n = packed(long_text, much, 31, small, space);
    assert_int_equal(unpacked("gzip", small, n, &room, &body, &err), 200);
    assert_int_equal(body.size, much);
    assert_memory_equal(body.data, long_text, much);
    free(room);
    free(long_text);
    free(small);
}

static void test_refused(void **state)
{
    (void)state;
    char *room, bytes[256];
    an_span body;
    an_error err;
    const char *const unknown[] = { "br", "zstd", "gzip, gzip", "gzi", "compress" };
    for (size_t i = 0; i < AN_COUNT(unknown); i++) {
        assert_int_equal(unpacked(unknown[i], text, strlen(text), &room, &body, &err), 415);
        assert_non_null(strstr(err.message, unknown[i]));
    }
    assert_int_equal(unpacked("gzip", text, strlen(text), &room, &body, &err), 400);
    assert_int_equal(unpacked("deflate", text, strlen(text), &room, &body, &err), 400);
    size_t n = packed(text, strlen(text), 31, bytes, sizeof bytes);
    bytes[n - 6] ^= 1; /* its check */
    assert_int_equal(unpacked("gzip", bytes, n, &room, &body, &err), 400);
    /* a little that becomes much */
    size_t much = (size_t)AN__CONTENT_MOST + 1, space = 1 << 20;
    char *zeroes = an_alloc_n(much, 1), *bomb = an_alloc_n(space, 1);
    memset(zeroes, ' ', much);
    n = packed(zeroes, much, 31, bomb, space);
    assert_int_equal(unpacked("gzip", bomb, n, &room, &body, &err), 413);
    n = packed(zeroes, AN__CONTENT_FREE, 31, bomb, space);
    assert_int_equal(unpacked("gzip", bomb, n, &room, &body, &err), 200);
    assert_int_equal(body.size, AN__CONTENT_FREE);
    free(room);
    most = AN__CONTENT_FREE - 1; /* less than that is free where the caller wants less */
    assert_int_equal(unpacked("gzip", bomb, n, &room, &body, &err), 413);
    assert_int_equal(unpacked(NULL, zeroes, most, &room, &body, &err), 200);
    assert_int_equal(unpacked(NULL, zeroes, most + 1, &room, &body, &err), 413);
    most = AN__CONTENT_MOST;
    free(zeroes);
    free(bomb);
}

static void test_wanted(void **state)
{
    (void)state;
    static const struct {
        const char *accepts;
        an__coding wanted;
    } cases[] = {
        { NULL, AN__IDENTITY },
        { "", AN__IDENTITY },
        { "identity", AN__IDENTITY },
        { "br, zstd", AN__IDENTITY },
        { "gzip", AN__GZIP },
        { "GZIP", AN__GZIP },
        { "x-gzip", AN__GZIP },
        { "gzip, deflate, br, zstd", AN__GZIP },
        { "deflate", AN__DEFLATE },
        { "deflate, gzip", AN__GZIP },
        { "deflate;q=0.9, gzip;q=0.8", AN__DEFLATE },
        { "gzip;q=0", AN__IDENTITY },
        { "gzip;q=0.000, deflate;q=0", AN__IDENTITY },
        { "gzip ; q=0.5 ,deflate; q=1", AN__DEFLATE },
        { "*", AN__GZIP },
        { "*;q=0", AN__IDENTITY },
        { "gzip;q=0, *", AN__DEFLATE },
        { "gzip;q=1.5", AN__IDENTITY },
        { "gzip;q=x", AN__IDENTITY },
        { "gzip;q=", AN__IDENTITY },
        { ",,;,gzip", AN__GZIP },
    };
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        an_http_request r = { 0 };
        if (cases[i].accepts) header(&r, "Accept-Encoding", cases[i].accepts);
        if (an__content_wanted(&r) != cases[i].wanted) fail_msg("%s", cases[i].accepts ? cases[i].accepts : "none");
    }
}

static void test_packed(void **state)
{
    (void)state;
    char *long_text = an_alloc_n(100000, 1);
    for (size_t i = 0; i < 100000; i++) long_text[i] = text[i % strlen(text)];
    for (an__coding c = AN__GZIP; c <= AN__DEFLATE; c++) {
        size_t n;
        char *out = an__content_pack(c, long_text, 100000, &n), *room;
        assert_non_null(out);
        assert_true(n < 10000);
        an_span body;
        an_error err;
        assert_int_equal(unpacked(c == AN__GZIP ? "gzip" : "deflate", out, n, &room, &body, &err), 200);
        assert_int_equal(body.size, 100000);
        assert_memory_equal(body.data, long_text, 100000);
        free(room);
        free(out);
    }
    size_t n;
    assert_null(an__content_pack(AN__IDENTITY, long_text, 100000, &n));
    uint64_t draw = 1;
    for (size_t i = 0; i < 100000; i++) { /* noise: packing does not pay */
        draw = draw * 6364136223846793005u + 1442695040888963407u;
        long_text[i] = (char)(draw >> 56);
    }
    assert_null(an__content_pack(AN__GZIP, long_text, 100000, &n));
    free(long_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_taken), cmocka_unit_test(test_refused), cmocka_unit_test(test_wanted),
                                        cmocka_unit_test(test_packed) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
