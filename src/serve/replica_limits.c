/* replica_limits.c - see replica_limits.h. Groups are folders below this process's own group: andon-replica-SERVER-WORKER with one worker
 * in it, andon-server-SERVER with the server (v2 only). The server's process id in the name tells whose it is: a group whose server is gone
 * is removed by the next one.
 *
 * v2 (kernel documentation, admin-guide/cgroup-v2): a controller is given to the children of a group by its cgroup.subtree_control, which
 * takes it only while no process is in the group itself, hence the leaf. v1: each controller has a hierarchy of its own, without that rule.
 */
#include "serve/replica_limits.h"
#include "serve/cgroup.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PERIOD_US = 100000, FLOOR_MB = 128 };

typedef enum way { WAY_NONE, WAY_V2, WAY_V1, WAY_REST } way; /* none: not asked for; rest: affinity, RLIMIT_AS */
enum { CPU, MEMORY, KINDS };
static const char *const controller[KINDS] = { "cpu", "memory" };

struct an__limits {
    double asked[KINDS]; /* processors; MB; NaN: no limit */
    way way[KINDS];
    char *v2, *v1[KINDS];  /* folders of this process's own groups; NULL: none */
    char *leaf;            /* the v2 group that this process moved into */
    bool enabled[KINDS];   /* in v2, by this process */
    bool unbounded[KINDS]; /* not even the rest could be done */
    char how[160], why[480];
};

/* ---- groups ---- */

static char *replica_group(const char *own, pid_t pid)
{
    return an_format("%s/andon-replica-%ld-%ld", own, (long)getpid(), (long)pid);
}

static bool make(const char *group)
{
    return mkdir(group, 0755) == 0 || errno == EEXIST;
}

static bool limit(const an__limits *l, int kind, const char *group)
{
    char text[64];
    if (kind == CPU && l->way[CPU] == WAY_V2) {
        snprintf(text, sizeof text, "%.0f %d", l->asked[CPU] * PERIOD_US, PERIOD_US);
        return an__cgroup_put(group, "cpu.max", text);
    }
    if (kind == CPU) {
        snprintf(text, sizeof text, "%d", PERIOD_US);
        an__cgroup_put(group, "cpu.cfs_period_us", text); /* 100 ms is what a group starts with */
        snprintf(text, sizeof text, "%.0f", l->asked[CPU] * PERIOD_US);
        return an__cgroup_put(group, "cpu.cfs_quota_us", text);
    }
    bool v2 = l->way[MEMORY] == WAY_V2;
    snprintf(text, sizeof text, "%.0f", l->asked[MEMORY] * 1048576);
    if (!an__cgroup_put(group, v2 ? "memory.max" : "memory.limit_in_bytes", text)) return false;
    an__cgroup_put(group, v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes",
                   v2 ? "0" : text); /* absent where the kernel has no swap */
    return true;
}

/* Removes the groups within `own` whose server is gone, and this server's where `mine`. Says how many are left, of servers or of others. */
static size_t sweep(const char *own, bool mine)
{
    an_list names = { 0 };
    size_t left = 0;
    if (own && an_folder_list(own, &names, NULL))
        for (size_t i = 0; i < names.count; i++) {
            long server, worker;
            const char *name = names.items[i];
            bool is = sscanf(name, "andon-replica-%ld-%ld", &server, &worker) == 2 || sscanf(name, "andon-server-%ld", &server) == 1 ||
                      sscanf(name, "andon-trial-%ld", &server) == 1;
            char *group = an_path_join(own, name);
            bool lives = is && (server == (long)getpid() ? !mine : kill((pid_t)server, 0) == 0 || errno == EPERM);
            struct stat about;
            if (!is)
                left += !stat(group, &about) && S_ISDIR(about.st_mode);
            else if (lives || rmdir(group)) /* rmdir fails where a process is in it */
                left++;
            free(group);
        }
    an_list_free(&names);
    return left;
}

/* ---- v2 ---- */

static bool move_self(const char *group)
{
    char text[32];
    snprintf(text, sizeof text, "%ld", (long)getpid());
    return an__cgroup_put(group, "cgroup.procs", text);
}

/* Back where this process was, with nothing left. */
static void withdraw(an__limits *l)
{
    for (int kind = 0; kind < KINDS; kind++) {
        if (!l->enabled[kind]) continue;
        char *word = an_format("-%s", controller[kind]);
        an__cgroup_put(l->v2, "cgroup.subtree_control", word);
        free(word);
        l->enabled[kind] = false;
    }
    if (l->leaf && move_self(l->v2)) rmdir(l->leaf);
    free(l->leaf);
    l->leaf = NULL;
}

