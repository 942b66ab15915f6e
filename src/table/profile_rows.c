/* profile_rows.c - what is true of rows: how often the target occurs in each group, which cells are missing and where, rows that are there
 * twice, and rows that would nearly repeat each other across the sides of a split. */
#include "profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- class balance ------------------------------------------------------------------------------------------------------------------ */

json_t *an__profile_balance(const an__frame *f)
{
    enum { LISTED = 60 };
    json_t *list = json_array();
    for (int k = 0; f->label && k < f->groupings; k++) {
        const an__grouping *g = &f->grouping[k];
        if (f->target->name == g->name) continue;
        double *count = an_alloc_n(2 * g->count + 1, sizeof *count), p, v, low, high;
        for (size_t i = 0; i < f->rows; i++)
            if (g->code[i] >= 0 && f->label[i] != AN__UNLABELLED) count[2 * (size_t)g->code[i] + f->label[i]]++;
        an_chi2_table(count, g->count, 2, &p, &v, &low, &high);
        json_t *values = json_array();
        for (size_t i = 0; i < g->count && i < LISTED; i++) {
            uint64_t positive = (uint64_t)count[2 * i + 1], n = (uint64_t)count[2 * i] + positive;
            if (n)
                json_array_append_new(values,
                                      json_pack("{s:s, s:I, s:I, s:o, s:o, s:o}", "value", g->names[i], "rows", (json_int_t)n, "positives",
                                                (json_int_t)positive, "share", an_json_real((double)positive / (double)n), "low",
                                                an_json_real(an_binomial_lower(positive, n, 0.975)), "high",
                                                an_json_real(an_binomial_upper(positive, n, 0.975))));
        }
        free(count);
        json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:o}", "column", g->name, "kind", g->kind, "groups",
                                              (json_int_t)g->count, "p", an_json_real(p), "cramers_v", an_json_real(v), "low",
                                              an_json_real(low), "high", an_json_real(high), "values", values));
    }
    return list;
}

/* ---- missing cells ------------------------------------------------------------------------------------------------------------------ */

/* Station of a column: what the schema says, else nothing. */
static const char *station_of(const an_column *c)
{
    return an_json_string(c->spec, "station", NULL);
}

static json_t *by_station(const an__frame *f)
{
    json_t *list = json_array(), *index = json_object();
    bool declared = false;
    for (size_t j = 0; j < f->t->columns; j++) declared |= station_of(&f->t->column[j]) != NULL;
    for (size_t j = 0; j < f->t->columns; j++) {
        const an_column *c = &f->t->column[j];
        const char *station = station_of(c);
        char *prefix = NULL;
        if (!station && (declared || c->role == AN_IGNORED)) continue; /* what the schema leaves out, or nobody uses, is no station's gap */
        if (!station) { /* names that begin alike, up to the first '_' or '.', say where a column comes from in most exports */
            size_t n = strcspn(c->name, "_.");
            if (!c->name[n] || !n) continue;
            station = prefix = an_format("%.*s\u2026", (int)n, c->name);
        }
        json_t *o = json_object_get(index, station);
        if (!o) {
            o = json_pack("{s:s, s:b, s:i, s:i, s:i}", "station", station, "declared", !prefix, "columns", 0, "cells", 0, "missing", 0);
            json_array_append_new(list, o);
            json_object_set(index, station, o);
        }
        static const char *const keys[] = { "columns", "cells", "missing" };
        const size_t more[] = { 1, f->rows, c->missing };
        for (size_t k = 0; k < 3; k++)
            json_object_set_new(o, keys[k], json_integer(json_integer_value(json_object_get(o, keys[k])) + (json_int_t)more[k]));
        free(prefix);
    }
    json_decref(index);
    for (size_t i = json_array_size(list); i-- > 0;) { /* a prefix of one or two columns is no station */
        json_t *o = json_array_get(list, i);
        double cells = an_json_number(json_object_get(o, "cells"), 0);
        if (!json_is_true(json_object_get(o, "declared")) && json_integer_value(json_object_get(o, "columns")) < 3)
            json_array_remove(list, i);
        else
            json_object_set_new(o, "share", an_json_real(cells > 0 ? an_json_number(json_object_get(o, "missing"), 0) / cells : NAN));
    }
    return list;
}

