/* work.c - data sets, splits as key lists, registering, and calling steps from acts. */
#include "flow/work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- tables ------------------------------------------------------------------------------------------------------------------- */

an_table *an__table_get(an_store *s, const an_hash *address, an_error *err)
{
    an_artifact *a = an_artifact_get(s, address, err);
    if (!a) return NULL;
    an_table *t = an_table_load(a, err);
    an_artifact_free(a);
    return t;
}

an_table *an__data_get(an_store *s, const char *reference, an_version_row *row, an_error *err)
{
    an_version_row local = { 0 };
    if (!an_version_get(s, AN_NAME_DATA, reference, &local, err)) return NULL;
    an_table *t = an__table_get(s, &local.address, err);
    if (t && row)
        *row = local;
    else
        an_version_row_free(&local);
    return t;
}

an_table *an__table_file(const char *path, const an_csv_options *options, an_job *job, an_error *err)
{
    an_list notes = { 0 };
    an_table *t = an_table_read(path, options, NULL, &notes, job, err);
    for (size_t i = 0; i < notes.count; i++) an_job_say(job, "%s: %s", path, notes.items[i]);
    an_list_free(&notes);
    return t;
}

bool an__table_put(an_store *s, const an_table *t, const char *kind, an_hash *address, an_error *err)
{
    an_artifact *a = an_artifact_stage(s, err);
    if (!a) return false;
    if (an_table_save(t, a, err)) return an_artifact_put(s, a, kind, address, err);
    an_artifact_discard(a);
    return false;
}

/* ---- keys -------------------------------------------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void sort_distinct(an_keys *k)
{
    if (!k->count) return;
    qsort(k->key, k->count, sizeof *k->key, by_key);
    size_t n = 1;
    for (size_t i = 1; i < k->count; i++)
        if (k->key[i] != k->key[n - 1]) k->key[n++] = k->key[i];
    k->count = n;
}

void an__keys_free(an_keys *k)
{
    free(k->key);
    *k = (an_keys){ 0 };
}

bool an__keys_has(const an_keys *k, uint64_t key)
{
    return k->count && bsearch(&key, k->key, k->count, sizeof key, by_key);
}

void an__keys_unite(an_keys *into, const an_keys *more)
{
    into->key = an_resize_n(into->key, into->count + more->count + 1, sizeof *into->key);
    if (more->count) memcpy(into->key + into->count, more->key, more->count * sizeof *into->key);
    into->count += more->count;
    sort_distinct(into);
}

bool an__keys_of_rows(const an_table *t, const size_t *rows, size_t n, an_keys *out, an_error *err)
{
    *out = (an_keys){ 0 };
    uint64_t *all = an_alloc_data(t->rows + 1, sizeof *all, "row keys", err);
    if (!all || !an_table_row_keys(t, all, err)) {
        free(all);
        return false;
    }
    out->key = an_alloc_n(n + 1, sizeof *out->key);
    for (size_t i = 0; i < n; i++) out->key[i] = all[rows[i]];
    out->count = n;
    sort_distinct(out);
    free(all);
    return true;
}

bool an__keys_read(const an_artifact *a, const char *file, an_keys *out, an_error *err)
{
    an_buf b = { 0 };
    *out = (an_keys){ 0 };
    if (!an_artifact_read(a, file, &b, err)) return false;
    bool ok = b.size % 8 == 0 ||
              an_fail(err, AN_CORRUPT, "%s/%s holds %zu bytes, which is no list of 64-bit keys", an_artifact_folder(a), file, b.size);
    if (ok) {
        out->count = b.size / 8;
        out->key = an_alloc_n(out->count + 1, 8);
        memcpy(out->key, b.data, b.size);
    }
    an_buf_free(&b);
    return ok;
}

bool an__keys_write(an_artifact *a, const char *file, const an_keys *keys, an_error *err)
{
    return an_artifact_write(a, file, keys->count ? (const void *)keys->key : "", keys->count * 8, err);
}

/* ---- splits ------------------------------------------------------------------------------------------------------------------------ */

