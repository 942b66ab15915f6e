/* outbox.h - verdicts on parts leave here, too: a queue in .andon/parts.db, written with the verdict in one transaction, and channels that
 * empty it, each in a thread of its own with its own position, retry and backoff. At least once: a verdict that was handed over just
 * before a crash is handed over again, with the same id. */
#ifndef AN_SERVE_OUTBOX_H
#define AN_SERVE_OUTBOX_H

#include "andon/base.h"

/* One verdict: what POST /api/parts/{serial} answered, and its id, "serial#attempt". */
typedef struct an__outbox_item {
    int64_t number; /* in the queue */
    char *id;
    json_t *verdict;
} an__outbox_item;

/* Where verdicts go. `send` hands over items in their order and returns how many are safe at the other end: fewer than `count` where it
 * failed (then *err says why). It may block, and is called by one thread only. */
typedef struct an__channel {
    const char *name;
    size_t (*send)(void *self, const an__outbox_item *items, size_t count, an_error *err);
    bool (*check)(void *self,
                  an_error *err); /* the other end is there; at the start and when nothing was sent for a while; NULL: no need */
    void (*hurry)(void *self);    /* from another thread: the program ends, be done soon; NULL: it is never long */
    void (*free)(void *self);
    void *self;
} an__channel;
/* From its part of the configuration; relative paths are relative to the workspace. */
bool an__channel_csv(const json_t *config, const char *workspace, an__channel *out, an_error *err);  /* outbox_csv.c: a drop folder */
bool an__channel_sql(const json_t *config, const char *workspace, an__channel *out, an_error *err);  /* outbox_sql.c: a table in SQLite */
bool an__channel_odbc(const json_t *config, const char *workspace, an__channel *out, an_error *err); /* outbox_odbc.c: of another server */
bool an__channel_mqtt(const json_t *config, const char *workspace, an__channel *out, an_error *err); /* outbox_mqtt.c: messages */
/* The text of `key`; without it `otherwise`, or AN_INPUT where that is NULL. Every key of the section must be in `known`. */
const char *an__channel_text(const json_t *config, const char *channel, const char *key, const char *otherwise, an_error *err);
bool an__channel_keys(const json_t *config, const char *channel, const char *const *known, size_t count, an_error *err);
/* The file named under `key`, as an absolute path, new; NULL: no such key, or an error. */
char *an__channel_file(const json_t *config, const char *channel, const char *key, const char *workspace, an_error *err);
/* What is in the file `password_file`, without the end of its line; nothing where there is no such key. Passwords lie in files of their
 * own because settings are shown to people. */
bool an__channel_password(const json_t *config, const char *channel, const char *workspace, an_buf *out, an_error *err);

/* The columns of a row, in order; for the channels that write rows. */
typedef enum an__outbox_kind { AN__COLUMN_TEXT, AN__COLUMN_WHOLE, AN__COLUMN_REAL, AN__COLUMN_TRUTH } an__outbox_kind;
typedef struct an__outbox_column {
    const char *name;
    an__outbox_kind kind;
    int characters; /* of a text, at most: what a server's column is made for */
    bool always;    /* never null */
} an__outbox_column;
enum { AN__OUTBOX_COLUMNS = 13, AN__OUTBOX_CHARACTERS = 2000 };
extern const an__outbox_column an__outbox_columns[AN__OUTBOX_COLUMNS];
void an__outbox_field(const an__outbox_item *item, size_t column, an_buf *out); /* its text; "" where there is none */
json_t *an__outbox_value(const an__outbox_item *item, size_t column);           /* new, of the column's kind, or null */

typedef struct an__outbox an__outbox;
/* config: {"csv": {...}, "sql": {...}, "mqtt": {...}}. database: parts.db, whose tables are made by an__parts_store_open. */
an__outbox *an__outbox_new(const json_t *config, const char *database, const char *workspace, an_error *err);
void an__outbox_wake(an__outbox *o, size_t fresh); /* so many more were committed; any thread */
void an__outbox_free(an__outbox *o);               /* what waits is tried once more, and stays in the queue */
typedef struct an__outbox_facts {
    const char *name;
    uint64_t delivered, failures;
    int64_t waiting;
    char why[600]; /* of the failure that is being retried; "": none */
} an__outbox_facts;
size_t an__outbox_channels(const an__outbox *o);
void an__outbox_facts_get(an__outbox *o, size_t channel, an__outbox_facts *out);

/* Drivers of database servers come from elsewhere: they hang and crash. They live in a process of their own, which is this program started
 * anew with its socket's number under this name; this is its main function (outbox_odbc_process.c). It ends when the socket does. */
#define AN__OUTBOX_ENV "ANDON_OUTBOX_FD"
bool an__outbox_process(int fd, an_error *err);

#endif
