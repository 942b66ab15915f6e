/* http_parse.c - bytes to messages: lines, bodies, chunks (RFC 9112), in whatever pieces the bytes arrive. No input, no output, no clock.
 * What stands in a line is judged in http_head.c.
 *
 * Lines are collected whole before they are judged, and limits count bytes from the start of the line and of the head, so that the result
 * never depends on how the bytes were divided.
 */
#include "wire/http.h"

#include <stdlib.h>
#include <string.h>

/* ---- messages ---- */

static void move_slice(an_span *s, const char *from, char *to)
{
    if (s->data) s->data = to + (s->data - from);
}

bool an__message_reserve(an__message *m, size_t n)
{
    size_t need;
    if (__builtin_add_overflow(m->size, n, &need) || need > PTRDIFF_MAX / 2) return false;
    if (need <= m->capacity) return true;
    size_t capacity = m->capacity < 2048 ? 2048 : m->capacity;
    while (capacity < need) capacity *= 2;
    char *data = malloc(capacity), *old = m->data; /* not realloc: the slices are moved while both blocks stand */
    if (!data) return false;
    an_http_request *r = &m->request;
    if (old) {
        memcpy(data, old, m->size);
        move_slice(&r->method, old, data);
        move_slice(&r->target, old, data);
        move_slice(&r->query, old, data);
        if (r->path) r->path = data + (r->path - old);
        for (size_t i = 0; i < r->headers; i++) {
            move_slice(&r->header[i].name, old, data);
            move_slice(&r->header[i].value, old, data);
        }
        free(old);
    }
    m->data = data;
    m->capacity = capacity;
    return true;
}

void an__message_clear(an__message *m, size_t keep)
{
    if (m->capacity > keep) {
        free(m->data);
        m->data = NULL;
        m->capacity = 0;
    }
    an_http_request *r = &m->request;
    m->size = 0;
    m->why[0] = '\0';
    m->status = 0;
    r->method = r->target = r->query = r->body = (an_span){ 0 };
    r->path = NULL;
    r->headers = 0; /* the array keeps its old bytes: 3 KB that nobody reads */
    r->minor = 0;
    r->keep_alive = r->expect_continue = false;
}

void an__message_free(an__message *m)
{
    free(m->data);
    m->data = NULL;
}

/* ---- the parser's state ---- */

an_http_limits an__limits(const an_http_limits *given)
{
    an_http_limits l = given ? *given : (an_http_limits){ 0 };
    if (!l.line_bytes) l.line_bytes = 8192;
    if (!l.head_bytes) l.head_bytes = 32768;
    if (!l.body_bytes) l.body_bytes = (size_t)64 << 20;
    if (!l.connections) l.connections = 11000;
    if (!l.pipelined) l.pipelined = 64;
    if (!(l.head_s > 0)) l.head_s = 10;
    if (!(l.body_s > 0)) l.body_s = 10;
    if (!(l.idle_s > 0)) l.idle_s = 75;
    if (!(l.write_s > 0)) l.write_s = 30;
    return l;
}

void an__parser_init(an_http_parser *p, const an_http_limits *limits, bool reply)
{
    *p = (an_http_parser){ .limits = limits, .reply = reply };
}

/* The public parser carries its limits and its message with it. */
typedef struct alone {
    an_http_parser parser;
    an_http_limits limits;
    an__message message;
} alone;

an_http_parser *an_http_parser_new(const an_http_limits *limits)
{
    alone *a = an_alloc(sizeof *a);
    a->limits = an__limits(limits);
    an__parser_init(&a->parser, &a->limits, false);
    a->parser.m = &a->message;
    a->parser.owned = true;
    return &a->parser;
}

void an_http_parser_free(an_http_parser *p)
{
    if (!p || !p->owned) return;
    alone *a = (alone *)p; /* the parser is its first member */
    an__message_free(&a->message);
    free(a);
}

const an_http_request *an_http_parser_request(const an_http_parser *p)
{
    return p->place == AN__DONE || p->place == AN__HEAD ? &p->m->request : NULL;
}

const char *an_http_parser_why(const an_http_parser *p)
{
    return p->place == AN__BAD ? p->m->why : "";
}

bool an_http_parser_started(const an_http_parser *p)
{
    return p->place != AN__START || p->blank;
}

bool an__parser_in_body(const an_http_parser *p)
{
    return p->place >= AN__BODY && p->place <= AN__TRAILERS;
}

void an_http_parser_next(an_http_parser *p)
{
    an__message *m = p->m;
    *p = (an_http_parser){ .m = m, .limits = p->limits, .reply = p->reply, .owned = p->owned, .heads = p->heads };
    if (m && p->owned) an__message_clear(m, SIZE_MAX);
}

bool an__parser_bad(an_http_parser *p, int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(p->m->why, sizeof p->m->why, format, args);
    va_end(args);
    p->place = AN__BAD;
    p->status = (int16_t)status;
    return false;
}

static bool no_memory(an_http_parser *p)
{
    return an__parser_bad(p, 503, "There is no memory for this message.");
}

