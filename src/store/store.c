/* store.c - opening and closing a store, its lock, and the folders for half-done work. */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void an__lock(an_store *s)
{
    pthread_mutex_lock(&s->lock);
}

bool an__unlock(an_store *s, bool result)
{
    pthread_mutex_unlock(&s->lock);
    return result;
}

static bool open_database(an_store *s, an_error *err)
{
    char *path = an_path_join(s->hidden, "andon.db");
    int code =
        sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    free(path);
    if (code != SQLITE_OK) return an__sql_fail(s, "cannot open the workspace", code, err);
    sqlite3_busy_timeout(s->db, s->busy_ms);
    s->durable = true;
    static const char *const settings[] = { "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON",
                                            "PRAGMA trusted_schema=OFF" };
    double begun = an_clock_s();
    for (size_t i = 0; i < AN_COUNT(settings); i++) {
        an_error why = { 0 };
        /* changing the journal mode does not always wait for a lock, as other statements do: two processes that make one workspace */
        while (!an__sql_do(s, &why, settings[i], "")) {
            if (why.code == AN_BUSY && an_clock_s() - begun < s->busy_ms / 1000.0) {
                usleep(10000);
                continue;
            }
            if (err) *err = why;
            return an_context(err, "cannot open the workspace");
        }
    }
    return an__schema_apply(s, an__migrations, an__migration_count, err);
}

an_store *an__store_open(const char *workspace, int busy_ms, an_error *err)
{
    char *folder = realpath(workspace, NULL), *hidden = folder ? an_path_join(folder, ".andon") : NULL;
    struct stat info;
    if (!hidden || stat(hidden, &info) != 0 || !S_ISDIR(info.st_mode)) {
        an_fail(err, AN_NOT_FOUND, "\"%s\" is not a workspace: it has no folder .andon", workspace);
        an_hint(err, "Type \"andon init %s\" to make it one.", workspace);
        free(folder);
        free(hidden);
        return NULL;
    }
    an_store *s = an_alloc(sizeof *s);
    s->folder = folder;
    s->hidden = hidden;
    s->busy_ms = busy_ms;
    s->flushed_at = an_clock_s();
    an__process_tag(s->self);
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&s->lock, &kind);
    pthread_mutexattr_destroy(&kind);
    if (open_database(s, err) && an__staging_clean(s, err)) return s;
    an_store_close(s);
    return NULL;
}

an_store *an_store_open(const char *workspace, an_error *err)
{
    return an__store_open(workspace, AN__BUSY_MS, err);
}

void an_store_close(an_store *s)
{
    if (!s) return;
    if (s->metric_count) {
        an_error ignored = { 0 };
        (void)an__metrics_flush(s, &ignored);
    }
    for (size_t i = 0; i < s->metric_count; i++) {
        free(s->metrics[i].run);
        free(s->metrics[i].name);
    }
    free(s->metrics);
    sqlite3_close(s->db);
    pthread_mutex_destroy(&s->lock);
    explicit_bzero(s->key_secret, sizeof s->key_secret);
    free(s->checked);
    free(s->machine);
    free(s->hidden);
    free(s->folder);
    free(s);
}

const char *an_store_folder(const an_store *s)
{
    return s->folder;
}

static char *work_path(const an_store *s, const char *key, an_error *err)
{
    return an_name_check("key of the work folder", key, err) ? an_format("%s/work/%s", s->hidden, key) : NULL;
}

char *an_store_work_folder(an_store *s, const char *key, an_error *err)
{
    char *path = work_path(s, key, err);
    if (!path || an_folder_make(path, err)) return path;
    free(path);
    return NULL;
}

bool an_store_work_done(an_store *s, const char *key, an_error *err)
{
    char *path = work_path(s, key, err);
    bool good = path && an_folder_remove(path, err);
    free(path);
    return good;
}
