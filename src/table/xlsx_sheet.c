/* xlsx_sheet.c - the cells of one sheet (ECMA-376 part 1, 18.3.1) as rows of CSV fields in a spool file, with a record of how long and how
 * wide each row is, and of what a reader of the table should be told. Padding and notes are made in xlsx.c. */
#include "xlsx.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FLUSH = 1 << 18, MERGES_KEPT = 3 };

typedef enum cell_type { CELL_NUMBER, CELL_SHARED, CELL_TEXT, CELL_INLINE, CELL_BOOLEAN, CELL_ERROR, CELL_DATE } cell_type;

typedef struct sheet_reader {
    const an__xlsx_book *book;
    const an__xlsx_limits *limits;
    an__xlsx_part *part;
    an__xlsx_rows *out;
    an__xlsx_range range;
    uint32_t row, column;  /* of the last row and cell begun */
    uint32_t width, first; /* of the row: last and first column that hold something */
    bool in_data, in_row, in_cell, in_value, in_inline, formula;
    int phonetic;
    cell_type type;
    an__xlsx_kind kind;
    an_buf value, line, pending; /* value of a cell; the row; rows not yet in the spool */
} sheet_reader;

/* ---- names of cells ---- */

void an__xlsx_cell_name(uint32_t row, uint32_t column, char out[16])
{
    char letters[8];
    int n = 0;
    for (; column; column = (column - 1) / 26) letters[n++] = (char)('A' + (column - 1) % 26);
    char *p = out;
    while (n) *p++ = letters[--n];
    *p = '\0';
    if (row) snprintf(p, 16 - (size_t)(p - out), "%" PRIu32, row);
}

const char *an__xlsx_cell_parse(const char *text, uint32_t *row, uint32_t *column)
{
    uint32_t c = 0, r = 0;
    for (; (*text >= 'A' && *text <= 'Z') || (*text >= 'a' && *text <= 'z'); text++) {
        c = c * 26 + (uint32_t)(*text | 32) - 'a' + 1;
        if (c > AN__XLSX_COLUMNS) return NULL;
    }
    for (; *text >= '0' && *text <= '9'; text++) {
        r = r * 10 + (uint32_t)(*text - '0');
        if (r > AN__XLSX_ROWS) return NULL;
    }
    *row = r;
    *column = c;
    return c ? text : NULL;
}

/* ---- rows ---- */

static void mark(uint64_t *set, uint32_t column)
{
    set[(column - 1) / 64] |= UINT64_C(1) << ((column - 1) % 64);
}

static void give_up(sheet_reader *s, const char *problem)
{
    char at[16];
    an__xlsx_cell_name(s->row, s->column ? s->column : 1, at);
    an_fail(s->part->err, AN_INPUT, "cell %s: %s", at, problem);
    an_hint(s->part->err, "open the file in Excel, let it repair it, and save it again");
    an__xlsx_give_up(s->part);
}

static bool flush(sheet_reader *s)
{
    if (s->pending.size && fwrite(s->pending.data, 1, s->pending.size, s->out->spool) != s->pending.size) {
        an_fail_errno(s->part->err, "writing the unpacked sheet");
        return an_hint(s->part->err, "set TMPDIR to a folder with room for it");
    }
    s->out->spooled += s->pending.size;
    an_buf_clear(&s->pending);
    /* a long shared string in a million cells, or one cell far to the right in each row */
    if (s->out->spooled > s->limits->bytes && s->out->spooled / s->limits->ratio > s->part->bytes) {
        an_fail(s->part->err, AN_INPUT, "the cells unfold to more than %.3g GB from very little: it looks like a zip bomb",
                (double)s->limits->bytes / 1073741824.0);
        return an_hint(s->part->err, "if the file is what it should be, export the sheet as CSV");
    }
    return true;
}

/* A record for every row up to `row`. */
static bool reach(sheet_reader *s, uint32_t row)
{
    an__xlsx_rows *o = s->out;
    if (row > o->lines_room) {
        size_t room = 2 * o->lines_room > row ? 2 * o->lines_room : row + 1024;
        an__xlsx_line *more = realloc(o->line, room * sizeof *more);
        if (!more) {
            an_fail(s->part->err, AN_MEMORY, "no memory for a sheet of %" PRIu32 " rows", row);
            an__xlsx_give_up(s->part);
            return false;
        }
        o->line = more;
        o->lines_room = room;
    }
    if (row > o->lines) {
        memset(o->line + o->lines, 0, (row - o->lines) * sizeof *o->line);
        o->lines = row;
    }
    return true;
}

