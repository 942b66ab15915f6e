/* fuse.c - groups nodes into steps and puts the steps in order.
 *
 * A step is one node, or a matrix product with its epilogue (bias, leaky ReLU, a factor, accumulation onto another product), or a chain:
 * elementwise nodes of one shape, computed block by block in cache. A merge is allowed where it makes no cycle. Parameters are written by
 * the step that computes the new value when everything that reads the old one can come first.
 */
#include "graph/program.h"

#include <stdlib.h>

typedef struct group {
    int32_t *item; /* ascending; the last one is the result of a product */
    int32_t count;
    int32_t *after; /* groups that must come first, besides the data's */
    int32_t afters;
    bool chain, alive;
    unsigned cuts;
    an__epilogue epilogue;
    int32_t bias, times, accumulate; /* items, -1 */
    uint32_t stamp;
} group;

typedef struct fuser {
    an_program *p;
    an_graph *g;
    int32_t *of; /* item -> group, -1: leaves and views */
    group *group;
    int32_t groups;
    int32_t *uses;  /* of an item: by nodes, outputs, updates */
    int32_t **user; /* nodes that use it */
    bool *root;     /* output or update value */
    uint32_t stamp;
    int32_t *stack;
} fuser;

/* ---- dependence ------------------------------------------------------------------------------------------------------------ */

/* Can `target` be reached going back from the inputs of `from`, direct == false: through at least one other group? */
static bool reaches(fuser *f, int32_t from, int32_t target, bool direct)
{
    int32_t depth = 0;
    uint32_t stamp = ++f->stamp;
    f->stack[depth++] = from;
    f->group[from].stamp = stamp;
    while (depth > 0) {
        int32_t at = f->stack[--depth];
        const group *a = &f->group[at];
        for (int32_t i = 0; i <= a->count; i++) {
            const an__item *it = i < a->count ? f->g->item[a->item[i]] : NULL;
            int32_t n = it != NULL ? it->inputs : a->afters;
            for (int32_t k = 0; k < n; k++) {
                int32_t next = it != NULL ? f->of[an__base(f->p, it->input[k])] : a->after[k];
                if (next < 0 || next == at) continue;
                while (!f->group[next].alive) /* merged away since the edge was made */
                    next = f->group[next].item[0];
                if (next == target && (direct || at != from)) return true;
                if (next == target || next == from || f->group[next].stamp == stamp) continue;
                f->group[next].stamp = stamp;
                f->stack[depth++] = next;
            }
        }
    }
    return false;
}

