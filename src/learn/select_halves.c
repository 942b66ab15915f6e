/* select_halves.c - how often each group is chosen from halves of the training rows: complementary pairs (Shah and Samworth 2013), with a
 * group counted whichever of its columns would be (Faletto and Bien 2022, "Cluster stability selection").
 *
 * A half chooses twice: the groups with the strongest association, alone; and those that enter the L1 path first, jointly. Shuffled copies
 * of groups compete with the real ones, so that there is always somebody to be chosen by mistake, and it shows when they are. Parts of one
 * unit (an_role group) stay in one half. */
#include "learn/select.h"

#include "andon/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SCREENED = 1000 }; /* groups that may enter the path: those with the strongest association (Fan and Lv 2008) */

void an__stability_free(an__stability *r)
{
    free(r->association);
    free(r->joint);
    *r = (an__stability){ 0 };
}

/* ---- evidence ---- */

double an__minus_log_p(double chi2, double df)
{
    if (!(chi2 > 0)) return 0;
    double p = chi2 < 1200 ? an_gamma_q(df / 2, chi2 / 2) : 0;
    if (p > 1e-280) return -log(p);
    return chi2 / 2 - (df / 2 - 1) * log(chi2 / 2) + lgamma(df / 2); /* leading term of the tail */
}

/* x at the rows, standardised over them; false: it does not vary there. */
static bool gather(const double *x, const uint32_t *at, size_t m, const uint32_t *shuffle, double *out)
{
    double mean = 0;
    for (size_t i = 0; i < m; i++) {
        size_t row = at ? at[i] : i;
        out[i] = x[shuffle ? shuffle[row] : row];
        mean += out[i];
    }
    mean /= (double)m;
    for (size_t i = 0; i < m; i++) out[i] -= mean;
    double sd = sqrt(an__dot(out, out, m) / (double)m);
    if (!(sd > 1e-9)) {
        memset(out, 0, m * sizeof *out);
        return false;
    }
    for (size_t i = 0; i < m; i++) out[i] /= sd;
    return true;
}

double an__evidence(const an__scores *s, const an__groups *g, size_t group, const uint32_t *at, size_t m, const uint32_t *shuffle,
                    const double *y, double *work)
{
    double chi2 = 0, df = 0;
    if (group < g->numbers) {
        const double *x[2] = { g->mean + group * s->n, g->square + group * s->n };
        for (int k = 0; k < 2; k++) {
            if (!gather(x[k], at, m, shuffle, work)) continue;
            double r = an__dot(work, y, m) / (double)m;
            chi2 += (double)(m - 1) * r * r;
            df++;
        }
    } else {
        size_t k = g->category[group - g->numbers];
        for (size_t l = s->first[k]; l < s->first[k] + s->levels[k]; l++) {
            gather(s->level + l * s->n, at, m, shuffle, work);
            double r = an__dot(work, y, m) / (double)m;
            chi2 += (double)(m - 1) * r * r * (1 - s->share[l]);
        }
        df = (double)s->levels[k] - 1;
    }
    return df > 0 ? an__minus_log_p(chi2, df) : 0;
}

/* ---- halves ---- */

typedef struct unit {
    uint64_t key;
    size_t row;
} unit;

