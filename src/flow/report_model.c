/* report_model.c - sections about models: every balancing on the same splits (the gearbox paper's table II), confusion matrices (its figure
 * 5), the threshold, coefficients. */
#include "flow/report.h"

#include "andon/score.h"
#include "andon/synth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- comparison --------------------------------------------------------------------------------------------------------------------- */

static const char *balance_doc(const json_t *row)
{
    const char *name = an__string(row, "balance");
    if (!strcmp(name, "none")) return "the original data";
    const an_balance_kind *k = an_balance_kind_find(name, NULL);
    return k ? k->doc : "";
}

bool an__beats_trivial(const json_t *comparison)
{
    return !json_is_false(an__at(comparison, "recommendation.better_than_trivial"));
}

bool an__recommends(const json_t *comparison)
{
    return an__beats_trivial(comparison) && !json_is_false(an__at(comparison, "recommendation.recommended"));
}

/* Inside a paragraph. */
void an__time_ignored(an_page *p)
{
    if (!json_is_true(json_object_get(p->f->comparison, "time_ignored"))) return;
    an_buf_puts(p->html, "The repeats are random splits; the data has a time column, and the newest parts may behave differently: see the "
                         "model&#39;s own test part. ");
}

static bool recommended(const an_page *p, const json_t *row)
{
    if (!an__recommends(p->f->comparison)) return false;
    const json_t *r = json_object_get(p->f->comparison, "recommendation");
    return !strcmp(an__string(r, "model"), an__string(row, "model")) && !strcmp(an__string(r, "balance"), an__string(row, "balance"));
}

static void compared(an_page *p, const char *name, const char *metrics, const char *caption)
{
    static const char *const keys[] = { "f2", "recall", "precision", "f1", "gmean", "accuracy", "pr_auc", "roc_auc", "brier" };
    bool moved = !strcmp(metrics, "metrics_moved"), by_cost = !strcmp(an__string(p->f->comparison, "recommendation.decided_by"), "cost");
    const json_t *rows = json_object_get(p->f->comparison, "rows"), *row;
    const json_t *first = json_array_get(rows, 0);
    char *difference = an_format(by_cost ? "saving per part against %s" : "F2 against %s",
                                 *an__string(first, "balance") ? an__string(first, "balance") : "the first row");
    const an_grid_column columns[] = {
        { "training data", "balance", AN__TEXT, 0 },
        { NULL, "model", AN__TEXT, 0 },
        { "F2", "f2", AN__INTERVAL, 3 }, /* what decides comes first: a narrow window shows three */
        { "Recall", "recall", AN__INTERVAL, 3 },
        { "Precision", "precision", AN__INTERVAL, 3 },
        { "F1", "f1", AN__INTERVAL, 3 },
        { "G-mean", "gmean", AN__INTERVAL, 3 },
        { "Accuracy", "accuracy", AN__INTERVAL, 3 },
        { NULL, "pr_auc", AN__INTERVAL, 3 },
        { NULL, "roc_auc", AN__INTERVAL, 3 },
        { NULL, "brier", AN__INTERVAL, 3 },
        { moved ? "threshold" : NULL, "threshold", AN__SCORE, 0 },
        { moved ? difference : NULL, "difference", AN__INTERVAL, 3 },
        { moved && by_cost ? "cost per part" : NULL, "cost", AN__INTERVAL, 3 },
    };
    an_grid g = an__grid_open(p, name, columns, AN_COUNT(columns) - (moved ? 0 : 3));
    size_t i;
    json_array_foreach(rows, i, row) {
        char *label = an__balance_label(p, row);
        char *note = an_format("%s%s", recommended(p, row) ? "recommended; " : "", balance_doc(row));
        an__grid_row(&g, recommended(p, row) ? "chosen" : NULL);
        an__grid_note(&g, label, note);
        an__grid_text(&g, an__string(row, "model"));
        for (size_t k = 0; k < AN_COUNT(keys); k++) an__grid_interval(&g, an__at(json_object_get(row, metrics), keys[k]), true);
        if (moved) {
            an__grid_number(&g, an__number(row, "threshold.value"));
            an__grid_interval(&g, i ? json_object_get(row, "difference") : NULL, false);
            an__grid_interval(&g, json_object_get(row, "cost"), false);
        }
        free(label);
        free(note);
    }
    an__grid_close(&g, caption);
    free(difference);
}

