/* act_synth_rows.c - synth sample, export, import: rows and files of a generator. */
#include "flow/act_synth.h"

#include <stdlib.h>
#include <string.h>

static an_generator *generator_open(an_store *s, const an_version_row *row, an_error *err)
{
    an_artifact *a = an_artifact_get(s, &row->address, err);
    an_generator *g = a ? an_generator_load(a, err) : NULL;
    an_artifact_free(a);
    return g;
}

/* ---- sample --------------------------------------------------------------------------------------------------------------------- */

typedef struct sample_options {
    char *name, *out, *data, *where;
    int64_t rows, first_row, draw_limit;
    bool filter;
} sample_options;

static const an_param sample_params[] = {
    AN_TEXT(sample_options, name, NULL, "generator: NAME, NAME/3"),
    AN_INT(sample_options, rows, 1000, 1, 1e9, "rows to write"),
    AN_TEXT(sample_options, where, NULL, "keep only rows that meet these terms: col=v, col!=v, col<v, col>v, col=lo..hi, joined by commas"),
    AN_BOOL(sample_options, filter, 0, "keep only rows that pass the minority filter"),
    AN_INT(sample_options, draw_limit, 200, 1, 1e6,
           "with --where or --filter: at most this many rows are drawn for each row wanted, and at least 100,000"),
    AN_INT(sample_options, first_row, 0, 0, 9e15, "number of the first row drawn: rows 1000.. continue an earlier file"),
    AN_TEXT(sample_options, out, NULL,
            "CSV file to write, with the columns of the data and _generator,_seed,_row (default NAME.synthetic.csv)"),
    AN_TEXT(sample_options, data, NULL, "data set whose training part the filter learns from (default: the generator's own)"),
    AN_PARAM_END,
};

/* rows at a time: memory does not grow with the rows asked for */
enum { CHUNK = 65536, KEPT_CHUNK = 4096, DRAWS_FEWEST = 100000 };

static bool nothing_met(const an_draw *d, an_error *err)
{
    an_fail(err, AN_INPUT, "none of %llu rows drawn meets --where \"%s\"", (unsigned long long)d->drawn, d->where);
    return an_hint(err, "look at the values it makes (the same command without --where), widen the terms, or raise --draw-limit");
}

/* Writes the rows that pass. A file without rows is an answer of the filter; terms that no row meets are a mistake, and leave no file. */
static bool stream_rows(an_draw *d, const char *path, an_job *job, an_error *err)
{
    size_t chunk = d->where || d->filter ? KEPT_CHUNK : CHUNK;
    char *half = an_format("%s.part", path);
    FILE *f = fopen(half, "w");
    bool ok = f || an_fail_errno(err, "writing %s", path), first = true;
    while (ok && d->passed < d->wanted && d->drawn < d->limit) {
        uint64_t missing = d->wanted - d->passed;
        an_table *t = an_draw_next(d, missing < chunk ? (size_t)missing : chunk, job, err);
        an_buf text = { 0 };
        ok = t != NULL;
        if (ok) an_csv_text(t, first, &text);
        first = false;
        if (ok && fwrite(text.data, 1, text.size, f) != text.size) ok = an_fail_errno(err, "writing %s", path);
        an_buf_free(&text);
        an_table_free(t);
    }
    if (ok && d->where && d->met == 0) ok = nothing_met(d, err);
    if (f && fclose(f) && ok) ok = an_fail_errno(err, "writing %s", path);
    if (ok && rename(half, path)) ok = an_fail_errno(err, "writing %s", path);
    if (!ok) remove(half);
    free(half);
    return ok;
}

