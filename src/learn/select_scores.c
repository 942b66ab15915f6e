/* select_scores.c - candidate columns of a selection as ranks and indicators, and the ranks within the context (part variant, press ...).
 *
 * Ranks make outliers harmless and units indifferent. A category that explains a good part of many numbers, as a part variant does, hides
 * what happens within its levels; numbers are therefore looked at with its effect taken out (least squares on its levels). */
#include "learn/select.h"

#include "andon/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEVEL_ROWS = 5, CONTEXT_LEVELS = 20, CONTEXT_WIDTH = 60 };
static const double EXPLAINS = 0.05, OF_NUMBERS = 0.1; /* a category is context when it explains this much of this share of the numbers */
static const double NOTHING_LEFT = 1e-4;               /* of the variance */

double an__dot(const double *x, const double *y, size_t n)
{
    double sum[8] = { 0 };
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t k = 0; k < 8; k++) sum[k] += x[i + k] * y[i + k];
    for (; i < n; i++) sum[0] += x[i] * y[i];
    return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

void an__scores_free(an__scores *s)
{
    free(s->rows);
    free(s->column);
    free(s->score);
    free(s->settled);
    free(s->levels);
    free(s->first);
    free(s->level);
    free(s->share);
    free(s->context);
    free(s->target);
    free(s->label);
    *s = (an__scores){ 0 };
}

/* ---- ranks ---- */

/* Midranks of the n values, NaN 0, scaled to mean 0 and variance 1; false: fewer than two distinct values. */
static bool to_ranks(double *x, size_t n)
{
    an_placed *items = an_alloc_n(2 * n + 1, sizeof *items), *scratch = items + n;
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isnan(x[i])) items[k++] = (an_placed){ x[i], (uint32_t)i };
        x[i] = 0;
    }
    an_sort_placed(items, scratch, k);
    bool varies = k && items[0].value != items[k - 1].value;
    double middle = (double)(k + 1) / 2, squares = 0;
    for (size_t i = 0, end; i < k; i = end) {
        for (end = i + 1; end < k && items[end].value == items[i].value;) end++;
        double rank = (double)(i + 1 + end) / 2 - middle;
        squares += (double)(end - i) * rank * rank;
        for (size_t j = i; j < end; j++) x[items[j].place] = rank;
    }
    double scale = varies ? sqrt((double)n / squares) : 0;
    for (size_t i = 0; i < n; i++) x[i] *= scale;
    free(items);
    return varies;
}

typedef struct ranking {
    an__scores *s;
    bool *varies;
} ranking;

static void rank_column(void *context, size_t j, int worker)
{
    (void)worker;
    ranking *r = context;
    an__scores *s = r->s;
    const an_column *c = &s->t->column[s->column[j]];
    double *x = s->score + j * s->n;
    for (size_t i = 0; i < s->n; i++) x[i] = an_cell_number(c, s->rows[i]);
    r->varies[j] = to_ranks(x, s->n);
}

static bool rank_numbers(an__scores *s, an_job *job, an_error *err)
{
    ranking r = { s, an_alloc_n(s->numbers + 1, 1) };
    s->score = an_alloc_data(s->numbers * s->n + 1, sizeof *s->score, "the ranks of the columns", err);
    if (s->score) an_pool_each(an_job_pool(job), s->numbers, rank_column, &r);
    size_t kept = 0, all = s->numbers + s->categories;
    for (size_t j = 0; s->score && j < s->numbers; j++) { /* what does not vary in these rows is no candidate */
        if (!r.varies[j]) continue;
        if (kept < j) memcpy(s->score + kept * s->n, s->score + j * s->n, s->n * sizeof *s->score);
        s->column[kept++] = s->column[j];
    }
    for (size_t j = s->numbers; s->score && j < all; j++) s->column[kept + j - s->numbers] = s->column[j];
    s->numbers = kept;
    free(r.varies);
    return s->score && an_job_check(job, err);
}

