/* serve_infer_binary.c - foreign bodies with raw tensors: the first two bytes are the size of the JSON part (65,535: no header), the rest
 * is the body. */
#include "serve/infer.h"

#include "fuzz_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static fuzz_models models;
    static an__infer infer;
    fuzz_models_ready(&models);
    if (size < 2) return 0;
    size_t json = (size_t)bytes[0] << 8 | bytes[1];
    if (json == 65535) json = SIZE_MAX;
    an__infer_limits limits = { .rows = 64 };
    for (int k = 0; k < 2; k++) {
        an_model *m = k ? models.numbers : models.mixed;
        an_error err = { 0 };
        int status;
        if (!an__infer_read_v2(m, (an_span){ (const char *)bytes + 2, size - 2 }, json, &limits, &infer, &status, &err)) {
            if (!err.message[0] || (status != 400 && status != 413)) abort();
            continue;
        }
        double score[64];
        if (infer.rows < 1 || infer.rows > 64 || !an_model_score_rows(m, infer.values, infer.rows, score, &err)) abort();
        for (size_t i = 0; i < infer.rows * m->prep->columns; i++)
            if (__builtin_isinf(infer.values[i])) abort();
        an_buf out = { 0 };
        size_t head = an__infer_write_v2(m, &infer, score, &(an__infer_about){ .name = "press", .version = 1, .request = "r" }, &out);
        json_error_t e;
        json_t *j = json_loadb(out.data, head ? head : out.size, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &e);
        if (!j) abort();
        json_decref(j);
        an_buf_free(&out);
    }
    return 0;
}
