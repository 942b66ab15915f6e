/* step_synth.c - the steps around a generator: fit, take the newest, sample, filter, judge. */
#include "flow/steps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static an_generator *generator_get(const an_step_context *c, an_error *err)
{
    an_artifact *a = an_artifact_get(c->store, an__need(c, "generator"), err);
    an_generator *g = a ? an_generator_load(a, err) : NULL;
    an_artifact_free(a);
    return g;
}

/* What provenance calls a generator: its registered name, else the start of its address. */
static char *generator_name(an_store *s, const an_hash *address)
{
    an_version_row row = { 0 };
    char hex[65];
    an_hash_hex(address, hex);
    if (!an_version_by_address(s, address, &row, NULL)) return an_format("generator %.12s", hex);
    char *name = an_format("%s/%lld", row.name, (long long)row.version);
    an_version_row_free(&row);
    return name;
}

static void count_classes(const an_table *t, const an_split *split, size_t *majority, size_t *minority)
{
    uint8_t *label = an_alloc_n(t->rows + 1, 1);
    *majority = *minority = 0;
    if (an_table_labels_known(t, label, NULL))
        for (size_t i = 0; i < split->train_count; i++) *(label[split->train[i]] ? minority : majority) += 1;
    free(label);
}

/* Rows that make the training part 1:1. */
static size_t rows_wanted(const an_parts *p)
{
    size_t majority, minority;
    count_classes(p->table, &p->split, &majority, &minority);
    return majority > minority ? majority - minority : 0;
}

/* ---- synth-fit ---------------------------------------------------------------------------------------------------------------- */

typedef struct fit_options {
    char *method;
    an_list set;
} fit_options;

static const an_param fit_params[] = {
    AN_TEXT(fit_options, method, "wgan", "kind of generator: 'andon synth list' names them"),
    AN_LIST(fit_options, set, NULL, "parameters of the generator: width=256 or wgan.width=256"),
    AN_PARAM_END,
};

static json_t *fit_run(const an_step_context *c, const void *options, an_error *err)
{
    const fit_options *o = options;
    const an_generator_kind *kind = an_generator_kind_find(o->method, err);
    json_t *set = kind ? an__set_for(&o->set, kind->name, err) : NULL, *result = NULL;
    an_parts p = { 0 };
    an_table *train = NULL;
    if (set && an__parts_open(c->store, an__need(c, "data"), an__need(c, "split"), &p, err))
        train = an_table_select(p.table, p.split.train, p.split.train_count, err);
    double start = an_clock_s();
    an_generator *g = train ? an_generator_fit(kind, set, train, c->job, err) : NULL;
    double seconds = an_clock_s() - start;
    if (g) {
        g->data = p.data;
        an_hash address;
        an_artifact *a = an_generator_check_unseen(g, p.test.key, p.test.count, err) ? an_artifact_stage(c->store, err) : NULL;
        bool ok = a && an_generator_save(g, a, err);
        if (ok)
            ok = an_artifact_put(c->store, a, "generator", &address, err);
        else
            an_artifact_discard(a);
        if (ok) {
            an__value_set(c->outputs, "generator", &address);
            result = json_pack("{s:s, s:s, s:o, s:I, s:f, s:O?, s:s, s:I, s:o}", "method", kind->name, "rows",
                               g->rows ? g->rows : "minority", "params", an_params_json(kind->params, g->options), "steps",
                               (json_int_t)g->steps, "train_s", seconds, "scores", g->scores, "target", g->target ? g->target : "",
                               "train_rows", (json_int_t)g->train_count, "id", an__hash_json(&address));
        }
    }
    an_generator_free(g);
    an_table_free(train);
    an__parts_free(&p);
    json_decref(set);
    return result;
}

const an_step_kind an__step_synth_fit = {
    .name = "synth-fit",
    .doc = "train a generator on the training part",
    .params = fit_params,
    .options_size = sizeof(fit_options),
    .inputs = { { "data", false }, { "split", false } },
    .outputs = { { "generator", false } },
    .run = fit_run,
};

