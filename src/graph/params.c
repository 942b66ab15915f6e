/* params.c - named parameter tensors in a fixed order, and their initial values. Reading and writing them as files: safetensors.c. */
#include "andon/graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct an_params {
    an_tensor **items; /* pointers, so that a tensor never moves while others are added */
    size_t count, capacity;
};

an_params *an_params_new(void)
{
    return an_alloc(sizeof(an_params));
}

void an_params_release(an_params *p)
{
    if (!p) return;
    for (size_t i = 0; i < p->count; i++) {
        free(p->items[i]->name);
        free(p->items[i]->data);
        free(p->items[i]);
    }
    free(p->items);
    free(p);
}

an_tensor *an_params_get(const an_params *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++) {
        if (!strcmp(p->items[i]->name, name)) return p->items[i];
    }
    return NULL;
}

size_t an_params_count(const an_params *p)
{
    return p->count;
}

an_tensor *an_params_at(const an_params *p, size_t i)
{
    return i < p->count ? p->items[i] : NULL;
}

static bool count_elements(const char *name, an_dtype t, const an_shape *shape, size_t *count, an_error *err)
{
    size_t total = 1;
    bool overflow = false;
    if (shape->rank < 0 || shape->rank > AN_MAX_RANK) {
        return an_fail(err, AN_INPUT, "parameter %s has rank %d; 0 to %d are possible", name, shape->rank, AN_MAX_RANK);
    }
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dim[i] < 0) return an_fail(err, AN_INPUT, "parameter %s: dimension %d is not a fixed length", name, i);
    }
    for (int i = 0; i < shape->rank; i++) overflow |= __builtin_mul_overflow(total, (size_t)shape->dim[i], &total);
    for (int i = 0; i < shape->rank; i++) { /* a zero elsewhere must not hide an overflow from the order of the product */
        if (shape->dim[i] == 0) overflow = false, total = 0;
    }
    if (overflow || total > (size_t)PTRDIFF_MAX / an_dtype_bytes(t)) {
        return an_fail(err, AN_MEMORY, "parameter %s has more elements than an address can count", name);
    }
    *count = total;
    return true;
}

an_tensor *an_params_add(an_params *p, const char *name, an_dtype t, an_shape shape, const void *values, an_error *err)
{
    size_t count = 0;
    if (t != AN_F32 && t != AN_F64 && t != AN_I64) {
        an_fail(err, AN_INPUT, "parameter %s: type %s holds no numbers", name, an_dtype_name(t));
        return NULL;
    }
    if (an_params_get(p, name)) {
        an_fail(err, AN_INPUT, "there are two parameters named %s", name);
        return NULL;
    }
    if (!count_elements(name, t, &shape, &count, err)) return NULL;
    void *data = an_alloc_data(count ? count : 1, an_dtype_bytes(t), name, err);
    if (!data) return NULL;
    if (values && count) memcpy(data, values, count * an_dtype_bytes(t));
    if (p->count == p->capacity) {
        p->capacity = p->capacity ? 2 * p->capacity : 16;
        p->items = an_resize_n(p->items, p->capacity, sizeof *p->items);
    }
    an_tensor *tensor = an_alloc(sizeof *tensor);
    *tensor = (an_tensor){ .name = an_strdup(name), .dtype = t, .shape = shape, .data = data, .count = count };
    for (int i = shape.rank; i < AN_MAX_RANK; i++) tensor->shape.dim[i] = 0;
    p->items[p->count++] = tensor;
    return tensor;
}

/* NULL only when memory for the copied values is short. */
an_params *an_params_clone(const an_params *p)
{
    an_params *copy = an_params_new();
    for (size_t i = 0; i < p->count; i++) {
        const an_tensor *from = p->items[i];
        if (!an_params_add(copy, from->name, from->dtype, from->shape, from->data, NULL)) {
            an_params_release(copy);
            return NULL;
        }
    }
    return copy;
}

static bool same_shape(const an_shape *a, const an_shape *b)
{
    return a->rank == b->rank && (a->rank <= 0 || !memcmp(a->dim, b->dim, sizeof a->dim[0] * (size_t)a->rank));
}

bool an_params_assign(an_params *to, const an_params *from, an_error *err)
{
    for (int pass = 0; pass < 2; pass++) { /* check everything before the first value is written */
        for (size_t i = 0; i < to->count; i++) {
            an_tensor *target = to->items[i];
            const an_tensor *source = an_params_get(from, target->name);
            if (pass) {
                if (target->data != source->data) memcpy(target->data, source->data, target->count * an_dtype_bytes(target->dtype));
                continue;
            }
            if (!source) return an_fail(err, AN_INPUT, "the values given hold no parameter %s", target->name);
            if (source->dtype != target->dtype || !same_shape(&source->shape, &target->shape)) {
                char have[96], want[96];
                return an_fail(err, AN_INPUT, "parameter %s is %s %s, the values given are %s %s", target->name,
                               an_dtype_name(target->dtype), an_shape_text(&target->shape, want), an_dtype_name(source->dtype),
                               an_shape_text(&source->shape, have));
            }
        }
    }
    return true;
}

/* ---- initial values: a function of (seed, element index), the same draws for both types ------------------------------------------ */

enum { INIT_STREAM = 0x696e6974 };

/* Two uniforms of 53 bits for elements 2 * pair and 2 * pair + 1. */
static void draw_pair(uint64_t seed, size_t pair, double u[2])
{
    uint32_t words[4];
    an_philox(seed, INIT_STREAM, pair, words);
    for (int i = 0; i < 2; i++) u[i] = (double)((((uint64_t)words[2 * i] << 32) | words[2 * i + 1]) >> 11) * 0x1p-53;
}

static void store(an_tensor *t, size_t i, double value)
{
    if (i >= t->count) return;
    if (t->dtype == AN_F32) ((float *)t->data)[i] = (float)value;
    if (t->dtype == AN_F64) ((double *)t->data)[i] = value;
}

void an_init_uniform(an_tensor *t, double bound, uint64_t seed)
{
    for (size_t pair = 0; 2 * pair < t->count; pair++) {
        double u[2];
        draw_pair(seed, pair, u);
        for (size_t i = 0; i < 2; i++) store(t, 2 * pair + i, (2 * u[i] - 1) * bound);
    }
}

void an_init_normal(an_tensor *t, double sd, uint64_t seed)
{
    for (size_t pair = 0; 2 * pair < t->count; pair++) {
        double u[2];
        draw_pair(seed, pair, u);
        double radius = sd * sqrt(-2 * log(1 - u[0])), angle = 2 * M_PI * u[1];
        store(t, 2 * pair, radius * cos(angle));
        store(t, 2 * pair + 1, radius * sin(angle));
    }
}
