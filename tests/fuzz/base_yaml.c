/* Any bytes as YAML: no crash, no endless expansion; the values are JSON values, which are YAML again. */
#include "andon/base.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    an_error err = { 0 };
    an_yaml *y = an_yaml_parse((const char *)data, size, "input", &err);
    if (!y) {
        json_t *told = an_error_json(&err);
        if (err.code != AN_INPUT || !told) abort();
        json_decref(told);
        return 0;
    }
    char *text = an_json_text(an_yaml_root(y), false);
    json_t *again = an_json_parse(text, strlen(text), "text", &err);
    if (!again || !json_equal(an_yaml_root(y), again)) abort();
    json_decref(again);
    free(text);
    an_yaml_free(y);
    return 0;
}
