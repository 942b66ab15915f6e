/* show_learn.c - generators, models, comparisons, runs, for people. */
#include "cli/cli.h"

#include <math.h>
#include <string.h>

static double num(const json_t *o, const char *key)
{
    return an_json_number(json_object_get(o, key), NAN);
}

static void cell(an_grid *g, double v)
{
    if (isnan(v))
        an__grid_cell(g, "-");
    else
        an__grid_cell(g, "%.3f", v);
}

static void heading(const json_t *r, FILE *out)
{
    fprintf(out, "%s/%lld", an_json_string(r, "name", ""), (long long)json_integer_value(json_object_get(r, "version")));
}

void an__show_generator(const json_t *r, FILE *out)
{
    size_t i;
    const json_t *p, *params = json_object_get(r, "params");
    if (!json_object_get(r, "version")) { /* a method */
        fprintf(out, "%s - %s\n%s\n\nparameters (--set NAME=VALUE):\n", an_json_string(r, "method", ""), an_json_string(r, "doc", ""),
                an_json_string(r, "source", ""));
        json_array_foreach(params, i, p)
            fprintf(out, "  %-14s %s\n  %-14s   %s\n", an_json_string(p, "name", ""), an_json_string(p, "doc", ""), "",
                    an_json_string(p, "range", ""));
        return;
    }
    heading(r, out);
    fprintf(out, ": %s", an_json_string(r, "method", an_json_string(r, "kind", "")));
    if (!isnan(num(r, "steps"))) fprintf(out, ", %.0f steps", num(r, "steps"));
    if (!isnan(num(r, "train_s"))) fprintf(out, " in %.1f s", num(r, "train_s"));
    if (!isnan(num(r, "train_rows"))) fprintf(out, ", fitted on %.0f rows", num(r, "train_rows"));
    if (json_is_true(json_object_get(r, "existed"))) fprintf(out, " (this generator was there already)");
    fputc('\n', out);
    const char *key;
    json_t *v;
    json_object_foreach(json_object_get(r, "scores"), key, v)
        if (json_is_number(v)) fprintf(out, "  %-24s %.*f\n", key, json_is_integer(v) ? 0 : 4, json_number_value(v));
    const char *name = an_json_string(r, "name", "");
    fprintf(out, "next: andon synth judge --generator %s, or andon synth sample %s --rows 1000\n", name, name);
}

static const struct {
    const char *key, *name;
} scores[] = {
    { "ks_complement", "KS complement" },           { "correlation_similarity", "correlation similarity" },
    { "wasserstein", "Wasserstein distance" },      { "js_distance", "Jensen-Shannon distance" },
    { "c2st_auc", "told from real (AUC)" },         { "tstr_f1", "train on it, test on real (F1)" },
    { "dcr_median", "distance to closest record" }, { "copies", "exact copies" },
    { "sample_1k_s", "seconds for 1,000 rows" },    { "sample_10k_s", "seconds for 10,000 rows" },
};

void an__show_judge(const json_t *r, FILE *out)
{
    const json_t *f = json_object_get(r, "filter");
    fprintf(out, "%.0f generated rows against %.0f real ones\n", num(r, "rows_synthetic"), num(r, "rows_real"));
    if (f)
        fprintf(out,
                "after the minority filter: of %.0f drawn %.0f passed, %.0f were of the other class, %.0f too far away or nearer to it\n",
                num(f, "drawn"), num(f, "passed"), num(json_object_get(f, "dropped"), "other_class"),
                num(json_object_get(f, "dropped"), "too_far") + num(json_object_get(f, "dropped"), "nearer_to_others"));
    if (an_json_string(f, "note", NULL)) fprintf(out, "note: %s\n", an_json_string(f, "note", ""));
    fputc('\n', out);
    an_grid *g = an__grid_new(4);
    an__grid_cell(g, "score"), an__grid_cell(g, "generated"), an__grid_cell(g, "floor (shuffled)"), an__grid_cell(g, "ceiling (real half)");
    for (size_t i = 0; i < AN_COUNT(scores); i++) {
        an__grid_cell(g, "%s", scores[i].name);
        cell(g, num(json_object_get(r, "scores"), scores[i].key));
        cell(g, num(json_object_get(r, "floor"), scores[i].key));
        cell(g, num(json_object_get(r, "ceiling"), scores[i].key));
    }
    an__grid_print(g, out);
    fprintf(out, "\nA score means something only between floor and ceiling.\n");
}

