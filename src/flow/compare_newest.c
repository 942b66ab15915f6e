/* compare_newest.c - the recommended combination once more, trained on what came first and tried on the newest rows: random splits test on
 * parts from between those that were trained on, and do not see a process that changes. */
#include "flow/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const an_column *an__time_of(const an_table *t)
{
    for (size_t i = 0; i < t->columns; i++)
        if (t->column[i].role == AN_TIME) return &t->column[i];
    return NULL;
}

bool an__bounded_rule(const char *rule)
{
    return strcmp(rule, "f2") != 0 && strcmp(rule, "f1") != 0 && strcmp(rule, "cost") != 0;
}

/* Time of the first row of the test part, as in the data. */
static void first_time(const an_column *time, const an_split *s, an_buf *out)
{
    size_t first = s->test_count;
    for (size_t i = 0; i < s->test_count; i++)
        if (an_valid(time, s->test[i]) &&
            (first == s->test_count || an_cell_number(time, s->test[i]) < an_cell_number(time, s->test[first])))
            first = i;
    an_buf_puts(out, "");
    if (first < s->test_count) an_cell_text(time, s->test[first], out);
}

static json_t *not_tried(const an_column *time, const an_error *why)
{
    return json_pack("{s:s, s:n, s:o}", "column", time->name, "better_than_trivial", "why",
                     json_sprintf("It could not be tried on the newest rows (%s): the repeats are random splits, and the data has a time "
                                  "column",
                                  why->message));
}

/* Scores on the newest rows by a model of the rest, and the threshold from that rest's out-of-fold scores. */
static bool try(const an_comparison *c, int model, int balance, bool moved, const an_repeat *rep, double *score, double *threshold,
                an_job *job, an_error *err)
{
    an_comparison one = *c; /* the same fits, limits and cache as any repeat */
    one.model[0] = c->model[model];
    one.model_options[0] = c->model_options[model];
    one.balance[0] = c->balance[balance];
    one.balance_options[0] = c->balance_options[balance];
    one.models = one.balances = one.repeats = 1;
    one.seed = an_seed_derive(c->seed, "newest", 0);
    int fit = 0;
    an_scores s = { score, an_alloc_n(rep->split.train_count + 1, sizeof(double)) };
    an_threshold t = { .value = 0.5 };
    bool ok = an__compare_fits(&one, rep, &fit, 1, &s, job, err);
    if (ok && moved)
        ok = an__threshold_on_real(c->rule, c->table, rep->split.train, rep->split.train_count, rep->train_label, s.out_of_fold, &c->costs,
                                   &t, err);
    *threshold = t.value;
    free(s.out_of_fold);
    return ok;
}

static json_t *told(const an_comparison *c, const an_column *time, const an_repeat *rep, const double *score, double threshold)
{
    size_t n = rep->split.test_count;
    an_confusion k = an_confusion_at(rep->test_label, score, n, threshold);
    an_metrics m;
    an_confusion_metrics(&k, &m);
    double cost = an_expected_cost(&k, &c->costs), trivial = an__without_model(&k, &c->costs);
    bool by_cost = !isnan(cost), bounded = an__bounded_rule(c->rule), better;
    double bad = (double)(k.tp + k.fn), good = (double)(k.tn + k.fp);
    if (bounded && !by_cost) /* chance is the rival: as many parts rejected blindly */
        better = m.recall > (good > 0 ? (double)k.fp / good : 0);
    else
        better = by_cost ? -cost > trivial : m.f2 > trivial;
    an_buf from = { 0 }, why = { 0 };
    first_time(time, &rep->split, &from);
    an_buf_printf(&why,
                  "On the newest %zu rows (%s from %s on), trained on the rest, it catches %llu of %.0f and falsely rejects %llu of %.0f",
                  n, time->name, from.data, (unsigned long long)k.tp, bad, (unsigned long long)k.fp, good);
    if (by_cost)
        an_buf_printf(&why, ": cost per part %.3f, %.3f without any model", cost, -trivial);
    else if (!bounded)
        an_buf_printf(&why, ": F2 %.3f, %.3f by rejecting every part", m.f2, trivial);
    if (!better)
        an_buf_puts(&why,
                    ". That is no better than doing without a model: what holds on random splits does not hold on the newest parts, so "
                    "nothing is recommended");
    json_t *j = json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:s}", "column", time->name, "from", from.data, "rows",
                          (json_int_t)n, "positives", (json_int_t)(k.tp + k.fn), "threshold", an_json_real(threshold), "confusion",
                          an__confusion_json(&k), "f2", an_json_real(m.f2), "recall", an_json_real(m.recall), "cost", an_json_real(cost),
                          "trivial", an_json_real(by_cost ? -trivial : trivial), "better_than_trivial", better, "why", why.data);
    an_buf_free(&from);
    an_buf_free(&why);
    return j;
}

json_t *an__compare_newest(const an_comparison *c, int model, int balance, bool moved, an_job *job, an_error *err)
{
    const an_column *time = an__time_of(c->table);
    if (!time) return json_null();
    an_error why = { 0 };
    an_repeat rep = { 0 };
    double *score = NULL, threshold;
    bool ok = an__compare_repeat(c, &(an_split_options){ .share = c->share }, &rep, &why);
    if (ok) {
        score = an_alloc_n(rep.split.test_count + 1, sizeof *score);
        ok = try(c, model, balance, moved, &rep, score, &threshold, job, &why);
    }
    json_t *j = NULL;
    if (ok) {
        j = told(c, time, &rep, score, threshold);
    } else if (why.code == AN_STOPPED || why.code == AN_MEMORY) {
        if (err) *err = why;
    } else { /* one class among the newest rows, for example */
        j = not_tried(time, &why);
    }
    free(score);
    an__compare_repeat_free(&rep);
    return j;
}
