/* order.c - sorting and tie groups: what ranking metrics, thresholds and distances of distributions have in common.
 *
 * Reals are sorted by a radix sort of their bit patterns: O(n), and exact ties fall together. What is computed from the groups stands in
 * classify.c, bootstrap.c and threshold.c.
 */
#include "score/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL = 48 };

/* Order-preserving map of doubles to unsigned integers: flip all bits of negatives, the sign bit of the others. */
static uint64_t key_of(double value)
{
    uint64_t bits;
    value += 0.0; /* -0 becomes +0 */
    memcpy(&bits, &value, sizeof bits);
    return bits ^ ((bits >> 63) ? UINT64_MAX : UINT64_C(1) << 63);
}

static double value_of(uint64_t key)
{
    double value;
    key ^= (key >> 63) ? UINT64_C(1) << 63 : UINT64_MAX;
    memcpy(&value, &key, sizeof value);
    return value;
}

static void sort_small(double *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double x = v[i] + 0.0;
        size_t j = i;
        for (; j > 0 && v[j - 1] > x; j--) {
            v[j] = v[j - 1];
        }
        v[j] = x;
    }
}

void an__sort_reals(double *values, size_t n, double *scratch)
{
    if (n <= SMALL) {
        sort_small(values, n);
        return;
    }
    size_t count[8][256];
    memset(count, 0, sizeof count);
    for (size_t i = 0; i < n; i++) {
        uint64_t key = key_of(values[i]);
        memcpy(&values[i], &key, sizeof key); /* the array holds keys until the end */
        for (int b = 0; b < 8; b++) {
            count[b][key >> (8 * b) & 255]++;
        }
    }
    double *from = values, *to = scratch;
    for (int b = 0; b < 8; b++) {
        uint64_t first;
        memcpy(&first, &from[0], sizeof first);
        if (count[b][first >> (8 * b) & 255] == n) {
            continue; /* all keys share this byte */
        }
        size_t at = 0;
        for (int v = 0; v < 256; v++) {
            size_t here = count[b][v];
            count[b][v] = at;
            at += here;
        }
        for (size_t i = 0; i < n; i++) {
            uint64_t key;
            memcpy(&key, &from[i], sizeof key);
            memcpy(&to[count[b][key >> (8 * b) & 255]++], &key, sizeof key);
        }
        double *swap = from;
        from = to;
        to = swap;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t key;
        memcpy(&key, &from[i], sizeof key);
        values[i] = value_of(key);
    }
}

double *an__sorted_copy(const double *values, size_t n, size_t *count)
{
    *count = 0;
    double *copy = an_alloc_data(n ? 2 * n : 1, sizeof *copy, "sorted values", NULL);
    if (!copy) {
        return NULL;
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isnan(values[i])) {
            copy[kept++] = values[i];
        }
    }
    an__sort_reals(copy, kept, copy + n);
    *count = kept;
    return copy;
}

void an__ranked_free(an__ranked *r)
{
    free(r->score);
    free(r->pos);
    free(r->neg);
    *r = (an__ranked){ 0 };
}

bool an__ranked_build(const uint8_t *label, const double *score, size_t n, an__ranked *out, an_error *err)
{
    *out = (an__ranked){ 0 };
    if (n >= UINT32_MAX) {
        return an_fail(err, AN_INPUT, "%zu rows are more than ranking metrics take (%u)", n, UINT32_MAX - 1);
    }
    size_t room = n ? n : 1;
    double *work = an_alloc_data(2 * room, sizeof *work, "scores by class", err);
    out->score = an_alloc_data(room, sizeof *out->score, "distinct scores", err);
    out->pos = an_alloc_data(room, sizeof *out->pos, "positives by score", err);
    out->neg = an_alloc_data(room, sizeof *out->neg, "negatives by score", err);
    if (!work || !out->score || !out->pos || !out->neg) {
        free(work);
        an__ranked_free(out);
        return false;
    }
    size_t p = 0, q = 0; /* positives from the front, negatives from the back */
    for (size_t i = 0; i < n; i++) {
        if (isnan(score[i])) {
            *(label[i] ? &out->nan_positives : &out->nan_negatives) += 1;
        } else if (label[i]) {
            work[p++] = score[i];
        } else {
            work[n - ++q] = score[i];
        }
    }
    double *negative = work + (n - q);
    an__sort_reals(work, p, work + room);
    an__sort_reals(negative, q, work + room);
    out->positives = p;
    out->negatives = q;
    size_t i = 0, j = 0, g = 0;
    while (i < p || j < q) {
        double s = j >= q || (i < p && work[i] < negative[j]) ? work[i] : negative[j];
        out->score[g] = s;
        for (; i < p && work[i] == s; i++) {
            out->pos[g]++;
        }
        for (; j < q && negative[j] == s; j++) {
            out->neg[g]++;
        }
        g++;
    }
    out->groups = g;
    free(work);
    return true;
}

/* Mann-Whitney: pairs won plus half the pairs tied, counted in whole numbers (twice the pairs), divided once. */
double an__ranked_roc_auc(const uint32_t *pos, const uint32_t *neg, size_t groups)
{
    uint64_t twice = 0, below = 0, positives = 0;
    for (size_t g = 0; g < groups; g++) {
        twice += pos[g] * (2 * below + neg[g]);
        below += neg[g];
        positives += pos[g];
    }
    return positives == 0 || below == 0 ? NAN : (double)twice / (2.0 * (double)positives * (double)below);
}

/* Average precision: from the highest score down, the precision at every distinct score weighted by the recall gained there. */
double an__ranked_pr_auc(const uint32_t *pos, const uint32_t *neg, size_t groups)
{
    uint64_t tp = 0, fp = 0, positives = 0;
    for (size_t g = 0; g < groups; g++) {
        positives += pos[g];
    }
    if (positives == 0) {
        return NAN;
    }
    double sum = 0;
    for (size_t g = groups; g-- > 0;) {
        tp += pos[g];
        fp += neg[g];
        if (pos[g]) {
            sum += (double)pos[g] * ((double)tp / (double)(tp + fp));
        }
    }
    return sum / (double)positives;
}
