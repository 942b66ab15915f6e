/* parquet_value.c - what the values of a Parquet column mean: which kind of table column holds them, and each as a cell. */
#include "parquet_reader.h"

#include <math.h>
#include <string.h>

bool an__parquet_damaged(an_error *err, const char *why)
{
    an_fail(err, AN_INPUT, "a page is damaged (%s)", why);
    return an_hint(err, "the file was cut short or changed on the way; copy it again");
}

/* ---- types ---- */

an__parquet_sink an__parquet_sink_of(const an__parquet_column *c)
{
    an__parquet_means m = c->means;
    bool whole = m == MEANS_PLAIN || m == MEANS_UNSIGNED, time = m >= MEANS_MILLIS && m <= MEANS_NANOS;
    bool decimal = m == MEANS_DECIMAL && c->scale >= 0 && c->scale <= 38;
    if (m == MEANS_NOTHING && (c->type == PARQUET_INT32 || c->type == PARQUET_INT64)) return SINK_REAL;
    switch (c->type) {
    case PARQUET_BOOLEAN:
        return SINK_BOOLEAN;
    case PARQUET_INT32:
        return whole ? SINK_INTEGER : m == MEANS_DATE ? SINK_TIME : decimal || m == MEANS_TIME_MILLIS ? SINK_REAL : SINK_NONE;
    case PARQUET_INT64:
        return whole ? SINK_INTEGER : time ? SINK_TIME : decimal || m == MEANS_TIME_MICROS || m == MEANS_TIME_NANOS ? SINK_REAL : SINK_NONE;
    case PARQUET_INT96:
        return SINK_TIME;
    case PARQUET_FLOAT:
    case PARQUET_DOUBLE:
        return SINK_REAL;
    case PARQUET_BYTES:
        return m == MEANS_TEXT || m == MEANS_PLAIN ? SINK_STRING : decimal ? SINK_REAL : SINK_NONE;
    case PARQUET_FIXED:
        if (m == MEANS_UUID && c->width == 16) return SINK_STRING;
        return (decimal && c->width && c->width <= 16) || (m == MEANS_FLOAT16 && c->width == 2) ? SINK_REAL : SINK_NONE;
    default:
        return SINK_NONE;
    }
}

size_t an__parquet_value_bytes(const an__parquet_column *c) /* 0: no fixed size, or bits */
{
    static const size_t bytes[] = { 0, 4, 8, 12, 4, 8, 0 };
    return c->type == PARQUET_FIXED ? c->width : bytes[c->type];
}

static double decimal_value(const uint8_t *p, size_t n, int scale) /* big-endian two's complement */
{
    unsigned __int128 bits = n && p[0] & 0x80 ? ~(unsigned __int128)0 : 0;
    for (size_t i = 0; i < n; i++) bits = bits << 8 | p[i];
    return (double)(__int128)bits / pow(10, scale);
}

static double float16_value(uint16_t h)
{
    int exponent = h >> 10 & 31;
    double fraction = h & 1023, value = !exponent        ? ldexp(fraction, -24)
                                        : exponent == 31 ? (fraction > 0 ? NAN : (double)INFINITY)
                                                         : ldexp(1024 + fraction, exponent - 25);
    return h & 0x8000 ? -value : value;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* One value as a cell of 8 bytes, SINK_TIME: microseconds since 1970; false: out of range. */
bool an__parquet_convert_one(const an__parquet_column *c, const uint8_t *p, size_t n, uint64_t *cell)
{
    int32_t i32 = 0;
    int64_t i64 = 0, days, out = 0;
    uint32_t day;
    float f32;
    double real = 0;
    switch (c->type) {
    case PARQUET_INT32:
        memcpy(&i32, p, 4);
        i64 = i32;
        break;
    case PARQUET_INT64:
        memcpy(&i64, p, 8);
        break;
    case PARQUET_INT96: /* nanoseconds of the day, Julian day */
        memcpy(&i64, p, 8);
        memcpy(&day, p + 8, 4);
        days = (int64_t)day - 2440588;
        if (__builtin_mul_overflow(days, INT64_C(86400000000), &out) || __builtin_add_overflow(out, floor_div(i64, 1000), &out))
            return false;
        memcpy(cell, &out, 8);
        return true;
    case PARQUET_FLOAT:
        memcpy(&f32, p, 4);
        real = (double)f32;
        memcpy(cell, &real, 8);
        return true;
    case PARQUET_DOUBLE:
        memcpy(cell, p, 8);
        return true;
    default:
        if (c->means == MEANS_FLOAT16) {
            uint16_t half;
            memcpy(&half, p, 2);
            real = float16_value(half);
        } else {
            if (n > 16) return false;
            real = decimal_value(p, n, c->scale);
        }
        memcpy(cell, &real, 8);
        return true;
    }
    switch (c->means) {
    case MEANS_UNSIGNED:
        out = c->type == PARQUET_INT32 ? (int64_t)(uint32_t)i32 : i64; /* of 64 bits: judged at the end */
        break;
    case MEANS_DATE:
        if (__builtin_mul_overflow(i64, INT64_C(86400000000), &out)) return false;
        break;
    case MEANS_MILLIS:
        if (__builtin_mul_overflow(i64, INT64_C(1000), &out)) return false;
        break;
    case MEANS_NANOS:
        out = floor_div(i64, 1000);
        break;
    case MEANS_TIME_MILLIS:
    case MEANS_TIME_MICROS:
    case MEANS_TIME_NANOS:
        real = (double)i64 / (c->means == MEANS_TIME_MILLIS ? 1e3 : c->means == MEANS_TIME_MICROS ? 1e6 : 1e9);
        memcpy(cell, &real, 8);
        return true;
    case MEANS_DECIMAL:
        real = (double)i64 / pow(10, c->scale);
        memcpy(cell, &real, 8);
        return true;
    default:
        out = i64;
    }
    memcpy(cell, &out, 8);
    return true;
}

bool an__parquet_out_of_range(const an__parquet_reader *r, size_t value, an_error *err)
{
    return an_fail(err, AN_INPUT, "value %zu from row %zu on is out of range", value + 1, r->row + 1);
}

/* `count` values of one size to cells. */
bool an__parquet_convert(const an__parquet_reader *r, const uint8_t *raw, size_t count, uint64_t *cells, an_error *err)
{
    const an__parquet_column *c = r->about;
    size_t width = an__parquet_value_bytes(c);
    if (width == 8 && (c->type == PARQUET_DOUBLE || (c->type == PARQUET_INT64 && (c->means == MEANS_PLAIN || c->means == MEANS_MICROS)))) {
        if (count) memcpy(cells, raw, count * 8);
        return true;
    }
    if (c->type == PARQUET_FLOAT) {
        for (size_t i = 0; i < count; i++) {
            float f;
            memcpy(&f, raw + 4 * i, 4);
            double real = (double)f;
            memcpy(&cells[i], &real, 8);
        }
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (!an__parquet_convert_one(c, raw + i * width, width, &cells[i])) return an__parquet_out_of_range(r, i, err);
    }
    return true;
}
