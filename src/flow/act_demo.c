/* act_demo.c - demo gearbox: a whole line on simulated data, by the same acts a person would type. */
#include "flow/acts.h"

#include "andon/sim.h"
#include "examples.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct demo_options {
    char *dir;
    int64_t rows, repeats;
} demo_options;

static const an_param params[] = {
    AN_TEXT(demo_options, dir, "gearbox-demo", "folder to make; an unfinished demo there goes on"),
    AN_INT(demo_options, rows, 1100, 200, 1000000, "parts to simulate"),
    AN_INT(demo_options, repeats, 5, 1, 100, "splits of the comparison"),
    AN_PARAM_END,
};

/* An act with parameters as text pairs. */
static json_t *act(const an_act *a, an_store *s, const char *const *pairs, an_job *job, an_error *err)
{
    void *options = an_alloc(a->options_size);
    an_params_defaults(a->params, options);
    bool ok = true;
    for (size_t i = 0; ok && pairs[i]; i += 2) {
        const an_param *p = an_params_find(a->params, pairs[i]);
        if (p && p->type == AN_PARAM_LIST) an_params_clear_list(a->params, options, pairs[i]);
        ok = an_params_set(a->params, options, pairs[i], pairs[i + 1], err);
    }
    json_t *result = ok ? a->run(s, options, job, err) : NULL;
    an_params_free(a->params, options);
    free(options);
    return result;
}

/* The folder of this program when a shell would not find it by its name, else NULL; new text. */
static char *folder_to_add(void)
{
    char self[4096], *rest = NULL;
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0) return NULL;
    self[n] = 0;
    const char *name = an_path_base(self), *path = getenv("PATH");
    char *paths = an_strdup(path ? path : "");
    bool found = false;
    for (char *folder = strtok_r(paths, ":", &rest); folder && !found; folder = strtok_r(NULL, ":", &rest)) {
        char *file = an_path_join(folder, name);
        found = access(file, X_OK) == 0;
        free(file);
    }
    free(paths);
    return found ? NULL : an_strndup(self, (size_t)(name - self - (name > self + 1)));
}

static bool simulate(const demo_options *o, const char *csv, an_job *job, an_error *err)
{
    if (an_file_exists(csv)) return true;
    char rows[32];
    snprintf(rows, sizeof rows, "%lld", (long long)o->rows);
    json_t *r = act(&an__act_sim_gearbox, NULL, (const char *const[]){ "rows", rows, "out", csv, NULL }, job, err);
    json_decref(r);
    return r != NULL;
}

static bool write_examples(const char *dir, an_error *err)
{
    for (size_t i = 0; i < AN_COUNT(embedded_files); i++) {
        char *path = an_path_join(dir, embedded_files[i].name);
        bool ok = an_file_exists(path) || an_file_write(path, embedded_files[i].text, strlen(embedded_files[i].text), err);
        free(path);
        if (!ok) return false;
    }
    return true;
}

static bool run_flow(an_store *s, const char *dir, an_job *job, an_error *err)
{
    char *path = an_path_join(dir, "flow.yaml");
    json_t *r = act(&an__act_run, s, (const char *const[]){ "flow", path, NULL }, job, err);
    free(path);
    json_decref(r);
    return r != NULL;
}

