/* join_columns.c - the columns of a join: gathered from their tables, named, with one target and one id. */
#include "join.h"
#include "schema.h"

#include <stdlib.h>
#include <string.h>

/* ---- columns ---- */

typedef struct piece { /* one column of the result */
    size_t table, column;
    an_column made;
    bool ok;
} piece;

typedef struct gathering {
    const an__join *join;
    piece *piece;
    an_error *errors;
} gathering;

static void gather_piece(void *context, size_t index, int worker)
{
    (void)worker;
    gathering *g = context;
    piece *p = &g->piece[index];
    const an_column *from = &g->join->tables[p->table]->column[p->column];
    an__column_describe(&p->made, from);
    p->ok = an__gather(&p->made, from, g->join->source[p->table], g->join->rows, &g->errors[index]);
}

static bool named_twice(const an__join *j, size_t table, const char *name)
{
    if (j->attempts == AN__ALL && !strcmp(name, "attempt")) return true;
    if (table && j->key && !strcmp(name, j->key[0]->name)) return true; /* the key of the first table, but no key here */
    for (size_t t = 0; t < j->count; t++) {
        if (t != table && an_table_find(j->tables[t], name) && !(j->key && an_table_find(j->tables[t], name) == j->key[t])) return true;
    }
    return false;
}

/* The key column of the result: the type of the first table where all have it, else text. */
static bool make_key(const an__join *j, an_column *out, an_error *err)
{
    const an_column *first = j->key[0];
    bool same = true;
    for (size_t t = 1; t < j->count; t++) same = same && j->key[t]->type == first->type;
    uint32_t *from = NULL;
    bool one_source = true;
    for (size_t i = 0; one_source && i < j->rows; i++) one_source = j->source[0][i] != AN__NO_ROW;
    if (one_source) {
        an__column_describe(out, first);
        return an__gather(out, first, j->source[0], j->rows, err);
    }
    /* cells from whichever table has the part: all keys below each other as one column, then gathered */
    size_t at = 0;
    an_table stacked = { 0 };
    an_column below = { 0 };
    bool ok = true;
    for (size_t t = 0; ok && t < j->count; t++) {
        an_column text = { 0 }, *c = (an_column *)(uintptr_t)j->key[t]; /* borrowed for appending, not changed */
        if (!same) {
            ok = an__column_as_text(j->tables[t], j->key[t], &text, err);
            c = &text;
        }
        an_column one = ok ? *c : (an_column){ 0 };
        one.name = (char *)(uintptr_t)first->name;
        an_table part = { .rows = j->tables[t]->rows, .columns = 1, .column = &one };
        if (ok && !t) {
            an_table *copy = an_table_select_columns(&part, (const char *const[]){ first->name }, 1, err);
            ok = copy != NULL;
            if (ok) {
                below = copy->column[0];
                copy->columns = 0;
                an_table_free(copy);
            }
        } else if (ok) {
            stacked = (an_table){ .rows = at, .columns = 1, .column = &below };
            an_table *both = an_table_append(&stacked, &part, err);
            ok = both != NULL;
            if (ok) {
                an__column_free(&below);
                below = both->column[0];
                both->columns = 0;
                an_table_free(both);
            }
        }
        if (!same) an__column_free(&text);
        at += j->tables[t]->rows;
    }
    from = ok ? an_alloc_data(j->rows + 1, sizeof *from, "the rows of a join", err) : NULL;
    ok = from != NULL;
    for (size_t i = 0; ok && i < j->rows; i++) {
        size_t t = 0, before = 0;
        while (j->source[t][i] == AN__NO_ROW) before += j->tables[t++]->rows;
        from[i] = (uint32_t)(before + j->source[t][i]);
    }
    if (ok) {
        an_column like = *first;
        like.type = below.type;
        like.dictionary = below.dictionary;
        an__column_describe(out, &like);
        ok = an__gather(out, &below, from, j->rows, err);
    }
    an__column_free(&below);
    free(from);
    return ok;
}

/* A table has one target, one id: those of the first table that has one; what the others called so stays in the table, used by nobody. */
static void settle_role(an_table *out, an_column *c, json_t *conflicts)
{
    if (c->role == AN_FEATURE || c->role == AN_IGNORED) return;
    for (size_t k = 0; k + 1 < out->columns; k++) {
        if (out->column[k].role != c->role) continue;
        json_array_append_new(conflicts, json_pack("{s:s, s:s, s:s, s:s}", "column", c->name, "what", "role", "role", an_role_name(c->role),
                                                   "kept", out->column[k].name));
        free(c->reason);
        c->reason = an_format("second %s", an_role_name(c->role));
        c->role = AN_IGNORED;
        return;
    }
}

