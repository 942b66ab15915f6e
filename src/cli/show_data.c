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
    size_t i;
    json_array_foreach(json_object_get(r, "warnings"), i, v) fprintf(out, "%s  %s\n", i ? "" : "\nnote:\n", json_string_value(v));
}

/* One line: how the file was read, and the flag that forces each. */
static void show_dialect(const json_t *file, FILE *out)
{
    const json_t *d = json_object_get(file, "dialect");
    if (strcmp(an_json_string(d, "format", ""), "text")) return;
    const char *thousands = an_json_string(d, "thousands", "none"), *order = an_json_string(d, "date_order", NULL);
    fprintf(out, "read %s: %s between fields (--delimiter), decimal %s (--decimal)", an_json_string(file, "name", ""),
            an_json_string(d, "delimiter", ""), an_json_string(d, "decimal", ""));
    if (strcmp(thousands, "none")) fprintf(out, ", thousands %s (--thousands)", thousands);
    fprintf(out, ", %s (--encoding)", an_json_string(d, "encoding", ""));
    if (json_is_integer(json_object_get(d, "header_row")))
        fprintf(out, ", header in line %.0f (--header-row)", num(d, "header_row"));
    else
        fputs(", no header (--no-header)", out);
    if (json_is_integer(json_object_get(d, "units_row"))) fprintf(out, ", units in line %.0f (--units-row)", num(d, "units_row"));
    if (order) fprintf(out, ", dates %s (--date-format)", order);
    fputc('\n', out);
}

static void show_files(const json_t *r, FILE *out)
{
    const json_t *files = json_object_get(r, "files"), *sources = json_object_get(r, "sources"), *file;
    size_t i;
    const char *before = NULL;
    json_array_foreach(files, i, file) {
        if (i == 0 || (before && !json_equal(json_object_get(json_array_get(files, i - 1), "dialect"), json_object_get(file, "dialect"))))
            show_dialect(file, out);
        before = an_json_string(file, "name", "");
    }
    json_array_foreach(sources, i, file)
        fprintf(out, "%s %s (%.0f lines)", i ? "," : "from", an_json_string(file, "name", ""), num(file, "lines"));
    if (json_array_size(sources)) fputc('\n', out);
}

/* A note about a column that is set aside begins with its name. */
static bool about_dropped(const char *note, const json_t *dropped)
{
    size_t i;
    const json_t *d;
    json_array_foreach(dropped, i, d) {
        const char *name = an_json_string(d, "name", "");
        if (!strncmp(note, name, strlen(name)) && note[strlen(name)] == ':') return true;
    }
    return false;
}

static void show_notes(const json_t *warnings, const json_t *dropped, bool about, const char *title, FILE *out)
{
    size_t i;
    const json_t *note;
    bool first = true;
    json_array_foreach(warnings, i, note) {
        if (about_dropped(json_string_value(note), dropped) != about) continue;
        if (first) fprintf(out, "\n%s:\n", title);
        first = false;
        fprintf(out, "  %s\n", json_string_value(note));
    }
}

static void show_first_rows(const json_t *r, FILE *out)
{
    const json_t *columns = json_object_get(r, "columns"), *rows = json_object_get(r, "first_rows"), *row;
    if (!json_array_size(rows)) return;
    size_t i, wide = json_array_size(columns) < 12 ? json_array_size(columns) : 12;
    an_grid *g = an__grid_new((int)wide);
    for (size_t j = 0; j < wide; j++) an__grid_cell(g, "%.20s", an_json_string(json_array_get(columns, j), "name", ""));
    json_array_foreach(rows, i, row) {
        for (size_t j = 0; j < wide; j++) {
            const char *text = json_string_value(json_array_get(row, j));
            an__grid_cell(g, "%.20s", text ? text : "");
        }
    }
    fprintf(out, "\nfirst rows%s:\n", wide < json_array_size(columns) ? " (first 12 columns)" : "");
    an__grid_print(g, out);
}

