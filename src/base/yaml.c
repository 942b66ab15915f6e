/* yaml.c - YAML documents as JSON values, by libyaml's events. Plain scalars are read by the core schema of YAML 1.2 (section 10.3.2)
 * and not by that of 1.1, in which `no` is false and `12:30:45` is a number. What a file means is the caller's affair. */
#include "andon/base.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum {
    DEEPEST = 200,
    MOST_EXPANDED = 100000, /* values that aliases may add in all */
    LONGEST_PATH = 1024,    /* longer ones have no line recorded */
};
static const size_t LARGEST = (size_t)16 << 20; /* bytes of a YAML file */

struct an_yaml {
    json_t *root;
    json_t *lines; /* object: path -> line */
};

typedef struct reader {
    yaml_parser_t parser;
    const char *what;
    an_error *err;
    json_t *lines;
    json_t *anchors; /* object: name -> {"value": v, "size": number of values in it} */
    an_buf path;
    size_t expanded;
    size_t made; /* values so far, to size an anchor */
} reader;

/* ---- errors ---- */

static json_t *fail_at(reader *r, yaml_mark_t at, const char *format, ...) AN_PRINTF(3, 4);

static json_t *fail_at(reader *r, yaml_mark_t at, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    an_fail(r->err, AN_INPUT, "%s, line %zu, column %zu: %s", r->what, at.line + 1, at.column + 1, text);
    an_where(r->err, "%s:%zu:%zu", r->what, at.line + 1, at.column + 1);
    return NULL;
}

static bool next(reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event)) return true;
    if (r->parser.error == YAML_MEMORY_ERROR) return an_fail(r->err, AN_MEMORY, "not enough memory to read %s", r->what);
    yaml_mark_t at = r->parser.problem_mark;
    if (r->parser.error == YAML_READER_ERROR) { /* has no mark, only a byte */
        an_fail(r->err, AN_INPUT, "%s is not valid YAML: byte %zu: %s", r->what, r->parser.problem_offset, r->parser.problem);
        return an_where(r->err, "%s", r->what);
    }
    fail_at(r, at, "not valid YAML: %s%s%s", r->parser.context ? r->parser.context : "", r->parser.context ? ", " : "",
            r->parser.problem ? r->parser.problem : "unknown problem");
    return false;
}

/* ---- scalars ---- */

static bool one_of(const char *s, const char *a, const char *b, const char *c)
{
    return strcmp(s, a) == 0 || strcmp(s, b) == 0 || strcmp(s, c) == 0;
}

static size_t decimals(const char *s)
{
    return strspn(s, "0123456789");
}

static bool is_integer(const char *s)
{
    if (*s == '-' || *s == '+') s++;
    size_t n = decimals(s);
    return n > 0 && !s[n];
}

static bool is_real(const char *s)
{
    if (*s == '-' || *s == '+') s++;
    size_t whole = decimals(s), part = 0;
    s += whole;
    if (*s == '.') {
        part = decimals(++s);
        s += part;
    }
    if (whole + part == 0) return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        if (*s == '-' || *s == '+') s++;
        size_t n = decimals(s);
        if (n == 0) return false;
        s += n;
    }
    return !*s;
}

static bool prefixed(const char *s, int *base)
{
    bool octal = strncmp(s, "0o", 2) == 0, hex = strncmp(s, "0x", 2) == 0;
    if (!octal && !hex) return false;
    *base = octal ? 8 : 16;
    size_t n = strspn(s + 2, octal ? "01234567" : "0123456789abcdefABCDEF");
    return n > 0 && !s[2 + n];
}

static json_t *integer(reader *r, yaml_mark_t at, const char *s, int base)
{
    errno = 0;
    long long value = strtoll(base == 10 ? s : s + 2, NULL, base);
    if (errno) return fail_at(r, at, "%.60s is too large for an integer; quote it when it is a text", s);
    return json_integer(value);
}

static json_t *real(reader *r, yaml_mark_t at, const char *s)
{
    double value;
    if (!an_real_parse(s, strlen(s), &value)) return fail_at(r, at, "%.60s is too large for a number; quote it when it is a text", s);
    return json_real(value);
}

enum { ANY, TEXT, INTEGER, REAL, BOOLEAN, NOTHING };

static json_t *plain(reader *r, yaml_mark_t at, const char *s, int wanted)
{
    int base;
    bool any = wanted == ANY;
    if ((any || wanted == NOTHING) && (!*s || strcmp(s, "~") == 0 || one_of(s, "null", "Null", "NULL"))) return json_null();
    if ((any || wanted == BOOLEAN) && one_of(s, "true", "True", "TRUE")) return json_true();
    if ((any || wanted == BOOLEAN) && one_of(s, "false", "False", "FALSE")) return json_false();
    if (any || wanted == INTEGER) {
        if (is_integer(s)) return integer(r, at, s, 10);
        if (prefixed(s, &base)) return integer(r, at, s, base);
    }
    if ((any || wanted == REAL) && is_real(s)) return real(r, at, s);
    /* .inf and .nan have no place in JSON values: they stay texts, which no number parameter takes for a number */
    if (any) return json_string(s);
    return fail_at(r, at, "\"%.60s\" does not fit its tag", s);
}

