/* cpu.c - which kernels this processor runs, the floating-point mode they run in, and matrix products for callers outside the graph. */
#include "graph/kernel.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
extern const an_kernels an__kernels_avx512, an__kernels_avx2;
#elif defined(__aarch64__)
extern const an_kernels an__kernels_neon;
#endif
extern const an_kernels an__kernels_plain;

/* Best first. */
static const an_kernels *const PATHS[] = {
#if defined(__x86_64__)
    &an__kernels_avx512,
    &an__kernels_avx2,
#elif defined(__aarch64__)
    &an__kernels_neon,
#endif
    &an__kernels_plain,
};

static bool runs_here(const an_kernels *k)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (k == &an__kernels_avx512) {
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma");
    }
    if (k == &an__kernels_avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return k != NULL; /* NEON belongs to aarch64 */
}

const an_kernels *an__kernels(const char *path)
{
    const char *forced = path ? NULL : getenv("ANDON_CPU");
    bool reached = true; /* ANDON_CPU names a path: that one or, where the processor lacks it, the best below; an unknown name is ignored */
    for (size_t i = 0; forced && i < AN_COUNT(PATHS); i++) {
        if (!strcmp(forced, PATHS[i]->name)) reached = false;
    }
    for (size_t i = 0; i < AN_COUNT(PATHS); i++) {
        if (!reached && !strcmp(forced, PATHS[i]->name)) reached = true;
        if (path ? strcmp(path, PATHS[i]->name) != 0 : !reached) continue;
        if (runs_here(PATHS[i])) return PATHS[i];
    }
    return NULL;
}

const char *an_cpu_path(void)
{
    return an__kernels(NULL)->name;
}

bool an_cpu_available(const char *path)
{
    return path && an__kernels(path);
}

/* ---- the floating-point mode ------------------------------------------------------------------------------------------------- */

#if defined(__aarch64__)
enum { FLUSH = 1 << 24 }; /* FPCR.FZ: subnormal operands and results count as zero */
#elif defined(__x86_64__)
enum { FLUSH = 0x8040 }; /* MXCSR: flush to zero, denormals are zero */
#endif

uint64_t an__float_mode_enter(void)
{
#if defined(__aarch64__)
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    __asm__ volatile("msr fpcr, %0" : : "r"(mode | FLUSH));
    return mode;
#elif defined(__x86_64__)
    unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | FLUSH);
    return mode;
#else
    return 0;
#endif
}

void an__float_mode_leave(uint64_t mode)
{
#if defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(mode));
#elif defined(__x86_64__)
    _mm_setcsr((unsigned)mode);
#else
    (void)mode;
#endif
}
