/* test_tracking.c - tracking in the store: runs and what they log, searches, the registry, calls that share a transaction, old databases.
 */
#include "tracking_help.h"

#include <signal.h>
#include <sys/wait.h>

static size_t many(an_store *s, const char *filter)
{
    an_error err;
    json_t *answer = search(s, filter, NULL, 1000, NULL, &err);
    if (!answer) fail_msg("%s: %s", filter, err.message);
    size_t n = json_array_size(json_object_get(answer, "runs"));
    json_decref(answer);
    return n;
}

/* ---- */

static void metrics_have_history_and_a_last_value(void **state)
{
    an_store *s = ((place *)*state)->store;
    char *run = new_run(s, "a");
    log_one(s, run, "loss", "0.5", 1, 10);
    log_one(s, run, "loss", "0.25", 2, 20);
    log_one(s, run, "loss", "0.9", 0, 30);  /* late, but of an earlier step */
    log_one(s, run, "loss", "0.25", 2, 20); /* the same again */
    log_one(s, run, "odd", "'NaN'", 0, 1);
    log_one(s, run, "odd2", "'-Infinity'", 0, 1);
    char *q = an_format("{'run_id':'%s'}", run), *h = an_format("{'run_id':'%s','metric_key':'loss'}", run);
    json_t *answer = done(s, "GET runs/get", q), *all = json_object_get(json_object_get(json_object_get(answer, "run"), "data"), "metrics");
    assert_int_equal(json_array_size(all), 3);
    assert_true(json_number_value(json_object_get(json_array_get(all, 0), "value")) == 0.25);
    assert_string_equal(an_json_string(json_array_get(all, 1), "value", ""), "NaN");
    assert_string_equal(an_json_string(json_array_get(all, 2), "value", ""), "-Infinity");
    json_decref(answer);
    answer = done(s, "GET metrics/get-history", h);
    all = json_object_get(answer, "metrics");
    assert_int_equal(json_array_size(all), 3);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(all, 2), "timestamp")), 30);
    json_decref(answer);
    free(h);
    /* pages of the history */
    h = an_format("{'run_id':'%s','metric_key':'loss','max_results':2}", run);
    answer = done(s, "GET metrics/get-history", h);
    assert_int_equal(json_array_size(json_object_get(answer, "metrics")), 2);
    char *next = an_format("{'run_id':'%s','metric_key':'loss','max_results':'2','page_token':'%s'}", run,
                           an_json_string(answer, "next_page_token", ""));
    json_decref(answer);
    answer = done(s, "GET metrics/get-history", next);
    assert_int_equal(json_array_size(json_object_get(answer, "metrics")), 1);
    assert_null(json_object_get(answer, "next_page_token"));
    json_decref(answer);
    free(next);
    free(h);
    free(q);
    free(run);
}

static void bulk_history_keeps_the_last_point(void **state)
{
    an_store *s = ((place *)*state)->store;
    char *run = new_run(s, "a");
    an_buf batch = { 0 };
    an_buf_printf(&batch, "{'run_id':'%s','metrics':[", run);
    for (int i = 0; i < 1000; i++) an_buf_printf(&batch, "%s{'key':'m','value':%d,'step':%d,'timestamp':1}", i ? "," : "", i, i);
    an_buf_puts(&batch, "]}");
    drop(done(s, "POST runs/log-batch", batch.data));
    char *q = an_format("{'run_ids':['%s'],'metric_key':'m','max_results':10}", run);
    json_t *answer = done(s, "GET metrics/get-history-bulk-interval", q), *all = json_object_get(answer, "metrics");
    size_t n = json_array_size(all);
    assert_in_range(n, 10, 11);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(all, 0), "step")), 0);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(all, n - 1), "step")), 999);
    json_decref(answer);
    an_buf_free(&batch);
    free(q);
    free(run);
}

static void parameters_are_written_once(void **state)
{
    an_store *s = ((place *)*state)->store;
    char *run = new_run(s, "a"), *q = an_format("{'run_id':'%s','key':'rate','value':'1'}", run),
         *other = an_format("{'run_id':'%s','key':'rate','value':'2'}", run);
    drop(done(s, "POST runs/log-parameter", q));
    drop(done(s, "POST runs/log-parameter", q));
    refused(s, "POST runs/log-parameter", other, AN_INPUT);
    /* a batch is all or nothing */
    char *batch =
        an_format("{'run_id':'%s','tags':[{'key':'t','value':'1'}],'metrics':[{'key':'m','value':1}],'params':[{'key':'p','value':'1'},"
                  "{'key':'rate','value':'2'}]}",
                  run);
    refused(s, "POST runs/log-batch", batch, AN_INPUT);
    assert_int_equal(many(s, "params.p = '1'"), 0);
    assert_int_equal(many(s, "tags.t = '1'"), 0);
    free(batch);
    free(q);
    free(other);
    free(run);
}

