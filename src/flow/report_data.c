/* report_data.c - sections about the data, where everything came from, and what the words mean. */
#include "flow/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what was set aside ------------------------------------------------------------------------------------------------------------- */

static const char *reason_words(const char *reason)
{
    static const char *const words[][2] = {
        { "constant", "holds one value only" },
        { "empty", "holds no value" },
        { "identifier", "names the part instead of describing it" },
        { "duplicate", "repeats another column" },
        { "leak", "gives the answer away: it is known only together with the verdict" },
        { "requested", "left out on request" },
        { "after-decision", "known only after the decision" },
        { "redundant", "says what another column says" },
        { "unselected", "its link with the target is not stable" },
    };
    for (size_t i = 0; i < AN_COUNT(words); i++)
        if (!strcmp(reason, words[i][0])) return words[i][1];
    return "";
}

/* The note of the import on this column, "NAME: reason: words", without the name. */
static const char *note_on(const json_t *warnings, const char *name)
{
    const json_t *w;
    size_t i, n = strlen(name);
    json_array_foreach(warnings, i, w) {
        const char *text = json_string_value(w);
        if (text && !strncmp(text, name, n) && text[n] == ':' && text[n + 1] == ' ') return text + n + 2;
    }
    return NULL;
}

static void set_aside(an_page *p)
{
    static const an_grid_column columns[] = { { "column", "name", AN__TEXT, 0 },
                                              { "reason", "reason", AN__TEXT, 0 },
                                              { "what was found", "found", AN__TEXT, 0 } };
    const json_t *dropped = json_object_get(p->f->data, "dropped"), *warnings = json_object_get(p->f->data, "warnings"), *d;
    an_buf_puts(p->html, "<h3>Set aside</h3>\n");
    if (!json_array_size(dropped)) {
        an_buf_puts(p->html, "<p>No column was set aside.</p>\n");
        return;
    }
    an_grid g = an__grid_open(p, "set-aside", columns, 3);
    g.limit = 60;
    size_t i;
    json_array_foreach(dropped, i, d) {
        const char *name = an__string(d, "name"), *reason = an__string(d, "reason"), *note = note_on(warnings, name);
        size_t n = strlen(reason);
        if (note && !strncmp(note, reason, n) && note[n] == ':') note += n + 1 + (note[n + 1] == ' ');
        an__grid_row(&g, NULL);
        an__grid_text(&g, name);
        an__grid_text(&g, reason);
        an__grid_text(&g, note ? note : reason_words(reason));
    }
    an__grid_close(&g, "Columns that nothing is learnt from. They stay in the table; importing with --keep NAME brings one back.");
}

/* ---- profile ------------------------------------------------------------------------------------------------------------------------ */

