/* act_table.c - data join, pivot, schema, diff, check. The work of the first three is in the steps of the same name (step_table.c). */
#include "flow/act_table.h"

#include <stdlib.h>
#include <string.h>

static json_t *step(an_store *s, const an_step_kind *kind, const void *options, an_job *job, an_error *err)
{
    bool cached = false;
    json_t *result = an__step_with(s, kind, options, NULL, NULL, NULL, job, &cached, err);
    if (cached) json_object_set_new(result, "existed", json_true());
    return result;
}

/* ---- join, pivot ---- */

static json_t *join_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    return step(s, &an__step_join, options, job, err);
}

const an_act an__act_data_join = {
    .name = "data join",
    .args = "NAME TABLE...",
    .doc = "put station tables side by side, by serial or by row",
    .more = "Rows come in the order of the first table; a column name that several tables have gets the table's name in front. Keys are "
            "compared as they are written: 0012 is not 12. Where the key has another name in each table, --on names one a table, in their "
            "order: --on Seriennummer=SerialNo=Serial; the first name stays.\n"
            "Parts missing from a table, parts with several rows and values that differ are listed. A part that comes several times is "
            "refused until --attempts says which row counts.",
    .examples = { "andon data join part press test --on serial --attempts last --target broken",
                  "andon data join part sensors verdicts --by-row" },
    .params = an__join_step_params,
    .options_size = sizeof(an_join_step),
    .run = join_run,
};

static json_t *pivot_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    return step(s, &an__step_pivot, options, job, err);
}

const an_act an__act_data_pivot = {
    .name = "data pivot",
    .args = "NAME TABLE",
    .doc = "from one row a screw to one row a part",
    .more = "The cells of each value column go to NAME_COLUMN, where NAME is the cell of --names: 3_torque. The other columns must agree\n"
            "within a part; where they do not, the first value is kept and the parts are listed.",
    .examples = { "andon data pivot part screws --on serial --names screw --values torque,angle",
                  "andon data pivot weld spots --on body --names spot --values current --attempts last" },
    .params = an__pivot_step_params,
    .options_size = sizeof(an_pivot_step),
    .run = pivot_run,
};

/* ---- schema ---- */

static json_t *schema_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    const an_schema_step *o = options;
    if (o->schema) return step(s, &an__step_schema, options, job, err);
    if (o->to) {
        an_fail(err, AN_USAGE, "--to names what --schema makes, and there is no --schema");
        return NULL;
    }
    an_version_row row = { 0 };
    an_table *t = an__data_get(s, o->name, &row, err);
    if (!t) return NULL;
    an_buf text = { 0 };
    an_schema_text(t, &text);
    while (text.size && text.data[text.size - 1] == '\n') text.data[--text.size] = 0; /* who prints it ends the line */
    json_t *result = json_pack("{s:s, s:I, s:s}", "name", row.name, "version", (json_int_t)row.version, "text", text.data);
    an_buf_free(&text);
    an_table_free(t);
    an_version_row_free(&row);
    return result;
}

const an_act an__act_data_schema = {
    .name = "data schema",
    .args = "NAME",
    .doc = "print what the columns are as YAML, or apply an edited file",
    .more = "Roles, types, units (UCUM codes; from: converts), specification limits, direction, station, gauge resolution, sentinels, what "
            "is known only after the decision, and constraints between columns.\n"
            "Applying makes a new version; rows that break a constraint are listed and stay.",
    .examples = { "andon data schema press > press.yaml", "andon data schema press --schema press.yaml" },
    .params = an__schema_step_params,
    .options_size = sizeof(an_schema_step),
    .run = schema_run,
};

/* ---- diff ---- */

typedef struct diff_options {
    char *a, *b;
} diff_options;

static const an_param diff_params[] = {
    AN_TEXT(diff_options, a, NULL, "the version to compare with: NAME/1"),
    AN_TEXT(diff_options, b, NULL, "the version to look at: NAME/2"),
    AN_PARAM_END,
};

