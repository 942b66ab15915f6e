/* step_lines.c - files and lines behind the rows of a data set, kept beside it as an output of the run that made it: the same rows are the
 * same version, whichever file brought them. */
#include "flow/steps.h"

#include <stdlib.h>
#include <string.h>

bool an__lines_get(an_store *s, const char *run, an_lines *out, bool *found, an_error *err)
{
    *out = (an_lines){ 0 };
    *found = false;
    json_t *all = run ? an_run_artifacts(s, run, err) : json_array(), *item;
    if (!all) return false;
    size_t i;
    bool ok = true;
    json_array_foreach(all, i, item) {
        an_hash address;
        if (strcmp(an_json_string(item, "edge", ""), "out") || strcmp(an_json_string(item, "port", ""), "lines") ||
            !an_hash_parse(an_json_string(item, "address", ""), &address))
            continue;
        an_table *t = an__table_get(s, &address, err);
        ok = t && an_lines_from_table(t, out, err);
        *found = ok;
        an_table_free(t);
        break;
    }
    json_decref(all);
    return ok;
}

bool an__lines_put(const an_step_context *c, const an_lines *lines, an_error *err)
{
    if (!lines->count) return true;
    an_table *t = an_lines_table(lines, err);
    an_hash address;
    bool ok = t && an__table_put(c->store, t, "lines", &address, err);
    if (ok) an__value_set(c->outputs, "lines", &address);
    an_table_free(t);
    return ok;
}
