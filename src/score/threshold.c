/* threshold.c - rules that turn scores into decisions, and the curve of decisions over thresholds for reports.
 *
 * A candidate lies between two neighbouring distinct scores, or beyond either end. Candidate c predicts the groups c, c+1, ... positive,
 * so candidate 0 rejects everything and candidate `groups` nothing; all counts come from one pass after sorting, O(n log n) at most.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "score/order.h"

typedef enum rule_kind { RULE_VALUE, RULE_F1, RULE_F2, RULE_RECALL, RULE_RECALL_LOWER, RULE_REJECTS, RULE_COST } rule_kind;

typedef struct rule {
    rule_kind kind;
    double value;      /* the threshold itself, the recall, or the share */
    double confidence; /* of RULE_RECALL_LOWER */
} rule;

static bool rule_refuse(const char *text, const char *why, an_error *err)
{
    an_fail(err, AN_USAGE, "threshold rule \"%s\" %s", text, why);
    return an_hint(err, "rules: a number such as 0.5; f1; f2; recall=0.95; recall>=0.95@95%% (lower confidence limit of the recall); "
                        "rejects<=0.1 (share predicted positive); cost");
}

/* "NUMBER" after `prefix`: 1 parsed, 0 another rule, -1 not a number */
static int number_after(const char *text, const char *prefix, size_t length, double *value)
{
    size_t n = strlen(prefix);
    if (length < n || strncmp(text, prefix, n) != 0) {
        return 0;
    }
    return length > n && an_real_parse(text + n, length - n, value) && isfinite(*value) ? 1 : -1;
}

static bool rule_parse(const char *given, rule *out, an_error *err)
{
    char text[64];
    size_t n = 0;
    for (const char *s = given ? given : ""; *s; s++) {
        if (*s == ' ' || *s == '\t') {
            continue;
        }
        if (n + 1 >= sizeof text) {
            return rule_refuse(given, "is not known", err);
        }
        text[n++] = *s;
    }
    text[n] = '\0';
    *out = (rule){ .confidence = 0.95 };
    int found;
    if (strcmp(text, "f1") == 0) {
        out->kind = RULE_F1;
    } else if (strcmp(text, "f2") == 0) {
        out->kind = RULE_F2;
    } else if (strcmp(text, "cost") == 0) {
        out->kind = RULE_COST;
    } else if ((found = number_after(text, "recall=", n, &out->value)) != 0) {
        out->kind = RULE_RECALL;
        if (found < 0 || !(out->value > 0 && out->value <= 1)) {
            return rule_refuse(given, "needs a recall above 0 and at most 1", err);
        }
    } else if (strncmp(text, "recall>=", 8) == 0) {
        out->kind = RULE_RECALL_LOWER;
        const char *at = strchr(text, '@');
        if (!at || text[n - 1] != '%' || number_after(at, "@", strlen(at) - 1, &out->confidence) != 1 ||
            !(out->confidence >= 50 && out->confidence < 100)) {
            return rule_refuse(given, "needs a confidence, as in recall>=0.95@95%", err);
        }
        out->confidence /= 100;
        if (number_after(text, "recall>=", (size_t)(at - text), &out->value) != 1 || !(out->value > 0 && out->value < 1)) {
            return rule_refuse(given, "needs a recall between 0 and 1", err);
        }
    } else if ((found = number_after(text, "rejects<=", n, &out->value)) != 0) {
        out->kind = RULE_REJECTS;
        if (found < 0 || !(out->value >= 0 && out->value <= 1)) {
            return rule_refuse(given, "needs a share between 0 and 1", err);
        }
    } else if (n > 0 && an_real_parse(text, n, &out->value) && isfinite(out->value)) {
        out->kind = RULE_VALUE;
    } else {
        return rule_refuse(given ? given : "", "is not known", err);
    }
    return true;
}

bool an_threshold_check(const char *text, an_error *err)
{
    rule parsed;
    return rule_parse(text, &parsed, err);
}

double an_expected_cost(const an_confusion *c, const an_costs *costs)
{
    double reject = isnan(costs->reject) ? 0 : costs->reject, test = isnan(costs->test) ? 0 : costs->test;
    double n = (double)c->tn + (double)c->fp + (double)c->fn + (double)c->tp;
    double total = costs->escape * (double)c->fn + reject * (double)c->fp + test * ((double)c->tp + (double)c->fp);
    return n > 0 ? total / n : NAN;
}

