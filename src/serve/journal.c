/* journal.c - writes every verdict to the journal before its answer leaves: one write(2) for all that a turn of the loop brought, fdatasync
 * in a thread. A disk that is full or broken does not stop the line: what could not be written is counted, and said by /metrics and health.
 */
#include "serve/journal_file.h"
#include "serve/server.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

struct an__journal {
    an__journal_options o;
    char *folder, *open_path, *closed_path;
    int fd;                        /* -1: none could be made */
    uint64_t end;                  /* bytes of the file that are whole records */
    uint32_t segment;              /* number of the file, from 1; models are described once a file */
    uint32_t models, models_whole; /* described in this file; of them, written */
    an_buf pending;
    uint64_t pending_records, number; /* number: of the last record that was added */
    an__journal_facts facts;
    double tried; /* when a file was tried to be made last */
    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    uint64_t written, synced, syncs;
    int sync_fd, *retired; /* the current file; those that are full: synced and closed by the thread */
    size_t retired_count;
    bool stop, sync_failed;
    char sync_why[200];
};

static void failed(an__journal *j, const char *what, int code, uint64_t records)
{
    j->facts.lost += records;
    snprintf(j->facts.why, sizeof j->facts.why, "%s: %s", what, strerror(code));
}

/* ---- files ---- */

/* Files are read in the order of their names: a new one comes behind those that are there, also when the clock was set back. */
static int64_t segment_start(const an__journal *j)
{
    an_list names = { 0 };
    int64_t now = an_now_us();
    if (!an_folder_list(j->folder, &names, NULL)) return now;
    for (size_t i = 0; i < names.count; i++) {
        char *end;
        long long start = strtoll(names.items[i], &end, 16);
        if (end == names.items[i] + 16 && *end == '-' && start >= now) now = start + 1;
    }
    an_list_free(&names);
    return now;
}

static bool segment_new(an__journal *j, an_error *err)
{
    int64_t now = segment_start(j);
    free(j->open_path);
    free(j->closed_path);
    j->open_path = an_format("%s/%016llx-%ld.open", j->folder, (unsigned long long)now, (long)getpid());
    j->closed_path = an_format("%s/%016llx-%ld.anj", j->folder, (unsigned long long)now, (long)getpid());
    int fd = open(j->open_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    char head[AN__JOURNAL_START];
    memcpy(head, AN__JOURNAL_MAGIC, 8);
    memcpy(head + 8, &now, 8);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) || write(fd, head, sizeof head) != sizeof head) {
        int code = errno ? errno : ENOSPC;
        if (fd >= 0) {
            unlink(j->open_path);
            close(fd);
        }
        errno = code;
        return an_fail_errno(err, "making the journal's file %s", j->open_path);
    }
    j->fd = fd;
    j->end = AN__JOURNAL_START;
    j->segment++;
    j->models = j->models_whole = 0;
    pthread_mutex_lock(&j->lock);
    j->sync_fd = fd;
    pthread_mutex_unlock(&j->lock);
    return true;
}

static void segment_end(an__journal *j)
{
    if (j->fd < 0) return;
    rename(j->open_path, j->closed_path);
    pthread_mutex_lock(&j->lock);
    j->retired = an_resize_n(j->retired, j->retired_count + 1, sizeof *j->retired);
    j->retired[j->retired_count++] = j->fd;
    j->sync_fd = -1;
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
    j->fd = -1;
}

/* ---- the thread that syncs ---- */

typedef struct note {
    an__journal *journal;
    uint64_t upto;
} note;

static void tell(void *context)
{
    note *n = context;
    n->journal->o.synced(n->journal->o.context, n->upto);
    free(n);
}

static void sync_files(an__journal *j, uint64_t upto, int fd, int *retired, size_t count)
{
    int code = 0;
    for (size_t i = 0; i < count; i++) {
        if (fdatasync(retired[i])) code = errno;
        close(retired[i]);
    }
    free(retired);
    if (fd >= 0) {
        if (fdatasync(fd)) code = errno;
        close(fd);
    }
    pthread_mutex_lock(&j->lock);
    j->synced = upto;
    j->syncs++;
    if (code) {
        j->sync_failed = true;
        snprintf(j->sync_why, sizeof j->sync_why, "fdatasync: %s", strerror(code));
    }
    bool waiting = j->o.synced && !j->stop;
    pthread_mutex_unlock(&j->lock);
    if (waiting) {
        note *n = an_alloc(sizeof *n);
        *n = (note){ j, upto };
        an_loop_post(j->o.loop, tell, n);
    }
}

