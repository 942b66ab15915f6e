/* logistic_solver.h - L2-regularised logistic regression as a numeric function; who wraps it is logistic.c. */
#ifndef ANDON_LEARN_LOGISTIC_SOLVER_H
#define ANDON_LEARN_LOGISTIC_SOLVER_H

#include "andon/base.h"

typedef struct an__logistic_options {
    double c;         /* inverse strength of the penalty, > 0 */
    double tolerance; /* of the gradient's norm, relative to that at zero coefficients */
    int iterations;   /* most Newton steps */
} an__logistic_options;

typedef struct an__logistic_fit {
    double *w; /* d, owned by the caller: free() */
    double intercept;
    int iterations;
    bool converged;   /* the tolerance was met, or rounding allows no further descent */
    double objective; /* value at w, intercept */
    double gradient;  /* norm at w, intercept, relative as in tolerance */
} an__logistic_fit;

/* Minimises 1/2 |w|^2 + c * sum_i weight_i * log(1 + exp(-y_i (w x_i + intercept))), y_i = 1 where label_i, else -1. The intercept is not
 * penalised. x: n x d, row-major, finite; weight: n, finite, >= 0, NULL: all 1. Deterministic for any number of threads.
 * AN_INPUT: a value or weight out of range, or only one class with weight. Not converging within the iterations is not an error. */
bool an__logistic_solve(const double *x, size_t n, size_t d, const uint8_t *label, const double *weight,
                        const an__logistic_options *options, an__logistic_fit *out, an_job *job, an_error *err);

#endif
