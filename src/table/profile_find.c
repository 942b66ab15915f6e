/* profile_find.c - what a profile found, as sentences, ranked: what may spoil a model or says that the process or a gauge misbehaved comes
 * first, facts to know come later. A finding that is one of many of its kind counts less than the first of another kind. */
#include "profile_find.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

json_t *an__finding_add(an__findings *all, const char *kind, const an__facts *c, double score, char *text,
                        char *evidence) /* takes the texts */
{
    json_t *j = json_pack("{s:s, s:s?, s:f, s:s, s:s}", "kind", kind, "column", c ? c->c->name : NULL, "score", score, "text", text,
                          "evidence", evidence);
    if (!(all->count & (all->count - 1))) all->list = an_resize_n(all->list, all->count ? 2 * all->count : 1, sizeof *all->list);
    all->list[all->count] = (an__finding){ score, all->count, kind, j };
    all->count++;
    free(text);
    free(evidence);
    return j;
}

char *an__value_text(const an__facts *c, double v, char out[64])
{
    snprintf(out, 64, fabs(v) >= 1e5 && fabs(v) < 1e9 ? "%.0f%s%.20s" : "%.5g%s%.20s", v, c->c->unit ? " " : "",
             c->c->unit ? c->c->unit : "");
    return out;
}

static const char *where(const an__facts *c, an_buf *b)
{
    const char *station = an_json_string(c->c->spec, "station", NULL);
    an_buf_clear(b);
    if (station)
        an_buf_printf(b, " on %s%s", strncmp(station, "station", 7) == 0 || strncmp(station, "Station", 7) == 0 ? "" : "station ", station);
    return b->data ? b->data : "";
}

/* "3e-07"; what a double cannot hold is no zero. */
char *an__p_text(double p, char out[40])
{
    snprintf(out, 40, p < 1e-99 ? "under 1e-99" : "%.1g", p);
    return out;
}

/* ---- the course of one column ---------------------------------------------------------------------------------------------------------
 */

static const char *end_words(const an__facts *c, double value)
{
    return value == c->max   ? ", the largest value it ever has: at the end of its range?"
           : value == c->min ? ", the smallest value it ever has: no signal?"
                             : "";
}

/* The same stretch of rows, but for a few at either end. */
static bool same_stretch(const an__stuck *a, const an__stuck *b)
{
    size_t slack = a->length / 20 + 1, first = a->first < b->first ? b->first - a->first : a->first - b->first,
           last = a->last < b->last ? b->last - a->last : a->last - b->last;
    return first <= slack && last <= slack;
}

/* Columns stuck in the same rows are one event: one source that hung. */
static void stuck(an__findings *all)
{
    const an__frame *f = all->f;
    size_t room = 0, n = 0;
    for (size_t j = 0; j < f->t->columns; j++) room += f->facts[j].stucks;
    struct {
        const an__facts *c;
        const an__stuck *s;
        bool told;
    } *list = an_alloc_n(room + 1, sizeof *list);
    for (size_t j = 0; j < f->t->columns; j++)
        for (size_t k = 0; k < f->facts[j].stucks; k++, n++) {
            list[n].c = &f->facts[j];
            list[n].s = &f->facts[j].stuck[k];
        }
    an_buf span = { 0 }, station = { 0 }, names = { 0 };
    char value[64];
    for (size_t i = 0; i < n; i++) {
        if (list[i].told) continue;
        const an__facts *c = list[i].c;
        const an__stuck *s = list[i].s;
        json_t *columns = json_array();
        size_t count = 0;
        an_buf_clear(&span);
        an_buf_clear(&names);
        an__span_text(f, s->first, s->last, &span);
        for (size_t k = i; k < n && (k == i || n < 4000); k++) {
            if (list[k].told || (k > i && !same_stretch(s, list[k].s))) continue;
            list[k].told = true;
            if (count++ < 5) an_buf_printf(&names, "%s%s", count > 1 ? ", " : "", list[k].c->c->name);
            json_array_append_new(columns, json_string(list[k].c->c->name));
        }
        if (count > 5) an_buf_printf(&names, " and %zu more", count - 5);
        double share = (double)s->length / (double)c->n;
        char *expected = s->expected < 1e-99 ? an_strdup("none") : an_format("%.1g", s->expected);
        char *text = count == 1 ? an_format("%s stuck at %s %s%s (%zu rows)%s", c->c->name, an__value_text(c, s->value, value), span.data,
                                            where(c, &station), s->length, end_words(c, s->value))
                                : an_format("%zu columns stuck together %s%s (%zu rows): %s", count, span.data, where(c, &station),
                                            s->length, names.data);
        json_t *j = an__finding_add(
            all, "stuck", c, 62 + fmin(20, 100 * share) + 2 * log10((double)s->length) + fmin(6, 2 * log2((double)count)), text,
            an_format("%zu equal readings of %s in a row; by the share of equal neighbours elsewhere, %s such runs were to be "
                      "expected in all %zu rows",
                      s->length, c->c->name, expected, c->n));
        json_object_set_new(j, "from", an__place_json(f, s->first));
        json_object_set_new(j, "to", an__place_json(f, s->last));
        json_object_set_new(j, "columns", columns);
        free(expected);
    }
    free(list);
    an_buf_free(&span);
    an_buf_free(&station);
    an_buf_free(&names);
}

typedef struct step_at {
    size_t place, column, step;
} step_at;

