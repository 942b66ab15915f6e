/* kernel_avx2.c - kernels for x86-64 with AVX2 and FMA: 16 registers of 32 bytes. The kernels themselves: kernel.inc. */
#include <immintrin.h>

#define AN_PATH avx2
#define AN_BYTES 32
#define AN_TILE_ROWS 6
#define AN_FMA_F32(a, b, c) ((v_f32)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#define AN_FMA_F64(a, b, c) ((v_f64)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#define AN_SQRT_F32(a) ((v_f32)_mm256_sqrt_ps((__m256)(a)))
#define AN_SQRT_F64(a) ((v_f64)_mm256_sqrt_pd((__m256d)(a)))
#define AN_WIDE_MUL(a, b) ((v_u64)_mm256_mul_epu32((__m256i)(a), (__m256i)(b)))
#define AN_MASK_32(n) _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
#define AN_MASK_64(n) _mm256_cmpgt_epi64(_mm256_set1_epi64x((long long)(n)), _mm256_setr_epi64x(0, 1, 2, 3))
#define AN_LOAD_PART_F32(p, n) ((v_f32)_mm256_maskload_ps(p, AN_MASK_32(n)))
#define AN_LOAD_PART_F64(p, n) ((v_f64)_mm256_maskload_pd(p, AN_MASK_64(n)))
#define AN_STORE_PART_F32(p, n, v) _mm256_maskstore_ps(p, AN_MASK_32(n), (__m256)(v))
#define AN_STORE_PART_F64(p, n, v) _mm256_maskstore_pd(p, AN_MASK_64(n), (__m256d)(v))

#include "graph/kernel.inc"
