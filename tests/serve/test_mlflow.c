/* test_mlflow.c - what stands between HTTP and the store for MLflow's clients: queries, paths of artifacts, failures, the table of routes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve/mlflow.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static json_t *query(const char *text)
{
    an_error err = { 0 };
    return an__mlflow_query((an_span){ text, strlen(text) }, &err);
}

static void queries(void **state)
{
    (void)state;
    json_t *q = query("run_id=ab%20c+d&&stages=A&stages=%C3%BC&stages=&flag&e=1=2");
    assert_string_equal(an_json_string(q, "run_id", ""), "ab c d");
    assert_int_equal(json_array_size(json_object_get(q, "stages")), 3);
    assert_string_equal(json_string_value(json_array_get(json_object_get(q, "stages"), 1)), "ü");
    assert_string_equal(an_json_string(q, "flag", "?"), "");
    assert_string_equal(an_json_string(q, "e", ""), "1=2");
    json_decref(q);
    static const char *const bad[] = { "a=%", "a=%2", "a=%zz", "a=%00", "a=%ff", "%ff=1", "a=1&b=%f" };
    for (size_t i = 0; i < AN_COUNT(bad); i++) assert_null(query(bad[i]));
}

static void paths_stay_inside(void **state)
{
    (void)state;
    an_error err;
    static const char *const bad[] = { "",      "/",    "/etc/passwd", "..",  "../a", "a/..", "a/../b",
                                       "a/./b", "a//b", "a/",          "./a", "a\\b", "a\nb", "a/\x7f" };
    for (size_t i = 0; i < AN_COUNT(bad); i++) {
        err = (an_error){ 0 };
        char *path = an__mlflow_path("/root", bad[i], &err);
        if (path || err.code != AN_INPUT) fail_msg("\"%s\" was taken", bad[i]);
    }
    char *path = an__mlflow_path("/root", "0/run/artifacts/..a/b c/ü.txt", &err);
    assert_string_equal(path, "/root/0/run/artifacts/..a/b c/ü.txt");
    free(path);
    char longest[400];
    memset(longest, 'a', sizeof longest);
    longest[256] = 0;
    assert_null(an__mlflow_path("/root", longest, &err));
}

static void files(void **state)
{
    (void)state;
    an_error err = { 0 };
    char folder[] = "/tmp/andon-test-XXXXXX", outside[] = "/tmp/andon-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    assert_non_null(mkdtemp(outside));
    assert_true(an__mlflow_put(folder, "0/r/artifacts/a/b.txt", (an_span){ "hello", 5 }, &err));
    assert_true(an__mlflow_put(folder, "0/r/artifacts/a/b.txt", (an_span){ "hallo!", 6 }, &err)); /* replaced */
    assert_true(an__mlflow_put(folder, "0/r/artifacts/empty", (an_span){ "", 0 }, &err));
    assert_false(an__mlflow_put(folder, "0/r/artifacts/empty/x", (an_span){ "", 0 }, &err));
    assert_int_equal(err.code, AN_INPUT);
    assert_false(an__mlflow_put(folder, "0/r/artifacts/a", (an_span){ "", 0 }, &err));
    assert_int_equal(err.code, AN_INPUT);
    json_t *list = an__mlflow_list(folder, "0/r/artifacts", "", &err);
    char *text = an_json_text(list, false);
    assert_string_equal(text, "[{\"is_dir\":true,\"path\":\"a\"},{\"file_size\":0,\"is_dir\":false,\"path\":\"empty\"}]");
    free(text);
    json_decref(list);
    list = an__mlflow_list(folder, "0/r/artifacts/a", "a", &err);
    assert_string_equal(an_json_string(json_array_get(list, 0), "path", ""), "a/b.txt");
    json_decref(list);
    list = an__mlflow_list(folder, "0/r/artifacts/a//", "a/", &err); /* as some clients say it */
    assert_string_equal(an_json_string(json_array_get(list, 0), "path", ""), "a/b.txt");
    json_decref(list);
    assert_null(an__mlflow_list(folder, "/", "", &err));
    list = an__mlflow_list(folder, "0/nobody", "", &err);
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
    assert_null(an__mlflow_list(folder, "../x", "", &err));
    /* a link that someone put there leads nowhere */
    char *link = an_path_join(folder, "0/link");
    assert_int_equal(symlink(outside, link), 0);
    assert_false(an__mlflow_put(folder, "0/link/x", (an_span){ "x", 1 }, &err));
    assert_false(an__mlflow_delete(folder, "0/link/x", &err));
    free(link);
    assert_int_equal(rmdir(outside), 0); /* nothing was written there */
    assert_false(an__mlflow_delete(folder, "", &err));
    assert_false(an__mlflow_delete(folder, "/", &err));
    assert_true(an__mlflow_delete(folder, "0/r/", &err));
    assert_true(an__mlflow_delete(folder, "0/r", &err)); /* again */
    assert_true(an_folder_remove(folder, &err));
}

/* A file on its way in: nothing of it is seen before its end, nothing stays of one that is dropped, and a server that starts takes away
 * what a killed one left, but not what another is writing. */
