/* acts.c - the table of acts. */
#include "flow/acts.h"
#include "flow/act_select.h"
#include "flow/act_synth.h"
#include "flow/act_table.h"

/* clang-format off */
static const an_act *const acts[] = {
    &an__act_init,
    &an__act_demo_gearbox,
    &an__act_sim_gearbox,
    &an__act_data_import,
    &an__act_data_list,
    &an__act_data_show,
    &an__act_data_profile,
    &an__act_data_split,
    &an__act_data_export,
    &an__act_data_join,
    &an__act_data_pivot,
    &an__act_data_schema,
    &an__act_data_diff,
    &an__act_data_check,
    &an__act_data_select,
    &an__act_synth_fit,
    &an__act_synth_sample,
    &an__act_synth_judge,
    &an__act_synth_compare,
    &an__act_synth_list,
    &an__act_synth_show,
    &an__act_synth_export,
    &an__act_synth_import,
    &an__act_model_train,
    &an__act_model_evaluate,
    &an__act_model_explain,
    &an__act_model_show,
    &an__act_model_list,
    &an__act_model_predict,
    &an__act_model_export,
    &an__act_model_import,
    &an__act_model_threshold,
    &an__act_model_alias,
    &an__act_model_kinds,
    &an__act_compare,
    &an__act_run,
    &an__act_runs_list,
    &an__act_runs_show,
    &an__act_lineage,
    &an__act_report,
};
/* clang-format on */

const an_act *const *an_acts(size_t *count)
{
    *count = AN_COUNT(acts);
    return acts;
}

json_t *an_act_no(json_t *result, const an_error *err)
{
    json_t *j = an_error_json(err);
    json_object_update(result, j);
    json_decref(j);
    return result;
}
