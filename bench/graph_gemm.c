/* graph_gemm.c - matrix products against this core's measured multiply-add peak and against OpenBLAS, one thread, in the same run.
 *
 * A shared machine changes speed from second to second: each line times peak, OpenBLAS and ours in turn, several times, and keeps the best
 * of each. Usage: bench_graph_gemm [path]
 */
#include "graph/kernel.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

enum { ROUNDS = 12, PEAK_LOOP = 20000 };

/* Twelve independent chains: more than latency times units on any of these processors. */
#define PEAK(NAME, ATTRIBUTE, TYPE, SET, FMA, LANES)                                      \
    ATTRIBUTE static double NAME(double *sink)                                            \
    {                                                                                     \
        TYPE a[12], x = SET(0.999999f), y = SET(1e-6f);                                   \
        for (int i = 0; i < 12; i++) a[i] = SET((float)i);                                \
        double t = an_clock_s();                                                          \
        for (int n = 0; n < PEAK_LOOP; n++) {                                             \
            _Pragma("GCC unroll 12") for (int i = 0; i < 12; i++) a[i] = FMA(a[i], x, y); \
        }                                                                                 \
        t = an_clock_s() - t;                                                             \
        for (int i = 0; i < 12; i++) *sink += ((const float *)&a[i])[0];                  \
        return 2.0 * 12 * LANES * PEAK_LOOP / t;                                          \
    }
#ifdef __clang__
#pragma clang diagnostic ignored "-Wunknown-pragmas"
#endif

#if defined(__x86_64__)
PEAK(peak_avx512, __attribute__((target("avx512f"), noinline)), __m512, _mm512_set1_ps, _mm512_fmadd_ps, 16)
PEAK(peak_avx2, __attribute__((target("avx2,fma"), noinline)), __m256, _mm256_set1_ps, _mm256_fmadd_ps, 8)
#define MUL_ADD(a, b, c) _mm_add_ps(_mm_mul_ps(a, b), c)
PEAK(peak_plain, __attribute__((noinline)), __m128, _mm_set1_ps, MUL_ADD, 4)
#elif defined(__aarch64__)
#define FMA_NEON(a, b, c) vfmaq_f32(c, a, b)
PEAK(peak_neon, __attribute__((noinline)), float32x4_t, vdupq_n_f32, FMA_NEON, 4)
#else
#define SCALAR(x) (x)
#define MUL_ADD(a, b, c) ((a) * (b) + (c))
PEAK(peak_plain, __attribute__((noinline)), float, SCALAR, MUL_ADD, 1)
#endif

static double peak(const char *path, double *sink)
{
#if defined(__x86_64__)
    if (!strcmp(path, "avx512")) return peak_avx512(sink);
    if (!strcmp(path, "avx2")) return peak_avx2(sink);
    return peak_plain(sink);
#elif defined(__aarch64__)
    (void)path;
    return peak_neon(sink);
#else
    (void)path;
    return peak_plain(sink);
#endif
}

typedef struct shape {
    int64_t m, n, k;
    bool ta, tb;
} shape;

