/* The solver of logistic regression: scikit-learn's coefficients, the optimality conditions, threads, hard and bad input. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "learn/logistic_solver.h"

static const an__logistic_options usual = { .c = 1, .tolerance = 1e-10, .iterations = 100 };

typedef struct sample {
    size_t n, d;
    double *x, *weight;
    uint8_t *label;
} sample;

static void sample_free(sample *s)
{
    free(s->x);
    free(s->weight);
    free(s->label);
}

/* Labels follow a linear score with noise; `share` of them positive, about. */
static sample drawn(size_t n, size_t d, double share, double noise, uint64_t seed)
{
    sample s = { .n = n, .d = d, .x = calloc(n * d + 1, sizeof *s.x), .label = calloc(n + 1, 1) };
    an_rng rng = an_rng_at(seed, 0);
    for (size_t i = 0; i < n; i++) {
        double score = 0;
        for (size_t j = 0; j < d; j++) {
            s.x[i * d + j] = an_rng_normal(&rng);
            score += s.x[i * d + j] * sin((double)j + 1);
        }
        s.label[i] = i < 2 ? (uint8_t)i : score / sqrt((double)d) + noise * an_rng_normal(&rng) > (1 - 2 * share) * (1 + noise);
    }
    return s;
}

static void near_to(double got, double expected, double tolerance, const char *what)
{
    if (!(fabs(got - expected) <= tolerance * fmax(1, fabs(expected)))) {
        fail_msg("%s: %.17g, expected %.17g", what, got, expected);
    }
}

/* The largest component of the gradient, by the definition. */
static double largest_gradient(const sample *s, const an__logistic_fit *f, double c)
{
    double largest = 0;
    for (size_t j = 0; j <= s->d; j++) {
        double g = j < s->d ? f->w[j] : 0;
        for (size_t i = 0; i < s->n; i++) {
            double margin = f->intercept;
            for (size_t k = 0; k < s->d; k++) {
                margin += s->x[i * s->d + k] * f->w[k];
            }
            g += c * (s->weight ? s->weight[i] : 1) * (1 / (1 + exp(-margin)) - s->label[i]) * (j < s->d ? s->x[i * s->d + j] : 1);
        }
        largest = fmax(largest, fabs(g));
    }
    return largest;
}

static double *numbers(const json_t *array, size_t n)
{
    double *out = calloc(n + 1, sizeof *out);
    assert_int_equal(json_array_size(array), n);
    for (size_t i = 0; i < n; i++) {
        out[i] = json_number_value(json_array_get(array, i));
    }
    return out;
}

static void coefficients_match_scikit_learn(void **state)
{
    (void)state;
    json_error_t e;
    json_t *all = json_load_file(AN_SOURCE_DIR "/tests/reference/logistic.json", 0, &e), *cases = json_object_get(all, "cases");
    assert_true(json_array_size(cases) >= 10);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i), *weight = json_object_get(c, "weight");
        const char *name = json_string_value(json_object_get(c, "name"));
        sample s = { .n = (size_t)json_integer_value(json_object_get(c, "n")), .d = (size_t)json_integer_value(json_object_get(c, "d")) };
        s.x = numbers(json_object_get(c, "x"), s.n * s.d);
        s.weight = json_is_array(weight) ? numbers(weight, s.n) : NULL;
        s.label = calloc(s.n, 1);
        for (size_t j = 0; j < s.n; j++) {
            s.label[j] = json_integer_value(json_array_get(json_object_get(c, "y"), j)) == 1;
        }
        double *w = numbers(json_object_get(c, "w"), s.d);
        an__logistic_options options = usual;
        options.c = json_number_value(json_object_get(c, "c"));
        an__logistic_fit f;
        an_error err = { 0 };
        if (!an__logistic_solve(s.x, s.n, s.d, s.label, s.weight, &options, &f, NULL, &err)) {
            fail_msg("%s: %s", name, err.message);
        }
        assert_true(f.converged && f.gradient <= 1e-10 && f.iterations <= 25);
        for (size_t j = 0; j < s.d; j++) {
            near_to(f.w[j], w[j], 1e-6, name);
        }
        near_to(f.intercept, json_number_value(json_object_get(c, "intercept")), 1e-6, name);
        near_to(f.objective, json_number_value(json_object_get(c, "objective")), 1e-11, name);
        free(f.w);
        free(w);
        sample_free(&s);
    }
    json_decref(all);
}