static void profile(an_page *p)
{
    static const an_grid_column columns[] = {
        { "column", "name", AN__TEXT, 0 },
        { "", NULL, AN__PICTURE, 0 },
        { NULL, "unit", AN__TEXT, 0 },
        { NULL, "type", AN__TEXT, 0 },
        { NULL, "role", AN__TEXT, 0 },
        { "least", "min", AN__VALUE, 0 },
        { "median", "median", AN__VALUE, 0 },
        { "largest", "max", AN__VALUE, 0 },
        { "mean \u00b1 sd", NULL, AN__VALUE, 0 },
        { NULL, "mean", AN__VALUE, 0 },
        { NULL, "sd", AN__VALUE, 0 },
        { "missing", "missing", AN__COUNT, 0 },
        { "distinct", "distinct", AN__COUNT, 0 },
        { "goes with it", NULL, AN__VALUE, 0 },
        { NULL, "roc_auc", AN__NUMBER, 2 },
        { NULL, "cramers_v", AN__NUMBER, 2 },
    };
    enum { SHOWN = 120 };
    const json_t *list = json_object_get(p->f->profile, "columns"), *c;
    an_grid g = an__grid_open(p, "columns", columns, AN_COUNT(columns));
    g.limit = SHOWN;
    size_t i;
    for (int ignored = 0; ignored < 2; ignored++)
        json_array_foreach(list, i, c) {
            if ((strcmp(an__string(c, "role"), "ignored") == 0) != (ignored == 1)) continue;
            an_buf picture = { 0 };
            an__chart_histogram(&picture, c);
            const char *unit = an__string(c, "unit"), *role = an__string(c, "role");
            bool feature = !strcmp(role, "feature");
            char *note = an_format("%s%s%s%s%s", an__string(c, "type"), *unit ? ", " : "", unit, feature ? "" : ", ", feature ? "" : role);
            an__grid_row(&g, ignored ? "aside" : NULL);
            an__grid_note(&g, an__string(c, "name"), note);
            an__grid_picture(&g, &picture);
            an__grid_text(&g, unit);
            an__grid_text(&g, an__string(c, "type"));
            an__grid_text(&g, role);
            an__grid_number(&g, an__number(c, "min"));
            const json_t *quantiles = json_object_get(c, "quantiles");
            an__grid_number(&g, an_json_number(json_object_get(quantiles, "0.5"), NAN));
            an__grid_number(&g, an__number(c, "max"));
            char *spread = isfinite(an__number(c, "sd")) ? an_format("\u00b1 %s", an__value(an__number(c, "sd")).t) : NULL;
            an__grid_note(&g, an__value(an__number(c, "mean")).t, spread);
            an__grid_number(&g, an__number(c, "mean"));
            an__grid_number(&g, an__number(c, "sd"));
            an__grid_number(&g, an__number(c, "missing"));
            an__grid_number(&g, an__number(c, "distinct"));
            double auc = an__number(c, "auc"), v = an__number(c, "cramers_v");
            an__grid_note(&g, an__real(isfinite(auc) ? auc : v, 2).t, isfinite(auc) ? "ROC-AUC" : isfinite(v) ? "Cram\u00e9r's V" : NULL);
            an__grid_number(&g, auc);
            an__grid_number(&g, v);
            free(spread);
            free(note);
            an_buf_free(&picture);
        }
    char *caption = an_format("Counted on all %s rows. The last column tells how far each alone goes with %s: ROC-AUC of a number (0.5: "
                              "not at all; 0 or 1: completely), Cram\u00e9r's V of a category (0; 1).",
                              an__count(an__number(p->f->profile, "rows")).t, *p->target ? p->target : "the target");
    an__grid_close(&g, caption);
    free(caption);
}

static void categories_csv(an_page *p)
{
    static const an_grid_column columns[] = { { NULL, "column", AN__TEXT, 0 },
                                              { NULL, "value", AN__TEXT, 0 },
                                              { NULL, "count", AN__NUMBER, 0 } };
    static const an_grid_column bins[] = {
        { NULL, "column", AN__TEXT, 0 }, { NULL, "low", AN__NUMBER, 0 }, { NULL, "high", AN__NUMBER, 0 }, { NULL, "count", AN__NUMBER, 0 }
    };
    an_grid g = an__grid_open(p, "categories", columns, 3), h = an__grid_open(p, "histograms", bins, 4);
    const json_t *c, *top;
    size_t i, k;
    json_array_foreach(json_object_get(p->f->profile, "columns"), i, c) {
        json_array_foreach(json_object_get(c, "top"), k, top) {
            an__grid_row(&g, NULL);
            an__grid_text(&g, an__string(c, "name"));
            an__grid_text(&g, an__string(top, "value"));
            an__grid_number(&g, an__number(top, "count"));
        }
        const json_t *edges = an__at(c, "histogram.edges"), *counts = an__at(c, "histogram.counts");
        for (k = 0; k < json_array_size(counts); k++) {
            an__grid_row(&h, NULL);
            an__grid_text(&h, an__string(c, "name"));
            an__grid_number(&h, an_json_number(json_array_get(edges, k), NAN));
            an__grid_number(&h, an_json_number(json_array_get(edges, k + 1), NAN));
            an__grid_number(&h, an_json_number(json_array_get(counts, k), NAN));
        }
    }
    an__grid_close_csv(&g, "Frequent values as CSV");
    an__grid_close_csv(&h, "Histograms as CSV");
}

an_shown an__when(const char *time)
{
    an_shown s;
    snprintf(s.t, sizeof s.t, "%s", time);
    if (strlen(time) >= 16 && time[10] == 'T' && time[13] == ':') { /* ISO 8601: to the minute, as people write it */
        s.t[10] = ' ';
        s.t[16] = '\0';
        if (!strcmp(s.t + 10, " 00:00")) s.t[10] = '\0';
    }
    return s;
}

