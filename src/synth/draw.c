/* draw.c - rows of a generator that meet conditions: terms over columns, the minority filter. Rejection sampling: rows are drawn in the
 * order of their numbers and kept or not one by one, so what is kept depends on the generator and the seed alone, not on how many are asked
 * for at a time. */
#include "synth/rows.h"

#include <stdlib.h>
#include <string.h>

enum { FEWEST = 256, MOST = 16384 };

/* How many to draw next: what the share that passed so far calls for, and a tenth more. */
static size_t ask(const an_draw *d, size_t missing)
{
    uint64_t left = d->limit - d->drawn;
    double share = d->passed ? (double)d->passed / (double)d->drawn : d->drawn ? 1e-6 : 0.5, wanted = 1.1 * (double)missing / share;
    size_t n = wanted < FEWEST ? FEWEST : wanted > MOST ? MOST : (size_t)wanted;
    if (!d->where && !d->filter) n = missing;
    return n < left ? n : (size_t)left;
}

/* Rows of t that meet the terms, as a new table; rows[i]: which row of t the i-th of them was (t->rows entries). */
static an_table *meeting(const an_draw *d, const an_table *t, size_t *rows, an_error *err)
{
    uint8_t *chosen = an_alloc_data(t->rows ? t->rows : 1, 1, "row choice", err);
    an_table *out = NULL;
    size_t n = 0;
    if (chosen && an_table_where(d->where, t, chosen, err)) {
        for (size_t i = 0; i < t->rows; i++)
            if (chosen[i]) rows[n++] = i;
        out = an_table_select(t, rows, n, err);
    }
    free(chosen);
    return out;
}

/* Of one chunk the first rows that pass, at most `limit`. *looked: rows of the chunk up to the one that ended it. Takes t. */
static an_table *sieve(an_draw *d, an_table *t, size_t limit, size_t *looked, an_error *err)
{
    size_t n = t->rows, seen = 0, *rows = an_alloc_data(n ? n : 1, sizeof *rows, "row numbers", err);
    *looked = n;
    for (size_t i = 0; rows && i < n; i++) rows[i] = i;
    if (rows && d->where) {
        an_table *met = meeting(d, t, rows, err);
        an_table_free(t);
        t = met;
    }
    size_t met = rows && t ? t->rows : 0;
    an_table *out = NULL;
    if (rows && t && d->filter) {
        out = an_filter_pass(d->filter, t, limit, &seen, err);
    } else if (rows && t) {
        seen = met < limit ? met : limit;
        if (seen == met)
            out = t, t = NULL;
        else {
            size_t *first = an_alloc_n(seen + 1, sizeof *first);
            for (size_t i = 0; i < seen; i++) first[i] = i;
            out = an_table_select(t, first, seen, err);
            free(first);
        }
    }
    if (out && out->rows == limit && seen) *looked = rows[seen - 1] + 1; /* ended by the last row that passed */
    if (out) d->met += seen;
    an_table_free(t);
    free(rows);
    return out;
}

static an_table *joined(an_table *a, an_table *b, an_error *err)
{
    if (!a || !b) return a ? a : b;
    an_table *both = an_table_append(a, b, err);
    an_table_free(a);
    an_table_free(b);
    return both;
}

an_table *an_draw_next(an_draw *d, size_t n, an_job *job, an_error *err)
{
    an_table *out = NULL;
    bool good = true;
    while (good && (!out || (out->rows < n && d->drawn < d->limit))) {
        size_t have = out ? out->rows : 0, looked = 0;
        an_table *some = an_job_check(job, err)
                             ? an_generator_sample(d->generator, d->name, d->seed, d->first_row + d->drawn, ask(d, n - have), job, err)
                             : NULL,
                 *kept = some ? sieve(d, some, n - have, &looked, err) : NULL;
        good = kept != NULL;
        if (!good) break;
        d->drawn += looked;
        d->passed += kept->rows;
        good = (out = joined(out, kept, err)) != NULL;
        an_job_progress(job, (double)d->passed, (double)(d->wanted ? d->wanted : n), "rows");
    }
    if (good) return out;
    an_table_free(out);
    return NULL;
}
