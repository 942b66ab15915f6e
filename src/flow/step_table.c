/* step_table.c - the steps join, pivot and schema: registered tables in, a table out, what was found on the way in the result. The acts are
 * in act_table.c. */
#include "flow/act_table.h"
#include "flow/steps.h"

#include <stdlib.h>
#include <string.h>

/* ---- what they share ---- */

/* References as the versions they mean now: part of the cache key, as what a name means moves. */
static bool print_versions(an_store *s, char *const *references, size_t count, an_buf *text, an_error *err)
{
    for (size_t i = 0; i < count; i++) {
        an_version_row row = { 0 };
        if (!an_version_get(s, AN_NAME_DATA, references[i], &row, err)) return false;
        char hex[65];
        an_hash_hex(&row.address, hex);
        an_buf_printf(text, "%s/%lld %s\n", row.name, (long long)row.version, hex);
        an_version_row_free(&row);
    }
    return true;
}

static an_table *take(const an_step_context *c, const char *reference, an_version_row *row, an_error *err)
{
    an_table *t = an__data_get(c->store, reference, row, err);
    if (t && an_run_artifact(c->store, c->run, AN_EDGE_IN, "data", &row->address, err)) return t;
    an_table_free(t);
    return NULL;
}

static bool any_role(const an_roles *r)
{
    return r->target || r->positive || r->group || r->time || r->id || r->drop.count || r->keep.count || r->after_decision.count ||
           r->unit.count;
}

/* Roles as asked for; the key names the part unless another column does, and what was known to come after the decision stays so. */
static bool assign(an_table *t, const an_roles *asked, const char *key, an_list *notes, an_error *err)
{
    if (!any_role(asked)) return true;
    an_roles roles = *asked;
    an_list after = { 0 };
    for (size_t i = 0; i < asked->after_decision.count; i++) an_list_add(&after, asked->after_decision.items[i]);
    for (size_t j = 0; j < t->columns; j++) {
        const an_column *c = &t->column[j];
        bool known = c->role == AN_IGNORED && c->reason && !strcmp(c->reason, "after-decision");
        if (known && !an_list_has(&after, c->name) && !an_list_has(&asked->keep, c->name)) an_list_add(&after, c->name);
    }
    roles.after_decision = after;
    bool taken = key && ((asked->target && !strcmp(asked->target, key)) || (asked->group && !strcmp(asked->group, key)) ||
                         (asked->time && !strcmp(asked->time, key)) || an_list_has(&asked->drop, key));
    if (!asked->id && key && !taken) roles.id = (char *)(uintptr_t)key; /* read only */
    bool ok = an_table_assign(t, &roles, notes, err);
    an_list_free(&after);
    return ok;
}

/* Stores the table, registers it where there is a name, and puts the report into the result. */
static json_t *finish(const an_step_context *c, const char *name, const an_table *t, const an_list *notes, const char *what, json_t *report,
                      an_error *err)
{
    an_hash address;
    if (!an__table_put(c->store, t, "data", &address, err)) return NULL;
    an__value_set(c->outputs, "data", &address);
    json_t *result = name ? an__data_register(c->store, name, t, &address, c->run, notes, err) : an__data_json("", 0, &address, t, notes);
    if (result) json_object_set(result, what, report);
    return result;
}

/* "p9, p12 and 4 more" from a list of texts. */
static void some(const json_t *list, const char *key, json_int_t count, an_buf *out)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        if (i >= 5) break;
        an_buf_printf(out, "%s%.60s", i ? ", " : "", key ? an_json_string(item, key, "") : json_string_value(item));
    }
    if (count > 5) an_buf_printf(out, " and %lld more", (long long)count - 5);
}

