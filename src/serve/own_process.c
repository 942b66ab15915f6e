/* own_process.c - starts this program anew. */
#include "serve/own_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>

bool an__own_process_start(const char *variable, const char *workspace, int fd, pid_t *pid, an_error *err)
{
    extern char **environ;
    size_t n = 0;
    while (environ[n]) n++;
    char **env = an_alloc_n(n + 2, sizeof *env), *name = an_format("%s=3", variable);
    memcpy(env, environ, n * sizeof *env);
    env[n] = name;
    char *argv[] = { (char *)"andon",     (char *)"serve", (char *)"--workspace", (char *)(uintptr_t)workspace,
                     (char *)"--threads", (char *)"1",     (char *)"--quiet",     NULL };
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, fd, 3);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, 4);
    posix_spawnattr_init(&how);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP); /* Ctrl-C is the parent's: it lets requests end first */
    int code = posix_spawn(pid, "/proc/self/exe", &files, &how, argv, env);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    free(name);
    free(env);
    return !code || an_fail(err, AN_FAILED, "starting a process of its own: %s", strerror(code));
}
