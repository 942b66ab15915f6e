/* Files and folders: reading with limits, all-or-nothing writing under failure, removal that stays inside. */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static an_error err;

static void check_content(const char *path, const char *bytes, size_t n)
{
    an_buf b = { 0 };
    assert_ok(an_file_read(path, 0, &b, &err));
    assert_int_equal(b.size, n);
    assert_memory_equal(b.data, bytes, n);
    assert_int_equal(b.data[n], '\0');
    an_buf_free(&b);
}

static void check_names(const char *folder, const char *expected)
{
    an_list names = { 0 };
    an_buf b = { 0 };
    assert_ok(an_folder_list(folder, &names, &err));
    an_buf_puts(&b, "");
    for (size_t i = 0; i < names.count; i++) an_buf_printf(&b, "%s ", names.items[i]);
    assert_string_equal(b.data, expected);
    an_buf_free(&b);
    an_list_free(&names);
}

static void written_and_read(void **state)
{
    (void)state;
    char *folder = scratch_new(), *path = an_path_join(folder, "f"), *copy = an_path_join(folder, "g");
    assert_false(an_file_exists(path));
    assert_ok(an_file_write(path, "a\0b", 3, &err));
    assert_true(an_file_exists(path));
    check_content(path, "a\0b", 3);
    assert_ok(an_file_write(path, NULL, 0, &err));
    check_content(path, "", 0);
    an_buf big = { 0 };
    for (int i = 0; i < 1000000; i++) an_buf_putc(&big, (char)(i * 31 >> 3));
    assert_ok(an_file_write(path, big.data, big.size, &err));
    check_content(path, big.data, big.size);
    assert_ok(an_file_copy(path, copy, &err));
    check_content(copy, big.data, big.size);
    assert_ok(chmod(copy, 0640) == 0);
    assert_ok(an_file_write(copy, "x", 1, &err)); /* keeps the mode */
    struct stat info;
    assert_int_equal(stat(copy, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
    check_names(folder, "f g "); /* nothing else was left */
    an_buf_free(&big);
    free(path);
    free(copy);
    scratch_end(folder);
}

static void reading_fails_well(void **state)
{
    (void)state;
    char *folder = scratch_new(), *path = an_path_join(folder, "f"), *none = an_path_join(folder, "none"), *below = an_path_join(path, "g");
    an_buf b = { 0 };
    assert_fails(an_file_read(none, 0, &b, &err), AN_NOT_FOUND, "there is no file");
    assert_fails(an_file_read(folder, 0, &b, &err), AN_INPUT, "is a folder");
    assert_ok(an_file_write(path, "12345", 5, &err));
    assert_fails(an_file_read(path, 4, &b, &err), AN_INPUT, "4 bytes");
    assert_ok(an_file_read(path, 5, &b, &err));
    assert_fails(an_file_read(below, 0, &b, &err), AN_NOT_FOUND, "g");
    assert_false(an_file_read(none, 0, &b, NULL));
    assert_fails(an_file_copy(none, path, &err), AN_NOT_FOUND, "none");
    check_content(path, "12345", 5);
    /* endless, and of no known size */
    assert_fails(an_file_read("/dev/zero", 100000, &b, &err), AN_INPUT, "100000 bytes");
    an_buf_free(&b);
    free(path);
    free(none);
    free(below);
    scratch_end(folder);
}

static void writing_fails_well(void **state)
{
    (void)state;
    char *folder = scratch_new(), *below = an_path_join(folder, "no/such/f"), *inner = an_path_join(folder, "inner");
    assert_fails(an_file_write(below, "x", 1, &err), AN_IO, "no/such/f");
    assert_ok(an_folder_make(inner, &err));
    assert_fails(an_file_write(inner, "x", 1, &err), AN_IO, "inner"); /* a folder is in its place */
    check_names(folder, "inner ");
    free(below);
    free(inner);
    scratch_end(folder);
}

/* The write limit of a process stands in for a full disk: the same path, another errno. */
static void a_write_limit_leaves_the_old_file(void **state)
{
    (void)state;
    char *folder = scratch_new(), *path = an_path_join(folder, "f"), *source = an_path_join(folder, "source");
    char *big = an_alloc(300000);
    assert_ok(an_file_write(path, "old", 3, &err));
    assert_ok(an_file_write(source, big, 300000, &err));
    pid_t child = fork();
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        struct rlimit limit = { 100000, 100000 };
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(2);
        an_error e = { 0 };
        if (an_file_write(path, big, 300000, &e) || e.code != AN_IO || !strstr(e.message, "cannot write")) _exit(3);
        if (an_file_copy(source, path, &e) || e.code != AN_IO) _exit(4);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    check_content(path, "old", 3);
    check_names(folder, "f source ");
    free(big);
    free(source);
    free(path);
    scratch_end(folder);
}

static void a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    char *folder = scratch_new();
    if (mount("none", folder, "tmpfs", 0, "size=256k") != 0) {
        scratch_end(folder);
        skip(); /* needs the right to mount; the test above covers the code */
    }
    char *path = an_path_join(folder, "f"), *big = an_alloc(1 << 20);
    assert_ok(an_file_write(path, "old", 3, &err));
    assert_fails(an_file_write(path, big, 1 << 20, &err), AN_IO, "No space left");
    assert_non_null(strstr(err.hint, "space"));
    check_content(path, "old", 3);
    check_names(folder, "f ");
    assert_ok(an_file_write(path, big, 200000, &err)); /* the room is there again */
    free(big);
    free(path);
    assert_int_equal(umount(folder), 0);
    scratch_end(folder);
}

/* A reader that looks again and again sees the old or the new file, never a part. */
static void replacing_is_atomic(void **state)
{
    (void)state;
    char *folder = scratch_new(), *path = an_path_join(folder, "f");
    enum { SIZE = 20000 };
    char *bytes = an_alloc(SIZE);
    memset(bytes, 'a', SIZE);
    assert_ok(an_file_write(path, bytes, SIZE, &err));
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 100; i++) {
            memset(bytes, 'a' + i % 26, SIZE);
            if (!an_file_write(path, bytes, SIZE, NULL)) _exit(1);
        }
        _exit(0);
    }
    int status = 0, looks = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        an_buf b = { 0 };
        assert_ok(an_file_read(path, 0, &b, &err));
        assert_int_equal(b.size, SIZE);
        assert_int_equal(b.data[0], b.data[SIZE - 1]);
        an_buf_free(&b);
        looks++;
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(looks > 0);
    check_names(folder, "f ");
    free(bytes);
    free(path);
    scratch_end(folder);
}

