/* test_parts.c - messages of stations, and the table of parts: first verdict stays, transactions are whole, time runs out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve/parts_message.h"
#include "serve/parts_store.h"

#include <stdlib.h>
#include <string.h>

static bool message(const char *text, int64_t *attempt, an_error *err)
{
    json_t *m = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(m);
    *err = (an_error){ 0 };
    bool ok = an__part_message(m, attempt, err);
    json_decref(m);
    return ok;
}

static void test_messages(void **state)
{
    (void)state;
    an_error err;
    int64_t attempt = 0;
    assert_true(message("{}", &attempt, &err));
    assert_int_equal(attempt, 1);
    assert_true(message("{\"attempt\":3,\"features\":{\"a\":1,\"b\":\"x\",\"c\":null,\"d\":true},\"complete\":true,\"model\":\"m\"}",
                        &attempt, &err));
    assert_int_equal(attempt, 3);
    assert_true(message("{\"attempt\":2.0}", &attempt, &err)); /* 2.0 is 2, as JSON Schema has it */
    assert_int_equal(attempt, 2);
    assert_true(message("{\"attempt\":9007199254740992}", &attempt, &err));
    assert_true(attempt == 9007199254740992);
    static const char *const wrong[][2] = {
        { "[]", "object" },
        { "3", "object" },
        { "{\"feature\":{}}", "feature" },
        { "{\"attempt\":0}", "attempt" },
        { "{\"attempt\":1.5}", "attempt" },
        { "{\"attempt\":\"1\"}", "attempt" },
        { "{\"attempt\":-1}", "attempt" },
        { "{\"attempt\":1e18}", "attempt" },
        { "{\"attempt\":9007199254740993}", "attempt" },
        { "{\"attempt\":null}", "attempt" },
        { "{\"features\":[1]}", "features" },
        { "{\"features\":{\"a\":[1]}}", "\"a\"" },
        { "{\"features\":{\"a\":{}}}", "\"a\"" },
        { "{\"complete\":1}", "complete" },
        { "{\"model\":7}", "model" },
    };
    for (size_t i = 0; i < AN_COUNT(wrong); i++) {
        if (message(wrong[i][0], &attempt, &err)) fail_msg("accepted: %s", wrong[i][0]);
        assert_int_equal(err.code, AN_INPUT);
        if (!strstr(err.message, wrong[i][1])) fail_msg("\"%s\" does not say %s", err.message, wrong[i][1]);
    }
    message("{\"feature\":{}}", &attempt, &err);
    assert_non_null(strstr(err.hint, "features"));
    assert_true(an__part_serial("Ä-17/4711", NULL));
    assert_false(an__part_serial("a\nb", NULL));
    assert_false(an__part_serial("\xff\xfe", NULL));
    char text[200];
    memset(text, 'x', sizeof text);
    text[129] = 0;
    assert_false(an__part_serial(text, NULL));
    text[128] = 0;
    assert_true(an__part_serial(text, NULL));
}

static void test_merging(void **state)
{
    (void)state;
    json_t *known = json_object(), *why = json_array();
    json_t *first = json_pack("{s:f, s:s}", "a", 1.5, "b", "x"), *again = json_pack("{s:f, s:i}", "a", 1.5, "c", 2);
    an__part_merge(known, first, why);
    an__part_merge(known, again, why);
    assert_int_equal(json_object_size(known), 3);
    assert_int_equal(json_array_size(why), 0);
    json_t *whole = json_pack("{s:f}", "c", 2.0), *other = json_pack("{s:s}", "b", "y");
    an__part_merge(known, whole, why); /* 2 and 2.0 are one number */
    assert_int_equal(json_array_size(why), 0);
    an__part_merge(known, other, why);
    assert_int_equal(json_array_size(why), 1);
    assert_string_equal(an_json_string(known, "b", ""), "x"); /* what came first stays */
    an__part_merge(known, NULL, why);
    json_decref(known);
    json_decref(why);
    json_decref(first);
    json_decref(again);
    json_decref(whole);
    json_decref(other);
}

/* ---- the table ---- */

static char folder[64], *path;

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/andon-parts-XXXXXX");
    if (!mkdtemp(folder)) return 1;
    path = an_path_join(folder, "parts.db");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(path);
    return !an_folder_remove(folder, NULL);
}

