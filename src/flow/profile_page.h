/* profile_page.h - inside the page of a data profile: everything here turns the document of an_table_profile_full (with "name", "version",
 * "by", "written" and "id" put in) into text and pictures; style, tables and numbers are those of the report. */
#ifndef AN_FLOW_PROFILE_PAGE_H
#define AN_FLOW_PROFILE_PAGE_H

#include "flow/report.h"

extern const char *const an__profile_table_names[]; /* every table there can be, ended by NULL */
void an__profile_render(const json_t *profile, const char *tables_href, an_buf *html, an_report_tables *tables);

typedef struct an_profile_page {
    an_page page; /* html, tables, href: for grids and headings */
    const json_t *j;
    json_t *place;                 /* number of each column by name */
    bool *found;                   /* columns with a finding of their own */
    const char *target, *positive; /* "" */
} an_profile_page;

const json_t *an__profile_column(const an_profile_page *p, const char *name); /* NULL: none */
void an__profile_link(const an_profile_page *p, an_buf *b, const char *name); /* the name, as a link to its card where it has one */

/* sections: each writes its own heading, or nothing where there is nothing to say */
void an__profile_by(an_profile_page *p);
void an__profile_balances(an_profile_page *p);
void an__profile_limits(an_profile_page *p);
void an__profile_changes(an_profile_page *p);
void an__profile_gaps(an_profile_page *p);
void an__profile_associations(an_profile_page *p);
void an__profile_correlations(an_profile_page *p);
void an__profile_repeats(an_profile_page *p);
void an__profile_columns(an_profile_page *p);
void an__profile_methods(an_profile_page *p);

/* A value of a column for people: dates where the column holds times. */
an_shown an__profile_value(const json_t *column, double v);

/* pictures */
void an__profile_histogram(an_buf *b, const json_t *column); /* against the limits; categories as bars */
void an__profile_trend(const an_profile_page *p, an_buf *b, const json_t *column);
void an__profile_map(an_buf *b, const json_t *correlation); /* the clustered matrix */

#endif
