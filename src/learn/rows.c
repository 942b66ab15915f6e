/* rows.c - features and categories of a model by their text: hash tables made once a model, for servers that turn names and texts into
 * places and codes a million times a second; and which values of a row lie outside what the model was trained on. Scoring such rows is
 * runtime.c's. */
#include "learn/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Open addressing with linear probing, at most half full. The texts are the model's own, so that nobody outside can make them collide. */
typedef struct entry {
    const char *text; /* borrowed from the model; NULL: free */
    size_t size;
    size_t value;
} entry;

typedef struct index {
    entry *slot;
    size_t mask; /* slots - 1 */
} index_table;

struct an__index {
    index_table features;
    index_table *categories; /* one a feature; no slots where it is a number */
    size_t count;
};

static uint64_t word(const char *text, size_t n)
{
    uint64_t w = 0;
    memcpy(&w, text, n);
    return w;
}

/* Eight bytes at a step, mixed by multiplication (the finaliser of Stafford's variant 13 of MurmurHash3 at the end). */
static uint64_t hash(const char *text, size_t n)
{
    uint64_t h = n * 0x9e3779b97f4a7c15u;
    for (; n > 8; text += 8, n -= 8) h = (h ^ word(text, 8)) * 0xff51afd7ed558ccdu, h ^= h >> 32;
    h ^= word(text, n);
    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
    h = (h ^ h >> 27) * 0x94d049bb133111ebu;
    return h ^ h >> 31;
}

static void table_new(index_table *t, size_t count)
{
    size_t slots = 4;
    while (slots < 2 * count) slots *= 2;
    t->slot = an_alloc_n(slots, sizeof *t->slot);
    t->mask = slots - 1;
}

/* Where the text is, or the free slot where it would be. */
static entry *table_at(const index_table *t, const char *text, size_t n)
{
    for (size_t i = hash(text, n);; i++) {
        entry *e = &t->slot[i & t->mask];
        if (!e->text || (e->size == n && !memcmp(e->text, text, n))) return e;
    }
}

static void table_put(index_table *t, const char *text, size_t value)
{
    size_t n = strlen(text);
    entry *e = table_at(t, text, n);
    if (!e->text) *e = (entry){ text, n, value };
}

an__index *an__index_new(const an_model *m)
{
    an__index *x = an_alloc(sizeof *x);
    x->count = m->prep->columns;
    x->categories = an_alloc_n(x->count + 1, sizeof *x->categories);
    table_new(&x->features, x->count);
    for (size_t i = 0; i < x->count; i++) {
        const an_prep_column *c = &m->prep->column[i];
        table_put(&x->features, c->name, i);
        if (an__feature_is_number(c)) continue;
        table_new(&x->categories[i], (size_t)c->dictionary.count);
        for (int32_t k = 0; k < c->dictionary.count; k++) table_put(&x->categories[i], c->dictionary.names[k], (size_t)k);
    }
    return x;
}

void an__index_free(an__index *x)
{
    if (!x) return;
    for (size_t i = 0; i < x->count; i++) free(x->categories[i].slot);
    free(x->categories);
    free(x->features.slot);
    free(x);
}

double an_model_code(const an_model *m, size_t feature, const char *text, size_t n)
{
    const an_prep_column *c = &m->prep->column[feature];
    if (!n || an__feature_is_number(c)) return NAN;
    const entry *e = table_at(&an__runtime_index(m)->categories[feature], text, n);
    return e->text ? (double)e->value : (double)an__code_unseen(c);
}

size_t an_model_feature_find(const an_model *m, const char *name, size_t n)
{
    const entry *e = table_at(&an__runtime_index(m)->features, name, n);
    return e->text ? e->value : SIZE_MAX;
}

int64_t an__code_of(const an_prep_column *c, double value)
{
    if (isnan(value)) return an__code_missing(c);
    if (value >= 0 && value <= (double)an__code_missing(c) && value == floor(value)) return (int64_t)value;
    return an__code_unseen(c);
}

bool an_model_value_outside(const an_model *m, size_t feature, double value)
{
    const an_prep_column *c = &m->prep->column[feature];
    if (!an__feature_is_number(c)) return an__code_of(c, value) == an__code_unseen(c);
    return value < c->low || value > c->high; /* false where missing, or without a range */
}

void an_model_out_of_range_values(const an_model *m, const double *row, an_buf *out)
{
    size_t start = out->size;
    for (size_t f = 0; f < m->prep->columns; f++) {
        if (!an_model_value_outside(m, f, row[f])) continue;
        if (out->size > start) an_buf_putc(out, ';');
        an_buf_puts(out, m->prep->column[f].name);
    }
}
