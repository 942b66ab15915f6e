/* xlsx.h - what the files of the Excel reader share (ECMA-376, parts 1 and 2; transitional and strict alike, because only local names of
 * elements are looked at). */
#ifndef ANDON_TABLE_XLSX_H
#define ANDON_TABLE_XLSX_H

#include "impl.h"

#include <expat.h>
#include <string.h>
#include <zip.h>

enum { AN__XLSX_COLUMNS = 16384, AN__XLSX_ROWS = 1048576, AN__XLSX_TEXT = 16 << 20 }; /* Excel's own limits; bytes of one cell */

/* What is taken for a zip bomb: more than `bytes` unpacked that are also more than `ratio` times the packed bytes, or more than `most`. */
typedef struct an__xlsx_limits {
    uint64_t bytes, ratio, most;
} an__xlsx_limits;
extern const an__xlsx_limits an__xlsx_usual;

/* ---- xlsx_package.c: the zip archive and its parts ---- */

typedef struct an__xlsx_package {
    zip_t *zip;
    const char *what; /* file, for messages */
    an__xlsx_limits limits;
    an_job *job;
} an__xlsx_package;

/* bytes stay in use until the package is closed. Says what the file is where it is no .xlsx: encrypted, .xls, .xlsb, .ods, other zip. */
bool an__xlsx_open(an__xlsx_package *p, const char *bytes, size_t n, const char *what, const an__xlsx_limits *limits, an_job *job,
                   an_error *err);
void an__xlsx_close(an__xlsx_package *p);

/* A part on its way through the quick reader or expat. Handlers are called with `user` and names without prefix; they end the reading by
 * an__xlsx_stop, or, having filled part->err, by an__xlsx_give_up. */
typedef struct an__xlsx_part {
    const char *name;
    XML_StartElementHandler start;
    XML_EndElementHandler end;
    XML_CharacterDataHandler text;
    void *user;
    bool progress; /* report bytes to the job */
    bool careful;  /* expat, and not the quick reader */
    XML_Parser parser;
    an_error *err;
    bool stopped, failed;
    uint64_t bytes; /* unpacked so far */
} an__xlsx_part;

bool an__xlsx_parse(an__xlsx_package *p, an__xlsx_part *part, an_error *err);
/* The same over bytes that are XML already (for the fuzzer). */
bool an__xlsx_parse_bytes(an__xlsx_part *part, const char *bytes, size_t n, const char *what, an_error *err);
void an__xlsx_stop(an__xlsx_part *part);
void an__xlsx_give_up(an__xlsx_part *part);
bool an__xlsx_has(const an__xlsx_package *p, const char *part);

static inline const char *an__xlsx_local(const char *name) /* without a prefix such as x: */
{
    const char *colon = strchr(name, ':');
    return colon ? colon + 1 : name;
}
const char *an__xlsx_attribute(const char **attributes, const char *name); /* by local name; NULL: absent */
bool an__xlsx_true(const char *value);                                     /* "1" and "true" */

/* ---- xlsx_scan.c: the quick reader ---- */

typedef struct an__xlsx_scan an__xlsx_scan;
bool an__xlsx_scannable(const char *bytes, size_t n); /* from the first bytes of a part */
an__xlsx_scan *an__xlsx_scan_new(an__xlsx_part *part);
char *an__xlsx_scan_room(an__xlsx_scan *s, size_t *n);          /* where the next bytes may be put; NULL: too long a text, or no memory */
bool an__xlsx_scan_add(an__xlsx_scan *s, size_t n, bool final); /* n bytes were put there; false: part->failed and part->err say why */
void an__xlsx_scan_free(an__xlsx_scan *s);

/* ---- xlsx_format.c: numbers that are dates ---- */

typedef enum an__xlsx_kind { XLSX_NUMBER, XLSX_PERCENT, XLSX_DATE, XLSX_TIME, XLSX_ELAPSED } an__xlsx_kind;

an__xlsx_kind an__xlsx_builtin_kind(unsigned long id);  /* number formats below 164 */
an__xlsx_kind an__xlsx_format_kind(const char *format); /* a format code such as dd.mm.yyyy */
/* ISO 8601 text of a serial number; false when it is no date (negative, beyond 9999, not finite). out holds 40. */
bool an__xlsx_date_text(double serial, an__xlsx_kind kind, bool since_1904, char *out);

