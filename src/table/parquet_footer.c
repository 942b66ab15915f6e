/* parquet_footer.c - the end of a Parquet file that is written here: schema, where chunks are, statistics, roles as key-value metadata. */
#include "parquet_writer.h"

#include <stdlib.h>
#include <string.h>

static int physical_type(an_type type)
{
    return type == AN_REAL                          ? PARQUET_DOUBLE
           : type == AN_BOOLEAN                     ? PARQUET_BOOLEAN
           : type == AN_CATEGORY || type == AN_TEXT ? PARQUET_BYTES
                                                    : PARQUET_INT64;
}

static void put_element(an__thrift_writer *t, const an_column *c, bool is_unsigned)
{
    an__put_struct(t, 0);
    an__put_integer(t, 1, THRIFT_I32, physical_type(c->type));
    an__put_integer(t, 3, THRIFT_I32, PARQUET_OPTIONAL);
    an__put_bytes(t, 4, c->name, strlen(c->name));
    if (c->type == AN_CATEGORY || c->type == AN_TEXT) {
        an__put_integer(t, 6, THRIFT_I32, 0); /* UTF8 */
        an__put_struct(t, 10);
        an__put_struct(t, 1); /* STRING */
        an__put_end(t);
        an__put_end(t);
    } else if (c->type == AN_DATETIME) {
        an__put_integer(t, 6, THRIFT_I32, 10); /* TIMESTAMP_MICROS */
        an__put_struct(t, 10);
        an__put_struct(t, 8);
        an__put_boolean(t, 1, true); /* UTC */
        an__put_struct(t, 2);
        an__put_struct(t, 2); /* micros */
        an__put_end(t);
        an__put_end(t);
        an__put_end(t);
        an__put_end(t);
    } else if (is_unsigned) {
        an__put_integer(t, 6, THRIFT_I32, 14); /* UINT_64 */
        an__put_struct(t, 10);
        an__put_struct(t, 10);
        an__put_integer(t, 1, THRIFT_BYTE, 64);
        an__put_boolean(t, 2, false);
        an__put_end(t);
        an__put_end(t);
    }
    an__put_end(t);
}

static void put_chunk_meta(an__thrift_writer *t, const an_column *c, const an__parquet_written *k, size_t values, bool is_unsigned)
{
    an__put_struct(t, 0);
    an__put_integer(t, 2, THRIFT_I64, (int64_t)(k->dictionary_at ? k->dictionary_at : k->data_at)); /* file_offset */
    an__put_struct(t, 3);
    an__put_integer(t, 1, THRIFT_I32, physical_type(c->type));
    an__put_list(t, 2, THRIFT_I32, c->type == AN_CATEGORY ? 3 : 2);
    an__put_list_integer(t, PARQUET_PLAIN);
    an__put_list_integer(t, PARQUET_RLE);
    if (c->type == AN_CATEGORY) an__put_list_integer(t, PARQUET_DICTIONARY);
    an__put_list(t, 3, THRIFT_BINARY, 1);
    an__put_list_bytes(t, c->name, strlen(c->name));
    an__put_integer(t, 4, THRIFT_I32, PARQUET_ZSTD);
    an__put_integer(t, 5, THRIFT_I64, (int64_t)values);
    an__put_integer(t, 6, THRIFT_I64, (int64_t)k->unpacked);
    an__put_integer(t, 7, THRIFT_I64, (int64_t)k->packed);
    an__put_integer(t, 9, THRIFT_I64, (int64_t)k->data_at);
    if (k->dictionary_at) an__put_integer(t, 11, THRIFT_I64, (int64_t)k->dictionary_at);
    an__put_struct(t, 12); /* statistics */
    an__put_integer(t, 3, THRIFT_I64, (int64_t)k->missing);
    if (k->has_range && !is_unsigned) {
        an__put_bytes(t, 5, k->high.data, k->high.size);
        an__put_bytes(t, 6, k->low.data, k->low.size);
    }
    an__put_end(t);
    an__put_end(t);
    an__put_end(t);
}

