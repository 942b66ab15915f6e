/* cli.h - the command line: finds the act, fills its options, runs it, prints what it returned. No logic of the work lives here. */
#ifndef AN_CLI_CLI_H
#define AN_CLI_CLI_H

#include "andon/flow.h"

typedef void (*an_show)(const json_t *result, FILE *out);

typedef struct an_command {
    const an_act *act;
    an_show show; /* NULL: the JSON document, indented */
} an_command;

/* Flags every command understands. */
typedef struct an_common {
    bool json, quiet, help, fresh, version;
    int64_t seed, threads;
    char *workspace;
} an_common;
extern const an_param an__common_params[];

/* The acts of all rooms with the functions that print them. */
const an_command *an__commands(size_t *count);
/* The command whose words are the first of argv; *words is how many were used. AN_USAGE proposes the nearest. */
const an_command *an__command_find(int argc, char **argv, int *words, an_error *err);
/* Fills `options` (defaults already set) and `common` from the rest of the line. */
bool an__args_parse(const an_act *act, int argc, char **argv, void *options, an_common *common, an_error *err);

void an__help_all(FILE *out);
bool an__help_group(const char *word, FILE *out); /* false: no command begins with this word */
void an__help_act(const an_act *act, FILE *out);
void an__flag_name(const char *name, char out[64]);          /* "press_force" as it is typed: "press-force" */
bool an__is_positional(const an_act *act, const char *name); /* stands in `args`: typed without a flag */
/* help_program.c. JSON: one act, the commands that begin with a word, or (both NULL) all; false: no command begins with it. */
bool an__help_json(const char *group, const an_act *act, FILE *out);
void an__help_completion(FILE *out); /* for bash */
void an__help_man(FILE *out);        /* andon.1 */

/* A bar with rate and time left on a terminal, a line every ten seconds otherwise; nothing when quiet. */
typedef struct an_progress an_progress;
an_progress *an__progress_new(FILE *out, bool quiet);
an_sink an__progress_sink(an_progress *p);
void an__progress_free(an_progress *p); /* clears the bar */

/* show_*.c */
void an__show_import(const json_t *r, FILE *out);
void an__show_list(const json_t *r, FILE *out);
void an__show_profile(const json_t *r, FILE *out);
void an__show_split(const json_t *r, FILE *out);
void an__show_generator(const json_t *r, FILE *out);
void an__show_judge(const json_t *r, FILE *out);
void an__show_judges(const json_t *r, FILE *out);
void an__show_model(const json_t *r, FILE *out);
void an__show_explain(const json_t *r, FILE *out);
void an__show_compare(const json_t *r, FILE *out);
void an__show_run(const json_t *r, FILE *out);
void an__show_runs(const json_t *r, FILE *out);
void an__show_lineage(const json_t *r, FILE *out);
void an__show_doctor(const json_t *r, FILE *out);
void an__show_journal(const json_t *r, FILE *out);
void an__show_text(const json_t *r, FILE *out); /* prints "text" and "next" lines of the result */

/* A table for people: columns sized to their cells, numbers to the right. */
typedef struct an_grid an_grid;
an_grid *an__grid_new(int columns);
void an__grid_cell(an_grid *g, const char *format, ...) AN_PRINTF(2, 3); /* row by row */
void an__grid_print(an_grid *g, FILE *out);                              /* and frees; first row is the header */

#endif
