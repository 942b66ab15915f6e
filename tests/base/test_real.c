/* Doubles as text and back, against the C library in the C locale. */
#include "testing.h"

#include <locale.h>
#include <math.h>

#ifdef ANDON_SANITIZED
enum { DRAWS = 100000 };
#else
enum { DRAWS = 1000000 };
#endif

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void known_texts(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } known[] = {
        { 0, "0" },
        { -0.0, "-0" },
        { 1, "1" },
        { -17, "-17" },
        { 0.1, "0.1" },
        { -0.25, "-0.25" },
        { 1e-7, "1e-07" },
        { 0.0001, "0.0001" },
        { 0.00001234, "1.234e-05" },
        { 1.0 / 3, "0.3333333333333333" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 123456.789, "123456.789" },
        { 1e15, "1000000000000000" },
        { 1e16, "1e+16" },
        { 1e17, "1e+17" },
        { 1e300, "1e+300" },
        { 5e-324, "5e-324" },
        { 0x1p-1022, "2.2250738585072014e-308" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { 9007199254740992.0, "9007199254740992" },
        { 0.9999999999999999, "0.9999999999999999" },
        { 999999.9999999999, "999999.9999999999" },
        { NAN, "nan" },
        { -NAN, "nan" },
        { INFINITY, "inf" },
        { -INFINITY, "-inf" },
    };
    for (size_t i = 0; i < AN_COUNT(known); i++) {
        char buf[32];
        assert_ptr_equal(an_real_text(known[i].value, buf), buf);
        assert_string_equal(buf, known[i].text);
    }
}

/* Reads back to the same bits, and no text of fewer digits does: the least of 15, 16, 17 that the C library finds. */
static void check_text(double x)
{
    char buf[32], other[40];
    an_real_text(x, buf);
    if (bits_of(strtod(buf, NULL)) != bits_of(x)) fail_msg("%a became %s", x, buf);
    double back;
    if (!an_real_parse(buf, strlen(buf), &back) || bits_of(back) != bits_of(x)) fail_msg("%a became %s and was read as %a", x, buf, back);
    size_t digits = 0, wanted = 15;
    const char *end = buf + strcspn(buf, "e");
    const char *first = buf + strspn(buf, "-0.");
    for (const char *s = first; s < end; s++) digits += *s != '.';
    for (;; wanted++) {
        snprintf(other, sizeof other, "%.*g", (int)wanted, x);
        if (wanted == 17 || strtod(other, NULL) == x) break;
    }
    if (fabs(x) <= 0x1p53 && x == floor(x)) return; /* whole numbers are written out */
    if (digits > wanted) fail_msg("%a became %s, %zu digits where %zu would do", x, buf, digits, wanted);
    if (digits >= 16 && fabs(x) < 1e16 && fabs(x) >= 1e-4) assert_string_equal(buf, other);
}

static void texts_are_shortest(void **state)
{
    (void)state;
    an_rng r = an_rng_at(1, 0);
    for (int i = 0; i < DRAWS / 4; i++) {
        double x = double_of(an_rng_u64(&r)); /* any bits */
        if (isfinite(x)) check_text(x);
        check_text(an_rng_normal(&r) * 100);
        check_text((double)(float)an_rng_normal(&r));
        check_text((double)(int64_t)(an_rng_below(&r, 2000000)) / 1000.0 - 1000.0);
    }
    for (int e = -1074; e <= 1023; e++) { /* powers of two have a narrower gap below; and their neighbours */
        double x = ldexp(1, e);
        check_text(x);
        check_text(nextafter(x, INFINITY));
        check_text(nextafter(x, 0) > 0 ? nextafter(x, 0) : x);
    }
    for (int e = -300; e <= 300; e++) {
        char text[16];
        snprintf(text, sizeof text, "1e%d", e);
        double x = strtod(text, NULL);
        check_text(x);
        check_text(nextafter(x, INFINITY));
        check_text(nextafter(x, 0));
    }
}

static void check_parse(const char *text)
{
    double mine = -12345, theirs = strtod(text, NULL);
    if (!an_real_parse(text, strlen(text), &mine)) fail_msg("\"%s\" was refused", text);
    if (bits_of(mine) != bits_of(theirs)) fail_msg("\"%s\" was read as %a, not %a", text, mine, theirs);
}

