/* xlsx.c - a sheet of an Excel file as CSV text: which sheet and which cells of it, rows padded to one width, and notes for the person. */
#include "xlsx.h"

#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- which sheet ---- */

static char *sheet_list(const an__xlsx_book *b, const bool *listed)
{
    an_buf text = { 0 };
    for (size_t i = 0; i < b->sheets; i++) {
        if (listed && !listed[i]) continue;
        an_buf_printf(&text, "%s%s%s", text.size ? ", " : "", b->sheet[i].name, b->sheet[i].hidden ? " (hidden)" : "");
        if (text.size > 300) {
            an_buf_puts(&text, " ...");
            break;
        }
    }
    return an_buf_take(&text);
}

static const an__xlsx_sheet *named_sheet(const an__xlsx_book *b, const char *name, size_t n)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < b->sheets; i++) {
            const char *other = b->sheet[i].name;
            if (strlen(other) == n && !(pass ? strncasecmp(other, name, n) : strncmp(other, name, n))) return &b->sheet[i];
        }
    }
    char *end;
    unsigned long number = strtoul(name, &end, 10);
    return *name >= '1' && *name <= '9' && end == name + n && number <= b->sheets ? &b->sheet[number - 1] : NULL;
}

/* The only visible sheet that holds values, or the only one at all. */
static const an__xlsx_sheet *only_sheet(an__xlsx_package *p, const an__xlsx_book *b, an_list *notes, an_error *err)
{
    bool *used = an_alloc_n(b->sheets, sizeof *used);
    size_t visible = 0, hidden = 0, found = 0;
    for (size_t i = 0; i < b->sheets; i++) {
        if (!an__xlsx_sheet_used(p, &b->sheet[i], &used[i], err)) {
            free(used);
            return NULL;
        }
        if (!used[i]) continue;
        if (b->sheet[i].hidden) {
            hidden++;
            if (!visible) found = i;
        } else {
            if (!visible++) found = i;
        }
    }
    for (size_t i = 0; visible > 1 && i < b->sheets; i++) used[i] &= !b->sheet[i].hidden;
    char *list = sheet_list(b, used);
    const an__xlsx_sheet *sheet = NULL;
    if (visible == 1 || (!visible && hidden == 1)) {
        sheet = &b->sheet[found];
        if (visible && hidden && notes)
            an_list_add_take(notes, an_format("sheet %s is read; hidden sheets hold values, too (%s)", sheet->name, list));
    } else if (!visible && !hidden) {
        an_fail(err, AN_INPUT, "%s: no sheet holds any value", p->what);
    } else {
        an_fail(err, AN_INPUT, "%s: %zu sheets hold values: %s", p->what, visible ? visible : hidden, list);
        an_hint(err, "choose one with --sheet \"%s\"", b->sheet[found].name);
    }
    free(list);
    free(used);
    return sheet;
}

/* "A1:C20" */
static bool parse_range(const char *text, an__xlsx_range *range)
{
    const char *p = an__xlsx_cell_parse(text, &range->row1, &range->column1);
    if (!p || *p != ':') return false;
    p = an__xlsx_cell_parse(p + 1, &range->row2, &range->column2);
    if (!p || *p) return false;
    if (!range->row1 && !range->row2) { /* A:C */
        range->row1 = 1;
        range->row2 = AN__XLSX_ROWS;
    }
    return range->row1 && range->row1 <= range->row2 && range->column1 <= range->column2;
}

/* Name or number, with !A1:C20 behind it or alone. */
static const an__xlsx_sheet *choose_sheet(an__xlsx_package *p, const an__xlsx_book *b, const char *wanted, an__xlsx_range *range,
                                          an_list *notes, an_error *err)
{
    *range = (an__xlsx_range){ 0 };
    if (!wanted || !*wanted) return only_sheet(p, b, notes, err);
    const an__xlsx_sheet *sheet = named_sheet(b, wanted, strlen(wanted));
    const char *mark = sheet ? NULL : strrchr(wanted, '!');
    if (mark) {
        if (!parse_range(mark + 1, range)) {
            an_fail(err, AN_USAGE, "%s: --sheet \"%s\": \"%s\" is no range of cells", p->what, wanted, mark + 1);
            an_hint(err, "such as --sheet \"%s!A1:F200\"", b->sheet[0].name);
            return NULL;
        }
        size_t n = (size_t)(mark - wanted);
        if (!n) return only_sheet(p, b, notes, err);
        bool quoted = n > 2 && wanted[0] == '\'' && wanted[n - 1] == '\'';
        sheet = named_sheet(b, wanted + quoted, n - 2 * quoted);
    }
    if (sheet && !sheet->part) {
        an_fail(err, AN_INPUT, "%s: the sheet %s is a chart and holds no cells", p->what, sheet->name);
        return NULL;
    }
    if (sheet) return sheet;
    char *list = sheet_list(b, NULL);
    an_fail(err, AN_NOT_FOUND, "%s: there is no sheet %s; there are: %s", p->what, wanted, list);
    const char **names = an_alloc_n(b->sheets, sizeof *names);
    for (size_t i = 0; i < b->sheets; i++) names[i] = b->sheet[i].name;
    const char *near = an_nearest(wanted, names, b->sheets);
    if (near) an_hint(err, "did you mean %s?", near);
    free(names);
    free(list);
    return NULL;
}

