/* report_page.c - the frame of the report and its first page, the one for the plant manager: what is caught, what escapes, what it costs,
 * how sure we are. In the words of the data. The sections behind it are in report_model.c, report_synth.c and report_data.c. */
#include "flow/report.h"

#include "andon/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FEW_POSITIVES = 30 };

void an__section(an_page *p, const char *id, const char *title, const char *lead)
{
    an_buf_printf(p->html, "<h2 id=\"%s\">", id);
    an__html(p->html, title);
    an_buf_puts(p->html, "</h2>\n");
    if (!lead) return;
    an_buf_puts(p->html, "<p class=\"intro\">");
    an__html(p->html, lead);
    an_buf_puts(p->html, "</p>\n");
}

void an__missing(an_page *p, const char *what, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char command[512];
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    an_buf_puts(p->html, "<p class=\"missing\">");
    an__html(p->html, what);
    an_buf_puts(p->html, " <code>");
    an__html(p->html, command);
    an_buf_puts(p->html, "</code></p>\n");
}

/* ---- page one of a model ------------------------------------------------------------------------------------------------------------ */

typedef struct rates { /* shares of all parts at the prevalence of the data, and costs per part */
    double prevalence, caught, escaped, escaped_most, rejected, passed, flagged;
    double cost_escape, cost_reject, cost_test, cost_model, cost_all, cost_none;
    const char *currency;
} rates;

static rates rates_of(const an_page *p)
{
    const json_t *e = p->f->evaluation;
    double tn = an__number(e, "confusion.tn"), fp = an__number(e, "confusion.fp"), fn = an__number(e, "confusion.fn"),
           tp = an__number(e, "confusion.tp");
    double share = p->labelled > 0 && isfinite(p->positives) ? p->positives / p->labelled : (tp + fn) / (tn + fp + fn + tp);
    rates r = { .prevalence = share,
                .cost_escape = an__number(e, "costs.escape"),
                .cost_reject = an__number(e, "costs.reject"),
                .cost_test = an__number(e, "costs.test") };
    r.currency = an__string(e, "costs.currency");
    r.caught = tp + fn > 0 ? share * tp / (tp + fn) : NAN;
    r.escaped = tp + fn > 0 ? share * fn / (tp + fn) : NAN;
    r.escaped_most = share * an__number(e, "escape_upper");
    r.rejected = tn + fp > 0 ? (1 - share) * fp / (tn + fp) : NAN;
    r.passed = 1 - share - r.rejected;
    r.flagged = r.caught + r.rejected;
    double reject = isfinite(r.cost_reject) ? r.cost_reject : 0, test = isfinite(r.cost_test) ? r.cost_test : 0;
    r.cost_model = r.cost_escape * r.escaped + reject * r.rejected + test * r.flagged;
    r.cost_none = r.cost_escape * share;
    r.cost_all =
        isfinite(r.cost_test) ? r.cost_test : r.cost_reject * (1 - share); /* without a price of the test: every good part is rejected */
    return r;
}

/* What is to be had without any model: F2 of rejecting every part is 5p/(4p + 1) at the share p of the test part; where prices are known,
 * they decide instead; a limit on rejects forbids rejecting every part, and chance is the rival. */
enum { BEATS, CATCHES_NOTHING, DEAR, BLIND, POOR };

static int verdict_on(const an_page *p)
{
    const json_t *e = p->f->evaluation;
    double tn = an__number(e, "confusion.tn"), fp = an__number(e, "confusion.fp"), fn = an__number(e, "confusion.fn"),
           tp = an__number(e, "confusion.tp"), bad = tp + fn, n = tn + fp + bad;
    if (!(bad > 0 && isfinite(n))) return BEATS; /* nothing can be said */
    rates r = rates_of(p);
    bool priced = isfinite(r.cost_model) && isfinite(r.cost_all) && isfinite(r.cost_none);
    bool bounded = strstr(an__string(e, "threshold.rule"), "rejects") != NULL;
    if (!(tp > 0)) return CATCHES_NOTHING;
    if (priced) return r.cost_model >= fmin(r.cost_all, r.cost_none) ? DEAR : BEATS;
    if (bounded) return tp / bad <= fp / (tn + fp) ? BLIND : BEATS;
    return 5 * tp / (5 * tp + 4 * fn + fp) <= 5 * bad / (4 * bad + n) ? POOR : BEATS;
}

