/* onnx_proto.c - ONNX messages as protocol buffers. Field numbers are those of onnx.proto; which operators stand for a graph: the rows of
 * the operation table. Repeated numbers are written one field each, which readers of either syntax take. */
#include "graph/onnx_proto.h"

#include <stdlib.h>
#include <string.h>

enum { WIRE_VARINT = 0, WIRE_LENGTH = 2, WIRE_32 = 5 };

/* ---- any message ------------------------------------------------------------------------------------------------------------ */

static void varint(an_buf *b, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) an_buf_putc(b, (char)(value | 0x80));
    an_buf_putc(b, (char)value);
}

static void key(an_buf *b, int field, int wire)
{
    varint(b, (uint64_t)field << 3 | (uint64_t)wire);
}

void an__proto_int(an_buf *message, int field, int64_t value)
{
    key(message, field, WIRE_VARINT);
    varint(message, (uint64_t)value);
}

void an__proto_float(an_buf *message, int field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    key(message, field, WIRE_32);
    for (int i = 0; i < 4; i++) an_buf_putc(message, (char)(bits >> 8 * i));
}

void an__proto_bytes(an_buf *message, int field, const void *bytes, size_t n)
{
    key(message, field, WIRE_LENGTH);
    varint(message, n);
    if (n) an_buf_add(message, bytes, n);
}

void an__proto_text(an_buf *message, int field, const char *text)
{
    an__proto_bytes(message, field, text, strlen(text));
}

void an__proto_part(an_buf *message, int field, an_buf *part)
{
    an__proto_bytes(message, field, part->data, part->size);
    an_buf_free(part);
}

/* ---- tensors ---------------------------------------------------------------------------------------------------------------- */

enum { TENSOR_DIMS = 1, TENSOR_TYPE = 2, TENSOR_STRINGS = 6, TENSOR_NAME = 8, TENSOR_RAW = 9 };

an__proto_type an__proto_type_of(an_dtype t)
{
    switch (t) {
    case AN_F32:
        return AN__PROTO_FLOAT;
    case AN_F64:
        return AN__PROTO_DOUBLE;
    case AN_I64:
        return AN__PROTO_INT64;
    case AN_STR:
        break;
    }
    return AN__PROTO_STRING;
}

static size_t begin_tensor(an_buf *tensor, const char *name, an__proto_type type, int rank, const int64_t *dim)
{
    size_t count = 1;
    for (int i = 0; i < rank; i++) {
        an__proto_int(tensor, TENSOR_DIMS, dim[i]);
        count *= (size_t)dim[i];
    }
    an__proto_int(tensor, TENSOR_TYPE, type);
    if (name) an__proto_text(tensor, TENSOR_NAME, name);
    return count;
}

/* raw_data is little-endian whatever the machine is */
static void tensor_of(an_buf *tensor, const char *name, an_dtype t, int rank, const int64_t *dim, const void *values)
{
    size_t count = begin_tensor(tensor, name, an__proto_type_of(t), rank, dim), size = an_dtype_bytes(t);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    an__proto_bytes(tensor, TENSOR_RAW, values, count * size);
#else
    an_buf turned = { 0 };
    for (size_t i = 0; i < count; i++) {
        for (size_t j = size; j-- > 0;) an_buf_putc(&turned, ((const char *)values)[i * size + j]);
    }
    an__proto_part(tensor, TENSOR_RAW, &turned);
#endif
}

/* ---- attributes --------------------------------------------------------------------------------------------------------------- */

enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_TYPE = 4, NODE_ATTRIBUTE = 5, NODE_DOMAIN = 7 };
enum {
    ATTR_NAME = 1,
    ATTR_FLOAT = 2,
    ATTR_INT = 3,
    ATTR_STRING = 4,
    ATTR_TENSOR = 5,
    ATTR_FLOATS = 7,
    ATTR_INTS = 8,
    ATTR_STRINGS = 9,
    ATTR_TYPE = 20
};
enum { IS_FLOAT = 1, IS_INT = 2, IS_STRING = 3, IS_TENSOR = 4, IS_FLOATS = 6, IS_INTS = 7, IS_STRINGS = 8 };

