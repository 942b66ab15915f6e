/* table.h - typed columns with validity: reading CSV, roles and what is set aside, splits, preparation, files.
 *
 * A table is rows x columns. A column has a type (how values are stored), a role (what they are for), a unit, and a bitmap of valid
 * cells. The table knows nothing of models. Row order is the order of the file; nothing here reorders rows silently.
 */
#ifndef ANDON_TABLE_H
#define ANDON_TABLE_H

#include "andon/base.h"

/* ---- columns and tables ------------------------------------------------------------------------------------------------ */

typedef enum an_type {
    AN_REAL,     /* double; never NaN where valid (NaN is missing) */
    AN_INTEGER,  /* int64_t */
    AN_BOOLEAN,  /* uint8_t 0 or 1 */
    AN_CATEGORY, /* int32_t code into the dictionary */
    AN_DATETIME, /* int64_t microseconds since 1970 UTC */
    AN_TEXT,     /* offsets into bytes */
    AN_TENSOR,   /* a fixed-shape array a row (images, sequences): dtype and shape in `tensor` */
} an_type;

typedef enum an_role {
    AN_FEATURE,
    AN_TARGET,
    AN_GROUP, /* rows of one group are never split */
    AN_TIME,
    AN_ID,      /* copied to every prediction */
    AN_IGNORED, /* stays in the table, used by nobody; `reason` says why */
} an_role;

const char *an_type_name(an_type type); /* "real" "integer" "boolean" "category" "datetime" "text" "tensor" */
const char *an_role_name(an_role role); /* "feature" "target" "group" "time" "id" "ignored" */
bool an_type_parse(const char *name, an_type *out);
bool an_role_parse(const char *name, an_role *out);

/* Distinct values of a category column, sorted by bytes, so that the same values give the same codes. */
typedef struct an_dictionary {
    int32_t count;
    char **names;
} an_dictionary;

typedef struct an_tensor_layout {
    int dtype; /* 0 u8, 1 f32 */
    int rank;
    size_t shape[4];
} an_tensor_layout;

typedef struct an_column {
    /* owned; unit and reason may be NULL; reasons: constant empty identifier duplicate leak requested after-decision */
    char *name, *unit, *reason;
    an_type type;
    an_role role;
    bool kept;       /* a person asked to keep it whatever the audit says */
    uint64_t *valid; /* bit i of word i/64; NULL: all valid */
    size_t missing;
    union {
        double *real;
        int64_t *integer; /* also datetime */
        uint8_t *boolean;
        int32_t *code; /* -1 where missing */
        struct {
            uint64_t *offset; /* rows + 1 */
            char *bytes;
        } text;
        void *tensor_data;
    };
    an_dictionary dictionary; /* category; boolean: how false and true are written (none: "false", "true") */
    an_tensor_layout tensor;
    json_t *spec; /* what a schema says beyond the above, in its words: low, high, direction, station, resolution, sentinels, from,
                   * description; NULL: nothing. Shared by copies of the column: replaced as a whole, never changed in place */
} an_column;

/* Where generated rows came from. Row i of the table is real when origin == NULL or origin[i] == 0; otherwise it is row
 * `origin_row[i]` of `origins[origin[i] - 1]`. Provenance survives selection, saving, loading and export (_generator, _seed, _row). */
typedef struct an_origin {
    char *generator; /* name/version, or content address */
    uint64_t seed;
} an_origin;

typedef struct an_table {
    size_t rows, columns;
    an_column *column;
    char *positive;   /* the target value that counts as positive, as text; NULL until known */
    uint32_t *origin; /* NULL: all real */
    uint64_t *origin_row;
    an_origin *origins;
    size_t origin_count;
    json_t *constraints; /* array: "a < b", {"fixed": [columns], "allowed": [[values]]}; NULL: none. Shared by copies like spec */
} an_table;

an_table *an_table_new(size_t rows);
void an_table_free(an_table *t);
/* all cells missing/zero; AN_INPUT when the name exists; NULL on AN_MEMORY too. Pointers to columns are valid until the next add. */
an_column *an_table_add(an_table *t, const char *name, an_type type, an_error *err);
an_column *an_table_find(const an_table *t, const char *name);                             /* NULL: absent */
an_column *an_table_need(const an_table *t, const char *name, an_error *err);              /* AN_NOT_FOUND with the nearest name */
an_column *an_table_target(const an_table *t, an_error *err);                              /* AN_INPUT when there is none */
an_table *an_table_select(const an_table *t, const size_t *rows, size_t n, an_error *err); /* deep copy of rows, in that order */
an_table *an_table_select_columns(const an_table *t, const char *const *names, size_t n, an_error *err);
/* rows of a then of b; columns matched by name and type, dictionaries merged; columns of a that b lacks are missing there (b's others are
 * dropped); origins merged; keeps a's roles and positive */
an_table *an_table_append(const an_table *a, const an_table *b, an_error *err);
size_t an_table_bytes(const an_table *t); /* memory held */

