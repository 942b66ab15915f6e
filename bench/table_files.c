/* table_files.c - seconds to read an Excel file into typed columns, to write them as Parquet and to read that again, one thread: the best
 * of N. usage: bench_table_files FILE.xlsx OUT.parquet [N] */
#include "andon/table.h"

#include <stdlib.h>

static int fail(const an_error *err)
{
    fprintf(stderr, "%s\n", err->message);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s FILE.xlsx OUT.parquet [N]\n", argv[0]);
        return 2;
    }
    int repeats = argc > 3 ? atoi(argv[3]) : 3;
    double best[3] = { 1e9, 1e9, 1e9 };
    size_t rows = 0, columns = 0;
    for (int i = 0; i < repeats; i++) {
        an_error err = { 0 };
        double at[4];
        at[0] = an_clock_s();
        an_table *t = an_table_read(argv[1], NULL, NULL, NULL, NULL, &err);
        at[1] = an_clock_s();
        if (!t || !an_parquet_write(t, argv[2], &err)) return fail(&err);
        at[2] = an_clock_s();
        an_table *again = an_parquet_read(argv[2], NULL, &err);
        at[3] = an_clock_s();
        if (!again) return fail(&err);
        rows = again->rows;
        columns = again->columns;
        an_table_free(t);
        an_table_free(again);
        for (int k = 0; k < 3; k++) {
            if (at[k + 1] - at[k] < best[k]) best[k] = at[k + 1] - at[k];
        }
    }
    printf("{\"read_xlsx\": %.4f, \"write_parquet\": %.4f, \"read_parquet\": %.4f, \"rows\": %zu, \"columns\": %zu}\n", best[0], best[1],
           best[2], rows, columns);
    return 0;
}
