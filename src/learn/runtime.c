/* runtime.c - scoring rows of a table by the lowered program: compiled once a model, one seat (session and input buffers) per thread of
 * use, seats kept for the next. Several threads may score the same model. A row's score depends on that row alone, so blocks run in any
 * order on any thread. */
#include "learn/model.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1024 }; /* rows a run */

/* One thread's use of the program. Work is laid out for a number of rows when that changes: single rows, which a server scores most of all,
 * have a session of their own that is never laid out again. */
typedef struct seat {
    struct seat *next;
    an_session *session, *single; /* single: made when first needed */
    double *numbers;              /* BLOCK x numeric features */
    int64_t *codes;               /* categories x BLOCK */
    an_binding *inputs;           /* the matrix (when there are numbers), then one a category */
} seat;

typedef struct runtime {
    pthread_mutex_t lock;      /* guards what is below until it is ready, then `idle` */
    an_program *program, *one; /* one: for single rows, so that they need little memory */
    bool compiled;             /* read without the lock */
    an_params *params;         /* empty: all values are constants of the graph */
    an__index *index;
    seat *idle;
    size_t numbers, categories, inputs;
    char **names; /* inputs of categories */
} runtime;

static void seat_free(seat *s)
{
    if (!s) return;
    an_session_free(s->session);
    an_session_free(s->single);
    free(s->numbers);
    free(s->codes);
    free(s->inputs);
    free(s);
}

