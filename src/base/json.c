/* json.c - JSON by jansson, with what foreign files need: a limit on depth, no duplicate keys, errors that name the place. Writing is
 * ours: sorted keys and shortest numbers, so that the same value is the same bytes (hashes depend on it). */
#include "andon/base.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 200 };
static const size_t LARGEST = (size_t)1 << 30; /* bytes of a JSON file */

/* ---- reading ---- */

/* Nesting outside strings, before the parser recurses; byte of the first bracket that is too deep, or n. */
static size_t too_deep_at(const char *text, size_t n)
{
    bool inside = false;
    int depth = 0;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (inside) {
            if (c == '\\') i++;
            inside = c != '"';
        } else if (c == '"') {
            inside = true;
        } else if ((c == '[' || c == '{') && ++depth > DEEPEST) {
            return i;
        } else if (c == ']' || c == '}') {
            depth--;
        }
    }
    return n;
}

json_t *an_json_parse(const char *text, size_t n, const char *what, an_error *err)
{
    size_t deep = too_deep_at(text, n);
    if (deep < n) {
        size_t line = 1;
        for (size_t i = 0; i < deep; i++) line += text[i] == '\n';
        an_fail(err, AN_INPUT, "%s, line %zu: brackets are nested deeper than %d levels", what, line, DEEPEST);
        an_where(err, "%s:%zu", what, line);
        return NULL;
    }
    json_error_t at;
    json_t *value = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &at);
    if (value) return value;
    if (json_error_code(&at) == json_error_out_of_memory) {
        an_fail(err, AN_MEMORY, "not enough memory to read %s", what);
        return NULL;
    }
    an_fail(err, AN_INPUT, "%s is not valid JSON: line %d, column %d: %s", what, at.line, at.column, at.text);
    an_where(err, "%s:%d:%d", what, at.line, at.column);
    return NULL;
}

json_t *an_json_read(const char *path, an_error *err)
{
    an_buf text = { 0 };
    json_t *value = NULL;
    if (an_file_read(path, LARGEST, &text, err)) value = an_json_parse(text.data, text.size, path, err);
    an_buf_free(&text);
    return value;
}

/* ---- writing ---- */

static void write_string(an_buf *b, const char *s, size_t n)
{
    an_buf_putc(b, '"');
    size_t plain = 0; /* start of what was not copied yet */
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) continue;
        an_buf_add(b, s + plain, i - plain);
        plain = i + 1;
        const char *shorts = "\"\"\\\\\bb\ff\nn\rr\tt", *found = NULL;
        for (const char *p = shorts; *p && !found; p += 2)
            if ((unsigned char)*p == c) found = p + 1;
        if (found) {
            char pair[2] = { '\\', *found };
            an_buf_add(b, pair, 2);
        } else {
            an_buf_printf(b, "\\u%04x", c);
        }
    }
    an_buf_add(b, s + plain, n - plain);
    an_buf_putc(b, '"');
}

static void write_real(an_buf *b, double value)
{
    char text[32];
    an_buf_puts(b, an_real_text(value, text));
    if (!text[strcspn(text, ".e")]) an_buf_puts(b, ".0"); /* stays a real when read again */
}

static void new_line(an_buf *b, int depth)
{
    an_buf_putc(b, '\n');
    for (int i = 0; i < depth; i++) an_buf_add(b, "  ", 2);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void write_value(an_buf *b, const json_t *value, bool pretty, int depth);

static void write_object(an_buf *b, const json_t *value, bool pretty, int depth)
{
    size_t count = json_object_size(value), i = 0;
    const char **keys = an_alloc_n(count, sizeof *keys), *key;
    json_t *item, *object = (json_t *)value; /* jansson iterates over non-const values only; nothing is changed */
    json_object_foreach(object, key, item) keys[i++] = key;
    qsort(keys, count, sizeof *keys, by_key);
    an_buf_putc(b, '{');
    for (i = 0; i < count; i++) {
        if (i) an_buf_putc(b, ',');
        if (pretty) new_line(b, depth + 1);
        write_string(b, keys[i], strlen(keys[i]));
        an_buf_puts(b, pretty ? ": " : ":");
        write_value(b, json_object_get(value, keys[i]), pretty, depth + 1);
    }
    if (pretty && count) new_line(b, depth);
    an_buf_putc(b, '}');
    free(keys);
}

static void write_value(an_buf *b, const json_t *value, bool pretty, int depth)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        write_object(b, value, pretty, depth);
        break;
    case JSON_ARRAY: {
        size_t count = json_array_size(value);
        an_buf_putc(b, '[');
        for (size_t i = 0; i < count; i++) {
            if (i) an_buf_putc(b, ',');
            if (pretty) new_line(b, depth + 1);
            write_value(b, json_array_get(value, i), pretty, depth + 1);
        }
        if (pretty && count) new_line(b, depth);
        an_buf_putc(b, ']');
        break;
    }
    case JSON_STRING:
        write_string(b, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        an_buf_printf(b, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        write_real(b, json_real_value(value));
        break;
    case JSON_TRUE:
        an_buf_puts(b, "true");
        break;
    case JSON_FALSE:
        an_buf_puts(b, "false");
        break;
    case JSON_NULL:
        an_buf_puts(b, "null");
        break;
    }
}

char *an_json_text(const json_t *value, bool pretty)
{
    an_buf b = { 0 };
    if (value) write_value(&b, value, pretty, 0);
    return an_buf_take(&b);
}

bool an_json_write(const char *path, const json_t *value, an_error *err)
{
    if (!value) return an_fail(err, AN_FAILED, "there is no value to write to \"%s\"", path);
    an_buf b = { 0 };
    write_value(&b, value, true, 0);
    an_buf_putc(&b, '\n');
    bool good = an_file_write(path, b.data, b.size, err);
    an_buf_free(&b);
    return good;
}

/* ---- small helpers ---- */

json_t *an_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

double an_json_number(const json_t *value, double otherwise)
{
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

const char *an_json_string(const json_t *object, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : otherwise;
}
