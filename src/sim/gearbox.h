/* gearbox.h - what the files of the gearbox simulator share: the fate of a part (gearbox_fate.c), its measurements (gearbox_physics.c),
 * the plant's raw view (gearbox_raw.c) and the tables (gearbox.c). The story with formulas and units is docs/gearbox-line.md. */
#ifndef ANDON_SIM_GEARBOX_H
#define ANDON_SIM_GEARBOX_H

#include "andon/sim.h"

enum {
    AN__JOINTS = 4,        /* press-fits of the press station */
    AN__SCREWS = 6,        /* cover screws of the screw station */
    AN__PRESS_FIGURES = 8, /* of one press-fit curve */
    AN__SCREW_FIGURES = 5, /* of one tightening */
    AN__PRESS_POINTS = 48, /* of a recorded press-fit curve, over the travel */
    AN__SCREW_POINTS = 24, /* of a recorded tightening curve, over the angle */
    AN__MEASURES =
        AN__JOINTS * AN__PRESS_FIGURES + AN__SCREWS * AN__SCREW_FIGURES + 2, /* 64; with variant and press station: 66 features */
    AN__VARIANTS_MOST = 8,
    AN__STATIONS = 2,
    AN__RAW_ROWS_MOST = 100000, /* parts in the raw view: 6 KB each */
};

typedef enum an__mode {
    AN__MODE_OK,
    AN__MODE_MISALIGNED,
    AN__MODE_UNDERSIZED,
    AN__MODE_CROSS_THREADED,
    AN__MODE_SOFT_JOINT,
    AN__MODE_DRY,
    AN__MODES,
} an__mode;
extern const char *const an__mode_names[AN__MODES];

/* What is wrong with a part, if anything, and what became of it. */
typedef struct an__fate {
    an__mode mode;
    int place;     /* joint or screw that the fault sits on; 0 where it concerns all */
    double size;   /* of the fault, mean 1 over the faulty parts; 0: none */
    bool broken;   /* truly fails at the end of the line */
    bool labelled; /* as the records say */
} an__fate;

/* Probabilities that give the shares asked for, in closed form (docs/gearbox-line.md, section 5): none depends on the rows. */
typedef struct an__rates {
    double fault;        /* a part carries a fault */
    double escape;       /* a broken part is recorded as good */
    double alarm_faulty; /* a good part that carries a fault is recorded as broken */
    double alarm_ok;     /* a good part without a fault is recorded as broken */
} an__rates;
bool an__rates_make(const an_gearbox_options *options, an__rates *out, an_error *err); /* AN_USAGE where the shares contradict each other */
an__fate an__fate_draw(const an__rates *rates, uint64_t seed, size_t row);

/* One pass of a part through both stations. */
typedef struct an__sample {
    int variant, station;
    double value[AN__MEASURES];
    double force[AN__JOINTS][AN__PRESS_POINTS];  /* kN */
    double torque[AN__SCREWS][AN__SCREW_POINTS]; /* Nm */
} an__sample;

typedef struct an__measure {
    const char *name, *unit;
    double step; /* resolution of the gauge, in the unit */
} an__measure;

extern const char *const an__joint_names[AN__JOINTS];
extern const an__measure an__press_figures[AN__PRESS_FIGURES]; /* names after the joint's */
extern const an__measure an__screw_figures[AN__SCREW_FIGURES]; /* names after the screw's */
extern const an__measure an__part_figures[2];
extern const char *const an__variant_names[AN__VARIANTS_MOST];
extern const char *const an__station_names[AN__STATIONS];

/* Name, unit and resolution of measure m; name is new text. */
char *an__measure_name(int m);
const an__measure *an__measure_of(int m);

/* pass 0 is the one that counts; other passes of a reworked part share its diameters and frictions and differ in what happened. */
void an__sample_draw(const an_gearbox_options *options, uint64_t seed, size_t row, const an__fate *fate, unsigned pass, an__sample *out);
/* Which cells of a row got lost: bit m of the measures. */
uint64_t an__lost_draw(const an_gearbox_options *options, uint64_t seed, size_t row);

/* ---- tables (gearbox_table.c) ---- */

enum { AN__SERIAL_WIDTH = 9 };
void an__serial(size_t row, char out[AN__SERIAL_WIDTH + 1]); /* GB0000001 is row 0 */
/* Adds a column whose cells are all valid: the number types zeroed, for the caller to fill. */
an_column *an__add_full(an_table *t, const char *name, const char *unit, an_type type, an_error *err);
/* A text column of cells of `width` bytes, one after the other in c->text.bytes. */
an_column *an__add_text(an_table *t, const char *name, size_t width, an_error *err);
/* A category column: code[i] into names; the dictionary holds the names that occur, sorted. */
an_column *an__add_category(an_table *t, const char *name, const uint8_t *code, const char *const *names, int count, an_error *err);

/* Fills g->station and g->columns (raw view). fate: of every part. */
bool an__raw_make(const an_gearbox_options *options, const an__fate *fate, uint64_t seed, an_gearbox *g, an_job *job, an_error *err);

#endif
