/* table_csv.c - any bytes as a CSV file: read, or refused with a message; the columns hold what they say, and rows left out and drawn add
 * up. */
#include "andon/table.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) return 0;
    char comma[] = ",", dot[] = ".", semicolon[] = ";", latin[] = "latin-1", date[] = "%d.%m.%Y %H:%M", excel[] = "excel",
         utf16[] = "utf-16";
    an_csv_options o = { 0 };
    unsigned flags = data[0]; /* the first byte chooses options */
    o.no_header = flags & 1;
    if (flags & 2) o.delimiter = semicolon;
    if (flags & 4) o.decimal = comma;
    if (flags & 8 && flags & 4) o.thousands = dot;
    if (flags & 16) o.encoding = flags & 64 ? utf16 : latin;
    if (flags & 32) o.date_format = flags & 64 ? excel : date;
    o.sample = flags & 128 ? 3 : 0;
    if (flags & 64) o.units_row = flags & 1 ? false : flags & 2;
    if ((flags & 65) == 64) o.header_row = 1 + (flags >> 2 & 3);
    an_error err = { 0 };
    an_csv_dialect d;
    an_table *t = an_csv_parse((const char *)data + 1, size - 1, "fuzz", &o, &d, NULL, &err);
    if (!t) {
        if (err.code == AN_OK || !err.message[0]) abort(); /* refused without a word */
        return 0;
    }
    an_buf text = { 0 };
    for (size_t j = 0; j < t->columns; j++) {
        const an_column *c = &t->column[j];
        size_t missing = 0;
        for (size_t i = 0; i < t->rows; i++) {
            missing += !an_valid(c, i);
            an_cell_text(c, i, &text);
        }
        if (missing != c->missing) abort();
        an_buf_clear(&text);
    }
    an_buf_free(&text);
    if (o.sample && t->rows > 3) abort();
    an_list notes = { 0 };
    an_table_codes(t, &notes);
    if (t->columns) {
        an_roles roles = { .target = t->column[t->columns - 1].name };
        an_table_assign(t, &roles, &notes, &err);
        an_split s;
        if (an_split_make(t, NULL, &s, &err)) an_split_free(&s);
    }
    an_list_free(&notes);
    an_table_free(t);
    return 0;
}
