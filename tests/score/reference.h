/* reference.h - reading tests/reference/score.json (written by record_score.py) in the tests of this room. */
#ifndef TEST_SCORE_REFERENCE_H
#define TEST_SCORE_REFERENCE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "andon/score.h"

static inline json_t *reference(const char *section)
{
    json_error_t e;
    json_t *all = json_load_file(AN_SOURCE_DIR "/tests/reference/score.json", 0, &e);
    if (!all) {
        fail_msg("score.json: %s", e.text);
    }
    json_t *part = json_incref(json_object_get(all, section));
    json_decref(all);
    assert_true(json_array_size(part) > 0 || json_object_size(part) > 0);
    return part;
}

static inline double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static inline size_t whole(const json_t *object, const char *key)
{
    return (size_t)json_integer_value(json_object_get(object, key));
}

static inline double *numbers(const json_t *object, const char *key, size_t *n)
{
    const json_t *array = json_object_get(object, key);
    assert_non_null(array);
    *n = json_array_size(array);
    double *out = calloc(*n + 1, sizeof *out);
    for (size_t i = 0; i < *n; i++) {
        const json_t *value = json_array_get(array, i);
        out[i] = json_is_number(value) ? json_number_value(value) : NAN;
    }
    return out;
}

/* Equal up to `tolerance` times max(1, |expected|); NaN equals NaN only. */
static inline void near_to(double got, double expected, double tolerance, const char *what)
{
    bool same = isnan(expected) ? isnan(got) : fabs(got - expected) <= tolerance * fmax(1, fabs(expected));
    if (!same && got != expected) {
        fail_msg("%s: %.17g, expected %.17g", what, got, expected);
    }
}

static inline an_job *job_of(int threads, an_pool **pool)
{
    *pool = an_pool_new(threads);
    an_job_options options = { .pool = *pool, .seed = 1 };
    return an_job_new(&options);
}

#endif
