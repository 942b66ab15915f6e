/* test_load_parts.c - the parts of the load test that need no server: histogram, schedule, rows, answers, metrics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve/load.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- histogram ---- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Every quantile is the value of that rank in the sorted list, to 1 part in 1,024 and never below it. */
static void agrees(const an__histogram *h, double *value, size_t n)
{
    static const double q[] = { 0, 0.001, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1 };
    qsort(value, n, sizeof *value, by_size);
    for (size_t i = 0; i < AN_COUNT(q); i++) {
        double rank = ceil(q[i] * (double)n - 1e-6);
        double exact = value[rank < 1 ? 0 : (size_t)rank - 1], got = an__histogram_quantile(h, q[i], 0);
        if (got < exact - 1e-9 || got > exact * (1 + 1.0 / 1024) + 2e-9)
            fail_msg("quantile %g of %zu: %.9g, sorted %.9g", q[i], n, got, exact);
    }
    assert_true(fabs(an__histogram_max(h) - value[n - 1]) < 2e-9);
    assert_int_equal(an__histogram_count(h), n);
}

static void test_quantiles(void **state)
{
    (void)state;
    enum { N = 20000 };
    double *value = an_alloc_n(N, sizeof *value);
    an__histogram *h = an__histogram_new();
    an_rng rng = an_rng_at(1, 0);
    static const size_t sizes[] = { 1, 2, 3, 19, 20, 21, 100, 1000, N };
    for (int kind = 0; kind < 3; kind++)
        for (size_t s = 0; s < AN_COUNT(sizes); s++) {
            an__histogram_clear(h);
            double sum = 0;
            for (size_t i = 0; i < sizes[s]; i++) {
                double u = an_rng_uniform(&rng);
                value[i] = kind == 0   ? 1e-6 * pow(6e7, u)                          /* 1 us to 60 s */
                           : kind == 1 ? 1e-3 * exp(0.5 * an_rng_normal(&rng))       /* about 1 ms */
                                       : (double)(1 + an_rng_below(&rng, 5)) * 1e-5; /* few different ones */
                an__histogram_add(h, value[i]);
                sum += value[i];
            }
            assert_true(fabs(an__histogram_mean(h) - sum / (double)sizes[s]) <= 1e-12 * sum);
            agrees(h, value, sizes[s]);
        }
    an__histogram_free(h);
    free(value);
}

/* Each bucket's own ends: the value at every power of two and beside it. */
static void test_edges(void **state)
{
    (void)state;
    for (int e = 0; e < 36; e++)
        for (int d = -1; d <= 1; d++) {
            double ns = ldexp(1, e) + d;
            if (ns < 0 || ns > 6e10) continue;
            an__histogram *h = an__histogram_new();
            an__histogram_add(h, ns / 1e9);
            an__histogram_add(h, 60);
            double got = an__histogram_quantile(h, 0.5, 0) * 1e9;
            if (got < ns - 1e-3 || got > ns * (1 + 1.0 / 1024) + 1e-3) fail_msg("2^%d%+d ns: %.3f", e, d, got);
            an__histogram_free(h);
        }
    an__histogram *h = an__histogram_new();
    assert_true(isnan(an__histogram_quantile(h, 0.5, 0)) && isnan(an__histogram_max(h)) && isnan(an__histogram_mean(h)));
    an__histogram_add(h, -1);
    an__histogram_add(h, NAN);
    assert_true(an__histogram_max(h) <= 0);
    an__histogram_add(h, 3600);
    an__histogram_add(h, 1e12);
    assert_int_equal(an__histogram_count(h), 4);
    assert_true(an__histogram_quantile(h, 0.75, 0) >= 60); /* beyond the range: at least its end, at most the largest */
    an__histogram_free(h);
}

static void test_merge(void **state)
{
    (void)state;
    enum { N = 3000 };
    double value[N];
    an__histogram *all = an__histogram_new(), *part[3];
    an_rng rng = an_rng_at(2, 0);
    for (int k = 0; k < 3; k++) part[k] = an__histogram_new();
    for (int i = 0; i < N; i++) {
        value[i] = 1e-4 * exp(an_rng_normal(&rng));
        an__histogram_add(part[i % 3], value[i]);
    }
    for (int k = 0; k < 3; k++) an__histogram_merge(all, part[k]);
    agrees(all, value, N);
    an__histogram_clear(all);
    an__histogram_merge(all, part[0]);
    assert_int_equal(an__histogram_count(all), N / 3);
    for (int k = 0; k < 3; k++) an__histogram_free(part[k]);
    an__histogram_free(all);
}

