/* profile_number.c - one column of numbers: one sort, from which range, quantiles, histogram, distinct values, robust outliers and the
 * association with the target follow, exactly and without sampling. Its course in time is in profile_course.c. */
#include "profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BINS = 20, CHART_BINS = 40, TOP = 10, FEW = 20, TREND_POINTS = 120 };
static const double mad_to_sd = 1.482602218505602, mean_deviation_to_sd = 1.2533141373155, outlier_z = 3.5;

static double quantile(const an_placed *sorted, size_t n, double q) /* type 7 */
{
    double at = q * (double)(n - 1);
    size_t i = (size_t)at;
    return i + 1 < n ? sorted[i].value + (at - (double)i) * (sorted[i + 1].value - sorted[i].value) : sorted[n - 1].value;
}

static void set(json_t *o, const char *key, double v)
{
    json_object_set_new(o, key, an_json_real(v));
}

/* Equal bins of [low, high]; values outside are not counted. */
static json_t *bins(const an_placed *sorted, size_t n, double low, double high, int count)
{
    json_t *edges = json_array(), *counts = json_array();
    size_t i = 0;
    while (i < n && sorted[i].value < low) i++;
    for (int b = 0; b <= count; b++) {
        double edge = b == count ? high : low + (high - low) * b / count;
        json_array_append_new(edges, an_json_real(edge));
        if (!b) continue;
        size_t from = i;
        while (i < n && (b == count ? sorted[i].value <= edge : sorted[i].value < edge)) i++;
        json_array_append_new(counts, json_integer((json_int_t)(i - from)));
    }
    return json_pack("{s:o, s:o}", "edges", edges, "counts", counts);
}

static json_t *histogram(const an_placed *sorted, size_t n)
{
    double low = sorted[0].value, high = sorted[n - 1].value;
    if (high > low) return bins(sorted, n, low, high, BINS);
    return json_pack("{s:[f, f], s:[I]}", "edges", low, high, "counts", (json_int_t)n);
}

/* Median of the distances from the median: the values below and above it are two sorted lists, which are merged from the middle. */
static double median_deviation(const an_placed *v, size_t n, double median)
{
    size_t up = 0;
    for (size_t step = n; step > 0; step /= 2) /* first value above or at the median */
        while (up + step <= n && v[up + step - 1].value < median) up += step;
    size_t down = up, wanted = (n - 1) / 2 + 1, taken = 0;
    double last = 0, before = 0;
    bool even = n % 2 == 0;
    while (taken < wanted + even) {
        double a = down > 0 ? median - v[down - 1].value : INFINITY, b = up < n ? v[up].value - median : INFINITY;
        before = last;
        last = a < b ? a : b;
        *(a < b ? &down : &up) += a < b ? (size_t)-1 : 1;
        taken++;
    }
    return even ? (before + last) / 2 : last;
}

/* Modified z-scores (Iglewicz and Hoaglin 1993): beyond 3.5 robust standard deviations from the median; where more than half of the values
 * are equal, the mean absolute deviation takes the place of the median one. */
