/* help.h - what the tests of the store share: a workspace in a temporary folder, artifacts with given content. */
#ifndef AN_TESTS_STORE_HELP_H
#define AN_TESTS_STORE_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct place {
    char *folder;
    an_store *store;
} place;

/* Fails the test with the library's own words. */
#define MUST(call)                                                           \
    do {                                                                     \
        err = (an_error){ 0 };                                               \
        if (!(call)) fail_msg("%s: %s [%s]", #call, err.message, err.where); \
    } while (0)
#define REFUSED(call, expected)                                                                              \
    do {                                                                                                     \
        err = (an_error){ 0 };                                                                               \
        if (call) fail_msg("%s succeeded", #call);                                                           \
        if (err.code != (expected)) fail_msg("%s: code %s: %s", #call, an_code_name(err.code), err.message); \
    } while (0)
#define MENTIONS(text, part)                                                             \
    do {                                                                                 \
        if (!strstr(text, part)) fail_msg("\"%s\" does not mention \"%s\"", text, part); \
    } while (0)

static inline char *temporary_folder(void)
{
    char *path = an_strdup("/tmp/andon-test-XXXXXX");
    assert_non_null(mkdtemp(path));
    return path;
}

static inline int place_make(void **state)
{
    an_error err;
    place *p = an_alloc(sizeof *p);
    p->folder = temporary_folder();
    MUST(an_workspace_init(p->folder, &err));
    MUST((p->store = an_store_open(p->folder, &err)) != NULL);
    *state = p;
    return 0;
}

static inline int place_remove(void **state)
{
    an_error err = { 0 };
    place *p = *state;
    an_store_close(p->store);
    MUST(an_folder_remove(p->folder, &err));
    free(p->folder);
    free(p);
    return 0;
}

/* An artifact of two files with this text. */
static inline bool put_text(an_store *s, const char *kind, const char *text, an_hash *address, an_error *err)
{
    an_artifact *a = an_artifact_stage(s, err);
    if (!a) return false;
    if (!an_artifact_write(a, "text.txt", text, strlen(text), err) ||
        !an_artifact_write(a, "deep/er/size.txt", text, strlen(text) / 2, err)) {
        an_artifact_discard(a);
        return false;
    }
    return an_artifact_put(s, a, kind, address, err);
}

static inline size_t count_entries(const char *folder, const char *name)
{
    an_error err = { 0 };
    an_list names = { 0 };
    char *path = an_path_join(folder, name);
    assert_true(an_folder_list(path, &names, &err));
    size_t n = names.count;
    an_list_free(&names);
    free(path);
    return n;
}

/* One value by a plain connection beside the store's. */
static inline void sql_beside(const char *folder, const char *sql)
{
    sqlite3 *db = NULL;
    char *path = an_format("%s/.andon/andon.db", folder), *message = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
    free(path);
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

#endif
