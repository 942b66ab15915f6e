/* profile.c - what is in a table, column by column, for people and reports: exact counts and quantiles, no sampling. */
#include "impl.h"

#include "andon/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BINS = 20, TOP = 10 };

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double seconds(const an_column *c, double x)
{
    return c->type == AN_DATETIME ? x / 1e6 : x;
}

/* Quantile of sorted values by linear interpolation (type 7). */
static double quantile(const double *sorted, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t i = (size_t)at;
    return i + 1 < n ? sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

static json_t *histogram(const double *sorted, size_t n)
{
    json_t *edges = json_array(), *counts = json_array();
    double low = sorted[0], high = sorted[n - 1];
    size_t i = 0;
    for (int b = 0; b <= BINS && high > low; b++) {
        double edge = b == BINS ? high : low + (high - low) * b / BINS;
        json_array_append_new(edges, an_json_real(edge));
        if (!b) continue;
        size_t from = i;
        while (i < n && (b == BINS || sorted[i] < edge)) i++;
        json_array_append_new(counts, json_integer((json_int_t)(i - from)));
    }
    if (!(high > low)) {
        json_array_append_new(edges, an_json_real(low));
        json_array_append_new(edges, an_json_real(high));
        json_array_append_new(counts, json_integer((json_int_t)n));
    }
    return json_pack("{s:o, s:o}", "edges", edges, "counts", counts);
}

static void profile_number(const an_table *t, const an_column *c, double *x, json_t *out)
{
    static const double qs[] = { .01, .05, .25, .5, .75, .95, .99 };
    static const char *const names[] = { "0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99" };
    size_t n = 0, distinct = 0;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < t->rows; i++) {
        if (an_valid(c, i)) x[n++] = seconds(c, an_cell_number(c, i));
    }
    for (size_t i = 0; i < n; i++) sum += x[i];
    double mean = n ? sum / (double)n : NAN;
    for (size_t i = 0; i < n; i++) squares += (x[i] - mean) * (x[i] - mean);
    qsort(x, n, sizeof *x, by_value);
    for (size_t i = 0; i < n; i++) distinct += !i || x[i] != x[i - 1];
    json_object_set_new(out, "distinct", json_integer((json_int_t)distinct));
    json_object_set_new(out, "min", n ? an_json_real(x[0]) : json_null());
    json_object_set_new(out, "max", n ? an_json_real(x[n - 1]) : json_null());
    json_object_set_new(out, "mean", an_json_real(mean));
    json_object_set_new(out, "sd", n > 1 ? an_json_real(sqrt(squares / (double)(n - 1))) : json_null());
    json_t *quantiles = json_object();
    for (size_t k = 0; k < AN_COUNT(qs) && n; k++) json_object_set_new(quantiles, names[k], an_json_real(quantile(x, n, qs[k])));
    json_object_set_new(out, "quantiles", quantiles);
    if (n) json_object_set_new(out, "histogram", histogram(x, n));
}

typedef struct counted {
    int32_t code;
    size_t count;
} counted;

static int most_first(const void *a, const void *b)
{
    const counted *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return (x->code > y->code) - (x->code < y->code);
}

/* Cramer's V = sqrt(chi^2 / n / (min(rows, columns) - 1)) of classes against a label of two classes. */
static double cramers_v(const int32_t *class_of, size_t classes, const uint8_t *label, size_t rows)
{
    double *cell = an_alloc_n(2 * classes + 1, sizeof *cell), n = 0, positives = 0, chi2 = 0;
    size_t used = 0;
    for (size_t i = 0; i < rows; i++) {
        if (class_of[i] < 0) continue;
        cell[2 * class_of[i] + label[i]]++;
        positives += label[i];
        n++;
    }
    for (size_t k = 0; k < classes; k++) {
        double row = cell[2 * k] + cell[2 * k + 1];
        used += row > 0;
        for (int l = 0; l < 2; l++) {
            double expected = row * (l ? positives : n - positives) / n;
            if (expected > 0) chi2 += (cell[2 * k + (size_t)l] - expected) * (cell[2 * k + (size_t)l] - expected) / expected;
        }
    }
    free(cell);
    return used > 1 && positives > 0 && positives < n ? sqrt(chi2 / n) : NAN;
}