static void limits_of_batches(void **state)
{
    an_store *s = ((place *)*state)->store;
    char *run = new_run(s, "a");
    an_buf batch = { 0 };
    an_buf_printf(&batch, "{'run_id':'%s','params':[", run);
    for (int i = 0; i < 101; i++) an_buf_printf(&batch, "%s{'key':'p%d','value':'1'}", i ? "," : "", i);
    an_buf_puts(&batch, "]}");
    refused(s, "POST runs/log-batch", batch.data, AN_INPUT);
    an_buf_free(&batch);
    refused(s, "POST runs/log-batch", "{'run_id':'nobody','params':[]}", AN_NOT_FOUND);
    refused(s, "POST runs/log-batch", "{}", AN_INPUT);
    free(run);
}

static void ten_runs(an_store *s)
{
    for (int i = 0; i < 10; i++) {
        char name[8], value[8];
        snprintf(name, sizeof name, "r%d", i);
        snprintf(value, sizeof value, "%d", i);
        char *run = new_run(s, name), *tag = an_format("{'run_id':'%s','key':'line','value':'%s'}", run, i % 2 ? "A_1" : "a*2");
        drop(done(s, "POST runs/set-tag", tag));
        if (i != 3) log_one(s, run, "acc", value, 0, 1);
        free(tag);
        free(run);
    }
}

static void filters(void **state)
{
    an_store *s = ((place *)*state)->store;
    an_error err;
    ten_runs(s);
    assert_int_equal(many(s, ""), 10);
    assert_int_equal(many(s, "metrics.acc>=5"), 5);
    assert_int_equal(many(s, "metrics.`acc` = 5 and tags.\"line\" = 'A_1'"), 1);
    assert_int_equal(many(s, "tags.line LIKE 'a%'"), 5);
    assert_int_equal(many(s, "tags.line ILIKE 'a%'"), 10);
    assert_int_equal(many(s, "tags.line LIKE 'a*%'"), 5); /* * is no wildcard */
    assert_int_equal(many(s, "tags.line LIKE '__1'"), 5);
    assert_int_equal(many(s, "tags.line = 'it''s'"), 0);
    assert_int_equal(many(s, "tags.none IS NULL"), 10);
    assert_int_equal(many(s, "tags.line IS NOT NULL and tags.line NOT IN ('A_1')"), 5);
    assert_int_equal(many(s, "attributes.run_name IN ('r1', 'r2', \"r3\")"), 3);
    assert_int_equal(many(s, "run_name = 'r1'"), 1);
    assert_int_equal(many(s, "attribute.start_time > 4 AND status != 'FINISHED'"), 10);
    static const char *const bad[] = { "metrics.acc",
                                       "metrics.acc >",
                                       "metrics.acc > 'x'",
                                       "acc > 1",
                                       "metrics.acc > 1 or metrics.acc < 2",
                                       "tags.a = 'x",
                                       "tags.a IN ('x'",
                                       "tags.a LIKE 5",
                                       "foo.a = 'x'",
                                       "tags.a = 'x' garbage",
                                       "1 = 1",
                                       "metrics.a IN ('1')",
                                       "datasets.colour = 'red'",
                                       "tags. = 'x'",
                                       "tags.a = 'x'; DROP TABLE mlflow_runs",
                                       "tags.a NOT NULL",
                                       "attributes.id = 'x'",
                                       "AND",
                                       "tags.a = 'x' AND" };
    for (size_t i = 0; i < AN_COUNT(bad); i++) {
        json_t *answer = search(s, bad[i], NULL, 10, NULL, &err);
        if (answer || err.code != AN_INPUT) fail_msg("\"%s\" was taken: %s", bad[i], err.message);
    }
    assert_int_equal(many(s, "tags.line = 'x\"; DROP TABLE mlflow_runs; --'"), 0);
    assert_int_equal(many(s, ""), 10);
}

static void pages(void **state)
{
    an_store *s = ((place *)*state)->store;
    an_error err;
    ten_runs(s);
    an_buf names = { 0 };
    char *token = NULL;
    for (int i = 0; i < 4; i++) {
        json_t *answer = search(s, "", "metrics.acc DESC", 3, token, &err), *run;
        assert_non_null(answer);
        size_t k;
        json_array_foreach(json_object_get(answer, "runs"), k, run)
            an_buf_printf(&names, "%s ", an_json_string(json_object_get(run, "info"), "run_name", ""));
        free(token);
        token = an_strdup(an_json_string(answer, "next_page_token", NULL));
        json_decref(answer);
        if (i == 0) assert_null(search(s, "run_name = 'r1'", "metrics.acc DESC", 3, token, &err)); /* of another question */
    }
    assert_null(token);
    assert_string_equal(names.data, "r9 r8 r7 r6 r5 r4 r2 r1 r0 r3 "); /* what has no value comes last */
    assert_null(search(s, "", NULL, 3, "zzz", &err));
    assert_null(search(s, "", "metrics.acc; DROP TABLE x", 3, NULL, &err));
    assert_null(search(s, "", NULL, 60000, NULL, &err));
    an_buf_free(&names);
}

