/* table_join.c - seconds to join two tables by a text key: the best of N. usage: bench_table_join ROWS THREADS [N]
 * Both tables hold every key once, in different orders; the left one has two columns beside the key, the right one three (a number, a whole
 * number, a text). */
#include "andon/table.h"

#include <stdlib.h>

static an_table *made(size_t rows, uint64_t seed, const char *first, const char *second, const char *third)
{
    an_error err = { 0 };
    an_table *t = an_table_new(rows);
    an_rng r = an_rng_at(seed, 0);
    size_t *order = an_alloc_n(rows + 1, sizeof *order);
    for (size_t i = 0; i < rows; i++) order[i] = i;
    an_rng_shuffle(&r, order, rows);
    for (int k = 0; k < (third ? 4 : 3); k++) {
        bool text = k == 0 || k == 3;
        an_column *c = an_table_add(t,
                                    k == 0   ? "serial"
                                    : k == 1 ? first
                                    : k == 2 ? second
                                             : third,
                                    text     ? AN_TEXT
                                    : k == 1 ? AN_REAL
                                             : AN_INTEGER,
                                    &err);
        an_buf bytes = { 0 };
        for (size_t i = 0; i < rows; i++) {
            if (text) {
                an_buf_printf(&bytes, k ? "note %zu" : "SN%010zu", order[i] * 7919);
                c->text.offset[i + 1] = bytes.size;
            } else if (k == 1) {
                c->real[i] = an_rng_uniform(&r);
            } else {
                c->integer[i] = (int64_t)an_rng_below(&r, 1000000);
            }
            an_set_valid(c, i);
        }
        if (text) c->text.bytes = bytes.data;
    }
    free(order);
    return t;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s ROWS THREADS [N]\n", argv[0]);
        return 2;
    }
    size_t rows = strtoul(argv[1], NULL, 10);
    int repeats = argc > 3 ? atoi(argv[3]) : 3;
    an_pool *pool = an_pool_new(atoi(argv[2]));
    an_job_options job_options = { .pool = pool, .seed = 1 };
    an_job *job = an_job_new(&job_options);
    an_table *a = made(rows, 1, "force", "count", NULL), *b = made(rows, 2, "torque", "angle", "note");
    an_join_options o = { 0 };
    an_params_defaults(an_join_params, &o);
    o.on = an_strdup("serial");
    double best = 0;
    size_t joined = 0;
    for (int i = 0; i < repeats; i++) {
        an_error err = { 0 };
        json_t *report = NULL;
        double start = an_clock_s();
        an_table *t = an_table_join((const an_table *const[]){ a, b }, (const char *const[]){ "press", "test" }, 2, &o, &report, job, &err);
        double seconds = an_clock_s() - start;
        if (!t) {
            fprintf(stderr, "%s\n", err.message);
            return 1;
        }
        joined = t->rows;
        an_table_free(t);
        json_decref(report);
        if (!i || seconds < best) best = seconds;
    }
    printf("{\"seconds\": %.4f, \"rows\": %zu}\n", best, joined);
    an_params_free(an_join_params, &o);
    an_table_free(a);
    an_table_free(b);
    an_job_free(job);
    an_pool_free(pool);
    return 0;
}