/* Columns whose cells are missing in exactly the same rows. */
static json_t *together(const an__frame *f)
{
    enum { LISTED = 20, NAMES = 200 };
    json_t *list = json_array();
    size_t d = f->t->columns;
    bool *told = an_alloc_n(d + 1, sizeof *told);
    for (size_t j = 0; j < d && json_array_size(list) < LISTED; j++) {
        if (told[j] || !f->t->column[j].missing || f->t->column[j].missing == f->rows) continue;
        json_t *names = json_array();
        size_t count = 0;
        for (size_t k = j; k < d; k++) {
            if (told[k] || f->facts[k].missing_pattern != f->facts[j].missing_pattern || f->t->column[k].missing != f->t->column[j].missing)
                continue;
            told[k] = true;
            if (count++ < NAMES) json_array_append_new(names, json_string(f->t->column[k].name));
        }
        size_t first = SIZE_MAX, last = 0;
        for (size_t i = 0; count > 2 && i < f->rows; i++) {
            if (an_valid(&f->t->column[j], an__row(f, i))) continue;
            if (first == SIZE_MAX) first = i;
            last = i;
        }
        if (count > 2 && (double)f->t->column[j].missing >= fmax(3, 0.002 * (double)f->rows)) {
            size_t rows = f->t->column[j].missing;
            json_t *o =
                json_pack("{s:O, s:I, s:I, s:o, s:o, s:b}", "columns", names, "count", (json_int_t)count, "rows", (json_int_t)rows, "from",
                          an__place_json(f, first), "to", an__place_json(f, last), "one_stretch", rows > 1 && last - first + 1 == rows);
            an_buf span = { 0 };
            an__span_text(f, first, last, &span);
            json_object_set_new(o, "span", json_string(span.data));
            an_buf_free(&span);
            json_array_append_new(list, o);
        }
        json_decref(names);
    }
    free(told);
    return list;
}

json_t *an__profile_missing(const an__frame *f)
{
    double cells = 0, missing = 0;
    size_t complete = 0;
    uint8_t *gap = an_alloc_n(f->rows + 1, 1);
    for (size_t j = 0; j < f->t->columns; j++) {
        const an_column *c = &f->t->column[j];
        if (c->role == AN_IGNORED) continue;
        cells += (double)f->rows;
        missing += (double)c->missing;
        for (size_t i = 0; c->missing && i < f->rows; i++) gap[i] |= !an_valid(c, i);
    }
    for (size_t i = 0; i < f->rows; i++) complete += !gap[i];
    free(gap);
    return json_pack("{s:o, s:I, s:o, s:o}", "share", an_json_real(cells > 0 ? missing / cells : NAN), "complete_rows",
                     (json_int_t)complete, "stations", by_station(f), "together", together(f));
}

/* ---- rows that are there twice ------------------------------------------------------------------------------------------------------ */

typedef struct hashing {
    const an__frame *f;
    const an_column **column;
    size_t columns, chunk;
    uint64_t *key, **dictionary; /* hashes of the names of each column */
} hashing;

static uint64_t mix(uint64_t h, uint64_t v) /* two rounds of the finaliser of splitmix64 (Steele, Lea and Flood 2014) */
{
    h ^= v + UINT64_C(0x9e3779b97f4a7c15) + (h << 6) + (h >> 2);
    h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
    return h ^ (h >> 31);
}

static void hash_rows(void *context, size_t index, int worker)
{
    (void)worker;
    const hashing *h = context;
    size_t first = index * h->chunk, last = first + h->chunk < h->f->rows ? first + h->chunk : h->f->rows;
    for (size_t i = first; i < last; i++) h->key[i] = 0;
    for (size_t j = 0; j < h->columns; j++) {
        const an_column *c = h->column[j];
        for (size_t i = first; i < last; i++) {
            uint64_t v = UINT64_C(0x6d697373696e6700);
            if (!an_valid(c, i)) {
            } else if (c->type == AN_CATEGORY) {
                v = h->dictionary[j][c->code[i]];
            } else if (c->type == AN_TEXT) {
                v = an__hash(c->text.bytes + c->text.offset[i], c->text.offset[i + 1] - c->text.offset[i]);
            } else if (c->type == AN_INTEGER || c->type == AN_DATETIME) {
                v = (uint64_t)c->integer[i];
            } else if (c->type == AN_BOOLEAN) {
                v = c->boolean[i];
            } else if (c->type == AN_REAL) {
                double x = c->real[i] + 0.0;
                memcpy(&v, &x, sizeof v);
            } else if (c->type == AN_TENSOR) {
                v = an__hash((const char *)c->tensor_data + i * an__cell_bytes(c), an__cell_bytes(c));
            }
            h->key[i] = mix(h->key[i], v);
        }
    }
}

