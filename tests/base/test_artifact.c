/* Artifacts: the manifest, refused paths, links and devices, alterations that show. */
#include "testing.h"

#include <sys/stat.h>
#include <unistd.h>

static an_error err;

static char *inside(const an_artifact *a, const char *name)
{
    return an_path_join(an_artifact_folder(a), name);
}

static an_artifact *made(char **scratch)
{
    *scratch = scratch_new();
    char *folder = an_path_join(*scratch, "a");
    an_artifact *a = an_artifact_new(folder, &err);
    if (!a) fail_msg("%s", err.message);
    assert_string_equal(an_artifact_folder(a), folder);
    free(folder);
    return a;
}

static void ended(an_artifact *a, char *scratch)
{
    an_artifact_free(a);
    scratch_end(scratch);
}

static void written_and_read(void **state)
{
    (void)state;
    char *scratch;
    an_artifact *a = made(&scratch);
    assert_ok(an_artifact_write(a, "deep/er/f.bin", "a\0b", 3, &err));
    json_t *value = json_pack("{s:i}", "n", 1), *again;
    assert_ok(an_artifact_write_json(a, "model.json", value, &err));
    an_buf b = { 0 };
    assert_ok(an_artifact_read(a, "deep/er/f.bin", &b, &err));
    assert_int_equal(b.size, 3);
    assert_memory_equal(b.data, "a\0b", 3);
    again = an_artifact_read_json(a, "model.json", &err);
    assert_true(json_equal(value, again));
    assert_true(an_artifact_has(a, "model.json"));
    assert_false(an_artifact_has(a, "none"));
    assert_false(an_artifact_has(a, "deep"));
    assert_fails(an_artifact_read(a, "none", &b, &err), AN_NOT_FOUND, "none");
    assert_fails(an_artifact_read(a, "none/f", &b, &err), AN_NOT_FOUND, "none/f");
    assert_fails(an_artifact_read(a, "model.json/f", &b, &err), AN_CORRUPT, "link or a file");
    assert_fails(an_artifact_read(a, "deep", &b, &err), AN_CORRUPT, "not a file");
    assert_null(an_artifact_read_json(a, "deep/er/f.bin", &err));
    assert_int_equal(err.code, AN_INPUT);
    char *path = an_artifact_path(a, "stream/rows.csv"); /* its folder is there for a writer */
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    assert_true(an_artifact_has(a, "stream/rows.csv"));
    free(path);
    json_decref(value);
    json_decref(again);
    an_buf_free(&b);
    ended(a, scratch);
}

static void the_manifest_is_as_described(void **state)
{
    (void)state;
    char *scratch;
    an_artifact *a = made(&scratch);
    /* written out of order; '.' sorts before '/', capital before small */
    assert_ok(an_artifact_write(a, "b/x", "abc", 3, &err));
    assert_ok(an_artifact_write(a, "b.txt", "", 0, &err));
    assert_ok(an_artifact_write(a, "Z", "abc", 3, &err));
    an_hash address, expected;
    an_buf manifest = { 0 };
    an_buf_puts(&manifest, "old");
    assert_ok(an_artifact_seal(a, &address, &manifest, &err));
    const char *text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 3 Z\n"
                       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 b.txt\n"
                       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 3 b/x\n";
    assert_string_equal(manifest.data, text);
    an_hash_bytes(text, strlen(text), &expected);
    assert_memory_equal(&address, &expected, sizeof address);
    /* the same content elsewhere has the same address; any change shows */
    char *other_scratch;
    an_artifact *other = made(&other_scratch);
    assert_ok(an_artifact_write(other, "Z", "abc", 3, &err));
    assert_ok(an_artifact_write(other, "b/x", "abc", 3, &err));
    assert_ok(an_artifact_write(other, "b.txt", "", 0, &err));
    an_hash again;
    assert_ok(an_artifact_seal(other, &again, NULL, &err));
    assert_memory_equal(&address, &again, sizeof address);
    assert_ok(an_artifact_write(other, "b/x", "abd", 3, &err));
    assert_ok(an_artifact_seal(other, &again, NULL, &err));
    assert_memory_not_equal(&address, &again, sizeof address);
    an_buf_free(&manifest);
    ended(other, other_scratch);
    ended(a, scratch);
}

static void an_empty_artifact(void **state)
{
    (void)state;
    char *scratch;
    an_artifact *a = made(&scratch);
    an_hash address, empty;
    an_buf manifest = { 0 };
    assert_ok(an_artifact_seal(a, &address, &manifest, &err));
    an_hash_bytes("", 0, &empty);
    assert_memory_equal(&address, &empty, sizeof empty);
    assert_string_equal(manifest.data, "");
    an_buf_free(&manifest);
    ended(a, scratch);
}

