/* artifact.c - folders of files addressed by content. Every access walks the path part by part without following links, so that a
 * folder from elsewhere cannot lead outside itself. Where artifacts are kept, and what is in them, others decide. */
#include "andon/base.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEEPEST = 32 };

struct an_artifact {
    char *folder;
};

/* ---- paths ---- */

static bool path_check(const char *path, an_error *err)
{
    const char *why = NULL;
    size_t n = strlen(path);
    int parts = 1;
    if (n == 0)
        why = "is empty";
    else if (n > 1024)
        why = "is longer than 1024 bytes";
    else if (path[0] == '/')
        why = "is absolute";
    for (size_t i = 0; i < n && !why; i++) {
        if ((unsigned char)path[i] < 0x20 || path[i] == 0x7f) why = "has a control character"; /* would break the manifest's lines */
        if (i && path[i - 1] != '/') continue;
        size_t part = strcspn(path + i, "/");
        parts += i > 0;
        if (part == 0)
            why = "has an empty part";
        else if (part == 1 && path[i] == '.')
            why = "has a part \".\"";
        else if (part == 2 && path[i] == '.' && path[i + 1] == '.')
            why = "has a part \"..\"";
    }
    if (!why && path[n - 1] == '/') why = "ends with '/'";
    if (!why && parts > DEEPEST) why = "is nested too deep";
    if (!why) return true;
    return an_fail(err, AN_INPUT, "the path \"%.200s\" in an artifact %s", path, why);
}

/* Opens the folder that holds the last part of path, without following links; *last points into path. */
static int holder_open(const an_artifact *a, const char *path, const char **last, an_error *err)
{
    if (!path_check(path, err)) return -1;
    int fd = open(a->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        an_fail_errno(err, "cannot open the folder \"%s\"", a->folder);
        return -1;
    }
    const char *part = path, *slash;
    for (; (slash = strchr(part, '/')); part = slash + 1) {
        char *name = an_strndup(part, (size_t)(slash - part));
        int inner = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), number = errno;
        free(name);
        close(fd);
        if (inner < 0) {
            errno = number;
            if (number == ENOENT)
                an_fail(err, AN_NOT_FOUND, "there is no \"%s\" in \"%s\"", path, a->folder);
            else if (number == ELOOP || number == ENOTDIR)
                an_fail(err, AN_CORRUPT, "a folder on the way to \"%s\" in \"%s\" is a link or a file", path, a->folder);
            else
                an_fail_errno(err, "cannot open \"%s\" in \"%s\"", path, a->folder);
            return -1;
        }
        fd = inner;
    }
    *last = part;
    return fd;
}

static int file_open(const an_artifact *a, const char *path, an_error *err)
{
    const char *last;
    int folder = holder_open(a, path, &last, err);
    if (folder < 0) return -1;
    /* O_NONBLOCK: a FIFO must not hold us up */
    int fd = openat(folder, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), number = errno;
    close(folder);
    struct stat info;
    if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) return fd;
    if (fd >= 0) close(fd);
    errno = number;
    if (fd >= 0 || number == ELOOP)
        an_fail(err, AN_CORRUPT, "\"%s\" in \"%s\" is a link, a folder or a device, not a file", path, a->folder);
    else if (number == ENOENT)
        an_fail(err, AN_NOT_FOUND, "there is no \"%s\" in \"%s\"", path, a->folder);
    else
        an_fail_errno(err, "cannot open \"%s\" in \"%s\"", path, a->folder);
    return -1;
}

/* ---- all files ---- */