static inline bool an_valid(const an_column *c, size_t row)
{
    return !c->valid || (c->valid[row / 64] >> (row % 64) & 1);
}
static inline bool an_table_generated(const an_table *t, size_t row)
{
    return t->origin && t->origin[row];
}
void an_set_missing(an_table *t, an_column *c, size_t row);
void an_set_valid(an_column *c, size_t row);
/* Number of a real, integer, boolean or datetime (us) cell; NaN when missing or of another type. */
double an_cell_number(const an_column *c, size_t row);
/* Text of any cell as written to CSV; "" when missing; appended to out. Reals as an_real_text, datetimes ISO 8601. */
void an_cell_text(const an_column *c, size_t row, an_buf *out);
/* Refuses (AN_REFUSED, naming the first row and its generator) a table that holds generated rows: asked wherever a test part is used. */
bool an_table_require_real(const an_table *t, const char *what, an_error *err);

/* Labels: label[i] = 1 where row i holds the positive value, 0 where it holds another. With two classes and no positive value named the
 * rarer is positive; with more, the positive value is told from the rest. AN_INPUT when a target cell is missing (row named), there is one
 * class only, or there are several and no positive value. Numeric targets compare by value text. */
bool an_table_labels(const an_table *t, uint8_t *label, an_error *err);
/* The same where some rows have no label yet: those get 0. For counting; what trains or is tested asks the former. */
bool an_table_labels_known(const an_table *t, uint8_t *label, an_error *err);
static inline bool an_table_unlabelled(const an_column *target /* NULL: no target, nothing is missing */, size_t row)
{
    return target && !an_valid(target, row);
}
/* Distinct target values as text with counts, sorted by bytes. */
typedef struct an_class_count {
    char *name;
    size_t count;
} an_class_count;
bool an_table_classes(const an_table *t, an_class_count **classes, size_t *count, an_error *err);
void an_class_counts_free(an_class_count *classes, size_t count);

/* Rows chosen by a text: terms col=v, col!=v, col<v, col<=v, col>v, col>=v, col=low..high, joined by commas; a value with a comma stands in
 * double quotes. chosen[i] becomes 1 where all hold and none of the cells is missing (col= and col!= with nothing behind ask for missing
 * and not missing cells), else 0. text NULL: all rows. */
bool an_table_where(const char *text, const an_table *t, uint8_t *chosen, an_error *err);

/* ---- row keys ------------------------------------------------------------------------------------------------------------- */

/* 64-bit keyed hash of each row: of the id column where there is one, else of the content of feature and target columns (so equal rows are
 * one key and stay on one side of a split). Generated rows get the hash of (generator, seed, row). Independent of column order. */
bool an_table_row_keys(const an_table *t, uint64_t *key, an_error *err);
/* As if `names` were the feature and target columns and `id` (NULL: none) the id column, whatever roles this table gives them: how rows are
 * recognised in a table that has other columns besides. AN_NOT_FOUND names a column that is absent. */
bool an_table_row_keys_over(const an_table *t, const an_list *names, const char *id, uint64_t *key, an_error *err);

/* ---- CSV --------------------------------------------------------------------------------------------------------------------- */

