/* learn_model.c - foreign model.json: whatever it says, it is refused with a reason or gives a model that draws rows, scores them, explains
 * and describes itself. */
#include "learn/model.h"

#include <stdlib.h>

enum { WIDTH = 8 }; /* of the model in the seed corpus */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void use(an_model *m)
{
    an_error err = { 0 };
    double score[3];
    an_table *rows = an_model_probe(m, 3, 1, &err);
    if (rows && !an_model_score(m, rows, score, NULL, &err) && !err.message[0]) abort();
    an_buf onnx = { 0 };
    (void)!an_model_onnx(m, &onnx, &err);
    an_buf_free(&onnx);
    json_decref(an_model_explain(m, &err));
    json_t *again = an_model_describe(m);
    if (!again) abort();
    json_decref(again);
    an_table_free(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    an_error err = { 0 };
    json_t *j = an_json_parse((const char *)bytes, size, "model.json", &err);
    if (!j) return 0;
    double weight[WIDTH], one = 1;
    for (int i = 0; i < WIDTH; i++) weight[i] = 0.5 - i;
    an_params *tensors = an_params_new();
    an_params_add(tensors, "weight", AN_F64, (an_shape){ 1, { WIDTH } }, weight, &err);
    an_params_add(tensors, "deviation", AN_F64, (an_shape){ 1, { WIDTH } }, weight, &err);
    an_params_add(tensors, "intercept", AN_F64, (an_shape){ 1, { 1 } }, &one, &err);
    an_model *m = an__model_from_json(j, tensors, &err);
    if (m)
        use(m);
    else if (!err.message[0])
        abort();
    an_model_free(m);
    an_params_release(tensors);
    json_decref(j);
    return 0;
}
