/* Numbers and dates in text, against the C library. */
#include "help.h"

#include "table/csv_number.h"
#include "table/csv_time.h"

#include <math.h>

static double read_real(const char *text)
{
    an__number n;
    double value;
    assert_true(an__number_parse(text, strlen(text), '.', 0, &n, &value));
    return value;
}

static void test_reals_match_strtod(void **state)
{
    (void)state;
    static const char *const hard[] = { "0.1",
                                        "1e23",
                                        "8.5e22",
                                        "9007199254740993",
                                        "9007199254740992.5",
                                        "1.7976931348623157e308",
                                        "2.2250738585072014e-308",
                                        "4.9e-324",
                                        "2.4703282292062328e-324",
                                        "123456789012345678901234567890",
                                        "0.000000000000000000000000000001",
                                        "-0.0",
                                        "+5",
                                        "1.",
                                        ".5",
                                        "6.631236846766476e-316",
                                        "7.2057594037927933e16",
                                        "5e-324",
                                        "1e-400",
                                        "0e999999",
                                        "9223372036854775808",
                                        "1090544144181609348835077142190",
                                        "2.2250738585072011e-308",
                                        "00.50",
                                        "179769313486231570000000000000000000e273" };
    for (size_t i = 0; i < AN_COUNT(hard); i++) {
        double want = strtod(hard[i], NULL), got = read_real(hard[i]);
        if (memcmp(&want, &got, 8)) fail_msg("%s: %.17g instead of %.17g", hard[i], got, want);
    }
    an_rng rng = an_rng_at(7, 0);
    char text[64];
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = an_rng_u64(&rng);
        double x;
        memcpy(&x, &bits, 8);
        if (!isfinite(x)) continue;
        snprintf(text, sizeof text, i % 2 ? "%.17g" : "%.9g", x);
        double want = strtod(text, NULL), got = read_real(text);
        if (memcmp(&want, &got, 8)) fail_msg("%s: %.17g", text, got);
        /* few digits, small exponents: what files hold; and halfway cases near powers of two */
        snprintf(text, sizeof text, "%llu.%llue%d", (unsigned long long)an_rng_below(&rng, 1u << 30),
                 (unsigned long long)an_rng_below(&rng, 10000000000u), (int)an_rng_below(&rng, 80) - 40);
        want = strtod(text, NULL);
        got = read_real(text);
        if (memcmp(&want, &got, 8)) fail_msg("%s: %.17g", text, got);
    }
    for (uint64_t k = 0; k < 2000; k++) { /* exactly between two doubles: 2^53 + odd */
        snprintf(text, sizeof text, "%llu", (unsigned long long)((UINT64_C(1) << 53) + 2 * k + 1));
        double want = strtod(text, NULL), got = read_real(text);
        if (memcmp(&want, &got, 8)) fail_msg("%s: %.17g", text, got);
    }
}

static void test_not_numbers(void **state)
{
    (void)state;
    static const char *const wrong[] = { "",     "-",   "+",   ".",   "1e",  "1e+", "e5",    "1.2.3", "1,5",
                                         "0x10", "12a", "--1", "1 2", "inf", "nan", "1e309", "-.e1" };
    for (size_t i = 0; i < AN_COUNT(wrong); i++) {
        an__number n;
        double value;
        if (an__number_parse(wrong[i], strlen(wrong[i]), '.', 0, &n, &value)) fail_msg("\"%s\" was read as %g", wrong[i], value);
    }
}

static void test_thousands(void **state)
{
    (void)state;
    an__number n;
    double value;
    assert_true(an__number_parse("1.234.567,25", 12, ',', '.', &n, &value));
    assert_true(value == 1234567.25);
    assert_true(an__number_parse("-12'345", 7, '.', '\'', &n, &value));
    assert_true(value == -12345);
    assert_true(an__number_parse("1234,5", 6, ',', '.', &n, &value));
    assert_false(an__number_parse("1.23.456", 8, ',', '.', &n, &value));
    assert_false(an__number_parse("1.2345", 6, ',', '.', &n, &value));
    assert_false(an__number_parse(".123", 4, ',', '.', &n, &value));
}

static void test_dates(void **state)
{
    (void)state;
    int64_t us;
    char text[32];
    assert_true(an__time_iso("2026-03-01T07:05:09.123456Z", 27, &us));
    assert_string_equal(an_time_text(us, text), "2026-03-01T07:05:09.123456Z");
    assert_true(an__time_iso("1970-01-01", 10, &us));
    assert_true(us == 0);
    assert_true(an__time_iso("2000-02-29 23:59:59+02:00", 25, &us));
    assert_string_equal(an_time_text(us, text), "2000-02-29T21:59:59Z");
    assert_true(an__time_iso("1969-12-31T23:59:59.5", 21, &us));
    assert_true(us == -500000);
    assert_false(an__time_iso("1900-02-29", 10, &us));
    assert_false(an__time_iso("2026-13-01", 10, &us));
    assert_false(an__time_iso("2026-01-01T25:00", 16, &us));
    assert_false(an__time_iso("2026-01-01x", 11, &us));
    assert_true(an__time_format("19/07/2008 12:32:00", 19, "%d/%m/%Y %H:%M:%S", &us));
    assert_true(us == INT64_C(1216470720) * 1000000); /* date -u -d '2008-07-19 12:32:00' +%s */
    assert_true(an__time_format("3-Feb-99 1:05 PM", 16, "%d-%b-%y %I:%M %p", &us));
    assert_string_equal(an_time_text(us, text), "1999-02-03T13:05:00Z");
    assert_false(an__time_format("19/07/2008", 10, "%d/%m/%Y %H:%M", &us));
    assert_false(an__time_format_check("%d.%Q", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reals_match_strtod),
        cmocka_unit_test(test_not_numbers),
        cmocka_unit_test(test_thousands),
        cmocka_unit_test(test_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
