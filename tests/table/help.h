/* help.h - what the tests of this room share. */
#ifndef TEST_TABLE_HELP_H
#define TEST_TABLE_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "andon/table.h"

#include <stdlib.h>
#include <string.h>

static inline an_table *parse(const char *text, const an_csv_options *options)
{
    an_error err = { 0 };
    an_table *t = an_csv_parse(text, strlen(text), "test.csv", options, NULL, NULL, &err);
    if (!t) fail_msg("%s", err.message);
    return t;
}

/* The text must be refused with `code`, and the message must contain every one of the parts. */
static inline void refuse_bytes(const char *text, size_t n, const an_csv_options *options, an_code code, const char *part1,
                                const char *part2)
{
    an_error err = { 0 };
    an_table *t = an_csv_parse(text, n, "test.csv", options, NULL, NULL, &err);
    if (t) fail_msg("accepted, where \"%s\" was expected", part1);
    if (err.code != code || !strstr(err.message, part1) || !strstr(err.message, part2)) {
        fail_msg("code %d message \"%s\" where \"%s\" and \"%s\" were expected", (int)err.code, err.message, part1, part2);
    }
    assert_string_equal(err.where, "test.csv");
}

static inline void refuse(const char *text, const an_csv_options *options, an_code code, const char *part1, const char *part2)
{
    refuse_bytes(text, strlen(text), options, code, part1, part2);
}

static inline an_column *column(const an_table *t, const char *name)
{
    an_column *c = an_table_find(t, name);
    if (!c) fail_msg("no column %s", name);
    return c;
}

/* Text of a cell in a static buffer. */
static inline const char *cell(const an_table *t, const char *name, size_t row)
{
    static char text[4][256];
    static int which;
    an_buf b = { 0 };
    an_cell_text(column(t, name), row, &b);
    which = (which + 1) % 4;
    snprintf(text[which], sizeof text[which], "%s", b.data ? b.data : "");
    an_buf_free(&b);
    return text[which];
}

/* A file of the shared data folder, new text; NULL where it is absent (the test skips). */
static inline char *data_file(const char *name)
{
    const char *folder = getenv("ANDON_DATA");
    char *path = folder ? an_path_join(folder, name) : an_path_join(AN_SOURCE_DIR "/../shared/data", name);
    if (!an_file_exists(path)) {
        free(path);
        return NULL;
    }
    return path;
}

#endif