void an__runtime_free(void *p)
{
    runtime *r = p;
    if (!r) return;
    while (r->idle) {
        seat *next = r->idle->next;
        seat_free(r->idle);
        r->idle = next;
    }
    an_program_free(r->program);
    an_program_free(r->one);
    an__index_free(r->index);
    an_params_release(r->params);
    for (size_t i = 0; i < r->categories; i++) free(r->names[i]);
    free(r->names);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static bool compile(runtime *r, const an_model *m, an_error *err)
{
    an_graph *g = an_graph_new();
    an__lowered l;
    bool ok = an__lower(m, g, AN__MATRIX, &l, err);
    if (ok) {
        an_target target = {
            .device = AN_CPU, .rows = BLOCK, .outputs = &l.probability, .names = (const char *[]){ "probability" }, .output_count = 1
        };
        r->program = an_compile(g, &target, err);
        target.rows = 1;
        r->one = r->program ? an_compile(g, &target, err) : NULL;
        ok = r->one != NULL;
    }
    an_graph_free(g);
    return ok;
}

/* The model's runtime, made by whoever asks first; not compiled yet. */
static runtime *runtime_of(an_model *m)
{
    runtime *r = __atomic_load_n(&m->runtime, __ATOMIC_ACQUIRE);
    if (!r) {
        r = an_alloc(sizeof *r);
        pthread_mutex_init(&r->lock, NULL);
        r->params = an_params_new();
        r->index = an__index_new(m);
        r->names = an_alloc_n(m->prep->columns + 1, sizeof *r->names);
        for (size_t i = 0; i < m->prep->columns; i++) {
            if (an__feature_is_number(&m->prep->column[i]))
                r->numbers++;
            else if (an__feature_used(&m->prep->column[i]))
                r->names[r->categories++] = an__feature_input(m, i);
        }
        r->inputs = r->categories + (r->numbers > 0);
        void *none = NULL;
        if (!__atomic_compare_exchange_n(&m->runtime, &none, (void *)r, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            an__runtime_free(r);
            r = none;
        }
    }
    return r;
}

const an__index *an__runtime_index(const an_model *m)
{
    return runtime_of((an_model *)(uintptr_t)m)->index;
}

static runtime *ready(an_model *m, an_error *err)
{
    runtime *r = runtime_of(m);
    if (__atomic_load_n(&r->compiled, __ATOMIC_ACQUIRE)) return r;
    pthread_mutex_lock(&r->lock);
    bool ok = r->one || compile(r, m, err);
    __atomic_store_n(&r->compiled, ok, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&r->lock);
    return ok ? r : NULL;
}

static seat *seat_take(runtime *r, an_error *err)
{
    pthread_mutex_lock(&r->lock);
    seat *s = r->idle;
    if (s) r->idle = s->next;
    pthread_mutex_unlock(&r->lock);
    if (s) return s;
    s = an_alloc(sizeof *s);
    s->session = an_session_new(r->program, r->params, 1, err);
    s->numbers = s->session ? an_alloc_data(BLOCK * r->numbers + 1, sizeof *s->numbers, "input rows", err) : NULL;
    s->codes = s->numbers ? an_alloc_data(BLOCK * r->categories + 1, sizeof *s->codes, "input rows", err) : NULL;
    if (!s->codes) {
        seat_free(s);
        return NULL;
    }
    s->inputs = an_alloc_n(r->inputs, sizeof *s->inputs);
    size_t at = 0;
    if (r->numbers) s->inputs[at++] = (an_binding){ "input", s->numbers };
    for (size_t i = 0; i < r->categories; i++) s->inputs[at++] = (an_binding){ r->names[i], s->codes + i * BLOCK };
    return s;
}

static void seat_return(runtime *r, seat *s)
{
    if (!s) return;
    pthread_mutex_lock(&r->lock);
    s->next = r->idle;
    r->idle = s;
    pthread_mutex_unlock(&r->lock);
}

/* ---- cells ---- */

/* Where a feature's values come from: a column of the table, and for categories what its cells mean to the model. */
typedef struct source {
    const an_prep_column *feature;
    const an_column *column;
    const char **name; /* the feature's dictionary sorted by bytes ... */
    int64_t *code;     /* ... and the code of each */
    int64_t *map;      /* code of the table's dictionary -> code of the model; NULL: cells are looked up by text */
} source;

typedef struct named {
    const char *name;
    int64_t code;
} named;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

static int64_t find(const source *s, const char *text)
{
    size_t low = 0, high = (size_t)s->feature->dictionary.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(text, s->name[middle]);
        if (!order) return s->code[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return an__code_unseen(s->feature);
}

static void source_category(source *s)
{
    const an_dictionary *d = &s->feature->dictionary;
    named *order = an_alloc_n((size_t)d->count + 1, sizeof *order);
    for (int32_t k = 0; k < d->count; k++) order[k] = (named){ d->names[k], k };
    qsort(order, (size_t)d->count, sizeof *order, by_name);
    s->name = an_alloc_n((size_t)d->count + 1, sizeof *s->name);
    s->code = an_alloc_n((size_t)d->count + 1, sizeof *s->code);
    for (int32_t k = 0; k < d->count; k++) {
        s->name[k] = order[k].name;
        s->code[k] = order[k].code;
    }
    free(order);
    if (s->column->type != AN_CATEGORY) return;
    const an_dictionary *own = &s->column->dictionary;
    s->map = an_alloc_n((size_t)own->count + 1, sizeof *s->map);
    for (int32_t k = 0; k < own->count; k++) s->map[k] = find(s, own->names[k]);
}

static bool source_number(const source *s, size_t rows, an_error *err)
{
    const an_column *c = s->column;
    bool time = s->feature->type == AN_DATETIME;
    if (time ? c->type == AN_DATETIME : c->type == AN_REAL || c->type == AN_INTEGER || c->type == AN_BOOLEAN) return true;
    for (size_t i = 0; i < rows; i++) { /* a column without any value has no type of its own */
        if (!an_valid(c, i)) continue;
        an_buf text = { 0 };
        an_cell_text(c, i, &text);
        an_fail(err, AN_INPUT, "column \"%s\" holds %s (\"%.60s\" in row %zu) where the model needs %s (%s)", c->name,
                an_type_name(c->type), text.size ? text.data : "", i + 1, time ? "times" : "numbers", an_type_name(s->feature->type));
        an_buf_free(&text);
        return false;
    }
    return true;
}

static void sources_free(source *s, size_t n)
{
    for (size_t i = 0; s && i < n; i++) {
        free(s[i].name);
        free(s[i].code);
        free(s[i].map);
    }
    free(s);
}

static const an_column *column_of(const an_table *t, const char *name, an_error *err)
{
    const an_column *c = an_table_find(t, name);
    if (c) return c;
    an_fail(err, AN_INPUT, "the data has no column \"%s\", which the model needs", name);
    const char **names = an_alloc_n(t->columns + 1, sizeof *names);
    for (size_t i = 0; i < t->columns; i++) names[i] = t->column[i].name;
    const char *near = an_nearest(name, names, t->columns);
    if (near) an_hint(err, "the nearest column is \"%s\"; rename it if that is what it is", near);
    free(names);
    return NULL;
}

static source *sources_new(const an_model *m, const an_table *t, an_error *err)
{
    source *s = an_alloc_n(m->prep->columns + 1, sizeof *s);
    for (size_t i = 0; i < m->prep->columns; i++) {
        s[i].feature = &m->prep->column[i];
        s[i].column = column_of(t, s[i].feature->name, err);
        if (!s[i].column || (an__feature_is_number(s[i].feature) && !source_number(&s[i], t->rows, err))) {
            sources_free(s, m->prep->columns);
            return NULL;
        }
        if (!an__feature_is_number(s[i].feature)) source_category(&s[i]);
    }
    return s;
}

static int64_t code_at(const source *s, size_t row)
{
    if (!an_valid(s->column, row)) return an__code_missing(s->feature);
    if (s->map) {
        int32_t own = s->column->code[row];
        return own < 0 ? an__code_missing(s->feature) : s->map[own];
    }
    an_buf text = { 0 };
    an_cell_text(s->column, row, &text);
    int64_t code = text.size ? find(s, text.data) : an__code_missing(s->feature);
    an_buf_free(&text);
    return code;
}

/* As preparation counts: datetimes in seconds. */
static double number_at(const source *s, size_t row)
{
    double x = an_cell_number(s->column, row);
    return s->column->type == AN_DATETIME ? x / 1e6 : x;
}

static void fill(const runtime *r, const source *s, size_t features, size_t first, size_t rows, seat *to)
{
    size_t number = 0, category = 0;
    for (size_t f = 0; f < features; f++) {
        if (an__feature_is_number(s[f].feature)) {
            for (size_t i = 0; i < rows; i++) to->numbers[i * r->numbers + number] = number_at(&s[f], first + i);
            number++;
        } else if (an__feature_used(s[f].feature)) {
            for (size_t i = 0; i < rows; i++) to->codes[category * BLOCK + i] = code_at(&s[f], first + i);
            category++;
        }
    }
}

/* ---- blocks ---- */

typedef struct work {
    runtime *runtime;
    const source *sources;
    size_t features, rows;
    double *score;
    an_job *job;
    pthread_mutex_t lock; /* of the error below: that of the first block that failed */
    size_t failed;
    an_error error;
} work;

static void block(void *context, size_t index, int worker)
{
    (void)worker;
    work *w = context;
    if (an_job_stopped(w->job)) return;
    an_error error = { 0 };
    size_t first = index * BLOCK, rows = w->rows - first < BLOCK ? w->rows - first : BLOCK;
    seat *s = seat_take(w->runtime, &error);
    bool ok = s != NULL;
    if (ok) {
        fill(w->runtime, w->sources, w->features, first, rows, s);
        an_run run = { .inputs = s->inputs, .input_count = (int)w->runtime->inputs, .rows = (int64_t)rows };
        ok = an_session_run(s->session, &run, NULL, &error);
    }
    if (ok) {
        memcpy(w->score + first, an_session_output(s->session, "probability"), rows * sizeof *w->score);
    } else {
        pthread_mutex_lock(&w->lock);
        if (index < w->failed) {
            w->failed = index;
            w->error = error;
        }
        pthread_mutex_unlock(&w->lock);
    }
    seat_return(w->runtime, s);
}

bool an_model_score(an_model *m, const an_table *t, double *score, an_job *job, an_error *err)
{
    if (!an_job_check(job, err)) return false;
    source *s = sources_new(m, t, err);
    runtime *r = s ? ready(m, err) : NULL;
    if (!r) {
        sources_free(s, m->prep->columns);
        return false;
    }
    work w = { .runtime = r, .sources = s, .features = m->prep->columns, .rows = t->rows, .score = score, .job = job, .failed = SIZE_MAX };
    pthread_mutex_init(&w.lock, NULL);
    an_pool_each(an_job_pool(job), (t->rows + BLOCK - 1) / BLOCK, block, &w);
    pthread_mutex_destroy(&w.lock);
    sources_free(s, m->prep->columns);
    if (w.failed != SIZE_MAX) {
        if (err) *err = w.error;
        return an_context(err, "scoring rows %zu to %zu", w.failed * BLOCK + 1,
                          w.failed * BLOCK + 1 + (t->rows - w.failed * BLOCK < BLOCK ? t->rows - w.failed * BLOCK : BLOCK) - 1);
    }
    return an_job_check(job, err);
}

/* ---- rows of a server ---- */

static void fill_rows(const runtime *r, const an_model *m, const double *values, size_t rows, seat *to)
{
    size_t features = m->prep->columns, number = 0, category = 0;
    if (r->numbers == features) {
        memcpy(to->numbers, values, rows * features * sizeof *values);
        return;
    }
    for (size_t f = 0; f < features; f++) {
        const an_prep_column *c = &m->prep->column[f];
        if (an__feature_is_number(c)) {
            for (size_t i = 0; i < rows; i++) to->numbers[i * r->numbers + number] = values[i * features + f];
            number++;
        } else if (an__feature_used(c)) {
            for (size_t i = 0; i < rows; i++) to->codes[category * BLOCK + i] = an__code_of(c, values[i * features + f]);
            category++;
        }
    }
}

bool an_model_score_rows(an_model *m, const double *values, size_t rows, double *score, an_error *err)
{
    runtime *r = ready(m, err);
    seat *s = r ? seat_take(r, err) : NULL;
    bool ok = s != NULL;
    for (size_t first = 0; ok && first < rows; first += BLOCK) {
        size_t n = rows - first < BLOCK ? rows - first : BLOCK;
        fill_rows(r, m, values + first * m->prep->columns, n, s);
        if (n == 1 && !s->single) s->single = an_session_new(r->one, r->params, 1, err);
        an_session *session = n == 1 ? s->single : s->session;
        an_run run = { .inputs = s->inputs, .input_count = (int)r->inputs, .rows = (int64_t)n };
        ok = session && an_session_run(session, &run, NULL, err);
        if (ok) memcpy(score + first, an_session_output(session, "probability"), n * sizeof *score);
    }
    if (s) seat_return(r, s);
    return ok;
}

bool an__out_of_range(const an_model *m, const an_table *t, an_buf *text, uint64_t *end, an_error *err)
{
    source *s = sources_new(m, t, err);
    if (!s) return false;
    for (size_t i = 0; i < t->rows; i++) {
        size_t start = text->size;
        for (size_t f = 0; f < m->prep->columns; f++) {
            const an_prep_column *c = s[f].feature;
            bool outside;
            if (an__feature_is_number(c)) {
                double x = number_at(&s[f], i);
                outside = x < c->low || x > c->high; /* false where missing, or without a range */
            } else {
                outside = code_at(&s[f], i) == an__code_unseen(c);
            }
            if (!outside) continue;
            if (text->size > start) an_buf_putc(text, ';');
            an_buf_puts(text, c->name);
        }
        end[i] = text->size;
    }
    sources_free(s, m->prep->columns);
    return true;
}
