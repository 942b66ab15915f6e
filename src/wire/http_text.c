/* http_text.c - small things of HTTP that have no state: characters, slices, percent escapes, names of statuses. */
#include "wire/http.h"

#include <stdlib.h>
#include <string.h>

bool an_span_is(an_span s, const char *text)
{
    size_t n = strlen(text);
    return s.data && s.size == n && memcmp(s.data, text, n) == 0;
}

bool an__nocase(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char x = (unsigned char)a[i], y = (unsigned char)b[i];
        if (x == y) continue;
        if ((x ^ y) != 0x20 || (x | 0x20) < 'a' || (x | 0x20) > 'z') return false;
    }
    return true;
}

bool an_span_is_nocase(an_span s, const char *text)
{
    size_t n = strlen(text);
    return s.data && s.size == n && an__nocase(s.data, text, n);
}

/* What a byte may stand in. Tokens: RFC 9110, section 5.6.2; values: visible, blank, tab, above 0x7f; hosts: RFC 3986 reg-name, unescaped.
 */
enum { TOKEN = 1, VALUE = 2, HOST = 4, V = VALUE, TV = TOKEN | VALUE, TVH = TOKEN | VALUE | HOST };
/* clang-format off */
static const uint8_t kinds[256] = {
    ['\t'] = V, [' '] = V, ['"'] = V, ['('] = V, [')'] = V, [','] = V, ['/'] = V, [':' ... '@'] = V,
    ['[' ... ']'] = V, ['{'] = V, ['}'] = V,
    ['#'] = TV, ['%'] = TV, ['^'] = TV, ['`'] = TV, ['|'] = TV,
    ['!'] = TVH, ['$'] = TVH, ['&'] = TVH, ['\''] = TVH, ['*'] = TVH, ['+'] = TVH, ['-'] = TVH, ['.'] = TVH, ['_'] = TVH, ['~'] = TVH,
    ['0' ... '9'] = TVH, ['A' ... 'Z'] = TVH, ['a' ... 'z'] = TVH,
    [0x80 ... 0xff] = V,
};
/* clang-format on */

bool an__host_char(unsigned char c)
{
    return kinds[c] & HOST;
}

bool an__token_char(unsigned char c)
{
    return kinds[c] & TOKEN;
}

bool an__value_char(unsigned char c)
{
    return kinds[c] & VALUE;
}

int an__hex(unsigned char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

an_span an_http_get(const an_http_request *r, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < r->headers; i++) {
        if (r->header[i].name.size == n && an__nocase(r->header[i].name.data, name, n)) return r->header[i].value;
    }
    return (an_span){ 0 };
}

/* Form decoding ('+' is a blank); the parser has refused bad escapes already, what is left of them stands as it is. */
static char *form_decode(const char *from, size_t n)
{
    char *text = an_alloc(n + 1), *to = text;
    for (size_t i = 0; i < n; i++) {
        if (from[i] == '%' && n - i > 2 && an__hex((unsigned char)from[i + 1]) >= 0 && an__hex((unsigned char)from[i + 2]) >= 0) {
            *to++ = (char)(an__hex((unsigned char)from[i + 1]) << 4 | an__hex((unsigned char)from[i + 2]));
            i += 2;
        } else {
            *to++ = from[i] == '+' ? ' ' : from[i];
        }
    }
    *to = '\0';
    return text;
}

char *an_http_query(const an_http_request *r, const char *name, size_t index)
{
    const char *at = r->query.data, *end = at ? at + r->query.size : NULL;
    while (at && at < end) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        if (!stop) stop = end;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        const char *name_end = equals ? equals : stop;
        char *key = form_decode(at, (size_t)(name_end - at));
        bool hit = strcmp(key, name) == 0 && name_end > at;
        free(key);
        if (hit && index-- == 0) return equals ? form_decode(equals + 1, (size_t)(stop - equals - 1)) : an_strdup("");
        at = stop + 1;
    }
    return NULL;
}

const char *an__status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } table[] = {
        { 200, "OK" },
        { 201, "Created" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 206, "Partial Content" },
        { 301, "Moved Permanently" },
        { 302, "Found" },
        { 303, "See Other" },
        { 304, "Not Modified" },
        { 307, "Temporary Redirect" },
        { 308, "Permanent Redirect" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 406, "Not Acceptable" },
        { 408, "Request Timeout" },
        { 409, "Conflict" },
        { 410, "Gone" },
        { 411, "Length Required" },
        { 412, "Precondition Failed" },
        { 413, "Content Too Large" },
        { 414, "URI Too Long" },
        { 415, "Unsupported Media Type" },
        { 416, "Range Not Satisfiable" },
        { 417, "Expectation Failed" },
        { 422, "Unprocessable Content" },
        { 425, "Too Early" },
        { 426, "Upgrade Required" },
        { 428, "Precondition Required" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
        { 505, "HTTP Version Not Supported" },
        { 507, "Insufficient Storage" },
    };
    for (size_t i = 0; i < AN_COUNT(table); i++) {
        if (table[i].status == status) return table[i].text;
    }
    return "Status";
}
