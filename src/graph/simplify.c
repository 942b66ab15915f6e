/* simplify.c - passes that copy a graph: dead code is left behind, constants are folded, equal nodes merged, rows asked for something
 * simpler. */
#include "graph/program.h"

#include <stdlib.h>

enum { FOLD_MOST = 1 << 16 }; /* elements of a folded constant */

/* ---- folding --------------------------------------------------------------------------------------------------------------- */

static bool constant_inputs(const an_graph *g, const an__item *it)
{
    int64_t count = an__shape_count_at(&it->shape, 0);
    if (it->op->flags & (AN__OP_LEAF | AN__OP_FIXED) || an__shape_batch(&it->shape) || count > FOLD_MOST || it->inputs == 0) return false;
    for (int i = 0; i < it->inputs; i++)
        if (g->item[it->input[i]]->op != &an__op_constant) return false;
    /* a filled array is cheaper as the one value it repeats */
    return it->op != &an__op_broadcast || count <= 1;
}

/* The node's value, computed now by a small program of its own. */
static an_node folded(an_node n)
{
    an_graph *g = n.graph, *small = an_graph_new();
    const an__item *it = an__item_of(n);
    an_node *x = an_alloc_n((size_t)it->inputs, sizeof *x), result = n;
    for (int i = 0; i < it->inputs; i++) {
        const an__item *in = g->item[it->input[i]];
        x[i] = an_constant(small, in->dtype, in->shape, in->data);
    }
    an_node y = an__make_copy(small, it, x);
    const char *name = "y";
    an_program *p =
        an_compile(small, &(an_target){ .device = AN_CPU, .outputs = &y, .names = &name, .output_count = 1, .plain = true }, NULL);
    an_params *none = an_params_new();
    an_session *s = p == NULL ? NULL : an_session_new(p, none, 0, NULL);
    if (s != NULL && an_session_run(s, &(an_run){ 0 }, NULL, NULL))
        result = an_constant(g, it->dtype, it->shape, an_session_output(s, name));
    an_session_free(s);
    an_params_release(none);
    an_program_free(p);
    an_graph_free(small);
    free(x);
    return result;
}

/* ---- broadcasting ------------------------------------------------------------------------------------------------------------- */

static unsigned cuts_of(const an_node *x, int count, const an_shape *to)
{
    unsigned cuts = ~0u;
    for (int i = 0; i < count; i++) cuts &= an__shape_cuts(&an__item_of(x[i])->shape, to);
    return cuts;
}

static bool elementwise(const an__item *it)
{
    return it->op->chain != 0 && it->op->flags & AN_OP_ELEMENTWISE && it->dtype != AN_I64;
}

/* Operands that are no rows, columns or scalars of the result along one cut become full ones. */
static void spread(const an__item *it, an_node *x)
{
    for (int i = 0; i < it->inputs && cuts_of(x, it->inputs, &it->shape) == 0; i++)
        if (!an__shape_same(&an__item_of(x[i])->shape, &it->shape)) x[i] = an_broadcast(x[i], it->shape);
}

/* Broadcasts before an elementwise operation, which broadcasts by itself: looks through them, or moves them behind it. */
static an_node look_through(an_graph *g, const an__item *it)
{
    an_node x[3], inner[3];
    bool any = false;
    if (!elementwise(it) || it->inputs > 3) return an__broken(g);
    for (int i = 0; i < it->inputs; i++) {
        x[i] = inner[i] = (an_node){ g, it->input[i] };
        const an__item *a = an__item_of(x[i]);
        if (a->op == &an__op_broadcast) inner[i].id = a->input[0];
        any = any || inner[i].id != x[i].id;
    }
    if (!any) return an__broken(g);
    for (int i = 0; i < it->inputs; i++) {
        an_node was = x[i];
        an_shape s = an_node_shape(inner[0]);
        if (inner[i].id == was.id) continue;
        x[i] = inner[i];
        s = an_node_shape(x[0]);
        for (int k = 1; k < it->inputs; k++) {
            an_shape b = an_node_shape(x[k]);
            if (!an__shape_broadcast(&s, &b, &s)) return an__broken(g);
        }
        if (!an__shape_same(&s, &it->shape) || cuts_of(x, it->inputs, &s) == 0) x[i] = was;
    }
    for (int i = 0; i < it->inputs; i++)
        if (x[i].id != it->input[i]) return an__make(g, it->op, x, it->inputs, &it->attr, it->dtype, &it->shape);
    an_node small = an__make(g, it->op, inner, it->inputs, &it->attr, it->dtype, NULL); /* every operand repeats along something */
    return small.id < 0 || an__shape_same(&an__item_of(small)->shape, &it->shape) ? an__broken(g) : an_broadcast(small, it->shape);
}

/* ---- the pass -------------------------------------------------------------------------------------------------------------------- */

static an_node simpler(an_node n, int depth)
{
    an_graph *g = n.graph;
    const an__item *it = an__item_of(n);
    if (depth > 16 || it->op->flags & AN__OP_LEAF) return n;
    if (constant_inputs(g, it)) return folded(n);
    an_node r = look_through(g, it);
    if (r.id < 0 && it->op->simplify != NULL) {
        an_node few[8], *x = it->inputs <= 8 ? few : an_alloc_n((size_t)it->inputs, sizeof *x);
        for (int i = 0; i < it->inputs; i++) x[i] = (an_node){ g, it->input[i] };
        r = it->op->simplify(g, it, x);
        if (x != few) free(x);
    }
    return r.id < 0 || r.id == n.id ? n : simpler(r, depth + 1);
}

an_graph *an__rebuilt(const an_graph *g, int32_t *roots, int count, bool simplify, bool merge)
{
    an_graph *to = an_graph_new();
    bool *needed = an_alloc_n((size_t)g->count + 1, sizeof *needed);
    int32_t *map = an_alloc_n((size_t)g->count + 1, sizeof *map);
    to->merge = merge;
    for (int i = 0; i < count; i++) needed[roots[i]] = true;
    for (int32_t i = g->count - 1; i >= 0; i--)
        for (int k = 0; needed[i] && k < g->item[i]->inputs; k++) needed[g->item[i]->input[k]] = true;
    int most = 0;
    for (int32_t i = 0; i < g->count; i++) most = g->item[i]->inputs > most ? g->item[i]->inputs : most;
    an_node *x = an_alloc_n((size_t)most + 1, sizeof *x);
    for (int32_t i = 0; i < g->count && to->error.code == AN_OK; i++) {
        const an__item *it = g->item[i];
        if (!needed[i]) continue;
        for (int k = 0; k < it->inputs; k++) x[k] = (an_node){ to, map[it->input[k]] };
        if (elementwise(it)) spread(it, x);
        an_node n = an__make_copy(to, it, x);
        if (simplify && n.id >= 0) n = simpler(n, 0);
        if (n.id < 0) {
            an__bad(to, "%s: cannot be rebuilt", it->op->name);
            break;
        }
        map[i] = n.id;
    }
    for (int i = 0; i < count; i++) roots[i] = map[roots[i]];
    free(x);
    free(needed);
    free(map);
    return to;
}