/* Adds the paths of all files below the folder fd (closed here); links, devices and names that no manifest can hold are refused. */
static bool collected(int fd, const char *prefix, const char *root, int depth, an_list *paths, an_error *err)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        an_fail_errno(err, "cannot list \"%s\"", root);
        close(fd);
        return false;
    }
    bool good = depth <= DEEPEST || an_fail(err, AN_CORRUPT, "folders in \"%s\" are nested too deep", root);
    struct dirent *entry;
    while (good && (errno = 0, entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char *path = an_path_join(prefix, entry->d_name);
        struct stat info;
        if (fstatat(dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
            good = an_fail_errno(err, "cannot look at \"%s\" in \"%s\"", path, root);
        } else if (S_ISDIR(info.st_mode)) {
            int inner = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            good = inner >= 0 ? collected(inner, path, root, depth + 1, paths, err)
                              : an_fail_errno(err, "cannot open \"%s\" in \"%s\"", path, root);
        } else if (!S_ISREG(info.st_mode)) {
            good = an_fail(err, AN_CORRUPT, "\"%s\" in \"%s\" is %s; artifacts hold files and folders only", path, root,
                           S_ISLNK(info.st_mode) ? "a symbolic link" : "a device");
        } else if ((good = path_check(path, err))) {
            an_list_add_take(paths, path);
            path = NULL;
        }
        free(path);
    }
    if (good && errno) good = an_fail_errno(err, "cannot list \"%s\"", root);
    closedir(dir);
    return good;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool listed(const an_artifact *a, an_list *paths, an_error *err)
{
    int fd = open(a->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) return an_fail(err, AN_NOT_FOUND, "there is no folder \"%s\"", a->folder);
    if (fd < 0) return an_fail_errno(err, "cannot open the folder \"%s\"", a->folder);
    if (!collected(fd, "", a->folder, 1, paths, err)) return false;
    if (paths->count) qsort(paths->items, paths->count, sizeof *paths->items, by_bytes);
    return true;
}

/* ---- opening ---- */

static an_artifact *made(const char *folder)
{
    an_artifact *a = an_alloc(sizeof *a);
    a->folder = an_strdup(folder);
    return a;
}

an_artifact *an_artifact_new(const char *folder, an_error *err)
{
    if (!an_folder_make(folder, err)) return NULL;
    an_list names = { 0 };
    bool good = an_folder_list(folder, &names, err);
    if (good && names.count) good = an_fail(err, AN_INPUT, "the folder \"%s\" is not empty", folder);
    an_list_free(&names);
    return good ? made(folder) : NULL;
}

an_artifact *an_artifact_open(const char *folder, an_error *err)
{
    an_artifact *a = made(folder);
    an_list paths = { 0 };
    bool good = listed(a, &paths, err);
    an_list_free(&paths);
    if (good) return a;
    an_artifact_free(a);
    return NULL;
}

void an_artifact_free(an_artifact *a)
{
    if (!a) return;
    free(a->folder);
    free(a);
}

const char *an_artifact_folder(const an_artifact *a)
{
    return a->folder;
}

/* ---- files ---- */

/* Makes the folders on the way and checks that none is a link. */
static bool way_made(const an_artifact *a, const char *path, an_error *err)
{
    if (!path_check(path, err)) return false;
    const char *slash = strrchr(path, '/');
    if (slash) {
        char *way = an_strndup(path, (size_t)(slash - path)), *folder = an_path_join(a->folder, way);
        bool good = an_folder_make(folder, err);
        free(folder);
        free(way);
        if (!good) return false;
    }
    const char *last;
    int fd = holder_open(a, path, &last, err);
    if (fd < 0) return false;
    close(fd);
    return true;
}

bool an_artifact_write(an_artifact *a, const char *path, const void *bytes, size_t n, an_error *err)
{
    if (!way_made(a, path, err)) return false;
    char *full = an_path_join(a->folder, path);
    bool good = an_file_write(full, bytes, n, err);
    free(full);
    return good;
}

bool an_artifact_write_json(an_artifact *a, const char *path, const json_t *value, an_error *err)
{
    if (!way_made(a, path, err)) return false;
    char *full = an_path_join(a->folder, path);
    bool good = an_json_write(full, value, err);
    free(full);
    return good;
}

bool an_artifact_read(const an_artifact *a, const char *path, an_buf *out, an_error *err)
{
    int fd = file_open(a, path, err);
    if (fd < 0) return false;
    char *full = an_path_join(a->folder, path);
    bool good = an__file_read_fd(fd, full, 0, out, err);
    free(full);
    close(fd);
    return good;
}

json_t *an_artifact_read_json(const an_artifact *a, const char *path, an_error *err)
{
    an_buf text = { 0 };
    json_t *value = NULL;
    if (an_artifact_read(a, path, &text, err)) {
        char *full = an_path_join(a->folder, path);
        value = an_json_parse(text.data, text.size, full, err);
        free(full);
    }
    an_buf_free(&text);
    return value;
}

bool an_artifact_has(const an_artifact *a, const char *path)
{
    int fd = file_open(a, path, NULL);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

/* Writers stream to it, so the folders on the way are made here where that is possible; opening it tells what went wrong if not. */
char *an_artifact_path(const an_artifact *a, const char *path)
{
    (void)!way_made(a, path, NULL);
    return an_path_join(a->folder, path);
}

/* ---- the manifest ---- */

bool an_artifact_seal(const an_artifact *a, an_hash *address, an_buf *manifest, an_error *err)
{
    an_list paths = { 0 };
    an_buf lines = { 0 };
    bool good = listed(a, &paths, err);
    for (size_t i = 0; i < paths.count && good; i++) {
        an_hash hash;
        uint64_t bytes = 0;
        int fd = file_open(a, paths.items[i], err);
        good = fd >= 0 && an__hash_fd(fd, paths.items[i], &hash, &bytes, err);
        if (fd >= 0) close(fd);
        if (!good) break;
        char hex[65];
        an_hash_hex(&hash, hex);
        an_buf_printf(&lines, "%s %llu %s\n", hex, (unsigned long long)bytes, paths.items[i]);
    }
    if (good) {
        an_hash_bytes(lines.data, lines.size, address);
        if (manifest) {
            an_buf_clear(manifest);
            an_buf_add(manifest, lines.data, lines.size);
        }
    }
    an_buf_free(&lines);
    an_list_free(&paths);
    return good;
}