static void bad_paths_are_refused(void **state)
{
    (void)state;
    char *scratch;
    an_artifact *a = made(&scratch);
    static const char *const bad[] = { "", "/etc/passwd", "../x", "a/../../x", "a/..", "..", ".", "./a", "a//b", "a/", "a\nb", "a\x7f" };
    an_buf b = { 0 };
    for (size_t i = 0; i < AN_COUNT(bad); i++) {
        assert_fails(an_artifact_write(a, bad[i], "x", 1, &err), AN_INPUT, "in an artifact");
        assert_fails(an_artifact_read(a, bad[i], &b, &err), AN_INPUT, "in an artifact");
        assert_false(an_artifact_has(a, bad[i]));
        json_t *value = json_integer(1);
        assert_fails(an_artifact_write_json(a, bad[i], value, &err), AN_INPUT, "in an artifact");
        json_decref(value);
    }
    an_buf deep = { 0 };
    for (int i = 0; i < 33; i++) an_buf_puts(&deep, i ? "/d" : "d");
    assert_fails(an_artifact_write(a, deep.data, "x", 1, &err), AN_INPUT, "too deep");
    deep.data[deep.size - 2] = '\0';
    assert_ok(an_artifact_write(a, deep.data, "x", 1, &err));
    an_hash address;
    assert_ok(an_artifact_seal(a, &address, NULL, &err));      /* what may be written may be sealed */
    assert_ok(an_artifact_write(a, "..a/b..c", "x", 1, &err)); /* only whole parts count */
    an_buf_free(&deep);
    an_buf_free(&b);
    ended(a, scratch);
}

static void links_and_devices_are_refused(void **state)
{
    (void)state;
    char *scratch, *outside = scratch_new(), *secret = an_path_join(outside, "secret");
    assert_ok(an_file_write(secret, "s", 1, &err));
    an_artifact *a = made(&scratch);
    assert_ok(an_artifact_write(a, "good", "x", 1, &err));
    char *link = inside(a, "link"), *folder = inside(a, "folder"), *fifo = inside(a, "fifo");
    an_hash address;
    an_buf b = { 0 };

    assert_int_equal(symlink(secret, link), 0);
    assert_fails(an_artifact_read(a, "link", &b, &err), AN_CORRUPT, "link");
    assert_false(an_artifact_has(a, "link"));
    assert_fails(an_artifact_seal(a, &address, NULL, &err), AN_CORRUPT, "symbolic link");
    assert_null(an_artifact_open(an_artifact_folder(a), &err));
    assert_int_equal(err.code, AN_CORRUPT);
    unlink(link);

    assert_int_equal(symlink(outside, folder), 0);
    assert_fails(an_artifact_read(a, "folder/secret", &b, &err), AN_CORRUPT, "link");
    assert_fails(an_artifact_write(a, "folder/new", "x", 1, &err), AN_CORRUPT, "link");
    char *new = an_path_join(outside, "new");
    assert_false(an_file_exists(new));
    assert_fails(an_artifact_seal(a, &address, NULL, &err), AN_CORRUPT, "symbolic link");
    unlink(folder);

    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_fails(an_artifact_read(a, "fifo", &b, &err), AN_CORRUPT, "device");
    assert_fails(an_artifact_seal(a, &address, NULL, &err), AN_CORRUPT, "device");
    unlink(fifo);
    assert_ok(an_artifact_seal(a, &address, NULL, &err));

    char *odd = inside(a, "line\nfeed"); /* would forge a line of the manifest */
    assert_ok(an_file_write(odd, "x", 1, &err));
    assert_fails(an_artifact_seal(a, &address, NULL, &err), AN_INPUT, "control character");
    free(odd);
    free(new);
    free(fifo);
    free(folder);
    free(link);
    free(secret);
    an_buf_free(&b);
    scratch_end(outside);
    ended(a, scratch);
}

static void new_wants_an_empty_folder(void **state)
{
    (void)state;
    char *scratch;
    an_artifact *a = made(&scratch);
    an_artifact *again = an_artifact_new(an_artifact_folder(a), &err); /* empty: fine */
    assert_non_null(again);
    an_artifact_free(again);
    assert_ok(an_artifact_write(a, "f", "x", 1, &err));
    assert_null(an_artifact_new(an_artifact_folder(a), &err));
    assert_int_equal(err.code, AN_INPUT);
    again = an_artifact_open(an_artifact_folder(a), &err);
    assert_non_null(again);
    assert_true(an_artifact_has(again, "f"));
    an_artifact_free(again);
    char *none = an_path_join(scratch, "none");
    assert_null(an_artifact_open(none, &err));
    assert_int_equal(err.code, AN_NOT_FOUND);
    char *file = inside(a, "f");
    assert_null(an_artifact_open(file, &err));
    assert_null(an_artifact_new(file, &err));
    free(file);
    free(none);
    an_artifact_free(NULL);
    ended(a, scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_and_read),
        cmocka_unit_test(the_manifest_is_as_described),
        cmocka_unit_test(an_empty_artifact),
        cmocka_unit_test(bad_paths_are_refused),
        cmocka_unit_test(links_and_devices_are_refused),
        cmocka_unit_test(new_wants_an_empty_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
