/* print.c - a program as text: what runs in which order, on which shapes, how many bytes, and where results lie. */
#include "graph/program.h"

#include <stdlib.h>

static void attributes(an_buf *b, const an__item *it)
{
    char number[32], dim[32];
    int n = 0;
    for (const an_param *a = it->op->attributes; a != NULL && a->name != NULL; a++) {
        const void *at = (const char *)&it->attr + a->offset;
        if (a->type == AN_PARAM_BOOL && !*(const bool *)at) continue;
        an_buf_printf(b, "%s%s", n++ ? ", " : " {", a->name);
        if (a->type == AN_PARAM_REAL)
            an_buf_printf(b, " %s", an_real_text(*(const double *)at, number));
        else if (a->type == AN_PARAM_INT)
            an_buf_printf(b, " %s", an__dim_text(*(const int64_t *)at, dim));
    }
    if (n) an_buf_puts(b, "}");
}

static void place(an_buf *b, const an_program *p, int32_t item)
{
    const an__value *v = &p->value[item];
    const an__item *it = p->graph->item[item];
    char dim[32];
    switch (v->where) {
    case AN__NOWHERE:
        an_buf_puts(b, "fused");
        break;
    case AN__VIEW:
        place(b, p, v->of);
        if (v->start != 0) an_buf_printf(b, " from %s", an__dim_text(v->start, dim));
        break;
    case AN__BUFFER:
        an_buf_printf(b, "b%d @%lld", (int)v->index, (long long)p->buffer[v->index].offset);
        break;
    case AN__INPUT:
        an_buf_printf(b, "input \"%s\"", it->name);
        break;
    case AN__PARAM:
        an_buf_printf(b, "param \"%s\"", p->graph->item[p->param[v->index]]->name);
        break;
    case AN__CONSTANT:
        an_buf_puts(b, "constant");
        break;
    }
}

static void operands(an_buf *b, const an_program *p, const an__step *s)
{
    for (int32_t i = 0; i < s->inputs; i++) {
        an_buf_printf(b, "%s%%%d ", i ? ", " : " <- ", (int)s->input[i]);
        place(b, p, s->input[i]);
    }
}

static void step_text(an_buf *b, const an_program *p, const an__step *s, int32_t index)
{
    char shape[96];
    an_buf_printf(b, "%4d  ", (int)index);
    for (int32_t i = 0; i < s->outputs; i++) {
        const an__item *it = p->graph->item[s->output[i]];
        an_buf_printf(b, "%s%%%d %s %s %lld bytes -> ", i ? "; " : "", (int)s->output[i], an_dtype_name(it->dtype),
                      an_shape_text(&it->shape, shape), (long long)an__most_bytes(it, p->rows));
        place(b, p, s->output[i]);
    }
    an_buf_puts(b, "\n        ");
    if (s->chain == NULL) {
        an_buf_puts(b, s->op->name);
        attributes(b, p->graph->item[s->item]);
        if (s->epilogue.accumulate) an_buf_puts(b, " onto");
        if (s->epilogue.bias) an_buf_puts(b, " + bias");
        if (s->epilogue.leaky) an_buf_puts(b, " | leaky_relu");
        if (s->epilogue.times) an_buf_puts(b, " | times");
    } else {
        for (int i = 0; i < s->chain->count; i++) an_buf_printf(b, "%s%s", i ? " | " : "", an__chain_name(s->chain->op[i].code));
    }
    operands(b, p, s);
    int in_place = 0;
    for (uint64_t m = s->skip; m != 0; m &= m - 1) in_place++;
    if (in_place) an_buf_printf(b, "  (%d parts computed in place)", in_place);
    if (s->in_place) an_buf_puts(b, "  (overwrites)");
    an_buf_puts(b, "\n");
}

char *an_program_print(const an_program *p)
{
    an_buf b = { 0 };
    int64_t separate = 0;
    for (int32_t i = 0; i < p->buffers; i++) separate += p->buffer[i].bytes;
    an_buf_printf(
        &b, "%s kernels, up to %lld rows: %d nodes, %d after simplification, %d steps, %lld bytes of scratch (%lld without sharing)\n",
        p->kernels->name, (long long)p->rows, (int)p->nodes_before, (int)p->graph->count, (int)p->steps, (long long)p->arena,
        (long long)separate);
    for (int32_t i = 0; i < p->steps; i++) step_text(&b, p, &p->step[i], i);
    for (int32_t i = 0; i < p->updates; i++) {
        an_buf_printf(&b, "update \"%s\" := %%%d%s\n", p->graph->item[p->update_param[i]]->name, (int)p->update_value[i],
                      p->update_direct[i] ? " (written by its step)" : " (copied)");
    }
    for (int32_t i = 0; i < p->outputs; i++) {
        an_buf_printf(&b, "output \"%s\" = %%%d ", p->name[i], (int)p->output[i]);
        place(&b, p, p->output[i]);
        an_buf_puts(&b, "\n");
    }
    return an_buf_take(&b);
}