static bool push(an_table *out, an_column *c, json_t *conflicts, an_error *err)
{
    if (an_table_find(out, c->name)) {
        an_fail(err, AN_INPUT, "two columns of the join would be called %s", c->name);
        an_hint(err, "rename one in its file, or import a table under another name");
        an__column_free(c);
        return false;
    }
    settle_role(out, an__table_push(out, c), conflicts);
    *c = (an_column){ 0 };
    return true;
}

static bool add_numbers(an_table *out, char *name, const uint32_t *values, uint32_t base, an_error *err)
{
    an_column *c = an_table_add(out, name, AN_INTEGER, err);
    free(name);
    if (!c) return false;
    for (size_t i = 0; i < out->rows; i++) {
        if (values[i] == AN__NO_ROW) continue;
        c->integer[i] = (int64_t)values[i] + base;
        an_set_valid(c, i);
    }
    c->role = AN_IGNORED;
    c->reason = an_strdup("identifier");
    return true;
}

an_table *an__join_build(const an__join *j, bool trace, json_t *conflicts, an_job *job, an_error *err)
{
    size_t count = 0;
    for (size_t t = 0; t < j->count; t++) count += j->tables[t]->columns;
    gathering g = { .join = j, .piece = an_alloc_n(count + 1, sizeof *g.piece) };
    count = 0;
    for (size_t t = 0; t < j->count; t++) {
        for (size_t k = 0; k < j->tables[t]->columns; k++) {
            if (!j->key || &j->tables[t]->column[k] != j->key[t]) g.piece[count++] = (piece){ .table = t, .column = k };
        }
    }
    g.errors = an_alloc_n(count + 1, sizeof *g.errors);
    an_pool_each(an_job_pool(job), count, gather_piece, &g); /* column by column: independent, in any order */
    bool ok = an_job_check(job, err);
    for (size_t k = 0; ok && k < count; k++) {
        if (g.piece[k].ok) continue;
        if (err) *err = g.errors[k];
        ok = false;
    }
    an_table *out = an_table_new(j->rows);
    size_t done = 0;
    for (size_t t = 0; ok && t < j->count; t++) {
        size_t key_at = j->key ? (size_t)(j->key[t] - j->tables[t]->column) : SIZE_MAX;
        for (size_t k = 0; ok && k < j->tables[t]->columns; k++) {
            if (k == key_at) {
                if (t) continue;
                an_column key = { 0 };
                ok = make_key(j, &key, err);
                if (!ok) {
                    an__column_free(&key);
                    break;
                }
                bool other_id = false;
                for (size_t i = 0; i < j->tables[0]->columns; i++) other_id = other_id || j->tables[0]->column[i].role == AN_ID;
                if (!other_id && (key.role == AN_FEATURE || key.role == AN_IGNORED)) {
                    key.role = AN_ID;
                    free(key.reason);
                    key.reason = NULL;
                }
                ok = push(out, &key, conflicts, err) && (!j->attempt || add_numbers(out, an_strdup("attempt"), j->attempt, 0, err));
                continue;
            }
            an_column *c = &g.piece[done++].made;
            if (named_twice(j, t, c->name)) {
                char *name = an_format("%s.%s", j->names[t], c->name);
                free(c->name);
                c->name = name;
            }
            ok = push(out, c, conflicts, err);
        }
        if (ok && !out->positive) {
            const an_column *target = an_table_target(out, NULL);
            if (target) out->positive = an_strdup(j->tables[t]->positive);
        }
    }
    for (size_t t = 0; ok && trace && t < j->count; t++) ok = add_numbers(out, an_format("%s.row", j->names[t]), j->source[t], 1, err);
    for (size_t k = 0; k < count; k++) an__column_free(&g.piece[k].made);
    free(g.piece);
    free(g.errors);
    json_t *constraints = json_array();
    for (size_t t = 0; t < j->count; t++) json_array_extend(constraints, j->tables[t]->constraints);
    if (ok) an__constraints_keep(out, constraints);
    json_decref(constraints);
    if (ok) return out;
    an_table_free(out);
    return NULL;
}
