/* import_notes.h - what an import tells of rows that share an id, and of rows put below a data set. */
#ifndef AN_FLOW_IMPORT_NOTES_H
#define AN_FLOW_IMPORT_NOTES_H

#include "flow/work.h"

/* An id (NULL: none) that several rows have, with the lines of some of them. */
bool an__repeated_notes(const an_table *t, const char *id, const an_lines *lines, an_list *notes, an_error *err);

/* The report of an_table_grow as lines for people; rows it lists get the places they came from ("from", "against_from"). */
bool an__append_notes(json_t *report, const an_version_row *base, const an_lines *lines, size_t rows, const an_lines *before,
                      size_t rows_before, an_list *notes, an_error *err);

#endif