static void gradient_vanishes(void **state)
{
    (void)state;
    const size_t shapes[][2] = { { 40, 3 }, { 3000, 7 }, { 500, 80 }, { 60, 200 } };
    for (size_t i = 0; i < AN_COUNT(shapes); i++) {
        for (int k = 0; k < 4; k++) {
            sample s = drawn(shapes[i][0], shapes[i][1], k % 2 ? 0.1 : 0.5, 0.7, i);
            double c = k < 2 ? 1 : 100;
            an__logistic_options options = { .c = c, .tolerance = 1e-11, .iterations = 100 };
            an__logistic_fit f;
            assert_true(an__logistic_solve(s.x, s.n, s.d, s.label, NULL, &options, &f, NULL, NULL));
            assert_true(f.converged && largest_gradient(&s, &f, c) < 1e-8 * c * (double)s.n);
            free(f.w);
            sample_free(&s);
        }
    }
}

static void threads_do_not_change_bits(void **state)
{
    (void)state;
    sample s = drawn(9000, 40, 0.2, 0.7, 5); /* large enough to be shared among threads */
    an__logistic_fit f[3];
    for (int t = 0; t < 3; t++) {
        an_pool *pool = an_pool_new(t + 1);
        an_job_options options = { .pool = pool, .seed = 1 };
        an_job *job = an_job_new(&options);
        assert_true(an__logistic_solve(s.x, s.n, s.d, s.label, NULL, &usual, &f[t], t ? job : NULL, NULL));
        assert_memory_equal(f[t].w, f[0].w, s.d * sizeof *f[t].w);
        assert_memory_equal(&f[t].intercept, &f[0].intercept, sizeof f[t].intercept);
        assert_memory_equal(&f[t].objective, &f[0].objective, sizeof f[t].objective);
        an_job_free(job);
        an_pool_free(pool);
    }
    for (int t = 0; t < 3; t++) {
        free(f[t].w);
    }
    sample_free(&s);
}

/* The same problem padded with empty columns until the system is solved by conjugate gradients. */
static void many_columns_match_few(void **state)
{
    (void)state;
    enum { WIDE = 1700 };
    sample s = drawn(150, 9, 0.3, 0.7, 6), wide = { .n = 150, .d = WIDE, .x = calloc(150 * WIDE, sizeof(double)), .label = calloc(150, 1) };
    memcpy(wide.label, s.label, s.n);
    for (size_t i = 0; i < s.n; i++) {
        for (size_t j = 0; j < s.d; j++) {
            s.x[i * s.d + j] *= j ? 1 : 20;
            wide.x[i * WIDE + j * 100] = s.x[i * s.d + j];
        }
    }
    an__logistic_fit f, g;
    assert_true(an__logistic_solve(s.x, s.n, s.d, s.label, NULL, &usual, &f, NULL, NULL));
    assert_true(an__logistic_solve(wide.x, wide.n, wide.d, wide.label, NULL, &usual, &g, NULL, NULL));
    assert_true(f.converged && g.converged);
    for (size_t j = 0; j < WIDE; j++) {
        near_to(g.w[j], j % 100 == 0 && j / 100 < s.d ? f.w[j / 100] : 0, 1e-8, "coefficient");
    }
    near_to(g.intercept, f.intercept, 1e-8, "intercept");
    free(f.w);
    free(g.w);
    sample_free(&s);
    sample_free(&wide);
}

static void known_in_closed_form(void **state)
{
    (void)state;
    const double x[] = { 0, 0, 0, 0, 0 }, weight[] = { 1, 1, 1, 3, 0 };
    const uint8_t label[] = { 0, 0, 1, 1, 0 };
    an__logistic_fit f;
    assert_true(an__logistic_solve(x, 5, 1, label, weight, &usual, &f, NULL, NULL)); /* nothing to learn but the odds, 4 to 2 */
    assert_true(f.w[0] == 0 && f.converged);
    near_to(f.intercept, log(2), 1e-9, "log odds");
    free(f.w);
    assert_true(an__logistic_solve(NULL, 5, 0, label, weight, &usual, &f, NULL, NULL)); /* no columns at all */
    near_to(f.intercept, log(2), 1e-9, "log odds");
    free(f.w);
    /* two rows at -1 and 1: w solves w = 2 / (1 + e^w), and the intercept is 0 */
    const double two[] = { -1, 1 };
    assert_true(an__logistic_solve(two, 2, 1, (const uint8_t[]){ 0, 1 }, NULL, &usual, &f, NULL, NULL));
    near_to(f.w[0] * (1 + exp(f.w[0])), 2, 1e-9, "fixed point");
    near_to(f.intercept, 0, 1e-12, "intercept");
    free(f.w);
}

