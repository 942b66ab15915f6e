/* report_synth.c - sections about generated rows: fidelity beside a floor and a ceiling (the gearbox paper's table I), curves of the
 * training, the map (its figure 4). */
#include "flow/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void fidelity_row(an_grid *g, const json_t *judgement, const char *method, const char *what, const char *note, const json_t *s)
{
    static const char *const keys[] = { "ks_complement", "correlation_similarity", "wasserstein", "js_distance", "sample_1k_s",
                                        "sample_10k_s" };
    an__grid_row(g, strcmp(what, "generator") ? "aside" : NULL);
    an__grid_note(g, method, note);
    an__grid_text(g, what);
    for (size_t k = 0; k < AN_COUNT(keys); k++) an__grid_number(g, an__number(s, keys[k]));
    an__grid_number(g, an__number(judgement, "rows_real"));
    an__grid_number(g, an__number(judgement, "rows_synthetic"));
}

static bool same_frame(const json_t *a, const json_t *b)
{
    return a && b && json_equal(json_object_get(a, "floor"), json_object_get(b, "floor")) &&
           json_equal(json_object_get(a, "ceiling"), json_object_get(b, "ceiling"));
}

static void fidelity(an_page *p, const json_t *list)
{
    static const an_grid_column columns[] = {
        { "generator", "method", AN__TEXT, 0 },
        { NULL, "what", AN__TEXT, 0 },
        { "KS-C \u2191", "ks_complement", AN__NUMBER, 3 },
        { "CS \u2191", "correlation_similarity", AN__NUMBER, 3 },
        { "WD \u2193", "wasserstein", AN__NUMBER, 3 },
        { "JS \u2193", "js_distance", AN__NUMBER, 3 },
        { "1,000 rows in s", "sample_1k_s", AN__NUMBER, 4 },
        { "10,000 rows in s", "sample_10k_s", AN__NUMBER, 4 },
        { "real rows", "rows_real", AN__COUNT, 0 },
        { "generated", "rows_synthetic", AN__COUNT, 0 },
    };
    an_grid g = an__grid_open(p, "fidelity", columns, AN_COUNT(columns));
    const json_t *j;
    size_t i;
    json_array_foreach(list, i, j) {
        /* generators judged against the same real rows share floor and ceiling */
        const json_t *before = i ? json_array_get(list, i - 1) : NULL, *after = json_array_get(list, i + 1);
        if (!same_frame(before, j))
            fidelity_row(&g, j, "floor", "floor", "real columns shuffled, each by itself", json_object_get(j, "floor"));
        fidelity_row(&g, j, an__string(j, "method"), "generator", an__string(j, "generator"), json_object_get(j, "scores"));
        if (!same_frame(j, after))
            fidelity_row(&g, j, "ceiling", "ceiling", "one real half against the other", json_object_get(j, "ceiling"));
    }
    an__grid_close(&g, "Mean over columns of the KS complement (KS-C), the Wasserstein distance (WD, in shares of the real range) and the "
                       "Jensen-Shannon distance (JS, 20 bins, base 2), and "
                       "over pairs of columns of the correlation similarity (CS). \u2191 more is better, \u2193 less. Times are the best "
                       "of three on this machine, of drawing alone (before a filter).");
}

static void more(an_page *p, const json_t *list)
{
    static const an_grid_column columns[] = {
        { "generator", "method", AN__TEXT, 0 },
        { "told from real ones (ROC-AUC)", "c2st_auc", AN__NUMBER, 3 },
        { "the same, ceiling", "c2st_auc_ceiling", AN__NUMBER, 3 },
        { "trained on generated, tested on real (F1)", "tstr_f1", AN__NUMBER, 3 },
        { "distance to closest real row", "dcr_median", AN__NUMBER, 4 },
        { "the same, ceiling", "dcr_median_ceiling", AN__NUMBER, 4 },
        { "exact copies", "copies", AN__COUNT, 0 },
        { "of generated rows", "rows_synthetic", AN__COUNT, 0 },
    };
    an_grid g = an__grid_open(p, "fidelity-more", columns, AN_COUNT(columns));
    const json_t *j;
    size_t i;
    json_array_foreach(list, i, j) {
        an__grid_row(&g, NULL);
        an__grid_text(&g, an__string(j, "method"));
        an__grid_number(&g, an__number(j, "scores.c2st_auc"));
        an__grid_number(&g, an__number(j, "ceiling.c2st_auc"));
        an__grid_number(&g, an__number(j, "scores.tstr_f1"));
        an__grid_number(&g, an__number(j, "scores.dcr_median"));
        an__grid_number(&g, an__number(j, "ceiling.dcr_median"));
        an__grid_number(&g, an__number(j, "scores.copies"));
        an__grid_number(&g, an__number(j, "rows_synthetic"));
    }
    an__grid_close(&g, "Can a model tell generated rows from real ones (0.5: it cannot; 1: always)? Are they of use, and are they copies? "
                       "A distance far below the ceiling's means that "
                       "real rows were repeated. The F1 needs rows of both classes.");
}

