/* test_journal.c - what was written is read back to the bit; torn and altered ends are cut; a full disk loses what it must and says so. */
#include "serve/infer_testing.h"
#include "serve/journal_file.h"
#include "serve/server.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static an_model *model;
static an__served served[2];
static size_t d;

static int set_up(void **state)
{
    (void)state;
    model = mixed_model();
    d = model->prep->columns;
    for (int i = 0; i < 2; i++)
        served[i] =
            (an__served){ .name = (char *)(i ? "other" : "press"), .version = i + 1, .model = model, .features = d, .unapproved = i };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    an_model_free(model);
    return 0;
}

static char *fresh_folder(void)
{
    char text[] = "/tmp/andon-journal-XXXXXX";
    assert_non_null(mkdtemp(text));
    for (int i = 0; i < 2; i++) served[i].journal_segment = 0;
    return an_strdup(text);
}

static an__journal *open_journal(const char *folder, size_t segment)
{
    an_error err = { 0 };
    an__journal *j = an__journal_new(&(an__journal_options){ .folder = folder, .segment_bytes = segment }, &err);
    if (!j) fail_msg("%s", err.message);
    return j;
}

/* Verdict number i has i % 3 + 1 rows whose values tell i. */
static void verdict(an__journal *j, size_t i)
{
    double values[64], score[3];
    char request[32];
    size_t rows = i % 3 + 1;
    assert_true(rows * d <= AN_COUNT(values));
    for (size_t k = 0; k < rows * d; k++) values[k] = k % 7 == 3 ? NAN : (double)i + (double)k / 1e3 * (k % 2 ? -1 : 1);
    for (size_t k = 0; k < rows; k++) score[k] = 1.0 / (double)(i + k + 3);
    snprintf(request, sizeof request, "r-%zu", i);
    an__journal_add(j, &(an__verdict){ .served = &served[i % 2],
                                       .request = request,
                                       .part = i % 5 == 0 ? "A1#2" : NULL,
                                       .time_us = (int64_t)i * 1000,
                                       .latency_ms = (double)i / 8,
                                       .rows = rows,
                                       .values = values,
                                       .score = score });
}

typedef struct reader {
    size_t count, next; /* next: the number the next record must have; SIZE_MAX: any that is larger */
    size_t last;
} reader;

static bool same_bits(double a, double b)
{
    return !memcmp(&a, &b, sizeof a) || (isnan(a) && isnan(b));
}

static bool check(void *context, const an__journal_seen *v, an_error *err)
{
    (void)err;
    reader *r = context;
    size_t i = (size_t)strtoull(v->request + 2, NULL, 10);
    if (r->next != SIZE_MAX) assert_int_equal(i, r->next);
    assert_int_equal(v->rows, i % 3 + 1);
    assert_int_equal(v->features, d);
    assert_string_equal(an_json_string(v->model, "name", ""), i % 2 ? "other" : "press");
    assert_int_equal(json_integer_value(json_object_get(v->model, "version")), i % 2 + 1);
    assert_true(an_json_number(json_object_get(v->model, "threshold"), NAN) == model->threshold.value);
    assert_string_equal(v->part, i % 5 == 0 ? "A1#2" : "");
    assert_int_equal(v->time_us, (int64_t)i * 1000);
    assert_true(v->latency_ms == (double)i / 8);
    for (size_t k = 0; k < v->rows * d; k++)
        assert_true(same_bits(v->values[k], k % 7 == 3 ? NAN : (double)i + (double)k / 1e3 * (k % 2 ? -1 : 1)));
    for (size_t k = 0; k < v->rows; k++) assert_true(same_bits(v->score[k], 1.0 / (double)(i + k + 3)));
    r->last = i;
    r->count++;
    if (r->next != SIZE_MAX) r->next++;
    return true;
}

static reader read_all(const char *folder, size_t *torn)
{
    reader r = { 0 };
    an_error err = { 0 };
    uint64_t records = 0;
    if (!an__journal_read(folder, check, &r, &records, torn, &err)) fail_msg("%s", err.message);
    assert_int_equal(records, r.count);
    return r;
}

static char *only_file(const char *folder)
{
    an_list names = { 0 };
    assert_true(an_folder_list(folder, &names, NULL));
    assert_int_equal(names.count, 1);
    char *path = an_path_join(folder, names.items[0]);
    an_list_free(&names);
    return path;
}

