/* cgroup.h - where the kernel's control groups are: the folder of this process's own group, and its files. What is done with them:
 * replica_limits.c. */
#ifndef AN_SERVE_CGROUP_H
#define AN_SERVE_CGROUP_H

#include "andon/base.h"

/* The folder of this process's group: of the v2 hierarchy (controller NULL), or of the v1 hierarchy with that controller ("cpu", "memory").
 * NULL: it is not mounted. `root` goes before /proc and every mount point: "" but in tests. */
char *an__cgroup_own(const char *root, const char *controller);

/* Writes a file of a group. False: errno says why. */
bool an__cgroup_put(const char *group, const char *file, const char *text);

/* Is the word in the file, a list with spaces between? */
bool an__cgroup_lists(const char *group, const char *file, const char *word);

/* Processes in the group besides this one. */
size_t an__cgroup_others(const char *group);

#endif
