/* match.c - equal keys of several tables by a partitioned hash table, and cells gathered by row number.
 *
 * Keys are hashed to 64 bits, rows dealt out to partitions by the high bits so that the table of one partition stays in the cache (Shatdal,
 * Kant and Naughton 1994, radix partitioning), and equal hashes are verified by the bytes. Blocks and partitions are independent pieces of
 * work: the result is the same for any number of threads.
 */
#include "match.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 16, ROWS_A_PARTITION = 1 << 14, PARTITIONS_MAX = 1 << 12 };

/* ---- the keys of one table, seen as whole numbers or as texts ---- */

typedef struct view {
    const an_column *column; /* for validity */
    const int64_t *number;   /* or */
    const uint64_t *offset;
    const char *bytes;
    an_column text; /* owned where the column is not text itself */
    size_t rows;
} view;

bool an__column_as_text(const an_table *t, const an_column *c, an_column *out, an_error *err)
{
    *out = (an_column){ .type = AN_TEXT };
    if (!an__column_cells(out, t->rows, err)) return false;
    size_t capacity = 0, used = 0;
    an_buf cell = { 0 };
    for (size_t i = 0; i < t->rows; i++) {
        an_buf_clear(&cell);
        an_cell_text(c, i, &cell);
        if (used + cell.size > capacity) {
            capacity = 2 * capacity + cell.size + 4096;
            char *more = an_alloc_data(capacity, 1, "the texts of a column", err);
            if (!more) {
                an_buf_free(&cell);
                an__column_free(out);
                return false;
            }
            if (used) memcpy(more, out->text.bytes, used);
            free(out->text.bytes);
            out->text.bytes = more;
        }
        if (cell.size) memcpy(out->text.bytes + used, cell.data, cell.size);
        used += cell.size;
        out->text.offset[i + 1] = used;
    }
    an_buf_free(&cell);
    if (c->missing) {
        size_t words = an__valid_words(t->rows);
        out->valid = an_alloc_data(words, sizeof *out->valid, "the validity of a column", err);
        if (!out->valid) {
            an__column_free(out);
            return false;
        }
        memcpy(out->valid, c->valid, words * sizeof *out->valid);
        out->missing = c->missing;
    }
    return true;
}

static inline uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t word_at(const char *p)
{
    uint64_t word;
    memcpy(&word, p, 8);
    return word;
}

/* Up to seven bytes as a number, by reads of fixed size: n is part of the hash, so that what overlaps does no harm. */
static inline uint64_t short_word(const char *p, size_t n)
{
    if (n >= 4) {
        uint32_t low, high;
        memcpy(&low, p, 4);
        memcpy(&high, p + n - 4, 4);
        return (uint64_t)high << 32 | low;
    }
    if (!n) return 0;
    return (uint64_t)(unsigned char)p[0] | (uint64_t)(unsigned char)p[n / 2] << 8 | (uint64_t)(unsigned char)p[n - 1] << 16;
}

/* Folded multiplication of eight bytes at a time, the last eight overlapping the ones before; equal hashes are always verified, so nothing
 * depends on its strength but speed. */
static inline uint64_t hash_bytes(const char *p, size_t n)
{
    uint64_t h = UINT64_C(0x9e3779b97f4a7c15) ^ n;
    size_t i = 0;
    for (; i + 8 < n; i += 8) h = mix(h ^ word_at(p + i), UINT64_C(0xd6e8feb86659fd93));
    h = mix(h ^ (n >= 8 ? word_at(p + n - 8) : short_word(p, n)), UINT64_C(0xa0761d6478bd642f));
    return mix(h ^ UINT64_C(0xe7037ed1a0b428db), UINT64_C(0x8ebc6af09c88c6e3));
}

static inline uint64_t hash_of(const view *v, size_t row)
{
    if (v->number)
        return mix((uint64_t)v->number[row] ^ UINT64_C(0xe7037ed1a0b428db), UINT64_C(0x8ebc6af09c88c6e3)) * UINT64_C(0x9e3779b97f4a7c15);
    return hash_bytes(v->bytes + v->offset[row], v->offset[row + 1] - v->offset[row]);
}

