/* compile.c - from a graph to a program: checks, passes in order, and what a program owns. */
#include "graph/program.h"

#include <stdlib.h>

enum { ROUNDS = 8 };

static bool target_check(const an_graph *g, const an_target *t, an_error *err)
{
    char a[96], b[96];
    if (an_graph_error(g, err)) return an_context(err, "building the graph");
    if (t->device != AN_CPU) return an_fail(err, AN_USAGE, "device %d is not built in", (int)t->device);
    if (t->rows < 0) return an_fail(err, AN_USAGE, "a program for %lld rows", (long long)t->rows);
    for (int i = 0; i < t->output_count; i++) {
        if (t->outputs[i].id < 0 || t->outputs[i].graph != g)
            return an_fail(err, AN_FAILED, "output \"%s\" is no node of this graph", t->names[i]);
        for (int k = 0; k < i; k++)
            if (strcmp(t->names[i], t->names[k]) == 0) return an_fail(err, AN_FAILED, "two outputs are named \"%s\"", t->names[i]);
    }
    for (int i = 0; i < t->update_count; i++) {
        an_node p = t->updates[i].param, v = t->updates[i].value;
        if (p.id < 0 || v.id < 0 || p.graph != g || v.graph != g || an__item_of(p)->op != &an__op_param)
            return an_fail(err, AN_FAILED, "update %d does not name a parameter and a value of this graph", i);
        an_shape sp = an_node_shape(p), sv = an_node_shape(v);
        if (!an__shape_same(&sp, &sv) || an_node_dtype(p) != an_node_dtype(v))
            return an_fail(err, AN_FAILED, "parameter \"%s\" is %s %s, its update %s %s", an__item_of(p)->name,
                           an_dtype_name(an_node_dtype(p)), an_shape_text(&sp, a), an_dtype_name(an_node_dtype(v)), an_shape_text(&sv, b));
        for (int k = 0; k < i; k++)
            if (t->updates[k].param.id == p.id) return an_fail(err, AN_FAILED, "parameter \"%s\" is updated twice", an__item_of(p)->name);
    }
    return true;
}

bool an__is_view(const an_graph *g, int32_t item)
{
    const an__item *it = g->item[item];
    return it->op->view != NULL && it->op->view(it, g->item[it->input[0]]);
}

int32_t an__base(const an_program *p, int32_t item)
{
    while (an__is_view(p->graph, item)) item = p->graph->item[item]->input[0];
    return item;
}

/* Outputs and updates that are leaves (or views of them) get memory of their own: a leaf's memory is not the program's, or changes. */
static void copy_leaves(an_program *p, int32_t *roots, int count)
{
    for (int i = 0; i < count; i++) {
        int32_t base = an__base(p, roots[i]);
        if (p->graph->item[base]->op->flags & AN__OP_LEAF) roots[i] = an__copy((an_node){ p->graph, roots[i] }).id;
    }
}

static void collect(an_program *p)
{
    an_graph *g = p->graph;
    p->value = an_alloc_n((size_t)g->count + 1, sizeof *p->value);
    p->input = an_alloc_n((size_t)g->count + 1, sizeof *p->input);
    p->param = an_alloc_n((size_t)g->count + 1, sizeof *p->param);
    for (int32_t i = 0; i < g->count; i++) {
        const an__item *it = g->item[i];
        an__value *v = &p->value[i];
        if (it->op == &an__op_input) {
            *v = (an__value){ .where = AN__INPUT, .index = p->inputs };
            p->input[p->inputs++] = i;
        } else if (it->op == &an__op_param) {
            *v = (an__value){ .where = AN__PARAM, .index = p->params };
            p->param[p->params++] = i;
        } else if (it->op == &an__op_constant) {
            *v = (an__value){ .where = AN__CONSTANT };
        }
        p->batch = p->batch || an__shape_batch(&it->shape) || it->attr.extent < 0;
    }
}

an_program *an_compile(an_graph *g, const an_target *t, an_error *err)
{
    if (!target_check(g, t, err)) return NULL;
    an_program *p = an_alloc(sizeof *p);
    int n = t->output_count, m = t->update_count, count = n + 2 * m;
    int32_t *roots = an_alloc_n((size_t)count + 1, sizeof *roots);
    p->kernels = an__kernels(NULL);
    p->plain = t->plain;
    p->rows = t->rows;
    p->outputs = n;
    p->updates = m;
    p->name = an_alloc_n((size_t)n + 1, sizeof *p->name);
    for (int i = 0; i < n; i++) {
        p->name[i] = an_strdup(t->names[i]);
        roots[i] = t->outputs[i].id;
    }
    for (int i = 0; i < m; i++) {
        roots[n + i] = t->updates[i].value.id;
        roots[n + m + i] = t->updates[i].param.id;
    }
    p->graph = an__rebuilt(g, roots, count, !t->plain, !t->plain);
    p->nodes_before = g->count;
    for (int round = 0, was = -1; !t->plain && round < ROUNDS; round++) {
        bool last = round == ROUNDS - 1 || p->graph->count == was; /* the last round only leaves dead code behind */
        was = p->graph->count;
        an_graph *next = an__rebuilt(p->graph, roots, count, !last, true);
        an_graph_free(p->graph);
        p->graph = next;
        if (last) break;
    }
    p->graph->merge = false;
    copy_leaves(p, roots, n + m);
    p->output = an_alloc_n((size_t)n + 1, sizeof *p->output);
    p->update_value = an_alloc_n((size_t)m + 1, sizeof *p->update_value);
    p->update_param = an_alloc_n((size_t)m + 1, sizeof *p->update_param);
    p->update_direct = an_alloc_n((size_t)m + 1, sizeof *p->update_direct);
    memcpy(p->output, roots, sizeof *roots * (size_t)n);
    memcpy(p->update_value, roots + n, sizeof *roots * (size_t)m);
    memcpy(p->update_param, roots + n + m, sizeof *roots * (size_t)m);
    free(roots);
    if (an_graph_error(p->graph, err)) {
        an_context(err, "simplifying the graph");
        an_program_free(p);
        return NULL;
    }
    collect(p);
    if (p->batch && t->rows < 1) {
        an_fail(err, AN_USAGE, "the program has a batch; say how many rows a run binds at most");
        an_program_free(p);
        return NULL;
    }
    an__fuse(p);
    an__place(p);
    return p;
}

void an_program_free(an_program *p)
{
    if (p == NULL) return;
    for (int32_t i = 0; i < p->steps; i++) {
        free(p->step[i].input);
        free(p->step[i].output);
        free(p->step[i].chain);
    }
    for (int32_t i = 0; i < p->outputs; i++) free(p->name[i]);
    free(p->step);
    free(p->name);
    free(p->value);
    free(p->buffer);
    free(p->input);
    free(p->param);
    free(p->output);
    free(p->update_value);
    free(p->update_param);
    free(p->update_direct);
    an_graph_free(p->graph);
    free(p);
}

size_t an_program_scratch_bytes(const an_program *p)
{
    return (size_t)p->arena;
}
