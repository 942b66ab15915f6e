/* models.c - which versions are served: loads them (which replays their golden rows), follows the aliases by which they were asked for, and
 * says what went wrong. A version that cannot be loaded, or that nobody approved, is refused and the one before it goes on.
 *
 * A thread asks the store a few times a second where the names point, and loads what is new with a store handle of its own, so that files
 * are hashed anew; the loop only exchanges pointers. Requests hold the version they were given.
 */
#include "serve/server.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RETRY = 20 }; /* polls until a version that did not load is tried again */

typedef struct entry {
    char *reference, *name; /* as asked for; without alias or version */
    bool follows;           /* by an alias: may point elsewhere tomorrow */
    an__served *served;     /* of the loop; NULL: nothing loaded */
    char why[1024];         /* of the loop */
    /* of the follower's thread (before it runs: of whoever made this) */
    an_hash address, refused; /* what is served; what did not load */
    int64_t version;
    bool have, have_refused, told; /* told: the loop knows of something wrong */
    int wait;
} entry;

struct an__models {
    an_store *store;
    an__models_options o;
    bool all; /* models that are made later are served, too */
    an_loop *loop;
    entry **entries; /* of the loop; the follower knows those it was started with and those it added */
    size_t count;
    entry **known; /* of the follower */
    size_t known_count;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* guards stop */
    pthread_cond_t wake;
    bool stop;
};

/* *out: a new version to serve, or NULL with nothing new. */
static bool look(an__models *m, entry *e, an__served **out, an_error *err)
{
    an_version_row row = { 0 };
    *out = NULL;
    if (!an__served_resolve(m->store, e->reference, m->o.unapproved, &row, err)) {
        e->have_refused = false;
        return false;
    }
    bool same = e->have && row.version == e->version && !memcmp(&row.address, &e->address, sizeof row.address);
    bool refused = e->have_refused && !memcmp(&row.address, &e->refused, sizeof row.address);
    bool ok = true, approved = false;
    if (same) {
        e->have_refused = false;
    } else if (refused && e->wait-- > 0) {
        ok = false;
        if (err) err->code = AN_OK; /* nothing new to tell */
    } else {
        ok = an__models_approved(m->store, row.name, row.version, &approved, err);
        if (ok && !approved && !m->o.unapproved) {
            an_fail(err, AN_REFUSED, "model %s/%lld was not approved", row.name, (long long)row.version);
            ok = an_hint(err, "--unapproved serves it nonetheless, and says so in every answer");
        }
        if (ok) *out = an__served_load(an_store_folder(m->store), &row, !approved, err);
        ok = ok && *out;
        if (ok) {
            e->have = true;
            e->address = row.address;
            e->version = row.version;
            e->have_refused = false;
        } else {
            e->have_refused = true;
            e->refused = row.address;
            e->wait = approved || m->o.unapproved ? RETRY : 0;
        }
    }
    an_version_row_free(&row);
    return ok;
}

/* ---- the follower's thread ---- */

typedef struct news {
    an__models *models;
    entry *entry;
    an__served *served;
    char why[1024];
    bool first; /* the entry is new */
} news;

static void arrive(void *context)
{
    news *n = context;
    an__models *m = n->models;
    if (n->first) {
        m->entries = an_resize_n(m->entries, m->count + 1, sizeof *m->entries);
        m->entries[m->count++] = n->entry;
    }
    snprintf(n->entry->why, sizeof n->entry->why, "%s", n->why);
    if (n->served) {
        an__served *old = n->entry->served;
        n->entry->served = n->served;
        an__served_release(old);
    }
    if (m->o.changed) m->o.changed(m->o.context);
    free(n);
}

static void tell(an__models *m, entry *e, an__served *served, const an_error *err, bool first)
{
    news *n = an_alloc(sizeof *n);
    *n = (news){ .models = m, .entry = e, .served = served, .first = first };
    if (err) snprintf(n->why, sizeof n->why, "%s", err->message);
    e->told = err != NULL;
    an_loop_post(m->loop, arrive, n);
}

static entry *entry_new(const char *reference)
{
    entry *e = an_alloc(sizeof *e);
    if (!strncmp(reference, "model:", 6)) reference += 6;
    e->reference = an_strdup(reference);
    e->name = an_strndup(reference, strcspn(reference, "/@"));
    e->follows = !strchr(reference, '/');
    return e;
}

static void know(an__models *m, entry *e)
{
    m->known = an_resize_n(m->known, m->known_count + 1, sizeof *m->known);
    m->known[m->known_count++] = e;
}

/* Every model of the workspace is served: new ones too. */
static void look_for_names(an__models *m)
{
    an_version_row *rows = NULL;
    size_t count = 0;
    if (!an_version_list(m->store, AN_NAME_MODEL, NULL, &rows, &count, NULL)) return;
    for (size_t i = 0; i < count; i++) {
        bool there = false;
        for (size_t k = 0; k < m->known_count; k++) there |= !strcmp(m->known[k]->name, rows[i].name);
        if (there) continue;
        entry *e = entry_new(rows[i].name);
        an_error err = { 0 };
        an__served *v = NULL;
        bool ok = look(m, e, &v, &err);
        know(m, e);
        tell(m, e, v, ok ? NULL : &err, true);
    }
    an_version_rows_free(rows, count);
}

static void poll_once(an__models *m)
{
    for (size_t i = 0; i < m->known_count; i++) {
        entry *e = m->known[i];
        if (!e->follows && e->have) continue;
        an_error err = { 0 };
        an__served *v = NULL;
        bool ok = look(m, e, &v, &err);
        if (ok && (v || e->told)) tell(m, e, v, NULL, false);
        if (!ok && err.code != AN_OK) tell(m, e, NULL, &err, false);
    }
    if (m->all) look_for_names(m);
}