static an_filter *filter_of(an_store *s, const char *data, const an_version_row *row, an_flow_values *v, an_job *job, an_error *err)
{
    an_parts p = { 0 };
    an_filter_options fo = { 0 };
    an_params_defaults(an_filter_params, &fo);
    an_table *train = NULL;
    if (an__generator_data(s, data, row, v, job, err) && an__parts_open(s, an_flow_value(v, "data"), an_flow_value(v, "split"), &p, err))
        train = an_table_select(p.table, p.split.train, p.split.train_count, err);
    an_filter *f = train ? an_filter_new(train, &fo, job, err) : NULL;
    an_params_free(an_filter_params, &fo);
    an_table_free(train);
    an__parts_free(&p);
    return f;
}

static json_t *sample_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    const sample_options *o = options;
    an_version_row row = { 0 };
    an_flow_values v = { 0 };
    if (!an__generator_value(s, o->name, &v, &row, err)) return NULL;
    an_generator *g = generator_open(s, &row, err);
    char *name = an_format("%s/%lld", row.name, (long long)row.version),
         *path = o->out ? an_strdup(o->out) : an_format("%s.synthetic.csv", row.name);
    json_t *result = NULL;
    double start = an_clock_s();
    an_job_stage(job, "sampling");
    an_draw d = { .generator = g,
                  .name = name,
                  .seed = an_job_seed(job),
                  .first_row = (uint64_t)o->first_row,
                  .wanted = (uint64_t)o->rows,
                  .limit = (uint64_t)o->rows,
                  .where = o->where && *o->where ? o->where : NULL };
    if (d.where || o->filter) {
        d.limit = (uint64_t)o->rows * (uint64_t)o->draw_limit;
        if (d.limit < DRAWS_FEWEST) d.limit = DRAWS_FEWEST;
    }
    bool ok = g && (!o->filter || (d.filter = filter_of(s, o->data, &row, &v, job, err)));
    ok = ok && stream_rows(&d, path, job, err);
    if (ok) {
        if (d.passed < d.wanted)
            an_job_say(job, "only %llu of the %llu rows wanted passed, of %llu drawn", (unsigned long long)d.passed,
                       (unsigned long long)d.wanted, (unsigned long long)d.drawn);
        result = json_pack("{s:s, s:I, s:I, s:s, s:I, s:I, s:f, s:o, s:o}", "name", row.name, "version", (json_int_t)row.version, "rows",
                           (json_int_t)d.passed, "out", path, "drawn", (json_int_t)d.drawn, "next_row", o->first_row + (json_int_t)d.drawn,
                           "seconds", an_clock_s() - start, "where",
                           d.where ? json_pack("{s:s, s:I}", "terms", d.where, "met", (json_int_t)d.met) : json_null(), "filter",
                           d.filter ? an_filter_report(d.filter, (size_t)o->rows) : json_null());
    }
    an_filter_free(d.filter);
    free(name);
    free(path);
    an_generator_free(g);
    an_version_row_free(&row);
    return result;
}

const an_act an__act_synth_sample = {
    .name = "synth sample",
    .args = "NAME",
    .doc = "draw rows from a generator into a CSV file",
    .more = "The same generator, seed and row number give the same row, however many are drawn at a time. The columns "
            "_generator,_seed,_row say where a row came from;\n"
            "files that carry them are recognised at import and can never enter a test part. With --where or --filter rows are drawn "
            "in their order and kept or not;\n"
            "--first-row with the `next_row` of the result goes on behind the last one.",
    .examples = { "andon synth sample press-gan --rows 10000 --out made.csv",
                  "andon synth sample press-gan --rows 500 --filter --where 'variant=A,torque=3..5'" },
    .params = sample_params,
    .options_size = sizeof(sample_options),
    .run = sample_run,
};

/* ---- export ----------------------------------------------------------------------------------------------------------------------- */

typedef struct export_options {
    char *name, *out;
} export_options;

static const an_param export_params[] = {
    AN_TEXT(export_options, name, NULL, "generator: NAME, NAME/3"),
    AN_TEXT(export_options, out, NULL, "folder to make (default NAME-generator)"),
    AN_PARAM_END,
};