static const char *refusal(int code)
{
    return code == EACCES || code == EPERM || code == EROFS ? "not delegated to this user" : strerror(code);
}

/* Out of the group that is to be divided. While a process is in it, +memory fails, and +cpu turns it into a threaded domain, which then
 * takes no memory controller any more. The root of all groups is exempt; it alone has no cgroup.type. */
static bool enter_leaf(an__limits *l)
{
    char *type = an_path_join(l->v2, "cgroup.type");
    bool root = !an_file_exists(type);
    free(type);
    if (root || l->leaf) return true;
    size_t others = an__cgroup_others(l->v2);
    if (others) {
        snprintf(l->why, sizeof l->why, "cgroup v2: %zu other process%s in %s, and only a group without any can be divided", others,
                 others == 1 ? " is" : "es are", l->v2);
        return false;
    }
    l->leaf = an_format("%s/andon-server-%ld", l->v2, (long)getpid());
    if (make(l->leaf) && move_self(l->leaf)) return true;
    snprintf(l->why, sizeof l->why, "cgroup v2: %s: %s", l->v2, refusal(errno));
    rmdir(l->leaf);
    free(l->leaf);
    l->leaf = NULL;
    return false;
}

static bool enable(an__limits *l, int kind)
{
    if (an__cgroup_lists(l->v2, "cgroup.subtree_control", controller[kind])) return true;
    if (!enter_leaf(l)) return false;
    char *word = an_format("+%s", controller[kind]);
    l->enabled[kind] = an__cgroup_put(l->v2, "cgroup.subtree_control", word);
    if (!l->enabled[kind]) snprintf(l->why, sizeof l->why, "cgroup v2: %s: %s", l->v2, refusal(errno));
    free(word);
    return l->enabled[kind];
}

/* With nobody in it: can such a group be made and bounded? */
static bool try_group(an__limits *l, const char *own, way how, int kind)
{
    char *group = an_format("%s/andon-trial-%ld", own, (long)getpid());
    l->way[kind] = how;
    bool ok = make(group) && limit(l, kind, group);
    int code = errno;
    rmdir(group);
    if (!ok && !l->why[0]) snprintf(l->why, sizeof l->why, "cgroup v%d: %s: %s", how == WAY_V2 ? 2 : 1, own, refusal(code));
    free(group);
    return ok;
}

/* ---- what is there ---- */

static void say_how(an__limits *l)
{
    static const char *const words[] = { "", "cgroup v2", "cgroup v1" };
    way cpu = l->way[CPU], memory = l->way[MEMORY];
    bool no_share = cpu == WAY_REST;
    const char *bytes = l->unbounded[MEMORY] ? "nothing" : "RLIMIT_AS", *choice = l->unbounded[CPU] ? "nothing" : "affinity";
    char *text;
    if (!cpu && !memory)
        text = an_strdup("none asked for");
    else if (!cpu)
        text = an_strdup(memory == WAY_REST ? bytes : words[memory]);
    else if (!memory)
        text = no_share ? an_format("%s; CPU share not enforced", choice) : an_strdup(words[cpu]);
    else if (cpu == memory && !no_share)
        text = an_strdup(words[cpu]);
    else if (cpu == memory)
        text = an_format("%s and %s; CPU share not enforced", bytes, choice);
    else if (no_share)
        text = an_format("memory by %s, %s; CPU share not enforced", words[memory], choice);
    else
        text = an_format("CPU share by %s, memory by %s", words[cpu], memory == WAY_REST ? bytes : words[memory]);
    snprintf(l->how, sizeof l->how, "%s", text);
    free(text);
}

an__limits *an__limits_open(const char *root, double cpus, double memory_mb)
{
    an__limits *l = an_alloc(sizeof *l);
    l->asked[CPU] = cpus;
    l->asked[MEMORY] = memory_mb;
    bool any = !isnan(cpus) || !isnan(memory_mb), groups = false;
    if (any) l->v2 = an__cgroup_own(root, NULL);
    sweep(l->v2, true);
    for (int kind = 0; kind < KINDS; kind++) {
        if (isnan(l->asked[kind])) continue;
        l->v1[kind] = an__cgroup_own(root, controller[kind]);
        sweep(l->v1[kind], true);
        bool v2 = l->v2 && an__cgroup_lists(l->v2, "cgroup.controllers", controller[kind]);
        groups |= v2 || l->v1[kind];
        if (v2 && enable(l, kind) && try_group(l, l->v2, WAY_V2, kind)) continue;
        if (l->v1[kind] && try_group(l, l->v1[kind], WAY_V1, kind)) continue;
        l->way[kind] = WAY_REST;
    }
    if (any && !groups) snprintf(l->why, sizeof l->why, "no control groups with the controllers cpu and memory are mounted here");
    if (l->way[CPU] != WAY_V2 && l->way[MEMORY] != WAY_V2) withdraw(l);
    if (l->way[CPU] != WAY_REST && l->way[MEMORY] != WAY_REST) l->why[0] = 0;
    say_how(l);
    return l;
}

