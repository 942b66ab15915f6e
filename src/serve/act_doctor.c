/* act_doctor.c - doctor: what this machine offers, and what is misconfigured. It stands in this room because it tries what serving needs,
 * too. */
#include "serve/acts.h"
#include "serve/replica_limits.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const an_param no_params[] = { AN_PARAM_END };

static void check(json_t *list, const char *name, bool good, const char *format, ...) AN_PRINTF(4, 5);
static void check(json_t *list, const char *name, bool good, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char text[512];
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_array_append_new(list, json_pack("{s:s, s:b, s:s}", "name", name, "ok", good, "text", text));
}

/* The CPU share a container may use, or NAN. cgroup v2 cpu.max: "quota period". */
static double cgroup_cpus(void)
{
    an_buf b = { 0 };
    double quota = NAN, period = NAN;
    if (an_file_exists("/sys/fs/cgroup/cpu.max") && an_file_read("/sys/fs/cgroup/cpu.max", 256, &b, NULL) &&
        sscanf(b.data, "%lf %lf", &quota, &period) != 2)
        quota = NAN;
    an_buf_free(&b);
    return quota / period;
}

/* How `serve --replicas` can bound its worker processes here; found out by trying, and undone. */
static void check_limits(json_t *list)
{
    an__limits *l = an__limits_open("", 0.5, 512);
    const char *why = an__limits_why(l);
    bool enforced = an__limits_enforced(l);
    check(list, "replica limits", true, "%s%s%s%s%s", an__limits_how(l),
          enforced ? ": CPU share and memory of 'serve --replicas' workers are enforced" : "", *why ? " (" : "", why, *why ? ")" : "");
    an__limits_close(l);
}

static json_t *doctor_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)s, (void)options, (void)err;
    json_t *list = json_array();
    int threads = an_pool_threads(an_job_pool(job));
    check(list, "version", true, "andon %s (%s)", an_version(), an_code_version());
    an_buf paths = { 0 };
    static const char *const all[] = { "avx512", "avx2", "neon", "plain" };
    for (size_t i = 0; i < AN_COUNT(all); i++)
        if (an_cpu_available(all[i])) an_buf_printf(&paths, " %s", all[i]);
    check(list, "cpu", strcmp(an_cpu_path(), "plain"), "kernels run on %s (this processor has%s); ANDON_CPU forces another", an_cpu_path(),
          paths.data);
    an_buf_free(&paths);
    double share = cgroup_cpus();
    check(list, "threads", isnan(share) || share >= threads,
          isnan(share) ? "%d threads" : "%d threads, but the container's quota is %.1f processors: use --threads", threads, share);
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGE_SIZE);
    check(list, "memory", true, "%.1f GB", (double)pages * (double)size / 1e9);
    check_limits(list);
    char *folder = an_workspace_find(".", NULL);
    if (folder) {
        an_error why = { 0 };
        an_store *store = an_store_open(folder, &why);
        check(list, "workspace", store != NULL, "%s: %s", folder, store ? "opens" : why.message);
        size_t entries = 0;
        if (store) {
            bool sound = an_record_verify(store, &entries, &why);
            check(list, "record", sound, sound ? "%zu signed decisions, chain complete%s" : "%zu: %s", entries, sound ? "" : why.message);
            json_t *config = an_store_config(store, &why);
            check(list, "andon.yaml", config != NULL, "%s", config ? "reads" : why.message);
            json_decref(config);
        }
        an_store_close(store);
    } else {
        check(list, "workspace", true, "none here: 'andon init' makes one");
    }
    struct statvfs fs;
    if (!statvfs(folder ? folder : ".", &fs)) {
        double free_gb = (double)fs.f_bavail * (double)fs.f_frsize / 1e9;
        check(list, "disk", free_gb > 1, "%.1f GB free%s", free_gb, free_gb > 1 ? "" : ": imports and runs will fail soon");
    }
    free(folder);
    return json_pack("{s:o}", "checks", list);
}

const an_act an__act_doctor = {
    .name = "doctor",
    .doc = "what this machine offers, and what is misconfigured",
    .examples = { "andon doctor", "andon doctor --json" },
    .params = no_params,
    .options_size = 1,
    .run = doctor_run,
    .no_store = true,
};