static json_t *export_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)job;
    const export_options *o = options;
    an_version_row row = { 0 };
    an_flow_values v = { 0 };
    if (!an__generator_value(s, o->name, &v, &row, err)) return NULL;
    an_generator *g = generator_open(s, &row, err);
    char *path = o->out ? an_strdup(o->out) : an_format("%s-generator", row.name);
    an_artifact *to = g ? an_artifact_new(path, err) : NULL;
    json_t *result = NULL;
    if (to && an_generator_save(g, to, err))
        result = json_pack("{s:s, s:I, s:o, s:s, s:s}", "name", row.name, "version", (json_int_t)row.version, "id",
                           an__hash_json(&row.address), "method", g->kind->name, "out", path);
    an_artifact_free(to);
    free(path);
    an_generator_free(g);
    an_version_row_free(&row);
    return result;
}

const an_act an__act_synth_export = {
    .name = "synth export",
    .args = "NAME",
    .doc = "write a generator as a folder, for another workspace",
    .more = "The folder holds generator.json, the weights and hashes of the rows it was fitted on, so that they are known wherever it is "
            "used.\n"
            "random and the SMOTE methods keep the rows themselves: their folder holds real data. 'andon synth import' reads it.",
    .examples = { "andon synth export press-gan --out press-gan-3", "andon synth export press-gan/2" },
    .params = export_params,
    .options_size = sizeof(export_options),
    .run = export_run,
};

/* ---- import ----------------------------------------------------------------------------------------------------------------------- */

typedef struct import_options {
    char *name, *folder;
} import_options;

static const an_param import_params[] = {
    AN_TEXT(import_options, name, NULL, "name of the generator here"),
    AN_TEXT(import_options, folder, NULL, "folder that 'andon synth export' wrote"),
    AN_PARAM_END,
};

static json_t *import_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    const import_options *o = options;
    if (!o->folder) {
        an_fail(err, AN_USAGE, "which folder? andon synth import NAME FOLDER");
        return NULL;
    }
    if (!an_name_check("generator", o->name, err)) return NULL;
    an_artifact *from = an_artifact_open(o->folder, err);
    an_generator *g = from ? an_generator_load(from, err) : NULL;
    an_artifact *a = g ? an_artifact_stage(s, err) : NULL;
    an_hash address;
    bool ok = a && an_generator_save(g, a, err), existed = false;
    if (ok)
        ok = an_artifact_put(s, a, "generator", &address, err);
    else
        an_artifact_discard(a);
    json_t *meta = ok ? json_pack("{s:s}", "method", g->kind->name) : NULL, *result = NULL;
    json_t *params = an_params_json(import_params, o);
    int64_t version = 0;
    if (ok && an__import_register(s, AN_NAME_GENERATOR, o->name, &address, params, an_job_seed(job), meta, &version, &existed, err))
        result = json_pack("{s:s, s:I, s:b, s:o, s:s, s:s, s:I, s:I, s:O?, s:s}", "name", o->name, "version", (json_int_t)version,
                           "existed", existed, "id", an__hash_json(&address), "method", g->kind->name, "rows", g->rows ? g->rows : "all",
                           "steps", (json_int_t)g->steps, "train_rows", (json_int_t)g->train_count, "scores", g->scores, "target",
                           g->target ? g->target : "");
    json_decref(params);
    json_decref(meta);
    an_generator_free(g);
    an_artifact_free(from);
    return result;
}

const an_act an__act_synth_import = {
    .name = "synth import",
    .args = "NAME FOLDER",
    .doc = "register a generator that was exported elsewhere",
    .more = "Its files are checked before anything is kept. The data it was fitted on need not be here: judge it with --data.",
    .examples = { "andon synth import press-gan press-gan-3", "andon synth import line-2 /mnt/share/press-gan-generator" },
    .params = import_params,
    .options_size = sizeof(import_options),
    .run = import_run,
};
