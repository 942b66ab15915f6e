/* parquet_meta.c - the footer of a Parquet file (schema, row groups, chunks, key-value metadata) and the headers of pages. Only what this
 * room uses is kept; everything else is skipped. */
#include "parquet.h"

#include <stdlib.h>
#include <string.h>

bool an__parquet_looks_like(const char *bytes, size_t n)
{
    return n >= 4 && (!memcmp(bytes, "PAR1", 4) || !memcmp(bytes, "PARE", 4));
}

/* ---- schema ---- */

static int unit_of(an__thrift *r, const an__thrift_field *outer)
{
    an__thrift_field f = { 0 };
    int unit = 0;
    if (!an__thrift_is(r, outer, THRIFT_STRUCT)) return 0;
    while (an__thrift_next(r, &f)) {
        unit = f.id; /* a union: one empty structure */
        an__thrift_skip(r, &f);
    }
    return unit;
}

/* LogicalType is a union; the number of its field is the type. */
static void read_logical(an__thrift *r, an__parquet_column *c)
{
    an__thrift_field f = { 0 };
    while (an__thrift_next(r, &f)) {
        int kind = f.id, unit = 0;
        bool is_signed = true;
        if (!an__thrift_is(r, &f, THRIFT_STRUCT)) return;
        an__thrift_field g = { 0 };
        while (an__thrift_next(r, &g)) {
            if (kind == 5 && g.id == 1) {
                c->scale = (int)an__thrift_integer(r, &g);
            } else if ((kind == 7 || kind == 8) && g.id == 2) {
                unit = unit_of(r, &g);
            } else if (kind == 10 && g.id == 2) {
                is_signed = an__thrift_boolean(r, &g);
            } else {
                an__thrift_skip(r, &g);
            }
        }
        static const an__parquet_means times[] = { MEANS_OTHER, MEANS_TIME_MILLIS, MEANS_TIME_MICROS, MEANS_TIME_NANOS };
        static const an__parquet_means stamps[] = { MEANS_OTHER, MEANS_MILLIS, MEANS_MICROS, MEANS_NANOS };
        unit = unit >= 1 && unit <= 3 ? unit : 0;
        c->means = kind == 1 || kind == 4 || kind == 12 ? MEANS_TEXT /* string, enum, JSON */
                   : kind == 5                          ? MEANS_DECIMAL
                   : kind == 6                          ? MEANS_DATE
                   : kind == 7                          ? times[unit]
                   : kind == 8                          ? stamps[unit]
                   : kind == 10                         ? (is_signed ? MEANS_PLAIN : MEANS_UNSIGNED)
                   : kind == 11                         ? MEANS_NOTHING
                   : kind == 14                         ? MEANS_UUID
                   : kind == 15                         ? MEANS_FLOAT16
                                                        : MEANS_OTHER;
    }
}

static an__parquet_means converted_means(int64_t converted)
{
    switch (converted) {
    case 0:
    case 4:
    case 19:
        return MEANS_TEXT;
    case 5:
        return MEANS_DECIMAL;
    case 6:
        return MEANS_DATE;
    case 7:
        return MEANS_TIME_MILLIS;
    case 8:
        return MEANS_TIME_MICROS;
    case 9:
        return MEANS_MILLIS;
    case 10:
        return MEANS_MICROS;
    case 11:
    case 12:
    case 13:
    case 14:
        return MEANS_UNSIGNED;
    case 15:
    case 16:
    case 17:
    case 18:
        return MEANS_PLAIN;
    default:
        return MEANS_OTHER;
    }
}

static void read_element(an__thrift *r, an__parquet_column *c)
{
    an__thrift_field f = { 0 };
    const uint8_t *name;
    size_t n;
    int64_t converted = -1;
    bool logical = false;
    c->type = -1;
    while (an__thrift_next(r, &f)) {
        switch (f.id) {
        case 1:
            c->type = (int)an__thrift_integer(r, &f);
            break;
        case 2: {
            int64_t width = an__thrift_integer(r, &f);
            c->width = width > 0 && width < 1 << 20 ? (size_t)width : 0;
            break;
        }
        case 3:
            c->repetition = (int)an__thrift_integer(r, &f);
            break;
        case 4:
            free(c->name);
            c->name = an__thrift_bytes(r, &f, &name, &n) ? an_strndup((const char *)name, n) : NULL;
            if (c->name && (strlen(c->name) != n || !an__utf8_valid(c->name, n))) r->bad = true;
            break;
        case 5:
            c->children = (int)an__thrift_integer(r, &f);
            break;
        case 6:
            converted = an__thrift_integer(r, &f);
            break;
        case 7:
            c->scale = (int)an__thrift_integer(r, &f);
            break;
        case 10:
            if (!an__thrift_is(r, &f, THRIFT_STRUCT)) return;
            read_logical(r, c);
            logical = true;
            break;
        default:
            an__thrift_skip(r, &f);
        }
    }
    if (!logical && converted >= 0) c->means = converted_means(converted);
}

