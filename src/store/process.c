/* process.c - who this process is, whether another one still lives, what machine this is, and ids of runs. Linux's /proc is the source. */
#include "store/store.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Small files of /proc and /sys; false when there is none. */
static bool slurp(const char *path, char *out, size_t size)
{
    FILE *f = fopen(path, "re");
    if (!f) return false;
    size_t n = fread(out, 1, size - 1, f);
    fclose(f);
    out[n] = '\0';
    return n > 0;
}

static void short_hash(const char *text, char out[9])
{
    an_hash h;
    char hex[65];
    an_hash_bytes(text, strlen(text), &h);
    an_hash_hex(&h, hex);
    snprintf(out, 9, "%.8s", hex);
}

/* Field 22 of /proc/PID/stat, clock ticks since boot. The second field is the program's name in brackets and may hold anything.
 * *dead: a process that ended and waits to be collected. */
static bool start_time(long pid, unsigned long long *ticks, bool *dead)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    if (!slurp(path, text, sizeof text)) return false;
    char *p = strrchr(text, ')'), *state = NULL, *rest = NULL;
    if (!p) return false;
    int field = 2;
    for (char *word = strtok_r(p + 1, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        field++;
        if (field == 3) state = word;
        if (field == 22) {
            *ticks = strtoull(word, NULL, 10);
            *dead = state && (*state == 'Z' || *state == 'X');
            return true;
        }
    }
    return false;
}

void an__process_tag(char tag[AN__TAG_SIZE])
{
    char host[256] = "", boot[64] = "", host8[9], boot8[9];
    gethostname(host, sizeof host - 1);
    if (!slurp("/proc/sys/kernel/random/boot_id", boot, sizeof boot)) boot[0] = '\0';
    short_hash(host, host8);
    short_hash(boot, boot8);
    struct stat space = { 0 };
    if (stat("/proc/self/ns/pid", &space) != 0) space.st_ino = 0;
    unsigned long long ticks = 0;
    bool dead = false;
    if (!start_time((long)getpid(), &ticks, &dead)) ticks = 0;
    snprintf(tag, AN__TAG_SIZE, "%s-%s-%llx-%ld-%llu", host8, boot8, (unsigned long long)space.st_ino, (long)getpid(), ticks);
}

typedef struct parts {
    char host[9], boot[9];
    unsigned long long space, ticks;
    long pid;
} parts;

static bool split(const char *tag, parts *p)
{
    return sscanf(tag, "%8[0-9a-f]-%8[0-9a-f]-%llx-%ld-%llu", p->host, p->boot, &p->space, &p->pid, &p->ticks) == 5 && p->pid > 0;
}

an__life an__process_life(const char *self, const char *tag)
{
    parts me, other;
    if (!split(self, &me) || !split(tag, &other) || strcmp(me.host, other.host) != 0) return AN__ELSEWHERE;
    if (strcmp(me.boot, other.boot) != 0) return AN__DEAD;
    if (me.space != other.space) return AN__ELSEWHERE;
    if (kill((pid_t)other.pid, 0) != 0 && errno == ESRCH) return AN__DEAD;
    unsigned long long ticks = 0;
    bool dead = false;
    if (start_time(other.pid, &ticks, &dead)) return dead || ticks != other.ticks ? AN__DEAD : AN__ALIVE;
    return kill((pid_t)other.pid, 0) != 0 && errno == ESRCH ? AN__DEAD : AN__ALIVE;
}

long an__process_pid(const char *tag)
{
    parts p;
    return split(tag, &p) ? p.pid : 0;
}

/* ---- the machine ---- */

static char *cpu_model(void)
{
    char *text = an_alloc(1 << 16), *model = NULL;
    if (slurp("/proc/cpuinfo", text, 1 << 16)) {
        char *line = strstr(text, "model name"), *colon = line ? strchr(line, ':') : NULL;
        if (colon) {
            colon += 1 + strspn(colon + 1, " \t");
            model = an_strndup(colon, strcspn(colon, "\n"));
        }
    }
    free(text);
    return model;
}