static void *run(void *context)
{
    an__journal *j = context;
    pthread_mutex_lock(&j->lock);
    for (;;) {
        while (!j->stop && j->written == j->synced && !j->retired_count) pthread_cond_wait(&j->wake, &j->lock);
        if (j->written == j->synced && !j->retired_count) break;
        uint64_t upto = j->written;
        int fd = j->sync_fd < 0 ? -1 : fcntl(j->sync_fd, F_DUPFD_CLOEXEC, 3), *retired = j->retired;
        size_t count = j->retired_count;
        j->retired = NULL;
        j->retired_count = 0;
        bool rest = !j->o.durable && !j->stop;
        pthread_mutex_unlock(&j->lock);
        sync_files(j, upto, fd, retired, count);
        if (rest) nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL); /* five times a second is enough where nobody waits */
        pthread_mutex_lock(&j->lock);
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

/* ---- making ---- */

an__journal *an__journal_new(const an__journal_options *o, an_error *err)
{
    if (!an_folder_make(o->folder, err) || !an__journal_repair(o->folder, NULL, NULL, err)) return NULL;
    an__journal *j = an_alloc(sizeof *j);
    j->o = *o;
    if (!j->o.segment_bytes) j->o.segment_bytes = 64u << 20;
    j->folder = an_strdup(o->folder);
    j->fd = j->sync_fd = -1;
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->wake, NULL);
    int code = 0;
    if (segment_new(j, err) && !(code = pthread_create(&j->thread, NULL, run, j))) {
        j->running = true;
        return j;
    }
    if (code) an_fail(err, AN_FAILED, "starting a thread: %s", strerror(code));
    an__journal_free(j);
    return NULL;
}

/* ---- records ---- */

static void record(an__journal *j, const void *head, size_t head_size, const struct an_buf *parts, size_t count)
{
    uint32_t frame[2] = { (uint32_t)head_size, 0 };
    uLong crc = crc32(0, head, (uInt)head_size);
    for (size_t i = 0; i < count; i++) {
        if (!parts[i].size) continue;
        frame[0] += (uint32_t)parts[i].size;
        crc = crc32_z(crc, (const Bytef *)parts[i].data, parts[i].size);
    }
    frame[1] = (uint32_t)crc;
    an_buf_add(&j->pending, frame, sizeof frame);
    an_buf_add(&j->pending, head, head_size);
    for (size_t i = 0; i < count; i++)
        if (parts[i].size) an_buf_add(&j->pending, parts[i].data, parts[i].size);
}

static void describe(an__journal *j, an__served *v)
{
    const an_model *m = v->model;
    json_t *features = json_array();
    for (size_t i = 0; i < v->features; i++) {
        const an_prep_column *c = &m->prep->column[i];
        json_t *f = json_pack("{s:s, s:s}", "name", c->name, "type", an_type_name(c->type));
        if (c->dictionary.count) {
            json_t *names = json_array();
            for (int32_t k = 0; k < c->dictionary.count; k++) json_array_append_new(names, json_string(c->dictionary.names[k]));
            json_object_set_new(f, "categories", names);
        }
        json_array_append_new(features, f);
    }
    char hex[65];
    an_hash_hex(&v->address, hex);
    json_t *all = json_pack("{s:I, s:s, s:I, s:s, s:o, s:s, s:s, s:b, s:o}", "index", (json_int_t)j->models, "name", v->name, "version",
                            (json_int_t)v->version, "address", hex, "threshold", an_json_real(m->threshold.value), "positive", m->positive,
                            "negative", m->negative, "unapproved", v->unapproved, "features", features);
    char *text = an_json_text(all, false);
    uint8_t kind = AN__JOURNAL_MODEL;
    record(j, &kind, 1, &(an_buf){ .data = text, .size = strlen(text) }, 1);
    free(text);
    json_decref(all);
    v->journal_segment = j->segment;
    v->journal_index = j->models++;
}

