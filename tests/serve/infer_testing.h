/* infer_testing.h - what the tests of decoders and encoders share: two models, bodies as text, checks on refusals. */
#ifndef ANDON_TESTS_SERVE_INFER_TESTING_H
#define ANDON_TESTS_SERVE_INFER_TESTING_H

#include "learn/testing.h"
#include "serve/infer.h"

/* force turns hot variant stamp torque: every type of feature */
static inline an_model *mixed_model(void)
{
    an_table *t = simulate(400, 1, true);
    an_model *m = fitted(t, NULL);
    an_table_free(t);
    return m;
}

/* force torque: numbers alone */
static inline an_model *number_model(void)
{
    const char *names[] = { "force", "torque", "broken" };
    an_table *all = simulate(400, 1, true), *t = an_table_select_columns(all, names, 3, NULL);
    an_model *m = fitted(t, NULL);
    an_table_free(t);
    an_table_free(all);
    return m;
}

static an_model *mixed, *numbers; /* of a group whose set-up and tear-down are these */
static inline int two_models(void **state)
{
    (void)state;
    mixed = mixed_model();
    numbers = number_model();
    return 0;
}

static inline int two_models_end(void **state)
{
    (void)state;
    an_model_free(mixed);
    an_model_free(numbers);
    return 0;
}

/* A copy at the very end of its memory, so that a reader that goes too far is seen by the sanitizers. */
static inline an_span tight(const void *bytes, size_t n)
{
    char *p = malloc(n ? n : 1);
    assert_non_null(p);
    memcpy(p, bytes, n);
    return (an_span){ p, n };
}

static inline bool read_v2(const an_model *m, const void *body, size_t n, size_t json_bytes, an__infer *r, int *status, an_error *err)
{
    an_span s = tight(body, n);
    *err = (an_error){ 0 };
    bool ok = an__infer_read_v2(m, s, json_bytes, NULL, r, status, err);
    free((char *)(uintptr_t)s.data);
    return ok;
}

static inline bool read_rows(const an_model *m, const void *body, size_t n, an__infer *r, int *status, an_error *err)
{
    an_span s = tight(body, n);
    *err = (an_error){ 0 };
    bool ok = an__infer_read_rows(m, s, NULL, r, status, err);
    free((char *)(uintptr_t)s.data);
    return ok;
}

#define v2_ok(m, text, r)                                                                  \
    do {                                                                                   \
        an_error e_;                                                                       \
        int status_;                                                                       \
        if (!read_v2(m, text, strlen(text), SIZE_MAX, r, &status_, &e_))                   \
            fail_msg("refused: %s (%s; %s)\n%.300s", e_.message, e_.where, e_.hint, text); \
        assert_int_equal(status_, 200);                                                    \
    } while (0)

#define v2_fails(m, text, part)                                                                                     \
    do {                                                                                                            \
        an_error e_;                                                                                                \
        int status_;                                                                                                \
        an__infer r_ = { 0 };                                                                                       \
        if (read_v2(m, text, strlen(text), SIZE_MAX, &r_, &status_, &e_)) fail_msg("accepted: %.300s", text);       \
        if (!strstr(e_.message, part)) fail_msg("\"%s\" does not hold \"%s\"\n%.300s", e_.message, part, text);     \
        if (e_.code != AN_INPUT || status_ < 400 || status_ > 413) fail_msg("code %d status %d", e_.code, status_); \
        an__infer_free(&r_);                                                                                        \
    } while (0)

#define rows_ok(m, text, r)                                                                                                        \
    do {                                                                                                                           \
        an_error e_;                                                                                                               \
        int status_;                                                                                                               \
        if (!read_rows(m, text, strlen(text), r, &status_, &e_)) fail_msg("refused: %s (%s)\n%.300s", e_.message, e_.where, text); \
        assert_int_equal(status_, 200);                                                                                            \
    } while (0)

#define rows_fail(m, text, part)                                                                                    \
    do {                                                                                                            \
        an_error e_;                                                                                                \
        int status_;                                                                                                \
        an__infer r_ = { 0 };                                                                                       \
        if (read_rows(m, text, strlen(text), &r_, &status_, &e_)) fail_msg("accepted: %.300s", text);               \
        if (!strstr(e_.message, part)) fail_msg("\"%s\" does not hold \"%s\"\n%.300s", e_.message, part, text);     \
        if (e_.code != AN_INPUT || status_ < 400 || status_ > 413) fail_msg("code %d status %d", e_.code, status_); \
        an__infer_free(&r_);                                                                                        \
    } while (0)

static inline size_t at_feature(const an_model *m, const char *name)
{
    size_t f = an_model_feature_find(m, name, strlen(name));
    assert_true(f != SIZE_MAX);
    return f;
}

static inline double value_of(const an_model *m, const an__infer *r, size_t row, const char *name)
{
    assert_true(row < r->rows);
    return r->values[row * m->prep->columns + at_feature(m, name)];
}

#endif