void an__show_judges(const json_t *r, FILE *out)
{
    const json_t *rows = json_object_get(r, "rows"), *row;
    size_t i, k;
    an_grid *g = an__grid_new((int)json_array_size(rows) + 3);
    an__grid_cell(g, "score");
    json_array_foreach(rows, i, row) an__grid_cell(g, "%s", an_json_string(row, "method", ""));
    an__grid_cell(g, "floor"), an__grid_cell(g, "ceiling");
    const json_t *first = json_array_get(rows, 0);
    for (k = 0; k < AN_COUNT(scores); k++) {
        an__grid_cell(g, "%s", scores[k].name);
        json_array_foreach(rows, i, row) cell(g, num(json_object_get(row, "scores"), scores[k].key));
        cell(g, num(json_object_get(first, "floor"), scores[k].key));
        cell(g, num(json_object_get(first, "ceiling"), scores[k].key));
    }
    an__grid_print(g, out);
}

static const struct {
    const char *key, *name;
} metrics[] = {
    { "accuracy", "accuracy" }, { "precision", "precision" }, { "recall", "recall" },   { "f1", "F1" },       { "f2", "F2" },
    { "gmean", "G-mean" },      { "pr_auc", "PR-AUC" },       { "roc_auc", "ROC-AUC" }, { "brier", "Brier" },
};

void an__show_model(const json_t *r, FILE *out)
{
    heading(r, out);
    const json_t *c = json_object_get(r, "confusion"), *t = json_object_get(r, "threshold"), *m = json_object_get(r, "metrics");
    const char *kind = an_json_string(r, "model", an_json_string(r, "method", NULL));
    if (kind) fprintf(out, ": %s", kind);
    fprintf(out, ", balance %s", an_json_string(r, "balance", "none"));
    if (t) fprintf(out, ", threshold %.4g (rule %s)", num(t, "value"), an_json_string(t, "rule", ""));
    if (!isnan(num(r, "train_s"))) fprintf(out, ", trained in %.2f s", num(r, "train_s"));
    fputs(json_is_true(json_object_get(r, "calibrated"))
              ? "\n"
              : "\nits score is no probability: it was trained at another class share than the real one\n",
          out);
    if (!c) {
        fprintf(out, "not evaluated\n");
        return;
    }
    double tp = num(c, "tp"), fn = num(c, "fn"), fp = num(c, "fp"), tn = num(c, "tn");
    fprintf(out, "\non %.0f rows %s: caught %.0f of %.0f", tp + fn + fp + tn,
            json_is_false(json_object_get(r, "seen_known")) ? "(it may have been trained on some of them)" : "it has not seen", tp,
            tp + fn);
    const json_t *units = json_object_get(r, "interval_units");
    const char *unit = an_json_string(units, "column", NULL);
    if (!isnan(num(r, "escape_upper"))) {
        fprintf(out, " (escape rate at most %.1f %%, 95 %% one-sided", 100 * num(r, "escape_upper"));
        if (unit) fprintf(out, "; rows of one %s are alike: %.0f of them count as %.1f", unit, tp + fn, num(units, "effective"));
        fputc(')', out);
    }
    fprintf(out, ", falsely rejected %.0f of %.0f\n\n", fp, fp + tn);
    bool narrow = false;
    an_grid *g = an__grid_new(3);
    an__grid_cell(g, "metric"), an__grid_cell(g, "value"), an__grid_cell(g, "95 %% interval");
    for (size_t i = 0; i < AN_COUNT(metrics); i++) {
        const json_t *x = json_object_get(m, metrics[i].key);
        an__grid_cell(g, "%s", metrics[i].name);
        cell(g, num(x, "value"));
        if (isnan(num(x, "low")))
            an__grid_cell(g, "-");
        else
            an__grid_cell(g, "%.3f to %.3f", num(x, "low"), num(x, "high"));
        narrow |= num(x, "low") == num(x, "high");
    }
    an__grid_print(g, out);
    if (unit) {
        double groups = num(units, "count");
        fprintf(out, "intervals: whole groups by %s were drawn (%.0f of them), not rows%s\n", unit, groups,
                groups < 2    ? ": one group tells nothing of others"
                : groups < 10 ? "; so few groups give rough intervals, test on more"
                              : "");
    } else if (narrow) {
        fputs("an interval without width is no certainty: these rows cannot show the spread\n", out);
    }
    fprintf(out, "\n              predicted good  predicted %s\nactual good   %14.0f  %10.0f\nactual bad    %14.0f  %10.0f\n", "bad", tn,
            fp, fn, tp);
}

