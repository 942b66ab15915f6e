/* prep_fit.c - what preparation learns from a training part: fill values, centre and scale, categories, ranges, resolutions.
 * Everything is computed in double precision in row order. Applying is in prep_apply.c, JSON in prep_json.c. */
#include "prep.h"

#include "andon/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const an_param an_prep_params[] = {
    AN_CHOICE(an_prep_options, scale, "standard", "standard|range|robust|none",
              "numbers to mean 0 and deviation 1, to -1..1, by median and quartiles, or as they are"),
    AN_CHOICE(an_prep_options, impute, "median", "median|mean|zero",
              "what stands for a missing number; a missing category is the most frequent one"),
    AN_CHOICE(an_prep_options, category, "onehot", "onehot|ordinal", "one column a category, or its number"),
    AN_BOOL(an_prep_options, with_target, false, "the target is prepared too, as the last columns"),
    AN_PARAM_END,
};

double an__prep_number(const an_column *c, size_t row)
{
    double x = an_cell_number(c, row);
    return c->type == AN_DATETIME ? x / 1e6 : x;
}

/* The largest of 1, .5, .1, .05 ... 1e-6 of which all values are multiples; 0: none. Tried as 1/step, a whole number, so that a value
 * rounded to it is the double nearest to its decimal text. */
static double find_step(const double *x, size_t n)
{
    static const double per_unit[] = { 1, 2, 10, 20, 100, 200, 1000, 2000, 10000, 20000, 100000, 200000, 1000000 };
    for (size_t k = 0; k < AN_COUNT(per_unit); k++) {
        size_t i = 0;
        for (; i < n; i++) {
            double q = x[i] * per_unit[k], off = fabs(q - nearbyint(q));
            double allowed = 1e-9 * (fabs(q) > 1 ? fabs(q) : 1);
            if (off > (allowed < 1e-3 ? allowed : 1e-3)) break;
        }
        if (i == n) return 1 / per_unit[k];
    }
    return 0;
}

static double mean_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}

/* x: the n values with fills in place; valid: how many were there. */
static void fit_scale(an_prep_column *c, double *x, size_t n, const char *scale)
{
    c->center = 0;
    c->scale = 1;
    if (!n) return;
    if (!strcmp(scale, "standard")) {
        double mean = mean_of(x, n), squares = 0;
        for (size_t i = 0; i < n; i++) squares += (x[i] - mean) * (x[i] - mean);
        c->center = mean;
        c->scale = sqrt(squares / (double)n);
    } else if (!strcmp(scale, "range")) {
        double low = x[0], high = x[0];
        for (size_t i = 1; i < n; i++) {
            low = x[i] < low ? x[i] : low;
            high = x[i] > high ? x[i] : high;
        }
        c->center = (low + high) / 2;
        c->scale = (high - low) / 2;
    } else if (!strcmp(scale, "robust")) {
        c->center = an_quantile(x, n, 0.5);
        c->scale = an_quantile(x, n, 0.75) - an_quantile(x, n, 0.25);
    }
    /* A constant column, also one whose mean is off by rounding: nothing to scale by. */
    if (!(c->scale > 1e-12 * fabs(c->center)) || !isfinite(c->scale)) c->scale = 1;
}

static void fit_number(an_prep_column *c, const an_column *from, const size_t *rows, size_t n, const an_prep_options *o, double *x,
                       double *sorted)
{
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        double value = an__prep_number(from, rows ? rows[i] : i);
        x[i] = value;
        if (!isnan(value)) sorted[valid++] = value;
    }
    c->low = c->high = NAN;
    c->whole = valid > 0;
    for (size_t i = 0; i < valid; i++) {
        c->low = !(sorted[i] >= c->low) ? sorted[i] : c->low;
        c->high = !(sorted[i] <= c->high) ? sorted[i] : c->high;
        c->whole = c->whole && sorted[i] == floor(sorted[i]);
    }
    c->step = valid ? find_step(sorted, valid) : 0;
    c->missing_share = n ? (double)(n - valid) / (double)n : 0;
    if (valid && !strcmp(o->impute, "mean")) c->fill = mean_of(sorted, valid);
    if (valid && !strcmp(o->impute, "median")) c->fill = an_quantile(sorted, valid, 0.5);
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i])) x[i] = c->fill;
    }
    fit_scale(c, x, n, o->scale);
    c->width = 1;
}

