/* profile_page.c - the frame of a profile page: its heading, what matters as a ranked list, the order of the sections, the methods. */
#include "flow/profile_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const an__profile_table_names[] = { "findings",
                                                "columns",
                                                "by",
                                                "by-columns",
                                                "balance",
                                                "capability",
                                                "stuck",
                                                "steps",
                                                "drift",
                                                "missing-stations",
                                                "missing-together",
                                                "association",
                                                "correlations",
                                                "correlation-pairs",
                                                "correlation-blocks",
                                                "duplicates",
                                                "twins",
                                                "outliers",
                                                "histograms",
                                                "categories",
                                                NULL };

static const char style[] =
    ".found{list-style:none;padding:0;margin:1rem 0;max-width:none}\n"
    ".found>li{display:grid;grid-template-columns:minmax(0,1fr) 20rem;gap:.3rem 1.5rem;padding:.7rem 0;border-bottom:1px solid "
    "#d9d9d9;margin:0;"
    "align-items:start}\n"
    ".found>li>.text:last-child{grid-column:1/-1}.found b{font-weight:600}.found small,.card2 "
    "small{display:block;color:#505050;font-size:.86rem}\n"
    ".found .rank{display:inline-block;min-width:1.9rem;color:#555;font-variant-numeric:tabular-nums}\n"
    ".found .text{overflow-wrap:anywhere}\n"
    ".found svg{width:100%;max-width:20rem}\n"
    "details{margin:.8rem 0}summary{cursor:pointer;font-weight:600;color:#00538a;padding:.3rem 0}\n"
    "summary:focus-visible{outline:3px solid #E69F00;outline-offset:2px}\n"
    ".cols{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,21rem),1fr));gap:1rem 1.6rem;margin:1rem 0}\n"
    ".card2{border-top:1.5px solid #1b1b1b;padding-top:.35rem;min-width:0}\n"
    ".card2 h3{margin:0;font-size:1rem;overflow-wrap:anywhere}.card2 svg{width:100%;max-width:24rem;display:block;margin:.3rem 0}\n"
    ".card2 p{margin:.15rem 0;font-size:.86rem}\n"
    ".byv td.n small{white-space:normal;max-width:11rem;margin-left:auto}.capability td.p svg{width:12rem;min-width:10rem}.association "
    "td.p svg,.balance td.p svg{min-width:150px}\n"
    ".tile .day{white-space:nowrap;color:inherit;font-size:inherit}\n"
    "svg .limit{fill:none;stroke:#D55E00;stroke-width:1.6;stroke-dasharray:5 3}svg .lim{fill:#9c4400;font-size:11px}\n"
    "svg .step{fill:none;stroke:#111;stroke-width:1.4;stroke-dasharray:3 3}\n"
    ".map svg{max-width:min(100%,46rem)}\n"
    "@media(max-width:640px){.found>li{grid-template-columns:1fr}}\n"
    "@media print{.found>li{grid-template-columns:1fr 55mm;padding:1.5mm 0;break-inside:avoid}.card2{break-inside:avoid}"
    ".cols{grid-template-columns:1fr 1fr 1fr;gap:3mm 6mm}details:not([open]){display:none}.map svg{max-width:120mm}}\n";

const json_t *an__profile_column(const an_profile_page *p, const char *name)
{
    const json_t *place = name ? json_object_get(p->place, name) : NULL;
    return place ? json_array_get(json_object_get(p->j, "columns"), (size_t)json_integer_value(place)) : NULL;
}

void an__profile_link(const an_profile_page *p, an_buf *b, const char *name)
{
    const json_t *place = json_object_get(p->place, name);
    if (place) an_buf_printf(b, "<a href=\"#c%lld\">", (long long)json_integer_value(place));
    an__html(b, name);
    if (place) an_buf_puts(b, "</a>");
}

/* ---- findings ----------------------------------------------------------------------------------------------------------------------- */

static void finding(const an_profile_page *p, const json_t *f, bool picture)
{
    an_buf *b = p->page.html;
    const char *kind = an__string(f, "kind"), *name = an__string(f, "column");
    const json_t *c = an__profile_column(p, name);
    an_buf_printf(b, "<li class=\"k-%s\"><div class=\"text\"><span class=\"rank\">%.0f</span><b>", kind, an__number(f, "rank"));
    an__html(b, an__string(f, "text"));
    an_buf_puts(b, "</b><small>");
    an__html(b, an__string(f, "evidence"));
    if (c && *name) {
        an_buf_puts(b, " \u00b7 ");
        an__profile_link(p, b, name);
    }
    an_buf_puts(b, "</small></div>");
    size_t before = b->size;
    an_buf_puts(b, "<div>");
    size_t empty = b->size;
    static const char *const courses[] = { "stuck", "step", "drift", "counter" }, *const shapes[] = { "limits", "capability", "sentinel",
                                                                                                      "outliers", "leak" };
    for (size_t i = 0; picture && c && i < AN_COUNT(courses); i++)
        if (!strcmp(kind, courses[i])) an__profile_trend(p, b, c);
    for (size_t i = 0; picture && c && i < AN_COUNT(shapes); i++)
        if (!strcmp(kind, shapes[i])) an__profile_histogram(b, c);
    if (b->size == empty) { /* no picture: the text has the whole width */
        b->size = before;
        b->data[before] = '\0';
    } else {
        an_buf_puts(b, "</div>");
    }
    an_buf_puts(b, "</li>\n");
}

