/* report_advice.c - what page one recommends, in parts caught and falsely rejected rather than in measures: the verdict of the newest
 * comparison, what became of it on the newest rows, and how to train it. The tables behind it are in report_model.c. */
#include "flow/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* "the logistic model on data balanced by smote, its threshold by the rule f2" */
static void way(an_page *p, const json_t *row, const char *rule)
{
    const char *balance = an__string(row, "balance");
    bool plain = !strcmp(balance, "none") || !strcmp(balance, "threshold"), moved = strcmp(rule, "0.5") != 0;
    an__htmlf(p->html, "the %s model ", an__string(row, "model"));
    if (!strcmp(balance, "weights"))
        an_buf_puts(p->html, "with class weights");
    else if (plain)
        an_buf_puts(p->html, "trained on the data as it is");
    else
        an__htmlf(p->html, "on data balanced by %s", balance);
    if (moved) an__htmlf(p->html, ", its threshold moved (rule %s)", rule);
}

/* "caught 120 and falsely rejected 45" of 1,000 parts, from the counts of all repeats at the share of the data */
static void counts(an_page *p, const json_t *confusion)
{
    double tn = an__number(confusion, "tn"), fp = an__number(confusion, "fp"), fn = an__number(confusion, "fn"),
           tp = an__number(confusion, "tp");
    double share = an__number(p->f->comparison, "positives") / an__number(p->f->comparison, "rows_total");
    an__htmlf(p->html, "caught %s and falsely rejected %s", an__few(1000 * share * tp / (tp + fn)).t,
              an__few(1000 * (1 - share) * fp / (tn + fp)).t);
}

/* What decides, larger is better. */
static double measure(const json_t *row, bool by_cost)
{
    return by_cost ? -an__number(row, "cost.mean") : an__number(row, "metrics_moved.f2.mean");
}

static void compared_words(an_page *p, const char *rule)
{
    const json_t *c = p->f->comparison, *rows = json_object_get(c, "rows"), *row, *pick = NULL, *best = NULL;
    const char *model = an__string(c, "recommendation.model"), *balance = an__string(c, "recommendation.balance");
    bool by_cost = !strcmp(an__string(c, "recommendation.decided_by"), "cost");
    size_t i;
    json_array_foreach(rows, i, row) {
        if (!strcmp(an__string(row, "model"), model) && !strcmp(an__string(row, "balance"), balance)) pick = row;
        if (!best || measure(row, by_cost) > measure(best, by_cost)) best = row;
    }
    an_buf *b = p->html;
    double share = an__number(c, "positives") / an__number(c, "rows_total");
    way(p, pick, rule);
    an__htmlf(b, ". Of 1,000 parts, %s of them with %s = %s, it ", an__few(1000 * share).t, p->target, p->positive);
    counts(p, json_object_get(pick, strcmp(rule, "0.5") ? "confusion_moved" : "confusion"));
    an__htmlf(b, ", on average over %s random split%s of this data. ", an__count(p->repeats).t, p->repeats == 1 ? "" : "s");
    if (json_array_size(rows) < 2) {
        an_buf_puts(b, "Nothing else was tried, so nothing was compared. ");
    } else if (best && pick && measure(best, by_cost) > measure(pick, by_cost)) {
        char *label = an__balance_label(p, best);
        an__htmlf(b, "The best by %s was %s: it ", by_cost ? "cost" : "F2", label);
        counts(p, json_object_get(best, "confusion_moved"));
        an_buf_puts(b, "; the difference is within noise, and this is simpler. ");
        free(label);
    } else {
        an_buf_puts(b, "Nothing that was tried did better. ");
    }
}

