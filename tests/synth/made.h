/* made.h - tables made for the tests of this room: two classes, numbers of several kinds, categories, missing cells. */
#ifndef ANDON_TESTS_SYNTH_MADE_H
#define ANDON_TESTS_SYNTH_MADE_H

#include "andon/synth.h"

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef ANDON_SANITIZED
enum { STEPS = 60 };
#else
enum { STEPS = 400 };
#endif

#define assert_ok(call)                                      \
    do {                                                     \
        err = (an_error){ 0 };                               \
        if (!(call)) fail_msg("%s: %s", #call, err.message); \
    } while (0)

#define assert_fails(call, expected, part)                                                                        \
    do {                                                                                                          \
        err = (an_error){ 0 };                                                                                    \
        if (call) fail_msg("%s succeeded", #call);                                                                \
        assert_int_equal(err.code, expected);                                                                     \
        if (!strstr(err.message, part)) fail_msg("\"%s\" does not hold \"%s\"", err.message, (const char *)part); \
    } while (0)

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

static inline an_column *made_category(an_table *t, const char *name, const char *const *values, int32_t count)
{
    an_column *c = an_table_add(t, name, AN_CATEGORY, NULL);
    assert_non_null(c);
    c->dictionary.count = count;
    c->dictionary.names = an_alloc_n((size_t)count, sizeof(char *));
    for (int32_t i = 0; i < count; i++) c->dictionary.names[i] = an_strdup(values[i]);
    return c;
}

static inline bool made_missing(double share, an_rng *r)
{
    return share > 0 && an_rng_uniform(r) < share;
}

/* n parts, the first `broken` of which are broken: force and work go together and are higher when broken, torque is rounded to .1, screws
 * is an integer, rework a boolean, variant a category of three. `share` of the feature cells is missing. Target `state`: "broken" or
 * "good". */
static inline an_table *made_parts(size_t n, size_t broken, double share, uint64_t seed)
{
    static const char *const variants[] = { "A", "B", "C" }, *const states[] = { "broken", "good" };
    an_table *t = an_table_new(n);
    an_rng r = an_rng_at(seed, 0);
    an_column *c;
    double *force = an_alloc_n(n + 1, sizeof *force);
    for (size_t i = 0; i < n; i++) force[i] = 40 + 3 * an_rng_normal(&r) + (i < broken ? 9 : 0);
    for (int column = 0; column < 5; column++) {
        static const char *const names[] = { "force", "work", "torque", "screws", "rework" };
        static const an_type types[] = { AN_REAL, AN_REAL, AN_REAL, AN_INTEGER, AN_BOOLEAN };
        c = an_table_add(t, names[column], types[column], NULL);
        assert_non_null(c);
        for (size_t i = 0; i < n; i++) {
            double z = an_rng_normal(&r);
            bool gap = made_missing(share, &r);
            if (gap) continue;
            if (column == 0) c->real[i] = force[i];
            if (column == 1) c->real[i] = 0.5 * force[i] + z;
            if (column == 2) c->real[i] = round(10 * (12 + z)) / 10;
            if (column == 3) c->integer[i] = 4 + (int64_t)an_rng_below(&r, 5);
            if (column == 4) c->boolean[i] = z > 1;
            an_set_valid(c, i);
        }
    }
    c = made_category(t, "variant", variants, 3);
    for (size_t i = 0; i < n; i++) {
        if (made_missing(share, &r)) continue;
        c->code[i] = (int32_t)an_rng_below(&r, 3);
        an_set_valid(c, i);
    }
    c = made_category(t, "state", states, 2);
    c->role = AN_TARGET;
    for (size_t i = 0; i < n; i++) {
        c->code[i] = i < broken ? 0 : 1;
        an_set_valid(c, i);
    }
    t->positive = an_strdup("broken");
    free(force);
    return t;
}

/* The same table: names, types, cells. */
static inline bool same_cells(const an_table *a, size_t from_a, const an_table *b, size_t from_b, size_t n)
{
    if (a->columns != b->columns) return false;
    an_buf x = { 0 }, y = { 0 };
    bool same = true;
    for (size_t c = 0; c < a->columns && same; c++) {
        same = !strcmp(a->column[c].name, b->column[c].name) && a->column[c].type == b->column[c].type &&
               a->column[c].role == b->column[c].role;
        for (size_t i = 0; i < n && same; i++) {
            an_buf_clear(&x);
            an_buf_clear(&y);
            an_cell_text(&a->column[c], from_a + i, &x);
            an_cell_text(&b->column[c], from_b + i, &y);
            same = x.size == y.size && (x.size == 0 || !memcmp(x.data, y.data, x.size));
        }
    }
    an_buf_free(&x);
    an_buf_free(&y);
    return same;
}

static inline char *made_text(const an_table *t, const char *column, size_t row)
{
    an_buf text = { 0 };
    an_cell_text(an_table_find(t, column), row, &text);
    return an_buf_take(&text);
}

/* Options that make a WGAN short. */
static inline json_t *made_options(const an_generator_kind *kind)
{
    if (!an_params_find(kind->params, "steps")) return NULL;
    return json_pack("{s:i, s:i, s:i, s:i}", "steps", STEPS, "width", 16, "noise", 8, "check_every", 20);
}

#endif