static json_int_t whole(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static void note_list(an_list *notes, const json_t *list, const char *key, json_int_t count, const char *what, const char *name)
{
    if (!count) return;
    an_buf text = { 0 };
    an_buf_printf(&text, "%s: %s (%lld): ", name, what, (long long)count);
    some(list, key, count, &text);
    an_list_add_take(notes, an_buf_take(&text));
}

/* ---- join ---- */

const an_param an__join_step_params[] = {
    AN_TEXT(an_join_step, name, NULL, "name to register the joined data set under"),
    AN_LIST(an_join_step, table, NULL, "data sets to join: NAME, NAME/3; rows come in the order of the first"),
    AN_JOIN_PARAMS(offsetof(an_join_step, join)),
    AN_ROLES_PARAMS(offsetof(an_join_step, roles)),
    AN_PARAM_END,
};

static bool join_fingerprint(const an_step_context *c, const void *options, an_buf *text, an_error *err)
{
    const an_join_step *o = options;
    return print_versions(c->store, o->table.items, o->table.count, text, err);
}

static void join_notes(const json_t *report, an_list *notes)
{
    size_t i;
    json_t *table, *conflict, *note;
    json_array_foreach(json_object_get(report, "tables"), i, table) {
        const char *name = an_json_string(table, "name", "");
        note_list(notes, json_object_get(table, "unmatched"), NULL, whole(table, "unmatched_count"), "parts not in all tables", name);
        note_list(notes, json_object_get(table, "repeated"), "key", whole(table, "repeated_count"), "parts with several rows", name);
        if (whole(table, "attempts_alone"))
            an_list_add_take(
                notes, an_format("%s: %lld further attempts are left out, since another table has no attempt of that number at the same "
                                 "part; --parts all keeps them",
                                 name, (long long)whole(table, "attempts_alone")));
        if (whole(table, "without_key"))
            an_list_add_take(notes, an_format("%s: %lld rows have no key", name, (long long)whole(table, "without_key")));
    }
    json_array_foreach(json_object_get(report, "conflicts"), i, conflict) {
        if (!strcmp(an_json_string(conflict, "what", ""), "role"))
            an_list_add_take(notes, an_format("%s: set aside as a second %s beside %s", an_json_string(conflict, "column", ""),
                                              an_json_string(conflict, "role", ""), an_json_string(conflict, "kept", "")));
        else
            note_list(notes, json_object_get(conflict, "first"), NULL, whole(conflict, "rows"), "parts with different values in two tables",
                      an_json_string(conflict, "column", ""));
    }
    json_array_foreach(json_object_get(report, "notes"), i, note) an_list_add(notes, json_string_value(note));
}

static json_t *join_run(const an_step_context *c, const void *options, an_error *err)
{
    const an_join_step *o = options;
    if (o->name && !an_name_check("data set", o->name, err)) return NULL;
    size_t n = o->table.count, opened = 0;
    an_table **tables = an_alloc_n(n + 1, sizeof *tables), *joined = NULL;
    char **names = an_alloc_n(n + 1, sizeof *names);
    an_lines *lines = an_alloc_n(n + 1, sizeof *lines), from = { 0 };
    const an_lines **known = an_alloc_n(n + 1, sizeof *known);
    bool ok = true;
    for (; ok && opened < n; opened++) {
        an_version_row row = { 0 };
        bool found;
        tables[opened] = take(c, o->table.items[opened], &row, err);
        ok = tables[opened] && an__lines_get(c->store, row.run, &lines[opened], &found, err);
        if (ok && found) known[opened] = &lines[opened];
        bool before = false;
        for (size_t k = 0; ok && k < opened; k++) before = before || !strcmp(names[k], row.name);
        if (ok) names[opened] = before ? an_format("%s_%lld", row.name, (long long)row.version) : an_strdup(row.name);
        an_version_row_free(&row);
    }
    json_t *report = NULL, *result = NULL;
    an_join_options traced = o->join;
    traced.trace = true; /* where a row came from; taken out again unless asked for */
    if (ok) joined = an_table_join((const an_table *const *)tables, (const char *const *)names, n, &traced, &report, c->job, err);
    an_list notes = { 0 };
    if (joined && an_lines_join(joined, (const char *const *)names, known, n, o->join.trace, &from, err) && an__lines_put(c, &from, err)) {
        join_notes(report, &notes);
        char *key =
            o->join.on && !an_table_find(joined, o->join.on) ? an_strndup(o->join.on, strcspn(o->join.on, "=")) : an_strdup(o->join.on);
        if (assign(joined, &o->roles, key, &notes, err)) result = finish(c, o->name, joined, &notes, "join", report, err);
        free(key);
    }
    an_list_free(&notes);
    json_decref(report);
    an_table_free(joined);
    for (size_t k = 0; k < n; k++) {
        an_table_free(tables[k]);
        an_lines_free(&lines[k]);
        free(names[k]);
    }
    an_lines_free(&from);
    free(tables);
    free(names);
    free(lines);
    free(known);
    return result;
}

const an_step_kind an__step_join = {
    .name = "join",
    .doc = "tables of several stations side by side, by a key or by row; reworked, unmatched and repeated parts are listed",
    .params = an__join_step_params,
    .options_size = sizeof(an_join_step),
    .outputs = { { "data", false }, { "lines", true } },
    .fingerprint = join_fingerprint,
    .run = join_run,
};

/* ---- pivot ---- */

const an_param an__pivot_step_params[] = {
    AN_TEXT(an_pivot_step, name, NULL, "name to register the new data set under"),
    AN_TEXT(an_pivot_step, table, NULL, "data set with one row a measurement: NAME, NAME/3"),
    AN_TEXT(an_pivot_step, on, NULL, "column that names the part"),
    AN_TEXT(an_pivot_step, names, NULL, "column that tells the measurements of a part from each other, such as the number of the screw"),
    AN_LIST(an_pivot_step, values, NULL, "columns that were measured"),
    AN_CHOICE(an_pivot_step, attempts, "refuse", "refuse|first|last",
              "a measurement that a part has twice: refuse, take the first or the last"),
    AN_ROLES_PARAMS(offsetof(an_pivot_step, roles)),
    AN_PARAM_END,
};

static bool pivot_fingerprint(const an_step_context *c, const void *options, an_buf *text, an_error *err)
{
    const an_pivot_step *o = options;
    if (!o->table) return an_fail(err, AN_USAGE, "a pivot needs the name of a data set");
    return print_versions(c->store, &o->table, 1, text, err);
}

static json_t *pivot_run(const an_step_context *c, const void *options, an_error *err)
{
    const an_pivot_step *o = options;
    if (o->name && !an_name_check("data set", o->name, err)) return NULL;
    an_version_row row = { 0 };
    an_table *t = take(c, o->table, &row, err), *made = NULL;
    json_t *report = NULL, *result = NULL;
    an_list notes = { 0 };
    an_lines before = { 0 }, from = { 0 };
    bool known = false;
    if (t) made = an_table_pivot(t, o->on, o->names, &o->values, o->attempts, &report, c->job, err);
    bool traced = made && an__lines_get(c->store, row.run, &before, &known, err) &&
                  (!known || (an_lines_pivot(t, o->on, o->names, made, &before, &from, err) && an__lines_put(c, &from, err)));
    if (traced) {
        size_t i;
        json_t *conflict;
        note_list(&notes, json_object_get(report, "incomplete"), "key", whole(report, "incomplete_count"), "parts that lack a measurement",
                  row.name);
        note_list(&notes, json_object_get(report, "repeated"), "key", whole(report, "repeated_count"),
                  "measurements that came more than once", row.name);
        if (whole(report, "left_out"))
            an_list_add_take(&notes,
                             an_format("%s: %lld rows name no part or no measurement", row.name, (long long)whole(report, "left_out")));
        json_array_foreach(json_object_get(report, "conflicts"), i, conflict)
            note_list(&notes, json_object_get(conflict, "first"), NULL, whole(conflict, "parts"),
                      "parts with several values, of which the first is kept", an_json_string(conflict, "column", ""));
        if (assign(made, &o->roles, o->on, &notes, err)) result = finish(c, o->name, made, &notes, "pivot", report, err);
    }
    an_lines_free(&before);
    an_lines_free(&from);
    an_list_free(&notes);
    json_decref(report);
    an_table_free(made);
    an_table_free(t);
    an_version_row_free(&row);
    return result;
}

const an_step_kind an__step_pivot = {
    .name = "pivot",
    .doc = "from one row a measurement to one row a part: what was measured becomes columns",
    .params = an__pivot_step_params,
    .options_size = sizeof(an_pivot_step),
    .outputs = { { "data", false }, { "lines", true } },
    .fingerprint = pivot_fingerprint,
    .run = pivot_run,
};

/* ---- schema ---- */

const an_param an__schema_step_params[] = {
    AN_TEXT(an_schema_step, name, NULL, "data set: NAME, NAME/3"),
    AN_TEXT(an_schema_step, schema, NULL, "YAML file to apply; the result is a new version. Without it the schema is printed"),
    AN_TEXT(an_schema_step, to, NULL, "name to register the result under (default: the same name)"),
    AN_PARAM_END,
};

static char *schema_path(const an_step_context *c, const an_schema_step *o)
{
    return c->base_folder ? an_path_join(c->base_folder, o->schema) : an_strdup(o->schema);
}

static bool schema_fingerprint(const an_step_context *c, const void *options, an_buf *text, an_error *err)
{
    const an_schema_step *o = options;
    if (!o->name || !o->schema) return an_fail(err, AN_USAGE, "schema needs a data set and the file to apply");
    char *path = schema_path(c, o), hex[65];
    an_hash h;
    bool ok = an_hash_file(path, &h, err);
    free(path);
    if (!ok) return false;
    an_hash_hex(&h, hex);
    an_buf_printf(text, "%s\n", hex);
    return print_versions(c->store, &o->name, 1, text, err);
}

static void schema_notes(const json_t *report, an_list *notes)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(report, "converted"), i, item)
        an_list_add_take(notes, an_format("%s: converted from %s to %s", an_json_string(item, "column", ""),
                                          an_json_string(item, "from", ""), an_json_string(item, "to", "")));
    json_array_foreach(json_object_get(report, "sentinels"), i, item)
        an_list_add_take(notes,
                         an_format("%s: %lld cells meant missing", an_json_string(item, "column", ""), (long long)whole(item, "cells")));
    json_array_foreach(json_object_get(report, "constraints"), i, item) {
        const char *note = an_json_string(item, "note", NULL);
        if (note) an_list_add(notes, note);
    }
}

