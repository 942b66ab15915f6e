/* load_histogram.c - durations counted in log-linear buckets; what they mean is told in load.h.
 *
 * Values are nanoseconds. Below 2,048 a bucket is one value; from there on every power of two has 1,024 buckets, each 2^e wide for values
 * of 2^(10+e) to 2^(11+e): the index is e * 1,024 + (value >> e).
 */
#include "serve/load.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SUB_BITS = 10, SUB = 1 << SUB_BITS, POWERS = 26, BUCKETS = (POWERS + 2) * SUB };
static const uint64_t top = 60000000000; /* 60 s; below 2^36, the end of the last bucket */

struct an__histogram {
    uint64_t count, max;
    double sum; /* seconds */
    uint64_t bucket[BUCKETS];
};

an__histogram *an__histogram_new(void)
{
    return an_alloc(sizeof(an__histogram));
}

void an__histogram_free(an__histogram *h)
{
    free(h);
}

static size_t index_of(uint64_t ns)
{
    if (ns < 2 * SUB) return ns;
    int e = 63 - __builtin_clzll(ns) - SUB_BITS;
    return (size_t)e * SUB + (ns >> e);
}

static uint64_t upper_of(size_t index)
{
    if (index < 2 * SUB) return index;
    size_t e = index / SUB - 1;
    return ((index - e * SUB + 1) << e) - 1;
}

void an__histogram_add(an__histogram *h, double seconds)
{
    double ns = seconds > 0 ? seconds * 1e9 : 0; /* NaN: 0 */
    uint64_t exact = ns < 1e18 ? (uint64_t)llround(ns) : (uint64_t)1e18;
    h->bucket[index_of(exact < top ? exact : top)]++;
    h->count++;
    h->sum += ns / 1e9;
    if (exact > h->max) h->max = exact;
}

void an__histogram_merge(an__histogram *to, const an__histogram *from)
{
    if (!from->count) return;
    for (size_t i = 0; i < BUCKETS; i++) to->bucket[i] += from->bucket[i];
    to->count += from->count;
    to->sum += from->sum;
    if (from->max > to->max) to->max = from->max;
}

void an__histogram_clear(an__histogram *h)
{
    if (h->count) memset(h, 0, sizeof *h);
}

uint64_t an__histogram_count(const an__histogram *h)
{
    return h->count;
}

double an__histogram_max(const an__histogram *h)
{
    return h->count ? (double)h->max / 1e9 : NAN;
}

double an__histogram_mean(const an__histogram *h)
{
    return h->count ? h->sum / (double)h->count : NAN;
}

double an__histogram_quantile(const an__histogram *h, double q, uint64_t of)
{
    uint64_t n = of > h->count ? of : h->count, below = 0;
    if (!n || !(q >= 0 && q <= 1)) return NAN;
    double exact = q * (double)n, whole = round(exact);
    if (fabs(exact - whole) < 1e-9 * (double)n) exact = whole; /* 0.95 * 20 is a little more than 19 */
    uint64_t rank = (uint64_t)ceil(exact);
    if (rank < 1) rank = 1;
    if (rank > h->count) return INFINITY;
    if (rank == h->count) return (double)h->max / 1e9;
    size_t i = 0;
    while ((below += h->bucket[i]) < rank) i++;
    uint64_t value = upper_of(i);
    if (index_of(top) == i || value > h->max) value = h->max; /* what is longer than 60 s is known by its largest only */
    return (double)value / 1e9;
}
