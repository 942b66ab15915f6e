/* profile_say.c - findings about values, groups, the target and rows, in words: what each statistic means to somebody who runs the line. */
#include "profile_find.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- limits, values, groups ------------------------------------------------------------------------------------------------------------
 */

/* "limits 5 to 15 N.m", "limit 2 mL/min (upper)" */
static char *limits_text(const an__facts *c)
{
    const char *unit = c->c->unit ? c->c->unit : "", *blank = *unit ? " " : "";
    if (isnan(c->low) || isnan(c->high))
        return an_format("limit %.6g%s%s (%s)", isnan(c->low) ? c->high : c->low, blank, unit, isnan(c->low) ? "upper" : "lower");
    return an_format("limits %.6g to %.6g%s%s", c->low, c->high, blank, unit);
}

/* The indices there are: with one limit there is no Cp and no Pp; without spread within subgroups no Cp and no Cpk. */
static char *indices_text(const an__findings *all, const an_capability *p)
{
    an_buf b = { 0 };
    if (isfinite(p->cp)) an_buf_printf(&b, "Cp %.2f, ", p->cp);
    if (isfinite(p->cpk)) an_buf_printf(&b, "Cpk %.2f (%.2f to %.2f), ", p->cpk, p->cpk_low, p->cpk_high);
    if (isfinite(p->pp)) an_buf_printf(&b, "Pp %.2f, ", p->pp);
    an_buf_printf(&b, "Ppk %.2f; sigma ", p->ppk);
    if (p->within > 0) an_buf_printf(&b, "%.4g within (%s), ", p->within, p->subgroups ? all->f->lots->name : "moving range");
    an_buf_printf(&b, "%.4g overall", p->overall);
    return an_buf_take(&b);
}

static void limits(an__findings *all, const an__facts *c)
{
    const an_capability *p = &c->capability;
    if (isnan(c->low) && isnan(c->high)) return;
    bool one = isnan(c->low) || isnan(c->high);
    size_t outside = p->below + p->above;
    double share = c->n ? (double)outside / (double)c->n : 0;
    if (outside)
        an__finding_add(all, "limits", c, 60 + fmin(25, 300 * share),
                        one ? an_format("%s: %zu of %zu readings are %s the limit%s", c->c->name, outside, c->n,
                                        p->below ? "below" : "above", share > 0.3 ? "; is it that of this column, in its unit?" : "")
                            : an_format("%s: %zu of %zu readings are outside the limits (%zu below, %zu above)%s", c->c->name, outside,
                                        c->n, p->below, p->above, share > 0.3 ? "; are the limits those of this column, in its unit?" : ""),
                        limits_text(c));
    if (!c->capable || !(p->ppk < 1.33)) return;
    an__finding_add(all, "capability", c, p->ppk < 1 ? 64 : 44,
                    an_format("%s is %s: Ppk %.2f (%.2f to %.2f)%s", c->c->name, p->ppk < 1 ? "not capable" : "barely capable", p->ppk,
                              p->ppk_low, p->ppk_high,
                              p->cpk >= 1.33         ? "; within subgroups it would be (Cpk 1.33 or more): the level wanders"
                              : p->pp > p->ppk + 0.3 ? "; it would gain much by being centred"
                                                     : ""),
                    indices_text(all, p));
}

