/* xlsx_scan.c - a quick reader of the XML of sheets, three times as fast as expat, for what Excel and its imitators write: UTF-8, elements,
 * attributes, text, the five entities, comments, CDATA. It calls the same handlers in the same order as expat would (the fuzzer compares
 * the two), with names without prefix. Other encodings are left to expat, document types refused by both. */
#include "xlsx.h"

#include <stdlib.h>
#include <strings.h>

enum { STEP = 1 << 18, DEPTH = 128, ATTRIBUTES = 64, NAMES = 4096 };

struct an__xlsx_scan {
    an__xlsx_part *part;
    char *data; /* room + 1 bytes: a '<' behind the end stops every search for one */
    size_t used, room;
    int depth;
    bool started, root_seen;
    char names[NAMES]; /* of open elements, each behind the last */
    uint16_t name_at[DEPTH + 1];
    uint64_t passed, here; /* bytes of the part: given up, and where the reading stands */
};

typedef enum verdict { GOOD, MORE, BAD } verdict;

static verdict bad(an__xlsx_scan *s, const char *why)
{
    if (!s->part->failed) {
        an_fail(s->part->err, AN_INPUT, "the XML is damaged at byte %llu: %s", (unsigned long long)s->here + 1, why);
        an_hint(s->part->err, "open the file in Excel, let it repair it, and save it again");
        s->part->failed = true;
    }
    return BAD;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static size_t put_utf8(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char lead[] = { 0, 0xc0, 0xe0, 0xf0 };
    for (size_t i = more; i; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(lead[more] | code);
    return more + 1;
}

/* "&amp;" at p: its character to *to; NULL: none of those. Never longer than what it replaces. */
static const char *entity(const char *p, const char *end, char **to)
{
    static const struct {
        const char *name;
        char c;
    } names[] = { { "lt;", '<' }, { "gt;", '>' }, { "amp;", '&' }, { "quot;", '"' }, { "apos;", '\'' } };
    p++;
    for (size_t i = 0; i < AN_COUNT(names); i++) {
        size_t n = strlen(names[i].name);
        if ((size_t)(end - p) >= n && !memcmp(p, names[i].name, n)) {
            *(*to)++ = names[i].c;
            return p + n;
        }
    }
    if (p >= end || *p++ != '#') return NULL;
    uint32_t code = 0;
    bool hex = p < end && *p == 'x';
    const char *digits = p += hex;
    for (; p < end && *p != ';'; p++) {
        int d = *p >= '0' && *p <= '9' ? *p - '0' : hex && (*p | 32) >= 'a' && (*p | 32) <= 'f' ? (*p | 32) - 'a' + 10 : -1;
        if (d < 0 || code > 0x10ffff) return NULL;
        code = code * (hex ? 16 : 10) + (uint32_t)d;
    }
    bool character = code == 9 || code == 10 || code == 13 || (code >= 32 && code < 0xd800) ||
                     (code > 0xdfff && code <= 0x10ffff && (code & 0xfffe) != 0xfffe);
    if (p >= end || p == digits || !character) return NULL;
    *to += put_utf8(code, *to);
    return p + 1;
}

/* Entities (not in CDATA) and line ends in place; false: an entity that is none. Line ends in attributes become blanks (XML 1.0, 3.3.3). */
static bool decode(char *p, char **end, bool entities, bool attribute)
{
    char *to = p;
    for (const char *from = p; from < *end;) {
        if (*from == '&' && entities) {
            from = entity(from, *end, &to);
            if (!from) return false;
        } else if (*from == '\r') {
            from += from + 1 < *end && from[1] == '\n' ? 2 : 1;
            *to++ = attribute ? ' ' : '\n';
        } else if (attribute && (*from == '\n' || *from == '\t')) {
            *to++ = ' ';
            from++;
        } else {
            *to++ = *from++;
        }
    }
    *end = to;
    return true;
}

static const char *local_name(const char *name, const char *end)
{
    const char *colon = memchr(name, ':', (size_t)(end - name));
    return colon ? colon + 1 : name;
}

static bool name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || (unsigned char)c >= 0x80;
}

static verdict open_element(an__xlsx_scan *s, const char *name, size_t n)
{
    size_t at = s->name_at[s->depth];
    if (s->depth + 1 > DEPTH || at + n > NAMES) return bad(s, "elements are nested too deeply");
    if (!s->depth && s->root_seen) return bad(s, "something stands behind the end");
    s->root_seen = true;
    memcpy(s->names + at, name, n);
    s->name_at[++s->depth] = (uint16_t)(at + n);
    return GOOD;
}

static verdict close_element(an__xlsx_scan *s, const char *name, size_t n)
{
    if (!s->depth) return bad(s, "an element ends that never began");
    size_t at = s->name_at[s->depth - 1];
    if (s->name_at[s->depth] - at != n || memcmp(s->names + at, name, n)) return bad(s, "mismatched tag");
    s->depth--;
    return GOOD;
}

/* A start tag at *pp; nothing is changed before all of it is there. */
static verdict start_tag(an__xlsx_scan *s, char **pp, char *end)
{
    struct {
        char *name, *name_end, *value, *value_end;
        bool plain;
    } a[ATTRIBUTES];
    size_t count = 0;
    char *name = *pp + 1, *p = name;
    while (p < end && *p != '>' && *p != '/' && !is_space(*p)) p++;
    char *name_end = p;
    bool empty = false;
    for (;;) {
        bool blank = p < end && is_space(*p);
        while (p < end && is_space(*p)) p++;
        if (p >= end) return MORE;
        if (*p == '>') break;
        if (*p == '/') {
            if (p + 1 >= end) return MORE;
            if (p[1] != '>') return bad(s, "not well-formed");
            empty = true;
            p++;
            break;
        }
        if (!blank || !name_start(*p)) return bad(s, "not well-formed");
        if (count == ATTRIBUTES) return bad(s, "an element has too many attributes");
        a[count].name = p;
        while (p < end && *p != '=' && *p != '>' && *p != '<' && !is_space(*p)) p++;
        a[count].name_end = p;
        while (p < end && is_space(*p)) p++;
        if (p < end && *p != '=') return bad(s, "not well-formed");
        p += p < end;
        while (p < end && is_space(*p)) p++;
        if (p >= end) return MORE;
        char quote = *p++;
        if (quote != '"' && quote != '\'') return bad(s, "not well-formed");
        a[count].value = p;
        bool plain = true;
        while (p < end && *p != quote) {
            plain &= *p != '&' && *p >= ' ';
            if (*p == '<') return bad(s, "not well-formed");
            p++;
        }
        if (p >= end) return MORE;
        a[count].plain = plain;
        a[count++].value_end = p++;
    }
    char *behind = p + 1;
    if (name_end == name || !name_start(*name)) return bad(s, "not well-formed");
    if (open_element(s, name, (size_t)(name_end - name)) != GOOD) return BAD;
    const char *attributes[2 * ATTRIBUTES + 1];
    size_t n = (size_t)(name_end - name), k = 0;
    for (size_t i = 0; i < count; i++) {
        if (!a[i].plain && !decode(a[i].value, &a[i].value_end, true, true)) return bad(s, "undefined entity");
        *a[i].name_end = '\0';
        *a[i].value_end = '\0';
        attributes[k++] = a[i].name;
        attributes[k++] = a[i].value;
    }
    attributes[k] = NULL;
    char kept = *name_end;
    *name_end = '\0';
    const char *local = local_name(name, name_end);
    s->part->start(s->part->user, local, attributes);
    if (empty && !s->part->stopped && !s->part->failed) s->part->end(s->part->user, local);
    *name_end = kept;
    if (empty && close_element(s, name, n) != GOOD) return BAD;
    *pp = behind;
    return GOOD;
}

static verdict end_tag(an__xlsx_scan *s, char **pp, char *end)
{
    char *name = *pp + 2, *p = name;
    while (p < end && *p != '>' && !is_space(*p)) p++;
    char *name_end = p;
    while (p < end && is_space(*p)) p++;
    if (p >= end) return MORE;
    if (*p != '>') return bad(s, "not well-formed");
    if (close_element(s, name, (size_t)(name_end - name)) != GOOD) return BAD;
    *name_end = '\0';
    s->part->end(s->part->user, local_name(name, name_end));
    *pp = p + 1;
    return GOOD;
}

/* <? and <! */
static verdict other_tag(an__xlsx_scan *s, char **pp, char *end)
{
    static const struct {
        const char *start, *end;
    } kinds[] = { { "<?", "?>" }, { "<!--", "-->" }, { "<![CDATA[", "]]>" } };
    char *p = *pp;
    size_t have = (size_t)(end - p);
    for (size_t i = 0; i < AN_COUNT(kinds); i++) {
        size_t n = strlen(kinds[i].start), m = strlen(kinds[i].end);
        if (memcmp(p, kinds[i].start, n < have ? n : have)) continue;
        if (have < n) return MORE;
        char *stop = memmem(p + n, have - n, kinds[i].end, m);
        if (!stop) return MORE;
        if (i == 2) {
            if (!s->depth) return bad(s, "not well-formed");
            char *last = stop;
            decode(p + n, &last, false, false);
            if (last > p + n) s->part->text(s->part->user, p + n, (int)(last - p - (ptrdiff_t)n));
        }
        *pp = stop + m;
        return GOOD;
    }
    if (have < 9 && !memcmp(p, "<!DOCTYPE", have)) return MORE;
    return bad(s, have >= 9 && !memcmp(p, "<!DOCTYPE", 9) ? "it declares a document type, which Excel never does" : "not well-formed");
}

static verdict text_run(an__xlsx_scan *s, char **pp, char *end, bool final)
{
    char *p = *pp, *q = p;
    bool plain = true;
    for (; *q != '<'; q++) plain &= *q != '&' && *q != '\r'; /* there is a '<' at the end */
    if (q == end && !final) return MORE;
    *pp = q;
    if (!s->depth) {
        for (; p < q; p++) {
            if (!is_space(*p)) return bad(s, "text outside of elements");
        }
        return GOOD;
    }
    if (!plain && !decode(p, &q, true, false)) return bad(s, "undefined entity");
    if (q > p) s->part->text(s->part->user, p, (int)(q - p));
    return GOOD;
}

static verdict scan(an__xlsx_scan *s, bool final)
{
    char *p = s->data, *end = s->data + s->used;
    verdict v = GOOD;
    *end = '<';
    while (p < end && v == GOOD && !s->part->stopped) {
        s->here = s->passed + (uint64_t)(p - s->data);
        if (*p != '<')
            v = text_run(s, &p, end, final);
        else if (end - p < 2)
            v = MORE;
        else if (p[1] == '/')
            v = end_tag(s, &p, end);
        else if (p[1] == '?' || p[1] == '!')
            v = other_tag(s, &p, end);
        else
            v = start_tag(s, &p, end);
        if (s->part->failed) v = BAD;
    }
    if (v == BAD) return BAD;
    if (s->part->stopped) return GOOD;
    size_t done = (size_t)(p - s->data);
    memmove(s->data, p, s->used - done);
    s->used -= done;
    s->passed += done;
    if (final && (v == MORE || s->depth || !s->root_seen)) return bad(s, "it ends too early");
    return GOOD;
}

/* Excel writes UTF-8; whatever else starts or says otherwise is left to expat. */
bool an__xlsx_scannable(const char *bytes, size_t n)
{
    if (n >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3)) {
        bytes += 3;
        n -= 3;
    }
    if (!n || *bytes != '<') return false;
    if (n < 5 || memcmp(bytes, "<?xml", 5)) return n > 1 && bytes[1]; /* UTF-16 has a zero there */
    const char *end = memmem(bytes, n, "?>", 2), *at = end ? memmem(bytes, (size_t)(end - bytes), "encoding", 8) : NULL;
    if (!end) return false;
    if (!at) return true;
    while (at < end && *at != '"' && *at != '\'') at++;
    return end - at >= 7 && !strncasecmp(at + 1, "utf-8", 5) && at[6] == at[0];
}

