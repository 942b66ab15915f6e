/* graph_safetensors.c - any bytes as a safetensors file: refused or read without harm, and what is read survives being written and read
 * again. */
#include "andon/graph.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *metadata = NULL;
    an_error err = { 0 };
    an_params *p = an_safetensors_load(data, size, &metadata, &err);
    if (!p) {
        if (!err.code || !err.message[0]) abort();
        return 0;
    }
    an_buf first = { 0 }, second = { 0 };
    if (an_safetensors_save(p, metadata, &first, &err)) {
        json_t *again_metadata = NULL;
        an_params *again = an_safetensors_load(first.data, first.size, &again_metadata, &err);
        if (!again || an_params_count(again) != an_params_count(p)) abort();
        if (!an_safetensors_save(again, again_metadata, &second, &err)) abort();
        if (first.size != second.size || memcmp(first.data, second.data, first.size) != 0) abort();
        an_params_release(again);
        json_decref(again_metadata);
    } else {
        abort();
    }
    an_buf_free(&first);
    an_buf_free(&second);
    json_decref(metadata);
    an_params_release(p);
    return 0;
}
