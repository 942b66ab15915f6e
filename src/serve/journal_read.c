/* journal_read.c - reads the journal's files record by record, and cuts what a crash left torn. */
#include "serve/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

typedef struct reading {
    FILE *file;
    json_t *models; /* by index */
    char *payload;
    double *numbers; /* scores and values, aligned */
    size_t room, numbers_room;
    an__journal_reader reader;
    void *context;
} reading;

static bool take_model(reading *r, size_t n)
{
    json_t *m = an_json_parse(r->payload + 1, n - 1, "a model of the journal", NULL);
    if (!m || json_integer_value(json_object_get(m, "index")) != (json_int_t)json_array_size(r->models) ||
        !json_is_array(json_object_get(m, "features"))) {
        json_decref(m);
        return false;
    }
    json_array_append_new(r->models, m);
    return true;
}

/* *sound: the record is what it should be. False: the reader wants no more. */
static bool take_verdict(reading *r, size_t n, bool *sound, an_error *err)
{
    an__journal_head h;
    *sound = n >= sizeof h;
    if (!*sound) return true;
    memcpy(&h, r->payload, sizeof h);
    const json_t *model = json_array_get(r->models, h.model);
    uint64_t numbers = (uint64_t)h.rows * ((uint64_t)h.features + 1);
    *sound = model && json_array_size(json_object_get(model, "features")) == h.features &&
             n == sizeof h + numbers * sizeof(double) + h.request_size + h.part_size;
    if (!*sound || !r->reader) return true;
    if (r->numbers_room < numbers) {
        free(r->numbers);
        r->numbers_room = 0;
        r->numbers = an_alloc_data(numbers, sizeof(double), "rows of the journal", err);
        if (!r->numbers) return false;
        r->numbers_room = numbers;
    }
    if (numbers) memcpy(r->numbers, r->payload + sizeof h, numbers * sizeof(double));
    const char *texts = r->payload + sizeof h + numbers * sizeof(double);
    char *request = an_strndup(texts, h.request_size), *part = an_strndup(texts + h.request_size, h.part_size);
    bool ok = r->reader(r->context,
                        &(an__journal_seen){ .model = model,
                                             .time_us = h.time_us,
                                             .latency_ms = h.latency_ms,
                                             .request = request,
                                             .part = part,
                                             .rows = h.rows,
                                             .features = h.features,
                                             .score = r->numbers,
                                             .values = r->numbers + h.rows },
                        err);
    free(request);
    free(part);
    return ok;
}

bool an__journal_read_file(const char *path, an__journal_reader reader, void *context, uint64_t *good_bytes, uint64_t *records,
                           an_error *err)
{
    reading r = { .reader = reader, .context = context };
    char head[AN__JOURNAL_START];
    struct stat st;
    *good_bytes = 0;
    r.file = fopen(path, "rbe");
    if (!r.file || fstat(fileno(r.file), &st)) {
        bool gone = an_fail_errno(err, "reading %s", path);
        if (r.file) fclose(r.file);
        return gone;
    }
    if (fread(head, 1, sizeof head, r.file) != sizeof head) {
        fclose(r.file);
        return true; /* torn at its very start */
    }
    if (memcmp(head, AN__JOURNAL_MAGIC, 8)) {
        fclose(r.file);
        return an_fail(err, AN_CORRUPT, "%s is no journal of andon", path);
    }
    *good_bytes = sizeof head;
    r.models = json_array();
    bool ok = true;
    for (uint32_t frame[2]; ok && fread(frame, 1, sizeof frame, r.file) == sizeof frame;) {
        uint64_t left = (uint64_t)st.st_size - *good_bytes;
        if (!frame[0] || frame[0] > AN__JOURNAL_RECORD_MAX || frame[0] + sizeof frame > left) break;
        if (r.room < frame[0]) {
            free(r.payload);
            r.payload = an_alloc_data(frame[0], 1, "a record of the journal", err);
            r.room = r.payload ? frame[0] : 0;
            if (!(ok = r.payload != NULL)) break;
        }
        if (fread(r.payload, 1, frame[0], r.file) != frame[0] || crc32_z(0, (const Bytef *)r.payload, frame[0]) != frame[1]) break;
        bool sound = r.payload[0] == AN__JOURNAL_MODEL ? take_model(&r, frame[0]) : r.payload[0] == AN__JOURNAL_VERDICT;
        if (sound && r.payload[0] == AN__JOURNAL_VERDICT) {
            ok = take_verdict(&r, frame[0], &sound, err);
            if (ok && sound && records) ++*records;
        }
        if (!sound) break;
        *good_bytes += sizeof frame + frame[0];
    }
    fclose(r.file);
    json_decref(r.models);
    free(r.payload);
    free(r.numbers);
    return ok;
}

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n > m && !strcmp(name + n - m, end);
}

bool an__journal_read(const char *folder, an__journal_reader reader, void *context, uint64_t *records, size_t *torn, an_error *err)
{
    an_list names = { 0 };
    bool ok = !an_file_exists(folder) || an_folder_list(folder, &names, err);
    if (torn) *torn = 0;
    for (size_t i = 0; ok && i < names.count; i++) {
        if (!ends_in(names.items[i], ".anj") && !ends_in(names.items[i], ".open")) continue;
        char *path = an_path_join(folder, names.items[i]);
        uint64_t good = 0;
        struct stat st = { 0 };
        ok = an__journal_read_file(path, reader, context, &good, records, err);
        if (ok && torn && !stat(path, &st) && (uint64_t)st.st_size > good) ++*torn;
        free(path);
    }
    an_list_free(&names);
    return ok;
}

/* Takes over one file, unless its writer lives. */
static bool repair(const char *path, uint64_t *cut, bool *done, an_error *err)
{
    *done = false;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT || an_fail_errno(err, "opening %s", path);
    bool ok = true;
    if (!flock(fd, LOCK_EX | LOCK_NB)) {
        uint64_t good = 0;
        struct stat st;
        ok = an__journal_read_file(path, NULL, NULL, &good, NULL, err);
        if (ok && fstat(fd, &st)) ok = an_fail_errno(err, "reading %s", path);
        if (ok && (uint64_t)st.st_size > good) {
            *cut += (uint64_t)st.st_size - good;
            if (ftruncate(fd, (off_t)good) || fsync(fd)) ok = an_fail_errno(err, "cutting the torn end of %s", path);
        }
        char *closed = an_format("%.*s.anj", (int)(strlen(path) - 5), path);
        if (ok && good < AN__JOURNAL_START ? unlink(path) : ok && rename(path, closed)) ok = an_fail_errno(err, "closing %s", path);
        free(closed);
        *done = ok;
    }
    close(fd);
    return ok;
}

bool an__journal_repair(const char *folder, size_t *files, uint64_t *cut, an_error *err)
{
    an_list names = { 0 };
    uint64_t bytes = 0;
    size_t count = 0;
    bool ok = an_folder_list(folder, &names, err);
    for (size_t i = 0; ok && i < names.count; i++) {
        if (!ends_in(names.items[i], ".open")) continue;
        char *path = an_path_join(folder, names.items[i]);
        bool done;
        ok = repair(path, &bytes, &done, err);
        count += ok && done;
        free(path);
    }
    an_list_free(&names);
    if (files) *files = count;
    if (cut) *cut = bytes;
    return ok;
}