/* ---- newest-generator -------------------------------------------------------------------------------------------------------------- */

typedef struct newest_options {
    char *name;
} newest_options;

static const an_param newest_params[] = {
    AN_TEXT(newest_options, name, NULL, "registered name of the generator: its approved version, else the newest; NAME/3 the third"),
    AN_PARAM_END,
};

/* The approved version where somebody approved one, else the newest of all. */
static bool newest(const an_step_context *c, const void *options, an_version_row *row, an_error *err)
{
    const newest_options *o = options;
    if (!o->name) return an_fail(err, AN_USAGE, "newest-generator needs a name (set: {name: GENERATOR})");
    if (!strpbrk(o->name, "/@")) {
        char *approved = an_format("%s@approved", o->name);
        bool found = an_version_get(c->store, AN_NAME_GENERATOR, approved, row, NULL);
        free(approved);
        if (found) return true;
    }
    return an_version_get(c->store, AN_NAME_GENERATOR, o->name, row, err);
}

static bool newest_fingerprint(const an_step_context *c, const void *options, an_buf *text, an_error *err)
{
    an_version_row row = { 0 };
    if (!newest(c, options, &row, err)) return false;
    char hex[65];
    an_hash_hex(&row.address, hex);
    an_buf_puts(text, hex);
    an_version_row_free(&row);
    return true;
}

static json_t *newest_run(const an_step_context *c, const void *options, an_error *err)
{
    an_version_row row = { 0 };
    if (!newest(c, options, &row, err)) return NULL;
    json_t *result = NULL;
    an_artifact *a = an_artifact_get(c->store, &row.address, err);
    an_generator *g = a ? an_generator_load(a, err) : NULL;
    bool ok = g != NULL;
    const an_hash *split = an__need(c, "split");
    if (ok && split) {
        an_artifact *sa = an_artifact_get(c->store, split, err);
        an_keys test = { 0 };
        ok = sa && an__keys_read(sa, "test.keys", &test, err);
        if (ok && !an_generator_check_unseen(g, test.key, test.count, err))
            ok = an_context(err, "generator %s/%lld", row.name, (long long)row.version);
        an__keys_free(&test);
        an_artifact_free(sa);
    }
    if (ok) {
        an__value_set(c->outputs, "generator", &row.address);
        result = json_pack("{s:s, s:I, s:s, s:o}", "name", row.name, "version", (json_int_t)row.version, "method", g->kind->name, "id",
                           an__hash_json(&row.address));
    }
    an_generator_free(g);
    an_artifact_free(a);
    an_version_row_free(&row);
    return result;
}

const an_step_kind an__step_newest_generator = {
    .name = "newest-generator",
    .doc = "take the newest approved generator from the registry (the newest of all until one is approved); refuses one that was fitted on "
           "rows of the test part",
    .params = newest_params,
    .options_size = sizeof(newest_options),
    .inputs = { { "split", false } },
    .outputs = { { "generator", false } },
    .fingerprint = newest_fingerprint,
    .run = newest_run,
};

/* ---- synth-sample ------------------------------------------------------------------------------------------------------------------- */

typedef struct sample_options {
    int64_t rows;
    double times;
} sample_options;

static const an_param sample_params[] = {
    AN_INT(sample_options, rows, 0, 0, 1e9, "rows to draw; 0: as many as `times` says"),
    AN_REAL(sample_options, times, 10, 0.01, 1000, "rows to draw as a multiple of the rows that make the training part 1:1"),
    AN_PARAM_END,
};

