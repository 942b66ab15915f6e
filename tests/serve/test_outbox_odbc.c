/* test_outbox_odbc.c - a table by ODBC: the driver manager's interface as its own headers have it, text in UTF-16, settings, rows in SQLite
 * through its ODBC driver, and processes that hang, crash or say nonsense in the place of the one with the driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve/outbox_odbc.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if __has_include(<sqlext.h>)
#include <sqlext.h>
#include <sqlucode.h>
#define EQUAL(ours, theirs) _Static_assert((long)(ours) == (long)(theirs), #ours " is not " #theirs)
EQUAL(ODBC_SUCCESS, SQL_SUCCESS);
EQUAL(ODBC_SUCCESS_WITH_INFO, SQL_SUCCESS_WITH_INFO);
EQUAL(ODBC_NO_DATA, SQL_NO_DATA);
EQUAL(ODBC_ENVIRONMENT, SQL_HANDLE_ENV);
EQUAL(ODBC_CONNECTION, SQL_HANDLE_DBC);
EQUAL(ODBC_STATEMENT, SQL_HANDLE_STMT);
EQUAL(ODBC_ATTR_VERSION, SQL_ATTR_ODBC_VERSION);
EQUAL(ODBC_VERSION_3, SQL_OV_ODBC3);
EQUAL(ODBC_ATTR_AUTOCOMMIT, SQL_ATTR_AUTOCOMMIT);
EQUAL(ODBC_AUTOCOMMIT_OFF, SQL_AUTOCOMMIT_OFF);
EQUAL(ODBC_ATTR_LOGIN_TIMEOUT, SQL_ATTR_LOGIN_TIMEOUT);
EQUAL(ODBC_ATTR_CONNECTION_TIMEOUT, SQL_ATTR_CONNECTION_TIMEOUT);
EQUAL(ODBC_ATTR_QUERY_TIMEOUT, SQL_ATTR_QUERY_TIMEOUT);
EQUAL(ODBC_C_UNITS, SQL_C_WCHAR);
EQUAL(ODBC_C_DOUBLE, SQL_C_DOUBLE);
EQUAL(ODBC_C_INT, SQL_C_SLONG);
EQUAL(ODBC_C_LONG, SQL_C_SBIGINT);
EQUAL(ODBC_TEXT, SQL_WVARCHAR);
EQUAL(ODBC_DOUBLE, SQL_DOUBLE);
EQUAL(ODBC_INTEGER, SQL_INTEGER);
EQUAL(ODBC_BIGINT, SQL_BIGINT);
EQUAL(ODBC_NO_PROMPT, SQL_DRIVER_NOPROMPT);
EQUAL(ODBC_INPUT, SQL_PARAM_INPUT);
EQUAL(ODBC_NULL, SQL_NULL_DATA);
EQUAL(ODBC_TO_THE_END, SQL_NTS);
EQUAL(ODBC_CLOSE, SQL_CLOSE);
EQUAL(ODBC_COMMIT, SQL_COMMIT);
EQUAL(ODBC_ROLLBACK, SQL_ROLLBACK);
EQUAL(ODBC_DBMS_NAME, SQL_DBMS_NAME);
/* int is SQLINTEGER, long SQLLEN and SQLINTEGER's 64-bit kin, and so on: the compiler compares whole functions */
#define SAME(name, result, arguments) \
    _Static_assert(__builtin_types_compatible_p(__typeof__(&name), __typeof__(((odbc_functions *)0)->name)), #name " differs");
ODBC_FUNCTIONS(SAME)
#endif

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/andon-odbc-XXXXXX");
    return !mkdtemp(folder);
}

static int tear_down(void **state)
{
    (void)state;
    unsetenv("TEST_OUTBOX_DRIVER");
    return !an_folder_remove(folder, NULL);
}

static void test_manager_absent(void **state)
{
    (void)state;
    an__odbc o = { 0 };
    an_error err = { 0 };
    assert_false(an__odbc_load(&o, "libandon-nowhere.so", &err));
    assert_non_null(strstr(err.message, "no ODBC driver manager"));
    assert_non_null(strstr(err.hint, "unixodbc"));
    assert_false(an__odbc_load(&o, "libc.so.6", &err));
    assert_non_null(strstr(err.message, "no function SQL"));
}

