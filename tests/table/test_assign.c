/* Roles and the audit, on made tables and on the real sets. */
#include "help.h"

static void expect_reason(const an_table *t, const char *name, const char *reason)
{
    const an_column *c = column(t, name);
    if (!reason && c->role == AN_FEATURE) return;
    if (!reason || c->role != AN_IGNORED || !c->reason || strcmp(c->reason, reason)) {
        fail_msg("%s: role %s, reason %s where %s was expected", name, an_role_name(c->role), c->reason ? c->reason : "none",
                 reason ? reason : "none");
    }
}

/* 400 rows, 40 broken. */
static an_table *made(void)
{
    an_buf text = { 0 };
    an_rng rng = an_rng_at(3, 0);
    an_buf_puts(&text, "serial,part,same,none,force,copy,repair,score,variant,note,broken\n");
    for (int i = 0; i < 400; i++) {
        int broken = i % 10 == 3;
        double force = 10 + an_rng_normal(&rng);
        /* repair: 1 for half of the broken parts; score: ranks the classes; variant: honest; note: repeated remarks */
        an_buf_printf(&text, "%d,P-%d,7,,%.3f,%.3f,%d,%.4f,%s,%s,%d\n", 1000 - i, i * 7919 % 1000, force, force, broken && i % 20 == 3,
                      broken + 0.4 * an_rng_uniform(&rng), i % 3 ? "A" : "B", i % 4 ? "ok" : "look again", broken);
    }
    an_csv_options o = { 0 };
    an_list_add(&o.type, "note=text");
    an_table *t = parse(text.data, &o);
    an_list_free(&o.type);
    an_buf_free(&text);
    return t;
}

static bool told(const an_list *notes, const char *part)
{
    for (size_t i = 0; i < notes->count; i++)
        if (strstr(notes->items[i], part)) return true;
    return false;
}

/* What an identifier may be good for, and numbers that were not understood. */
static void test_audit_advice(void **state)
{
    (void)state;
    an_buf text = { 0 };
    an_buf_puts(&text, "serial;at;share;force;ok\n");
    for (int i = 0; i < 60; i++)
        an_buf_printf(&text, "%d;%02d.01.2026 %02d:00;%d,5 %%;%d,25;%d\n", 900 - i, 1 + i / 24, i % 24, i, i % 7, i % 6 == 3);
    char target[] = "ok", id[] = "serial", at[] = "at";
    an_roles roles = { .target = target };
    an_list notes = { 0 };
    an_error err = { 0 };
    an_table *t = parse(text.data, NULL);
    if (!an_table_assign(t, &roles, &notes, &err)) fail_msg("%s", err.message);
    assert_true(told(&notes, "serial: identifier: whole numbers that never repeat (does it name the part? then --id)"));
    assert_true(told(&notes, "at: identifier: times that never repeat (with --time the newest rows become the test part)"));
    assert_true(
        told(&notes, "share: identifier: all 60 texts are different (does it name the part? then --id), though they look like numbers"));
    an_list_free(&notes);
    an_table_free(t);
    roles.id = id;
    roles.time = at;
    t = parse(text.data, NULL);
    if (!an_table_assign(t, &roles, &notes, &err)) fail_msg("%s", err.message);
    assert_int_equal(notes.count, 1);
    assert_true(told(&notes, "share: identifier: all 60 texts are different, though they look like numbers"));
    an_list_free(&notes);
    an_table_free(t);
    an_buf_free(&text);
}

