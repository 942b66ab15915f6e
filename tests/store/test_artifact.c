/* Artifacts: put and get, damage of every kind, full disks, what dead processes leave. */
#include "store/help.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <utime.h>

static an_store *reopen(place *p)
{
    an_error err;
    an_store_close(p->store);
    MUST((p->store = an_store_open(p->folder, &err)) != NULL);
    return p->store;
}

static void test_put_get(void **state)
{
    place *p = *state;
    an_error err;
    an_hash a, b, c;
    MUST(put_text(p->store, "data", "one and the same", &a, &err));
    MUST(put_text(p->store, "data", "one and the same", &b, &err));
    MUST(put_text(p->store, "data", "another", &c, &err));
    assert_memory_equal(&a, &b, sizeof a);
    assert_memory_not_equal(&a, &c, sizeof a);
    assert_int_equal(count_entries(p->folder, ".andon/staging"), 0);
    an_artifact *got = an_artifact_get(p->store, &a, &err);
    assert_non_null(got);
    an_buf text = { 0 };
    MUST(an_artifact_read(got, "text.txt", &text, &err));
    assert_string_equal(text.data, "one and the same");
    char *path = an_artifact_path(got, "deep/er/size.txt"), *manifest = an__artifact_folder(p->store, &a);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0444);
    an_hash address;
    MUST(an_artifact_seal(got, &address, NULL, &err)); /* the manifest is not among the files */
    assert_memory_equal(&a, &address, sizeof a);
    free(path);
    path = an_format("%s.manifest", manifest);
    an_hash hash;
    MUST(an_hash_file(path, &hash, &err));
    assert_memory_equal(&a, &hash, sizeof a);
    free(path);
    free(manifest);
    an_buf_free(&text);
    an_artifact_free(got);
    memset(&a, 7, sizeof a);
    REFUSED(an_artifact_get(p->store, &a, &err), AN_NOT_FOUND);
}

static void test_put_file(void **state)
{
    place *p = *state;
    an_error err;
    char *path = an_path_join(p->folder, "press data.csv");
    MUST(an_file_write(path, "a,b\n1,2\n", 8, &err));
    an_hash a;
    MUST(an_store_put_file(p->store, path, &a, &err));
    an_artifact *got = an_artifact_get(p->store, &a, &err);
    assert_non_null(got);
    assert_true(an_artifact_has(got, "press data.csv"));
    an_artifact_free(got);
    REFUSED(an_store_put_file(p->store, "/nowhere/x.csv", &a, &err), AN_NOT_FOUND);
    assert_int_equal(count_entries(p->folder, ".andon/staging"), 0);
    free(path);
}

enum damage { ALTERED, LONGER, MISSING, EXTRA, LINKED, GONE, DAMAGES };

static void damage_one(place *p, const an_hash *a, enum damage how)
{
    an_error err;
    char *folder = an__artifact_folder(p->store, a), *file = an_path_join(folder, "text.txt");
    switch (how) {
    case ALTERED:
    case LONGER:
        assert_int_equal(chmod(file, 0644), 0);
        MUST(an_file_write(file, how == ALTERED ? "SOUND" : "sound and longer", how == ALTERED ? 5 : 16, &err));
        break;
    case MISSING:
        assert_int_equal(unlink(file), 0);
        break;
    case EXTRA:
        free(file);
        file = an_path_join(folder, "deep/extra.txt");
        MUST(an_file_write(file, "x", 1, &err));
        break;
    case LINKED:
        assert_int_equal(unlink(file), 0);
        assert_int_equal(symlink("/etc/passwd", file), 0);
        break;
    default:
        MUST(an_folder_remove(folder, &err));
    }
    free(file);
    free(folder);
}

