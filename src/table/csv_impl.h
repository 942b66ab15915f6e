/* csv_impl.h - what the files of the CSV reader share. */
#ifndef ANDON_TABLE_CSV_IMPL_H
#define ANDON_TABLE_CSV_IMPL_H

#include "csv_number.h"
#include "csv_time.h"
#include "impl.h"

#include <math.h>

/* ---- csv_source.c: the bytes ------------------------------------------------------------------------------------------------ */

enum { AN__CSV_PADDING = 64, AN__CSV_FIELD_LIMIT = 16 << 20, AN__CSV_STEP = 1 << 20 };

/* A file mapped for reading (inflated first into an unlinked temporary file when it is gzip, or copied there when it is a pipe), or
 * a copy of bytes; readable AN__CSV_PADDING zero bytes beyond `size`. */
typedef struct an__csv_source {
    const char *data;
    size_t size;
    void *map; /* the mapping, or NULL when `copy` holds the bytes */
    size_t map_bytes;
    char *copy;
    bool gzip;
} an__csv_source;

bool an__csv_open(an__csv_source *s, const char *path, an_job *job, an_error *err);
bool an__csv_open_fd(an__csv_source *s, int fd, const char *what, an_error *err); /* a regular file; fd may be closed afterwards */
bool an__csv_wrap(an__csv_source *s, const char *bytes, size_t n, const char *what, an_job *job, an_error *err);
void an__csv_close(an__csv_source *s);
/* Pages before `done` will not be needed soon: they leave the resident set, being clean. */
void an__csv_forget(const an__csv_source *s, size_t from, size_t to);

/* Reads an open source and closes it; what: file, for messages. What is worth telling goes to report->notes, or to the job where report is
 * NULL. */
an_table *an__csv_read_source(an__csv_source *s, const char *what, const an_csv_options *options, an_read_report *report, an_job *job,
                              an_error *err);

/* ---- csv_unicode.c: encodings ----------------------------------------------------------------------------------------------- */

typedef enum an__csv_encoding { ENCODING_UTF8, ENCODING_LATIN1, ENCODING_CP1252 } an__csv_encoding;

/* Where the bytes are UTF-16 (byte order mark, --encoding, or every other byte zero), puts UTF-8 in their place. *was: "utf-16le",
 * "utf-16be", or NULL. */
bool an__csv_from_utf16(an__csv_source *s, const char *what, const an_csv_options *o, const char **was, an_job *job, an_error *err);
struct an__csv_counts;
bool an__csv_find_encoding(const an__csv_source *s, size_t first, const an_csv_options *o, const struct an__csv_counts *counts,
                           an__csv_encoding *encoding, an_error *err);
void an__csv_to_utf8(an__csv_encoding encoding, const char *text, size_t n, an_buf *out); /* appends */

/* ---- csv_scan_plain.c: one fast look at all bytes ------------------------------------------------------------------------------ */

typedef struct an__csv_counts {
    size_t lines, quotes, returns; /* of '\n', '"', '\r' */
    bool high, nul;                /* a byte above 127, a zero byte */
} an__csv_counts;
void an__csv_count(const char *bytes, size_t n, an__csv_counts *out); /* adds to out */

/* ---- csv_cell.c: from bytes to fields ---------------------------------------------------------------------------------------------- */

typedef struct an__csv_format {
    char delimiter, decimal, thousands;
    bool collapse; /* runs of the delimiter count once (blanks) */
    an__csv_encoding encoding;
    bool excel_dates; /* --date-format excel */
    const an_list *missing;
    const char *date_format;
} an__csv_format;

typedef struct an__csv_field {
    const char *text; /* borrowed from the source or from the scratch buffer; not NUL-terminated */
    size_t n;
    size_t newlines; /* inside quotes */
    bool quoted;
} an__csv_field;

typedef enum an__csv_fault { FIELD_GOOD, FIELD_UNCLOSED, FIELD_LONG, FIELD_AFTER_QUOTE } an__csv_fault;