bool an__split_put(an_store *s, const an_table *t, const an_split *split, const an_keys *held_before, const an_split_options *o,
                   an_hash *address, an_error *err)
{
    an_keys test, held = { 0 };
    if (!an__keys_of_rows(t, split->test, split->test_count, &test, err)) return false;
    if (held_before) an__keys_unite(&held, held_before);
    an__keys_unite(&held, &test);
    json_t *j = json_pack("{s:I, s:I, s:f, s:I}", "train", (json_int_t)split->train_count, "test", (json_int_t)split->test_count, "share",
                          o->share > 0 ? o->share : 0.25, "seed", (json_int_t)o->seed);
    an_artifact *a = an_artifact_stage(s, err);
    bool ok = a && an_artifact_write_json(a, "split.json", j, err) && an__keys_write(a, "test.keys", &test, err) &&
              an__keys_write(a, "held.keys", &held, err);
    if (ok)
        ok = an_artifact_put(s, a, "split", address, err);
    else
        an_artifact_discard(a);
    json_decref(j);
    an__keys_free(&test);
    an__keys_free(&held);
    return ok;
}

bool an__split_get(an_store *s, const an_hash *address, const an_table *t, an_split *out, an_keys *test, an_error *err)
{
    an_keys keys = { 0 };
    *out = (an_split){ 0 };
    uint64_t *all = NULL;
    an_artifact *a = an_artifact_get(s, address, err);
    bool ok = a && an__keys_read(a, "test.keys", &keys, err);
    if (ok) {
        all = an_alloc_data(t->rows + 1, sizeof *all, "row keys", err);
        ok = all && an_table_row_keys(t, all, err);
    }
    if (ok) {
        out->train = an_alloc_n(t->rows + 1, sizeof *out->train);
        out->test = an_alloc_n(t->rows + 1, sizeof *out->test);
        const an_column *target = an_table_target(t, NULL);
        for (size_t i = 0; i < t->rows; i++) {
            if (an_table_unlabelled(target, i)) continue;
            if (!an_table_generated(t, i) && an__keys_has(&keys, all[i]))
                out->test[out->test_count++] = i;
            else
                out->train[out->train_count++] = i;
        }
        if (!out->test_count || !out->train_count) {
            ok = an_fail(err, AN_INPUT, "the split does not fit this data set: it leaves %zu rows to train on and %zu to test on",
                         out->train_count, out->test_count);
            an_split_free(out);
        }
    }
    if (ok && test)
        *test = keys;
    else
        an__keys_free(&keys);
    free(all);
    an_artifact_free(a);
    return ok;
}

bool an__parts_open(an_store *s, const an_hash *data, const an_hash *split, an_parts *out, an_error *err)
{
    *out = (an_parts){ .data = *data, .split_address = *split };
    out->table = an__table_get(s, data, err);
    if (out->table && an__split_get(s, split, out->table, &out->split, &out->test, err)) return true;
    an__parts_free(out);
    return false;
}

void an__parts_free(an_parts *p)
{
    an_table_free(p->table);
    an_split_free(&p->split);
    an__keys_free(&p->test);
    *p = (an_parts){ 0 };
}

/* ---- registering data --------------------------------------------------------------------------------------------------------------- */

json_t *an__hash_json(const an_hash *h)
{
    char hex[65];
    an_hash_hex(h, hex);
    return json_string(hex);
}

