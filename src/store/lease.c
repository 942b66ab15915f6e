/* lease.c - claims on work with a deadline. A claim ends when it is given back, when its time is over, or when its process is gone. */
#include "store/store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int64_t deadline(double seconds)
{
    if (!(seconds > 0)) seconds = 0;
    if (seconds > 366 * 86400.0) seconds = 366 * 86400.0;
    return an_now_us() + (int64_t)(seconds * 1e6);
}

static bool read_lease(an_store *s, const char *what, char **owner, int64_t *until_us, an_error *err)
{
    bool row = false;
    *owner = NULL;
    sqlite3_stmt *q = an__sql(s, err, "SELECT owner, until_us FROM leases WHERE what = ?", "t", what);
    if (!q || !an__sql_step(s, q, &row, err)) return false;
    if (!row) return true;
    *owner = an__sql_text(q, 0);
    *until_us = sqlite3_column_int64(q, 1);
    sqlite3_finalize(q);
    return true;
}

bool an_lease_take(an_store *s, const char *what, double seconds, bool *taken, an_error *err)
{
    *taken = false;
    char *owner = NULL;
    int64_t until_us = 0;
    an__lock(s);
    bool good = an__begin(s, false, err);
    if (good) {
        good = read_lease(s, what, &owner, &until_us, err);
        bool held = owner && until_us > an_now_us() && an__process_life(s->self, owner) != AN__DEAD;
        if (good && !held) {
            good = an__sql_do(s, err,
                              "INSERT INTO leases (what, owner, until_us) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET owner = "
                              "excluded.owner, until_us = excluded.until_us",
                              "tti", what, s->self, deadline(seconds));
            *taken = good;
        }
        good = an__end(s, good, err);
        if (!good) *taken = false;
    }
    an__unlock(s, true);
    free(owner);
    return good;
}

bool an_lease_renew(an_store *s, const char *what, double seconds, an_error *err)
{
    an__lock(s);
    bool good = an__begin(s, false, err);
    if (good) {
        good = an__sql_do(s, err, "UPDATE leases SET until_us = ? WHERE what = ? AND owner = ?", "itt", deadline(seconds), what, s->self);
        if (good && sqlite3_changes(s->db) == 0)
            good = an_fail(err, AN_BUSY, "the claim on \"%s\" was lost: it ran out and another process took it", what);
        good = an__end(s, good, err);
    }
    return an__unlock(s, good);
}

bool an_lease_give(an_store *s, const char *what, an_error *err)
{
    an__lock(s);
    bool good = an__begin(s, false, err);
    if (good) good = an__end(s, an__sql_do(s, err, "DELETE FROM leases WHERE what = ? AND owner = ?", "tt", what, s->self), err);
    return an__unlock(s, good);
}
