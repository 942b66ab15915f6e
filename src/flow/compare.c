/* compare.c - what a comparison says: metrics with corrected intervals, paired differences, and which row to take. */
#include "flow/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct cell { /* one row of the result: a model with a balancing */
    int model, balance;
    an_metrics *fixed, *moved;             /* a repeat each */
    double *decide;                        /* what the decision looks at: F2 at the moved threshold, or minus the expected cost */
    double *trivial;                       /* the same of doing without a model (an__without_model) */
    double *threshold, *cost, *cost_fixed; /* cost: at the moved threshold */
    an_confusion fixed_sum, moved_sum;
} cell;

static json_t *interval_json(const an_interval *i)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "mean", an_json_real(i->mean), "sd", an_json_real(i->sd), "low", an_json_real(i->low), "high",
                     an_json_real(i->high));
}

/* The t interval knows no borders: what it says beyond those of the measure is cut. */
static void cut(an_interval *i, double least, double most)
{
    if (isfinite(i->low)) i->low = fmax(i->low, least);
    if (isfinite(i->high)) i->high = fmin(i->high, most);
}

static json_t *metrics_json(const an_metrics *m, int repeats, double ratio)
{
    json_t *j = json_object();
    double *v = an_alloc_n((size_t)repeats, sizeof *v);
    for (int k = 0; k < AN_METRIC_COUNT; k++) {
        an_interval i;
        for (int r = 0; r < repeats; r++) v[r] = an_metrics_get(&m[r], k);
        an_resampled_interval(v, (size_t)repeats, ratio, &i);
        cut(&i, 0, 1);
        json_t *one = interval_json(&i), *each = json_array();
        for (int r = 0; r < repeats; r++) json_array_append_new(each, an_json_real(v[r]));
        json_object_set_new(one, "values", each);
        json_object_set_new(j, an_metric_names[k], one);
    }
    free(v);
    return j;
}

static void add(an_confusion *to, const an_confusion *c)
{
    to->tn += c->tn;
    to->fp += c->fp;
    to->fn += c->fn;
    to->tp += c->tp;
}

double an__without_model(const an_confusion *c, const an_costs *costs)
{
    an_confusion reject = { .fp = c->tn + c->fp, .tp = c->fn + c->tp }, pass = { .tn = c->tn + c->fp, .fn = c->fn + c->tp };
    an_metrics m;
    an_confusion_metrics(&reject, &m);
    double cost = fmin(an_expected_cost(&reject, costs), an_expected_cost(&pass, costs));
    if (!isnan(cost) && !isnan(costs->test)) cost = fmin(cost, costs->test); /* testing every part lets none escape */
    return isnan(cost) ? m.f2 : -cost;
}

static bool judge_cell(const an_comparison *c, cell *x, const an_repeat *repeat, const an_scores *scores, int fits, int fit, an_error *err)
{
    bool plain_moved = !strcmp(c->balance[x->balance]->name, "threshold");
    for (int r = 0; r < c->repeats; r++) {
        const an_repeat *rep = &repeat[r];
        const an_scores *s = &scores[(r * c->models + x->model) * fits + fit];
        an_threshold t;
        if (!an__threshold_on_real(c->rule, c->table, rep->split.train, rep->split.train_count, rep->train_label, s->out_of_fold, &c->costs,
                                   &t, err))
            return an_context(err, "repeat %d, %s, balance %s", r + 1, c->model[x->model]->name, c->balance[x->balance]->name);
        size_t n = rep->split.test_count;
        an_confusion moved = an_confusion_at(rep->test_label, s->test, n, t.value);
        an_confusion fixed = plain_moved ? moved : an_confusion_at(rep->test_label, s->test, n, 0.5);
        an_metrics_all(rep->test_label, s->test, n, t.value, &x->moved[r]);
        if (plain_moved)
            x->fixed[r] = x->moved[r];
        else
            an_metrics_all(rep->test_label, s->test, n, 0.5, &x->fixed[r]);
        add(&x->fixed_sum, &fixed);
        add(&x->moved_sum, &moved);
        x->threshold[r] = t.value;
        x->cost[r] = an_expected_cost(&moved, &c->costs);
        x->cost_fixed[r] = an_expected_cost(&fixed, &c->costs);
        x->decide[r] = isnan(x->cost[r]) ? x->moved[r].f2 : -x->cost[r];
        x->trivial[r] = an__without_model(&moved, &c->costs);
    }
    return true;
}

/* a minus b, a repeat each */
static an_interval difference(const double *a, const double *b, int repeats, double ratio)
{
    double *d = an_alloc_n((size_t)repeats, sizeof *d);
    for (int r = 0; r < repeats; r++) d[r] = a[r] - b[r];
    an_interval i;
    an_resampled_interval(d, (size_t)repeats, ratio, &i);
    free(d);
    return i;
}

