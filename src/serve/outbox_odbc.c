/* outbox_odbc.c - verdicts to a table on a database server, by ODBC: the side of `andon serve`. The driver lives in a process of its own
 * (outbox_odbc_process.c), which is asked and waited for, within limits: one that hangs is ended, one that crashes is started again, and
 * neither costs an answer to the line. */
#include "serve/outbox_odbc.h"
#include "serve/own_process.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const double hurry_s = 5;  /* for what is under way when the program ends */
static const double leave_s = 2;  /* for the process to say goodbye to its database */
static const double margin_s = 2; /* the driver's own limits come first: their message says more */

typedef struct server {
    char *workspace, *begin; /* begin: the first message */
    double timeout_s;
    int fd; /* -1: no process */
    pid_t pid;
    an_buf in;
    int hurried; /* an eventfd, readable from an__channel.hurry on */
    _Atomic double end;
} server;

/* ---- the process ---- */

/* Waits for the process to end, no longer than `seconds`; then ends it. Returns how it ended (waitpid). */
static int reap(server *s, double seconds)
{
    int status = 0;
    if (s->fd >= 0) close(s->fd);
    s->fd = -1;
    for (double until = an_clock_s() + seconds; s->pid > 0; usleep(5000)) {
        pid_t got = waitpid(s->pid, &status, WNOHANG);
        if (got == s->pid || (got < 0 && errno == ECHILD)) break;
        if (an_clock_s() < until) continue;
        kill(s->pid, SIGKILL);
        waitpid(s->pid, &status, 0);
        break;
    }
    s->pid = 0;
    an_buf_clear(&s->in);
    return status;
}

static bool gone(server *s, an_error *err)
{
    int status = reap(s, leave_s);
    if (WIFSIGNALED(status))
        an_fail(err, AN_IO, "the process with the ODBC driver crashed: %s", strsignal(WTERMSIG(status)));
    else
        an_fail(err, AN_IO, "the process with the ODBC driver ended (status %d)", WEXITSTATUS(status));
    return an_hint(err, "the driver is at fault: is there a newer one for your database?");
}

/* ---- asking it ---- */

/* Until the socket is ready; not beyond `until`, nor, once the program ends, beyond that. */
static bool ready(server *s, short events, double until, an_error *err)
{
    for (;;) {
        double end = atomic_load(&s->end), limit = end > 0 && end < until ? end : until, left = limit - an_clock_s();
        if (left <= 0) {
            reap(s, 0);
            if (limit < until) return an_fail(err, AN_IO, "the program ended before the database answered");
            return an_fail(err, AN_IO, "the database did not answer within %g seconds", s->timeout_s);
        }
        struct pollfd p[2] = { { .fd = s->fd, .events = events }, { .fd = end > 0 ? -1 : s->hurried, .events = POLLIN } };
        int n = poll(p, 2, (int)(left * 1e3) + 1);
        if (n > 0 && p[0].revents) return true;
        if (n < 0 && errno != EINTR) {
            an_fail_errno(err, "waiting for the process with the ODBC driver");
            reap(s, 0);
            return false;
        }
    }
}

static bool say(server *s, const char *text, double until, an_error *err)
{
    size_t n = strlen(text);
    for (size_t done = 0; done < n;) {
        ssize_t sent = send(s->fd, text + done, n - done, MSG_NOSIGNAL);
        if (sent > 0) {
            done += (size_t)sent;
        } else if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (!ready(s, POLLOUT, until, err)) return false;
        } else if (sent == 0 || errno != EINTR) {
            return gone(s, err);
        }
    }
    return true;
}

/* Its answer: true where all is done; *done: how many rows. After false it is gone. */
static bool heard(server *s, double until, size_t *done, an_error *err)
{
    char *end;
    while (!(end = s->in.size ? memchr(s->in.data, '\n', s->in.size) : NULL)) {
        char bytes[4096];
        ssize_t got = recv(s->fd, bytes, sizeof bytes, 0);
        if (got > 0)
            an_buf_add(&s->in, bytes, (size_t)got);
        else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (!ready(s, POLLIN, until, err)) return false;
        } else if (got == 0 || errno != EINTR) {
            return gone(s, err);
        }
    }
    json_t *answer = an_json_parse(s->in.data, (size_t)(end - s->in.data), "an answer", NULL);
    const char *why = an_json_string(answer, "error", NULL), *hint = an_json_string(answer, "hint", "");
    const json_t *count = json_object_get(answer, "done");
    bool ok = json_is_integer(count) && !why;
    *done = json_is_integer(count) && json_integer_value(count) > 0 ? (size_t)json_integer_value(count) : 0;
    an_buf_clear(&s->in);
    if (!ok) {
        an_fail(err, AN_IO, "%s", why ? why : "the process with the ODBC driver is out of step");
        if (hint[0]) an_hint(err, "%s", hint);
        reap(s, leave_s);
    }
    json_decref(answer);
    return ok;
}

static bool start(server *s, double until, an_error *err)
{
    int pair[2];
    if (s->fd >= 0) return true;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) return an_fail_errno(err, "making a socket for the process for ODBC");
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    s->fd = pair[0];
    bool ok = an__own_process_start(AN__OUTBOX_ENV, s->workspace, pair[1], &s->pid, err);
    close(pair[1]);
    if (!ok) reap(s, 0);
    size_t none;
    return ok && say(s, s->begin, until, err) && heard(s, until, &none, err);
}

static bool try(server *s, const char *line, double until, size_t *done, an_error *err)
{
    *done = 0;
    return start(s, until, err) && say(s, line, until, err) && heard(s, until, done, err);
}

