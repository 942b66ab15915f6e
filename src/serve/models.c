/* models.c - which versions are served: loads them (which replays their golden rows), follows the aliases by which they were asked for, and
 * says what went wrong. A version that cannot be loaded, or that nobody approved, is refused and the one before it goes on; one that is
 * rejected while it is served goes at once.
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
    bool optional;          /* nobody asked for it by name: where nobody approved it, the others are served */
    an__served *served;     /* of the loop; NULL: nothing loaded */
    char why[1024];         /* of the loop */
    bool unasked, rejected; /* of the loop: an__models_entry.unasked; somebody decided against it */
    /* of the follower's thread (before it runs: of whoever made this) */
    an_hash address, refused; /* what is served; what did not load */
    int64_t version;
    bool have, once, approved; /* a version is served; one was; somebody approved it */
    bool have_refused, against;
    an_error last; /* what the loop was told */
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

static bool refuse(const char *name, int64_t version, an__decision decision, an_error *err)
{
    an_fail(err, AN_REFUSED, "model %s/%lld was %s", name, (long long)version, decision == AN__REJECTED ? "rejected" : "not approved");
    return an_hint(err, "--unapproved serves it nonetheless, and says so in every answer");
}

/* Loads what `row` names, or remembers that it is of no use. */
static bool take(an__models *m, entry *e, const an_version_row *row, an__decision decision, an__served **out, an_error *err)
{
    bool approved = decision == AN__APPROVED, may = approved || m->o.unapproved;
    an__served *v = NULL;
    if (may)
        v = an__served_load(an_store_folder(m->store), row, !approved, err);
    else
        refuse(row->name, row->version, decision, err);
    e->against = !v && decision == AN__REJECTED;
    if (v) {
        an__served_release(*out);
        *out = v;
        e->have = e->once = true;
        e->approved = approved;
        e->address = row->address;
        e->version = row->version;
        e->have_refused = false;
        return true;
    }
    e->have_refused = true;
    e->refused = row->address;
    e->wait = may ? RETRY : 0;
    return false;
}

/* Does the decision hold by which a version is served, wherever its name points now? Where it does not: *out is the same version, marked
 * anew, or *gone. False with neither: nobody could tell. */
static bool stands(an__models *m, entry *e, an__served **out, bool *gone, an_error *err)
{
    an__decision decision;
    if (!an__models_decision(m->store, e->name, e->version, &decision, err)) return false;
    if ((decision == AN__APPROVED) == e->approved) return true;
    char *reference = an_format("%s/%lld", e->name, (long long)e->version);
    an_version_row row = { 0 };
    bool ok = (decision == AN__APPROVED || m->o.unapproved) && an_version_get(m->store, AN_NAME_MODEL, reference, &row, err) &&
              take(m, e, &row, decision, out, err);
    an_version_row_free(&row);
    free(reference);
    if (ok) return true;
    if (decision == AN__APPROVED) return false; /* a mark that says too little does no harm */
    *gone = true;
    e->have = false;
    e->against = decision == AN__REJECTED;
    return false;
}

/* *out: what to serve from now on, or NULL with nothing new; *gone: what is served must go. False: something is wrong. */
static bool look(an__models *m, entry *e, an__served **out, bool *gone, an_error *err)
{
    an_version_row row = { 0 };
    an__decision decision;
    *out = NULL;
    *gone = false;
    if (e->have && !stands(m, e, out, gone, err) && !*gone) return false;
    if (!an__served_resolve(m->store, e->reference, m->o.unapproved, &row, err)) {
        e->have_refused = false;
        return false;
    }
    bool same = e->have && row.version == e->version && !memcmp(&row.address, &e->address, sizeof row.address);
    bool refused = e->have_refused && !memcmp(&row.address, &e->refused, sizeof row.address);
    bool ok = same || an__models_decision(m->store, row.name, row.version, &decision, err); /* same: `stands` has asked */
    if (same) {
        e->have_refused = false;
    } else if (ok && refused && e->wait-- > 0) {
        ok = false;
        if (err) *err = e->last;
    } else if (ok) {
        ok = take(m, e, &row, decision, out, err);
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
    bool unasked, rejected, first, gone; /* as in entry; the entry is new; what it serves goes */
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
    n->entry->unasked = n->unasked;
    n->entry->rejected = n->rejected;
    if (n->served || n->gone) {
        an__served *old = n->entry->served;
        n->entry->served = n->served;
        an__served_release(old);
    }
    if (m->o.changed) m->o.changed(m->o.context);
    free(n);
}

/* A model that nobody asked for by name, and nobody approved, is no fault of the server. */
static bool unasked(const entry *e, const an_error *err)
{
    return e->optional && !e->once && err->code == AN_REFUSED;
}

/* Looks, and tells the loop what is new. first: the loop does not know the entry yet. */
static void look_and_tell(an__models *m, entry *e, bool first)
{
    an_error err = { 0 };
    an__served *v;
    bool gone;
    if (look(m, e, &v, &gone, &err)) err = (an_error){ 0 };
    bool same = err.code == e->last.code && !strcmp(err.message, e->last.message);
    e->last = err;
    if (same && !v && !gone && !first) return;
    news *n = an_alloc(sizeof *n);
    *n = (news){ .models = m, .entry = e, .served = v, .unasked = unasked(e, &err), .rejected = e->against, .first = first, .gone = gone };
    snprintf(n->why, sizeof n->why, "%s", err.message);
    an_loop_post(m->loop, arrive, n);
}

static entry *entry_new(const char *reference, bool optional)
{
    entry *e = an_alloc(sizeof *e);
    e->optional = optional;
    if (!strncmp(reference, "model:", 6)) reference += 6;
    e->reference = an_strdup(reference);
    e->name = an_strndup(reference, strcspn(reference, "/@"));
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
        entry *e = entry_new(rows[i].name, true);
        know(m, e);
        look_and_tell(m, e, true);
    }
    an_version_rows_free(rows, count);
}

