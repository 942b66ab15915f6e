/* act_data.c - data import, list, show, split, export. */
#include "flow/acts.h"
#include "flow/steps.h"

#include <stdlib.h>
#include <string.h>

/* ---- import: the step of the same name, with a name ---------------------------------------------------------------------------- */

static json_t *import_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    const an_import_options *o = options;
    if (o->dry_run) return an__import_dry(s, o, job, err);
    static const an_flow_values nothing = { 0 };
    an_flow_values made = { 0 };
    bool cached = false;
    an_step_context c = { .store = s, .inputs = &nothing, .outputs = &made, .job = job };
    /* the file of refused rows is written by the work itself: a result from the cache would leave it out */
    json_t *result = an_step_run(&an__step_import, options, &c, NULL, an_job_fresh(job) || o->csv.skip_bad, &cached, err);
    if (cached) json_object_set_new(result, "existed", json_true());
    return result;
}

const an_act an__act_data_import = {
    .name = "data import",
    .args = "NAME FILE...",
    .doc = "read, check, type and store a table; say what it sets aside and why",
    .more = "Delimiter, decimal mark, encoding, header, titles above it, units below it and totals at the end are detected and shown, each "
            "with the flag that forces it; what can be read in two ways (1.234, 03/04/2026) is an error that names both.\n"
            "With --target, columns that must not be learnt from are set aside (constant, empty, identifier, duplicate, leak); --keep "
            "brings one back. The same content is the same version.\n"
            "--dry-run shows all this and stores nothing. --append puts new rows below those of the data set and lists conflicts.",
    .examples = { "andon data import press parts.csv --target broken --id serial", "andon data import press may.csv --append" },
    .params = an__import_params,
    .options_size = sizeof(an_import_options),
    .run = import_run,
};

/* ---- list, show --------------------------------------------------------------------------------------------------------------------- */

static json_t *version_json(const an_version_row *r)
{
    char time[32];
    json_t *j = json_pack("{s:s, s:I, s:o, s:s, s:s}", "name", r->name, "version", (json_int_t)r->version, "id", an__hash_json(&r->address),
                          "created", an_time_text(r->created_us, time), "aliases", r->aliases ? r->aliases : "");
    const char *key;
    json_t *value;
    json_object_foreach(r->meta, key, value)
        if (!json_object_get(j, key)) json_object_set(j, key, value);
    return j;
}

json_t *an__versions_json(an_store *s, an_name_kind kind, const char *name, an_error *err)
{
    an_version_row *rows = NULL;
    size_t count = 0;
    if (!an_version_list(s, kind, name, &rows, &count, err)) return NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, version_json(&rows[i]));
    an_version_rows_free(rows, count);
    return json_pack("{s:s, s:o}", "what", an_name_kind_text(kind), "rows", list);
}

typedef struct name_options {
    char *name;
} name_options;

static const an_param list_params[] = {
    AN_TEXT(name_options, name, NULL, "only the versions of this data set"),
    AN_PARAM_END,
};

static json_t *list_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)job;
    return an__versions_json(s, AN_NAME_DATA, ((const name_options *)options)->name, err);
}

const an_act an__act_data_list = {
    .name = "data list",
    .args = "[NAME]",
    .doc = "the data sets and their versions",
    .examples = { "andon data list", "andon data list press --json" },
    .params = list_params,
    .options_size = sizeof(name_options),
    .run = list_run,
};

typedef struct show_options {
    char *name;
    int64_t row;
} show_options;

static const an_param show_params[] = {
    AN_TEXT(show_options, name, NULL, "data set: NAME, NAME/3"),
    AN_INT(show_options, row, 0, 0, 1e15, "one row, from 1: its cells, and the files and lines it came from; 0: the columns"),
    AN_PARAM_END,
};

/* Files behind the rows, and how many lines of each. */
static json_t *sources_json(const an_lines *l)
{
    json_t *list = json_array();
    for (size_t f = 0; f < l->file.count; f++) {
        size_t lines = 0;
        for (size_t i = 0; i < l->count; i++) lines += l->run[i].file == f ? l->run[i].count : 0;
        json_array_append_new(list, json_pack("{s:s, s:I}", "name", l->file.items[f], "lines", (json_int_t)lines));
    }
    return list;
}