static void drafts(void **state)
{
    (void)state;
    an_error err = { 0 };
    char folder[] = "/tmp/andon-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    an__draft a, b, c;
    char *piece = an_alloc(3 << 20);
    memset(piece, 'x', 3 << 20);
    assert_true(an__draft_open(&a, folder, "0/r/artifacts/large", 0, &err));
    for (int i = 0; i < 7; i++) assert_true(an__draft_add(&a, "large", piece, 3 << 20, &err)); /* more than is held back */
    assert_true(an__draft_open(&b, folder, "0/r/artifacts/dropped", 10, &err));
    assert_true(an__draft_add(&b, "dropped", piece, 10, &err));
    json_t *list = an__mlflow_list(folder, "", "", &err);
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);

    char *drafts = an_path_join(folder, ".andon-uploads"), *left = an_path_join(drafts, "left");
    an_list names = { 0 };
    assert_true(an_file_write(left, "half", 4, &err));
    an__drafts_clean(folder);
    assert_true(an_folder_list(drafts, &names, &err));
    assert_int_equal(names.count, 2);
    an_list_free(&names);

    an__draft_drop(&b);
    assert_true(an__draft_end(&a, folder, "0/r/artifacts/large", &err));
    assert_true(an_folder_list(drafts, &names, &err));
    assert_int_equal(names.count, 0);
    an_list_free(&names);
    char *large = an_path_join(folder, "0/r/artifacts/large");
    an_buf bytes = { 0 };
    assert_true(an_file_read(large, 0, &bytes, &err));
    assert_int_equal(bytes.size, 21 << 20);
    for (size_t i = 0; i < bytes.size; i += 4093) assert_int_equal(bytes.data[i], 'x');

    /* what can never be: before the first byte; what somebody else has made impossible: at the end */
    assert_false(an__draft_open(&c, folder, "0/r/artifacts/large/below", 0, &err));
    assert_int_equal(err.code, AN_INPUT);
    err = (an_error){ 0 };
    assert_false(an__draft_open(&c, folder, "0/r/artifacts", 0, &err));
    assert_int_equal(err.code, AN_INPUT);
    err = (an_error){ 0 };
    assert_false(an__draft_open(&c, folder, "0/r/artifacts/huge", (uint64_t)1 << 60, &err));
    assert_true(c.full);
    assert_int_equal(err.code, AN_IO);
    err = (an_error){ 0 };
    assert_true(an__draft_open(&c, folder, "0/r/artifacts/late", 0, &err));
    assert_true(an__mlflow_put(folder, "0/r/artifacts/late/x", (an_span){ "x", 1 }, &err));
    assert_false(an__draft_end(&c, folder, "0/r/artifacts/late", &err));
    assert_int_equal(err.code, AN_INPUT);
    assert_true(an_folder_list(drafts, &names, &err));
    assert_int_equal(names.count, 0);

    an_list_free(&names);
    an_buf_free(&bytes);
    free(large);
    free(left);
    free(drafts);
    free(piece);
    assert_true(an_folder_remove(folder, &err));
}

static void ranges(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        uint64_t size;
        int what;
        uint64_t first, last;
    } wanted[] = {
        { "bytes=0-0", 10, 1, 0, 0 },
        { "bytes=2-5", 10, 1, 2, 5 },
        { "bytes=2-", 10, 1, 2, 9 },
        { "bytes=2-100", 10, 1, 2, 9 },
        { "bytes=-3", 10, 1, 7, 9 },
        { "bytes=-30", 10, 1, 0, 9 },
        { "bytes=5000000000-5000000001", 6000000000, 1, 5000000000, 5000000001 },
        { "bytes=10-", 10, -1, 0, 0 },
        { "bytes=-0", 10, -1, 0, 0 },
        { "bytes=0-", 0, -1, 0, 0 },
        { "bytes=-1", 0, -1, 0, 0 },
        /* not understood: as if it were not there */
        { "bytes=5-2", 10, 0, 0, 0 },
        { "bytes=-", 10, 0, 0, 0 },
        { "bytes=", 10, 0, 0, 0 },
        { "bytes=0-1,3-4", 10, 0, 0, 0 },
        { "bytes=a-b", 10, 0, 0, 0 },
        { "bytes=0-1 ", 10, 0, 0, 0 },
        { "bytes=99999999999999999999-", 10, 0, 0, 0 },
        { "lines=0-1", 10, 0, 0, 0 },
        { "", 10, 0, 0, 0 },
    };
    for (size_t i = 0; i < AN_COUNT(wanted); i++) {
        uint64_t first = 0, last = 0;
        int what = an__range((an_span){ wanted[i].value, strlen(wanted[i].value) }, wanted[i].size, &first, &last);
        if (what != wanted[i].what || (what > 0 && (first != wanted[i].first || last != wanted[i].last)))
            fail_msg("%s of %llu: %d, %llu to %llu", wanted[i].value, (unsigned long long)wanted[i].size, what, (unsigned long long)first,
                     (unsigned long long)last);
    }
    uint64_t first, last;
    assert_int_equal(an__range((an_span){ 0 }, 10, &first, &last), 0);
}

