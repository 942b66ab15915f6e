/* Tests of units.c: factors against the definitions of the units, offsets of temperatures, spellings, what is refused. */
#include "help.h"

#include <math.h>

typedef struct conversion {
    const char *from, *to;
    double factor, offset;
} conversion;

static void conversions(void **state)
{
    (void)state;
    static const conversion all[] = {
        { "[in_i]", "mm", 25.4, 0 },
        { "in", "mm", 25.4, 0 },
        { "mm", "m", 0.001, 0 },
        { "m", "um", 1e6, 0 },
        { "[ft_i]", "m", 0.3048, 0 },
        { "kg", "g", 1000, 0 },
        { "[lb_av]", "kg", 0.45359237, 0 },
        { "t", "kg", 1000, 0 },
        { "h", "s", 3600, 0 },
        { "d", "min", 1440, 0 },
        { "ms", "s", 0.001, 0 },
        { "kN", "N", 1000, 0 },
        { "[lbf_av]", "N", 4.4482216152605, 0 },
        { "N.m", "N.cm", 100, 0 },
        { "kgf", "N", 9.80665, 0 },
        { "[ft_i].[lbf_av]", "N.m", 1.3558179483314004, 0 },
        { "Nm", "N.m", 1, 0 },
        { "N.m", "J", 1, 0 },
        { "bar", "Pa", 1e5, 0 },
        { "bar", "kPa", 100, 0 },
        { "[psi]", "bar", 0.068947572931683613, 0 },
        { "psi", "kPa", 6.8947572931683613, 0 },
        { "mbar", "hPa", 1, 0 },
        { "N/mm2", "MPa", 1, 0 },
        { "Cel", "K", 1, 273.15 },
        { "K", "Cel", 1, -273.15 },
        { "Cel", "[degF]", 1.8, 32 },
        { "[degF]", "Cel", 1 / 1.8, -160.0 / 9 },
        { "mK", "K", 0.001, 0 },
        { "[degF]", "K", 1 / 1.8, 459.67 / 1.8 },
        { "deg", "rad", 0.017453292519943295, 0 },
        { "rad", "deg", 57.295779513082323, 0 },
        { "Hz", "/min", 60, 0 },
        { "rpm", "Hz", 1.0 / 60, 0 },
        { "1/min", "/s", 1.0 / 60, 0 },
        { "{rev}/min", "/min", 1, 0 },
        { "kHz", "Hz", 1000, 0 },
        { "A", "mA", 1000, 0 },
        { "kV", "V", 1000, 0 },
        { "V.A", "W", 1, 0 },
        { "W.s", "J", 1, 0 },
        { "kW.h", "MJ", 3.6, 0 },
        { "[HP]", "W", 745.69987158227022, 0 },
        { "cal", "J", 4.184, 0 },
        { "km/h", "m/s", 1 / 3.6, 0 },
        { "mm/min", "m/s", 1.0 / 60000, 0 },
        { "[g]", "m/s2", 9.80665, 0 },
        { "m/s2", "m.s-2", 1, 0 },
        { "m/s\xc2\xb2", "m/s2", 1, 0 },
        { "%", "[ppm]", 10000, 0 },
        { "1", "%", 100, 0 },
        { "\xc2\xb0"
          "C",
          "K", 1, 273.15 },
        { "\xc2\xb5m", "nm", 1000, 0 },
        { "N\xc2\xb7m", "N.m", 1, 0 },
        { "m3/h", "L/min", 1000.0 / 60, 0 },
        { "kg/m3", "g/cm3", 0.001, 0 },
        { "(N.m)/s", "W", 1, 0 },
        { "10*3.m", "km", 1, 0 },
        { "Ohm.A", "V", 1, 0 },
        { "mm[Hg]", "Pa", 133.322, 0 },
        { "cm/s2", "[g]", 0.01 / 9.80665, 0 },
        { "gon", "deg", 0.9, 0 },
        { "min", "s", 60, 0 },
        { "m.m", "m2", 1, 0 },
        { "m/(s.s)", "m/s2", 1, 0 },
    };
    for (size_t i = 0; i < AN_COUNT(all); i++) {
        an_error err = { 0 };
        double factor, offset;
        if (!an_unit_convert(all[i].from, all[i].to, &factor, &offset, &err)) fail_msg("%s to %s: %s", all[i].from, all[i].to, err.message);
        if (fabs(factor - all[i].factor) > 4e-16 * all[i].factor || fabs(offset - all[i].offset) > 1e-12) {
            fail_msg("%s to %s: %.17g x + %.17g, expected %.17g x + %.17g", all[i].from, all[i].to, factor, offset, all[i].factor,
                     all[i].offset);
        }
    }
}

/* There and back again is where one was. */
static void round_trips(void **state)
{
    (void)state;
    static const char *const pairs[][2] = { { "Cel", "[degF]" }, { "[degF]", "K" }, { "in", "mm" },
                                            { "psi", "bar" },    { "deg", "rad" },  { "lbf", "kN" } };
    for (size_t i = 0; i < AN_COUNT(pairs); i++) {
        double f, o, g = 0, p = 0;
        assert_true(an_unit_convert(pairs[i][0], pairs[i][1], &f, &o, NULL) && an_unit_convert(pairs[i][1], pairs[i][0], &g, &p, NULL));
        assert_true(fabs(g * (f * 37.5 + o) + p - 37.5) < 1e-11);
    }
    double f, o;
    assert_true(an_unit_convert("in", "mm", &f, &o, NULL));
    assert_true(f == 25.4 && o == 0); /* to the last bit, not 25.400000000000002 */
    assert_true(an_unit_convert("Cel", "[degF]", &f, &o, NULL));
    assert_true(f == 1.8 && o == 32);
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *part;
    } all[] = {
        { "N", "N.m", "cannot be converted" },
        { "mm", "kg", "one is m, the other g" },
        { "furlong", "m", "no unit furlong" },
        { "", "m", "it ends where" },
        { "m/", "m", "it ends where" },
        { "Cel.m", "K.m", "cannot stand in a product" },
        { "m.Cel", "K.m", "product" },
        { "Cel2", "K2", "exponent" },
        { "W/Cel", "W/K", "product" },
        { "(m", "m", "not closed" },
        { "m)", "m", "not opened" },
        { "[in_i", "m", "not closed" },
        { "{rev", "1", "not closed" },
        { "m99", "m", "exponents" },
        { "mmin", "min", "no unit mmin" },
        { "k", "g", "no unit k" },
        { "((((((((((((((((((((((((((m", "m", "nested" },
        { "1/min", "rad/s", "cannot be converted" },
        { "m..m", "m2", "expected" },
        { "Mm", "MM", "no unit MM" },
    };
    for (size_t i = 0; i < AN_COUNT(all); i++) {
        an_error err = { 0 };
        double f, o;
        if (an_unit_convert(all[i].from, all[i].to, &f, &o, &err)) fail_msg("%s to %s was accepted", all[i].from, all[i].to);
        if (err.code != AN_INPUT || !strstr(err.message, all[i].part))
            fail_msg("%s to %s: \"%s\" where \"%s\" was expected", all[i].from, all[i].to, err.message, all[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(conversions), cmocka_unit_test(round_trips), cmocka_unit_test(refused) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
