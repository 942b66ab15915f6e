/* select.c - which columns are worth keeping: how many a half may choose for a given number of mistakes, who speaks for a group, what is
 * set aside. Candidates are made in select_scores.c, groups in select_groups.c, choices in select_halves.c.
 *
 * Stability selection: Meinshausen and Buehlmann 2010; complementary pairs and the bound on false choices: Shah and Samworth 2013, theorem
 * 2 (selection frequencies of noise are unimodal). Two choosers run on the same halves and share the mistakes: the ranking by association,
 * which finds all that matters, most of them; the L1 path, which adds what matters only beside others, the rest. */
#include "learn/select.h"

#include "andon/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COMPETITORS = 200, SHUFFLED_LEAST = 50 };
static const double JOINT_SHARE = 0.2; /* of the mistakes */
static const double SAME = 0.5;        /* standard deviations of chance apart, columns cannot be told apart */

const an_param an_select_params[] = {
    AN_SELECT_PARAMS(0),
    AN_PARAM_END,
};

void an_selection_free(an_selection *s)
{
    if (!s) return;
    for (size_t k = 0; k < s->groups; k++) free(s->group[k].member);
    free(s->group);
    an_list_free(&s->context);
    an_list_free(&s->constant);
    free(s);
}

/* ---- how many to choose ---- */

/* Factor C in: expected false choices <= C q^2 / p, for a threshold tau on B pairs (q of p chosen, q / p at most 1 / sqrt 3). */
static double bound_factor(double tau, double pairs)
{
    if (tau <= 0.75) return 1 / (2 * (2 * tau - 1 - 1 / (2 * pairs)));
    return 4 * (1 - tau + 1 / (2 * pairs)) / (1 + 1 / pairs);
}

static void plan(an_selection *r, size_t groups, const an_select_options *o)
{
    r->pairs = (size_t)o->pairs;
    r->stable = o->stable;
    r->redundant = o->redundant;
    r->shuffled = groups + SHUFFLED_LEAST < COMPETITORS ? COMPETITORS - groups : SHUFFLED_LEAST;
    double all = (double)(groups + r->shuffled), real = (double)groups, factor = bound_factor(o->stable, (double)o->pairs);
    double wanted = isnan(o->expected_false) ? fmin(5, real / 50) : o->expected_false;
    /* of the false ones among all competitors the share of the real groups counts */
    double limit = floor(all / 2), whole = all * sqrt(wanted / (real * factor));
    r->chosen = (size_t)fmin(fmax(floor(whole * sqrt(1 - JOINT_SHARE)), 1), limit);
    r->chosen_jointly = (size_t)fmin(fmax(floor(whole * sqrt(JOINT_SHARE)), 1), limit);
    double squares = (double)r->chosen * (double)r->chosen + (double)r->chosen_jointly * (double)r->chosen_jointly;
    r->expected_false = factor * squares / all * (real / all);
}

/* ---- who speaks for a group ---- */

/* Square root of the linear and square association of a number's own ranks x: in standard deviations of chance. */
static double strength(const an__scores *s, const double *x, double *work)
{
    double linear = an__dot(x, s->target, s->n) / (double)s->n, mean = 0;
    for (size_t i = 0; i < s->n; i++) {
        work[i] = x[i] * x[i];
        mean += work[i];
    }
    mean /= (double)s->n;
    for (size_t i = 0; i < s->n; i++) work[i] -= mean;
    double squares = an__dot(work, work, s->n), product = an__dot(work, s->target, s->n);
    double curved = squares > 1e-9 * (double)s->n ? product * product / squares / (double)s->n : 0;
    return sqrt((double)s->n * (linear * linear + curved));
}

static double missing_share(const an__scores *s, size_t column)
{
    size_t missing = 0;
    for (size_t i = 0; i < s->n; i++) missing += !an_valid(&s->t->column[column], s->rows[i]);
    return (double)missing / (double)s->n;
}

/* Half a standard deviation apart, columns of a group cannot be told apart; then the first of the file speaks, unless more of it is
 * missing. */
