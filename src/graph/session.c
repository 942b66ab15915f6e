/* session.c - runs a program: memory for one thread of use, pointers worked out when the number of rows or a bound input changes, then
 * calls in order. */
#include "graph/program.h"

#include <stdlib.h>

typedef struct patch { /* a pointer into a bound input */
    void **at;
    int32_t input;
    int64_t bytes; /* offset */
} patch;

struct an_session {
    const an_program *program;
    an__call *call; /* one a step */
    an__arg *arg;
    an_operand *operand;
    void **bound; /* of inputs; NULL before the first run */
    void **param; /* of parameters */
    patch *patches;
    int32_t patch_count;
    char *arena;
    void *scratch;
    size_t scratch_bytes;
    int64_t rows; /* resolved for; -1: for none yet */
};

/* ---- resolving ------------------------------------------------------------------------------------------------------------- */

/* Bytes into the memory at the end of its views; *base is the value there. */
static int64_t offset_of(const an_program *p, int32_t item, int64_t rows, int32_t *base)
{
    int64_t bytes = 0;
    while (p->value[item].where == AN__VIEW) {
        const an__value *v = &p->value[item];
        const an__item *in = p->graph->item[v->shape_of];
        int64_t n = an_dim_at(v->start, rows) * (int64_t)an_dtype_bytes(in->dtype);
        for (int i = v->axis + 1; n != 0 && i < in->shape.rank; i++) n *= an_dim_at(in->shape.dim[i], rows);
        bytes += n;
        item = v->of;
    }
    *base = item;
    return bytes;
}

static void *locate(an_session *s, int32_t item, void **at)
{
    const an_program *p = s->program;
    int32_t base;
    int64_t bytes = offset_of(p, item, s->rows, &base);
    const an__value *v = &p->value[base];
    switch (v->where) {
    case AN__BUFFER:
        return s->arena + p->buffer[v->index].offset + bytes;
    case AN__PARAM:
        return (char *)s->param[v->index] + bytes;
    case AN__CONSTANT:
        return (char *)p->graph->item[base]->data + bytes;
    case AN__INPUT:
        if (at != NULL) s->patches[s->patch_count++] = (patch){ at, v->index, bytes };
        return NULL;
    case AN__NOWHERE:
    case AN__VIEW:
        break;
    }
    return NULL;
}

static void chain_run(const an__call *c)
{
    c->kernels->chain(c->out.dtype, c->chain, c->operand, c->chain_rows, c->chain_cols);
}

/* rows x columns of a chain and the strides of its operands in it */
static void cut(const an_program *p, const an__step *st, an__call *c, int64_t rows)
{
    an_shape s = { 0 }, x[AN_CHAIN_OPERANDS] = { 0 };
    unsigned cuts = ~0u;
    an__shape_at(&st->shape, rows, &s);
    for (int32_t i = 0; i < st->inputs; i++) {
        an__shape_at(&p->graph->item[st->input[i]]->shape, rows, &x[i]);
        cuts &= an__shape_cuts(&x[i], &s);
    }
    int at = 0;
    while ((cuts >> at & 1) == 0) at++;
    c->chain_rows = c->chain_cols = 1;
    for (int i = 0; i < s.rank; i++) *(i < at ? &c->chain_rows : &c->chain_cols) *= s.dim[i];
    for (int32_t i = 0; i < st->inputs; i++) {
        bool full[2] = { true, true };
        for (int d = 0; d < s.rank; d++) {
            int e = d - (s.rank - x[i].rank);
            if (s.dim[d] != 1 && (e < 0 || x[i].dim[e] == 1)) full[d >= at] = false;
        }
        c->operand[i].row = full[0] ? (full[1] ? c->chain_cols : 1) : 0;
        c->operand[i].col = full[1];
        if (full[1] && !full[0] && c->chain_rows == 1) c->operand[i].row = c->chain_cols;
    }
    for (int32_t i = 0; i < st->outputs; i++) c->operand[st->inputs + i] = (an_operand){ NULL, c->chain_cols, 1 };
}

static bool shapes_at(const an_program *p, int64_t rows, an_error *err)
{
    an_shape s;
    char text[96];
    for (int32_t i = 0; i < p->graph->count; i++)
        if (!an__shape_at(&p->graph->item[i]->shape, rows, &s))
            return an_fail(err, AN_INPUT, "%lld rows do not divide as %s needs", (long long)rows,
                           an_shape_text(&p->graph->item[i]->shape, text));
    return true;
}