static double mean_of(const double *v, int n)
{
    double s = 0;
    for (int i = 0; i < n; i++) s += v[i];
    return s / n;
}

/* One repeat has no noise to measure: then only an exact tie counts as no worse. */
static bool not_worse(const an_interval *best_minus_it)
{
    return isnan(best_minus_it->low) ? best_minus_it->mean <= 0 : best_minus_it->low <= 0;
}

static int find_cell(const an_comparison *c, const cell *x, int n, int model, const char *balance)
{
    for (int i = 0; i < n; i++)
        if (x[i].model == model && !strcmp(c->balance[x[i].balance]->name, balance)) return i;
    return -1;
}

/* "the logistic model with its threshold moved" */
static void describe(const an_comparison *c, const cell *x, an_buf *out)
{
    const an_balance_kind *b = c->balance[x->balance];
    an_buf_printf(out, "the %s model ", c->model[x->model]->name);
    if (b->generator)
        an_buf_printf(out, "on data balanced by %s", b->name);
    else
        an_buf_puts(out, b->weights                      ? "with class weights"
                         : !strcmp(b->name, "threshold") ? "with its threshold moved"
                                                         : "trained plainly");
}

/* What the decision looks at, and the verdict. */
typedef struct verdict {
    int best, pick;
    bool by_cost, moved_matters, learnt;
    double at_half; /* the measure of the pick at 0.5; NAN unless it is the plain model */
} verdict;

/* The best by mean; of those not worse beyond noise the simplest, in the order of the balancings. The plain model is 'none' when its
 * threshold may stay at 0.5, and 'threshold' when moving it is what makes it good. */
static verdict decide(const an_comparison *c, const cell *x, int n, double ratio)
{
    verdict v = { .pick = -1, .by_cost = !isnan(x[0].cost[0]), .at_half = NAN };
    for (int i = 1; i < n; i++)
        if (mean_of(x[i].decide, c->repeats) > mean_of(x[v.best].decide, c->repeats)) v.best = i;
    for (int i = 0; i < n && v.pick < 0; i++) {
        an_interval d = difference(x[v.best].decide, x[i].decide, c->repeats, ratio);
        if (i == v.best || not_worse(&d)) v.pick = i;
    }
    if (!strcmp(c->balance[x[v.pick].balance]->name, "none")) {
        double *at = an_alloc_n((size_t)c->repeats, sizeof *at); /* the measure of the decision at 0.5 */
        for (int r = 0; r < c->repeats; r++) at[r] = v.by_cost ? -x[v.pick].cost_fixed[r] : x[v.pick].fixed[r].f2;
        an_interval d = difference(x[v.pick].decide, at, c->repeats, ratio);
        v.moved_matters = isnan(d.low) ? d.mean > 0 : d.low > 0;
        v.at_half = mean_of(at, c->repeats);
        int sibling = find_cell(c, x, n, x[v.pick].model, "threshold");
        if (v.moved_matters && sibling >= 0) v.pick = sibling;
        free(at);
    }
    an_interval gain = difference(x[v.pick].decide, x[v.pick].trivial, c->repeats, ratio);
    v.learnt = an__bounded_rule(c->rule) || (isnan(gain.low) ? gain.mean > 0 : gain.low > 0);
    return v;
}

static void words(const an_comparison *c, const cell *x, int n, const verdict *v, double ratio, an_buf *why)
{
    const cell *pick = &x[v->pick], *best = &x[v->best];
    double sign = v->by_cost ? -1 : 1, mine = mean_of(pick->decide, c->repeats), top = mean_of(best->decide, c->repeats);
    an_interval d = difference(best->decide, pick->decide, c->repeats, ratio);
    an_buf_puts(why, "take ");
    describe(c, pick, why);
    an_buf_printf(why, ": %s %.3f on average over %d repeat%s", v->by_cost ? "expected cost per part" : "F2 at the moved threshold",
                  sign * mine, c->repeats, c->repeats == 1 ? "" : "s");
    if (n == 1) {
        an_buf_puts(why, "; nothing else was tried");
    } else if (top <= mine) {
        an_buf_puts(why, "; nothing did better");
    } else {
        an_buf_puts(why, "; ");
        describe(c, best, why);
        an_buf_printf(why, " had %.3f, but the difference of %.3f (95 %%: %.3f to %.3f) is within noise, and this is simpler", sign * top,
                      fabs(d.mean), sign > 0 ? d.low : -d.high, sign > 0 ? d.high : -d.low);
    }
    if (!strcmp(c->balance[pick->balance]->name, "none")) {
        if (v->moved_matters)
            an_buf_printf(why, "; its threshold has to be moved (rule %s): at 0.5 it has %.3f", c->rule, sign * v->at_half);
        else
            an_buf_printf(why, "; left at 0.5 it has %.3f, which is not worse beyond noise", sign * v->at_half);
    }
    if (!v->learnt)
        an_buf_printf(
            why, ". But that is not better beyond noise than %s, which has %.3f: nothing tried here is shown to help on this data",
            v->by_cost ? "testing, rejecting or passing every part" : "rejecting every part", sign * mean_of(pick->trivial, c->repeats));
}