static void life_of_experiments(void **state)
{
    an_store *s = ((place *)*state)->store;
    drop(done(s, "GET experiments/get", "{'experiment_id':'0'}"));
    drop(done(s, "POST experiments/create", "{'name':'e'}"));
    refused(s, "POST experiments/create", "{'name':'e'}", AN_REFUSED);
    refused(s, "POST experiments/create", "{'name':5}", AN_INPUT);
    refused(s, "GET experiments/get", "{'experiment_id':'7'}", AN_NOT_FOUND);
    refused(s, "GET experiments/get", "{'experiment_id':'x'}", AN_INPUT);
    drop(done(s, "POST runs/create", "{'experiment_id':'1'}"));
    drop(done(s, "POST experiments/delete", "{'experiment_id':'1'}"));
    refused(s, "POST runs/create", "{'experiment_id':'1'}", AN_INPUT);
    refused(s, "POST experiments/create", "{'name':'e'}", AN_REFUSED);
    json_t *answer = done(s, "POST runs/search", "{'experiment_ids':['1'],'run_view_type':'ACTIVE_ONLY'}");
    assert_int_equal(json_array_size(json_object_get(answer, "runs")), 0);
    json_decref(answer);
    drop(done(s, "POST experiments/restore", "{'experiment_id':'1'}"));
    answer = done(s, "POST runs/search", "{'experiment_ids':['1']}");
    assert_int_equal(json_array_size(json_object_get(answer, "runs")), 1);
    json_decref(answer);
}

static void registry(void **state)
{
    an_store *s = ((place *)*state)->store;
    char *run = new_run(s, "a");
    drop(done(s, "POST registered-models/create", "{'name':'m','tags':[{'key':'a','value':'b'}]}"));
    refused(s, "POST registered-models/create", "{'name':'m'}", AN_REFUSED);
    refused(s, "POST registered-models/create", "{'name':'m/n'}", AN_INPUT);
    char *q = an_format("{'name':'m','source':'runs:/%s/model','run_id':'%s'}", run, run);
    drop(done(s, "POST model-versions/create", q));
    drop(done(s, "POST model-versions/create", q));
    free(q);
    refused(s, "POST model-versions/create", "{'name':'m','source':'/etc/passwd'}", AN_INPUT);
    refused(s, "POST model-versions/create", "{'name':'m','source':'models:/nobody/1'}", AN_INPUT);
    json_t *answer = done(s, "GET model-versions/get-download-uri", "{'name':'m','version':'2'}");
    q = an_format("mlflow-artifacts:/0/%s/artifacts/model", run);
    assert_string_equal(an_json_string(answer, "artifact_uri", ""), q);
    json_decref(answer);
    free(q);
    drop(done(s, "POST registered-models/alias", "{'name':'m','alias':'champion','version':'2'}"));
    refused(s, "POST registered-models/alias", "{'name':'m','alias':'latest','version':'2'}", AN_INPUT);
    refused(s, "POST registered-models/alias", "{'name':'m','alias':'c','version':'9'}", AN_NOT_FOUND);
    drop(done(s, "DELETE model-versions/delete", "{'name':'m','version':'2'}"));
    refused(s, "GET registered-models/alias", "{'name':'m','alias':'champion'}", AN_INPUT); /* went with its version */
    q = an_format("{'name':'m','source':'models:/m/1'}");
    answer = done(s, "POST model-versions/create", q);
    assert_string_equal(an_json_string(json_object_get(answer, "model_version"), "version", ""), "3");
    json_decref(answer);
    free(q);
    drop(done(s, "POST registered-models/create", "{'name':'p','tags':[{'key':'mlflow.prompt.is_prompt','value':'true'}]}"));
    answer = done(s, "GET registered-models/search", "{}");
    assert_int_equal(json_array_size(json_object_get(answer, "registered_models")), 1); /* prompts hide */
    json_decref(answer);
    drop(done(s, "DELETE registered-models/delete", "{'name':'m'}"));
    refused(s, "GET model-versions/get", "{'name':'m','version':'1'}", AN_NOT_FOUND);
    free(run);
}