void an__find_values(an__findings *all, const an__facts *c)
{
    limits(all, c);
    const an__frame *f = all->f;
    char value[64], usual[64];
    an_buf at = { 0 };
    double share = f->rows ? (double)c->c->missing / (double)f->rows : 0;
    bool feature = c->c->role == AN_FEATURE;
    if (c->sentinels)
        an__finding_add(all, "sentinel", c, 68,
                        an_format("%s has the value %s %zu times, far from all others: a code for 'no reading'?", c->c->name,
                                  an__value_text(c, c->sentinel, value), c->sentinels),
                        an_format("the median is %s; sentinels: [%.6g] in the schema makes them missing cells",
                                  an__value_text(c, c->median, usual), c->sentinel));
    else if (c->far_count && fabs(c->far_z[0]) > 8 && (double)c->outliers < 0.02 * (double)c->n) {
        an__place_text(f, c->far_place[0], &at);
        an__finding_add(
            all, "outliers", c, 34 + fmin(12, 4 * log10(fabs(c->far_z[0]))),
            an_format("%s: %zu outlier%s, the farthest %s at %s", c->c->name, c->outliers, c->outliers == 1 ? "" : "s",
                      an__value_text(c, c->far_value[0], value), at.data),
            an_format("%.0f robust standard deviations from the median %s (modified z-score, Iglewicz and Hoaglin 1993, limit 3.5)",
                      fabs(c->far_z[0]), an__value_text(c, c->median, usual)));
    }
    an_buf_free(&at);
    if (c->c->role != AN_IGNORED && c->c->missing == f->rows && f->rows)
        an__finding_add(all, "empty", c, 50, an_format("%s has no value at all", c->c->name), an_strdup("all cells are missing"));
    else if (feature && share >= 0.2)
        an__finding_add(all, "missing", c, 28 + 25 * share, an_format("%s is missing in %.0f %% of the rows", c->c->name, 100 * share),
                        an_format("%zu of %zu cells", c->c->missing, f->rows));
    size_t alike = 0;
    bool first = true;
    for (size_t j = 0; c->missing_v >= 0.1 && j < f->t->columns; j++) {
        const an__facts *o = &f->facts[j];
        if (o->missing_pattern != c->missing_pattern || o->c->missing != c->c->missing || o->c->role != AN_FEATURE) continue;
        first &= o >= c;
        alike++;
    }
    char *others = alike > 1 ? an_format(" (and of %zu more, in the same rows)", alike - 1) : an_strdup("");
    if (feature && first && c->missing_q < an__significant && c->missing_v >= 0.1 && !(c->missing_v >= 0.7))
        an__finding_add(
            all, "missing-target", c, 48 + 30 * c->missing_v,
            an_format("whether %s%s is missing goes with %s: %.1f %% missing where it is %s, %.1f %% elsewhere", c->c->name, others,
                      f->target->name, 100 * c->missing_rate[0], f->t->positive ? f->t->positive : "positive", 100 * c->missing_rate[1]),
            an_format("chi-squared, p adjusted %.1g, Cramer's V %.2f; filling the gaps hides this", c->missing_q, c->missing_v));
    free(others);
}

/* The groups with the least and the largest median of a column; NULL: not told. */
static char *extremes(const an__facts *c, const an__grouping *g)
{
    const json_t *item, *v;
    size_t i, m;
    const char *least = NULL, *most = NULL;
    double low = INFINITY, high = -INFINITY;
    char a[64], b[64];
    json_array_foreach(json_object_get(c->json, "groups"), i, item) {
        if (strcmp(an_json_string(item, "column", ""), g->name) != 0) continue;
        json_array_foreach(json_object_get(item, "values"), m, v) {
            double median = an_json_number(json_object_get(v, "median"), NAN);
            if (an_json_number(json_object_get(v, "count"), 0) < 5 || isnan(median)) continue;
            if (median < low) low = median, least = an_json_string(v, "value", "");
            if (median > high) high = median, most = an_json_string(v, "value", "");
        }
    }
    return least && least != most
               ? an_format("median %s for %s, %s for %s", an__value_text(c, low, a), least, an__value_text(c, high, b), most)
               : NULL;
}

typedef struct differs {
    const an__facts *c;
    double effect;
} differs;

static int largest_first(const void *a, const void *b)
{
    const differs *x = a, *y = b;
    if (x->effect != y->effect) return x->effect > y->effect ? -1 : 1;
    return x->c < y->c ? -1 : x->c > y->c;
}

