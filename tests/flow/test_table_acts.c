/* data join, pivot, schema, diff and check on a workspace of their own: versions, lineage, cache, exit codes, files. */
#include "flow/act_table.h"
#include "flow/acts.h"
#include "flow/lines.h"

static json_t *act(const line *l, const an_act *a, const char *const *pairs, an_error *err)
{
    void *options = an_alloc(a->options_size);
    an_params_defaults(a->params, options);
    bool ok = true;
    for (size_t i = 0; ok && pairs[i]; i += 2) {
        an_params_clear_list(a->params, options, pairs[i]);
        ok = an_params_set(a->params, options, pairs[i], pairs[i + 1], err);
    }
    json_t *result = ok ? a->run(l->store, options, NULL, err) : NULL;
    an_params_free(a->params, options);
    free(options);
    return result;
}
#define ACT(a, ...) act(l, &(a), (const char *const[]){ __VA_ARGS__, NULL }, &err)

static char *write_file(const line *l, const char *name, const char *text)
{
    an_error err = { 0 };
    char *path = an_path_join(l->folder, name);
    MUST(an_file_write(path, text, strlen(text), &err));
    return path;
}

static void import(const line *l, const char *name, const char *csv)
{
    an_error err = { 0 };
    char *file = an_format("%s.csv", name), *path = write_file(l, file, csv);
    json_t *r;
    MUST((r = ACT(an__act_data_import, "name", name, "file", path)) != NULL);
    json_decref(r);
    free(file);
    free(path);
}

/* Forty parts, every fourth broken; screws: two a part. */
static void stations(const line *l)
{
    an_buf press = { 0 }, test = { 0 }, screws = { 0 };
    an_buf_puts(&press, "serial,force,temp\n");
    an_buf_puts(&test, "serial,leak,temp,broken\n");
    an_buf_puts(&screws, "serial,screw,torque\n");
    for (int i = 0; i < 40; i++) {
        an_buf_printf(&press, "P%03d,%.1f,%d\n", i, 3 + 0.1 * (i % 7), 20 + i % 5);
        if (i != 5) an_buf_printf(&test, "P%03d,%.2f,%d,%s\n", i, 0.5 + 0.01 * ((i * 7) % 11), 21 + i % 5, i % 4 ? "no" : "yes");
        an_buf_printf(&screws, "P%03d,1,%.1f\nP%03d,2,%.1f\n", i, 2 + 0.1 * (i % 3), i, 2 + 0.1 * (i % 4));
    }
    an_buf_puts(&test, "P001,0.99,25,no\n"); /* reworked */
    import(l, "press", press.data);
    import(l, "test", test.data);
    import(l, "screws", screws.data);
    an_buf_free(&press);
    an_buf_free(&test);
    an_buf_free(&screws);
}

static void join_and_pivot(void **state)
{
    line *l = *state;
    an_error err;
    stations(l);
    MUST_FAIL(ACT(an__act_data_join, "name", "part", "table", "press,test", "on", "serial"), AN_INPUT, "serial P001 has 2 rows");
    json_t *r, *again;
    MUST((r = ACT(an__act_data_pivot, "name", "torque", "table", "screws", "on", "serial", "names", "screw", "values", "torque")) != NULL);
    assert_int_equal(json_integer_value(json_object_get(r, "rows")), 40);
    json_decref(r);
    MUST((r = ACT(an__act_data_join, "name", "part", "table", "press,test,torque", "on", "serial", "attempts", "last", "target",
                  "broken")) != NULL);
    assert_int_equal(json_integer_value(json_object_get(r, "rows")), 39);
    assert_string_equal(an_json_string(r, "target", ""), "broken");
    char *warnings = an_json_text(json_object_get(r, "warnings"), false);
    assert_non_null(strstr(warnings, "press: parts not in all tables (1): P005"));
    assert_non_null(strstr(warnings, "test: parts with several rows (1): P001"));
    free(warnings);
    an_table *t;
    MUST((t = an__data_get(l->store, "part", NULL, &err)) != NULL);
    assert_int_equal(an_table_need(t, "serial", &err)->role, AN_ID);
    assert_non_null(an_table_find(t, "press.temp"));
    assert_non_null(an_table_find(t, "test.temp"));
    assert_non_null(an_table_find(t, "2_torque"));
    an_table_free(t);
    /* the same again is the same version, from the cache */
    MUST((again = ACT(an__act_data_join, "name", "part", "table", "press,test,torque", "on", "serial", "attempts", "last", "target",
                      "broken")) != NULL);
    assert_true(json_is_true(json_object_get(again, "existed")));
    assert_true(json_equal(json_object_get(r, "id"), json_object_get(again, "id")));
    /* where it came from: three tables, one of them from a fourth */
    an_hash address;
    assert_true(an_hash_parse(an_json_string(r, "id", ""), &address));
    json_t *lineage;
    MUST((lineage = an_lineage(l->store, &address, &err)) != NULL);
    assert_int_equal(json_array_size(json_object_get(lineage, "inputs")), 3);
    char *text = an_json_text(lineage, false);
    assert_non_null(strstr(text, "data:screws/1"));
    free(text);
    json_decref(lineage);
    json_decref(again);
    json_decref(r);
    MUST_FAIL(ACT(an__act_data_join, "name", "part", "table", "press,tset", "on", "serial"), AN_NOT_FOUND, "tset");
    MUST_FAIL(ACT(an__act_data_join, "name", "part", "table", "press", "on", "serial"), AN_USAGE, "two tables");
}