/* Reads the field at p; *next is the delimiter, line end or end of data behind it. scratch: for unescaped or converted text. */
an__csv_fault an__csv_take(const an__csv_format *f, const char *p, const char *end, an_buf *scratch, an__csv_field *out, const char **next);
static inline bool an__csv_line_end(const char *p, const char *end)
{
    return *p == '\n' || *p == '\r' || p == end;
}
/* Past one line end (LF, CR LF or CR). */
static inline const char *an__csv_next_line(const char *p, const char *end)
{
    if (p == end) return p;
    if (*p == '\r' && p[1] == '\n') return p + 2;
    return p + 1;
}
bool an__csv_is_missing(const an__csv_format *f, const char *text, size_t n);
/* The end of the line at p where nothing but blanks stands on it, else NULL. */
const char *an__csv_blank(const an__csv_format *f, const char *p, const char *end);

/* The fields of one row, one after the other; afterwards `p` is the line end, unless there was a fault. */
typedef struct an__csv_walk {
    const an__csv_format *f;
    const char *p, *end;
    an_buf *scratch;
    bool more;
    an__csv_fault fault;
} an__csv_walk;
an__csv_walk an__csv_walk_row(const an__csv_format *f, const char *p, const char *end, an_buf *scratch);
bool an__csv_walk_next(an__csv_walk *w, an__csv_field *field);

/* What a text can be read as, tightest first. */
typedef enum an__csv_class {
    CLASS_INTEGER,
    CLASS_PADDED,
    CLASS_REAL,
    CLASS_TRUE_FALSE,
    CLASS_YES_NO,
    CLASS_DATETIME,
    CLASS_SLASHED, /* a date as 03/04/2026, day or month first */
    CLASS_OTHER,
    CLASS_COUNT
} an__csv_class;
an__csv_class an__csv_classify(const an__csv_format *f, const char *text, size_t n);
bool an__csv_boolean(const char *text, size_t n, uint8_t *value, bool *yes_no);
/* order: which of day and month comes first in 03/04/2026: 'd', 'm', or 0 where such dates are not expected */
bool an__csv_datetime(const an__csv_format *f, char order, const char *text, size_t n, int64_t *us);
/* A number anybody could mean by the text, whatever the decimal mark. */
bool an__csv_any_number(const char *text, size_t n);

/* ---- csv_layout.c: what stands around the table --------------------------------------------------------------------------------- */

typedef struct an__csv_layout {
    const char *start;               /* the header row, or the first row of values */
    size_t line;                     /* its line, from 1 */
    size_t titles;                   /* lines with text above it */
    const char *header, *header_end; /* bytes of the header row, to find it again further down; NULL: none */
    bool units;                      /* a row of units stands below the header */
    const char *end;                 /* of the rows of values: totals may stand behind */
    size_t totals, totals_line;
    char total[48]; /* the first of them, for the message */
} an__csv_layout;

/* The header row: the first row that has the width of the table and names in it. p, line: where to begin to look. */
bool an__csv_find_start(const an__csv_format *f, const an_csv_options *o, const char *p, size_t line, const char *end, an__csv_layout *out,
                        an_error *err);
/* Units below the header and totals at the end, where they are. */
void an__csv_find_rest(const an__csv_format *f, const an_csv_options *o, const char *end, an__csv_layout *out);
/* "mm" of "[mm]", "(mm)" or "mm"; new text */
char *an__csv_unit(const char *text, size_t n);

/* ---- csv_notation.c: decimal mark and thousands separator ------------------------------------------------------------------------- */

typedef struct an__csv_notation {
    char decimal, thousands;
} an__csv_notation;
/* From the header on, of those that the options leave open; AN_INPUT where 1.234 may mean either. */
bool an__csv_find_notation(const an__csv_format *f, const an_csv_options *o, const an__csv_layout *layout, an__csv_notation *out,
                           an_error *err);

/* ---- csv_detect.c: dialect ----------------------------------------------------------------------------------------------------------- */

