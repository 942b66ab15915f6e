/* test_predictors.c - the conformance test of the predictor interface, over the whole registry: a new kind passes this or is not one. */
#include "learn/testing.h"

enum { N = 300, D = 5 };

typedef struct sample {
    double x[N * D], weight[N];
    uint8_t label[N];
} sample;

static sample *draw(void)
{
    sample *s = an_alloc(sizeof *s);
    an_rng rng = an_rng_at(11, 0);
    for (size_t i = 0; i < N; i++) {
        double z = -0.5;
        for (size_t j = 0; j < D; j++) {
            s->x[i * D + j] = an_rng_normal(&rng);
            z += (j == 0 ? 1.5 : j == 1 ? -1.0 : 0.1) * s->x[i * D + j];
        }
        s->label[i] = an_rng_uniform(&rng) < 1 / (1 + exp(-z));
        s->weight[i] = 1;
    }
    return s;
}

static an_samples all(const sample *s)
{
    return (an_samples){ .n = N, .d = D, .x = s->x, .label = s->label };
}

static an_job *job_with(int threads, uint64_t seed, an_pool **pool)
{
    *pool = an_pool_new(threads);
    return an_job_new(&(an_job_options){ .pool = *pool, .seed = seed });
}

static an_predictor *fit_with(const an_predictor_kind *kind, const an_samples *s, int threads, uint64_t seed)
{
    an_error err = { 0 };
    an_pool *pool;
    an_job *job = job_with(threads, seed, &pool);
    an_predictor *p = an_predictor_new(kind, NULL, &err);
    assert_non_null(p);
    if (!kind->fit(p, s, job, &err)) fail_msg("%s: %s", kind->name, err.message);
    an_job_free(job);
    an_pool_free(pool);
    return p;
}

/* Scores by the lowered graph, `at_once` rows a run. */
static double *run(const an_predictor *p, const double *x, size_t n, size_t at_once)
{
    an_error err = { 0 };
    an_graph *g = an_graph_new();
    an_node y = p->kind->lower(p, an_input(g, "x", AN_F64, (an_shape){ 2, { AN_BATCH, D } }));
    an_shape shape = an_node_shape(y);
    assert_int_equal(an_node_dtype(y), AN_F64);
    assert_int_equal(shape.rank, 2);
    assert_int_equal(shape.dim[0], AN_BATCH);
    assert_int_equal(shape.dim[1], 1);
    an_target target = { .rows = (int64_t)at_once, .outputs = &y, .names = (const char *[]){ "y" }, .output_count = 1 };
    an_program *program = an_compile(g, &target, &err);
    if (!program) fail_msg("%s", err.message);
    an_graph_free(g);
    an_params *none = an_params_new();
    an_session *session = an_session_new(program, none, 1, &err);
    assert_non_null(session);
    double *out = an_alloc_n(n, sizeof *out);
    for (size_t i = 0; i < n; i += at_once) {
        size_t rows = n - i < at_once ? n - i : at_once;
        an_binding binding = { "x", x + i * D };
        an_run r = { .inputs = &binding, .input_count = 1, .rows = (int64_t)rows };
        assert_true(an_session_run(session, &r, NULL, &err));
        memcpy(out + i, an_session_output(session, "y"), rows * sizeof *out);
    }
    an_session_free(session);
    an_params_release(none);
    an_program_free(program);
    return out;
}

static double *scores(const an_predictor_kind *kind, const sample *s, int threads, uint64_t seed)
{
    an_samples a = all(s);
    an_predictor *p = fit_with(kind, &a, threads, seed);
    double *y = run(p, s->x, N, N);
    an_predictor_free(p);
    return y;
}

static void each(void (*check)(const an_predictor_kind *kind))
{
    size_t count;
    const an_predictor_kind *const *kinds = an_predictor_kinds(&count);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) check(kinds[i]);
}

static void check_row(const an_predictor_kind *k)
{
    an_error err;
    assert_true(k->name && *k->name && k->doc && *k->doc && k->source && *k->source);
    assert_true(k->fit && k->lower && k->save && k->load && k->free);
    assert_true(k->can & (AN_CAN_CLASSES | AN_CAN_REGRESS));
    assert_ptr_equal(an_predictor_kind_find(k->name, NULL), k);
    char *wrong = an_params_audit(k->params);
    assert_string_equal(wrong, "");
    free(wrong);
    const an_param *scale = an_params_find(an_prep_params, "scale");
    assert_non_null(scale);
    assert_non_null(strstr(scale->choices, k->scale));
    json_t *unknown = json_pack("{s:i}", "no_such_parameter", 1);
    assert_fails(an_predictor_new(k, unknown, &err), AN_USAGE, "no_such_parameter");
    json_decref(unknown);
}

