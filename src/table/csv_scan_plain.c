/* csv_scan_plain.c - counts what decides how a CSV file is read: line ends, quotes, bytes above 127, zero bytes. 16-byte vectors of
 * the compiler, so one source for SSE2 and NEON; several GB/s, far from being the bottleneck. */
#include "csv_impl.h"

typedef uint8_t vec __attribute__((vector_size(16)));

static size_t sum(vec v)
{
    size_t n = 0;
    for (int i = 0; i < 16; i++) n += v[i];
    return n;
}

void an__csv_count(const char *bytes, size_t n, an__csv_counts *out)
{
    size_t i = 0;
    vec any = { 0 }, zero = { 0 };
    while (n - i >= 16) {
        vec lines = { 0 }, quotes = { 0 }, returns = { 0 };
        for (int k = 0; k < 255 && n - i >= 16; k++, i += 16) { /* 255: the counters are bytes */
            vec v;
            memcpy(&v, bytes + i, 16);
            lines -= (vec)(v == '\n');
            quotes -= (vec)(v == '"');
            returns -= (vec)(v == '\r');
            any |= v;
            zero |= (vec)(v == 0);
        }
        out->lines += sum(lines);
        out->quotes += sum(quotes);
        out->returns += sum(returns);
    }
    for (int k = 0; k < 16; k++) {
        out->high |= any[k] >= 0x80;
        out->nul |= zero[k] != 0;
    }
    for (; i < n; i++) {
        out->lines += bytes[i] == '\n';
        out->quotes += bytes[i] == '"';
        out->returns += bytes[i] == '\r';
        out->high |= (unsigned char)bytes[i] >= 0x80;
        out->nul |= !bytes[i];
    }
}
