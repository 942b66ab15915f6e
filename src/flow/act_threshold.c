/* act_threshold.c - model threshold: a new version of a model with another threshold, no retraining. What the rule is chosen on are
 * out-of-fold scores of models made as this one was: with its parameters, its balancing and that one's parameters. */
#include "flow/acts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct threshold_options {
    char *name, *rule;
    double cost_escape, cost_reject, cost_test;
} threshold_options;

static const an_param threshold_params[] = {
    AN_TEXT(threshold_options, name, NULL, "model: NAME, NAME/3"),
    AN_TEXT(threshold_options, rule, NULL,
            "a number, or f1 f2 recall=R recall>=R@95% rejects<=S cost (chosen again on out-of-fold scores)"),
    AN_REAL(threshold_options, cost_escape, NAN, 0, 1e12, "cost of an escaped part (default: andon.yaml)"),
    AN_REAL(threshold_options, cost_reject, NAN, 0, 1e12, "cost of a good part rejected"),
    AN_REAL(threshold_options, cost_test, NAN, 0, 1e12, "cost of the end-of-line test"),
    AN_PARAM_END,
};

/* The run that made a model out of another: lineage leads from the one to the other. New text: its id. */
static char *record_move(an_store *s, const an_version_row *from, const threshold_options *o, uint64_t seed, const an_hash *address,
                         an_error *err)
{
    json_t *params = an_params_json(threshold_params, o);
    char *run = an_run_begin(s, "threshold", from->name, NULL, NULL, params, seed, err);
    json_decref(params);
    an_hash h;
    bool ok = run && an_run_artifact(s, run, AN_EDGE_IN, "model", &from->address, err);
    static const char *const links[] = { "data", "split" };
    for (size_t i = 0; ok && i < AN_COUNT(links); i++)
        if (an__meta_hash(from->meta, links[i], &h)) ok = an_run_artifact(s, run, AN_EDGE_IN, links[i], &h, err);
    if (ok && an_run_artifact(s, run, AN_EDGE_OUT, "model", address, err) && an_run_end(s, run, "done", NULL, NULL, err)) return run;
    free(run);
    return NULL;
}

/* {"ratio", "set": ["smote.neighbours=3"], ...}: the parameters of the step that trained it, of this version or of the one whose threshold
 * was moved. NULL: not known here (the model was brought from elsewhere). New reference. */
static json_t *training_of(an_store *s, const an_version_row *row, an_error *err)
{
    json_t *kept = json_object_get(row->meta, "training");
    if (json_is_object(kept)) return json_incref(kept);
    json_t *tree = an_lineage(s, &row->address, err), *found = NULL;
    for (const json_t *node = tree; node && !found;) {
        const json_t *run = json_object_get(node, "run"), *input, *from = NULL;
        size_t i;
        if (!strcmp(an_json_string(run, "name", ""), "train")) found = json_incref(json_object_get(run, "params"));
        json_array_foreach(json_object_get(node, "inputs"), i, input)
            if (!strcmp(an_json_string(input, "kind", ""), "model")) from = input;
        node = from;
    }
    json_decref(tree);
    return found;
}

/* The recipe of a trained model. *set: what r->balance_options borrows from, to be released by the caller. */
static bool recipe_of(const an_model *m, const json_t *training, an_recipe *r, json_t **set, an_error *err)
{
    r->balance = an_balance_kind_find(m->balance ? m->balance : "none", err);
    if (!r->balance) return false;
    r->ratio = an_json_number(json_object_get(training, "ratio"), 1);
    an_list named = { 0 }; /* --set without a prefix is the model's, which keeps its own parameters */
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(training, "set"), i, item) {
        const char *text = json_string_value(item), *dot = text ? strchr(text, '.') : NULL, *equals = text ? strchr(text, '=') : NULL;
        if (dot && (!equals || dot < equals)) an_list_add(&named, text);
    }
    *set = an__set_for(&named, r->balance->generator ? r->balance->generator : r->balance->name, err);
    an_list_free(&named);
    r->balance_options = json_object_size(*set) ? *set : NULL;
    return *set != NULL;
}

/* Prices that neither flags nor andon.yaml give are those the version was judged with before. */
static void costs_of_before(const json_t *meta, an_costs *c)
{
    const json_t *had = json_object_get(meta, "costs");
    struct {
        const char *key;
        double *value;
    } each[] = { { "escape", &c->escape }, { "reject", &c->reject }, { "test", &c->test } };
    bool given = !isnan(c->escape) || !isnan(c->reject) || !isnan(c->test), taken = false;
    for (size_t i = 0; i < AN_COUNT(each); i++)
        if (isnan(*each[i].value)) {
            *each[i].value = an_json_number(json_object_get(had, each[i].key), NAN);
            taken |= !isnan(*each[i].value);
        }
    if (taken && !given) snprintf(c->currency, sizeof c->currency, "%s", an_json_string(had, "currency", c->currency));
}

/* The threshold by the rule, put into m. */
static bool choose(an_store *s, const threshold_options *o, const an_version_row *row, const an_costs *costs, json_t *training, an_model *m,
                   an_job *job, an_error *err)
{
    double fixed;
    an_hash data, split;
    if (an_real_parse(o->rule, strlen(o->rule), &fixed)) return an_threshold_choose(o->rule, NULL, NULL, 0, costs, &m->threshold, err);
    if (m->balance && !an_balance_kind_find(m->balance, NULL)) {
        an_fail(err, AN_INPUT, "%s was trained on rows that a pipeline balanced: out-of-fold scores cannot be made again", o->name);
        return an_hint(err, "give a number, or train with --threshold");
    }
    if (!an__meta_hash(row->meta, "data", &data) || !an__meta_hash(row->meta, "split", &split))
        return an_fail(err, AN_INPUT, "%s does not say which data it was trained on", o->name);
    json_t *model_options = an_params_json(m->predictor->kind->params, m->predictor->options), *set = NULL;
    an_recipe r = { .model = m->predictor->kind, .model_options = model_options, .folds = 3, .threshold = o->rule, .costs = *costs };
    an_parts p = { 0 };
    bool ok = recipe_of(m, training, &r, &set, err) && an__parts_open(s, &data, &split, &p, err) &&
              an__recipe_threshold(p.table, p.split.train, p.split.train_count, &r, m->seed, job, &m->threshold, err);
    an__parts_free(&p);
    json_decref(set);
    json_decref(model_options);
    return ok;
}

