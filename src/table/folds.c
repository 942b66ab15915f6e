/* folds.c - stratified, group-aware folds of a training part by the same keyed hashes as split.c. */
#include "split.h"

#include <stdlib.h>
#include <string.h>

/* Puts the units of one stratum into the folds with fewest of its rows so far; folds[f] counts all rows, to even out the sum. */
static void deal(const an__units *u, const int32_t *unit_stratum, int32_t s, int k, size_t *all, uint8_t *fold)
{
    size_t have[256] = { 0 };
    for (size_t i = 0; i < u->count; i++) {
        if (unit_stratum[i] != s) continue;
        int best = 0;
        for (int f = 1; f < k; f++) {
            if (have[f] < have[best] || (have[f] == have[best] && all[f] < all[best])) best = f;
        }
        have[best] += u->unit[i].rows;
        all[best] += u->unit[i].rows;
        for (size_t j = 0; j < u->unit[i].rows; j++) fold[u->row[u->unit[i].first + j].index] = (uint8_t)best;
    }
}

bool an_folds_make(const an_table *t, const size_t *rows, size_t n, int k, uint64_t seed, uint8_t *fold, int *k_used, an_error *err)
{
    if (k < 2 || k > 255) return an_fail(err, AN_USAGE, "between 2 and 255 folds are possible, not %d", k);
    int32_t *stratum = an_alloc_data(t->rows ? t->rows : 1, sizeof *stratum, "classes", err);
    size_t strata = 1;
    an__units u = { 0 };
    bool ok = stratum && an__strata(t, stratum, &strata, err) && an__units_make(t, rows, n, seed, &u, err);
    int32_t *unit_stratum = ok ? an_alloc_data(u.count + 1, sizeof *unit_stratum, "units of folds", err) : NULL;
    size_t *units = an_alloc_n(strata + 1, sizeof *units);
    ok = unit_stratum != NULL;
    for (size_t i = 0; ok && i < u.count; i++) {
        for (size_t j = 0; j < u.unit[i].rows; j++) {
            size_t r = rows ? rows[u.row[u.unit[i].first + j].index] : u.row[u.unit[i].first + j].index;
            if (an_table_generated(t, r)) {
                unit_stratum[i] = -1; /* never held out */
                fold[u.row[u.unit[i].first + j].index] = UINT8_MAX;
            } else if (unit_stratum[i] >= 0 && stratum[r] > unit_stratum[i]) {
                unit_stratum[i] = stratum[r];
            }
        }
        if (unit_stratum[i] >= 0) units[unit_stratum[i]]++;
    }
    if (ok) {
        size_t fewest = units[strata - 1];
        if (fewest < 2) {
            ok = an_fail(err, AN_INPUT, "%zu %s cannot be spread over folds", fewest,
                         strata == 2 ? "positive rows (or groups that hold one)" : "rows (or groups) of a class");
        } else {
            if ((size_t)k > fewest) k = (int)fewest;
            size_t all[256] = { 0 };
            for (int32_t s = (int32_t)strata - 1; s >= 0; s--) deal(&u, unit_stratum, s, k, all, fold);
            if (k_used) *k_used = k;
        }
    }
    an__units_free(&u);
    free(units);
    free(unit_stratum);
    free(stratum);
    return ok;
}
