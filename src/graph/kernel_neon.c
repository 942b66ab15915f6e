/* kernel_neon.c - kernels for aarch64: 32 registers of 16 bytes. The kernels themselves: kernel.inc. */
#include <arm_neon.h>

#define AN_PATH neon
#define AN_BYTES 16
#define AN_TILE_ROWS 12
#define AN_FMA_F32(a, b, c) ((v_f32)vfmaq_f32((float32x4_t)(c), (float32x4_t)(a), (float32x4_t)(b)))
#define AN_FMA_F64(a, b, c) ((v_f64)vfmaq_f64((float64x2_t)(c), (float64x2_t)(a), (float64x2_t)(b)))
#define AN_SQRT_F32(a) ((v_f32)vsqrtq_f32((float32x4_t)(a)))
#define AN_SQRT_F64(a) ((v_f64)vsqrtq_f64((float64x2_t)(a)))
#define AN_WIDE_MUL(a, b) ((v_u64)vmull_u32(vmovn_u64((uint64x2_t)(a)), vmovn_u64((uint64x2_t)(b))))

#include "graph/kernel.inc"