static void poll_once(an__models *m)
{
    for (size_t i = 0; i < m->known_count; i++) look_and_tell(m, m->known[i], false);
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

static bool add(an__models *m, const char *reference, bool optional, an_error *err)
{
    entry *e = entry_new(reference, optional);
    m->entries = an_resize_n(m->entries, m->count + 1, sizeof *m->entries);
    m->entries[m->count++] = e;
    know(m, e);
    bool gone;
    if (look(m, e, &e->served, &gone, &e->last)) {
        e->last = (an_error){ 0 };
        return true;
    }
    e->unasked = unasked(e, &e->last);
    e->rejected = e->against;
    snprintf(e->why, sizeof e->why, "%s", e->last.message);
    if (err) *err = e->last;
    return false;
}

/* All of these must be served; but one that is damaged takes none of the others away. */
static bool add_named(an__models *m, const an_list *references, an_error *err)
{
    size_t served = 0;
    an_error damage = { 0 };
    for (size_t i = 0; i < references->count; i++) {
        an_error why = { 0 };
        bool ok = add(m, references->items[i], false, &why);
        served += ok;
        if (!ok && why.code != AN_CORRUPT) { /* a wrong name, no approval: the person who starts it can mend that */
            if (err) *err = why;
            return false;
        }
        if (!ok) damage = why;
    }
    if (!served && err) *err = damage;
    return served > 0;
}

/* Every model of the workspace. What cannot be served keeps none of the others away; where there are models and none of them can be served,
 * the first one's reason is the error. A workspace without models is served, too: it may get some, and MLflow's clients need none. */
static bool add_all(an__models *m, an_error *err)
{
    an_version_row *rows = NULL;
    size_t count = 0, served = 0;
    an_error first = { 0 };
    if (!an_version_list(m->store, AN_NAME_MODEL, NULL, &rows, &count, err)) return false;
    for (size_t i = 0; i < count; i++) {
        bool there = false;
        for (size_t k = 0; k < m->count; k++) there |= !strcmp(m->entries[k]->name, rows[i].name);
        if (there) continue;
        an_error why = { 0 };
        if (add(m, rows[i].name, true, &why))
            served++;
        else if (first.code == AN_OK)
            first = why;
    }
    an_version_rows_free(rows, count);
    if (!served && first.code != AN_OK && err) *err = first;
    return served || first.code == AN_OK;
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
    if (m->all ? add_all(m, err) : add_named(m, o->references, err)) return m;
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
    return (an__models_entry){ e->reference, e->name, e->why, e->served, e->unasked };
}

const char *an__models_only(const an__models *m, an_error *err)
{
    const entry *only = NULL;
    for (size_t i = 0; i < m->count; i++) {
        const entry *e = m->entries[i];
        if (e->unasked && !e->rejected && !e->served) continue; /* somebody's experiment, of which the line knows nothing */
        if (only) {
            an_fail(err, AN_INPUT, "several models are served and none was named");
            return NULL;
        }
        only = e;
    }
    if (!only) an_fail(err, AN_REFUSED, "no model is served");
    return only ? only->reference : NULL;
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