/* The way out is told only where the scores carry something and that rule was not the one used. */
static void worthless(an_page *p, int verdict)
{
    if (verdict == BEATS) return;
    const json_t *e = p->f->evaluation;
    double tn = an__number(e, "confusion.tn"), fp = an__number(e, "confusion.fp"), fn = an__number(e, "confusion.fn"),
           tp = an__number(e, "confusion.tp"), bad = tp + fn, n = tn + fp + bad;
    double f2 = 5 * tp / (5 * tp + 4 * fn + fp), reject_all = 5 * bad / (4 * bad + n);
    rates r = rates_of(p);
    bool priced = isfinite(r.cost_model) && isfinite(r.cost_all) && isfinite(r.cost_none);
    const char *rule = an__string(e, "threshold.rule");
    an_buf *b = p->html;
    switch (verdict) {
    case CATCHES_NOTHING:
        an_buf_puts(b, "<p class=\"warn\"><b>This model catches nothing.</b> ");
        an__htmlf(b, "All %s parts with %s = %s in the test part escaped. Do not use it as it is.", an__count(bad).t, p->target,
                  p->positive);
        break;
    case DEAR:
        an_buf_puts(b, r.cost_all <= r.cost_none ? "<p class=\"warn\"><b>This model is no better than testing every part.</b> "
                                                 : "<p class=\"warn\"><b>This model is no better than passing every part.</b> ");
        an__htmlf(b, "At the prices given, 1,000 parts cost %s with it, %s with every part tested and %s with none tested (%s).",
                  an__value(1000 * r.cost_model).t, an__value(1000 * r.cost_all).t, an__value(1000 * r.cost_none).t, r.currency);
        break;
    case BLIND:
        an_buf_puts(b, "<p class=\"warn\"><b>This model is no better than rejecting as many parts blindly.</b> ");
        an__htmlf(b, "It rejects %s of the parts with %s = %s and %s of the others.", an__share(tp / bad, 1).t, p->target, p->positive,
                  an__share(fp / (tn + fp), 1).t);
        break;
    default:
        an_buf_puts(b, "<p class=\"warn\"><b>This model is no better than rejecting every part.</b> ");
        an__htmlf(b, "Its F2 on the test part is %s; rejecting every part, without any model, has %s.", an__real(f2, 3).t,
                  an__real(reject_all, 3).t);
    }
    double rank = an__number(e, "metrics.roc_auc.value");
    if (an__number(e, "metrics.roc_auc.low") > 0.5 && strcmp(rule, priced ? "cost" : "f2") != 0) {
        an__htmlf(b, " Its scores do rank such parts above the others (ROC-AUC %s), so another threshold may help: ", an__real(rank, 3).t);
        an_buf_puts(b, "<code>");
        an__htmlf(b, "andon model threshold %s --rule %s", p->name, priced ? "cost" : "f2");
        an_buf_puts(b, "</code>");
    }
    an_buf_puts(b, "</p>\n");
}

