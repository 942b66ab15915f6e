/* mlflow_artifacts.c - files of runs and models, in the workspace under .andon/mlflow-artifacts/<experiment>/<run>/artifacts/. A file is
 * written beside its place, flushed, and renamed: it is there whole or not at all.
 */
#include "serve/mlflow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { WINDOW = 4 << 20 /* bytes that are written back together */, PART_BYTES = 255 };

static bool plain_part(const char *part, size_t n)
{
    if (!n || n > PART_BYTES || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.')) return false;
    if (n >= 7 && !memcmp(part, ".andon-", 7)) return false; /* our own: files on their way in */
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)part[i] < 0x20 || part[i] == 0x7f || part[i] == '\\') return false;
    return true;
}

char *an__mlflow_path(const char *folder, const char *path, an_error *err)
{
    bool good = path && *path && *path != '/' && strlen(path) < 3000;
    for (const char *part = path; good && part;) {
        const char *slash = strchr(part, '/');
        size_t n = slash ? (size_t)(slash - part) : strlen(part);
        good = plain_part(part, n);
        part = slash ? slash + 1 : NULL;
    }
    if (good) return an_format("%s/%s", folder, path);
    an_fail(err, AN_INPUT,
            "\"%.200s\" is no path of an artifact: it must be relative, without \"..\", \".\", \"//\" or backslashes, and without names "
            "that begin with \".andon-\"",
            path ? path : "");
    return NULL;
}

/* What stands on the way to a file, and where the file is to be. Nothing here makes links: one is not ours. */
typedef enum way { FREE, LINK, BLOCKED /* by a file that is no folder */, FOLDER /* it is one itself */ } way;
static way way_to(const char *folder, char *full)
{
    struct stat info;
    for (char *slash = full + strlen(folder); slash;) {
        char *end = strchr(slash + 1, '/');
        if (end) *end = '\0';
        bool there = lstat(full, &info) == 0;
        if (end) *end = '/';
        if (!there) return FREE;
        if (S_ISLNK(info.st_mode)) return LINK;
        if (end && !S_ISDIR(info.st_mode)) return BLOCKED;
        if (!end && S_ISDIR(info.st_mode)) return FOLDER;
        slash = end;
    }
    return FREE;
}

char *an__mlflow_full(const char *folder, const char *path, an_error *err)
{
    char *full = an__mlflow_path(folder, path, err);
    if (!full || way_to(folder, full) != LINK) return full;
    an_fail(err, AN_INPUT, "\"%.200s\" leads through a symbolic link", path);
    free(full);
    return NULL;
}

/* Of a folder, as clients also say it: "a/b/". New text. */
static char *without_slash(const char *path)
{
    if (!path) return an_strdup("");
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    return an_strndup(path, n);
}

/* A path where a file may be put: new text. */
static char *target_path(const char *folder, const char *path, an_error *err)
{
    char *full = an__mlflow_full(folder, path, err);
    way w = full ? way_to(folder, full) : FREE;
    if (w == FOLDER) an_fail(err, AN_INPUT, "\"%.200s\" is a folder already", path);
    if (w == BLOCKED) an_fail(err, AN_INPUT, "a part of \"%.200s\" is a file, not a folder", path);
    if (w == FREE) return full;
    free(full);
    return NULL;
}

/* ---- files on their way in ---- */

#define DRAFTS ".andon-uploads"

static bool cannot_write(an__draft *d, const char *path, an_error *err)
{
    d->full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
    an_fail_errno(err, "the artifact \"%.200s\" cannot be written", path);
    if (d->full) an_hint(err, "Make room on the disk of the server's workspace, and upload it again.");
    return false;
}

