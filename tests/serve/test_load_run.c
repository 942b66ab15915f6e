/* test_load_run.c - the load test against a small server that stalls, errs or keeps silent on request: what is measured is what happened.
 */
#include "wire/served.h"

#include "serve/acts.h"
#include "serve/load.h"

#include <math.h>
#include <stdatomic.h>

static const char right[] = "{\"label\":\"0\",\"probability\":0.25}";
static const char about[] = "{\"name\":\"m\",\"inputs\":[{\"name\":\"a\",\"datatype\":\"FP64\",\"shape\":[-1,1],"
                            "\"parameters\":{\"type\":\"real\",\"low\":0,\"high\":1}}]}";

typedef struct behaviour {
    enum { RIGHT, STALL, EVERY_TENTH_503, OUTSIDE, SILENT, SLOW } mode;
    atomic_int answers;
    int stall_at;          /* the answer before which all stops for `stall_s` */
    double stall_s;        /* SLOW: before each */
    an_exchange *held[64]; /* SILENT */
    size_t holds;
} behaviour;

static void rest(double seconds)
{
    struct timespec t = { (time_t)seconds, (long)((seconds - floor(seconds)) * 1e9) };
    while (nanosleep(&t, &t) != 0) {
    }
}

static void say(an_exchange *x, int status, const char *type, const char *text)
{
    an_exchange_answer(x, &(an_http_answer){ .status = status, .type = type, .body = text, .body_size = strlen(text) });
}

static void handle(void *context, an_exchange *x)
{
    behaviour *b = ((served *)context)->user;
    const an_http_request *r = an_exchange_request(x);
    if (!strcmp(r->path, "/v2/models/m")) {
        say(x, 200, "application/json", about);
    } else if (!strcmp(r->path, "/metrics")) {
        int n = atomic_load(&b->answers);
        char text[400];
        snprintf(text, sizeof text,
                 "andon_replicas %d\nandon_replica_rows_total{replica=\"0\"} %d\nandon_replica_rows_total{replica=\"1\"} %d\n",
                 n < 100 ? 1 : 2, n - n / 4, n / 4);
        say(x, 200, "text/plain", text);
    } else if (strcmp(r->path, "/api/models/m/predict")) {
        say(x, 404, "application/json", "{\"error\":\"no such model here\"}");
    } else {
        int n = atomic_fetch_add(&b->answers, 1);
        if (b->mode == STALL && n == b->stall_at) rest(b->stall_s);
        if (b->mode == SLOW) rest(b->stall_s);
        if (b->mode == SILENT && n >= b->stall_at && b->holds < AN_COUNT(b->held)) {
            b->held[b->holds++] = x; /* answered when nobody waits any more */
            return;
        }
        if (b->mode == EVERY_TENTH_503 && n % 10 == 9)
            say(x, 503, "application/json", "{\"error\":\"not now\"}");
        else
            say(x, 200, "application/json", b->mode == OUTSIDE && n % 2 ? "{\"label\":\"0\",\"probability\":1.25}" : right);
    }
}

static void run(behaviour *b, an__load_options *o, an__load_result *r, an_job *job)
{
    an_error err = { 0 };
    served s = { .user = b };
    served_start(&s, (an_http_server_options){ 0 }, handle);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", s.port);
    json_t *metadata = an_json_parse(about, strlen(about), "test", &err);
    an__load_bodies bodies;
    assert_true(an__load_bodies_draw(&bodies, "m", false, metadata, 10, 1, &err));
    json_decref(metadata);
    o->url = url;
    o->bodies = &bodies;
    if (!o->plan.users) o->plan.users = 20;
    if (!o->connections) o->connections = 20;
    if (!(o->timeout_s > 0)) o->timeout_s = 5;
    if (!an__load_run(o, r, job, &err)) fail_msg("%s", err.message);
    o->url = "http://127.0.0.1";
    an__load_bodies_free(&bodies);
    an_loop_stop(s.loop);
    pthread_join(s.thread, NULL);
    while (b->holds) say(b->held[--b->holds], 200, "application/json", right);
    an_http_server_free(s.server);
    an_loop_free(s.loop);
}