static void headline(an_page *p)
{
    const json_t *e = p->f->evaluation;
    double tn = an__number(e, "confusion.tn"), fp = an__number(e, "confusion.fp"), fn = an__number(e, "confusion.fn"),
           tp = an__number(e, "confusion.tp");
    double upper = an__number(e, "escape_upper");
    an_buf *b = p->html;
    an_buf_puts(b, "<div class=\"tiles\"><div class=\"tile\"><b>");
    an__htmlf(b, "caught %s of %s", an__count(tp).t, an__count(tp + fn).t);
    an_buf_puts(b, "</b><span>");
    an__htmlf(b, "parts with %s = %s in the test part", p->target, p->positive);
    an_buf_puts(b, "</span></div><div class=\"tile\"><b>");
    an__htmlf(b, "escape rate at most %s", an__share(upper, 1).t);
    an_buf_puts(b, "</b><span>");
    an__htmlf(b, "(95\u00a0%%, one-sided); %s of %s escaped", an__count(fn).t, an__count(tp + fn).t);
    const json_t *units = json_object_get(e, "interval_units");
    if (*an__string(units, "column")) {
        double groups = an__number(units, "with_positives");
        an__htmlf(b, ". Parts of one %s are alike, and these come from %s of them: that is as much evidence as %s separate parts",
                  an__string(units, "column"), an__count(groups).t, an__few(an__number(units, "effective")).t);
    }
    an_buf_puts(b, "</span></div><div class=\"tile\"><b>");
    an__htmlf(b, "falsely rejected %s of %s", an__count(fp).t, an__count(tn + fp).t);
    an_buf_puts(b, "</b><span>");
    double share = tn + fp > 0 ? fp / (tn + fp) : NAN;
    if (!strncmp(p->negative, "not ", 4) && !strcmp(p->negative + 4, p->positive)) /* one class told from several */
        an__htmlf(b, "parts with another %s, that is %s", p->target, an__share(share, 1).t);
    else
        an__htmlf(b, "parts with %s = %s, that is %s", p->target, p->negative, an__share(share, 1).t);
    an_buf_puts(b, "</span></div></div>\n<p class=\"lead\">");
    an__htmlf(b,
              "The model looked at %s parts that were kept away from it while it was trained. %s of them had %s = %s: it caught %s and let "
              "%s escape. "
              "Of the %s others it rejected %s as well.",
              an__count(tn + fp + fn + tp).t, an__count(tp + fn).t, p->target, p->positive, an__count(tp).t, an__count(fn).t,
              an__count(tn + fp).t, an__count(fp).t);
    if (p->f->split) {
        an_buf_putc(b, ' ');
        an__test_part(p);
    }
    an_buf_puts(b, "</p>\n");
}

static void thousand_row(an_grid *g, const char *name, double model, double all, double none)
{
    an__grid_row(g, NULL);
    an__grid_text(g, name);
    an__grid_number(g, model);
    an__grid_number(g, all);
    an__grid_number(g, none);
}

/* Without prices: between which prices of an escape the model pays, both at the most escapes that the limit allows. */
static void break_even(an_page *p, const rates *r)
{
    enum { N = 1000 };
    an_buf *b = p->html;
    an_buf_puts(b, "<p>Costs are not known here.");
    if (r->caught > 0) { /* a model that catches nothing saves nothing */
        double most = (1 - r->flagged) / r->escaped_most, sure = r->prevalence - r->escaped_most, least = r->flagged / sure;
        an_shown few = an__few(N * r->escaped_most);
        if (!(sure > 0)) {
            an__htmlf(b,
                      " So few parts were tested that all %s bad ones of 1,000 might escape: whether the model is cheaper than testing "
                      "everything or nothing cannot be said.",
                      an__few(N * r->prevalence).t);
        } else if (most <= least || most < 1) {
            an__htmlf(b,
                      " If as many escape as the limit allows (%s per 1,000), there is no price of an escaped part at which the model is "
                      "cheaper than both testing everything and testing nothing.",
                      few.t);
        } else {
            an__htmlf(
                b,
                " Even if as many escape as the limit allows (%s per 1,000), testing only what this model rejects is cheaper than "
                "testing everything as long as one escaped part costs less than %s tests, and cheaper than testing nothing as soon as "
                "it costs more than %s tests.",
                few.t, most < 10 ? an__real(floor(10 * most) / 10, 1).t : an__count(floor(most)).t, an__real(ceil(10 * least) / 10, 1).t);
        }
    }
    an_buf_puts(b, " With prices (<code>costs:</code> in andon.yaml, or <code>--cost-escape</code>, <code>--cost-reject</code>, "
                   "<code>--cost-test</code>) this page shows them.</p>\n");
}

