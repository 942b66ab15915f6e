/* profile_course.c - the course of one column over the places (rows in order of time): stuck values, steps of the level, drift. Methods and
 * their sources stand in src/score/changepoint.c. Steps are looked for here in means of blocks, and placed on single rows in
 * profile_step.c. */
#include "profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHORTEST_RUN = 8, SHORTEST_SEGMENT = 4, NOMINATED = 64, LEAST_ROWS = 40, STUCK_VALUES = 10 };
static const double run_chance = 1e-6, drift_matters = 0.5, drift_p = 1e-4;

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

static void find_changes(const an__frame *f, an__facts *c, const an__scratch *s, const block *b)
{
    double *y = an_alloc_n(f->blocks, sizeof *y), spread = spread_within(c, f, s, b);
    size_t *of = an_alloc_n(f->blocks, sizeof *of), n = 0, at[NOMINATED];
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
    size_t steps = an_mean_steps(y, n, noise, penalty, SHORTEST_SEGMENT, NOMINATED, at), found = steps;
    if (found <= NOMINATED) steps = an__merge_levels(y, n, at, found, noise, penalty);
    double left = 0;
    for (size_t k = 0, first = 0; k <= steps; k++) {
        size_t end = k < steps && k < NOMINATED ? at[k] : n;
        double sum = 0;
        for (size_t i = first; i < end; i++) sum += y[i];
        double level = sum / (double)(end - first);
        for (size_t i = first; i < end; i++) left += (y[i] - level) * (y[i] - level);
        first = end;
        if (end == n) break;
    }
    double line = line_squares(y, n, &total), dn = (double)n;
    /* the simpler story that fits (Schwarz 1978): a line, or levels with steps between */
    double bic_line = dn * log(fmax(line, 1e-300)) + 3 * log(dn),
           bic_steps = dn * log(fmax(left, 1e-300)) + (2 * (double)steps + 1) * log(dn);
    bool slow = p < drift_p && fabs(slope) * (dn - 1) >= drift_matters * spread && (steps > AN__STEPS_MOST || bic_line <= bic_steps);
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
    if (steps && steps <= AN__STEPS_MOST && !slow && !c->counts_up) an__profile_steps(f, c, s, of, at, steps, spread, noise, penalty);
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
