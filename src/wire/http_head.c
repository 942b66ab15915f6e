/* http_head.c - what stands in the lines of a head: request line, status line, header fields, and what they say together about where the
 * body ends. The rules are RFC 9112 (sections 3, 5, 6) and RFC 9110 (5, 7.2, 8.6, 10.1.1), read strictly: where a proxy in front and this
 * parser could understand a message differently (request smuggling), it is refused.
 *
 * Decisions where the RFCs leave room:
 *   - Content-Length has no leading zeros ("0" alone is fine) and stands once, even if a second one is equal.
 *   - Transfer-Encoding is "chunked" alone; other codings before it are 501, everything else is 400.
 *   - A request without Content-Length and Transfer-Encoding has no body; HTTP/1.0 POST, PUT and PATCH must say Content-Length (411).
 *   - %2F in a path is the same as '/', a backslash is an ordinary character, "." segments and empty ones are dropped, ".." is refused.
 *   - HTTP/1.2 and above are 505, as HTTP/2 is.
 */
#include "wire/http.h"

#include <stdlib.h>
#include <string.h>

/* ---- targets ---- */

/* Percent escapes must be whole and must not be NUL; "#" never reaches a server. */
static bool target_chars(an_http_parser *p, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c <= ' ' || c >= 0x7f || c == '#') return an__parser_bad(p, 400, "The target holds a character that must be percent-encoded.");
        if (c != '%') continue;
        int high = n - i > 2 ? an__hex((unsigned char)s[i + 1]) : -1, low = high >= 0 ? an__hex((unsigned char)s[i + 2]) : -1;
        if (low < 0) return an__parser_bad(p, 400, "The target holds a '%%' that two hexadecimal digits do not follow.");
        if (!high && !low) return an__parser_bad(p, 400, "The target holds a zero byte.");
        i += 2;
    }
    return true;
}

/* Decodes first and looks at segments afterwards, so that "%2e%2e%2f" is seen for what it is. `to` has room for n + 2. */
static bool decode_path(an_http_parser *p, const char *from, size_t n, char *to)
{
    size_t size = 0;
    for (size_t i = 0; i < n; i++) {
        char c = from[i];
        if (c == '%') {
            c = (char)(an__hex((unsigned char)from[i + 1]) << 4 | an__hex((unsigned char)from[i + 2]));
            i += 2;
        }
        to[size++] = c;
    }
    to[size] = '\0';
    /* rewrite segment by segment in place */
    size_t out = 0;
    for (size_t i = 0; i < size;) {
        i++; /* the slash */
        size_t end = i;
        while (end < size && to[end] != '/') end++;
        size_t length = end - i;
        if (length == 2 && to[i] == '.' && to[i + 1] == '.') return an__parser_bad(p, 400, "The path holds \"..\".");
        bool last = end == size, skip = length == 0 || (length == 1 && to[i] == '.');
        if (!skip) {
            to[out++] = '/';
            memmove(to + out, to + i, length);
            out += length;
        } else if (last) {
            to[out++] = '/'; /* "/a/" and "/a/." keep their last slash */
        }
        i = end;
    }
    if (!out) to[out++] = '/';
    to[out] = '\0';
    return true;
}

static bool host_chars(const char *s, size_t n)
{
    /* "name:port", "1.2.3.4", "[::1]:80"; the characters of RFC 3986 reg-name without escapes */
    size_t i = 0;
    if (n && s[0] == '[') {
        for (i = 1; i < n && s[i] != ']'; i++) {
            if (an__hex((unsigned char)s[i]) < 0 && s[i] != ':' && s[i] != '.') return false;
        }
        if (i == n || i == 1) return false;
        i++;
    } else {
        while (i < n && an__host_char((unsigned char)s[i])) i++;
    }
    if (i == n) return true;
    if (s[i] != ':' || (i == 0)) return false;
    for (i++; i < n; i++) {
        if (s[i] < '0' || s[i] > '9') return false;
    }
    return true;
}

/* "http://host:port" at the start of an absolute-form target: its length with the authority, 0: another form. */
static size_t absolute_start(an_span t, an_span *authority)
{
    size_t scheme = t.size >= 7 && an__nocase(t.data, "http://", 7) ? 7 : t.size >= 8 && an__nocase(t.data, "https://", 8) ? 8 : 0;
    if (!scheme) return 0;
    size_t end = scheme;
    while (end < t.size && t.data[end] != '/' && t.data[end] != '?') end++;
    *authority = (an_span){ t.data + scheme, end - scheme };
    return end;
}

