/* act_profile.c - data profile: what is in a data set, as JSON, and as a page with its tables. */
#include "flow/acts.h"
#include "flow/profile_page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct profile_options {
    char *name, *by, *out;
} profile_options;

static const an_param profile_params[] = {
    AN_TEXT(profile_options, name, NULL, "data set: NAME, NAME/3"),
    AN_TEXT(profile_options, by, NULL, "column whose values are held against each other, such as variant, line or shift"),
    AN_TEXT(profile_options, out, NULL, "write a page: F.html, and its tables as CSV beside it in F.tables"),
    AN_PARAM_END,
};

/* Tables of an earlier profile that this one does not have would be read as its own: they go. */
static bool write_tables(const an_report_tables *t, const char *folder, an_error *err)
{
    if (!an_folder_make(folder, err)) return false;
    bool ok = true;
    for (size_t i = 0; ok && an__profile_table_names[i]; i++) {
        char *name = an_format("%s.csv", an__profile_table_names[i]), *path = an_path_join(folder, name);
        const an_report_csv *own = NULL;
        for (size_t k = 0; k < t->count; k++)
            if (!strcmp(t->items[k].name, an__profile_table_names[i])) own = &t->items[k];
        if (own)
            ok = an_file_write(path, own->text.data, own->text.size, err);
        else if (remove(path) && errno != ENOENT)
            ok = an_fail_errno(err, "remove %s", path);
        free(name);
        free(path);
    }
    return ok;
}

static bool write_page(const json_t *profile, const char *path, an_error *err)
{
    an_report_tables tables = { 0 };
    an_buf html = { 0 };
    size_t n = strlen(path);
    bool ends = n > 5 && !strcmp(path + n - 5, ".html");
    char *folder = an_format("%.*s.tables", (int)(ends ? n - 5 : n), path);
    an__profile_render(profile, an_path_base(folder), &html, &tables);
    bool ok = write_tables(&tables, folder, err) && an_file_write(path, html.data, html.size, err);
    free(folder);
    an_buf_free(&html);
    an__report_tables_free(&tables);
    return ok;
}

static json_t *profile_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    enum { WIDE = 60 }; /* columns beyond which the matrix of correlations is in correlations.csv (--out) alone */
    const profile_options *o = options;
    an_version_row row = { 0 };
    an_table *t = an__data_get(s, o->name, &row, err);
    json_t *result = t ? an_table_profile_full(t, o->by, job, err) : NULL;
    if (result) {
        char text[32];
        json_object_set_new(result, "name", json_string(row.name));
        json_object_set_new(result, "version", json_integer(row.version));
        json_object_set_new(result, "by", o->by ? json_string(o->by) : json_null());
        if (o->out) {
            json_object_set_new(result, "id", an__hash_json(&row.address));
            json_object_set_new(result, "written", json_string(an_time_text(an_now_us() / 60000000 * 60000000, text)));
            an_job_stage(job, "writing the page");
            if (write_page(result, o->out, err)) {
                json_object_set_new(result, "out", json_string(o->out));
            } else {
                json_decref(result);
                result = NULL;
            }
        }
        json_t *correlation = json_object_get(result, "correlation");
        if (json_array_size(json_object_get(correlation, "columns")) > WIDE) json_object_del(correlation, "r_1000");
    }
    an_table_free(t);
    an_version_row_free(&row);
    return result;
}

const an_act an__act_data_profile = {
    .name = "data profile",
    .args = "NAME",
    .doc = "what is in a data set: findings first, then every column; as a page with --out",
    .more = "Stuck values, steps and drift over the time column, specification limits and capability (from the schema), outliers, missing "
            "cells by station, what goes with\n"
            "the target, suspected leaks, correlated blocks, balance by group and shift, rows that are there twice or nearly so across a "
            "split. Methods stand on the page.",
    .examples = { "andon data profile press --out press.html", "andon data profile press --by variant --out press.html" },
    .params = profile_params,
    .options_size = sizeof(profile_options),
    .run = profile_run,
};