/* Rows that equal an earlier one in every feature and the target. */
bool an__duplicate_rows(const an__frame *f, size_t *count, json_t *examples, an_error *err)
{
    enum { CHUNK = 16384, EXAMPLES = 10 };
    const an_table *t = f->t;
    *count = 0;
    hashing h = { .f = f, .chunk = CHUNK };
    h.column = an_alloc_n(t->columns + 1, sizeof *h.column);
    h.dictionary = an_alloc_n(t->columns + 1, sizeof *h.dictionary);
    for (size_t j = 0; j < t->columns; j++) {
        const an_column *c = &t->column[j];
        if (c->role != AN_FEATURE && c->role != AN_TARGET) continue;
        if (c->type == AN_CATEGORY) {
            uint64_t *hash = an_alloc_n((size_t)c->dictionary.count + 1, sizeof *hash);
            for (int32_t k = 0; k < c->dictionary.count; k++) hash[k] = an__hash(c->dictionary.names[k], strlen(c->dictionary.names[k]));
            h.dictionary[h.columns] = hash;
        }
        h.column[h.columns++] = c;
    }
    h.key = an_alloc_data(f->rows + 1, sizeof *h.key, "row keys", err);
    an__keyed *order = h.key ? an_alloc_data(f->rows + 1, sizeof *order, "row keys", err) : NULL;
    if (order) {
        an_pool_each(an_job_pool(f->job), (f->rows + CHUNK - 1) / CHUNK, hash_rows, &h);
        /* only keys that share a slot of a table with another are sorted */
        size_t slots = 1024, n = 0;
        while (slots < 8 * f->rows) slots *= 2;
        uint8_t *seen = an_alloc_data(slots, 1, "row keys", err);
        for (size_t i = 0; seen && i < f->rows; i++) {
            uint8_t *s = &seen[h.key[i] & (slots - 1)];
            *s = *s ? 2 : 1;
        }
        for (size_t i = 0; seen && h.columns && i < f->rows; i++)
            if (seen[h.key[i] & (slots - 1)] == 2) order[n++] = (an__keyed){ h.key[i], i };
        free(seen);
        qsort(order, n, sizeof *order, an__keyed_compare);
        for (size_t i = 1, first = 0; i < n; i++) {
            if (order[i].key != order[i - 1].key) {
                first = i;
                continue;
            }
            ++*count;
            if (examples && json_array_size(examples) < EXAMPLES)
                json_array_append_new(
                    examples, json_pack("{s:I, s:I}", "row", (json_int_t)order[i].index + 1, "equals", (json_int_t)order[first].index + 1));
        }
    }
    for (size_t j = 0; j < h.columns; j++) free(h.dictionary[j]);
    free(h.dictionary);
    free(h.column);
    free(h.key);
    free(order);
    return order != NULL;
}

/* ---- twins across a split ----------------------------------------------------------------------------------------------------------- */

/* Columns of numbers on one scale (robust), gaps at the middle; NULL: nothing to compare. */
static double *standardised(const an__frame *f, const an_table *t, const size_t *rows, size_t n, size_t *d, size_t most, an_error *err)
{
    size_t *use = an_alloc_n(f->t->columns + 1, sizeof *use), count = 0;
    for (size_t j = 0; j < f->t->columns && count < most; j++) {
        const an__facts *c = &f->facts[j];
        if (c->number && c->c->role == AN_FEATURE && c->robust_sd > 0 && c->distinct > 2 && c->c->type != AN_DATETIME) use[count++] = j;
    }
    *d = count;
    double *x = an_alloc_data(n * count + 1, sizeof *x, "rows on one scale", err);
    for (size_t i = 0; x && i < n; i++)
        for (size_t k = 0; k < count; k++) {
            const an__facts *c = &f->facts[use[k]];
            double v = an_cell_number(&t->column[use[k]], rows[i]);
            x[i * count + k] = isfinite(v) ? fmin(fmax((v - c->median) / c->robust_sd, -10), 10) : 0;
        }
    free(use);
    return x;
}

