/* Tests of an_table_pivot: names, order, repeated measurements, common columns, what is refused. */
#include "help.h"

static const char *shown(const an_table *t)
{
    static char text[65536];
    an_buf b = { 0 };
    an_csv_text(t, true, &b);
    snprintf(text, sizeof text, "%s", b.data);
    an_buf_free(&b);
    return text;
}

static an_table *pivot(const an_table *t, const char *values, const char *attempts, json_t **report)
{
    an_error err = { 0 };
    an_list list = { 0 };
    an_list_split(&list, values, ',');
    an_table *out = an_table_pivot(t, "part", "screw", &list, attempts, report, NULL, &err);
    an_list_free(&list);
    if (!out) fail_msg("%s", err.message);
    return out;
}

static void refused(const char *csv, const char *on, const char *names, const char *values, const char *attempts, an_code code,
                    const char *part1)
{
    an_error err = { 0 };
    an_table *t = parse(csv, NULL);
    an_list list = { 0 };
    an_list_split(&list, values, ',');
    if (an_table_pivot(t, on, names, &list, attempts, NULL, NULL, &err)) fail_msg("accepted where \"%s\" was expected", part1);
    if (err.code != code || !strstr(err.message, part1)) fail_msg("\"%s\" where \"%s\" was expected", err.message, part1);
    an_list_free(&list);
    an_table_free(t);
}

static void screws(void **state)
{
    (void)state;
    an_table *t = parse("part,line,screw,torque,angle,ok\nb,L1,10,1.5,10,yes\nb,L1,2,2.5,20,yes\na,L2,2,3.5,30,no\na,L2,10,4.5,40,no\nc,L1,"
                        "2,5.5,50,yes\n,L1,2,9,9,yes\n",
                        NULL);
    column(t, "torque")->unit = an_strdup("N.m");
    column(t, "torque")->spec = json_pack("{s:i}", "high", 5);
    json_t *report;
    an_table *out = pivot(t, "torque,angle", NULL, &report);
    assert_string_equal(
        shown(out), "part,line,ok,2_torque,2_angle,10_torque,10_angle\nb,L1,yes,2.5,20,1.5,10\na,L2,no,3.5,30,4.5,40\nc,L1,yes,5.5,50,,\n");
    assert_string_equal(column(out, "10_torque")->unit, "N.m");
    assert_int_equal(json_integer_value(json_object_get(column(out, "2_torque")->spec, "high")), 5);
    assert_int_equal(column(out, "part")->role, AN_ID);
    assert_int_equal(json_integer_value(json_object_get(report, "parts")), 3);
    assert_int_equal(json_integer_value(json_object_get(report, "left_out")), 1);
    assert_int_equal(json_integer_value(json_object_get(report, "incomplete_count")), 1);
    assert_string_equal(an_json_string(json_array_get(json_object_get(report, "incomplete"), 0), "key", ""), "c");
    assert_int_equal(json_array_size(json_object_get(report, "conflicts")), 0);
    json_decref(report);
    an_table_free(out);
    an_table_free(t);
}

static void named_screws(void **state)
{
    (void)state;
    an_table *t = parse("part,screw,t\n1,screw 10,1\n1,screw 9,2\n2,screw 9,3\n2,left,4\n", NULL);
    an_table *out = pivot(t, "t", NULL, NULL);
    assert_string_equal(shown(out), "part,left_t,screw 9_t,screw 10_t\n1,,2,1\n2,4,3,\n");
    an_table_free(out);
    an_table_free(t);
}

static void repeated(void **state)
{
    (void)state;
    const char *csv = "part,screw,t,who\na,1,1,\na,1,2,x\na,2,3,y\nb,1,4,z\n";
    refused(csv, "part", "screw", "t", NULL, AN_INPUT, "part a has screw 1 more than once (rows 1 and 2)");
    refused(csv, "part", "screw", "t", "refuse", AN_INPUT, "more than once");
    refused(csv, "part", "screw", "t", "all", AN_USAGE, "first, last or refuse");
    an_table *t = parse(csv, NULL);
    json_t *report;
    an_table *out = pivot(t, "t", "first", &report);
    assert_string_equal(shown(out), "part,who,1_t,2_t\na,x,1,3\nb,z,4,\n"); /* who: the first valid cell */
    json_t *list = json_object_get(report, "repeated");
    assert_int_equal(json_array_size(list), 1);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "rows")), 2);
    json_t *conflict = json_array_get(json_object_get(report, "conflicts"), 0);
    assert_string_equal(an_json_string(conflict, "column", ""), "who");
    assert_int_equal(json_integer_value(json_object_get(conflict, "parts")), 1);
    json_decref(report);
    an_table_free(out);
    out = pivot(t, "t", "last", NULL);
    assert_string_equal(shown(out), "part,who,1_t,2_t\na,x,2,3\nb,z,4,\n");
    an_table_free(out);
    an_table_free(t);
}

static void wrong(void **state)
{
    (void)state;
    const char *csv = "part,screw,t\na,1,1\na,2,2\n";
    refused(csv, "prt", "screw", "t", NULL, AN_NOT_FOUND, "no column prt");
    refused(csv, "part", "screw", "", NULL, AN_USAGE, "--values");
    refused(csv, "part", "part", "t", NULL, AN_USAGE, "both the part and the measurement");
    refused(csv, "part", "screw", "t,screw", NULL, AN_USAGE, "cannot be a value");
    refused("part,screw,t,1_t\na,1,1,5\n", "part", "screw", "t", NULL, AN_INPUT, "would be called 1_t");
    refused("part,screw,t\na,,1\nb,,2\n", "part", "screw", "t", NULL, AN_INPUT, "has no value");
    an_buf b = { 0 };
    an_buf_puts(&b, "part,screw,t\n");
    for (int i = 0; i < 1500; i++) an_buf_printf(&b, "a,%d,1\n", i);
    refused(b.data, "part", "screw", "t", NULL, AN_INPUT, "1500 different values");
    an_buf_free(&b);
}

/* Many parts, rows in any order: every cell where it belongs. */
static void many(void **state)
{
    (void)state;
    enum { PARTS = 20000, SCREWS = 4 };
    an_rng r = an_rng_at(3, 0);
    size_t *order = an_alloc_n(PARTS * SCREWS, sizeof *order);
    for (size_t i = 0; i < PARTS * SCREWS; i++) order[i] = i;
    an_rng_shuffle(&r, order, PARTS * SCREWS);
    an_buf b = { 0 };
    an_buf_puts(&b, "part,screw,t\n");
    for (size_t i = 0; i < PARTS * SCREWS; i++) an_buf_printf(&b, "%zu,%zu,%zu\n", order[i] / SCREWS, order[i] % SCREWS, order[i]);
    an_table *t = parse(b.data, NULL), *out = pivot(t, "t", NULL, NULL);
    assert_int_equal(out->rows, PARTS);
    for (size_t i = 0; i < PARTS; i++) {
        for (size_t k = 0; k < SCREWS; k++)
            assert_int_equal(out->column[1 + k].integer[i], out->column[0].integer[i] * SCREWS + (int64_t)k);
    }
    an_table_free(out);
    an_table_free(t);
    an_buf_free(&b);
    free(order);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(screws), cmocka_unit_test(named_screws), cmocka_unit_test(repeated),
                                        cmocka_unit_test(wrong), cmocka_unit_test(many) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