static void test_audit(void **state)
{
    (void)state;
    an_table *t = made();
    char target[] = "broken";
    an_roles roles = { .target = target };
    an_list notes = { 0 };
    an_error err = { 0 };
    if (!an_table_assign(t, &roles, &notes, &err)) fail_msg("%s", err.message);
    expect_reason(t, "serial", "identifier");
    expect_reason(t, "part", "identifier");
    expect_reason(t, "same", "constant");
    expect_reason(t, "none", "empty");
    expect_reason(t, "force", NULL);
    expect_reason(t, "copy", "duplicate");
    expect_reason(t, "repair", "leak");
    expect_reason(t, "score", "leak");
    expect_reason(t, "variant", NULL);
    expect_reason(t, "note", NULL);
    assert_int_equal(column(t, "note")->type, AN_CATEGORY);
    assert_string_equal(cell(t, "note", 0), "look again");
    assert_string_equal(t->positive, "1");
    assert_int_equal(notes.count, 7);
    assert_true(told(&notes, "repair: leak: value 1 (20 rows) goes with broken = 1 only; --keep repair brings it back"));
    an_list_free(&notes);

    an_list_add(&roles.keep, "repair");
    an_list_add(&roles.drop, "variant");
    an_list_add(&roles.after_decision, "note");
    an_list_add(&roles.unit, "force=kN");
    char id[] = "part", positive[] = "0.0";
    roles.id = id;
    roles.positive = positive;
    if (!an_table_assign(t, &roles, NULL, &err)) fail_msg("%s", err.message);
    expect_reason(t, "repair", NULL);
    assert_true(column(t, "repair")->kept);
    expect_reason(t, "variant", "requested");
    expect_reason(t, "note", "after-decision");
    assert_string_equal(column(t, "force")->unit, "kN");
    assert_int_equal(column(t, "part")->role, AN_ID);
    assert_string_equal(t->positive, "0");
    json_t *j = an_table_columns_json(t);
    assert_int_equal(json_array_size(j), 11);
    assert_string_equal(an_json_string(json_array_get(j, 8), "reason", ""), "requested");
    json_decref(j);
    an_list_free(&roles.keep);
    an_list_free(&roles.drop);
    an_list_free(&roles.after_decision);
    an_list_free(&roles.unit);
    an_table_free(t);
}

static void refuse_roles(const char *text, an_roles roles, an_code code, const char *part)
{
    an_table *t = parse(text, NULL);
    an_error err = { 0 };
    assert_false(an_table_assign(t, &roles, NULL, &err));
    if (err.code != code || !strstr(err.message, part))
        fail_msg("code %d, \"%s\" where \"%s\" was expected", (int)err.code, err.message, part);
    an_table_free(t);
}

static void test_bad_targets(void **state)
{
    (void)state;
    char y[] = "y", z[] = "z", yy[] = "yy", c[] = "c", two[] = "2";
    refuse_roles("x,y\n1,0\n2,1\n2,1\n", (an_roles){ .target = yy }, AN_NOT_FOUND, "yy");
    refuse_roles("x,y\n1,0\n2,0\n", (an_roles){ .target = y }, AN_INPUT, "one class only, 0");
    refuse_roles("x,y\n1,\n2,\n3,\n", (an_roles){ .target = y }, AN_INPUT, "missing in every row");
    refuse_roles("x,y\n1,0\n2,0\n3,1\n", (an_roles){ .target = y }, AN_INPUT, "1 row with 1");
    refuse_roles("x,y\n1,0\n2,0\n3,1\n4,1\n", (an_roles){ .target = y, .positive = two }, AN_INPUT, "no value 2");
    refuse_roles("x,y\n1,0\n2,0\n3,1\n4,1\n", (an_roles){ .target = y, .group = y }, AN_USAGE, "both target and group");
    refuse_roles("c,y\na,0\nb,0\na,1\nb,1\n", (an_roles){ .target = y, .time = c }, AN_INPUT, "does not order rows");
    refuse_roles("z,y\n,0\n,0\n,1\n,1\n", (an_roles){ .target = z }, AN_INPUT, "missing in every row");
    an_roles drop = { .target = y };
    an_list_add(&drop.drop, "y");
    refuse_roles("x,y\n1,0\n2,0\n3,1\n4,1\n", drop, AN_USAGE, "cannot be left out");
    an_list_free(&drop.drop);
}

