/* judge.c - generated rows against real ones: fidelity per column and averaged, detection, use for training, copies, each beside a floor
 * (columns shuffled independently) and a ceiling (one real half against the other). Distances themselves are in score; frames in frame.c,
 * detection in detect.c. */
#include "synth/frame.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const an_param an_judge_params[] = {
    AN_INT(an_judge_options, bins, 20, 2, 1000, "bins of the Jensen-Shannon histograms, on the real rows' range"),
    AN_INT(an_judge_options, rows, 0, 0, 10000000, "generated rows judged when a generator is given; 0: as many as there are real ones"),
    AN_BOOL(an_judge_options, timing, true, "time 1,000 and 10,000 rows of the generator"),
    AN_PARAM_END,
};

enum { NEAREST_ROWS = 4000, MAP_POINTS = 1000 };

typedef struct scores {
    double ks, correlation, wasserstein, js, c2st, tstr, dcr, copies, sample_1k, sample_10k;
} scores;

static json_t *scores_json(const scores *s)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "ks_complement", an_json_real(s->ks),
                     "correlation_similarity", an_json_real(s->correlation), "wasserstein", an_json_real(s->wasserstein), "js_distance",
                     an_json_real(s->js), "js_distance_nats", an_json_real(s->js * sqrt(log(2))), "c2st_auc", an_json_real(s->c2st),
                     "tstr_f1", an_json_real(s->tstr), "dcr_median", an_json_real(s->dcr), "copies",
                     isnan(s->copies) ? json_null() : json_integer((json_int_t)s->copies), "sample_1k_s", an_json_real(s->sample_1k),
                     "sample_10k_s", an_json_real(s->sample_10k));
}

typedef struct judging {
    const an__frame_plan *plan;
    const an__frame *holdout; /* may be NULL */
    int bins;
    uint64_t seed;
    an_job *job;
} judging;

/* ---- per column ---- */

typedef struct mean {
    double sum;
    size_t n;
} mean;

static void add(mean *m, double v)
{
    if (isnan(v)) return;
    m->sum += v;
    m->n++;
}

static double mean_value(mean m)
{
    return m.n ? m.sum / (double)m.n : NAN;
}

static void columns(const judging *j, const an__frame *real, const an__frame *made, scores *out, json_t *list)
{
    mean ks = { 0 }, wasserstein = { 0 }, js = { 0 };
    for (size_t i = 0; i < j->plan->columns; i++) {
        const an__frame_column *c = &j->plan->column[i];
        double shape, earth = NAN, divergence;
        if (c->number) {
            const double *a = real->number + c->index * real->n, *b = made->number + c->index * made->n;
            shape = an_ks_complement(a, real->n, b, made->n);
            earth = an_wasserstein(a, real->n, b, made->n, c->low, c->high);
            divergence = an_js_distance(a, real->n, b, made->n, c->low, c->high, j->bins);
        } else {
            const int32_t *a = real->code + c->index * real->n, *b = made->code + c->index * made->n;
            shape = an_tv_complement(a, real->n, b, made->n, c->values.count);
            int k = c->values.count + 1; /* the last for missing values */
            double *count = an_alloc_n(2 * (size_t)k, sizeof *count);
            for (size_t r = 0; r < real->n; r++) count[a[r] >= 0 ? a[r] : k - 1]++;
            for (size_t r = 0; r < made->n; r++) count[k + (b[r] >= 0 ? b[r] : k - 1)]++;
            divergence = an_js_distance_counts(count, count + k, k);
            free(count);
        }
        add(&ks, shape);
        add(&wasserstein, earth);
        add(&js, divergence);
        if (list) {
            json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o}", "name", c->name, c->number ? "ks_complement" : "tv_complement",
                                                  an_json_real(shape), "wasserstein", an_json_real(earth), "js_distance",
                                                  an_json_real(divergence)));
        }
    }
    out->ks = mean_value(ks);
    out->wasserstein = mean_value(wasserstein);
    out->js = mean_value(js);
}

/* n x numbers, row-major */
static double *numbers(const an__frame *f, const an__frame_plan *p, an_error *err)
{
    double *out = an_alloc_data(f->n * p->numbers + 1, sizeof *out, "rows to judge", err);
    for (size_t c = 0; out && c < p->numbers; c++) {
        for (size_t i = 0; i < f->n; i++) out[i * p->numbers + c] = f->number[c * f->n + i];
    }
    return out;
}

