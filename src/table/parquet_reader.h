/* parquet_reader.h - what the files share that turn the pages of one column into cells. */
#ifndef ANDON_TABLE_PARQUET_READER_H
#define ANDON_TABLE_PARQUET_READER_H

#include "csv_impl.h"
#include "parquet.h"

typedef enum an__parquet_sink { SINK_INTEGER, SINK_REAL, SINK_BOOLEAN, SINK_TIME, SINK_STRING, SINK_NONE } an__parquet_sink;

typedef struct an__parquet_reader {
    const an__parquet_column *about;
    an_table *table;
    an__parquet_sink sink;
    an_column out;         /* of numbers, times and booleans */
    an__csv_column string; /* of texts: the CSV reader's way of finding categories */
    const an__csv_format *format;
    size_t row;           /* the next */
    uint64_t *dictionary; /* converted cells */
    an__slice *dictionary_text;
    uint8_t *dictionary_bytes; /* which the slices point into */
    size_t dictionary_count;
    uint8_t *page_bytes; /* scratch memory, with its size */
    uint32_t *codes, *levels;
    uint64_t *cells;
    an__slice *slices;
    size_t page_room, codes_room, levels_room, cells_room, slices_room;
    uint64_t bomb;
    size_t file_bytes;
} an__parquet_reader;

/* ---- parquet_value.c: what values mean ---- */

an__parquet_sink an__parquet_sink_of(const an__parquet_column *c);
size_t an__parquet_value_bytes(const an__parquet_column *c); /* 0: no fixed size, or bits */
/* One value as a cell of 8 bytes, SINK_TIME: microseconds since 1970; false: out of range. */
bool an__parquet_convert_one(const an__parquet_column *c, const uint8_t *p, size_t n, uint64_t *cell);
/* `count` values of one size to cells. */
bool an__parquet_convert(const an__parquet_reader *r, const uint8_t *raw, size_t count, uint64_t *cells, an_error *err);
bool an__parquet_out_of_range(const an__parquet_reader *r, size_t value, an_error *err); /* always false */
bool an__parquet_damaged(an_error *err, const char *why);                                /* always false */

/* ---- parquet_page.c: pages into cells ---- */

/* All pages of a chunk; r->row moves behind its rows. */
bool an__parquet_read_chunk(an__parquet_reader *r, const uint8_t *bytes, size_t n, const an__parquet_group *g,
                            const an__parquet_chunk *chunk, an_job *job, an_error *err);
void an__parquet_drop_dictionary(an__parquet_reader *r);

#endif
