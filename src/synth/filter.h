/* filter.h - what filter.c (learning the minority filter) and filter_pass.c (putting rows through it) share. */
#ifndef ANDON_SYNTH_FILTER_H
#define ANDON_SYNTH_FILTER_H

#include "synth/rows.h"

typedef struct an__centre { /* where the rarer class lies, and what else is near */
    double *at;             /* d coordinates; NULL: no row of the rarer class here */
    double *others;         /* other_count x d: centroids of the other clusters, or of the other class */
    size_t other_count;
} an__centre;

typedef enum an__verdict { AN__PASSES, AN__OTHER_CLASS, AN__NEARER_TO_OTHERS, AN__TOO_FAR, AN__VERDICTS } an__verdict;

struct an_filter {
    an_table *train; /* real rows; owned */
    an_prep *prep;
    an__classes classes;
    double *x; /* rows x d, standardised */
    size_t d;
    an__centre *centre; /* one a variant, or one */
    size_t count;
    char *variant;  /* name of the variant column; NULL: none */
    an_list values; /* its values */
    double distance_max;
    const char *mode;              /* cluster variant class */
    size_t count_of[AN__VERDICTS]; /* of the rows looked at */
    size_t real_pass, real_rare;   /* real rows that would pass by their distances; those of the rarer class among them */
    json_t *clusters;
    an_buf note;
};

/* What the distances say about a row (d standardised values) of variant v; *away: its distance to the minority's centroid. */
an__verdict an__filter_judge(const an_filter *f, const double *x, size_t v, double *away);
/* The variant of a row; `column` is NULL where there are none. */
size_t an__filter_variant(an_filter *f, const an_column *column, size_t row);

#endif