void an__report_comparison(an_page *p)
{
    const json_t *c = p->f->comparison;
    an__section(p, "comparison", "Original data against each augmentation",
                "The same model trained on the original data and on data balanced in different ways, every balancing made anew inside each "
                "training part, all judged on the same "
                "untouched test parts.");
    if (!c) {
        an__missing(p, "No comparison on this data yet. This makes one:", "andon compare --data %s", p->data_name ? p->data_name : "DATA");
        return;
    }
    char *counted = an_format("Mean over %s repeats and, small, its 95\u00a0%% interval, corrected for rows shared between repeats (Nadeau "
                              "and Bengio 2003), cut at 0 and 1 here. Each repeat tests %s of %s rows; "
                              "%s rows have %s = %s.",
                              an__count(p->repeats).t, an__share(an__number(c, "share"), 0).t, an__count(an__number(c, "rows_total")).t,
                              an__count(an__number(c, "positives")).t, p->target, p->positive);
    char *fixed = an_format("At the score threshold 0.5 (the row threshold: the plain model at its moved one). %s", counted);
    char *moved = an_format("The same models and test parts at moved thresholds, chosen by the rule %s on out-of-fold scores of the "
                            "training part (their mean is shown). The difference is paired, repeat by repeat; an interval that "
                            "holds 0 is within noise.",
                            an__string(json_array_get(json_object_get(c, "rows"), 0), "threshold.rule"));
    compared(p, "compare", "metrics", fixed);
    compared(p, "compare-moved", "metrics_moved", moved);
    an__chart_intervals(p, json_object_get(c, "rows"), "f2");
    an_buf_puts(p->html, an__recommends(c)      ? "<p class=\"box\"><b>Recommendation.</b> "
                         : an__beats_trivial(c) ? "<p class=\"warn\"><b>Nothing is recommended.</b> "
                                                : "<p class=\"warn\"><b>Nothing tried here beats doing without a model (testing, rejecting "
                                                  "or passing every part) beyond noise.</b> ");
    const char *why = an__string(c, "recommendation.why");
    if (*why >= 'a' && *why <= 'z') { /* it is part of a sentence elsewhere */
        an_buf_putc(p->html, (char)(*why - 'a' + 'A'));
        why++;
    }
    an__html(p->html, why);
    an_buf_puts(p->html, ". ");
    if (!json_is_object(an__at(c, "recommendation.newest"))) an__time_ignored(p);
    an_buf_puts(p->html, "</p>\n");
    free(counted);
    free(fixed);
    free(moved);
}

/* ---- metrics and confusion matrices ------------------------------------------------------------------------------------------------- */

static void own_metrics(an_page *p)
{
    static const char *const keys[] = { "accuracy", "precision", "recall", "f1", "f2", "gmean", "pr_auc", "roc_auc", "brier" };
    static const char *const names[] = { "Accuracy", "Precision", "Recall", "F1", "F2", "G-mean", "PR-AUC", "ROC-AUC", "Brier score" };
    static const char *const says[] = { "share of all parts judged rightly",
                                        "share of the rejected parts that deserved it",
                                        "share of the bad parts that were caught",
                                        "harmonic mean of precision and recall",
                                        "the same, recall weighing four times as much",
                                        "root of recall times the share of good parts passed",
                                        "area under precision over recall, all thresholds",
                                        "chance that a bad part scores above a good one",
                                        "mean squared error of the score; smaller is better" };
    static const an_grid_column columns[] = { { "metric", "metric", AN__TEXT, 0 },
                                              { "value", "value", AN__INTERVAL, 3 },
                                              { "in words", NULL, AN__TEXT, 0 } };
    const json_t *m = json_object_get(p->f->evaluation, "metrics");
    bool narrow = false;
    an_grid g = an__grid_open(p, "metrics", columns, 3);
    for (size_t i = 0; i < AN_COUNT(keys); i++) {
        if (!json_object_get(m, keys[i])) continue;
        an__grid_row(&g, NULL);
        an__grid_text(&g, names[i]);
        json_t *interval = json_copy(json_object_get(m, keys[i]));
        double low, high;
        an__share_limits(p->f->evaluation, keys[i], &low, &high);
        if (json_is_object(interval) && isfinite(low) && isfinite(high)) {
            json_object_set_new(interval, "low", json_real(low));
            json_object_set_new(interval, "high", json_real(high));
        } else if (an__number(interval, "low") == an__number(interval, "high")) {
            narrow = true;
        }
        an__grid_interval(&g, interval, true);
        an__grid_text(&g, says[i]);
        json_decref(interval);
    }
    const char *unit = an__string(p->f->evaluation, "interval_units.column");
    char *how =
        *unit ? an_format("by drawing whole groups by %s (bootstrap); that of recall as if the parts of one group were wholly alike", unit)
              : an_strdup("exact for accuracy, precision and recall (Clopper and Pearson 1934), by bootstrap for the others");
    char *caption = an_format(
        "This model at its %s threshold %s, on %s test parts, %s of them with %s = %s; small: 95\u00a0%% interval, %s.%s",
        p->calibrated ? "probability" : "score", an__score(an__number(p->f->evaluation, "threshold.value")).t,
        an__count(an__number(p->f->evaluation, "rows")).t, an__count(an__number(p->f->evaluation, "positives")).t, p->target, p->positive,
        how,
        narrow ? " A bootstrap interval without width does not mean certainty: it says that these test parts cannot show the spread." : "");
    an__grid_close(&g, caption);
    free(caption);
    free(how);
}