/* Takes message; *done: how many of its rows are in the table. */
static bool ask(server *s, json_t *message, size_t *done, an_error *err)
{
    double until = an_clock_s() + s->timeout_s + margin_s;
    char *text = an_json_text(message, false), *line = an_format("%s\n", text);
    bool old = s->fd >= 0, ok = try(s, line, until, done, err);
    if (!ok && !*done && old && !atomic_load(&s->end) && an_clock_s() < until - margin_s) {
        if (err) *err = (an_error){ 0 }; /* an idle connection may have been closed: once more on a new one */
        ok = try(s, line, until, done, err);
    }
    free(text);
    free(line);
    json_decref(message);
    return ok;
}

/* ---- the channel ---- */

static size_t server_send(void *self, const an__outbox_item *items, size_t count, an_error *err)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *row = json_array();
        for (size_t c = 0; c < AN__OUTBOX_COLUMNS; c++) json_array_append_new(row, an__outbox_value(&items[i], c));
        json_array_append_new(rows, row);
    }
    size_t done;
    bool ok = ask(self, json_pack("{s:o}", "rows", rows), &done, err);
    return ok ? count : done < count ? done : 0;
}

static bool server_check(void *self, an_error *err)
{
    size_t none;
    return ask(self, json_pack("{s:b}", "check", 1), &none, err);
}

static void server_hurry(void *self)
{
    server *s = self;
    atomic_store(&s->end, an_clock_s() + hurry_s);
    eventfd_write(s->hurried, 1);
}

static void server_free(void *self)
{
    server *s = self;
    reap(s, leave_s);
    if (s->hurried >= 0) close(s->hurried);
    an_buf_free(&s->in);
    free(s->workspace);
    free(s->begin);
    free(s);
}

/* A name, or names with dots between them: what goes into SQL as it is. */
static bool table_name(const char *name)
{
    for (const char *c = name;; c++) {
        if (!isalpha((unsigned char)*c) && *c != '_') return false;
        while (isalnum((unsigned char)*c) || *c == '_') c++;
        if (*c != '.') return !*c && strlen(name) <= 128;
    }
}

/* "Driver=...;PWD=...": settings are shown to people. */
static bool has_password(const char *text)
{
    for (const char *c = text; *c; c += strcspn(c, ";"), c += *c == ';') {
        while (*c == ' ') c++;
        size_t n = strcspn(c, "=; ");
        if ((n == 3 && !strncasecmp(c, "PWD", n)) || (n == 8 && !strncasecmp(c, "PASSWORD", n))) return true;
    }
    return false;
}

bool an__channel_odbc(const json_t *config, const char *workspace, an__channel *out, an_error *err)
{
    static const char *const known[] = { "odbc", "user", "password_file", "table", "timeout_s" };
    if (json_object_get(config, "file")) return an_fail(err, AN_INPUT, "outbox: sql: either a file (SQLite), or odbc (a database server)");
    if (!an__channel_keys(config, "sql", known, AN_COUNT(known), err)) return false;
    const char *connect = an__channel_text(config, "sql", "odbc", NULL, err);
    const char *name = connect ? an__channel_text(config, "sql", "table", "verdicts", err) : NULL;
    if (!name) return false;
    const json_t *limit = json_object_get(config, "timeout_s");
    double timeout_s = limit ? an_json_number(limit, 0) : 30;
    if (!(timeout_s >= 1 && timeout_s <= 3600)) return an_fail(err, AN_INPUT, "outbox: sql: timeout_s is no number from 1 to 3600");
    if (!table_name(name))
        return an_fail(err, AN_INPUT,
                       "outbox: sql: the name of a table has letters, digits and _ only, and dots between names, not \"%.60s\"", name);
    if (!strchr(connect, '=') || strlen(connect) > 8000) {
        an_fail(err, AN_INPUT, "outbox: sql: odbc is no connection text: \"%.60s\"", connect);
        return an_hint(err, "for example \"DSN=mes\", or \"Driver=PostgreSQL Unicode;Server=mes.plant;Database=mes\"");
    }
    if (has_password(connect)) {
        an_fail(err, AN_INPUT, "outbox: sql: odbc holds a password, which everybody who sees the settings sees");
        return an_hint(err, "write it into a file that only this program may read, and give that as password_file");
    }
    an_buf password = { 0 };
    const char *user = json_object_get(config, "user") ? an__channel_text(config, "sql", "user", NULL, err) : "";
    if (!user || !an__channel_password(config, "sql", workspace, &password, err)) {
        an_buf_free(&password);
        return false;
    }
    json_t *begin = json_pack("{s:s, s:s, s:f}", "connect", connect, "table", name, "timeout_s", timeout_s);
    if (*user) json_object_set_new(begin, "user", json_string(user));
    if (password.data) json_object_set_new(begin, "password", json_string(password.data));
    bool ok = !password.data || json_object_get(begin, "password") || an_fail(err, AN_INPUT, "outbox: sql: the password is no UTF-8 text");
    char *text = an_json_text(begin, false);
    json_decref(begin);
    an_buf_free(&password);
    if (ok) {
        server *s = an_alloc(sizeof *s);
        *s = (server){ .workspace = an_strdup(workspace), .begin = an_format("%s\n", text), .timeout_s = timeout_s, .fd = -1 };
        s->hurried = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        *out = (an__channel){ .send = server_send, .check = server_check, .hurry = server_hurry, .free = server_free, .self = s };
    }
    free(text);
    return ok;
}
