/* profile.c - what is in a table, column by column and in all, for people and reports: exact counts and quantiles, no sampling of columns.
 * Each column is one task of the pool; what needs all of them (corrections for many tests, findings) follows. */
#include "profile.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static json_t *profile_target(const an__frame *f, an_error *err)
{
    an_class_count *classes = NULL;
    size_t n = 0;
    if (!an_table_classes(f->t, &classes, &n, err)) return NULL;
    json_t *counts = json_object();
    for (size_t k = 0; k < n && k < 100; k++) json_object_set_new(counts, classes[k].name, json_integer((json_int_t)classes[k].count));
    an_class_counts_free(classes, n);
    return json_pack("{s:s, s:s?, s:o}", "name", f->target->name, "positive", f->t->positive, "classes", counts);
}

/* ---- columns, in parallel -------------------------------------------------------------------------------------------------------------
 */

typedef struct work {
    an__frame *f;
    atomic_size_t done;
    atomic_bool failed;
} work;

static bool scratch_ready(const an__frame *f, an__scratch *s)
{
    if (s->ready) return true;
    size_t n = f->rows + 1;
    s->item = an_alloc_data(2 * n, sizeof *s->item, "a column", NULL);
    s->value = an_alloc_data(n, sizeof *s->value, "a column", NULL);
    s->place = an_alloc_data(n, sizeof *s->place, "a column", NULL);
    s->pos = an_alloc_data(2 * n, sizeof *s->pos, "a column", NULL);
    s->code = an_alloc_data(n, sizeof *s->code, "a column", NULL);
    s->sums = an_alloc_n(2 * AN__GROUPS + 2, sizeof *s->sums);
    s->spare = s->item ? s->item + n : NULL;
    s->neg = s->pos ? s->pos + n : NULL;
    s->ready = s->item && s->value && s->place && s->pos && s->code;
    return s->ready;
}

/* Missing cells: where, as a hash; and whether they go with the target. */
static void missing_cells(const an__frame *f, an__facts *c)
{
    c->missing_p = c->missing_v = NAN;
    if (!c->c->missing || c->c->missing == f->rows || f->brief) return;
    uint64_t h = 1;
    double count[4] = { 0 };
    for (size_t w = 0; w < an__valid_words(f->rows); w++) h = (h ^ (c->c->valid[w] + (h << 6) + (h >> 2))) * UINT64_C(0x9e3779b97f4a7c15);
    c->missing_pattern = h;
    if (!f->label || c->c == f->target) return;
    for (size_t i = 0; i < f->rows; i++)
        if (f->label[i] != AN__UNLABELLED) count[2 * f->label[i] + an_valid(c->c, an__row(f, i))]++;
    an_chi2_counts(count, count + 2, 2, &c->missing_p, &c->missing_v);
    c->missing_rate[0] = count[2] / (count[2] + count[3]);
    c->missing_rate[1] = count[0] / (count[0] + count[1]);
}

static void profile_column(void *context, size_t index, int worker)
{
    work *w = context;
    an__frame *f = w->f;
    an__facts *c = &f->facts[index];
    if (atomic_load(&w->failed) || an_job_stopped(f->job)) return;
    an__scratch *s = &f->scratch[worker];
    c->number = an__is_number(c->c->type);
    c->low = an_json_number(json_object_get(c->c->spec, "low"), NAN);
    c->high = an_json_number(json_object_get(c->c->spec, "high"), NAN);
    for (int k = 0; k < AN__GROUPINGS; k++) c->group_p[k] = c->group_effect[k] = NAN;
    c->association_p = c->trend_p = NAN;
    const char *station = an_json_string(c->c->spec, "station", NULL);
    c->json =
        json_pack("{s:s, s:s, s:s, s:s?, s:I, s:I}", "name", c->c->name, "type", an_type_name(c->c->type), "role", an_role_name(c->c->role),
                  "unit", c->c->unit, "count", (json_int_t)(f->rows - c->c->missing), "missing", (json_int_t)c->c->missing);
    if (station) json_object_set_new(c->json, "station", json_string(station));
    if (c->c->reason) json_object_set_new(c->json, "reason", json_string(c->c->reason));
    bool ok = scratch_ready(f, s);
    if (ok && c->c->type != AN_TENSOR) ok = c->number ? an__profile_number(f, c, s, NULL) : an__profile_category(f, c, s, NULL);
    if (ok) missing_cells(f, c);
    if (!ok) atomic_store(&w->failed, true);
    an_job_progress(f->job, (double)(atomic_fetch_add(&w->done, 1) + 1), (double)f->t->columns, "columns");
}

static bool profile_columns(an__frame *f, an_error *err)
{
    work w = { .f = f };
    f->scratches = (size_t)an_pool_threads(an_job_pool(f->job));
    f->scratch = an_alloc_n(f->scratches, sizeof *f->scratch);
    for (size_t j = 0; j < f->t->columns; j++) f->facts[j].c = &f->t->column[j];
    an_job_stage(f->job, "profiling");
    an_pool_each(an_job_pool(f->job), f->t->columns, profile_column, &w);
    if (atomic_load(&w.failed)) {
        an_fail(err, AN_MEMORY, "not enough memory to profile %zu rows: %.1f GB are needed beside the table", f->rows,
                (double)f->scratches * (double)f->rows * 56 / 1e9);
        return an_hint(err, "--threads 1 needs less; or profile a sample of the rows");
    }
    return an_job_check(f->job, err);
}

