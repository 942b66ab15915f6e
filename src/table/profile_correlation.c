/* profile_correlation.c - which numbers move together: correlations of pairs, put in order by average linkage, and the blocks that come of
 * cutting the tree. Readings are drawn in to five robust standard deviations first, so that one outlier is no correlation. */
#include "profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 600, MOST_ROWS = 100000, PAIRS_LISTED = 40 };
static const double work_limit = 3e8, block_cut = 0.3; /* average 1 - |r| within a block: at most 0.3 */

typedef struct pairs {
    size_t d, n;
    double *x; /* column by column: standardised, NaN where missing */
    bool *gaps;
    double *r;
} pairs;

static double with_gaps(const double *x, const double *y, size_t n)
{
    double count = 0, sx = 0, sy = 0, xx = 0, yy = 0, xy = 0;
    for (size_t i = 0; i < n; i++) {
        double a = x[i], b = y[i];
        if (isnan(a) || isnan(b)) continue;
        count++;
        sx += a;
        sy += b;
        xx += a * a;
        yy += b * b;
        xy += a * b;
    }
    double u = xx - sx * sx / count, v = yy - sy * sy / count;
    return count > 3 && u > 1e-12 * xx && v > 1e-12 * yy ? (xy - sx * sy / count) / sqrt(u * v) : NAN;
}

static void correlate_row(void *context, size_t index, int worker)
{
    (void)worker;
    pairs *p = context;
    const double *x = p->x + index * p->n;
    for (size_t j = 0; j < index; j++) {
        const double *y = p->x + j * p->n;
        double r;
        if (p->gaps[index] || p->gaps[j]) {
            r = with_gaps(x, y, p->n);
        } else {
            double part[4] = { 0 }; /* four sums side by side: the processor need not wait for one */
            size_t i = 0;
            for (; i + 4 <= p->n; i += 4)
                for (size_t k = 0; k < 4; k++) part[k] += x[i + k] * y[i + k];
            for (; i < p->n; i++) part[0] += x[i] * y[i];
            r = part[0] + part[1] + part[2] + part[3];
        }
        r = isnan(r) ? NAN : fmin(1, fmax(-1, r));
        p->r[index * p->d + j] = p->r[j * p->d + index] = r;
    }
    p->r[index * p->d + index] = 1;
}

static void standardise(const an__frame *f, const an__facts *c, size_t n, double *x, bool *gaps)
{
    double sum = 0, squares = 0, count = 0, low = c->draw_low, high = c->draw_high;
    for (size_t i = 0; i < n; i++) {
        size_t row = n == f->rows ? i : (size_t)((double)i * (double)f->rows / (double)n);
        double v = an_cell_number(c->c, row);
        x[i] = isfinite(v) ? fmin(fmax(v, low), high) : NAN;
        if (isnan(x[i])) continue;
        sum += x[i];
        count++;
    }
    *gaps = count < (double)n;
    double mean = sum / count;
    for (size_t i = 0; i < n; i++) {
        x[i] -= mean;
        if (!isnan(x[i])) squares += x[i] * x[i];
    }
    double scale = squares > 0 ? 1 / sqrt(squares) : NAN; /* unit length: r is a scalar product */
    for (size_t i = 0; i < n; i++) x[i] *= scale;
    if (isnan(scale)) *gaps = true;
}

static int strongest_first(const void *a, const void *b)
{
    const an__facts *x = *(an__facts *const *)a, *y = *(an__facts *const *)b;
    if (x->association != y->association) return x->association > y->association ? -1 : 1;
    return x->c < y->c ? -1 : x->c > y->c;
}

typedef struct pair {
    double r;
    size_t a, b;
} pair;

static int largest_first(const void *a, const void *b)
{
    const pair *x = a, *y = b;
    if (fabs(x->r) != fabs(y->r)) return fabs(x->r) > fabs(y->r) ? -1 : 1;
    return x->a != y->a ? (x->a > y->a) - (x->a < y->a) : (x->b > y->b) - (x->b < y->b);
}

static json_t *strongest_pairs(const pairs *p, an__facts *const *of)
{
    pair *list = an_alloc_n(PAIRS_LISTED + 1, sizeof *list);
    size_t n = 0;
    for (size_t i = 0; i < p->d; i++)
        for (size_t j = 0; j < i; j++) {
            pair now = { p->r[i * p->d + j], j, i };
            if (isnan(now.r) || fabs(now.r) < 0.5) continue;
            if (n == PAIRS_LISTED && largest_first(&now, &list[n - 1]) >= 0) continue;
            size_t at = n < PAIRS_LISTED ? n++ : n - 1;
            for (; at > 0 && largest_first(&now, &list[at - 1]) < 0; at--) list[at] = list[at - 1];
            list[at] = now;
        }
    json_t *out = json_array();
    for (size_t k = 0; k < n; k++)
        json_array_append_new(
            out, json_pack("{s:s, s:s, s:o}", "a", of[list[k].a]->c->name, "b", of[list[k].b]->c->name, "r", an_json_real(list[k].r)));
    free(list);
    return out;
}

