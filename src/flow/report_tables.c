/* report_tables.c - text, numbers and tables of the report: every table is written once, and comes out as HTML and as CSV. */
#include "flow/report.h"

#include "andon/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const an__report_table_names[] = {
    "summary", "per-1000",  "metrics",       "fidelity",   "fidelity-more", "fidelity-columns", "curves",
    "map",     "compare",   "compare-moved", "confusion",  "threshold",     "threshold-curve",  "coefficients",
    "columns", "set-aside", "categories",    "histograms", "provenance",    "settings",         NULL
};

/* ---- JSON --------------------------------------------------------------------------------------------------------------------------- */

const json_t *an__at(const json_t *j, const char *path)
{
    char key[64];
    while (j && *path) {
        size_t n = strcspn(path, ".");
        if (n >= sizeof key) return NULL;
        memcpy(key, path, n);
        key[n] = '\0';
        j = json_object_get(j, key);
        path += n + (path[n] == '.');
    }
    return j;
}

double an__number(const json_t *j, const char *path)
{
    return an_json_number(an__at(j, path), NAN);
}

const char *an__string(const json_t *j, const char *path)
{
    const char *text = json_string_value(an__at(j, path));
    return text ? text : "";
}

/* ---- text --------------------------------------------------------------------------------------------------------------------------- */

void an__html(an_buf *b, const char *text)
{
    for (const char *c = text ? text : ""; *c; c++) {
        switch (*c) {
        case '&':
            an_buf_puts(b, "&amp;");
            break;
        case '<':
            an_buf_puts(b, "&lt;");
            break;
        case '>':
            an_buf_puts(b, "&gt;");
            break;
        case '"':
            an_buf_puts(b, "&quot;");
            break;
        case '\'':
            an_buf_puts(b, "&#39;");
            break;
        default:
            an_buf_putc(b, (unsigned char)*c < 0x20 || *c == 0x7f ? ' ' : *c); /* control characters have no place in a page */
        }
    }
}

void an__htmlf(an_buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) return;
    char *text = an_alloc((size_t)n + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)n + 1, format, args);
    va_end(args);
    an__html(b, text);
    free(text);
}

/* A hyphen that is a sign becomes one. */
static an_shown shown(const char *plain)
{
    an_shown s;
    snprintf(s.t, sizeof s.t, "%s%s", *plain == '-' ? "\u2212" : "", plain + (*plain == '-'));
    return s;
}

an_shown an__real(double v, int digits)
{
    char t[40];
    if (!isfinite(v)) return shown("\u2013");
    if (fabs(v) >= 1e12)
        snprintf(t, sizeof t, "%.3e", v);
    else
        snprintf(t, sizeof t, "%.*f", digits, v);
    if (*t == '-' && strspn(t, "-0.") == strlen(t)) memmove(t, t + 1, strlen(t)); /* no minus zero */
    return shown(t);
}

an_shown an__count(double v)
{
    if (!isfinite(v) || fabs(v) >= 1e15) return an__real(v, 0);
    char plain[24], t[40];
    int n = snprintf(plain, sizeof plain, "%.0f", fabs(v)), at = 0;
    if (v <= -0.5) t[at++] = '-';
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0) t[at++] = ',';
        t[at++] = plain[i];
    }
    t[at] = '\0';
    return shown(t);
}

an_shown an__few(double v)
{
    return fabs(v) < 99.95 && v != 0 ? an__real(v, 1) : an__count(v);
}

an_shown an__share(double v, int digits)
{
    an_shown s = an__real(100 * v, digits);
    if (isfinite(v)) strncat(s.t, "\u00a0%", sizeof s.t - strlen(s.t) - 1);
    return s;
}

an_shown an__score(double v)
{
    bool edge = (v > 0 && v < 0.001) || (v > 0.999 && v < 1); /* not to be taken for 0 or 1 */
    char t[40];
    if (!edge) return an__real(v, 3);
    snprintf(t, sizeof t, v > 0.5 ? "%.6g" : "%.2g", v);
    return shown(t);
}

