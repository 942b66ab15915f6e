/* memory.c - two kinds of allocation: small ones that cannot fail (the program ends instead), and those that grow with the
 * user's data and report AN_MEMORY. */
#include "andon/base.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* No stdio on purpose: it might want memory itself. */
static _Noreturn void exhausted(void)
{
    static const char text[] = "andon: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    _exit(1);
}

void *an_alloc(size_t bytes)
{
    return an_alloc_n(bytes, 1);
}

void *an_alloc_n(size_t count, size_t size)
{
    if (count == 0 || size == 0) count = size = 1;
    void *p = calloc(count, size);
    if (!p) exhausted();
    return p;
}

void *an_resize_n(void *p, size_t count, size_t size)
{
    if (count == 0 || size == 0) count = size = 1;
    void *q = reallocarray(p, count, size);
    if (!q) exhausted();
    return q;
}

char *an_strdup(const char *s)
{
    return s ? an_strndup(s, strlen(s)) : NULL;
}

char *an_strndup(const char *s, size_t n)
{
    if (!s) return NULL;
    n = strnlen(s, n);
    if (n == SIZE_MAX) exhausted();
    char *copy = an_alloc(n + 1);
    memcpy(copy, s, n);
    return copy;
}

char *an_format(const char *format, ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) exhausted();
    return text;
}

/* 64 bytes: one cache line, one AVX-512 register. */
void *an_alloc_data(size_t count, size_t size, const char *what, an_error *err)
{
    size_t bytes = 0;
    void *p = NULL;
    bool fits = !__builtin_mul_overflow(count, size, &bytes) && bytes <= PTRDIFF_MAX - 64;
    if (fits) {
        if (bytes == 0) bytes = 1;
        fits = posix_memalign(&p, 64, bytes) == 0;
    }
    if (!fits) {
        an_fail(err, AN_MEMORY, "not enough memory for %s: %.3g MB are needed", what, (double)count * (double)size / 1e6);
        an_hint(err, "Close other programs, use fewer rows or columns, or run on a machine with more memory.");
        return NULL;
    }
    memset(p, 0, bytes);
    return p;
}