static json_t *sample_run(const an_step_context *c, const void *options, an_error *err)
{
    const sample_options *o = options;
    an_parts p = { 0 };
    an_generator *g = generator_get(c, err);
    json_t *result = NULL;
    an_table *rows = NULL;
    size_t n = (size_t)o->rows;
    char *name = generator_name(c->store, an__need(c, "generator"));
    if (g && an__parts_open(c->store, an__need(c, "data"), an__need(c, "split"), &p, err) &&
        an_generator_check_unseen(g, p.test.key, p.test.count, err)) {
        if (!n) n = (size_t)ceil(o->times * (double)rows_wanted(&p));
        rows = an_generator_sample(g, name, an_job_seed(c->job), 0, n, c->job, err);
    }
    an_hash address;
    if (rows && an__table_put(c->store, rows, "rows", &address, err)) {
        an__value_set(c->outputs, "rows", &address);
        result = json_pack("{s:s, s:I, s:o}", "generator", name, "rows", (json_int_t)rows->rows, "id", an__hash_json(&address));
    }
    free(name);
    an_table_free(rows);
    an_generator_free(g);
    an__parts_free(&p);
    return result;
}

const an_step_kind an__step_synth_sample = {
    .name = "synth-sample",
    .doc = "draw rows from the generator, marked as generated",
    .params = sample_params,
    .options_size = sizeof(sample_options),
    .inputs = { { "data", false }, { "split", false }, { "generator", false } },
    .outputs = { { "rows", false } },
    .run = sample_run,
};

/* ---- filter -------------------------------------------------------------------------------------------------------------------------- */

static json_t *filter_run(const an_step_context *c, const void *options, an_error *err)
{
    an_parts p = { 0 };
    an_table *drawn = an__table_get(c->store, an__need(c, "rows"), err), *train = NULL, *kept = NULL;
    json_t *report = NULL, *result = NULL;
    if (drawn && an__parts_open(c->store, an__need(c, "data"), an__need(c, "split"), &p, err))
        train = an_table_select(p.table, p.split.train, p.split.train_count, err);
    if (train) kept = an_filter_rows(drawn, train, options, rows_wanted(&p), &report, c->job, err);
    an_hash address;
    if (kept && an__table_put(c->store, kept, "rows", &address, err)) {
        an__value_set(c->outputs, "rows", &address);
        result = json_pack("{s:I, s:O?, s:o}", "rows", (json_int_t)kept->rows, "filter", report, "id", an__hash_json(&address));
        const char *note = an_json_string(report, "note", NULL);
        if (note && *note) an_job_say(c->job, "filter: %s", note);
    }
    json_decref(report);
    an_table_free(kept);
    an_table_free(train);
    an_table_free(drawn);
    an__parts_free(&p);
    return result;
}

const an_step_kind an__step_filter = {
    .name = "filter",
    .doc = "keep the generated rows near the centroid of the rarer class (the minority filter)",
    .params = an_filter_params,
    .options_size = sizeof(an_filter_options),
    .inputs = { { "data", false }, { "split", false }, { "rows", false } },
    .outputs = { { "rows", false } },
    .run = filter_run,
};

/* ---- judge --------------------------------------------------------------------------------------------------------------------------- */

/* The real training rows; with `rare` those that the generator's should look like: of the rarer class where it delivers that class only. */
static an_table *train_rows(const an_generator *g, const an_parts *p, bool rare, an_error *err)
{
    const an_column *y = rare && (g->kind->minority || g->kind->filtered) && g->target ? an_table_find(p->table, g->target) : NULL;
    size_t *rows = an_alloc_n(p->split.train_count + 1, sizeof *rows), n = 0;
    an_buf cell = { 0 };
    for (size_t i = 0; i < p->split.train_count; i++) {
        if (an_table_generated(p->table, p->split.train[i])) continue;
        an_buf_clear(&cell);
        if (y) an_cell_text(y, p->split.train[i], &cell);
        if (!y || !strcmp(cell.data ? cell.data : "", g->positive ? g->positive : "")) rows[n++] = p->split.train[i];
    }
    an_table *real = an_table_select(p->table, rows, n, err);
    an_buf_free(&cell);
    free(rows);
    return real;
}

