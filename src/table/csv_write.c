/* csv_write.c - a table as RFC 4180 text: comma, header, LF, shortest numbers that read back the same. */
#include "impl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void an_csv_quote(an_buf *out, const char *text)
{
    size_t n = strlen(text);
    bool edge = n && (text[0] == ' ' || text[0] == '\t' || text[n - 1] == ' ' || text[n - 1] == '\t'); /* the reader trims bare fields */
    if (!edge && !strpbrk(text, ",\"\r\n")) {
        an_buf_add(out, text, n);
        return;
    }
    an_buf_putc(out, '"');
    for (const char *quote; (quote = strchr(text, '"')); text = quote + 1) {
        an_buf_add(out, text, (size_t)(quote - text) + 1);
        an_buf_putc(out, '"');
    }
    an_buf_puts(out, text);
    an_buf_putc(out, '"');
}

static void add_cell(an_buf *out, const an_column *c, size_t row, an_buf *scratch)
{
    if (c->type == AN_CATEGORY || c->type == AN_TEXT) {
        an_buf_clear(scratch);
        an_cell_text(c, row, scratch);
        if (scratch->size) an_csv_quote(out, scratch->data);
    } else {
        an_cell_text(c, row, out);
    }
}

static void add_row(an_buf *out, const an_table *t, size_t row, an_buf *scratch)
{
    size_t start = out->size;
    for (size_t j = 0; j < t->columns; j++) {
        if (j) an_buf_putc(out, ',');
        add_cell(out, &t->column[j], row, scratch);
    }
    if (t->origin && t->origin_count) {
        if (an_table_generated(t, row)) {
            const an_origin *o = &t->origins[t->origin[row] - 1];
            an_buf_putc(out, ',');
            an_csv_quote(out, o->generator);
            an_buf_printf(out, ",%" PRIu64 ",%" PRIu64, o->seed, t->origin_row[row]);
        } else {
            an_buf_puts(out, ",,,");
        }
    }
    if (out->size == start) an_buf_puts(out, "\"\""); /* one column, missing: a blank line would be no row */
    an_buf_putc(out, '\n');
}

static bool flush(FILE *f, an_buf *out, const char *path, an_error *err)
{
    bool ok = !out->size || fwrite(out->data, 1, out->size, f) == out->size;
    an_buf_clear(out);
    return ok ? true : an_fail_errno(err, "writing %s", path);
}

static void add_header(an_buf *out, const an_table *t)
{
    for (size_t j = 0; j < t->columns; j++) {
        if (j) an_buf_putc(out, ',');
        an_csv_quote(out, t->column[j].name);
    }
    if (t->origin && t->origin_count) an_buf_puts(out, t->columns ? ",_generator,_seed,_row" : "_generator,_seed,_row");
    an_buf_putc(out, '\n');
}

void an_csv_text(const an_table *t, bool header, an_buf *out)
{
    an_buf scratch = { 0 };
    if (header) add_header(out, t);
    for (size_t i = 0; i < t->rows; i++) add_row(out, t, i, &scratch);
    an_buf_free(&scratch);
}

static bool write_rows(FILE *f, const an_table *t, const char *path, an_error *err)
{
    an_buf out = { 0 }, scratch = { 0 };
    add_header(&out, t);
    bool ok = true;
    for (size_t i = 0; ok && i < t->rows; i++) {
        add_row(&out, t, i, &scratch);
        if (out.size >= 1 << 18) ok = flush(f, &out, path, err);
    }
    ok = ok && flush(f, &out, path, err);
    if (ok && fflush(f)) ok = an_fail_errno(err, "writing %s", path);
    an_buf_free(&out);
    an_buf_free(&scratch);
    return ok;
}

static bool sync_folder(const char *path, an_error *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = !slash ? an_strdup(".") : slash == path ? an_strdup("/") : an_strndup(path, (size_t)(slash - path));
    bool ok = an_folder_sync(folder, err);
    free(folder);
    return ok;
}

bool an_csv_write(const an_table *t, const char *path, an_error *err)
{
    if (!strcmp(path, "-")) return write_rows(stdout, t, "standard output", err);
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
    bool ok = write_rows(f, t, path, err);
    if (ok && plain && fsync(fd)) ok = an_fail_errno(err, "writing %s", path);
    if (fclose(f) && ok) ok = an_fail_errno(err, "writing %s", path);
    if (ok && plain && rename(temporary, path)) ok = an_fail_errno(err, "%s: cannot be replaced", path);
    if (!ok && plain) unlink(temporary);
    if (ok && plain) ok = sync_folder(path, err);
    free(temporary);
    return ok;
}
