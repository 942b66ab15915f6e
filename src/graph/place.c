/* place.c - where every value lies: views in their source, parts of a concat in the whole, results over inputs that die, and the rest in
 * one arena by lifetime.
 *
 * The arena is laid out largest buffer first, each at the lowest offset that is free for its lifetime ("greedy by size": Pisarchyk and Lee,
 * "Efficient memory management for deep neural net inference", arXiv 2001.03288, 2020).
 */
#include "graph/program.h"

#include <stdlib.h>

enum { ALIGN = 64, JOIN_MOST = 64 };

int64_t an__most_bytes(const an__item *it, int64_t rows)
{
    int64_t n = (int64_t)an_dtype_bytes(it->dtype);
    for (int i = 0; i < it->shape.rank; i++) {
        int64_t d = it->shape.dim[i];
        n *= d >= 0 ? d : rows * (-d >> 16) / (-d & 0xffff);
    }
    return n;
}

/* The buffer an item ends up in, -1: none of the arena's. */
static int32_t buffer_of(const an_program *p, int32_t item)
{
    while (p->value[item].where == AN__VIEW) item = p->value[item].of;
    return p->value[item].where == AN__BUFFER ? p->value[item].index : -1;
}

static void views(an_program *p)
{
    for (int32_t i = 0; i < p->graph->count; i++) {
        const an__item *it = p->graph->item[i];
        if (an__is_view(p->graph, i))
            p->value[i] = (an__value){
                .where = AN__VIEW, .of = it->input[0], .shape_of = it->input[0], .axis = (int)it->attr.axis, .start = it->attr.start
            };
    }
}

static void parameters(an_program *p)
{
    for (int32_t u = 0; u < p->updates; u++)
        if (p->update_direct[u]) p->value[p->update_value[u]] = p->value[p->update_param[u]];
}

static int32_t step_of(const an_program *p, int32_t item)
{
    for (int32_t s = 0; s < p->steps; s++)
        for (int32_t k = 0; k < p->step[s].outputs; k++)
            if (p->step[s].output[k] == item) return s;
    return -1;
}

/* Parts of a concat along the outermost axis are computed where they belong. */
static void joins(an_program *p)
{
    for (int32_t s = p->steps - 1; s >= 0; s--) {
        an__step *step = &p->step[s];
        const an__item *it = p->graph->item[step->item];
        bool outer = step->chain == NULL && it->op->flags & AN__OP_JOINS;
        for (int i = 0; outer && i < it->attr.axis; i++) outer = it->shape.dim[i] == 1;
        int64_t at = 0;
        for (int k = 0; outer && k < it->inputs && k < JOIN_MOST; k++) {
            int32_t part = it->input[k], by = step_of(p, part);
            if (p->value[part].where == AN__NOWHERE && by >= 0 && !p->step[by].epilogue.accumulate) {
                p->value[part] = (an__value){
                    .where = AN__VIEW, .of = step->output[0], .shape_of = step->output[0], .axis = (int)it->attr.axis, .start = at
                };
                step->skip |= UINT64_C(1) << k;
            }
            an__dim_add(at, p->graph->item[part]->shape.dim[it->attr.axis], &at);
        }
    }
}

/* ---- lifetimes ------------------------------------------------------------------------------------------------------------------ */

static void lives(an_program *p, int32_t item, int32_t step)
{
    int32_t b = buffer_of(p, item);
    if (b < 0) return;
    if (step < p->buffer[b].first) p->buffer[b].first = step;
    if (step > p->buffer[b].last) p->buffer[b].last = step;
}

