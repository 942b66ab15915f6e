/* act_model.c - model train, evaluate, explain, show, list, alias, kinds; `model threshold` is in act_threshold.c, `model predict` in
 * act_predict.c, export and import in act_model_move.c. */
#include "flow/acts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

an_model *an__model_open(an_store *s, const char *reference, an_version_row *row, an_error *err)
{
    an_version_row local = { 0 };
    if (!an_version_get(s, AN_NAME_MODEL, reference, &local, err)) return NULL;
    an_artifact *a = an_artifact_get(s, &local.address, err);
    an_model *m = a ? an_model_load(a, err) : NULL;
    an_artifact_free(a);
    if (m && row)
        *row = local;
    else
        an_version_row_free(&local);
    return m;
}

static bool data_and_split(an_store *s, const char *reference, an_flow_values *v, an_job *job, an_error *err)
{
    an_version_row row = { 0 };
    if (!reference) {
        an_fail(err, AN_USAGE, "which data set? --data NAME");
        return an_hint(err, "'andon data list' shows them");
    }
    if (!an_version_get(s, AN_NAME_DATA, reference, &row, err)) return false;
    an__value_set(v, "data", &row.address);
    an_version_row_free(&row);
    an_flow_values in = *v;
    json_t *split = an__step_do(s, "split", json_object(), &in, v, NULL, job, err);
    json_decref(split);
    return split != NULL;
}

/* ---- train ------------------------------------------------------------------------------------------------------------------------ */

typedef struct train_options {
    char *name, *data, *model, *balance, *threshold;
    double ratio, cost_escape, cost_reject, cost_test;
    an_list set;
} train_options;

static const an_param train_params[] = {
    AN_TEXT(train_options, name, NULL, "name of the model"),
    AN_TEXT(train_options, data, NULL, "data set: NAME is the newest version"),
    AN_TEXT(train_options, model, "logistic", "kind of model ('andon model kinds' names them)"),
    AN_TEXT(train_options, balance, "none", "none threshold weights random smote wgan wgan-filter ...: inside the training part only"),
    AN_TEXT(train_options, threshold, NULL,
            "rule: 0.5 f1 f2 recall=R recall>=R@95% rejects<=S cost, chosen on out-of-fold scores of the training part (default 0.5; f2 "
            "with --balance threshold)"),
    AN_REAL(train_options, ratio, 1, 0.01, 10, "rarer to other class after balancing"),
    AN_REAL(train_options, cost_escape, NAN, 0, 1e12, "cost of an escaped part (default: andon.yaml)"),
    AN_REAL(train_options, cost_reject, NAN, 0, 1e12, "cost of a good part rejected"),
    AN_REAL(train_options, cost_test, NAN, 0, 1e12, "cost of the end-of-line test"),
    AN_LIST(train_options, set, NULL, "a parameter of model or balancing: --set c=0.1, --set wgan.width=256"),
    AN_PARAM_END,
};

static json_t *train_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    const train_options *o = options;
    an_flow_values v = { 0 };
    if (o->threshold && !an__threshold_rule(o->threshold, err)) return NULL; /* before anything is split */
    if (!an_name_check("model", o->name, err) || !data_and_split(s, o->data, &v, job, err)) return NULL;
    json_t *set = json_array(), *p = NULL, *trained = NULL, *judged = NULL, *named = NULL;
    for (size_t i = 0; i < o->set.count; i++) json_array_append_new(set, json_string(o->set.items[i]));
    p = json_pack("{s:s, s:s, s:f, s:o}", "model", o->model, "balance", o->balance, "ratio", o->ratio, "set", set);
    if (o->threshold) json_object_set_new(p, "threshold", json_string(o->threshold));
    json_t *costs = json_object();
    if (!isnan(o->cost_escape)) json_object_set_new(costs, "cost_escape", json_real(o->cost_escape));
    if (!isnan(o->cost_reject)) json_object_set_new(costs, "cost_reject", json_real(o->cost_reject));
    if (!isnan(o->cost_test)) json_object_set_new(costs, "cost_test", json_real(o->cost_test));
    json_object_update(p, costs);
    an_flow_values in = v;
    trained = an__step_do(s, "train", p, &in, &v, NULL, job, err);
    in = v;
    if (trained) judged = an__step_do(s, "evaluate", json_incref(costs), &in, &v, NULL, job, err);
    in = v;
    if (judged) named = an__give_name(s, "model", o->name, &in, job, err);
    json_t *result = NULL;
    if (named) {
        result = json_object();
        json_object_update(result, named);
        json_object_update(result, trained);
        json_object_set(result, "id", json_object_get(named, "id"));
        json_object_update(result, judged);
    }
    json_decref(costs);
    json_decref(trained);
    json_decref(judged);
    json_decref(named);
    return result;
}