static void per_thousand(an_page *p)
{
    rates r = rates_of(p);
    double share = r.prevalence, N = 1000;
    an_buf *b = p->html;
    an_buf_puts(b, "<h3>");
    an__htmlf(b, "Per 1,000 parts, %s of them with %s = %s as in this data (%s)", an__few(N * share).t, p->target, p->positive,
              an__share(share, 1).t);
    an_buf_puts(b, "</h3>\n");
    const char *names[] = { "this model", "test everything", "test nothing" };
    const double bars[3][4] = { { r.caught, r.escaped, r.rejected, r.passed }, { share, 0, 0, 1 - share }, { 0, share, 0, 1 - share } };
    an__chart_strip(b, names, bars, 3);
    static const an_grid_column columns[] = {
        { "per 1,000 parts", "per_1000_parts", AN__TEXT, 0 },
        { "this model", "model", AN__NUMBER, -1 },
        { "test everything", "test_everything", AN__NUMBER, -1 },
        { "test nothing", "test_nothing", AN__NUMBER, -1 },
    };
    an_grid g = an__grid_open(p, "per-1000", columns, 4);
    thousand_row(&g, "caught", N * r.caught, N * share, 0);
    thousand_row(&g, "escaped", N * r.escaped, 0, N * share);
    thousand_row(&g, "escaped, at most (95\u00a0%, one-sided)", N * r.escaped_most, 0, N * share);
    thousand_row(&g, "falsely rejected", N * r.rejected, 0, 0);
    thousand_row(&g, "sent to the end-of-line test", N * r.flagged, N, 0);
    bool cost = isfinite(r.cost_escape);
    if (cost) {
        char *title = an_format("cost (%s)", *r.currency ? r.currency : "per 1,000 parts");
        thousand_row(&g, title, N * r.cost_model, N * r.cost_all, N * r.cost_none);
        free(title);
    }
    an_buf caption = { 0 };
    an_buf_printf(&caption, "Counted on %s test parts and scaled to the share of the data.",
                  an__count(an__number(p->f->evaluation, "rows")).t);
    an_buf_puts(&caption, " The end-of-line test is taken to find every broken part and to clear every good one.");
    if (cost) {
        an_buf_printf(&caption, " Costs per part: an escape %s", an__value(r.cost_escape).t);
        if (isfinite(r.cost_reject)) an_buf_printf(&caption, ", a false reject %s", an__value(r.cost_reject).t);
        if (isfinite(r.cost_test)) an_buf_printf(&caption, ", a test of a rejected part %s", an__value(r.cost_test).t);
        an_buf_printf(&caption, " %s.", r.currency);
        if (!isfinite(r.cost_test) && isfinite(r.cost_reject))
            an_buf_puts(&caption, " No price of the test is given: testing everything is priced as rejecting every good part.");
    }
    an__grid_close(&g, caption.data);
    an_buf_free(&caption);
    if (!cost && r.escaped_most > 0 && r.flagged < 1) break_even(p, &r);
}

