/* units.c - units of measure: reading a code, comparing dimensions, factor and offset between two codes. No table is seen here.
 *
 * Codes are those of UCUM (The Unified Code for Units of Measure, version 2.1), case-sensitive: products with '.', quotients with '/',
 * exponents behind a unit ("m/s2", "N.m", "kg.m-3"), brackets, annotations ("{rev}/min"), the SI prefixes. A few spellings of everyday life
 * are taken for the codes they mean (in, ft, lb, psi, rpm, Nm, degC, and the signs for degree, dot, micro, ohm and squared), where UCUM has
 * no other use for them in a plant.
 *
 * A magnitude is held as whole numbers and a power of ten (num / den x 10^ten), so that a factor such as 25.4 comes out as the nearest
 * double.
 */
#include "schema.h"

#include <stdlib.h>
#include <string.h>

enum { METRE, GRAM, SECOND, RADIAN, KELVIN, COULOMB, CANDELA, DIMENSIONS, DEEPEST = 20 };

typedef struct unit {
    long double num, den;
    int ten;
    int power[DIMENSIONS];
    long double offset; /* kelvin = magnitude x value + offset; temperatures only */
    bool special;       /* has an offset: cannot stand in a product */
} unit;

typedef struct atom {
    const char *code;
    double num, den;
    int ten;
    int8_t power[DIMENSIONS]; /* m g s rad K C cd */
    bool metric;              /* takes SI prefixes */
} atom;

static const double pi = 3.14159265358979323846;

