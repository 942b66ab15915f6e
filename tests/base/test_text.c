/* Buffers, lists, the nearest name. */
#include "testing.h"

static void buffers_grow_and_end_with_nul(void **state)
{
    (void)state;
    an_buf b = { 0 };
    for (int i = 0; i < 5000; i++) {
        an_buf_putc(&b, (char)('a' + i % 26));
        assert_int_equal(b.data[b.size], '\0');
    }
    an_buf_add(&b, "x\0y", 3);
    assert_int_equal(b.size, 5003);
    assert_memory_equal(b.data + 5000, "x\0y", 4);
    an_buf_clear(&b);
    assert_int_equal(b.size, 0);
    assert_string_equal(b.data, "");
    char *blanks = an_format("%*s", 3000, "");
    an_buf_printf(&b, "%d:%s:", 7, blanks); /* longer than the room at hand */
    assert_int_equal(b.size, 3003);
    assert_memory_equal(b.data, "7: ", 3);
    assert_string_equal(b.data + 3001, " :");
    free(blanks);
    char *text = an_buf_take(&b);
    assert_int_equal(strlen(text), 3003);
    assert_null(b.data);
    free(text);
    text = an_buf_take(&b);
    assert_string_equal(text, "");
    free(text);
    an_buf_add(&b, NULL, 0);
    assert_string_equal(b.data, "");
    an_buf_free(&b);
    an_buf_free(&b);
}

static void check_split(const char *text, char separator, const char *expected)
{
    an_list l = { 0 };
    an_list_split(&l, text, separator);
    an_buf b = { 0 };
    an_buf_puts(&b, "");
    for (size_t i = 0; i < l.count; i++) an_buf_printf(&b, "<%s>", l.items[i]);
    assert_string_equal(b.data, expected);
    an_buf_free(&b);
    an_list_free(&l);
}

static void lists_split(void **state)
{
    (void)state;
    check_split("a, b ,c", ',', "<a><b><c>");
    check_split("", ',', "");
    check_split(" , ,", ',', "");
    check_split("one", ',', "<one>");
    check_split("a,,b,", ',', "<a><b>");
    check_split("\"a,b\", c", ',', "<a,b><c>");
    check_split("\"say \"\"hi\"\"\",x", ',', "<say \"hi\"><x>");
    check_split("\" padded \"", ',', "< padded >");
    check_split("\"\",x", ',', "<><x>"); /* an empty part that was asked for */
    check_split("\"open, end", ',', "<open, end>");
    check_split("a b  c", ' ', "<a><b><c>");
    check_split("a|b", '|', "<a><b>");
    check_split("in\"side,x", ',', "<in\"side><x>");
    check_split(NULL, ',', "");
}

static void lists_hold_copies(void **state)
{
    (void)state;
    an_list l = { 0 };
    char text[] = "first";
    an_list_add(&l, text);
    text[0] = 'F';
    an_list_add_take(&l, an_strdup("second"));
    for (int i = 0; i < 100; i++) an_list_add(&l, "more");
    assert_int_equal(l.count, 102);
    assert_string_equal(l.items[0], "first");
    assert_true(an_list_has(&l, "second"));
    assert_false(an_list_has(&l, "First"));
    an_list_free(&l);
    assert_int_equal(l.count, 0);
    assert_null(l.items);
}

static void nearest_names(void **state)
{
    (void)state;
    static const char *const names[] = { "rate", "critic_steps", "batch", "penalty", "seed" };
    size_t n = AN_COUNT(names);
    assert_string_equal(an_nearest("rat", names, n), "rate");
    assert_string_equal(an_nearest("raet", names, n), "rate"); /* one swap */
    assert_string_equal(an_nearest("critic-step", names, n), "critic_steps");
    assert_string_equal(an_nearest("Batch", names, n), "batch");
    assert_string_equal(an_nearest("pentaly", names, n), "penalty");
    assert_string_equal(an_nearest("penatly", names, n), "penalty");
    assert_null(an_nearest("target", names, n));
    assert_null(an_nearest("xxxx", names, n));
    assert_null(an_nearest("", names, n));
    assert_null(an_nearest("rate", names, 0));
    /* the nearer one wins, the first of equals */
    static const char *const close[] = { "drops", "drop", "crop" };
    assert_string_equal(an_nearest("dropp", close, 3), "drops");
    assert_string_equal(an_nearest("dro", close, 3), "drop");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers_grow_and_end_with_nul),
        cmocka_unit_test(lists_split),
        cmocka_unit_test(lists_hold_copies),
        cmocka_unit_test(nearest_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
