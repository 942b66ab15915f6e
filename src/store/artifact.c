/* artifact.c - artifacts kept by content: staging, moving under the address, opening with a check of every hash, cleaning up after
 * processes that died. What is in an artifact is nobody's business here.
 *
 * A folder artifacts/ab/cdef... has its manifest beside it (cdef....manifest). Order of a put: hash, everything to disk, a mark in
 * staging (<staged>.put, naming kind and address), manifest, rename of the folder, row, removal of the mark. A process that dies
 * between leaves a mark: whoever opens the store next finishes the put or removes what it left. */
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const int64_t DAY_US = 86400LL * 1000000;
static const int64_t FOREIGN_DAYS = 7; /* staging of other machines and containers, whose processes cannot be seen from here */

char *an__artifact_folder(const an_store *s, const an_hash *address)
{
    char hex[65];
    an_hash_hex(address, hex);
    return an_format("%s/artifacts/%.2s/%s", s->hidden, hex, hex + 2);
}

bool an__artifact_known(an_store *s, const an_hash *address, bool *known, an_error *err)
{
    int64_t one;
    return an__sql_int(s, &one, known, err, "SELECT 1 FROM artifacts WHERE address = ?", "h", address);
}

/* ---- which artifacts this process has hashed ---- */

static bool checked_find(const an_store *s, const an_hash *address, size_t *at)
{
    size_t low = 0, high = s->checked_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = memcmp(s->checked[middle].bytes, address->bytes, 32);
        if (order == 0) {
            *at = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *at = low;
    return false;
}

static bool checked_has(an_store *s, const an_hash *address)
{
    size_t at;
    an__lock(s);
    return an__unlock(s, checked_find(s, address, &at));
}

static void checked_add(an_store *s, const an_hash *address)
{
    size_t at;
    an__lock(s);
    if (!checked_find(s, address, &at)) {
        if (s->checked_count == s->checked_room) {
            s->checked_room = s->checked_room ? s->checked_room * 2 : 64;
            s->checked = an_resize_n(s->checked, s->checked_room, sizeof *s->checked);
        }
        memmove(s->checked + at + 1, s->checked + at, (s->checked_count - at) * sizeof *s->checked);
        s->checked[at] = *address;
        s->checked_count++;
    }
    an__unlock(s, true);
}

/* ---- checking ---- */

static int by_path(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    return strcmp(x, y);
}

/* The path of a manifest's line "<sha256> <bytes> <path>", or NULL. */
static const char *line_path(const char *line)
{
    const char *space = strchr(line, ' ');
    space = space ? strchr(space + 1, ' ') : NULL;
    return space ? space + 1 : NULL;
}

static void lines_of(const char *text, an_list *lines)
{
    for (const char *p = text; p && *p;) {
        size_t n = strcspn(p, "\n");
        if (n) an_list_add_take(lines, an_strndup(p, n));
        p += n + (p[n] == '\n');
    }
    if (lines->count) qsort(lines->items, lines->count, sizeof *lines->items, by_path);
}

static const char *find_path(const an_list *lines, const char *path)
{
    for (size_t i = 0; i < lines->count; i++) {
        const char *p = line_path(lines->items[i]);
        if (p && strcmp(p, path) == 0) return lines->items[i];
    }
    return NULL;
}

/* Says which file is not what the manifest says. `is` is the manifest of what lies there now. */
static bool fail_altered(const char *folder, const an_hash *address, const char *is, an_error *err)
{
    char hex[65];
    an_hash_hex(address, hex);
    char *path = an_format("%s.manifest", folder);
    an_buf text = { 0 };
    an_hash hash = { { 0 } };
    an_error ignored = { 0 };
    if (an_file_read(path, 0, &text, &ignored)) an_hash_bytes(text.data, text.size, &hash);
    if (memcmp(hash.bytes, address->bytes, 32) != 0) {
        an_fail(err, AN_CORRUPT, "artifact %.12s was altered on disk: its files do not match its address, and its manifest is %s", hex,
                text.data ? "altered too" : "missing");
        an_where(err, "%s", folder);
    } else {
        an_list was = { 0 }, now = { 0 };
        lines_of(text.data, &was);
        lines_of(is, &now);
        const char *file = NULL, *what = NULL;
        for (size_t i = 0; i < was.count && !file; i++) {
            const char *name = line_path(was.items[i]), *other = name ? find_path(&now, name) : NULL;
            if (other && strcmp(other, was.items[i]) == 0) continue;
            file = name;
            what = other ? "was altered on disk" : "is missing";
        }
        for (size_t i = 0; i < now.count && !file; i++) {
            const char *name = line_path(now.items[i]);
            if (find_path(&was, name)) continue;
            file = name;
            what = "does not belong there";
        }
        an_fail(err, AN_CORRUPT, "artifact %.12s is damaged: the file \"%s\" %s", hex, file ? file : "?",
                what ? what : "was altered on disk");
        an_where(err, "%s/%s", folder, file ? file : "");
        an_list_free(&was);
        an_list_free(&now);
    }
    an_hint(err, "Restore this folder from a backup, or make it again with --fresh: the same content heals the artifact.");
    an_buf_free(&text);
    free(path);
    return false;
}

/* Hashes everything in the folder and compares with the address. */
static bool check_folder(const char *folder, const an_hash *address, an_error *err)
{
    an_artifact *a = an_artifact_open(folder, err);
    an_hash is;
    an_buf manifest = { 0 };
    bool good = a && an_artifact_seal(a, &is, &manifest, err);
    if (good && memcmp(is.bytes, address->bytes, 32) != 0) good = fail_altered(folder, address, manifest.data ? manifest.data : "", err);
    an_buf_free(&manifest);
    an_artifact_free(a);
    return good;
}

an_artifact *an_artifact_get(an_store *s, const an_hash *address, an_error *err)
{
    char hex[65];
    an_hash_hex(address, hex);
    bool known = false;
    an__lock(s);
    if (!an__unlock(s, an__artifact_known(s, address, &known, err))) return NULL;
    if (!known) {
        an_fail(err, AN_NOT_FOUND, "there is no artifact %s in the workspace \"%s\"", hex, s->folder);
        return NULL;
    }
    char *folder = an__artifact_folder(s, address);
    an_artifact *a = NULL;
    if (!an_file_exists(folder)) {
        an_fail(err, AN_CORRUPT, "artifact %.12s is gone from disk: there is no folder \"%s\"", hex, folder);
        an_where(err, "%s", folder);
        an_hint(err, "Restore this folder from a backup, or make it again with --fresh.");
    } else if (checked_has(s, address)) {
        a = an_artifact_open(folder, err);
    } else if (check_folder(folder, address, err)) {
        checked_add(s, address);
        a = an_artifact_open(folder, err);
    }
    free(folder);
    return a;
}

/* ---- staging ---- */

an_artifact *an_artifact_stage(an_store *s, an_error *err)
{
    an__lock(s);
    unsigned number = s->staged++;
    an__unlock(s, true);
    /* the address of the handle: two handles of one process do not meet */
    char *folder = an_format("%s/staging/%s.%llx.%u", s->hidden, s->self, (unsigned long long)(uintptr_t)s, number);
    an_artifact *a = an_artifact_new(folder, err);
    free(folder);
    return a;
}

void an_artifact_discard(an_artifact *staged)
{
    if (!staged) return;
    an_error ignored = { 0 };
    (void)!an_folder_remove(an_artifact_folder(staged), &ignored);
    an_artifact_free(staged);
}

/* Files become read-only and go to disk, folders go to disk. */
static bool settle(const char *folder, an_error *err)
{
    an_list names = { 0 };
    bool good = an_folder_list(folder, &names, err);
    for (size_t i = 0; good && i < names.count; i++) {
        char *path = an_path_join(folder, names.items[i]);
        struct stat info;
        if (lstat(path, &info) != 0) {
            good = an_fail_errno(err, "cannot look at \"%s\"", path);
        } else if (S_ISDIR(info.st_mode)) {
            good = settle(path, err);
        } else {
            int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
            good = fd >= 0 && fchmod(fd, 0444) == 0 && fsync(fd) == 0;
            if (!good) an_fail_errno(err, "cannot bring \"%s\" to disk", path);
            if (fd >= 0) close(fd);
        }
        free(path);
    }
    an_list_free(&names);
    return good && an_folder_sync(folder, err);
}

static bool write_mark(const char *path, const char *kind, const char *hex, an_error *err)
{
    FILE *f = fopen(path, "we");
    bool good = f && fprintf(f, "%s %s\n", kind, hex) > 0;
    if (f && fclose(f) != 0) good = false;
    return good || an_fail_errno(err, "cannot write \"%s\"", path);
}

/* A folder that lies where ours should go: keeps it when it is sound, moves it into staging (to be removed) when it is damaged. */
static bool make_room(const char *folder, const char *aside, const an_hash *address, bool *sound, an_error *err)
{
    an_error ignored = { 0 };
    *sound = check_folder(folder, address, &ignored);
    if (*sound) return true;
    if (rename(folder, aside) != 0 && errno != ENOENT) return an_fail_errno(err, "cannot move the damaged artifact \"%s\" aside", folder);
    return true;
}

/* Puts the staged folder and its manifest under the address. On success the staged folder is gone or superfluous. */
static bool install(an_store *s, const char *staged, const an_hash *address, const an_buf *manifest, an_error *err)
{
    char *folder = an__artifact_folder(s, address), *list = an_format("%s.manifest", folder), *aside = an_format("%s.damaged", staged);
    char *parent = an_strndup(folder, (size_t)(strrchr(folder, '/') - folder)), *artifacts = an_path_join(s->hidden, "artifacts");
    bool fresh = !an_file_exists(parent), good = an_folder_make(parent, err), sound = false;
    if (good && fresh) good = an_folder_sync(artifacts, err);
    if (good && an_file_exists(folder)) good = make_room(folder, aside, address, &sound, err);
    if (good) good = an_file_write(list, manifest->data ? manifest->data : "", manifest->size, err);
    if (good) good = chmod(list, 0444) == 0 || an_fail_errno(err, "cannot make \"%s\" read-only", list);
    if (good && !sound && rename(staged, folder) != 0) {
        if (errno == EEXIST || errno == ENOTEMPTY) { /* another process was faster with the same content */
            good = check_folder(folder, address, err);
        } else {
            good = an_fail_errno(err, "cannot move \"%s\" to \"%s\"", staged, folder);
        }
    }
    good = good && an_folder_sync(parent, err);
    an_error ignored = { 0 };
    if (an_file_exists(aside)) (void)!an_folder_remove(aside, &ignored);
    free(artifacts);
    free(parent);
    free(aside);
    free(list);
    free(folder);
    return good;
}

static bool add_row(an_store *s, const char *kind, const an_hash *address, const an_buf *manifest, an_error *err)
{
    uint64_t bytes = 0;
    int64_t files = 0;
    for (const char *p = manifest->data; p && *p;) {
        const char *space = strchr(p, ' '), *end = strchr(p, '\n');
        if (!space || !end) break;
        bytes += strtoull(space + 1, NULL, 10);
        files++;
        p = end + 1;
    }
    an__lock(s);
    bool good = an__begin(s, true, err);
    if (good)
        good = an__end(
            s,
            an__sql_do(s, err,
                       "INSERT INTO artifacts (address, kind, bytes, files, created_us) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                       "htuii", address, kind, bytes, files, an_now_us()),
            err);
    return an__unlock(s, good);
}

bool an_artifact_put(an_store *s, an_artifact *staged, const char *kind, an_hash *address, an_error *err)
{
    const char *folder = an_artifact_folder(staged);
    char *mark = an_format("%s.put", folder), hex[65], *home = NULL;
    an_buf manifest = { 0 };
    bool known = false, good = an_name_check("kind of the artifact", kind, err) && an_artifact_seal(staged, address, &manifest, err);
    if (good) {
        an_hash_hex(address, hex);
        home = an__artifact_folder(s, address);
        an__lock(s);
        good = an__unlock(s, an__artifact_known(s, address, &known, err));
    }
    an_error ignored = { 0 };
    if (good && known && (checked_has(s, address) ? an_file_exists(home) : check_folder(home, address, &ignored))) {
        checked_add(s, address); /* kept already, and sound */
    } else if (good) {
        good = settle(folder, err) && write_mark(mark, kind, hex, err) && install(s, folder, address, &manifest, err) &&
               (known || add_row(s, kind, address, &manifest, err));
        if (good) checked_add(s, address);
        /* when the folder lies in its place but the row failed (disk full), the mark tells a later process to finish or to clean up */
        if (good || !an_file_exists(home)) unlink(mark);
    }
    free(home);
    free(mark);
    an_buf_free(&manifest);
    an_artifact_discard(staged);
    return good || an_context(err, "cannot keep the %s", kind);
}

bool an_store_put_file(an_store *s, const char *path, an_hash *address, an_error *err)
{
    an_artifact *a = an_artifact_stage(s, err);
    if (!a) return false;
    char *to = an_artifact_path(a, an_path_base(path));
    bool good = an_file_copy(path, to, err);
    free(to);
    if (good) return an_artifact_put(s, a, "file", address, err);
    an_artifact_discard(a);
    return false;
}

/* ---- cleaning ---- */

/* Finishes or undoes the put that a dead process began. */
static bool recover(an_store *s, const char *mark, an_error *err)
{
    an_buf text = { 0 };
    an_error ignored = { 0 };
    char kind[129], hex[65];
    an_hash address;
    bool good = true;
    if (an_file_read(mark, 4096, &text, &ignored) && sscanf(text.data, "%128s %64s", kind, hex) == 2 && an_hash_parse(hex, &address)) {
        char *folder = an__artifact_folder(s, &address), *list = an_format("%s.manifest", folder);
        bool known = false;
        an__lock(s);
        good = an__unlock(s, an__artifact_known(s, &address, &known, err));
        an_buf manifest = { 0 };
        if (good && !known && an_file_exists(folder)) {
            if (check_folder(folder, &address, &ignored) && an_file_read(list, 0, &manifest, &ignored)) {
                good = add_row(s, kind, &address, &manifest, err);
            } else {
                good = an_folder_remove(folder, err) && an_folder_remove(list, err);
            }
        }
        an_buf_free(&manifest);
        free(list);
        free(folder);
    }
    an_buf_free(&text);
    if (good) unlink(mark);
    return good;
}

bool an__staging_clean(an_store *s, an_error *err)
{
    char *staging = an_path_join(s->hidden, "staging");
    an_list names = { 0 };
    bool good = an_folder_make(staging, err) && an_folder_list(staging, &names, err);
    for (size_t i = 0; good && i < names.count; i++) {
        const char *name = names.items[i];
        size_t n = strlen(name);
        char *path = an_path_join(staging, name);
        struct stat info;
        an__life life = an__process_life(s->self, name);
        if (life != AN__ALIVE && lstat(path, &info) == 0) {
            int64_t age = an_now_us() - (int64_t)info.st_mtim.tv_sec * 1000000;
            bool old = age > (life == AN__DEAD ? DAY_US : FOREIGN_DAYS * DAY_US);
            if (n > 4 && strcmp(name + n - 4, ".put") == 0) {
                if (life == AN__DEAD || old) good = recover(s, path, err);
            } else if (old) {
                good = an_folder_remove(path, err);
            }
        }
        free(path);
    }
    an_list_free(&names);
    free(staging);
    return good;
}
