/* act_synth.c - synth fit, judge, compare, list, show. Rows and files of a generator: act_synth_rows.c. */
#include "flow/act_synth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Data and its split as input values of further steps. */
static bool data_values(an_store *s, const char *reference, an_flow_values *v, an_job *job, an_error *err)
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

bool an__generator_value(an_store *s, const char *reference, an_flow_values *v, an_version_row *row, an_error *err)
{
    an_version_row local = { 0 };
    if (!reference) {
        an_fail(err, AN_USAGE, "which generator? --generator NAME");
        return an_hint(err, "'andon synth list' shows them");
    }
    if (!an_version_get(s, AN_NAME_GENERATOR, reference, &local, err)) return false;
    an__value_set(v, "generator", &local.address);
    if (row)
        *row = local;
    else
        an_version_row_free(&local);
    return true;
}

bool an__generator_data(an_store *s, const char *data, const an_version_row *g, an_flow_values *v, an_job *job, an_error *err)
{
    if (data) return data_values(s, data, v, job, err);
    const char *d = an_json_string(g->meta, "data", NULL), *p = an_json_string(g->meta, "split", NULL);
    an_hash hd, hp;
    if (!d || !p || !an_hash_parse(d, &hd) || !an_hash_parse(p, &hp))
        return an_fail(err, AN_USAGE, "%s does not say what it was fitted on: give --data NAME", g->name);
    an__value_set(v, "data", &hd);
    an__value_set(v, "split", &hp);
    return true;
}

/* ---- fit ----------------------------------------------------------------------------------------------------------------------- */

typedef struct fit_options {
    char *name, *data, *method, *rows;
    an_list set;
} fit_options;

static const an_param fit_params[] = {
    AN_TEXT(fit_options, name, NULL, "name of the generator"),
    AN_TEXT(fit_options, data, NULL, "data set: NAME is the newest version"),
    AN_TEXT(fit_options, method, "wgan",
            "random smote borderline1 borderline2 adasyn smote-nc wgan wgan-filter ('andon synth show METHOD' lists its parameters)"),
    AN_CHOICE(fit_options, rows, "auto", "auto|all|minority", "rows it is trained on; auto: the method decides"),
    AN_LIST(fit_options, set, NULL, "a parameter of the method: --set width=256 or --set wgan.width=256; repeat it, or join by commas"),
    AN_PARAM_END,
};

static json_t *fit_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    const fit_options *o = options;
    const an_generator_kind *kind = an_generator_kind_find(o->method, err);
    if (!kind || !an__set_check(&o->set, &kind->name, 1, err)) return NULL;
    /* wgan on all rows is wgan-filter, and the other way round: find the sibling that trains on these rows */
    if (strcmp(o->rows, "auto")) {
        bool minority = !strcmp(o->rows, "minority");
        size_t count;
        const an_generator_kind *const *kinds = an_generator_kinds(&count), *wanted = kind->minority == minority ? kind : NULL;
        for (size_t i = 0; i < count && !wanted; i++)
            if (kinds[i]->params == kind->params && kinds[i]->minority == minority) wanted = kinds[i];
        if (!wanted) {
            an_fail(err, AN_USAGE, "%s trains on %s rows only", kind->name, kind->minority ? "minority" : "all");
            an_hint(err, "leave --rows out, or take another method");
            return NULL;
        }
        kind = wanted;
    }
    an_flow_values v = { 0 };
    json_t *fit = NULL, *named = NULL, *set = json_array();
    for (size_t i = 0; i < o->set.count; i++) { /* the prefix may be the sibling's name */
        const char *item = o->set.items[i], *dot = strchr(item, '.'), *equals = strchr(item, '=');
        json_array_append_new(set, json_string(dot && equals && dot < equals ? dot + 1 : item));
    }
    if (data_values(s, o->data, &v, job, err)) {
        an_flow_values in = v;
        fit = an__step_do(s, "synth-fit", json_pack("{s:s, s:O}", "method", kind->name, "set", set), &in, &v, NULL, job, err);
    }
    if (fit) named = an__give_name(s, "generator", o->name, &v, job, err);
    if (named) json_object_update(fit, named);
    bool ok = named != NULL;
    json_decref(named);
    json_decref(set);
    if (!ok) json_decref(fit), fit = NULL;
    return fit;
}

const an_act an__act_synth_fit = {
    .name = "synth fit",
    .args = "NAME",
    .doc = "train a generator on the training part of a data set",
    .more = "Ctrl-C leaves a checkpoint; the same command resumes it. The test part is never seen: a generator records the rows it was "
            "fitted on.\n"
            "An equal fit that is finished is not repeated; it gets a new version only where another generator is the newest of this name.",
    .examples = { "andon synth fit press-gan --data press --method wgan",
                  "andon synth fit press-gan --data press --set layers=3,critic_width=256,critic_rate=0.001" },
    .params = fit_params,
    .options_size = sizeof(fit_options),
    .run = fit_run,
};

/* ---- judge ------------------------------------------------------------------------------------------------------------------------ */

typedef struct judge_options {
    char *data, *generator, *synthetic;
    int64_t bins, rows;
} judge_options;

