/* outbox.c - the queue's other end: for each channel a thread that reads what it has not handed over yet, in order, and keeps its position.
 * A row leaves the queue when every channel is past it. */
#include "serve/outbox.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { AT_ONCE = 500 };
static const double first_pause_s = 0.5, longest_pause_s = 60;
static const double silence_s = 30; /* after which the other end is asked whether it is there */

typedef struct worker {
    an__outbox *outbox;
    an__channel channel;
    sqlite3 *db;
    pthread_t thread;
    bool running;
    int64_t sent; /* of the thread */
    double heard; /* likewise: when the other end was there last; 0: never */
    uint64_t delivered, failures;
    int64_t waiting;
    char why[600]; /* with the counts above: guarded by the lock */
} worker;

struct an__outbox {
    worker *workers;
    size_t count;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    uint64_t committed; /* counts calls of an__outbox_wake: whether there is anything new */
    bool stop;
};

/* ---- rows ---- */

const an__outbox_column an__outbox_columns[AN__OUTBOX_COLUMNS] = {
    { "id", AN__COLUMN_TEXT, 160, true }, /* a serial of at most 128 bytes, #, the attempt */
    { "serial", AN__COLUMN_TEXT, 128, true },   { "attempt", AN__COLUMN_WHOLE, 0, true },
    { "verdict", AN__COLUMN_TEXT, 16, true },   { "would_be", AN__COLUMN_TEXT, 16, false },
    { "label", AN__COLUMN_TEXT, 200, false },   { "probability", AN__COLUMN_REAL, 0, false },
    { "threshold", AN__COLUMN_REAL, 0, false }, { "model", AN__COLUMN_TEXT, 200, false },
    { "version", AN__COLUMN_WHOLE, 0, false },  { "unapproved", AN__COLUMN_TRUTH, 0, false },
    { "decided", AN__COLUMN_TEXT, 40, false },  { "why", AN__COLUMN_TEXT, AN__OUTBOX_CHARACTERS, false },
};

void an__outbox_field(const an__outbox_item *item, size_t column, an_buf *out)
{
    if (!column) {
        an_buf_puts(out, item->id);
        return;
    }
    const json_t *v = json_object_get(item->verdict, an__outbox_columns[column].name);
    char text[32];
    size_t i;
    json_t *reason;
    if (json_is_string(v)) an_buf_puts(out, json_string_value(v));
    if (json_is_integer(v)) an_buf_printf(out, "%lld", (long long)json_integer_value(v));
    if (json_is_real(v)) an_buf_puts(out, an_real_text(json_real_value(v), text));
    if (json_is_boolean(v)) an_buf_puts(out, json_is_true(v) ? "true" : "false");
    json_array_foreach(v, i, reason) an_buf_printf(out, "%s%s", i ? "; " : "", json_string_value(reason));
}

json_t *an__outbox_value(const an__outbox_item *item, size_t column)
{
    const an__outbox_column *c = &an__outbox_columns[column];
    const json_t *v = json_object_get(item->verdict, c->name);
    if (c->kind == AN__COLUMN_WHOLE) return json_is_integer(v) ? json_integer(json_integer_value(v)) : json_null();
    if (c->kind == AN__COLUMN_REAL) return json_is_number(v) ? json_real(json_number_value(v)) : json_null();
    if (c->kind == AN__COLUMN_TRUTH) return json_is_boolean(v) ? json_boolean(json_is_true(v)) : json_null();
    an_buf text = { 0 };
    an__outbox_field(item, column, &text);
    json_t *value = text.size ? json_stringn(text.data, text.size) : json_null();
    an_buf_free(&text);
    return value;
}

/* ---- configuration ---- */

bool an__channel_keys(const json_t *config, const char *channel, const char *const *known, size_t count, an_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(config)) return an_fail(err, AN_INPUT, "outbox: %s is no list of names and values", channel);
    json_object_foreach((json_t *)(uintptr_t)config, key, value) {
        bool is = false;
        for (size_t i = 0; i < count; i++) is |= !strcmp(key, known[i]);
        if (is) continue;
        const char *near = an_nearest(key, known, count);
        an_fail(err, AN_INPUT, "outbox: %s knows no \"%.60s\"", channel, key);
        return near ? an_hint(err, "did you mean \"%s\"?", near) : an_hint(err, "see docs/serving.md, 'Verdicts that leave'");
    }
    return true;
}

