/* test_report_write.c - a whole report from a workspace: imported, trained, compared, judged, written, written again. */
#include "report_help.h"

static void make_csv(const char *path)
{
    an_buf b = { 0 };
    an_rng r = an_rng_at(3, 0);
    an_buf_puts(&b, "serial,force,angle,variant,line,broken\n");
    for (int i = 0; i < 400; i++) {
        bool bad = i % 5 == 0;
        an_buf_printf(&b, "S%05d,%.3f,%.3f,%s,L1,%d\n", i, 10 + 2 * an_rng_normal(&r) + 3 * bad, 40 + an_rng_normal(&r),
                      an_rng_below(&r, 2) ? "A" : "B", bad);
    }
    assert_true(an_file_write(path, b.data, b.size, NULL));
    an_buf_free(&b);
}

static void test_workspace(void **state)
{
    (void)state;
    an_error err = { 0 };
    char folder[] = "/tmp/andon-report-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *csv = an_path_join(folder, "gears.csv"), *html = an_path_join(folder, "press.html"),
         *tables = an_path_join(folder, "press.tables");
    make_csv(csv);
    assert_true(an_workspace_init(folder, &err));
    an_store *s = an_store_open(folder, &err);
    assert_non_null(s);
    json_decref(act(s, "data import", (const char *const[]){ "name", "gears", "file", csv, "target", "broken", NULL }, &err));
    json_decref(act(s, "model train", (const char *const[]){ "name", "press", "data", "gears", "balance", "random", NULL }, &err));
    json_decref(act(s, "compare", (const char *const[]){ "data", "gears", "balance", "none,random", "repeats", "2", NULL }, &err));
    json_decref(act(s, "synth compare", (const char *const[]){ "data", "gears", "methods", "random,smote", NULL }, &err));
    if (!an_report_write(s, "press", html, NULL, &err)) fail_msg("%s", err.message);

    an_buf page_text = { 0 }, table_text = { 0 };
    assert_true(an_file_read(html, 0, &page_text, &err));
    check_tags(page_text.data);
    has(page_text.data, "of 20</b>"); /* a quarter of 80 broken parts is the test part */
    has(page_text.data, "parts with broken = 1 in the test part");
    has(page_text.data, "one real half against the other");
    has(page_text.data, "summed over 2 repeats");
    has(page_text.data, "every value is L1"); /* what the import said of the constant column */
    has(page_text.data, "300 rows to train on (60 with broken = 1), 100 to test on (20)");
    has(page_text.data, "gears.csv");
    lacks(page_text.data, "class=\"missing\"");
    an_list files = { 0 };
    assert_true(an_folder_list(tables, &files, &err));
    assert_int_equal(files.count, count_of(page_text.data, "class=\"csv\""));
    an_list_free(&files);
    char *fidelity = an_path_join(tables, "fidelity.csv");
    assert_true(an_file_read(fidelity, 0, &table_text, &err));
    assert_true(strstr(table_text.data, "\nrandom,generator,") < strstr(table_text.data, "\nsmote,generator,")); /* simplest first */
    an_table *t = an_csv_read(fidelity, &(an_csv_options){ 0 }, NULL, NULL, &err);
    if (!t) fail_msg("%s", err.message);
    assert_int_equal(t->rows, 4); /* both were judged against the same real rows: one floor, one ceiling */
    an_table_free(t);

    /* a version whose threshold was moved has its own evaluation made */
    json_decref(act(s, "model threshold", (const char *const[]){ "name", "press", "rule", "0.9", NULL }, &err));
    assert_true(an_report_write(s, "model:press/2", html, NULL, &err));
    assert_true(an_file_read(html, 0, &page_text, &err));
    has(page_text.data, "score threshold 0.900");
    has(page_text.data, "Recall, precision and F2");

    /* so has one whose threshold was moved with prices: the same prices, which andon.yaml does not hold */
    json_decref(act(s, "model threshold",
                    (const char *const[]){ "name", "press", "rule", "cost", "cost-escape", "400", "cost-reject", "12", NULL }, &err));
    assert_true(an_report_write(s, "model:press/3", html, NULL, &err));
    assert_true(an_file_read(html, 0, &page_text, &err));
    has(page_text.data, "(rule cost)");
    has(page_text.data, "Costs per part: an escape 400, a false reject 12 EUR.");
    has(page_text.data, "Cost per 1,000 parts");
    lacks(page_text.data, "Costs are not known");

    /* prices given to a later evaluation count as well; a comparison of a single combination does not replace one of two */
    json_decref(act(s, "model evaluate", (const char *const[]){ "name", "press/1", "cost-escape", "90", "cost-reject", "7", NULL }, &err));
    json_decref(act(s, "compare", (const char *const[]){ "data", "gears", "balance", "random", "repeats", "2", NULL }, &err));
    assert_true(an_report_write(s, "model:press/1", html, NULL, &err));
    assert_true(an_file_read(html, 0, &page_text, &err));
    has(page_text.data, "Costs per part: an escape 90, a false reject 7 EUR.");
    has(page_text.data, "none</b> at 0.5");
    lacks(page_text.data, "nothing was compared");

    /* a data set over the same file: tables of the model go */
    assert_true(an_report_write(s, "data:gears", html, NULL, &err));
    assert_true(an_file_exists(fidelity)); /* the judgements are facts about the data */
    char *coefficients = an_path_join(tables, "coefficients.csv");
    assert_false(an_file_exists(coefficients));
    assert_true(an_file_read(html, 0, &page_text, &err));
    has(page_text.data, "andon report on a data set");

    assert_false(an_report_write(s, "pres", html, NULL, &err));
    assert_int_equal(err.code, AN_NOT_FOUND);
    err = (an_error){ 0 };
    assert_false(an_report_write(s, "data:press", html, NULL, &err));
    assert_int_equal(err.code, AN_NOT_FOUND);
    err = (an_error){ 0 };
    assert_false(an_report_write(s, "press", "/proc/no/such/press.html", NULL, &err));
    assert_int_equal(an_code_exit(err.code), 1);
    an_store_close(s);
    an_buf_free(&page_text);
    an_buf_free(&table_text);
    free(coefficients);
    free(fidelity);
    free(csv);
    free(html);
    free(tables);
    assert_true(an_folder_remove(folder, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_workspace) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