/* The newest parts have no label yet: they stay, are in no part, and nothing else moves. */
static void test_rows_without_a_label(void **state)
{
    (void)state;
    an_buf text = { 0 };
    an_buf_puts(&text, "x,y\n");
    for (int i = 0; i < 60; i++) an_buf_printf(&text, "%d.5,%s\n", i * 7 % 60, i % 10 == 3 ? "" : i % 5 ? "ok" : "nok");
    an_table *t = parse(text.data, NULL);
    char y[] = "y";
    an_list notes = { 0 };
    an_error err = { 0 };
    if (!an_table_assign(t, &(an_roles){ .target = y }, &notes, &err)) fail_msg("%s", err.message);
    assert_true(told(&notes, "y is missing in 6 rows (the first is row 4)"));
    assert_string_equal(t->positive, "nok");
    uint8_t label[60];
    assert_false(an_table_labels(t, label, &err));
    assert_non_null(strstr(err.message, "missing in row 4"));
    assert_true(an_table_labels_known(t, label, &err));
    size_t positives = 0;
    for (int i = 0; i < 60; i++) positives += label[i];
    assert_int_equal(positives, 12);
    an_split s;
    assert_true(an_split_make(t, NULL, &s, &err));
    assert_int_equal(s.train_count + s.test_count, 54);
    assert_int_equal(s.test_count, 3 + 11); /* 12 / 4, and 42 / 4 rounded up */
    for (size_t i = 0; i < s.train_count; i++) assert_int_not_equal(s.train[i] % 10, 3);
    for (size_t i = 0; i < s.test_count; i++) assert_int_not_equal(s.test[i] % 10, 3);
    an_split_free(&s);
    an_list_free(&notes);
    an_table_free(t);
    an_buf_free(&text);
}

/* Rows without a label say nothing of a leak: neither do they hide one, nor are they taken for the other class. */
static void test_leaks_beside_rows_without_a_label(void **state)
{
    (void)state;
    char y[] = "y";
    for (int common = 0; common < 2; common++) { /* the positive value named is the rarer one, or the other */
        an_buf text = { 0 };
        an_rng rng = an_rng_at(11, 0);
        an_buf_puts(&text, "force,repair,score,stage,y\n");
        for (int i = 0; i < 600; i++) {
            bool known = i < 400, bad = i % 10 == 3;
            an_buf_printf(&text, "%.4f,%d,%.4f,%s,%s\n", an_rng_normal(&rng), bad, bad + 0.4 * an_rng_uniform(&rng),
                          !known  ? "open"
                          : i % 3 ? "a"
                                  : "b",
                          !known ? ""
                          : bad  ? "nok"
                                 : "ok");
        }
        /* where the label is not known, the columns go on, the other way round */
        for (int i = 0; i < 200; i++) an_buf_printf(&text, "%.4f,%d,%.4f,open,\n", an_rng_normal(&rng), i % 2, 2.0 * (i % 2));
        an_table *t = parse(text.data, NULL);
        an_list notes = { 0 };
        an_error err = { 0 };
        char positive[4] = "nok";
        if (common) memcpy(positive, "ok", 3);
        if (!an_table_assign(t, &(an_roles){ .target = y, .positive = positive }, &notes, &err)) fail_msg("%s", err.message);
        expect_reason(t, "force", NULL);
        expect_reason(t, "repair", "leak");
        expect_reason(t, "score", "leak");
        expect_reason(t, "stage", NULL);
        assert_true(told(&notes, "value 1 (40 rows) goes with y = nok only"));
        an_list_free(&notes);
        an_table_free(t);
        an_buf_free(&text);
    }
}