char *an__machine_text(void)
{
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    struct utsname system = { 0 };
    uname(&system);
    char *model = cpu_model();
    long cores = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    json_t *value = json_object();
    json_object_set_new(value, "host", json_string(host));
    json_object_set_new(value, "cpu", json_string(model ? model : system.machine));
    json_object_set_new(value, "cores", json_integer(cores));
    json_object_set_new(value, "memory_bytes", json_integer((json_int_t)pages * page));
    char *name = an_format("%s %s %s", system.sysname, system.release, system.machine);
    json_object_set_new(value, "system", json_string(name));
    char *text = an_json_text(value, false);
    json_decref(value);
    free(name);
    free(model);
    return text;
}

/* ---- who holds the lock ---- */

/* SQLite's write lock in WAL mode is byte 120 of the -shm file; in exclusive mode and while the journal mode changes it is a range of
 * the database file that starts at 2^30. /proc/locks is read because opening those files here would drop our own locks on them when
 * the descriptor is closed (POSIX advisory locks belong to the process). */
bool an__lock_holder(const char *database, long *pid, char name[64])
{
    char *shm = an_format("%s-shm", database);
    struct stat main_file = { 0 }, shared = { 0 };
    bool has_main = stat(database, &main_file) == 0, has_shared = stat(shm, &shared) == 0;
    free(shm);
    FILE *f = fopen("/proc/locks", "re");
    if (!f) return false;
    char line[256], range_start[32];
    bool found = false;
    while (!found && fgets(line, sizeof line, f)) {
        long owner;
        unsigned major_number, minor_number;
        unsigned long long inode;
        char type[16], mode[16], access[16];
        if (strstr(line, "->")) continue; /* one who waits */
        if (sscanf(line, "%*s %15s %15s %15s %ld %x:%x:%llu %31s", type, mode, access, &owner, &major_number, &minor_number, &inode,
                   range_start) != 8)
            continue;
        if (owner <= 0 || owner == (long)getpid() || strcmp(access, "WRITE") != 0) continue;
        unsigned long long first = strtoull(range_start, NULL, 10);
        found = (has_shared && inode == shared.st_ino && first == 120) || (has_main && inode == main_file.st_ino && first >= 1ull << 30);
        if (found) *pid = owner;
    }
    fclose(f);
    if (!found) return false;
    char path[64], comm[64];
    snprintf(path, sizeof path, "/proc/%ld/comm", *pid);
    if (!slurp(path, comm, sizeof comm)) snprintf(comm, sizeof comm, "unknown");
    comm[strcspn(comm, "\n")] = '\0';
    snprintf(name, 64, "%s", comm);
    return true;
}

/* ---- ids ---- */

/* A ULID: 48 bits of milliseconds and 80 random bits in Crockford's base 32, 26 characters that sort by time. Within one millisecond
 * the random part counts up, so the ids of one process always rise. */
void an__id_next(an_store *s, char id[AN__ID_SIZE])
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint64_t ms = (uint64_t)(an_now_us() / 1000);
    if (ms <= s->last_ms) {
        ms = s->last_ms;
        for (int i = 9; i >= 0 && ++s->last_random[i] == 0; i--) {
        }
    } else {
        size_t have = 0;
        while (have < sizeof s->last_random) {
            ssize_t got = getrandom(s->last_random + have, sizeof s->last_random - have, 0);
            if (got > 0) have += (size_t)got;
        }
        s->last_random[0] &= 0x7f; /* room to count up */
        s->last_ms = ms;
    }
    uint8_t bytes[16];
    for (int i = 0; i < 6; i++) bytes[i] = (uint8_t)(ms >> (8 * (5 - i)));
    memcpy(bytes + 6, s->last_random, 10);
    /* 128 bits in 26 digits of 5: two zero bits in front */
    for (int i = 0; i < 26; i++) {
        int value = 0;
        for (int b = 0; b < 5; b++) {
            int bit = i * 5 + b - 2;
            value = value * 2 + (bit < 0 ? 0 : bytes[bit / 8] >> (7 - bit % 8) & 1);
        }
        id[i] = digits[value];
    }
    id[26] = '\0';
}