static json_t *row_json(const an_table *t, size_t row, const an_version_row *version, const an_lines *l, an_error *err)
{
    if (row >= t->rows) {
        an_fail(err, AN_USAGE, "--row %zu: %s/%lld has %zu rows", row + 1, version->name, (long long)version->version, t->rows);
        return NULL;
    }
    char **texts = an_lines_texts(l, t->rows, err);
    if (!texts) return NULL;
    json_t *cells = json_object();
    an_buf out = { 0 }, text = { 0 };
    an_buf_printf(&out, "%s/%lld, row %zu", version->name, (long long)version->version, row + 1);
    if (*texts[row]) an_buf_printf(&out, ", from %s", texts[row]);
    for (size_t j = 0; j < t->columns; j++) {
        const an_column *c = &t->column[j];
        text.size = 0;
        if (c->type != AN_TENSOR) an_cell_text(c, row, &text);
        json_object_set_new(cells, c->name, an_valid(c, row) ? json_stringn(text.data ? text.data : "", text.size) : json_null());
        an_buf_printf(&out, "\n  %-28s %.*s%s%s", c->name, (int)text.size, text.data ? text.data : "", c->unit && text.size ? " " : "",
                      c->unit && text.size ? c->unit : "");
    }
    json_t *result = json_pack("{s:s, s:I, s:I, s:s, s:o, s:s}", "name", version->name, "version", (json_int_t)version->version, "row",
                               (json_int_t)row + 1, "from", texts[row], "cells", cells, "text", out.data);
    an_buf_free(&out);
    an_buf_free(&text);
    for (size_t i = 0; i < t->rows; i++) free(texts[i]);
    free(texts);
    return result;
}

static json_t *show_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)job;
    const show_options *o = options;
    an_version_row row = { 0 };
    an_lines lines = { 0 };
    bool found = false;
    an_table *t = an__data_get(s, o->name, &row, err);
    json_t *result = NULL;
    if (t && an__lines_get(s, row.run, &lines, &found, err)) {
        result = o->row ? row_json(t, (size_t)o->row - 1, &row, &lines, err) : an__data_json(row.name, row.version, &row.address, t, NULL);
        if (result && !o->row && found) json_object_set_new(result, "sources", sources_json(&lines));
    }
    an_lines_free(&lines);
    an_table_free(t);
    an_version_row_free(&row);
    return result;
}

const an_act an__act_data_show = {
    .name = "data show",
    .args = "NAME",
    .doc = "columns, types, roles, what was set aside; one row and where it came from",
    .examples = { "andon data show press", "andon data show press/2 --row 17" },
    .params = show_params,
    .options_size = sizeof(show_options),
    .run = show_run,
};

/* ---- split --------------------------------------------------------------------------------------------------------------------------- */

typedef struct split_options {
    char *name, *out;
    double share;
    int64_t split_seed;
    bool ignore_time;
} split_options;

static const an_param split_params[] = {
    AN_TEXT(split_options, name, NULL, "data set: NAME, NAME/3"),
    AN_REAL(split_options, share, 0.25, 0.01, 0.9, "share of the test part"),
    AN_INT(split_options, split_seed, 0, 0, 9e15, "keys the hash that deals rows out; 0 is the default split of the data set"),
    AN_BOOL(split_options, ignore_time, 0, "stratify although there is a time column"),
    AN_TEXT(split_options, out, NULL, "write the parts as PREFIX.train.csv and PREFIX.test.csv"),
    AN_PARAM_END,
};

static bool export_part(const an_table *t, const size_t *rows, size_t n, const char *prefix, const char *part, an_error *err)
{
    an_table *p = an_table_select(t, rows, n, err);
    char *path = an_format("%s.%s.csv", prefix, part);
    bool ok = p && an_csv_write(p, path, err);
    free(path);
    an_table_free(p);
    return ok;
}

