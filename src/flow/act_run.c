/* act_run.c - run, runs list, runs show, lineage, report. */
#include "flow/acts.h"

#include <stdlib.h>
#include <string.h>

/* ---- run ------------------------------------------------------------------------------------------------------------------------- */

typedef struct run_options {
    char *flow;
    an_list set;
    bool dry_run;
} run_options;

static const an_param run_params[] = {
    AN_TEXT(run_options, flow, NULL, "pipeline file: {name, steps: {ID: {use, set, needs, retries}}}"),
    AN_LIST(run_options, set, NULL, "a parameter of a step: --set train.steps=2000"),
    AN_BOOL(run_options, dry_run, 0, "check the file and print the order of the steps, run nothing"),
    AN_PARAM_END,
};

static json_t *run_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    const run_options *o = options;
    an_pipeline *p = an_pipeline_read(o->flow, err);
    bool ok = p != NULL;
    for (size_t i = 0; ok && i < o->set.count; i++) ok = an_pipeline_set(p, o->set.items[i], err);
    json_t *result = NULL;
    if (ok) result = o->dry_run ? an_pipeline_describe(p) : an_pipeline_run(s, p, an_job_fresh(job), job, err);
    an_pipeline_free(p);
    return result;
}

const an_act an__act_run = {
    .name = "run",
    .args = "FLOW",
    .doc = "run a pipeline file",
    .more = "Steps whose kind, parameters, seed and inputs equal a finished run's are taken from it; a run that was killed goes on with "
            "what is missing. Independent steps run in parallel.",
    .examples = { "andon run examples/gearbox/flow.yaml", "andon run examples/gearbox/gan.yaml --set train.set=steps=2000" },
    .params = run_params,
    .options_size = sizeof(run_options),
    .run = run_run,
};

/* ---- runs --------------------------------------------------------------------------------------------------------------------------- */

typedef struct runs_options {
    char *kind;
    int64_t limit;
} runs_options;

static const an_param list_params[] = {
    AN_TEXT(runs_options, kind, NULL, "only runs of this kind: run, compare, step"),
    AN_INT(runs_options, limit, 20, 1, 100000, "the newest so many"),
    AN_PARAM_END,
};

static json_t *row_json(const an_run_row *r)
{
    char from[32], to[32];
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:o, s:o}", "run", r->id, "kind", r->kind, "name", r->name ? r->name : "", "state",
                     r->state, "seed", (json_int_t)r->seed, "started", an_time_text(r->started_us, from), "ended",
                     r->ended_us ? json_string(an_time_text(r->ended_us, to)) : json_null(), "seconds",
                     r->ended_us ? json_real((double)(r->ended_us - r->started_us) / 1e6) : json_null());
}

static json_t *list_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)job;
    const runs_options *o = options;
    an_run_row *rows = NULL;
    size_t count = 0;
    if (!an_run_list(s, o->kind, NULL, (size_t)o->limit, &rows, &count, err)) return NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, row_json(&rows[i]));
    an_run_rows_free(rows, count);
    return json_pack("{s:o}", "runs", list);
}

const an_act an__act_runs_list = {
    .name = "runs list",
    .doc = "what was done, newest first",
    .examples = { "andon runs list", "andon runs list --kind compare --json" },
    .params = list_params,
    .options_size = sizeof(runs_options),
    .run = list_run,
};

typedef struct show_options {
    char *run;
} show_options;

static const an_param show_params[] = {
    AN_TEXT(show_options, run, NULL, "run id, or its beginning"),
    AN_PARAM_END,
};

static json_t *ports_json(const json_t *artifacts, const char *edge)
{
    json_t *out = json_object();
    size_t i;
    const json_t *a;
    json_array_foreach(artifacts, i, a)
        if (!strcmp(an_json_string(a, "edge", ""), edge))
            json_object_set(out, an_json_string(a, "port", "?"), json_object_get(a, "address"));
    return out;
}

