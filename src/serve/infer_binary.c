/* infer_binary.c - raw tensors (Triton's binary tensor data extension): little-endian elements, BYTES as 32-bit lengths and bytes; checked
 * to the byte. */
#include "serve/infer_tensor.h"

#include <math.h>
#include <string.h>

/* An integer of n bytes, little-endian, zero-extended. */
static uint64_t little(const unsigned char *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = n; i-- > 0;) v = v << 8 | p[i];
    return v;
}

double an__infer_half(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double size = exponent == 31  ? (fraction ? NAN : INFINITY)
                  : exponent == 0 ? ldexp(fraction, -24)
                                  : ldexp(1024 + fraction, exponent - 25);
    return bits & 0x8000 ? -size : size;
}

static double float_of(const an__datatype *t, const unsigned char *p)
{
    uint64_t bits = little(p, t->bytes);
    if (t->bytes == 8) {
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    if (t->bytes == 2 && t->name[0] == 'F') return an__infer_half((uint16_t)bits);
    uint32_t single = t->bytes == 2 ? (uint32_t)bits << 16 : (uint32_t)bits; /* BF16: the upper half of an FP32 */
    float value;
    memcpy(&value, &single, sizeof value);
    return value;
}

/* false where a double has not all its digits */
static bool integer_of(const an__datatype *t, const unsigned char *p, double *out)
{
    uint64_t bits = little(p, t->bytes);
    bool negative = t->low < 0 && bits >> (8 * t->bytes - 1);
    uint64_t size = bits;
    if (negative) {
        if (t->bytes < 8) bits |= ~(uint64_t)0 << (8 * t->bytes);
        size = -bits;
    }
    *out = negative ? -(double)size : (double)size;
    return !size || size >> __builtin_ctzll(size) < (uint64_t)1 << 53;
}

static bool element(const an_model *m, const an__tensor *t, const unsigned char *p, size_t feature, double *cell, an_error *err)
{
    switch (t->type->kind) {
    case AN__KIND_FLOAT:
        return an__infer_number(m, feature, float_of(t->type, p), cell, err);
    case AN__KIND_BOOL:
        if (*p > 1) return an_fail(err, AN_INPUT, "byte %u is no BOOL: 0 or 1", *p);
        if (m->prep->column[feature].type == AN_CATEGORY) return an__infer_text(m, feature, *p ? "true" : "false", *p ? 4 : 5, cell, err);
        return an__infer_number(m, feature, *p, cell, err);
    default: {
        double number;
        if (!integer_of(t->type, p, &number)) {
            an_fail(err, AN_INPUT, "%.0f has more digits than a double holds", number);
            return an_hint(err, "whole numbers are exact up to 9007199254740992 (2^53)");
        }
        return an__infer_number(m, feature, number, cell, err);
    }
    }
}

static bool fixed(const an_model *m, an__infer *r, const an__tensor *t, an_span bytes, an_error *err)
{
    size_t all = t->rows * t->columns, features = m->prep->columns, feature;
    const unsigned char *p = (const unsigned char *)bytes.data;
    if (bytes.size != all * t->type->bytes)
        return an_fail(err, AN_INPUT, "input \"%.100s\": binary_data_size is %zu; %zu elements of %s are %zu bytes", an__tensor_name(m, t),
                       bytes.size, all, t->type->name, all * t->type->bytes);
    for (size_t k = 0; k < all; k++, p += t->type->bytes) {
        double *cell = an__tensor_cell(t, r, features, k, &feature);
        if (!element(m, t, p, feature, cell, err)) return an__tensor_context(m, t, k, err);
    }
    return true;
}

static bool texts(const an_model *m, an__infer *r, const an__tensor *t, an_span bytes, an_error *err)
{
    size_t all = t->rows * t->columns, features = m->prep->columns, feature;
    const char *p = bytes.data;
    size_t left = bytes.size;
    for (size_t k = 0; k < all; k++) {
        size_t size = left >= 4 ? (size_t)little((const unsigned char *)p, 4) : 0;
        if (left < 4 || size > left - 4) {
            an_fail(err, AN_INPUT, left < 4 ? "the bytes end before it" : "its length is %zu, and %zu bytes are left", size,
                    left < 4 ? left : left - 4);
            an__tensor_context(m, t, k, err);
            return an_hint(err, "BYTES elements are a 32-bit little-endian length and that many bytes");
        }
        double *cell = an__tensor_cell(t, r, features, k, &feature);
        if (!an__infer_text(m, feature, p + 4, size, cell, err)) return an__tensor_context(m, t, k, err);
        p += 4 + size;
        left -= 4 + size;
    }
    if (left) return an_fail(err, AN_INPUT, "input \"%.100s\": %zu bytes follow its last element", an__tensor_name(m, t), left);
    return true;
}

bool an__infer_binary(const an_model *m, an__infer *r, an_span bytes, an_error *err)
{
    size_t count = r->pending.size / sizeof(an__tensor), at = 0;
    for (size_t i = 0; i < count; i++) {
        an__tensor t;
        memcpy(&t, r->pending.data + i * sizeof t, sizeof t);
        if (t.bytes > bytes.size - at)
            return an_fail(err, AN_INPUT, "input \"%.100s\": binary_data_size is %zu, and %zu bytes are left in the body",
                           an__tensor_name(m, &t), t.bytes, bytes.size - at);
        an_span own = { bytes.data + at, t.bytes };
        if (t.type->kind == AN__KIND_BYTES ? !texts(m, r, &t, own, err) : !fixed(m, r, &t, own, err)) return false;
        at += t.bytes;
    }
    if (at < bytes.size) {
        an_fail(err, AN_INPUT, "%zu bytes follow the raw tensors that the inputs announce (%zu bytes)", bytes.size - at, at);
        return an_hint(err, "the sum of binary_data_size must be the body without its JSON");
    }
    return true;
}
