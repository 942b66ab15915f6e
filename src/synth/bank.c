/* bank.c - rows between rows: sampling, saving and loading of what `random` and the SMOTE kinds keep. Which rows and which neighbours is
 * smote.c's. */
#include "synth/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void an__bank_free(an_generator *g)
{
    an__bank *b = g->state;
    if (!b) return;
    an_table_free(b->rows);
    free(b->base);
    free(b->chance);
    free(b->near);
    free(b->reach);
    free(b);
    g->state = NULL;
}

/* ---- sampling ---- */

typedef struct step {         /* one generated row: base + share (other - base) */
    size_t base, other, slot; /* slot: index of the base in the bank */
    double share;
    an_rng rng; /* further draws (votes) */
} step;

static step draw(const an__bank *b, uint64_t seed, uint64_t row)
{
    step s = { .rng = an_rng_at(seed, row) };
    if (b->chance) {
        double u = an_rng_uniform(&s.rng);
        size_t low = 0, high = b->base_count - 1;
        while (low < high) {
            size_t middle = (low + high) / 2;
            if (b->chance[middle] > u)
                high = middle;
            else
                low = middle + 1;
        }
        s.slot = low;
    } else
        s.slot = (size_t)an_rng_below(&s.rng, b->base_count);
    s.base = s.other = (size_t)b->base[s.slot];
    size_t known = 0;
    while (known < b->k && b->near[s.slot * b->k + known] >= 0) known++;
    if (known) {
        size_t pick = s.slot * b->k + (size_t)an_rng_below(&s.rng, known);
        s.other = (size_t)b->near[pick];
        s.share = b->reach[pick] * an_rng_uniform(&s.rng);
    }
    return s;
}

/* The most frequent value among the neighbours of the base, ties by lot; `same` says whether two rows hold the same value. */
static size_t vote(const an__bank *b, const an_column *c, step *s)
{
    const int64_t *near = b->near + s->slot * b->k;
    size_t best = 0, tied = 0, winner = s->base;
    for (size_t i = 0; i < b->k && near[i] >= 0; i++) {
        size_t count = 0;
        bool first = true;
        for (size_t j = 0; j < b->k && near[j] >= 0; j++) {
            size_t p = (size_t)near[i], q = (size_t)near[j];
            bool valid = an_valid(c, p);
            bool same =
                valid == an_valid(c, q) && (!valid || (c->type == AN_CATEGORY ? c->code[p] == c->code[q] : c->boolean[p] == c->boolean[q]));
            if (same && j < i) first = false;
            count += same;
        }
        if (!first) continue;
        if (count > best) {
            best = count;
            tied = 1;
            winner = (size_t)near[i];
        } else if (count == best && an_rng_below(&s->rng, ++tied) == 0)
            winner = (size_t)near[i];
    }
    return winner;
}

/* Missing on both ends stays missing; missing on one end takes the other's value. */
static void mix(const an__bank *b, an_table *out, size_t column, step *steps)
{
    const an_column *c = &b->rows->column[column];
    an_column *o = &out->column[column];
    if (c->role == AN_TARGET || c->type == AN_TEXT || c->type == AN_TENSOR) return; /* as the base row has it */
    bool category = c->type == AN_CATEGORY || c->type == AN_BOOLEAN;
    for (size_t i = 0; i < out->rows; i++) {
        step *s = &steps[i];
        size_t from = s->base, to = s->other;
        if (category) {
            if (b->vote && s->other != s->base)
                from = vote(b, c, s);
            else if (s->share > 0.5)
                from = to;
            to = from;
        }
        if (!an_valid(c, from)) from = to;
        if (!an_valid(c, to)) to = from;
        if (!an_valid(c, from)) {
            if (an_valid(o, i)) an_set_missing(out, o, i);
            continue;
        }
        if (c->type == AN_CATEGORY)
            o->code[i] = c->code[from];
        else if (c->type == AN_BOOLEAN)
            o->boolean[i] = c->boolean[from];
        else if (c->type == AN_REAL)
            o->real[i] = c->real[from] + s->share * (c->real[to] - c->real[from]);
        else
            o->integer[i] = c->integer[from] + (int64_t)llround(s->share * (double)(c->integer[to] - c->integer[from]));
        if (!an_valid(o, i)) an_set_valid(o, i);
    }
}

an_table *an__bank_sample(const an_generator *g, uint64_t seed, uint64_t first_row, size_t n, an_job *job, an_error *err)
{
    const an__bank *b = g->state;
    if (!an_job_check(job, err)) return NULL;
    seed = an_seed_derive(seed, g->kind->name, 0);
    step *steps = an_alloc_data(n ? n : 1, sizeof *steps, "draws", err);
    size_t *base = an_alloc_data(n ? n : 1, sizeof *base, "row numbers", err);
    an_table *out = NULL;
    if (steps && base) {
        for (size_t i = 0; i < n; i++) {
            steps[i] = draw(b, seed, first_row + i);
            base[i] = steps[i].base;
        }
        out = an_table_select(b->rows, base, n, err);
    }
    if (out && b->k) {
        for (size_t j = 0; j < out->columns; j++) mix(b, out, j, steps);
    }
    free(steps);
    free(base);
    return out;
}