static void confusion_row(an_grid *g, const char *of, const char *at, const json_t *c)
{
    static const char *const keys[] = { "tn", "fp", "fn", "tp" };
    an__grid_row(g, NULL);
    an__grid_text(g, of);
    an__grid_text(g, at);
    for (int k = 0; k < 4; k++) an__grid_number(g, an__number(c, keys[k]));
}

/* The plain model at its moved threshold is shown beside the same model at 0.5, where that was compared too. */
static bool beside_none(const json_t *rows, const json_t *row)
{
    const json_t *other;
    size_t i;
    json_array_foreach(rows, i, other)
        if (!strcmp(an__string(other, "balance"), "none") && !strcmp(an__string(other, "model"), an__string(row, "model"))) return true;
    return false;
}

void an__report_confusion(an_page *p)
{
    static const an_grid_column columns[] = { { NULL, "of", AN__TEXT, 0 },
                                              { NULL, "threshold", AN__TEXT, 0 },
                                              { NULL, "true_negatives", AN__COUNT, 0 },
                                              { NULL, "false_positives", AN__COUNT, 0 },
                                              { NULL, "false_negatives", AN__COUNT, 0 },
                                              { NULL, "true_positives", AN__COUNT, 0 } };
    const json_t *e = p->f->evaluation, *rows = json_object_get(p->f->comparison, "rows"), *row;
    an__section(p, "confusion", "Confusion matrices",
                "Rows: what the parts were. Columns: what the model said. Percentages are of the row. Shading follows them.");
    if (e) {
        an_buf_puts(p->html, "<div class=\"beside\">");
        an__chart_confusion(p, json_object_get(e, "confusion"), "this model", "on the test part");
        own_metrics(p);
        an_buf_puts(p->html, "</div>\n");
    } else if (p->f->model) {
        an__missing(p, "This model was not evaluated on rows it has not seen yet.", "andon model evaluate %s", p->name);
    }
    an_grid g = an__grid_open(p, "confusion", columns, 6);
    if (e) confusion_row(&g, "this model", "own", json_object_get(e, "confusion"));
    if (!rows) {
        an__missing(p, "Those of the other balancings come with the comparison:", "andon compare --data %s",
                    p->data_name ? p->data_name : "DATA");
    } else {
        an_buf_puts(p->html, "<h3>");
        an__htmlf(p->html, "Each balancing, summed over %s repeats", an__count(p->repeats).t);
        an_buf_puts(p->html,
                    "</h3>\n<p class=\"intro\">Each first at the score threshold 0.5, then at its moved threshold. The plain model "
                    "with its threshold moved is the balancing called threshold.</p>\n<div class=\"cards\">");
        size_t i;
        json_array_foreach(rows, i, row) {
            char *label = an__balance_label(p, row);
            bool threshold = !strcmp(an__string(row, "balance"), "threshold"), shown = threshold && beside_none(rows, row);
            if (!shown) an_buf_puts(p->html, "<div class=\"pair\">");
            if (!threshold) {
                an__chart_confusion(p, json_object_get(row, "confusion"), label, "at 0.5");
                confusion_row(&g, label, "0.5", json_object_get(row, "confusion"));
            }
            if (!shown)
                an__chart_confusion(p, json_object_get(row, "confusion_moved"), label,
                                    strcmp(an__string(row, "balance"), "none") ? "moved" : "moved (threshold)");
            if (!shown) an_buf_puts(p->html, "</div>\n");
            confusion_row(&g, label, "moved", json_object_get(row, "confusion_moved"));
            free(label);
        }
        an_buf_puts(p->html, "</div>\n");
    }
    an__grid_close_csv(&g, "All matrices as CSV");
}