an_shown an__value(double v)
{
    char t[40];
    if (!isfinite(v)) return shown("\u2013");
    double size = fabs(v);
    if (size != 0 && (size >= 1e7 || size < 1e-4))
        snprintf(t, sizeof t, "%.2e", v);
    else if (size >= 1000)
        return an__count(v);
    else
        snprintf(t, sizeof t, "%.4g", v);
    return shown(t);
}

/* ---- tables ------------------------------------------------------------------------------------------------------------------------- */

void an__report_tables_free(an_report_tables *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->items[i].name);
        an_buf_free(&t->items[i].text);
    }
    free(t->items);
    *t = (an_report_tables){ 0 };
}

static void csv_field(an_grid *g, const char *text)
{
    if (g->csv.size && g->csv.data[g->csv.size - 1] != '\n') an_buf_putc(&g->csv, ',');
    if (*text)
        an_csv_quote(&g->csv, text);
    else if (!g->csv.size || g->csv.data[g->csv.size - 1] == '\n')
        an_buf_puts(&g->csv, "\"\""); /* an empty first field is a field */
}

static void csv_number(an_grid *g, double v)
{
    char t[32];
    csv_field(g, isfinite(v) ? an_real_text(v, t) : "");
}

an_grid an__grid_open(an_page *p, const char *name, const an_grid_column *column, int columns)
{
    an_grid g = { .page = p, .name = name, .column = column, .columns = columns };
    static const char *const parts[] = { "", "_sd", "_low", "_high" };
    for (int i = 0; i < columns; i++) {
        if (!column[i].csv) continue;
        for (int k = 0; k < (column[i].kind == AN__INTERVAL ? 4 : 1); k++) {
            char *title = an_format("%s%s", column[i].csv, parts[k]);
            csv_field(&g, title);
            free(title);
        }
    }
    an_buf_putc(&g.csv, '\n');
    return g;
}

static bool on_page(const an_grid *g)
{
    return !g->limit || g->rows <= g->limit;
}

static void end_row(an_grid *g)
{
    if (!g->rows) return;
    if (on_page(g)) an_buf_puts(&g->body, "</tr>\n");
    an_buf_putc(&g->csv, '\n');
}

void an__grid_row(an_grid *g, const char *css_class)
{
    end_row(g);
    g->rows++;
    g->at = 0;
    if (!on_page(g)) return;
    an_buf_puts(&g->body, "<tr");
    if (css_class) an_buf_printf(&g->body, " class=\"%s\"", css_class);
    an_buf_putc(&g->body, '>');
}

/* The next column; cells are put in the order of the columns. */
static const an_grid_column *next(an_grid *g)
{
    static const an_grid_column nothing = { NULL, NULL, AN__TEXT, 0 };
    return g->at < g->columns ? &g->column[g->at++] : &nothing;
}

/* Long names of columns may break after their joints, and lose their middle; the CSV has them whole. */
static void row_name(an_buf *b, const char *text)
{
    enum { LONGEST = 48 };
    char *cut = an__shortened(text, LONGEST);
    an_buf part = { 0 };
    for (const char *c = cut; *c; c++) {
        an_buf_putc(&part, *c);
        if (!strchr("_.-/=:", *c)) continue;
        an__html(b, part.data);
        an_buf_puts(b, "<wbr>");
        an_buf_clear(&part);
    }
    if (part.size) an__html(b, part.data);
    an_buf_free(&part);
    free(cut);
}

static void cell(an_grid *g, const an_grid_column *c, const char *text, const char *small)
{
    if (!c->title || !on_page(g)) return;
    bool first = c == g->column;
    an_buf_puts(&g->body, first ? "<th scope=\"row\">" : c->kind == AN__TEXT ? "<td>" : "<td class=\"n\">");
    if (first)
        row_name(&g->body, text);
    else
        an__html(&g->body, text);
    if (small && *small) {
        an_buf_puts(&g->body, "<small>");
        an__html(&g->body, small);
        an_buf_puts(&g->body, "</small>");
    }
    an_buf_puts(&g->body, first ? "</th>" : "</td>");
}

void an__grid_text(an_grid *g, const char *text)
{
    an__grid_note(g, text, NULL);
}

