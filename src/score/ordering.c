/* ordering.c - values sorted together with their places, and columns put next to what they resemble. */
#include "andon/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- sorting with places ------------------------------------------------------------------------------------------------------------- */

enum { DIGIT = 11, DIGITS = 6, VALUES = 1 << DIGIT };

void an_sort_placed(an_placed *items, an_placed *scratch, size_t n)
{
    uint32_t(*count)[VALUES] = an_alloc_n(DIGITS, sizeof *count);
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        double value = items[i].value + 0.0; /* -0 becomes +0 */
        memcpy(&bits, &value, sizeof bits);
        bits ^= bits >> 63 ? UINT64_MAX : UINT64_C(1) << 63;
        memcpy(&items[i].value, &bits, sizeof bits);
        for (int d = 0; d < DIGITS; d++) count[d][bits >> (DIGIT * d) & (VALUES - 1)]++;
    }
    an_placed *from = items, *to = scratch;
    for (int d = 0; d < DIGITS && n; d++) {
        uint64_t bits;
        memcpy(&bits, &from[0].value, sizeof bits);
        if (count[d][bits >> (DIGIT * d) & (VALUES - 1)] == n) continue; /* all share this digit */
        uint32_t at = 0;
        for (int v = 0; v < VALUES; v++) {
            uint32_t here = count[d][v];
            count[d][v] = at;
            at += here;
        }
        for (size_t i = 0; i < n; i++) {
            memcpy(&bits, &from[i].value, sizeof bits);
            to[count[d][bits >> (DIGIT * d) & (VALUES - 1)]++] = from[i];
        }
        an_placed *swap = from;
        from = to;
        to = swap;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &from[i].value, sizeof bits);
        bits ^= bits >> 63 ? UINT64_C(1) << 63 : UINT64_MAX;
        memcpy(&items[i].value, &bits, sizeof bits);
        items[i].place = from[i].place;
    }
    free(count);
}

/* ---- clusters ----------------------------------------------------------------------------------------------------------------------- */

/* Average linkage by nearest-neighbour chains (Murtagh 1983; Müllner 2011): O(d^2). The chain finds the merges out of order; each is kept
 * with its height, and the leaves are read off the tree. distance: d x d, symmetric, is used up. */
bool an_cluster_order(double *distance, size_t d, double cut, size_t *order, size_t *cluster)
{
    if (d == 0) return true;
    size_t *left = an_alloc_n(8 * d + 8, sizeof *left), *right = left + d, *node = right + d, *size = node + d, *chain = size + d,
           *stack = chain + d + 2, tip = 0, merges = 0;
    double *height = an_alloc_n(d, sizeof *height);
    bool *gone = an_alloc_n(d, sizeof *gone);
    for (size_t i = 0; i < d; i++) {
        node[i] = i;
        size[i] = 1;
    }
    while (merges + 1 < d) {
        if (!tip) {
            size_t first = 0;
            while (gone[first]) first++;
            chain[tip++] = first;
        }
        size_t a = chain[tip - 1], b = tip > 1 ? chain[tip - 2] : SIZE_MAX;
        double least = b == SIZE_MAX ? INFINITY : distance[a * d + b];
        for (size_t k = 0; k < d; k++) { /* on a tie the one before in the chain stays: the chain ends */
            if (k == a || gone[k]) continue;
            if (distance[a * d + k] < least || b == SIZE_MAX) {
                least = distance[a * d + k];
                b = k;
            }
        }
        if (tip > 1 && b == chain[tip - 2]) { /* each other's nearest */
            size_t low = a < b ? a : b, high = a < b ? b : a;
            left[merges] = node[low];
            right[merges] = node[high];
            height[merges] = least;
            for (size_t k = 0; k < d; k++) {
                if (gone[k] || k == low || k == high) continue;
                double merged = ((double)size[low] * distance[low * d + k] + (double)size[high] * distance[high * d + k]) /
                                (double)(size[low] + size[high]);
                distance[low * d + k] = distance[k * d + low] = merged;
            }
            size[low] += size[high];
            gone[high] = true;
            node[low] = d + merges++;
            tip -= 2;
        } else {
            chain[tip++] = b;
        }
    }
    size_t depth = 0, leaves = 0, clusters = 0, current = SIZE_MAX;
    /* from the last merge down; a merge below the cut makes one cluster of all that is under it */
    size_t root = 0;
    for (size_t i = 0; i < d; i++)
        if (!gone[i]) root = node[i];
    stack[depth++] = root;
    size_t until = SIZE_MAX; /* depth of the stack at which the open cluster ends */
    while (depth) {
        size_t n = stack[--depth];
        if (until != SIZE_MAX && depth < until) until = current = SIZE_MAX;
        if (n < d) {
            cluster[n] = current != SIZE_MAX ? current : clusters++;
            order[leaves++] = n;
            continue;
        }
        if (current == SIZE_MAX && height[n - d] <= cut) {
            current = clusters++;
            until = depth;
        }
        stack[depth++] = right[n - d];
        stack[depth++] = left[n - d];
    }
    free(left);
    free(height);
    free(gone);
    return true;
}
