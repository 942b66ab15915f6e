/* serve_infer.c - one row of 66 numbers from bytes to verdict, part by part: decoding (rows, v2, raw tensors), scoring, encoding.
 * Everything runs in one thread on one request at a time, as a server meets them; each line is the best of several rounds in nanoseconds a
 * request.
 *
 * Usage: bench_serve_infer
 */
#include "serve/infer.h"

#include <stdlib.h>
#include <string.h>

enum { FEATURES = 66, TRAIN = 2000, BODIES = 64, ROUNDS = 15, CALLS = 4000 };

static double sink;

static an_table *table(void)
{
    an_error err = { 0 };
    an_table *t = an_table_new(TRAIN);
    an_rng rng = an_rng_at(1, 1);
    char name[32];
    for (int j = 0; j < FEATURES; j++) {
        snprintf(name, sizeof name, "press_force_%d", j + 1);
        an_column *c = an_table_add(t, name, AN_REAL, &err);
        for (size_t i = 0; i < TRAIN; i++) {
            c->real[i] = 20 + 5 * an_rng_normal(&rng);
            an_set_valid(c, i);
        }
    }
    an_column *c = an_table_add(t, "broken", AN_INTEGER, &err);
    c->role = AN_TARGET;
    for (size_t i = 0; i < TRAIN; i++) {
        c->integer[i] = an_rng_uniform(&rng) < (t->column[0].real[i] > 22 ? 0.4 : 0.1);
        an_set_valid(c, i);
    }
    t->positive = an_strdup("1");
    return t;
}

typedef struct bodies {
    an_buf rows[BODIES], v2[BODIES], matrix[BODIES], raw[BODIES];
    size_t raw_json[BODIES];
    const an_model *model;
    an_model *scored;
    an__infer infer;
    double values[BODIES * FEATURES], score[BODIES];
    an_buf out;
    size_t at;
} bodies;

static void build(bodies *b, const an_table *t)
{
    for (size_t i = 0; i < BODIES; i++) {
        an_buf_puts(&b->rows[i], "{");
        an_buf_puts(&b->v2[i], "{\"inputs\":[");
        an_buf_puts(&b->matrix[i], "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,66],\"datatype\":\"FP64\",\"data\":[");
        for (size_t j = 0; j < FEATURES; j++) {
            double x = b->values[i * FEATURES + j] = t->column[j].real[i];
            if (j) {
                an_buf_puts(&b->rows[i], ", ");
                an_buf_puts(&b->v2[i], ",");
                an_buf_puts(&b->matrix[i], ",");
            }
            char text[32];
            an_real_text(x, text);
            an_buf_printf(&b->rows[i], "\"%s\": %s", t->column[j].name, text);
            an_buf_printf(&b->v2[i], "{\"name\":\"%s\",\"shape\":[1,1],\"datatype\":\"FP64\",\"data\":[%s]}", t->column[j].name, text);
            an_buf_puts(&b->matrix[i], text);
        }
        an_buf_puts(&b->rows[i], "}");
        an_buf_puts(&b->v2[i], "]}");
        an_buf_puts(&b->matrix[i], "]}]}");
        an_buf_printf(&b->raw[i],
                      "{\"inputs\":[{\"name\":\"input\",\"shape\":[1,66],\"datatype\":\"FP64\",\"parameters\":{\"binary_data_size\":%d}}],"
                      "\"parameters\":{\"binary_data_output\":true}}",
                      FEATURES * 8);
        b->raw_json[i] = b->raw[i].size;
        an_buf_add(&b->raw[i], b->values + i * FEATURES, FEATURES * 8); /* little-endian machines */
    }
}

static void check(bool ok, const an_error *err)
{
    if (ok) return;
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static size_t next(bodies *b)
{
    return b->at++ % BODIES;
}

static void decode_rows(bodies *b)
{
    size_t i = next(b);
    int status;
    an_error err;
    check(an__infer_read_rows(b->model, (an_span){ b->rows[i].data, b->rows[i].size }, NULL, &b->infer, &status, &err), &err);
}

static void decode_v2(bodies *b)
{
    size_t i = next(b);
    int status;
    an_error err;
    check(an__infer_read_v2(b->model, (an_span){ b->v2[i].data, b->v2[i].size }, SIZE_MAX, NULL, &b->infer, &status, &err), &err);
}

static void decode_matrix(bodies *b)
{
    size_t i = next(b);
    int status;
    an_error err;
    check(an__infer_read_v2(b->model, (an_span){ b->matrix[i].data, b->matrix[i].size }, SIZE_MAX, NULL, &b->infer, &status, &err), &err);
}

static void decode_raw(bodies *b)
{
    size_t i = next(b);
    int status;
    an_error err;
    an_span body = { b->raw[i].data, b->raw[i].size };
    check(an__infer_read_v2(b->model, body, b->raw_json[i], NULL, &b->infer, &status, &err), &err);
}

static void score_one(bodies *b)
{
    size_t i = next(b);
    an_error err;
    check(an_model_score_rows(b->scored, b->values + i * FEATURES, 1, &b->score[0], &err), &err);
}

static const an__infer_about about = { .name = "press", .version = 3, .request = "01JD3Y5QZ8W9N4T2K7M6X0ABCD" };

static void encode_rows(bodies *b)
{
    an_buf_clear(&b->out);
    an__infer_write_rows(b->model, &b->infer, b->score, &about, &b->out);
    sink += (double)b->out.size;
}

static void encode_v2(bodies *b)
{
    an_buf_clear(&b->out);
    sink += (double)an__infer_write_v2(b->model, &b->infer, b->score, &about, &b->out);
}

static void whole_rows(bodies *b)
{
    an_error err;
    decode_rows(b);
    check(an_model_score_rows(b->scored, b->infer.values, b->infer.rows, b->score, &err), &err);
    encode_rows(b);
}

static void whole_raw(bodies *b)
{
    an_error err;
    decode_raw(b);
    check(an_model_score_rows(b->scored, b->infer.values, b->infer.rows, b->score, &err), &err);
    encode_v2(b);
}

static void measure(bodies *b, const char *name, void (*call)(bodies *b))
{
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double start = an_clock_s();
        for (int i = 0; i < CALLS; i++) call(b);
        double ns = (an_clock_s() - start) / CALLS * 1e9;
        if (ns < best) best = ns;
    }
    printf("{\"bench\":\"serve_infer\",\"case\":\"%s\",\"ours\":%.0f,\"unit\":\"ns\"}\n", name, best);
}

int main(void)
{
    an_error err = { 0 };
    an_table *t = table();
    bodies *b = an_alloc(sizeof *b);
    b->scored = an_model_fit(t, an_predictor_kind_find("logistic", &err), NULL, NULL, NULL, &err);
    check(b->scored != NULL, &err);
    b->model = b->scored;
    build(b, t);
    measure(b, "score one row of 66 numbers", score_one);
    measure(b, "read rows form (1.9 KB)", decode_rows);
    measure(b, "write rows form", encode_rows);
    measure(b, "read v2, 66 inputs (5.6 KB)", decode_v2);
    measure(b, "read v2, one matrix of text", decode_matrix);
    measure(b, "read v2, one raw matrix", decode_raw);
    measure(b, "write v2 raw", encode_v2);
    measure(b, "rows form, bytes to bytes", whole_rows);
    measure(b, "raw v2, bytes to bytes", whole_raw);
    return sink < 0;
}
