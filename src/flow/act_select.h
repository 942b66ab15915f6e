/* act_select.h - what the act and the step of selecting columns share. */
#ifndef AN_FLOW_ACT_SELECT_H
#define AN_FLOW_ACT_SELECT_H

#include "flow/work.h"

extern const an_act an__act_data_select;
extern const an_step_kind an__step_select;

typedef struct an_select_step {
    char *name, *to, *reason;
    an_select_options select;
    bool dry_run;
} an_select_step;
extern const an_param an__select_step_params[];

/* The data set to select from, its training rows, and what must stay in the test part of what comes out. */
typedef struct an__select_source {
    an_table *table;
    an_version_row row; /* name NULL: not registered */
    const char *to;     /* borrowed; NULL: the result is not registered */
    size_t *train, *test;
    size_t train_count, test_count;
    an_selection *selection;
} an__select_source;

/* Opens, finds the training rows, selects. context's inputs count where options name no data set. */
bool an__select_open(an__select_source *x, const an_step_context *c, const an_select_step *o, an_error *err);
void an__select_close(an__select_source *x);
/* What people read. */
void an__select_text(const an__select_source *x, const an_select_step *o, an_buf *out);

#endif
