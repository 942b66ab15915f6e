/* match.h - rows of several tables brought together by the value of a key column: what joining, reshaping and growing stand on. */
#ifndef ANDON_TABLE_MATCH_H
#define ANDON_TABLE_MATCH_H

#include "impl.h"

#define AN__NO_ROW UINT32_MAX

/* Every distinct key has a number below `keys` (some numbers may be nobody's: their counts are 0). The numbers depend on the content alone.
 */
typedef struct an__match {
    size_t tables, keys;
    uint32_t **key;   /* [table][row]: number of the key in that row; AN__NO_ROW where it is missing */
    uint32_t **rows;  /* [table]: rows ordered by key, ascending within a key */
    uint32_t **start; /* [table][key]: where the rows of the key begin in rows[table] */
    uint32_t **count; /* [table][key] */
} an__match;

/* Keys are equal when their value texts are ("12" read as a number is "12" read as text; "0012" is another key). on[t] is a column of
 * tables[t]. */
bool an__match_build(const an_table *const *tables, const an_column *const *on, size_t count, an_job *job, an__match *out, an_error *err);
void an__match_free(an__match *m);

/* A text column with the value texts of any column; the caller frees it with an__column_free. */
bool an__column_as_text(const an_table *t, const an_column *c, an_column *out, an_error *err);

/* Cells of *from at source[i] for i < n into the fresh column *to (described like *from); AN__NO_ROW is missing. */
bool an__gather(an_column *to, const an_column *from, const uint32_t *source, size_t n, an_error *err);

#endif
