/* error.c - failures as values: filling, wrapping and showing an an_error. Who prints them is the command line's affair. */
#include "andon/base.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *name;
    int status;
} codes[] = {
#define AN_CODE_ROW(code, name, status) [code] = { name, status },
    AN_CODES(AN_CODE_ROW)
#undef AN_CODE_ROW
};

const char *an_code_name(an_code code)
{
    return (size_t)code < AN_COUNT(codes) ? codes[code].name : "failed";
}

int an_code_exit(an_code code)
{
    return (size_t)code < AN_COUNT(codes) ? codes[code].status : 1;
}

/* Arguments may point into the very error that is being filled, so everything is formatted aside first. */
enum { ROOM = 4096 };

static void fill(char *out, size_t size, bool keep_lines, const char *format, va_list args) AN_PRINTF(4, 0);

static void fill(char *out, size_t size, bool keep_lines, const char *format, va_list args)
{
    char text[ROOM];
    if (vsnprintf(text, sizeof text, format, args) < 0) snprintf(text, sizeof text, "%s", format);
    an__text_clean(out, size, text, keep_lines);
}

bool an_fail(an_error *err, an_code code, const char *format, ...)
{
    if (!err) return false;
    va_list args;
    va_start(args, format);
    fill(err->message, sizeof err->message, false, format, args);
    va_end(args);
    err->code = code;
    err->where[0] = err->hint[0] = '\0';
    return false;
}

bool an_context(an_error *err, const char *format, ...)
{
    if (!err) return false;
    char prefix[sizeof err->message];
    va_list args;
    va_start(args, format);
    fill(prefix, sizeof prefix, false, format, args);
    va_end(args);
    char text[2 * sizeof err->message + 2];
    snprintf(text, sizeof text, "%s: %s", prefix, err->message);
    an__text_clean(err->message, sizeof err->message, text, false);
    return false;
}

bool an_where(an_error *err, const char *format, ...)
{
    if (!err) return false;
    va_list args;
    va_start(args, format);
    fill(err->where, sizeof err->where, false, format, args);
    va_end(args);
    return false;
}

bool an_hint(an_error *err, const char *format, ...)
{
    if (!err) return false;
    va_list args;
    va_start(args, format);
    fill(err->hint, sizeof err->hint, true, format, args);
    va_end(args);
    return false;
}

bool an_fail_errno(an_error *err, const char *format, ...)
{
    int number = errno;
    if (!err) return false;
    char text[sizeof err->message], reason[128];
    va_list args;
    va_start(args, format);
    fill(text, sizeof text, false, format, args);
    va_end(args);
    const char *why = strerror_r(number, reason, sizeof reason);
    an_fail(err, AN_IO, "%s: %s", text, why);
    if (number == ENOSPC || number == EDQUOT) an_hint(err, "Free some disk space, or choose a folder on another disk, and try again.");
    if (number == EACCES || number == EPERM || number == EROFS)
        an_hint(err, "Check who owns the file or folder and whether it may be written.");
    if (number == EMFILE || number == ENFILE) an_hint(err, "Raise the limit on open files (ulimit -n) and try again.");
    errno = number;
    return false;
}

static json_t *text_or_null(const char *text)
{
    return text[0] ? json_string(text) : json_null();
}

json_t *an_error_json(const an_error *err)
{
    return json_pack("{s:{s:s,s:s,s:o,s:o}}", "error", "code", an_code_name(err->code), "message", err->message, "where",
                     text_or_null(err->where), "hint", text_or_null(err->hint));
}
