/* join_keys.c - the key columns of a join: one name for all tables, or one a table (Seriennummer=SerialNo=Serial), and what is said where a
 * table has no such column. */
#include "join.h"

#include <stdlib.h>
#include <string.h>

enum { LOOK_ROWS = 1000, LOOK_NAMES = 4 };

/* ---- a column whose cells are keys of another table ---- */

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint64_t cell_hash(const an_column *c, size_t row, an_buf *text)
{
    text->size = 0;
    an_cell_text(c, row, text);
    return an__hash(text->data ? text->data : "", text->size);
}

/* The texts of a key column as sorted hashes; NULL: no memory, and then there is no advice. */
static uint64_t *key_hashes(const an_table *t, const an_column *key, size_t *count)
{
    uint64_t *list = an_alloc_data(t->rows + 1, sizeof *list, "keys", NULL);
    an_buf text = { 0 };
    *count = 0;
    for (size_t i = 0; list && i < t->rows; i++) {
        if (an_valid(key, i)) list[(*count)++] = cell_hash(key, i, &text);
    }
    an_buf_free(&text);
    if (list) qsort(list, *count, sizeof *list, by_value);
    return list;
}

/* Share of the first values of a column that are keys; few different values (0, 1, 2) are no keys. */
static double overlap(const an_table *t, const an_column *c, const uint64_t *keys, size_t count)
{
    uint64_t seen[64];
    size_t values = 0, known = 0, distinct = 0;
    an_buf text = { 0 };
    for (size_t i = 0; i < t->rows && values < LOOK_ROWS; i++) {
        if (!an_valid(c, i)) continue;
        uint64_t h = cell_hash(c, i, &text);
        size_t k = 0;
        while (k < distinct && seen[k] != h) k++;
        if (k == distinct && distinct < AN_COUNT(seen)) seen[distinct++] = h;
        known += bsearch(&h, keys, count, sizeof h, by_value) != NULL;
        values++;
    }
    an_buf_free(&text);
    return distinct < AN_COUNT(seen) && 2 * distinct < values ? 0 : values ? (double)known / (double)values : 0;
}

static bool may_be_key(const an_column *c)
{
    return c->type == AN_INTEGER || c->type == AN_CATEGORY || c->type == AN_TEXT;
}

/* The column of table t that is most likely its key; NULL: none is. keys NULL: nothing to compare with. */
static const an_column *likely(const an_table *t, const uint64_t *keys, size_t count)
{
    const an_column *best = NULL;
    double most = 0;
    for (size_t j = 0; j < t->columns; j++) {
        const an_column *c = &t->column[j];
        if (!may_be_key(c)) continue;
        double share = keys ? overlap(t, c, keys, count) : 0;
        if (!keys && (c->role == AN_ID || (c->reason && !strcmp(c->reason, "identifier")))) share = c->role == AN_ID ? 2 : 1;
        if (share <= most) continue;
        most = share;
        best = c;
    }
    return best;
}

/* "its columns that hold keys of press: SerialNo; --on Seriennummer=SerialNo=Serial names one a table" */
static bool advise(const an__join *j, const char *on, size_t lacking, an_error *err)
{
    size_t from = 0, count = 0;
    while (from < j->count && !an_table_find(j->tables[from], on)) from++;
    uint64_t *keys = from < j->count ? key_hashes(j->tables[from], an_table_find(j->tables[from], on), &count) : NULL;
    an_buf names = { 0 };
    bool all = true;
    const char *found = NULL;
    for (size_t t = 0; t < j->count; t++) {
        const an_column *c = an_table_find(j->tables[t], on);
        if (!c) c = likely(j->tables[t], keys, count);
        if (t == lacking && c) found = c->name;
        all = all && c;
        an_buf_printf(&names, "%s%s", t ? "=" : "", c ? c->name : "COLUMN");
    }
    if (found && keys)
        an_hint(err, "%s of %s holds the same keys: --on %s names the key of each table, in their order", found, j->names[lacking],
                names.data);
    else if (all)
        an_hint(err, "where the key has other names, --on names it for each table, in their order: --on %s", names.data);
    else
        an_hint(err, "where the key has other names, --on names it for each table, in their order: --on %s (COLUMN: its name there)",
                names.data);
    an_buf_free(&names);
    free(keys);
    return false;
}

/* ---- the keys ---- */

static bool all_have(const an__join *j, const char *name)
{
    for (size_t t = 0; t < j->count; t++) {
        if (!an_table_find(j->tables[t], name)) return false;
    }
    return true;
}

bool an__join_keys(an__join *j, const char *on, an_error *err)
{
    bool each = strchr(on, '=') && !all_have(j, on); /* a column may have = in its name */
    if (!each) {
        for (size_t t = 0; t < j->count; t++) {
            j->key[t] = an_table_need(j->tables[t], on, err);
            if (j->key[t]) continue;
            an_context(err, "%s", j->names[t]);
            return advise(j, on, t, err);
        }
        return true;
    }
    an_list name = { 0 };
    for (const char *p = on, *end; p; p = end ? end + 1 : NULL) {
        end = strchr(p, '=');
        an_list_add_take(&name, end ? an_strndup(p, (size_t)(end - p)) : an_strdup(p));
    }
    bool ok = name.count == j->count;
    if (!ok) {
        an_fail(err, AN_USAGE, "--on %s names %zu columns, and there are %zu tables", on, name.count, j->count);
        an_hint(err, "one name where all tables have it, or one for each table, in their order: --on Seriennummer=SerialNo=Serial");
    }
    for (size_t t = 0; ok && t < j->count; t++) {
        j->key[t] = an_table_need(j->tables[t], name.items[t], err);
        if (!j->key[t]) ok = an_context(err, "--on %s: %s", on, j->names[t]);
    }
    an_list_free(&name);
    return ok;
}
