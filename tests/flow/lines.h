/* lines.h - what the tests of steps, learning and comparing share: made-up parts, a predictor that remembers the rows it was fitted on, a
 * workspace of their own. */
#ifndef AN_TESTS_FLOW_LINES_H
#define AN_TESTS_FLOW_LINES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow/steps.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MUST(call)                                                           \
    do {                                                                     \
        err = (an_error){ 0 };                                               \
        if (!(call)) fail_msg("%s: %s [%s]", #call, err.message, err.where); \
    } while (0)
#define MUST_FAIL(call, expected, part)                                                                                \
    do {                                                                                                               \
        err = (an_error){ 0 };                                                                                         \
        if (call) fail_msg("%s succeeded", #call);                                                                     \
        if (err.code != (expected)) fail_msg("%s: code %s (%s)", #call, an_code_name(err.code), err.message);          \
        if (!strstr(err.message, part)) fail_msg("\"%s\" does not mention \"%s\"", err.message, (const char *)(part)); \
    } while (0)

/* ---- parts ---- */

/* n parts, `positives` of them broken, evenly spread; marker (0, 1, 2 ...: what a memory can hold on to), x (moved by `shift` standard
 * deviations in broken parts), y (noise), broken. Roles are set, nothing is audited. */
static inline an_table *parts_make(size_t n, size_t positives, double shift, uint64_t seed)
{
    an_error err = { 0 };
    an_table *t = an_table_new(n);
    const char *names[] = { "marker", "x", "y" };
    for (size_t k = 0; k < AN_COUNT(names); k++) assert_non_null(an_table_add(t, names[k], AN_REAL, &err));
    an_column *broken = an_table_add(t, "broken", AN_INTEGER, &err);
    assert_non_null(broken);
    broken->role = AN_TARGET;
    t->positive = an_strdup("1");
    an_rng r = an_rng_at(seed, 3);
    for (size_t i = 0; i < n; i++) {
        bool bad = (i + 1) * positives / n > i * positives / n;
        for (size_t k = 0; k < t->columns; k++) an_set_valid(&t->column[k], i);
        t->column[0].real[i] = (double)i;
        t->column[1].real[i] = an_rng_normal(&r) + (bad ? shift : 0);
        t->column[2].real[i] = an_rng_normal(&r);
        t->column[3].integer[i] = bad;
    }
    return t;
}

/* All rows from `first` on are marked as rows of a generator. */
static inline void parts_mark(an_table *t, size_t first)
{
    t->origin = an_alloc_n(t->rows, sizeof *t->origin);
    t->origin_row = an_alloc_n(t->rows, sizeof *t->origin_row);
    t->origins = an_alloc_n(1, sizeof *t->origins);
    t->origins[0] = (an_origin){ an_strdup("maker/1"), 5 };
    t->origin_count = 1;
    for (size_t i = first; i < t->rows; i++) t->origin[i] = 1, t->origin_row[i] = i - first;
}

/* parts_make's parts with `generated` broken ones below them. */
static inline an_table *parts_with_generated(size_t n, size_t positives, size_t generated, double shift, uint64_t seed)
{
    an_error err = { 0 };
    an_table *real = parts_make(n, positives, shift, seed), *made = parts_make(generated, generated, shift, seed + 1);
    for (size_t i = 0; i < generated; i++) made->column[0].real[i] += (double)n;
    parts_mark(made, 0);
    an_table *t = an_table_append(real, made, &err);
    if (!t) fail_msg("%s", err.message);
    an_table_free(real);
    an_table_free(made);
    return t;
}

/* ---- a predictor that remembers ---- */

/* Its score is 1 for a row with a marker (first column) that it was fitted on, and 0 for any other: whoever sees a 1 has scored a row that
 * the model knew. Every fit is written down. */
typedef struct memory {
    double *marker; /* ascending, distinct */
    size_t count;   /* of them */
    size_t rows;    /* fitted on */
} memory;

enum { MEMORIES_MAX = 4096 };
static struct {
    pthread_mutex_t lock;
    memory fit[MEMORIES_MAX];
    size_t count;
    an_job *stop; /* is stopped ... */
    size_t after; /* ... by this fit (0: never) */
} memories = { .lock = PTHREAD_MUTEX_INITIALIZER };

static inline void memories_clear(void)
{
    for (size_t i = 0; i < memories.count; i++) free(memories.fit[i].marker);
    memories.count = memories.after = 0;
    memories.stop = NULL;
}

static inline int by_real(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline bool memory_has(const memory *m, double marker)
{
    return m->count && bsearch(&marker, m->marker, m->count, sizeof marker, by_real);
}

static inline bool memory_fit(an_predictor *p, const an_samples *train, an_job *job, an_error *err)
{
    (void)job, (void)err;
    memory *m = p->state = an_alloc(sizeof *m);
    m->marker = an_alloc_n(train->n + 1, sizeof *m->marker);
    m->rows = train->n;
    for (size_t i = 0; i < train->n; i++) m->marker[i] = train->x[i * train->d];
    qsort(m->marker, train->n, sizeof *m->marker, by_real);
    for (size_t i = 0; i < train->n; i++)
        if (!i || m->marker[i] != m->marker[m->count - 1]) m->marker[m->count++] = m->marker[i];
    pthread_mutex_lock(&memories.lock);
    if (memories.count < MEMORIES_MAX) {
        memory *own = &memories.fit[memories.count++];
        *own = *m;
        own->marker = an_alloc_n(m->count + 1, sizeof *own->marker);
        memcpy(own->marker, m->marker, m->count * sizeof *own->marker);
    }
    if (memories.after && memories.count == memories.after) an_job_stop(memories.stop);
    pthread_mutex_unlock(&memories.lock);
    return true;
}

static inline an_node memory_lower(const an_predictor *p, an_node x)
{
    const memory *m = p->state;
    an_node known = an_constant(x.graph, AN_F64, (an_shape){ 2, { 1, (int64_t)m->count } }, m->marker);
    an_node apart = an_abs(an_sub(an_slice(x, 1, 0, 1), known));
    an_node nearest = an_neg(an_max_axis(an_neg(apart), 1, true));
    return an_clip(an_add_scalar(an_neg(nearest), 1), 0, 1);
}

static inline void memory_free(an_predictor *p)
{
    memory *m = p->state;
    if (m) free(m->marker);
    free(m);
}

static const an_param memory_params[] = { AN_PARAM_END };
static const an_predictor_kind memory_kind = { .name = "memory",
                                               .doc = "remembers the rows it was fitted on",
                                               .source = "",
                                               .params = memory_params,
                                               .options_size = 1,
                                               .can = AN_CAN_CLASSES | AN_CAN_WEIGHTS,
                                               .scale = "none",
                                               .fit = memory_fit,
                                               .lower = memory_lower,
                                               .free = memory_free };

static inline const an_predictor_kind *logistic(void)
{
    return an_predictor_kind_find("logistic", NULL);
}

static inline const an_balance_kind *balance(const char *name)
{
    return an_balance_kind_find(name, NULL);
}

/* ---- a workspace ---- */

typedef struct line {
    char *folder;
    an_store *store;
} line;

static inline int line_make(void **state)
{
    an_error err;
    line *l = an_alloc(sizeof *l);
    l->folder = an_strdup("/tmp/andon-test-XXXXXX");
    assert_non_null(mkdtemp(l->folder));
    MUST(an_workspace_init(l->folder, &err));
    MUST((l->store = an_store_open(l->folder, &err)) != NULL);
    *state = l;
    return 0;
}

static inline int line_remove(void **state)
{
    line *l = *state;
    memories_clear();
    an_store_close(l->store);
    assert_true(an_folder_remove(l->folder, NULL));
    free(l->folder);
    free(l);
    return 0;
}

static inline double number_at(const json_t *j, const char *a, const char *b)
{
    const json_t *x = json_object_get(j, a);
    return an_json_number(b ? json_object_get(x, b) : x, NAN);
}

#endif
