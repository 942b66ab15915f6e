/* profile_frame.c - what every column of a profile is held against: the order of the rows in time, the target, and the groupings: a column
 * that was asked for, lots, and shifts of the day. */
#include "profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const an_column *with_role(const an_table *t, an_role role)
{
    for (size_t j = 0; j < t->columns; j++)
        if (t->column[j].role == role) return &t->column[j];
    return NULL;
}

/* ---- order -------------------------------------------------------------------------------------------------------------------------- */

static bool put_in_order(an__frame *f, an_error *err)
{
    const an_column *c = with_role(f->t, AN_TIME);
    if (!c || !an__is_number(c->type) || c->missing == f->rows) return true;
    f->time = c;
    f->timed = f->rows - c->missing;
    bool ascending = true;
    double last = -INFINITY;
    for (size_t i = 0; i < f->rows && ascending; i++) {
        double x = an_cell_number(c, i);
        ascending = x >= last;
        last = x;
    }
    if (ascending) return true;
    an_placed *items = an_alloc_data(2 * f->rows, sizeof *items, "the order in time", err);
    f->order = items ? an_alloc_data(f->rows, sizeof *f->order, "the order in time", err) : NULL;
    if (!f->order) {
        free(items);
        return false;
    }
    for (size_t i = 0; i < f->rows; i++) {
        double x = an_cell_number(c, i); /* rows without a time come last */
        items[i] = (an_placed){ isnan(x) ? INFINITY : x, (uint32_t)i };
    }
    an_sort_placed(items, items + f->rows, f->rows);
    for (size_t i = 0; i < f->rows; i++) f->order[i] = items[i].place;
    free(items);
    return true;
}

/* ---- target ------------------------------------------------------------------------------------------------------------------------- */

/* Far fewer changes of class from row to row than chance would make (runs test, Wald and Wolfowitz 1940). */
static bool sorted_by(const uint8_t *label, size_t n)
{
    double runs = 0, ones = 0, all = 0;
    uint8_t last = AN__UNLABELLED;
    for (size_t i = 0; i < n; i++) {
        if (label[i] == AN__UNLABELLED) continue;
        all++;
        ones += label[i];
        runs += label[i] != last;
        last = label[i];
    }
    double expected = 1 + 2 * ones * (all - ones) / all, variance = (expected - 1) * (expected - 2) / (all - 1);
    return all > 20 && expected > 12 && variance > 0 && (runs - expected) / sqrt(variance) < -6 && runs < 0.5 * expected;
}

static bool rank_target(an__frame *f, an_error *err)
{
    size_t n = 0;
    an_placed *items = an_alloc_data(2 * f->rows, sizeof *items, "ranks of the target", err);
    f->target_rank = items ? an_alloc_data(f->rows, sizeof *f->target_rank, "ranks of the target", err) : NULL;
    if (!f->target_rank) {
        free(items);
        return false;
    }
    for (size_t i = 0; i < f->rows; i++) {
        double x = an_cell_number(f->target, an__row(f, i));
        f->target_rank[i] = NAN;
        if (!isnan(x)) items[n++] = (an_placed){ x, (uint32_t)i };
    }
    an_sort_placed(items, items + n, n);
    for (size_t i = 0, first = 0; i <= n; i++) {
        if (i < n && items[i].value == items[first].value) continue;
        for (size_t k = first; k < i; k++) f->target_rank[items[k].place] = (double)(first + i - 1) / 2 + 1;
        first = i;
    }
    free(items);
    return true;
}