static an_buf begin_attr(const char *name)
{
    an_buf attr = { 0 };
    an__proto_text(&attr, ATTR_NAME, name);
    return attr;
}

static void end_attr(an_buf *attributes, an_buf *attr, int type)
{
    an__proto_int(attr, ATTR_TYPE, type);
    an__proto_part(attributes, NODE_ATTRIBUTE, attr);
}

void an__proto_attr_int(an_buf *attributes, const char *name, int64_t value)
{
    an_buf attr = begin_attr(name);
    an__proto_int(&attr, ATTR_INT, value);
    end_attr(attributes, &attr, IS_INT);
}

void an__proto_attr_real(an_buf *attributes, const char *name, double value)
{
    an_buf attr = begin_attr(name);
    an__proto_float(&attr, ATTR_FLOAT, (float)value);
    end_attr(attributes, &attr, IS_FLOAT);
}

void an__proto_attr_text(an_buf *attributes, const char *name, const char *value)
{
    an_buf attr = begin_attr(name);
    an__proto_text(&attr, ATTR_STRING, value);
    end_attr(attributes, &attr, IS_STRING);
}

void an__proto_attr_ints(an_buf *attributes, const char *name, const int64_t *values, size_t n)
{
    an_buf attr = begin_attr(name);
    for (size_t i = 0; i < n; i++) an__proto_int(&attr, ATTR_INTS, values[i]);
    end_attr(attributes, &attr, IS_INTS);
}

void an__proto_attr_reals(an_buf *attributes, const char *name, const double *values, size_t n)
{
    an_buf attr = begin_attr(name);
    for (size_t i = 0; i < n; i++) an__proto_float(&attr, ATTR_FLOATS, (float)values[i]);
    end_attr(attributes, &attr, IS_FLOATS);
}

void an__proto_attr_texts(an_buf *attributes, const char *name, const char *const *values, size_t n)
{
    an_buf attr = begin_attr(name);
    for (size_t i = 0; i < n; i++) an__proto_text(&attr, ATTR_STRINGS, values[i]);
    end_attr(attributes, &attr, IS_STRINGS);
}

void an__proto_attr_tensor(an_buf *attributes, const char *name, an_dtype t, int rank, const int64_t *dim, const void *values)
{
    an_buf attr = begin_attr(name), tensor = { 0 };
    tensor_of(&tensor, NULL, t, rank, dim, values);
    an__proto_part(&attr, ATTR_TENSOR, &tensor);
    end_attr(attributes, &attr, IS_TENSOR);
}

/* ---- a graph ----------------------------------------------------------------------------------------------------------------------- */

enum { GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_INITIALISER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };

void an__proto_graph_name(an_buf *graph, const char *name)
{
    an__proto_text(graph, GRAPH_NAME, name);
}

void an__proto_node(an_buf *graph, const char *type, const char *domain, const char *name, const char *const *inputs, int input_count,
                    const char *const *outputs, int output_count, an_buf *attributes)
{
    an_buf node = { 0 };
    for (int i = 0; i < input_count; i++) an__proto_text(&node, NODE_INPUT, inputs[i]);
    for (int i = 0; i < output_count; i++) an__proto_text(&node, NODE_OUTPUT, outputs[i]);
    an__proto_text(&node, NODE_NAME, name);
    an__proto_text(&node, NODE_TYPE, type);
    if (attributes && attributes->size) an_buf_add(&node, attributes->data, attributes->size);
    if (attributes) an_buf_free(attributes);
    if (domain && *domain) an__proto_text(&node, NODE_DOMAIN, domain);
    an__proto_part(graph, GRAPH_NODE, &node);
}

void an__proto_initialiser(an_buf *graph, const char *name, an_dtype t, int rank, const int64_t *dim, const void *values)
{
    an_buf tensor = { 0 };
    tensor_of(&tensor, name, t, rank, dim, values);
    an__proto_part(graph, GRAPH_INITIALISER, &tensor);
}