static void test_text(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "a", "Prüfling ä", "日本", "a\xf0\x9f\x98\x80z", "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbd"
    };
    odbc_unit units[32];
    bool cut;
    for (size_t i = 0; i < AN_COUNT(texts); i++) {
        an_buf back = { 0 };
        size_t n = an__odbc_units(texts[i], units, AN_COUNT(units) - 1, &cut);
        assert_false(cut);
        assert_int_equal(units[n], 0);
        an__odbc_text(units, n, &back);
        assert_string_equal(back.size ? back.data : "", texts[i]);
        an_buf_free(&back);
    }
    assert_int_equal(an__odbc_units("a\xf0\x9f\x98\x80z", units, 4, &cut), 4);
    assert_int_equal(units[1], 0xd83d);
    assert_int_equal(units[2], 0xde00);
    assert_int_equal(an__odbc_units("a\xf0\x9f\x98\x80z", units, 2, &cut), 1); /* never half a pair */
    assert_true(cut);
    an_buf odd = { 0 };
    an__odbc_text((odbc_unit[]){ 0xd83d, 'x', 0xde00 }, 3, &odd);
    assert_string_equal(odd.data, "\xef\xbf\xbdx\xef\xbf\xbd");
    an_buf_free(&odd);
}

static bool channel_of(const char *text, an__channel *out, an_error *err)
{
    json_t *config = json_loads(text, 0, NULL);
    assert_non_null(config);
    bool ok = an__channel_sql(config, folder, out, err);
    json_decref(config);
    return ok;
}

static void test_settings(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        { "{\"odbc\": \"DSN=x\", \"file\": \"v.db\"}", "either" },
        { "{\"odbc\": \"DSN=x\", \"tabel\": \"v\"}", "tabel" },
        { "{\"odbc\": \"x\"}", "no connection text" },
        { "{\"odbc\": 3}", "odbc" },
        { "{\"odbc\": \"DSN=x;PWD=geheim\"}", "password" },
        { "{\"odbc\": \"DSN=x; password = geheim\"}", "password" },
        { "{\"odbc\": \"DSN=x\", \"table\": \"a;b\"}", "letters" },
        { "{\"odbc\": \"DSN=x\", \"table\": \"a..b\"}", "letters" },
        { "{\"odbc\": \"DSN=x\", \"table\": \"mes.\"}", "letters" },
        { "{\"odbc\": \"DSN=x\", \"table\": \"1a\"}", "letters" },
        { "{\"odbc\": \"DSN=x\", \"timeout_s\": 0}", "timeout_s" },
        { "{\"odbc\": \"DSN=x\", \"user\": 7}", "user" },
        { "{\"odbc\": \"DSN=x\", \"user\": \"u\", \"password_file\": \"absent\"}", "absent" },
    };
    an__channel c;
    for (size_t i = 0; i < AN_COUNT(wrong); i++) {
        an_error err = { 0 };
        if (channel_of(wrong[i][0], &c, &err)) fail_msg("accepted: %s", wrong[i][0]);
        assert_int_equal(err.code == AN_INPUT || err.code == AN_NOT_FOUND, 1);
        if (!strstr(err.message, wrong[i][1])) fail_msg("\"%s\" does not say %s", err.message, wrong[i][1]);
        assert_null(strstr(err.message, "geheim"));
    }
    assert_true(channel_of("{\"odbc\": \"DSN=x\", \"table\": \"mes.line_1.verdicts\"}", &c, NULL));
    c.free(c.self);
}

/* ---- SQLite through its ODBC driver ---- */

static an__outbox_item item(const char *serial, int64_t attempt, const char *verdict, const char *why)
{
    return (an__outbox_item){
        .number = 1,
        .id = an_format("%s#%lld", serial, (long long)attempt),
        .verdict = json_pack("{s:s, s:I, s:s, s:f, s:b, s:[s, s], s:s, s:i}", "serial", serial, "attempt", (json_int_t)attempt, "verdict",
                             verdict, "probability", 0.1 + 0.2, "unapproved", 1, "why", "a \"b\" is missing", why, "decided",
                             "2026-03-01T12:00:00.5Z", "version", 3),
    };
}

static void items_free(an__outbox_item *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(items[i].id);
        json_decref(items[i].verdict);
    }
}

