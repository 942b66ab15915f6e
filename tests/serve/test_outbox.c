/* test_outbox.c - the queue and its channels: rows as CSV and SQL hold them, retry after a failure, positions over a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve/outbox.h"
#include "serve/parts_store.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64], *database;

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/andon-outbox-XXXXXX");
    if (!mkdtemp(folder)) return 1;
    database = an_path_join(folder, "parts.db");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(database);
    return !an_folder_remove(folder, NULL);
}

static json_t *config(const char *text)
{
    json_t *j = json_loads(text, 0, NULL);
    assert_non_null(j);
    return j;
}

static an__outbox_item item(int64_t number, const char *serial, const char *verdict)
{
    return (an__outbox_item){
        .number = number,
        .id = an_format("%s#1", serial),
        .verdict = json_pack("{s:s, s:i, s:s, s:f, s:b, s:[s, s], s:s}", "serial", serial, "attempt", 1, "verdict", verdict, "probability",
                             0.1, "unapproved", 1, "why", "a \"b\" is missing", "c, d", "decided", "2026-03-01T12:00:00.500000Z"),
    };
}

static void item_free(an__outbox_item *i)
{
    free(i->id);
    json_decref(i->verdict);
}

static size_t csv_files(an_list *names)
{
    an_list_free(names);
    assert_true(an_folder_list(folder, names, NULL));
    size_t n = 0;
    for (size_t i = 0; i < names->count; i++) n += strstr(names->items[i], ".csv") != NULL;
    return n;
}

static void test_rows_of_a_file(void **state)
{
    (void)state;
    json_t *c = config("{\"folder\": \".\"}");
    an__channel channel = { 0 };
    assert_true(an__channel_csv(c, folder, &channel, NULL));
    an__outbox_item items[] = { item(7, "A,\n1", "ok"), item(8, "B", "nok") };
    assert_int_equal(channel.send(channel.self, items, 2, NULL), 2);
    assert_int_equal(channel.send(channel.self, items, 2, NULL), 2); /* again after a crash: the same file */
    char *path = an_path_join(folder, "verdicts-20260301T120000500000Z-7-8.csv");
    an_buf text = { 0 };
    an_error err = { 0 };
    if (!an_file_read(path, 0, &text, &err)) fail_msg("%s", err.message);
    assert_string_equal(text.data, "id,serial,attempt,verdict,would_be,label,probability,threshold,model,version,unapproved,decided,why\n"
                                   "\"A,\n1#1\",\"A,\n1\",1,ok,,,0.1,,,,true,2026-03-01T12:00:00.500000Z,\"a \"\"b\"\" is missing; c, d\"\n"
                                   "B#1,B,1,nok,,,0.1,,,,true,2026-03-01T12:00:00.500000Z,\"a \"\"b\"\" is missing; c, d\"\n");
    an_list names = { 0 };
    assert_int_equal(csv_files(&names), 1);
    an_list_free(&names);
    an_buf_free(&text);
    free(path);
    item_free(&items[0]);
    item_free(&items[1]);
    channel.free(channel.self);
    json_decref(c);
}

static void test_a_folder_that_is_not_there(void **state)
{
    (void)state;
    json_t *c = config("{\"folder\": \"share\"}");
    an__channel channel = { 0 };
    assert_true(an__channel_csv(c, folder, &channel, NULL));
    an_error err = { 0 };
    assert_false(channel.check(channel.self, &err));
    assert_non_null(strstr(err.message, "/share: No such file"));
    char *share = an_path_join(folder, "share");
    assert_true(an_folder_make(share, NULL));
    assert_true(channel.check(channel.self, &err));
    free(share);
    channel.free(channel.self);
    json_decref(c);
}

