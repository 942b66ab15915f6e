/* base.h - what every other room stands on: errors, jobs, parameters, text, files, hashes, random numbers, threads.
 *
 * Conventions of the whole library
 *   - A function that can fail returns bool (false: failed) or a pointer (NULL: failed) and fills its last argument,
 *     `an_error *err`, which may be NULL. Nothing prints or exits below src/cli.
 *   - `X_new/X_free` own; `const X *` borrows for the call; a parameter described as *taken* is owned by the callee afterwards.
 *   - X_free(NULL) is allowed. Text is UTF-8, NUL-terminated. Sizes are in bytes, times in seconds unless the name says otherwise.
 *   - Small allocations (names, nodes, options) that fail end the program with one line on stderr (an_alloc and friends);
 *     allocations that grow with the user's data report AN_MEMORY through an_alloc_data. See docs/decisions/.
 */
#ifndef ANDON_BASE_H
#define ANDON_BASE_H

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define AN_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define AN_CHECK __attribute__((warn_unused_result))
#define AN_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- errors ------------------------------------------------------------------------------------------------------- */

/* code, name in JSON, exit status of the command line */
#define AN_CODES(X)                 \
    X(AN_OK, "ok", 0)               \
    X(AN_FAILED, "failed", 1)       \
    X(AN_IO, "io", 1)               \
    X(AN_CORRUPT, "corrupt", 1)     \
    X(AN_BUSY, "busy", 1)           \
    X(AN_NEWER, "newer", 1)         \
    X(AN_MEMORY, "memory", 1)       \
    X(AN_USAGE, "usage", 2)         \
    X(AN_INPUT, "bad_input", 2)     \
    X(AN_NOT_FOUND, "not_found", 2) \
    X(AN_REFUSED, "refused", 3)     \
    X(AN_STOPPED, "interrupted", 130)

typedef enum an_code {
#define AN_CODE_ENUM(code, name, status) code,
    AN_CODES(AN_CODE_ENUM)
#undef AN_CODE_ENUM
} an_code;

const char *an_code_name(an_code code);
int an_code_exit(an_code code);

/* One failure, told to a person: `message` reads as one sentence from the outermost to the innermost context, `where` names
 * file, row, column, value (may be empty), `hint` says what to do (may be empty). Zero-initialise before first use. */
typedef struct an_error {
    an_code code;
    char message[1024];
    char where[256];
    char hint[512];
} an_error;

bool an_fail(an_error *err, an_code code, const char *format, ...) AN_PRINTF(3, 4); /* sets, clears where and hint; always false */
bool an_context(an_error *err, const char *format, ...) AN_PRINTF(2, 3);            /* prepends "<text>: "; always false */
bool an_where(an_error *err, const char *format, ...) AN_PRINTF(2, 3);              /* always false */
bool an_hint(an_error *err, const char *format, ...) AN_PRINTF(2, 3);               /* always false */
bool an_fail_errno(an_error *err, const char *format, ...) AN_PRINTF(2, 3);         /* AN_IO, "<text>: <strerror>"; always false */
json_t *an_error_json(const an_error *err); /* new {"error":{"code","message","where","hint"}}; empty where/hint are null */

/* ---- memory and text ----------------------------------------------------------------------------------------------- */

void *an_alloc(size_t bytes);                          /* zeroed; never NULL */
void *an_alloc_n(size_t count, size_t size);           /* zeroed, overflow-checked; never NULL */
void *an_resize_n(void *p, size_t count, size_t size); /* realloc, overflow-checked; never NULL; new bytes are undefined */
char *an_strdup(const char *s);                        /* NULL gives NULL */
char *an_strndup(const char *s, size_t n);
char *an_format(const char *format, ...) AN_PRINTF(1, 2); /* new text */
/* zeroed, 64-byte aligned, release with free(); NULL: AN_MEMORY naming what and how much */
void *an_alloc_data(size_t count, size_t size, const char *what, an_error *err);

/* Growable bytes, always NUL-terminated one past `size`. Zero-initialise. */
typedef struct an_buf {
    char *data;
    size_t size, capacity;
} an_buf;