/* Columns that differ between the groups of one grouping: one by one, or as one finding where they are many. */
void an__find_groups(an__findings *all)
{
    enum { SINGLE = 3 };
    const an__frame *f = all->f;
    differs *list = an_alloc_n(f->t->columns + 1, sizeof *list);
    for (int k = 0; k < f->groupings; k++) {
        const an__grouping *g = &f->grouping[k];
        double base = !strcmp(g->kind, "by") ? 46 : 42;
        size_t n = 0;
        for (size_t j = 0; j < f->t->columns; j++) {
            const an__facts *c = &f->facts[j];
            if (c->c->role != AN_TARGET && c->group_q[k] < an__significant && c->group_effect[k] >= 0.06)
                list[n++] = (differs){ c, c->group_effect[k] };
        }
        qsort(list, n, sizeof *list, largest_first);
        const char *between = !strcmp(g->kind, "shift")   ? "shifts"
                              : !strcmp(g->kind, "group") ? "the lots of"
                                                          : "the values of",
                   *name = !strcmp(g->kind, "shift") ? "" : g->name;
        for (size_t i = 0; i < n && (i == 0 || n <= SINGLE); i++) {
            const an__facts *c = list[i].c;
            char *told = extremes(c, g), *text, *evidence;
            char p[40];
            evidence = an_format(
                "%s%s%s, p adjusted %s, effect size %.2f (0 to 1; from 0.06 on it is no longer small, from 0.14 on large; Cohen 1988)",
                n > SINGLE ? c->c->name : "", n > SINGLE ? ": " : "", c->number ? "Kruskal and Wallis' test of the ranks" : "chi-squared",
                an__p_text(c->group_q[k], p), c->group_effect[k]);
            if (n > SINGLE) {
                an_buf names = { 0 };
                for (size_t m = 0; m < n && m < 5; m++) an_buf_printf(&names, "%s%s", m ? ", " : "", list[m].c->c->name);
                if (n > 5) an_buf_printf(&names, " and %zu more", n - 5);
                text = an_format("%zu columns differ between %s%s%s, most of all %s", n, between, *name ? " " : "", name, names.data);
                an_buf_free(&names);
                if (told) {
                    char *both = an_format("%s; %s", evidence, told);
                    free(evidence);
                    evidence = both;
                }
            } else {
                text = an_format("%s differs between %s%s%s%s%s", c->c->name, between, *name ? " " : "", name, told ? ": " : "",
                                 told ? told : "");
            }
            json_t *o = an__finding_add(all, "group", c, base + 25 * c->group_effect[k] + (n > SINGLE ? 2 : 0), text, evidence);
            if (n > SINGLE) {
                json_t *columns = json_array();
                for (size_t m = 0; m < n; m++) json_array_append_new(columns, json_string(list[m].c->c->name));
                json_object_set_new(o, "columns", columns);
            }
            free(told);
        }
    }
    free(list);
}

/* ---- the target ------------------------------------------------------------------------------------------------------------------------
 */

void an__find_target(an__findings *all, const an__facts *c)
{
    const an__frame *f = all->f;
    if (!c->measure || !f->target) return;
    const char *words = !strcmp(c->measure, "auc")         ? "ROC-AUC"
                        : !strcmp(c->measure, "cramers_v") ? "Cramer's V"
                        : !strcmp(c->measure, "spearman")  ? "Spearman's rho"
                                                           : "epsilon squared";
    const json_t *a = json_object_get(c->json, "association");
    double value = an_json_number(json_object_get(a, "value"), NAN), low = an_json_number(json_object_get(a, "low"), NAN),
           high = an_json_number(json_object_get(a, "high"), NAN);
    char p[40];
    char *evidence = isnan(low) ? an_format("%s %.3f, p adjusted %s", words, value, an__p_text(c->q, p))
                                : an_format("%s %.3f (%.3f to %.3f), p adjusted %s", words, value, low, high, an__p_text(c->q, p));
    if (c->c->role != AN_FEATURE) {
        free(evidence);
        return;
    }
    bool ranks_all = !strcmp(c->measure, "auc") && c->association >= 0.95,
         tells_all = !strcmp(c->measure, "cramers_v") && c->association >= 0.9;
    if ((ranks_all || tells_all || c->association >= 0.97) && c->q < an__significant)
        an__finding_add(all, "leak", c, 92,
                        an_format("%s alone nearly tells %s: is it known before the decision?", c->c->name, f->target->name), evidence);
    else if (c->q < an__significant && c->association >= 0.1)
        an__finding_add(all, "association", c, 26 + 24 * c->association,
                        !strcmp(c->measure, "auc") ? an_format("%s is %s where %s = %s", c->c->name, value > 0.5 ? "higher" : "lower",
                                                               f->target->name, f->t->positive ? f->t->positive : "positive")
                        : !strcmp(c->measure, "spearman")
                            ? an_format("%s %s with %s", c->c->name, value > 0 ? "rises" : "falls", f->target->name)
                            : an_format("%s goes with %s", c->c->name, f->target->name),
                        evidence);
    else
        free(evidence);
    if (c->missing_q < an__significant && c->missing_v >= 0.7)
        an__finding_add(
            all, "leak", c, 90,
            an_format("whether %s is missing nearly tells %s: it seems to be measured only after the verdict", c->c->name, f->target->name),
            an_format("%.1f %% missing where %s is positive, %.1f %% elsewhere (Cramer's V %.2f)", 100 * c->missing_rate[0],
                      f->target->name, 100 * c->missing_rate[1], c->missing_v));
}