const an_act an__act_model_train = {
    .name = "model train",
    .args = "NAME",
    .doc = "train a model on the training part, evaluate it on the untouched test part, register it",
    .examples = { "andon model train press --data press --model logistic --balance smote",
                  "andon model train press --data press --threshold 'recall>=0.95@95%'" },
    .params = train_params,
    .options_size = sizeof(train_options),
    .run = train_run,
};

/* ---- evaluate ----------------------------------------------------------------------------------------------------------------------- */

typedef struct evaluate_options {
    char *name, *data;
    double cost_escape, cost_reject, cost_test;
} evaluate_options;

static const an_param evaluate_params[] = {
    AN_TEXT(evaluate_options, name, NULL, "model: NAME, NAME/3"),
    AN_TEXT(evaluate_options, data, NULL, "another data set, evaluated whole (default: the held-out part of its own)"),
    AN_REAL(evaluate_options, cost_escape, NAN, 0, 1e12, "cost of an escaped part (default: andon.yaml)"),
    AN_REAL(evaluate_options, cost_reject, NAN, 0, 1e12, "cost of a good part rejected"),
    AN_REAL(evaluate_options, cost_test, NAN, 0, 1e12, "cost of the end-of-line test"),
    AN_PARAM_END,
};

/* Rows of another data set that the model was trained on are left out, and counted. Where that knows its rows by an id that is missing
 * here, none can be told: "seen_known" is false. */
static json_t *evaluate_other(an_store *s, an_model *m, const char *reference, const an_costs *costs, an_job *job, an_error *err)
{
    an_table *t = an__data_get(s, reference, NULL, err);
    json_t *result = NULL;
    if (!t) return NULL;
    uint8_t *seen = an_alloc_n(t->rows + 1, 1);
    size_t *rows = an_alloc_n(t->rows + 1, sizeof *rows), n = 0;
    const an_column *target = an_table_find(t, m->target);
    const char *id = an_json_string(m->extra, "id_column", NULL);
    bool known = !id || an_table_find(t, id);
    if (!known) an_job_say(job, "%s has no column %s: rows that the model was trained on cannot be told from others", reference, id);
    if (!known || an_model_seen(m, t, seen, err)) {
        for (size_t i = 0; i < t->rows; i++)
            if (!an_table_generated(t, i) && !seen[i] && !an_table_unlabelled(target, i)) rows[n++] = i;
        if (!n)
            an_fail(err, AN_REFUSED, "every row of %s was used to train this model, or has no label", reference);
        else
            result = an__evaluation(m, t, rows, n, costs, an_job_seed(job), job, err);
        if (result) json_object_set_new(result, "left_out", json_integer((json_int_t)(t->rows - n)));
        if (result) json_object_set_new(result, "seen_known", json_boolean(known));
    }
    free(seen);
    free(rows);
    an_table_free(t);
    return result;
}

bool an__meta_hash(const json_t *meta, const char *key, an_hash *h)
{
    const char *hex = an_json_string(meta, key, NULL);
    return hex && an_hash_parse(hex, h);
}

