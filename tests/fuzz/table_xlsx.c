/* table_xlsx.c - any bytes as an Excel file or, where the first byte says so, as the XML of a sheet: read or refused with a message. What
 * expat takes for XML the quick reader takes, too, and sees the same in it. */
#include "table/xlsx.h"

#include <stdlib.h>

typedef struct seen {
    bool ok;
    char *text;
    size_t n, lines;
} seen;

static seen read_xml(const uint8_t *data, size_t size, bool careful, an_error *err)
{
    an__xlsx_book book = {
        .bytes = (char[]){ "textlong" }, .offset = (uint64_t[]){ 0, 4, 8 }, .strings = 2, .kind = (uint8_t[]){ 0, 2, 3, 4, 1 }, .kinds = 5
    };
    an__xlsx_rows *rows = an_alloc(sizeof *rows);
    seen s = { 0 };
    rows->spool = open_memstream(&s.text, &s.n);
    s.ok = an__xlsx_read_sheet_bytes(&book, (const char *)data, size, careful, NULL, rows, err);
    s.lines = rows->lines;
    an__xlsx_free_rows(rows);
    free(rows);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const an__xlsx_limits limits = { .bytes = 1 << 20, .ratio = 100, .most = 8 << 20 };
    an_error err = { 0 };
    if (size < 2) return 0;
    if (data[0] & 1) {
        seen careful = read_xml(data + 1, size - 1, true, &err), quick = read_xml(data + 1, size - 1, false, &err);
        if (!quick.ok && !err.message[0]) abort();
        bool narrower = strstr(err.message, "nested too deeply") || strstr(err.message, "too many attributes");
        if (careful.ok && !narrower &&
            (!quick.ok || quick.lines != careful.lines || quick.n != careful.n || memcmp(quick.text, careful.text, quick.n)))
            abort();
        free(careful.text);
        free(quick.text);
        return 0;
    }
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    an_list notes = { 0 };
    bool ok = an__xlsx_convert((const char *)data + 1, size - 1, "fuzz", NULL, &limits, out, &notes, NULL, &err);
    if (!ok && (err.code == AN_OK || !err.message[0])) abort();
    an_list_free(&notes);
    fclose(out);
    free(text);
    return 0;
}