static an__parts_store *open_store(void)
{
    an_error err = { 0 };
    an__parts_store *s = an__parts_store_open(path, false, &err);
    if (!s) fail_msg("%s", err.message);
    return s;
}

static void put(an__parts_store *s, const char *serial, int64_t attempt, const char *verdict, int64_t opened)
{
    an__part p = { .model = (char *)"press", .features = json_pack("{s:i}", "a", 1), .opened_us = opened };
    if (verdict) p.answer = json_pack("{s:s, s:I}", "verdict", verdict, "attempt", (json_int_t)attempt);
    an_error err = { 0 };
    if (!an__parts_store_put(s, serial, attempt, &p, &err)) fail_msg("%s", err.message);
    json_decref(p.features);
    json_decref(p.answer);
}

static char *verdict_of(an__parts_store *s, const char *serial, int64_t attempt)
{
    an__part p = { 0 };
    bool found;
    assert_true(an__parts_store_get(s, serial, attempt, &found, &p, NULL));
    char *text = an_strdup(!found ? "absent" : p.answer ? an_json_string(p.answer, "verdict", "?") : "waiting");
    an__part_free(&p);
    return text;
}

static void expect(an__parts_store *s, const char *serial, int64_t attempt, const char *wanted)
{
    char *is = verdict_of(s, serial, attempt);
    assert_string_equal(is, wanted);
    free(is);
}

static void test_first_verdict_stays(void **state)
{
    (void)state;
    an__parts_store *s = open_store();
    expect(s, "A", 1, "absent");
    put(s, "A", 1, NULL, 100);
    expect(s, "A", 1, "waiting");
    put(s, "A", 1, "ok", 100);
    put(s, "A", 1, "nok", 100); /* a second decision changes nothing */
    put(s, "A", 2, "test", 200);
    size_t queued;
    assert_true(an__parts_store_commit(s, &queued, NULL));
    assert_int_equal(queued, 0); /* nobody asked for it */
    expect(s, "A", 1, "ok");
    expect(s, "A", 2, "test");
    an__parts_store_close(s);
    s = open_store();
    expect(s, "A", 1, "ok");
    json_t *all = an__parts_store_list(s, "A", NULL);
    assert_int_equal(json_array_size(all), 2);
    assert_string_equal(an_json_string(json_array_get(all, 1), "verdict", ""), "test");
    json_decref(all);
    an__parts_store_close(s);
}

static void test_uncommitted_is_nothing(void **state)
{
    (void)state;
    an__parts_store *s = open_store();
    put(s, "B", 1, "ok", 1);
    assert_true(an__parts_store_begun(s));
    an__parts_store_close(s); /* as if it were killed */
    s = open_store();
    expect(s, "B", 1, "absent");
    an__parts_store_close(s);
}

static void collect(void *context, const char *serial, int64_t attempt, an__part *p)
{
    an_buf *b = context;
    assert_non_null(p->features);
    an_buf_printf(b, "%s#%d ", serial, (int)attempt);
}

static void test_time_runs_out(void **state)
{
    (void)state;
    an__parts_store *s = open_store();
    put(s, "late", 2, NULL, 300);
    put(s, "later", 1, NULL, 200);
    put(s, "decided", 1, "ok", 100);
    put(s, "young", 1, NULL, 5000);
    an_buf b = { 0 };
    assert_true(an__parts_store_overdue(s, 1000, 6000, 10, collect, &b, NULL));
    assert_string_equal(b.data, "later#1 late#2 ");
    an_buf_clear(&b);
    assert_true(an__parts_store_overdue(s, 1000, 6000, 1, collect, &b, NULL));
    assert_string_equal(b.data, "later#1 ");
    an_buf_clear(&b);
    assert_true(an__parts_store_overdue(s, 250, 4000, 10, collect, &b, NULL)); /* the clock was set back to 4000 */
    assert_string_equal(b.data, "later#1 young#1 ");
    an_buf_free(&b);
    an__parts_store_close(s);
}

static void test_a_damaged_table_is_refused(void **state)
{
    (void)state;
    assert_true(an_file_write(path, "this is no database, whatever its name says.....", 48, NULL));
    an_error err = { 0 };
    assert_null(an__parts_store_open(path, false, &err));
    assert_int_equal(err.code, AN_CORRUPT);
    assert_non_null(strstr(err.message, "parts.db"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_merging),
        cmocka_unit_test_setup_teardown(test_first_verdict_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_uncommitted_is_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_time_runs_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_damaged_table_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