json_t *an__profile_twins(const an__frame *f, an_error *err)
{
    enum { SAMPLE = 12000, COLUMNS = 200, EXAMPLES = 10, TEST = 1500, LEAST = 4, TENTH = 10 };
    size_t n = f->rows < SAMPLE ? f->rows : SAMPLE, d = 0, *rows = an_alloc_n(n + 1, sizeof *rows);
    for (size_t i = 0; i < n; i++) rows[i] = (size_t)((double)i * (double)f->rows / (double)n);
    an_table *t = an_table_select(f->t, rows, n, err);
    an_split split = { 0 };
    an_error why = { 0 };
    json_t *out = NULL;
    if (!t) {
        free(rows);
        return NULL;
    }
    if (!f->target || n < 40 || !an_split_make(t, &(an_split_options){ 0 }, &split, &why)) {
        an_table_free(t);
        free(rows);
        return json_pack("{s:b}", "checked", false);
    }
    if (split.test_count > TEST) split.test_count = TEST;
    double *test = standardised(f, t, split.test, split.test_count, &d, COLUMNS, err);
    double *train = test ? standardised(f, t, split.train, split.train_count, &d, COLUMNS, err) : NULL;
    double *near = train ? an_alloc_data(2 * split.test_count + 2, sizeof *near, "distances", err) : NULL;
    if (near && d >= LEAST) {
        /* What is usual: the median distance to the nearest of a tenth of the training rows, where most rows have no twin even if all have
         * one among the others. In four dimensions or more, less than one row in 20,000 comes as near as a twentieth of that by chance. */
        double *sorted = near + split.test_count;
        size_t few = (split.train_count + TENTH - 1) / TENTH;
        double *tenth = an_alloc_n(few * d, sizeof *tenth);
        for (size_t i = 0; i < few; i++) memcpy(tenth + i * d, train + i * TENTH * d, d * sizeof *train);
        an_nearest_distances(test, split.test_count, tenth, few, d, false, sorted, f->job);
        free(tenth);
        an_nearest_distances(test, split.test_count, train, split.train_count, d, false, near, f->job);
        double middle = an_quantile(sorted, split.test_count, 0.5), limit = 0.05 * middle;
        size_t equal = 0, close = 0;
        json_t *examples = json_array();
        for (size_t i = 0; i < split.test_count; i++) {
            equal += near[i] == 0;
            close += near[i] > 0 && near[i] <= limit;
            if (near[i] <= limit && json_array_size(examples) < EXAMPLES) {
                size_t best = 0;
                double least = INFINITY;
                for (size_t k = 0; k < split.train_count; k++) {
                    double sum = 0;
                    for (size_t j = 0; j < d && sum < least; j++) {
                        double off = test[i * d + j] - train[k * d + j];
                        sum += off * off;
                    }
                    if (sum < least) {
                        least = sum;
                        best = k;
                    }
                }
                json_array_append_new(examples, json_pack("{s:I, s:I, s:f}", "test_row", (json_int_t)rows[split.test[i]] + 1, "train_row",
                                                          (json_int_t)rows[split.train[best]] + 1, "distance", sqrt(least)));
            }
        }
        out = json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "checked", true, "test_rows", (json_int_t)split.test_count,
                        "train_rows", (json_int_t)split.train_count, "columns", (json_int_t)d, "equal", (json_int_t)equal, "close",
                        (json_int_t)close, "limit", an_json_real(limit), "usual_distance", an_json_real(middle), "examples", examples);
    } else if (near) {
        out = json_pack("{s:b}", "checked", false);
    }
    free(near);
    free(test);
    free(train);
    free(rows);
    an_split_free(&split);
    an_table_free(t);
    return out;
}