static void test_counts(void **state)
{
    (void)state;
    behaviour b = { .mode = RIGHT };
    an__load_options o = { .plan = { .rate = 200, .ramp_s = 0.5 }, .seconds = 2.5, .warmup_s = 0.5 };
    an__load_result r;
    run(&b, &o, &r, NULL);
    assert_int_equal(r.ok, 500); /* every request that was due from 1.0 to 3.5 s */
    assert_int_equal(r.errors, 0);
    assert_true(r.warm_ok >= 148 && r.warm_ok <= 158); /* users join evenly for half a second */
    assert_int_equal(atomic_load(&b.answers), 500 + (int)r.warm_ok);
    assert_int_equal(an__histogram_count(r.latency), 500);
    assert_int_equal(an__histogram_count(r.service), 500);
    assert_int_equal(an__histogram_count(r.lag), 500);
    assert_true(an__histogram_mean(r.service) <= an__histogram_mean(r.latency) + 1e-9);
    uint64_t all = 0;
    for (size_t i = 0; i < r.seconds_count; i++) all += r.second[i].ok;
    assert_int_equal(all, 500 + r.warm_ok);
    assert_true(r.seconds_count >= 3 && r.seconds_count <= 5);
    /* client and server are this process */
    assert_true(r.local);
    const an__load_use *u = &r.second[1].use;
    assert_true(u->processes >= 1 && u->memory_mb > 1 && u->cpu >= 0 && u->cpu < 64);
    assert_int_equal(r.second[2].use.replicas, 2);
    json_t *j = an__load_json(&o, &r, "m", 1000);
    assert_string_equal(an_json_string(j, "verdict", ""), "pass");
    assert_true(fabs(an_json_number(json_object_get(j, "achieved"), 0) - 200) < 30);
    json_t *share = json_object_get(json_object_get(j, "replicas"), "share");
    assert_int_equal(json_array_size(share), 2);
    assert_true(fabs(an_json_number(json_object_get(json_array_get(share, 1), "share"), 0) - 0.25) < 0.02);
    json_t *third = json_object_get(json_array_get(json_object_get(j, "series"), 2), "replica_rows");
    assert_int_equal(json_array_size(third), 2);
    double a = an_json_number(json_array_get(third, 0), NAN), b1 = an_json_number(json_array_get(third, 1), NAN);
    assert_true(a > 0 && fabs(b1 / (a + b1) - 0.25) < 0.05);
    char *text = an__load_text(j);
    assert_non_null(strstr(text, "500, and 0 errors"));
    free(text);
    json_decref(j);
    an__load_result_free(&r);
}

/* A server that stands still for half a second of two: a client that waits for answers would see 20 slow ones of 400 (5 %), one for each
 * connection. Here 100 requests were due in that time, and all of them count: 80 waited longer than 0.1 s, whatever the connections. */
static void test_stall_is_counted(void **state)
{
    (void)state;
    behaviour b = { .mode = STALL, .stall_at = 150, .stall_s = 0.5 };
    an__load_options o = { .plan = { .rate = 200 }, .seconds = 2 };
    an__load_result r;
    run(&b, &o, &r, NULL);
    assert_int_equal(r.ok, 400);
    double p75 = an__histogram_quantile(r.latency, 0.75, 0), p85 = an__histogram_quantile(r.latency, 0.85, 0);
    double largest = an__histogram_max(r.latency);
    if (p85 < 0.08 || p85 > 1) fail_msg("p85 is %g s", p85);
    if (largest < 0.45 || largest > 3) fail_msg("the largest is %g s", largest);
    assert_true(p75 < p85);
    assert_true(an__histogram_quantile(r.service, 0.85, 0) < p85); /* from sending, the stall nearly vanishes */
    an__load_result_free(&r);
}

/* 50 requests a second can be answered, 100 are asked for: latencies grow to half the length of the test, and it is said. */
static void test_too_slow(void **state)
{
    (void)state;
    behaviour b = { .mode = SLOW, .stall_s = 0.02 };
    an__load_options o = { .plan = { .rate = 100 }, .seconds = 2 };
    an__load_result r;
    run(&b, &o, &r, NULL);
    assert_int_equal(r.ok + r.errors, 200);
    assert_true(an__histogram_max(r.latency) > 1.5);
    json_t *j = an__load_json(&o, &r, "m", 100);
    assert_true(an_json_number(json_object_get(j, "achieved"), 0) < 60);
    assert_string_equal(an_json_string(j, "verdict", ""), "fail");
    assert_true(json_array_size(json_object_get(j, "warnings")) >= 1);
    json_decref(j);
    an__load_result_free(&r);
}

