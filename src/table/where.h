/* where.h - rows chosen by a text: "variant=A,torque>3,angle=10..20". */
#ifndef ANDON_TABLE_WHERE_H
#define ANDON_TABLE_WHERE_H

#include "impl.h"

/* Terms col=v, col!=v, col<v, col<=v, col>v, col>=v, col=low..high, joined by commas; a value with a comma stands in double quotes.
 * chosen[i] becomes 1 where all hold and none of the cells is missing (col= and col!= with nothing behind ask for missing and not missing
 * cells), else 0. text NULL: all rows. */
bool an__where(const char *text, const an_table *t, uint8_t *chosen, an_error *err);

#endif
