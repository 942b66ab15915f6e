/* act_misc.c - init, sim gearbox. */
#include "flow/acts.h"

#include "andon/sim.h"

#include <stdlib.h>
#include <string.h>
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
