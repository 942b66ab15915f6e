/* acts.h - the rows of the table of acts (act_*.c), one variable each. */
#ifndef AN_FLOW_ACTS_H
#define AN_FLOW_ACTS_H

#include "flow/work.h"

extern const an_act an__act_init, an__act_demo_gearbox, an__act_sim_gearbox;
extern const an_act an__act_data_import, an__act_data_list, an__act_data_show, an__act_data_profile, an__act_data_split,
    an__act_data_export;
extern const an_act an__act_synth_fit, an__act_synth_sample, an__act_synth_judge, an__act_synth_compare, an__act_synth_list,
    an__act_synth_show;
extern const an_act an__act_model_train, an__act_model_evaluate, an__act_model_explain, an__act_model_show, an__act_model_list,
    an__act_model_predict, an__act_model_export, an__act_model_import, an__act_model_threshold, an__act_model_alias, an__act_model_kinds;
extern const an_act an__act_compare, an__act_run, an__act_runs_list, an__act_runs_show, an__act_lineage, an__act_report;

/* The model behind a reference; row may be NULL, its contents are the caller's to free. */
an_model *an__model_open(an_store *s, const char *reference, an_version_row *row, an_error *err);
bool an__meta_hash(const json_t *meta, const char *key, an_hash *h); /* false: the version's meta does not say */

/* listings: {"what", "rows": [...]} */
json_t *an__versions_json(an_store *s, an_name_kind kind, const char *name, an_error *err);

#endif