static void end_row(sheet_reader *s)
{
    an__xlsx_rows *o = s->out;
    s->in_row = false;
    if (!s->width || !reach(s, s->row)) return;
    if (s->line.size > UINT32_MAX / 2) {
        give_up(s, "the row is longer than 2 GB");
        return;
    }
    o->line[s->row - 1] = (an__xlsx_line){ (uint32_t)s->line.size, s->width };
    an_buf_add(&s->pending, s->line.data, s->line.size);
    if (s->pending.size >= FLUSH && !flush(s)) an__xlsx_give_up(s->part);
    an__xlsx_block *last = o->blocks && o->blocks <= AN__XLSX_BLOCKS ? &o->block[o->blocks - 1] : NULL;
    bool joined = o->lines > 1 && s->row > 1 && o->line[s->row - 2].width;
    if (!joined) {
        if (o->blocks < AN__XLSX_BLOCKS) o->block[o->blocks] = (an__xlsx_block){ s->row, s->row, s->first, s->width };
        o->blocks++;
    } else if (last) {
        last->row2 = s->row;
        if (s->first < last->column1) last->column1 = s->first;
        if (s->width > last->column2) last->column2 = s->width;
    }
}

/* Room for a field in the current cell's column: commas up to it. */
static void place(sheet_reader *s)
{
    static const char commas[] = ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,";
    uint32_t n = s->column - (s->width ? s->width : 1);
    while (n) {
        uint32_t step = n < sizeof commas - 1 ? n : (uint32_t)sizeof commas - 1;
        an_buf_add(&s->line, commas, step);
        n -= step;
    }
    if (!s->width) s->first = s->column;
    s->width = s->column;
    mark(s->out->used, s->column);
}

/* ---- cells ---- */

/* Excel writes 17 digits, so that 3.14 may stand as 3.1400000000000001: told by runs of zeroes or nines, the shortest text is put. */
static bool noisy(const char *text, size_t n)
{
    size_t count = 0, run = 0, longest = 0;
    char last = 0;
    if (n < 17) return false;
    for (size_t i = 0; i < n && (text[i] | 32) != 'e'; i++) {
        if (text[i] < '0' || text[i] > '9') continue;
        count += count || text[i] != '0';
        run = text[i] == last ? run + 1 : 1;
        last = text[i];
        if ((last == '0' || last == '9') && run > longest && count > 8) longest = run;
    }
    return count >= 17 && longest >= 4;
}

static bool plain_number(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && (c | 32) != 'e') return false;
    }
    return true;
}

static void put_text(sheet_reader *s)
{
    an__xlsx_clean_text(&s->value);
    if (!s->value.size) return;
    if (!an__utf8_valid(s->value.data, s->value.size) || memchr(s->value.data, 0, s->value.size)) {
        give_up(s, "the text is not UTF-8");
        return;
    }
    place(s);
    an_csv_quote(&s->line, s->value.data);
    /* 12,5 as text: a number with a decimal comma that Excel did not take for one */
    const char *p = s->value.data + strspn(s->value.data, "+-"), *comma = p + strspn(p, "0123456789");
    if (*comma == ',' && comma > p && comma[1] && !comma[1 + strspn(comma + 1, "0123456789")] && !s->out->comma_numbers++)
        an__xlsx_cell_name(s->row, s->column, s->out->comma_at);
}

static void put_number(sheet_reader *s)
{
    const char *text = s->value.data;
    size_t n = s->value.size;
    char date[40];
    double value;
    if (!plain_number(text, n)) {
        put_text(s);
        return;
    }
    place(s);
    if (s->kind >= XLSX_DATE && an_real_parse(text, n, &value) && an__xlsx_date_text(value, s->kind, s->book->since_1904, date)) {
        an_buf_puts(&s->line, date);
        if (!strchr(date, '-')) mark(s->out->clock, s->column);
        return;
    }
    if (s->kind == XLSX_PERCENT) mark(s->out->percent, s->column);
    if (noisy(text, n) && an_real_parse(text, n, &value)) {
        an_buf_puts(&s->line, an_real_text(value, date));
    } else {
        an_buf_add(&s->line, text, n);
    }
}

