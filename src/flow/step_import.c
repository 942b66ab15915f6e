/* step_import.c - the step import: files to a typed table, under a schema where there is one, below the rows of a data set where asked, and
 * what there is to tell about it. */
#include "flow/import_notes.h"
#include "flow/steps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const an_param an__import_params[] = {
    AN_TEXT(an_import_options, name, NULL, "name to register the data set under; none: the table is handed on without one"),
    AN_LIST(an_import_options, file, NULL, "files to read; several with the same columns are put below each other"),
    AN_TEXT(an_import_options, schema, NULL,
            "YAML file with types, roles, units, limits, sentinels and constraints, as 'data schema' prints it"),
    AN_BOOL(an_import_options, append, 0,
            "put rows that are new below those of the data set, and fill cells that were missing; other values of an id are a conflict"),
    AN_BOOL(an_import_options, dry_run, 0, "say what would happen and store nothing"),
    AN_CSV_PARAMS(offsetof(an_import_options, csv)),
    AN_ROLES_PARAMS(offsetof(an_import_options, roles)),
    AN_PARAM_END,
};

/* Names of files in parameters are relative to the pipeline file. */
static char *resolve(const an_step_context *c, const char *path)
{
    return c->base_folder && path ? an_path_join(c->base_folder, path) : an_strdup(path);
}

static bool import_fingerprint(const an_step_context *c, const void *options, an_buf *text, an_error *err)
{
    const an_import_options *o = options;
    for (size_t i = 0; i < o->file.count + 2; i++) {
        const char *file = i < o->file.count ? o->file.items[i] : i == o->file.count ? o->csv.names : o->schema;
        if (!file) continue;
        char *path = resolve(c, file), hex[65];
        an_hash h;
        bool ok = an_hash_file(path, &h, err);
        free(path);
        if (!ok) return false;
        an_hash_hex(&h, hex);
        an_buf_printf(text, "%s %s\n", an_path_base(file), hex);
    }
    if (!o->append) return true;
    an_version_row row = { 0 };
    if (!o->name) return an_fail(err, AN_USAGE, "--append needs the name of a data set");
    if (!an_version_get(c->store, AN_NAME_DATA, o->name, &row, err)) {
        if (err && err->code == AN_NOT_FOUND) an_hint(err, "there is nothing to append to yet: import it without --append first");
        return false;
    }
    char hex[65];
    an_hash_hex(&row.address, hex);
    an_buf_printf(text, "below %s\n", hex);
    an_version_row_free(&row);
    return true;
}

/* ---- what an import gathers ------------------------------------------------------------------------------------------------------- */

typedef struct import {
    const an_step_context *c;
    const an_import_options *o;
    an_yaml *schema;
    an_table *table, *base; /* what is read; what it is put below */
    an_version_row base_row;
    an_lines lines;
    an_list notes;
    json_t *files, *append, *schema_report;
} import;

static void free_import(import *m)
{
    an_yaml_free(m->schema);
    an_table_free(m->table);
    an_table_free(m->base);
    an_version_row_free(&m->base_row);
    an_lines_free(&m->lines);
    an_list_free(&m->notes);
    json_decref(m->files);
    json_decref(m->append);
    json_decref(m->schema_report);
}

static const char *delimiter_name(char c, char text[2])
{
    text[0] = c;
    text[1] = 0;
    return c == ',' ? "comma" : c == ';' ? "semicolon" : c == '\t' ? "tab" : c == '|' ? "pipe" : c == ' ' ? "space" : text;
}

static json_t *dialect_json(const an_csv_dialect *d)
{
    char text[2], decimal[2] = { d->decimal, 0 }, thousands[2] = { d->thousands, 0 };
    if (!d->delimiter) return json_pack("{s:s}", "format", "parquet");
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:I}", "format", "text", "delimiter",
                     delimiter_name(d->delimiter, text), "decimal", decimal, "thousands",
                     d->thousands == ' ' ? "space"
                     : d->thousands      ? thousands
                                         : "none",
                     "encoding", d->encoding, "header_row", d->header ? json_integer((json_int_t)d->header_line) : json_null(), "units_row",
                     d->units_line ? json_integer((json_int_t)d->units_line) : json_null(), "date_order",
                     d->date_order ? json_string(d->date_order == 'd' ? "day first" : "month first") : json_null(), "titles",
                     (json_int_t)d->titles, "totals", (json_int_t)d->totals, "skipped", (json_int_t)d->skipped, "headers_again",
                     (json_int_t)d->headers_again);
}

/* Types that the cells must keep while they are read: texts such as 0012 stay texts under a schema, and in what is appended to. Dates that
 * a schema reads by their format are texts until then. */
