/* own_process.h - this program started anew to help a server: a worker that scores, the holder of a database's driver. A process with
 * threads must not fork and go on. */
#ifndef AN_SERVE_OWN_PROCESS_H
#define AN_SERVE_OWN_PROCESS_H

#include "andon/base.h"

#include <sys/types.h>

/* `andon serve` in this workspace with the socket `fd` as its descriptor 3, and "3" in the environment under `variable`, which tells it
 * what it is; other descriptors but stderr are closed. The program is the file
 * that runs now, also where it was replaced meanwhile. */
bool an__own_process_start(const char *variable, const char *workspace, int fd, pid_t *pid, an_error *err);

#endif
