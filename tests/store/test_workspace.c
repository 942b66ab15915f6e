/* Workspaces: making, finding, configuration, versions of the database, locks. */
#include "store/help.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void test_init_is_repeatable(void **state)
{
    place *p = *state;
    an_error err;
    MUST(an_workspace_init(p->folder, &err));
    char *path = an_path_join(p->folder, "andon.yaml");
    MUST(an_file_write(path, "costs: {escape: 3}\n", 19, &err));
    MUST(an_workspace_init(p->folder, &err)); /* keeps what people wrote */
    json_t *config = an_store_config(p->store, &err);
    assert_non_null(config);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(config, "costs"), "escape")), 3);
    json_decref(config);
    free(path);
}

static void test_find(void **state)
{
    place *p = *state;
    an_error err;
    char *deep = an_path_join(p->folder, "a/b/c"), *real = realpath(p->folder, NULL);
    MUST(an_folder_make(deep, &err));
    char *found = an_workspace_find(deep, &err);
    assert_string_equal(found, real);
    assert_string_equal(an_store_folder(p->store), real);
    free(found);
    REFUSED(an_workspace_find("/", &err), AN_NOT_FOUND);
    MENTIONS(err.hint, "andon init");
    REFUSED(an_store_open(deep, &err), AN_NOT_FOUND);
    MENTIONS(err.hint, "andon init");
    REFUSED(an_store_open("/nowhere/at/all", &err), AN_NOT_FOUND);
    free(real);
    free(deep);
}

static void test_config(void **state)
{
    place *p = *state;
    an_error err;
    json_t *config = an_store_config(p->store, &err);
    assert_true(json_is_object(config));
    assert_int_equal(json_object_size(config), 0); /* the defaults are comments */
    json_decref(config);

    char *path = an_path_join(p->folder, "andon.yaml");
    const char *text = "costs:\n  escape: 400\n  currency: EUR\nsingle: 1\n";
    MUST(an_file_write(path, text, strlen(text), &err));
    setenv("ANDON_COSTS_ESCAPE", "12.5", 1);
    setenv("ANDON_LOG_LEVEL", "loud", 1);
    config = an_store_config(p->store, &err);
    assert_non_null(config);
    assert_true(an_json_number(json_object_get(json_object_get(config, "costs"), "escape"), 0) == 12.5);
    assert_string_equal(an_json_string(json_object_get(config, "costs"), "currency", ""), "EUR");
    assert_string_equal(an_json_string(json_object_get(config, "log"), "level", ""), "loud");
    json_decref(config);
    setenv("ANDON_SINGLE_KEY", "1", 1);
    REFUSED(an_store_config(p->store, &err), AN_USAGE);
    MENTIONS(err.message, "ANDON_SINGLE_KEY");
    unsetenv("ANDON_SINGLE_KEY");
    unsetenv("ANDON_COSTS_ESCAPE");
    unsetenv("ANDON_LOG_LEVEL");
    MUST(an_file_write(path, "- a\n- b\n", 8, &err));
    REFUSED(an_store_config(p->store, &err), AN_INPUT);
    free(path);
}

static void test_work_folder(void **state)
{
    place *p = *state;
    an_error err;
    char *work = an_store_work_folder(p->store, "step-1", &err), *file;
    assert_non_null(work);
    file = an_path_join(work, "checkpoint");
    MUST(an_file_write(file, "x", 1, &err));
    char *again = an_store_work_folder(p->store, "step-1", &err);
    assert_string_equal(work, again);
    assert_true(an_file_exists(file));
    MUST(an_store_work_done(p->store, "step-1", &err));
    assert_false(an_file_exists(work));
    REFUSED(an_store_work_folder(p->store, "../up", &err), AN_USAGE);
    free(again);
    free(file);
    free(work);
}

static void test_newer_database(void **state)
{
    place *p = *state;
    an_error err;
    sql_beside(p->folder, "PRAGMA user_version=99");
    REFUSED(an_store_open(p->folder, &err), AN_NEWER);
    MENTIONS(err.message, "99");
    char known[8];
    snprintf(known, sizeof known, "%d", an__migration_count);
    MENTIONS(err.message, known);
    MENTIONS(err.hint, "newer andon");
}

static void test_foreign_database(void **state)
{
    place *p = *state;
    an_error err;
    sql_beside(p->folder, "PRAGMA application_id=77");
    REFUSED(an_store_open(p->folder, &err), AN_CORRUPT);
    MENTIONS(err.message, "not one of andon");
}

static void test_damaged_database(void **state)
{
    place *p = *state;
    an_error err;
    an_store_close(p->store);
    p->store = NULL;
    char *path = an_path_join(p->folder, ".andon/andon.db");
    char rubbish[8192];
    memset(rubbish, 'x', sizeof rubbish);
    MUST(an_file_write(path, rubbish, sizeof rubbish, &err));
    REFUSED(an_store_open(p->folder, &err), AN_CORRUPT);
    MENTIONS(err.hint, "backup");
    free(path);
}