void an__test_part(an_page *p)
{
    const json_t *s = p->f->split;
    const char *by = an__string(s, "by"), *group = an__string(s, "group");
    double test = an__number(s, "test"), share = test / (test + an__number(s, "train"));
    an_buf *b = p->html;
    double older = an__number(s, "older");
    if (!strcmp(by, "time") && *an__string(s, "from")) {
        if (older > 0)
            an__htmlf(b,
                      "These test parts are the newest ones, %s from %s on, and %s older one%s that %s tested on in an earlier version of "
                      "the data%s%s.",
                      an__string(s, "time"), an__when(an__string(s, "from")).t, an__count(older).t, older == 1 ? "" : "s",
                      older == 1 ? "was" : "were", *group ? " or belong to one " : "", group);
        else
            an__htmlf(b, "These test parts are the newest %s of the data: %s from %s on.", an__share(share, 0).t, an__string(s, "time"),
                      an__when(an__string(s, "from")).t);
    } else if (!strcmp(by, "group")) {
        double strays = an__number(s, "strays");
        an__htmlf(b, "These test parts are whole groups: %s of %s by %s", an__count(an__number(s, "test_groups")).t,
                  an__count(an__number(s, "test_groups") + an__number(s, "train_groups")).t, group);
        if (strays > 0)
            an__htmlf(b, ", and %s part%s of other groups equal to one of theirs.", an__count(strays).t, strays == 1 ? "" : "s");
        else
            an__htmlf(b, ", and no %s is in both parts.", group);
    } else
        an__htmlf(b, "These test parts are %s of the data, drawn by chance, the same share of each class.", an__share(share, 0).t);
    if (!strcmp(by, "time") && *group) an__htmlf(b, " Parts of one %s stay together.", group);
}

void an__report_data(an_page *p)
{
    an__section(p, "data", "The data", NULL);
    const json_t *d = p->f->data, *s = p->f->split;
    an_buf *b = p->html;
    if (!d) {
        an_buf_puts(b, "<p class=\"missing\">The data set that this model was trained on is not in this workspace.</p>\n");
        return;
    }
    an_buf_puts(b, "<p>");
    if (p->data_name) an__htmlf(b, "Data set %s/%s: ", p->data_name, an__count(an__number(d, "version")).t);
    an__htmlf(b, "%s rows, %zu columns", an__count(p->rows).t, json_array_size(json_object_get(d, "columns")));
    if (*p->target && isfinite(p->positives))
        an__htmlf(b, "; %s rows have %s = %s (%s)", an__count(p->positives).t, p->target, p->positive,
                  an__share(p->positives / p->labelled, 1).t);
    double twins = an__number(p->f->profile, "duplicate_rows");
    if (twins > 0) an__htmlf(b, "; %s rows equal another one in every column", an__count(twins).t);
    an_buf_puts(b, ".");
    if (s && !isfinite(p->positives))
        an__htmlf(b, " Split before anything was fitted: %s rows to train on, %s to test on.", an__count(an__number(s, "train")).t,
                  an__count(an__number(s, "test")).t);
    else if (s)
        an__htmlf(b, " Split before anything was fitted: %s rows to train on (%s with %s = %s), %s to test on (%s).",
                  an__count(an__number(s, "train")).t, an__count(an__number(s, "train_positives")).t, p->target, p->positive,
                  an__count(an__number(s, "test")).t, an__count(an__number(s, "test_positives")).t);
    if (s) {
        an_buf_putc(b, ' ');
        an__test_part(p);
    }
    an_buf_puts(b, "</p>\n");
    set_aside(p);
    if (p->f->profile) {
        an_buf_puts(b, "<h3>Columns</h3>\n");
        profile(p);
        categories_csv(p);
    }
}

/* ---- provenance --------------------------------------------------------------------------------------------------------------------- */

static void setting(an_grid *g, const char *name, const char *value)
{
    if (!value || !*value) return;
    an__grid_row(g, NULL);
    an__grid_text(g, name);
    an__grid_text(g, value);
}