static void folders_are_made_and_removed(void **state)
{
    (void)state;
    char *folder = scratch_new(), *deep = an_path_join(folder, "a/b//c/"), *file = an_path_join(folder, "a/b/f"),
         *top = an_path_join(folder, "a");
    assert_ok(an_folder_make(deep, &err));
    assert_ok(an_folder_make(deep, &err));
    assert_ok(an_folder_sync(deep, &err));
    assert_ok(an_file_write(file, "x", 1, &err));
    assert_fails(an_folder_make(file, &err), AN_IO, "f");
    char *below = an_path_join(file, "g");
    assert_fails(an_folder_make(below, &err), AN_IO, "f");
    assert_fails(an_folder_make("", &err), AN_USAGE, "empty");
    an_list names = { 0 };
    assert_fails(an_folder_list(below, &names, &err), AN_IO, "g");
    char *none = an_path_join(folder, "none");
    assert_fails(an_folder_list(none, &names, &err), AN_NOT_FOUND, "none");
    assert_fails(an_folder_sync(none, &err), AN_IO, "none");
    assert_ok(an_folder_remove(none, &err));
    /* a link to a folder outside is removed, what it points to stays */
    char *outside = scratch_new(), *kept = an_path_join(outside, "kept"), *link = an_path_join(folder, "a/link");
    assert_ok(an_file_write(kept, "x", 1, &err));
    assert_int_equal(symlink(outside, link), 0);
    assert_ok(an_folder_remove(top, &err));
    assert_false(an_file_exists(top));
    assert_true(an_file_exists(kept));
    assert_int_equal(symlink(outside, top), 0); /* the path itself is a link */
    assert_ok(an_folder_remove(top, &err));
    assert_true(an_file_exists(kept));
    assert_ok(an_file_write(top, "x", 1, &err)); /* or a file */
    assert_ok(an_folder_remove(top, &err));
    assert_false(an_file_exists(top));
    free(kept);
    free(link);
    free(none);
    free(below);
    free(deep);
    free(file);
    free(top);
    scratch_end(outside);
    scratch_end(folder);
}

