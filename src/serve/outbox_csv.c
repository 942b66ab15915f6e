/* outbox_csv.c - a drop folder: every batch becomes one CSV file, written under another name, synced, then renamed, so that whoever
 * watches the folder for *.csv never sees half a file. */
#include "serve/outbox.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct drop {
    char *folder, *prefix;
} drop;

static void cell(an_buf *out, const char *text)
{
    if (!text[strcspn(text, ",\"\r\n;")]) {
        an_buf_puts(out, text);
        return;
    }
    an_buf_putc(out, '"');
    for (; *text; text++) {
        if (*text == '"') an_buf_putc(out, '"');
        an_buf_putc(out, *text);
    }
    an_buf_putc(out, '"');
}

static void rows(const an__outbox_item *items, size_t count, an_buf *out)
{
    for (size_t f = 0; f < AN__OUTBOX_COLUMNS; f++) an_buf_printf(out, "%s%s", f ? "," : "", an__outbox_columns[f].name);
    an_buf_puts(out, "\n");
    an_buf text = { 0 };
    for (size_t i = 0; i < count; i++)
        for (size_t f = 0; f < AN__OUTBOX_COLUMNS; f++) {
            an_buf_clear(&text);
            an__outbox_field(&items[i], f, &text);
            if (f) an_buf_putc(out, ',');
            cell(out, text.size ? text.data : "");
            if (f + 1 == AN__OUTBOX_COLUMNS) an_buf_putc(out, '\n');
        }
    an_buf_free(&text);
}

static size_t drop_send(void *self, const an__outbox_item *items, size_t count, an_error *err)
{
    const drop *d = self;
    an_buf b = { 0 };
    rows(items, count, &b);
    /* "2026-03-01T12:00:00.5Z" of the first verdict: a name of its own even where a new workspace counts from 1 again */
    const char *when = json_string_value(json_object_get(items[0].verdict, "decided"));
    char stamp[40] = "";
    for (size_t n = 0; when && *when && n + 1 < sizeof stamp; when++)
        if (strchr("0123456789TZ", *when)) stamp[n++] = *when;
    char *name = an_format("%s-%s-%lld-%lld.csv", d->prefix, stamp, (long long)items[0].number, (long long)items[count - 1].number),
         *path = an_path_join(d->folder, name);
    bool ok = an_file_write(path, b.data, b.size, err);
    free(path);
    free(name);
    an_buf_free(&b);
    return ok ? count : 0;
}

static bool drop_check(void *self, an_error *err)
{
    const drop *d = self;
    return !access(d->folder, W_OK | X_OK) || an_fail_errno(err, "the drop folder %s", d->folder);
}

static void drop_free(void *self)
{
    drop *d = self;
    free(d->folder);
    free(d->prefix);
    free(d);
}

/* The folder is not made: where it is a share that is not there at the moment, verdicts would pile up beneath it unseen. */
bool an__channel_csv(const json_t *config, const char *workspace, an__channel *out, an_error *err)
{
    static const char *const known[] = { "folder", "prefix" };
    if (!an__channel_keys(config, "csv", known, AN_COUNT(known), err)) return false;
    const char *folder = an__channel_text(config, "csv", "folder", NULL, err);
    const char *prefix = folder ? an__channel_text(config, "csv", "prefix", "verdicts", err) : NULL;
    if (!prefix) return false;
    if (strchr(prefix, '/') || prefix[0] == '.')
        return an_fail(err, AN_INPUT, "outbox: csv: the prefix \"%.60s\" is no part of a name", prefix);
    drop *d = an_alloc(sizeof *d);
    *d = (drop){ .folder = an_path_join(workspace, folder), .prefix = an_strdup(prefix) };
    *out = (an__channel){ .send = drop_send, .check = drop_check, .free = drop_free, .self = d };
    return true;
}
