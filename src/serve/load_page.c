/* load_page.c - a load test as one HTML file: style and pictures inside, nothing from elsewhere. Draws what load_result.c wrote; knows
 * nothing of how it was measured. */
#include "serve/load.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char style[] =
    ":root{color-scheme:light}*{box-sizing:border-box}\n"
    "body{margin:0;background:#fff;color:#1b1b1b;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif}\n"
    "main{max-width:64rem;margin:0 auto;padding:1.5rem 1.25rem 4rem}\n"
    "h1{font-size:1.9rem;line-height:1.2;margin:.2rem 0 .4rem;overflow-wrap:anywhere}\n"
    "h2{font-size:1.25rem;margin:2.4rem 0 .4rem;padding-top:.6rem;border-top:2px solid #1b1b1b}\n"
    "p{margin:.4rem 0;max-width:50rem}.small{font-size:.87rem;color:#444}\n"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(12rem,1fr));gap:.8rem;margin:1.2rem 0}\n"
    ".tile{border:1px solid #bbb;border-left:5px solid #0072B2;border-radius:4px;padding:.5rem .8rem}\n"
    ".tile b{display:block;font-size:1.25rem;font-variant-numeric:tabular-nums}.tile span{color:#444;font-size:.9rem}\n"
    ".fail{border-left-color:#D55E00}.pass{border-left-color:#009E73}\n"
    ".note{border:1px solid #bbb;border-left:5px solid #E69F00;border-radius:4px;padding:.5rem .8rem;margin:.6rem 0}\n"
    "svg{max-width:100%;height:auto;display:block}text{font-size:12px;fill:#333}\n"
    ".grid{stroke:#ddd;fill:none}.axis{stroke:#555;fill:none}.limit{stroke:#1b1b1b;stroke-dasharray:5 4;fill:none}.out{fill:#eee}\n"
    ".key{margin-right:1.2rem;font-size:.87rem;white-space:nowrap}.key i{display:inline-block;width:1.4rem;border-top:3px "
    "solid;margin-right:.35rem;"
    "vertical-align:middle}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{padding:.25rem 1rem .25rem 0;text-align:left;border-bottom:1px "
    "solid "
    "#ddd;overflow-wrap:anywhere}td.n,th.n{text-align:right}\n"
    "@media print{@page{size:A4}main{max-width:none;padding:0}svg,.tile,table{break-inside:avoid}h2{break-after:avoid}}\n";

static void escape(an_buf *b, const char *text)
{
    for (; *text; text++)
        if (*text == '<')
            an_buf_puts(b, "&lt;");
        else if (*text == '>')
            an_buf_puts(b, "&gt;");
        else if (*text == '&')
            an_buf_puts(b, "&amp;");
        else if (*text == '"')
            an_buf_puts(b, "&quot;");
        else
            an_buf_putc(b, *text);
}

static double at(const json_t *j, const char *a, const char *b)
{
    return an_json_number(b ? json_object_get(json_object_get(j, a), b) : json_object_get(j, a), NAN);
}

static char *amount(double x, char text[32])
{
    if (isnan(x))
        snprintf(text, 32, "-");
    else
        snprintf(text, 32, "%.*f",
                 x == 0 || fabs(x) >= 100 || x == round(x) ? 0
                 : fabs(x) >= 10                           ? 1
                 : fabs(x) >= 1                            ? 2
                                                           : 3,
                 x + 0.0); /* not "-0" */
    return text;
}

/* ---- a plot ---- */

enum { WIDTH = 920, HEIGHT = 250, LEFT = 64, RIGHT = 16, TOP = 14, BOTTOM = 40, LINES = 3 };
typedef struct plot {
    const char *x_name, *y_name;
    double x0, x1, y1; /* y from 0 */
    size_t n, lines;
    const double *x, *y[LINES];
    const char *name[LINES];
    double limit, left_out; /* a level; what is shaded from the left; NaN: none */
    bool steps;             /* whole numbers that hold until the next */
} plot;
static const char *const colours[LINES] = { "#0072B2", "#D55E00", "#009E73" }, *const dashes[LINES] = { "", "6 3", "2 3" };