/* Requests without an answer are longer than all others. */
static void test_unanswered(void **state)
{
    (void)state;
    an__histogram *h = an__histogram_new();
    for (int i = 1; i <= 95; i++) an__histogram_add(h, i * 1e-6);
    assert_true(fabs(an__histogram_quantile(h, 0.95, 100) - 95e-6) < 1e-7);
    assert_true(isinf(an__histogram_quantile(h, 0.96, 100)));
    assert_true(isinf(an__histogram_quantile(h, 0.95, 101)));
    assert_true(fabs(an__histogram_quantile(h, 0.95, 0) - 91e-6) < 1e-7);
    an__histogram_clear(h);
    assert_true(isinf(an__histogram_quantile(h, 0.95, 1)));
    an__histogram_free(h);
}

/* ---- schedule ---- */

static void test_even(void **state)
{
    (void)state;
    an__load_plan p = { .rate = 200, .users = 20 };
    an__schedule s;
    an__schedule_init(&s, &p);
    for (int i = 0; i < 1000; i++) {
        double at = an__schedule_next(&s);
        if (fabs(at - i / 200.0) > 1e-9) fail_msg("request %d at %.6f", i, at);
    }
}

/* 20 users at 10 requests a second each, one more a second: in second k there are k + 1 users and 10 (k + 1) requests. */
static void test_ramp(void **state)
{
    (void)state;
    an__load_plan p = { .rate = 200, .users = 20, .ramp_s = 20 };
    an__schedule s;
    an__schedule_init(&s, &p);
    int count[30] = { 0 };
    for (double at; (at = an__schedule_next(&s)) < 30;) count[(int)(at + 1e-9)]++;
    for (int k = 0; k < 30; k++) {
        int users = k < 20 ? k + 1 : 20;
        assert_int_equal(an__load_users(&p, k + 0.5), users);
        if (abs(count[k] - 10 * users) > 1) fail_msg("second %d: %d requests of %d users", k, count[k], users);
    }
    assert_int_equal(an__load_users(&p, 0), 1);
    assert_int_equal(an__load_users(&p, 1e9), 20);
}

/* Gaps are exponential: mean 1 / rate, coefficient of variation 1, and the Kolmogorov distance of 20,000 of them is below the value that is
 * passed once in 1,000 times (1.95 / sqrt(n)). The seed decides. */
static void test_poisson(void **state)
{
    (void)state;
    enum { N = 20000 };
    an__load_plan p = { .rate = 500, .users = 7, .poisson = true, .seed = 3 };
    an__schedule s, again;
    an__schedule_init(&s, &p);
    an__schedule_init(&again, &p);
    double *gap = an_alloc_n(N, sizeof *gap), before = 0, sum = 0, squares = 0, distance = 0;
    for (int i = 0; i < N; i++) {
        double at = an__schedule_next(&s);
        assert_true(at >= before);
        assert_memory_equal(&at, (double[]){ an__schedule_next(&again) }, sizeof at);
        gap[i] = at - before;
        before = at;
        sum += gap[i];
        squares += gap[i] * gap[i];
    }
    double mean = sum / N, cv = sqrt(squares / N - mean * mean) / mean;
    assert_true(fabs(mean * 500 - 1) < 0.03 && fabs(cv - 1) < 0.04);
    qsort(gap, N, sizeof *gap, by_size);
    for (int i = 0; i < N; i++) distance = fmax(distance, fabs(1 - exp(-500 * gap[i]) - (i + 0.5) / N));
    assert_true(distance < 1.95 / sqrt(N));
    free(gap);
    p.seed = 4;
    an__schedule_init(&again, &p);
    an__schedule_init(&s, &(an__load_plan){ .rate = 500, .users = 7, .poisson = true, .seed = 3 });
    assert_true(fabs(an__schedule_next(&s) - an__schedule_next(&again)) > 1e-12);
    /* with a ramp the rate follows the users */
    p.ramp_s = 70;
    an__schedule_init(&s, &p);
    int count[7] = { 0 };
    for (double at; (at = an__schedule_next(&s)) < 70;) count[(int)(at / 10)]++;
    for (int k = 0; k < 7; k++) {
        double expected = 500.0 / 7 * (k + 1) * 10;
        if (fabs(count[k] - expected) > 5 * sqrt(expected)) fail_msg("part %d: %d of %.0f", k, count[k], expected);
    }
}