/* Columns that the import set aside as leaks, in one sentence. */
static void known_leaks(an__findings *all)
{
    const an__frame *f = all->f;
    an_buf names = { 0 };
    json_t *columns = json_array();
    size_t n = 0;
    for (size_t j = 0; j < f->t->columns; j++) {
        const an_column *c = f->facts[j].c;
        if (c->role != AN_IGNORED || !c->reason || strcmp(c->reason, "leak") != 0) continue;
        if (n++ < 6) an_buf_printf(&names, "%s%s", n > 1 ? ", " : "", c->name);
        json_array_append_new(columns, json_string(c->name));
    }
    if (n > 6) an_buf_printf(&names, " and %zu more", n - 6);
    if (n && f->target)
        json_object_set(an__finding_add(all, "leak", NULL, 50,
                                        an_format("%s give%s %s away and %s set aside", names.data, n == 1 ? "s" : "", f->target->name,
                                                  n == 1 ? "is" : "are"),
                                        an_strdup("the import found values that go with one class only; 'data show' lists them")),
                        "columns", columns);
    json_decref(columns);
    an_buf_free(&names);
}

static void balance(an__findings *all, const json_t *profile)
{
    const an__frame *f = all->f;
    const json_t *item, *v;
    size_t i, k;
    if (f->label) {
        size_t positives = 0;
        for (size_t r = 0; r < f->rows; r++) positives += f->label[r] == 1;
        size_t few = positives < f->labelled - positives ? positives : f->labelled - positives;
        if (few < 30 || (double)few < 0.05 * (double)f->labelled)
            an__finding_add(
                all, "imbalance", NULL, few < 30 ? 66 : 40,
                few < 30
                    ? an_format("only %zu rows of the rarer class of %s: whatever is learnt from them changes much from sample to sample",
                                few, f->target->name)
                    : an_format("the rarer class of %s is %.1f %% of the rows (%zu)", f->target->name,
                                100 * (double)few / (double)f->labelled, few),
                an_strdup("balancing and a moved threshold are what 'andon compare' tries"));
        if (f->sorted)
            an__finding_add(
                all, "sorted", NULL, 58, an_format("the rows lie in the order of %s", f->target->name),
                an_strdup("runs test (Wald and Wolfowitz 1940): z below -6. There is no time column, so the order of the rows says nothing "
                          "of time; steps and drifts over "
                          "the rows are not reported"));
    }
    json_array_foreach(json_object_get(profile, "balance"), i, item) {
        double p = an_json_number(json_object_get(item, "p"), NAN), least = 2, most = -1;
        const char *low = "", *high = "";
        if (!(p < an__significant)) continue;
        json_array_foreach(json_object_get(item, "values"), k, v) {
            double share = an_json_number(json_object_get(v, "share"), NAN);
            if (an_json_number(json_object_get(v, "rows"), 0) < 10) continue;
            if (share < least) least = share, low = an_json_string(v, "value", "");
            if (share > most) most = share, high = an_json_string(v, "value", "");
        }
        if (least > most) continue;
        an__finding_add(all, "balance", NULL, 50 + 30 * an_json_number(json_object_get(item, "cramers_v"), 0),
                        an_format("%s = %s is not equally frequent in every %s: %.1f %% for %s, %.1f %% for %s", f->target->name,
                                  f->t->positive ? f->t->positive : "positive", an_json_string(item, "column", ""), 100 * least, low,
                                  100 * most, high),
                        an_format("chi-squared, p %.1g, Cramer's V %.2f", p, an_json_number(json_object_get(item, "cramers_v"), NAN)));
    }
}