typedef struct an_csv_options { /* zero-initialised fields mean 'detect' (an_csv_params gives these defaults) */
    /* ',' ';' '\t' '|' ' ' by name or itself: "comma" "semicolon" "tab" "pipe" "space" or one character; NULL: detect */
    char *delimiter;
    char *decimal;   /* "." or ","; NULL: detect */
    char *thousands; /* "." "," "'" " " ("space") or "none"; NULL: detect */
    /* "utf-8" "latin-1" "cp1252" "utf-16le" "utf-16be" ("utf-16"); NULL: BOM, UTF-16 by its zero bytes, UTF-8 when valid, cp1252 where it
     * has printable 0x80-0x9f, else latin-1 */
    char *encoding;
    bool no_header;
    char *names;        /* file with one column name per line; implies no header row unless it is there */
    int64_t header_row; /* line of the header, from 1; 0: the first row as wide as the table with names in it, titles above are left out */
    bool units_row;     /* the row below the header holds units; found out where all its cells look like units over numbers */
    bool no_units_row;  /* it does not */
    bool keep_totals;   /* rows at the end such as "Summe;;12" are rows like the others */
    an_list missing; /* tokens; an empty field always; default NA, N/A, NaN, nan, null, NULL, None, ?, -, * and the error cells of Excel */
    char *date_format; /* strptime-like: %d.%m.%Y %H:%M:%S; "excel": days since 1899-12-30; NULL: ISO 8601, 03.04.2026, 03/04/2026 */
    an_list type;      /* "column=integer" */
    an_list expected;  /* the same of columns that may be absent, for callers that know what they need; `type` goes before it */
    char *sheet;       /* of an Excel file: name, 1-based number, either with !A1:F200 behind it; an_table_read only */
    char *skip_bad;    /* file for rows that cannot be read (line,reason,text), which are left out; NULL: the first is an error */
    int64_t sample;    /* so many rows, drawn without replacement by the seed of the job, in the order of the file; 0: all */
} an_csv_options;
#define AN_CSV_MISSING "NA,N/A,NaN,nan,null,NULL,None,?,-,*,#N/A,#NV,#DIV/0!,#VALUE!,#WERT!,#REF!,#BEZUG!,#NAME?,#NUM!,#ZAHL!,#NULL!"
/* the rows of the table below, for structs that hold one at offset `base` */
#define AN_CSV_PARAMS(base)                                                                                                              \
    AN_TEXT_AT(base, an_csv_options, delimiter, NULL,                                                                                    \
               "between fields: comma, semicolon, tab, pipe, space or one character; found out when not given"),                         \
        AN_TEXT_AT(base, an_csv_options, decimal, NULL, "decimal mark: . or , ; found out when not given"),                              \
        AN_TEXT_AT(base, an_csv_options, thousands, NULL, "thousands separator: . , ' space, or none; found out when not given"),        \
        AN_TEXT_AT(base, an_csv_options, encoding, NULL, "utf-8, latin-1, cp1252, utf-16le or utf-16be; found out when not given"),      \
        AN_BOOL_AT(base, an_csv_options, no_header, false, "the first row holds values, not names; columns are called c1, c2 ..."),      \
        AN_TEXT_AT(base, an_csv_options, names, NULL, "file with one column name per line"),                                             \
        AN_INT_AT(base, an_csv_options, header_row, 0, 0, 1e12,                                                                          \
                  "line of the header, from 1, what stands above is left out; 0: found out"),                                            \
        AN_BOOL_AT(base, an_csv_options, units_row, false, "the row below the header holds units; found out when not given"),            \
        AN_BOOL_AT(base, an_csv_options, no_units_row, false, "the row below the header holds values, though they look like units"),     \
        AN_BOOL_AT(base, an_csv_options, keep_totals, false, "rows at the end such as Summe;;12 are rows like the others"),              \
        AN_LIST_AT(base, an_csv_options, missing, AN_CSV_MISSING,                                                                        \
                   "texts that mean a missing value, beside an empty field; numbers such as -999 alone are added to the usual words"),   \
        AN_TEXT_AT(base, an_csv_options, date_format, NULL,                                                                              \
                   "how dates are written, such as %d.%m.%Y %H:%M:%S, or excel; found out when not given"),                              \
        AN_LIST_AT(base, an_csv_options, type, NULL,                                                                                     \
                   "COLUMN=integer, real, boolean, category, datetime or text; found out when not given"),                               \
        AN_TEXT_AT(base, an_csv_options, sheet, NULL, "sheet of an Excel file: its name or number, and cells of it as in Data!A1:F200"), \
        AN_TEXT_AT(base, an_csv_options, skip_bad, NULL,                                                                                 \
                   "leave rows out that cannot be read, and write them with line and reason to this file"),                              \
        AN_INT_AT(base, an_csv_options, sample, 0, 0, 1e12, "read so many rows, drawn by --seed; 0: all")
extern const an_param an_csv_params[];

typedef struct an_csv_dialect { /* what was found or forced; for messages and tests */
    char delimiter, decimal, thousands, quote;
    bool header, bom, gzip, crlf;
    char encoding[16];
    size_t header_line, titles, units_line; /* lines from 1, 0: none; titles: lines left out above the header */
    size_t totals, headers_again;           /* rows left out at the end, and headers further down */
    size_t skipped, sampled_from;           /* rows that could not be read (--skip-bad), rows there were (--sample), else 0 */
    char date_order;                        /* of 03/04/2026: 'd' day first, 'm' month first, 0: no such dates */
} an_csv_dialect;

/* Where rows came from: files and lines. A run stands for `count` rows from `row` on, which came from as many lines from `line` on; or,
 * where together, for one row that came from all of these lines (a pivot). A row may be in several runs (a join). */
typedef struct an_lines_run {
    size_t row, count;
    uint64_t line;
    uint32_t file;
    bool together;
} an_lines_run;
typedef struct an_lines {
    an_list file; /* names as they were given */
    an_lines_run *run;
    size_t count, room;
} an_lines;
void an_lines_free(an_lines *l);
uint32_t an_lines_file(an_lines *l, const char *name); /* its number; added where it is not there */
void an_lines_add(an_lines *l, size_t row, uint32_t file, uint64_t line);
/* Row i of `to` from first on came from row from_row[i] of what `from` tells about (SIZE_MAX: none of its rows); NULL: from row i. */
bool an_lines_gather(an_lines *to, size_t first, const an_lines *from, const size_t *from_row, size_t rows, an_error *err);
/* Row i of what `from` tells about went into row to_row[i] of `to` (SIZE_MAX: none), of which there are `rows`. */
bool an_lines_merge(an_lines *to, size_t rows, const an_lines *from, const size_t *to_row, size_t from_rows, an_error *err);
/* "screws.csv:7" or "press.csv:4; test.csv:9-11"; places[i] is a new text. NULL: AN_MEMORY */
char **an_lines_texts(const an_lines *l, size_t rows, an_error *err);
an_table *an_lines_table(const an_lines *l, an_error *err); /* for storing */
bool an_lines_from_table(const an_table *t, an_lines *out, an_error *err);

typedef struct an_read_report { /* zero-initialise, an_read_report_free afterwards */
    an_csv_dialect dialect;
    an_list notes;  /* one line each: what was left out or looks odd, and the flag that decides */
    an_lines lines; /* empty for Parquet */
} an_read_report;
void an_read_report_free(an_read_report *r);

