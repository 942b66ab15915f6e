/* rows.c - which rows are rare, which are real, which are near: helpers of this room over table and score. */
#include "synth/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

an_column *an__target(const an_table *t)
{
    for (size_t i = 0; i < t->columns; i++) {
        if (t->column[i].role == AN_TARGET) return &t->column[i];
    }
    return NULL;
}

bool an__classes_of(const an_table *t, an__classes *out, an_error *err)
{
    *out = (an__classes){ 0 };
    an_column *target = an_table_target(t, err);
    if (!target) return false;
    an_class_count *counts = NULL;
    size_t count = 0;
    if (!an_table_classes(t, &counts, &count, err)) return false;
    size_t all = 0, rare = count;
    for (size_t k = 0; k < count; k++) {
        all += counts[k].count;
        if (t->positive && !strcmp(counts[k].name, t->positive)) rare = k;
    }
    bool ok = true;
    if (count < 2) {
        ok = an_fail(err, AN_INPUT, "target %s has %zu class%s; balancing needs two", target->name, count, count == 1 ? "" : "es");
    } else if (count == 2) {
        if (counts[0].count != counts[1].count || rare == count) rare = counts[1].count <= counts[0].count;
    } else if (rare == count) {
        an_fail(err, AN_INPUT, "target %s has %zu classes; balancing needs two", target->name, count);
        ok = an_hint(err, "import with --positive VALUE, to tell one from the rest");
    } else if (2 * counts[rare].count > all) {
        an_fail(err, AN_INPUT,
                "%zu of %zu rows have %s = %s: what is rare are several other classes, of which none can be named for more rows",
                counts[rare].count, all, target->name, t->positive);
        ok = an_hint(err, "import with --positive and one of the rarer values, or train without balancing");
    }
    if (ok) {
        out->rare = an_strdup(counts[rare].name);
        out->rare_count = counts[rare].count;
        out->rest_count = all - counts[rare].count;
    }
    an_class_counts_free(counts, count);
    if (!ok) return false;
    out->label = an_alloc_data(t->rows ? t->rows : 1, 1, "labels", err);
    if (!out->label) {
        an__classes_free(out);
        return false;
    }
    an_buf text = { 0 };
    for (size_t i = 0; i < t->rows; i++) {
        an_buf_clear(&text);
        an_cell_text(target, i, &text);
        out->label[i] = text.data && !strcmp(text.data, out->rare);
    }
    an_buf_free(&text);
    return true;
}

void an__classes_free(an__classes *c)
{
    free(c->label);
    free(c->rare);
    *c = (an__classes){ 0 };
}

an_table *an__real_rows(const an_table *t, const char *what, an_error *err)
{
    size_t *rows = an_alloc_data(t->rows ? t->rows : 1, sizeof *rows, "row numbers", err), n = 0;
    if (!rows) return NULL;
    for (size_t i = 0; i < t->rows; i++) {
        if (!an_table_generated(t, i)) rows[n++] = i;
    }
    an_table *real = NULL;
    if (n == 0) {
        an_fail(err, AN_REFUSED, "%s needs real rows, and none of the %zu rows is real", what, t->rows);
        an_hint(err, "give the rows that were measured; generated rows never teach a generator");
    } else
        real = an_table_select(t, rows, n, err);
    free(rows);
    return real;
}

bool an__set_target(an_table *t, const char *name, const char *text, an_error *err)
{
    an_column *c = an_table_need(t, name, err);
    if (!c) return false;
    double number = 0;
    bool numeric = an_real_parse(text, strlen(text), &number);
    int32_t code = -1;
    if (c->type == AN_CATEGORY) {
        for (int32_t i = 0; i < c->dictionary.count; i++) {
            if (!strcmp(c->dictionary.names[i], text)) code = i;
        }
    }
    bool truth =
        !strcmp(text, c->type == AN_BOOLEAN && c->dictionary.count == 2 ? c->dictionary.names[1] : "true") || (numeric && number != 0);
    if ((c->type == AN_CATEGORY && code < 0) || ((c->type == AN_REAL || c->type == AN_INTEGER) && !numeric) || c->type == AN_TEXT ||
        c->type == AN_TENSOR || c->type == AN_DATETIME) {
        return an_fail(err, AN_INPUT, "target column %s (%s) cannot hold \"%s\"", name, an_type_name(c->type), text);
    }
    for (size_t i = 0; i < t->rows; i++) {
        if (c->type == AN_CATEGORY)
            c->code[i] = code;
        else if (c->type == AN_REAL)
            c->real[i] = number;
        else if (c->type == AN_INTEGER)
            c->integer[i] = (int64_t)llround(number);
        else
            c->boolean[i] = truth;
        an_set_valid(c, i);
    }
    return true;
}

