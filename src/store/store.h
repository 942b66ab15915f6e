/* store.h - what the files of this room share: the open store, statements, transactions, who a process is. */
#ifndef AN_STORE_STORE_H
#define AN_STORE_STORE_H

#include "andon/store.h"

#include <pthread.h>
#include <sqlite3.h>

enum { AN__TAG_SIZE = 96, AN__ID_SIZE = 27, AN__BUSY_MS = 10000 };
#define AN__APPLICATION_ID 0x416e646f /* "Ando": marks the database file as ours */

typedef struct an__metric {
    char *run, *name;
    int64_t step;
    double value;
} an__metric;

struct an_store {
    char *folder, *hidden; /* the workspace; its .andon */
    sqlite3 *db;
    pthread_mutex_t lock; /* recursive; held by every public function while it uses db or the fields below */
    int busy_ms;
    bool durable;            /* what PRAGMA synchronous says now */
    char self[AN__TAG_SIZE]; /* this process, see an__process_tag */
    char *machine;           /* JSON text, made at the first run */
    an_hash *checked;        /* artifacts whose files were hashed by this process, sorted */
    size_t checked_count, checked_room;
    an__metric *metrics; /* not yet in the database */
    size_t metric_count, metric_room;
    double flushed_at;
    unsigned staged;  /* number of the next staging folder */
    uint64_t last_ms; /* of the last run id, with its random part: ids of one process rise */
    uint8_t last_random[10];
    bool has_key; /* the signing key was read */
    uint8_t key_public[32], key_secret[64];
    char origin[33];
};

/* ---- store.c ---- */
an_store *an__store_open(const char *workspace, int busy_ms, an_error *err);
void an__lock(an_store *s);
bool an__unlock(an_store *s, bool result); /* passes result through */

/* ---- sql.c: one statement at a time. `types` has one letter an argument: i int64_t, u uint64_t, r double, t text or NULL, h an_hash *, b
 * (bytes, size_t) ---- */
bool an__sql_fail(an_store *s, const char *what, int code, an_error *err);
sqlite3_stmt *an__sql(an_store *s, an_error *err, const char *sql, const char *types, ...);
bool an__sql_step(an_store *s, sqlite3_stmt *statement, bool *row,
                  an_error *err); /* *row: there is one to read; at the end and on failure the statement is finalised */
bool an__sql_do(an_store *s, an_error *err, const char *sql, const char *types, ...);
bool an__sql_int(an_store *s, int64_t *value, bool *found, an_error *err, const char *sql, const char *types,
                 ...);                                   /* the first column of the first row */
char *an__sql_text(sqlite3_stmt *statement, int column); /* new text; NULL for NULL */
bool an__sql_hash(sqlite3_stmt *statement, int column, an_hash *out);
bool an__sql_json(sqlite3_stmt *statement, int column, const char *what, json_t **out, an_error *err); /* NULL gives NULL */
bool an__begin(an_store *s, bool durable, an_error *err); /* BEGIN IMMEDIATE; durable: on disk when an__end returns */
bool an__end(an_store *s, bool good, an_error *err);      /* commits, or rolls back when not good; false when not good */

/* ---- schema.c ---- */
extern const char *const an__migrations[];
extern const int an__migration_count;
bool an__schema_apply(an_store *s, const char *const *texts, int count, an_error *err);

/* ---- process.c ---- */
typedef enum an__life { AN__ALIVE, AN__DEAD, AN__ELSEWHERE } an__life;
void an__process_tag(char tag[AN__TAG_SIZE]); /* "<host>-<boot>-<pid namespace>-<pid>-<start time>": the same in no other process */
an__life an__process_life(const char *self,
                          const char *tag); /* AN__ELSEWHERE: on another machine or in another container, nobody can tell here */
long an__process_pid(const char *tag);
char *an__machine_text(void);                                         /* {"host","cpu","cores","memory_bytes","system"} */
bool an__lock_holder(const char *database, long *pid, char name[64]); /* which process holds the write lock, where the kernel tells */
void an__id_next(an_store *s, char id[AN__ID_SIZE]);                  /* under the lock */

/* ---- artifact.c ---- */
char *an__artifact_folder(const an_store *s, const an_hash *address);                     /* new text */
bool an__artifact_known(an_store *s, const an_hash *address, bool *known, an_error *err); /* there is a row; under the lock */
bool an__staging_clean(an_store *s, an_error *err);

/* ---- names.c ---- */
bool an__kind_parse(const char *text, an_name_kind *kind);

/* ---- runs.c ---- */
bool an__metrics_flush(an_store *s, an_error *err); /* under the lock */

/* ---- record.c ---- */
bool an__record_append(an_store *s, const char *kind, const char *subject, const json_t *body,
                       an_error *err); /* inside a transaction; an__key_ready first */
bool an__key_ready(an_store *s, an_error *err);

#endif