/* ---- rows ---- */

static const char about[] =
    "{\"name\":\"m\",\"inputs\":["
    "{\"name\":\"force\",\"datatype\":\"FP64\",\"shape\":[-1,1],\"parameters\":{\"type\":\"real\",\"low\":-2.5,\"high\":7}},"
    "{\"name\":\"turns\",\"datatype\":\"FP64\",\"shape\":[-1,1],\"parameters\":{\"type\":\"integer\",\"low\":3,\"high\":9}},"
    "{\"name\":\"warm\",\"datatype\":\"BOOL\",\"shape\":[-1,1],\"parameters\":{\"type\":\"boolean\"}},"
    "{\"name\":\"at\",\"datatype\":\"BYTES\",\"shape\":[-1,1],\"parameters\":{\"type\":\"datetime\",\"low\":1700000000,\"high\":1700086400}"
    "},"
    "{\"name\":\"kind "
    "\\\"x\\\"\",\"datatype\":\"BYTES\",\"shape\":[-1,1],\"parameters\":{\"type\":\"category\",\"categories\":[\"A\",\"B;\\\"\",\"0012\"]}}"
    "]}";

static json_t *parsed(const char *text)
{
    an_error err = { 0 };
    json_t *j = an_json_parse(text, strlen(text), "test", &err);
    if (!j) fail_msg("%s", err.message);
    return j;
}

static void test_drawn_rows(void **state)
{
    (void)state;
    an_error err = { 0 };
    json_t *metadata = parsed(about);
    an__load_bodies b, same;
    assert_true(an__load_bodies_draw(&b, "m", false, metadata, 300, 5, &err));
    assert_true(an__load_bodies_draw(&same, "m", false, metadata, 300, 5, &err));
    assert_string_equal(b.target, "/api/models/m/predict");
    assert_int_equal(b.count, 300);
    bool seen[3] = { 0 }, differ = false;
    for (size_t i = 0; i < b.count; i++) {
        assert_string_equal(b.items[i], same.items[i]);
        differ |= strcmp(b.items[i], b.items[0]) != 0;
        json_t *r = parsed(b.items[i]);
        assert_int_equal(json_object_size(r), 5);
        double force = an_json_number(json_object_get(r, "force"), NAN);
        assert_true(force >= -2.5 && force <= 7);
        assert_true(json_is_integer(json_object_get(r, "turns")));
        json_int_t turns = json_integer_value(json_object_get(r, "turns"));
        assert_true(turns >= 3 && turns <= 9 && json_is_boolean(json_object_get(r, "warm")));
        const char *at = an_json_string(r, "at", "");
        assert_true(strcmp(at, "2023-11-14T22:13:20Z") >= 0 && strcmp(at, "2023-11-15T22:13:20Z") <= 0);
        const char *kind = an_json_string(r, "kind \"x\"", "");
        seen[!strcmp(kind, "A") ? 0 : !strcmp(kind, "B;\"") ? 1 : 2] = true;
        if (strcmp(kind, "A") && strcmp(kind, "B;\"")) assert_string_equal(kind, "0012");
        json_decref(r);
    }
    assert_true(differ && seen[0] && seen[1] && seen[2]);
    an__load_bodies_free(&b);
    an__load_bodies_free(&same);
    assert_true(an__load_bodies_draw(&b, "m/3", true, metadata, 2, 5, &err));
    assert_string_equal(b.target, "/v2/models/m/versions/3/infer");
    json_t *r = parsed(b.items[0]), *inputs = json_object_get(r, "inputs"), *first = json_array_get(inputs, 0);
    assert_int_equal(json_array_size(inputs), 5);
    assert_string_equal(an_json_string(first, "name", ""), "force");
    assert_string_equal(an_json_string(first, "datatype", ""), "FP64");
    assert_int_equal(json_integer_value(json_array_get(json_object_get(first, "shape"), 0)), 1);
    assert_int_equal(json_array_size(json_object_get(first, "data")), 1);
    json_decref(r);
    an__load_bodies_free(&b);
    json_decref(metadata);
}

