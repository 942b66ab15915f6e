/* Parquet files: those of pyarrow and DuckDB in every encoding (recorded by tests/reference/record_parquet.py), our own and back, the peers
 * where they are installed (parquet_peers.py), and what is refused. */
#include "help.h"

#include "table/parquet.h"

#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N = 60 };

static char *data_path(const char *name)
{
    return an_format("%s/tests/table/data/%s", AN_SOURCE_DIR, name);
}

static an_table *read_data(const char *name)
{
    char *path = data_path(name);
    an_error err = { 0 };
    an_table *t = an_parquet_read(path, NULL, &err);
    if (!t) fail_msg("%s", err.message);
    free(path);
    return t;
}

/* ---- files of others: row i holds what record_parquet.py says ---- */

static const char *const names[] = { "i8",   "u16",  "i32", "u32", "i64", "u64",   "f16",   "f32", "f64", "bool", "kind",
                                     "text", "date", "ms",  "us",  "ns",  "local", "clock", "d9",  "d30", "uuid", "none" };
static const int64_t start = INT64_C(1772348709123456), hour = INT64_C(3600000000), day = INT64_C(86400000000);

static double wanted_number(const char *name, int i)
{
    if (!strcmp(name, "i8")) return i - 30;
    if (!strcmp(name, "u16")) return 1000 * i;
    if (!strcmp(name, "i32")) return i * 1000003.0 - 20000000;
    if (!strcmp(name, "u32")) return 4294967295.0 - i;
    if (!strcmp(name, "i64")) return (i - 30) * 1e15;
    if (!strcmp(name, "u64")) return i;
    if (!strcmp(name, "f16")) return i / 8.0;
    if (!strcmp(name, "f32")) return i / 4.0;
    if (!strcmp(name, "f64")) return i / 7.0;
    if (!strcmp(name, "bool")) return i % 3 == 0;
    if (!strcmp(name, "date")) return (double)(INT64_C(1772323200000000) + (i - 30) * day);
    if (!strcmp(name, "ms")) return (double)(start - 456 + i * hour);
    if (!strcmp(name, "us") || !strcmp(name, "ns") || !strcmp(name, "local")) return (double)(start + i * hour);
    if (!strcmp(name, "clock")) return 7 * 3600 + i * 60 + 5.25;
    if (!strcmp(name, "d9")) return (i * 125 - 500) / 100.0;
    if (!strcmp(name, "d30")) return (i * 125 - 500) / 1000.0;
    return NAN;
}

static void check_recorded(const char *file, size_t columns)
{
    static const char *const kinds[] = { "M\xc3\xbcller", "Wei\xc3\x9f", "x" };
    an_table *t = read_data(file);
    assert_int_equal(t->rows, N);
    assert_int_equal(t->columns, columns);
    for (int j = 0; j < (int)AN_COUNT(names); j++) {
        const an_column *c = an_table_find(t, names[j]);
        if (!c) continue;
        columns--;
        for (int i = 0; i < N; i++) {
            char text[64];
            bool missing = (i + j) % 5 == 0 || !strcmp(names[j], "none");
            if (an_valid(c, (size_t)i) == missing) fail_msg("%s, column %s, row %d: missing or not", file, names[j], i);
            if (missing) continue;
            uint64_t low = (uint64_t)i * UINT64_C(0x1234567890abcdef),
                     high = (uint64_t)((unsigned __int128)i * UINT64_C(0x1234567890abcdef) >> 64);
            snprintf(text, sizeof text, "part %04d \xc3\xa9", i);
            if (!strcmp(names[j], "kind")) {
                assert_int_equal(c->type, AN_CATEGORY);
                assert_string_equal(cell(t, names[j], (size_t)i), kinds[i % 3]);
            } else if (!strcmp(names[j], "text")) {
                assert_int_equal(c->type, AN_TEXT);
                assert_string_equal(cell(t, names[j], (size_t)i), text);
            } else if (!strcmp(names[j], "uuid")) {
                snprintf(text, sizeof text, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32), (unsigned)(high >> 16 & 0xffff),
                         (unsigned)(high & 0xffff), (unsigned)(low >> 48), (unsigned long long)(low & UINT64_C(0xffffffffffff)));
                assert_string_equal(cell(t, names[j], (size_t)i), text);
            } else if (an_cell_number(c, (size_t)i) != wanted_number(names[j], i)) {
                fail_msg("%s, column %s, row %d: %.17g", file, names[j], i, an_cell_number(c, (size_t)i));
            }
        }
    }
    assert_int_equal(columns, 0); /* every column was compared */
    if (an_table_find(t, "clock")) assert_string_equal(column(t, "clock")->unit, "s");
    an_table_free(t);
}