static json_t *evaluate_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    const evaluate_options *o = options;
    an_version_row row = { 0 };
    an_costs costs;
    an_model *m = an__model_open(s, o->name, &row, err);
    json_t *result = NULL;
    if (m && an__costs(s, o->cost_escape, o->cost_reject, o->cost_test, &costs, err)) {
        an_hash data, split;
        if (o->data) {
            result = evaluate_other(s, m, o->data, &costs, job, err);
        } else if (!an__meta_hash(row.meta, "data", &data) || !an__meta_hash(row.meta, "split", &split)) {
            an_fail(err, AN_USAGE, "%s does not say which data it was split from: give --data NAME", o->name);
        } else {
            json_t *set = json_object();
            if (!isnan(o->cost_escape)) json_object_set_new(set, "cost_escape", json_real(o->cost_escape));
            if (!isnan(o->cost_reject)) json_object_set_new(set, "cost_reject", json_real(o->cost_reject));
            if (!isnan(o->cost_test)) json_object_set_new(set, "cost_test", json_real(o->cost_test));
            an_flow_values v = { 0 };
            an__value_set(&v, "data", &data);
            an__value_set(&v, "split", &split);
            an__value_set(&v, "model", &row.address);
            result = an__step_do(s, "evaluate", set, &v, NULL, NULL, job, err);
        }
    }
    if (result) {
        json_object_set_new(result, "name", json_string(row.name));
        json_object_set_new(result, "version", json_integer(row.version));
        json_object_set_new(result, "train_s", json_null());
    }
    an_model_free(m);
    an_version_row_free(&row);
    return result;
}

const an_act an__act_model_evaluate = {
    .name = "model evaluate",
    .args = "NAME",
    .doc = "metrics with intervals on rows the model has not seen",
    .examples = { "andon model evaluate press", "andon model evaluate press/2 --data press-june" },
    .params = evaluate_params,
    .options_size = sizeof(evaluate_options),
    .run = evaluate_run,
};

/* ---- explain, show, list, kinds ------------------------------------------------------------------------------------------------------ */

typedef struct name_options {
    char *name;
} name_options;

static const an_param name_params[] = {
    AN_TEXT(name_options, name, NULL, "model: NAME, NAME/3"),
    AN_PARAM_END,
};

static json_t *explain_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)job;
    an_version_row row = { 0 };
    an_model *m = an__model_open(s, ((const name_options *)options)->name, &row, err);
    json_t *result = m ? an_model_explain(m, err) : NULL;
    if (result) {
        json_object_set_new(result, "name", json_string(row.name));
        json_object_set_new(result, "version", json_integer(row.version));
        json_object_set_new(result, "target", json_string(m->target));
        json_object_set_new(result, "positive", json_string(m->positive));
    }
    an_model_free(m);
    an_version_row_free(&row);
    return result;
}

const an_act an__act_model_explain = {
    .name = "model explain",
    .args = "NAME",
    .doc = "what moves the model's score, in the units of the data",
    .examples = { "andon model explain press", "andon model explain press --json" },
    .params = name_params,
    .options_size = sizeof(name_options),
    .run = explain_run,
};

static json_t *show_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)job;
    an_version_row row = { 0 };
    an_model *m = an__model_open(s, ((const name_options *)options)->name, &row, err);
    json_t *result = NULL;
    if (m) {
        result = an_model_describe(m);
        json_object_update(result, row.meta);
        json_object_set_new(result, "name", json_string(row.name));
        json_object_set_new(result, "version", json_integer(row.version));
        json_object_set_new(result, "id", an__hash_json(&row.address));
        json_object_set_new(result, "target", json_string(m->target));
        json_object_set_new(result, "positive", json_string(m->positive));
        json_object_set_new(result, "negative", json_string(m->negative));
    }
    an_model_free(m);
    an_version_row_free(&row);
    return result;
}