static void how_sure(an_page *p)
{
    const json_t *e = p->f->evaluation, *recall = an__at(e, "metrics.recall");
    an_buf *b = p->html;
    double tested = an__number(e, "positives"), n = an__number(e, "rows"), low, high;
    const char *unit = an__string(e, "interval_units.column");
    an_buf_puts(b, "<h3>How sure we are</h3>\n");
    if (p->positives < FEW_POSITIVES || tested < FEW_POSITIVES) {
        an_buf_puts(b, "<p class=\"warn\"><b>Thin evidence.</b> ");
        if (p->positives < FEW_POSITIVES)
            an__htmlf(b, "The whole data set holds only %s parts with %s = %s", an__count(p->positives).t, p->target, p->positive);
        else
            an__htmlf(b, "The test part holds only %s parts with %s = %s", an__count(tested).t, p->target, p->positive);
        an__htmlf(b, "; under %d, numbers like these change much from one sample to the next. Collect more before relying on them.",
                  FEW_POSITIVES);
        an_buf_puts(b, "</p>\n");
    }
    an_buf_puts(b, "<ul><li>");
    an__htmlf(b, "Counted on %s parts that the model had never seen, %s of them with %s = %s.", an__count(n).t, an__count(tested).t,
              p->target, p->positive);
    an_buf_puts(b, "</li><li>");
    an__share_limits(e, "recall", &low, &high);
    if (isfinite(low) && isfinite(high))
        an__htmlf(
            b,
            "Share caught (recall) %s; with 95\u00a0%% confidence the true share lies between %s and %s (exact, two-sided%s; the escape "
            "rate is limited on one side only).",
            an__share(an__number(recall, "value"), 1).t, an__share(low, 1).t, an__share(high, 1).t,
            *unit ? ", as if the parts of one group were wholly alike" : "");
    else
        an__html(b, "The test part holds no parts to catch: the share caught is not known.");
    an_buf_puts(b, "</li><li>");
    an__html(b, "The escape rate is a limit, not a guess: with 95\u00a0% confidence the true rate of parts like these is not above it. "
                "More test parts make it smaller.");
    an_buf_puts(b, "</li>");
    if (*unit) {
        double groups = an__number(e, "interval_units.count");
        an_buf_puts(b, "<li>");
        an__htmlf(b, "Parts of one %s share much, so %s parts from %s groups are less evidence than as many from different ones. %s", unit,
                  an__count(n).t, an__count(groups).t,
                  groups < 10 ? "So few groups leave the intervals rough: test on more." : "The intervals take this into account.");
        an_buf_puts(b, "</li>");
    }
    if (p->f->comparison) {
        an_buf_puts(b, "<li>");
        an__htmlf(b, "The recommendation rests on %s different splits of the same data, not on this one.", an__count(p->repeats).t);
        an_buf_puts(b, "</li>");
    }
    an_buf_puts(b, "<li>");
    if (p->calibrated)
        an__html(b, "The model's output is a probability at the share of the training data.");
    else
        an__html(b, "The model's output is a score, not a probability: it was trained on a changed share of classes. Only its order and "
                    "its threshold mean something.");
    an_buf_puts(b, "</li></ul>\n");
}

/* The numbers of page one as a table of their own. */
static void summary_csv(an_page *p)
{
    static const an_grid_column columns[] = { { NULL, "quantity", AN__TEXT, 0 }, { NULL, "value", AN__NUMBER, 0 } };
    static const char *const names[] = { "true negatives", "false positives", "false negatives", "true positives" };
    static const char *const keys[] = { "confusion.tn", "confusion.fp", "confusion.fn", "confusion.tp" };
    an_grid g = an__grid_open(p, "summary", columns, 2);
    for (size_t i = 0; i < AN_COUNT(keys); i++) {
        an__grid_row(&g, NULL);
        an__grid_text(&g, names[i]);
        an__grid_number(&g, an__number(p->f->evaluation, keys[i]));
    }
    const struct {
        const char *name;
        double value;
    } rest[] = { { "escape rate upper limit (95 %, one-sided)", an__number(p->f->evaluation, "escape_upper") },
                 { "threshold", an__number(p->f->evaluation, "threshold.value") },
                 { "rows of the data set", p->rows },
                 { "positive rows of the data set", p->positives } };
    for (size_t i = 0; i < AN_COUNT(rest); i++) {
        an__grid_row(&g, NULL);
        an__grid_text(&g, rest[i].name);
        an__grid_number(&g, rest[i].value);
    }
    an__grid_close_csv(&g, "The numbers of this page as CSV");
}

