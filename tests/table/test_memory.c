/* Peak memory of reading a file stays under three times the table (plus a fixed buffer), measured in a child process. */
#include "help.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

enum { FIXED_KB = 12 << 10 };

/* Reads path in a child; the growth of its peak resident set in KB, and the bytes of the table. */
static void measure(const char *path, long *peak_kb, size_t *table_bytes)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        struct rusage before, after;
        long answer[2] = { -1, 0 };
        getrusage(RUSAGE_SELF, &before);
        an_table *t = an_csv_read(path, NULL, NULL, NULL, NULL);
        getrusage(RUSAGE_SELF, &after);
        if (t) {
            answer[0] = after.ru_maxrss - before.ru_maxrss;
            answer[1] = (long)an_table_bytes(t);
        }
        _exit(write(ends[1], answer, sizeof answer) == sizeof answer ? 0 : 1);
    }
    long answer[2] = { -1, 0 };
    close(ends[1]);
    assert_int_equal(read(ends[0], answer, sizeof answer), sizeof answer);
    close(ends[0]);
    int status;
    waitpid(child, &status, 0);
    assert_true(answer[0] >= 0);
    *peak_kb = answer[0];
    *table_bytes = (size_t)answer[1];
}

static void check(const char *path, const char *what)
{
    long peak_kb;
    size_t bytes;
    measure(path, &peak_kb, &bytes);
    print_message("%s: table %zu KB, peak %ld KB, %.2f times\n", what, bytes >> 10, peak_kb, (double)peak_kb * 1024 / (double)bytes);
    if ((size_t)peak_kb > 3 * (bytes >> 10) + FIXED_KB) fail_msg("%s: peak %ld KB for a table of %zu KB", what, peak_kb, bytes >> 10);
}

static void write_text(const char *path, const an_buf *text, bool gzip)
{
    if (!gzip) {
        assert_true(an_file_write(path, text->data, text->size, NULL));
        return;
    }
    gzFile z = gzopen(path, "wb1");
    for (size_t at = 0; at < text->size;) {
        unsigned n = text->size - at > 1 << 20 ? 1 << 20 : (unsigned)(text->size - at);
        assert_int_equal(gzwrite(z, text->data + at, n), (int)n);
        at += n;
    }
    gzclose(z);
}

static void test_memory(void **state)
{
    (void)state;
#ifdef ANDON_SANITIZED
    skip(); /* the sanitizers hold memory back */
#endif
    char path[] = "/tmp/andon-memory-XXXXXX";
    int fd = mkstemp(path);
    close(fd);
    for (int kind = 0; kind < 4; kind++) {
        /* numbers; numbers gzipped; long category names (the file is much larger than the table); texts that look like numbers at first */
        static const char *const names[] = { "numbers", "numbers, gzip", "categories", "late texts" };
        pid_t writer = fork(); /* so that the text does not count in this process's peak */
        assert_true(writer >= 0);
        if (!writer) {
            an_buf text = { 0 };
            an_rng rng = an_rng_at(1, (uint64_t)kind);
            an_buf_puts(&text, "a,b,c,d\n");
            for (int i = 0; text.size < 30 << 20; i++) {
                uint32_t r = an_rng_u32(&rng) % 100000;
                if (kind < 2) {
                    an_buf_printf(&text, "%u.%u,%u,%d.125,%u\n", r, r, r, i, r % 7);
                } else if (kind == 2) {
                    an_buf_printf(&text, "a long name of a station of the line %u,%u,another rather long name of a thing %u,%u\n", r % 50,
                                  r % 9, r % 20, r % 2);
                } else {
                    an_buf_printf(&text, i < 100000 ? "%u,%u,%u,%u\n" : "serial %u %u,%u,%u x,%u\n", r, r, r, r, r);
                }
            }
            write_text(path, &text, kind == 1);
            _exit(0);
        }
        int status;
        waitpid(writer, &status, 0);
        assert_int_equal(status, 0);
        check(path, names[kind]);
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_memory) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