/* ---- row groups ---- */

static void read_chunk_meta(an__thrift *r, an__parquet_chunk *c)
{
    an__thrift_field f = { 0 };
    while (an__thrift_next(r, &f)) {
        switch (f.id) {
        case 1:
            c->type = (int)an__thrift_integer(r, &f);
            break;
        case 4:
            c->codec = (int)an__thrift_integer(r, &f);
            break;
        case 5:
            c->values = an__thrift_integer(r, &f);
            break;
        case 7:
            c->packed = an__thrift_integer(r, &f);
            break;
        case 9:
            c->data_at = an__thrift_integer(r, &f);
            break;
        case 11:
            c->dictionary_at = an__thrift_integer(r, &f);
            break;
        default:
            an__thrift_skip(r, &f);
        }
    }
}

static void read_chunk(an__thrift *r, an__parquet_chunk *c)
{
    an__thrift_field f = { 0 };
    c->type = -1;
    while (an__thrift_next(r, &f)) {
        if (f.id == 3 && f.type == THRIFT_STRUCT) {
            read_chunk_meta(r, c);
        } else {
            c->elsewhere |= f.id == 1;              /* file_path */
            c->encrypted |= f.id == 8 || f.id == 9; /* crypto metadata */
            an__thrift_skip(r, &f);
        }
    }
}

static void read_group(an__thrift *r, an__parquet_group *g)
{
    an__thrift_field f = { 0 };
    while (an__thrift_next(r, &f)) {
        if (f.id == 1 && !g->chunk) {
            size_t n = an__thrift_list(r, &f, THRIFT_STRUCT);
            g->chunk = an_alloc_n(n + 1, sizeof *g->chunk);
            for (; g->chunks < n && !r->bad; g->chunks++) read_chunk(r, &g->chunk[g->chunks]);
        } else if (f.id == 3) {
            g->rows = an__thrift_integer(r, &f);
        } else {
            an__thrift_skip(r, &f);
        }
    }
}

static void read_pair(an__thrift *r, an__parquet_meta *m)
{
    an__thrift_field f = { 0 };
    const uint8_t *key = NULL, *value = NULL;
    size_t key_bytes = 0, value_bytes = 0;
    while (an__thrift_next(r, &f)) {
        if (f.id == 1) {
            an__thrift_bytes(r, &f, &key, &key_bytes);
        } else if (f.id == 2) {
            an__thrift_bytes(r, &f, &value, &value_bytes);
        } else {
            an__thrift_skip(r, &f);
        }
    }
    if (r->bad || m->andon || key_bytes != 5 || memcmp(key, "andon", 5) || !value) return;
    m->andon = an_json_parse((const char *)value, value_bytes, "andon", NULL); /* of no use when it is not JSON, and then not missed */
}

static void read_footer(an__thrift *r, an__parquet_meta *m)
{
    an__thrift_field f = { 0 };
    while (an__thrift_next(r, &f)) {
        if (f.id == 2 && !m->column) {
            size_t n = an__thrift_list(r, &f, THRIFT_STRUCT);
            m->column = an_alloc_n(n + 1, sizeof *m->column);
            for (; m->columns < n && !r->bad; m->columns++) read_element(r, &m->column[m->columns]);
        } else if (f.id == 3) {
            m->rows = an__thrift_integer(r, &f);
        } else if (f.id == 4 && !m->group) {
            size_t n = an__thrift_list(r, &f, THRIFT_STRUCT);
            m->group = an_alloc_n(n + 1, sizeof *m->group);
            for (; m->groups < n && !r->bad; m->groups++) read_group(r, &m->group[m->groups]);
        } else if (f.id == 5) {
            size_t n = an__thrift_list(r, &f, THRIFT_STRUCT);
            for (size_t i = 0; i < n && !r->bad; i++) read_pair(r, m);
        } else {
            an__thrift_skip(r, &f);
        }
    }
}

