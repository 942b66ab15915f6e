/* diff.c - two versions of a table: what changed in the columns, which numbers look like another unit, and which distributions moved, told
 * apart from those where only the number of rows makes a tiny change significant. Distances and tests are the score room's. Rows are
 * compared as samples, never one by one.
 */
#include "andon/score.h"
#include "schema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PSI_BINS = 10, NEW_LISTED = 20, NEW_SAID = 3 };
static const double significant = 0.05, psi_matters = 0.1, ks_matters = 0.1, missing_matters = 0.05;

/* ---- what columns are ---- */

static void changed(json_t *list, const char *column, const char *what, const char *from, const char *to)
{
    if ((!from && !to) || (from && to && !strcmp(from, to))) return;
    json_array_append_new(list, json_pack("{s:s?, s:s, s:s?, s:s?}", "column", column, "what", what, "from", from, "to", to));
}

static void compare_columns(const an_table *a, const an_table *b, json_t *added, json_t *removed, json_t *changes)
{
    for (size_t j = 0; j < a->columns; j++) {
        const an_column *x = &a->column[j], *y = an_table_find(b, x->name);
        if (!y) {
            json_array_append_new(removed, json_string(x->name));
            continue;
        }
        changed(changes, x->name, "type", an_type_name(x->type), an_type_name(y->type));
        changed(changes, x->name, "role", an_role_name(x->role), an_role_name(y->role));
        changed(changes, x->name, "unit", x->unit, y->unit);
        changed(changes, x->name, "reason", x->role == AN_IGNORED ? x->reason : NULL, y->role == AN_IGNORED ? y->reason : NULL);
        static const char *const keys[] = { "low", "high", "direction", "station", "resolution", "sentinels", "from", "description" };
        for (size_t k = 0; k < AN_COUNT(keys); k++) {
            const json_t *p = json_object_get(x->spec, keys[k]), *q = json_object_get(y->spec, keys[k]);
            if (!p && !q) continue;
            an_buf s = { 0 }, t = { 0 };
            if (p) an__yaml_value(&s, p);
            if (q) an__yaml_value(&t, q);
            changed(changes, x->name, keys[k], s.data, t.data);
            an_buf_free(&s);
            an_buf_free(&t);
        }
    }
    for (size_t j = 0; j < b->columns; j++) {
        if (!an_table_find(a, b->column[j].name)) json_array_append_new(added, json_string(b->column[j].name));
    }
    changed(changes, NULL, "positive", a->positive, b->positive);
    char *p = a->constraints ? an_json_text(a->constraints, false) : NULL, *q = b->constraints ? an_json_text(b->constraints, false) : NULL;
    changed(changes, NULL, "constraints", p, q);
    free(p);
    free(q);
}

/* ---- how cells moved ---- */

typedef struct drift {
    const an_column *a, *b;
    bool number, compared;
    double ks, p, psi, wasserstein, tv, v; /* NaN: not for this kind of column */
    double missing_a, missing_b, missing_p;
    double adjusted, missing_adjusted;
    double factor, offset; /* b looks like factor x a + offset; NaN: it does not */
    const char *unit_words;
    double change; /* numbers: of the median, in a's interquartile ranges; NaN: none */
    double median_a, median_b;
    json_t *fresh; /* categories that are new */
    size_t fresh_count;
} drift;

typedef struct comparison {
    const an_table *a, *b;
    drift *drift;
    an_job *job;
} comparison;

static double *numbers(const an_table *t, const an_column *c, size_t *n)
{
    double *out = an_alloc_data(t->rows + 1, sizeof *out, "the numbers of a column", NULL);
    *n = 0;
    for (size_t i = 0; out && i < t->rows; i++) {
        if (!an_valid(c, i)) continue;
        double x = an_cell_number(c, i);
        if (isfinite(x)) out[(*n)++] = x;
    }
    return out;
}