typedef struct worst {
    const json_t *column;
    double shape;
} worst;

static int worst_first(const void *a, const void *b)
{
    double x = ((const worst *)a)->shape, y = ((const worst *)b)->shape;
    if (isnan(x) || isnan(y)) return isnan(x) - isnan(y);
    return (x > y) - (x < y);
}

/* Column by column, the least alike first: five a generator on the page, all in the CSV. */
static void columns_of(an_page *p, const json_t *list)
{
    enum { SHOWN = 5 };
    static const an_grid_column columns[] = { { "column", "column", AN__TEXT, 0 },
                                              { "generator", "method", AN__TEXT, 0 },
                                              { "KS-C \u2191", "shape", AN__NUMBER, 3 },
                                              { "WD \u2193", "wasserstein", AN__NUMBER, 3 },
                                              { "JS \u2193", "js_distance", AN__NUMBER, 3 } };
    an_grid g = an__grid_open(p, "fidelity-columns", columns, AN_COUNT(columns));
    const json_t *j, *c;
    size_t i, k, n_generators = json_array_size(list);
    worst **all = an_alloc_n(n_generators + 1, sizeof *all);
    size_t *count = an_alloc_n(n_generators + 1, sizeof *count);
    json_array_foreach(list, i, j) {
        const json_t *own = json_object_get(j, "columns");
        all[i] = an_alloc_n(json_array_size(own) + 1, sizeof **all);
        json_array_foreach(own, k, c) {
            double shape = an__number(c, "ks_complement");
            all[i][count[i]++] = (worst){ c, isnan(shape) ? an__number(c, "tv_complement") : shape };
        }
        qsort(all[i], count[i], sizeof **all, worst_first);
    }
    g.limit = SHOWN * n_generators;
    /* the first SHOWN of every generator, then the rest */
    for (int pass = 0; pass < 2; pass++)
        for (i = 0; i < n_generators; i++)
            for (k = pass ? SHOWN : 0; k < count[i] && (pass || k < SHOWN); k++) {
                an__grid_row(&g, NULL);
                an__grid_text(&g, an__string(all[i][k].column, "name"));
                an__grid_text(&g, an__string(json_array_get(list, i), "method"));
                an__grid_number(&g, all[i][k].shape);
                an__grid_number(&g, an__number(all[i][k].column, "wasserstein"));
                an__grid_number(&g, an__number(all[i][k].column, "js_distance"));
            }
    an__grid_close(&g, "The columns that are least alike. For categories the first number is the total variation complement.");
    for (i = 0; i < n_generators; i++) free(all[i]);
    free(all);
    free(count);
}

/* ---- curves ------------------------------------------------------------------------------------------------------------------------- */

typedef struct series {
    size_t n;
    double *x, *y;
} series;

static series read_series(const json_t *list)
{
    size_t n = json_array_size(list), i;
    series s = { 0, an_alloc_n(n + 1, sizeof(double)), an_alloc_n(n + 1, sizeof(double)) };
    const json_t *point;
    json_array_foreach(list, i, point) {
        s.x[s.n] = an_json_number(json_array_get(point, 0), NAN);
        s.y[s.n] = an_json_number(json_array_get(point, 1), NAN);
        if (isfinite(s.x[s.n])) s.n++;
    }
    return s;
}