static void keep_types(const import *m, an_list *type)
{
    const json_t *columns = m->schema ? json_object_get(an_yaml_root(m->schema), "columns") : NULL;
    const char *name;
    json_t *entry;
    json_object_foreach((json_t *)(uintptr_t)columns, name, entry) {
        const char *said = an_json_string(entry, "type", ""), *format = an_json_string(entry, "format", NULL);
        if (!strcmp(said, "text") || !strcmp(said, "category") || (format && !strcmp(said, "datetime")))
            an_list_add_take(type, an_format("%s=%s", name, !strcmp(said, "category") ? "category" : "text"));
    }
    for (size_t j = 0; m->base && j < m->base->columns; j++) {
        const an_column *c = &m->base->column[j];
        if (c->type == AN_TEXT || c->type == AN_CATEGORY) an_list_add_take(type, an_format("%s=text", c->name));
    }
}

/* Types of columns that the file has not are left to the comparison of columns, which names them all. */
static bool read_file(import *m, const char *file, const an_csv_options *csv, an_read_report *report, an_table **out, an_error *err)
{
    char *path = resolve(m->c, file);
    an_error why = { 0 };
    *out = an_table_read_report(path, csv, report, m->c->job, &why);
    if (!*out && why.code == AN_NOT_FOUND && strstr(why.message, "--type ") && csv->type.count > m->o->csv.type.count) {
        an_csv_options fewer = *csv;
        fewer.type = m->o->csv.type;
        an_read_report_free(report);
        why = (an_error){ 0 };
        *out = an_table_read_report(path, &fewer, report, m->c->job, &why);
    }
    if (!*out && err) *err = why;
    free(path);
    return *out != NULL;
}

static bool read_files(import *m, an_error *err)
{
    const an_import_options *o = m->o;
    an_csv_options csv = o->csv;
    char *names = resolve(m->c, csv.names), *bad = resolve(m->c, csv.skip_bad);
    csv.names = names;
    csv.type = (an_list){ 0 };
    for (size_t i = 0; i < o->csv.type.count; i++) an_list_add(&csv.type, o->csv.type.items[i]);
    keep_types(m, &csv.type);
    bool ok = true;
    for (size_t i = 0; ok && i < o->file.count; i++) {
        const char *file = o->file.items[i];
        an_read_report report = { 0 };
        an_table *t;
        char *bad_file = bad && o->file.count > 1 ? an_format("%s.%zu", bad, i + 1) : an_strdup(bad);
        csv.skip_bad = bad_file;
        ok = read_file(m, file, &csv, &report, &t, err);
        for (size_t k = 0; ok && k < report.notes.count; k++) {
            if (o->file.count > 1)
                an_list_add_take(&m->notes, an_format("%s: %s", file, report.notes.items[k]));
            else
                an_list_add(&m->notes, report.notes.items[k]);
        }
        if (ok) {
            json_array_append_new(m->files, json_pack("{s:s, s:I, s:o}", "name", file, "rows", (json_int_t)t->rows, "dialect",
                                                      dialect_json(&report.dialect)));
            for (size_t k = 0; k < report.lines.file.count; k++) { /* as the person named it */
                free(report.lines.file.items[k]);
                report.lines.file.items[k] = an_strdup(file);
            }
            size_t first = m->table ? m->table->rows : 0;
            ok = an_lines_gather(&m->lines, first, &report.lines, NULL, t->rows, err);
        }
        if (ok && !m->table) {
            m->table = t;
        } else if (ok) {
            an_table *both = an_table_stack(m->table, t, err);
            if (!both) ok = an_context(err, "%s below %s", file, o->file.items[0]);
            an_table_free(t);
            if (both) {
                an_table_free(m->table);
                m->table = both;
            }
        }
        an_read_report_free(&report);
        free(bad_file);
    }
    an_list_free(&csv.type);
    free(names);
    free(bad);
    return ok;
}

/* ---- roles, also those of a schema --------------------------------------------------------------------------------------------------- */

static const char *column_of(const an_table *t, an_role role)
{
    for (size_t j = 0; j < t->columns; j++) {
        if (t->column[j].role == role) return t->column[j].name;
    }
    return NULL;
}

/* The flags, and what the schema says where they are silent. */
static bool assign(import *m, an_error *err)
{
    an_table *t = m->table;
    an_roles all = { 0 };
    const an_roles *o = &m->o->roles;
    an_params_copy(an_roles_params, &all, o);
    if (m->schema) {
        if (!all.target) all.target = an_strdup(column_of(t, AN_TARGET));
        if (!all.group) all.group = an_strdup(column_of(t, AN_GROUP));
        if (!all.time) all.time = an_strdup(column_of(t, AN_TIME));
        if (!all.id) all.id = an_strdup(column_of(t, AN_ID));
        if (!all.positive && !o->target) all.positive = an_strdup(t->positive);
        for (size_t j = 0; j < t->columns; j++) {
            const an_column *c = &t->column[j];
            bool after = c->reason && !strcmp(c->reason, "after-decision");
            if (c->role == AN_IGNORED && !an_list_has(&all.keep, c->name)) an_list_add(after ? &all.after_decision : &all.drop, c->name);
            if (c->kept && !an_list_has(&all.keep, c->name)) an_list_add(&all.keep, c->name);
        }
    }
    bool ok = an_table_assign(t, &all, &m->notes, err);
    an_params_free(an_roles_params, &all);
    return ok;
}

