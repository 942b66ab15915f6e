/* acts.h - the acts of this room (act_*.c), one variable each. */
#ifndef AN_SERVE_ACTS_H
#define AN_SERVE_ACTS_H

#include "andon/serve.h"

extern const an_act an__act_serve, an__act_load, an__act_journal_list, an__act_journal_export, an__act_demo_served, an__act_doctor;

#endif
