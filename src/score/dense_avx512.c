/* dense_avx512.c - the loops of dense_kernel.h for AVX-512. */
#include <immintrin.h>

#define VECTOR __m512d
#define LANES 8
#define VECTORS 3
#define HEIGHT 8
#define LOAD(p) _mm512_loadu_pd(p)
#define STORE(p, x) _mm512_storeu_pd(p, x)
#define SPREAD(x) _mm512_set1_pd(x)
#define FMA(a, b, c) _mm512_fmadd_pd(a, b, c)
#define NAME "avx512"
#define TABLE an__dense_avx512
#include "score/dense_kernel.h"