static json_t *show_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)job;
    an_run_row row = { 0 }, *children = NULL;
    size_t count = 0;
    if (!an_run_get(s, ((const show_options *)options)->run, &row, err)) return NULL;
    json_t *j = row_json(&row), *steps = json_array();
    json_object_set(j, "params", row.params);
    json_object_set_new(j, "code", json_string(row.code ? row.code : ""));
    json_object_set_new(j, "machine", json_string(row.machine ? row.machine : ""));
    json_object_set(j, "error", row.error);
    json_t *own = json_object_get(row.result, "steps");
    if (own) {
        json_decref(steps);
        steps = json_incref(own);
    } else if (an_run_list(s, NULL, row.id, 10000, &children, &count, NULL)) {
        for (size_t i = count; i-- > 0;) {
            json_t *artifacts = an_run_artifacts(s, children[i].id, NULL), *step = row_json(&children[i]);
            json_object_set_new(step, "cached", json_false());
            json_object_set_new(step, "inputs", ports_json(artifacts, "in"));
            json_object_set_new(step, "outputs", ports_json(artifacts, "out"));
            json_decref(artifacts);
            json_array_append_new(steps, step);
        }
        an_run_rows_free(children, count);
    }
    json_object_set_new(j, "steps", steps);
    json_t *artifacts = an_run_artifacts(s, row.id, NULL);
    json_object_set_new(j, "inputs", ports_json(artifacts, "in"));
    json_object_set_new(j, "outputs", ports_json(artifacts, "out"));
    json_decref(artifacts);
    json_t *metrics = an_run_metrics(s, row.id, NULL);
    if (metrics) json_object_set_new(j, "metrics", metrics);
    if (row.result && !own) json_object_set(j, "result", row.result);
    an_run_row_free(&row);
    return j;
}

const an_act an__act_runs_show = {
    .name = "runs show",
    .args = "RUN",
    .doc = "parameters, steps, artifacts, metrics, machine of one run",
    .examples = { "andon runs show 01J9", "andon runs show 01J9 --json" },
    .params = show_params,
    .options_size = sizeof(show_options),
    .run = show_run,
};

/* ---- lineage ------------------------------------------------------------------------------------------------------------------------- */

typedef struct lineage_options {
    char *name;
} lineage_options;

static const an_param lineage_params[] = {
    AN_TEXT(lineage_options, name, NULL, "model:NAME, generator:NAME, data:NAME; a bare NAME is looked for in that order"),
    AN_PARAM_END,
};

static json_t *lineage_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)job;
    const char *name = ((const lineage_options *)options)->name;
    static const an_name_kind order[] = { AN_NAME_MODEL, AN_NAME_GENERATOR, AN_NAME_DATA };
    for (size_t i = 0; i < AN_COUNT(order); i++) {
        const char *colon = strchr(name, ':'), *kind = an_name_kind_text(order[i]);
        if (colon && ((size_t)(colon - name) != strlen(kind) || strncmp(name, kind, strlen(kind)))) continue;
        an_version_row row = { 0 };
        an_error why = { 0 };
        if (an_version_get(s, order[i], name, &row, &why)) {
            json_t *j = an_lineage(s, &row.address, err);
            if (j) {
                char *text = an_format("%s:%s/%lld", kind, row.name, (long long)row.version);
                json_object_set_new(j, "name", json_string(text));
                free(text);
            }
            an_version_row_free(&row);
            return j;
        }
        if (why.code != AN_NOT_FOUND || i + 1 == AN_COUNT(order) || colon) {
            if (err) *err = why;
            return NULL;
        }
    }
    an_fail(err, AN_USAGE, "%s: the kind before ':' is model, generator or data", name);
    return NULL;
}

const an_act an__act_lineage = {
    .name = "lineage",
    .args = "NAME",
    .doc = "from a model back to the hashes of the files it came from",
    .examples = { "andon lineage model:press", "andon lineage press-gan --json" },
    .params = lineage_params,
    .options_size = sizeof(lineage_options),
    .run = lineage_run,
};

/* ---- report -------------------------------------------------------------------------------------------------------------------------- */

typedef struct report_options {
    char *name, *out;
} report_options;

static const an_param report_params[] = {
    AN_TEXT(report_options, name, NULL, "model (or data set): NAME, NAME/3"),
    AN_TEXT(report_options, out, NULL, "HTML file to write (default NAME.html); its tables go to NAME.tables/ as CSV"),
    AN_PARAM_END,
};

static json_t *report_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    const report_options *o = options;
    char *plain = an_strdup(o->name);
    for (char *c = plain; *c; c++)
        if (*c == '/' || *c == ':' || *c == '@') *c = '-';
    char *path = o->out ? an_strdup(o->out) : an_format("%s.html", plain);
    json_t *result = an_report_write(s, o->name, path, job, err) ? json_pack("{s:s, s:s}", "name", o->name, "out", path) : NULL;
    free(path);
    free(plain);
    return result;
}

const an_act an__act_report = {
    .name = "report",
    .args = "NAME",
    .doc = "one self-contained page with pictures, readable offline and on A4",
    .examples = { "andon report press --out press.html", "andon report press/2" },
    .params = report_params,
    .options_size = sizeof(report_options),
    .run = report_run,
};
