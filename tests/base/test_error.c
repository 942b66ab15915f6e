/* Errors: names and exit codes, wrapping, foreign bytes, truncation, JSON; and allocation, version. */
#include "testing.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void codes_have_names_and_exits(void **state)
{
    (void)state;
    assert_string_equal(an_code_name(AN_OK), "ok");
    assert_string_equal(an_code_name(AN_INPUT), "bad_input");
    assert_string_equal(an_code_name(AN_STOPPED), "interrupted");
    assert_string_equal(an_code_name((an_code)99), "failed");
    assert_int_equal(an_code_exit(AN_OK), 0);
    assert_int_equal(an_code_exit(AN_CORRUPT), 1);
    assert_int_equal(an_code_exit(AN_USAGE), 2);
    assert_int_equal(an_code_exit(AN_REFUSED), 3);
    assert_int_equal(an_code_exit(AN_STOPPED), 130);
    assert_int_equal(an_code_exit((an_code)99), 1);
}

static void context_is_prepended(void **state)
{
    (void)state;
    an_error err = { 0 };
    assert_false(an_fail(&err, AN_INPUT, "line %d is short", 3));
    assert_false(an_where(&err, "a.csv:%d", 3));
    assert_false(an_hint(&err, "Complete it.\nThen try again."));
    assert_false(an_context(&err, "cannot import \"%s\"", "a.csv"));
    assert_int_equal(err.code, AN_INPUT);
    assert_string_equal(err.message, "cannot import \"a.csv\": line 3 is short");
    assert_string_equal(err.where, "a.csv:3");
    assert_string_equal(err.hint, "Complete it.\nThen try again.");
    an_fail(&err, AN_IO, "again");
    assert_string_equal(err.where, "");
    assert_string_equal(err.hint, "");
}

static void arguments_may_be_the_error_itself(void **state)
{
    (void)state;
    an_error err = { 0 };
    an_fail(&err, AN_IO, "inner");
    an_fail(&err, AN_INPUT, "outer (%s)", err.message);
    assert_string_equal(err.message, "outer (inner)");
}

static void no_error_wanted(void **state)
{
    (void)state;
    assert_false(an_fail(NULL, AN_IO, "x"));
    assert_false(an_context(NULL, "x"));
    assert_false(an_where(NULL, "x"));
    assert_false(an_hint(NULL, "x"));
    assert_false(an_fail_errno(NULL, "x"));
}

static void errno_is_told(void **state)
{
    (void)state;
    an_error err = { 0 };
    errno = ENOSPC;
    assert_false(an_fail_errno(&err, "cannot write \"%s\"", "f"));
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(err.code, AN_IO);
    assert_string_equal(err.message, "cannot write \"f\": No space left on device");
    assert_non_null(strstr(err.hint, "space"));
}

