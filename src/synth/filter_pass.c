/* filter_pass.c - rows through the minority filter, and its report. What it goes by is filter.c's. */
#include "synth/filter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Was the row generated as one of the other class? No, where its class is not generated or missing. */
static bool other_class(const an_filter *f, const an_column *target, size_t row, an_buf *text)
{
    if (!target || !an_valid(target, row)) return false;
    an_buf_clear(text);
    an_cell_text(target, row, text);
    return strcmp(text->data ? text->data : "", f->classes.rare) != 0;
}

an_table *an_filter_pass(an_filter *f, const an_table *t, size_t limit, size_t *looked, an_error *err)
{
    double *x = an_alloc_data(t->rows ? t->rows * f->d : 1, sizeof *x, "standardised rows", err);
    size_t *rows = an_alloc_data(t->rows ? t->rows : 1, sizeof *rows, "row numbers", err), n = 0, i = 0;
    const an_column *column = f->variant ? an_table_find(t, f->variant) : NULL, *class = an_table_find(t, an__target(f->train)->name);
    an_buf text = { 0 };
    an_table *out = NULL;
    if (x && rows && an_prep_apply(f->prep, t, NULL, t->rows, x, NULL, err)) {
        for (; i < t->rows && n < limit; i++) {
            double away;
            an__verdict v = AN__OTHER_CLASS;
            if (!other_class(f, class, i, &text)) v = an__filter_judge(f, x + i * f->d, an__filter_variant(f, column, i), &away);
            f->count_of[v]++;
            if (v == AN__PASSES) rows[n++] = i;
        }
        out = an_table_select(t, rows, n, err);
    }
    if (looked) *looked = i;
    free(x);
    free(rows);
    an_buf_free(&text);
    if (out && class && !an__set_target(out, class->name, f->classes.rare, err)) { /* where it was missing */
        an_table_free(out);
        out = NULL;
    }
    if (!out) an_context(err, "minority filter");
    return out;
}

json_t *an_filter_report(const an_filter *f, size_t wanted)
{
    size_t passed = f->count_of[AN__PASSES], looked = 0;
    for (int v = 0; v < AN__VERDICTS; v++) looked += f->count_of[v];
    an_buf note = { 0 };
    if (f->note.size) an_buf_puts(&note, f->note.data);
    if (passed < wanted) {
        an_buf_printf(&note,
                      "%sonly %zu of the %zu rows wanted passed, of %zu looked at (%zu of the other class, %zu nearer to other rows, %zu "
                      "too far away)",
                      note.size ? "; " : "", passed, wanted, looked, f->count_of[AN__OTHER_CLASS], f->count_of[AN__NEARER_TO_OTHERS],
                      f->count_of[AN__TOO_FAR]);
    }
    json_t *dropped = json_pack("{s:I, s:I, s:I}", "other_class", (json_int_t)f->count_of[AN__OTHER_CLASS], "nearer_to_others",
                                (json_int_t)f->count_of[AN__NEARER_TO_OTHERS], "too_far", (json_int_t)f->count_of[AN__TOO_FAR]);
    json_t *real = json_pack("{s:I, s:o, s:o}", "rows", (json_int_t)f->real_pass, "positive_share",
                             an_json_real(f->real_pass ? (double)f->real_rare / (double)f->real_pass : NAN), "recall",
                             an_json_real((double)f->real_rare / (double)f->classes.rare_count));
    json_t *report =
        json_pack("{s:o, s:o, s:I, s:I, s:I, s:o, s:s, s:O, s:o}", "dropped", dropped, "real", real, "wanted", (json_int_t)wanted, "passed",
                  (json_int_t)passed, "drawn", (json_int_t)looked, "distance_max", an_json_real(f->distance_max), "centroid", f->mode,
                  "clusters", f->clusters, "note", note.size ? json_string(note.data) : json_null());
    an_buf_free(&note);
    return report;
}

an_table *an_filter_sample(const an_generator *g, const char *name, const an_table *train, const an_filter_options *options, size_t wanted,
                           uint64_t seed, json_t **report, an_job *job, an_error *err)
{
    an_filter *f = an_filter_new(train, options, job, err);
    if (!f) return NULL;
    an_draw d = { .generator = g, .name = name, .seed = seed, .filter = f, .limit = (uint64_t)wanted * (uint64_t)options->draw_limit };
    an_job_stage(job, "filtering");
    an_table *out = an_draw_next(&d, wanted, job, err);
    if (out && report) *report = an_filter_report(f, wanted);
    an_filter_free(f);
    return out;
}

an_table *an_filter_rows(const an_table *candidates, const an_table *train, const an_filter_options *options, size_t wanted,
                         json_t **report, an_job *job, an_error *err)
{
    an_filter *f = an_filter_new(train, options, job, err);
    an_table *out = f ? an_filter_pass(f, candidates, wanted, NULL, err) : NULL;
    if (out && report) *report = an_filter_report(f, wanted);
    an_filter_free(f);
    return out;
}