static void test_rows(void **state)
{
    (void)state;
    each(check_row);
    an_error err;
    assert_fails(an_predictor_kind_find("logistik", &err), AN_USAGE, "logistik");
    assert_non_null(strstr(err.hint, "logistic"));
    assert_fails(an_predictor_kind_find("zzzzzzzz", &err), AN_USAGE, "zzzzzzzz");
    assert_non_null(strstr(err.hint, "logistic"));
}

static void check_learns(const an_predictor_kind *k)
{
    sample *s = draw();
    double *y = scores(k, s, 1, 1);
    for (size_t i = 0; i < N; i++) assert_true(y[i] >= 0 && y[i] <= 1);
    assert_true(an_roc_auc(s->label, y, N) > 0.75);
    free(y);
    free(s);
}

static void check_deterministic(const an_predictor_kind *k)
{
    sample *s = draw();
    double *a = scores(k, s, 1, 5), *b = scores(k, s, 1, 5), *c = scores(k, s, 3, 5);
    assert_same_bits(a, b, N);
    assert_same_bits(a, c, N);
    free(a);
    free(b);
    free(c);
    free(s);
}

static void check_one_row(const an_predictor_kind *k)
{
    sample *s = draw();
    an_samples a = all(s);
    an_predictor *p = fit_with(k, &a, 1, 1);
    double *together = run(p, s->x, N, N), *alone = run(p, s->x, N, 1), *some = run(p, s->x, N, 7);
    assert_same_bits(together, alone, N);
    assert_same_bits(together, some, N);
    free(together);
    free(alone);
    free(some);
    an_predictor_free(p);
    free(s);
}

static void check_kept(const an_predictor_kind *k)
{
    an_error err;
    sample *s = draw();
    an_samples a = all(s);
    an_predictor *p = fit_with(k, &a, 1, 1), *q = an_predictor_new(k, NULL, NULL);
    an_params *tensors = an_params_new();
    json_t *meta = json_object(), *again = json_object(), *read = NULL;
    assert_ok(k->save(p, tensors, meta, &err));
    an_buf bytes = { 0 }, twice = { 0 };
    assert_ok(an_safetensors_save(tensors, NULL, &bytes, &err));
    an_params *back = an_safetensors_load(bytes.data, bytes.size, &read, &err);
    assert_non_null(back);
    assert_ok(k->load(q, back, meta, &err));
    double *x = run(p, s->x, N, N), *y = run(q, s->x, N, N);
    assert_same_bits(x, y, N);
    an_params *third = an_params_new();
    assert_ok(k->save(q, third, again, &err));
    assert_ok(an_safetensors_save(third, NULL, &twice, &err));
    assert_int_equal(bytes.size, twice.size);
    assert_memory_equal(bytes.data, twice.data, bytes.size);
    assert_true(json_equal(meta, again));
    an_params *empty = an_params_new();
    assert_fails(k->load(q, empty, meta, &err), AN_CORRUPT, k->name);
    an_params_release(empty);
    an_params_release(tensors);
    an_params_release(back);
    an_params_release(third);
    an_buf_free(&bytes);
    an_buf_free(&twice);
    json_decref(meta);
    json_decref(again);
    json_decref(read);
    free(x);
    free(y);
    an_predictor_free(p);
    an_predictor_free(q);
    free(s);
}

static void check_refuses(const an_predictor_kind *k)
{
    an_error err;
    sample *s = draw();
    an_predictor *p = an_predictor_new(k, NULL, NULL);
    an_samples a = all(s);
    if (k->can & AN_CAN_CLASSES) {
        uint8_t ones[N], zeros[N] = { 0 };
        memset(ones, 1, sizeof ones);
        a.label = ones;
        assert_fails(k->fit(p, &a, NULL, &err), AN_INPUT, "one class only");
        a.label = zeros;
        assert_fails(k->fit(p, &a, NULL, &err), AN_INPUT, "one class only");
    }
    a = all(s);
    a.n = 0;
    assert_fails(k->fit(p, &a, NULL, &err), AN_INPUT, "no rows");
    a = all(s);
    a.d = 0;
    assert_fails(k->fit(p, &a, NULL, &err), AN_INPUT, "no feature columns");
    a = all(s);
    s->x[17] = NAN;
    if (k->can & AN_CAN_MISSING)
        assert_ok(k->fit(p, &a, NULL, &err));
    else
        assert_fails(k->fit(p, &a, NULL, &err), AN_INPUT, "not finite");
    an_predictor_free(p);
    free(s);
}

