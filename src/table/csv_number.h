/* csv_number.h - decimal text to numbers, inlined into the reading loop. Reading stops at the first byte that cannot continue the
 * number; eight bytes beyond any text given here must be readable (sources are padded with zeroes). */
#ifndef ANDON_TABLE_CSV_NUMBER_H
#define ANDON_TABLE_CSV_NUMBER_H

#include "andon/base.h"

#include <string.h>

typedef struct an__number {
    uint64_t digits;              /* the decimal digits without point; valid when count <= 19 */
    int32_t exponent;             /* value = digits x 10^exponent */
    uint32_t count;               /* digits seen, leading zeroes included */
    bool negative, whole, padded; /* whole: neither point nor exponent; padded: whole with a leading zero, such as 007 */
} an__number;

double an__decimal_to_double(uint64_t digits, int32_t exponent);           /* correctly rounded; infinity on overflow */
double an__long_decimal(const char *start, const char *end, char decimal); /* more than 19 digits; correctly rounded */
/* Whole text as a number, with a thousands separator when it is not 0; false when it is anything else or not finite. */
bool an__number_parse(const char *text, size_t n, char decimal, char thousands, an__number *number, double *real);

static inline bool an__digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* Bytes of a thousands separator at p, 0: there is none. A blank stands for a no-break, narrow or thin blank as well, an apostrophe for a
 * typographic one. */
static inline size_t an__group_mark(const char *p, size_t n, char thousands)
{
    if (!n) return 0;
    if (*p == thousands) return 1;
    if (thousands == ' ' && n >= 2 && !memcmp(p, "\xc2\xa0", 2)) return 2;
    if (thousands == ' ' && n >= 3 && (!memcmp(p, "\xe2\x80\xaf", 3) || !memcmp(p, "\xe2\x80\x89", 3))) return 3;
    return thousands == '\'' && n >= 3 && !memcmp(p, "\xe2\x80\x99", 3) ? 3 : 0;
}

static inline const char *an__number_scan(const char *p, char decimal, an__number *out)
{
    uint64_t w = 0;
    out->negative = *p == '-';
    p += (*p == '-') | (*p == '+');
    const char *start = p;
    while (an__digit(*p)) w = w * 10 + (uint64_t)(*p++ - '0');
    size_t count = (size_t)(p - start);
    int32_t exponent = 0;
    out->whole = true;
    if (*p == decimal) {
        const char *fraction = ++p;
        uint64_t chunk;
        memcpy(&chunk, p, 8);
        /* eight digits at once (Lemire 2021, section 3) */
        if (((chunk & UINT64_C(0xF0F0F0F0F0F0F0F0)) | (((chunk + UINT64_C(0x0606060606060606)) & UINT64_C(0xF0F0F0F0F0F0F0F0)) >> 4)) ==
            UINT64_C(0x3333333333333333)) {
            chunk -= UINT64_C(0x3030303030303030);
            chunk = chunk * 10 + (chunk >> 8);
            chunk = ((chunk & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x000F424000000064) +
                     ((chunk >> 16) & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x0000271000000001)) >>
                    32;
            w = w * 100000000 + chunk;
            p += 8;
        }
        while (an__digit(*p)) w = w * 10 + (uint64_t)(*p++ - '0');
        exponent = (int32_t)(fraction - p < -100000 ? -100000 : fraction - p);
        count += (size_t)(p - fraction);
        out->whole = false;
    }
    if (!count) return NULL;
    out->padded = out->whole && count > 1 && *start == '0';
    if ((*p | 32) == 'e') {
        const char *q = p + 1;
        bool minus = *q == '-';
        q += (*q == '-') | (*q == '+');
        if (!an__digit(*q)) return NULL;
        int32_t e = 0;
        for (; an__digit(*q); q++) e = e < 100000 ? e * 10 + (*q - '0') : e;
        exponent += minus ? -e : e;
        out->whole = false;
        p = q;
    }
    out->digits = w;
    out->exponent = exponent;
    out->count = (uint32_t)(count > UINT32_MAX ? UINT32_MAX : count);
    return p;
}

/* The value of what an__number_scan read from [start, end). */
static inline double an__number_real(const an__number *n, const char *start, const char *end, char decimal)
{
    static const double exact[23] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    if (n->count > 19) return an__long_decimal(start, end, decimal);
    double value;
    if (n->digits <= (UINT64_C(1) << 53) && n->exponent >= -22 && n->exponent <= 22) { /* both exact: one rounding (Clinger 1990) */
        value = n->exponent < 0 ? (double)n->digits / exact[-n->exponent] : (double)n->digits * exact[n->exponent];
    } else {
        value = an__decimal_to_double(n->digits, n->exponent);
    }
    return n->negative ? -value : value;
}

static inline bool an__number_integer(const an__number *n, int64_t *out)
{
    if (!n->whole || n->count > 19 || n->digits > (uint64_t)INT64_MAX) return false; /* 19 digits fit 64 bits */
    *out = n->negative ? -(int64_t)n->digits : (int64_t)n->digits;
    return true;
}

#endif
