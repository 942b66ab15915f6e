/* file.c - reading whole files, and writing them so that a reader (or a power cut) sees the old content or the new, never a half. */
#include "base/file.h"
#include "andon/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- reading ---- */

int an__file_open(const char *path, an_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        an_fail_errno(err, "cannot open \"%s\"", path);
        if (err && (errno == ENOENT || errno == ENOTDIR)) {
            an_fail(err, AN_NOT_FOUND, "there is no file \"%s\"", path);
            an_hint(err, "Check the spelling, and the folder from which the command is run.");
        }
        return -1;
    }
    struct stat info;
    if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        an_fail(err, AN_INPUT, "\"%s\" is a folder, not a file", path);
        close(fd);
        return -1;
    }
    return fd;
}

static bool too_big(const char *path, size_t limit_bytes, an_error *err)
{
    return an_fail(err, AN_INPUT, "\"%s\" is larger than the %zu bytes allowed here", path, limit_bytes);
}

bool an__file_read_fd(int fd, const char *path, size_t limit_bytes, an_buf *out, an_error *err)
{
    struct stat info;
    size_t expected = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 ? (size_t)info.st_size : 0;
    if (limit_bytes && expected > limit_bytes) return too_big(path, limit_bytes, err);
    an_buf_clear(out);
    for (;;) {
        /* grows by hand: file contents are data, and running out is reported */
        if (out->capacity - out->size < 2) {
            size_t capacity = out->size == 0 ? expected + 2 : out->capacity * 2;
            if (capacity < 4096) capacity = 4096;
            char *data = realloc(out->data, capacity);
            if (!data) return an_fail(err, AN_MEMORY, "not enough memory to read \"%s\": %zu bytes are needed", path, capacity);
            out->data = data;
            out->capacity = capacity;
        }
        ssize_t got = read(fd, out->data + out->size, out->capacity - out->size - 1);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return an_fail_errno(err, "cannot read \"%s\"", path);
        out->size += (size_t)got;
        out->data[out->size] = '\0';
        if (limit_bytes && out->size > limit_bytes) return too_big(path, limit_bytes, err);
        if (got == 0) return true;
    }
}

bool an_file_read(const char *path, size_t limit_bytes, an_buf *out, an_error *err)
{
    int fd = an__file_open(path, err);
    if (fd < 0) return false;
    bool good = an__file_read_fd(fd, path, limit_bytes, out, err);
    close(fd);
    return good;
}

bool an_file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

/* ---- writing ---- */

/* A file on its way: written under a name of its own beside the target, renamed when whole. */
typedef struct draft {
    int fd;
    char *folder, *path; /* of the temporary file */
} draft;

static bool draft_open(draft *d, const char *target, an_error *err)
{
    const char *slash = strrchr(target, '/');
    d->folder = !slash ? an_strdup(".") : slash == target ? an_strdup("/") : an_strndup(target, (size_t)(slash - target));
    d->path = NULL;
    for (int attempt = 0; attempt < 16; attempt++) {
        uint64_t number = 0;
        if (getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number)
            number = (uint64_t)an_now_us() * 1000003u + (uint64_t)getpid() + (uint64_t)attempt;
        free(d->path);
        d->path = an_format("%s/.andon-%016llx.tmp", d->folder, (unsigned long long)number);
        d->fd = open(d->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (d->fd >= 0 || errno != EEXIST) break;
    }
    if (d->fd >= 0) return true;
    an_fail_errno(err, "cannot write \"%s\"", target);
    free(d->path);
    free(d->folder);
    return false;
}

static bool draft_add(draft *d, const char *target, const void *bytes, size_t n, an_error *err)
{
    const char *p = bytes;
    while (n) {
        ssize_t done = write(d->fd, p, n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return an_fail_errno(err, "cannot write \"%s\"", target);
        p += done;
        n -= (size_t)done;
    }
    return true;
}

static bool draft_end(draft *d, const char *target, bool good, an_error *err)
{
    struct stat old;
    if (good && stat(target, &old) == 0 && S_ISREG(old.st_mode))
        (void)!fchmod(d->fd, old.st_mode & 07777); /* keeps the mode where it may */
    if (good && fsync(d->fd) != 0) good = an_fail_errno(err, "cannot write \"%s\"", target);
    if (close(d->fd) != 0 && good) good = an_fail_errno(err, "cannot write \"%s\"", target);
    if (good && rename(d->path, target) != 0) good = an_fail_errno(err, "cannot write \"%s\"", target);
    if (!good) unlink(d->path);
    if (good) good = an_folder_sync(d->folder, err);
    free(d->path);
    free(d->folder);
    return good;
}

bool an_file_write(const char *path, const void *bytes, size_t n, an_error *err)
{
    draft d;
    if (!draft_open(&d, path, err)) return false;
    bool good = draft_add(&d, path, bytes, n, err);
    return draft_end(&d, path, good, err);
}

bool an_file_copy(const char *from, const char *to, an_error *err)
{
    enum { PIECE = 1 << 18 };
    int fd = an__file_open(from, err);
    if (fd < 0) return false;
    draft d;
    if (!draft_open(&d, to, err)) {
        close(fd);
        return false;
    }
    char *piece = an_alloc(PIECE);
    bool good = true;
    while (good) {
        ssize_t got = read(fd, piece, PIECE);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) good = an_fail_errno(err, "cannot read \"%s\"", from);
        if (got <= 0) break;
        good = draft_add(&d, to, piece, (size_t)got, err);
    }
    free(piece);
    close(fd);
    return draft_end(&d, to, good, err);
}
