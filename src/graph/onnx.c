/* onnx.c - export of outputs of a graph as an ONNX model: leaves, names, metadata; nodes come from the rows' rules (onnx_rules.c), bytes
 * from onnx_proto.c. */
#include "graph/onnx.h"

#include <stdlib.h>

#include "graph/program.h"

enum { IR = 8, OPSET = 17, ML_OPSET = 3 };

/* ---- what rules write with -------------------------------------------------------------------------------------------------- */

static const char *own(an__onnx *w, char *text)
{
    an_list_add_take(&w->names, text);
    return text;
}

const char *an__onnx_fresh(an__onnx *w)
{
    return own(w, an_format("_%d", w->made++));
}

const char *an__onnx_node(an__onnx *w, const char *type, const char *const *inputs, const char *output, an_buf *attributes)
{
    int n = 0;
    while (inputs[n] != NULL) n++;
    if (output == NULL) output = an__onnx_fresh(w);
    char *name = an_format("%s_%s", type, output);
    bool ml = strcmp(type, "LabelEncoder") == 0;
    w->ml = w->ml || ml;
    an__proto_node(&w->nodes, type, ml ? "ai.onnx.ml" : "", name, inputs, n, &output, 1, attributes);
    free(name);
    return output;
}

const char *an__onnx_cast_to(an__onnx *w, const char *input, int type, const char *output)
{
    an_buf attributes = { 0 };
    an__proto_attr_int(&attributes, "to", type);
    return an__onnx_node(w, "Cast", (const char *[]){ input, NULL }, output, &attributes);
}

const char *an__onnx_number(an__onnx *w, an_dtype t, double value)
{
    float f = (float)value;
    int64_t i = t == AN_I64 ? (int64_t)value : 0;
    const char *name = an__onnx_fresh(w);
    an__proto_initialiser(&w->nodes, name, t, 0, NULL, t == AN_F32 ? (const void *)&f : t == AN_I64 ? (const void *)&i : &value);
    return name;
}

const char *an__onnx_whole(an__onnx *w, const int64_t *values, int count)
{
    const char *name = an__onnx_fresh(w);
    an__proto_initialiser(&w->nodes, name, AN_I64, 1, &(int64_t){ count }, values);
    return name;
}

/* The number of rows, read off the first input that has a batch dimension. */
static const char *rows_of(an__onnx *w)
{
    for (int32_t i = 0; i < w->g->count && w->rows == NULL; i++) {
        const an__item *it = w->g->item[i];
        for (int d = 0; it->op == &an__op_input && d < it->shape.rank && w->rows == NULL; d++) {
            int64_t dim = it->shape.dim[d];
            if (dim >= 0) continue;
            const char *shape = an__onnx_node(w, "Shape", (const char *[]){ w->name[i], NULL }, NULL, NULL);
            const char *one =
                an__onnx_node(w, "Gather", (const char *[]){ shape, an__onnx_whole(w, &(int64_t){ d }, 1), NULL }, NULL, NULL);
            int64_t n = -dim >> 16, by = -dim & 0xffff;
            if (by != 1) one = an__onnx_node(w, "Mul", (const char *[]){ one, an__onnx_whole(w, &by, 1), NULL }, NULL, NULL);
            if (n != 1) one = an__onnx_node(w, "Div", (const char *[]){ one, an__onnx_whole(w, &n, 1), NULL }, NULL, NULL);
            w->rows = one;
        }
    }
    return w->rows;
}

const char *an__onnx_dims(an__onnx *w, const int64_t *dims, int count)
{
    bool fixed = true;
    for (int i = 0; i < count; i++) fixed = fixed && dims[i] >= 0;
    if (fixed) return an__onnx_whole(w, dims, count);
    const char *part[AN_MAX_RANK + 1] = { NULL };
    for (int i = 0; i < count; i++) {
        if (dims[i] >= 0) {
            part[i] = an__onnx_whole(w, &dims[i], 1);
            continue;
        }
        int64_t n = -dims[i] >> 16, by = -dims[i] & 0xffff;
        part[i] = rows_of(w);
        if (part[i] == NULL) return NULL;
        if (n != 1) part[i] = an__onnx_node(w, "Mul", (const char *[]){ part[i], an__onnx_whole(w, &n, 1), NULL }, NULL, NULL);
        if (by != 1) part[i] = an__onnx_node(w, "Div", (const char *[]){ part[i], an__onnx_whole(w, &by, 1), NULL }, NULL, NULL);
    }
    if (count == 1) return part[0];
    an_buf attributes = { 0 };
    an__proto_attr_int(&attributes, "axis", 0);
    return an__onnx_node(w, "Concat", part, NULL, &attributes);
}

/* ---- leaves ---------------------------------------------------------------------------------------------------------------------- */

/* dims with -1 and names for what depends on the batch ("n"; other multiples are spelt out) */
static void open_dims(const an_shape *s, int64_t *dim, const char **name, char text[AN_MAX_RANK][32])
{
    for (int i = 0; i < s->rank; i++) {
        dim[i] = s->dim[i] < 0 ? -1 : s->dim[i];
        name[i] = s->dim[i] >= 0 ? NULL : s->dim[i] == AN_BATCH ? "n" : an__dim_text(s->dim[i], text[i]);
    }
}

