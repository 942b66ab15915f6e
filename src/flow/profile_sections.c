/* profile_sections.c - sections of a profile: limits and capability, what changed over time, missing cells, the target, correlations, rows
 * that repeat. */
#include "flow/profile_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- limits ------------------------------------------------------------------------------------------------------------------------- */

void an__profile_limits(an_profile_page *p)
{
    static const an_grid_column columns[] = {
        { "column", "name", AN__TEXT, 0 },        { "", NULL, AN__PICTURE, 0 },       { "limits", NULL, AN__TEXT, 0 },
        { NULL, "low", AN__NUMBER, 0 },           { NULL, "high", AN__NUMBER, 0 },    { "below", "below", AN__COUNT, 0 },
        { "above", "above", AN__COUNT, 0 },       { "Cp", "cp", AN__INTERVAL, 2 },    { "Cpk", "cpk", AN__INTERVAL, 2 },
        { "Pp", "pp", AN__INTERVAL, 2 },          { "Ppk", "ppk", AN__INTERVAL, 2 },  { NULL, "sigma_within", AN__NUMBER, 0 },
        { NULL, "sigma_overall", AN__NUMBER, 0 }, { NULL, "within_by", AN__TEXT, 0 },
    };
    static const char *const indices[] = { "cp", "cpk", "pp", "ppk" };
    const json_t *c;
    size_t i, n = 0;
    json_array_foreach(json_object_get(p->j, "columns"), i, c) n += json_object_get(c, "capability") != NULL;
    if (!n) return;
    an__section(&p->page, "limits", "Specification limits",
                "Cpk tells what the process could do if its level stayed; Ppk what it did. 1.33 is the usual demand, under 1.00 parts are "
                "made outside. Below each its 95 % interval.");
    an_grid g = an__grid_open(&p->page, "capability", columns, AN_COUNT(columns));
    g.limit = 60;
    json_array_foreach(json_object_get(p->j, "columns"), i, c) {
        const json_t *k = json_object_get(c, "capability");
        if (!k) continue;
        an_buf picture = { 0 };
        an__profile_histogram(&picture, c);
        double low = an__number(k, "low"), high = an__number(k, "high");
        char *limits = isnan(low)    ? an_format("at most %s", an__value(high).t)
                       : isnan(high) ? an_format("at least %s", an__value(low).t)
                                     : an_format("%s to %s", an__value(low).t, an__value(high).t);
        an__grid_row(&g, NULL);
        an__grid_note(&g, an__string(c, "name"), an__string(c, "unit"));
        an__grid_picture(&g, &picture);
        an__grid_text(&g, limits);
        an__grid_number(&g, low);
        an__grid_number(&g, high);
        an__grid_number(&g, an__number(k, "below"));
        an__grid_number(&g, an__number(k, "above"));
        for (size_t m = 0; m < AN_COUNT(indices); m++) an__grid_interval(&g, json_object_get(k, indices[m]), false);
        an__grid_number(&g, an__number(k, "sigma_within"));
        an__grid_number(&g, an__number(k, "sigma_overall"));
        an__grid_text(&g, an__string(k, "within_by"));
        free(limits);
        an_buf_free(&picture);
    }
    an__grid_close(&g, "Capability. Sigma within comes from the group column where there is one, else from moving ranges in order of time; "
                       "how, stands under Methods.");
}

/* ---- changes ------------------------------------------------------------------------------------------------------------------------ */

static void place_cells(an_grid *g, const json_t *place)
{
    const char *time = an__string(place, "time");
    char row[64];
    snprintf(row, sizeof row, "row %s", an__count(an__number(place, "row")).t);
    if (strlen(time) > 16 && time[10] == 'T') {
        char text[32];
        snprintf(text, sizeof text, "%.10s %.5s", time, time + 11);
        an__grid_note(g, text, row);
    } else {
        an__grid_note(g, *time ? time : row, *time ? row : NULL);
    }
    an__grid_number(g, an__number(place, "row"));
    an__grid_text(g, time);
}

typedef struct step_row {
    const json_t *column, *step;
    double size;
    size_t index;
} step_row;