static void *follow(void *context)
{
    an__models *m = context;
    pthread_mutex_lock(&m->lock);
    while (!m->stop) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        int64_t ns = until.tv_nsec + (int64_t)(m->o.poll_s * 1e9);
        until.tv_sec += ns / 1000000000;
        until.tv_nsec = ns % 1000000000;
        pthread_cond_timedwait(&m->wake, &m->lock, &until);
        if (m->stop) break;
        pthread_mutex_unlock(&m->lock);
        poll_once(m);
        pthread_mutex_lock(&m->lock);
    }
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

bool an__models_follow(an__models *m, an_loop *l, an_error *err)
{
    m->loop = l;
    int code = pthread_create(&m->thread, NULL, follow, m);
    if (code) return an_fail(err, AN_FAILED, "starting a thread: %s", strerror(code));
    m->running = true;
    return true;
}

/* ---- making ---- */

static bool add(an__models *m, const char *reference, an_error *err)
{
    entry *e = entry_new(reference);
    m->entries = an_resize_n(m->entries, m->count + 1, sizeof *m->entries);
    m->entries[m->count++] = e;
    know(m, e);
    return look(m, e, &e->served, err);
}

an__models *an__models_new(an_store *s, const an__models_options *o, an_error *err)
{
    an__models *m = an_alloc(sizeof *m);
    m->store = s;
    m->o = *o;
    m->o.references = NULL; /* the caller's */
    m->all = !o->references->count;
    pthread_mutex_init(&m->lock, NULL);
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&m->wake, &clock);
    pthread_condattr_destroy(&clock);
    bool ok = true;
    for (size_t i = 0; ok && i < o->references->count; i++) ok = add(m, o->references->items[i], err);
    if (ok && !o->references->count) {
        an_version_row *rows = NULL;
        size_t count = 0;
        ok = an_version_list(s, AN_NAME_MODEL, NULL, &rows, &count, err);
        if (ok && !count) {
            an_fail(err, AN_REFUSED, "there is no model in this workspace to serve");
            ok = an_hint(err, "'andon model train NAME --data D' makes one");
        }
        for (size_t i = 0; ok && i < count; i++) {
            bool there = false;
            for (size_t k = 0; k < m->count; k++) there |= !strcmp(m->entries[k]->name, rows[i].name);
            if (!there) ok = add(m, rows[i].name, err);
        }
        an_version_rows_free(rows, count);
    }
    if (ok) return m;
    an__models_free(m);
    return NULL;
}

void an__models_free(an__models *m)
{
    if (!m) return;
    if (m->running) {
        pthread_mutex_lock(&m->lock);
        m->stop = true;
        pthread_cond_signal(&m->wake);
        pthread_mutex_unlock(&m->lock);
        pthread_join(m->thread, NULL);
    }
    for (size_t i = 0; i < m->count; i++) {
        an__served_release(m->entries[i]->served);
        free(m->entries[i]->reference);
        free(m->entries[i]->name);
        free(m->entries[i]);
    }
    free(m->entries);
    free(m->known);
    pthread_cond_destroy(&m->wake);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

/* ---- finding ---- */

size_t an__models_count(const an__models *m)
{
    return m->count;
}

an__models_entry an__models_at(const an__models *m, size_t i)
{
    const entry *e = m->entries[i];
    return (an__models_entry){ e->reference, e->name, e->why, e->served };
}

static const entry *find(const an__models *m, const char *name, const char *version)
{
    const entry *found = NULL;
    int64_t wanted = version ? strtoll(version, NULL, 10) : 0;
    for (size_t i = 0; i < m->count; i++) {
        const entry *e = m->entries[i];
        if (version) {
            if (e->served && e->served->version == wanted && (!strcmp(e->name, name) || !strcmp(e->reference, name))) return e;
        } else if (!strcmp(e->reference, name)) {
            return e;
        } else if (!found && !strcmp(e->name, name)) {
            found = e; /* asked for by version or alias only: the first of them */
        }
    }
    return found;
}

an__served *an__models_get(an__models *m, const char *name, const char *version, int *status, an_error *err)
{
    *status = 404;
    if (version && (!version[0] || strlen(version) > 18 || version[strspn(version, "0123456789")])) {
        an_fail(err, AN_NOT_FOUND, "\"%.60s\" is no version: versions are whole numbers", version);
        return NULL;
    }
    const entry *e = find(m, name, version);
    if (e && e->served) return an__served_hold(e->served);
    if (e) {
        *status = 503;
        an_fail(err, AN_REFUSED, "model \"%s\" is not ready: %s", name, e->why[0] ? e->why : "it is being loaded");
        return NULL;
    }
    an_list served = { 0 };
    bool known = false;
    for (size_t i = 0; i < m->count; i++) {
        known |= !strcmp(m->entries[i]->name, name);
        if (m->entries[i]->served) an_list_add(&served, version && known ? m->entries[i]->served->id_text : m->entries[i]->reference);
    }
    if (known)
        an_fail(err, AN_NOT_FOUND, "model \"%s\": version %s is not served here", name, version);
    else
        an_fail(err, AN_NOT_FOUND, "no model \"%.128s\" is served here", name);
    const char *near = an_nearest(name, (const char *const *)served.items, served.count);
    if (near) an_hint(err, "the nearest name is \"%s\"", near);
    an_list_free(&served);
    return NULL;
}
