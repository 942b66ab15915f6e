/* probe.c - rows drawn inside the training ranges, for golden rows, load tests and examples: never a row of the data. Value (row, column)
 * depends on (seed, row, column) alone. */
#include "learn/model.h"

#include <math.h>
#include <string.h>

/* Share of missing cells drawn for a feature that had missing values in training: its own share, but enough to be seen in a few rows. */
static double missing_share(const an_prep_column *c)
{
    if (!(c->missing_share > 0)) return 0;
    return fmin(fmax(c->missing_share, 0.125), 0.5);
}

static double draw_real(const an_prep_column *c, double u)
{
    double x = c->low * (1 - u) + c->high * u; /* also where high - low overflows */
    if (c->step > 0) {
        double per_unit = nearbyint(1 / c->step);
        x = nearbyint(x * per_unit) / per_unit;
    } else if (c->whole) {
        x = nearbyint(x);
    }
    return fmin(fmax(x, c->low), c->high);
}

static int64_t clamped(double x)
{
    return x >= 9.2e18 ? INT64_MAX : x <= -9.2e18 ? INT64_MIN : (int64_t)x;
}

static int64_t draw_whole(const an_prep_column *c, double u)
{
    double x = floor(c->low + u * (c->high - c->low + 1));
    x = fmin(fmax(x, c->low), c->high);
    return clamped(x);
}

static bool draw_column(an_table *t, const an_prep_column *p, uint64_t seed, size_t index, an_error *err)
{
    an_column *c = an_table_add(t, p->name, p->type, err);
    if (!c) return false;
    c->unit = an_strdup(p->unit);
    if (p->type == AN_CATEGORY) {
        c->dictionary.count = p->dictionary.count;
        c->dictionary.names = an_alloc_n((size_t)p->dictionary.count + 1, sizeof *c->dictionary.names);
        for (int32_t k = 0; k < p->dictionary.count; k++) c->dictionary.names[k] = an_strdup(p->dictionary.names[k]);
    }
    bool nothing = p->type == AN_CATEGORY ? !p->dictionary.count : !(p->low <= p->high);
    an_rng rng = an_rng_at(an_seed_derive(seed, "probe", index), 0);
    for (size_t i = 0; i < t->rows; i++) {
        double gap = an_rng_uniform(&rng), u = an_rng_uniform(&rng);
        if (nothing || gap < missing_share(p)) continue; /* stays missing */
        switch (p->type) {
        case AN_REAL:
            c->real[i] = draw_real(p, u);
            break;
        case AN_DATETIME:
            c->integer[i] = clamped(nearbyint(draw_real(p, u) * 1e6));
            break; /* ranges are in seconds */
        case AN_BOOLEAN:
            c->boolean[i] = draw_whole(p, u) != 0;
            break;
        case AN_CATEGORY:
            c->code[i] = (int32_t)fmin(floor(u * p->dictionary.count), p->dictionary.count - 1);
            break;
        default:
            c->integer[i] = draw_whole(p, u);
            break;
        }
        an_set_valid(c, i);
    }
    return true;
}

an_table *an_model_probe(const an_model *m, size_t n, uint64_t seed, an_error *err)
{
    an_table *t = an_table_new(n);
    for (size_t i = 0; i < m->prep->columns; i++)
        if (!draw_column(t, &m->prep->column[i], seed, i, err)) {
            an_table_free(t);
            return NULL;
        }
    return t;
}
