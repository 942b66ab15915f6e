/* serve_journal.c - any bytes as a file of the journal: read to the first record that is not sound, never beyond. Where the first byte is
 * odd, the rest is taken as payloads (two bytes of length each) that get a right frame, so that what is behind the checksum is reached,
 * too.
 */
#include "serve/journal_file.h"

#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool see(void *context, const an__journal_seen *v, an_error *err)
{
    (void)err;
    double *sum = context;
    for (size_t i = 0; i < v->rows * v->features; i++) *sum += v->values[i];
    for (size_t i = 0; i < v->rows; i++) *sum += v->score[i];
    return true;
}

static void frame(an_buf *b, const uint8_t *data, size_t size)
{
    static const char head[AN__JOURNAL_START] = AN__JOURNAL_MAGIC;
    an_buf_add(b, head, sizeof head);
    while (size > 2) {
        size_t n = data[0] + 256u * data[1];
        data += 2;
        size -= 2;
        if (n > size) n = size;
        uint32_t two[2] = { (uint32_t)n, (uint32_t)crc32_z(0, data, n) };
        an_buf_add(b, two, sizeof two);
        an_buf_add(b, data, n);
        data += n;
        size -= n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[] = "/tmp/andon-fuzz-journal-XXXXXX";
    static int fd = -1;
    if (fd < 0) {
        fd = mkstemp(path);
        if (fd < 0) abort();
    }
    an_buf b = { 0 };
    if (size && data[0] & 1)
        frame(&b, data + 1, size - 1);
    else
        an_buf_add(&b, data, size);
    if (ftruncate(fd, 0) || pwrite(fd, b.data ? b.data : "", b.size, 0) != (ssize_t)b.size) abort();
    uint64_t good, records = 0;
    double sum = 0;
    an__journal_read_file(path, see, &sum, &good, &records, NULL);
    if (good > b.size) abort();
    an_buf_free(&b);
    return 0;
}
