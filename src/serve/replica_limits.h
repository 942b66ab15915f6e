/* replica_limits.h - CPU share and memory of worker processes: a control group for each, v2 where this process may make one, else v1, else
 * RLIMIT_AS and affinity, which bound address space and the choice of processors but no share of one. CPU and memory each take the best way
 * there is: a machine may have one in v2 and the other in v1.
 */
#ifndef AN_SERVE_REPLICA_LIMITS_H
#define AN_SERVE_REPLICA_LIMITS_H

#include "andon/base.h"

#include <sys/types.h>

typedef struct an__limits an__limits;

/* Finds out by trying. NaN: no limit. In v2 this moves the process into a leaf of its own group ("no internal processes", cgroups(7));
 * an__limits_close moves it back. Also removes groups that killed servers left. `root` goes before /proc and /sys: "" but in tests. */
an__limits *an__limits_open(const char *root, double cpus, double memory_mb);
const char *an__limits_how(
    const an__limits *l); /* how they are enforced: "cgroup v2", "RLIMIT_AS and affinity; CPU share not enforced", ... */
bool an__limits_enforced(const an__limits *l);   /* CPU and memory both, where asked for */
const char *an__limits_why(const an__limits *l); /* why not by control groups; "": they are used */

/* Bounds a process. `index`: which of the workers it is, so that affinity spreads them over the processors. False: what was asked for could
 * not be done for this one; the next best was, and an__limits_how says it. */
bool an__limits_apply(an__limits *l, pid_t pid, int index);
void an__limits_remove(an__limits *l, pid_t pid); /* the group of a process that is gone */
void an__limits_close(an__limits *l);

#endif
