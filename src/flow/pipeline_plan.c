/* pipeline_plan.c - the order of the steps, and where each of their inputs comes from. */
#include "flow/pipeline.h"

#include <stdlib.h>
#include <string.h>

/* Kahn's method; of those that can run the first in the file goes first. */
static bool sort_nodes(an_pipeline *p, an_error *err)
{
    size_t done = 0;
    bool *placed = an_alloc_n(p->count, sizeof *placed);
    p->order = an_alloc_n(p->count, sizeof *p->order);
    while (done < p->count) {
        size_t i = 0;
        for (; i < p->count; i++) {
            bool ready = !placed[i];
            for (size_t k = 0; ready && k < p->nodes[i].need_count; k++) ready = placed[p->nodes[i].needs[k]];
            if (ready) break;
        }
        if (i == p->count) break;
        placed[i] = true;
        p->order[done++] = (int)i;
    }
    free(placed);
    return done == p->count || an_fail(err, AN_INPUT, "the steps of the pipeline need each other in a circle");
}

static const char *makes(const an__node *n, const char *port)
{
    for (int i = 0; !n->gate && i < AN_PORTS_MAX && n->kind->outputs[i].name; i++)
        if (strcmp(n->kind->outputs[i].name, port) == 0) return n->kind->outputs[i].name;
    return NULL;
}

/* Walks back from a node, level by level: level 1 are the steps it needs, level 2 what those need. Gates do not count.
 * list holds the steps of all levels, end[d] how many there are up to level d + 1. */
typedef struct walk {
    int *list;
    size_t count, *end, levels;
    bool *seen;
} walk;

static void walk_back(const an_pipeline *p, int node, walk *w)
{
    *w = (walk){ .list = an_alloc_n(p->count, sizeof(int)),
                 .end = an_alloc_n(p->count + 1, sizeof(size_t)),
                 .seen = an_alloc_n(p->count, sizeof(bool)) };
    int *gates = an_alloc_n(p->count, sizeof *gates);
    size_t from = 0;
    for (bool first = true; first || from < w->end[w->levels - 1]; first = false) {
        size_t until = first ? 1 : w->end[w->levels - 1];
        for (; from < until; from++) {
            /* the needs of one step, through any gates */
            size_t gate_count = 0;
            gates[gate_count++] = first ? node : w->list[from];
            for (size_t g = 0; g < gate_count; g++) {
                const an__node *n = &p->nodes[gates[g]];
                for (size_t k = 0; k < n->need_count; k++) {
                    int other = n->needs[k];
                    if (w->seen[other]) continue;
                    w->seen[other] = true;
                    if (p->nodes[other].gate)
                        gates[gate_count++] = other;
                    else
                        w->list[w->count++] = other;
                }
            }
        }
        if (first) from = 0;
        w->end[w->levels++] = w->count;
    }
    free(gates);
}

static void walk_free(walk *w)
{
    free(w->list);
    free(w->end);
    free(w->seen);
}

static bool fail_missing(const an_pipeline *p, const an__node *n, const char *port, an_error *err)
{
    an_buf makers = { 0 };
    for (size_t i = 0; i < p->kind_count; i++)
        for (int k = 0; k < AN_PORTS_MAX && p->kinds[i]->outputs[k].name; k++)
            if (strcmp(p->kinds[i]->outputs[k].name, port) == 0) an_buf_printf(&makers, "%s%s", makers.size ? ", " : "", p->kinds[i]->name);
    an_fail(err, AN_INPUT, "%s: step \"%s\" (%s) needs \"%s\", and no step before it makes that", n->where, n->id, n->kind->name, port);
    an_where(err, "%s", n->where);
    if (makers.size) an_hint(err, "It is made by: %s. Put such a step before it, or name it in \"needs\".", makers.data);
    an_buf_free(&makers);
    return false;
}

static bool find_inputs(an_pipeline *p, int node, an_error *err)
{
    an__node *n = &p->nodes[node];
    walk w;
    walk_back(p, node, &w);
    bool good = true;
    for (int i = 0; good && i < AN_PORTS_MAX && n->kind->inputs[i].name; i++) {
        const char *port = n->kind->inputs[i].name;
        int from = -1, other = -1;
        size_t k = 0;
        for (size_t level = 0; level < w.levels && from < 0; level++)
            for (; k < w.end[level]; k++) {
                if (!makes(&p->nodes[w.list[k]], port)) continue;
                if (from < 0)
                    from = w.list[k];
                else if (other < 0)
                    other = w.list[k];
            }
        if (other >= 0) {
            an_fail(err, AN_INPUT, "%s: step \"%s\" could take its \"%s\" from \"%s\" or from \"%s\", which are equally near", n->where,
                    n->id, port, p->nodes[from].id, p->nodes[other].id);
            an_where(err, "%s", n->where);
            good = an_hint(err, "Name in \"needs\" only the one that is meant, or put one of the two after the other.");
        } else if (from >= 0) {
            n->input[n->input_count].port = port;
            n->input[n->input_count++].from = from;
        } else if (!n->kind->inputs[i].optional) {
            good = fail_missing(p, n, port, err);
        }
    }
    walk_free(&w);
    return good;
}

bool an__pipeline_plan(an_pipeline *p, an_error *err)
{
    if (!sort_nodes(p, err)) return false;
    for (size_t i = 0; i < p->count; i++)
        if (!p->nodes[p->order[i]].gate && !find_inputs(p, p->order[i], err)) return false;
    return true;
}

void an__pipeline_needs(const an_pipeline *p, int node, an_list *ids)
{
    walk w;
    walk_back(p, node, &w);
    for (size_t i = 0; i < w.end[0]; i++) an_list_add(ids, p->nodes[w.list[i]].id);
    walk_free(&w);
}