/* Runs keep their machine as JSON text: {"cores", "cpu", "memory_bytes", ...}. New text. */
static char *machine_words(const char *text)
{
    json_t *m = an_json_parse(text, strlen(text), "machine", NULL);
    double cores = an__number(m, "cores"), bytes = an__number(m, "memory_bytes");
    char *words = *an__string(m, "cpu")
                      ? an_format("%s, %s cores, %s GB", an__string(m, "cpu"), an__count(cores).t, an__count(bytes / 1e9).t)
                      : an_strdup(text);
    json_decref(m);
    return words;
}

static void settings(an_page *p)
{
    static const an_grid_column columns[] = { { "fact", "fact", AN__TEXT, 0 }, { "value", "value", AN__TEXT, 0 } };
    const json_t *a = p->f->about, *m = p->f->model, *parameters, *c = p->f->comparison;
    an_grid g = an__grid_open(p, "settings", columns, 2);
    setting(&g, "andon version", an__string(a, "andon"));
    setting(&g, "code", an__string(a, "code"));
    setting(&g, "cpu path of this report", an__string(a, "cpu"));
    setting(&g, "content address", an__string(a, "id"));
    setting(&g, "created", an__string(a, "created"));
    setting(&g, "aliases", an__string(a, "aliases"));
    setting(&g, "data set address", m ? an__string(m, "data") : "");
    if (m) {
        char *seed = an_json_text(json_object_get(m, "seed"), false);
        setting(&g, "seed of the model", json_object_get(m, "seed") ? seed : "");
        free(seed);
        const char *key;
        json_t *value;
        parameters = an__at(m, "predictor.parameters");
        json_object_foreach((json_t *)parameters, key, value) {
            char *name = an_format("%s: %s", an__string(m, "predictor.kind"), key),
                 *text = json_is_string(value) ? an_strdup(json_string_value(value)) : an_json_text(value, false);
            setting(&g, name, text);
            free(name);
            free(text);
        }
    }
    if (c) {
        setting(&g, "comparison: run", an__string(c, "run"));
        char *seed = an_json_text(json_object_get(c, "seed"), false);
        setting(&g, "comparison: seed", json_object_get(c, "seed") ? seed : "");
        setting(&g, "comparison: cpu path", an__string(c, "cpu"));
        char *machine = machine_words(an__string(c, "machine"));
        setting(&g, "comparison: machine", machine);
        free(machine);
        setting(&g, "comparison: code", an__string(c, "code"));
        free(seed);
    }
    const json_t *x;
    json_t *seen = json_object();
    size_t i;
    json_array_foreach(p->f->provenance, i, x) {
        const char *text = an__string(x, "machine");
        if (!*text || json_object_get(seen, text)) continue;
        json_object_set_new(seen, text, json_true());
        char *machine = machine_words(text);
        setting(&g, "made on", machine);
        free(machine);
    }
    json_decref(seen);
    an__grid_close(&g, "The same data, seed, code and cpu path give the same numbers, bit by bit, for any number of threads.");
}

void an__report_provenance(an_page *p)
{
    enum { SHORT = 12 };
    static const an_grid_column columns[] = {
        { "made", "kind", AN__TEXT, 0 },       { NULL, "names", AN__TEXT, 0 },  { "content address", NULL, AN__TEXT, 0 },
        { NULL, "address", AN__TEXT, 0 },      { "by", "step", AN__TEXT, 0 },   { "run", "run", AN__TEXT, 0 },
        { "seed", "seed", AN__TEXT, 0 },       { "code", "code", AN__TEXT, 0 }, { NULL, "machine", AN__TEXT, 0 },
        { "started", "started", AN__TEXT, 0 },
    };
    an__section(p, "provenance", "Where it came from",
                "Everything this page stands on, from the last piece made back to the files, by content: whoever has the same files gets "
                "the same addresses.");
    const json_t *list = p->f->provenance, *x;
    if (json_array_size(list)) {
        an_grid g = an__grid_open(p, "provenance", columns, AN_COUNT(columns));
        size_t i;
        json_array_foreach(list, i, x) {
            const char *address = an__string(x, "address");
            char *cut = strlen(address) > SHORT ? an_format("%.*s\u2026", SHORT, address) : an_strdup(address);
            an__grid_row(&g, NULL);
            an__grid_note(&g, an__string(x, "kind"), an__string(x, "names"));
            an__grid_text(&g, an__string(x, "names"));
            an__grid_text(&g, cut);
            an__grid_text(&g, address);
            static const char *const keys[] = { "what", "run", "seed", "code", "machine", "started" };
            for (size_t k = 0; k < AN_COUNT(keys); k++) an__grid_text(&g, an__string(x, keys[k]));
            free(cut);
        }
        an__grid_close(&g,
                       "Whole addresses are in the CSV; 'andon lineage NAME' prints them, 'andon runs show RUN' tells a run's parameters.");
    }
    settings(p);
}