static void hard_but_solvable(void **state)
{
    (void)state;
    enum { N = 200 };
    double x[N * 2];
    uint8_t label[N];
    for (int i = 0; i < N; i++) {
        x[2 * i] = i - 99.5; /* separable with a wide margin and no scaling at all */
        x[2 * i + 1] = 1e5 * ((i * 7) % 13);
        label[i] = i >= 100;
    }
    an__logistic_options weak = { .c = 1e4, .tolerance = 1e-8, .iterations = 500 };
    an__logistic_fit f;
    assert_true(an__logistic_solve(x, N, 2, label, NULL, &weak, &f, NULL, NULL));
    assert_true(f.converged && isfinite(f.w[0]) && isfinite(f.w[1]) && isfinite(f.intercept));
    for (int i = 0; i < N; i++) {
        assert_true((x[2 * i] * f.w[0] + x[2 * i + 1] * f.w[1] + f.intercept > 0) == label[i]);
    }
    free(f.w);
    sample s = drawn(300, 5, 0.5, 0.7, 9); /* one positive row with a tiny weight */
    s.weight = calloc(s.n, sizeof *s.weight);
    for (size_t i = 0; i < s.n; i++) {
        s.label[i] = i == 1;
        s.weight[i] = i == 1 ? 1e-6 : 1;
    }
    assert_true(an__logistic_solve(s.x, s.n, s.d, s.label, s.weight, &usual, &f, NULL, NULL));
    assert_true(f.converged && f.intercept < -15 && f.intercept > -25);
    free(f.w);
    sample_free(&s);
}

static void few_iterations_are_told(void **state)
{
    (void)state;
    sample s = drawn(100, 4, 0.5, 0.5, 3);
    an__logistic_options options = { .c = 10, .tolerance = 1e-10, .iterations = 1 };
    an__logistic_fit f;
    assert_true(an__logistic_solve(s.x, s.n, s.d, s.label, NULL, &options, &f, NULL, NULL));
    assert_true(!f.converged && f.iterations == 1 && f.gradient > 1e-10);
    free(f.w);
    options = (an__logistic_options){ .c = 10, .tolerance = 0, .iterations = 200 }; /* more than rounding can give */
    assert_true(an__logistic_solve(s.x, s.n, s.d, s.label, NULL, &options, &f, NULL, NULL));
    assert_true(f.converged && f.iterations < 100);
    free(f.w);
    sample_free(&s);
}

static void refused(const sample *s, const double *weight, const an__logistic_options *options, an_code code, const char *message)
{
    an__logistic_fit f;
    an_error err = { 0 };
    assert_false(an__logistic_solve(s->x, s->n, s->d, s->label, weight, options, &f, NULL, &err));
    assert_int_equal(err.code, code);
    assert_null(f.w);
    if (!strstr(err.message, message)) {
        fail_msg("\"%s\", expected \"%s\"", err.message, message);
    }
}

static void bad_input(void **state)
{
    (void)state;
    sample s = drawn(20, 3, 0.5, 0.5, 4), none = { 0 };
    double weight[20] = { 0 };
    weight[0] = 1; /* a negative row */
    refused(&s, weight, &usual, AN_INPUT, "all 20 are negative");
    weight[3] = -1;
    refused(&s, weight, &usual, AN_INPUT, "weight of row 4 is -1");
    refused(&none, NULL, &usual, AN_INPUT, "both classes");
    an__logistic_options bad = usual;
    bad.c = 0;
    refused(&s, NULL, &bad, AN_USAGE, "c (0)");
    s.x[3 * 3 + 1] = INFINITY;
    refused(&s, NULL, &usual, AN_INPUT, "row 4, column 2");
    memset(s.label, 1, s.n);
    s.x[3 * 3 + 1] = 0;
    refused(&s, NULL, &usual, AN_INPUT, "all 20 are positive");
    sample_free(&s);
}

static void stops_when_told(void **state)
{
    (void)state;
    sample s = drawn(50, 3, 0.5, 0.5, 4);
    an_job *job = an_job_new(&(an_job_options){ .seed = 1 });
    an_job_stop(job);
    an__logistic_fit f;
    an_error err = { 0 };
    assert_false(an__logistic_solve(s.x, s.n, s.d, s.label, NULL, &usual, &f, job, &err));
    assert_int_equal(err.code, AN_STOPPED);
    assert_null(f.w);
    an_job_free(job);
    sample_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coefficients_match_scikit_learn),
        cmocka_unit_test(gradient_vanishes),
        cmocka_unit_test(threads_do_not_change_bits),
        cmocka_unit_test(many_columns_match_few),
        cmocka_unit_test(known_in_closed_form),
        cmocka_unit_test(hard_but_solvable),
        cmocka_unit_test(few_iterations_are_told),
        cmocka_unit_test(bad_input),
        cmocka_unit_test(stops_when_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