static int largest_first(const void *a, const void *b)
{
    const step_row *x = a, *y = b;
    if (x->size != y->size) return x->size > y->size ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

void an__profile_changes(an_profile_page *p)
{
    static const an_grid_column stuck[] = { { "column", "column", AN__TEXT, 0 }, { "stuck at", "value", AN__VALUE, 0 },
                                            { "from", NULL, AN__TEXT, 0 },       { NULL, "from_row", AN__NUMBER, 0 },
                                            { NULL, "from_time", AN__TEXT, 0 },  { "to", NULL, AN__TEXT, 0 },
                                            { NULL, "to_row", AN__NUMBER, 0 },   { NULL, "to_time", AN__TEXT, 0 },
                                            { "rows", "rows", AN__COUNT, 0 },    { NULL, "expected", AN__NUMBER, 0 } };
    static const an_grid_column steps[] = { { "column", "column", AN__TEXT, 0 },   { "at", NULL, AN__TEXT, 0 },
                                            { NULL, "row", AN__NUMBER, 0 },        { NULL, "time", AN__TEXT, 0 },
                                            { "before", "before", AN__VALUE, 0 },  { "after", "after", AN__VALUE, 0 },
                                            { "in sd", "shift_sd", AN__NUMBER, 2 } };
    static const an_grid_column drifts[] = { { "column", "column", AN__TEXT, 0 },
                                             { "tau", "tau", AN__NUMBER, 2 },
                                             { "change in sd", "change_sd", AN__NUMBER, 2 },
                                             { NULL, "p", AN__NUMBER, 0 },
                                             { NULL, "drifts", AN__NUMBER, 0 } };
    enum { SHOWN = 15 };
    const json_t *columns = json_object_get(p->j, "columns"), *c, *x, *order = json_object_get(p->j, "order");
    size_t i, k, counts[3] = { 0 };
    an__section(&p->page, "changes", "Changes over time", NULL);
    an_buf *b = p->page.html;
    if (json_is_true(json_object_get(order, "sorted_by_target"))) {
        an_buf_puts(b, "<p class=\"missing\">The rows lie in the order of the target and no column tells the time, so nothing is said of "
                       "changes.</p>\n");
        return;
    }
    json_array_foreach(columns, i, c) {
        counts[0] += json_array_size(json_object_get(c, "stuck"));
        counts[1] += json_array_size(json_object_get(c, "steps"));
        counts[2] += json_is_true(an__at(c, "drift.drifts"));
    }
    an_buf_puts(b, "<p>");
    an__htmlf(b, "Over %s: %zu stuck value%s, %zu step%s, %zu column%s.",
              *an__string(order, "column") ? an__string(order, "column") : "the order of the rows", counts[0], counts[0] == 1 ? "" : "s",
              counts[1], counts[1] == 1 ? "" : "s", counts[2], counts[2] == 1 ? " that drifts" : "s that drift");
    an_buf_puts(b, "</p>\n");
    an_grid g = an__grid_open(&p->page, "stuck", stuck, AN_COUNT(stuck)), s = an__grid_open(&p->page, "steps", steps, AN_COUNT(steps)),
            d = an__grid_open(&p->page, "drift", drifts, AN_COUNT(drifts));
    g.limit = s.limit = SHOWN;
    step_row *largest = an_alloc_n(counts[1] + 1, sizeof *largest);
    size_t n = 0;
    json_array_foreach(columns, i, c) {
        json_array_foreach(json_object_get(c, "stuck"), k, x) {
            an__grid_row(&g, NULL);
            an__grid_note(&g, an__string(c, "name"), an__string(c, "station"));
            an__grid_number(&g, an__number(x, "value"));
            place_cells(&g, json_object_get(x, "from"));
            place_cells(&g, json_object_get(x, "to"));
            an__grid_number(&g, an__number(x, "rows"));
            an__grid_number(&g, an__number(x, "expected"));
        }
        json_array_foreach(json_object_get(c, "steps"), k, x) {
            largest[n] = (step_row){ c, x, fabs(an__number(x, "shift_sd")), n };
            n++;
        }
        x = json_object_get(c, "drift");
        if (!x) continue;
        an__grid_row(&d, NULL);
        an__grid_text(&d, an__string(c, "name"));
        an__grid_number(&d, an__number(x, "tau"));
        an__grid_number(&d, an__number(x, "change_sd"));
        an__grid_number(&d, an__number(x, "p"));
        an__grid_number(&d, json_is_true(json_object_get(x, "drifts")));
    }
    qsort(largest, n, sizeof *largest, largest_first);
    for (i = 0; i < n; i++) {
        an__grid_row(&s, NULL);
        an__grid_note(&s, an__string(largest[i].column, "name"), an__string(largest[i].column, "station"));
        place_cells(&s, json_object_get(largest[i].step, "at"));
        an__grid_number(&s, an__number(largest[i].step, "before"));
        an__grid_number(&s, an__number(largest[i].step, "after"));
        an__grid_number(&s, an__number(largest[i].step, "shift_sd"));
    }
    free(largest);
    if (counts[0])
        an__grid_close(&g, "Stuck values: the same reading over and over, far longer than this column does otherwise.");
    else
        an__grid_close_csv(&g, "Stuck values as CSV");
    if (counts[1])
        an__grid_close(&s, "Steps of the level, the largest first.");
    else
        an__grid_close_csv(&s, "Steps as CSV");
    an__grid_close_csv(&d, "Drift of every column as CSV");
}

/* ---- missing cells ------------------------------------------------------------------------------------------------------------------ */

void an__profile_gaps(an_profile_page *p)
{
    static const an_grid_column stations[] = {
        { "station", "station", AN__TEXT, 0 }, { "columns", "columns", AN__COUNT, 0 }, { "missing cells", "missing", AN__COUNT, 0 },
        { NULL, "cells", AN__NUMBER, 0 },      { "share", NULL, AN__SHARE, 1 },        { NULL, "share", AN__NUMBER, 0 }
    };
    static const an_grid_column groups[] = { { "group", "group", AN__TEXT, 0 },     { "columns", NULL, AN__TEXT, 0 },
                                             { NULL, "first_column", AN__TEXT, 0 }, { "how many", "columns", AN__COUNT, 0 },
                                             { "rows", "rows", AN__COUNT, 0 },      { "where", "where", AN__TEXT, 0 } };
    const json_t *m = json_object_get(p->j, "missing"), *x;
    size_t i, k;
    an__section(&p->page, "missing", "Missing cells", NULL);
    an_buf *b = p->page.html;
    if (!(an__number(m, "share") > 0)) {
        an_buf_puts(b, "<p>No cell of a column in use is missing.</p>\n");
        return;
    }
    an_buf_puts(b, "<p>");
    an__htmlf(b, "%s of the cells are missing; %s of %s rows are complete.", an__share(an__number(m, "share"), 1).t,
              an__count(an__number(m, "complete_rows")).t, an__count(an__number(p->j, "rows")).t);
    an_buf_puts(b, "</p>\n");
    const json_t *list = json_object_get(m, "stations");
    if (json_array_size(list)) {
        an_grid g = an__grid_open(&p->page, "missing-stations", stations, AN_COUNT(stations));
        g.limit = 30;
        json_array_foreach(list, i, x) {
            an__grid_row(&g, NULL);
            an__grid_note(&g, an__string(x, "station"), json_is_true(json_object_get(x, "declared")) ? NULL : "columns named so");
            an__grid_number(&g, an__number(x, "columns"));
            an__grid_number(&g, an__number(x, "missing"));
            an__grid_number(&g, an__number(x, "cells"));
            an__grid_number(&g, an__number(x, "share"));
            an__grid_number(&g, an__number(x, "share"));
        }
        an__grid_close(&g, "By station, as the schema says; without stations there, by how the names of the columns begin.");
    }
    list = json_object_get(m, "together");
    if (!json_array_size(list)) return;
    an_grid g = an__grid_open(&p->page, "missing-together", groups, AN_COUNT(groups));
    json_array_foreach(list, i, x) {
        const json_t *names = json_object_get(x, "columns");
        an_buf text = { 0 };
        for (k = 0; k < json_array_size(names) && k < 4; k++)
            an_buf_printf(&text, "%s%s", k ? ", " : "", json_string_value(json_array_get(names, k)));
        if (json_array_size(names) > 4) an_buf_puts(&text, " \u2026");
        char number[24];
        snprintf(number, sizeof number, "%zu", i + 1);
        an__grid_row(&g, NULL);
        an__grid_text(&g, number);
        an__grid_text(&g, text.data);
        an__grid_text(&g, json_string_value(json_array_get(names, 0)));
        an__grid_number(&g, an__number(x, "count"));
        an__grid_number(&g, an__number(x, "rows"));
        an__grid_text(&g, an__string(x, "span"));
        an_buf_free(&text);
    }
    an__grid_close(&g, "Missing together, in exactly the same rows: one source that did not deliver.");
}

/* ---- the target --------------------------------------------------------------------------------------------------------------------- */

typedef struct ranked {
    const json_t *column;
    double strength;
    size_t index;
} ranked;

static int strongest_first(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->strength != y->strength) return x->strength > y->strength ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static const char *measure_words(const char *measure)
{
    static const char *const words[][2] = {
        { "auc", "ROC-AUC" }, { "spearman", "Spearman's rho" }, { "cramers_v", "Cram\u00e9r's V" }, { "epsilon_squared", "epsilon squared" }
    };
    for (size_t i = 0; i < AN_COUNT(words); i++)
        if (!strcmp(measure, words[i][0])) return words[i][1];
    return measure;
}

/* From nothing (0.5 of a ROC-AUC, 0 of the others) to the value, with its interval. */
static void strength_bar(an_buf *b, const json_t *a)
{
    enum { BAR = 150 };
    bool auc = !strcmp(an__string(a, "measure"), "auc"), both = auc || !strcmp(an__string(a, "measure"), "spearman");
    double value = an__number(a, "value"), low = an__number(a, "low"), high = an__number(a, "high"),
           from = auc    ? 0
                  : both ? -1
                         : 0,
           wide = both && !auc ? 2 : 1;
#define AT(v) (3 + (BAR - 6) * ((v)-from) / wide)
    an_buf_printf(b,
                  "<svg viewBox=\"0 0 %d 14\" width=\"%d\" height=\"14\" role=\"img\" aria-label=\"value with interval\"><path "
                  "class=\"grid\" d=\"M3 7H%d\"/><path class=\"axis\" d=\"M%.1f 1V13\"/>",
                  BAR, BAR, BAR - 3, AT(auc ? 0.5 : 0));
    if (isfinite(low) && isfinite(high))
        an_buf_printf(b, "<path d=\"M%.1f 7H%.1f\" stroke=\"%s\" stroke-width=\"2.5\"/>", AT(low), AT(high), an__colour(AN__BLUE));
    an_buf_printf(b, "<circle cx=\"%.1f\" cy=\"7\" r=\"3.6\" fill=\"%s\"/></svg>", AT(value), an__colour(AN__BLUE));
#undef AT
}

void an__profile_associations(an_profile_page *p)
{
    static const an_grid_column columns[] = { { "column", "name", AN__TEXT, 0 },     { NULL, "role", AN__TEXT, 0 },
                                              { "measure", "measure", AN__TEXT, 0 }, { "value", NULL, AN__NUMBER, 0 },
                                              { NULL, "value", AN__NUMBER, 0 },      { NULL, "low", AN__NUMBER, 0 },
                                              { NULL, "high", AN__NUMBER, 0 },       { "", NULL, AN__PICTURE, 0 },
                                              { NULL, "p", AN__NUMBER, 0 },          { "p adjusted", "p_adjusted", AN__VALUE, 0 } };
    if (!*p->target) return;
    const json_t *list = json_object_get(p->j, "columns"), *c;
    ranked *order = an_alloc_n(json_array_size(list) + 1, sizeof *order);
    size_t n = 0, i, sure = 0;
    json_array_foreach(list, i, c) {
        const json_t *a = json_object_get(c, "association");
        double v = an__number(a, "value");
        if (!isfinite(v)) continue;
        const char *m = an__string(a, "measure");
        double low = an__number(a, "low"), high = an__number(a, "high"), none = !strcmp(m, "auc") ? 0.5 : 0;
        /* the end of the interval that is nearer to nothing decides: what is strong and sure comes first */
        if (isfinite(low) && isfinite(high)) v = low > none ? low : high < none ? high : none;
        order[n++] = (ranked){ c, !strcmp(m, "auc") ? fabs(2 * v - 1) : !strcmp(m, "epsilon_squared") ? sqrt(fmax(v, 0)) : fabs(v), i };
        sure += an__number(a, "p_adjusted") < 0.01;
    }
    qsort(order, n, sizeof *order, strongest_first);
    char *lead = an_format(
        "What goes with %s, each column alone: what is strong and sure first. %zu of %zu are beyond chance (adjusted p below 0.01). A "
        "column that says little alone may still help "
        "together with others.",
        p->target, sure, n);
    an__section(&p->page, "association", "What goes with the target", n ? lead : "Nothing can be held against the target.");
    free(lead);
    if (n) {
        an_grid g = an__grid_open(&p->page, "association", columns, AN_COUNT(columns));
        g.limit = 20;
        for (i = 0; i < n; i++) {
            const json_t *a = json_object_get(order[i].column, "association");
            double low = an__number(a, "low"), high = an__number(a, "high");
            an_buf picture = { 0 };
            strength_bar(&picture, a);
            char *small = isfinite(low) ? an_format("%s to %s", an__real(low, 3).t, an__real(high, 3).t) : NULL;
            const char *role = an__string(order[i].column, "role");
            bool feature = !strcmp(role, "feature");
            an__grid_row(&g, feature ? NULL : "aside");
            an__grid_note(&g, an__string(order[i].column, "name"),
                          feature                                  ? NULL
                          : *an__string(order[i].column, "reason") ? an__string(order[i].column, "reason")
                                                                   : role);
            an__grid_text(&g, role);
            an__grid_text(&g, measure_words(an__string(a, "measure")));
            an__grid_note(&g, an__real(an__number(a, "value"), 3).t, small);
            an__grid_number(&g, an__number(a, "value"));
            an__grid_number(&g, low);
            an__grid_number(&g, high);
            an__grid_picture(&g, &picture);
            an__grid_number(&g, an__number(a, "p"));
            an__grid_number(&g, an__number(a, "p_adjusted"));
            free(small);
            an_buf_free(&picture);
        }
        an__grid_close(&g, "With 95 % intervals; ROC-AUC is 0.5 where a column says nothing, the others 0. Grey: set aside, no feature.");
    }
    free(order);
}

/* ---- correlations ------------------------------------------------------------------------------------------------------------------- */

/* The whole matrix as the picture has it, to thousandths of r: one row and one column for each number. */
static void matrix_table(an_profile_page *p, const json_t *names, const json_t *r)
{
    size_t d = json_array_size(names), i, j;
    an_grid_column *columns = an_alloc_n(d + 1, sizeof *columns);
    columns[0] = (an_grid_column){ NULL, "column", AN__TEXT, 0 };
    for (i = 0; i < d; i++) columns[i + 1] = (an_grid_column){ NULL, json_string_value(json_array_get(names, i)), AN__NUMBER, 0 };
    an_grid g = an__grid_open(&p->page, "correlations", columns, (int)d + 1);
    for (i = 0; i < d; i++) {
        an__grid_row(&g, NULL);
        an__grid_text(&g, json_string_value(json_array_get(names, i)));
        for (j = 0; j < d; j++) { /* lower triangle, without the diagonal */
            size_t a = i > j ? i : j, b = i > j ? j : i;
            an__grid_number(&g, a == b ? 1 : an_json_number(json_array_get(r, a * (a - 1) / 2 + b), NAN) / 1000);
        }
    }
    an__grid_close_csv(&g, "All correlations as CSV");
    free(columns);
}

void an__profile_correlations(an_profile_page *p)
{
    static const an_grid_column blocks[] = { { "block", "block", AN__TEXT, 0 },     { "columns", NULL, AN__TEXT, 0 },
                                             { NULL, "all_columns", AN__TEXT, 0 },  { "how many", "count", AN__COUNT, 0 },
                                             { "mean |r|", "mean", AN__NUMBER, 2 }, { "least |r|", "least", AN__NUMBER, 2 } };
    static const an_grid_column pairs[] = { { NULL, "a", AN__TEXT, 0 }, { NULL, "b", AN__TEXT, 0 }, { NULL, "r", AN__NUMBER, 0 } };
    const json_t *k = json_object_get(p->j, "correlation"), *x;
    size_t i, m, d = json_array_size(json_object_get(k, "columns"));
    an_buf *b = p->page.html;
    an__section(&p->page, "correlation", "Correlation", NULL);
    if (d < 2) {
        an_buf_puts(b, "<p>Fewer than two numbers vary.</p>\n");
        return;
    }
    an_buf_puts(b, "<figure class=\"map\"><figcaption>");
    an__htmlf(b, "%s numbers, those that move together side by side: orange together, blue against each other, grey undefined.",
              an__count((double)d).t);
    if (an__number(k, "columns_there") > (double)d)
        an__htmlf(b, " Of %s, those that go with the target most.", an__count(an__number(k, "columns_there")).t);
    if (an__number(k, "rows") < an__number(p->j, "rows")) an__htmlf(b, " From %s rows, evenly spread.", an__count(an__number(k, "rows")).t);
    an_buf_puts(b, "</figcaption>");
    an__profile_map(b, k);
    an_buf_puts(b, "</figure>\n");
    an_grid g = an__grid_open(&p->page, "correlation-blocks", blocks, AN_COUNT(blocks));
    g.limit = 12;
    json_array_foreach(json_object_get(k, "blocks"), i, x) {
        an_buf some = { 0 }, all = { 0 };
        const json_t *names = json_object_get(x, "columns");
        for (m = 0; m < json_array_size(names); m++) {
            const char *name = json_string_value(json_array_get(names, m));
            if (m < 6) an_buf_printf(&some, "%s%s", m ? ", " : "", name);
            an_buf_printf(&all, "%s%s", m ? ";" : "", name);
        }
        if (m > 6) an_buf_puts(&some, " \u2026");
        char number[24];
        snprintf(number, sizeof number, "%zu", i + 1);
        an__grid_row(&g, NULL);
        an__grid_text(&g, number);
        an__grid_text(&g, some.data);
        an__grid_text(&g, all.data);
        an__grid_number(&g, an__number(x, "count"));
        an__grid_number(&g, an__number(x, "mean"));
        an__grid_number(&g, an__number(x, "least"));
        an_buf_free(&some);
        an_buf_free(&all);
    }
    if (json_array_size(json_object_get(k, "blocks")))
        an__grid_close(&g, "Blocks of columns that say much the same.");
    else
        an__grid_close_csv(&g, "Blocks as CSV");
    an_grid h = an__grid_open(&p->page, "correlation-pairs", pairs, AN_COUNT(pairs));
    json_array_foreach(json_object_get(k, "pairs"), i, x) {
        an__grid_row(&h, NULL);
        an__grid_text(&h, an__string(x, "a"));
        an__grid_text(&h, an__string(x, "b"));
        an__grid_number(&h, an__number(x, "r"));
    }
    an__grid_close_csv(&h, "The strongest pairs as CSV");
    matrix_table(p, json_object_get(k, "columns"), json_object_get(k, "r_1000"));
}

/* ---- rows that repeat --------------------------------------------------------------------------------------------------------------- */

void an__profile_repeats(an_profile_page *p)
{
    static const an_grid_column twice[] = { { "row", "row", AN__COUNT, 0 }, { "equals row", "equals", AN__COUNT, 0 } };
    static const an_grid_column near[] = { { "test row", "test_row", AN__COUNT, 0 },
                                           { "training row", "train_row", AN__COUNT, 0 },
                                           { "distance", "distance", AN__VALUE, 0 } };
    const json_t *twins = json_object_get(p->j, "twins"), *list = json_object_get(p->j, "duplicates"), *x;
    size_t i;
    an_buf *b = p->page.html;
    an__section(&p->page, "repeats", "Rows that repeat", NULL);
    double count = an__number(p->j, "duplicate_rows"), equal = an__number(twins, "equal"), close = an__number(twins, "close");
    an_buf_puts(b, "<p>");
    if (count > 0)
        an__htmlf(b, "%s row%s an earlier one in every feature and the target. ", an__count(count).t, count > 1 ? "s equal" : " equals");
    else
        an_buf_puts(b, "No row equals another in every feature and the target. ");
    if (json_is_true(json_object_get(twins, "checked")))
        an__htmlf(b,
                  "In a would-be split, of %s test rows %s have a training row with the same numbers and %s one nearly so (distance up to "
                  "%s over %s standardised columns; %s is usual).",
                  an__count(an__number(twins, "test_rows")).t, an__count(equal).t, an__count(close).t,
                  an__value(an__number(twins, "limit")).t, an__count(an__number(twins, "columns")).t,
                  an__value(an__number(twins, "usual_distance")).t);
    else
        an_buf_puts(
            b, "Near repeats across a split were not looked for: that takes a target of two classes, 40 rows and four columns of numbers.");
    an_buf_puts(b, "</p>\n");
    if (json_array_size(list)) {
        an_grid g = an__grid_open(&p->page, "duplicates", twice, 2);
        json_array_foreach(list, i, x) {
            an__grid_row(&g, NULL);
            an__grid_number(&g, an__number(x, "row"));
            an__grid_number(&g, an__number(x, "equals"));
        }
        an__grid_close(&g, "Some of the rows that are there twice.");
    }
    if (!json_array_size(json_object_get(twins, "examples"))) return;
    an_grid g = an__grid_open(&p->page, "twins", near, 3);
    json_array_foreach(json_object_get(twins, "examples"), i, x) {
        an__grid_row(&g, NULL);
        an__grid_number(&g, an__number(x, "test_row"));
        an__grid_number(&g, an__number(x, "train_row"));
        an__grid_number(&g, an__number(x, "distance"));
    }
    an__grid_close(&g, "Near repeats across the sides.");
}