static const atom atoms[] = {
    { "m", 1, 1, 0, { 1 }, true },
    { "g", 1, 1, 0, { 0, 1 }, true },
    { "s", 1, 1, 0, { 0, 0, 1 }, true },
    { "rad", 1, 1, 0, { 0, 0, 0, 1 }, true },
    { "K", 1, 1, 0, { 0, 0, 0, 0, 1 }, true },
    { "C", 1, 1, 0, { 0, 0, 0, 0, 0, 1 }, true },
    { "cd", 1, 1, 0, { 0, 0, 0, 0, 0, 0, 1 }, true },
    { "mol", 60221367, 1, 16, { 0 }, true },
    /* length, area, volume */
    { "[in_i]", 254, 1, -4, { 1 }, false },
    { "[ft_i]", 3048, 1, -4, { 1 }, false },
    { "[yd_i]", 9144, 1, -4, { 1 }, false },
    { "[mi_i]", 1609344, 1, -3, { 1 }, false },
    { "[mil_i]", 254, 1, -7, { 1 }, false },
    { "Ao", 1, 1, -10, { 1 }, false },
    { "[nmi_i]", 1852, 1, 0, { 1 }, false },
    { "ar", 100, 1, 0, { 2 }, true },
    { "l", 1, 1, -3, { 3 }, true },
    { "L", 1, 1, -3, { 3 }, true },
    { "[gal_us]", 3785411784, 1, -12, { 3 }, false },
    /* mass */
    { "t", 1, 1, 6, { 0, 1 }, true },
    { "[lb_av]", 45359237, 1, -5, { 0, 1 }, false },
    { "[oz_av]", 45359237, 16, -5, { 0, 1 }, false },
    { "[gr]", 6479891, 1, -8, { 0, 1 }, false },
    /* time, frequency */
    { "min", 60, 1, 0, { 0, 0, 1 }, false },
    { "h", 3600, 1, 0, { 0, 0, 1 }, false },
    { "d", 86400, 1, 0, { 0, 0, 1 }, false },
    { "wk", 604800, 1, 0, { 0, 0, 1 }, false },
    { "a", 31557600, 1, 0, { 0, 0, 1 }, false },
    { "Hz", 1, 1, 0, { 0, 0, -1 }, true },
    { "Bq", 1, 1, 0, { 0, 0, -1 }, true },
    /* angle */
    { "deg", 0 /* pi / 180, below */, 180, 0, { 0, 0, 0, 1 }, false },
    { "'", 0, 10800, 0, { 0, 0, 0, 1 }, false },
    { "''", 0, 648000, 0, { 0, 0, 0, 1 }, false },
    { "gon", 0, 200, 0, { 0, 0, 0, 1 }, false },
    { "circ", 0 /* 2 pi */, 0.5, 0, { 0, 0, 0, 1 }, false },
    /* force, pressure, energy, power */
    { "N", 1, 1, 3, { 1, 1, -2 }, true },
    { "gf", 980665, 1, -5, { 1, 1, -2 }, true },
    { "[lbf_av]", 44482216152605, 1, -10, { 1, 1, -2 }, false },
    { "dyn", 1, 1, -2, { 1, 1, -2 }, true },
    { "Pa", 1, 1, 3, { -1, 1, -2 }, true },
    { "bar", 1, 1, 8, { -1, 1, -2 }, true },
    { "atm", 101325, 1, 3, { -1, 1, -2 }, false },
    { "att", 980665, 1, 2, { -1, 1, -2 }, false },
    { "[psi]", 44482216152605, 64516, -2, { -1, 1, -2 }, false },
    { "m[Hg]", 133322, 1, 3, { -1, 1, -2 }, true },
    { "m[H2O]", 980665, 1, 1, { -1, 1, -2 }, true },
    { "J", 1, 1, 3, { 2, 1, -2 }, true },
    { "eV", 160217733, 1, -24, { 2, 1, -2 }, true },
    { "cal", 4184, 1, 0, { 2, 1, -2 }, true },
    { "[Btu]", 1054350, 1, 0, { 2, 1, -2 }, false },
    { "[Btu_th]", 1054350, 1, 0, { 2, 1, -2 }, false },
    { "[Btu_IT]", 105505585262, 1, -5, { 2, 1, -2 }, false },
    { "W", 1, 1, 3, { 2, 1, -3 }, true },
    { "[HP]", 0 /* 550 ft lbf / s, below */, 1, 0, { 2, 1, -3 }, false },
    /* electricity, light */
    { "A", 1, 1, 0, { 0, 0, -1, 0, 0, 1 }, true },
    { "V", 1, 1, 3, { 2, 1, -2, 0, 0, -1 }, true },
    { "Ohm", 1, 1, 3, { 2, 1, -1, 0, 0, -2 }, true },
    { "S", 1, 1, -3, { -2, -1, 1, 0, 0, 2 }, true },
    { "F", 1, 1, -3, { -2, -1, 2, 0, 0, 2 }, true },
    { "H", 1, 1, 3, { 2, 1, 0, 0, 0, -2 }, true },
    { "Wb", 1, 1, 3, { 2, 1, -1, 0, 0, -1 }, true },
    { "T", 1, 1, 3, { 0, 1, -1, 0, 0, -1 }, true },
    { "lm", 1, 1, 0, { 0, 0, 0, 0, 0, 0, 1 }, true },
    { "lx", 1, 1, 0, { -2, 0, 0, 0, 0, 0, 1 }, true },
    { "P", 1, 1, 2, { -1, 1, -1 }, true },
    { "St", 1, 1, -4, { 2, 0, -1 }, true },
    /* acceleration of free fall, shares */
    { "[g]", 980665, 1, -5, { 1, 0, -2 }, true },
    { "[kn_i]", 1852, 3600, 0, { 1, 0, -1 }, false },
    { "%", 1, 1, -2, { 0 }, false },
    { "[ppth]", 1, 1, -3, { 0 }, false },
    { "[ppm]", 1, 1, -6, { 0 }, false },
    { "[ppb]", 1, 1, -9, { 0 }, false },
    { "[pi]", 0, 1, 0, { 0 }, false },
};

static const struct {
    const char *code;
    int ten;
} prefixes[] = {
    { "Y", 24 }, { "Z", 21 }, { "E", 18 }, { "P", 15 }, { "T", 12 }, { "G", 9 },   { "M", 6 },   { "k", 3 },   { "h", 2 },   { "da", 1 },
    { "d", -1 }, { "c", -2 }, { "m", -3 }, { "u", -6 }, { "n", -9 }, { "p", -12 }, { "f", -15 }, { "a", -18 }, { "z", -21 }, { "y", -24 },
};