static bool correlation(const judging *j, const an__frame *real, const an__frame *made, scores *out, an_error *err)
{
    double *a = numbers(real, j->plan, err), *b = a ? numbers(made, j->plan, err) : NULL;
    if (b) out->correlation = j->plan->numbers > 1 ? an_correlation_similarity(a, real->n, b, made->n, j->plan->numbers, j->job) : NAN;
    free(a);
    free(b);
    return b != NULL;
}

/* ---- rows ---- */

/* Median distance to the closest real row: root of the mean square difference per column, numbers in shares of the real range, categories 0
 * or 1. */
static bool closest(const judging *j, const an__frame *real, const an__frame *made, scores *out, an_error *err)
{
    an__frame a = { 0 }, b = { 0 };
    size_t d = 0;
    double *x = NULL, *y = NULL, *distance = NULL;
    bool good = an__frame_thin(&a, j->plan, made, NEAREST_ROWS, err) && an__frame_thin(&b, j->plan, real, NEAREST_ROWS, err) &&
                (x = an__frame_matrix(&a, j->plan, true, &d, err)) && (y = an__frame_matrix(&b, j->plan, true, &d, err)) &&
                (distance = an_alloc_data(a.n ? a.n : 1, sizeof *distance, "distances", err));
    out->dcr = NAN;
    if (good && a.n && b.n && d) {
        an_nearest_distances(x, a.n, y, b.n, d, false, distance, j->job);
        out->dcr = an_quantile(distance, a.n, 0.5) / sqrt((double)j->plan->columns);
    }
    an__frame_free(&a);
    an__frame_free(&b);
    free(x);
    free(y);
    free(distance);
    return good;
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t *row_hashes(const an__frame *f, const an__frame_plan *p, an_error *err)
{
    static const uint8_t key[16] = { 0 };
    uint64_t *out = an_alloc_data(f->n ? f->n : 1, sizeof *out, "row hashes", err);
    size_t bytes = p->numbers * sizeof(double) + p->categories * sizeof(int32_t);
    uint8_t *row = an_alloc(bytes + 1);
    for (size_t i = 0; out && i < f->n; i++) {
        for (size_t c = 0; c < p->numbers; c++) {
            double v = f->number[c * f->n + i];
            if (isnan(v)) v = (double)NAN;
            if (v == 0) v = 0; /* -0 is 0 */
            memcpy(row + c * sizeof v, &v, sizeof v);
        }
        for (size_t c = 0; c < p->categories; c++) memcpy(row + p->numbers * sizeof(double) + c * 4, &f->code[c * f->n + i], 4);
        out[i] = an_siphash(key, row, bytes);
    }
    free(row);
    return out;
}

/* Generated rows that equal a real row in every feature. */
static bool copies(const judging *j, const an__frame *real, const an__frame *made, scores *out, an_error *err)
{
    uint64_t *a = row_hashes(real, j->plan, err), *b = a ? row_hashes(made, j->plan, err) : NULL;
    if (b) {
        qsort(a, real->n, sizeof *a, by_key);
        size_t count = 0;
        for (size_t i = 0; i < made->n; i++) count += bsearch(&b[i], a, real->n, sizeof *a, by_key) != NULL;
        out->copies = (double)count;
    }
    free(a);
    free(b);
    return b != NULL;
}

/* ---- use for training ---- */

static an_model *logistic(const an_table *train, an_job *job, an_error *err)
{
    const an_predictor_kind *kind = an_predictor_kind_find("logistic", err);
    return kind ? an_model_fit(train, kind, NULL, NULL, job, err) : NULL;
}

static bool both_classes(const an__frame *f)
{
    bool seen[2] = { false, false };
    for (size_t i = 0; i < f->n; i++) {
        if (f->label[i] >= 0) seen[f->label[i]] = true;
    }
    return seen[0] && seen[1];
}

/* Rows of known label. */
static bool labelled(an__frame *out, const judging *j, const an__frame *f, an_error *err)
{
    size_t *rows = an_alloc_data(f->n ? f->n : 1, sizeof *rows, "row numbers", err), n = 0;
    for (size_t i = 0; rows && i < f->n; i++) {
        if (f->label[i] >= 0) rows[n++] = i;
    }
    bool good = rows && an__frame_select(out, j->plan, f, rows, n, err);
    free(rows);
    return good;
}

/* Trained on generated rows, tested on real rows that the generator never saw: F1 at 0.5. */
static bool usefulness(const judging *j, const an__frame *made, scores *out, an_error *err)
{
    out->tstr = NAN;
    if (!j->holdout || !both_classes(made) || !both_classes(j->holdout)) return true;
    an__frame a = { 0 }, b = { 0 };
    an_table *train = NULL, *test = NULL;
    an_model *model = NULL;
    double *score = NULL;
    bool good = labelled(&a, j, made, err) && labelled(&b, j, j->holdout, err) && (train = an__frame_table(&a, j->plan, a.label, err)) &&
                (test = an__frame_table(&b, j->plan, b.label, err)) && (model = logistic(train, j->job, err)) &&
                (score = an_alloc_data(b.n, sizeof *score, "scores", err)) && an_model_score(model, test, score, j->job, err);
    if (good) {
        an_confusion c = an_confusion_at((const uint8_t *)b.label, score, b.n, 0.5);
        an_metrics m;
        an_confusion_metrics(&c, &m);
        out->tstr = m.f1;
    }
    an_model_free(model);
    an_table_free(train);
    an_table_free(test);
    an__frame_free(&a);
    an__frame_free(&b);
    free(score);
    return good;
}

static bool judge(const judging *j, const an__frame *real, const an__frame *made, scores *out, json_t *list, an_error *err)
{
    *out = (scores){ NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN };
    if (!an_job_check(j->job, err)) return false;
    columns(j, real, made, out, list);
    return correlation(j, real, made, out, err) && closest(j, real, made, out, err) && copies(j, real, made, out, err) &&
           an_job_check(j->job, err) && an__detect(real, made, j->plan, j->seed, &out->c2st, j->job, err) &&
           usefulness(j, made, out, err) && an_job_check(j->job, err);
}

/* ---- floor and ceiling ---- */

static bool floor_scores(const judging *j, const an__frame *real, scores *out, an_error *err)
{
    an__frame f = { 0 };
    bool good = an__frame_thin(&f, j->plan, real, real->n, err);
    if (good) {
        an__frame_shuffle(&f, j->plan, an_seed_derive(j->seed, "floor", 0));
        good = judge(j, real, &f, out, NULL, err);
    }
    an__frame_free(&f);
    return good;
}

static bool ceiling_scores(const judging *j, const an__frame *real, scores *out, an_error *err)
{
    *out = (scores){ NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN };
    if (real->n < 2) return true;
    an__frame a = { 0 }, b = { 0 };
    size_t *order = an_alloc_data(real->n, sizeof *order, "row numbers", err), half = real->n / 2;
    bool good = order != NULL;
    if (good) {
        for (size_t i = 0; i < real->n; i++) order[i] = i;
        an_rng r = an_rng_at(an_seed_derive(j->seed, "ceiling", 0), 0);
        an_rng_shuffle(&r, order, real->n);
        good = an__frame_select(&a, j->plan, real, order, real->n - half, err) &&
               an__frame_select(&b, j->plan, real, order + real->n - half, half, err) && judge(j, &a, &b, out, NULL, err);
    }
    free(order);
    an__frame_free(&a);
    an__frame_free(&b);
    return good;
}

/* ---- the map ---- */

/* [x, y, class] each; class null where it is not known */
static json_t *points(const an_pca *p, const an__frame *f, const double *x)
{
    json_t *list = json_array();
    double *at = an_alloc_n(f->n * p->k + 1, sizeof *at);
    an_pca_apply(p, x, f->n, at);
    for (size_t i = 0; i < f->n; i++) {
        json_t *point = json_array();
        for (size_t k = 0; k < 2; k++) json_array_append_new(point, an_json_real(k < p->k ? at[i * p->k + k] : 0));
        json_array_append_new(point, f->label[i] < 0 ? json_null() : json_integer(f->label[i]));
        json_array_append_new(list, point);
    }
    free(at);
    return list;
}

/* Names of the matrix's columns, in the order of an__frame_matrix. */
static void names_of(const an__frame_plan *p, an_list *names)
{
    for (size_t j = 0; j < p->columns; j++) {
        const an__frame_column *c = &p->column[j];
        if (c->number && !isnan(c->mean)) an_list_add(names, c->name);
        for (int32_t v = 0; !c->number && c->values.count <= 100 && v < c->values.count; v++) {
            an_list_add_take(names, an_format("%s=%s", c->name, c->values.names[v]));
        }
    }
}

/* Axes as objects of the five largest loadings, largest first. */
static json_t *axes(const an_pca *p, const an__frame_plan *plan)
{
    an_list names = { 0 };
    names_of(plan, &names);
    json_t *list = json_array();
    for (size_t k = 0; k < p->k && names.count == p->d; k++) {
        json_t *axis = json_array();
        bool *used = an_alloc_n(p->d + 1, sizeof *used);
        for (int round = 0; round < 5; round++) {
            size_t best = p->d;
            for (size_t c = 0; c < p->d; c++) {
                if (!used[c] && (best == p->d || fabs(p->axes[k * p->d + c]) > fabs(p->axes[k * p->d + best]))) best = c;
            }
            if (best == p->d) break;
            used[best] = true;
            json_array_append_new(axis,
                                  json_pack("{s:s, s:o}", "name", names.items[best], "loading", an_json_real(p->axes[k * p->d + best])));
        }
        free(used);
        json_array_append_new(list, axis);
    }
    an_list_free(&names);
    return list;
}

/* At most `limit` rows, evenly spread within each class; of the positive ones up to two fifths are kept, or they would hardly be seen. */
static bool thin_classes(an__frame *out, const an__frame_plan *plan, const an__frame *from, size_t limit, an_error *err)
{
    size_t count[2] = { 0, 0 }, keep[2], seen[2] = { 0, 0 }, n = 0,
           *rows = an_alloc_data(from->n ? from->n : 1, sizeof *rows, "row numbers", err);
    if (!rows) return false;
    for (size_t i = 0; i < from->n; i++) count[from->label[i] == 1]++;
    size_t most = count[0] < limit - 2 * limit / 5 ? limit - count[0] : 2 * limit / 5;
    keep[1] = count[1] < most ? count[1] : most;
    keep[0] = count[0] < limit - keep[1] ? count[0] : limit - keep[1];
    for (size_t i = 0; i < from->n; i++) {
        int c = from->label[i] == 1;
        size_t k = seen[c]++; /* every (count / keep)-th of its class */
        if (keep[c] && k * keep[c] / count[c] != (k + 1) * keep[c] / count[c]) rows[n++] = i;
    }
    bool good = an__frame_select(out, plan, from, rows, n, err);
    free(rows);
    return good;
}

/* Axes and points; the real side is `real`, by which the plan was made. */
static json_t *map(const an__frame_plan *plan, const an__frame *real, const an__frame *made, an_error *err)
{
    size_t d = 0;
    an__frame a = { 0 }, b = { 0 };
    double *all = an__frame_matrix(real, plan, false, &d, err), *x = NULL, *y = NULL;
    an_pca *p = NULL;
    json_t *out = NULL;
    if (all && real->n > 1 && d > 0) {
        p = an_pca_fit(all, real->n, d, d < 2 ? d : 2, err);
        if (p && thin_classes(&a, plan, real, MAP_POINTS, err) && thin_classes(&b, plan, made, MAP_POINTS, err) &&
            (x = an__frame_matrix(&a, plan, false, &d, err)) && (y = an__frame_matrix(&b, plan, false, &d, err))) {
            json_t *explained = json_array();
            for (size_t k = 0; k < p->k; k++) json_array_append_new(explained, an_json_real(p->explained[k]));
            out = json_pack("{s:o, s:o, s:o, s:o}", "axes", axes(p, plan), "explained", explained, "real", points(p, &a, x), "synthetic",
                            points(p, &b, y));
        }
    } else if (all)
        out = json_null();
    an_pca_free(p);
    an__frame_free(&a);
    an__frame_free(&b);
    free(all);
    free(x);
    free(y);
    return out;
}

/* The same among other real rows than those judged by. */
static json_t *map_among(const an_table *real, const an_table *made, an_error *err)
{
    an__frame_plan plan;
    an__frame r = { 0 }, s = { 0 };
    json_t *out = NULL;
    if (an__frame_plan_make(&plan, real, &made, 1, err) && an__frame_make(&r, &plan, real, "real rows", err) &&
        an__frame_make(&s, &plan, made, "synthetic rows", err))
        out = map(&plan, &r, &s, err);
    an__frame_free(&r);
    an__frame_free(&s);
    an__frame_plan_free(&plan);
    return out;
}

/* ---- the whole ---- */

/* Shortest of three. */
static bool time_rows(const an_generator *g, size_t n, double *seconds, an_job *job, an_error *err)
{
    for (int i = 0; i < 3; i++) {
        double start = an_clock_s();
        an_table *t = an_generator_sample(g, "timing", 1, 0, n, job, err);
        double took = an_clock_s() - start;
        if (!t) return false;
        an_table_free(t);
        if (!(took >= *seconds)) *seconds = took;
    }
    return true;
}

static json_t *judge_tables(const an_table *real, const an_table *made, const an_generator *generator, const an_table *holdout,
                            const an_judge_options *o, an_job *job, an_error *err)
{
    an__frame_plan plan;
    an__frame r = { 0 }, s = { 0 }, h = { 0 };
    const an_table *others[] = { made, holdout };
    scores own, low, high;
    json_t *out = NULL, *list = json_array(), *pca = NULL;
    bool good = an__frame_plan_make(&plan, real, others, 2, err) && an__frame_make(&r, &plan, real, "real rows", err) &&
                an__frame_make(&s, &plan, made, "synthetic rows", err) &&
                (!holdout || an__frame_make(&h, &plan, holdout, "holdout rows", err));
    judging j = { .plan = &plan,
                  .holdout = holdout ? &h : NULL,
                  .bins = (int)o->bins,
                  .seed = an_seed_derive(an_job_seed(job), "judge", 0),
                  .job = job };
    an_job_stage(job, "judging");
    an_job_progress(job, 0, 4, "passes");
    good = good && judge(&j, &r, &s, &own, list, err);
    an_job_progress(job, 1, 4, "passes");
    good = good && floor_scores(&j, &r, &low, err);
    an_job_progress(job, 2, 4, "passes");
    good = good && ceiling_scores(&j, &r, &high, err);
    an_job_progress(job, 3, 4, "passes");
    good = good && (pca = o->around ? map_among(o->around, made, err) : map(&plan, &r, &s, err));
    if (good && generator && o->timing)
        good = time_rows(generator, 1000, &own.sample_1k, job, err) && time_rows(generator, 10000, &own.sample_10k, job, err);
    an_job_progress(job, 4, 4, "passes");
    if (good) {
        json_t *note = json_sprintf("floor: real rows with every column shuffled by itself; ceiling: one random half of the real rows "
                                    "(%zu) against the other (%zu)",
                                    r.n - r.n / 2, r.n / 2);
        out = json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:O, s:O}", "rows_real", (json_int_t)r.n, "rows_synthetic", (json_int_t)s.n,
                        "scores", scores_json(&own), "floor", scores_json(&low), "ceiling", scores_json(&high), "note", note, "columns",
                        list, "pca", pca);
    }
    json_decref(list);
    json_decref(pca);
    an__frame_free(&r);
    an__frame_free(&s);
    an__frame_free(&h);
    an__frame_plan_free(&plan);
    return out;
}

