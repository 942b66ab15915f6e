/* feed.h - what becomes of a stream of bytes, as text, however it is divided; shared with the fuzz target. */
#ifndef TEST_WIRE_FEED_H
#define TEST_WIRE_FEED_H

#include "andon/wire.h"

#include <stdlib.h>
#include <string.h>

static inline void render(an_buf *out, const an_http_request *r, an_span body)
{
    an_buf_add(out, r->method.data, r->method.size);
    an_buf_printf(out, " %s", r->path);
    if (r->query.data) {
        an_buf_putc(out, '?');
        an_buf_add(out, r->query.data, r->query.size);
    }
    an_buf_printf(out, " 1.%d %s%s {", r->minor, r->keep_alive ? "keep" : "close", r->expect_continue ? " continue" : "");
    for (size_t i = 0; i < r->headers; i++) {
        if (i) an_buf_putc(out, ';');
        an_buf_add(out, r->header[i].name.data, r->header[i].name.size);
        an_buf_putc(out, '=');
        an_buf_add(out, r->header[i].value.data, r->header[i].value.size);
    }
    an_buf_puts(out, "} [");
    an_buf_add(out, body.data, body.size);
    an_buf_puts(out, "]\n");
}

/* One line a request; at the end "400 why", "more" (in the middle of a message) or nothing. `piece` gives the size of each feed. */
static inline void feed_all(const char *bytes, size_t n, const an_http_limits *limits, size_t (*piece)(void *), void *context, an_buf *out)
{
    an_http_parser *p = an_http_parser_new(limits);
    size_t at = 0;
    an_http_state state = AN_HTTP_MORE;
    while (at < n && state != AN_HTTP_BAD) {
        size_t take = piece(context), used;
        int status;
        if (!take || take > n - at) take = n - at;
        char *copy = malloc(take); /* of its own, so that a sanitizer sees a read beyond it */
        if (!copy) abort();
        memcpy(copy, bytes + at, take);
        state = an_http_parser_feed(p, copy, take, &used, &status);
        free(copy); /* nothing may be kept of it */
        if (used > take || (state == AN_HTTP_MORE && used != take)) abort();
        at += used;
        if (state == AN_HTTP_BAD) {
            an_buf_printf(out, "%d %s", status, an_http_parser_why(p));
        } else if (state == AN_HTTP_DONE) {
            render(out, an_http_parser_request(p), an_http_parser_request(p)->body);
            an_http_parser_next(p);
            if (an_http_parser_started(p)) abort();
        }
    }
    if (state != AN_HTTP_BAD && an_http_parser_started(p)) an_buf_puts(out, "more");
    an_http_parser_free(p);
}

/* The same with bodies in pieces: the same text must come of it. */
static inline void feed_pieces(const char *bytes, size_t n, const an_http_limits *limits, size_t (*piece)(void *), void *context,
                               an_buf *out)
{
    an_http_parser *p = an_http_parser_new(limits);
    an_http_parser_heads(p, true);
    an_buf body = { 0 };
    size_t at = 0;
    an_http_state state = AN_HTTP_MORE;
    while (at < n && state != AN_HTTP_BAD) {
        size_t take = piece(context), used;
        int status;
        if (!take || take > n - at) take = n - at;
        char *copy = malloc(take);
        if (!copy) abort();
        memcpy(copy, bytes + at, take);
        state = an_http_parser_feed(p, copy, take, &used, &status);
        an_span part = an_http_parser_piece(p);
        if (used > take || (state == AN_HTTP_MORE && !part.size && used != take)) abort();
        if (part.size && (part.data < copy || part.data + part.size > copy + used)) abort();
        an_buf_add(&body, part.data, part.size);
        free(copy);
        at += used;
        if (state == AN_HTTP_HEAD) {
            if (!an_http_parser_request(p) || an_http_parser_request(p)->body.size || body.size) abort();
            state = an_http_parser_body(p, true, limits && limits->body_bytes ? limits->body_bytes : 64 << 20, &status);
            if (state != AN_HTTP_MORE && state != AN_HTTP_BAD) abort();
        }
        if (state == AN_HTTP_BAD) {
            an_buf_printf(out, "%d %s", status, an_http_parser_why(p));
        } else if (state == AN_HTTP_DONE) {
            if (an_http_parser_request(p)->body.size) abort();
            render(out, an_http_parser_request(p), (an_span){ body.data, body.size });
            an_buf_clear(&body);
            an_http_parser_next(p);
            if (an_http_parser_started(p)) abort();
        }
    }
    if (state != AN_HTTP_BAD && an_http_parser_started(p)) an_buf_puts(out, "more");
    an_buf_free(&body);
    an_http_parser_free(p);
}

static inline size_t piece_all(void *context)
{
    (void)context;
    return 0;
}

static inline size_t piece_one(void *context)
{
    (void)context;
    return 1;
}

/* 1 to 16 bytes, mostly few */
static inline size_t piece_random(void *context)
{
    return 1 + (size_t)an_rng_below(context, 1 + an_rng_below(context, 16));
}

#endif