/* The path and the query of the target, and for the absolute form that Host says the same. */
static bool read_target(an_http_parser *p)
{
    an__message *m = p->m;
    an_http_request *r = &m->request;
    if (!an__message_reserve(m, r->target.size + 2)) return an__parser_bad(p, 503, "There is no memory for this message.");
    an_span t = r->target, authority;
    size_t start = 0;
    if (an_span_is(t, "*")) {
        if (!an_span_is(r->method, "OPTIONS")) return an__parser_bad(p, 400, "The target * is for OPTIONS alone.");
    } else if (t.data[0] != '/') {
        start = absolute_start(t, &authority);
        if (!start) return an__parser_bad(p, 400, "The target does not begin with '/'.");
        if (!authority.size || !host_chars(authority.data, authority.size)) {
            return an__parser_bad(p, 400, "The target names no valid host.");
        }
        if (p->hosts) {
            an_span host = r->header[p->host].value;
            if (host.size != authority.size || !an__nocase(host.data, authority.data, host.size)) {
                return an__parser_bad(p, 400, "The target and the Host header name different hosts.");
            }
        }
    }
    const char *mark = memchr(t.data + start, '?', t.size - start);
    size_t end = mark ? (size_t)(mark - t.data) : t.size;
    if (mark) r->query = (an_span){ mark + 1, t.size - end - 1 };
    r->path = m->data + m->size;
    if (t.data[0] == '*') {
        memcpy(r->path, "*", 2);
    } else if (!decode_path(p, t.data + start, end - start, r->path)) {
        return false;
    }
    m->size += strlen(r->path) + 1;
    return true;
}

/* ---- first lines ---- */

static bool read_version(an_http_parser *p, const char *s, size_t n)
{
    if (n != 8 || memcmp(s, "HTTP/", 5) != 0 || s[5] < '0' || s[5] > '9' || s[6] != '.' || s[7] < '0' || s[7] > '9') {
        return an__parser_bad(p, 400, "The first line does not %s with HTTP/1.1.", p->reply ? "begin" : "end");
    }
    if (s[5] != '1' || s[7] > '1') return an__parser_bad(p, 505, "HTTP/%c.%c is not spoken here; HTTP/1.1 is.", s[5], s[7]);
    p->m->request.minor = s[7] - '0';
    p->m->request.keep_alive = s[7] == '1';
    return true;
}

static bool status_line(an_http_parser *p, const char *s, size_t n)
{
    if (n < 12 || !read_version(p, s, 8)) return n < 12 ? an__parser_bad(p, 400, "The status line is too short.") : false;
    if (s[8] != ' ' || s[9] < '1' || s[9] > '9' || s[10] < '0' || s[10] > '9' || s[11] < '0' || s[11] > '9' || (n > 12 && s[12] != ' ')) {
        return an__parser_bad(p, 400, "The status line has no status of three digits.");
    }
    p->m->status = (s[9] - '0') * 100 + (s[10] - '0') * 10 + (s[11] - '0');
    for (size_t i = 12; i < n; i++) {
        if (!an__value_char((unsigned char)s[i])) return an__parser_bad(p, 400, "The status line holds a control character.");
    }
    return true;
}

bool an__head_line(an_http_parser *p, size_t from, size_t to)
{
    an_http_request *r = &p->m->request;
    const char *s = p->m->data + from;
    size_t n = to - from;
    if (p->reply) return status_line(p, s, n);
    const char *space = memchr(s, ' ', n);
    if (!space || space == s) return an__parser_bad(p, 400, "The first line is not \"METHOD target HTTP/1.1\".");
    size_t method = (size_t)(space - s);
    for (size_t i = 0; i < method; i++) {
        if (!an__token_char((unsigned char)s[i])) return an__parser_bad(p, 400, "The method holds a character that no method has.");
    }
    const char *target = space + 1, *second = memchr(target, ' ', n - method - 1);
    if (!second || second == target) return an__parser_bad(p, 400, "The first line is not \"METHOD target HTTP/1.1\".");
    size_t size = (size_t)(second - target);
    if (!read_version(p, second + 1, n - method - size - 2)) return false;
    if (method > 32) return an__parser_bad(p, 501, "The method is not known.");
    r->method = (an_span){ s, method };
    if (an_span_is(r->method, "CONNECT")) return an__parser_bad(p, 501, "CONNECT is not offered: this is no proxy.");
    r->target = (an_span){ target, size };
    return target_chars(p, target, size);
}