static void check_stops(const an_predictor_kind *k)
{
    an_error err;
    sample *s = draw();
    an_samples a = all(s);
    an_predictor *p = an_predictor_new(k, NULL, NULL);
    an_job *job = an_job_new(&(an_job_options){ .seed = 1 });
    an_job_stop(job);
    assert_fails(k->fit(p, &a, job, &err), AN_STOPPED, "");
    an_job_free(job);
    an_predictor_free(p);
    free(s);
}

/* AN_CAN_WEIGHTS: a row of weight 2 is that row twice; ones are no weights; nonsense is refused. */
static void check_weights(const an_predictor_kind *k)
{
    if (!(k->can & AN_CAN_WEIGHTS)) return;
    an_error err;
    sample *s = draw();
    double *x = an_alloc_n(2 * N * D, sizeof *x);
    uint8_t *label = an_alloc_n(2 * N, 1);
    size_t n = 0;
    for (size_t i = 0; i < N; i++) {
        s->weight[i] = i % 3 == 0 ? 2 : 1;
        for (int copy = 0; copy < (int)s->weight[i]; copy++) {
            memcpy(x + n * D, s->x + i * D, D * sizeof *x);
            label[n++] = s->label[i];
        }
    }
    an_samples weighted = all(s), repeated = { .n = n, .d = D, .x = x, .label = label };
    weighted.weight = s->weight;
    an_predictor *p = fit_with(k, &weighted, 1, 1), *q = fit_with(k, &repeated, 1, 1);
    double *a = run(p, s->x, N, N), *b = run(q, s->x, N, N);
    for (size_t i = 0; i < N; i++) assert_true(fabs(a[i] - b[i]) < 1e-6);
    an_predictor_free(p);
    an_predictor_free(q);
    free(b);
    an_samples none = all(s);
    q = fit_with(k, &none, 1, 1);
    b = run(q, s->x, N, N);
    double change = 0;
    for (size_t i = 0; i < N; i++) change = fmax(change, fabs(a[i] - b[i]));
    assert_true(change > 1e-6);
    free(a);
    for (size_t i = 0; i < N; i++) s->weight[i] = 1;
    p = fit_with(k, &weighted, 1, 1);
    a = run(p, s->x, N, N);
    assert_same_bits(a, b, N);
    s->weight[4] = -1;
    assert_fails(k->fit(p, &weighted, NULL, &err), AN_INPUT, "weight of training row 5");
    for (size_t i = 0; i < N; i++) s->weight[i] = s->label[i] ? 0 : 1;
    assert_fails(k->fit(p, &weighted, NULL, &err), AN_INPUT, "weight zero");
    an_predictor_free(p);
    an_predictor_free(q);
    free(a);
    free(b);
    free(x);
    free(label);
    free(s);
}

/* AN_CAN_EXPLAIN: the coefficients are those of the score. */
static void check_explains(const an_predictor_kind *k)
{
    assert_int_equal(k->coefficients != NULL, (k->can & AN_CAN_EXPLAIN) != 0);
    if (!k->coefficients) return;
    sample *s = draw();
    an_samples a = all(s);
    an_predictor *p = fit_with(k, &a, 1, 1);
    const double *w, *deviation;
    double intercept, *y = run(p, s->x, N, N);
    size_t d;
    assert_true(k->coefficients(p, &w, &deviation, &d, &intercept));
    assert_int_equal(d, D);
    for (size_t i = 0; i < N; i++) {
        double z = intercept;
        for (size_t j = 0; j < D; j++) z += w[j] * s->x[i * D + j];
        assert_true(fabs(z - log(y[i] / (1 - y[i]))) < 1e-9);
    }
    free(y);
    an_predictor_free(p);
    free(s);
}

static void test_learns(void **state)
{
    (void)state;
    each(check_learns);
}
static void test_deterministic(void **state)
{
    (void)state;
    each(check_deterministic);
}
static void test_one_row(void **state)
{
    (void)state;
    each(check_one_row);
}
static void test_kept(void **state)
{
    (void)state;
    each(check_kept);
}
static void test_refuses(void **state)
{
    (void)state;
    each(check_refuses);
}
static void test_stops(void **state)
{
    (void)state;
    each(check_stops);
}
static void test_weights(void **state)
{
    (void)state;
    each(check_weights);
}
static void test_explains(void **state)
{
    (void)state;
    each(check_explains);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),    cmocka_unit_test(test_learns),  cmocka_unit_test(test_deterministic),
        cmocka_unit_test(test_one_row), cmocka_unit_test(test_kept),    cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_stops),   cmocka_unit_test(test_weights), cmocka_unit_test(test_explains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