/* Spellings people use; the whole text of a component. UCUM would read ft as femto-tonne, which nobody measures. */
static const struct {
    const char *typed, *code;
} aliases[] = {
    { "in", "[in_i]" },   { "inch", "[in_i]" },  { "ft", "[ft_i]" },    { "yd", "[yd_i]" }, { "mil", "[mil_i]" }, { "lb", "[lb_av]" },
    { "lbs", "[lb_av]" }, { "oz", "[oz_av]" },   { "lbf", "[lbf_av]" }, { "psi", "[psi]" }, { "hp", "[HP]" },     { "ppm", "[ppm]" },
    { "ppb", "[ppb]" },   { "degC", "Cel" },     { "degF", "[degF]" },  { "ohm", "Ohm" },   { "sec", "s" },       { "hr", "h" },
    { "Nm", "N.m" },      { "kNm", "kN.m" },     { "Ncm", "N.cm" },     { "mNm", "mN.m" },  { "mmHg", "mm[Hg]" }, { "rpm", "/min" },
    { "kph", "km/h" },    { "mph", "[mi_i]/h" }, { "PSI", "[psi]" },    { "Wh", "W.h" },    { "kWh", "kW.h" },    { "Ah", "A.h" },
    { "mAh", "mA.h" },    { "percent", "%" },
};

/* Signs outside ASCII, anywhere in the text. */
static const struct {
    const char *sign, *code;
} signs[] = {
    { "\xc2\xb0"
      "C",
      "Cel" },
    { "\xc2\xb0"
      "F",
      "[degF]" },
    { "\xc2\xb0", "deg" },
    { "\xc2\xb7", "." },
    { "\xe2\x8b\x85", "." },
    { "\xc2\xb5", "u" },
    { "\xce\xbc", "u" },
    { "\xce\xa9", "Ohm" },
    { "\xe2\x84\xa6", "Ohm" },
    { "\xc2\xb2", "2" },
    { "\xc2\xb3", "3" },
    { "\xe2\x80\xb0", "[ppth]" },
    { "\xe2\x84\x83", "Cel" },
    { "\xc3\x97", "." },
};

typedef struct reader {
    const char *at, *whole;
    an_error *err;
    int depth;
} reader;

static const unit one = { .num = 1, .den = 1 };

static bool unknown(const reader *r, const char *what, an_error *err)
{
    an_fail(err, AN_INPUT, "\"%s\" is not a unit known here: %s", r->whole, what);
    return an_hint(err, "units are UCUM codes such as mm, N.m, Cel, bar, /min, m/s2, %%; inches are [in_i], pounds of force [lbf_av], "
                        "degrees of angle deg");
}

static void multiply(unit *u, const unit *by, int sign)
{
    u->num *= sign > 0 ? by->num : by->den;
    u->den *= sign > 0 ? by->den : by->num;
    u->ten += sign * by->ten;
    for (int i = 0; i < DIMENSIONS; i++) u->power[i] += sign * by->power[i];
}

static bool from_atom(const char *code, size_t n, int ten, bool prefixed, unit *out)
{
    for (size_t i = 0; i < AN_COUNT(atoms); i++) {
        const atom *a = &atoms[i];
        if (strlen(a->code) != n || memcmp(a->code, code, n) || (prefixed && !a->metric)) continue;
        *out = (unit){ .num = a->num, .den = a->den, .ten = a->ten + ten };
        if (a->num == 0) { /* the three kinds that whole numbers cannot hold */
            out->num = strcmp(a->code, "[HP]") ? (long double)pi : 550 * 3048.0L * 44482216152605.0L;
            if (!strcmp(a->code, "[HP]")) out->ten = -14;
        }
        for (int k = 0; k < DIMENSIONS; k++) out->power[k] = a->power[k];
        return true;
    }
    return false;
}