static int count(const char *file, const char *question)
{
    char *path = an_path_join(folder, file);
    sqlite3 *db;
    sqlite3_stmt *q;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, question, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    int n = sqlite3_column_int(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
    free(path);
    return n;
}

static void test_rows_of_a_table(void **state)
{
    (void)state;
    json_t *c = config("{\"file\": \"v.db\", \"table\": \"line_1\"}");
    an__channel channel = { 0 };
    assert_true(an__channel_sql(c, folder, &channel, NULL));
    an__outbox_item items[] = { item(7, "A'; DROP TABLE line_1; --", "ok"), item(8, "B", "nok") };
    assert_int_equal(channel.send(channel.self, items, 1, NULL), 1);
    assert_int_equal(channel.send(channel.self, items, 2, NULL), 2); /* the first again */
    assert_int_equal(count("v.db", "SELECT COUNT(*) FROM line_1"), 2);
    assert_int_equal(count("v.db", "SELECT COUNT(*) FROM line_1 WHERE verdict = 'nok' AND id = 'B#1' AND attempt = 1 AND probability = 0.1 "
                                   "AND unapproved = 1 AND label IS NULL AND why = 'a \"b\" is missing; c, d'"),
                     1);
    item_free(&items[0]);
    item_free(&items[1]);
    channel.free(channel.self);
    json_decref(c);
}

/* Verdict number i on part Pi, committed. */
static void decide(an__parts_store *s, int i)
{
    char serial[16];
    size_t queued;
    snprintf(serial, sizeof serial, "P%d", i);
    an__part p = { .features = json_object(),
                   .answer = json_pack("{s:s, s:i, s:s}", "serial", serial, "attempt", 1, "verdict", "ok"),
                   .opened_us = 1 };
    assert_true(an__parts_store_put(s, serial, 1, &p, NULL));
    assert_true(an__parts_store_put(s, serial, 1, &p, NULL)); /* a second decision is none */
    assert_true(an__parts_store_commit(s, &queued, NULL));
    assert_int_equal(queued, 1);
    json_decref(p.features);
    json_decref(p.answer);
}

static bool until(an__outbox *o, size_t channel, int64_t waiting)
{
    an__outbox_facts f;
    for (int i = 0; i < 500; i++) {
        an__outbox_facts_get(o, channel, &f);
        if (f.waiting == waiting) return true;
        usleep(20000);
    }
    return false;
}

static void test_retry_and_restart(void **state)
{
    (void)state;
    an__parts_store *s = an__parts_store_open(database, false, NULL);
    assert_non_null(s);
    an__parts_store_queue(s);
    json_t *c = config("{\"csv\": {\"folder\": \"share\"}, \"sql\": {\"file\": \"v.db\"}}");
    an_error err = { 0 };
    an__outbox *o = an__outbox_new(c, database, folder, &err);
    if (!o) fail_msg("%s", err.message);
    assert_int_equal(an__outbox_channels(o), 2);
    for (int i = 0; i < 3; i++) {
        decide(s, i);
        an__outbox_wake(o, 1);
    }
    assert_true(until(o, 1, 0)); /* the table has them; the share is not there */
    an__outbox_facts f;
    an__outbox_facts_get(o, 0, &f);
    assert_int_equal(f.waiting, 3);
    for (int i = 0; i < 100 && !f.failures; i++) {
        usleep(20000);
        an__outbox_facts_get(o, 0, &f);
    }
    assert_true(f.failures >= 1);
    assert_non_null(strstr(f.why, "share"));
    an__outbox_free(o);
    assert_int_equal(count("parts.db", "SELECT COUNT(*) FROM outbox"), 3);
    o = an__outbox_new(c, database, folder, NULL);
    an__outbox_facts_get(o, 0, &f);
    assert_int_equal(f.waiting, 3);
    char *share = an_path_join(folder, "share");
    assert_true(an_folder_make(share, NULL));
    assert_true(until(o, 0, 0));
    an__outbox_free(o);
    assert_int_equal(count("parts.db", "SELECT COUNT(*) FROM outbox"), 0);
    assert_int_equal(count("v.db", "SELECT COUNT(*) FROM verdicts"), 3);
    /* a channel that was taken out holds nothing back */
    json_object_del(c, "csv");
    an_folder_remove(share, NULL);
    o = an__outbox_new(c, database, folder, NULL);
    decide(s, 9);
    an__outbox_wake(o, 1);
    assert_true(until(o, 0, 0));
    an__outbox_free(o);
    assert_int_equal(count("parts.db", "SELECT COUNT(*) FROM outbox"), 0);
    free(share);
    json_decref(c);
    an__parts_store_close(s);
}

static void test_wrong_configurations(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        { "[]", "channels" },
        { "{\"cvs\": {\"folder\": \"x\"}}", "cvs" },
        { "{\"csv\": 3}", "csv" },
        { "{\"csv\": {\"folder\": 3}}", "folder" },
        { "{\"csv\": {\"folder\": \"x\", \"prefix\": \"../y\"}}", "prefix" },
        { "{\"sql\": {\"file\": \"x\", \"table\": \"a\\\"b\"}}", "letters" },
        { "{\"sql\": {\"file\": \"\"}}", "file" },
    };
    an__parts_store *s = an__parts_store_open(database, false, NULL);
    for (size_t i = 0; i < AN_COUNT(wrong); i++) {
        json_t *c = config(wrong[i][0]);
        an_error err = { 0 };
        if (an__outbox_new(c, database, folder, &err)) fail_msg("accepted: %s", wrong[i][0]);
        assert_int_equal(err.code, AN_INPUT);
        if (!strstr(err.message, wrong[i][1])) fail_msg("\"%s\" does not say %s", err.message, wrong[i][1]);
        json_decref(c);
    }
    an__parts_store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows_of_a_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_folder_that_is_not_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rows_of_a_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_retry_and_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_configurations, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
