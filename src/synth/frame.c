/* frame.c - tables into the frames that the judge compares: same columns, same categories, whatever file the rows came from. */
#include "synth/frame.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ONE_HOT = 100 }; /* categories of more values are left out of matrices */

static bool is_number(an_type t)
{
    return t == AN_REAL || t == AN_INTEGER || t == AN_DATETIME;
}
static bool is_category(an_type t)
{
    return t == AN_CATEGORY || t == AN_BOOLEAN;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* ---- the plan ---- */

static void gather(const an_column *c, size_t rows, an_list *values)
{
    if (c->type == AN_CATEGORY) {
        for (int32_t i = 0; i < c->dictionary.count; i++) an_list_add(values, c->dictionary.names[i]);
        return;
    }
    an_buf text = { 0 };
    char *last = NULL;
    for (size_t i = 0; i < rows; i++) {
        if (!an_valid(c, i)) continue;
        an_buf_clear(&text);
        an_cell_text(c, i, &text);
        if (last && !strcmp(last, text.data)) continue;
        if (!an_list_has(values, text.data)) an_list_add(values, text.data);
        last = values->items[values->count - 1];
    }
    an_buf_free(&text);
}

static void dictionary_of(an_list *values, an_dictionary *d)
{
    qsort(values->items, values->count, sizeof *values->items, by_bytes);
    d->names = an_alloc_n(values->count + 1, sizeof *d->names);
    for (size_t i = 0; i < values->count; i++) {
        if (d->count && !strcmp(d->names[d->count - 1], values->items[i])) continue;
        d->names[d->count++] = an_strdup(values->items[i]);
    }
}

static bool statistics(an__frame_column *c, const an_column *from, size_t rows, an_error *err)
{
    c->low = c->high = c->median = c->mean = c->sd = NAN;
    double *v = an_alloc_data(rows ? rows : 1, sizeof *v, "a column", err);
    if (!v) return false;
    size_t n = 0;
    double sum = 0, squares = 0, largest = 0;
    for (size_t i = 0; i < rows; i++) {
        double x = an_cell_number(from, i);
        if (isnan(x)) continue;
        v[n++] = x;
        largest = fabs(x) > largest ? fabs(x) : largest;
    }
    if (n) {
        /* in a unit in which neither the sum nor the squares overflow; a power of two, so that nothing is rounded */
        double unit = largest > 1e150 ? ldexp(1, ilogb(largest)) : 1;
        for (size_t i = 0; i < n; i++) sum += v[i] / unit;
        double mean = sum / (double)n;
        for (size_t i = 0; i < n; i++) squares += (v[i] / unit - mean) * (v[i] / unit - mean);
        c->mean = mean * unit;
        c->sd = sqrt(squares / (double)n) * unit;
        c->median = an_quantile(v, n, 0.5); /* sorts */
        c->low = v[0];
        c->high = v[n - 1];
    }
    free(v);
    return true;
}

bool an__frame_plan_make(an__frame_plan *p, const an_table *real, const an_table *const *others, size_t count, an_error *err)
{
    *p = (an__frame_plan){ 0 };
    p->column = an_alloc_n(real->columns + 1, sizeof *p->column);
    for (size_t i = 0; i < real->columns; i++) {
        const an_column *c = &real->column[i];
        if (c->role == AN_TARGET && !p->target) p->target = an_strdup(c->name);
        if (c->role != AN_FEATURE || c->name[0] == '_' || !(is_number(c->type) || is_category(c->type))) continue;
        an__frame_column *out = &p->column[p->columns++];
        out->name = an_strdup(c->name);
        out->number = is_number(c->type);
        out->index = out->number ? p->numbers++ : p->categories++;
        if (out->number) {
            if (!statistics(out, c, real->rows, err)) return false;
            continue;
        }
        an_list values = { 0 };
        gather(c, real->rows, &values);
        for (size_t j = 0; j < count; j++) {
            const an_column *o = others[j] ? an_table_find(others[j], c->name) : NULL;
            if (o) gather(o, others[j]->rows, &values);
        }
        dictionary_of(&values, &out->values);
        an_list_free(&values);
    }
    if (p->columns == 0) return an_fail(err, AN_INPUT, "there is no feature column to judge");
    if (p->target && real->positive) p->positive = an_strdup(real->positive);
    return true;
}

void an__frame_plan_free(an__frame_plan *p)
{
    for (size_t i = 0; i < p->columns; i++) {
        free(p->column[i].name);
        for (int32_t v = 0; v < p->column[i].values.count; v++) free(p->column[i].values.names[v]);
        free(p->column[i].values.names);
    }
    free(p->column);
    free(p->target);
    free(p->positive);
    *p = (an__frame_plan){ 0 };
}

/* ---- frames ---- */

static bool allocate(an__frame *f, const an__frame_plan *p, size_t n, an_error *err)
{
    *f = (an__frame){ .n = n };
    size_t cells = n ? n : 1;
    f->number = an_alloc_data(cells * (p->numbers ? p->numbers : 1), sizeof *f->number, "rows to judge", err);
    f->code = an_alloc_data(cells * (p->categories ? p->categories : 1), sizeof *f->code, "rows to judge", err);
    f->label = an_alloc_data(cells, 1, "labels", err);
    if (f->number && f->code && f->label) return true;
    an__frame_free(f);
    return false;
}

void an__frame_free(an__frame *f)
{
    free(f->number);
    free(f->code);
    free(f->label);
    *f = (an__frame){ 0 };
}

static int32_t find(const an_dictionary *d, const char *text)
{
    char **at = bsearch(&text, d->names, (size_t)d->count, sizeof *d->names, by_bytes);
    return at ? (int32_t)(at - d->names) : -1;
}

static void codes_of(const an__frame_column *p, const an_column *c, size_t n, int32_t *code)
{
    int32_t *map = NULL;
    if (c->type == AN_CATEGORY) {
        map = an_alloc_n((size_t)c->dictionary.count + 1, sizeof *map);
        for (int32_t i = 0; i < c->dictionary.count; i++) map[i] = find(&p->values, c->dictionary.names[i]);
    }
    an_buf text = { 0 };
    for (size_t i = 0; i < n; i++) {
        code[i] = -1;
        if (!an_valid(c, i)) continue;
        if (map) {
            code[i] = map[c->code[i]];
            continue;
        }
        an_buf_clear(&text);
        an_cell_text(c, i, &text);
        code[i] = find(&p->values, text.data);
    }
    an_buf_free(&text);
    free(map);
}

static void labels_of(const an__frame_plan *p, const an_table *t, int8_t *label)
{
    const an_column *c = p->positive ? an_table_find(t, p->target) : NULL;
    an_buf text = { 0 };
    for (size_t i = 0; i < t->rows; i++) {
        label[i] = -1;
        if (!c || !an_valid(c, i)) continue;
        an_buf_clear(&text);
        an_cell_text(c, i, &text);
        label[i] = !strcmp(text.data, p->positive);
    }
    an_buf_free(&text);
}

bool an__frame_make(an__frame *f, const an__frame_plan *p, const an_table *t, const char *what, an_error *err)
{
    if (!allocate(f, p, t->rows, err)) return false;
    for (size_t j = 0; j < p->columns; j++) {
        const an__frame_column *c = &p->column[j];
        const an_column *from = an_table_need(t, c->name, err);
        if (!from) {
            an__frame_free(f);
            return an_context(err, "%s", what);
        }
        if (!c->number) {
            codes_of(c, from, t->rows, f->code + c->index * t->rows);
            continue;
        }
        if (!is_number(from->type) && from->type != AN_BOOLEAN && from->missing < t->rows) {
            an__frame_free(f);
            return an_fail(err, AN_INPUT, "%s: column %s is %s, but a number in the real rows", what, c->name, an_type_name(from->type));
        }
        for (size_t i = 0; i < t->rows; i++) f->number[c->index * t->rows + i] = an_cell_number(from, i);
    }
    labels_of(p, t, f->label);
    return true;
}

bool an__frame_select(an__frame *f, const an__frame_plan *p, const an__frame *from, const size_t *rows, size_t n, an_error *err)
{
    if (!allocate(f, p, n, err)) return false;
    for (size_t j = 0; j < p->numbers; j++) {
        for (size_t i = 0; i < n; i++) f->number[j * n + i] = from->number[j * from->n + rows[i]];
    }
    for (size_t j = 0; j < p->categories; j++) {
        for (size_t i = 0; i < n; i++) f->code[j * n + i] = from->code[j * from->n + rows[i]];
    }
    for (size_t i = 0; i < n; i++) f->label[i] = from->label[rows[i]];
    return true;
}

bool an__frame_thin(an__frame *out, const an__frame_plan *p, const an__frame *from, size_t limit, an_error *err)
{
    size_t n = from->n < limit ? from->n : limit;
    size_t *rows = an_alloc_data(n ? n : 1, sizeof *rows, "row numbers", err);
    for (size_t i = 0; rows && i < n; i++) rows[i] = i * from->n / n;
    bool good = rows && an__frame_select(out, p, from, rows, n, err);
    free(rows);
    return good;
}

void an__frame_shuffle(an__frame *f, const an__frame_plan *p, uint64_t seed)
{
    for (size_t j = 0; j <= p->numbers + p->categories; j++) {
        an_rng r = an_rng_at(seed, j);
        for (size_t i = f->n; i-- > 1;) {
            size_t k = (size_t)an_rng_below(&r, i + 1);
            if (j < p->numbers) {
                double *c = f->number + j * f->n, keep = c[i];
                c[i] = c[k];
                c[k] = keep;
            } else if (j < p->numbers + p->categories) {
                int32_t *c = f->code + (j - p->numbers) * f->n, keep = c[i];
                c[i] = c[k];
                c[k] = keep;
            } else {
                int8_t keep = f->label[i];
                f->label[i] = f->label[k];
                f->label[k] = keep;
            }
        }
    }
}

/* (x - centre) / scale, also where the difference is no double any more; never infinite. */
static double standing(double x, double centre, double scale)
{
    double z = (x - centre) / scale;
    if (!isfinite(z)) z = x / scale - centre / scale;
    return z > 1e100 ? 1e100 : z < -1e100 ? -1e100 : z;
}

double *an__frame_matrix(const an__frame *f, const an__frame_plan *p, bool by_range, size_t *width, an_error *err)
{
    size_t d = 0;
    for (size_t j = 0; j < p->columns; j++) {
        const an__frame_column *c = &p->column[j];
        if (c->number)
            d += !isnan(c->mean);
        else if (c->values.count <= ONE_HOT)
            d += (size_t)c->values.count;
    }
    *width = d;
    double *out = an_alloc_data(f->n * d + 1, sizeof *out, "rows to judge", err);
    if (!out) return NULL;
    size_t at = 0;
    for (size_t j = 0; j < p->columns; j++) {
        const an__frame_column *c = &p->column[j];
        if (c->number && !isnan(c->mean)) {
            const double *v = f->number + c->index * f->n;
            double centre = by_range ? c->low : c->mean, scale = by_range ? c->high - c->low : c->sd;
            if (!(scale > 0)) scale = 1;
            for (size_t i = 0; i < f->n; i++) {
                double x = isnan(v[i]) ? (by_range ? c->median : c->mean) : v[i];
                out[i * d + at] = standing(x, centre, scale);
            }
            at++;
        } else if (!c->number && c->values.count <= ONE_HOT) {
            const int32_t *v = f->code + c->index * f->n;
            double one = by_range ? sqrt(0.5) : 1;
            for (size_t i = 0; i < f->n; i++) {
                if (v[i] >= 0) out[i * d + at + (size_t)v[i]] = one;
            }
            at += (size_t)c->values.count;
        }
    }
    return out;
}

/* Standardised by the real rows; missing stays missing. */
static bool add_number(an_table *t, const an__frame *f, const an__frame_column *c, an_error *err)
{
    an_column *out = an_table_add(t, c->name, AN_REAL, err);
    if (!out) return false;
    const double *v = f->number + c->index * f->n;
    double scale = c->sd > 0 ? c->sd : 1;
    for (size_t i = 0; i < f->n; i++) {
        if (isnan(v[i])) continue;
        double x = standing(v[i], c->mean, scale);
        out->real[i] = x > 1e6 ? 1e6 : x < -1e6 ? -1e6 : x; /* a generated value far out must not overflow what is made of it */
        an_set_valid(out, i);
    }
    return true;
}

static bool add_category(an_table *t, const char *name, const an_dictionary *values, const int32_t *code, an_column **added, an_error *err)
{
    an_column *out = an_table_add(t, name, AN_CATEGORY, err);
    if (!out) return false;
    out->dictionary.names = an_alloc_n((size_t)values->count + 1, sizeof *out->dictionary.names);
    out->dictionary.count = values->count;
    for (int32_t i = 0; i < values->count; i++) out->dictionary.names[i] = an_strdup(values->names[i]);
    for (size_t i = 0; i < t->rows; i++) {
        if (code[i] < 0) continue;
        out->code[i] = code[i];
        an_set_valid(out, i);
    }
    if (added) *added = out;
    return true;
}

an_table *an__frame_table(const an__frame *f, const an__frame_plan *p, const int8_t *label, an_error *err)
{
    an_table *t = an_table_new(f->n);
    bool good = true;
    for (size_t j = 0; j < p->columns && good; j++) {
        const an__frame_column *c = &p->column[j];
        if (c->number)
            good = isnan(c->mean) || add_number(t, f, c, err);
        else
            good = add_category(t, c->name, &c->values, f->code + c->index * f->n, NULL, err);
    }
    int32_t *code = an_alloc_data(f->n ? f->n : 1, sizeof *code, "labels", err);
    an_column *target = NULL;
    if (good && code) {
        for (size_t i = 0; i < f->n; i++) code[i] = label[i];
        static char zero[] = "0", one[] = "1";
        static char *names[] = { zero, one };
        char *name = an_format("label of %zu columns", p->columns); /* no column of the data is called that */
        good = add_category(t, name, &(an_dictionary){ .count = 2, .names = names }, code, &target, err);
        free(name);
    } else
        good = false;
    free(code);
    if (good) {
        target->role = AN_TARGET;
        t->positive = an_strdup("1");
        return t;
    }
    an_table_free(t);
    return NULL;
}
