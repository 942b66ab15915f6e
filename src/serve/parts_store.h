/* parts_store.h - what is known of parts, in .andon/parts.db (SQLite): survives the server. One transaction a turn of the loop. */
#ifndef AN_SERVE_PARTS_STORE_H
#define AN_SERVE_PARTS_STORE_H

#include "andon/base.h"

typedef struct an__parts_store an__parts_store;
an__parts_store *an__parts_store_open(const char *path, bool durable, an_error *err);
void an__parts_store_close(an__parts_store *s); /* what was not committed is lost */

typedef struct an__part {
    char *model;
    json_t *features; /* object: what was measured so far */
    json_t *answer;   /* the verdict, once decided; NULL: waiting */
    int64_t opened_us;
} an__part;
void an__part_free(an__part *p); /* the contents */

/* false only on failure; *found says whether there is one. All writes of a turn are one transaction, begun by the first of them. */
bool an__parts_store_get(an__parts_store *s, const char *serial, int64_t attempt, bool *found, an__part *out, an_error *err);
bool an__parts_store_put(an__parts_store *s, const char *serial, int64_t attempt, const an__part *p,
                         an_error *err); /* inserts or replaces a waiting one */
/* [{"attempt", "state", ...answer}] in the order of attempts */
json_t *an__parts_store_list(an__parts_store *s, const char *serial, an_error *err);
/* Calls `each` for parts that wait since before `before_us`, or from after `after_us` (the clock was set back), oldest first, at most
 * `limit`. */
bool an__parts_store_overdue(an__parts_store *s, int64_t before_us, int64_t after_us, int limit,
                             void (*each)(void *context, const char *serial, int64_t attempt, an__part *p), void *context, an_error *err);
bool an__parts_store_begun(const an__parts_store *s);
void an__parts_store_queue(
    an__parts_store *s); /* from now on verdicts are queued for the outbox, too (outbox.h), in the same transaction */
/* *queued: how many verdicts it put into the queue. false: rolled back. */
bool an__parts_store_commit(an__parts_store *s, size_t *queued, an_error *err);

#endif