/* Several classes: without a word they are said to be several, with one named that one is told from the rest. */
static void test_one_from_the_rest(void **state)
{
    (void)state;
    an_buf text = { 0 };
    an_buf_puts(&text, "x,y\n");
    for (int i = 0; i < 80; i++) an_buf_printf(&text, "%d.5,%s\n", i * 7 % 80, i % 8 == 0 ? "crack" : i % 8 == 1 ? "pore" : "good");
    an_table *t = parse(text.data, NULL);
    char y[] = "y", pore[] = "pore";
    an_list notes = { 0 };
    an_error err = { 0 };
    uint8_t label[80];
    assert_true(an_table_assign(t, &(an_roles){ .target = y }, &notes, &err));
    assert_true(told(&notes, "y has 3 classes; models tell one from the rest: name it with --positive crack, say"));
    assert_false(an_table_labels(t, label, &err));
    assert_non_null(strstr(err.hint, "--positive"));
    an_list_free(&notes);
    assert_true(an_table_assign(t, &(an_roles){ .target = y, .positive = pore }, &notes, &err));
    assert_true(told(&notes, "y has 3 classes: pore is told from the rest"));
    assert_true(an_table_labels(t, label, &err));
    for (int i = 0; i < 80; i++) assert_int_equal(label[i], i % 8 == 1);
    an_split s;
    assert_true(an_split_make(t, NULL, &s, &err));
    size_t tested = 0;
    for (size_t i = 0; i < s.test_count; i++) tested += label[s.test[i]];
    assert_int_equal(tested, 3); /* of 10: half up */
    an_split_free(&s);
    an_list_free(&notes);
    an_table_free(t);
    an_buf_free(&text);
}

static void test_small_tables_lose_nothing(void **state)
{
    (void)state; /* ten rows of one value with the rarer class are no evidence where half of all rows are of that class */
    an_buf text = { 0 };
    an_buf_puts(&text, "flag,x,y\n");
    for (int i = 0; i < 40; i++) an_buf_printf(&text, "%d,%d.5,%d\n", i < 10, i % 5, i < 20);
    an_table *t = parse(text.data, NULL);
    char y[] = "y";
    assert_true(an_table_assign(t, &(an_roles){ .target = y }, NULL, NULL));
    expect_reason(t, "flag", NULL);
    expect_reason(t, "x", NULL);
    an_table_free(t);
    an_buf_free(&text);
}

static void test_ai4i(void **state)
{
    (void)state;
    char *path = data_file("ai4i2020/ai4i2020.csv");
    if (!path) skip();
    an_csv_dialect d;
    an_error err = { 0 };
    an_table *t = an_csv_read(path, NULL, &d, NULL, &err);
    if (!t) fail_msg("%s", err.message);
    assert_true(d.bom && d.crlf);
    assert_int_equal(t->rows, 10000);
    assert_int_equal(t->columns, 14);
    char target[] = "Machine failure";
    if (!an_table_assign(t, &(an_roles){ .target = target }, NULL, &err)) fail_msg("%s", err.message);
    expect_reason(t, "UDI", "identifier");
    expect_reason(t, "Product ID", "identifier");
    expect_reason(t, "TWF", "leak");
    expect_reason(t, "HDF", "leak");
    expect_reason(t, "PWF", "leak");
    expect_reason(t, "OSF", "leak");
    static const char *const honest[] = {
        "RNF", "Type", "Air temperature [K]", "Process temperature [K]", "Rotational speed [rpm]", "Torque [Nm]", "Tool wear [min]"
    };
    for (size_t i = 0; i < AN_COUNT(honest); i++) expect_reason(t, honest[i], NULL);
    uint8_t *label = malloc(t->rows);
    assert_true(an_table_labels(t, label, &err));
    size_t positives = 0;
    for (size_t i = 0; i < t->rows; i++) positives += label[i];
    assert_int_equal(positives, 339);
    free(label);
    an_table_free(t);
    free(path);
}

static void test_steel(void **state)
{
    (void)state;
    char *path = data_file("steel-plates-faults/Faults.NNA"), *names = data_file("steel-plates-faults/Faults27x7_var");
    if (!path || !names) skip();
    static const char *const classes[] = { "Pastry", "Z_Scratch", "K_Scatch", "Stains", "Dirtiness", "Bumps", "Other_Faults" };
    for (size_t k = 0; k < AN_COUNT(classes); k++) {
        an_error err = { 0 };
        an_csv_dialect d;
        an_table *t = an_csv_read(path, &(an_csv_options){ .names = names }, &d, NULL, &err);
        if (!t) fail_msg("%s", err.message);
        assert_int_equal(d.delimiter, '\t');
        assert_false(d.header);
        assert_int_equal(t->rows, 1941);
        assert_int_equal(t->columns, 34);
        char target[32];
        snprintf(target, sizeof target, "%s", classes[k]);
        an_roles roles = { .target = target };
        for (size_t i = 0; i < AN_COUNT(classes); i++) {
            if (i != k) an_list_add(&roles.drop, classes[i]);
        }
        if (!an_table_assign(t, &roles, NULL, &err)) fail_msg("%s", err.message);
        for (size_t j = 0; j < 27; j++) expect_reason(t, t->column[j].name, NULL);
        an_list_free(&roles.drop);
        an_table_free(t);
    }
    free(path);
    free(names);
}

