/* serve_infer_json.c - foreign JSON to the decoders of all forms: whatever comes is refused with a sentence, or gives rows that are scored
 * and answered in JSON that the library reads. */
#include "serve/infer.h"

#include "fuzz_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void answered(const an_model *m, const an__infer *r, const double *score)
{
    an__infer_about about = { .name = "press", .version = 1, .request = "r" };
    an_buf out = { 0 };
    json_error_t e;
    if (r->form != AN__FORM_V2)
        an__infer_write_rows(m, r, score, &about, &out);
    else
        an__infer_write_v2(m, r, score, &about, &out);
    bool raw = false;
    for (int k = 0; r->form == AN__FORM_V2 && k < r->outputs; k++) raw = raw || r->output[k].binary;
    json_t *j = raw ? NULL : json_loadb(out.data, out.size, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &e);
    if (!raw && !j) abort();
    json_decref(j);
    an_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static fuzz_models models;
    static an__infer infer;
    fuzz_models_ready(&models);
    an__infer_limits limits = { .rows = 64 };
    an_span body = { (const char *)bytes, size };
    for (int k = 0; k < 8; k++) {
        an_model *m = k % 2 ? models.numbers : models.mixed;
        an_error err = { 0 };
        int status;
        bool ok = k / 2 == 0   ? an__infer_read_v2(m, body, SIZE_MAX, &limits, &infer, &status, &err)
                  : k / 2 == 1 ? an__infer_read_rows(m, body, &limits, &infer, &status, &err)
                               : an__infer_read_scoring(m, body, k / 2 == 3, &limits, &infer, &status, &err);
        if (!ok) {
            if (!err.message[0] || (status != 400 && status != 413)) abort();
            continue;
        }
        double score[64];
        if (infer.rows < 1 || infer.rows > 64 || !an_model_score_rows(m, infer.values, infer.rows, score, &err)) abort();
        answered(m, &infer, score);
    }
    return 0;
}
