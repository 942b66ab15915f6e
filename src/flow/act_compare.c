/* act_compare.c - the command that decides between models and balancings. */
#include "flow/acts.h"
#include "flow/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct compare_options {
    char *data, *threshold;
    an_list models, balance, set;
    int64_t repeats, folds;
    double share, ratio, cost_escape, cost_reject, cost_test;
} compare_options;

static const an_param params[] = {
    AN_TEXT(compare_options, data, NULL, "data set"),
    AN_LIST(compare_options, models, "logistic", "kinds of model"),
    AN_LIST(compare_options, balance, "none,threshold,weights,random,smote,wgan", "balancings, shown in the order of simplicity"),
    AN_INT(compare_options, repeats, 10, 1, 200, "splits, the same for every combination"),
    AN_INT(compare_options, folds, 3, 2, 10, "inner folds for out-of-fold scores"),
    AN_TEXT(compare_options, threshold, "f2", "rule of the moved threshold: f1 f2 recall=R recall>=R@95% rejects<=S cost"),
    AN_REAL(compare_options, share, 0.25, 0.05, 0.5, "share of the test part"),
    AN_REAL(compare_options, ratio, 1, 0.01, 10, "rarer to other class after balancing"),
    AN_REAL(compare_options, cost_escape, NAN, 0, 1e12, "cost of an escaped part (default: andon.yaml)"),
    AN_REAL(compare_options, cost_reject, NAN, 0, 1e12, "cost of a good part rejected"),
    AN_REAL(compare_options, cost_test, NAN, 0, 1e12, "cost of the end-of-line test"),
    AN_LIST(compare_options, set, NULL, "parameters: --set wgan.width=256 --set logistic.c=0.1"),
    AN_PARAM_END,
};

static bool choose_kinds(const compare_options *o, an_comparison *c, an_error *err)
{
    if (o->models.count > AN_COMPARE_MAX || o->balance.count > AN_COMPARE_MAX)
        return an_fail(err, AN_USAGE, "at most %d models and balancings", AN_COMPARE_MAX);
    const char *names[2 * AN_COMPARE_MAX];
    size_t named = 0;
    for (size_t i = 0; i < o->models.count; i++) {
        if (!(c->model[c->models] = an_predictor_kind_find(o->models.items[i], err))) return false;
        names[named++] = c->model[c->models++]->name;
    }
    for (size_t i = 0; i < o->balance.count; i++)
        if (!an_balance_kind_find(o->balance.items[i], err)) return false;
    size_t count;
    const an_balance_kind *all = an_balance_kinds(&count);
    for (size_t i = 0; i < count; i++)
        if (an_list_has(&o->balance, all[i].name)) {
            c->balance[c->balances++] = &all[i];
            names[named++] = all[i].name;
        }
    if (!c->models || !c->balances) return an_fail(err, AN_USAGE, "compare needs at least one model and one balancing");
    if (!an__set_check(&o->set, names, named, err)) return false;
    for (size_t i = 0; i < o->set.count; i++)
        if (!strchr(o->set.items[i], '.')) {
            an_fail(err, AN_USAGE, "--set %s: of which model or balancing?", o->set.items[i]);
            return an_hint(err, "write --set wgan.%s, for example", o->set.items[i]);
        }
    for (int m = 0; m < c->models; m++)
        if (!(c->model_options[m] = an__set_for(&o->set, c->model[m]->name, err))) return false;
    for (int b = 0; b < c->balances; b++)
        if (!(c->balance_options[b] = an__set_for(&o->set, c->balance[b]->name, err))) return false;
    return true;
}

