/* program.h - what the compiler's passes hand on: a simplified copy of the graph, steps in order, where each value lies. Private to the
 * room. */
#ifndef AN_GRAPH_PROGRAM_H
#define AN_GRAPH_PROGRAM_H

#include "graph/op.h"

typedef enum an__where {
    AN__NOWHERE, /* inside a fused step */
    AN__VIEW,    /* within the memory of value `of`, from `start` along `axis` on (in the shape of item `shape_of`) */
    AN__BUFFER,  /* buffer `index` of the arena */
    AN__INPUT,   /* bound input `index` */
    AN__PARAM,   /* parameter `index`: its own node, or the value an update writes there straight away */
    AN__CONSTANT
} an__where;

typedef struct an__value { /* one an item of the program's graph */
    an__where where;
    int32_t index, of, shape_of;
    int axis;
    int64_t start;
} an__value;

typedef struct an__step {
    const an_op *op; /* the row whose kernel runs, when not a chain */
    int32_t item;    /* whose attributes it reads; the last of a fused step */
    int32_t inputs, outputs;
    int32_t *input, *output; /* items; a chain's inputs then outputs are its operands */
    an_chain *chain;         /* NULL: op->cpu */
    an_shape shape;          /* a chain's iteration */
    an_dtype dtype;
    an__epilogue epilogue;
    bool has_epilogue;
    uint64_t skip;    /* parts of a join already in place */
    int32_t in_place; /* outputs that overwrite an input; for the print */
} an__step;

typedef struct an__buffer {
    int64_t bytes; /* at the most rows */
    int64_t offset;
    int32_t first, last; /* steps; last may be one past the end */
    bool shared;         /* holds several values side by side: never overwritten in place */
    bool gone;           /* merged into another */
} an__buffer;

struct an_program {
    an_graph *graph;
    const an_kernels *kernels;
    bool plain, batch; /* batch: some dimension depends on the rows */
    int64_t rows;
    an__value *value;
    an__step *step;
    int32_t steps;
    an__buffer *buffer;
    int32_t buffers;
    int32_t *input, *param; /* items */
    int32_t inputs, params;
    int32_t outputs, updates;
    char **name;                          /* of outputs */
    int32_t *output;                      /* items */
    int32_t *update_param, *update_value; /* items */
    bool *update_direct;                  /* the step that computes the value writes the parameter */
    int64_t arena;
    int32_t nodes_before; /* of the graph that was compiled, for the print */
};

/* A copy of what the roots need (ids are replaced). simplify: with the rows' simplifications, constants folded and equal nodes merged. */
an_graph *an__rebuilt(const an_graph *g, int32_t *roots, int count, bool simplify, bool merge);
/* Groups items into steps: fills step[] in an order that respects data and parameter updates, value[] NOWHERE or not, update_direct[]. */
void an__fuse(an_program *p);
/* Gives every value a place. */
void an__place(an_program *p);
int32_t an__base(const an_program *p, int32_t item); /* follows views by rule to the item that owns memory */
bool an__is_view(const an_graph *g, int32_t item);
int64_t an__most_bytes(const an__item *it, int64_t rows); /* upper bound at up to `rows` */

#endif