static bool too_much(an_http_parser *p)
{
    return an__parser_bad(p, 413, "The body is longer than %llu bytes.", (unsigned long long)p->most);
}

static void complete(an_http_parser *p)
{
    an__message *m = p->m;
    p->place = AN__DONE;
    m->request.body = (an_span){ m->data + p->body, m->size - p->body }; /* of pieces: empty */
}

/* ---- lines ---- */

/* How much of `have` bytes may still be taken by this line; *status is the answer when that is not enough. */
static size_t line_room(const an_http_parser *p, int *status)
{
    const an_http_limits *l = p->limits;
    size_t used = p->place == AN__TRAILERS ? p->extra : p->m->size;
    size_t room = l->head_bytes > used ? l->head_bytes - used : 0;
    *status = 431;
    if (p->place == AN__LINE) {
        size_t line = l->line_bytes > used ? l->line_bytes - used : 0;
        if (line <= room) {
            *status = 414;
            return line;
        }
    }
    return room;
}

static bool too_long(an_http_parser *p, int status)
{
    const an_http_limits *l = p->limits;
    if (status == 414) return an__parser_bad(p, 414, "The first line is longer than %zu bytes.", l->line_bytes);
    if (p->place == AN__TRAILERS) return an__parser_bad(p, 431, "The trailers are longer than %zu bytes.", l->head_bytes);
    return an__parser_bad(p, 431, "The headers are longer than %zu bytes.", l->head_bytes);
}

static void enter_body(an_http_parser *p, bool pieces, uint64_t most)
{
    p->pieces = pieces;
    p->most = most;
    if (p->chunked) {
        p->place = AN__SIZE;
        p->left = 0;
        p->digits = 0;
    } else if (p->left > most) {
        too_much(p);
    } else {
        p->place = AN__BODY;
        /* what was announced, but no more than what a sender must pay for by sending */
        if (!pieces && !an__message_reserve(p->m, p->left < 65536 ? (size_t)p->left : 65536)) no_memory(p);
    }
}

static void after_head(an_http_parser *p)
{
    an__message *m = p->m;
    p->body = m->size;
    p->most = p->limits->body_bytes;
    if (p->place == AN__TO_END) return; /* set by an__head_end */
    if (!p->chunked && !p->left) {
        complete(p);
        return;
    }
    p->continues = m->request.expect_continue;
    if (p->heads)
        p->place = AN__HEAD;
    else
        enter_body(p, false, p->most);
}

void an_http_parser_heads(an_http_parser *p, bool on)
{
    p->heads = on;
}

static an_http_state state_of(const an_http_parser *p, int *status)
{
    if (status) *status = p->place == AN__BAD ? p->status : 0;
    return p->place == AN__DONE ? AN_HTTP_DONE : p->place == AN__BAD ? AN_HTTP_BAD : p->place == AN__HEAD ? AN_HTTP_HEAD : AN_HTTP_MORE;
}

an_http_state an_http_parser_body(an_http_parser *p, bool pieces, uint64_t most, int *status)
{
    if (p->place == AN__HEAD) enter_body(p, pieces, pieces ? most : p->limits->body_bytes);
    return state_of(p, status);
}

an_span an_http_parser_piece(const an_http_parser *p)
{
    return p->piece;
}

/* Takes bytes up to the end of the line at most; judges the line when it is whole. Returns the bytes taken. */
static size_t take_line(an_http_parser *p, const char *bytes, size_t n)
{
    an__message *m = p->m;
    const char *lf = memchr(bytes, '\n', n);
    size_t take = lf ? (size_t)(lf - bytes) + 1 : n;
    int status;
    size_t room = line_room(p, &status);
    if (take > room) {
        too_long(p, status);
        return room < n ? room : n;
    }
    if (!an__message_reserve(m, take)) {
        no_memory(p);
        return 0;
    }
    memcpy(m->data + m->size, bytes, take);
    m->size += take;
    if (p->place == AN__TRAILERS) p->extra += take;
    if (!lf) return take;

    size_t from = p->line, to = m->size - 1;
    if (to == from || m->data[to - 1] != '\r') {
        an__parser_bad(p, 400, "A line ends with a bare line feed; lines end with CR LF.");
        return take;
    }
    to--;
    p->line = m->size;
    if (p->place == AN__LINE) {
        if (an__head_line(p, from, to)) p->place = AN__HEADERS;
    } else if (p->place == AN__HEADERS) {
        if (to > from) {
            an__head_header(p, from, to);
        } else if (an__head_end(p)) {
            after_head(p);
        }
    } else {
        bool ok = to == from || an__head_trailer(p, from, to);
        m->size = p->line = from; /* trailers are dropped: the body ends here */
        if (ok && to == from) complete(p);
    }
    return take;
}

/* ---- bodies ---- */

