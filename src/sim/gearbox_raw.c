/* gearbox_raw.c - the same parts as the two stations export them: about 700 metrics in two files, one row a pass in order of time, reworked
 * parts twice, some parts in one file only. The 66 useful columns bear the names they have in the table of parts; the others repeat them in
 * other units or by other means, never change, are empty, count, or are noise; `columns` says which is which. */
#include "sim/gearbox.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum kind { USEFUL, NEAR, CURVE, CONSTANT, EMPTY, NOISE, COUNTER, KEY, TARGET, KINDS } kind;
static const char *const kind_names[KINDS] = {
    "useful", "near-duplicate", "curve", "constant", "empty", "noise", "counter", "key", "target"
};

enum { OPERATORS = 4 };

typedef struct record {
    int64_t ms; /* since 1970 UTC */
    size_t row;
    unsigned pass; /* 0: the one that counts; 1: an attempt that was not in order and was repeated */
} record;

/* One station's file. The same calls of put() first declare the columns and then, record by record, fill them. */
typedef struct sheet {
    an_table *t;
    bool declaring;
    size_t at;  /* column that the next put() is about */
    size_t row; /* row being filled */
    kind *kinds;
    const an__sample *s;
    uint64_t lost;  /* measures of this record that got lost */
    double strokes; /* cycles of the station so far */
    an_rng noise;
    an_error *err;
    bool failed;
} sheet;

static void set_kind(sheet *f, kind k)
{
    f->kinds = an_resize_n(f->kinds, f->t->columns, sizeof *f->kinds);
    f->kinds[f->t->columns - 1] = k;
}

static void put(sheet *f, const char *prefix, const char *name, int index, kind k, an_type type, const char *unit, double value)
{
    if (!f->declaring) {
        an_column *c = &f->t->column[f->at++];
        if (k == EMPTY) return;
        if (type == AN_INTEGER) {
            c->integer[f->row] = llround(value);
        } else {
            c->real[f->row] = value;
        }
        return;
    }
    if (f->failed) return;
    char *stem = prefix ? an_format("%s_%s", prefix, name) : an_strdup(name);
    char *full = index ? an_format("%s_%02d", stem, index) : an_strdup(stem);
    an_column *c = k == EMPTY ? an_table_add(f->t, full, type, f->err) : an__add_full(f->t, full, unit, type, f->err);
    free(stem);
    free(full);
    f->failed = !c;
    if (c) set_kind(f, k);
}

static double rounded(double x, double per_unit)
{
    return round(x * per_unit) / per_unit;
}

/* A measure of the table of parts, in this station's file. */
static void put_measure(sheet *f, int m)
{
    char *name = f->declaring ? an__measure_name(m) : NULL;
    if (!f->declaring && f->lost >> m & 1) {
        an_set_missing(f->t, &f->t->column[f->at++], f->row);
    } else {
        put(f, NULL, name, 0, USEFUL, AN_REAL, an__measure_of(m)->unit, f->declaring ? 0 : f->s->value[m]);
    }
    free(name);
}

static void put_near(sheet *f, const char *prefix, const char *name, const char *unit, double value, double spread)
{
    put(f, prefix, name, 0, NEAR, AN_REAL, unit, f->declaring ? 0 : rounded(value + spread * an_rng_normal(&f->noise), 1000));
}

static void put_noise(sheet *f, const char *prefix, const char *name, const char *unit, double mean, double spread)
{
    put(f, prefix, name, 0, NOISE, AN_REAL, unit, f->declaring ? 0 : rounded(mean + spread * an_rng_normal(&f->noise), 1000));
}

static void put_constant(sheet *f, const char *prefix, const char *name, const char *unit, double value)
{
    put(f, prefix, name, 0, CONSTANT, AN_REAL, unit, value);
}

