/* step_learn.c - the steps around a model: balance, train, evaluate, register. */
#include "flow/steps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool model_put(an_store *s, an_model *m, an_hash *address, an_error *err)
{
    an_artifact *a = an_artifact_stage(s, err);
    if (!a) return false;
    if (an_model_save(m, a, err)) return an_artifact_put(s, a, "model", address, err);
    an_artifact_discard(a);
    return false;
}

static an_model *model_get(an_store *s, const an_hash *address, an_error *err)
{
    an_artifact *a = an_artifact_get(s, address, err);
    an_model *m = a ? an_model_load(a, err) : NULL;
    an_artifact_free(a);
    return m;
}

static bool check_unseen(const an_model *m, const an_parts *p, an_error *err)
{
    uint8_t *known = an_alloc_data(p->table->rows + 1, 1, "rows trained on", err);
    bool ok = known && an_model_seen(m, p->table, known, err);
    size_t seen = 0;
    for (size_t i = 0; ok && i < p->split.test_count; i++) seen += known[p->split.test[i]];
    free(known);
    if (!ok || !seen) return ok;
    an_fail(err, AN_REFUSED, "%zu of the %zu rows of the test part were used to train this model", seen, p->split.test_count);
    return an_hint(err, "evaluate on rows it has not seen, or train again on this split");
}

/* ---- balance: the training part with the generated rows below it -------------------------------------------------------------------- */

static const an_param no_params[] = { AN_PARAM_END };

static json_t *balance_run(const an_step_context *c, const void *options, an_error *err)
{
    (void)options;
    an_parts p = { 0 };
    an_table *made = an__table_get(c->store, an__need(c, "rows"), err), *train = NULL, *whole = NULL;
    if (made && an__parts_open(c->store, an__need(c, "data"), an__need(c, "split"), &p, err))
        train = an_table_select(p.table, p.split.train, p.split.train_count, err);
    if (train) whole = an_table_append(train, made, err);
    json_t *result = NULL;
    an_hash address;
    if (whole && an__table_put(c->store, whole, "training", &address, err)) {
        size_t positives = 0;
        uint8_t *label = an_alloc_n(whole->rows + 1, 1);
        if (an_table_labels(whole, label, NULL))
            for (size_t i = 0; i < whole->rows; i++) positives += label[i];
        free(label);
        an__value_set(c->outputs, "training", &address);
        result = json_pack("{s:I, s:I, s:I, s:I, s:o}", "rows", (json_int_t)whole->rows, "real", (json_int_t)train->rows, "generated",
                           (json_int_t)made->rows, "positives", (json_int_t)positives, "id", an__hash_json(&address));
    }
    an_table_free(whole);
    an_table_free(train);
    an_table_free(made);
    an__parts_free(&p);
    return result;
}

const an_step_kind an__step_balance = {
    .name = "balance",
    .doc = "put the generated rows below the training part; the test part stays as it is",
    .params = no_params,
    .options_size = 1,
    .inputs = { { "data", false }, { "split", false }, { "rows", false } },
    .outputs = { { "training", false } },
    .run = balance_run,
};

/* ---- train --------------------------------------------------------------------------------------------------------------------------- */

typedef struct train_options {
    char *model, *balance, *threshold;
    double ratio, cost_escape, cost_reject, cost_test;
    an_list set;
} train_options;

static const an_param train_params[] = {
    AN_TEXT(train_options, model, "logistic", "kind of model: 'andon model kinds' names them"),
    AN_TEXT(train_options, balance, "none",
            "none threshold weights random smote wgan wgan-filter ...: inside the training part; left out when a balance step came before"),
    AN_TEXT(train_options, threshold, NULL,
            "rule: 0.5 f1 f2 recall=R recall>=R@95% rejects<=S cost, on out-of-fold scores of the training part (default 0.5; f2 with "
            "--balance threshold)"),
    AN_REAL(train_options, ratio, 1, 0.01, 10, "rarer to other class after balancing"),
    AN_REAL(train_options, cost_escape, NAN, 0, 1e12, "cost of an escaped part (default: andon.yaml)"),
    AN_REAL(train_options, cost_reject, NAN, 0, 1e12, "cost of a good part rejected"),
    AN_REAL(train_options, cost_test, NAN, 0, 1e12, "cost of the end-of-line test"),
    AN_LIST(train_options, set, NULL, "parameters of model or balancing: c=0.1, wgan.width=256"),
    AN_PARAM_END,
};