/* Rows of which some are positive: real ones with a label. */
static size_t judged(const an_table *t)
{
    const an_column *target = an_table_target(t, NULL);
    size_t n = 0;
    for (size_t i = 0; i < t->rows; i++) n += !an_table_generated(t, i) && !an_table_unlabelled(target, i);
    return n;
}

/* {"model", "balance", "threshold", "why", ..., "newest", "recommended"}. NULL: stopped, or out of memory. */
static json_t *recommend(const an_comparison *c, const cell *x, int n, double ratio, size_t positives, an_job *job, an_error *err)
{
    enum { FEW_REPEATS = 5 };
    verdict v = decide(c, x, n, ratio);
    const cell *pick = &x[v.pick];
    bool moved = strcmp(c->balance[pick->balance]->name, "none") != 0 || v.moved_matters, few = c->repeats < FEW_REPEATS;
    an_buf why = { 0 };
    words(c, x, n, &v, ratio, &why);
    json_t *newest = v.learnt ? an__compare_newest(c, pick->model, pick->balance, moved, job, err) : json_null();
    if (!newest) {
        an_buf_free(&why);
        return NULL;
    }
    const char *told = an_json_string(newest, "why", NULL);
    if (told) an_buf_printf(&why, ". %s", told);
    if (few)
        an_buf_printf(&why, ". %d repeat%s cannot tell much, nearly everything is within noise then: --repeats 10", c->repeats,
                      c->repeats == 1 ? "" : "s");
    if (positives < 30) an_buf_printf(&why, ". The evidence is thin: only %zu positive rows; collect more before relying on it", positives);
    bool good = v.learnt && !json_is_false(json_object_get(newest, "better_than_trivial"));
    json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:o, s:b}", "model", c->model[pick->model]->name, "balance",
                          c->balance[pick->balance]->name, "threshold", moved ? c->rule : "0.5", "why", why.data, "decided_by",
                          v.by_cost ? "cost" : "f2", "thin_evidence", positives < 30, "few_repeats", few, "better_than_trivial", v.learnt,
                          "newest", newest, "recommended", good);
    an_buf_free(&why);
    return j;
}

static json_t *document(const an_comparison *c, const cell *x, int n, double ratio, size_t positives, an_job *job, an_error *err)
{
    json_t *rows = json_array();
    for (int i = 0; i < n; i++) {
        an_interval t, cost;
        an_resampled_interval(x[i].threshold, (size_t)c->repeats, ratio, &t);
        an_resampled_interval(x[i].cost, (size_t)c->repeats, ratio, &cost);
        cut(&cost, 0, INFINITY);
        json_t *row = json_pack("{s:s, s:s, s:{s:o, s:s}, s:o, s:o, s:o, s:o}", "model", c->model[x[i].model]->name, "balance",
                                c->balance[x[i].balance]->name, "threshold", "value", an_json_real(t.mean), "rule", c->rule, "metrics",
                                metrics_json(x[i].fixed, c->repeats, ratio), "metrics_moved", metrics_json(x[i].moved, c->repeats, ratio),
                                "confusion", an__confusion_json(&x[i].fixed_sum), "confusion_moved", an__confusion_json(&x[i].moved_sum));
        if (!isnan(cost.mean)) json_object_set_new(row, "cost", interval_json(&cost));
        an_interval d = difference(x[i].decide, x[0].decide, c->repeats, ratio);
        json_object_set_new(row, "difference", interval_json(&d)); /* paired, to the first row */
        json_array_append_new(rows, row);
    }
    json_t *taken = recommend(c, x, n, ratio, positives, job, err);
    if (!taken) {
        json_decref(rows);
        return NULL;
    }
    return json_pack("{s:i, s:f, s:I, s:I, s:I, s:s, s:b, s:o, s:o}", "repeats", c->repeats, "share", c->share, "positives",
                     (json_int_t)positives, "rows_total", (json_int_t)judged(c->table), "seed", (json_int_t)c->seed, "cpu", an_cpu_path(),
                     "time_ignored", an__time_of(c->table) != NULL, "rows", rows, "recommendation", taken);
}