/* Clusters of two or more, largest first. */
static json_t *blocks(const pairs *p, an__facts *const *of, const size_t *order, const size_t *cluster)
{
    json_t *out = json_array();
    for (size_t i = 0; i < p->d;) {
        size_t k = i;
        while (k < p->d && cluster[order[k]] == cluster[order[i]]) k++;
        if (k - i > 1) {
            json_t *names = json_array();
            double sum = 0, count = 0, least = 1;
            for (size_t a = i; a < k; a++) {
                json_array_append_new(names, json_string(of[order[a]]->c->name));
                for (size_t b = i; b < a; b++) {
                    double r = fabs(p->r[order[a] * p->d + order[b]]);
                    if (isnan(r)) continue;
                    sum += r;
                    least = fmin(least, r);
                    count++;
                }
            }
            json_t *o = json_pack("{s:o, s:I, s:o, s:o}", "columns", names, "count", (json_int_t)(k - i), "mean", an_json_real(sum / count),
                                  "least", an_json_real(least));
            size_t at = 0;
            while (at < json_array_size(out) &&
                   json_integer_value(json_object_get(json_array_get(out, at), "count")) >= (json_int_t)(k - i))
                at++;
            json_array_insert_new(out, at, o);
        }
        i = k;
    }
    return out;
}

json_t *an__profile_correlation(const an__frame *f, an_error *err)
{
    pairs p = { 0 };
    size_t all = 0;
    an__facts **of = an_alloc_n(f->t->columns + 1, sizeof *of);
    for (size_t j = 0; j < f->t->columns; j++) {
        an__facts *c = &f->facts[j];
        if (c->number && c->c->role == AN_FEATURE && c->distinct > 2 && c->robust_sd > 0 && c->c->type != AN_DATETIME) of[all++] = c;
    }
    p.d = all;
    if (p.d > MOST_COLUMNS) { /* those that say most of the target, in the order of the table where nothing is known */
        qsort(of, all, sizeof *of, strongest_first);
        p.d = MOST_COLUMNS;
    }
    double room = p.d > 1 ? work_limit / ((double)p.d * (double)p.d / 2) : 0;
    p.n = f->rows < MOST_ROWS ? f->rows : MOST_ROWS;
    if (room < (double)p.n) p.n = (size_t)room;
    json_t *out = NULL, *names = json_array(), *r = json_array();
    size_t *order = an_alloc_n(2 * p.d + 1, sizeof *order), *cluster = order + p.d;
    p.gaps = an_alloc_n(p.d + 1, sizeof *p.gaps);
    p.x = an_alloc_data(p.d * p.n + 1, sizeof *p.x, "standardised columns", err);
    p.r = p.x ? an_alloc_data(2 * p.d * p.d + 1, sizeof *p.r, "correlations", err) : NULL;
    if (p.r) {
        for (size_t j = 0; j < p.d; j++) standardise(f, of[j], p.n, p.x + j * p.n, &p.gaps[j]);
        an_pool_each(an_job_pool(f->job), p.d, correlate_row, &p);
        double *distance = p.r + p.d * p.d;
        for (size_t i = 0; i < p.d * p.d; i++) distance[i] = isnan(p.r[i]) ? 1 : 1 - fabs(p.r[i]);
        if (p.d) an_cluster_order(distance, p.d, block_cut, order, cluster);
        for (size_t i = 0; i < p.d; i++) {
            json_array_append_new(names, json_string(of[order[i]]->c->name));
            for (size_t j = 0; j < i; j++) { /* thousandths, lower triangle in the order of the picture; null: undefined */
                double v = p.r[order[i] * p.d + order[j]];
                json_array_append_new(r, isnan(v) ? json_null() : json_integer((json_int_t)lround(1000 * v)));
            }
        }
        out = json_pack("{s:I, s:I, s:O, s:O, s:o, s:o}", "rows", (json_int_t)p.n, "columns_there", (json_int_t)all, "columns", names,
                        "r_1000", r, "pairs", strongest_pairs(&p, of), "blocks", blocks(&p, of, order, cluster));
    }
    json_decref(names);
    json_decref(r);
    free(of);
    free(order);
    free(p.gaps);
    free(p.x);
    free(p.r);
    return out;
}
