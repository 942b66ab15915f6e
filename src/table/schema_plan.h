/* schema_plan.h - what a schema asks of each column: made by schema_read.c, carried out by schema_apply.c. */
#ifndef ANDON_TABLE_SCHEMA_PLAN_H
#define ANDON_TABLE_SCHEMA_PLAN_H

#include "schema.h"

typedef struct an__plan { /* of one column that the schema names */
    size_t column;
    const char *name;
    char *path; /* in the YAML document */
    an_type type;
    an_role role;
    const char *reason, *unit, *from, *format; /* borrowed from the document or the table */
    bool kept, convert;
    char *source; /* unit converted from */
    double factor, offset;
    const json_t *sentinels; /* to be looked for; NULL: none, or done before */
    json_t *spec;
    an_column made; /* new cells; used where `changed` */
    bool changed;
    size_t blanked; /* cells a sentinel made missing */
} an__plan;

typedef struct an__schema {
    const an_yaml *yaml;
    an__plan *plan;
    size_t count;
    json_t *constraints; /* as they will be kept */
} an__schema;

/* Reads the document whole and checks it against the table. What s holds must be released whatever comes of it. */
bool an__schema_read(an__schema *s, const an_table *t, an_error *err);
/* The constraints, against the table as it will be. */
bool an__schema_read_constraints(an__schema *s, const an_table *t, an_error *err);
/* AN_INPUT for what stands at `key` in the entry of a column; always false. */
bool an__schema_bad(const an__schema *s, const an__plan *p, const char *key, an_error *err, const char *format, ...) AN_PRINTF(5, 6);
/* Puts the place of `key` in front of the failure that is in err; always false. */
bool an__schema_context(const an__schema *s, const an__plan *p, const char *key, an_error *err);

#endif
