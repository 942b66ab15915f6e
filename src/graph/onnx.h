/* onnx.h - what ONNX rules of rows write with. Private to the room. */
#ifndef AN_GRAPH_ONNX_H
#define AN_GRAPH_ONNX_H

#include "graph/onnx_proto.h"
#include "graph/op.h"

struct an__onnx {
    an_graph *g;
    const char **name; /* of items */
    an_list names;     /* owns names made here */
    an_buf nodes;      /* the GraphProto */
    int made;
    bool ml;          /* an ai.onnx.ml operator was used */
    const char *rows; /* a rank-1 value that holds the number of rows, NULL: not needed yet */
};

static inline const an__item *an__onnx_item(const an__onnx *w, int32_t id)
{
    return w->g->item[id];
}
static inline const char *an__onnx_input(const an__onnx *w, int32_t id, int i)
{
    return w->name[w->g->item[id]->input[i]];
}
const char *an__onnx_fresh(an__onnx *w);                                   /* a name for a value in between */
const char *an__onnx_number(an__onnx *w, an_dtype t, double value);        /* a rank-0 initialiser */
const char *an__onnx_whole(an__onnx *w, const int64_t *values, int count); /* a rank-1 i64 initialiser */
const char *an__onnx_dims(an__onnx *w, const int64_t *dims,
                          int count); /* a rank-1 i64 value: dimensions, batch multiples worked out at run time */
/* A node type(inputs) -> output (NULL: a fresh name, returned). inputs end with NULL. attributes are freed; may be NULL. */
const char *an__onnx_node(an__onnx *w, const char *type, const char *const *inputs, const char *output, an_buf *attributes);
const char *an__onnx_cast_to(an__onnx *w, const char *input, int type, const char *output);

#endif