/* Costs decide the threshold under the rule `cost`, and may stand in andon.yaml. */
static bool train_fingerprint(const an_step_context *c, const void *options, an_buf *text, an_error *err)
{
    const train_options *o = options;
    an_costs costs;
    if (!o->threshold || !strstr(o->threshold, "cost")) return true;
    if (!an__costs(c->store, o->cost_escape, o->cost_reject, o->cost_test, &costs, err)) return false;
    an_buf_printf(text, "%.17g %.17g %.17g", costs.escape, costs.reject, costs.test);
    return true;
}

/* On the very rows the model was fitted on: after a balance step that is its table, whose generated rows train in every fold. Their
 * generator saw the rows that are held out there, so these scores are a little too good; rows of the test part it has not seen. */
static bool choose_threshold(an_model *m, const an_parts *p, const an_table *training, const an_recipe *r, uint64_t seed, an_job *job,
                             an_error *err)
{
    if (!r->threshold) return true;
    if (!training) return an__recipe_threshold(p->table, p->split.train, p->split.train_count, r, seed, job, &m->threshold, err);
    size_t *rows = an_alloc_n(training->rows + 1, sizeof *rows);
    for (size_t i = 0; i < training->rows; i++) rows[i] = i;
    bool ok = an__recipe_threshold(training, rows, training->rows, r, seed, job, &m->threshold, err);
    free(rows);
    return ok;
}

static json_t *train_run(const an_step_context *c, const void *options, an_error *err)
{
    const train_options *o = options;
    an_recipe r = { .ratio = o->ratio, .folds = 3, .threshold = o->threshold };
    an_parts p = { 0 };
    an_table *training = NULL;
    an_model *m = NULL;
    json_t *model_set = NULL, *balance_set = NULL, *result = NULL;
    const an_hash *ready = an__need(c, "training");
    r.model = an_predictor_kind_find(o->model, err);
    r.balance = r.model ? an_balance_kind_find(o->balance, err) : NULL;
    bool ok = r.balance && (!o->threshold || an__threshold_rule(o->threshold, err)) &&
              an__costs(c->store, o->cost_escape, o->cost_reject, o->cost_test, &r.costs, err);
    if (ok && !r.threshold && !strcmp(r.balance->name, "threshold")) r.threshold = "f2";
    if (ok) {
        const char *kinds[] = { r.model->name, r.balance->generator ? r.balance->generator : r.balance->name };
        ok = an__set_check(&o->set, kinds, AN_COUNT(kinds), err);
        an_list plain = { 0 }; /* --set without a prefix is the model's */
        for (size_t i = 0; ok && i < o->set.count; i++) {
            const char *dot = strchr(o->set.items[i], '.'), *equals = strchr(o->set.items[i], '=');
            if (dot && (!equals || dot < equals)) an_list_add(&plain, o->set.items[i]);
        }
        model_set = ok ? an__set_for(&o->set, r.model->name, err) : NULL;
        balance_set = model_set ? an__set_for(&plain, kinds[1], err) : NULL;
        an_list_free(&plain);
        ok = balance_set != NULL;
        r.model_options = model_set;
        r.balance_options = json_object_size(balance_set) ? balance_set : NULL;
    }
    if (ok) ok = an__parts_open(c->store, an__need(c, "data"), an__need(c, "split"), &p, err);
    double start = an_clock_s();
    uint64_t seed = an_job_seed(c->job);
    if (ok && ready) {
        if (strcmp(r.balance->name, "none") && strcmp(r.balance->name, "threshold")) {
            an_fail(err, AN_USAGE, "a balance step came before: 'balance: %s' would balance twice", r.balance->name);
            an_hint(err, "leave one of them out");
            ok = false;
        }
        if (ok) training = an__table_get(c->store, ready, err);
        if (training) m = an_model_fit(training, r.model, r.model_options, NULL, c->job, err);
        if (m) {
            bool generated = training->origin_count > 0;
            free(m->balance);
            m->balance = an_strdup(generated ? "generated rows" : "none");
            m->calibrated = !generated;
            m->seed = seed;
            m->threshold = (an_threshold){ .value = 0.5, .rule = "0.5", .achieved = NAN };
        }
    } else if (ok) {
        an_job_stage(c->job, "training");
        m = an__recipe_fit(p.table, p.split.train, p.split.train_count, &r, seed, c->job, err);
    }
    if (m) {
        m->data = p.data;
        an_hash address;
        ok = check_unseen(m, &p, err) && choose_threshold(m, &p, training, &r, seed, c->job, err);
        double seconds = an_clock_s() - start;
        if (ok) ok = model_put(c->store, m, &address, err);
        if (ok) {
            an__value_set(c->outputs, "model", &address);
            result = json_pack("{s:s, s:s, s:o, s:{s:o, s:s}, s:b, s:f, s:I, s:o}", "model", r.model->name, "balance", m->balance, "params",
                               an_params_json(r.model->params, m->predictor->options), "threshold", "value",
                               an_json_real(m->threshold.value), "rule", m->threshold.rule, "calibrated", m->calibrated, "train_s", seconds,
                               "train_rows", (json_int_t)m->train_count, "id", an__hash_json(&address));
        }
    }
    an_model_free(m);
    an_table_free(training);
    an__parts_free(&p);
    json_decref(model_set);
    json_decref(balance_set);
    return result;
}

