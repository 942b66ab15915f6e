/* package.c - a model as a directory: MLmodel, model.safetensors, golden.csv, model.onnx, and model.json, which names the SHA-256 of the
 * others and its own checksum. The same model is the same bytes. Loading checks every hash, then every value, then replays the golden rows.
 */
#include "learn/model.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GOLDEN_ROWS = 32, GOLDEN_DRAWN = 128 };
static const double golden_tolerance = 1e-5;
static const char *const files[] = { "MLmodel", "golden.csv", "model.onnx", "model.safetensors" };

/* ---- model.onnx ---- */

static json_t *onnx_metadata(const an_model *m)
{
    char value[32], data[65];
    an_hash_hex(&m->data, data);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "andon.target", m->target, "andon.positive", m->positive, "andon.negative", m->negative,
                     "andon.kind", m->predictor->kind->name, "andon.threshold", an_real_text(m->threshold.value, value), "andon.data",
                     data);
}

bool an_model_onnx(const an_model *m, an_buf *out, an_error *err)
{
    an_graph *g = an_graph_new();
    an_params *none = an_params_new();
    json_t *metadata = onnx_metadata(m);
    an_node probability, label;
    bool ok = an_model_lower(m, g, &probability, &label, err);
    if (ok) {
        an_onnx_output outputs[] = { { label, "label" }, { probability, "probability" } };
        ok = an_onnx_export(g, none, outputs, 2, metadata, out, err);
    }
    json_decref(metadata);
    an_params_release(none);
    an_graph_free(g);
    return ok;
}

/* ---- MLmodel ---- */

static json_t *tensor_spec(const char *name, const char *dtype)
{
    return json_pack("{s:s,s:s,s:{s:s,s:[i,i]}}", "name", name, "type", "tensor", "tensor-spec", "dtype", dtype, "shape", -1, 1);
}

static void yaml_text(an_buf *out, const char *key, const char *text)
{ /* a JSON string is a YAML double-quoted scalar */
    json_t *j = json_string(text);
    char *quoted = j ? an_json_text(j, false) : an_strdup("null");
    an_buf_printf(out, "%s: %s\n", key, quoted);
    free(quoted);
    json_decref(j);
}

static void signature(an_buf *out, const char *key, json_t *list)
{
    char *text = an_json_text(list, false);
    yaml_text(out, key, text);
    free(text);
    json_decref(list);
}

/* As mlflow.models.Model reads it. No time and no run: what it says depends on the model alone. `onnx` gives the identifier. */
static void mlmodel(const an_model *m, const an_buf *onnx, an_buf *out)
{
    an_hash hash;
    char hex[65];
    an_hash_bytes(onnx->data, onnx->size, &hash);
    an_hash_hex(&hash, hex);
    hex[32] = 0;
    an_buf_puts(out, "flavors:\n  andon:\n    data: model.json\n");
    yaml_text(out, "    kind", m->predictor->kind->name);
    an_buf_puts(out, "  onnx:\n    code: null\n    data: model.onnx\n    onnx_session_options: null\n    onnx_version: \"1.12.0\"\n    "
                     "providers:\n    - CPUExecutionProvider\n");
    an_buf_puts(
        out,
        "  python_function:\n    data: model.onnx\n    env: null\n    loader_module: mlflow.onnx\n"); /* inputs: a dict of [n,1] arrays */
    yaml_text(out, "model_uuid", hex);
    json_t *inputs = json_array();
    for (size_t i = 0; i < m->prep->columns; i++) {
        if (!an__feature_used(&m->prep->column[i])) continue;
        char *name = an__feature_input(m, i);
        an_dtype t = an__feature_dtype(&m->prep->column[i]);
        json_array_append_new(inputs, tensor_spec(name, t == AN_STR ? "str" : t == AN_I64 ? "int64" : "float64"));
        free(name);
    }
    json_t *outputs = json_array();
    json_array_append_new(outputs, tensor_spec("label", "int64"));
    json_array_append_new(outputs, tensor_spec("probability", "float64"));
    an_buf_puts(out, "signature:\n");
    signature(out, "  inputs", inputs);
    signature(out, "  outputs", outputs);
    an_buf_puts(out, "  params: null\n");
}

/* ---- golden rows ---- */

static char *free_name(const an_table *t, const char *name)
{
    char *own = an_strdup(name);
    while (an_table_find(t, own)) {
        char *longer = an_format("_%s", own);
        free(own);
        own = longer;
    }
    return own;
}

