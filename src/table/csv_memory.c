/* csv_memory.c - whether a table fits into memory, asked before its cells are allocated: a machine that swaps is worse than a refusal. */
#include "csv_impl.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* The number behind `key` in a file of lines "key   123 kB", or the first number of it (key NULL); NAN: none. */
static double number_in(const char *path, const char *key)
{
    FILE *f = fopen(path, "re");
    char line[256];
    double value = NAN;
    while (f && fgets(line, sizeof line, f)) {
        size_t n = key ? strlen(key) : 0;
        if (key && strncmp(line, key, n)) continue;
        char *end;
        double read = strtod(line + n, &end);
        if (end > line + n) value = read;
        break;
    }
    if (f) fclose(f);
    return value;
}

static double least(double a, double b)
{
    return isnan(b) || (!isnan(a) && a < b) ? a : b;
}

double an__memory_available(void)
{
    double free_bytes = number_in("/proc/meminfo", "MemAvailable:") * 1024;
    /* pages of files that a container holds can be given back, as on the machine itself */
    double limit = number_in("/sys/fs/cgroup/memory.max", NULL), used = number_in("/sys/fs/cgroup/memory.current", NULL);
    double files = number_in("/sys/fs/cgroup/memory.stat", "file "), held = number_in("/sys/fs/cgroup/memory.stat", "shmem ");
    if (!isnan(limit) && !isnan(used)) free_bytes = least(free_bytes, limit - used + (isnan(files) || isnan(held) ? 0 : files - held));
    struct rlimit space;
    if (!getrlimit(RLIMIT_AS, &space) && space.rlim_cur != RLIM_INFINITY) {
        double pages = number_in("/proc/self/statm", NULL);
        free_bytes = least(free_bytes, (double)space.rlim_cur - (isnan(pages) ? 0 : pages * (double)sysconf(_SC_PAGESIZE)));
    }
    return free_bytes;
}

bool an__csv_enough_memory(const an__csv_reader *r, size_t rows, an_error *err)
{
    double bytes = 0;
    for (size_t j = 0; j < r->columns; j++) { /* text: its code or offset and a few bytes */
        an__csv_kind kind = r->column[j].kind;
        bytes += kind == KIND_BOOLEAN ? 1 : kind == KIND_STRING ? 12 : 8;
    }
    double need = bytes * (double)rows;
    if (need < 64e6) return true;
    double available = an__memory_available();
    if (isnan(available) || need < 0.9 * available) return true;
    an_fail(err, AN_MEMORY, "%zu rows x %zu columns x %.1f bytes a cell are %.1f GB, and %.1f GB of memory are free", rows, r->columns,
            bytes / (double)r->columns, need / 1e9, available > 0 ? available / 1e9 : 0);
    return an_hint(err,
                   "--sample %.0f draws that many rows evenly while reading; or aggregate the table where it is made, or read it in parts",
                   available > 0 ? floor(0.4 * available / bytes / 1000) * 1000 : 1000.0);
}