/* The evaluation of the moved model, as an artifact of its own; *address is its. NULL without error: it has no data here. */
static json_t *judge(an_store *s, const an_version_row *row, const an_hash *model, const an_costs *costs, an_hash *address, an_job *job,
                     an_error *err)
{
    an_hash data, split;
    if (!an__meta_hash(row->meta, "data", &data) || !an__meta_hash(row->meta, "split", &split)) return NULL;
    json_t *set = json_object();
    if (!isnan(costs->escape)) json_object_set_new(set, "cost_escape", json_real(costs->escape));
    if (!isnan(costs->reject)) json_object_set_new(set, "cost_reject", json_real(costs->reject));
    if (!isnan(costs->test)) json_object_set_new(set, "cost_test", json_real(costs->test));
    an_flow_values in = { 0 }, out = { 0 };
    an__value_set(&in, "data", &data);
    an__value_set(&in, "split", &split);
    an__value_set(&in, "model", model);
    json_t *j = an__step_do(s, "evaluate", set, &in, &out, NULL, job, err);
    const an_hash *made = an_flow_value(&out, "evaluation");
    if (j && made) *address = *made;
    return j;
}

/* What is known of a model that was not judged. */
static json_t *unjudged(const an_model *m)
{
    return json_pack("{s:{s:o, s:s}, s:b, s:s}", "threshold", "value", an_json_real(m->threshold.value), "rule", m->threshold.rule,
                     "calibrated", m->calibrated, "balance", m->balance ? m->balance : "none");
}

/* What was measured at the old threshold does not hold at the new one. */
static json_t *meta_of(const an_version_row *row, json_t *training, const json_t *known, const an_hash *evaluated)
{
    json_t *meta = json_deep_copy(row->meta);
    json_object_del(meta, "evaluation");
    if (training) json_object_set(meta, "training", training);
    static const char *const keys[] = { "metrics", "confusion",    "threshold",      "calibrated",
                                        "balance", "escape_upper", "interval_units", "costs" };
    for (size_t i = 0; i < AN_COUNT(keys); i++) {
        json_object_del(meta, keys[i]);
        if (json_object_get(known, keys[i])) json_object_set(meta, keys[i], json_object_get(known, keys[i]));
    }
    if (evaluated) json_object_set_new(meta, "evaluation", an__hash_json(evaluated));
    return meta;
}

static json_t *threshold_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    const threshold_options *o = options;
    if (!o->rule) {
        an_fail(err, AN_USAGE, "which rule? --rule f2");
        return NULL;
    }
    an_version_row row = { 0 };
    an_hash address, evaluated = { 0 };
    an_costs costs;
    an_model *m = an__threshold_rule(o->rule, err) && an__costs(s, o->cost_escape, o->cost_reject, o->cost_test, &costs, err)
                      ? an__model_open(s, o->name, &row, err)
                      : NULL;
    if (!m) return NULL;
    costs_of_before(row.meta, &costs);
    an_error why = { 0 };
    json_t *training = training_of(s, &row, &why), *evaluation = NULL, *result = NULL;
    bool ok = choose(s, o, &row, &costs, training, m, job, err);
    an_artifact *a = ok ? an_artifact_stage(s, err) : NULL;
    ok = a && an_model_save(m, a, err);
    if (ok)
        ok = an_artifact_put(s, a, "model", &address, err);
    else
        an_artifact_discard(a);
    if (ok) {
        evaluation = judge(s, &row, &address, &costs, &evaluated, job, &why);
        if (!evaluation && why.code && why.code != AN_NOT_FOUND) { /* without its data it can be moved, but not judged */
            if (err) *err = why;
            ok = false;
        }
    }
    int64_t version = 0;
    bool existed = false, judged = evaluation != NULL;
    if (ok && !judged) evaluation = unjudged(m);
    if (ok) {
        json_t *meta = meta_of(&row, training, evaluation, judged ? &evaluated : NULL);
        an_version_row before = { 0 };
        bool known = an_version_by_address(s, &address, &before, NULL);
        if (known) an_version_row_free(&before);
        char *run = known ? NULL : record_move(s, &row, o, m->seed, &address, err);
        ok = (known || run) && an_version_add(s, AN_NAME_MODEL, row.name, &address, run, meta, &version, &existed, err);
        free(run);
        json_decref(meta);
    }
    if (ok) {
        result = json_incref(evaluation);
        json_object_set_new(result, "name", json_string(row.name));
        json_object_set_new(result, "version", json_integer(version));
        json_object_set_new(result, "existed", json_boolean(existed));
        json_object_set_new(result, "train_s", json_null());
    }
    json_decref(evaluation);
    json_decref(training);
    an_model_free(m);
    an_version_row_free(&row);
    return result;
}

const an_act an__act_model_threshold = {
    .name = "model threshold",
    .args = "NAME",
    .doc = "a new version with another threshold, no retraining",
    .examples = { "andon model threshold press --rule 0.3", "andon model threshold press --rule 'recall>=0.9@95%'" },
    .params = threshold_params,
    .options_size = sizeof(threshold_options),
    .run = threshold_run,
};