void an_buf_add(an_buf *b, const void *bytes, size_t n);
void an_buf_puts(an_buf *b, const char *text);
void an_buf_putc(an_buf *b, char c);
void an_buf_printf(an_buf *b, const char *format, ...) AN_PRINTF(2, 3);
void an_buf_clear(an_buf *b); /* keeps the memory */
void an_buf_free(an_buf *b);
char *an_buf_take(an_buf *b); /* the text, owned by the caller (never NULL); b is empty afterwards */

/* A list of owned strings. Zero-initialise. */
typedef struct an_list {
    char **items;
    size_t count;
} an_list;

void an_list_add(an_list *l, const char *text); /* copies */
void an_list_add_take(an_list *l, char *text);  /* takes */
/* appends the parts, blanks trimmed, empty parts skipped; "..." quotes a part */
void an_list_split(an_list *l, const char *text, char separator);
bool an_list_has(const an_list *l, const char *text);
void an_list_free(an_list *l);

/* The nearest of `names` to `word` by edit distance (transpositions count one), or NULL when none is near enough to propose. */
const char *an_nearest(const char *word, const char *const *names, size_t count);

/* Shortest decimal text that reads back as the same double ("0.1", "1e-07", "nan", "inf", "-inf"); buf holds 32. Locale-free. */
char *an_real_text(double value, char buf[32]);
/* Locale-free strtod over [s, s+n) that must consume everything; false when it is not a finite or nan/inf number. */
bool an_real_parse(const char *s, size_t n, double *value);

/* ---- JSON and YAML -------------------------------------------------------------------------------------------------- */

json_t *an_json_read(const char *path, an_error *err);                              /* new; errors name file, line, column */
json_t *an_json_parse(const char *text, size_t n, const char *what, an_error *err); /* depth limited to 200; duplicate keys refused */
/* atomic; sorted keys, two-space indent, newline at the end: the same value is the same bytes */
bool an_json_write(const char *path, const json_t *value, an_error *err);
char *an_json_text(const json_t *value, bool pretty);         /* new text; compact form is canonical (sorted keys, no blanks) */
json_t *an_json_real(double value);                           /* new; NaN and infinities become null */
double an_json_number(const json_t *value, double otherwise); /* integer or real; otherwise for null, absent (NULL) or other types */
const char *an_json_string(const json_t *object, const char *key, const char *otherwise);

/* A YAML 1.1 document as JSON values: maps keep order; plain scalars become null, true/false, integers, reals or strings as in the
 * YAML 1.2 core schema (so `no` and `on` stay strings); anchors and aliases are followed with a limit on total expansion;
 * duplicate keys, several documents, tags other than the core ones are errors. an_yaml_line gives the line of a value by its path,
 * e.g. "steps.train.set.rate" (0: unknown). */
typedef struct an_yaml an_yaml;
an_yaml *an_yaml_read(const char *path, an_error *err);
an_yaml *an_yaml_parse(const char *text, size_t n, const char *what, an_error *err);
const json_t *an_yaml_root(const an_yaml *y); /* borrowed */
int an_yaml_line(const an_yaml *y, const char *path);
void an_yaml_free(an_yaml *y);

/* ---- files ------------------------------------------------------------------------------------------------------------ */

/* replaces what is in out; limit 0: none; absent: AN_NOT_FOUND */
bool an_file_read(const char *path, size_t limit_bytes, an_buf *out, an_error *err);
/* temporary file in the same folder, fsync, rename, fsync of the folder: all or nothing */
bool an_file_write(const char *path, const void *bytes, size_t n, an_error *err);
bool an_file_copy(const char *from, const char *to, an_error *err); /* same guarantee */
bool an_file_exists(const char *path);
bool an_folder_make(const char *path, an_error *err);   /* with parents; an existing folder is fine */
bool an_folder_remove(const char *path, an_error *err); /* recursive; does not follow links; absent is fine */
bool an_folder_sync(const char *path, an_error *err);
bool an_folder_list(const char *path, an_list *names, an_error *err); /* sorted by bytes, without . and .. */
char *an_path_join(const char *folder, const char *name);             /* new text; an absolute name stands alone */
const char *an_path_base(const char *path);                           /* the last part, borrowed */
/* 1-128 of A-Z a-z 0-9 . _ - , not starting with . or -; AN_USAGE otherwise */
bool an_name_check(const char *what, const char *name, an_error *err);

