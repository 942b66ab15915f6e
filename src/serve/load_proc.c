/* load_proc.c - what the server's processes use, where they run on this machine (/proc, see proc(5)): who listens on the port is found by
 * the socket's inode; its children are found anew at each look. Another user's processes cannot be looked into: then nothing is known. */
#include "serve/load.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <math.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Only an address of this machine can be bound. */
static bool local(const struct addrinfo *a)
{
    struct sockaddr_storage to = { 0 };
    memcpy(&to, a->ai_addr, a->ai_addrlen);
    if (a->ai_family == AF_INET) ((struct sockaddr_in *)&to)->sin_port = 0;
    if (a->ai_family == AF_INET6) ((struct sockaddr_in6 *)&to)->sin6_port = 0;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&to, a->ai_addrlen) == 0;
    if (fd >= 0) close(fd);
    return ok;
}

/* Host and port of http://host:port; false: neither is this machine nor readable. */
static bool here(const char *url, int64_t *port)
{
    const char *at = strstr(url, "://");
    if (!at) return false;
    at += 3;
    size_t n = strcspn(at, "/?#");
    char *authority = an_strndup(at, n), *host = authority, *colon = strrchr(authority, ':');
    if (*host == '[') {
        char *close = strchr(host, ']');
        if (!close) {
            free(authority);
            return false;
        }
        *close = 0;
        host++;
        colon = close[1] == ':' ? close + 1 : NULL;
    }
    *port = colon ? strtoll(colon + 1, NULL, 10) : strncmp(url, "https", 5) ? 80 : 443;
    if (colon) *colon = 0;
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    bool ok = getaddrinfo(host, NULL, &hints, &found) == 0 && found && local(found);
    if (found) freeaddrinfo(found);
    free(authority);
    return ok;
}

/* Inodes of sockets that listen on the port. */
static int listeners(const char *path, int64_t port, unsigned long *inode, int room)
{
    int n = 0;
    char line[512];
    FILE *f = fopen(path, "re");
    while (f && n < room && fgets(line, sizeof line, f)) {
        unsigned at, state;
        unsigned long which;
        /* sl local:port remote:port state tx:rx timer:when retransmit uid timeout inode */
        if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*d %*d %lu", &at, &state, &which) == 3 && state == 10 &&
            (int64_t)at == port)
            inode[n++] = which;
    }
    if (f) fclose(f);
    return n;
}

static bool holds(const char *pid, const unsigned long *inode, int n)
{
    char folder[64], path[384], text[64];
    snprintf(folder, sizeof folder, "/proc/%.20s/fd", pid);
    DIR *d = opendir(folder);
    bool found = false;
    for (struct dirent *e; d && !found && (e = readdir(d));) {
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        ssize_t size = readlink(path, text, sizeof text - 1);
        unsigned long which;
        text[size > 0 ? size : 0] = 0;
        if (sscanf(text, "socket:[%lu]", &which) != 1) continue;
        for (int i = 0; i < n; i++) found |= inode[i] == which;
    }
    if (d) closedir(d);
    return found;
}

bool an__load_proc_find(an__load_proc *p, const char *url)
{
    *p = (an__load_proc){ 0 };
    unsigned long inode[8];
    if (!here(url, &p->port)) return false;
    int n = listeners("/proc/net/tcp", p->port, inode, 8);
    n += listeners("/proc/net/tcp6", p->port, inode + n, 8 - n);
    DIR *d = n ? opendir("/proc") : NULL;
    for (struct dirent *e; d && p->roots < (int)AN_COUNT(p->root) && (e = readdir(d));)
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && holds(e->d_name, inode, n)) p->root[p->roots++] = strtol(e->d_name, NULL, 10);
    if (d) closedir(d);
    return p->roots > 0;
}

/* ---- looking ---- */

static bool used(long pid, uint64_t *ticks, double *bytes)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f) fclose(f);
    text[n] = 0;
    const char *rest = strrchr(text, ')'); /* the name may hold anything */
    unsigned long user, system;
    long pages;
    if (!rest || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %*u %*u %ld", &user,
                        &system, &pages) != 3)
        return false;
    *ticks = user + system;
    *bytes = (double)pages * (double)sysconf(_SC_PAGESIZE);
    return true;
}

static int add(long *pid, int n, long one)
{
    for (int i = 0; i < n; i++)
        if (pid[i] == one) return n;
    if (n < AN__LOAD_PIDS) pid[n++] = one;
    return n;
}

static int add_children(long *pid, int n, long of)
{
    char folder[64], path[384];
    snprintf(folder, sizeof folder, "/proc/%ld/task", of);
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s/children", folder, e->d_name);
        FILE *f = fopen(path, "re");
        for (long child; f && fscanf(f, "%ld", &child) == 1;) n = add(pid, n, child);
        if (f) fclose(f);
    }
    if (d) closedir(d);
    return n;
}

void an__load_proc_look(an__load_proc *p, an__load_use *use)
{
    long pid[AN__LOAD_PIDS];
    int n = 0, lives = 0;
    for (int i = 0; i < p->roots; i++) n = add(pid, n, p->root[i]);
    for (int i = 0; i < n; i++) n = add_children(pid, n, pid[i]);
    double now = an_clock_s(), bytes, all = 0;
    uint64_t spent = 0, ticks;
    an__load_proc before = *p;
    p->count = 0;
    for (int i = 0; i < n; i++) {
        if (!used(pid[i], &ticks, &bytes)) continue;
        uint64_t since = 0; /* a process that is new spent all of it since the last look */
        for (int k = 0; k < before.count; k++)
            if (before.seen[k].pid == pid[i]) since = before.seen[k].ticks;
        spent += ticks - (since < ticks ? since : ticks);
        all += bytes;
        p->seen[p->count].pid = pid[i];
        p->seen[p->count++].ticks = ticks;
        lives++;
    }
    p->at = now;
    use->processes = lives;
    use->memory_mb = lives ? all / 1e6 : NAN;
    use->cpu = lives && before.count && now > before.at ? (double)spent / (double)sysconf(_SC_CLK_TCK) / (now - before.at) : NAN;
}
