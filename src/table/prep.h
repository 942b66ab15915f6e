/* prep.h - what the files of preparation share. */
#ifndef ANDON_TABLE_PREP_H
#define ANDON_TABLE_PREP_H

#include "impl.h"

void an__prep_column_free(an_prep_column *c);
/* A number of the table in the units of preparation: datetimes in seconds. NaN where missing. */
double an__prep_number(const an_column *c, size_t row);

#endif
