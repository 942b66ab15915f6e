/* Points in time as text, against the C library's calendar; the clocks. */
#include "testing.h"

#include <time.h>

static void known_times(void **state)
{
    (void)state;
    char buf[32];
    assert_string_equal(an_time_text(0, buf), "1970-01-01T00:00:00Z");
    assert_string_equal(an_time_text(INT64_C(1772348709123456), buf), "2026-03-01T07:05:09.123456Z");
    assert_string_equal(an_time_text(-1, buf), "1969-12-31T23:59:59.999999Z");
    assert_string_equal(an_time_text(INT64_C(951782400000000), buf), "2000-02-29T00:00:00Z");
    assert_string_equal(an_time_text(INT64_C(253402300799999999), buf), "9999-12-31T23:59:59.999999Z");
    assert_string_equal(an_time_text(INT64_C(-62167219200000000), buf), "0000-01-01T00:00:00Z");
    /* what four digits cannot say stays at the ends */
    assert_string_equal(an_time_text(INT64_MAX, buf), "9999-12-31T23:59:59.999999Z");
    assert_string_equal(an_time_text(INT64_MIN, buf), "0000-01-01T00:00:00Z");
}

static void check(int64_t seconds)
{
    char mine[32], theirs[40];
    time_t t = (time_t)seconds;
    struct tm parts;
    assert_non_null(gmtime_r(&t, &parts));
    snprintf(theirs, sizeof theirs, "%04d-%02d-%02dT%02d:%02d:%02dZ", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
             parts.tm_min, parts.tm_sec);
    assert_string_equal(an_time_text(seconds * 1000000, mine), theirs);
}

static void times_as_the_library_has_them(void **state)
{
    (void)state;
    an_rng r = an_rng_at(1, 0);
    const int64_t first = INT64_C(-62167219200), span = INT64_C(253402300800) - first;
    for (int i = 0; i < 50000; i++) check(first + (int64_t)an_rng_below(&r, (uint64_t)span));
    for (int64_t day = 0; day < 366 * 401; day++) check(first + day * 86400); /* a whole period of leap years, and the odd year 0 */
}

static void clocks_go_forward(void **state)
{
    (void)state;
    double a = an_clock_s();
    int64_t now = an_now_us();
    struct timespec pause = { 0, 2000000 };
    nanosleep(&pause, NULL);
    assert_true(an_clock_s() - a >= 0.002);
    assert_true(an_clock_s() - a < 60);
    assert_true(an_now_us() > now);
    assert_true(llabs(now / 1000000 - (int64_t)time(NULL)) <= 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_times),
        cmocka_unit_test(times_as_the_library_has_them),
        cmocka_unit_test(clocks_go_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
