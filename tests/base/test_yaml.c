/* YAML: the core schema, places, anchors, refusals. */
#include "testing.h"

static an_error err;

/* text as YAML gives this compact JSON */
static void check(const char *text, const char *expected)
{
    err = (an_error){ 0 };
    an_yaml *y = an_yaml_parse(text, strlen(text), "x.yaml", &err);
    if (!y) fail_msg("%s: %s", text, err.message);
    char *json = an_json_text(an_yaml_root(y), false);
    assert_string_equal(json, expected);
    free(json);
    an_yaml_free(y);
}

static void check_refused(const char *text, const char *part)
{
    err = (an_error){ 0 };
    an_yaml *y = an_yaml_parse(text, strlen(text), "x.yaml", &err);
    if (y) fail_msg("%s was read", text);
    assert_int_equal(err.code, AN_INPUT);
    if (!strstr(err.message, part)) fail_msg("\"%s\" does not hold \"%s\"", err.message, part);
    assert_int_equal(strncmp(err.where, "x.yaml", 6), 0);
}

static void scalars_of_the_core_schema(void **state)
{
    (void)state;
    check("[null, Null, NULL, ~, ]", "[null,null,null,null]");
    check("a:\nb: ~", "{\"a\":null,\"b\":null}");
    check("[true, True, TRUE, false, False, FALSE, tRUE]", "[true,true,true,false,false,false,\"tRUE\"]");
    check("[yes, no, on, off, y, n]", "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"n\"]");
    check("[0, -1, +7, 0o17, 0x1F, 007, 1_000, 12:30:45, 0b1]", "[0,-1,7,15,31,7,\"1_000\",\"12:30:45\",\"0b1\"]");
    check("[1.5, .5, 1., -1e3, 1E+2, 1e-07, +.5e1]", "[1.5,0.5,1.0,-1000.0,100.0,1e-07,5.0]");
    check("[., -, e5, 1e, 1.2.3, 0x, 0o8, '-', +]", "[\".\",\"-\",\"e5\",\"1e\",\"1.2.3\",\"0x\",\"0o8\",\"-\",\"+\"]");
    check("[.inf, -.inf, .nan]", "[\".inf\",\"-.inf\",\".nan\"]");
    check("['1', \"true\", 'null', \"\"]", "[\"1\",\"true\",\"null\",\"\"]");
    check("2026-03-01", "\"2026-03-01\"");
    check("a: |\n  one\n  two\nb: >\n  one\n  two\n", "{\"a\":\"one\\ntwo\\n\",\"b\":\"one two\\n\"}");
    check("9223372036854775807", "9223372036854775807");
}

static void tags(void **state)
{
    (void)state;
    check("[!!str 1, !!int '7', !!float 3, !!bool 'true', !!null '', ! 5, !!seq [1], !!map {a: 1}]",
          "[\"1\",7,3.0,true,null,\"5\",[1],{\"a\":1}]");
    check_refused("!!int x", "does not fit its tag");
    check_refused("!!bool no", "does not fit its tag");
    check_refused("!!python/object:os.system x", "the tag \"tag:yaml.org,2002:python/object:os.system\" is not known here");
    check_refused("!mine [1]", "is not known here");
    check_refused("!!set {a}", "is not known here");
}

static void order_is_kept(void **state)
{
    (void)state;
    const char *text = "zebra: 1\napple: 2\nmango: 3\n";
    an_yaml *y = an_yaml_parse(text, strlen(text), "x", &err);
    const char *key;
    json_t *value, *root = (json_t *)an_yaml_root(y);
    an_buf b = { 0 };
    json_object_foreach(root, key, value) an_buf_printf(&b, "%s ", key);
    assert_string_equal(b.data, "zebra apple mango ");
    an_buf_free(&b);
    an_yaml_free(y);
}

static void lines_of_values(void **state)
{
    (void)state;
    const char *text = "# a flow\n"
                       "steps:\n"
                       "  train:\n"
                       "    uses: train\n"
                       "    set:\n"
                       "      rate: 1e-4\n"
                       "  judge:\n"
                       "    after: [train,\n"
                       "            clean]\n"
                       "list:\n"
                       "  - a: 1\n"
                       "    b: 2\n"
                       "  - x\n";
    an_yaml *y = an_yaml_parse(text, strlen(text), "x", &err);
    assert_non_null(y);
    assert_int_equal(an_yaml_line(y, ""), 2);
    assert_int_equal(an_yaml_line(y, "steps"), 2);
    assert_int_equal(an_yaml_line(y, "steps.train"), 3);
    assert_int_equal(an_yaml_line(y, "steps.train.uses"), 4);
    assert_int_equal(an_yaml_line(y, "steps.train.set.rate"), 6);
    assert_int_equal(an_yaml_line(y, "steps.judge.after.0"), 8);
    assert_int_equal(an_yaml_line(y, "steps.judge.after.1"), 9);
    assert_int_equal(an_yaml_line(y, "list.0.b"), 12);
    assert_int_equal(an_yaml_line(y, "list.1"), 13);
    assert_int_equal(an_yaml_line(y, "steps.none"), 0);
    an_yaml_free(y);
}

