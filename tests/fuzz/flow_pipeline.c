/* Pipeline files from anywhere: reading, describing and setting never crash, and an error always says something. */
#include "flow/pipeline.h"

#include <stdlib.h>
#include <string.h>

typedef struct toy_options {
    char *tag;
    double amount;
    int64_t count;
    an_list words;
} toy_options;

static const an_param params[] = {
    AN_TEXT(toy_options, tag, "x", "a word"),
    AN_REAL(toy_options, amount, 0.5, 0, 10, "a number"),
    AN_INT(toy_options, count, 1, 0, 100, "a whole number"),
    AN_LIST(toy_options, words, NULL, "some words"),
    AN_PARAM_END,
};

static const an_step_kind source = {
    .name = "source", .params = params, .options_size = sizeof(toy_options), .outputs = { { "data", false } }
};
static const an_step_kind clean = { .name = "clean",
                                    .params = params,
                                    .options_size = sizeof(toy_options),
                                    .inputs = { { "data", false } },
                                    .outputs = { { "data", false } } };
static const an_step_kind train = { .name = "train",
                                    .params = params,
                                    .options_size = sizeof(toy_options),
                                    .inputs = { { "data", false }, { "rows", true } },
                                    .outputs = { { "model", false } } };
static const an_step_kind *const kinds[] = { &source, &clean, &train };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    an_error err = { 0 };
    an_pipeline *p = an__pipeline_parse((const char *)bytes, n, "fuzz.yaml", "/nonexistent", kinds, AN_COUNT(kinds), &err);
    if (!p) {
        if (err.code == AN_OK || !err.message[0]) abort();
        return 0;
    }
    char *assignment = an_strndup((const char *)bytes, n); /* whatever it says */
    (void)!an_pipeline_set(p, assignment, &err);
    free(assignment);
    json_t *all = an_pipeline_describe(p);
    if (json_array_size(json_object_get(all, "steps")) != p->steps) abort();
    json_decref(all);
    an_pipeline_free(p);
    return 0;
}