static void outliers(const an__frame *f, an__facts *c, const an_placed *v, size_t n)
{
    double spread = mad_to_sd * median_deviation(v, n, c->median);
    if (!(spread > 0)) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += fabs(v[i].value - c->median);
        spread = mean_deviation_to_sd * sum / (double)n;
    }
    c->robust_sd = spread;
    if (!(spread > 0) || !c->watched || n < 8) return;
    size_t low = 0, high = 0;
    while (low < n && (c->median - v[low].value) / spread > outlier_z) low++;
    while (high < n && (v[n - 1 - high].value - c->median) / spread > outlier_z) high++;
    c->outliers = low + high;
    for (size_t a = 0, b = 0; c->far_count < AN__FAR && a + b < c->outliers;) { /* the farthest, from both ends */
        double x = a < low ? (c->median - v[a].value) / spread : -1, y = b < high ? (v[n - 1 - b].value - c->median) / spread : -1;
        const an_placed *p = x > y ? &v[a++] : &v[n - 1 - b++];
        c->far_place[c->far_count] = p->place;
        c->far_value[c->far_count] = p->value;
        c->far_z[c->far_count++] = (p->value - c->median) / spread;
    }
    /* A value that stands alone at an end, several times, far from all others: perhaps a code for 'no value'. */
    for (int end = 0; end < 2 && !c->sentinels; end++) {
        double value = end ? v[n - 1].value : v[0].value;
        size_t same = 0;
        while (same < n && (end ? v[n - 1 - same].value : v[same].value) == value) same++;
        if (same < 3 || same > n / 2 || c->distinct < 10) continue;
        double next = end ? v[n - 1 - same].value : v[same].value;
        double rest = end ? next - v[0].value : v[n - 1].value - next;
        if (fabs(value - next) > 8 * spread && fabs(value - next) > 2 * rest) {
            c->sentinel = value;
            c->sentinels = same;
            c->sentinel_place = end ? v[n - same].place : v[0].place;
        }
    }
    json_t *rows = json_array();
    for (size_t k = 0; k < c->far_count; k++) {
        json_t *o = an__place_json(f, c->far_place[k]);
        set(o, "value", c->far_value[k]);
        set(o, "z", c->far_z[k]);
        json_array_append_new(rows, o);
    }
    json_object_set_new(c->json, "outliers",
                        json_pack("{s:I, s:o, s:o}", "count", (json_int_t)c->outliers, "share",
                                  an_json_real((double)c->outliers / (double)n), "farthest", rows));
}

/* ---- ranks against the target and the groupings ---------------------------------------------------------------------------------------
 */

typedef struct ranks {
    size_t ties; /* groups of equal values */
    double cubes;
} ranks;

static json_t *association(const char *measure, double value, double low, double high, double p)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "measure", measure, "value", an_json_real(value), "low", an_json_real(low), "high",
                     an_json_real(high), "p", an_json_real(p));
}

static void several_classes(const an__frame *f, an__facts *c, const an_placed *v, size_t n, const int32_t *code, size_t groups,
                            double *sums, double *p, double *effect)
{
    double *count = sums + groups, cubes = 0, before = 0;
    (void)f;
    (void)c;
    memset(sums, 0, 2 * groups * sizeof *sums);
    for (size_t i = 0; i < n;) {
        size_t k = i;
        double t = 0; /* rows of a group among those that tie: only they have a rank */
        for (; k < n && v[k].value == v[i].value; k++) t += code[v[k].place] >= 0;
        double rank = before + (t + 1) / 2;
        if (t > 1) cubes += t * t * t - t;
        before += t;
        for (; i < k; i++) {
            int32_t g = code[v[i].place];
            if (g < 0) continue;
            sums[g] += rank;
            count[g]++;
        }
    }
    an_kruskal(sums, count, groups, cubes, p, effect);
}

