/* Running pipelines: cache, parallel steps, retries, failures, stopping, two processes at once, kill -9 and going on. */
#include "flow/kinds.h"

#include <signal.h>
#include <sys/wait.h>

typedef struct place {
    char *folder, *log;
    an_store *store;
} place;

static int place_make(void **state)
{
    an_error err;
    place *p = an_alloc(sizeof *p);
    p->folder = an_strdup("/tmp/andon-test-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    p->log = an_path_join(p->folder, "log");
    setenv("ANDON_TEST_LOG", p->log, 1);
    MUST(an_workspace_init(p->folder, &err));
    MUST((p->store = an_store_open(p->folder, &err)) != NULL);
    *state = p;
    return 0;
}

static int place_remove(void **state)
{
    an_error err;
    place *p = *state;
    an_store_close(p->store);
    MUST(an_folder_remove(p->folder, &err));
    free(p->folder);
    free(p->log);
    free(p);
    return 0;
}

#define CHAIN(extra)                                                                                                                   \
    "name: press\nsteps:\n  get: {use: source, set: {tag: a}}\n  clean: {use: clean, set: {tag: b" extra "}}\n  split: {use: split}\n" \
    "  train: {use: train}\n  judge: {use: judge}\n"

static json_t *run_text(an_store *s, const char *text, bool fresh, an_job *job, an_error *err)
{
    an_pipeline *p;
    p = toy_parse(text, err);
    if (!p) fail_msg("%s", err->message);
    json_t *result = an_pipeline_run(s, p, fresh, job, err);
    an_pipeline_free(p);
    return result;
}

static int cached_count(const json_t *result)
{
    int count = 0;
    size_t i;
    json_t *step;
    json_array_foreach(json_object_get(result, "steps"), i, step) count += json_is_true(json_object_get(step, "cached"));
    return count;
}

static const json_t *step_of(const json_t *result, const char *name)
{
    size_t i;
    json_t *step;
    json_array_foreach(json_object_get(result, "steps"), i, step)
        if (strcmp(an_json_string(step, "name", ""), name) == 0) return step;
    fail_msg("no step %s", name);
    return NULL;
}

static const char *made_by(const json_t *result, const char *step, const char *port)
{
    return an_json_string(json_object_get(step_of(result, step), "outputs"), port, "?");
}

static void test_cache(void **state)
{
    place *p = *state;
    an_error err;
    json_t *first, *second, *third;
    MUST((first = run_text(p->store, CHAIN(""), false, NULL, &err)) != NULL);
    assert_string_equal(an_json_string(first, "state", ""), "done");
    assert_string_equal(an_json_string(first, "name", ""), "press");
    assert_int_equal(json_array_size(json_object_get(first, "steps")), 5);
    assert_int_equal(cached_count(first), 0);
    const json_t *train = step_of(first, "train");
    assert_string_equal(an_json_string(train, "use", ""), "train");
    assert_string_equal(an_json_string(json_object_get(train, "inputs"), "data", ""), made_by(first, "clean", "data"));
    assert_string_equal(an_json_string(json_object_get(train, "inputs"), "split", ""), made_by(first, "split", "split"));
    assert_string_equal(an_json_string(json_object_get(train, "result"), "tag", ""), "x");
    assert_true(json_is_number(json_object_get(train, "seconds")));

    double begun = an_clock_s();
    MUST((second = run_text(p->store, CHAIN(""), false, NULL, &err)) != NULL);
    assert_true(an_clock_s() - begun < 1);
    assert_int_equal(cached_count(second), 5);
    assert_int_equal(toy_count("train"), 1);
    assert_string_equal(made_by(first, "train", "model"), made_by(second, "train", "model"));
    assert_true(json_equal(json_object_get(step_of(second, "train"), "result"), json_object_get(train, "result")));

    /* a parameter in the middle that does not change what is made: that step is done again, the others are not */
    MUST((third = run_text(p->store, CHAIN(", amount: 3"), false, NULL, &err)) != NULL);
    assert_int_equal(cached_count(third), 4); /* clean makes the same data, so the steps after it are equal too */
    assert_int_equal(toy_count("clean"), 2);
    assert_int_equal(toy_count("train"), 1);
    json_decref(third);
    MUST((third = run_text(p->store, CHAIN("b"), false, NULL, &err)) != NULL); /* another tag, other data */
    assert_int_equal(cached_count(third), 1);
    assert_string_not_equal(made_by(third, "train", "model"), made_by(first, "train", "model"));
    json_decref(third);
    an_job *job = an_job_new(&(an_job_options){ .seed = 2 }); /* another seed: nothing is equal */
    MUST((third = run_text(p->store, CHAIN(""), false, job, &err)) != NULL);
    assert_int_equal(cached_count(third), 0);
    json_decref(third);
    an_job_free(job);
    MUST((third = run_text(p->store, CHAIN(""), true, NULL, &err)) != NULL); /* fresh */
    assert_int_equal(cached_count(third), 0);
    assert_string_equal(made_by(third, "train", "model"), made_by(first, "train", "model"));
    json_decref(third);

    an_run_row row;
    MUST(an_run_get(p->store, an_json_string(first, "run", ""), &row, &err));
    assert_string_equal(row.kind, "run");
    assert_string_equal(row.name, "press");
    assert_string_equal(row.state, "done");
    assert_true(json_equal(json_object_get(row.result, "steps"), json_object_get(first, "steps")));
    an_run_row_free(&row);
    an_run_row *rows;
    size_t count;
    MUST(an_run_list(p->store, NULL, an_json_string(first, "run", ""), 0, &rows, &count, &err));
    assert_int_equal(count, 5);
    json_t *metrics = an_run_metrics(p->store, rows[0].id, &err);
    assert_true(json_is_array(json_object_get(metrics, "amount")));
    json_decref(metrics);
    an_run_rows_free(rows, count);
    MUST(an_run_list(p->store, NULL, an_json_string(second, "run", ""), 0, &rows, &count, &err));
    assert_int_equal(count, 0); /* nothing was done */
    an_run_rows_free(rows, count);

    /* from the model back to the source */
    an_hash model;
    assert_true(an_hash_parse(made_by(first, "train", "model"), &model));
    json_t *lineage = an_lineage(p->store, &model, &err);
    assert_non_null(lineage);
    const json_t *data = json_array_get(json_object_get(lineage, "inputs"), 0);
    assert_string_equal(an_json_string(json_object_get(data, "run"), "name", ""), "clean");
    assert_string_equal(an_json_string(json_object_get(json_array_get(json_object_get(data, "inputs"), 0), "run"), "name", ""), "source");
    json_decref(lineage);
    json_decref(second);
    json_decref(first);
}

static void test_fingerprint(void **state)
{
    place *p = *state;
    an_error err;
    char *file = an_path_join(p->folder, "input.txt"), *yaml = an_path_join(p->folder, "flow.yaml");
    const char *text = "steps:\n  get: {use: source, set: {tag: input.txt}}\n";
    MUST(an_file_write(file, "one", 3, &err));
    MUST(an_file_write(yaml, text, strlen(text), &err));
    for (int round = 0; round < 3; round++) {
        an_pipeline *pipeline = an__pipeline_read_with(yaml, toys, AN_COUNT(toys), &err);
        assert_non_null(pipeline);
        if (round == 2) MUST(an_file_write(file, "two", 3, &err));
        json_t *result;
        MUST((result = an_pipeline_run(p->store, pipeline, false, NULL, &err)) != NULL);
        assert_int_equal(cached_count(result), round == 1 ? 1 : 0); /* the file changed before the third */
        json_decref(result);
        an_pipeline_free(pipeline);
    }
    free(file);
    free(yaml);
}

typedef struct seen {
    char last[128];
    int stages, metrics, messages;
} seen;

static void see_progress(void *context, const char *stage, double done, double total, const char *unit)
{
    seen *s = context;
    (void)done, (void)total, (void)unit;
    s->stages += strcmp(stage, s->last) != 0;
    snprintf(s->last, sizeof s->last, "%s", stage);
}
static void see_metric(void *context, const char *name, int64_t step, double value)
{
    (void)step, (void)value;
    ((seen *)context)->metrics += strcmp(name, "a.amount") == 0 || strcmp(name, "b.amount") == 0;
}
static void see_message(void *context, const char *text)
{
    ((seen *)context)->messages += strstr(text, "done in") != NULL;
}

static void test_parallel(void **state)
{
    place *p = *state;
    an_error err;
    an_pool *pool = an_pool_new(4);
    seen s = { 0 };
    an_job *job = an_job_new(&(an_job_options){ .pool = pool, .seed = 1, .sink = { &s, see_progress, see_metric, see_message } });
    const char *text =
        "steps:\n  a: {use: source, needs: [], set: {tag: a, sleep_ms: 600}}\n  b: {use: source, needs: [], set: {tag: b, sleep_ms: 600}}\n"
        "  c: {use: source, needs: [], set: {tag: c, sleep_ms: 600}}\n  d: {use: clean, needs: [a]}\n";
    double begun = an_clock_s();
    json_t *result;
    MUST((result = run_text(p->store, text, false, job, &err)) != NULL);
    double took = an_clock_s() - begun;
    if (an_pool_threads(pool) == 4) assert_true(took < 1.7); /* one after the other: 1.8 and more */
    assert_true(took >= 0.6);
    assert_true(s.stages >= 3);
    assert_int_equal(s.metrics, 2);
    assert_int_equal(s.messages, 4);
    json_decref(result);
    an_job_free(job);
    an_pool_free(pool);
}

static void test_retries(void **state)
{
    place *p = *state;
    an_error err;
    json_t *result;
    double begun = an_clock_s();
    MUST((result = run_text(p->store, "steps:\n  a: {use: source, retries: 2, set: {fail: io, times: 2}}\n", false, NULL, &err)) != NULL);
    assert_true(an_clock_s() - begun >= 1.5); /* 0.5 s and 1 s */
    assert_int_equal(toy_count("source"), 3);
    json_decref(result);
    static const struct {
        const char *fail;
        int runs;
        an_code code;
    } cases[] = {
        { "failed", 2, AN_FAILED }, { "refused", 1, AN_REFUSED }, { "input", 1, AN_INPUT },
        { "silent", 2, AN_FAILED }, { "forget", 2, AN_FAILED },
    };
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        char text[160], line[32];
        snprintf(text, sizeof text,
                 "name: f\nsteps:\n  get: {use: source}\n  a: {use: clean, retries: 1, set: {fail: %s, tag: t%zu}}\n  b: {use: split}\n",
                 cases[i].fail, i);
        snprintf(line, sizeof line, "clean t%zu", i);
        assert_null(run_text(p->store, text, false, NULL, &err));
        assert_int_equal(err.code, cases[i].code);
        assert_int_equal(strncmp(err.message, "step a: ", 8), 0);
        MENTIONS(err.where, "flow.yaml:4");
        assert_int_equal(toy_count(line), cases[i].runs);
    }
    assert_int_equal(toy_count("split"), 0);
    an_run_row *rows;
    size_t count;
    MUST(an_run_list(p->store, "run", NULL, 1, &rows, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(rows[0].state, "failed");
    MENTIONS(an_json_string(rows[0].error, "message", ""), "step a: ");
    assert_string_equal(an_json_string(step_of(rows[0].result, "get"), "state", ""), "done");
    assert_true(json_is_true(json_object_get(step_of(rows[0].result, "get"), "cached"))); /* of the round before */
    assert_string_equal(an_json_string(step_of(rows[0].result, "a"), "state", ""), "failed");
    assert_string_equal(an_json_string(step_of(rows[0].result, "b"), "state", ""), "skipped");
    an_run_rows_free(rows, count);
}

/* What runs beside a step that fails goes on to its end and is kept. */
static void test_failure_beside(void **state)
{
    place *p = *state;
    an_error err;
    an_pool *pool = an_pool_new(3);
    an_job *job = an_job_new(&(an_job_options){ .pool = pool, .seed = 1 });
    const char *text = "steps:\n  slow: {use: source, needs: [], set: {tag: s, sleep_ms: 300}}\n  bad: {use: source, needs: [], set: {tag: "
                       "f, fail: refused, sleep_ms: 50}}\n"
                       "  next: {use: clean, needs: [slow]}\n";
    assert_null(run_text(p->store, text, false, job, &err));
    assert_int_equal(err.code, AN_REFUSED);
    assert_int_equal(toy_count("clean"), 0);
    assert_null(run_text(p->store, text, false, job, &err));
    assert_int_equal(toy_count("source s"), an_pool_threads(pool) > 1 ? 1 : 0);
    an_job_free(job);
    an_pool_free(pool);
}

static an_job *stopping;
static void stop_on_alarm(int number)
{
    (void)number;
    an_job_stop(stopping);
}

static void test_stop(void **state)
{
    place *p = *state;
    an_error err;
    stopping = an_job_new(&(an_job_options){ .seed = 1 });
    signal(SIGALRM, stop_on_alarm);
    ualarm(200000, 0);
    double begun = an_clock_s();
    assert_null(run_text(p->store, "steps:\n  get: {use: source}\n  slow: {use: clean, retries: 3, set: {sleep_ms: 20000}}\n", false,
                         stopping, &err));
    assert_true(an_clock_s() - begun < 5);
    assert_int_equal(err.code, AN_STOPPED);
    an_run_row *rows;
    size_t count;
    MUST(an_run_list(p->store, NULL, NULL, 1, &rows, &count, &err));
    assert_string_equal(rows[0].state, "stopped");
    assert_string_equal(an_json_string(step_of(rows[0].result, "slow"), "state", ""), "stopped");
    assert_string_equal(an_json_string(step_of(rows[0].result, "get"), "state", ""), "done");
    an_run_rows_free(rows, count);
    signal(SIGALRM, SIG_DFL);
    an_job_free(stopping);
    stopping = NULL;
}

#define SLOW                                                                                                                              \
    "name: slow\nsteps:\n  get: {use: source, set: {sleep_ms: 150}}\n  clean: {use: clean, set: {sleep_ms: 150}}\n  split: {use: split, " \
    "set: {sleep_ms: 150}}\n"                                                                                                             \
    "  train: {use: train, set: {sleep_ms: 150}}\n  judge: {use: judge, set: {sleep_ms: 150}}\n"

static pid_t run_in_child(place *p, const char *text)
{
    pid_t child = fork();
    if (child != 0) return child;
    an_error err = { 0 };
    an_store *s = an_store_open(p->folder, &err);
    an_pipeline *pipeline = toy_parse(text, &err);
    json_t *result = s && pipeline ? an_pipeline_run(s, pipeline, false, NULL, &err) : NULL;
    if (!result) fprintf(stderr, "%s\n", err.message);
    an_store_close(s);
    _exit(result ? 0 : 1);
}

/* Killed in the middle of each step in turn: no finished step is done twice, and the last run finishes. */
static void test_killed(void **state)
{
    place *p = *state;
    an_error err;
    static const char *const steps[] = { "source", "clean", "split", "train", "judge" };
    for (size_t i = 0; i < AN_COUNT(steps); i++) {
        pid_t child = run_in_child(p, SLOW);
        for (int wait = 0; toy_count(steps[i]) == 0 && wait < 2000; wait++) usleep(5000);
        usleep(30000);
        kill(child, SIGKILL);
        int status;
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status));
    }
    json_t *result;
    MUST((result = run_text(p->store, SLOW, false, NULL, &err)) != NULL);
    assert_int_equal(cached_count(result), 4);
    for (size_t i = 0; i < AN_COUNT(steps); i++) assert_int_equal(toy_count(steps[i]), 2); /* once cut off, once to the end */
    json_decref(result);
    an_run_row *rows;
    size_t count;
    MUST(an_run_list(p->store, "run", NULL, 0, &rows, &count, &err));
    assert_int_equal(count, 6);
    assert_string_equal(rows[0].state, "done");
    for (size_t i = 1; i < count; i++) {
        assert_string_equal(rows[i].state, "failed");
        assert_string_equal(an_json_string(rows[i].error, "message", ""), "process ended");
    }
    an_run_rows_free(rows, count);
}