static bool set_target(an__frame *f, an_error *err)
{
    enum { CLASSES = 20 };
    f->target = with_role(f->t, AN_TARGET);
    if (!f->target || f->rows < 2) return true;
    uint8_t *label = an_alloc_data(f->rows, 1, "labels", err);
    if (!label) return false;
    if (an_table_labels_known(f->t, label, NULL)) {
        f->label = an_alloc_data(f->rows, 1, "labels", err);
        for (size_t i = 0; f->label && i < f->rows; i++) {
            size_t row = an__row(f, i);
            f->label[i] = an_table_unlabelled(f->target, row) ? AN__UNLABELLED : label[row];
            f->labelled += f->label[i] != AN__UNLABELLED;
        }
        free(label);
        if (f->label && !f->time) f->sorted = sorted_by(f->label, f->rows);
        return f->label != NULL;
    }
    free(label);
    if (f->brief) return true;
    int32_t *class_of = an_alloc_data(f->rows, sizeof *class_of, "classes", err);
    char **names = NULL;
    if (!class_of) return false;
    bool few = an__classes(f->t, f->target, CLASSES, class_of, &names, &f->target_classes, NULL);
    if (few) an__names_free(names, f->target_classes);
    if (few && f->target_classes > 1) {
        f->target_class = an_alloc_data(f->rows, sizeof *f->target_class, "classes", err);
        for (size_t i = 0; f->target_class && i < f->rows; i++) f->target_class[i] = class_of[an__row(f, i)];
        free(class_of);
        return f->target_class != NULL;
    }
    free(class_of);
    return few || !an__is_number(f->target->type) || rank_target(f, err);
}

/* ---- groupings ---------------------------------------------------------------------------------------------------------------------- */

static bool group_by(an__frame *f, const an_column *c, const char *kind, an_error *err)
{
    enum { READINGS = 60 };
    int32_t *class_of = an_alloc_data(f->rows + 1, sizeof *class_of, "groups", err);
    char **names = NULL;
    size_t count = 0;
    if (!class_of) return false;
    an_error why = { 0 };
    if (!an__classes(f->t, c, AN__GROUPS, class_of, &names, &count, &why)) {
        free(class_of);
        if (strcmp(kind, "by") != 0) return true; /* too many lots to hold against each other */
        an_fail(err, AN_INPUT, "column %s has more than %d values: too many to profile by each", c->name, AN__GROUPS);
        return an_hint(err, "--by takes a column such as variant, line or shift");
    }
    if (count < 2 && strcmp(kind, "by") != 0) {
        an__names_free(names, count);
        free(class_of);
        return true;
    }
    if (c->type == AN_REAL && count > READINGS && !strcmp(kind, "by")) {
        an__names_free(names, count);
        free(class_of);
        an_fail(err, AN_INPUT, "column %s is a measurement with %zu values: too many to profile by each", c->name, count);
        return an_hint(err, "--by takes a column such as variant, line or shift");
    }
    an__grouping *g = &f->grouping[f->groupings++];
    *g = (an__grouping){ .name = c->name, .kind = kind, .count = count, .names = names };
    g->code = an_alloc_data(f->rows + 1, sizeof *g->code, "groups", err);
    g->rows = an_alloc_n(count + 1, sizeof *g->rows);
    for (size_t i = 0; g->code && i < f->rows; i++) {
        g->code[i] = class_of[an__row(f, i)];
        if (g->code[i] >= 0) g->rows[g->code[i]]++;
    }
    free(class_of);
    return g->code != NULL;
}

/* Three shifts of eight hours from 6, 14 and 22 o'clock, where the times have a time of day and span several of them. */
static bool group_by_shift(an__frame *f, an_error *err)
{
    static const char *const names[] = { "6-14 h", "14-22 h", "22-6 h" };
    if (!f->time || f->time->type != AN_DATETIME) return true;
    an__grouping g = { .name = "shift", .kind = "shift", .count = 3 };
    g.code = an_alloc_data(f->rows + 1, sizeof *g.code, "shifts", err);
    if (!g.code) return false;
    g.rows = an_alloc_n(3, sizeof *g.rows);
    bool midnight = true;
    for (size_t i = 0; i < f->rows; i++) {
        size_t row = an__row(f, i);
        g.code[i] = -1;
        if (!an_valid(f->time, row)) continue;
        int64_t second = f->time->integer[row] / 1000000 % 86400;
        if (second < 0) second += 86400;
        midnight &= second == 0;
        g.code[i] = second < 6 * 3600 ? 2 : second < 14 * 3600 ? 0 : second < 22 * 3600 ? 1 : 2;
        g.rows[g.code[i]]++;
    }
    if (midnight || (g.rows[0] > 0) + (g.rows[1] > 0) + (g.rows[2] > 0) < 2) { /* dates alone, or one shift */
        free(g.code);
        free(g.rows);
        return true;
    }
    g.names = an_alloc_n(3, sizeof *g.names);
    for (int k = 0; k < 3; k++) g.names[k] = an_strdup(names[k]);
    f->grouping[f->groupings++] = g;
    return true;
}

