/* gradient.c - reverse differentiation: walks back from y once, asks every row for its rule, adds what meets. Only what leads to some x is
 * built. */
#include "graph/op.h"

#include <stdlib.h>

static void backward(an_graph *g, an_node y, const an_node *x, int count, an_node *out)
{
    int32_t n = y.id + 1;
    bool *leads = an_alloc_n((size_t)n, sizeof *leads);     /* depends on some x */
    bool *reached = an_alloc_n((size_t)n, sizeof *reached); /* y depends on it */
    an_node *d = an_alloc_n((size_t)n, sizeof *d);
    for (int32_t i = 0; i < n; i++) d[i] = an__broken(g);
    for (int i = 0; i < count; i++)
        if (x[i].id < n) leads[x[i].id] = true;
    for (int32_t i = 0; i < n; i++)
        for (int k = 0; k < g->item[i]->inputs && g->item[i]->op->gradient != NULL; k++) leads[i] = leads[i] || leads[g->item[i]->input[k]];
    an_shape s = an_node_shape(y);
    reached[y.id] = true;
    d[y.id] = an__filled(g, an_node_dtype(y), &s, 1);
    int most = 0;
    for (int32_t i = 0; i < n; i++) most = g->item[i]->inputs > most ? g->item[i]->inputs : most;
    an_node *in = an_alloc_n((size_t)most + 1, sizeof *in), *dx = an_alloc_n((size_t)most + 1, sizeof *dx);
    bool *wants = an_alloc_n((size_t)most + 1, sizeof *wants);
    for (int32_t i = y.id; i >= 0; i--) {
        const an__item *it = g->item[i];
        if (!reached[i] || !leads[i] || d[i].id < 0 || it->op->gradient == NULL) continue;
        bool any = false;
        for (int k = 0; k < it->inputs; k++) {
            in[k] = (an_node){ g, it->input[k] };
            dx[k] = an__broken(g);
            wants[k] = leads[it->input[k]] && an_node_dtype(in[k]) != AN_I64;
            any = any || wants[k];
        }
        if (!any) continue;
        it->op->gradient(&(an__grad){ it, { g, i }, d[i], in, wants, dx });
        for (int k = 0; k < it->inputs; k++) {
            if (!wants[k] || dx[k].id < 0) continue;
            int32_t at = it->input[k];
            reached[at] = true;
            d[at] = d[at].id < 0 ? dx[k] : an_add(d[at], dx[k]);
        }
    }
    for (int i = 0; i < count; i++) {
        an_shape sx = an_node_shape(x[i]);
        out[i] = x[i].id < n && d[x[i].id].id >= 0 ? d[x[i].id] : an__filled(g, an_node_dtype(x[i]), &sx, 0);
    }
    free(leads);
    free(reached);
    free(d);
    free(in);
    free(dx);
    free(wants);
}

void an_gradients(an_node y, const an_node *x, int count, an_node *out)
{
    an_graph *g = y.graph;
    bool ok = y.id >= 0;
    if (ok && an_node_dtype(y) != AN_F32 && an_node_dtype(y) != AN_F64) ok = an__bad(g, "gradient: of %s", an_dtype_name(an_node_dtype(y)));
    for (int i = 0; ok && i < count; i++) {
        if (x[i].id < 0)
            ok = false;
        else if (x[i].graph != g)
            ok = an__bad(g, "gradient: y and x belong to different graphs");
        else if (an_node_dtype(x[i]) != AN_F32 && an_node_dtype(x[i]) != AN_F64)
            ok = an__bad(g, "gradient: with respect to %s", an_dtype_name(an_node_dtype(x[i])));
    }
    if (ok) backward(g, y, x, count, out);
    for (int i = 0; !ok && i < count; i++) out[i] = an__broken(g);
}

an_node an_gradient(an_node y, an_node x)
{
    an_node d = an__broken(y.graph);
    an_gradients(y, &x, 1, &d);
    return d;
}
