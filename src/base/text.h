/* text.h - text helpers shared by the files of the base room. */
#ifndef ANDON_SRC_BASE_TEXT_H
#define ANDON_SRC_BASE_TEXT_H

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>

/* Bytes of the well-formed UTF-8 sequence at s (1-4; no surrogates, no overlong forms), 0 when there is none within n bytes. */
size_t an__utf8_step(const char *s, size_t n);

/* Copies text into out[size], cut at a character boundary: ill-formed bytes become '?', control characters a blank
 * (line feeds stay when keep_lines), so that the result is one printable piece of valid UTF-8. */
void an__text_clean(char *out, size_t size, const char *text, bool keep_lines);

/* The C locale, whatever setlocale says. glibc and musl hand out a static object here: nothing is allocated. */
static inline locale_t an__c_locale(void)
{
    return newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

#endif