/* ---- threshold ---------------------------------------------------------------------------------------------------------------------- */

typedef struct curve {
    size_t n;
    double *x, *recall, *precision, *f2, *cost;
} curve;

static curve read_curve(const json_t *points)
{
    size_t n = json_array_size(points), i;
    curve c = { 0,
                an_alloc_n(n + 1, sizeof(double)),
                an_alloc_n(n + 1, sizeof(double)),
                an_alloc_n(n + 1, sizeof(double)),
                an_alloc_n(n + 1, sizeof(double)),
                an_alloc_n(n + 1, sizeof(double)) };
    const json_t *q;
    json_array_foreach(points, i, q) {
        double x = an__number(q, "threshold");
        if (!isfinite(x)) continue;
        c.x[c.n] = x;
        c.recall[c.n] = an__number(q, "recall");
        /* where nothing is rejected there is no precision to show */
        c.precision[c.n] = an__number(q, "confusion.tp") + an__number(q, "confusion.fp") > 0 ? an__number(q, "precision") : NAN;
        c.f2[c.n] = an__number(q, "f2");
        c.cost[c.n++] = an__number(q, "cost");
    }
    return c;
}

static void curve_free(curve *c)
{
    free(c->x);
    free(c->recall);
    free(c->precision);
    free(c->f2);
    free(c->cost);
}

static void point_row(an_grid *g, const char *goal, const json_t *q)
{
    double tp = an__number(q, "confusion.tp"), fn = an__number(q, "confusion.fn"), fp = an__number(q, "confusion.fp");
    an__grid_row(g, !strcmp(goal, "in use") ? "chosen" : NULL);
    an__grid_text(g, goal);
    an__grid_number(g, an__number(q, "threshold"));
    an__grid_number(g, tp);
    an__grid_number(g, fn);
    an__grid_number(g, fp);
    an__grid_number(g, an__number(q, "recall"));
    an__grid_number(g, an__number(q, "precision"));
    an__grid_number(g, an__number(q, "f2"));
    an__grid_number(g, 1000 * an__number(q, "cost"));
}

/* What a goal for the share caught would cost in false rejects, on these test parts. */
static void goals(an_page *p, const json_t *points, bool cost)
{
    static const double goal[] = { 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1 };
    const an_grid_column columns[] = { { "to catch at least", "goal", AN__TEXT, 0 },
                                       { "threshold", "threshold", AN__SCORE, 0 },
                                       { "caught", "caught", AN__COUNT, 0 },
                                       { "escaped", "escaped", AN__COUNT, 0 },
                                       { "falsely rejected", "falsely_rejected", AN__COUNT, 0 },
                                       { NULL, "recall", AN__NUMBER, 3 },
                                       { "precision", "precision", AN__NUMBER, 3 },
                                       { "F2", "f2", AN__NUMBER, 3 },
                                       { cost ? "cost per 1,000 parts" : NULL, "cost_per_1000", AN__VALUE, 0 } };
    an_grid g = an__grid_open(p, "threshold", columns, AN_COUNT(columns));
    json_t *own = json_pack("{s:o, s:O?, s:o, s:o, s:o, s:o}", "threshold", an_json_real(an__number(p->f->evaluation, "threshold.value")),
                            "confusion", json_object_get(p->f->evaluation, "confusion"), "recall",
                            an_json_real(an__number(p->f->evaluation, "metrics.recall.value")), "precision",
                            an_json_real(an__number(p->f->evaluation, "metrics.precision.value")), "f2",
                            an_json_real(an__number(p->f->evaluation, "metrics.f2.value")), "cost",
                            an_json_real(an__number(p->f->evaluation, "cost_per_part")));
    point_row(&g, "in use", own);
    json_decref(own);
    for (size_t i = 0; i < AN_COUNT(goal); i++) {
        const json_t *best = NULL, *q;
        size_t k;
        json_array_foreach(points, k, q) {
            if (!isfinite(an__number(q, "threshold")) || !(an__number(q, "recall") >= goal[i] - 1e-12)) continue;
            double fp = an__number(q, "confusion.fp"), had = an__number(best, "confusion.fp");
            if (!best || fp < had || (fp == had && an__number(q, "confusion.tp") > an__number(best, "confusion.tp"))) best = q;
        }
        if (best) point_row(&g, an__share(goal[i], 0).t, best);
    }
    an__grid_close(&g, "What a goal would have meant on these test parts: the threshold with the fewest false rejects. To use a goal, let "
                       "it be chosen on the training part "
                       "(andon model threshold NAME --rule 'recall>=0.9@95%'), so that the test part stays fair.");
}