/* Without the syncs of an_file_write: thousands of times. */
static void overwrite(const char *at, const void *bytes, size_t n)
{
    int fd = open(at, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    close(fd);
}

static void done(char *folder)
{
    an_folder_remove(folder, NULL);
    free(folder);
}

static void test_written_is_read(void **state)
{
    (void)state;
    char *folder = fresh_folder();
    an__journal *j = open_journal(folder, 0);
    for (size_t i = 0; i < 100; i++) {
        verdict(j, i);
        if (i % 7 == 0) assert_true(an__journal_flush(j));
    }
    an__journal_free(j); /* flushes the rest */
    size_t torn;
    assert_int_equal(read_all(folder, &torn).count, 100);
    assert_int_equal(torn, 0);
    done(folder);
}

static void test_many_files_in_order(void **state)
{
    (void)state;
    char *folder = fresh_folder();
    an__journal *j = open_journal(folder, 8000);
    for (size_t i = 0; i < 300; i++) {
        verdict(j, i);
        assert_true(an__journal_flush(j));
    }
    an__journal_facts f;
    an__journal_facts_get(j, &f);
    assert_int_equal(f.records, 300);
    assert_int_equal(f.lost, 0);
    an__journal_free(j);
    an_list names = { 0 };
    assert_true(an_folder_list(folder, &names, NULL));
    assert_true(names.count > 3);
    an_list_free(&names);
    assert_int_equal(read_all(folder, NULL).count, 300);
    done(folder);
}

/* A file that a dead writer left: cut after its last whole record, wherever the crash cut it. */
static void test_a_clock_that_was_set_back(void **state)
{
    (void)state;
    char *folder = fresh_folder();
    an__journal *j = open_journal(folder, 0);
    for (size_t i = 0; i < 10; i++) verdict(j, i);
    an__journal_free(j);
    char *path = only_file(folder), *later = an_format("%s/%016llx-77.anj", folder, (unsigned long long)an_now_us() + 3600000000u);
    assert_int_equal(rename(path, later), 0); /* as if it had been made before the clock went back an hour */
    for (int i = 0; i < 2; i++) served[i].journal_segment = 0;
    j = open_journal(folder, 3000);
    for (size_t i = 10; i < 60; i++) {
        verdict(j, i);
        an__journal_flush(j);
    }
    an__journal_free(j);
    size_t torn;
    reader r = read_all(folder, &torn); /* checks that each number follows the one before */
    assert_int_equal(r.count, 60);
    assert_int_equal(torn, 0);
    free(path);
    free(later);
    done(folder);
}

static void test_torn_ends_are_cut(void **state)
{
    (void)state;
    char *folder = fresh_folder(), *empty = fresh_folder();
    an__journal *j = open_journal(folder, 0);
    for (size_t i = 0; i < 3; i++) verdict(j, i);
    an__journal_free(j);
    char *path = only_file(folder);
    an_buf bytes = { 0 };
    assert_true(an_file_read(path, 0, &bytes, NULL));
    size_t before = SIZE_MAX;
    for (size_t n = bytes.size; n-- > 0;) {
        if (n < bytes.size - 40 && n > 40 && n % 11) continue; /* each cut is synced to the disk */
        char *torn_path = an_path_join(empty, "0000000000000001-1.open"), *closed = an_path_join(empty, "0000000000000001-1.anj");
        overwrite(torn_path, bytes.data, n);
        size_t files;
        uint64_t cut;
        an_error err = { 0 };
        if (!an__journal_repair(empty, &files, &cut, &err)) fail_msg("%zu bytes: %s", n, err.message);
        assert_int_equal(files, 1);
        assert_false(an_file_exists(torn_path));
        size_t torn;
        reader r = read_all(empty, &torn);
        assert_int_equal(torn, 0);
        assert_true(r.count <= before && r.count < 3);
        before = r.count;
        struct stat st;
        if (n >= AN__JOURNAL_START) {
            assert_int_equal(stat(closed, &st), 0);
            assert_int_equal((uint64_t)st.st_size + cut, n);
        } else {
            assert_int_not_equal(stat(closed, &st), 0);
        }
        unlink(closed);
        free(torn_path);
        free(closed);
    }
    assert_int_equal(before, 0);
    an_buf_free(&bytes);
    free(path);
    done(folder);
    done(empty);
}

/* No altered byte is ever read as a verdict. */
static void test_altered_bytes_end_a_file(void **state)
{
    (void)state;
    char *folder = fresh_folder();
    an__journal *j = open_journal(folder, 0);
    for (size_t i = 0; i < 3; i++) verdict(j, i);
    an__journal_free(j);
    char *path = only_file(folder);
    an_buf bytes = { 0 };
    assert_true(an_file_read(path, 0, &bytes, NULL));
    for (size_t at = AN__JOURNAL_START; at < bytes.size; at++) {
        bytes.data[at] ^= 0x10;
        overwrite(path, bytes.data, bytes.size);
        bytes.data[at] ^= 0x10;
        size_t torn;
        assert_true(read_all(folder, &torn).count < 3);
        assert_int_equal(torn, 1);
    }
    bytes.data[0] = 'X';
    overwrite(path, bytes.data, bytes.size);
    an_error err = { 0 };
    assert_false(an__journal_read(folder, NULL, NULL, NULL, NULL, &err));
    assert_int_equal(err.code, AN_CORRUPT);
    an_buf_free(&bytes);
    free(path);
    done(folder);
}

static void test_a_living_writer_is_left_alone(void **state)
{
    (void)state;
    char *folder = fresh_folder();
    an__journal *j = open_journal(folder, 0);
    verdict(j, 0);
    assert_true(an__journal_flush(j));
    size_t files;
    assert_true(an__journal_repair(folder, &files, NULL, NULL));
    assert_int_equal(files, 0);
    assert_int_equal(read_all(folder, NULL).count, 1); /* readers may look meanwhile */
    verdict(j, 1);
    an__journal_free(j);
    assert_int_equal(read_all(folder, NULL).count, 2);
    done(folder);
}

static void test_a_full_disk(void **state)
{
    (void)state;
    char *folder = fresh_folder();
    signal(SIGXFSZ, SIG_IGN);
    an__journal *j = open_journal(folder, 0);
    struct rlimit before, small = { 20000, RLIM_INFINITY };
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (size_t i = 0; i < 200; i++) {
        verdict(j, i);
        an__journal_flush(j);
    }
    an__journal_facts full, after;
    an__journal_facts_get(j, &full);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(full.lost > 0 && full.records > 10);
    assert_int_equal(full.lost + full.records, 200);
    assert_non_null(strstr(full.why, "journal"));
    for (size_t i = 200; i < 210; i++) {
        verdict(j, i);
        assert_true(an__journal_flush(j));
    }
    an__journal_facts_get(j, &after);
    assert_int_equal(after.lost, full.lost);
    assert_int_equal(after.records, full.records + 10);
    an__journal_free(j);
    reader r = { .next = SIZE_MAX };
    size_t torn;
    assert_true(an__journal_read(folder, check, &r, NULL, &torn, NULL));
    assert_int_equal(r.count, after.records);
    assert_int_equal(r.last, 209);
    assert_int_equal(torn, 0);
    done(folder);
}

/* kill -9 of a writer: whatever it had said was written is there. */
static void test_a_killed_writer(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        char *folder = fresh_folder();
        int said[2];
        assert_int_equal(pipe(said), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (!pid) {
            close(said[0]);
            an__journal *j = an__journal_new(&(an__journal_options){ .folder = folder, .segment_bytes = 30000 }, NULL);
            for (size_t i = 0; j; i++) {
                verdict(j, i);
                if (!an__journal_flush(j) || write(said[1], &i, sizeof i) != sizeof i) break;
            }
            _exit(1);
        }
        close(said[1]);
        usleep(30000 + 20000 * (useconds_t)round);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        size_t last = 0, i, count = 0;
        while (read(said[0], &i, sizeof i) == sizeof i) {
            last = i;
            count++;
        }
        close(said[0]);
        assert_true(count > 0);
        an_error err = { 0 };
        if (!an__journal_repair(folder, NULL, NULL, &err)) fail_msg("%s", err.message);
        size_t torn;
        reader r = read_all(folder, &torn);
        assert_int_equal(torn, 0);
        assert_true(r.count >= last + 1);
        done(folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_is_read),
        cmocka_unit_test(test_many_files_in_order),
        cmocka_unit_test(test_a_clock_that_was_set_back),
        cmocka_unit_test(test_torn_ends_are_cut),
        cmocka_unit_test(test_altered_bytes_end_a_file),
        cmocka_unit_test(test_a_living_writer_is_left_alone),
        cmocka_unit_test(test_a_full_disk),
        cmocka_unit_test(test_a_killed_writer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