static void test_rows_of_a_table(void **state)
{
    (void)state;
    an_error err = { 0 };
    json_t *metadata = parsed(about);
    static const char csv[] = "turns,force,at,warm,kind \"x\",other\n4,1.5,2024-03-01,true,A,7\n5,,2024-03-02T01:02:03,false,0012,8\n"
                              "6,2.5,2024-03-03,true,,9\n";
    an_csv_options o = { 0 };
    an_params_defaults(an_csv_params, &o);
    an_params_clear_list(an_csv_params, &o, "type");
    an__load_types(metadata, &o.type);
    an_table *t = an_csv_parse(csv, strlen(csv), "rows", &o, NULL, NULL, &err);
    if (!t) fail_msg("%s", err.message);
    an__load_bodies b;
    assert_true(an__load_bodies_table(&b, "m@champion", false, metadata, t, 1000, &err));
    assert_string_equal(b.target, "/api/models/m@champion/predict");
    assert_int_equal(b.count, 3);
    assert_string_equal(b.items[0], "{\"at\":\"2024-03-01T00:00:00Z\",\"force\":1.5,\"kind \\\"x\\\"\":\"A\",\"turns\":4.0,\"warm\":true}");
    assert_string_equal(b.items[1],
                        "{\"at\":\"2024-03-02T01:02:03Z\",\"force\":null,\"kind \\\"x\\\"\":\"0012\",\"turns\":5.0,\"warm\":false}");
    assert_string_equal(b.items[2], "{\"at\":\"2024-03-03T00:00:00Z\",\"force\":2.5,\"kind \\\"x\\\"\":null,\"turns\":6.0,\"warm\":true}");
    an__load_bodies_free(&b);
    assert_true(an__load_bodies_table(&b, "m", true, metadata, t, 2, &err)); /* evenly: rows 0 and 1 of 3 */
    assert_int_equal(b.count, 2);
    an__load_bodies_free(&b);
    an_table *less = an_table_select_columns(t, (const char *const[]){ "turns", "force" }, 2, &err);
    assert_false(an__load_bodies_table(&b, "m", false, metadata, less, 2, &err));
    assert_int_equal(err.code, AN_NOT_FOUND);
    an_table_free(less);
    an_table_free(t);
    an_params_free(an_csv_params, &o);
    json_decref(metadata);
}

/* Metadata of other servers: several values an input, numbers without limits; and what cannot be made up. */
static void test_other_metadata(void **state)
{
    (void)state;
    an_error err = { 0 };
    an__load_bodies b;
    json_t *m = parsed("{\"inputs\":[{\"name\":\"input-0\",\"datatype\":\"FP32\",\"shape\":[-1,66]},{\"name\":\"k\",\"datatype\":\"INT64\","
                       "\"shape\":[-1]}]}");
    assert_true(an__load_bodies_draw(&b, "m", true, m, 1, 1, &err));
    json_t *r = parsed(b.items[0]), *first = json_array_get(json_object_get(r, "inputs"), 0);
    assert_int_equal(json_array_size(json_object_get(first, "data")), 66);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(first, "shape"), 1)), 66);
    assert_true(json_is_integer(json_array_get(json_object_get(json_array_get(json_object_get(r, "inputs"), 1), "data"), 0)));
    json_decref(r);
    an__load_bodies_free(&b);
    assert_false(an__load_bodies_draw(&b, "m", false, m, 1, 1, &err)); /* 66 values are no row by name */
    assert_int_equal(err.code, AN_INPUT);
    json_decref(m);
    static const char *const bad[] = { "{}",
                                       "{\"inputs\":[]}",
                                       "{\"inputs\":[{\"datatype\":\"FP64\"}]}",
                                       "{\"inputs\":[7]}",
                                       "{\"inputs\":[{\"name\":\"t\",\"datatype\":\"BYTES\",\"shape\":[1]}]}",
                                       "[]",
                                       "3" };
    for (size_t i = 0; i < AN_COUNT(bad); i++) {
        m = parsed(bad[i]);
        if (an__load_bodies_draw(&b, "m", true, m, 1, 1, &err)) fail_msg("%s was taken", bad[i]);
        assert_int_equal(err.code, AN_INPUT);
        json_decref(m);
    }
}