static void test_errors(void **state)
{
    (void)state;
    behaviour b = { .mode = EVERY_TENTH_503 };
    an__load_options o = { .plan = { .rate = 200 }, .seconds = 1 };
    an__load_result r;
    run(&b, &o, &r, NULL);
    assert_int_equal(r.ok, 180);
    assert_int_equal(r.errors, 20);
    assert_int_equal(r.kinds.count, 1);
    assert_string_equal(r.kinds.kind[0].kind, "status 503");
    assert_non_null(strstr(r.kinds.kind[0].first, "not now"));
    json_t *j = an__load_json(&o, &r, "m", 5000); /* one request in ten has no answer: no limit is kept */
    assert_string_equal(an_json_string(j, "verdict", ""), "fail");
    assert_true(json_is_null(json_object_get(json_object_get(j, "limit"), "p95_with_errors_ms")));
    assert_true(an_json_number(json_object_get(json_object_get(j, "latency_ms"), "p95"), NAN) < 5000);
    json_decref(j);
    an__load_result_free(&r);
    b = (behaviour){ .mode = OUTSIDE };
    run(&b, &o, &r, NULL);
    assert_int_equal(r.ok, 100);
    assert_int_equal(r.errors, 100);
    assert_string_equal(r.kinds.kind[0].kind, "probability outside 0 to 1");
    an__load_result_free(&r);
}

static void test_silence(void **state)
{
    (void)state;
    behaviour b = { .mode = SILENT, .stall_at = 20 };
    an__load_options o = { .plan = { .rate = 50 }, .seconds = 1, .connections = 4, .timeout_s = 0.5 };
    an__load_result r;
    run(&b, &o, &r, NULL);
    assert_int_equal(r.ok, 20);
    assert_int_equal(r.errors, 30);
    uint64_t timeouts = 0, unsent = 0;
    for (size_t i = 0; i < r.kinds.count; i++) {
        if (!strcmp(r.kinds.kind[i].kind, "timeout")) timeouts = r.kinds.kind[i].times;
        if (!strcmp(r.kinds.kind[i].kind, "not sent in time")) unsent = r.kinds.kind[i].times;
    }
    assert_true(timeouts >= 4 && timeouts + unsent == 30);
    an__load_result_free(&r);
}

static void test_nobody(void **state)
{
    (void)state;
    an_error err = { 0 };
    char *body = an_strdup("{}");
    size_t size = 2;
    an__load_bodies bodies = { .target = (char *)"/x", .items = &body, .sizes = &size, .count = 1 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* bound, not listening */
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t room = sizeof to;
    assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof to), 0);
    getsockname(fd, (struct sockaddr *)&to, &room);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", ntohs(to.sin_port));
    an__load_options o = {
        .url = url, .plan = { .rate = 100, .users = 1 }, .seconds = 0.5, .connections = 2, .timeout_s = 1, .bodies = &bodies
    };
    an__load_result r;
    assert_true(an__load_run(&o, &r, NULL, &err));
    assert_int_equal(r.ok, 0);
    assert_int_equal(r.errors, 50);
    assert_false(r.local);
    assert_string_equal(r.kinds.kind[0].kind, "connection");
    json_t *j = an__load_json(&o, &r, "m", 5);
    assert_true(json_is_null(json_object_get(json_object_get(j, "latency_ms"), "p50")));
    assert_string_equal(an_json_string(j, "verdict", ""), "fail");
    char path[] = "/tmp/andon-load-XXXXXX";
    int page = mkstemp(path);
    assert_true(page >= 0);
    assert_true(an__load_page(j, path, &err));
    close(page);
    unlink(path);
    json_decref(j);
    an__load_result_free(&r);
    close(fd);
    free(body);
}

/* ---- the act ---- */

static void *options_of(const char *url, const char *const *pairs)
{
    an_error err = { 0 };
    void *o = an_alloc(an__act_load.options_size);
    an_params_defaults(an__act_load.params, o);
    assert_true(an_params_set(an__act_load.params, o, "url", url, &err));
    for (; *pairs; pairs += 2)
        if (!an_params_set(an__act_load.params, o, pairs[0], pairs[1], &err)) fail_msg("%s", err.message);
    return o;
}