static void choose_speaker(an_select_group *g, const an__scores *s, const double *strengths, const size_t *candidate)
{
    size_t best = SIZE_MAX;
    for (size_t k = 0; k < g->members; k++)
        if (candidate[k] < s->numbers && (best == SIZE_MAX || strengths[candidate[k]] > strengths[candidate[best]])) best = k;
    g->representative = g->member[best == SIZE_MAX ? 0 : best];
    if (best == SIZE_MAX) return; /* categories: the first */
    double most = missing_share(s, g->representative) + 0.05;
    for (size_t k = 0; k < g->members; k++) {
        if (strengths[candidate[k]] < strengths[candidate[best]] - SAME || missing_share(s, g->member[k]) > most) continue;
        g->representative = g->member[k];
        return;
    }
}

/* ROC-AUC or Spearman's correlation of a number as it is, Cramer's V of a category. */
static void measure_effect(an_select_group *g, const an__scores *s, size_t candidate)
{
    const an_column *c = &s->t->column[g->representative];
    if (candidate >= s->numbers) {
        size_t k = candidate - s->numbers;
        double phi2 = 0;
        for (size_t l = s->first[k]; l < s->first[k] + s->levels[k]; l++) {
            double r = an__dot(s->level + l * s->n, s->target, s->n) / (double)s->n;
            phi2 += r * r * (1 - s->share[l]);
        }
        g->measure = "cramers_v";
        g->effect = sqrt(phi2);
        return;
    }
    double *x = an_alloc_n(s->n + 1, sizeof *x), *y = an_alloc_n(s->n + 1, sizeof *y);
    uint8_t *label = an_alloc_n(s->n + 1, 1);
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        double value = an_cell_number(c, s->rows[i]);
        if (isnan(value)) continue;
        x[n] = value;
        y[n] = s->target[i];
        label[n++] = s->label ? s->label[i] : 0;
    }
    g->measure = s->label ? "auc" : "spearman";
    if (s->label) {
        g->effect = an_roc_auc(label, x, n);
    } else {
        an_placed *items = an_alloc_n(2 * n + 1, sizeof *items);
        for (size_t i = 0; i < n; i++) items[i] = (an_placed){ x[i], (uint32_t)i };
        an_sort_placed(items, items + n, n);
        for (size_t i = 0, end; i < n; i = end) {
            for (end = i + 1; end < n && items[end].value == items[i].value;) end++;
            for (size_t k = i; k < end; k++) x[items[k].place] = (double)(i + end - 1) / 2;
        }
        g->effect = an_correlation(x, y, n);
        free(items);
    }
    free(x);
    free(y);
    free(label);
}

static bool is_kept(const an_column *c, const an_select_options *o)
{
    return c->kept || an_list_has(&o->keep, c->name);
}

static int by_frequency(const void *a, const void *b)
{
    const an_select_group *x = a, *y = b;
    double fx = fmax(x->association, x->joint), fy = fmax(y->association, y->joint);
    if (x->selected != y->selected) return x->selected ? -1 : 1;
    if (fx != fy) return fx > fy ? -1 : 1;
    if (x->evidence != y->evidence) return x->evidence > y->evidence ? -1 : 1;
    return x->member[0] < y->member[0] ? -1 : x->member[0] > y->member[0];
}

