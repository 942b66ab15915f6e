/* gearbox_table.c - columns as the simulator fills them: no missing cells, texts of one width, categories from small codes. */
#include "sim/gearbox.h"

#include <stdlib.h>
#include <string.h>

void an__serial(size_t row, char out[AN__SERIAL_WIDTH + 1])
{
    out[0] = 'G';
    out[1] = 'B';
    out[AN__SERIAL_WIDTH] = 0;
    for (size_t i = AN__SERIAL_WIDTH - 1, n = row + 1; i >= 2; i--, n /= 10) out[i] = (char)('0' + n % 10);
}

an_column *an__add_full(an_table *t, const char *name, const char *unit, an_type type, an_error *err)
{
    an_column *c = an_table_add(t, name, type, err);
    if (!c) return NULL;
    free(c->valid);
    c->valid = NULL;
    c->missing = 0;
    c->unit = an_strdup(unit);
    return c;
}

an_column *an__add_text(an_table *t, const char *name, size_t width, an_error *err)
{
    an_column *c = an__add_full(t, name, NULL, AN_TEXT, err);
    if (!c) return NULL;
    c->text.bytes = an_alloc_data(t->rows * width + 1, 1, "a text column", err);
    if (!c->text.bytes) return NULL;
    for (size_t i = 0; i <= t->rows; i++) c->text.offset[i] = i * width;
    return c;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

an_column *an__add_category(an_table *t, const char *name, const uint8_t *code, const char *const *names, int count, an_error *err)
{
    bool seen[256] = { false };
    const char *sorted[256];
    uint8_t place[256] = { 0 };
    an_column *c = an__add_full(t, name, NULL, AN_CATEGORY, err);
    if (!c) return NULL;
    for (size_t i = 0; i < t->rows; i++) seen[code[i]] = true;
    for (int k = 0; k < count; k++) {
        if (seen[k]) sorted[c->dictionary.count++] = names[k];
    }
    size_t n = (size_t)c->dictionary.count;
    qsort(sorted, n, sizeof *sorted, by_text);
    c->dictionary.names = an_alloc_n(n + 1, sizeof *c->dictionary.names);
    for (size_t p = 0; p < n; p++) {
        c->dictionary.names[p] = an_strdup(sorted[p]);
        for (int k = 0; k < count; k++) {
            if (!strcmp(names[k], sorted[p])) place[k] = (uint8_t)p;
        }
    }
    for (size_t i = 0; i < t->rows; i++) c->code[i] = place[code[i]];
    return c;
}