static bool apply_schema(import *m, an_error *err)
{
    char *path = resolve(m->c, m->o->schema);
    bool ok = an_schema_apply(m->table, m->schema, &m->schema_report, err) || an_context(err, "%s", m->o->schema);
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(m->schema_report, "converted"), i, item)
        an_list_add_take(&m->notes, an_format("%s: converted from %s to %s", an_json_string(item, "column", ""),
                                              an_json_string(item, "from", ""), an_json_string(item, "to", "")));
    json_array_foreach(json_object_get(m->schema_report, "sentinels"), i, item)
        an_list_add_take(&m->notes, an_format("%s: %lld cells meant missing", an_json_string(item, "column", ""),
                                              (long long)json_integer_value(json_object_get(item, "cells"))));
    json_array_foreach(json_object_get(m->schema_report, "constraints"), i, item) {
        const char *note = an_json_string(item, "note", NULL);
        if (note) an_list_add(&m->notes, note);
    }
    free(path);
    return ok;
}

/* ---- below what is there
 * ------------------------------------------------------------------------------------------------------------------ */

/* What the data set did to its cells when they were read is done to the new ones: sentinels, and units converted from the file's. */
static bool as_before(import *m, an_error *err)
{
    json_t *columns = json_object();
    for (size_t j = 0; j < m->base->columns; j++) {
        const an_column *c = &m->base->column[j];
        const json_t *sentinels = json_object_get(c->spec, "sentinels"), *from = json_object_get(c->spec, "from");
        if (!an_table_find(m->table, c->name) || (!sentinels && !from)) continue;
        json_t *entry = json_object();
        if (sentinels) json_object_set(entry, "sentinels", (json_t *)(uintptr_t)sentinels);
        if (from && c->unit) {
            json_object_set(entry, "from", (json_t *)(uintptr_t)from);
            json_object_set_new(entry, "unit", json_string(c->unit));
        }
        json_object_set_new(columns, c->name, entry);
    }
    bool ok = true;
    if (json_object_size(columns)) {
        json_t *root = json_pack("{s:O}", "columns", columns);
        char *text = an_json_text(root, false);
        an_yaml *yaml = an_yaml_parse(text, strlen(text), "the schema of the data set", err);
        ok = yaml && an_schema_apply(m->table, yaml, NULL, err);
        an_yaml_free(yaml);
        free(text);
        json_decref(root);
    }
    json_decref(columns);
    return ok;
}

static bool any_role(const an_roles *r)
{
    return r->target || r->positive || r->group || r->time || r->id || r->drop.count || r->keep.count || r->after_decision.count;
}

static bool open_base(import *m, an_error *err)
{
    if (!m->o->append) return true;
    if (any_role(&m->o->roles) || m->o->schema) {
        an_fail(err, AN_USAGE,
                "--append takes roles and schema from the data set; --target, --id, --schema and so on cannot be given with it");
        return an_hint(err, "andon data schema NAME --schema F.yaml changes them for the whole data set");
    }
    if (!m->o->name) return an_fail(err, AN_USAGE, "--append needs the name of a data set");
    m->base = an__data_get(m->c->store, m->o->name, &m->base_row, err);
    return m->base != NULL;
}

/* The lines of new rows below those that were there; a row that was filled came from both its lines. */
static bool gather_lines(const import *m, const an_lines *before, const an_grown *g, an_lines *all, an_error *err)
{
    if (!an_lines_gather(all, 0, before, NULL, m->base->rows, err) ||
        !an_lines_gather(all, m->base->rows, &m->lines, g->row, g->count, err))
        return false;
    if (!g->filled_count) return true;
    size_t *to = an_alloc_data(m->table->rows + 1, sizeof *to, "the lines of rows", err);
    if (!to) return false;
    for (size_t i = 0; i < m->table->rows; i++) to[i] = SIZE_MAX;
    for (size_t k = 0; k < g->filled_count; k++) to[g->fill[k]] = g->filled[k];
    bool ok = an_lines_merge(all, m->base->rows + g->count, &m->lines, to, m->table->rows, err);
    free(to);
    return ok;
}

