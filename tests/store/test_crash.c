/* kill -9 at random moments, while artifacts are put, versions registered, runs ended and decisions recorded: afterwards the store
 * opens, every named version opens and verifies, numbers have no gaps, and everything that was reported as done is there. */
#include "store/help.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#ifdef ANDON_SANITIZED
enum { KILLS = 10 };
#else
enum { KILLS = 50 };
#endif

typedef struct shared { /* what the child says it has done, in memory that outlives it */
    volatile int64_t version, recorded, started;
} shared;

static void work(const char *folder, int round, shared *done)
{
    an_error err = { 0 };
    an_store *s = an_store_open(folder, &err);
    if (!s) {
        fprintf(stderr, "%s\n", err.message);
        _exit(1);
    }
    done->started = 1;
    for (int i = 0;; i++) {
        char text[64];
        an_hash a;
        int64_t version;
        bool existed;
        snprintf(text, sizeof text, "round %d item %d", round, i);
        char *run = an_run_begin(s, "step", text, NULL, text, NULL, 1, &err);
        if (!run || !put_text(s, "data", text, &a, &err) || !an_run_artifact(s, run, AN_EDGE_OUT, "data", &a, &err) ||
            !an_version_add(s, AN_NAME_DATA, "press", &a, run, NULL, &version, &existed, &err))
            break;
        if (!existed) done->version = version;
        an_move move = { AN_NAME_DATA, "press", "latest", -1, version };
        if (!an_run_metric(s, run, "m", 0, 1, &err) || !an_run_end(s, run, "done", NULL, NULL, &err) ||
            !an_names_move(s, &move, 1, NULL, &err))
            break;
        done->recorded++;
        free(run);
    }
    fprintf(stderr, "%s: %s\n", an_code_name(err.code), err.message);
    _exit(2);
}

static void check(const char *folder, const shared *done)
{
    an_error err;
    an_store *s;
    an_version_row *rows;
    size_t count, entries;
    MUST((s = an_store_open(folder, &err)) != NULL);
    MUST(an_version_list(s, AN_NAME_DATA, "press", &rows, &count, &err));
    assert_true((int64_t)count >= done->version);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(rows[i].version, i + 1);
        an_artifact *a = an_artifact_get(s, &rows[i].address, &err);
        if (!a) fail_msg("version %d: %s", (int)rows[i].version, err.message);
        an_artifact_free(a);
    }
    an_version_rows_free(rows, count);
    MUST(an_record_verify(s, &entries, &err));
    assert_true((int64_t)entries >= done->recorded);
    int64_t n;
    bool found;
    MUST(an__sql_int(s, &n, &found, &err, "PRAGMA foreign_key_check", ""));
    assert_false(found);
    /* nothing lies in artifacts/ without a row */
    int64_t artifacts;
    MUST(an__sql_int(s, &artifacts, &found, &err, "SELECT count(*) FROM artifacts", ""));
    an_list heads = { 0 };
    char *root = an_path_join(folder, ".andon/artifacts");
    MUST(an_folder_list(root, &heads, &err));
    size_t folders = 0;
    for (size_t i = 0; i < heads.count; i++) {
        an_list names = { 0 };
        char *path = an_path_join(root, heads.items[i]);
        MUST(an_folder_list(path, &names, &err));
        for (size_t k = 0; k < names.count; k++) folders += strlen(names.items[k]) == 62;
        an_list_free(&names);
        free(path);
    }
    assert_int_equal(folders, artifacts);
    an_list_free(&heads);
    free(root);
    an_store_close(s);
}

static void test_killed(void **state)
{
    place *p = *state;
    shared *done = mmap(NULL, sizeof *done, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(done != MAP_FAILED);
    an_rng rng = an_rng_at((uint64_t)an_now_us(), 1);
    for (int round = 0; round < KILLS; round++) {
        done->started = 0;
        pid_t child = fork();
        if (child == 0) work(p->folder, round, done);
        int status = 0;
        while (!done->started) {
            if (waitpid(child, &status, WNOHANG) == child) fail_msg("the child ended by itself with %d", status);
            usleep(500);
        }
        usleep((useconds_t)an_rng_below(&rng, 160000));
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        if (round % 5 == 4 || round + 1 == KILLS) check(p->folder, done);
    }
    assert_true(done->version > 0);
    munmap(done, sizeof *done);
}

int main(void)
{
    const struct CMUnitTest tests[] = { PLACED(test_killed) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