/* Puts the bound inputs where calls read them; nothing is bound yet while the session is made. */
static void apply_patches(an_session *s)
{
    for (int32_t i = 0; i < s->patch_count; i++) {
        char *data = s->bound[s->patches[i].input];
        *s->patches[i].at = data == NULL ? NULL : data + s->patches[i].bytes;
    }
}

static bool resolve(an_session *s, int64_t rows, an_error *err)
{
    const an_program *p = s->program;
    if (!shapes_at(p, rows, err)) return false;
    an__arg *arg = s->arg;
    an_operand *operand = s->operand;
    size_t scratch = 0;
    s->rows = rows;
    s->patch_count = 0;
    for (int32_t i = 0; i < p->steps; i++) {
        const an__step *st = &p->step[i];
        an__call *c = &s->call[i];
        c->rows = rows;
        c->inputs = st->inputs;
        c->in = arg;
        c->operand = operand;
        c->chain = st->chain;
        c->item = p->graph->item[st->item];
        c->kernels = p->kernels;
        c->epilogue = st->has_epilogue ? &st->epilogue : NULL;
        c->skip = st->skip;
        if (st->chain != NULL) {
            c->run = chain_run;
            c->out.dtype = st->dtype;
            cut(p, st, c, rows);
            for (int32_t k = 0; k < st->inputs + st->outputs; k++)
                operand[k].data = locate(s, k < st->inputs ? st->input[k] : st->output[k - st->inputs], &operand[k].data);
            operand += st->inputs + st->outputs;
            continue;
        }
        c->run = st->op->cpu;
        for (int32_t k = 0; k <= st->inputs; k++) {
            int32_t item = k < st->inputs ? st->input[k] : st->output[0];
            an__arg *a = k < st->inputs ? arg++ : &c->out;
            a->dtype = p->graph->item[item]->dtype;
            an__shape_at(&p->graph->item[item]->shape, rows, &a->shape);
            a->count = an__shape_count_at(&p->graph->item[item]->shape, rows);
            a->data = locate(s, item, &a->data);
        }
        size_t need = st->op->scratch == NULL ? 0 : st->op->scratch(c);
        scratch = need > scratch ? need : scratch;
    }
    for (int32_t i = 0; i < p->steps; i++) {
        s->call[i].scratch = s->scratch;
        s->call[i].scratch_bytes = s->scratch_bytes;
    }
    apply_patches(s);
    if (scratch <= s->scratch_bytes) return true;
    s->rows = -1; /* only while the session is made: nothing needs more than at the most rows */
    if (s->scratch != NULL)
        return an_fail(err, AN_FAILED, "%lld rows need %zu bytes of scratch, %zu are there", (long long)rows, scratch, s->scratch_bytes);
    s->scratch_bytes = scratch;
    return true;
}

/* ---- making ------------------------------------------------------------------------------------------------------------------- */

static bool bind_params(an_session *s, an_params *params, an_error *err)
{
    const an_program *p = s->program;
    char a[96], b[96];
    for (int32_t i = 0; i < p->params; i++) {
        const an__item *it = p->graph->item[p->param[i]];
        an_tensor *t = params == NULL ? NULL : an_params_get(params, it->name);
        if (t == NULL) return an_fail(err, AN_NOT_FOUND, "the program needs a parameter \"%s\" that is not there", it->name);
        if (t->dtype != it->dtype || !an__shape_same(&t->shape, &it->shape))
            return an_fail(err, AN_INPUT, "parameter \"%s\" is %s %s, the program needs %s %s", it->name, an_dtype_name(t->dtype),
                           an_shape_text(&t->shape, a), an_dtype_name(it->dtype), an_shape_text(&it->shape, b));
        s->param[i] = t->data;
    }
    return true;
}

/* The most rows up to `rows` at which every shape is whole. */
static int64_t whole_rows(const an_program *p)
{
    for (int64_t rows = p->rows; rows > 0 && rows > p->rows - 65536; rows--)
        if (shapes_at(p, rows, NULL)) return rows;
    return 0;
}