/* missing: keeps the words of the format where they are neither those given nor the usual ones */
bool an__csv_detect(const an__csv_source *s, const an_csv_options *options, an_csv_dialect *dialect, an__csv_format *format,
                    an__csv_counts *counts, an__csv_layout *layout, an_list *missing, an_error *err);

/* ---- csv_names.c: column names ------------------------------------------------------------------------------------------------------- */

/* Names from the names file, the header row or c1..cN; names made up for empty header cells also go to `made`, in order. *p moves past the
 * header row; *line counts lines passed. */
bool an__csv_names(const an__csv_source *s, const an_csv_options *options, an_csv_dialect *dialect, const an__csv_format *f, const char **p,
                   size_t *line, an_list *names, an_list *made, an_error *err);

/* ---- csv_column.c: where cells go ---------------------------------------------------------------------------------------------------- */

typedef enum an__csv_kind { KIND_INTEGER, KIND_REAL, KIND_BOOLEAN, KIND_DATETIME, KIND_STRING } an__csv_kind;

typedef struct an__csv_entry { /* one distinct value of a column of text */
    uint64_t hash;
    uint64_t start;
    size_t n, count;
    an__csv_class class;
} an__csv_entry;

enum { AN__CSV_DISTINCT = 1000 };

/* A column while it is read. Numbers and times go into `cells` directly; text as codes of distinct values until there are more than
 * AN__CSV_DISTINCT, then as bytes. */
typedef struct an__csv_column {
    const char *name;
    int forced; /* an_type, or -1 */
    an__csv_kind kind;
    bool active;  /* this pass stores it */
    bool as_text; /* KIND_STRING beyond AN__CSV_DISTINCT values */
    union {
        void *cells;
        double *real;
        int64_t *integer;
        uint8_t *boolean;
        int32_t *code;
        uint64_t *offset; /* as_text: capacity + 1 */
    };
    size_t capacity; /* rows */
    uint64_t *valid; /* made at the first missing cell */
    size_t missing;
    char *bytes; /* distinct values one after another, or as_text all values */
    size_t bytes_size, bytes_room;
    an__csv_entry *entry;
    uint32_t *slot; /* hash table of entry number + 1 */
    size_t entries, slots;
    size_t seen[CLASS_COUNT]; /* KIND_STRING: cells by class; other kinds: numbers in seen[CLASS_INTEGER], others in seen[CLASS_OTHER] */
    size_t odd_line;          /* the first cell that is not a number */
    char odd_text[64];
    bool yes_no, true_false;       /* KIND_BOOLEAN: words seen */
    char spelled[2][6];            /* KIND_BOOLEAN: how false and true are written ... */
    bool spelled_apart;            /* ... in more than one way */
    size_t day_first, month_first; /* cells that only one reading of 03/04/2026 can read */
    char order;                    /* KIND_DATETIME: 'd' day first, 'm' month first, 0: no such dates */
    bool serials;                  /* KIND_DATETIME: numbers are days of Excel */
    bool collect;                  /* a number but for some cells: their rows are to be skipped */
} an__csv_column;

bool an__csv_column_start(an__csv_column *c, an__csv_kind kind, size_t capacity, an_error *err);
void an__csv_column_clear(an__csv_column *c);
bool an__csv_column_grow(an__csv_column *c, size_t rows, size_t capacity, an_error *err); /* keeps `rows` */
bool an__csv_column_missing(an__csv_column *c, size_t row, an_error *err);
void an__csv_column_to_real(an__csv_column *c, size_t rows);
/* Stores a field that the fast path did not take. */
bool an__csv_column_store(an__csv_column *c, const an__csv_format *f, size_t row, size_t line, const char *text, size_t n, an_error *err);
/* Moves the cells into a table column; c is empty afterwards. */
bool an__csv_column_finish(an__csv_column *c, size_t rows, an_column *out, an_error *err);

/* ---- csv_infer.c: types -------------------------------------------------------------------------------------------------------------- */

