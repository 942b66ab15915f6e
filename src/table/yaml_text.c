/* yaml_text.c - values as YAML text that reads back the same, and places in a YAML document for messages. */
#include "schema.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool plain_word(const char *text)
{
    static const char *const words[] = { "null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE", "yes",
                                         "no",   "on",   "off",  "y",    "n",    "Yes",  "No",    "On",    "Off" };
    size_t n = strlen(text);
    if (!n || !((*text >= 'A' && *text <= 'Z') || (*text >= 'a' && *text <= 'z'))) return false;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter && c != '_' && c != '.' && c != '/' && !((c == '-' || c == ' ') && i + 1 < n && text[i + 1] != ' ')) return false;
    }
    for (size_t i = 0; i < AN_COUNT(words); i++) {
        if (!strcmp(text, words[i])) return false;
    }
    return true;
}

void an__yaml_scalar(an_buf *out, const char *text)
{
    if (plain_word(text)) {
        an_buf_puts(out, text);
        return;
    }
    an_buf_putc(out, '"');
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\') {
            an_buf_putc(out, '\\');
            an_buf_putc(out, *p);
        } else if (c < 0x20 || c == 0x7f) {
            an_buf_printf(out, "\\x%02X", c);
        } else if (c == 0xc2 && (unsigned char)p[1] < 0xa0) { /* C1 control characters and next line are not printable in YAML */
            an_buf_printf(out, "\\x%02X", (unsigned char)*++p);
        } else if (!strncmp(p, "\xe2\x80\xa8", 3) || !strncmp(p, "\xe2\x80\xa9", 3)) { /* line separators */
            an_buf_printf(out, "\\u20%02X", (unsigned char)p[2] == 0xa8 ? 0x28u : 0x29u);
            p += 2;
        } else if (!strncmp(p, "\xef\xbb\xbf", 3)) {
            an_buf_puts(out, "\\uFEFF");
            p += 2;
        } else if (!strncmp(p, "\xef\xbf\xbe", 3) || !strncmp(p, "\xef\xbf\xbf", 3)) { /* not characters */
            an_buf_puts(out, (unsigned char)p[2] == 0xbe ? "\\uFFFE" : "\\uFFFF");
            p += 2;
        } else {
            an_buf_putc(out, *p);
        }
    }
    an_buf_putc(out, '"');
}

void an__yaml_value(an_buf *out, const json_t *value)
{
    char number[32];
    size_t i;
    const char *key;
    json_t *item;
    if (json_is_string(value)) {
        an__yaml_scalar(out, json_string_value(value));
    } else if (json_is_integer(value)) {
        an_buf_printf(out, "%" PRId64, (int64_t)json_integer_value(value));
    } else if (json_is_real(value)) {
        an_buf_puts(out, an_real_text(json_real_value(value), number));
    } else if (json_is_boolean(value)) {
        an_buf_puts(out, json_is_true(value) ? "true" : "false");
    } else if (json_is_array(value)) {
        an_buf_putc(out, '[');
        json_array_foreach(value, i, item) {
            if (i) an_buf_puts(out, ", ");
            an__yaml_value(out, item);
        }
        an_buf_putc(out, ']');
    } else if (json_is_object(value)) {
        an_buf_putc(out, '{');
        i = 0;
        json_object_foreach((json_t *)value, key, item) {
            if (i++) an_buf_puts(out, ", ");
            an__yaml_scalar(out, key);
            an_buf_puts(out, ": ");
            an__yaml_value(out, item);
        }
        an_buf_putc(out, '}');
    } else {
        an_buf_puts(out, "null");
    }
}

static int line_of(const an_yaml *y, const char *path)
{
    int line = an_yaml_line(y, path);
    char *shorter = an_strdup(path);
    while (!line && *shorter) { /* the nearest value around it that has a line */
        char *dot = strrchr(shorter, '.');
        *(dot ? dot : shorter) = 0;
        line = an_yaml_line(y, shorter);
    }
    free(shorter);
    return line;
}

bool an__context_place(const an_yaml *y, const char *path, an_error *err)
{
    int line = line_of(y, path);
    if (!err) return false;
    if (err->code == AN_NOT_FOUND) err->code = AN_INPUT; /* it is the document that is wrong */
    an_context(err, "line %d", line);
    if (!err->where[0]) an_where(err, "line %d, %s", line, path);
    return false;
}

bool an__fail_place(const an_yaml *y, const char *path, an_error *err, const char *format, ...)
{
    char text[800];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    an_fail(err, AN_INPUT, "%s", text);
    return an__context_place(y, path, err);
}

bool an__known_keys(const an_yaml *y, const char *path, const json_t *object, const char *const *known, size_t count, an_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        bool found = false;
        for (size_t k = 0; k < count && !found; k++) found = !strcmp(key, known[k]);
        if (found) continue;
        const char *near = an_nearest(key, known, count);
        char *place = an_format("%s%s%s", path, *path ? "." : "", key);
        an__fail_place(y, place, err, "\"%.60s\" is not known here", key);
        free(place);
        if (near) return an_hint(err, "did you mean %s?", near);
        an_buf list = { 0 };
        for (size_t k = 0; k < count; k++) an_buf_printf(&list, "%s%s", k ? ", " : "", known[k]);
        an_hint(err, "known are %s", list.data);
        an_buf_free(&list);
        return false;
    }
    return true;
}