static void test_damage(void **state)
{
    place *p = *state;
    static const char *const words[DAMAGES] = { "altered", "altered", "missing", "does not belong", "symbolic link", "gone" };
    for (int how = 0; how < DAMAGES; how++) {
        an_error err;
        an_hash a;
        MUST(put_text(p->store, "data", "sound", &a, &err));
        an_artifact *got = an_artifact_get(p->store, &a, &err);
        assert_non_null(got);
        an_artifact_free(got);
        damage_one(p, &a, (enum damage)how);
        reopen(p); /* another process, which has not checked it yet */
        REFUSED(an_artifact_get(p->store, &a, &err), AN_CORRUPT);
        MENTIONS(err.message, words[how]);
        if (how != GONE) MENTIONS(err.message, how == EXTRA ? "deep/extra.txt" : "text.txt");
        MUST(put_text(p->store, "data", "sound", &a, &err)); /* the same content heals it */
        reopen(p);
        got = an_artifact_get(p->store, &a, &err);
        assert_non_null(got);
        an_artifact_free(got);
        assert_int_equal(count_entries(p->folder, ".andon/staging"), 0);
    }
}

static void test_damaged_manifest(void **state)
{
    place *p = *state;
    an_error err;
    an_hash a;
    MUST(put_text(p->store, "data", "sound", &a, &err));
    char *folder = an__artifact_folder(p->store, &a), *list = an_format("%s.manifest", folder);
    assert_int_equal(unlink(list), 0);
    reopen(p);
    an_artifact *got = an_artifact_get(p->store, &a, &err); /* the files are the content; the manifest only names what is wrong */
    assert_non_null(got);
    an_artifact_free(got);
    damage_one(p, &a, ALTERED);
    reopen(p);
    REFUSED(an_artifact_get(p->store, &a, &err), AN_CORRUPT);
    free(list);
    free(folder);
}

/* ---- full disks ---- */

/* In a child: puts artifacts of 64 kB until one fails; 0 when the failure was clear and everything before it can be read. */
static int fill(const char *folder)
{
    an_error err = { 0 };
    an_store *s = an_store_open(folder, &err);
    if (!s) return 10;
    char *bytes = an_alloc(1 << 16);
    an_hash kept[400], address;
    int n = 0, result = 11; /* 11: never full */
    for (; n < 400; n++) {
        memset(bytes, 'a' + n % 26, 1 << 16);
        snprintf(bytes, 32, "artifact %d", n);
        an_artifact *a = an_artifact_stage(s, &err);
        bool good = a && an_artifact_write(a, "bytes", bytes, 1 << 16, &err);
        if (a && good)
            good = an_artifact_put(s, a, "file", &address, &err);
        else
            an_artifact_discard(a);
        if (!good) {
            result = err.code == AN_IO && (err.hint[0] || strstr(err.message, "large")) ? 0 : 12;
            if (result) fprintf(stderr, "%s: %s (%s)\n", an_code_name(err.code), err.message, err.hint);
            break;
        }
        kept[n] = address;
    }
    free(bytes);
    an_store_close(s);
    if (result) return result;
    s = an_store_open(folder, &err);
    if (!s) {
        fprintf(stderr, "%s\n", err.message);
        return 13;
    }
    for (int i = 0; i < n; i++) {
        an_artifact *a = an_artifact_get(s, &kept[i], &err);
        if (!a) return 14;
        an_artifact_free(a);
    }
    an_store_close(s);
    /* where the disk became full between the folder and its row, the mark of that put stays for a later process */
    return count_entries(folder, ".andon/staging") <= 1 ? 0 : 15;
}

