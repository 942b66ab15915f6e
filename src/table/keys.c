/* keys.c - hashes of rows, by which splits are made: the same content gives the same key whatever the order of columns and rows,
 * whether a number was read as integer or real, and whatever codes a dictionary gave. */
#include "impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Fixed for ever: another key would move rows between the training and the test part of every stored data set. */
static const uint8_t key_bytes[16] = "andon row key 01";

uint64_t an__hash(const void *bytes, size_t n)
{
    return an_siphash(key_bytes, bytes, n);
}

uint64_t an__hash_seeded(uint64_t seed, const void *bytes, size_t n)
{
    uint8_t key[16];
    memcpy(key, key_bytes, 16);
    for (int i = 0; i < 8; i++) key[i] ^= (uint8_t)(seed >> (8 * i));
    return an_siphash(key, bytes, n);
}

int an__keyed_compare(const void *a, const void *b)
{
    const an__keyed *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

void an__cell_content(const an_column *c, size_t row, an_buf *out)
{
    if (!an_valid(c, row)) {
        an_buf_putc(out, 'm');
        return;
    }
    if (c->type == AN_TENSOR) {
        an_buf_putc(out, 't');
        an_buf_add(out, (const char *)c->tensor_data + row * an__cell_bytes(c), an__cell_bytes(c));
        return;
    }
    if (an__is_number(c->type)) {
        double value = an_cell_number(c, row);
        if (value == 0) value = 0; /* one zero */
        char bytes[9] = "n";
        memcpy(bytes + 1, &value, 8);
        if ((c->type == AN_INTEGER || c->type == AN_DATETIME) &&
            fabs(value) >= 9007199254740992.0) { /* beyond the integers a double can tell apart */
            bytes[0] = 'i';
            memcpy(bytes + 1, &c->integer[row], 8);
        }
        an_buf_add(out, bytes, 9);
        return;
    }
    an_buf_putc(out, 's');
    size_t mark = out->size;
    uint64_t length = 0;
    an_buf_add(out, &length, 8);
    an_cell_text(c, row, out);
    length = out->size - mark - 8;
    memcpy(out->data + mark, &length, 8);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(an_column *const *)a)->name, (*(an_column *const *)b)->name);
}

/* columns: sorted by name */
static void row_keys(const an_table *t, an_column *const *columns, size_t n, const an_column *id, uint64_t *key)
{
    an_buf row = { 0 };
    for (size_t j = 0; j < n; j++) { /* the names once, in front of every row's content */
        an_buf_puts(&row, columns[j]->name);
        an_buf_putc(&row, '\0');
    }
    size_t prefix = row.size;
    for (size_t i = 0; i < t->rows; i++) {
        row.size = prefix;
        if (an_table_generated(t, i)) {
            an_buf generated = { 0 };
            const an_origin *o = &t->origins[t->origin[i] - 1];
            an_buf_puts(&generated, "generated");
            an_buf_add(&generated, &o->seed, 8);
            an_buf_add(&generated, &t->origin_row[i], 8);
            an_buf_puts(&generated, o->generator);
            key[i] = an__hash(generated.data, generated.size);
            an_buf_free(&generated);
            continue;
        }
        if (id && an_valid(id, i)) {
            size_t mark = row.size;
            an_buf_puts(&row, "id");
            an__cell_content(id, i, &row);
            key[i] = an__hash(row.data + mark, row.size - mark);
            continue;
        }
        for (size_t j = 0; j < n; j++) an__cell_content(columns[j], i, &row);
        key[i] = an__hash(row.data, row.size);
    }
    an_buf_free(&row);
}

bool an_table_row_keys(const an_table *t, uint64_t *key, an_error *err)
{
    (void)err;
    an_column **columns = an_alloc_n(t->columns ? t->columns : 1, sizeof *columns), *id = NULL;
    size_t n = 0;
    for (size_t j = 0; j < t->columns; j++) {
        an_column *c = &t->column[j];
        if (c->role == AN_ID && !id) id = c;
        if (c->role == AN_FEATURE || c->role == AN_TARGET) columns[n++] = c;
    }
    qsort(columns, n, sizeof *columns, by_name);
    row_keys(t, columns, n, id, key);
    free(columns);
    return true;
}

bool an_table_row_keys_over(const an_table *t, const an_list *names, const char *id, uint64_t *key, an_error *err)
{
    an_column **columns = an_alloc_n(names->count + 1, sizeof *columns), *of_id = id ? an_table_need(t, id, err) : NULL;
    bool ok = !id || of_id;
    for (size_t j = 0; ok && j < names->count; j++) {
        columns[j] = an_table_need(t, names->items[j], err);
        ok = columns[j] != NULL;
    }
    if (ok) {
        qsort(columns, names->count, sizeof *columns, by_name);
        row_keys(t, columns, names->count, of_id, key);
    }
    free(columns);
    return ok;
}