/* ---- rows and pairs --------------------------------------------------------------------------------------------------------------------
 */

void an__find_rows(an__findings *all, const json_t *profile)
{
    known_leaks(all);
    balance(all, profile);
    const json_t *twins = json_object_get(profile, "twins"), *item;
    size_t i;
    double twice = an_json_number(json_object_get(profile, "duplicate_rows"), 0), n = (double)all->f->rows;
    const json_t *first = json_array_get(json_object_get(profile, "duplicates"), 0);
    if (twice > 0)
        an__finding_add(all, "duplicates", NULL, 44 + fmin(30, 200 * twice / n),
                        an_format("%.0f row%s an earlier one in every column", twice, twice > 1 ? "s equal" : " equals"),
                        an_format("for example rows %lld and %lld", (long long)json_integer_value(json_object_get(first, "equals")),
                                  (long long)json_integer_value(json_object_get(first, "row"))));
    double equal = an_json_number(json_object_get(twins, "equal"), 0), close = an_json_number(json_object_get(twins, "close"), 0),
           tested = an_json_number(json_object_get(twins, "test_rows"), 0);
    first = json_array_get(json_object_get(twins, "examples"), 0);
    if (equal + close > 0)
        an__finding_add(
            all, "twins", NULL, 52 + fmin(30, 100 * (equal + close) / tested),
            an_format("%.0f of %.0f test rows nearly repeat a training row: a test on them flatters the model%s", equal + close, tested,
                      (equal + close) / tested > 0.02 ? "; a group column would keep such rows together" : ""),
            an_format(
                "distance over %lld standardised columns under a twentieth of the usual nearest distance (%.0f of them equal); for example "
                "rows %lld and %lld",
                (long long)json_integer_value(json_object_get(twins, "columns")), equal,
                (long long)json_integer_value(json_object_get(first, "test_row")),
                (long long)json_integer_value(json_object_get(first, "train_row"))));
    json_array_foreach(json_object_get(json_object_get(profile, "missing"), "together"), i, item) {
        long long count = (long long)json_integer_value(json_object_get(item, "count")),
                  lost = (long long)json_integer_value(json_object_get(item, "rows"));
        const char *name = json_string_value(json_array_get(json_object_get(item, "columns"), 0));
        json_t *j = an__finding_add(all, "missing-together", NULL,
                                    38 + fmin(12, 2 * log2((double)count)) + (json_is_true(json_object_get(item, "one_stretch")) ? 10 : 0),
                                    an_format("%lld columns (%s ...) are missing together in %lld rows%s%s", count, name, lost,
                                              json_is_true(json_object_get(item, "one_stretch")) ? ", " : "",
                                              json_is_true(json_object_get(item, "one_stretch")) ? an_json_string(item, "span", "") : ""),
                                    an_strdup("the same rows in all of them: one source that did not deliver"));
        json_object_set(j, "columns", json_object_get(item, "columns"));
    }
    json_array_foreach(json_object_get(json_object_get(profile, "correlation"), "blocks"), i, item) {
        double count = an_json_number(json_object_get(item, "count"), 0), mean = an_json_number(json_object_get(item, "mean"), 0);
        const json_t *names = json_object_get(item, "columns");
        if (mean < 0.8 || i >= 20) continue;
        char *list = an_format("%s, %s%s", json_string_value(json_array_get(names, 0)), json_string_value(json_array_get(names, 1)),
                               count > 2 ? " ..." : "");
        json_t *j = an__finding_add(
            all, "correlated", NULL, 24 + 10 * mean + fmin(8, log2(count)), an_format("%.0f columns say nearly the same: %s", count, list),
            an_format("mean |r| %.2f, least %.2f (average linkage)", mean, an_json_number(json_object_get(item, "least"), NAN)));
        json_object_set(j, "columns", json_object_get(item, "columns"));
        free(list);
    }
}
