/* folder.c - folders and paths: making, listing, removing, joining; which names are good names. */
#include "andon/base.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool an_folder_make(const char *path, an_error *err)
{
    if (!path[0]) return an_fail(err, AN_USAGE, "the name of the folder to make is empty");
    char *copy = an_strdup(path);
    bool good = true;
    for (char *end = copy + 1; good; end++) {
        char held = *end;
        if (held && held != '/') continue;
        *end = '\0';
        struct stat info;
        if (mkdir(copy, 0777) != 0 && (errno != EEXIST || (stat(copy, &info) == 0 && !S_ISDIR(info.st_mode)))) {
            if (errno == EEXIST) errno = ENOTDIR;
            good = an_fail_errno(err, "cannot make the folder \"%s\"", copy);
        }
        *end = held;
        if (!held) break;
    }
    free(copy);
    return good;
}

/* Removes name in folder `at`; text is the whole path, for messages. */
static bool removed(int at, const char *name, const char *text, an_error *err)
{
    if (unlinkat(at, name, 0) == 0 || errno == ENOENT) return true;
    if (errno != EISDIR && errno != EPERM) return an_fail_errno(err, "cannot remove \"%s\"", text);
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT || an_fail_errno(err, "cannot remove \"%s\"", text);
    DIR *dir = fdopendir(fd);
    if (!dir) {
        an_fail_errno(err, "cannot remove \"%s\"", text);
        close(fd);
        return false;
    }
    bool good = true;
    struct dirent *entry;
    while (good && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char *inner = an_path_join(text, entry->d_name);
        good = removed(dirfd(dir), entry->d_name, inner, err);
        free(inner);
    }
    closedir(dir);
    if (good && unlinkat(at, name, AT_REMOVEDIR) != 0 && errno != ENOENT) good = an_fail_errno(err, "cannot remove \"%s\"", text);
    return good;
}

bool an_folder_remove(const char *path, an_error *err)
{
    return removed(AT_FDCWD, path, path, err);
}

bool an_folder_sync(const char *path, an_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return an_fail_errno(err, "cannot open the folder \"%s\"", path);
    /* some network file systems cannot sync a folder and say EINVAL: nothing more can be done there */
    bool good = fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP;
    if (!good) an_fail_errno(err, "cannot bring the folder \"%s\" to disk", path);
    close(fd);
    return good;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool an_folder_list(const char *path, an_list *names, an_error *err)
{
    DIR *dir = opendir(path);
    if (!dir) {
        if (errno != ENOENT) return an_fail_errno(err, "cannot list the folder \"%s\"", path);
        return an_fail(err, AN_NOT_FOUND, "there is no folder \"%s\"", path);
    }
    size_t before = names->count;
    struct dirent *entry;
    while ((errno = 0, entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) an_list_add(names, entry->d_name);
    bool good = errno == 0 || an_fail_errno(err, "cannot list the folder \"%s\"", path);
    closedir(dir);
    if (names->count > before) qsort(names->items + before, names->count - before, sizeof *names->items, by_bytes);
    return good;
}

char *an_path_join(const char *folder, const char *name)
{
    size_t n = strlen(folder);
    if (name[0] == '/' || n == 0) return an_strdup(name);
    return an_format("%s%s%s", folder, folder[n - 1] == '/' ? "" : "/", name);
}

const char *an_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool an_name_check(const char *what, const char *name, an_error *err)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t n = strlen(name);
    if (n == 0) {
        an_fail(err, AN_USAGE, "the %s is empty", what);
    } else if (n > 128) {
        an_fail(err, AN_USAGE, "the %s \"%.40s...\" has %zu characters; at most 128 are allowed", what, name, n);
    } else if (name[0] == '.' || name[0] == '-') {
        an_fail(err, AN_USAGE, "the %s \"%s\" starts with '%c'", what, name, name[0]);
    } else if (name[strspn(name, allowed)]) {
        an_fail(err, AN_USAGE, "the %s \"%s\" has a character that is not allowed at position %zu", what, name, strspn(name, allowed) + 1);
    } else {
        return true;
    }
    return an_hint(err, "Use 1 to 128 of the letters A-Z a-z, digits, '.', '_' and '-', starting with a letter, a digit or '_'.");
}