static bool costs_check(const an_costs *costs, an_error *err)
{
    const char *missing = !costs || isnan(costs->escape) ? "the cost of an escaped defect" : NULL;
    if (!missing && isnan(costs->reject) && isnan(costs->test)) {
        missing = "the cost of a false reject or of a test";
    }
    if (missing) {
        an_fail(err, AN_INPUT, "threshold rule \"cost\": %s is not given", missing);
        return an_hint(err, "give costs per part with --cost-escape and --cost-reject or --cost-test, or once in andon.yaml");
    }
    const double given[3] = { costs->escape, costs->reject, costs->test };
    for (int i = 0; i < 3; i++) {
        if (!isnan(given[i]) && !(given[i] >= 0 && isfinite(given[i]))) {
            return an_fail(err, AN_INPUT, "threshold rule \"cost\": a cost of %g is not a finite number of at least 0", given[i]);
        }
    }
    return true;
}

/* The threshold of candidate c: the midpoint, or beyond an end. Where all scores are shares, it stays in [0, 1] as long as it can. */
static double candidate(const an__ranked *r, size_t c)
{
    const double *s = r->score;
    size_t last = r->groups - 1;
    bool shares = s[0] >= 0 && s[last] <= 1;
    if (c == 0) {
        return shares ? s[0] / 2 : s[0] - fmax(1, fabs(s[0]) / 2);
    }
    if (c > last) {
        return shares && s[last] < 1 ? s[last] + (1 - s[last]) / 2 : shares ? nextafter(1, 2) : s[last] + fmax(1, fabs(s[last]) / 2);
    }
    double middle = s[c - 1] / 2 + s[c] / 2;
    return middle > s[c - 1] && middle <= s[c] ? middle : s[c]; /* between neighbouring doubles there is nothing */
}

static an_confusion confusion_of(const an__ranked *r, uint64_t tp, uint64_t fp)
{
    return (an_confusion){ .tp = tp, .fp = fp, .fn = r->positives - tp, .tn = r->negatives - fp };
}

/* Larger is better. */
static double merit(const rule *asked, const an_confusion *c, const an_costs *costs)
{
    an_metrics m;
    if (asked->kind == RULE_COST) {
        return -an_expected_cost(c, costs);
    }
    an_confusion_metrics(c, &m);
    return asked->kind == RULE_F1 ? m.f1 : m.f2;
}

/* The candidate with the best F1, F2 or cost; of equals the one nearest to 0.5, the lower of two as near. */
static size_t best_candidate(const rule *asked, const an__ranked *r, const an_costs *costs, double *achieved)
{
    double best = -INFINITY, near = INFINITY, slack = 0;
    size_t chosen = 0;
    for (int pass = 0; pass < 2; pass++) {
        uint64_t tp = 0, fp = 0;
        for (size_t c = r->groups + 1; c-- > 0;) {
            if (c < r->groups) {
                tp += r->pos[c];
                fp += r->neg[c];
            }
            an_confusion at = confusion_of(r, tp, fp);
            double value = merit(asked, &at, costs);
            if (pass == 0) {
                best = fmax(best, value);
            } else if (value >= best - slack && fabs(candidate(r, c) - 0.5) <= near) {
                near = fabs(candidate(r, c) - 0.5);
                chosen = c;
            }
        }
        slack =
            asked->kind == RULE_COST ? 1e-12 * fabs(best) : 0; /* sums of money may differ in the last bit, quotients of counts do not */
    }
    *achieved = asked->kind == RULE_COST ? -best : best;
    return chosen;
}

/* The highest threshold that still catches `least` positives. */
static size_t catching(const an__ranked *r, uint64_t least, uint64_t *caught)
{
    size_t c = r->groups;
    for (*caught = 0; *caught < least; *caught += r->pos[c]) {
        c--;
    }
    return c;
}

static bool choose_limit(const rule *asked, const char *text, const an__ranked *r, size_t *chosen, double *achieved, an_error *err)
{
    uint64_t p = r->positives, low = 0, high = p;
    double best = an_binomial_lower(p, p, asked->confidence);
    if (best < asked->value) {
        uint64_t needed = (uint64_t)ceil(log(1 - asked->confidence) / log(asked->value));
        an_fail(err, AN_INPUT,
                "threshold rule \"%s\" cannot be met: with %zu positive rows, even if all are caught, the lower %g %% limit of the recall "
                "is %.3f",
                text, r->positives, 100 * asked->confidence, best);
        return an_hint(err, "ask for recall>=%.3f@%g%% or less, or collect at least %llu positive rows", floor(best * 1000) / 1000,
                       100 * asked->confidence, (unsigned long long)needed);
    }
    while (low < high) { /* the limit grows with the number caught */
        uint64_t k = low + (high - low) / 2;
        if (an_binomial_lower(k, p, asked->confidence) >= asked->value) {
            high = k;
        } else {
            low = k + 1;
        }
    }
    uint64_t caught;
    *chosen = catching(r, low, &caught);
    *achieved = an_binomial_lower(caught, p, asked->confidence);
    return true;
}

