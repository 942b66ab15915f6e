/* act_misc.c - init, doctor, sim gearbox. */
#include "flow/acts.h"

#include "andon/sim.h"

#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* ---- init ---------------------------------------------------------------------------------------------------------------------- */

typedef struct init_options {
    char *dir;
} init_options;

static const an_param init_params[] = {
    AN_TEXT(init_options, dir, ".", "folder that becomes a workspace"),
    AN_PARAM_END,
};

static json_t *init_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)s, (void)job;
    const init_options *o = options;
    if (!an_workspace_init(o->dir, err)) return NULL;
    an_store *made = an_store_open(o->dir, err);
    if (!made) return NULL;
    an_store_close(made);
    return json_pack("{s:s, s:s}", "workspace", o->dir, "text", "workspace ready; next: andon data import NAME FILE.csv --target COLUMN");
}

const an_act an__act_init = {
    .name = "init",
    .args = "[DIR]",
    .doc = "make a workspace",
    .examples = { "andon init", "andon init plant-3" },
    .params = init_params,
    .options_size = sizeof(init_options),
    .run = init_run,
    .no_store = true,
};

/* ---- doctor ----------------------------------------------------------------------------------------------------------------------- */

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

/* How `serve --replicas` can bound its worker processes here: a group of its own in cgroup v2 or v1 where this process may make one. */
static void check_limits(json_t *list)
{
    char line[4096];
    bool v2 = false, v1 = false;
    FILE *f = fopen("/proc/self/cgroup", "re");
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;
        if (!path) continue;
        *path++ = 0;
        bool unified = !names[1];
        if (!unified && strcmp(names + 1, "cpu") && strcmp(names + 1, "cpu,cpuacct")) continue;
        char *folder = an_format("/sys/fs/cgroup%s%s%s", unified ? "" : "/", names + 1, path),
             *control = an_path_join(folder, "cgroup.procs");
        if (!access(folder, W_OK) && !access(control, W_OK)) *(unified ? &v2 : &v1) = true;
        free(folder);
        free(control);
    }
    if (f) fclose(f);
    check(list, "replica limits", true, "%s",
          v2   ? "cgroup v2: CPU share and memory of 'serve --replicas' workers are enforced"
          : v1 ? "cgroup v1: CPU share and memory of 'serve --replicas' workers are enforced"
               : "no cgroup may be made here: workers of 'serve --replicas' get RLIMIT_AS and affinity; CPU share not enforced");
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

/* ---- sim gearbox --------------------------------------------------------------------------------------------------------------------- */

typedef struct sim_options {
    an_gearbox_options line;
    char *out;
} sim_options;

static const an_param sim_params[] = {
    AN_GEARBOX_PARAMS(offsetof(sim_options, line)),
    AN_TEXT(sim_options, out, "gearbox.csv",
            "file to write; the truth (row, mode, clean label) goes to NAME.truth.csv, with --raw the stations to NAME.press.csv and "
            "NAME.screw.csv"),
    AN_PARAM_END,
};

static char *beside(const char *path, const char *what)
{
    size_t n = strlen(path);
    if (n > 4 && !strcmp(path + n - 4, ".csv")) n -= 4;
    return an_format("%.*s.%s.csv", (int)n, path, what);
}

static json_t *sim_run(an_store *s, const void *options, an_job *job, an_error *err)
{
    (void)s;
    const sim_options *o = options;
    an_gearbox g = { 0 };
    if (!an_gearbox_simulate(&o->line, an_job_seed(job), &g, job, err)) return NULL;
    char *truth = beside(o->out, "truth"), *press = beside(o->out, "press"), *screw = beside(o->out, "screw"),
         *columns = beside(o->out, "columns");
    bool ok = an_csv_write(g.truth, truth, err);
    if (ok && !g.station[0]) ok = an_csv_write(g.parts, o->out, err);
    if (ok && g.station[0])
        ok = an_csv_write(g.station[0], press, err) && an_csv_write(g.station[1], screw, err) && an_csv_write(g.columns, columns, err);
    json_t *result = NULL;
    if (ok) {
        result = json_pack("{s:I, s:I, s:s}", "rows", (json_int_t)g.truth->rows, "seed", (json_int_t)an_job_seed(job), "truth", truth);
        an_buf text = { 0 };
        if (g.station[0]) {
            json_object_set_new(result, "stations", json_pack("[s, s]", press, screw));
            an_buf_printf(&text, "%zu parts: %s and %s; which columns are useful: %s; the truth, not for training, in %s", g.truth->rows,
                          press, screw, columns, truth);
        } else {
            json_object_set_new(result, "out", json_string(o->out));
            an_buf_printf(
                &text,
                "%zu parts: %s (target: broken); the truth, not for training, in %s\nnext: andon data import gearbox %s --target broken",
                g.truth->rows, o->out, truth, o->out);
        }
        json_object_set_new(result, "text", json_string(text.data));
        an_buf_free(&text);
    }
    free(truth);
    free(press);
    free(screw);
    free(columns);
    an_gearbox_free(&g);
    return result;
}

const an_act an__act_sim_gearbox = {
    .name = "sim gearbox",
    .doc = "a simulated gearbox assembly line, seeded",
    .more = "Story and formulas: docs/gearbox-line.md. The truth is in a file of its own, so that nobody trains on it by accident.",
    .examples = { "andon sim gearbox --out gearbox.csv", "andon sim gearbox --rows 5000 --broken 0.05 --seed 7" },
    .params = sim_params,
    .options_size = sizeof(sim_options),
    .run = sim_run,
    .no_store = true,
};