static void parses_as_the_library_does(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0",
        "-0",
        "+1",
        "1.",
        ".5",
        "-.5e1",
        "1e5",
        "1E+5",
        "1e-5",
        "00012.500",
        "9007199254740993",
        "9007199254740992.5",
        "9007199254740993.0000000000000000000000001",
        "0.1",
        "123456789012345678901234567890",
        "1e22",
        "1e23",
        "8.5e22",
        "1.7976931348623157e308",
        "2.2250738585072011e-308",
        "4.9e-324",
        "2e-324",
        "1e-400",
        "0e999999999999",
        "0.000000000000000000000000000000000001",
        "1000000000000000000000000000e-27",
        "18446744073709551615",
        "9999999999999999999",
        "0.9999999999999999999",
        "1e0000000000000000005",
        "7205759403792793199999e-5",
        "5708990770823839524233143877797980545530986496e0",
        "100000000000000016777215",
        "100000000000000016777216",
    };
    for (size_t i = 0; i < AN_COUNT(texts); i++) check_parse(texts[i]);
    an_rng r = an_rng_at(2, 0);
    for (int i = 0; i < DRAWS; i++) {
        char text[64];
        int digits = 1 + (int)an_rng_below(&r, 20);
        char *s = text;
        if (an_rng_below(&r, 2)) *s++ = '-';
        int point = (int)an_rng_below(&r, (uint64_t)digits + 1);
        for (int k = 0; k < digits; k++) {
            if (k == point) *s++ = '.';
            *s++ = (char)('0' + an_rng_below(&r, 10));
        }
        *s = '\0';
        if (an_rng_below(&r, 2)) snprintf(s, 16, "e%d", (int)an_rng_below(&r, 80) - 40);
        check_parse(text);
    }
    /* halfway between two doubles, and a little beside: the last bit decides */
    for (int i = 0; i < DRAWS / 10; i++) {
        double x = (double)(((uint64_t)1 << 52) + an_rng_below(&r, (uint64_t)1 << 52));
        char text[64];
        snprintf(text, sizeof text, "%.0f.5", x);
        check_parse(text);
        snprintf(text, sizeof text, "%.0f5e-1", x);
        check_parse(text);
        snprintf(text, sizeof text, "%.0f501e-3", x / 8);
        check_parse(text);
    }
}

static void refuses_what_is_no_number(void **state)
{
    (void)state;
    static const char *const texts[] = { "",     " ",      "-",     "+",      ".",    "e5",    "1e",          "1e+",
                                         "1 ",   " 1",     "1,5",   "1.2.3",  "0x10", "1e5x",  "--1",         "na",
                                         "infi", "nan(1)", "1e999", "-1e999", "12a",  "1_000", "\xef\xbc\x91" };
    for (size_t i = 0; i < AN_COUNT(texts); i++) {
        double value = 7;
        if (an_real_parse(texts[i], strlen(texts[i]), &value)) fail_msg("\"%s\" was read as %g", texts[i], value);
        assert_true(value == 7);
    }
}

static void reads_only_its_bytes(void **state)
{
    (void)state;
    double value;
    assert_true(an_real_parse("12345", 2, &value));
    assert_true(value == 12);
    char *tight = malloc(24); /* not terminated: the sanitizer watches */
    memcpy(tight, "1.2345678901234567890123", 24);
    assert_true(an_real_parse(tight, 24, &value));
    assert_true(value == 1.2345678901234567890123);
    free(tight);
    char *zeros = malloc(100001);
    memset(zeros, '0', 100001);
    zeros[1] = '.';
    zeros[100000] = '1';
    assert_true(an_real_parse(zeros, 100001, &value));
    assert_true(value == 0);
    free(zeros);
}

static void words(void **state)
{
    (void)state;
    double value;
    assert_true(an_real_parse("nan", 3, &value) && isnan(value));
    assert_true(an_real_parse("NaN", 3, &value) && isnan(value));
    assert_true(an_real_parse("inf", 3, &value) && value == INFINITY);
    assert_true(an_real_parse("-Infinity", 9, &value) && value == -INFINITY);
}

static void locale_does_not_matter(void **state)
{
    (void)state;
    /* where no locale with a decimal comma is installed, one is made in a folder of the test's own */
    char *folder = scratch_new(), *command = an_format("localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 2>/dev/null", folder);
    bool set = setlocale(LC_ALL, "de_DE.UTF-8") != NULL;
    if (!set && system(command) == 0 && setenv("LOCPATH", folder, 1) == 0) set = setlocale(LC_ALL, "de_DE.UTF-8") != NULL;
    unsetenv("LOCPATH");
    free(command);
    scratch_end(folder);
    if (!set) skip();
    char comma[8];
    snprintf(comma, sizeof comma, "%.1f", 0.5);
    assert_string_equal(comma, "0,5"); /* the locale is in force */
    char buf[32];
    double value;
    assert_string_equal(an_real_text(1.5e-300, buf), "1.5e-300");
    assert_string_equal(an_real_text(0.5, buf), "0.5");
    assert_true(an_real_parse("1.5e-300", 8, &value));
    assert_true(value == 1.5e-300);
    json_t *json = an_json_parse("[1.5e-300]", 10, "x", NULL);
    char *text = an_json_text(json, false);
    assert_string_equal(text, "[1.5e-300]");
    free(text);
    json_decref(json);
    setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_texts),
        cmocka_unit_test(texts_are_shortest),
        cmocka_unit_test(parses_as_the_library_does),
        cmocka_unit_test(refuses_what_is_no_number),
        cmocka_unit_test(reads_only_its_bytes),
        cmocka_unit_test(words),
        cmocka_unit_test(locale_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
