/* act_data.c - data import, list, show, profile, split, export. */
#include "flow/acts.h"
#include "flow/steps.h"

#include <stdlib.h>
#include <string.h>

/* ---- import: the step of the same name, with a name ---------------------------------------------------------------------------- */

static json_t *import_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    bool cached = false;
    json_t *result = an__step_with(s, &an__step_import, options, NULL, NULL, NULL, job, &cached, err);
    if (cached) json_object_set_new(result, "existed", json_true());
    return result;
}

const an_act an__act_data_import = {
    .name = "data import",
    .args = "NAME FILE...",
    .doc = "read, check, type and store a table; say what it sets aside and why",
    .more = "Delimiter, decimal mark, encoding and header are detected unless given. With --target, columns that must not be learnt from "
            "are set aside\n"
            "(constant, empty, identifier, duplicate, leak); --keep brings one back. The same content is the same version.",
    .examples = { "andon data import press parts.csv --target broken --id serial",
                  "andon data import steel Faults.NNA --no-header --names Faults27x7_var --target Stains --drop Pastry,Bumps" },
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

static const an_param show_params[] = {
    AN_TEXT(name_options, name, NULL, "data set: NAME, NAME/3"),
    AN_PARAM_END,
};

static json_t *show_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)job;
    an_version_row row = { 0 };
    an_table *t = an__data_get(s, ((const name_options *)options)->name, &row, err);
    json_t *result = t ? an__data_json(row.name, row.version, &row.address, t, NULL) : NULL;
    an_table_free(t);
    an_version_row_free(&row);
    return result;
}

const an_act an__act_data_show = {
    .name = "data show",
    .args = "NAME",
    .doc = "columns, types, roles, and what was set aside",
    .examples = { "andon data show press", "andon data show press/2 --json" },
    .params = show_params,
    .options_size = sizeof(name_options),
    .run = show_run,
};

/* ---- profile ------------------------------------------------------------------------------------------------------------------------ */

static json_t *profile_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    an_version_row row = { 0 };
    an_table *t = an__data_get(s, ((const name_options *)options)->name, &row, err);
    json_t *result = t ? an_table_profile(t, job, err) : NULL;
    if (result) {
        json_object_set_new(result, "name", json_string(row.name));
        json_object_set_new(result, "version", json_integer(row.version));
    }
    an_table_free(t);
    an_version_row_free(&row);
    return result;
}

const an_act an__act_data_profile = {
    .name = "data profile",
    .args = "NAME",
    .doc = "what is in each column: range, quantiles, missing, association with the target",
    .examples = { "andon data profile press", "andon data profile press --json" },
    .params = show_params,
    .options_size = sizeof(name_options),
    .run = profile_run,
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
} export_options;

static const an_param export_params[] = {
    AN_TEXT(export_options, name, NULL, "data set: NAME, NAME/3"),
    AN_TEXT(export_options, out, NULL, "file to write: CSV, or Parquet when it ends in .parquet (default NAME.csv)"),
    AN_PARAM_END,
};

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
    if (t && (parquet ? an_parquet_write(t, path, err) : an_csv_write(t, path, err)))
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
    .examples = { "andon data export press --out press.csv", "andon data export press/2" },
    .params = export_params,
    .options_size = sizeof(export_options),
    .run = export_run,
};