json_t *an__data_json(const char *name, int64_t version, const an_hash *address, const an_table *t, const an_list *notes)
{
    json_t *dropped = json_array(), *warnings = json_array();
    for (size_t i = 0; i < t->columns; i++) {
        const an_column *c = &t->column[i];
        if (c->role == AN_IGNORED)
            json_array_append_new(dropped, json_pack("{s:s, s:s}", "name", c->name, "reason", c->reason ? c->reason : "requested"));
    }
    for (size_t i = 0; notes && i < notes->count; i++) json_array_append_new(warnings, json_string(notes->items[i]));
    size_t generated = 0;
    for (size_t i = 0; i < t->rows; i++) generated += an_table_generated(t, i);
    if (generated) {
        char *text = an_format("%zu of %zu rows are generated (%s%s): trained on, never in a test part", generated, t->rows,
                               t->origins[0].generator, t->origin_count > 1 ? " and others" : "");
        json_array_append_new(warnings, json_string(text));
        free(text);
    }
    json_t *target = json_null(), *positives = json_null();
    const an_column *y = an_table_target(t, NULL);
    if (y) {
        target = json_string(y->name);
        uint8_t *label = an_alloc_n(t->rows + 1, 1);
        if (an_table_labels_known(t, label, NULL)) {
            json_int_t count = 0;
            for (size_t i = 0; i < t->rows; i++) count += label[i];
            positives = json_integer(count);
        }
        free(label);
    }
    return json_pack("{s:s, s:I, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:s?, s:o, s:o}", "name", name, "version", (json_int_t)version, "id",
                     an__hash_json(address), "rows", (json_int_t)t->rows, "generated", (json_int_t)generated, "unlabelled",
                     (json_int_t)(y ? y->missing : 0), "columns", an_table_columns_json(t), "target", target, "positives", positives,
                     "positive", t->positive, "dropped", dropped, "warnings", warnings);
}

json_t *an__data_register(an_store *s, const char *name, const an_table *t, const an_hash *address, const char *run, const an_list *notes,
                          an_error *err)
{
    if (!an_name_check("data set", name, err)) return NULL;
    json_t *meta = json_pack("{s:I}", "rows", (json_int_t)t->rows);
    const an_column *y = an_table_target(t, NULL);
    bool ok = true;
    char *told = NULL;
    if (y) {
        an_keys held;
        an_hash split_address;
        ok = an__held_keys(s, name, t, &held, &told, err);
        an_split split = { 0 };
        an_split_options o = { .held = held.key, .held_count = held.count };
        an_error why = { 0 };
        if (ok && !an_split_make(t, &o, &split, &why)) {
            /* too few of a class to split: the data set can still be looked at; training says so again */
            json_object_set_new(meta, "unsplit", json_string(why.message));
        } else if (ok) {
            ok = an__split_put(s, t, &split, &held, &o, &split_address, err);
            if (ok) json_object_set_new(meta, "split", an__hash_json(&split_address));
        }
        an_split_free(&split);
        an__keys_free(&held);
        if (ok) json_object_set_new(meta, "target", json_string(y->name));
    }
    json_t *j = NULL;
    int64_t version = 0;
    bool existed = false;
    if (ok && an_version_add(s, AN_NAME_DATA, name, address, run, meta, &version, &existed, err)) {
        j = an__data_json(name, version, address, t, notes);
        json_object_set_new(j, "existed", json_boolean(existed));
        if (told) json_array_append_new(json_object_get(j, "warnings"), json_string(told));
    }
    free(told);
    json_decref(meta);
    return j;
}

/* ---- steps from acts ----------------------------------------------------------------------------------------------------------------- */

const an_hash *an__need(const an_step_context *c, const char *port)
{
    return an_flow_value(c->inputs, port);
}

bool an__import_register(an_store *s, an_name_kind kind, const char *name, const an_hash *address, const json_t *params, uint64_t seed,
                         json_t *meta, int64_t *version, bool *existed, an_error *err)
{
    an_version_row before = { 0 };
    char *run = NULL;
    bool ok = true;
    if (an_version_by_address(s, address, &before, NULL)) {
        json_object_update(meta, before.meta);
        an_version_row_free(&before);
    } else {
        run = an_run_begin(s, "import", name, NULL, NULL, params, seed, err);
        ok = run && an_run_artifact(s, run, AN_EDGE_OUT, kind == AN_NAME_MODEL ? "model" : "generator", address, err) &&
             an_run_end(s, run, "done", NULL, NULL, err);
    }
    ok = ok && an_version_add(s, kind, name, address, run, meta, version, existed, err);
    free(run);
    return ok;
}

void an__value_set(an_flow_values *v, const char *port, const an_hash *address)
{
    for (int i = 0; i < v->count; i++)
        if (!strcmp(v->value[i].port, port)) {
            v->value[i].address = *address;
            return;
        }
    if (v->count == AN_PORTS_MAX) return;
    v->value[v->count].port = port;
    v->value[v->count++].address = *address;
}