/* ---- files: table.bin and schema.json of the rows, bank.safetensors ---- */

static an_shape shape2(size_t a, size_t b)
{
    return (an_shape){ 2, { (int64_t)a, (int64_t)b } };
}

bool an__bank_save(const an_generator *g, an_artifact *a, json_t *meta, an_error *err)
{
    const an__bank *b = g->state;
    if (!an_table_save(b->rows, a, err)) return false;
    an_params *p = an_params_new();
    bool good = an_params_add(p, "base", AN_I64, shape2(b->base_count, 1), b->base, err) != NULL;
    if (good && b->chance) good = an_params_add(p, "chance", AN_F64, shape2(b->base_count, 1), b->chance, err) != NULL;
    if (good && b->k) {
        good = an_params_add(p, "near", AN_I64, shape2(b->base_count, b->k), b->near, err) &&
               an_params_add(p, "reach", AN_F64, shape2(b->base_count, b->k), b->reach, err);
    }
    an_buf bytes = { 0 };
    good = good && an_safetensors_save(p, NULL, &bytes, err) && an_artifact_write(a, "bank.safetensors", bytes.data, bytes.size, err);
    an_buf_free(&bytes);
    an_params_release(p);
    json_object_set_new(meta, "neighbours", json_integer((json_int_t)b->k));
    json_object_set_new(meta, "vote", json_boolean(b->vote));
    return good;
}

/* A copy of a tensor of `count` elements of type t, or NULL with AN_CORRUPT. */
static void *take(const an_params *p, const char *name, an_dtype t, size_t count, an_error *err)
{
    const an_tensor *tensor = an_params_get(p, name);
    if (!tensor || tensor->dtype != t || tensor->count != count) {
        an_fail(err, AN_CORRUPT, "bank.safetensors: tensor %s is absent or has the wrong shape", name);
        return NULL;
    }
    void *copy = an_alloc_data(count, an_dtype_bytes(t), name, err);
    if (copy) memcpy(copy, tensor->data, count * an_dtype_bytes(t));
    return copy;
}

static bool sound(const an__bank *b, an_error *err)
{
    for (size_t i = 0; i < b->base_count; i++) {
        if (b->base[i] < 0 || (size_t)b->base[i] >= b->rows->rows)
            return an_fail(err, AN_CORRUPT, "bank.safetensors: base %zu is no row", i);
        if (b->chance && !(b->chance[i] >= 0 && b->chance[i] <= 1))
            return an_fail(err, AN_CORRUPT, "bank.safetensors: chance %zu is not a share", i);
    }
    for (size_t i = 0; i < b->base_count * b->k; i++) {
        if (b->near[i] < -1 || (b->near[i] >= 0 && (size_t)b->near[i] >= b->rows->rows) || !(b->reach[i] >= 0 && b->reach[i] <= 1)) {
            return an_fail(err, AN_CORRUPT, "bank.safetensors: neighbour %zu is no row", i);
        }
    }
    return true;
}

bool an__bank_load(an_generator *g, const an_artifact *a, const json_t *meta, an_error *err)
{
    an__bank *b = an_alloc(sizeof *b);
    g->state = b;
    json_int_t k = json_integer_value(json_object_get(meta, "neighbours"));
    if (k < 0 || k > 100000) return an_fail(err, AN_CORRUPT, "generator.json: %lld neighbours", (long long)k);
    b->k = (size_t)k;
    b->vote = json_is_true(json_object_get(meta, "vote"));
    b->rows = an_table_load(a, err);
    if (!b->rows) return false;
    an_buf bytes = { 0 };
    an_params *p = an_artifact_read(a, "bank.safetensors", &bytes, err) ? an_safetensors_load(bytes.data, bytes.size, NULL, err) : NULL;
    an_buf_free(&bytes);
    if (!p) return false;
    const an_tensor *base = an_params_get(p, "base");
    bool good = base && base->count > 0;
    if (!good) an_fail(err, AN_CORRUPT, "bank.safetensors: tensor base is absent or empty");
    b->base_count = good ? base->count : 0;
    good = good && (b->base = take(p, "base", AN_I64, b->base_count, err));
    if (good && an_params_get(p, "chance")) good = (b->chance = take(p, "chance", AN_F64, b->base_count, err));
    if (good && b->k) {
        good = (b->near = take(p, "near", AN_I64, b->base_count * b->k, err)) &&
               (b->reach = take(p, "reach", AN_F64, b->base_count * b->k, err));
    }
    an_params_release(p);
    return good && sound(b, err);
}
