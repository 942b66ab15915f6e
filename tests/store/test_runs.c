/* Runs: life, metrics, cache, dead processes, lineage, leases, threads. */
#include "store/help.h"

#include <math.h>
#include <signal.h>
#include <sys/wait.h>

static void test_life(void **state)
{
    an_store *s = ((place *)*state)->store;
    an_error err;
    json_t *params = json_pack("{s:i}", "rate", 3), *result = json_pack("{s:[i,i]}", "x", 1, 2);
    char *outer = an_run_begin(s, "run", "flow", NULL, NULL, params, UINT64_MAX, &err);
    assert_non_null(outer);
    assert_int_equal(strlen(outer), 26);
    char *inner = an_run_begin(s, "step", "train", outer, "key1", NULL, 5, &err);
    assert_true(strcmp(outer, inner) < 0);
    an_run_row row;
    MUST(an_run_get(s, outer, &row, &err));
    assert_string_equal(row.state, "running");
    assert_true(row.seed == UINT64_MAX);
    assert_true(json_equal(row.params, params));
    assert_null(row.parent);
    assert_null(row.result);
    assert_string_equal(row.code, an_code_version());
    json_t *machine = json_loads(row.machine, 0, NULL);
    assert_true(json_integer_value(json_object_get(machine, "cores")) > 0);
    assert_true(json_integer_value(json_object_get(machine, "memory_bytes")) > 1 << 20);
    assert_true(strlen(an_json_string(machine, "cpu", "")) > 0);
    json_decref(machine);
    an_run_row_free(&row);
    MUST(an_run_end(s, inner, "done", result, NULL, &err));
    REFUSED(an_run_end(s, inner, "failed", NULL, NULL, &err), AN_FAILED);
    an_error why = { 0 };
    an_fail(&why, AN_REFUSED, "row 7 is in the test part");
    MUST(an_run_end(s, outer, "failed", NULL, &why, &err));
    MUST(an_run_get(s, outer, &row, &err));
    assert_string_equal(row.state, "failed");
    assert_string_equal(an_json_string(row.error, "code", ""), "refused");
    assert_true(row.ended_us >= row.started_us);
    an_run_row_free(&row);

    an_run_row *rows;
    size_t count;
    MUST(an_run_list(s, NULL, NULL, 0, &rows, &count, &err));
    assert_int_equal(count, 1); /* top-level runs */
    an_run_rows_free(rows, count);
    MUST(an_run_list(s, NULL, outer, 0, &rows, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(rows[0].id, inner);
    assert_true(json_equal(rows[0].result, result));
    an_run_rows_free(rows, count);
    MUST(an_run_list(s, "step", NULL, 0, &rows, &count, &err));
    assert_int_equal(count, 1);
    an_run_rows_free(rows, count);

    REFUSED(an_run_begin(s, "step", "x", "01ARZ3NDEKTSV4RRFFQ69G5FAV", NULL, NULL, 1, &err), AN_NOT_FOUND);
    REFUSED(an_run_get(s, "7ZZ", &row, &err), AN_NOT_FOUND);
    REFUSED(an_run_get(s, "no id!", &row, &err), AN_USAGE);
    char prefix[11];
    snprintf(prefix, sizeof prefix, "%.8s", outer);
    REFUSED(an_run_get(s, prefix, &row, &err), AN_USAGE); /* of both: they began in the same second */
    char lower[27];
    for (int i = 0; i < 27; i++) lower[i] = (char)(outer[i] >= 'A' && outer[i] <= 'Z' ? outer[i] + 32 : outer[i]);
    MUST(an_run_get(s, lower, &row, &err));
    an_run_row_free(&row);
    REFUSED(an_run_end(s, "01ARZ3NDEKTSV4RRFFQ69G5FAV", "done", NULL, NULL, &err), AN_NOT_FOUND);
    REFUSED(an_run_end(s, outer, "finished", NULL, NULL, &err), AN_USAGE);
    json_decref(params);
    json_decref(result);
    free(inner);
    free(outer);
}

static void test_ids(void **state)
{
    an_store *s = ((place *)*state)->store;
    char last[AN__ID_SIZE] = "", id[AN__ID_SIZE];
    uint64_t before = (uint64_t)(an_now_us() / 1000);
    for (int i = 0; i < 5000; i++) {
        an__id_next(s, id);
        assert_int_equal(strspn(id, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 26);
        assert_true(strcmp(last, id) < 0);
        memcpy(last, id, sizeof last);
    }
    /* the first ten characters are the time in milliseconds */
    uint64_t ms = 0;
    for (int i = 0; i < 10; i++)
        ms = ms * 32 + (uint64_t)(strchr("0123456789ABCDEFGHJKMNPQRSTVWXYZ", last[i]) - "0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    assert_true(ms >= before && ms <= before + 60000);
}

static void test_metrics(void **state)
{
    place *p = *state;
    an_store *s = p->store;
    an_error err;
    char *run = an_run_begin(s, "train", "m", NULL, NULL, NULL, 1, &err);
    for (int i = 0; i < 1000; i++) MUST(an_run_metric(s, run, "loss", i, 1.0 / (1 + i), &err));
    MUST(an_run_metric(s, run, "f2", 0, NAN, &err));
    MUST(an_run_metric(s, run, "loss", 999, 0.5, &err)); /* the last one for a step counts */
    MUST(an_run_end(s, run, "done", NULL, NULL, &err));
    an_store *other = an_store_open(p->folder, &err); /* the end wrote them */
    json_t *metrics = an_run_metrics(other, run, &err);
    assert_non_null(metrics);
    json_t *loss = json_object_get(metrics, "loss");
    assert_int_equal(json_array_size(loss), 1000);
    assert_int_equal(json_integer_value(json_array_get(json_array_get(loss, 10), 0)), 10);
    assert_true(json_real_value(json_array_get(json_array_get(loss, 10), 1)) == 1.0 / 11);
    assert_true(json_real_value(json_array_get(json_array_get(loss, 999), 1)) == 0.5);
    assert_true(json_is_null(json_array_get(json_array_get(json_object_get(metrics, "f2"), 0), 1)));
    json_decref(metrics);
    an_store_close(other);
    free(run);
}

static void test_cache(void **state)
{
    place *p = *state;
    an_store *s = p->store;
    an_error err;
    an_hash out;
    bool found;
    an_run_row row;
    MUST(put_text(s, "model", "made", &out, &err));
    char *run = an_run_begin(s, "step", "train", NULL, "key", NULL, 1, &err);
    MUST(an_run_artifact(s, run, AN_EDGE_OUT, "model", &out, &err));
    MUST(an_run_artifact(s, run, AN_EDGE_OUT, "model", &out, &err));
    MUST(an_run_cached(s, "step", "key", &found, &row, &err));
    assert_false(found); /* still running */
    MUST(an_run_end(s, run, "done", NULL, NULL, &err));
    MUST(an_run_cached(s, "step", "key", &found, &row, &err));
    assert_true(found);
    assert_string_equal(row.id, run);
    an_run_row_free(&row);
    MUST(an_run_cached(s, "other", "key", &found, &row, &err));
    assert_false(found);
    json_t *artifacts = an_run_artifacts(s, run, &err);
    assert_int_equal(json_array_size(artifacts), 1);
    char hex[65];
    an_hash_hex(&out, hex);
    assert_string_equal(an_json_string(json_array_get(artifacts, 0), "address", ""), hex);
    assert_string_equal(an_json_string(json_array_get(artifacts, 0), "edge", ""), "out");
    json_decref(artifacts);
    char *folder = an__artifact_folder(s, &out);
    MUST(an_folder_remove(folder, &err));
    MUST(an_run_cached(s, "step", "key", &found, &row, &err));
    assert_false(found); /* what it made is gone */
    an_hash nothing = { { 3 } };
    REFUSED(an_run_artifact(s, run, AN_EDGE_IN, "data", &nothing, &err), AN_NOT_FOUND);
    free(folder);
    free(run);
}

/* The id of a run begun by a child that is then killed. */
static char *killed_run(place *p, const char *lease)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        an_error err = { 0 };
        bool taken = false;
        an_store *s = an_store_open(p->folder, &err);
        char *run = s ? an_run_begin(s, "run", "killed", NULL, NULL, NULL, 1, &err) : NULL;
        if (!run || (lease && (!an_lease_take(s, lease, 3600, &taken, &err) || !taken))) _exit(1);
        if (write(ends[1], run, 27) != 27) _exit(2);
        for (;;) pause();
    }
    char *run = an_alloc(27);
    assert_int_equal(read(ends[0], run, 27), 27);
    an_error err;
    an_run_row row;
    MUST(an_run_get(p->store, run, &row, &err));
    assert_string_equal(row.state, "running"); /* alive */
    an_run_row_free(&row);
    if (lease) {
        bool taken = true;
        MUST(an_lease_take(p->store, lease, 3600, &taken, &err));
        assert_false(taken);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ends[0]);
    close(ends[1]);
    return run;
}

static void test_dead_process(void **state)
{
    place *p = *state;
    an_error err;
    char *run = killed_run(p, NULL);
    an_run_row row;
    MUST(an_run_get(p->store, run, &row, &err));
    assert_string_equal(row.state, "failed");
    assert_string_equal(an_json_string(row.error, "message", ""), "process ended");
    an_run_row_free(&row);
    free(run);
}

static void test_leases(void **state)
{
    place *p = *state;
    an_error err;
    bool taken;
    MUST(an_lease_take(p->store, "a", 60, &taken, &err));
    assert_true(taken);
    MUST(an_lease_take(p->store, "a", 60, &taken, &err));
    assert_false(taken);
    MUST(an_lease_renew(p->store, "a", 0.05, &err));
    usleep(80000);
    MUST(an_lease_take(p->store, "a", 60, &taken, &err)); /* ran out */
    assert_true(taken);
    MUST(an_lease_give(p->store, "a", &err));
    REFUSED(an_lease_renew(p->store, "a", 60, &err), AN_BUSY);
    MUST(an_lease_take(p->store, "a", 60, &taken, &err));
    assert_true(taken);
    free(killed_run(p, "b"));
    MUST(an_lease_take(p->store, "b", 60, &taken, &err)); /* its process is gone, its hour is not over */
    assert_true(taken);
}

static void test_process_tags(void **state)
{
    (void)state;
    char self[AN__TAG_SIZE];
    an__process_tag(self);
    assert_int_equal(an__process_life(self, self), AN__ALIVE);
    assert_int_equal(an__process_pid(self), getpid());
    assert_int_equal(an__process_life(self, "rubbish"), AN__ELSEWHERE);
    char *other = an_strdup(self);
    other[0] = other[0] == '0' ? '1' : '0';
    assert_int_equal(an__process_life(self, other), AN__ELSEWHERE); /* another machine */
    free(other);
    other = an_strdup(self);
    other[9] = other[9] == '0' ? '1' : '0';
    assert_int_equal(an__process_life(self, other), AN__DEAD); /* before the machine was started anew */
    free(other);
    other = an_format("%s1", self);
    assert_int_equal(an__process_life(self, other), AN__DEAD); /* the same number, given to another process */
    free(other);
}

/* ---- lineage ---- */

static void edge(an_store *s, const char *run, an_edge which, const char *port, const an_hash *a)
{
    an_error err;
    MUST(an_run_artifact(s, run, which, port, a, &err));
}

static void test_lineage(void **state)
{
    place *p = *state;
    an_store *s = p->store;
    an_error err;
    an_hash file, data, model, back;
    char *path = an_path_join(p->folder, "press.csv");
    MUST(an_file_write(path, "a\n1\n", 4, &err));
    MUST(an_store_put_file(s, path, &file, &err));
    MUST(put_text(s, "data", "table", &data, &err));
    MUST(put_text(s, "model", "model", &model, &err));
    char *import = an_run_begin(s, "step", "import", NULL, NULL, NULL, 1, &err);
    edge(s, import, AN_EDGE_IN, "file", &file);
    edge(s, import, AN_EDGE_OUT, "data", &data);
    MUST(an_run_end(s, import, "done", NULL, NULL, &err));
    /* a step that changes nothing, and one that was not finished: neither is where the data comes from */
    char *clean = an_run_begin(s, "step", "clean", NULL, NULL, NULL, 1, &err);
    edge(s, clean, AN_EDGE_IN, "data", &data);
    edge(s, clean, AN_EDGE_OUT, "data", &data);
    MUST(an_run_end(s, clean, "done", NULL, NULL, &err));
    json_t *params = json_pack("{s:i}", "trees", 5);
    char *train = an_run_begin(s, "step", "train", NULL, NULL, params, 42, &err);
    edge(s, train, AN_EDGE_IN, "data", &data);
    edge(s, train, AN_EDGE_IN, "again", &data);
    edge(s, train, AN_EDGE_OUT, "model", &model);
    MUST(an_run_end(s, train, "done", NULL, NULL, &err));
    int64_t version;
    MUST(an_version_add(s, AN_NAME_MODEL, "press", &model, train, NULL, &version, NULL, &err));
    /* the way back: from the model to the data, which must not make a circle */
    char *reverse = an_run_begin(s, "step", "reverse", NULL, NULL, NULL, 1, &err);
    edge(s, reverse, AN_EDGE_IN, "model", &model);
    edge(s, reverse, AN_EDGE_OUT, "data", &data);
    MUST(an_run_end(s, reverse, "done", NULL, NULL, &err));

    json_t *told = an_lineage(s, &model, &err);
    assert_non_null(told);
    assert_string_equal(an_json_string(told, "kind", ""), "model");
    assert_string_equal(json_string_value(json_array_get(json_object_get(told, "names"), 0)), "model:press/1");
    json_t *run = json_object_get(told, "run");
    assert_string_equal(an_json_string(run, "id", ""), train);
    assert_int_equal(json_integer_value(json_object_get(run, "seed")), 42);
    assert_true(json_equal(json_object_get(run, "params"), params));
    json_t *inputs = json_object_get(told, "inputs");
    assert_int_equal(json_array_size(inputs), 2);
    json_t *first = json_array_get(inputs, 0), *second = json_array_get(inputs, 1);
    assert_string_equal(an_json_string(first, "port", ""), "again");
    assert_string_equal(an_json_string(json_object_get(first, "run"), "id", ""), import);
    assert_true(json_is_true(json_object_get(second, "repeated")));
    json_t *source = json_array_get(json_object_get(first, "inputs"), 0);
    assert_string_equal(an_json_string(source, "kind", ""), "file");
    assert_true(json_is_null(json_object_get(source, "run")));
    json_t *entry = json_array_get(json_object_get(source, "files"), 0);
    assert_string_equal(an_json_string(entry, "path", ""), "press.csv");
    an_hash hash;
    char hex[65];
    MUST(an_hash_file(path, &hash, &err));
    an_hash_hex(&hash, hex);
    assert_string_equal(an_json_string(entry, "sha256", ""), hex);
    json_decref(told);
    memset(&back, 5, sizeof back);
    REFUSED(an_lineage(s, &back, &err), AN_NOT_FOUND);
    json_decref(params);
    free(reverse);
    free(train);
    free(clean);
    free(import);
    free(path);
}

/* ---- several threads, one store ---- */

typedef struct work {
    an_store *store;
    int number;
    bool good;
} work;

static void *worker(void *argument)
{
    work *w = argument;
    an_error err = { 0 };
    w->good = true;
    for (int i = 0; i < 20 && w->good; i++) {
        char text[48];
        an_hash a;
        int64_t version;
        snprintf(text, sizeof text, "thread %d item %d", w->number, i / 2); /* pairs of equal content */
        char *run = an_run_begin(w->store, "step", text, NULL, text, NULL, 1, &err);
        w->good = run && put_text(w->store, "data", text, &a, &err) && an_run_metric(w->store, run, "m", i, i, &err) &&
                  an_run_artifact(w->store, run, AN_EDGE_OUT, "data", &a, &err) &&
                  an_version_add(w->store, AN_NAME_DATA, "t", &a, run, NULL, &version, NULL, &err) &&
                  an_run_end(w->store, run, "done", NULL, NULL, &err) && an_record(w->store, "note", "t", NULL, &err);
        free(run);
    }
    if (!w->good) fprintf(stderr, "%s\n", err.message);
    return NULL;
}

static void test_threads(void **state)
{
    place *p = *state;
    an_error err;
    pthread_t threads[4];
    work works[4];
    for (int i = 0; i < 4; i++) {
        works[i] = (work){ p->store, i, false };
        pthread_create(&threads[i], NULL, worker, &works[i]);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_true(works[i].good);
    }
    an_version_row *rows;
    size_t count;
    MUST(an_version_list(p->store, AN_NAME_DATA, "t", &rows, &count, &err));
    assert_int_equal(count, 40);
    an_version_rows_free(rows, count);
    MUST(an_record_verify(p->store, &count, &err));
    assert_int_equal(count, 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACED(test_life),
        PLACED(test_ids),
        PLACED(test_metrics),
        PLACED(test_cache),
        PLACED(test_dead_process),
        PLACED(test_leases),
        cmocka_unit_test(test_process_tags),
        PLACED(test_lineage),
        PLACED(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