static bool open_view(const an_table *t, const an_column *c, bool numbers, view *v, an_error *err)
{
    *v = (view){ .column = c, .rows = t->rows };
    if (numbers) {
        v->number = c->integer;
        return true;
    }
    const an_column *text = c;
    if (c->type != AN_TEXT) {
        if (!an__column_as_text(t, c, &v->text, err)) return false;
        text = &v->text;
    }
    v->offset = text->text.offset;
    v->bytes = text->text.bytes ? text->text.bytes : "";
    return true;
}

/* ---- partitions ---- */

typedef struct entry { /* of a row: the middle bits of its hash; the top ones chose the partition */
    uint32_t hash, row;
} entry;

typedef struct work {
    view *view;
    size_t tables, partitions;
    int shift;            /* partition = hash >> shift */
    size_t *blocks;       /* [table] */
    uint32_t **histogram; /* [table][block * partitions + partition]: counts, then places */
    entry **dealt;        /* [table]: entries by partition */
    size_t **first;       /* [table][partitions + 1]: where a partition begins in dealt */
    size_t *base;         /* [partitions + 1]: first key number of a partition */
    an__match *out;
    size_t table;          /* of the stage that runs now */
    bool *short_of_memory; /* [partition] */
} work;

static inline size_t partition_of(const work *w, uint64_t hash)
{
    return w->shift > 63 ? 0 : (size_t)(hash >> w->shift);
}

static void count_block(void *context, size_t block, int worker)
{
    (void)worker;
    work *w = context;
    const view *v = &w->view[w->table];
    uint32_t *count = w->histogram[w->table] + block * w->partitions;
    size_t end = (block + 1) * BLOCK < v->rows ? (block + 1) * BLOCK : v->rows;
    for (size_t i = block * BLOCK; i < end; i++) {
        if (an_valid(v->column, i)) count[partition_of(w, hash_of(v, i))]++;
    }
}

static void deal_block(void *context, size_t block, int worker)
{
    (void)worker;
    work *w = context;
    const view *v = &w->view[w->table];
    uint32_t *place = w->histogram[w->table] + block * w->partitions;
    entry *dealt = w->dealt[w->table];
    size_t end = (block + 1) * BLOCK < v->rows ? (block + 1) * BLOCK : v->rows;
    for (size_t i = block * BLOCK; i < end; i++) {
        if (!an_valid(v->column, i)) {
            w->out->key[w->table][i] = AN__NO_ROW;
            continue;
        }
        uint64_t hash = hash_of(v, i);
        dealt[place[partition_of(w, hash)]++] = (entry){ (uint32_t)(hash >> 20), (uint32_t)i };
    }
}

typedef struct slot {
    uint32_t hash, key; /* local number + 1 */
} slot;

/* The distinct keys of one partition, copied together so that comparing stays in the cache. */
typedef struct examples {
    int64_t *number;
    uint64_t *offset;
    char *bytes;
    size_t capacity;
    uint32_t count;
} examples;

static bool keep_example(examples *x, const view *v, size_t row)
{
    if (v->number) {
        x->number[x->count++] = v->number[row];
        return true;
    }
    size_t n = v->offset[row + 1] - v->offset[row], at = x->offset[x->count];
    if (at + n > x->capacity) {
        size_t more = 2 * x->capacity + n + 4096;
        char *bytes = realloc(x->bytes, more);
        if (!bytes) return false;
        x->bytes = bytes;
        x->capacity = more;
    }
    const char *from = v->bytes + v->offset[row];
    if (n <= 16 && at + 16 <= x->capacity && v->offset[row] + 16 <= v->offset[v->rows])
        memcpy(x->bytes + at, from, 16); /* one move of fixed size */
    else if (n)
        memcpy(x->bytes + at, from, n);
    x->offset[++x->count] = at + n;
    return true;
}

static inline bool same_bytes(const char *a, const char *b, size_t n)
{
    if (n < 8) return short_word(a, n) == short_word(b, n);
    for (size_t i = 0; i + 8 < n; i += 8)
        if (word_at(a + i) != word_at(b + i)) return false;
    return word_at(a + n - 8) == word_at(b + n - 8);
}

static inline bool is_example(const examples *x, uint32_t k, const view *v, size_t row)
{
    if (v->number) return x->number[k] == v->number[row];
    size_t n = v->offset[row + 1] - v->offset[row];
    return n == x->offset[k + 1] - x->offset[k] && same_bytes(x->bytes + x->offset[k], v->bytes + v->offset[row], n);
}