static int by_place(const void *a, const void *b)
{
    const step_at *x = a, *y = b;
    if (x->place != y->place) return x->place < y->place ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

/* Steps of several columns at one place are one event. */
static void steps(an__findings *all)
{
    const an__frame *f = all->f;
    size_t n = 0, room = 0, reach = f->rows / f->blocks + 1;
    for (size_t j = 0; j < f->t->columns; j++) room += f->facts[j].steps;
    step_at *list = an_alloc_n(room + 1, sizeof *list);
    for (size_t j = 0; j < f->t->columns; j++)
        for (size_t k = 0; k < f->facts[j].steps; k++) list[n++] = (step_at){ f->facts[j].step[k].place, j, k };
    qsort(list, n, sizeof *list, by_place);
    an_buf at = { 0 }, names = { 0 }, station = { 0 };
    char before[64], after[64];
    for (size_t i = 0; i < n;) {
        size_t k = i + 1, best = i;
        while (k < n && list[k].place - list[k - 1].place <= reach && list[k].place - list[i].place <= 3 * reach) k++;
        json_t *columns = json_array();
        an_buf_clear(&names);
        for (size_t m = i; m < k; m++) {
            const an__facts *c = &f->facts[list[m].column];
            if (fabs(c->step[list[m].step].shift) > fabs(f->facts[list[best].column].step[list[best].step].shift)) best = m;
            json_array_append_new(columns, json_string(c->c->name));
            if (m - i < 6) an_buf_printf(&names, "%s%s", m == i ? "" : ", ", c->c->name);
        }
        if (k - i > 6) an_buf_printf(&names, " and %zu more", k - i - 6);
        const an__facts *c = &f->facts[list[best].column];
        const an__change *s = &c->step[list[best].step];
        an_buf_clear(&at);
        an__place_text(f, s->place, &at);
        char *text = k - i == 1 ? an_format("%s steps from %s to %s at %s%s (%+.1f standard deviations)%s%s", c->c->name,
                                            an__value_text(c, s->before, before), an__value_text(c, s->after, after), at.data,
                                            where(c, &station), s->shift, s->unit ? "; another unit? " : "", s->unit ? s->unit : "")
                                : an_format("%zu columns step together at %s: %s", k - i, at.data, names.data);
        json_t *o = an__finding_add(
            all, "step", c, 50 + fmin(20, 5 * fabs(s->shift)) + fmin(10, 3 * log2((double)(k - i))), text,
            an_format("%s goes from a mean of %s to %s, %+.2f standard deviations of single readings; change points by PELT "
                      "(Killick, Fearnhead and Eckley 2012)",
                      c->c->name, an__value_text(c, s->before, before), an__value_text(c, s->after, after), s->shift));
        json_object_set_new(o, "at", an__place_json(f, s->place));
        json_object_set_new(o, "columns", columns);
        i = k;
    }
    free(list);
    an_buf_free(&at);
    an_buf_free(&names);
    an_buf_free(&station);
}

static void drift(an__findings *all, const an__facts *c)
{
    char from[64], to[64];
    const char *order = all->f->time ? "over the time" : "over the rows";
    if (c->counts_up) {
        an__finding_add(all, "counter", c, 45,
                        an_format("%s only ever goes %s: it counts, or tells the time", c->c->name, c->trend_tau > 0 ? "up" : "down"),
                        an_format("Kendall's tau against the order is %.3f; a model that learns from it learns the date", c->trend_tau));
        return;
    }
    if (!c->drifts || !(c->trend_q < an__significant)) return;
    an__finding_add(
        all, "drift", c, 46 + fmin(25, 6 * fabs(c->trend_sd)),
        an_format("%s drifts %s %s, from about %s to %s (%+.1f standard deviations)", c->c->name, c->trend_sd > 0 ? "up" : "down", order,
                  an__value_text(c, c->trend_from, from), an__value_text(c, c->trend_to, to), c->trend_sd),
        an_format(
            "Mann-Kendall test of the block means, corrected for autocorrelation (Yue and Wang 2004): tau %.2f, p %.1g (adjusted %.1g); "
            "slope of Theil and Sen",
            c->trend_tau, c->trend_p, c->trend_q));
}

/* ---- all of them -----------------------------------------------------------------------------------------------------------------------
 */

static int best_first(const void *a, const void *b)
{
    const an__finding *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* The k-th of a kind counts 0.93^k of its score: ten steps do not hide one leak. */
static void spread_kinds(an__findings *all)
{
    enum { KINDS = 32 };
    struct {
        const char *kind;
        double factor;
    } seen[KINDS] = { 0 };
    for (size_t i = 0; i < all->count; i++) {
        size_t k = 0;
        while (k < KINDS - 1 && seen[k].kind && strcmp(seen[k].kind, all->list[i].kind) != 0) k++;
        if (!seen[k].kind) seen[k].factor = 1;
        seen[k].kind = all->list[i].kind;
        all->list[i].score *= seen[k].factor;
        seen[k].factor = fmax(0.35, seen[k].factor * 0.93);
    }
}

json_t *an__profile_findings(const an__frame *f, const json_t *profile)
{
    enum { MOST = 2000 };
    an__findings all = { .f = f };
    for (size_t j = 0; j < f->t->columns; j++) {
        const an__facts *c = &f->facts[j];
        an__find_target(&all, c);
        drift(&all, c);
        an__find_values(&all, c);
    }
    stuck(&all);
    steps(&all);
    an__find_groups(&all);
    an__find_rows(&all, profile);
    json_t *out = json_array();
    if (all.count) {
        qsort(all.list, all.count, sizeof *all.list, best_first);
        spread_kinds(&all);
        qsort(all.list, all.count, sizeof *all.list, best_first);
    }
    for (size_t i = 0; i < all.count; i++) {
        if (i < MOST) {
            json_object_set_new(all.list[i].json, "rank", json_integer((json_int_t)i + 1));
            json_object_set_new(all.list[i].json, "score", an_json_real(round(10 * all.list[i].score) / 10));
            json_array_append(out, all.list[i].json);
        }
        json_decref(all.list[i].json);
    }
    free(all.list);
    return out;
}
