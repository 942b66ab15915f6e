/* act_journal.c - `andon journal list`, `andon journal export`: what was answered, out of the journal. */
#include "serve/acts.h"
#include "serve/journal_file.h"

#include "andon/table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct journal_options {
    char *model, *request, *part, *out;
    int64_t last;
} journal_options;

static const an_param list_params[] = {
    AN_TEXT(journal_options, model, NULL, "only verdicts of this model: NAME or NAME/3"),
    AN_TEXT(journal_options, request, NULL, "only this request id"),
    AN_TEXT(journal_options, part, NULL, "only this part's serial number"),
    AN_INT(journal_options, last, 20, 1, 1000000, "how many of the newest"),
    AN_PARAM_END,
};

static const an_param export_params[] = {
    AN_TEXT(journal_options, model, NULL, "only verdicts of this model: NAME or NAME/3; needed where several were served"),
    AN_TEXT(journal_options, request, NULL, "only this request id"),
    AN_TEXT(journal_options, part, NULL, "only this part's serial number"),
    AN_TEXT(journal_options, out, "journal.csv",
            "CSV file to write: time,request,part,row,model,version,label,probability,threshold,latency_ms and the features"),
    AN_PARAM_END,
};

static bool wanted(const journal_options *o, const an__journal_seen *v)
{
    const char *name = an_json_string(v->model, "name", "");
    if (o->request && strcmp(o->request, v->request)) return false;
    if (o->part && (strncmp(v->part, o->part, strlen(o->part)) || (v->part[strlen(o->part)] && v->part[strlen(o->part)] != '#')))
        return false;
    if (!o->model) return true;
    size_t n = strcspn(o->model, "/@");
    if (strncmp(name, o->model, n) || name[n]) return false;
    return o->model[n] != '/' || strtoll(o->model + n + 1, NULL, 10) == json_integer_value(json_object_get(v->model, "version"));
}

static char *journal_folder(an_store *s)
{
    return an_format("%s/.andon/journal", an_store_folder(s));
}

/* ---- list ---- */

typedef struct listing {
    const journal_options *o;
    json_t *rows;
} listing;

static bool list_one(void *context, const an__journal_seen *v, an_error *err)
{
    (void)err;
    listing *l = context;
    if (!wanted(l->o, v)) return true;
    char when[32];
    double threshold = an_json_number(json_object_get(v->model, "threshold"), NAN);
    json_t *labels = json_array(), *scores = json_array();
    for (size_t i = 0; i < v->rows && i < 100; i++) {
        json_array_append_new(labels, json_string(an_json_string(v->model, v->score[i] >= threshold ? "positive" : "negative", "")));
        json_array_append_new(scores, an_json_real(v->score[i]));
    }
    json_t *row = json_pack("{s:s, s:s, s:s, s:O, s:I, s:o, s:o, s:o}", "time", an_time_text(v->time_us, when), "request", v->request,
                            "model", an_json_string(v->model, "name", ""), "version", json_object_get(v->model, "version"), "rows",
                            (json_int_t)v->rows, "label", labels, "probability", scores, "latency_ms", an_json_real(v->latency_ms));
    if (v->part[0]) json_object_set_new(row, "part", json_string(v->part));
    json_array_append_new(l->rows, row);
    if (json_array_size(l->rows) > 2 * (size_t)l->o->last) {
        json_t *rest = json_array();
        for (size_t i = json_array_size(l->rows) - (size_t)l->o->last; i < json_array_size(l->rows); i++)
            json_array_append(rest, json_array_get(l->rows, i));
        json_decref(l->rows);
        l->rows = rest;
    }
    return true;
}

static json_t *list_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)job;
    listing l = { options, json_array() };
    uint64_t records = 0;
    size_t torn = 0;
    char *folder = journal_folder(s);
    bool ok = an__journal_read(folder, list_one, &l, &records, &torn, err);
    free(folder);
    while (ok && json_array_size(l.rows) > (size_t)l.o->last) json_array_remove(l.rows, 0);
    json_t *result = ok ? json_pack("{s:I, s:I, s:O}", "records", (json_int_t)records, "torn", (json_int_t)torn, "verdicts", l.rows) : NULL;
    json_decref(l.rows);
    return result;
}

const an_act an__act_journal_list = {
    .name = "journal list",
    .doc = "the newest verdicts that were answered",
    .examples = { "andon journal list --model press --last 5", "andon journal list --request 9f2c --json" },
    .params = list_params,
    .options_size = sizeof(journal_options),
    .run = list_run,
};

/* ---- export ---- */