json_t *an_judge(const an_table *real, const an_table *synthetic, const an_generator *generator, const an_table *holdout,
                 const an_judge_options *options, an_job *job, an_error *err)
{
    an_judge_options o;
    memset(&o, 0, sizeof o);
    an_params_defaults(an_judge_params, &o);
    if (options) o = *options;
    an_table *drawn = NULL;
    json_t *out = NULL;
    bool good = an_table_require_real(real, "the real side of a judgement", err) &&
                (!holdout || an_table_require_real(holdout, "the holdout of a judgement", err)) &&
                (!o.around || an_table_require_real(o.around, "the map of a judgement", err));
    if (good && !synthetic && !generator) good = an_fail(err, AN_USAGE, "there is nothing to judge: give synthetic rows or a generator");
    if (good && !synthetic) {
        size_t n = o.rows > 0 ? (size_t)o.rows : real->rows;
        drawn = an_generator_sample(generator, generator->kind->name, an_seed_derive(an_job_seed(job), "judged rows", 0), 0, n, job, err);
        good = drawn != NULL;
    }
    if (good && real->rows == 0) good = an_fail(err, AN_INPUT, "there are no real rows to judge against");
    if (good && (synthetic ? synthetic : drawn)->rows == 0) good = an_fail(err, AN_INPUT, "there are no synthetic rows to judge");
    if (good) out = judge_tables(real, synthetic ? synthetic : drawn, generator, holdout, &o, job, err);
    an_table_free(drawn);
    return out;
}
