/* smote.c - the SMOTE kinds: which rows of the rarer class to start from, and which neighbours to go towards. Sampling is bank.c's.
 *
 * SMOTE: Chawla et al. 2002; SMOTE-NC: the same, section 6.1; Borderline-SMOTE: Han, Wang and Mao 2005; ADASYN: He et al. 2008.
 * Neighbours are searched in the space of features standardised on all real rows of the training part, categories as one-hot columns,
 * missing values imputed by the median. k is lowered where there are fewer rows. */
#include "synth/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct smote_options {
    int64_t neighbours;
} smote_options;

typedef struct border_options {
    int64_t neighbours, around;
} border_options;

static const an_param smote_params[] = {
    AN_INT(smote_options, neighbours, 5, 1, 1000, "nearest rows of the same class to go towards"),
    AN_PARAM_END,
};
static const an_param border_params[] = {
    AN_INT(border_options, neighbours, 5, 1, 1000, "nearest rows of the same class to go towards"),
    AN_INT(border_options, around, 10, 2, 1000, "nearest rows of any class that decide whether a row lies at the border"),
    AN_PARAM_END,
};

typedef struct space { /* all real rows, standardised */
    const an_table *all;
    an__classes classes;
    double *x;
    size_t d;
    size_t *rare, *rest, *every; /* row numbers; the first rare_count, rest_count, all->rows are set */
} space;

