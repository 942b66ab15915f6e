/* act_predict.c - model predict: label and score every row of a file; what is written back is what the file wrote. Scoring itself is the
 * model's (src/learn/predict.c). */
#include "flow/acts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct predict_options {
    char *name, *in, *out;
    an_csv_options csv;
} predict_options;

static const an_param predict_params[] = {
    AN_TEXT(predict_options, name, NULL, "model: NAME, NAME/3"),
    AN_TEXT(predict_options, in, NULL, "CSV file with the model's features as columns; others are copied"),
    AN_TEXT(predict_options, out, NULL, "CSV file to write: the columns of the input with label,probability,threshold,out_of_range"),
    AN_CSV_PARAMS(offsetof(predict_options, csv)),
    AN_PARAM_END,
};

/* The rows as the model needs them: columns as the types it was trained on, unless --type says otherwise. */
static an_table *rows_to_score(const an_model *m, const predict_options *o, an_read_report *report, an_job *job, an_error *err)
{
    an_csv_options csv = o->csv;
    csv.expected = (an_list){ 0 };
    an_model_csv_types(m, &csv.expected);
    an_table *t = an_table_read_report(o->in, &csv, report, job, err);
    an_list_free(&csv.expected);
    for (size_t i = 0; i < report->notes.count; i++) an_job_say(job, "%s: %s", o->in, report->notes.items[i]);
    for (size_t i = 0; t && i < m->prep->columns; i++) {
        an_error absent = { 0 };
        if (an_table_need(t, m->prep->column[i].name, &absent)) continue;
        an_fail(err, AN_INPUT, "%s has no column %s, which the model needs", o->in, m->prep->column[i].name);
        if (absent.hint[0]) an_hint(err, "%s", absent.hint);
        an_table_free(t);
        t = NULL;
    }
    return t;
}

/* Line of each of n rows that were read from one file; NULL: AN_MEMORY. */
static uint64_t *lines_of(const an_lines *l, size_t n, an_error *err)
{
    uint64_t *line = an_alloc_data(n + 1, sizeof *line, "the lines of rows", err);
    for (size_t i = 0; line && i < l->count; i++)
        for (size_t k = 0; k < l->run[i].count && l->run[i].row + k < n; k++) line[l->run[i].row + k] = l->run[i].line + k;
    return line;
}

/* Of all rows those at the lines wanted. Takes t. */
static an_table *at_lines(an_table *t, const an_lines *all, const an_lines *wanted, size_t n, an_error *err)
{
    uint64_t *line = lines_of(all, t->rows, err), *want = line ? lines_of(wanted, n, err) : NULL;
    size_t *rows = want ? an_alloc_data(n + 1, sizeof *rows, "the rows of a file", err) : NULL, found = 0;
    for (size_t i = 0; rows && i < t->rows && found < n; i++)
        if (line[i] == want[found]) rows[found++] = i;
    an_table *out = rows ? an_table_select(t, rows, found, err) : NULL;
    free(line);
    free(want);
    free(rows);
    an_table_free(t);
    return out;
}

/* The same rows with every cell as the file writes it. As texts more rows can be read, and a sample would draw others: they are found again
 * by their lines. */
static an_table *rows_as_written(const an_table *t, const an_lines *lines, const predict_options *o, an_job *job, an_error *err)
{
    an_csv_options csv = o->csv;
    an_read_report report = { 0 };
    char *bad = csv.skip_bad ? an_format("%s.again", csv.skip_bad) : NULL; /* the list of the first reading stays */
    csv.type = csv.expected = csv.missing = (an_list){ 0 };
    csv.skip_bad = bad;
    if (lines->count) csv.sample = 0;
    for (size_t i = 0; i < t->columns; i++) an_list_add_take(&csv.type, an_format("%s=text", t->column[i].name));
    an_table *as = an_table_read_report(o->in, &csv, &report, job, err);
    if (bad) remove(bad);
    if (as && as->rows != t->rows && lines->count) as = at_lines(as, &report.lines, lines, t->rows, err);
    an_list_free(&csv.type);
    an_read_report_free(&report);
    free(bad);
    if (as && as->rows != t->rows) { /* it changed in between */
        an_fail(err, AN_FAILED, "%s changed while it was read: %zu rows became %zu", o->in, t->rows, as->rows);
        an_table_free(as);
        return NULL;
    }
    return as;
}

static json_t *predict_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    const predict_options *o = options;
    if (!o->in || !o->out) {
        an_fail(err, AN_USAGE, "predict needs --in F.csv and --out F.csv");
        return NULL;
    }
    an_version_row row = { 0 };
    an_read_report report = { 0 };
    an_model *m = an__model_open(s, o->name, &row, err);
    an_table *t = m ? rows_to_score(m, o, &report, job, err) : NULL, *as = t ? rows_as_written(t, &report.lines, o, job, err) : NULL;
    an_table *p = as ? an_model_predict(m, t, as, job, err) : NULL;
    json_t *result = NULL;
    if (p && an_csv_write_as(p, o->out, &report.dialect, err)) {
        const an_column *label = an_table_find(p, "label"), *outside = an_table_find(p, "out_of_range");
        json_int_t positives = 0, unusual = 0;
        an_buf cell = { 0 };
        for (size_t i = 0; i < p->rows; i++) {
            an_buf_clear(&cell);
            an_cell_text(label, i, &cell);
            positives += !strcmp(cell.data, m->positive);
            unusual += an_valid(outside, i);
        }
        an_buf_free(&cell);
        result = json_pack("{s:s, s:I, s:s, s:I, s:s, s:I, s:I, s:o}", "name", row.name, "version", (json_int_t)row.version, "out", o->out,
                           "rows", (json_int_t)p->rows, "positive", m->positive, "positives", positives, "out_of_range", unusual,
                           "threshold", an_json_real(m->threshold.value));
    }
    an_table_free(p);
    an_table_free(as);
    an_table_free(t);
    an_read_report_free(&report);
    an_model_free(m);
    an_version_row_free(&row);
    return result;
}

const an_act an__act_model_predict = {
    .name = "model predict",
    .args = "NAME",
    .doc = "label and score every row of a CSV file",
    .examples = { "andon model predict press --in today.csv --out verdicts.csv",
                  "andon model predict press/2 --in today.csv --out verdicts.csv --delimiter semicolon" },
    .params = predict_params,
    .options_size = sizeof(predict_options),
    .run = predict_run,
};
