/* journal_file.h - the files of the journal, written by journal.c and read by journal_read.c.
 *
 * .andon/journal/<time in us, 16 hex digits>-<process>.anj; while it is written .open, with a lock (flock) of its writer. Little-endian.
 *   head: "ANDONJ1\n", u64 time in us
 *   then records: u32 size, u32 CRC-32 of the payload, payload. First byte of a payload:
 *     1 a model: JSON text {"index","name","version","address","threshold","positive","negative","unapproved","features":[{"name","type",
 *       "categories":[...]}]}, before the first verdict that names its index in this file
 *     2 a verdict: see an__journal_head; then rows scores, rows x features values (f64, as an_model_score_rows takes them), request id,
 * part A file may end in a torn record after a crash: its writer's successor cuts it (answered = journaled: an answer leaves after its
 * record was written).
 */
#ifndef AN_SERVE_JOURNAL_FILE_H
#define AN_SERVE_JOURNAL_FILE_H

#include "andon/base.h"

#define AN__JOURNAL_MAGIC "ANDONJ1\n"
enum { AN__JOURNAL_MODEL = 1, AN__JOURNAL_VERDICT = 2, AN__JOURNAL_START = 16, AN__JOURNAL_RECORD_MAX = 1 << 30 };

typedef struct an__journal_head {
    uint8_t kind, unapproved;
    uint16_t request_size, part_size, unused;
    uint32_t model, rows, features, unused2;
    int64_t time_us;
    double latency_ms;
} an__journal_head; /* 40 bytes, no padding */

/* What a reader is told, record by record. */
typedef struct an__journal_seen {
    const json_t *model; /* as above; borrowed */
    int64_t time_us;
    double latency_ms;
    const char *request, *part; /* NUL-terminated; part "": none */
    size_t rows, features;
    const double *score, *values;
} an__journal_seen;
typedef bool (*an__journal_reader)(void *context, const an__journal_seen *v, an_error *err); /* false: stop */

/* Reads one file to its end or to the first record that is torn or altered: *good_bytes says where that is. False when the file cannot be
 * read, is no journal, or the reader says so. */
bool an__journal_read_file(const char *path, an__journal_reader reader, void *context, uint64_t *good_bytes, uint64_t *records,
                           an_error *err);
/* All files of a folder, oldest first. *torn: files that end in something else than a record. */
bool an__journal_read(const char *folder, an__journal_reader reader, void *context, uint64_t *records, size_t *torn, an_error *err);
/* Files that a dead writer left open: cut after the last whole record, closed. *cut: bytes that were cut. */
bool an__journal_repair(const char *folder, size_t *files, uint64_t *cut, an_error *err);

#endif
