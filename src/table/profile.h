/* profile.h - what the files of the profile share: the frame (order in time, target, groupings), and the facts found on each column. */
#ifndef ANDON_TABLE_PROFILE_H
#define ANDON_TABLE_PROFILE_H

#include "impl.h"

#include "andon/score.h"

enum { AN__GROUPINGS = 3, AN__BLOCKS = 240, AN__CHANGES = 8, AN__GROUPS = 1000, AN__SHOWN = 24, AN__FAR = 5, AN__STEPS_MOST = 6 };

/* Rows by place: places are rows in order of time, or as in the file. */
typedef struct an__grouping {
    const char *name; /* of the column; "shift" */
    const char *kind; /* "by", "group", "shift" */
    int32_t *code;    /* by place; -1: none */
    size_t count;
    char **names;
    double *rows;
} an__grouping;

typedef struct an__scratch { /* of one worker */
    an_placed *item, *spare;
    double *value;   /* valid values in order of place */
    uint32_t *place; /* of each */
    uint32_t *pos, *neg;
    double *sums;
    int32_t *code;
    bool ready;
} an__scratch;

typedef struct an__change {
    size_t place;         /* first place after the step */
    double before, after; /* means of the segments */
    double shift;         /* in standard deviations of single readings about their level */
    const char *unit;     /* what change of unit would explain it; NULL: none */
} an__change;

typedef struct an__stuck {
    size_t first, last, length; /* places */
    double value, expected;
} an__stuck;

typedef struct an__facts {
    const an_column *c;
    json_t *json;
    bool number, watched; /* watched: a reading whose course in time and between groups says something */
    size_t n, distinct;
    double min, max, median, robust_sd;
    double draw_low, draw_high; /* values are drawn in to here where one outlier must not decide: five robust sd, or 1 and 99 % if wider */
    const char *measure;        /* of the association; NULL: none */
    double association, association_p;
    double group_p[AN__GROUPINGS], group_effect[AN__GROUPINGS];
    uint64_t missing_pattern;
    double missing_p, missing_v, missing_rate[2]; /* missing share where the target is positive, and where it is not */
    double trend_p, trend_tau, trend_sd;          /* trend_sd: change from first to last in standard deviations of single readings */
    double trend_from, trend_to;
    bool drifts, counts_up;
    size_t steps, stucks, outliers;
    an__change step[AN__CHANGES];
    an__stuck stuck[AN__CHANGES];
    double sentinel;
    size_t sentinels, sentinel_place;
    size_t far_count, far_place[AN__FAR];
    double far_value[AN__FAR], far_z[AN__FAR];
    double low, high; /* specification limits; NaN */
    bool capable;
    an_capability capability;
    double q, missing_q, trend_q; /* p adjusted */
    double group_q[AN__GROUPINGS];
} an__facts;

enum { AN__UNLABELLED = 2 };
typedef struct an__frame {
    const an_table *t;
    an_job *job;
    bool brief;
    size_t rows, blocks;
    size_t timed;    /* places that have a time, or all where none has: only these have a course */
    uint32_t *order; /* row at each place; NULL: the order of the file */
    const an_column *time;
    bool sorted; /* rows lie in the order of the target: their order says nothing of time */
    const an_column *target;
    uint8_t *label;        /* by place: 0, 1, AN__UNLABELLED; NULL: not two classes */
    size_t labelled;       /* rows with a label */
    int32_t *target_class; /* by place; NULL: not several classes */
    size_t target_classes;
    double *target_rank; /* by place; NULL: no number */
    int groupings;
    an__grouping grouping[AN__GROUPINGS];
    const an__grouping *lots; /* subgroups for capability; NULL: single values */
    an__scratch *scratch;
    size_t scratches;
    an__facts *facts;
    size_t done;
} an__frame;

static inline size_t an__row(const an__frame *f, size_t place)
{
    return f->order ? f->order[place] : place;
}
static inline size_t an__block(const an__frame *f, size_t b) /* first place of block b */
{
    return (size_t)((double)b * (double)f->rows / (double)f->blocks);
}

bool an__profile_frame_make(an__frame *f, const char *by, an_error *err);
void an__profile_frame_free(an__frame *f);

bool an__profile_number(const an__frame *f, an__facts *c, an__scratch *s, an_error *err);
bool an__profile_category(const an__frame *f, an__facts *c, an__scratch *s, an_error *err);
void an__profile_course(const an__frame *f, an__facts *c, an__scratch *s); /* blocks, stuck values, steps, drift; sorted stats are known */
/* Merges neighbouring levels of y (they begin at 0 and at[0..count)) until each differs from the next by more than the penalty in squares
 * of the error of the difference; each side has its own spread, at least `noise`. Returns how many of at are left. */
size_t an__merge_levels(const double *y, size_t n, size_t *at, size_t count, double noise, double penalty);
/* Places and tells steps; at: blocks, of those with values `of`, where they are to begin; spread: of single readings about their level. */
void an__profile_steps(const an__frame *f, an__facts *c, const an__scratch *s, const size_t *of, const size_t *at, size_t count,
                       double spread, double block_noise, double penalty);
void an__profile_by_group(const an__frame *f, an__facts *c, an__scratch *s); /* items sorted */

json_t *an__profile_balance(const an__frame *f);
json_t *an__profile_missing(const an__frame *f);
json_t *an__profile_correlation(const an__frame *f, an_error *err);
json_t *an__profile_twins(const an__frame *f, an_error *err);
bool an__duplicate_rows(const an__frame *f, size_t *count, json_t *first, an_error *err);
json_t *an__profile_findings(const an__frame *f, const json_t *profile);
json_t *an__place_json(const an__frame *f, size_t place);                       /* {"row", "place": 0 to 1 of the course, "time"} */
void an__place_text(const an__frame *f, size_t place, an_buf *out);             /* "2026-04-03 14:02" or "row 512" */
void an__span_text(const an__frame *f, size_t first, size_t last, an_buf *out); /* "from 2026-04-03 14:02 to 15:10" */

#endif
