/* write_file.c - a file that is written piece by piece and named when it is whole: what CSV and Parquet writers share. */
#include "impl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool sync_folder(const char *path, an_error *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = !slash ? an_strdup(".") : slash == path ? an_strdup("/") : an_strndup(path, (size_t)(slash - path));
    bool ok = an_folder_sync(folder, err);
    free(folder);
    return ok;
}

bool an__file_stream(const char *path, bool (*write)(void *context, FILE *f, const char *path, an_error *err), void *context, an_error *err)
{
    if (!strcmp(path, "-")) return write(context, stdout, "standard output", err);
    struct stat st;
    bool plain = stat(path, &st) || S_ISREG(st.st_mode); /* /dev/stdout, a pipe: written directly */
    char *temporary = plain ? an_format("%s.XXXXXX", path) : an_strdup(path);
    int fd = plain ? mkostemp(temporary, O_CLOEXEC) : open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && plain) fchmod(fd, 0644);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!f) {
        an_fail_errno(err, "%s: cannot be written", path);
        if (fd >= 0) close(fd);
        free(temporary);
        return false;
    }
    bool ok = write(context, f, path, err);
    if (ok && plain && fsync(fd)) ok = an_fail_errno(err, "writing %s", path);
    if (fclose(f) && ok) ok = an_fail_errno(err, "writing %s", path);
    if (ok && plain && rename(temporary, path)) ok = an_fail_errno(err, "%s: cannot be replaced", path);
    if (!ok && plain) unlink(temporary);
    if (ok && plain) ok = sync_folder(path, err);
    free(temporary);
    return ok;
}