/* ---- time --------------------------------------------------------------------------------------------------------------- */

double an_clock_s(void); /* monotonic */
int64_t an_now_us(void); /* UTC microseconds since 1970 */
/* ISO 8601 UTC, "2026-03-01T07:05:09.123456Z" (fraction left out when zero); range: years 0000 to 9999 */
char *an_time_text(int64_t us, char buf[32]);

/* ---- hashes ---------------------------------------------------------------------------------------------------------------- */

typedef struct an_hash {
    uint8_t bytes[32]; /* SHA-256 */
} an_hash;

typedef struct an_hasher an_hasher;
an_hasher *an_hasher_new(void);
void an_hasher_add(an_hasher *h, const void *bytes, size_t n);
void an_hasher_end(an_hasher *h, an_hash *out); /* and frees h */
void an_hash_bytes(const void *bytes, size_t n, an_hash *out);
bool an_hash_file(const char *path, an_hash *out, an_error *err);
void an_hash_hex(const an_hash *h, char out[65]);
bool an_hash_parse(const char *hex64, an_hash *out);
uint64_t an_siphash(const uint8_t key[16], const void *bytes, size_t n); /* SipHash-2-4 (Aumasson and Bernstein 2012) */

/* ---- random numbers ----------------------------------------------------------------------------------------------------------- */

/* Philox4x32-10 (Salmon et al. 2011): four 32-bit words that depend on (key, counter) alone. */
void an_philox(uint64_t key, uint64_t counter_high, uint64_t counter_low, uint32_t out[4]);

/* A stream of draws; copy it to fork it. The i-th draw depends on (seed, stream, i) alone. */
typedef struct an_rng {
    uint64_t seed, stream, counter;
    uint32_t spare[4];
    int left;
} an_rng;

an_rng an_rng_at(uint64_t seed, uint64_t stream);
uint32_t an_rng_u32(an_rng *r);
uint64_t an_rng_u64(an_rng *r);
uint64_t an_rng_below(an_rng *r, uint64_t n); /* unbiased, n >= 1 */
double an_rng_uniform(an_rng *r);             /* [0, 1), 53 bits */
double an_rng_normal(an_rng *r);              /* standard normal */
void an_rng_shuffle(an_rng *r, size_t *items, size_t n);
uint64_t an_seed_derive(uint64_t seed, const char *name, uint64_t index); /* an independent seed for a named part of the work */

/* ---- threads --------------------------------------------------------------------------------------------------------------------- */

/* One pool a process. an_pool_each runs body(context, index, worker) for index 0..count-1 on all threads, in no particular order, and
 * returns when all are done; worker is 0..an_pool_threads-1. Called from inside a body it runs serially in that worker.
 * A NULL pool is one thread. */
typedef struct an_pool an_pool;
an_pool *an_pool_new(int threads); /* 0: as many as the processors this process may use */
void an_pool_free(an_pool *p);
int an_pool_threads(const an_pool *p);
void an_pool_each(an_pool *p, size_t count, void (*body)(void *context, size_t index, int worker), void *context);

/* ---- jobs -------------------------------------------------------------------------------------------------------------------------- */

/* What everything that can take long is given: threads, seed, progress, cancellation, metrics, a checkpoint folder. A NULL job is
 * allowed everywhere: one thread, seed 1, silent, never stopped. Calls may come from any thread. */
typedef struct an_job an_job;

typedef struct an_sink { /* any may be NULL; called under the job's lock, one at a time */
    void *context;
    void (*progress)(void *context, const char *stage, double done, double total, const char *unit);
    void (*metric)(void *context, const char *name, int64_t step, double value);
    void (*message)(void *context, const char *text); /* a line for people */
} an_sink;

