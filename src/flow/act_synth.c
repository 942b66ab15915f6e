/* act_synth.c - synth fit, sample, judge, compare, list, show. */
#include "flow/acts.h"

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

static bool generator_value(an_store *s, const char *reference, an_flow_values *v, an_version_row *row, an_error *err)
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

/* The data set a registered generator was made from, when --data does not say. */
static bool generator_data(an_store *s, const char *data, const an_version_row *g, an_flow_values *v, an_job *job, an_error *err)
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
    AN_TEXT(fit_options, method, "wgan", "kind of generator ('andon synth list' names them)"),
    AN_CHOICE(fit_options, rows, "auto", "auto|all|minority", "rows it is trained on; auto: the method decides"),
    AN_LIST(fit_options, set, NULL, "a parameter of the method: --set width=256 or --set wgan.width=256"),
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
    if (fit) {
        an_flow_values in = v;
        named = an__step_do(s, "register", json_pack("{s:s, s:s}", "what", "generator", "name", o->name), &in, NULL, NULL, job, err);
    }
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
            "fitted on.",
    .examples = { "andon synth fit press-gan --data press --method wgan",
                  "andon synth fit press-gan --data press --set wgan.width=256 --set wgan.regularity=gradient" },
    .params = fit_params,
    .options_size = sizeof(fit_options),
    .run = fit_run,
};

/* ---- sample --------------------------------------------------------------------------------------------------------------------- */

typedef struct sample_options {
    char *name, *out, *data;
    int64_t rows, first_row;
    bool filter;
} sample_options;

static const an_param sample_params[] = {
    AN_TEXT(sample_options, name, NULL, "generator: NAME, NAME/3"),
    AN_INT(sample_options, rows, 1000, 1, 1e9, "rows to draw"),
    AN_INT(sample_options, first_row, 0, 0, 9e15, "number of the first row: rows 1000.. continue an earlier file"),
    AN_TEXT(sample_options, out, NULL,
            "CSV file to write, with the columns of the data and _generator,_seed,_row (default NAME.synthetic.csv)"),
    AN_BOOL(sample_options, filter, 0, "keep only rows that pass the minority filter"),
    AN_TEXT(sample_options, data, NULL, "data set whose training part the filter learns from (default: the generator's own)"),
    AN_PARAM_END,
};

enum { CHUNK = 65536 };

/* Chunks, so that memory does not grow with the rows asked for. */
static bool stream_rows(const an_generator *g, const char *name, const sample_options *o, const char *path, an_job *job, an_error *err)
{
    char *half = an_format("%s.part", path);
    FILE *f = fopen(half, "w");
    bool ok = f || an_fail_errno(err, "writing %s", path);
    for (int64_t done = 0; ok && done < o->rows; done += CHUNK) {
        size_t n = (size_t)(o->rows - done < CHUNK ? o->rows - done : CHUNK);
        an_table *t =
            an_job_check(job, err) ? an_generator_sample(g, name, an_job_seed(job), (uint64_t)(o->first_row + done), n, job, err) : NULL;
        an_buf text = { 0 };
        ok = t != NULL;
        if (ok) an_csv_text(t, done == 0, &text);
        if (ok && fwrite(text.data, 1, text.size, f) != text.size) ok = an_fail_errno(err, "writing %s", path);
        an_buf_free(&text);
        an_table_free(t);
        an_job_progress(job, (double)(done + (int64_t)n), (double)o->rows, "rows");
    }
    if (f && fclose(f) && ok) ok = an_fail_errno(err, "writing %s", path);
    if (ok && rename(half, path)) ok = an_fail_errno(err, "writing %s", path);
    if (!ok) remove(half);
    free(half);
    return ok;
}

static json_t *sample_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    const sample_options *o = options;
    an_version_row row = { 0 };
    an_flow_values v = { 0 };
    if (!generator_value(s, o->name, &v, &row, err)) return NULL;
    an_artifact *a = an_artifact_get(s, &row.address, err);
    an_generator *g = a ? an_generator_load(a, err) : NULL;
    char *name = an_format("%s/%lld", row.name, (long long)row.version),
         *path = o->out ? an_strdup(o->out) : an_format("%s.synthetic.csv", row.name);
    json_t *report = NULL, *result = NULL;
    int64_t passed = o->rows;
    bool ok = g != NULL;
    double start = an_clock_s();
    an_job_stage(job, "sampling");
    if (ok && o->filter) {
        an_parts p = { 0 };
        an_table *train = NULL, *kept = NULL;
        an_filter_options fo = { 0 };
        an_params_defaults(an_filter_params, &fo);
        ok = generator_data(s, o->data, &row, &v, job, err) &&
             an__parts_open(s, an_flow_value(&v, "data"), an_flow_value(&v, "split"), &p, err);
        if (ok) train = an_table_select(p.table, p.split.train, p.split.train_count, err);
        if (train) kept = an_filter_sample(g, name, train, &fo, (size_t)o->rows, an_job_seed(job), &report, job, err);
        ok = kept && an_csv_write(kept, path, err);
        if (kept) passed = (int64_t)kept->rows;
        an_params_free(an_filter_params, &fo);
        an_table_free(train);
        an_table_free(kept);
        an__parts_free(&p);
    } else if (ok) {
        ok = stream_rows(g, name, o, path, job, err);
    }
    if (ok)
        result =
            json_pack("{s:s, s:I, s:I, s:s, s:f, s:o}", "name", row.name, "version", (json_int_t)row.version, "rows", (json_int_t)passed,
                      "out", path, "seconds", an_clock_s() - start, "filter", report ? json_incref(report) : json_null());
    json_decref(report);
    free(name);
    free(path);
    an_generator_free(g);
    an_artifact_free(a);
    an_version_row_free(&row);
    return result;
}

const an_act an__act_synth_sample = {
    .name = "synth sample",
    .args = "NAME",
    .doc = "draw rows from a generator into a CSV file",
    .more = "The same generator, seed and row number give the same row, however many are drawn at a time. The columns "
            "_generator,_seed,_row say where a row came from;\n"
            "files that carry them are recognised at import and can never enter a test part.",
    .examples = { "andon synth sample press-gan --rows 10000 --out made.csv", "andon synth sample press-gan --rows 500 --filter" },
    .params = sample_params,
    .options_size = sizeof(sample_options),
    .run = sample_run,
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
    an_table *made = NULL, *real = NULL, *holdout = NULL;
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
        for (size_t i = 0; i < p.split.train_count; i++) {
            bool take = true;
            if (single) {
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
        free(rows);
        an_buf_free(&first);
        an_buf_free(&cell);
    }
    an_judge_options jo = { .bins = o->bins, .rows = o->rows };
    if (real) holdout = an_table_select(p.table, p.split.test, p.split.test_count, err);
    if (holdout) result = an_judge(real, made, NULL, holdout, &jo, job, err);
    an_table_free(made);
    an_table_free(real);
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
    if (generator_value(s, o->generator, &v, &row, err) && generator_data(s, o->data, &row, &v, job, err))
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
