/* dims.c - dimensions (integers or rational multiples of the batch) and shapes: arithmetic, broadcasting, text. */
#include "graph/op.h"

size_t an_dtype_bytes(an_dtype t)
{
    return t == AN_F32 ? 4 : 8; /* texts travel as i64 codes */
}

const char *an_dtype_name(an_dtype t)
{
    static const char *const names[] = { "f32", "f64", "i64", "str" };
    return (unsigned)t < AN_COUNT(names) ? names[t] : "?";
}

static int64_t gcd(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

static int64_t numerator(int64_t d)
{
    return -d >> 16;
}

static int64_t divisor_of(int64_t d)
{
    return -d & 0xffff;
}

static bool from_ratio(int64_t n, int64_t d, int64_t *out)
{
    int64_t by = gcd(n, d);
    if (by > 1) {
        n /= by;
        d /= by;
    }
    if (n <= 0 || d <= 0 || d > 0xffff || n > INT64_C(1) << 40) return false;
    *out = AN_BATCH_TIMES(n, d);
    return true;
}

int64_t an_dim_at(int64_t dim, int64_t rows)
{
    if (dim >= 0) return dim;
    int64_t n = numerator(dim), d = divisor_of(dim), product;
    if (d == 0 || rows < 0 || __builtin_mul_overflow(n, rows, &product) || product % d != 0) return -1;
    return product / d;
}

int64_t an__dim_reduced(int64_t d)
{
    int64_t out = d;
    if (d < 0) from_ratio(numerator(d), divisor_of(d), &out);
    return out;
}

bool an__dim_add(int64_t a, int64_t b, int64_t *out)
{
    if (a == 0 || b == 0) {
        *out = a == 0 ? b : a;
        return true;
    }
    if (a > 0 && b > 0) return !__builtin_add_overflow(a, b, out);
    if (a > 0 || b > 0) return false;
    int64_t da = divisor_of(a), db = divisor_of(b);
    return from_ratio(numerator(a) * db + numerator(b) * da, da * db, out);
}

bool an__dim_sub(int64_t a, int64_t b, int64_t *out)
{
    if (b == 0 || an__dim_reduced(a) == an__dim_reduced(b)) {
        *out = b == 0 ? a : 0;
        return true;
    }
    if (a >= 0 && b >= 0) {
        *out = a - b;
        return a >= b;
    }
    if (a >= 0 || b >= 0) return false;
    int64_t da = divisor_of(a), db = divisor_of(b);
    return from_ratio(numerator(a) * db - numerator(b) * da, da * db, out);
}

char *an__dim_text(int64_t d, char buf[32])
{
    if (d >= 0) {
        snprintf(buf, 32, "%lld", (long long)d);
        return buf;
    }
    int64_t n = numerator(d), by = divisor_of(d);
    size_t at = 0;
    if (n != 1) at = (size_t)snprintf(buf, 32, "%lld*", (long long)n);
    at += (size_t)snprintf(buf + at, 32 - at, "batch");
    if (by != 1 && at < 32) snprintf(buf + at, 32 - at, "/%lld", (long long)by);
    return buf;
}

char *an_shape_text(const an_shape *s, char buf[96])
{
    char one[32];
    size_t at = (size_t)snprintf(buf, 96, "[");
    for (int i = 0; i < s->rank && i < AN_MAX_RANK && at < 96; i++)
        at += (size_t)snprintf(buf + at, 96 - at, "%s%s", i ? ", " : "", an__dim_text(s->dim[i], one));
    if (at < 95) snprintf(buf + at, 96 - at, "]");
    return buf;
}

bool an__shape_same(const an_shape *a, const an_shape *b)
{
    return a->rank == b->rank && memcmp(a->dim, b->dim, sizeof a->dim[0] * (size_t)a->rank) == 0;
}

bool an__shape_batch(const an_shape *s)
{
    for (int i = 0; i < s->rank; i++)
        if (s->dim[i] < 0) return true;
    return false;
}

bool an__shape_check(an_graph *g, const char *what, an_shape *s, bool batch_allowed)
{
    if (s->rank < 0 || s->rank > AN_MAX_RANK) return an__bad(g, "%s: rank %d is outside 0 .. %d", what, s->rank, (int)AN_MAX_RANK);
    for (int i = s->rank; i < AN_MAX_RANK; i++) s->dim[i] = 0; /* so that equal shapes are equal bytes */
    int64_t c, d;
    int power;
    for (int i = 0; i < s->rank; i++) {
        if (s->dim[i] < 0 && (!batch_allowed || numerator(s->dim[i]) <= 0 || divisor_of(s->dim[i]) == 0))
            return an__bad(g, "%s: dimension %d is %s", what, i, batch_allowed ? "negative" : "negative or a multiple of the batch");
        s->dim[i] = an__dim_reduced(s->dim[i]);
    }
    if (!an__shape_count(s, &c, &d, &power)) return an__bad(g, "%s: too many elements", what);
    return true;
}

bool an__shape_count(const an_shape *s, int64_t *coefficient, int64_t *divisor, int *power)
{
    int64_t n = 1, d = 1;
    int p = 0;
    for (int i = 0; i < s->rank; i++) {
        int64_t dim = s->dim[i];
        if (dim < 0) p++;
        if (__builtin_mul_overflow(n, dim < 0 ? numerator(dim) : dim, &n) || __builtin_mul_overflow(d, dim < 0 ? divisor_of(dim) : 1, &d))
            return false;
        int64_t by = gcd(n, d);
        if (by > 1) {
            n /= by;
            d /= by;
        }
    }
    *coefficient = n;
    *divisor = d;
    *power = p;
    return n < INT64_C(1) << 46;
}

bool an__shape_at(const an_shape *s, int64_t rows, an_shape *out)
{
    an_shape r = { s->rank, { 0 } };
    for (int i = 0; i < s->rank; i++)
        if ((r.dim[i] = an_dim_at(s->dim[i], rows)) < 0) return false;
    *out = r;
    return true;
}

int64_t an__shape_count_at(const an_shape *s, int64_t rows)
{
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++) {
        int64_t d = an_dim_at(s->dim[i], rows);
        if (d < 0 || __builtin_mul_overflow(n, d, &n)) return -1;
    }
    return n;
}