static void folders_in_the_present_one(void **state)
{
    (void)state;
    char *folder = scratch_new(), before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    assert_ok(an_folder_make("x", &err));
    assert_ok(an_folder_make("x/y", &err));
    assert_ok(an_file_write("f", "1", 1, &err));
    assert_ok(an_file_write("x/f", "1", 1, &err));
    check_names(".", "f x ");
    check_names("x", "f y ");
    assert_int_equal(chdir(before), 0);
    scratch_end(folder);
}

static void names_are_sorted_by_bytes(void **state)
{
    (void)state;
    char *folder = scratch_new();
    static const char *const names[] = { "b", "B", "a", "\xc3\xa4", "10", "9", ".hidden" };
    for (size_t i = 0; i < AN_COUNT(names); i++) {
        char *path = an_path_join(folder, names[i]);
        assert_ok(an_file_write(path, "", 0, &err));
        free(path);
    }
    check_names(folder, ".hidden 10 9 B a b \xc3\xa4 ");
    scratch_end(folder);
}

static void check_join(const char *folder, const char *name, const char *expected)
{
    char *path = an_path_join(folder, name);
    assert_string_equal(path, expected);
    free(path);
}

static void paths(void **state)
{
    (void)state;
    check_join("a", "b", "a/b");
    check_join("a/", "b", "a/b");
    check_join("", "b", "b");
    check_join("a", "/b", "/b");
    check_join("/", "b", "/b");
    assert_string_equal(an_path_base("a/b.csv"), "b.csv");
    assert_string_equal(an_path_base("b.csv"), "b.csv");
    assert_string_equal(an_path_base("a/"), "");
}

static void names(void **state)
{
    (void)state;
    assert_ok(an_name_check("model", "gearbox-wgan_2.1", &err));
    assert_ok(an_name_check("model", "0", &err));
    char name[130];
    memset(name, 'a', sizeof name);
    name[128] = '\0';
    assert_ok(an_name_check("model", name, &err));
    name[128] = 'a';
    name[129] = '\0';
    assert_fails(an_name_check("model", name, &err), AN_USAGE, "128");
    assert_fails(an_name_check("model", "", &err), AN_USAGE, "the model is empty");
    assert_fails(an_name_check("model", ".x", &err), AN_USAGE, "starts with '.'");
    assert_fails(an_name_check("model", "-x", &err), AN_USAGE, "starts with '-'");
    assert_fails(an_name_check("model", "a/b", &err), AN_USAGE, "position 2");
    assert_fails(an_name_check("model", "a b", &err), AN_USAGE, "a b");
    assert_fails(an_name_check("model", "\xc3\xa4", &err), AN_USAGE, "position 1");
    assert_true(err.hint[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_and_read),
        cmocka_unit_test(reading_fails_well),
        cmocka_unit_test(writing_fails_well),
        cmocka_unit_test(a_write_limit_leaves_the_old_file),
        cmocka_unit_test(a_full_disk_leaves_the_old_file),
        cmocka_unit_test(replacing_is_atomic),
        cmocka_unit_test(folders_are_made_and_removed),
        cmocka_unit_test(folders_in_the_present_one),
        cmocka_unit_test(names_are_sorted_by_bytes),
        cmocka_unit_test(paths),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
