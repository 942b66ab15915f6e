/* split.c - which rows train and which test: decided by keyed hashes of the rows, so that the same row is on the same side in every
 * version of a data set, on every machine. Folds of a training part are in folds.c. */
#include "split.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void an_split_free(an_split *s)
{
    free(s->train);
    free(s->test);
    *s = (an_split){ 0 };
}

static const an_column *with_role(const an_table *t, an_role role)
{
    for (size_t j = 0; j < t->columns; j++) {
        if (t->column[j].role == role) return &t->column[j];
    }
    return NULL;
}

static int by_unit(const void *a, const void *b)
{
    return an__keyed_compare(a, b);
}

bool an__units_make(const an_table *t, const size_t *rows, size_t n, uint64_t seed, an__units *out, an_error *err)
{
    *out = (an__units){ 0 };
    const an_column *group = with_role(t, AN_GROUP);
    uint64_t *key = an_alloc_data(t->rows ? t->rows : 1, sizeof *key, "row keys", err);
    out->row = key ? an_alloc_data(n ? n : 1, sizeof *out->row, "rows of a split", err) : NULL;
    out->unit = out->row ? an_alloc_data(n ? n : 1, sizeof *out->unit, "units of a split", err) : NULL;
    bool ok = out->unit && an_table_row_keys(t, key, err);
    an_buf text = { 0 };
    for (size_t i = 0; ok && i < n; i++) {
        size_t r = rows ? rows[i] : i;
        uint64_t k = key[r];
        if (group && !an_table_generated(t, r) && an_valid(group, r)) {
            an_buf_clear(&text);
            an_buf_puts(&text, "group");
            an__cell_content(group, r, &text);
            k = an__hash(text.data, text.size);
        }
        out->row[i] = (an__keyed){ an__hash_seeded(seed, &k, 8), i };
    }
    an_buf_free(&text);
    free(key);
    if (!ok) return false;
    qsort(out->row, n, sizeof *out->row, by_unit);
    for (size_t i = 0; i < n; i++) {
        if (!i || out->row[i].key != out->row[i - 1].key) out->unit[out->count++].first = i;
        out->unit[out->count - 1].rows++;
    }
    return true;
}

void an__units_free(an__units *u)
{
    free(u->row);
    free(u->unit);
    *u = (an__units){ 0 };
}

bool an__strata(const an_table *t, int32_t *stratum, size_t *count, an_error *err)
{
    const an_column *target = with_role(t, AN_TARGET);
    *count = 1;
    if (!target) return true;
    char **names = NULL;
    an_error ignored = { 0 };
    uint8_t *label = t->positive ? an_alloc_data(t->rows ? t->rows : 1, 1, "labels", err) : NULL;
    if (t->positive && !label) return false;
    bool two = label && an_table_labels_known(t, label, &ignored);
    for (size_t i = 0; two && i < t->rows; i++) stratum[i] = label[i];
    free(label);
    if (two) {
        *count = 2;
        return true;
    }
    if (!an__classes(t, target, 20, stratum, &names, count, &ignored)) { /* a number to predict: nothing to stratify by */
        if (ignored.code == AN_MEMORY) return an_fail(err, AN_MEMORY, "%s", ignored.message);
        memset(stratum, 0, t->rows * sizeof *stratum);
        *count = 1;
        return true;
    }
    if (*count == 2) { /* the rarer class is stratum 1 */
        size_t first = 0, second = 0;
        for (size_t i = 0; i < t->rows; i++) {
            first += stratum[i] == 0;
            second += stratum[i] == 1;
        }
        for (size_t i = 0; second > first && i < t->rows; i++) stratum[i] = stratum[i] < 0 ? -1 : !stratum[i];
    }
    for (size_t i = 0; i < t->rows; i++) stratum[i] = stratum[i] < 0 ? 0 : stratum[i]; /* no label: in no part */
    an__names_free(names, *count);
    return true;
}

typedef struct plan {
    const an_table *t;
    const an_split_options *o;
    const size_t *rows; /* those with a label (all where there is no target) */
    size_t row_count;
    uint8_t *test;    /* by row */
    int32_t *stratum; /* by row */
    size_t strata;
    double share;
} plan;

static size_t row_of(const plan *p, const an__units *u, size_t at)
{
    return p->rows[u->row[at].index];
}