/* Changes of unit that happen in plants; each is tried in both directions. */
static const struct {
    double factor, offset;
    const char *forth, *back;
} slips[] = {
    { 1000, 0, "a thousand times as large (mm for m, g for kg, mV for V)", "a thousandth (m for mm, kg for g, V for mV)" },
    { 25.4, 0, "25.4 times as large (millimetres for inches)", "divided by 25.4 (inches for millimetres)" },
    { 10, 0, "ten times as large (a decimal place)", "a tenth (a decimal place)" },
    { 100, 0, "a hundred times as large (percent for a share, cm for m)", "a hundredth (a share for percent, m for cm)" },
    { 60, 0, "60 times as large (seconds for minutes, per minute for per second)",
      "a sixtieth (minutes for seconds, per second for per minute)" },
    { 3600, 0, "3,600 times as large (seconds for hours)", "divided by 3,600 (hours for seconds)" },
    { 1e6, 0, "a million times as large (um for m)", "a millionth (m for um)" },
    { 14.503773773, 0, "14.5 times as large (psi for bar)", "divided by 14.5 (bar for psi)" },
    { 6.894757293, 0, "6.895 times as large (kPa for psi)", "divided by 6.895 (psi for kPa)" },
    { 4.4482216153, 0, "4.448 times as large (newtons for pounds of force)", "divided by 4.448 (pounds of force for newtons)" },
    { 1.3558179483, 0, "1.356 times as large (N.m for foot-pounds)", "divided by 1.356 (foot-pounds for N.m)" },
    { 0.11298482903, 0, "0.113 times as large (N.m for inch-pounds)", "divided by 0.113 (inch-pounds for N.m)" },
    { 9.80665, 0, "9.807 times as large (N for kgf, m/s2 for g)", "divided by 9.807 (kgf for N, g for m/s2)" },
    { 2.54, 0, "2.54 times as large (cm for inches)", "divided by 2.54 (inches for cm)" },
    { 0.45359237, 0, "0.4536 times as large (kg for pounds)", "divided by 0.4536 (pounds for kg)" },
    { 57.29577951, 0, "57.3 times as large (degrees for radians)", "divided by 57.3 (radians for degrees)" },
    { 1.8, 32, "1.8 times and 32 more (Fahrenheit for Celsius)", "Celsius for Fahrenheit" },
    { 1, 273.15, "273.15 more (kelvin for Celsius)", "273.15 less (Celsius for kelvin)" },
};

/* Quartiles in q[0..2] of values that are sorted in place. */
static void quartiles(double *x, size_t n, double q[3])
{
    for (int k = 0; k < 3; k++) q[k] = an_quantile(x, n, 0.25 * (k + 1));
}

/* Is b what a would be in another unit: the distributions lie apart as they are, and together once a is mapped. */
static void find_slip(drift *d, double *x, size_t n, double *y, size_t m)
{
    double p[3], q[3], best = 0.5 * d->ks;
    if (n < 8 || m < 8 || !(d->ks > 0.5)) return;
    quartiles(x, n, p);
    quartiles(y, m, q);
    double *mapped = an_alloc_data(n, sizeof *mapped, "the numbers of a column", NULL);
    for (size_t k = 0; mapped && k < 2 * AN_COUNT(slips); k++) {
        double factor = slips[k / 2].factor, offset = slips[k / 2].offset;
        if (k % 2) {
            factor = 1 / factor;
            offset = -offset * factor;
        }
        double middle = factor * p[1] + offset, spread = fmax(factor * (p[2] - p[0]), q[2] - q[0]);
        if (fabs(middle - q[1]) > spread + 0.05 * fabs(q[1])) continue; /* nowhere near: spare the sorting */
        for (size_t i = 0; i < n; i++) mapped[i] = factor * x[i] + offset;
        double ks = 1 - an_ks_complement(mapped, n, y, m);
        if (ks >= best) continue;
        best = ks;
        d->factor = factor;
        d->offset = offset;
        d->unit_words = k % 2 ? slips[k / 2].back : slips[k / 2].forth;
    }
    free(mapped);
}