an_session *an_session_new(const an_program *p, an_params *params, uint64_t seed, an_error *err)
{
    an_session *s = an_alloc(sizeof *s);
    size_t args = 0, operands = 0;
    for (int32_t i = 0; i < p->steps; i++)
        *(p->step[i].chain != NULL ? &operands : &args) += (size_t)(p->step[i].inputs + p->step[i].outputs);
    s->program = p;
    s->rows = -1;
    s->call = an_alloc_n((size_t)p->steps + 1, sizeof *s->call);
    s->arg = an_alloc_n(args + 1, sizeof *s->arg);
    s->operand = an_alloc_n(operands + 1, sizeof *s->operand);
    s->patches = an_alloc_n(args + operands + 1, sizeof *s->patches);
    s->bound = an_alloc_n((size_t)p->inputs + 1, sizeof *s->bound);
    s->param = an_alloc_n((size_t)p->params + 1, sizeof *s->param);
    int64_t most = whole_rows(p), tries[] = { most, most / 2, most / 4, 1 };
    bool ok = bind_params(s, params, err);
    if (ok && p->batch && most == 0)
        ok = an_fail(err, AN_INPUT, "no number of rows up to %lld divides as the program needs", (long long)p->rows);
    ok = ok && (s->arena = an_alloc_data((size_t)p->arena + 64, 1, "the scratch memory of a session", err)) != NULL;
    for (size_t i = 0; ok && i < AN_COUNT(tries); i++) { /* how much scratch kernels want */
        size_t was = s->scratch_bytes;
        if (shapes_at(p, tries[i], NULL)) resolve(s, tries[i], NULL);
        s->scratch_bytes = was > s->scratch_bytes ? was : s->scratch_bytes;
    }
    s->rows = -1;
    s->scratch_bytes = (s->scratch_bytes + 127) / 64 * 64;
    ok = ok && (s->scratch = an_alloc_data(s->scratch_bytes, 1, "the scratch memory of kernels", err)) != NULL;
    for (int32_t i = 0; i < p->steps; i++)
        s->call[i].key = an_seed_derive(seed, "draw", (uint64_t)p->graph->item[p->step[i].item]->attr.draw);
    if (!ok) {
        an_session_free(s);
        return NULL;
    }
    return s;
}

void an_session_free(an_session *s)
{
    if (s == NULL) return;
    free(s->call);
    free(s->arg);
    free(s->operand);
    free(s->patches);
    free(s->bound);
    free(s->param);
    free(s->arena);
    free(s->scratch);
    free(s);
}

/* ---- running --------------------------------------------------------------------------------------------------------------------- */

static bool bind_inputs(an_session *s, const an_run *run, bool *moved, an_error *err)
{
    const an_program *p = s->program;
    for (int32_t i = 0; i < p->inputs; i++) {
        const char *name = p->graph->item[p->input[i]]->name;
        const an_binding *b = NULL;
        if (i < run->input_count && strcmp(run->inputs[i].name, name) == 0) b = &run->inputs[i];
        for (int k = 0; b == NULL && k < run->input_count; k++)
            if (strcmp(run->inputs[k].name, name) == 0) b = &run->inputs[k];
        if (b == NULL || b->data == NULL) return an_fail(err, AN_INPUT, "input \"%s\" is not bound", name);
        void *data = (void *)(uintptr_t)b->data;
        *moved = *moved || data != s->bound[i];
        s->bound[i] = data;
    }
    return true;
}

bool an_session_run(an_session *s, const an_run *run, an_pool *pool, an_error *err)
{
    const an_program *p = s->program;
    bool moved = false;
    int64_t rows = p->batch ? run->rows : 0;
    if (p->batch && (rows < 1 || rows > p->rows))
        return an_fail(err, AN_INPUT, "a run of %lld rows, the program is planned for 1 .. %lld", (long long)rows, (long long)p->rows);
    if (!bind_inputs(s, run, &moved, err)) return false;
    if (rows != s->rows) {
        if (!resolve(s, rows, err)) return false;
    } else if (moved) {
        apply_patches(s);
    }
    uint64_t mode = an__float_mode_enter();
    for (int32_t i = 0; i < p->steps; i++) {
        an__call *c = &s->call[i];
        c->step = run->step;
        c->first_row = run->first_row;
        c->pool = pool;
        c->run(c);
    }
    an__float_mode_leave(mode);
    for (int32_t u = 0; u < p->updates; u++)
        if (!p->update_direct[u]) {
            const an__item *it = p->graph->item[p->update_param[u]];
            memcpy(s->param[p->value[p->update_param[u]].index], locate(s, p->update_value[u], NULL),
                   (size_t)an__shape_count_at(&it->shape, 0) * an_dtype_bytes(it->dtype));
        }
    return true;
}

const void *an_session_output(const an_session *s, const char *name)
{
    const an_program *p = s->program;
    for (int32_t i = 0; i < p->outputs && s->rows >= 0; i++)
        if (strcmp(p->name[i], name) == 0) return locate((an_session *)(uintptr_t)s, p->output[i], NULL);
    return NULL;
}