/* One chart of the curves that speak of fidelity, or of all others. */
static void curves(an_page *p, const json_t *judgement, bool of_fidelity)
{
    const json_t *history = json_object_get(judgement, "history");
    const char *key;
    json_t *list;
    series s[4];
    const char *name[4];
    size_t n = 0;
    double x1 = -INFINITY, y0 = INFINITY, y1 = -INFINITY;
    json_object_foreach((json_t *)history, key, list) {
        if (n == AN_COUNT(s) || !json_array_size(list) || (strstr(key, "fidelity") != NULL) != of_fidelity) continue;
        name[n] = key;
        s[n] = read_series(list);
        for (size_t i = 0; i < s[n].n; i++) {
            x1 = fmax(x1, s[n].x[i]);
            if (!isfinite(s[n].y[i])) continue;
            y0 = fmin(y0, s[n].y[i]);
            y1 = fmax(y1, s[n].y[i]);
        }
        n++;
    }
    if (!n) return;
    an_buf *b = p->html;
    an_buf_puts(b, "<figure class=\"chart\"><figcaption><b>");
    an__htmlf(b, "%s, %s", an__string(judgement, "method"), of_fidelity ? "fidelity during training" : "losses");
    an_buf_puts(b, "</b></figcaption><div class=\"legend\">");
    for (size_t i = 0; i < n; i++) {
        char *words = an_strdup(name[i]);
        for (char *c = words; *c; c++)
            if (*c == '_') *c = ' ';
        an__legend(b, words, (int)i + (of_fidelity ? 2 : 0), -1);
        free(words);
    }
    an_buf_puts(b, "</div>");
    an_plot plot = { .out = b, .width = 460, .height = 250, .x0 = 0, .x1 = x1, .y0 = y0, .y1 = y1 };
    an__plot_open(&plot, "critic steps", "", of_fidelity ? "fidelity over training steps" : "losses over training steps");
    for (size_t i = 0; i < n; i++) {
        an__plot_line(&plot, s[i].x, s[i].y, s[i].n, (int)i + (of_fidelity ? 2 : 0));
        if (of_fidelity && i == 0) {
            size_t best = 0;
            for (size_t k = 1; k < s[i].n; k++)
                if (s[i].y[k] > s[i].y[best] || isnan(s[i].y[best])) best = k;
            if (s[i].n) {
                char *label = an_format("best: %s", an__real(s[i].y[best], 3).t);
                an__plot_upright(&plot, s[i].x[best], label);
                free(label);
            }
        }
        free(s[i].x);
        free(s[i].y);
    }
    an__plot_close(&plot);
    an_buf_puts(b, "</figure>\n");
}

static void curves_csv(an_page *p, const json_t *list)
{
    static const an_grid_column columns[] = {
        { NULL, "method", AN__TEXT, 0 }, { NULL, "curve", AN__TEXT, 0 }, { NULL, "step", AN__NUMBER, 0 }, { NULL, "value", AN__NUMBER, 0 }
    };
    an_grid g = an__grid_open(p, "curves", columns, 4);
    const json_t *j, *point;
    size_t i, k;
    const char *key;
    json_t *points;
    json_array_foreach(list, i, j)
        json_object_foreach(json_object_get(j, "history"), key, points)
            json_array_foreach(points, k, point) {
                an__grid_row(&g, NULL);
                an__grid_text(&g, an__string(j, "method"));
                an__grid_text(&g, key);
                an__grid_number(&g, an_json_number(json_array_get(point, 0), NAN));
                an__grid_number(&g, an_json_number(json_array_get(point, 1), NAN));
            }
    an__grid_close_csv(&g, "The curves as CSV");
}

/* Generated points that say their class are coloured by it; those of judgements without are all of the rarer class where the method makes
 * that only. */
static bool class_known(const json_t *judgement)
{
    const json_t *point;
    size_t i;
    json_array_foreach(json_object_get(json_object_get(judgement, "pca"), "synthetic"), i, point)
        if (json_is_number(json_array_get(point, 2))) return true;
    return false;
}

static void map(an_page *p, const json_t *judgement)
{
    json_t *own = json_copy((json_t *)judgement);
    if (class_known(judgement)) json_object_set_new(own, "minority", json_false());
    an__chart_map(p, own);
    json_decref(own);
}

