/* testing.h - what the tests of the base room share: a folder of their own, checks on errors. */
#ifndef ANDON_TESTS_BASE_TESTING_H
#define ANDON_TESTS_BASE_TESTING_H

#include "andon/base.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A fresh folder, to be removed with scratch_end. */
static inline char *scratch_new(void)
{
    char *path = an_strdup("/tmp/andon-test-XXXXXX");
    assert_non_null(mkdtemp(path));
    return path;
}

static inline void scratch_end(char *path)
{
    assert_true(an_folder_remove(path, NULL));
    free(path);
}

#define assert_ok(call)                                      \
    do {                                                     \
        err = (an_error){ 0 };                               \
        if (!(call)) fail_msg("%s: %s", #call, err.message); \
    } while (0)

#define assert_fails(call, expected, part)                                                                        \
    do {                                                                                                          \
        err = (an_error){ 0 };                                                                                    \
        if (call) fail_msg("%s succeeded", #call);                                                                \
        assert_int_equal(err.code, expected);                                                                     \
        if (!strstr(err.message, part)) fail_msg("\"%s\" does not hold \"%s\"", err.message, (const char *)part); \
    } while (0)

#endif