static void test_recorded(void **state)
{
    (void)state;
    check_recorded("snappy_v1.parquet", AN_COUNT(names));
    check_recorded("zstd_v2.parquet", AN_COUNT(names));
    check_recorded("gzip_v2_dictionary.parquet", AN_COUNT(names));
    check_recorded("plain.parquet", AN_COUNT(names));
    check_recorded("encodings.parquet", 9);
    check_recorded("int96.parquet", 3);
}

static void test_required_and_duckdb(void **state)
{
    (void)state;
    an_table *t = read_data("required.parquet");
    for (size_t i = 0; i < N; i++) {
        char text[8];
        snprintf(text, sizeof text, "s%zu", i % 4);
        assert_int_equal(column(t, "n")->integer[i], i);
        assert_string_equal(cell(t, "s", i), text);
    }
    assert_null(column(t, "n")->valid);
    an_table_free(t);
    t = read_data("duckdb.parquet");
    for (int i = 0; i < N; i++) {
        char text[16];
        snprintf(text, sizeof text, "part %d", i);
        if (i % 5 != 0) assert_true(column(t, "i64")->integer[i] == (i - 30) * INT64_C(1000000000000000));
        if (i % 5 != 1) assert_true(column(t, "f64")->real[i] == i / 7.0);
        if (i % 5 != 3) assert_int_equal(column(t, "bool")->boolean[i], i % 3 == 0);
        if (i % 5 != 4) assert_true(column(t, "us")->integer[i] == start + i * hour);
        assert_string_equal(cell(t, "text", (size_t)i), text);
        assert_true(column(t, "quarter")->real[i] == i / 4.0);
        assert_true(an_valid(column(t, "i64"), (size_t)i) == (i % 5 != 0));
        assert_true(an_valid(column(t, "kind"), (size_t)i) == (i % 5 != 2));
    }
    an_table_free(t);
    t = read_data("duckdb_v2.parquet");
    for (int i = 0; i < N; i++) assert_true(column(t, "n")->integer[i] == i && column(t, "f64")->real[i] == i / 7.0);
    an_table_free(t);
}

static void refused(const char *name, const char *part)
{
    char *path = data_path(name);
    an_error err = { 0 };
    an_table *t = an_parquet_read(path, NULL, &err);
    if (t) fail_msg("%s was accepted, where \"%s\" was expected", name, part);
    if (err.code != AN_INPUT || !strstr(err.message, part) || !strstr(err.message, name))
        fail_msg("%s: \"%s\" where \"%s\" was expected", name, err.message, part);
    free(path);
}

static void test_refused(void **state)
{
    (void)state;
    refused("nested_list.parquet", "column curve is nested");
    refused("nested_struct.parquet", "column place is nested");
    refused("binary.parquet", "column bytes: row 1: the value is no UTF-8 text");
    refused("no_rows.parquet", "no row");
    refused("brotli.parquet", "column n: packed with brotli");
    refused("above.parquet", "9223372036854775813 is above");
    refused("by_hand.xlsx", "no Parquet file");
    an_error err = { 0 };
    assert_null(an__parquet_decode((const uint8_t *)"PAR1 of no use PARE", 19, "x", AN__PARQUET_BOMB, NULL, &err));
    assert_non_null(strstr(err.message, "encrypted"));
    an_table *t = an_table_new(2);
    an_column *c = an_table_add(t, "picture", AN_REAL, &err);
    c->type = AN_TENSOR;
    c->tensor = (an_tensor_layout){ .dtype = 1, .rank = 1, .shape = { 2 } };
    assert_false(an_parquet_write(t, "/nonexistent/x.parquet", &err));
    assert_int_equal(err.code, AN_INPUT);
    assert_non_null(strstr(err.message, "picture"));
    c->type = AN_REAL;
    assert_false(an_parquet_write(t, "/nonexistent/x.parquet", &err));
    assert_int_equal(err.code, AN_IO);
    an_table_free(t);
}

/* ---- our own and back ---- */

