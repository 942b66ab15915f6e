/* Versions and aliases: numbering, equal content, references and their error messages, moves, two processes at once. */
#include "store/help.h"

#include <sys/wait.h>

static int64_t add(an_store *s, an_name_kind kind, const char *name, const char *text, bool *existed)
{
    an_error err;
    an_hash a;
    int64_t version = 0;
    MUST(put_text(s, "data", text, &a, &err));
    MUST(an_version_add(s, kind, name, &a, NULL, NULL, &version, existed, &err));
    return version;
}

static int64_t get(an_store *s, an_name_kind kind, const char *reference)
{
    an_error err;
    an_version_row row;
    MUST(an_version_get(s, kind, reference, &row, &err));
    int64_t version = row.version;
    an_version_row_free(&row);
    return version;
}

static void test_versions(void **state)
{
    an_store *s = ((place *)*state)->store;
    an_error err;
    bool existed;
    assert_int_equal(add(s, AN_NAME_DATA, "press", "a", &existed), 1);
    assert_false(existed);
    assert_int_equal(add(s, AN_NAME_DATA, "press", "b", &existed), 2);
    assert_int_equal(add(s, AN_NAME_DATA, "press", "a", &existed), 1); /* data: any version with this content */
    assert_true(existed);
    assert_int_equal(add(s, AN_NAME_MODEL, "press", "a", NULL), 1);
    assert_int_equal(add(s, AN_NAME_MODEL, "press", "b", NULL), 2);
    assert_int_equal(add(s, AN_NAME_MODEL, "press", "b", &existed), 2); /* models: the newest only */
    assert_true(existed);
    assert_int_equal(add(s, AN_NAME_MODEL, "press", "a", &existed), 3);
    assert_false(existed);
    an_version_row *rows;
    size_t count;
    MUST(an_version_list(s, AN_NAME_MODEL, NULL, &rows, &count, &err));
    assert_int_equal(count, 3);
    assert_int_equal(rows[2].version, 3);
    an_version_rows_free(rows, count);
    MUST(an_version_list(s, AN_NAME_DATA, "other", &rows, &count, &err));
    assert_int_equal(count, 0);
    an_version_rows_free(rows, count);
    an_hash nothing = { { 1 } };
    int64_t version;
    REFUSED(an_version_add(s, AN_NAME_DATA, "press", &nothing, NULL, NULL, &version, NULL, &err), AN_NOT_FOUND);
    REFUSED(an_version_add(s, AN_NAME_DATA, "../x", &nothing, NULL, NULL, &version, NULL, &err), AN_USAGE);
    MUST(put_text(s, "data", "a", &nothing, &err));
    REFUSED(an_version_add(s, AN_NAME_DATA, "press", &nothing, "00000000000000000000000000", NULL, &version, NULL, &err), AN_NOT_FOUND);
}

static void test_references(void **state)
{
    an_store *s = ((place *)*state)->store;
    an_error err;
    an_version_row row;
    for (int i = 1; i <= 3; i++) {
        char text[8];
        snprintf(text, sizeof text, "%d", i);
        add(s, AN_NAME_MODEL, "gearbox", text, NULL);
    }
    an_move move = { AN_NAME_MODEL, "gearbox", "champion", 0, 2 };
    MUST(an_names_move(s, &move, 1, NULL, &err));
    assert_int_equal(get(s, AN_NAME_MODEL, "gearbox"), 3);
    assert_int_equal(get(s, AN_NAME_MODEL, "gearbox/1"), 1);
    assert_int_equal(get(s, AN_NAME_MODEL, "gearbox@champion"), 2);
    assert_int_equal(get(s, AN_NAME_MODEL, "model:gearbox@champion"), 2);
    REFUSED(an_version_get(s, AN_NAME_MODEL, "gaerbox", &row, &err), AN_NOT_FOUND);
    MENTIONS(err.hint, "\"gearbox\"");
    REFUSED(an_version_get(s, AN_NAME_MODEL, "gearbox/7", &row, &err), AN_NOT_FOUND);
    MENTIONS(err.hint, "1, 2, 3");
    REFUSED(an_version_get(s, AN_NAME_MODEL, "gearbox@candidate", &row, &err), AN_NOT_FOUND);
    MENTIONS(err.hint, "champion");
    REFUSED(an_version_get(s, AN_NAME_MODEL, "data:gearbox", &row, &err), AN_USAGE);
    REFUSED(an_version_get(s, AN_NAME_MODEL, "gearbox/x", &row, &err), AN_USAGE);
    REFUSED(an_version_get(s, AN_NAME_MODEL, "gearbox/99999999999999999999", &row, &err), AN_USAGE);
    REFUSED(an_version_get(s, AN_NAME_MODEL, "", &row, &err), AN_USAGE);
    REFUSED(an_version_get(s, AN_NAME_DATA, "gearbox", &row, &err), AN_NOT_FOUND);
    MENTIONS(err.hint, "no data");

    MUST(an_version_get(s, AN_NAME_MODEL, "gearbox/2", &row, &err));
    assert_string_equal(row.aliases, "champion");
    an_version_row same;
    MUST(an_version_by_address(s, &row.address, &same, &err));
    assert_int_equal(same.version, 2);
    an_version_row_free(&same);
    an_version_row_free(&row);
    an_hash nothing = { { 9 } };
    REFUSED(an_version_by_address(s, &nothing, &same, &err), AN_NOT_FOUND);
}

