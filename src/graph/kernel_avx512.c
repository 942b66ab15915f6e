/* kernel_avx512.c - kernels for x86-64 with AVX-512 F, BW, VL, DQ: 32 registers of 64 bytes. The kernels themselves: kernel.inc. */
#include <immintrin.h>

#define AN_PATH avx512
#define AN_BYTES 64
#define AN_TILE_ROWS 14
#define AN_FMA_F32(a, b, c) ((v_f32)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#define AN_FMA_F64(a, b, c) ((v_f64)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#define AN_SQRT_F32(a) ((v_f32)_mm512_sqrt_ps((__m512)(a)))
#define AN_SQRT_F64(a) ((v_f64)_mm512_sqrt_pd((__m512d)(a)))
#define AN_WIDE_MUL(a, b) ((v_u64)_mm512_mul_epu32((__m512i)(a), (__m512i)(b)))
#define AN_LOAD_PART_F32(p, n) ((v_f32)_mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1), p))
#define AN_LOAD_PART_F64(p, n) ((v_f64)_mm512_maskz_loadu_pd((__mmask8)((1u << (n)) - 1), p))
#define AN_STORE_PART_F32(p, n, v) _mm512_mask_storeu_ps(p, (__mmask16)((1u << (n)) - 1), (__m512)(v))
#define AN_STORE_PART_F64(p, n, v) _mm512_mask_storeu_pd(p, (__mmask8)((1u << (n)) - 1), (__m512d)(v))

#include "graph/kernel.inc"
