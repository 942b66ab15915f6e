/* report.h - inside the report: facts are gathered from the store by report.c; everything else turns facts into text and touches neither
 * store nor files. */
#ifndef AN_FLOW_REPORT_H
#define AN_FLOW_REPORT_H

#include "andon/base.h"

/* ---- facts: JSON documents as the commands give them; any but `about` may be NULL --------------------------------------------------- */

typedef struct an_report_facts {
    json_t *about;       /* {"kind": "model"|"data", "name", "version", "id", "created", "written", "andon", "code", "cpu", "aliases"} */
    json_t *model;       /* model.json */
    json_t *evaluation;  /* evaluation.json: metrics, confusion, threshold, curve, costs, escape_upper, calibrated, rows, positives */
    json_t *explanation; /* an_model_explain */
    json_t *data;        /* as `data show`: name, version, id, rows, columns, target, positive, positives, dropped, warnings */
    json_t *profile;     /* an_table_profile */
    json_t *split; /* {"train", "test", "train_positives", "test_positives", "by", "time", "from", "group", "test_groups", "train_groups",
                      "strays"} */
    json_t *comparison; /* as `compare`, with "run", "machine", "code" */
    json_t *judgements; /* [judgement.json with "run"], one per generator method, newest */
    json_t *filter;     /* report of the minority filter */
    json_t *provenance; /* [{"kind", "names", "address", "run", "what", "code", "seed", "machine", "started"}], what was made from last to
                           first */
} an_report_facts;

void an__report_facts_free(an_report_facts *f);

/* ---- the result: one page, and its tables as CSV ------------------------------------------------------------------------------------ */

typedef struct an_report_csv {
    char *name; /* "fidelity": file fidelity.csv */
    an_buf text;
} an_report_csv;

typedef struct an_report_tables {
    an_report_csv *items;
    size_t count;
} an_report_tables;

void an__report_tables_free(an_report_tables *t);
extern const char *const an__report_table_names[]; /* every name there can be, ended by NULL */

/* tables_href: relative address of the folder with the CSV files, as written into links ("press.tables"). */
void an__report_render(const an_report_facts *facts, const char *tables_href, an_buf *html, an_report_tables *tables);

/* ---- what the sections share -------------------------------------------------------------------------------------------------------- */

typedef struct an_page {
    const an_report_facts *f;
    an_buf *html;
    an_report_tables *tables;
    char *href;                               /* percent-encoded, escaped */
    const char *name;                         /* of the model or data set */
    const char *data_name;                    /* of the data set; NULL: not known */
    const char *target, *positive, *negative; /* names as in the data; "" where not known */
    bool calibrated;
    double positives, rows, labelled; /* of the whole data set; NAN where not known. Shares are of the labelled rows */
    double repeats;                   /* of the comparison */
} an_page;

/* Sections (report_page.c calls them in order). Each writes its own heading, and one line with the command to type where its facts do not
 * exist. */
void an__report_front(an_page *p);                  /* page one */
void an__report_advice(an_page *p, bool worthless); /* inside it; worthless: this page's own model is no better than none */
void an__report_fidelity(an_page *p);
void an__report_comparison(an_page *p);
void an__report_confusion(an_page *p);
void an__report_threshold(an_page *p);
void an__report_coefficients(an_page *p);
void an__report_data(an_page *p);
void an__report_provenance(an_page *p);
void an__report_glossary(an_page *p);
void an__section(an_page *p, const char *id, const char *title, const char *lead);       /* heading and an opening sentence (may be NULL) */
void an__missing(an_page *p, const char *what, const char *format, ...) AN_PRINTF(3, 4); /* "No comparison yet: <command> makes one." */

extern const char an__report_style[]; /* CSS */

/* ---- text --------------------------------------------------------------------------------------------------------------------------- */

const json_t *an__at(const json_t *j, const char *path);   /* "metrics.f2.value"; NULL: absent */
double an__number(const json_t *j, const char *path);      /* NAN: absent or not a number */
const char *an__string(const json_t *j, const char *path); /* "": absent or not a text */

void an__html(an_buf *b, const char *text);                         /* escaped for HTML text and attributes */
void an__htmlf(an_buf *b, const char *format, ...) AN_PRINTF(2, 3); /* formatted, then escaped as a whole */

/* Numbers for people, "–" where undefined. The text lives as long as the full expression it is made in. */
typedef struct an_shown {
    char t[48];
} an_shown;
an_shown an__real(double v, int digits);  /* 0.912 */
an_shown an__count(double v);             /* 1,100 */
an_shown an__few(double v);               /* parts per thousand: one digit below 100 */
an_shown an__share(double v, int digits); /* 6.7 % */
an_shown an__value(double v);             /* four significant digits */
an_shown an__score(double v);             /* a threshold: 0.310, and 0.00016 rather than 0.000 */
an_shown an__when(const char *time);      /* a time of the data to the minute; anything else as it is */

/* ---- tables: HTML and CSV from the same cells --------------------------------------------------------------------------------------- */

