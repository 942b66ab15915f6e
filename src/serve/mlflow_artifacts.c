/* mlflow_artifacts.c - files of runs and models, in the workspace under .andon/mlflow-artifacts/<experiment>/<run>/artifacts/. A file is
 * written beside its place, flushed, and renamed: it is there whole or not at all.
 */
#include "serve/mlflow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 256 * 1024, PART_BYTES = 255 };

static bool plain_part(const char *part, size_t n)
{
    if (!n || n > PART_BYTES || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.')) return false;
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
    an_fail(err, AN_INPUT, "\"%.200s\" is no path of an artifact: it must be relative, without \"..\", \".\", \"//\" or backslashes",
            path ? path : "");
    return NULL;
}

/* Some part on the way is a link: nothing here makes one, so it is not ours. */
static bool has_link(const char *folder, char *full)
{
    struct stat info;
    for (char *slash = full + strlen(folder); slash; slash = strchr(slash + 1, '/')) {
        char *end = strchr(slash + 1, '/');
        if (end) *end = '\0';
        bool link = lstat(full, &info) == 0 && S_ISLNK(info.st_mode);
        if (end) *end = '/';
        if (link) return true;
        if (!end) break;
    }
    return false;
}

static char *full_path(const char *folder, const char *path, an_error *err)
{
    char *full = an__mlflow_path(folder, path, err);
    if (!full || !has_link(folder, full)) return full;
    an_fail(err, AN_INPUT, "\"%.200s\" leads through a symbolic link", path);
    free(full);
    return NULL;
}

bool an__mlflow_put(const char *folder, const char *path, an_span bytes, an_error *err)
{
    char *full = full_path(folder, path, err), *slash = full ? strrchr(full, '/') : NULL;
    struct stat info;
    bool good = full != NULL;
    if (good && lstat(full, &info) == 0 && S_ISDIR(info.st_mode)) good = an_fail(err, AN_INPUT, "\"%.200s\" is a folder already", path);
    if (good) {
        *slash = '\0';
        bool there = an_file_exists(full);
        if (!an_folder_make(full, err)) {
            good = false;
            if (stat(full, &info) == 0 || errno == ENOTDIR) an_fail(err, AN_INPUT, "a part of \"%.200s\" is a file, not a folder", path);
        }
        *slash = '/';
        good = good && an_file_write(full, bytes.data, bytes.size, err);
        /* folders that were made just now must be found again after a power cut: their parents are flushed too */
        for (char *up = slash; good && !there && up > full + strlen(folder);) {
            *up = '\0';
            char *above = strrchr(full, '/');
            *above = '\0';
            good = an_folder_sync(full, err);
            *above = '/';
            *up = '/';
            up = above;
        }
    }
    free(full);
    return good;
}

bool an__mlflow_delete(const char *folder, const char *path, an_error *err)
{
    char *full = full_path(folder, path, err);
    struct stat info;
    bool good = full != NULL;
    if (good && lstat(full, &info) != 0) good = an_fail(err, AN_NOT_FOUND, "there is no artifact \"%.200s\"", path);
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
    char *full = root ? an_strdup(folder) : full_path(folder, path, err);
    if (!full) return NULL;
    json_t *all = json_array();
    an_list names = { 0 };
    an_error ignored = { 0 };
    struct stat info;
    if (an_folder_list(full, &names, &ignored)) { /* a file, or nothing, has nothing below it */
        for (size_t i = 0; i < names.count; i++) {
            char *one = an_path_join(full, names.items[i]), *shown = an_format("%s%s%s", prefix, *prefix ? "/" : "", names.items[i]);
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

/* ---- downloads: in the loop's thread, a piece whenever the socket takes one ---- */

typedef struct download {
    int fd;
} download;

static bool more(void *context, an_buf *out, bool *failed)
{
    download *d = context;
    char piece[PIECE / 4];
    ssize_t n = read(d->fd, piece, sizeof piece);
    if (n > 0) an_buf_add(out, piece, (size_t)n);
    *failed = n < 0;
    return n > 0;
}

static void done(void *context)
{
    download *d = context;
    close(d->fd);
    free(d);
}

bool an__mlflow_send(an__server *s, an_exchange *x, const an__route *route, const char *folder, const char *path, an_error *err)
{
    char *full = full_path(folder, path, err);
    if (!full) return false;
    int fd = open(full, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    int why = errno;
    free(full);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        if (fd >= 0) close(fd);
        if (fd < 0 && why != ENOENT && why != ENOTDIR && why != ELOOP) {
            errno = why;
            return an_fail_errno(err, "the artifact \"%.200s\" cannot be read", path);
        }
        return an_fail(err, AN_NOT_FOUND, "there is no artifact \"%.200s\"", path);
    }
    static const char headers[] = "Content-Disposition: attachment\r\nX-Content-Type-Options: nosniff\r\n";
    if (!info.st_size) {
        close(fd);
        an__answer(s, x, route, 200, "application/octet-stream", headers, "", 0);
        return true;
    }
    download *d = an_alloc(sizeof *d);
    d->fd = fd;
    an__metrics_answer(s->metrics, route, 200, an_loop_now(s->o.loop) - an_exchange_arrived(x));
    an_exchange_begin(
        x, &(an_http_answer){ .status = 200, .type = "application/octet-stream", .headers = headers, .body_size = (size_t)info.st_size },
        &(an_http_source){ .context = d, .more = more, .done = done });
    return true;
}