/* ---- xlsx_workbook.c: sheets, styles and shared strings ---- */

typedef struct an__xlsx_sheet {
    char *name, *part; /* part NULL: no cells (a chart) */
    bool hidden;
} an__xlsx_sheet;

typedef struct an__xlsx_book {
    an__xlsx_sheet *sheet;
    size_t sheets;
    bool since_1904;
    char *styles_part, *strings_part;
    uint8_t *kind; /* an__xlsx_kind of each cell style */
    size_t kinds;
    /* shared strings as CSV fields, one after another */
    char *bytes;
    uint64_t *offset; /* strings + 1 */
    size_t bytes_used, bytes_room, strings, strings_room;
} an__xlsx_book;

bool an__xlsx_read_book(an__xlsx_package *p, an__xlsx_book *book, an_error *err); /* sheets */
bool an__xlsx_read_styles(an__xlsx_package *p, an__xlsx_book *book, an_error *err);
bool an__xlsx_read_strings(an__xlsx_package *p, an__xlsx_book *book, an_error *err);
void an__xlsx_free_book(an__xlsx_book *book);
/* Replaces _xHHHH_ (ECMA-376 part 1, 22.9.2.19) in place, drops blanks at both ends and zero bytes. */
void an__xlsx_clean_text(an_buf *text);

/* ---- xlsx_sheet.c: one sheet to CSV rows ---- */

typedef struct an__xlsx_range { /* rows and columns from 1, inclusive; zero-initialised: everything */
    uint32_t row1, row2, column1, column2;
} an__xlsx_range;

typedef struct an__xlsx_line {
    uint32_t bytes, width; /* of a row in the spool without its line end; last column that holds something, 0: blank */
} an__xlsx_line;

typedef struct an__xlsx_block { /* rows without a blank one between them */
    uint32_t row1, row2, column1, column2;
} an__xlsx_block;

enum { AN__XLSX_BLOCKS = 16 };

/* Cells of a sheet as text: rows one after another in `spool`, fields from column A, short rows unpadded. */
typedef struct an__xlsx_rows {
    FILE *spool;
    an__xlsx_line *line;
    size_t lines, lines_room;
    uint64_t spooled;
    uint64_t used[AN__XLSX_COLUMNS / 64], percent[AN__XLSX_COLUMNS / 64], clock[AN__XLSX_COLUMNS / 64]; /* columns, bit column - 1 */
    an__xlsx_block block[AN__XLSX_BLOCKS];
    size_t blocks;  /* may be more than are kept */
    an_list merged; /* the first few ranges */
    size_t merges, hidden_rows, unsaved_formulas, comma_numbers;
    char unsaved_at[16], comma_at[16]; /* the first of them */
} an__xlsx_rows;

bool an__xlsx_read_sheet(an__xlsx_package *p, const an__xlsx_book *book, const an__xlsx_sheet *sheet, const an__xlsx_range *range,
                         an__xlsx_rows *rows, an_error *err);
/* Of XML bytes; careful: by expat in any case. */
bool an__xlsx_read_sheet_bytes(const an__xlsx_book *book, const char *xml, size_t n, bool careful, const an__xlsx_range *range,
                               an__xlsx_rows *rows, an_error *err);
void an__xlsx_free_rows(an__xlsx_rows *rows); /* closes the spool */
/* Whether a sheet holds any value. */
bool an__xlsx_sheet_used(an__xlsx_package *p, const an__xlsx_sheet *sheet, bool *used, an_error *err);
void an__xlsx_cell_name(uint32_t row, uint32_t column, char out[16]); /* row 0: the column alone */
/* "C12" or "C" with *row 0; returns the end, NULL: none. */
const char *an__xlsx_cell_parse(const char *text, uint32_t *row, uint32_t *column);

/* ---- xlsx.c ---- */

bool an__xlsx_convert(const char *bytes, size_t n, const char *what, const char *sheet, const an__xlsx_limits *limits, FILE *out,
                      an_list *notes, an_job *job, an_error *err);
bool an__xlsx_looks_like(const char *bytes, size_t n); /* a zip archive or an OLE container */

#endif
