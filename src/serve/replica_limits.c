/* replica_limits.c - see replica_limits.h. A group is a folder beside this process's own group; where none can be made, the kernel still
 * bounds address space and the set of processors, but no share of a processor.
 */
#include "serve/replica_limits.h"

#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PERIOD_US = 100000 };

static bool put(const char *folder, const char *file, const char *text)
{
    char *path = an_path_join(folder, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    free(path);
    if (fd < 0) return false;
    bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return ok;
}

/* The folder of this process's group in the hierarchy of `controller` (NULL: v2); NULL: there is none. */
static char *own_group(const char *controller)
{
    FILE *f = fopen("/proc/self/cgroup", "re");
    char line[4096], *found = NULL;
    while (f && !found && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;
        if (!path) continue;
        *path++ = 0;
        names++;
        bool here = controller ? strstr(names, controller) != NULL : !names[0];
        if (!here) continue;
        static const char *const roots[] = { "/sys/fs/cgroup/", "/sys/fs/cgroup/unified" };
        for (size_t i = 0; i < 2 && !found; i++) {
            char *root = controller ? an_format("/sys/fs/cgroup/%s", i ? names : controller) : an_strdup(roots[i]);
            char *folder = an_format("%s%s", root, path);
            if (an_file_exists(folder))
                found = an_strdup(folder);
            else if (an_file_exists(root)) /* in a container its own group is the root */
                found = an_strdup(root);
            free(folder);
            free(root);
        }
    }
    if (f) fclose(f);
    return found;
}

static char *group_name(const char *own, pid_t pid)
{
    return an_format("%s/andon-replica-%ld", own, (long)pid);
}

static bool group_v2(pid_t pid, double cpus, double memory_mb)
{
    char *own = own_group(NULL), *group = own ? group_name(own, pid) : NULL, text[64];
    bool ok = group && mkdir(group, 0755) == 0;
    if (ok) {
        if (!isnan(cpus)) {
            snprintf(text, sizeof text, "%.0f %d", cpus * PERIOD_US, PERIOD_US);
            ok = put(group, "cpu.max", text);
        }
        if (ok && !isnan(memory_mb)) {
            snprintf(text, sizeof text, "%.0f", memory_mb * 1048576);
            ok = put(group, "memory.max", text);
        }
        snprintf(text, sizeof text, "%ld", (long)pid);
        ok = ok && put(group, "cgroup.procs", text);
        if (!ok) rmdir(group);
    }
    free(own);
    free(group);
    return ok;
}

static bool group_v1(const char *controller, const char *file, double value, pid_t pid)
{
    char *own = own_group(controller), *group = own ? group_name(own, pid) : NULL, text[64];
    bool ok = group && mkdir(group, 0755) == 0;
    if (ok) {
        snprintf(text, sizeof text, "%.0f", value);
        ok = put(group, file, text);
        snprintf(text, sizeof text, "%ld", (long)pid);
        ok = ok && put(group, "cgroup.procs", text);
        if (!ok) rmdir(group);
    }
    free(own);
    free(group);
    return ok;
}

static bool address_space(pid_t pid, double memory_mb)
{
    struct rlimit limit = { (rlim_t)(memory_mb * 1048576), (rlim_t)(memory_mb * 1048576) };
    return prlimit(pid, RLIMIT_AS, &limit, NULL) == 0;
}

/* As many of the processors this process may use as the share needs, other ones for other workers. */
static bool affinity(pid_t pid, double cpus)
{
    cpu_set_t all, some;
    if (sched_getaffinity(0, sizeof all, &all)) return false;
    int have = CPU_COUNT(&all), want = (int)ceil(cpus), skip = (int)(pid % have);
    if (want >= have) return true;
    CPU_ZERO(&some);
    for (int i = 0, seen = 0; CPU_COUNT(&some) < want; i = (i + 1) % CPU_SETSIZE) {
        if (!CPU_ISSET(i, &all)) continue;
        if (seen++ >= skip) CPU_SET(i, &some);
    }
    return sched_setaffinity(pid, sizeof some, &some) == 0;
}

const char *an__limits_apply(pid_t pid, double cpus, double memory_mb)
{
    if (isnan(cpus) && isnan(memory_mb)) return "none asked for";
    if (group_v2(pid, cpus, memory_mb)) return "cgroup v2";
    bool cpu = !isnan(cpus) && group_v1("cpu", "cpu.cfs_quota_us", cpus * PERIOD_US, pid);
    bool memory = !isnan(memory_mb) && group_v1("memory", "memory.limit_in_bytes", memory_mb * 1048576, pid);
    if ((isnan(cpus) || cpu) && (isnan(memory_mb) || memory)) return "cgroup v1";
    bool bounded = isnan(memory_mb) || memory || address_space(pid, memory_mb);
    if (!isnan(cpus) && !cpu) affinity(pid, cpus);
    if (!bounded) return "not enforced";
    return isnan(cpus) || cpu ? "RLIMIT_AS" : "RLIMIT_AS and affinity; CPU share not enforced";
}

void an__limits_remove(pid_t pid)
{
    static const char *const controllers[] = { NULL, "cpu", "memory" };
    for (size_t i = 0; i < AN_COUNT(controllers); i++) {
        char *own = own_group(controllers[i]), *group = own ? group_name(own, pid) : NULL;
        if (group) rmdir(group);
        free(group);
        free(own);
    }
}

void an__limits_sweep(void)
{
    static const char *const controllers[] = { NULL, "cpu", "memory" };
    for (size_t i = 0; i < AN_COUNT(controllers); i++) {
        char *own = own_group(controllers[i]);
        an_list names = { 0 };
        if (own && an_folder_list(own, &names, NULL))
            for (size_t k = 0; k < names.count; k++) {
                if (strncmp(names.items[k], "andon-replica-", 14)) continue;
                char *group = an_path_join(own, names.items[k]);
                rmdir(group); /* fails where a process is in it */
                free(group);
            }
        an_list_free(&names);
        free(own);
    }
}