/* Reads one file (gzip recognised by its magic) into a new table; every column is a feature; types inferred over the whole file:
 * boolean (true/false, yes/no spelled out), integer, real, datetime (ISO 8601 or date_format), category (up to 1,000 distinct values and
 * fewer than half the rows that have one), else text. Whole numbers with leading zeroes (serial 0012) stay text unless --type says integer.
 * Blanks around unquoted fields are dropped. A missing token counts inside quotes, too. A column without any value is real. Columns
 * `_generator,_seed,_row` become the origin of the rows; some of them without the others are AN_REFUSED. Peak memory under three times the
 * table plus a fixed buffer. Errors name line and column: ragged row, unclosed quote (the line where it opened), NUL byte, empty file,
 * header only, duplicate or empty header, field over 16 MB, number column forced by --type holding text. A column that is a number in at
 * least 95 % of the rows but not in all is an error naming the first offending cell and suggesting
 * --type COLUMN=category, or --missing TOKEN. Progress in bytes. */
an_table *an_csv_read(const char *path, const an_csv_options *options, an_csv_dialect *dialect, an_job *job, an_error *err);
an_table *an_csv_parse(const char *bytes, size_t n, const char *what, const an_csv_options *options, an_csv_dialect *dialect, an_job *job,
                       an_error *err);

/* Writes RFC 4180, comma, header, LF, shortest numbers; with origin columns when any row is generated. Atomic when path is a file; "-" is
 * stdout. */
bool an_csv_write(const an_table *t, const char *path, an_error *err);
/* The same with the delimiter, decimal mark and line ends of a dialect that was read; UTF-8, marked as such (BOM) where the dialect had a
 * mark or another encoding. */
bool an_csv_write_as(const an_table *t, const char *path, const an_csv_dialect *dialect, an_error *err);
/* the same text appended to out; origin columns whenever the table has an origin */
void an_csv_text(const an_table *t, bool header, an_buf *out);
void an_csv_quote(an_buf *out, const char *text); /* one field */

/* ---- Excel files ------------------------------------------------------------------------------------------------------------ */

/* One sheet of an .xlsx file (ECMA-376) as CSV text on `out`: UTF-8, comma, decimal point, LF; dates ISO 8601 by the cells' number formats
 * (1900 and 1904 systems), times of day and durations HH:MM:SS, percent as fractions, true and false, formulas by their cached values,
 * error cells (#N/A, #DIV/0!) as written, texts without blanks at their ends. One line a sheet row: blank rows are blank lines, so that
 * line numbers are row numbers; other lines are padded to one width; blank columns left of the table are dropped. Memory is the shared
 * strings, 8 bytes a row and a row; the rows go through an unnamed temporary file (TMPDIR). sheet: name or 1-based number, either with
 * !A1:F200 or !A:F behind it (or that alone), for a part of a sheet; NULL: the only visible sheet that holds values (AN_INPUT that lists
 * them when there are several). AN_NOT_FOUND: no such sheet. AN_INPUT: not a zip, encrypted (says so), damaged part (named), .xls, .xlsb
 * and .ods (say how to save them as .xlsx), zip bomb (a part or its cells over 1 GB and 100:1, or a part over 64 GB), rows or cells out of
 * order, a document type in the XML. notes (may be NULL), one line each: merged cells (the value stands in the first), tables side by side
 * or one below the other, percent and time columns, formulas without a cached value, numbers with a decimal comma that are text, hidden
 * rows and sheets. */
bool an_xlsx_to_csv(const char *path, const char *sheet, FILE *out, an_list *notes, an_job *job, an_error *err);
bool an_xlsx_sheets(const char *path, an_list *names, an_error *err); /* all names in order, charts and hidden sheets, too */

/* ---- Parquet ------------------------------------------------------------------------------------------------------------------ */

/* Apache Parquet format 2.x, flat tables. Written: INT64, DOUBLE, BOOLEAN, UTF8, timestamps in microseconds UTC; every column optional;
 * categories as dictionary pages, the rest plain; data pages v1 with zstd and CRC; minimum, maximum and missing count of each chunk. Roles,
 * units, reasons, category types, the positive value, specs and constraints travel in the file's key-value metadata under "andon", origins
 * as columns _generator, _seed, _row. Tensor columns are AN_INPUT. Atomic. Read: also INT32, FLOAT, FLOAT16, INT96 and millisecond or
 * nanosecond timestamps (nanoseconds rounded down, local times taken as UTC), DATE, TIME (real, unit s), DECIMAL (real), UUID; plain,
 * dictionary, RLE, delta and byte-stream-split encodings; pages v1 and v2; codecs none, snappy, gzip, zstd (others refused by name). NaN
 * and empty text are missing. Text becomes category by the rule of an_csv_read unless the file was written here. AN_INPUT: nested or
 * repeated columns and binary ones (named), encrypted, cut short, damaged. */
bool an_parquet_write(const an_table *t, const char *path, an_error *err);
an_table *an_parquet_read(const char *path, an_job *job, an_error *err);

/* ---- any file ------------------------------------------------------------------------------------------------------------------- */