an__csv_kind an__csv_guess(const size_t seen[CLASS_COUNT]); /* from a sample */
/* After a pass: *again when the column has to be read once more as c->kind (already changed). order: of dates such as 03/04/2026 in the
 * other columns, or 0. skip: rows that do not fit are to be skipped: c->collect instead of a failure. */
bool an__csv_settle(an__csv_column *c, const an__csv_format *f, size_t rows, char order, bool skip, bool *again, an_error *err);
/* Whether the numbers of a column called so may be Excel's days: all in 30000 .. 60000 (1982 to 2064) under the name of a date. */
bool an__csv_serial_dates(const an__csv_column *c, size_t rows);

/* ---- csv_rows.c: one pass over the rows
 * -------------------------------------------------------------------------------------------------- */

typedef struct an__csv_bad { /* a row to be left out */
    const char *start;
    size_t line;
    char *reason;
} an__csv_bad;

typedef struct an__csv_reader {
    an__csv_source source;
    an__csv_format format;
    an__csv_layout layout;
    an_list missing;     /* of the format, where neither given nor usual */
    an_list names, made; /* made: those of columns without a name in the header, in order */
    an__csv_column *column;
    size_t columns;
    size_t capacity;  /* rows that columns have room for */
    const char *what; /* file, for messages */
    an_job *job;
    an_read_report *report; /* never NULL */
    an_buf scratch;
    size_t forgotten; /* bytes given back */
    an_list units;    /* of the columns, in order; empty: none */
    an__csv_bad *bad; /* by place in the file */
    size_t bad_count;
    size_t *keep, keep_count; /* numbers of the rows sampled, ascending; NULL: all */
    bool lines_known;         /* report->lines is filled */
} an__csv_reader;

/* All rows from p on into the active columns. */
bool an__csv_read_rows(an__csv_reader *r, const char *p, size_t line, size_t *rows, an_error *err);
const char *an__csv_column_name(const an__csv_reader *r, size_t j);
/* Passes over a header that stands there again, or moves *bad past a row that is to be left out (*p stays): true. */
bool an__csv_passed(const an__csv_reader *r, const char **p, size_t *line, size_t *bad, const char *end);

/* ---- csv_skip.c: rows that are left out on purpose
 * ------------------------------------------------------------------------------------------ */

/* Looks at every row and adds those that cannot be read to r->bad: another number of fields, broken quotes, cells that do not fit a forced
 * type, and cells of columns marked `collect` that are no number. */
bool an__csv_find_bad(an__csv_reader *r, const char *p, size_t line, size_t *found, an_error *err);
bool an__csv_write_bad(const an__csv_reader *r, const char *path, an_error *err); /* line,reason,text */
/* Draws n rows without replacement into r->keep; the same seed gives the same rows. */
bool an__csv_draw(an__csv_reader *r, const char *p, size_t line, size_t n, an_error *err);
/* *p moves to the next row that is to be read; false: there is none. */
bool an__csv_next_row(an__csv_reader *r, const char **p, size_t *line, size_t *bad, const char *end);
/* Past a row and its line end, nothing stored; a row with broken quotes ends with its line. False at the end. */
bool an__csv_pass_row(an__csv_reader *r, const char **p, size_t *line, const char *end);

/* ---- csv_memory.c
 * ------------------------------------------------------------------------------------------------------------------------- */

double an__memory_available(void); /* bytes; NaN: unknown */
/* AN_MEMORY with the arithmetic where the cells of so many rows do not fit. */
bool an__csv_enough_memory(const an__csv_reader *r, size_t rows, an_error *err);

/* ---- csv_origin.c: generated rows
 * -------------------------------------------------------------------------------------------------------- */

bool an__csv_find_origin(const an__csv_reader *r, size_t at[3]);   /* _generator, _seed, _row, where all are there */
bool an__csv_check_origin(const an__csv_reader *r, an_error *err); /* AN_REFUSED where some of them are there, but not all */
bool an__csv_take_origin(an_table *t, const an_column from[3], an_error *err);

/* What is worth telling: into the report's notes. */
void an__csv_note(an__csv_reader *r, const char *format, ...) AN_PRINTF(2, 3);

#endif
