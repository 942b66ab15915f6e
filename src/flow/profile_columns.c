/* profile_columns.c - every column of a profile: a card with its numbers, its histogram against the limits and its course; those with a
 * finding first, the others folded. And the tables that hold all of it. */
#include "flow/profile_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void facts(an_buf *b, const json_t *c)
{
    const char *unit = an__string(c, "unit"), *role = an__string(c, "role"), *station = an__string(c, "station"),
               *reason = an__string(c, "reason");
    an_buf_puts(b, "<small>");
    an__html(b, an__string(c, "type"));
    if (*unit) an__htmlf(b, ", %s", unit);
    if (strcmp(role, "feature") != 0) an__htmlf(b, ", %s", role);
    if (*reason) an__htmlf(b, " (%s)", reason);
    if (*station) an__htmlf(b, ", %s", station);
    double missing = an__number(c, "missing"), count = an__number(c, "count");
    if (missing > 0) an__htmlf(b, "; %s missing", an__share(missing / (missing + count), 1).t);
    an__htmlf(b, "; %s distinct", an__count(an__number(c, "distinct")).t);
    an_buf_puts(b, "</small>");
    if (strcmp(an__string(c, "type"), "datetime") != 0 && isfinite(an__number(c, "mean"))) {
        const json_t *q = json_object_get(c, "quantiles");
        an_buf_puts(b, "<p>");
        an__htmlf(b, "median %s, mean %s \u00b1 %s, 5 to 95 %%: %s to %s", an__value(an_json_number(json_object_get(q, "0.5"), NAN)).t,
                  an__value(an__number(c, "mean")).t, an__value(an__number(c, "sd")).t,
                  an__value(an_json_number(json_object_get(q, "0.05"), NAN)).t,
                  an__value(an_json_number(json_object_get(q, "0.95"), NAN)).t);
        an_buf_puts(b, "</p>");
    }
    const json_t *k = json_object_get(c, "capability");
    if (isfinite(an__number(k, "ppk.value"))) {
        an_buf_puts(b, "<p>");
        an__htmlf(b, "Cpk %s (%s to %s), Ppk %s (%s to %s)", an__real(an__number(k, "cpk.value"), 2).t,
                  an__real(an__number(k, "cpk.low"), 2).t, an__real(an__number(k, "cpk.high"), 2).t,
                  an__real(an__number(k, "ppk.value"), 2).t, an__real(an__number(k, "ppk.low"), 2).t,
                  an__real(an__number(k, "ppk.high"), 2).t);
        an_buf_puts(b, "</p>");
    }
}

static void card(const an_profile_page *p, const json_t *c, size_t place)
{
    an_buf *b = p->page.html;
    an_buf_printf(b, "<section class=\"card2\" id=\"c%zu\"><h3>", place);
    an__html(b, an__string(c, "name"));
    an_buf_puts(b, "</h3>");
    facts(b, c);
    an__profile_histogram(b, c);
    an__profile_trend(p, b, c);
    an_buf_puts(b, "</section>\n");
}

/* A value of the column; times as ISO 8601. place: a place on its scale, not a count or a spread (of times: in seconds). */
static void number_or_time(an_grid *g, const json_t *column, double v, bool place)
{
    char text[32];
    if (place && isfinite(v) && !strcmp(an__string(column, "type"), "datetime"))
        an__grid_text(g, an_time_text(llround(v * 1e6), text));
    else
        an__grid_number(g, v);
}

