/* select_path.c - the order in which variables enter the L1-penalised least-squares path (Tibshirani 1996), by coordinate descent with
 * covariance updates and active sets (Friedman, Hastie and Tibshirani 2010, section 2.2). */
#include "learn/select.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double STEP = 0.93, LAST = 1e-3, TOLERANCE = 1e-5;
enum { SWEEPS = 200 };

typedef struct path {
    const double *x, *y;
    size_t m, variables;
    double *b;      /* [variables] */
    double *moment; /* [variables]: x_v y / m */
    size_t *active; /* variables whose products with all others are known */
    size_t count;
    double **product; /* [variable]: NULL, or x_v x_w / m for all w */
} path;

static void activate(path *p, size_t v)
{
    double *c = an_alloc_n(p->variables, sizeof *c);
    for (size_t w = 0; w < p->variables; w++) c[w] = an__dot(p->x + v * p->m, p->x + w * p->m, p->m) / (double)p->m;
    p->product[v] = c;
    p->active[p->count++] = v;
}

static double slope(const path *p, size_t v)
{
    double g = p->moment[v];
    for (size_t k = 0; k < p->count; k++) {
        size_t a = p->active[k];
        if (p->b[a] != 0) g -= p->product[a][v] * p->b[a];
    }
    return g;
}

static void descend(path *p, double penalty)
{
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        double most = 0;
        for (size_t k = 0; k < p->count; k++) {
            size_t v = p->active[k];
            double own = p->product[v][v], z = slope(p, v) + own * p->b[v], size = fabs(z) - penalty;
            double b = size > 0 && own > 0 ? copysign(size, z) / own : 0;
            most = fmax(most, fabs(b - p->b[v]));
            p->b[v] = b;
        }
        if (most < TOLERANCE) return;
    }
}

/* Groups that have a coefficient for the first time, the largest coefficient first. */
static size_t note_entered(const path *p, const size_t *group, size_t most, bool *in, size_t *entered, size_t count)
{
    for (;;) {
        size_t best = SIZE_MAX;
        double largest = 0;
        for (size_t k = 0; k < p->count; k++) {
            size_t v = p->active[k];
            double size = fabs(p->b[v]);
            if (size == 0 || in[group[v]] || size < largest || (size == largest && v > best)) continue;
            best = v;
            largest = size;
        }
        if (best == SIZE_MAX || count == most) return count;
        in[group[best]] = true;
        entered[count++] = group[best];
    }
}

size_t an__path_enter(const double *x, const double *y, size_t m, size_t variables, const size_t *group, size_t most, size_t *entered)
{
    path p = { .x = x, .y = y, .m = m, .variables = variables };
    size_t groups = 0, count = 0;
    p.b = an_alloc_n(variables + 1, sizeof *p.b);
    p.moment = an_alloc_n(variables + 1, sizeof *p.moment);
    p.active = an_alloc_n(variables + 1, sizeof *p.active);
    p.product = an_alloc_n(variables + 1, sizeof *p.product);
    double start = 0;
    for (size_t v = 0; v < variables; v++) {
        p.moment[v] = an__dot(x + v * m, y, m) / (double)m;
        start = fmax(start, fabs(p.moment[v]));
        if (group[v] >= groups) groups = group[v] + 1;
    }
    bool *in = an_alloc_n(groups + 1, 1);
    for (double penalty = start * STEP; start > 0 && penalty > start * LAST && count < most; penalty *= STEP) {
        for (bool again = true; again;) { /* until no variable outside the active set breaks the optimality condition */
            descend(&p, penalty);
            again = false;
            for (size_t v = 0; v < variables; v++) {
                if (p.product[v] || fabs(slope(&p, v)) <= penalty * (1 + 1e-9)) continue;
                activate(&p, v);
                again = true;
            }
        }
        count = note_entered(&p, group, most, in, entered, count);
    }
    for (size_t k = 0; k < p.count; k++) free(p.product[p.active[k]]);
    free(p.product);
    free(p.active);
    free(p.moment);
    free(p.b);
    free(in);
    return count;
}
