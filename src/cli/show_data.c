/* show_data.c - data sets, listings, checks, for people. */
#include "cli/cli.h"

#include <math.h>
#include <string.h>

static double num(const json_t *o, const char *key)
{
    return an_json_number(json_object_get(o, key), NAN);
}

static void cell_number(an_grid *g, double v)
{
    if (isnan(v))
        an__grid_cell(g, "-");
    else
        an__grid_cell(g, "%.4g", v);
}

void an__show_text(const json_t *r, FILE *out)
{
    const char *text = an_json_string(r, "text", NULL);
    if (text) {
        fprintf(out, "%s\n", text);
        return;
    }
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)r, key, v) {
        if (json_is_string(v)) fprintf(out, "%-14s %s\n", key, json_string_value(v));
        if (json_is_integer(v)) fprintf(out, "%-14s %lld\n", key, (long long)json_integer_value(v));
        if (json_is_real(v)) fprintf(out, "%-14s %.4g\n", key, json_real_value(v));
        if (json_is_object(v) && an_json_string(v, "note", NULL)) fprintf(out, "%-14s %s\n", key, an_json_string(v, "note", ""));
    }
}

void an__show_import(const json_t *r, FILE *out)
{
    const json_t *columns = json_object_get(r, "columns"), *dropped = json_object_get(r, "dropped"),
                 *warnings = json_object_get(r, "warnings");
    const char *target = an_json_string(r, "target", NULL);
    fprintf(out, "%s/%lld: %.0f rows, %zu columns", an_json_string(r, "name", ""),
            (long long)json_integer_value(json_object_get(r, "version")), num(r, "rows"), json_array_size(columns));
    if (json_is_true(json_object_get(r, "existed"))) fprintf(out, " (this content was there already)");
    fputc('\n', out);
    if (target && !isnan(num(r, "positives")))
        fprintf(out, "target %s: %.0f of %.0f rows are %s (%.2f %%)\n", target, num(r, "positives"), num(r, "rows"),
                an_json_string(r, "positive", "positive"), 100 * num(r, "positives") / num(r, "rows"));
    an_grid *g = an__grid_new(6);
    static const char *const head[] = { "column", "type", "role", "missing", "unit", "set aside" };
    for (int i = 0; i < 6; i++) an__grid_cell(g, "%s", head[i]);
    size_t i, shown = 0;
    const json_t *c;
    json_array_foreach(columns, i, c) {
        /* a wide table: the first features, and all that is special */
        if (json_array_size(columns) > 100 && !strcmp(an_json_string(c, "role", ""), "feature") && ++shown > 12) continue;
        an__grid_cell(g, "%s", an_json_string(c, "name", ""));
        an__grid_cell(g, "%s", an_json_string(c, "type", ""));
        an__grid_cell(g, "%s", an_json_string(c, "role", ""));
        an__grid_cell(g, "%.0f", num(c, "missing"));
        an__grid_cell(g, "%s", an_json_string(c, "unit", ""));
        an__grid_cell(g, "%s", an_json_string(c, "reason", ""));
    }
    fputc('\n', out);
    an__grid_print(g, out);
    if (shown > 12) fprintf(out, "... and %zu more features (--json shows all)\n", shown - 12);
    if (json_array_size(warnings)) fprintf(out, json_array_size(dropped) ? "\nset aside:\n" : "\nnote:\n");
    json_array_foreach(warnings, i, c) fprintf(out, "  %s\n", json_string_value(c));
    if (json_array_size(dropped) && !json_array_size(warnings)) fprintf(out, "\n%zu columns are set aside\n", json_array_size(dropped));
}