void an__parquet_free_meta(an__parquet_meta *m)
{
    for (size_t i = 0; m->column && i < m->columns + 1; i++) free(m->column[i].name); /* one more: a damaged one */
    for (size_t i = 0; m->group && i < m->groups + 1; i++) free(m->group[i].chunk);
    free(m->column);
    free(m->group);
    json_decref(m->andon);
    *m = (an__parquet_meta){ 0 };
}

bool an__parquet_read_meta(const uint8_t *bytes, size_t n, const char *what, an__parquet_meta *m, an_error *err)
{
    static const char cut[] = "the file was cut short or changed on the way; copy it again";
    *m = (an__parquet_meta){ 0 };
    if (n >= 4 && (!memcmp(bytes, "PARE", 4) || !memcmp(bytes + n - 4, "PARE", 4))) {
        an_fail(err, AN_INPUT, "%s: the Parquet file is encrypted", what);
        return an_hint(err, "write it without encryption");
    }
    if (n < 12 || memcmp(bytes, "PAR1", 4)) return an_fail(err, AN_INPUT, "%s: this is no Parquet file", what);
    if (memcmp(bytes + n - 4, "PAR1", 4)) {
        an_fail(err, AN_INPUT, "%s: the end of the Parquet file is missing", what);
        return an_hint(err, "%s", cut);
    }
    uint32_t size;
    memcpy(&size, bytes + n - 8, 4);
    bool ok = size <= n - 12;
    if (ok) {
        an__thrift r = { .p = bytes + n - 8 - size, .end = bytes + n - 8 };
        read_footer(&r, m);
        ok = !r.bad && m->columns && m->column[0].children >= 0;
    }
    for (size_t j = 0; ok && j < m->columns; j++) ok = m->column[j].name != NULL;
    if (ok) return true;
    an__parquet_free_meta(m);
    an_fail(err, AN_INPUT, "%s: the footer of the Parquet file is damaged", what);
    return an_hint(err, "%s", cut);
}

/* ---- page headers ---- */

static void read_page_part(an__thrift *r, int kind, an__parquet_page *page)
{
    an__thrift_field f = { 0 };
    while (an__thrift_next(r, &f)) {
        if (f.id == 1) {
            page->values = an__thrift_integer(r, &f);
        } else if (kind == PARQUET_DATA_PAGE_V2 && f.id == 2) {
            page->missing = an__thrift_integer(r, &f);
        } else if (f.id == (kind == PARQUET_DATA_PAGE_V2 ? 4 : 2)) {
            page->encoding = (int)an__thrift_integer(r, &f);
        } else if (kind == PARQUET_DATA_PAGE && f.id == 3) {
            page->level_encoding = (int)an__thrift_integer(r, &f);
        } else if (kind == PARQUET_DATA_PAGE_V2 && f.id == 5) {
            page->definition_bytes = an__thrift_integer(r, &f);
        } else if (kind == PARQUET_DATA_PAGE_V2 && f.id == 6) {
            page->repetition_bytes = an__thrift_integer(r, &f);
        } else if (kind == PARQUET_DATA_PAGE_V2 && f.id == 7) {
            page->compressed = an__thrift_boolean(r, &f);
        } else {
            an__thrift_skip(r, &f);
        }
    }
}

bool an__parquet_read_page(const uint8_t **p, const uint8_t *end, an__parquet_page *page)
{
    an__thrift r = { .p = *p, .end = end };
    an__thrift_field f = { 0 };
    *page = (an__parquet_page){ .kind = -1, .unpacked = -1, .packed = -1, .values = -1, .compressed = true, .level_encoding = PARQUET_RLE };
    while (an__thrift_next(&r, &f)) {
        if (f.id == 1) {
            page->kind = (int)an__thrift_integer(&r, &f);
        } else if (f.id == 2) {
            page->unpacked = an__thrift_integer(&r, &f);
        } else if (f.id == 3) {
            page->packed = an__thrift_integer(&r, &f);
        } else if (f.id == 4) {
            page->crc = (uint32_t)an__thrift_integer(&r, &f);
            page->has_crc = true;
        } else if ((f.id == 5 || f.id == 7 || f.id == 8) && f.type == THRIFT_STRUCT) {
            read_page_part(&r, f.id == 5 ? PARQUET_DATA_PAGE : f.id == 7 ? PARQUET_DICTIONARY_PAGE : PARQUET_DATA_PAGE_V2, page);
        } else {
            an__thrift_skip(&r, &f);
        }
    }
    *p = r.p;
    return !r.bad && page->unpacked >= 0 && page->unpacked <= INT32_MAX && page->packed >= 0 && page->packed <= end - r.p;
}
