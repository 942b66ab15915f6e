/* csv_number.c - the slower parts of reading numbers: the general conversion to double, long texts, thousands separators. */
#include "csv_number.h"

#include <math.h>

#include "powers.h"

/* D. Lemire, Number parsing at a gigabyte per second (2021), section 5, after M. Eisel: multiply the normalised digits by 128 bits
 * of 5^q and round; results below the normal range go to strtod. */
double an__decimal_to_double(uint64_t digits, int32_t exponent)
{
    if (!digits || exponent < -342) return 0;
    if (exponent > 308) return INFINITY;
    int shift = __builtin_clzll(digits);
    uint64_t w = digits << shift;
    const uint64_t *power = powers_of_five[exponent + 342];
    unsigned __int128 product = (unsigned __int128)w * power[0];
    if (((uint64_t)(product >> 64) & 0x1ff) == 0x1ff)
        product += (unsigned __int128)w * power[1] >> 64; /* the 55 leading bits may still change */
    uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
    int upper = (int)(high >> 63);
    uint64_t mantissa = high >> (upper + 9);
    int32_t binary = ((217706 * exponent) >> 16) + 63 + upper - shift + 1023;
    if (binary <= 0 || (low == UINT64_MAX && (exponent < -27 || exponent > 55))) { /* subnormal, or the product cannot decide */
        char text[48];
        snprintf(text, sizeof text, "%llue%d", (unsigned long long)digits, (int)exponent);
        double value;
        return an_real_parse(text, strlen(text), &value) ? value : 0;
    }
    if (low <= 1 && exponent >= -4 && exponent <= 23 && (mantissa & 3) == 1 && mantissa << (upper + 9) == high) {
        mantissa &= ~UINT64_C(1); /* exactly between two doubles: to the even one */
    }
    mantissa += mantissa & 1;
    mantissa >>= 1;
    if (mantissa >= UINT64_C(2) << 52) {
        mantissa = UINT64_C(1) << 52;
        binary++;
    }
    if (binary >= 2047) return INFINITY;
    uint64_t bits = (mantissa & ~(UINT64_C(1) << 52)) | (uint64_t)binary << 52;
    double value;
    memcpy(&value, &bits, 8);
    return value;
}

double an__long_decimal(const char *start, const char *end, char decimal)
{
    an_buf text = { 0 };
    an_buf_add(&text, start, (size_t)(end - start));
    char *point = decimal == '.' ? NULL : memchr(text.data, decimal, text.size);
    if (point) *point = '.';
    const char *from = text.data + (*text.data == '+');
    double value = 0;
    if (!an_real_parse(from, text.size - (size_t)(from - text.data), &value)) value = INFINITY;
    an_buf_free(&text);
    return value;
}

bool an__number_parse(const char *text, size_t n, char decimal, char thousands, an__number *number, double *real)
{
    char copy[512]; /* no number that a person means is longer, and the scan may read eight bytes beyond */
    if (!n || n > sizeof copy - 16) return false;
    size_t m = 0;
    if (thousands) { /* 1.234.567,8: groups of three between the first digit and the decimal mark */
        size_t sign = text[0] == '-' || text[0] == '+', i = sign, group = 0, groups = 0;
        if (sign) copy[m++] = text[0];
        for (size_t bytes; i < n; i += bytes) {
            bytes = an__digit(text[i]) ? 1 : an__group_mark(text + i, n - i, thousands);
            if (!bytes) break;
            if (an__digit(text[i])) {
                copy[m++] = text[i];
                group++;
            } else {
                if (!group || (groups && group != 3) || group > 3) return false;
                groups++;
                group = 0;
            }
        }
        if (groups && (group != 3 || text[sign] == '0')) return false; /* 0.123 is not 123 */
        memcpy(copy + m, text + i, n - i);
        m += n - i;
    } else {
        memcpy(copy, text, n);
        m = n;
    }
    memset(copy + m, 0, 16);
    const char *end = an__number_scan(copy, decimal, number);
    if (end != copy + m) return false;
    *real = an__number_real(number, copy, end, decimal);
    return isfinite(*real);
}