const char *an__channel_text(const json_t *config, const char *channel, const char *key, const char *otherwise, an_error *err)
{
    const json_t *v = json_object_get(config, key);
    const char *text = v ? json_string_value(v) : otherwise;
    if (text && *text) return text;
    an_fail(err, AN_INPUT, "outbox: %s needs a text under \"%s\"", channel, key);
    return NULL;
}

char *an__channel_file(const json_t *config, const char *channel, const char *key, const char *workspace, an_error *err)
{
    if (!json_object_get(config, key)) return NULL;
    const char *name = an__channel_text(config, channel, key, NULL, err);
    return name ? an_path_join(workspace, name) : NULL;
}

bool an__channel_password(const json_t *config, const char *channel, const char *workspace, an_buf *out, an_error *err)
{
    if (!json_object_get(config, "password_file")) return true;
    char *file = an__channel_file(config, channel, "password_file", workspace, err);
    if (!file) return false;
    bool ok = an_file_read(file, 65536, out, err);
    while (ok && out->size && strchr("\r\n", out->data[out->size - 1])) out->data[--out->size] = 0;
    if (!ok) an_context(err, "outbox: %s: password_file", channel);
    free(file);
    return ok;
}

static bool channel_of(const char *name, const json_t *config, const char *workspace, an__channel *out, an_error *err)
{
    static const struct {
        const char *name;
        bool (*make)(const json_t *config, const char *workspace, an__channel *out, an_error *err);
    } kinds[] = { { "csv", an__channel_csv }, { "sql", an__channel_sql }, { "mqtt", an__channel_mqtt } };
    const char *names[AN_COUNT(kinds)];
    for (size_t i = 0; i < AN_COUNT(kinds); i++) {
        names[i] = kinds[i].name;
        if (strcmp(name, kinds[i].name)) continue;
        if (!kinds[i].make(config, workspace, out, err)) return false;
        out->name = kinds[i].name;
        return true;
    }
    const char *near = an_nearest(name, names, AN_COUNT(names));
    an_fail(err, AN_INPUT, "outbox: there is no channel \"%.60s\"", name);
    return near ? an_hint(err, "did you mean \"%s\"?", near) : an_hint(err, "the channels are csv, sql and mqtt");
}

/* ---- the queue ---- */

static bool broken(worker *w, const char *what, an_error *err)
{
    return an_fail(err, AN_IO, "%s: %s", what, sqlite3_errmsg(w->db));
}

/* The first number of one statement; the statement's only parameter is the channel's name, if it has one. */
static bool number_of(worker *w, const char *text, int64_t *out, an_error *err)
{
    sqlite3_stmt *q = NULL;
    bool ok = sqlite3_prepare_v2(w->db, text, -1, &q, NULL) == SQLITE_OK || broken(w, "the queue of verdicts", err);
    if (ok && sqlite3_bind_parameter_count(q)) sqlite3_bind_text(q, 1, w->channel.name, -1, SQLITE_STATIC);
    int code = ok ? sqlite3_step(q) : SQLITE_DONE;
    if (code == SQLITE_ROW && out) *out = sqlite3_column_int64(q, 0);
    if (ok && code != SQLITE_ROW && code != SQLITE_DONE) ok = broken(w, "the queue of verdicts", err);
    sqlite3_finalize(q);
    return ok;
}