static const an_param judge_params[] = {
    AN_TEXT(judge_options, data, NULL, "data set (default: the one the generator was fitted on)"),
    AN_TEXT(judge_options, generator, NULL, "generator to judge: NAME, NAME/3"),
    AN_TEXT(judge_options, synthetic, NULL, "or a CSV file of generated rows, from whatever tool; columns beginning with _ are ignored"),
    AN_INT(judge_options, bins, 20, 2, 1000, "bins of the Jensen-Shannon histograms"),
    AN_INT(judge_options, rows, 0, 0, 1e7, "generated rows to judge; 0: as many as the real ones"),
    AN_PARAM_END,
};

/* A file of generated rows against the whole training part, or against the class it holds. */
static json_t *judge_file(an_store *s, const judge_options *o, an_job *job, an_error *err)
{
    an_flow_values v = { 0 };
    an_parts p = { 0 };
    an_csv_options csv = { 0 };
    an_params_defaults(an_csv_params, &csv);
    json_t *result = NULL;
    an_table *made = NULL, *real = NULL, *holdout = NULL, *around = NULL;
    if (data_values(s, o->data, &v, job, err) && an__parts_open(s, an_flow_value(&v, "data"), an_flow_value(&v, "split"), &p, err))
        made = an__table_file(o->synthetic, &csv, job, err);
    if (made) {
        const an_column *y = an_table_target(p.table, NULL), *own = y ? an_table_find(made, y->name) : NULL;
        an_buf first = { 0 }, cell = { 0 };
        bool single = own && made->rows > 0;
        if (single) an_cell_text(own, 0, &first);
        for (size_t i = 1; single && i < made->rows; i++) {
            an_buf_clear(&cell);
            an_cell_text(own, i, &cell);
            single = !strcmp(cell.data, first.data);
        }
        size_t *rows = an_alloc_n(p.split.train_count + 1, sizeof *rows), n = 0;
        size_t *every = an_alloc_n(p.split.train_count + 1, sizeof *every), m = 0;
        for (size_t i = 0; i < p.split.train_count; i++) {
            bool take = !an_table_generated(p.table, p.split.train[i]);
            if (take) every[m++] = p.split.train[i];
            if (take && single) {
                an_buf_clear(&cell);
                an_cell_text(y, p.split.train[i], &cell);
                take = !strcmp(cell.data, first.data);
            }
            if (take) rows[n++] = p.split.train[i];
        }
        if (!n)
            an_fail(err, AN_INPUT, "%s: %s = %s does not occur in the data", o->synthetic, y->name, first.data);
        else
            real = an_table_select(p.table, rows, n, err);
        if (real) around = an_table_select(p.table, every, m, err);
        free(rows);
        free(every);
        an_buf_free(&first);
        an_buf_free(&cell);
    }
    an_judge_options jo = { .bins = o->bins, .rows = o->rows, .around = around };
    if (around) holdout = an_table_select(p.table, p.split.test, p.split.test_count, err);
    if (holdout) result = an_judge(real, made, NULL, holdout, &jo, job, err);
    an_table_free(made);
    an_table_free(real);
    an_table_free(around);
    an_table_free(holdout);
    an__parts_free(&p);
    an_params_free(an_csv_params, &csv);
    return result;
}

static json_t *judge_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    const judge_options *o = options;
    if (o->synthetic && o->generator) {
        an_fail(err, AN_USAGE, "give --generator or --synthetic, not both");
        return NULL;
    }
    if (o->synthetic) return judge_file(s, o, job, err);
    an_flow_values v = { 0 };
    an_version_row row = { 0 };
    json_t *result = NULL;
    if (an__generator_value(s, o->generator, &v, &row, err) && an__generator_data(s, o->data, &row, &v, job, err))
        result = an__step_do(s, "judge", json_pack("{s:I, s:I}", "bins", (json_int_t)o->bins, "rows", (json_int_t)o->rows), &v, NULL, NULL,
                             job, err);
    an_version_row_free(&row);
    return result;
}

const an_act an__act_synth_judge = {
    .name = "synth judge",
    .doc = "fidelity of generated rows beside a floor and a ceiling",
    .more = "The floor is what independently shuffled columns score, the ceiling what one half of the real rows scores against the other: "
            "a score means something only between them.",
    .examples = { "andon synth judge --generator press-gan", "andon synth judge --data press --synthetic made.csv" },
    .params = judge_params,
    .options_size = sizeof(judge_options),
    .run = judge_run,
};

/* ---- compare ------------------------------------------------------------------------------------------------------------------------- */

typedef struct compare_options {
    char *data;
    an_list methods, set;
} compare_options;

static const an_param compare_params[] = {
    AN_TEXT(compare_options, data, NULL, "data set"),
    AN_LIST(compare_options, methods, "random,smote,wgan", "kinds of generator to fit and judge on the same training part"),
    AN_LIST(compare_options, set, NULL, "parameters: wgan.width=256"),
    AN_PARAM_END,
};

