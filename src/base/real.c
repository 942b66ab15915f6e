/* real.c - decimal text and doubles, both ways, independent of the locale. Within 1e-10 .. 1e16 (text) and for up to 19 digits with
 * an exponent of -27 .. 27 (parsing) everything is exact integer arithmetic in 128 bits; beyond, the C library does it. */
#include "andon/base.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 wide;

/* 5^27 is the largest power of five below 2^64 */
enum { MOST = 27 };

/* clang-format off */
static const uint64_t fives[MOST + 1] = {
    1, 5, 25, 125, 625, 3125, 15625, 78125, 390625, 1953125, 9765625, 48828125, 244140625, 1220703125, 6103515625, 30517578125,
    152587890625, 762939453125, 3814697265625, 19073486328125, 95367431640625, 476837158203125, 2384185791015625, 11920928955078125,
    59604644775390625, 298023223876953125, 1490116119384765625, 7450580596923828125,
};

static const uint64_t tens[18] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000, 1000000000000, 10000000000000,
    100000000000000, 1000000000000000, 10000000000000000, 100000000000000000,
};
/* clang-format on */

/* ---- to text ---- */

/* Writes digits (count of them, leading digit not 0) x 10^(point - count) in the manner of %g with that precision. */
static void placed(uint64_t digits, int count, int point, bool negative, char buf[32])
{
    while (digits % 10 == 0 && count > 1) {
        digits /= 10;
        count--;
    }
    char text[20];
    for (int i = count; i-- > 0; digits /= 10) text[i] = (char)('0' + digits % 10);
    char *out = buf;
    if (negative) *out++ = '-';
    int exponent = point - 1;
    if (exponent < -4 || exponent >= 17) {
        *out++ = text[0];
        if (count > 1) {
            *out++ = '.';
            memcpy(out, text + 1, (size_t)count - 1);
            out += count - 1;
        }
        *out++ = 'e';
        *out++ = exponent < 0 ? '-' : '+';
        int size = exponent < 0 ? -exponent : exponent;
        *out++ = (char)('0' + size / 10);
        *out++ = (char)('0' + size % 10);
    } else if (point <= 0) {
        *out++ = '0';
        *out++ = '.';
        for (int i = point; i < 0; i++) *out++ = '0';
        memcpy(out, text, (size_t)count);
        out += count;
    } else {
        int whole = count < point ? count : point;
        memcpy(out, text, (size_t)whole);
        out += whole;
        for (int i = count; i < point; i++) *out++ = '0';
        if (count > point) {
            *out++ = '.';
            memcpy(out, text + point, (size_t)(count - point));
            out += count - point;
        }
    }
    *out = '\0';
}

/* For 1e-10 <= value < 1e16: the digits of value x 10^k, k chosen for 17 digits, with what rounds to the same double known exactly.
 * value = m 2^e; scaled by 10^k it is m 5^k 2^(e+k), its neighbours' midpoints lie 5^k 2^(e+k-1) away on each side. */
static bool text_exact(double value, bool negative, char buf[32])
{
    int e;
    uint64_t m = (uint64_t)ldexp(frexp(value, &e), 53);
    e -= 53;
    int point = (int)floor(log10(value)) + 1; /* may be one off next to a power of ten: settled below */
    for (int attempt = 0; attempt < 3; attempt++) {
        int k = 17 - point;
        if (k < 0 || k > MOST) return false;
        int shift = -(e + k) + 2; /* numbers below are four-fold, so that midpoints are whole */
        if (shift < 2 || shift > 124) return false;
        wide middle = (wide)m * fives[k] * 4, above = (wide)fives[k] * 2;
        wide below = m == (uint64_t)1 << 52 ? above / 2 : above; /* the gap below a power of two is half as wide */
        uint64_t whole = (uint64_t)(middle >> shift);
        if (whole < tens[16]) {
            point--;
            continue;
        }
        if (whole >= tens[17]) {
            point++;
            continue;
        }
        bool even = (m & 1) == 0;
        wide fraction = middle & (((wide)1 << shift) - 1), midpoint = (wide)1 << (shift - 1);
        for (int drop = 2; drop >= 0; drop--) {
            /* round half to even at this digit, as printf does */
            uint64_t unit = tens[drop], quotient = whole / unit, rest = whole % unit;
            bool up, tie;
            if (drop == 0) {
                up = fraction > midpoint;
                tie = fraction == midpoint;
            } else {
                up = rest > unit / 2 || (rest == unit / 2 && fraction > 0);
                tie = rest == unit / 2 && fraction == 0;
            }
            quotient += up || (tie && (quotient & 1));
            wide candidate = ((wide)quotient * unit) << shift;
            wide off = candidate > middle ? candidate - middle : middle - candidate, most = candidate > middle ? above : below;
            if (drop == 0 || off < most || (off == most && even)) {
                int count = 17 - drop;
                if (quotient == tens[count]) { /* 9.99.. became 10.0 */
                    quotient /= 10;
                    point++;
                }
                placed(quotient, count, point, negative, buf);
                return true;
            }
        }
    }
    return false;
}

static void text_library(double value, char buf[32])
{
    locale_t plain = an__c_locale(), before = uselocale(plain);
    /* below the normal range fewer digits may do */
    for (int digits = fabs(value) < 0x1p-1022 ? 1 : 15; digits <= 17; digits++) {
        snprintf(buf, 32, "%.*g", digits, value);
        if (strtod_l(buf, NULL, plain) == value) break;
    }
    uselocale(before);
    freelocale(plain);
}