static void act(const char *url, an_job *job, an_code code, const char *says, const char *const *pairs)
{
    an_error err = { 0 };
    void *o = options_of(url, pairs);
    json_t *result = an__act_load.run(NULL, o, job, &err);
    if (err.code != code || (code == AN_OK && !result)) fail_msg("%s: %s", an_code_name(err.code), err.message);
    const char *said = code == AN_OK ? an_json_string(result, "text", "") : err.message;
    if (says && !strstr(said, says)) fail_msg("\"%s\" is not in: %s", says, said);
    if (code == AN_REFUSED)
        assert_string_equal(an_json_string(json_object_get(result, "error"), "code", ""), "refused"); /* beside the result */
    json_decref(result);
    an_params_free(an__act_load.params, o);
    free(o);
}

static void *stop_soon(void *job)
{
    rest(1.3);
    an_job_stop(job);
    return NULL;
}

static void test_act(void **state)
{
    (void)state;
    char *problem = an_params_audit(an__act_load.params);
    assert_string_equal(problem, "");
    free(problem);
    behaviour b = { .mode = RIGHT };
    served s = { .user = &b };
    served_start(&s, (an_http_server_options){ 0 }, handle);
    char url[64], folder[] = "/tmp/andon-load-XXXXXX";
    snprintf(url, sizeof url, "http://127.0.0.1:%d", s.port);
    assert_non_null(mkdtemp(folder));
    char *page = an_path_join(folder, "a.html"), *numbers = an_path_join(folder, "a.json");
#define ACT(job, code, says, ...) act(url, job, code, says, (const char *const[]){ __VA_ARGS__, NULL })
    ACT(NULL, AN_USAGE, "which model", "rate", "10");
    ACT(NULL, AN_USAGE, "names a version", "model", "m/3");
    ACT(NULL, AN_NOT_FOUND, "no such model here", "model", "n");
    ACT(NULL, AN_NOT_FOUND, "/nowhere/at/all.csv", "model", "m", "data", "/nowhere/at/all.csv");
    ACT(NULL, AN_OK, "verdict     pass", "model", "m", "seconds", "0.5", "warmup-s", "0", "p95-ms", "2000", "out", page);
    an_error err = { 0 };
    json_t *j = an_json_read(numbers, &err);
    assert_int_equal(json_integer_value(json_object_get(j, "ok")), 100);
    json_decref(j);
    an_buf html = { 0 };
    assert_true(an_file_read(page, 0, &html, &err));
    assert_non_null(strstr(html.data, "Load test of m"));
    assert_null(strstr(html.data, "http-equiv"));
    assert_null(strstr(html.data, "src="));
    an_buf_free(&html);
    b.mode = EVERY_TENTH_503;
    ACT(NULL, AN_REFUSED, "no right answer", "model", "m", "seconds", "0.5", "warmup-s", "0", "p95-ms", "2000", "out", page);
    j = an_json_read(numbers, &err); /* the numbers are there all the same */
    assert_string_equal(an_json_string(j, "verdict", ""), "fail");
    json_decref(j);
    b.mode = SLOW;
    b.stall_s = 0.004;
    ACT(NULL, AN_REFUSED, "above the limit of 1 ms", "model", "m", "seconds", "0.5", "warmup-s", "0", "p95-ms", "1", "rate", "50");
    b.mode = RIGHT;
    an_job *job = an_job_new(&(an_job_options){ .seed = 1 });
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, job), 0);
    ACT(job, AN_STOPPED, "stopped after", "model", "m", "seconds", "30", "warmup-s", "0", "out", page);
    pthread_join(thread, NULL);
    an_job_free(job);
    j = an_json_read(numbers, &err);
    double seconds = an_json_number(json_object_get(j, "seconds"), 0);
    assert_true(json_is_true(json_object_get(j, "interrupted")) && seconds > 0.9 && seconds < 5);
    assert_true(fabs((double)json_integer_value(json_object_get(j, "ok")) - 200 * seconds) < 100 * seconds);
    json_decref(j);
    served_stop(&s);
    assert_true(an_folder_remove(folder, &err));
    free(page);
    free(numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts), cmocka_unit_test(test_stall_is_counted), cmocka_unit_test(test_too_slow),
        cmocka_unit_test(test_errors), cmocka_unit_test(test_silence),          cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_act),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
