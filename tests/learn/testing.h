/* testing.h - what the tests of this room share: a folder of their own, checks on errors, a simulated table with every type of feature. */
#ifndef ANDON_TESTS_LEARN_TESTING_H
#define ANDON_TESTS_LEARN_TESTING_H

#include "andon/learn.h"

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline char *scratch_new(void)
{
    char *path = an_strdup("/tmp/andon-test-XXXXXX");
    assert_non_null(mkdtemp(path));
    return path;
}

static inline void scratch_end(char *path)
{
    assert_true(an_folder_remove(path, NULL));
    free(path);
}

#define assert_ok(call)                                      \
    do {                                                     \
        err = (an_error){ 0 };                               \
        if (!(call)) fail_msg("%s: %s", #call, err.message); \
    } while (0)

#define assert_fails(call, expected, part)                                                                        \
    do {                                                                                                          \
        err = (an_error){ 0 };                                                                                    \
        if (call) fail_msg("%s succeeded", #call);                                                                \
        if (err.code != (expected)) fail_msg("%s: code %s (%s)", #call, an_code_name(err.code), err.message);     \
        if (!strstr(err.message, part)) fail_msg("\"%s\" does not hold \"%s\"", err.message, (const char *)part); \
    } while (0)

#define assert_same_bits(a, b, n) assert_memory_equal(a, b, (n) * sizeof(double))

static inline an_column *add_column(an_table *t, const char *name, an_type type)
{
    an_error err = { 0 };
    an_column *c = an_table_add(t, name, type, &err);
    if (!c) fail_msg("%s", err.message);
    return c;
}

static inline void add_names(an_column *c, const char *const *names, int count)
{
    c->dictionary.count = count;
    c->dictionary.names = an_alloc_n((size_t)count, sizeof *c->dictionary.names);
    for (int i = 0; i < count; i++) c->dictionary.names[i] = an_strdup(names[i]);
}

/* n rows: id, force [kN] (some missing), turns (integer), hot (boolean), variant (category, some missing), stamp (datetime), torque [Nm],
 * and broken (0/1), whose log-odds are -3 + 0.1 force - 0.3 turns + 0.8 hot + 1.2 [variant B] + 2 (torque - 1.5) with the missing cells
 * drawn independently of all. */
enum { FEATURES = 6 };
static const char *const feature_names[FEATURES] = { "force", "turns", "hot", "variant", "stamp", "torque" };
static inline an_table *simulate(size_t n, uint64_t seed, bool gaps)
{
    an_table *t = an_table_new(n);
    const char *variants[] = { "A", "B", "C" };
    add_column(t, "part", AN_INTEGER)->role = AN_ID;
    add_column(t, "force", AN_REAL)->unit = an_strdup("kN");
    add_column(t, "turns", AN_INTEGER);
    add_column(t, "hot", AN_BOOLEAN);
    add_names(add_column(t, "variant", AN_CATEGORY), variants, 3);
    add_column(t, "stamp", AN_DATETIME);
    add_column(t, "torque", AN_REAL)->unit = an_strdup("Nm");
    add_column(t, "broken", AN_INTEGER)->role = AN_TARGET;
    t->positive = an_strdup("1");
    an_rng rng = an_rng_at(seed, 7);
    for (size_t i = 0; i < n; i++) {
        double force = 20 + 5 * an_rng_normal(&rng), torque = 1.5 + 0.25 * an_rng_normal(&rng);
        int64_t turns = (int64_t)an_rng_below(&rng, 9), stamp = 1700000000000000 + (int64_t)an_rng_below(&rng, 86400) * 1000000;
        uint64_t hot = an_rng_below(&rng, 2), variant = an_rng_below(&rng, 3);
        double z = -3 + 0.1 * force - 0.3 * (double)turns + 0.8 * (double)hot + 1.2 * (variant == 1) + 2 * (torque - 1.5);
        bool broken = an_rng_uniform(&rng) < 1 / (1 + exp(-z));
        bool no_force = gaps && an_rng_uniform(&rng) < 0.1, no_variant = gaps && an_rng_uniform(&rng) < 0.1;
        for (size_t c = 0; c < t->columns; c++)
            if (!(no_force && !strcmp(t->column[c].name, "force")) && !(no_variant && !strcmp(t->column[c].name, "variant")))
                an_set_valid(&t->column[c], i);
        an_table_find(t, "part")->integer[i] = 1000 + (int64_t)i;
        an_table_find(t, "force")->real[i] = no_force ? 0 : force;
        an_table_find(t, "turns")->integer[i] = turns;
        an_table_find(t, "hot")->boolean[i] = (uint8_t)hot;
        an_table_find(t, "variant")->code[i] = no_variant ? -1 : (int32_t)variant;
        an_table_find(t, "stamp")->integer[i] = stamp;
        an_table_find(t, "torque")->real[i] = torque;
        an_table_find(t, "broken")->integer[i] = broken;
    }
    return t;
}

static inline an_model *fitted(const an_table *t, an_job *job)
{
    an_error err = { 0 };
    const an_predictor_kind *kind = an_predictor_kind_find("logistic", &err);
    an_model *m = kind ? an_model_fit(t, kind, NULL, NULL, job, &err) : NULL;
    if (!m) fail_msg("fit: %s", err.message);
    return m;
}

static inline double *scored(an_model *m, const an_table *t)
{
    an_error err = { 0 };
    double *score = an_alloc_n(t->rows + 1, sizeof *score);
    if (!an_model_score(m, t, score, NULL, &err)) fail_msg("score: %s", err.message);
    return score;
}

#endif
