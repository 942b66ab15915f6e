/* xlsx_workbook.c - what an Excel file holds beside its sheets' cells: the list of sheets, styles that show dates, shared strings. */
#include "xlsx.h"

#include <stdlib.h>
#include <string.h>

/* ---- relations (ECMA-376 part 2, 9.3) ---- */

typedef struct relation {
    char *id, *type, *target; /* target: name of a part */
} relation;

typedef struct relations {
    const char *folder; /* of the part they belong to, "" or "xl" */
    relation *item;
    size_t count;
} relations;

/* "../a/b" in folder "xl" is "a/b"; "/a/b" is "a/b". */
static char *part_name(const char *folder, const char *target)
{
    if (*target == '/') return an_strdup(target + 1);
    char *up = an_strdup(folder);
    while (!strncmp(target, "../", 3) || !strncmp(target, "./", 2)) {
        bool parent = target[1] == '.';
        target += parent ? 3 : 2;
        char *slash = strrchr(up, '/');
        if (parent) *(slash ? slash : up) = '\0';
    }
    char *name = *up ? an_format("%s/%s", up, target) : an_strdup(target);
    free(up);
    return name;
}

static void relation_start(void *user, const char *name, const char **attributes)
{
    relations *r = user;
    if (strcmp(name, "Relationship")) return;
    const char *id = an__xlsx_attribute(attributes, "Id"), *type = an__xlsx_attribute(attributes, "Type");
    const char *target = an__xlsx_attribute(attributes, "Target");
    if (!id || !type || !target) return;
    if (!(r->count & (r->count - 1))) r->item = an_resize_n(r->item, r->count ? 2 * r->count : 1, sizeof *r->item);
    const char *slash = strrchr(type, '/');
    r->item[r->count++] = (relation){ an_strdup(id), an_strdup(slash ? slash + 1 : type), part_name(r->folder, target) };
}

static void relations_free(relations *r)
{
    for (size_t i = 0; i < r->count; i++) {
        free(r->item[i].id);
        free(r->item[i].type);
        free(r->item[i].target);
    }
    free(r->item);
    r->item = NULL;
    r->count = 0;
}

static const relation *find_type(const relations *r, const char *type)
{
    for (size_t i = 0; i < r->count; i++) {
        if (!strcmp(r->item[i].type, type)) return &r->item[i];
    }
    return NULL;
}

static const relation *find_id(const relations *r, const char *id)
{
    for (size_t i = 0; i < r->count; i++) {
        if (!strcmp(r->item[i].id, id)) return &r->item[i];
    }
    return NULL;
}

static bool read_relations(an__xlsx_package *p, const char *part, relations *r, an_error *err)
{
    an__xlsx_part xml = { .name = part, .start = relation_start, .user = r };
    return an__xlsx_parse(p, &xml, err);
}

/* ---- the list of sheets ---- */

typedef struct book_reader {
    an__xlsx_book *book;
    relations parts;
} book_reader;

static void book_start(void *user, const char *name, const char **attributes)
{
    book_reader *r = user;
    an__xlsx_book *b = r->book;
    if (!strcmp(name, "workbookPr")) {
        b->since_1904 = an__xlsx_true(an__xlsx_attribute(attributes, "date1904"));
    } else if (!strcmp(name, "sheet")) {
        const char *title = an__xlsx_attribute(attributes, "name"), *id = NULL, *state = an__xlsx_attribute(attributes, "state");
        for (const char **a = attributes; *a; a += 2) { /* r:id, and not an id of its own */
            if (strchr(a[0], ':') && !strcmp(an__xlsx_local(a[0]), "id")) id = a[1];
        }
        const relation *part = id ? find_id(&r->parts, id) : NULL;
        if (!title) return;
        if (!(b->sheets & (b->sheets - 1))) b->sheet = an_resize_n(b->sheet, b->sheets ? 2 * b->sheets : 1, sizeof *b->sheet);
        b->sheet[b->sheets++] = (an__xlsx_sheet){ .name = an_strdup(title),
                                                  .part = part && !strcmp(part->type, "worksheet") ? an_strdup(part->target) : NULL,
                                                  .hidden = state && strcmp(state, "visible") };
    }
}