static void space_free(space *s)
{
    an__classes_free(&s->classes);
    free(s->x);
    free(s->rare);
    free(s->rest);
    free(s->every);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Median over the numeric columns of the standard deviation within the rarer class: the distance that a differing category stands for. */
static double category_distance(const space *s, const an_prep *prep)
{
    double *deviation = an_alloc_n(prep->columns + 1, sizeof *deviation);
    size_t count = 0, n = s->classes.rare_count;
    for (size_t c = 0; c < prep->columns; c++) {
        if (prep->column[c].onehot) continue;
        double sum = 0, squares = 0;
        for (size_t i = 0; i < n; i++) sum += s->x[s->rare[i] * s->d + prep->column[c].first];
        for (size_t i = 0; i < n; i++) {
            double e = s->x[s->rare[i] * s->d + prep->column[c].first] - sum / (double)n;
            squares += e * e;
        }
        deviation[count++] = sqrt(squares / (double)n);
    }
    qsort(deviation, count, sizeof *deviation, ascending);
    double median = count ? (deviation[(count - 1) / 2] + deviation[count / 2]) / 2 : 1;
    free(deviation);
    return median;
}

static bool space_make(const an_generator *g, bool nominal, space *s, an_error *err)
{
    *s = (space){ .all = g->context };
    size_t n = s->all->rows;
    an_prep_options options;
    memset(&options, 0, sizeof options);
    an_params_defaults(an_prep_params, &options);
    bool good = an_params_set(an_prep_params, &options, "scale", "standard", err) &&
                an_params_set(an_prep_params, &options, "category", "onehot", err) && an__classes_of(s->all, &s->classes, err);
    an_prep *prep = good ? an_prep_fit(s->all, NULL, 0, &options, err) : NULL;
    an_params_free(an_prep_params, &options);
    good = prep && (s->x = an_alloc_data(n * prep->width, sizeof *s->x, "prepared rows", err)) &&
           (s->rare = an_alloc_data(n, sizeof(size_t), "row numbers", err)) &&
           (s->rest = an_alloc_data(n, sizeof(size_t), "row numbers", err)) &&
           (s->every = an_alloc_data(n, sizeof(size_t), "row numbers", err)) && an_prep_apply(prep, s->all, NULL, n, s->x, NULL, err) &&
           an__measurable(prep, s->x, n, "interpolation between neighbours", err);
    if (good) {
        s->d = prep->width;
        for (size_t i = 0, a = 0, b = 0; i < n; i++) {
            s->every[i] = i;
            if (s->classes.label[i])
                s->rare[a++] = i;
            else
                s->rest[b++] = i;
        }
        if (nominal) {
            double one = category_distance(s, prep) / sqrt(2);
            for (size_t c = 0; c < prep->columns; c++) {
                if (!prep->column[c].onehot) continue;
                for (size_t i = 0; i < n; i++) {
                    for (size_t j = 0; j < prep->column[c].width; j++) s->x[i * s->d + prep->column[c].first + j] *= one;
                }
            }
        }
    }
    an_prep_free(prep);
    if (!good) space_free(s);
    return good;
}

/* Shares of the other class among the `around` nearest rows of any class, as counts; -1 slots do not count. */
static bool others_around(const space *s, size_t around, size_t *others, an_job *job, an_error *err)
{
    size_t n = s->classes.rare_count;
    int64_t *near = an_alloc_data(n * around, sizeof *near, "neighbours", err);
    bool good = near && an__neighbours(s->x, s->d, s->rare, n, s->every, s->all->rows, around, near, job, err);
    for (size_t i = 0; good && i < n; i++) {
        others[i] = 0;
        for (size_t j = 0; j < around; j++) others[i] += near[i * around + j] >= 0 && !s->classes.label[near[i * around + j]];
    }
    free(near);
    return good;
}

/* Fills the bank: starts from `base` (row numbers in s->all), towards k rows of the rarer class and, when `towards_rest`, also k of the
 * other. */
static bool fill(an__bank *b, const space *s, const size_t *base, size_t count, size_t k, bool towards_rest, an_job *job, an_error *err)
{
    size_t other = towards_rest ? k : 0;
    if (other > s->classes.rest_count) other = s->classes.rest_count;
    if (k > s->classes.rare_count - 1) k = s->classes.rare_count - 1;
    int64_t *same = an_alloc_data(count * k, sizeof *same, "neighbours", err);
    int64_t *rest = an_alloc_data(count * (other ? other : 1), sizeof *rest, "neighbours", err);
    b->k = k + other;
    b->base_count = count;
    b->base = an_alloc_data(count, sizeof *b->base, "row numbers", err);
    b->near = an_alloc_data(count * b->k, sizeof *b->near, "neighbours", err);
    b->reach = an_alloc_data(count * b->k, sizeof *b->reach, "neighbours", err);
    bool good = same && rest && b->base && b->near && b->reach &&
                an__neighbours(s->x, s->d, base, count, s->rare, s->classes.rare_count, k, same, job, err) &&
                an__neighbours(s->x, s->d, base, count, s->rest, s->classes.rest_count, other, rest, job, err);
    for (size_t i = 0; good && i < count; i++) {
        b->base[i] = (int64_t)base[i];
        for (size_t j = 0; j < b->k; j++) {
            b->near[i * b->k + j] = j < k ? same[i * k + j] : rest[i * other + j - k];
            b->reach[i * b->k + j] = j < k ? 1 : 0.5;
        }
    }
    free(same);
    free(rest);
    return good;
}

/* Keeps the rows that the bank uses, and renumbers. */
static bool keep_rows(an__bank *b, const an_table *all, an_error *err)
{
    int64_t *place = an_alloc_data(all->rows, sizeof *place, "row numbers", err);
    size_t *rows = an_alloc_data(all->rows, sizeof *rows, "row numbers", err), n = 0;
    bool good = place && rows;
    if (good) {
        for (size_t i = 0; i < b->base_count; i++) place[b->base[i]] = 1;
        for (size_t i = 0; i < b->base_count * b->k; i++) {
            if (b->near[i] >= 0) place[b->near[i]] = 1;
        }
        for (size_t i = 0; i < all->rows; i++) {
            if (!place[i]) continue;
            rows[n] = i;
            place[i] = (int64_t)n++;
        }
        for (size_t i = 0; i < b->base_count; i++) b->base[i] = place[b->base[i]];
        for (size_t i = 0; i < b->base_count * b->k; i++) {
            if (b->near[i] >= 0) b->near[i] = place[b->near[i]];
        }
        b->rows = an_table_select(all, rows, n, err);
    }
    free(place);
    free(rows);
    return good && b->rows;
}

static bool start(an_generator *g, bool nominal, space *s, an_job *job, an_error *err)
{
    an__bank *b = an_alloc(sizeof *b);
    g->state = b;
    b->vote = nominal;
    if (!space_make(g, nominal, s, err)) return false;
    int64_t k = ((const smote_options *)g->options)->neighbours; /* first field of both option types */
    size_t n = s->classes.rare_count;
    if (n < 2) {
        an_fail(err, AN_INPUT, "%s needs at least 2 rows of the rarer class, there is %zu", g->kind->name, n);
        an_hint(err, "use --balance random, weights or threshold, or collect more rows of %s = %s", g->target, s->classes.rare);
        space_free(s);
        return false;
    }
    if ((size_t)k > n - 1)
        an_job_say(job, "%s: %zu rows of the rarer class, so %zu instead of %lld neighbours", g->kind->name, n, n - 1, (long long)k);
    return true;
}

static bool finish(an_generator *g, space *s, bool good, an_error *err)
{
    good = good && keep_rows(g->state, s->all, err);
    space_free(s);
    return good;
}

static bool fit_plain(an_generator *g, bool nominal, an_job *job, an_error *err)
{
    space s;
    if (!start(g, nominal, &s, job, err)) return false;
    size_t k = (size_t)((const smote_options *)g->options)->neighbours;
    return finish(g, &s, fill(g->state, &s, s.rare, s.classes.rare_count, k, false, job, err), err);
}

static bool fit_smote(an_generator *g, const an_table *train, an_job *job, an_error *err)
{
    (void)train;
    return fit_plain(g, false, job, err);
}

static bool fit_nominal(an_generator *g, const an_table *train, an_job *job, an_error *err)
{
    (void)train;
    return fit_plain(g, true, job, err);
}

/* Danger: at least half, but not all, of the rows around are of the other class. */
static bool fit_border(an_generator *g, bool towards_rest, an_job *job, an_error *err)
{
    space s;
    if (!start(g, false, &s, job, err)) return false;
    const border_options *o = g->options;
    size_t n = s.classes.rare_count, around = (size_t)o->around, danger_count = 0;
    if (around > s.all->rows - 1) around = s.all->rows - 1;
    size_t *others = an_alloc_data(n, sizeof *others, "counts", err), *danger = an_alloc_data(n, sizeof *danger, "row numbers", err);
    bool good = others && danger && others_around(&s, around, others, job, err);
    for (size_t i = 0; good && i < n; i++) {
        if (2 * others[i] >= around && others[i] < around) danger[danger_count++] = s.rare[i];
    }
    if (good && danger_count == 0) {
        an_job_say(job, "%s: no row of the rarer class lies at the border of the classes; all of them are started from, as in SMOTE",
                   g->kind->name);
        memcpy(danger, s.rare, n * sizeof *danger);
        danger_count = n;
    }
    good = good && fill(g->state, &s, danger, danger_count, (size_t)o->neighbours, towards_rest, job, err);
    free(others);
    free(danger);
    return finish(g, &s, good, err);
}

static bool fit_border1(an_generator *g, const an_table *train, an_job *job, an_error *err)
{
    (void)train;
    return fit_border(g, false, job, err);
}

static bool fit_border2(an_generator *g, const an_table *train, an_job *job, an_error *err)
{
    (void)train;
    return fit_border(g, true, job, err);
}

/* Each row is started from in proportion to the share of the other class among its nearest rows. */
static bool fit_adasyn(an_generator *g, const an_table *train, an_job *job, an_error *err)
{
    (void)train;
    space s;
    if (!start(g, false, &s, job, err)) return false;
    size_t n = s.classes.rare_count, k = (size_t)((const smote_options *)g->options)->neighbours, around = k;
    if (around > s.all->rows - 1) around = s.all->rows - 1;
    an__bank *b = g->state;
    size_t *others = an_alloc_data(n, sizeof *others, "counts", err);
    bool good = others && others_around(&s, around, others, job, err) && fill(b, &s, s.rare, n, k, false, job, err);
    size_t sum = 0;
    for (size_t i = 0; good && i < n; i++) sum += others[i];
    if (good && sum == 0)
        an_job_say(job, "adasyn: no row of the other class is near a row of the rarer one; rows are started from alike, as in SMOTE");
    if (good && sum) {
        good = (b->chance = an_alloc_data(n, sizeof *b->chance, "shares", err));
        size_t running = 0;
        for (size_t i = 0; good && i < n; i++) b->chance[i] = (double)(running += others[i]) / (double)sum;
    }
    free(others);
    return finish(g, &s, good, err);
}

#define BANK_KIND(text, words, from, table, type, fitter, flags)                                                                    \
    {                                                                                                                               \
        .name = text, .doc = words, .source = from, .params = table, .options_size = sizeof(type), .can = AN_CAN_MISSING | (flags), \
        .minority = true, .context = true, .fit = fitter, .sample = an__bank_sample, .save = an__bank_save, .load = an__bank_load,  \
        .free = an__bank_free                                                                                                       \
    }

const an_generator_kind an__smote = BANK_KIND("smote", "points between a row of the rarer class and one of its nearest neighbours",
                                              "Chawla et al. 2002, section 4.2", smote_params, smote_options, fit_smote, AN_CAN_CATEGORY);
const an_generator_kind an__smote_nc =
    BANK_KIND("smote-nc", "SMOTE whose categories are the most frequent among the neighbours", "Chawla et al. 2002, section 6.1",
              smote_params, smote_options, fit_nominal, AN_CAN_CATEGORY);
const an_generator_kind an__borderline1 =
    BANK_KIND("borderline1", "SMOTE from rows at the border of the classes", "Han, Wang and Mao 2005, section 3", border_params,
              border_options, fit_border1, AN_CAN_CATEGORY);
const an_generator_kind an__borderline2 =
    BANK_KIND("borderline2", "SMOTE from rows at the border, also up to half-way towards the other class",
              "Han, Wang and Mao 2005, section 3", border_params, border_options, fit_border2, AN_CAN_CATEGORY);
const an_generator_kind an__adasyn =
    BANK_KIND("adasyn", "SMOTE with more rows where the other class is near", "He, Bai, Garcia and Li 2008, section III", smote_params,
              smote_options, fit_adasyn, AN_CAN_CATEGORY);