static json_t *compare_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    const compare_options *o = options;
    an_flow_values v = { 0 };
    if (!data_values(s, o->data, &v, job, err) || !an__set_check(&o->set, (const char *const *)o->methods.items, o->methods.count, err))
        return NULL;
    json_t *rows = json_array();
    bool ok = true;
    for (size_t i = 0; ok && i < o->methods.count; i++) {
        const an_generator_kind *kind = an_generator_kind_find(o->methods.items[i], err);
        json_t *set = kind ? an__set_for(&o->set, kind->name, err) : NULL, *fit = NULL, *judged = NULL;
        json_t *items = json_array();
        const char *key;
        json_t *value;
        json_object_foreach(set, key, value) {
            char *text = json_is_string(value) ? an_strdup(json_string_value(value)) : an_json_text(value, false),
                 *item = an_format("%s=%s", key, text);
            json_array_append_new(items, json_string(item));
            free(item);
            free(text);
        }
        an_flow_values in = v, all = v;
        if (set) fit = an__step_do(s, "synth-fit", json_pack("{s:s, s:O}", "method", kind->name, "set", items), &in, &all, NULL, job, err);
        if (fit) judged = an__step_do(s, "judge", json_object(), &all, NULL, NULL, job, err);
        ok = judged != NULL;
        if (ok)
            json_array_append_new(rows, json_pack("{s:s, s:O, s:O, s:O, s:O}", "method", kind->name, "train_s",
                                                  json_object_get(fit, "train_s"), "scores", json_object_get(judged, "scores"), "floor",
                                                  json_object_get(judged, "floor"), "ceiling", json_object_get(judged, "ceiling")));
        json_decref(items);
        json_decref(set);
        json_decref(fit);
        json_decref(judged);
    }
    if (ok) return json_pack("{s:s, s:o}", "data", o->data, "rows", rows);
    json_decref(rows);
    return NULL;
}

const an_act an__act_synth_compare = {
    .name = "synth compare",
    .doc = "fit several generators on the same training part and judge them alike",
    .examples = { "andon synth compare --data press --methods smote,wgan",
                  "andon synth compare --data press --methods wgan --set wgan.width=256" },
    .params = compare_params,
    .options_size = sizeof(compare_options),
    .run = compare_run,
};

/* ---- list, show ---------------------------------------------------------------------------------------------------------------------- */

typedef struct name_options {
    char *name;
} name_options;

static const an_param list_params[] = {
    AN_TEXT(name_options, name, NULL, "only the versions of this generator"),
    AN_PARAM_END,
};

static json_t *list_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)job;
    json_t *j = an__versions_json(s, AN_NAME_GENERATOR, ((const name_options *)options)->name, err);
    if (!j) return NULL;
    size_t count;
    const an_generator_kind *const *kinds = an_generator_kinds(&count);
    json_t *methods = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(methods, json_pack("{s:s, s:s, s:s}", "name", kinds[i]->name, "doc", kinds[i]->doc, "source",
                                                 kinds[i]->source ? kinds[i]->source : ""));
    json_object_set_new(j, "methods", methods);
    return j;
}

const an_act an__act_synth_list = {
    .name = "synth list",
    .args = "[NAME]",
    .doc = "the generators, and the methods there are",
    .examples = { "andon synth list", "andon synth list --json" },
    .params = list_params,
    .options_size = sizeof(name_options),
    .run = list_run,
};

static const an_param show_params[] = {
    AN_TEXT(name_options, name, NULL, "generator (NAME, NAME/3), or a method to see its parameters"),
    AN_PARAM_END,
};

static json_t *method_json(const an_generator_kind *k)
{
    json_t *params = json_array();
    for (const an_param *p = k->params; p->name; p++) {
        char range[160];
        json_array_append_new(params, json_pack("{s:s, s:s, s:s}", "name", p->name, "range", an_param_range_text(p, range), "doc", p->doc));
    }
    return json_pack("{s:s, s:s, s:s, s:o}", "method", k->name, "doc", k->doc, "source", k->source ? k->source : "", "params", params);
}

static json_t *show_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)job;
    const char *name = ((const name_options *)options)->name;
    an_version_row row = { 0 };
    json_t *result = NULL;
    if (!an_version_get(s, AN_NAME_GENERATOR, name, &row, err)) {
        const an_generator_kind *kind = an_generator_kind_find(name, NULL);
        return kind ? method_json(kind) : NULL;
    }
    an_artifact *a = an_artifact_get(s, &row.address, err);
    json_t *own = a ? an_artifact_read_json(a, "generator.json", err) : NULL;
    if (own) {
        result = json_pack("{s:s, s:I, s:o}", "name", row.name, "version", (json_int_t)row.version, "id", an__hash_json(&row.address));
        json_object_update(result, row.meta);
        json_object_update(result, own);
    }
    json_decref(own);
    an_artifact_free(a);
    an_version_row_free(&row);
    return result;
}

const an_act an__act_synth_show = {
    .name = "synth show",
    .args = "NAME",
    .doc = "a generator's parameters, scores and curves; or a method's parameters",
    .examples = { "andon synth show press-gan", "andon synth show wgan" },
    .params = show_params,
    .options_size = sizeof(name_options),
    .run = show_run,
};