an__xlsx_scan *an__xlsx_scan_new(an__xlsx_part *part)
{
    an__xlsx_scan *s = an_alloc(sizeof *s);
    s->part = part;
    return s;
}

void an__xlsx_scan_free(an__xlsx_scan *s)
{
    if (s) free(s->data);
    free(s);
}

char *an__xlsx_scan_room(an__xlsx_scan *s, size_t *n)
{
    if (s->room - s->used < STEP) {
        size_t room = s->used + s->used / 2 + 2 * STEP;
        char *more = s->used > 4 * (size_t)AN__XLSX_TEXT ? NULL : realloc(s->data, room + 1);
        if (!more) return NULL;
        s->data = more;
        s->room = room;
    }
    *n = STEP;
    return s->data + s->used;
}

bool an__xlsx_scan_add(an__xlsx_scan *s, size_t n, bool final)
{
    s->used += n;
    if (!s->started) {
        static const char mark[] = "\xef\xbb\xbf";
        if (s->used < 3 && !final && !memcmp(s->data, mark, s->used)) return true;
        s->started = true;
        if (s->used >= 3 && !memcmp(s->data, mark, 3)) {
            s->used -= 3;
            memmove(s->data, s->data + 3, s->used);
        }
    }
    return scan(s, final) == GOOD;
}
