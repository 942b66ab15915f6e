/* classes.c - the target as classes: names, counts, labels. */
#include "impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void an__names_free(char **names, size_t count)
{
    for (size_t i = 0; names && i < count; i++) free(names[i]);
    free(names);
}

/* A set of texts in the order they came, with a hash table of number + 1. */
typedef struct seen {
    char **names;
    uint32_t *slot;
    size_t count, slots;
} seen;

static size_t place(seen *s, const char *text)
{
    if (2 * (s->count + 1) > s->slots) {
        s->slots = s->slots ? 4 * s->slots : 64;
        free(s->slot);
        s->slot = an_alloc_n(s->slots, sizeof *s->slot);
        for (size_t k = 0; k < s->count; k++) {
            size_t at = an__hash(s->names[k], strlen(s->names[k])) & (s->slots - 1);
            while (s->slot[at]) at = (at + 1) & (s->slots - 1);
            s->slot[at] = (uint32_t)k + 1;
        }
    }
    size_t at = an__hash(text, strlen(text)) & (s->slots - 1);
    for (; s->slot[at]; at = (at + 1) & (s->slots - 1)) {
        if (!strcmp(s->names[s->slot[at] - 1], text)) return s->slot[at] - 1;
    }
    if (!(s->count & (s->count - 1))) s->names = an_resize_n(s->names, s->count ? 2 * s->count : 1, sizeof *s->names);
    s->names[s->count] = an_strdup(text);
    s->slot[at] = (uint32_t)++s->count;
    return s->count - 1;
}

typedef struct named {
    char *name;
    size_t index;
} named;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

bool an__classes(const an_table *t, const an_column *c, size_t limit, int32_t *class_of, char ***names, size_t *count, an_error *err)
{
    seen s = { 0 };
    an_buf text = { 0 };
    bool ok = true;
    double last = NAN;
    int32_t last_class = -1;
    for (size_t i = 0; i < t->rows; i++) {
        if (!an_valid(c, i)) {
            class_of[i] = -1;
            continue;
        }
        if (c->type == AN_CATEGORY) { /* codes are sorted by bytes already; counted below */
            class_of[i] = c->code[i];
            continue;
        }
        double value = an_cell_number(c, i);
        if (value == last) { /* runs of one value are the rule in a target column */
            class_of[i] = last_class;
            continue;
        }
        an_buf_clear(&text);
        an_cell_text(c, i, &text);
        class_of[i] = (int32_t)place(&s, text.data ? text.data : "");
        last = value;
        last_class = class_of[i];
        if (s.count > limit) {
            ok = an_fail(err, AN_INPUT, "column %s has more than %zu classes", c->name, limit);
            break;
        }
    }
    an_buf_free(&text);
    if (c->type == AN_CATEGORY) { /* leave out names that no row has (a selection of rows) */
        int32_t *used = an_alloc_n((size_t)c->dictionary.count + 1, sizeof *used);
        for (size_t i = 0; i < t->rows; i++) {
            if (class_of[i] >= 0) used[class_of[i]] = 1;
        }
        for (int32_t k = 0; k < c->dictionary.count; k++) {
            if (used[k]) used[k] = (int32_t)place(&s, c->dictionary.names[k]);
        }
        for (size_t i = 0; i < t->rows; i++) {
            if (class_of[i] >= 0) class_of[i] = used[class_of[i]];
        }
        free(used);
        if (s.count > limit) ok = an_fail(err, AN_INPUT, "column %s has more than %zu classes", c->name, limit);
    }
    if (ok) {
        int32_t *rank = an_alloc_n(s.count + 1, sizeof *rank);
        named *sorted = an_alloc_n(s.count + 1, sizeof *sorted);
        for (size_t k = 0; k < s.count; k++) sorted[k] = (named){ s.names[k], k };
        qsort(sorted, s.count, sizeof *sorted, by_name);
        if (!s.names) s.names = an_alloc_n(1, sizeof *s.names);
        for (size_t k = 0; k < s.count; k++) {
            rank[sorted[k].index] = (int32_t)k;
            s.names[k] = sorted[k].name;
        }
        for (size_t i = 0; i < t->rows; i++) {
            if (class_of[i] >= 0) class_of[i] = rank[class_of[i]];
        }
        free(rank);
        free(sorted);
        *names = s.names;
        *count = s.count;
    } else {
        an__names_free(s.names, s.count);
    }
    free(s.slot);
    return ok;
}