/* ---- indicators ---- */

/* Levels of fewer than LEVEL_ROWS rows are one level together, missing cells are none. */
static bool indicate(an__scores *s, an_error *err)
{
    size_t most = 0;
    for (size_t k = 0; k < s->categories; k++) most += (size_t)s->t->column[s->column[s->numbers + k]].dictionary.count + 1;
    s->level = an_alloc_data(most * s->n + 1, sizeof *s->level, "the levels of the categories", err);
    if (!s->level) return false;
    s->share = an_alloc_n(most + 1, sizeof *s->share);
    s->levels = an_alloc_n(s->categories + 1, sizeof *s->levels);
    s->first = an_alloc_n(s->categories + 1, sizeof *s->first);
    size_t kept = 0;
    for (size_t k = 0; k < s->categories; k++) {
        const an_column *c = &s->t->column[s->column[s->numbers + k]];
        size_t levels = (size_t)c->dictionary.count, used = 0, few = 0;
        size_t *count = an_alloc_n(levels + 1, sizeof *count), *place = an_alloc_n(levels + 1, sizeof *place);
        for (size_t i = 0; i < s->n; i++)
            if (an_valid(c, s->rows[i])) count[c->code[s->rows[i]]]++;
        for (size_t l = 0; l < levels; l++) few += count[l] < LEVEL_ROWS ? count[l] : 0;
        for (size_t l = 0; l < levels; l++) place[l] = count[l] >= LEVEL_ROWS ? used++ : SIZE_MAX;
        size_t rest = few ? used++ : SIZE_MAX;
        double *x = s->level + s->indicators * s->n;
        for (size_t i = 0; i < s->n && used > 1; i++) {
            if (!an_valid(c, s->rows[i])) continue;
            size_t l = place[c->code[s->rows[i]]];
            x[(l == SIZE_MAX ? rest : l) * s->n + i] = 1;
        }
        for (size_t l = 0; l < used && used > 1; l++) {
            double *z = x + l * s->n, sum = 0;
            for (size_t i = 0; i < s->n; i++) sum += z[i];
            double p = sum / (double)s->n, scale = p < 1 ? 1 / sqrt(p * (1 - p)) : 0;
            s->share[s->indicators + l] = p;
            for (size_t i = 0; i < s->n; i++) z[i] = (z[i] - p) * scale;
        }
        if (used > 1) {
            s->column[s->numbers + kept] = s->column[s->numbers + k];
            s->levels[kept] = used;
            s->first[kept++] = s->indicators;
            s->indicators += used;
        }
        free(count);
        free(place);
    }
    s->categories = kept;
    return true;
}

/* ---- target, rows, candidates ---- */

static bool set_target(an__scores *s, an_error *err)
{
    const an_column *y = an_table_target(s->t, err);
    if (!y) return false;
    s->target = an_alloc_data(s->n + 1, sizeof *s->target, "the target", err);
    if (!s->target) return false;
    uint8_t *label = an_alloc_data(s->t->rows + 1, 1, "labels", err);
    if (!label) return false;
    an_error why = { 0 };
    if (an_table_labels_known(s->t, label, &why)) {
        s->label = an_alloc_n(s->n + 1, 1);
        for (size_t i = 0; i < s->n; i++) {
            s->label[i] = label[s->rows[i]];
            s->target[i] = s->label[i];
            s->positives += s->label[i];
        }
    } else if (y->type == AN_REAL || y->type == AN_INTEGER) {
        for (size_t i = 0; i < s->n; i++) s->target[i] = an_cell_number(y, s->rows[i]);
    } else {
        free(label);
        if (err) *err = why;
        return an_context(err, "selecting columns");
    }
    free(label);
    if (to_ranks(s->target, s->n)) return true;
    return an_fail(err, AN_INPUT, "%s has one value only in the training part: there is nothing to select columns for", y->name);
}

