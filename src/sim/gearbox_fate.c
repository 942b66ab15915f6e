/* gearbox_fate.c - which parts carry a fault, which of those break at the end-of-line test, and which labels are wrong. The probabilities
 * follow from the shares asked for in closed form, so that the share of broken labels has the wanted expectation whatever the rows. */
#include "sim/gearbox.h"

const char *const an__mode_names[AN__MODES] = { "ok",         "misaligned_bearing", "undersized_seat", "cross_threaded",
                                                "soft_joint", "dry_assembly" };

/* Share of each mode among the faulty parts. */
static const double mode_share[AN__MODES] = { 0, 0.25, 0.20, 0.20, 0.20, 0.15 };

/* A faulty part breaks with a probability that rises linearly with the rank of its fault's size. */
static const double breaks_smallest = 0.60, breaks_largest = 0.82;
/* size = smallest + (largest - smallest) rank: mean 1 */
static const double weak_point = 0.88; /* of the faults of a mode sit at its weak point */
static const double size_smallest = 0.9, size_largest = 1.1;
/* Of the good parts recorded as broken, this share carries a fault: a test bench that errs, errs rather on a conspicuous part. */
static const double alarms_on_faulty = 0.8, alarm_most = 0.5;

bool an__rates_make(const an_gearbox_options *options, an__rates *out, an_error *err)
{
    double share = options->broken, half = options->mislabelled / 2, rarer = share < 0.5 ? share : 1 - share;
    if (half > rarer / 2) {
        an_fail(err, AN_USAGE, "with %g of the parts broken, %g of the labels cannot be wrong", share, options->mislabelled);
        return an_hint(
            err,
            "half of the wrong labels are broken parts recorded as good, and at most every second broken part is: --mislabelled %g or less",
            rarer);
    }
    double breaks = (breaks_smallest + breaks_largest) / 2;
    out->fault = share / breaks;
    out->escape = half / share;
    double survivors = out->fault - share;
    out->alarm_faulty = alarms_on_faulty * half / survivors;
    if (out->alarm_faulty > alarm_most) out->alarm_faulty = alarm_most;
    out->alarm_ok = (half - out->alarm_faulty * survivors) / (1 - out->fault);
    return true;
}

/* Where a fault sits: most often where the line's weak point is, else anywhere. The ring gear (the last joint) has no outer race that could
 * tilt. */
static int place_draw(an__mode mode, double where)
{
    static const struct {
        int places, weak;
    } at[AN__MODES] = { { 1, 0 }, { AN__JOINTS - 1, 2 }, { AN__JOINTS, 0 }, { AN__SCREWS, 4 }, { AN__SCREWS, 1 }, { 1, 0 } };
    if (where < weak_point) return at[mode].weak;
    return (int)((where - weak_point) / (1 - weak_point) * at[mode].places);
}

an__fate an__fate_draw(const an__rates *rates, uint64_t seed, size_t row)
{
    /* always the same draws in the same order, so that another share changes as few parts as possible */
    an_rng r = an_rng_at(an_seed_derive(seed, "gearbox/fate", 0), row);
    double faulty = an_rng_uniform(&r), which = an_rng_uniform(&r), where = an_rng_uniform(&r), rank = an_rng_uniform(&r);
    double breaks = an_rng_uniform(&r), label = an_rng_uniform(&r);
    an__fate f = { AN__MODE_OK, 0, 0, false, false };
    if (faulty < rates->fault) {
        f.mode = AN__MODE_MISALIGNED;
        for (double sum = mode_share[f.mode]; f.mode < AN__MODES - 1 && which >= sum; sum += mode_share[f.mode]) f.mode++;
        f.place = place_draw(f.mode, where);
        f.size = size_smallest + (size_largest - size_smallest) * rank;
        f.broken = breaks < breaks_smallest + (breaks_largest - breaks_smallest) * rank;
    }
    double wrong = f.broken ? rates->escape : f.mode ? rates->alarm_faulty : rates->alarm_ok;
    f.labelled = f.broken != (label < wrong);
    return f;
}
