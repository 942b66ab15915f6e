/* profile_groups.c - sections of a profile that hold groups against each other: by a column that was asked for, class balance, differences
 * between lots and shifts. */
#include "flow/profile_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The part of a column's "groups" of one kind ("by"); NULL: none. */
static const json_t *group_of(const json_t *column, const char *kind)
{
    const json_t *g;
    size_t i;
    json_array_foreach(json_object_get(column, "groups"), i, g)
        if (!strcmp(an__string(g, "kind"), kind)) return g;
    return NULL;
}

typedef struct ranked {
    const json_t *column, *group;
    double effect;
    size_t index;
} ranked;

static int largest_first(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->effect != y->effect) return x->effect > y->effect ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static ranked *rank(const an_profile_page *p, const char *kind, size_t *n)
{
    const json_t *columns = json_object_get(p->j, "columns"), *c;
    ranked *list = an_alloc_n(json_array_size(columns) + 1, sizeof *list);
    size_t i;
    *n = 0;
    json_array_foreach(columns, i, c) {
        const json_t *g = group_of(c, kind);
        double effect = an__number(g, "effect");
        if (g && isfinite(effect)) list[(*n)++] = (ranked){ c, g, effect, i };
    }
    qsort(list, *n, sizeof *list, largest_first);
    return list;
}

static char *cell_text(const json_t *v)
{
    const json_t *top = json_array_get(json_object_get(v, "top"), 0);
    if (isfinite(an__number(v, "median"))) return an_strdup(an__value(an__number(v, "median")).t);
    return top ? an_format("%s %s", an__string(top, "value"), an__share(an__number(top, "count") / an__number(v, "count"), 0).t)
               : an_strdup("\u2013");
}

static char *cell_small(const json_t *v)
{
    double low = an__number(v, "low"), high = an__number(v, "high"), missing = an__number(v, "missing"), outside = an__number(v, "outside"),
           ppk = an__number(v, "ppk");
    an_buf b = { 0 };
    if (isfinite(low)) an_buf_printf(&b, "%s to %s", an__value(low).t, an__value(high).t);
    if (missing >= 0.005) an_buf_printf(&b, "%s%s missing", b.size ? "; " : "", an__share(missing, 0).t);
    if (outside > 0) an_buf_printf(&b, "; %s outside", an__count(outside).t);
    if (isfinite(ppk)) an_buf_printf(&b, "; Ppk %s", an__real(ppk, 2).t);
    return an_buf_take(&b);
}

/* One row a column, one column a value: at most eight of them, the most frequent. */
static void values_table(an_profile_page *p, const ranked *list, size_t n, const json_t *grouping, size_t first, size_t limit)
{
    enum { VALUES = 8 };
    const json_t *values = json_object_get(grouping, "values"), *v;
    size_t of[VALUES], shown = 0, i, k;
    for (size_t taken = 0; taken < VALUES; taken++) {
        size_t best = SIZE_MAX;
        json_array_foreach(values, i, v) {
            bool used = false;
            for (k = 0; k < shown; k++) used |= of[k] == i;
            if (!used && (best == SIZE_MAX || an__number(v, "rows") > an__number(json_array_get(values, best), "rows"))) best = i;
        }
        if (best != SIZE_MAX) of[shown++] = best;
    }
    for (i = 1; i < shown; i++) /* in their own order */
        for (k = i; k > 0 && of[k] < of[k - 1]; k--) {
            size_t swap = of[k];
            of[k] = of[k - 1];
            of[k - 1] = swap;
        }
    an_buf *b = p->page.html;
    an_buf_puts(b, "<figure class=\"table byv\"><div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th scope=\"col\">column</th><th "
                   "scope=\"col\" class=\"n\">effect</th>");
    for (k = 0; k < shown; k++) {
        an_buf_puts(b, "<th scope=\"col\" class=\"n\">");
        an__html(b, an__string(json_array_get(values, of[k]), "value"));
        an_buf_puts(b, "</th>");
    }
    an_buf_puts(b, "</tr></thead>\n<tbody>");
    for (i = first; i < n && i < first + limit; i++) {
        an_buf_puts(b, "<tr><th scope=\"row\">");
        an__profile_link(p, b, an__string(list[i].column, "name"));
        an_buf_puts(b, "<small>");
        an__html(b, an__string(list[i].column, "unit"));
        an_buf_puts(b, "</small></th><td class=\"n\">");
        an__html(b, an__real(list[i].effect, 2).t);
        an_buf_puts(b, "<small>");
        double q = an__number(list[i].group, "p_adjusted");
        if (q < 1e-99)
            an__html(b, "p < 1e-99");
        else
            an__htmlf(b, "p %s", an__value(q).t);
        an_buf_puts(b, "</small></td>");
        for (k = 0; k < shown; k++) {
            v = json_array_get(json_object_get(list[i].group, "values"), of[k]);
            char *text = cell_text(v), *small = cell_small(v);
            an_buf_puts(b, "<td class=\"n\">");
            an__html(b, text);
            an_buf_puts(b, "<small>");
            an__html(b, small);
            an_buf_puts(b, "</small></td>");
            free(text);
            free(small);
        }
        an_buf_puts(b, "</tr>\n");
    }
    an_buf_puts(b, "</tbody></table></div></figure>\n");
}

