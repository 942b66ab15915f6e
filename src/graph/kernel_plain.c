/* kernel_plain.c - kernels in plain C (vectors of 16 bytes, which a compiler turns into whatever the processor has): multiplication and
 * addition round separately. Runs everywhere; the other paths are checked against it. The kernels themselves: kernel.inc. */
#define AN_PATH plain
#define AN_BYTES 16
#define AN_TILE_ROWS 4
#define AN_FMA_F32(a, b, c) ((a) * (b) + (c))
#define AN_FMA_F64(a, b, c) ((a) * (b) + (c))
#define AN_WIDE_MUL(a, b) (((a)&0xffffffffu) * ((b)&0xffffffffu))

#include "graph/kernel.inc"