static void with_target(const an__frame *f, an__facts *c, const an_placed *v, size_t n, an__scratch *s)
{
    double value = NAN, low = NAN, high = NAN, p = NAN;
    if (c->c == f->target || c->c->role == AN_ID || n < 2) return;
    if (f->label) {
        size_t groups = 0;
        for (size_t i = 0; i < n;) {
            uint32_t count[3] = { 0 };
            double here = v[i].value;
            for (; i < n && v[i].value == here; i++) count[f->label[v[i].place]]++;
            if (!count[0] && !count[1]) continue; /* without a label, all of them */
            s->pos[groups] = count[1];
            s->neg[groups++] = count[0];
        }
        an_auc_interval(s->pos, s->neg, groups, &value, &low, &high, &p);
        set(c->json, "auc", value);
        c->measure = "auc";
        c->association = fabs(2 * value - 1);
    } else if (f->target_class) {
        several_classes(f, c, v, n, f->target_class, f->target_classes, s->sums, &p, &value);
        c->measure = "epsilon_squared";
        c->association = sqrt(fmax(value, 0));
    } else if (f->target_rank) {
        double sx = 0, sy = 0, xx = 0, yy = 0, xy = 0, count = 0;
        for (size_t i = 0; i < n;) {
            size_t k = i + 1;
            while (k < n && v[k].value == v[i].value) k++;
            double x = (double)(i + k - 1) / 2 + 1 - (double)(n + 1) / 2;
            for (; i < k; i++) {
                double y = f->target_rank[v[i].place];
                if (isnan(y)) continue;
                y -= (double)(f->rows + 1) / 2;
                count++;
                sx += x;
                sy += y;
                xx += x * x;
                yy += y * y;
                xy += x * y;
            }
        }
        double a = xx - sx * sx / count, b = yy - sy * sy / count;
        value = a > 0 && b > 0 ? (xy - sx * sy / count) / sqrt(a * b) : NAN;
        an_spearman_interval(value, count, &low, &high, &p);
        c->measure = "spearman";
        c->association = fabs(value);
    }
    if (isnan(value)) c->measure = NULL;
    if (!c->measure) return;
    c->association_p = p;
    if (!f->brief) json_object_set_new(c->json, "association", association(c->measure, value, low, high, p));
}

/* What each group looks like. Items are sorted: dealt to the groups they stay so. */
static json_t *group_values(const an__frame *f, const an__facts *c, const an__grouping *g, const an_placed *v, size_t n, an__scratch *s)
{
    size_t *from = an_alloc_n(2 * g->count + 2, sizeof *from), *at = from + g->count + 1;
    for (size_t i = 0; i < n; i++)
        if (g->code[v[i].place] >= 0) from[g->code[v[i].place] + 1]++;
    for (size_t k = 0; k < g->count; k++) {
        from[k + 1] += from[k];
        at[k] = from[k];
    }
    an_placed *dealt = s->spare; /* free once the sort is done */
    for (size_t i = 0; i < n; i++)
        if (g->code[v[i].place] >= 0) dealt[at[g->code[v[i].place]]++] = v[i];
    json_t *list = json_array();
    for (size_t k = 0; k < g->count; k++) {
        size_t m = from[k + 1] - from[k], below = 0, above = 0;
        const an_placed *w = dealt + from[k];
        double mean = 0, squares = 0;
        for (size_t i = 0; i < m; i++) {
            mean += w[i].value;
            below += w[i].value < c->low;
            above += w[i].value > c->high;
        }
        mean /= (double)m;
        for (size_t i = 0; i < m; i++) squares += (w[i].value - mean) * (w[i].value - mean);
        double sd = m > 1 ? sqrt(squares / (double)(m - 1)) : NAN;
        json_t *o = json_pack("{s:s, s:I, s:o}", "value", g->names[k], "count", (json_int_t)m, "missing",
                              an_json_real(g->rows[k] > 0 ? 1 - (double)m / g->rows[k] : NAN));
        if (m) {
            set(o, "mean", mean);
            set(o, "sd", sd);
            set(o, "low", quantile(w, m, 0.05));
            set(o, "median", quantile(w, m, 0.5));
            set(o, "high", quantile(w, m, 0.95));
        }
        if (m > 1 && sd > 0 && (!isnan(c->low) || !isnan(c->high))) {
            double upper = isnan(c->high) ? INFINITY : (c->high - mean) / (3 * sd),
                   lower = isnan(c->low) ? INFINITY : (mean - c->low) / (3 * sd);
            set(o, "ppk", fmin(upper, lower));
            json_object_set_new(o, "outside", json_integer((json_int_t)(below + above)));
        }
        json_array_append_new(list, o);
    }
    free(from);
    (void)f;
    return list;
}

