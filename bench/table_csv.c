/* table_csv.c - seconds to read a CSV file into typed columns, one thread: the best of N readings. usage: bench_table_csv FILE [N] */
#include "andon/table.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE [N]\n", argv[0]);
        return 2;
    }
    int repeats = argc > 2 ? atoi(argv[2]) : 3;
    double best = 0;
    size_t rows = 0, columns = 0;
    for (int i = 0; i < repeats; i++) {
        an_error err = { 0 };
        double start = an_clock_s();
        an_table *t = an_csv_read(argv[1], NULL, NULL, NULL, &err);
        double seconds = an_clock_s() - start;
        if (!t) {
            fprintf(stderr, "%s\n", err.message);
            return 1;
        }
        rows = t->rows;
        columns = t->columns;
        an_table_free(t);
        if (!i || seconds < best) best = seconds;
    }
    printf("{\"seconds\": %.4f, \"rows\": %zu, \"columns\": %zu}\n", best, rows, columns);
    return 0;
}
