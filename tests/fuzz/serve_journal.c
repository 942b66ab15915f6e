/* serve_journal.c - any bytes as a file of the journal: read to the first record that is not sound, never beyond. */
#include "serve/journal_file.h"

#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool see(void *context, const an__journal_seen *v, an_error *err)
{
    (void)err;
    double *sum = context;
    for (size_t i = 0; i < v->rows * v->features; i++) *sum += v->values[i];
    for (size_t i = 0; i < v->rows; i++) *sum += v->score[i];
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[] = "/tmp/andon-fuzz-journal-XXXXXX";
    static int fd = -1;
    if (fd < 0) {
        fd = mkstemp(path);
        if (fd < 0) abort();
    }
    if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size) abort();
    uint64_t good, records = 0;
    double sum = 0;
    an__journal_read_file(path, see, &sum, &good, &records, NULL);
    if (good > size) abort();
    return 0;
}