static bool held(const plan *p, uint64_t key)
{
    size_t low = 0, high = p->o->held_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (p->o->held[middle] == key) return true;
        if (p->o->held[middle] < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

/* Rows of the test part wanted of n; where there are two or more, both sides get one. */
static size_t wanted(const plan *p, size_t n)
{
    size_t k = (size_t)floor(p->share * (double)n + 0.5);
    if (n >= 2 && k == 0) k = 1;
    if (n >= 2 && k == n) k = n - 1;
    return k;
}

static bool hold_rows(plan *p, an_error *err)
{
    if (!p->o->held_count) return true;
    uint64_t *key = an_alloc_data(p->t->rows, sizeof *key, "row keys", err);
    bool ok = key && an_table_row_keys(p->t, key, err);
    for (size_t k = 0; ok && k < p->row_count; k++) {
        size_t i = p->rows[k];
        p->test[i] = !an_table_generated(p->t, i) && held(p, key[i]);
    }
    free(key);
    return ok;
}

/* Takes units in order of their hash until the stratum has its share; a unit that would overshoot by more than it brings nearer is
 * left (whole groups can be large). kind: units whose highest stratum is `s`. */
static void take_units(plan *p, const an__units *u, const int32_t *unit_stratum, const uint8_t *closed, int32_t s)
{
    size_t total = 0, have = 0;
    for (size_t i = 0; i < u->count; i++) {
        if (unit_stratum[i] != s) continue;
        total += u->unit[i].rows;
        if (closed[i] == 2) have += u->unit[i].rows;
    }
    size_t want = wanted(p, total), smallest = u->count;
    for (size_t i = 0; i < u->count && have < want; i++) {
        if (unit_stratum[i] != s || closed[i]) continue;
        size_t n = u->unit[i].rows;
        if (smallest == u->count || n < u->unit[smallest].rows) smallest = i;
        if (have + n > want && have + n - want > want - have) continue;
        for (size_t k = 0; k < n; k++) p->test[row_of(p, u, u->unit[i].first + k)] = 1;
        have += n;
    }
    size_t open = 0;
    for (size_t i = 0; i < u->count; i++) open += unit_stratum[i] == s && !closed[i];
    if (!have && smallest < u->count && open > 1) { /* only large groups: the smallest of them */
        for (size_t k = 0; k < u->unit[smallest].rows; k++) p->test[row_of(p, u, u->unit[smallest].first + k)] = 1;
    }
}

static bool split_by_hash(plan *p, an_error *err)
{
    an__units u;
    bool ok = an__units_make(p->t, p->rows, p->row_count, p->o->seed, &u, err);
    int32_t *unit_stratum = ok ? an_alloc_data(u.count + 1, sizeof *unit_stratum, "units of a split", err) : NULL;
    uint8_t *closed = unit_stratum ? an_alloc_data(u.count + 1, 1, "units of a split", err) : NULL;
    ok = closed != NULL;
    for (size_t i = 0; ok && i < u.count; i++) { /* closed: 1 generated (trains), 2 in a test part before */
        for (size_t k = 0; k < u.unit[i].rows; k++) {
            size_t r = row_of(p, &u, u.unit[i].first + k);
            if (p->stratum[r] > unit_stratum[i]) unit_stratum[i] = p->stratum[r];
            if (p->test[r]) closed[i] = 2;
            if (an_table_generated(p->t, r)) closed[i] = 1;
        }
        if (closed[i] == 1) unit_stratum[i] = -1;
        for (size_t k = 0; closed[i] == 2 && k < u.unit[i].rows; k++) p->test[row_of(p, &u, u.unit[i].first + k)] = 1; /* its whole group */
    }
    for (int32_t s = (int32_t)p->strata - 1; ok && s >= 0; s--) take_units(p, &u, unit_stratum, closed, s);
    free(unit_stratum);
    free(closed);
    an__units_free(&u);
    return ok;
}

typedef struct timed {
    double time;
    uint64_t key;
    size_t unit;
} timed;

static int newest_first(const void *a, const void *b)
{
    const timed *x = a, *y = b;
    if (x->time != y->time) return x->time > y->time ? -1 : 1;
    return x->key < y->key ? -1 : x->key > y->key;
}

/* The newest share of the measured rows, beside those that were in a test part before, however old; whole groups, by their newest row. Rows
 * without a time train. */
static bool split_by_time(plan *p, const an_column *time, an_error *err)
{
    an__units u;
    bool ok = an__units_make(p->t, p->rows, p->row_count, p->o->seed, &u, err);
    timed *order = ok ? an_alloc_data(p->t->rows + 1, sizeof *order, "rows by time", err) : NULL;
    bool grouped = with_role(p->t, AN_GROUP) != NULL;
    size_t n = 0, real = 0, have = 0;
    for (size_t i = 0; order && i < u.count; i++) {
        bool before = false; /* some of its rows were in a test part: its whole group stays there */
        for (size_t k = 0; grouped && k < u.unit[i].rows; k++) before |= p->test[row_of(p, &u, u.unit[i].first + k)];
        for (size_t k = 0; k < u.unit[i].rows; k++) {
            size_t r = row_of(p, &u, u.unit[i].first + k);
            if (an_table_generated(p->t, r)) continue;
            if (before) p->test[r] = 1;
            real++;
            if (!an_valid(time, r)) continue;
            double at = an_cell_number(time, r);
            if (grouped && n && order[n - 1].unit == i) {
                if (at > order[n - 1].time) order[n - 1].time = at;
            } else {
                order[n++] = (timed){ at, grouped ? u.row[u.unit[i].first].key : an__hash_seeded(r, &u.row[u.unit[i].first].key, 8),
                                      grouped ? i : r };
            }
        }
    }
    if (order) {
        qsort(order, n, sizeof *order, newest_first);
        size_t want = wanted(p, real);
        for (size_t i = 0; i < n && have < want; i++) {
            if (!grouped) {
                p->test[order[i].unit] = 1;
                have++;
                continue;
            }
            const an__unit *unit = &u.unit[order[i].unit];
            if (have && have + unit->rows > want && have + unit->rows - want > want - have) break;
            for (size_t k = 0; k < unit->rows; k++) {
                size_t r = row_of(p, &u, unit->first + k);
                if (an_table_generated(p->t, r)) continue;
                p->test[r] = 1;
                have++;
            }
        }
    }
    free(order);
    an__units_free(&u);
    return order != NULL;
}

static bool check_classes(const plan *p, an_error *err)
{
    for (size_t s = 0; s < p->strata; s++) {
        size_t part[2] = { 0 };
        for (size_t k = 0; k < p->row_count; k++) part[p->test[p->rows[k]]] += p->stratum[p->rows[k]] == (int32_t)s;
        if ((part[0] && part[1]) || (p->strata > 2 && part[0] + part[1] < 2)) continue;
        const an_column *target = with_role(p->t, AN_TARGET);
        const char *side = part[1] ? "training" : "test";
        if (!target) {
            an_fail(err, AN_INPUT, "the %s part would be empty", side);
        } else {
            an_fail(err, AN_INPUT, "the %s part would hold no row of one class of %s (%s class, %zu rows in all)", side, target->name,
                    p->strata == 2 ? (s == 1 ? "the positive" : "the other") : "a", part[0] + part[1]);
        }
        return an_hint(err, "more rows, another share, or another group or time column are needed");
    }
    return true;
}

bool an_split_make(const an_table *t, const an_split_options *options, an_split *out, an_error *err)
{
    static const an_split_options none;
    plan p = { .t = t, .o = options ? options : &none, .share = options && options->share > 0 ? options->share : 0.25 };
    *out = (an_split){ 0 };
    if (!(p.share > 0 && p.share < 1))
        return an_fail(err, AN_USAGE, "the share of the test part must lie between 0 and 1, not %g", p.share);
    if (t->rows < 2) return an_fail(err, AN_INPUT, "a table of %zu rows cannot be split", t->rows);
    p.test = an_alloc_data(t->rows, 1, "the split", err);
    p.stratum = p.test ? an_alloc_data(t->rows, sizeof *p.stratum, "classes", err) : NULL;
    size_t *rows = p.stratum ? an_alloc_data(t->rows, sizeof *rows, "the split", err) : NULL;
    const an_column *time = p.o->ignore_time ? NULL : with_role(t, AN_TIME), *target = with_role(t, AN_TARGET);
    for (size_t i = 0; rows && i < t->rows; i++)
        if (!an_table_unlabelled(target, i)) rows[p.row_count++] = i;
    p.rows = rows;
    bool ok = rows && an__strata(t, p.stratum, &p.strata, err) && hold_rows(&p, err);
    ok = ok && (time ? split_by_time(&p, time, err) : split_by_hash(&p, err)) && check_classes(&p, err);
    if (ok) {
        out->train = an_alloc_data(t->rows, sizeof *out->train, "the split", err);
        out->test = out->train ? an_alloc_data(t->rows, sizeof *out->test, "the split", err) : NULL;
        ok = out->test != NULL;
    }
    for (size_t k = 0; ok && k < p.row_count; k++) {
        if (p.test[rows[k]]) {
            out->test[out->test_count++] = rows[k];
        } else {
            out->train[out->train_count++] = rows[k];
        }
    }
    if (!ok) an_split_free(out);
    free(rows);
    free(p.test);
    free(p.stratum);
    return ok;
}