static void test_meta_and_run(void **state)
{
    an_store *s = ((place *)*state)->store;
    an_error err;
    an_hash a;
    int64_t version;
    MUST(put_text(s, "model", "m", &a, &err));
    char *run = an_run_begin(s, "train", "m", NULL, NULL, NULL, 7, &err);
    json_t *meta = json_pack("{s:i,s:s}", "rows", 12, "method", "wgan");
    MUST(an_version_add(s, AN_NAME_GENERATOR, "g", &a, run, meta, &version, NULL, &err));
    an_version_row row;
    MUST(an_version_get(s, AN_NAME_GENERATOR, "g", &row, &err));
    assert_string_equal(row.run, run);
    assert_true(json_equal(row.meta, meta));
    assert_memory_equal(&row.address, &a, sizeof a);
    assert_true(row.created_us > 1600000000000000LL);
    assert_string_equal(row.aliases, "");
    an_version_row_free(&row);
    json_decref(meta);
    free(run);
}

static int64_t alias_at(an_store *s, const char *reference)
{
    an_error err = { 0 };
    an_version_row row;
    if (!an_version_get(s, AN_NAME_MODEL, reference, &row, &err)) return 0;
    int64_t version = row.version;
    an_version_row_free(&row);
    return version;
}

static void test_moves(void **state)
{
    an_store *s = ((place *)*state)->store;
    an_error err;
    add(s, AN_NAME_MODEL, "m", "1", NULL);
    add(s, AN_NAME_MODEL, "m", "2", NULL);
    json_t *why = json_pack("{s:s}", "reason", "better recall");
    an_move both[2] = { { AN_NAME_MODEL, "m", "champion", 0, 2 }, { AN_NAME_MODEL, "m", "previous", -1, 1 } };
    MUST(an_names_move(s, both, 2, why, &err));
    assert_int_equal(alias_at(s, "m@champion"), 2);
    assert_int_equal(alias_at(s, "m@previous"), 1);
    /* the second of two does not hold: the first is not made either */
    an_move half[2] = { { AN_NAME_MODEL, "m", "champion", 2, 1 }, { AN_NAME_MODEL, "m", "previous", 2, 0 } };
    REFUSED(an_names_move(s, half, 2, why, &err), AN_FAILED);
    MENTIONS(err.message, "somebody moved it");
    assert_int_equal(alias_at(s, "m@champion"), 2);
    an_move nowhere = { AN_NAME_MODEL, "m", "champion", -1, 9 };
    REFUSED(an_names_move(s, &nowhere, 1, why, &err), AN_NOT_FOUND);
    an_move removal = { AN_NAME_MODEL, "m", "previous", 1, 0 };
    MUST(an_names_move(s, &removal, 1, NULL, &err));
    assert_int_equal(alias_at(s, "m@previous"), 0);
    json_t *record = an_record_list(s, "model:m", &err);
    assert_int_equal(json_array_size(record), 3); /* what did not happen is not recorded */
    const json_t *body = json_object_get(json_array_get(record, 0), "body");
    assert_string_equal(an_json_string(body, "alias", ""), "champion");
    assert_true(json_equal(json_object_get(body, "why"), why));
    assert_true(json_is_null(json_object_get(json_object_get(json_array_get(record, 2), "body"), "to")));
    size_t count;
    MUST(an_record_verify(s, &count, &err));
    assert_int_equal(count, 3);
    json_decref(record);
    json_decref(why);
}

/* Two processes add versions to one name: no number is given twice and none is left out. */
static void test_two_processes(void **state)
{
    place *p = *state;
    an_error err;
    enum { EACH = 40 };
    pid_t child[2];
    for (int c = 0; c < 2; c++) {
        child[c] = fork();
        if (child[c] != 0) continue;
        an_store *s = an_store_open(p->folder, &err);
        if (!s) _exit(1);
        for (int i = 0; i < EACH; i++) {
            char text[32];
            an_hash a;
            int64_t version;
            bool existed = true;
            snprintf(text, sizeof text, "process %d item %d", c, i);
            if (!put_text(s, "data", text, &a, &err) ||
                !an_version_add(s, AN_NAME_DATA, "shared", &a, NULL, NULL, &version, &existed, &err) || existed)
                _exit(2);
        }
        an_store_close(s);
        _exit(0);
    }
    for (int c = 0; c < 2; c++) {
        int status;
        waitpid(child[c], &status, 0);
        assert_int_equal(status, 0);
    }
    an_version_row *rows;
    size_t count;
    MUST(an_version_list(p->store, AN_NAME_DATA, "shared", &rows, &count, &err));
    assert_int_equal(count, 2 * EACH);
    bool seen[2 * EACH + 1] = { false };
    for (size_t i = 0; i < count; i++) {
        assert_in_range(rows[i].version, 1, 2 * EACH);
        assert_false(seen[rows[i].version]);
        seen[rows[i].version] = true;
    }
    an_version_rows_free(rows, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACED(test_versions), PLACED(test_references), PLACED(test_meta_and_run), PLACED(test_moves), PLACED(test_two_processes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
