/* Saving and loading: round trip, the same bytes for the same content, damage found; profile of a small table. */
#include "help.h"

#include "table/file.h"

#include <math.h>
#include <unistd.h>

static char *temporary(void)
{
    char *path = an_strdup("/tmp/andon-table-XXXXXX");
    assert_non_null(mkdtemp(path));
    return path;
}

static const char *const text = "i,r,b,c,d,t,_generator,_seed,_row\n"
                                "1,0.5,true,A,2026-01-01T00:00:00Z,one,,,\n"
                                ",,,,,,,,\n"
                                "3,-1e-300,false,B,2026-01-02T00:00:00Z,\"t,w\",g/1,18446744073709551615,7\n"
                                "-9007199254740993,2,true,A,1969-12-31T00:00:00Z,\xc3\xa4,g/1,18446744073709551615,8\n";

static an_table *made(void)
{
    an_csv_options o = { 0 };
    an_list_add(&o.type, "c=category");
    an_table *t = parse(text, &o);
    an_list_free(&o.type);
    column(t, "r")->role = AN_IGNORED;
    column(t, "r")->reason = an_strdup("leak");
    column(t, "i")->unit = an_strdup("mm");
    column(t, "i")->kept = true;
    column(t, "b")->role = AN_TARGET;
    t->positive = an_strdup("true");
    return t;
}

static an_artifact *save(const an_table *t, const char *folder, an_hash *address)
{
    an_error err = { 0 };
    an_artifact *a = an_artifact_new(folder, &err);
    if (!a || !an_table_save(t, a, &err) || !an_artifact_seal(a, address, NULL, &err)) fail_msg("%s", err.message);
    an_artifact_free(a);
    a = an_artifact_open(folder, &err);
    if (!a) fail_msg("%s", err.message);
    return a;
}

static void test_round_trip(void **state)
{
    (void)state;
    char *one = temporary(), *two = temporary(), *three = temporary();
    an_hash h1, h2, h3;
    an_table *t = made();
    an_artifact *a = save(t, one, &h1);
    an_error err = { 0 };
    an_table *u = an_table_load(a, &err);
    if (!u) fail_msg("%s", err.message);
    an_artifact_free(a);
    assert_int_equal(u->rows, 4);
    assert_int_equal(u->columns, 6);
    assert_string_equal(u->positive, "true");
    for (size_t j = 0; j < t->columns; j++) {
        const an_column *x = &t->column[j], *y = &u->column[j];
        assert_int_equal(x->type, y->type);
        assert_int_equal(x->role, y->role);
        assert_int_equal(x->kept, y->kept);
        assert_int_equal(x->missing, y->missing);
        for (size_t i = 0; i < 4; i++) assert_string_equal(cell(t, x->name, i), cell(u, x->name, i));
    }
    assert_string_equal(column(u, "r")->reason, "leak");
    assert_string_equal(column(u, "i")->unit, "mm");
    assert_true(column(u, "i")->integer[3] == -INT64_C(9007199254740993));
    assert_int_equal(u->origin_count, 1);
    assert_true(u->origins[0].seed == UINT64_MAX && u->origin[1] == 0 && u->origin[2] == 1 && u->origin_row[3] == 8);
    assert_string_equal(u->origins[0].generator, "g/1");
    an_artifact_free(save(u, two, &h2));
    assert_memory_equal(&h1, &h2, sizeof h1);
    column(t, "i")->integer[1] = 77; /* under a missing cell: no content */
    an_artifact_free(save(t, three, &h3));
    assert_memory_equal(&h1, &h3, sizeof h1);
    an_table_free(t);
    an_table_free(u);
    char *folders[] = { one, two, three };
    for (int i = 0; i < 3; i++) {
        an_folder_remove(folders[i], NULL);
        free(folders[i]);
    }
}

static void test_damage(void **state)
{
    (void)state;
    char *folder = temporary();
    an_hash h;
    an_table *t = made();
    an_artifact *a = save(t, folder, &h);
    an_table_free(t);
    an_error err = { 0 };
    an_buf bytes = { 0 };
    assert_true(an_artifact_read(a, "table.bin", &bytes, &err));
    json_t *schema = an_artifact_read_json(a, "schema.json", &err);
    an_table *good = an__table_decode((uint8_t *)bytes.data, bytes.size, schema, true, "table.bin", &err);
    assert_non_null(good);
    an_table_free(good);
    /* every byte that carries content is under a hash: flip each, all must be noticed (gaps between sections are not content) */
    size_t unnoticed = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        bytes.data[i] ^= 0x10;
        an_table *bad = an__table_decode((uint8_t *)bytes.data, bytes.size, schema, true, "table.bin", &err);
        unnoticed += bad != NULL;
        if (!bad) assert_true(err.code == AN_CORRUPT || err.code == AN_NEWER);
        an_table_free(bad);
        bytes.data[i] ^= 0x10;
    }
    an__table_header head;
    memcpy(&head, bytes.data, sizeof head);
    const an__table_section *section = (const an__table_section *)(const void *)(bytes.data + sizeof head);
    size_t content = sizeof head - sizeof head.zero + head.sections * sizeof *section;
    for (size_t i = 0; i < head.sections; i++) {
        an__table_section s;
        memcpy(&s, bytes.data + sizeof head + i * sizeof s, sizeof s);
        content += s.bytes;
    }
    assert_int_equal(bytes.size - content, unnoticed);
    for (size_t n = 0; n < bytes.size; n += 7) assert_null(an__table_decode((uint8_t *)bytes.data, n, schema, true, "table.bin", &err));
    bytes.data[8]++;
    assert_null(an__table_decode((uint8_t *)bytes.data, bytes.size, schema, true, "table.bin", &err));
    assert_int_equal(err.code, AN_NEWER);
    bytes.data[8]--;
    bytes.data[bytes.size - 1] ^= 1;
    char *path = an_artifact_path(a, "table.bin");
    assert_true(an_file_write(path, bytes.data, bytes.size, &err));
    assert_null(an_table_load(a, &err));
    assert_int_equal(err.code, AN_CORRUPT);
    assert_non_null(strstr(err.message, "table.bin"));
    assert_non_null(strstr(err.message, "section"));
    free(path);
    an_buf_free(&bytes);
    json_decref(schema);
    an_artifact_free(a);
    an_folder_remove(folder, NULL);
    free(folder);
}

