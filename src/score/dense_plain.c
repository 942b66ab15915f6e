/* dense_plain.c - the loops of dense_kernel.h in plain C with two-lane vectors, which compilers map to SSE2 or NEON. */
#include <string.h>

typedef double vector __attribute__((vector_size(16)));

static inline vector load(const double *p)
{
    vector x;
    memcpy(&x, p, sizeof x);
    return x;
}

static inline void store(double *p, vector x)
{
    memcpy(p, &x, sizeof x);
}

#define VECTOR vector
#define LANES 2
#define VECTORS 2
#define HEIGHT 4
#define LOAD(p) load(p)
#define STORE(p, x) store(p, x)
#define SPREAD(x) ((vector){ (x), (x) })
#define FMA(a, b, c) ((a) * (b) + (c))
#define NAME "plain"
#define TABLE an__dense_plain
#include "score/dense_kernel.h"