/* Reads a table whatever the file is, told by its first bytes: Excel (through an_xlsx_to_csv), Parquet, else CSV, gzip or not. Where the
 * first two say things themselves, options about delimiters, encoding and decimals do not matter; --type changes a Parquet column by way of
 * its text; --sheet is for Excel (AN_USAGE otherwise). notes (may be NULL) as an_xlsx_to_csv; dialect (may be NULL) as found by the CSV
 * reader, for Parquet header and utf-8 alone. */
an_table *an_table_read(const char *path, const an_csv_options *options, an_csv_dialect *dialect, an_list *notes, an_job *job,
                        an_error *err);
/* the same, with all that is known about it */
an_table *an_table_read_report(const char *path, const an_csv_options *options, an_read_report *report, an_job *job, an_error *err);
/* Numbers such as -999 or 9999 far from all others of their column, as lines for people: they may mean missing. */
void an_table_codes(const an_table *t, an_list *notes);

/* ---- roles, and what is set aside -------------------------------------------------------------------------------------------------- */

typedef struct an_roles {
    char *target, *positive, *group, *time, *id; /* NULL: none; positive NULL: the rarer class (on a tie the later by bytes) */
    an_list drop, keep, after_decision, unit;    /* unit: "column=bar" */
} an_roles;
/* the rows of the table below, for structs that hold one at offset `base` */
#define AN_ROLES_PARAMS(base)                                                                                       \
    AN_TEXT_AT(base, an_roles, target, NULL, "column to predict"),                                                  \
        AN_TEXT_AT(base, an_roles, positive, NULL,                                                                  \
                   "value of the target that counts as positive; the rarer of two classes when not given"),         \
        AN_TEXT_AT(base, an_roles, group, NULL, "column whose equal values are never split"),                       \
        AN_TEXT_AT(base, an_roles, time, NULL, "column with the time of a row; the newest rows are the test part"), \
        AN_TEXT_AT(base, an_roles, id, NULL, "column that names a part; copied to every prediction"),               \
        AN_LIST_AT(base, an_roles, drop, NULL, "columns to leave out"),                                             \
        AN_LIST_AT(base, an_roles, keep, NULL, "columns to keep whatever the audit says"),                          \
        AN_LIST_AT(base, an_roles, after_decision, NULL, "columns known only after the decision; never features"),  \
        AN_LIST_AT(base, an_roles, unit, NULL, "COLUMN=UNIT")
extern const an_param an_roles_params[];

/* Sets roles, then the audit: feature columns that are constant, empty, identifier (text or integers all distinct, or a serial), duplicate
 * of an earlier column, or leak: in a column of at most 10 distinct values (flags, codes) a value held by at least 10 rows that goes with
 * the rarer class only, where chance would do that less than once in 1e9 (share of the class ^ rows); a column that has values only on rows
 * of the rarer class; or a number that alone ranks the classes almost perfectly, ROC-AUC >= 0.995 or <= 0.005, on enough rows that one
 * order in 1e9 would. (Measurements with hundreds of values hold such single values honestly.) These become AN_IGNORED with the reason,
 * unless kept. Text features that cannot be encoded become ignored as identifier or, with repeated values, category. AN_INPUT: target
 * unknown, missing somewhere, one class only; fewer than 2 positives. Explanations in words go to `notes` (one per column: "TWF: leak:
 * value 1 (46 rows) goes with Machine failure = 1 only; --keep TWF brings it back"). */
bool an_table_assign(an_table *t, const an_roles *roles, an_list *notes, an_error *err);

/* ---- splits -------------------------------------------------------------------------------------------------------------------------- */

typedef struct an_split {
    size_t *train, *test; /* row indices, ascending */
    size_t train_count, test_count;
} an_split;
void an_split_free(an_split *s);

/* Keyed hashes: within each class the rows with the smallest hash (of group, id, or content) are the test part; with a group column whole
 * groups go together; with a time column (by_time) the newest share is the test part. Generated rows always train. `held`: row keys
 * (an_table_row_keys, sorted ascending) that were in a test part before and stay there. Both parts must hold both classes where there is a
 * target (AN_INPUT otherwise). `seed` keys the hash: the default split uses seed 0, repeat r of a comparison uses an_seed_derive(seed,
 * "split", r). */
typedef struct an_split_options {
    double share; /* of the test part, (0, 1); 0: 0.25 */
    uint64_t seed;
    bool ignore_time; /* stratify although there is a time column (comparisons with repeats) */
    const uint64_t *held;
    size_t held_count;
} an_split_options;
bool an_split_make(const an_table *t, const an_split_options *options, an_split *out, an_error *err);
/* Stratified, group-aware fold number (0..k-1) of each of the rows listed; fold[i] belongs to rows[i]; same keyed hashing. k is lowered
 * (k_used) to the positives there are, at least 2. Generated rows get fold 255: they train in every fold and are held out in none. */
bool an_folds_make(const an_table *t, const size_t *rows, size_t n, int k, uint64_t seed, uint8_t *fold, int *k_used, an_error *err);

/* ---- preparation: fitted on a training part, travels with the model ------------------------------------------------------------------ */