void an__proto_initialiser_texts(an_buf *graph, const char *name, int rank, const int64_t *dim, const char *const *values)
{
    an_buf tensor = { 0 };
    size_t count = begin_tensor(&tensor, name, AN__PROTO_STRING, rank, dim);
    for (size_t i = 0; i < count; i++) an__proto_text(&tensor, TENSOR_STRINGS, values[i]);
    an__proto_part(graph, GRAPH_INITIALISER, &tensor);
}

/* ValueInfoProto { name 1, type 2 { tensor_type 1 { elem_type 1, shape 2 { dim 1 { dim_value 1, dim_param 2 } } } } } */
static void value_info(an_buf *graph, int field, const char *name, an__proto_type type, int rank, const int64_t *dim,
                       const char *const *dim_name)
{
    an_buf info = { 0 }, kind = { 0 }, tensor = { 0 }, shape = { 0 };
    for (int i = 0; i < rank; i++) {
        an_buf one = { 0 };
        if (dim[i] >= 0) {
            an__proto_int(&one, 1, dim[i]);
        } else if (dim_name && dim_name[i]) {
            an__proto_text(&one, 2, dim_name[i]);
        }
        an__proto_part(&shape, 1, &one);
    }
    an__proto_int(&tensor, 1, type);
    an__proto_part(&tensor, 2, &shape);
    an__proto_part(&kind, 1, &tensor);
    an__proto_text(&info, 1, name);
    an__proto_part(&info, 2, &kind);
    an__proto_part(graph, field, &info);
}

void an__proto_input(an_buf *graph, const char *name, an__proto_type type, int rank, const int64_t *dim, const char *const *dim_name)
{
    value_info(graph, GRAPH_INPUT, name, type, rank, dim, dim_name);
}

void an__proto_output(an_buf *graph, const char *name, an__proto_type type, int rank, const int64_t *dim, const char *const *dim_name)
{
    value_info(graph, GRAPH_OUTPUT, name, type, rank, dim, dim_name);
}

/* ---- the model ----------------------------------------------------------------------------------------------------------------------- */

enum { MODEL_IR = 1, MODEL_PRODUCER = 2, MODEL_VERSION = 3, MODEL_DOC = 6, MODEL_GRAPH = 7, MODEL_OPSET = 8, MODEL_METADATA = 14 };

static void opset(an_buf *out, const char *domain, int64_t version)
{
    an_buf part = { 0 };
    an__proto_text(&part, 1, domain);
    an__proto_int(&part, 2, version);
    an__proto_part(out, MODEL_OPSET, &part);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void metadata(an_buf *out, const json_t *object)
{
    size_t n = 0, count = json_object_size(object);
    const char **keys = an_alloc_n(count + 1, sizeof *keys), *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        if (json_is_string(value) && n < count) keys[n++] = name;
    }
    qsort(keys, n, sizeof *keys, by_bytes);
    for (size_t i = 0; i < n; i++) {
        an_buf part = { 0 };
        const json_t *text = json_object_get(object, keys[i]);
        an__proto_text(&part, 1, keys[i]);
        an__proto_bytes(&part, 2, json_string_value(text), json_string_length(text));
        an__proto_part(out, MODEL_METADATA, &part);
    }
    free(keys);
}

void an__proto_model(an_buf *out, an_buf *graph, const an__proto_head *head)
{
    an__proto_int(out, MODEL_IR, head->ir);
    an__proto_text(out, MODEL_PRODUCER, head->producer);
    an__proto_text(out, MODEL_VERSION, head->version);
    if (head->doc) an__proto_text(out, MODEL_DOC, head->doc);
    an__proto_part(out, MODEL_GRAPH, graph);
    opset(out, "", head->opset);
    if (head->ml_opset) opset(out, "ai.onnx.ml", head->ml_opset);
    if (head->metadata) metadata(out, head->metadata);
}