/* At most `most` rows: all of the rarer class up to half of them, the rest drawn. */
static void take_rows(an__scores *s, const size_t *rows, size_t n, size_t most, uint64_t seed)
{
    s->rows = an_alloc_n(n + 1, sizeof *s->rows);
    s->n = n < most ? n : most;
    memcpy(s->rows, rows, n * sizeof *rows);
    if (n <= most) return;
    uint8_t *label = an_alloc_n(s->t->rows + 1, 1), *taken = an_alloc_n(s->t->rows + 1, 1);
    bool two = an_table_labels_known(s->t, label, NULL);
    an_rng r = an_rng_at(an_seed_derive(seed, "select/rows", 0), 0);
    an_rng_shuffle(&r, s->rows, n);
    size_t count = 0, positives = 0;
    for (size_t i = 0; two && i < n && positives < most / 2; i++) {
        if (!label[s->rows[i]]) continue;
        taken[s->rows[i]] = 1;
        positives++;
    }
    count = positives;
    for (size_t i = 0; i < n && count < most; i++) {
        if (taken[s->rows[i]] || (two && label[s->rows[i]])) continue;
        taken[s->rows[i]] = 1;
        count++;
    }
    s->n = 0;
    for (size_t i = 0; i < n; i++)
        if (taken[rows[i]]) s->rows[s->n++] = rows[i];
    free(label);
    free(taken);
}

bool an__scores_make(an__scores *s, const an_table *t, const size_t *rows, size_t n, const an_select_options *o, an_job *job, an_error *err)
{
    *s = (an__scores){ .t = t };
    an_job_stage(job, "ranking columns");
    take_rows(s, rows, n, (size_t)o->rows, an_job_seed(job));
    s->column = an_alloc_n(t->columns + 1, sizeof *s->column);
    for (int category = 0; category < 2; category++) {
        for (size_t j = 0; j < t->columns; j++) {
            const an_column *c = &t->column[j];
            bool is = c->type == AN_CATEGORY,
                 number = c->type == AN_REAL || c->type == AN_INTEGER || c->type == AN_BOOLEAN || c->type == AN_DATETIME;
            if (c->role != AN_FEATURE || an_list_has(&o->drop, c->name) || (category ? !is : !number)) continue;
            s->column[s->numbers + s->categories] = j;
            category ? s->categories++ : s->numbers++;
        }
    }
    bool ok = set_target(s, err) && rank_numbers(s, job, err) && indicate(s, err);
    s->settled = an_alloc_n(s->numbers + 1, 1);
    s->context = an_alloc_n(s->categories + 1, 1);
    return ok;
}

/* ---- context ---- */

typedef struct adjusting {
    an__scores *s;
    const double **basis; /* standardised indicators of the context */
    const double *factor; /* Cholesky factor of their products */
    size_t width;
    double *explained; /* [category * numbers + number], while the context is sought */
} adjusting;

static void explain(void *context, size_t j, int worker)
{
    (void)worker;
    adjusting *a = context;
    const an__scores *s = a->s;
    for (size_t k = 0; k < s->categories; k++) {
        double share = 0; /* between the levels: sum of p_l mean_l^2 */
        for (size_t l = s->first[k]; l < s->first[k] + s->levels[k]; l++) {
            double r = an__dot(s->score + j * s->n, s->level + l * s->n, s->n) / (double)s->n;
            share += r * r * (1 - s->share[l]);
        }
        a->explained[k * s->numbers + j] = share;
    }
}

static void take_out(void *context, size_t j, int worker)
{
    (void)worker;
    adjusting *a = context;
    an__scores *s = a->s;
    size_t n = s->n;
    double *x = s->score + j * n, *b = an_alloc_n(a->width, sizeof *b), *left = an_alloc_n(n + 1, sizeof *left);
    for (size_t k = 0; k < a->width; k++) b[k] = an__dot(a->basis[k], x, n);
    an_cholesky_solve(a->factor, a->width, b);
    memcpy(left, x, n * sizeof *left);
    for (size_t k = 0; k < a->width; k++)
        for (size_t i = 0; i < n; i++) left[i] -= b[k] * a->basis[k][i];
    double variance = an__dot(left, left, n) / (double)n;
    s->settled[j] = variance < NOTHING_LEFT;
    for (size_t i = 0; i < n && !s->settled[j]; i++) x[i] = left[i] / sqrt(variance);
    free(b);
    free(left);
}

