/* act_synth.h - what act_synth.c and act_synth_rows.c share. */
#ifndef AN_FLOW_ACT_SYNTH_H
#define AN_FLOW_ACT_SYNTH_H

#include "flow/acts.h"

extern const an_act an__act_synth_export, an__act_synth_import;

/* A registered generator as input value "generator"; row (may be NULL) gets it, its contents are the caller's to free. */
bool an__generator_value(an_store *s, const char *reference, an_flow_values *v, an_version_row *row, an_error *err);
/* The data set a registered generator was made from, when --data (`data`) does not say: values "data" and "split". */
bool an__generator_data(an_store *s, const char *data, const an_version_row *g, an_flow_values *v, an_job *job, an_error *err);

#endif
