/* csv_source.c - the bytes of a CSV file in memory without owning memory for them: the file is mapped; gzip is inflated through a small
 * buffer into an unlinked temporary file that is then mapped. Mapped pages are clean, so they are not counted by the memory promise
 * of the reader. (A file that somebody cuts short while it is read raises SIGBUS, as with every mapped file: writers should rename.) */
#include "csv_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* Maps `size` bytes of fd with at least AN__CSV_PADDING zero bytes behind them: an anonymous mapping one page longer, the file on top. */
static bool map_file(an__csv_source *s, int fd, size_t size, const char *path, an_error *err)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t bytes = (size + AN__CSV_PADDING + page - 1) / page * page + page;
    char *map = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) return an_fail_errno(err, "%s: cannot be mapped", path);
    if (size && mmap(map, size, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED) {
        int cause = errno;
        munmap(map, bytes);
        errno = cause;
        return an_fail_errno(err, "%s: cannot be mapped", path);
    }
    if (size) madvise(map, size, MADV_SEQUENTIAL);
    s->map = map;
    s->map_bytes = bytes;
    s->data = map;
    s->size = size;
    return true;
}

int an__spill_open(an_error *err)
{
    const char *folder = getenv("TMPDIR");
    char *path = an_format("%s/andon-XXXXXX", folder && *folder ? folder : "/tmp");
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        an_fail_errno(err, "%s: cannot make a temporary file", path);
        an_hint(err, "set TMPDIR to a folder with room for the unpacked file");
    } else {
        unlink(path);
    }
    free(path);
    return fd;
}

static bool write_all(int fd, const void *bytes, size_t n, an_error *err)
{
    for (const char *p = bytes; n;) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) {
            an_fail_errno(err, "writing the unpacked file");
            return an_hint(err, "set TMPDIR to a folder with room for the unpacked file");
        }
        p += k;
        n -= (size_t)k;
    }
    return true;
}

static bool inflate_all(const char *bytes, size_t n, int fd, size_t *size, const char *what, an_job *job, an_error *err)
{
    enum { ROOM = 1 << 18 };
    z_stream z = { 0 };
    if (inflateInit2(&z, 15 + 16) != Z_OK) return an_fail(err, AN_MEMORY, "%s: no memory to unpack", what);
    unsigned char *out = an_alloc(ROOM);
    bool ok = true, ended = false;
    size_t used = 0;
    *size = 0;
    an_job_stage(job, "unpacking");
    while (ok) {
        if (ended) { /* several members may follow one another (RFC 1952, section 2.2); zero bytes may pad the end */
            while (used < n && !bytes[used]) used++;
            if (used == n) break;
            if (inflateReset(&z) != Z_OK) break;
            ended = false;
        }
        size_t feed = n - used < AN__CSV_STEP ? n - used : AN__CSV_STEP;
        z.next_in = (unsigned char *)(uintptr_t)(bytes + used);
        z.avail_in = (unsigned)feed;
        do {
            z.next_out = out;
            z.avail_out = ROOM;
            int code = inflate(&z, Z_NO_FLUSH);
            if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
                ok = an_fail(err, AN_INPUT, "%s: the gzip data is damaged at byte %zu (%s)", what, used + (feed - z.avail_in),
                             z.msg ? z.msg : "unknown");
                break;
            }
            size_t got = ROOM - z.avail_out;
            ok = write_all(fd, out, got, err);
            *size += got;
            ended = code == Z_STREAM_END;
        } while (ok && !ended && (z.avail_in || !z.avail_out));
        used += feed - z.avail_in;
        if (ok && !ended && used == n) {
            an_fail(err, AN_INPUT, "%s: the gzip data ends too early", what);
            ok = an_hint(err, "the file was cut short; copy it again");
        }
        an_job_progress(job, (double)used, (double)n, "bytes");
        ok = ok && an_job_check(job, err);
    }
    inflateEnd(&z);
    free(out);
    return ok;
}