static void press_columns(sheet *f)
{
    static const char *const constants[][2] = { { "force_limit_low", "kN" }, { "force_limit_high", "kN" }, { "pos_limit_low", "mm" },
                                                { "pos_limit_high", "mm" },  { "window1_start", "mm" },    { "window1_end", "mm" },
                                                { "window2_start", "mm" },   { "window2_end", "mm" },      { "speed_set", "mm/s" },
                                                { "sample_rate", "Hz" },     { "force_gain", NULL },       { "recipe_version", NULL } };
    static const char *const empties[] = { "ch2_force", "ch2_work", "ch2_pos", "spare" };
    static const double none[AN__PRESS_FIGURES], flat[AN__PRESS_POINTS]; /* while columns are declared, before there is a part */
    for (int j = 0; j < AN__JOINTS; j++) {
        const char *joint = an__joint_names[j];
        for (int i = 0; i < AN__PRESS_FIGURES; i++) put_measure(f, j * AN__PRESS_FIGURES + i);
        const double *v = f->declaring ? none : f->s->value + j * AN__PRESS_FIGURES;
        const double *force = f->declaring ? flat : f->s->force[j];
        put_near(f, joint, "peak_force_lbf", "lbf", v[3] * 224.809, 3);
        put_near(f, joint, "peak_force_filtered", "kN", v[3] * 0.985, 0.02);
        put_near(f, joint, "work_kNm", "kNm", v[7] * 1e-3, 0.0005);
        put_near(f, joint, "seat_pos_abs", "mm", v[6] + v[0], 0.01);
        put_near(f, joint, "slope_two_point", "kN/mm", (force[42] - force[17]) / (v[6] > 0 ? v[6] * 25 / 48 : 1), 0.002);
        put_near(f, joint, "force_at_end", "kN", force[AN__PRESS_POINTS - 1], 0.01);
        put_near(f, joint, "mean_force", "kN", v[6] > 0 ? v[7] / v[6] : 0, 0.01);
        put_near(f, joint, "entry_force_max", "kN", force[9], 0.02);
        for (int i = 0; i < AN__PRESS_POINTS; i++) put(f, joint, "force", i + 1, CURVE, AN_REAL, "kN", rounded(force[i], 1000));
        for (size_t i = 0; i < AN_COUNT(constants); i++) put_constant(f, joint, constants[i][0], constants[i][1], (double)(5 + 7 * i) / 2);
        for (size_t i = 0; i < AN_COUNT(empties); i++) put(f, joint, empties[i], 0, EMPTY, AN_INTEGER, NULL, 0);
        put_noise(f, joint, "speed_mean", "mm/s", 12, 0.1);
        put_noise(f, joint, "servo_temp", "degC", 48, 3);
        put_noise(f, joint, "vibration_rms", "mm/s", 1.4, 0.3);
        put_noise(f, joint, "cycle_time", "s", 6.2, 0.4);
        put_noise(f, joint, "bus_voltage", "V", 562, 4);
        put(f, joint, "strokes", 0, COUNTER, AN_INTEGER, NULL, 418000 + 1000 * j + f->strokes);
    }
    put_measure(f, AN__MEASURES - 2);
    put_measure(f, AN__MEASURES - 1);
    put_near(f, NULL, "housing_temp_fahrenheit", "degF", f->declaring ? 0 : f->s->value[AN__MEASURES - 2] * 1.8 + 32, 0.1);
    put_noise(f, NULL, "humidity", "%", 45, 6);
    put_noise(f, NULL, "air_pressure", "bar", 6.1, 0.08);
    put_constant(f, NULL, "press_firmware", NULL, 4.2);
    put(f, NULL, "press_export", 0, COUNTER, AN_INTEGER, NULL, 90210 + 3 * f->strokes);
}

