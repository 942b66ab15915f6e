/* act_select.c - data select. The work is in the step of the same name (step_select.c); a dry run is the same without a trace. */
#include "flow/act_select.h"

#include <stdlib.h>
#include <string.h>

static json_t *dry_run(an_store *s, const an_select_step *o, an_job *job, an_error *err)
{
    static const an_flow_values nothing = { 0 };
    an_step_context c = { .store = s, .inputs = &nothing, .job = job };
    an__select_source x;
    json_t *result = NULL;
    if (an__select_open(&x, &c, o, err)) {
        an_buf text = { 0 };
        an_buf_printf(&text, "%s/%lld, nothing is made: ", x.row.name, (long long)x.row.version);
        an__select_text(&x, o, &text);
        result = json_pack("{s:s, s:I, s:b, s:o, s:s}", "name", x.row.name, "version", (json_int_t)x.row.version, "dry_run", 1, "selection",
                           an_selection_json(x.selection, x.table), "text", text.data);
        an_buf_free(&text);
    }
    an__select_close(&x);
    return result;
}

static json_t *select_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    const an_select_step *o = options;
    if (!o->name) {
        an_fail(err, AN_USAGE, "which data set? andon data select NAME");
        return NULL;
    }
    if (o->dry_run) return dry_run(s, o, job, err);
    bool cached = false;
    json_t *result = an__step_with(s, &an__step_select, options, NULL, NULL, NULL, job, &cached, err);
    if (cached) json_object_set_new(result, "existed", json_true());
    return result;
}

const an_act an__act_data_select = {
    .name = "data select",
    .args = "NAME",
    .doc = "keep the columns that matter: stable in halves of the training rows, one of each group that says the same",
    .more =
        "Columns that rank the parts alike are one group. A group is stable when nearly every random half of the training rows names it "
        "among its strongest, by its association alone or jointly\n"
        "with the others; how many are named follows from the mistakes that are allowed (--expected-false). The test part is never read. "
        "What is not kept stays in the table with role ignored.\n"
        "--keep and --drop are an expert's word and need a --reason, which is recorded.",
    .examples = { "andon data select gearbox --dry-run",
                  "andon data select gearbox --to gearbox-small --keep housing_temp --drop screw3_time --reason \"clock is wrong\"" },
    .params = an__select_step_params,
    .options_size = sizeof(an_select_step),
    .run = select_run,
};
