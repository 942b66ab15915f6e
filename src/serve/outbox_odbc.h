/* outbox_odbc.h - what the files of the table on another server share. Two processes:
 *
 *   outbox_odbc.c           the server's: settings; starts the other process, gives it rows, waits for it, ends it when it hangs
 *   outbox_odbc_process.c   the other: takes rows from its socket, answers
 *   outbox_odbc_table.c     likewise: the table, rows that are already there, rows that are new
 *   outbox_odbc_driver.c    likewise: the driver manager, a connection, its messages
 *
 * What they say to each other is JSON, one object a line. To the process: {"connect", "user", "password", "table", "timeout_s"} once, then
 * {"rows": [[...], ...]} or {"check": true}. From it, for each: {"done": N}; with "error" and "hint" where that is not all, after which it
 * ends. */
#ifndef AN_SERVE_OUTBOX_ODBC_H
#define AN_SERVE_OUTBOX_ODBC_H

#include "serve/outbox.h"
#include "serve/outbox_odbc_abi.h"

/* outbox_odbc_process.c: one line of a socket that blocks. NULL: closed, or no JSON. in: what was read beyond it. */
json_t *an__odbc_line(int fd, an_buf *in);
bool an__odbc_say(int fd, const json_t *message);

/* ---- outbox_odbc_driver.c: one connection ---- */

typedef struct an__odbc {
    void *library;
    odbc_functions f;
    odbc_handle environment, connection;
    char *password; /* kept out of messages */
    int timeout_s;
} an__odbc;
/* library: NULL for the usual names. */
bool an__odbc_load(an__odbc *o, const char *library, an_error *err);
/* text: "DSN=..." or "Driver=...;..."; user, password: NULL or added to it. Transactions end by an__odbc_end only. */
bool an__odbc_connect(an__odbc *o, const char *text, const char *user, const char *password, int timeout_s, an_error *err);
odbc_handle an__odbc_statement(an__odbc *o, an_error *err); /* NULL: failed */
bool an__odbc_end(an__odbc *o, bool commit, an_error *err);
void an__odbc_close(an__odbc *o); /* zeroes it; the library stays loaded: drivers do not expect to be unloaded */
/* code of a call on that handle: true where it succeeded, with or without information; else says `doing` and the driver's reason. state:
 * its SQLSTATE, or NULL. */
bool an__odbc_good(an__odbc *o, odbc_return code, short kind, odbc_handle handle, const char *doing, char state[6], an_error *err);

/* ---- outbox_odbc_table.c ---- */

typedef struct an__odbc_table an__odbc_table;
/* The table is there with all columns, or is made. name: letters, digits, _, and dots between names. */
an__odbc_table *an__odbc_table_open(an__odbc *o, const char *name, an_error *err);
/* How many are there now, from the first on: all, or fewer where one was refused. Rows whose id is there already change nothing. */
size_t an__odbc_table_put(an__odbc_table *t, const json_t *rows, an_error *err);
bool an__odbc_table_check(an__odbc_table *t, an_error *err);
void an__odbc_table_free(an__odbc_table *t);

/* ---- text: a value that is cut to `room` units never ends in the middle of a character ---- */
size_t an__odbc_units(const char *utf8, odbc_unit *out, size_t room, bool *cut); /* how many; out[it] = 0; room: without that zero */
void an__odbc_text(const odbc_unit *units, size_t n, an_buf *out);               /* as UTF-8; what is no UTF-16 becomes U+FFFD */

#endif