void an__profile_by_group(const an__frame *f, an__facts *c, an__scratch *s)
{
    enum { LISTED = 60 };
    json_t *list = json_array();
    for (int k = 0; k < f->groupings; k++) {
        const an__grouping *g = &f->grouping[k];
        c->group_p[k] = c->group_effect[k] = NAN;
        if (c->c->name == g->name || c->n < 4) continue;
        several_classes(f, c, s->item, c->n, g->code, g->count, s->sums, &c->group_p[k], &c->group_effect[k]);
        bool by = !strcmp(g->kind, "by"), told = c->group_p[k] < 1e-3 && c->group_effect[k] >= 0.02;
        json_t *o = json_pack("{s:s, s:s, s:s, s:o, s:o}", "column", g->name, "kind", g->kind, "test", "kruskal", "p",
                              an_json_real(c->group_p[k]), "effect", an_json_real(c->group_effect[k]));
        if ((by || told) && g->count <= LISTED) json_object_set_new(o, "values", group_values(f, c, g, s->item, c->n, s));
        json_array_append_new(list, o);
    }
    json_object_set_new(c->json, "groups", list);
}

/* ---- the column --------------------------------------------------------------------------------------------------------------------- */

static void top_values(const an__frame *f, an__facts *c, const an_placed *v, size_t n)
{
    struct {
        size_t first, count;
    } group[FEW] = { 0 };
    size_t groups = 0;
    for (size_t i = 0; i < n && groups < FEW;) {
        size_t k = i + 1;
        while (k < n && v[k].value == v[i].value) k++;
        group[groups].first = i;
        group[groups++].count = k - i;
        i = k;
    }
    json_t *top = json_array();
    an_buf text = { 0 };
    for (size_t done = 0; done < TOP && done < groups; done++) {
        size_t best = 0;
        for (size_t k = 1; k < groups; k++)
            if (group[k].count > group[best].count) best = k;
        an_buf_clear(&text);
        an_cell_text(c->c, an__row(f, v[group[best].first].place), &text);
        json_array_append_new(top, json_pack("{s:s, s:I}", "value", text.data ? text.data : "", "count", (json_int_t)group[best].count));
        group[best].count = 0;
    }
    an_buf_free(&text);
    json_object_set_new(c->json, "top", top);
}

static void against_limits(const an__frame *f, an__facts *c, const an__scratch *s)
{
    if (isnan(c->low) && isnan(c->high)) return;
    const int32_t *group = NULL;
    if (f->lots) {
        for (size_t i = 0; i < c->n; i++) s->code[i] = f->lots->code[s->place[i]];
        group = s->code;
    }
    an_capability *p = &c->capability;
    c->capable = an_capability_of(s->value, c->n, group, f->lots ? f->lots->count : 0, c->low, c->high, p);
    json_t *o = json_pack("{s:o, s:o, s:I, s:I, s:s, s:I}", "low", an_json_real(c->low), "high", an_json_real(c->high), "below",
                          (json_int_t)p->below, "above", (json_int_t)p->above, "within_by", p->subgroups ? f->lots->name : "moving range",
                          "subgroups", (json_int_t)p->subgroups);
    const struct {
        const char *key;
        double value, low, high;
    } index[] = { { "cp", p->cp, p->cp_low, p->cp_high },
                  { "cpk", p->cpk, p->cpk_low, p->cpk_high },
                  { "pp", p->pp, p->pp_low, p->pp_high },
                  { "ppk", p->ppk, p->ppk_low, p->ppk_high } };
    for (size_t k = 0; c->capable && k < AN_COUNT(index); k++)
        json_object_set_new(o, index[k].key,
                            json_pack("{s:o, s:o, s:o}", "value", an_json_real(index[k].value), "low", an_json_real(index[k].low), "high",
                                      an_json_real(index[k].high)));
    if (c->capable) {
        set(o, "sigma_within", p->within);
        set(o, "sigma_overall", p->overall);
    }
    json_object_set_new(c->json, "capability", o);
}