bool an_table_classes(const an_table *t, an_class_count **classes, size_t *count, an_error *err)
{
    const an_column *target = an_table_target(t, err);
    if (!target) return false;
    int32_t *class_of = an_alloc_data(t->rows ? t->rows : 1, sizeof *class_of, "the classes of the target", err);
    if (!class_of) return false;
    char **names = NULL;
    size_t n = 0;
    bool ok = an__classes(t, target, t->rows, class_of, &names, &n, err);
    if (ok) {
        an_class_count *out = an_alloc_n(n ? n : 1, sizeof *out);
        for (size_t k = 0; k < n; k++) out[k].name = names[k];
        for (size_t i = 0; i < t->rows; i++) {
            if (class_of[i] >= 0) out[class_of[i]].count++;
        }
        *classes = out;
        *count = n;
    }
    free(names);
    free(class_of);
    return ok;
}

void an_class_counts_free(an_class_count *classes, size_t count)
{
    for (size_t k = 0; classes && k < count; k++) free(classes[k].name);
    free(classes);
}

char *an__canonical_value(const an_column *c, const char *text)
{
    char number[32];
    double value;
    if (c->type == AN_BOOLEAN) {
        static const char *const yes[] = { "true", "True", "TRUE", "yes", "Yes", "YES", "1" };
        static const char *const no[] = { "false", "False", "FALSE", "no", "No", "NO", "0" };
        for (size_t i = 0; i < AN_COUNT(yes); i++) {
            if (!strcmp(text, yes[i])) return an_strdup(an__boolean_text(c, true));
            if (!strcmp(text, no[i])) return an_strdup(an__boolean_text(c, false));
        }
    }
    if (c->type == AN_REAL && an_real_parse(text, strlen(text), &value)) return an_strdup(an_real_text(value, number));
    if (c->type == AN_INTEGER && an_real_parse(text, strlen(text), &value) && value == floor(value) && fabs(value) < 9e15) {
        return an_format("%lld", (long long)value);
    }
    return an_strdup(text);
}

bool an_table_labels(const an_table *t, uint8_t *label, an_error *err)
{
    const an_column *target = an_table_target(t, err);
    if (!target) return false;
    for (size_t i = 0; target->missing && i < t->rows; i++) {
        if (an_valid(target, i)) continue;
        an_fail(err, AN_INPUT, "the target %s is missing in row %zu", target->name, i + 1);
        return an_hint(err, "leave such rows out, or give them a label");
    }
    return an_table_labels_known(t, label, err);
}

bool an_table_labels_known(const an_table *t, uint8_t *label, an_error *err)
{
    const an_column *target = an_table_target(t, err);
    if (!target) return false;
    int32_t *class_of = an_alloc_data(t->rows ? t->rows : 1, sizeof *class_of, "the classes of the target", err);
    if (!class_of) return false;
    char **names = NULL;
    size_t n = 0;
    bool ok = an__classes(t, target, t->rows, class_of, &names, &n, err);
    if (ok && n < 2) {
        ok = n ? an_fail(err, AN_INPUT, "the target %s has one class, %s", target->name, names[0])
               : an_fail(err, AN_INPUT, "the target %s has no value in any row", target->name);
    } else if (ok && n > 2 && !t->positive) {
        an_fail(err, AN_INPUT, "the target %s has %zu classes where two are needed", target->name, n);
        ok = an_hint(err, "import with --positive %s, say, to tell that one from the rest", names[0]);
    }
    if (ok) {
        char *positive = t->positive ? an__canonical_value(target, t->positive) : NULL;
        int32_t which = -1;
        for (int32_t k = 0; k < (int32_t)n && positive; k++) {
            if (!strcmp(names[k], positive)) which = k;
        }
        if (!t->positive) { /* the rarer class, on a tie the later by bytes */
            size_t first = 0, second = 0;
            for (size_t i = 0; i < t->rows; i++) {
                first += class_of[i] == 0;
                second += class_of[i] == 1;
            }
            which = second <= first ? 1 : 0;
        }
        if (which < 0) {
            ok = an_fail(err, AN_INPUT, "the target %s has no value %s; it has %s%s %s", target->name, t->positive, names[0],
                         n == 2 ? " and" : ", ... ,", names[n - 1]);
        }
        for (size_t i = 0; ok && i < t->rows; i++) label[i] = class_of[i] == which;
        free(positive);
    }
    an__names_free(names, n);
    free(class_of);
    return ok;
}