static double px(const plot *p, double x)
{
    return LEFT + (x - p->x0) / (p->x1 - p->x0) * (WIDTH - LEFT - RIGHT);
}

static double py(const plot *p, double y)
{
    return HEIGHT - BOTTOM - y / p->y1 * (HEIGHT - TOP - BOTTOM);
}

/* 1, 2 or 5 times a power of ten, about `wanted` of them in the range */
static double round_step(double range, int wanted)
{
    double raw = range / wanted, ten = pow(10, floor(log10(raw))), of = raw / ten;
    return ten * (of < 1.5 ? 1 : of < 3.5 ? 2 : of < 7.5 ? 5 : 10);
}

static void ticks(an_buf *b, plot *p)
{
    char text[32];
    if (!(p->x1 > p->x0)) p->x1 = p->x0 + 1;
    if (!(p->y1 > 0)) p->y1 = 1;
    double sy = round_step(p->y1, 4), sx = round_step(p->x1 - p->x0, 10);
    if (p->steps && sy < 1) sy = 1;
    p->y1 = ceil(p->y1 / sy - 1e-9) * sy;
    if (p->left_out > p->x0)
        an_buf_printf(b, "<rect class=\"out\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>", LEFT, TOP,
                      px(p, fmin(p->left_out, p->x1)) - LEFT, HEIGHT - TOP - BOTTOM);
    for (double y = 0; y <= p->y1 * (1 + 1e-9); y += sy)
        an_buf_printf(b, "<path class=\"%s\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>",
                      y > 0 ? "grid" : "axis", LEFT, py(p, y), WIDTH - RIGHT, LEFT - 6, py(p, y) + 4, amount(y, text));
    for (double x = ceil(p->x0 / sx - 1e-9) * sx; x <= p->x1 + sx * 1e-6; x += sx)
        an_buf_printf(b, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>", px(p, x), HEIGHT - BOTTOM + 16, amount(x, text));
    an_buf_printf(b, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>", (WIDTH + LEFT) / 2, HEIGHT - 6, p->x_name);
    an_buf_printf(b, "<text transform=\"translate(14 %d) rotate(-90)\" text-anchor=\"middle\">%s</text>", (HEIGHT - BOTTOM + TOP) / 2,
                  p->y_name);
}

static void draw(an_buf *b, plot *p, const char *what)
{
    double highest = 0;
    for (size_t k = 0; k < p->lines; k++)
        for (size_t i = 0; i < p->n; i++)
            if (p->y[k][i] > highest) highest = p->y[k][i];
    if (!(p->y1 > 0)) p->y1 = highest;
    if (p->limit > p->y1 && p->limit < 3 * p->y1) p->y1 = p->limit;
    an_buf_printf(b, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">", WIDTH, HEIGHT, what);
    ticks(b, p);
    if (p->limit <= p->y1)
        an_buf_printf(b, "<path class=\"limit\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">limit of the p95</text>",
                      LEFT, py(p, p->limit), WIDTH - RIGHT, WIDTH - RIGHT - 4, py(p, p->limit) - 5);
    for (size_t k = 0; k < p->lines; k++) {
        an_buf_puts(b, "<path fill=\"none\" d=\"");
        bool pen = false;
        for (size_t i = 0; i < p->n; i++) {
            if (isfinite(p->y[k][i])) {
                if (p->steps && pen) an_buf_printf(b, "H%.1f", px(p, p->x[i]));
                an_buf_printf(b, "%c%.1f %.1f", pen ? 'L' : 'M', px(p, p->x[i]), py(p, p->y[k][i]));
            }
            pen = isfinite(p->y[k][i]);
        }
        an_buf_printf(b,
                      "\" stroke=\"%s\" stroke-width=\"1.8\" stroke-linejoin=\"round\" stroke-linecap=\"round\" stroke-dasharray=\"%s\"/>",
                      colours[k], dashes[k]);
    }
    an_buf_puts(b, "</svg>\n<p>");
    for (size_t k = 0; k < p->lines; k++)
        an_buf_printf(b, "<span class=\"key\"><i style=\"border-color:%s;border-top-style:%s\"></i>%s</span>", colours[k],
                      dashes[k][0] ? "dashed" : "solid", p->name[k]);
    an_buf_puts(b, "</p>\n");
}

/* ---- sections ---- */

static void tile(an_buf *b, const char *css, double value, const char *unit, const char *what)
{
    char text[32];
    an_buf_printf(b, "<div class=\"tile %s\"><b>%s%s</b><span>%s</span></div>\n", css, amount(value, text), isnan(value) ? "" : unit, what);
}

static void front(an_buf *b, const json_t *r)
{
    const char *verdict = an_json_string(r, "verdict", NULL);
    char text[32];
    size_t i;
    const json_t *w;
    an_buf_puts(b, "<h1>Load test of ");
    escape(b, an_json_string(r, "model", ""));
    an_buf_puts(b, "</h1>\n<p>");
    escape(b, an_json_string(r, "url", ""));
    an_buf_printf(b, ": %g requests a second for %g seconds, %s, from %.0f users over %.0f connections. ", at(r, "rate", NULL),
                  at(r, "seconds", NULL),
                  strcmp(an_json_string(r, "arrivals", ""), "poisson") ? "evenly spaced" : "at random times (Poisson)",
                  at(r, "users", NULL), at(r, "connections", NULL));
    an_buf_printf(b, "The %g seconds before (users joining, warm-up) are left out of all numbers here.</p>\n",
                  at(r, "left_out", "ramp_s") + at(r, "left_out", "warmup_s"));
    if (json_is_true(json_object_get(r, "interrupted"))) an_buf_puts(b, "<p class=\"note\">It was stopped early.</p>\n");
    an_buf_puts(b, "<div class=\"tiles\">\n");
    if (verdict) {
        const char *name = strcmp(verdict, "pass") ? "fail" : "pass";
        an_buf_printf(b,
                      "<div class=\"tile %s\"><b>%s</b><span>limit: p95 of %s ms; what got no right answer counts as late</span></div>\n",
                      name, name, amount(at(r, "limit", "p95_ms"), text));
    }
    tile(b, "", at(r, "latency_ms", "p50"), " ms", "half of the answers came within (p50)");
    tile(b, "", at(r, "latency_ms", "p95"), " ms", "95 of 100 came within (p95)");
    tile(b, "", at(r, "latency_ms", "p99"), " ms", "99 of 100 came within (p99)");
    tile(b, "", at(r, "achieved", NULL), "/s", "right answers");
    tile(b, at(r, "errors", NULL) > 0 ? "fail" : "", at(r, "errors", NULL), "", "requests without a right answer");
    tile(b, "", at(json_object_get(r, "server"), "cpu", "mean"), "", "processors busy in the server");
    tile(b, "", at(json_object_get(r, "server"), "memory_mb", "max"), " MB", "memory of the server, at most");
    an_buf_puts(b, "</div>\n");
    json_array_foreach(json_object_get(r, "warnings"), i, w) {
        an_buf_puts(b, "<p class=\"note\">");
        escape(b, json_string_value(w));
        an_buf_puts(b, "</p>\n");
    }
}

static double *column(const json_t *series, const char *key)
{
    size_t i, n = json_array_size(series);
    const json_t *s;
    double *y = an_alloc_n(n + 1, sizeof *y);
    json_array_foreach(series, i, s) y[i] = an_json_number(json_object_get(s, key), NAN);
    return y;
}

static bool any(const double *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (isfinite(y[i])) return true;
    return false;
}

static void course(an_buf *b, const json_t *r)
{
    const json_t *s = json_object_get(r, "series");
    size_t n = json_array_size(s);
    if (!n) return;
    static const char *const keys[] = { "t_s", "p50_ms", "p99_ms", "rate", "errors", "cpu", "memory_mb", "replicas", "users" };
    double *y[AN_COUNT(keys)];
    for (size_t k = 0; k < AN_COUNT(keys); k++) y[k] = column(s, keys[k]);
    plot p = { .x_name = "seconds", .x1 = y[0][n - 1], .n = n, .x = y[0], .limit = NAN };
    p.left_out = at(r, "left_out", "ramp_s") + at(r, "left_out", "warmup_s");
    an_buf_puts(
        b, "<h2>Latency</h2>\n<p class=\"small\">From the moment a request was due to its answer, by the second in which the answer came. "
           "Grey: left out.</p>\n");
    plot q = p;
    q.y_name = "ms", q.lines = 2, q.y[0] = y[1], q.y[1] = y[2], q.name[0] = "p50", q.name[1] = "p99", q.limit = at(r, "limit", "p95_ms");
    draw(b, &q, "Latency by second");
    an_buf_puts(b, "<h2>Answers</h2>\n");
    q = p;
    q.y_name = "a second", q.lines = 2, q.y[0] = y[3], q.y[1] = y[4], q.name[0] = "right answers", q.name[1] = "errors";
    draw(b, &q, "Answers by second");
    if (any(y[5], n)) {
        an_buf_puts(b, "<h2>Processors</h2>\n<p class=\"small\">Busy with the server's processes; this program is not among them.</p>\n");
        q = p;
        q.y_name = "processors", q.lines = 1, q.y[0] = y[5], q.name[0] = "processors";
        draw(b, &q, "Processors by second");
    }
    if (any(y[6], n)) {
        an_buf_puts(b, "<h2>Memory</h2>\n");
        q = p;
        q.y_name = "MB", q.lines = 1, q.y[0] = y[6], q.name[0] = "resident memory of the server's processes";
        draw(b, &q, "Memory by second");
    }
    if (any(y[7], n)) {
        an_buf_puts(b, "<h2>Replicas</h2>\n");
        q = p;
        q.y_name = "replicas", q.lines = 1, q.y[0] = y[7], q.name[0] = "worker processes that are ready", q.steps = true;
        draw(b, &q, "Replicas by second");
    }
    for (size_t k = 0; k < AN_COUNT(keys); k++) free(y[k]);
}

/* Share of the rows by second of the first slots. */
static void shares_by_second(an_buf *b, const json_t *r)
{
    const json_t *series = json_object_get(r, "series"), *s, *rows;
    size_t i, k, n = json_array_size(series), most = 0;
    json_array_foreach(series, i, s)
        if (json_array_size(json_object_get(s, "replica_rows")) > most) most = json_array_size(json_object_get(s, "replica_rows"));
    if (most < 2) return;
    static const char *const names[LINES] = { "replica 0", "replica 1", "replica 2" };
    double *x = column(series, "t_s");
    plot p = { .x_name = "seconds", .y_name = "% of the rows", .x1 = x[n - 1], .y1 = 100, .n = n, .x = x, .limit = NAN, .left_out = NAN };
    p.lines = most < LINES ? most : LINES;
    double *share[LINES];
    for (k = 0; k < p.lines; k++) {
        p.y[k] = share[k] = an_alloc_n(n, sizeof *share[k]);
        p.name[k] = names[k];
    }
    json_array_foreach(series, i, s) {
        double all = 0;
        rows = json_object_get(s, "replica_rows");
        for (k = 0; k < json_array_size(rows); k++) all += an_json_number(json_array_get(rows, k), 0);
        for (k = 0; k < p.lines; k++) share[k][i] = all > 0 ? 100 * an_json_number(json_array_get(rows, k), 0) / all : NAN;
    }
    draw(b, &p, "Share of the rows by second");
    for (k = 0; k < p.lines; k++) free(share[k]);
    free(x);
}

static void shares(an_buf *b, const json_t *r)
{
    const json_t *list = json_object_get(json_object_get(r, "replicas"), "share"), *s;
    size_t i;
    char text[32];
    if (!json_array_size(list)) return;
    shares_by_second(b, r);
    an_buf_puts(b, "<table><tr><th>replica</th><th class=\"n\">rows</th><th class=\"n\">share</th></tr>\n");
    json_array_foreach(list, i, s)
        an_buf_printf(b, "<tr><td>%.0f</td><td class=\"n\">%.0f</td><td class=\"n\">%s %%</td></tr>\n", at(s, "replica", NULL),
                      at(s, "rows", NULL), amount(100 * at(s, "share", NULL), text));
    an_buf_puts(b, "</table>\n");
}

/* Time by share of requests; the axis stretches towards the slow end: 90 %, 99 %, 99.9 % are equally far apart. */
static void distribution(an_buf *b, const json_t *r)
{
    const json_t *list = json_object_get(r, "distribution"), *pair;
    size_t i, n = 0, count = json_array_size(list);
    double answers = at(r, "ok", NULL);
    if (!count || !(answers > 0)) return;
    double *x = an_alloc_n(count, sizeof *x), *y = an_alloc_n(count, sizeof *y);
    json_array_foreach(list, i, pair) {
        double q = an_json_number(json_array_get(pair, 0), 1);
        if ((1 - q) * answers < 1) continue; /* fewer than one request is beyond it: the largest says as much */
        x[n] = -log10(1 - q);
        y[n++] = an_json_number(json_array_get(pair, 1), NAN);
    }
    an_buf_puts(b,
                "<h2>Distribution</h2>\n<p class=\"small\">Latency that a share of the answers stayed within. On the axis: 1 is 90 %, 2 is "
                "99 %, 3 is 99.9 %.</p>\n");
    plot p = { .x_name = "nines", .y_name = "ms", .x1 = n ? x[n - 1] : 1, .n = n, .lines = 1, .x = x, .limit = NAN, .left_out = NAN };
    p.y[0] = y;
    p.name[0] = "latency";
    draw(b, &p, "Latency by share of requests");
    free(x);
    free(y);
}

static void numbers(an_buf *b, const json_t *r)
{
    static const char *const names[] = { "p50", "p95", "p99", "p999", "max", "mean" };
    char text[32];
    an_buf_puts(b, "<h2>Numbers</h2>\n<table><tr><th>ms</th>");
    for (size_t i = 0; i < AN_COUNT(names); i++) an_buf_printf(b, "<th class=\"n\">%s</th>", names[i]);
    an_buf_puts(b, "</tr>\n<tr><td>latency, from due</td>");
    for (size_t i = 0; i < AN_COUNT(names); i++) an_buf_printf(b, "<td class=\"n\">%s</td>", amount(at(r, "latency_ms", names[i]), text));
    an_buf_puts(b, "</tr>\n<tr><td>of these, from sent</td>");
    for (size_t i = 0; i < AN_COUNT(names); i++) an_buf_printf(b, "<td class=\"n\">%s</td>", amount(at(r, "service_ms", names[i]), text));
    an_buf_puts(b, "</tr></table>\n");
    const json_t *kinds = json_object_get(r, "errors_by_kind"), *e;
    size_t i;
    if (!json_array_size(kinds)) return;
    an_buf_puts(b, "<h2>Errors</h2>\n<table><tr><th>kind</th><th class=\"n\">times</th><th>the first</th></tr>\n");
    json_array_foreach(kinds, i, e) {
        an_buf_puts(b, "<tr><td>");
        escape(b, an_json_string(e, "kind", ""));
        an_buf_printf(b, "</td><td class=\"n\">%.0f</td><td>", at(e, "count", NULL));
        escape(b, an_json_string(e, "first", ""));
        an_buf_puts(b, "</td></tr>\n");
    }
    an_buf_puts(b, "</table>\n");
}

bool an__load_page(const json_t *r, const char *path, an_error *err)
{
    an_buf b = { 0 };
    an_buf_puts(&b, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                    "content=\"width=device-width,initial-scale=1\"><title>Load test</title>\n<style>\n");
    an_buf_puts(&b, style);
    an_buf_puts(&b, "</style></head><body><main>\n");
    front(&b, r);
    course(&b, r);
    shares(&b, r);
    distribution(&b, r);
    numbers(&b, r);
    an_buf_puts(&b, "</main></body></html>\n");
    bool ok = an_file_write(path, b.data, b.size, err);
    an_buf_free(&b);
    return ok;
}