static json_t *split_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    const split_options *o = options;
    an_version_row row = { 0 };
    if (!an_version_get(s, AN_NAME_DATA, o->name, &row, err)) return NULL;
    an_flow_values in = { 0 }, out = { 0 };
    an__value_set(&in, "data", &row.address);
    json_t *set = json_pack("{s:f, s:I, s:b}", "share", o->share, "split_seed", (json_int_t)o->split_seed, "ignore_time", o->ignore_time);
    json_t *result = an__step_do(s, "split", set, &in, &out, NULL, job, err);
    if (result && o->out) {
        an_parts p;
        bool ok = an__parts_open(s, &row.address, an_flow_value(&out, "split"), &p, err) &&
                  export_part(p.table, p.split.train, p.split.train_count, o->out, "train", err) &&
                  export_part(p.table, p.split.test, p.split.test_count, o->out, "test", err);
        an__parts_free(&p);
        if (!ok) json_decref(result), result = NULL;
    }
    if (result) {
        json_object_set_new(result, "name", json_string(row.name));
        json_object_set_new(result, "version", json_integer(row.version));
    }
    an_version_row_free(&row);
    return result;
}

const an_act an__act_data_split = {
    .name = "data split",
    .args = "NAME",
    .doc = "training and test part: stratified, by group, or by time",
    .more = "75/25 unless --share. Within each class the rows with the smallest keyed hash of id or group (else of their content) are the "
            "test part; with a time column the\n"
            "newest quarter; with a group column whole groups. What was once a test row stays one in later versions of the data set.",
    .examples = { "andon data split press", "andon data split press --out parts" },
    .params = split_params,
    .options_size = sizeof(split_options),
    .run = split_run,
};

/* ---- export -------------------------------------------------------------------------------------------------------------------------- */

typedef struct export_options {
    char *name, *out;
    bool lines;
} export_options;

static const an_param export_params[] = {
    AN_TEXT(export_options, name, NULL, "data set: NAME, NAME/3"),
    AN_TEXT(export_options, out, NULL, "file to write: CSV, or Parquet when it ends in .parquet (default NAME.csv)"),
    AN_BOOL(export_options, lines, 0, "a column _from that says which files and lines a row came from"),
    AN_PARAM_END,
};

static bool add_lines(an_store *s, an_table *t, const an_version_row *row, an_error *err)
{
    an_lines lines = { 0 };
    bool found = false, ok = an__lines_get(s, row->run, &lines, &found, err);
    if (ok && !found) {
        ok = an_fail(err, AN_INPUT, "nobody knows where the rows of %s/%lld came from", row->name, (long long)row->version);
        an_hint(err, "it was made by a step that does not keep lines; import, --append, join, pivot and schema keep them");
    }
    char **texts = ok ? an_lines_texts(&lines, t->rows, err) : NULL;
    an_column *c = texts ? an_table_add(t, "_from", AN_TEXT, err) : NULL;
    ok = c != NULL;
    size_t size = 0;
    for (size_t i = 0; ok && i < t->rows; i++) size += strlen(texts[i]);
    if (ok && size) {
        c->text.bytes = an_alloc_data(size, 1, "where rows came from", err);
        ok = c->text.bytes != NULL;
    }
    for (size_t i = 0, at = 0; ok && i < t->rows; i++) {
        size_t n = strlen(texts[i]);
        if (n) memcpy(c->text.bytes + at, texts[i], n);
        at += n;
        c->text.offset[i + 1] = at;
        if (n) an_set_valid(c, i);
    }
    for (size_t i = 0; texts && i < t->rows; i++) free(texts[i]);
    free(texts);
    an_lines_free(&lines);
    return ok;
}

static json_t *export_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)job;
    const export_options *o = options;
    an_version_row row = { 0 };
    an_table *t = an__data_get(s, o->name, &row, err);
    char *path = t ? (o->out ? an_strdup(o->out) : an_format("%s.csv", row.name)) : NULL;
    json_t *result = NULL;
    size_t n = path ? strlen(path) : 0;
    bool parquet = n > 8 && !strcmp(path + n - 8, ".parquet");
    bool ready = t && (!o->lines || add_lines(s, t, &row, err));
    if (ready && (parquet ? an_parquet_write(t, path, err) : an_csv_write(t, path, err)))
        result = json_pack("{s:s, s:I, s:s, s:I}", "name", row.name, "version", (json_int_t)row.version, "out", path, "rows",
                           (json_int_t)t->rows);
    free(path);
    an_table_free(t);
    an_version_row_free(&row);
    return result;
}

const an_act an__act_data_export = {
    .name = "data export",
    .args = "NAME",
    .doc = "write a data set as CSV or Parquet",
    .examples = { "andon data export press --out press.csv", "andon data export press/2 --lines --out press.parquet" },
    .params = export_params,
    .options_size = sizeof(export_options),
    .run = export_run,
};