static void compare_numbers(const comparison *c, drift *d)
{
    size_t n, m;
    double *x = numbers(c->a, d->a, &n), *y = numbers(c->b, d->b, &m);
    double factor = 1, offset = 0;
    bool declared =
        d->a->unit && d->b->unit && strcmp(d->a->unit, d->b->unit) && an_unit_convert(d->b->unit, d->a->unit, &factor, &offset, NULL);
    for (size_t i = 0; declared && y && i < m; i++) y[i] = y[i] * factor + offset; /* another unit that says so is no drift */
    if (x && y && n && m) {
        double low = x[0], high = x[0], p[3];
        for (size_t i = 0; i < n; i++) {
            low = fmin(low, x[i]);
            high = fmax(high, x[i]);
        }
        d->compared = true;
        d->ks = 1 - an_ks_complement(x, n, y, m);
        d->p = an_ks_p(d->ks, (double)n, (double)m);
        d->psi = an_psi(x, n, y, m, PSI_BINS);
        d->wasserstein = an_wasserstein(x, n, y, m, low, high);
        find_slip(d, x, n, y, m);
        quartiles(x, n, p);
        d->median_a = p[1];
        d->median_b = an_quantile(y, m, 0.5);
        d->change = p[2] > p[0] ? (d->median_b - d->median_a) / (p[2] - p[0]) : NAN;
    }
    free(x);
    free(y);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Codes of b in the union of both dictionaries; a column that is no category becomes one first. */
static bool as_category(const an_table *t, const an_column *c, an_column *own, const an_column **out)
{
    *out = c;
    if (c->type == AN_CATEGORY) return true;
    *out = own;
    return an__column_convert(t, c, AN_CATEGORY, NULL, own, NULL);
}

static void compare_categories(const comparison *c, drift *d)
{
    an_column own_a = { 0 }, own_b = { 0 };
    const an_column *x, *y;
    if (as_category(c->a, d->a, &own_a, &x) && as_category(c->b, d->b, &own_b, &y)) {
        size_t most = (size_t)x->dictionary.count + (size_t)y->dictionary.count, count = 0;
        char **names = an_alloc_n(most + 1, sizeof *names);
        for (int32_t k = 0; k < x->dictionary.count; k++) names[count++] = x->dictionary.names[k];
        for (int32_t k = 0; k < y->dictionary.count; k++) {
            if (an__dictionary_find(&x->dictionary, y->dictionary.names[k], strlen(y->dictionary.names[k])) < 0)
                names[count++] = y->dictionary.names[k];
        }
        qsort(names, count, sizeof *names, by_text);
        double *shares = an_alloc_n(2 * count + 1, sizeof *shares);
        for (int side = 0; side < 2; side++) {
            const an_table *t = side ? c->b : c->a;
            const an_column *z = side ? y : x;
            size_t *place = an_alloc_n((size_t)z->dictionary.count + 1, sizeof *place);
            for (int32_t k = 0; k < z->dictionary.count; k++)
                place[k] = (size_t)((char **)bsearch(&z->dictionary.names[k], names, count, sizeof *names, by_text) - names);
            for (size_t i = 0; i < t->rows; i++) {
                if (z->code[i] >= 0) shares[(side ? count : 0) + place[z->code[i]]]++;
            }
            free(place);
        }
        double n = 0, m = 0, apart = 0;
        for (size_t k = 0; k < count; k++) {
            n += shares[k];
            m += shares[count + k];
            if (shares[k] == 0 && shares[count + k] > 0 && d->fresh_count++ < NEW_LISTED)
                json_array_append_new(d->fresh, json_string(names[k]));
        }
        for (size_t k = 0; n > 0 && m > 0 && k < count; k++) apart += fabs(shares[k] / n - shares[count + k] / m) / 2;
        if (n > 0 && m > 0) {
            d->compared = true;
            d->tv = apart;
            an_chi2_counts(shares, shares + count, count, &d->p, &d->v);
            d->psi = an_psi_counts(shares, shares + count, count);
            if (count == 1) d->p = 1, d->v = 0; /* one value, and the same one */
        }
        free(names);
        free(shares);
    }
    an__column_free(&own_a);
    an__column_free(&own_b);
}

static void compare_column(void *context, size_t index, int worker)
{
    (void)worker;
    const comparison *c = context;
    drift *d = &c->drift[index];
    double n = (double)c->a->rows, m = (double)c->b->rows, there[2] = { (double)d->a->missing, n - (double)d->a->missing },
           here[2] = { (double)d->b->missing, m - (double)d->b->missing };
    d->ks = d->p = d->psi = d->wasserstein = d->tv = d->v = d->factor = d->offset = d->change = d->missing_p = NAN;
    d->fresh = json_array();
    d->missing_a = n > 0 ? there[0] / n : NAN;
    d->missing_b = m > 0 ? here[0] / m : NAN;
    if (there[0] + here[0] > 0) an_chi2_counts(there, here, 2, &d->missing_p, NULL);
    if (an_job_stopped(c->job)) return;
    bool number_a = d->a->type == AN_REAL || d->a->type == AN_INTEGER, number_b = d->b->type == AN_REAL || d->b->type == AN_INTEGER;
    bool class_a = d->a->type == AN_CATEGORY || d->a->type == AN_BOOLEAN || d->a->type == AN_TEXT,
         class_b = d->b->type == AN_CATEGORY || d->b->type == AN_BOOLEAN || d->b->type == AN_TEXT;
    d->number = number_a && number_b;
    /* what names a part or a time is new in every version */
    if (d->a->role == AN_ID || d->a->role == AN_TIME || d->b->role == AN_ID || d->b->role == AN_TIME) return;
    if (d->number)
        compare_numbers(c, d);
    else if (class_a && class_b)
        compare_categories(c, d);
}

/* ---- in words ---- */

typedef enum verdict { SAME, TOO_SMALL, TOO_FEW, DRIFTED, MISSING, FRESH, UNIT, UNCOMPARED } verdict;

static verdict judge(const drift *d, an_buf *words)
{
    bool matters = d->psi >= psi_matters || d->ks >= ks_matters, sure = d->adjusted < significant;
    verdict v = SAME;
    char number[32];
    if (!isnan(d->factor)) {
        an_buf_printf(words, "looks like another unit: %s", d->unit_words);
        v = UNIT;
    } else if (!d->compared) {
        an_buf_puts(words, "not compared");
        v = UNCOMPARED;
    } else if (sure && matters) {
        an_buf_puts(words, "drifted");
        if (!isnan(d->change)) {
            an_buf_printf(words, ": the median went from %s", an_real_text(d->median_a, number));
            an_buf_printf(words, " to %s (%+.2f of its interquartile range)", an_real_text(d->median_b, number), d->change);
        }
        v = DRIFTED;
    } else if (sure) {
        an_buf_puts(words, "significant but too small to matter");
        v = TOO_SMALL;
    } else if (matters) {
        an_buf_puts(words, "a change of this size can be chance with so few rows");
        v = TOO_FEW;
    } else {
        an_buf_puts(words, "no change");
    }
    if (d->fresh_count) {
        an_buf_printf(words, "; %zu new %s: ", d->fresh_count, d->fresh_count == 1 ? "category" : "categories");
        for (size_t k = 0; k < d->fresh_count && k < NEW_SAID; k++)
            an_buf_printf(words, "%s%s", k ? ", " : "", json_string_value(json_array_get(d->fresh, k)));
        if (d->fresh_count > NEW_SAID) an_buf_puts(words, " ...");
        if (v == SAME || v == TOO_SMALL || v == TOO_FEW) v = FRESH;
    }
    if (d->missing_adjusted < significant && fabs(d->missing_b - d->missing_a) >= missing_matters) {
        an_buf_printf(words, "; %.1f %% of the cells are missing, where it was %.1f %%", 100 * d->missing_b, 100 * d->missing_a);
        if (v != UNIT && v != DRIFTED) v = MISSING;
    }
    return v;
}

json_t *an_table_diff(const an_table *a, const an_table *b, an_job *job, an_error *err)
{
    comparison c = { .a = a, .b = b, .job = job };
    size_t count = 0, by_verdict[UNCOMPARED + 1] = { 0 };
    c.drift = an_alloc_n(a->columns + 1, sizeof *c.drift);
    for (size_t j = 0; j < a->columns; j++) {
        const an_column *y = an_table_find(b, a->column[j].name);
        if (y) c.drift[count++] = (drift){ .a = &a->column[j], .b = y };
    }
    an_job_stage(job, "comparing");
    an_pool_each(an_job_pool(job), count, compare_column, &c);
    /* one family: the distributions and the missing shares of all columns */
    double *p = an_alloc_n(2 * count + 1, sizeof *p), *adjusted = an_alloc_n(2 * count + 1, sizeof *adjusted);
    for (size_t k = 0; k < count; k++) {
        p[k] = c.drift[k].p;
        p[count + k] = c.drift[k].missing_p;
    }
    an_benjamini_hochberg(p, 2 * count, adjusted);
    json_t *added = json_array(), *removed = json_array(), *changes = json_array(), *columns = json_array(), *result = NULL;
    compare_columns(a, b, added, removed, changes);
    for (size_t k = 0; k < count; k++) {
        drift *d = &c.drift[k];
        d->adjusted = adjusted[k];
        d->missing_adjusted = adjusted[count + k];
        an_buf words = { 0 };
        by_verdict[judge(d, &words)]++;
        json_array_append_new(columns,
                              json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:s}", "name", d->a->name,
                                        "ks", an_json_real(d->ks), "p", an_json_real(d->p), "p_adjusted", an_json_real(d->adjusted), "psi",
                                        an_json_real(d->psi), "wasserstein", an_json_real(d->wasserstein), "total_variation",
                                        an_json_real(d->tv), "cramers_v", an_json_real(d->v), "missing_a", an_json_real(d->missing_a),
                                        "missing_b", an_json_real(d->missing_b), "new_categories", json_incref(d->fresh),
                                        "new_category_count", (json_int_t)d->fresh_count, "factor", an_json_real(d->factor), "offset",
                                        an_json_real(d->offset), "verdict", words.data));
        an_buf_free(&words);
        json_decref(d->fresh);
    }
    if (an_job_check(job, err)) {
        an_buf summary = { 0 };
        static const struct {
            verdict verdict;
            const char *text;
        } parts[] = { { UNIT, "look like another unit" },
                      { DRIFTED, "drifted" },
                      { MISSING, "changed in missing cells" },
                      { FRESH, "have new categories" },
                      { TOO_SMALL, "changed significantly but too little to matter" },
                      { TOO_FEW, "have too few rows to tell" },
                      { SAME, "did not change" } };
        an_buf_printf(&summary, "%zu columns compared", count - by_verdict[UNCOMPARED]);
        for (size_t k = 0; k < AN_COUNT(parts); k++) {
            if (by_verdict[parts[k].verdict]) an_buf_printf(&summary, ", %zu %s", by_verdict[parts[k].verdict], parts[k].text);
        }
        if (json_array_size(added) || json_array_size(removed))
            an_buf_printf(&summary, "; %zu columns added, %zu removed", json_array_size(added), json_array_size(removed));
        result = json_pack("{s:I, s:I, s:O, s:O, s:O, s:O, s:s, s:f}", "rows_a", (json_int_t)a->rows, "rows_b", (json_int_t)b->rows,
                           "added", added, "removed", removed, "changed", changes, "columns", columns, "summary", summary.data,
                           "false_discovery_rate", significant);
        an_buf_free(&summary);
    }
    json_decref(added);
    json_decref(removed);
    json_decref(changes);
    json_decref(columns);
    free(p);
    free(adjusted);
    free(c.drift);
    return result;
}
