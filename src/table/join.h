/* join.h - what the files of a join share: which rows stand beside which (join_rows.c), the columns they become (join_columns.c), what is
 * said about it (join_report.c), all of it (join.c). */
#ifndef ANDON_TABLE_JOIN_H
#define ANDON_TABLE_JOIN_H

#include "match.h"

enum { AN__LISTED = 20 }; /* keys that a report names */

typedef enum an__attempts { AN__REFUSE, AN__LAST, AN__FIRST, AN__ALL, AN__MULTIPLY } an__attempts;

typedef struct an__join {
    const an_table *const *tables;
    const char *const *names;
    size_t count;
    const an_column **key; /* of each table; NULL by row */
    an__attempts attempts;
    bool all;
    an__match match;
    uint32_t **chosen;            /* [table][key]: its first or last row; AN__NO_ROW: none. NULL with AN__ALL and AN__MULTIPLY */
    size_t *unmatched, *repeated; /* [table]: keys that another table lacks, keys of several rows */
    uint32_t **source;            /* [table][result row]; AN__NO_ROW: missing */
    uint32_t *attempt;            /* [result row], with AN__ALL */
    size_t rows, room;
    bool fill; /* false: rows are counted only */
} an__join;

/* ---- keys ---- */

/* j->key of every table: the column `on`, or "name=name=..." with one name a table. AN_NOT_FOUND says which column may be meant. */
bool an__join_keys(an__join *j, const char *on, an_error *err);

/* ---- rows ---- */

bool an__join_choose(an__join *j, an_error *err);
bool an__join_place(an__join *j, an_job *job, an_error *err);
/* No key may occur several times where nobody said what that means. */
bool an__join_refuse_repeated(const an__join *j, an_error *err);
void an__join_key_text(const an__join *j, size_t t, size_t row, an_buf *out); /* replaces what is in out */

/* ---- columns ---- */

an_table *an__join_build(const an__join *j, bool trace, json_t *conflicts, an_job *job, an_error *err);

/* ---- report ---- */

void an__join_compare_shared(const an__join *j, json_t *conflicts); /* columns of one name in two tables */
bool an__join_compare_zeroes(const an__join *j, json_t *notes, an_job *job, an_error *err);
json_t *an__join_table_report(const an__join *j, size_t t);
json_int_t an__join_left_out(const an__join *j);

#endif