static void findings(an_profile_page *p)
{
    enum { OPEN = 12, SHOWN = 200, PICTURES = 60 };
    static const an_grid_column columns[] = { { NULL, "rank", AN__NUMBER, 0 },    { NULL, "kind", AN__TEXT, 0 },
                                              { NULL, "column", AN__TEXT, 0 },    { NULL, "text", AN__TEXT, 0 },
                                              { NULL, "evidence", AN__TEXT, 0 },  { NULL, "from_row", AN__NUMBER, 0 },
                                              { NULL, "from_time", AN__TEXT, 0 }, { NULL, "to_row", AN__NUMBER, 0 },
                                              { NULL, "to_time", AN__TEXT, 0 },   { NULL, "columns", AN__NUMBER, 0 } };
    const json_t *list = json_object_get(p->j, "findings"), *f;
    size_t n = json_array_size(list), i;
    an_buf *b = p->page.html;
    an__section(
        &p->page, "findings", "What matters",
        n ? "Most important first; each with its evidence. Judge them with what you know of the line: a step may be a planned change."
          : NULL);
    if (!n) an_buf_puts(b, "<p class=\"box\">Nothing stands out.</p>\n");
    if (n) an_buf_puts(b, "<ol class=\"found\">\n");
    for (i = 0; i < n && i < OPEN; i++) finding(p, json_array_get(list, i), true);
    if (n) an_buf_puts(b, "</ol>\n");
    if (n > OPEN) {
        an_buf_printf(b, "<details><summary>%zu more findings</summary><ol class=\"found\">\n", n - OPEN);
        for (; i < n && i < SHOWN; i++) finding(p, json_array_get(list, i), i < PICTURES);
        an_buf_puts(b, "</ol>");
        if (n > SHOWN) an_buf_printf(b, "<p class=\"small\">The first %d of %zu; the CSV has all.</p>", SHOWN, n);
        an_buf_puts(b, "</details>\n");
    }
    an_grid g = an__grid_open(&p->page, "findings", columns, AN_COUNT(columns));
    json_array_foreach(list, i, f) {
        const char *from = json_object_get(f, "at") ? "at" : "from";
        char key[16];
        an__grid_row(&g, NULL);
        an__grid_number(&g, an__number(f, "rank"));
        an__grid_text(&g, an__string(f, "kind"));
        an__grid_text(&g, an__string(f, "column"));
        an__grid_text(&g, an__string(f, "text"));
        an__grid_text(&g, an__string(f, "evidence"));
        snprintf(key, sizeof key, "%s.row", from);
        an__grid_number(&g, an__number(f, key));
        snprintf(key, sizeof key, "%s.time", from);
        an__grid_text(&g, an__string(f, key));
        an__grid_number(&g, an__number(f, "to.row"));
        an__grid_text(&g, an__string(f, "to.time"));
        double count = (double)json_array_size(json_object_get(f, "columns"));
        an__grid_number(&g, count > 0 ? count : *an__string(f, "column") ? 1 : NAN);
    }
    an__grid_close_csv(&g, "All findings as CSV");
}

/* ---- the frame ---------------------------------------------------------------------------------------------------------------------- */

static void tile(an_buf *b, const char *big, const char *small)
{
    an_buf_puts(b, "<div class=\"tile\"><b>");
    an__html(b, big);
    an_buf_puts(b, "</b><span>");
    an__html(b, small);
    an_buf_puts(b, "</span></div>");
}

