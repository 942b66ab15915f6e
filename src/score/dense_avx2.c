/* dense_avx2.c - the loops of dense_kernel.h for AVX2 with FMA. */
#include <immintrin.h>

#define VECTOR __m256d
#define LANES 4
#define VECTORS 3
#define HEIGHT 4
#define LOAD(p) _mm256_loadu_pd(p)
#define STORE(p, x) _mm256_storeu_pd(p, x)
#define SPREAD(x) _mm256_set1_pd(x)
#define FMA(a, b, c) _mm256_fmadd_pd(a, b, c)
#define NAME "avx2"
#define TABLE an__dense_avx2
#include "score/dense_kernel.h"