void an__report_threshold(an_page *p)
{
    an__section(p, "threshold", "Where the threshold stands", NULL);
    const json_t *e = p->f->evaluation, *points = json_object_get(e, "curve");
    if (!json_array_size(points)) {
        an__missing(p, "There is no curve over the thresholds for this model:", "andon model evaluate %s", p->name);
        return;
    }
    an_buf *b = p->html;
    const char *output = p->calibrated ? "probability" : "score";
    double own = an__number(e, "threshold.value");
    an_buf_puts(b, "<p class=\"intro\">");
    an__htmlf(b,
              "A part is rejected when its %s is at least the threshold. In use: %s, by the rule %s. Counted on %s test parts, %s of them "
              "with %s = %s.",
              output, an__score(own).t, an__string(e, "threshold.rule"), an__count(an__number(e, "rows")).t,
              an__count(an__number(e, "positives")).t, p->target, p->positive);
    an_buf_puts(b, "</p>\n<div class=\"cards\"><figure class=\"chart\"><figcaption><b>Recall, precision and F2</b> over the "
                   "threshold</figcaption><div class=\"legend\">");
    an__legend(b, "recall (share caught)", AN__BLUE, -1);
    an__legend(b, "precision", AN__RED, -1);
    an__legend(b, "F2", AN__GREEN, -1);
    an_buf_puts(b, "</div>");
    curve c = read_curve(points);
    char *x_name = an_format("%s threshold", output), *mark = an_format("in use: %s", an__score(own).t);
    an_plot plot = { .out = b, .width = 460, .height = 270, .x0 = 0, .x1 = 1, .y0 = 0, .y1 = 1 };
    an__plot_open(&plot, x_name, "", "recall, precision and F2 over the threshold");
    an__plot_line(&plot, c.x, c.recall, c.n, AN__BLUE);
    an__plot_line(&plot, c.x, c.precision, c.n, AN__RED);
    an__plot_line(&plot, c.x, c.f2, c.n, AN__GREEN);
    an__plot_upright(&plot, own, mark);
    an__plot_close(&plot);
    an_buf_puts(b, "</figure>\n");
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < c.n; i++) {
        c.cost[i] *= 1000;
        if (!isfinite(c.cost[i])) continue;
        low = fmin(low, c.cost[i]);
        high = fmax(high, c.cost[i]);
    }
    bool cost = isfinite(low);
    if (cost) {
        an_buf_puts(b, "<figure class=\"chart\"><figcaption><b>Cost per 1,000 parts</b> ");
        an__htmlf(b, "in %s, at the share of %s = %s of the test part", an__string(e, "costs.currency"), p->target, p->positive);
        an_buf_puts(b, "</figcaption>");
        an_plot money = { .out = b, .width = 460, .height = 270, .x0 = 0, .x1 = 1, .y0 = fmin(low, 0), .y1 = high };
        an__plot_open(&money, x_name, an__string(e, "costs.currency"), "expected cost over the threshold");
        an__plot_line(&money, c.x, c.cost, c.n, AN__PURPLE);
        double test = an__number(e, "costs.test");
        if (isfinite(test)) an__plot_level(&money, 1000 * test, "test everything");
        an__plot_upright(&money, own, mark);
        an__plot_close(&money);
        an_buf_puts(b, "</figure>\n");
    }
    an_buf_puts(b, "</div>\n");
    goals(p, points, cost);
    if (!cost)
        an_buf_puts(b, "<p class=\"small\">No cost curve: prices are not given (<code>costs:</code> in andon.yaml, or "
                       "<code>--cost-escape</code> and <code>--cost-reject</code>).</p>\n");
    static const an_grid_column all[] = { { NULL, "threshold", AN__NUMBER, 0 },
                                          { NULL, "true_negatives", AN__NUMBER, 0 },
                                          { NULL, "false_positives", AN__NUMBER, 0 },
                                          { NULL, "false_negatives", AN__NUMBER, 0 },
                                          { NULL, "true_positives", AN__NUMBER, 0 },
                                          { NULL, "recall", AN__NUMBER, 0 },
                                          { NULL, "precision", AN__NUMBER, 0 },
                                          { NULL, "f1", AN__NUMBER, 0 },
                                          { NULL, "f2", AN__NUMBER, 0 },
                                          { NULL, "cost_per_part", AN__NUMBER, 0 } };
    static const char *const keys[] = { "threshold", "confusion.tn", "confusion.fp", "confusion.fn", "confusion.tp",
                                        "recall",    "precision",    "f1",           "f2",           "cost" };
    an_grid g = an__grid_open(p, "threshold-curve", all, AN_COUNT(all));
    size_t i;
    const json_t *q;
    json_array_foreach(points, i, q) {
        an__grid_row(&g, NULL);
        for (size_t k = 0; k < AN_COUNT(keys); k++) an__grid_number(&g, an__number(q, keys[k]));
    }
    an__grid_close_csv(&g, "The curves as CSV");
    free(x_name);
    free(mark);
    curve_free(&c);
}