static int compare_ids(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static void merge(fuser *f, int32_t into, int32_t from)
{
    group *a = &f->group[into], *b = &f->group[from];
    a->item = an_resize_n(a->item, (size_t)(a->count + b->count), sizeof *a->item);
    memcpy(a->item + a->count, b->item, sizeof *b->item * (size_t)b->count);
    for (int32_t i = 0; i < b->count; i++) f->of[b->item[i]] = into;
    a->count += b->count;
    qsort(a->item, (size_t)a->count, sizeof *a->item, compare_ids);
    b->alive = false;
    b->item[0] = into;
    b->count = 1;
}

/* ---- products and their epilogues -------------------------------------------------------------------------------------------- */

/* The only user of an item, -1 when there are several, none, or it is asked for from outside. */
static int32_t only_user(const fuser *f, int32_t item)
{
    return f->uses[item] == 1 && !f->root[item] ? f->user[item][0] : -1;
}

static bool row_vector(const an_shape *s, int64_t n)
{
    for (int i = 0; i < s->rank - 1; i++)
        if (s->dim[i] != 1) return false;
    return s->rank >= 1 && s->dim[s->rank - 1] == n;
}

/* a value that some step writes anyway */
static bool written_anyway(const fuser *f, int32_t item)
{
    int32_t base = an__base(f->p, item);
    return base != item || f->of[base] < 0 || !f->group[f->of[base]].chain || f->uses[item] > 1 || f->root[item];
}

static bool take_epilogue(fuser *f, int32_t gi, int32_t at, int32_t next, int *stage)
{
    const an__item *it = f->g->item[next], *y = f->g->item[at];
    group *g = &f->group[gi];
    if (!an__shape_same(&it->shape, &y->shape) || f->of[next] < 0 || !f->group[f->of[next]].chain || f->group[f->of[next]].count != 1)
        return false;
    int32_t other = it->inputs == 2 ? it->input[it->input[0] == at] : -1;
    const an_shape *so = other >= 0 ? &f->g->item[other]->shape : NULL;
    if (it->op == &an__op_add && *stage < 1 && row_vector(so, y->shape.dim[y->shape.rank - 1])) {
        g->bias = other;
        *stage = 1;
    } else if (it->op == &an__op_leaky_relu && *stage < 2) {
        g->epilogue.leaky = true;
        g->epilogue.slope = it->attr.a;
        *stage = 2;
    } else if (it->op == &an__op_mul && *stage < 3 && an__shape_same(so, &y->shape) && other != at) {
        if (!written_anyway(f, other)) return false;
        g->times = other;
        *stage = 3;
    } else {
        return false;
    }
    merge(f, gi, f->of[next]);
    return true;
}

static void products(fuser *f)
{
    for (int32_t i = 0; i < f->g->count; i++) {
        if (f->of[i] < 0 || (f->g->item[i]->op->flags & AN__OP_PRODUCT) == 0) continue;
        int stage = 0;
        for (int32_t at = i, next; (next = only_user(f, at)) >= 0 && take_epilogue(f, f->of[i], at, next, &stage); at = next)
            ;
    }
    for (int32_t i = 0; i < f->g->count; i++) { /* product + something that nobody else reads: computed on top of it */
        const an__item *it = f->g->item[i];
        if (f->of[i] < 0 || it->op != &an__op_add || f->group[f->of[i]].count != 1) continue;
        for (int k = 1; k >= 0; k--) {
            int32_t u = it->input[k], v = it->input[1 - k], gu = f->of[u];
            if (gu < 0 || u == v || (f->g->item[u]->op->flags & AN__OP_PRODUCT) == 0 || f->group[gu].count != 1 || only_user(f, u) != i ||
                only_user(f, v) != i || f->of[v] < 0 || !an__shape_same(&f->g->item[u]->shape, &it->shape) ||
                !an__shape_same(&f->g->item[v]->shape, &it->shape) || reaches(f, f->of[v], gu, true))
                continue;
            f->group[gu].accumulate = v;
            merge(f, gu, f->of[i]);
            break;
        }
    }
}

/* ---- chains -------------------------------------------------------------------------------------------------------------------- */

/* Operands and operations that two groups have together; false where a chain cannot hold them. from may be the same group. */
static bool chain_fits(const fuser *f, const group *a, const group *b)
{
    int32_t in[AN_CHAIN_OPERANDS], inputs = 0, outputs = 0;
    if (a->count + b->count > AN_CHAIN_OPS) return false;
    for (int s = 0; s < 2; s++) {
        const group *x = s ? b : a;
        for (int32_t i = 0; i < x->count; i++) {
            const an__item *it = f->g->item[x->item[i]];
            for (int k = 0; k < it->inputs; k++) {
                int32_t id = it->input[k];
                bool inside = f->of[id] >= 0 && (&f->group[f->of[id]] == a || &f->group[f->of[id]] == b), known = false;
                for (int32_t j = 0; j < inputs; j++) known = known || in[j] == id;
                if (inside || known) continue;
                int32_t by = f->of[an__base(f->p, id)];
                if (inputs == AN_CHAIN_OPERANDS ||
                    (by >= 0 && (&f->group[by] == a || &f->group[by] == b))) /* a view of a result is read from memory */
                    return false;
                in[inputs++] = id;
            }
            bool outside = f->root[x->item[i]];
            for (int32_t k = 0; k < f->uses[x->item[i]] && !outside; k++) {
                int32_t u = f->user[x->item[i]][k];
                const group *gu = f->of[u] < 0 ? NULL : &f->group[f->of[u]];
                outside = gu != a && gu != b;
            }
            outputs += outside;
        }
    }
    return inputs + outputs <= AN_CHAIN_OPERANDS;
}

static bool same_space(const fuser *f, const group *a, const group *b)
{
    const an__item *x = f->g->item[a->item[0]], *y = f->g->item[b->item[0]];
    return a->chain && b->chain && x->dtype == y->dtype && an__shape_same(&x->shape, &y->shape) && (a->cuts & b->cuts) != 0;
}

static bool try_merge(fuser *f, int32_t a, int32_t b)
{
    if (a == b || !same_space(f, &f->group[a], &f->group[b]) || !chain_fits(f, &f->group[a], &f->group[b]) || reaches(f, a, b, false) ||
        reaches(f, b, a, false))
        return false;
    f->group[a].cuts &= f->group[b].cuts;
    merge(f, a, b);
    return true;
}

static bool shares_operand(const fuser *f, const group *a, const group *b)
{
    for (int32_t i = 0; i < a->count; i++)
        for (int k = 0; k < f->g->item[a->item[i]]->inputs; k++) {
            int32_t id = f->g->item[a->item[i]]->input[k];
            if (f->g->item[id]->shape.rank == 0) continue;
            for (int32_t j = 0; j < b->count; j++)
                for (int m = 0; m < f->g->item[b->item[j]]->inputs; m++)
                    if (f->g->item[b->item[j]]->input[m] == id) return true;
        }
    return false;
}

static void chains(fuser *f)
{
    for (int32_t i = 0; i < f->g->count; i++)
        for (int k = 0; f->of[i] >= 0 && f->group[f->of[i]].chain && k < f->g->item[i]->inputs; k++) {
            int32_t from = f->g->item[i]->input[k];
            if (f->of[from] >= 0) try_merge(f, f->of[from], f->of[i]);
        }
    for (int32_t a = 0; a < f->groups; a++) /* neighbours: the same operand read once, or next to nothing to compute */
        for (int32_t b = a + 1; f->group[a].alive && f->group[a].chain && b < f->groups; b++) {
            if (!f->group[b].alive || !f->group[b].chain || !same_space(f, &f->group[a], &f->group[b])) continue;
            const an_shape *s = &f->g->item[f->group[a].item[0]]->shape;
            if ((!an__shape_batch(s) && an__shape_count_at(s, 1) <= 1024) || shares_operand(f, &f->group[a], &f->group[b]))
                try_merge(f, a, b);
        }
}

/* ---- parameters written in place --------------------------------------------------------------------------------------------------- */

static bool reads(const fuser *f, const group *a, int32_t param, bool *whole)
{
    bool any = false;
    *whole = true;
    for (int32_t i = 0; i < a->count; i++) {
        const an__item *it = f->g->item[a->item[i]];
        for (int k = 0; k < it->inputs; k++)
            if (an__base(f->p, it->input[k]) == param) {
                any = true;
                *whole = *whole && it->input[k] == param;
            }
    }
    return any;
}

static void write_in_place(fuser *f)
{
    an_program *p = f->p;
    for (int32_t u = 0; u < p->updates && !p->plain; u++) {
        int32_t value = p->update_value[u], param = p->update_param[u], gi = f->of[value];
        bool ok = gi >= 0 && f->group[gi].accumulate < 0, whole;
        for (int32_t k = 0; k < u; k++) ok = ok && p->update_value[k] != value;
        if (!ok || (reads(f, &f->group[gi], param, &whole) && !(whole && f->group[gi].chain))) continue;
        for (int32_t r = 0; r < f->groups && ok; r++)
            if (r != gi && f->group[r].alive && reads(f, &f->group[r], param, &whole)) ok = !reaches(f, r, gi, true);
        if (!ok) continue;
        for (int32_t r = 0; r < f->groups; r++) {
            group *a = &f->group[gi];
            if (r == gi || !f->group[r].alive || !reads(f, &f->group[r], param, &whole)) continue;
            a->after = an_resize_n(a->after, (size_t)a->afters + 1, sizeof *a->after);
            a->after[a->afters++] = r;
        }
        p->update_direct[u] = true;
    }
}

/* ---- steps --------------------------------------------------------------------------------------------------------------------------- */

static bool used_outside(const fuser *f, int32_t item)
{
    bool outside = f->root[item];
    for (int32_t k = 0; k < f->uses[item] && !outside; k++) outside = f->of[f->user[item][k]] != f->of[item];
    return outside;
}

static int32_t index_of(const int32_t *list, int32_t n, int32_t id)
{
    for (int32_t i = 0; i < n; i++)
        if (list[i] == id) return i;
    return -1;
}

static void chain_step(fuser *f, const group *a, an__step *s)
{
    an_chain *c = an_alloc(sizeof *c);
    int32_t in[AN_CHAIN_OPERANDS], out[AN_CHAIN_OPERANDS] = { 0 }, inputs = 0, outputs = 0;
    for (int32_t i = 0; i < a->count; i++) {
        const an__item *it = f->g->item[a->item[i]];
        for (int k = 0; k < it->inputs; k++)
            if (index_of(a->item, a->count, it->input[k]) < 0 && index_of(in, inputs, it->input[k]) < 0) in[inputs++] = it->input[k];
    }
    c->inputs = inputs;
    c->count = a->count;
    for (int32_t i = 0; i < a->count; i++) {
        const an__item *it = f->g->item[a->item[i]];
        uint8_t arg[3] = { 0 };
        for (int k = 0; k < it->inputs; k++) {
            int32_t inside = index_of(a->item, a->count, it->input[k]);
            arg[k] = (uint8_t)(inside >= 0 ? inputs + inside : index_of(in, inputs, it->input[k]));
        }
        c->op[i] = (an_chain_op){ (uint8_t)(it->op->chain - 1), (uint8_t)(inputs + i), arg[0], arg[1], arg[2], it->attr.a, it->attr.b };
        if (used_outside(f, a->item[i])) {
            c->output[outputs] = (uint8_t)(inputs + i);
            out[outputs++] = a->item[i];
        }
    }
    c->outputs = outputs;
    s->chain = c;
    s->inputs = inputs;
    s->outputs = outputs;
    s->input = an_alloc_n((size_t)inputs + 1, sizeof *s->input);
    s->output = an_alloc_n((size_t)outputs + 1, sizeof *s->output);
    memcpy(s->input, in, sizeof *in * (size_t)inputs);
    memcpy(s->output, out, sizeof *out * (size_t)outputs);
}

static void plain_step(const fuser *f, const group *a, an__step *s)
{
    const an__item *it = f->g->item[s->item];
    s->input = an_alloc_n((size_t)it->inputs + 4, sizeof *s->input);
    s->inputs = it->inputs;
    for (int32_t k = 0; k < it->inputs; k++) s->input[k] = it->input[k];
    s->output = an_alloc_n(1, sizeof *s->output);
    s->outputs = 1;
    s->output[0] = a->item[a->count - 1];
    s->epilogue = a->epilogue;
    s->has_epilogue = a->count > 1;
    int *slot[] = { &s->epilogue.bias, &s->epilogue.times, &s->epilogue.accumulate };
    int32_t from[] = { a->bias, a->times, a->accumulate };
    for (int i = 0; i < 3; i++)
        if (from[i] >= 0) {
            *slot[i] = s->inputs;
            s->input[s->inputs++] = from[i];
        }
}

static void emit(fuser *f, const group *a)
{
    an__step *s = &f->p->step[f->p->steps++];
    const an__item *it = f->g->item[a->item[0]];
    *s = (an__step){ .op = it->op, .item = a->item[0], .shape = it->shape, .dtype = it->dtype };
    if (a->chain)
        chain_step(f, a, s);
    else
        plain_step(f, a, s);
}

/* Kahn's order, smallest last item first: close to the order of building, which keeps values short-lived. */
static void order(fuser *f)
{
    int32_t left = 0;
    bool *done = an_alloc_n((size_t)f->groups + 1, sizeof *done);
    for (int32_t i = 0; i < f->groups; i++) left += f->group[i].alive;
    f->p->step = an_alloc_n((size_t)left + 1, sizeof *f->p->step);
    for (; left > 0; left--) {
        int32_t best = -1;
        for (int32_t i = 0; i < f->groups; i++) {
            const group *a = &f->group[i];
            if (!a->alive || done[i] || (best >= 0 && a->item[a->count - 1] > f->group[best].item[f->group[best].count - 1])) continue;
            bool ready = true;
            for (int32_t k = 0; k < a->count && ready; k++) {
                const an__item *it = f->g->item[a->item[k]];
                for (int m = 0; m < it->inputs && ready; m++) {
                    int32_t from = f->of[an__base(f->p, it->input[m])];
                    ready = from < 0 || from == i || done[from];
                }
            }
            for (int32_t k = 0; k < a->afters && ready; k++) ready = done[a->after[k]];
            if (ready) best = i;
        }
        emit(f, &f->group[best]);
        done[best] = true;
    }
    free(done);
}

/* ---- the pass ------------------------------------------------------------------------------------------------------------------------ */

static void start(fuser *f)
{
    an_graph *g = f->g;
    size_t n = (size_t)g->count + 1;
    f->of = an_alloc_n(n, sizeof *f->of);
    f->group = an_alloc_n(n, sizeof *f->group);
    f->uses = an_alloc_n(n, sizeof *f->uses);
    f->user = an_alloc_n(n, sizeof *f->user);
    f->root = an_alloc_n(n, sizeof *f->root);
    f->stack = an_alloc_n(n, sizeof *f->stack);
    for (int32_t i = 0; i < f->p->outputs; i++) f->root[an__base(f->p, f->p->output[i])] = f->root[f->p->output[i]] = true;
    for (int32_t i = 0; i < f->p->updates; i++) f->root[an__base(f->p, f->p->update_value[i])] = f->root[f->p->update_value[i]] = true;
    for (int32_t i = 0; i < g->count; i++) {
        const an__item *it = g->item[i];
        f->of[i] = -1;
        for (int k = 0; k < it->inputs; k++) {
            int32_t from = it->input[k];
            f->user[from] = an_resize_n(f->user[from], (size_t)f->uses[from] + 1, sizeof *f->user[from]);
            f->user[from][f->uses[from]++] = i;
        }
        if (it->op->flags & AN__OP_LEAF || an__is_view(g, i)) continue;
        unsigned cuts = ~0u;
        for (int k = 0; k < it->inputs; k++) cuts &= an__shape_cuts(&g->item[it->input[k]]->shape, &it->shape);
        group *a = &f->group[f->groups];
        *a = (group){ .alive = true, .cuts = cuts, .bias = -1, .times = -1, .accumulate = -1, .count = 1 };
        a->chain = it->op->chain != 0 && it->dtype != AN_I64 && cuts != 0;
        a->item = an_alloc_n(1, sizeof *a->item);
        a->item[0] = i;
        f->of[i] = f->groups++;
    }
}

void an__fuse(an_program *p)
{
    fuser f = { .p = p, .g = p->graph };
    start(&f);
    if (!p->plain) {
        products(&f);
        chains(&f);
    }
    write_in_place(&f);
    order(&f);
    for (int32_t i = 0; i < f.groups; i++) {
        free(f.group[i].item);
        free(f.group[i].after);
    }
    for (int32_t i = 0; i < p->graph->count; i++) free(f.user[i]);
    free(f.of);
    free(f.group);
    free(f.uses);
    free(f.user);
    free(f.root);
    free(f.stack);
}