static bool load(worker *w, an__outbox_item *items, size_t *count, an_error *err)
{
    sqlite3_stmt *q = NULL;
    *count = 0;
    if (sqlite3_prepare_v2(w->db, "SELECT number, serial, attempt, verdict FROM outbox WHERE number > ? ORDER BY number LIMIT ?", -1, &q,
                           NULL) != SQLITE_OK)
        return broken(w, "the queue of verdicts", err);
    sqlite3_bind_int64(q, 1, w->sent);
    sqlite3_bind_int(q, 2, AT_ONCE);
    int code;
    while ((code = sqlite3_step(q)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(q, 3);
        json_t *verdict = text ? an_json_parse(text, (size_t)sqlite3_column_bytes(q, 3), "a verdict", NULL) : NULL;
        items[(*count)++] =
            (an__outbox_item){ .number = sqlite3_column_int64(q, 0),
                               .id = an_format("%s#%lld", (const char *)sqlite3_column_text(q, 1), (long long)sqlite3_column_int64(q, 2)),
                               .verdict = verdict ? verdict : json_object() };
    }
    bool ok = code == SQLITE_DONE || broken(w, "the queue of verdicts", err);
    sqlite3_finalize(q);
    return ok;
}

/* Remembers that all up to `number` are delivered, and forgets what nobody needs any more. */
static bool advance(worker *w, int64_t number, an_error *err)
{
    char text[400];
    snprintf(text, sizeof text,
             "BEGIN IMMEDIATE; UPDATE outbox_channels SET sent = %lld WHERE name = '%s';"
             "DELETE FROM outbox WHERE number <= (SELECT MIN(sent) FROM outbox_channels); COMMIT",
             (long long)number, w->channel.name);
    if (sqlite3_exec(w->db, text, NULL, NULL, NULL) != SQLITE_OK) {
        broken(w, "the queue of verdicts", err);
        sqlite3_exec(w->db, "ROLLBACK", NULL, NULL, NULL);
        return false;
    }
    w->sent = number;
    return true;
}

/* One batch; *count: how many were delivered, also where the rest failed. Where there is none, a look at the other end now and then: what
 * is wrong is known before the next verdict. */
static bool deliver(worker *w, bool ending, size_t *count, an_error *err)
{
    an__outbox_item *items = an_alloc_n(AT_ONCE, sizeof *items);
    size_t n;
    bool ok = load(w, items, &n, err);
    size_t sent = ok && n ? w->channel.send(w->channel.self, items, n, err) : 0;
    ok = ok && sent == n;
    if (ok && !n && w->channel.check && !ending && (!w->heard || an_clock_s() - w->heard > silence_s)) {
        ok = w->channel.check(w->channel.self, err);
        w->heard = ok ? an_clock_s() : 0;
    }
    if (n) w->heard = sent ? an_clock_s() : 0;
    if (sent && !advance(w, items[sent - 1].number, ok ? err : NULL)) ok = false, sent = 0; /* they will be handed over again */
    for (size_t i = 0; i < n; i++) {
        free(items[i].id);
        json_decref(items[i].verdict);
    }
    free(items);
    *count = sent;
    return ok;
}

/* At most `room` bytes of a text, without half a character. */
static int whole(const char *text, int room)
{
    size_t n = strlen(text);
    if (n <= (size_t)room) return (int)n;
    while (room && (text[room] & 0xc0) == 0x80) room--;
    return room;
}

static void *work(void *context)
{
    worker *w = context;
    an__outbox *o = w->outbox;
    double pause = 0;
    bool last = false;
    pthread_mutex_lock(&o->lock);
    for (;;) {
        uint64_t seen = o->committed;
        last = o->stop;
        pthread_mutex_unlock(&o->lock);
        an_error err = { 0 };
        size_t n;
        bool ok = deliver(w, last, &n, &err);
        pthread_mutex_lock(&o->lock);
        w->delivered += n;
        w->waiting -= (int64_t)n;
        w->failures += !ok;
        w->why[0] = 0;
        if (!ok)
            snprintf(w->why, sizeof w->why, "%.*s%s%.*s", whole(err.message, 350), err.message, err.hint[0] ? "; " : "",
                     whole(err.hint, 240), err.hint);
        if (last && (!ok || n < AT_ONCE)) break;
        if (ok && (n || seen != o->committed)) {
            pause = 0;
            continue;
        }
        if (n) pause = 0;
        pause = ok ? longest_pause_s : pause * 2 < first_pause_s || pause > longest_pause_s ? first_pause_s : pause * 2;
        if (pause > longest_pause_s) pause = longest_pause_s;
        double until = an_clock_s() + pause;
        while (!o->stop && (!ok || seen == o->committed) && an_clock_s() < until) { /* new verdicts do not shorten a pause after failure */
            struct timespec at;
            clock_gettime(CLOCK_MONOTONIC, &at);
            double left = until - an_clock_s();
            int64_t ns = at.tv_nsec + (int64_t)((left > 0 ? left : 0) * 1e9);
            at.tv_sec += ns / 1000000000;
            at.tv_nsec = ns % 1000000000;
            pthread_cond_timedwait(&o->wake, &o->lock, &at);
        }
        if (ok) pause = 0;
    }
    pthread_mutex_unlock(&o->lock);
    return NULL;
}

/* ---- making ---- */

static bool open_worker(worker *w, const char *database, an_error *err)
{
    if (sqlite3_open_v2(database, &w->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) return broken(w, database, err);
    sqlite3_busy_timeout(w->db, 5000);
    return number_of(w, "INSERT OR IGNORE INTO outbox_channels (name, sent) VALUES (?, 0)", NULL, err) &&
           number_of(w, "SELECT sent FROM outbox_channels WHERE name = ?", &w->sent, err) &&
           number_of(w, "SELECT COUNT(*) FROM outbox WHERE number > (SELECT sent FROM outbox_channels WHERE name = ?)", &w->waiting, err);
}

/* Channels that are configured no more hold nothing back. */
static bool forget_others(an__outbox *o, an_error *err)
{
    an_buf text = { 0 };
    an_buf_puts(&text, "DELETE FROM outbox_channels WHERE name NOT IN (''");
    for (size_t i = 0; i < o->count; i++) an_buf_printf(&text, ", '%s'", o->workers[i].channel.name);
    an_buf_puts(&text, ")");
    bool ok = !o->count || number_of(&o->workers[0], text.data, NULL, err);
    an_buf_free(&text);
    return ok;
}

an__outbox *an__outbox_new(const json_t *config, const char *database, const char *workspace, an_error *err)
{
    an__outbox *o = an_alloc(sizeof *o);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    bool ok = json_is_object(config) || an_fail(err, AN_INPUT, "outbox is no list of channels");
    o->workers = an_alloc_n(json_object_size(config) + 1, sizeof *o->workers);
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)config, name, value) {
        worker *w = &o->workers[o->count];
        w->outbox = o;
        if (!(ok = ok && channel_of(name, value, workspace, &w->channel, err))) break;
        o->count++;
        if (!(ok = open_worker(w, database, err))) break;
    }
    ok = ok && forget_others(o, err);
    for (size_t i = 0; ok && i < o->count; i++) {
        int code = pthread_create(&o->workers[i].thread, NULL, work, &o->workers[i]);
        ok = o->workers[i].running = !code;
        if (code) an_fail(err, AN_FAILED, "starting a thread: %s", strerror(code));
    }
    if (ok) return o;
    an__outbox_free(o);
    return NULL;
}