static void foreign_bytes_are_made_safe(void **state)
{
    (void)state;
    an_error err = { 0 };
    /* escape, line feed, Latin-1 byte, overlong NUL, surrogate, beyond U+10FFFF, and three good characters */
    an_fail(&err, AN_INPUT, "%s",
            "a\033[31m\nb\xe4"
            "c\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80 \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    assert_string_equal(err.message, "a [31m b?c????????? \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    json_t *json = an_error_json(&err);
    assert_non_null(json);
    json_decref(json);
}

static void long_messages_are_cut_between_characters(void **state)
{
    (void)state;
    an_buf b = { 0 };
    for (int i = 0; i < 1000; i++) an_buf_puts(&b, "\xe2\x82\xac");
    for (int shift = 0; shift < 3; shift++) {
        an_error err = { 0 };
        an_fail(&err, AN_INPUT, "%.*s%s", shift, "abc", b.data);
        size_t n = strlen(err.message);
        assert_in_range(n, sizeof err.message - 4, sizeof err.message - 1);
        assert_int_equal((n - (size_t)shift) % 3, 0);
        an_context(&err, "%s", b.data);
        assert_int_equal(strlen(err.message) % 3, 0);
    }
    an_buf_free(&b);
}

static void json_has_nulls_for_empty(void **state)
{
    (void)state;
    an_error err = { 0 };
    an_fail(&err, AN_NOT_FOUND, "there is no \"x\"");
    an_hint(&err, "Say y.");
    json_t *json = an_error_json(&err);
    char *text = an_json_text(json, false);
    assert_string_equal(text,
                        "{\"error\":{\"code\":\"not_found\",\"hint\":\"Say y.\",\"message\":\"there is no \\\"x\\\"\",\"where\":null}}");
    free(text);
    json_decref(json);
}

static void data_too_big_is_reported(void **state)
{
    (void)state;
    an_error err = { 0 };
    assert_null(an_alloc_data(SIZE_MAX / 4, 8, "the table", &err)); /* overflows */
    assert_int_equal(err.code, AN_MEMORY);
    assert_non_null(strstr(err.message, "the table"));
    assert_null(an_alloc_data(SIZE_MAX / 16, 8, "the table", NULL)); /* does not, but no machine has it */
    for (size_t n = 0; n < 200; n += 7) {
        char *p = an_alloc_data(n, 3, "a little", &err);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        for (size_t i = 0; i < 3 * n; i++) assert_int_equal(p[i], 0);
        free(p);
    }
}

/* Data that the machine would have, but the process may not take. */
static void data_beyond_the_limit_is_reported(void **state)
{
    (void)state;
#ifdef ANDON_SANITIZED
    skip(); /* sanitizers need address space without limit */
#endif
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = { 256 << 20, 256 << 20 };
        if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(2);
        an_error err = { 0 };
        void *p = an_alloc_data(64 << 20, 8, "the table", &err);
        if (p || err.code != AN_MEMORY || !strstr(err.message, "the table: 537 MB")) _exit(3);
        p = an_alloc_data(1 << 20, 8, "the table", &err);
        _exit(p ? 0 : 4);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void small_allocations_end_the_program(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        an_alloc_n(SIZE_MAX / 2, 3);
        _exit(77);
    }
    close(ends[1]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    char text[65536] = "";
    ssize_t n = read(ends[0], text, sizeof text - 1);
    close(ends[0]);
    assert_true(n > 0);
    text[n] = '\0';
#ifdef ANDON_SANITIZED /* the sanitizer ends the program itself, in its own words */
    assert_true(WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 77);
#else
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_string_equal(text, "andon: out of memory\n");
#endif
}

static void copies(void **state)
{
    (void)state;
    assert_null(an_strdup(NULL));
    char *a = an_strndup("hello", 3), *b = an_strndup("hi", 99), *c = an_format("%s-%d", "x", 7), *d = an_alloc(0);
    assert_string_equal(a, "hel");
    assert_string_equal(b, "hi");
    assert_string_equal(c, "x-7");
    assert_non_null(d);
    a = an_resize_n(a, 100, 10);
    assert_string_equal(a, "hel");
    free(a);
    free(b);
    free(c);
    free(d);
}

static void versions_are_known(void **state)
{
    (void)state;
    assert_string_equal(an_version(), "0.1.0");
    assert_true(strlen(an_code_version()) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_have_names_and_exits),
        cmocka_unit_test(context_is_prepended),
        cmocka_unit_test(arguments_may_be_the_error_itself),
        cmocka_unit_test(no_error_wanted),
        cmocka_unit_test(errno_is_told),
        cmocka_unit_test(foreign_bytes_are_made_safe),
        cmocka_unit_test(long_messages_are_cut_between_characters),
        cmocka_unit_test(json_has_nulls_for_empty),
        cmocka_unit_test(data_too_big_is_reported),
        cmocka_unit_test(data_beyond_the_limit_is_reported),
        cmocka_unit_test(small_allocations_end_the_program),
        cmocka_unit_test(copies),
        cmocka_unit_test(versions_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