static int64_t number(const char *question)
{
    char *path = an_path_join(folder, "v.db");
    sqlite3 *db;
    sqlite3_stmt *q;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, question, -1, &q, NULL) != SQLITE_OK) fail_msg("%s", sqlite3_errmsg(db));
    int64_t n = sqlite3_step(q) == SQLITE_ROW ? sqlite3_column_int64(q, 0) : -1;
    sqlite3_finalize(q);
    sqlite3_close(db);
    free(path);
    return n;
}

static bool sqlite_channel(const char *table, an__channel *out)
{
    char *text = an_format("{\"odbc\": \"Driver=SQLite3;Database=%s/v.db\", \"table\": \"%s\"}", folder, table);
    bool ok = channel_of(text, out, NULL);
    free(text);
    return ok;
}

static bool driver_is_here(void)
{
    an__channel c;
    an_error err = { 0 };
    assert_true(sqlite_channel("probe", &c));
    bool here = c.check(c.self, &err);
    c.free(c.self);
    bool absent = strstr(err.message, "no ODBC driver manager") || strstr(err.message, "IM00") || strstr(err.message, "Can't open lib");
    if (!here && !absent) fail_msg("%s. %s", err.message, err.hint);
    return here;
}

static void test_rows(void **state)
{
    (void)state;
    if (!driver_is_here()) skip();
    an__channel c;
    an_error err = { 0 };
    assert_true(sqlite_channel("line_1", &c));
    char *story = an_alloc(4001);
    memset(story, 'x', 4000);
    an__outbox_item items[] = { item("A'; DROP TABLE line_1; --", 1, "ok", "c"), item("Ä 日本 \xf0\x9f\x98\x80", 2, "nok", "größer"),
                                item("B", 5000000000, "test", story) };
    free(story);
    if (c.send(c.self, items, 1, &err) != 1) fail_msg("%s", err.message);
    if (c.send(c.self, items, 3, &err) != 3) fail_msg("%s", err.message); /* the first again */
    assert_int_equal(number("SELECT COUNT(*) FROM line_1"), 3);
    assert_int_equal(
        number("SELECT COUNT(*) FROM line_1 WHERE id = 'A''; DROP TABLE line_1; --#1' AND verdict = 'ok' AND attempt = 1 AND "
               "probability > 0.30000000000000001 AND probability < 0.3000000000000001 AND unapproved = 1 AND label IS NULL AND "
               "threshold IS NULL AND version = 3 AND why = 'a \"b\" is missing; c' AND decided = '2026-03-01T12:00:00.5Z'"),
        1);
    assert_int_equal(number("SELECT COUNT(*) FROM line_1 WHERE id = 'Ä 日本 😀#2' AND serial = 'Ä 日本 😀' AND why LIKE '%; größer'"), 1);
    assert_int_equal(number("SELECT attempt FROM line_1 WHERE serial = 'B'"), 5000000000);
    assert_int_equal(number("SELECT length(why) FROM line_1 WHERE serial = 'B' AND why LIKE 'a \"b\" is missing; xxx%xxx...'"), 2000);
    items_free(items, 3);
    /* more than fit into one question, some of them there already */
    enum { MANY = 333 };
    an__outbox_item many[MANY];
    for (size_t i = 0; i < MANY; i++) {
        char serial[16];
        snprintf(serial, sizeof serial, "M%zu", i);
        many[i] = item(serial, 1, "ok", "");
    }
    if (c.send(c.self, many + 100, 33, &err) != 33) fail_msg("%s", err.message);
    if (c.send(c.self, many, MANY, &err) != MANY) fail_msg("%s", err.message);
    assert_int_equal(number("SELECT COUNT(*) FROM line_1"), 3 + MANY);
    assert_true(c.check(c.self, &err));
    /* one row that the table's own rule refuses: those before it are there, it holds up those behind it, until the rule is gone */
    number("CREATE TRIGGER no BEFORE INSERT ON line_1 WHEN NEW.serial = 'M77' BEGIN SELECT RAISE(ABORT, 'not this one'); END");
    number("DELETE FROM line_1");
    assert_int_equal(c.send(c.self, many, MANY, &err), 77);
    assert_non_null(strstr(err.message, "not this one"));
    assert_int_equal(number("SELECT COUNT(*) FROM line_1"), 77);
    assert_int_equal(c.send(c.self, many + 77, MANY - 77, &err), 0);
    assert_int_equal(number("SELECT COUNT(*) FROM line_1"), 77);
    number("DROP TRIGGER no");
    if (c.send(c.self, many, MANY, &err) != MANY) fail_msg("%s", err.message);
    assert_int_equal(number("SELECT COUNT(*) FROM line_1"), MANY);
    items_free(many, MANY);
    c.free(c.self);
}