enum { AN__TEXT, AN__NUMBER, AN__COUNT, AN__SHARE, AN__VALUE, AN__SCORE, AN__INTERVAL, AN__PICTURE };
typedef struct an_grid_column {
    const char *title; /* NULL: in the CSV only */
    const char *csv;   /* NULL: on the page only; an interval becomes csv, csv_sd, csv_low, csv_high */
    int kind, digits;  /* of AN__NUMBER: -1 shows parts per thousand */
} an_grid_column;

typedef struct an_grid {
    an_page *page;
    const char *name;
    const an_grid_column *column;
    int columns, at;
    size_t rows, limit; /* rows beyond the limit are in the CSV only; 0: none */
    an_buf body, csv;
} an_grid;

an_grid an__grid_open(an_page *p, const char *name, const an_grid_column *column, int columns);
void an__grid_row(an_grid *g, const char *css_class); /* ends the row before */
void an__grid_text(an_grid *g, const char *text);
void an__grid_note(an_grid *g, const char *text, const char *small); /* a second, small line on the page; CSV has the text alone */
void an__grid_number(an_grid *g, double v);
void an__grid_interval(an_grid *g, const json_t *interval,
                       bool share); /* {"mean" or "value", "sd", "low", "high"}; share: the page shows no limits beyond 0 and 1 */
void an__grid_picture(an_grid *g, const an_buf *svg);
void an__grid_close(an_grid *g, const char *caption);  /* onto the page, with a link to the CSV */
void an__grid_close_csv(an_grid *g, const char *link); /* the CSV alone; `link`: text of the link on the page */

/* ---- charts: inline SVG ------------------------------------------------------------------------------------------------------------- */

enum {
    AN__BLUE,
    AN__RED,
    AN__GREEN,
    AN__PURPLE,
    AN__BLACK,
    AN__ORANGE,
    AN__SKY,
    AN__STYLES
}; /* colour with its own dash pattern and mark */
enum { AN__CIRCLE, AN__DOT, AN__TRIANGLE, AN__CROSS, AN__PLUS, AN__DIAMOND };

typedef struct an_plot {
    an_buf *out;
    double width, height, left, right, top, bottom; /* pixels; margins */
    double x0, x1, y0, y1;                          /* ranges of the data */
    bool names;                                     /* the y axis carries names: no ticks, no grid, no widening */
    bool exact;                                     /* the y range is not widened to its outer ticks */
} an_plot;

/* Frame, ticks at round numbers, grid, axis names. The y range is widened to its outer ticks unless told otherwise. `what` describes the
 * picture to those who cannot see it. */
void an__plot_open(an_plot *p, const char *x_name, const char *y_name, const char *what);
void an__plot_line(an_plot *p, const double *x, const double *y, size_t n, int style); /* gaps where not finite */
void an__plot_marks(an_plot *p, const double *x, const double *y, size_t n, int style, int mark, double size);
void an__plot_upright(an_plot *p, double x, const char *label);
void an__plot_level(an_plot *p, double y, const char *label);
void an__plot_close(an_plot *p);
void an__svg_open(an_buf *b, double width, double height, const char *what);
void an__svg_text(an_buf *b, double x, double y, const char *anchor, const char *css_class, const char *text);
void an__svg_mark(an_buf *b, int mark, double x, double y, double size); /* path data */
const char *an__colour(int style);
void an__legend(an_buf *b, const char *name, int style, int mark); /* one entry; mark < 0: a line */

char *an__shortened(const char *text, size_t limit); /* at most `limit` characters, an ellipsis in the middle; "=value" at its end stays
                                                      * whole where it is short. New text */

/* pictures made of them */
void an__chart_confusion(an_page *p, const json_t *confusion, const char *title, const char *note);
void an__chart_strip(an_buf *b, const char *const *names, const double (*share)[4],
                     int bars); /* of all parts: caught, escaped, falsely rejected, passed */
void an__chart_intervals(an_page *p, const json_t *rows, const char *metric);
void an__chart_map(an_page *p, const json_t *judgement);
void an__chart_histogram(an_buf *b, const json_t *column); /* a small one, of a column of the profile */
void an__chart_bars(an_page *p, const json_t *coefficients, size_t limit);
/* Exact two-sided 95 % limits (Clopper and Pearson 1934) of "recall", "precision" or "accuracy"; NAN: another metric, or nothing counted.
 */
void an__exact_limits(const json_t *confusion, const char *metric, double *low, double *high);
/* The same for an evaluation: where its rows have groups, the limits of recall are those of as many parts as the groups are worth, and
 * there are none of the others. */
void an__share_limits(const json_t *evaluation, const char *metric, double *low, double *high);
bool an__recommends(const json_t *comparison);                /* false: nothing learnt, or what was learnt fails on the newest rows */
void an__test_part(an_page *p);                               /* how the test part was chosen, in a sentence */
bool an__beats_trivial(const json_t *comparison);             /* false: the comparison says that doing without a model is as good */
void an__time_ignored(an_page *p);                            /* a sentence where the comparison's repeats did not follow the time column */
char *an__balance_label(const an_page *p, const json_t *row); /* new text: "smote", or "logistic, smote" where there are several models */

#endif
