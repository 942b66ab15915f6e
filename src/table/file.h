/* file.h - the layout of table.bin, shared by file_save.c and file_load.c.
 *
 *   0   64 bytes   magic "ANDONTBL", u32 version, u32 sections, u64 rows, u64 columns, u64 bytes of the file, u64 hash of the directory,
 * zeroes 64  32 a section   u32 kind, u32 column, u64 offset, u64 bytes, u64 hash of the bytes then the sections, each at a multiple of 64,
 * gaps zero. Little-endian. Hashes: SipHash-2-4 under the room's fixed key (against damage; against malice stands the content address of
 * the artifact). Names, types and roles are in schema.json. */
#ifndef ANDON_TABLE_FILE_H
#define ANDON_TABLE_FILE_H

#include "impl.h"

enum { AN__TABLE_VERSION = 1, AN__TABLE_ALIGN = 64 };

typedef enum an__section_kind {
    SECTION_CELLS = 1,   /* rows cells; of text rows + 1 offsets */
    SECTION_VALID,       /* bitmap; absent: all valid */
    SECTION_TEXT,        /* bytes of a text column */
    SECTION_NAMES,       /* bytes of a dictionary, one name after another */
    SECTION_NAME_OFFSET, /* count + 1 offsets */
    SECTION_ORIGIN,      /* column 0: u32 a row */
    SECTION_ORIGIN_ROW,  /* column 0: u64 a row */
} an__section_kind;

typedef struct an__table_header {
    char magic[8];
    uint32_t version, sections;
    uint64_t rows, columns, bytes, directory_hash;
    uint8_t zero[16];
} an__table_header;

typedef struct an__table_section {
    uint32_t kind, column;
    uint64_t offset, bytes, hash;
} an__table_section;

_Static_assert(sizeof(an__table_header) == 64 && sizeof(an__table_section) == 32, "the layout of table.bin");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "table.bin is little-endian");

/* Checks everything; verify false leaves the hashes out (for the fuzzer, which could not guess them). */
an_table *an__table_decode(const uint8_t *bytes, size_t n, const json_t *schema, bool verify, const char *what, an_error *err);

#endif
