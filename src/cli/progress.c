/* progress.c - what a waiting person sees: stage, bar, rate, time left. */
#include "cli/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct an_progress {
    FILE *out;
    bool quiet, terminal, drawn;
    char stage[96];
    double stage_start, last, last_done; /* seconds; when the stage began, when a line was last printed */
};

an_progress *an__progress_new(FILE *out, bool quiet)
{
    an_progress *p = an_alloc(sizeof *p);
    p->out = out;
    p->quiet = quiet;
    p->terminal = isatty(fileno(out)) && !getenv("NO_COLOR");
    p->last = an_clock_s();
    return p;
}

static void wipe(an_progress *p)
{
    if (p->drawn) fputs("\r\033[K", p->out);
    p->drawn = false;
}

static void time_text(double s, char out[32])
{
    if (!(s >= 0) || s > 360000)
        snprintf(out, 32, "?");
    else if (s < 60)
        snprintf(out, 32, "%.0f s", ceil(s));
    else if (s < 3600)
        snprintf(out, 32, "%d min %02d s", (int)s / 60, (int)s % 60);
    else
        snprintf(out, 32, "%d h %02d min", (int)s / 3600, (int)s / 60 % 60);
}

static void amount_text(double value, const char *unit, char out[32])
{
    if (unit && !strcmp(unit, "bytes"))
        snprintf(out, 32, "%.1f MB", value / 1e6);
    else
        snprintf(out, 32, "%.0f", value);
}

static void on_progress(void *context, const char *stage, double done, double total, const char *unit)
{
    an_progress *p = context;
    if (p->quiet) return;
    double now = an_clock_s();
    if (strncmp(stage ? stage : "", p->stage, sizeof p->stage - 1) || done < p->last_done) {
        snprintf(p->stage, sizeof p->stage, "%s", stage ? stage : "");
        p->stage_start = now;
    }
    p->last_done = done;
    if (now - p->last < (p->terminal ? 0.1 : 10)) return;
    p->last = now;
    double share = total > 0 ? fmin(1, done / total) : 0, spent = now - p->stage_start;
    char left[32], have[32], all[32];
    time_text(share > 0 ? spent / share - spent : NAN, left);
    amount_text(done, unit, have);
    amount_text(total, unit, all);
    const char *what = unit && strcmp(unit, "bytes") ? unit : "";
    if (p->terminal) {
        char bar[25];
        for (int i = 0; i < 24; i++) bar[i] = i < share * 24 ? '#' : '.';
        bar[24] = 0;
        fprintf(p->out, "\r\033[K%s [%s] %3.0f %%  %s of %s %s  %s left", p->stage, bar, share * 100, have, all, what, left);
        p->drawn = true;
    } else {
        fprintf(p->out, "%s: %.0f %%, %s of %s %s, %s left\n", p->stage, share * 100, have, all, what, left);
    }
    fflush(p->out);
}

static void on_message(void *context, const char *text)
{
    an_progress *p = context;
    if (p->quiet) return;
    wipe(p);
    fprintf(p->out, "%s\n", text);
    fflush(p->out);
}

an_sink an__progress_sink(an_progress *p)
{
    return (an_sink){ .context = p, .progress = on_progress, .message = on_message };
}

void an__progress_free(an_progress *p)
{
    if (!p) return;
    wipe(p);
    fflush(p->out);
    free(p);
}