static void tiles(const an_profile_page *p)
{
    an_buf *b = p->page.html;
    const json_t *columns = json_object_get(p->j, "columns"), *c, *order = json_object_get(p->j, "order"),
                 *at = json_object_get(order, "at");
    const json_t *classes = an__at(p->j, "target.classes"), *class;
    double rows = an__number(p->j, "rows"), positives = an_json_number(json_object_get(classes, p->positive), NAN), labelled = 0;
    const char *name;
    json_object_foreach((json_t *)(uintptr_t)classes, name, class) labelled += json_number_value(class);
    size_t i, features = 0, limits = 0;
    json_array_foreach(columns, i, c) {
        features += !strcmp(an__string(c, "role"), "feature");
        limits += json_object_get(c, "capability") != NULL;
    }
    char big[200], small[280], a[32], z[32];
    an_buf_puts(b, "<div class=\"tiles\">");
    snprintf(big, sizeof big, "%s rows", an__count(rows).t);
    snprintf(small, sizeof small, "%s complete; %s of the cells missing", an__count(an__number(p->j, "missing.complete_rows")).t,
             an__share(an__number(p->j, "missing.share"), 1).t);
    tile(b, big, small);
    snprintf(big, sizeof big, "%zu of %zu columns", features, json_array_size(columns));
    snprintf(small, sizeof small, "can be learnt from; %zu with specification limits", limits);
    tile(b, big, small);
    if (*p->target && isfinite(positives)) {
        snprintf(big, sizeof big, "%s of %.60s = %.24s", an__share(positives / labelled, 1).t, p->target, p->positive);
        snprintf(small, sizeof small, "%s rows", an__count(positives).t);
        tile(b, big, small);
    }
    if (!strcmp(an__string(order, "type"), "datetime") && json_array_size(at)) {
        an_time_text((int64_t)(an_json_number(json_array_get(at, 0), 0) * 1e6), a);
        an_time_text((int64_t)(an_json_number(json_array_get(at, json_array_size(at) - 1), 0) * 1e6), z);
        an_buf_printf(b, "<div class=\"tile\"><b><span class=\"day\">%.10s</span> to <span class=\"day\">%.10s</span></b><span>", a, z);
        an__htmlf(b, "time column %s", an__string(order, "column"));
        an_buf_puts(b, "</span></div>");
    }
    an_buf_puts(b, "</div>\n");
    if (!*an__string(order, "column"))
        an_buf_puts(b, "<p class=\"small\">No column has the role of the time, so courses are drawn over the rows as the file has them: "
                       "that is only the order of production if the file "
                       "was written so. <code>andon data import ... --time COLUMN</code> says which column tells the time.</p>\n");
    if (!limits)
        an_buf_puts(b, "<p class=\"small\">No column has specification limits, so there is no capability to tell. They stand in the schema "
                       "(<code>low:</code>, <code>high:</code>): "
                       "<code>andon data schema NAME &gt; s.yaml</code>, edit, <code>andon data schema NAME --schema s.yaml</code>.</p>\n");
}

static void opening(const an_profile_page *p)
{
    an_buf *b = p->page.html;
    const char *by = an__string(p->j, "by");
    an_buf_puts(b, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, "
                   "initial-scale=1\">\n<title>");
    an__htmlf(b, "%s/%s \u2013 andon profile", an__string(p->j, "name"), an__count(an__number(p->j, "version")).t);
    an_buf_puts(b, "</title>\n<style>\n");
    an_buf_puts(b, an__report_style);
    an_buf_puts(b, style);
    an_buf_puts(b, "</style></head>\n<body><main>\n<header><p class=\"kicker\">andon profile of a data set</p><h1>");
    an__htmlf(b, "%s/%s", an__string(p->j, "name"), an__count(an__number(p->j, "version")).t);
    an_buf_puts(b, "</h1><p class=\"sub\">");
    if (*by) an__htmlf(b, "By %s. ", by);
    an__htmlf(b, "Content %.12s. Written %.10s %.5s UTC by andon %s.", an__string(p->j, "id"), an__string(p->j, "written"),
              strlen(an__string(p->j, "written")) > 16 ? an__string(p->j, "written") + 11 : "", an_version());
    an_buf_puts(b, "</p></header>\n<nav aria-label=\"sections\"><a href=\"#findings\">What matters</a> ");
    if (*by) an_buf_puts(b, "<a href=\"#by\">By value</a> ");
    static const char *const links[][3] = { { "balance", "Balance", "balance" }, { "limits", "Limits", NULL },
                                            { "changes", "Changes", NULL },      { "missing", "Missing", NULL },
                                            { "association", "Target", NULL },   { "correlation", "Correlation", NULL },
                                            { "repeats", "Repeats", NULL },      { "columns", "Columns", NULL },
                                            { "methods", "Methods", NULL } };
    for (size_t i = 0; i < AN_COUNT(links); i++) {
        if (links[i][2] && !json_array_size(json_object_get(p->j, links[i][2]))) continue;
        if ((!strcmp(links[i][0], "association") && !*p->target)) continue;
        an_buf_printf(b, "<a href=\"#%s\">%s</a> ", links[i][0], links[i][1]);
    }
    an_buf_puts(b, "</nav>\n");
}

