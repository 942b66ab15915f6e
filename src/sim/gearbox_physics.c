/* gearbox_physics.c - from diameters, friction and stiffness to press-fit curves and tightenings, and from those to the figures that the
 * stations record. Lengths in mm, forces in kN, torques in Nm, angles in degrees, diameters' deviations in micrometres. */
#include "sim/gearbox.h"

#include <math.h>
#include <string.h>

enum { LUBE_BATCH = 60, SCREW_BATCH = 140, DAY = 420 }; /* rows */
static const double pi = 3.141592653589793;
static const double give_way = 0.35; /* log of the stiffness under the cover that any fault of size 1 costs */

const char *const an__joint_names[AN__JOINTS] = { "bearing_left", "bearing_right", "bearing_input", "ring_gear" };
const char *const an__variant_names[AN__VARIANTS_MOST] = { "A", "B", "C", "D", "E", "F", "G", "H" };
const char *const an__station_names[AN__STATIONS] = { "P1", "P2" };

enum { CONTACT_POS, ENTRY_FORCE, MID_FORCE, PEAK_FORCE, PEAK_POS, SLOPE, SEAT_POS, WORK };
const an__measure an__press_figures[AN__PRESS_FIGURES] = {
    { "contact_pos", "mm", 0.001 }, { "entry_force", "kN", 0.001 }, { "mid_force", "kN", 0.001 }, { "peak_force", "kN", 0.001 },
    { "peak_pos", "mm", 0.001 },    { "slope", "kN/mm", 0.0001 },   { "seat_pos", "mm", 0.001 },  { "work", "J", 0.01 },
};
enum { TORQUE, ANGLE, RUN_TORQUE, RATE, ENERGY };
const an__measure an__screw_figures[AN__SCREW_FIGURES] = {
    { "torque", "Nm", 0.001 },    { "angle", "deg", 0.01 }, { "run_torque", "Nm", 0.001 },
    { "rate", "Nm/deg", 0.0001 }, { "energy", "J", 0.01 },
};
const an__measure an__part_figures[2] = { { "housing_temp", "degC", 0.01 }, { "grease_pressure", "bar", 0.001 } };

const an__measure *an__measure_of(int m)
{
    if (m < AN__JOINTS * AN__PRESS_FIGURES) return &an__press_figures[m % AN__PRESS_FIGURES];
    m -= AN__JOINTS * AN__PRESS_FIGURES;
    return m < AN__SCREWS * AN__SCREW_FIGURES ? &an__screw_figures[m % AN__SCREW_FIGURES]
                                              : &an__part_figures[m - AN__SCREWS * AN__SCREW_FIGURES];
}

char *an__measure_name(int m)
{
    const char *figure = an__measure_of(m)->name;
    if (m < AN__JOINTS * AN__PRESS_FIGURES) return an_format("%s_%s", an__joint_names[m / AN__PRESS_FIGURES], figure);
    m -= AN__JOINTS * AN__PRESS_FIGURES;
    return m < AN__SCREWS * AN__SCREW_FIGURES ? an_format("screw%d_%s", m / AN__SCREW_FIGURES + 1, figure) : an_strdup(figure);
}

/* ---- the plant: what the drawings say ----------------------------------------------------------------------------------------- */

static const struct joint {
    double travel;       /* mm */
    double interference; /* um, shaft minus bore */
    double ratio;        /* shaft diameter over the hub's outer diameter */
    double start;        /* mm, where the ram touches */
} joints[AN__JOINTS] = {
    { 14, 24, 0.60, 41.2 },
    { 14, 24, 0.60, 41.2 },
    { 17, 27, 0.62, 36.5 },
    { 22, 38, 0.74, 58.0 },
};

/* Variants A, B, C ... differ in length of the seats, interference and tightening torque; A is the most frequent. */
static double variant_size(int v)
{
    static const double size[AN__VARIANTS_MOST] = { 1, 1.16, 0.88, 1.26, 0.94, 1.08, 0.82, 1.34 };
    return size[v];
}

static double variant_torque(int v)
{
    static const double torque[AN__VARIANTS_MOST] = { 25, 32, 20, 36, 25, 28, 18, 40 }; /* Nm */
    return torque[v];
}

static int variant_draw(int64_t variants, double u)
{
    double total = 0, sum = 0;
    for (int v = 0; v < variants; v++) total += 1.0 / (1 + v);
    for (int v = 0; v < variants; v++) {
        sum += 1.0 / (1 + v) / total;
        if (u < sum) return v;
    }
    return 0;
}

/* ---- hidden factors --------------------------------------------------------------------------------------------------------------- */

typedef struct factors {
    double friction; /* of the press-fits, coefficient */
    double thread;   /* nut factor of the part, relative to nominal */
    double clamp;    /* stiffness of cover and housing, relative */
    double interference[AN__JOINTS];
    double screw[AN__SCREWS];  /* nut factor of one screw, relative */
    double washer[AN__SCREWS]; /* stiffness of one screw's joint, relative */
    double wear;               /* of the tools, 0..1 */
    double temperature;        /* degC */
    double grease;             /* bar */
} factors;