static json_t *beside(const an_table *t)
{
    json_t *columns = json_array();
    for (size_t j = 0; j < t->columns; j++) {
        const an_column *c = &t->column[j];
        json_array_append_new(columns, json_pack("{s:s, s:s, s:s, s:s*, s:s*, s:b, s:O*}", "name", c->name, "type", an_type_name(c->type),
                                                 "role", an_role_name(c->role), "unit", c->unit, "reason",
                                                 c->role == AN_IGNORED ? c->reason : NULL, "kept", (int)c->kept, "spec", c->spec));
    }
    return json_pack("{s:i, s:s*, s:o, s:O*}", "version", 1, "positive", t->positive, "columns", columns, "constraints", t->constraints);
}

bool an__parquet_put_footer(an__parquet_writer *w, const an_table *t, const an_column *const *column, size_t columns,
                            const an__parquet_written *chunks, an_error *err)
{
    an_buf out = { 0 };
    an__thrift_writer m = { .out = &out };
    size_t groups = (t->rows + AN__PARQUET_GROUP_ROWS - 1) / AN__PARQUET_GROUP_ROWS;
    json_t *roles = beside(t);
    if (!roles) return an_fail(err, AN_INPUT, "a name in the table is not UTF-8");
    char *text = an_json_text(roles, false);
    json_decref(roles);
    an__put_struct(&m, 0);
    an__put_integer(&m, 1, THRIFT_I32, 2);
    an__put_list(&m, 2, THRIFT_STRUCT, columns + 1);
    an__put_struct(&m, 0);
    an__put_bytes(&m, 4, "table", 5);
    an__put_integer(&m, 5, THRIFT_I32, (int64_t)columns);
    an__put_end(&m);
    for (size_t j = 0; j < columns; j++) put_element(&m, column[j], j > t->columns);
    an__put_integer(&m, 3, THRIFT_I64, (int64_t)t->rows);
    an__put_list(&m, 4, THRIFT_STRUCT, groups);
    for (size_t g = 0; g < groups; g++) {
        size_t rows =
            t->rows - g * AN__PARQUET_GROUP_ROWS < AN__PARQUET_GROUP_ROWS ? t->rows - g * AN__PARQUET_GROUP_ROWS : AN__PARQUET_GROUP_ROWS;
        const an__parquet_written *k = chunks + g * columns;
        uint64_t unpacked = 0, packed = 0;
        an__put_struct(&m, 0);
        an__put_list(&m, 1, THRIFT_STRUCT, columns);
        for (size_t j = 0; j < columns; j++) {
            put_chunk_meta(&m, column[j], &k[j], rows, j > t->columns);
            unpacked += k[j].unpacked;
            packed += k[j].packed;
        }
        an__put_integer(&m, 2, THRIFT_I64, (int64_t)unpacked);
        an__put_integer(&m, 3, THRIFT_I64, (int64_t)rows);
        an__put_integer(&m, 5, THRIFT_I64, (int64_t)(k[0].dictionary_at ? k[0].dictionary_at : k[0].data_at));
        an__put_integer(&m, 6, THRIFT_I64, (int64_t)packed);
        an__put_integer(&m, 7, THRIFT_I16, (int64_t)(g & 0x7fff));
        an__put_end(&m);
    }
    an__put_list(&m, 5, THRIFT_STRUCT, 1);
    an__put_struct(&m, 0);
    an__put_bytes(&m, 1, "andon", 5);
    an__put_bytes(&m, 2, text, strlen(text));
    an__put_end(&m);
    char *creator = an_format("andon version %s", an_version());
    an__put_bytes(&m, 6, creator, strlen(creator));
    an__put_list(&m, 7, THRIFT_STRUCT, columns); /* column orders: as the type says, without which nobody trusts the statistics */
    for (size_t j = 0; j < columns; j++) {
        an__put_struct(&m, 0);
        an__put_struct(&m, 1);
        an__put_end(&m);
        an__put_end(&m);
    }
    an__put_end(&m);
    bool ok = out.size <= INT32_MAX || an_fail(err, AN_INPUT, "the table has too many columns for a Parquet file");
    uint32_t size = (uint32_t)out.size;
    ok = ok && an__parquet_put(w, out.data, out.size, err) && an__parquet_put(w, &size, 4, err) && an__parquet_put(w, "PAR1", 4, err);
    an_buf_free(&out);
    free(creator);
    free(text);
    return ok;
}
