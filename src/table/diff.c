/* diff.c - two versions of a table: what changed in the columns, which numbers look like another unit, and which distributions moved, told
 * apart from those where only the number of rows makes a tiny change significant. Distances and tests are the score room's. Rows are
 * compared as samples, never one by one.
 */
#include "andon/score.h"
#include "schema.h"
#include "slip.h"

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
    an__slip slip;   /* b looks like a in another unit */
    bool grown_slip; /* not all of b: the rows that follow those of a */
    double change;   /* numbers: of the median, in a's interquartile ranges; NaN: none */
    double median_a, median_b;
    json_t *fresh; /* categories that are new */
    size_t fresh_count;
} drift;

typedef struct comparison {
    const an_table *a, *b;
    drift *drift;
    bool grown; /* b begins with the rows of a, and has more */
    an_job *job;
} comparison;

/* A version that grew: the rows that came are few beside all of b, and are held against a alone. */
static void find_grown_slip(const comparison *c, drift *d, double *x, size_t n, double factor, double offset)
{
    size_t m;
    double *y = an__numbers(c->b, d->b, c->a->rows, &m);
    for (size_t i = 0; y && i < m; i++) y[i] = y[i] * factor + offset;
    if (y && m) d->grown_slip = an__slip_find(x, n, y, m, 1 - an_ks_complement(x, n, y, m), &d->slip);
    free(y);
}

static void compare_numbers(const comparison *c, drift *d)
{
    size_t n, m;
    double *x = an__numbers(c->a, d->a, 0, &n), *y = an__numbers(c->b, d->b, 0, &m);
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
        an__slip_find(x, n, y, m, d->ks, &d->slip);
        if (!d->slip.words && c->grown) find_grown_slip(c, d, x, n, declared ? factor : 1, offset);
        an__quartiles(x, n, p);
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
    d->ks = d->p = d->psi = d->wasserstein = d->tv = d->v = d->change = d->missing_p = NAN;
    d->slip = (an__slip){ NAN, NAN, NULL };
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
    if (d->slip.words) {
        an_buf_printf(words, "%s like another unit: %s", d->grown_slip ? "the rows that were added look" : "looks", d->slip.words);
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

/* Whether b is a and rows below it: the first rows have the same cells in every column of both. A thousand rows, evenly spread, tell. */
static bool grew(const an_table *a, const drift *d, size_t count, const an_table *b)
{
    bool same = b->rows > a->rows && a->rows && count;
    size_t step = a->rows / 1000 + 1;
    an_buf x = { 0 }, y = { 0 };
    for (size_t k = 0; same && k < count; k++)
        for (size_t i = 0; same && i < a->rows; i += step) {
            x.size = y.size = 0;
            an__cell_content(d[k].a, i, &x);
            an__cell_content(d[k].b, i, &y);
            same = x.size == y.size && !memcmp(x.data, y.data, x.size);
        }
    an_buf_free(&x);
    an_buf_free(&y);
    return same;
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
    c.grown = grew(a, c.drift, count, b);
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
                                        "new_category_count", (json_int_t)d->fresh_count, "factor", an_json_real(d->slip.factor), "offset",
                                        an_json_real(d->slip.offset), "verdict", words.data));
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