static json_t *scalar(reader *r, const yaml_event_t *event)
{
    const char *s = (const char *)event->data.scalar.value, *tag = (const char *)event->data.scalar.tag;
    if (strlen(s) != event->data.scalar.length) return fail_at(r, event->start_mark, "a text holds a NUL character");
    int wanted = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? ANY : TEXT;
    if (tag) {
        static const struct {
            const char *tag;
            int wanted;
        } tags[] = { { "!", TEXT },
                     { YAML_STR_TAG, TEXT },
                     { YAML_INT_TAG, INTEGER },
                     { YAML_FLOAT_TAG, REAL },
                     { YAML_BOOL_TAG, BOOLEAN },
                     { YAML_NULL_TAG, NOTHING } };
        size_t i = 0;
        while (i < AN_COUNT(tags) && strcmp(tags[i].tag, tag) != 0) i++;
        if (i == AN_COUNT(tags)) return fail_at(r, event->start_mark, "the tag \"%.60s\" is not known here", tag);
        wanted = tags[i].wanted;
    }
    if (wanted != TEXT) return plain(r, event->start_mark, s, wanted);
    json_t *text = json_string(s);
    return text ? text : fail_at(r, event->start_mark, "a text is not valid UTF-8");
}

/* ---- nodes ---- */

static json_t *node(reader *r, yaml_event_t *event, int depth);

static size_t path_push(reader *r, const char *part)
{
    size_t before = r->path.size;
    if (before <= LONGEST_PATH) { /* beyond, no line is recorded anyway, and paths must not eat the memory */
        if (before) an_buf_putc(&r->path, '.');
        an_buf_puts(&r->path, part);
    }
    return before;
}

static void path_pop(reader *r, size_t before)
{
    if (r->path.size == before) return;
    r->path.size = before;
    r->path.data[before] = '\0';
}

static void line_note(reader *r, yaml_mark_t at)
{
    if (r->path.size <= LONGEST_PATH)
        json_object_set_new(r->lines, r->path.data ? r->path.data : "", json_integer((json_int_t)at.line + 1));
}

static json_t *sequence(reader *r, int depth)
{
    json_t *array = json_array();
    for (;;) {
        yaml_event_t event;
        if (!next(r, &event)) break;
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return array;
        }
        char index[24];
        snprintf(index, sizeof index, "%zu", json_array_size(array));
        size_t before = path_push(r, index);
        line_note(r, event.start_mark);
        json_t *item = node(r, &event, depth);
        path_pop(r, before);
        if (!item) break;
        json_array_append_new(array, item);
    }
    json_decref(array);
    return NULL;
}

/* One "key: value"; false on failure. The event is the key's and is released here. */
static bool pair(reader *r, json_t *object, yaml_event_t *event, int depth)
{
    yaml_mark_t at = event->start_mark;
    const char *key = (const char *)event->data.scalar.value;
    bool good = false, open = false;
    yaml_event_t value_event;
    size_t before = r->path.size;
    if (event->type != YAML_SCALAR_EVENT) {
        fail_at(r, at, "a key must be a plain text");
    } else if (strlen(key) != event->data.scalar.length) {
        fail_at(r, at, "a key holds a NUL character");
    } else if (event->data.scalar.anchor) {
        fail_at(r, at, "the key \"%.60s\" has an anchor; only values may", key);
    } else if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && strcmp(key, "<<") == 0) {
        fail_at(r, at, "merge keys (<<) are not supported; write the values out, or use an alias for a whole value");
    } else if (json_object_get(object, key)) {
        fail_at(r, at, "the key \"%.60s\" appears twice", key);
    } else if (next(r, &value_event)) {
        open = true;
        before = path_push(r, key);
        line_note(r, at);
        json_t *value = node(r, &value_event, depth);
        if (value) good = json_object_set_new(object, key, value) == 0 || fail_at(r, at, "a key is not valid UTF-8");
    }
    if (open) path_pop(r, before);
    yaml_event_delete(event);
    return good;
}

static json_t *mapping(reader *r, int depth)
{
    json_t *object = json_object();
    for (;;) {
        yaml_event_t event;
        if (!next(r, &event)) break;
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            return object;
        }
        if (!pair(r, object, &event, depth)) break;
    }
    json_decref(object);
    return NULL;
}