bool an__compare_repeat(const an_comparison *c, const an_split_options *o, an_repeat *x, an_error *err)
{
    if (!an_split_make(c->table, o, &x->split, err)) return false;
    x->train_label = an_alloc_n(x->split.train_count + 1, 1);
    x->test_label = an_alloc_n(x->split.test_count + 1, 1);
    x->fold = an_alloc_n(x->split.train_count + 1, 1);
    return an__labels(c->table, x->split.train, x->split.train_count, x->train_label, err) &&
           an__labels(c->table, x->split.test, x->split.test_count, x->test_label, err) &&
           an_folds_make(c->table, x->split.train, x->split.train_count, c->folds, an_seed_derive(o->seed, "folds", 0), x->fold, &x->folds,
                         err);
}

void an__compare_repeat_free(an_repeat *x)
{
    an_split_free(&x->split);
    free(x->train_label);
    free(x->test_label);
    free(x->fold);
}

static bool make_repeats(const an_comparison *c, an_repeat *repeat, an_error *err)
{
    for (int r = 0; r < c->repeats; r++) {
        an_split_options o = { .share = c->share, .seed = an_seed_derive(c->seed, "split", (uint64_t)r), .ignore_time = true };
        if (!an__compare_repeat(c, &o, &repeat[r], err)) return false;
    }
    return true;
}

json_t *an__compare(const an_comparison *c, an_job *job, an_error *err)
{
    int fit_of[AN_COMPARE_MAX], fit_balance[AN_COMPARE_MAX], fits = 0;
    for (int b = 0; b < c->balances; b++) { /* 'threshold' is the plain model: it shares the fits of 'none' */
        bool plain = !c->balance[b]->generator && !c->balance[b]->weights;
        fit_of[b] = -1;
        for (int k = 0; k < b && plain; k++)
            if (!c->balance[k]->generator && !c->balance[k]->weights) fit_of[b] = fit_of[k];
        if (fit_of[b] < 0) fit_balance[fit_of[b] = fits++] = b;
    }
    an_repeat *repeat = an_alloc_n((size_t)c->repeats, sizeof *repeat);
    int cells = c->models * c->balances;
    cell *x = an_alloc_n((size_t)cells, sizeof *x);
    size_t slots = (size_t)c->repeats * (size_t)c->models * (size_t)fits, R = (size_t)c->repeats;
    an_scores *scores = an_alloc_n(slots, sizeof *scores);
    bool ok = make_repeats(c, repeat, err);
    for (size_t i = 0; ok && i < slots; i++) {
        const an_split *s = &repeat[i / (size_t)(c->models * fits)].split;
        scores[i].test = an_alloc_n(s->test_count + 1, sizeof(double));
        scores[i].out_of_fold = an_alloc_n(s->train_count + 1, sizeof(double));
    }
    ok = ok && an__compare_fits(c, repeat, fit_balance, fits, scores, job, err);
    int n = 0;
    for (int b = 0; b < c->balances; b++)
        for (int m = 0; m < c->models; m++, n++) {
            x[n] = (cell){ .model = m,
                           .balance = b,
                           .fixed = an_alloc_n(R, sizeof(an_metrics)),
                           .moved = an_alloc_n(R, sizeof(an_metrics)),
                           .decide = an_alloc_n(R, sizeof(double)),
                           .trivial = an_alloc_n(R, sizeof(double)),
                           .threshold = an_alloc_n(R, sizeof(double)),
                           .cost = an_alloc_n(R, sizeof(double)),
                           .cost_fixed = an_alloc_n(R, sizeof(double)) };
            ok = ok && judge_cell(c, &x[n], repeat, scores, fits, fit_of[b], err);
        }
    json_t *j = NULL;
    if (ok) {
        size_t positives = 0; /* real ones: generated rows are no evidence */
        for (size_t i = 0; i < repeat[0].split.train_count; i++)
            positives += repeat[0].train_label[i] && !an_table_generated(c->table, repeat[0].split.train[i]);
        for (size_t i = 0; i < repeat[0].split.test_count; i++) positives += repeat[0].test_label[i];
        double share = c->share > 0 ? c->share : 0.25;
        j = document(c, x, cells, share / (1 - share), positives, job, err);
    }
    for (int i = 0; i < n; i++) {
        free(x[i].fixed);
        free(x[i].moved);
        free(x[i].decide);
        free(x[i].trivial);
        free(x[i].threshold);
        free(x[i].cost);
        free(x[i].cost_fixed);
    }
    for (size_t i = 0; i < slots; i++) {
        free(scores[i].test);
        free(scores[i].out_of_fold);
    }
    for (int r = 0; r < c->repeats; r++) an__compare_repeat_free(&repeat[r]);
    free(scores);
    free(repeat);
    free(x);
    return j;
}