char *an_real_text(double value, char buf[32])
{
    bool negative = signbit(value);
    double size = fabs(value);
    if (isnan(value)) return strcpy(buf, "nan");
    if (isinf(value)) return strcpy(buf, negative ? "-inf" : "inf");
    if (size <= 0x1p53 && size == (double)(uint64_t)size) {
        /* whole numbers, zero with its sign */
        char *out = buf, digits[20];
        int n = 0;
        if (negative) *out++ = '-';
        uint64_t rest = (uint64_t)size;
        do digits[n++] = (char)('0' + rest % 10);
        while (rest /= 10);
        while (n) *out++ = digits[--n];
        *out = '\0';
        return buf;
    }
    if (size >= 1e-10 && size < 1e16 && text_exact(size, negative, buf)) return buf;
    text_library(value, buf);
    return buf;
}

/* ---- from text ---- */

/* w 10^k for w of up to 64 bits and |k| <= 27, correctly rounded: an exact product, or a quotient with a sticky remainder. */
static double scaled(uint64_t w, int k)
{
    if (w == 0) return 0;
    uint64_t bits; /* 62 or more significant bits, the lowest one sticky */
    int e;
    if (k >= 0) {
        wide product = (wide)w * fives[k];
        uint64_t high = (uint64_t)(product >> 64);
        int zeros = high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)product);
        product <<= zeros;
        bits = (uint64_t)(product >> 64) | ((uint64_t)product != 0);
        e = k + 64 - zeros;
    } else {
        int zeros = __builtin_clzll(w), more = __builtin_clzll(fives[-k]);
        uint64_t divisor = fives[-k] << more;
        wide dividend = (wide)(w << zeros) << 63; /* its high half is below the divisor: the quotient has 62 to 64 bits */
        bits = (uint64_t)(dividend / divisor);
        bits |= (wide)bits * divisor != dividend;
        e = k - zeros - 63 + more;
    }
    int zeros = __builtin_clzll(bits);
    /* keep 53 bits, ties to even; a shift to the left brings the sticky bit no nearer than the 54th place */
    bits <<= zeros;
    e -= zeros;
    uint64_t kept = bits >> 11, rest = bits & 2047;
    kept += rest > 1024 || (rest == 1024 && (kept & 1));
    return ldexp((double)kept, e + 11);
}

static bool parse_library(const char *s, size_t n, double *value)
{
    char small[128], *copy = small;
    if (n >= sizeof small) {
        copy = malloc(n + 1);
        if (!copy) return false;
    }
    memcpy(copy, s, n);
    copy[n] = '\0';
    locale_t plain = an__c_locale();
    char *end;
    double result = strtod_l(copy, &end, plain);
    bool good = end == copy + n && isfinite(result);
    freelocale(plain);
    if (copy != small) free(copy);
    if (good) *value = result;
    return good;
}

static bool word_is(const char *s, size_t n, const char *word)
{
    if (strlen(word) != n) return false;
    for (size_t i = 0; i < n; i++)
        if ((s[i] | 0x20) != word[i]) return false;
    return true;
}

bool an_real_parse(const char *s, size_t n, double *value)
{
    const char *start = s, *end = s + n;
    bool negative = n > 0 && *s == '-';
    if (n > 0 && (*s == '-' || *s == '+')) s++;
    size_t left = (size_t)(end - s);
    if (left == 0) return false;
    if ((*s | 0x20) == 'n' || (*s | 0x20) == 'i') {
        double special = word_is(s, left, "nan") ? NAN : word_is(s, left, "inf") || word_is(s, left, "infinity") ? INFINITY : 0;
        if (special == 0) return false;
        *value = negative ? -special : special;
        return true;
    }
    uint64_t w = 0;
    int digits = 0, exponent = 0; /* significant digits in w; power of ten to apply */
    bool any = false, cut = false;
    for (; s < end && (unsigned char)(*s - '0') < 10; s++) {
        any = true;
        if (digits < 19) {
            w = w * 10 + (uint64_t)(*s - '0');
            digits += w != 0;
        } else {
            cut = true;
        }
    }
    if (s < end && *s == '.') {
        for (s++; s < end && (unsigned char)(*s - '0') < 10; s++) {
            any = true;
            if (digits < 19) {
                w = w * 10 + (uint64_t)(*s - '0');
                digits += w != 0;
                if (exponent > -1000000) exponent--;
            } else {
                cut = true;
            }
        }
    }
    if (!any) return false;
    if (s < end && (*s | 0x20) == 'e') {
        s++;
        bool down = s < end && *s == '-';
        if (s < end && (*s == '-' || *s == '+')) s++;
        if (s == end) return false;
        int power = 0;
        for (; s < end && (unsigned char)(*s - '0') < 10; s++)
            if (power < 1000000) power = power * 10 + (*s - '0');
        exponent += down ? -power : power;
    }
    if (s != end) return false;
    if (cut) return parse_library(start, n, value);
    double size;
    if (w <= (uint64_t)1 << 53 && exponent >= -22 && exponent <= 22) {
        /* W. D. Clinger, "How to read floating point numbers accurately", PLDI 1990: both operands exact, one rounding */
        static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                         1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
        size = exponent < 0 ? (double)w / powers[-exponent] : (double)w * powers[exponent];
    } else if (exponent >= -MOST && exponent <= MOST) {
        size = scaled(w, exponent);
    } else {
        return parse_library(start, n, value);
    }
    *value = negative ? -size : size;
    return true;
}
