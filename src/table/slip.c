/* slip.c - do two lots of values look like one quantity in two units: the changes of unit that happen in plants, each tried. What columns
 * are and who asks is not known here.
 */
#include "slip.h"

#include "andon/score.h"

#include <math.h>
#include <stdlib.h>

/* Changes of unit that happen in plants; each is tried in both directions. */
static const struct {
    double factor, offset;
    const char *forth, *back;
} slips[] = {
    { 1000, 0, "a thousand times as large (mm for m, g for kg, mV for V)", "a thousandth (m for mm, kg for g, V for mV)" },
    { 25.4, 0, "25.4 times as large (millimetres for inches)", "divided by 25.4 (inches for millimetres)" },
    { 10, 0, "ten times as large (a decimal place)", "a tenth (a decimal place)" },
    { 100, 0, "a hundred times as large (percent for a share, cm for m)", "a hundredth (a share for percent, m for cm)" },
    { 60, 0, "60 times as large (seconds for minutes, per minute for per second)",
      "a sixtieth (minutes for seconds, per second for per minute)" },
    { 3600, 0, "3,600 times as large (seconds for hours)", "divided by 3,600 (hours for seconds)" },
    { 1e6, 0, "a million times as large (um for m)", "a millionth (m for um)" },
    { 14.503773773, 0, "14.5 times as large (psi for bar)", "divided by 14.5 (bar for psi)" },
    { 6.894757293, 0, "6.895 times as large (kPa for psi)", "divided by 6.895 (psi for kPa)" },
    { 4.4482216153, 0, "4.448 times as large (newtons for pounds of force)", "divided by 4.448 (pounds of force for newtons)" },
    { 1.3558179483, 0, "1.356 times as large (N.m for foot-pounds)", "divided by 1.356 (foot-pounds for N.m)" },
    { 0.11298482903, 0, "0.113 times as large (N.m for inch-pounds)", "divided by 0.113 (inch-pounds for N.m)" },
    { 9.80665, 0, "9.807 times as large (N for kgf, m/s2 for g)", "divided by 9.807 (kgf for N, g for m/s2)" },
    { 2.54, 0, "2.54 times as large (cm for inches)", "divided by 2.54 (inches for cm)" },
    { 0.45359237, 0, "0.4536 times as large (kg for pounds)", "divided by 0.4536 (pounds for kg)" },
    { 57.29577951, 0, "57.3 times as large (degrees for radians)", "divided by 57.3 (radians for degrees)" },
    { 1.8, 32, "1.8 times and 32 more (Fahrenheit for Celsius)", "Celsius for Fahrenheit" },
    { 1, 273.15, "273.15 more (kelvin for Celsius)", "273.15 less (Celsius for kelvin)" },
};

void an__quartiles(double *x, size_t n, double q[3])
{
    for (int k = 0; k < 3; k++) q[k] = an_quantile(x, n, 0.25 * (k + 1));
}

double *an__numbers(const an_table *t, const an_column *c, size_t from, size_t *n)
{
    double *out = an_alloc_data(t->rows - from + 1, sizeof *out, "the numbers of a column", NULL);
    *n = 0;
    for (size_t i = from; out && i < t->rows; i++) {
        if (!an_valid(c, i)) continue;
        double x = an_cell_number(c, i);
        if (isfinite(x)) out[(*n)++] = x;
    }
    return out;
}

bool an__slip_find(double *x, size_t n, double *y, size_t m, double ks, an__slip *out)
{
    double p[3], q[3], best = 0.5 * ks;
    *out = (an__slip){ NAN, NAN, NULL };
    if (n < AN__SLIP_LEAST || m < AN__SLIP_LEAST || !(ks > 0.5)) return false;
    an__quartiles(x, n, p);
    an__quartiles(y, m, q);
    double *mapped = an_alloc_data(n, sizeof *mapped, "the numbers of a column", NULL);
    for (size_t k = 0; mapped && k < 2 * AN_COUNT(slips); k++) {
        double factor = slips[k / 2].factor, offset = slips[k / 2].offset;
        if (k % 2) {
            factor = 1 / factor;
            offset = -offset * factor;
        }
        double middle = factor * p[1] + offset, spread = fmax(factor * (p[2] - p[0]), q[2] - q[0]);
        if (fabs(middle - q[1]) > spread + 0.05 * fabs(q[1])) continue; /* nowhere near: spare the sorting */
        for (size_t i = 0; i < n; i++) mapped[i] = factor * x[i] + offset;
        double apart = 1 - an_ks_complement(mapped, n, y, m);
        if (apart >= best) continue;
        best = apart;
        *out = (an__slip){ factor, offset, k % 2 ? slips[k / 2].back : slips[k / 2].forth };
    }
    free(mapped);
    return out->words != NULL;
}

json_t *an__other_units(const an_table *base, const an_table *grown)
{
    json_t *list = json_array();
    for (size_t j = 0; j < base->columns; j++) {
        const an_column *a = &base->column[j], *b = an_table_find(grown, a->name);
        if ((a->type != AN_REAL && a->type != AN_INTEGER) || a->role == AN_ID || a->role == AN_TIME) continue;
        size_t n, m;
        double *x = an__numbers(base, a, 0, &n), *y = an__numbers(grown, b, base->rows, &m);
        an__slip slip;
        if (x && y && n >= AN__SLIP_LEAST && m >= AN__SLIP_LEAST && an__slip_find(x, n, y, m, 1 - an_ks_complement(x, n, y, m), &slip))
            json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:s, s:f, s:f, s:s?}", "column", a->name, "factor", slip.factor,
                                                  "offset", slip.offset, "words", slip.words, "median_before", an_quantile(x, n, 0.5),
                                                  "median_added", an_quantile(y, m, 0.5), "unit", a->unit));
        free(x);
        free(y);
    }
    return list;
}
