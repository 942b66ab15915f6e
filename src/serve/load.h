/* load.h - what the files of the load test share.
 *
 *   act_load.c        its parameters, and the order of the work
 *   load_schedule.c   when requests are due
 *   load_rows.c       what is sent: rows made from the model's metadata, or taken from a table
 *   load_answer.c     whether an answer is a right one
 *   load_run.c        sends on time, measures, collects
 *   load_histogram.c  latencies, counted
 *   load_watch.c      what the server says in /metrics; load_proc.c: what its processes use on this machine
 *   load_result.c     the numbers as a document, and as text; load_page.c: as a page
 */
#ifndef AN_SERVE_LOAD_H
#define AN_SERVE_LOAD_H

#include "andon/table.h"
#include "andon/wire.h"

/* ---- latencies (load_histogram.c) ------------------------------------------------------------------------------------------------- */

/* Counts of durations in log-linear buckets (as in Tene's HdrHistogram): every power of two is cut into 1,024 buckets of equal width, so a
 * value is known to 0.1 % from 1 us to 60 s (and to the nanosecond below 2 us); longer ones are counted as 60 s. Count, sum, smallest and
 * largest are exact. 0.2 MB. */
typedef struct an__histogram an__histogram;
an__histogram *an__histogram_new(void);
void an__histogram_free(an__histogram *h);
void an__histogram_add(an__histogram *h, double seconds); /* negative counts as 0 */
void an__histogram_merge(an__histogram *to, const an__histogram *from);
void an__histogram_clear(an__histogram *h);
uint64_t an__histogram_count(const an__histogram *h);
double an__histogram_max(const an__histogram *h);  /* seconds; NaN: empty */
double an__histogram_mean(const an__histogram *h); /* the same */
/* The ceil(q * n)-th smallest of n values: here n = max(count, of), the ones beyond `count` being longer than any limit (requests without
 * an answer); INFINITY where it is one of those, NaN where there are none. The upper end of its bucket, at most the largest. */
double an__histogram_quantile(const an__histogram *h, double q, uint64_t of);

/* ---- when (load_schedule.c) -------------------------------------------------------------------------------------------------------- */

/* `rate` requests a second of `users` together; user k of them joins at k / users * ramp_s. Evenly spaced, or a Poisson process. */
typedef struct an__load_plan {
    double rate, ramp_s;
    int64_t users;
    bool poisson;
    uint64_t seed;
} an__load_plan;
typedef struct an__schedule {
    an__load_plan plan;
    an_rng rng;
    uint64_t tick;
    double at;
} an__schedule;
void an__schedule_init(an__schedule *s, const an__load_plan *plan);
double an__schedule_next(an__schedule *s); /* seconds from the start until the next request is due; never decreases */
int64_t an__load_users(const an__load_plan *plan, double at);

/* ---- what (load_rows.c) ------------------------------------------------------------------------------------------------------------ */

typedef struct an__load_bodies {
    bool v2;      /* Open Inference Protocol v2, else rows of our own */
    char *target; /* path of the POST */
    char **items;
    size_t *sizes, count;
} an__load_bodies;
/* metadata: GET /v2/models/NAME. From `count` rows drawn between low and high of each input, or categories; or from the rows of `t`, at
 * most `count` of them evenly. AN_INPUT: no inputs, or an input that cannot be made up. */
bool an__load_bodies_draw(an__load_bodies *b, const char *model, bool v2, const json_t *metadata, size_t count, uint64_t seed,
                          an_error *err);
bool an__load_bodies_table(an__load_bodies *b, const char *model, bool v2, const json_t *metadata, const an_table *t, size_t count,
                           an_error *err);
/* "/v2/models/press/versions/3" + end, or "/api/models/press" + end; new text. Rows of our own have no versions in their paths. */
char *an__load_path(const char *model, bool v2, const char *end);
/* --type of the columns of a file, so that its cells become what the inputs need */
void an__load_types(const json_t *metadata, an_list *types);
void an__load_bodies_free(an__load_bodies *b);

/* ---- whether (load_answer.c) --------------------------------------------------------------------------------------------------------- */

