/* profile_course.c - the course of one column over the places (rows in order of time): stuck values, steps of the level, drift. Methods and
 * their sources stand in src/score/changepoint.c. Steps are looked for in means of blocks, and placed on single rows. */
#include "profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHORTEST_RUN = 8, SHORTEST_SEGMENT = 4, MOST_STEPS = 6, LEAST_ROWS = 40, STUCK_VALUES = 10 };
static const double run_chance = 1e-6, step_matters = 0.5, drift_matters = 0.5, drift_p = 1e-4;

typedef struct block {
    double mean, low, high; /* of valid values; mean of values drawn in as in profile.h */
    size_t n;
} block;

static void make_blocks(const an__frame *f, const an__facts *c, const an__scratch *s, block *b)
{
    double low = c->draw_low, high = c->draw_high;
    size_t i = 0;
    for (size_t k = 0; k < f->blocks; k++) {
        size_t end = an__block(f, k + 1);
        b[k] = (block){ .low = INFINITY, .high = -INFINITY };
        for (; i < c->n && s->place[i] < end; i++) {
            double x = s->value[i];
            b[k].low = fmin(b[k].low, x);
            b[k].high = fmax(b[k].high, x);
            b[k].mean += fmin(fmax(x, low), high);
            b[k].n++;
        }
        b[k].mean = b[k].n ? b[k].mean / (double)b[k].n : NAN;
    }
}

static double rounded(double x) /* six digits: enough for a picture */
{
    if (!isfinite(x) || x == 0) return x;
    double unit = pow(10, floor(log10(fabs(x))) - 5);
    return round(x / unit) * unit;
}

static void trend_json(const an__frame *f, an__facts *c, const block *b)
{
    enum { POINTS = 120 };
    json_t *mean = json_array(), *low = json_array(), *high = json_array();
    size_t step = f->blocks > POINTS ? 2 : 1;
    for (size_t k = 0; k < f->blocks; k += step) {
        double sum = 0, n = 0, least = INFINITY, most = -INFINITY;
        for (size_t i = k; i < k + step && i < f->blocks; i++) {
            if (!b[i].n) continue;
            sum += b[i].mean * (double)b[i].n;
            n += (double)b[i].n;
            least = fmin(least, b[i].low);
            most = fmax(most, b[i].high);
        }
        json_array_append_new(mean, an_json_real(rounded(n > 0 ? sum / n : NAN)));
        json_array_append_new(low, an_json_real(rounded(least)));
        json_array_append_new(high, an_json_real(rounded(most)));
    }
    json_object_set_new(c->json, "trend", json_pack("{s:o, s:o, s:o}", "mean", mean, "low", low, "high", high));
}

/* Spread of single readings about the level of their block. */
static double spread_within(const an__facts *c, const an__frame *f, const an__scratch *s, const block *b)
{
    double low = c->draw_low, high = c->draw_high, squares = 0, df = 0;
    size_t i = 0;
    for (size_t k = 0; k < f->blocks; k++) {
        size_t end = an__block(f, k + 1);
        for (; i < c->n && s->place[i] < end; i++) {
            double off = fmin(fmax(s->value[i], low), high) - b[k].mean;
            squares += off * off;
        }
        if (b[k].n) df += (double)b[k].n - 1;
    }
    return df > (double)c->n / 4 ? sqrt(squares / df) : an_noise_sd(s->value, c->n);
}

/* ---- steps, placed on rows ---- */

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

