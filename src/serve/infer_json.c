/* infer_json.c - the strict JSON reader of infer_json.h. */
#include "serve/infer_json.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

void an__json_open(an__json *j, an_span body, int limit, an_error *err)
{
    j->start = j->at = body.size ? body.data : "";
    j->end = j->at + body.size;
    j->depth = 0;
    j->limit = limit;
    j->takes_nan = false;
    j->err = err;
    an_buf_clear(&j->text);
}

/* ---- errors ------------------------------------------------------------------------------------------------------------------- */

static void place(const an__json *j, size_t *line, size_t *column)
{
    *line = *column = 1;
    for (const char *p = j->start; p < j->at; p++) {
        *column = *p == '\n' ? 1 : *column + 1;
        *line += *p == '\n';
    }
}

bool an__json_fail(an__json *j, const char *format, ...)
{
    char message[512];
    size_t line, column;
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    an_fail(j->err, AN_INPUT, "%s", message);
    place(j, &line, &column);
    return an_where(j->err, "line %zu, column %zu", line, column);
}

static bool word_at(const an__json *j, const char *word)
{
    size_t n = strlen(word);
    return (size_t)(j->end - j->at) >= n && !memcmp(j->at, word, n);
}

bool an__json_unexpected(an__json *j, const char *what)
{
    char kind = an__json_peek(j);
    static const char *const numbers[] = { "NaN", "nan", "Infinity", "-Infinity", "-NaN", "Inf", "inf", "-inf", "-Inf" };
    for (size_t i = 0; i < AN_COUNT(numbers); i++)
        if (word_at(j, numbers[i])) {
            an__json_fail(j, "%s is no JSON: expected %s", numbers[i], what);
            return an_hint(j->err, "write null for a missing value; infinite values are not accepted");
        }
    if (j->at == j->end) return an__json_fail(j, "the body ends where %s is expected", what);
    const char *found = kind == '{'   ? "an object"
                        : kind == '[' ? "a list"
                        : kind == '"' ? "a text"
                        : kind == '0' ? "a number"
                        : kind == 'n' ? "null"
                        : kind        ? "a truth value"
                                      : NULL;
    if (found) return an__json_fail(j, "expected %s, found %s", what, found);
    unsigned char c = (unsigned char)*j->at;
    if (c == 0xef && word_at(j, "\xef\xbb\xbf")) return an__json_fail(j, "the body begins with a byte order mark; send plain UTF-8");
    if (j->at == j->start && j->end - j->at > 1 && (c >= 0xfe || !j->at[1]))
        return an__json_fail(j, "the body looks like UTF-16; send UTF-8");
    if (c > 0x20 && c < 0x7f) return an__json_fail(j, "expected %s, found '%c'", what, c);
    return an__json_fail(j, "expected %s, found byte 0x%02x", what, c);
}

/* ---- structure ------------------------------------------------------------------------------------------------------------------- */

static void blanks(an__json *j)
{
    while (j->at < j->end && (*j->at == ' ' || *j->at == '\n' || *j->at == '\t' || *j->at == '\r')) j->at++;
}

char an__json_peek(an__json *j)
{
    blanks(j);
    if (j->at == j->end) return 0;
    char c = *j->at;
    if (c >= '0' && c <= '9') return '0';
    switch (c) {
    case '-':
        return j->at + 1 < j->end && j->at[1] >= '0' && j->at[1] <= '9' ? '0' : 0;
    case '{':
    case '[':
    case '"':
        return c;
    case 't':
        return word_at(j, "true") ? c : 0;
    case 'f':
        return word_at(j, "false") ? c : 0;
    case 'n':
        return word_at(j, "null") ? c : 0;
    default:
        return 0;
    }
}

bool an__json_enter(an__json *j, char open, const char *what)
{
    if (an__json_peek(j) != open) return an__json_unexpected(j, what);
    if (j->depth >= j->limit) return an__json_fail(j, "the body nests deeper than %d levels", j->limit);
    j->at++;
    j->depth++;
    return true;
}

