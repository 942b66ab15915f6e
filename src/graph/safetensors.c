/* safetensors.c - parameters as a safetensors file: 8 bytes of header length (little-endian), a JSON header, the values.
 *
 * Written: the header lists __metadata__ (keys in byte order) and the tensors in the parameters' order, padded with blanks so that values
 * start at a multiple of 8; values lie with the 8-byte types first, so that each is aligned. Equal parameters and metadata give equal
 * bytes. Read: order of the header; every length and offset is checked against the file, holes and overlaps are refused.
 */
#include "andon/graph.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIX = 8, MAX_HEADER = 100000000 };

static const struct {
    const char *name;
    an_dtype dtype;
} TYPES[] = { { "F32", AN_F32 }, { "F64", AN_F64 }, { "I64", AN_I64 } };

static const char *type_name(an_dtype t)
{
    for (size_t i = 0; i < AN_COUNT(TYPES); i++) {
        if (TYPES[i].dtype == t) return TYPES[i].name;
    }
    return NULL;
}

/* Values are little-endian in the file. */
static void copy_values(void *to, const void *from, size_t count, size_t size)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (count) memcpy(to, from, count * size);
#else
    for (size_t i = 0; i < count * size; i++) ((char *)to)[i] = ((const char *)from)[i / size * size + size - 1 - i % size];
#endif
}

/* ---- writing ---------------------------------------------------------------------------------------------------------------- */

static bool put_string(an_buf *b, const char *text, an_error *err)
{
    json_t *value = json_string(text);
    char *quoted = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    if (quoted) an_buf_puts(b, quoted);
    free(quoted);
    json_decref(value);
    return quoted ? true : an_fail(err, AN_INPUT, "a name in the parameters or their metadata is not UTF-8");
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool put_metadata(an_buf *b, const json_t *metadata, an_error *err)
{
    size_t count = json_object_size(metadata), n = 0;
    const char **keys = an_alloc_n(count + 1, sizeof *keys), *key;
    json_t *value;
    bool ok = true;
    json_object_foreach((json_t *)(uintptr_t)metadata, key, value) {
        if (!json_is_string(value)) ok = an_fail(err, AN_INPUT, "metadata %s is not text; safetensors metadata are texts", key);
        if (n < count) keys[n++] = key;
    }
    qsort(keys, n, sizeof *keys, by_bytes);
    an_buf_puts(b, "\"__metadata__\":{");
    for (size_t i = 0; i < n && ok; i++) {
        if (i) an_buf_putc(b, ',');
        ok = put_string(b, keys[i], err);
        an_buf_putc(b, ':');
        ok = ok && put_string(b, json_string_value(json_object_get(metadata, keys[i])), err);
    }
    an_buf_putc(b, '}');
    free(keys);
    return ok;
}

/* Where tensor i's values begin: the 8-byte types first. */
static size_t value_offset(const an_params *p, size_t i)
{
    const bool wide = an_dtype_bytes(an_params_at(p, i)->dtype) == 8;
    size_t offset = 0;
    for (size_t j = 0; j < an_params_count(p); j++) {
        const an_tensor *t = an_params_at(p, j);
        const bool also_wide = an_dtype_bytes(t->dtype) == 8;
        if ((also_wide && !wide) || (also_wide == wide && j < i)) offset += t->count * an_dtype_bytes(t->dtype);
    }
    return offset;
}

bool an_safetensors_save(const an_params *p, const json_t *metadata, an_buf *out, an_error *err)
{
    an_buf header = { 0 };
    bool ok = true;
    if (metadata && !json_is_object(metadata)) return an_fail(err, AN_INPUT, "safetensors metadata must be an object of texts");
    an_buf_putc(&header, '{');
    if (metadata && json_object_size(metadata)) ok = put_metadata(&header, metadata, err);
    for (size_t i = 0; i < an_params_count(p) && ok; i++) {
        const an_tensor *t = an_params_at(p, i);
        size_t begin = value_offset(p, i);
        if (!strcmp(t->name, "__metadata__")) {
            ok = an_fail(err, AN_INPUT, "a parameter cannot be named __metadata__: safetensors keeps that name for itself");
            break;
        }
        if (header.size > 1) an_buf_putc(&header, ',');
        ok = put_string(&header, t->name, err);
        an_buf_printf(&header, ":{\"dtype\":\"%s\",\"shape\":[", type_name(t->dtype));
        for (int d = 0; d < t->shape.rank; d++) an_buf_printf(&header, "%s%" PRId64, d ? "," : "", t->shape.dim[d]);
        an_buf_printf(&header, "],\"data_offsets\":[%zu,%zu]}", begin, begin + t->count * an_dtype_bytes(t->dtype));
    }
    an_buf_putc(&header, '}');
    while (header.size % 8) an_buf_putc(&header, ' ');
    if (ok) {
        for (int i = 0; i < PREFIX; i++) an_buf_putc(out, (char)((uint64_t)header.size >> 8 * i));
        an_buf_add(out, header.data, header.size);
        for (size_t size = 8; size >= 4; size -= 4) {
            for (size_t i = 0; i < an_params_count(p); i++) {
                const an_tensor *t = an_params_at(p, i);
                if (an_dtype_bytes(t->dtype) != size || !t->count) continue;
                size_t start = out->size;
                an_buf_add(out, t->data, t->count * size);
                copy_values(out->data + start, t->data, t->count, size);
            }
        }
    }
    an_buf_free(&header);
    return ok;
}

/* ---- reading ---------------------------------------------------------------------------------------------------------------------- */

typedef struct extent {
    size_t begin, end;
} extent;

static int by_begin(const void *a, const void *b)
{
    const extent *x = a, *y = b;
    return x->begin != y->begin ? (x->begin > y->begin) - (x->begin < y->begin) : (x->end > y->end) - (x->end < y->end);
}

static bool read_size(const json_t *value, size_t *size)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
    *size = (size_t)json_integer_value(value);
    return true;
}

