/* parts_message.c - see parts_message.h. */
#include "serve/parts_message.h"

#include <math.h>
#include <string.h>

void an__part_doubt(json_t *why, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_t *s = json_string(text);
    json_array_append_new(why, s ? s : json_string("a value that is no text"));
}

void an__part_merge(json_t *known, const json_t *fresh, json_t *why)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)fresh, name, value) {
        json_t *before = json_object_get(known, name);
        bool same = before && (json_equal(before, value) ||
                               (json_is_number(before) && json_is_number(value) && json_number_value(before) == json_number_value(value)));
        if (before && !same) an__part_doubt(why, "%s came twice, with different values", name);
        if (!before) json_object_set(known, name, value);
    }
}

bool an__part_message(const json_t *m, int64_t *attempt, an_error *err)
{
    static const char *const known[] = { "model", "attempt", "features", "complete" };
    const char *name;
    json_t *value;
    if (!json_is_object(m)) return an_fail(err, AN_INPUT, "a message about a part is an object: {\"features\": {...}}");
    json_object_foreach((json_t *)(uintptr_t)m, name, value) {
        bool is = false;
        for (size_t i = 0; i < AN_COUNT(known); i++) is |= !strcmp(name, known[i]);
        if (is) continue;
        const char *near = an_nearest(name, known, AN_COUNT(known));
        an_fail(err, AN_INPUT, "\"%.100s\" is no part of a message: model, attempt, features, complete", name);
        return near ? an_hint(err, "did you mean \"%s\"?", near) : false;
    }
    json_t *a = json_object_get(m, "attempt"), *f = json_object_get(m, "features"), *c = json_object_get(m, "complete"),
           *n = json_object_get(m, "model");
    double number = a ? json_number_value(a) : 1; /* 1.0 is 1, as JSON Schema has it */
    if (a && (!json_is_number(a) || number != floor(number) || number < 1 || number > 0x1p53))
        return an_fail(err, AN_INPUT, "\"attempt\" is not a whole number from 1 to 9007199254740992");
    *attempt = json_is_integer(a) ? json_integer_value(a) : (int64_t)number;
    if (*attempt > 1LL << 53) return an_fail(err, AN_INPUT, "\"attempt\" is not a whole number from 1 to 9007199254740992");
    if (f && !json_is_object(f)) return an_fail(err, AN_INPUT, "\"features\" is not an object of names and values");
    if (c && !json_is_boolean(c)) return an_fail(err, AN_INPUT, "\"complete\" is neither true nor false");
    if (n && !json_is_string(n)) return an_fail(err, AN_INPUT, "\"model\" is not a text");
    json_object_foreach(f, name, value)
        if (json_is_object(value) || json_is_array(value))
            return an_fail(err, AN_INPUT, "feature \"%.100s\" is neither a number, a text, true, false nor null", name);
    return true;
}

bool an__part_serial(const char *serial, an_error *err)
{
    size_t n = strlen(serial);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)serial[i] < 0x20 || serial[i] == 0x7f)
            return an_fail(err, AN_INPUT, "a serial number has no control characters");
    json_t *text = json_string(serial);
    bool ok = text && n <= 128;
    json_decref(text);
    return ok || an_fail(err, AN_INPUT, "a serial number is at most 128 bytes of UTF-8");
}