static bool is_temperature(const char *code, size_t n, unit *out)
{
    static const struct {
        const char *code;
        double num, den;
        long double kelvin; /* at its zero */
    } scales[] = { { "Cel", 1, 1, 273.15L }, { "[degF]", 5, 9, 459.67L * 5 / 9 }, { "[degRe]", 5, 4, 273.15L } };
    for (size_t i = 0; i < AN_COUNT(scales); i++) {
        if (strlen(scales[i].code) != n || memcmp(scales[i].code, code, n)) continue;
        *out = (unit){ .num = scales[i].num, .den = scales[i].den, .special = true };
        out->power[KELVIN] = 1;
        out->offset = scales[i].kelvin;
        return true;
    }
    if (n == 6 && !memcmp(code, "[degR]", 6)) { /* no offset: an ordinary unit */
        *out = (unit){ .num = 5, .den = 9 };
        out->power[KELVIN] = 1;
        return true;
    }
    return false;
}

static bool term(reader *r, unit *out);

/* One code without its exponent, as [code, code + n). */
static bool symbol(reader *r, const char *code, size_t n, unit *out)
{
    if (from_atom(code, n, 0, false, out) || is_temperature(code, n, out)) return true;
    for (size_t i = 0; i < AN_COUNT(aliases); i++) {
        if (strlen(aliases[i].typed) != n || memcmp(aliases[i].typed, code, n)) continue;
        reader inner = { aliases[i].code, r->whole, r->err, r->depth + 1 };
        return term(&inner, out);
    }
    for (size_t i = 0; i < AN_COUNT(prefixes); i++) {
        size_t p = strlen(prefixes[i].code);
        if (n > p && !memcmp(prefixes[i].code, code, p) && from_atom(code + p, n - p, prefixes[i].ten, true, out)) return true;
    }
    char *what = an_format("there is no unit %.*s", (int)(n < 60 ? n : 60), code);
    unknown(r, what, r->err);
    free(what);
    return false;
}