/* One entry of the header: its type, shape and place, which must agree with one another and with the file. */
static bool read_entry(an_params *p, const char *name, const json_t *entry, const char *values, size_t available, extent *place,
                       an_error *err)
{
    const char *type = an_json_string(entry, "dtype", "");
    const json_t *shape = json_object_get(entry, "shape"), *offsets = json_object_get(entry, "data_offsets");
    an_shape s = { 0 };
    size_t t = 0, count = 1;
    while (t < AN_COUNT(TYPES) && strcmp(TYPES[t].name, type) != 0) t++;
    if (t == AN_COUNT(TYPES)) {
        an_fail(err, AN_INPUT, "tensor %.200s has type \"%.20s\"; F32, F64 and I64 can be read", name, type);
        return an_hint(err, "convert the file, for example with numpy and safetensors.numpy");
    }
    if (!json_is_array(shape) || json_array_size(shape) > AN_MAX_RANK) {
        return an_fail(err, AN_CORRUPT, "tensor %.200s: shape is not a list of at most %d lengths", name, AN_MAX_RANK);
    }
    s.rank = (int)json_array_size(shape);
    bool overflow = false, empty = false;
    for (int i = 0; i < s.rank; i++) {
        size_t length;
        if (!read_size(json_array_get(shape, (size_t)i), &length))
            return an_fail(err, AN_CORRUPT, "tensor %.200s: shape holds something that is not a length", name);
        s.dim[i] = (int64_t)length;
        empty |= length == 0;
        overflow |= __builtin_mul_overflow(count, length, &count);
    }
    if (empty) overflow = false, count = 0;
    if (!json_is_array(offsets) || json_array_size(offsets) != 2 || !read_size(json_array_get(offsets, 0), &place->begin) ||
        !read_size(json_array_get(offsets, 1), &place->end)) {
        return an_fail(err, AN_CORRUPT, "tensor %.200s: data_offsets is not a pair of offsets", name);
    }
    if (place->begin > place->end || place->end > available) {
        return an_fail(err, AN_CORRUPT, "tensor %.200s: its values lie at %zu to %zu of %zu bytes", name, place->begin, place->end,
                       available);
    }
    const size_t bytes = place->end - place->begin, size = an_dtype_bytes(TYPES[t].dtype);
    if (overflow || count != bytes / size || bytes % size) {
        return an_fail(err, AN_CORRUPT, "tensor %.200s: %zu bytes of values do not fill its shape", name, bytes);
    }
    an_tensor *tensor = an_params_add(p, name, TYPES[t].dtype, s, NULL, err);
    if (!tensor) return false;
    copy_values(tensor->data, values + place->begin, count, size);
    return true;
}

static bool read_all(an_params *p, const json_t *header, const char *values, size_t available, json_t **metadata, an_error *err)
{
    size_t count = 0, next = 0;
    extent *places = an_alloc_data(json_object_size(header) + 1, sizeof *places, "a safetensors header", err);
    const char *name;
    json_t *entry;
    bool ok = places != NULL;
    json_object_foreach((json_t *)(uintptr_t)header, name, entry) {
        if (!ok) break;
        if (strcmp(name, "__metadata__") != 0) {
            ok = read_entry(p, name, entry, values, available, &places[count++], err);
            continue;
        }
        const char *key;
        json_t *value;
        ok = json_is_object(entry) || an_fail(err, AN_CORRUPT, "__metadata__ is not an object");
        json_object_foreach(entry, key, value) {
            if (ok && !json_is_string(value)) ok = an_fail(err, AN_CORRUPT, "__metadata__: %.200s is not text", key);
        }
        if (ok && metadata) *metadata = json_incref(entry);
    }
    if (ok) qsort(places, count, sizeof *places, by_begin);
    for (size_t i = 0; i < count && ok; i++) {
        if (places[i].begin != next)
            ok = an_fail(err, AN_CORRUPT, "values of tensors overlap or leave a hole at byte %zu of the values", next);
        next = places[i].end;
    }
    if (ok && next != available) ok = an_fail(err, AN_CORRUPT, "%zu bytes after the last tensor belong to none", available - next);
    free(places);
    return ok;
}

an_params *an_safetensors_load(const void *bytes, size_t n, json_t **metadata, an_error *err)
{
    const unsigned char *at = bytes;
    uint64_t header_bytes = 0;
    if (metadata) *metadata = NULL;
    if (n < PREFIX) {
        an_fail(err, AN_CORRUPT, "a safetensors file has at least %d bytes, this one has %zu", PREFIX, n);
        return NULL;
    }
    for (int i = 0; i < PREFIX; i++) header_bytes |= (uint64_t)at[i] << 8 * i;
    if (header_bytes > n - PREFIX || header_bytes > MAX_HEADER || header_bytes < 2 || at[PREFIX] != '{') {
        an_fail(err, AN_CORRUPT, "this is no safetensors file, or it was cut off: a header of %" PRIu64 " bytes in a file of %zu",
                header_bytes, n);
        return NULL;
    }
    json_t *header = an_json_parse((const char *)at + PREFIX, (size_t)header_bytes, "safetensors header", err);
    if (!header) return NULL;
    an_params *p = an_params_new();
    if (!read_all(p, header, (const char *)at + PREFIX + header_bytes, n - PREFIX - (size_t)header_bytes, metadata, err)) {
        if (metadata) json_decref(*metadata);
        if (metadata) *metadata = NULL;
        an_params_release(p);
        p = NULL;
    }
    json_decref(header);
    return p;
}
