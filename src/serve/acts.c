/* acts.c - the rows of this room in the table of acts. */
#include "serve/acts.h"

static const an_act *const acts[] = { &an__act_demo_served,  &an__act_serve,          &an__act_load,
                                      &an__act_journal_list, &an__act_journal_export, &an__act_doctor };

const an_act *const *an_serve_acts(size_t *count)
{
    *count = AN_COUNT(acts);
    return acts;
}