/* Calls that share a transaction keep their failures to themselves. */
static void one_fails_among_many(void **state)
{
    an_store *s = ((place *)*state)->store;
    char *run = new_run(s, "a");
    an_tracking_work w[5];
    for (int i = 0; i < 5; i++) {
        w[i].call = an_tracking_find("POST runs/log-metric");
        w[i].request = i == 2 ? json_pack("{s:s, s:s}", "run_id", run, "key", "no value")
                              : json_pack("{s:s, s:s, s:i, s:i, s:i}", "run_id", run, "key", "k", "value", i, "step", i, "timestamp", 1);
    }
    an_tracking_do(s, w, 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(w[i].answer == NULL, i == 2);
        assert_int_equal(w[i].err.code, i == 2 ? AN_INPUT : AN_OK);
        json_decref(w[i].answer);
        json_decref((json_t *)(uintptr_t)w[i].request);
    }
    char *h = an_format("{'run_id':'%s','metric_key':'k'}", run);
    json_t *answer = done(s, "GET metrics/get-history", h);
    assert_int_equal(json_array_size(json_object_get(answer, "metrics")), 4);
    json_decref(answer);
    free(h);
    free(run);
}

/* A database that cannot grow: what does not fit fails by itself with a reason, and all goes on where there is room again. */
static void full(void **state)
{
    an_store *s = ((place *)*state)->store;
    an_error err;
    int64_t pages;
    bool have;
    char *run = new_run(s, "a"), *value = an_alloc(90001), *q;
    memset(value, 'x', 90000);
    q = an_format("{'run_id':'%s','key':'big','value':'%s'}", run, value);
    MUST(an__sql_int(s, &pages, &have, &err, "PRAGMA page_count", ""));
    char *limit = an_format("PRAGMA max_page_count=%lld", (long long)pages);
    MUST(an__sql_do(s, &err, limit, ""));
    refused(s, "POST runs/set-tag", q, AN_IO);
    log_one(s, run, "small", "1", 1, 1); /* fits into a page that is there */
    MUST(an__sql_do(s, &err, "PRAGMA max_page_count=100000", ""));
    drop(done(s, "POST runs/set-tag", q));
    assert_int_equal(many(s, "metrics.small = 1 and tags.big LIKE 'xxx%'"), 1);
    free(limit);
    free(q);
    free(value);
    free(run);
}

/* A process that is killed right after an answer has lost nothing. */
static void answered_is_kept(void **state)
{
    place *p = *state;
    char *run = new_run(p->store, "a");
    int pipes[2], status;
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (!child) {
        an_error err = { 0 };
        an_store *s = an_store_open(p->folder, &err);
        for (int i = 0; s; i++) {
            an_tracking_work w = { .call = an_tracking_find("POST runs/log-metric"),
                                   .request = json_pack("{s:s, s:s, s:i, s:i, s:i}", "run_id", run, "key", "k", "value", i, "step", i,
                                                        "timestamp", 1) };
            an_tracking_do(s, &w, 1);
            if (!w.answer || write(pipes[1], "x", 1) != 1) break;
        }
        _exit(1);
    }
    close(pipes[1]);
    char x;
    int n = 0;
    for (; n < 25; n++) assert_int_equal(read(pipes[0], &x, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    while (read(pipes[0], &x, 1) == 1) n++;
    close(pipes[0]);
    char *h = an_format("{'run_id':'%s','metric_key':'k'}", run);
    json_t *answer = done(p->store, "GET metrics/get-history", h);
    assert_in_range(json_array_size(json_object_get(answer, "metrics")), n, n + 1);
    json_decref(answer);
    free(h);
    free(run);
}

/* A workspace without these tables gets them when it is opened. */
static void older_workspaces_get_the_tables(void **state)
{
    place *p = *state;
    an_error err;
    an_store_close(p->store);
    sql_beside(p->folder,
               "DROP TABLE mlflow_aliases; DROP TABLE mlflow_versions; DROP TABLE mlflow_registered; DROP TABLE mlflow_model_metrics;"
               "DROP TABLE mlflow_models; DROP TABLE mlflow_run_models; DROP TABLE mlflow_inputs; DROP TABLE mlflow_latest;"
               "DROP TABLE mlflow_metrics; DROP TABLE mlflow_params; DROP TABLE mlflow_tags; DROP TABLE mlflow_runs;"
               "DROP TABLE mlflow_experiments; PRAGMA user_version=1");
    MUST((p->store = an_store_open(p->folder, &err)) != NULL);
    drop(done(p->store, "GET experiments/get", "{'experiment_id':'0'}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACED(metrics_have_history_and_a_last_value),
        PLACED(bulk_history_keeps_the_last_point),
        PLACED(parameters_are_written_once),
        PLACED(limits_of_batches),
        PLACED(filters),
        PLACED(pages),
        PLACED(life_of_experiments),
        PLACED(registry),
        PLACED(one_fails_among_many),
        PLACED(full),
        PLACED(answered_is_kept),
        PLACED(older_workspaces_get_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
