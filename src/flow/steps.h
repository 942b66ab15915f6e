/* steps.h - the rows of the table of steps, one variable each. A step is a file or a few that belong together (step_*.c). */
#ifndef AN_FLOW_STEPS_H
#define AN_FLOW_STEPS_H

#include "flow/work.h"

extern const an_step_kind an__step_import, an__step_get, an__step_clean, an__step_split;
extern const an_step_kind an__step_synth_fit, an__step_synth_sample, an__step_filter, an__step_newest_generator, an__step_judge;
extern const an_step_kind an__step_balance, an__step_train, an__step_evaluate, an__step_register;

/* the parameters of `data import` are those of the step */
typedef struct an_import_options {
    char *name;
    an_list file;
    char *schema;         /* YAML file: types, roles, units, sentinels, constraints */
    bool append, dry_run; /* below the rows of the data set of that name; nothing is stored */
    an_csv_options csv;
    an_roles roles;
} an_import_options;
extern const an_param an__import_params[];
/* what an import would do: the result of the step without name and version, with "first_rows" */
json_t *an__import_dry(an_store *s, const an_import_options *o, an_job *job, an_error *err);

/* Where the rows of a table came from (step_lines.c). *found = false: nobody knows. */
bool an__lines_get(an_store *s, const char *run, an_lines *out, bool *found, an_error *err);
bool an__lines_put(const an_step_context *c, const an_lines *lines, an_error *err); /* as the output `lines` of the step */

#endif