bool an__measurable(const an_prep *prep, const double *x, size_t n, const char *what, an_error *err)
{
    static const double most = 1e150; /* a sum of squares of a million columns stays below the largest double */
    for (size_t c = 0; c < prep->columns; c++) {
        const an_prep_column *p = &prep->column[c];
        for (size_t i = 0; i < n && p->width; i++) { /* 0: a category without values */
            if (fabs(x[i * prep->width + p->first]) <= most) continue;
            an_fail(err, AN_INPUT, "column %s holds values too large to measure distances by (row %zu: %g), and %s needs distances",
                    p->name, i + 1, p->center + p->scale * x[i * prep->width + p->first], what);
            return an_hint(err, "give the column in another unit, or leave it out (--drop)");
        }
    }
    return true;
}

typedef struct search {
    const double *x;
    size_t d, count, pool_count, k;
    const size_t *from, *pool;
    int64_t *near;
    double *best; /* count x k squared distances */
} search;

enum { SEARCH_CHUNK = 16 };

static void search_rows(void *context, size_t index, int worker)
{
    (void)worker;
    search *s = context;
    size_t end = (index + 1) * SEARCH_CHUNK < s->count ? (index + 1) * SEARCH_CHUNK : s->count;
    for (size_t q = index * SEARCH_CHUNK; q < end; q++) {
        int64_t *near = s->near + q * s->k;
        double *best = s->best + q * s->k;
        const double *a = s->x + s->from[q] * s->d;
        size_t found = 0;
        for (size_t p = 0; p < s->pool_count; p++) {
            if (s->pool[p] == s->from[q]) continue;
            const double *b = s->x + s->pool[p] * s->d;
            double sum = 0;
            for (size_t j = 0; j < s->d; j++) sum += (a[j] - b[j]) * (a[j] - b[j]);
            if (found == s->k && !(sum < best[found - 1])) continue;
            size_t at = found < s->k ? found++ : found - 1;
            while (at > 0 && sum < best[at - 1]) {
                best[at] = best[at - 1];
                near[at] = near[at - 1];
                at--;
            }
            best[at] = sum;
            near[at] = (int64_t)s->pool[p];
        }
        for (; found < s->k; found++) near[found] = -1;
    }
}

bool an__neighbours(const double *x, size_t d, const size_t *from, size_t count, const size_t *pool, size_t pool_count, size_t k,
                    int64_t *near, an_job *job, an_error *err)
{
    if (count == 0 || k == 0) return true;
    search s = { .x = x, .d = d, .count = count, .pool_count = pool_count, .k = k, .from = from, .pool = pool, .near = near };
    s.best = an_alloc_data(count * k, sizeof *s.best, "neighbour distances", err);
    if (!s.best) return false;
    size_t chunks = (count + SEARCH_CHUNK - 1) / SEARCH_CHUNK, wave = 64;
    bool good = true;
    /* in waves, so that a stop is noticed */
    for (size_t i = 0; i < chunks && good; i += wave) {
        good = an_job_check(job, err);
        if (!good) break;
        size_t n = chunks - i < wave ? chunks - i : wave;
        search part = s;
        part.from += i * SEARCH_CHUNK;
        part.near += i * SEARCH_CHUNK * k;
        part.best += i * SEARCH_CHUNK * k;
        part.count -= i * SEARCH_CHUNK;
        an_pool_each(an_job_pool(job), n, search_rows, &part);
    }
    free(s.best);
    return good;
}