/* ---- corrections for many tests -------------------------------------------------------------------------------------------------------
 */

/* One family of tests a question: association, missing, drift, each grouping. */
static void correct(an__frame *f)
{
    size_t d = f->t->columns;
    double *p = an_alloc_n(2 * d + 1, sizeof *p), *q = p + d;
    for (int family = 0; family < 3 + f->groupings; family++) {
        for (size_t j = 0; j < d; j++) {
            const an__facts *c = &f->facts[j];
            bool own = c->c->role == AN_FEATURE || family > 2;
            p[j] = !own          ? NAN
                   : family == 0 ? (c->measure ? c->association_p : NAN)
                   : family == 1 ? c->missing_p
                   : family == 2 ? c->trend_p
                                 : c->group_p[family - 3];
        }
        an_benjamini_hochberg(p, d, q);
        for (size_t j = 0; j < d; j++) {
            an__facts *c = &f->facts[j];
            *(family == 0 ? &c->q : family == 1 ? &c->missing_q : family == 2 ? &c->trend_q : &c->group_q[family - 3]) = q[j];
        }
    }
    free(p);
    for (size_t j = 0; j < d; j++) {
        an__facts *c = &f->facts[j];
        json_t *o = json_object_get(c->json, "association"), *list = json_object_get(c->json, "groups"), *item;
        size_t i;
        if (o) json_object_set_new(o, "p_adjusted", an_json_real(c->q));
        json_array_foreach(list, i, item)
            for (int k = 0; k < f->groupings; k++)
                if (!strcmp(an_json_string(item, "column", ""), f->grouping[k].name) &&
                    !strcmp(an_json_string(item, "kind", ""), f->grouping[k].kind))
                    json_object_set_new(item, "p_adjusted", an_json_real(c->group_q[k]));
    }
}

static json_t *order_json(const an__frame *f)
{
    enum { POINTS = 120 };
    json_t *at = json_array();
    for (size_t k = 0; f->rows && k<f->blocks; k += f->blocks> POINTS ? 2 : 1) {
        double x = f->time ? an_cell_number(f->time, an__row(f, an__block(f, k))) : (double)an__block(f, k) + 1;
        json_array_append_new(at, an_json_real(f->time && f->time->type == AN_DATETIME ? x * 1e-6 : x));
    }
    return json_pack("{s:s?, s:s?, s:b, s:o}", "column", f->time ? f->time->name : NULL, "type",
                     f->time ? an_type_name(f->time->type) : NULL, "sorted_by_target", f->sorted, "at", at);
}

static json_t *groupings_json(const an__frame *f)
{
    json_t *list = json_array();
    for (int k = 0; k < f->groupings; k++) {
        json_t *values = json_array();
        for (size_t i = 0; i < f->grouping[k].count && i < 200; i++)
            json_array_append_new(values,
                                  json_pack("{s:s, s:I}", "value", f->grouping[k].names[i], "rows", (json_int_t)f->grouping[k].rows[i]));
        json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:o}", "column", f->grouping[k].name, "kind", f->grouping[k].kind, "count",
                                              (json_int_t)f->grouping[k].count, "values", values));
    }
    return list;
}

static bool add(json_t *out, const char *key, json_t *value)
{
    return value && json_object_set_new(out, key, value) == 0;
}

static json_t *make(const an_table *t, const char *by, bool brief, an_job *job, an_error *err)
{
    an__frame f = { .t = t, .job = job, .brief = brief };
    size_t duplicates = 0;
    json_t *out = NULL, *columns = json_array(), *target = NULL, *twice = json_array();
    bool ok = an__profile_frame_make(&f, by, err) && profile_columns(&f, err) && an__duplicate_rows(&f, &duplicates, twice, err);
    if (ok && f.target) {
        target = profile_target(&f, err);
        ok = target != NULL;
    }
    if (ok) {
        if (!brief) correct(&f);
        for (size_t j = 0; j < t->columns; j++) json_array_append(columns, f.facts[j].json);
        out = json_pack("{s:I, s:I, s:O?, s:O}", "rows", (json_int_t)t->rows, "duplicate_rows", (json_int_t)duplicates, "target", target,
                        "columns", columns);
    }
    if (ok && !brief) {
        an_job_stage(job, "holding columns against each other");
        ok = add(out, "order", order_json(&f)) && add(out, "groupings", groupings_json(&f)) &&
             add(out, "balance", an__profile_balance(&f)) && add(out, "missing", an__profile_missing(&f)) &&
             json_object_set(out, "duplicates", twice) == 0 && an_job_check(job, err) && add(out, "twins", an__profile_twins(&f, err)) &&
             an_job_check(job, err) && add(out, "correlation", an__profile_correlation(&f, err)) && an_job_check(job, err) &&
             add(out, "findings", an__profile_findings(&f, out));
        if (!ok) {
            json_decref(out);
            out = NULL;
        }
    }
    an__profile_frame_free(&f);
    json_decref(columns);
    json_decref(target);
    json_decref(twice);
    return out;
}

json_t *an_table_profile(const an_table *t, an_job *job, an_error *err)
{
    return make(t, NULL, true, job, err);
}

json_t *an_table_profile_full(const an_table *t, const char *by, an_job *job, an_error *err)
{
    return make(t, by, false, job, err);
}