/* ---- answers ---- */

static void judged(int status, const char *body, bool v2, const char *expected)
{
    char kind[40] = "", why[256] = "";
    an_http_reply r = { .status = status, .body = { body, strlen(body) } };
    bool ok = an__load_answer(&r, v2, kind, why);
    if (ok != !expected || (expected && strcmp(kind, expected))) fail_msg("%s: %s (%s)", body, ok ? "taken" : kind, why);
    if (expected) assert_true(strlen(why) > 0);
}

static void test_answers(void **state)
{
    (void)state;
    judged(200, "{\"label\":\"0\",\"probability\":0.25}", false, NULL);
    judged(200, "{\"label\":\"0\",\"probability\":0}", false, NULL);
    judged(200, "[{\"label\":\"0\",\"probability\":1},{\"label\":\"1\",\"probability\":0.5}]", false, NULL);
    judged(200, "[{\"label\":\"0\",\"probability\":1},{\"label\":\"1\",\"probability\":1.5}]", false, "probability outside 0 to 1");
    judged(200, "{\"label\":\"0\",\"probability\":-1e-300}", false, "probability outside 0 to 1");
    judged(200, "{\"label\":\"0\",\"probability\":null}", false, "no probability");
    judged(200, "{\"label\":\"\",\"probability\":0.5}", false, "no label");
    judged(200, "{\"probability\":0.5}", false, "no label");
    judged(200, "[]", false, "no label");
    judged(200, "{\"label\":\"0\",\"probability\":0.5", false, "not JSON");
    judged(200, "", false, "not JSON");
    judged(429, "{\"error\":\"too much\"}", false, "status 429");
    judged(204, "", false, "status 204");
    judged(200, "{\"outputs\":[{\"name\":\"label\",\"data\":[\"0\"]},{\"name\":\"probability\",\"data\":[0.5]}]}", true, NULL);
    judged(200, "{\"outputs\":[{\"name\":\"predict\",\"data\":[7]}]}", true, NULL);
    judged(200, "{\"outputs\":[{\"name\":\"probability\",\"data\":[2]}]}", true, "probability outside 0 to 1");
    judged(200, "{\"outputs\":[{\"name\":\"label\",\"data\":[\"\"]}]}", true, "no label");
    judged(200, "{\"outputs\":[]}", true, "no outputs");
    judged(200, "{\"outputs\":[{\"name\":\"label\"}]}", true, "no outputs");
    judged(200, "7", true, "no outputs");
}

static void test_metrics(void **state)
{
    (void)state;
    static const char page[] = "# HELP a something\na_total 7\na 3.5\nb{x=\"1\"} 4 1700000000\nb{x=\"12\"} 5\nc NaN\nlast 9";
    an_span s = { page, strlen(page) };
    assert_true(fabs(an__load_metric(s, "a") - 3.5) < 1e-12);
    assert_true(fabs(an__load_metric(s, "a_total") - 7) < 1e-12);
    assert_true(fabs(an__load_metric(s, "b{x=\"1\"}") - 4) < 1e-12);
    assert_true(fabs(an__load_metric(s, "b{x=\"12\"}") - 5) < 1e-12);
    assert_true(fabs(an__load_metric(s, "last") - 9) < 1e-12);
    assert_true(isnan(an__load_metric(s, "c")) && isnan(an__load_metric(s, "b")) && isnan(an__load_metric((an_span){ 0 }, "a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantiles),      cmocka_unit_test(test_edges),      cmocka_unit_test(test_merge),
        cmocka_unit_test(test_unanswered),     cmocka_unit_test(test_even),       cmocka_unit_test(test_ramp),
        cmocka_unit_test(test_poisson),        cmocka_unit_test(test_drawn_rows), cmocka_unit_test(test_rows_of_a_table),
        cmocka_unit_test(test_other_metadata), cmocka_unit_test(test_answers),    cmocka_unit_test(test_metrics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