static double batch_normal(uint64_t seed, const char *name, size_t batch)
{
    an_rng r = an_rng_at(an_seed_derive(seed, name, 0), batch);
    return an_rng_normal(&r);
}

static factors factors_draw(const an_gearbox_options *o, uint64_t seed, size_t row, const an__fate *fate, an__sample *s)
{
    an_rng r = an_rng_at(an_seed_derive(seed, "gearbox/part", 0), row);
    factors f;
    s->variant = variant_draw(o->variants, an_rng_uniform(&r));
    s->station = an_rng_uniform(&r) < 0.5 ? 0 : 1;
    double size = variant_size(s->variant), fault = o->severity * fate->size;
    f.wear = o->drift * -expm1(-(double)row / 2000);
    f.temperature = 22 + 2.5 * sin(2 * pi * (double)row / DAY) + 0.5 * an_rng_normal(&r);
    double lube = batch_normal(seed, "gearbox/lube", row / LUBE_BATCH), lot = batch_normal(seed, "gearbox/screws", row / SCREW_BATCH);
    f.friction = 0.115 * exp(0.07 * lube + 0.05 * an_rng_normal(&r) + 0.15 * f.wear);
    f.grease = 4.2 + 0.10 * lube + 0.14 * an_rng_normal(&r);
    f.thread = exp(0.05 * lot + 0.04 * an_rng_normal(&r));
    f.clamp = exp(0.025 * an_rng_normal(&r));
    double housing = 2.2 * an_rng_normal(&r); /* um: one clamping cuts all bores of a housing */
    for (int j = 0; j < AN__JOINTS; j++) {
        double bore = 0.9 * an_rng_normal(&r), shaft = 1.0 * an_rng_normal(&r);
        f.interference[j] = joints[j].interference * (0.5 + 0.5 * size) + shaft - bore + housing - 0.15 * (f.temperature - 22) + 2 * f.wear;
    }
    for (int k = 0; k < AN__SCREWS; k++) {
        f.screw[k] = exp(0.020 * an_rng_normal(&r));
        f.washer[k] = exp(0.018 * an_rng_normal(&r));
    }
    /* whatever went wrong, the cover closes on a stack that is not where it should be, and gives way under every screw */
    f.clamp *= exp(-give_way * fault);
    switch (fate->mode) {
    case AN__MODE_UNDERSIZED:
        f.interference[fate->place] *= 1 - fmin(0.9, 0.60 * fault);
        break;
    case AN__MODE_SOFT_JOINT:
        f.washer[fate->place] *= exp(-0.50 * fault);
        f.washer[(fate->place + 1) % AN__SCREWS] *= exp(-0.20 * fault);
        break;
    case AN__MODE_DRY:
        f.friction *= exp(0.42 * fault);
        f.thread *= exp(0.36 * fault);
        f.grease += 1.1 * fault;
        break;
    default:
        break;
    }
    return f;
}

/* ---- press station ---------------------------------------------------------------------------------------------------------------- */

/* Rise of force per mm of engaged length: Lame's pressure in an elastic press-fit of equal materials, p = E d_int (1 - ratio^2) / (2 d),
 * times friction and circumference pi d: the diameter cancels. kN/mm */
static double press_slope(double friction, double interference_um, double ratio)
{
    return friction * 206 * interference_um * 1e-3 * (1 - ratio * ratio) * pi / 2;
}