void an__show_list(const json_t *r, FILE *out)
{
    const json_t *rows = json_object_get(r, "rows"), *methods = json_object_get(r, "methods"), *row;
    size_t i;
    const char *what = an_json_string(r, "what", "");
    if (!json_array_size(rows))
        fprintf(out, "no %s yet\n", !strcmp(what, "data") ? "data sets" : !strcmp(what, "model") ? "models" : "generators");
    if (json_array_size(rows)) {
        an_grid *g = an__grid_new(5);
        static const char *const head[] = { "name", "what", "created", "aliases", "id" };
        for (int k = 0; k < 5; k++) an__grid_cell(g, "%s", head[k]);
        json_array_foreach(rows, i, row) {
            an__grid_cell(g, "%s/%lld", an_json_string(row, "name", ""), (long long)json_integer_value(json_object_get(row, "version")));
            double f2 = num(json_object_get(json_object_get(row, "metrics"), "f2"), "value");
            if (!isnan(f2))
                an__grid_cell(g, "%s, balance %s, F2 %.3f", an_json_string(row, "method", ""), an_json_string(row, "balance", ""), f2);
            else if (json_object_get(row, "rows"))
                an__grid_cell(g, "%.0f rows, target %s", num(row, "rows"), an_json_string(row, "target", "none"));
            else
                an__grid_cell(g, "%s", an_json_string(row, "method", ""));
            an__grid_cell(g, "%.19s", an_json_string(row, "created", ""));
            an__grid_cell(g, "%s", an_json_string(row, "aliases", ""));
            an__grid_cell(g, "%.12s", an_json_string(row, "id", ""));
        }
        an__grid_print(g, out);
    }
    if (json_array_size(methods)) fprintf(out, "\nmethods ('andon synth show METHOD' tells their parameters):\n");
    json_array_foreach(methods, i, row) fprintf(out, "  %-14s %s\n", an_json_string(row, "name", ""), an_json_string(row, "doc", ""));
}

void an__show_profile(const json_t *r, FILE *out)
{
    fprintf(out, "%s/%lld: %.0f rows, %.0f of them repeats of another\n\n", an_json_string(r, "name", ""),
            (long long)json_integer_value(json_object_get(r, "version")), num(r, "rows"), num(r, "duplicate_rows"));
    an_grid *g = an__grid_new(9);
    static const char *const head[] = { "column", "type", "missing", "distinct", "min", "median", "max", "mean", "AUC / V" };
    for (int i = 0; i < 9; i++) an__grid_cell(g, "%s", head[i]);
    size_t i;
    const json_t *c;
    json_array_foreach(json_object_get(r, "columns"), i, c) {
        an__grid_cell(g, "%s", an_json_string(c, "name", ""));
        an__grid_cell(g, "%s", an_json_string(c, "type", ""));
        an__grid_cell(g, "%.0f", num(c, "missing"));
        an__grid_cell(g, "%.0f", num(c, "distinct"));
        cell_number(g, num(c, "min"));
        cell_number(g, num(json_object_get(c, "quantiles"), "0.5"));
        cell_number(g, num(c, "max"));
        cell_number(g, num(c, "mean"));
        double auc = num(c, "auc"), v = num(c, "cramers_v");
        cell_number(g, isnan(auc) ? v : auc);
    }
    an__grid_print(g, out);
    fprintf(out, "\nAUC / V: how well the column alone ranks the classes (0.5: not at all), or Cramer's V of a category (0: not at all)\n");
}

void an__show_split(const json_t *r, FILE *out)
{
    fprintf(out, "%s/%lld: %.0f rows to train on, %.0f to test on\n", an_json_string(r, "name", ""),
            (long long)json_integer_value(json_object_get(r, "version")), num(r, "train"), num(r, "test"));
    if (!isnan(num(r, "train_positives"))) fprintf(out, "positive: %.0f and %.0f\n", num(r, "train_positives"), num(r, "test_positives"));
}

void an__show_doctor(const json_t *r, FILE *out)
{
    size_t i;
    const json_t *c;
    json_array_foreach(json_object_get(r, "checks"), i, c)
        fprintf(out, "%-4s %-11s %s\n", json_is_true(json_object_get(c, "ok")) ? "ok" : "!!", an_json_string(c, "name", ""),
                an_json_string(c, "text", ""));
}