static void column_tables(an_profile_page *p)
{
    static const an_grid_column columns[] = {
        { NULL, "name", AN__TEXT, 0 },        { NULL, "type", AN__TEXT, 0 },       { NULL, "role", AN__TEXT, 0 },
        { NULL, "reason", AN__TEXT, 0 },      { NULL, "unit", AN__TEXT, 0 },       { NULL, "station", AN__TEXT, 0 },
        { NULL, "count", AN__NUMBER, 0 },     { NULL, "missing", AN__NUMBER, 0 },  { NULL, "distinct", AN__NUMBER, 0 },
        { NULL, "min", AN__NUMBER, 0 },       { NULL, "q05", AN__NUMBER, 0 },      { NULL, "q25", AN__NUMBER, 0 },
        { NULL, "median", AN__NUMBER, 0 },    { NULL, "q75", AN__NUMBER, 0 },      { NULL, "q95", AN__NUMBER, 0 },
        { NULL, "max", AN__NUMBER, 0 },       { NULL, "mean", AN__NUMBER, 0 },     { NULL, "sd", AN__NUMBER, 0 },
        { NULL, "robust_sd", AN__NUMBER, 0 }, { NULL, "outliers", AN__NUMBER, 0 },
    };
    static const char *const texts[] = { "name", "type", "role", "reason", "unit", "station" }, *const numbers[] = { "count", "missing",
                                                                                                                     "distinct", "min" };
    static const char *const quantiles[] = { "0.05", "0.25", "0.5", "0.75", "0.95" }, *const more[] = { "max", "mean", "sd", "robust_sd",
                                                                                                        "outliers.count" };
    static const an_grid_column far[] = { { NULL, "column", AN__TEXT, 0 },
                                          { NULL, "row", AN__NUMBER, 0 },
                                          { NULL, "time", AN__TEXT, 0 },
                                          { NULL, "value", AN__NUMBER, 0 },
                                          { NULL, "z", AN__NUMBER, 0 } };
    static const an_grid_column bins[] = {
        { NULL, "column", AN__TEXT, 0 }, { NULL, "low", AN__NUMBER, 0 }, { NULL, "high", AN__NUMBER, 0 }, { NULL, "count", AN__NUMBER, 0 }
    };
    static const an_grid_column names[] = { { NULL, "column", AN__TEXT, 0 },
                                            { NULL, "value", AN__TEXT, 0 },
                                            { NULL, "count", AN__NUMBER, 0 } };
    an_grid all = an__grid_open(&p->page, "columns", columns, AN_COUNT(columns)),
            o = an__grid_open(&p->page, "outliers", far, AN_COUNT(far)), h = an__grid_open(&p->page, "histograms", bins, AN_COUNT(bins)),
            k = an__grid_open(&p->page, "categories", names, AN_COUNT(names));
    const json_t *c, *item;
    size_t i, m;
    json_array_foreach(json_object_get(p->j, "columns"), i, c) {
        const char *name = an__string(c, "name");
        an__grid_row(&all, NULL);
        for (m = 0; m < AN_COUNT(texts); m++) an__grid_text(&all, an__string(c, texts[m]));
        for (m = 0; m < AN_COUNT(numbers); m++) number_or_time(&all, c, an__number(c, numbers[m]), m == AN_COUNT(numbers) - 1);
        for (m = 0; m < AN_COUNT(quantiles); m++)
            number_or_time(&all, c, an_json_number(json_object_get(json_object_get(c, "quantiles"), quantiles[m]), NAN), true);
        for (m = 0; m < AN_COUNT(more); m++)
            number_or_time(&all, c, an__number(c, more[m]), m < 2); /* max and mean; the others are spreads */
        json_array_foreach(an__at(c, "outliers.farthest"), m, item) {
            an__grid_row(&o, NULL);
            an__grid_text(&o, name);
            an__grid_number(&o, an__number(item, "row"));
            an__grid_text(&o, an__string(item, "time"));
            an__grid_number(&o, an__number(item, "value"));
            an__grid_number(&o, an__number(item, "z"));
        }
        const json_t *edges = an__at(c, "histogram.edges"), *counts = an__at(c, "histogram.counts");
        for (m = 0; m < json_array_size(counts); m++) {
            an__grid_row(&h, NULL);
            an__grid_text(&h, name);
            number_or_time(&h, c, an_json_number(json_array_get(edges, m), NAN), true);
            number_or_time(&h, c, an_json_number(json_array_get(edges, m + 1), NAN), true);
            an__grid_number(&h, an_json_number(json_array_get(counts, m), NAN));
        }
        json_array_foreach(json_object_get(c, "top"), m, item) {
            an__grid_row(&k, NULL);
            an__grid_text(&k, name);
            an__grid_text(&k, an__string(item, "value"));
            an__grid_number(&k, an__number(item, "count"));
        }
    }
    an__grid_close_csv(&all, "All columns as CSV");
    an__grid_close_csv(&o, "The farthest outliers as CSV");
    an__grid_close_csv(&h, "Histograms as CSV");
    an__grid_close_csv(&k, "Frequent values as CSV");
}

void an__profile_columns(an_profile_page *p)
{
    enum { OPEN = 30, CARDS = 600 };
    const json_t *columns = json_object_get(p->j, "columns"), *c;
    size_t n = json_array_size(columns), i, shown = 0;
    bool *done = an_alloc_n(n + 1, sizeof *done);
    an_buf *b = p->page.html;
    an__section(&p->page, "columns", "Columns",
                "Histogram (bars beyond a limit are red; numbers in brackets lie outside the picture) and course: the line is the mean, "
                "the band reaches from the smallest to the largest "
                "reading; dashed uprights are steps, shaded parts are stuck.");
    an_buf_puts(b, "<div class=\"cols\">\n");
    for (int round = 0; round < 2; round++) /* those with a finding, then the others of a small table */
        json_array_foreach(columns, i, c) {
            if (done[i] || shown >= OPEN || (round == 0 && !p->found[i]) ||
                (round == 1 && (n > OPEN || !strcmp(an__string(c, "role"), "ignored"))))
                continue;
            card(p, c, i);
            done[i] = true;
            shown++;
        }
    an_buf_puts(b, "</div>\n");
    if (shown < n) {
        an_buf_printf(b, "<details><summary>%zu more column%s</summary><div class=\"cols\">\n", n - shown, n - shown == 1 ? "" : "s");
        json_array_foreach(columns, i, c) {
            if (done[i] || shown >= CARDS) continue;
            card(p, c, i);
            shown++;
        }
        an_buf_puts(b, "</div>");
        if (shown < n) an_buf_printf(b, "<p class=\"small\">%zu columns are in the CSV alone.</p>", n - shown);
        an_buf_puts(b, "</details>\n");
    }
    free(done);
    column_tables(p);
}
