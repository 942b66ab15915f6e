/* Any bytes as JSON: no crash, and what is read is written and read back the same. */
#include "andon/base.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    an_error err = { 0 };
    json_t *value = an_json_parse((const char *)data, size, "input", &err);
    if (!value) {
        json_t *told = an_error_json(&err);
        if (err.code != AN_INPUT || !told) abort();
        json_decref(told);
        return 0;
    }
    char *text = an_json_text(value, false), *pretty = an_json_text(value, true);
    json_t *again = an_json_parse(text, strlen(text), "text", &err), *third = an_json_parse(pretty, strlen(pretty), "pretty", &err);
    char *second = again ? an_json_text(again, false) : NULL;
    if (!again || !json_equal(value, again) || !json_equal(value, third) || strcmp(text, second) != 0) abort();
    free(text);
    free(pretty);
    free(second);
    json_decref(value);
    json_decref(again);
    json_decref(third);
    return 0;
}