static size_t take_body(an_http_parser *p, const char *bytes, size_t n)
{
    an__message *m = p->m;
    size_t take = n;
    if (p->place == AN__TO_END) {
        if (take > p->most - p->got) {
            too_much(p);
            return 0;
        }
    } else if (take > p->left) {
        take = (size_t)p->left;
    }
    if (p->pieces) {
        p->piece = (an_span){ bytes, take };
    } else {
        if (!an__message_reserve(m, take)) {
            no_memory(p);
            return 0;
        }
        memcpy(m->data + m->size, bytes, take);
        m->size += take;
    }
    p->got += take;
    if (p->place == AN__TO_END) return take;
    p->left -= take;
    if (!p->left) {
        if (p->place == AN__BODY)
            complete(p);
        else
            p->place = AN__DATA_CR;
    }
    return take;
}

/* The end of a chunk's first line. */
static bool chunk_begins(an_http_parser *p)
{
    if (p->left > p->most - p->got) return too_much(p);
    if (p->left) {
        p->place = AN__DATA;
    } else {
        p->place = AN__TRAILERS;
        p->line = p->m->size;
    }
    return true;
}

static bool take_size_byte(an_http_parser *p, unsigned char c)
{
    switch (p->place) {
    case AN__SIZE: {
        int digit = an__hex(c);
        if (digit >= 0) {
            if (p->digits == 15) return an__parser_bad(p, 400, "A chunk size has more than 15 digits.");
            p->digits++;
            p->left = p->left << 4 | (unsigned)digit;
            return true;
        }
        if (!p->digits) return an__parser_bad(p, 400, "A chunk does not begin with its size in hexadecimal digits.");
        if (c == '\r')
            p->place = AN__SIZE_LF;
        else if (c == ';')
            p->place = AN__EXTENSION;
        else
            return an__parser_bad(p, 400, "A chunk size is followed by something that is neither CR LF nor an extension.");
        return true;
    }
    case AN__EXTENSION:
        if (c == '\r') {
            p->place = AN__SIZE_LF;
            return true;
        }
        if (!an__value_char(c)) return an__parser_bad(p, 400, "A chunk extension holds a control character.");
        if (++p->extra > p->limits->head_bytes) {
            return an__parser_bad(p, 400, "The chunk extensions are longer than %zu bytes.", p->limits->head_bytes);
        }
        return true;
    case AN__SIZE_LF:
        return c == '\n' ? chunk_begins(p) : an__parser_bad(p, 400, "A chunk size is not followed by CR LF.");
    case AN__DATA_CR:
        p->place = AN__DATA_LF;
        return c == '\r' ? true : an__parser_bad(p, 400, "A chunk is longer than its size says.");
    default: /* AN__DATA_LF */
        if (c != '\n') return an__parser_bad(p, 400, "A chunk is not followed by CR LF.");
        p->place = AN__SIZE;
        p->left = 0;
        p->digits = 0;
        return true;
    }
}

/* ---- feeding ---- */

/* The first bytes of a message: one blank line before a request is skipped (RFC 9112, section 2.2). */
static size_t take_start(an_http_parser *p, unsigned char c)
{
    if (p->place == AN__BLANK) {
        if (c != '\n')
            an__parser_bad(p, 400, "A line begins with a bare carriage return.");
        else
            p->place = AN__START;
        return 1;
    }
    if (c == '\r' && !p->blank && !p->reply) {
        p->blank = true;
        p->place = AN__BLANK;
        return 1;
    }
    if (!an__token_char(c)) {
        /* at once: a TLS greeting has no line end to wait for */
        an__parser_bad(p, 400, "This is not HTTP/1.1%s.", c == 0x16 ? " but TLS: use http:// here" : "");
        return 1;
    }
    p->place = AN__LINE;
    p->line = p->m->size;
    return 0;
}

an_http_state an_http_parser_feed(an_http_parser *p, const char *bytes, size_t n, size_t *used, int *status)
{
    size_t i = 0;
    p->piece = (an_span){ 0 };
    if (p->place == AN__HEAD && n) enter_body(p, false, p->limits->body_bytes);
    while (i < n && p->place < AN__DONE && p->place != AN__HEAD && !p->piece.size) {
        switch (p->place) {
        case AN__START:
        case AN__BLANK:
            i += take_start(p, (unsigned char)bytes[i]);
            break;
        case AN__LINE:
        case AN__HEADERS:
        case AN__TRAILERS:
            i += take_line(p, bytes + i, n - i);
            break;
        case AN__BODY:
        case AN__DATA:
        case AN__TO_END:
            i += take_body(p, bytes + i, n - i);
            break;
        default:
            take_size_byte(p, (unsigned char)bytes[i++]);
        }
    }
    if (used) *used = i;
    return state_of(p, status);
}

an_http_state an__parser_end(an_http_parser *p, int *status)
{
    if (p->place == AN__TO_END)
        complete(p);
    else if (p->place < AN__DONE)
        an__parser_bad(p, 400, "The connection closed in the middle of a message.");
    *status = p->place == AN__BAD ? p->status : 0;
    return p->place == AN__DONE ? AN_HTTP_DONE : AN_HTTP_BAD;
}