/* ---- the thread of the disk ---- */

typedef struct counter {
    an__disk_step step;
    an__disk *disk;
    an_loop *loop;
    pthread_t thread; /* that worked last */
    int worked, done, again;
} counter;

static void count_work(an__disk_step *s)
{
    counter *c = (counter *)s;
    c->worked++;
    c->thread = pthread_self();
}

static void count_done(an__disk_step *s)
{
    counter *c = (counter *)s;
    c->done++;
    if (c->again-- > 0)
        an__disk_do(c->disk, s);
    else if (c->loop)
        an_loop_stop(c->loop);
}

static void steps(void **state)
{
    (void)state;
    an_error err = { 0 };
    an_loop *l = an_loop_new(&err);
    an__disk *d = an__disk_new(l, &err);
    assert_non_null(d);
    counter one = { .step = { .work = count_work, .done = count_done }, .disk = d, .again = 100 }, two = one;
    two.again = 1000;
    two.loop = l;
    an__disk_do(d, &one.step);
    an__disk_do(d, &two.step);
    assert_true(an_loop_run(l, &err));
    assert_int_equal(one.worked, 101);
    assert_int_equal(one.done, 101);
    assert_int_equal(two.done, 1001);
    assert_false(pthread_equal(two.thread, pthread_self()));
    two.again = 3; /* what is under way at the end is done to its end, the rest of it here */
    two.worked = 0;
    an__disk_do(d, &two.step);
    an__disk_stop(d);
    assert_int_equal(two.worked, 4);
    assert_true(pthread_equal(two.thread, pthread_self()));
    an__disk_free(d);
    an_loop_free(l);
}

static void failures(void **state)
{
    (void)state;
    static const struct {
        an_code code;
        int status;
        const char *text;
    } wanted[] = {
        { AN_INPUT, 400, "INVALID_PARAMETER_VALUE" },
        { AN_REFUSED, 400, "RESOURCE_ALREADY_EXISTS" },
        { AN_NOT_FOUND, 404, "RESOURCE_DOES_NOT_EXIST" },
        { AN_BUSY, 503, "TEMPORARILY_UNAVAILABLE" },
        { AN_IO, 500, "INTERNAL_ERROR" },
    };
    for (size_t i = 0; i < AN_COUNT(wanted); i++) {
        an_error err = { 0 };
        an_fail(&err, wanted[i].code, "what \"happened\"");
        int status;
        char *text = an__mlflow_error(&err, NULL, &status);
        json_t *all = an_json_parse(text, strlen(text), "answer", NULL);
        assert_int_equal(status, wanted[i].status);
        assert_string_equal(an_json_string(all, "error_code", ""), wanted[i].text);
        assert_string_equal(an_json_string(all, "message", ""), "what \"happened\"");
        json_decref(all);
        free(text);
    }
    an_error cut = { 0 };
    an_fail(&cut, AN_INPUT, "\xc3");
    int status;
    char *text = an__mlflow_error(&cut, "BAD_REQUEST", &status);
    assert_non_null(strstr(text, "BAD_REQUEST"));
    free(text);
}

/* Every row that calls the store names a call that is there: the path behind ".../mlflow/" with its method. */
static void rows_name_calls(void **state)
{
    (void)state;
    size_t calls = 0;
    for (const an__route *r = an__mlflow_routes; r->method; r++) {
        const char *path = strstr(r->path, "/mlflow/");
        assert_true(r->hidden);
        if (!path || strstr(r->path, "/mlflow/{") || strstr(r->path, "server-info")) continue;
        char *name = an_format("%s %s", r->method, path + 8);
        if (!an_tracking_find(name)) fail_msg("no call \"%s\"", name);
        free(name);
        calls++;
    }
    assert_int_equal(calls, 2 * 59);
    an_error err = { 0 };
    static const an__route *const tables[] = { an__mlflow_routes };
    an__router *router = an__router_new(tables, 1, &err);
    assert_non_null(router);
    an__route_match m;
    static const char delete[] = "/ajax-api/2.0/mlflow/logged-models/m-1/tags/a%2Fb/c";
    assert_int_equal(an__router_find(router, (an_span){ "DELETE", 6 }, (an_span){ delete, sizeof delete - 1 }, &m), AN__ROUTE_FOUND);
    assert_string_equal(an__match_value(&m, "model_id"), "m-1");
    assert_string_equal(an__match_value(&m, "tag_key"), "a/b/c");
    static const char unknown[] = "/api/2.0/mlflow/traces/x/y";
    assert_int_equal(an__router_find(router, (an_span){ "POST", 4 }, (an_span){ unknown, sizeof unknown - 1 }, &m), AN__ROUTE_FOUND);
    assert_string_equal(an__match_value(&m, "path"), "traces/x/y");
    an__router_free(router);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries),  cmocka_unit_test(paths_stay_inside),
        cmocka_unit_test(files),    cmocka_unit_test(drafts),
        cmocka_unit_test(ranges),   cmocka_unit_test(steps),
        cmocka_unit_test(failures), cmocka_unit_test(rows_name_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