static void front_data(an_page *p)
{
    an_buf *b = p->html;
    const json_t *columns = json_object_get(p->f->data, "columns"), *c;
    size_t i, features = 0;
    json_array_foreach(columns, i, c) features += !strcmp(an__string(c, "role"), "feature");
    an_buf_puts(b, "<div class=\"tiles\"><div class=\"tile\"><b>");
    an__htmlf(b, "%s rows", an__count(p->rows).t);
    an_buf_puts(b, "</b><span>one for each part</span></div>");
    if (*p->target && isfinite(p->positives)) {
        an_buf_puts(b, "<div class=\"tile\"><b>");
        an__htmlf(b, "%s with %s = %s", an__count(p->positives).t, p->target, p->positive);
        an_buf_puts(b, "</b><span>");
        an__htmlf(b, "that is %s", an__share(p->positives / p->labelled, 1).t);
        an_buf_puts(b, "</span></div>");
    }
    size_t classes = json_object_size(an__at(p->f->profile, "target.classes"));
    if (*p->target && !isfinite(p->positives) && classes > 2) {
        an_buf_puts(b, "<div class=\"tile\"><b>");
        an__htmlf(b, "%zu classes of %s", classes, p->target);
        an_buf_puts(b, "</b><span>models need two: import with --positive VALUE takes one against the rest</span></div>");
    }
    an_buf_puts(b, "<div class=\"tile\"><b>");
    an__htmlf(b, "%zu of %zu columns", features, json_array_size(columns));
    an_buf_puts(b, "</b><span>");
    an__htmlf(b, "can be learnt from; %zu were set aside", json_array_size(json_object_get(p->f->data, "dropped")));
    an_buf_puts(b, "</span></div></div>\n");
    if (p->positives < FEW_POSITIVES) {
        an_buf_puts(b, "<p class=\"warn\"><b>Thin evidence.</b> ");
        an__htmlf(b, "Only %s rows have %s = %s; under %d, whatever is learnt from them changes much from one sample to the next.",
                  an__count(p->positives).t, p->target, p->positive, FEW_POSITIVES);
        an_buf_puts(b, "</p>\n");
    }
    if (p->f->comparison) an__report_advice(p, false);
}

void an__report_front(an_page *p)
{
    if (!p->f->model) {
        front_data(p);
    } else if (!p->f->evaluation) {
        an__missing(p, "This model was not evaluated on rows it has not seen, so nothing can be said about what it catches.",
                    "andon model evaluate %s", p->name);
    } else {
        int verdict = verdict_on(p);
        worthless(p, verdict);
        headline(p);
        per_thousand(p);
        an__report_advice(p, verdict != BEATS);
        how_sure(p);
        summary_csv(p);
    }
}

/* ---- the frame ---------------------------------------------------------------------------------------------------------------------- */