static void screw_columns(sheet *f)
{
    static const char *const constants[][2] = { { "torque_limit_low", "Nm" },  { "torque_limit_high", "Nm" }, { "angle_limit_low", "deg" },
                                                { "angle_limit_high", "deg" }, { "program", NULL },           { "threshold", "Nm" },
                                                { "speed_final", "rpm" },      { "spindle_ratio", NULL },     { "wait_time", "s" },
                                                { "recipe_version", NULL } };
    static const char *const empties[] = { "gradient_2", "ultrasonic", "spare" };
    static const double none[AN__SCREW_FIGURES], flat[AN__SCREW_POINTS];
    char screw[] = "screw0";
    for (int k = 0; k < AN__SCREWS; k++) {
        screw[5] = (char)('1' + k);
        int first = AN__JOINTS * AN__PRESS_FIGURES + k * AN__SCREW_FIGURES;
        for (int i = 0; i < AN__SCREW_FIGURES; i++) put_measure(f, first + i);
        const double *v = f->declaring ? none : f->s->value + first;
        const double *torque = f->declaring ? flat : f->s->torque[k];
        put_near(f, screw, "torque_lbfft", "lbf ft", v[0] * 0.737562, 0.02);
        put_near(f, screw, "torque_transducer_2", "Nm", v[0], 0.05);
        put_near(f, screw, "angle_encoder_2", "deg", v[1] + 0.4, 0.3);
        put_near(f, screw, "angle_total", "deg", v[1] + 1080, 2);
        put_near(f, screw, "run_torque_max", "Nm", v[2] * 1.12, 0.03);
        put_near(f, screw, "rate_two_point", "Nm/deg", v[1] > 0 ? (torque[22] - torque[9]) / (v[1] * 13 / 24) : 0, 0.002);
        put_near(f, screw, "current_max", "A", v[0] * 0.31, 0.1);
        for (int i = 0; i < AN__SCREW_POINTS; i++) put(f, screw, "torque", i + 1, CURVE, AN_REAL, "Nm", rounded(torque[i], 1000));
        for (size_t i = 0; i < AN_COUNT(constants); i++) put_constant(f, screw, constants[i][0], constants[i][1], (double)(3 + 5 * i) / 2);
        for (size_t i = 0; i < AN_COUNT(empties); i++) put(f, screw, empties[i], 0, EMPTY, AN_INTEGER, NULL, 0);
        put_noise(f, screw, "speed_mean", "rpm", 240, 3);
        put_noise(f, screw, "bit_temp", "degC", 34, 2);
        put_noise(f, screw, "battery", "V", 24, 0.2);
        put_noise(f, screw, "time", "s", 2.1, 0.1);
        put(f, screw, "cycles", 0, COUNTER, AN_INTEGER, NULL, 77000 + 500 * k + f->strokes);
    }
    put_noise(f, NULL, "hall_temp", "degC", 21, 1);
    put_noise(f, NULL, "mains_voltage", "V", 400, 2);
    put_constant(f, NULL, "spindle_firmware", NULL, 11.3);
    put(f, NULL, "screw_export", 0, COUNTER, AN_INTEGER, NULL, 51111 + 2 * f->strokes);
}

/* ---- records ------------------------------------------------------------------------------------------------------------------------ */

static int by_time(const void *a, const void *b)
{
    const record *x = a, *y = b;
    if (x->ms != y->ms) return x->ms < y->ms ? -1 : 1;
    if (x->row != y->row) return x->row < y->row ? -1 : 1;
    return x->pass == y->pass ? 0 : x->pass > y->pass ? -1 : 1; /* the repeated pass came first */
}

/* When each part passed this station: a part every 47 s, in a slightly other order at the second station, some parts twice, some not
 * recorded. */
static record *records_make(size_t rows, int station, uint64_t seed, size_t *count, an_error *err)
{
    static const double reworked[AN__STATIONS] = { 0.03, 0.04 }, unrecorded[AN__STATIONS] = { 0.010, 0.015 };
    record *list = an_alloc_data(2 * rows, sizeof *list, "the records of a station", err);
    *count = 0;
    for (size_t i = 0; list && i < rows; i++) {
        an_rng r = an_rng_at(an_seed_derive(seed, "gearbox/record", (uint64_t)station), i);
        bool twice = an_rng_uniform(&r) < reworked[station], none = an_rng_uniform(&r) < unrecorded[station];
        int64_t ms =
            INT64_C(1772431200000) + (int64_t)i * 47000 + (station ? 600000 : 0) + (int64_t)an_rng_below(&r, station ? 110000 : 20000);
        int64_t later = 120000 + (int64_t)an_rng_below(&r, 2400000); /* two minutes to three quarters of an hour for rework */
        if (none) continue;
        if (twice) list[(*count)++] = (record){ ms, i, 1 };
        list[(*count)++] = (record){ twice ? ms + later : ms, i, 0 };
    }
    if (list) qsort(list, *count, sizeof *list, by_time);
    return list;
}