static json_t *alias(reader *r, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    json_t *anchor = json_object_get(r->anchors, name);
    if (!anchor) return fail_at(r, event->start_mark, "there is no anchor \"%.60s\" above this alias", name);
    size_t size = (size_t)json_integer_value(json_object_get(anchor, "size"));
    r->expanded += size;
    r->made += size - 1;
    if (r->expanded > MOST_EXPANDED) return fail_at(r, event->start_mark, "aliases expand to more than %d values", MOST_EXPANDED);
    /* a copy, so that changing one place never changes another */
    return json_deep_copy(json_object_get(anchor, "value"));
}

static bool container_tag(reader *r, const yaml_event_t *event, const char *tag, const char *core)
{
    if (!tag || strcmp(tag, core) == 0) return true;
    fail_at(r, event->start_mark, "the tag \"%.60s\" is not known here", tag);
    return false;
}

/* The value that begins with event, which is released here; NULL on failure. */
static json_t *node(reader *r, yaml_event_t *event, int depth)
{
    const char *anchor = NULL;
    json_t *value = NULL;
    size_t made = r->made++;
    if (depth > DEEPEST) {
        fail_at(r, event->start_mark, "values are nested deeper than %d levels", DEEPEST);
    } else if (event->type == YAML_ALIAS_EVENT) {
        value = alias(r, event);
    } else if (event->type == YAML_SCALAR_EVENT) {
        anchor = (const char *)event->data.scalar.anchor;
        value = scalar(r, event);
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = (const char *)event->data.sequence_start.anchor;
        if (container_tag(r, event, (const char *)event->data.sequence_start.tag, YAML_SEQ_TAG)) value = sequence(r, depth + 1);
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = (const char *)event->data.mapping_start.anchor;
        if (container_tag(r, event, (const char *)event->data.mapping_start.tag, YAML_MAP_TAG)) value = mapping(r, depth + 1);
    } else {
        fail_at(r, event->start_mark, "a value was expected");
    }
    if (value && anchor) {
        json_t *kept = json_object();
        json_object_set(kept, "value", value);
        json_object_set_new(kept, "size", json_integer((json_int_t)(r->made - made)));
        json_object_set_new(r->anchors, anchor, kept);
    }
    yaml_event_delete(event);
    return value;
}

static bool skipped(reader *r, yaml_event_type_t wanted, bool *is)
{
    yaml_event_t event;
    if (!next(r, &event)) return false;
    *is = event.type == wanted;
    if (!*is && wanted == YAML_STREAM_END_EVENT) fail_at(r, event.start_mark, "a second document begins; only one is allowed in a file");
    yaml_event_delete(&event);
    return true;
}

static json_t *document(reader *r)
{
    bool is;
    if (!skipped(r, YAML_STREAM_START_EVENT, &is) || !skipped(r, YAML_DOCUMENT_START_EVENT, &is)) return NULL;
    if (!is) return json_null(); /* the stream ended: nothing but comments */
    yaml_event_t event;
    if (!next(r, &event)) return NULL;
    line_note(r, event.start_mark);
    json_t *root = node(r, &event, 1);
    if (root && skipped(r, YAML_DOCUMENT_END_EVENT, &is) && skipped(r, YAML_STREAM_END_EVENT, &is) && is) return root;
    json_decref(root);
    return NULL;
}

/* ---- outside ---- */

an_yaml *an_yaml_parse(const char *text, size_t n, const char *what, an_error *err)
{
    if (n > LARGEST) {
        an_fail(err, AN_INPUT, "%s is larger than the %zu bytes allowed here", what, LARGEST);
        return NULL;
    }
    reader r = { .what = what, .err = err, .lines = json_object(), .anchors = json_object() };
    an_yaml *y = NULL;
    if (!yaml_parser_initialize(&r.parser)) {
        an_fail(err, AN_MEMORY, "not enough memory to read %s", what);
    } else {
        yaml_parser_set_input_string(&r.parser, (const unsigned char *)(n ? text : ""), n);
        json_t *root = document(&r);
        yaml_parser_delete(&r.parser);
        if (root) {
            y = an_alloc(sizeof *y);
            y->root = root;
            y->lines = json_incref(r.lines);
        }
    }
    json_decref(r.lines);
    json_decref(r.anchors);
    an_buf_free(&r.path);
    return y;
}

an_yaml *an_yaml_read(const char *path, an_error *err)
{
    an_buf text = { 0 };
    an_yaml *y = NULL;
    if (an_file_read(path, LARGEST, &text, err)) y = an_yaml_parse(text.data, text.size, path, err);
    an_buf_free(&text);
    return y;
}

const json_t *an_yaml_root(const an_yaml *y)
{
    return y->root;
}

int an_yaml_line(const an_yaml *y, const char *path)
{
    return (int)json_integer_value(json_object_get(y->lines, path));
}

void an_yaml_free(an_yaml *y)
{
    if (!y) return;
    json_decref(y->root);
    json_decref(y->lines);
    free(y);
}
