/* audit.h - what assign.c asks of audit.c. */
#ifndef ANDON_TABLE_AUDIT_H
#define ANDON_TABLE_AUDIT_H

#include "impl.h"

/* A text column becomes a category (AN_INPUT beyond 1,000 distinct values). */
bool an__text_to_category(const an_table *t, an_column *c, an_error *err);
enum { AN__NO_LABEL = 2 };
/* Sets aside features; label: 1 for the rarer class, AN__NO_LABEL for rows that say nothing of it, NULL without a target of two classes.
 * target: its name and the rarer value, for the notes. */
bool an__audit(an_table *t, const uint8_t *label, const char *target, const char *rare, an_list *notes, an_error *err);

#endif
