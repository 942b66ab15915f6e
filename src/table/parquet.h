/* parquet.h - what the files of the Parquet reader and writer share (Apache Parquet format 2.10, parquet.thrift; Thrift compact protocol).
 */
#ifndef ANDON_TABLE_PARQUET_H
#define ANDON_TABLE_PARQUET_H

#include "impl.h"

/* Sizes that a file claims are believed up to this many bytes, and beyond it up to AN__PARQUET_RATIO times the bytes that are there. */
#define AN__PARQUET_BOMB (UINT64_C(1) << 30)
#define AN__PARQUET_RATIO 1000

an_table *an__parquet_decode(const uint8_t *bytes, size_t n, const char *what, uint64_t bomb, an_job *job, an_error *err);
bool an__parquet_looks_like(const char *bytes, size_t n);

/* ---- numbers of the format ---- */

enum { PARQUET_BOOLEAN, PARQUET_INT32, PARQUET_INT64, PARQUET_INT96, PARQUET_FLOAT, PARQUET_DOUBLE, PARQUET_BYTES, PARQUET_FIXED };
enum { PARQUET_REQUIRED, PARQUET_OPTIONAL, PARQUET_REPEATED };
enum { /* encodings */
       PARQUET_PLAIN = 0,
       PARQUET_PLAIN_DICTIONARY = 2,
       PARQUET_RLE = 3,
       PARQUET_BIT_PACKED = 4,
       PARQUET_DELTA = 5,
       PARQUET_DELTA_LENGTH = 6,
       PARQUET_DELTA_BYTES = 7,
       PARQUET_DICTIONARY = 8,
       PARQUET_SPLIT = 9
};
enum { PARQUET_UNCOMPRESSED, PARQUET_SNAPPY, PARQUET_GZIP, PARQUET_LZO, PARQUET_BROTLI, PARQUET_LZ4, PARQUET_ZSTD, PARQUET_LZ4_RAW };
enum { PARQUET_DATA_PAGE, PARQUET_INDEX_PAGE, PARQUET_DICTIONARY_PAGE, PARQUET_DATA_PAGE_V2 };

/* ---- parquet_thrift.c: the compact protocol ---- */

enum {
    THRIFT_TRUE = 1,
    THRIFT_FALSE,
    THRIFT_BYTE,
    THRIFT_I16,
    THRIFT_I32,
    THRIFT_I64,
    THRIFT_DOUBLE,
    THRIFT_BINARY,
    THRIFT_LIST,
    THRIFT_SET,
    THRIFT_MAP,
    THRIFT_STRUCT
};

typedef struct an__thrift { /* a reader; bad: the bytes make no sense, and everything reads as zero or end from then on */
    const uint8_t *p, *end;
    bool bad;
} an__thrift;

typedef struct an__thrift_field {
    int id, type; /* id 0 before the first */
} an__thrift_field;

bool an__thrift_next(an__thrift *r, an__thrift_field *f);             /* false: the structure ends (or is bad) */
int64_t an__thrift_integer(an__thrift *r, const an__thrift_field *f); /* of fields of type byte to i64; bad otherwise */
bool an__thrift_boolean(an__thrift *r, const an__thrift_field *f);
bool an__thrift_bytes(an__thrift *r, const an__thrift_field *f, const uint8_t **bytes, size_t *n);
size_t an__thrift_list(an__thrift *r, const an__thrift_field *f, int element); /* number of elements, each of them of at least a byte */
bool an__thrift_is(an__thrift *r, const an__thrift_field *f, int type);        /* bad when it is not */
void an__thrift_skip(an__thrift *r, const an__thrift_field *f);
uint64_t an__varint(const uint8_t **p, const uint8_t *end, bool *bad);
static inline int64_t an__zigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

typedef struct an__thrift_writer {
    an_buf *out;
    int last[16], depth;
} an__thrift_writer;

void an__put_varint(an_buf *out, uint64_t v);
void an__put_integer(an__thrift_writer *w, int id, int type, int64_t v);
void an__put_boolean(an__thrift_writer *w, int id, bool v);
void an__put_bytes(an__thrift_writer *w, int id, const void *bytes, size_t n);
void an__put_list(an__thrift_writer *w, int id, int element, size_t n); /* elements follow; structures by an__put_struct(w, 0) */
void an__put_list_integer(an__thrift_writer *w, int64_t v);
void an__put_list_bytes(an__thrift_writer *w, const void *bytes, size_t n);
void an__put_struct(an__thrift_writer *w, int id); /* id 0: a list element or the outermost */
void an__put_end(an__thrift_writer *w);