static bool raise_to(reader *r, unit *u, int exponent)
{
    if (exponent < -9 || exponent > 9) return unknown(r, "exponents go from -9 to 9", r->err);
    if (u->special && exponent != 1) return unknown(r, "a temperature scale with an offset cannot have an exponent; write K", r->err);
    if (u->special) return true;
    unit base = *u;
    *u = one;
    for (int i = 0; i < abs(exponent); i++) multiply(u, &base, exponent < 0 ? -1 : 1);
    return true;
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* [+-]digits at r->at; 1 where there is none. */
static int exponent_of(reader *r)
{
    const char *p = r->at;
    int sign = *p == '-' ? -1 : 1, value = 0;
    p += *p == '-' || *p == '+';
    if (!digit(*p)) return 1;
    for (; digit(*p); p++) value = value < 1000 ? value * 10 + (*p - '0') : value;
    r->at = p;
    return sign * value;
}

static bool annotation(reader *r)
{
    if (*r->at != '{') return true;
    const char *end = strchr(r->at, '}');
    if (!end) return unknown(r, "a curly bracket is not closed", r->err);
    r->at = end + 1;
    return true;
}

static bool component(reader *r, unit *out)
{
    *out = one;
    if (*r->at == '(') {
        if (r->depth > DEEPEST) return unknown(r, "brackets are nested too deep", r->err);
        reader inner = { r->at + 1, r->whole, r->err, r->depth + 1 };
        if (!term(&inner, out)) return false;
        if (*inner.at != ')') return unknown(r, "a bracket is not closed", r->err);
        r->at = inner.at + 1;
        return raise_to(r, out, exponent_of(r)) && annotation(r);
    }
    if (*r->at == '{') return annotation(r);
    if (!strncmp(r->at, "10*", 3) || !strncmp(r->at, "10^", 3)) {
        r->at += 3;
        int ten = exponent_of(r);
        if (ten < -30 || ten > 30) return unknown(r, "powers of ten go from -30 to 30", r->err);
        out->ten = ten;
        return annotation(r);
    }
    if (digit(*r->at)) {
        int value = exponent_of(r);
        if (value < 1 || value > 999)
            return unknown(r, "a factor is a whole number from 1 to 999; larger ones are powers such as 10*6", r->err);
        out->num = value;
        return annotation(r);
    }
    const char *start = r->at;
    bool square = false;
    for (; *r->at; r->at++) {
        char c = *r->at;
        if (c == '[') square = true;
        if (!square && (c == '.' || c == '/' || c == '(' || c == ')' || c == '{' || c == '+' || c == '-' || digit(c))) break;
        if (c == ']') square = false;
    }
    if (square) return unknown(r, "a square bracket is not closed", r->err);
    if (r->at == start) return unknown(r, *start ? "a unit is expected in front of it" : "it ends where a unit is expected", r->err);
    return symbol(r, start, (size_t)(r->at - start), out) && raise_to(r, out, exponent_of(r)) && annotation(r);
}

static bool term(reader *r, unit *out)
{
    if (r->depth > DEEPEST) return unknown(r, "brackets are nested too deep", r->err);
    *out = one;
    int sign = 1, count = 0;
    bool special = false;
    if (*r->at == '/') {
        sign = -1;
        r->at++;
        count = 1; /* one in front of the stroke */
    }
    for (;;) {
        unit u;
        if (!component(r, &u)) return false;
        special = special || u.special;
        count++;
        if (special && count > 1)
            return unknown(r, "a temperature scale with an offset (Cel, [degF]) cannot stand in a product; write K", r->err);
        if (u.special) {
            *out = u;
        } else {
            multiply(out, &u, sign);
        }
        if (*r->at != '.' && *r->at != '/') return true;
        sign = *r->at == '.' ? 1 : -1;
        r->at++;
    }
}

static bool read_unit(const char *code, unit *out, an_error *err)
{
    an_buf plain = { 0 };
    for (const char *p = code; *p;) { /* signs to codes; blanks are nothing */
        size_t k = 0;
        while (k < AN_COUNT(signs) && strncmp(p, signs[k].sign, strlen(signs[k].sign))) k++;
        if (k < AN_COUNT(signs)) {
            an_buf_puts(&plain, signs[k].code);
            p += strlen(signs[k].sign);
        } else {
            if (*p != ' ') an_buf_putc(&plain, *p);
            p++;
        }
    }
    reader r = { plain.data ? plain.data : "", code, err, 0 };
    bool ok = strlen(code) <= 200 ? term(&r, out) : unknown(&(reader){ "", "...", err, 0 }, "it is longer than 200 bytes", err);
    if (ok && *r.at) ok = unknown(&r, *r.at == ')' ? "a bracket is closed that was not opened" : "something follows the unit", err);
    an_buf_free(&plain);
    return ok;
}

static void dimension_text(const unit *u, an_buf *out)
{
    static const char *const names[DIMENSIONS] = { "m", "g", "s", "rad", "K", "C", "cd" };
    size_t start = out->size;
    for (int i = 0; i < DIMENSIONS; i++) {
        if (!u->power[i]) continue;
        an_buf_printf(out, "%s%s", out->size > start ? "." : "", names[i]);
        if (u->power[i] != 1) an_buf_printf(out, "%d", u->power[i]);
    }
    if (out->size == start) an_buf_puts(out, "a share or number");
}

static long double power_of_ten(int ten)
{
    long double p = 1;
    for (int i = 0; i < abs(ten); i++) p *= 10;
    return p;
}

bool an_unit_convert(const char *from, const char *to, double *factor, double *offset, an_error *err)
{
    unit a, b;
    if (!read_unit(from, &a, err) || !read_unit(to, &b, err)) return false;
    if (memcmp(a.power, b.power, sizeof a.power)) {
        an_buf x = { 0 }, y = { 0 };
        dimension_text(&a, &x);
        dimension_text(&b, &y);
        an_fail(err, AN_INPUT, "%s cannot be converted to %s: one is %s, the other %s", from, to, x.data, y.data);
        an_buf_free(&x);
        an_buf_free(&y);
        return false;
    }
    int ten = a.ten - b.ten;
    long double num = a.num * b.den, den = a.den * b.num;
    if (ten >= 0)
        num *= power_of_ten(ten);
    else
        den *= power_of_ten(ten);
    *factor = (double)(num / den);
    *offset = 0;
    /* 64 bits of mantissa or more: 32 comes out as 32 */
    if (a.special || b.special) *offset = (double)((a.offset - b.offset) * b.den / b.num);
    return true;
}