/* The two last columns of golden.csv: _probability and _label (1: positive). */
static bool add_answers(an_table *t, const double *score, double threshold, an_error *err)
{
    char *name = free_name(t, "_probability");
    an_column *p = an_table_add(t, name, AN_REAL, err);
    free(name);
    if (!p) return false;
    for (size_t i = 0; i < t->rows; i++) {
        p->real[i] = score[i];
        an_set_valid(p, i);
    }
    name = free_name(t, "_label");
    an_column *l = an_table_add(t, name, AN_INTEGER, err);
    free(name);
    if (!l) return false;
    for (size_t i = 0; i < t->rows; i++) {
        l->integer[i] = score[i] >= threshold;
        an_set_valid(l, i);
    }
    return true;
}

/* Rows so near to the threshold that another processor's rounding could turn the label are no good as golden rows. */
static an_table *golden_rows(an_model *m, an_error *err)
{
    an_table *drawn = an_model_probe(m, GOLDEN_DRAWN, an_seed_derive(m->seed, "golden", 0), err), *kept = NULL;
    double score[GOLDEN_DRAWN], chosen[GOLDEN_DRAWN];
    size_t rows[GOLDEN_DRAWN], n = 0;
    bool ok = drawn && an_model_score(m, drawn, score, NULL, err);
    for (size_t i = 0; ok && i < GOLDEN_DRAWN && n < GOLDEN_ROWS; i++) {
        if (!isfinite(score[i]))
            ok = an_fail(err, AN_FAILED, "the model gives a score that is not finite for a row inside the training ranges");
        if (fabs(score[i] - m->threshold.value) <= 1e-9) continue;
        chosen[n] = score[i];
        rows[n++] = i;
    }
    if (ok && !n) { /* every row is that near: one of them is better than none */
        chosen[n] = score[0];
        rows[n++] = 0;
    }
    if (ok) kept = an_table_select(drawn, rows, n, err);
    ok = kept && add_answers(kept, chosen, m->threshold.value, err);
    an_table_free(drawn);
    if (ok) return kept;
    an_table_free(kept);
    return NULL;
}

static bool write_golden(an_model *m, an_artifact *a, an_error *err)
{
    an_table *t = golden_rows(m, err);
    char *path = t ? an_artifact_path(a, "golden.csv") : NULL;
    bool ok = path && an_csv_write(t, path, err);
    free(path);
    an_table_free(t);
    return ok;
}

static an_table *read_golden(const an_model *m, const an_artifact *a, an_error *err)
{
    an_buf bytes = { 0 };
    if (!an_artifact_read(a, "golden.csv", &bytes, err)) return NULL;
    an_csv_options how = { 0 };
    an_params_defaults(an_csv_params, &how);
    an_list_free(&how.missing);
    an_list_add(&how.missing, "");
    free(how.delimiter);
    how.delimiter = an_strdup("comma");
    free(how.decimal);
    how.decimal = an_strdup(".");
    an_model_csv_types(m, &how.type);
    an_table *t = an_csv_parse(bytes.data, bytes.size, "golden.csv", &how, NULL, NULL, err);
    an_params_free(an_csv_params, &how);
    an_buf_free(&bytes);
    return t;
}

static bool replay(an_model *m, const an_artifact *a, an_error *err)
{
    an_error why = { 0 };
    an_table *t = read_golden(m, a, &why);
    if (!t) return an_fail(err, AN_CORRUPT, "golden rows: %.900s", why.message);
    bool ok = t->rows > 0 && t->columns == m->prep->columns + 2;
    if (!ok) an_fail(err, AN_CORRUPT, "golden rows: golden.csv has %zu rows and %zu columns", t->rows, t->columns);
    double *score = an_alloc_n(t->rows + 1, sizeof *score);
    if (ok && !an_model_score(m, t, score, NULL, &why)) ok = an_fail(err, AN_CORRUPT, "golden rows: %.900s", why.message);
    for (size_t i = 0; ok && i < t->rows; i++) {
        double p = an_cell_number(&t->column[t->columns - 2], i), label = an_cell_number(&t->column[t->columns - 1], i);
        bool positive = score[i] >= m->threshold.value;
        if (!(fabs(p - score[i]) <= golden_tolerance) || label != (positive ? 1 : 0))
            ok = an_fail(err, AN_CORRUPT, "golden row %zu: the model gives %.9g (%s), the file says %.9g (%g)", i + 1, score[i],
                         positive ? "1" : "0", p, label);
    }
    free(score);
    an_table_free(t);
    return ok;
}

/* ---- the directory ---- */

static bool write_tensors(const an_model *m, an_artifact *a, an_error *err)
{
    an_params *tensors = an_params_new();
    json_t *state = json_object(), *about = json_pack("{s:s}", "format", "andon");
    an_buf bytes = { 0 };
    bool ok = an__model_tensors(m, tensors, state, err) && an_safetensors_save(tensors, about, &bytes, err) &&
              an_artifact_write(a, "model.safetensors", bytes.data, bytes.size, err);
    an_buf_free(&bytes);
    json_decref(about);
    json_decref(state);
    an_params_release(tensors);
    return ok;
}