static void newest_words(an_page *p)
{
    const json_t *c = p->f->comparison, *n = an__at(c, "recommendation.newest"), *k = json_object_get(n, "confusion");
    if (!json_is_object(k)) {
        an__time_ignored(p);
        return;
    }
    double bad = an__number(k, "tp") + an__number(k, "fn"), good = an__number(k, "tn") + an__number(k, "fp");
    an__htmlf(p->html,
              "Trained on the older parts and tried on the newest %s (%s from %s on) it caught %s of %s and falsely rejected %s of %s. ",
              an__count(bad + good).t, an__string(n, "column"), an__when(an__string(n, "from")).t, an__count(an__number(k, "tp")).t,
              an__count(bad).t, an__count(an__number(k, "fp")).t, an__count(good).t);
    if (json_is_false(json_object_get(n, "better_than_trivial")))
        an__htmlf(p->html, "That is no better than doing without a model: what holds on random splits does not hold on the newest parts. ");
}

void an__report_advice(an_page *p, bool worthless)
{
    enum { FEW_REPEATS = 5 };
    an_buf *b = p->html;
    const json_t *c = p->f->comparison;
    an_buf_puts(b, "<h3>What is recommended</h3>\n");
    if (!c) {
        an__missing(p, "Nothing yet: other ways to balance were not tried on this data.", "andon compare --data %s",
                    p->data_name ? p->data_name : "DATA");
        return;
    }
    const char *named = an__string(c, "recommendation.balance"), *rule = an__string(c, "recommendation.threshold");
    if (!*rule) rule = strcmp(named, "none") ? an__string(json_array_get(json_object_get(c, "rows"), 0), "threshold.rule") : "0.5";
    bool beats = an__beats_trivial(c), holds = an__recommends(c), few = p->repeats < FEW_REPEATS;
    an_buf_puts(b, holds && !few && !worthless ? "<p class=\"box\">" : "<p class=\"warn\">");
    if (!beats)
        an_buf_puts(b, "<b>Nothing tried here beats doing without a model (testing, rejecting or passing every part) beyond noise.</b> The "
                       "least bad choice: ");
    else if (!holds)
        an_buf_puts(b, "<b>Nothing is recommended: what was learnt fails on the newest parts.</b> The best on random splits: ");
    else if (worthless)
        an_buf_puts(b, "<b>On average the following does better than no model, but the model of this page does not (see above).</b> ");
    if (!beats || !holds || worthless)
        compared_words(p, rule);
    else {
        an_buf_puts(b, "Take ");
        compared_words(p, rule);
    }
    newest_words(p);
    if (few) {
        an__htmlf(b, "%s split%s cannot tell much, nearly every difference is within noise then; more: ", an__count(p->repeats).t,
                  p->repeats == 1 ? "" : "s");
        an_buf_puts(b, "<code>");
        an__htmlf(b, "andon compare --data %s --repeats 10", p->data_name ? p->data_name : "DATA");
        an_buf_puts(b, "</code>. ");
    }
    an_buf_puts(b, "The numbers are under <a href=\"#comparison\">Comparison</a>.</p>\n");
    if (!holds) return; /* no way of training to advise */
    const char *own = an__string(p->f->evaluation, "balance"), *used = an__string(p->f->evaluation, "threshold.rule");
    if (!p->f->model || !*own) return;
    bool plain = !strcmp(own, "none") || !strcmp(own, "threshold"), wanted_plain = !strcmp(named, "none") || !strcmp(named, "threshold"),
         same = (!strcmp(own, named) || (plain && wanted_plain)) && !strcmp(used, rule);
    an_buf_puts(b, "<p>");
    if (same) {
        an_buf_puts(b, "The model of this report was made that way.");
    } else {
        an__htmlf(b, "The model of this report was made another way (balance %s, threshold %s). This trains the recommended one: ", own,
                  used);
        an_buf_puts(b, "<code>");
        an__htmlf(b, "andon model train NAME --data %s --model %s --balance %s", p->data_name ? p->data_name : "DATA",
                  an__string(c, "recommendation.model"), named);
        if (strcmp(rule, "0.5") != 0) an__htmlf(b, strpbrk(rule, "<>= ") ? " --threshold '%s'" : " --threshold %s", rule);
        an_buf_puts(b, "</code>");
    }
    an_buf_puts(b, "</p>\n");
}