json_t *an__step_with(an_store *s, const an_step_kind *kind, const void *options, const an_flow_values *inputs, an_flow_values *outputs,
                      const char *parent, an_job *job, bool *cached, an_error *err)
{
    static const an_flow_values nothing = { 0 };
    an_flow_values made = { 0 };
    bool was_cached = false;
    an_step_context c = { .store = s, .inputs = inputs ? inputs : &nothing, .outputs = &made, .job = job };
    json_t *result = an_step_run(kind, options, &c, parent, an_job_fresh(job), &was_cached, err);
    for (int i = 0; result && outputs && i < made.count; i++) an__value_set(outputs, made.value[i].port, &made.value[i].address);
    if (cached) *cached = was_cached;
    return result;
}

json_t *an__step_do(an_store *s, const char *use, json_t *set, const an_flow_values *inputs, an_flow_values *outputs, const char *parent,
                    an_job *job, an_error *err)
{
    const an_step_kind *kind = an_step_kind_find(use, err);
    json_t *result = NULL;
    if (kind) {
        void *options = an_alloc(kind->options_size + 1);
        an_params_defaults(kind->params, options);
        if (an_params_set_all(kind->params, options, set, err))
            result = an__step_with(s, kind, options, inputs, outputs, parent, job, NULL, err);
        an_params_free(kind->params, options);
        free(options);
    }
    json_decref(set);
    return result;
}

json_t *an__give_name(an_store *s, const char *what, const char *name, const an_flow_values *v, an_job *job, an_error *err)
{
    an_job *now = an_job_part(job, &(an_job_options){ .seed = an_job_seed(job), .fresh = true });
    json_t *named = an__step_do(s, "register", json_pack("{s:s, s:s}", "what", what, "name", name), v, NULL, NULL, now, err);
    an_job_free(now);
    return named;
}

/* ---- --set --------------------------------------------------------------------------------------------------------------------------- */

/* "0.5" as a number, "true" as a truth value, anything else as text: as a pipeline file would have it. */
static json_t *typed(const char *text)
{
    double number;
    if (!strcmp(text, "true") || !strcmp(text, "false")) return json_boolean(text[0] == 't');
    if (!an_real_parse(text, strlen(text), &number) || !isfinite(number)) return json_string(text);
    return number == floor(number) && fabs(number) < 9e15 ? json_integer((json_int_t)number) : json_real(number);
}

json_t *an__set_for(const an_list *set, const char *kind, an_error *err)
{
    json_t *out = json_object();
    size_t n = strlen(kind);
    for (size_t i = 0; i < set->count; i++) {
        const char *item = set->items[i], *equals = strchr(item, '='), *dot = strchr(item, '.');
        if (!equals) {
            an_fail(err, AN_USAGE, "--set %s has no '='", item);
            an_hint(err, "write it as --set width=256, or --set wgan.width=256");
            json_decref(out);
            return NULL;
        }
        const char *key = item;
        if (dot && dot < equals) {
            if ((size_t)(dot - item) != n || strncmp(item, kind, n)) continue;
            key = dot + 1;
        }
        char *name = an_strndup(key, (size_t)(equals - key));
        json_object_set_new(out, name, typed(equals + 1));
        free(name);
    }
    return out;
}

bool an__set_check(const an_list *set, const char *const *kinds, size_t count, an_error *err)
{
    for (size_t i = 0; i < set->count; i++) {
        const char *item = set->items[i], *equals = strchr(item, '='), *dot = strchr(item, '.');
        if (!equals || !dot || dot > equals) continue;
        char *prefix = an_strndup(item, (size_t)(dot - item));
        bool known = false;
        for (size_t k = 0; k < count; k++) known |= !strcmp(prefix, kinds[k]);
        if (!known) {
            const char *near = an_nearest(prefix, kinds, count);
            an_fail(err, AN_USAGE, "--set %s: nothing here is called '%s'", item, prefix);
            if (near) an_hint(err, "did you mean --set %s%s?", near, dot);
            free(prefix);
            return false;
        }
        free(prefix);
    }
    return true;
}