/* Moves the border of two levels to where two means fit the values of both best in squares; neither gets shorter than `shortest`. */
static void place_border(const an__facts *c, const an__scratch *s, segment *a, segment *b, size_t shortest)
{
    double all = a->mean * (double)(a->last - a->first) + b->mean * (double)(b->last - b->first), n = (double)(b->last - a->first),
           middle = all / n, sum = 0, best = -1;
    size_t at = a->last;
    for (size_t i = a->first; i + shortest < b->last; i++) {
        sum += drawn(c, s->value[i]) - middle; /* of n1 values; two means explain sum^2 (1 / n1 + 1 / n2) of the squares */
        double left = (double)(i + 1 - a->first), explained = sum * sum * n / (left * (n - left));
        if (i + 1 < a->first + shortest || explained <= best) continue;
        best = explained;
        at = i + 1;
    }
    a->last = b->first = at;
    set_mean(c, s, a);
    set_mean(c, s, b);
}

/* Change points of blocks are placed by rows: a block that straddles a change has a mean of its own, which may look like one more level.
 * Borders move to where the single readings change; a level that is none then is merged with its neighbour, the faintest first, and the
 * borders are placed again. noise: of a single reading about its level, longer waves included. */
static size_t place_levels(const an__facts *c, const an__scratch *s, segment *l, size_t n, size_t shortest, double spread, double noise,
                           double penalty)
{
    for (size_t k = 0; k < n; k++) set_mean(c, s, &l[k]);
    while (n > 1) {
        for (int round = 0; round < 4; round++) {
            bool moved = false;
            for (size_t k = 0; k + 1 < n; k++) {
                size_t before = l[k].last;
                place_border(c, s, &l[k], &l[k + 1], shortest);
                moved |= l[k].last != before;
            }
            if (!moved) break;
        }
        size_t faintest = 0;
        double least = INFINITY;
        for (size_t k = 0; k + 1 < n; k++) {
            double a = (double)(l[k].last - l[k].first), b = (double)(l[k + 1].last - l[k + 1].first),
                   shift = fabs(l[k + 1].mean - l[k].mean), gain = a * b / (a + b) * shift * shift / (noise * noise);
            if (shift >= step_matters * spread && gain > penalty) continue;
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

static void find_stuck(const an__frame *f, an__facts *c, const an__scratch *s)
{
    an_stuck run[AN__CHANGES];
    if (c->distinct < STUCK_VALUES || c->n < LEAST_ROWS) return;
    size_t found = an_stuck_runs(s->value, c->n, SHORTEST_RUN, run_chance, AN__CHANGES, run);
    json_t *list = json_array();
    for (size_t k = 0; k < found; k++) {
        size_t first = s->place[run[k].first], last = s->place[run[k].first + run[k].length - 1];
        c->stuck[c->stucks++] = (an__stuck){ first, last, run[k].length, run[k].value, run[k].expected };
        json_array_append_new(list, json_pack("{s:o, s:o, s:I, s:f, s:o}", "from", an__place_json(f, first), "to", an__place_json(f, last),
                                              "rows", (json_int_t)run[k].length, "value", run[k].value, "expected",
                                              an_json_real(run[k].expected)));
    }
    if (found)
        json_object_set_new(c->json, "stuck", list);
    else
        json_decref(list);
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

static double line_squares(const double *y, size_t n, double *total)
{
    double sx = (double)(n - 1) / 2, sy = 0, xx = 0, xy = 0, yy = 0;
    for (size_t i = 0; i < n; i++) sy += y[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        double x = (double)i - sx, v = y[i] - sy;
        xx += x * x;
        xy += x * v;
        yy += v * v;
    }
    *total = yy;
    return fmax(0, yy - xy * xy / xx);
}

/* at: blocks (of those with values, `of`) where the steps of their means begin. */
static void tell_steps(const an__frame *f, an__facts *c, const an__scratch *s, const size_t *of, const size_t *at, size_t count,
                       double spread, double block_noise, double penalty)
{
    segment l[AN__CHANGES + 1];
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
        c->step[c->steps++] = (an__change){ place, before, after, (after - before) / spread };
        json_array_append_new(list, json_pack("{s:o, s:f, s:f, s:f}", "at", an__place_json(f, place), "before", before, "after", after,
                                              "shift_sd", (after - before) / spread));
    }
    if (c->steps)
        json_object_set_new(c->json, "steps", list);
    else
        json_decref(list);
}

static void find_changes(const an__frame *f, an__facts *c, const an__scratch *s, const block *b)
{
    double *y = an_alloc_n(f->blocks, sizeof *y), spread = spread_within(c, f, s, b);
    size_t *of = an_alloc_n(f->blocks, sizeof *of), n = 0, at[AN__CHANGES];
    for (size_t k = 0; k < f->blocks; k++)
        if (b[k].n) {
            of[n] = k;
            y[n++] = b[k].mean;
        }
    if (n < LEAST_ROWS || !(spread > 0)) {
        free(y);
        free(of);
        return;
    }
    double slope, p, tau = an_trend(y, n, &slope, &p), noise = an_noise_sd(y, n), total, moves = 0;
    for (size_t i = 0; i + 1 < n; i++) moves += fabs(y[i + 1] - y[i]) / (double)(n - 1);
    noise = fmax(noise, moves * sqrt(M_PI) / 2); /* the larger of the two estimates: few blocks must not make steps of chance */
    double penalty = 3 * log((double)n) + 2 * log((double)f->t->columns);
    size_t steps = an_mean_steps(y, n, noise, penalty, SHORTEST_SEGMENT, AN__CHANGES, at), kept = steps < AN__CHANGES ? steps : AN__CHANGES;
    double level[AN__CHANGES + 1], left = 0;
    for (size_t k = 0, first = 0; k <= kept; k++) {
        size_t end = k < kept ? at[k] : n;
        double sum = 0;
        for (size_t i = first; i < end; i++) sum += y[i];
        level[k] = sum / (double)(end - first);
        for (size_t i = first; i < end; i++) left += (y[i] - level[k]) * (y[i] - level[k]);
        first = end;
    }
    double line = line_squares(y, n, &total), dn = (double)n;
    /* the simpler story that fits (Schwarz 1978): a line, or levels with steps between */
    double bic_line = dn * log(fmax(line, 1e-300)) + 3 * log(dn),
           bic_steps = dn * log(fmax(left, 1e-300)) + (2 * (double)kept + 1) * log(dn);
    bool slow = p < drift_p && fabs(slope) * (dn - 1) >= drift_matters * spread && (steps > MOST_STEPS || bic_line <= bic_steps);
    c->trend_p = p;
    c->trend_tau = tau;
    c->trend_sd = slope * (dn - 1) / spread;
    double middle = 0;
    for (size_t i = 0; i < n; i++) middle += y[i] / dn;
    c->trend_from = middle - slope * (dn - 1) / 2;
    c->trend_to = middle + slope * (dn - 1) / 2;
    c->counts_up = fabs(tau) > 0.995 && c->distinct > c->n / 2;
    c->drifts = slow && !c->counts_up;
    json_object_set_new(c->json, "drift",
                        json_pack("{s:o, s:o, s:o, s:b, s:s}", "tau", an_json_real(tau), "p", an_json_real(p), "change_sd",
                                  an_json_real(c->trend_sd), "drifts", c->drifts, "test", "mann-kendall, yue-wang"));
    if (kept && steps <= MOST_STEPS && !slow && !c->counts_up) tell_steps(f, c, s, of, at, kept, spread, noise, penalty);
    free(y);
    free(of);
}

void an__profile_course(const an__frame *f, an__facts *c, an__scratch *s)
{
    block *b = an_alloc_n(f->blocks, sizeof *b);
    size_t all = c->n;
    while (c->n && s->place[c->n - 1] >= f->timed) c->n--; /* rows without a time stand last and follow nothing */
    make_blocks(f, c, s, b);
    trend_json(f, c, b);
    if (!f->sorted) {
        find_stuck(f, c, s);
        find_changes(f, c, s, b);
    }
    c->n = all;
    free(b);
}