void an__outbox_wake(an__outbox *o, size_t fresh)
{
    pthread_mutex_lock(&o->lock);
    o->committed++;
    for (size_t i = 0; i < o->count; i++) o->workers[i].waiting += (int64_t)fresh;
    pthread_cond_broadcast(&o->wake);
    pthread_mutex_unlock(&o->lock);
}

void an__outbox_free(an__outbox *o)
{
    if (!o) return;
    pthread_mutex_lock(&o->lock);
    o->stop = true;
    pthread_cond_broadcast(&o->wake);
    pthread_mutex_unlock(&o->lock);
    for (size_t i = 0; i < o->count; i++)
        if (o->workers[i].channel.hurry) o->workers[i].channel.hurry(o->workers[i].channel.self);
    for (size_t i = 0; i < o->count; i++) {
        worker *w = &o->workers[i];
        if (w->running) pthread_join(w->thread, NULL);
        sqlite3_close(w->db);
        w->channel.free(w->channel.self);
    }
    pthread_cond_destroy(&o->wake);
    pthread_mutex_destroy(&o->lock);
    free(o->workers);
    free(o);
}

size_t an__outbox_channels(const an__outbox *o)
{
    return o ? o->count : 0;
}

void an__outbox_facts_get(an__outbox *o, size_t channel, an__outbox_facts *out)
{
    worker *w = &o->workers[channel];
    pthread_mutex_lock(&o->lock);
    *out = (an__outbox_facts){ .name = w->channel.name, .delivered = w->delivered, .failures = w->failures, .waiting = w->waiting };
    memcpy(out->why, w->why, sizeof out->why);
    pthread_mutex_unlock(&o->lock);
}
