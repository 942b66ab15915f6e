/* report_chart.c - the pictures of the report made of plots and marks: confusion matrices, intervals side by side, the map of generated
 * rows, small histograms. */
#include "flow/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t characters(const char *text)
{
    size_t n = 0;
    for (; *text; text++) n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

/* The byte at which character `at` begins. */
static size_t byte_of(const char *text, size_t at)
{
    size_t n = 0, i = 0;
    for (; text[i]; i++)
        if (((unsigned char)text[i] & 0xC0) != 0x80 && n++ == at) return i;
    return i;
}

char *an__shortened(const char *text, size_t limit)
{
    size_t n = characters(text);
    if (n <= limit || limit < 3) return an_strdup(text);
    const char *equals = strrchr(text, '=');
    size_t tail = equals ? characters(equals) : 0; /* of one-hot columns the value tells one from the other */
    if (!tail || tail > limit / 2) tail = (limit - 1) / 2;
    size_t head = limit - 1 - tail;
    return an_format("%.*s\u2026%s", (int)byte_of(text, head), text, text + byte_of(text, n - tail));
}

static void short_text(an_buf *b, double x, double y, const char *anchor, const char *css_class, const char *text, size_t limit)
{
    char *s = an__shortened(text, limit);
    an__svg_text(b, x, y, anchor, css_class, s);
    free(s);
}

char *an__balance_label(const an_page *p, const json_t *row)
{
    const json_t *rows = json_object_get(p->f->comparison, "rows"), *other;
    const char *model = an__string(row, "model"), *balance = an__string(row, "balance");
    size_t i;
    json_array_foreach(rows, i, other)
        if (strcmp(an__string(other, "model"), model) != 0) return an_format("%s, %s", model, balance);
    return an_strdup(balance);
}

/* ---- confusion matrix --------------------------------------------------------------------------------------------------------------- */

void an__chart_confusion(an_page *p, const json_t *confusion, const char *title, const char *note)
{
    enum { CELL_W = 106, CELL_H = 58, LEFT = 62, TOP = 40 };
    static const char *const keys[2][2] = { { "tn", "fp" }, { "fn", "tp" } };
    static const char *const words[2][2] = { { "passed", "falsely rejected" }, { "escaped", "caught" } };
    const char *classes[2] = { *p->negative ? p->negative : "other", *p->positive ? p->positive : "positive" };
    an_buf *b = p->html;
    an_buf_puts(b, "<figure class=\"card\"><figcaption><b>");
    an__html(b, title);
    an_buf_puts(b, "</b> ");
    if (note) an__html(b, note);
    an_buf_puts(b, "</figcaption>");
    char *what = an_format("confusion matrix of %s", title);
    an__svg_open(b, LEFT + 2 * CELL_W + 4, TOP + 2 * CELL_H + 4, what);
    free(what);
    char *axis = an_format("predicted %s", p->target);
    short_text(b, LEFT + CELL_W, 13, "middle", "name", axis, 34);
    free(axis);
    an_buf_printf(b, "<text transform=\"translate(12 %d) rotate(-90)\" text-anchor=\"middle\" class=\"name\">actual</text>", TOP + CELL_H);
    for (int i = 0; i < 2; i++) {
        short_text(b, LEFT + CELL_W * i + CELL_W / 2, 32, "middle", "strong", classes[i], 14);
        short_text(b, LEFT - 6, TOP + CELL_H * i + CELL_H / 2 + 4, "end", "strong", classes[i], 6);
        double row = an__number(confusion, keys[i][0]) + an__number(confusion, keys[i][1]);
        for (int k = 0; k < 2; k++) {
            double n = an__number(confusion, keys[i][k]), share = row > 0 ? n / row : NAN;
            double x = LEFT + CELL_W * k, y = TOP + CELL_H * i;
            an_buf_printf(b, "<rect x=\"%.0f\" y=\"%.0f\" width=\"%d\" height=\"%d\" fill=\"%s\" fill-opacity=\"%.2f\" stroke=\"#555\"/>",
                          x, y, CELL_W, CELL_H, an__colour(i == k ? AN__BLUE : AN__RED), isfinite(share) ? 0.04 + 0.4 * share : 0);
            an__svg_text(b, x + CELL_W / 2.0, y + 24, "middle", "big", an__count(n).t);
            an__svg_text(b, x + CELL_W / 2.0, y + 39, "middle", NULL, words[i][k]);
            an__svg_text(b, x + CELL_W / 2.0, y + 52, "middle", NULL, an__share(share, 1).t);
        }
    }
    an_buf_puts(b, "</svg></figure>\n");
}

/* ---- parts as a strip --------------------------------------------------------------------------------------------------------------- */

/* In HTML, so that the words stay readable on a narrow window. */
void an__chart_strip(an_buf *b, const char *const *names, const double (*share)[4], int bars)
{
    static const char *const kinds[] = { "caught", "escaped", "rejected", "passed" };
    static const char *const words[] = { "caught", "escaped", "falsely rejected", "rightly passed" };
    an_buf_puts(b, "<div class=\"strips\" role=\"img\" aria-label=\"shares of all parts; the table below has the numbers\">");
    for (int i = 0; i < bars; i++) {
        an_buf_puts(b, "<div class=\"strip\"><span class=\"what\">");
        an__html(b, names[i]);
        an_buf_puts(b, "</span><span class=\"bar\">");
        for (int k = 0; k < 4; k++)
            if (share[i][k] > 0) an_buf_printf(b, "<i class=\"%s\" style=\"width:%.2f%%\"></i>", kinds[k], 100 * share[i][k]);
        an_buf_puts(b, "</span></div>");
    }
    an_buf_puts(b, "<div class=\"legend\">");
    for (int k = 0; k < 4; k++) an_buf_printf(b, "<span class=\"key\"><i class=\"box %s\"></i>%s</span>", kinds[k], words[k]);
    an_buf_puts(b, "</div></div>\n");
}

/* ---- intervals side by side --------------------------------------------------------------------------------------------------------- */

static void whisker(an_plot *p, const json_t *interval, double y, int style, int mark)
{
    double x[2] = { an__number(interval, "low"), an__number(interval, "high") }, at[2] = { y, y }, mean = an__number(interval, "mean");
    for (int i = 0; i < 2; i++) x[i] = fmin(fmax(x[i], p->x0), p->x1);
    if (isfinite(an__number(interval, "low"))) an__plot_line(p, x, at, 2, style);
    if (isfinite(mean)) an__plot_marks(p, &mean, &y, 1, style, mark, 4);
}

void an__chart_intervals(an_page *p, const json_t *rows, const char *metric)
{
    size_t n = json_array_size(rows), i;
    if (!n) return;
    double low = 1, high = 0;
    json_t *row;
    json_array_foreach(rows, i, row) {
        static const char *const sets[] = { "metrics", "metrics_moved" };
        for (int k = 0; k < 2; k++) {
            const json_t *v = an__at(json_object_get(row, sets[k]), metric);
            double m = an__number(v, "mean"), l = an__number(v, "low"), h = an__number(v, "high");
            low = fmin(low, fmin(isfinite(l) ? l : m, m));
            high = fmax(high, fmax(isfinite(h) ? h : m, m));
        }
    }
    an_plot plot = { .out = p->html,
                     .width = 480,
                     .height = 52 + 30 * (double)n,
                     .left = 120,
                     .top = 6,
                     .names = true,
                     .x0 = fmax(low - 0.02, 0),
                     .x1 = fmin(high + 0.02, 1),
                     .y0 = 0,
                     .y1 = 1 };
    if (!(plot.x1 > plot.x0)) {
        plot.x0 = 0;
        plot.x1 = 1;
    }
    an_buf *b = p->html;
    an_buf_puts(
        b, "<figure class=\"chart\"><figcaption><b>F2, mean and 95\u00a0% interval</b> The more to the right the better. Intervals that "
           "overlap say little about a difference: "
           "repeats share rows, and the paired difference in the second table is the fair comparison.</figcaption><div class=\"legend\">");
    an__legend(b, "at the score threshold 0.5", AN__BLUE, AN__CIRCLE);
    an__legend(b, "at its own moved threshold", AN__RED, AN__DIAMOND);
    an_buf_puts(b, "</div>");
    an__plot_open(&plot, "F2", "", "F2 of every balancing with its interval");
    json_array_foreach(rows, i, row) {
        double y = 1 - ((double)i + 0.5) / (double)n, off = 0.16 / (double)n;
        char *label = an__balance_label(p, row), *cut = an__shortened(label, 19);
        bool chosen = !strcmp(an__string(p->f->comparison, "recommendation.balance"), an__string(row, "balance")) &&
                      !strcmp(an__string(p->f->comparison, "recommendation.model"), an__string(row, "model"));
        an__svg_text(b, plot.left - 8, plot.top + (1 - y) * (plot.height - plot.top - plot.bottom) + 4, "end", chosen ? "strong" : NULL,
                     cut);
        free(label);
        free(cut);
        whisker(&plot, an__at(json_object_get(row, "metrics"), metric), y + off, AN__BLUE, AN__CIRCLE);
        whisker(&plot, an__at(json_object_get(row, "metrics_moved"), metric), y - off, AN__RED, AN__DIAMOND);
    }
    an__plot_close(&plot);
    an_buf_puts(b, "</figure>\n");
}

/* ---- the map ------------------------------------------------------------------------------------------------------------------------ */

typedef struct cloud {
    double *x, *y;
    size_t n;
} cloud;

/* Points [x, y, class?]; class 0, 1, or -1 for none. */
static cloud points(const json_t *list, int class)
{
    size_t n = json_array_size(list), i;
    cloud c = { an_alloc_n(n + 1, sizeof(double)), an_alloc_n(n + 1, sizeof(double)), 0 };
    json_t *point;
    json_array_foreach(list, i, point) {
        const json_t *own = json_array_get(point, 2);
        int is = json_is_number(own) ? (an_json_number(own, 0) != 0) : -1;
        double x = an_json_number(json_array_get(point, 0), NAN), y = an_json_number(json_array_get(point, 1), NAN);
        if (is != class || !isfinite(x) || !isfinite(y)) continue;
        c.x[c.n] = x;
        c.y[c.n++] = y;
    }
    return c;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Widens [low, high] to all of c, or to its middle 96 % only. */
static void widen(double *low, double *high, const double *v, size_t n, bool middle)
{
    if (!n) return;
    double *sorted = an_alloc_n(n, sizeof *sorted);
    memcpy(sorted, v, n * sizeof *v);
    qsort(sorted, n, sizeof *sorted, by_value);
    size_t cut = middle ? n / 50 : 0;
    *low = fmin(*low, sorted[cut]);
    *high = fmax(*high, sorted[n - 1 - cut]);
    free(sorted);
}

void an__chart_map(an_page *p, const json_t *judgement)
{
    const json_t *pca = json_object_get(judgement, "pca");
    if (!json_is_object(pca)) return;
    const json_t *real = json_object_get(pca, "real"), *made = json_object_get(pca, "synthetic");
    /* generated rows without a class of their own are all positive where the generator knows the rarer class only */
    bool minority = json_is_true(json_object_get(judgement, "minority"));
    enum { GROUPS = 6 };
    struct {
        const char *of, *class_name;
        int class, style, mark;
        double size;
        bool generated;
        cloud c;
    } group[GROUPS] = {
        { "real", p->negative, 0, AN__SKY, AN__CIRCLE, 2.2, false, { 0 } },
        { "real", "class unknown", -1, AN__SKY, AN__CIRCLE, 2.2, false, { 0 } },
        { "generated", p->negative, 0, AN__BLUE, AN__PLUS, 2.2, true, { 0 } },
        { "generated", "either class", minority ? -2 : -1, AN__GREEN, AN__CROSS, 1.9, true, { 0 } }, /* -2: none are */
        { "real", p->positive, 1, AN__RED, AN__TRIANGLE, 3, false, { 0 } },
        { "generated", p->positive, minority ? -1 : 1, AN__BLACK, AN__CROSS, 1.9, true, { 0 } },
    };
    an_plot plot = { .out = p->html,
                     .width = 440,
                     .height = 400,
                     .top = 10,
                     .exact = true,
                     .x0 = INFINITY,
                     .x1 = -INFINITY,
                     .y0 = INFINITY,
                     .y1 = -INFINITY };
    for (int i = 0; i < GROUPS; i++) {
        group[i].c = points(group[i].generated ? made : real, group[i].class);
        widen(&plot.x0, &plot.x1, group[i].c.x, group[i].c.n, group[i].generated);
        widen(&plot.y0, &plot.y1, group[i].c.y, group[i].c.n, group[i].generated);
    }
    double pad_x = 0.04 * (plot.x1 - plot.x0), pad_y = 0.04 * (plot.y1 - plot.y0);
    plot.x0 -= pad_x;
    plot.x1 += pad_x;
    plot.y0 -= pad_y;
    plot.y1 += pad_y;
    an_buf *b = p->html;
    an_buf_puts(b, "<figure class=\"chart\"><figcaption><b>");
    an__html(b, an__string(judgement, "method"));
    an_buf_puts(b, "</b> ");
    an__html(b, an__string(judgement, "generator"));
    an_buf_puts(b, "</figcaption><div class=\"legend\">");
    for (int i = 0; i < GROUPS; i++)
        if (group[i].c.n) {
            bool named = *p->target && group[i].class_name != NULL && strcmp(group[i].class_name, "either class") != 0 &&
                         strcmp(group[i].class_name, "class unknown") != 0;
            char *name = named ? an_format("%s, %s = %s (%zu)", group[i].of, p->target, group[i].class_name, group[i].c.n)
                               : an_format("%s, %s (%zu)", group[i].of, group[i].class_name, group[i].c.n);
            an__legend(b, name, group[i].style, group[i].mark);
            free(name);
        }
    an_buf_puts(b, "</div>");
    char *axis[2];
    for (size_t k = 0; k < 2; k++) {
        double explained = an_json_number(json_array_get(json_object_get(pca, "explained"), k), NAN);
        const char *first = an__string(json_array_get(json_array_get(json_object_get(pca, "axes"), k), 0), "name");
        char *cut = an__shortened(first, 22);
        axis[k] = *first ? an_format("axis %zu: %s of the variance; most of all %s", k + 1, an__share(explained, 0).t, cut)
                         : an_format("axis %zu: %s of the variance", k + 1, an__share(explained, 0).t);
        free(cut);
    }
    an__plot_open(&plot, axis[0], axis[1], "map of real and generated rows on the two main axes of the real rows");
    size_t outside = 0;
    for (int i = 0; i < GROUPS; i++) {
        cloud *c = &group[i].c;
        for (size_t k = 0; k < c->n; k++) outside += c->x[k] < plot.x0 || c->x[k] > plot.x1 || c->y[k] < plot.y0 || c->y[k] > plot.y1;
        an__plot_marks(&plot, c->x, c->y, c->n, group[i].style, group[i].mark, group[i].size);
        free(c->x);
        free(c->y);
    }
    an__plot_close(&plot);
    if (outside) an_buf_printf(b, "<p class=\"small\">%zu generated rows lie outside this picture.</p>", outside);
    free(axis[0]);
    free(axis[1]);
    an_buf_puts(b, "</figure>\n");
}

/* ---- small ones --------------------------------------------------------------------------------------------------------------------- */

void an__chart_histogram(an_buf *b, const json_t *column)
{
    enum { W = 104, H = 26 };
    const json_t *counts = an__at(column, "histogram.counts"), *top = json_object_get(column, "top");
    bool number = json_array_size(counts) > 0;
    size_t n = json_array_size(number ? counts : top), i;
    if (n > 40) n = 40;
    double most = 0;
    for (i = 0; i < n; i++)
        most = fmax(most, number ? an_json_number(json_array_get(counts, i), 0) : an__number(json_array_get(top, i), "count"));
    if (!n || !(most > 0)) return;
    an_buf_printf(
        b, "<svg class=\"mini\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"%s\"><path fill=\"%s\" d=\"", W,
        H, W, H, number ? "histogram" : "most frequent values", an__colour(number ? AN__BLUE : AN__ORANGE));
    double step = (double)W / (double)n;
    for (i = 0; i < n; i++) {
        double v = number ? an_json_number(json_array_get(counts, i), 0) : an__number(json_array_get(top, i), "count");
        double h = v > 0 ? fmax(1, (H - 1) * v / most) : 0;
        if (h > 0)
            an_buf_printf(b, "M%.1f %.1fh%.1fv%.1fh%.1fz", step * (double)i, H - h, step - (number ? 0.4 : 2), h,
                          -(step - (number ? 0.4 : 2)));
    }
    an_buf_printf(b, "\"/><path class=\"axis\" d=\"M0 %dH%d\"/></svg>", H, W);
}

void an__chart_bars(an_page *p, const json_t *coefficients, size_t limit)
{
    size_t n = json_array_size(coefficients), i;
    if (n > limit) n = limit;
    if (!n) return;
    enum { LEFT = 206, WIDTH = 540, STEP = 20, ROOM = 44 };
    double most = 0;
    for (i = 0; i < n; i++) {
        double v = fabs(an__number(json_array_get(coefficients, i), "per_sd"));
        if (isfinite(v)) most = fmax(most, v);
    }
    double middle = LEFT + (WIDTH - LEFT) / 2.0, half = (WIDTH - LEFT) / 2.0 - ROOM; /* room for the numbers beside the bars */
    an_buf *b = p->html;
    an_buf_puts(b, "<figure class=\"chart\"><figcaption><b>What moves the score most</b> ");
    an__htmlf(b, "Change of the log-odds of %s = %s when a feature grows by one standard deviation: to the right it raises the score.",
              p->target, p->positive);
    an_buf_puts(b, "</figcaption>");
    an__svg_open(b, WIDTH, (double)n * STEP + 6, "the largest coefficients as bars");
    for (i = 0; i < n; i++) {
        const json_t *c = json_array_get(coefficients, i);
        double v = an__number(c, "per_sd"), y = 3 + STEP * (double)i, w = most > 0 && isfinite(v) ? half * fabs(v) / most : 0;
        short_text(b, LEFT - 6, y + 14, "end", NULL, an__string(c, "name"), 24);
        an_buf_printf(b, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>", v < 0 ? middle - w : middle, y + 3,
                      fmax(w, 0.5), STEP - 6, an__colour(v < 0 ? AN__BLUE : AN__RED));
        an__svg_text(b, v < 0 ? middle - w - 4 : middle + w + 4, y + 14, v < 0 ? "end" : "start", NULL, an__real(v, 2).t);
    }
    an_buf_printf(b, "<path class=\"axis\" d=\"M%.1f 0V%.0f\"/></svg></figure>\n", middle, (double)n * STEP + 6);
}