typedef struct an_job_options {
    an_pool *pool; /* borrowed */
    uint64_t seed;
    an_sink sink;       /* copied */
    const char *folder; /* for checkpoints, copied; NULL: none */
    bool fresh;         /* do the work again although an equal run exists */
} an_job_options;

an_job *an_job_new(const an_job_options *options);
/* A part of `parent` with its own seed, sink and folder (pool taken from the parent when NULL); stops when the parent stops. */
an_job *an_job_part(an_job *parent, const an_job_options *options);
void an_job_free(an_job *job);

void an_job_stage(an_job *job, const char *stage); /* "training wgan"; shown before the bar */
void an_job_progress(an_job *job, double done, double total, const char *unit);
void an_job_metric(an_job *job, const char *name, int64_t step, double value);
void an_job_say(an_job *job, const char *format, ...) AN_PRINTF(2, 3);
void an_job_stop(an_job *job); /* async-signal-safe */
bool an_job_stopped(const an_job *job);
bool an_job_check(const an_job *job, an_error *err); /* false and AN_STOPPED when stopped */
an_pool *an_job_pool(const an_job *job);
uint64_t an_job_seed(const an_job *job);
const char *an_job_folder(const an_job *job);
bool an_job_fresh(const an_job *job);

/* ---- parameters: declared once ------------------------------------------------------------------------------------------------------- */

typedef enum an_param_type {
    AN_PARAM_INT,    /* int64_t */
    AN_PARAM_REAL,   /* double; a default of NAN means 'not given' */
    AN_PARAM_BOOL,   /* bool */
    AN_PARAM_CHOICE, /* char *, owned; one of `choices` */
    AN_PARAM_TEXT,   /* char *, owned; NULL means 'not given' */
    AN_PARAM_LIST,   /* an_list */
} an_param_type;

typedef struct an_param {
    const char *name; /* as in --name: lower case, words joined by '_' here and by '-' or '_' when typed */
    an_param_type type;
    size_t offset;
    double otherwise, low, high; /* default and range (inclusive) of numbers and booleans */
    bool log;                    /* searched on a logarithmic scale */
    const char *text;            /* default of texts and choices; of lists as comma-separated text; NULL: none */
    const char *choices;         /* "clip|gradient" */
    const char *doc;             /* one line */
} an_param;

/* clang-format off */
#define AN_INT(S, field, def, lo, hi, line) { #field, AN_PARAM_INT, offsetof(S, field), def, lo, hi, false, NULL, NULL, line }
#define AN_INT_LOG(S, field, def, lo, hi, line) { #field, AN_PARAM_INT, offsetof(S, field), def, lo, hi, true, NULL, NULL, line }
#define AN_REAL(S, field, def, lo, hi, line) { #field, AN_PARAM_REAL, offsetof(S, field), def, lo, hi, false, NULL, NULL, line }
#define AN_REAL_LOG(S, field, def, lo, hi, line) { #field, AN_PARAM_REAL, offsetof(S, field), def, lo, hi, true, NULL, NULL, line }
#define AN_BOOL(S, field, def, line) { #field, AN_PARAM_BOOL, offsetof(S, field), def, 0, 1, false, NULL, NULL, line }
#define AN_CHOICE(S, field, def, of, line) { #field, AN_PARAM_CHOICE, offsetof(S, field), 0, 0, 0, false, def, of, line }
#define AN_TEXT(S, field, def, line) { #field, AN_PARAM_TEXT, offsetof(S, field), 0, 0, 0, false, def, NULL, line }
#define AN_LIST(S, field, def, line) { #field, AN_PARAM_LIST, offsetof(S, field), 0, 0, 0, false, def, NULL, line }
/* the same inside a larger struct: base is the offset of the S in it */
#define AN_INT_AT(base, S, field, def, lo, hi, line) { #field, AN_PARAM_INT, (base) + offsetof(S, field), def, lo, hi, false, NULL, NULL, line }
#define AN_REAL_AT(base, S, field, def, lo, hi, line) { #field, AN_PARAM_REAL, (base) + offsetof(S, field), def, lo, hi, false, NULL, NULL, line }
#define AN_BOOL_AT(base, S, field, def, line) { #field, AN_PARAM_BOOL, (base) + offsetof(S, field), def, 0, 1, false, NULL, NULL, line }
#define AN_TEXT_AT(base, S, field, def, line) { #field, AN_PARAM_TEXT, (base) + offsetof(S, field), 0, 0, 0, false, def, NULL, line }
#define AN_LIST_AT(base, S, field, def, line) { #field, AN_PARAM_LIST, (base) + offsetof(S, field), 0, 0, 0, false, def, NULL, line }
#define AN_PARAM_END { NULL, AN_PARAM_INT, 0, 0, 0, 0, false, NULL, NULL, NULL }
/* clang-format on */