static int by_key(const void *a, const void *b)
{
    const unit *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* Rows gathered into units: row[start[u]] .. row[start[u + 1] - 1]. */
typedef struct units {
    uint32_t *row, *start;
    size_t count;
    uint8_t *positive; /* [unit]: holds a positive row */
} units;

static void units_make(units *u, const an__scores *s)
{
    const an_column *group = NULL;
    for (size_t j = 0; j < s->t->columns; j++)
        if (s->t->column[j].role == AN_GROUP) group = &s->t->column[j];
    static const uint8_t key[16] = "selection unit";
    unit *all = an_alloc_n(s->n + 1, sizeof *all);
    an_buf text = { 0 };
    for (size_t i = 0; i < s->n; i++) {
        all[i] = (unit){ group ? 0 : i, i };
        if (!group) continue;
        an_buf_clear(&text);
        if (an_valid(group, s->rows[i]))
            an_cell_text(group, s->rows[i], &text);
        else
            an_buf_printf(&text, "%c%zu", 1, i); /* who is in no group is alone */
        all[i].key = an_siphash(key, text.data ? text.data : "", text.size);
    }
    an_buf_free(&text);
    if (group) qsort(all, s->n, sizeof *all, by_key);
    *u = (units){ an_alloc_n(s->n + 1, sizeof *u->row), an_alloc_n(s->n + 2, sizeof *u->start), 0, an_alloc_n(s->n + 1, 1) };
    for (size_t i = 0; i < s->n; i++) {
        if (!i || all[i].key != all[i - 1].key) u->start[u->count++] = (uint32_t)i;
        u->row[i] = (uint32_t)all[i].row;
        if (s->label && s->label[all[i].row]) u->positive[u->count - 1] = 1;
    }
    u->start[u->count] = (uint32_t)s->n;
    free(all);
}

static void units_free(units *u)
{
    free(u->row);
    free(u->start);
    free(u->positive);
}

static int by_row(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Units of each class in half, alternately, in a random order; size[0] + size[1] == n. */
static void halve(const units *u, uint64_t seed, uint32_t *half[2], size_t size[2])
{
    an_rng r = an_rng_at(seed, 0);
    size_t *order = an_alloc_n(u->count + 1, sizeof *order), side = an_rng_below(&r, 2);
    size[0] = size[1] = 0;
    for (uint8_t positive = 0; positive < 2; positive++) {
        size_t n = 0;
        for (size_t k = 0; k < u->count; k++)
            if (u->positive[k] == positive) order[n++] = k;
        an_rng_shuffle(&r, order, n);
        for (size_t k = 0; k < n; k++, side = !side)
            for (size_t i = u->start[order[k]]; i < u->start[order[k] + 1]; i++) half[side][size[side]++] = u->row[i];
    }
    for (int k = 0; k < 2; k++) qsort(half[k], size[k], sizeof **half, by_row);
    free(order);
}

/* Units change places with units, rows within them by position: what is constant in a unit stays so. */
static void shuffle_units(const units *u, uint64_t seed, uint32_t *place)
{
    an_rng r = an_rng_at(seed, 0);
    size_t *order = an_alloc_n(u->count + 1, sizeof *order);
    for (size_t k = 0; k < u->count; k++) order[k] = k;
    an_rng_shuffle(&r, order, u->count);
    for (size_t k = 0; k < u->count; k++) {
        size_t from = order[k], size = u->start[from + 1] - u->start[from];
        for (size_t i = u->start[k]; i < u->start[k + 1]; i++) place[u->row[i]] = u->row[u->start[from] + (i - u->start[k]) % size];
    }
    free(order);
}

/* ---- choosing ---- */

typedef struct running {
    const an__scores *s;
    const an__groups *g;
    an__stability *r;
    units units;
    size_t *copied;         /* [shuffled]: group that is copied */
    uint32_t **shuffle;     /* [shuffled]: positions; several share one */
    uint8_t *alone, *joint; /* [half * all + group] */
    bool *failed;
    an_job *job;
    size_t done;
} running;

typedef struct ranked {
    double value;
    size_t group;
} ranked;

static int strongest(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->value != y->value) return x->value > y->value ? -1 : 1;
    return x->group < y->group ? -1 : x->group > y->group;
}

/* What enters the path: means of number groups, indicators of categories. */
static void choose_jointly(const running *c, const ranked *order, size_t all, const uint32_t *at, size_t m, const double *y, uint8_t *out,
                           bool *failed)
{
    size_t groups = all < SCREENED ? all : SCREENED, variables = 0, most = 0;
    for (size_t k = 0; k < groups; k++) {
        size_t own = order[k].group, from = own < c->g->count ? own : c->copied[own - c->g->count];
        most += from < c->g->numbers ? 1 : c->s->levels[c->g->category[from - c->g->numbers]];
    }
    double *x = an_alloc_data(most * m + 1, sizeof *x, "a half of the rows", NULL);
    if (!x) {
        *failed = true;
        return;
    }
    size_t *group = an_alloc_n(most + 1, sizeof *group), *entered = an_alloc_n(c->r->jointly + 1, sizeof *entered);
    for (size_t k = 0; k < groups; k++) {
        size_t own = order[k].group, from = own < c->g->count ? own : c->copied[own - c->g->count];
        const uint32_t *shuffle = own < c->g->count ? NULL : c->shuffle[own - c->g->count];
        size_t category = from < c->g->numbers ? 0 : c->g->category[from - c->g->numbers];
        const double *source = from < c->g->numbers ? c->g->mean + from * c->s->n : c->s->level + c->s->first[category] * c->s->n;
        size_t width = from < c->g->numbers ? 1 : c->s->levels[category];
        for (size_t l = 0; l < width; l++) {
            gather(source + l * c->s->n, at, m, shuffle, x + variables * m);
            group[variables++] = own;
        }
    }
    size_t count = an__path_enter(x, y, m, variables, group, c->r->jointly, entered);
    for (size_t k = 0; k < count; k++) out[entered[k]] = 1;
    free(x);
    free(group);
    free(entered);
}

static void choose(void *context, size_t pair, int worker)
{
    (void)worker;
    running *c = context;
    const an__scores *s = c->s;
    size_t all = c->g->count + c->r->shuffled, size[2];
    if (!an_job_check(c->job, NULL)) return;
    uint32_t *half[2] = { an_alloc_n(s->n + 1, sizeof **half), an_alloc_n(s->n + 1, sizeof **half) };
    double *y = an_alloc_n(s->n + 1, sizeof *y), *work = an_alloc_n(2 * s->n + 1, sizeof *work);
    ranked *order = an_alloc_n(all + 1, sizeof *order);
    halve(&c->units, an_seed_derive(an_job_seed(c->job), "select/pair", pair), half, size);
    for (size_t h = 0; h < 2; h++) {
        uint8_t *alone = c->alone + (2 * pair + h) * all, *joint = c->joint + (2 * pair + h) * all;
        if (!gather(s->target, half[h], size[h], NULL, y)) continue;
        for (size_t k = 0; k < all; k++) {
            bool real = k < c->g->count;
            const uint32_t *shuffle = real ? NULL : c->shuffle[k - c->g->count];
            order[k] = (ranked){ an__evidence(s, c->g, real ? k : c->copied[k - c->g->count], half[h], size[h], shuffle, y, work), k };
        }
        qsort(order, all, sizeof *order, strongest);
        for (size_t k = 0; k < c->r->alone && k < all; k++) alone[order[k].group] = order[k].value > 0;
        choose_jointly(c, order, all, half[h], size[h], y, joint, &c->failed[pair]);
    }
    free(half[0]);
    free(half[1]);
    free(y);
    free(work);
    free(order);
    an_job_progress(c->job, (double)__atomic_add_fetch(&c->done, 1, __ATOMIC_RELAXED), (double)c->r->pairs, "pairs of halves");
}

/* Both halves need both classes. */
static bool enough(const units *u, const an__scores *s, an_error *err)
{
    size_t with = 0;
    for (size_t k = 0; k < u->count; k++) with += u->positive[k];
    if (s->label && (s->positives < 6 || s->n - s->positives < 6)) {
        an_fail(err, AN_INPUT, "%zu positive and %zu other rows in the training part: too few to see in halves of them what is stable",
                s->positives, s->n - s->positives);
        return an_hint(err, "collect more of the rarer class, or choose columns by hand: --keep and --drop at data import");
    }
    if ((s->label && with < 2) || u->count < 4)
        return an_fail(err, AN_INPUT, "the rows fall into %zu groups, of which %zu hold a positive row: they cannot be halved", u->count,
                       with);
    return true;
}

bool an__stability_run(an__stability *r, const an__scores *s, const an__groups *g, size_t pairs, size_t shuffled, size_t alone,
                       size_t jointly, an_job *job, an_error *err)
{
    size_t all = g->count + shuffled, batches = g->count ? (shuffled + g->count - 1) / g->count : 0;
    *r = (an__stability){ .pairs = pairs,
                          .shuffled = shuffled,
                          .alone = alone,
                          .jointly = jointly,
                          .association = an_alloc_n(all + 1, sizeof *r->association),
                          .joint = an_alloc_n(all + 1, sizeof *r->joint) };
    running c = { .s = s, .g = g, .r = r, .job = job };
    units_make(&c.units, s);
    if (!enough(&c.units, s, err)) {
        units_free(&c.units);
        return false;
    }
    an_job_stage(job, "choosing from halves");
    c.copied = an_alloc_n(shuffled + 1, sizeof *c.copied);
    c.shuffle = an_alloc_n(shuffled + 1, sizeof *c.shuffle);
    uint32_t **place = an_alloc_n(batches + 1, sizeof *place);
    size_t *order = an_alloc_n(g->count + 1, sizeof *order);
    for (size_t b = 0; b < batches; b++) {
        uint64_t seed = an_seed_derive(an_job_seed(job), "select/shuffle", b);
        place[b] = an_alloc_n(s->n + 1, sizeof **place);
        shuffle_units(&c.units, seed, place[b]);
        an_rng x = an_rng_at(seed, 1);
        for (size_t k = 0; k < g->count; k++) order[k] = k;
        an_rng_shuffle(&x, order, g->count);
        for (size_t k = 0; k < g->count && b * g->count + k < shuffled; k++) {
            c.copied[b * g->count + k] = order[k];
            c.shuffle[b * g->count + k] = place[b];
        }
    }
    c.failed = an_alloc_n(pairs + 1, 1);
    c.alone = an_alloc_data(4 * pairs * all + 1, 1, "the choices of the halves", err);
    bool ok = c.alone != NULL;
    if (ok) {
        c.joint = c.alone + 2 * pairs * all;
        an_pool_each(an_job_pool(job), pairs, choose, &c);
        ok = an_job_check(job, err);
        for (size_t p = 0; ok && p < pairs; p++)
            if (c.failed[p]) ok = an_fail(err, AN_MEMORY, "not enough memory for half of %zu rows", s->n);
    }
    for (size_t h = 0; ok && h < 2 * pairs; h++) {
        for (size_t k = 0; k < all; k++) {
            r->association[k] += c.alone[h * all + k] / (2.0 * (double)pairs);
            r->joint[k] += c.joint[h * all + k] / (2.0 * (double)pairs);
        }
    }
    for (size_t b = 0; b < batches; b++) free(place[b]);
    free(place);
    free(order);
    free(c.copied);
    free(c.shuffle);
    free(c.alone);
    free(c.failed);
    units_free(&c.units);
    return ok;
}