/* What the loop will need soon: rows of a partition lie far apart in their table. */
static inline void look_ahead(const view *v, const entry *e, const entry *end, const slot *table, size_t mask)
{
    if (end - e > 16) {
        __builtin_prefetch(v->number ? (const void *)&v->number[e[16].row] : (const void *)&v->offset[e[16].row]);
        __builtin_prefetch(&table[e[16].hash & mask]);
    }
    if (!v->number && end - e > 8) __builtin_prefetch(v->bytes + v->offset[e[8].row]);
}

static bool number_rows(work *w, size_t p, slot *table, size_t mask, examples *seen)
{
    an__match *m = w->out;
    size_t base = w->base[p];
    for (size_t t = 0; t < w->tables; t++) {
        const view *v = &w->view[t];
        const entry *e = w->dealt[t] + w->first[t][p], *end = w->dealt[t] + w->first[t][p + 1];
        uint32_t *key = m->key[t], *count = m->count[t];
        for (; e < end; e++) {
            look_ahead(v, e, end, table, mask);
            size_t at = e->hash & mask;
            while (table[at].key && (table[at].hash != e->hash || !is_example(seen, table[at].key - 1, v, e->row))) at = (at + 1) & mask;
            if (!table[at].key) {
                if (!keep_example(seen, v, e->row)) return false;
                table[at] = (slot){ e->hash, seen->count };
            }
            uint32_t number = (uint32_t)base + table[at].key - 1;
            key[e->row] = number;
            count[number]++;
        }
    }
    return true;
}

/* Numbers the keys of one partition in the order they come, table by table; then lists the rows of each. */
static void number_partition(void *context, size_t p, int worker)
{
    (void)worker;
    work *w = context;
    an__match *m = w->out;
    size_t rows = w->base[p + 1] - w->base[p], slots = 16, base = w->base[p];
    if (!rows) return;
    while (slots < 2 * rows) slots *= 2;
    slot *table = calloc(slots, sizeof *table);
    examples seen = { 0 };
    bool numbers = w->view[0].number != NULL;
    if (numbers)
        seen.number = malloc(rows * sizeof *seen.number);
    else
        seen.offset = calloc(rows + 1, sizeof *seen.offset);
    bool ok = table && (numbers ? (void *)seen.number : (void *)seen.offset) && number_rows(w, p, table, slots - 1, &seen);
    w->short_of_memory[p] = !ok;
    for (size_t t = 0; ok && t < w->tables; t++) {
        const entry *e = w->dealt[t] + w->first[t][p], *end = w->dealt[t] + w->first[t][p + 1];
        uint32_t *key = m->key[t], *count = m->count[t] + base, *start = m->start[t] + base, at = (uint32_t)w->first[t][p];
        for (uint32_t k = 0; k < seen.count; k++) {
            start[k] = at;
            at += count[k];
        }
        for (; e < end; e++) m->rows[t][start[key[e->row] - base]++] = e->row;
        for (uint32_t k = 0; k < seen.count; k++) start[k] -= count[k];
    }
    free(seen.number);
    free(seen.offset);
    free(seen.bytes);
    free(table);
}

static void free_lists(void *lists, size_t count)
{
    void **list = lists;
    for (size_t t = 0; list && t < count; t++) free(list[t]);
    free(list);
}

void an__match_free(an__match *m)
{
    free_lists(m->key, m->tables);
    free_lists(m->rows, m->tables);
    free_lists(m->start, m->tables);
    free_lists(m->count, m->tables);
    *m = (an__match){ 0 };
}

static bool make_room(work *w, an_error *err)
{
    an__match *m = w->out;
    for (size_t t = 0; t < w->tables; t++) {
        size_t n = w->view[t].rows + 1;
        w->blocks[t] = (w->view[t].rows + BLOCK - 1) / BLOCK;
        w->histogram[t] = an_alloc_data((w->blocks[t] + 1) * w->partitions, sizeof **w->histogram, "the keys of a join", err);
        w->dealt[t] = an_alloc_data(n, sizeof **w->dealt, "the keys of a join", err);
        w->first[t] = an_alloc_n(w->partitions + 1, sizeof **w->first);
        m->key[t] = an_alloc_data(n, sizeof **m->key, "the keys of a join", err);
        m->rows[t] = an_alloc_data(n, sizeof **m->rows, "the keys of a join", err);
        m->start[t] = an_alloc_data(m->keys + 1, sizeof **m->start, "the keys of a join", err);
        m->count[t] = an_alloc_data(m->keys + 1, sizeof **m->count, "the keys of a join", err);
        if (!w->histogram[t] || !w->dealt[t] || !m->key[t] || !m->rows[t] || !m->start[t] || !m->count[t]) return false;
    }
    return true;
}

