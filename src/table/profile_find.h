/* profile_find.h - inside the findings: how one is added, and who finds what. */
#ifndef ANDON_TABLE_PROFILE_FIND_H
#define ANDON_TABLE_PROFILE_FIND_H

#include "profile.h"

typedef struct an__finding {
    double score;
    size_t index; /* in the order they were found: decides ties */
    const char *kind;
    json_t *json;
} an__finding;

typedef struct an__findings {
    const an__frame *f;
    an__finding *list;
    size_t count;
} an__findings;

static const double an__significant = 0.01;

/* Takes the texts. c: the column it is about; NULL: none. Returns it, for more keys; borrowed. */
json_t *an__finding_add(an__findings *all, const char *kind, const an__facts *c, double score, char *text, char *evidence);
char *an__value_text(const an__facts *c, double v, char out[64]); /* with the unit */
char *an__p_text(double p, char out[40]);

void an__find_values(an__findings *all, const an__facts *c); /* limits, capability, sentinels, outliers, missing cells */
void an__find_target(an__findings *all, const an__facts *c);
void an__find_groups(an__findings *all);
void an__find_rows(an__findings *all, const json_t *profile); /* balance, leaks that are known, repeats, blocks of columns */

#endif
