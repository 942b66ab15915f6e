/* parquet_thrift.c - as much of the Thrift compact protocol as Parquet needs (thrift-compact-protocol.md), reading and writing. */
#include "parquet.h"

#include <string.h>

enum { DEPTH = 32, MOST = 1 << 22 }; /* elements of a list that is kept */

uint64_t an__varint(const uint8_t **p, const uint8_t *end, bool *bad)
{
    uint64_t v = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        if (*p >= end) break;
        uint8_t b = *(*p)++;
        if (shift < 64) v |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) return v;
    }
    *bad = true;
    return 0;
}

static int64_t fail(an__thrift *r)
{
    r->bad = true;
    r->p = r->end;
    return 0;
}

static uint64_t varint(an__thrift *r)
{
    uint64_t v = an__varint(&r->p, r->end, &r->bad);
    return r->bad ? (uint64_t)fail(r) : v;
}

bool an__thrift_next(an__thrift *r, an__thrift_field *f)
{
    if (r->bad || r->p >= r->end) return fail(r);
    uint8_t head = *r->p++;
    if (!head) return false;
    f->type = head & 15;
    f->id = head >> 4 ? f->id + (head >> 4) : (int16_t)an__zigzag(varint(r));
    if (f->type < THRIFT_TRUE || f->type > THRIFT_STRUCT) return fail(r);
    return !r->bad;
}

bool an__thrift_is(an__thrift *r, const an__thrift_field *f, int type)
{
    return f->type == type || fail(r);
}

int64_t an__thrift_integer(an__thrift *r, const an__thrift_field *f)
{
    if (f->type == THRIFT_BYTE) {
        if (r->p >= r->end) return fail(r);
        return (int8_t)*r->p++;
    }
    if (f->type < THRIFT_I16 || f->type > THRIFT_I64) return fail(r);
    return an__zigzag(varint(r));
}

bool an__thrift_boolean(an__thrift *r, const an__thrift_field *f)
{
    if (f->type > THRIFT_FALSE) fail(r);
    return f->type == THRIFT_TRUE;
}

bool an__thrift_bytes(an__thrift *r, const an__thrift_field *f, const uint8_t **bytes, size_t *n)
{
    *bytes = r->p;
    *n = 0;
    if (!an__thrift_is(r, f, THRIFT_BINARY)) return false;
    uint64_t size = varint(r);
    if (size > (uint64_t)(r->end - r->p)) return fail(r);
    *bytes = r->p;
    *n = (size_t)size;
    r->p += size;
    return !r->bad;
}

size_t an__thrift_list(an__thrift *r, const an__thrift_field *f, int element)
{
    if (!an__thrift_is(r, f, THRIFT_LIST) || r->p >= r->end) return (size_t)fail(r);
    uint8_t head = *r->p++;
    uint64_t n = head >> 4;
    if (n == 15) n = varint(r);
    if ((n && (head & 15) != element) || n > (uint64_t)(r->end - r->p) || n > MOST) return (size_t)fail(r);
    return (size_t)n;
}

static void skip(an__thrift *r, int type, int depth, bool in_list)
{
    if (depth > DEPTH || r->bad) {
        fail(r);
        return;
    }
    switch (type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE:
        if (!in_list) return;
        __attribute__((fallthrough));
    case THRIFT_BYTE:
        if (r->p < r->end) {
            r->p++;
        } else {
            fail(r);
        }
        return;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
        varint(r);
        return;
    case THRIFT_DOUBLE:
        if (r->end - r->p >= 8) {
            r->p += 8;
        } else {
            fail(r);
        }
        return;
    case THRIFT_BINARY: {
        uint64_t n = varint(r);
        if (n > (uint64_t)(r->end - r->p))
            fail(r);
        else
            r->p += n;
        return;
    }
    case THRIFT_LIST:
    case THRIFT_SET: {
        if (r->p >= r->end) {
            fail(r);
            return;
        }
        uint8_t head = *r->p++;
        uint64_t n = head >> 4 == 15 ? varint(r) : head >> 4;
        for (uint64_t i = 0; i < n && !r->bad; i++) skip(r, head & 15, depth + 1, true);
        return;
    }
    case THRIFT_MAP: {
        uint64_t n = varint(r);
        if (!n) return;
        if (r->p >= r->end) {
            fail(r);
            return;
        }
        uint8_t kinds = *r->p++;
        for (uint64_t i = 0; i < n && !r->bad; i++) {
            skip(r, kinds >> 4, depth + 1, true);
            skip(r, kinds & 15, depth + 1, true);
        }
        return;
    }
    case THRIFT_STRUCT: {
        an__thrift_field f = { 0 };
        while (an__thrift_next(r, &f)) skip(r, f.type, depth + 1, false);
        return;
    }
    default:
        fail(r);
    }
}

void an__thrift_skip(an__thrift *r, const an__thrift_field *f)
{
    skip(r, f->type, 0, false);
}

/* ---- writing ---- */

void an__put_varint(an_buf *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7) an_buf_putc(out, (char)(v | 0x80));
    an_buf_putc(out, (char)v);
}

static uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static void put_head(an__thrift_writer *w, int id, int type)
{
    int step = id - w->last[w->depth];
    if (step > 0 && step < 16) {
        an_buf_putc(w->out, (char)(step << 4 | type));
    } else {
        an_buf_putc(w->out, (char)type);
        an__put_varint(w->out, zigzag(id));
    }
    w->last[w->depth] = id;
}

void an__put_integer(an__thrift_writer *w, int id, int type, int64_t v)
{
    put_head(w, id, type);
    if (type == THRIFT_BYTE)
        an_buf_putc(w->out, (char)v);
    else
        an__put_varint(w->out, zigzag(v));
}

void an__put_boolean(an__thrift_writer *w, int id, bool v)
{
    put_head(w, id, v ? THRIFT_TRUE : THRIFT_FALSE);
}

void an__put_bytes(an__thrift_writer *w, int id, const void *bytes, size_t n)
{
    put_head(w, id, THRIFT_BINARY);
    an__put_list_bytes(w, bytes, n);
}

void an__put_list(an__thrift_writer *w, int id, int element, size_t n)
{
    put_head(w, id, THRIFT_LIST);
    an_buf_putc(w->out, (char)((n < 15 ? n : 15) << 4 | (unsigned)element));
    if (n >= 15) an__put_varint(w->out, n);
}

void an__put_list_integer(an__thrift_writer *w, int64_t v)
{
    an__put_varint(w->out, zigzag(v));
}

void an__put_list_bytes(an__thrift_writer *w, const void *bytes, size_t n)
{
    an__put_varint(w->out, n);
    if (n) an_buf_add(w->out, bytes, n);
}

void an__put_struct(an__thrift_writer *w, int id)
{
    if (id) put_head(w, id, THRIFT_STRUCT);
    w->last[++w->depth] = 0;
}

void an__put_end(an__thrift_writer *w)
{
    an_buf_putc(w->out, 0);
    w->depth--;
}
