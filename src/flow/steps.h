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
    an_csv_options csv;
    an_roles roles;
} an_import_options;
extern const an_param an__import_params[];

#endif