void an_params_defaults(const an_param *table, void *options);           /* options zeroed or fresh memory; fills every field */
void an_params_free(const an_param *table, void *options);               /* releases texts and lists; leaves zeroes */
const an_param *an_params_find(const an_param *table, const char *name); /* '-' and '_' are equal; NULL: unknown */
/* Sets one by text; lists append: for a fresh list call an_params_clear_list first. AN_USAGE with range, or the nearest name. */
bool an_params_set(const an_param *table, void *options, const char *name, const char *text, an_error *err);
void an_params_clear_list(const an_param *table, void *options, const char *name); /* other types and unknown names are left alone */
/* lists are replaced */
bool an_params_set_json(const an_param *table, void *options, const char *name, const json_t *value, an_error *err);
bool an_params_set_all(const an_param *table, void *options, const json_t *object, an_error *err);
json_t *an_params_json(const an_param *table, const void *options);     /* new object, every parameter, in table order */
void an_params_copy(const an_param *table, void *to, const void *from); /* to: zeroed or fresh memory */
/* "real in 1e-06 .. 0.1, log scale, default 5e-05" : the part of help that comes from type and range; buf holds 160 */
char *an_param_range_text(const an_param *p, char buf[160]);
/* "" when the table is sound (names unique, defaults within ranges, every line documented), else what is wrong: for tests. */
char *an_params_audit(const an_param *table);

/* ---- artifacts: folders of files ----------------------------------------------------------------------------------------------------- */

/* A folder being written, or one opened for reading; both know size and SHA-256 of every file. The content address of an artifact is
 * the SHA-256 of its manifest: one line per file, sorted by path, "<sha256> <bytes> <path>\n". Paths are relative, with '/', without
 * '..', and inside the folder. Who keeps artifacts (src/store) and what is in them (table, learn, synth) need not know each other. */
typedef struct an_artifact an_artifact;

an_artifact *an_artifact_new(const char *folder, an_error *err);  /* makes an empty folder (must not exist or be empty) for writing */
an_artifact *an_artifact_open(const char *folder, an_error *err); /* for reading: lists the files; nothing is hashed yet */
void an_artifact_free(an_artifact *a);                            /* the files stay */
const char *an_artifact_folder(const an_artifact *a);
bool an_artifact_write(an_artifact *a, const char *path, const void *bytes, size_t n, an_error *err);
bool an_artifact_write_json(an_artifact *a, const char *path, const json_t *value, an_error *err);
bool an_artifact_read(const an_artifact *a, const char *path, an_buf *out, an_error *err);
json_t *an_artifact_read_json(const an_artifact *a, const char *path, an_error *err);
bool an_artifact_has(const an_artifact *a, const char *path);
char *an_artifact_path(const an_artifact *a, const char *path); /* new text; for writers that stream to a file themselves */
/* Hashes every file found in the folder now (all of them, however they came there), builds the manifest. manifest may be NULL. */
bool an_artifact_seal(const an_artifact *a, an_hash *address, an_buf *manifest, an_error *err);

/* ---- the program --------------------------------------------------------------------------------------------------------------------- */

const char *an_version(void);      /* "0.1.0" */
const char *an_code_version(void); /* git description of the sources at build time, "unknown" outside a checkout */

#endif