bool an__xlsx_read_book(an__xlsx_package *p, an__xlsx_book *book, an_error *err)
{
    relations root = { .folder = "" };
    *book = (an__xlsx_book){ 0 };
    bool ok = !an__xlsx_has(p, "_rels/.rels") || read_relations(p, "_rels/.rels", &root, err);
    const relation *office = ok ? find_type(&root, "officeDocument") : NULL;
    char *part = an_strdup(office ? office->target : "xl/workbook.xml");
    relations_free(&root);
    char *slash = strrchr(part, '/');
    char *folder = slash ? an_strndup(part, (size_t)(slash - part)) : an_strdup("");
    char *beside = an_format("%s%s_rels/%s.rels", folder, *folder ? "/" : "", slash ? slash + 1 : part);
    book_reader r = { .book = book, .parts = { .folder = folder } };
    ok = ok && read_relations(p, beside, &r.parts, err);
    an__xlsx_part xml = { .name = part, .start = book_start, .user = &r };
    ok = ok && an__xlsx_parse(p, &xml, err);
    if (ok && !book->sheets) {
        ok = an_fail(err, AN_INPUT, "%s: the part %s names no sheet", p->what, part);
        an_hint(err, "is this a Word or PowerPoint file?");
    }
    const relation *styles = find_type(&r.parts, "styles"), *strings = find_type(&r.parts, "sharedStrings");
    if (styles) book->styles_part = an_strdup(styles->target);
    if (strings) book->strings_part = an_strdup(strings->target);
    relations_free(&r.parts);
    free(beside);
    free(folder);
    free(part);
    return ok;
}

void an__xlsx_free_book(an__xlsx_book *b)
{
    for (size_t i = 0; i < b->sheets; i++) {
        free(b->sheet[i].name);
        free(b->sheet[i].part);
    }
    free(b->sheet);
    free(b->styles_part);
    free(b->strings_part);
    free(b->kind);
    free(b->bytes);
    free(b->offset);
    *b = (an__xlsx_book){ 0 };
}

/* ---- styles ---- */

typedef struct custom_format {
    unsigned long id;
    an__xlsx_kind kind;
} custom_format;

typedef struct style_reader {
    an__xlsx_book *book;
    custom_format *custom;
    size_t customs;
    bool in_cells;
} style_reader;

static void style_start(void *user, const char *name, const char **attributes)
{
    style_reader *r = user;
    an__xlsx_book *b = r->book;
    const char *id = an__xlsx_attribute(attributes, "numFmtId");
    unsigned long number = id ? strtoul(id, NULL, 10) : 0;
    if (!strcmp(name, "numFmt")) {
        const char *code = an__xlsx_attribute(attributes, "formatCode");
        if (!code) return;
        if (!(r->customs & (r->customs - 1))) r->custom = an_resize_n(r->custom, r->customs ? 2 * r->customs : 1, sizeof *r->custom);
        r->custom[r->customs++] = (custom_format){ number, an__xlsx_format_kind(code) };
    } else if (!strcmp(name, "cellXfs")) {
        r->in_cells = true;
    } else if (r->in_cells && !strcmp(name, "xf")) {
        if (!(b->kinds & (b->kinds - 1))) b->kind = an_resize_n(b->kind, b->kinds ? 2 * b->kinds : 1, 1);
        an__xlsx_kind kind = an__xlsx_builtin_kind(number);
        for (size_t i = 0; i < r->customs; i++) { /* some writers redefine those below 164, too */
            if (r->custom[i].id == number) kind = r->custom[i].kind;
        }
        b->kind[b->kinds++] = (uint8_t)kind;
    }
}

static void style_end(void *user, const char *name)
{
    style_reader *r = user;
    if (!strcmp(name, "cellXfs")) r->in_cells = false;
}

bool an__xlsx_read_styles(an__xlsx_package *p, an__xlsx_book *book, an_error *err)
{
    if (!book->styles_part || !an__xlsx_has(p, book->styles_part)) return true;
    style_reader r = { .book = book };
    an__xlsx_part xml = { .name = book->styles_part, .start = style_start, .end = style_end, .user = &r };
    bool ok = an__xlsx_parse(p, &xml, err);
    free(r.custom);
    return ok;
}

/* ---- shared strings ---- */

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static size_t utf8(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    out[0] = (char)(0xe0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3f));
    out[2] = (char)(0x80 | (code & 0x3f));
    return 3;
}