bool an__shape_broadcast(const an_shape *a, const an_shape *b, an_shape *out)
{
    an_shape r = { a->rank > b->rank ? a->rank : b->rank, { 0 } };
    for (int i = 1; i <= r.rank; i++) {
        int64_t x = i <= a->rank ? a->dim[a->rank - i] : 1, y = i <= b->rank ? b->dim[b->rank - i] : 1;
        if (x != y && x != 1 && y != 1) return false;
        r.dim[r.rank - i] = x == 1 ? y : x;
    }
    *out = r;
    return true;
}

bool an__shape_fits(const an_shape *small, const an_shape *to)
{
    an_shape r;
    return small->rank <= to->rank && an__shape_broadcast(small, to, &r) && an__shape_same(&r, to);
}

bool an__axis(int64_t *axis, int rank)
{
    if (*axis < 0) *axis += rank;
    return *axis >= 0 && *axis < rank;
}

unsigned an__shape_cuts(const an_shape *s, const an_shape *to)
{
    unsigned cuts = 0;
    int lead = to->rank - s->rank;
    for (int p = 0; p <= to->rank; p++) {
        bool full[2] = { true, true }, flat[2] = { true, true };
        for (int i = 0; i < to->rank; i++) {
            int64_t d = i < lead ? 1 : s->dim[i - lead];
            full[i >= p] = full[i >= p] && d == to->dim[i];
            flat[i >= p] = flat[i >= p] && d == 1;
        }
        if ((full[0] || flat[0]) && (full[1] || flat[1])) cuts |= 1u << p;
    }
    return cuts;
}
