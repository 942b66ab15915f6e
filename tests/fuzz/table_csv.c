/* table_csv.c - any bytes as a CSV file: read, or refused with a message; what was read can be written and read again. */
#include "andon/table.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) return 0;
    char comma[] = ",", dot[] = ".", semicolon[] = ";", latin[] = "latin-1", date[] = "%d.%m.%Y %H:%M";
    an_csv_options o = { 0 };
    unsigned flags = data[0]; /* the first byte chooses options */
    o.no_header = flags & 1;
    if (flags & 2) o.delimiter = semicolon;
    if (flags & 4) o.decimal = comma;
    if (flags & 8 && flags & 4) o.thousands = dot;
    if (flags & 16) o.encoding = latin;
    if (flags & 32) o.date_format = date;
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
    an_list notes = { 0 };
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