static void schema(void **state)
{
    line *l = *state;
    an_error err;
    stations(l);
    json_t *r;
    MUST((r = ACT(an__act_data_schema, "name", "press")) != NULL);
    const char *text = an_json_string(r, "text", "");
    assert_non_null(strstr(text, "  force:\n    type: real\n    role: feature"));
    char *same = write_file(l, "same.yaml", text),
         *edited = write_file(l, "edited.yaml",
                              "columns:\n  serial: {role: id}\n  force: {unit: N, from: kN, high: 3500}\nconstraints: [force > temp]\n"),
         *wrong = write_file(l, "wrong.yaml", "columns:\n  serial: {role: id}\n  force: {unit: N, from: mm}\n");
    json_decref(r);
    MUST((r = ACT(an__act_data_schema, "name", "press", "schema", same)) != NULL);
    assert_int_equal(json_integer_value(json_object_get(r, "version")), 1); /* nothing changed: the same version */
    json_decref(r);
    MUST((r = ACT(an__act_data_schema, "name", "press", "schema", edited)) != NULL);
    assert_int_equal(json_integer_value(json_object_get(r, "version")), 2);
    json_decref(r);
    an_table *t;
    MUST((t = an__data_get(l->store, "press", NULL, &err)) != NULL);
    assert_true(an_table_find(t, "force")->real[0] == 3000);
    assert_int_equal(json_array_size(t->constraints), 1);
    an_table_free(t);
    MUST_FAIL(ACT(an__act_data_schema, "name", "press/1", "schema", wrong), AN_INPUT,
              "wrong.yaml: line 3: column force: mm cannot be converted");
    /* the two versions compared: the unit is said, so that nothing drifted */
    MUST((r = ACT(an__act_data_diff, "a", "press/1", "b", "press/2")) != NULL);
    text = an_json_string(r, "text", "");
    assert_non_null(strstr(text, "press/1 (40 rows) to press/2 (40 rows)"));
    assert_non_null(strstr(text, "force unit: none -> N"));
    assert_non_null(strstr(text, "looks like another unit: a thousand times"));
    json_decref(r);
    free(same);
    free(edited);
    free(wrong);
}

static void check(void **state)
{
    line *l = *state;
    an_error err;
    stations(l);
    json_t *r;
    MUST((r = ACT(an__act_data_check, "name", "press", "propose", "true")) != NULL);
    char *draft = write_file(l, "draft.yaml", an_json_string(r, "text", "")),
         *strict = write_file(l, "strict.yaml", "expect:\n  - {column: force, max: 3.5}\n  - {rows_at_least: 3}\n"),
         *shape = write_file(l, "shape.yaml", "expect:\n  - {column: force, matches: reference}\n"),
         *wrong = write_file(l, "wrong.yaml", "expect:\n  - {column: farce, max: 3.5}\n");
    json_decref(r);
    MUST((r = ACT(an__act_data_check, "name", "press", "expect", draft)) != NULL);
    assert_int_equal(json_integer_value(json_object_get(r, "broken")), 0);
    json_decref(r);
    char *out = an_path_join(l->folder, "broken.csv");
    MUST((r = ACT(an__act_data_check, "name", "press", "expect", strict, "out", out)) != NULL); /* says no, and shows what it found */
    assert_int_equal(err.code, AN_REFUSED);
    assert_non_null(strstr(an_json_string(json_object_get(r, "error"), "message", ""), "1 of 2 expectations broken, 5 of 40 rows"));
    assert_int_equal(json_array_size(json_object_get(r, "expectations")), 2);
    json_decref(r);
    assert_int_equal(an_code_exit(err.code), 3);
    assert_non_null(strstr(err.hint, "broken.csv"));
    an_table *broken;
    MUST((broken = an_csv_read(out, NULL, NULL, NULL, &err)) != NULL);
    assert_int_equal(broken->rows, 5);
    assert_non_null(an_table_find(broken, "_broken"));
    an_table_free(broken);
    MUST((r = ACT(an__act_data_check, "name", "press", "expect", shape, "reference", "press/1")) != NULL);
    assert_true(fabs(json_number_value(json_object_get(r, "error_rate")) - 0.001) < 1e-15);
    json_decref(r);
    MUST_FAIL(ACT(an__act_data_check, "name", "press", "expect", shape), AN_INPUT, "there is no reference");
    MUST_FAIL(ACT(an__act_data_check, "name", "press", "expect", wrong), AN_INPUT, "wrong.yaml: line 2: there is no column farce");
    MUST_FAIL(ACT(an__act_data_check, "name", "press"), AN_USAGE, "--propose");
    an_run_row *rows;
    size_t count;
    MUST(an_run_list(l->store, "check", NULL, 10, &rows, &count, &err)); /* every finished check is a run, the broken one too */
    assert_int_equal(count, 3);
    an_run_rows_free(rows, count);
    free(draft);
    free(strict);
    free(shape);
    free(wrong);
    free(out);
}

static void parameters(void **state)
{
    (void)state;
    static const an_act *const acts[] = { &an__act_data_join, &an__act_data_pivot, &an__act_data_schema, &an__act_data_diff,
                                          &an__act_data_check };
    for (size_t i = 0; i < AN_COUNT(acts); i++) {
        char *wrong = an_params_audit(acts[i]->params);
        if (*wrong) fail_msg("%s: %s", acts[i]->name, wrong);
        free(wrong);
    }
}

int main(void)
{
#define ON_A_LINE(test) cmocka_unit_test_setup_teardown(test, line_make, line_remove)
    const struct CMUnitTest tests[] = { ON_A_LINE(join_and_pivot), ON_A_LINE(schema), ON_A_LINE(check), cmocka_unit_test(parameters) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