/* Two processes run the same pipeline at the same time: each step is done once. */
static void test_two_processes(void **state)
{
    place *p = *state;
    pid_t child[2] = { run_in_child(p, SLOW), run_in_child(p, SLOW) };
    for (int i = 0; i < 2; i++) {
        int status;
        waitpid(child[i], &status, 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(toy_count("source"), 1);
    assert_int_equal(toy_count("clean"), 1);
    assert_int_equal(toy_count("train"), 1);
    assert_int_equal(toy_count("judge"), 1);
}

/* A dozen steps, all cached. */
static void test_dozen(void **state)
{
    place *p = *state;
    an_error err;
    an_buf text = { 0 };
    an_buf_puts(&text, "steps:\n  s0: {use: source}\n");
    for (int i = 1; i < 12; i++) an_buf_printf(&text, "  s%d: {use: clean, set: {tag: t%d}}\n", i, i);
    json_t *result;
    MUST((result = run_text(p->store, text.data, false, NULL, &err)) != NULL);
    json_decref(result);
    double begun = an_clock_s();
    MUST((result = run_text(p->store, text.data, false, NULL, &err)) != NULL);
    double took = an_clock_s() - begun;
    assert_int_equal(cached_count(result), 12);
    assert_true(took < 0.8);
    print_message("twelve cached steps: %.0f ms\n", took * 1000);
    json_decref(result);
    an_buf_free(&text);
}

/* What a step made is gone from disk: it is made again. */
static void test_lost_artifact(void **state)
{
    place *p = *state;
    an_error err;
    json_t *result;
    MUST((result = run_text(p->store, CHAIN(""), false, NULL, &err)) != NULL);
    const char *hex = made_by(result, "train", "model");
    char *folder = an_format("%s/.andon/artifacts/%.2s/%s", p->folder, hex, hex + 2);
    MUST(an_folder_remove(folder, &err));
    json_t *again;
    MUST((again = run_text(p->store, CHAIN(""), false, NULL, &err)) != NULL);
    assert_int_equal(cached_count(again), 4);
    assert_true(an_file_exists(folder));
    assert_string_equal(made_by(again, "train", "model"), hex);
    free(folder);
    json_decref(again);
    json_decref(result);
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACED(test_cache), PLACED(test_fingerprint), PLACED(test_parallel),      PLACED(test_retries), PLACED(test_failure_beside),
        PLACED(test_stop),  PLACED(test_killed),      PLACED(test_two_processes), PLACED(test_dozen),   PLACED(test_lost_artifact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
