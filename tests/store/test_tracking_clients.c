/* test_tracking_clients.c - what MLflow's own server does and its clients rely on: asking twice, whose run a version is, order of what is
 * no number. */
#include "tracking_help.h"

/* A client whose answer was lost asks again. */
static void asked_twice(void **state)
{
    an_store *s = ((place *)*state)->store;
    char *run = new_run(s, "a"), *q = an_format("{'run_id':'%s'}", run);
    for (int i = 0; i < 2; i++) drop(done(s, "POST runs/delete", q));
    for (int i = 0; i < 2; i++) drop(done(s, "POST runs/restore", q));
    refused(s, "POST runs/delete", "{'run_id':'nobody'}", AN_NOT_FOUND);
    refused(s, "POST runs/restore", "{'run_id':'nobody'}", AN_NOT_FOUND);
    json_t *model = done(s, "POST logged-models", "{'experiment_id':'0','name':'m'}");
    const char *id = an_json_string(json_object_get(json_object_get(model, "model"), "info"), "model_id", "");
    char *of = an_format("{'model_id':'%s'}", id);
    for (int i = 0; i < 2; i++) drop(done(s, "DELETE logged-models/{model_id}", of));
    refused(s, "GET logged-models/{model_id}", of, AN_NOT_FOUND);
    refused(s, "DELETE logged-models/{model_id}", "{'model_id':'m-nobody'}", AN_NOT_FOUND);
    drop(done(s, "POST registered-models/create", "{'name':'r'}"));
    drop(done(s, "POST registered-models/rename", "{'name':'r','new_name':'r'}"));
    json_decref(model);
    free(of);
    free(q);
    free(run);
}

/* A version that is made of a logged model belongs to that model's run. */
static void versions_know_their_run(void **state)
{
    an_store *s = ((place *)*state)->store;
    char *run = new_run(s, "a"), *q = an_format("{'experiment_id':'0','name':'m','source_run_id':'%s'}", run);
    json_t *model = done(s, "POST logged-models", q);
    const char *id = an_json_string(json_object_get(json_object_get(model, "model"), "info"), "model_id", "");
    drop(done(s, "POST registered-models/create", "{'name':'r'}"));
    const char *const ways[] = { "{'name':'r','source':'models:/%s'}", "{'name':'r','source':'s3://a/b','model_id':'%s'}",
                                 "{'name':'r','source':'models:/%s','run_id':'other'}" };
    for (size_t i = 0; i < AN_COUNT(ways); i++) {
        an_buf b = { 0 };
        const char *mark = strstr(ways[i], "%s");
        an_buf_add(&b, ways[i], (size_t)(mark - ways[i]));
        an_buf_puts(&b, id);
        an_buf_puts(&b, mark + 2);
        json_t *version = done(s, "POST model-versions/create", b.data);
        assert_string_equal(an_json_string(json_object_get(version, "model_version"), "run_id", ""), i == 2 ? "other" : run);
        json_decref(version);
        an_buf_free(&b);
    }
    drop(done(s, "POST registered-models/alias", "{'name':'r','alias':'1','version':'1'}"));
    refused(s, "POST registered-models/alias", "{'name':'r','alias':'V1','version':'1'}", AN_INPUT);
    refused(s, "POST registered-models/alias", "{'name':'r','alias':'Latest','version':'1'}", AN_INPUT);
    json_decref(model);
    free(q);
    free(run);
}

static void order_of_what_is_no_number(void **state)
{
    an_store *s = ((place *)*state)->store;
    an_error err;
    static const char *const names[] = { "none", "nan", "two", "one" };
    static const char *const values[] = { NULL, "'NaN'", "2", "1" };
    for (size_t i = 0; i < AN_COUNT(names); i++) {
        char *run = new_run(s, names[i]);
        if (values[i]) log_one(s, run, "m", values[i], 0, 0);
        free(run);
    }
    for (int down = 0; down < 2; down++) {
        json_t *answer = search(s, "", down ? "metrics.m DESC" : "metrics.m", 10, NULL, &err), *run;
        an_buf seen = { 0 };
        size_t i;
        json_array_foreach(json_object_get(answer, "runs"), i, run)
            an_buf_printf(&seen, "%s ", an_json_string(json_object_get(run, "info"), "run_name", ""));
        assert_string_equal(seen.data, down ? "two one nan none " : "one two nan none ");
        an_buf_free(&seen);
        json_decref(answer);
    }
    assert_null(search(s, "", NULL, 0, NULL, &err));
    assert_null(search(s, "params.p = 1", NULL, 10, NULL, &err)); /* parameters are texts */
    json_decref(search(s, "tags.'a b' = 'x'", NULL, 10, NULL, &err));
    assert_int_equal(err.code, AN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACED(asked_twice),
        PLACED(versions_know_their_run),
        PLACED(order_of_what_is_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