static void anchors_and_aliases(void **state)
{
    (void)state;
    check("a: &x {n: 1}\nb: *x\nc: [*x, *x]\n", "{\"a\":{\"n\":1},\"b\":{\"n\":1},\"c\":[{\"n\":1},{\"n\":1}]}");
    check("- &x 1\n- &x 2\n- *x\n", "[1,2,2]"); /* the latest counts */
    check_refused("a: *none\n", "there is no anchor \"none\" above");
    check_refused("a: &x [*x]\n", "there is no anchor \"x\" above"); /* inside itself */
    check_refused("base: &b {n: 1}\nx:\n  <<: *b\n", "merge keys");
    check("x: {'<<': 1}\n", "{\"x\":{\"<<\":1}}");
    /* copies: a change in one place is none in the other */
    an_yaml *y = an_yaml_parse("[&x {}, *x]", 11, "x", &err);
    assert_ptr_not_equal(json_array_get(an_yaml_root(y), 0), json_array_get(an_yaml_root(y), 1));
    an_yaml_free(y);
}

static void expansion_is_limited(void **state)
{
    (void)state;
    an_buf b = { 0 };
    an_buf_puts(&b, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 10; i++) {
        an_buf_printf(&b, "a%d: &a%d [", i, i);
        for (int k = 0; k < 10; k++) an_buf_printf(&b, "%s*a%d", k ? ", " : "", i - 1);
        an_buf_puts(&b, "]\n");
    }
    check_refused(b.data, "aliases expand to more than 100000 values");
    an_buf_free(&b);
}

static void refuses_bad_documents(void **state)
{
    (void)state;
    check_refused("a: 1\nb: 2\na: 3\n", "line 3, column 1: the key \"a\" appears twice");
    check_refused("a: 1\n---\nb: 2\n", "second document");
    check_refused("a: [1, 2\n", "line 2");
    check_refused("a:\n\tb: 1\n", "line 2");
    check_refused("? [a]\n: 1\n", "a key must be a plain text");
    check_refused("? *x\n: 1\n", "a key must be a plain text");
    check_refused("&x a: 1\n", "has an anchor");
    check_refused("\"a\\0b\": 1\n", "NUL");
    check_refused("a: \"x\\0y\"\n", "NUL");
    check_refused("n: 99999999999999999999\n", "too large for an integer");
    check_refused("n: 1e999\n", "too large for a number");
    check_refused("a: \xff\xfe\n", "not valid YAML");
    check_refused("a: b: c\n", "line 1");
    an_buf b = { 0 };
    for (int i = 0; i < 300; i++) an_buf_putc(&b, '[');
    check_refused(b.data, "nested deeper than 200");
    an_buf_free(&b);
}

static void empty_documents_are_null(void **state)
{
    (void)state;
    check("", "null");
    check("# only a remark\n", "null");
    check("---\n", "null");
    check("---\na: 1\n...\n", "{\"a\":1}");
    check("%YAML 1.1\n---\nno\n", "\"no\"");
    check("\xef\xbb\xbf"
          "a: 1\n",
          "{\"a\":1}");
    check("a: 1\r\nb: 2\r\n", "{\"a\":1,\"b\":2}");
    check("{\"json\": [1, 2.5, \"x\"]}", "{\"json\":[1,2.5,\"x\"]}");
}

static void long_paths_have_no_line(void **state)
{
    (void)state;
    an_buf b = { 0 };
    for (int i = 0; i < 2000; i++) an_buf_putc(&b, 'k');
    char *key = an_strdup(b.data);
    an_buf_puts(&b, ":\n  x: 1\n");
    an_yaml *y = an_yaml_parse(b.data, b.size, "x", &err);
    if (!y) { /* libyaml holds keys to 1024 characters */
        assert_non_null(strstr(err.message, "line 1"));
    } else {
        assert_int_equal(an_yaml_line(y, key), 0);
        an_yaml_free(y);
    }
    an_buf_clear(&b);
    an_buf_printf(&b, "? %s\n: {x: 1}\nlast: 1\n", key); /* but not explicit ones */
    y = an_yaml_parse(b.data, b.size, "x", &err);
    if (!y) fail_msg("%s", err.message);
    assert_int_equal(an_yaml_line(y, key), 0);
    assert_int_equal(an_yaml_line(y, "last"), 3);
    an_yaml_free(y);
    free(key);
    an_buf_free(&b);
}

static void files(void **state)
{
    (void)state;
    char *folder = scratch_new(), *path = an_path_join(folder, "f.yaml");
    assert_null(an_yaml_read(path, &err));
    assert_int_equal(err.code, AN_NOT_FOUND);
    assert_ok(an_file_write(path, "a: [\n", 5, &err));
    assert_null(an_yaml_read(path, &err));
    assert_int_equal(err.code, AN_INPUT);
    assert_non_null(strstr(err.message, "f.yaml, line 2"));
    assert_ok(an_file_write(path, "a: 1\n", 5, &err));
    an_yaml *y = an_yaml_read(path, &err);
    assert_non_null(y);
    assert_int_equal(an_yaml_line(y, "a"), 1);
    an_yaml_free(y);
    an_yaml_free(NULL);
    free(path);
    scratch_end(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_of_the_core_schema),
        cmocka_unit_test(tags),
        cmocka_unit_test(order_is_kept),
        cmocka_unit_test(lines_of_values),
        cmocka_unit_test(anchors_and_aliases),
        cmocka_unit_test(expansion_is_limited),
        cmocka_unit_test(refuses_bad_documents),
        cmocka_unit_test(empty_documents_are_null),
        cmocka_unit_test(long_paths_have_no_line),
        cmocka_unit_test(files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