int main(int count, char **words)
{
    static const shape shapes[] = {
        { 64, 64, 16, 0, 0 },     { 64, 64, 64, 0, 0 },     { 64, 66, 64, 0, 0 },    { 128, 66, 64, 0, 0 },   { 64, 64, 66, 0, 0 },
        { 128, 64, 166, 0, 0 },   { 66, 64, 128, 1, 0 },    { 64, 64, 128, 1, 0 },   { 64, 256, 256, 0, 0 },  { 128, 256, 256, 0, 0 },
        { 500, 256, 66, 0, 0 },   { 500, 66, 256, 0, 0 },   { 500, 256, 256, 0, 0 }, { 500, 256, 256, 0, 1 }, { 256, 256, 500, 1, 0 },
        { 256, 256, 1000, 1, 0 }, { 1000, 256, 256, 0, 0 }, { 500, 1, 256, 0, 0 },   { 256, 1, 500, 1, 0 },
    };
    const an_kernels *kernels = an__kernels(count > 1 ? words[1] : NULL);
    double sink = 0;
    if (!kernels) {
        fprintf(stderr, "this processor has no path %s\n", words[1]);
        return 2;
    }
    openblas_set_num_threads(1);
    printf("path %s, f32, one thread; GFLOP/s\n%-22s %8s %8s %8s %8s %8s %8s\n", kernels->name, "m x n x k", "peak", "packed", "of peak",
           "as is", "of peak", "OpenBLAS");
    for (size_t s = 0; s < AN_COUNT(shapes); s++) {
        const shape *z = &shapes[s];
        int64_t m = z->m, n = z->n, k = z->k, lda = z->ta ? m : k, ldb = z->tb ? k : n;
        float *a = an_alloc_data((size_t)(m * k), 4, "a", NULL), *b = an_alloc_data((size_t)(n * k), 4, "b", NULL),
              *c = an_alloc_data((size_t)(m * n), 4, "c", NULL);
        void *packed = an_alloc_data(1, kernels->pack_bytes(AN_F32, k, n), "packed", NULL);
        void *scratch = an_alloc_data(1, kernels->gemm_scratch(AN_F32, m, n, k, z->ta, z->tb), "scratch", NULL);
        if (!a || !b || !c || !packed || !scratch) return 1;
        for (int64_t i = 0; i < m * k; i++) a[i] = (float)(i % 17) / 17 - 0.5f;
        for (int64_t i = 0; i < n * k; i++) b[i] = (float)(i % 13) / 13 - 0.5f;
        kernels->pack_b(AN_F32, z->tb, k, n, b, ldb, packed);
        an_gemm g = {
            .ta = z->ta, .tb = z->tb, .m = m, .n = n, .k = k, .lda = lda, .ldb = ldb, .ldc = n, .a = a, .b = b, .c = c, .scratch = scratch
        };
        an_gemm with = g;
        with.packed = packed;
        double flops = 2.0 * (double)m * (double)n * (double)k, best[4] = { 0 };
        int times = (int)(2e7 / flops) + 1;
        for (int round = 0; round < ROUNDS; round++) {
            double speed[4];
            speed[0] = peak(kernels->name, &sink);
            double t = an_clock_s();
            for (int i = 0; i < times; i++) kernels->gemm(AN_F32, &with);
            speed[1] = flops * times / (an_clock_s() - t);
            t = an_clock_s();
            for (int i = 0; i < times; i++) kernels->gemm(AN_F32, &g);
            speed[2] = flops * times / (an_clock_s() - t);
            t = an_clock_s();
            for (int i = 0; i < times; i++) {
                cblas_sgemm(CblasRowMajor, z->ta ? CblasTrans : CblasNoTrans, z->tb ? CblasTrans : CblasNoTrans, (int)m, (int)n, (int)k, 1,
                            a, (int)lda, b, (int)ldb, 0, c, (int)n);
            }
            speed[3] = flops * times / (an_clock_s() - t);
            for (int i = 0; i < 4; i++) best[i] = speed[i] > best[i] ? speed[i] : best[i];
        }
        char name[64];
        snprintf(name, sizeof name, "%lldx%lldx%lld%s%s", (long long)m, (long long)n, (long long)k, z->ta ? " A'" : "", z->tb ? " B'" : "");
        printf("%-22s %8.1f %8.1f %7.0f%% %8.1f %7.0f%% %8.1f\n", name, best[0] / 1e9, best[1] / 1e9, 100 * best[1] / best[0],
               best[2] / 1e9, 100 * best[2] / best[0], best[3] / 1e9);
        free(a);
        free(b);
        free(c);
        free(packed);
        free(scratch);
    }
    return sink == 12345.678; /* keeps the peak loop's result in use */
}
