/* held.c - what was once a test row stays one: rows of earlier test parts recognised in a new version of a data set, also where that has
 * other columns or another id, so that their keys are not the same numbers. */
#include "flow/work.h"

#include <stdlib.h>
#include <string.h>

/* What the row keys of a table are made of. */
typedef struct basis {
    const char *id; /* NULL: content of `names` */
    an_list names;  /* features and target */
} basis;

static basis basis_of(const an_table *t)
{
    basis b = { 0 };
    for (size_t i = 0; i < t->columns; i++) {
        const an_column *c = &t->column[i];
        if (c->role == AN_ID && !b.id) b.id = c->name;
        if (c->role == AN_FEATURE || c->role == AN_TARGET) an_list_add(&b.names, c->name);
    }
    return b;
}

static bool same(const basis *a, const basis *b)
{
    if (a->id || b->id) return a->id && b->id && !strcmp(a->id, b->id);
    if (a->names.count != b->names.count) return false;
    for (size_t i = 0; i < a->names.count; i++)
        if (!an_list_has(&b->names, a->names.items[i])) return false;
    return true;
}

/* A basis that both tables have: the id of either where the other has that column too, else the columns they share. */
static basis common(const basis *a, const an_table *ta, const basis *b, const an_table *tb)
{
    basis c = { 0 };
    if (b->id && an_table_find(ta, b->id))
        c.id = b->id;
    else if (a->id && an_table_find(tb, a->id))
        c.id = a->id;
    for (size_t i = 0; !c.id && i < a->names.count; i++)
        if (an_table_find(tb, a->names.items[i])) an_list_add(&c.names, a->names.items[i]);
    return c;
}

static bool keys_over(const an_table *t, const basis *b, an_keys *out, an_error *err)
{
    *out = (an_keys){ .key = an_alloc_data(t->rows + 1, sizeof *out->key, "row keys", err), .count = t->rows };
    return out->key && an_table_row_keys_over(t, &b->names, b->id, out->key, err);
}

/* Adds to `held` the keys in t of the rows of `before` that are held, recognised by `shared`. *told: they tell rows apart well enough. */
static bool translate(const an_table *before, const basis *shared, const an_table *t, an_keys *held, bool *told, an_error *err)
{
    an_keys old = { 0 }, old_shared = { 0 }, now = { 0 }, now_shared = { 0 }, wanted = { 0 }, found = { 0 };
    size_t *rows = an_alloc_n(before->rows + t->rows + 1, sizeof *rows), n = 0;
    old.key = an_alloc_data(before->rows + 1, sizeof *old.key, "row keys", err);
    now.key = old.key ? an_alloc_data(t->rows + 1, sizeof *now.key, "row keys", err) : NULL;
    bool ok = now.key && an_table_row_keys(before, old.key, err) && an_table_row_keys(t, now.key, err) &&
              keys_over(before, shared, &old_shared, err) && keys_over(t, shared, &now_shared, err);
    if (ok) {
        an_keys full = { 0 }, few = { 0 };
        an_keys all = { old.key, before->rows };
        an__keys_unite(&full, &all);
        an__keys_unite(&few, &old_shared);
        *told = 10 * few.count >= 9 * full.count;
        an__keys_free(&full);
        an__keys_free(&few);
    }
    if (ok && *told) {
        an_keys some = { an_alloc_n(before->rows + 1, sizeof *some.key), 0 };
        for (size_t i = 0; i < before->rows; i++)
            if (an__keys_has(held, old.key[i])) some.key[some.count++] = old_shared.key[i];
        an__keys_unite(&wanted, &some);
        an__keys_free(&some);
        for (size_t i = 0; i < t->rows; i++)
            if (!an_table_generated(t, i) && an__keys_has(&wanted, now_shared.key[i])) rows[n++] = i;
        ok = an__keys_of_rows(t, rows, n, &found, err);
        if (ok) an__keys_unite(held, &found);
    }
    an__keys_free(&old);
    an__keys_free(&old_shared);
    an__keys_free(&now);
    an__keys_free(&now_shared);
    an__keys_free(&wanted);
    an__keys_free(&found);
    free(rows);
    return ok;
}

/* Columns alone, from the table's description: the rows of most versions need not be read. */
static bool unchanged(an_store *s, const an_hash *data, const basis *now, an_error *err)
{
    an_artifact *a = an_artifact_get(s, data, err);
    json_t *schema = a ? an_artifact_read_json(a, "schema.json", err) : NULL, *c;
    basis before = { 0 };
    size_t i;
    json_array_foreach(json_object_get(schema, "columns"), i, c) {
        const char *role = an_json_string(c, "role", ""), *name = an_json_string(c, "name", "");
        if (!strcmp(role, "id") && !before.id) before.id = name;
        if (!strcmp(role, "feature") || !strcmp(role, "target")) an_list_add(&before.names, name);
    }
    bool equal = schema && same(&before, now);
    an_list_free(&before.names);
    json_decref(schema);
    an_artifact_free(a);
    return equal;
}

bool an__held_keys(an_store *s, const char *name, const an_table *t, an_keys *held, char **note, an_error *err)
{
    an_version_row *rows = NULL;
    size_t count = 0;
    *held = (an_keys){ 0 };
    *note = NULL;
    if (!an_version_list(s, AN_NAME_DATA, name, &rows, &count, err)) return false;
    bool ok = true;
    for (size_t i = count; ok && i-- > 0;) { /* the newest split already holds the earlier ones */
        const char *hex = an_json_string(rows[i].meta, "split", NULL);
        an_hash address;
        if (!hex || !an_hash_parse(hex, &address)) continue;
        an_artifact *a = an_artifact_get(s, &address, err);
        ok = a && an__keys_read(a, "held.keys", held, err);
        an_artifact_free(a);
        basis now = basis_of(t);
        if (ok && !unchanged(s, &rows[i].address, &now, NULL)) {
            an_table *before = an__table_get(s, &rows[i].address, err);
            basis old = { 0 }, shared = { 0 };
            bool told = false;
            ok = before != NULL;
            if (ok) {
                old = basis_of(before);
                shared = common(&old, before, &now, t);
                ok = (!shared.id && !shared.names.count) || translate(before, &shared, t, held, &told, err);
            }
            if (ok && !told)
                *note = an_format(
                    "too few columns are those of version %lld for its rows to be recognised: the test part is drawn anew, and may hold "
                    "rows that earlier models were trained on; with an id column (--id) rows are recognised by name",
                    (long long)rows[i].version);
            an_list_free(&old.names);
            an_list_free(&shared.names);
            an_table_free(before);
        }
        an_list_free(&now.names);
        break;
    }
    an_version_rows_free(rows, count);
    return ok;
}