/* A histogram of where the values are: within eight robust standard deviations and 99 % of the values, limits included when they are near.
 */
static void chart_histogram(const an__frame *f, an__facts *c, const an_placed *v, size_t n)
{
    (void)f;
    double low = c->min, high = c->max, reach = 8 * c->robust_sd;
    if (reach > 0) {
        low = fmax(low, fmin(c->median - reach, quantile(v, n, 0.005)));
        high = fmin(high, fmax(c->median + reach, quantile(v, n, 0.995)));
    }
    double wide = high - low;
    if (c->low >= low - wide) low = fmin(low, c->low);
    if (c->high <= high + wide) high = fmax(high, c->high);
    if (!(high > low)) return;
    size_t under = 0, over = 0;
    while (under < n && v[under].value < low) under++;
    while (over < n && v[n - 1 - over].value > high) over++;
    json_t *h = bins(v, n, low, high, CHART_BINS);
    json_object_set_new(h, "under", json_integer((json_int_t)under));
    json_object_set_new(h, "over", json_integer((json_int_t)over));
    json_object_set_new(c->json, "chart", h);
}

bool an__profile_number(const an__frame *f, an__facts *c, an__scratch *s, an_error *err)
{
    static const double qs[] = { .01, .05, .25, .5, .75, .95, .99 };
    static const char *const names[] = { "0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99" };
    (void)err;
    size_t n = 0;
    double scale = c->c->type == AN_DATETIME ? 1e-6 : 1, sum = 0, squares = 0;
    for (size_t i = 0; i < f->rows; i++) {
        double x = an_cell_number(c->c, an__row(f, i));
        if (!isfinite(x)) continue;
        x = scale == 1 ? x : x * scale;
        s->value[n] = x;
        s->place[n] = (uint32_t)i;
        s->item[n] = (an_placed){ x, (uint32_t)i };
        sum += x;
        n++;
    }
    c->n = n;
    double mean = n ? sum / (double)n : NAN;
    for (size_t i = 0; i < n; i++) squares += (s->value[i] - mean) * (s->value[i] - mean);
    an_sort_placed(s->item, s->spare, n);
    const an_placed *v = s->item;
    c->min = n ? v[0].value : NAN;
    c->max = n ? v[n - 1].value : NAN;
    for (size_t i = 0; i < n; i++) c->distinct += !i || v[i].value != v[i - 1].value;
    json_t *o = c->json;
    json_object_set_new(o, "distinct", json_integer((json_int_t)c->distinct));
    set(o, "min", c->min);
    set(o, "max", c->max);
    set(o, "mean", mean);
    set(o, "sd", n > 1 ? sqrt(squares / (double)(n - 1)) : NAN);
    json_t *quantiles = json_object();
    for (size_t k = 0; k < AN_COUNT(qs) && n; k++) set(quantiles, names[k], quantile(v, n, qs[k]));
    json_object_set_new(o, "quantiles", quantiles);
    if (!n) return true;
    c->median = quantile(v, n, 0.5);
    json_object_set_new(o, "histogram", histogram(v, n));
    if (c->distinct <= FEW) top_values(f, c, v, n);
    with_target(f, c, v, n, s);
    if (f->brief) return true;
    c->watched = (c->c->role == AN_FEATURE || c->c->role == AN_TARGET || c->c->spec) && c->distinct > 2 && c->c->type != AN_DATETIME;
    outliers(f, c, v, n);
    c->draw_low = fmin(c->median - 5 * c->robust_sd, quantile(v, n, 0.01));
    c->draw_high = fmax(c->median + 5 * c->robust_sd, quantile(v, n, 0.99));
    set(o, "robust_sd", c->robust_sd);
    chart_histogram(f, c, v, n);
    against_limits(f, c, s);
    if (c->watched) {
        an__profile_by_group(f, c, s);
        an__profile_course(f, c, s);
    }
    return true;
}