void an__profile_methods(an_profile_page *p)
{
    static const char *const words[][2] = {
        { "Association", "a number against two classes: ROC-AUC with DeLong's variance (DeLong, DeLong and Clarke-Pearson 1988) on the "
                         "logit scale; against several classes or groups: "
                         "Kruskal and Wallis' test with epsilon squared = H / (n - 1); against a number: Spearman's rank correlation "
                         "(interval: Bonett and Wright 2000); categories: "
                         "chi-squared and Cram\u00e9r's V (interval by the noncentral chi-squared distribution, Smithson 2003)." },
        { "Adjusted p", "corrected for the number of columns by Benjamini and Hochberg (1995): of all that is called significant at 0.01, "
                        "about 1 % is chance. Each question (target, missing "
                        "cells, drift, each grouping) is one family." },
        { "Capability", "Cp and Cpk use sigma within: pooled over the subgroups of the group column, else from the mean moving range (over "
                        "1.128). Pp and Ppk use the standard deviation of "
                        "all readings. Intervals: chi-squared for Cp and Pp (Kane 1986), Bissell (1990) for Cpk and Ppk. All assume about "
                        "normal readings; look at the histogram." },
        { "Correlation blocks", "Pearson's r of readings drawn in to five robust standard deviations (or 1 and 99 %, where that is wider), "
                                "1 - |r| clustered by average linkage, cut at 0.3." },
        { "Drift", "Mann-Kendall test of up to 240 block means over the time (Mann 1945), variance corrected for autocorrelation (Yue and "
                   "Wang 2004), slope of Theil and Sen (1968). Told "
                   "where a line explains the course better than steps (BIC) and amounts to half a standard deviation or more." },
        { "Near repeats",
          "rows of a would-be split (up to 12,000 rows, the default split): test rows whose nearest training row, over "
          "standardised numbers, is nearer than a twentieth of "
          "what is usual (the median distance to the nearest of a tenth of the training rows). Four numbers or more are needed." },
        { "Outliers", "modified z-score: distance from the median over 1.4826 times the median absolute deviation, beyond 3.5 (Iglewicz "
                      "and Hoaglin 1993)." },
        { "Shifts",
          "from the time column: 6 to 14, 14 to 22, 22 to 6 o'clock, in the time as it is stored (UTC unless the file said otherwise)." },
        { "Steps", "change points of the mean of up to 240 blocks by PELT (Killick, Fearnhead and Eckley 2012), penalty 3 ln n + 2 ln of "
                   "the number of columns; those that the spread of the blocks on their own two sides explains are dropped. Placed on the "
                   "row where two levels fit the single readings best, told from half a standard deviation of single readings on. More "
                   "than six are no steps: the level wanders, and drift is tested instead." },
        { "Stuck values", "runs of one value at least 8 long and three times as long as 95 % of the runs, of which fewer than one in a "
                          "million are to be expected by the share of equal "
                          "neighbours elsewhere." },
    };
    an_buf *b = p->page.html;
    an_buf_puts(b, "<h2 id=\"methods\">Methods</h2>\n<details><summary>How each number is made, with sources</summary><dl>");
    for (size_t i = 0; i < AN_COUNT(words); i++) {
        an_buf_puts(b, "<div><dt>");
        an__html(b, words[i][0]);
        an_buf_puts(b, "</dt><dd>");
        an__html(b, words[i][1]);
        an_buf_puts(b, "</dd></div>\n");
    }
    an_buf_puts(b, "</dl></details>\n");
}

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

void an__profile_render(const json_t *profile, const char *tables_href, an_buf *html, an_report_tables *tables)
{
    an_report_facts nothing = { 0 };
    an_profile_page p = {
        .page = { .f = &nothing, .html = html, .tables = tables, .href = link_of(tables_href), .name = an__string(profile, "name") },
        .j = profile,
        .place = json_object(),
        .target = an__string(profile, "target.name"),
        .positive = an__string(profile, "target.positive")
    };
    const json_t *c;
    size_t i;
    json_array_foreach(json_object_get(profile, "columns"), i, c)
        json_object_set_new(p.place, an__string(c, "name"), json_integer((json_int_t)i));
    p.found = an_alloc_n(i + 1, sizeof *p.found);
    json_array_foreach(json_object_get(profile, "findings"), i, c) {
        const json_t *place = json_object_get(p.place, an__string(c, "column"));
        if (place) p.found[json_integer_value(place)] = true;
    }
    opening(&p);
    tiles(&p);
    findings(&p);
    an__profile_by(&p);
    an__profile_balances(&p);
    an__profile_limits(&p);
    an__profile_changes(&p);
    an__profile_gaps(&p);
    an__profile_associations(&p);
    an__profile_correlations(&p);
    an__profile_repeats(&p);
    an__profile_columns(&p);
    an__profile_methods(&p);
    an_buf_puts(html, "</main></body></html>\n");
    json_decref(p.place);
    free(p.found);
    free(p.page.href);
}