static void key_column(sheet *f, const an_column *c)
{
    f->failed = f->failed || !c;
    if (c) set_kind(f, KEY);
}

static void add_category(sheet *f, const char *name, const uint8_t *code, const char *const *names, int count, kind k)
{
    if (f->failed) return;
    f->failed = !an__add_category(f->t, name, code, names, count, f->err);
    if (!f->failed) set_kind(f, k);
}

/* Serial, attempt, time, result, operator, and what the part is. */
static void add_keys(sheet *f, int station, const record *list, const an_table *parts)
{
    static const char *const results[] = { "OK", "NOK" }, *const operators[OPERATORS] = { "Op1", "Op2", "Op3", "Op4" };
    an_table *t = f->t;
    key_column(f, an__add_text(t, "serial", AN__SERIAL_WIDTH, f->err));
    if (!f->failed) key_column(f, an__add_full(t, station ? "screw_attempt" : "press_attempt", NULL, AN_INTEGER, f->err));
    if (!f->failed) key_column(f, an__add_full(t, station ? "screw_time" : "press_time", NULL, AN_DATETIME, f->err));
    uint8_t *result = an_alloc_data(t->rows, 1, "codes", f->err), *crew = an_alloc_data(t->rows, 1, "codes", f->err);
    uint8_t *variant = an_alloc_data(t->rows, 1, "codes", f->err), *press = an_alloc_data(t->rows, 1, "codes", f->err);
    f->failed = f->failed || !result || !crew || !variant || !press;
    const an_column *v = an_table_find(parts, "variant"), *p = an_table_find(parts, "press_station");
    for (size_t i = 0; !f->failed && i < t->rows; i++) {
        char serial[AN__SERIAL_WIDTH + 1];
        an__serial(list[i].row, serial);
        memcpy(t->column[0].text.bytes + i * AN__SERIAL_WIDTH, serial, AN__SERIAL_WIDTH);
        bool repeated = false; /* this record is the second of its part */
        for (size_t k = i; !list[i].pass && k-- > 0 && list[i].ms - list[k].ms < 2600000 && !repeated;)
            repeated = list[k].row == list[i].row;
        t->column[1].integer[i] = repeated ? 2 : 1;
        t->column[2].integer[i] = list[i].ms * 1000;
        result[i] = (uint8_t)list[i].pass;
        crew[i] = (uint8_t)(list[i].ms / (8 * 3600 * 1000) % OPERATORS);
        variant[i] = (uint8_t)v->code[list[i].row];
        press[i] = (uint8_t)p->code[list[i].row];
    }
    const char *const *variants = (const char *const *)v->dictionary.names, *const *stations = (const char *const *)p->dictionary.names;
    if (!station) {
        add_category(f, "variant", variant, variants, v->dictionary.count, USEFUL);
        add_category(f, "press_station", press, stations, p->dictionary.count, USEFUL);
    } else {
        add_category(f, "screw_recipe", variant, variants, v->dictionary.count, NEAR);
    }
    add_category(f, station ? "screw_result" : "press_result", result, results, 2, KEY);
    add_category(f, station ? "screw_operator" : "press_operator", crew, operators, OPERATORS, NOISE);
    free(result);
    free(crew);
    free(variant);
    free(press);
}