static void diff_text(const json_t *d, const char *a, const char *b, an_buf *out)
{
    size_t i;
    json_t *item;
    an_buf_printf(out, "%s (%lld rows) to %s (%lld rows): %s\n", a, (long long)json_integer_value(json_object_get(d, "rows_a")), b,
                  (long long)json_integer_value(json_object_get(d, "rows_b")), an_json_string(d, "summary", ""));
    json_array_foreach(json_object_get(d, "removed"), i, item) an_buf_printf(out, "  - %s\n", json_string_value(item));
    json_array_foreach(json_object_get(d, "added"), i, item) an_buf_printf(out, "  + %s\n", json_string_value(item));
    json_array_foreach(json_object_get(d, "changed"), i, item) {
        const char *column = an_json_string(item, "column", NULL);
        an_buf_printf(out, "  %s%s%s: %s -> %s\n", column ? column : "", column ? " " : "", an_json_string(item, "what", ""),
                      an_json_string(item, "from", "none"), an_json_string(item, "to", "none"));
    }
    json_array_foreach(json_object_get(d, "columns"), i, item) {
        const char *verdict = an_json_string(item, "verdict", "");
        if (!strcmp(verdict, "no change") || !strcmp(verdict, "not compared")) continue;
        an_buf_printf(out, "  %s: %s (PSI %.3f, adjusted p %.2g)\n", an_json_string(item, "name", ""), verdict,
                      an_json_number(json_object_get(item, "psi"), 0), an_json_number(json_object_get(item, "p_adjusted"), 1));
    }
    if (out->size) out->data[--out->size] = 0;
}

static json_t *diff_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    const diff_options *o = options;
    an_version_row ra = { 0 }, rb = { 0 };
    an_table *a = an__data_get(s, o->a, &ra, err), *b = a ? an__data_get(s, o->b, &rb, err) : NULL;
    json_t *result = b ? an_table_diff(a, b, job, err) : NULL;
    if (result) {
        char *na = an_format("%s/%lld", ra.name, (long long)ra.version), *nb = an_format("%s/%lld", rb.name, (long long)rb.version);
        an_buf text = { 0 };
        diff_text(result, na, nb, &text);
        json_object_set_new(result, "a", json_string(na));
        json_object_set_new(result, "b", json_string(nb));
        json_object_set_new(result, "text", json_string(text.data));
        an_buf_free(&text);
        free(na);
        free(nb);
    }
    an_table_free(a);
    an_table_free(b);
    an_version_row_free(&ra);
    an_version_row_free(&rb);
    return result;
}

const an_act an__act_data_diff = {
    .name = "data diff",
    .args = "A B",
    .doc = "what changed between two versions: columns, units, distributions",
    .more = "Numbers by the Kolmogorov-Smirnov test, stability index and Wasserstein distance, categories by chi-squared; p-values are "
            "corrected for the number of columns (Benjamini-Hochberg, 5 %).\n"
            "A change is said to matter from a stability index or KS distance of 0.1 on.",
    .examples = { "andon data diff press/1 press/2", "andon data diff press/1 press --json" },
    .params = diff_params,
    .options_size = sizeof(diff_options),
    .run = diff_run,
};

/* ---- check ---- */

typedef struct check_options {
    char *name, *expect, *reference, *out;
    bool propose;
} check_options;

static const an_param check_params[] = {
    AN_TEXT(check_options, name, NULL, "data set: NAME, NAME/3"),
    AN_TEXT(check_options, expect, NULL, "YAML file with expectations"),
    AN_BOOL(check_options, propose, 0, "print a draft of expectations from what the data set holds"),
    AN_TEXT(check_options, reference, NULL, "data set whose distributions are the reference: NAME/1"),
    AN_TEXT(check_options, out, NULL, "CSV file for the broken rows (default NAME.broken.csv)"),
    AN_PARAM_END,
};

static json_t *propose(const an_table *t, const an_version_row *row)
{
    an_buf text = { 0 };
    an_expect_propose(t, &text);
    if (text.size) text.data[--text.size] = 0;
    json_t *result = json_pack("{s:s, s:I, s:s}", "name", row->name, "version", (json_int_t)row->version, "text", text.data);
    an_buf_free(&text);
    return result;
}

/* What broke, line by line. */
static void check_text(const json_t *r, const char *out, an_buf *text)
{
    size_t i;
    json_t *e;
    json_int_t broken = json_integer_value(json_object_get(r, "broken"));
    an_buf_printf(text, "%lld of %lld expectations broken, %lld of %lld rows", (long long)broken,
                  (long long)json_integer_value(json_object_get(r, "checked")),
                  (long long)json_integer_value(json_object_get(r, "rows_broken")),
                  (long long)json_integer_value(json_object_get(r, "rows")));
    if (out) an_buf_printf(text, " (in %s)", out);
    json_array_foreach(json_object_get(r, "expectations"), i, e) {
        if (json_is_true(json_object_get(e, "ok"))) continue;
        an_buf_printf(text, "\n  broken: %s", an_json_string(e, "text", ""));
        json_int_t rows = json_integer_value(json_object_get(e, "rows_broken"));
        if (rows)
            an_buf_printf(text, " in %lld row%s, the first is %lld", (long long)rows, rows > 1 ? "s" : "",
                          (long long)json_integer_value(json_array_get(json_object_get(e, "first"), 0)));
    }
}