static void buffers(an_program *p)
{
    p->buffer = an_alloc_n((size_t)p->graph->count + 1, sizeof *p->buffer);
    for (int32_t s = 0; s < p->steps; s++)
        for (int32_t k = 0; k < p->step[s].outputs; k++) {
            int32_t item = p->step[s].output[k];
            if (p->value[item].where != AN__NOWHERE) continue;
            p->value[item] = (an__value){ .where = AN__BUFFER, .index = p->buffers };
            p->buffer[p->buffers++] = (an__buffer){
                .bytes = an__most_bytes(p->graph->item[item], p->rows), .first = p->steps, .last = -1, .shared = p->step[s].skip != 0
            };
        }
    for (int32_t s = 0; s < p->steps; s++) {
        for (int32_t k = 0; k < p->step[s].outputs; k++) lives(p, p->step[s].output[k], s);
        for (int32_t k = 0; k < p->step[s].inputs; k++) lives(p, p->step[s].input[k], s);
    }
    for (int32_t i = 0; i < p->outputs; i++) lives(p, p->output[i], p->steps);
    for (int32_t i = 0; i < p->updates; i++) lives(p, p->update_value[i], p->steps);
}

static void take_over(an_program *p, int32_t item, int32_t b)
{
    int32_t was = p->value[item].index;
    p->buffer[was].gone = true;
    if (p->buffer[was].last > p->buffer[b].last) p->buffer[b].last = p->buffer[was].last;
    p->value[item].index = b;
}

/* Results take over the memory of inputs that nobody needs afterwards: sums over what they are added to, chains over an operand of the same
 * view. */
static void overwrite(an_program *p)
{
    for (int32_t s = 0; s < p->steps; s++) {
        an__step *step = &p->step[s];
        if (step->epilogue.accumulate) {
            int32_t item = step->output[0], v = step->input[step->epilogue.accumulate];
            if (p->value[item].where == AN__BUFFER) take_over(p, item, p->value[v].index);
            step->in_place++;
        }
        for (int32_t k = 0; step->chain != NULL && !p->plain && k < step->outputs; k++) {
            int32_t item = step->output[k];
            if (p->value[item].where != AN__BUFFER || p->buffer[p->value[item].index].shared) continue;
            for (int32_t i = 0; i < step->inputs; i++) {
                int32_t from = step->input[i], b = buffer_of(p, from);
                if (p->value[from].where != AN__BUFFER || p->buffer[b].shared || p->buffer[b].last != s ||
                    !an__shape_same(&p->graph->item[from]->shape, &step->shape))
                    continue;
                bool alone = true; /* no other operand looks into the same memory, no other output took it */
                for (int32_t j = 0; j < step->inputs; j++) alone = alone && (j == i || buffer_of(p, step->input[j]) != b);
                for (int32_t j = 0; j < step->outputs; j++) alone = alone && (j == k || buffer_of(p, step->output[j]) != b);
                if (!alone) continue;
                take_over(p, item, b);
                step->in_place++;
                break;
            }
        }
    }
}

/* ---- the arena --------------------------------------------------------------------------------------------------------------------- */

static int64_t padded(int64_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

static void arrange(an_program *p)
{
    int32_t *order = an_alloc_n((size_t)p->buffers + 1, sizeof *order), n = 0;
    for (int32_t b = 0; b < p->buffers; b++) {
        if (p->buffer[b].gone) continue;
        int32_t at = n++;
        for (; at > 0 && p->buffer[order[at - 1]].bytes < p->buffer[b].bytes; at--) order[at] = order[at - 1];
        order[at] = b;
    }
    for (int32_t i = 0; i < n; i++) {
        an__buffer *b = &p->buffer[order[i]];
        bool moved = true;
        for (b->offset = 0; moved;) {
            moved = false;
            for (int32_t k = 0; k < i; k++) {
                const an__buffer *o = &p->buffer[order[k]];
                bool meet = o->first <= b->last && b->first <= o->last && o->offset < b->offset + padded(b->bytes) &&
                            b->offset < o->offset + padded(o->bytes);
                if (meet) {
                    b->offset = o->offset + padded(o->bytes);
                    moved = true;
                }
            }
        }
        if (b->offset + padded(b->bytes) > p->arena) p->arena = b->offset + padded(b->bytes);
    }
    free(order);
}

void an__place(an_program *p)
{
    views(p);
    parameters(p);
    if (!p->plain) joins(p);
    buffers(p);
    overwrite(p);
    arrange(p);
}