const an_step_kind an__step_train = {
    .name = "train",
    .doc = "fit preparation and model on the training part, choose the threshold on out-of-fold scores",
    .params = train_params,
    .options_size = sizeof(train_options),
    .inputs = { { "data", false }, { "split", false }, { "training", true } },
    .outputs = { { "model", false } },
    .fingerprint = train_fingerprint,
    .run = train_run,
};

/* ---- evaluate ------------------------------------------------------------------------------------------------------------------------ */

typedef struct evaluate_options {
    double cost_escape, cost_reject, cost_test;
} evaluate_options;

static const an_param evaluate_params[] = {
    AN_REAL(evaluate_options, cost_escape, NAN, 0, 1e12, "cost of an escaped part (default: andon.yaml)"),
    AN_REAL(evaluate_options, cost_reject, NAN, 0, 1e12, "cost of a good part rejected"),
    AN_REAL(evaluate_options, cost_test, NAN, 0, 1e12, "cost of the end-of-line test"),
    AN_PARAM_END,
};

/* andon.yaml's costs decide the result too. */
static bool evaluate_fingerprint(const an_step_context *c, const void *options, an_buf *text, an_error *err)
{
    const evaluate_options *o = options;
    an_costs costs;
    if (!an__costs(c->store, o->cost_escape, o->cost_reject, o->cost_test, &costs, err)) return false;
    an_buf_printf(text, "%.17g %.17g %.17g %s", costs.escape, costs.reject, costs.test, costs.currency);
    return true;
}

static json_t *evaluate_run(const an_step_context *c, const void *options, an_error *err)
{
    const evaluate_options *o = options;
    an_parts p = { 0 };
    an_costs costs;
    json_t *result = NULL;
    an_model *m = model_get(c->store, an__need(c, "model"), err);
    if (m && an__costs(c->store, o->cost_escape, o->cost_reject, o->cost_test, &costs, err) &&
        an__parts_open(c->store, an__need(c, "data"), an__need(c, "split"), &p, err) && check_unseen(m, &p, err))
        result = an__evaluation(m, p.table, p.split.test, p.split.test_count, &costs, an_job_seed(c->job), c->job, err);
    if (result) {
        an_hash address;
        an_artifact *a = an_artifact_stage(c->store, err);
        bool ok = a && an_artifact_write_json(a, "evaluation.json", result, err);
        if (ok)
            ok = an_artifact_put(c->store, a, "evaluation", &address, err);
        else
            an_artifact_discard(a);
        if (ok)
            an__value_set(c->outputs, "evaluation", &address);
        else
            json_decref(result), result = NULL;
    }
    an_model_free(m);
    an__parts_free(&p);
    return result;
}