void an__show_explain(const json_t *r, FILE *out)
{
    heading(r, out);
    fprintf(out, ": log-odds of %s = %s; intercept %.4g\n\n", an_json_string(r, "target", ""), an_json_string(r, "positive", ""),
            num(r, "intercept"));
    an_grid *g = an__grid_new(5);
    static const char *const head[] = { "feature", "unit", "per unit", "odds ratio", "per sd" };
    for (int i = 0; i < 5; i++) an__grid_cell(g, "%s", head[i]);
    size_t i;
    const json_t *c;
    json_array_foreach(json_object_get(r, "coefficients"), i, c) {
        an__grid_cell(g, "%s", an_json_string(c, "name", ""));
        an__grid_cell(g, "%s", an_json_string(c, "unit", ""));
        an__grid_cell(g, "%.4g", num(c, "coefficient"));
        an__grid_cell(g, "%.4g", num(c, "odds_ratio"));
        an__grid_cell(g, "%.3f", num(c, "per_sd"));
    }
    an__grid_print(g, out);
}

void an__show_compare(const json_t *r, FILE *out)
{
    fprintf(out, "%s: %.0f rows, %.0f positive, %.0f repeats\n\n", an_json_string(r, "data", ""), num(r, "rows_total"), num(r, "positives"),
            num(r, "repeats"));
    an_grid *g = an__grid_new(9);
    static const char *const head[] = { "model",  "balance",   "F2 at 0.5", "F2 moved", "95 % interval",
                                        "recall", "precision", "PR-AUC",    "threshold" };
    for (int i = 0; i < 9; i++) an__grid_cell(g, "%s", head[i]);
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(r, "rows"), i, row) {
        const json_t *f = json_object_get(row, "metrics"), *m = json_object_get(row, "metrics_moved"), *f2 = json_object_get(m, "f2");
        an__grid_cell(g, "%s", an_json_string(row, "model", ""));
        an__grid_cell(g, "%s", an_json_string(row, "balance", ""));
        cell(g, num(json_object_get(f, "f2"), "mean"));
        cell(g, num(f2, "mean"));
        if (isnan(num(f2, "low")))
            an__grid_cell(g, "-");
        else
            an__grid_cell(g, "%.3f to %.3f", num(f2, "low"), num(f2, "high"));
        cell(g, num(json_object_get(m, "recall"), "mean"));
        cell(g, num(json_object_get(m, "precision"), "mean"));
        cell(g, num(json_object_get(m, "pr_auc"), "mean"));
        cell(g, num(json_object_get(row, "threshold"), "value"));
    }
    an__grid_print(g, out);
    const json_t *rec = json_object_get(r, "recommendation");
    /* results of earlier versions say neither "recommended" nor the threshold */
    bool good = !json_is_false(json_object_get(rec, "better_than_trivial")) && !json_is_false(json_object_get(rec, "recommended"));
    fprintf(out, "\nrecall and precision are at the moved threshold. %s: %s\n",
            good ? "Recommended" : "Nothing is recommended; the least bad", an_json_string(rec, "why", ""));
    if (!good) return;
    const char *plain = strcmp(an_json_string(rec, "balance", ""), "none") ? "f2" : "0.5", *rule = an_json_string(rec, "threshold", plain);
    fprintf(out, "next: andon model train NAME --data %s --model %s --balance %s", an_json_string(r, "data", ""),
            an_json_string(rec, "model", ""), an_json_string(rec, "balance", ""));
    if (strcmp(rule, "0.5") != 0) fprintf(out, strpbrk(rule, "<>= ") ? " --threshold '%s'" : " --threshold %s", rule);
    fputc('\n', out);
}