/* Counts of blocks become places: partition by partition, block after block. */
static void set_places(work *w, size_t t)
{
    uint32_t at = 0;
    for (size_t p = 0; p < w->partitions; p++) {
        w->first[t][p] = at;
        for (size_t b = 0; b < w->blocks[t]; b++) {
            uint32_t *count = &w->histogram[t][b * w->partitions + p], n = *count;
            *count = at;
            at += n;
        }
    }
    w->first[t][w->partitions] = at;
}

bool an__match_build(const an_table *const *tables, const an_column *const *on, size_t count, an_job *job, an__match *out, an_error *err)
{
    size_t total = 0;
    bool numbers = true, ok = true;
    for (size_t t = 0; t < count; t++) {
        total += tables[t]->rows;
        numbers = numbers && on[t]->type == on[0]->type && (on[t]->type == AN_INTEGER || on[t]->type == AN_DATETIME);
        if (on[t]->type == AN_TENSOR) return an_fail(err, AN_INPUT, "column %s holds arrays and cannot be a key", on[t]->name);
    }
    *out = (an__match){ .tables = count, .keys = total };
    if (total >= UINT32_MAX - 1)
        return an_fail(err, AN_INPUT, "tables of together %zu rows cannot be joined; %u is the limit", total, UINT32_MAX - 2);
    work w = { .tables = count, .partitions = 1, .shift = 64, .out = out };
    for (; w.partitions < PARTITIONS_MAX && w.partitions * ROWS_A_PARTITION < total; w.partitions *= 2) w.shift--;
    w.view = an_alloc_n(count, sizeof *w.view);
    w.blocks = an_alloc_n(count, sizeof *w.blocks);
    w.histogram = an_alloc_n(count, sizeof *w.histogram);
    w.dealt = an_alloc_n(count, sizeof *w.dealt);
    w.first = an_alloc_n(count, sizeof *w.first);
    w.base = an_alloc_n(w.partitions + 1, sizeof *w.base);
    w.short_of_memory = an_alloc_n(w.partitions, 1);
    out->key = an_alloc_n(count, sizeof *out->key);
    out->rows = an_alloc_n(count, sizeof *out->rows);
    out->start = an_alloc_n(count, sizeof *out->start);
    out->count = an_alloc_n(count, sizeof *out->count);
    for (size_t t = 0; ok && t < count; t++) ok = open_view(tables[t], on[t], numbers, &w.view[t], err);
    ok = ok && make_room(&w, err);
    an_pool *pool = an_job_pool(job);
    for (size_t t = 0; ok && t < count; t++) {
        w.table = t;
        an_pool_each(pool, w.blocks[t], count_block, &w);
        set_places(&w, t);
        an_pool_each(pool, w.blocks[t], deal_block, &w);
        ok = an_job_check(job, err);
    }
    if (ok) {
        for (size_t p = 0; p < w.partitions; p++) {
            w.base[p + 1] = w.base[p];
            for (size_t t = 0; t < count; t++) w.base[p + 1] += w.first[t][p + 1] - w.first[t][p];
        }
        an_pool_each(pool, w.partitions, number_partition, &w);
        for (size_t p = 0; ok && p < w.partitions; p++) {
            if (w.short_of_memory[p]) ok = an_fail(err, AN_MEMORY, "not enough memory for the keys of a join of %zu rows", total);
        }
        ok = ok && an_job_check(job, err);
    }
    for (size_t t = 0; t < count; t++) an__column_free(&w.view[t].text);
    free(w.view);
    free(w.blocks);
    free_lists(w.histogram, count);
    free_lists(w.dealt, count);
    free_lists(w.first, count);
    free(w.base);
    free(w.short_of_memory);
    if (!ok) an__match_free(out);
    return ok;
}

/* ---- gathering ---- */

