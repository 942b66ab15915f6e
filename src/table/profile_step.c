/* profile_step.c - steps of the level of one column: change points of block means are judged by the spread on their own two sides, placed
 * on single rows, and told. Where they are looked for is known in profile_course.c. */
#include "profile.h"
#include "slip.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHORTEST_SEGMENT = 4 };
static const double step_matters = 0.5;

/* ---- among blocks ---- */

typedef struct side { /* blocks [first, last) */
    double n, mean, sd;
} side;

/* The larger of two estimates of the spread: about the mean, and from neighbour to neighbour. */
static side side_of(const double *y, size_t first, size_t last, double noise)
{
    double sum = 0, squares = 0, moves = 0, n = (double)(last - first);
    for (size_t i = first; i < last; i++) sum += y[i];
    for (size_t i = first; i < last; i++) {
        squares += (y[i] - sum / n) * (y[i] - sum / n);
        if (i > first) moves += fabs(y[i] - y[i - 1]) / (n - 1);
    }
    return (side){ n, sum / n, fmax(noise, fmax(n > 1 ? sqrt(squares / (n - 1)) : 0, moves * sqrt(M_PI) / 2)) };
}

size_t an__merge_levels(const double *y, size_t n, size_t *at, size_t count, double noise, double penalty)
{
    while (count) {
        size_t faintest = 0;
        double least = INFINITY;
        for (size_t k = 0; k < count; k++) {
            side a = side_of(y, k ? at[k - 1] : 0, at[k], noise), b = side_of(y, at[k], k + 1 < count ? at[k + 1] : n, noise);
            if (a.n < b.n) /* few blocks may lie closer together by chance than the others do */
                a.sd = fmax(a.sd, b.sd);
            else
                b.sd = fmax(a.sd, b.sd);
            double both = a.n + b.n, gain = (b.mean - a.mean) * (b.mean - a.mean) / (a.sd * a.sd / a.n + b.sd * b.sd / b.n);
            /* the likelihood ratio where the spread is not known, both ln(1 + gain / (both - 2)), against the penalty */
            gain /= (both - 2) * expm1(penalty / both);
            if (gain < least) {
                least = gain;
                faintest = k;
            }
        }
        if (least > 1) break;
        count--;
        memmove(at + faintest, at + faintest + 1, (count - faintest) * sizeof *at);
    }
    return count;
}

/* ---- among rows ---- */

typedef struct segment { /* of the values [first, last) of the course */
    size_t first, last;
    double mean; /* of values drawn in as in profile.h */
} segment;

static double drawn(const an__facts *c, double x)
{
    return fmin(fmax(x, c->draw_low), c->draw_high);
}

static void set_mean(const an__facts *c, const an__scratch *s, segment *l)
{
    double sum = 0;
    for (size_t i = l->first; i < l->last; i++) sum += drawn(c, s->value[i]);
    l->mean = sum / (double)(l->last - l->first);
}

/* Moves the border of two levels to where two means fit the values of both best in squares; each keeps as many values as told. */
static void place_border(const an__facts *c, const an__scratch *s, segment *a, segment *b, size_t least_a, size_t least_b)
{
    double all = a->mean * (double)(a->last - a->first) + b->mean * (double)(b->last - b->first), n = (double)(b->last - a->first),
           middle = all / n, sum = 0, best = -1;
    size_t at = a->last;
    for (size_t i = a->first; i + least_b < b->last; i++) {
        sum += drawn(c, s->value[i]) - middle; /* of n1 values; two means explain sum^2 (1 / n1 + 1 / n2) of the squares */
        double left = (double)(i + 1 - a->first), explained = sum * sum * n / (left * (n - left));
        if (i + 1 < a->first + least_a || explained <= best) continue;
        best = explained;
        at = i + 1;
    }
    a->last = b->first = at;
    set_mean(c, s, a);
    set_mean(c, s, b);
}

/* Change points of blocks are placed by rows: a block that straddles a change has a mean of its own, which may look like one more level.
 * Borders move to where the single readings change; a level that is none then, or only of a few readings, is merged with its neighbour, the
 * faintest first, and the borders are placed again. noise: of a single reading about its level, longer waves included. */