void an__show_import(const json_t *r, FILE *out)
{
    if (json_is_integer(json_object_get(r, "row"))) { /* data show --row */
        an__show_text(r, out);
        return;
    }
    const json_t *columns = json_object_get(r, "columns"), *dropped = json_object_get(r, "dropped"),
                 *warnings = json_object_get(r, "warnings");
    const char *target = an_json_string(r, "target", NULL);
    bool dry = json_is_true(json_object_get(r, "dry_run"));
    if (dry)
        fprintf(out, "dry run, nothing is stored: %.0f rows, %zu columns", num(r, "rows"), json_array_size(columns));
    else
        fprintf(out, "%s/%lld: %.0f rows, %zu columns", an_json_string(r, "name", ""),
                (long long)json_integer_value(json_object_get(r, "version")), num(r, "rows"), json_array_size(columns));
    if (json_is_true(json_object_get(r, "existed"))) fprintf(out, " (this content was there already)");
    fputc('\n', out);
    show_files(r, out);
    double unlabelled = an_json_number(json_object_get(r, "unlabelled"), 0), labelled = num(r, "rows") - unlabelled;
    if (target && !isnan(num(r, "positives")))
        fprintf(out, "target %s: %.0f of %.0f %s are %s (%.2f %%)\n", target, num(r, "positives"), labelled,
                unlabelled > 0 ? "rows with a label" : "rows", an_json_string(r, "positive", "positive"),
                100 * num(r, "positives") / labelled);
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
    show_first_rows(r, out);
    show_notes(warnings, dropped, true, "set aside", out);
    show_notes(warnings, dropped, false, "note", out);
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

/* A number of a column as people write it: times as dates, with the time of day where the column has one. */
static void cell_of(an_grid *g, const json_t *column, bool days, double v)
{
    if (strcmp(an_json_string(column, "type", ""), "datetime") || isnan(v)) {
        cell_number(g, v);
        return;
    }
    char text[32];
    an_time_text(llround(v * 1e6), text);
    if (days)
        an__grid_cell(g, "%.10s", text);
    else
        an__grid_cell(g, "%.10s %.5s", text, strlen(text) > 16 ? text + 11 : "00:00");
}

/* The least and the largest are midnight: dates without a time of day, most likely. */
static bool only_days(const json_t *column)
{
    return fmod(num(column, "min"), 86400) == 0 && fmod(num(column, "max"), 86400) == 0;
}

void an__show_profile(const json_t *r, FILE *out)
{
    enum { FINDINGS = 12, COLUMNS = 60 };
    const json_t *findings = json_object_get(r, "findings"), *columns = json_object_get(r, "columns"), *c;
    size_t i, n = json_array_size(findings), d = json_array_size(columns), shown = 0;
    fprintf(out, "%s/%lld: %.0f rows, %.0f of them repeats of another; %zu columns\n", an_json_string(r, "name", ""),
            (long long)json_integer_value(json_object_get(r, "version")), num(r, "rows"), num(r, "duplicate_rows"), d);
    if (n) fprintf(out, "\nwhat matters, most important first:\n");
    json_array_foreach(findings, i, c)
        if (i < FINDINGS) fprintf(out, "%4zu  %s\n      %s\n", i + 1, an_json_string(c, "text", ""), an_json_string(c, "evidence", ""));
    if (n > FINDINGS) fprintf(out, "      ... and %zu more\n", n - FINDINGS);
    fputc('\n', out);
    an_grid *g = an__grid_new(9);
    static const char *const head[] = { "column", "type", "missing", "distinct", "min", "median", "max", "mean", "with target" };
    for (int k = 0; k < 9; k++) an__grid_cell(g, "%s", head[k]);
    json_array_foreach(columns, i, c) {
        if (++shown > COLUMNS) continue;
        const json_t *a = json_object_get(c, "association");
        const char *measure = an_json_string(a, "measure", "");
        an__grid_cell(g, "%s", an_json_string(c, "name", ""));
        an__grid_cell(g, "%s", an_json_string(c, "type", ""));
        an__grid_cell(g, "%.0f", num(c, "missing"));
        an__grid_cell(g, "%.0f", num(c, "distinct"));
        bool days = only_days(c);
        cell_of(g, c, days, num(c, "min"));
        cell_of(g, c, days, num(json_object_get(c, "quantiles"), "0.5"));
        cell_of(g, c, days, num(c, "max"));
        cell_of(g, c, days, num(c, "mean"));
        if (a)
            an__grid_cell(g, "%s %.3f",
                          !strcmp(measure, "auc")         ? "AUC"
                          : !strcmp(measure, "cramers_v") ? "V"
                          : !strcmp(measure, "spearman")  ? "rho"
                                                          : "eps2",
                          num(a, "value"));
        else
            an__grid_cell(g, "-");
    }
    an__grid_print(g, out);
    if (shown > COLUMNS) fprintf(out, "... and %zu more columns (--json and --out show all)\n", shown - COLUMNS);
    if (an_json_string(r, "out", NULL)) {
        const char *path = an_json_string(r, "out", "");
        size_t stem = strlen(path);
        if (stem > 5 && !strcmp(path + stem - 5, ".html")) stem -= 5;
        fprintf(out, "\n%s: the page; %.*s.tables: its tables as CSV\n", path, (int)stem, path);
    } else {
        fprintf(out, "\nwith target: how well the column alone ranks two classes (AUC, 0.5: not at all), or goes with it (V, rho, eps2; 0: "
                     "not at all)\n--out F.html writes a page with "
                     "pictures\n");
    }
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

/* Verdicts that were answered, newest last. Of a request with several rows the first label, and how many there are. */
void an__show_journal(const json_t *r, FILE *out)
{
    const json_t *verdicts = json_object_get(r, "verdicts"), *v;
    size_t i;
    fprintf(out, "%.0f verdicts are in the journal", num(r, "records"));
    if (!json_array_size(verdicts)) {
        fputs("; none of these\n", out);
        return;
    }
    fprintf(out, ", the newest %zu of those that were asked for:\n\n", json_array_size(verdicts));
    an_grid *g = an__grid_new(7);
    static const char *const head[] = { "time", "model", "part", "request", "rows", "label", "score" };
    for (size_t k = 0; k < AN_COUNT(head); k++) an__grid_cell(g, "%s", head[k]);
    json_array_foreach(verdicts, i, v) {
        an__grid_cell(g, "%s", an_json_string(v, "time", ""));
        an__grid_cell(g, "%s/%.0f", an_json_string(v, "model", ""), num(v, "version"));
        an__grid_cell(g, "%s", an_json_string(v, "part", "-"));
        an__grid_cell(g, "%s", an_json_string(v, "request", ""));
        an__grid_cell(g, "%.0f", num(v, "rows"));
        const char *label = json_string_value(json_array_get(json_object_get(v, "label"), 0));
        an__grid_cell(g, "%s", label ? label : "-");
        cell_number(g, an_json_number(json_array_get(json_object_get(v, "probability"), 0), NAN));
    }
    an__grid_print(g, out);
}