typedef struct exporting {
    const journal_options *o;
    FILE *out;
    char *features; /* JSON text of the first model's features: one file has one set of columns */
    char *model;
    uint64_t rows;
} exporting;

static void cell(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    putc('"', out);
    for (; *text; text++) {
        if (*text == '"') putc('"', out);
        putc(*text, out);
    }
    putc('"', out);
}

static bool begin(exporting *e, const an__journal_seen *v, an_error *err)
{
    const char *name = an_json_string(v->model, "name", "");
    char *features = an_json_text(json_object_get(v->model, "features"), false);
    if (e->features) {
        bool same = !strcmp(features, e->features);
        free(features);
        if (same) return true;
        an_fail(err, AN_INPUT, "the journal has verdicts of models with different features: \"%s\" and \"%s\"", e->model, name);
        return an_hint(err, "name one with --model NAME/VERSION");
    }
    e->features = features;
    e->model = an_strdup(name);
    fputs("time,request,part,row,model,version,label,probability,threshold,latency_ms", e->out);
    size_t i;
    json_t *f;
    json_array_foreach(json_object_get(v->model, "features"), i, f) {
        putc(',', e->out);
        cell(e->out, an_json_string(f, "name", ""));
    }
    putc('\n', e->out);
    return true;
}

static void value(FILE *out, const json_t *feature, double x)
{
    char text[32];
    const char *type = an_json_string(feature, "type", "");
    if (isnan(x)) return;
    const json_t *names = json_object_get(feature, "categories");
    if (names) {
        const char *name = x >= 0 ? json_string_value(json_array_get(names, (size_t)x)) : NULL;
        cell(out, name ? name : "?"); /* a category that training had not seen */
    } else if (!strcmp(type, "datetime")) {
        fputs(an_time_text((int64_t)llround(x * 1e6), text), out);
    } else if (!strcmp(type, "boolean")) {
        fputs(x != 0 ? "true" : "false", out);
    } else {
        fputs(an_real_text(x, text), out);
    }
}

static bool export_one(void *context, const an__journal_seen *v, an_error *err)
{
    exporting *e = context;
    if (!wanted(e->o, v)) return true;
    if (!begin(e, v, err)) return false;
    double threshold = an_json_number(json_object_get(v->model, "threshold"), NAN);
    const json_t *features = json_object_get(v->model, "features");
    char when[32], text[32];
    for (size_t i = 0; i < v->rows; i++) {
        fprintf(e->out, "%s,%s,", an_time_text(v->time_us, when), v->request);
        cell(e->out, v->part);
        fprintf(e->out, ",%zu,%s,%lld,", i, an_json_string(v->model, "name", ""),
                (long long)json_integer_value(json_object_get(v->model, "version")));
        cell(e->out, an_json_string(v->model, v->score[i] >= threshold ? "positive" : "negative", ""));
        fprintf(e->out, ",%s,", an_real_text(v->score[i], text));
        fprintf(e->out, "%s,", an_real_text(threshold, text));
        fprintf(e->out, "%.3f", v->latency_ms);
        for (size_t k = 0; k < v->features; k++) {
            putc(',', e->out);
            value(e->out, json_array_get(features, k), v->values[i * v->features + k]);
        }
        putc('\n', e->out);
        e->rows++;
    }
    return true;
}

static json_t *export_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)job;
    exporting e = { .o = options };
    uint64_t records = 0;
    size_t torn = 0;
    e.out = fopen(e.o->out, "we");
    if (!e.out) {
        an_fail_errno(err, "writing %s", e.o->out);
        return NULL;
    }
    char *folder = journal_folder(s);
    bool ok = an__journal_read(folder, export_one, &e, &records, &torn, err);
    bool written = !ferror(e.out);
    written = fclose(e.out) == 0 && written;
    if (ok && !written) ok = an_fail_errno(err, "writing %s", e.o->out);
    json_t *result = NULL;
    if (ok) {
        char *line = an_format("%llu rows in %s", (unsigned long long)e.rows, e.o->out);
        result = json_pack("{s:s, s:I, s:I, s:I, s:s}", "out", e.o->out, "rows", (json_int_t)e.rows, "records", (json_int_t)records, "torn",
                           (json_int_t)torn, "text", line);
        free(line);
    }
    free(folder);
    free(e.features);
    free(e.model);
    return result;
}

const an_act an__act_journal_export = {
    .name = "journal export",
    .doc = "verdicts that were answered, with the features they were given, as CSV",
    .examples = { "andon journal export --model press --out answered.csv", "andon journal export --part A1234 --out part.csv" },
    .params = export_params,
    .options_size = sizeof(journal_options),
    .run = export_run,
};