bool an__profile_frame_make(an__frame *f, const char *by, an_error *err)
{
    f->rows = f->timed = f->t->rows;
    f->blocks = f->rows < AN__BLOCKS ? (f->rows ? f->rows : 1) : AN__BLOCKS;
    if (f->rows > UINT32_MAX - 1) return an_fail(err, AN_INPUT, "%zu rows are more than a profile takes (%u)", f->rows, UINT32_MAX - 1);
    const an_column *asked = NULL, *lots = with_role(f->t, AN_GROUP);
    if (by && !(asked = an_table_need(f->t, by, err))) return false;
    if (asked && asked->type == AN_TENSOR) return an_fail(err, AN_INPUT, "column %s holds arrays; --by takes a column of values", by);
    f->facts = an_alloc_n(f->t->columns + 1, sizeof *f->facts);
    if (!f->brief && f->rows && !put_in_order(f, err)) return false;
    if (!set_target(f, err)) return false;
    if (f->brief) return true;
    if (asked && !group_by(f, asked, "by", err)) return false;
    if (lots && lots != asked && lots->type != AN_TENSOR && !group_by(f, lots, "group", err)) return false;
    if (!group_by_shift(f, err)) return false;
    for (int k = 0; k < f->groupings; k++)
        if (f->grouping[k].name == (lots ? lots->name : NULL)) f->lots = &f->grouping[k];
    return true;
}

void an__profile_frame_free(an__frame *f)
{
    for (int k = 0; k < f->groupings; k++) {
        an__names_free(f->grouping[k].names, f->grouping[k].count);
        free(f->grouping[k].code);
        free(f->grouping[k].rows);
    }
    for (size_t k = 0; k < f->scratches; k++) {
        an__scratch *s = &f->scratch[k];
        free(s->item);
        free(s->value);
        free(s->place);
        free(s->pos);
        free(s->sums);
        free(s->code);
    }
    free(f->scratch);
    for (size_t j = 0; f->facts && j < f->t->columns; j++) json_decref(f->facts[j].json);
    free(f->facts);
    free(f->order);
    free(f->label);
    free(f->target_class);
    free(f->target_rank);
}

/* ---- places in words ---------------------------------------------------------------------------------------------------------------- */

static bool time_of(const an__frame *f, size_t place, char text[32])
{
    size_t row = an__row(f, place);
    if (!f->time || !an_valid(f->time, row)) return false;
    if (f->time->type == AN_DATETIME)
        an_time_text(f->time->integer[row], text);
    else
        an_real_text(an_cell_number(f->time, row), text);
    return true;
}

json_t *an__place_json(const an__frame *f, size_t place)
{
    char text[32];
    json_t *j = json_pack("{s:I, s:f}", "row", (json_int_t)an__row(f, place) + 1, "place", (double)place / (double)f->rows);
    if (time_of(f, place, text)) json_object_set_new(j, "time", json_string(text));
    return j;
}

void an__place_text(const an__frame *f, size_t place, an_buf *out)
{
    char text[32];
    if (!time_of(f, place, text))
        an_buf_printf(out, "row %zu", an__row(f, place) + 1);
    else if (f->time->type == AN_DATETIME)
        an_buf_printf(out, "%.10s %.5s", text, text + 11);
    else
        an_buf_printf(out, "%s %s", f->time->name, text);
}

void an__span_text(const an__frame *f, size_t first, size_t last, an_buf *out)
{
    char a[32], b[32];
    if (!time_of(f, first, a) || !time_of(f, last, b)) {
        an_buf_printf(out, "in rows %zu to %zu", an__row(f, first) + 1, an__row(f, last) + 1);
    } else if (f->time->type != AN_DATETIME) {
        an_buf_printf(out, "from %s %s to %s", f->time->name, a, b);
    } else {
        an_buf_printf(out, "from %.10s %.5s to ", a, a + 11);
        if (!strncmp(a, b, 10))
            an_buf_printf(out, "%.5s", b + 11);
        else
            an_buf_printf(out, "%.10s %.5s", b, b + 11);
    }
}