static void test_secom(void **state)
{
    (void)state;
    char *path = data_file("secom/secom_1547.data.gz"), *labels = data_file("secom/secom_1547_labels.data");
    if (!path || !labels) skip();
    an_error err = { 0 };
    an_csv_dialect d;
    an_csv_options o = { .no_header = true };
    an_table *t = an_csv_read(path, &o, &d, NULL, &err);
    if (!t) fail_msg("%s", err.message);
    assert_true(d.gzip && d.delimiter == ' ');
    assert_int_equal(t->rows, 1547);
    assert_int_equal(t->columns, 590);
    size_t missing = 0, with_missing = 0;
    for (size_t j = 0; j < t->columns; j++) {
        missing += t->column[j].missing;
        with_missing += t->column[j].missing > 0;
    }
    assert_int_equal(missing, 41391);
    assert_int_equal(with_missing, 534);
    char format[] = "%d/%m/%Y %H:%M:%S";
    o.date_format = format;
    an_table *l = an_csv_read(labels, &o, NULL, NULL, &err);
    if (!l) fail_msg("%s", err.message);
    assert_int_equal(l->columns, 2);
    assert_int_equal(column(l, "c2")->type, AN_DATETIME);
    an_table_free(l);
    /* features and labels bound line by line, as a person would with paste(1) */
    an_buf bound = { 0 }, text = { 0 };
    assert_true(an_file_read(labels, 1 << 20, &text, &err));
    const char *line = text.data;
    for (size_t i = 0; i < t->rows; i++) {
        for (size_t j = 0; j < t->columns; j++) {
            an_cell_text(&t->column[j], i, &bound);
            an_buf_putc(&bound, ',');
        }
        an_buf_add(&bound, line, strcspn(line, " "));
        an_buf_putc(&bound, '\n');
        line = strchr(line, '\n') + 1;
    }
    an_table *b = an_csv_parse(bound.data, bound.size, "bound", &o, NULL, NULL, &err);
    if (!b) fail_msg("%s", err.message);
    for (size_t j = 0; j < t->columns; j += 13) { /* the same numbers, to the bit */
        for (size_t i = 0; i < t->rows; i++) {
            double x = an_cell_number(&t->column[j], i), y = an_cell_number(&b->column[j], i);
            assert_true(x == y || (x != x && y != y));
        }
    }
    char target[] = "c591";
    if (!an_table_assign(b, &(an_roles){ .target = target }, NULL, &err)) fail_msg("%s", err.message);
    assert_string_equal(b->positive, "1");
    size_t constant = 0, leak = 0, identifier = 0;
    for (size_t j = 0; j < b->columns; j++) {
        const char *reason = b->column[j].reason ? b->column[j].reason : "";
        constant += !strcmp(reason, "constant");
        leak += !strcmp(reason, "leak");
        identifier += !strcmp(reason, "identifier");
    }
    assert_int_equal(constant, 116); /* as published for all 1,567 rows */
    assert_int_equal(leak, 0);
    assert_int_equal(identifier, 0);
    an_buf_free(&bound);
    an_buf_free(&text);
    an_table_free(b);
    an_table_free(t);
    free(path);
    free(labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_audit),
        cmocka_unit_test(test_audit_advice),
        cmocka_unit_test(test_bad_targets),
        cmocka_unit_test(test_small_tables_lose_nothing),
        cmocka_unit_test(test_ai4i),
        cmocka_unit_test(test_steel),
        cmocka_unit_test(test_secom),
        cmocka_unit_test(test_rows_without_a_label),
        cmocka_unit_test(test_one_from_the_rest),
        cmocka_unit_test(test_leaks_beside_rows_without_a_label),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