/* ---- notes ---- */

static bool marked(const uint64_t *set, uint32_t column)
{
    return set[(column - 1) / 64] >> ((column - 1) % 64) & 1;
}

static char *column_list(const uint64_t *set)
{
    an_buf text = { 0 };
    size_t n = 0;
    for (uint32_t c = 1; c <= AN__XLSX_COLUMNS; c++) {
        char name[16];
        if (!marked(set, c) || n++ >= 6) continue;
        an__xlsx_cell_name(0, c, name);
        an_buf_printf(&text, "%s%s", text.size ? ", " : "", name);
    }
    if (n > 6) an_buf_printf(&text, " and %zu more", n - 6);
    return n ? an_buf_take(&text) : NULL;
}

static char *range_text(uint32_t row1, uint32_t column1, uint32_t row2, uint32_t column2)
{
    char from[16], to[16];
    an__xlsx_cell_name(row1, column1, from);
    an__xlsx_cell_name(row2, column2, to);
    return an_format("%s:%s", from, to);
}

/* Columns that hold nothing between columns that do: tables side by side. */
static void note_columns(const an__xlsx_rows *r, const char *sheet, uint32_t low, uint32_t high, uint32_t row1, uint32_t row2,
                         an_list *notes)
{
    an_buf ranges = { 0 };
    char *first = NULL;
    size_t groups = 0;
    for (uint32_t c = low; c <= high;) {
        uint32_t end = c;
        while (end < high && marked(r->used, end + 1)) end++;
        char *range = range_text(row1, c, row2, end);
        if (groups++ < 4) an_buf_printf(&ranges, "%s%s", groups > 1 ? " and " : "", range);
        if (!first) first = an_strdup(range);
        free(range);
        for (c = end + 1; c <= high && !marked(r->used, c);) c++;
    }
    if (groups > 1)
        an_list_add_take(notes,
                         an_format("sheet %s: blank columns separate %s%s; if these are separate tables, read one with --sheet \"%s!%s\"",
                                   sheet, ranges.data, groups > 4 ? " and more" : "", sheet, first));
    an_buf_free(&ranges);
    free(first);
}

/* Blocks one below the other. One row or one column (a title, a remark) makes no table. */
static void note_blocks(const an__xlsx_rows *r, const char *sheet, an_list *notes)
{
    an_buf ranges = { 0 };
    char *first = NULL;
    size_t tables = 0;
    for (size_t i = 0; i < r->blocks && i < AN__XLSX_BLOCKS; i++) {
        const an__xlsx_block *b = &r->block[i];
        if (b->row1 == b->row2 || b->column1 == b->column2) continue;
        char *range = range_text(b->row1, b->column1, b->row2, b->column2);
        if (tables++ < 4) an_buf_printf(&ranges, "%s%s", tables > 1 ? " and " : "", range);
        if (!first) first = an_strdup(range);
        free(range);
    }
    if (tables > 1)
        an_list_add_take(notes,
                         an_format("sheet %s: blank rows separate %s%s; if these are separate tables, read one with --sheet \"%s!%s\"",
                                   sheet, ranges.data, tables > 4 || r->blocks > AN__XLSX_BLOCKS ? " and more" : "", sheet, first));
    an_buf_free(&ranges);
    free(first);
}

static void make_notes(const an__xlsx_rows *r, const char *sheet, uint32_t low, uint32_t high, an_list *notes)
{
    if (r->merges) {
        an_buf list = { 0 };
        for (size_t i = 0; i < r->merged.count; i++) an_buf_printf(&list, "%s%s", i ? ", " : "", r->merged.items[i]);
        if (r->merges > r->merged.count) an_buf_printf(&list, " and %zu more", r->merges - r->merged.count);
        an_list_add_take(notes, an_format("sheet %s: merged cells %s: the value stands in the first cell, the others are missing", sheet,
                                          list.data ? list.data : ""));
        an_buf_free(&list);
    }
    uint32_t row1 = 0;
    for (size_t i = 0; !row1 && i < r->lines; i++) row1 = r->line[i].width ? (uint32_t)i + 1 : 0;
    if (high) note_columns(r, sheet, low, high, row1, (uint32_t)r->lines, notes);
    note_blocks(r, sheet, notes);
    char *percent = column_list(r->percent), *clock = column_list(r->clock);
    if (percent)
        an_list_add_take(notes, an_format("sheet %s: column %s shows percent; the values are fractions (5 %% is 0.05)", sheet, percent));
    if (clock)
        an_list_add_take(notes, an_format("sheet %s: column %s holds times without a date; they are text such as 07:30:00", sheet, clock));
    if (r->unsaved_formulas)
        an_list_add_take(notes,
                         an_format("sheet %s: formulas without a stored result: %zu, the first in %s; open and save the file in Excel",
                                   sheet, r->unsaved_formulas, r->unsaved_at));
    if (r->comma_numbers)
        an_list_add_take(notes,
                         an_format("sheet %s: numbers with a decimal comma that are text: %zu, the first in %s; turn them into numbers "
                                   "in Excel (Data, Text to Columns)",
                                   sheet, r->comma_numbers, r->comma_at));
    if (r->hidden_rows) an_list_add_take(notes, an_format("sheet %s: hidden rows are read, too (%zu)", sheet, r->hidden_rows));
    free(percent);
    free(clock);
}