static bool choose(const rule *asked, const char *text, const an__ranked *r, const an_costs *costs, size_t *chosen, double *achieved,
                   an_error *err)
{
    uint64_t p = r->positives, n = p + r->negatives, count = 0;
    if (p == 0 && asked->kind != RULE_REJECTS) {
        an_fail(err, AN_INPUT, "threshold rule \"%s\" needs positive rows, and there are none among %llu", text, (unsigned long long)n);
        return an_hint(err, "give a number, or rejects<=S, or choose on rows that hold positives");
    }
    switch (asked->kind) {
    case RULE_RECALL: {
        uint64_t least = (uint64_t)floor(asked->value * (double)p);
        while ((double)least / (double)p < asked->value) {
            least++;
        }
        while (least > 1 && (double)(least - 1) / (double)p >= asked->value) {
            least--;
        }
        *chosen = catching(r, least, &count);
        *achieved = (double)count / (double)p;
        return true;
    }
    case RULE_RECALL_LOWER:
        return choose_limit(asked, text, r, chosen, achieved, err);
    case RULE_REJECTS: {
        size_t c = r->groups;
        while (c > 0 && (double)(count + r->pos[c - 1] + r->neg[c - 1]) / (double)n <= asked->value) {
            c--;
            count += (uint64_t)r->pos[c] + r->neg[c];
        }
        *chosen = c;
        *achieved = (double)count / (double)n;
        return true;
    }
    case RULE_VALUE:
    case RULE_F1:
    case RULE_F2:
    case RULE_COST:
        break;
    }
    *chosen = best_candidate(asked, r, costs, achieved);
    return true;
}

bool an_threshold_choose(const char *text, const uint8_t *label, const double *score, size_t n, const an_costs *costs, an_threshold *out,
                         an_error *err)
{
    rule parsed;
    if (!rule_parse(text, &parsed, err)) {
        return false;
    }
    *out = (an_threshold){ .achieved = NAN };
    snprintf(out->rule, sizeof out->rule, "%s", text);
    if (parsed.kind == RULE_VALUE) { /* a number has no measure of its own */
        out->value = parsed.value;
        return true;
    }
    if (parsed.kind == RULE_COST && !costs_check(costs, err)) {
        return false;
    }
    if (n == 0) {
        return an_fail(err, AN_INPUT, "threshold rule \"%s\" needs rows to choose on, and there are none", text);
    }
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(score[i])) {
            return an_fail(err, AN_INPUT, "threshold rule \"%s\": the score of row %zu is not a finite number", text, i + 1);
        }
    }
    an__ranked r;
    if (!an__ranked_build(label, score, n, &r, err)) {
        return false;
    }
    size_t chosen = 0;
    bool ok = choose(&parsed, text, &r, costs, &chosen, &out->achieved, err);
    if (ok) {
        out->value = candidate(&r, chosen);
    }
    an__ranked_free(&r);
    return ok;
}

size_t an_threshold_curve(const uint8_t *label, const double *score, size_t n, size_t limit, an_curve_point *out)
{
    an__ranked r;
    if (limit == 0 || !an__ranked_build(label, score, n, &r, NULL)) {
        return 0;
    }
    size_t count = r.groups < limit ? r.groups : limit, point = count;
    uint64_t tp = 0, fp = 0;
    for (size_t g = r.groups; point > 0 && g-- > 0;) {
        tp += r.pos[g];
        fp += r.neg[g];
        /* evenly spaced over the distinct scores, the lowest and the highest among them */
        size_t wanted = count == 1 ? 0 : (size_t)((double)(point - 1) * (double)(r.groups - 1) / (double)(count - 1) + 0.5);
        if (g == wanted) {
            an_confusion c = confusion_of(&r, tp, fp);
            c.fn += r.nan_positives;
            c.tn += r.nan_negatives;
            out[--point] = (an_curve_point){ r.score[g], c };
        }
    }
    an__ranked_free(&r);
    return count;
}