/* A later version's texts are applied in one transaction: a broken one changes nothing. */
static void test_migration(void **state)
{
    place *p = *state;
    an_error err;
    an_hash a;
    MUST(put_text(p->store, "file", "kept through", &a, &err));
    const char *texts[64];
    int now = an__migration_count;
    assert_in_range(now, 1, 62);
    for (int i = 0; i < now; i++) texts[i] = an__migrations[i];
    texts[now] = "CREATE TABLE later (a TEXT) STRICT; INSERT INTO later VALUES ('x')";
    texts[now + 1] = "CREATE TABLE later (a TEXT)";
    REFUSED(an__schema_apply(p->store, texts, now + 2, &err), AN_FAILED);
    int64_t n;
    bool found;
    MUST(an__sql_int(p->store, &n, &found, &err, "PRAGMA user_version", ""));
    assert_int_equal(n, now);
    MUST(an__schema_apply(p->store, texts, now + 1, &err));
    MUST(an__sql_int(p->store, &n, &found, &err, "SELECT count(*) FROM later", ""));
    assert_int_equal(n, 1);
    MUST(an__schema_apply(p->store, texts, now + 1, &err));
    an_artifact *again = an_artifact_get(p->store, &a, &err);
    assert_non_null(again);
    an_artifact_free(again);
    REFUSED(an_store_open(p->folder, &err), AN_NEWER);
}

static void test_locked(void **state)
{
    place *p = *state;
    an_error err;
    an_hash address;
    int ready[2], go[2];
    char c = 'x';
    MUST(put_text(p->store, "file", "x", &address, &err));
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go), 0);
    pid_t child = fork();
    if (child == 0) {
        sqlite3 *db = NULL;
        char *path = an_format("%s/.andon/andon.db", p->folder);
        if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) _exit(1);
        if (write(ready[1], &c, 1) != 1 || read(go[0], &c, 1) != 1) _exit(2);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    an_store *other = an__store_open(p->folder, 200, &err); /* reading goes on */
    assert_non_null(other);
    int64_t version;
    double begun = an_clock_s();
    REFUSED(an_version_add(other, AN_NAME_DATA, "press", &address, NULL, NULL, &version, NULL, &err), AN_BUSY);
    assert_true(an_clock_s() - begun < 5);
    char pid[32];
    snprintf(pid, sizeof pid, "%ld", (long)child);
    /* the kernel lists the holder of the lock unless /proc is hidden */
    if (access("/proc/locks", R_OK) == 0 && strstr(err.message, "by process")) MENTIONS(err.message, pid);
    MENTIONS(err.hint, "try again");
    assert_int_equal(write(go[1], &c, 1), 1);
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    MUST(an_version_add(other, AN_NAME_DATA, "press", &address, NULL, NULL, &version, NULL, &err));
    assert_int_equal(version, 1);
    an_store_close(other);
    for (int i = 0; i < 2; i++) {
        close(ready[i]);
        close(go[i]);
    }
}

/* A workspace that another process holds exclusively cannot even be opened. */
static void test_locked_open(void **state)
{
    place *p = *state;
    an_error err;
    an_store_close(p->store);
    p->store = NULL;
    sqlite3 *db = NULL;
    char *path = an_format("%s/.andon/andon.db", p->folder);
    int ready[2];
    char c = 'x';
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        if (sqlite3_open(path, &db) != SQLITE_OK ||
            sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE t (a); COMMIT", NULL, NULL, NULL) != SQLITE_OK)
            _exit(1);
        if (write(ready[1], &c, 1) != 1) _exit(2);
        for (;;) pause();
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    an_store *other = an__store_open(p->folder, 200, &err);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_null(other);
    assert_int_equal(err.code, AN_BUSY);
    close(ready[0]);
    close(ready[1]);
    free(path);
}

/* Several processes make the same workspace at the same moment. */
static void test_init_together(void **state)
{
    (void)state;
    an_error err;
    enum { TOGETHER = 4 };
    for (int round = 0; round < 5; round++) {
        char *folder = temporary_folder(), c = 'x';
        int go[2];
        pid_t child[TOGETHER];
        assert_int_equal(pipe(go), 0);
        for (int i = 0; i < TOGETHER; i++) {
            child[i] = fork();
            if (child[i] != 0) continue;
            if (read(go[0], &c, 1) != 1) _exit(2);
            err = (an_error){ 0 };
            if (an_workspace_init(folder, &err)) _exit(0);
            fprintf(stderr, "%s\n", err.message);
            _exit(1);
        }
        for (int i = 0; i < TOGETHER; i++) assert_int_equal(write(go[1], &c, 1), 1);
        for (int i = 0; i < TOGETHER; i++) {
            int status;
            waitpid(child[i], &status, 0);
            assert_int_equal(status, 0);
        }
        MUST(an_folder_remove(folder, &err));
        free(folder);
        close(go[0]);
        close(go[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACED(test_init_is_repeatable),
        PLACED(test_find),
        PLACED(test_config),
        PLACED(test_work_folder),
        PLACED(test_newer_database),
        PLACED(test_foreign_database),
        PLACED(test_damaged_database),
        PLACED(test_migration),
        PLACED(test_locked),
        PLACED(test_locked_open),
        cmocka_unit_test(test_init_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