static void put_shared(sheet_reader *s)
{
    char *end;
    unsigned long at = strtoul(s->value.data, &end, 10);
    if (end == s->value.data || *end || at >= s->book->strings) {
        give_up(s, "it points to a shared string that is not there");
        return;
    }
    size_t n = s->book->offset[at + 1] - s->book->offset[at];
    if (!n) return;
    place(s);
    an_buf_add(&s->line, s->book->bytes + s->book->offset[at], n);
    if (n > 4 && s->line.data[s->line.size - 1] == '"' && s->book->bytes[s->book->offset[at] + 1] <= '9') {
        const char *field = s->book->bytes + s->book->offset[at] + 1, *p = field + (*field == '-');
        size_t whole = strspn(p, "0123456789"), rest = p[whole] == ',' ? strspn(p + whole + 1, "0123456789") : 0;
        if (whole && rest && p + whole + 1 + rest == field + n - 2 && !s->out->comma_numbers++)
            an__xlsx_cell_name(s->row, s->column, s->out->comma_at);
    }
}

static void end_cell(sheet_reader *s)
{
    s->in_cell = false;
    if (s->formula && !s->value.size && s->type != CELL_TEXT && !s->out->unsaved_formulas++)
        an__xlsx_cell_name(s->row, s->column, s->out->unsaved_at);
    const an__xlsx_range *r = &s->range;
    bool outside = r->row1 && (s->row < r->row1 || s->row > r->row2 || s->column < r->column1 || s->column > r->column2);
    if (!s->value.size || outside) return;
    switch (s->type) {
    case CELL_NUMBER:
        put_number(s);
        return;
    case CELL_SHARED:
        put_shared(s);
        return;
    case CELL_BOOLEAN:
        place(s);
        an_buf_puts(&s->line, an__xlsx_true(s->value.data) ? "true" : "false");
        return;
    default: /* errors as written, dates are ISO 8601 already */
        put_text(s);
        return;
    }
}

static bool begin_row(sheet_reader *s, const char **attributes)
{
    const char *r = an__xlsx_attribute(attributes, "r"), *hidden = an__xlsx_attribute(attributes, "hidden");
    unsigned long row = s->row + 1ul;
    if (r) {
        char *end;
        row = strtoul(r, &end, 10);
        if (end == r || *end) row = 0;
    }
    if (row <= s->row || row > AN__XLSX_ROWS) {
        give_up(s, row > AN__XLSX_ROWS ? "a row beyond Excel's last follows" : "the row behind it does not come in order");
        return false;
    }
    s->row = (uint32_t)row;
    s->column = s->width = s->first = 0;
    s->in_row = true;
    s->out->hidden_rows += an__xlsx_true(hidden);
    an_buf_clear(&s->line);
    return true;
}

static void begin_cell(sheet_reader *s, const char **attributes)
{
    const char *at = NULL, *style = NULL, *type = "n";
    for (; *attributes; attributes += 2) {
        if (attributes[0][1]) continue;
        if (*attributes[0] == 'r') at = attributes[1];
        if (*attributes[0] == 's') style = attributes[1];
        if (*attributes[0] == 't') type = attributes[1];
    }
    uint32_t row = 0, column = s->column + 1;
    if (at) {
        const char *end = an__xlsx_cell_parse(at, &row, &column);
        if (!end || *end || row != s->row || column <= s->column) {
            give_up(s, "the cell behind it has a wrong address or does not come in order");
            return;
        }
    }
    if (column > AN__XLSX_COLUMNS) {
        give_up(s, "a cell beyond Excel's last column follows");
        return;
    }
    s->column = column;
    s->in_cell = true;
    s->formula = false;
    an_buf_clear(&s->value);
    unsigned long number = style ? strtoul(style, NULL, 10) : 0;
    s->kind = number < s->book->kinds ? (an__xlsx_kind)s->book->kind[number] : XLSX_NUMBER;
    s->type = !strcmp(type, "s")           ? CELL_SHARED
              : !strcmp(type, "str")       ? CELL_TEXT
              : !strcmp(type, "inlineStr") ? CELL_INLINE
              : !strcmp(type, "b")         ? CELL_BOOLEAN
              : !strcmp(type, "e")         ? CELL_ERROR
              : !strcmp(type, "d")         ? CELL_DATE
                                           : CELL_NUMBER;
}

/* ---- expat ---- */

