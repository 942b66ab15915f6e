/* schema.h - what the files about schemas, constraints and expectations share: specs of columns, relations between columns, YAML text,
 * places in a YAML file. */
#ifndef ANDON_TABLE_SCHEMA_H
#define ANDON_TABLE_SCHEMA_H

#include "impl.h"

/* ---- specs and constraints as kept in a table (relation.c) ---- */

bool an__spec_sound(const json_t *spec);               /* an object with known keys of the right types */
bool an__constraints_sound(const json_t *constraints); /* an array of texts and {"fixed", "allowed"} */
/* Sets out->constraints to those whose columns out has. */
void an__constraints_keep(an_table *out, json_t *constraints);
double an__spec_number(const an_column *c, const char *key); /* NaN: not there */

/* ---- relations: "a < b", "a + b = c", "2 * a - b <= 0.5", names with blanks in double quotes ---- */

typedef enum an__order { ORDER_LESS, ORDER_LESS_EQUAL, ORDER_EQUAL, ORDER_NOT_EQUAL, ORDER_MORE_EQUAL, ORDER_MORE } an__order;
enum { AN__TERMS_MAX = 16 };
typedef struct an__relation { /* sum of factor x column, plus constant, compared with 0 */
    struct {
        double factor;
        size_t column;
    } term[AN__TERMS_MAX];
    int count, left;        /* the first `left` terms stood on the left side; those of the right side have their sign turned */
    double constant, slack; /* slack: by how much an equality may be off (an__relation_measure) */
    an__order order;
} an__relation;
/* columns must be there and be numbers or times */
bool an__relation_parse(const char *text, const an_table *t, an__relation *out, an_error *err);
/* Sets the slack of an equality: half a step of each column, times its factor. The step is the gauge resolution of the schema, else the
 * last decimal place that the cells have (values such as 12.5 and 3.125: 0.001); whole numbers are exact, and so are values with more
 * decimals than were written down by somebody, and columns of fewer than ten values. */
void an__relation_measure(an__relation *r, const an_table *t);
/* 1 holds, 0 broken, -1 not to be judged because a cell is missing. Equality allows the slack, at least a relative 1e-9. */
int an__relation_holds(const an__relation *r, const an_table *t, size_t row);
/* Orders that run in a circle (a < b, b < a), sums defined by each other. names the circle in the message; *which is one of the constraints
 * in it. */
bool an__relations_circle(const an__relation *relations, size_t count, const an_table *t, size_t *which, an_error *err); /* true: sound */

/* ---- fixed combinations ---- */

typedef struct an__fixed {
    size_t *column, columns;
    uint64_t *allowed; /* sorted hashes of the combinations */
    size_t count;
} an__fixed;
bool an__fixed_open(const json_t *constraint, const an_table *t, an__fixed *out, an_error *err);
void an__fixed_free(an__fixed *f);
bool an__fixed_holds(const an__fixed *f, const an_table *t, size_t row); /* rows with a missing cell are not judged: true */
/* Copy of the constraint with the combinations the table holds, sorted; AN_INPUT beyond 1,000. */
json_t *an__fixed_with_allowed(const json_t *constraint, const an_table *t, an_error *err);

/* ---- types (convert.c) ---- */

/* Cells of c as another type in *out (name, unit and so on described like c); AN_INPUT names the first cell that does not fit. format: of
 * dates, may be NULL. */
bool an__column_convert(const an_table *t, const an_column *c, an_type type, const char *format, an_column *out, an_error *err);

/* ---- YAML (yaml_text.c) ---- */

void an__yaml_scalar(an_buf *out, const char *text);   /* plain where that reads back as the same text, else in double quotes */
void an__yaml_value(an_buf *out, const json_t *value); /* numbers, texts, and lists and objects of them on one line */
/* AN_INPUT "line N: ..." for the value at path (the file's name is put in front by who opened it); always false. */
bool an__fail_place(const an_yaml *y, const char *path, an_error *err, const char *format, ...) AN_PRINTF(4, 5);
/* Puts the line in front of the failure that is in err already; always false. */
bool an__context_place(const an_yaml *y, const char *path, an_error *err);
/* Every key of the object must be one of `known`; the nearest is proposed. */
bool an__known_keys(const an_yaml *y, const char *path, const json_t *object, const char *const *known, size_t count, an_error *err);

#endif