static an_table *make_station(const an_gearbox_options *options, const an__fate *fate, uint64_t seed, int station, const an_table *parts,
                              kind **kinds, an_job *job, an_error *err)
{
    size_t n = 0;
    record *list = records_make(parts->rows, station, seed, &n, err);
    if (!list) return NULL;
    void (*columns)(sheet *) = station ? screw_columns : press_columns;
    sheet f = { .t = an_table_new(n), .declaring = true, .err = err };
    add_keys(&f, station, list, parts);
    size_t first = f.t->columns;
    if (!f.failed) columns(&f);
    f.declaring = false;
    for (size_t i = 0; i < n && !f.failed; i++) {
        if (i % 256 == 0) {
            an_job_progress(job, (double)(station * n + i), 2.0 * (double)n, "records");
            f.failed = !an_job_check(job, err);
        }
        size_t row = list[i].row;
        unsigned pass = list[i].pass;
        an__fate happened = fate[row];
        if (pass) happened = (an__fate){ station ? AN__MODE_CROSS_THREADED : AN__MODE_MISALIGNED, (int)(row % 3), 2.5, false, false };
        an__sample s;
        an__sample_draw(options, seed, row, &happened, pass, &s);
        f.at = first;
        f.row = i;
        f.s = &s;
        f.lost = pass ? 0 : an__lost_draw(options, seed, row);
        f.strokes = (double)i;
        f.noise = an_rng_at(an_seed_derive(seed, station ? "gearbox/raw/screw" : "gearbox/raw/press", pass), row);
        columns(&f);
    }
    an_column *target = station && !f.failed ? an__add_full(f.t, "broken", NULL, AN_INTEGER, err) : NULL;
    f.failed = f.failed || (station && !target);
    if (target) set_kind(&f, TARGET);
    for (size_t i = 0; target && i < n; i++) target->integer[i] = fate[list[i].row].labelled;
    free(list);
    *kinds = f.kinds;
    if (!f.failed) return f.t;
    an_table_free(f.t);
    return NULL;
}

/* station, column, kind: which column is what, for those who check a selection. */
static an_table *make_columns(const an_gearbox *g, kind *const kinds[AN__STATIONS], an_error *err)
{
    size_t n = g->station[0]->columns, m = g->station[1]->columns, bytes = 0;
    an_table *t = an_table_new(n + m);
    an_column *c = an__add_full(t, "station", NULL, AN_INTEGER, err);
    for (size_t i = 0; c && i < n + m; i++) c->integer[i] = i < n ? 1 : 2;
    c = c ? an__add_text(t, "column", 0, err) : NULL;
    for (size_t i = 0; c && i < n + m; i++) bytes += strlen(g->station[i >= n]->column[i < n ? i : i - n].name);
    if (c) free(c->text.bytes);
    if (c) c->text.bytes = an_alloc_data(bytes + 1, 1, "column names", err);
    uint8_t *code = c && c->text.bytes ? an_alloc_data(n + m, 1, "codes", err) : NULL;
    for (size_t i = 0, at = 0; code && i < n + m; i++) {
        const char *name = g->station[i >= n]->column[i < n ? i : i - n].name;
        memcpy(c->text.bytes + at, name, strlen(name));
        at += strlen(name);
        c->text.offset[i + 1] = at;
        code[i] = (uint8_t)(i < n ? kinds[0][i] : kinds[1][i - n]);
    }
    bool ok = code && an__add_category(t, "kind", code, kind_names, KINDS, err);
    free(code);
    if (ok) return t;
    an_table_free(t);
    return NULL;
}

bool an__raw_make(const an_gearbox_options *options, const an__fate *fate, uint64_t seed, an_gearbox *g, an_job *job, an_error *err)
{
    kind *kinds[AN__STATIONS] = { NULL };
    an_job_stage(job, "writing station records");
    bool ok = (g->station[0] = make_station(options, fate, seed, 0, g->parts, &kinds[0], job, err)) &&
              (g->station[1] = make_station(options, fate, seed, 1, g->parts, &kinds[1], job, err)) &&
              (g->columns = make_columns(g, kinds, err));
    free(kinds[0]);
    free(kinds[1]);
    return ok;
}