static bool gather_text(an_column *to, const an_column *from, const uint32_t *source, size_t n, an_error *err)
{
    const uint64_t *offset = from->text.offset;
    uint64_t total = 0, end = 0; /* end: as far as the source is known to go */
    for (size_t i = 0; i < n; i++) {
        uint32_t r = source[i];
        if (r != AN__NO_ROW && an_valid(from, r)) {
            total += offset[r + 1] - offset[r];
            end = end < offset[r + 1] ? offset[r + 1] : end;
        }
        to->text.offset[i + 1] = total;
    }
    if (!total) return true;
    to->text.bytes = an_alloc_data(total, 1, "the bytes of a text column", err);
    if (!to->text.bytes) return false;
    for (size_t i = 0; i < n; i++) {
        uint64_t at = to->text.offset[i], length = to->text.offset[i + 1] - at;
        if (i + 16 < n && source[i + 16] != AN__NO_ROW) __builtin_prefetch(&offset[source[i + 16]]);
        if (i + 8 < n && source[i + 8] != AN__NO_ROW) __builtin_prefetch(from->text.bytes + offset[source[i + 8]]);
        if (!length) continue;
        uint64_t begin = offset[source[i]];
        /* short texts in one move of fixed size where there is room on both sides: what is too much the next text writes over */
        if (length <= 16 && at + 16 <= total && begin + 16 <= end)
            memcpy(to->text.bytes + at, from->text.bytes + begin, 16);
        else
            memcpy(to->text.bytes + at, from->text.bytes + begin, length);
    }
    return true;
}

/* The first n rows as they are, the usual case of the table that gives the order. */
static bool copy_rows(an_column *to, const an_column *from, size_t n, an_error *err)
{
    if (from->missing) {
        size_t words = an__valid_words(n);
        to->valid = an_alloc_data(words + 1, sizeof *to->valid, "the validity of a column", err);
        if (!to->valid) return false;
        memcpy(to->valid, from->valid, words * sizeof *to->valid);
        if (n % 64) to->valid[words - 1] &= (UINT64_C(1) << (n % 64)) - 1;
        to->missing = n;
        for (size_t i = 0; i < words; i++) to->missing -= (size_t)__builtin_popcountll(to->valid[i]);
        if (!to->missing) {
            free(to->valid);
            to->valid = NULL;
        }
    }
    if (from->type != AN_TEXT) {
        memcpy(to->tensor_data, from->tensor_data, n * an__cell_bytes(from));
        return true;
    }
    memcpy(to->text.offset, from->text.offset, (n + 1) * sizeof *to->text.offset);
    size_t bytes = from->text.offset[n];
    if (!bytes) return true;
    to->text.bytes = an_alloc_data(bytes, 1, "the bytes of a text column", err);
    if (to->text.bytes) memcpy(to->text.bytes, from->text.bytes, bytes);
    return to->text.bytes != NULL;
}

bool an__gather(an_column *to, const an_column *from, const uint32_t *source, size_t n, an_error *err)
{
    if (!an__column_cells(to, n, err)) return false;
    size_t same = 0;
    while (same < n && source[same] == same) same++;
    if (n && same == n) return copy_rows(to, from, n, err);
    bool holes = from->missing > 0;
    for (size_t i = 0; !holes && i < n; i++) holes = source[i] == AN__NO_ROW;
    if (holes) {
        to->valid = an_alloc_data(an__valid_words(n) + 1, sizeof *to->valid, "the validity of a column", err);
        if (!to->valid) return false;
        for (size_t i = 0; i < n; i++) {
            bool valid = source[i] != AN__NO_ROW && an_valid(from, source[i]);
            to->valid[i / 64] |= (uint64_t)valid << (i % 64);
            to->missing += !valid;
        }
        if (!to->missing) {
            free(to->valid);
            to->valid = NULL;
        }
    }
    if (from->type == AN_TEXT) return gather_text(to, from, source, n, err);
    size_t size = an__cell_bytes(from);
    if (size == 8 && !holes) {
        for (size_t i = 0; i < n; i++) to->integer[i] = from->integer[source[i]];
    } else if (size == 4 && !holes) {
        for (size_t i = 0; i < n; i++) to->code[i] = from->code[source[i]];
    } else {
        for (size_t i = 0; i < n && size; i++) {
            if (source[i] == AN__NO_ROW) continue; /* an__column_cells left zeroes, and -1 in codes */
            memcpy((char *)to->tensor_data + i * size, (const char *)from->tensor_data + (size_t)source[i] * size, size);
        }
    }
    return true;
}