/* After '{' or '[', or a value in it: 1 when another follows, 0 when it ended, -1 when neither. */
static int more(an__json *j, bool first, char close)
{
    blanks(j);
    if (j->at < j->end && *j->at == close) {
        j->at++;
        j->depth--;
        return 0;
    }
    if (first) return 1;
    if (j->at == j->end || *j->at != ',') {
        an__json_unexpected(j, close == '}' ? "',' or '}'" : "',' or ']'");
        return -1;
    }
    j->at++;
    blanks(j);
    if (j->at < j->end && *j->at == close) {
        an__json_fail(j, "a ',' with nothing behind it");
        return -1;
    }
    return 1;
}

int an__json_member(an__json *j, bool first, an_span *key)
{
    int found = more(j, first, '}');
    if (found <= 0) return found;
    if (an__json_peek(j) != '"') {
        an__json_unexpected(j, "a key in double quotes");
        return -1;
    }
    if (!an__json_string(j, key)) return -1;
    blanks(j);
    if (j->at == j->end || *j->at != ':') {
        an__json_unexpected(j, "':' behind a key");
        return -1;
    }
    j->at++;
    return 1;
}

int an__json_element(an__json *j, bool first)
{
    return more(j, first, ']');
}

bool an__json_end(an__json *j)
{
    blanks(j);
    return j->at == j->end || an__json_fail(j, "something follows the end of the JSON value");
}

bool an__json_skip(an__json *j)
{
    an_span text;
    double number;
    bool truth;
    int next;
    switch (an__json_peek(j)) {
    case '{':
        if (!an__json_enter(j, '{', "an object")) return false;
        for (bool first = true; (next = an__json_member(j, first, &text)) > 0; first = false)
            if (!an__json_skip(j)) return false; /* no deeper than the limit */
        return next == 0;
    case '[':
        if (!an__json_enter(j, '[', "a list")) return false;
        for (bool first = true; (next = an__json_element(j, first)) > 0; first = false)
            if (!an__json_skip(j)) return false;
        return next == 0;
    case '"':
        return an__json_string(j, &text);
    case '0':
        return an__json_number(j, &number, NULL);
    case 't':
    case 'f':
        return an__json_bool(j, &truth, "a truth value");
    case 'n':
        return an__json_null(j);
    default:
        return an__json_nan(j) || an__json_unexpected(j, "a value");
    }
}

bool an__json_null(an__json *j)
{
    j->at += 4;
    return true;
}

bool an__json_nan(an__json *j)
{
    if (!j->takes_nan || an__json_peek(j) || !word_at(j, "NaN")) return false;
    j->at += 3;
    return true;
}

bool an__json_bool(an__json *j, bool *value, const char *what)
{
    char kind = an__json_peek(j);
    if (kind != 't' && kind != 'f') return an__json_unexpected(j, what);
    *value = kind == 't';
    j->at += *value ? 4 : 5;
    return true;
}

/* ---- numbers ---------------------------------------------------------------------------------------------------------------------- */

static bool digit(const char *p, const char *end)
{
    return p < end && (unsigned char)(*p - '0') < 10;
}