static void test_other_tables(void **state)
{
    (void)state;
    if (!driver_is_here()) skip();
    an__channel c;
    an_error err = { 0 };
    number("CREATE TABLE short (id TEXT PRIMARY KEY, serial TEXT)");
    assert_true(sqlite_channel("short", &c));
    assert_false(c.check(c.self, &err));
    if (!strstr(err.message, "attempt") || !strstr(err.message, "making the table short")) fail_msg("%s", err.message);
    c.free(c.self);
    /* a table of somebody's own, with more columns, in another order and without a key: ids are looked for nonetheless */
    number("CREATE TABLE own (line TEXT DEFAULT 'L1', why TEXT, decided TEXT, unapproved, version, model, threshold, probability, label, "
           "would_be, "
           "verdict, attempt, serial, id CHAR(200))");
    assert_true(sqlite_channel("own", &c));
    an__outbox_item one = item("A", 1, "ok", "c");
    for (int i = 0; i < 2; i++)
        if (c.send(c.self, &one, 1, &err) != 1) fail_msg("%s", err.message);
    assert_int_equal(number("SELECT COUNT(*) FROM own WHERE line = 'L1' AND id = 'A#1'"), 1);
    /* a key for which small and capital letters are the same: never silently lost */
    number("CREATE UNIQUE INDEX loose ON own (id COLLATE NOCASE)");
    an__outbox_item other = item("a", 1, "nok", "c");
    assert_int_equal(c.send(c.self, &other, 1, &err), 0);
    assert_int_equal(number("SELECT COUNT(*) FROM own"), 1);
    c.free(c.self);
    items_free(&one, 1);
    items_free(&other, 1);
}

/* ---- processes that do not do what they should ---- */

static void *hurry(void *context)
{
    an__channel *c = context;
    usleep(300000);
    c->hurry(c->self);
    return NULL;
}

static void test_processes(void **state)
{
    (void)state;
    static const char *const table[][2] = { { "hang", "did not answer within 1 seconds" },
                                            { "crash", "crashed: " },
                                            { "leave", "ended (status 9)" },
                                            { "nonsense", "out of step" },
                                            { "slow", "the program ended before" } };
    for (size_t i = 0; i < AN_COUNT(table); i++) {
        an__channel c;
        an_error err = { 0 };
        setenv("TEST_OUTBOX_DRIVER", table[i][0], 1);
        bool slow = !strcmp(table[i][0], "slow");
        assert_true(channel_of(slow ? "{\"odbc\": \"DSN=x\", \"timeout_s\": 3600}" : "{\"odbc\": \"DSN=x\", \"timeout_s\": 1}", &c, NULL));
        pthread_t thread;
        double since = an_clock_s();
        if (slow) assert_int_equal(pthread_create(&thread, NULL, hurry, &c), 0);
        assert_false(c.check(c.self, &err));
        if (slow) pthread_join(thread, NULL);
        if (!strstr(err.message, table[i][1])) fail_msg("%s: %s", table[i][0], err.message);
        assert_true(an_clock_s() - since < 120); /* the limit is what counts: no such process lives for less than an hour */
        c.free(c.self);
    }
}

/* What stands in for the process with the driver. */
static int pretend(const char *how)
{
    if (!strcmp(how, "crash")) {
        signal(SIGABRT, SIG_DFL);
        kill(getpid(), SIGKILL);
    }
    if (!strcmp(how, "leave")) return 9;
    if (!strcmp(how, "nonsense")) return write(3, "{]\n", 3) != 3;
    sleep(3600);
    return 0;
}

int main(void)
{
    if (getenv(AN__OUTBOX_ENV)) {
        const char *how = getenv("TEST_OUTBOX_DRIVER");
        return how ? pretend(how) : !an__outbox_process(atoi(getenv(AN__OUTBOX_ENV)), NULL);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manager_absent),
        cmocka_unit_test(test_text),
        cmocka_unit_test_setup_teardown(test_settings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_tables, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_processes, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