static void map_csv(an_page *p, const json_t *list)
{
    static const an_grid_column columns[] = { { NULL, "method", AN__TEXT, 0 },
                                              { NULL, "origin", AN__TEXT, 0 },
                                              { NULL, "axis1", AN__NUMBER, 0 },
                                              { NULL, "axis2", AN__NUMBER, 0 },
                                              { NULL, "positive", AN__NUMBER, 0 } };
    static const char *const origins[] = { "real", "synthetic" };
    an_grid g = an__grid_open(p, "map", columns, AN_COUNT(columns));
    const json_t *j, *point;
    size_t i, k;
    json_array_foreach(list, i, j)
        for (int o = 0; o < 2; o++)
            json_array_foreach(json_object_get(json_object_get(j, "pca"), origins[o]), k, point) {
                an__grid_row(&g, NULL);
                an__grid_text(&g, an__string(j, "method"));
                an__grid_text(&g, o ? "generated" : "real");
                an__grid_number(&g, an_json_number(json_array_get(point, 0), NAN));
                an__grid_number(&g, an_json_number(json_array_get(point, 1), NAN));
                an__grid_number(&g, an_json_number(json_array_get(point, 2), o && json_is_true(json_object_get(j, "minority")) ? 1 : NAN));
            }
    an__grid_close_csv(&g, "The points as CSV");
}

/* Of the pipeline's filter step, else of the judgement of a generator that has one. */
static void filter(an_page *p)
{
    const json_t *f = p->f->filter, *j;
    size_t i;
    json_array_foreach(p->f->judgements, i, j)
        if (!f) f = json_object_get(j, "filter");
    if (!json_is_object(f)) return;
    an_buf_puts(p->html, "<p><b>Minority filter.</b> ");
    an__htmlf(p->html, "Of %s generated rows looked at, %s of the %s wanted passed: those within %s standard deviations of the centroid",
              an__count(an__number(f, "drawn")).t, an__count(an__number(f, "passed")).t, an__count(an__number(f, "wanted")).t,
              an__value(an__number(f, "distance_max")).t);
    const char *centroid = an__string(f, "centroid"), *note = an__string(f, "note");
    an__htmlf(p->html, " of %s.",
              !strcmp(centroid, "cluster")   ? "the most defective cluster"
              : !strcmp(centroid, "variant") ? "the most defective cluster of their part variant"
                                             : "the rarer class");
    if (*note) an__htmlf(p->html, " Note: %s.", note);
    an_buf_puts(p->html, "</p>\n");
}

void an__report_fidelity(an_page *p)
{
    an__section(p, "fidelity", "How true the generated rows are",
                "Generated rows compared with the real training rows they should look like: as they are delivered, so those of wgan-filter "
                "after the "
                "minority filter. The floor: the real columns shuffled, each by "
                "itself, so that every column is right and "
                "nothing goes together any more. The ceiling: one random half of the real rows against the other; a generator that comes "
                "near it is as good as real "
                "rows, as far as these numbers can tell.");
    const json_t *list = p->f->judgements, *j;
    if (!json_array_size(list)) {
        an__missing(p, "No generator was judged on this data yet. This fits and judges three:",
                    "andon synth compare --data %s --methods random,smote,wgan", p->data_name ? p->data_name : "DATA");
        return;
    }
    fidelity(p, list);
    more(p, list);
    filter(p);
    size_t i, curved = 0, mapped = 0;
    json_array_foreach(list, i, j) {
        curved += json_object_size(json_object_get(j, "history")) > 0;
        mapped += json_is_object(json_object_get(j, "pca"));
    }
    if (curved) {
        an_buf_puts(p->html, "<h3>Training</h3>\n<div class=\"cards\">");
        json_array_foreach(list, i, j)
            for (int of_fidelity = 0; of_fidelity < 2; of_fidelity++) curves(p, j, of_fidelity);
        an_buf_puts(p->html, "</div>\n");
        curves_csv(p, list);
    }
    if (mapped) {
        an_buf_puts(p->html, "<h3>Map</h3>\n<p class=\"intro\">All columns pressed into two axes (principal components, fitted on the real "
                             "rows only), coloured by class and origin. Where the generated rows lie among the real ones of their "
                             "class, they look like them; where they leave them, they do not. At most 1,000 rows of each are "
                             "drawn.</p>\n<div class=\"cards\">");
        json_array_foreach(list, i, j) map(p, j);
        an_buf_puts(p->html, "</div>\n");
        map_csv(p, list);
    }
    columns_of(p, list);
}
