/* buf.c - growable bytes. */
#include "andon/base.h"

#include <stdlib.h>
#include <string.h>

static void reserve(an_buf *b, size_t more)
{
    size_t need;
    /* one past the end holds the NUL; an impossible size is left to an_resize_n to refuse */
    if (__builtin_add_overflow(b->size, more, &need) || __builtin_add_overflow(need, 1, &need)) need = SIZE_MAX;
    if (need <= b->capacity) return;
    size_t capacity = b->capacity < 64 ? 64 : b->capacity;
    while (capacity < need) capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
    b->data = an_resize_n(b->data, capacity, 1);
    b->capacity = capacity;
}

void an_buf_add(an_buf *b, const void *bytes, size_t n)
{
    reserve(b, n);
    if (n) memcpy(b->data + b->size, bytes, n);
    b->size += n;
    b->data[b->size] = '\0';
}

void an_buf_puts(an_buf *b, const char *text)
{
    an_buf_add(b, text, strlen(text));
}

void an_buf_putc(an_buf *b, char c)
{
    reserve(b, 1);
    b->data[b->size++] = c;
    b->data[b->size] = '\0';
}

void an_buf_printf(an_buf *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    reserve(b, 128);
    size_t room = b->capacity - b->size;
    int n = vsnprintf(b->data + b->size, room, format, args);
    if (n >= 0 && (size_t)n >= room) {
        reserve(b, (size_t)n);
        n = vsnprintf(b->data + b->size, b->capacity - b->size, format, again);
    }
    if (n > 0) b->size += (size_t)n;
    b->data[b->size] = '\0';
    va_end(again);
    va_end(args);
}

void an_buf_clear(an_buf *b)
{
    b->size = 0;
    if (b->data) b->data[0] = '\0';
}

void an_buf_free(an_buf *b)
{
    free(b->data);
    *b = (an_buf){ 0 };
}

char *an_buf_take(an_buf *b)
{
    char *text = b->data ? b->data : an_strdup("");
    *b = (an_buf){ 0 };
    return text;
}