static bool is_gzip(const char *bytes, size_t n)
{
    return n >= 3 && (unsigned char)bytes[0] == 0x1f && (unsigned char)bytes[1] == 0x8b && bytes[2] == 8;
}

/* Replaces packed bytes by a mapping of the unpacked ones. */
static bool unpack(an__csv_source *s, const char *what, an_job *job, an_error *err)
{
    int fd = an__spill_open(err);
    if (fd < 0) return false;
    an__csv_source plain = { .gzip = true };
    size_t size = 0;
    bool ok = inflate_all(s->data, s->size, fd, &size, what, job, err) && map_file(&plain, fd, size, what, err);
    close(fd);
    if (!ok) return false;
    an__csv_close(s);
    *s = plain;
    return true;
}

static int spill_pipe(int from, size_t *size, const char *path, an_job *job, an_error *err)
{
    int fd = an__spill_open(err);
    if (fd < 0) return -1;
    char *block = an_alloc(AN__CSV_STEP);
    bool ok = true;
    *size = 0;
    while (ok) {
        ssize_t n = read(from, block, AN__CSV_STEP);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) ok = an_fail_errno(err, "%s: cannot be read", path);
        if (n <= 0) break;
        *size += (size_t)n;
        ok = write_all(fd, block, (size_t)n, err) && an_job_check(job, err);
    }
    free(block);
    if (ok) return fd;
    close(fd);
    return -1;
}

bool an__csv_open_fd(an__csv_source *s, int fd, const char *what, an_error *err)
{
    struct stat st;
    *s = (an__csv_source){ 0 };
    if (fstat(fd, &st)) return an_fail_errno(err, "%s: cannot be looked at", what);
    return map_file(s, fd, (size_t)st.st_size, what, err);
}

bool an__csv_open(an__csv_source *s, const char *path, an_job *job, an_error *err)
{
    *s = (an__csv_source){ 0 };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? an_fail(err, AN_NOT_FOUND, "%s: there is no such file", path)
                               : an_fail_errno(err, "%s: cannot be opened", path);
    }
    struct stat st;
    bool ok = fstat(fd, &st) == 0 ? true : an_fail_errno(err, "%s: cannot be looked at", path);
    if (ok && S_ISDIR(st.st_mode)) ok = an_fail(err, AN_INPUT, "%s is a folder, not a file", path);
    size_t size = ok ? (size_t)st.st_size : 0;
    if (ok && !S_ISREG(st.st_mode)) {
        int copy = spill_pipe(fd, &size, path, job, err);
        ok = copy >= 0;
        close(fd);
        fd = copy;
    }
    ok = ok && map_file(s, fd, size, path, err);
    if (fd >= 0) close(fd);
    if (ok && is_gzip(s->data, s->size)) ok = unpack(s, path, job, err);
    if (!ok) an__csv_close(s);
    return ok;
}

bool an__csv_wrap(an__csv_source *s, const char *bytes, size_t n, const char *what, an_job *job, an_error *err)
{
    *s = (an__csv_source){ 0 };
    s->copy = an_alloc_data(n + AN__CSV_PADDING, 1, what, err);
    if (!s->copy) return false;
    if (n) memcpy(s->copy, bytes, n);
    s->data = s->copy;
    s->size = n;
    if (is_gzip(bytes, n) && !unpack(s, what, job, err)) {
        an__csv_close(s);
        return false;
    }
    return true;
}

void an__csv_close(an__csv_source *s)
{
    if (s->map) munmap(s->map, s->map_bytes);
    free(s->copy);
    *s = (an__csv_source){ 0 };
}

void an__csv_forget(const an__csv_source *s, size_t from, size_t to)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    from = from / page * page;
    to = to / page * page;
    if (s->map && to > from) madvise((char *)s->map + from, to - from, MADV_DONTNEED);
}
