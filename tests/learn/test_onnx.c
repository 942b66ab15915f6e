/* test_onnx.c - model.onnx against an independent executor: every row of simulated and real data through onnxruntime (check_onnx.py).
 * Skipped where PYTHON (python3) has no onnxruntime; the real sets where $ANDON_DATA is absent. */
#include "learn/testing.h"

static bool python(const char *arguments)
{
    char *line = an_format("\"${PYTHON:-python3}\" '" AN_SOURCE_DIR "/tests/learn/check_onnx.py' %s", arguments);
    int status = system(line);
    free(line);
    return status == 0;
}

static char *data(const char *name)
{
    const char *folder = getenv("ANDON_DATA");
    return an_path_join(folder && *folder ? folder : AN_SOURCE_DIR "/../shared/data", name);
}

/* Writes model and scored rows into a folder and lets onnxruntime judge. */
static void judge(an_model *m, const an_table *t)
{
    an_error err = { 0 };
    char *root = scratch_new(), *onnx = an_path_join(root, "model.onnx"), *csv = an_path_join(root, "rows.csv");
    an_buf bytes = { 0 };
    assert_ok(an_model_onnx(m, &bytes, &err));
    assert_ok(an_file_write(onnx, bytes.data, bytes.size, &err));
    an_buf_free(&bytes);
    const char **names = an_alloc_n(m->prep->columns, sizeof *names);
    for (size_t i = 0; i < m->prep->columns; i++) names[i] = m->prep->column[i].name;
    an_table *rows = an_table_select_columns(t, names, m->prep->columns, &err);
    assert_non_null(rows);
    double *score = scored(m, t);
    an_column *p = add_column(rows, "_probability", AN_REAL);
    for (size_t i = 0; i < t->rows; i++) {
        p->real[i] = score[i];
        an_set_valid(p, i);
    }
    an_column *l = add_column(rows, "_label", AN_INTEGER);
    for (size_t i = 0; i < t->rows; i++) {
        l->integer[i] = score[i] >= m->threshold.value;
        an_set_valid(l, i);
    }
    assert_ok(an_csv_write(rows, csv, &err));
    char *arguments = an_format("'%s' '%s'", onnx, csv);
    assert_true(python(arguments));
    p->real[rows->rows / 2] += 2e-5; /* the judge can say no */
    assert_ok(an_csv_write(rows, csv, &err));
    assert_false(python(arguments));
    free(arguments);
    free(score);
    free(names);
    an_table_free(rows);
    free(onnx);
    free(csv);
    scratch_end(root);
}

/* Reads a file of $ANDON_DATA; NULL when it is not there. options: "name=value" pairs of an_csv_params. */
static an_table *read_set(const char *file, const char *const *options, size_t count)
{
    an_error err = { 0 };
    char *path = data(file);
    an_csv_options o = { 0 };
    an_params_defaults(an_csv_params, &o);
    for (size_t i = 0; i + 1 < count; i += 2) assert_ok(an_params_set(an_csv_params, &o, options[i], options[i + 1], &err));
    an_table *t = an_file_exists(path) ? an_csv_read(path, &o, NULL, NULL, &err) : NULL;
    if (!t && an_file_exists(path)) fail_msg("%s", err.message);
    an_params_free(an_csv_params, &o);
    free(path);
    return t;
}

static void fit_and_judge(an_table *t, const char *target, const char *drop)
{
    an_error err = { 0 };
    an_roles roles = { 0 };
    an_list notes = { 0 };
    an_params_defaults(an_roles_params, &roles);
    roles.target = an_strdup(target);
    an_list_split(&roles.drop, drop, ',');
    assert_ok(an_table_assign(t, &roles, &notes, &err));
    an_model *m = fitted(t, NULL);
    m->threshold.value = 0.2;
    judge(m, t);
    an_model_free(m);
    an_list_free(&notes);
    an_params_free(an_roles_params, &roles);
    an_table_free(t);
}

static void test_simulated(void **state)
{
    (void)state;
    for (int gaps = 0; gaps < 2; gaps++) {
        an_table *t = simulate(1000, 51, gaps), *u = simulate(500, 52, true);
        an_model *m = fitted(t, NULL);
        if (gaps) judge(m, u);
        an_column *variant = an_table_find(t, "variant"); /* a category that training never saw */
        free(variant->dictionary.names[2]);
        variant->dictionary.names[2] = an_strdup("Z");
        judge(m, t);
        an_model_free(m);
        an_table_free(t);
        an_table_free(u);
    }
}

static void test_ai4i(void **state)
{
    (void)state;
    an_table *t = read_set("ai4i2020/ai4i2020.csv", NULL, 0);
    if (!t) skip();
    fit_and_judge(t, "Machine failure", "UDI,Product ID,TWF,HDF,PWF,OSF,RNF");
}

static void test_steel(void **state)
{
    (void)state;
    char *names = data("steel-plates-faults/Faults27x7_var");
    const char *options[] = { "names", names, "delimiter", "tab" };
    an_table *t = read_set("steel-plates-faults/Faults.NNA", options, AN_COUNT(options));
    free(names);
    if (!t) skip();
    fit_and_judge(t, "Stains", "Pastry,Z_Scratch,K_Scatch,Dirtiness,Bumps,Other_Faults");
}

static void test_secom(void **state)
{
    (void)state;
    an_error err = { 0 };
    const char *options[] = { "no_header", "true", "delimiter", "space" };
    an_table *t = read_set("secom/secom_1547.data.gz", options, AN_COUNT(options)),
             *labels = read_set("secom/secom_1547_labels.data", options, AN_COUNT(options));
    if (!t || !labels) skip();
    assert_int_equal(t->rows, labels->rows);
    an_column *target = an_table_add(t, "fail", AN_INTEGER, &err);
    assert_non_null(target);
    for (size_t i = 0; i < t->rows; i++) {
        target->integer[i] = an_cell_number(&labels->column[0], i) > 0;
        an_set_valid(target, i);
    }
    an_table_free(labels);
    fit_and_judge(t, "fail", "");
}

int main(void)
{
    if (!python("--can")) return 77;
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_simulated), cmocka_unit_test(test_ai4i), cmocka_unit_test(test_steel),
                                        cmocka_unit_test(test_secom) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
