/* csv_impl.h - what the files of the CSV reader share. */
#ifndef ANDON_TABLE_CSV_IMPL_H
#define ANDON_TABLE_CSV_IMPL_H

#include "csv_number.h"
#include "csv_time.h"
#include "impl.h"

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

/* Reads an open source and closes it; what: file, for messages. */
an_table *an__csv_read_source(an__csv_source *s, const char *what, const an_csv_options *options, an_csv_dialect *dialect, an_job *job,
                              an_error *err);

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
    bool latin1;
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

/* What a text can be read as, tightest first. */
typedef enum an__csv_class {
    CLASS_INTEGER,
    CLASS_PADDED,
    CLASS_REAL,
    CLASS_TRUE_FALSE,
    CLASS_YES_NO,
    CLASS_DATETIME,
    CLASS_OTHER,
    CLASS_COUNT
} an__csv_class;
an__csv_class an__csv_classify(const an__csv_format *f, const char *text, size_t n);
bool an__csv_boolean(const char *text, size_t n, uint8_t *value, bool *yes_no);
bool an__csv_datetime(const an__csv_format *f, const char *text, size_t n, int64_t *us);

/* ---- csv_detect.c: dialect ----------------------------------------------------------------------------------------------------------- */

bool an__csv_detect(const an__csv_source *s, const an_csv_options *options, an_csv_dialect *dialect, an__csv_format *format,
                    an__csv_counts *counts, size_t *first, an_error *err);

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
    bool yes_no, true_false; /* KIND_BOOLEAN: words seen */
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
/* After a pass: *again when the column has to be read once more as c->kind (already changed). */
bool an__csv_settle(an__csv_column *c, size_t rows, bool *again, an_error *err);

#endif