typedef struct an_prep_options {
    char *scale;      /* "standard" (mean 0, sd 1, sd with n) | "range" ([-1,1] by minimum and maximum) | "robust" (median, IQR) | "none" */
    char *impute;     /* "median" | "mean" | "zero"; categories: the most frequent */
    char *category;   /* "onehot" | "ordinal" */
    bool with_target; /* the target column is encoded too, last (generators fitted on all classes) */
} an_prep_options;
extern const an_param an_prep_params[];

typedef struct an_prep_column { /* one source column */
    char *name, *unit;
    an_type type;         /* real integer boolean datetime category */
    double fill;          /* imputed value; category: the code */
    double center, scale; /* prepared = (x - center) / scale; scale > 0 */
    double low, high;     /* training range of valid values */
    bool whole;           /* training values were all integers: inverted values are rounded */
    double step;          /* training values are multiples of this resolution (0: none found): inverted values are rounded to it */
    size_t first, width;  /* its columns in the prepared matrix */
    bool onehot;
    an_dictionary dictionary; /* category; boolean: how false and true are written (as in an_column) */
    double missing_share;
} an_prep_column;

typedef struct an_prep {
    size_t columns, width;
    an_prep_column *column;
    bool target_last;
} an_prep;

/* features only (+ target); rows NULL: all */
an_prep *an_prep_fit(const an_table *t, const size_t *rows, size_t n, const an_prep_options *options, an_error *err);
void an_prep_free(an_prep *p);
/* out: n x width, row-major. Columns are found by name; a category unseen in training is encoded as all zeros (onehot) or the fill
 * (ordinal) and counted in *unseen (may be NULL). AN_INPUT when a column is absent or has another type than a number where one is needed.
 */
bool an_prep_apply(const an_prep *p, const an_table *t, const size_t *rows, size_t n, double *out, size_t *unseen, an_error *err);
/* Names of feature columns of row `row` that lie outside the training range or hold an unseen category, joined by ';', appended to out. */
void an_prep_out_of_range(const an_prep *p, const an_table *t, size_t row, an_buf *out);
/* From prepared space back to a table with the source columns (name, type, unit, dictionary): n x width floats, numbers clamped to the
 * training range, rounded to `whole`/`step`; a category is the largest of its columns. Used by generators. */
an_table *an_prep_invert(const an_prep *p, const float *values, size_t n, an_error *err);
char *an_prep_output_name(const an_prep *p, size_t j); /* new text: "torque_3", "Type=L" */
json_t *an_prep_json(const an_prep *p);
an_prep *an_prep_from_json(const json_t *j, an_error *err);

/* ---- joining and reshaping ---------------------------------------------------------------------------------------------------- */

typedef enum an_attempt { AN_ATTEMPT_FIRST, AN_ATTEMPT_LAST, AN_ATTEMPT_ALL } an_attempt; /* of parts that came twice (rework) */
typedef struct an_join_options {
    char *on;    /* key column, in every table, or one name a table in their order, "Seriennummer=SerialNo=Serial"; NULL with by_row */
    bool by_row; /* row i beside row i: equal numbers of rows */
    /* "refuse" (default) | "last" | "first" | "all": what to do with a key that occurs more than once in a table; "all" numbers them in a
     * column `attempt` and joins attempt k to attempt k */
    char *attempts;
    char *keep;    /* "matched" (default) | "all": parts missing from a table are left out, or kept with missing cells */
    bool multiply; /* every combination of the rows of a key that occurs several times */
    bool trace;    /* a column "<table>.row" (1-based, ignored) for each table: where a row came from */
} an_join_options;
/* the rows of the table below, for structs that hold one at offset `base`; keep is called parts here, as --keep names columns elsewhere */
#define AN_JOIN_PARAMS(base)                                                                                                             \
    AN_TEXT_AT(base, an_join_options, on, NULL, "key column, in every table; where its name differs, one a table: Serial=SerialNo"),     \
        AN_BOOL_AT(base, an_join_options, by_row, false, "row i beside row i; the tables have equal numbers of rows"),                   \
        { "attempts",                                                                                                                    \
          AN_PARAM_CHOICE,                                                                                                               \
          (base) + offsetof(an_join_options, attempts),                                                                                  \
          0,                                                                                                                             \
          0,                                                                                                                             \
          0,                                                                                                                             \
          false,                                                                                                                         \
          "refuse",                                                                                                                      \
          "refuse|last|first|all",                                                                                                       \
          "a key several times in one table (rework): refuse, take the last or the first row, or number them all in a column attempt" }, \
        { "parts",                                                                                                                       \
          AN_PARAM_CHOICE,                                                                                                               \
          (base) + offsetof(an_join_options, keep),                                                                                      \
          0,                                                                                                                             \
          0,                                                                                                                             \
          0,                                                                                                                             \
          false,                                                                                                                         \
          "matched",                                                                                                                     \
          "matched|all",                                                                                                                 \
          "parts missing from a table: left out, or kept with missing cells" },                                                          \
        AN_BOOL_AT(base, an_join_options, multiply, false,                                                                               \
                   "a key several times in more than one table gives every combination of its rows"),                                    \
        AN_BOOL_AT(base, an_join_options, trace, false, "add a column TABLE.row that says which row of each table a row came from")