static void fit_category(an_prep_column *c, const an_column *from, const size_t *rows, size_t n, const an_prep_options *o, double *x)
{
    size_t *count = an_alloc_n((size_t)from->dictionary.count + 1, sizeof *count), valid = 0;
    int32_t *map = an_alloc_n((size_t)from->dictionary.count + 1, sizeof *map);
    for (size_t i = 0; i < n; i++) {
        size_t r = rows ? rows[i] : i;
        if (!an_valid(from, r)) continue;
        count[from->code[r]]++;
        valid++;
    }
    c->dictionary.names = an_alloc_n((size_t)from->dictionary.count + 1, sizeof *c->dictionary.names);
    size_t most = 0;
    for (int32_t k = 0; k < from->dictionary.count; k++) {
        if (!count[k]) continue;
        if (count[k] > most) {
            most = count[k];
            c->fill = c->dictionary.count;
        }
        map[k] = c->dictionary.count;
        c->dictionary.names[c->dictionary.count++] = an_strdup(from->dictionary.names[k]);
    }
    c->missing_share = n ? (double)(n - valid) / (double)n : 0;
    c->low = 0;
    c->high = c->dictionary.count ? c->dictionary.count - 1 : 0;
    c->whole = true;
    c->step = 1;
    c->scale = 1;
    c->onehot = !strcmp(o->category, "onehot");
    c->width = c->onehot ? (size_t)c->dictionary.count : 1;
    if (!c->onehot) {
        for (size_t i = 0; i < n; i++) {
            size_t r = rows ? rows[i] : i;
            x[i] = an_valid(from, r) ? map[from->code[r]] : c->fill;
        }
        fit_scale(c, x, n, o->scale);
    }
    free(count);
    free(map);
}

void an__prep_column_free(an_prep_column *c)
{
    free(c->name);
    free(c->unit);
    an__dictionary_free(&c->dictionary);
}

void an_prep_free(an_prep *p)
{
    if (!p) return;
    for (size_t j = 0; j < p->columns; j++) an__prep_column_free(&p->column[j]);
    free(p->column);
    free(p);
}

static bool fit_column(an_prep *p, const an_column *from, const size_t *rows, size_t n, const an_prep_options *o, double *x, double *sorted,
                       an_error *err)
{
    if (!an__is_number(from->type) && from->type != AN_CATEGORY) {
        an_fail(err, AN_INPUT, "column %s is %s and cannot be prepared for a model", from->name, an_type_name(from->type));
        return an_hint(err, "leave it out with --drop \"%s\", or read it with --type \"%s=category\"", from->name, from->name);
    }
    an_prep_column *c = &p->column[p->columns++];
    c->name = an_strdup(from->name);
    c->unit = an_strdup(from->unit);
    c->type = from->type;
    c->first = p->width;
    if (from->type == AN_CATEGORY) {
        fit_category(c, from, rows, n, o, x);
    } else {
        fit_number(c, from, rows, n, o, x, sorted);
        if (c->type == AN_BOOLEAN) an__dictionary_copy(&c->dictionary, &from->dictionary); /* its words for false and true */
    }
    p->width += c->width;
    return true;
}

an_prep *an_prep_fit(const an_table *t, const size_t *rows, size_t n, const an_prep_options *options, an_error *err)
{
    an_prep_options o = options ? *options : (an_prep_options){ 0 };
    char standard[] = "standard", median[] = "median", onehot[] = "onehot";
    if (!o.scale) o.scale = standard;
    if (!o.impute) o.impute = median;
    if (!o.category) o.category = onehot;
    if (!rows) n = t->rows;
    an_prep *p = an_alloc(sizeof *p);
    p->column = an_alloc_n(t->columns + 1, sizeof *p->column);
    double *x = an_alloc_data(n ? n : 1, sizeof *x, "values of a column", err);
    double *sorted = x ? an_alloc_data(n ? n : 1, sizeof *sorted, "values of a column", err) : NULL;
    bool ok = sorted != NULL;
    for (size_t i = 0; ok && rows && i < n; i++) {
        if (rows[i] >= t->rows) ok = an_fail(err, AN_USAGE, "row %zu of a table of %zu rows", rows[i], t->rows);
    }
    if (ok && !n) ok = an_fail(err, AN_INPUT, "there are no rows to prepare from");
    const an_column *target = NULL;
    for (size_t j = 0; ok && j < t->columns; j++) {
        if (t->column[j].role == AN_TARGET) target = &t->column[j];
        if (t->column[j].role == AN_FEATURE) ok = fit_column(p, &t->column[j], rows, n, &o, x, sorted, err);
    }
    if (ok && o.with_target) {
        ok = target ? fit_column(p, target, rows, n, &o, x, sorted, err)
                    : an_fail(err, AN_INPUT, "the table has no target column to prepare");
        p->target_last = ok;
    }
    free(x);
    free(sorted);
    if (ok) return p;
    an_prep_free(p);
    return NULL;
}

char *an_prep_output_name(const an_prep *p, size_t j)
{
    for (size_t k = 0; k < p->columns; k++) {
        const an_prep_column *c = &p->column[k];
        if (j < c->first || j >= c->first + c->width) continue;
        return c->onehot ? an_format("%s=%s", c->name, c->dictionary.names[j - c->first]) : an_strdup(c->name);
    }
    return an_strdup("");
}