/* ---- rows of one width ---- */

/* Drops the fields left of column `low` (all of them empty, so one comma each) and pads to column `high`. */
static bool put_rows(const an__xlsx_rows *r, const char *spool, uint32_t low, uint32_t high, FILE *out, an_job *job, an_error *err)
{
    char *commas = an_alloc_n(AN__XLSX_COLUMNS, 1);
    memset(commas, ',', AN__XLSX_COLUMNS);
    bool ok = true;
    for (size_t i = 0; ok && i < r->lines; i++) {
        const an__xlsx_line *line = &r->line[i];
        if (line->width) {
            fwrite_unlocked(spool + low - 1, 1, line->bytes - (low - 1), out);
            fwrite_unlocked(commas, 1, high - line->width, out);
            spool += line->bytes;
        }
        putc_unlocked('\n', out);
        if (i % 4096 == 0) ok = an_job_check(job, err);
    }
    free(commas);
    if (ok && (fflush(out) || ferror(out))) {
        an_fail_errno(err, "writing the sheet as CSV");
        ok = an_hint(err, "set TMPDIR to a folder with room for it");
    }
    return ok;
}

static bool finish(const an__xlsx_package *p, const an__xlsx_rows *r, const char *sheet, FILE *out, an_list *notes, an_job *job,
                   an_error *err)
{
    uint32_t low = 1, high = AN__XLSX_COLUMNS;
    while (low <= high && !marked(r->used, low)) low++;
    while (high > low && !marked(r->used, high)) high--;
    if (low > AN__XLSX_COLUMNS) return an_fail(err, AN_INPUT, "%s: the sheet %s holds no value there", p->what, sheet);
    if (notes) make_notes(r, sheet, low, high, notes);
    uint64_t total = r->spooled;
    for (size_t i = 0; i < r->lines; i++) total += r->line[i].width ? high - r->line[i].width + 1 : 1;
    if (total > p->limits.bytes && total / p->limits.ratio > r->spooled) {
        char far[16];
        an__xlsx_cell_name(0, high, far);
        an_fail(err, AN_INPUT, "%s: the sheet %s would be %.3g GB of text, nearly all of it blank, because something stands in column %s",
                p->what, sheet, (double)total / 1073741824.0, far);
        return an_hint(err, "name the cells of the table, such as --sheet \"%s!A1:F200\"", sheet);
    }
    void *map = mmap(NULL, r->spooled, PROT_READ, MAP_PRIVATE, fileno(r->spool), 0);
    if (map == MAP_FAILED) return an_fail_errno(err, "%s: the unpacked sheet cannot be mapped", p->what);
    madvise(map, r->spooled, MADV_SEQUENTIAL);
    bool ok = put_rows(r, map, low, high, out, job, err);
    munmap(map, r->spooled);
    return ok;
}

bool an__xlsx_convert(const char *bytes, size_t n, const char *what, const char *sheet, const an__xlsx_limits *limits, FILE *out,
                      an_list *notes, an_job *job, an_error *err)
{
    an__xlsx_package p;
    an__xlsx_book book = { 0 };
    an__xlsx_rows *rows = an_alloc(sizeof *rows);
    an__xlsx_range range;
    if (!an__xlsx_open(&p, bytes, n, what, limits, job, err)) {
        free(rows);
        return false;
    }
    an_job_stage(job, "unpacking");
    bool ok = an__xlsx_read_book(&p, &book, err);
    const an__xlsx_sheet *chosen = ok ? choose_sheet(&p, &book, sheet, &range, notes, err) : NULL;
    ok = chosen && an__xlsx_read_styles(&p, &book, err) && an__xlsx_read_strings(&p, &book, err);
    if (ok) {
        int fd = an__spill_open(err);
        rows->spool = fd >= 0 ? fdopen(fd, "w+") : NULL;
        if (fd >= 0 && !rows->spool) close(fd);
        ok = rows->spool != NULL;
    }
    ok = ok && an__xlsx_read_sheet(&p, &book, chosen, &range, rows, err);
    if (ok && (fflush(rows->spool) || ferror(rows->spool))) {
        an_fail_errno(err, "writing the unpacked sheet");
        ok = an_hint(err, "set TMPDIR to a folder with room for it");
    }
    ok = ok && finish(&p, rows, chosen->name, out, notes, job, err);
    an__xlsx_free_rows(rows);
    free(rows);
    an__xlsx_free_book(&book);
    an__xlsx_close(&p);
    return ok;
}
