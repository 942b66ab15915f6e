/* onnx_proto.h - the ONNX messages an export writes, as bytes: protocol buffers of onnx.proto (IR version 8), written without a schema
 * compiler.
 *
 * A message is built up in an an_buf. Parts of a graph go straight into the graph's buffer, in any order; attributes of a node are
 * collected first.
 *
 *     an_buf graph = { 0 }, attributes = { 0 };
 *     an__proto_attr_real(&attributes, "alpha", 0.2);
 *     an__proto_node(&graph, "LeakyRelu", "", "n1", (const char *[]){ "x" }, 1, (const char *[]){ "y" }, 1, &attributes);
 *     an__proto_model(out, &graph, &(an__proto_head){ ... });
 */
#ifndef AN_GRAPH_ONNX_PROTO_H
#define AN_GRAPH_ONNX_PROTO_H

#include "andon/graph.h"

/* TensorProto.DataType */
typedef enum an__proto_type {
    AN__PROTO_FLOAT = 1,
    AN__PROTO_INT64 = 7,
    AN__PROTO_STRING = 8,
    AN__PROTO_BOOL = 9,
    AN__PROTO_DOUBLE = 11
} an__proto_type;
an__proto_type an__proto_type_of(an_dtype t);

/* fields of any message */
void an__proto_int(an_buf *message, int field, int64_t value);
void an__proto_float(an_buf *message, int field, float value);
void an__proto_bytes(an_buf *message, int field, const void *bytes, size_t n);
void an__proto_text(an_buf *message, int field, const char *text);
void an__proto_part(an_buf *message, int field, an_buf *part); /* a message within; part is freed */

/* attributes of a node */
void an__proto_attr_int(an_buf *attributes, const char *name, int64_t value);
void an__proto_attr_real(an_buf *attributes, const char *name, double value);
void an__proto_attr_text(an_buf *attributes, const char *name, const char *value);
void an__proto_attr_ints(an_buf *attributes, const char *name, const int64_t *values, size_t n);
void an__proto_attr_reals(an_buf *attributes, const char *name, const double *values, size_t n);
void an__proto_attr_texts(an_buf *attributes, const char *name, const char *const *values, size_t n);
void an__proto_attr_tensor(an_buf *attributes, const char *name, an_dtype t, int rank, const int64_t *dim, const void *values);

/* parts of a graph */
void an__proto_graph_name(an_buf *graph, const char *name);
void an__proto_node(an_buf *graph, const char *type, const char *domain, const char *name, const char *const *inputs, int input_count,
                    const char *const *outputs,
                    /* attributes: freed; NULL: none. An input "" is one left out. domain "" is ai.onnx */
                    int output_count, an_buf *attributes);
void an__proto_initialiser(an_buf *graph, const char *name, an_dtype t, int rank, const int64_t *dim, const void *values);
void an__proto_initialiser_texts(an_buf *graph, const char *name, int rank, const int64_t *dim, const char *const *values);
/* A dimension < 0 has no length; dim_name[i] names it then ("batch"; dim_name or its entry may be NULL). */
void an__proto_input(an_buf *graph, const char *name, an__proto_type type, int rank, const int64_t *dim, const char *const *dim_name);
void an__proto_output(an_buf *graph, const char *name, an__proto_type type, int rank, const int64_t *dim, const char *const *dim_name);

typedef struct an__proto_head {
    int64_t ir, opset, ml_opset;          /* ml_opset 0: none */
    const char *producer, *version, *doc; /* doc may be NULL */
    const json_t *metadata;               /* object of strings, or NULL; written in the order of its keys' bytes */
} an__proto_head;
void an__proto_model(an_buf *out, an_buf *graph, const an__proto_head *head); /* graph is freed */

#endif
