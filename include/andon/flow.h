/* flow.h - what can be a step, pipeline files, the runner, and the functions that commands, steps and routes share.
 *
 * A piece of work is a row: a name, a parameter table, typed inputs and outputs, and one function. Commands, pipeline steps, REST routes
 * and C callers reach the same function. Results are JSON documents in the shapes of the command line (docs/commands.md): they are printed,
 * stored with the run, cached, and shown in reports without translation.
 */
#ifndef ANDON_FLOW_H
#define ANDON_FLOW_H

#include "andon/store.h"
#include "andon/synth.h"

/* ---- steps ---------------------------------------------------------------------------------------------------------------------- */

enum { AN_PORTS_MAX = 8 };
typedef struct an_port {
    const char *name; /* "data" "split" "generator" "rows" "model" "judgement"; also the kind of the artifact */
    bool optional;
} an_port;

typedef struct an_flow_values { /* addresses by port, inputs or outputs of one step */
    int count;
    struct {
        const char *port;
        an_hash address;
    } value[AN_PORTS_MAX];
} an_flow_values;
const an_hash *an_flow_value(const an_flow_values *v, const char *port); /* NULL: absent */

typedef struct an_step_context {
    an_store *store;
    const char *run; /* run id of this step: metrics and artifacts are recorded there by the runner */
    /* relative file names in parameters start here (the folder of the pipeline file, or the working folder) */
    const char *base_folder;
    const an_flow_values *inputs;
    an_flow_values *outputs; /* the step fills every declared output */
    an_job *job;
} an_step_context;

typedef struct an_step_kind {
    const char *name, *doc;
    const an_param *params;
    size_t options_size;
    an_port inputs[AN_PORTS_MAX], outputs[AN_PORTS_MAX]; /* ended by a NULL name */
    /* What the step reads besides its inputs (a file, the newest generator in the registry): text that changes when that changes, part of
     * the cache key. NULL: nothing. */
    bool (*fingerprint)(const an_step_context *c, const void *options, an_buf *text, an_error *err);
    json_t *(*run)(const an_step_context *c, const void *options, an_error *err);
} an_step_kind;

/* import get clean split synth-fit synth-sample filter balance newest-generator judge train evaluate register */
const an_step_kind *const *an_step_kinds(size_t *count);
const an_step_kind *an_step_kind_find(const char *name, an_error *err);
/* Runs one step through the cache: key = step name, parameters, seed, input addresses, fingerprint, and the step's code version; an equal
 * finished run is returned (*cached) without work. */
json_t *an_step_run(const an_step_kind *kind, const void *options, const an_step_context *context, const char *parent_run, bool fresh,
                    bool *cached, an_error *err);

/* ---- pipelines ---------------------------------------------------------------------------------------------------------------------- */

/* {name, steps: {ID: {use, set, needs, retries}}}. `use` names a step kind or another pipeline file (*.yaml, relative), whose steps then
 * run as ID.step. Inputs of a step come from the outputs of the steps it needs, directly or further back, by port name (the nearest wins;
 * two equally near ones are an error that names both). `needs` absent: the step before it in the file. Errors name file, line, step, and
 * the nearest name: cycles (the whole cycle is printed), unknown steps, kinds and parameters, missing inputs, values out of range. Checked
 * completely before anything runs. */
typedef struct an_pipeline an_pipeline;
an_pipeline *an_pipeline_read(const char *path, an_error *err);
void an_pipeline_free(an_pipeline *p);
bool an_pipeline_set(an_pipeline *p, const char *assignment /* "step.key=value" */, an_error *err);
json_t *an_pipeline_describe(const an_pipeline *p); /* {"name","steps":[{"name","use","needs":[],"set":{}}]} in an order that can run */

/* Independent steps in parallel, retried as configured, finished ones taken from the cache (also those of a run that was killed). Result as
 * docs/commands.md "runs show". A step that says no (AN_REFUSED) ends the run with that error. */
json_t *an_pipeline_run(an_store *s, an_pipeline *p, bool fresh, an_job *job, an_error *err);

/* ---- the acts: one function each ----------------------------------------------------------------------------------------------------- */

typedef json_t *(*an_act_function)(an_store *s, const void *options, an_job *job, an_error *err);
typedef struct an_act {
    const char *name; /* "data import": also the command's words */
    /* "NAME FILE..." positional parameters by name of the table, last one may end in "...": filled into options of that name */
    const char *args;
    const char *doc, *more; /* one line; a paragraph for --help */
    const char *examples[2];
    const an_param *params;
    size_t options_size;
    an_act_function run;
    bool no_store; /* works without a workspace (s is NULL) */
} an_act;
/* What an act returns that did its work and says no (a broken expectation, a limit exceeded, an interrupted measurement): the result, with
 * the error beside it under "error"; it is shown, and the exit status is the error's. Any other error comes with NULL. */
json_t *an_act_no(json_t *result, const an_error *err);
const an_act *const *an_acts(size_t *count); /* the rows of flow; ops adds its own */

/* ---- reports ------------------------------------------------------------------------------------------------------------------------- */

/* One self-contained HTML page about a model (with its comparison, judgements and data), or a data set; every table also as CSV beside it
 * (F.tables/). src/flow/report*.c */
bool an_report_write(an_store *s, const char *reference, const char *path, an_job *job, an_error *err);

#endif