static void sheet_start(void *user, const char *name, const char **attributes)
{
    sheet_reader *s = user;
    if (s->in_cell) {
        if (!strcmp(name, "v"))
            s->in_value = s->type != CELL_INLINE;
        else if (!strcmp(name, "f"))
            s->formula = true;
        else if (!strcmp(name, "is"))
            s->in_inline = s->type == CELL_INLINE;
        else if (!strcmp(name, "rPh"))
            s->phonetic++;
        else if (!strcmp(name, "t"))
            s->in_value = s->in_inline && !s->phonetic;
    } else if (s->in_row) {
        if (!strcmp(name, "c")) begin_cell(s, attributes);
    } else if (s->in_data) {
        if (!strcmp(name, "row")) begin_row(s, attributes);
    } else if (!strcmp(name, "sheetData")) {
        s->in_data = true;
    } else if (!strcmp(name, "mergeCell")) {
        const char *at = an__xlsx_attribute(attributes, "ref");
        if (at && s->out->merges++ < MERGES_KEPT && strlen(at) < 32) an_list_add(&s->out->merged, at);
    }
}

static void sheet_end(void *user, const char *name)
{
    sheet_reader *s = user;
    if (s->in_cell) {
        if (!strcmp(name, "v") || !strcmp(name, "t"))
            s->in_value = false;
        else if (!strcmp(name, "is"))
            s->in_inline = false;
        else if (!strcmp(name, "rPh"))
            s->phonetic -= s->phonetic > 0;
        else if (!strcmp(name, "c"))
            end_cell(s);
    } else if (s->in_row) {
        if (!strcmp(name, "row")) end_row(s);
    } else if (s->in_data) {
        if (!strcmp(name, "sheetData")) s->in_data = false;
    }
}

static void sheet_text(void *user, const char *text, int n)
{
    sheet_reader *s = user;
    if (!s->in_value) return;
    if (s->value.size + (size_t)n > AN__XLSX_TEXT) {
        give_up(s, "the text is longer than 16 MB");
        return;
    }
    an_buf_add(&s->value, text, (size_t)n);
}

static bool read_cells(an__xlsx_package *p, const char *xml, size_t n, bool careful, const an__xlsx_book *book, const char *part,
                       const an__xlsx_range *range, an__xlsx_rows *rows, an_error *err)
{
    sheet_reader s = { .book = book, .out = rows, .limits = p ? &p->limits : &an__xlsx_usual };
    if (range) s.range = *range;
    an__xlsx_part reading = {
        .name = part, .start = sheet_start, .end = sheet_end, .text = sheet_text, .user = &s, .progress = true, .careful = careful
    };
    s.part = &reading;
    bool ok = p ? an__xlsx_parse(p, &reading, err) : an__xlsx_parse_bytes(&reading, xml, n, "the sheet", err);
    ok = ok && flush(&s);
    an_buf_free(&s.value);
    an_buf_free(&s.line);
    an_buf_free(&s.pending);
    return ok;
}

bool an__xlsx_read_sheet(an__xlsx_package *p, const an__xlsx_book *book, const an__xlsx_sheet *sheet, const an__xlsx_range *range,
                         an__xlsx_rows *rows, an_error *err)
{
    return read_cells(p, NULL, 0, false, book, sheet->part, range, rows, err);
}

bool an__xlsx_read_sheet_bytes(const an__xlsx_book *book, const char *xml, size_t n, bool careful, const an__xlsx_range *range,
                               an__xlsx_rows *rows, an_error *err)
{
    return read_cells(NULL, xml, n, careful, book, "sheet", range, rows, err);
}

void an__xlsx_free_rows(an__xlsx_rows *rows)
{
    if (rows->spool) fclose(rows->spool);
    free(rows->line);
    an_list_free(&rows->merged);
    *rows = (an__xlsx_rows){ 0 };
}

/* ---- is anything there? ---- */

typedef struct used_reader {
    an__xlsx_part *part;
    bool inside, found;
} used_reader;

static void used_start(void *user, const char *name, const char **attributes)
{
    used_reader *r = user;
    (void)attributes;
    if (!strcmp(name, "v") || !strcmp(name, "t")) r->inside = true;
}

static void used_end(void *user, const char *name)
{
    used_reader *r = user;
    (void)name;
    r->inside = false;
}

static void used_text(void *user, const char *text, int n)
{
    used_reader *r = user;
    (void)text;
    if (!r->inside || !n) return;
    r->found = true;
    an__xlsx_stop(r->part);
}

bool an__xlsx_sheet_used(an__xlsx_package *p, const an__xlsx_sheet *sheet, bool *used, an_error *err)
{
    used_reader r = { 0 };
    *used = false;
    if (!sheet->part) return true;
    an__xlsx_part part = { .name = sheet->part, .start = used_start, .end = used_end, .text = used_text, .user = &r };
    r.part = &part;
    bool ok = an__xlsx_parse(p, &part, err);
    *used = r.found;
    return ok;
}
