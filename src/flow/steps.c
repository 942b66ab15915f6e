/* steps.c - the table of steps. */
#include "flow/steps.h"
#include "flow/act_select.h"
#include "flow/act_table.h"

#include <string.h>

static const an_step_kind *const kinds[] = {
    &an__step_import,    &an__step_get,          &an__step_clean,  &an__step_split,
    &an__step_synth_fit, &an__step_synth_sample, &an__step_filter, &an__step_newest_generator,
    &an__step_judge,     &an__step_balance,      &an__step_train,  &an__step_evaluate,
    &an__step_register,  &an__step_join,         &an__step_pivot,  &an__step_schema,
    &an__step_select,
};

const an_step_kind *const *an_step_kinds(size_t *count)
{
    *count = AN_COUNT(kinds);
    return kinds;
}

const an_step_kind *an_step_kind_find(const char *name, an_error *err)
{
    const char *names[AN_COUNT(kinds)];
    for (size_t i = 0; i < AN_COUNT(kinds); i++) {
        names[i] = kinds[i]->name;
        if (!strcmp(name, names[i])) return kinds[i];
    }
    const char *near = an_nearest(name, names, AN_COUNT(kinds));
    an_fail(err, AN_USAGE, "there is no step '%s'", name);
    if (near) {
        an_hint(err, "did you mean '%s'?", near);
    } else {
        an_buf all = { 0 };
        for (size_t i = 0; i < AN_COUNT(kinds); i++) an_buf_printf(&all, "%s%s", i ? " " : "", names[i]);
        an_hint(err, "steps: %s", all.data);
        an_buf_free(&all);
    }
    return NULL;
}
