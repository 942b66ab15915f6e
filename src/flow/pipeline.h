/* pipeline.h - what the files of the pipeline engine share. A pipeline is a list of nodes: steps, and gates where a nested pipeline
 * begins and ends (a gate does nothing; it joins the needs of several steps). */
#ifndef AN_FLOW_PIPELINE_H
#define AN_FLOW_PIPELINE_H

#include "andon/flow.h"

enum { AN__STEPS_MAX = 500, AN__NESTED_MAX = 16, AN__RETRIES_MAX = 10 };

typedef struct an__node {
    bool gate;
    char *id;     /* "gan.train" */
    char *where;  /* "examples/gan.yaml:12" */
    char *folder; /* of the file it stands in */
    const an_step_kind *kind;
    void *options;
    an_list given; /* names of parameters that were set */
    int retries;   /* -1: not said */
    int *needs;    /* indices of nodes */
    size_t need_count;
    struct {
        const char *port;
        int from;
    } input[AN_PORTS_MAX]; /* from: index of the step that makes it */
    int input_count;
} an__node;

struct an_pipeline {
    char *name;
    an__node *nodes;
    size_t count, room, steps; /* steps: nodes that are no gates */
    const an_step_kind *const *kinds;
    size_t kind_count;
    int *order; /* of all nodes, one that can run */
};

/* ---- pipeline_read.c: with a table of step kinds that need not be an_step_kinds() ---- */
an_pipeline *an__pipeline_read_with(const char *path, const an_step_kind *const *kinds, size_t count, an_error *err);
an_pipeline *an__pipeline_parse(const char *text, size_t n, const char *what, const char *folder, const an_step_kind *const *kinds,
                                size_t count, an_error *err);

/* ---- pipeline_node.c ---- */
int an__node_add(an_pipeline *p);                               /* index; earlier pointers to nodes are no longer valid */
int an__node_gate(an_pipeline *p, const char *id, char *where); /* takes where */
void an__node_need(an__node *n, int other);
int an__pipeline_find(const an_pipeline *p, const char *id); /* index of a step; -1 */
bool an__pipeline_set_json(an_pipeline *p, int node, const char *key, const json_t *value, an_error *err);
int an__step_unknown(const an_pipeline *p, const char *prefix, const char *id, an_error *err); /* always -1 */
bool an__near_hint(const char *word, const char *const *names, size_t count, const char *what,
                   an_error *err); /* the nearest, or all; always false */

/* ---- pipeline_plan.c ---- */
bool an__pipeline_plan(an_pipeline *p, an_error *err);                 /* order and inputs */
void an__pipeline_needs(const an_pipeline *p, int node, an_list *ids); /* the steps it needs, gates looked through */

#endif
