/* act_model_move.c - model export, import: a model leaves for another program or another workspace, and comes in. */
#include "flow/acts.h"

#include <stdlib.h>
#include <string.h>

/* ---- export -------------------------------------------------------------------------------------------------------------------------- */

typedef struct export_options {
    char *name, *format, *out;
} export_options;

static const an_param export_params[] = {
    AN_TEXT(export_options, name, NULL, "model: NAME, NAME/3"),
    AN_CHOICE(export_options, format, "onnx", "onnx|bundle", "onnx: one file; bundle: the whole model folder"),
    AN_TEXT(export_options, out, NULL, "file or folder to write"),
    AN_PARAM_END,
};

static json_t *export_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)job;
    const export_options *o = options;
    bool onnx = !strcmp(o->format, "onnx");
    an_version_row row = { 0 };
    an_model *m = an__model_open(s, o->name, &row, err);
    char *path = m ? (o->out ? an_strdup(o->out) : an_format(onnx ? "%s.onnx" : "%s-model", row.name)) : NULL;
    bool ok = m != NULL;
    if (ok && onnx) {
        an_buf bytes = { 0 };
        ok = an_model_onnx(m, &bytes, err) && an_file_write(path, bytes.data, bytes.size, err);
        an_buf_free(&bytes);
    } else if (ok) {
        an_artifact *to = an_artifact_new(path, err);
        ok = to && an_model_save(m, to, err);
        an_artifact_free(to);
    }
    json_t *result =
        ok ? json_pack("{s:s, s:I, s:s, s:s}", "name", row.name, "version", (json_int_t)row.version, "format", o->format, "out", path)
           : NULL;
    free(path);
    an_model_free(m);
    an_version_row_free(&row);
    return result;
}

const an_act an__act_model_export = {
    .name = "model export",
    .args = "NAME",
    .doc = "write a model for others: ONNX, or the whole folder",
    .examples = { "andon model export press --format onnx --out press.onnx", "andon model export press/2 --format bundle --out press-2" },
    .params = export_params,
    .options_size = sizeof(export_options),
    .run = export_run,
};

/* ---- import -------------------------------------------------------------------------------------------------------------------------- */

typedef struct import_options {
    char *name, *folder;
} import_options;

static const an_param import_params[] = {
    AN_TEXT(import_options, name, NULL, "name of the model here"),
    AN_TEXT(import_options, folder, NULL, "folder that 'andon model export --format bundle' wrote"),
    AN_PARAM_END,
};

static json_t *import_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    const import_options *o = options;
    if (!o->folder) {
        an_fail(err, AN_USAGE, "which folder? andon model import NAME FOLDER");
        return NULL;
    }
    if (!an_name_check("model", o->name, err)) return NULL;
    an_artifact *from = an_artifact_open(o->folder, err);
    an_model *m = from ? an_model_load(from, err) : NULL; /* checks its files, replays its golden rows */
    an_artifact *a = m ? an_artifact_stage(s, err) : NULL;
    an_hash address;
    bool ok = a && an_model_save(m, a, err), existed = false;
    if (ok)
        ok = an_artifact_put(s, a, "model", &address, err);
    else
        an_artifact_discard(a);
    json_t *meta = json_object(), *params = an_params_json(import_params, o), *result = NULL;
    int64_t version = 0;
    if (ok && an__import_register(s, AN_NAME_MODEL, o->name, &address, params, an_job_seed(job), meta, &version, &existed, err)) {
        result =
            json_pack("{s:s, s:I, s:b, s:o, s:s, s:s, s:s, s:{s:o, s:s}, s:b, s:s, s:I}", "name", o->name, "version", (json_int_t)version,
                      "existed", existed, "id", an__hash_json(&address), "target", m->target, "positive", m->positive, "negative",
                      m->negative, "threshold", "value", an_json_real(m->threshold.value), "rule", m->threshold.rule, "calibrated",
                      m->calibrated, "balance", m->balance ? m->balance : "none", "features", (json_int_t)m->prep->columns);
    }
    json_decref(params);
    json_decref(meta);
    an_model_free(m);
    an_artifact_free(from);
    return result;
}

const an_act an__act_model_import = {
    .name = "model import",
    .args = "NAME FOLDER",
    .doc = "register a model that was exported elsewhere",
    .more = "Its files are checked and its golden rows replayed before anything is kept. It has the same address here as there; an "
            "approval does not come with it. The data it was trained on need not be here: evaluate it with --data.",
    .examples = { "andon model import press press-model", "andon model import press /mnt/usb/press-2" },
    .params = import_params,
    .options_size = sizeof(import_options),
    .run = import_run,
};