static void press(const factors *f, int j, const an__fate *fate, double fault, an__sample *s, an_rng *r)
{
    double size = variant_size(s->variant), travel = joints[j].travel * size;
    double slope = press_slope(f->friction, f->interference[j] > 0 ? f->interference[j] : 0, joints[j].ratio);
    double chamfer = 0.10 * slope * travel + 0.15, tilt = fate->mode == AN__MODE_MISALIGNED && fate->place == j ? fault : 0;
    double gain = s->station ? 1.012 : 1, offset = s->station ? 0.05 : 0;
    double *force = s->force[j], step = travel / AN__PRESS_POINTS, ripple = 0, work = 0;
    double sx = 0, sy = 0, sxx = 0, sxy = 0, entry = 0, mid = 0;
    int peak = 0, fitted = 0, entered = 0, middle = 0;
    for (int i = 0; i < AN__PRESS_POINTS; i++) {
        double x = (i + 0.5) * step, at = x / travel, bump = (at - 0.20) / 0.09;
        ripple = 0.7 * ripple + 0.012 * an_rng_normal(r); /* stick-slip, relative */
        /* a tilted ring jams at its edges early in the travel, is bent straight, and then slides harder than it should */
        double jam = tilt * (0.60 * exp(-bump * bump) + 0.20 * at) * slope * travel;
        force[i] = gain * (chamfer * fmin(1, at / 0.12) + slope * x + jam) * (1 + ripple);
        work += force[i] * step;
        if (force[i] > force[peak]) peak = i;
        if (at < 0.2) entry += force[i], entered++;
        if (at > 0.45 && at < 0.55) mid += force[i], middle++;
        if (at > 0.35 && at < 0.9) {
            sx += x, sy += force[i], sxx += x * x, sxy += x * force[i];
            fitted++;
        }
    }
    double *v = s->value + j * AN__PRESS_FIGURES;
    v[CONTACT_POS] = joints[j].start * (0.8 + 0.2 * size) + offset - 0.30 * tilt + 0.1 * f->wear + 0.06 * an_rng_normal(r);
    v[ENTRY_FORCE] = entry / entered + 0.010 * an_rng_normal(r);
    v[MID_FORCE] = mid / middle + 0.012 * an_rng_normal(r);
    v[PEAK_FORCE] = force[peak] + 0.015 * an_rng_normal(r);
    v[PEAK_POS] = (peak + 0.5) * step + 0.05 * an_rng_normal(r);
    v[SLOPE] = (fitted * sxy - sx * sy) / (fitted * sxx - sx * sx);
    v[SEAT_POS] = travel + offset - 0.06 * tilt + 0.02 * an_rng_normal(r);
    v[WORK] = work + 0.15 * an_rng_normal(r);
}

/* ---- screw station ---------------------------------------------------------------------------------------------------------------- */

static void tighten(const factors *f, int k, const an__fate *fate, double fault, an__sample *s, an_rng *r)
{
    double target = variant_torque(s->variant), snug = 0.25 * target, nut = f->thread * f->screw[k], stiff = f->clamp * f->washer[k];
    double cross = fate->mode == AN__MODE_CROSS_THREADED && fate->place == k ? fault : 0;
    /* torque = nut factor x diameter x clamp force; clamp force = stiffness x pitch x angle: nominally 68 degrees from snug to target */
    double rate = 0.75 * target / 68 * nut * stiff * exp(0.28 * cross);
    double run = (0.9 + 0.012 * target) * nut * exp(0.08 * an_rng_normal(r)) * exp(1.1 * cross);
    /* the spindle stops a few milliseconds late: the stiffer the joint, the more torque in that time */
    double final = target * (1 - 0.01 * f->wear) * (1 + 0.004 * an_rng_normal(r)) + 0.35 * rate;
    double angle = (final - snug) / rate + 0.5 * an_rng_normal(r) - 3.6 * cross;
    double *v = s->value + AN__JOINTS * AN__PRESS_FIGURES + k * AN__SCREW_FIGURES;
    v[TORQUE] = final;
    v[ANGLE] = angle;
    v[RUN_TORQUE] = run + 0.02 * an_rng_normal(r);
    v[RATE] = rate * (1 + 0.006 * an_rng_normal(r));
    v[ENERGY] =
        ((snug + final) / 2 * angle + run * 1080) * pi / 180 + 0.2 * an_rng_normal(r); /* three turns of running down, then tightening */
    for (int i = 0; i < AN__SCREW_POINTS; i++) {
        double at = (i + 1.0) / AN__SCREW_POINTS;
        s->torque[k][i] = (snug + (final - snug) * at) * (1 + 0.01 * an_rng_normal(r));
    }
}

/* ---- a part -------------------------------------------------------------------------------------------------------------------------- */

void an__sample_draw(const an_gearbox_options *options, uint64_t seed, size_t row, const an__fate *fate, unsigned pass, an__sample *out)
{
    factors f = factors_draw(options, seed, row, fate, out);
    double fault = options->severity * fate->size;
    an_rng r = an_rng_at(an_seed_derive(seed, "gearbox/press", pass), row);
    for (int j = 0; j < AN__JOINTS; j++) press(&f, j, fate, fault, out, &r);
    r = an_rng_at(an_seed_derive(seed, "gearbox/screw", pass), row);
    for (int k = 0; k < AN__SCREWS; k++) tighten(&f, k, fate, fault, out, &r);
    out->value[AN__MEASURES - 2] = f.temperature;
    out->value[AN__MEASURES - 1] = f.grease;
    for (int m = 0; m < AN__MEASURES; m++) {
        double per_unit = round(1 / an__measure_of(m)->step); /* dividing by a whole number gives the nearest double of the decimal text */
        out->value[m] = round(out->value[m] * per_unit) / per_unit;
    }
}

uint64_t an__lost_draw(const an_gearbox_options *options, uint64_t seed, size_t row)
{
    an_rng r = an_rng_at(an_seed_derive(seed, "gearbox/lost", 0), row);
    uint64_t lost = 0;
    for (int m = 0; m < AN__MEASURES && options->missing > 0; m++) lost |= (uint64_t)(an_rng_uniform(&r) < options->missing) << m;
    return lost;
}