extern const an_param an_join_params[];
/* Columns of the tables side by side, in order; a column name that occurs in several tables gets the table's name in front ("press.temp").
 * Rows in the order of the first table, then (keep all) those of parts that only later tables have, in their order; with multiply the last
 * table's rows run fastest. Keys are equal when their value texts are: 12 and "12" are, "0012" is another key (said in notes where parts
 * would match without the zeroes). Rows without a key match nothing. The key gets the role id where there is none yet; a second target,
 * time, group or id is ignored ("second target"). AN_INPUT: repeated keys with "refuse" (key and counts named), no common part. AN_REFUSED:
 * generated rows. *report (may be NULL):
 * {"rows","tables":[{"name","rows","unmatched":[first 20
 * keys],"unmatched_count","repeated":[{"key","rows"}],"repeated_count","attempts_alone","without_key"}],"conflicts":[{"column","what",...}],"left_out","notes":[]}.
 */
an_table *an_table_join(const an_table *const *tables, const char *const *names, size_t count, const an_join_options *options,
                        json_t **report, an_job *job, an_error *err);

/* One row per screw to one row per part: rows with equal `on` become one; the cells of each value column go to "<names cell>_<column>"
 * ("3_torque"); other columns must agree within a part (conflict listed, first valid cell kept). A (part, name) that occurs twice is
 * AN_INPUT unless attempts says first or last (NULL: refuse). Parts in the order they come first, names by number or as people count. Rows
 * without part or name are left out and counted. *report:
 * {"rows","parts","names":[],"incomplete":[{"key","missing"}],"incomplete_count","repeated":[{"key","name","rows"}],"repeated_count",
 * "conflicts":[{"column","parts","first":[keys]}],"left_out"}. */
an_table *an_table_pivot(const an_table *t, const char *on, const char *names, const an_list *values, const char *attempts, json_t **report,
                         an_job *job, an_error *err);

/* t, and below it the rows of `more` that are not in `t` yet: by id column where there is one, else by content (of k equal rows as many as
 * t has fewer). A known id with other values is a conflict, listed, the earlier row kept as it is; without a conflict its cells that were
 * missing are filled (a label that came later), where the id stands for one row on both sides. AN_INPUT when the columns differ by name, or
 * newer cells do not fit the type of the table (whole numbers and reals become real). Units that differ are converted. *report:
 * {"rows_before","rows_read","rows_added","rows_known","filled": rows,"cells_filled","fills":[first 20, as conflicts],
 * "conflicts":[{"id","row","against","against_row","columns"}],"conflict_count","by",
 * "other_units":[{"column","factor","offset","words","median_before","median_added","unit"}]}: columns whose new rows look like another
 * unit.
 */
an_table *an_table_grow(const an_table *t, const an_table *more, json_t **report, an_error *err);
typedef struct an_grown {                /* what became of the rows of `more`: numbers of rows, from 0 */
    size_t *row, count;                  /* added below, in this order */
    size_t *fill, *filled, filled_count; /* row fill[k] of `more` filled cells of row filled[k] of t */
} an_grown;
void an_grown_free(an_grown *g);
/* the same; *grown (may be NULL): to be freed by the caller */
an_table *an_table_grow_rows(const an_table *t, const an_table *more, an_grown *grown, json_t **report, an_error *err);
/* t, and below it all rows of `more`, brought to the same types and units */
an_table *an_table_stack(const an_table *t, const an_table *more, an_error *err);
/* Values of a column that several rows have: {"repeated","differing","first":[{"id","rows":[indices],"columns":[that differ]}]} */
json_t *an_table_repeated(const an_table *t, const char *name, an_error *err);
/* Where the rows of a join came from, by its columns "<name>.row" (option trace), which are taken out unless `keep`; lines[k] may be NULL
 */
bool an_lines_join(an_table *t, const char *const *names, const an_lines *const *lines, size_t count, bool keep, an_lines *out,
                   an_error *err);
/* Where the rows of made = an_table_pivot(t, on, names ...) came from */
bool an_lines_pivot(const an_table *t, const char *on, const char *names, const an_table *made, const an_lines *from, an_lines *out,
                    an_error *err);

/* ---- schema ------------------------------------------------------------------------------------------------------------------------ */

/* A YAML text for people to edit: columns with role, type, unit (UCUM), spec limits (low, high), direction (more is worse | less is worse),
 * station, gauge resolution, sentinels (values that mean missing), after_decision; constraints between columns: "a < b", "a + b = c", fixed
 * combinations ([line, variant]). */
void an_schema_text(const an_table *t, an_buf *out);
/* Applies: sets roles, types, units (converting numbers where the declared unit of the file differs: {unit: mm, from: in}), sentinels to
 * missing; checks constraints. AN_INPUT names line and column for a schema that contradicts the table, a unit that cannot be converted,
 * circular constraints (the caller puts the file's name in front; the table is unchanged then). Rows that break a constraint are listed in
 * *report (may be NULL) and kept. An entry that says nothing of type, role, unit or kept leaves them; limits, station and so on that are
 * not said are none. Text and application are inverse, and applying twice is applying once.
 * {"converted":[{"column","from","to","factor","offset"}],"types":[{"column","from","to"}],"sentinels":[{"column","cells"}],"unlisted":[],"outside_limits":[{"column","below","above"}],"constraints":[{"text","rows_broken","first":[row
 * numbers],"tolerance","note"}]}; tolerance of an equality: half the resolution of each column, or else half its last decimal place; null:
 * none */
