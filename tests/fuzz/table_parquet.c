/* table_parquet.c - any bytes as a Parquet file: refused with a message, or a table whose cells keep what their types promise. */
#include "table/parquet.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    an_error err = { 0 };
    an_table *t = an__parquet_decode(data, size, "fuzz", 1 << 20, NULL, &err);
    if (!t) {
        if (err.code == AN_OK || !err.message[0]) abort();
        return 0;
    }
    an_buf text = { 0 };
    for (size_t j = 0; j < t->columns; j++) {
        const an_column *c = &t->column[j];
        size_t missing = 0;
        for (size_t i = 0; i < t->rows; i++) {
            bool valid = an_valid(c, i);
            missing += !valid;
            if (c->type == AN_REAL && isnan(c->real[i])) abort();
            if (c->type == AN_BOOLEAN && c->boolean[i] > 1) abort();
            if (c->type == AN_CATEGORY && (valid ? c->code[i] < 0 || c->code[i] >= c->dictionary.count : c->code[i] != -1)) abort();
            an_cell_text(c, i, &text);
            if (text.size > 1 << 20) an_buf_clear(&text);
        }
        if (missing != c->missing) abort();
    }
    if (text.size && !an__utf8_valid(text.data, text.size)) abort();
    an_buf_free(&text);
    an_table_free(t);
    return 0;
}