bool an__json_number(an__json *j, double *value, an_span *literal)
{
    static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                     1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    if (an__json_peek(j) != '0') return an__json_unexpected(j, "a number");
    const char *p = j->at, *end = j->end;
    bool negative = *p == '-', plain = true;
    p += negative;
    if (*p == '0' && digit(p + 1, end)) return an__json_fail(j, "a number with a leading zero");
    uint64_t whole = 0;
    int digits = 0, exponent = 0; /* digits are counted from the first that is not 0 */
    for (; digit(p, end); p++) {
        whole = whole * 10 + (uint64_t)(*p - '0'); /* may wrap: used for up to 19 digits alone */
        digits += digits || *p != '0';
    }
    if (p < end && *p == '.') {
        const char *point = p++;
        for (; digit(p, end); p++) {
            whole = whole * 10 + (uint64_t)(*p - '0');
            digits += digits || *p != '0';
        }
        if (p == point + 1) return an__json_fail(j, "a number that ends with its decimal point");
        exponent = (int)(p - point - 1 < 1000 ? p - point - 1 : 1000) * -1;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-')) p++;
        if (!digit(p, end)) return an__json_fail(j, "a number without digits in its exponent");
        while (digit(p, end)) p++;
        plain = false;
    }
    an_span all = { j->at, (size_t)(p - j->at) };
    if (plain && digits <= 19 && whole <= (uint64_t)1 << 53 && exponent >= -22) { /* Clinger 1990: exact operands, one rounding */
        double size = (double)whole / powers[-exponent];
        *value = negative ? -size : size;
    } else if (!an_real_parse(all.data, all.size, value) || !isfinite(*value)) {
        an__json_fail(j, "%.*s%s is larger than a double can hold", all.size > 40 ? 40 : (int)all.size, all.data,
                      all.size > 40 ? "..." : "");
        return an_hint(j->err, "write null for a missing value; infinite values are not accepted");
    }
    if (literal) *literal = all;
    j->at = p;
    return true;
}

bool an__json_integer(an__json *j, int64_t *value, const char *what)
{
    if (an__json_peek(j) != '0') return an__json_unexpected(j, what);
    const char *p = j->at;
    bool negative = *p == '-', ok;
    p += negative;
    ok = *p != '0' || !digit(p + 1, j->end);
    int64_t size = 0;
    for (; digit(p, j->end); p++) ok = ok && !__builtin_mul_overflow(size, 10, &size) && !__builtin_add_overflow(size, *p - '0', &size);
    if (ok && p < j->end && (*p == '.' || *p == 'e' || *p == 'E')) { /* 1.0 and 1e3 are whole, too */
        const char *at = j->at;
        double number;
        if (!an__json_number(j, &number, NULL)) return false;
        p = j->at;
        j->at = at;
        ok = number == floor(number) && fabs(number) <= 0x1p53;
        size = ok ? (int64_t)fabs(number) : 0;
    }
    if (!ok) {
        size_t n = (size_t)(p - j->at);
        return an__json_fail(j, "expected %s, found %.*s%s", what, n > 40 ? 40 : (int)n, j->at, n > 40 ? "..." : "");
    }
    *value = negative ? -size : size;
    j->at = p;
    return true;
}

/* ---- strings ---------------------------------------------------------------------------------------------------------------------- */