bool an__draft_open(an__draft *d, const char *folder, const char *path, uint64_t announced, an_error *err)
{
    *d = (an__draft){ .fd = -1 };
    char *full = target_path(folder, path, err);
    if (!full) return false;
    free(full);
    char *drafts = an_path_join(folder, DRAFTS);
    bool good = an_folder_make(drafts, err);
    d->full = !good && (errno == ENOSPC || errno == EDQUOT);
    struct stat info = { 0 };
    while (good && !info.st_nlink) { /* none: a server that starts has taken it for a dead one's before it was locked */
        uint64_t number = 0;
        if (d->fd >= 0) close(d->fd);
        if (getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number) number = (uint64_t)an_now_us() ^ (uint64_t)getpid() << 48;
        free(d->path);
        d->path = an_format("%s/%016llx", drafts, (unsigned long long)number);
        d->fd = open(d->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (d->fd < 0 && errno == EEXIST) continue;
        good = d->fd >= 0 || cannot_write(d, path, err);
        if (good) (void)!flock(d->fd, LOCK_EX); /* it is alive; where there are no locks nothing is cleaned either */
        good = good && (fstat(d->fd, &info) == 0 || cannot_write(d, path, err));
    }
    free(drafts);
    struct statvfs room;
    if (good && announced && fstatvfs(d->fd, &room) == 0 && announced / room.f_frsize >= room.f_bavail) {
        errno = ENOSPC; /* known before the bytes are sent */
        good = cannot_write(d, path, err);
    }
    if (!good) an__draft_drop(d);
    return good;
}

bool an__draft_add(an__draft *d, const char *path, const void *bytes, size_t n, an_error *err)
{
    const char *at = bytes;
    for (size_t left = n; left;) {
        ssize_t written = write(d->fd, at, left);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return cannot_write(d, path, err);
        at += written;
        left -= (size_t)written;
    }
    d->size += n;
    /* On its way to the disk while the next window fills: the flush at the end is short, and what the kernel holds back for this file stays
     * little, or it would make every writer of the machine wait, the journal of verdicts too. */
    if (d->size - d->behind >= 2 * WINDOW) {
        (void)!sync_file_range(d->fd, (off_t)(d->behind + WINDOW), (off_t)(d->size - d->behind - WINDOW), SYNC_FILE_RANGE_WRITE);
        (void)!sync_file_range(d->fd, (off_t)d->behind, WINDOW,
                               SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
        d->behind += WINDOW;
    }
    return true;
}

void an__draft_drop(an__draft *d)
{
    if (d->fd >= 0) {
        unlink(d->path);
        close(d->fd);
    }
    d->fd = -1;
    free(d->path);
    d->path = NULL;
}

/* Folders that were made just now must be found again after a power cut: their parents are flushed too. */
static bool sync_folders(const char *folder, char *full, bool made, an_error *err)
{
    bool good = true;
    for (char *end = strrchr(full, '/'); good && end > full + strlen(folder); end = strrchr(full, '/')) {
        *end = '\0';
        good = an_folder_sync(full, err);
        if (!made) return good;
    }
    return good && (!made || an_folder_sync(folder, err));
}

bool an__draft_end(an__draft *d, const char *folder, const char *path, an_error *err)
{
    char *full = target_path(folder, path, err); /* again: others may have come first */
    bool good = full != NULL, there = true;
    if (good) {
        char *slash = strrchr(full, '/');
        *slash = '\0';
        there = an_file_exists(full);
        good = there || an_folder_make(full, err);
        d->full = !good && errno == ENOSPC;
        *slash = '/';
    }
    if (good && fsync(d->fd) != 0) good = cannot_write(d, path, err);
    if (good && rename(d->path, full) != 0) good = cannot_write(d, path, err);
    if (!good) unlink(d->path);
    if (good) good = sync_folders(folder, full, !there, err);
    close(d->fd);
    d->fd = -1;
    free(d->path);
    d->path = NULL;
    free(full);
    return good;
}

bool an__mlflow_put(const char *folder, const char *path, an_span bytes, an_error *err)
{
    an__draft d;
    if (!an__draft_open(&d, folder, path, bytes.size, err)) return false;
    if (an__draft_add(&d, path, bytes.data, bytes.size, err)) return an__draft_end(&d, folder, path, err);
    an__draft_drop(&d);
    return false;
}

void an__drafts_clean(const char *folder)
{
    an_list names = { 0 };
    char *drafts = an_path_join(folder, DRAFTS);
    an_error ignored = { 0 };
    if (an_file_exists(drafts) && an_folder_list(drafts, &names, &ignored)) {
        for (size_t i = 0; i < names.count; i++) {
            char *one = an_path_join(drafts, names.items[i]);
            int fd = open(one, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
            if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) unlink(one); /* nobody holds it: its server was killed */
            if (fd >= 0) close(fd);
            free(one);
        }
    }
    an_list_free(&names);
    free(drafts);
}

bool an__mlflow_delete(const char *folder, const char *path, an_error *err)
{
    char *plain = without_slash(path), *full = an__mlflow_full(folder, plain, err);
    struct stat info;
    bool good = full != NULL;
    free(plain);
    if (good && lstat(full, &info) != 0) { /* it is gone already: a client may ask twice */
        free(full);
        return true;
    }
    if (good && S_ISDIR(info.st_mode))
        good = an_folder_remove(full, err);
    else if (good && unlink(full) != 0)
        good = an_fail_errno(err, "the artifact \"%.200s\" cannot be removed", path);
    free(full);
    return good;
}

json_t *an__mlflow_list(const char *folder, const char *path, const char *prefix, an_error *err)
{
    bool root = !path || !*path;
    char *plain = without_slash(path), *before = *prefix ? without_slash(prefix) : an_strdup("");
    char *full = root ? an_strdup(folder) : an__mlflow_full(folder, plain, err);
    free(plain);
    if (!full) {
        free(before);
        return NULL;
    }
    json_t *all = json_array();
    an_list names = { 0 };
    an_error ignored = { 0 };
    struct stat info;
    if (an_folder_list(full, &names, &ignored)) { /* a file, or nothing, has nothing below it */
        for (size_t i = 0; i < names.count; i++) {
            char *one = an_path_join(full, names.items[i]), *shown = an_format("%s%s%s", before, *before ? "/" : "", names.items[i]);
            json_t *text = lstat(one, &info) == 0 && strncmp(names.items[i], ".andon-", 7) ? json_string(shown) : NULL;
            if (text && S_ISDIR(info.st_mode))
                json_array_append_new(all, json_pack("{s:o, s:b}", "path", text, "is_dir", true));
            else if (text && S_ISREG(info.st_mode))
                json_array_append_new(all,
                                      json_pack("{s:o, s:b, s:I}", "path", text, "is_dir", false, "file_size", (json_int_t)info.st_size));
            else
                json_decref(text);
            free(one);
            free(shown);
        }
    }
    an_list_free(&names);
    free(before);
    free(full);
    return all;
}

/* ---- jobs ---- */

static const char *path_of(const an__mlflow_job *j)
{
    return json_string_value(json_object_get(j->request, "path"));
}

void an__mlflow_files_put(an__mlflow_job *j, const char *folder)
{
    an__mlflow_put(folder, path_of(j), j->body, &j->err);
}

void an__mlflow_files_delete(an__mlflow_job *j, const char *folder)
{
    an__mlflow_delete(folder, path_of(j), &j->err);
}

void an__mlflow_files_list(an__mlflow_job *j, const char *folder)
{
    json_t *files = an__mlflow_list(folder, path_of(j), "", &j->err);
    if (files) j->answer = json_pack("{s:o}", "files", files);
}

/* The answer has root_uri; paths are told relative to it. Files that are kept elsewhere are not ours to list. */
void an__mlflow_files_of(an__mlflow_job *j, const char *folder)
{
    const char *uri = json_string_value(json_object_get(j->answer, "root_uri")), *below = path_of(j);
    if (!below) below = json_string_value(json_object_get(j->request, "artifact_directory_path"));
    if (!below) below = "";
    json_t *files = json_array();
    if (uri && !strncmp(uri, "mlflow-artifacts:/", 18)) {
        const char *root = uri + 18;
        while (*root == '/') root++;
        char *path = an_format("%s%s%s", root, *below ? "/" : "", below);
        json_decref(files);
        files = an__mlflow_list(folder, path, below, &j->err);
        free(path);
    }
    if (files) json_object_set_new(j->answer, "files", files);
}