static size_t place_levels(const an__facts *c, const an__scratch *s, segment *l, size_t n, size_t shortest, double spread, double noise,
                           double penalty)
{
    for (size_t k = 0; k < n; k++) set_mean(c, s, &l[k]);
    while (n > 1) {
        for (int round = 0; round < 4; round++) {
            bool moved = false;
            for (size_t k = 0; k + 1 < n; k++) {
                size_t before = l[k].last;
                place_border(c, s, &l[k], &l[k + 1], k ? 1 : shortest, k + 2 < n ? 1 : shortest);
                moved |= l[k].last != before;
            }
            if (!moved) break;
        }
        size_t faintest = 0;
        double least = INFINITY;
        for (size_t k = 0; k + 1 < n; k++) {
            double a = (double)(l[k].last - l[k].first), b = (double)(l[k + 1].last - l[k + 1].first),
                   shift = fabs(l[k + 1].mean - l[k].mean), gain = a * b / (a + b) * shift * shift / (noise * noise);
            bool brief = (k && l[k].last - l[k].first < shortest) || (k + 2 < n && l[k + 1].last - l[k + 1].first < shortest);
            if (shift >= step_matters * spread && gain > penalty && !brief) continue;
            if (gain < least) {
                least = gain;
                faintest = k;
            }
        }
        if (isinf(least)) break;
        l[faintest].last = l[faintest + 1].last;
        set_mean(c, s, &l[faintest]);
        n--;
        for (size_t k = faintest + 1; k < n; k++) l[k] = l[k + 1];
    }
    return n;
}

/* Mean of the readings of a level as they are, but for those beyond five robust standard deviations of its own: what is far from the rest
 * of the column may be the whole of a level. */
static double own_mean(const an__scratch *s, const segment *l)
{
    size_t n = l->last - l->first;
    double *x = (double *)s->spare, *off = x + n, sum = 0; /* free once the sort is done: room for two values a row */
    memcpy(x, s->value + l->first, n * sizeof *x);
    double middle = an_quantile(x, n, 0.5);
    for (size_t i = 0; i < n; i++) off[i] = fabs(x[i] - middle);
    double reach = 5 * 1.482602218505602 * an_quantile(off, n, 0.5);
    for (size_t i = 0; i < n; i++) sum += reach > 0 ? fmin(fmax(x[i], middle - reach), middle + reach) : x[i];
    return sum / (double)n;
}

/* The change of unit that would make the values after of those before; NULL: none. Under a factor of two it is more likely the process. */
static const char *unit_words(const an__scratch *s, const segment *a, const segment *b, double before, double after)
{
    size_t n = a->last - a->first, m = b->last - b->first;
    double *x = (double *)s->spare, *y = x + n, factor = fabs(after / before);
    if (!(factor >= 2 || factor <= 0.5)) return NULL;
    memcpy(x, s->value + a->first, n * sizeof *x);
    memcpy(y, s->value + b->first, m * sizeof *y);
    an__slip slip;
    double apart = 1 - an_ks_complement(x, n, y, m);
    if (apart < 0.99) return NULL; /* levels that overlap: many factors would fit */
    an__slip_find(x, n, y, m, apart, &slip);
    return slip.words;
}

/* Within two blocks of the beginning or the end of a stuck value. */
static bool by_stuck(const an__frame *f, const an__facts *c, size_t place)
{
    size_t reach = 2 * (f->rows / f->blocks + 1);
    for (size_t k = 0; k < c->stucks; k++) {
        size_t first = c->stuck[k].first, last = c->stuck[k].last + 1;
        if (place + reach >= first && place <= first + reach) return true;
        if (place + reach >= last && place <= last + reach) return true;
    }
    return false;
}

void an__profile_steps(const an__frame *f, an__facts *c, const an__scratch *s, const size_t *of, const size_t *at, size_t count,
                       double spread, double block_noise, double penalty)
{
    segment l[AN__STEPS_MOST + 1];
    double rows = (double)f->rows / (double)f->blocks;
    size_t n = 0, first = 0;
    for (size_t k = 0; k < count; k++) {
        size_t border = first, place = an__block(f, of[at[k]]);
        while (border < c->n && s->place[border] < place) border++;
        if (border == first) continue;
        l[n++] = (segment){ .first = first, .last = border };
        first = border;
    }
    if (first < c->n) l[n++] = (segment){ .first = first, .last = c->n };
    size_t shortest = 2 * (size_t)rows > SHORTEST_SEGMENT ? 2 * (size_t)rows : SHORTEST_SEGMENT;
    n = place_levels(c, s, l, n, shortest, spread, fmax(spread, block_noise * sqrt(rows)), penalty);
    json_t *list = json_array();
    for (size_t k = 0; k + 1 < n; k++) {
        size_t place = s->place[l[k + 1].first];
        if (by_stuck(f, c, place)) continue; /* told already, and no change of the process */
        double before = own_mean(s, &l[k]), after = own_mean(s, &l[k + 1]);
        const char *unit = unit_words(s, &l[k], &l[k + 1], before, after);
        c->step[c->steps++] = (an__change){ place, before, after, (after - before) / spread, unit };
        json_array_append_new(list, json_pack("{s:o, s:f, s:f, s:f, s:s?}", "at", an__place_json(f, place), "before", before, "after",
                                              after, "shift_sd", (after - before) / spread, "unit", unit));
    }
    if (c->steps)
        json_object_set_new(c->json, "steps", list);
    else
        json_decref(list);
}