static json_t *schema_run(const an_step_context *c, const void *options, an_error *err)
{
    const an_schema_step *o = options;
    if (o->to && !an_name_check("data set", o->to, err)) return NULL;
    an_version_row row = { 0 };
    char *path = schema_path(c, o);
    an_hash file;
    an_table *t = take(c, o->name, &row, err);
    an_yaml *yaml = t ? an_yaml_read(path, err) : NULL;
    json_t *report = NULL, *result = NULL;
    an_list notes = { 0 };
    bool ok = yaml && an_store_put_file(c->store, path, &file, err) && an_run_artifact(c->store, c->run, AN_EDGE_IN, "file", &file, err);
    if (ok && !an_schema_apply(t, yaml, &report, err)) ok = an_context(err, "%s", path);
    an_lines lines = { 0 };
    bool known;
    if (ok) ok = an__lines_get(c->store, row.run, &lines, &known, err) && an__lines_put(c, &lines, err);
    an_lines_free(&lines);
    if (ok) {
        schema_notes(report, &notes);
        result = finish(c, o->to ? o->to : row.name, t, &notes, "schema", report, err);
    }
    an_list_free(&notes);
    json_decref(report);
    an_yaml_free(yaml);
    an_table_free(t);
    free(path);
    an_version_row_free(&row);
    return result;
}

const an_step_kind an__step_schema = {
    .name = "schema",
    .doc = "apply an edited schema: roles, types, units, limits, sentinels, constraints",
    .params = an__schema_step_params,
    .options_size = sizeof(an_schema_step),
    .outputs = { { "data", false }, { "lines", true } },
    .fingerprint = schema_fingerprint,
    .run = schema_run,
};
