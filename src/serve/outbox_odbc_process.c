/* outbox_odbc_process.c - the process that holds the driver: one connection, rows from its socket, an answer for each batch. What fails
 * ends it: its parent starts another one, so that every new connection begins with a driver that has not gone wrong yet. */
#include "serve/outbox_odbc.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- lines ---- */

json_t *an__odbc_line(int fd, an_buf *in)
{
    for (;;) {
        char *end = in->size ? memchr(in->data, '\n', in->size) : NULL;
        if (end) {
            size_t n = (size_t)(end - in->data);
            json_t *message = an_json_parse(in->data, n, "a message", NULL);
            memmove(in->data, end + 1, in->size - n - 1);
            in->size -= n + 1;
            return message;
        }
        char bytes[16384];
        ssize_t got = recv(fd, bytes, sizeof bytes, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return NULL;
        an_buf_add(in, bytes, (size_t)got);
    }
}

bool an__odbc_say(int fd, const json_t *message)
{
    char *text = an_json_text(message, false);
    size_t n = strlen(text);
    text[n] = '\n'; /* in the place of its end: it is no text any more */
    bool ok = true;
    for (size_t done = 0; ok && done <= n;) {
        ssize_t sent = send(fd, text + done, n + 1 - done, MSG_NOSIGNAL);
        if (sent > 0) done += (size_t)sent;
        ok = sent > 0 || errno == EINTR;
    }
    free(text);
    return ok;
}

/* ---- the end ---- */

/* A driver may hang in a call for ever. When the parent is gone and this process is not soon afterwards, it is ended here. */
static void *watch(void *context)
{
    struct pollfd p = { .fd = *(const int *)context, .events = POLLRDHUP };
    while (poll(&p, 1, -1) < 0 && errno == EINTR) continue;
    sleep(5);
    _exit(1);
}

/* ---- work ---- */

static bool begin(an__odbc *o, an__odbc_table **t, const json_t *m, an_error *err)
{
    const char *connect = an_json_string(m, "connect", NULL), *table = an_json_string(m, "table", NULL);
    if (!connect || !table) return an_fail(err, AN_CORRUPT, "the process of a driver is started by its parent only");
    if (!an__odbc_load(o, NULL, err)) return false;
    int timeout_s = (int)an_json_number(json_object_get(m, "timeout_s"), 30);
    if (!an__odbc_connect(o, connect, an_json_string(m, "user", NULL), an_json_string(m, "password", NULL), timeout_s, err)) return false;
    *t = an__odbc_table_open(o, table, err);
    return *t != NULL;
}

static bool one(an__odbc *o, an__odbc_table **t, const json_t *m, size_t *done, an_error *err)
{
    if (!*t) return begin(o, t, m, err);
    const json_t *rows = json_object_get(m, "rows");
    if (!rows) return an__odbc_table_check(*t, err);
    *done = an__odbc_table_put(*t, rows, err);
    return *done == json_array_size(rows);
}

/* Messages of drivers may be cut within a character, or be in another alphabet than they say. */
static json_t *text_of(char *text)
{
    json_t *t = json_string(text);
    if (t) return t;
    for (char *c = text; *c; c++)
        if ((unsigned char)*c >= 0x80) *c = '?';
    return json_string(text);
}

bool an__outbox_process(int fd, an_error *err)
{
    an__odbc o = { 0 };
    an__odbc_table *t = NULL;
    an_buf in = { 0 };
    pthread_t watcher;
    int code = pthread_create(&watcher, NULL, watch, &fd);
    if (code) return an_fail(err, AN_FAILED, "starting a thread: %s", strerror(code));
    bool ok = true;
    for (json_t *m; ok && (m = an__odbc_line(fd, &in)) != NULL; json_decref(m)) {
        an_error why = { 0 };
        size_t done = 0;
        ok = one(&o, &t, m, &done, &why);
        json_t *answer = json_pack("{s:I}", "done", (json_int_t)done);
        if (!ok) {
            json_object_set_new(answer, "error", text_of(why.message));
            json_object_set_new(answer, "hint", text_of(why.hint));
        }
        ok = an__odbc_say(fd, answer) && ok;
        json_decref(answer);
    }
    an__odbc_table_free(t);
    an__odbc_close(&o);
    an_buf_free(&in);
    pthread_cancel(watcher);
    pthread_join(watcher, NULL);
    return true;
}