void an__xlsx_clean_text(an_buf *text)
{
    char *from = text->data, *to = from, *end = from + text->size;
    if (!text->size) return;
    if (memmem(from, text->size, "_x", 2)) {
        while (from < end) {
            int a, b, c, d;
            if (end - from >= 7 && from[0] == '_' && from[1] == 'x' && from[6] == '_' && (a = hex(from[2])) >= 0 &&
                (b = hex(from[3])) >= 0 && (c = hex(from[4])) >= 0 && (d = hex(from[5])) >= 0) {
                uint32_t code = (uint32_t)(a << 12 | b << 8 | c << 4 | d);
                from += 7;
                if (code && (code < 0xd800 || code > 0xdfff)) to += utf8(code, to); /* never longer than the seven bytes */
            } else {
                *to++ = *from++;
            }
        }
        end = to;
    }
    char *start = text->data;
    while (start < end && (*start == ' ' || *start == '\t')) start++;
    while (end > start && (end[-1] == ' ' || end[-1] == '\t')) end--;
    memmove(text->data, start, (size_t)(end - start));
    text->size = (size_t)(end - start);
    text->data[text->size] = '\0';
}

typedef struct string_reader {
    an__xlsx_book *book;
    an__xlsx_part *part;
    an_buf text, quoted;
    bool in_item, in_text;
    int phonetic;
} string_reader;

static bool no_memory(const string_reader *r)
{
    return an_fail(r->part->err, AN_MEMORY, "no memory for the shared strings (%zu MB so far)", r->book->bytes_used >> 20);
}

static bool keep_string(string_reader *r)
{
    an__xlsx_book *b = r->book;
    an__xlsx_clean_text(&r->text);
    an_buf_clear(&r->quoted);
    if (!an__utf8_valid(r->text.data ? r->text.data : "", r->text.size) || (r->text.size && memchr(r->text.data, 0, r->text.size)))
        return an_fail(r->part->err, AN_INPUT, "shared string %zu is not UTF-8", b->strings);
    if (r->text.size) an_csv_quote(&r->quoted, r->text.data);
    if (b->strings + 2 > b->strings_room) {
        size_t room = b->strings_room ? 2 * b->strings_room : 1024;
        uint64_t *more = realloc(b->offset, room * sizeof *more);
        if (!more) return no_memory(r);
        if (!b->strings) more[0] = 0;
        b->offset = more;
        b->strings_room = room;
    }
    if (b->bytes_used + r->quoted.size > b->bytes_room) {
        size_t room = 2 * b->bytes_room + r->quoted.size + 65536;
        char *more = realloc(b->bytes, room);
        if (!more) return no_memory(r);
        b->bytes = more;
        b->bytes_room = room;
    }
    if (r->quoted.size) memcpy(b->bytes + b->bytes_used, r->quoted.data, r->quoted.size);
    b->bytes_used += r->quoted.size;
    b->offset[++b->strings] = b->bytes_used;
    return true;
}

static void string_start(void *user, const char *name, const char **attributes)
{
    string_reader *r = user;
    (void)attributes;
    if (!strcmp(name, "si")) {
        r->in_item = true;
        an_buf_clear(&r->text);
    } else if (!strcmp(name, "rPh")) { /* how to pronounce it: no part of the text */
        r->phonetic++;
    } else if (!strcmp(name, "t")) {
        r->in_text = r->in_item && !r->phonetic;
    }
}

static void string_end(void *user, const char *name)
{
    string_reader *r = user;
    if (!strcmp(name, "t")) {
        r->in_text = false;
    } else if (!strcmp(name, "rPh")) {
        if (r->phonetic) r->phonetic--;
    } else if (!strcmp(name, "si") && r->in_item) {
        r->in_item = false;
        if (!keep_string(r)) an__xlsx_give_up(r->part);
    }
}

static void string_text(void *user, const char *text, int n)
{
    string_reader *r = user;
    if (!r->in_text) return;
    if (r->text.size + (size_t)n > AN__XLSX_TEXT) {
        an_fail(r->part->err, AN_INPUT, "shared string %zu is longer than 16 MB", r->book->strings);
        an__xlsx_give_up(r->part);
        return;
    }
    an_buf_add(&r->text, text, (size_t)n);
}

bool an__xlsx_read_strings(an__xlsx_package *p, an__xlsx_book *book, an_error *err)
{
    if (!book->strings_part || !an__xlsx_has(p, book->strings_part)) return true;
    string_reader r = { .book = book };
    an__xlsx_part xml = {
        .name = book->strings_part, .start = string_start, .end = string_end, .text = string_text, .user = &r, .progress = true
    };
    r.part = &xml;
    bool ok = an__xlsx_parse(p, &xml, err);
    an_buf_free(&r.text);
    an_buf_free(&r.quoted);
    return ok;
}