static bool write_onnx(const an_model *m, an_artifact *a, an_error *err)
{
    an_buf onnx = { 0 }, text = { 0 };
    bool ok = an_model_onnx(m, &onnx, err) && an_artifact_write(a, "model.onnx", onnx.data, onnx.size, err);
    if (ok) {
        mlmodel(m, &onnx, &text);
        ok = an_artifact_write(a, "MLmodel", text.data, text.size, err);
    }
    an_buf_free(&onnx);
    an_buf_free(&text);
    return ok;
}

static bool file_hash(const an_artifact *a, const char *name, char hex[65], an_error *err)
{
    an_hash hash;
    char *path = an_artifact_path(a, name);
    bool ok = an_hash_file(path, &hash, err);
    free(path);
    if (ok) an_hash_hex(&hash, hex);
    return ok;
}

/* SHA-256 of the compact text of everything but "checksum" */
static void checksum(const json_t *j, char hex[65])
{
    json_t *rest = json_copy((json_t *)j);
    json_object_del(rest, "checksum");
    char *text = an_json_text(rest, false);
    an_hash hash;
    an_hash_bytes(text, strlen(text), &hash);
    an_hash_hex(&hash, hex);
    free(text);
    json_decref(rest);
}

static bool write_json(const an_model *m, an_artifact *a, an_error *err)
{
    json_t *j = an__model_json(m, err);
    if (!j) return false;
    json_t *hashes = json_object();
    json_object_set_new(j, "files", hashes);
    char hex[65];
    bool ok = true;
    for (size_t i = 0; i < AN_COUNT(files) && ok; i++) {
        ok = file_hash(a, files[i], hex, err);
        if (ok) json_object_set_new(hashes, files[i], json_string(hex));
    }
    if (ok) {
        checksum(j, hex);
        json_object_set_new(j, "checksum", json_string(hex));
        ok = an_artifact_write_json(a, "model.json", j, err);
    }
    json_decref(j);
    return ok;
}

bool an_model_save(an_model *m, an_artifact *a, an_error *err)
{
    return (write_tensors(m, a, err) && write_golden(m, a, err) && write_onnx(m, a, err) && write_json(m, a, err)) ||
           an_context(err, "saving the model");
}

static bool check_files(const an_artifact *a, const json_t *j, an_error *err)
{
    char hex[65];
    checksum(j, hex);
    if (strcmp(hex, an_json_string(j, "checksum", "")) != 0)
        return an_fail(err, AN_CORRUPT, "model.json was altered: its checksum does not fit");
    const json_t *hashes = json_object_get(j, "files");
    for (size_t i = 0; i < AN_COUNT(files); i++) {
        if (!an_artifact_has(a, files[i])) return an_fail(err, AN_CORRUPT, "%s is missing", files[i]);
        if (!file_hash(a, files[i], hex, err)) return false;
        if (strcmp(hex, an_json_string(hashes, files[i], "")) != 0)
            return an_fail(err, AN_CORRUPT, "%s was altered: its SHA-256 is not the one in model.json", files[i]);
    }
    return true;
}

static an_params *read_tensors(const an_artifact *a, an_error *err)
{
    an_buf bytes = { 0 };
    an_params *p = NULL;
    if (an_artifact_read(a, "model.safetensors", &bytes, err)) p = an_safetensors_load(bytes.data, bytes.size, NULL, err);
    an_buf_free(&bytes);
    return p;
}

static an_model *load(const an_artifact *a, an_error *err)
{
    if (!an_artifact_has(a, "model.json")) {
        an_fail(err, AN_CORRUPT, "model.json is missing");
        return NULL;
    }
    json_t *j = an_artifact_read_json(a, "model.json", err);
    if (!j) return NULL;
    an_params *tensors = NULL;
    an_model *m = NULL;
    if (!json_is_object(j))
        an_fail(err, AN_CORRUPT, "model.json is not an object");
    else if (check_files(a, j, err) && (tensors = read_tensors(a, err)))
        m = an__model_from_json(j, tensors, err);
    an_params_release(tensors);
    json_decref(j);
    if (m && !replay(m, a, err)) {
        an_model_free(m);
        m = NULL;
    }
    return m;
}

an_model *an_model_load(const an_artifact *a, an_error *err)
{
    an_error why = { 0 };
    an_model *m = load(a, &why);
    if (m) return m;
    if (why.code == AN_INPUT || why.code == AN_USAGE) why.code = AN_CORRUPT; /* nobody typed these values: the files are wrong */
    if (err) *err = why;
    an_context(err, "model in %s", an_artifact_folder(a));
    return NULL;
}