/* A status of 200, a JSON document of the form, and in it a label, and a probability within 0 and 1 (v2: where there is an output of that
 * name). false: what is wrong, as a kind ("status 503", "not JSON") of at most 40 characters, and as a sentence. */
bool an__load_answer(const an_http_reply *reply, bool v2, char kind[40], char why[256]);

/* ---- the server's side (load_watch.c, load_proc.c) ----------------------------------------------------------------------------------- */

enum { AN__LOAD_REPLICAS = 64, AN__LOAD_PIDS = 128 };
typedef struct an__load_use { /* of the server; NaN or -1: not known */
    double cpu;               /* processors busy since the last look */
    double memory_mb;         /* resident */
    int processes;
    int replicas;
    double rows[AN__LOAD_REPLICAS]; /* scored by each slot since it started; -1: no such slot */
} an__load_use;

typedef struct an__load_proc { /* processes of this machine */
    int64_t port;
    long root[4]; /* those that hold the listening socket */
    int roots;
    struct {
        long pid;
        uint64_t ticks;
    } seen[AN__LOAD_PIDS];
    int count;
    double at;
} an__load_proc;
/* Finds who listens there. false: not on this machine, or nobody whom this user may look at. */
bool an__load_proc_find(an__load_proc *p, const char *url);
void an__load_proc_look(an__load_proc *p, an__load_use *use); /* they and their children */

typedef struct an__load_watch an__load_watch;
an__load_watch *an__load_watch_new(an_loop *l, const char *url, const char *ca, an_error *err);
void an__load_watch_free(an__load_watch *w);
void an__load_watch_look(an__load_watch *w, an__load_use *use); /* what is known now; asks anew */
bool an__load_watch_local(const an__load_watch *w);             /* numbers are of /proc, not of /metrics */
/* "name 3" or "name{label="x"} 3" of a page of metrics; NaN: absent */
double an__load_metric(an_span page, const char *series);

/* ---- the run (load_run.c) ---------------------------------------------------------------------------------------------------------------
 */

typedef struct an__load_options {
    const char *url, *ca;
    an__load_plan plan;
    double seconds, warmup_s, timeout_s;
    int64_t connections;
    const an__load_bodies *bodies;
} an__load_options;

enum { AN__LOAD_KINDS = 32 };
typedef struct an__load_errors {
    size_t count;
    struct {
        char kind[40], first[256];
        uint64_t times;
    } kind[AN__LOAD_KINDS]; /* the last one takes the rest */
} an__load_errors;

typedef struct an__load_second {
    double t;            /* its end, in seconds from the start */
    uint64_t ok, errors; /* that came in this second */
    double p50, p99;     /* ms, of the right answers */
    int64_t users;
    uint64_t waiting; /* due, but all connections are taken */
    an__load_use use;
} an__load_second;

typedef struct an__load_result {
    an__histogram *latency; /* from due to answered, right answers to requests that were due in the measured time */
    an__histogram *service; /* from sent to answered */
    an__histogram *lag;     /* how late this program itself was */
    uint64_t ok, errors, warm_ok, warm_errors;
    double seconds, lead_s, last; /* measured; left out before; from the start of measuring to the last right answer */
    an__load_errors kinds;        /* of the whole run */
    an__load_second *second;
    size_t seconds_count;
    bool interrupted, local;
} an__load_result;
/* true also where it was stopped early: `interrupted`. */
bool an__load_run(const an__load_options *o, an__load_result *out, an_job *job, an_error *err);
void an__load_result_free(an__load_result *r);
/* One GET, awaited. */
bool an__load_get(const char *url, const char *ca, const char *target, double timeout_s, int *status, an_buf *body, an_error *err);

/* ---- what came out (load_result.c, load_page.c)
 * ------------------------------------------------------------------------------------------- */

/* limit_ms: NaN: none */
json_t *an__load_json(const an__load_options *o, const an__load_result *r, const char *model, double limit_ms);
char *an__load_text(const json_t *result);                                 /* for people, several lines */
bool an__load_page(const json_t *result, const char *path, an_error *err); /* one HTML file that needs nothing else */

#endif