static json_t *recorded(an_store *s, const compare_options *o, an_comparison *c, const an_version_row *row, an_job *job, an_error *err)
{
    json_t *p = an_params_json(params, o);
    char hex[65], key[65], *text;
    an_hash_hex(&row->address, hex);
    json_t *what = json_pack("{s:s, s:O, s:I, s:s, s:s, s:f, s:f, s:f}", "data", hex, "params", p, "seed", (json_int_t)c->seed, "code",
                             an_code_version(), "cpu", an_cpu_path(), "escape", isnan(c->costs.escape) ? -1 : c->costs.escape, "reject",
                             isnan(c->costs.reject) ? -1 : c->costs.reject, "test", isnan(c->costs.test) ? -1 : c->costs.test);
    text = an_json_text(what, false);
    an_hash h;
    an_hash_bytes(text, strlen(text), &h);
    an_hash_hex(&h, key);
    free(text);
    json_decref(what);

    json_t *result = NULL;
    bool found = false;
    an_run_row cached = { 0 };
    if (!an_job_fresh(job) && an_run_cached(s, "compare", key, &found, &cached, NULL) && found) {
        result = json_incref(cached.result);
        an_run_row_free(&cached);
        json_decref(p);
        return result;
    }
    char *run = an_run_begin(s, "compare", o->data, NULL, key, p, c->seed, err);
    if (run && an_run_artifact(s, run, AN_EDGE_IN, "data", &row->address, err)) {
        an_job_stage(job, "comparing");
        double start = an_clock_s();
        result = an__compare(c, job, err);
        if (result) {
            json_object_set_new(result, "data", json_string(row->name));
            json_object_set_new(result, "version", json_integer(row->version));
            json_object_set_new(result, "seconds", json_real(an_clock_s() - start));
        }
        const char *state = result ? "done" : err && err->code == AN_STOPPED ? "stopped" : "failed";
        if (!an_run_end(s, run, state, result, result ? NULL : err, result ? err : NULL)) json_decref(result), result = NULL;
    }
    free(run);
    json_decref(p);
    return result;
}

/* The generator of rows that came with the data may have seen any row that a repeat tests on. Takes t. */
static an_table *real_rows(an_table *t, an_job *job, an_error *err)
{
    size_t *rows = an_alloc_n(t->rows + 1, sizeof *rows), n = 0;
    for (size_t i = 0; i < t->rows; i++)
        if (!an_table_generated(t, i)) rows[n++] = i;
    an_table *real = t;
    if (n < t->rows) {
        an_job_say(job, "%zu generated rows are left out: their generator may have seen rows that are tested on", t->rows - n);
        real = an_table_select(t, rows, n, err);
        an_table_free(t);
    }
    free(rows);
    return real;
}

static json_t *compare_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    const compare_options *o = options;
    if (!o->data) {
        an_fail(err, AN_USAGE, "which data set? --data NAME");
        an_hint(err, "'andon data list' shows them");
        return NULL;
    }
    an_version_row row = { 0 };
    an_comparison c = { .repeats = (int)o->repeats,
                        .folds = (int)o->folds,
                        .share = o->share,
                        .ratio = o->ratio,
                        .rule = o->threshold,
                        .seed = an_job_seed(job) };
    json_t *result = NULL;
    an_table *t = NULL;
    char *cache = an_format("%s/.andon/cache/scores", an_store_folder(s));
    if (an__threshold_rule(o->threshold, err) && choose_kinds(o, &c, err) &&
        an__costs(s, o->cost_escape, o->cost_reject, o->cost_test, &c.costs, err))
        t = an__data_get(s, o->data, &row, err);
    if (t) t = real_rows(t, job, err);
    if (t) {
        c.table = t;
        c.data = &row.address;
        c.cache = an_job_fresh(job) ? NULL : cache;
        result = recorded(s, o, &c, &row, job, err);
        if (!result && err && err->code == AN_STOPPED && !*err->hint) an_hint(err, "the same command goes on: finished fits are kept");
        if (json_is_true(json_object_get(result, "time_ignored")))
            an_job_say(job,
                       "note: the repeats are random splits; this data has a time column (%s), so what is recommended was tried on the "
                       "newest rows too",
                       an__time_of(t)->name);
    }
    for (int i = 0; i < AN_COMPARE_MAX; i++) {
        json_decref(c.model_options[i]);
        json_decref(c.balance_options[i]);
    }
    free(cache);
    an_table_free(t);
    an_version_row_free(&row);
    return result;
}

const an_act an__act_compare = {
    .name = "compare",
    .doc = "the same splits for every model and balancing, with a verdict",
    .more = "Every combination is trained on the same repeated splits, balancing refitted inside each training part and each inner fold. "
            "Rows are shown at the threshold 0.5 and at a\n"
            "threshold chosen on out-of-fold scores. Intervals are corrected for overlapping training parts (Nadeau and Bengio). The "
            "verdict: by expected cost where costs are given, else by\n"
            "F2 at the moved thresholds; of those not worse beyond noise the simplest, in the order of the list. Where the data has a time "
            "column the winner is tried on\n"
            "the newest rows too, and not recommended where it fails there. Interrupted, the same command goes on where it stopped.",
    .examples = { "andon compare --data press --balance none,threshold,smote,wgan --repeats 10",
                  "andon compare --data press --cost-escape 400 --cost-reject 12 --json" },
    .params = params,
    .options_size = sizeof(compare_options),
    .run = compare_run,
};
