/* The record: what is added can be verified; every way of tampering is found and its place is named. */
#include "store/help.h"

#include <sys/stat.h>
#include <sys/wait.h>

static void fill(an_store *s, int count)
{
    an_error err;
    for (int i = 1; i <= count; i++) {
        json_t *body = json_pack("{s:i,s:s}", "number", i, "text", "says \"no\"\n\xc3\xa4");
        MUST(an_record(s, "approve", i % 2 ? "model:a" : "model:b", body, &err));
        json_decref(body);
    }
}

static void test_grows(void **state)
{
    place *p = *state;
    an_error err;
    size_t count = 99;
    MUST(an_record_verify(p->store, &count, &err));
    assert_int_equal(count, 0);
    fill(p->store, 5);
    MUST(an_record_verify(p->store, &count, &err));
    assert_int_equal(count, 5);
    json_t *all = an_record_list(p->store, NULL, &err), *some = an_record_list(p->store, "model:a", &err);
    assert_int_equal(json_array_size(all), 5);
    assert_int_equal(json_array_size(some), 3);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json_array_get(some, 1), "body"), "number")), 3);
    json_decref(all);
    json_decref(some);
    char *path = an_path_join(p->folder, ".andon/key");
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    /* the same key goes on after opening again */
    an_store_close(p->store);
    MUST((p->store = an_store_open(p->folder, &err)) != NULL);
    fill(p->store, 2);
    MUST(an_record_verify(p->store, &count, &err));
    assert_int_equal(count, 7);
    free(path);
}

static void test_tampering(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *words;
    } cases[] = {
        { "UPDATE record SET body = replace(body, '3', '4') WHERE sequence = 3", "entry 3" },
        { "UPDATE record SET time_us = time_us + 1 WHERE sequence = 2", "entry 2" },
        { "UPDATE record SET kind = 'reject' WHERE sequence = 5", "entry 5" },
        { "UPDATE record SET subject = 'model:c' WHERE sequence = 1", "entry 1" },
        { "UPDATE record SET hash = zeroblob(32) WHERE sequence = 4", "entry 4" },
        { "UPDATE record SET signature = zeroblob(64) WHERE sequence = 4", "wrong signature" },
        { "UPDATE record SET previous = zeroblob(32) WHERE sequence = 4", "does not follow" },
        { "DELETE FROM record WHERE sequence = 3", "entry 3" },
        { "DELETE FROM record WHERE sequence = 3; UPDATE record SET sequence = sequence - 1 WHERE sequence > 3", "entry 3" },
        { "DELETE FROM record WHERE sequence >= 4", "cut off" },
        { "DELETE FROM record WHERE sequence = 5; UPDATE heads SET sequence = 4, hash = (SELECT hash FROM record WHERE sequence = 4)",
          "head" },
        { "DELETE FROM heads", "head" },
        { "DELETE FROM record", "cut off" },
        { "PRAGMA foreign_keys=OFF; DELETE FROM heads; DELETE FROM origins", "not known" },
        { "UPDATE origins SET public_key = zeroblob(32)", "public key" },
    };
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        void *made = NULL;
        place_make(&made);
        place *p = made;
        an_error err;
        size_t count;
        fill(p->store, 5);
        sql_beside(p->folder, cases[i].sql);
        REFUSED(an_record_verify(p->store, &count, &err), AN_CORRUPT);
        MENTIONS(err.message, cases[i].words);
        place_remove(&made);
    }
}

static void test_damaged_key(void **state)
{
    place *p = *state;
    an_error err;
    char *path = an_path_join(p->folder, ".andon/key");
    MUST(an_file_write(path, "abc", 3, &err));
    REFUSED(an_record(p->store, "note", "x", NULL, &err), AN_CORRUPT);
    MENTIONS(err.message, "key");
    free(path);
}

/* Two processes that make their first entry at the same time share one key and one chain. */
static void test_two_processes(void **state)
{
    place *p = *state;
    an_error err;
    pid_t child[2];
    for (int c = 0; c < 2; c++) {
        child[c] = fork();
        if (child[c] != 0) continue;
        an_store *s = an_store_open(p->folder, &err);
        for (int i = 0; s && i < 10; i++)
            if (!an_record(s, "note", "x", NULL, &err)) _exit(1);
        an_store_close(s);
        _exit(s ? 0 : 2);
    }
    for (int c = 0; c < 2; c++) {
        int status;
        waitpid(child[c], &status, 0);
        assert_int_equal(status, 0);
    }
    size_t count;
    MUST(an_record_verify(p->store, &count, &err));
    assert_int_equal(count, 20);
    int64_t origins;
    bool found;
    MUST(an__sql_int(p->store, &origins, &found, &err, "SELECT count(*) FROM origins", ""));
    assert_int_equal(origins, 1);
    an_list names = { 0 };
    char *hidden = an_path_join(p->folder, ".andon");
    MUST(an_folder_list(hidden, &names, &err));
    for (size_t i = 0; i < names.count; i++) assert_true(strncmp(names.items[i], "key.", 4) != 0);
    an_list_free(&names);
    free(hidden);
}

int main(void)
{
    const struct CMUnitTest tests[] = { PLACED(test_grows), cmocka_unit_test(test_tampering), PLACED(test_damaged_key),
                                        PLACED(test_two_processes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