bool an_schema_apply(an_table *t, const an_yaml *schema, json_t **report, an_error *err);
/* Factor and offset from one UCUM code to another (same dimension): y = factor * x + offset. Everyday spellings (in, psi, Nm, rpm, degC)
 * are understood. AN_INPUT: not a unit, other dimensions. */
bool an_unit_convert(const char *from, const char *to, double *factor, double *offset, an_error *err);

/* ---- differences between versions ---------------------------------------------------------------------------------------------------- */

/* Schema changes, new categories, numbers that look wrong by a factor (1000, 25.4, 10, 60 ...), drift per column: KS, PSI (ten quantile
 * bins of a), Wasserstein in shares of a's range, chi-squared for categories; p-values corrected by Benjamini-Hochberg; in words:
 * "significant but too small to matter" where the effect is below PSI .1 and KS .1.
 * {"rows_a","rows_b","added":[],"removed":[],"changed":[{"column","what","from","to"}],"columns":[{"name","ks","p","p_adjusted","psi","wasserstein","missing_a","missing_b","new_categories":[],"factor","offset","verdict"}],"summary"};
 * categories have "total_variation" and "cramers_v" in place of ks and wasserstein; id and time columns are not compared; units that both
 * tables declare are converted first. */
json_t *an_table_diff(const an_table *a, const an_table *b, an_job *job, an_error *err);

/* ---- expectations -------------------------------------------------------------------------------------------------------------------- */

/* YAML: {expect: [{column, min, max, missing_at_most, unique, values, increasing: true | strictly (by the time column), row: "a < b",
 * rows_at_least, rows_at_most, where: "variant=A,torque=3..5", matches: reference, ks_at_most, error_rate}]}. Result
 * {"checked","broken","expectations":[{"text","ok","rows_broken","first":[row numbers],"value"}]}; *broken_rows (may be NULL) gets the rows
 * that broke any, with columns `_broken` that says which and `_row_number`. The statistical ones state their error rate. `reference`: for
 * distribution checks, may be NULL. */
json_t *an_expect_check(const an_table *t, const an_yaml *expectations, const an_table *reference, an_table **broken_rows, an_error *err);
/* A draft from what the table holds. */
void an_expect_propose(const an_table *t, an_buf *out);

/* ---- profile ------------------------------------------------------------------------------------------------------------------------- */

/* Per column: count, missing, distinct (exact), minimum, maximum, mean, sd, quantiles .01 .05 .25 .5 .75 .95 .99, 20-bin histogram, top
 * categories; association with the target (ROC-AUC of a number, Cramer's V of a category); class balance; equal rows. Shape:
 * {"rows","duplicate_rows","target":{"name","positive","classes":{name:count}},"columns":[{"name","type","role","missing","distinct","min","max","mean","sd","quantiles":{},"histogram":{"edges":[],"counts":[]},"top":[{"value","count"}],"auc","cramers_v"}]}
 */
json_t *an_table_profile(const an_table *t, an_job *job, an_error *err);
/* The same with all that a page shows. by: column whose values are held against each other; NULL: none. Columns get "station","reason",
 * "robust_sd","outliers":{"count","share","farthest":[{"row","time","value","z"}]},"chart":{histogram where the values are,
 * "under","over"},
 * "capability":{"low","high","below","above","within_by","sigma_within","sigma_overall","cp":{"value","low","high"},"cpk","pp","ppk"},
 * "association":{"measure":auc|spearman|epsilon_squared|cramers_v,"value","low","high","p","p_adjusted"},"groups":[{"column","kind":by|group|
 * shift,"p","p_adjusted","effect","values"}],"trend":{"mean","low","high"},"stuck":[{"from","to","rows","value"}],"steps":[{"at","before",
 * "after","shift_sd"}],"drift":{"tau","p","change_sd","drifts"}; beside them "order","groupings","balance","missing","duplicates","twins",
 * "correlation":{"columns","r_1000": lower triangle in thousandths,"pairs","blocks"},"findings":[{"kind","column","columns","score","text",
 * "evidence"}], most important first. Rows are told by number from 1 and, with a time column, by time. AN_NOT_FOUND: no column `by`;
 * AN_INPUT: it has more than 1,000 values. */
json_t *an_table_profile_full(const an_table *t, const char *by, an_job *job, an_error *err);

/* ---- files --------------------------------------------------------------------------------------------------------------------------- */

/* table.bin (columnar, little-endian, magic, version, checksummed sections, memory-mapped at load) and schema.json (names, types, roles,
 * units, reasons, positive, rows). Content only: no times, no paths, so that the same content is the same address. */
bool an_table_save(const an_table *t, an_artifact *a, an_error *err);
an_table *an_table_load(const an_artifact *a, an_error *err); /* AN_CORRUPT names the file and section */
json_t *an_table_columns_json(const an_table *t);             /* [{"name","type","role","missing","unit","reason"}] */

#endif