static int by_column(const void *a, const void *b)
{
    const size_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Everything about the groups that is asked for once. */
static void describe(an_selection *r, const an__scores *s, const an__groups *g, const an__stability *st, const an_select_options *o)
{
    r->groups = g->count;
    r->group = an_alloc_n(g->count + 1, sizeof *r->group);
    size_t candidates = s->numbers + s->categories;
    double *strengths = an_alloc_n(candidates + 1, sizeof *strengths), *work = an_alloc_n(2 * s->n + 1, sizeof *work);
    size_t *own = an_alloc_n(candidates + 1, sizeof *own), *of_column = an_alloc_n(s->t->columns + 1, sizeof *of_column);
    for (size_t j = 0; j < s->numbers; j++) strengths[j] = strength(s, s->score + j * s->n, work);
    for (size_t j = 0; j < candidates; j++) of_column[s->column[j]] = j;
    for (size_t k = 0; k < g->count; k++) {
        an_select_group *x = &r->group[k];
        x->member = an_alloc_n(candidates + 1, sizeof *x->member);
        for (size_t j = 0; j < candidates; j++)
            if (g->of[j] == k) x->member[x->members++] = s->column[j];
        x->member = an_resize_n(x->member, x->members, sizeof *x->member);
        qsort(x->member, x->members, sizeof *x->member, by_column);
        for (size_t m = 0; m < x->members; m++) own[m] = of_column[x->member[m]];
        choose_speaker(x, s, strengths, own);
        for (size_t m = x->members; m-- > 0;) {
            const an_column *c = &s->t->column[x->member[m]];
            bool context = own[m] >= s->numbers && s->context[own[m] - s->numbers];
            if (!is_kept(c, o) && !context) continue;
            x->kept = true;
            x->representative = x->member[m];
        }
        x->association = st->association[k];
        x->joint = st->joint[k];
        x->evidence = an__evidence(s, g, k, NULL, s->n, NULL, s->target, work) / log(10);
        measure_effect(x, s, of_column[x->representative]);
        x->selected = fmax(x->association, x->joint) >= o->stable - 1e-9;
        r->selected += x->selected;
    }
    for (size_t k = g->count; k < g->count + st->shuffled; k++)
        r->shuffled_selected += fmax(st->association[k], st->joint[k]) >= o->stable - 1e-9;
    qsort(r->group, r->groups, sizeof *r->group, by_frequency);
    free(strengths);
    free(work);
    free(own);
    free(of_column);
}

/* ---- all of it ---- */

static bool check(const an_table *t, const an_select_options *o, an_error *err)
{
    for (size_t k = 0; k < o->keep.count + o->drop.count; k++) {
        bool keep = k < o->keep.count;
        const char *name = keep ? o->keep.items[k] : o->drop.items[k - o->keep.count];
        const an_column *c = an_table_need(t, name, err);
        if (!c) return an_context(err, "--%s", keep ? "keep" : "drop");
        if (keep && an_list_has(&o->drop, name)) return an_fail(err, AN_USAGE, "%s is both kept and dropped", name);
        if (c->role != AN_FEATURE && c->role != AN_IGNORED)
            return an_fail(err, AN_USAGE, "--%s: %s is the %s, not a feature", keep ? "keep" : "drop", name, an_role_name(c->role));
        if (keep && c->role == AN_IGNORED && c->reason && !strcmp(c->reason, "after-decision")) {
            an_fail(err, AN_REFUSED, "%s is known only after the decision: a model that learns from it cannot be used", name);
            return an_hint(err, "if that is wrong, say so in the schema: andon data schema NAME");
        }
    }
    return true;
}

an_selection *an_select_columns(const an_table *t, const size_t *rows, size_t n, const an_select_options *o, an_job *job, an_error *err)
{
    an__scores s = { 0 };
    an__groups g = { 0 };
    an__stability st = { 0 };
    an_selection *r = an_alloc(sizeof *r);
    bool ok = check(t, o, err) && an__scores_make(&s, t, rows, n, o, job, err);
    if (ok && s.numbers + s.categories == 0) ok = an_fail(err, AN_INPUT, "there is no feature that varies in the training part");
    ok = ok && an__groups_make(&g, &s, o, job, err);
    if (ok) plan(r, g.count, o);
    ok = ok && an__stability_run(&st, &s, &g, r->pairs, r->shuffled, r->chosen, r->chosen_jointly, job, err);
    if (ok) {
        r->rows = s.n;
        r->positives = s.positives;
        r->candidates = s.numbers + s.categories;
        describe(r, &s, &g, &st, o);
        bool *is = an_alloc_n(t->columns + 1, 1);
        for (size_t j = 0; j < r->candidates; j++) is[s.column[j]] = true;
        for (size_t j = 0; j < t->columns; j++) {
            const an_column *c = &t->column[j];
            if (c->role == AN_FEATURE && !is[j] && !an_list_has(&o->drop, c->name) && c->type != AN_TEXT && c->type != AN_TENSOR)
                an_list_add(&r->constant, c->name);
        }
        free(is);
        for (size_t k = 0; k < s.categories; k++)
            if (s.context[k]) an_list_add(&r->context, t->column[s.column[s.numbers + k]].name);
    }
    an__stability_free(&st);
    an__groups_free(&g);
    an__scores_free(&s);
    if (ok) return r;
    an_selection_free(r);
    return NULL;
}

static void set_aside(an_column *c, const char *reason)
{
    c->role = AN_IGNORED;
    c->kept = false;
    free(c->reason);
    c->reason = an_strdup(reason);
}

bool an_selection_apply(const an_selection *s, an_table *t, const an_select_options *o, an_error *err)
{
    for (size_t k = 0; k < s->groups; k++) {
        const an_select_group *g = &s->group[k];
        for (size_t m = 0; m < g->members; m++) {
            an_column *c = &t->column[g->member[m]];
            if (is_kept(c, o) || an_list_has(&s->context, c->name) || (g->selected && g->member[m] == g->representative)) continue;
            set_aside(c, g->selected ? "redundant" : "unselected");
        }
    }
    for (size_t k = 0; k < s->constant.count; k++) {
        an_column *c = an_table_find(t, s->constant.items[k]);
        if (c && !is_kept(c, o)) set_aside(c, "constant");
    }
    for (size_t k = 0; k < o->drop.count; k++) {
        an_column *c = an_table_need(t, o->drop.items[k], err);
        if (!c) return false;
        set_aside(c, "requested");
    }
    for (size_t k = 0; k < o->keep.count; k++) {
        an_column *c = an_table_need(t, o->keep.items[k], err);
        if (!c) return false;
        c->role = AN_FEATURE;
        c->kept = true;
        free(c->reason);
        c->reason = NULL;
    }
    for (size_t j = 0; j < t->columns; j++)
        if (t->column[j].role == AN_FEATURE) return true;
    an_fail(err, AN_INPUT, "no column is chosen by %.0f %% of the halves: nothing here goes with the target beyond chance",
            100 * s->stable);
    return an_hint(err, "a lower --stable, a higher --expected-false, or --keep for the columns that you know to matter");
}

json_t *an_selection_json(const an_selection *s, const an_table *t)
{
    json_t *groups = json_array(), *context = json_array(), *constant = json_array();
    for (size_t k = 0; k < s->groups; k++) {
        const an_select_group *g = &s->group[k];
        json_t *members = json_array();
        for (size_t m = 0; m < g->members; m++) json_array_append_new(members, json_string(t->column[g->member[m]].name));
        json_array_append_new(groups,
                              json_pack("{s:s, s:o, s:b, s:b, s:o, s:o, s:o, s:s, s:o}", "representative",
                                        t->column[g->representative].name, "members", members, "selected", g->selected, "kept", g->kept,
                                        "association", an_json_real(g->association), "joint", an_json_real(g->joint), "evidence",
                                        an_json_real(g->evidence), "measure", g->measure, "effect", an_json_real(g->effect)));
    }
    for (size_t k = 0; k < s->context.count; k++) json_array_append_new(context, json_string(s->context.items[k]));
    for (size_t k = 0; k < s->constant.count; k++) json_array_append_new(constant, json_string(s->constant.items[k]));
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "rows", (json_int_t)s->rows,
                     "positives", (json_int_t)s->positives, "candidates", (json_int_t)s->candidates, "selected", (json_int_t)s->selected,
                     "pairs", (json_int_t)s->pairs, "chosen_by_a_half", (json_int_t)s->chosen, "chosen_jointly_by_a_half",
                     (json_int_t)s->chosen_jointly, "shuffled", (json_int_t)s->shuffled, "shuffled_selected",
                     (json_int_t)s->shuffled_selected, "stable", an_json_real(s->stable), "redundant", an_json_real(s->redundant),
                     "expected_false", an_json_real(s->expected_false), "context", context, "constant", constant, "groups", groups);
}
