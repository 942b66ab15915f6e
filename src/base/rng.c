/* rng.c - counter-based random numbers. A draw is a function of (seed, stream, index), so that work split over threads in any
 * way sees the same numbers. Philox4x32-10: J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.3. */
#include "andon/base.h"

#include <math.h>
#include <string.h>

void an_philox(uint64_t key, uint64_t counter_high, uint64_t counter_low, uint32_t out[4])
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t c0 = (uint32_t)counter_low, c1 = (uint32_t)(counter_low >> 32);
    uint32_t c2 = (uint32_t)counter_high, c3 = (uint32_t)(counter_high >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xd2511f53u * c0, b = (uint64_t)0xcd9e8d57u * c2;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)b;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)a;
        k0 += 0x9e3779b9u; /* golden ratio */
        k1 += 0xbb67ae85u; /* sqrt(3) - 1 */
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

an_rng an_rng_at(uint64_t seed, uint64_t stream)
{
    return (an_rng){ .seed = seed, .stream = stream };
}

uint32_t an_rng_u32(an_rng *r)
{
    if (r->left == 0) {
        an_philox(r->seed, r->stream, r->counter++, r->spare);
        r->left = 4;
    }
    return r->spare[4 - r->left--];
}

uint64_t an_rng_u64(an_rng *r)
{
    uint64_t low = an_rng_u32(r);
    return low | (uint64_t)an_rng_u32(r) << 32;
}

/* D. Lemire, "Fast random integer generation in an interval", ACM TOMACS 29, 2019: the high half of a product, rejecting the few
 * low halves that would favour some values. */
uint64_t an_rng_below(an_rng *r, uint64_t n)
{
    if (n <= 1) return 0;
    uint64_t reject = (0 - n) % n;
    for (;;) {
        unsigned __int128 product = (unsigned __int128)an_rng_u64(r) * n;
        if ((uint64_t)product >= reject) return (uint64_t)(product >> 64);
    }
}

double an_rng_uniform(an_rng *r)
{
    return (double)(an_rng_u64(r) >> 11) * 0x1p-53;
}

/* Box and Muller (1958), one value a call: two 64-bit draws, so that the i-th value always comes from the i-th counter of a
 * stream of normals. The radius takes (0, 1]. */
double an_rng_normal(an_rng *r)
{
    double radius = 1.0 - an_rng_uniform(r), turn = an_rng_uniform(r);
    return sqrt(-2.0 * log(radius)) * cos(6.283185307179586 * turn);
}

void an_rng_shuffle(an_rng *r, size_t *items, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)an_rng_below(r, i), held = items[i - 1];
        items[i - 1] = items[j];
        items[j] = held;
    }
}

uint64_t an_seed_derive(uint64_t seed, const char *name, uint64_t index)
{
    static const uint8_t key[16] = "andon/seed/name";
    uint32_t words[4];
    an_philox(seed, an_siphash(key, name, strlen(name)), index, words);
    return words[0] | (uint64_t)words[1] << 32;
}
