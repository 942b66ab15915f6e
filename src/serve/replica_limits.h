/* replica_limits.h - CPU and memory of a worker process: cgroup v2 where it is delegated, else v1, else affinity and RLIMIT_AS. */
#ifndef AN_SERVE_REPLICA_LIMITS_H
#define AN_SERVE_REPLICA_LIMITS_H

#include "andon/base.h"

#include <sys/types.h>

/* NaN: no limit. Returns how they are enforced, a constant text. */
const char *an__limits_apply(pid_t pid, double cpus, double memory_mb);
void an__limits_remove(pid_t pid); /* the group of a process that is gone */
void an__limits_sweep(void);       /* groups that killed servers left empty */

#endif