static bool profile_classes(const an_table *t, const an_column *c, const uint8_t *label, int32_t *class_of, json_t *out, an_error *err)
{
    char **names = NULL;
    size_t n = 0;
    if (!an__classes(t, c, t->rows, class_of, &names, &n, err)) return false;
    counted *counts = an_alloc_n(n + 1, sizeof *counts);
    for (size_t k = 0; k < n; k++) counts[k].code = (int32_t)k;
    for (size_t i = 0; i < t->rows; i++) {
        if (class_of[i] >= 0) counts[class_of[i]].count++;
    }
    qsort(counts, n, sizeof *counts, most_first);
    json_t *top = json_array();
    for (size_t k = 0; k < n && k < TOP; k++) {
        json_array_append_new(top, json_pack("{s:s, s:I}", "value", names[counts[k].code], "count", (json_int_t)counts[k].count));
    }
    if (!json_object_get(out, "distinct")) json_object_set_new(out, "distinct", json_integer((json_int_t)n));
    json_object_set_new(out, "top", top);
    if (label && c->role != AN_TARGET && !an__is_number(c->type))
        json_object_set_new(out, "cramers_v", an_json_real(cramers_v(class_of, n, label, t->rows)));
    free(counts);
    an__names_free(names, n);
    return true;
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Rows that equal an earlier one in every column that is not ignored and names nothing (id, time, group). */
static bool duplicate_rows(const an_table *t, size_t *out, an_error *err)
{
    uint64_t *key = an_alloc_data(t->rows ? t->rows : 1, sizeof *key, "row keys", err);
    if (!key) return false;
    an_table content = *t; /* a view without the id role: content decides */
    content.origin = NULL;
    content.column = an_alloc_n(t->columns + 1, sizeof *content.column);
    for (size_t j = 0; j < t->columns; j++) {
        content.column[j] = t->column[j];
        if (content.column[j].role == AN_ID) content.column[j].role = AN_IGNORED;
    }
    bool ok = an_table_row_keys(&content, key, err);
    qsort(key, t->rows, sizeof *key, by_key);
    *out = 0;
    for (size_t i = 1; i < t->rows; i++) *out += key[i] == key[i - 1];
    free(content.column);
    free(key);
    return ok;
}

static json_t *profile_target(const an_table *t, an_error *err)
{
    an_class_count *classes = NULL;
    size_t n = 0;
    const an_column *target = an_table_target(t, err);
    if (!target || !an_table_classes(t, &classes, &n, err)) return NULL;
    json_t *counts = json_object();
    for (size_t k = 0; k < n && k < 100; k++) json_object_set_new(counts, classes[k].name, json_integer((json_int_t)classes[k].count));
    an_class_counts_free(classes, n);
    return json_pack("{s:s, s:s?, s:o}", "name", target->name, "positive", t->positive, "classes", counts);
}

static bool profile_column(const an_table *t, const an_column *c, const uint8_t *label, uint8_t *y, double *x, int32_t *class_of,
                           json_t *out, an_error *err)
{
    if (c->type == AN_TENSOR) return true;
    if (an__is_number(c->type)) {
        if (label && c->role != AN_TARGET) {
            size_t n = 0;
            for (size_t i = 0; i < t->rows; i++) {
                if (!an_valid(c, i)) continue;
                y[n] = label[i];
                x[n++] = an_cell_number(c, i);
            }
            json_object_set_new(out, "auc", an_json_real(an_roc_auc(y, x, n)));
        }
        profile_number(t, c, x, out);
        if (json_integer_value(json_object_get(out, "distinct")) > 20) return true;
    }
    return profile_classes(t, c, label, class_of, out, err);
}

json_t *an_table_profile(const an_table *t, an_job *job, an_error *err)
{
    size_t rows = t->rows ? t->rows : 1, duplicates = 0;
    json_t *columns = json_array(), *target = NULL, *out = NULL;
    double *x = an_alloc_data(rows, sizeof *x, "values of a column", err);
    uint8_t *y = x ? an_alloc_data(rows, 1, "labels", err) : NULL, *label = y ? an_alloc_data(rows, 1, "labels", err) : NULL;
    int32_t *class_of = label ? an_alloc_data(rows, sizeof *class_of, "classes", err) : NULL;
    bool ok = class_of && duplicate_rows(t, &duplicates, err), labelled = false;
    if (ok && an_table_target(t, NULL)) {
        target = profile_target(t, err);
        ok = target != NULL;
        labelled = ok && an_table_labels(t, label, NULL); /* without two classes there is no association to tell */
    }
    an_job_stage(job, "profiling");
    for (size_t j = 0; ok && j < t->columns; j++) {
        const an_column *c = &t->column[j];
        json_t *o =
            json_pack("{s:s, s:s, s:s, s:s?, s:I, s:I}", "name", c->name, "type", an_type_name(c->type), "role", an_role_name(c->role),
                      "unit", c->unit, "count", (json_int_t)(t->rows - c->missing), "missing", (json_int_t)c->missing);
        ok = profile_column(t, c, labelled ? label : NULL, y, x, class_of, o, err);
        json_array_append_new(columns, o);
        an_job_progress(job, (double)(j + 1), (double)t->columns, "columns");
        ok = ok && an_job_check(job, err);
    }
    if (ok) {
        out = json_pack("{s:I, s:I, s:O?, s:O}", "rows", (json_int_t)t->rows, "duplicate_rows", (json_int_t)duplicates, "target", target,
                        "columns", columns);
    }
    json_decref(columns);
    json_decref(target);
    free(x);
    free(y);
    free(label);
    free(class_of);
    return out;
}