const char *an__limits_how(const an__limits *l)
{
    return l->how;
}

const char *an__limits_why(const an__limits *l)
{
    return l->why;
}

bool an__limits_enforced(const an__limits *l)
{
    return l->way[CPU] != WAY_REST && !l->unbounded[MEMORY];
}

/* ---- one worker ---- */

static bool enter(const an__limits *l, const char *own, way how, pid_t pid)
{
    char *group = replica_group(own, pid), text[32];
    bool ok = make(group);
    for (int kind = 0; ok && kind < KINDS; kind++)
        if (l->way[kind] == how && (how == WAY_V2 || own == l->v1[kind])) ok = limit(l, kind, group);
    snprintf(text, sizeof text, "%ld", (long)pid);
    ok = ok &&
         (an__cgroup_put(group, "cgroup.procs", text) || errno == ESRCH); /* a worker that is gone already says nothing about the group */
    if (!ok) rmdir(group);
    free(group);
    return ok;
}

/* RLIMIT_AS counts what is mapped, used or not: the program, its libraries and stacks are 60 MB before a model is loaded. With less than
 * the floor a worker would not start, again and again.
 */
static bool address_space(pid_t pid, double memory_mb)
{
    rlim_t bytes = (rlim_t)(fmax(memory_mb, FLOOR_MB) * 1048576);
    struct rlimit bound = { bytes, bytes };
    return prlimit(pid, RLIMIT_AS, &bound, NULL) == 0;
}

/* As many of the processors that this process may use as the share needs; the next worker gets the next ones. */
static bool affinity(pid_t pid, double cpus, int index)
{
    cpu_set_t all, some;
    if (sched_getaffinity(0, sizeof all, &all)) return false;
    int have = CPU_COUNT(&all), want = (int)ceil(cpus), number[CPU_SETSIZE], n = 0;
    if (want >= have) return true;
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &all)) number[n++] = i;
    CPU_ZERO(&some);
    for (int i = 0; i < want; i++) CPU_SET(number[(index * want + i) % have], &some);
    return sched_setaffinity(pid, sizeof some, &some) == 0;
}

bool an__limits_apply(an__limits *l, pid_t pid, int index)
{
    bool ok = true;
    way had[KINDS] = { l->way[CPU], l->way[MEMORY] };
    bool v2 = (had[CPU] == WAY_V2 || had[MEMORY] == WAY_V2) && enter(l, l->v2, WAY_V2, pid);
    for (int kind = 0; kind < KINDS; kind++) {
        if (had[kind] == WAY_NONE || (had[kind] == WAY_V2 && v2)) continue;
        if (had[kind] == WAY_V1 && enter(l, l->v1[kind], WAY_V1, pid)) continue;
        bool bounded = kind == CPU ? affinity(pid, l->asked[CPU], index) : address_space(pid, l->asked[MEMORY]);
        ok &= had[kind] == WAY_REST && bounded;
        l->way[kind] = WAY_REST; /* what failed once is not tried with every worker */
        l->unbounded[kind] = !bounded;
    }
    if (!ok) say_how(l);
    return ok;
}

void an__limits_remove(an__limits *l, pid_t pid)
{
    const char *own[] = { l->v2, l->v1[CPU], l->v1[MEMORY] };
    for (size_t i = 0; i < AN_COUNT(own); i++) {
        char *group = own[i] ? replica_group(own[i], pid) : NULL;
        if (group) rmdir(group);
        free(group);
    }
}

void an__limits_close(an__limits *l)
{
    if (!l) return;
    sweep(l->v1[CPU], true);
    sweep(l->v1[MEMORY], true);
    /* other groups here need the controllers, and then this one's leaf stays until another server sweeps */
    bool last = sweep(l->v2, true) <= (l->leaf ? 1 : 0);
    if (last) withdraw(l);
    free(l->leaf);
    free(l->v2);
    free(l->v1[CPU]);
    free(l->v1[MEMORY]);
    free(l);
}
