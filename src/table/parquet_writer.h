/* parquet_writer.h - what the two files of the Parquet writer share. */
#ifndef ANDON_TABLE_PARQUET_WRITER_H
#define ANDON_TABLE_PARQUET_WRITER_H

#include "parquet.h"

#include <zstd.h>

enum { AN__PARQUET_GROUP_ROWS = 1 << 20 };

typedef struct an__parquet_written { /* one column in one row group, for the footer */
    uint64_t dictionary_at, data_at, packed, unpacked, missing;
    bool has_range;
    an_buf low, high;
} an__parquet_written;

typedef struct an__parquet_writer {
    FILE *f;
    const char *path;
    uint64_t at;
    ZSTD_CCtx *zstd;
    an_buf page, packed, header;
    uint32_t *levels, *codes;
} an__parquet_writer;

bool an__parquet_put(an__parquet_writer *w, const void *bytes, size_t n, an_error *err);
/* columns: those of the table, then those of the origin; chunks: columns a row group. */
bool an__parquet_put_footer(an__parquet_writer *w, const an_table *t, const an_column *const *column, size_t columns,
                            const an__parquet_written *chunks, an_error *err);

#endif
