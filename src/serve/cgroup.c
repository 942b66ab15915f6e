/* cgroup.c - see cgroup.h. /proc/self/cgroup names the group, /proc/self/mountinfo the folder where its hierarchy is mounted, and which
 * part of it: in a container that is often the group itself. cgroups(7), proc(5).
 */
#include "serve/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 8192 };

static bool has_word(const char *list, const char *word, char separator)
{
    size_t n = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += n)
        if ((at == list || at[-1] == separator) && (!at[n] || at[n] == separator)) return true;
    return false;
}

/* "HIERARCHY:CONTROLLERS:PATH"; no controllers: v2. */
static char *own_path(const char *root, const char *controller)
{
    char *file = an_format("%s/proc/self/cgroup", root), line[LINE], *found = NULL;
    FILE *f = fopen(file, "re");
    free(file);
    while (f && !found && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;
        if (!path) continue;
        *path++ = 0;
        names++;
        if (controller ? has_word(names, controller, ',') : !names[0]) found = an_strdup(path);
    }
    if (f) fclose(f);
    return found;
}

/* \040 and its like, as mountinfo writes space, tab, newline and backslash. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *at = text; *at;) {
        bool octal = at[0] == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] >= '0' && at[2] <= '7' && at[3] >= '0' && at[3] <= '7';
        *to++ = octal ? (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + at[3] - '0') : *at;
        at += octal ? 4 : 1;
    }
    *to = 0;
}

/* "ID PARENT MAJOR:MINOR ROOT MOUNTPOINT OPTIONS [FIELDS...] - TYPE SOURCE SUPEROPTIONS" */
static bool mount_of(char *line, const char *controller, char **from, char **at)
{
    char *rest = strstr(line, " - "), *save = NULL, *field[6], type[32], options[1024] = "";
    if (!rest) return false;
    *rest = 0;
    if (sscanf(rest + 3, "%31s %*s %1023s", type, options) < 1) return false;
    if (strcmp(type, controller ? "cgroup" : "cgroup2") || (controller && !has_word(options, controller, ','))) return false;
    size_t n = 0;
    for (char *t = strtok_r(line, " ", &save); t && n < AN_COUNT(field); t = strtok_r(NULL, " ", &save)) field[n++] = t;
    if (n < 5) return false;
    unescape(*from = field[3]);
    unescape(*at = field[4]);
    return true;
}

char *an__cgroup_own(const char *root, const char *controller)
{
    char *path = own_path(root, controller), *found = NULL, *file = an_format("%s/proc/self/mountinfo", root), line[LINE];
    FILE *f = path ? fopen(file, "re") : NULL;
    free(file);
    while (f && !found && fgets(line, sizeof line, f)) {
        char *from, *at;
        line[strcspn(line, "\n")] = 0;
        if (!mount_of(line, controller, &from, &at)) continue;
        size_t n = strcmp(from, "/") ? strlen(from) : 0;
        bool below = !strncmp(path, from, n) && (!path[n] || path[n] == '/');
        const char *rest = below ? path + n : ""; /* a mount that shows another part: a container's own group */
        char *folder = an_format("%s%s%s", root, at, strcmp(rest, "/") ? rest : ""), *control = an_path_join(folder, "cgroup.procs");
        if (an_file_exists(control)) found = an_strdup(folder);
        free(control);
        free(folder);
    }
    if (f) fclose(f);
    free(path);
    return found;
}

bool an__cgroup_put(const char *group, const char *file, const char *text)
{
    char *path = an_path_join(group, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    free(path);
    if (fd < 0) return false;
    bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    int code = errno;
    close(fd);
    errno = code;
    return ok;
}

bool an__cgroup_lists(const char *group, const char *file, const char *word)
{
    char *path = an_path_join(group, file);
    an_buf text = { 0 };
    bool found = false;
    if (an_file_read(path, 4096, &text, NULL) && text.size) {
        if (text.data[text.size - 1] == '\n') text.data[text.size - 1] = 0;
        found = has_word(text.data, word, ' ');
    }
    an_buf_free(&text);
    free(path);
    return found;
}

size_t an__cgroup_others(const char *group)
{
    char *path = an_path_join(group, "cgroup.procs"), line[64];
    FILE *f = fopen(path, "re");
    size_t n = 0;
    while (f && fgets(line, sizeof line, f)) n += strtol(line, NULL, 10) != (long)getpid();
    if (f) fclose(f);
    free(path);
    return n;
}