const an_act an__act_model_show = {
    .name = "model show",
    .args = "NAME",
    .doc = "schema, parameters, threshold, metrics of a model",
    .examples = { "andon model show press", "andon model show press/2 --json" },
    .params = name_params,
    .options_size = sizeof(name_options),
    .run = show_run,
};

static const an_param list_params[] = {
    AN_TEXT(name_options, name, NULL, "only the versions of this model"),
    AN_PARAM_END,
};

static json_t *list_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)job;
    return an__versions_json(s, AN_NAME_MODEL, ((const name_options *)options)->name, err);
}

const an_act an__act_model_list = {
    .name = "model list",
    .args = "[NAME]",
    .doc = "the models and their versions",
    .examples = { "andon model list", "andon model list press" },
    .params = list_params,
    .options_size = sizeof(name_options),
    .run = list_run,
};

static json_t *kinds_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)s, (void)options, (void)job, (void)err;
    size_t count;
    json_t *models = json_array(), *balances = json_array();
    const an_predictor_kind *const *kinds = an_predictor_kinds(&count);
    for (size_t i = 0; i < count; i++) {
        json_t *params = json_array();
        for (const an_param *p = kinds[i]->params; p->name; p++) {
            char range[160];
            json_array_append_new(params,
                                  json_pack("{s:s, s:s, s:s}", "name", p->name, "range", an_param_range_text(p, range), "doc", p->doc));
        }
        json_array_append_new(models, json_pack("{s:s, s:s, s:o}", "name", kinds[i]->name, "doc", kinds[i]->doc, "params", params));
    }
    const an_balance_kind *b = an_balance_kinds(&count);
    for (size_t i = 0; i < count; i++) json_array_append_new(balances, json_pack("{s:s, s:s}", "name", b[i].name, "doc", b[i].doc));
    return json_pack("{s:o, s:o}", "models", models, "balance", balances);
}

static const an_param no_params[] = { AN_PARAM_END };

const an_act an__act_model_kinds = {
    .name = "model kinds",
    .doc = "the kinds of model and of balancing there are",
    .examples = { "andon model kinds", "andon model kinds --json" },
    .params = no_params,
    .options_size = 1,
    .run = kinds_run,
    .no_store = true,
};

/* ---- alias --------------------------------------------------------------------------------------------------------------------------- */

typedef struct alias_options {
    char *name, *alias;
    bool remove;
} alias_options;

static const an_param alias_params[] = {
    AN_TEXT(alias_options, name, NULL, "model: NAME/3"),
    AN_TEXT(alias_options, alias, NULL, "alias that is to point to it, e.g. candidate"),
    AN_BOOL(alias_options, remove, 0, "take the alias away"),
    AN_PARAM_END,
};

static json_t *alias_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)job;
    const alias_options *o = options;
    an_version_row row = { 0 };
    if (!an_name_check("alias", o->alias, err) || !an_version_get(s, AN_NAME_MODEL, o->name, &row, err)) return NULL;
    an_move move = { AN_NAME_MODEL, row.name, o->alias, -1, o->remove ? 0 : row.version };
    json_t *why = json_pack("{s:s}", "reason", o->remove ? "alias removed" : "alias moved"), *result = NULL;
    if (an_names_move(s, &move, 1, why, err))
        result = json_pack("{s:s, s:I, s:s}", "name", row.name, "version", (json_int_t)move.version, "alias", o->alias);
    json_decref(why);
    an_version_row_free(&row);
    return result;
}

const an_act an__act_model_alias = {
    .name = "model alias",
    .args = "NAME ALIAS",
    .doc = "let NAME@ALIAS point to this version",
    .examples = { "andon model alias press/3 candidate", "andon model alias press/3 candidate --remove" },
    .params = alias_params,
    .options_size = sizeof(alias_options),
    .run = alias_run,
};
