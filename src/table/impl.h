/* impl.h - what the files of this room share with each other and with nobody else. */
#ifndef ANDON_TABLE_IMPL_H
#define ANDON_TABLE_IMPL_H

#include "andon/table.h"

/* Bytes of one cell of a column whose cells have one size; 0 for text. */
size_t an__cell_bytes(const an_column *c);
static inline size_t an__valid_words(size_t rows)
{
    return (rows + 63) / 64;
}
/* Allocates the cells of a column (type and tensor layout are set) for `rows` rows: zero, codes -1. */
bool an__column_cells(an_column *c, size_t rows, an_error *err);
void an__column_free(an_column *c); /* releases what it holds, leaves zeroes */
void an__dictionary_free(an_dictionary *d);
int32_t an__dictionary_find(const an_dictionary *d, const char *name, size_t n); /* -1: absent */
void an__dictionary_copy(an_dictionary *to, const an_dictionary *from);
/* Copies name, unit, reason, type, role, kept, dictionary and layout; no cells. */
void an__column_describe(an_column *to, const an_column *from);
/* Adds a column described like `like`, cells allocated (and missing) when `cells`. */
an_column *an__table_add_like(an_table *t, const an_column *like, bool cells, an_error *err);
/* Takes what *c holds; no check of the name. */
an_column *an__table_push(an_table *t, const an_column *c);
bool an__utf8_valid(const char *s, size_t n);
bool an__is_number(an_type type); /* real, integer, boolean, datetime: an_cell_number has a value */

/* Shortest distinguishing text of the value a person typed ("1.0", "True") as the column's cells would show it; new text. */
const char *an__boolean_text(const an_column *c, bool value);
/* `write` writes all of the file; it appears whole under its name, synced, or not at all. "-" is stdout; a pipe or device is written
 * directly. */
bool an__file_stream(const char *path, bool (*write)(void *context, FILE *f, const char *path, an_error *err), void *context,
                     an_error *err);
char *an__canonical_value(const an_column *c, const char *text);

/* Class number of each row of a column that is compared by text: classes sorted by bytes; -1 where missing. Stops with AN_INPUT
 * when there are more than `limit` classes. names: new array of new texts. */
bool an__classes(const an_table *t, const an_column *c, size_t limit, int32_t *class_of, char ***names, size_t *count, an_error *err);
void an__names_free(char **names, size_t count);

/* A 64-bit hash under a fixed key, and under a key made from a seed. */
uint64_t an__hash(const void *bytes, size_t n);
uint64_t an__hash_seeded(uint64_t seed, const void *bytes, size_t n);
/* Appends the value of a cell in a form that depends on the value alone (not on integer or real, nor on dictionary codes). */
void an__cell_content(const an_column *c, size_t row, an_buf *out);

/* Which of _generator, _seed and _row (0 to 2, in upper or lower case) the name of a column is; -1: none. */
int an__origin_part(const char *name);
/* AN_REFUSED where some are there (found[k]: how many columns of this name) but not all three. */
bool an__origin_whole(const size_t found[3], an_error *err);

/* A temporary file without a name, in $TMPDIR or /tmp; -1: failed. */
int an__spill_open(an_error *err);

/* Order of indices by a 64-bit key, ties by index. */
typedef struct an__keyed {
    uint64_t key;
    size_t index;
} an__keyed;
int an__keyed_compare(const void *a, const void *b);

#endif