static bool follows(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* Bytes of the well-formed UTF-8 sequence at p (Unicode 15, table 3-7); 0: none. */
static size_t sequence(const unsigned char *p, const unsigned char *end)
{
    size_t left = (size_t)(end - p);
    if (*p >= 0xc2 && *p <= 0xdf) return left > 1 && follows(p[1]) ? 2 : 0;
    if (*p >= 0xe0 && *p <= 0xef) {
        if (left < 3 || !follows(p[1]) || !follows(p[2])) return 0;
        return (*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ? 0 : 3;
    }
    if (*p >= 0xf0 && *p <= 0xf4) {
        if (left < 4 || !follows(p[1]) || !follows(p[2]) || !follows(p[3])) return 0;
        return (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f) ? 0 : 4;
    }
    return 0;
}

static bool four_hex(const char *p, const char *end, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        char c = p + i < end ? p[i] : 'x', low = (char)(c | 0x20);
        uint32_t d;
        if (c >= '0' && c <= '9')
            d = (uint32_t)(c - '0');
        else if (low >= 'a' && low <= 'f')
            d = (uint32_t)(low - 'a' + 10);
        else
            return false;
        *out = *out << 4 | d;
    }
    return true;
}

static void add_utf8(an_buf *b, uint32_t c)
{
    char bytes[4];
    size_t n = 0;
    if (c < 0x80) {
        bytes[n++] = (char)c;
    } else if (c < 0x800) {
        bytes[n++] = (char)(0xc0 | c >> 6);
        bytes[n++] = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        bytes[n++] = (char)(0xe0 | c >> 12);
        bytes[n++] = (char)(0x80 | (c >> 6 & 63));
        bytes[n++] = (char)(0x80 | (c & 63));
    } else {
        bytes[n++] = (char)(0xf0 | c >> 18);
        bytes[n++] = (char)(0x80 | (c >> 12 & 63));
        bytes[n++] = (char)(0x80 | (c >> 6 & 63));
        bytes[n++] = (char)(0x80 | (c & 63));
    }
    an_buf_add(b, bytes, n);
}

/* An escape at *p, behind the backslash; appended to the text. */
static bool escape(an__json *j, const char **p)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = *p < j->end ? *(*p)++ : '\0';
    const char *known = c ? strchr(from, c) : NULL;
    if (known) {
        an_buf_putc(&j->text, to[known - from]);
        return true;
    }
    uint32_t unit, low;
    if (c != 'u') return an__json_fail(j, "a backslash that escapes nothing");
    if (!four_hex(*p, j->end, &unit)) return an__json_fail(j, "\\u without four hexadecimal digits");
    *p += 4;
    if (unit >= 0xd800 && unit < 0xe000) {
        bool pair = unit < 0xdc00 && j->end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u' && four_hex(*p + 2, j->end, &low) &&
                    low >= 0xdc00 && low < 0xe000;
        if (!pair) return an__json_fail(j, "a lone surrogate \\u%04x, which is half a character", unit);
        *p += 6;
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    }
    add_utf8(&j->text, unit);
    return true;
}

/* Bytes of plain ASCII from p on, eight at a time: no quote, backslash, control character or byte above 0x7f. */
static const char *plain_run(const char *p, const char *end)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    for (; end - p >= 8; p += 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');
        uint64_t stop = ((quote - ones) & ~quote) | ((slash - ones) & ~slash) | ((w - ones * 0x20) & ~w) | w;
        if (!(stop & tops)) continue;
        /* a borrow can mark bytes behind one that stops, never before it */
        return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? p + (__builtin_ctzll(stop & tops) >> 3) : p;
    }
    return p;
}

bool an__json_string(an__json *j, an_span *out)
{
    if (an__json_peek(j) != '"') return an__json_unexpected(j, "a text");
    const char *p = j->at + 1, *from = p;
    bool copied = false;
    while (true) {
        p = plain_run(p, j->end);
        if (p == j->end) return an__json_fail(j, "a text without its closing quote");
        unsigned char c = (unsigned char)*p;
        if (c == '"') break;
        if (c == '\\') {
            if (!copied) an_buf_clear(&j->text);
            copied = true;
            an_buf_add(&j->text, from, (size_t)(p - from));
            const char *next = p + 1;
            j->at = p;
            if (!escape(j, &next)) return false;
            p = from = next;
        } else if (c < 0x20) {
            j->at = p;
            return an__json_fail(j, "a control character (0x%02x) in a text; write \\u%04x", c, c);
        } else if (c < 0x80) {
            p++;
        } else {
            size_t n = sequence((const unsigned char *)p, (const unsigned char *)j->end);
            j->at = n ? j->at : p;
            if (!n) return an__json_fail(j, "byte 0x%02x is not UTF-8", c);
            p += n;
        }
    }
    if (copied) {
        an_buf_add(&j->text, from, (size_t)(p - from));
        *out = (an_span){ j->text.data, j->text.size };
    } else {
        *out = (an_span){ from, (size_t)(p - from) };
    }
    j->at = p + 1;
    return true;
}