/* Marks the categories that are context: those asked for, or those that explain many numbers, the strongest first while there is room. */
static bool find_context(adjusting *a, const an_list *wanted, an_job *job, an_error *err)
{
    an__scores *s = a->s;
    size_t room = s->n / 20 < CONTEXT_WIDTH ? s->n / 20 : CONTEXT_WIDTH;
    if (wanted->count == 1 && !strcmp(wanted->items[0], "none")) return true;
    for (size_t w = 0; w < wanted->count; w++) {
        const an_column *c = an_table_need(s->t, wanted->items[w], err);
        if (!c) return an_context(err, "--context");
        size_t k = 0;
        while (k < s->categories && &s->t->column[s->column[s->numbers + k]] != c) k++;
        if (k == s->categories)
            return an_fail(err, AN_INPUT, "--context: %s is no category that varies among the features of the training part", c->name);
        s->context[k] = true;
    }
    if (wanted->count || !s->numbers) return true;
    a->explained = an_alloc_data(s->categories * s->numbers + 1, sizeof *a->explained, "what categories explain", err);
    if (!a->explained) return false;
    an_pool_each(an_job_pool(job), s->numbers, explain, a);
    double *weight = an_alloc_n(s->categories + 1, sizeof *weight);
    for (size_t k = 0; k < s->categories; k++) {
        size_t many = 0;
        for (size_t j = 0; j < s->numbers; j++) {
            weight[k] += a->explained[k * s->numbers + j];
            many += a->explained[k * s->numbers + j] > EXPLAINS;
        }
        if ((double)many < OF_NUMBERS * (double)s->numbers || s->levels[k] > CONTEXT_LEVELS) weight[k] = 0;
    }
    for (;;) {
        size_t best = SIZE_MAX;
        for (size_t k = 0; k < s->categories; k++)
            if (weight[k] > 0 && s->levels[k] <= room && (best == SIZE_MAX || weight[k] > weight[best])) best = k;
        if (best == SIZE_MAX) break;
        s->context[best] = true;
        room -= s->levels[best];
        weight[best] = 0;
    }
    free(weight);
    free(a->explained);
    a->explained = NULL;
    return true;
}

bool an__scores_within(an__scores *s, const an_list *wanted, an_job *job, an_error *err)
{
    adjusting a = { .s = s };
    if (!find_context(&a, wanted, job, err)) return false;
    a.basis = an_alloc_n(s->indicators + 1, sizeof *a.basis);
    for (size_t k = 0; k < s->categories; k++)
        for (size_t l = 0; s->context[k] && l < s->levels[k]; l++) a.basis[a.width++] = s->level + (s->first[k] + l) * s->n;
    double *gram = an_alloc_n(a.width * a.width + 1, sizeof *gram);
    for (size_t i = 0; i < a.width; i++) {
        for (size_t j = 0; j <= i; j++) gram[i * a.width + j] = an__dot(a.basis[i], a.basis[j], s->n);
        gram[i * a.width + i] += 1e-6 * (double)s->n; /* the indicators of one category add up: a ridge makes the solution unique */
    }
    bool ok = true;
    if (a.width) {
        ok = an_cholesky(gram, a.width) || an_fail(err, AN_FAILED, "the levels of the context cannot be told apart");
        a.factor = gram;
        if (ok) an_pool_each(an_job_pool(job), s->numbers, take_out, &a);
    }
    free(gram);
    free(a.basis);
    return ok && an_job_check(job, err);
}