uint64_t an__journal_add(an__journal *j, const an__verdict *v)
{
    if (j->end + j->pending.size > j->o.segment_bytes && j->fd >= 0) {
        an__journal_flush(j);
        segment_end(j);
    }
    if (j->fd < 0 && an_clock_s() - j->tried > 1) { /* the disk was full, or the file is */
        an_error err = { 0 };
        if (!segment_new(j, &err)) {
            snprintf(j->facts.why, sizeof j->facts.why, "%.200s", err.message);
            j->tried = an_clock_s();
        }
    }
    if (j->fd < 0) {
        j->facts.lost++;
        return ++j->number;
    }
    if (v->served->journal_segment != j->segment) describe(j, v->served);
    size_t d = v->served->features;
    an__journal_head head = { .kind = AN__JOURNAL_VERDICT,
                              .unapproved = v->served->unapproved,
                              .request_size = (uint16_t)strlen(v->request),
                              .part_size = (uint16_t)(v->part ? strlen(v->part) : 0),
                              .model = v->served->journal_index,
                              .rows = (uint32_t)v->rows,
                              .features = (uint32_t)d,
                              .time_us = v->time_us,
                              .latency_ms = v->latency_ms };
    an_buf parts[] = { { .data = (char *)(uintptr_t)v->score, .size = v->rows * sizeof *v->score },
                       { .data = (char *)(uintptr_t)v->values, .size = v->rows * d * sizeof *v->values },
                       { .data = (char *)(uintptr_t)v->request, .size = head.request_size },
                       { .data = (char *)(uintptr_t)v->part, .size = head.part_size } };
    record(j, &head, sizeof head, parts, AN_COUNT(parts));
    j->pending_records++;
    return ++j->number;
}

bool an__journal_flush(an__journal *j)
{
    if (!j->pending.size) return true;
    size_t done = 0;
    int code = 0;
    while (j->fd >= 0 && done < j->pending.size) {
        ssize_t n = write(j->fd, j->pending.data + done, j->pending.size - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            code = n < 0 ? errno : ENOSPC;
            break;
        }
        done += (size_t)n;
    }
    bool ok = j->fd >= 0 && done == j->pending.size;
    if (ok) {
        j->end += done;
        j->models_whole = j->models;
        j->facts.records += j->pending_records;
        j->facts.bytes += done;
    } else {
        failed(j, "writing the journal", code, j->pending_records);
        /* back to the last whole record; where that fails, too, the file ends here and its reader cuts it */
        if (j->fd >= 0 && (ftruncate(j->fd, (off_t)j->end) || lseek(j->fd, (off_t)j->end, SEEK_SET) < 0)) segment_end(j);
        j->models = j->models_whole;
        j->segment++; /* models that were described in what is lost are described again */
    }
    an_buf_clear(&j->pending);
    if (j->pending.capacity > (4u << 20)) an_buf_free(&j->pending);
    j->pending_records = 0;
    pthread_mutex_lock(&j->lock);
    j->written = j->number;
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
    return ok;
}

void an__journal_facts_get(const an__journal *j, an__journal_facts *out)
{
    *out = j->facts;
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&j->lock;
    pthread_mutex_lock(lock);
    out->syncs = j->syncs;
    if (j->sync_failed && !out->why[0]) snprintf(out->why, sizeof out->why, "%s", j->sync_why);
    pthread_mutex_unlock(lock);
}

void an__journal_free(an__journal *j)
{
    if (!j) return;
    an__journal_flush(j);
    segment_end(j);
    if (j->running) {
        pthread_mutex_lock(&j->lock);
        j->stop = true;
        pthread_cond_signal(&j->wake);
        pthread_mutex_unlock(&j->lock);
        pthread_join(j->thread, NULL);
    }
    for (size_t i = 0; i < j->retired_count; i++) close(j->retired[i]);
    free(j->retired);
    an_buf_free(&j->pending);
    pthread_cond_destroy(&j->wake);
    pthread_mutex_destroy(&j->lock);
    free(j->folder);
    free(j->open_path);
    free(j->closed_path);
    free(j);
}
