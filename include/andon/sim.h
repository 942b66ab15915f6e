/* sim.h - plant simulators: seeded, with a generative story told in docs/, and the truth kept apart from the data. */
#ifndef ANDON_SIM_H
#define ANDON_SIM_H

#include "andon/table.h"

/* The gearbox assembly line of docs/gearbox-line.md: press-fit curves reduced to forces, work, slopes; tightening torques and angles of
 * every screw; variants and stations: 66 meaningful features. Parts break through five physical failure modes; some labels are wrong. */
typedef struct an_gearbox_options {
    int64_t rows;       /* 1100 */
    double broken;      /* 0.156: expected share of broken parts and of labels that say so (wrong labels go both ways in equal number) */
    double mislabelled; /* 0.04: share of wrong labels, at most the share of the rarer class */
    int64_t variants;   /* 3 */
    double severity;    /* 1: scales how far faults move the measurements; 1 gives the difficulty of the paper */
    double missing;     /* 0: share of measured cells that got lost */
    double drift;       /* 0: slow tool wear over the rows, 0..1 */
    bool raw;           /* the plant's raw view: two station files, about 700 metrics */
} an_gearbox_options;
/* the rows of an_gearbox_params, for structs that hold one at offset `base` */
#define AN_GEARBOX_PARAMS(base)                                                                                                       \
    AN_INT_AT(base, an_gearbox_options, rows, 1100, 10, 1000000, "parts to make"),                                                    \
        AN_REAL_AT(base, an_gearbox_options, broken, 0.156, 0.002, 0.5, "expected share of broken parts, and of labels that say so"), \
        AN_REAL_AT(base, an_gearbox_options, mislabelled, 0.04, 0, 0.5,                                                               \
                   "share of labels that are wrong, half of them broken parts recorded as good"),                                     \
        AN_INT_AT(base, an_gearbox_options, variants, 3, 1, 8, "part variants"),                                                      \
        AN_REAL_AT(base, an_gearbox_options, severity, 1, 0, 3, "how far faults move the measurements; 0: not at all"),               \
        AN_REAL_AT(base, an_gearbox_options, missing, 0, 0, 0.9, "share of measured cells that got lost"),                            \
        AN_REAL_AT(base, an_gearbox_options, drift, 0, 0, 1, "slow tool wear over the rows; 1: friction rises by a sixth"),           \
        AN_BOOL_AT(base, an_gearbox_options, raw, 0, "the plant's raw view: two station files with about 700 metrics")
extern const an_param an_gearbox_params[];

typedef struct an_gearbox {
    an_table *parts; /* one row a part: serial, variant, press_station, 64 measurements, meaningless columns, `broken`; no roles set */
    an_table *truth; /* row (1-based), mode ("ok" or the fault's name), broken_clean */
    /* raw view only, else NULL: press station, screw station (with `broken`); a row for each pass of a part, in order of time */
    an_table *station[2];
    an_table *columns; /* raw view only: station (1, 2), column, kind ("useful", "near-duplicate", "curve", "constant", "empty", "noise",
                          "counter", "key", "target"); useful columns have the names they have in `parts` */
} an_gearbox;

/* Row i of a given seed does not depend on how many rows are made, nor on the threads. `out` need not be initialised; on failure it is
 * empty. */
bool an_gearbox_simulate(const an_gearbox_options *options, uint64_t seed, an_gearbox *out, an_job *job, an_error *err);
void an_gearbox_free(an_gearbox *g); /* leaves it empty */

#endif