/* ---- header fields ---- */

static bool content_length(an_http_parser *p, an_span v)
{
    if (++p->lengths > 1) return an__parser_bad(p, 400, "Content-Length stands twice.");
    uint64_t total = 0;
    bool huge = false;
    if (!v.size || (v.size > 1 && v.data[0] == '0')) {
        return an__parser_bad(p, 400, "Content-Length is not a plain number (digits, no leading zeros).");
    }
    for (size_t i = 0; i < v.size; i++) {
        if (v.data[i] < '0' || v.data[i] > '9') {
            return an__parser_bad(p, 400, "Content-Length is not a plain number (digits, no leading zeros).");
        }
        if (__builtin_mul_overflow(total, (uint64_t)10, &total) || __builtin_add_overflow(total, (uint64_t)(v.data[i] - '0'), &total))
            huge = true;
    }
    p->left = huge ? UINT64_MAX : total; /* judged at the end of the head: something worse may stand there */
    return true;
}

/* Whether the last of the comma-separated codings, or any, is "chunked". */
static void codings(an_span v, bool *last, size_t *chunked)
{
    *last = false;
    *chunked = 0;
    for (size_t i = 0; i <= v.size;) {
        const char *comma = memchr(v.data + i, ',', v.size - i);
        size_t end = comma ? (size_t)(comma - v.data) : v.size, a = i, b = end;
        while (a < b && (v.data[a] == ' ' || v.data[a] == '\t')) a++;
        while (b > a && (v.data[b - 1] == ' ' || v.data[b - 1] == '\t')) b--;
        *last = an_span_is_nocase((an_span){ v.data + a, b - a }, "chunked");
        *chunked += *last;
        i = end + 1;
    }
}

static bool transfer_encoding(an_http_parser *p, an_span v)
{
    if (++p->codings > 1) return an__parser_bad(p, 400, "Transfer-Encoding stands twice.");
    if (an_span_is_nocase(v, "chunked")) {
        p->chunked = true;
        return true;
    }
    bool last;
    size_t chunked;
    codings(v, &last, &chunked);
    if (last && chunked == 1) return an__parser_bad(p, 501, "Transfer-Encoding \"chunked\" alone is understood here.");
    return an__parser_bad(p, 400, "Transfer-Encoding does not end with one \"chunked\".");
}

static void connection(an_http_request *r, an_span v)
{
    for (size_t i = 0; i < v.size;) {
        const char *comma = memchr(v.data + i, ',', v.size - i);
        size_t end = comma ? (size_t)(comma - v.data) : v.size, a = i, b = end;
        while (a < b && (v.data[a] == ' ' || v.data[a] == '\t')) a++;
        while (b > a && (v.data[b - 1] == ' ' || v.data[b - 1] == '\t')) b--;
        an_span word = { v.data + a, b - a };
        if (an_span_is_nocase(word, "close")) {
            r->keep_alive = false;
            r->minor |= 2; /* remembered until the end of the head: "close" wins over "keep-alive" in any order */
        } else if (an_span_is_nocase(word, "keep-alive") && !(r->minor & 2)) {
            r->keep_alive = true;
        }
        i = end + 1;
    }
}

/* What a header means to the framing of the message; others are for those who handle it. */
static bool known(an_http_parser *p, size_t index)
{
    an_http_request *r = &p->m->request;
    an_span name = r->header[index].name, value = r->header[index].value;
    switch (name.size) {
    case 4:
        if (p->reply || !an__nocase(name.data, "host", 4)) return true;
        if (++p->hosts > 1) return an__parser_bad(p, 400, "Host stands twice.");
        p->host = (uint32_t)index;
        return host_chars(value.data, value.size) || an__parser_bad(p, 400, "Host is not \"name\" or \"name:port\".");
    case 6:
        if (p->reply || !an__nocase(name.data, "expect", 6)) return true;
        if (!an_span_is_nocase(value, "100-continue")) return an__parser_bad(p, 417, "Expect can only be 100-continue.");
        r->expect_continue = true;
        return true;
    case 10:
        if (an__nocase(name.data, "connection", 10)) connection(r, value);
        return true;
    case 14:
        return !an__nocase(name.data, "content-length", 14) || content_length(p, value);
    case 17:
        return !an__nocase(name.data, "transfer-encoding", 17) || transfer_encoding(p, value);
    default:
        return true;
    }
}