static void test_tmpfs_full(void **state)
{
    (void)state;
    char *folder = temporary_folder();
    pid_t child = fork();
    if (child == 0) {
        an_error err;
        if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
            mount("none", folder, "tmpfs", 0, "size=4m") != 0)
            _exit(77);
        if (!an_workspace_init(folder, &err)) _exit(9);
        _exit(fill(folder));
    }
    int status;
    waitpid(child, &status, 0);
    rmdir(folder);
    free(folder);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) skip(); /* mounting needs rights that this machine does not give */
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* A limit on the size of files meets the database and its log first, which grow beyond the artifacts. */
static void test_file_size_limit(void **state)
{
    place *p = *state;
    an_error err;
    an_hash a;
    MUST(put_text(p->store, "data", "before", &a, &err));
    an_store_close(p->store);
    p->store = NULL;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        struct rlimit limit = { 1 << 18, 1 << 18 };
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(9);
        an_store *s = an_store_open(p->folder, &err);
        if (!s) _exit(8);
        char *bytes = an_alloc(1 << 19);
        an_artifact *big = an_artifact_stage(s, &err);
        if (!big || an_artifact_write(big, "big", bytes, 1 << 19, &err) || err.code != AN_IO) _exit(7);
        an_artifact_discard(big);
        bool failed = false;
        for (int i = 0; i < 4000 && !failed; i++) { /* one run a round until the log cannot grow */
            memset(bytes, 'x', 1000);
            json_t *params = json_object();
            json_object_set_new(params, "text", json_stringn(bytes, 1000));
            char *run = an_run_begin(s, "run", "fill", NULL, NULL, params, 1, &err);
            failed = run == NULL;
            free(run);
            json_decref(params);
        }
        if (failed && err.code != AN_IO) fprintf(stderr, "%s\n", err.message);
        _exit(!failed ? 6 : err.code != AN_IO ? 5 : 0);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    MUST((p->store = an_store_open(p->folder, &err)) != NULL);
    an_artifact *got = an_artifact_get(p->store, &a, &err);
    assert_non_null(got);
    an_artifact_free(got);
    MUST(put_text(p->store, "data", "after", &a, &err));
}

/* ---- what dead processes leave ---- */

static void dead_tag(char tag[AN__TAG_SIZE])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        char own[AN__TAG_SIZE] = "";
        an__process_tag(own);
        _exit(write(ends[1], own, sizeof own) == (ssize_t)sizeof own ? 0 : 1);
    }
    assert_int_equal(read(ends[0], tag, AN__TAG_SIZE), AN__TAG_SIZE);
    waitpid(child, NULL, 0);
    close(ends[0]);
    close(ends[1]);
}

static void test_staging_cleaned(void **state)
{
    place *p = *state;
    an_error err;
    char tag[AN__TAG_SIZE];
    dead_tag(tag);
    char *old = an_format("%s/.andon/staging/%s.1.0", p->folder, tag), *new = an_format("%s/.andon/staging/%s.1.1", p->folder, tag);
    MUST(an_folder_make(old, &err) && an_folder_make(new, &err));
    struct utimbuf times = { 1000000000, 1000000000 };
    assert_int_equal(utime(old, &times), 0);
    an_artifact *mine = an_artifact_stage(p->store, &err); /* of a living process: stays however old */
    assert_int_equal(utime(an_artifact_folder(mine), &times), 0);
    an_store *other = an_store_open(p->folder, &err);
    assert_non_null(other);
    assert_false(an_file_exists(old));
    assert_true(an_file_exists(new));
    assert_true(an_file_exists(an_artifact_folder(mine)));
    an_store_close(other);
    an_artifact_discard(mine);
    free(old);
    free(new);
}

/* The folder lies in its place, its process died before the row: adopted when sound, removed when not. */
static void test_half_put(void **state)
{
    place *p = *state;
    for (int sound = 0; sound < 2; sound++) {
        an_error err;
        an_hash a;
        char tag[AN__TAG_SIZE], hex[65];
        MUST(put_text(p->store, "data", "half put", &a, &err));
        sql_beside(p->folder, "DELETE FROM artifacts");
        dead_tag(tag);
        an_hash_hex(&a, hex);
        char *mark = an_format("%s/.andon/staging/%s.1.0.put", p->folder, tag), *text = an_format("data %s\n", hex);
        MUST(an_file_write(mark, text, strlen(text), &err));
        if (!sound) damage_one(p, &a, ALTERED);
        reopen(p);
        assert_false(an_file_exists(mark));
        an_artifact *got = an_artifact_get(p->store, &a, &err);
        if (sound) {
            assert_non_null(got);
        } else {
            assert_null(got);
            assert_int_equal(err.code, AN_NOT_FOUND);
            char *folder = an__artifact_folder(p->store, &a);
            assert_false(an_file_exists(folder));
            free(folder);
        }
        an_artifact_free(got);
        free(mark);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACED(test_put_get),
        PLACED(test_put_file),
        PLACED(test_damage),
        PLACED(test_damaged_manifest),
        cmocka_unit_test(test_tmpfs_full),
        PLACED(test_file_size_limit),
        PLACED(test_staging_cleaned),
        PLACED(test_half_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