/* What balancing would be given: rows as drawn, or those that pass the minority filter where the method has one (*filter: its report). */
static an_table *delivered(const an_generator *g, const char *name, const an_parts *p, size_t n, json_t **filter, an_job *job,
                           an_error *err)
{
    uint64_t seed = an_seed_derive(an_job_seed(job), "judge", 0);
    if (!g->kind->filtered) return an_generator_sample(g, name, seed, 0, n, job, err);
    an_filter_options o = { 0 };
    an_params_defaults(an_filter_params, &o);
    an_table *train = an_table_select(p->table, p->split.train, p->split.train_count, err),
             *rows = train ? an_filter_sample(g, name, train, &o, n, seed, filter, job, err) : NULL;
    if (rows && rows->rows == 0) {
        an_fail(err, AN_INPUT, "%s delivers no rows: none of %.0f drawn passes the minority filter", name,
                an_json_number(json_object_get(*filter, "drawn"), 0));
        an_hint(err, "train it longer, or take --method wgan, which needs no filter");
        an_table_free(rows);
        rows = NULL;
    }
    an_table_free(train);
    an_params_free(an_filter_params, &o);
    return rows;
}

static json_t *judge_run(const an_step_context *c, const void *options, an_error *err)
{
    const an_judge_options *o = options;
    an_parts p = { 0 };
    an_generator *g = generator_get(c, err);
    an_table *real = NULL, *made = NULL, *holdout = NULL;
    json_t *judgement = NULL, *result = NULL, *filter = NULL;
    bool ok = g && an__parts_open(c->store, an__need(c, "data"), an__need(c, "split"), &p, err) &&
              an_generator_check_unseen(g, p.test.key, p.test.count, err);
    if (ok) real = train_rows(g, &p, true, err);
    if (real) holdout = an_table_select(p.table, p.split.test, p.split.test_count, err);
    char *name = generator_name(c->store, an__need(c, "generator"));
    if (holdout) made = delivered(g, name, &p, o->rows ? (size_t)o->rows : real->rows, &filter, c->job, err);
    an_table *around = made ? train_rows(g, &p, false, err) : NULL;
    an_judge_options with = *o;
    with.around = around;
    if (around) judgement = an_judge(real, made, g, holdout, &with, c->job, err);
    if (judgement) {
        json_object_set_new(judgement, "generator", json_string(name));
        json_object_set_new(judgement, "method", json_string(g->kind->name));
        json_object_set(judgement, "history", g->history);
        if (filter) json_object_set(judgement, "filter", filter);
        an_hash address;
        an_artifact *a = an_artifact_stage(c->store, err);
        json_t *content = json_deep_copy(judgement); /* times are of this run, and stay in its record */
        json_object_del(json_object_get(content, "scores"), "sample_1k_s");
        json_object_del(json_object_get(content, "scores"), "sample_10k_s");
        ok = a && an_artifact_write_json(a, "judgement.json", content, err);
        json_decref(content);
        if (ok)
            ok = an_artifact_put(c->store, a, "judgement", &address, err);
        else
            an_artifact_discard(a);
        if (ok) {
            an__value_set(c->outputs, "judgement", &address);
            result = json_incref(judgement);
        }
    }
    json_decref(judgement);
    json_decref(filter);
    free(name);
    an_table_free(made);
    an_table_free(around);
    an_table_free(holdout);
    an_table_free(real);
    an_generator_free(g);
    an__parts_free(&p);
    return result;
}

const an_step_kind an__step_judge = {
    .name = "judge",
    .doc = "fidelity of a generator beside a floor and a ceiling",
    .params = an_judge_params,
    .options_size = sizeof(an_judge_options),
    .inputs = { { "data", false }, { "split", false }, { "generator", false } },
    .outputs = { { "judgement", false } },
    .run = judge_run,
};