/* ---- coefficients ------------------------------------------------------------------------------------------------------------------- */

void an__report_coefficients(an_page *p)
{
    enum { BARS = 15, ROWS = 25 };
    static const an_grid_column columns[] = { { "feature", "name", AN__TEXT, 0 },
                                              { NULL, "unit", AN__TEXT, 0 },
                                              { "log-odds per unit", "coefficient", AN__VALUE, 0 },
                                              { "odds ratio per unit", "odds_ratio", AN__VALUE, 0 },
                                              { "log-odds per standard deviation", "per_sd", AN__NUMBER, 3 } };
    an__section(p, "coefficients", "What the model looks at", NULL);
    const json_t *list = json_object_get(p->f->explanation, "coefficients"), *c;
    if (!json_array_size(list)) {
        an_buf_puts(p->html, "<p>This kind of model has no coefficients to show.</p>\n");
        return;
    }
    an_buf_puts(p->html, "<p class=\"intro\">");
    an__htmlf(p->html,
              "The model adds up the features, each times its coefficient, to the log-odds of %s = %s; the largest effects first. "
              "Coefficients of features that move "
              "together share their effect: read them as a pattern, not as causes.",
              p->target, p->positive);
    an_buf_puts(p->html, "</p>\n");
    an__chart_bars(p, list, BARS);
    an_grid g = an__grid_open(p, "coefficients", columns, AN_COUNT(columns));
    g.limit = ROWS;
    size_t i;
    json_array_foreach(list, i, c) {
        an__grid_row(&g, NULL);
        an__grid_note(&g, an__string(c, "name"), an__string(c, "unit"));
        an__grid_text(&g, an__string(c, "unit"));
        an__grid_number(&g, an__number(c, "coefficient"));
        an__grid_number(&g, an__number(c, "odds_ratio"));
        an__grid_number(&g, an__number(c, "per_sd"));
    }
    char *caption =
        an_format("In the units of the data, fitted on %s rows. Intercept: %s. Where no unit was given, it is the unit of the file.",
                  an__count(an__number(p->f->model, "train_rows")).t, an__value(an__number(p->f->explanation, "intercept")).t);
    an__grid_close(&g, caption);
    free(caption);
}
