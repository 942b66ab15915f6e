/* gearbox.c - the gearbox assembly line: options and the tables of parts and truth. Every random number of row i comes from streams keyed
 * by the seed, a purpose and i, so that row i is the same however many rows are made and however many threads make them. */
#include "sim/gearbox.h"

#include <stdlib.h>
#include <string.h>

const an_param an_gearbox_params[] = {
    AN_GEARBOX_PARAMS(0),
    AN_PARAM_END,
};

enum { CHUNK = 64 }; /* rows a task takes */

typedef struct line {
    const an_gearbox_options *options;
    uint64_t seed;
    size_t rows;
    const an__fate *fate;
    uint8_t *variant, *station;
    double *value; /* measure by measure, rows each */
    an_job *job;
} line;

static void make_rows(void *context, size_t chunk, int worker)
{
    line *l = context;
    (void)worker;
    if (an_job_stopped(l->job)) return;
    size_t end = (chunk + 1) * CHUNK < l->rows ? (chunk + 1) * CHUNK : l->rows;
    for (size_t i = chunk * CHUNK; i < end; i++) {
        an__sample s;
        an__sample_draw(l->options, l->seed, i, &l->fate[i], 0, &s);
        l->variant[i] = (uint8_t)s.variant;
        l->station[i] = (uint8_t)s.station;
        for (size_t m = 0; m < AN__MEASURES; m++) l->value[m * l->rows + i] = s.value[m];
    }
}

/* The 64 measurements, with lost cells. */
static bool add_measures(const line *l, an_table *t, an_error *err)
{
    size_t first = t->columns;
    for (int m = 0; m < AN__MEASURES; m++) {
        char *name = an__measure_name(m);
        an_column *c = an__add_full(t, name, an__measure_of(m)->unit, AN_REAL, err);
        free(name);
        if (!c) return false;
        memcpy(c->real, l->value + (size_t)m * l->rows, l->rows * sizeof *c->real);
    }
    for (size_t i = 0; i < l->rows; i++) {
        uint64_t lost = an__lost_draw(l->options, l->seed, i);
        for (size_t m = 0; lost && m < AN__MEASURES; m++) {
            if (lost >> m & 1) an_set_missing(t, &t->column[first + m], i);
        }
    }
    return true;
}

/* What an export carries beside the measurements and nobody can learn from. */
static bool add_meaningless(const line *l, an_table *t, an_error *err)
{
    static const char copied[] = "bearing_input_peak_force";
    an_column *c = an__add_full(t, "bearing_input_force_max", "kN", AN_REAL, err), *from = an_table_find(t, copied);
    if (!c) return false;
    for (size_t i = 0; i < l->rows; i++) {
        c->real[i] = from->real[i];
        if (!an_valid(from, i)) an_set_missing(t, c, i);
    }
    if (!an_table_add(t, "remark", AN_INTEGER, err)) return false; /* no cell is ever filled */
    c = an__add_full(t, "export_ms", "ms", AN_INTEGER, err);
    if (!c) return false;
    for (size_t i = 0; i < l->rows; i++) {
        an_rng r = an_rng_at(an_seed_derive(l->seed, "gearbox/export", 0), i);
        c->integer[i] =
            INT64_C(1772431200000) + (int64_t)i * 47000 + (int64_t)an_rng_below(&r, 20000); /* 2026-03-02 06:00 UTC, a part every 47 s */
    }
    return true;
}

static an_table *make_parts(const line *l, an_error *err)
{
    an_table *t = an_table_new(l->rows);
    an_column *c = an__add_text(t, "serial", AN__SERIAL_WIDTH, err);
    uint8_t *zero = c ? an_alloc_data(l->rows, 1, "codes", err) : NULL;
    static const char *const lines[] = { "L2" };
    bool ok = zero && an__add_category(t, "line", zero, lines, 1, err);
    free(zero);
    for (size_t i = 0; ok && i < l->rows; i++) {
        char serial[AN__SERIAL_WIDTH + 1];
        an__serial(i, serial);
        memcpy(t->column[0].text.bytes + i * AN__SERIAL_WIDTH, serial, AN__SERIAL_WIDTH);
    }
    ok = ok && an__add_category(t, "variant", l->variant, an__variant_names, AN__VARIANTS_MOST, err) &&
         an__add_category(t, "press_station", l->station, an__station_names, AN__STATIONS, err) && add_measures(l, t, err) &&
         add_meaningless(l, t, err);
    c = ok ? an__add_full(t, "broken", NULL, AN_INTEGER, err) : NULL;
    for (size_t i = 0; c && i < l->rows; i++) c->integer[i] = l->fate[i].labelled;
    if (c) return t;
    an_table_free(t);
    return NULL;
}

static an_table *make_truth(const line *l, an_error *err)
{
    an_table *t = an_table_new(l->rows);
    uint8_t *mode = an_alloc_data(l->rows, 1, "failure modes", err);
    an_column *c = mode ? an__add_full(t, "row", NULL, AN_INTEGER, err) : NULL;
    for (size_t i = 0; c && i < l->rows; i++) {
        c->integer[i] = (int64_t)i + 1;
        mode[i] = (uint8_t)l->fate[i].mode;
    }
    bool ok = c && an__add_category(t, "mode", mode, an__mode_names, AN__MODES, err);
    free(mode);
    c = ok ? an__add_full(t, "broken_clean", NULL, AN_INTEGER, err) : NULL;
    for (size_t i = 0; c && i < l->rows; i++) c->integer[i] = l->fate[i].broken;
    if (c) return t;
    an_table_free(t);
    return NULL;
}

bool an_gearbox_simulate(const an_gearbox_options *options, uint64_t seed, an_gearbox *out, an_job *job, an_error *err)
{
    *out = (an_gearbox){ 0 };
    an__rates rates;
    if (!an__rates_make(options, &rates, err)) return false;
    if (options->raw && options->rows > AN__RAW_ROWS_MOST) {
        return an_fail(err, AN_USAGE, "the raw view is made for at most %d parts, %lld are asked for", AN__RAW_ROWS_MOST,
                       (long long)options->rows);
    }
    size_t rows = (size_t)options->rows;
    an_job_stage(job, "assembling gearboxes");
    an__fate *fate = an_alloc_data(rows, sizeof *fate, "the fates of the parts", err);
    line l = { .options = options, .seed = seed, .rows = rows, .fate = fate, .job = job };
    bool ok = fate && (l.variant = an_alloc_data(rows, 1, "variants", err)) && (l.station = an_alloc_data(rows, 1, "stations", err)) &&
              (l.value = an_alloc_data(rows * AN__MEASURES, sizeof *l.value, "measurements", err));
    if (ok) {
        for (size_t i = 0; i < rows; i++) fate[i] = an__fate_draw(&rates, seed, i);
        an_pool_each(an_job_pool(job), (rows + CHUNK - 1) / CHUNK, make_rows, &l);
    }
    ok = ok && an_job_check(job, err) && (out->parts = make_parts(&l, err)) && (out->truth = make_truth(&l, err)) &&
         (!options->raw || an__raw_make(options, fate, seed, out, job, err));
    free(fate);
    free(l.variant);
    free(l.station);
    free(l.value);
    if (!ok) an_gearbox_free(out);
    return ok;
}

void an_gearbox_free(an_gearbox *g)
{
    if (!g) return;
    an_table_free(g->parts);
    an_table_free(g->truth);
    an_table_free(g->station[0]);
    an_table_free(g->station[1]);
    an_table_free(g->columns);
    *g = (an_gearbox){ 0 };
}