/* The check as a run of its own: what was asked of which table, and what came out. */
static bool record(an_store *s, const check_options *o, const an_version_row *row, const an_version_row *reference, const json_t *result,
                   an_error *err)
{
    an_hash file;
    json_t *params = an_params_json(check_params, o);
    char *run = an_run_begin(s, "check", row->name, NULL, NULL, params, 0, err);
    json_decref(params);
    bool ok = run && an_run_artifact(s, run, AN_EDGE_IN, "data", &row->address, err) && an_store_put_file(s, o->expect, &file, err) &&
              an_run_artifact(s, run, AN_EDGE_IN, "file", &file, err);
    if (ok && reference->name) ok = an_run_artifact(s, run, AN_EDGE_IN, "data", &reference->address, err);
    ok = ok && an_run_end(s, run, "done", result, NULL, err);
    free(run);
    return ok;
}

static json_t *check(an_store *s, const check_options *o, const an_table *t, const an_version_row *row, an_error *err)
{
    an_version_row reference_row = { 0 };
    an_table *reference = o->reference ? an__data_get(s, o->reference, &reference_row, err) : NULL, *rows = NULL;
    an_yaml *yaml = !o->reference || reference ? an_yaml_read(o->expect, err) : NULL;
    json_t *result = yaml ? an_expect_check(t, yaml, reference, &rows, err) : NULL;
    char *out = o->out ? an_strdup(o->out) : an_format("%s.broken.csv", row->name);
    if (yaml && !result) an_context(err, "%s", o->expect);
    bool ok = result != NULL, broken = ok && json_integer_value(json_object_get(result, "broken")), written = ok && rows->rows;
    if (written) ok = an_csv_write(rows, out, err);
    an_buf text = { 0 };
    if (ok) {
        check_text(result, written ? out : NULL, &text);
        json_object_set_new(result, "name", json_string(row->name));
        json_object_set_new(result, "version", json_integer(row->version));
        json_object_set_new(result, "out", written ? json_string(out) : json_null());
        json_object_set_new(result, "text", json_string(text.data));
        ok = record(s, o, row, &reference_row, result, err);
    }
    if (ok && broken) {
        an_fail(err, AN_REFUSED, "%s/%lld: %.*s", row->name, (long long)row->version, (int)strcspn(text.data, "\n"), text.data);
        an_hint(err, written ? "the rows are in %s, column _broken says why" : "no row is to blame: see 'andon runs list' for the check",
                out);
        result = an_act_no(result, err);
    }
    an_buf_free(&text);
    free(out);
    an_yaml_free(yaml);
    an_table_free(rows);
    an_table_free(reference);
    an_version_row_free(&reference_row);
    if (ok) return result;
    json_decref(result);
    return NULL;
}

static json_t *check_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)job;
    const check_options *o = options;
    if (!o->expect == !o->propose) {
        an_fail(err, AN_USAGE, "a check needs either --expect FILE or --propose");
        an_hint(err, "andon data check NAME --propose > expect.yaml makes a draft");
        return NULL;
    }
    an_version_row row = { 0 };
    an_table *t = an__data_get(s, o->name, &row, err);
    json_t *result = !t ? NULL : o->propose ? propose(t, &row) : check(s, o, t, &row, err);
    an_table_free(t);
    an_version_row_free(&row);
    return result;
}

const an_act an__act_data_check = {
    .name = "data check",
    .args = "NAME",
    .doc = "hold a data set against expectations; exit 3 when one is broken",
    .more = "Ranges, missing share, uniqueness, sets of values, order in time, conditions between columns, distributions against a "
            "reference. The broken rows are written as CSV. Statistical expectations say how\n"
            "often they break by chance.",
    .examples = { "andon data check press --propose > expect.yaml", "andon data check press --expect expect.yaml --reference press/1" },
    .params = check_params,
    .options_size = sizeof(check_options),
    .run = check_run,
};