static bool unused_name(an_list *taken, const char *what, const char *name, an_error *err)
{
    if (an_list_has(taken, name)) return an_fail(err, AN_INPUT, "ONNX export: the name \"%s\" of %s is taken", name, what);
    if (name[0] == '_' && name[1] >= '0' && name[1] <= '9')
        return an_fail(err, AN_INPUT, "ONNX export: the name \"%s\" of %s is kept for values in between", name, what);
    an_list_add(taken, name);
    return true;
}

static bool leaf(an__onnx *w, int32_t id, const an_params *params, an_list *taken, an_error *err)
{
    const an__item *it = w->g->item[id];
    int64_t dim[AN_MAX_RANK] = { 0 };
    const char *dim_name[AN_MAX_RANK] = { NULL };
    char text[AN_MAX_RANK][32], a[96], b[96];
    open_dims(&it->shape, dim, dim_name, text);
    w->name[id] = it->name != NULL ? own(w, an_strdup(it->name)) : an__onnx_fresh(w);
    if (it->name != NULL && !unused_name(taken, it->op->name, it->name, err)) return false;
    if (it->op == &an__op_input) {
        an__proto_input(&w->nodes, w->name[id], an__proto_type_of(it->dtype), it->shape.rank, dim, dim_name);
        return true;
    }
    const void *data = it->data;
    if (it->op == &an__op_param) {
        const an_tensor *t = params == NULL ? NULL : an_params_get(params, it->name);
        if (t == NULL) return an_fail(err, AN_NOT_FOUND, "ONNX export: no parameter \"%s\"", it->name);
        if (t->dtype != it->dtype || !an__shape_same(&t->shape, &it->shape))
            return an_fail(err, AN_INPUT, "ONNX export: parameter \"%s\" is %s %s, the graph needs %s %s", it->name,
                           an_dtype_name(t->dtype), an_shape_text(&t->shape, a), an_dtype_name(it->dtype), an_shape_text(&it->shape, b));
        data = t->data;
    }
    an__proto_initialiser(&w->nodes, w->name[id], it->dtype, it->shape.rank, dim, data);
    return true;
}

/* ---- the model --------------------------------------------------------------------------------------------------------------------- */

static bool write_items(an__onnx *w, const an_params *params, an_list *taken, an_error *err)
{
    for (int32_t i = 0; i < w->g->count; i++) {
        const an__item *it = w->g->item[i];
        if (it->op->flags & AN__OP_LEAF) {
            if (!leaf(w, i, params, taken, err)) return false;
            continue;
        }
        w->name[i] = an__onnx_fresh(w);
        bool ok = it->op->onnx != NULL ? it->op->onnx(w, i) : it->op->onnx_type != NULL && an__onnx_simple(w, i);
        if (!ok) {
            char text[96];
            return an_fail(err, AN_INPUT, "ONNX export: operation \"%s\" on %s %s has no ONNX rule", it->op->name, an_dtype_name(it->dtype),
                           an_shape_text(&it->shape, text));
        }
    }
    return true;
}

static bool write_outputs(an__onnx *w, const int32_t *root, const an_onnx_output *outputs, int count, an_list *taken, an_error *err)
{
    for (int i = 0; i < count; i++) {
        const an__item *it = w->g->item[root[i]];
        int64_t dim[AN_MAX_RANK] = { 0 };
        const char *dim_name[AN_MAX_RANK] = { NULL };
        char text[AN_MAX_RANK][32];
        if (!unused_name(taken, "an output", outputs[i].name, err)) return false;
        open_dims(&it->shape, dim, dim_name, text);
        an__onnx_node(w, "Identity", (const char *[]){ w->name[root[i]], NULL }, outputs[i].name, NULL);
        an__proto_output(&w->nodes, outputs[i].name, an__proto_type_of(it->dtype), it->shape.rank, dim, dim_name);
    }
    return true;
}

bool an_onnx_export(an_graph *g, const an_params *params, const an_onnx_output *outputs, int count, const json_t *metadata, an_buf *out,
                    an_error *err)
{
    if (an_graph_error(g, err)) return an_context(err, "building the graph");
    for (int i = 0; i < count; i++)
        if (outputs[i].node.id < 0 || outputs[i].node.graph != g)
            return an_fail(err, AN_FAILED, "ONNX export: output \"%s\" is no node of this graph", outputs[i].name);
    int32_t *root = an_alloc_n((size_t)count + 1, sizeof *root);
    for (int i = 0; i < count; i++) root[i] = outputs[i].node.id;
    an__onnx w = { .g = an__rebuilt(g, root, count, false, true) };
    an_list taken = { 0 };
    w.name = an_alloc_n((size_t)w.g->count + 1, sizeof *w.name);
    an__proto_graph_name(&w.nodes, "andon");
    bool ok = !an_graph_error(w.g, err) && write_items(&w, params, &taken, err) && write_outputs(&w, root, outputs, count, &taken, err);
    if (ok)
        an__proto_model(out, &w.nodes,
                        &(an__proto_head){ .ir = IR,
                                           .opset = OPSET,
                                           .ml_opset = w.ml ? ML_OPSET : 0,
                                           .producer = "andon",
                                           .version = an_version(),
                                           .metadata = metadata });
    else
        an_buf_free(&w.nodes);
    an_graph_free(w.g);
    an_list_free(&w.names);
    an_list_free(&taken);
    free(w.name);
    free(root);
    return ok;
}
