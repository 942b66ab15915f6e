/* table_file.c - any bytes as a saved table. Input: one byte (0: hashes are checked), two bytes length of the schema, the schema,
 * table.bin. */
#include "table/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3) return 0;
    size_t schema_bytes = data[1] | (size_t)data[2] << 8;
    if (schema_bytes > size - 3) return 0;
    an_error err = { 0 };
    json_t *schema = an_json_parse((const char *)data + 3, schema_bytes, "schema", &err);
    if (!schema) return 0;
    an_table *t = an__table_decode(data + 3 + schema_bytes, size - 3 - schema_bytes, schema, data[0] == 0, "fuzz", &err);
    if (t && t->rows < 1000000) { /* what was accepted can be read */
        an_buf text = { 0 };
        for (size_t j = 0; j < t->columns; j++) {
            for (size_t i = 0; i < t->rows; i++) an_cell_text(&t->column[j], i, &text);
            an_buf_clear(&text);
        }
        an_buf_free(&text);
    }
    an_table_free(t);
    json_decref(schema);
    return 0;
}