/* ---- parquet_meta.c: footer and page headers ---- */

typedef enum an__parquet_means { /* how a physical value is understood */
                                 MEANS_PLAIN,
                                 MEANS_TEXT,
                                 MEANS_UNSIGNED,
                                 MEANS_DATE,
                                 MEANS_MILLIS, /* since 1970 */
                                 MEANS_MICROS,
                                 MEANS_NANOS,
                                 MEANS_TIME_MILLIS, /* of day */
                                 MEANS_TIME_MICROS,
                                 MEANS_TIME_NANOS,
                                 MEANS_DECIMAL,
                                 MEANS_FLOAT16,
                                 MEANS_UUID,
                                 MEANS_NOTHING, /* all missing */
                                 MEANS_OTHER,   /* not understood */
} an__parquet_means;

typedef struct an__parquet_column {
    char *name;
    int type, repetition, children;
    size_t width; /* bytes of PARQUET_FIXED */
    int scale;
    an__parquet_means means;
} an__parquet_column;

typedef struct an__parquet_chunk {
    int type, codec;
    int64_t values, packed, data_at, dictionary_at; /* dictionary_at 0: none */
    bool elsewhere, encrypted;
} an__parquet_chunk;

typedef struct an__parquet_group {
    int64_t rows;
    an__parquet_chunk *chunk;
    size_t chunks;
} an__parquet_group;

typedef struct an__parquet_meta {
    int64_t rows;
    an__parquet_column *column; /* [0] is the root */
    size_t columns;
    an__parquet_group *group;
    size_t groups;
    json_t *andon; /* what an_parquet_write left; NULL: another writer */
} an__parquet_meta;

bool an__parquet_read_meta(const uint8_t *bytes, size_t n, const char *what, an__parquet_meta *m, an_error *err);
void an__parquet_free_meta(an__parquet_meta *m);

typedef struct an__parquet_page {
    int kind; /* PARQUET_DATA_PAGE ... */
    int64_t unpacked, packed;
    int64_t values, missing; /* missing: v2 only */
    int encoding, level_encoding;
    int64_t definition_bytes, repetition_bytes; /* v2 */
    bool compressed;                            /* v2 */
    bool has_crc;
    uint32_t crc;
} an__parquet_page;

/* Reads the header at *p and moves *p behind it. */
bool an__parquet_read_page(const uint8_t **p, const uint8_t *end, an__parquet_page *page);

/* ---- parquet_codec.c: packed bytes ---- */

const char *an__parquet_codec_name(int codec);
/* Fills exactly `size` bytes at out; AN_INPUT when they do not come out, or the codec is none of ours. */
bool an__parquet_unpack(int codec, const uint8_t *bytes, size_t n, uint8_t *out, size_t size, an_error *err);
bool an__snappy_unpack(const uint8_t *p, size_t n, uint8_t *out, size_t size);

/* ---- parquet_encoding.c: values from pages and into them ---- */

typedef struct an__slice {
    const uint8_t *bytes;
    size_t n;
} an__slice;

/* `count` values of `width` bits (0 to 32) as a mix of runs and bit-packed groups; false: damaged. */
bool an__hybrid_decode(const uint8_t *p, const uint8_t *end, int width, size_t count, uint32_t *out);
void an__hybrid_encode(const uint32_t *values, size_t count, int width, an_buf *out);
/* DELTA_BINARY_PACKED; *p moves behind it. */
bool an__delta_decode(const uint8_t **p, const uint8_t *end, size_t count, int64_t *out);
bool an__delta_length_decode(const uint8_t *p, const uint8_t *end, size_t count, int64_t *scratch, an__slice *out);
/* prefix_scratch and length_scratch: count each; the texts are built in arena, which out points into. */
bool an__delta_bytes_decode(const uint8_t *p, const uint8_t *end, size_t count, int64_t *scratch, uint64_t limit, uint8_t **arena,
                            an__slice *out, an_error *err);
bool an__plain_bytes_decode(const uint8_t *p, const uint8_t *end, size_t count, an__slice *out);
bool an__split_decode(const uint8_t *p, const uint8_t *end, size_t count, size_t width, uint8_t *out);

#endif