const an_step_kind an__step_evaluate = {
    .name = "evaluate",
    .doc = "metrics with intervals on the untouched test part",
    .params = evaluate_params,
    .options_size = sizeof(evaluate_options),
    .inputs = { { "data", false }, { "split", false }, { "model", false } },
    .outputs = { { "evaluation", false } },
    .fingerprint = evaluate_fingerprint,
    .run = evaluate_run,
};

/* ---- register ------------------------------------------------------------------------------------------------------------------------ */

typedef struct register_options {
    char *what, *name;
} register_options;

static const an_param register_params[] = {
    AN_CHOICE(register_options, what, "model", "model|generator", "what is registered"),
    AN_TEXT(register_options, name, NULL, "name it gets; an equal newest version is kept, nothing new is made"),
    AN_PARAM_END,
};

static json_t *read_artifact_json(an_store *s, const an_hash *address, const char *file)
{
    if (!address) return NULL;
    an_artifact *a = an_artifact_get(s, address, NULL);
    json_t *j = a ? an_artifact_read_json(a, file, NULL) : NULL;
    an_artifact_free(a);
    return j;
}

/* Small facts for listings. */
static json_t *meta_of(const an_step_context *c, bool model)
{
    json_t *meta = json_object();
    json_t *full =
        read_artifact_json(c->store, an__need(c, model ? "evaluation" : "judgement"), model ? "evaluation.json" : "judgement.json");
    json_t *own = read_artifact_json(c->store, an__need(c, model ? "model" : "generator"), model ? "model.json" : "generator.json");
    char hex[65];
    static const char *const model_keys[] = { "metrics", "confusion", "threshold",    "balance",        "calibrated",
                                              "rows",    "positives", "escape_upper", "interval_units", "costs" };
    for (size_t i = 0; model && i < AN_COUNT(model_keys); i++)
        if (json_object_get(full, model_keys[i])) json_object_set(meta, model_keys[i], json_object_get(full, model_keys[i]));
    if (!model && full) json_object_set(meta, "scores", json_object_get(full, "scores"));
    const char *links[] = { "data", "split", model ? "evaluation" : "judgement" };
    for (size_t i = 0; i < AN_COUNT(links); i++) {
        const an_hash *h = an__need(c, links[i]);
        if (!h) continue;
        an_hash_hex(h, hex);
        json_object_set_new(meta, links[i], json_string(hex));
    }
    const char *method = an_json_string(model ? json_object_get(own, "predictor") : own, "kind", NULL);
    if (method) json_object_set_new(meta, "method", json_string(method));
    json_decref(own);
    json_decref(full);
    return meta;
}

static json_t *register_run(const an_step_context *c, const void *options, an_error *err)
{
    const register_options *o = options;
    bool model = !strcmp(o->what, "model");
    const an_hash *address = an__need(c, o->what);
    if (!address) {
        an_fail(err, AN_USAGE, "there is no %s to register: no step before this one makes one", o->what);
        return NULL;
    }
    if (!o->name) {
        an_fail(err, AN_USAGE, "register needs a name (set: {name: NAME})");
        return NULL;
    }
    if (!an_name_check(o->what, o->name, err)) return NULL;
    json_t *meta = meta_of(c, model), *result = NULL;
    int64_t version = 0;
    bool existed = false;
    if (an_version_add(c->store, model ? AN_NAME_MODEL : AN_NAME_GENERATOR, o->name, address, c->run, meta, &version, &existed, err))
        result = json_pack("{s:s, s:s, s:I, s:b, s:o}", "what", o->what, "name", o->name, "version", (json_int_t)version, "existed",
                           existed, "id", an__hash_json(address));
    json_decref(meta);
    return result;
}

const an_step_kind an__step_register = {
    .name = "register",
    .doc = "give a model or generator the next version of a name",
    .params = register_params,
    .options_size = sizeof(register_options),
    .inputs = { { "model", true },
                { "generator", true },
                { "evaluation", true },
                { "judgement", true },
                { "data", true },
                { "split", true } },
    .run = register_run,
};