/* "Name: value" within m->data[from .. to). */
static bool split_field(an_http_parser *p, size_t from, size_t to, an_http_header *out)
{
    const char *s = p->m->data + from;
    size_t n = to - from, colon = 0;
    if (*s == ' ' || *s == '\t') return an__parser_bad(p, 400, "A header is continued on a second line.");
    while (colon < n && an__token_char((unsigned char)s[colon])) colon++;
    if (colon == n || s[colon] != ':' || !colon) return an__parser_bad(p, 400, "A header is not \"Name: value\".");
    size_t a = colon + 1, b = n;
    while (a < b && (s[a] == ' ' || s[a] == '\t')) a++;
    while (b > a && (s[b - 1] == ' ' || s[b - 1] == '\t')) b--;
    for (size_t i = a; i < b; i++) {
        if (!an__value_char((unsigned char)s[i])) {
            return an__parser_bad(p, 400, "The header %.*s holds a control character.", colon > 64 ? 64 : (int)colon, s);
        }
    }
    *out = (an_http_header){ { s, colon }, { s + a, b - a } };
    return true;
}

bool an__head_header(an_http_parser *p, size_t from, size_t to)
{
    an_http_request *r = &p->m->request;
    if (r->headers == AN_HTTP_HEADERS_MAX) return an__parser_bad(p, 431, "There are more than %d headers.", AN_HTTP_HEADERS_MAX);
    if (!split_field(p, from, to, &r->header[r->headers])) return false;
    r->headers++;
    return known(p, r->headers - 1);
}

bool an__head_trailer(an_http_parser *p, size_t from, size_t to)
{
    an_http_header h;
    if (++p->trailers > AN_HTTP_HEADERS_MAX) return an__parser_bad(p, 431, "There are more than %d trailers.", AN_HTTP_HEADERS_MAX);
    if (!split_field(p, from, to, &h)) return false;
    if (an_span_is_nocase(h.name, "content-length") || an_span_is_nocase(h.name, "transfer-encoding") ||
        an_span_is_nocase(h.name, "host")) {
        return an__parser_bad(p, 400, "A trailer says what only a header may say.");
    }
    return true;
}

/* ---- the end of the head ---- */

/* RFC 9112, section 6.3, for replies: what has no body, what is chunked, what has a length, what lasts until the end. */
static bool reply_end(an_http_parser *p)
{
    an__message *m = p->m;
    if (p->codings && p->lengths) return an__parser_bad(p, 400, "Content-Length and Transfer-Encoding stand together.");
    if (p->headless || m->status < 200 || m->status == 204 || m->status == 304) {
        p->chunked = false;
        p->left = 0;
    } else if (!p->codings && !p->lengths) {
        m->request.keep_alive = false;
        p->place = AN__TO_END;
    }
    return true;
}

static bool needs_length(const an_http_request *r)
{
    return an_span_is(r->method, "POST") || an_span_is(r->method, "PUT") || an_span_is(r->method, "PATCH");
}

bool an__head_end(an_http_parser *p)
{
    an_http_request *r = &p->m->request;
    r->minor &= 1;
    if (p->reply) {
        if (!reply_end(p)) return false;
    } else {
        if (p->codings && p->lengths) return an__parser_bad(p, 400, "Content-Length and Transfer-Encoding stand together.");
        if (p->codings && !r->minor) return an__parser_bad(p, 400, "HTTP/1.0 has no Transfer-Encoding.");
        if (!p->hosts && r->minor) return an__parser_bad(p, 400, "The Host header is missing.");
        if (!r->minor && !p->lengths && needs_length(r)) return an__parser_bad(p, 411, "HTTP/1.0 must say the Content-Length of a body.");
        if (!r->minor) r->expect_continue = false;
        if (!read_target(p)) return false;
    }
    return true; /* whether the length is too much is known when it is known what becomes of the body */
}