static char *temporary_folder(void)
{
    char *folder = an_strdup("/tmp/andon-parquet-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

/* Every type, a fifth of the cells missing, texts of all lengths. */
static an_table *make_table(size_t rows, uint64_t seed, bool origins)
{
    static const char *const kinds[] = { "Nord",
                                         "S\xc3\xbc"
                                         "d",
                                         "West, au\xc3\x9f"
                                         "en",
                                         "so \"genannt\"" };
    an_error err = { 0 };
    an_buf text = { 0 };
    an_rng r = an_rng_at(seed, 0);
    an_buf_puts(&text, "n,real,flag,when,kind,serial,whole,empty");
    an_buf_puts(&text, origins ? ",_generator,_seed,_row\n" : "\n");
    for (size_t i = 0; i < rows; i++) {
        char number[32], moment[32];
        uint64_t miss = an_rng_below(&r, 32); /* bits: column missing; each in half of the rows at most */
        if (an_rng_below(&r, 2)) miss = 0;
        if (!(miss & 1)) an_buf_printf(&text, "%lld", (long long)(int64_t)an_rng_u64(&r));
        an_buf_puts(&text, ",");
        if (!(miss & 2)) an_buf_puts(&text, an_real_text(an_rng_normal(&r) * 100, number));
        an_buf_puts(&text, ",");
        if (!(miss & 4)) an_buf_puts(&text, an_rng_below(&r, 3) ? "true" : "false");
        an_buf_puts(&text, ",");
        if (!(miss & 8)) an_buf_puts(&text, an_time_text(start + (int64_t)an_rng_below(&r, 1000000000000), moment));
        an_buf_puts(&text, ",");
        if (!(miss & 16)) an_csv_quote(&text, kinds[an_rng_below(&r, 4)]);
        an_buf_printf(&text, ",S%zu-%.*s,%zu,", i, (int)an_rng_below(&r, 20), "xxxxxxxxxxxxxxxxxxxx", i);
        if (origins) an_buf_printf(&text, i % 3 ? ",wgan/1,%llu,%zu" : ",,,", (unsigned long long)(i % 2 ? UINT64_MAX : 7), i);
        an_buf_puts(&text, "\n");
    }
    an_table *t = an_csv_parse(text.data, text.size, "made", NULL, NULL, NULL, &err);
    if (!t) fail_msg("%s", err.message);
    an_buf_free(&text);
    return t;
}

static void same_tables(const an_table *a, const an_table *b)
{
    assert_int_equal(a->rows, b->rows);
    assert_int_equal(a->columns, b->columns);
    an_buf x = { 0 }, y = { 0 };
    for (size_t j = 0; j < a->columns; j++) {
        const an_column *c = &a->column[j], *d = &b->column[j];
        assert_string_equal(c->name, d->name);
        if (c->type != d->type || c->missing != d->missing || c->role != d->role) fail_msg("column %s is not the same", c->name);
        for (size_t i = 0; i < a->rows; i++) {
            an_buf_clear(&x);
            an_buf_clear(&y);
            an_cell_text(c, i, &x);
            an_cell_text(d, i, &y);
            if (an_valid(c, i) != an_valid(d, i) || x.size != y.size || (x.size && memcmp(x.data, y.data, x.size)))
                fail_msg("column %s, row %zu: \"%s\" and \"%s\"", c->name, i, x.data ? x.data : "", y.data ? y.data : "");
        }
    }
    an_buf_free(&x);
    an_buf_free(&y);
}

static void test_round_trip(void **state)
{
    (void)state;
    an_error err = { 0 };
    char *folder = temporary_folder(), *path = an_path_join(folder, "t.parquet"), *second = an_path_join(folder, "u.parquet");
    for (size_t rows = 1; rows < 3000; rows = rows * 3 + 5) {
        an_table *t = make_table(rows, rows, true);
        t->positive = an_strdup("true");
        column(t, "flag")->role = AN_TARGET;
        column(t, "n")->unit = an_strdup("mm");
        column(t, "serial")->role = AN_IGNORED;
        column(t, "serial")->reason = an_strdup("identifier");
        column(t, "real")->kept = true;
        if (!an_parquet_write(t, path, &err)) fail_msg("%s", err.message);
        an_table *u = an_parquet_read(path, NULL, &err);
        if (!u) fail_msg("%s", err.message);
        same_tables(t, u);
        assert_string_equal(u->positive, "true");
        assert_string_equal(column(u, "n")->unit, "mm");
        assert_string_equal(column(u, "serial")->reason, "identifier");
        assert_true(column(u, "real")->kept && !column(u, "n")->kept);
        assert_true(!t->origin == !u->origin);
        for (size_t i = 0; i < rows && t->origin; i++) {
            assert_true(!t->origin[i] == !u->origin[i]);
            if (!t->origin[i]) continue;
            assert_string_equal(u->origins[u->origin[i] - 1].generator, "wgan/1");
            assert_true(u->origins[u->origin[i] - 1].seed == t->origins[t->origin[i] - 1].seed && u->origin_row[i] == t->origin_row[i]);
        }
        assert_true(an_parquet_write(u, second, &err)); /* the same content, the same bytes */
        an_hash a, b;
        assert_true(an_hash_file(path, &a, &err) && an_hash_file(second, &b, &err));
        assert_memory_equal(a.bytes, b.bytes, sizeof a.bytes);
        an_table_free(t);
        an_table_free(u);
    }
    assert_true(an_folder_remove(folder, &err));
    free(folder);
    free(path);
    free(second);
}

/* More than a row group and many pages. */
static void test_row_groups(void **state)
{
    (void)state;
    enum { ROWS = (1 << 20) + 70000 };
    an_error err = { 0 };
    an_table *t = an_table_new(ROWS);
    an_table_add(t, "n", AN_INTEGER, &err);
    an_table_add(t, "name", AN_CATEGORY, &err);
    an_column *n = column(t, "n"), *name = column(t, "name");
    name->dictionary = (an_dictionary){ .count = 700, .names = an_alloc_n(700, sizeof(char *)) };
    for (int k = 0; k < 700; k++) name->dictionary.names[k] = an_format("v%03d", k);
    for (size_t i = 0; i < ROWS; i++) {
        if (i % 9 == 0) continue;
        n->integer[i] = (int64_t)(i * i);
        an_set_valid(n, i);
        name->code[i] = (int32_t)(i / 100 % 700);
        an_set_valid(name, i);
    }
    char *folder = temporary_folder(), *path = an_path_join(folder, "t.parquet");
    if (!an_parquet_write(t, path, &err)) fail_msg("%s", err.message);
    an_table *u = an_parquet_read(path, NULL, &err);
    if (!u) fail_msg("%s", err.message);
    assert_int_equal(u->rows, ROWS);
    assert_int_equal(u->column[0].missing, n->missing);
    assert_int_equal(u->column[1].dictionary.count, 700);
    for (size_t i = 0; i < ROWS; i++) {
        if (u->column[0].integer[i] != n->integer[i] || u->column[1].code[i] != name->code[i] ||
            an_valid(&u->column[0], i) != an_valid(n, i))
            fail_msg("row %zu", i);
    }
    an_table_free(t);
    an_table_free(u);
    assert_true(an_folder_remove(folder, &err));
    free(folder);
    free(path);
}

/* ---- parts ---- */

static void test_hybrid(void **state)
{
    (void)state;
    an_rng r = an_rng_at(5, 0);
    an_buf b = { 0 };
    for (int width = 0; width <= 32; width++) {
        for (int round = 0; round < 20; round++) {
            size_t n = an_rng_below(&r, 300);
            uint32_t *in = an_alloc_n(n + 1, 4), *out = an_alloc_n(n + 1, 4);
            for (size_t i = 0; i < n;) { /* runs and noise */
                size_t run = an_rng_below(&r, 2) ? 1 : 1 + an_rng_below(&r, 40);
                uint32_t value = width ? an_rng_u32(&r) >> (32 - width) : 0;
                for (; run && i < n; run--) in[i++] = value;
            }
            an_buf_clear(&b);
            an_buf_puts(&b, ""); /* so that there is memory where nothing is written */
            an__hybrid_encode(in, n, width, &b);
            assert_true(an__hybrid_decode((uint8_t *)b.data, (uint8_t *)b.data + b.size, width, n, out));
            assert_memory_equal(in, out, n * 4);
            free(in);
            free(out);
        }
    }
    an_buf_free(&b);
    /* the example of the format: 0..7 in three bits */
    static const uint8_t packed[] = { 0x03, 0x88, 0xc6, 0xfa };
    uint32_t out[8];
    assert_true(an__hybrid_decode(packed, packed + 4, 3, 8, out));
    for (uint32_t i = 0; i < 8; i++) assert_int_equal(out[i], i);
    assert_false(an__hybrid_decode(packed, packed + 3, 3, 8, out));
    assert_false(an__hybrid_decode(packed, packed + 4, 33, 8, out));
}

static void test_snappy(void **state)
{
    (void)state;
    uint8_t out[64] = { 0 };
    static const uint8_t literal[] = { 3, 2 << 2, 'a', 'b', 'c' };
    assert_true(an__snappy_unpack(literal, sizeof literal, out, 3));
    assert_memory_equal(out, "abc", 3);
    static const uint8_t overlap[] = { 11, 0 << 2, 'a', (10 - 1) << 2 | 2, 1, 0 }; /* a, then ten from one back */
    assert_true(an__snappy_unpack(overlap, sizeof overlap, out, 11));
    assert_memory_equal(out, "aaaaaaaaaaa", 11);
    static const uint8_t one_byte[] = { 7, 2 << 2, 'x', 'y', 'z', 0 << 2 | 1, 3 }; /* four from three back */
    assert_true(an__snappy_unpack(one_byte, sizeof one_byte, out, 7));
    assert_memory_equal(out, "xyzxyzx", 7);
    static const uint8_t before[] = { 5, 0 << 2, 'a', (4 - 1) << 2 | 2, 2, 0 };
    assert_false(an__snappy_unpack(before, sizeof before, out, 5)); /* from before the start */
    assert_false(an__snappy_unpack(overlap, sizeof overlap, out, 10));
    assert_false(an__snappy_unpack(overlap, sizeof overlap - 1, out, 11));
    assert_false(an__snappy_unpack(literal, sizeof literal - 1, out, 3));
}

/* Cut short anywhere, and with a byte changed anywhere. */
static void test_damage(void **state)
{
    (void)state;
    static const char *const files[] = { "encodings.parquet", "required.parquet", "duckdb_v2.parquet", "int96.parquet" };
    for (size_t k = 0; k < AN_COUNT(files); k++) {
        char *path = data_path(files[k]);
        an_buf whole = { 0 };
        an_error err = { 0 };
        assert_true(an_file_read(path, 0, &whole, &err));
        for (size_t n = 0; n < whole.size; n++) {
            uint8_t *part = an_alloc(n + 1); /* of exactly that size, for the sanitizer */
            memcpy(part, whole.data, n);
            memset(&err, 0, sizeof err);
            assert_null(an__parquet_decode(part, n, "cut", AN__PARQUET_BOMB, NULL, &err));
            assert_int_equal(err.code, AN_INPUT);
            free(part);
        }
        size_t accepted = 0, refusals = 0;
        for (size_t i = 0; i < whole.size; i++) {
            for (int bit = 0; bit < 8; bit += 1 + (int)(i % 3)) {
                whole.data[i] = (char)(whole.data[i] ^ (1 << bit));
                memset(&err, 0, sizeof err);
                an_table *t = an__parquet_decode((uint8_t *)whole.data, whole.size, "changed", 1 << 20, NULL, &err);
                accepted += t != NULL;
                refusals += t == NULL;
                if (!t) assert_true(err.message[0] && err.code != AN_OK);
                an_table_free(t);
                whole.data[i] = (char)(whole.data[i] ^ (1 << bit));
            }
        }
        assert_true(accepted && refusals);
        an_buf_free(&whole);
        free(path);
    }
}

/* Our pages carry checksums: whatever is changed in them is seen. */
static void test_checksum(void **state)
{
    (void)state;
    an_error err = { 0 };
    char *folder = temporary_folder(), *path = an_path_join(folder, "t.parquet");
    an_table *t = make_table(200, 9, false);
    assert_true(an_parquet_write(t, path, &err));
    an_table_free(t);
    an_buf whole = { 0 };
    assert_true(an_file_read(path, 0, &whole, &err));
    uint32_t footer;
    memcpy(&footer, whole.data + whole.size - 8, 4);
    size_t pages = whole.size - 8 - footer, noticed = 0;
    for (size_t i = 4; i < pages; i++) {
        whole.data[i] = (char)(whole.data[i] ^ 0x10);
        t = an__parquet_decode((uint8_t *)whole.data, whole.size, "changed", AN__PARQUET_BOMB, NULL, &err);
        noticed += t == NULL;
        an_table_free(t);
        whole.data[i] = (char)(whole.data[i] ^ 0x10);
    }
    assert_true(noticed + 8 * 8 * 2 >= pages - 4); /* all but fields of page headers that nobody needs, eight columns of one or two pages */
    an_buf_free(&whole);
    assert_true(an_folder_remove(folder, &err));
    free(folder);
    free(path);
}

/* ---- any file ---- */

static void test_table_read(void **state)
{
    (void)state;
    an_error err = { 0 };
    char *path = data_path("required.parquet");
    an_csv_dialect d;
    an_table *t = an_table_read(path, NULL, &d, NULL, NULL, &err);
    assert_non_null(t);
    assert_int_equal(column(t, "n")->type, AN_INTEGER);
    assert_true(d.header);
    an_table_free(t);
    an_csv_options o = { 0 };
    an_list_add(&o.type, "n=category");
    an_list_add(&o.type, "s=text");
    t = an_table_read(path, &o, NULL, NULL, NULL, &err);
    if (!t) fail_msg("%s", err.message);
    assert_int_equal(column(t, "n")->type, AN_CATEGORY);
    assert_string_equal(cell(t, "n", 59), "59");
    assert_int_equal(column(t, "s")->type, AN_TEXT);
    an_table_free(t);
    an_list_free(&o.type);
    an_list_add(&o.type, "s=real");
    assert_null(an_table_read(path, &o, NULL, NULL, NULL, &err));
    assert_int_equal(err.code, AN_INPUT);
    assert_non_null(strstr(err.message, "\"s0\""));
    an_list_free(&o.type);
    an_list_add(&o.type, "m=real");
    assert_null(an_table_read(path, &o, NULL, NULL, NULL, &err));
    assert_int_equal(err.code, AN_NOT_FOUND);
    an_list_free(&o.type);
    o.sheet = (char[]){ "1" };
    assert_null(an_table_read(path, &o, NULL, NULL, NULL, &err));
    assert_int_equal(err.code, AN_USAGE);
    free(path);
}

static void test_peers(void **state)
{
    (void)state;
    const char *peers = getenv("ANDON_PEERS");
    an_error err = { 0 };
    char *folder = temporary_folder(), *python = peers ? an_format("%s/bin/python", peers) : an_strdup("\"${PYTHON:-python3}\"");
    char *command = an_format("%s %s/tests/table/parquet_peers.py write %s >/dev/null", python, AN_SOURCE_DIR, folder),
         *csv = an_path_join(folder, "peer.csv");
    int status = system(command);
    bool there = WIFEXITED(status) && WEXITSTATUS(status) != 77 && WEXITSTATUS(status) != 127;
    if (there) {
        assert_int_equal(status, 0);
        an_table *wanted = an_csv_read(csv, NULL, NULL, NULL, &err);
        if (!wanted) fail_msg("%s", err.message);
        for (int k = 0; k < 100; k++) {
            char *path = an_format("%s/peer_%d.parquet", folder, k);
            if (!an_file_exists(path)) {
                assert_true(k >= 20);
                free(path);
                break;
            }
            an_table *t = an_parquet_read(path, NULL, &err);
            if (!t) fail_msg("%s", err.message);
            same_tables(wanted, t);
            an_table_free(t);
            free(path);
        }
        an_table_free(wanted);
        an_table *t = make_table(150000, 3, false); /* more than a page */
        char *ours = an_path_join(folder, "ours.parquet"), *ours_csv = an_path_join(folder, "ours.csv");
        assert_true(an_parquet_write(t, ours, &err) && an_csv_write(t, ours_csv, &err));
        an_table_free(t);
        char *check = an_format("%s %s/tests/table/parquet_peers.py check %s", python, AN_SOURCE_DIR, folder);
        assert_int_equal(system(check), 0);
        free(check);
        free(ours);
        free(ours_csv);
    }
    assert_true(an_folder_remove(folder, &err));
    free(command);
    free(csv);
    free(python);
    free(folder);
    if (!there) skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded),   cmocka_unit_test(test_required_and_duckdb),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_row_groups), cmocka_unit_test(test_hybrid),
        cmocka_unit_test(test_snappy),     cmocka_unit_test(test_damage),
        cmocka_unit_test(test_checksum),   cmocka_unit_test(test_table_read),
        cmocka_unit_test(test_peers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
