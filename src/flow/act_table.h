/* act_table.h - the acts and steps that put tables together, describe and check them. */
#ifndef AN_FLOW_ACT_TABLE_H
#define AN_FLOW_ACT_TABLE_H

#include "flow/work.h"

extern const an_act an__act_data_join, an__act_data_pivot, an__act_data_schema, an__act_data_diff, an__act_data_check;
extern const an_step_kind an__step_join, an__step_pivot, an__step_schema;

/* parameters of the acts are those of the steps */
typedef struct an_join_step {
    char *name;
    an_list table;
    an_join_options join;
    an_roles roles;
} an_join_step;
extern const an_param an__join_step_params[];

typedef struct an_pivot_step {
    char *name, *table, *on, *names, *attempts;
    an_list values;
    an_roles roles;
} an_pivot_step;
extern const an_param an__pivot_step_params[];

typedef struct an_schema_step {
    char *name, *schema, *to;
} an_schema_step;
extern const an_param an__schema_step_params[];

#endif