static const json_t *grouping_of(const an_profile_page *p, const char *kind)
{
    const json_t *g;
    size_t i;
    json_array_foreach(json_object_get(p->j, "groupings"), i, g)
        if (!strcmp(an__string(g, "kind"), kind)) return g;
    return NULL;
}

void an__profile_by(an_profile_page *p)
{
    enum { FIRST = 12, REST = 300 };
    static const an_grid_column totals[] = { { "value", "value", AN__TEXT, 0 }, { "rows", "rows", AN__COUNT, 0 } };
    static const an_grid_column each[] = { { NULL, "column", AN__TEXT, 0 },      { NULL, "value", AN__TEXT, 0 },
                                           { NULL, "count", AN__NUMBER, 0 },     { NULL, "missing", AN__NUMBER, 0 },
                                           { NULL, "mean", AN__NUMBER, 0 },      { NULL, "sd", AN__NUMBER, 0 },
                                           { NULL, "q05", AN__NUMBER, 0 },       { NULL, "median", AN__NUMBER, 0 },
                                           { NULL, "q95", AN__NUMBER, 0 },       { NULL, "outside", AN__NUMBER, 0 },
                                           { NULL, "ppk", AN__NUMBER, 0 },       { NULL, "effect", AN__NUMBER, 0 },
                                           { NULL, "p_adjusted", AN__NUMBER, 0 } };
    static const char *const keys[] = { "count", "missing", "mean", "sd", "low", "median", "high", "outside", "ppk" };
    const json_t *grouping = grouping_of(p, "by"), *v;
    if (!grouping) return;
    size_t n, i, k;
    ranked *list = rank(p, "by", &n);
    char *title = an_format("By %s", an__string(grouping, "column"));
    an__section(&p->page, "by", title,
                "Every column held against the values, those that differ most first: median, 5 to 95 % of the readings below it. The "
                "effect is 0 where the values do "
                "not differ and 1 where they tell them apart completely; from 0.06 on it is no longer small.");
    free(title);
    an_grid t = an__grid_open(&p->page, "by", totals, AN_COUNT(totals));
    t.limit = 30;
    json_array_foreach(json_object_get(grouping, "values"), i, v) {
        an__grid_row(&t, NULL);
        an__grid_text(&t, an__string(v, "value"));
        an__grid_number(&t, an__number(v, "rows"));
    }
    an__grid_close(&t, "Rows of each value.");
    values_table(p, list, n, grouping, 0, FIRST);
    if (n > FIRST) {
        an_buf_printf(p->page.html, "<details><summary>%zu more columns</summary>\n", n - FIRST);
        values_table(p, list, n, grouping, FIRST, REST);
        an_buf_puts(p->page.html, "</details>\n");
    }
    an_grid g = an__grid_open(&p->page, "by-columns", each, AN_COUNT(each));
    for (i = 0; i < n; i++)
        json_array_foreach(json_object_get(list[i].group, "values"), k, v) {
            an__grid_row(&g, NULL);
            an__grid_text(&g, an__string(list[i].column, "name"));
            an__grid_text(&g, an__string(v, "value"));
            for (size_t m = 0; m < AN_COUNT(keys); m++) an__grid_number(&g, an__number(v, keys[m]));
            an__grid_number(&g, list[i].effect);
            an__grid_number(&g, an__number(list[i].group, "p_adjusted"));
        }
    an__grid_close_csv(&g, "Every column by value as CSV");
    free(list);
}