static bool append(import *m, an_error *err)
{
    an_grown g = { 0 };
    if (!as_before(m, err)) return false;
    an_table *grown = an_table_grow_rows(m->base, m->table, &g, &m->append, err);
    if (!grown) return an_context(err, "below %s/%lld", m->base_row.name, (long long)m->base_row.version);
    an_lines before = { 0 }, all = { 0 };
    bool found, ok = an__lines_get(m->c->store, m->base_row.run, &before, &found, err) && gather_lines(m, &before, &g, &all, err);
    ok = ok && an__append_notes(m->append, &m->base_row, &m->lines, m->table->rows, &before, m->base->rows, &m->notes, err);
    an_lines_free(&before);
    an_lines_free(&m->lines);
    m->lines = all;
    an_table_free(m->table);
    m->table = grown;
    an_grown_free(&g);
    return ok;
}

/* ---- all of it
 * ------------------------------------------------------------------------------------------------------------------------------ */

static bool gather(import *m, an_error *err)
{
    const an_import_options *o = m->o;
    if (!o->file.count) return an_fail(err, AN_USAGE, "import needs a file");
    if (o->name && !an_name_check("data set", o->name, err)) return false;
    m->files = json_array();
    if (!open_base(m, err)) return false;
    if (o->schema) {
        char *path = resolve(m->c, o->schema);
        m->schema = an_yaml_read(path, err);
        free(path);
        if (!m->schema) return false;
    }
    if (!read_files(m, err)) return false;
    if (m->schema && !apply_schema(m, err)) return false;
    if (m->base ? !append(m, err) : !assign(m, err)) return false;
    if (!m->base && !an__repeated_notes(m->table, column_of(m->table, AN_ID), &m->lines, &m->notes, err)) return false;
    an_table_codes(m->table, &m->notes);
    return true;
}

static void tell(const import *m, json_t *result)
{
    const json_t *first = json_array_get(m->files, 0);
    json_object_set(result, "dialect", json_object_get(first, "dialect"));
    json_object_set(result, "files", m->files);
    if (m->append) json_object_set(result, "append", m->append);
    if (m->schema_report) json_object_set(result, "schema", m->schema_report);
}

static json_t *import_run(const an_step_context *c, const void *options, an_error *err)
{
import m = {.c = c, .o = options };
    json_t *result = NULL;
    bool ok = gather(&m, err) && an_job_check(c->job, err);
    for (size_t i = 0; ok && i < m.o->file.count + (m.o->schema != NULL); i++) {
        char *path = resolve(c, i < m.o->file.count ? m.o->file.items[i] : m.o->schema);
        an_hash h;
        ok = an_store_put_file(c->store, path, &h, err) && an_run_artifact(c->store, c->run, AN_EDGE_IN, "file", &h, err);
        free(path);
    }
    if (ok && m.base) ok = an_run_artifact(c->store, c->run, AN_EDGE_IN, "data", &m.base_row.address, err);
    an_hash address;
    if (ok && an__table_put(c->store, m.table, "data", &address, err) && an__lines_put(c, &m.lines, err)) {
        an__value_set(c->outputs, "data", &address);
        result = m.o->name ? an__data_register(c->store, m.o->name, m.table, &address, c->run, &m.notes, err)
                           : an__data_json("", 0, &address, m.table, &m.notes);
    }
    if (result) tell(&m, result);
    free_import(&m);
    return result;
}

json_t *an__import_dry(an_store *s, const an_import_options *o, an_job *job, an_error *err)
{
    an_step_context c = { .store = s, .job = job };
import m = {.c = & c, .o = o };
    json_t *result = NULL;
    if (gather(&m, err)) {
        static const an_hash none;
        result = an__data_json(o->name ? o->name : "", 0, &none, m.table, &m.notes);
        json_t *rows = json_array();
        an_buf text = { 0 };
        for (size_t i = 0; i < m.table->rows && i < 5; i++) {
            json_t *row = json_array();
            for (size_t j = 0; j < m.table->columns; j++) {
                text.size = 0;
                if (m.table->column[j].type != AN_TENSOR) an_cell_text(&m.table->column[j], i, &text);
                json_array_append_new(row,
                                      an_valid(&m.table->column[j], i) ? json_stringn(text.data ? text.data : "", text.size) : json_null());
            }
            json_array_append_new(rows, row);
        }
        an_buf_free(&text);
        json_object_set_new(result, "id", json_null());
        json_object_set_new(result, "version", json_null());
        json_object_set_new(result, "dry_run", json_true());
        json_object_set_new(result, "first_rows", rows);
        tell(&m, result);
    }
    free_import(&m);
    return result;
}

const an_step_kind an__step_import = {
    .name = "import",
    .doc = "read files into a typed table; with a target, set roles and set aside what must not be learnt from",
    .params = an__import_params,
    .options_size = sizeof(an_import_options),
    .outputs = { { "data", false }, { "lines", true } },
    .fingerprint = import_fingerprint,
    .run = import_run,
};