/* ---- glossary ----------------------------------------------------------------------------------------------------------------------- */

void an__report_glossary(an_page *p)
{
    static const char *const words[][2] = {
        { "Accuracy",
          "share of all parts that were judged rightly. With few bad parts it says little: passing everything is already accurate." },
        { "Balancing", "making the rarer class count as much as the other one while training: by weights, by repeating rows, by generating "
                       "new ones (SMOTE, WGAN), or by moving the threshold instead." },
        { "Bootstrap interval", "the test part is drawn again and again with replacement; 95 % of the results lie within the interval." },
        { "Caught, escaped", "a bad part that the model rejects is caught; one that it passes has escaped." },
        { "Ceiling, floor", "what one real half gets against the other, and what columns get that were shuffled until nothing goes "
                            "together any more. A generator lies between." },
        { "Correlation similarity (CS)", "do pairs of columns move together as in the real rows? 1: yes." },
        { "Cram\u00e9r's V", "how far a category goes with the target; 0 not at all, 1 completely." },
        { "Escape rate, at most", "the largest true rate of escapes that still fits what was counted, with 95 % confidence (Clopper and "
                                  "Pearson 1934, one-sided). Zero escapes of 43 allow up to 6.7 %." },
        { "Exact interval",
          "the true shares that still fit what was counted, with 2.5 % left out on either side (Clopper and Pearson 1934); "
          "it keeps its width where all or none were caught." },
        { "F1, F2", "one number for precision and recall together; in F2 recall weighs four times as much as in F1, because an escape is "
                    "worse than a false reject." },
        { "Falsely rejected", "a good part that the model rejects and the end-of-line test clears." },
        { "G-mean", "root of the share of bad parts caught times the share of good parts passed." },
        { "Jensen-Shannon distance (JS)", "how different two histograms are; 0 equal, 1 disjoint." },
        { "KS complement (KS-C)", "1 minus the largest gap between two cumulative distributions; 1: equal." },
        { "Log-odds, odds ratio",
          "the logistic model adds up log-odds; one unit more of a feature multiplies the odds by the odds ratio." },
        { "Mapped axes (PCA)", "the two directions in which the real rows differ most." },
        { "Out-of-fold score", "the score of a training row by a model that was trained without it; thresholds are chosen on these." },
        { "Precision", "share of the rejected parts that were bad." },
        { "Recall", "share of the bad parts that were caught." },
        { "ROC-AUC, PR-AUC", "how well the scores rank bad above good ones over all thresholds; 1 is perfect. Chance is 0.5 for ROC-AUC "
                             "and the share of bad parts for PR-AUC." },
        { "Score, probability", "a score ranks parts. It is a probability only where the model was trained at the true share of classes; "
                                "this page says 'score' otherwise." },
        { "Test part", "a quarter of the rows, kept away before anything was fitted. No generated row can enter it." },
        { "Threshold", "a part is rejected when its score reaches it." },
        { "Wasserstein distance (WD)",
          "how far values must be moved to turn one distribution into the other, in shares of the real range." },
        { "WGAN",
          "two networks trained against each other: one makes rows, the other (the critic) tells how far they are from real ones." },
    };
    an__section(p, "glossary", "Words", NULL);
    an_buf_puts(p->html, "<dl>");
    for (size_t i = 0; i < AN_COUNT(words); i++) {
        an_buf_puts(p->html, "<div><dt>");
        an__html(p->html, words[i][0]);
        an_buf_puts(p->html, "</dt><dd>");
        an__html(p->html, words[i][1]);
        an_buf_puts(p->html, "</dd></div>\n");
    }
    an_buf_puts(p->html, "</dl>\n");
}
