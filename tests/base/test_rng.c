/* Random numbers: Philox against its designers' known answers, distributions against closed forms, streams. */
#include "testing.h"

#include <math.h>

static void philox_known_answers(void **state)
{
    (void)state;
    static const struct {
        uint64_t key, high, low;
        uint32_t out[4];
    } known[] = {
        { 0, 0, 0, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0), { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { 0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88, { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };
    for (size_t i = 0; i < AN_COUNT(known); i++) {
        uint32_t out[4];
        an_philox(known[i].key, known[i].high, known[i].low, out);
        assert_memory_equal(out, known[i].out, sizeof out);
    }
}

static void draws_are_the_blocks_in_order(void **state)
{
    (void)state;
    an_rng r = an_rng_at(42, 7);
    for (uint64_t block = 0; block < 5; block++) {
        uint32_t words[4];
        an_philox(42, 7, block, words);
        for (int i = 0; i < 4; i++) assert_int_equal(an_rng_u32(&r), words[i]);
    }
    an_rng fork = r; /* a copy goes its own way, the same one */
    uint64_t first = an_rng_u64(&r);
    assert_true(an_rng_u64(&fork) == first);
    an_rng other = an_rng_at(42, 8), again = an_rng_at(42, 7), seed = an_rng_at(43, 7);
    assert_true(an_rng_u64(&other) != an_rng_u64(&again));
    again = an_rng_at(42, 7);
    assert_true(an_rng_u64(&seed) != an_rng_u64(&again));
}

static void uniform_fills_the_interval(void **state)
{
    (void)state;
    enum { N = 200000, BINS = 64 };
    an_rng r = an_rng_at(1, 1);
    int bins[BINS] = { 0 };
    double sum = 0;
    for (int i = 0; i < N; i++) {
        double u = an_rng_uniform(&r);
        assert_true(u >= 0 && u < 1);
        bins[(int)(u * BINS)]++;
        sum += u;
    }
    assert_true(fabs(sum / N - 0.5) < 5 / sqrt(12.0 * N));
    double chi = 0;
    for (int i = 0; i < BINS; i++) chi += pow(bins[i] - (double)N / BINS, 2) / ((double)N / BINS);
    assert_true(chi < 63 + 5 * sqrt(2 * 63.0)); /* five standard deviations */
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov-Smirnov against the exact distribution function, and the tails. */
static void normal_is_normal(void **state)
{
    (void)state;
    enum { N = 100000 };
    double *x = an_alloc_n(N, sizeof *x), d = 0;
    an_rng r = an_rng_at(5, 0);
    for (int i = 0; i < N; i++) x[i] = an_rng_normal(&r);
    assert_true(r.counter == N && r.left == 0); /* one block a value */
    qsort(x, N, sizeof *x, ascending);
    for (int i = 0; i < N; i++) {
        double p = 0.5 * erfc(-x[i] / sqrt(2));
        d = fmax(d, fmax(fabs(p - (double)i / N), fabs(p - (double)(i + 1) / N)));
    }
    assert_true(d < 1.95 / sqrt(N)); /* p = 0.001 */
    int beyond = 0;
    for (int i = 0; i < N; i++) beyond += fabs(x[i]) > 3;
    assert_true(fabs(beyond - N * 0.0026998) < 5 * sqrt(N * 0.0027));
    free(x);
}

static void below_is_unbiased(void **state)
{
    (void)state;
    an_rng r = an_rng_at(9, 0);
    assert_true(an_rng_below(&r, 1) == 0);
    int counts[7] = { 0 };
    enum { N = 70000 };
    for (int i = 0; i < N; i++) {
        uint64_t x = an_rng_below(&r, 7);
        assert_true(x < 7);
        counts[x]++;
    }
    for (int i = 0; i < 7; i++) assert_true(abs(counts[i] - N / 7) < 5 * (int)sqrt(N / 7.0));
    /* a range of 3/4 of 2^64: without rejection the lowest third would come twice as often */
    uint64_t n = UINT64_C(3) << 62;
    int low = 0;
    for (int i = 0; i < N; i++) {
        uint64_t x = an_rng_below(&r, n);
        assert_true(x < n);
        low += x < n / 3;
    }
    assert_true(abs(low - N / 3) < 5 * (int)sqrt(N * 2 / 9.0));
}

static void shuffles_are_uniform(void **state)
{
    (void)state;
    int counts[24] = { 0 };
    enum { N = 48000 };
    an_rng r = an_rng_at(3, 0);
    for (int i = 0; i < N; i++) {
        size_t items[4] = { 0, 1, 2, 3 };
        an_rng_shuffle(&r, items, 4);
        size_t rank = 0; /* of the permutation, in factorial digits */
        for (size_t a = 0; a < 4; a++) {
            size_t smaller = 0;
            for (size_t b = a + 1; b < 4; b++) smaller += items[b] < items[a];
            rank = rank * (4 - a) + smaller;
        }
        counts[rank]++;
    }
    double chi = 0;
    for (int i = 0; i < 24; i++) chi += pow(counts[i] - N / 24.0, 2) / (N / 24.0);
    assert_true(chi < 23 + 5 * sqrt(2 * 23.0));
    an_rng_shuffle(&r, NULL, 0);
}

static void derived_seeds_differ(void **state)
{
    (void)state;
    uint64_t a = an_seed_derive(1, "split", 0);
    assert_true(a == an_seed_derive(1, "split", 0));
    assert_true(a != an_seed_derive(2, "split", 0));
    assert_true(a != an_seed_derive(1, "splits", 0));
    assert_true(a != an_seed_derive(1, "split", 1));
    /* recorded: results of earlier versions must be found again */
    assert_true(a == UINT64_C(0xf8c69a83e03df168));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_known_answers),       cmocka_unit_test(draws_are_the_blocks_in_order),
        cmocka_unit_test(uniform_fills_the_interval), cmocka_unit_test(normal_is_normal),
        cmocka_unit_test(below_is_unbiased),          cmocka_unit_test(shuffles_are_uniform),
        cmocka_unit_test(derived_seeds_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