void an__profile_balances(an_profile_page *p)
{
    static const an_grid_column columns[] = { { "value", "value", AN__TEXT, 0 }, { NULL, "grouping", AN__TEXT, 0 },
                                              { "rows", "rows", AN__COUNT, 0 },  { "positive", "positives", AN__COUNT, 0 },
                                              { "share", NULL, AN__SHARE, 1 },   { NULL, "share", AN__NUMBER, 0 },
                                              { NULL, "low", AN__NUMBER, 0 },    { NULL, "high", AN__NUMBER, 0 },
                                              { "", NULL, AN__PICTURE, 0 } };
    const json_t *list = json_object_get(p->j, "balance"), *g, *v;
    size_t i, k;
    if (!json_array_size(list)) return;
    double most = 0;
    json_array_foreach(list, i, g)
        json_array_foreach(json_object_get(g, "values"), k, v) most = fmax(most, an__number(v, "high"));
    char *lead = an_format("How often %s = %s in each group, with exact 95 %% limits (Clopper and Pearson 1934).", p->target, p->positive);
    an__section(&p->page, "balance", "Class balance", lead);
    free(lead);
    an_grid t = an__grid_open(&p->page, "balance", columns, AN_COUNT(columns));
    t.limit = 60;
    json_array_foreach(list, i, g) {
        json_array_foreach(json_object_get(g, "values"), k, v) {
            double low = an__number(v, "low"), high = an__number(v, "high"), share = an__number(v, "share");
            an_buf pic = { 0 };
            enum { BAR = 160 };
            if (most > 0)
                an_buf_printf(&pic,
                              "<svg viewBox=\"0 0 %d 14\" width=\"%d\" height=\"14\" role=\"img\" aria-label=\"share with limits\"><path "
                              "d=\"M%.1f 7H%.1f\" stroke=\"%s\" "
                              "stroke-width=\"2\"/><circle cx=\"%.1f\" cy=\"7\" r=\"4\" fill=\"%s\"/></svg>",
                              BAR, BAR, 4 + (BAR - 8) * low / most, 4 + (BAR - 8) * high / most, an__colour(AN__BLUE),
                              4 + (BAR - 8) * share / most, an__colour(AN__BLUE));
            char *small = an_format("%s to %s", an__share(low, 1).t, an__share(high, 1).t);
            an__grid_row(&t, NULL);
            an__grid_note(&t, an__string(v, "value"), an__string(g, "column"));
            an__grid_text(&t, an__string(g, "column"));
            an__grid_number(&t, an__number(v, "rows"));
            an__grid_number(&t, an__number(v, "positives"));
            an__grid_note(&t, an__share(share, 1).t, small);
            an__grid_number(&t, share);
            an__grid_number(&t, low);
            an__grid_number(&t, high);
            an__grid_picture(&t, &pic);
            an_buf_free(&pic);
            free(small);
        }
    }
    an_buf caption = { 0 };
    json_array_foreach(list, i, g)
        an_buf_printf(&caption, "%s%s: %s (chi-squared, p %s, Cram\u00e9r's V %s).", i ? " " : "", an__string(g, "column"),
                      an__number(g, "p") < 0.01 ? "not the same everywhere" : "no difference beyond chance",
                      an__value(an__number(g, "p")).t, an__real(an__number(g, "cramers_v"), 2).t);
    an__grid_close(&t, caption.data);
    an_buf_free(&caption);
}