static void test_tensor_column(void **state)
{
    (void)state;
    char *folder = temporary();
    an_hash h;
    an_table *t = an_table_new(3);
    an_column *c = an_table_add(t, "image", AN_TENSOR, NULL);
    c->tensor = (an_tensor_layout){ .dtype = 1, .rank = 2, .shape = { 2, 2 } };
    free(c->tensor_data);
    c->tensor_data = an_alloc_data(3, 16, "images", NULL);
    for (int i = 0; i < 12; i++) ((float *)c->tensor_data)[i] = (float)i;
    for (size_t i = 0; i < 3; i++) an_set_valid(c, i);
    an_artifact *a = save(t, folder, &h);
    an_error err = { 0 };
    an_table *u = an_table_load(a, &err);
    if (!u) fail_msg("%s", err.message);
    static const size_t rows[] = { 2, 0 };
    an_table *s = an_table_select(u, rows, 2, &err);
    assert_true(((float *)s->column[0].tensor_data)[0] == 8 && ((float *)s->column[0].tensor_data)[4] == 0);
    an_table_free(s);
    an_table_free(u);
    an_table_free(t);
    an_artifact_free(a);
    an_folder_remove(folder, NULL);
    free(folder);
}

static void test_profile(void **state)
{
    (void)state;
    an_buf csv = { 0 };
    an_buf_puts(&csv, "x,c,y\n");
    for (int i = 0; i < 100; i++) an_buf_printf(&csv, "%d.5,%s,%d\n", i, i < 50 ? "low" : "high", i >= 80);
    an_buf_puts(&csv, "0.5,low,0\n,low,0\n");
    an_table *t = parse(csv.data, NULL);
    an_buf_free(&csv);
    column(t, "y")->role = AN_TARGET;
    an_error err = { 0 };
    json_t *p = an_table_profile(t, NULL, &err);
    if (!p) fail_msg("%s", err.message);
    assert_int_equal(json_integer_value(json_object_get(p, "rows")), 102);
    assert_int_equal(json_integer_value(json_object_get(p, "duplicate_rows")), 1);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json_object_get(p, "target"), "classes"), "1")), 20);
    json_t *x = json_array_get(json_object_get(p, "columns"), 0), *c = json_array_get(json_object_get(p, "columns"), 1);
    assert_int_equal(json_integer_value(json_object_get(x, "missing")), 1);
    assert_int_equal(json_integer_value(json_object_get(x, "distinct")), 100);
    assert_true(an_json_number(json_object_get(x, "min"), NAN) == 0.5 && an_json_number(json_object_get(x, "max"), NAN) == 99.5);
    assert_true(an_json_number(json_object_get(x, "auc"), NAN) == 1);
    assert_true(fabs(an_json_number(json_object_get(x, "mean"), NAN) - 5000.5 / 101) < 1e-12);
    assert_true(an_json_number(json_object_get(json_object_get(x, "quantiles"), "0.5"), NAN) == 49.5);
    json_t *counts = json_object_get(json_object_get(x, "histogram"), "counts");
    assert_int_equal(json_array_size(counts), 20);
    json_int_t sum = 0;
    for (size_t i = 0; i < 20; i++) sum += json_integer_value(json_array_get(counts, i));
    assert_int_equal(sum, 101);
    /* 52 low (0 positive), 50 high (20 positive): chi2 = 102 (0*30 - 52*20)^2 / (52 50 20 82) */
    double v = sqrt(1040.0 * 1040 / (52.0 * 50 * 20 * 82));
    assert_true(fabs(an_json_number(json_object_get(c, "cramers_v"), NAN) - v) < 1e-12);
    json_t *top = json_array_get(json_object_get(c, "top"), 0);
    assert_string_equal(an_json_string(top, "value", ""), "low");
    json_decref(p);
    an_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_tensor_column),
        cmocka_unit_test(test_profile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
