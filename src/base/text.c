/* text.c - lists of strings, UTF-8 checks, the nearest name to a misspelt one. Numbers as text are in real.c. */
#include "base/text.h"
#include "andon/base.h"

#include <stdlib.h>
#include <string.h>

size_t an__utf8_step(const char *s, size_t n)
{
    if (n == 0) return 0;
    unsigned char lead = (unsigned char)s[0];
    if (lead < 0x80) return 1;
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || n < length) return 0;
    for (size_t i = 1; i < length; i++)
        if (((unsigned char)s[i] & 0xc0) != 0x80) return 0;
    unsigned char second = (unsigned char)s[1];
    bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
    bool surrogate = lead == 0xed && second > 0x9f;
    bool beyond = lead == 0xf4 && second > 0x8f;
    return overlong || surrogate || beyond ? 0 : length;
}

void an__text_clean(char *out, size_t size, const char *text, bool keep_lines)
{
    size_t left = strlen(text), used = 0;
    while (left) {
        size_t step = an__utf8_step(text, left);
        size_t width = step ? step : 1;
        if (used + width + 1 > size) break;
        unsigned char c = (unsigned char)*text;
        if (!step) {
            out[used] = '?';
        } else if ((c < 0x20 && !(keep_lines && c == '\n')) || c == 0x7f) {
            out[used] = ' ';
        } else {
            memcpy(out + used, text, step);
        }
        used += width;
        text += width;
        left -= width;
    }
    out[used] = '\0';
}

void an_list_add_take(an_list *l, char *text)
{
    /* grown at powers of two: count alone tells when */
    if ((l->count & (l->count - 1)) == 0) l->items = an_resize_n(l->items, l->count ? l->count * 2 : 1, sizeof *l->items);
    l->items[l->count++] = text;
}

void an_list_add(an_list *l, const char *text)
{
    an_list_add_take(l, an_strdup(text));
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void an_list_split(an_list *l, const char *text, char separator)
{
    if (!text) return;
    an_buf part = { 0 };
    for (const char *s = text;;) {
        an_buf_clear(&part);
        while (blank(*s) && *s != separator) s++;
        bool quoted = *s == '"';
        if (quoted) {
            for (s++; *s && (*s != '"' || s[1] == '"'); s++) {
                if (*s == '"') s++; /* a doubled quote is one */
                an_buf_putc(&part, *s);
            }
            if (*s == '"') s++;
        }
        const char *rest = s;
        while (*s && *s != separator) s++;
        size_t n = (size_t)(s - rest);
        while (n && blank(rest[n - 1])) n--;
        an_buf_add(&part, rest, n);
        if (part.size || quoted) an_list_add(l, part.data);
        if (!*s) break;
        s++;
    }
    an_buf_free(&part);
}

bool an_list_has(const an_list *l, const char *text)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i], text) == 0) return true;
    return false;
}

void an_list_free(an_list *l)
{
    for (size_t i = 0; i < l->count; i++) free(l->items[i]);
    free(l->items);
    *l = (an_list){ 0 };
}

/* Names are compared without regard to case, with '-' as '_'. */
static char folded(char c)
{
    return c == '-' ? '_' : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours cost one each. rows: 3 x (m + 1). */
static size_t distance(const char *a, size_t n, const char *b, size_t m, size_t *rows)
{
    size_t *before = rows, *last = rows + m + 1, *row = rows + 2 * (m + 1);
    for (size_t j = 0; j <= m; j++) last[j] = j;
    for (size_t i = 1; i <= n; i++) {
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            bool same = folded(a[i - 1]) == folded(b[j - 1]);
            size_t best = last[j - 1] + !same;
            if (last[j] + 1 < best) best = last[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            bool swapped = i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) && folded(a[i - 2]) == folded(b[j - 1]);
            if (swapped && before[j - 2] + 1 < best) best = before[j - 2] + 1;
            row[j] = best;
        }
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[m];
}

const char *an_nearest(const char *word, const char *const *names, size_t count)
{
    size_t n = word ? strlen(word) : 0, best = SIZE_MAX;
    if (n == 0 || n > 256) return NULL;
    const char *found = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t m = strlen(names[i]);
        if (m == 0 || m > 256) continue;
        size_t *rows = an_alloc_n(3 * (m + 1), sizeof *rows);
        size_t d = distance(word, n, names[i], m, rows);
        free(rows);
        size_t longer = n > m ? n : m, near = longer <= 2 ? 0 : longer <= 5 ? 1 : longer <= 8 ? 2 : 3;
        if (d <= near && d < best) {
            best = d;
            found = names[i];
        }
    }
    return found;
}