static void opening(an_page *p)
{
    const json_t *a = p->f->about, *m = p->f->model;
    an_buf *b = p->html;
    an_buf_puts(b, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, "
                   "initial-scale=1\">\n<title>");
    an__htmlf(b, "%s/%s \u2013 andon report", p->name, an__count(an__number(a, "version")).t);
    an_buf_puts(b, "</title>\n<style>\n");
    an_buf_puts(b, an__report_style);
    an_buf_puts(b, "</style></head>\n<body><main>\n<header><p class=\"kicker\">");
    an__htmlf(b, "andon report on a %s", m ? "model" : "data set");
    an_buf_puts(b, "</p><h1>");
    an__htmlf(b, "%s/%s", p->name, an__count(an__number(a, "version")).t);
    an_buf_puts(b, "</h1><p class=\"sub\">");
    if (m) {
        an__htmlf(b, "%s model for %s", an__string(m, "predictor.kind"), p->target);
        if (p->data_name) an__htmlf(b, ", trained on data set %s/%s", p->data_name, an__count(an__number(p->f->data, "version")).t);
        if (isfinite(p->rows)) an__htmlf(b, " (%s rows)", an__count(p->rows).t);
        const char *balance = an__string(m, "balance");
        if (!*balance || !strcmp(balance, "none") || !strcmp(balance, "threshold"))
            an_buf_puts(b, ", classes as they are");
        else
            an__htmlf(b, ", balanced with %s", balance);
        an__htmlf(b, ", %s threshold %s", p->calibrated ? "probability" : "score", an__score(an__number(m, "threshold.value")).t);
        if (strcmp(an__string(m, "threshold.rule"), "0.5") != 0) an__htmlf(b, " (rule %s)", an__string(m, "threshold.rule"));
        an_buf_puts(b, ". ");
    }
    an__htmlf(b, "Written %s by andon %s.", an__string(a, "written"), an__string(a, "andon"));
    an_buf_puts(b, "</p></header>\n<nav aria-label=\"sections\">");
    static const char *const links[][2] = { { "fidelity", "Generated rows" },   { "comparison", "Comparison" },
                                            { "confusion", "Confusion" },       { "threshold", "Threshold" },
                                            { "coefficients", "Coefficients" }, { "data", "Data" },
                                            { "provenance", "Provenance" },     { "glossary", "Glossary" } };
    for (size_t i = 0; i < AN_COUNT(links); i++) {
        bool model_only = i == 3 || i == 4, compared = i == 0 || i == 1 || i == 2;
        if (!m && (model_only || (compared && (i == 0 ? !p->f->judgements : !p->f->comparison)))) continue;
        an_buf_printf(b, "<a href=\"#%s\">%s</a> ", links[i][0], links[i][1]);
    }
    an_buf_puts(b, "</nav>\n");
}

/* An address of a folder as it stands in a link: bytes that mean something there are percent-encoded. */
static char *link_of(const char *path)
{
    an_buf b = { 0 };
    for (const unsigned char *c = (const unsigned char *)path; *c; c++) {
        if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || strchr("-_.~/", *c))
            an_buf_putc(&b, (char)*c);
        else
            an_buf_printf(&b, "%%%02X", *c);
    }
    return an_buf_take(&b);
}

void an__report_render(const an_report_facts *f, const char *tables_href, an_buf *html, an_report_tables *tables)
{
    const json_t *m = f->model, *d = f->data, *classes = an__at(f->profile, "target.classes");
    an_page p = { .f = f, .html = html, .tables = tables, .name = an__string(f->about, "name"), .href = link_of(tables_href) };
    p.data_name = d ? json_string_value(json_object_get(d, "name")) : NULL;
    p.target = m ? an__string(m, "target.name") : an__string(d, "target");
    p.positive = m ? an__string(m, "target.positive") : an__string(d, "positive");
    p.negative = m ? an__string(m, "target.negative") : "";
    const char *key;
    json_t *value;
    if (!m && json_object_size(classes) == 2) /* the other of two classes */
        json_object_foreach((json_t *)classes, key, value)
            if (strcmp(key, p.positive) != 0) p.negative = key;
    p.calibrated = json_is_true(json_object_get(f->evaluation ? f->evaluation : m, "calibrated"));
    p.rows = an__number(d, "rows");
    p.labelled = p.rows - an_json_number(json_object_get(d, "unlabelled"), 0);
    p.positives = an__number(d, "positives");
    p.repeats = an__number(f->comparison, "repeats");

    opening(&p);
    an__report_front(&p);
    an_buf_puts(html, "<div class=\"break\"></div>\n");
    if (m || f->judgements) an__report_fidelity(&p);
    if (m || f->comparison) an__report_comparison(&p);
    if (m || f->comparison) an__report_confusion(&p);
    if (m) an__report_threshold(&p);
    if (m) an__report_coefficients(&p);
    an__report_data(&p);
    an__report_provenance(&p);
    an__report_glossary(&p);
    an_buf_puts(html, "</main></body></html>\n");
    free(p.href);
}