void an__grid_note(an_grid *g, const char *text, const char *small)
{
    const an_grid_column *c = next(g);
    if (c->csv) csv_field(g, text);
    cell(g, c, text, small);
}

static an_shown number_shown(const an_grid_column *c, double v)
{
    switch (c->kind) {
    case AN__COUNT:
        return an__count(v);
    case AN__SHARE:
        return an__share(v, c->digits);
    case AN__VALUE:
        return an__value(v);
    case AN__SCORE:
        return an__score(v);
    default:
        return c->digits < 0 ? an__few(v) : an__real(v, c->digits);
    }
}

void an__grid_number(an_grid *g, double v)
{
    const an_grid_column *c = next(g);
    if (c->csv) csv_number(g, v);
    cell(g, c, number_shown(c, v).t, NULL);
}

void an__grid_interval(an_grid *g, const json_t *interval, bool share)
{
    const an_grid_column *c = next(g);
    double mean = an__number(interval, json_object_get(interval, "mean") ? "mean" : "value"), sd = an__number(interval, "sd");
    double low = an__number(interval, "low"), high = an__number(interval, "high");
    if (c->csv) {
        csv_number(g, mean);
        csv_number(g, sd);
        csv_number(g, low);
        csv_number(g, high);
    }
    if (share && isfinite(low) && isfinite(high)) {
        low = fmax(low, 0);
        high = fmin(high, 1);
    }
    char small[100] = "";
    if (isfinite(low) && isfinite(high))
        snprintf(small, sizeof small, low < 0 ? "%s to %s" : "%s\u2013%s", an__real(low, c->digits).t, an__real(high, c->digits).t);
    cell(g, c, an__real(mean, c->digits).t, small);
}

void an__grid_picture(an_grid *g, const an_buf *svg)
{
    const an_grid_column *c = next(g);
    if (!c->title || !on_page(g)) return;
    an_buf_puts(&g->body, "<td class=\"p\">");
    if (svg->size) an_buf_add(&g->body, svg->data, svg->size);
    an_buf_puts(&g->body, "</td>");
}

static void link_csv(const an_grid *g, const char *text)
{
    an_buf *b = g->page->html;
    an_buf_printf(b, " <a class=\"csv\" href=\"%s/%s.csv\">", g->page->href, g->name);
    an__html(b, text);
    an_buf_puts(b, "</a>");
}

static void keep_csv(an_grid *g)
{
    an_report_tables *t = g->page->tables;
    t->items = an_resize_n(t->items, t->count + 1, sizeof *t->items);
    t->items[t->count++] = (an_report_csv){ an_strdup(g->name), g->csv };
    an_buf_free(&g->body);
    g->csv = (an_buf){ 0 };
}

void an__grid_close(an_grid *g, const char *caption)
{
    an_buf *b = g->page->html;
    end_row(g);
    enum { WHOLE = 16 }; /* rows of a table that is not broken over two pages */
    an_buf_printf(b, "<figure class=\"table %s%s\"><figcaption>", g->name, g->rows <= WHOLE ? " whole" : "");
    an__html(b, caption);
    if (g->limit && g->rows > g->limit) an__htmlf(b, " The first %zu of %zu rows; all of them:", g->limit, g->rows);
    link_csv(g, "CSV");
    an_buf_puts(b, "</figcaption>\n<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>");
    for (int i = 0; i < g->columns; i++) {
        if (!g->column[i].title) continue;
        an_buf_puts(b, g->column[i].kind == AN__TEXT || g->column[i].kind == AN__PICTURE ? "<th scope=\"col\">"
                                                                                         : "<th scope=\"col\" class=\"n\">");
        an__html(b, g->column[i].title);
        an_buf_puts(b, "</th>");
    }
    an_buf_puts(b, "</tr></thead>\n<tbody>");
    if (g->body.size) an_buf_add(b, g->body.data, g->body.size);
    an_buf_puts(b, "</tbody></table></div></figure>\n");
    keep_csv(g);
}

void an__grid_close_csv(an_grid *g, const char *link)
{
    end_row(g);
    an_buf_puts(g->page->html, "<p class=\"csvline\">");
    link_csv(g, link);
    an_buf_puts(g->page->html, "</p>\n");
    keep_csv(g);
}
