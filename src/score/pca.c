/* pca.c - principal components of a real matrix, from the covariance of the columns or, where there are fewer rows than columns, from the
 * Gram matrix of the rows (same axes, smaller eigenproblem). Eigenvectors by LAPACK's dsyevr.
 */
#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "andon/score.h"

/* The distribution's serial OpenBLAS shares its work buffers between threads without a lock. */
static pthread_mutex_t lapack_lock = PTHREAD_MUTEX_INITIALIZER;

/* The k largest eigenvalues, descending, and their vectors as lines of `vectors` (k x n); s (n x n, lower triangle) is destroyed. */
static bool largest_eigen(double *s, size_t n, size_t k, double *values, double *vectors, an_error *err)
{
    double *w = an_alloc_data(n, sizeof *w, "eigenvalues", err), *z = an_alloc_data(n * k, sizeof *z, "eigenvectors", err);
    lapack_int *support = an_alloc_data(2 * n, sizeof *support, "eigenvectors", err), found = 0, status = -1;
    bool ok = w && z && support;
    if (ok) {
        /* the lower triangle by rows is the upper one by columns */
        pthread_mutex_lock(&lapack_lock);
        status = LAPACKE_dsyevr(LAPACK_COL_MAJOR, 'V', 'I', 'U', (lapack_int)n, s, (lapack_int)n, 0, 0, (lapack_int)(n - k + 1),
                                (lapack_int)n, 0, &found, w, z, (lapack_int)n, support);
        pthread_mutex_unlock(&lapack_lock);
        ok = status == 0 && (size_t)found == k;
        if (!ok) {
            an_fail(err, AN_FAILED, "the principal components did not converge (LAPACK dsyevr: %d)", (int)status);
        }
    }
    for (size_t i = 0; ok && i < k; i++) {
        values[i] = w[k - 1 - i];
        memcpy(vectors + i * n, z + (k - 1 - i) * n, n * sizeof *vectors);
    }
    free(w);
    free(z);
    free(support);
    return ok;
}

static void center(const double *x, size_t n, size_t d, double *mean, double *out)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < d; j++) {
            mean[j] += x[i * d + j];
        }
    }
    for (size_t j = 0; j < d; j++) {
        mean[j] /= (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < d; j++) {
            out[i * d + j] = x[i * d + j] - mean[j];
        }
    }
}

static void transpose(const double *x, size_t n, size_t d, double *out)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < d; j++) {
            out[j * n + i] = x[i * d + j];
        }
    }
}

/* Length 1, largest component positive; a direction without variance stays zero. */
static void finish_axis(double *axis, size_t d)
{
    double squares = 0, largest = 0;
    for (size_t j = 0; j < d; j++) {
        squares += axis[j] * axis[j];
        largest = fabs(axis[j]) > fabs(largest) ? axis[j] : largest;
    }
    double scale = squares > 0 ? copysign(1 / sqrt(squares), largest) : 0;
    for (size_t j = 0; j < d; j++) {
        axis[j] *= scale;
    }
}

static bool fit(an_pca *p, const double *x, size_t n, an_error *err)
{
    size_t d = p->d, k = p->k, side = d <= n ? d : n, asked = k < side ? k : side;
    double *rows = an_alloc_data(n * d, sizeof *rows, "centred rows", err),
           *square = an_alloc_data(side * side, sizeof *square, "covariance", err);
    double *values = an_alloc_data(side, sizeof *values, "eigenvalues", err),
           *vectors = an_alloc_data(asked * side, sizeof *vectors, "eigenvectors", err);
    double *columns = side < d ? an_alloc_data(n * d, sizeof *columns, "centred columns", err) : NULL;
    bool ok = rows && square && values && vectors && (columns || side == d);
    double total = 0;
    if (ok) {
        center(x, n, d, p->mean, rows);
        if (columns) {
            transpose(rows, n, d, columns);
        }
        an_gram_add(columns ? columns : rows, columns ? d : n, side, square);
        for (size_t i = 0; i < side; i++) {
            total += square[i * side + i];
        }
        ok = isfinite(total) || an_fail(err, AN_INPUT, "principal components: the values are too large to square");
    }
    ok = ok && largest_eigen(square, side, asked, values, vectors, err);
    for (size_t i = 0; ok && i < asked; i++) {
        double *axis = p->axes + i * d;
        if (!(values[i] > (double)(n + d) * DBL_EPSILON * values[0]) || !(values[0] > 0)) {
            break; /* the rest is rounding: axes and shares stay zero */
        }
        for (size_t r = 0; columns && r < n; r++) { /* the axis is the rows weighted by the vector of the Gram matrix */
            for (size_t j = 0; j < d; j++) {
                axis[j] += vectors[i * side + r] * rows[r * d + j];
            }
        }
        if (!columns) {
            memcpy(axis, vectors + i * side, d * sizeof *axis);
        }
        finish_axis(axis, d);
        p->explained[i] = fmin(1, values[i] / total);
    }
    free(rows);
    free(square);
    free(values);
    free(vectors);
    free(columns);
    return ok;
}

an_pca *an_pca_fit(const double *x, size_t n, size_t d, size_t k, an_error *err)
{
    if (n == 0 || d == 0 || k == 0 || k > d) {
        an_fail(err, AN_INPUT,
                "%zu principal components of %zu rows and %zu columns: there must be rows, and from 1 to as many components as columns", k,
                n, d);
        return NULL;
    }
    for (size_t i = 0; i < n * d; i++) {
        if (!isfinite(x[i])) {
            an_fail(err, AN_INPUT, "principal components: row %zu, column %zu is not a finite number", i / d + 1, i % d + 1);
            an_hint(err, "fill in missing values first");
            return NULL;
        }
    }
    an_pca *p = an_alloc(sizeof *p);
    p->d = d;
    p->k = k;
    p->mean = an_alloc_n(d, sizeof *p->mean);
    p->axes = an_alloc_data(k * d, sizeof *p->axes, "principal axes", err);
    p->explained = an_alloc_n(k, sizeof *p->explained);
    if (!p->axes || !fit(p, x, n, err)) {
        an_pca_free(p);
        return NULL;
    }
    return p;
}

void an_pca_apply(const an_pca *p, const double *x, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t a = 0; a < p->k; a++) {
            double sum = 0;
            for (size_t j = 0; j < p->d; j++) {
                sum += (x[i * p->d + j] - p->mean[j]) * p->axes[a * p->d + j];
            }
            out[i * p->k + a] = sum;
        }
    }
}

void an_pca_free(an_pca *p)
{
    if (p) {
        free(p->mean);
        free(p->axes);
        free(p->explained);
        free(p);
    }
}