static json_t *demo_run(an_store *unused, const void *options, an_job *job, an_error *err)
{
    (void)unused;
    const demo_options *o = options;
    char *csv = an_path_join(o->dir, "gearbox.csv"), *html = an_path_join(o->dir, "gearbox.html"), *inner = an_path_join(o->dir, ".andon"),
         *flow = an_path_join(o->dir, "flow.yaml"), repeats[32];
    snprintf(repeats, sizeof repeats, "%lld", (long long)o->repeats);
    json_t *compared = NULL, *shown = NULL, *result = NULL;
    an_store *s = NULL;
    an_list there = { 0 };
    double start = an_clock_s();
    bool ok = true;
    if (!an_file_exists(inner) && an_file_exists(o->dir) && an_folder_list(o->dir, &there, err) && there.count) {
        ok = an_fail(err, AN_USAGE, "%s holds other files already", o->dir);
        an_hint(err, "name another folder: andon demo gearbox DIR");
    }
    an_list_free(&there);
    ok = ok && an_folder_make(o->dir, err) && an_workspace_init(o->dir, err) && write_examples(o->dir, err);
    if (ok) an_job_say(job, "1. simulating %lld gearboxes: %s", (long long)o->rows, csv);
    ok = ok && simulate(o, csv, job, err) && (s = an_store_open(o->dir, err)) != NULL;
    if (ok) an_job_say(job, "2. two pipelines: train and judge a WGAN, then train a classifier on the balanced data: %s", flow);
    ok = ok && run_flow(s, o->dir, job, err);
    if (ok) an_job_say(job, "3. comparing ways to balance on the same %s splits", repeats);
    if (ok) {
        compared = act(&an__act_compare, s,
                       (const char *const[]){ "data", "gearbox", "balance", "none,threshold,weights,random,smote,wgan,wgan-filter",
                                              "repeats", repeats, NULL },
                       job, err);
        ok = compared != NULL;
    }
    if (ok) an_job_say(job, "4. writing the report");
    ok = ok && an_report_write(s, "model:gearbox", html, job, err);
    if (ok) {
        shown = an__versions_json(s, AN_NAME_MODEL, "gearbox", err);
        const json_t *list = json_object_get(shown, "rows"), *m = json_array_get(list, json_array_size(list) - 1),
                     *c = json_object_get(m, "confusion");
        double tp = an_json_number(json_object_get(c, "tp"), 0), fn = an_json_number(json_object_get(c, "fn"), 0),
               fp = an_json_number(json_object_get(c, "fp"), 0);
        an_buf text = { 0 };
        an_buf_printf(
            &text,
            "\ndone in %.0f s. On gearboxes it had never seen, the model caught %.0f of %.0f broken ones and rejected %.0f good ones.\n",
            an_clock_s() - start, tp, tp + fn, fp);
        an_buf_printf(&text, "compared: %s\n\nopen    %s\nthen    cd %s\n",
                      an_json_string(json_object_get(compared, "recommendation"), "why", ""), html, o->dir);
        char *add = folder_to_add();
        if (add) an_buf_printf(&text, "        export PATH=\"$PATH:%s\"      so that your shell finds andon\n", add);
        free(add);
        an_buf_puts(&text, "        andon data show gearbox          what the columns are, and which were set aside\n"
                           "        andon model explain gearbox      what moves its score\n"
                           "        andon run flow.yaml              again: every step is cached\n"
                           "your own data:\n"
                           "        andon init plant && cd plant\n"
                           "        andon data import press YOUR.csv --target YOUR_COLUMN\n"
                           "        andon compare --data press\n"
                           "        andon model train press --data press --balance threshold && andon report press");
        result = json_pack("{s:s, s:s, s:f, s:O, s:s}", "folder", o->dir, "report", html, "seconds", an_clock_s() - start, "recommendation",
                           json_object_get(compared, "recommendation"), "text", text.data);
        an_buf_free(&text);
    }
    json_decref(shown);
    json_decref(compared);
    an_store_close(s);
    free(csv);
    free(html);
    free(inner);
    free(flow);
    return result;
}

const an_act an__act_demo_gearbox = {
    .name = "demo gearbox",
    .args = "[DIR]",
    .doc = "a whole line on simulated data in a new folder: WGAN, classifier, comparison, report",
    .more = "Simulates a gearbox line, runs the two example pipelines, compares ways to balance, and writes a report. Ends saying what to "
            "open and what to type next on data of your own.",
    .examples = { "andon demo gearbox", "andon demo gearbox /tmp/demo --rows 3000" },
    .params = params,
    .options_size = sizeof(demo_options),
    .run = demo_run,
    .no_store = true,
};