void an__show_run(const json_t *r, FILE *out)
{
    if (an_json_string(r, "run", NULL))
        fprintf(out, "run %s: %s %s, %.2f s\n\n", an_json_string(r, "run", ""), an_json_string(r, "name", ""),
                an_json_string(r, "state", ""), num(r, "seconds"));
    an_grid *g = an__grid_new(4);
    an__grid_cell(g, "step"), an__grid_cell(g, "does"), an__grid_cell(g, "state"), an__grid_cell(g, "seconds");
    size_t i;
    const json_t *s;
    json_array_foreach(json_object_get(r, "steps"), i, s) {
        an__grid_cell(g, "%s", an_json_string(s, "name", ""));
        an__grid_cell(g, "%s", an_json_string(s, "use", ""));
        an__grid_cell(g, "%s", json_is_true(json_object_get(s, "cached")) ? "cached" : an_json_string(s, "state", "-"));
        cell(g, num(s, "seconds"));
    }
    an__grid_print(g, out);
    const json_t *why = json_object_get(json_object_get(r, "error"), "message");
    if (json_is_string(why)) fprintf(out, "\n%s\n", json_string_value(why));
}

void an__show_runs(const json_t *r, FILE *out)
{
    an_grid *g = an__grid_new(6);
    static const char *const head[] = { "run", "kind", "name", "state", "started", "seconds" };
    for (int k = 0; k < 6; k++) an__grid_cell(g, "%s", head[k]);
    size_t i;
    const json_t *s;
    json_array_foreach(json_object_get(r, "runs"), i, s) {
        for (int k = 0; k < 4; k++) an__grid_cell(g, "%s", an_json_string(s, head[k], ""));
        an__grid_cell(g, "%.19s", an_json_string(s, "started", ""));
        cell(g, num(s, "seconds"));
    }
    an__grid_print(g, out);
}

static void lineage(const json_t *n, int depth, FILE *out)
{
    const json_t *run = json_object_get(n, "run"), *names = json_object_get(n, "names"), *in;
    fprintf(out, "%*s%s %.12s", 2 * depth, "", an_json_string(n, "kind", "artifact"), an_json_string(n, "address", ""));
    size_t i;
    json_array_foreach(names, i, in) fprintf(out, " %s", json_string_value(in));
    if (json_is_object(run)) {
        const char *what = an_json_string(run, "name", ""), *kind = an_json_string(run, "kind", "");
        fprintf(out, "  by %s %s (code %s, seed %.0f)", kind, what, an_json_string(run, "code", "?"), num(run, "seed"));
    }
    json_array_foreach(json_object_get(n, "files"), i, in)
        fprintf(out, "  %s sha256 %s", an_json_string(in, "path", ""), an_json_string(in, "sha256", ""));
    if (json_is_true(json_object_get(n, "repeated"))) fputs("  (as above)", out);
    fputc('\n', out);
    json_array_foreach(json_object_get(n, "inputs"), i, in) lineage(in, depth + 1, out);
}

void an__show_lineage(const json_t *r, FILE *out)
{
    const char *name = an_json_string(r, "name", NULL);
    if (name) fprintf(out, "%s\n", name);
    lineage(r, 0, out);
}
