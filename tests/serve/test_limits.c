/* test_limits.c - limits of worker processes: which group is this process's own, by files as kernels, systemd and containers write them;
 * what is written into groups, by folders that stand for them (made before, since a plain folder does not fill itself); the rest on a real
 * process. What kernels then do: tests/system/test_limits.sh on this machine, tools/try-cgroups on all kinds.
 */
#include "serve/cgroup.h"
#include "serve/replica_limits.h"

#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64];

static int setup(void **state)
{
    (void)state;
    strcpy(root, "/tmp/andon-limits-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char *command = an_format("rm -rf '%s'", root);
    int code = system(command);
    free(command);
    return code;
}

/* A file below the root, with the folders above it. */
static void file(const char *path, const char *text)
{
    char *whole = an_format("%s/%s", root, path);
    for (char *at = whole + strlen(root) + 1; (at = strchr(at, '/')); at++) {
        *at = 0;
        mkdir(whole, 0755);
        *at = '/';
    }
    FILE *f = fopen(whole, "we");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    free(whole);
}

static void folder(const char *path)
{
    char *whole = an_format("%s/%s", root, path);
    assert_int_equal(mkdir(whole, 0755), 0);
    free(whole);
}

static bool there(const char *path)
{
    char *whole = an_format("%s/%s", root, path);
    bool is = an_file_exists(whole);
    free(whole);
    return is;
}

static void holds(const char *path, const char *text)
{
    char *whole = an_format("%s/%s", root, path);
    an_buf b = { 0 };
    assert_true(an_file_read(whole, 0, &b, NULL));
    assert_string_equal(b.size ? b.data : "", text);
    an_buf_free(&b);
    free(whole);
}

/* A group with files of these names, all empty. */
static void group(const char *path, const char *const *names)
{
    for (; *names; names++) {
        char *name = an_path_join(path, *names);
        file(name, "");
        free(name);
    }
}

static void own_is(const char *controller, const char *wanted)
{
    char *own = an__cgroup_own(root, controller);
    if (!wanted) {
        assert_null(own);
        return;
    }
    assert_non_null(own);
    assert_string_equal(own + strlen(root), wanted);
    free(own);
}

static void test_own_v2(void **state)
{
    (void)state;
    file("proc/self/cgroup", "0::/system.slice/andon-serve.service\n");
    file("proc/self/mountinfo", "22 20 0:21 / /proc rw,nosuid shared:14 - proc proc rw\n"
                                "31 23 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n");
    own_is(NULL, NULL); /* named, but not there */
    file("sys/fs/cgroup/system.slice/andon-serve.service/cgroup.procs", "");
    own_is(NULL, "/sys/fs/cgroup/system.slice/andon-serve.service");
    own_is("cpu", NULL);
    own_is("memory", NULL);
}

static void test_own_v1(void **state)
{
    (void)state;
    /* the names of other controllers begin with "cpu", too, and come first */
    file("proc/self/cgroup", "12:cpuset:/set\n9:cpu,cpuacct:/plant/line\n4:memory:/plant\n1:name=systemd:/system.slice\n0::/unified\n");
    file("proc/self/mountinfo", "35 25 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
                                "36 25 0:31 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
                                "37 25 0:32 / /mnt/of\\040memory rw - cgroup cgroup rw,memory\n"
                                "38 25 0:33 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    file("sys/fs/cgroup/cpuset/set/cgroup.procs", "");
    file("sys/fs/cgroup/cpu,cpuacct/plant/line/cgroup.procs", "");
    file("mnt/of memory/plant/cgroup.procs", "");
    file("sys/fs/cgroup/unified/unified/cgroup.procs", "");
    own_is("cpu", "/sys/fs/cgroup/cpu,cpuacct/plant/line");
    own_is("memory", "/mnt/of memory/plant");
    own_is(NULL, "/sys/fs/cgroup/unified/unified");
}

static void test_own_in_containers(void **state)
{
    (void)state;
    /* without a namespace of groups: the mount shows the container's part, /proc names it from the machine's root */
    file("proc/self/cgroup", "5:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc/inner\n0::/\n");
    file("proc/self/mountinfo", "1 2 0:32 /docker/abc /sys/fs/cgroup/memory ro master:9 - cgroup cgroup rw,memory\n"
                                "1 2 0:31 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro master:9 - cgroup cgroup rw,cpu,cpuacct\n"
                                "1 2 0:27 /../other /sys/fs/cgroup/v2 ro - cgroup2 cgroup rw\n");
    file("sys/fs/cgroup/memory/cgroup.procs", "");
    file("sys/fs/cgroup/cpu,cpuacct/inner/cgroup.procs", "");
    file("sys/fs/cgroup/v2/cgroup.procs", "");
    own_is("memory", "/sys/fs/cgroup/memory");
    own_is("cpu", "/sys/fs/cgroup/cpu,cpuacct/inner");
    own_is(NULL, "/sys/fs/cgroup/v2");
}

static void test_lists_and_others(void **state)
{
    (void)state;
    file("g/cgroup.controllers", "cpuset cpu io\n");
    char *procs = an_format("%ld\n17\n4711\n", (long)getpid()), *g = an_path_join(root, "g");
    file("g/cgroup.procs", procs);
    assert_true(an__cgroup_lists(g, "cgroup.controllers", "cpu"));
    assert_true(an__cgroup_lists(g, "cgroup.controllers", "io"));
    assert_false(an__cgroup_lists(g, "cgroup.controllers", "memory"));
    assert_false(an__cgroup_lists(g, "cgroup.controllers", "cpus"));
    assert_false(an__cgroup_lists(g, "absent", "cpu"));
    assert_int_equal(an__cgroup_others(g), 2);
    free(procs);
    free(g);
}

static const char *const files_v2[] = { "cpu.max", "memory.max", "memory.swap.max", "cgroup.procs", NULL };
static const char *const files_cpu[] = { "cpu.cfs_quota_us", "cpu.cfs_period_us", "cgroup.procs", NULL };
static const char *const files_memory[] = { "memory.limit_in_bytes", "cgroup.procs", NULL };

/* Stand-ins for the groups that will be made below `own` for worker 123, and for the one that is tried. */
static void expect_groups(const char *own, const char *const *names)
{
    char *trial = an_format("%s/andon-trial-%ld", own, (long)getpid()),
         *replica = an_format("%s/andon-replica-%ld-123", own, (long)getpid());
    group(trial, names);
    group(replica, names);
    free(trial);
    free(replica);
}

static void replica_holds(const char *own, const char *name, const char *text)
{
    char *path = an_format("%s/andon-replica-%ld-123/%s", own, (long)getpid(), name);
    holds(path, text);
    free(path);
}

static void test_v2(void **state)
{
    (void)state;
    file("proc/self/cgroup", "0::/\n");
    file("proc/self/mountinfo", "31 23 0:27 / /cg rw - cgroup2 cgroup2 rw\n");
    file("cg/cgroup.procs", "1\n");
    file("cg/cgroup.controllers", "cpu memory\n");
    file("cg/cgroup.subtree_control", "");
    expect_groups("cg", files_v2);
    an__limits *l = an__limits_open(root, 0.5, 512);
    assert_string_equal(an__limits_how(l), "cgroup v2");
    assert_string_equal(an__limits_why(l), "");
    assert_true(an__limits_enforced(l));
    assert_true(an__limits_apply(l, 123, 0));
    replica_holds("cg", "cpu.max", "50000 100000");
    replica_holds("cg", "memory.max", "536870912");
    replica_holds("cg", "memory.swap.max", "0");
    replica_holds("cg", "cgroup.procs", "123");
    an__limits_close(l);
}

/* A group with others in it cannot be divided, and is not touched. */
static void test_v2_with_others(void **state)
{
    (void)state;
    file("proc/self/cgroup", "0::/session\n");
    file("proc/self/mountinfo", "31 23 0:27 / /cg rw - cgroup2 cgroup2 rw\n");
    char *procs = an_format("17\n%ld\n", (long)getpid());
    file("cg/session/cgroup.procs", procs);
    file("cg/session/cgroup.type", "domain\n");
    file("cg/session/cgroup.controllers", "cpu memory\n");
    file("cg/session/cgroup.subtree_control", "");
    an__limits *l = an__limits_open(root, 0.5, 512);
    assert_string_equal(an__limits_how(l), "RLIMIT_AS and affinity; CPU share not enforced");
    assert_non_null(strstr(an__limits_why(l), "1 other process is in "));
    assert_false(an__limits_enforced(l));
    an__limits_close(l);
    holds("cg/session/cgroup.subtree_control", "");
    holds("cg/session/cgroup.procs", procs);
    free(procs);
}

static void test_v1(void **state)
{
    (void)state;
    file("proc/self/cgroup", "3:cpu:/\n2:memory:/\n");
    file("proc/self/mountinfo", "1 2 0:31 / /cpu rw - cgroup cgroup rw,cpu\n1 2 0:32 / /mem rw - cgroup cgroup rw,memory\n");
    file("cpu/cgroup.procs", "");
    file("mem/cgroup.procs", "");
    expect_groups("cpu", files_cpu);
    expect_groups("mem", files_memory);
    an__limits *l = an__limits_open(root, 1.5, 64);
    assert_string_equal(an__limits_how(l), "cgroup v1");
    assert_true(an__limits_apply(l, 123, 0));
    replica_holds("cpu", "cpu.cfs_quota_us", "150000");
    replica_holds("cpu", "cpu.cfs_period_us", "100000");
    replica_holds("cpu", "cgroup.procs", "123");
    replica_holds("mem", "memory.limit_in_bytes", "67108864");
    replica_holds("mem", "cgroup.procs", "123");
    an__limits_close(l);
}

static void test_hybrid(void **state)
{
    (void)state;
    file("proc/self/cgroup", "3:cpu:/\n0::/\n");
    file("proc/self/mountinfo", "1 2 0:31 / /cpu rw - cgroup cgroup rw,cpu\n1 2 0:27 / /cg rw - cgroup2 cgroup2 rw\n");
    file("cpu/cgroup.procs", "");
    file("cg/cgroup.procs", "");
    file("cg/cgroup.controllers", "memory\n");
    file("cg/cgroup.subtree_control", "memory\n");
    expect_groups("cpu", files_cpu);
    expect_groups("cg", files_v2);
    an__limits *l = an__limits_open(root, 0.5, 512);
    assert_string_equal(an__limits_how(l), "CPU share by cgroup v1, memory by cgroup v2");
    assert_true(an__limits_apply(l, 123, 0));
    replica_holds("cpu", "cpu.cfs_quota_us", "50000");
    replica_holds("cg", "memory.max", "536870912");
    replica_holds("cg", "cpu.max", "");
    an__limits_close(l);
    l = an__limits_open(root, NAN, 512);
    assert_string_equal(an__limits_how(l), "cgroup v2");
    an__limits_close(l);
}

/* Groups of servers that are gone are removed; of those that live, and of others, not. */
static void test_sweep(void **state)
{
    (void)state;
    pid_t gone = fork();
    if (!gone) _exit(0);
    waitpid(gone, NULL, 0);
    file("proc/self/cgroup", "3:cpu:/\n2:memory:/\n");
    file("proc/self/mountinfo", "1 2 0:31 / /cpu rw - cgroup cgroup rw,cpu\n1 2 0:32 / /mem rw - cgroup cgroup rw,memory\n");
    file("cpu/cgroup.procs", "");
    file("mem/cgroup.procs", "");
    char *dead = an_format("cpu/andon-replica-%ld-9", (long)gone), *leaf = an_format("mem/andon-server-%ld", (long)gone);
    folder(dead);
    folder(leaf);
    folder("cpu/andon-replica-1-9");
    folder("cpu/andon-replicas");
    an__limits_close(an__limits_open(root, 1, 64));
    assert_false(there(dead));
    assert_false(there(leaf));
    assert_true(there("cpu/andon-replica-1-9"));
    assert_true(there("cpu/andon-replicas"));
    free(dead);
    free(leaf);
}

static void test_rest(void **state)
{
    (void)state;
    file("proc/self/cgroup", "");
    file("proc/self/mountinfo", "");
    an__limits *l = an__limits_open(root, 0.5, 200);
    assert_string_equal(an__limits_how(l), "RLIMIT_AS and affinity; CPU share not enforced");
    assert_string_equal(an__limits_why(l), "no control groups with the controllers cpu and memory are mounted here");
    cpu_set_t all, first, second;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        if (!child)
            for (;;) pause();
        assert_true(an__limits_apply(l, child, i));
        struct rlimit bound;
        assert_int_equal(prlimit(child, RLIMIT_AS, NULL, &bound), 0);
        assert_int_equal(bound.rlim_cur, 209715200);
        assert_int_equal(bound.rlim_max, 209715200);
        assert_int_equal(sched_getaffinity(child, sizeof first, i ? &second : &first), 0);
        an__limits_remove(l, child);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    if (CPU_COUNT(&all) > 1) {
        assert_int_equal(CPU_COUNT(&first), 1);
        assert_int_equal(CPU_COUNT(&second), 1);
        assert_false(CPU_EQUAL(&first, &second));
    }
    assert_false(an__limits_enforced(l));
    an__limits_close(l);
    l = an__limits_open(root, NAN, 32); /* less than the program itself needs of address space */
    pid_t small = fork();
    if (!small)
        for (;;) pause();
    struct rlimit least;
    assert_true(an__limits_apply(l, small, 0));
    assert_int_equal(prlimit(small, RLIMIT_AS, NULL, &least), 0);
    assert_int_equal(least.rlim_cur, 134217728);
    kill(small, SIGKILL);
    waitpid(small, NULL, 0);
    an__limits_close(l);
    struct {
        double cpus, memory;
        const char *how;
    } one[] = { { 0.5, NAN, "affinity; CPU share not enforced" }, { NAN, 100, "RLIMIT_AS" }, { NAN, NAN, "none asked for" } };
    for (size_t i = 0; i < AN_COUNT(one); i++) {
        l = an__limits_open(root, one[i].cpus, one[i].memory);
        assert_string_equal(an__limits_how(l), one[i].how);
        an__limits_close(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_own_v2, setup, teardown),
        cmocka_unit_test_setup_teardown(test_own_v1, setup, teardown),
        cmocka_unit_test_setup_teardown(test_own_in_containers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lists_and_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_v2, setup, teardown),
        cmocka_unit_test_setup_teardown(test_v2_with_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_v1, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hybrid, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sweep, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rest, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
